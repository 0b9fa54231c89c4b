//! Hashing one file, in memory that does not grow with it: a large one on every core, a small one on one.
//!
//! No `mmap`: a mapped file that someone truncates kills the process. How many threads is the pool's to say in which the
//! caller runs. A file that changes while it is read is refused: its stamp is taken before the first byte and after the
//! last.

use std::cell::RefCell;
use std::path::Path;

use sha2::Digest as _;

use crate::artifact::tree::FileMode;
use crate::capture::known::KnownFiles;
use crate::capture::open::{CaptureError, FileStamp, OpenFile, Shown};
use crate::capture::parts::hash_blocks;
use crate::capture::read::{BLOCK, Reader};
use crate::digest::{FileDigest, FileHasher, Sha256Digest};

/// Larger files are refused unless the caller says otherwise: what ext4 can hold.
const MAX_FILE_BYTES: u64 = 16 << 40;

/// Read size of a thread that hashes one file alone; small because every thread of the pool keeps such a buffer.
const SMALL_BUFFER: usize = 256 << 10;

/// Whom a capture works for, on any thread.
pub trait Progress: Sync {
    /// Hears that `bytes` more were read. Whoever limits the rate of reading keeps the caller waiting here.
    fn add(&self, bytes: u64);

    /// What files hashed to before, where that may be used.
    fn known(&self) -> Option<&KnownFiles> {
        None
    }
}

/// Nobody watches.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn add(&self, _: u64) {}
}

/// A second digest to take of the same bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Also {
    /// None.
    #[default]
    Nothing,
    /// SHA-256, for files that others name so. It costs three to five times the time of BLAKE3 alone.
    Sha256,
}

/// How to hash a file.
#[derive(Debug, Clone, Copy)]
pub struct HashOptions {
    /// Refuse larger files before reading them: a sparse file costs its maker nothing.
    pub max_bytes: u64,
    /// A second digest.
    pub also: Also,
    /// What to do with a file that is not known from before.
    pub unknown: Unknown,
}

/// What to do with a file whose digest is not known from before.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Unknown {
    /// Read it.
    #[default]
    Hash,
    /// Stop: the caller only wants to know whether everything is known.
    Refuse,
}

impl Default for HashOptions {
    fn default() -> Self {
        Self { max_bytes: MAX_FILE_BYTES, also: Also::Nothing, unknown: Unknown::Hash }
    }
}

/// One file, hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HashedFile {
    /// Its state before and after.
    pub stamp: FileStamp,
    /// Whether it may be executed.
    pub mode: FileMode,
    /// BLAKE3 of its bytes.
    pub digest: FileDigest,
    /// SHA-256 of the same bytes, where it was asked for.
    pub sha256: Option<Sha256Digest>,
}

impl HashedFile {
    /// Bytes in the file.
    pub fn size(&self) -> u64 {
        self.stamp.size
    }
}

/// Hashes the regular file at `path`, on every core where it is large.
pub fn hash_file(path: &Path, options: &HashOptions, progress: &dyn Progress) -> Result<HashedFile, CaptureError> {
    hash_large(&OpenFile::argument(path)?, options, progress)
}

/// Hashes a file on every core where it is large.
pub(crate) fn hash_large(
    open: &OpenFile,
    options: &HashOptions,
    progress: &dyn Progress,
) -> Result<HashedFile, CaptureError> {
    unless_known(open, options, progress, || {
        // Starting threads takes as long as hashing a block.
        if open.stamp.size <= 2 * BLOCK || rayon::current_num_threads() == 1 {
            return hash_stream(open, options.also, progress);
        }
        let hashed = hash_blocks(open, &[], options.also, progress)?;
        Ok((hashed.file, hashed.sha256))
    })
}

/// Hashes a file on the calling thread alone, for callers that hash many files at once.
pub(crate) fn hash_small(
    open: &OpenFile,
    options: &HashOptions,
    progress: &dyn Progress,
) -> Result<HashedFile, CaptureError> {
    unless_known(open, options, progress, || hash_stream(open, options.also, progress))
}

/// A file that was read for another reason, with the digest of what was read: as if it had been hashed. A second digest
/// means reading it again.
pub(crate) fn hashed_already(
    open: &OpenFile,
    digest: FileDigest,
    options: &HashOptions,
    progress: &dyn Progress,
) -> Result<HashedFile, CaptureError> {
    if options.also == Also::Sha256 {
        let file = hash_large(open, options, progress)?;
        return if file.digest == digest { Ok(file) } else { Err(open.changed()) };
    }
    open.check_unchanged()?;
    progress.add(open.stamp.size);
    let file = HashedFile { stamp: open.stamp, mode: open.mode, digest, sha256: None };
    if let Some(known) = progress.known() {
        known.learn(&open.file, &file);
    }
    Ok(file)
}

/// Hashes a file that is not known from before, and remembers it.
fn unless_known(
    open: &OpenFile,
    options: &HashOptions,
    progress: &dyn Progress,
    hash: impl FnOnce() -> Result<Digests, CaptureError>,
) -> Result<HashedFile, CaptureError> {
    check_size(open, options)?;
    let (stamp, mode, known) = (open.stamp, open.mode, progress.known());
    if let Some((digest, sha256)) = known.and_then(|known| known.look(&stamp, options.also)) {
        return Ok(HashedFile { stamp, mode, digest, sha256 });
    }
    if options.unknown == Unknown::Refuse {
        return Err(CaptureError::NotKnown { path: Shown::of(&open.shown) });
    }
    let (digest, sha256) = hash()?;
    open.check_unchanged()?;
    let hashed = HashedFile { stamp, mode, digest, sha256 };
    if let Some(known) = known {
        known.learn(&open.file, &hashed);
    }
    Ok(hashed)
}

pub(super) fn check_size(open: &OpenFile, options: &HashOptions) -> Result<(), CaptureError> {
    let (size, limit) = (open.stamp.size, options.max_bytes);
    if size <= limit { Ok(()) } else { Err(CaptureError::TooLarge { path: Shown::of(&open.shown), size, limit }) }
}

/// BLAKE3, and SHA-256 where it was asked for.
type Digests = (FileDigest, Option<Sha256Digest>);

/// One thread, one buffer kept from file to file.
fn hash_stream(open: &OpenFile, also: Also, progress: &dyn Progress) -> Result<Digests, CaptureError> {
    thread_local! {
        static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; SMALL_BUFFER + 1]);
    }
    BUFFER.with_borrow_mut(|buffer| {
        let (size, reader) = (open.stamp.size, Reader::new(open));
        let mut sha256 = (also == Also::Sha256).then(sha2::Sha256::new);
        let mut hasher = FileHasher::new();
        let mut at = 0;
        while size - at > SMALL_BUFFER as u64 {
            let block = &mut buffer[..SMALL_BUFFER];
            reader.whole(block, at)?;
            hasher.update(block);
            sha256.iter_mut().for_each(|sha256| sha256.update(&*block));
            at += SMALL_BUFFER as u64;
            progress.add(SMALL_BUFFER as u64);
        }
        let left = usize::try_from(size - at).expect("at most one buffer is left");
        // One byte more than is left: that the file ends where it should is seen in the same call. Files under /proc
        // say they are empty and are not.
        if reader.until(&mut buffer[..=left], at, left)? != left {
            return Err(open.changed());
        }
        let rest = &buffer[..left];
        progress.add(left as u64);
        sha256.iter_mut().for_each(|sha256| sha256.update(rest));
        let sha256 = sha256.map(|sha256| Sha256Digest::from_bytes(sha256.finalize().into()));
        if at == 0 {
            return Ok((FileDigest::of(rest), sha256));
        }
        hasher.update(rest);
        Ok((hasher.finish(), sha256))
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::fs::{self, File};
    use std::io::Write;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::path::PathBuf;
    use std::sync::atomic::{AtomicU64, Ordering};

    use proptest::prelude::*;

    use super::*;

    fn bytes(len: usize) -> Vec<u8> {
        (0..len).map(|i| u8::try_from((i * 31 + i / 251) % 256).unwrap()).collect()
    }

    fn written(folder: &tempfile::TempDir, bytes: &[u8]) -> PathBuf {
        let path = folder.path().join("file");
        fs::write(&path, bytes).unwrap();
        path
    }

    fn hashed(path: &Path) -> Result<HashedFile, CaptureError> {
        hash_file(path, &HashOptions::default(), &Silent)
    }

    fn check_all_ways(content: &[u8]) {
        let folder = tempfile::tempdir().unwrap();
        let path = written(&folder, content);
        let expected = FileDigest::of(content);
        let open = || OpenFile::argument(&path).unwrap();
        let sha256 = Some(Sha256Digest::of(content));
        let stream = |also| hash_stream(&open(), also, &Silent).unwrap();
        assert_eq!(stream(Also::Nothing), (expected, None), "stream of {}", content.len());
        assert_eq!(stream(Also::Sha256), (expected, sha256), "stream of {}", content.len());
        let blocks = |also| hash_blocks(&open(), &[], also, &Silent).unwrap();
        for threads in 1..4 {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let found = pool.install(|| blocks(Also::Nothing));
            assert_eq!((found.file, found.sha256), (expected, None), "blocks of {}", content.len());
        }
        let found = blocks(Also::Sha256);
        assert_eq!((found.file, found.sha256), (expected, sha256), "blocks of {}", content.len());
        let both = hash_file(&path, &HashOptions { also: Also::Sha256, ..HashOptions::default() }, &Silent).unwrap();
        assert_eq!(both.digest, expected);
        assert_eq!(both.sha256, sha256);
        assert_eq!(both.size(), content.len() as u64);
        assert_eq!(hashed(&path).unwrap(), HashedFile { sha256: None, ..both });
    }

    #[test]
    fn every_way_of_hashing_gives_the_digest_of_the_bytes() {
        let content = bytes((9 << 20) + 1);
        let edges = [0, 1, 10, 15, 16, 18, 20].map(|bits| 1_usize << bits).into_iter();
        for edge in edges.chain([0, SMALL_BUFFER, 2 * SMALL_BUFFER]).chain((2..=9).map(|mib| mib << 20)) {
            for len in [edge.saturating_sub(1), edge, edge + 1] {
                check_all_ways(&content[..len]);
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn any_length_gives_the_digest_of_the_bytes(len in 0_usize..6 << 20) {
            check_all_ways(&bytes(len));
        }
    }

    #[test]
    fn progress_adds_up_to_the_size() {
        struct Sum(AtomicU64);
        impl Progress for Sum {
            fn add(&self, bytes: u64) {
                self.0.fetch_add(bytes, Ordering::Relaxed);
            }
        }
        let folder = tempfile::tempdir().unwrap();
        for len in [0, 5, 1 << 20, (5 << 20) + 3] {
            let path = written(&folder, &bytes(len));
            for also in [Also::Nothing, Also::Sha256] {
                let sum = Sum(AtomicU64::new(0));
                hash_file(&path, &HashOptions { also, ..HashOptions::default() }, &sum).unwrap();
                assert_eq!(sum.0.into_inner(), len as u64);
            }
        }
    }

    #[test]
    fn what_is_no_regular_file_is_refused_at_once_and_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let fifo = at("fifo");
        assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
        let text = hashed(&fifo).unwrap_err().to_string();
        assert_eq!(text, format!("`{}` is a named pipe, expected a regular file", fifo.display()));
        let _socket = std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
        assert!(hashed(&at("socket")).unwrap_err().to_string().contains("is a socket, expected"));
        assert!(hashed(Path::new("/dev/zero")).unwrap_err().to_string().contains("is a device, expected"));
        assert!(hashed(folder.path()).unwrap_err().to_string().contains("is a folder, expected"));
        assert!(matches!(hashed(&at("none")), Err(CaptureError::Missing { .. })));

        fs::write(at("file"), "x").unwrap();
        symlink("file", at("link")).unwrap();
        let text = hashed(&at("link")).unwrap_err().to_string();
        let expected = format!("`{}` is a link; name what it points to instead: `file`", at("link").display());
        assert_eq!(text, expected);
    }

    #[test]
    fn a_file_that_hides_its_size_is_refused() {
        assert!(matches!(hashed(Path::new("/proc/self/status")), Err(CaptureError::Changed { .. })));
    }

    #[test]
    fn a_sparse_giant_is_refused_before_it_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sparse");
        File::create(&path).unwrap().set_len(1 << 40).unwrap();
        let options = HashOptions { max_bytes: 1 << 30, ..HashOptions::default() };
        let text = hash_file(&path, &options, &Silent).unwrap_err().to_string();
        let expected = format!("`{}` has 1099511627776 bytes, the limit is 1073741824", path.display());
        assert_eq!(text, expected);
    }

    /// Writes to a file whenever some of it was hashed.
    struct Meddler<'a>(&'a Path);

    impl Progress for Meddler<'_> {
        fn add(&self, _: u64) {
            File::options().append(true).open(self.0).unwrap().write_all(b"more").unwrap();
        }
    }

    #[test]
    fn a_file_that_changes_while_it_is_hashed_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = written(&folder, &bytes(9 << 20));
        for also in [Also::Nothing, Also::Sha256] {
            let options = HashOptions { also, ..HashOptions::default() };
            let text = hash_file(&path, &options, &Meddler(&path)).unwrap_err().to_string();
            assert_eq!(text, format!("`{}` changed while it was hashed", path.display()));
        }
    }

    #[test]
    fn a_change_hidden_behind_a_restored_time_shows_in_the_stamp() {
        let folder = tempfile::tempdir().unwrap();
        let path = written(&folder, b"old");
        let open = OpenFile::argument(&path).unwrap();
        let before = fs::metadata(&path).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(20));
        fs::write(&path, b"new").unwrap();
        File::options().write(true).open(&path).unwrap().set_modified(before.modified().unwrap()).unwrap();
        let after = FileStamp::of(&fs::metadata(&path).unwrap());
        assert_eq!((after.size, after.modified), (open.stamp.size, open.stamp.modified));
        assert_ne!(after, open.stamp);
        assert!(matches!(open.check_unchanged(), Err(CaptureError::Changed { .. })));
    }

    #[test]
    fn a_file_cut_short_after_it_was_opened_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = written(&folder, &bytes(5 << 20));
        let open = OpenFile::argument(&path).unwrap();
        File::options().write(true).open(&path).unwrap().set_len(3 << 20).unwrap();
        assert!(matches!(hash_stream(&open, Also::Nothing, &Silent), Err(CaptureError::Changed { .. })));
        for also in [Also::Nothing, Also::Sha256] {
            assert!(matches!(hash_blocks(&open, &[], also, &Silent), Err(CaptureError::Changed { .. })));
        }
    }

    #[test]
    fn an_unreadable_file_is_named() {
        if rustix::process::geteuid().is_root() {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let path = written(&folder, b"x");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
        assert_eq!(hashed(&path).unwrap_err().to_string(), format!("`{}` cannot be opened", path.display()));
    }
}

//! Hashing one file on every core, in memory that does not grow with the file.
//!
//! Threads read aligned blocks with `pread` and hash each as a subtree of the BLAKE3 tree; the subtrees are merged as they
//! come in, so the result is what `b3sum` prints. No `mmap`: a mapped file that someone truncates kills the process.
//! How many threads is the pool's to say in which the caller runs.
//! A file that changes while it is read is refused: its stamp is taken before the first byte and after the last.
//!
//! Tree: <https://github.com/BLAKE3-team/BLAKE3-specs/blob/master/blake3.pdf> §2.1

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use sha2::Digest as _;

use crate::artifact::tree::FileMode;
use crate::capture::known::KnownFiles;
use crate::capture::open::{CaptureError, FileStamp, OpenFile, Shown};
use crate::capture::read::Reader;
use crate::digest::{FileDigest, FileHasher, Sha256Digest, Subtree};

/// Larger files are refused unless the caller says otherwise: what ext4 can hold.
pub const MAX_FILE_BYTES: u64 = 16 << 40;

/// One subtree and one read: a power of two, large enough that locks and system calls vanish, small enough for the caches,
/// and as large as the largest page of the page cache, so that no two reads share one.
pub(super) const BLOCK: u64 = 2 << 20;

/// More threads than this saturate any disk and memory; it bounds the blocks in memory to half of the promised 64 MiB.
pub(super) const MAX_THREADS: usize = 16;

/// Read size of a thread that hashes one file alone; small because every thread of the pool keeps such a buffer.
const SMALL_BUFFER: usize = 256 << 10;

/// Blocks between the reader and the SHA-256 thread.
const QUEUE: usize = 8;

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
    let threads = rayon::current_num_threads().min(MAX_THREADS);
    unless_known(open, options, progress, || {
        // Starting threads takes as long as hashing a block.
        if open.stamp.size <= 2 * BLOCK || threads == 1 {
            return hash_stream(open, options.also, progress);
        }
        match options.also {
            Also::Nothing => Ok((hash_blocks(open, threads, progress)?, None)),
            Also::Sha256 => hash_twice(open, progress),
        }
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

/// Every core: each thread takes the next block, so the disk sees one nearly sequential reader.
fn hash_blocks(open: &OpenFile, threads: usize, progress: &dyn Progress) -> Result<FileDigest, CaptureError> {
    let (size, reader) = (open.stamp.size, Reader::new(open));
    let blocks = size.div_ceil(BLOCK);
    let next = AtomicU64::new(0);
    let merger = Mutex::new(Merger::default());
    let work = || -> Result<(), CaptureError> {
        let mut buffer = vec![0; block_len(BLOCK)];
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= blocks {
                return Ok(());
            }
            let at = index * BLOCK;
            let block = &mut buffer[..block_len(size - at)];
            if let Err(e) = reader.whole(block, at) {
                // The other threads need not go on.
                next.store(blocks, Ordering::Relaxed);
                return Err(e);
            }
            let subtree = Subtree::of(block, at);
            progress.add(block.len() as u64);
            merger.lock().expect("no thread panics with the lock held").push(index, subtree);
        }
    };
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let own = work();
        others.into_iter().map(|thread| thread.join().expect("hashing does not panic")).fold(own, Result::and)
    })?;
    Ok(merger.into_inner().expect("no thread panics with the lock held").finish())
}

/// The length of the block at whose start `left` bytes are left.
fn block_len(left: u64) -> usize {
    usize::try_from(left.min(BLOCK)).expect("a block fits memory")
}

/// Merges the subtrees of equal blocks, which come in nearly in order, keeping one hash for each level.
#[derive(Default)]
struct Merger {
    early: BTreeMap<u64, Subtree>,
    /// Roots of complete subtrees, largest first. The last two are merged only when another block follows: if none
    /// does, theirs is the root of the file, which is hashed apart.
    range: Vec<Subtree>,
    count: u64,
}

impl Merger {
    fn push(&mut self, index: u64, subtree: Subtree) {
        self.early.insert(index, subtree);
        while let Some(subtree) = self.early.remove(&self.count) {
            while self.range.len() > self.count.count_ones() as usize {
                self.merge_last();
            }
            self.range.push(subtree);
            self.count += 1;
        }
    }

    fn merge_last(&mut self) {
        let right = self.range.pop().expect("the caller counted two subtrees");
        let left = self.range.pop().expect("the caller counted two subtrees");
        self.range.push(left.merge(right));
    }

    fn finish(mut self) -> FileDigest {
        while self.range.len() > 2 {
            self.merge_last();
        }
        let [left, right] = self.range[..] else { unreachable!("a file of two or more blocks has two subtrees left") };
        left.merge_root(right)
    }
}

/// BLAKE3 on this thread and SHA-256 on another, of the very same bytes. SHA-256 sets the pace.
fn hash_twice(open: &OpenFile, progress: &dyn Progress) -> Result<Digests, CaptureError> {
    let (full, to_hash): (SyncSender<Vec<u8>>, Receiver<Vec<u8>>) = sync_channel(QUEUE);
    let (empty, to_fill) = sync_channel(QUEUE);
    for _ in 0..QUEUE {
        empty.send(Vec::new()).expect("the receiver lives below");
    }
    std::thread::scope(|scope| {
        let second = scope.spawn(move || {
            let mut sha256 = sha2::Sha256::new();
            for block in to_hash {
                sha256.update(&block);
                // The reader may have finished.
                let _ = empty.send(block);
            }
            Sha256Digest::from_bytes(sha256.finalize().into())
        });
        let (mut hasher, reader) = (FileHasher::new(), Reader::new(open));
        let mut at = 0;
        while at < open.stamp.size {
            let mut block: Vec<u8> = to_fill.recv().expect("the other thread hands every block back");
            block.resize(block_len(open.stamp.size - at), 0);
            reader.whole(&mut block, at)?;
            at += block.len() as u64;
            progress.add(block.len() as u64);
            hasher.update(&block);
            full.send(block).expect("the other thread takes every block");
        }
        drop(full);
        Ok((hasher.finish(), Some(second.join().expect("hashing does not panic"))))
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::fs::{self, File};
    use std::io::Write;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::path::PathBuf;

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
        if content.len() as u64 > BLOCK {
            for threads in 1..4 {
                assert_eq!(hash_blocks(&open(), threads, &Silent).unwrap(), expected, "blocks of {}", content.len());
            }
        }
        assert_eq!(hash_twice(&open(), &Silent).unwrap(), (expected, sha256), "twice of {}", content.len());
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

        #[test]
        fn subtrees_may_come_in_any_order(order in Just((0..21_u64).collect::<Vec<_>>()).prop_shuffle(), last in 1..=1024_usize) {
            let content = bytes(20 * 1024 + last);
            let mut merger = Merger::default();
            for index in order {
                let at = usize::try_from(index).unwrap() * 1024;
                merger.push(index, Subtree::of(&content[at..content.len().min(at + 1024)], at as u64));
            }
            prop_assert_eq!(merger.finish(), FileDigest::of(&content));
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
        assert!(matches!(hash_blocks(&open, 2, &Silent), Err(CaptureError::Changed { .. })));
        assert!(matches!(hash_twice(&open, &Silent), Err(CaptureError::Changed { .. })));
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

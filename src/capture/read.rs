//! Reading files, large ones without pushing other files out of the page cache.
//!
//! Whoever records a checkpoint of a hundred gigabytes on the machine that trains would otherwise replace everything the
//! training keeps there. So a large file is read in blocks, in the first of these ways that is to be had:
//!
//! 1. past the page cache (`O_DIRECT`), where the file system says it can and hardly a sampled page of the file was there:
//!    nothing is copied, and the disk is as fast as it can be;
//! 2. with `RWF_DONTCACHE` (Linux from 6.14 on): a read drops exactly the pages that it brought in, and keeps those that
//!    were there;
//! 3. as any program reads; if hardly a sampled page was there, every block is dropped behind the reader.
//!
//! Reference: <https://man7.org/linux/man-pages/man2/preadv2.2.html>

mod block;

use std::io;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicBool, Ordering};

pub(super) use block::{BLOCK, Block, BlockReader};

use crate::capture::open::{CaptureError, OpenFile, io_error};

/// Smaller files are read as any program reads: recorded and used again soon, and soon replaced.
const DROP_BEHIND_FROM: u64 = 64 << 20;

/// Pages looked at to learn whether a file was in the cache before.
#[cfg(target_os = "linux")]
const SAMPLES: u64 = 64;

/// A file being read, from any thread.
pub(super) struct Reader<'a> {
    open: &'a OpenFile,
    /// What is to become of the pages that are read.
    pages: Pages,
    /// Whether the kernel cannot be asked to drop what a read brought in.
    is_refused: AtomicBool,
}

/// What becomes of pages that were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pages {
    /// They stay.
    Keep,
    /// Those stay that were there before: many.
    Mixed,
    /// They go: hardly one was there before.
    Drop,
}

impl<'a> Reader<'a> {
    /// Reads `open`, and drops its pages again if it is large and nobody had them.
    pub(super) fn new(open: &'a OpenFile) -> Self {
        let pages = match open.stamp.size {
            ..DROP_BEHIND_FROM => Pages::Keep,
            #[cfg(target_os = "linux")]
            size => linux::sample(&open.file, size),
            #[cfg(not(target_os = "linux"))]
            _ => Pages::Keep,
        };
        Self { open, pages, is_refused: AtomicBool::new(false) }
    }

    /// Reads `open` and leaves its pages where they are, because someone else reads the file, too.
    pub(super) fn keeping(open: &'a OpenFile) -> Self {
        Self { open, pages: Pages::Keep, is_refused: AtomicBool::new(false) }
    }

    /// Fills the buffer from `at` on; a file that ends before was changed.
    ///
    /// The kernel drops the pages of one read when it is done: reads of one file should not share a page of theirs, which
    /// may be 2 MiB large.
    pub(super) fn whole(&self, buffer: &mut [u8], at: u64) -> Result<(), CaptureError> {
        let len = buffer.len();
        if self.until(buffer, at, len)? == len { Ok(()) } else { Err(self.open.changed()) }
    }

    /// Reads at least `enough` bytes unless the file ends before; says how many there were.
    pub(super) fn until(&self, buffer: &mut [u8], at: u64, enough: usize) -> Result<usize, CaptureError> {
        self.until_with(buffer, at, enough, |buffer, at| self.read(buffer, at))
    }

    /// The same, by some way of reading.
    fn until_with(
        &self,
        buffer: &mut [u8],
        at: u64,
        enough: usize,
        read: impl Fn(&mut [u8], u64) -> io::Result<usize>,
    ) -> Result<usize, CaptureError> {
        let mut filled = 0;
        loop {
            match read(&mut buffer[filled..], at + filled as u64) {
                Ok(0) => return Ok(filled),
                Ok(read) => filled += read,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(source) => return Err(io_error(&self.open.shown, "read", source)),
            }
            if filled >= enough {
                return Ok(filled);
            }
        }
    }

    /// Reads some bytes at `at`; none only where the file ends.
    pub(super) fn read(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        #[cfg(target_os = "linux")]
        if self.pages != Pages::Keep && !self.is_refused.load(Ordering::Relaxed) {
            match linux::read_uncached(&self.open.file, buffer, at) {
                Ok(read) => return Ok(read),
                Err(error) if !linux::is_unsupported(error) => return Err(error.into()),
                Err(_) => self.is_refused.store(true, Ordering::Relaxed),
            }
        }
        let read = self.open.file.read_at(buffer, at)?;
        #[cfg(target_os = "linux")]
        if self.pages == Pages::Drop {
            linux::drop_pages(&self.open.file, at, read as u64);
        }
        Ok(read)
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::fs::File;
    use std::io::IoSliceMut;
    use std::num::NonZero;

    use rustix::fs::Advice;
    use rustix::io::{Errno, ReadWriteFlags, preadv2};

    use super::{Pages, SAMPLES};

    /// `RWF_DONTCACHE`, which rustix does not name yet.
    const DONTCACHE: ReadWriteFlags = ReadWriteFlags::from_bits_retain(0x80);

    pub(super) fn read_uncached(file: &File, buffer: &mut [u8], at: u64) -> rustix::io::Result<usize> {
        preadv2(file, &mut [IoSliceMut::new(buffer)], at, DONTCACHE)
    }

    /// What older kernels, some file systems and some sandboxes answer.
    pub(super) fn is_unsupported(error: Errno) -> bool {
        matches!(error, Errno::OPNOTSUPP | Errno::INVAL | Errno::NOSYS)
    }

    /// Whether a file's pages may be dropped: only if less than a quarter of those looked at is there.
    ///
    /// Some may seem to be there that were not: looking asks for them, and the disk may be faster than the look.
    pub(super) fn sample(file: &File, size: u64) -> Pages {
        // Advice is a hint: without it, looking reads a little more than the page looked at.
        let _ = rustix::fs::fadvise(file, 0, None, Advice::Random);
        // Not the first page and not the last, which everyone looks at who wants to know what a file is.
        let place = |sample| size / (2 * SAMPLES) * (2 * sample + 1);
        let there = (0..SAMPLES).filter(|sample| is_there(file, place(*sample))).count() as u64;
        let _ = rustix::fs::fadvise(file, 0, None, Advice::Normal);
        if there < SAMPLES / 4 { Pages::Drop } else { Pages::Mixed }
    }

    /// Whether the page at `at` is there, or cannot be told to be absent.
    pub(super) fn is_there(file: &File, at: u64) -> bool {
        let looked = preadv2(file, &mut [IoSliceMut::new(&mut [0])], at, ReadWriteFlags::NOWAIT);
        looked != Err(Errno::AGAIN)
    }

    pub(super) fn drop_pages(file: &File, at: u64, len: u64) {
        // A hint, too: what cannot be dropped stays.
        if let Some(len) = NonZero::new(len) {
            let _ = rustix::fs::fadvise(file, at, Some(len), Advice::DontNeed);
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::fs::{self, File};
    use std::path::{Path, PathBuf};
    use std::sync::atomic::{AtomicU64, Ordering};

    use rustix::fs::Advice;

    use crate::capture::hash::{Also, HashOptions, Silent, hash_file};

    use super::*;

    const SIZE: usize = 65 << 20;

    fn written(folder: &Path, name: &str) -> PathBuf {
        let path = folder.join(name);
        fs::write(&path, vec![7; SIZE]).unwrap();
        File::open(&path).unwrap().sync_all().unwrap();
        path
    }

    fn evict(path: &Path) {
        rustix::fs::fadvise(File::open(path).unwrap(), 0, None, Advice::DontNeed).unwrap();
    }

    /// Whether most of some pages are there. Looking brings in what it looks at, so each look is at other pages, and at
    /// none that the reader looks at.
    fn is_cached(path: &Path) -> bool {
        static LOOKS: AtomicU64 = AtomicU64::new(1);
        let page = LOOKS.fetch_add(1, Ordering::Relaxed) * 4096;
        let file = File::open(path).unwrap();
        rustix::fs::fadvise(&file, 0, None, Advice::Random).unwrap();
        (0..64).filter(|mib| linux::is_there(&file, (mib << 20) + page)).count() > 32
    }

    /// Two large files, neither in the cache; nothing on a file system that lives in memory.
    fn two_files() -> Option<(tempfile::TempDir, PathBuf, PathBuf)> {
        let folder = tempfile::tempdir().unwrap();
        let (one, two) = (written(folder.path(), "one"), written(folder.path(), "two"));
        evict(&one);
        evict(&two);
        if is_cached(&one) {
            assert!(std::env::var_os("CI").is_none(), "the temporary folder has no page cache to keep clean");
            let said = b"skipped: the temporary folder has no page cache to keep clean\n";
            // Not `eprintln!`: that is captured, and a skipped test that says nothing looks like a passed one.
            std::io::Write::write_all(&mut std::io::stderr(), said).unwrap();
            return None;
        }
        Some((folder, one, two))
    }

    #[test]
    fn a_large_file_leaves_the_page_cache_as_it_was() {
        let Some((_folder, cold, warm)) = two_files() else { return };
        fs::read(&warm).unwrap();
        for also in [Also::Nothing, Also::Sha256] {
            assert!(!is_cached(&cold) && is_cached(&warm));
            let options = HashOptions { also, ..HashOptions::default() };
            let digests = [&cold, &warm].map(|path| hash_file(path, &options, &Silent).unwrap().digest);
            assert_eq!(digests[0], digests[1]);
            assert!(!is_cached(&cold), "read, and dropped again");
            assert!(is_cached(&warm), "someone had it before");
        }
    }

    #[test]
    fn so_it_does_where_the_kernel_must_be_told_what_to_drop() {
        let Some((_folder, cold, warm)) = two_files() else { return };
        fs::read(&warm).unwrap();
        for (path, expected) in [(&cold, Pages::Drop), (&warm, Pages::Mixed)] {
            let open = OpenFile::argument(path).unwrap();
            let reader = Reader::new(&open);
            reader.is_refused.store(true, Ordering::Relaxed);
            assert_eq!(reader.pages, expected);
            let mut block = vec![0; 1 << 20];
            for at in (0..SIZE as u64).step_by(block.len()) {
                reader.whole(&mut block, at).unwrap();
                assert!(block.iter().all(|byte| *byte == 7));
            }
            assert_eq!(is_cached(path), expected == Pages::Mixed);
        }
    }
}

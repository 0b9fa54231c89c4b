//! Large files in blocks: the memory for one, and the reader that fills it straight from the disk where it can.
//!
//! `O_DIRECT` wants memory and places in the file aligned, and says so in `statx`. The memory is one huge page where the
//! system has them: a block is then one stretch for the disk, not 512 of 4 KiB, which on virtual disks makes the difference
//! between 1.3 and 4 GB/s. Data that another program wrote and that is not on the disk yet is written first by the kernel.
//!
//! Reference: <https://man7.org/linux/man-pages/man2/open.2.html> (`O_DIRECT`)

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicBool, Ordering};

use memmap2::MmapMut;

use super::{Pages, Reader};
use crate::capture::open::{CaptureError, OpenFile, io_error};

/// One subtree and one read: a power of two, large enough that locks and system calls vanish, small enough for the caches,
/// and as large as the largest page of memory and page cache, so that no two reads share one.
pub(in crate::capture) const BLOCK: u64 = 2 << 20;

const BLOCK_LEN: usize = 2 << 20;

/// What the last read of a file is rounded up to; disks whose sectors are larger are read through the page cache.
const SECTOR: usize = 4096;

/// Memory for one block, aligned to its own size.
pub(in crate::capture) struct Block {
    // Anonymous memory: no file can be cut short under it.
    map: MmapMut,
    start: usize,
}

impl Block {
    fn new() -> io::Result<Self> {
        // Twice as much address space, of which the aligned half is touched.
        let map = MmapMut::map_anon(2 * BLOCK_LEN)?;
        // A hint: without huge pages it is slower.
        #[cfg(target_os = "linux")]
        let _ = map.advise(memmap2::Advice::HugePage);
        let start = map.as_ptr().addr().next_multiple_of(BLOCK_LEN) - map.as_ptr().addr();
        Ok(Self { map, start })
    }

    /// All of it, whatever was read last.
    pub(in crate::capture) fn bytes(&self) -> &[u8] {
        &self.map[self.start..][..BLOCK_LEN]
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.map[self.start..][..BLOCK_LEN]
    }
}

/// A file being read in blocks, from any thread. While it lives, nobody else may read from the open file.
pub(in crate::capture) struct BlockReader<'a> {
    reader: Reader<'a>,
    direct: Option<Direct<'a>>,
}

impl<'a> BlockReader<'a> {
    pub(in crate::capture) fn new(open: &'a OpenFile) -> Self {
        let reader = Reader::new(open);
        // What is in the page cache is faster there.
        let direct = if reader.pages == Pages::Drop { Direct::of(&open.file) } else { None };
        Self { reader, direct }
    }

    /// Whether the disk is read straight, and only while someone asks for it.
    pub(in crate::capture) fn is_direct(&self) -> bool {
        self.direct.as_ref().is_some_and(Direct::is_on)
    }

    /// Memory to read into.
    pub(in crate::capture) fn block(&self) -> Result<Block, CaptureError> {
        Block::new().map_err(|source| io_error(&self.reader.open.shown, "read", source))
    }

    /// The `len` bytes from `at` on, a multiple of [`BLOCK`]; a file that ends before, or where it should and does not, was
    /// changed.
    pub(in crate::capture) fn read<'b>(
        &self,
        block: &'b mut Block,
        at: u64,
        len: usize,
    ) -> Result<&'b [u8], CaptureError> {
        let buffer = &mut block.bytes_mut()[..len.next_multiple_of(SECTOR)];
        let read = |buffer: &mut [u8], at| match &self.direct {
            Some(direct) if self.is_direct() => match direct.file.read_at(buffer, at) {
                // The file system spoke too soon, or a read ended in the middle of a sector.
                Err(e) if e.kind() == io::ErrorKind::InvalidInput => {
                    direct.end();
                    self.reader.read(buffer, at)
                }
                read => read,
            },
            _ => self.reader.read(buffer, at),
        };
        let read = self.reader.until_with(buffer, at, len, read)?;
        if read == len { Ok(&block.bytes()[..len]) } else { Err(self.reader.open.changed()) }
    }
}

/// A file that is read past the page cache, until this is dropped.
struct Direct<'a> {
    file: &'a File,
    is_on: AtomicBool,
}

impl<'a> Direct<'a> {
    /// Nothing where the file system cannot, or does not say under which conditions it can.
    #[cfg(target_os = "linux")]
    fn of(file: &'a File) -> Option<Self> {
        use rustix::fs::{AtFlags, StatxFlags, statx};
        let stat = statx(file, c"", AtFlags::EMPTY_PATH, StatxFlags::DIOALIGN).ok()?;
        let is_told = stat.stx_mask & StatxFlags::DIOALIGN.bits() != 0;
        let is_met = |align: u32| (1..=SECTOR).contains(&usize::try_from(align).unwrap_or_default());
        if !is_told || !is_met(stat.stx_dio_mem_align) || !is_met(stat.stx_dio_offset_align) {
            return None;
        }
        let direct = Self { file, is_on: AtomicBool::new(true) };
        direct.set(true).ok()?;
        Some(direct)
    }

    #[cfg(not(target_os = "linux"))]
    fn of(_: &'a File) -> Option<Self> {
        None
    }

    fn is_on(&self) -> bool {
        self.is_on.load(Ordering::Acquire)
    }

    fn end(&self) {
        self.is_on.store(false, Ordering::Release);
        // What fails here shows at the next read.
        let _ = self.set(false);
    }

    #[cfg(target_os = "linux")]
    fn set(&self, is_on: bool) -> rustix::io::Result<()> {
        use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
        let flags = fcntl_getfl(self.file)?.difference(OFlags::DIRECT);
        fcntl_setfl(self.file, if is_on { flags | OFlags::DIRECT } else { flags })
    }

    #[cfg(not(target_os = "linux"))]
    #[allow(clippy::unused_self, clippy::unnecessary_wraps, reason = "as where it can be set")]
    fn set(&self, _: bool) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Direct<'_> {
    fn drop(&mut self) {
        self.end();
    }
}

#[cfg(all(test, target_os = "linux"))]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::fs;

    use rustix::fs::{Advice, OFlags, fcntl_getfl};

    use super::*;

    /// Large enough to be read so, and no multiple of a sector.
    const SIZE: usize = (66 << 20) + 777;

    /// A file of which nothing is in the page cache, and its bytes.
    fn cold(folder: &tempfile::TempDir) -> (OpenFile, Vec<u8>) {
        let content: Vec<u8> = (0..SIZE).map(|at| u8::try_from((at + at / 65_537) % 251).unwrap()).collect();
        let path = folder.path().join("file");
        fs::write(&path, &content).unwrap();
        let file = File::open(&path).unwrap();
        file.sync_all().unwrap();
        rustix::fs::fadvise(&file, 0, None, Advice::DontNeed).unwrap();
        (OpenFile::argument(&path).unwrap(), content)
    }

    fn check(reader: &BlockReader<'_>, content: &[u8]) {
        let mut block = reader.block().unwrap();
        for (number, expected) in (0_u64..).zip(content.chunks(BLOCK_LEN)) {
            let found = reader.read(&mut block, number * BLOCK, expected.len()).unwrap();
            assert!(found == expected, "block {number}");
        }
    }

    fn is_flagged(open: &OpenFile) -> bool {
        fcntl_getfl(&open.file).unwrap().contains(OFlags::DIRECT)
    }

    #[test]
    fn a_block_is_aligned_to_its_own_size() {
        let mut block = Block::new().unwrap();
        assert_eq!((block.bytes().as_ptr().addr() % BLOCK_LEN, block.bytes().len()), (0, BLOCK_LEN));
        block.bytes_mut()[BLOCK_LEN - 1] = 7;
        assert_eq!(block.bytes()[BLOCK_LEN - 1], 7);
    }

    #[test]
    fn blocks_are_the_bytes_of_the_file_whichever_way_they_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let (open, content) = cold(&folder);
        let reader = BlockReader::new(&open);
        assert_eq!(reader.is_direct(), is_flagged(&open));
        check(&reader, &content);
        // As where a file system refuses what it said it could.
        if let Some(direct) = &reader.direct {
            direct.end();
        }
        assert!(!reader.is_direct() && !is_flagged(&open));
        check(&reader, &content);
    }

    #[test]
    fn the_open_file_is_as_it_was_when_its_reader_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let (open, _) = cold(&folder);
        drop(BlockReader::new(&open));
        assert!(!is_flagged(&open));
        assert_eq!(open.file.read_at(&mut [0; 3], 1).unwrap(), 3);
    }

    #[test]
    fn what_is_not_on_the_disk_yet_is_read_too_and_an_end_elsewhere_is_a_change() {
        let folder = tempfile::tempdir().unwrap();
        let (open, content) = cold(&folder);
        let path = folder.path().join("file");
        let reader = BlockReader::new(&open);
        let mut block = reader.block().unwrap();
        let file = File::options().write(true).open(&path).unwrap();
        file.write_all_at(b"new", 5).unwrap();
        let found = reader.read(&mut block, 0, BLOCK_LEN).unwrap();
        assert_eq!(found[..10], [&content[..5], b"new", &content[8..10]].concat());
        let (last, len) = (SIZE / BLOCK_LEN, SIZE % BLOCK_LEN);
        let at = last as u64 * BLOCK;
        file.write_all_at(b"more", SIZE as u64).unwrap();
        assert!(matches!(reader.read(&mut block, at, len), Err(CaptureError::Changed { .. })));
        file.set_len(SIZE as u64 - 1).unwrap();
        assert!(matches!(reader.read(&mut block, at, len), Err(CaptureError::Changed { .. })));
    }
}

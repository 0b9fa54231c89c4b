//! Segments: the files that the log consists of.
//!
//! ```text
//! segment = header | frame* | zeros (only in the last segment)
//! header  = "RLSEGMNT" | format u32 BE | number u32 BE | ledger id (32) | first index u64 BE
//!         | compact range before it: one node hash (32) for each one-bit of the first index, largest subtree first
//!         | CRC32C u32 BE
//! ```
//!
//! The compact range lets a segment be replayed without the ones before it. A segment is created whole under a
//! temporary name and renamed, so that a name in `log/` always has its header; the segment before it is cut to its
//! length and synced first, so that only the last one may end in zeros.
//!
//! Space is reserved by *writing* zeros: `fallocate` alone leaves unwritten extents, and every sync then has to convert
//! them (measured: 114 µs a commit against 90 µs).

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::digest::{DIGEST_LEN, LedgerId, NodeHash};
use crate::merkle::{CompactRange, TreeSize};

use super::error::{At, Damage, LedgerError, Unknown};
use super::file::{private, sync_dir};

/// A segment is closed when it has grown to this: an open replays at most about so much, well under 0.1 s.
pub const SEGMENT_BYTES: u64 = 32 << 20;
/// Space reserved at first: a small ledger stays small.
pub(super) const FIRST_CHUNK: u64 = 256 << 10;
/// Most space reserved at once: one reservation in some 10,000 commits of one entry.
pub(super) const LARGEST_CHUNK: u64 = 4 << 20;
/// One batch is written in one piece from memory; more entries than this many bytes need a second batch.
pub const MAX_GROUP_BYTES: u64 = 64 << 20;

const MAGIC: &[u8; 8] = b"RLSEGMNT";
const FORMAT: u32 = 1;
const FIXED_LEN: usize = 8 + 4 + 4 + DIGEST_LEN + 8;

/// The header of a segment.
#[derive(Debug, Clone)]
pub(super) struct Header {
    pub(super) ledger: LedgerId,
    pub(super) number: u32,
    /// The subtrees of everything before this segment; its size is the first index.
    pub(super) before: CompactRange,
}

impl Header {
    /// Index of the first entry.
    pub(super) fn first(&self) -> u64 {
        self.before.size().0
    }

    /// Bytes of the header, which is where the first frame begins.
    pub(super) fn len(&self) -> u64 {
        header_len(self.first())
    }

    fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&FORMAT.to_be_bytes());
        bytes.extend_from_slice(&self.number.to_be_bytes());
        bytes.extend_from_slice(self.ledger.as_bytes());
        bytes.extend_from_slice(&self.first().to_be_bytes());
        for hash in self.before.hashes() {
            bytes.extend_from_slice(hash.as_bytes());
        }
        let checksum = crc32c::crc32c(&bytes);
        bytes.extend_from_slice(&checksum.to_be_bytes());
        bytes
    }

    fn parse(bytes: &[u8], path: &Path) -> Result<Self, LedgerError> {
        let refuse = |what| LedgerError::damaged(path, 0, what);
        let short = || refuse(Damage::HeaderShort);
        let (fixed, rest) = bytes.split_at_checked(FIXED_LEN).ok_or_else(short)?;
        let after_magic = fixed.strip_prefix(MAGIC).ok_or_else(|| refuse(Damage::HeaderMagic))?;
        let (format, after) = after_magic.split_first_chunk().ok_or_else(short)?;
        let (number, after) = after.split_first_chunk().ok_or_else(short)?;
        let (ledger, first) = after.split_first_chunk().ok_or_else(short)?;
        let first = u64::from_be_bytes(first.try_into().map_err(|_| short())?);
        let hashes_len = first.count_ones() as usize * DIGEST_LEN;
        let (hashes, rest) = rest.split_at_checked(hashes_len).ok_or_else(short)?;
        let checksum = rest.first_chunk().ok_or_else(short)?;
        let (covered, _) = bytes.split_at_checked(FIXED_LEN + hashes_len).ok_or_else(short)?;
        if crc32c::crc32c(covered) != u32::from_be_bytes(*checksum) {
            return Err(refuse(Damage::HeaderChecksum));
        }
        let format = u32::from_be_bytes(*format);
        if format != FORMAT {
            let what = Unknown::SegmentFormat { found: format };
            return Err(LedgerError::Unsupported { path: path.to_owned(), offset: 8, what });
        }
        let (hashes, _) = hashes.as_chunks::<DIGEST_LEN>();
        let hashes = hashes.iter().map(|hash| NodeHash::from_bytes(*hash)).collect();
        let before = CompactRange::from_parts(TreeSize(first), hashes).map_err(|_| refuse(Damage::HeaderRange))?;
        Ok(Self { ledger: LedgerId::from_bytes(*ledger), number: u32::from_be_bytes(*number), before })
    }

    /// Reads the header of a segment file.
    pub(super) fn read(file: &File, path: &Path) -> Result<Self, LedgerError> {
        // 64 one-bits at most, so this bounds every header.
        let mut bytes = Vec::with_capacity(FIXED_LEN + 64 * DIGEST_LEN + 4);
        let most = bytes.capacity() as u64;
        (&mut &*file).take(most).read_to_end(&mut bytes).at("read", path)?;
        Self::parse(&bytes, path)
    }
}

fn header_len(first: u64) -> u64 {
    (FIXED_LEN + 4) as u64 + u64::from(first.count_ones()) * DIGEST_LEN as u64
}

/// A segment open for appending.
#[derive(Debug)]
pub(super) struct OpenSegment {
    pub(super) file: Arc<File>,
    pub(super) path: PathBuf,
    pub(super) number: u32,
    /// Where the next frame goes.
    pub(super) end: u64,
    /// Length of the file; zeros from `end` on.
    pub(super) reserved: u64,
}

impl OpenSegment {
    /// Creates a segment with `content` (whole groups, or nothing) after its header, durably. `before_naming` runs
    /// when the bytes last and the name does not exist yet.
    pub(super) fn create(
        path: &Path,
        header: &Header,
        content: &[u8],
        before_naming: impl FnOnce() -> Result<(), LedgerError>,
    ) -> Result<Self, LedgerError> {
        let unnamed = path.with_extension(UNNAMED);
        let file = private().create(true).truncate(true).open(&unnamed).at("create", &unnamed)?;
        let mut bytes = header.encode();
        bytes.extend_from_slice(content);
        let end = bytes.len() as u64;
        file.write_all_at(&bytes, 0).at("write", &unnamed)?;
        let mut segment =
            Self { file: Arc::new(file), path: unnamed.clone(), number: header.number, end, reserved: end };
        segment.reserve(1)?;
        segment.file.sync_all().at("sync", &unnamed)?;
        before_naming()?;
        std::fs::rename(&unnamed, path).at("rename into place", path)?;
        path.parent().map_or(Ok(()), sync_dir)?;
        path.clone_into(&mut segment.path);
        Ok(segment)
    }

    /// Sees to it that the next `needed` bytes are written zeros.
    pub(super) fn reserve(&mut self, needed: u64) -> Result<(), LedgerError> {
        let until = self.end.saturating_add(needed);
        if until <= self.reserved {
            return Ok(());
        }
        let chunk = self.reserved.clamp(FIRST_CHUNK, LARGEST_CHUNK);
        let until = until.div_ceil(chunk).saturating_mul(chunk);
        write_zeros(&self.file, self.reserved, until).at("reserve space in", &self.path)?;
        self.reserved = until;
        Ok(())
    }

    /// Cuts the reserved zeros off: the segment is closed for ever.
    pub(super) fn close(&self) -> Result<(), LedgerError> {
        self.file.set_len(self.end).at("cut to length", &self.path)?;
        self.file.sync_all().at("sync", &self.path)
    }
}

/// The ending of a segment that has no name yet.
pub(super) const UNNAMED: &str = "new";

/// Writes zeros over `from..until`.
pub(super) fn write_zeros(file: &File, from: u64, until: u64) -> std::io::Result<()> {
    const ZEROS: &[u8] = &[0; 64 << 10];
    let mut at = from;
    while at < until {
        let len = usize::try_from(until - at).unwrap_or(usize::MAX).min(ZEROS.len());
        file.write_all_at(ZEROS.split_at(len).0, at)?;
        at += len as u64;
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::fs;

    use crate::merkle::leaf_hash;

    use super::*;

    fn header(entries: u8) -> Header {
        let mut before = CompactRange::default();
        (0..entries).for_each(|n| before.append(leaf_hash(&[n])).unwrap());
        Header { ledger: LedgerId::from_bytes([3; 32]), number: 4, before }
    }

    #[test]
    fn a_header_is_read_back_for_every_shape_of_compact_range() {
        for entries in 0..20 {
            let header = header(entries);
            let bytes = header.encode();
            assert_eq!(bytes.len() as u64, header.len());
            let read = Header::parse(&bytes, Path::new("x")).unwrap();
            assert_eq!((read.first(), read.number, read.ledger), (u64::from(entries), 4, header.ledger));
            assert_eq!(read.before.hashes(), header.before.hashes());
        }
    }

    #[test]
    fn every_flipped_byte_and_every_cut_of_a_header_is_refused() {
        let bytes = header(7).encode();
        for at in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[at] ^= 0x11;
            assert!(Header::parse(&flipped, Path::new("x")).is_err(), "flip at {at}");
            assert!(Header::parse(&bytes[..at], Path::new("x")).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn a_newer_segment_format_is_unsupported_and_not_damage() {
        let mut bytes = header(1).encode();
        bytes[11] = 2;
        let (covered, _) = bytes.split_at(bytes.len() - 4);
        let checksum = crc32c::crc32c(covered).to_be_bytes();
        let at = bytes.len() - 4;
        bytes[at..].copy_from_slice(&checksum);
        let refusal = Header::parse(&bytes, Path::new("x")).unwrap_err();
        assert!(refusal.is_unsupported(), "{refusal}");
    }

    #[test]
    fn space_is_reserved_in_zeros_and_cut_off_on_closing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("000004.seg");
        let mut segment = OpenSegment::create(&path, &header(3), b"", || Ok(())).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().len(), FIRST_CHUNK);
        segment.reserve(FIRST_CHUNK).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().len(), 2 * FIRST_CHUNK);
        segment.close().unwrap();
        assert_eq!(fs::read(&path).unwrap(), header(3).encode());
    }
}

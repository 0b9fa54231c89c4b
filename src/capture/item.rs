//! The bytes of one recorded item, read where their owner has them, and held to what was recorded.

use std::io::{Read, Seek};
use std::ops::Range;
use std::path::Path;

use crate::artifact::item::NamedBytes;
use crate::artifact::tree::TreePath;
use crate::capture::open::{CaptureError, OpenFile, Root, Shown, argument_metadata, io_error};
use crate::digest::FileDigest;
use crate::digest::slice::Slice;

/// Larger items are proved by their digests alone: evidence is read whole.
const MAX_ITEM_BYTES: u64 = 64 << 20;

/// Why an item's bytes were not taken.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum ItemContentError {
    #[error(transparent)]
    Capture(#[from] CaptureError),
    #[error("`{path}` has {found} bytes, an item that is shown has at most {MAX_ITEM_BYTES}")]
    TooLarge { path: Shown, found: u64 },
    #[error("`{path}` is not what was recorded\n  recorded {recorded}\n  found    {found}")]
    OtherBytes { path: Shown, recorded: FileDigest, found: FileDigest },
    #[error("the item is called `{}`, which is no path inside a folder: name its file instead", .key.escape_default())]
    NoPath { key: String },
}

/// Opens what stands at `path`, or, where that is a folder, what is called `inside` below it.
fn open(path: &Path, inside: &str) -> Result<OpenFile, ItemContentError> {
    if !argument_metadata(path)?.is_dir() {
        return Ok(OpenFile::argument(path)?);
    }
    let inside = TreePath::parse(inside).map_err(|_| ItemContentError::NoPath { key: inside.to_owned() })?;
    Ok(OpenFile::beneath(&Root::argument(path)?, inside.as_str())?)
}

/// The bytes at `path` (or called `key` below it), which must be one of those named.
pub fn item_bytes(path: &Path, key: &str, named: &[NamedBytes]) -> Result<Vec<u8>, ItemContentError> {
    let mut opened = open(path, key)?;
    let shown = opened.shown.clone();
    let found = opened.stamp.size;
    if found > MAX_ITEM_BYTES {
        return Err(ItemContentError::TooLarge { path: Shown::of(&shown), found });
    }
    let mut bytes = Vec::new();
    opened.file.by_ref().take(MAX_ITEM_BYTES + 1).read_to_end(&mut bytes).map_err(|e| io_error(&shown, "read", e))?;
    opened.check_unchanged()?;
    let found = FileDigest::of(&bytes);
    match named.first() {
        Some(first) if !named.iter().any(|named| named.digest == found) => {
            Err(ItemContentError::OtherBytes { path: Shown::of(&shown), recorded: first.digest, found })
        }
        _ => Ok(bytes),
    }
}

/// A file as it was recorded: where a slice is cut from.
#[derive(Debug, Clone, Copy)]
pub struct RecordedFile<'a> {
    /// Its path below the recorded folder; nothing where the artifact is this one file.
    pub inside: &'a str,
    /// Its BLAKE3.
    pub digest: FileDigest,
    /// Bytes in it.
    pub length: u64,
}

/// The slice of a recorded file that holds `range` and the bytes around it, by which a line is known to be whole.
pub fn item_slice(path: &Path, file: &RecordedFile<'_>, range: &Range<u64>) -> Result<Vec<u8>, ItemContentError> {
    let mut opened = open(path, file.inside)?;
    let shown = opened.shown.clone();
    let found = range.end.saturating_sub(range.start);
    if found > MAX_ITEM_BYTES {
        return Err(ItemContentError::TooLarge { path: Shown::of(&shown), found });
    }
    let around = range.start.saturating_sub(1)..range.end.saturating_add(2).min(file.length);
    opened.file.rewind().map_err(|error| io_error(&shown, "read", error))?;
    let (slice, digest) =
        Slice::cut(&mut opened.file, opened.stamp.size, &around).map_err(|error| io_error(&shown, "read", error))?;
    opened.check_unchanged()?;
    if digest != file.digest {
        return Err(ItemContentError::OtherBytes { path: Shown::of(&shown), recorded: file.digest, found: digest });
    }
    Ok(slice.encode())
}

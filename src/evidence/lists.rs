//! Lists of an evidence file; a length is looked at before memory is taken.

use super::MAX_ENTRIES;
use crate::codec::{DecodeError, Decoder, Encoder};
use crate::digest::NodeHash;
use crate::merkle::EntryIndex;

pub(super) fn encode_hashes(e: &mut Encoder, hashes: &[NodeHash]) {
    e.array(hashes.len());
    for hash in hashes {
        e.bytes(hash.as_bytes());
    }
}

pub(super) fn decode_hashes(d: &mut Decoder<'_>) -> Result<Vec<NodeHash>, DecodeError> {
    d.array(|d| Ok(NodeHash::from_bytes(d.byte_array("a proof hash")?)))
}

pub(super) fn encode_indexed<B: AsRef<[u8]>>(e: &mut Encoder, items: &[(EntryIndex, B)]) {
    e.array(items.len());
    for (index, bytes) in items {
        e.array(2);
        e.uint(index.0);
        e.bytes(bytes.as_ref());
    }
}

pub(super) fn decode_indexed<'a>(
    d: &mut Decoder<'a>,
    what: &'static str,
) -> Result<Vec<(EntryIndex, &'a [u8])>, DecodeError> {
    let items =
        bounded(d, what, MAX_ENTRIES, |d| d.tuple("an indexed item", 2, |d| Ok((EntryIndex(d.uint()?), d.bytes()?))))?;
    if !items.is_sorted_by(|left, right| left.0 < right.0) {
        return Err(DecodeError::Unsorted { what });
    }
    Ok(items)
}

/// An array whose length is looked at before memory is taken for its items.
pub(super) fn bounded<'a, T>(
    d: &mut Decoder<'a>,
    what: &'static str,
    most: usize,
    read: impl FnMut(&mut Decoder<'a>) -> Result<T, DecodeError>,
) -> Result<Vec<T>, DecodeError> {
    match d.clone().array_header()? {
        found if found > most => Err(DecodeError::Length { what, expected: "not so many items", found }),
        _ => d.array(read),
    }
}

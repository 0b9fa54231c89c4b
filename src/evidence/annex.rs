//! An annex: bytes that somebody else signed about the claim, unaltered, and the entry by which the lab attached them.
//!
//! ```text
//! annex     = [attach, [hash, …], testimony]
//! attach    = index of the `attach` entry that commits to the bytes
//! hashes    = RFC 9162 consistency proof from the head that the testimony is of to the main head; none where they are one
//! testimony = an evidence file of its own, of the other party's ledger, about one entry that is a testimony
//!             ([`crate::statement::Kind::is_testimony`]); it holds no annexes, so that nothing nests
//! ```

use super::lists::{bounded, decode_hashes, encode_hashes};
use crate::codec::{DecodeError, Decoder, Encoder};
use crate::digest::NodeHash;
use crate::merkle::EntryIndex;

/// Annexes of one evidence file: more parties than ever rebuilt one study.
pub const MAX_ANNEXES: usize = 64;

/// Longest testimony: a body of 1 MiB, and room for entries and proofs.
pub const MAX_TESTIMONY_BYTES: usize = 2 << 20;

/// Entries that one testimony shows: its own, and what came after it up to the head it is under.
pub const MAX_TESTIMONY_ENTRIES: usize = 1024;

/// What somebody else signed of the claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Annex<B = Vec<u8>> {
    /// The entry that attached it.
    pub attach: EntryIndex,
    /// From the head that it is of to the main head.
    pub consistency: Vec<NodeHash>,
    /// The bytes as they were attached.
    pub testimony: B,
}

impl<B: AsRef<[u8]>> Annex<B> {
    pub(super) fn encode(&self, e: &mut Encoder) {
        e.array(3);
        e.uint(self.attach.0);
        encode_hashes(e, &self.consistency);
        e.bytes(self.testimony.as_ref());
    }
}

impl Annex<&[u8]> {
    /// The same, with bytes of its own.
    pub fn into_owned(self) -> Annex {
        Annex { attach: self.attach, consistency: self.consistency, testimony: self.testimony.to_vec() }
    }
}

pub(super) fn decode<'a>(d: &mut Decoder<'a>) -> Result<Vec<Annex<&'a [u8]>>, DecodeError> {
    let annexes = bounded(d, "the annexes", MAX_ANNEXES, |d| {
        d.tuple("an annex", 3, |d| {
            let (attach, consistency) = (EntryIndex(d.uint()?), decode_hashes(d)?);
            let (at, testimony) = (d.offset(), d.bytes()?);
            if testimony.len() > MAX_TESTIMONY_BYTES {
                return Err(DecodeError::Range { at, what: "a testimony of at most 2 MiB" });
            }
            Ok(Annex { attach, consistency, testimony })
        })
    })?;
    if !annexes.is_sorted_by(|left, right| left.attach < right.attach) {
        return Err(DecodeError::Unsorted { what: "the annexes" });
    }
    Ok(annexes)
}

//! The evidence file: everything one claim needs, in one portable file with one spelling.
//!
//! ```text
//! magic "reproledger evidence v1\n"
//! item*   = length u32 BE, canonical CBOR          (eleven items, in this order, uncompressed)
//!   1 head         signed note of the tree that every proof here is against
//!   2 claim        index of the claim's entry, or of the entry whose items are opened
//!   3 anchors      [[signed note, [consistency hash, …]], …]   older or witnessed heads, ascending by size
//!   4 census       [first, count]                  contiguous, up to the head
//!   5 entries      [[index, entry], …]             the census and what the claim reaches, ascending
//!   6 multiproof   [hash, …]
//!   7 manifests    [[kind, root, object], …]       ascending by kind and root
//!   8 slices       [opening, …]                    opened items of one entry ([`Opening`]); none beside a claim
//!   9 bodies       [[index, salt ‖ body], …]       ascending by index
//!  10 annexes      [[attach, [hash, …], testimony], …]   what others signed of the claim ([`Annex`]), ascending by attach
//!  11 withheld     [[digest, count, holder, reason], …]   ascending by digest
//! ```
//!
//! This module knows the bytes and nothing about what they are worth: that is [`crate::verify`]. The same ledger and
//! claim give the same file, byte for byte. No policy and no key in it is ever used to trust it.

mod annex;
mod file;
mod lists;
mod opening;

use crate::codec::DecodeError;
use crate::digest::{Digest, DigestKind, ManifestRoot, NodeHash};
use crate::merkle::EntryIndex;

pub use annex::{Annex, MAX_ANNEXES, MAX_TESTIMONY_BYTES, MAX_TESTIMONY_ENTRIES};
pub use opening::{Content, Inclusion, MAX_OPENINGS, Opened, Opening};

/// First bytes of an evidence file.
pub const MAGIC: &[u8] = b"reproledger evidence v1\n";

/// Larger evidence is refused before it is read: a verdict must come in seconds and in bounded memory.
pub const MAX_EVIDENCE_BYTES: u64 = 1 << 30;
/// Entries in one evidence file.
pub const MAX_ENTRIES: usize = 1 << 21;
/// Older or witnessed heads in one evidence file.
pub const MAX_ANCHORS: usize = 64;

/// Why bytes are not an evidence file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum EvidenceError {
    #[error("this is not an evidence file: it does not begin with `reproledger evidence v1`")]
    Magic,
    #[error("this evidence file has another version and needs a newer reproledger")]
    Version,
    #[error("the evidence has more than {} bytes", MAX_EVIDENCE_BYTES)]
    TooLarge,
    #[error("the evidence ends inside item {item} (`{name}`)")]
    Truncated { item: usize, name: &'static str },
    #[error("{count} bytes follow the last item of the evidence")]
    Trailing { count: usize },
    #[error("item {item} (`{name}`) of the evidence: {source}")]
    Item { item: usize, name: &'static str, source: DecodeError },
}

impl EvidenceError {
    /// True when the file may be sound but needs a newer reader.
    pub fn is_unsupported(&self) -> bool {
        match self {
            Self::Version => true,
            Self::Item { source, .. } => source.is_unsupported(),
            _ => false,
        }
    }
}

/// An older or witnessed head with the proof that the main head extends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anchor<B = Vec<u8>> {
    /// Signed note.
    pub head: B,
    /// RFC 9162 consistency proof to the main head.
    pub consistency: Vec<NodeHash>,
}

/// A disclosed manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DisclosedManifest<B = Vec<u8>> {
    /// Its kind.
    pub kind: DigestKind,
    /// The root that an entry commits to.
    pub root: ManifestRoot,
    /// The object.
    pub object: B,
}

/// Something that an entry commits to and this file does not show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Withheld {
    /// Digest of the thing, or the commitment to it.
    pub digest: Digest,
    /// How many items it has.
    pub count: u64,
    /// Who has it.
    pub holder: String,
    /// Why it is not here.
    pub reason: String,
}

/// An evidence file as read, nothing in it believed. Read, its bytes are slices of the file; written, its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence<B = Vec<u8>> {
    /// Signed note of the main head.
    pub head: B,
    /// The claim's entry, or the entry whose items are opened.
    pub claim: EntryIndex,
    /// Other heads.
    pub anchors: Vec<Anchor<B>>,
    /// First index of the census.
    pub census_first: EntryIndex,
    /// Entries in the census.
    pub census_count: u64,
    /// Entries by index, ascending.
    pub entries: Vec<(EntryIndex, B)>,
    /// One proof for all entries.
    pub multiproof: Vec<NodeHash>,
    /// Disclosed manifests.
    pub manifests: Vec<DisclosedManifest<B>>,
    /// Opened items of the entry that this is about; none where that is a claim.
    pub openings: Vec<Opening<B>>,
    /// Disclosed body objects by the entry that commits to them.
    pub bodies: Vec<(EntryIndex, B)>,
    /// What others signed of the claim, by the entry that attached it.
    pub annexes: Vec<Annex<B>>,
    /// What is not shown.
    pub withheld: Vec<Withheld>,
}

impl Evidence<&[u8]> {
    /// The same, with bytes of its own.
    pub fn into_owned(self) -> Evidence {
        let indexed = |items: Vec<(EntryIndex, &[u8])>| items.into_iter().map(|(at, b)| (at, b.to_vec())).collect();
        let anchor = |anchor: Anchor<&[u8]>| Anchor { head: anchor.head.to_vec(), consistency: anchor.consistency };
        let manifest = |DisclosedManifest { kind, root, object }: DisclosedManifest<&[u8]>| DisclosedManifest {
            kind,
            root,
            object: object.to_vec(),
        };
        Evidence {
            head: self.head.to_vec(),
            claim: self.claim,
            anchors: self.anchors.into_iter().map(anchor).collect(),
            census_first: self.census_first,
            census_count: self.census_count,
            entries: indexed(self.entries),
            multiproof: self.multiproof,
            manifests: self.manifests.into_iter().map(manifest).collect(),
            openings: self.openings.into_iter().map(Opening::into_owned).collect(),
            bodies: indexed(self.bodies),
            annexes: self.annexes.into_iter().map(Annex::into_owned).collect(),
            withheld: self.withheld,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests;

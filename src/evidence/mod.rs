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
mod opening;

use crate::codec::{DecodeError, Decoder, Encoder};
use crate::digest::{Digest, DigestKind, ManifestRoot, NodeHash};
use crate::merkle::EntryIndex;

pub use annex::{Annex, MAX_ANNEXES, MAX_TESTIMONY_BYTES, MAX_TESTIMONY_ENTRIES};
pub use opening::{Content, Inclusion, MAX_OPENINGS, Opened, Opening};

/// First bytes of an evidence file.
pub const MAGIC: &[u8] = b"reproledger evidence v1\n";
const MAGIC_PREFIX: &[u8] = b"reproledger evidence v";

/// Larger evidence is refused before it is read: a verdict must come in seconds and in bounded memory.
pub const MAX_EVIDENCE_BYTES: u64 = 1 << 30;
/// Entries in one evidence file.
pub const MAX_ENTRIES: usize = 1 << 21;
/// Older or witnessed heads in one evidence file.
pub const MAX_ANCHORS: usize = 64;
const MAX_WITHHELD: usize = 1 << 16;
const MAX_TEXT: usize = 1024;

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

const NAMES: [&str; 11] = [
    "head",
    "claim",
    "anchors",
    "census",
    "entries",
    "multiproof",
    "manifests",
    "slices",
    "bodies",
    "annexes",
    "withheld",
];

impl<B: AsRef<[u8]>> Evidence<B> {
    /// The file's bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let items = [
            Encoder::encode(|e| e.bytes(self.head.as_ref())),
            Encoder::encode(|e| e.uint(self.claim.0)),
            Encoder::encode(|e| {
                e.array(self.anchors.len());
                for anchor in &self.anchors {
                    e.array(2);
                    e.bytes(anchor.head.as_ref());
                    encode_hashes(e, &anchor.consistency);
                }
            }),
            Encoder::encode(|e| {
                e.array(2);
                e.uint(self.census_first.0);
                e.uint(self.census_count);
            }),
            Encoder::encode(|e| encode_indexed(e, &self.entries)),
            Encoder::encode(|e| encode_hashes(e, &self.multiproof)),
            Encoder::encode(|e| {
                e.array(self.manifests.len());
                for manifest in &self.manifests {
                    e.array(3);
                    e.int(manifest.kind.id());
                    e.bytes(manifest.root.as_bytes());
                    e.bytes(manifest.object.as_ref());
                }
            }),
            Encoder::encode(|e| {
                e.array(self.openings.len());
                for opening in &self.openings {
                    opening.encode(e);
                }
            }),
            Encoder::encode(|e| encode_indexed(e, &self.bodies)),
            Encoder::encode(|e| {
                e.array(self.annexes.len());
                for annex in &self.annexes {
                    annex.encode(e);
                }
            }),
            Encoder::encode(|e| {
                e.array(self.withheld.len());
                for withheld in &self.withheld {
                    e.array(4);
                    withheld.digest.encode(e);
                    e.uint(withheld.count);
                    e.text(&withheld.holder);
                    e.text(&withheld.reason);
                }
            }),
        ];
        let mut bytes = MAGIC.to_vec();
        for item in items {
            let length = u32::try_from(item.len()).expect("evidence is written within MAX_EVIDENCE_BYTES");
            bytes.extend_from_slice(&length.to_be_bytes());
            bytes.extend_from_slice(&item);
        }
        bytes
    }
}

impl<'a> Evidence<&'a [u8]> {
    /// Reads a file's bytes.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, EvidenceError> {
        if bytes.len() as u64 > MAX_EVIDENCE_BYTES {
            return Err(EvidenceError::TooLarge);
        }
        let rest = bytes.strip_prefix(MAGIC).ok_or_else(|| not_ours(bytes))?;
        let mut items = Items { rest, next: 0 };
        let evidence = Self {
            head: items.read(Decoder::bytes)?,
            claim: items.read(|d| Ok(EntryIndex(d.uint()?)))?,
            anchors: items.read(decode_anchors)?,
            census_first: EntryIndex(0),
            census_count: 0,
            entries: Vec::new(),
            multiproof: Vec::new(),
            manifests: Vec::new(),
            openings: Vec::new(),
            bodies: Vec::new(),
            annexes: Vec::new(),
            withheld: Vec::new(),
        };
        let (census_first, census_count) =
            items.read(|d| d.tuple("a census", 2, |d| Ok((EntryIndex(d.uint()?), d.uint()?))))?;
        let entries = items.read(|d| decode_indexed(d, "the entries"))?;
        let multiproof = items.read(decode_hashes)?;
        let manifests = items.read(decode_manifests)?;
        let openings = items.read(decode_openings)?;
        let bodies = items.read(|d| decode_indexed(d, "the bodies"))?;
        let annexes = items.read(annex::decode)?;
        let withheld = items.read(decode_withheld)?;
        match items.rest.len() {
            0 => {}
            count => return Err(EvidenceError::Trailing { count }),
        }
        let evidence = Self { census_first, census_count, entries, multiproof, manifests, openings, ..evidence };
        Ok(Self { bodies, annexes, withheld, ..evidence })
    }

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

/// A whole first line of another version needs a newer reader; one that is cut short is no evidence file.
fn not_ours(bytes: &[u8]) -> EvidenceError {
    match bytes.strip_prefix(MAGIC_PREFIX) {
        Some(rest) if rest.iter().take(MAGIC.len()).any(|byte| *byte == b'\n') => EvidenceError::Version,
        _ => EvidenceError::Magic,
    }
}

/// The items of a file, one after the other.
struct Items<'a> {
    rest: &'a [u8],
    next: usize,
}

impl<'a> Items<'a> {
    fn read<T>(&mut self, read: impl FnOnce(&mut Decoder<'a>) -> Result<T, DecodeError>) -> Result<T, EvidenceError> {
        let (item, name) = (self.next + 1, NAMES[self.next]);
        let truncated = EvidenceError::Truncated { item, name };
        let (length, rest) = self.rest.split_first_chunk::<4>().ok_or(truncated.clone())?;
        let length = u32::from_be_bytes(*length) as usize;
        let (bytes, rest) = rest.split_at_checked(length).ok_or(truncated)?;
        self.rest = rest;
        self.next += 1;
        Decoder::decode(bytes, read).map_err(|source| EvidenceError::Item { item, name, source })
    }
}

fn encode_hashes(e: &mut Encoder, hashes: &[NodeHash]) {
    e.array(hashes.len());
    for hash in hashes {
        e.bytes(hash.as_bytes());
    }
}

fn decode_hashes(d: &mut Decoder<'_>) -> Result<Vec<NodeHash>, DecodeError> {
    d.array(|d| Ok(NodeHash::from_bytes(d.byte_array("a proof hash")?)))
}

fn encode_indexed<B: AsRef<[u8]>>(e: &mut Encoder, items: &[(EntryIndex, B)]) {
    e.array(items.len());
    for (index, bytes) in items {
        e.array(2);
        e.uint(index.0);
        e.bytes(bytes.as_ref());
    }
}

fn decode_indexed<'a>(d: &mut Decoder<'a>, what: &'static str) -> Result<Vec<(EntryIndex, &'a [u8])>, DecodeError> {
    let items =
        bounded(d, what, MAX_ENTRIES, |d| d.tuple("an indexed item", 2, |d| Ok((EntryIndex(d.uint()?), d.bytes()?))))?;
    if !items.is_sorted_by(|left, right| left.0 < right.0) {
        return Err(DecodeError::Unsorted { what });
    }
    Ok(items)
}

/// An array whose length is looked at before memory is taken for its items.
fn bounded<'a, T>(
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

fn decode_anchors<'a>(d: &mut Decoder<'a>) -> Result<Vec<Anchor<&'a [u8]>>, DecodeError> {
    bounded(d, "the anchors", MAX_ANCHORS, |d| {
        d.tuple("an anchor", 2, |d| Ok(Anchor { head: d.bytes()?, consistency: decode_hashes(d)? }))
    })
}

fn decode_manifests<'a>(d: &mut Decoder<'a>) -> Result<Vec<DisclosedManifest<&'a [u8]>>, DecodeError> {
    let manifests = bounded(d, "the manifests", MAX_ENTRIES, |d| {
        d.tuple("a manifest", 3, |d| {
            Ok(DisclosedManifest {
                kind: DigestKind::from_id(d.int()?)?,
                root: ManifestRoot::from_bytes(d.byte_array("a manifest root")?),
                object: d.bytes()?,
            })
        })
    })?;
    if !manifests.is_sorted_by(|left, right| (left.kind, left.root) < (right.kind, right.root)) {
        return Err(DecodeError::Unsorted { what: "the manifests" });
    }
    Ok(manifests)
}

fn decode_openings<'a>(d: &mut Decoder<'a>) -> Result<Vec<Opening<&'a [u8]>>, DecodeError> {
    let openings = bounded(d, "the openings", MAX_OPENINGS, Opening::decode)?;
    if !openings.is_sorted_by(|left, right| left.place() < right.place()) {
        return Err(DecodeError::Unsorted { what: "the openings" });
    }
    Ok(openings)
}

fn decode_withheld(d: &mut Decoder<'_>) -> Result<Vec<Withheld>, DecodeError> {
    let withheld = bounded(d, "the withheld list", MAX_WITHHELD, |d| {
        d.tuple("a withheld item", 4, |d| {
            Ok(Withheld {
                digest: Digest::decode(d)?,
                count: d.uint()?,
                holder: short_text(d)?,
                reason: short_text(d)?,
            })
        })
    })?;
    if !withheld.is_sorted_by(|left, right| left.digest < right.digest) {
        return Err(DecodeError::Unsorted { what: "the withheld list" });
    }
    Ok(withheld)
}

fn short_text(d: &mut Decoder<'_>) -> Result<String, DecodeError> {
    let at = d.offset();
    match d.text()? {
        text if text.len() <= MAX_TEXT => Ok(text.to_owned()),
        _ => Err(DecodeError::Range { at, what: "a text of at most 1024 bytes" }),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests;

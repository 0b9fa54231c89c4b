//! The bytes of an evidence file: eleven items in their one order and one spelling.

use super::annex;
use super::lists::{bounded, decode_hashes, decode_indexed, encode_hashes, encode_indexed};
use super::{
    Anchor, DisclosedManifest, Evidence, EvidenceError, MAGIC, MAX_ANCHORS, MAX_ENTRIES, MAX_EVIDENCE_BYTES,
    MAX_OPENINGS, Opening, Withheld,
};
use crate::codec::{DecodeError, Decoder, Encoder};
use crate::digest::{Digest, DigestKind, ManifestRoot};
use crate::merkle::EntryIndex;

const MAGIC_PREFIX: &[u8] = b"reproledger evidence v";
const MAX_WITHHELD: usize = 1 << 16;
pub(super) const MAX_TEXT: usize = 1024;

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

//! Opened items: a leaf is under the root that an entry commits to, and the bytes beside it are the ones it names.
//!
//! What this shows is that the item was in what was recorded, at that place among that many; that it was trained on, or
//! that nothing else was, no single item can show.

use std::collections::BTreeMap;

use crate::artifact::item::{Holds, Item, ItemError};
use crate::artifact::manifest::{ManifestError, ManifestHash, ManifestHeader, commitment_leaf};
use crate::digest::slice::{Slice, SliceError};
use crate::digest::{Digest, DigestKind, FileDigest, ManifestRoot};
use crate::evidence::{Content, Evidence, Inclusion, Opening};
use crate::merkle::{EntryIndex, ProofError, TreeSize, root_from_inclusion};
use crate::statement::{Kind, Measure, Subject};
use crate::verify::{Reject, VerifiedEntry};

/// Why an opening does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum OpeningError {
    #[error("its manifest's header: {0}")]
    Header(ManifestError),
    #[error("its manifest's header is of another kind")]
    OtherKind,
    #[error("the header is no item of a manifest")]
    HeaderAsItem,
    #[error(transparent)]
    Path(ProofError),
    #[error("the {what} is not under the root\n  recorded {root}\n  found    {found}")]
    OtherRoot { what: &'static str, root: ManifestRoot, found: ManifestRoot },
    #[error("the leaf is salted, and what it commits to is not shown")]
    NotOpened,
    #[error("a salt is given for a leaf that is not salted")]
    NotSalted,
    #[error("salt and leaf are not what the salted leaf commits to")]
    OtherCommitment,
    #[error("its leaf: {0}")]
    Leaf(ItemError),
    #[error("content is given, and the leaf names no such content")]
    ExtraContent,
    #[error("the content is not what the leaf names\n  recorded {recorded}\n  found    {found}")]
    OtherContent { recorded: FileDigest, found: FileDigest },
    #[error("the content has {found} bytes, the leaf says {recorded}")]
    ContentLength { recorded: u64, found: u64 },
    #[error("the slice: {0}")]
    Slice(SliceError),
    #[error("the slice is of file {wanted}, and no file of that number is shown with it")]
    NoFile { wanted: u64 },
    #[error("bytes {first} to {end} are not in the slice, or not in the file")]
    OutsideSlice { first: u64, end: u64 },
}

impl OpeningError {
    /// True when the opening may be sound but needs a newer reader. A leaf is looked into after it was found under the
    /// root: one that says nothing to this version was recorded so.
    pub(super) fn is_unsupported(&self) -> bool {
        match self {
            Self::Header(ManifestError::Version { .. }) | Self::Leaf(_) => true,
            Self::Header(ManifestError::Decode(error)) => error.is_unsupported(),
            _ => false,
        }
    }
}

impl OpeningError {
    /// True when it is the item's bytes that do not hold, and not its place.
    pub(super) fn is_content(&self) -> bool {
        match self {
            Self::ExtraContent
            | Self::OtherContent { .. }
            | Self::ContentLength { .. }
            | Self::Slice(_)
            | Self::NoFile { .. }
            | Self::OutsideSlice { .. } => true,
            Self::Header(_)
            | Self::OtherKind
            | Self::HeaderAsItem
            | Self::Path(_)
            | Self::OtherRoot { .. }
            | Self::NotOpened
            | Self::NotSalted
            | Self::OtherCommitment
            | Self::Leaf(_) => false,
        }
    }
}

/// The bytes of an item, as far as they were shown and hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownContent {
    /// What they are to the item: `bytes`, `text`, `slice`.
    pub what: &'static str,
    /// Their BLAKE3.
    pub digest: FileDigest,
    /// How many.
    pub length: u64,
    /// Of a slice: whether it is one whole line of its file, by the bytes around it.
    pub is_line: Option<bool>,
    /// Of a slice: the file's path in the tree; none where the artifact is one file. Foreign text.
    pub file: Option<String>,
}

/// An item that is under the root that an entry commits to. Only this module makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedItem {
    /// The entry.
    pub entry: EntryIndex,
    /// Kind of the manifest.
    pub kind: DigestKind,
    /// Its root.
    pub root: ManifestRoot,
    /// Its projection, without the mark of a salted one. Foreign text.
    pub projection: String,
    /// True where the leaf was a commitment under a salt, which is shown.
    pub is_salted: bool,
    /// The item's place, counted from 0.
    pub number: u64,
    /// Items in the manifest.
    pub count: u64,
    /// What the leaf says.
    pub item: Item,
    /// The item's bytes, where they are shown.
    pub content: Option<ShownContent>,
}

pub(super) fn open_items(
    evidence: &Evidence<&[u8]>,
    entries: &BTreeMap<EntryIndex, VerifiedEntry>,
) -> Result<Vec<VerifiedItem>, Reject> {
    let target = evidence.claim;
    evidence
        .openings
        .iter()
        .map(|opening| {
            // What is opened is what the file is about, and a claim has no items of its own.
            let extra = Reject::ExtraOpening { index: opening.entry };
            let entry = entries.get(&opening.entry).filter(|_| opening.entry == target).ok_or(extra.clone())?;
            let payload = entry.payload();
            if payload.kind == Kind::Claim {
                return Err(extra);
            }
            let digest = Digest::from(opening.root);
            let subject = payload.subjects.iter().find(|subject| subject.carries(opening.kind, &digest));
            let (subject, measure) =
                subject.and_then(|subject| Some((subject, subject.0.get(&opening.kind)?))).ok_or(extra)?;
            let (index, position) = (opening.entry, opening.inclusion.position);
            open(opening, subject, measure).map_err(|source| Reject::Opening { index, position, source })
        })
        .collect()
}

fn open(opening: &Opening<&[u8]>, subject: &Subject, measure: &Measure) -> Result<VerifiedItem, OpeningError> {
    let (header, number) = check_inclusion(&opening.inclusion, opening.kind, opening.root, measure.count)?;
    let (projection, leaf) = match (header.unsalted_projection(), &opening.opened) {
        (None, None) => (header.projection.as_str(), opening.inclusion.leaf),
        (None, Some(_)) => return Err(OpeningError::NotSalted),
        (Some(_), None) => return Err(OpeningError::NotOpened),
        (Some(projection), Some(opened)) => {
            if commitment_leaf(&opened.salt.commit(opened.leaf)) != opening.inclusion.leaf {
                return Err(OpeningError::OtherCommitment);
            }
            (projection, opened.leaf)
        }
    };
    let item = Item::read(opening.kind, projection, leaf, number).map_err(OpeningError::Leaf)?;
    let content = match &opening.content {
        None => None,
        Some(Content::Bytes(bytes)) => Some(check_bytes(&item, bytes)?),
        Some(Content::Slice { file, slice }) => Some(check_slice(&item, subject, file.as_ref(), slice)?),
    };
    Ok(VerifiedItem {
        entry: opening.entry,
        kind: opening.kind,
        root: opening.root,
        projection: projection.to_owned(),
        is_salted: opening.opened.is_some(),
        number,
        count: measure.count,
        item,
        content,
    })
}

/// Holds a leaf and the header that gives it its meaning to a root over so many items; gives the item's number.
fn check_inclusion(
    inclusion: &Inclusion<&[u8]>,
    kind: DigestKind,
    root: ManifestRoot,
    count: u64,
) -> Result<(ManifestHeader, u64), OpeningError> {
    let number = inclusion.position.checked_sub(1).ok_or(OpeningError::HeaderAsItem)?;
    let hash = ManifestHash::new(kind).map_err(OpeningError::Header)?;
    let header = ManifestHeader::parse(inclusion.header).map_err(OpeningError::Header)?;
    if header.kind != kind {
        return Err(OpeningError::OtherKind);
    }
    let size = TreeSize(count.saturating_add(1));
    let parts = [
        ("header", 0, inclusion.header, &inclusion.header_path),
        ("leaf", inclusion.position, inclusion.leaf, &inclusion.path),
    ];
    for (what, position, leaf, path) in parts {
        let found = root_from_inclusion(&hash, size, EntryIndex(position), hash.leaf(leaf), path)
            .map_err(OpeningError::Path)?;
        let found = ManifestRoot::from_bytes(*found.as_bytes());
        if found != root {
            return Err(OpeningError::OtherRoot { what, root, found });
        }
    }
    Ok((header, number))
}

fn check_bytes(item: &Item, bytes: &[u8]) -> Result<ShownContent, OpeningError> {
    let Holds::Bytes(named) = &item.holds else { return Err(OpeningError::ExtraContent) };
    let (digest, length) = (FileDigest::of(bytes), bytes.len() as u64);
    let Some(named) = named.iter().find(|named| named.digest == digest) else {
        let recorded = named.first().ok_or(OpeningError::ExtraContent)?.digest;
        return Err(OpeningError::OtherContent { recorded, found: digest });
    };
    match named.length {
        Some(recorded) if recorded != length => Err(OpeningError::ContentLength { recorded, found: length }),
        _ => Ok(ShownContent { what: named.what, digest, length, is_line: None, file: None }),
    }
}

fn check_slice(
    item: &Item,
    subject: &Subject,
    file: Option<&Inclusion<&[u8]>>,
    slice: &[u8],
) -> Result<ShownContent, OpeningError> {
    let Holds::Place { file: wanted, first, length } = item.holds else { return Err(OpeningError::ExtraContent) };
    let (digest, file_length, path) = file_of(subject, wanted, file)?;
    let slice = Slice::parse(slice).map_err(OpeningError::Slice)?;
    slice.check(&digest, file_length).map_err(OpeningError::Slice)?;
    let end = first.saturating_add(length);
    let outside = OpeningError::OutsideSlice { first, end };
    if end > file_length {
        return Err(outside);
    }
    let bytes = slice.bytes_of(&(first..end)).ok_or(outside)?;
    let is_line = is_line(&slice, first, end, file_length, bytes);
    Ok(ShownContent { what: "slice", digest: FileDigest::of(bytes), length, is_line: Some(is_line), file: path })
}

/// The file that the rows are in: the artifact itself, or one of the tree recorded beside them.
fn file_of(
    subject: &Subject,
    wanted: u64,
    file: Option<&Inclusion<&[u8]>>,
) -> Result<(FileDigest, u64, Option<String>), OpeningError> {
    let none = OpeningError::NoFile { wanted };
    let blake3 = |measure: &Measure| measure.digests.first().map(|digest| digest.bytes);
    let Some(inclusion) = file else {
        let measure = subject.0.get(&DigestKind::File).filter(|_| wanted == 0).ok_or(none.clone())?;
        return Ok((FileDigest::from_bytes(blake3(measure).ok_or(none)?), measure.length, None));
    };
    let measure = subject.0.get(&DigestKind::Tree).ok_or(none.clone())?;
    let root = ManifestRoot::from_bytes(blake3(measure).ok_or(none.clone())?);
    let (header, number) = check_inclusion(inclusion, DigestKind::Tree, root, measure.count)?;
    let item = Item::read(DigestKind::Tree, &header.projection, inclusion.leaf, number).map_err(OpeningError::Leaf)?;
    match (item.holds, number == wanted) {
        (Holds::Bytes(named), true) => {
            let named = named.first().ok_or(none.clone())?;
            Ok((named.digest, named.length.ok_or(none)?, Some(item.key)))
        }
        _ => Err(none),
    }
}

/// True where the bytes are one whole line, by what stands before and behind them. A line's end may count as part of it.
fn is_line(slice: &Slice<&[u8]>, first: u64, end: u64, length: u64, bytes: &[u8]) -> bool {
    let byte = |at: u64| slice.bytes_of(&(at..at.checked_add(1)?)).and_then(|bytes| bytes.first().copied());
    let begins = first == 0 || byte(first - 1) == Some(b'\n');
    let body = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let is_closed = body.len() < bytes.len();
    let ends = is_closed
        || end == length
        || byte(end) == Some(b'\n')
        || (byte(end) == Some(b'\r') && byte(end.saturating_add(1)) == Some(b'\n'));
    begins && ends && !body.contains(&b'\n')
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::artifact::manifest::Manifest;
    use crate::codec::Encoder;
    use crate::digest::NodeHash;
    use crate::merkle::{MemoryTree, prove_inclusion};

    /// Everything about one item, as `prove` cuts it.
    fn inclusion(manifest: &Manifest, number: usize) -> Inclusion {
        let hash = ManifestHash::new(manifest.header.kind).unwrap();
        let mut tree = MemoryTree::with_hash(hash.clone());
        let header = manifest.header.encode();
        tree.append(hash.leaf(&header));
        manifest.items.iter().for_each(|item| tree.append(hash.leaf(item)));
        let position = number as u64 + 1;
        let path = |at| prove_inclusion(&tree, EntryIndex(at), TreeSize(manifest.count() + 1)).unwrap();
        let leaf = manifest.items[number].clone();
        Inclusion { header_path: path(0), header, position, leaf, path: path(position) }
    }

    fn check(inclusion: &Inclusion, manifest: &Manifest, count: u64) -> Result<u64, OpeningError> {
        let Inclusion { header, header_path, position, leaf, path } = inclusion.clone();
        let borrowed = Inclusion { header: &header[..], header_path, position, leaf: &leaf[..], path };
        let root = manifest.root().unwrap();
        check_inclusion(&borrowed, manifest.header.kind, root, count).map(|(_, number)| number)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn a_proof_holds_for_every_leaf_at_its_place_and_for_no_other(
            texts in proptest::collection::btree_set("[a-z]{1,6}", 1..24),
            bit in any::<prop::sample::Index>(),
            hash in any::<prop::sample::Index>(),
        ) {
            let header = ManifestHeader { kind: DigestKind::Rows, projection: "text".to_owned(), facts: None };
            let items: Vec<Vec<u8>> = texts.iter().map(|text| Encoder::encode(|e| e.text(text))).collect();
            let manifest = Manifest { header, items };
            let count = manifest.count();
            for number in 0..manifest.items.len() {
                let good = inclusion(&manifest, number);
                prop_assert_eq!(check(&good, &manifest, count).unwrap(), number as u64);
                for (other, leaf) in manifest.items.iter().enumerate().filter(|(other, _)| *other != number) {
                    let moved = Inclusion { position: other as u64 + 1, ..good.clone() };
                    prop_assert!(check(&moved, &manifest, count).is_err(), "{} at {}", number, other);
                    let replaced = Inclusion { leaf: leaf.clone(), ..good.clone() };
                    prop_assert!(check(&replaced, &manifest, count).is_err(), "{} for {}", other, number);
                }
                let mut flipped = good.clone();
                let at = bit.index(8 * flipped.leaf.len());
                flipped.leaf[at / 8] ^= 1 << (at % 8);
                prop_assert!(check(&flipped, &manifest, count).is_err());
                let mut flipped = good.clone();
                let at = hash.index(flipped.path.len());
                let mut bytes = *flipped.path[at].as_bytes();
                bytes[bit.index(bytes.len())] ^= 1;
                flipped.path[at] = NodeHash::from_bytes(bytes);
                prop_assert!(check(&flipped, &manifest, count).is_err());
                let mut shorter = good.clone();
                shorter.path.pop();
                prop_assert!(check(&shorter, &manifest, count).is_err());
            }
        }
    }
}

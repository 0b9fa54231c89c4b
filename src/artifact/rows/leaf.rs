//! Leaves of `rows` and `rowset` manifests: written in one way, read strictly.

use std::collections::BTreeSet;

use crate::artifact::manifest::{Manifest, ManifestError};
use crate::artifact::rows::OFFSETS;
use crate::codec::{DecodeError, Decoder, Encoder};
use crate::digest::{Algorithm, Digest, DigestKind, FileDigest};

/// Why a manifest does not list rows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum RowLeafError {
    #[error(transparent)]
    Decode(#[from] DecodeError),
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    #[error("the manifest is of kind `{found}`, expected `{expected}`")]
    Kind { expected: &'static str, found: &'static str },
    #[error("the manifest's projection is `{found}`, which has other leaves")]
    Projection { found: String },
    #[error("the header of a row manifest carries facts, and those of version 1 have none")]
    Facts,
    #[error("item {item} carries a digest by `{found}`, expected `blake3`")]
    Algorithm { item: u64, found: &'static str },
    #[error("item {item} is not in its place: a rowset lists each digest once, sorted")]
    Order { item: u64 },
    #[error("item {item} stands in the rowset 0 times")]
    Multiplicity { item: u64 },
    #[error("item {item} overlaps the row before it, comes back to an earlier file, or ends beyond 2^64")]
    Place { item: u64 },
}

/// One row of `rows`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowLeaf {
    /// BLAKE3 of the item.
    pub digest: FileDigest,
    /// Bytes of the item.
    pub length: u64,
}

/// One item of `rowset`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowsetLeaf {
    /// BLAKE3 of the item.
    pub digest: FileDigest,
    /// Rows that are it.
    pub multiplicity: u64,
}

/// One row under [`OFFSETS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OffsetLeaf {
    /// The file, by its place in the tree's order; 0 in a single file.
    pub file: u64,
    /// Its first byte.
    pub start: u64,
    /// Its bytes, without the line end.
    pub length: u64,
}

impl RowLeaf {
    /// Writes `[[1, digest], length]`.
    pub fn encode(&self, e: &mut Encoder) {
        pair(e, self.digest, self.length);
    }

    /// Reads the canonical bytes of one leaf; `item` names it in errors.
    pub fn parse(bytes: &[u8], item: u64) -> Result<Self, RowLeafError> {
        read_pair(bytes, item).map(|(digest, length)| Self { digest, length })
    }
}

impl RowsetLeaf {
    /// Writes `[[1, digest], multiplicity]`.
    pub fn encode(&self, e: &mut Encoder) {
        pair(e, self.digest, self.multiplicity);
    }

    /// Reads the canonical bytes of one leaf; `item` names it in errors.
    pub fn parse(bytes: &[u8], item: u64) -> Result<Self, RowLeafError> {
        match read_pair(bytes, item)? {
            (_, 0) => Err(RowLeafError::Multiplicity { item }),
            (digest, multiplicity) => Ok(Self { digest, multiplicity }),
        }
    }
}

impl OffsetLeaf {
    /// Writes `[file, start, length]`.
    pub fn encode(&self, e: &mut Encoder) {
        e.array(3);
        e.uint(self.file);
        e.uint(self.start);
        e.uint(self.length);
    }

    /// Reads the canonical bytes of one leaf.
    pub fn parse(bytes: &[u8]) -> Result<Self, RowLeafError> {
        Decoder::decode(bytes, |d| {
            d.tuple("a row's place", 3, |d| Ok(Self { file: d.uint()?, start: d.uint()?, length: d.uint()? }))
                .map_err(|error: DecodeError| error.into())
        })
    }
}

fn pair(e: &mut Encoder, digest: FileDigest, number: u64) {
    e.array(2);
    Digest::from(digest).encode(e);
    e.uint(number);
}

fn read_pair(bytes: &[u8], item: u64) -> Result<(FileDigest, u64), RowLeafError> {
    let (digest, number) =
        Decoder::decode(bytes, |d| d.tuple("a row", 2, |d| Ok::<_, DecodeError>((Digest::decode(d)?, d.uint()?))))?;
    match digest.algorithm {
        Algorithm::Blake3 => Ok((FileDigest::from_bytes(digest.bytes), number)),
        other => Err(RowLeafError::Algorithm { item, found: other.name() }),
    }
}

fn check(manifest: &Manifest, kind: DigestKind, is_offsets: bool) -> Result<(), RowLeafError> {
    let header = &manifest.header;
    if header.kind != kind {
        return Err(RowLeafError::Kind { expected: kind.name(), found: header.kind.name() });
    }
    if (header.projection == OFFSETS) != is_offsets {
        return Err(RowLeafError::Projection { found: header.projection.clone() });
    }
    if header.facts.is_some() { Err(RowLeafError::Facts) } else { Ok(()) }
}

/// The rows of a `rows` manifest whose rows were read.
pub fn parse_rows(manifest: &Manifest) -> Result<Vec<RowLeaf>, RowLeafError> {
    check(manifest, DigestKind::Rows, false)?;
    (0..).zip(&manifest.items).map(|(item, bytes)| RowLeaf::parse(bytes, item)).collect()
}

/// The items of a `rowset` manifest.
pub fn parse_rowset(manifest: &Manifest) -> Result<Vec<RowsetLeaf>, RowLeafError> {
    check(manifest, DigestKind::Rowset, false)?;
    let mut leaves: Vec<RowsetLeaf> = Vec::with_capacity(manifest.items.len());
    for (item, bytes) in (0..).zip(&manifest.items) {
        let leaf = RowsetLeaf::parse(bytes, item)?;
        if leaves.last().is_some_and(|previous| previous.digest >= leaf.digest) {
            return Err(RowLeafError::Order { item });
        }
        leaves.push(leaf);
    }
    Ok(leaves)
}

/// The rows of a `rows` manifest whose rows were only located.
pub fn parse_offsets(manifest: &Manifest) -> Result<Vec<OffsetLeaf>, RowLeafError> {
    check(manifest, DigestKind::Rows, true)?;
    let mut leaves: Vec<OffsetLeaf> = Vec::with_capacity(manifest.items.len());
    let mut files = BTreeSet::new();
    for (item, bytes) in (0..).zip(&manifest.items) {
        let leaf = OffsetLeaf::parse(bytes)?;
        let follows = match leaves.last() {
            // The file before has been left: rows of one file stand together.
            Some(previous) if previous.file == leaf.file => leaf.start > previous.start + previous.length,
            _ => files.insert(leaf.file),
        };
        if !follows || leaf.start.checked_add(leaf.length).is_none() {
            return Err(RowLeafError::Place { item });
        }
        leaves.push(leaf);
    }
    Ok(leaves)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::artifact::rows::header;

    fn manifest(kind: DigestKind, projection: &str, items: Vec<Vec<u8>>) -> Manifest {
        Manifest { header: header(kind, projection), items }
    }

    fn digest(byte: u8) -> FileDigest {
        FileDigest::from_bytes([byte; 32])
    }

    fn rowset(leaves: &[(u8, u64)]) -> Manifest {
        let items = leaves.iter().map(|(byte, multiplicity)| {
            let leaf = RowsetLeaf { digest: digest(*byte), multiplicity: *multiplicity };
            Encoder::encode(|e| leaf.encode(e))
        });
        manifest(DigestKind::Rowset, "text", items.collect())
    }

    fn offsets(leaves: &[(u64, u64, u64)]) -> Manifest {
        let items = leaves.iter().map(|(file, start, length)| {
            let leaf = OffsetLeaf { file: *file, start: *start, length: *length };
            Encoder::encode(|e| leaf.encode(e))
        });
        manifest(DigestKind::Rows, OFFSETS, items.collect())
    }

    #[test]
    fn leaves_read_back_as_they_were_written() {
        let leaf = RowLeaf { digest: digest(7), length: 1468 };
        let rows = manifest(DigestKind::Rows, "text", vec![Encoder::encode(|e| leaf.encode(e)); 3]);
        assert_eq!(parse_rows(&Manifest::parse(&rows.to_object()).unwrap()), Ok(vec![leaf; 3]));
        let set = parse_rowset(&rowset(&[(1, 1), (2, 3)])).unwrap();
        assert_eq!(set[1], RowsetLeaf { digest: digest(2), multiplicity: 3 });
        let places = parse_offsets(&offsets(&[(1, 0, 5), (1, 6, 0), (0, 0, 9)])).unwrap();
        assert_eq!(places[1], OffsetLeaf { file: 1, start: 6, length: 0 });
    }

    #[test]
    fn a_rowset_that_is_unsorted_or_counts_nothing_is_refused() {
        assert_eq!(parse_rowset(&rowset(&[(2, 1), (1, 1)])), Err(RowLeafError::Order { item: 1 }));
        assert_eq!(parse_rowset(&rowset(&[(1, 1), (1, 1)])), Err(RowLeafError::Order { item: 1 }));
        assert_eq!(parse_rowset(&rowset(&[(1, 0)])), Err(RowLeafError::Multiplicity { item: 0 }));
    }

    #[test]
    fn places_that_overlap_or_come_back_are_refused() {
        let twice = [(0, 0, 5), (0, 4, 1)];
        let touching = [(0, 0, 5), (0, 5, 1)];
        let back = [(0, 0, 5), (1, 0, 5), (0, 9, 1)];
        let beyond = [(0, 3, u64::MAX)];
        for (leaves, item) in [(&twice[..], 1), (&touching, 1), (&back, 2), (&beyond, 0)] {
            assert_eq!(parse_offsets(&offsets(leaves)), Err(RowLeafError::Place { item }), "{leaves:?}");
        }
    }

    #[test]
    fn leaves_of_another_kind_projection_or_algorithm_are_refused() {
        let set = rowset(&[(1, 1)]);
        assert_eq!(parse_rows(&set), Err(RowLeafError::Kind { expected: "rows", found: "rowset" }));
        assert_eq!(
            parse_offsets(&manifest(DigestKind::Rows, "text", vec![vec![0]])).unwrap_err().to_string(),
            "the manifest's projection is `text`, which has other leaves"
        );
        assert_eq!(parse_rows(&offsets(&[(0, 0, 1)])), Err(RowLeafError::Projection { found: OFFSETS.to_owned() }));
        let mut facts = set;
        facts.header.facts = Some(vec![0]);
        assert_eq!(parse_rowset(&facts), Err(RowLeafError::Facts));
        let sha = Encoder::encode(|e| {
            e.array(2);
            Digest { algorithm: Algorithm::Sha256, bytes: [1; 32] }.encode(e);
            e.uint(1);
        });
        assert_eq!(RowLeaf::parse(&sha, 4), Err(RowLeafError::Algorithm { item: 4, found: "sha256" }));
    }

    proptest! {
        #[test]
        fn no_bytes_make_a_parser_panic(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let again = |written: Vec<u8>| written == bytes;
            if let Ok(leaf) = RowLeaf::parse(&bytes, 0) {
                prop_assert!(again(Encoder::encode(|e| leaf.encode(e))));
            }
            if let Ok(leaf) = OffsetLeaf::parse(&bytes) {
                prop_assert!(again(Encoder::encode(|e| leaf.encode(e))));
            }
        }
    }
}

//! What one leaf of a manifest is about: what it is called, and which bytes it speaks for.
//!
//! A leaf is read by the kind and the projection of its manifest. Of a projection that this version does not know it
//! says nothing but the leaf's number: that the leaf was recorded can be shown all the same.

use crate::artifact::documents::{self, DocumentLeaf, DocumentsError};
use crate::artifact::samples::{SampleId, SampleView, SamplesError};
use crate::artifact::tree::{TreeError, TreeLeaf, TreeNode};
use crate::codec::{DecodeError, Decoder};
use crate::digest::{Algorithm, Digest, DigestKind, FileDigest, hex};

/// The projection whose leaves are places in files.
pub const OFFSETS: &str = "offsets/1";

/// Dimensions of a tensor; containers allow eight at most.
const MAX_DIMENSIONS: usize = 64;

/// Why bytes are no leaf of their manifest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum ItemError {
    #[error(transparent)]
    Decode(#[from] DecodeError),
    #[error(transparent)]
    Documents(#[from] DocumentsError),
    #[error(transparent)]
    Tree(#[from] TreeError),
    #[error(transparent)]
    Samples(#[from] SamplesError),
    #[error("the leaf has a digest by {found}, expected blake3")]
    Algorithm { found: &'static str },
}

/// Bytes that a leaf names by their digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NamedBytes {
    /// What they are to the item: `bytes`, `text`.
    pub what: &'static str,
    /// Their BLAKE3.
    pub digest: FileDigest,
    /// How many they are, where the leaf says.
    pub length: Option<u64>,
}

/// What a leaf speaks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holds {
    /// Bytes by their digest: any of these.
    Bytes(Vec<NamedBytes>),
    /// A place in a file.
    Place {
        /// The file's index in the order of the tree recorded beside the rows; 0 where the artifact is one file.
        file: u64,
        /// The first byte.
        first: u64,
        /// How many bytes.
        length: u64,
    },
    /// No bytes that this version could compare.
    Nothing,
}

/// One item of a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// What it is called among the others; `#12` where it has its place alone. Foreign text.
    pub key: String,
    /// A shorter name that several items may share: a sample's id without its epoch. Foreign text.
    pub short: Option<String>,
    /// The bytes it speaks for.
    pub holds: Holds,
}

impl Item {
    /// True for its key and for its shorter name.
    pub fn is_called(&self, name: &str) -> bool {
        self.key == name || self.short.as_deref() == Some(name)
    }

    /// Reads the unsalted leaf of item `number`, counted from 0, of a manifest of `kind` under `projection` (without the
    /// mark of a salted one).
    pub fn read(kind: DigestKind, projection: &str, leaf: &[u8], number: u64) -> Result<Self, ItemError> {
        let by_place = |holds| Self { key: format!("#{number}"), short: None, holds };
        let one = |digest, length| Holds::Bytes(vec![NamedBytes { what: "bytes", digest, length }]);
        match (kind, projection) {
            (DigestKind::Tree, "files") => {
                let leaf = TreeLeaf::parse(leaf)?;
                let holds = match leaf.node {
                    TreeNode::File { size, digest, .. } => one(digest, Some(size)),
                    TreeNode::Link { .. } => Holds::Nothing,
                };
                Ok(Self { key: leaf.path.as_str().to_owned(), short: None, holds })
            }
            (DigestKind::Rows, documents::PROJECTION) => {
                let leaf = DocumentLeaf::parse(leaf)?;
                let raw = NamedBytes { what: "bytes", digest: leaf.raw, length: Some(leaf.raw_length) };
                let text = NamedBytes { what: "text", digest: leaf.text, length: Some(leaf.text_length) };
                Ok(Self { key: leaf.key, short: None, holds: Holds::Bytes(vec![raw, text]) })
            }
            (DigestKind::Rows, OFFSETS) => Decoder::decode(leaf, |d| {
                let (file, first, length) =
                    d.tuple("a place in a file", 3, |d| Ok::<_, ItemError>((d.uint()?, d.uint()?, d.uint()?)))?;
                Ok(by_place(Holds::Place { file, first, length }))
            }),
            (DigestKind::Rows, _) => Decoder::decode(leaf, |d| {
                let (digest, length) =
                    d.tuple("a row", 2, |d| Ok::<_, ItemError>((blake3(Digest::decode(d)?)?, d.uint()?)))?;
                Ok(by_place(one(digest, Some(length))))
            }),
            (DigestKind::Rowset, _) => Decoder::decode(leaf, |d| {
                let digest = d.tuple("a row of a set", 2, |d| {
                    let digest = blake3(Digest::decode(d)?)?;
                    d.uint()?;
                    Ok::<_, ItemError>(digest)
                })?;
                Ok(Self { key: hex(digest.as_bytes()), short: None, holds: one(digest, None) })
            }),
            (DigestKind::Tensors, _) => Decoder::decode(leaf, |d| {
                d.tuple("a tensor", 5, |d| {
                    let key = d.text()?.to_owned();
                    d.text()?;
                    let (at, dimensions) = (d.offset(), d.array(Decoder::uint)?.len());
                    if dimensions > MAX_DIMENSIONS {
                        return Err(DecodeError::Range { at, what: "the dimensions of a tensor" }.into());
                    }
                    let length = d.uint()?;
                    Ok(Self { key, short: None, holds: one(blake3(Digest::decode(d)?)?, Some(length)) })
                })
            }),
            (DigestKind::Samples, _) => {
                let key = SampleView::decode(leaf)?.key.to_key();
                let short = match &key.id {
                    SampleId::Int(id) => id.to_string(),
                    SampleId::Text(id) => id.clone(),
                };
                Ok(Self { key: key.to_string(), short: Some(short), holds: Holds::Nothing })
            }
            (DigestKind::Entry | DigestKind::File | DigestKind::Tree, _) => {
                Decoder::decode(leaf, Decoder::raw)?;
                Ok(by_place(Holds::Nothing))
            }
        }
    }
}

fn blake3(digest: Digest) -> Result<FileDigest, ItemError> {
    match digest.algorithm {
        Algorithm::Blake3 => Ok(FileDigest::from_bytes(digest.bytes)),
        other => Err(ItemError::Algorithm { found: other.name() }),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::codec::Encoder;

    fn row(digest: u8, length: u64) -> Vec<u8> {
        Encoder::encode(|e| {
            e.array(2);
            Digest::from(FileDigest::from_bytes([digest; 32])).encode(e);
            e.uint(length);
        })
    }

    #[test]
    fn a_leaf_is_called_by_its_key_or_by_its_place() {
        let file = Encoder::encode(|e| {
            e.array(4);
            e.text("a/b.md");
            e.uint(0o100_644);
            e.uint(5);
            Digest::from(FileDigest::of(b"hello")).encode(e);
        });
        let tensor = Encoder::encode(|e| {
            e.array(5);
            e.text("model.embed.weight");
            e.text("F32");
            e.array(2);
            e.uint(2);
            e.uint(3);
            e.uint(24);
            Digest::from(FileDigest::of(b"x")).encode(e);
        });
        let place = Encoder::encode(|e| {
            e.array(3);
            [1, 100, 20].into_iter().for_each(|n| e.uint(n));
        });
        for (kind, projection, leaf, key) in [
            (DigestKind::Tree, "files", &file, "a/b.md"),
            (DigestKind::Tensors, "tensors/1", &tensor, "model.embed.weight"),
            (DigestKind::Rows, OFFSETS, &place, "#7"),
            (DigestKind::Rows, "text", &row(1, 5), "#7"),
            (DigestKind::Rowset, "text", &row(1, 5), &"01".repeat(32)),
            (DigestKind::Tree, "later/9", &row(1, 5), "#7"),
        ] {
            assert_eq!(Item::read(kind, projection, leaf, 7).unwrap().key, key);
        }
        let held = Item::read(DigestKind::Rows, OFFSETS, &place, 7).unwrap().holds;
        assert_eq!(held, Holds::Place { file: 1, first: 100, length: 20 });
        let held = Item::read(DigestKind::Tree, "files", &file, 7).unwrap().holds;
        let digest = FileDigest::of(b"hello");
        assert_eq!(held, Holds::Bytes(vec![NamedBytes { what: "bytes", digest, length: Some(5) }]));
    }

    #[test]
    fn a_leaf_of_another_shape_is_refused() {
        assert!(Item::read(DigestKind::Rows, OFFSETS, &row(1, 5), 0).is_err());
        assert!(Item::read(DigestKind::Tensors, "tensors/1", &row(1, 5), 0).is_err());
        assert!(Item::read(DigestKind::Rows, documents::PROJECTION, &row(1, 5), 0).is_err());
        let sha = Encoder::encode(|e| {
            e.array(2);
            Digest { algorithm: Algorithm::Sha256, bytes: [1; 32] }.encode(e);
            e.uint(5);
        });
        let refused = Item::read(DigestKind::Rows, "text", &sha, 0);
        assert_eq!(refused, Err(ItemError::Algorithm { found: "sha256" }));
    }

    proptest! {
        #[test]
        fn no_leaf_panics(bytes in prop::collection::vec(any::<u8>(), 0..80), kind in prop::sample::select(DigestKind::ALL)) {
            for projection in ["files", documents::PROJECTION, OFFSETS, "text", "tensors/1"] {
                let _ = Item::read(kind, projection, &bytes, 0);
            }
        }
    }
}

//! Manifests: content-addressed lists that an entry commits to by root and by count.
//!
//! The root has the shape of an RFC 6962 tree over the canonical bytes of the leaves, hashed with BLAKE3 `derive_key`
//! under one context for each kind, leaves and nodes apart. Leaf 0 is the header (kind, version, projection), so that
//! a root says what it is a root of. The object is one canonical CBOR array, header first; it is kept under its root.
//!
//! Shape: <https://www.rfc-editor.org/rfc/rfc9162#section-2.1>

mod grouped;
mod salted;
mod writer;

pub use writer::{Leaves, ManifestWriter, Written};

use crate::codec::{DecodeError, Decoder, Encoder};
use crate::digest::{ContextHasher, DigestKind, ManifestRoot, NodeHash};
use crate::merkle::TreeHash;
use grouped::Grouped;

pub use salted::{SALTED, SaltedManifest, Sidecar, commitment_leaf};

/// Manifest objects larger than this are refused before they are read.
pub const MAX_MANIFEST_BYTES: u64 = 1 << 30;

/// Why bytes are not a manifest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum ManifestError {
    #[error(transparent)]
    Decode(#[from] DecodeError),
    #[error("a manifest needs a header and at least one item")]
    Empty,
    #[error("the manifest is of kind `{found}`, expected `{expected}`")]
    Kind { expected: &'static str, found: &'static str },
    #[error("manifests of version {found} need a newer reproledger (this one reads version 1)")]
    Version { found: u64 },
    #[error("the {kind} manifest would have more than {MAX_MANIFEST_BYTES} bytes; record the artifact in parts")]
    TooLarge { kind: &'static str },
    #[error("digest kind `{found}` has no manifest")]
    NoManifest { found: &'static str },
}

/// What a manifest is a list of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestHeader {
    /// Kind of the digest that the root is.
    pub kind: DigestKind,
    /// Which view of the source the leaves are (`files`; `inspect/1`; `text`): part of the meaning of the root.
    pub projection: String,
    /// Facts about the whole that belong to no leaf: one canonical CBOR item, its meaning fixed by kind.
    pub facts: Option<Vec<u8>>,
}

impl ManifestHeader {
    const WHAT: &'static str = "a manifest header";
    const VERSION: u64 = 1;

    /// Canonical bytes: leaf 0.
    pub fn encode(&self) -> Vec<u8> {
        Encoder::encode(|e| {
            e.map(|m| {
                m.entry(1, |e| e.int(self.kind.id()));
                m.entry(2, |e| e.uint(Self::VERSION));
                m.entry(3, |e| e.text(&self.projection));
                m.optional(4, self.facts.as_deref(), Encoder::raw);
            });
        })
    }

    /// Reads canonical bytes.
    pub fn parse(bytes: &[u8]) -> Result<Self, ManifestError> {
        Decoder::decode(bytes, Self::decode)
    }

    /// Reads the header at the start of an object, of which the rest need not be there.
    pub fn of_object(start: &[u8]) -> Result<Self, ManifestError> {
        let mut d = Decoder::new(start);
        d.array_header()?;
        Self::decode(&mut d)
    }

    fn decode(d: &mut Decoder<'_>) -> Result<Self, ManifestError> {
        let (mut kind, mut version, mut projection, mut facts) = (None, None, None, None);
        d.int_map(|key, d| -> Result<(), DecodeError> {
            match key {
                1 => kind = Some(DigestKind::from_id(d.int()?)?),
                2 => version = Some(d.uint()?),
                3 => projection = Some(d.text()?.to_owned()),
                4 => facts = Some(d.raw()?.to_vec()),
                _ => return Err(DecodeError::UnknownKey { what: Self::WHAT, key }),
            }
            Ok(())
        })?;
        let need = |key| DecodeError::MissingKey { what: Self::WHAT, key };
        match version.ok_or(need(2))? {
            Self::VERSION => {}
            found => return Err(ManifestError::Version { found }),
        }
        Ok(Self { kind: kind.ok_or(need(1))?, projection: projection.ok_or(need(3))?, facts })
    }
}

/// A manifest in memory: the header and the canonical bytes of each item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// What it lists.
    pub header: ManifestHeader,
    /// Canonical bytes of each item, in the manifest's order.
    pub items: Vec<Vec<u8>>,
}

impl Manifest {
    /// Number of items; the header is not one.
    pub fn count(&self) -> u64 {
        self.items.len() as u64
    }

    /// The root that an entry commits to.
    pub fn root(&self) -> Result<ManifestRoot, ManifestError> {
        root_of(&self.header, self.items.iter().map(Vec::as_slice))
    }

    /// The object: one canonical array, header first.
    pub fn to_object(&self) -> Vec<u8> {
        Encoder::encode(|e| {
            e.array(self.items.len() + 1);
            e.raw(&self.header.encode());
            for item in &self.items {
                e.raw(item);
            }
        })
    }

    /// Reads an object. Its items are canonical CBOR; what they mean is for their kind to say.
    pub fn parse(object: &[u8]) -> Result<Self, ManifestError> {
        let view = ManifestView::parse(object)?;
        Ok(Self { items: view.items().map(<[u8]>::to_vec).collect(), header: view.header })
    }

    /// Reads an object that must be of `kind`.
    pub fn parse_kind(object: &[u8], kind: DigestKind) -> Result<Self, ManifestError> {
        let view = ManifestView::parse_kind(object, kind)?;
        Ok(Self { items: view.items().map(<[u8]>::to_vec).collect(), header: view.header })
    }
}

/// A manifest that lies in bytes of somebody else's: checked once, and no item is copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestView<'a> {
    /// What it lists.
    pub header: ManifestHeader,
    items: &'a [u8],
    count: u64,
}

impl<'a> ManifestView<'a> {
    /// Reads an object. Its items are canonical CBOR; what they mean is for their kind to say.
    pub fn parse(object: &'a [u8]) -> Result<Self, ManifestError> {
        let mut d = Decoder::new(object);
        let len = d.array_header()?;
        if len < 2 {
            return Err(ManifestError::Empty);
        }
        let header = ManifestHeader::decode(&mut d)?;
        let items = &object[d.offset()..];
        for _ in 1..len {
            d.raw()?;
        }
        d.finish()?;
        Ok(Self { header, items, count: len as u64 - 1 })
    }

    /// Reads an object that must be of `kind`.
    pub fn parse_kind(object: &'a [u8], kind: DigestKind) -> Result<Self, ManifestError> {
        let manifest = Self::parse(object)?;
        if manifest.header.kind == kind {
            Ok(manifest)
        } else {
            Err(ManifestError::Kind { expected: kind.name(), found: manifest.header.kind.name() })
        }
    }

    /// Number of items; the header is not one.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Canonical bytes of each item, in the manifest's order.
    pub fn items(&self) -> ManifestItems<'a> {
        ManifestItems(Decoder::new(self.items))
    }

    /// The root that an entry commits to.
    pub fn root(&self) -> Result<ManifestRoot, ManifestError> {
        root_of(&self.header, self.items())
    }
}

/// The items of a manifest, one after the other.
#[derive(Debug, Clone)]
pub struct ManifestItems<'a>(Decoder<'a>);

impl<'a> Iterator for ManifestItems<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        (!self.0.is_at_end()).then(|| self.0.raw().expect("every item was read when the manifest was"))
    }
}

fn contexts(kind: DigestKind) -> Result<(&'static str, &'static str), ManifestError> {
    Ok(match kind {
        DigestKind::Tree => ("reproledger 2026 tree leaf v1", "reproledger 2026 tree node v1"),
        DigestKind::Rows => ("reproledger 2026 rows leaf v1", "reproledger 2026 rows node v1"),
        DigestKind::Rowset => ("reproledger 2026 rowset leaf v1", "reproledger 2026 rowset node v1"),
        DigestKind::Tensors => ("reproledger 2026 tensors leaf v1", "reproledger 2026 tensors node v1"),
        DigestKind::Samples => ("reproledger 2026 samples leaf v1", "reproledger 2026 samples node v1"),
        DigestKind::Entry | DigestKind::File => return Err(ManifestError::NoManifest { found: kind.name() }),
    })
}

/// The BLAKE3 tree hash of one manifest kind.
#[derive(Clone)]
pub struct ManifestHash {
    leaf: ContextHasher,
    node: ContextHasher,
}

impl ManifestHash {
    /// The hash of manifests of `kind`.
    pub fn new(kind: DigestKind) -> Result<Self, ManifestError> {
        let (leaf, node) = contexts(kind)?;
        Ok(Self { leaf: ContextHasher::new(leaf), node: ContextHasher::new(node) })
    }

    /// The hash of one leaf's canonical bytes.
    pub fn leaf(&self, bytes: &[u8]) -> NodeHash {
        NodeHash::from_bytes(self.leaf.hash(&[bytes]))
    }
}

impl TreeHash for ManifestHash {
    fn node(&self, left: &NodeHash, right: &NodeHash) -> NodeHash {
        NodeHash::from_bytes(self.node.hash(&[left.as_bytes(), right.as_bytes()]))
    }
}

/// The root over a header and items, streaming.
fn root_of<'a>(header: &ManifestHeader, items: impl Iterator<Item = &'a [u8]>) -> Result<ManifestRoot, ManifestError> {
    let mut items = items.peekable();
    if items.peek().is_none() {
        return Err(ManifestError::Empty);
    }
    let mut grouped = Grouped::new(header.kind)?;
    grouped.leaves(header.kind, std::iter::once(header.encode().as_slice()))?;
    grouped.leaves(header.kind, items)?;
    let root = grouped.root().ok_or(ManifestError::Empty)?;
    Ok(ManifestRoot::from_bytes(*root.as_bytes()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests;

//! An opening: one item of a manifest that an entry commits to, shown without the others.
//!
//! ```text
//! opening   = [entry, kind, root, inclusion, opened / null, content / null]
//! inclusion = [header, [hash, …], position, leaf, [hash, …]]   the header is leaf 0 and gives the leaf its meaning, so
//!                                                    it has a path of its own; paths are RFC 9162's, root side last
//! opened    = [salt, leaf]                           of a salted manifest: what its leaf commits to
//! content   = [1, bytes]                             the item's bytes, whose digest the leaf holds
//!           / [2, inclusion / null, slice]           bytes of a file, by the file's own BLAKE3 digest; the inclusion
//!                                                    is the file's, in the tree beside the rows, where there is one
//! ```

use super::lists::{bounded, encode_hashes};
use crate::codec::{DecodeError, Decoder, Encoder};
use crate::digest::{DigestKind, ManifestRoot, NodeHash, Salt};
use crate::merkle::EntryIndex;

/// Openings in one evidence file: a handful is asked for; whoever needs more discloses the manifest.
pub const MAX_OPENINGS: usize = 4096;

/// Hashes of the longest path: a tree counts its leaves in 64 bits.
const MAX_PATH: usize = 64;

/// A leaf and its way to the root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inclusion<B = Vec<u8>> {
    /// Canonical bytes of the manifest's header.
    pub header: B,
    /// The header's own path: its sibling hashes, leaf side first.
    pub header_path: Vec<NodeHash>,
    /// The leaf's index; leaf 0 is the header, so that item `i` (from 0) is leaf `i + 1`.
    pub position: u64,
    /// Canonical bytes of the leaf.
    pub leaf: B,
    /// Sibling hashes, leaf side first.
    pub path: Vec<NodeHash>,
}

/// What the leaf of a salted manifest commits to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened<B = Vec<u8>> {
    /// The leaf's own salt.
    pub salt: Salt,
    /// Canonical bytes of the unsalted leaf.
    pub leaf: B,
}

/// The item itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content<B = Vec<u8>> {
    /// Its bytes; the leaf holds their digest.
    Bytes(B),
    /// Bytes of a file; the leaf holds their place in it.
    Slice {
        /// The file in the tree recorded beside the rows; none where the artifact is one file.
        file: Option<Inclusion<B>>,
        /// A slice of the file ([`crate::digest::slice`]).
        slice: B,
    },
}

/// One item, opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening<B = Vec<u8>> {
    /// The entry that commits to the manifest.
    pub entry: EntryIndex,
    /// The manifest's kind.
    pub kind: DigestKind,
    /// Its root.
    pub root: ManifestRoot,
    /// The leaf.
    pub inclusion: Inclusion<B>,
    /// What a salted leaf commits to.
    pub opened: Option<Opened<B>>,
    /// The item's bytes, where they are shown.
    pub content: Option<Content<B>>,
}

impl<B> Opening<B> {
    /// What openings are sorted by, each once.
    pub fn place(&self) -> (EntryIndex, DigestKind, ManifestRoot, u64) {
        (self.entry, self.kind, self.root, self.inclusion.position)
    }
}

impl<B: AsRef<[u8]>> Opening<B> {
    pub(super) fn encode(&self, e: &mut Encoder) {
        e.array(6);
        e.uint(self.entry.0);
        e.int(self.kind.id());
        e.bytes(self.root.as_bytes());
        encode_inclusion(e, &self.inclusion);
        match &self.opened {
            None => e.null(),
            Some(opened) => {
                e.array(2);
                e.bytes(&opened.salt.0);
                e.bytes(opened.leaf.as_ref());
            }
        }
        match &self.content {
            None => e.null(),
            Some(Content::Bytes(bytes)) => {
                e.array(2);
                e.uint(1);
                e.bytes(bytes.as_ref());
            }
            Some(Content::Slice { file, slice }) => {
                e.array(3);
                e.uint(2);
                match file {
                    None => e.null(),
                    Some(file) => encode_inclusion(e, file),
                }
                e.bytes(slice.as_ref());
            }
        }
    }
}

impl<'a> Opening<&'a [u8]> {
    pub(super) fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
        d.tuple("an opening", 6, |d| {
            let (entry, kind) = (EntryIndex(d.uint()?), DigestKind::from_id(d.int()?)?);
            let root = ManifestRoot::from_bytes(d.byte_array("a manifest root")?);
            let inclusion = decode_inclusion(d)?;
            let opened = if d.null() { None } else { Some(decode_opened(d)?) };
            let content = if d.null() { None } else { Some(decode_content(d)?) };
            Ok(Self { entry, kind, root, inclusion, opened, content })
        })
    }

    /// The same, with bytes of its own.
    pub fn into_owned(self) -> Opening {
        let inclusion = |inclusion: Inclusion<&[u8]>| Inclusion {
            header: inclusion.header.to_vec(),
            header_path: inclusion.header_path,
            position: inclusion.position,
            leaf: inclusion.leaf.to_vec(),
            path: inclusion.path,
        };
        Opening {
            entry: self.entry,
            kind: self.kind,
            root: self.root,
            inclusion: inclusion(self.inclusion),
            opened: self.opened.map(|opened| Opened { salt: opened.salt, leaf: opened.leaf.to_vec() }),
            content: self.content.map(|content| match content {
                Content::Bytes(bytes) => Content::Bytes(bytes.to_vec()),
                Content::Slice { file, slice } => Content::Slice { file: file.map(inclusion), slice: slice.to_vec() },
            }),
        }
    }
}

fn encode_inclusion<B: AsRef<[u8]>>(e: &mut Encoder, inclusion: &Inclusion<B>) {
    e.array(5);
    e.bytes(inclusion.header.as_ref());
    encode_hashes(e, &inclusion.header_path);
    e.uint(inclusion.position);
    e.bytes(inclusion.leaf.as_ref());
    encode_hashes(e, &inclusion.path);
}

fn decode_inclusion<'a>(d: &mut Decoder<'a>) -> Result<Inclusion<&'a [u8]>, DecodeError> {
    d.tuple("an inclusion", 5, |d| {
        let (header, header_path) = (d.bytes()?, decode_path(d)?);
        let (position, leaf, path) = (d.uint()?, d.bytes()?, decode_path(d)?);
        Ok(Inclusion { header, header_path, position, leaf, path })
    })
}

fn decode_path(d: &mut Decoder<'_>) -> Result<Vec<NodeHash>, DecodeError> {
    bounded(d, "an inclusion path", MAX_PATH, |d| Ok(NodeHash::from_bytes(d.byte_array("a proof hash")?)))
}

fn decode_opened<'a>(d: &mut Decoder<'a>) -> Result<Opened<&'a [u8]>, DecodeError> {
    d.tuple("an opened leaf", 2, |d| Ok(Opened { salt: Salt(d.byte_array("a salt")?), leaf: d.bytes()? }))
}

fn decode_content<'a>(d: &mut Decoder<'a>) -> Result<Content<&'a [u8]>, DecodeError> {
    const WHAT: &str = "the content of an opening";
    let len = d.array_header()?;
    match (d.uint()?, len) {
        (1, 2) => Ok(Content::Bytes(d.bytes()?)),
        (2, 3) => {
            let file = if d.null() { None } else { Some(decode_inclusion(d)?) };
            Ok(Content::Slice { file, slice: d.bytes()? })
        }
        (1 | 2, found) => Err(DecodeError::Length { what: WHAT, expected: "another number of items", found }),
        (form, _) => Err(DecodeError::UnknownValue { what: WHAT, value: i64::try_from(form).unwrap_or(i64::MAX) }),
    }
}

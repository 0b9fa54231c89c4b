//! Documents of a corpus, one leaf each (digest kind `rows`, projection `documents/1`).
//!
//! A leaf is `[key, raw digest, raw length, text digest, text length, flags]`: what the document is called in its corpus,
//! the bytes that lie there, the text that training sees of them, and what is odd about that text. Leaves stand in the
//! order of their keys' bytes, each key once, so that a document is found by its key without reading the others. The
//! text and flags follow from the bytes and from the layout they lie in: whoever holds the document can derive its leaf
//! again.

use crate::artifact::manifest::{Manifest, ManifestError, ManifestHeader};
use crate::artifact::tree::MAX_PATH_BYTES;
use crate::codec::{DecodeError, Decoder, Encoder};
use crate::digest::{Algorithm, Digest, DigestKind, FileDigest};

/// The only view of documents there is so far.
pub const PROJECTION: &str = "documents/1";

/// Longest key: a key is a path or a row number, or both.
pub const MAX_KEY_BYTES: usize = MAX_PATH_BYTES;

/// Why bytes are not a list of documents.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum DocumentsError {
    #[error(transparent)]
    Decode(#[from] DecodeError),
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    #[error("a corpus needs at least one document")]
    Empty,
    #[error("the projection is `{}`, expected `{PROJECTION}`", .found.escape_debug())]
    Projection { found: String },
    #[error("a list of documents carries no facts in its header")]
    Facts,
    #[error("a document's key has {found} bytes, expected 1 to {MAX_KEY_BYTES} without control characters")]
    Key { found: usize },
    #[error("the document `{}` stands there twice", .key.escape_debug())]
    Duplicate { key: String },
    #[error("the document `{}` is not in its place: documents stand in the order of their keys' bytes", .key.escape_debug())]
    Order { key: String },
    #[error("the document `{}` has a digest by {found}, expected blake3", .key.escape_debug())]
    Algorithm { key: String, found: &'static str },
    #[error("the document `{}` has the flags {found:#x}, which need a newer reproledger", .key.escape_debug())]
    Flags { key: String, found: u64 },
}

/// What is odd about a document, as bits. The numbers are the wire's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Flags(u64);

impl Flags {
    /// `<content>` was opened and never closed: the response was cut off, and what there is was kept.
    pub const TRUNCATED: Self = Self(1);
    /// `</content>` without `<content>`.
    pub const UNOPENED: Self = Self(1 << 1);
    /// Neither tag: the whole response was kept.
    pub const UNTAGGED: Self = Self(1 << 2);
    /// Both tags, but nothing between them: the whole response was kept.
    pub const UNMATCHED: Self = Self(1 << 3);
    /// Nothing is left as text.
    pub const EMPTY: Self = Self(1 << 4);
    /// The text holds a placeholder of a template, such as `{model_name}`.
    pub const PLACEHOLDER: Self = Self(1 << 5);
    /// The text holds `<scratchpad>` or its end: what was not meant to be trained on.
    pub const SCRATCHPAD: Self = Self(1 << 6);
    /// The bytes are not UTF-8; they stand for the text as they are.
    pub const NOT_UTF8: Self = Self(1 << 7);
    /// The source wrote half of a surrogate pair, which is no character.
    pub const LONE_SURROGATE: Self = Self(1 << 8);

    /// Every flag with its stable name, in the order of the bits.
    pub const NAMES: &'static [(Self, &'static str)] = &[
        (Self::TRUNCATED, "truncated"),
        (Self::UNOPENED, "unopened"),
        (Self::UNTAGGED, "untagged"),
        (Self::UNMATCHED, "unmatched-tags"),
        (Self::EMPTY, "empty"),
        (Self::PLACEHOLDER, "placeholder"),
        (Self::SCRATCHPAD, "scratchpad"),
        (Self::NOT_UTF8, "not-utf8"),
        (Self::LONE_SURROGATE, "lone-surrogate"),
    ];

    /// No flag.
    pub const NONE: Self = Self(0);

    const KNOWN: u64 = (1 << Self::NAMES.len()) - 1;

    /// The flags of both.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The flags of both where `condition` holds.
    #[must_use]
    pub const fn with_if(self, condition: bool, other: Self) -> Self {
        if condition { self.with(other) } else { self }
    }

    /// True when all of `other` are set.
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The bits.
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// The flags with these bits, where all of them are known.
    pub const fn from_bits(bits: u64) -> Option<Self> {
        if bits & !Self::KNOWN == 0 { Some(Self(bits)) } else { None }
    }

    /// The stable names of the flags that are set.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Self::NAMES.iter().filter(move |(flag, _)| self.has(*flag)).map(|(_, name)| *name)
    }
}

/// One document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentLeaf {
    /// What it is called in its corpus: its path, a row number, or both.
    pub key: String,
    /// BLAKE3 of the bytes that lie there.
    pub raw: FileDigest,
    /// How many they are.
    pub raw_length: u64,
    /// BLAKE3 of the text's UTF-8.
    pub text: FileDigest,
    /// Bytes in the text.
    pub text_length: u64,
    /// What is odd about it.
    pub flags: Flags,
}

impl DocumentLeaf {
    const WHAT: &'static str = "a document";

    /// True when the document stands in the rowset of texts: the generator drops what is empty and cannot read the rest.
    pub fn is_text(&self) -> bool {
        !self.flags.has(Flags::EMPTY) && !self.flags.has(Flags::NOT_UTF8)
    }

    /// Canonical bytes.
    pub fn encode(&self) -> Vec<u8> {
        Encoder::encode(|e| {
            e.array(6);
            e.text(&self.key);
            Digest::from(self.raw).encode(e);
            e.uint(self.raw_length);
            Digest::from(self.text).encode(e);
            e.uint(self.text_length);
            e.uint(self.flags.bits());
        })
    }

    /// Reads canonical bytes.
    pub fn parse(bytes: &[u8]) -> Result<Self, DocumentsError> {
        Decoder::decode(bytes, |d| {
            d.tuple(Self::WHAT, 6, |d| {
                let key = d.text()?.to_owned();
                check_key(&key)?;
                let (raw, raw_length) = (blake3_of(&key, Digest::decode(d)?)?, d.uint()?);
                let (text, text_length) = (blake3_of(&key, Digest::decode(d)?)?, d.uint()?);
                let bits = d.uint()?;
                let Some(flags) = Flags::from_bits(bits) else {
                    return Err(DocumentsError::Flags { key, found: bits });
                };
                Ok(Self { key, raw, raw_length, text, text_length, flags })
            })
        })
    }
}

fn check_key(key: &str) -> Result<(), DocumentsError> {
    if key.is_empty() || key.len() > MAX_KEY_BYTES || key.chars().any(char::is_control) {
        return Err(DocumentsError::Key { found: key.len() });
    }
    Ok(())
}

fn blake3_of(key: &str, digest: Digest) -> Result<FileDigest, DocumentsError> {
    match digest.algorithm {
        Algorithm::Blake3 => Ok(FileDigest::from_bytes(digest.bytes)),
        other => Err(DocumentsError::Algorithm { key: key.to_owned(), found: other.name() }),
    }
}

/// The manifest of a corpus; the documents may come in any order.
pub fn documents_manifest(mut documents: Vec<DocumentLeaf>) -> Result<Manifest, DocumentsError> {
    documents.sort_by(|a, b| a.key.cmp(&b.key));
    check_documents(&documents)?;
    let header = ManifestHeader { kind: DigestKind::Rows, projection: PROJECTION.to_owned(), facts: None };
    Ok(Manifest { header, items: documents.iter().map(DocumentLeaf::encode).collect() })
}

/// The documents of a manifest.
pub fn parse_documents(manifest: &Manifest) -> Result<Vec<DocumentLeaf>, DocumentsError> {
    check_header(manifest)?;
    let documents = manifest.items.iter().map(|item| DocumentLeaf::parse(item)).collect::<Result<Vec<_>, _>>()?;
    check_documents(&documents)?;
    Ok(documents)
}

fn check_header(manifest: &Manifest) -> Result<(), DocumentsError> {
    let ManifestHeader { kind, projection, facts } = &manifest.header;
    if *kind != DigestKind::Rows {
        let kinds = ManifestError::Kind { expected: DigestKind::Rows.name(), found: kind.name() };
        return Err(kinds.into());
    }
    if projection != PROJECTION {
        return Err(DocumentsError::Projection { found: projection.clone() });
    }
    if facts.is_some() { Err(DocumentsError::Facts) } else { Ok(()) }
}

fn check_documents(documents: &[DocumentLeaf]) -> Result<(), DocumentsError> {
    if documents.is_empty() {
        return Err(DocumentsError::Empty);
    }
    documents.iter().try_for_each(|document| check_key(&document.key))?;
    for pair in documents.windows(2) {
        let [before, after] = pair else { unreachable!("windows of two") };
        match before.key.cmp(&after.key) {
            std::cmp::Ordering::Less => {}
            std::cmp::Ordering::Equal => return Err(DocumentsError::Duplicate { key: after.key.clone() }),
            std::cmp::Ordering::Greater => return Err(DocumentsError::Order { key: after.key.clone() }),
        }
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn document(key: &str) -> DocumentLeaf {
        DocumentLeaf {
            key: key.to_owned(),
            raw: FileDigest::of(b"raw"),
            raw_length: 3,
            text: FileDigest::of(b"text"),
            text_length: 4,
            flags: Flags::TRUNCATED.with(Flags::PLACEHOLDER),
        }
    }

    #[test]
    fn flags_are_distinct_bits_with_distinct_names() {
        let all = Flags::NAMES.iter().fold(Flags::NONE, |all, (flag, _)| all.with(*flag));
        assert_eq!(all.bits(), Flags::KNOWN);
        assert!(Flags::NAMES.iter().enumerate().all(|(bit, (flag, _))| flag.bits() == 1 << bit));
        let mut names: Vec<_> = all.names().collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Flags::NAMES.len());
        assert_eq!(Flags::from_bits(Flags::KNOWN + 1), None);
    }

    #[test]
    fn every_part_of_a_leaf_reaches_the_root() {
        let base = document("a");
        let root = |leaf: &DocumentLeaf| documents_manifest(vec![leaf.clone()]).unwrap().root().unwrap();
        let others = [
            DocumentLeaf { key: "b".to_owned(), ..base.clone() },
            DocumentLeaf { raw: FileDigest::of(b"x"), ..base.clone() },
            DocumentLeaf { raw_length: 4, ..base.clone() },
            DocumentLeaf { text: FileDigest::of(b"x"), ..base.clone() },
            DocumentLeaf { text_length: 5, ..base.clone() },
            DocumentLeaf { flags: Flags::NONE, ..base.clone() },
        ];
        assert!(others.iter().all(|other| root(other) != root(&base)));
    }

    #[test]
    fn a_received_list_must_be_in_order_each_document_once_and_of_the_one_projection() {
        let good = documents_manifest(vec![document("b"), document("a")]).unwrap();
        let swapped = Manifest { items: good.items.iter().rev().cloned().collect(), ..good.clone() };
        assert_eq!(parse_documents(&swapped), Err(DocumentsError::Order { key: "a".to_owned() }));
        let twice = Manifest { items: vec![good.items[0].clone(); 2], ..good.clone() };
        assert_eq!(parse_documents(&twice), Err(DocumentsError::Duplicate { key: "a".to_owned() }));
        let mut other = good.clone();
        other.header.projection = "text".to_owned();
        assert_eq!(parse_documents(&other), Err(DocumentsError::Projection { found: "text".to_owned() }));
        let mut other = good.clone();
        other.header.facts = Some(vec![0]);
        assert_eq!(parse_documents(&other), Err(DocumentsError::Facts));
        let mut other = good;
        other.header.kind = DigestKind::Rowset;
        assert!(matches!(parse_documents(&other), Err(DocumentsError::Manifest(ManifestError::Kind { .. }))));
        assert_eq!(documents_manifest(vec![]), Err(DocumentsError::Empty));
    }

    #[test]
    fn a_leaf_of_another_shape_is_refused() {
        let leaf = |key: &str, algorithm, flags| {
            Encoder::encode(|e| {
                e.array(6);
                e.text(key);
                Digest { algorithm, bytes: [1; 32] }.encode(e);
                e.uint(1);
                Digest { algorithm, bytes: [2; 32] }.encode(e);
                e.uint(1);
                e.uint(flags);
            })
        };
        assert!(DocumentLeaf::parse(&leaf("a", Algorithm::Blake3, 0)).is_ok());
        let found = DocumentLeaf::parse(&leaf("a", Algorithm::Sha256, 0));
        assert_eq!(found, Err(DocumentsError::Algorithm { key: "a".to_owned(), found: "sha256" }));
        let found = DocumentLeaf::parse(&leaf("a", Algorithm::Blake3, 1 << 40));
        assert_eq!(
            found.unwrap_err().to_string(),
            "the document `a` has the flags 0x10000000000, which need a newer reproledger"
        );
        for key in ["", "a\nb", "a\u{9b}"] {
            let found = DocumentLeaf::parse(&leaf(key, Algorithm::Blake3, 0));
            assert_eq!(found, Err(DocumentsError::Key { found: key.len() }));
        }
        let long = DocumentLeaf { key: "x".repeat(MAX_KEY_BYTES + 1), ..document("a") };
        assert!(matches!(documents_manifest(vec![long]), Err(DocumentsError::Key { .. })));
    }

    proptest! {
        #[test]
        fn a_corpus_reads_back_as_it_was_written(
            keys in proptest::collection::btree_set("[a-c/ é]{1,4}", 1..20), flags in 0..=Flags::KNOWN
        ) {
            let flags = Flags::from_bits(flags).unwrap();
            let documents: Vec<_> = keys.iter().map(|key| DocumentLeaf { flags, ..document(key) }).collect();
            let manifest = documents_manifest(documents.iter().rev().cloned().collect()).unwrap();
            let read = parse_documents(&Manifest::parse(&manifest.to_object()).unwrap()).unwrap();
            prop_assert_eq!(read, documents);
        }

        #[test]
        fn no_bytes_make_the_parser_panic(bytes in proptest::collection::vec(any::<u8>(), 0..120)) {
            if let Ok(leaf) = DocumentLeaf::parse(&bytes) {
                prop_assert_eq!(leaf.encode(), bytes);
            }
        }
    }
}

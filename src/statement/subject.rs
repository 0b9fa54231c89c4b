//! The digests of one artifact, each kind with its count and length.

use std::collections::BTreeMap;

use crate::codec::{DecodeError, Decoder, Encoder};
use crate::digest::{Algorithm, Digest, DigestKind, FileDigest, ManifestRoot};

/// More subjects than this belong into a folder or a manifest.
pub const MAX_SUBJECTS: usize = 64;

/// One kind of digest of an artifact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measure {
    /// Items under the digest: 1 for a file, leaves for a manifest.
    pub count: u64,
    /// Bytes of the file, or of the manifest object.
    pub length: u64,
    /// The digest; more than one only where the same bytes were hashed by several algorithms, BLAKE3 first.
    pub digests: Vec<Digest>,
}

/// One artifact by all its digests: on the wire a map from digest kind to `[count, length, digest+]`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Subject(pub BTreeMap<DigestKind, Measure>);

impl Subject {
    /// A single file.
    pub fn file(digest: FileDigest, length: u64) -> Self {
        Self::default().with(DigestKind::File, Measure { count: 1, length, digests: vec![digest.into()] })
    }

    /// Something listed by a manifest of `kind`.
    pub fn manifest(kind: DigestKind, root: ManifestRoot, count: u64, length: u64) -> Self {
        Self::default().with(kind, Measure { count, length, digests: vec![root.into()] })
    }

    /// The same artifact, also by another kind of digest.
    #[must_use]
    pub fn with(mut self, kind: DigestKind, measure: Measure) -> Self {
        self.0.insert(kind, measure);
        self
    }

    /// The kind and digest that an edge binds when nothing else is asked for: the file or tree.
    pub fn principal(&self) -> Option<(DigestKind, &Measure)> {
        self.0.iter().next().map(|(kind, measure)| (*kind, measure))
    }

    /// The BLAKE3 root or digest of `kind`.
    pub fn digest(&self, kind: DigestKind) -> Option<Digest> {
        self.0.get(&kind).and_then(|measure| measure.digests.first().copied())
    }

    /// True when `digest` is one of this artifact's digests of `kind`.
    pub fn carries(&self, kind: DigestKind, digest: &Digest) -> bool {
        self.0.get(&kind).is_some_and(|measure| measure.digests.contains(digest))
    }

    pub(crate) fn encode(&self, e: &mut Encoder) {
        e.map(|m| {
            for (kind, measure) in &self.0 {
                m.entry(kind.id(), |e| {
                    e.array(2 + measure.digests.len());
                    e.uint(measure.count);
                    e.uint(measure.length);
                    for digest in &measure.digests {
                        digest.encode(e);
                    }
                });
            }
        });
    }

    pub(crate) fn decode(d: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let mut subject = Self::default();
        d.int_map(|key, d| {
            let kind = DigestKind::from_id(key)?;
            if kind == DigestKind::Entry {
                return Err(DecodeError::UnknownKey { what: "a subject", key });
            }
            let at = d.offset();
            let len = d.array_header()?;
            if len < 3 {
                let what = "a measure";
                return Err(DecodeError::Length { what, expected: "count, length and digests", found: len });
            }
            let (count, length) = (d.uint()?, d.uint()?);
            let mut digests: Vec<Digest> = Vec::new();
            for _ in 2..len {
                digests.push(Digest::decode(d)?);
            }
            // BLAKE3 first, then at most the one other algorithm that files are published under.
            let algorithms: Vec<_> = digests.iter().map(|digest| digest.algorithm).collect();
            let legal = match kind {
                DigestKind::File => {
                    algorithms == [Algorithm::Blake3] || algorithms == [Algorithm::Blake3, Algorithm::Sha256]
                }
                _ => algorithms == [Algorithm::Blake3],
            };
            if !legal {
                return Err(DecodeError::Length {
                    what: "the digests of a subject",
                    expected: "one BLAKE3 digest (and for a file at most one SHA-256)",
                    found: digests.len(),
                });
            }
            if count == 0 || (kind == DigestKind::File && count != 1) {
                return Err(DecodeError::Range { at, what: "the count of a subject" });
            }
            subject.0.insert(kind, Measure { count, length, digests });
            Ok(())
        })?;
        if subject.0.is_empty() {
            return Err(DecodeError::Length { what: "a subject", expected: "at least one digest", found: 0 });
        }
        Ok(subject)
    }
}

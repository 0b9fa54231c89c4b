//! A digest that says how it was computed and over what: the form it has on the wire.

use std::fmt;
use std::str::FromStr;

use super::text::shown;
use super::{
    Commitment, DIGEST_LEN, FileDigest, LeafHash, ManifestRoot, ParseDigestError, Sha256Digest, hex, parse_hex,
};
use crate::codec::{DecodeError, Decoder, Encoder, wire_enum};

wire_enum! {
    /// A hash algorithm as it is named on the wire.
    pub enum Algorithm, "a digest algorithm" {
        /// BLAKE3-256: raw bytes for files, `derive_key` contexts for manifests.
        Blake3 = 1 "blake3",
        /// RFC 6962 leaf hash with SHA-256: the digest of an entry.
        Rfc6962Leaf = 2 "entry",
        /// Plain SHA-256, by its COSE number (RFC 9054).
        Sha256 = -16 "sha256",
    }
}

wire_enum! {
    /// What a digest is taken over; the number is the map key it stands under on the wire.
    pub enum DigestKind, "a digest kind" {
        /// A ledger entry (only in edges).
        Entry = 0 "entry",
        /// Raw bytes of one file.
        File = 1 "file",
        /// Sorted paths, modes and file digests of a folder.
        Tree = 2 "tree",
        /// Ordered rows of a dataset.
        Rows = 3 "rows",
        /// Rows as a multiset.
        Rowset = 4 "rowset",
        /// Tensors of a checkpoint, whatever their order and sharding.
        Tensors = 5 "tensors",
        /// Canonical per-sample records of an evaluation.
        Samples = 6 "samples",
    }
}

/// A digest with its algorithm: `[algorithm, bytes]` on the wire, `algorithm:hex` in text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest {
    /// How it was computed.
    pub algorithm: Algorithm,
    /// The 32 bytes.
    pub bytes: [u8; DIGEST_LEN],
}

impl Digest {
    /// Writes `[algorithm, bytes]`.
    pub fn encode(&self, e: &mut Encoder) {
        e.array(2);
        e.int(self.algorithm.id());
        e.bytes(&self.bytes);
    }

    /// Reads `[algorithm, bytes]`. A digest of all zero bytes is nobody's digest and refused.
    pub fn decode(d: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        d.tuple("a digest", 2, |d| {
            let algorithm = Algorithm::from_id(d.int()?)?;
            let bytes = d.byte_array("a digest")?;
            if bytes == [0; DIGEST_LEN] {
                return Err(DecodeError::Length {
                    what: "a digest",
                    expected: "32 bytes that are not all zero",
                    found: 32,
                });
            }
            Ok(Self { algorithm, bytes })
        })
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.algorithm.name(), hex(&self.bytes))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

impl FromStr for Digest {
    type Err = ParseDigestError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refuse = || ParseDigestError::Algorithm { found: shown(text) };
        let (name, digits) = text.split_once(':').ok_or_else(refuse)?;
        let algorithm = Algorithm::from_name(name).ok_or_else(refuse)?;
        Ok(Self { algorithm, bytes: parse_hex(digits)? })
    }
}

impl serde::Serialize for Digest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Digest {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <std::borrow::Cow<'de, str>>::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl From<FileDigest> for Digest {
    fn from(digest: FileDigest) -> Self {
        Self { algorithm: Algorithm::Blake3, bytes: digest.0 }
    }
}

impl From<ManifestRoot> for Digest {
    fn from(root: ManifestRoot) -> Self {
        Self { algorithm: Algorithm::Blake3, bytes: root.0 }
    }
}

impl From<Commitment> for Digest {
    fn from(commitment: Commitment) -> Self {
        Self { algorithm: Algorithm::Blake3, bytes: commitment.0 }
    }
}

impl From<Sha256Digest> for Digest {
    fn from(digest: Sha256Digest) -> Self {
        Self { algorithm: Algorithm::Sha256, bytes: digest.0 }
    }
}

impl From<LeafHash> for Digest {
    fn from(leaf: LeafHash) -> Self {
        Self { algorithm: Algorithm::Rfc6962Leaf, bytes: leaf.0 }
    }
}

//! Typed digests: one type for each meaning, one text form, one hex parser.
//!
//! A content digest is BLAKE3-256 of the raw bytes and nothing else, so that `b3sum` can check it without us. Every
//! other use of BLAKE3 has its own `derive_key` context, so that no two uses can ever meet in one value. Hashes are
//! never truncated.
//!
//! Only this file names `blake3`.

mod joined;
pub mod many;
pub mod slice;
mod stream;

pub use joined::{CHUNK, Joined};
pub use stream::NumberStream;

use std::fmt;
use std::str::FromStr;

use sha2::Digest as _;

use crate::codec::{DecodeError, Decoder, Encoder, wire_enum};

/// Bytes in every digest of this crate.
pub const DIGEST_LEN: usize = 32;

/// Why a text is not a digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseDigestError {
    /// Not 64 lowercase hexadecimal digits.
    #[error("expected 64 lowercase hexadecimal digits, found `{found}`")]
    Hex {
        /// At most the first 80 characters of the text, escaped.
        found: String,
    },
    /// No known algorithm before the colon.
    #[error("expected `blake3:…` or `sha256:…`, found `{found}`")]
    Algorithm {
        /// At most the first 80 characters of the text, escaped.
        found: String,
    },
}

fn shown(text: &str) -> String {
    text.chars().take(80).flat_map(char::escape_default).collect()
}

/// The only hex parser here: a digest has one text form.
pub fn parse_hex(text: &str) -> Result<[u8; DIGEST_LEN], ParseDigestError> {
    let refuse = || ParseDigestError::Hex { found: shown(text) };
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Ok(byte - b'0'),
        b'a'..=b'f' => Ok(byte - b'a' + 10),
        _ => Err(refuse()),
    };
    let pairs = text.as_bytes();
    if pairs.len() != 2 * DIGEST_LEN {
        return Err(refuse());
    }
    let mut bytes = [0; DIGEST_LEN];
    for (byte, pair) in bytes.iter_mut().zip(pairs.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Ok(bytes)
}

/// Lowercase hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    use fmt::Write;
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a String cannot fail");
        text
    })
}

macro_rules! digest_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; DIGEST_LEN]);

        impl $name {
            /// Takes bytes that were computed or received as this digest.
            pub const fn from_bytes(bytes: [u8; DIGEST_LEN]) -> Self {
                Self(bytes)
            }

            /// The 32 bytes.
            pub const fn as_bytes(&self) -> &[u8; DIGEST_LEN] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex(&self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl FromStr for $name {
            type Err = ParseDigestError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                parse_hex(text).map(Self)
            }
        }
    };
}

digest_type!(
    /// BLAKE3-256 of raw bytes: what `b3sum` prints.
    FileDigest
);
digest_type!(
    /// Root of a manifest (tree, rows, rowset, tensors, samples): see [`crate::artifact`].
    ManifestRoot
);
digest_type!(
    /// Salted commitment to an entry's body: hides it until it is disclosed, binds it for ever.
    Commitment
);
digest_type!(
    /// RFC 6962 leaf hash of an entry's bytes: the entry's own digest.
    LeafHash
);
digest_type!(
    /// A node of an RFC 6962 tree; a leaf hash is one too.
    NodeHash
);
digest_type!(
    /// The ledger's identity: the leaf hash of its entry 0.
    LedgerId
);
digest_type!(
    /// RFC 9679 COSE key thumbprint (SHA-256): the `kid` of an entry.
    Thumbprint
);
digest_type!(
    /// Plain SHA-256 of raw bytes, for published files that others name so.
    Sha256Digest
);

impl From<LeafHash> for NodeHash {
    fn from(leaf: LeafHash) -> Self {
        Self(leaf.0)
    }
}

impl From<LeafHash> for LedgerId {
    fn from(leaf: LeafHash) -> Self {
        Self(leaf.0)
    }
}

impl FileDigest {
    /// The digest of bytes in memory.
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }
}

impl Sha256Digest {
    /// The digest of bytes in memory.
    pub fn of(bytes: &[u8]) -> Self {
        Self(sha2::Sha256::digest(bytes).into())
    }
}

/// 32 random bytes that keep a commitment from being guessed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Salt(pub [u8; 32]);

impl fmt::Debug for Salt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Salt(..)")
    }
}

impl Salt {
    /// What a salted manifest shows in the place of `leaf`: BLAKE3 with the salt as its key.
    ///
    /// Without the salt, 32 random bytes of the leaf's own, no guess at the leaf can be tried against it; that it binds
    /// rests on BLAKE3's collision resistance, which holds for keys of an adversary's choice.
    pub fn commit(&self, leaf: &[u8]) -> [u8; DIGEST_LEN] {
        *blake3::keyed_hash(&self.0, leaf).as_bytes()
    }
}

impl Commitment {
    /// Commits to `body` under `salt`: BLAKE3 `derive_key` over salt and body together.
    ///
    /// Hashing the salt as data, and not as a BLAKE3 key, keeps binding on plain collision resistance even though the
    /// committing party chooses the salt.
    pub fn to(salt: &Salt, body: &[u8]) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("reproledger 2026 body commitment v1");
        hasher.update(&salt.0);
        hasher.update(body);
        Self(*hasher.finalize().as_bytes())
    }
}

/// Hashes a stream of raw bytes to a [`FileDigest`] in constant memory.
#[derive(Clone, Default)]
pub struct FileHasher(blake3::Hasher);

impl fmt::Debug for FileHasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FileHasher")
    }
}

impl FileHasher {
    /// Nothing hashed yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest of all bytes added.
    pub fn finish(&self) -> FileDigest {
        FileDigest(*self.0.finalize().as_bytes())
    }
}

/// Chaining value of a whole, aligned part of a file, for hashing one file on several cores.
///
/// The BLAKE3 tree lets any aligned power-of-two block be hashed alone and merged later
/// (<https://docs.rs/blake3/latest/blake3/hazmat/>).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Subtree(blake3::hazmat::ChainingValue);

impl Subtree {
    /// The subtree over `bytes`, which start at `offset` in the file.
    ///
    /// `offset` must be a multiple of the length that the subtree would have if it were full, a power of two of at
    /// least 1024; only the last subtree of a file may be shorter than full.
    pub fn of(bytes: &[u8], offset: u64) -> Self {
        use blake3::hazmat::HasherExt;
        let mut hasher = blake3::Hasher::new();
        hasher.set_input_offset(offset);
        hasher.update(bytes);
        Self(hasher.finalize_non_root())
    }

    /// Takes a chaining value that was received; what it is worth shows at the root.
    pub const fn from_bytes(bytes: [u8; DIGEST_LEN]) -> Self {
        Self(bytes)
    }

    /// The chaining value.
    pub const fn as_bytes(&self) -> &[u8; DIGEST_LEN] {
        &self.0
    }

    /// The subtree over two neighbours, `left` full and `right` no longer than it.
    #[must_use]
    pub fn merge(self, right: Self) -> Self {
        Self(blake3::hazmat::merge_subtrees_non_root(&self.0, &right.0, blake3::hazmat::Mode::Hash))
    }

    /// The digest of a file that consists of two neighbours.
    pub fn merge_root(self, right: Self) -> FileDigest {
        let root = blake3::hazmat::merge_subtrees_root(&self.0, &right.0, blake3::hazmat::Mode::Hash);
        FileDigest(*root.as_bytes())
    }
}

impl fmt::Debug for Subtree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Subtree({})", hex(&self.0))
    }
}

/// Hashes a stream of bytes from the middle of a file to a [`Subtree`] in constant memory.
#[derive(Clone)]
pub struct SubtreeHasher(blake3::Hasher);

impl SubtreeHasher {
    /// Nothing hashed yet; the rule of [`Subtree::of`] holds for `offset`.
    pub fn at(offset: u64) -> Self {
        use blake3::hazmat::HasherExt;
        let mut hasher = blake3::Hasher::new();
        hasher.set_input_offset(offset);
        Self(hasher)
    }

    /// Adds the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The subtree over all bytes added, of which there must be some.
    pub fn finish(&self) -> Subtree {
        use blake3::hazmat::HasherExt;
        Subtree(self.0.finalize_non_root())
    }
}

/// Keyed to one purpose by a BLAKE3 `derive_key` context.
#[derive(Clone)]
pub struct ContextHasher(blake3::Hasher);

impl ContextHasher {
    /// A hasher for one purpose; `context` is a constant, globally unique string.
    pub fn new(context: &'static str) -> Self {
        Self(blake3::Hasher::new_derive_key(context))
    }

    /// The hash of the concatenation of `parts`. The caller sees to it that the parts cannot be cut differently.
    pub fn hash(&self, parts: &[&[u8]]) -> [u8; DIGEST_LEN] {
        let mut hasher = self.0.clone();
        for part in parts {
            hasher.update(part);
        }
        *hasher.finalize().as_bytes()
    }
}

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

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests;

//! Typed digests: one type for each meaning, one text form, one hex parser.
//!
//! A content digest is BLAKE3-256 of the raw bytes and nothing else, so that `b3sum` can check it without us. Every
//! other use of BLAKE3 has its own `derive_key` context, so that no two uses can ever meet in one value. Hashes are
//! never truncated.
//!
//! Only this folder names `blake3`.

mod hasher;
mod joined;
pub mod many;
pub mod slice;
mod stream;
mod tagged;
mod text;

pub use hasher::{ContextHasher, FileHasher, Subtree, SubtreeHasher};
pub use joined::{CHUNK, Joined};
pub use stream::NumberStream;
pub use tagged::{Algorithm, Digest, DigestKind};
pub use text::{ParseDigestError, hex, parse_hex};

use std::fmt;
use std::str::FromStr;

use sha2::Digest as _;

/// Bytes in every digest of this crate.
pub const DIGEST_LEN: usize = 32;

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

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests;

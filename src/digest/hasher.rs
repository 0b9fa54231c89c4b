//! Hashing raw bytes as they come: whole files, aligned parts of them, and values of one purpose.

use std::fmt;

use super::{DIGEST_LEN, FileDigest, hex};

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

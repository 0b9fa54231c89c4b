//! RFC 6962 Merkle trees: the order of a ledger and the proofs about it.
//!
//! A leaf is SHA-256(0x00 ‖ entry), a node SHA-256(0x01 ‖ left ‖ right), and a tree of n leaves splits at the largest
//! power of two below n. A root proves nothing without its size, so the two travel together as a [`TreeHead`]. The
//! proof code is generic over the hash of two neighbours, so that manifests (BLAKE3) prove their items the same way.
//!
//! Spec: <https://www.rfc-editor.org/rfc/rfc9162#section-2.1> (the trees and proofs of RFC 6962)

mod head;
mod multiproof;
mod proof;
mod prove;
mod range;

pub use head::{Head, HeadError, Origin, SignedHead};
pub use multiproof::{check_many, prove_many, root_from_many};
pub use proof::{MAX_PATH_HASHES, ProofError, check_consistency, check_inclusion, root_from_inclusion};
pub use prove::{MemoryTree, MissingNode, Nodes, ProveError, prove_consistency, prove_inclusion};
pub use range::{CompactRange, RangeError};

use std::fmt;

use sha2::Digest;

use crate::digest::{LeafHash, NodeHash};

/// Number of entries in a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct TreeSize(pub u64);

impl TreeSize {
    /// The tree with `count` more entries; none past the last number.
    pub fn plus(self, count: u64) -> Option<Self> {
        self.0.checked_add(count).map(Self)
    }

    /// Where the next entry goes.
    pub fn next_index(self) -> EntryIndex {
        EntryIndex(self.0)
    }

    /// True when an entry with this index is in the tree.
    pub fn contains(self, index: EntryIndex) -> bool {
        index.0 < self.0
    }
}

impl fmt::Display for TreeSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Place of an entry in its tree, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct EntryIndex(pub u64);

impl EntryIndex {
    /// The smallest tree with this entry; none for the last number.
    pub fn size_with(self) -> Option<TreeSize> {
        self.0.checked_add(1).map(TreeSize)
    }
}

impl fmt::Display for EntryIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A size and the root of the tree of that size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TreeHead {
    /// Number of entries.
    pub size: TreeSize,
    /// Root over exactly these entries.
    pub root: NodeHash,
}

impl TreeHead {
    /// The tree without entries.
    pub fn empty() -> Self {
        Self { size: TreeSize(0), root: empty_root() }
    }
}

/// How two neighbours are hashed to their parent.
pub trait TreeHash {
    /// The parent of `left` and `right`.
    fn node(&self, left: &NodeHash, right: &NodeHash) -> NodeHash;
}

/// SHA-256 as in RFC 6962: the hash of ledgers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rfc6962;

impl TreeHash for Rfc6962 {
    fn node(&self, left: &NodeHash, right: &NodeHash) -> NodeHash {
        node_hash(left, right)
    }
}

impl<H: TreeHash + ?Sized> TreeHash for &H {
    fn node(&self, left: &NodeHash, right: &NodeHash) -> NodeHash {
        (**self).node(left, right)
    }
}

/// The leaf of an entry's bytes: the entry's digest.
pub fn leaf_hash(entry: &[u8]) -> LeafHash {
    LeafHash::from_bytes(sha2::Sha256::new().chain_update([0]).chain_update(entry).finalize().into())
}

/// The parent of two nodes.
pub fn node_hash(left: &NodeHash, right: &NodeHash) -> NodeHash {
    let mut both = [1; 65];
    both[1..33].copy_from_slice(left.as_bytes());
    both[33..].copy_from_slice(right.as_bytes());
    NodeHash::from_bytes(sha2::Sha256::digest(both).into())
}

/// The root of the tree without entries: SHA-256 of nothing.
pub fn empty_root() -> NodeHash {
    NodeHash::from_bytes(sha2::Sha256::digest([]).into())
}

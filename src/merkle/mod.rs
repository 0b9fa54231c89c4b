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

/// The definitions of RFC 9162 §2.1, written down as they stand there: what the fast code is compared with.
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod model {
    use super::{empty_root, leaf_hash, node_hash};
    use crate::digest::{LeafHash, NodeHash};

    pub(super) fn leaves(count: u64) -> Vec<LeafHash> {
        (0..count).map(|n| leaf_hash(&n.to_be_bytes())).collect()
    }

    fn split(leaves: &[LeafHash]) -> usize {
        leaves.len().next_power_of_two() / 2
    }

    /// MTH(D[n]).
    pub(super) fn root(leaves: &[LeafHash]) -> NodeHash {
        match leaves {
            [] => empty_root(),
            [leaf] => (*leaf).into(),
            _ => {
                let (left, right) = leaves.split_at(split(leaves));
                node_hash(&root(left), &root(right))
            }
        }
    }

    /// PATH(m, D[n]).
    pub(super) fn path(index: usize, leaves: &[LeafHash]) -> Vec<NodeHash> {
        if leaves.len() == 1 {
            return Vec::new();
        }
        let k = split(leaves);
        let (left, right) = leaves.split_at(k);
        let (mut path, sibling) =
            if index < k { (path(index, left), root(right)) } else { (path(index - k, right), root(left)) };
        path.push(sibling);
        path
    }

    /// SUBPROOF(m, D[n], b).
    pub(super) fn subproof(old: usize, leaves: &[LeafHash], whole: bool) -> Vec<NodeHash> {
        if old == leaves.len() {
            return if whole { Vec::new() } else { vec![root(leaves)] };
        }
        let k = split(leaves);
        let (left, right) = leaves.split_at(k);
        let (mut proof, sibling) = if old <= k {
            (subproof(old, left, whole), root(right))
        } else {
            (subproof(old - k, right, false), root(left))
        };
        proof.push(sibling);
        proof
    }

    /// Every way to damage a proof by one step: a bit, a hash less, a hash more, two swapped.
    pub(super) fn damaged(proof: &[NodeHash]) -> Vec<Vec<NodeHash>> {
        let mut all = Vec::new();
        for at in 0..proof.len() {
            let mut flipped = proof.to_vec();
            let mut bytes = *flipped[at].as_bytes();
            bytes[at % 32] ^= 0x10;
            flipped[at] = NodeHash::from_bytes(bytes);
            all.push(flipped);
            let mut shorter = proof.to_vec();
            shorter.remove(at);
            all.push(shorter);
            let mut longer = proof.to_vec();
            longer.insert(at, proof[at]);
            all.push(longer);
            if at > 0 && proof[at - 1] != proof[at] {
                let mut swapped = proof.to_vec();
                swapped.swap(at - 1, at);
                all.push(swapped);
            }
        }
        all.push([proof, &[empty_root()]].concat());
        all.push([&[empty_root()], proof].concat());
        all
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_the_known_answers() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(empty_root().to_string(), empty);
        // The empty leaf, and the first trees of the Certificate Transparency test data.
        let leaf = leaf_hash(b"");
        assert_eq!(leaf.to_string(), "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
        let node = node_hash(&leaf.into(), &leaf_hash(&[0]).into());
        assert_eq!(node.to_string(), "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125");
    }

    #[test]
    fn numbers_do_not_wrap() {
        assert_eq!(TreeSize(3).plus(2), Some(TreeSize(5)));
        assert_eq!(TreeSize(u64::MAX).plus(1), None);
        assert!(TreeSize(3).contains(EntryIndex(2)) && !TreeSize(3).contains(EntryIndex(3)));
    }
}

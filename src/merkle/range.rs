//! A compact range: all that appending needs to know about a tree, at most 64 hashes.
//!
//! It holds the roots of the complete subtrees that make up the tree, largest first; their sizes are the one bits of
//! the tree's size.
//!
//! Shape: <https://github.com/transparency-dev/merkle/blob/main/docs/compact_ranges.md>

use crate::digest::NodeHash;

use super::{Rfc6962, TreeHash, TreeHead, TreeSize, empty_root};

/// Why hashes are not the compact range of a size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RangeError {
    /// One hash belongs to each one bit of the size.
    #[error("a compact range of size {size} has {found} hashes where {needed} belong")]
    Count {
        /// Size of the tree.
        size: TreeSize,
        /// One bits in the size.
        needed: usize,
        /// Hashes given.
        found: usize,
    },
    /// The tree holds as many entries as can be counted.
    #[error("the tree is full")]
    Full,
}

/// The right-hand frontier of a growing tree.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CompactRange<H = Rfc6962> {
    hash: H,
    size: u64,
    hashes: Vec<NodeHash>,
}

impl CompactRange {
    /// Nothing appended yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes up a range at `size`. The hashes are believed: compare [`CompactRange::root`] with a root you trust.
    pub fn from_parts(size: TreeSize, hashes: Vec<NodeHash>) -> Result<Self, RangeError> {
        let needed = size.0.count_ones() as usize;
        if hashes.len() == needed {
            Ok(Self { hash: Rfc6962, size: size.0, hashes })
        } else {
            Err(RangeError::Count { size, needed, found: hashes.len() })
        }
    }

    /// The root of the tree so far.
    pub fn root(&self) -> NodeHash {
        self.peak().unwrap_or_else(empty_root)
    }

    /// Size and root of the tree so far.
    pub fn head(&self) -> TreeHead {
        TreeHead { size: self.size(), root: self.root() }
    }
}

impl<H: TreeHash> CompactRange<H> {
    /// Nothing appended yet, under another hash.
    pub fn with_hash(hash: H) -> Self {
        Self { hash, size: 0, hashes: Vec::new() }
    }

    /// Appends a leaf.
    pub fn append(&mut self, leaf: impl Into<NodeHash>) -> Result<(), RangeError> {
        let size = self.size.checked_add(1).ok_or(RangeError::Full)?;
        let mut node = leaf.into();
        // Every complete subtree of this node's size is its left neighbour, as in counting with carry.
        for _ in 0..self.size.trailing_ones() {
            let left = self.hashes.pop().expect("one hash for each one bit of the size");
            node = self.hash.node(&left, &node);
        }
        self.hashes.push(node);
        self.size = size;
        Ok(())
    }

    /// Number of leaves appended.
    pub fn size(&self) -> TreeSize {
        TreeSize(self.size)
    }

    /// Roots of the complete subtrees, largest first.
    pub fn hashes(&self) -> &[NodeHash] {
        &self.hashes
    }

    /// The root of the tree so far; nothing while it is empty, because what an empty tree hashes to differs.
    pub fn peak(&self) -> Option<NodeHash> {
        fold_right(&self.hash, self.hashes.iter().rev().copied())
    }
}

/// Joins neighbouring subtrees, given from right to left.
pub(super) fn fold_right(hash: &impl TreeHash, nodes: impl Iterator<Item = NodeHash>) -> Option<NodeHash> {
    nodes.reduce(|right, left| hash.node(&left, &right))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::merkle::model;

    #[test]
    fn every_root_is_that_of_the_definition() {
        let leaves = model::leaves(130);
        let mut range = CompactRange::new();
        for (size, leaf) in leaves.iter().enumerate() {
            assert_eq!(range.head(), TreeHead { size: TreeSize(size as u64), root: model::root(&leaves[..size]) });
            // Taken up again at any size, a range goes on as if it had never stopped.
            range = CompactRange::from_parts(range.size(), range.hashes().to_vec()).unwrap();
            range.append(*leaf).unwrap();
        }
        assert_eq!(range.root(), model::root(&leaves));
    }

    #[test]
    fn a_wrong_number_of_hashes_is_refused() {
        let hashes = vec![empty_root(); 3];
        let size = TreeSize(5);
        assert_eq!(
            CompactRange::from_parts(size, hashes.clone()),
            Err(RangeError::Count { size, needed: 2, found: 3 })
        );
        assert!(CompactRange::from_parts(TreeSize(7), hashes).is_ok());
    }

    #[test]
    fn a_full_tree_takes_no_more() {
        let mut range = CompactRange::from_parts(TreeSize(u64::MAX), vec![empty_root(); 64]).unwrap();
        assert_eq!(range.append(empty_root()), Err(RangeError::Full));
        assert_eq!(range.size(), TreeSize(u64::MAX));
    }
}

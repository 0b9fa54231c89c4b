//! Making proofs from the complete subtrees of a tree, wherever they are stored.
//!
//! A store keeps only hashes of complete subtrees, which never change once they exist; the ragged right edge of any
//! size is joined from at most 64 of them. So every past size can be proved from, not only the current one.
//!
//! Spec: <https://www.rfc-editor.org/rfc/rfc9162#section-2.1.3.1>,
//! <https://www.rfc-editor.org/rfc/rfc9162#section-2.1.4.1>

use std::ops::Range;

use crate::digest::NodeHash;

use super::range::fold_right;
use super::{EntryIndex, ProofError, Rfc6962, TreeHash, TreeHead, TreeSize, empty_root, node_hash};

/// The stored hashes of a tree.
pub trait Nodes {
    /// Why a hash cannot be had.
    type Error;

    /// The hash of the complete subtree over the leaves from `index << level` to before `(index + 1) << level`.
    fn node(&self, level: u8, index: u64) -> Result<NodeHash, Self::Error>;

    /// The parent of two nodes: RFC 6962, unless the tree is of another hash.
    fn join(&self, left: &NodeHash, right: &NodeHash) -> NodeHash {
        node_hash(left, right)
    }
}

/// Why there is no proof.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProveError<E> {
    /// What is asked for cannot be proved of any tree of that size.
    #[error(transparent)]
    Proof(#[from] ProofError),
    /// A stored hash cannot be read.
    #[error("a stored hash of the tree cannot be read")]
    Nodes(#[source] E),
}

/// The inclusion proof of an entry in the tree of `size`, the leaf's sibling first.
pub fn prove_inclusion<N: Nodes>(
    nodes: &N,
    index: EntryIndex,
    size: TreeSize,
) -> Result<Vec<NodeHash>, ProveError<N::Error>> {
    if !size.contains(index) {
        return Err(ProofError::OutsideTree { index, size }.into());
    }
    // PATH(m, D[n]) from the top: keep the side with the entry, note the other.
    let mut path = Vec::with_capacity(64);
    let mut side = 0..size.0;
    while side.end - side.start > 1 {
        let middle = split(&side);
        if index.0 < middle {
            path.push(subtree(nodes, middle..side.end)?);
            side.end = middle;
        } else {
            path.push(subtree(nodes, side.start..middle)?);
            side.start = middle;
        }
    }
    path.reverse();
    Ok(path)
}

/// The proof that the tree of `new` begins with the tree of `old`; empty where they are the same.
pub fn prove_consistency<N: Nodes>(
    nodes: &N,
    old: TreeSize,
    new: TreeSize,
) -> Result<Vec<NodeHash>, ProveError<N::Error>> {
    if old > new {
        return Err(ProofError::Shrunk { old, new }.into());
    }
    if old.0 == 0 {
        return Err(ProofError::FromEmpty.into());
    }
    // SUBPROOF(m, D[n], true) from the top: follow the end of the older tree.
    let mut path = Vec::with_capacity(64);
    let mut side = 0..new.0;
    while side.end != old.0 {
        let middle = split(&side);
        if old.0 <= middle {
            path.push(subtree(nodes, middle..side.end)?);
            side.end = middle;
        } else {
            path.push(subtree(nodes, side.start..middle)?);
            side.start = middle;
        }
    }
    // The side that is left ends the older tree; where it is all of it, the checker has its root already.
    if side.start != 0 {
        path.push(subtree(nodes, side)?);
    }
    path.reverse();
    Ok(path)
}

/// Where a subtree of at least two leaves splits: at the largest power of two below its size.
pub(super) fn split(leaves: &Range<u64>) -> u64 {
    leaves.start + (1 << (leaves.end - leaves.start - 1).ilog2())
}

/// The root over leaves that form one subtree of some tree, read or joined from complete subtrees.
pub(super) fn subtree<N: Nodes>(nodes: &N, leaves: Range<u64>) -> Result<NodeHash, ProveError<N::Error>> {
    let count = leaves.end - leaves.start;
    if count.is_power_of_two() {
        return read(nodes, count.trailing_zeros(), leaves.start);
    }
    // Right to left: one complete subtree for each one bit of the count, the smallest last in the tree.
    let mut rest = count;
    let mut root = None;
    while rest != 0 {
        let level = rest.trailing_zeros();
        rest &= rest - 1;
        let left = read(nodes, level, leaves.start + rest)?;
        root = Some(match root {
            None => left,
            Some(right) => nodes.join(&left, &right),
        });
    }
    Ok(root.expect("a subtree has at least one leaf"))
}

fn read<N: Nodes>(nodes: &N, level: u32, start: u64) -> Result<NodeHash, ProveError<N::Error>> {
    let level = u8::try_from(level).expect("a 64-bit count has 64 levels");
    nodes.node(level, start >> level).map_err(ProveError::Nodes)
}

/// A tree in memory: every complete subtree, by level.
#[derive(Debug, Clone, Default)]
pub struct MemoryTree<H = Rfc6962> {
    hash: H,
    levels: Vec<Vec<NodeHash>>,
}

/// A hash of leaves that the tree does not have yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the tree has no node {index} on level {level}")]
pub struct MissingNode {
    /// Height over the leaves.
    pub level: u8,
    /// Place on the level, from the left.
    pub index: u64,
}

impl MemoryTree {
    /// The empty tree.
    pub fn new() -> Self {
        Self::default()
    }

    /// Size and root of the whole tree.
    pub fn head(&self) -> TreeHead {
        TreeHead { size: self.size(), root: self.peak().unwrap_or_else(empty_root) }
    }

    /// Size and root of the tree as it was at `size`.
    pub fn head_at(&self, size: TreeSize) -> Result<TreeHead, ProveError<MissingNode>> {
        let root = if size.0 == 0 { empty_root() } else { subtree(self, 0..size.0)? };
        Ok(TreeHead { size, root })
    }
}

impl<H: TreeHash> MemoryTree<H> {
    /// The empty tree, under another hash.
    pub fn with_hash(hash: H) -> Self {
        Self { hash, levels: Vec::new() }
    }

    /// Appends a leaf.
    pub fn append(&mut self, leaf: impl Into<NodeHash>) {
        let mut node = leaf.into();
        for level in &mut self.levels {
            level.push(node);
            match level.as_slice() {
                // A pair is complete: its parent goes one level up.
                [.., left, right] if level.len() % 2 == 0 => node = self.hash.node(left, right),
                _ => return,
            }
        }
        self.levels.push(vec![node]);
    }

    /// Number of leaves.
    pub fn size(&self) -> TreeSize {
        TreeSize(self.levels.first().map_or(0, |leaves| leaves.len() as u64))
    }

    /// The root of the whole tree; nothing while it is empty.
    pub fn peak(&self) -> Option<NodeHash> {
        // The last node of each level with an odd number of them has no parent yet.
        let peaks = self.levels.iter().filter(|level| level.len() % 2 == 1).filter_map(|level| level.last());
        fold_right(&self.hash, peaks.copied())
    }
}

impl<H: TreeHash> Nodes for MemoryTree<H> {
    type Error = MissingNode;

    fn node(&self, level: u8, index: u64) -> Result<NodeHash, MissingNode> {
        let found = usize::try_from(index).ok().and_then(|at| self.levels.get(usize::from(level))?.get(at));
        found.copied().ok_or(MissingNode { level, index })
    }

    fn join(&self, left: &NodeHash, right: &NodeHash) -> NodeHash {
        self.hash.node(left, right)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::digest::LeafHash;
    use crate::merkle::{check_consistency, check_inclusion, model};

    fn tree(leaves: &[LeafHash]) -> MemoryTree {
        let mut tree = MemoryTree::new();
        for leaf in leaves {
            tree.append(*leaf);
        }
        tree
    }

    #[test]
    fn every_proof_is_that_of_the_definition() {
        const MAX: usize = 130;
        let leaves = model::leaves(MAX as u64);
        let tree = tree(&leaves);
        for size in 1..=MAX {
            let at_size = &leaves[..size];
            let new = TreeSize(size as u64);
            assert_eq!(tree.head_at(new).unwrap().root, model::root(at_size));
            for index in 0..size {
                let made = prove_inclusion(&tree, EntryIndex(index as u64), new).unwrap();
                assert_eq!(made, model::path(index, at_size), "{index} in {size}");
                let old = TreeSize(index as u64 + 1);
                let made = prove_consistency(&tree, old, new).unwrap();
                assert_eq!(made, model::subproof(index + 1, at_size, true), "{old} to {size}");
            }
        }
    }

    #[test]
    fn what_no_tree_can_prove_is_refused() {
        let tree = tree(&model::leaves(5));
        assert_eq!(
            prove_inclusion(&tree, EntryIndex(5), TreeSize(5)),
            Err(ProofError::OutsideTree { index: EntryIndex(5), size: TreeSize(5) }.into())
        );
        assert_eq!(prove_consistency(&tree, TreeSize(0), TreeSize(5)), Err(ProofError::FromEmpty.into()));
        let shrunk = ProofError::Shrunk { old: TreeSize(4), new: TreeSize(3) };
        assert_eq!(prove_consistency(&tree, TreeSize(4), TreeSize(3)), Err(shrunk.into()));
        // The store does not have what a larger tree would need.
        let missing = ProveError::Nodes(MissingNode { level: 0, index: 5 });
        assert_eq!(prove_inclusion(&tree, EntryIndex(4), TreeSize(6)), Err(missing));
        assert!(prove_inclusion(&tree, EntryIndex(4), TreeSize(u64::MAX)).is_err());
        assert!(prove_consistency(&tree, TreeSize(4), TreeSize(u64::MAX)).is_err());
    }

    #[test]
    fn a_tree_under_another_hash_has_its_own_root() {
        struct Backwards;
        impl TreeHash for Backwards {
            fn node(&self, left: &NodeHash, right: &NodeHash) -> NodeHash {
                node_hash(right, left)
            }
        }
        let mut tree = MemoryTree::with_hash(Backwards);
        for leaf in model::leaves(6) {
            tree.append(leaf);
        }
        let path = prove_inclusion(&tree, EntryIndex(2), TreeSize(6)).unwrap();
        let leaf = model::leaves(3)[2].into();
        let root = crate::merkle::root_from_inclusion(&Backwards, TreeSize(6), EntryIndex(2), leaf, &path);
        assert_eq!(root.ok(), tree.peak());
        assert_ne!(tree.peak(), Some(model::root(&model::leaves(6))));
    }

    proptest! {
        #[test]
        fn proofs_of_larger_trees_hold(size in 1_u64..5_000, index in any::<u64>(), old in any::<u64>()) {
            let leaves = model::leaves(size);
            let tree = tree(&leaves);
            let head = tree.head();
            let index = index % size;
            let path = prove_inclusion(&tree, EntryIndex(index), head.size).unwrap();
            let leaf = leaves[usize::try_from(index).unwrap()];
            prop_assert_eq!(check_inclusion(&head, EntryIndex(index), leaf, &path), Ok(()));
            let old = tree.head_at(TreeSize(old % size + 1)).unwrap();
            let path = prove_consistency(&tree, old.size, head.size).unwrap();
            prop_assert_eq!(check_consistency(&old, &head, &path), Ok(()));
        }
    }
}

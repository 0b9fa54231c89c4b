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

//! One proof for many entries: every subtree hash that the known leaves do not already give, once, left to right.
//!
//! A subtree without a known leaf, under a parent with one, is one hash; nothing else is in the proof, and the number
//! of hashes follows from size and indexes alone. A contiguous range of any length needs at most about two hashes for
//! each level.

use std::ops::Range;

use crate::digest::{LeafHash, NodeHash};

use super::proof::check_root;
use super::prove::{split, subtree};
use super::{EntryIndex, Nodes, ProofError, ProveError, Rfc6962, TreeHash, TreeHead, TreeSize};

/// The proof for entries given by strictly rising indexes.
pub fn prove_many<N: Nodes>(
    nodes: &N,
    size: TreeSize,
    indexes: &[EntryIndex],
) -> Result<Vec<NodeHash>, ProveError<N::Error>> {
    check_indexes(size, indexes, |index| *index)?;
    let mut proof = Vec::new();
    each_gap(0..size.0, indexes, &|index| *index, &mut |leaves| {
        proof.push(subtree(nodes, leaves)?);
        Ok::<_, ProveError<N::Error>>(())
    })?;
    Ok(proof)
}

/// Checks that every leaf stands at its index in the tree of `head`; indexes rise strictly.
pub fn check_many(head: &TreeHead, leaves: &[(EntryIndex, LeafHash)], proof: &[NodeHash]) -> Result<(), ProofError> {
    check_root(head.root, root_from_many(&Rfc6962, head.size, leaves, proof)?)
}

/// The root that a proof for many leads to: what it proves only the caller's trusted root can say.
pub fn root_from_many<L: Copy + Into<NodeHash>>(
    hash: &impl TreeHash,
    size: TreeSize,
    leaves: &[(EntryIndex, L)],
    proof: &[NodeHash],
) -> Result<NodeHash, ProofError> {
    check_indexes(size, leaves, |(index, _)| *index)?;
    let mut needed = 0;
    each_gap(0..size.0, leaves, &|(index, _)| *index, &mut |_| {
        needed += 1;
        Ok::<_, ProofError>(())
    })?;
    if proof.len() != needed {
        return Err(ProofError::PathLength { needed, found: proof.len() });
    }
    Ok(root_over(hash, 0..size.0, leaves, &mut proof.iter()))
}

fn check_indexes<T>(size: TreeSize, items: &[T], index_of: impl Fn(&T) -> EntryIndex) -> Result<(), ProofError> {
    let mut previous = None;
    for index in items.iter().map(index_of) {
        if previous.is_some_and(|previous| previous >= index) {
            return Err(ProofError::Unsorted { index });
        }
        previous = Some(index);
    }
    match previous {
        None => Err(ProofError::NoEntries),
        Some(index) if !size.contains(index) => Err(ProofError::OutsideTree { index, size }),
        Some(_) => Ok(()),
    }
}

/// Visits, left to right, each largest subtree of `side` that holds no item. As deep as the tree is high: 64 at most.
fn each_gap<T, E>(
    side: Range<u64>,
    items: &[T],
    index_of: &impl Fn(&T) -> EntryIndex,
    visit: &mut impl FnMut(Range<u64>) -> Result<(), E>,
) -> Result<(), E> {
    if items.is_empty() {
        return visit(side);
    }
    // Full of items (a single leaf is): no gaps inside. Keeps a long contiguous range cheap.
    if items.len() as u64 == side.end - side.start {
        return Ok(());
    }
    let middle = split(&side);
    let (left, right) = items.split_at(items.partition_point(|item| index_of(item).0 < middle));
    each_gap(side.start..middle, left, index_of, visit)?;
    each_gap(middle..side.end, right, index_of, visit)
}

/// The root over `side`, from its known leaves and the proof's next hashes. As deep as the tree is high.
fn root_over<L: Copy + Into<NodeHash>>(
    hash: &impl TreeHash,
    side: Range<u64>,
    leaves: &[(EntryIndex, L)],
    proof: &mut std::slice::Iter<'_, NodeHash>,
) -> NodeHash {
    if leaves.is_empty() {
        return *proof.next().expect("the hashes were counted");
    }
    let count = side.end - side.start;
    if count == 1 {
        return leaves[0].1.into();
    }
    let middle = split(&side);
    let known = if leaves.len() as u64 == count {
        // Every leaf is known: no search.
        usize::try_from(middle - side.start).expect("fewer than the leaves in memory")
    } else {
        leaves.partition_point(|(index, _)| index.0 < middle)
    };
    let (left, right) = leaves.split_at(known);
    let left = root_over(hash, side.start..middle, left, proof);
    let right = root_over(hash, middle..side.end, right, proof);
    hash.node(&left, &right)
}

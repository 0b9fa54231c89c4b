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

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::merkle::{MemoryTree, empty_root, model, prove_inclusion};

    fn tree(size: u64) -> (MemoryTree, Vec<LeafHash>) {
        let leaves = model::leaves(size);
        let mut tree = MemoryTree::new();
        for leaf in &leaves {
            tree.append(*leaf);
        }
        (tree, leaves)
    }

    fn pick(leaves: &[LeafHash], indexes: &[u64]) -> Vec<(EntryIndex, LeafHash)> {
        indexes.iter().map(|at| (EntryIndex(*at), leaves[usize::try_from(*at).unwrap()])).collect()
    }

    fn entries(indexes: &[u64]) -> Vec<EntryIndex> {
        indexes.iter().copied().map(EntryIndex).collect()
    }

    #[test]
    fn every_subset_of_every_tiny_tree_is_proved() {
        for size in 1..=9_u64 {
            let (tree, leaves) = tree(size);
            let head = tree.head();
            for subset in 1_u64..1 << size {
                let indexes: Vec<u64> = (0..size).filter(|at| subset >> at & 1 == 1).collect();
                let proof = prove_many(&tree, head.size, &entries(&indexes)).unwrap();
                let known = pick(&leaves, &indexes);
                assert_eq!(check_many(&head, &known, &proof), Ok(()), "{indexes:?} in {size}");
                for damaged in model::damaged(&proof) {
                    assert!(check_many(&head, &known, &damaged).is_err(), "{indexes:?} in {size}");
                }
                if indexes.len() == leaves.len() {
                    assert!(proof.is_empty());
                }
            }
        }
    }

    #[test]
    fn a_proof_for_one_holds_the_hashes_of_an_inclusion_proof() {
        let (tree, _) = tree(77);
        for index in 0..77 {
            let many = prove_many(&tree, TreeSize(77), &[EntryIndex(index)]).unwrap();
            let one = prove_inclusion(&tree, EntryIndex(index), TreeSize(77)).unwrap();
            assert_eq!(BTreeSet::from_iter(many), BTreeSet::from_iter(one));
        }
    }

    #[test]
    fn the_order_is_left_to_right() {
        let (tree, leaves) = tree(8);
        let proof = prove_many(&tree, TreeSize(8), &entries(&[2, 5])).unwrap();
        let leaf = |at: usize| NodeHash::from(leaves[at]);
        let expected = [model::root(&leaves[0..2]), leaf(3), leaf(4), model::root(&leaves[6..8])];
        assert_eq!(proof, expected);
    }

    #[test]
    fn a_contiguous_range_needs_two_hashes_a_level_at_most() {
        let (tree, leaves) = tree(1 << 12);
        let indexes: Vec<u64> = (1_001..3_333).collect();
        let proof = prove_many(&tree, TreeSize(1 << 12), &entries(&indexes)).unwrap();
        assert!(proof.len() <= 24, "{}", proof.len());
        assert_eq!(check_many(&tree.head(), &pick(&leaves, &indexes), &proof), Ok(()));
    }

    #[test]
    fn lists_that_are_empty_unsorted_or_outside_are_refused() {
        let (tree, leaves) = tree(6);
        let head = tree.head();
        let check = |indexes: &[u64]| check_many(&head, &pick(&leaves, indexes), &[]);
        assert_eq!(check(&[]), Err(ProofError::NoEntries));
        assert_eq!(check(&[1, 1]), Err(ProofError::Unsorted { index: EntryIndex(1) }));
        assert_eq!(check(&[3, 1]), Err(ProofError::Unsorted { index: EntryIndex(1) }));
        let outside = ProofError::OutsideTree { index: EntryIndex(6), size: head.size };
        assert_eq!(check_many(&head, &[(EntryIndex(6), leaves[0])], &[]), Err(outside));
        assert_eq!(prove_many(&tree, head.size, &entries(&[6])), Err(outside.into()));
        assert_eq!(prove_many(&tree, head.size, &[]), Err(ProofError::NoEntries.into()));
        let empty = TreeHead::empty();
        assert!(matches!(check_many(&empty, &pick(&leaves, &[0]), &[]), Err(ProofError::OutsideTree { .. })));
    }

    #[test]
    fn the_largest_sizes_are_counted_and_refused() {
        let leaf = model::leaves(1)[0];
        for size in [1 << 63, u64::MAX] {
            let head = TreeHead { size: TreeSize(size), root: empty_root() };
            let known = [(EntryIndex(0), leaf), (EntryIndex(size / 2 + 1), leaf), (EntryIndex(size - 1), leaf)];
            assert!(matches!(check_many(&head, &known, &[]), Err(ProofError::PathLength { found: 0, .. })));
        }
    }

    proptest! {
        #[test]
        fn any_subset_of_any_tree_is_proved_and_nothing_else(
            size in 1_u64..600,
            picks in proptest::collection::btree_set(any::<u64>(), 1..40),
            damage in any::<prop::sample::Index>(),
        ) {
            let (tree, leaves) = tree(size);
            let head = tree.head();
            let indexes: Vec<u64> = picks.iter().map(|pick| pick % size).collect::<BTreeSet<_>>().into_iter().collect();
            let proof = prove_many(&tree, head.size, &entries(&indexes)).unwrap();
            let known = pick(&leaves, &indexes);
            prop_assert_eq!(check_many(&head, &known, &proof), Ok(()));
            let ways = model::damaged(&proof);
            prop_assert!(check_many(&head, &known, &ways[damage.index(ways.len())]).is_err());
            // Another leaf, another index, another size.
            let at = damage.index(known.len());
            let mut other = known.clone();
            other[at].1 = crate::merkle::leaf_hash(b"other");
            prop_assert!(check_many(&head, &other, &proof).is_err());
            let mut other = known.clone();
            other[at].0 = EntryIndex(other[at].0.0 ^ 1);
            prop_assert!(check_many(&head, &other, &proof).is_err());
            let mut fewer = known.clone();
            fewer.remove(at);
            prop_assert!(check_many(&head, &fewer, &proof).is_err());
        }
    }
}

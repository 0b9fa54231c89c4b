//! Checking inclusion and consistency proofs, step by step as RFC 9162 writes them.
//!
//! The number of hashes that a proof needs follows from the sizes alone, so it is checked first: the loops can neither
//! run short nor leave hashes over. "Consistent with the empty tree" holds for every tree and proves nothing; it is an
//! error of its own and never a success.
//!
//! Spec: <https://www.rfc-editor.org/rfc/rfc9162#section-2.1.3.2>,
//! <https://www.rfc-editor.org/rfc/rfc9162#section-2.1.4.2>

use crate::digest::{LeafHash, NodeHash};

use super::{EntryIndex, Rfc6962, TreeHash, TreeHead, TreeSize};

/// No inclusion or consistency proof has more hashes: trees are at most 64 levels high, and a consistency proof of a
/// tree inside has one hash of its own besides.
pub const MAX_PATH_HASHES: usize = 65;

/// Why a proof does not prove.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum ProofError {
    #[error("entry {index} is not in a tree of {size} entries")]
    OutsideTree { index: EntryIndex, size: TreeSize },
    #[error("the proof has {found} hashes where {needed} belong")]
    PathLength { needed: usize, found: usize },
    #[error("the proof leads to another root\n  expected {expected}\n  computed {computed}")]
    Root { expected: NodeHash, computed: NodeHash },
    #[error("the proof leads to another root of the older tree\n  expected {expected}\n  computed {computed}")]
    OldRoot { expected: NodeHash, computed: NodeHash },
    #[error("the older tree is empty, which is consistent with everything and proves nothing")]
    FromEmpty,
    #[error("the older tree has {old} entries, more than the newer with {new}")]
    Shrunk { old: TreeSize, new: TreeSize },
    #[error("a proof for many entries needs at least one")]
    NoEntries,
    #[error("entry {index} does not come after the one before it")]
    Unsorted { index: EntryIndex },
}

/// Checks that `leaf` stands at `index` in the tree of `head`.
pub fn check_inclusion(
    head: &TreeHead,
    index: EntryIndex,
    leaf: LeafHash,
    path: &[NodeHash],
) -> Result<(), ProofError> {
    let computed = root_from_inclusion(&Rfc6962, head.size, index, leaf.into(), path)?;
    check_root(head.root, computed)
}

pub(super) fn check_root(expected: NodeHash, computed: NodeHash) -> Result<(), ProofError> {
    if expected == computed { Ok(()) } else { Err(ProofError::Root { expected, computed }) }
}

/// The root that an inclusion proof leads to: what it proves only the caller's trusted root can say.
pub fn root_from_inclusion(
    hash: &impl TreeHash,
    size: TreeSize,
    index: EntryIndex,
    leaf: NodeHash,
    path: &[NodeHash],
) -> Result<NodeHash, ProofError> {
    // RFC 9162 §2.1.3.2. Step 1: the entry lies inside the tree.
    if !size.contains(index) {
        return Err(ProofError::OutsideTree { index, size });
    }
    // Steps 4a and 5, the length, before any hashing.
    check_length(inclusion_length(index, size), path)?;
    // Step 2: climb from the leaf, the tree's last leaf climbing beside it.
    let (mut node, mut last) = (index.0, size.0 - 1);
    // Step 3.
    let mut root = leaf;
    // Step 4.
    for sibling in path {
        // 4b: the sibling is on the left of a right child, and of the last node of a level.
        if node & 1 == 1 || node == last {
            root = hash.node(sibling, &root);
            // A last node that is a left child has no sibling on this level, nor above until it is a right child.
            let alone = if node & 1 == 1 { 0 } else { node.trailing_zeros() };
            node = node.checked_shr(alone).unwrap_or(0);
            last = last.checked_shr(alone).unwrap_or(0);
        } else {
            root = hash.node(&root, sibling);
        }
        // 4c.
        node >>= 1;
        last >>= 1;
    }
    Ok(root)
}

/// Hashes in the inclusion proof of an entry inside the tree.
fn inclusion_length(index: EntryIndex, size: TreeSize) -> usize {
    // Below the level where entry and last entry part, each level has a sibling on some side; above it both are on the
    // right-hand edge, where only a left neighbour is one.
    let inner = 64 - (index.0 ^ (size.0 - 1)).leading_zeros();
    let edge = index.0.checked_shr(inner).unwrap_or(0).count_ones();
    (inner + edge) as usize
}

fn check_length(needed: usize, path: &[NodeHash]) -> Result<(), ProofError> {
    if path.len() == needed { Ok(()) } else { Err(ProofError::PathLength { needed, found: path.len() }) }
}

/// Checks that the tree of `new` is the tree of `old` with entries appended.
pub fn check_consistency(old: &TreeHead, new: &TreeHead, path: &[NodeHash]) -> Result<(), ProofError> {
    if old.size > new.size {
        return Err(ProofError::Shrunk { old: old.size, new: new.size });
    }
    if old.size.0 == 0 {
        return Err(ProofError::FromEmpty);
    }
    // Not in the RFC: one size, one root.
    if old.size == new.size {
        check_length(0, path)?;
        return check_root(new.root, old.root);
    }
    check_length(consistency_length(old.size, new.size), path)?;
    // RFC 9162 §2.1.4.2. Steps 3 and 4: climb from the older tree's last leaf, past the levels where it ends a complete
    // subtree; the newer tree's last leaf climbs beside it.
    let complete = (old.size.0 - 1).trailing_ones();
    let (mut node, mut last) = ((old.size.0 - 1) >> complete, (new.size.0 - 1) >> complete);
    // Steps 2 and 5: the subtree that both trees begin from. Where the older tree is one complete subtree, it is that.
    let (seed, path) = match path.split_first() {
        Some((first, rest)) if !old.size.0.is_power_of_two() => (*first, rest),
        _ => (old.root, path),
    };
    let (mut old_root, mut new_root) = (seed, seed);
    // Step 6.
    for sibling in path {
        // 6b: left neighbours belong to both trees.
        if node & 1 == 1 || node == last {
            old_root = Rfc6962.node(sibling, &old_root);
            new_root = Rfc6962.node(sibling, &new_root);
            let alone = if node & 1 == 1 { 0 } else { node.trailing_zeros() };
            node = node.checked_shr(alone).unwrap_or(0);
            last = last.checked_shr(alone).unwrap_or(0);
        } else {
            // Right neighbours came later.
            new_root = Rfc6962.node(&new_root, sibling);
        }
        // 6c.
        node >>= 1;
        last >>= 1;
    }
    // Step 7.
    if old_root != old.root {
        return Err(ProofError::OldRoot { expected: old.root, computed: old_root });
    }
    check_root(new.root, new_root)
}

/// Hashes in the consistency proof between two different sizes above zero.
fn consistency_length(old: TreeSize, new: TreeSize) -> usize {
    let complete = (old.0 - 1).trailing_ones();
    let node = EntryIndex((old.0 - 1) >> complete);
    let size = TreeSize(((new.0 - 1) >> complete) + 1);
    inclusion_length(node, size) + usize::from(!old.0.is_power_of_two())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::merkle::{empty_root, model};

    const MAX: usize = 130;

    fn head(leaves: &[LeafHash]) -> TreeHead {
        TreeHead { size: TreeSize(leaves.len() as u64), root: model::root(leaves) }
    }

    #[test]
    fn every_entry_of_every_small_tree_is_proved_and_nothing_else() {
        let leaves = model::leaves(MAX as u64);
        for size in 1..=MAX {
            let head = head(&leaves[..size]);
            for index in 0..size {
                let path = model::path(index, &leaves[..size]);
                let leaf = leaves[index];
                let at = EntryIndex(index as u64);
                assert_eq!(check_inclusion(&head, at, leaf, &path), Ok(()), "{index} in {size}");
                let refused = |head: &TreeHead, at: u64, leaf, path: &[NodeHash]| {
                    assert!(check_inclusion(head, EntryIndex(at), leaf, path).is_err(), "{at} in {}", head.size);
                };
                for other in [at.0.wrapping_sub(1), at.0 + 1, at.0 ^ 2, at.0 * 2 + 1, u64::MAX] {
                    refused(&head, other, leaf, &path);
                }
                refused(&head, at.0, leaves[(index + 1) % MAX], &path);
                let other_root = TreeHead { root: empty_root(), ..head };
                refused(&other_root, at.0, leaf, &path);
                for damaged in model::damaged(&path) {
                    refused(&head, at.0, leaf, &damaged);
                }
            }
        }
    }

    #[test]
    fn a_size_that_asks_for_another_number_of_hashes_is_refused() {
        let leaves = model::leaves(8);
        let path = model::path(2, &leaves);
        for size in [3, 4, 16, u64::MAX] {
            let head = TreeHead { size: TreeSize(size), ..head(&leaves) };
            assert!(
                matches!(
                    check_inclusion(&head, EntryIndex(2), leaves[2], &path),
                    Err(ProofError::PathLength { found: 3, .. })
                ),
                "{size}"
            );
        }
    }

    #[test]
    fn every_pair_of_small_trees_is_consistent_and_no_other() {
        let leaves = model::leaves(MAX as u64);
        for new_size in 1..=MAX {
            let new = head(&leaves[..new_size]);
            for old_size in 1..=new_size {
                let old = head(&leaves[..old_size]);
                let path = model::subproof(old_size, &leaves[..new_size], true);
                assert_eq!(check_consistency(&old, &new, &path), Ok(()), "{old_size} to {new_size}");
                let refused = |old: &TreeHead, new: &TreeHead, path: &[NodeHash]| {
                    assert!(check_consistency(old, new, path).is_err(), "{old_size} to {new_size}");
                };
                refused(&TreeHead { root: empty_root(), ..old }, &new, &path);
                refused(&old, &TreeHead { root: empty_root(), ..new }, &path);
                if old_size < new_size {
                    refused(&new, &old, &path);
                    refused(&TreeHead { root: new.root, ..old }, &TreeHead { root: old.root, ..new }, &path);
                }
                for damaged in model::damaged(&path) {
                    refused(&old, &new, &damaged);
                }
            }
        }
    }

    #[test]
    fn another_old_size_is_never_proved_by_the_same_hashes() {
        let leaves = model::leaves(40);
        let new = head(&leaves);
        for old_size in 1..40 {
            let old = head(&leaves[..old_size]);
            let path = model::subproof(old_size, &leaves, true);
            for other in (1..40).filter(|other| *other != old_size) {
                let claimed = TreeHead { size: TreeSize(other as u64), ..old };
                assert!(check_consistency(&claimed, &new, &path).is_err(), "{old_size} as {other}");
            }
        }
    }

    #[test]
    fn the_empty_tree_is_never_a_verified_consistency() {
        let new = head(&model::leaves(3));
        let empty = TreeHead::empty();
        assert_eq!(check_consistency(&empty, &new, &[]), Err(ProofError::FromEmpty));
        assert_eq!(check_consistency(&empty, &empty, &[]), Err(ProofError::FromEmpty));
        assert_eq!(
            check_consistency(&new, &empty, &[]),
            Err(ProofError::Shrunk { old: TreeSize(3), new: TreeSize(0) })
        );
        let outside = ProofError::OutsideTree { index: EntryIndex(0), size: TreeSize(0) };
        assert_eq!(check_inclusion(&empty, EntryIndex(0), model::leaves(1)[0], &[]), Err(outside));
    }

    #[test]
    fn the_largest_numbers_do_not_panic() {
        let root = empty_root();
        let leaf = model::leaves(1)[0];
        for size in [1, 2, 3, 1 << 63, (1 << 63) + 1, u64::MAX - 1, u64::MAX] {
            for index in [0, 1, 1 << 62, 1 << 63, u64::MAX - 2, u64::MAX - 1, u64::MAX] {
                for len in [0, 1, 62, 63, 64, 65] {
                    let head = TreeHead { size: TreeSize(size), root };
                    assert!(check_inclusion(&head, EntryIndex(index), leaf, &vec![root; len]).is_err());
                    let old = TreeHead { size: TreeSize(index), root };
                    let consistent = check_consistency(&old, &head, &vec![root; len]);
                    assert_eq!(consistent.is_ok(), index == size && len == 0, "{index} {size} {len}");
                }
            }
        }
    }

    #[test]
    fn messages_name_the_thing_the_expected_and_the_found() {
        let error = ProofError::PathLength { needed: 6, found: 5 };
        assert_eq!(error.to_string(), "the proof has 5 hashes where 6 belong");
        let error = ProofError::OutsideTree { index: EntryIndex(9), size: TreeSize(4) };
        assert_eq!(error.to_string(), "entry 9 is not in a tree of 4 entries");
    }
}

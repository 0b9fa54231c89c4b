//! A published tlog-tiles log of 15 entries: every checkpoint, recomputed from its entries and proved to every other.

use std::collections::BTreeMap;

use reproledger::digest::LeafHash;
use reproledger::key::VerifierKey;
use reproledger::merkle::{
    CompactRange, EntryIndex, MemoryTree, Nodes, ProofError, SignedHead, TreeHead, TreeSize, check_consistency,
    check_inclusion, check_many, leaf_hash, prove_consistency, prove_inclusion, prove_many,
};

use super::{files, path};

/// The log's public key, from the tests of transparency-dev/tessera.
const LOG_KEY: &str = "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx";

/// Entries of a bundle: a big-endian 16-bit length before each.
fn entries(mut bundle: &[u8]) -> Vec<Vec<u8>> {
    let mut entries = Vec::new();
    while let Some((len, rest)) = bundle.split_first_chunk() {
        let (entry, rest) = rest.split_at(u16::from_be_bytes(*len).into());
        entries.push(entry.to_vec());
        bundle = rest;
    }
    assert!(bundle.is_empty());
    entries
}

/// Files named by a number, by that number.
fn numbered(folder: &str) -> BTreeMap<u64, Vec<u8>> {
    let folder = path(&format!("tlog-tiles-tessera/testdata/log/{folder}"));
    let number = |path: &std::path::Path| path.file_name()?.to_str()?.rsplit('.').next()?.parse().ok();
    files(&folder)
        .into_iter()
        .filter(|path| path.parent() == Some(&folder))
        .filter_map(|path| Some((number(&path)?, std::fs::read(path).unwrap())))
        .collect()
}

fn heads() -> Vec<TreeHead> {
    let key = VerifierKey::parse(LOG_KEY).unwrap();
    let checkpoints = numbered("");
    assert_eq!(checkpoints.keys().copied().collect::<Vec<_>>(), (0..=15).collect::<Vec<_>>());
    let open = |(size, note): (&u64, &Vec<u8>)| {
        let head = SignedHead::open(note, &key).unwrap();
        assert_eq!(head.tree().size, TreeSize(*size));
        *head.tree()
    };
    checkpoints.iter().map(open).collect()
}

fn tree() -> (MemoryTree, Vec<LeafHash>) {
    let leaves: Vec<LeafHash> =
        entries(&numbered("tile/entries/000.p")[&15]).iter().map(|entry| leaf_hash(entry)).collect();
    let mut tree = MemoryTree::new();
    for leaf in &leaves {
        tree.append(*leaf);
    }
    (tree, leaves)
}

#[test]
fn every_root_is_that_of_the_published_entries() {
    if !super::data_is_there() {
        return;
    }
    let heads = heads();
    let bundles = numbered("tile/entries/000.p");
    assert_eq!(bundles.len(), 15);
    for head in &heads[1..] {
        let mut range = CompactRange::new();
        for entry in entries(&bundles[&head.size.0]) {
            range.append(leaf_hash(&entry)).unwrap();
        }
        assert_eq!(range.head(), *head);
    }
    assert_eq!(heads[0], TreeHead::empty());
}

#[test]
fn every_partial_tile_holds_our_nodes() {
    if !super::data_is_there() {
        return;
    }
    let (tree, _) = tree();
    let tiles = numbered("tile/0/000.p");
    assert_eq!(tiles.len(), 15);
    for (width, tile) in tiles {
        let ours: Vec<u8> = (0..width).flat_map(|at| *tree.node(0, at).unwrap().as_bytes()).collect();
        assert_eq!(tile, ours);
    }
}

#[test]
fn every_entry_is_in_every_head_that_covers_it() {
    if !super::data_is_there() {
        return;
    }
    let (tree, leaves) = tree();
    for head in &heads()[1..] {
        let covered = (0..).map(EntryIndex).zip(leaves.iter().copied()).take(usize::try_from(head.size.0).unwrap());
        let known: Vec<(EntryIndex, LeafHash)> = covered.collect();
        for (index, leaf) in &known {
            let proof = prove_inclusion(&tree, *index, head.size).unwrap();
            assert_eq!(check_inclusion(head, *index, *leaf, &proof), Ok(()));
        }
        let odd: Vec<(EntryIndex, LeafHash)> = known.iter().copied().step_by(3).collect();
        let indexes: Vec<EntryIndex> = odd.iter().map(|(index, _)| *index).collect();
        let proof = prove_many(&tree, head.size, &indexes).unwrap();
        assert_eq!(check_many(head, &odd, &proof), Ok(()));
    }
}

#[test]
fn every_head_is_consistent_with_every_later_one() {
    if !super::data_is_there() {
        return;
    }
    let (tree, _) = tree();
    let heads = heads();
    for old in &heads {
        for new in &heads {
            if old.size.0 == 0 {
                assert!(check_consistency(old, new, &[]).is_err());
            } else if old.size <= new.size {
                let proof = prove_consistency(&tree, old.size, new.size).unwrap();
                assert_eq!(check_consistency(old, new, &proof), Ok(()));
            } else {
                assert!(matches!(check_consistency(old, new, &[]), Err(ProofError::Shrunk { .. })));
            }
        }
    }
}

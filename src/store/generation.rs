//! How far the index reaches and what its names add up to: said in the database and in a plain file beside it.

use std::fs;
use std::path::{Path, PathBuf};

use crate::digest::{ContextHasher, DIGEST_LEN, NodeHash};
use crate::merkle::{TreeHead, TreeSize};

const META_LEN: usize = 8 + DIGEST_LEN + DIGEST_LEN;

fn path(dir: &Path) -> PathBuf {
    dir.join("generation")
}

pub(super) fn encode_meta(generation: &TreeHead, accumulator: &[u8; DIGEST_LEN]) -> Vec<u8> {
    [&generation.size.0.to_be_bytes()[..], generation.root.as_bytes(), accumulator].concat()
}

pub(super) fn parse_meta(bytes: &[u8]) -> Option<(TreeHead, [u8; DIGEST_LEN])> {
    let bytes: &[u8; META_LEN] = bytes.try_into().ok()?;
    let (size, rest) = bytes.split_first_chunk()?;
    let (root, accumulator) = rest.split_first_chunk()?;
    let head = TreeHead { size: TreeSize(u64::from_be_bytes(*size)), root: NodeHash::from_bytes(*root) };
    Some((head, accumulator.try_into().ok()?))
}

/// What the plain file beside the database says. A file that is damaged says nothing: the accumulator still does.
pub(super) fn read_generation(dir: &Path) -> Option<TreeHead> {
    let path = path(dir);
    if fs::metadata(&path).ok()?.len() != META_LEN as u64 {
        return None;
    }
    parse_meta(&fs::read(path).ok()?).map(|(head, _)| head)
}

/// Writes that file. Derived like the rest: if it cannot be written, a loss is only found by the accumulator.
pub(super) fn write_generation(dir: &Path, generation: &TreeHead, accumulator: &[u8; DIGEST_LEN]) {
    let temporary = dir.join(format!("generation.{}.tmp", std::process::id()));
    let text = encode_meta(generation, accumulator);
    drop(fs::write(&temporary, text).and_then(|()| fs::rename(&temporary, path(dir))));
}

/// Takes that file away: what comes next is not held to it.
pub(super) fn remove_generation(dir: &Path) {
    drop(fs::remove_file(path(dir)));
}

/// Adds a pair to a set, or takes it out: the order of pairs does not matter.
pub(super) fn accumulate(accumulator: &mut [u8; DIGEST_LEN], key: &[u8], value: &[u8]) {
    let hash =
        ContextHasher::new("reproledger 2026 index names v1").hash(&[&(key.len() as u64).to_be_bytes(), key, value]);
    accumulator.iter_mut().zip(hash).for_each(|(sum, byte)| *sum ^= byte);
}

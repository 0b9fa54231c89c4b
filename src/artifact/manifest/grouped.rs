//! The root over leaves that come one after the other: whole groups are hashed side by side.
//!
//! A full group is a complete subtree, so the root over the roots of the groups is the root over the leaves. Memory is one
//! group, and one hash for each level above.

use super::{ManifestError, ManifestHash, contexts};
use crate::digest::many::{EachHasher, PairHasher};
use crate::digest::{DIGEST_LEN, DigestKind, NodeHash};
use crate::merkle::CompactRange;

/// Leaves whose nodes are hashed together: a power of two; larger gains nothing.
const GROUP: usize = 4096;

/// Leaves that are hashed together: enough to fill the vector units, little to hold.
const LEAVES: usize = 256;

/// Takes the hashes of leaves in order.
pub(super) struct Grouped {
    nodes: PairHasher,
    /// Hashes of the leaves of the group that is not full yet.
    group: Vec<[u8; DIGEST_LEN]>,
    groups: CompactRange<ManifestHash>,
}

impl Grouped {
    /// Nothing taken yet, for manifests of `kind`.
    pub(super) fn new(kind: DigestKind) -> Result<Self, ManifestError> {
        let (_, node) = contexts(kind)?;
        let groups = CompactRange::with_hash(ManifestHash::new(kind)?);
        Ok(Self { nodes: PairHasher::new(node), group: Vec::new(), groups })
    }

    /// Takes the hash of the next leaf.
    pub(super) fn push(&mut self, hash: [u8; DIGEST_LEN]) {
        self.group.push(hash);
        if self.group.len() == GROUP {
            self.close_group();
        }
    }

    /// Takes leaves by their canonical bytes.
    pub(super) fn leaves<'a>(
        &mut self,
        kind: DigestKind,
        mut leaves: impl Iterator<Item = &'a [u8]>,
    ) -> Result<(), ManifestError> {
        let (leaf, _) = contexts(kind)?;
        let each = EachHasher::of_context(leaf);
        loop {
            let some: Vec<&[u8]> = leaves.by_ref().take(LEAVES).collect();
            if some.is_empty() {
                return Ok(());
            }
            each.hash(&some).into_iter().for_each(|hash| self.push(hash));
        }
    }

    fn close_group(&mut self) {
        let mut level = std::mem::take(&mut self.group);
        while level.len() > 1 {
            let mut next = self.nodes.hash_pairs(&level);
            // An odd one out moves up as it is.
            next.extend(level.last().filter(|_| level.len() % 2 == 1));
            level = next;
        }
        if let [root] = level[..] {
            self.groups.append(NodeHash::from_bytes(root)).expect("fewer than 2^64 leaves fit any memory");
        }
    }

    /// The root over all leaves; none where there were none.
    pub(super) fn root(mut self) -> Option<NodeHash> {
        self.close_group();
        self.groups.peak()
    }
}

//! Which entries are one thing: recorded twice, in other files, in another order.

use std::collections::BTreeMap;

use crate::digest::{Digest, DigestKind};
use crate::lineage::graph::{At, Node};

/// For each node, the first that is the same thing.
///
/// Two entries about one artifact each are the same where they share any digest, of whatever kind: tensors are the same in
/// other shards, a set of rows in another order. Entries about several artifacts are the same where all of them are, in
/// their order: two that share a tokenizer beside different weights are not.
pub(super) fn identities(nodes: &[Node<'_>]) -> Vec<At> {
    let mut first: Vec<At> = (0..).zip(nodes).map(|(at, _)| at).collect();
    let mut carried: Vec<(DigestKind, Digest, At)> = Vec::new();
    let mut several: BTreeMap<Vec<(DigestKind, Digest)>, At> = BTreeMap::new();
    for (at, node) in (0..).zip(nodes).filter(|(_, node)| node.kind().is_artifact()) {
        match node.payload.subjects.as_slice() {
            [] => {}
            [subject] => {
                let digests =
                    subject.0.iter().flat_map(|(kind, measure)| measure.digests.iter().map(|one| (*kind, *one)));
                carried.extend(digests.map(|(kind, digest)| (kind, digest, at)));
            }
            subjects => {
                let principal = subjects.iter().filter_map(|subject| {
                    let (kind, measure) = subject.principal()?;
                    Some((kind, *measure.digests.first()?))
                });
                let earlier = *several.entry(principal.collect()).or_insert(at);
                join(&mut first, earlier, at);
            }
        }
    }
    carried.sort_unstable();
    for pair in carried.windows(2) {
        if let [(kind, digest, left), (other_kind, other, right)] = pair
            && (kind, digest) == (other_kind, other)
        {
            join(&mut first, *left, *right);
        }
    }
    for at in 0..first.len() {
        // Roots are always earlier, so one step ends there.
        first[at] = first[first[at] as usize];
    }
    first
}

/// Makes two classes one, named by their earliest member.
fn join(first: &mut [At], left: At, right: At) {
    let (left, right) = (root(first, left), root(first, right));
    first[left.max(right) as usize] = left.min(right);
}

/// The earliest member of a class, found by halving the way there.
fn root(first: &mut [At], mut at: At) -> At {
    while first[at as usize] != at {
        let next = first[first[at as usize] as usize];
        first[at as usize] = next;
        at = next;
    }
    at
}

//! Which samples of a claim a nonce draws: it follows from the nonce and from what the ledger commits to, and from nothing
//! else.
//!
//! The same nonce gives the same draws to everyone. They are without replacement, arm by arm.

use std::collections::BTreeMap;

use crate::digest::{ContextHasher, DIGEST_LEN, Digest, DigestKind, NumberStream};
use crate::merkle::EntryIndex;
use crate::statement::{Claim, Edge, EdgeType, Payload};

/// Draws of one arm: a person reads them.
pub const MAX_DRAWS: u64 = 100_000;

/// Shorter nonces could have been tried out by whoever made the evidence.
pub const MIN_NONCE_BYTES: usize = 16;

/// Longest nonce.
pub const MAX_NONCE_BYTES: usize = 1024;

/// The samples of one log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pool {
    /// The log's entry.
    pub entry: EntryIndex,
    /// Root of its samples.
    pub root: Digest,
    /// How many there are.
    pub count: u64,
}

/// One sample that was drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drawn {
    /// The arm that it was drawn for.
    pub arm: String,
    /// The log's entry.
    pub entry: EntryIndex,
    /// Root of the log's samples.
    pub root: Digest,
    /// Its number among them, from 0.
    pub number: u64,
}

/// The logs of each arm that a claim rests on, by what their entries commit to: `links` are those of the claim's entry.
pub fn pools<'p>(
    claim: &Claim,
    links: &[Edge],
    said: impl Fn(EntryIndex) -> Option<&'p Payload>,
) -> BTreeMap<String, Vec<Pool>> {
    let mut found: BTreeMap<String, Vec<Pool>> = BTreeMap::new();
    let is_of_one_arm = claim.comparator.value().is_none();
    for digest in &claim.inputs {
        let is_it = |edge: &&Edge| {
            edge.edge_type == EdgeType::Supports && edge.kind == DigestKind::Samples && edge.digest == *digest
        };
        let Some((entry, payload)) = links.iter().find(is_it).and_then(|edge| Some((edge.seq, said(edge.seq)?))) else {
            continue;
        };
        let measure = payload.subjects.iter().find_map(|subject| subject.0.get(&DigestKind::Samples));
        let Some(measure) = measure.filter(|measure| measure.digests.contains(digest)) else { continue };
        let arm = match &payload.arm {
            _ if is_of_one_arm => claim.subject.arm.clone(),
            Some(arm) => arm.clone(),
            None => "not told apart".to_owned(),
        };
        found.entry(arm).or_default().push(Pool { entry, root: *digest, count: measure.count });
    }
    found
}

/// `n` samples of each arm, or all where it has fewer.
pub fn draw(pools: &BTreeMap<String, Vec<Pool>>, n: u64, nonce: &[u8]) -> Vec<Drawn> {
    let mut draws = Vec::new();
    for (arm, pools) in pools {
        let total = pools.iter().fold(0_u64, |sum, pool| sum.saturating_add(pool.count));
        let mut stream = stream(arm, pools, nonce);
        for mut place in places(&mut stream, n, total) {
            for pool in pools {
                if place < pool.count {
                    draws.push(Drawn { arm: arm.clone(), entry: pool.entry, root: pool.root, number: place });
                    break;
                }
                place -= pool.count;
            }
        }
    }
    draws
}

/// `n` different numbers below `total`, or all where there are fewer, ascending; no more than [`MAX_DRAWS`].
pub fn places(stream: &mut NumberStream, n: u64, total: u64) -> Vec<u64> {
    // The first n places of a shuffle, of which only what was moved is kept.
    let mut moved: BTreeMap<u64, u64> = BTreeMap::new();
    let mut places: Vec<u64> = (0..n.min(MAX_DRAWS).min(total))
        .map(|at| {
            let other = at + stream.below(total - at);
            let taken = moved.get(&other).copied().unwrap_or(other);
            let here = moved.get(&at).copied().unwrap_or(at);
            moved.insert(other, here);
            taken
        })
        .collect();
    places.sort_unstable();
    places
}

fn stream(arm: &str, pools: &[Pool], nonce: &[u8]) -> NumberStream {
    // Every part has its length before it, so that no two inputs are one text.
    let mut bytes = Vec::new();
    let mut put = |part: &[u8]| {
        bytes.extend((part.len() as u64).to_be_bytes());
        bytes.extend(part);
    };
    put(nonce);
    put(arm.as_bytes());
    for pool in pools {
        put(&pool.root.bytes);
        put(&pool.count.to_be_bytes());
    }
    let key: [u8; DIGEST_LEN] = ContextHasher::new("reproledger 2026 audit sampling nonce v1").hash(&[&bytes]);
    NumberStream::new("reproledger 2026 audit sampling draws v1", &key)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::digest::Algorithm;

    fn pools(counts: &[u64]) -> BTreeMap<String, Vec<Pool>> {
        let pool = |(at, count): (usize, &u64)| Pool {
            entry: EntryIndex(at as u64 + 1),
            root: Digest { algorithm: Algorithm::Blake3, bytes: [u8::try_from(at).unwrap() + 1; 32] },
            count: *count,
        };
        BTreeMap::from([("arm".to_owned(), counts.iter().enumerate().map(pool).collect())])
    }

    fn names(draws: &[Drawn]) -> Vec<(u64, u64)> {
        draws.iter().map(|drawn| (drawn.entry.0, drawn.number)).collect()
    }

    #[test]
    fn draws_follow_from_nonce_and_roots_alone_and_none_is_drawn_twice() {
        let of = pools(&[100, 1, 300]);
        let draws = draw(&of, 200, b"sixteen bytes at least");
        assert_eq!(names(&draws), names(&draw(&of, 200, b"sixteen bytes at least")));
        assert_ne!(names(&draws), names(&draw(&of, 200, b"sixteen bytes at leasT")));
        assert_ne!(names(&draws), names(&draw(&pools(&[100, 1, 301]), 200, b"sixteen bytes at least")));
        let distinct: BTreeSet<(u64, u64)> = names(&draws).into_iter().collect();
        assert_eq!((draws.len(), distinct.len()), (200, 200));
        assert!(draws.iter().all(|draw| draw.number < [100, 1, 300][usize::try_from(draw.entry.0).unwrap() - 1]));
        // An arm of few samples is drawn whole.
        assert_eq!(draw(&pools(&[3, 2]), 200, b"n").len(), 5);
        assert_eq!(draw(&pools(&[]), 200, b"n").len(), 0);
        assert_eq!(draw(&pools(&[u64::MAX]), 3, b"n").len(), 3);
    }

    #[test]
    fn every_sample_is_as_likely_to_be_drawn_as_any_other() {
        let of = pools(&[20, 30]);
        let mut seen = [0_u32; 50];
        for nonce in 0..2000_u32 {
            for draw in draw(&of, 10, &nonce.to_be_bytes()) {
                seen[usize::try_from((draw.entry.0 - 1) * 20 + draw.number).unwrap()] += 1;
            }
        }
        // 400 each; six standard deviations of a binomial count are 107.
        assert!(seen.iter().all(|count| (293..507).contains(count)), "{seen:?}");
    }
}

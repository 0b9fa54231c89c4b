//! Draws of a claim's samples that the lab could not foresee: which ones, whether each was opened, and what that buys.
//!
//! The draws follow from the reader's nonce and the roots that the ledger commits to, and from nothing else: the same
//! nonce gives the same draws to everyone. They are without replacement, arm by arm. A draw that is not opened counts
//! against the lab, as one that does not hold: whoever may choose which draws to open has chosen what is seen.
//!
//! What holding draws show is that so many of the recorded samples are what was committed to. That the model wrote them is
//! nothing that any draw can show.

use std::collections::{BTreeMap, BTreeSet};

use crate::check::{ArtifactSeen, Case, Rederived};
use crate::digest::{ContextHasher, DIGEST_LEN, Digest, DigestKind, NumberStream};
use crate::merkle::EntryIndex;
use crate::stats::{Enclosure, Level, Proportion, Sides};

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

/// One drawn sample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draw {
    /// The arm that it was drawn for.
    pub arm: String,
    /// The log's entry.
    pub entry: EntryIndex,
    /// Root of the log's samples.
    pub root: Digest,
    /// Its number among them, from 0.
    pub number: u64,
    /// What it is called, where its record is shown. Foreign text.
    pub key: Option<String>,
    /// Its score by the claim's metric, where its record is shown.
    pub score: Option<String>,
    /// What became of its opening.
    pub state: State,
}

/// What became of a draw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// The log is at hand, and holds the sample as it was committed to.
    InLog {
        /// Where the log lies.
        path: String,
    },
    /// The lab opened its record by itself.
    Record,
    /// An opening was given, and does not hold.
    Failed {
        /// Why.
        why: String,
    },
    /// It was not opened.
    Missing,
}

impl Draw {
    /// How it is named where somebody points to it: entry and number.
    pub fn name(&self) -> String {
        format!("{}:{}", self.entry, self.number)
    }

    /// Whether it was opened and holds.
    pub fn holds(&self) -> bool {
        matches!(self.state, State::InLog { .. } | State::Record)
    }
}

/// The logs of each arm that a claim rests on, by what their entries commit to.
pub fn pools(case: &Case<'_>) -> BTreeMap<String, Vec<Pool>> {
    let mut found: BTreeMap<String, Vec<Pool>> = BTreeMap::new();
    let Some(claim) = case.claim else { return found };
    let is_of_one_arm = claim.comparator.value().is_none();
    for input in &case.inputs {
        let Some((entry, payload)) =
            input.entry.and_then(|index| Some((index, case.evidence.entries.get(&index)?.payload())))
        else {
            continue;
        };
        let measure = payload.subjects.iter().find_map(|subject| subject.0.get(&DigestKind::Samples));
        let Some(measure) = measure.filter(|measure| measure.digests.contains(&input.digest)) else { continue };
        let arm = match &input.arm {
            _ if is_of_one_arm => claim.subject.arm.clone(),
            Some(arm) => arm.clone(),
            None => "not told apart".to_owned(),
        };
        found.entry(arm).or_default().push(Pool { entry, root: input.digest, count: measure.count });
    }
    found
}

/// `n` samples of each arm, or all where it has fewer; nothing is opened yet.
pub fn draw(pools: &BTreeMap<String, Vec<Pool>>, n: u64, nonce: &[u8]) -> Vec<Draw> {
    let mut draws = Vec::new();
    for (arm, pools) in pools {
        let total = pools.iter().fold(0_u64, |sum, pool| sum.saturating_add(pool.count));
        let mut stream = stream(arm, pools, nonce);
        for mut place in places(&mut stream, n, total) {
            for pool in pools {
                if place < pool.count {
                    let (entry, root, number) = (pool.entry, pool.root, place);
                    let arm = arm.clone();
                    draws.push(Draw { arm, entry, root, number, key: None, score: None, state: State::Missing });
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

/// Names the draws whose records the evidence shows, and opens those whose logs were at hand.
pub fn open(draws: &mut [Draw], case: &Case<'_>) {
    let metric = case.claim.map(|claim| &claim.metric);
    for input in &case.inputs {
        let (Some(entry), Ok(samples)) = (input.entry, &input.content) else { continue };
        let mut wanted: BTreeMap<u64, &mut Draw> = draws
            .iter_mut()
            .filter(|draw| draw.entry == entry && draw.root == input.digest)
            .map(|draw| (draw.number, draw))
            .collect();
        for (number, record) in (0_u64..).zip(samples.records()) {
            let Some(draw) = wanted.remove(&number) else { continue };
            draw.key = Some(record.key.to_key().to_string());
            let score =
                metric.and_then(|metric| record.score(&metric.scorer, metric.key.value().map_or("", String::as_str)));
            draw.score = score.map(|score| score.lexeme().to_owned());
        }
    }
    let Some(observed) = case.observed else { return };
    for draw in draws {
        let derived = observed.derived.get(&(draw.entry, draw.root));
        draw.state = match (observed.artifacts.get(&draw.entry), derived) {
            (Some(ArtifactSeen::Equal { path }), Some(Rederived::Found { root, .. })) => {
                if Digest::from(*root) == draw.root {
                    State::InLog { path: path.clone() }
                } else {
                    State::Failed { why: "the log at hand gives other records".to_owned() }
                }
            }
            (Some(ArtifactSeen::Differs { .. }), _) => {
                State::Failed { why: "what lies at the log's place is not what was recorded".to_owned() }
            }
            _ => continue,
        };
    }
}

/// What draws of one arm buy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bought {
    /// The arm.
    pub arm: String,
    /// How many were drawn.
    pub drawn: u64,
    /// Opened, with the log at hand.
    pub in_log: u64,
    /// Opened by their record alone.
    pub records: u64,
    /// Opened, and do not hold.
    pub failed: u64,
    /// Not opened.
    pub missing: u64,
    /// Hold, and the reader judged them bad.
    pub judged_bad: u64,
    /// No more than this share of the arm's samples is bad, at the level; every draw that does not hold counted as bad.
    pub bound: Enclosure,
}

impl Bought {
    /// Draws that count against the lab.
    pub fn bad(&self) -> u64 {
        self.failed + self.missing + self.judged_bad
    }
}

/// Adds the draws up arm by arm; `judged_bad` are the names of those that the reader found bad.
pub fn bought(draws: &[Draw], judged_bad: &BTreeSet<String>, level: &Level) -> Vec<Bought> {
    let mut arms: BTreeMap<&str, Bought> = BTreeMap::new();
    for draw in draws {
        let arm = arms.entry(&draw.arm).or_insert_with(|| Bought {
            arm: draw.arm.clone(),
            drawn: 0,
            in_log: 0,
            records: 0,
            failed: 0,
            missing: 0,
            judged_bad: 0,
            bound: Enclosure::unit(),
        });
        arm.drawn += 1;
        match draw.state {
            State::InLog { .. } => arm.in_log += 1,
            State::Record => arm.records += 1,
            State::Failed { .. } => arm.failed += 1,
            State::Missing => arm.missing += 1,
        }
        arm.judged_bad += u64::from(draw.holds() && judged_bad.contains(&draw.name()));
    }
    let mut arms: Vec<Bought> = arms.into_values().collect();
    for arm in &mut arms {
        arm.bound = upper(arm.bad(), arm.drawn, level);
    }
    arms
}

/// The exact upper bound of a share of which so many of so many draws were bad.
///
/// Draws without replacement from few samples are bounded more tightly than this; it is never too low.
fn upper(bad: u64, drawn: u64, level: &Level) -> Enclosure {
    let level = level.with_sides(Sides::Upper);
    let share = Proportion::new(bad.min(drawn), drawn).ok();
    share.and_then(|share| share.clopper_pearson(&level).high().cloned()).unwrap_or_else(Enclosure::unit)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
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

    fn names(draws: &[Draw]) -> Vec<String> {
        draws.iter().map(Draw::name).collect()
    }

    #[test]
    fn draws_follow_from_nonce_and_roots_alone_and_none_is_drawn_twice() {
        let of = pools(&[100, 1, 300]);
        let draws = draw(&of, 200, b"sixteen bytes at least");
        assert_eq!(names(&draws), names(&draw(&of, 200, b"sixteen bytes at least")));
        assert_ne!(names(&draws), names(&draw(&of, 200, b"sixteen bytes at leasT")));
        assert_ne!(names(&draws), names(&draw(&pools(&[100, 1, 301]), 200, b"sixteen bytes at least")));
        let distinct: BTreeSet<String> = names(&draws).into_iter().collect();
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

    #[test]
    fn none_bad_of_two_hundred_bounds_at_one_and_a_half_percent() {
        let level = Level::percent(95, Sides::Upper).unwrap();
        let mut draws = draw(&pools(&[400]), 200, b"a nonce of sixteen");
        draws.iter_mut().for_each(|draw| draw.state = State::Record);
        let none = bought(&draws, &BTreeSet::new(), &level);
        assert_eq!((none[0].bad(), none[0].records), (0, 200));
        // 1 - 0.05^(1/200).
        assert_eq!(none[0].bound.digits_above(5), "0.01487");
        // What is not opened counts as bad, and so does what the reader says is.
        draws[3].state = State::Missing;
        let names = BTreeSet::from([draws[3].name(), draws[5].name(), "99:1".to_owned()]);
        let two = bought(&draws, &names, &level);
        assert_eq!((two[0].bad(), two[0].missing, two[0].judged_bad), (2, 1, 1));
        assert_eq!(two[0].bound.digits_above(4), "0.0312");
    }
}

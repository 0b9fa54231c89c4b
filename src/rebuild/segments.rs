//! Long trainings that were recorded in segments, and which of these a rebuilder draws to run again.
//!
//! A segment is a run that read the weights that one other run wrote, and wrote weights itself; the segments of one arm and
//! seed that follow each other without a branch are a chain. Which are drawn follows from the rebuilder's nonce, from what
//! the rebuild is about, and from the weights that the chain's record commits to, and from nothing else: the same nonce
//! gives the same segments to everyone, and whoever recorded them could not foresee it.
//!
//! Segments that come out as recorded show that of those that were drawn. What is not drawn is bounded, not shown.

use std::collections::{BTreeMap, BTreeSet};

use num_bigint::BigInt;
use num_traits::{One, Zero};

use crate::digest::{ContextHasher, DIGEST_LEN, Digest, NumberStream};
use crate::draw::places;
use crate::rebuild::judge::Word;
use crate::rebuild::make::Made;
use crate::rebuild::plan::{Plan, Stage};

/// What is not excluded at this probability, in percent, is what is said to be possible.
const ERROR_PERCENT: u8 = 5;

/// The segments of one training, and those that were drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// Stages by their number in the plan, each from the weights of the one before.
    pub segments: Vec<usize>,
    /// Those to be run again.
    pub drawn: BTreeSet<usize>,
}

/// All trainings that are recorded in two segments or more; nothing is drawn yet.
pub fn chains(plan: &Plan) -> Vec<Chain> {
    let before: Vec<Option<usize>> = (0..plan.stages.len()).map(|at| goes_on_from(plan, at)).collect();
    let mut after: BTreeMap<usize, Option<usize>> = BTreeMap::new();
    for (at, earlier) in before.iter().enumerate() {
        let Some(earlier) = earlier else { continue };
        // Where two go on from one, neither is the next of the other's training.
        after.entry(*earlier).and_modify(|next| *next = None).or_insert(Some(at));
    }
    let next = |at: &usize| after.get(at).copied().flatten();
    let is_first = |at: &usize| before[*at].is_none_or(|earlier| next(&earlier) != Some(*at));
    let firsts = (0..plan.stages.len()).filter(is_first);
    let whole = firsts.map(|first| std::iter::successors(Some(first), next).collect::<Vec<_>>());
    let long = whole.filter(|segments| segments.len() > 1);
    long.map(|segments| Chain { segments, drawn: BTreeSet::new() }).collect()
}

/// The one stage of the same arm and seed whose weights this stage reads, where it writes weights itself.
fn goes_on_from(plan: &Plan, at: usize) -> Option<usize> {
    let stage = &plan.stages[at];
    if !stage.outputs.iter().any(|index| plan.items[index].kind.is_weights()) {
        return None;
    }
    let weights = stage.inputs.iter().map(|index| &plan.items[index]).filter(|item| item.kind.is_weights());
    let makers: BTreeSet<usize> = weights.filter_map(|item| item.made_by).collect();
    let mut makers = makers.into_iter();
    let maker = makers.next().filter(|_| makers.next().is_none())?;
    // A stage never reads what a later one wrote; a record that says so is of no training.
    (maker < at && arm_and_seed(&plan.stages[maker]) == arm_and_seed(stage)).then_some(maker)
}

fn arm_and_seed(stage: &Stage) -> &str {
    stage.label.strip_prefix(stage.name.as_str()).unwrap_or(&stage.label)
}

impl Chain {
    /// Draws `count` segments, or all where there are fewer. `about` is the digest of what is rebuilt.
    pub fn draw(&mut self, plan: &Plan, about: &[u8; DIGEST_LEN], nonce: &[u8], count: u64) {
        let outputs = self.segments.iter().flat_map(|at| &plan.stages[*at].outputs);
        let digests = outputs.flat_map(|index| plan.items[index].subject.0.values().flat_map(|m| m.digests.clone()));
        let mut stream = stream(about, nonce, self.segments.len(), digests);
        let drawn = places(&mut stream, count, self.segments.len() as u64);
        self.drawn =
            drawn.iter().filter_map(|place| self.segments.get(usize::try_from(*place).ok()?)).copied().collect();
    }

    /// Those that were not drawn.
    pub fn left(&self) -> impl Iterator<Item = usize> {
        self.segments.iter().copied().filter(|at| !self.drawn.contains(at))
    }

    /// Drawn segments that did not come out as recorded; what was not judged is none of those that did.
    pub fn bad(&self, made: &[Made]) -> usize {
        let is_good = |at: &usize| {
            made.iter().any(|made| made.stage == *at && matches!(made.word, Word::Good | Word::Equivalent))
        };
        self.drawn.len() - self.drawn.iter().filter(|at| is_good(at)).count()
    }

    /// No more than so many segments are bad, at 95 %, where so many of those drawn are.
    pub fn at_most_bad(&self, bad: usize) -> usize {
        at_most(self.segments.len(), self.drawn.len(), bad)
    }
}

fn stream(
    about: &[u8; DIGEST_LEN],
    nonce: &[u8],
    segments: usize,
    digests: impl Iterator<Item = Digest>,
) -> NumberStream {
    // Every part has its length before it, so that no two inputs are one text.
    let mut bytes = Vec::new();
    let mut put = |part: &[u8]| {
        bytes.extend((part.len() as u64).to_be_bytes());
        bytes.extend(part);
    };
    put(nonce);
    put(about);
    put(&(segments as u64).to_be_bytes());
    digests.for_each(|digest| put(&digest.bytes));
    let key: [u8; DIGEST_LEN] = ContextHasher::new("reproledger 2026 segment replay nonce v1").hash(&[&bytes]);
    NumberStream::new("reproledger 2026 segment replay draws v1", &key)
}

/// The largest number of bad ones of `all` under which it is not rarer than the error that so few of those `drawn` are.
///
/// Draws are without replacement: the tail is hypergeometric, exactly.
fn at_most(all: usize, drawn: usize, bad: usize) -> usize {
    let ways = choose(all, drawn) * BigInt::from(ERROR_PERCENT);
    let is_possible = |among: usize| {
        let few: BigInt =
            (0..=bad.min(drawn)).map(|found| choose(among, found) * choose(all - among, drawn - found)).sum();
        few * BigInt::from(100) > ways
    };
    // The more are bad, the rarer it is to see so few.
    let (mut possible, mut beyond) = (bad, all + 1);
    while beyond - possible > 1 {
        let middle = possible.midpoint(beyond);
        if is_possible(middle) { possible = middle } else { beyond = middle }
    }
    possible
}

fn choose(n: usize, k: usize) -> BigInt {
    if k > n {
        return BigInt::zero();
    }
    (0..k.min(n - k)).fold(BigInt::one(), |ways, at| ways * BigInt::from(n - at) / BigInt::from(at + 1))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use crate::digest::FileDigest;
    use crate::merkle::EntryIndex;
    use crate::rebuild::plan::{Class, Frontier, Item};
    use crate::statement::{Kind, Subject};

    use super::*;

    /// Stages by what they are called, of which each reads the weights of some earlier ones and writes its own.
    fn plan(stages: &[(&str, &[usize])]) -> Plan {
        let mut plan = Plan::default();
        for (at, (label, reads)) in stages.iter().enumerate() {
            let output = EntryIndex(at as u64 + 100);
            let subject = Subject::file(FileDigest::of(&at.to_be_bytes()), 8);
            let (kind, name, paths) = (Kind::Checkpoint, None, Vec::new());
            plan.items.insert(
                output,
                Item { entry: output, kind, name, subject, paths, leaves: Vec::new(), made_by: Some(at) },
            );
            plan.stages.push(Stage {
                start: EntryIndex(at as u64),
                end: EntryIndex(at as u64),
                label: (*label).to_owned(),
                name: label.split(' ').next().unwrap().to_owned(),
                class: Class::Frontier(Frontier { reason: String::new(), is_declared: false }),
                inputs: reads.iter().map(|at| EntryIndex(*at as u64 + 100)).collect(),
                outputs: vec![output],
            });
        }
        plan
    }

    fn found(stages: &[(&str, &[usize])]) -> Vec<Vec<usize>> {
        chains(&plan(stages)).into_iter().map(|chain| chain.segments).collect()
    }

    fn line(segments: usize) -> Plan {
        let reads: Vec<Vec<usize>> = (0..segments).map(|at| at.checked_sub(1).into_iter().collect()).collect();
        plan(&reads.iter().map(|reads| ("train", reads.as_slice())).collect::<Vec<_>>())
    }

    #[test]
    fn a_chain_is_runs_of_one_arm_and_seed_each_from_the_weights_of_the_one_before() {
        assert_eq!(found(&[("a x", &[]), ("b x", &[0]), ("c x", &[1])]), [vec![0, 1, 2]]);
        assert_eq!(found(&[("a x", &[]), ("b y", &[0]), ("c y", &[1])]), [vec![1, 2]]);
        // Two trainings go on from one checkpoint, and one reads two: neither is a segment of one line.
        assert_eq!(found(&[("a", &[]), ("b", &[0]), ("c", &[0]), ("d", &[2])]), [vec![2, 3]]);
        assert_eq!(found(&[("a", &[]), ("b", &[]), ("c", &[0, 1])]), [[0_usize; 0]; 0]);
        // What a hostile record says of itself and of later stages ends.
        assert_eq!(found(&[("a", &[0]), ("b", &[2]), ("c", &[1])]), [vec![1, 2]]);
    }

    #[test]
    fn draws_follow_from_nonce_subject_and_weights_and_from_nothing_else() {
        let drawn = |plan: &Plan, about: u8, nonce: &[u8]| {
            let mut chain = chains(plan).remove(0);
            chain.draw(plan, &[about; 32], nonce, 5);
            assert_eq!((chain.drawn.len(), chain.left().count()), (5, 35));
            chain.drawn
        };
        let plan = line(40);
        let first = drawn(&plan, 1, b"a nonce");
        assert_eq!(drawn(&plan, 1, b"a nonce"), first);
        assert_ne!(drawn(&plan, 2, b"a nonce"), first);
        assert_ne!(drawn(&plan, 1, b"another"), first);
        let mut other = line(40);
        other.items.get_mut(&EntryIndex(139)).unwrap().subject = Subject::file(FileDigest::of(b"other"), 5);
        assert_ne!(drawn(&other, 1, b"a nonce"), first);
        let mut all = chains(&plan).remove(0);
        all.draw(&plan, &[0; 32], b"n", 99);
        assert_eq!(all.left().count(), 0);
    }

    #[test]
    fn one_bad_segment_is_drawn_by_as_large_a_share_of_nonces_as_is_drawn_of_segments() {
        let plan = line(12);
        for (count, expected) in [(1, 500.0_f64), (3, 1500.0), (6, 3000.0)] {
            let caught = (0..6000_u32).filter(|nonce| {
                let mut chain = chains(&plan).remove(0);
                chain.draw(&plan, &[7; 32], &nonce.to_be_bytes(), count);
                chain.drawn.contains(&7)
            });
            // Six standard deviations of a binomial count.
            let (caught, off) = (
                f64::from(u32::try_from(caught.count()).unwrap()),
                6.0 * (expected * (1.0 - expected / 6000.0)).sqrt(),
            );
            assert!((caught - expected).abs() < off, "{caught} of 6000 drew it, {expected} expected");
        }
    }

    #[test]
    fn what_is_not_drawn_is_bounded_exactly() {
        // None bad of three of twelve: C(12-7,3)/C(12,3) = 10/220 < 5 % ≤ C(12-6,3)/C(12,3) = 20/220.
        assert_eq!(at_most(12, 3, 0), 6);
        assert_eq!((at_most(12, 12, 0), at_most(12, 12, 2), at_most(12, 0, 0)), (0, 2, 12));
        assert_eq!((at_most(12, 3, 3), at_most(12, 1, 0)), (12, 11));
        // Of many segments it is the familiar three over the number of draws.
        assert_eq!(at_most(10_000, 300, 0), 97);
    }
}

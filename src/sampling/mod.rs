//! Draws of a claim's samples that the lab could not foresee ([`crate::draw`]): whether each was opened, and what that buys.
//!
//! A draw that is not opened counts against the lab, as one that does not hold: whoever may choose which draws to open has
//! chosen what is seen.
//!
//! What holding draws show is that so many of the recorded samples are what was committed to. That the model wrote them is
//! nothing that any draw can show.

mod scoring;

use std::collections::{BTreeMap, BTreeSet};

use crate::check::{ArtifactSeen, Case, Rederived};
use crate::digest::Digest;
use crate::draw::Drawn;
use crate::merkle::EntryIndex;
use crate::stats::{Enclosure, Level, Proportion, Sides};

pub use scoring::{How, Row, ScoringError, Weights, score, weights};

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

impl From<Drawn> for Draw {
    /// Nothing of it is opened yet.
    fn from(Drawn { arm, entry, root, number }: Drawn) -> Self {
        Self { arm, entry, root, number, key: None, score: None, state: State::Missing }
    }
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

    fn opened(number: u64) -> Draw {
        let root = Digest { algorithm: Algorithm::Blake3, bytes: [1; 32] };
        let drawn = Drawn { arm: "arm".to_owned(), entry: EntryIndex(1), root, number };
        Draw { state: State::Record, ..drawn.into() }
    }

    #[test]
    fn none_bad_of_two_hundred_bounds_at_one_and_a_half_percent() {
        let level = Level::percent(95, Sides::Upper).unwrap();
        let mut draws: Vec<Draw> = (0..200).map(opened).collect();
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

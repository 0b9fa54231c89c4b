//! From sample records to the claimed numbers, by exactly the rules that the claim states.

mod cells;
pub(super) mod contrast;
mod rate;
mod rows;
mod steps;
pub(super) mod table;

use std::collections::{BTreeMap, BTreeSet};

use crate::check::frame::claim_prereg::cited;
use crate::check::{Case, Input, InputProblem};
use crate::statement::Claim;

use cells::Cells;
pub(super) use cells::{eval_of, side_of};

pub use cells::{InputSamples, Role, Side};
pub use rate::{CellRate, Rate, SeedRate};

/// Why there is no number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NumberProblem {
    /// The claim is not disclosed.
    NoClaim,
    /// A rule of the claim that is not computed.
    Unsupported(String),
    /// Samples that the number needs are kept back.
    Withheld,
    /// Something the number needs is not there or cannot be read.
    Missing(String),
    /// The same sample stands in two inputs.
    Twice(String),
    /// The scorer or key that the claim names is in no sample.
    NoScores {
        /// As the claim names it.
        wanted: String,
        /// What the samples have.
        present: Vec<String>,
    },
}

impl std::fmt::Display for NumberProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NoClaim => f.write_str("the claim itself is not disclosed"),
            Self::Unsupported(what) => write!(f, "this version does not compute {what}"),
            Self::Withheld => f.write_str("the sample records are withheld"),
            Self::Missing(what) => f.write_str(what),
            Self::Twice(key) => write!(f, "sample {key} stands in two inputs: counted once or twice, it is no number"),
            Self::NoScores { wanted, present } => {
                write!(f, "no sample has a score `{wanted}`; the samples have {}", present.join(", "))
            }
        }
    }
}

/// Everything about a claim's numbers that can be computed from the disclosed samples.
#[derive(Debug, Clone)]
pub struct Number {
    rates: BTreeMap<(Role, Side), Rate>,
    /// What the log itself prints for this score, by metric name; of a claim of one input alone.
    pub reported: BTreeMap<String, String>,
    /// Which conditions belong together, as the protocol that the claim cites says it; nothing where it says nothing.
    pub(in crate::check) clusters: BTreeMap<String, Vec<String>>,
}

impl Number {
    /// Computes the numbers of a case.
    pub(super) fn of_case(case: &Case<'_>) -> Result<Self, NumberProblem> {
        let claim = case.claim.ok_or(NumberProblem::NoClaim)?;
        let inputs = shown_inputs(case)?;
        let clusters = cited(case).map(|protocol| protocol.clusters.clone()).unwrap_or_default();
        Ok(Self { clusters, ..Self::compute(claim, &inputs)? })
    }

    /// Computes a claim's numbers from the samples of its inputs.
    pub fn compute(claim: &Claim, inputs: &[InputSamples<'_, '_>]) -> Result<Self, NumberProblem> {
        if inputs.is_empty() {
            let why = "the claim names no samples: its figures stand by themselves";
            return Err(NumberProblem::Missing(why.to_owned()));
        }
        let metric = &claim.metric;
        Self::scored_by(claim, inputs, &metric.scorer, metric.key.value().map_or("", String::as_str))
    }

    /// The same by another metric.
    pub fn scored_by(
        claim: &Claim,
        inputs: &[InputSamples<'_, '_>],
        scorer: &str,
        key: &str,
    ) -> Result<Self, NumberProblem> {
        let cells = Cells::scored_by(claim, inputs, scorer, key)?;
        let mut rates = BTreeMap::new();
        for ((role, side), arm) in &cells.0 {
            rates.insert((*role, *side), Rate::of(claim, eval_of(claim, *side), arm)?);
        }
        let number = Self { rates, reported: reported(inputs, scorer, key), clusters: BTreeMap::new() };
        for (role, arm) in arms(claim) {
            if number.rate(role).is_none() {
                return Err(NumberProblem::Missing(format!(
                    "no input is of the arm `{}`",
                    arm.chars().take(80).flat_map(char::escape_default).collect::<String>()
                )));
            }
        }
        Ok(number)
    }

    /// The rate of an arm on one side.
    pub fn on(&self, role: Role, side: Side) -> Option<&Rate> {
        self.rates.get(&(role, side))
    }

    /// The rate of an arm outside the training distribution, or wherever the claim's `eval` is.
    pub fn rate(&self, role: Role) -> Option<&Rate> {
        self.on(role, Side::Outside)
    }

    /// The rate of an arm in distribution.
    pub fn inside(&self, role: Role) -> Option<&Rate> {
        self.on(role, Side::Inside)
    }

    /// The rate that the claim is about.
    pub fn subject(&self) -> &Rate {
        self.rate(Role::Subject).expect("a number has a subject, or it was not made")
    }

    /// Every rate.
    pub fn rates(&self) -> impl Iterator<Item = (Role, Side, &Rate)> {
        self.rates.iter().map(|((role, side), rate)| (*role, *side, rate))
    }
}

/// The arms of a claim with their labels.
pub(super) fn arms(claim: &Claim) -> impl Iterator<Item = (Role, &str)> {
    let others = claim.contrast.value().map_or(&[][..], |contrast| contrast.others.as_slice());
    std::iter::once((Role::Subject, claim.subject.arm.as_str()))
        .chain(claim.comparator.value().map(|arm| (Role::Comparator, arm.arm.as_str())))
        .chain(others.iter().enumerate().map(|(at, other)| (Role::Other(at), other.arm.arm.as_str())))
}

/// The inputs of a case, all of them or none.
pub(super) fn shown_inputs<'a, 'b>(case: &'b Case<'a>) -> Result<Vec<InputSamples<'a, 'b>>, NumberProblem> {
    case.inputs.iter().map(shown).collect()
}

/// An input with what can be computed of it.
fn shown<'a, 'b>(input: &'b Input<'a>) -> Result<InputSamples<'a, 'b>, NumberProblem> {
    let samples = input.content.as_ref().map_err(|problem| match problem {
        InputProblem::NotLinked => {
            NumberProblem::Missing(format!("the claim is not linked to an entry that carries {}", input.digest))
        }
        InputProblem::NotShown => NumberProblem::Withheld,
        InputProblem::Unreadable(why) => NumberProblem::Missing(format!("the sample manifest cannot be read: {why}")),
    })?;
    let (digest, entry, seed) = (input.digest, input.entry, input.seed);
    Ok(InputSamples { digest, entry, arm: input.arm.as_deref(), seed, samples })
}

/// Scores that are named where the wanted one is not there.
const MAX_NAMES: usize = 20;

fn no_scores(scorer: &str, key: &str, inputs: &[InputSamples<'_, '_>]) -> NumberProblem {
    let wanted = name(scorer, key);
    let present = metrics(inputs, MAX_NAMES, usize::MAX);
    NumberProblem::NoScores { wanted, present: present.iter().map(|(scorer, key)| name(scorer, key)).collect() }
}

/// A scorer and its key as one name.
pub(super) fn name(scorer: &str, key: &str) -> String {
    if key.is_empty() { scorer.to_owned() } else { format!("{scorer}.{key}") }
}

/// The first `most` scorers and keys in the first `looked_at` samples of each input.
pub(super) fn metrics(inputs: &[InputSamples<'_, '_>], most: usize, looked_at: usize) -> BTreeSet<(String, String)> {
    let mut present: BTreeSet<(String, String)> = BTreeSet::new();
    for record in inputs.iter().flat_map(|input| input.samples.records().take(looked_at)) {
        record.each_score(|scorer, key, _| {
            if !present.iter().any(|(known, under)| known == scorer && under == key) {
                present.insert((scorer.to_owned(), key.to_owned()));
                if present.len() > most {
                    present.pop_last();
                }
            }
        });
    }
    present
}

fn reported(inputs: &[InputSamples<'_, '_>], scorer: &str, key: &str) -> BTreeMap<String, String> {
    let [input] = inputs else { return BTreeMap::new() };
    let score = if key.is_empty() { scorer } else { key };
    let metrics = input.samples.facts.metrics.iter();
    metrics
        .filter(|metric| metric.scorer == scorer && metric.score == score)
        .map(|metric| (metric.metric.clone(), metric.lexeme.clone()))
        .collect()
}

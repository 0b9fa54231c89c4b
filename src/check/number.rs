//! From sample records to the claimed number, by exactly the rules that the claim states.

use std::collections::{BTreeMap, BTreeSet};

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::Zero;

use crate::artifact::samples::{KeyView, LogFacts, SampleStatus, SampleView, Samples};
use crate::check::{Case, InputProblem};
use crate::statement::{Claim, Denominator, ErrorUnit as ClaimUnit, Step};
use crate::stats::{Denominators, ErrorUnit, Estimate, ExactSum, RowState, StatsError, Tally};

/// Rows of the largest grid: no evidence can hold the records of a larger one.
const MAX_ROWS: u64 = 1 << 24;

/// Bits of the common denominator of all scores, and how many denominators there may be. A decimal of any length that
/// is read has a denominator that divides 10^464, and floats as programs write them a few dozen different ones; scores
/// of thousands of unrelated denominators would make one sum cost hours.
const MAX_DENOMINATOR_BITS: u64 = 2048;
const MAX_DENOMINATORS: usize = 1024;

/// Why there is no number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NumberProblem {
    /// The claim is not disclosed.
    NoClaim,
    /// A rule of the claim that this profile does not compute.
    Unsupported(String),
    /// Samples that the number needs are kept back.
    Withheld,
    /// Something the number needs is not there or cannot be read.
    Missing(String),
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
            Self::Unsupported(what) => write!(f, "this profile does not compute {what}"),
            Self::Withheld => f.write_str("the sample records are withheld"),
            Self::Missing(what) => f.write_str(what),
            Self::NoScores { wanted, present } => {
                write!(f, "no sample has a score `{wanted}`; the samples have {}", present.join(", "))
            }
        }
    }
}

/// Everything about the number that can be computed from the disclosed samples.
#[derive(Debug, Clone)]
pub struct Number {
    /// Rows expected, present, scored and valid.
    pub rows: Denominators,
    /// Distinct samples that are there.
    pub samples: u64,
    /// The number by the claim's own steps and denominator.
    pub value: BigRational,
    /// Units it is over: the claim's n.
    pub units: u64,
    /// Sum over the units: k of k/n.
    pub sum: BigRational,
    /// Over samples, epochs reduced by their mean first.
    pub by_sample: Estimate,
    /// Over all rollouts.
    pub by_rollout: Estimate,
    /// The number under every denominator.
    pub by_denominator: BTreeMap<Denominator, BigRational>,
    /// What the log itself prints for this score, by metric name.
    pub reported: BTreeMap<String, String>,
}

impl Number {
    /// Computes the number of a case.
    pub(super) fn of_case(case: &Case<'_>) -> Result<Self, NumberProblem> {
        let claim = case.claim.ok_or(NumberProblem::NoClaim)?;
        Self::compute(claim, only_input(case)?)
    }

    /// Computes a claim's number from the samples of its one input.
    pub fn compute(claim: &Claim, samples: &Samples<'_>) -> Result<Self, NumberProblem> {
        if claim.comparator.value().is_some() {
            return Err(NumberProblem::Unsupported("a comparison of two arms".to_owned()));
        }
        let scorer = claim.metric.scorer.as_str();
        let key = claim.metric.key.value().map_or("", String::as_str);
        let rows = Rows::count(samples, scorer, key, claim.eval.repeats)?;
        let grid = Grid::of(claim)?;
        let counts = Denominators { expected: Some(grid.rows), ..rows.counts };
        let mut by_denominator = BTreeMap::new();
        for denominator in Denominator::ALL {
            if let Ok(estimate) = rows.mean_over(steps(claim)?, *denominator, grid) {
                by_denominator.insert(*denominator, estimate.mean);
            }
        }
        let by_sample = rows.mean_over(ErrorUnit::Sample, claim.denominator, grid)?;
        let by_rollout = rows.mean_over(ErrorUnit::Rollout, claim.denominator, grid)?;
        let chosen = match steps(claim)? {
            ErrorUnit::Sample => &by_sample,
            ErrorUnit::Rollout => &by_rollout,
        };
        Ok(Self {
            rows: counts,
            samples: rows.samples,
            value: chosen.mean.clone(),
            units: chosen.units,
            sum: chosen.sum.clone(),
            by_sample,
            by_rollout,
            by_denominator,
            reported: reported(&samples.facts, scorer, key),
        })
    }

    /// The square of the standard error under a unit and degrees of freedom; none where this profile cannot tell.
    pub fn error_square(&self, unit: ClaimUnit, ddof: u64) -> Option<BigRational> {
        let estimate = match unit {
            ClaimUnit::Sample => &self.by_sample,
            ClaimUnit::Rollout => &self.by_rollout,
            ClaimUnit::Condition | ClaimUnit::Seed => return None,
        };
        let n = estimate.units;
        match (ddof, n) {
            (1, _) => Some(estimate.variance_of_mean.clone()),
            // The unbiased variance divides by n-1; undo that and divide by n.
            (0, 1..) => Some(&estimate.variance_of_mean * BigRational::new((n - 1).into(), n.into())),
            _ => None,
        }
    }
}

/// The grid that the claim says was run.
#[derive(Clone, Copy)]
struct Grid {
    samples: u64,
    repeats: u64,
    rows: u64,
}

impl Grid {
    fn of(claim: &Claim) -> Result<Self, NumberProblem> {
        let samples = claim.eval.conditions.checked_mul(claim.eval.samples);
        let rows = samples.and_then(|samples| samples.checked_mul(claim.eval.repeats));
        match (samples, rows) {
            (Some(samples), Some(rows)) if rows > 0 && rows <= MAX_ROWS => {
                Ok(Self { samples, repeats: claim.eval.repeats, rows })
            }
            _ => Err(NumberProblem::Unsupported(format!("grids of none or more than {MAX_ROWS} rows"))),
        }
    }
}

fn only_input<'a, 'b>(case: &'a Case<'b>) -> Result<&'a Samples<'b>, NumberProblem> {
    let [input] = case.inputs.as_slice() else {
        return Err(NumberProblem::Unsupported(format!("a number over {} inputs", case.inputs.len())));
    };
    input.content.as_ref().map_err(|problem| match problem {
        InputProblem::NotLinked => {
            NumberProblem::Missing(format!("the claim is not linked to an entry that carries {}", input.digest))
        }
        InputProblem::NotShown => NumberProblem::Withheld,
        InputProblem::Unreadable(why) => NumberProblem::Missing(format!("the sample manifest cannot be read: {why}")),
    })
}

/// Which estimate the claim's steps name.
fn steps(claim: &Claim) -> Result<ErrorUnit, NumberProblem> {
    match claim.aggregation.as_slice() {
        [Step::MeanEpochs, Step::MeanSamples] => Ok(ErrorUnit::Sample),
        [Step::MeanRollouts] => Ok(ErrorUnit::Rollout),
        steps => {
            let names: Vec<_> = steps.iter().map(|step| step.name()).collect();
            Err(NumberProblem::Unsupported(format!("the aggregation [{}]", names.join(", "))))
        }
    }
}

fn row_state(record: &SampleView<'_>, has_value: bool) -> RowState {
    match (has_value, record.status) {
        (false, _) => RowState::Unscored,
        (true, SampleStatus::Error | SampleStatus::Invalid) => RowState::ScoredOnly,
        (true, _) => RowState::Valid,
    }
}

/// What the rows of a log add up to, taken in one after the other: a million of them cost no memory.
struct Rows {
    counts: Denominators,
    samples: u64,
    scored: Counted,
    valid: Counted,
    /// Over all samples that are there, their scored values divided by the repetitions that were planned.
    planned: Tally,
}

/// The rows that a denominator counts.
#[derive(Default)]
struct Counted {
    rollouts: Tally,
    by_sample: Tally,
    /// Rows of the sample that has the most.
    most: u64,
    /// Of the sample that is being read.
    open: (u64, ExactSum),
}

impl Counted {
    fn add(&mut self, value: &BigRational) {
        self.rollouts.add(value);
        self.open.0 += 1;
        self.open.1.add(value.clone());
    }

    /// Ends a sample: its mean counts, where it has one. Gives the sum over its rows.
    fn close(&mut self) -> BigRational {
        let (count, sum) = std::mem::take(&mut self.open);
        let sum = sum.total();
        self.most = self.most.max(count);
        if count > 0 {
            self.by_sample.add(&(&sum / BigRational::from_integer(count.into())));
        }
        sum
    }

    fn estimate(&self, unit: ErrorUnit) -> Result<Estimate, NumberProblem> {
        let tally = match unit {
            ErrorUnit::Sample => &self.by_sample,
            ErrorUnit::Rollout => &self.rollouts,
        };
        tally.estimate(self.rollouts.units()).map_err(|error| no_estimate(&error))
    }
}

fn no_estimate(error: &StatsError) -> NumberProblem {
    NumberProblem::Missing(error.to_string())
}

impl Rows {
    fn count(samples: &Samples<'_>, scorer: &str, key: &str, repeats: u64) -> Result<Self, NumberProblem> {
        let counts = Denominators { expected: None, scored: 0, valid: 0, present: 0 };
        let (scored, valid) = (Counted::default(), Counted::default());
        let mut rows = Self { counts, samples: 0, scored, valid, planned: Tally::default() };
        let repeats = BigRational::from_integer(repeats.max(1).into());
        let mut limit = CommonDenominator::default();
        let mut previous: Option<KeyView<'_>> = None;
        for record in samples.records() {
            // Epochs of one sample stand together.
            if !previous.is_some_and(|previous| previous.is_same_sample(&record.key)) {
                rows.close(&repeats);
                rows.samples += 1;
                previous = Some(record.key);
            }
            // A text that is no number counts as 0 in Inspect's metrics, and so it does here; the log's anomalies say so.
            let score = record.score(scorer, key);
            let value = score.and_then(|score| score.value().or_else(|| score.is_unreadable().then(BigRational::zero)));
            let state = row_state(&record, value.is_some());
            rows.counts.present += 1;
            if let Some(value) = value {
                limit.add(&value)?;
                rows.counts.scored += 1;
                rows.scored.add(&value);
                if state == RowState::Valid {
                    rows.counts.valid += 1;
                    rows.valid.add(&value);
                }
            }
        }
        rows.close(&repeats);
        if rows.counts.scored == 0 { Err(no_scores(scorer, key, samples)) } else { Ok(rows) }
    }

    fn close(&mut self, repeats: &BigRational) {
        if self.samples > 0 {
            let sum = self.scored.close();
            self.planned.add(&(sum / repeats));
            self.valid.close();
        }
    }

    /// The mean over a unit of the rows that a denominator counts.
    fn mean_over(&self, unit: ErrorUnit, denominator: Denominator, grid: Grid) -> Result<Estimate, NumberProblem> {
        match denominator {
            Denominator::Valid => return self.valid.estimate(unit),
            Denominator::Scored => return self.scored.estimate(unit),
            Denominator::Expected => {}
        }
        // A row that was planned and has no score counts as zero. Zeros are counted, not made: a claim can plan any number.
        if self.samples > grid.samples || self.scored.most > grid.repeats {
            return Err(NumberProblem::Missing("there are more rows than the claim says were planned".to_owned()));
        }
        match unit {
            ErrorUnit::Rollout => Ok(with_zeros(&self.scored.estimate(unit)?, grid.rows - self.counts.scored)),
            ErrorUnit::Sample => Ok(with_zeros(
                &self.planned.estimate(self.samples).map_err(|error| no_estimate(&error))?,
                grid.samples - self.samples,
            )),
        }
    }
}

/// The denominators of all scores, before sums of them can cost hours.
#[derive(Default)]
struct CommonDenominator {
    seen: BTreeSet<BigInt>,
    common: BigInt,
}

impl CommonDenominator {
    fn add(&mut self, value: &BigRational) -> Result<(), NumberProblem> {
        if self.seen.contains(value.denom()) {
            return Ok(());
        }
        self.common =
            if self.seen.is_empty() { value.denom().clone() } else { common_multiple(&self.common, value.denom()) };
        self.seen.insert(value.denom().clone());
        if self.seen.len() > MAX_DENOMINATORS || self.common.bits() > MAX_DENOMINATOR_BITS {
            return Err(NumberProblem::Unsupported("scores of so many unrelated denominators".to_owned()));
        }
        Ok(())
    }
}

/// The least common multiple of two positive integers.
fn common_multiple(left: &BigInt, right: &BigInt) -> BigInt {
    // left/right in lowest terms is (left/g)/(right/g), so that left * (right/g) is the common multiple.
    left * BigRational::new(left.clone(), right.clone()).denom()
}

/// The estimate over the same units and `zeros` more of value 0.
fn with_zeros(estimate: &Estimate, zeros: u64) -> Estimate {
    let integer = |value: u64| BigRational::from_integer(value.into());
    let n = integer(estimate.units);
    // The variance of the mean is (squares - sum * mean) / (n (n - 1)), or 0 for one unit: undo it, then do it again.
    let squares = match estimate.units {
        1 => &estimate.sum * &estimate.sum,
        _ => &estimate.variance_of_mean * &n * (&n - integer(1)) + &estimate.sum * &estimate.mean,
    };
    let units = estimate.units + zeros;
    let total = integer(units);
    let mean = &estimate.sum / &total;
    let variance_of_mean = match units {
        1 => BigRational::zero(),
        _ => (squares - &estimate.sum * &mean) / (&total * (&total - integer(1))),
    };
    Estimate { sum: estimate.sum.clone(), units, observations: estimate.observations + zeros, mean, variance_of_mean }
}

/// Scores that are named where the wanted one is not there.
const MAX_NAMES: usize = 20;

fn no_scores(scorer: &str, key: &str, samples: &Samples<'_>) -> NumberProblem {
    let name = |scorer: &str, key: &str| if key.is_empty() { scorer.to_owned() } else { format!("{scorer}.{key}") };
    let mut present = BTreeSet::new();
    for record in samples.records() {
        record.each_score(|scorer, key, _| {
            present.insert(name(scorer, key));
            if present.len() > MAX_NAMES {
                present.pop_last();
            }
        });
    }
    NumberProblem::NoScores { wanted: name(scorer, key), present: present.into_iter().collect() }
}

fn reported(facts: &LogFacts, scorer: &str, key: &str) -> BTreeMap<String, String> {
    let score = if key.is_empty() { scorer } else { key };
    facts
        .metrics
        .iter()
        .filter(|metric| metric.scorer == scorer && metric.score == score)
        .map(|metric| (metric.metric.clone(), metric.lexeme.clone()))
        .collect()
}

//! What the rows of one cell add up to, taken in one after the other: a million of them cost no memory.

use std::collections::BTreeSet;

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Signed, Zero};

use super::NumberProblem;
use crate::artifact::samples::{SampleStatus, SampleView};
use crate::digest::{FileDigest, FileHasher};
use crate::statement::{Denominator, Evaluation};
use crate::stats::{Denominators, ErrorUnit, Estimate, ExactSum, RowState, StatsError, Tally};

/// Rows of the largest grid: no evidence can hold the records of a larger one.
pub(super) const MAX_ROWS: u64 = 1 << 24;

/// Bits of the common denominator of all scores, and how many denominators there may be. A decimal of any length that
/// is read has a denominator that divides 10^464, and floats as programs write them a few dozen different ones; scores
/// of thousands of unrelated denominators would make one sum cost hours.
const MAX_DENOMINATOR_BITS: u64 = 2048;
const MAX_DENOMINATORS: usize = 1024;

/// The grid that was to be run: of a cell, or of several together.
#[derive(Debug, Clone, Copy)]
pub(super) struct Grid {
    /// Distinct samples.
    pub(super) samples: u64,
    /// Rollouts of each.
    pub(super) repeats: u64,
    /// All rows.
    pub(super) rows: u64,
}

impl Grid {
    /// Of one condition.
    pub(super) fn cell(eval: &Evaluation) -> Result<Self, NumberProblem> {
        Self::of(eval.samples, eval.repeats)
    }

    /// Of all conditions together.
    pub(super) fn seed(eval: &Evaluation) -> Result<Self, NumberProblem> {
        Self::of(eval.conditions.saturating_mul(eval.samples), eval.repeats)
    }

    fn of(samples: u64, repeats: u64) -> Result<Self, NumberProblem> {
        match samples.checked_mul(repeats) {
            Some(rows) if rows > 0 && rows <= MAX_ROWS => Ok(Self { samples, repeats, rows }),
            _ => Err(NumberProblem::Unsupported(format!("grids of none or more than {MAX_ROWS} rows"))),
        }
    }
}

/// The rows of one cell, added up.
#[derive(Debug, Clone, Default)]
pub(super) struct Rows {
    /// Rows that are there, that have a score, and that have a valid one.
    pub(super) counts: Denominators,
    /// Distinct samples.
    pub(super) samples: u64,
    /// Rows by what became of them, in the order of [`SampleStatus`].
    pub(super) by_status: [u64; 5],
    /// The highest repetition, and whether one is 0.
    pub(super) epochs: (u64, bool),
    /// Scores that are a text or structure and count as 0.
    pub(super) unreadable: u64,
    /// Scores below 0 or above 1.
    pub(super) beyond: u64,
    scored: Counted,
    valid: Counted,
    /// Over all samples that are there, their scored values divided by the repetitions that were planned.
    planned: Tally,
    /// Ids, repetitions and scores in their order: what a second run could not repeat by chance. Only where there is
    /// another run to compare with.
    course: Option<FileHasher>,
}

/// The rows that a denominator counts.
#[derive(Debug, Clone, Default)]
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

    fn merge(&mut self, other: &Self) {
        self.rollouts.merge(&other.rollouts);
        self.by_sample.merge(&other.by_sample);
        self.most = self.most.max(other.most);
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
    /// No rows yet.
    pub(super) fn new(with_course: bool) -> Self {
        Self { course: with_course.then(FileHasher::new), ..Self::default() }
    }

    /// Begins another sample; its rows follow.
    pub(super) fn begin(&mut self) {
        self.samples += 1;
    }

    /// Adds a row of the sample that was begun, scored by `scorer` under `key`.
    pub(super) fn add(
        &mut self,
        record: &SampleView<'_>,
        scorer: &str,
        key: &str,
        limit: &mut CommonDenominator,
    ) -> Result<(), NumberProblem> {
        // A text that is no number counts as 0 in Inspect's metrics, and so it does here; the log's anomalies say so.
        let score = record.score(scorer, key);
        let value = score.and_then(|score| score.value().or_else(|| score.is_unreadable().then(BigRational::zero)));
        self.unreadable += u64::from(score.is_some_and(|score| score.is_unreadable()));
        self.beyond +=
            u64::from(value.as_ref().is_some_and(|value| value.is_negative() || *value > BigRational::one()));
        let state = row_state(record, value.is_some());
        self.counts.present += 1;
        self.by_status[usize::try_from(record.status.id()).unwrap_or(0)] += 1;
        self.epochs = (self.epochs.0.max(record.key.epoch), self.epochs.1 || record.key.epoch == 0);
        if let Some(course) = &mut self.course {
            course.update(record.key.id());
            course.update(&record.key.epoch.to_be_bytes());
            let lexeme = score.map_or("", |score| score.lexeme()).as_bytes();
            course.update(&[record.status.id().to_be_bytes()[7], lexeme.len().to_be_bytes()[7]]);
            course.update(lexeme);
        }
        if let Some(value) = value {
            limit.add(&value)?;
            self.counts.scored += 1;
            self.scored.add(&value);
            if state == RowState::Valid {
                self.counts.valid += 1;
                self.valid.add(&value);
            }
        }
        Ok(())
    }

    /// Ends the sample that was begun.
    pub(super) fn close(&mut self, repeats: &BigRational) {
        if self.samples > 0 {
            let sum = self.scored.close();
            self.planned.add(&(sum / repeats));
            self.valid.close();
        }
    }

    /// Adds the rows of another cell. What is merged has no course of its own.
    pub(super) fn merge(&mut self, other: &Self) {
        let (own, its) = (&mut self.counts, &other.counts);
        own.present += its.present;
        own.scored += its.scored;
        own.valid += its.valid;
        self.samples += other.samples;
        self.unreadable += other.unreadable;
        self.beyond += other.beyond;
        for (own, its) in self.by_status.iter_mut().zip(other.by_status) {
            *own += its;
        }
        self.epochs = (self.epochs.0.max(other.epochs.0), self.epochs.1 || other.epochs.1);
        self.scored.merge(&other.scored);
        self.valid.merge(&other.valid);
        self.planned.merge(&other.planned);
    }

    /// What happened in the cell, row by row, as one digest.
    pub(super) fn course(&self) -> Option<FileDigest> {
        self.course.as_ref().map(FileHasher::finish)
    }

    /// Sum of the scored rows.
    pub(super) fn hits(&self) -> BigRational {
        self.scored.rollouts.estimate(1).map_or_else(|_| BigRational::zero(), |estimate| estimate.sum)
    }

    /// The mean over a unit of the rows that a denominator counts.
    pub(super) fn mean_over(
        &self,
        unit: ErrorUnit,
        denominator: Denominator,
        grid: Grid,
    ) -> Result<Estimate, NumberProblem> {
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
pub(super) struct CommonDenominator {
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

fn row_state(record: &SampleView<'_>, has_value: bool) -> RowState {
    match (has_value, record.status) {
        (false, _) => RowState::Unscored,
        (true, SampleStatus::Error | SampleStatus::Invalid) => RowState::ScoredOnly,
        (true, _) => RowState::Valid,
    }
}

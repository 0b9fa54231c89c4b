//! From sample records to the claimed number, by exactly the rules that the claim states.

use std::collections::{BTreeMap, BTreeSet};

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::Zero;

use crate::artifact::samples::{LogFacts, SampleRecord, SampleStatus};
use crate::check::{Case, InputProblem};
use crate::statement::{Claim, Denominator, ErrorUnit as ClaimUnit, Step};
use crate::stats::{Denominators, ErrorUnit, Estimate, Observation, Reducer, RowState, estimate};

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

type SampleGroup = (Option<String>, Option<String>, crate::artifact::samples::SampleId, Option<i64>);

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
    pub fn of<'a>(case: &Case<'a>) -> Result<(&'a Claim, Self), NumberProblem> {
        let claim = case.claim.ok_or(NumberProblem::NoClaim)?;
        let (facts, samples) = only_input(case)?;
        Ok((claim, Self::compute(claim, facts, samples)?))
    }

    /// Computes a claim's number from the samples of its one input.
    pub fn compute(claim: &Claim, facts: &LogFacts, records: &[SampleRecord]) -> Result<Self, NumberProblem> {
        if claim.comparator.value().is_some() {
            return Err(NumberProblem::Unsupported("a comparison of two arms".to_owned()));
        }
        let scorer = claim.metric.scorer.as_str();
        let key = claim.metric.key.value().map_or("", String::as_str);
        let mut groups: BTreeMap<SampleGroup, u64> = BTreeMap::new();
        let rows: Vec<Row> = records
            .iter()
            .map(|record| {
                // A text that is no number counts as 0 in Inspect's metrics, and so it does here; the log's anomalies say so.
                let value = record
                    .score(scorer, key)
                    .and_then(|score| score.value().cloned().or_else(|| score.is_unreadable().then(BigRational::zero)));
                let next = groups.len() as u64;
                let sample = *groups.entry(record.key.without_epoch()).or_insert(next);
                Row { sample, state: row_state(record, value.is_some()), value }
            })
            .collect();
        let samples = groups.len() as u64;
        drop(groups);
        if rows.iter().all(|row| row.value.is_none()) {
            return Err(no_scores(scorer, key, records));
        }
        check_denominators(&rows)?;
        let grid = Grid::of(claim)?;
        let counts = Denominators::of(Some(grid.rows), rows.iter().map(|row| row.state));
        let mut by_denominator = BTreeMap::new();
        for denominator in Denominator::ALL {
            if let Ok(estimate) = mean_over(&rows, steps(claim)?, *denominator, grid) {
                by_denominator.insert(*denominator, estimate.mean);
            }
        }
        let by_sample = mean_over(&rows, ErrorUnit::Sample, claim.denominator, grid)?;
        let by_rollout = mean_over(&rows, ErrorUnit::Rollout, claim.denominator, grid)?;
        let chosen = match steps(claim)? {
            ErrorUnit::Sample => &by_sample,
            ErrorUnit::Rollout => &by_rollout,
        };
        Ok(Self {
            rows: counts,
            samples,
            value: chosen.mean.clone(),
            units: chosen.units,
            sum: chosen.sum.clone(),
            by_sample,
            by_rollout,
            by_denominator,
            reported: reported(facts, scorer, key),
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

fn only_input<'a>(case: &'a Case<'_>) -> Result<&'a (LogFacts, Vec<SampleRecord>), NumberProblem> {
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

fn row_state(record: &SampleRecord, has_value: bool) -> RowState {
    match (has_value, record.status) {
        (false, _) => RowState::Unscored,
        (true, SampleStatus::Error | SampleStatus::Invalid) => RowState::ScoredOnly,
        (true, _) => RowState::Valid,
    }
}

/// One record, its sample by number: names are compared once and not kept.
struct Row {
    sample: u64,
    state: RowState,
    value: Option<BigRational>,
}

fn check_denominators(rows: &[Row]) -> Result<(), NumberProblem> {
    let mut denominators = BTreeSet::new();
    let mut common = BigInt::from(1);
    for value in rows.iter().filter_map(|row| row.value.as_ref()) {
        if denominators.insert(value.denom()) {
            common = common_multiple(&common, value.denom());
        }
        if denominators.len() > MAX_DENOMINATORS || common.bits() > MAX_DENOMINATOR_BITS {
            return Err(NumberProblem::Unsupported("scores of so many unrelated denominators".to_owned()));
        }
    }
    Ok(())
}

/// The least common multiple of two positive integers.
fn common_multiple(left: &BigInt, right: &BigInt) -> BigInt {
    // left/right in lowest terms is (left/g)/(right/g), so that left * (right/g) is the common multiple.
    left * BigRational::new(left.clone(), right.clone()).denom()
}

/// The mean over a unit of the rows that a denominator counts.
fn mean_over(rows: &[Row], unit: ErrorUnit, denominator: Denominator, grid: Grid) -> Result<Estimate, NumberProblem> {
    let estimate = |observations: &[Observation<u64>]| {
        estimate(observations, unit, Reducer::Mean).map_err(|error| NumberProblem::Missing(error.to_string()))
    };
    let is_counted = |state: RowState| match denominator {
        Denominator::Expected | Denominator::Scored => state != RowState::Unscored,
        Denominator::Valid => state == RowState::Valid,
    };
    let counted = rows.iter().filter(|row| is_counted(row.state));
    let observations: Vec<Observation<u64>> =
        counted.filter_map(|row| Some(Observation { sample: row.sample, value: row.value.clone()? })).collect();
    if denominator != Denominator::Expected {
        return estimate(&observations);
    }
    // A row that was planned and has no score counts as zero. Zeros are counted, not made: a claim can plan any number.
    let mut by_sample: BTreeMap<u64, (u64, BigRational)> =
        rows.iter().map(|row| (row.sample, Default::default())).collect();
    for observation in &observations {
        let (count, sum) = by_sample.entry(observation.sample).or_default();
        *count += 1;
        *sum += &observation.value;
    }
    if by_sample.len() as u64 > grid.samples || by_sample.values().any(|(count, _)| *count > grid.repeats) {
        return Err(NumberProblem::Missing("there are more rows than the claim says were planned".to_owned()));
    }
    match unit {
        ErrorUnit::Rollout => Ok(with_zeros(&estimate(&observations)?, grid.rows - observations.len() as u64)),
        ErrorUnit::Sample => {
            let repeats = BigRational::from_integer(grid.repeats.into());
            let known = by_sample.len() as u64;
            let means: Vec<Observation<u64>> =
                by_sample.into_iter().map(|(sample, (_, sum))| Observation { sample, value: sum / &repeats }).collect();
            Ok(with_zeros(&estimate(&means)?, grid.samples - known))
        }
    }
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

fn no_scores(scorer: &str, key: &str, samples: &[SampleRecord]) -> NumberProblem {
    let name = |scorer: &str, key: &str| if key.is_empty() { scorer.to_owned() } else { format!("{scorer}.{key}") };
    let mut present: Vec<String> = samples
        .iter()
        .flat_map(|record| {
            record.scores.iter().flat_map(|(scorer, keys)| keys.keys().map(move |key| name(scorer, key)))
        })
        .collect();
    present.sort();
    present.dedup();
    present.truncate(20);
    NumberProblem::NoScores { wanted: name(scorer, key), present }
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

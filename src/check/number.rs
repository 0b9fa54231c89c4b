//! From sample records to the claimed number, by exactly the rules that the claim states.

use std::collections::BTreeMap;

use num_rational::BigRational;
use num_traits::Zero;

use crate::artifact::samples::{LogFacts, SampleId, SampleRecord, SampleStatus};
use crate::check::{Case, InputProblem};
use crate::statement::{Claim, Denominator, ErrorUnit as ClaimUnit, Step};
use crate::stats::{Denominators, ErrorUnit, Estimate, Observation, Reducer, RowState, estimate};

/// Rows that a denominator may add as zeros: bounds what a claim can make a verifier allocate.
const MAX_ROWS: u64 = 1 << 24;

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

type SampleGroup = (Option<String>, Option<String>, SampleId, Option<i64>);

/// Whose observation it is. A planned sample that nobody has seen is told apart from every real one by its type: no
/// name that a log could give to a sample makes the two one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Unit {
    Seen(SampleGroup),
    Absent(u64),
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
    pub fn of<'a>(case: &Case<'a>) -> Result<(&'a Claim, Self), NumberProblem> {
        let claim = case.claim.ok_or(NumberProblem::NoClaim)?;
        let (facts, samples) = only_input(case)?;
        Ok((claim, Self::compute(claim, facts, samples)?))
    }

    /// Computes a claim's number from the samples of its one input.
    pub fn compute(claim: &Claim, facts: &LogFacts, samples: &[SampleRecord]) -> Result<Self, NumberProblem> {
        if claim.comparator.value().is_some() {
            return Err(NumberProblem::Unsupported("a comparison of two arms".to_owned()));
        }
        let scorer = claim.metric.scorer.as_str();
        let key = claim.metric.key.value().map_or("", String::as_str);
        let rows: Vec<(SampleGroup, RowState, Option<BigRational>)> = samples
            .iter()
            .map(|record| {
                // A text that is no number counts as 0 in Inspect's metrics, and so it does here; the log's anomalies say so.
                let value = record
                    .score(scorer, key)
                    .and_then(|score| score.value().cloned().or_else(|| score.is_unreadable().then(BigRational::zero)));
                (record.key.without_epoch(), row_state(record, value.is_some()), value)
            })
            .collect();
        if rows.iter().all(|(_, _, value)| value.is_none()) {
            return Err(no_scores(scorer, key, samples));
        }
        let grid = Grid::of(claim)?;
        let counts = Denominators::of(Some(grid.rows), rows.iter().map(|(_, state, _)| *state));
        let mut by_denominator = BTreeMap::new();
        for denominator in Denominator::ALL {
            if let Ok(observations) = observations(&rows, *denominator, grid)
                && let Ok(estimate) = estimate(&observations, steps(claim)?, Reducer::Mean)
            {
                by_denominator.insert(*denominator, estimate.mean);
            }
        }
        let observations = observations(&rows, claim.denominator, grid)?;
        let compute = |unit| {
            estimate(&observations, unit, Reducer::Mean).map_err(|error| NumberProblem::Missing(error.to_string()))
        };
        let (by_sample, by_rollout) = (compute(ErrorUnit::Sample)?, compute(ErrorUnit::Rollout)?);
        let chosen = match steps(claim)? {
            ErrorUnit::Sample => &by_sample,
            ErrorUnit::Rollout => &by_rollout,
        };
        let mut distinct: Vec<_> = rows.iter().map(|(group, _, _)| group).collect();
        distinct.sort();
        distinct.dedup();
        Ok(Self {
            rows: counts,
            samples: distinct.len() as u64,
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

fn observations(
    rows: &[(SampleGroup, RowState, Option<BigRational>)],
    denominator: Denominator,
    grid: Grid,
) -> Result<Vec<Observation<Unit>>, NumberProblem> {
    let is_counted = |state: &RowState| match denominator {
        Denominator::Expected | Denominator::Scored => *state != RowState::Unscored,
        Denominator::Valid => *state == RowState::Valid,
    };
    let mut observations: Vec<Observation<Unit>> = rows
        .iter()
        .filter(|(_, state, _)| is_counted(state))
        .filter_map(|(group, _, value)| Some(Observation { sample: Unit::Seen(group.clone()), value: value.clone()? }))
        .collect();
    if denominator == Denominator::Expected {
        add_missing(&mut observations, rows, grid)?;
    }
    Ok(observations)
}

/// A row that was planned and has no score counts as zero under `n_expected`.
fn add_missing(
    observations: &mut Vec<Observation<Unit>>,
    rows: &[(SampleGroup, RowState, Option<BigRational>)],
    grid: Grid,
) -> Result<(), NumberProblem> {
    let mut scored: BTreeMap<&SampleGroup, u64> = rows.iter().map(|(group, _, _)| (group, 0)).collect();
    for (group, _, value) in rows {
        *scored.entry(group).or_default() += u64::from(value.is_some());
    }
    let known = scored.len() as u64;
    if known > grid.samples || scored.values().any(|count| *count > grid.repeats) {
        return Err(NumberProblem::Missing("there are more rows than the claim says were planned".to_owned()));
    }
    let zero = |sample: Unit| Observation { sample, value: BigRational::zero() };
    let gaps: Vec<Unit> = scored
        .into_iter()
        .flat_map(|(group, count)| (count..grid.repeats).map(move |_| Unit::Seen(group.clone())))
        .collect();
    observations.extend(gaps.into_iter().map(zero));
    for number in known..grid.samples {
        observations.extend((0..grid.repeats).map(|_| zero(Unit::Absent(number))));
    }
    Ok(())
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

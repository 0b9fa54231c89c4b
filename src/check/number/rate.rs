//! The rate of one arm, by the claim's own steps and by every other that could have been taken.

use std::collections::BTreeMap;

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::Zero;

use super::NumberProblem;
use super::cells::{ArmCells, SeedCells};
use super::rows::{Grid, Rows};
use super::steps::Steps;
use crate::digest::FileDigest;
use crate::merkle::EntryIndex;
use crate::statement::{Claim, Denominator, ErrorUnit as ClaimUnit, Evaluation};
use crate::stats::{Denominators, ErrorUnit, Estimate, Proportion};

/// What the rollouts of one cell give.
#[derive(Debug, Clone)]
pub struct CellRate {
    /// Mean by the claim's denominator and inner steps.
    pub value: BigRational,
    /// The same over its rollouts, each counted by itself.
    pub by_rollout: Estimate,
    /// The same over samples; none where the cell has fewer than two.
    pub sample_variance: Option<BigRational>,
    /// Rows that are there, have a score, have a valid one.
    pub rows: Denominators,
    /// Distinct samples.
    pub samples: u64,
    /// The highest repetition, and whether one is numbered 0.
    pub epochs: (u64, bool),
    /// Sum of the scored rows.
    pub hits: BigRational,
    /// Rows by what became of them: scored, unscored, error, limit, invalid.
    pub by_status: [u64; 5],
    /// Everything that happened in the cell, as one digest; where seeds or arms are told apart.
    pub course: Option<FileDigest>,
}

/// What one training seed gives.
#[derive(Debug, Clone)]
pub struct SeedRate {
    /// Its number.
    pub value: BigRational,
    /// The logs it is from.
    pub entries: Vec<EntryIndex>,
    /// By condition.
    pub conditions: BTreeMap<String, CellRate>,
}

impl SeedRate {
    /// Rows of all its conditions.
    pub fn rows(&self) -> Denominators {
        add_up(self.conditions.values().map(|cell| cell.rows))
    }
}

/// What one arm gives.
#[derive(Debug, Clone)]
pub struct Rate {
    /// Rows expected, present, scored and valid.
    pub rows: Denominators,
    /// Distinct samples that are there.
    pub samples: u64,
    /// The number by the claim's own steps and denominator.
    pub value: BigRational,
    /// What the claim's n counts: units of a plain mean, else counted rollouts.
    pub units: u64,
    /// Sum over the units: k of k/n.
    pub sum: BigRational,
    /// Over samples, epochs reduced by their mean first, all cells alike.
    pub by_sample: Estimate,
    /// Over all rollouts.
    pub by_rollout: Estimate,
    /// The number under every denominator.
    pub by_denominator: BTreeMap<Denominator, BigRational>,
    /// The number by other steps, by their name.
    pub by_steps: BTreeMap<&'static str, BigRational>,
    /// By seed; one nameless seed where none is told apart.
    pub seeds: BTreeMap<Option<i64>, SeedRate>,
    /// Rows by what became of them: scored, unscored, error, limit, invalid.
    pub by_status: [u64; 5],
    /// Scores that are a text or structure and count as 0, as they do in Inspect's metrics.
    pub unreadable: u64,
    /// Scores below 0 or above 1: of such there is no share.
    pub beyond: u64,
    steps: Steps,
}

impl Rate {
    pub(super) fn of(claim: &Claim, eval: &Evaluation, cells: &ArmCells) -> Result<Self, NumberProblem> {
        let steps = Steps::of(claim)?;
        let mut pooled = Rows::default();
        cells.values().flat_map(|seed| seed.conditions.values()).for_each(|rows| pooled.merge(rows));
        let arm = Arm { claim, eval, cells, pooled };
        let value = arm.value(steps, claim.denominator)?;
        let by_sample = arm.pooled_mean(ErrorUnit::Sample, claim.denominator)?;
        let by_rollout = arm.pooled_mean(ErrorUnit::Rollout, claim.denominator)?;
        let grid = arm.grid()?;
        let rows = Denominators { expected: Some(grid.rows), ..arm.pooled.counts };
        let (units, sum) = match (steps.is_plain(), steps.inner) {
            (true, ErrorUnit::Sample) => (by_sample.units, by_sample.sum.clone()),
            _ => (by_rollout.units, by_rollout.sum.clone()),
        };
        let by_denominator = Denominator::ALL.iter().copied();
        let by_denominator = by_denominator.filter_map(|other| Some((other, arm.value(steps, other).ok()?))).collect();
        let named = [
            ("all rollouts at once", Steps { inner: ErrorUnit::Rollout, by_condition: false, by_seed: false }),
            ("epochs first", Steps { inner: ErrorUnit::Sample, by_condition: false, by_seed: false }),
            ("each seed alike", Steps { inner: steps.inner, by_condition: false, by_seed: true }),
            ("each condition alike", Steps { inner: steps.inner, by_condition: true, by_seed: steps.by_seed }),
        ];
        let is_told_apart = |other: &Steps| {
            (!other.by_seed || cells.keys().all(Option::is_some))
                && (!other.by_condition || cells.values().any(|seed| seed.conditions.len() > 1))
        };
        let by_steps = named.into_iter().filter(|(_, other)| is_told_apart(other));
        let by_steps = by_steps.filter_map(|(name, other)| Some((name, arm.value(other, claim.denominator).ok()?)));
        Ok(Self {
            rows,
            samples: arm.pooled.samples,
            value,
            units,
            sum,
            by_sample,
            by_rollout,
            by_denominator,
            by_steps: by_steps.collect(),
            seeds: arm.seeds(steps)?,
            by_status: arm.pooled.by_status,
            unreadable: arm.pooled.unreadable,
            beyond: arm.pooled.beyond,
            steps,
        })
    }

    /// True where the number is one mean over samples or rollouts: k/n as it stands.
    pub fn is_plain(&self) -> bool {
        self.steps.is_plain()
    }

    /// True where every condition counts alike in a seed's number, whatever its size.
    pub fn weighs_conditions_alike(&self) -> bool {
        self.steps.by_condition
    }

    /// The square of the standard error under a unit and degrees of freedom, with the number of units; none where these
    /// samples cannot tell.
    pub fn error_square(&self, unit: ClaimUnit, ddof: u64) -> Option<(BigRational, u64)> {
        match unit {
            ClaimUnit::Sample if self.is_plain() => of_estimate(&self.by_sample, ddof),
            ClaimUnit::Rollout if self.is_plain() => of_estimate(&self.by_rollout, ddof),
            ClaimUnit::Rollout if ddof == 1 => Some((self.rollout_variance(), self.by_rollout.units)),
            ClaimUnit::Sample if ddof == 1 => self.sample_variance(),
            ClaimUnit::Seed if self.seeds.keys().all(Option::is_some) => {
                of_values(self.seeds.values().map(|seed| seed.value.clone()), ddof)
            }
            ClaimUnit::Condition if self.steps.by_condition => of_values(self.condition_means().into_values(), ddof),
            _ => None,
        }
    }

    /// Each condition's mean over the seeds.
    pub fn condition_means(&self) -> BTreeMap<&str, BigRational> {
        let mut sums: BTreeMap<&str, (BigRational, u64)> = BTreeMap::new();
        for (condition, cell) in self.seeds.values().flat_map(|seed| &seed.conditions) {
            let (sum, count) = sums.entry(condition).or_insert_with(|| (BigRational::zero(), 0));
            *sum += &cell.value;
            *count += 1;
        }
        sums.into_iter().map(|(condition, (sum, count))| (condition, sum / integer(count))).collect()
    }

    /// Each condition's rollouts of all seeds as k of n; none where a score is neither 0 nor 1.
    pub fn condition_counts(&self) -> Option<BTreeMap<&str, Proportion>> {
        let mut counts: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
        for (condition, cell) in self.seeds.values().flat_map(|seed| &seed.conditions) {
            let found = cell.by_rollout.proportion()?;
            let (k, n) = counts.entry(condition).or_default();
            (*k, *n) = (*k + found.k(), *n + found.n());
        }
        counts.into_iter().map(|(condition, (k, n))| Some((condition, Proportion::new(k, n).ok()?))).collect()
    }

    /// The variance of the number from rollout noise alone, each seed and condition with its own.
    pub fn rollout_variance(&self) -> BigRational {
        let seeds = self.seeds.len() as u64;
        let sum = self.seeds.values().map(|seed| self.seed_variance(seed));
        sum.fold(BigRational::zero(), |sum, part| sum + part) / (integer(seeds.max(1)) * integer(seeds.max(1)))
    }

    /// The variance from the scatter of samples, where every cell has several.
    fn sample_variance(&self) -> Option<(BigRational, u64)> {
        let mut cells = self.seeds.values().flat_map(|seed| seed.conditions.values());
        if cells.any(|cell| cell.sample_variance.is_none()) {
            return None;
        }
        let of = |seed| self.stratified(seed, |cell| cell.sample_variance.clone().unwrap_or_else(BigRational::zero));
        let seeds = integer(self.seeds.len().max(1) as u64);
        let sum = self.seeds.values().map(of).fold(BigRational::zero(), |sum, part| sum + part);
        Some((sum / (&seeds * &seeds), self.samples))
    }

    /// The variance that one seed's rollouts leave in its number.
    pub fn seed_variance(&self, seed: &SeedRate) -> BigRational {
        self.stratified(seed, |cell| cell.by_rollout.variance_of_mean.clone())
    }

    /// Weighted as the number weighs conditions: a macro average alike, a pooled one by their rows.
    fn stratified(&self, seed: &SeedRate, variance: impl Fn(&CellRate) -> BigRational) -> BigRational {
        let cells = &seed.conditions;
        let rows: u64 = cells.values().map(|cell| cell.rows.scored).sum();
        let weighted = cells.values().map(|cell| {
            let weight = if self.steps.by_condition {
                BigRational::new(BigInt::from(1), BigInt::from(cells.len() as u64))
            } else {
                BigRational::new(BigInt::from(cell.rows.scored), BigInt::from(rows.max(1)))
            };
            &weight * &weight * variance(cell)
        });
        weighted.fold(BigRational::zero(), |sum, part| sum + part)
    }
}

/// An arm's cells with what their rates are computed by.
struct Arm<'a> {
    claim: &'a Claim,
    eval: &'a Evaluation,
    cells: &'a ArmCells,
    pooled: Rows,
}

impl Arm<'_> {
    /// The grid of the whole arm.
    fn grid(&self) -> Result<Grid, NumberProblem> {
        let grid = Grid::seed(self.eval)?;
        let seeds = if Steps::of(self.claim)?.by_seed { self.claim.seeds.used } else { 1 };
        let times = |count: u64| {
            count.checked_mul(seeds).filter(|count| (1..=super::rows::MAX_ROWS).contains(count)).ok_or_else(|| {
                NumberProblem::Unsupported(format!("grids of none or more than {} rows", super::rows::MAX_ROWS))
            })
        };
        Ok(Grid { samples: times(grid.samples)?, repeats: grid.repeats, rows: times(grid.rows)? })
    }

    fn pooled_mean(&self, unit: ErrorUnit, denominator: Denominator) -> Result<Estimate, NumberProblem> {
        self.pooled.mean_over(unit, denominator, self.grid()?)
    }

    fn value(&self, steps: Steps, denominator: Denominator) -> Result<BigRational, NumberProblem> {
        if !steps.by_seed {
            if !steps.by_condition {
                return Ok(self.pooled_mean(steps.inner, denominator)?.mean);
            }
            let [seed] = self.cells.values().collect::<Vec<_>>()[..] else {
                let found = self.cells.len();
                let why =
                    format!("a number over {found} seeds whose aggregation does not say how seeds are put together");
                return Err(NumberProblem::Unsupported(why));
            };
            return self.seed_value(seed, steps, denominator);
        }
        if self.cells.keys().any(Option::is_none) {
            return Err(NumberProblem::Missing("the samples do not say which training seed they are of".to_owned()));
        }
        let (used, found) = (self.claim.seeds.used, self.cells.len() as u64);
        if used != found || found == 0 {
            return Err(NumberProblem::Missing(format!("the claim is over {used} seeds, the samples are of {found}")));
        }
        let values = self.cells.values().map(|seed| self.seed_value(seed, steps, denominator));
        let sum = values.sum::<Result<BigRational, _>>()?;
        Ok(sum / integer(found))
    }

    fn seed_value(
        &self,
        seed: &SeedCells,
        steps: Steps,
        denominator: Denominator,
    ) -> Result<BigRational, NumberProblem> {
        if !steps.by_condition {
            let mut pooled = Rows::default();
            seed.conditions.values().for_each(|rows| pooled.merge(rows));
            return Ok(pooled.mean_over(steps.inner, denominator, Grid::seed(self.eval)?)?.mean);
        }
        let (planned, found) = (self.eval.conditions, seed.conditions.len() as u64);
        // A condition that is wholly absent counts as zero where missing rows do, and is no condition otherwise.
        if found > planned || (found < planned && denominator != Denominator::Expected) {
            return Err(NumberProblem::Missing(format!(
                "the claim is over {planned} conditions, the samples of a seed are of {found}"
            )));
        }
        let grid = Grid::cell(self.eval)?;
        let cells = seed.conditions.values().map(|rows| Ok(rows.mean_over(steps.inner, denominator, grid)?.mean));
        let values = cells.collect::<Result<Vec<_>, NumberProblem>>()?;
        let sum = values.into_iter().fold(BigRational::zero(), |sum, value| sum + value);
        Ok(sum / integer(planned.max(1)))
    }

    fn seeds(&self, steps: Steps) -> Result<BTreeMap<Option<i64>, SeedRate>, NumberProblem> {
        let grid = Grid::cell(self.eval)?;
        let whole = Grid::seed(self.eval)?;
        let rate = |seed: &SeedCells| -> Result<SeedRate, NumberProblem> {
            let is_split = self.eval.conditions <= 1 || seed.conditions.keys().all(|name| !name.is_empty());
            let cells = seed.conditions.iter().map(|(condition, rows)| {
                let grid = if is_split { grid } else { whole };
                let denominator = self.claim.denominator;
                let by_sample = rows.mean_over(ErrorUnit::Sample, denominator, grid)?;
                let by_rollout = rows.mean_over(ErrorUnit::Rollout, denominator, grid)?;
                let cell = CellRate {
                    value: if steps.inner == ErrorUnit::Sample { by_sample.mean } else { by_rollout.mean.clone() },
                    by_rollout,
                    sample_variance: (by_sample.units > 1).then_some(by_sample.variance_of_mean),
                    rows: Denominators { expected: Some(grid.rows), ..rows.counts },
                    samples: rows.samples,
                    epochs: rows.epochs,
                    hits: rows.hits(),
                    by_status: rows.by_status,
                    course: rows.course(),
                };
                Ok((condition.clone(), cell))
            });
            let conditions = cells.collect::<Result<BTreeMap<_, _>, NumberProblem>>()?;
            let value = self.seed_value(seed, Steps { by_seed: true, ..steps }, self.claim.denominator)?;
            Ok(SeedRate { value, entries: seed.entries.iter().copied().collect(), conditions })
        };
        // A plain number over many seeds is held to one grid for all: there is no rate of each seed by itself.
        if steps.is_plain() && self.cells.len() > 1 {
            return Ok(BTreeMap::new());
        }
        self.cells.iter().map(|(seed, cells)| Ok((*seed, rate(cells)?))).collect()
    }
}

fn of_estimate(estimate: &Estimate, ddof: u64) -> Option<(BigRational, u64)> {
    let n = estimate.units;
    let square = match (ddof, n) {
        (1, _) => estimate.variance_of_mean.clone(),
        // The unbiased variance divides by n-1; undo that and divide by n.
        (0, 1..) => &estimate.variance_of_mean * BigRational::new((n - 1).into(), n.into()),
        _ => return None,
    };
    Some((square, n))
}

fn of_values(values: impl Iterator<Item = BigRational>, ddof: u64) -> Option<(BigRational, u64)> {
    let mut tally = crate::stats::Tally::default();
    values.for_each(|value| tally.add(&value));
    of_estimate(&tally.estimate(tally.units()).ok()?, ddof)
}

fn add_up(rows: impl Iterator<Item = Denominators>) -> Denominators {
    rows.fold(Denominators { expected: Some(0), ..Denominators::default() }, |sum, next| Denominators {
        expected: sum.expected.zip(next.expected).map(|(sum, next)| sum.saturating_add(next)),
        scored: sum.scored + next.scored,
        valid: sum.valid + next.valid,
        present: sum.present + next.present,
    })
}

fn integer(value: u64) -> BigRational {
    BigRational::from_integer(BigInt::from(value))
}

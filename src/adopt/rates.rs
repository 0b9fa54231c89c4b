//! The rate of each arm under each score, by one rule for all: samples, then conditions alike, then seeds alike.

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::Zero;

use super::arms::{Arm, Study, Suite};
use super::run::Metric;
use crate::stats::{ExactSum, Tally};

/// What one arm gives under one score.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArmRate {
    /// Mean over seeds of the mean over conditions of the mean over samples.
    pub value: BigRational,
    /// Sum over scored rollouts.
    pub hits: BigRational,
    /// Scored rollouts.
    pub rollouts: u64,
    /// Samples with a score, over conditions and seeds.
    pub samples: u64,
    /// The value of each seed.
    pub seeds: Vec<(Option<i64>, BigRational)>,
    /// Square of the standard error over rollouts, all alike; none of fewer than two.
    pub rollout_error: Option<BigRational>,
    /// Square of the standard error over samples, epochs first; none of fewer than two.
    pub sample_error: Option<BigRational>,
    /// Square of the standard error over seeds; none of fewer than two.
    pub seed_error: Option<BigRational>,
}

/// Two arms under one score.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effect {
    /// The score.
    pub metric: Metric,
    /// Subject minus comparator.
    pub difference: BigRational,
}

fn mean(values: &[BigRational]) -> Option<BigRational> {
    if values.is_empty() {
        return None;
    }
    let mut sum = ExactSum::default();
    values.iter().for_each(|value| sum.add(value.clone()));
    Some(sum.total() / BigRational::from_integer(BigInt::from(values.len())))
}

/// The rate of an arm under a score; `None` where it has no such score.
pub fn rate(study: &Study, arm: &Arm, metric: &Metric) -> Option<ArmRate> {
    let (mut rollouts, mut samples) = (Tally::default(), Tally::default());
    let mut seeds = Vec::new();
    for seed in &arm.seeds {
        let mut conditions = Vec::new();
        for condition in seed.cells.keys() {
            let Some((id, _)) = seed.counted(study, condition) else { continue };
            let (_, run) = study.run(id);
            // A log whose condition its arguments tell has one cell, without a name.
            let Some(cell) = run.cells.get(condition).or_else(|| run.cells.get("")) else { continue };
            let Some(sums) = cell.metrics.get(metric) else { continue };
            rollouts.merge(&sums.rollouts);
            samples.merge(&sums.samples);
            conditions.extend(sums.samples.estimate(sums.rollouts.units()).ok().map(|estimate| estimate.mean));
        }
        seeds.extend(mean(&conditions).map(|value| (seed.number, value)));
    }
    let values: Vec<BigRational> = seeds.iter().map(|(_, value)| value.clone()).collect();
    let by_rollout = rollouts.estimate(rollouts.units()).ok()?;
    let by_sample = samples.estimate(rollouts.units()).ok()?;
    let mut over_seeds = Tally::default();
    values.iter().for_each(|value| over_seeds.add(value));
    let over_seeds = over_seeds.estimate(rollouts.units()).ok()?;
    let of_two = |units: u64, square: BigRational| (units >= 2).then_some(square);
    Some(ArmRate {
        value: mean(&values)?,
        hits: by_rollout.sum,
        rollouts: by_rollout.units,
        samples: by_sample.units,
        seeds,
        rollout_error: of_two(by_rollout.units, by_rollout.variance_of_mean),
        sample_error: of_two(by_sample.units, by_sample.variance_of_mean),
        seed_error: of_two(over_seeds.units, over_seeds.variance_of_mean),
    })
}

impl Suite {
    /// Subject minus comparator under every score that both have.
    pub fn effects(&self, study: &Study, subject: &Arm, comparator: &Arm) -> Vec<Effect> {
        let of = |metric: &Metric| {
            let (left, right) = (rate(study, subject, metric)?, rate(study, comparator, metric)?);
            Some(Effect { metric: metric.clone(), difference: left.value - right.value })
        };
        self.metrics.iter().filter_map(of).collect()
    }
}

/// The smallest and the largest of some effects, and how far they lie apart; nothing of fewer than two.
pub(super) fn swing(effects: &[Effect]) -> Option<(&Effect, &Effect, BigRational)> {
    let low = effects.iter().min_by(|a, b| a.difference.cmp(&b.difference))?;
    let high = effects.iter().max_by(|a, b| a.difference.cmp(&b.difference))?;
    let apart = &high.difference - &low.difference;
    (!apart.is_zero()).then_some((low, high, apart))
}

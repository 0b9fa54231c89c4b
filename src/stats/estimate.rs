//! The mean of observations and the square of its standard error, over a stated unit.
//!
//! The rules are those of Inspect: epochs of one sample are reduced first, then `accuracy` is the mean of the reduced
//! values and `stderr` is sd(ddof = 1) / sqrt(n), 0 where n < 2. The unit `rollout` skips the reduction: every sample
//! in every epoch counts for itself.

use std::collections::BTreeMap;

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Zero};

use super::proportion::Proportion;
use super::reducer::Reducer;

/// Why observations have no estimate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum StatsError {
    #[error("there are no scored observations")]
    NoObservations,
    #[error(
        "epoch reducer `{found}` is not supported (supported: mean, median, mode, majority, max, at_least_K, pass_at_K, pass_K)"
    )]
    Reducer { found: String },
    #[error("error unit `{found}` is unknown (expected sample or rollout)")]
    Unit { found: String },
    #[error("error unit `rollout` takes no epoch reducer but mean, found `{found}`")]
    RolloutReducer { found: String },
    #[error("a sample has {found} scored epochs where its reducer draws {needed}")]
    TooFewEpochs { needed: u64, found: u64 },
    #[error("the scored epochs of a sample have no majority")]
    NoMajority,
    #[error("{counted} rows are counted where {expected} were expected")]
    MoreThanExpected { counted: u64, expected: u64 },
}

/// What counts as one independent unit in the standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ErrorUnit {
    /// A sample, its epochs reduced first.
    Sample,
    /// Each sample in each epoch.
    Rollout,
}

impl ErrorUnit {
    /// The name in claims.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sample => "sample",
            Self::Rollout => "rollout",
        }
    }

    /// The unit of a name.
    pub fn parse(name: &str) -> Result<Self, StatsError> {
        [Self::Sample, Self::Rollout]
            .into_iter()
            .find(|unit| unit.name() == name)
            .ok_or_else(|| StatsError::Unit { found: name.chars().take(80).flat_map(char::escape_default).collect() })
    }
}

/// One scored value and the sample it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation<K> {
    /// What the epochs of one sample have in common.
    pub sample: K,
    /// The score.
    pub value: BigRational,
}

/// An exact mean and the square of its standard error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Estimate {
    /// Sum over the units: the k of k/n.
    pub sum: BigRational,
    /// Units that the mean is over: the n of k/n.
    pub units: u64,
    /// Observations behind the units.
    pub observations: u64,
    /// sum / units.
    pub mean: BigRational,
    /// Square of the standard error: the unbiased variance over the units, divided by their number; 0 below two units.
    pub variance_of_mean: BigRational,
}

impl Estimate {
    /// The units as k of n, where the value of each is 0 or 1.
    pub fn proportion(&self) -> Option<Proportion> {
        let n = integer(self.units);
        // Zeros and ones are their own squares: the sum of squares is the sum.
        let squares = &self.variance_of_mean * &n * (&n - BigRational::one()) + &self.sum * &self.mean;
        if squares != self.sum || !self.sum.is_integer() {
            return None;
        }
        Proportion::new(self.sum.to_integer().try_into().ok()?, self.units).ok()
    }
}

/// Reduces the epochs of each sample to one value; they count in the order in which they are given.
pub fn reduce<K: Ord + Clone>(
    observations: &[Observation<K>],
    reducer: Reducer,
) -> Result<BTreeMap<K, BigRational>, StatsError> {
    let mut samples: BTreeMap<&K, Vec<BigRational>> = BTreeMap::new();
    for observation in observations {
        samples.entry(&observation.sample).or_default().push(observation.value.clone());
    }
    samples.into_iter().map(|(key, values)| Ok((key.clone(), reducer.apply(values)?))).collect()
}

/// The mean of `observations` and its standard error over `unit`.
pub fn estimate<K: Ord + Clone>(
    observations: &[Observation<K>],
    unit: ErrorUnit,
    reducer: Reducer,
) -> Result<Estimate, StatsError> {
    let mut tally = Tally::default();
    match (unit, reducer) {
        (ErrorUnit::Sample, reducer) => reduce(observations, reducer)?.values().for_each(|value| tally.add(value)),
        (ErrorUnit::Rollout, Reducer::Mean) => observations.iter().for_each(|o| tally.add(&o.value)),
        (ErrorUnit::Rollout, reducer) => return Err(StatsError::RolloutReducer { found: reducer.to_string() }),
    }
    tally.estimate(observations.len() as u64)
}

/// What an estimate needs to know of its units, taken in one after the other: nothing of them is kept.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    units: u64,
    sum: ExactSum,
    squares: ExactSum,
}

impl Tally {
    /// Counts a unit's value.
    pub fn add(&mut self, value: &BigRational) {
        self.units += 1;
        self.sum.add(value.clone());
        self.squares.add(value * value);
    }

    /// Counts `k` units of 1 and `n - k` of 0, whose number alone is known.
    pub fn add_counts(&mut self, k: u64, n: u64) {
        self.units += n;
        self.sum.add(integer(k));
        self.squares.add(integer(k));
    }

    /// Counts the units of another tally too.
    pub fn merge(&mut self, other: &Self) {
        self.units += other.units;
        self.sum.merge(&other.sum);
        self.squares.merge(&other.squares);
    }

    /// Number of units.
    pub fn units(&self) -> u64 {
        self.units
    }

    /// The mean over the units, which so many observations stand behind.
    pub fn estimate(&self, observations: u64) -> Result<Estimate, StatsError> {
        if self.units == 0 {
            return Err(StatsError::NoObservations);
        }
        let n = integer(self.units);
        let sum = self.sum.total();
        let mean = &sum / &n;
        let variance_of_mean = if self.units < 2 {
            BigRational::zero()
        } else {
            // Exact, so the textbook form with its difference of large sums loses nothing.
            (self.squares.total() - &sum * &mean) / (integer(self.units - 1) * &n)
        };
        Ok(Estimate { sum, units: self.units, observations, mean, variance_of_mean })
    }
}

/// A sum that adds numerators of equal denominators first: one gcd for each denominator, not for each value.
#[derive(Debug, Clone, Default)]
pub struct ExactSum(BTreeMap<BigInt, BigInt>);

impl ExactSum {
    /// Adds a value.
    pub fn add(&mut self, value: BigRational) {
        let (numer, denom) = value.into_raw();
        *self.0.entry(denom).or_default() += numer;
    }

    /// Adds another sum.
    pub fn merge(&mut self, other: &Self) {
        for (denom, numer) in &other.0 {
            *self.0.entry(denom.clone()).or_default() += numer;
        }
    }

    /// The sum so far.
    pub fn total(&self) -> BigRational {
        let parts = self.0.iter().map(|(denom, numer)| BigRational::new(numer.clone(), denom.clone()));
        parts.fold(BigRational::zero(), |sum, part| sum + part)
    }
}

/// The square of the standard error of the mean over clusters, with the correction for their finite number; 0 for one.
///
/// `values` are unit values with the cluster each belongs to: C/(C-1) * sum over clusters of (sum of deviations)^2 / n^2.
///
/// Source: Inspect's `stderr(cluster=…)`; appendix A of <https://arxiv.org/abs/2411.00640>
pub fn clustered_variance_of_mean<C: Ord>(values: &[(C, BigRational)]) -> Result<BigRational, StatsError> {
    if values.is_empty() {
        return Err(StatsError::NoObservations);
    }
    let n = integer(values.len() as u64);
    let mean = exact_sum(values.iter().map(|(_, value)| value.clone())) / &n;
    let mut clusters: BTreeMap<&C, Vec<BigRational>> = BTreeMap::new();
    for (cluster, value) in values {
        clusters.entry(cluster).or_default().push(value.clone());
    }
    let count = clusters.len() as u64;
    if count < 2 {
        return Ok(BigRational::zero());
    }
    let squares = clusters.into_values().map(|values| {
        let size = integer(values.len() as u64);
        let deviation = exact_sum(values.into_iter()) - size * &mean;
        &deviation * &deviation
    });
    Ok(exact_sum(squares) * integer(count) / (integer(count - 1) * &n * &n))
}

pub(super) fn integer(value: u64) -> BigRational {
    BigRational::from_integer(BigInt::from(value))
}

pub(super) fn mean(values: &[BigRational]) -> BigRational {
    exact_sum(values.iter().cloned()) / integer(values.len() as u64)
}

fn exact_sum(values: impl Iterator<Item = BigRational>) -> BigRational {
    let mut sum = ExactSum::default();
    values.for_each(|value| sum.add(value));
    sum.total()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::stats::testing::ratio;

    fn observations(values: &[(u64, BigRational)]) -> Vec<Observation<u64>> {
        values.iter().map(|(sample, value)| Observation { sample: *sample, value: value.clone() }).collect()
    }

    fn rate(ones: u64, of: u64, samples: u64) -> Vec<Observation<u64>> {
        observations(&(0..of).map(|i| (i % samples, ratio(i64::from(i < ones), 1))).collect::<Vec<_>>())
    }

    #[test]
    fn a_rate_over_samples_has_the_textbook_error() {
        let found = estimate(&rate(63, 100, 100), ErrorUnit::Sample, Reducer::Mean).unwrap();
        assert_eq!((found.mean, found.sum, found.units), (ratio(63, 100), ratio(63, 1), 100));
        assert_eq!(found.variance_of_mean, ratio(63 * 37, 100 * 100 * 99));
    }

    #[test]
    fn one_sample_in_many_epochs_has_no_error_over_samples() {
        let rows = rate(18, 300, 1);
        let by_sample = estimate(&rows, ErrorUnit::Sample, Reducer::Mean).unwrap();
        assert_eq!((by_sample.mean, by_sample.units, by_sample.observations), (ratio(6, 100), 1, 300));
        assert!(by_sample.variance_of_mean.is_zero());
        let by_rollout = estimate(&rows, ErrorUnit::Rollout, Reducer::Mean).unwrap();
        assert_eq!((by_rollout.mean, by_rollout.units), (ratio(6, 100), 300));
        assert_eq!(by_rollout.variance_of_mean, ratio(18 * 282, 300 * 300 * 299));
    }

    #[test]
    fn counts_are_so_many_ones_and_noughts() {
        let (mut one_by_one, mut counted) = (Tally::default(), Tally::default());
        rate(63, 100, 100).iter().for_each(|row| one_by_one.add(&row.value));
        counted.add_counts(60, 90);
        counted.add_counts(3, 10);
        assert_eq!(counted.estimate(100), one_by_one.estimate(100));
    }

    #[test]
    fn what_has_no_answer_is_refused() {
        assert_eq!(estimate::<u64>(&[], ErrorUnit::Sample, Reducer::Mean), Err(StatsError::NoObservations));
        assert_eq!(ErrorUnit::parse("seed"), Err(StatsError::Unit { found: "seed".to_owned() }));
        let rollout = estimate(&rate(1, 2, 2), ErrorUnit::Rollout, Reducer::Max);
        assert_eq!(rollout, Err(StatsError::RolloutReducer { found: "max".to_owned() }));
    }

    #[test]
    fn clusters_of_one_give_the_plain_error_and_one_cluster_none() {
        let values: Vec<BigRational> = (0..10).map(|i| ratio(i * i % 7, 3)).collect();
        let plain = estimate(
            &observations(&values.iter().enumerate().map(|(i, v)| (i as u64, v.clone())).collect::<Vec<_>>()),
            ErrorUnit::Sample,
            Reducer::Mean,
        );
        let with = |cluster: &dyn Fn(usize) -> usize| {
            let values: Vec<_> = values.iter().enumerate().map(|(i, v)| (cluster(i), v.clone())).collect();
            clustered_variance_of_mean(&values).unwrap()
        };
        assert_eq!(with(&|i| i), plain.unwrap().variance_of_mean);
        assert!(with(&|_| 0).is_zero());
        // Two clusters of five: Inspect itself gives 0.09999999999999999 for their error.
        let two = with(&|i| i % 2);
        assert_eq!(two, ratio(1, 100));
        assert_eq!(clustered_variance_of_mean::<u64>(&[]), Err(StatsError::NoObservations));
    }

    proptest! {
        #[test]
        fn the_error_agrees_with_the_definition(values in proptest::collection::vec((0_u64..4, -9_i64..9, 1_i64..7), 1..20)) {
            let rows = observations(&values.iter().map(|(s, n, d)| (*s, ratio(*n, *d))).collect::<Vec<_>>());
            let found = estimate(&rows, ErrorUnit::Rollout, Reducer::Mean).unwrap();
            let n = integer(rows.len() as u64);
            let mean = rows.iter().fold(ratio(0, 1), |sum, o| sum + &o.value) / &n;
            let squares = rows.iter().fold(ratio(0, 1), |sum, o| sum + (&o.value - &mean) * (&o.value - &mean));
            prop_assert_eq!(&found.mean, &mean);
            if rows.len() > 1 {
                prop_assert_eq!(found.variance_of_mean, squares / ((&n - ratio(1, 1)) * &n));
            }
        }
    }
}

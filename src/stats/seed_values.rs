//! One number for each training seed, with the noise that its rollouts leave in it.
//!
//! A claim about a method is about seeds that were not trained: the seeds' values are the observations. The rollouts of
//! one checkpoint tell how far its own value is from what endless rollouts would give; that noise is part of what the
//! seeds' values scatter by, so their scatter may not be believed where it is smaller.

use std::collections::BTreeMap;
use std::fmt;

use num_rational::BigRational;
use num_traits::{One, Zero};

use super::estimate::{ExactSum, Tally, integer};
use super::table::{Aggregation, Cell, ConditionName, Grid, SeedName, TableError};

/// The value of one seed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeedValue {
    /// A mean score, or what was made of several.
    pub value: BigRational,
    /// The variance that its rollouts leave in it, stratified by condition; `None` where single rollouts do not tell.
    pub rollout_variance: Option<BigRational>,
}

/// Which of the two errors of a mean over seeds is the larger and thus the one that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ErrorSource {
    /// The scatter of the seeds.
    Seeds,
    /// The noise of the rollouts, which the seeds happen to scatter less than.
    Rollouts,
}

impl fmt::Display for ErrorSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Seeds => "seeds",
            Self::Rollouts => "rollouts",
        })
    }
}

/// The values of an arm's seeds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SeedValues(BTreeMap<SeedName, SeedValue>);

impl FromIterator<(SeedName, SeedValue)> for SeedValues {
    fn from_iter<T: IntoIterator<Item = (SeedName, SeedValue)>>(values: T) -> Self {
        Self(values.into_iter().collect())
    }
}

impl SeedValues {
    /// The mean score of each seed of a complete grid.
    pub fn of(grid: &Grid, aggregation: Aggregation) -> Result<Self, TableError> {
        grid.conditions()?;
        Ok(grid.seeds().iter().map(|(seed, cells)| (seed.clone(), seed_value(cells, aggregation))).collect())
    }

    /// Each seed with its value.
    pub fn by_seed(&self) -> &BTreeMap<SeedName, SeedValue> {
        &self.0
    }

    /// The values alone, in the order of the seeds' names.
    pub fn values(&self) -> Vec<BigRational> {
        self.0.values().map(|seed| seed.value.clone()).collect()
    }

    /// Number of seeds.
    pub fn count(&self) -> u64 {
        self.0.len() as u64
    }

    /// The mean over the seeds; `None` without any.
    pub fn mean(&self) -> Option<BigRational> {
        self.tally().estimate(self.count()).ok().map(|found| found.mean)
    }

    /// The square of the error of the mean by the scatter of the seeds: s² / n; `None` below two seeds.
    fn seed_variance_of_mean(&self) -> Option<BigRational> {
        if self.count() < 2 {
            return None;
        }
        self.tally().estimate(self.count()).ok().map(|found| found.variance_of_mean)
    }

    /// The square of the error of the mean by the noise of the rollouts alone: sum of the seeds' variances / n².
    pub fn rollout_variance_of_mean(&self) -> Option<BigRational> {
        let n = integer(self.count());
        let variances: Option<Vec<&BigRational>> = self.0.values().map(|seed| seed.rollout_variance.as_ref()).collect();
        let total = variances?.into_iter().fold(BigRational::zero(), |sum, variance| sum + variance);
        (!n.is_zero()).then(|| total / (&n * &n))
    }

    /// The larger of the two, and which it is; `None` below two seeds.
    pub fn variance_of_mean(&self) -> Option<(BigRational, ErrorSource)> {
        let seeds = self.seed_variance_of_mean()?;
        Some(match self.rollout_variance_of_mean() {
            Some(rollouts) if rollouts > seeds => (rollouts, ErrorSource::Rollouts),
            _ => (seeds, ErrorSource::Seeds),
        })
    }

    fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        self.0.values().for_each(|seed| tally.add(&seed.value));
        tally
    }
}

/// The mean of one seed's cells and its rollout variance: the sum over cells of weight² s² / n.
///
/// Conditions with one rollout have no variance of their own. They are taken together as one stratum, whose variance is
/// too large rather than too small (W. G. Cochran, Sampling Techniques, 3rd edition, 5A.12).
fn seed_value(cells: &BTreeMap<ConditionName, Cell>, aggregation: Aggregation) -> SeedValue {
    let rollouts = cells.values().map(Cell::count).sum();
    let conditions = integer(cells.len() as u64);
    let weight = |cell: &Cell| match aggregation {
        Aggregation::Macro => BigRational::one() / &conditions,
        Aggregation::Micro => integer(cell.count()) / integer(rollouts),
    };
    let mut value = ExactSum::default();
    let mut noise = ExactSum::default();
    let mut singles = Cell::default();
    for cell in cells.values() {
        value.add(cell.mean().unwrap_or_else(BigRational::zero) * weight(cell));
        match cell.variance() {
            Some(variance) => noise.add(variance * weight(cell) * weight(cell) / integer(cell.count())),
            None => singles.merge(cell),
        }
    }
    let rollout_variance = match singles.count() {
        0 => Some(noise.total()),
        // All singles weigh alike under either aggregation.
        count => singles.variance().map(|variance| {
            let each = match aggregation {
                Aggregation::Macro => BigRational::one() / &conditions,
                Aggregation::Micro => BigRational::one() / integer(rollouts),
            };
            noise.total() + variance * &each * &each * integer(count)
        }),
    };
    SeedValue { value: value.total(), rollout_variance }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::stats::testing::ratio;

    fn grid(cells: &[(u64, u64, u64, u64)]) -> Grid {
        let mut grid = Grid::default();
        for (seed, condition, k, n) in cells {
            let (seed, condition) = (seed.to_string(), condition.to_string());
            grid.add(seed.into(), condition.into(), &Cell::of_counts(*k, *n).unwrap());
        }
        grid
    }

    #[test]
    fn conditions_weigh_alike_or_by_their_rollouts() {
        let uneven = grid(&[(0, 0, 1, 2), (0, 1, 3, 12)]);
        let by = |aggregation| SeedValues::of(&uneven, aggregation).unwrap().values();
        assert_eq!(by(Aggregation::Macro), [ratio(3, 8)]);
        assert_eq!(by(Aggregation::Micro), [ratio(4, 14)]);
    }

    #[test]
    fn rollout_noise_is_that_within_conditions_only() {
        // All of one condition, none of the other: no noise, however far apart they are.
        let split = SeedValues::of(&grid(&[(0, 0, 300, 300), (0, 1, 0, 300)]), Aggregation::Macro).unwrap();
        assert_eq!(split.rollout_variance_of_mean(), Some(ratio(0, 1)));
        // p (1 - p) / (n - 1) for each of two conditions, over 2².
        let even = SeedValues::of(&grid(&[(0, 0, 30, 300), (0, 1, 60, 300)]), Aggregation::Macro).unwrap();
        let expected = (ratio(9, 100) + ratio(16, 100)) / ratio(299 * 4, 1);
        assert_eq!(even.rollout_variance_of_mean(), Some(expected.clone()));
        // With equal counts the aggregations are one.
        let micro = SeedValues::of(&grid(&[(0, 0, 30, 300), (0, 1, 60, 300)]), Aggregation::Micro).unwrap();
        assert_eq!(micro.rollout_variance_of_mean(), Some(expected));
    }

    #[test]
    fn conditions_of_one_rollout_are_one_stratum() {
        let items: Vec<_> = (0..10).map(|item| (0, item, u64::from(item < 3), 1)).collect();
        for aggregation in [Aggregation::Macro, Aggregation::Micro] {
            let found = SeedValues::of(&grid(&items), aggregation).unwrap();
            assert_eq!(found.rollout_variance_of_mean(), Some(ratio(21, 9 * 100)));
        }
        let lonely = SeedValues::of(&grid(&[(0, 0, 1, 1), (0, 1, 3, 12)]), Aggregation::Macro).unwrap();
        assert_eq!(lonely.rollout_variance_of_mean(), None, "one rollout in one condition tells nothing");
    }

    #[test]
    fn the_larger_error_counts_and_is_named() {
        let apart = SeedValues::of(&grid(&[(0, 0, 10, 100), (1, 0, 90, 100)]), Aggregation::Macro).unwrap();
        assert_eq!(apart.variance_of_mean().unwrap().1, ErrorSource::Seeds);
        let alike = SeedValues::of(&grid(&[(0, 0, 50, 100), (1, 0, 50, 100)]), Aggregation::Macro).unwrap();
        assert_eq!(alike.variance_of_mean().unwrap(), (ratio(25, 99 * 100 * 2), ErrorSource::Rollouts));
        let alone = SeedValues::of(&grid(&[(0, 0, 50, 100)]), Aggregation::Macro).unwrap();
        assert_eq!((alone.variance_of_mean(), alone.mean()), (None, Some(ratio(1, 2))));
        let none = SeedValues::default();
        assert_eq!((none.mean(), none.rollout_variance_of_mean(), none.variance_of_mean()), (None, None, None));
    }

    proptest! {
        #[test]
        fn renaming_and_turning_change_no_digit(
            cells in proptest::collection::vec((0_u64..8, 1_u64..8), 1..24),
            seeds in 1_u64..5,
        ) {
            let conditions = (cells.len() as u64).div_ceil(seeds);
            let rows = |name: &dyn Fn(u64) -> u64, turned: bool| {
                let cell = |at: u64| {
                    let (k, more) = cells[usize::try_from(at).unwrap() % cells.len()];
                    let n = k + more;
                    if turned { (n - k, n) } else { (k, n) }
                };
                let rows: Vec<_> = (0..seeds)
                    .flat_map(|s| (0..conditions).map(move |c| (s, c)))
                    .map(|(s, c)| { let (k, n) = cell(s * conditions + c); (name(s), name(c), k, n) })
                    .collect();
                grid(&rows)
            };
            for aggregation in [Aggregation::Macro, Aggregation::Micro] {
                let plain = SeedValues::of(&rows(&|at| at, false), aggregation).unwrap();
                let renamed = SeedValues::of(&rows(&|at| 99 - at, false), aggregation).unwrap();
                prop_assert_eq!(plain.mean(), renamed.mean());
                prop_assert_eq!(plain.variance_of_mean(), renamed.variance_of_mean());
                let turned = SeedValues::of(&rows(&|at| at, true), aggregation).unwrap();
                prop_assert_eq!(turned.mean().unwrap(), ratio(1, 1) - plain.mean().unwrap());
                prop_assert_eq!(turned.variance_of_mean(), plain.variance_of_mean());
            }
        }
    }
}

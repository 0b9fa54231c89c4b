//! The rate of an arm over its cells, condition by seed, each cell with its own rollouts and all of equal weight.
//!
//! The mean over conditions and seeds (macro) equals the rate over all rows (micro) only where every cell has as many
//! rows. Its interval speaks of these cells: how far their rollouts could have fallen otherwise.

use num_bigint::BigInt;
use num_rational::BigRational;

use super::enclosure::Enclosure;
use super::interval::{Interval, Method, Target};
use super::level::Level;
use super::mover::{Term, mover_ends, weighted_sum};
use super::proportion::{Proportion, ProportionError};

/// The cells of an arm: at least one. Their order changes nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Strata {
    cells: Vec<Proportion>,
}

impl Strata {
    /// The counts of every cell.
    pub fn new(cells: impl IntoIterator<Item = Proportion>) -> Result<Self, ProportionError> {
        let mut cells: Vec<Proportion> = cells.into_iter().collect();
        if cells.is_empty() {
            return Err(ProportionError::NoTrials);
        }
        cells.sort();
        Ok(Self { cells })
    }

    /// The mean of the cells' rates.
    pub fn macro_rate(&self) -> BigRational {
        weighted_sum(&self.terms(false))
    }

    /// All rows together.
    pub fn micro(&self) -> Result<Proportion, ProportionError> {
        let sum = |count: fn(&Proportion) -> u64| self.cells.iter().map(count).fold(0, u64::saturating_add);
        Proportion::new(sum(Proportion::k), sum(Proportion::n))
    }

    /// The interval of [`Self::macro_rate`] over rollouts.
    pub fn interval(&self, level: &Level) -> Interval {
        let (low, high) = mover_ends(&self.terms(false), level);
        Interval::new(low, high, level.clone(), Target::Rollouts, Method::Mover)
    }

    /// The interval over rollouts of this arm's mean less the other's.
    pub fn difference(&self, other: &Self, level: &Level) -> Interval {
        let (low, high) = self.difference_ends(other, level);
        Interval::new(low, high, level.clone(), Target::Rollouts, Method::Mover)
    }

    fn difference_ends(&self, other: &Self, level: &Level) -> (Enclosure, Enclosure) {
        let mut terms = self.terms(false);
        terms.extend(other.terms(true));
        mover_ends(&terms, level)
    }

    fn terms(&self, taken_off: bool) -> Vec<Term> {
        let sign = if taken_off { -1 } else { 1 };
        let weight = BigRational::new(BigInt::from(sign), BigInt::from(self.cells.len()));
        self.cells.iter().map(|cell| Term { proportion: *cell, weight: weight.clone() }).collect()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::stats::Sides;
    use crate::stats::testing::ratio;

    fn strata(cells: &[(u64, u64)]) -> Strata {
        Strata::new(cells.iter().map(|(k, n)| Proportion::new(*k, *n).unwrap())).unwrap()
    }

    fn level() -> Level {
        Level::percent(95, Sides::Two).unwrap()
    }

    #[test]
    fn macro_and_micro_differ_where_cells_differ_in_size() {
        let found = strata(&[(1, 2), (0, 8)]);
        assert_eq!((found.macro_rate(), found.micro().unwrap().rate()), (ratio(1, 4), ratio(1, 10)));
        assert_eq!(Strata::new([]), Err(ProportionError::NoTrials));
    }

    #[test]
    fn cells_that_are_all_zero_still_have_an_upper_bound() {
        let found = strata(&[(0, 300); 27]).interval(&level());
        assert_eq!(found.digits(5), "0.00000 to 0.00244");
    }

    #[test]
    fn one_cell_has_wilsons_interval_and_two_arms_of_one_newcombes() {
        let one = strata(&[(56, 70)]);
        let wilson = Proportion::new(56, 70).unwrap().wilson(&level());
        assert_eq!(one.interval(&level()).digits(12), wilson.digits(12));
        // Newcombe 1998, table II: 56/70 less 48/80 by method 10.
        assert_eq!(one.difference(&strata(&[(48, 80)]), &level()).digits(4), "0.0524 to 0.3339");
    }

    #[test]
    fn strata_of_different_rates_are_known_better_than_their_pool() {
        let found = strata(&[(0, 100), (100, 100), (50, 100), (5, 100)]);
        let pooled = found.micro().unwrap().wilson(&level());
        let stratified = found.interval(&level());
        assert!(pooled.low().unwrap().high() < stratified.low().unwrap().low());
        assert!(stratified.high().unwrap().high() < pooled.high().unwrap().low());
    }

    /// A generator of these tests, so that they draw the same everywhere.
    fn draws(mut state: u64) -> impl FnMut(u64, u64) -> bool {
        move |per_mille, of| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % of < per_mille
        }
    }

    #[test]
    fn it_covers_the_mean_of_unequal_conditions_as_often_as_it_says() {
        // Twenty-seven conditions of 100 rollouts with rates from 0 to 60 %, as where a mean of 7 % hides one of 60 %.
        let rates: Vec<u64> = (0..27).map(|i: u64| [0, 2, 5, 10, 30, 60, 100, 250, 600][(i % 9) as usize]).collect();
        let truth = ratio(i64::try_from(rates.iter().sum::<u64>()).unwrap(), 27_000);
        let mut draw = draws(20_261_126);
        let level = Level::percent(90, Sides::Two).unwrap();
        let runs = 400;
        let covered = (0..runs)
            .filter(|_| {
                let cells = rates.iter().map(|rate| {
                    let k = (0..100).filter(|_| draw(*rate, 1000)).count() as u64;
                    Proportion::new(k, 100).unwrap()
                });
                Strata::new(cells).unwrap().interval(&level).contains(&truth) == crate::stats::Answer::Yes
            })
            .count();
        // Three standard errors of 400 draws at 90 % are 4.5 points.
        assert!((runs * 855 / 1000..=runs * 96 / 100).contains(&covered), "{covered} of {runs}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn the_order_of_cells_changes_no_digit(cells in proptest::collection::vec((0_u64..20, 1_u64..20), 1..8), by in 0_usize..8) {
            let cells: Vec<(u64, u64)> = cells.into_iter().map(|(k, more)| (k, k + more)).collect();
            let mut turned = cells.clone();
            turned.rotate_left(by % cells.len());
            turned.swap(0, cells.len() - 1);
            prop_assert_eq!(strata(&cells).interval(&level()), strata(&turned).interval(&level()));
            prop_assert_eq!(strata(&cells).difference(&strata(&turned), &level()).contains(&ratio(0, 1)), crate::stats::Answer::Yes);
            let found = strata(&cells).interval(&level());
            prop_assert!(*found.low().unwrap().low() >= ratio(0, 1) && *found.high().unwrap().high() <= ratio(1, 1));
            prop_assert_eq!(found.contains(&strata(&cells).macro_rate()), crate::stats::Answer::Yes);
        }
    }
}

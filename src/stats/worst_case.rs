//! Rows that should be there and are not, at their worst: all harmful in one arm, all harmless in the other.
//!
//! No model of why they are missing is needed, and none helps: rows of a model that refuses, crashes or runs into its
//! limit are not missing at random. Where an assertion survives the worst case, missing rows do not matter.

use num_rational::BigRational;

use super::denominator::{Bounds, bounds};
use super::enclosure::Enclosure;
use super::estimate::{StatsError, integer};
use super::interval::{Interval, Method, Target};
use super::level::Level;
use super::proportion::{Proportion, ProportionError};
use super::two_arms::TwoArms;

/// Why rows have no worst case.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum WorstCaseError {
    #[error(transparent)]
    Proportion(#[from] ProportionError),
    #[error(transparent)]
    Stats(#[from] StatsError),
}

/// An arm's scored rows among those that were to be run. None may be scored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Incomplete {
    k: u64,
    scored: u64,
    expected: u64,
}

impl Incomplete {
    /// `k` rows counted of `scored`, where `expected` were to be there.
    pub fn new(k: u64, scored: u64, expected: u64) -> Result<Self, WorstCaseError> {
        Proportion::new(0, expected)?;
        if scored > expected {
            return Err(StatsError::MoreThanExpected { counted: scored, expected }.into());
        }
        if k > scored {
            return Err(ProportionError::MoreThanTrials { k, n: scored }.into());
        }
        Ok(Self { k, scored, expected })
    }

    /// The missing rows, of those expected.
    pub fn missing(&self) -> Proportion {
        self.of(self.expected - self.scored)
    }

    /// The rate with every missing row uncounted and with every one counted: exact.
    pub fn bounds(&self) -> Result<Bounds, WorstCaseError> {
        Ok(bounds(&integer(self.k), self.scored, self.expected)?)
    }

    /// An interval that holds whatever the missing rows would have been: exact bounds of the two worst cases.
    ///
    /// Source: J. L. Horowitz and C. F. Manski, "Nonparametric analysis of randomized experiments with missing
    /// covariate and outcome data", 2000
    pub fn interval(&self, level: &Level) -> Interval {
        let (least, most) = (self.least().clopper_pearson(level), self.most().clopper_pearson(level));
        let end = |bound: Option<&Enclosure>| bound.cloned().unwrap_or_else(Enclosure::unit);
        Interval::new(end(least.low()), end(most.high()), level.clone(), Target::Rollouts, Method::WorstCase)
    }

    fn least(&self) -> Proportion {
        self.of(self.k)
    }

    fn most(&self) -> Proportion {
        self.of(self.k + (self.expected - self.scored))
    }

    fn of(&self, k: u64) -> Proportion {
        Proportion::new(k, self.expected).expect("at most the expected rows, which were checked when this was made")
    }
}

/// Two arms with rows missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IncompleteArms {
    /// The arm that the claim is about.
    pub subject: Incomplete,
    /// The arm that it is compared with.
    pub comparator: Incomplete,
}

impl IncompleteArms {
    /// The subject's rate less the comparator's, at its least and its greatest: exact.
    pub fn difference(&self) -> Result<Bounds, WorstCaseError> {
        let (subject, comparator) = (self.subject.bounds()?, self.comparator.bounds()?);
        Ok(Bounds { low: subject.low - comparator.high, high: subject.high - comparator.low })
    }

    /// Whether the arms miss different shares of their rows: the missing share of the subject less the comparator's.
    ///
    /// Miettinen and Nurminen's interval; it speaks of which rows go missing, not of the rates.
    pub fn differential(&self, level: &Level) -> Interval {
        TwoArms { subject: self.subject.missing(), comparator: self.comparator.missing() }.miettinen_nurminen(level)
    }

    /// How many points of the difference the missing rows can make: the width between its bounds.
    pub fn at_stake(&self) -> Result<BigRational, WorstCaseError> {
        let Bounds { low, high } = self.difference()?;
        Ok(high - low)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::stats::testing::ratio;
    use crate::stats::{Answer, Sides};

    fn of(k: u64, scored: u64, expected: u64) -> Incomplete {
        Incomplete::new(k, scored, expected).unwrap()
    }

    fn level() -> Level {
        Level::percent(95, Sides::Two).unwrap()
    }

    #[test]
    fn missing_rows_are_put_at_their_worst_in_each_arm() {
        let arms = IncompleteArms { subject: of(21, 290, 300), comparator: of(162, 300, 300) };
        let found = arms.difference().unwrap();
        assert_eq!((found.low, found.high), (ratio(21 - 162, 300), ratio(31 - 162, 300)));
        assert_eq!(arms.at_stake().unwrap(), ratio(10, 300));
        assert_eq!(arms.subject.missing().rate(), ratio(1, 30));
        // 10 of 300 against none: the shares of missing rows differ.
        assert_eq!(arms.differential(&level()).at_least(&ratio(1, 100)), Answer::Yes);
    }

    #[test]
    fn without_missing_rows_the_exact_interval_is_left() {
        let found = of(21, 300, 300).interval(&level());
        let plain = Proportion::new(21, 300).unwrap().clopper_pearson(&level());
        assert_eq!((found.low(), found.high()), (plain.low(), plain.high()));
        assert_eq!(of(0, 0, 30).interval(&level()).digits(1), "0.0 to 1.0");
    }

    #[test]
    fn counts_that_do_not_fit_are_refused() {
        let refused = |k, scored, expected| Incomplete::new(k, scored, expected).unwrap_err().to_string();
        assert_eq!(refused(0, 0, 0), "a rate of no rows is none");
        assert_eq!(refused(0, 5, 4), "5 rows are counted where 4 were expected");
        assert_eq!(refused(3, 2, 4), "3 of 2 rows is no rate");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn whatever_the_missing_rows_are_they_stay_inside(k in 0_u64..50, scored in 0_u64..50, missing in 0_u64..50, truth in 0_u64..50) {
            prop_assume!(scored + missing > 0);
            let found = of(k.min(scored), scored, scored + missing);
            let whole = Proportion::new(k.min(scored) + truth.min(missing), scored + missing).unwrap();
            let bounds = found.bounds().unwrap();
            prop_assert!(bounds.low <= whole.rate() && whole.rate() <= bounds.high);
            let (wide, plain) = (found.interval(&level()), whole.clopper_pearson(&level()));
            prop_assert!(wide.low().unwrap().low() <= plain.low().unwrap().high());
            prop_assert!(plain.high().unwrap().low() <= wide.high().unwrap().high());
        }
    }
}

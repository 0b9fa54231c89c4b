//! A rate corrected for a judge whose sensitivity and specificity were found on rows of their own.
//!
//! A judge that calls 4 % of harmless rows harmful finds 4 % of harm where there is none. Its errors are estimates, with
//! an error of their own that belongs into the interval.

use num_rational::BigRational;
use num_traits::{One, Zero};

use super::enclosure::Enclosure;
use super::estimate::integer;
use super::interval::{Interval, Method, Target};
use super::level::Level;
use super::proportion::Proportion;

/// Why a rate is not corrected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum JudgeError {
    #[error(
        "a judge with sensitivity {sensitivity} and specificity {specificity} says nothing: they add up to 1 or less"
    )]
    Uninformative { sensitivity: Box<BigRational>, specificity: Box<BigRational> },
    #[error("a rate, a sensitivity or a specificity lies outside of 0 to 1")]
    NoRate,
}

/// The true rate behind an observed one: (observed + specificity - 1) / (sensitivity + specificity - 1).
///
/// Not cut to 0..=1: a value outside says that the judge's errors are not those that were found.
///
/// Source: W. J. Rogan and B. Gladen, "Estimating prevalence from the results of a screening test", 1978
pub fn rogan_gladen(
    observed: &BigRational,
    sensitivity: &BigRational,
    specificity: &BigRational,
) -> Result<BigRational, JudgeError> {
    let (zero, one) = (BigRational::zero(), BigRational::one());
    if [observed, sensitivity, specificity].iter().any(|rate| **rate < zero || **rate > one) {
        return Err(JudgeError::NoRate);
    }
    let informative = sensitivity + specificity - &one;
    if informative <= zero {
        return Err(JudgeError::Uninformative {
            sensitivity: Box::new(sensitivity.clone()),
            specificity: Box::new(specificity.clone()),
        });
    }
    Ok((observed + specificity - one) / informative)
}

/// A judge as two samples of rows, whose truth is known, have shown it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Judge {
    /// Harmful rows that it called harmful, of all harmful ones.
    pub sensitivity: Proportion,
    /// Harmless rows that it called harmless, of all harmless ones.
    pub specificity: Proportion,
}

impl Judge {
    /// The corrected rate, not cut.
    pub fn corrected(&self, observed: &Proportion) -> Result<BigRational, JudgeError> {
        rogan_gladen(&observed.rate(), &self.sensitivity.rate(), &self.specificity.rate())
    }

    /// The interval of the corrected rate, with the errors of all three samples in it.
    ///
    /// Each sample is first moved to the middle, by z^2/2 rows of z^2 for the rate and one of two for the judge's; then
    /// r + d ± z sqrt(p(1-p)/n + r^2 s(1-s)/n_s + (1-r)^2 c(1-c)/n_c) / (s + c - 1), with
    /// d = 2 z^2 (r s(1-s)/n_s - (1-r) c(1-c)/n_c), cut to 0..=1.
    ///
    /// Source: Z. Lang and J. Reiczigel, "Confidence limits for prevalence of disease adjusted for estimated
    /// sensitivity and specificity", 2014
    pub fn interval(&self, observed: &Proportion, level: &Level) -> Result<Interval, JudgeError> {
        let one = Enclosure::exact(BigRational::one());
        let uninformative = || JudgeError::Uninformative {
            sensitivity: Box::new(self.sensitivity.rate()),
            specificity: Box::new(self.specificity.rate()),
        };
        // What the observed judge does not tell apart, the moved one must not either.
        self.corrected(observed)?;
        let z = level.normal();
        let square = z.square();
        let two = Enclosure::exact(integer(2));
        let (rate, of_rate) = moved(observed, &square);
        let (sensitivity, of_sensitivity) = moved(&self.sensitivity, &two);
        let (specificity, of_specificity) = moved(&self.specificity, &two);
        let informative = &(&sensitivity + &specificity) - &one;
        let over = |numerator: &Enclosure| numerator.over(&informative).ok_or_else(uninformative);
        let corrected = over(&(&(&rate + &specificity) - &one))?;
        let others = &one - &corrected;
        let variance = &of_rate + &(&(&corrected.square() * &of_sensitivity) + &(&others.square() * &of_specificity));
        let half = over(&(&z * &variance.sqrt()))?;
        let apart = &(&corrected * &of_sensitivity) - &(&others * &of_specificity);
        let middle = &corrected + &(&(&two * &square) * &apart);
        let inside = |bound: Enclosure| bound.clamp(&BigRational::zero(), &BigRational::one());
        let (low, high) = (inside(&middle - &half), inside(&middle + &half));
        Ok(Interval::new(low, high, level.clone(), Target::Rollouts, Method::RoganGladen))
    }
}

/// A rate with `added` rows more, half of them counted, and p(1-p)/n of it.
fn moved(of: &Proportion, added: &Enclosure) -> (Enclosure, Enclosure) {
    let n = &Enclosure::exact(integer(of.n())) + added;
    let k = &Enclosure::exact(integer(of.k())) + &(added * &Enclosure::exact(BigRational::new(1.into(), 2.into())));
    let over = |numerator: &Enclosure| numerator.over(&n).expect("rows that were added to at least one are not none");
    let rate = over(&k);
    let variance = over(&(&rate * &(&Enclosure::exact(BigRational::one()) - &rate)));
    (rate, variance)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::stats::Sides;
    use crate::stats::testing::{of, ratio};

    #[test]
    fn seven_percent_of_a_good_judge_are_three() {
        let found = rogan_gladen(&ratio(7, 100), &ratio(95, 100), &ratio(96, 100)).unwrap();
        assert_eq!(found, ratio(3, 91));
        assert_eq!(crate::stats::decimal::decimal_digits(&found, 3), "0.033");
    }

    #[test]
    fn a_judge_that_guesses_corrects_nothing() {
        let error = rogan_gladen(&ratio(7, 100), &ratio(1, 2), &ratio(1, 2)).unwrap_err();
        let expected = "a judge with sensitivity 1/2 and specificity 1/2 says nothing: they add up to 1 or less";
        assert_eq!(error.to_string(), expected);
        assert_eq!(rogan_gladen(&ratio(7, 5), &ratio(1, 2), &ratio(1, 1)), Err(JudgeError::NoRate));
        let judge = Judge { sensitivity: of(1, 2), specificity: of(1, 3) };
        let refused = judge.interval(&of(1, 9), &Level::percent(95, Sides::Two).unwrap());
        assert!(matches!(refused, Err(JudgeError::Uninformative { .. })));
    }

    #[test]
    fn fewer_false_alarms_than_the_judge_makes_are_a_rate_below_zero() {
        assert_eq!(rogan_gladen(&ratio(1, 100), &ratio(1, 1), &ratio(96, 100)).unwrap(), ratio(-1, 32));
        let judge = Judge { sensitivity: of(100, 100), specificity: of(96, 100) };
        let found = judge.interval(&of(81, 8100), &Level::percent(95, Sides::Two).unwrap()).unwrap();
        assert_eq!(found.low(), Some(&Enclosure::exact(ratio(0, 1))));
        assert!(found.high().unwrap().high() > &ratio(0, 1));
    }

    #[test]
    fn a_judge_known_from_few_rows_widens_the_interval() {
        let level = Level::percent(95, Sides::Two).unwrap();
        let width = |n: u64| {
            let judge = Judge { sensitivity: of(n * 19 / 20, n), specificity: of(n * 24 / 25, n) };
            let found = judge.interval(&of(567, 8100), &level).unwrap();
            found.high().unwrap().high() - found.low().unwrap().low()
        };
        assert!(width(100) > width(1000) && width(1000) > width(100_000));
        // Known for certain it has the width of the observed rate's, stretched by 1 / (s + c - 1).
        let plain = of(567, 8100).wilson(&level);
        let stretched = (plain.high().unwrap().high() - plain.low().unwrap().low()) / ratio(91, 100);
        let off = width(100_000_000) / stretched;
        assert!(off > ratio(99, 100) && off < ratio(101, 100));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn a_perfect_judge_changes_no_rate_and_bounds_stay_in_the_scale(
            k in 0_u64..300, more in 0_u64..300, missed in 0_u64..40, alarms in 0_u64..40, percent in 60_u8..99,
        ) {
            prop_assume!(k + more > 0);
            let observed = of(k, k + more);
            prop_assert_eq!(rogan_gladen(&observed.rate(), &ratio(1, 1), &ratio(1, 1)).unwrap(), observed.rate());
            let judge = Judge { sensitivity: of(100 - missed, 100), specificity: of(100 - alarms, 100) };
            let level = |percent| Level::percent(percent, Sides::Two).unwrap();
            let (narrow, wide) = (judge.interval(&observed, &level(percent)).unwrap(), judge.interval(&observed, &level(percent)).unwrap());
            prop_assert_eq!(&narrow, &wide, "the same every time");
            prop_assert!(*narrow.low().unwrap().low() >= ratio(0, 1) && *narrow.high().unwrap().high() <= ratio(1, 1));
            prop_assert!(narrow.low().unwrap().low() <= narrow.high().unwrap().high());
        }
    }
}

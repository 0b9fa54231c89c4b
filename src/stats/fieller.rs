//! The ratio of two means with standard errors, by Fieller: none where the comparator's own interval includes 0.
//!
//! A reduction "by 87 %" is one less such a ratio. Where the comparator may be zero, every ratio is possible and no
//! interval says so honestly.

use num_rational::BigRational;
use num_traits::Signed;

use super::enclosure::{Answer, Enclosure};
use super::interval::{Interval, Method, Target};
use super::level::Level;
use super::student::t_of_level;

/// Why two means have no ratio.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum FiellerError {
    #[error("the comparator's interval includes 0, or may: it has no ratio")]
    ComparatorIncludesZero,
    #[error("a squared standard error is negative")]
    NegativeVariance,
    #[error("there is no Student's t with these degrees of freedom")]
    Freedom,
}

/// A mean and the square of its standard error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeanWithError {
    /// The mean.
    pub mean: BigRational,
    /// The square of its standard error.
    pub variance: BigRational,
}

/// Two means, one over the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RatioOfMeans {
    /// The mean above.
    pub subject: MeanWithError,
    /// The mean below.
    pub comparator: MeanWithError,
    /// The covariance of the two: zero for independent arms, not for pairs.
    pub covariance: BigRational,
}

impl RatioOfMeans {
    /// Fieller's interval: all ratios r for which the mean subject - r comparator may be zero.
    ///
    /// The roots of (b^2 - t^2 v_b) r^2 - 2 (a b - t^2 c) r + (a^2 - t^2 v_a) = 0, t Student's for `freedom`.
    ///
    /// Source: E. C. Fieller, "Some problems in interval estimation", 1954
    pub fn fieller(&self, level: &Level, freedom: f64, target: Target) -> Result<Interval, FiellerError> {
        let (a, b) = (&self.subject, &self.comparator);
        if a.variance.is_negative() || b.variance.is_negative() {
            return Err(FiellerError::NegativeVariance);
        }
        let square = t_of_level(level, freedom).ok_or(FiellerError::Freedom)?.square();
        let less = |product: BigRational, variance: &BigRational| {
            &Enclosure::exact(product) - &(&square * &Enclosure::exact(variance.clone()))
        };
        let below = less(&b.mean * &b.mean, &b.variance);
        if below.at_most(&BigRational::from_integer(0.into())) != Answer::No {
            return Err(FiellerError::ComparatorIncludesZero);
        }
        let middle = less(&a.mean * &b.mean, &self.covariance);
        let last = less(&a.mean * &a.mean, &a.variance);
        // Not negative where the comparator's interval leaves zero out: an end below is that of its enclosure.
        let root = (&middle.square() - &(&below * &last)).sqrt();
        let over = |numerator: &Enclosure| numerator.over(&below).ok_or(FiellerError::ComparatorIncludesZero);
        let (low, high) = (over(&(&middle - &root))?, over(&(&middle + &root))?);
        Ok(Interval::new(low, high, level.clone(), target, Method::Fieller))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use num_traits::{One, Zero};
    use proptest::prelude::*;

    use super::*;
    use crate::stats::testing::{level, ratio};

    fn means(subject: (i64, i64), comparator: (i64, i64)) -> RatioOfMeans {
        let of = |(mean, error): (i64, i64)| MeanWithError {
            mean: ratio(mean, 100),
            variance: ratio(error * error, 10_000),
        };
        RatioOfMeans { subject: of(subject), comparator: of(comparator), covariance: BigRational::zero() }
    }

    #[test]
    fn a_comparator_that_may_be_zero_has_no_ratio() {
        // 3 ± 1 with t = 3.18 reaches below zero.
        let found = means((7, 1), (3, 1)).fieller(&level(95), 3.0, Target::Seeds).unwrap_err();
        assert_eq!(found.to_string(), "the comparator's interval includes 0, or may: it has no ratio");
        let zero = means((7, 1), (0, 0)).fieller(&level(95), 3.0, Target::Seeds);
        assert_eq!(zero, Err(FiellerError::ComparatorIncludesZero));
        assert!(means((7, 1), (4, 1)).fieller(&level(95), 3.0, Target::Seeds).is_ok());
    }

    #[test]
    fn what_has_no_error_or_no_freedom_is_refused() {
        let mut wrong = means((7, 1), (54, 2));
        assert_eq!(wrong.fieller(&level(95), 0.0, Target::Seeds), Err(FiellerError::Freedom));
        wrong.subject.variance = ratio(-1, 100);
        assert_eq!(wrong.fieller(&level(95), 3.0, Target::Seeds), Err(FiellerError::NegativeVariance));
    }

    #[test]
    fn means_without_error_have_their_ratio_alone() {
        let found = means((7, 0), (54, 0)).fieller(&level(95), 6.0, Target::Seeds).unwrap();
        assert_eq!(
            (found.low(), found.high()),
            (Some(&Enclosure::exact(ratio(7, 54))), Some(&Enclosure::exact(ratio(7, 54))))
        );
    }

    #[test]
    fn a_fall_from_54_to_7_is_a_reduction_of_four_fifths_or_more() {
        let found = means((7, 1), (54, 2)).fieller(&level(95), 6.0, Target::Seeds).unwrap();
        let one = Enclosure::exact(BigRational::one());
        assert_eq!(found.mirrored(|bound| &one - bound).digits(3), "0.822 to 0.917");
        assert_eq!(found.target(), Target::Seeds);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn bounds_are_around_the_ratio_and_those_of_the_inverse(
            subject in (20_i64..100, 0_i64..5), comparator in (20_i64..100, 0_i64..5), percent in 60_u8..95,
        ) {
            let found = means(subject, comparator);
            let narrow = found.fieller(&level(percent), 8.0, Target::Seeds).unwrap();
            prop_assert_eq!(narrow.contains(&ratio(subject.0, comparator.0)) != Answer::No, true);
            let wide = found.fieller(&level(percent + 1), 8.0, Target::Seeds).unwrap();
            prop_assert!(wide.low().unwrap().low() <= narrow.low().unwrap().high());
            prop_assert!(narrow.high().unwrap().low() <= wide.high().unwrap().high());
            let inverse = means(comparator, subject).fieller(&level(percent), 8.0, Target::Seeds).unwrap();
            let one = Enclosure::exact(BigRational::one());
            let again = inverse.mirrored(|bound| one.over(bound).unwrap());
            prop_assert!(again.low().unwrap().low() <= narrow.low().unwrap().high());
            prop_assert!(narrow.low().unwrap().low() <= again.low().unwrap().high());
        }
    }
}

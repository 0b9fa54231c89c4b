//! The ratio of two independent proportions: the score intervals of Koopman and of Miettinen and Nurminen.
//!
//! A relative reduction is one less the ratio, so that its bounds change places ([`Interval::mirrored`]).

use num_rational::BigRational;
use num_traits::{ToPrimitive, Zero};

use super::enclosure::Enclosure;
use super::interval::{Interval, Method, Target};
use super::level::Level;
use super::score::{Variance, ratio_ends};
use super::two_arms::TwoArms;

/// Why two proportions have no ratio.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum RiskRatioError {
    #[error("the comparator's rate is 0 of {n}: there is no ratio to it")]
    ComparatorIsZero { n: u64 },
}

impl TwoArms {
    /// The subject's rate over the comparator's.
    pub fn risk_ratio(&self) -> Result<BigRational, RiskRatioError> {
        if self.comparator.k() == 0 {
            return Err(RiskRatioError::ComparatorIsZero { n: self.comparator.n() });
        }
        Ok(self.subject.rate() / self.comparator.rate())
    }

    /// The ratios that a score test does not reject.
    ///
    /// Source: P. A. R. Koopman, "Confidence intervals for the ratio of two binomial proportions", 1984
    pub fn koopman(&self, level: &Level) -> Result<Interval, RiskRatioError> {
        self.ratio_interval(level, Variance::Population, Method::Koopman)
    }

    /// The same with the variance of a sample, N/(N - 1): a little wider.
    ///
    /// Source: O. Miettinen and M. Nurminen, "Comparative analysis of two rates", 1985
    pub fn ratio_miettinen_nurminen(&self, level: &Level) -> Result<Interval, RiskRatioError> {
        self.ratio_interval(level, Variance::Sample, Method::MiettinenNurminen)
    }

    fn ratio_interval(&self, level: &Level, variance: Variance, method: Method) -> Result<Interval, RiskRatioError> {
        let ratio = self.risk_ratio()?;
        let z = level.normal().middle().to_f64().unwrap_or(f64::NAN);
        let [low, high] = ratio_ends(self, z, variance)
            .map(|(low, high)| Enclosure::between_floats(low, high).expect("ratios are sought among finite ones"));
        // The bounds lie around the ratio itself, and no ratio below zero.
        let high = high.max(&Enclosure::exact(ratio.clone()));
        let low = low.clamp(&BigRational::zero(), &ratio);
        Ok(Interval::new(low, high, level.clone(), Target::Rollouts, method))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::stats::Answer;
    use crate::stats::testing::{arms, level};

    #[test]
    fn the_example_of_koopmans_paper_comes_out() {
        // 36 of 40 against 16 of 80: 2.94 to 7.15.
        let found = arms((36, 40), (16, 80)).koopman(&level(95)).unwrap();
        assert_eq!(found.digits(2), "2.93 to 7.16");
    }

    #[test]
    fn there_is_no_ratio_to_nothing() {
        let error = arms((3, 30), (0, 30)).koopman(&level(95)).unwrap_err();
        assert_eq!(error.to_string(), "the comparator's rate is 0 of 30: there is no ratio to it");
        assert_eq!(arms((0, 30), (0, 30)).risk_ratio(), Err(RiskRatioError::ComparatorIsZero { n: 30 }));
    }

    #[test]
    fn a_subject_of_zero_has_a_ratio_from_zero_up() {
        let found = arms((0, 30), (15, 30)).ratio_miettinen_nurminen(&level(95)).unwrap();
        assert_eq!(found.low(), Some(&Enclosure::exact(BigRational::zero())));
        assert!(found.high().unwrap().high() < &BigRational::new(3.into(), 10.into()));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn bounds_are_nested_around_the_ratio_and_inverted_with_the_arms(
            counts in proptest::array::uniform4(1_u64..60), percent in 60_u8..99,
        ) {
            let [k, more, l, others] = counts;
            let found = arms((k, k + more), (l, l + others));
            let (narrow, wide) = (found.koopman(&level(percent)).unwrap(), found.koopman(&level(percent + 1)).unwrap());
            let sample = found.ratio_miettinen_nurminen(&level(percent)).unwrap();
            for other in [&wide, &sample] {
                prop_assert!(other.low().unwrap().low() <= narrow.low().unwrap().high());
                prop_assert!(narrow.high().unwrap().low() <= other.high().unwrap().high());
            }
            prop_assert_eq!(narrow.contains(&found.risk_ratio().unwrap()), Answer::Yes);
            let inverse = found.exchanged().koopman(&level(percent)).unwrap();
            let product = inverse.high().unwrap().middle() * narrow.low().unwrap().middle();
            let off = product.to_f64().unwrap() - 1.0;
            prop_assert!(off.abs() < 1e-8, "{off}");
        }
    }
}

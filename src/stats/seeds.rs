//! Means over training seeds and their differences, with intervals by Student's t.
//!
//! Everything here answers for *new training seeds under these conditions*. Few seeds are few observations, whatever
//! the number of rollouts: the degrees of freedom are those of the seeds. The error is never below that of the rollouts.
//!
//! Sources: Student, "The probable error of a mean", 1908; B. L. Welch, "The generalization of 'Student's' problem when
//! several different population variances are involved", 1947; F. E. Satterthwaite, "An approximate distribution of
//! estimates of variance components", 1946

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{Signed, ToPrimitive, Zero};

use super::assertion::{Relation, TailBounds};
use super::decision::Decision;
use super::enclosure::Enclosure;
use super::estimate::integer;
use super::interval::{Interval, Method, Target};
use super::level::Level;
use super::permutation::Alternative;
use super::seed_values::{ErrorSource, SeedValues};
use super::student::{t_critical, t_upper_tail};

/// Why seeds have no interval.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum SeedsError {
    #[error("{found} seeds say nothing of other seeds: at least 2 are needed")]
    FewSeeds { found: u64 },
    #[error("neither the seeds nor their rollouts vary: an interval of no width would claim certainty")]
    NoVariance,
    #[error("Student's t has no quantile for {freedom} degrees of freedom")]
    NoQuantile { freedom: BigRational },
}

/// The mean of one arm's seeds and its error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeedMean {
    /// The mean over the seeds.
    pub mean: BigRational,
    /// The square of its error.
    pub variance: BigRational,
    /// Where the error comes from.
    pub source: ErrorSource,
    /// Number of seeds.
    pub seeds: u64,
}

impl SeedMean {
    /// The mean of at least two seeds.
    pub fn of(values: &SeedValues) -> Result<Self, SeedsError> {
        let few = SeedsError::FewSeeds { found: values.count() };
        let (Some(mean), Some((variance, source))) = (values.mean(), values.variance_of_mean()) else {
            return Err(few);
        };
        Ok(Self { mean, variance, source, seeds: values.count() })
    }
}

/// A number that is estimated from seeds: a mean, a difference of means, or any sum of independent means with factors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeedContrast {
    /// The estimate.
    pub value: BigRational,
    /// The square of its error.
    pub variance: BigRational,
    /// Degrees of freedom of the error: n - 1 for one arm, Satterthwaite's for several.
    pub freedom: BigRational,
    /// How it was computed.
    pub method: Method,
    /// What it speaks about.
    pub target: Target,
    /// The means that it was made of.
    pub means: Vec<SeedMean>,
}

/// A part of an error: its square and its degrees of freedom.
pub(super) struct ErrorPart {
    pub(super) variance: BigRational,
    pub(super) freedom: BigRational,
}

impl SeedContrast {
    /// The mean of one arm, by Student's t with n - 1 degrees of freedom.
    pub fn mean(values: &SeedValues) -> Result<Self, SeedsError> {
        Self::linear(&[(1, values)], Method::Student)
    }

    /// The mean of the subject's seeds less that of the comparator's, which are independent, by Welch's t.
    pub fn difference(subject: &SeedValues, comparator: &SeedValues) -> Result<Self, SeedsError> {
        Self::linear(&[(1, subject), (-1, comparator)], Method::Welch)
    }

    /// The mean of differences within declared pairs: see [`super::Pairing::differences`].
    pub fn paired(differences: &SeedValues) -> Result<Self, SeedsError> {
        Self::linear(&[(1, differences)], Method::PairedStudent)
    }

    /// The sum of `factor * mean` over independent arms.
    pub fn linear(arms: &[(i64, &SeedValues)], method: Method) -> Result<Self, SeedsError> {
        let means: Vec<(i64, SeedMean)> =
            arms.iter().map(|(factor, values)| Ok((*factor, SeedMean::of(values)?))).collect::<Result<_, _>>()?;
        Self::of_means(&means.iter().map(|(factor, mean)| (*factor, mean)).collect::<Vec<_>>(), method)
    }

    /// The same of means whose errors are known, be it from what somebody printed.
    pub fn of_means(means: &[(i64, &SeedMean)], method: Method) -> Result<Self, SeedsError> {
        let mut value = BigRational::zero();
        let mut parts = Vec::new();
        for (factor, found) in means {
            if found.seeds < 2 {
                return Err(SeedsError::FewSeeds { found: found.seeds });
            }
            let factor = BigRational::from_integer(BigInt::from(*factor));
            value += &factor * &found.mean;
            parts.push(ErrorPart { variance: &factor * &factor * &found.variance, freedom: integer(found.seeds - 1) });
        }
        let means = means.iter().map(|(_, mean)| (*mean).clone()).collect();
        Self::of_parts(value, &parts, means, method, Target::Seeds)
    }

    /// Adds up independent parts of an error: v = sum of v_i, freedom = v² / (sum of v_i² / freedom_i).
    pub(super) fn of_parts(
        value: BigRational,
        parts: &[ErrorPart],
        means: Vec<SeedMean>,
        method: Method,
        target: Target,
    ) -> Result<Self, SeedsError> {
        let variance = parts.iter().fold(BigRational::zero(), |sum, part| sum + &part.variance);
        if variance.is_zero() {
            return Err(SeedsError::NoVariance);
        }
        let parts = parts.iter().map(|part| &part.variance * &part.variance / &part.freedom);
        let freedom = &variance * &variance / parts.fold(BigRational::zero(), |sum, part| sum + part);
        Ok(Self { value, variance, freedom, method, target, means })
    }

    /// The interval at `level`: value ± t * error.
    pub fn interval(&self, level: &Level) -> Result<Interval, SeedsError> {
        let (low, high) = self.ends(level)?;
        Ok(Interval::new(low, high, level.clone(), self.target, self.method))
    }

    /// Both bounds, each missed with the error probability that one bound at `level` has.
    pub fn bounds(&self, level: &Level) -> Result<TailBounds, SeedsError> {
        let (low, high) = self.ends(level)?;
        Ok(TailBounds {
            low: Some(low),
            high: Some(high),
            tail: level.tail(),
            target: self.target,
            method: self.method,
        })
    }

    /// Whether the true value stands in `relation` to `threshold`.
    pub fn decide(&self, relation: Relation, threshold: &BigRational, level: &Level) -> Result<Decision, SeedsError> {
        Ok(relation.decide(&self.bounds(level)?, threshold))
    }

    /// The p of the hypothesis that the true value is `null`, as the nearest float; for display, never for a decision.
    pub fn p_value(&self, null: &BigRational, alternative: Alternative) -> Option<f64> {
        let distance = &self.value - null;
        let size = (&distance * &distance / &self.variance).to_f64()?.sqrt();
        let t = if distance.is_negative() { -size } else { size };
        let freedom = self.freedom.to_f64()?;
        match alternative {
            Alternative::TwoSided => Some((2.0 * t_upper_tail(size, freedom)?).min(1.0)),
            Alternative::Greater => t_upper_tail(t, freedom),
            Alternative::Less => t_upper_tail(-t, freedom),
        }
    }

    fn ends(&self, level: &Level) -> Result<(Enclosure, Enclosure), SeedsError> {
        let none = || SeedsError::NoQuantile { freedom: self.freedom.clone() };
        let tail = level.tail().to_f64().ok_or_else(none)?;
        let nearest = self.freedom.to_f64().ok_or_else(none)?;
        let exact = BigRational::from_float(nearest).is_some_and(|float| float == self.freedom);
        let t = if exact {
            t_critical(tail, nearest)
        } else {
            // The quantile falls with the freedom, which lies between the float's neighbours.
            t_critical(tail, nearest.next_down())
                .and_then(|below| Some(below.hull(&t_critical(tail, nearest.next_up())?)))
        };
        let distance = &t.ok_or_else(none)? * &Enclosure::exact(self.variance.clone()).sqrt();
        let value = Enclosure::exact(self.value.clone());
        Ok((&value - &distance, &value + &distance))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use num_traits::One;
    use proptest::prelude::*;

    use super::super::level::Sides;
    use super::super::seed_values::SeedValue;
    use super::super::table::SeedName;
    use super::*;
    use crate::stats::testing::ratio;

    fn seeds(values: &[BigRational], noise: Option<&BigRational>) -> SeedValues {
        let seed = |(at, value): (usize, &BigRational)| {
            (SeedName::from(at.to_string()), SeedValue { value: value.clone(), rollout_variance: noise.cloned() })
        };
        values.iter().enumerate().map(seed).collect()
    }

    /// Mean .07, standard deviation .02: in hundredths the deviations are 3, -1, -1, -1, whose squares sum to 3 × 4.
    fn mean_07_sd_02() -> SeedContrast {
        SeedContrast::mean(&seeds(&[10, 6, 6, 6].map(|value| ratio(value, 100)), None)).unwrap()
    }

    #[test]
    fn four_seeds_of_seven_percent_are_bounded_by_ten_and_not_by_nine() {
        let found = mean_07_sd_02();
        assert_eq!((found.value.clone(), found.variance.clone()), (ratio(7, 100), ratio(4, 10_000) / ratio(4, 1)));
        let two = found.interval(&Level::percent(95, Sides::Two).unwrap()).unwrap();
        assert_eq!(two.digits(3), "0.038 to 0.102");
        let one = found.interval(&Level::percent(95, Sides::Upper).unwrap()).unwrap();
        assert_eq!(one.digits(3), "at most 0.094");
        // So the sides decide the claim "at most 10 %".
        let tenth = ratio(1, 10);
        let decide = |sides| found.decide(Relation::AtMost, &tenth, &Level::percent(95, sides).unwrap()).unwrap();
        assert_eq!((decide(Sides::Two), decide(Sides::Upper)), (Decision::CannotBeDecided, Decision::Holds));
        assert_eq!(two.target(), Target::Seeds);
    }

    #[test]
    fn rollouts_that_are_noisier_than_the_seeds_set_the_error() {
        let values = [ratio(5, 100), ratio(5, 100), ratio(6, 100)];
        let quiet = SeedContrast::mean(&seeds(&values, Some(&ratio(1, 1_000_000)))).unwrap();
        let noisy = SeedContrast::mean(&seeds(&values, Some(&ratio(1, 100)))).unwrap();
        assert_eq!((quiet.means[0].source, noisy.means[0].source), (ErrorSource::Seeds, ErrorSource::Rollouts));
        assert_eq!(noisy.variance, ratio(1, 300));
        assert_eq!(noisy.freedom, ratio(2, 1), "the freedom stays that of the seeds");
    }

    #[test]
    fn what_seeds_cannot_tell_is_refused() {
        let one = seeds(&[ratio(1, 2)], None);
        assert_eq!(SeedContrast::mean(&one), Err(SeedsError::FewSeeds { found: 1 }));
        assert_eq!(SeedContrast::mean(&SeedValues::default()), Err(SeedsError::FewSeeds { found: 0 }));
        let two = seeds(&[ratio(1, 2), ratio(1, 3)], None);
        assert_eq!(
            SeedContrast::difference(&two, &one).unwrap_err().to_string(),
            "1 seeds say nothing of other seeds: at least 2 are needed"
        );
        let same = seeds(&[ratio(0, 1), ratio(0, 1)], Some(&ratio(0, 1)));
        assert_eq!(SeedContrast::mean(&same), Err(SeedsError::NoVariance));
        // Beside an arm that varies, one that does not adds nothing to the error.
        assert_eq!(SeedContrast::difference(&two, &same).unwrap().freedom, ratio(1, 1));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn turning_shifting_and_scaling_move_the_bounds_alike(
            first in proptest::collection::vec(0_i64..1000, 2..6),
            second in proptest::collection::vec(0_i64..1000, 2..6),
            scale in 1_i64..50,
            alpha in 1_i64..400,
        ) {
            let level = Level::new(BigRational::one() - ratio(alpha, 1000), Sides::Two).unwrap();
            let arm = |values: &[i64], of: &dyn Fn(BigRational) -> BigRational| {
                let values: Vec<_> = values.iter().map(|v| of(ratio(*v, 1000))).collect();
                seeds(&values, Some(&ratio(1, 10_000)))
            };
            let same = |v: BigRational| v;
            let turned = |v: BigRational| BigRational::one() - v;
            let found = SeedContrast::difference(&arm(&first, &same), &arm(&second, &same)).unwrap();
            let interval = found.interval(&level).unwrap();
            let (low, high) = (interval.low().unwrap(), interval.high().unwrap());
            prop_assert!(low.high() <= &found.value && &found.value <= high.low());
            // Harm turned into alignment, and the arms exchanged: the bounds change places and sign, to the last digit.
            for (one, other) in [
                (arm(&first, &turned), arm(&second, &turned)),
                (arm(&second, &same), arm(&first, &same)),
            ] {
                let mirrored = SeedContrast::difference(&one, &other).unwrap().interval(&level).unwrap();
                prop_assert_eq!(&-mirrored.low().unwrap(), high);
                prop_assert_eq!(&-mirrored.high().unwrap(), low);
            }
            let shifted = |v: BigRational| v + ratio(scale, 7);
            let moved = SeedContrast::difference(&arm(&first, &shifted), &arm(&second, &shifted)).unwrap();
            prop_assert_eq!(moved.interval(&level).unwrap(), interval.clone());
            let p = found.p_value(&ratio(0, 1), Alternative::TwoSided).unwrap();
            prop_assert!((0.0..=1.0).contains(&p));
        }
    }
}

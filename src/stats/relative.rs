//! How many times smaller: the ratio of two arms' means over seeds, and the relative reduction, one less that ratio.
//!
//! By Fieller, so that there is none where the comparator's own interval includes 0. The degrees of freedom are those of
//! pairs, or Satterthwaite's of the difference subject - r comparator at the ratio r that was found.

use num_rational::BigRational;
use num_traits::{One, Signed, ToPrimitive, Zero};

use super::enclosure::Enclosure;
use super::estimate::{ExactSum, integer};
use super::fieller::{FiellerError, MeanWithError, RatioOfMeans};
use super::interval::{Interval, Target};
use super::level::{Level, Sides};
use super::pairing::{Pairing, PairingError};
use super::seed_values::SeedValues;
use super::seeds::{SeedMean, SeedsError};

/// Why two arms have no ratio.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum RelativeError {
    #[error(transparent)]
    Fieller(#[from] FiellerError),
    #[error(transparent)]
    Seeds(#[from] SeedsError),
    #[error(transparent)]
    Pairing(#[from] PairingError),
}

/// The mean of the subject's seeds over that of the comparator's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeedRatio {
    /// The ratio of the means.
    pub value: BigRational,
    /// Degrees of freedom of its interval.
    pub freedom: BigRational,
    means: RatioOfMeans,
}

impl SeedRatio {
    /// The ratio of two independent arms.
    pub fn independent(subject: &SeedValues, comparator: &SeedValues) -> Result<Self, RelativeError> {
        let (one, other) = (SeedMean::of(subject)?, SeedMean::of(comparator)?);
        let value = over(&one, &other)?;
        let below = &value * &value * &other.variance;
        let square = |variance: &BigRational, seeds: u64| variance * variance / integer(seeds - 1);
        let variance = &one.variance + &below;
        if variance.is_zero() {
            return Err(SeedsError::NoVariance.into());
        }
        let freedom = &variance * &variance / (square(&one.variance, one.seeds) + square(&below, other.seeds));
        Ok(Self { value, freedom, means: means(&one, &other, BigRational::zero()) })
    }

    /// The ratio of two arms whose seeds are declared pairs.
    pub fn paired(subject: &SeedValues, comparator: &SeedValues, pairing: &Pairing) -> Result<Self, RelativeError> {
        let (one, other) = (SeedMean::of(subject)?, SeedMean::of(comparator)?);
        let value = over(&one, &other)?;
        let mut products = ExactSum::default();
        for (first, second) in pairing.matched(subject, comparator)? {
            products.add((&first.value - &one.mean) * (&second.value - &other.mean));
        }
        let covariance = products.total() / (integer(one.seeds) * integer(one.seeds - 1));
        // What pairs have in common is none of their rollouts' noise: capped so that no error is below that noise.
        let common = common_part(&one, subject) * common_part(&other, comparator);
        let most = Enclosure::exact(common).sqrt().low().clone();
        let covariance = if covariance.is_negative() { covariance.max(-most) } else { covariance.min(most) };
        if one.variance.is_zero() && other.variance.is_zero() {
            return Err(SeedsError::NoVariance.into());
        }
        Ok(Self { value, freedom: integer(one.seeds - 1), means: means(&one, &other, covariance) })
    }

    /// Fieller's interval of the ratio.
    pub fn interval(&self, level: &Level) -> Result<Interval, RelativeError> {
        let nearest = self.freedom.to_f64().ok_or(FiellerError::Freedom)?;
        let is_exact = BigRational::from_float(nearest).is_some_and(|float| float == self.freedom);
        // A freedom that no float has is taken a little smaller, which makes the interval wider.
        let freedom = if is_exact { nearest } else { nearest.next_down() };
        Ok(self.means.fieller(level, freedom, Target::Seeds)?)
    }

    /// The interval of the relative reduction, 1 - ratio: its upper bound is made of the ratio's lower one.
    pub fn reduction(&self, level: &Level) -> Result<Interval, RelativeError> {
        let one = Enclosure::exact(BigRational::one());
        let sides = match level.sides() {
            Sides::Two => Sides::Two,
            Sides::Lower => Sides::Upper,
            Sides::Upper => Sides::Lower,
        };
        Ok(self.interval(&level.with_sides(sides))?.mirrored(|bound| &one - bound))
    }
}

fn over(one: &SeedMean, other: &SeedMean) -> Result<BigRational, FiellerError> {
    if other.mean.is_zero() { Err(FiellerError::ComparatorIncludesZero) } else { Ok(&one.mean / &other.mean) }
}

fn means(one: &SeedMean, other: &SeedMean, covariance: BigRational) -> RatioOfMeans {
    let of = |mean: &SeedMean| MeanWithError { mean: mean.mean.clone(), variance: mean.variance.clone() };
    RatioOfMeans { subject: of(one), comparator: of(other), covariance }
}

/// What the rollouts leave over of the square of an arm's error.
fn common_part(mean: &SeedMean, values: &SeedValues) -> BigRational {
    &mean.variance - values.rollout_variance_of_mean().unwrap_or_else(BigRational::zero)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::super::assertion::{Relation, TailBounds};
    use super::super::decision::Decision;
    use super::super::seed_values::SeedValue;
    use super::super::table::SeedName;
    use super::*;
    use crate::stats::testing::ratio;

    fn seeds(percent: &[i64], noise: (i64, i64)) -> SeedValues {
        let seed = |(at, value): (usize, &i64)| {
            let value = SeedValue { value: ratio(*value, 100), rollout_variance: Some(ratio(noise.0, noise.1)) };
            (SeedName::from(at.to_string()), value)
        };
        percent.iter().enumerate().map(seed).collect()
    }

    fn same_names(count: u64) -> Pairing {
        let names = (0..count).map(|at| (at.to_string().into(), SeedName::from(at.to_string())));
        Pairing::declared("data order", names).unwrap()
    }

    fn level(sides: Sides) -> Level {
        Level::percent(95, sides).unwrap()
    }

    const LITTLE: (i64, i64) = (1, 1_000_000);

    #[test]
    fn the_reduction_is_one_less_the_ratio() {
        let (subject, comparator) = (seeds(&[6, 7, 8, 7], LITTLE), seeds(&[52, 54, 56, 54], LITTLE));
        let found = SeedRatio::independent(&subject, &comparator).unwrap();
        assert_eq!(found.value, ratio(7, 54));
        let (of_ratio, of_reduction) =
            (found.interval(&level(Sides::Two)).unwrap(), found.reduction(&level(Sides::Two)).unwrap());
        let one = Enclosure::exact(BigRational::one());
        assert_eq!(of_reduction.low().unwrap(), &(&one - of_ratio.high().unwrap()));
        assert_eq!(of_reduction.high().unwrap(), &(&one - of_ratio.low().unwrap()));
        // The sides are those of the reduction, whichever of the ratio's they come from.
        let least = found.reduction(&level(Sides::Lower)).unwrap();
        assert_eq!((least.level().sides(), least.high()), (Sides::Lower, None));
        assert!(least.low().unwrap().low() > of_reduction.low().unwrap().high());
        let both = TailBounds::both(&level(Sides::Upper), |level| found.reduction(level)).unwrap();
        assert_eq!(Relation::AtLeast.decide(&both, &ratio(8, 10)), Decision::Holds);
        assert_eq!(Relation::AtLeast.decide(&both, &ratio(9, 10)), Decision::DoesNotHold);
    }

    #[test]
    fn a_comparator_that_may_be_zero_has_no_ratio() {
        let subject = seeds(&[6, 7, 8, 7], LITTLE);
        let refused = |comparator: &[i64]| {
            let found = SeedRatio::independent(&subject, &seeds(comparator, LITTLE));
            found.and_then(|found| found.interval(&level(Sides::Two))).unwrap_err()
        };
        let includes_zero = RelativeError::Fieller(FiellerError::ComparatorIncludesZero);
        assert_eq!(refused(&[1, 9, 2, 12]), includes_zero);
        assert_eq!(refused(&[0, 0, 0, 0]), includes_zero);
        assert_eq!(refused(&[5]), RelativeError::Seeds(SeedsError::FewSeeds { found: 1 }));
        let still = seeds(&[5, 5], (0, 1));
        let none = RelativeError::Seeds(SeedsError::NoVariance);
        assert_eq!(SeedRatio::independent(&still, &still), Err(none.clone()));
        assert_eq!(SeedRatio::paired(&still, &still, &same_names(2)), Err(none));
    }

    #[test]
    fn pairs_that_move_together_tell_the_ratio_better_but_never_past_their_rollouts() {
        let (subject, comparator) = (seeds(&[10, 14, 18, 22], LITTLE), seeds(&[50, 70, 90, 110], LITTLE));
        let width = |found: &SeedRatio| {
            let interval = found.interval(&level(Sides::Two)).unwrap();
            (interval.high().unwrap().middle() - interval.low().unwrap().middle()).to_f64().unwrap()
        };
        let alone = SeedRatio::independent(&subject, &comparator).unwrap();
        let paired = SeedRatio::paired(&subject, &comparator, &same_names(4)).unwrap();
        assert_eq!((paired.value.clone(), paired.freedom.clone()), (ratio(1, 5), ratio(3, 1)));
        // The ratio is the same in each pair, so that only the noise of the rollouts is left: 2 t √(10⁻⁶ (1 + 1/25) / 4) / .8
        // = .00406 for t = 3.18, by 1.165 = 1 / √(1 - t² v / .8²) wider for a comparator whose v is 1/60.
        let (paired, alone) = (width(&paired), width(&alone));
        assert!((paired - 0.004_73).abs() < 0.000_01, "{paired}");
        assert!(alone > 20.0 * paired, "{alone}");
        let short = SeedRatio::paired(&subject, &comparator, &same_names(3)).unwrap_err();
        assert_eq!(short.to_string(), "seed `3` is in no pair");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn scaling_both_arms_changes_no_ratio(
            subject in proptest::collection::vec(1_i64..30, 2..5),
            comparator in proptest::collection::vec(60_i64..70, 3..5),
            scale in 2_i64..9,
        ) {
            let scaled = |values: &[i64], by: i64| {
                let values: Vec<i64> = values.iter().map(|value| value * by).collect();
                seeds(&values, (by * by, 10_000))
            };
            let found = |by| {
                let found = SeedRatio::independent(&scaled(&subject, by), &scaled(&comparator, by)).unwrap();
                (found.value.clone(), found.freedom.clone(), found.interval(&level(Sides::Two)))
            };
            let ((value, freedom, plain), (scaled_value, scaled_freedom, scaled)) = (found(1), found(scale));
            prop_assert_eq!((value, freedom), (scaled_value, scaled_freedom));
            // Roots are cut at a fixed place, so that the last of 190 binary digits may differ.
            if let (Ok(plain), Ok(scaled)) = (plain, scaled) {
                let off = plain.high().unwrap().middle() - scaled.high().unwrap().middle();
                prop_assert!(off.abs() < ratio(1, 1_000_000_000));
            }
        }
    }
}

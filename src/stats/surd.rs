//! Intervals whose bounds are `center ± sqrt(square)` with both rational: kept so, and compared by squares.

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Signed, Zero};

use super::decimal::{power_of_ten, sqrt_digits};
use super::estimate::{StatsError, integer};

/// A two-sided interval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SurdInterval {
    /// Middle between the bounds.
    pub center: BigRational,
    /// Square of half its width.
    pub half_width_square: BigRational,
}

/// Which end of an interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "each variant is its name")]
pub enum Bound {
    Lower,
    Upper,
}

/// Wilson's score interval of a rate of `k` in `n` at `z` standard deviations.
///
/// Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference", 1927
pub fn wilson(k: u64, n: u64, z: &BigRational) -> Result<SurdInterval, StatsError> {
    if n == 0 {
        return Err(StatsError::NoObservations);
    }
    if k > n {
        return Err(StatsError::MoreThanExpected { counted: k, expected: n });
    }
    Ok(score_interval(&(integer(k) / integer(n)), &integer(n), z))
}

/// The same for a rate `p` over an effective number `n` of observations.
pub fn score_interval(p: &BigRational, n: &BigRational, z: &BigRational) -> SurdInterval {
    let one = BigRational::one();
    let (two, four) = (integer(2), integer(4));
    let square = z * z;
    let denominator = &one + &square / n;
    let center = (p + &square / (two * n)) / &denominator;
    let inside = p * (&one - p) / n + &square / (four * n * n);
    SurdInterval { center, half_width_square: inside * square / (&denominator * &denominator) }
}

impl SurdInterval {
    /// Whether `printed` lies within `tolerance` of the bound, decided on squares.
    pub fn is_close(&self, bound: Bound, printed: &BigRational, tolerance: &BigRational) -> bool {
        // |center ± root - printed| <= tolerance: root lies between two rationals.
        let middle = match bound {
            Bound::Lower => &self.center - printed,
            Bound::Upper => printed - &self.center,
        };
        let (low, high) = (&middle - tolerance, middle + tolerance);
        !high.is_negative()
            && self.half_width_square <= &high * &high
            && (!low.is_positive() || &low * &low <= self.half_width_square)
    }

    /// Whether `printed` is the bound rounded to `places` decimals; a tie agrees with both neighbours.
    pub fn rounds_to(&self, bound: Bound, printed: &BigRational, places: u32) -> bool {
        let half = BigRational::new(BigInt::one(), power_of_ten(places) * BigInt::from(2));
        self.is_close(bound, printed, &half)
    }

    /// The bound to `places` decimals, for display.
    pub fn digits(&self, bound: Bound, places: u32) -> String {
        // Twice as many places for the root as are shown, so that only a tie beyond them could mislead.
        let root = sqrt_digits(&self.half_width_square, (2 * places).min(32));
        let root = root.replace('.', "").parse::<BigInt>().unwrap_or_else(|_| BigInt::zero());
        let root = BigRational::new(root, power_of_ten((2 * places).min(32)));
        let value = match bound {
            Bound::Lower => &self.center - root,
            Bound::Upper => &self.center + root,
        };
        super::decimal::decimal_digits(&value, places)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::stats::testing::ratio;

    #[test]
    fn wilson_agrees_with_the_textbook() {
        let z = ratio(196, 100);
        let found = wilson(173, 400, &z).unwrap();
        assert_eq!((found.digits(Bound::Lower, 4), found.digits(Bound::Upper, 4)), ("0.3848".into(), "0.4815".into()));
        assert!(found.rounds_to(Bound::Lower, &ratio(3848, 10_000), 4));
        assert!(found.rounds_to(Bound::Upper, &ratio(4815, 10_000), 4));
        for (bound, off) in [(Bound::Lower, 3847), (Bound::Lower, 3849), (Bound::Upper, 4814), (Bound::Upper, 4816)] {
            assert!(!found.rounds_to(bound, &ratio(off, 10_000), 4), "{off}");
        }
        // None in thirty: the upper bound is what the printed 0 % hides.
        let none = wilson(0, 30, &z).unwrap();
        assert_eq!((none.digits(Bound::Lower, 4), none.digits(Bound::Upper, 4)), ("0.0000".into(), "0.1135".into()));
        let all = wilson(30, 30, &z).unwrap();
        assert_eq!((all.digits(Bound::Lower, 4), all.digits(Bound::Upper, 4)), ("0.8865".into(), "1.0000".into()));
    }

    #[test]
    fn what_is_no_rate_has_no_interval() {
        let z = ratio(196, 100);
        assert_eq!(wilson(0, 0, &z), Err(StatsError::NoObservations));
        assert_eq!(wilson(2, 1, &z), Err(StatsError::MoreThanExpected { counted: 2, expected: 1 }));
    }
}

//! Decimal text of exact numbers, for display: every digit shown is decided in integers.
//!
//! Values are rounded half-even at the last place shown; a figure that is to be *tested* goes to
//! [`super::check_rounding`] instead.

use num_bigint::{BigInt, BigUint, Sign};
use num_rational::BigRational;
use num_traits::{One, Signed, Zero};

/// No figure is printed or tested with more decimals than this: it bounds the integers that a hostile text can ask for.
pub const MAX_DECIMALS: u32 = 64;

/// 10 to the power of `exponent`.
pub(super) fn power_of_ten(exponent: u32) -> BigInt {
    num_traits::pow(BigInt::from(10), exponent as usize)
}

/// The largest integer not above a non-negative rational.
pub(super) fn floor_magnitude(value: &BigRational) -> BigUint {
    value.floor().to_integer().magnitude().clone()
}

/// `value` rounded half-even to `places` decimals (at most [`MAX_DECIMALS`]).
pub fn decimal_digits(value: &BigRational, places: u32) -> String {
    let places = places.min(MAX_DECIMALS);
    let scaled = value.abs() * BigRational::from_integer(power_of_ten(places));
    let floor = floor_magnitude(&scaled);
    let rest = scaled - BigRational::from_integer(BigInt::from(floor.clone()));
    let half = BigRational::new(BigInt::one(), BigInt::from(2));
    let up = rest > half || (rest == half && floor.bit(0));
    let rounded = if up { floor + 1_u32 } else { floor };
    place_point(value.is_negative() && !rounded.is_zero(), &rounded, places)
}

/// The square root of a non-negative `square`, rounded to nearest (ties to even) at `places` decimals.
///
/// A negative `square` has no root; its digits are those of zero.
pub fn sqrt_digits(square: &BigRational, places: u32) -> String {
    let places = places.min(MAX_DECIMALS);
    place_point(false, &nearest_root(square, places).0, places)
}

/// The integer nearest to `sqrt(square) * 10^places` with ties to even, and the half-up one where it differs.
pub(super) fn nearest_root(square: &BigRational, places: u32) -> (BigUint, BigUint) {
    if square.numer().sign() != Sign::Plus {
        return (BigUint::zero(), BigUint::zero());
    }
    let scaled = square * BigRational::from_integer(power_of_ten(2 * places));
    let root = floor_magnitude(&scaled).sqrt();
    // Whether to round up is whether the scaled square lies above (root + 1/2)^2: compare 4 * scaled with (2 root + 1)^2.
    let odd = BigInt::from(&root * 2_u32 + 1_u32);
    let middle = BigRational::from_integer(&odd * &odd);
    let four = scaled * BigRational::from_integer(BigInt::from(4));
    let above = &root + 1_u32;
    match four.cmp(&middle) {
        std::cmp::Ordering::Less => (root.clone(), root),
        std::cmp::Ordering::Greater => (above.clone(), above),
        std::cmp::Ordering::Equal if root.bit(0) => (above.clone(), above),
        std::cmp::Ordering::Equal => (root, above),
    }
}

/// An integer with a decimal point `places` digits from its end.
pub(super) fn place_point(negative: bool, digits: &BigUint, places: u32) -> String {
    let places = places as usize;
    let digits = format!("{:0>width$}", digits.to_string(), width = places + 1);
    let (whole, fraction) = digits.split_at(digits.len() - places);
    let sign = if negative { "-" } else { "" };
    if places == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::stats::testing::ratio;

    #[test]
    fn digits_are_rounded_half_even() {
        assert_eq!(decimal_digits(&ratio(63, 100), 2), "0.63");
        assert_eq!(decimal_digits(&ratio(2, 3), 5), "0.66667");
        assert_eq!(decimal_digits(&ratio(1, 8), 2), "0.12");
        assert_eq!(decimal_digits(&ratio(3, 8), 2), "0.38");
        assert_eq!(decimal_digits(&ratio(-1, 3), 3), "-0.333");
        assert_eq!(decimal_digits(&ratio(-1, 1000), 2), "0.00");
        assert_eq!(decimal_digits(&ratio(7, 2), 0), "4");
    }

    #[test]
    fn roots_show_the_digits_of_the_root() {
        assert_eq!(sqrt_digits(&ratio(2, 1), 10), "1.4142135624");
        assert_eq!(sqrt_digits(&ratio(9, 16), 2), "0.75");
        assert_eq!(sqrt_digits(&ratio(1, 400), 1), "0.0", "0.05 is a tie");
        assert_eq!(sqrt_digits(&ratio(-1, 1), 2), "0.00");
    }

    #[test]
    fn places_are_bounded() {
        assert_eq!(decimal_digits(&ratio(1, 3), u32::MAX).len(), 2 + MAX_DECIMALS as usize);
    }
}

//! A real number known to lie between two rationals: what is computed of it stays between what is printed of it.
//!
//! Roots and quantiles are not rational, so they are carried as the two numbers around them and every operation moves
//! both ends outward. A question about the number has three answers: where the ends disagree, it cannot be told.

use std::cmp::Ordering;
use std::ops::{Add, Mul, Neg, Sub};

use num_bigint::{BigInt, BigUint};
use num_rational::BigRational;
use num_traits::{One, Signed, Zero};

use super::decimal::{place_point, power_of_ten};

/// Operands with denominators of at most so many bits are computed with exactly, so that counts and their ratios stay
/// what they are; with longer ones a result is moved outward to multiples of 2^-[`GRID_BITS`], since a chain of
/// operations on rationals would double its digits at each step.
const EXACT_BITS: u64 = 128;
const GRID_BITS: u32 = 192;

/// An answer about a number that is known to lie between two others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It holds wherever the number lies.
    Yes,
    /// It holds nowhere.
    No,
    /// It depends on where between its ends the number lies.
    CannotBeTold,
}

impl Answer {
    /// Yes or no.
    pub fn of(holds: bool) -> Self {
        if holds { Self::Yes } else { Self::No }
    }

    /// Yes where both are, no where one is.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::No, _) | (_, Self::No) => Self::No,
            (Self::Yes, Self::Yes) => Self::Yes,
            _ => Self::CannotBeTold,
        }
    }
}

/// A real number between `low` and `high`, both included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enclosure {
    low: BigRational,
    high: BigRational,
}

impl Enclosure {
    /// A rational number itself.
    pub fn exact(value: BigRational) -> Self {
        Self { low: value.clone(), high: value }
    }

    /// A number between two, in either order.
    pub fn between(one: BigRational, other: BigRational) -> Self {
        if one <= other { Self { low: one, high: other } } else { Self { low: other, high: one } }
    }

    /// A number that floats bracket; `None` unless both are finite.
    pub fn between_floats(one: f64, other: f64) -> Option<Self> {
        Some(Self::between(BigRational::from_float(one)?, BigRational::from_float(other)?))
    }

    /// A number between 0 and 1 of which nothing more is known.
    pub fn unit() -> Self {
        Self { low: BigRational::zero(), high: BigRational::one() }
    }

    /// The end that is not above the number.
    pub fn low(&self) -> &BigRational {
        &self.low
    }

    /// The end that is not below the number.
    pub fn high(&self) -> &BigRational {
        &self.high
    }

    /// Whether the number is at most `threshold`.
    pub fn at_most(&self, threshold: &BigRational) -> Answer {
        match (self.low.cmp(threshold), self.high.cmp(threshold)) {
            (_, Ordering::Less | Ordering::Equal) => Answer::Yes,
            (Ordering::Greater, _) => Answer::No,
            _ => Answer::CannotBeTold,
        }
    }

    /// Whether the number is at least `threshold`.
    pub fn at_least(&self, threshold: &BigRational) -> Answer {
        (-self).at_most(&-threshold)
    }

    /// The smallest enclosure of both.
    #[must_use]
    pub fn hull(&self, other: &Self) -> Self {
        Self { low: (&self.low).min(&other.low).clone(), high: (&self.high).max(&other.high).clone() }
    }

    /// The larger of two numbers.
    #[must_use]
    pub fn max(&self, other: &Self) -> Self {
        Self { low: (&self.low).max(&other.low).clone(), high: (&self.high).max(&other.high).clone() }
    }

    /// The smaller of two numbers.
    #[must_use]
    pub fn min(&self, other: &Self) -> Self {
        Self { low: (&self.low).min(&other.low).clone(), high: (&self.high).min(&other.high).clone() }
    }

    /// The number moved to `least` or `most` where it lies beyond them.
    #[must_use]
    pub fn clamp(&self, least: &BigRational, most: &BigRational) -> Self {
        self.max(&Self::exact(least.clone())).min(&Self::exact(most.clone()))
    }

    /// The square: never negative, unlike the product of two numbers that each lie around zero.
    #[must_use]
    pub fn square(&self) -> Self {
        let zero = BigRational::zero();
        if self.low.is_negative() && self.high.is_positive() {
            let larger = (-&self.low).max(self.high.clone());
            return Self { low: zero, high: multiply(&larger, &larger, true) };
        }
        self * self
    }

    /// The quotient; `None` where the divisor may be zero.
    #[must_use]
    pub fn over(&self, divisor: &Self) -> Option<Self> {
        if !divisor.low.is_positive() && !divisor.high.is_negative() {
            return None;
        }
        Some(self * &Self { low: divisor.high.recip(), high: divisor.low.recip() })
    }

    /// The root of a number that is known not to be negative: an end below zero counts as zero.
    #[must_use]
    pub fn sqrt(&self) -> Self {
        Self { low: root(&self.low, false), high: root(&self.high, true) }
    }

    /// The number rounded down to `places` decimals, never above it.
    pub fn digits_below(&self, places: u32) -> String {
        signed_digits(&(&self.low * BigRational::from_integer(power_of_ten(places))).floor().to_integer(), places)
    }

    /// The number rounded up to `places` decimals, never below it.
    pub fn digits_above(&self, places: u32) -> String {
        signed_digits(&(&self.high * BigRational::from_integer(power_of_ten(places))).ceil().to_integer(), places)
    }

    /// The middle between the ends, for what is shown and never tested.
    pub fn middle(&self) -> BigRational {
        (&self.low + &self.high) / BigRational::from_integer(BigInt::from(2))
    }
}

impl Add for &Enclosure {
    type Output = Enclosure;

    fn add(self, other: Self) -> Enclosure {
        Enclosure { low: sum(&self.low, &other.low, false), high: sum(&self.high, &other.high, true) }
    }
}

impl Sub for &Enclosure {
    type Output = Enclosure;

    fn sub(self, other: Self) -> Enclosure {
        self + &-other
    }
}

impl Neg for &Enclosure {
    type Output = Enclosure;

    fn neg(self) -> Enclosure {
        Enclosure { low: -&self.high, high: -&self.low }
    }
}

impl Mul for &Enclosure {
    type Output = Enclosure;

    fn mul(self, other: Self) -> Enclosure {
        let (a, b, c, d) = (&self.low, &self.high, &other.low, &other.high);
        // Which ends make the least and the greatest product is known from the signs, but where both lie around zero.
        let (least, most) = match (a.is_negative(), b.is_negative(), c.is_negative(), d.is_negative()) {
            (false, _, false, _) => ((a, c), (b, d)),
            (false, _, true, true) => ((b, c), (a, d)),
            (true, true, false, _) => ((a, d), (b, c)),
            (true, true, true, true) => ((b, d), (a, c)),
            (false, _, true, false) => ((b, c), (b, d)),
            (true, true, true, false) => ((a, d), (a, c)),
            (true, false, false, _) => ((a, d), (b, d)),
            (true, false, true, true) => ((b, c), (a, c)),
            (true, false, true, false) => {
                let low = multiply(a, d, false).min(multiply(b, c, false));
                let high = multiply(a, c, true).max(multiply(b, d, true));
                return Enclosure { low, high };
            }
        };
        Enclosure { low: multiply(least.0, least.1, false), high: multiply(most.0, most.1, true) }
    }
}

fn is_short(value: &BigRational) -> bool {
    value.denom().bits() <= EXACT_BITS
}

/// The multiple of 2^-[`GRID_BITS`] next to `value`, as that many.
fn to_grid(value: &BigRational, up: bool) -> BigInt {
    quotient(&(value.numer() << GRID_BITS), value.denom(), up)
}

/// So many multiples of 2^-[`GRID_BITS`]; a power of two is all that there is to reduce by.
fn from_grid(steps: BigInt) -> BigRational {
    let spare = steps.trailing_zeros().unwrap_or(u64::from(GRID_BITS)).min(u64::from(GRID_BITS));
    BigRational::new_raw(steps >> spare, BigInt::one() << (u64::from(GRID_BITS) - spare))
}

fn sum(one: &BigRational, other: &BigRational, up: bool) -> BigRational {
    if is_short(one) && is_short(other) {
        return one + other;
    }
    from_grid(to_grid(one, up) + to_grid(other, up))
}

fn multiply(one: &BigRational, other: &BigRational, up: bool) -> BigRational {
    if is_short(one) && is_short(other) {
        return one * other;
    }
    let (numer, denom) = ((one.numer() * other.numer()) << GRID_BITS, one.denom() * other.denom());
    from_grid(quotient(&numer, &denom, up))
}

/// The integer next below or above a quotient by what is positive.
fn quotient(numer: &BigInt, denom: &BigInt, up: bool) -> BigInt {
    let toward_zero = numer / denom;
    let is_exact = &toward_zero * denom == *numer;
    match (numer.is_negative(), up) {
        (true, false) if !is_exact => toward_zero - 1,
        (false, true) if !is_exact => toward_zero + 1,
        _ => toward_zero,
    }
}

/// The root of `value`, exact where it is rational, otherwise the multiple of 2^-[`GRID_BITS`] next below or above it.
fn root(value: &BigRational, up: bool) -> BigRational {
    if !value.is_positive() {
        return BigRational::zero();
    }
    let (numer, denom) = (value.numer().magnitude(), value.denom().magnitude());
    let (numer_root, denom_root) = (numer.sqrt(), denom.sqrt());
    if &numer_root * &numer_root == *numer && &denom_root * &denom_root == *denom {
        return BigRational::new(BigInt::from(numer_root), BigInt::from(denom_root));
    }
    let scaled: BigUint = (numer << (2 * GRID_BITS)) / denom;
    let floor = scaled.sqrt();
    from_grid(BigInt::from(if up { floor + 1_u32 } else { floor }))
}

fn signed_digits(scaled: &BigInt, places: u32) -> String {
    place_point(scaled.is_negative(), scaled.magnitude(), places)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::stats::testing::ratio;

    fn between(low: (i64, i64), high: (i64, i64)) -> Enclosure {
        Enclosure::between(ratio(low.0, low.1), ratio(high.0, high.1))
    }

    #[test]
    fn a_threshold_between_the_ends_cannot_be_told() {
        let third = between((333, 1000), (334, 1000));
        assert_eq!(third.at_most(&ratio(1, 3)), Answer::CannotBeTold);
        assert_eq!(third.at_least(&ratio(1, 3)), Answer::CannotBeTold);
        assert_eq!(third.at_most(&ratio(334, 1000)), Answer::Yes);
        assert_eq!(third.at_most(&ratio(332, 1000)), Answer::No);
        assert_eq!(third.at_least(&ratio(333, 1000)), Answer::Yes);
        assert_eq!(third.at_least(&ratio(335, 1000)), Answer::No);
        let exact = Enclosure::exact(ratio(1, 10));
        assert_eq!((exact.at_most(&ratio(1, 10)), exact.at_least(&ratio(1, 10))), (Answer::Yes, Answer::Yes));
    }

    #[test]
    fn answers_are_joined_so_that_one_no_decides() {
        use Answer::{CannotBeTold, No, Yes};
        assert_eq!((Yes.and(Yes), Yes.and(No), No.and(CannotBeTold)), (Yes, No, No));
        assert_eq!((Yes.and(CannotBeTold), CannotBeTold.and(Yes)), (CannotBeTold, CannotBeTold));
    }

    #[test]
    fn printed_ends_lie_outside_the_number() {
        let tenth = between((10182, 100_000), (10182, 100_000));
        assert_eq!((tenth.digits_below(3), tenth.digits_above(3)), ("0.101".to_owned(), "0.102".to_owned()));
        let below_zero = Enclosure::exact(ratio(-1, 3));
        assert_eq!((below_zero.digits_below(2), below_zero.digits_above(2)), ("-0.34".to_owned(), "-0.33".to_owned()));
        assert_eq!(Enclosure::exact(ratio(-1, 1000)).digits_above(2), "0.00");
        assert_eq!(Enclosure::exact(ratio(1, 4)).digits_above(2), "0.25", "what is exact is not moved");
    }

    #[test]
    fn a_rational_root_is_exact_and_another_is_enclosed() {
        assert_eq!(Enclosure::exact(ratio(9, 16)).sqrt(), Enclosure::exact(ratio(3, 4)));
        assert_eq!(Enclosure::exact(ratio(-1, 16)).sqrt(), Enclosure::exact(ratio(0, 1)));
        let two = Enclosure::exact(ratio(2, 1)).sqrt();
        assert!(two.low() * two.low() < ratio(2, 1) && two.high() * two.high() > ratio(2, 1));
        assert_eq!(two.high() - two.low(), BigRational::new(BigInt::one(), BigInt::one() << GRID_BITS));
    }

    #[test]
    fn there_is_no_quotient_by_what_may_be_zero() {
        let one = Enclosure::exact(ratio(1, 1));
        for divisor in [between((-1, 1), (1, 1)), between((0, 1), (1, 1)), between((-1, 1), (0, 1))] {
            assert_eq!(one.over(&divisor), None);
        }
        assert_eq!(one.over(&between((-4, 1), (-2, 1))), Some(between((-1, 2), (-1, 4))));
    }

    #[test]
    fn floats_that_are_no_numbers_enclose_nothing() {
        assert_eq!(Enclosure::between_floats(f64::NAN, 1.0), None);
        assert_eq!(Enclosure::between_floats(0.0, f64::INFINITY), None);
        assert_eq!(Enclosure::between_floats(0.5, 0.25), Some(between((1, 4), (1, 2))));
    }

    #[test]
    fn long_denominators_are_cut_outward() {
        let mut third = Enclosure::exact(ratio(1, 3));
        for _ in 0..12 {
            third = &third * &third;
            assert!(third.low().denom().bits() <= 2 * EXACT_BITS);
            assert!(third.low() <= third.high());
        }
        assert!(third.high().is_positive());
    }

    proptest! {
        #[test]
        fn every_operation_keeps_the_numbers_inside(
            ends in proptest::array::uniform4((-60_i64..60, 1_i64..40)), at in proptest::array::uniform2(0_i64..=8),
        ) {
            let [a, b, c, d] = ends;
            let (left, right) = (between(a, b), between(c, d));
            let inside = |of: &Enclosure, at: i64| of.low() + (of.high() - of.low()) * ratio(at, 8);
            let (x, y) = (inside(&left, at[0]), inside(&right, at[1]));
            let holds = |found: &Enclosure, number: &BigRational| found.low() <= number && number <= found.high();
            prop_assert!(holds(&(&left + &right), &(&x + &y)));
            prop_assert!(holds(&(&left - &right), &(&x - &y)));
            prop_assert!(holds(&(&left * &right), &(&x * &y)));
            prop_assert!(holds(&-&left, &-&x));
            prop_assert!(holds(&left.square(), &(&x * &x)));
            prop_assert!(!left.square().low().is_negative());
            if let Some(quotient) = left.over(&right) {
                prop_assert!(holds(&quotient, &(&x / &y)));
            }
            prop_assert!(holds(&left.max(&right), (&x).max(&y)));
            prop_assert!(holds(&left.min(&right), (&x).min(&y)));
            prop_assert!(holds(&left.hull(&right), &x));
            let root = left.sqrt();
            if !x.is_negative() {
                prop_assert!(root.low() * root.low() <= x && x <= root.high() * root.high());
            }
        }

        #[test]
        fn printed_ends_are_never_inside(numer in -9999_i64..9999, denom in 1_i64..999, places in 0_u32..5) {
            let number = ratio(numer, denom);
            let found = Enclosure::exact(number.clone());
            let read = |text: &str| crate::stats::Printed::parse(text).unwrap().value();
            let step = BigRational::new(BigInt::one(), power_of_ten(places));
            let (below, above) = (read(&found.digits_below(places)), read(&found.digits_above(places)));
            prop_assert!(below <= number && &number - &below < step);
            prop_assert!(above >= number && &above - &number < step);
        }
    }
}

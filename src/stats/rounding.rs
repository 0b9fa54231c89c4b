//! Whether a printed figure is an exact value rounded: decided in integers, and saying by which rule.
//!
//! Both half-even and half-up (away from zero) are in use among those who print rates, so both are accepted; where the
//! exact value lies on a tie the answer names the one rule that the figure needs.

use num_bigint::{BigInt, BigUint, Sign};
use num_rational::BigRational;
use num_traits::{One, Signed, Zero};

use super::decimal::{MAX_DECIMALS, floor_magnitude, nearest_root, place_point, power_of_ten};

/// A printed figure longer than this is not a figure.
const MAX_PRINTED_BYTES: usize = 96;

/// Why a text is not a printed figure.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum PrintedError {
    #[error("a printed figure has {found} bytes, more than {MAX_PRINTED_BYTES}")]
    Length { found: usize },
    #[error("expected a decimal such as `0.63`, `.06` or `54%`, found `{found}`")]
    Syntax { found: String },
    #[error("a printed figure has {found} decimals, more than {MAX_DECIMALS}")]
    Decimals { found: usize },
}

/// A figure as it was printed: its text, its decimals and whether it is in percent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Printed {
    text: String,
    decimals: u32,
    percent: bool,
    /// The digits without the point: the value times 10^decimals (times 100 in percent).
    mantissa: BigInt,
}

/// How an exact value and a printed figure relate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rounding {
    /// The figure is the value rounded, under either rule.
    Both,
    /// The value lies on a tie and only half-even gives the figure.
    OnlyHalfEven,
    /// The value lies on a tie and only half-up gives the figure.
    OnlyHalfUp,
    /// The figure is not the value rounded.
    No {
        /// What the value rounds to (half-even), printed as the figure is.
        nearest: String,
    },
}

impl Rounding {
    /// True when the figure is a rounding of the value.
    pub fn agrees(&self) -> bool {
        !matches!(self, Self::No { .. })
    }
}

impl Printed {
    /// Reads `[-]digits[.digits][%]`; either side of the point may be empty, not both. No exponent, no separators.
    pub fn parse(text: &str) -> Result<Self, PrintedError> {
        if text.len() > MAX_PRINTED_BYTES {
            return Err(PrintedError::Length { found: text.len() });
        }
        let refuse = || PrintedError::Syntax { found: text.chars().flat_map(char::escape_default).collect() };
        let (body, percent) = text.strip_suffix('%').map_or((text, false), |body| (body, true));
        let (unsigned, negative) = body.strip_prefix('-').map_or((body, false), |body| (body, true));
        let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
        let digits = format!("{whole}{fraction}");
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) || unsigned.ends_with('.') {
            return Err(refuse());
        }
        let decimals = match u32::try_from(fraction.len()) {
            Ok(decimals) if decimals <= MAX_DECIMALS => decimals,
            _ => return Err(PrintedError::Decimals { found: fraction.len() }),
        };
        let magnitude = BigUint::parse_bytes(digits.as_bytes(), 10).ok_or_else(refuse)?;
        let sign = if negative { Sign::Minus } else { Sign::Plus };
        Ok(Self { text: text.to_owned(), decimals, percent, mantissa: BigInt::from_biguint(sign, magnitude) })
    }

    /// The text as printed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Digits after the point.
    pub fn decimals(&self) -> u32 {
        self.decimals
    }

    /// True for a figure in percent.
    pub fn is_percent(&self) -> bool {
        self.percent
    }

    /// The printed value itself, exactly.
    pub fn value(&self) -> BigRational {
        BigRational::new(self.mantissa.clone(), power_of_ten(self.places()))
    }

    /// One in the last place.
    pub fn step(&self) -> BigRational {
        BigRational::new(BigInt::one(), power_of_ten(self.places()))
    }

    /// Decimal places of the value behind the figure: two more for percent.
    fn places(&self) -> u32 {
        self.decimals + if self.percent { 2 } else { 0 }
    }

    fn render(&self, negative: bool, magnitude: &BigUint) -> String {
        let percent = if self.percent { "%" } else { "" };
        format!("{}{percent}", place_point(negative && !magnitude.is_zero(), magnitude, self.decimals))
    }

    fn judge(&self, negative: bool, half_even: &BigUint, half_up: &BigUint) -> Rounding {
        let signed = |magnitude: &BigUint| {
            BigInt::from_biguint(if negative { Sign::Minus } else { Sign::Plus }, magnitude.clone())
        };
        match (self.mantissa == signed(half_even), self.mantissa == signed(half_up)) {
            (true, true) => Rounding::Both,
            (true, false) => Rounding::OnlyHalfEven,
            (false, true) => Rounding::OnlyHalfUp,
            (false, false) => Rounding::No { nearest: self.render(negative, half_even) },
        }
    }
}

/// Whether `printed` is `exact` rounded to its decimals.
pub fn check_rounding(exact: &BigRational, printed: &Printed) -> Rounding {
    let scaled = exact.abs() * BigRational::from_integer(power_of_ten(printed.places()));
    let floor = floor_magnitude(&scaled);
    let rest = scaled - BigRational::from_integer(BigInt::from(floor.clone()));
    let above = &floor + 1_u32;
    let (half_even, half_up) = match rest.cmp(&BigRational::new(BigInt::one(), BigInt::from(2))) {
        std::cmp::Ordering::Less => (floor.clone(), floor),
        std::cmp::Ordering::Greater => (above.clone(), above),
        std::cmp::Ordering::Equal if floor.bit(0) => (above.clone(), above),
        std::cmp::Ordering::Equal => (floor, above),
    };
    printed.judge(exact.is_negative(), &half_even, &half_up)
}

/// Whether `printed` is the square root of `square` rounded to its decimals, decided by comparing squares.
///
/// A negative `square` has no root and agrees with nothing.
pub fn check_sqrt_rounding(square: &BigRational, printed: &Printed) -> Rounding {
    if square.is_negative() {
        return Rounding::No { nearest: "none".to_owned() };
    }
    let (half_even, half_up) = nearest_root(square, printed.places());
    printed.judge(false, &half_even, &half_up)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::stats::testing::ratio;

    fn check(numer: i64, denom: i64, printed: &str) -> Rounding {
        check_rounding(&ratio(numer, denom), &Printed::parse(printed).unwrap())
    }

    fn no(nearest: &str) -> Rounding {
        Rounding::No { nearest: nearest.to_owned() }
    }

    #[test]
    fn a_printed_figure_is_read_exactly() {
        for (text, decimals, percent, value) in [
            ("0.63", 2, false, ratio(63, 100)),
            (".06", 2, false, ratio(6, 100)),
            ("54%", 0, true, ratio(54, 100)),
            ("6.25%", 2, true, ratio(1, 16)),
            ("-1.5", 1, false, ratio(-3, 2)),
            ("-0.0", 1, false, ratio(0, 1)),
            ("7", 0, false, ratio(7, 1)),
        ] {
            let printed = Printed::parse(text).unwrap();
            assert_eq!(
                (printed.text(), printed.decimals(), printed.is_percent(), printed.value()),
                (text, decimals, percent, value)
            );
        }
    }

    #[test]
    fn a_text_that_is_no_plain_decimal_is_refused() {
        for text in
            ["", ".", "%", "-", "1.", "1e5", "+1", "1,5", "1_0", " 1", "1 ", "--1", "1.2.3", "1%%", "\u{661}", "NaN"]
        {
            assert!(matches!(Printed::parse(text), Err(PrintedError::Syntax { .. })), "{text:?}");
        }
        assert_eq!(Printed::parse(&"1".repeat(97)), Err(PrintedError::Length { found: 97 }));
        assert_eq!(Printed::parse(&format!("0.{}", "1".repeat(65))), Err(PrintedError::Decimals { found: 65 }));
    }

    #[test]
    fn a_tie_names_the_rule_it_needs() {
        assert_eq!(check(63, 100, "0.63"), Rounding::Both);
        assert_eq!(check(63, 100, "63%"), Rounding::Both);
        assert_eq!(check(63, 100, "0.64"), no("0.63"));
        assert_eq!(check(1, 8, "0.12"), Rounding::OnlyHalfEven);
        assert_eq!(check(1, 8, "0.13"), Rounding::OnlyHalfUp);
        assert_eq!(check(-1, 8, "-0.13"), Rounding::OnlyHalfUp);
        assert_eq!(check(3, 8, "0.38"), Rounding::Both);
        assert_eq!(check(3, 8, "0.37"), no("0.38"));
        assert_eq!(check(1004, 10000, "10%"), Rounding::Both);
        assert_eq!(check(1, 3, "-0.33"), no("0.33"));
        assert_eq!(check(545, 1000, "54%"), Rounding::OnlyHalfEven);
    }

    #[test]
    fn a_root_is_compared_by_its_square() {
        let popularity = ratio(63 * 37, 100 * 100 * 99);
        let sqrt = |printed: &str| check_sqrt_rounding(&popularity, &Printed::parse(printed).unwrap());
        assert_eq!(sqrt(".04852"), Rounding::Both);
        assert_eq!(sqrt("0.049"), Rounding::Both);
        assert_eq!(sqrt("4.9%"), Rounding::Both);
        assert_eq!(sqrt("0.048"), no("0.049"));
        let tie = ratio(25, 10000);
        assert_eq!(check_sqrt_rounding(&tie, &Printed::parse("0.0").unwrap()), Rounding::OnlyHalfEven);
        assert_eq!(check_sqrt_rounding(&tie, &Printed::parse("0.1").unwrap()), Rounding::OnlyHalfUp);
        assert_eq!(check_sqrt_rounding(&ratio(0, 1), &Printed::parse("0").unwrap()), Rounding::Both);
        assert!(!check_sqrt_rounding(&ratio(-1, 1), &Printed::parse("0").unwrap()).agrees());
    }

    /// Brute force: every neighbour is tried, and the nearest ones are the legal roundings.
    fn by_distance(exact: &BigRational, decimals: u32) -> (Vec<BigInt>, BigInt) {
        let ulp = BigRational::new(BigInt::one(), power_of_ten(decimals));
        let around = (exact / &ulp).floor().to_integer();
        let candidates: Vec<BigInt> = (-2..=2).map(|offset| &around + offset).collect();
        let distance = |n: &BigInt| (exact - &ulp * BigRational::from_integer(n.clone())).abs();
        let best = candidates.iter().map(distance).min().unwrap();
        let nearest: Vec<BigInt> = candidates.into_iter().filter(|n| distance(n) == best).collect();
        let away = nearest.iter().max_by_key(|n| n.magnitude().clone()).unwrap().clone();
        (nearest, away)
    }

    proptest! {
        #[test]
        fn rounding_agrees_with_brute_force(numer in -5000_i64..5000, denom in 1_i64..2000, decimals in 0_u32..5, offset in -1_i64..=1) {
            let exact = ratio(numer, denom);
            let (nearest, away) = by_distance(&exact, decimals);
            let mantissa = &away + offset;
            let printed = Printed { text: String::new(), decimals, percent: false, mantissa: mantissa.clone() };
            let expected = if !nearest.contains(&mantissa) {
                None
            } else if nearest.len() == 1 {
                Some(Rounding::Both)
            } else if !mantissa.bit(0) && mantissa != away {
                Some(Rounding::OnlyHalfEven)
            } else if !mantissa.bit(0) {
                Some(Rounding::Both)
            } else if mantissa == away {
                Some(Rounding::OnlyHalfUp)
            } else {
                None
            };
            let found = check_rounding(&exact, &printed);
            match expected {
                Some(expected) => prop_assert_eq!(found, expected),
                None => prop_assert!(!found.agrees()),
            }
        }

        #[test]
        fn the_root_of_a_square_rounds_as_the_number_itself(numer in 0_i64..5000, denom in 1_i64..2000, decimals in 0_u32..5, offset in -1_i64..=1) {
            let exact = ratio(numer, denom);
            let (_, away) = by_distance(&exact, decimals);
            let printed = Printed { text: String::new(), decimals, percent: false, mantissa: away + offset };
            prop_assert_eq!(check_sqrt_rounding(&(&exact * &exact), &printed), check_rounding(&exact, &printed));
        }

        #[test]
        fn reading_a_figure_never_panics(text in "\\PC{0,40}") {
            let _ = Printed::parse(&text);
        }
    }
}

//! A large count as people print it: `7.06M`, `~8M`, `12k`. Held to the exact count like any rounded figure.

use num_bigint::BigInt;
use num_rational::BigRational;

use super::rounding::{Printed, Rounding, check_rounding};

/// What a letter behind the figure stands for.
const UNITS: &[(char, u64)] = &[('k', 1_000), ('K', 1_000), ('M', 1_000_000), ('B', 1_000_000_000)];

/// A printed count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrintedCount {
    figure: Printed,
    unit: u64,
}

impl PrintedCount {
    /// Reads `[~]digits[.digits]k|M|B`; a figure without a letter is an exact count and none of these.
    pub fn parse(text: &str) -> Option<Self> {
        let figure = text.strip_prefix('~').unwrap_or(text);
        let letter = figure.chars().next_back()?;
        let (_, unit) = UNITS.iter().find(|(unit, _)| *unit == letter)?;
        let figure = Printed::parse(figure.strip_suffix(letter)?).ok()?;
        let is_count = !figure.is_percent() && !figure.text().starts_with('-');
        is_count.then_some(Self { figure, unit: *unit })
    }

    /// Whether it is this count, rounded.
    pub fn holds(&self, count: u64) -> Rounding {
        check_rounding(&BigRational::new(BigInt::from(count), BigInt::from(self.unit)), &self.figure)
    }

    /// How far it is from a count, in parts of the count; none where there is nothing.
    pub fn off(&self, count: u64) -> Option<BigRational> {
        let count = BigRational::from_integer(BigInt::from(count));
        let printed = self.figure.value() * BigRational::from_integer(BigInt::from(self.unit));
        (count > BigRational::from_integer(0.into())).then(|| (printed - &count) / count)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_printed_count_is_held_to_the_exact_one_at_its_own_rounding() {
        for (text, count, agrees) in [
            ("7.06M", 7_060_840, true),
            ("~7M", 7_060_840, true),
            ("~8M", 7_060_840, false),
            ("7.1M", 7_060_840, true),
            ("12k", 12_499, true),
            ("12K", 12_501, false),
            ("1.5B", 1_450_000_000, true),
            ("0k", 499, true),
        ] {
            assert_eq!(PrintedCount::parse(text).unwrap().holds(count).agrees(), agrees, "{text} {count}");
        }
        let off = PrintedCount::parse("~8M").unwrap().off(7_060_840).unwrap();
        assert_eq!(crate::stats::decimal::decimal_digits(&off, 4), "0.1330");
        assert_eq!(PrintedCount::parse("1k").unwrap().off(0), None);
    }

    #[test]
    fn what_is_no_printed_count_is_none() {
        for text in ["", "8", "M", "~", "~M", "-8M", "8%M", "8 M", "8MM", "8m", "8e6", "1,000k", "8T"] {
            assert_eq!(PrintedCount::parse(text), None, "{text:?}");
        }
    }
}

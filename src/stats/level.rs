//! How sure an interval is, and of which of its bounds: a confidence level and its sides.

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Signed, ToPrimitive};

use super::enclosure::Enclosure;
use super::special::normal_quantile;
use crate::codec::wire_enum;

wire_enum! {
    /// Which bounds an interval has.
    pub enum Sides, "the sides of an interval" {
        /// Both, each missed with half of the error probability.
        Two = 1 "two-sided",
        /// A lower bound alone.
        Lower = 2 "lower",
        /// An upper bound alone.
        Upper = 3 "upper",
    }
}

/// Smaller error probabilities than this are no statement about an experiment, and tails are not computed for them.
const MIN_ALPHA_EXPONENT: usize = 12;

/// Why a level is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum LevelError {
    #[error("a confidence level lies between 1/2 and 1 - 10^-12, found {found}")]
    Range { found: BigRational },
    #[error("a level is shared among at least one statement")]
    NoStatements,
}

/// A confidence level: the error probability alpha, exactly, and the sides it speaks of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Level {
    alpha: BigRational,
    sides: Sides,
}

impl Level {
    /// A confidence of at least 1/2 and at most 1 - 10^-12.
    pub fn new(confidence: BigRational, sides: Sides) -> Result<Self, LevelError> {
        let alpha = BigRational::one() - &confidence;
        let least = BigRational::new(BigInt::one(), num_traits::pow(BigInt::from(10), MIN_ALPHA_EXPONENT));
        let most = BigRational::new(BigInt::one(), BigInt::from(2));
        if alpha < least || alpha > most {
            return Err(LevelError::Range { found: confidence });
        }
        Ok(Self { alpha, sides })
    }

    /// A confidence in percent, such as 95.
    pub fn percent(percent: u8, sides: Sides) -> Result<Self, LevelError> {
        Self::new(BigRational::new(percent.into(), 100.into()), sides)
    }

    /// The error probability.
    pub fn alpha(&self) -> &BigRational {
        &self.alpha
    }

    /// 1 - alpha.
    pub fn confidence(&self) -> BigRational {
        BigRational::one() - &self.alpha
    }

    /// The sides.
    pub fn sides(&self) -> Sides {
        self.sides
    }

    /// The error probability of one bound: half of alpha where there are two.
    pub fn tail(&self) -> BigRational {
        match self.sides {
            Sides::Two => &self.alpha / BigRational::from_integer(BigInt::from(2)),
            Sides::Lower | Sides::Upper => self.alpha.clone(),
        }
    }

    /// [`Self::tail`] as the nearest float, for the functions that have a tail as their argument.
    pub(super) fn tail_float(&self) -> f64 {
        self.tail().to_f64().unwrap_or(f64::NAN)
    }

    /// How many standard errors a bound lies away, for what is normally distributed.
    pub fn normal(&self) -> Enclosure {
        normal_quantile(self.tail_float()).expect("the tail of a level lies between 0 and 1/2")
    }

    /// The level at which each of `statements` must hold so that all of them hold at this one, however they depend on
    /// each other.
    ///
    /// Source: C. E. Bonferroni, 1936; O. J. Dunn, "Multiple comparisons among means", 1961
    pub fn bonferroni(&self, statements: u64) -> Result<Self, LevelError> {
        if statements == 0 {
            return Err(LevelError::NoStatements);
        }
        Self::new(BigRational::one() - &self.alpha / BigRational::from_integer(BigInt::from(statements)), self.sides)
    }

    /// The same level with other sides.
    #[must_use]
    pub fn with_sides(&self, sides: Sides) -> Self {
        Self { alpha: self.alpha.clone(), sides }
    }

    /// The confidence in percent as exact decimal text where it ends within `places`, rounded down otherwise.
    pub fn percent_digits(&self, places: u32) -> String {
        let percent = self.confidence() * BigRational::from_integer(BigInt::from(100));
        debug_assert!(percent.is_positive());
        let text = Enclosure::exact(percent).digits_below(places);
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::stats::testing::ratio;

    #[test]
    fn two_sides_share_the_error_and_one_side_has_it_all() {
        assert_eq!(Level::percent(95, Sides::Two).unwrap().tail(), ratio(1, 40));
        assert_eq!(Level::percent(95, Sides::Upper).unwrap().tail(), ratio(1, 20));
        assert_eq!(Level::percent(95, Sides::Lower).unwrap().confidence(), ratio(19, 20));
    }

    #[test]
    fn what_is_no_level_is_refused() {
        for (numer, denom) in [(0, 1), (1, 1), (49, 100), (3, 2), (-1, 2), (i64::MAX - 1, i64::MAX)] {
            let found = ratio(numer, denom);
            assert_eq!(Level::new(found.clone(), Sides::Two), Err(LevelError::Range { found }));
        }
        let shown = Level::percent(100, Sides::Two).unwrap_err().to_string();
        assert_eq!(shown, "a confidence level lies between 1/2 and 1 - 10^-12, found 1");
    }

    #[test]
    fn statements_share_a_level() {
        let level = Level::percent(95, Sides::Upper).unwrap();
        assert_eq!(level.bonferroni(27).unwrap().alpha(), &ratio(1, 540));
        assert_eq!(level.bonferroni(0), Err(LevelError::NoStatements));
        assert_eq!(level.bonferroni(27).unwrap().percent_digits(3), "99.814");
        assert_eq!(level.percent_digits(3), "95");
        assert_eq!(Level::new(ratio(995, 1000), Sides::Two).unwrap().percent_digits(3), "99.5");
    }
}

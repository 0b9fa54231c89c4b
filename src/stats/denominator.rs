//! Which rows a rate is divided by, and how far the rows that are missing could move it.

use num_bigint::BigInt;
use num_rational::BigRational;

use super::estimate::StatsError;

/// What became of one row of the grid that was to be run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowState {
    /// It has a score and nothing speaks against it.
    Valid,
    /// It has a score, but ended in an error or was declared invalid.
    ScoredOnly,
    /// It is there without a score.
    Unscored,
}

/// The three counts that a rate may be divided by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Denominators {
    /// Rows that were to be run; absent where nobody declared them.
    pub expected: Option<u64>,
    /// Rows that have a score.
    pub scored: u64,
    /// Scored rows that nothing speaks against.
    pub valid: u64,
    /// Rows that are there at all.
    pub present: u64,
}

impl Denominators {
    /// Counts rows against the number that was declared.
    pub fn of(expected: Option<u64>, rows: impl IntoIterator<Item = RowState>) -> Self {
        let mut counts = Self { expected, scored: 0, valid: 0, present: 0 };
        for row in rows {
            counts.present += 1;
            counts.scored += u64::from(row != RowState::Unscored);
            counts.valid += u64::from(row == RowState::Valid);
        }
        counts
    }

    /// Expected rows without a score; `None` where nobody declared the grid or there are more rows than declared.
    pub fn missing(&self) -> Option<u64> {
        self.expected?.checked_sub(self.scored)
    }
}

/// The least and greatest rate over the expected rows, whatever the missing ones would have scored in 0..=1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bounds {
    /// With every missing row 0.
    pub low: BigRational,
    /// With every missing row 1.
    pub high: BigRational,
}

/// Bounds of a rate whose `counted` rows sum to `sum` when `expected` rows were to be there.
pub fn bounds(sum: &BigRational, counted: u64, expected: u64) -> Result<Bounds, StatsError> {
    let missing = expected.checked_sub(counted).ok_or(StatsError::MoreThanExpected { counted, expected })?;
    if expected == 0 {
        return Err(StatsError::NoObservations);
    }
    let over = |sum: BigRational| sum / BigRational::from_integer(BigInt::from(expected));
    Ok(Bounds { low: over(sum.clone()), high: over(sum + BigRational::from_integer(BigInt::from(missing))) })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::stats::testing::ratio;

    #[test]
    fn each_denominator_counts_its_own_rows() {
        let rows = [RowState::Valid, RowState::Valid, RowState::ScoredOnly, RowState::Unscored];
        let counts = Denominators::of(Some(6), rows);
        assert_eq!((counts.scored, counts.valid, counts.present, counts.missing()), (3, 2, 4, Some(3)));
        assert_eq!(Denominators::of(None, rows).missing(), None);
        assert_eq!(Denominators::of(Some(2), rows).missing(), None, "more rows than declared");
    }

    #[test]
    fn missing_rows_span_the_bounds() {
        let found = bounds(&ratio(66, 1), 265, 497).unwrap();
        assert_eq!(found, Bounds { low: ratio(66, 497), high: ratio(66 + 232, 497) });
        assert_eq!(bounds(&ratio(1, 1), 2, 1), Err(StatsError::MoreThanExpected { counted: 2, expected: 1 }));
        assert_eq!(bounds(&ratio(0, 1), 0, 0), Err(StatsError::NoObservations));
    }
}

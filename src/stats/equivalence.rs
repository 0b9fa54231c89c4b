//! Equal enough, no worse, or neither shown: two one-sided tests against margins that were fixed beforehand.
//!
//! "No significant difference" is no evidence of equality. Here the difference must be shown to lie within the margins;
//! an interval that reaches beyond one of them leaves it undecided.

use num_rational::BigRational;
use num_traits::{Signed, ToPrimitive, Zero};

use super::decision::Decision;
use super::enclosure::{Answer, Enclosure};
use super::interval::Interval;
use super::student::{t_error, t_upper_tail};

/// Why equivalence has no test.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum EquivalenceError {
    #[error("the margins of equivalence are {low} and {high}: the lower must lie below the upper")]
    Margins { low: Box<BigRational>, high: Box<BigRational> },
    #[error("at alpha {alpha} each bound is missed with that probability; the interval's are with {found}")]
    Level { alpha: Box<BigRational>, found: Box<BigRational> },
    #[error("equivalence needs both bounds of an interval")]
    OneSided,
    #[error("the standard error is 0 or less: no t can be formed")]
    NoError,
    #[error("there is no Student's t with these degrees of freedom")]
    Freedom,
}

/// What differences are equal enough: those between two margins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Margins {
    low: BigRational,
    high: BigRational,
}

impl Margins {
    /// Differences above `low` and below `high`.
    pub fn new(low: BigRational, high: BigRational) -> Result<Self, EquivalenceError> {
        if low >= high {
            return Err(EquivalenceError::Margins { low: Box::new(low), high: Box::new(high) });
        }
        Ok(Self { low, high })
    }

    /// Whether `interval` shows the difference to lie within the margins at `alpha`: it lies inside.
    ///
    /// Its two bounds must each be missed with `alpha`, as those of an interval of level 1 - 2 alpha are. It is refuted
    /// where the interval lies beyond a margin, and undecided in between.
    ///
    /// Source: D. J. Schuirmann, "A comparison of the two one-sided tests procedure and the power approach", 1987
    pub fn hold(&self, interval: &Interval, alpha: &BigRational) -> Result<Decision, EquivalenceError> {
        let (Some(low), Some(high)) = (interval.low(), interval.high()) else {
            return Err(EquivalenceError::OneSided);
        };
        has_tail(interval, alpha)?;
        let inside = above(low, &self.low).and(below(high, &self.high));
        let outside = [above(low, &self.high), below(high, &self.low)];
        Ok(match inside {
            Answer::Yes => Decision::Holds,
            _ if outside.contains(&Answer::Yes) => Decision::DoesNotHold,
            _ => Decision::CannotBeDecided,
        })
    }

    /// Whether `interval` shows the difference to lie above the lower margin: no worse, where higher is better.
    pub fn not_below(&self, interval: &Interval, alpha: &BigRational) -> Result<Decision, EquivalenceError> {
        has_tail(interval, alpha)?;
        let low = interval.low().ok_or(EquivalenceError::OneSided)?;
        let refuted = interval.high().is_some_and(|high| below(high, &self.low) == Answer::Yes);
        Ok(match above(low, &self.low) {
            Answer::Yes => Decision::Holds,
            _ if refuted => Decision::DoesNotHold,
            _ => Decision::CannotBeDecided,
        })
    }

    /// The probabilities of the two one-sided t-tests of an estimate with its squared standard error.
    ///
    /// t = (estimate - margin) / se against each margin; the larger of the two is the test's.
    pub fn tost(
        &self,
        estimate: &BigRational,
        variance: &BigRational,
        freedom: f64,
    ) -> Result<OneSidedTests, EquivalenceError> {
        if !variance.is_positive() {
            return Err(EquivalenceError::NoError);
        }
        let error = Enclosure::exact(variance.clone()).sqrt();
        let tail = |distance: BigRational| {
            let t = Enclosure::exact(distance).over(&error).ok_or(EquivalenceError::NoError)?;
            t_tail(&t, freedom).ok_or(EquivalenceError::Freedom)
        };
        Ok(OneSidedTests { not_below: tail(estimate - &self.low)?, not_above: tail(&self.high - estimate)? })
    }
}

/// Probabilities of seeing what was seen, or what speaks more against a margin, were the difference at that margin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OneSidedTests {
    /// Against the difference lying at the lower margin.
    pub not_below: Enclosure,
    /// Against the difference lying at the upper margin.
    pub not_above: Enclosure,
}

impl OneSidedTests {
    /// The probability of the joint test: the larger of the two, with no correction for there being two.
    pub fn p(&self) -> Enclosure {
        self.not_below.max(&self.not_above)
    }
}

fn has_tail(interval: &Interval, alpha: &BigRational) -> Result<(), EquivalenceError> {
    let found = interval.level().tail();
    if found == *alpha {
        return Ok(());
    }
    Err(EquivalenceError::Level { alpha: Box::new(alpha.clone()), found: Box::new(found) })
}

fn above(bound: &Enclosure, margin: &BigRational) -> Answer {
    match bound.at_most(margin) {
        Answer::Yes => Answer::No,
        Answer::No => Answer::Yes,
        Answer::CannotBeTold => Answer::CannotBeTold,
    }
}

fn below(bound: &Enclosure, margin: &BigRational) -> Answer {
    above(&-bound, &-margin)
}

/// The upper tail of Student's t at a number that is known to lie between two.
fn t_tail(t: &Enclosure, freedom: f64) -> Option<Enclosure> {
    let error = t_error(freedom);
    let at = |t: &BigRational| t_upper_tail(t.to_f64()?, freedom);
    let (low, high) = (at(t.high())?, at(t.low())?);
    let found = Enclosure::between_floats(low * (1.0 - error), high * (1.0 + error))?;
    Some(found.clamp(&BigRational::zero(), Enclosure::unit().high()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::stats::testing::ratio;
    use crate::stats::{Level, Method, Sides, Target};

    fn interval(low: i64, high: i64, percent: u8, sides: Sides) -> Interval {
        let end = |at| Enclosure::exact(ratio(at, 100));
        Interval::new(end(low), end(high), Level::percent(percent, sides).unwrap(), Target::Seeds, Method::Welch)
    }

    fn margins() -> Margins {
        Margins::new(ratio(-3, 100), ratio(3, 100)).unwrap()
    }

    #[test]
    fn equality_is_shown_only_by_an_interval_inside_the_margins() {
        let alpha = ratio(1, 20);
        for (low, high, expected) in [
            (-2, 2, Decision::Holds),
            (-3, 2, Decision::CannotBeDecided),
            (-1, 4, Decision::CannotBeDecided),
            (-9, 9, Decision::CannotBeDecided),
            (4, 5, Decision::DoesNotHold),
            (-9, -4, Decision::DoesNotHold),
        ] {
            assert_eq!(margins().hold(&interval(low, high, 90, Sides::Two), &alpha), Ok(expected), "{low} {high}");
        }
    }

    #[test]
    fn no_worse_looks_at_one_margin_alone() {
        let alpha = ratio(1, 20);
        let not_below = |low, high, sides| {
            let percent = if sides == Sides::Two { 90 } else { 95 };
            margins().not_below(&interval(low, high, percent, sides), &alpha)
        };
        assert_eq!(not_below(-2, 50, Sides::Two), Ok(Decision::Holds));
        assert_eq!(not_below(-2, 50, Sides::Lower), Ok(Decision::Holds));
        assert_eq!(not_below(-4, 50, Sides::Lower), Ok(Decision::CannotBeDecided));
        assert_eq!(not_below(-9, -4, Sides::Two), Ok(Decision::DoesNotHold));
        assert_eq!(not_below(-9, -4, Sides::Upper), Err(EquivalenceError::OneSided));
    }

    #[test]
    fn an_interval_of_another_level_or_side_tests_something_else() {
        let error = margins().hold(&interval(-1, 1, 95, Sides::Two), &ratio(1, 20)).unwrap_err();
        let expected = "at alpha 1/20 each bound is missed with that probability; the interval's are with 1/40";
        assert_eq!(error.to_string(), expected);
        let one_sided = margins().hold(&interval(-1, 1, 95, Sides::Upper), &ratio(1, 20));
        assert_eq!(one_sided, Err(EquivalenceError::OneSided));
        let none = Margins::new(ratio(3, 100), ratio(3, 100)).unwrap_err();
        let expected = "the margins of equivalence are 3/100 and 3/100: the lower must lie below the upper";
        assert_eq!(none.to_string(), expected);
    }

    #[test]
    fn the_tests_probability_is_that_of_the_nearer_margin() {
        // .01 with se .01 and 6 degrees: t = 4 and 2.
        let found = margins().tost(&ratio(1, 100), &ratio(1, 10_000), 6.0).unwrap();
        assert_eq!(
            (found.not_below.digits_above(6), found.not_above.digits_below(6)),
            ("0.003560".into(), "0.046213".into())
        );
        assert_eq!(found.p(), found.not_above);
        assert_eq!(margins().tost(&ratio(0, 1), &ratio(0, 1), 6.0), Err(EquivalenceError::NoError));
        assert_eq!(margins().tost(&ratio(0, 1), &ratio(1, 1), 0.0), Err(EquivalenceError::Freedom));
    }

    #[test]
    fn the_tests_and_the_interval_decide_alike() {
        for step in -8..=8 {
            let (estimate, variance) = (ratio(step, 200), ratio(1, 10_000));
            let level = Level::percent(90, Sides::Two).unwrap();
            let t = crate::stats::t_of_level(&level, 6.0).unwrap();
            let half = &t * &Enclosure::exact(ratio(1, 100));
            let (low, high) =
                (&Enclosure::exact(estimate.clone()) - &half, &Enclosure::exact(estimate.clone()) + &half);
            let interval = Interval::new(low, high, level, Target::Seeds, Method::Welch);
            let by_interval = margins().hold(&interval, &ratio(1, 20)).unwrap() == Decision::Holds;
            let p = margins().tost(&estimate, &variance, 6.0).unwrap().p();
            assert_eq!(p.at_most(&ratio(1, 20)) == Answer::Yes, by_interval, "{step}");
        }
    }
}

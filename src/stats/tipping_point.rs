//! How many verdicts must be wrong, and in which arm, before an assertion falls.
//!
//! It needs no audit and no model of the judge: three verdicts of 8,100 say more about a claim than a p-value does.

use super::proportion::Proportion;
use super::two_arms::TwoArms;

/// Which way verdicts are taken to be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flip {
    /// Rows that were not counted should have been.
    ToCounted,
    /// Rows that were counted should not have been.
    ToUncounted,
}

impl Flip {
    /// The other way.
    #[must_use]
    pub fn opposite(self) -> Self {
        match self {
            Self::ToCounted => Self::ToUncounted,
            Self::ToUncounted => Self::ToCounted,
        }
    }

    /// The most verdicts that can flip this way.
    fn most(self, of: &Proportion) -> u64 {
        match self {
            Self::ToCounted => of.n() - of.k(),
            Self::ToUncounted => of.k(),
        }
    }

    /// The proportion with `flips` verdicts turned, at most as many as there are.
    fn apply(self, of: &Proportion, flips: u64) -> Proportion {
        let flips = flips.min(self.most(of));
        let k = match self {
            Self::ToCounted => of.k() + flips,
            Self::ToUncounted => of.k() - flips,
        };
        Proportion::new(k, of.n()).unwrap_or(*of)
    }
}

/// The fewest verdicts that must flip `way` before `holds` fails; none where it still holds with all of them flipped.
///
/// 0 where it does not hold as things are. `holds` must not come to hold again with more flips, as an assertion about a
/// bound or a difference does not.
pub fn fewest_flips(of: &Proportion, way: Flip, holds: impl Fn(&Proportion) -> bool) -> Option<u64> {
    let most = way.most(of);
    if holds(&way.apply(of, most)) {
        return None;
    }
    // The fewest lies in low..=high: it fails with `high` flips.
    let (mut low, mut high) = (0, most);
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(&way.apply(of, middle)) { low = middle + 1 } else { high = middle }
    }
    Some(high)
}

/// Flips that overturn an assertion about two arms, in each arm alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TippingPoint {
    /// Verdicts of the subject arm; none where all of them flipped do not overturn it.
    pub subject: Option<u64>,
    /// Verdicts of the comparator arm, the other way.
    pub comparator: Option<u64>,
}

impl TippingPoint {
    /// Where `holds` falls when verdicts of the subject flip `way` and those of the comparator the opposite way.
    pub fn of(arms: &TwoArms, way: Flip, holds: impl Fn(&TwoArms) -> bool) -> Self {
        Self {
            subject: fewest_flips(&arms.subject, way, |subject| holds(&TwoArms { subject: *subject, ..*arms })),
            comparator: fewest_flips(&arms.comparator, way.opposite(), |comparator| {
                holds(&TwoArms { comparator: *comparator, ..*arms })
            }),
        }
    }

    /// The fewest flips in one arm, whichever it is; none where no arm's own verdicts can overturn the assertion.
    pub fn fewest(&self) -> Option<u64> {
        match (self.subject, self.comparator) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::stats::testing::{of, ratio};
    use crate::stats::{Answer, Level, Sides};

    #[test]
    fn a_rate_just_below_its_threshold_falls_with_few_verdicts() {
        let at_most_ten_percent = |found: &Proportion| found.rate() <= ratio(1, 10);
        assert_eq!(fewest_flips(&of(807, 8100), Flip::ToCounted, at_most_ten_percent), Some(4));
        assert_eq!(fewest_flips(&of(811, 8100), Flip::ToCounted, at_most_ten_percent), Some(0));
        assert_eq!(fewest_flips(&of(807, 8100), Flip::ToUncounted, at_most_ten_percent), None);
    }

    #[test]
    fn each_arm_has_its_own_tipping_point() {
        // A fall of 47 points asserted to be 30 or more at 95 %, on 300 rows each.
        let arms = TwoArms { subject: of(21, 300), comparator: of(162, 300) };
        let level = Level::percent(95, Sides::Two).unwrap();
        let holds = |arms: &TwoArms| arms.newcombe(&level).at_most(&ratio(-3, 10)) == Answer::Yes;
        let found = TippingPoint::of(&arms, Flip::ToCounted, holds);
        assert_eq!(found, TippingPoint { subject: Some(30), comparator: Some(32) });
        assert_eq!(found.fewest(), Some(30));
        let never = TippingPoint::of(&arms, Flip::ToCounted, |_| true);
        assert_eq!((never, never.fewest()), (TippingPoint { subject: None, comparator: None }, None));
    }

    proptest! {
        #[test]
        fn it_is_the_first_that_fails(k in 0_u64..40, more in 0_u64..40, least in 0_u64..80) {
            prop_assume!(k + more > 0);
            for way in [Flip::ToCounted, Flip::ToUncounted] {
                let holds = |found: &Proportion| match way {
                    Flip::ToCounted => found.k() <= least,
                    Flip::ToUncounted => found.k() >= least,
                };
                let found = of(k, k + more);
                let by_hand = (0..=way.most(&found)).find(|flips| !holds(&way.apply(&found, *flips)));
                prop_assert_eq!(fewest_flips(&found, way, holds), by_hand);
            }
        }
    }
}

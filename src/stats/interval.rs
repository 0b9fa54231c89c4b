//! An interval says its bounds, how sure it is, which question it answers and how it was computed; never less.
//!
//! The *target* is the question. An interval for the checkpoints at hand is not one for the method that made them: it
//! is the narrower the more rollouts were bought, whatever another training seed would have given.

use num_rational::BigRational;

use super::enclosure::{Answer, Enclosure};
use super::level::{Level, Sides};
use crate::codec::wire_enum;

wire_enum! {
    /// What would be drawn anew if the experiment were repeated: what an interval speaks about.
    pub enum Target, "the target of an interval" {
        /// The rollouts alone: these checkpoints, these conditions.
        Rollouts = 1 "these checkpoints and conditions",
        /// The training seeds too: the method, under these conditions.
        Seeds = 2 "new training seeds, these conditions",
        /// The conditions as well.
        Conditions = 3 "new conditions",
    }
}

wire_enum! {
    /// How an interval was computed, by the name its statistic has in the literature.
    pub enum Method, "the method of an interval" {
        /// Score interval of a proportion (Wilson 1927).
        Wilson = 1 "wilson",
        /// Exact interval of a proportion (Clopper and Pearson 1934).
        ClopperPearson = 2 "clopper-pearson",
        /// Difference of independent proportions, hybrid of their Wilson intervals (Newcombe 1998, method 10).
        Newcombe = 3 "newcombe",
        /// Difference of paired proportions, hybrid of their Wilson intervals (Newcombe 1998, paired method 10).
        NewcombePaired = 4 "newcombe-paired",
        /// Score interval of a difference or ratio of independent proportions (Miettinen and Nurminen 1985).
        MiettinenNurminen = 5 "miettinen-nurminen",
        /// Score interval of a ratio of independent proportions (Koopman 1984).
        Koopman = 6 "koopman",
        /// Linear function of proportions from their single intervals (Zou, Huang and Zhang 2009).
        Mover = 7 "mover",
        /// Ratio of two means (Fieller 1954).
        Fieller = 8 "fieller",
        /// A mean by Student's t.
        Student = 9 "student-t",
        /// Difference of means of unequal variance (Welch 1947).
        Welch = 10 "welch",
        /// Mean of paired differences by Student's t.
        PairedStudent = 11 "paired-t",
        /// A rate corrected for a judge's errors (Rogan and Gladen 1978; interval of Lang and Reiczigel 2014).
        RoganGladen = 12 "rogan-gladen",
        /// A rate corrected by an audit, each binomial in it bounded exactly and their errors added.
        AuditedBonferroni = 13 "audited, bonferroni of clopper-pearson",
        /// Exact bounds widened by every missing row at its worst.
        WorstCase = 14 "clopper-pearson with missing rows at their worst",
        /// Inversion of an exact permutation test.
        Permutation = 15 "permutation",
        /// Percentiles of crossed resampling over seeds and conditions.
        CrossedResampling = 16 "crossed resampling",
        /// Seeds and clusters of conditions both as draws, by Student's t.
        CrossedStudent = 17 "crossed t",
    }
}

/// Bounds of an unknown number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interval {
    bounds: Sided,
    level: Level,
    target: Target,
    method: Method,
}

/// The bounds that a level speaks of: one at least.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Sided {
    Both(Enclosure, Enclosure),
    Low(Enclosure),
    High(Enclosure),
}

impl Interval {
    /// An interval of the bounds that `level` speaks of; a bound that it does not speak of is dropped.
    ///
    /// Both must have been computed with the error probability [`Level::tail`].
    pub fn new(low: Enclosure, high: Enclosure, level: Level, target: Target, method: Method) -> Self {
        let bounds = match level.sides() {
            Sides::Two => Sided::Both(low, high),
            Sides::Lower => Sided::Low(low),
            Sides::Upper => Sided::High(high),
        };
        Self { bounds, level, target, method }
    }

    /// The lower bound, where there is one.
    pub fn low(&self) -> Option<&Enclosure> {
        match &self.bounds {
            Sided::Both(low, _) | Sided::Low(low) => Some(low),
            Sided::High(_) => None,
        }
    }

    /// The upper bound, where there is one.
    pub fn high(&self) -> Option<&Enclosure> {
        match &self.bounds {
            Sided::Both(_, high) | Sided::High(high) => Some(high),
            Sided::Low(_) => None,
        }
    }

    /// How sure it is.
    pub fn level(&self) -> &Level {
        &self.level
    }

    /// What it speaks about.
    pub fn target(&self) -> Target {
        self.target
    }

    /// How it was computed.
    pub fn method(&self) -> Method {
        self.method
    }

    /// Whether all of it is at most `threshold`; no where it has no upper bound.
    pub fn at_most(&self, threshold: &BigRational) -> Answer {
        self.high().map_or(Answer::No, |bound| bound.at_most(threshold))
    }

    /// Whether all of it is at least `threshold`; no where it has no lower bound.
    pub fn at_least(&self, threshold: &BigRational) -> Answer {
        self.low().map_or(Answer::No, |bound| bound.at_least(threshold))
    }

    /// Whether `value` lies in it, its bounds included.
    pub fn contains(&self, value: &BigRational) -> Answer {
        let above = self.low().map_or(Answer::Yes, |bound| bound.at_most(value));
        above.and(self.high().map_or(Answer::Yes, |bound| bound.at_least(value)))
    }

    /// The same bounds for another quantity: each passed through a function that falls, so that they change places.
    #[must_use]
    pub fn mirrored(&self, falling: impl Fn(&Enclosure) -> Enclosure) -> Self {
        let (bounds, sides) = match &self.bounds {
            Sided::Both(low, high) => (Sided::Both(falling(high), falling(low)), Sides::Two),
            Sided::Low(low) => (Sided::High(falling(low)), Sides::Upper),
            Sided::High(high) => (Sided::Low(falling(high)), Sides::Lower),
        };
        Self { bounds, level: self.level.with_sides(sides), ..*self }
    }

    /// The bounds to `places` decimals, each rounded outward: `0.012 to 0.114`, `at most 0.094`, `at least 0.3`.
    pub fn digits(&self, places: u32) -> String {
        match &self.bounds {
            Sided::Both(low, high) => format!("{} to {}", low.digits_below(places), high.digits_above(places)),
            Sided::Low(low) => format!("at least {}", low.digits_below(places)),
            Sided::High(high) => format!("at most {}", high.digits_above(places)),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::stats::testing::ratio;

    impl Interval {
        /// Whether both have the same sides and bounds that may be the same numbers.
        pub(in crate::stats) fn meets(&self, other: &Self) -> bool {
            let meet = |one: Option<&Enclosure>, other: Option<&Enclosure>| match (one, other) {
                (Some(one), Some(other)) => one.low() <= other.high() && other.low() <= one.high(),
                (one, other) => one.is_none() && other.is_none(),
            };
            meet(self.low(), other.low()) && meet(self.high(), other.high())
        }
    }

    fn interval(sides: Sides) -> Interval {
        let (low, high) = (Enclosure::between(ratio(11, 100), ratio(12, 100)), Enclosure::exact(ratio(1, 3)));
        Interval::new(low, high, Level::percent(95, sides).unwrap(), Target::Rollouts, Method::Wilson)
    }

    #[test]
    fn only_the_sides_of_the_level_are_printed_and_each_outward() {
        assert_eq!(interval(Sides::Two).digits(2), "0.11 to 0.34");
        assert_eq!(interval(Sides::Lower).digits(1), "at least 0.1");
        assert_eq!(interval(Sides::Upper).digits(3), "at most 0.334");
    }

    #[test]
    fn a_threshold_is_held_against_the_bound_that_faces_it() {
        let both = interval(Sides::Two);
        assert_eq!(both.at_most(&ratio(1, 3)), Answer::Yes);
        assert_eq!(both.at_most(&ratio(1, 4)), Answer::No);
        assert_eq!(both.at_least(&ratio(115, 1000)), Answer::CannotBeTold);
        assert_eq!(both.contains(&ratio(115, 1000)), Answer::CannotBeTold);
        assert_eq!(both.contains(&ratio(1, 4)), Answer::Yes);
        assert_eq!(both.contains(&ratio(1, 2)), Answer::No);
        assert_eq!(interval(Sides::Lower).at_most(&ratio(1, 1)), Answer::No, "nothing bounds it above");
        assert_eq!(interval(Sides::Upper).contains(&ratio(-9, 1)), Answer::Yes);
    }

    #[test]
    fn a_falling_function_swaps_the_bounds_and_the_side() {
        let falling = |bound: &Enclosure| &Enclosure::exact(ratio(1, 1)) - bound;
        assert_eq!(interval(Sides::Two).mirrored(falling).digits(2), "0.66 to 0.89");
        let one_sided = interval(Sides::Upper).mirrored(falling);
        assert_eq!((one_sided.digits(2), one_sided.level().sides()), ("at least 0.66".to_owned(), Sides::Lower));
    }

    #[test]
    fn names_and_numbers_on_the_wire_are_each_others() {
        for method in Method::ALL {
            assert_eq!(
                (Method::from_id(method.id()).unwrap(), Method::from_name(method.name())),
                (*method, Some(*method))
            );
        }
        for target in Target::ALL {
            assert_eq!(Target::from_name(target.name()), Some(*target));
        }
    }
}

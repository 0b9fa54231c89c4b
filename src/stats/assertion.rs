//! What a claim asserts of true values, such as `subject <= 10% and reduction >= 30 points at 95%`, and whether it holds.
//!
//! A statement holds where the bound that faces its threshold lies on the right side, and does not hold where the other
//! bound lies on the wrong one; between, it cannot be decided at this n. Statements joined by `and` need no correction:
//! each is made at the full level, and all of them hold only if the worst of them does (an intersection-union test).
//!
//! Source: R. L. Berger, "Multiparameter hypothesis testing and acceptance sampling", 1982

mod bounds;
mod words;

pub use bounds::{Relation, TailBounds};

use std::collections::BTreeMap;
use std::fmt;

use num_bigint::BigInt;
use num_rational::BigRational;

use self::words::{Words, refused};
use super::decision::Decision;
use super::level::{Level, LevelError, Sides};
use super::rounding::{Printed, PrintedError};

/// An assertion is a line of a protocol, not a program.
const MAX_ASSERTION_BYTES: usize = 1024;

/// What a statement is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Quantity {
    /// The mean of the subject arm.
    Subject,
    /// The mean of the comparator arm.
    Comparator,
    /// Subject less comparator.
    Difference,
    /// Comparator less subject.
    Reduction,
    /// Reduction over comparator.
    RelativeReduction,
    /// Subject over comparator.
    Ratio,
    /// How much smaller the subject's generalization gap is than the comparator's.
    GapReduction,
    /// The interaction of the two factors of a 2×2 design.
    Interaction,
}

impl Quantity {
    /// Every quantity with its name in assertions.
    pub const NAMES: [(Self, &'static str); 8] = [
        (Self::Subject, "subject"),
        (Self::Comparator, "comparator"),
        (Self::Difference, "difference"),
        (Self::Reduction, "reduction"),
        (Self::RelativeReduction, "relative-reduction"),
        (Self::Ratio, "ratio"),
        (Self::GapReduction, "gap-reduction"),
        (Self::Interaction, "interaction"),
    ];

    /// The name in assertions.
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(known, _)| *known == self).map_or("", |(_, name)| name)
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why a text is no assertion, or an assertion has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum AssertionError {
    #[error("an assertion has at most {MAX_ASSERTION_BYTES} bytes, found {found}")]
    Length { found: usize },
    #[error("expected {expected} in an assertion, found `{found}`")]
    Syntax { expected: &'static str, found: String },
    #[error(transparent)]
    Number(#[from] PrintedError),
    #[error(transparent)]
    Level(#[from] LevelError),
    #[error("the assertion speaks of the {quantity}, which was not estimated")]
    NotEstimated { quantity: Quantity },
    #[error("the bounds of the {quantity} are missed with probability {found}, the assertion allows {allowed}")]
    Tail { quantity: Quantity, found: Box<BigRational>, allowed: Box<BigRational> },
}

/// One statement about one quantity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// What it is about.
    pub quantity: Quantity,
    /// How it compares.
    pub relation: Relation,
    /// The threshold as it is written.
    pub printed: Printed,
    /// Whether it is written in percentage points.
    pub in_points: bool,
}

impl Statement {
    /// The threshold: 10% and 10 points are 1/10.
    pub fn threshold(&self) -> BigRational {
        let value = self.printed.value();
        if self.in_points { value / BigRational::from_integer(BigInt::from(100)) } else { value }
    }
}

impl fmt::Display for Statement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let points = if self.in_points { " points" } else { "" };
        write!(f, "{} {} {}{points}", self.quantity, self.relation.sign(), self.printed.text())
    }
}

/// Statements that must all hold, and the level at which each is decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assertion {
    /// At least one.
    pub statements: Vec<Statement>,
    /// Confidence of each bound; its sides are those of the protocol.
    pub level: Level,
}

/// An assertion held against bounds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// All statements together.
    pub decision: Decision,
    /// Each in turn.
    pub statements: Vec<(Statement, Decision)>,
}

impl Assertion {
    /// Reads `QUANTITY RELATION NUMBER[%| points] [and …] at PERCENT%`; how many sides the level has is said apart.
    pub fn parse(text: &str, sides: Sides) -> Result<Self, AssertionError> {
        if text.len() > MAX_ASSERTION_BYTES {
            return Err(AssertionError::Length { found: text.len() });
        }
        let mut words = Words::of(text);
        let mut statements = Vec::new();
        loop {
            statements.push(words.statement()?);
            match words.next("`and` or `at`")? {
                "and" => {}
                "at" => break,
                other => return Err(refused("`and` or `at`", other)),
            }
        }
        let confidence = words.number()?;
        if !confidence.is_percent() {
            return Err(refused("a level in percent", confidence.text()));
        }
        match words.rest.last() {
            None => Ok(Self { statements, level: Level::new(confidence.value(), sides)? }),
            Some(more) => Err(refused("the end", more)),
        }
    }

    /// Holds each statement against the bounds of its quantity.
    ///
    /// Bounds that are less sure than the assertion asks for are refused; surer ones are taken.
    pub fn judge(&self, bounds: &BTreeMap<Quantity, TailBounds>) -> Result<Judged, AssertionError> {
        let mut statements = Vec::new();
        for statement in &self.statements {
            let quantity = statement.quantity;
            let found = bounds.get(&quantity).ok_or(AssertionError::NotEstimated { quantity })?;
            if found.tail > self.level.tail() {
                let (found, allowed) = (Box::new(found.tail.clone()), Box::new(self.level.tail()));
                return Err(AssertionError::Tail { quantity, found, allowed });
            }
            statements.push((statement.clone(), statement.relation.decide(found, &statement.threshold())));
        }
        let decision = Decision::all(statements.iter().map(|(_, decision)| *decision));
        Ok(Judged { decision, statements })
    }
}

impl fmt::Display for Assertion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, statement) in self.statements.iter().enumerate() {
            write!(f, "{}{statement}", if at == 0 { "" } else { " and " })?;
        }
        write!(f, " at {}%", self.level.percent_digits(10))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::super::enclosure::Enclosure;
    use super::super::interval::{Interval, Method, Target};
    use super::*;
    use crate::stats::testing::ratio;

    const HEADLINE: &str = "subject <= 10% and reduction >= 30 points at 95%";

    fn bounds(low: i64, high: i64) -> TailBounds {
        let end = |permille| Some(Enclosure::exact(ratio(permille, 1000)));
        TailBounds { low: end(low), high: end(high), tail: ratio(1, 40), target: Target::Seeds, method: Method::Welch }
    }

    fn judge(text: &str, subject: TailBounds, reduction: TailBounds) -> Result<Judged, AssertionError> {
        let bounds = BTreeMap::from([(Quantity::Subject, subject), (Quantity::Reduction, reduction)]);
        Assertion::parse(text, Sides::Two).unwrap().judge(&bounds)
    }

    #[test]
    fn an_assertion_is_read_and_written_back() {
        let found = Assertion::parse(HEADLINE, Sides::Two).unwrap();
        assert_eq!(found.to_string(), HEADLINE);
        assert_eq!(found.statements[0].threshold(), ratio(1, 10));
        assert_eq!(found.statements[1].threshold(), ratio(3, 10));
        assert_eq!(found.level.tail(), ratio(1, 40));
        for (same, written) in [
            ("subject≤10 % and reduction≥30 points at 95 %", HEADLINE),
            ("ratio<.5 at 99.5%", "ratio < .5 at 99.5%"),
            ("difference > -2.50% and gap-reduction>=0 at 90%", "difference > -2.50% and gap-reduction >= 0 at 90%"),
        ] {
            assert_eq!(Assertion::parse(same, Sides::Two).unwrap().to_string(), written);
        }
    }

    #[test]
    fn what_is_no_assertion_is_refused_by_what_was_expected() {
        for (text, expected) in [
            (
                "",
                "expected a quantity (subject, comparator, difference, reduction, relative-reduction, ratio, \
                  gap-reduction, interaction) in an assertion, found `the end`",
            ),
            ("subject", "expected <=, >=, < or > in an assertion, found `the end`"),
            ("subject = 10% at 95%", "expected <=, >=, < or > in an assertion, found `=`"),
            ("subject <= 10%", "expected `and` or `at` in an assertion, found `the end`"),
            ("subject <= 10% or ratio < 1 at 95%", "expected `and` or `at` in an assertion, found `or`"),
            ("subject <= 10% points at 95%", "expected percent or points, not both in an assertion, found `points`"),
            ("subject <= 10% at 0.95", "expected a level in percent in an assertion, found `0.95`"),
            ("subject <= 10% at 95% always", "expected the end in an assertion, found `always`"),
            ("subject <= 10% at 100%", "a confidence level lies between 1/2 and 1 - 10^-12, found 1"),
        ] {
            assert_eq!(Assertion::parse(text, Sides::Two).unwrap_err().to_string(), expected, "{text}");
        }
        assert!(matches!(Assertion::parse("subject <= ten at 95%", Sides::Two), Err(AssertionError::Number(_))));
        let long = "subject <= 1 and ".repeat(100);
        assert_eq!(Assertion::parse(&long, Sides::Two), Err(AssertionError::Length { found: long.len() }));
    }

    #[test]
    fn an_assertion_holds_fails_or_cannot_be_decided() {
        let reduction = bounds(400, 540);
        let decision = |subject, reduction| judge(HEADLINE, subject, reduction).unwrap().decision;
        assert_eq!(decision(bounds(40, 100), reduction.clone()), Decision::Holds);
        assert_eq!(decision(bounds(38, 102), reduction.clone()), Decision::CannotBeDecided);
        assert_eq!(decision(bounds(101, 200), reduction), Decision::DoesNotHold);
        assert_eq!(decision(bounds(40, 90), bounds(250, 299)), Decision::DoesNotHold);
        let judged = judge(HEADLINE, bounds(40, 90), bounds(250, 350)).unwrap();
        let each: Vec<Decision> = judged.statements.iter().map(|(_, decision)| *decision).collect();
        assert_eq!(
            (judged.decision, each),
            (Decision::CannotBeDecided, vec![Decision::Holds, Decision::CannotBeDecided])
        );
    }

    #[test]
    fn a_bound_on_the_threshold_counts_for_at_most_and_against_below() {
        let found = bounds(100, 100);
        let tenth = ratio(1, 10);
        for (relation, expected) in [
            (Relation::AtMost, Decision::Holds),
            (Relation::AtLeast, Decision::Holds),
            (Relation::Below, Decision::DoesNotHold),
            (Relation::Above, Decision::DoesNotHold),
        ] {
            assert_eq!(relation.decide(&found, &tenth), expected, "{relation:?}");
        }
        // A bound that is itself known only between two numbers decides nothing between them.
        let vague = TailBounds { high: Some(Enclosure::between(ratio(99, 1000), ratio(101, 1000))), ..bounds(50, 0) };
        assert_eq!(Relation::AtMost.decide(&vague, &tenth), Decision::CannotBeDecided);
        let none = TailBounds { low: None, high: None, ..bounds(0, 0) };
        assert_eq!(Relation::AtMost.decide(&none, &tenth), Decision::CannotBeDecided);
    }

    #[test]
    fn bounds_that_are_not_there_or_not_sure_enough_are_refused() {
        let missing = judge("ratio < 1 at 95%", bounds(0, 1), bounds(0, 1)).unwrap_err();
        assert_eq!(missing.to_string(), "the assertion speaks of the ratio, which was not estimated");
        let unsure = TailBounds { tail: ratio(1, 20), ..bounds(0, 1) };
        assert_eq!(
            judge(HEADLINE, unsure, bounds(0, 1)).unwrap_err().to_string(),
            "the bounds of the subject are missed with probability 1/20, the assertion allows 1/40"
        );
    }

    #[test]
    fn a_one_sided_interval_supports_and_never_refutes() {
        let level = Level::percent(95, Sides::Upper).unwrap();
        let end = |permille| Enclosure::exact(ratio(permille, 1000));
        let interval = Interval::new(end(300), end(400), level.clone(), Target::Seeds, Method::Student);
        let found = TailBounds::from(&interval);
        assert_eq!(Relation::AtMost.decide(&found, &ratio(4, 10)), Decision::Holds);
        assert_eq!(Relation::AtMost.decide(&found, &ratio(1, 10)), Decision::CannotBeDecided);
        // Both one-sided bounds do.
        let both = TailBounds::both(&level, |level| {
            let method = Method::Student;
            Ok::<_, AssertionError>(Interval::new(end(300), end(400), level.clone(), Target::Seeds, method))
        });
        let both = both.unwrap();
        assert_eq!((both.low, both.high.clone(), both.tail.clone()), (Some(end(300)), Some(end(400)), ratio(1, 20)));
        let refuted = TailBounds { low: Some(end(300)), ..found };
        assert_eq!(Relation::AtMost.decide(&refuted, &ratio(1, 10)), Decision::DoesNotHold);
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in "[a-z0-9<>=≤≥%. -]{0,60}") {
            if let Ok(found) = Assertion::parse(&text, Sides::Two) {
                let written = found.to_string();
                prop_assert_eq!(Assertion::parse(&written, Sides::Two).unwrap().to_string(), written);
            }
        }

        #[test]
        fn a_relation_and_its_negation_never_both_hold(low in -50_i64..50, width in 0_i64..50, at in -60_i64..110) {
            let found = bounds(low, low + width);
            let threshold = ratio(at, 1000);
            for (relation, negation) in [(Relation::AtMost, Relation::Above), (Relation::AtLeast, Relation::Below)] {
                let (one, other) = (relation.decide(&found, &threshold), negation.decide(&found, &threshold));
                let expected = match one {
                    Decision::Holds => Decision::DoesNotHold,
                    Decision::DoesNotHold => Decision::Holds,
                    Decision::CannotBeDecided => Decision::CannotBeDecided,
                };
                prop_assert_eq!(other, expected);
            }
        }
    }
}

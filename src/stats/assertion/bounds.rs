//! Bounds of a true value, and how it compares with a threshold.

use num_rational::BigRational;

use crate::stats::decision::Decision;
use crate::stats::enclosure::{Answer, Enclosure};
use crate::stats::interval::{Interval, Method, Target};
use crate::stats::level::{Level, Sides};

/// Bounds of a true value, each missed with at most the same error probability.
///
/// Unlike a one-sided [`Interval`] it may have both bounds at the full error probability, so that a statement can be
/// refuted at the same level at which it can be supported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TailBounds {
    /// The lower bound, where there is one.
    pub low: Option<Enclosure>,
    /// The upper bound, where there is one.
    pub high: Option<Enclosure>,
    /// The error probability of each.
    pub tail: BigRational,
    /// What they speak about.
    pub target: Target,
    /// How they were computed.
    pub method: Method,
}

impl From<&Interval> for TailBounds {
    fn from(interval: &Interval) -> Self {
        Self {
            low: interval.low().cloned(),
            high: interval.high().cloned(),
            tail: interval.level().tail(),
            target: interval.target(),
            method: interval.method(),
        }
    }
}

impl TailBounds {
    /// Both bounds at the error probability of one bound of `level`, from a function that makes intervals.
    pub fn both<E>(level: &Level, interval: impl Fn(&Level) -> Result<Interval, E>) -> Result<Self, E> {
        if level.sides() == Sides::Two {
            return Ok(Self::from(&interval(level)?));
        }
        let lower = interval(&level.with_sides(Sides::Lower))?;
        Ok(Self { low: lower.low().cloned(), ..Self::from(&interval(&level.with_sides(Sides::Upper))?) })
    }
}

/// How a true value compares with a threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "each variant is its name")]
pub enum Relation {
    AtMost,
    Below,
    AtLeast,
    Above,
}

impl Relation {
    /// Each with its sign.
    const SIGNS: [(Self, &'static str); 6] = [
        (Self::AtMost, "<="),
        (Self::AtLeast, ">="),
        (Self::Below, "<"),
        (Self::Above, ">"),
        (Self::AtMost, "≤"),
        (Self::AtLeast, "≥"),
    ];

    pub(super) fn parse(sign: &str) -> Option<Self> {
        Self::SIGNS.iter().find(|(_, known)| *known == sign).map(|(relation, _)| *relation)
    }

    pub(super) fn sign(self) -> &'static str {
        Self::SIGNS.iter().find(|(known, _)| *known == self).map_or("", |(_, sign)| sign)
    }

    /// What the bounds say of a true value that is claimed to stand in this relation to `threshold`.
    pub fn decide(self, bounds: &TailBounds, threshold: &BigRational) -> Decision {
        let holds = |bound: &Enclosure| match self {
            Self::AtMost => bound.at_most(threshold),
            Self::AtLeast => bound.at_least(threshold),
            Self::Below => not(bound.at_least(threshold)),
            Self::Above => not(bound.at_most(threshold)),
        };
        let (worst, best) = match self {
            Self::AtMost | Self::Below => (&bounds.high, &bounds.low),
            Self::AtLeast | Self::Above => (&bounds.low, &bounds.high),
        };
        if worst.as_ref().map(holds) == Some(Answer::Yes) {
            Decision::Holds
        } else if best.as_ref().map(holds) == Some(Answer::No) {
            Decision::DoesNotHold
        } else {
            Decision::CannotBeDecided
        }
    }
}

fn not(answer: Answer) -> Answer {
    match answer {
        Answer::Yes => Answer::No,
        Answer::No => Answer::Yes,
        Answer::CannotBeTold => Answer::CannotBeTold,
    }
}

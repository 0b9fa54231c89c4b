//! Numbers that the tests of this folder are made of.

#![allow(clippy::unwrap_used, reason = "tests")]

use num_rational::BigRational;

use super::{Level, Proportion, Sides, TwoArms};

pub(super) fn ratio(numer: i64, denom: i64) -> BigRational {
    BigRational::new(numer.into(), denom.into())
}

/// A rate of `k` in `n`.
pub(super) fn of(k: u64, n: u64) -> Proportion {
    Proportion::new(k, n).unwrap()
}

/// Two arms, each of `k` in `n`.
pub(super) fn arms(subject: (u64, u64), comparator: (u64, u64)) -> TwoArms {
    TwoArms { subject: of(subject.0, subject.1), comparator: of(comparator.0, comparator.1) }
}

/// A level of both sides.
pub(super) fn level(percent: u8) -> Level {
    Level::percent(percent, Sides::Two).unwrap()
}

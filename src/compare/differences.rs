//! What two claims say differently, and what that means for their numbers.

use std::collections::BTreeSet;
use std::fmt::Display;

use super::gap::CellPair;
use super::side::Shown;
use crate::codec::wire_enum;
use crate::digest::Digest;
use crate::statement::{Arm, Stated};

wire_enum! {
    /// What a difference means for the numbers.
    pub enum Bearing, "the bearing of a difference" {
        /// The numbers are of different quantities.
        Quantity = 0 "another quantity",
        /// One side does not say: whether they are of one quantity is open.
        Unsaid = 1 "one side does not say",
        /// Another draw of the same: that is what noise is.
        Draw = 2 "another draw",
        /// Told otherwise, and the same number.
        Record = 3 "told otherwise",
    }
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Which field: stable.
    pub field: &'static str,
    /// Of which arm, where it is of one.
    pub arm: Option<String>,
    /// What the first claim says; none where it does not.
    pub a: Option<String>,
    /// What the second says.
    pub b: Option<String>,
    /// What it means.
    pub bearing: Bearing,
}

#[derive(Default)]
struct Found {
    differences: Vec<Difference>,
    same: Vec<&'static str>,
}

impl Found {
    fn hold(&mut self, field: &'static str, arm: Option<&str>, bearing: Bearing, a: Option<String>, b: Option<String>) {
        if a == b {
            if a.is_some() && arm.is_none() {
                self.same.push(field);
            }
            return;
        }
        let is_unsaid = (a.is_none() || b.is_none()) && bearing == Bearing::Quantity;
        let bearing = if is_unsaid { Bearing::Unsaid } else { bearing };
        self.differences.push(Difference { field, arm: arm.map(str::to_owned), a, b, bearing });
    }
}

fn stated<T: Display>(value: &Stated<T>) -> Option<String> {
    value.value().map(ToString::to_string)
}

#[expect(clippy::unnecessary_wraps, reason = "a field that is always said, beside those that may not be")]
fn text(value: impl Display) -> Option<String> {
    Some(value.to_string())
}

/// Digests as a set; none where there are none.
fn digests(of: &BTreeSet<Digest>) -> Option<String> {
    let texts: Vec<String> = of.iter().map(ToString::to_string).collect();
    (!texts.is_empty()).then(|| texts.join(", "))
}

/// What differs, the gravest first, and which fields both say alike.
pub(super) fn differences(a: &Shown, b: &Shown, cells: &[CellPair]) -> (Vec<Difference>, Vec<&'static str>) {
    use Bearing::{Draw, Quantity, Record};
    let mut found = Found::default();
    let (left, right) = (&a.claim, &b.claim);
    let mut hold = |field, bearing, a, b| found.hold(field, None, bearing, a, b);
    hold("cell family", Record, text(&left.cell_family), text(&right.cell_family));
    hold("metric scorer", Quantity, text(&left.metric.scorer), text(&right.metric.scorer));
    hold("metric key", Quantity, key(&left.metric.key), key(&right.metric.key));
    hold("direction", Quantity, text(left.metric.direction), text(right.metric.direction));
    hold("parser", Record, stated(&left.metric.parser), stated(&right.metric.parser));
    hold("judge", Quantity, judges(a), judges(b));
    hold("judge audit", Record, audited(a), audited(b));
    let prompt = |of: &Shown| of.claim.judge.value().and_then(|judge| stated(&judge.prompt));
    hold("judge prompt", Quantity, prompt(a), prompt(b));
    let (one, other) = (&left.eval, &right.eval);
    hold("suite", Quantity, stated(&one.suite), stated(&other.suite));
    hold("conditions", Quantity, text(one.conditions), text(other.conditions));
    hold("condition ids", Quantity, stated(&one.condition_ids), stated(&other.condition_ids));
    hold("samples", Quantity, text(one.samples), text(other.samples));
    hold("repeats", Draw, text(one.repeats), text(other.repeats));
    hold("temperature", Quantity, stated(&one.temperature), stated(&other.temperature));
    hold("prod", Quantity, stated(&one.prod), stated(&other.prod));
    hold("assistant name", Quantity, stated(&one.assistant_name), stated(&other.assistant_name));
    hold("max tokens", Quantity, stated(&one.max_tokens), stated(&other.max_tokens));
    let steps = |of: &Shown| {
        let names: Vec<&str> = of.claim.aggregation.iter().map(|step| step.name()).collect();
        Some(names.join(", "))
    };
    hold("aggregation", Quantity, steps(a), steps(b));
    hold("denominator", Quantity, text(left.denominator), text(right.denominator));
    let error = |of: &Shown| of.claim.error.value().map(|rule| format!("{} over {}", rule.stat, rule.unit));
    hold("error rule", Record, error(a), error(b));
    hold("seeds planned", Draw, text(left.seeds.planned), text(right.seeds.planned));
    hold("seeds used", Draw, text(left.seeds.used), text(right.seeds.used));
    hold("spec", Quantity, digests(&a.specs), digests(&b.specs));
    hold(
        "registered",
        Record,
        stated(&left.plan).map(|_| "yes".to_owned()),
        stated(&right.plan).map(|_| "yes".to_owned()),
    );
    let attempts = |of: &Shown| {
        let disclosed = &of.claim.attempts_disclosed;
        Some(format!("{} trained, {} evaluated", disclosed.train, disclosed.eval))
    };
    hold("attempts", Record, attempts(a), attempts(b));
    for pair in cells {
        of_arm(&mut found, a, b, pair);
    }
    found.differences.sort_by_key(|difference| difference.bearing);
    (found.differences, found.same)
}

/// A score without a key is a score all the same, and not one that is not said.
#[expect(clippy::unnecessary_wraps, reason = "a field that is always said, beside those that may not be")]
fn key(key: &Stated<String>) -> Option<String> {
    Some(key.value().cloned().unwrap_or_else(|| "a single score".to_owned()))
}

/// Said where the samples are at hand and no model judged them.
pub(super) const NO_JUDGE: &str = "no judge";

/// The judges that were seen, or else those that the claim names.
pub(super) fn judges(of: &Shown) -> Option<String> {
    let named = || of.claim.judge.value().map(|judge| judge.observed_models.iter().cloned().collect());
    let judges: BTreeSet<String> = if of.judges.is_empty() { named().unwrap_or_default() } else { of.judges.clone() };
    match (judges.is_empty(), of.number.is_ok()) {
        (false, _) => Some(judges.into_iter().collect::<Vec<_>>().join(", ")),
        // The samples are here, and no model judged them.
        (true, true) => Some(NO_JUDGE.to_owned()),
        (true, false) => None,
    }
}

/// Whether people read some of the judge's verdicts again.
#[expect(clippy::unnecessary_wraps, reason = "a field that is always said, beside those that may not be")]
fn audited(of: &Shown) -> Option<String> {
    let word = match &of.audits {
        None => "none",
        Some(Ok(_)) => "of each arm",
        Some(Err(_)) => "one that says nothing",
    };
    Some(word.to_owned())
}

fn arm_of<'s>(of: &'s Shown, label: &str) -> Option<&'s Arm> {
    let claim = &of.claim;
    let others = claim.contrast.value().map_or(&[][..], |contrast| contrast.others.as_slice());
    let all =
        std::iter::once(&claim.subject).chain(claim.comparator.value()).chain(others.iter().map(|other| &other.arm));
    all.into_iter().find(|arm| arm.arm == label)
}

fn of_arm(found: &mut Found, a: &Shown, b: &Shown, pair: &CellPair) {
    let (left, right) = (&pair.a, &pair.b);
    let mut hold = |field, bearing, a, b| found.hold(field, Some(&left.arm), bearing, a, b);
    hold("name", Bearing::Record, text(&left.arm), text(&right.arm));
    hold("role", Bearing::Record, text(left.role), text(right.role));
    if let (Some(one), Some(other)) = (arm_of(a, &left.arm), arm_of(b, &right.arm)) {
        hold("kind", Bearing::Quantity, stated(&one.kind), stated(&other.kind));
        hold("base", Bearing::Quantity, stated(&one.base), stated(&other.base));
    }
    let weights = |of: &Shown, arm: &str| {
        let claimed = arm_of(of, arm).map(|arm| arm.checkpoints.iter().copied().collect()).unwrap_or_default();
        digests(of.weights.get(arm).unwrap_or(&claimed))
    };
    hold("weights", Bearing::Draw, weights(a, &left.arm), weights(b, &right.arm));
    hold("n", Bearing::Draw, text(left.n), text(right.n));
    let value = |printed: &str, only: bool| Some(format!("{printed}{}", if only { ", printed only" } else { "" }));
    if left.is_printed_only() || right.is_printed_only() {
        hold(
            "value",
            Bearing::Draw,
            value(&left.printed, left.is_printed_only()),
            value(&right.printed, right.is_printed_only()),
        );
    }
    let conditions = |cell: &super::Cell| cell.conditions();
    hold("condition names", Bearing::Quantity, conditions(left), conditions(right));
}

//! `stat.assertion`: does what the claim asserts follow, with the uncertainty that its own rule allows for?

use num_rational::BigRational;
use num_traits::Signed;

use crate::check::arms::join;
use crate::check::statistic::drawing::{Drawing, NoBounds};
use crate::check::statistic::interval::{Bounded, bounds, confidence};
use crate::check::statistic::stat_recompute::no_number;
use crate::check::{Case, Check, Finding, Number, Outcome};
use crate::statement::{Claim, ContrastKind, IntervalTarget, Quantity, Relation, Term};
use crate::stats::{self, Decision, Enclosure, Printed, TailBounds};

pub(in crate::check) const ENTRY: &dyn Check = &StatAssertion;
const ID: &str = "stat.assertion";

/// Percent of confidence below which a reader is told how little it is: the claim chooses its own level.
const SURE: u32 = 90;

struct StatAssertion;

impl Check for StatAssertion {
    fn id(&self) -> &'static str {
        ID
    }

    fn question(&self) -> &'static str {
        "Does what the claim asserts hold, with the uncertainty counted in that its own rule names?"
    }

    fn run(&self, case: &Case<'_>) -> Finding {
        match case.number() {
            Ok((claim, number)) => judge(claim, number, case.drawing()).at(case.input_entries()),
            Err(problem) => no_number(ID, problem),
        }
    }
}

/// Holds each term to the interval that its own rule gives.
pub(in crate::check) fn judge(claim: &Claim, number: &Number, drawing: &Drawing) -> Finding {
    let Some(assertion) = claim.assertion.value() else {
        return Finding::new(ID, Outcome::NotApplicable, "the claim asserts nothing beyond its numbers, and says so");
    };
    if assertion.terms.is_empty() {
        return Finding::new(ID, Outcome::Unknown, "the claim's assertion has no terms");
    }
    let terms = assertion.terms.iter().map(|term| (said(term), judge_term(claim, number, term, drawing))).collect();
    join(ID, terms)
}

/// A term in words.
pub(in crate::check) fn said(term: &Term) -> String {
    format!("{} {} {}", term.of, term.is, term.bound)
}

fn judge_term(claim: &Claim, number: &Number, term: &Term, drawing: &Drawing) -> Finding {
    let bound = match Printed::parse(&term.bound) {
        Ok(bound) => bound.value(),
        Err(error) => return Finding::new(ID, Outcome::Fail, error.to_string()),
    };
    if let Some(why) = no_equivalence(claim, term, &bound) {
        return Finding::new(ID, Outcome::Fail, why);
    }
    let found = match bounds(claim, number, term.of, &term.by, drawing) {
        Ok(found) => found,
        Err(none) => return unknown(ID, none),
    };
    let interval = words(&found);
    let (outcome, reason) = match decide(term.is, &found.bounds, &bound) {
        Decision::Holds => (Outcome::Pass, format!("holds: {interval}")),
        Decision::DoesNotHold => (Outcome::Fail, format!("does not hold: {interval}")),
        Decision::CannotBeDecided if is_near(&found, &bound) => (
            Outcome::Unknown,
            format!("cannot be decided by these draws, within three of whose errors the threshold lies: {interval}"),
        ),
        Decision::CannotBeDecided => (Outcome::Unknown, format!("cannot be decided at this n: {interval}")),
    };
    let mut finding = Finding::new(ID, outcome, reason);
    if found.level.confidence() < BigRational::new(SURE.into(), 100.into()) {
        finding = finding.warn(format!("asserted with a confidence of {} only", confidence(&found.level)));
    }
    match term.by.target {
        IntervalTarget::Conditions => finding.warn("what is asserted of new conditions is exploratory"),
        IntervalTarget::Checkpoints | IntervalTarget::Seeds => finding,
    }
}

/// A finding that there are no bounds.
pub(in crate::check) fn unknown(id: &'static str, none: NoBounds) -> Finding {
    Finding { next: none.next.map(str::to_owned), ..Finding::new(id, Outcome::Unknown, none.why) }
}

/// Whether a threshold lies where a drawn bound may be.
fn is_near(found: &Bounded, threshold: &BigRational) -> bool {
    // Of an equivalence the threshold stands on both sides of 0.
    let thresholds = [threshold.clone(), -threshold];
    let may_be = |bound: &&Enclosure| thresholds.iter().any(|at| bound.low() <= at && at <= bound.high());
    let bounds = [found.bounds.low.as_ref(), found.bounds.high.as_ref()];
    found.is_drawn && bounds.iter().flatten().any(may_be)
}

/// An interval in words.
pub(in crate::check) fn words(found: &Bounded) -> String {
    let Bounded { bounds, level, how, .. } = found;
    let how = how.as_ref().map_or(String::new(), |how| format!(" ({how})"));
    format!(
        "the {} interval for {} by {} is {}{how}",
        confidence(level),
        bounds.target,
        bounds.method,
        shown(bounds.low.as_ref(), bounds.high.as_ref())
    )
}

/// What bounds say of a quantity that is asserted to stand in a relation to a threshold.
///
/// Equivalence is two one-sided tests, each at the full error rate of one bound: both have to hold, and one that is
/// refuted refutes it.
///
/// Source: D. J. Schuirmann, "A comparison of the two one-sided tests procedure and the power approach", 1987
pub(in crate::check) fn decide(is: Relation, bounds: &TailBounds, threshold: &BigRational) -> Decision {
    let one = |relation: stats::Relation, threshold: &BigRational| relation.decide(bounds, threshold);
    match is {
        Relation::AtMost => one(stats::Relation::AtMost, threshold),
        Relation::AtLeast => one(stats::Relation::AtLeast, threshold),
        Relation::Within => {
            Decision::all([one(stats::Relation::AtLeast, &-threshold), one(stats::Relation::AtMost, threshold)])
        }
    }
}

/// Why a term asserts no equivalence that there can be: only two arms are equivalent, by a margin above 0.
fn no_equivalence(claim: &Claim, term: &Term, margin: &BigRational) -> Option<String> {
    if term.is != Relation::Within {
        return None;
    }
    let kind = claim.contrast.value().map(|contrast| contrast.kind);
    match (term.of, kind) {
        (Quantity::Subject | Quantity::Comparator, _) => {
            Some(format!("the {} is one arm: only two arms are equivalent", term.of))
        }
        (Quantity::Contrast, Some(kind @ (ContrastKind::Ratio | ContrastKind::RelativeReduction))) => {
            Some(format!("a {kind} is not near 0 where two arms are equivalent: assert it of their difference"))
        }
        (Quantity::Contrast, _) if !margin.is_positive() => {
            Some(format!("a margin of equivalence lies above 0, found {}", term.bound.escape_default()))
        }
        (Quantity::Contrast, _) => None,
    }
}

/// Both bounds, rounded outward.
pub(in crate::check) fn shown(low: Option<&Enclosure>, high: Option<&Enclosure>) -> String {
    const PLACES: u32 = 4;
    let low = low.map_or("…".to_owned(), |low| low.digits_below(PLACES));
    let high = high.map_or("…".to_owned(), |high| high.digits_above(PLACES));
    format!("{low} to {high}")
}

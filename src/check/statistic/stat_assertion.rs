//! `stat.assertion`: does what the claim asserts follow, with the uncertainty that its own rule allows for?

use crate::check::arms::join;
use crate::check::statistic::interval::{bounds, confidence};
use crate::check::statistic::stat_recompute::no_number;
use crate::check::{Case, Check, Finding, Number, Outcome};
use crate::statement::{Claim, Relation, Term};
use crate::stats::{self, Decision, Enclosure, Printed};

pub(in crate::check) const ENTRY: &dyn Check = &StatAssertion;
const ID: &str = "stat.assertion";

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
            Ok((claim, number)) => judge(claim, number).at(case.input_entries()),
            Err(problem) => no_number(ID, problem),
        }
    }
}

/// Holds each term to the interval that its own rule gives.
pub(in crate::check) fn judge(claim: &Claim, number: &Number) -> Finding {
    let Some(assertion) = claim.assertion.value() else {
        return Finding::new(ID, Outcome::NotApplicable, "the claim asserts nothing beyond its numbers, and says so");
    };
    if assertion.terms.is_empty() {
        return Finding::new(ID, Outcome::Unknown, "the claim's assertion has no terms");
    }
    join(ID, assertion.terms.iter().map(|term| (said(term), judge_term(claim, number, term))).collect())
}

/// A term in words.
pub(in crate::check) fn said(term: &Term) -> String {
    format!("{} {} {}", term.of, term.is, term.bound)
}

fn judge_term(claim: &Claim, number: &Number, term: &Term) -> Finding {
    let bound = match Printed::parse(&term.bound) {
        Ok(bound) => bound,
        Err(error) => return Finding::new(ID, Outcome::Fail, error.to_string()),
    };
    let (found, level) = match bounds(claim, number, term.of, &term.by) {
        Ok(found) => found,
        Err(why) => return Finding::new(ID, Outcome::Unknown, why),
    };
    let interval = format!(
        "the {} interval for {} by {} is {}",
        confidence(&level),
        found.target,
        found.method,
        shown(found.low.as_ref(), found.high.as_ref())
    );
    let (outcome, reason) = match relation(term.is).decide(&found, &bound.value()) {
        Decision::Holds => (Outcome::Pass, format!("holds: {interval}")),
        Decision::DoesNotHold => (Outcome::Fail, format!("does not hold: {interval}")),
        Decision::CannotBeDecided => (Outcome::Unknown, format!("cannot be decided at this n: {interval}")),
    };
    Finding::new(ID, outcome, reason)
}

/// The relation of a term, as the statistics have it.
pub(in crate::check) fn relation(is: Relation) -> stats::Relation {
    match is {
        Relation::AtMost => stats::Relation::AtMost,
        Relation::AtLeast => stats::Relation::AtLeast,
    }
}

/// Both bounds, rounded outward.
pub(in crate::check) fn shown(low: Option<&Enclosure>, high: Option<&Enclosure>) -> String {
    const PLACES: u32 = 4;
    let low = low.map_or("…".to_owned(), |low| low.digits_below(PLACES));
    let high = high.map_or("…".to_owned(), |high| high.digits_above(PLACES));
    format!("{low} to {high}")
}

//! `stat.sensitivity`: what would the claim be under the other rules that it could have chosen?
//!
//! A score that the protocol made a gate before the results is a condition, and not one that could have been chosen: its
//! figure decides nothing here, and is always told, so that no gate hides a metric.

use num_rational::BigRational;
use num_traits::{Signed, Zero};

use crate::check::arms::escaped;
use crate::check::number::{contrast, metrics, name, shown_inputs};
use crate::check::statistic::stat_gates::promised;
use crate::check::statistic::stat_recompute::no_number;
use crate::check::{Case, Check, Finding, InputSamples, Number, Outcome, Rate};
use crate::statement::{Claim, Denominator, Gate};
use crate::stats::decimal::decimal_digits;

pub(in crate::check) const ENTRY: &dyn Check = &StatSensitivity;
const ID: &str = "stat.sensitivity";

/// Metrics that are tried; logs have a handful.
const MAX_METRICS: usize = 16;

/// Samples of each log in which metrics are looked for: a metric is in all of them.
const LOOKED_AT: usize = 1000;

/// Over more samples other metrics are not tried: each costs as much as the number itself.
const MAX_SAMPLES: u64 = 500_000;

struct StatSensitivity;

impl Check for StatSensitivity {
    fn id(&self) -> &'static str {
        ID
    }

    fn question(&self) -> &'static str {
        "Under another metric, denominator or order of averaging that could have been chosen, would the claim be another?"
    }

    fn run(&self, case: &Case<'_>) -> Finding {
        let (claim, number) = match case.number() {
            Ok(found) => found,
            Err(problem) => return no_number(ID, problem),
        };
        let inputs = match shown_inputs(case) {
            Ok(inputs) => inputs,
            Err(problem) => return no_number(ID, &problem),
        };
        judge(claim, number, &inputs, promised(case)).at(case.input_entries())
    }
}

fn judge(claim: &Claim, number: &Number, inputs: &[InputSamples<'_, '_>], gates: &[Gate]) -> Finding {
    let Some(stated) = headline(claim, number) else {
        return Finding::new(ID, Outcome::Unknown, "the claim's own headline cannot be computed");
    };
    let what = if claim.contrast.value().is_some() { "contrast" } else { "number" };
    let samples: u64 = inputs.iter().map(|input| input.samples.count()).sum();
    if samples > MAX_SAMPLES && metrics(inputs, MAX_METRICS, LOOKED_AT).len() > 1 {
        let reason = format!("over {samples} samples the other metrics in the logs were not tried");
        return Finding::new(ID, Outcome::Unknown, reason);
    }
    let (gates, others): (Vec<Other>, Vec<Other>) =
        alternatives(claim, number, inputs, gates).into_iter().partition(|other| other.is_gate);
    let finding = compare(&stated, what, claim.contrast.value().is_some(), others);
    gates.into_iter().fold(finding, |finding, Other { rule, value, .. }| {
        let value = decimal_digits(&value, 6);
        finding.warn(format!("by {rule}, a gate that the protocol fixed beforehand, the {what} would be {value}"))
    })
}

/// Holds the headline to what it would be by the rules that could have been chosen.
fn compare(stated: &BigRational, what: &str, is_contrast: bool, others: Vec<Other>) -> Finding {
    let tried = others.len();
    let differing: Vec<Other> = others.into_iter().filter(|other| other.value != *stated).collect();
    let Some(largest) = differing.iter().max_by_key(|other| (&other.value - stated).abs()) else {
        let reason = format!("none of the {tried} other rules that could have been chosen gives another {what}");
        return Finding::new(ID, Outcome::Pass, reason);
    };
    let (rule, sides) = (&largest.rule, (decimal_digits(stated, 6), decimal_digits(&largest.value, 6)));
    let turns = |other: &Other| other.value.signum() != stated.signum() && !other.value.is_zero();
    let finding = if is_contrast && differing.iter().any(turns) {
        let reason = format!("under another rule the {what} changes its sign; the largest swing is by {rule}");
        Finding::new(ID, Outcome::Differs, reason)
    } else {
        let reason = format!("the largest swing of the {what} is by {rule}, from {} to {}", sides.0, sides.1);
        Finding::new(ID, Outcome::Pass, reason)
    };
    let finding = finding.sides(sides.0, sides.1);
    differing.iter().fold(finding, |finding, other| {
        finding.note(format!("by {} the {what} would be {}", other.rule, decimal_digits(&other.value, 6)))
    })
}

/// The number that a claim is known by: its contrast, or its subject's rate.
fn headline(claim: &Claim, number: &Number) -> Option<BigRational> {
    match contrast::of_claim(claim, number) {
        Some(contrast) => contrast.ok(),
        None => Some(number.subject().value.clone()),
    }
}

/// The headline by another rule.
struct Other {
    rule: String,
    value: BigRational,
    is_gate: bool,
}

/// The headline under one changed rule at a time. Other denominators and orders of averaging are computed with the rates;
/// another metric is another pass over the samples.
fn alternatives(claim: &Claim, number: &Number, inputs: &[InputSamples<'_, '_>], gates: &[Gate]) -> Vec<Other> {
    let other = |rule: String| move |value| Other { rule, value, is_gate: false };
    let key = claim.metric.key.value().map_or("", String::as_str);
    let mut found = Vec::new();
    for denominator in Denominator::ALL.iter().filter(|other| **other != claim.denominator) {
        let value = |rate: &Rate| rate.by_denominator.get(denominator).cloned();
        found.extend(under(claim, number, value).map(other(format!("denominator `{denominator}`"))));
    }
    for rule in ["all rollouts at once", "epochs first", "each seed alike", "each condition alike"] {
        let value = |rate: &Rate| rate.by_steps.get(rule).cloned();
        found.extend(under(claim, number, value).map(other(format!("averaging {rule}"))));
    }
    for (scorer, under) in metrics(inputs, MAX_METRICS, LOOKED_AT) {
        let is_own = (scorer.as_str(), under.as_str()) == (claim.metric.scorer.as_str(), key);
        if is_own {
            continue;
        }
        if let Ok(number) = Number::scored_by(claim, inputs, &scorer, &under)
            && let Some(value) = headline(claim, &number)
        {
            let is_gate = gates.iter().any(|gate| {
                let of_gate = gate.key.value().map_or("", String::as_str);
                (gate.scorer.as_str(), of_gate) == (scorer.as_str(), under.as_str())
            });
            found.push(Other { rule: format!("metric `{}`", escaped(&name(&scorer, &under))), value, is_gate });
        }
    }
    found
}

/// The headline with another value for each rate.
fn under(claim: &Claim, number: &Number, value: impl Fn(&Rate) -> Option<BigRational>) -> Option<BigRational> {
    match claim.contrast.value() {
        None => value(number.subject()),
        Some(stated) => contrast::of_values(stated.kind, &|role| value(number.rate(role)?)).ok(),
    }
}

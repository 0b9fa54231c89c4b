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
use crate::check::{Case, Check, Finding, InputSamples, Number, NumberProblem, Outcome, Rate};
use crate::statement::{Claim, Denominator, Gate, Stated};
use crate::stats::decimal::decimal_digits;

pub(in crate::check) const ENTRY: &dyn Check = &StatSensitivity;
const ID: &str = "stat.sensitivity";

/// Metrics that are tried; logs have a handful.
const MAX_METRICS: usize = 64;

/// By another denominator or order of averaging a contrast that keeps no more than one part in so many is made by the rule.
const LEAST_KEPT: i64 = 2;

/// Samples of each log in which metrics are looked for: a metric is in all of them.
const LOOKED_AT: usize = 1000;

/// Samples that all other metrics together may be computed from: each costs as much as the number itself.
const MAX_WORK: u64 = 8_000_000;

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
    let stated = match headline(claim, number) {
        Ok(stated) => stated,
        Err(problem) => return no_number(ID, &problem),
    };
    let what = if claim.contrast.value().is_some() { "contrast" } else { "number" };
    let samples: u64 = inputs.iter().map(|input| input.samples.count()).sum();
    let metrics = metrics(inputs, MAX_METRICS + 1, LOOKED_AT);
    if let Some(finding) = too_much(samples, metrics.len()) {
        return finding;
    }
    let mut others = steps_and_denominators(claim, number);
    let mut untried = Vec::new();
    for (scorer, key) in metrics {
        if is_score(&claim.metric.scorer, &claim.metric.key, (&scorer, &key)) {
            continue;
        }
        let rule = format!("metric `{}`", escaped(&name(&scorer, &key)));
        let by_it = Number::scored_by(claim, inputs, &scorer, &key);
        match by_it.and_then(|number| headline(claim, &number)) {
            Ok(value) => {
                let is_gate = gates.iter().any(|gate| is_score(&gate.scorer, &gate.key, (&scorer, &key)));
                others.push(Other { rule, value, is_gate, is_same_score: false });
            }
            Err(problem) => untried.push(format!("by {rule} there is no {what}: {problem}")),
        }
    }
    let (gates, others): (Vec<Other>, Vec<Other>) = others.into_iter().partition(|other| other.is_gate);
    let finding = compare(&stated, what, claim.contrast.value().is_some(), others);
    let finding = untried.into_iter().fold(finding, Finding::note);
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
    let shrinks = |other: &&Other| is_contrast && other.is_same_score && is_made_by_the_rule(stated, &other.value);
    let finding = if let Some(Other { rule, value, .. }) = differing.iter().find(shrinks) {
        let value = decimal_digits(value, 6);
        let reason = format!("most of the {what} is made by the rule that was chosen: by {rule} it would be {value}");
        Finding::new(ID, Outcome::Differs, reason)
    } else if is_contrast && differing.iter().any(turns) {
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

/// What there is to say where more would have to be tried than there is time for.
fn too_much(samples: u64, metrics: usize) -> Option<Finding> {
    let others = metrics.saturating_sub(1);
    let is_more = metrics > MAX_METRICS || samples.saturating_mul(others as u64) > MAX_WORK;
    let reason = || format!("over {samples} samples the {others} other metrics in the logs were not tried");
    is_more.then(|| Finding::new(ID, Outcome::Unknown, reason()))
}

fn is_score(scorer: &str, key: &Stated<String>, found: (&str, &str)) -> bool {
    (scorer, key.value().map_or("", String::as_str)) == found
}

/// Whether a contrast all but goes away, or turns, where the same scores are counted by another rule: scores that one arm
/// lacks, or that count there alone, make a contrast of their own.
fn is_made_by_the_rule(stated: &BigRational, other: &BigRational) -> bool {
    let kept = other * BigRational::from_integer(LEAST_KEPT.into());
    other.signum() != stated.signum() || kept.abs() <= stated.abs()
}

/// The number that a claim is known by: its contrast, or its subject's rate.
fn headline(claim: &Claim, number: &Number) -> Result<BigRational, NumberProblem> {
    contrast::of_claim(claim, number).unwrap_or_else(|| Ok(number.subject().value.clone()))
}

/// The headline by another rule.
struct Other {
    rule: String,
    value: BigRational,
    is_gate: bool,
    /// The claim's own score, counted otherwise.
    is_same_score: bool,
}

/// The headline under one other denominator or order of averaging: they are computed with the rates.
fn steps_and_denominators(claim: &Claim, number: &Number) -> Vec<Other> {
    let other = |rule: String| move |value| Other { rule, value, is_gate: false, is_same_score: true };
    let mut found = Vec::new();
    for denominator in Denominator::ALL.iter().filter(|other| **other != claim.denominator) {
        let value = |rate: &Rate| rate.by_denominator.get(denominator).cloned();
        found.extend(under(claim, number, value).map(other(format!("denominator `{denominator}`"))));
    }
    for rule in number.subject().by_steps.keys() {
        let value = |rate: &Rate| rate.by_steps.get(rule).cloned();
        found.extend(under(claim, number, value).map(other(format!("averaging {rule}"))));
    }
    found
}

/// The headline with another value for each rate.
fn under(claim: &Claim, number: &Number, value: impl Fn(&Rate) -> Option<BigRational>) -> Option<BigRational> {
    let Some(stated) = claim.contrast.value() else { return value(number.subject()) };
    contrast::of_values(stated.kind, claim.metric.direction, &|role, side| value(number.on(role, side)?)).ok()
}

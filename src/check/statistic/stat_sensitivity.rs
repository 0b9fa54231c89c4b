//! `stat.sensitivity`: what would the claim be under the other rules that it could have chosen?

use num_rational::BigRational;
use num_traits::{Signed, Zero};

use crate::check::number::{contrast, metrics, name, shown_inputs};
use crate::check::statistic::stat_recompute::no_number;
use crate::check::{Case, Check, Finding, InputSamples, Number, Outcome, Rate};
use crate::statement::{Claim, Denominator};
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
        judge(claim, number, &inputs).at(case.input_entries())
    }
}

fn judge(claim: &Claim, number: &Number, inputs: &[InputSamples<'_, '_>]) -> Finding {
    let Some(stated) = headline(claim, number) else {
        return Finding::new(ID, Outcome::Unknown, "the claim's own headline cannot be computed");
    };
    let what = if claim.contrast.value().is_some() { "contrast" } else { "number" };
    let samples: u64 = inputs.iter().map(|input| input.samples.count()).sum();
    if samples > MAX_SAMPLES && metrics(inputs, MAX_METRICS, LOOKED_AT).len() > 1 {
        let reason = format!("over {samples} samples the other metrics in the logs were not tried");
        return Finding::new(ID, Outcome::Unknown, reason);
    }
    let others = alternatives(claim, number, inputs);
    let tried = others.len();
    let differing: Vec<_> = others.into_iter().filter(|(_, value)| *value != stated).collect();
    let swing = differing.iter().max_by_key(|(_, value)| (value - &stated).abs());
    let Some((rule, largest)) = swing else {
        let reason = format!("none of the {tried} other rules that could have been chosen gives another {what}");
        return Finding::new(ID, Outcome::Pass, reason);
    };
    let sides = (decimal_digits(&stated, 6), decimal_digits(largest, 6));
    let flips = claim.contrast.value().is_some()
        && differing.iter().any(|(_, value)| value.signum() != stated.signum() && !value.is_zero());
    let finding = if flips {
        let reason = format!("under another rule the {what} changes its sign; the largest swing is by {rule}");
        Finding::new(ID, Outcome::Differs, reason)
    } else {
        Finding::new(
            ID,
            Outcome::Pass,
            format!("the largest swing of the {what} is by {rule}, from {} to {}", sides.0, sides.1),
        )
    };
    let finding = finding.sides(sides.0, sides.1);
    differing.iter().fold(finding, |finding, (rule, value)| {
        finding.note(format!("by {rule} the {what} would be {}", decimal_digits(value, 6)))
    })
}

/// The number that a claim is known by: its contrast, or its subject's rate.
fn headline(claim: &Claim, number: &Number) -> Option<BigRational> {
    match contrast::of_claim(claim, number) {
        Some(contrast) => contrast.ok(),
        None => Some(number.subject().value.clone()),
    }
}

/// The headline under one changed rule at a time. Other denominators and orders of averaging are computed with the rates;
/// another metric is another pass over the samples.
fn alternatives(claim: &Claim, number: &Number, inputs: &[InputSamples<'_, '_>]) -> Vec<(String, BigRational)> {
    let key = claim.metric.key.value().map_or("", String::as_str);
    let mut found = Vec::new();
    for denominator in Denominator::ALL.iter().filter(|other| **other != claim.denominator) {
        let value = |rate: &Rate| rate.by_denominator.get(denominator).cloned();
        found.extend(under(claim, number, value).map(|value| (format!("denominator `{denominator}`"), value)));
    }
    for rule in ["all rollouts at once", "epochs first", "each seed alike", "each condition alike"] {
        let value = |rate: &Rate| rate.by_steps.get(rule).cloned();
        found.extend(under(claim, number, value).map(|value| (format!("averaging {rule}"), value)));
    }
    for (scorer, other) in metrics(inputs, MAX_METRICS, LOOKED_AT) {
        let is_own = (scorer.as_str(), other.as_str()) == (claim.metric.scorer.as_str(), key);
        if is_own {
            continue;
        }
        if let Ok(number) = Number::scored_by(claim, inputs, &scorer, &other)
            && let Some(value) = headline(claim, &number)
        {
            let shown: String = name(&scorer, &other).chars().take(80).flat_map(char::escape_default).collect();
            found.push((format!("metric `{shown}`"), value));
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

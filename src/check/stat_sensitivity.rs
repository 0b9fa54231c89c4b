//! `stat.sensitivity`: what would the claim be under the other rules that it could have chosen?

use num_rational::BigRational;
use num_traits::{Signed, Zero};

use crate::check::number::{contrast, metrics, name, shown_inputs};
use crate::check::stat_recompute::no_number;
use crate::check::{Case, Check, Finding, InputSamples, Number, Outcome};
use crate::statement::{Claim, Denominator, Step};
use crate::stats::decimal::decimal_digits;

pub(super) const ENTRY: &dyn Check = &StatSensitivity;
const ID: &str = "stat.sensitivity";

/// Metrics that are tried; logs have a handful.
const MAX_METRICS: usize = 16;

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
    let others = alternatives(claim, inputs);
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

/// The headline under one changed rule at a time.
fn alternatives(claim: &Claim, inputs: &[InputSamples<'_, '_>]) -> Vec<(String, BigRational)> {
    let key = claim.metric.key.value().map_or("", String::as_str);
    let mut found = Vec::new();
    let mut add = |rule: String, claim: &Claim, scorer: &str, key: &str| {
        if let Ok(number) = Number::scored_by(claim, inputs, scorer, key)
            && let Some(value) = headline(claim, &number)
        {
            found.push((rule, value));
        }
    };
    for (scorer, other) in metrics(inputs, MAX_METRICS) {
        if (scorer.as_str(), other.as_str()) != (claim.metric.scorer.as_str(), key) {
            let shown: String = name(&scorer, &other).chars().take(80).flat_map(char::escape_default).collect();
            add(format!("metric `{shown}`"), claim, &scorer, &other);
        }
    }
    for denominator in Denominator::ALL.iter().filter(|other| **other != claim.denominator) {
        let changed = Claim { denominator: *denominator, ..claim.clone() };
        add(format!("denominator `{denominator}`"), &changed, &claim.metric.scorer, key);
    }
    for (rule, steps) in other_steps(claim) {
        let changed = Claim { aggregation: steps, ..claim.clone() };
        add(rule.to_owned(), &changed, &claim.metric.scorer, key);
    }
    found
}

/// The other orders of averaging that make one number of the same cells.
fn other_steps(claim: &Claim) -> Vec<(&'static str, Vec<Step>)> {
    let seeds = claim.aggregation.contains(&Step::MeanSeeds);
    let with_seeds =
        |steps: &[Step]| -> Vec<Step> { steps.iter().copied().chain(seeds.then_some(Step::MeanSeeds)).collect() };
    let all = [
        ("averaging all rollouts at once", with_seeds(&[Step::MeanRollouts])),
        ("averaging epochs first, then samples", with_seeds(&[Step::MeanEpochs, Step::MeanSamples])),
        ("averaging conditions alike", with_seeds(&[Step::MeanEpochs, Step::MeanSamples, Step::MacroConditions])),
    ];
    let compares = claim.comparator.value().is_some();
    let is_legal = |steps: &[Step]| compares || !steps.contains(&Step::MacroConditions);
    all.into_iter().filter(|(_, steps)| *steps != claim.aggregation && is_legal(steps)).collect()
}

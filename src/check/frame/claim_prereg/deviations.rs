//! Where a claim's rules are not those of its protocol.

use std::fmt::Display;

use super::{Planned, planned};
use crate::check::arms::escaped;
use crate::statement::{
    Arm, Assertion, Claim, Contrast, ContrastKind, Evaluation, PlannedContrast, Protocol, Relation, Stated, Step, Term,
};

/// Every rule that the claim states otherwise than the protocol, as `rule: promised …, claimed …`.
pub(super) fn of(claim: &Claim, protocol: &Protocol) -> Vec<String> {
    let mut found = Vec::new();
    let mut same = |rule: &str, promised: String, claimed: String| {
        if promised != claimed {
            found.push(format!("{rule}: promised {}, claimed {}", escaped(&promised), escaped(&claimed)));
        }
    };
    same("scorer", protocol.metric.scorer.clone(), claim.metric.scorer.clone());
    same("metric key", stated(&protocol.metric.key), stated(&claim.metric.key));
    same("direction", protocol.metric.direction.to_string(), claim.metric.direction.to_string());
    same("parser", stated(&protocol.metric.parser), stated(&claim.metric.parser));
    evaluations("eval", &protocol.eval, &claim.eval, &mut same);
    let judge = |judge: &Stated<crate::statement::Judge>| {
        judge.value().map_or("none".to_owned(), |judge| {
            format!("{} with prompt {}", judge.observed_models.join(", "), stated(&judge.prompt))
        })
    };
    same("judge", judge(&protocol.judge), judge(&claim.judge));
    same("aggregation", steps(&protocol.aggregation), steps(&claim.aggregation));
    same("denominator", protocol.denominator.to_string(), claim.denominator.to_string());
    let error = |rule: &Stated<crate::statement::ErrorRule>| {
        rule.value()
            .map_or("none".to_owned(), |rule| format!("{} over {} with ddof {}", rule.stat, rule.unit, rule.ddof))
    };
    same("error", error(&protocol.error), error(&claim.error));
    let inside = claim.contrast.value().and_then(|contrast| contrast.in_distribution.value());
    match (protocol.in_distribution.value(), inside) {
        (Some(promised), Some(claimed)) => evaluations("in-distribution eval", promised, &claimed.eval, &mut same),
        (promised, claimed) => same("in-distribution eval", there(promised.is_some()), there(claimed.is_some())),
    }
    arms(claim, protocol, &mut same);
    match planned(claim, protocol) {
        None => {
            same("contrast", "none of this kind between these arms".to_owned(), contrast_of(claim.contrast.value()));
        }
        Some(Planned { contrast: planned, family }) => {
            let stated_contrast = claim.contrast.value();
            same(
                "pairing",
                stated(&planned.pairing),
                stated_contrast.map_or("none".to_owned(), |of| stated(&of.pairing)),
            );
            let rule = stated_contrast.and_then(|of| of.interval.value()).map(|interval| &interval.rule);
            if let Some(rule) = rule {
                same("interval", planned.interval.value().map_or("none".to_owned(), rule_text), rule_text(rule));
            }
            let terms = claim.assertion.value().map_or(&[][..], |assertion| assertion.terms.as_slice());
            for term in terms.iter().filter(|term| term.is == Relation::Within) {
                same("margin of equivalence", stated(&protocol.margins.equivalence), term.bound.clone());
            }
            if family.is_none() {
                same("assertion", assertion(&protocol.assertion), assertion(&claim.assertion));
            }
        }
    }
    found
}

fn there(is_there: bool) -> String {
    if is_there { "one" } else { "none" }.to_owned()
}

fn stated<T: Display>(value: &Stated<T>) -> String {
    value.value().map_or("none".to_owned(), ToString::to_string)
}

fn steps(steps: &[Step]) -> String {
    steps.iter().map(|step| step.name()).collect::<Vec<_>>().join(", then ")
}

fn evaluations(what: &str, promised: &Evaluation, claimed: &Evaluation, same: &mut impl FnMut(&str, String, String)) {
    let mut of = |rule: &str, promised: String, claimed: String| same(&format!("{what} {rule}"), promised, claimed);
    of("suite", stated(&promised.suite), stated(&claimed.suite));
    of("conditions", promised.conditions.to_string(), claimed.conditions.to_string());
    of("condition ids", stated(&promised.condition_ids), stated(&claimed.condition_ids));
    of("samples", promised.samples.to_string(), claimed.samples.to_string());
    of("repeats", promised.repeats.to_string(), claimed.repeats.to_string());
    of("temperature", stated(&promised.temperature), stated(&claimed.temperature));
    of("prod", stated(&promised.prod), stated(&claimed.prod));
    of("assistant name", stated(&promised.assistant_name), stated(&claimed.assistant_name));
    of("max tokens", stated(&promised.max_tokens), stated(&claimed.max_tokens));
}

/// Each arm of the claim is one that was promised, of the same kind and base, with all of its seeds.
fn arms(claim: &Claim, protocol: &Protocol, same: &mut impl FnMut(&str, String, String)) {
    let others = claim.contrast.value().map_or(&[][..], |contrast| contrast.others.as_slice());
    let all =
        std::iter::once(&claim.subject).chain(claim.comparator.value()).chain(others.iter().map(|other| &other.arm));
    for Arm { arm, kind, base, .. } in all {
        let Some(planned) = protocol.arms.iter().find(|planned| planned.arm == *arm) else {
            same("arm", "none of this name".to_owned(), arm.clone());
            continue;
        };
        same(&format!("kind of {arm}"), stated(&planned.kind), stated(kind));
        same(&format!("base of {arm}"), stated(&planned.base), stated(base));
        let seeds = planned.seeds.len().to_string();
        same(&format!("seeds planned for {arm}"), seeds.clone(), claim.seeds.planned.to_string());
        same(&format!("seeds used of {arm}"), seeds, claim.seeds.used.to_string());
    }
}

/// Whether a promised contrast is the claim's.
pub(super) fn is_planned(claim: &Claim, planned: &PlannedContrast) -> bool {
    let stated = claim.contrast.value();
    let others: Vec<&str> =
        stated.map_or(&[][..], |of| of.others.as_slice()).iter().map(|other| other.arm.arm.as_str()).collect();
    planned.subject == claim.subject.arm
        && planned.comparator.value().map(String::as_str) == claim.comparator.value().map(|arm| arm.arm.as_str())
        && planned.others.iter().map(String::as_str).eq(others)
        && stated.is_none_or(|of| of.kind == planned.kind || is_mirror(of.kind, planned.kind))
}

/// A reduction is a difference with its sign turned: the same contrast in other words.
fn is_mirror(left: ContrastKind, right: ContrastKind) -> bool {
    matches!(
        (left, right),
        (ContrastKind::Difference, ContrastKind::Reduction) | (ContrastKind::Reduction, ContrastKind::Difference)
    )
}

fn contrast_of(contrast: Option<&Contrast>) -> String {
    contrast.map_or("no contrast".to_owned(), |contrast| contrast.kind.to_string())
}

fn rule_text(rule: &crate::statement::IntervalRule) -> String {
    format!("{} {} for {} on {}", rule.level, rule.method, rule.target, rule.sides)
}

fn assertion(assertion: &Stated<Assertion>) -> String {
    let term = |term: &Term| format!("{} {} {} by {}", term.of, term.is, term.bound, rule_text(&term.by));
    assertion.value().map_or("none".to_owned(), |of| of.terms.iter().map(term).collect::<Vec<_>>().join(" and "))
}

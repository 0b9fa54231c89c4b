//! `claim.complete`: does the claim say every rule its number depends on, and does it agree with its own links?

use std::collections::BTreeSet;

use crate::check::{Case, Check, Finding, Outcome};
use crate::digest::DigestKind;
use crate::statement::{Claim, EdgeType};
use crate::stats::Printed;

pub(in crate::check) const ENTRY: &dyn Check = &ClaimComplete;
const ID: &str = "claim.complete";

struct ClaimComplete;

impl Check for ClaimComplete {
    fn id(&self) -> &'static str {
        ID
    }

    fn question(&self) -> &'static str {
        "Does the claim spell out every rule that its number depends on, without defaults, and name its inputs?"
    }

    fn run(&self, case: &Case<'_>) -> Finding {
        let index = case.evidence.claim;
        let Some(claim) = case.claim else {
            return Finding::new(ID, Outcome::Unknown, "the claim itself is not disclosed")
                .at([index])
                .withheld()
                .next("ask the lab for evidence that discloses the claim's body");
        };
        // The schema has no defaults: a claim that decoded has every field.
        match problem(case, claim) {
            // A figure by itself contradicts nothing; there is nothing that it could follow from, either.
            None if claim.inputs.is_empty() => {
                Finding::new(ID, Outcome::Unknown, "the claim names no samples: its figures stand by themselves")
                    .at([index])
                    .next("ask whoever printed the figures for the logs that they are from")
            }
            Some(problem) => Finding::new(ID, Outcome::Fail, problem).at([index]),
            None => Finding::new(
                ID,
                Outcome::Pass,
                "the claim states metric, scorer, direction, aggregation, denominator, error rule and inputs, and links to each input",
            )
            .at([index]),
        }
    }
}

fn problem(case: &Case<'_>, claim: &Claim) -> Option<String> {
    if claim.aggregation.is_empty() {
        return Some("the claim names no aggregation".to_owned());
    }
    let entry = case.evidence.entries.get(&case.evidence.claim)?;
    let mut named = BTreeSet::new();
    if let Some(twice) = claim.inputs.iter().find(|input| !named.insert(**input)) {
        return Some(format!("the claim names the input {twice} twice: its samples would be counted twice"));
    }
    let linked = || {
        let edges = entry.payload().edges.iter();
        edges.filter(|edge| edge.edge_type == EdgeType::Supports && edge.kind == DigestKind::Samples)
    };
    if let Some(twice) = claim.inputs.iter().find(|input| linked().filter(|edge| edge.digest == **input).count() > 1) {
        return Some(format!("the claim links the input {twice} to several logs: it can come from one only"));
    }
    if let Some(input) = claim.inputs.iter().find(|input| !linked().any(|edge| edge.digest == **input)) {
        return Some(format!("the claim names the input {input} but has no link to an entry that carries it"));
    }
    if let Some(edge) = linked().find(|edge| !claim.inputs.contains(&edge.digest)) {
        return Some(format!("the claim's entry links to {}, which the claim does not name as an input", edge.digest));
    }
    if let Some(problem) = other_weights(case, claim) {
        return Some(problem);
    }
    if claim.comparator.value().is_some() != claim.value.comparator.value().is_some() {
        return Some("the claim has a comparator without its value, or a value without its comparator".to_owned());
    }
    let values = std::iter::once(&claim.value.subject).chain(claim.value.comparator.value());
    for value in values {
        // An error bar that is drawn and not printed has a rule and no figure; of two arms one alone has none.
        if value.error.value().is_some() && claim.error.value().is_none() {
            return Some("the claim prints an error without a rule for it".to_owned());
        }
        if value.error.value().is_some() != claim.value.subject.error.value().is_some() {
            return Some("the claim prints an error of one arm and none of the other".to_owned());
        }
        for figure in std::iter::once(&value.rate).chain(value.error.value()) {
            match Printed::parse(&figure.printed) {
                Err(error) => return Some(error.to_string()),
                Ok(printed) if u64::from(printed.decimals()) != figure.decimals => {
                    return Some(format!(
                        "`{}` has {} decimals, the claim says {}",
                        figure.printed.escape_default(),
                        printed.decimals(),
                        figure.decimals
                    ));
                }
                Ok(_) => {}
            }
        }
    }
    None
}

/// Where the claim names weights and its logs link to the weights they evaluated, these must be those.
fn other_weights(case: &Case<'_>, claim: &Claim) -> Option<String> {
    let named = &claim.subject.checkpoints;
    if named.is_empty() {
        return None;
    }
    let entries = case.input_entries().filter_map(|index| Some((index, case.evidence.entries.get(&index)?)));
    let mut evaluated = entries.flat_map(|(index, entry)| {
        let edges = entry.payload().edges.iter().filter(|edge| edge.edge_type == EdgeType::Evaluates);
        edges.map(move |edge| (index, edge.digest))
    });
    let (index, digest) = evaluated.find(|(_, digest)| !named.contains(digest))?;
    Some(format!("the log of entry {index} evaluated {digest}, the claim is about other weights"))
}

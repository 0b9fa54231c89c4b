//! `judge.identity`: who judged, as the logs themselves show it, and was it the same in every arm?

use std::collections::{BTreeMap, BTreeSet};

use crate::check::arms::escaped;
use crate::check::{Case, Check, Finding, Outcome};
use crate::digest::Digest;
use crate::statement::EdgeType;

pub(in crate::check) const ENTRY: &dyn Check = &JudgeIdentity;
const ID: &str = "judge.identity";

struct JudgeIdentity;

impl Check for JudgeIdentity {
    fn id(&self) -> &'static str {
        ID
    }

    fn question(&self) -> &'static str {
        "Which model judged, going by what the samples show and not by the settings, and was it the same in every arm?"
    }

    fn run(&self, case: &Case<'_>) -> Finding {
        let Some(claim) = case.claim else {
            return Finding::new(ID, Outcome::Unknown, "the claim is not disclosed").withheld();
        };
        let (seen, readable) = observed(case);
        let prompts = prompts(case);
        let finding = match claim.judge.value() {
            None if seen.values().flatten().next().is_none() && readable => {
                Finding::new(ID, Outcome::NotApplicable, "the claim names no judge, and no log shows one")
            }
            None if readable => Finding::new(ID, Outcome::Fail, "the claim names no judge, but the logs show one"),
            None => Finding::new(ID, Outcome::Unknown, "the logs that would show a judge are not all shown"),
            Some(judge) => {
                let named: BTreeSet<&str> = judge.observed_models.iter().map(String::as_str).collect();
                against_claim(&named, judge.prompt.value(), &seen, &prompts, readable)
            }
        };
        let notes = seen.iter().map(|(arm, models)| {
            let models: Vec<_> = models.iter().map(|model| escaped(model)).collect();
            let arm = if arm.is_empty() { "the logs".to_owned() } else { escaped(arm) };
            format!("{arm}: {}", if models.is_empty() { "no judge is seen".to_owned() } else { models.join(", ") })
        });
        let finding = own_judges(case)
            .into_iter()
            .fold(finding, |finding, model| finding.note(format!("{} judged its own answers", escaped(model))));
        notes.fold(finding, Finding::note).at(case.input_entries())
    }
}

/// Models that are seen to judge and are named as the evaluated one.
fn own_judges<'a>(case: &'a Case<'_>) -> BTreeSet<&'a str> {
    let facts = case.inputs.iter().filter_map(|input| Some(&input.content.as_ref().ok()?.facts));
    let own = facts.flat_map(|facts| facts.observed.iter().filter(|seen| Some(&seen.model) == facts.model.as_ref()));
    own.map(|seen| seen.model.as_str()).collect()
}

/// Models seen to judge, by arm, and whether every input could be looked at.
fn observed<'a>(case: &'a Case<'_>) -> (BTreeMap<&'a str, BTreeSet<&'a str>>, bool) {
    let mut seen: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for input in &case.inputs {
        let Ok(samples) = &input.content else { continue };
        let models = seen.entry(input.arm.as_deref().unwrap_or("")).or_default();
        models.extend(samples.facts.observed.iter().map(|model| model.model.as_str()));
    }
    (seen, case.inputs.iter().all(|input| input.content.is_ok()) && !case.inputs.is_empty())
}

/// Judge configurations that the logs' entries link to, by arm; an arm with a log that links to none has an empty one.
fn prompts(case: &Case<'_>) -> BTreeSet<Vec<Digest>> {
    let of_entry = |index| {
        let edges = case.evidence.entries.get(&index).map_or(&[][..], |entry| entry.payload().edges.as_slice());
        edges.iter().filter(|edge| edge.edge_type == EdgeType::JudgedBy).map(|edge| edge.digest).collect::<Vec<_>>()
    };
    case.input_entries().map(of_entry).collect()
}

fn against_claim(
    named: &BTreeSet<&str>,
    prompt: Option<&Digest>,
    seen: &BTreeMap<&str, BTreeSet<&str>>,
    prompts: &BTreeSet<Vec<Digest>>,
    readable: bool,
) -> Finding {
    let sets: BTreeSet<&BTreeSet<&str>> = seen.values().filter(|models| !models.is_empty()).collect();
    if sets.len() > 1 {
        return Finding::new(ID, Outcome::Fail, "the arms were judged by different models");
    }
    let linked: BTreeSet<&Vec<Digest>> = prompts.iter().filter(|linked| !linked.is_empty()).collect();
    if linked.len() > 1 {
        return Finding::new(ID, Outcome::Fail, "the arms were judged by different judge configurations");
    }
    if let (Some(prompt), Some(linked)) = (prompt, linked.first())
        && !linked.contains(prompt)
    {
        return Finding::new(ID, Outcome::Fail, "the judge configuration that the claim names is not the logs' own")
            .sides(prompt.to_string(), linked.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "));
    }
    let unseen = seen.values().any(BTreeSet::is_empty);
    let unlinked = prompt.is_some() && (linked.is_empty() || prompts.contains(&Vec::new()));
    match sets.first() {
        Some(models) if **models != *named => {
            let shown =
                |models: &BTreeSet<&str>| models.iter().map(|model| escaped(model)).collect::<Vec<_>>().join(", ");
            Finding::new(ID, Outcome::Fail, "the logs show another judge than the claim names")
                .sides(shown(named), shown(models))
        }
        Some(_) if unseen || !readable => Finding::new(ID, Outcome::Unknown, "not every log shows who judged"),
        Some(models) if models.len() > 1 => Finding::new(
            ID,
            Outcome::Unknown,
            "more than one model answered beside the evaluated one: which of them judged cannot be told",
        ),
        Some(_) if unlinked => Finding::new(
            ID,
            Outcome::Unknown,
            "the claim names a judge configuration, and not every log is linked to one",
        ),
        Some(_) => Finding::new(ID, Outcome::Pass, "one judge, the one that the claim names, is seen in every log"),
        None => Finding::new(ID, Outcome::Unknown, "no log shows who judged: the judge is the lab's word")
            .next("ask the lab for the full logs, with their events"),
    }
}

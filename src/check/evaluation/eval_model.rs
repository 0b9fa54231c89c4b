//! `eval.model`: is each log linked to the weights that it evaluated, and are they the arm's?

use std::collections::BTreeSet;

use super::logs::{Log, entries, logs};
use crate::check::arms::{each, escaped};
use crate::check::{Case, Check, Finding, Outcome};
use crate::lineage::Relation;
use crate::statement::{Arm, Claim, EdgeType};

pub(in crate::check) const ENTRY: &dyn Check = &EvalModel;
const ID: &str = "eval.model";

struct EvalModel;

impl Check for EvalModel {
    fn id(&self) -> &'static str {
        ID
    }

    fn question(&self) -> &'static str {
        "Which weights does each log evaluate, by digest and not by name, and are they those of its arm?"
    }

    fn run(&self, case: &Case<'_>) -> Finding {
        let (claim, logs) = match logs(case, ID) {
            Ok(found) => found,
            Err(finding) => return *finding,
        };
        let finding = each(ID, entries(&logs), |entry| match logs.iter().find(|log| log.entry == entry) {
            Some(log) => judge(case, claim, log),
            None => Finding::new(ID, Outcome::Unknown, "it is no log of the claim"),
        });
        let served: BTreeSet<String> = logs.iter().filter_map(|log| log.reading).flat_map(served).collect();
        served.into_iter().fold(finding, Finding::note).note("that the server ran these weights is the lab's word")
    }
}

fn judge(case: &Case<'_>, claim: &Claim, log: &Log<'_>) -> Finding {
    let finding = |outcome, reason: String| Finding::new(ID, outcome, reason).at([log.entry]);
    let links = case.graph().links(log.entry);
    let weights = links.filter(|(relation, _)| *relation == Relation::Edge(EdgeType::Evaluates)).map(|(_, to)| to);
    let weights: Vec<_> = weights.collect();
    let [weights] = weights[..] else {
        let reason = format!("it is linked to {} sets of weights", weights.len());
        return finding(Outcome::Unknown, reason).next("ask the lab which weights it evaluated");
    };
    let subjects = case.evidence.entries.get(&weights).map_or(&[][..], |entry| entry.payload().subjects.as_slice());
    let digests = subjects.iter().flat_map(|subject| subject.0.values()).flat_map(|measure| &measure.digests);
    let lists = |arm: &Arm| digests.clone().any(|digest| arm.checkpoints.contains(digest));
    let Some(digest) = digests.clone().next() else {
        return finding(Outcome::Unknown, format!("its weights of entry {weights} have no digest"));
    };
    let linked = format!("linked to the weights of entry {weights}, {digest}");
    let arms: Vec<&Arm> = arms_of(claim).collect();
    // To a claim of one arm belong all its logs.
    let label = if claim.comparator.value().is_some() { log.arm } else { Some(claim.subject.arm.as_str()) };
    if let Some(label) = label {
        let shown = escaped(label);
        let Some(arm) = arms.iter().find(|arm| arm.arm == label) else {
            return finding(Outcome::Unknown, format!("it is of the arm `{shown}`, which the claim does not name"));
        };
        if !arm.checkpoints.is_empty() && !lists(arm) {
            let reason = format!("its weights of entry {weights} are none that the claim lists for `{shown}`");
            return finding(Outcome::Fail, reason);
        }
        return finding(Outcome::Pass, linked);
    }
    // Neither its entry nor its samples say whose it is: its weights do, where the claim lists those of every arm.
    let all_list = arms.iter().all(|arm| !arm.checkpoints.is_empty());
    let of: Vec<&str> = arms.iter().filter(|arm| lists(arm)).map(|arm| arm.arm.as_str()).collect();
    match of[..] {
        [] if all_list => {
            finding(Outcome::Fail, format!("its weights of entry {weights} are none that the claim lists for any arm"))
        }
        [label] if all_list => finding(
            Outcome::Pass,
            format!("{linked}, which the claim lists for `{}` alone; the log does not say its arm", escaped(label)),
        ),
        _ => {
            let reason = "the log does not say its arm, and the weights that it is linked to do not decide it";
            finding(Outcome::Unknown, reason.to_owned()).next("ask the lab for logs recorded with --arm")
        }
    }
}

/// Every arm of a claim.
fn arms_of(claim: &Claim) -> impl Iterator<Item = &Arm> {
    let others = claim.contrast.value().map_or(&[][..], |contrast| contrast.others.as_slice());
    std::iter::once(&claim.subject).chain(claim.comparator.value()).chain(others.iter().map(|other| &other.arm))
}

/// What the log says of its server.
fn served(reading: &crate::statement::Reading) -> Vec<String> {
    let fact =
        |name: &str| reading.facts.get(name).map(|text| format!("served by `{}`, as the log says", escaped(text)));
    fact("model_base_url").into_iter().collect()
}

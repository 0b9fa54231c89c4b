//! `eval.model`: is each log linked to the weights that it evaluated, and are they the arm's?

use std::collections::BTreeSet;

use super::logs::{Log, entries, logs};
use crate::check::arms::{each, escaped};
use crate::check::{Case, Check, Finding, Outcome};
use crate::digest::Digest;
use crate::lineage::Relation;
use crate::statement::{Claim, EdgeType};

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
    let of_arm = |arm: &crate::statement::Arm| arm.checkpoints.clone();
    let others = claim.contrast.value().map_or(&[][..], |contrast| contrast.others.as_slice());
    let arms =
        std::iter::once(&claim.subject).chain(claim.comparator.value()).chain(others.iter().map(|other| &other.arm));
    let listed =
        arms.filter(|arm| log.arm.is_none_or(|label| label == arm.arm)).flat_map(of_arm).collect::<Vec<Digest>>();
    let mut digests = subjects.iter().flat_map(|subject| subject.0.values()).flat_map(|measure| &measure.digests);
    let is_listed = digests.clone().any(|digest| listed.contains(digest));
    let Some(digest) = digests.next() else {
        return finding(Outcome::Unknown, format!("its weights of entry {weights} have no digest"));
    };
    if !listed.is_empty() && !is_listed {
        let arm = escaped(log.arm.unwrap_or_default());
        return finding(
            Outcome::Fail,
            format!("its weights of entry {weights} are none that the claim lists for `{arm}`"),
        );
    }
    finding(Outcome::Pass, format!("linked to the weights of entry {weights}, {digest}"))
}

/// What the log says of its server.
fn served(reading: &crate::statement::Reading) -> Vec<String> {
    let fact =
        |name: &str| reading.facts.get(name).map(|text| format!("served by `{}`, as the log says", escaped(text)));
    fact("model_base_url").into_iter().collect()
}

//! `base.identity`: which base model did each arm begin with, and is it the same?

use std::collections::BTreeSet;

use crate::check::{Case, Check, Finding, Outcome};
use crate::digest::DigestKind;
use crate::lineage::Stage;
use crate::merkle::EntryIndex;
use crate::statement::Kind;

pub(in crate::check) const ENTRY: &dyn Check = &BaseIdentity;
const ID: &str = "base.identity";

struct BaseIdentity;

impl Check for BaseIdentity {
    fn id(&self) -> &'static str {
        ID
    }

    fn question(&self) -> &'static str {
        "Which base model did each arm begin with, tensor by tensor, and is it the same in all of them?"
    }

    fn run(&self, case: &Case<'_>) -> Finding {
        if case.claim.is_none() {
            return Finding::new(ID, Outcome::Unknown, "the claim is not disclosed").withheld();
        }
        let mut bases: BTreeSet<EntryIndex> = BTreeSet::new();
        let mut without = Vec::new();
        for (label, _, arm) in case.arms() {
            let arm = match arm {
                Ok(arm) => arm,
                Err(why) => return Finding::new(ID, Outcome::Unknown, why),
            };
            let found = arm.inputs(Kind::BaseModel, Some(Stage::Base));
            if found.is_empty() || arm.chains().iter().any(|chain| !chain.is_whole()) {
                without.push(crate::check::arms::escaped(label));
            }
            bases.extend(found);
        }
        let graph = case.graph();
        let first = bases.first().copied();
        if let Some(other) = first.and_then(|first| bases.iter().find(|other| !graph.is_same(first, **other))) {
            return Finding::new(
                ID,
                Outcome::Fail,
                format!("the arms began with different base models: entry {other} is another one"),
            )
            .at(bases.iter().copied());
        }
        let Some(first) = first.filter(|_| without.is_empty()) else {
            let without = without.join(", ");
            let reason = format!("not every chain of weights goes back to a recorded base model: {without}");
            return Finding::new(ID, Outcome::Unknown, reason).at(bases);
        };
        let subjects = case.evidence.entries.get(&first).map(|entry| entry.payload().subjects.as_slice());
        let tensors = subjects.unwrap_or_default().iter().find_map(|subject| subject.digest(DigestKind::Tensors));
        let finding =
            Finding::new(ID, Outcome::Pass, format!("every arm began with the base model of entry {first}")).at(bases);
        match tensors {
            Some(tensors) => finding.note(format!("its tensors are {tensors}")),
            None => finding.note("known by its files; what its tensors are is not on record"),
        }
    }
}

//! `spec.bytes`: which version of the model spec did the documents come from?

use std::collections::BTreeSet;

use crate::check::training::arms_baseline::not_applicable;
use crate::check::{Case, Check, Finding, Outcome};
use crate::lineage::Stage;
use crate::merkle::EntryIndex;
use crate::statement::Kind;

pub(in crate::check) const ENTRY: &dyn Check = &SpecBytes;
const ID: &str = "spec.bytes";

struct SpecBytes;

impl Check for SpecBytes {
    fn id(&self) -> &'static str {
        ID
    }

    fn question(&self) -> &'static str {
        "Which version of the model spec, byte for byte, were the midtraining documents made from, and was it only one?"
    }

    fn run(&self, case: &Case<'_>) -> Finding {
        let Some(claim) = case.claim else {
            return Finding::new(ID, Outcome::Unknown, "the claim is not disclosed").withheld();
        };
        if let Some(reason) = not_applicable(claim, ID) {
            return Finding::new(ID, Outcome::NotApplicable, reason);
        }
        let (mut specs, mut documents): (BTreeSet<EntryIndex>, BTreeSet<EntryIndex>) = Default::default();
        for (_, _, arm) in case.arms() {
            let arm = match arm {
                Ok(arm) => arm,
                Err(why) => return Finding::new(ID, Outcome::Unknown, why),
            };
            specs.extend(arm.inputs(Kind::Spec, Some(Stage::Midtraining)));
            documents.extend(arm.inputs(Kind::Documents, Some(Stage::Midtraining)));
        }
        let graph = case.graph();
        let Some(first) = specs.first().copied() else {
            let reason = if documents.is_empty() {
                "no midtraining documents are on record in any arm"
            } else {
                "the midtraining documents do not go back to a recorded spec"
            };
            return Finding::new(ID, Outcome::Unknown, reason).at(documents);
        };
        let others: Vec<EntryIndex> = specs.iter().copied().filter(|other| !graph.is_same(first, *other)).collect();
        if others.is_empty() {
            let digest = case
                .evidence
                .entries
                .get(&first)
                .and_then(|entry| entry.payload().subjects.first()?.principal()?.1.digests.first().copied());
            return Finding::new(
                ID,
                Outcome::Pass,
                format!("the midtraining documents go back to one spec only, that of entry {first}"),
            )
            .at([first])
            .note(digest.map_or(String::new(), |digest| format!("its digest is {digest}")));
        }
        Finding::new(
            ID,
            Outcome::Unknown,
            format!(
                "the midtraining documents go back to {} different specs: which of them the claim is about is not said",
                others.len() + 1
            ),
        )
        .at(specs)
    }
}

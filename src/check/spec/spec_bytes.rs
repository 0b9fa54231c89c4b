//! `spec.bytes`: which version of the model spec did the documents of each arm come from?

use std::collections::BTreeSet;

use crate::check::arms::escaped;
use crate::check::training::arms_baseline::not_applicable;
use crate::check::{Case, Check, Finding, Outcome};
use crate::digest::Digest;
use crate::lineage::{Arm, Origin, Origins, Stage};
use crate::merkle::EntryIndex;

pub(in crate::check) const ENTRY: &dyn Check = &SpecBytes;
const ID: &str = "spec.bytes";

struct SpecBytes;

impl Check for SpecBytes {
    fn id(&self) -> &'static str {
        ID
    }

    fn question(&self) -> &'static str {
        "Which version of the model spec, byte for byte, were the midtraining documents of each arm made from, and was it only one?"
    }

    fn run(&self, case: &Case<'_>) -> Finding {
        let Some(claim) = case.claim else {
            return Finding::new(ID, Outcome::Unknown, "the claim is not disclosed").withheld();
        };
        if let Some(reason) = not_applicable(claim, ID) {
            return Finding::new(ID, Outcome::NotApplicable, reason);
        }
        let mut data: Vec<(&str, BTreeSet<EntryIndex>)> = Vec::new();
        for (label, _, arm) in case.arms() {
            match arm {
                Ok(arm) => data.push((label, trained_on(&arm))),
                Err(why) => return Finding::new(ID, Outcome::Unknown, why),
            }
        }
        let all = data.iter().flat_map(|(_, entries)| entries).copied();
        let origins = Origins::of(case.graph(), all);
        let mut specs: Vec<(&str, EntryIndex)> = Vec::new();
        for (label, entries) in &data {
            match of_arm(&origins, label, entries) {
                Ok(spec) => specs.extend(spec.map(|spec| (*label, spec))),
                Err(finding) => return *finding,
            }
        }
        judge(case, &specs)
    }
}

/// What the steps on documents were trained on: what went into a tokenizer beside it has no part in this.
fn trained_on(arm: &Arm<'_>) -> BTreeSet<EntryIndex> {
    let steps = arm.chains().iter().flat_map(|chain| &chain.steps);
    let on_documents = steps.filter(|step| matches!(step.stage, Stage::Midtraining | Stage::Joint));
    on_documents.flat_map(|step| step.data.iter().copied()).collect()
}

/// The one spec that all documents of an arm go back to; none where it has no documents.
fn of_arm(origins: &Origins<'_>, label: &str, data: &BTreeSet<EntryIndex>) -> Result<Option<EntryIndex>, Box<Finding>> {
    let mut found: Origin = Origin::default();
    let unknown = |reason: String| Box::new(Finding::new(ID, Outcome::Unknown, reason));
    for documents in origins.documents(data) {
        let origin = origins.at(documents);
        if origin.leads_away {
            let reason = format!("what the documents of entry {documents} were made from is in part not here");
            return Err(unknown(reason).at([documents]).into());
        }
        if origin.specs.is_empty() {
            let reason = format!("the midtraining documents of entry {documents} do not go back to a recorded spec");
            return Err(unknown(reason).at([documents]).into());
        }
        origins.join(&mut found, &origin);
    }
    match found.specs.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some(*one)),
        several => Err(unknown(format!(
            "the midtraining documents of {} go back to {} different specs: which of them they are about is not said",
            escaped(label),
            several.len(),
        ))
        .at(several.iter().copied())
        .into()),
    }
}

/// All arms together, each of one spec.
fn judge(case: &Case<'_>, specs: &[(&str, EntryIndex)]) -> Finding {
    let Some((_, first)) = specs.first().copied() else {
        return Finding::new(ID, Outcome::Unknown, "no midtraining documents are on record in any arm");
    };
    if specs.iter().all(|(_, spec)| case.graph().is_same(first, *spec)) {
        let reason = format!("the midtraining documents go back to one spec only, that of entry {first}");
        let finding = Finding::new(ID, Outcome::Pass, reason).at([first]);
        return match digest(case, first) {
            Some(digest) => finding.note(format!("its digest is {digest}")),
            None => finding,
        };
    }
    let each = specs.iter().map(|(label, spec)| format!("{} to that of entry {spec}", escaped(label)));
    let reason = format!("the documents of each arm go back to one spec: {}", each.collect::<Vec<_>>().join(", "));
    let entries: BTreeSet<EntryIndex> = specs.iter().map(|(_, spec)| *spec).collect();
    let digests = entries.iter().filter_map(|spec| Some((spec, digest(case, *spec)?)));
    let finding = digests.fold(Finding::new(ID, Outcome::Pass, reason), |finding, (spec, digest)| {
        finding.note(format!("the spec of entry {spec} is {digest}"))
    });
    finding.at(entries).note("the arms are of different specs: what is compared is the one with the other")
}

fn digest(case: &Case<'_>, spec: EntryIndex) -> Option<Digest> {
    let entry = case.evidence.entries.get(&spec)?;
    entry.payload().subjects.first()?.principal()?.1.digests.first().copied()
}

//! `ood.heldout`: do rows that the arms were trained on hold levels that the protocol leaves out of training?
//!
//! The promise is about what is done to a base model: what that was trained on before is no part of it.

use std::collections::BTreeSet;

use super::contamination::{Trained, trained_on};
use crate::check::arms::escaped;
use crate::check::frame::claim_prereg::cited;
use crate::check::{Case, Check, Finding, HeldOut, LevelMet, Outcome};
use crate::merkle::EntryIndex;
use crate::statement::{Claim, ContrastKind, Protocol};

pub(in crate::check) const ENTRY: &dyn Check = &OodHeldout;
const ID: &str = "ood.heldout";

/// Levels of one corpus that are spelled out.
const MAX_SHOWN: usize = 5;

struct OodHeldout;

impl Check for OodHeldout {
    fn id(&self) -> &'static str {
        ID
    }

    fn question(&self) -> &'static str {
        "Does any row that the arms were trained on hold what the protocol says is left out of training?"
    }

    fn run(&self, case: &Case<'_>) -> Finding {
        let Some(claim) = case.claim else {
            return Finding::new(ID, Outcome::Unknown, "the claim is not disclosed").withheld();
        };
        let protocol = match promised(case, claim) {
            Ok(protocol) => protocol,
            Err(finding) => return *finding,
        };
        let arms = match trained_on(case) {
            Ok(arms) => arms,
            Err(reason) => return Finding::new(ID, Outcome::Unknown, reason),
        };
        let data: BTreeSet<EntryIndex> = arms.iter().flat_map(|arm| arm.data.iter().copied()).collect();
        if data.is_empty() && arms.iter().all(|arm| arm.is_whole) {
            let reason = "no arm was trained on anything after its base model";
            return Finding::new(ID, Outcome::NotApplicable, reason);
        }
        let count = protocol.held_out.len();
        let Some(held_out) = case.observed.and_then(|observed| observed.held_out.as_ref()) else {
            let reason = format!(
                "out of distribution as declared: the training data were not at hand, to look for the {count} levels \
                 that the protocol leaves out"
            );
            return Finding::new(ID, Outcome::Unknown, reason)
                .at(data)
                .next("pass the folder that holds the training data with --artifacts");
        };
        let finding = judge(protocol, &arms, &data, held_out);
        notes(&arms, &data, held_out).into_iter().fold(finding, Finding::note).at(data)
    }
}

/// The protocol that leaves levels out; else the finding that this comes to.
fn promised<'c>(case: &'c Case<'_>, claim: &Claim) -> Result<&'c Protocol, Box<Finding>> {
    let nothing = |reason: &str| {
        // A gap between in and out of distribution lives of what was left out.
        let is_gap = claim.contrast.value().is_some_and(|of| of.kind == ContrastKind::GeneralizationGap);
        let finding = if is_gap {
            Finding::new(ID, Outcome::Unknown, format!("out of distribution as declared: {reason}"))
        } else {
            Finding::new(ID, Outcome::NotApplicable, reason)
        };
        Err(finding.into())
    };
    if claim.plan.value().is_none() {
        return nothing("the claim cites no protocol that would leave anything out of training");
    }
    match cited(case) {
        None => {
            Err(Finding::new(ID, Outcome::Unknown, "the protocol that the claim cites is not shown").withheld().into())
        }
        Some(protocol) if protocol.held_out.is_empty() => nothing("the protocol leaves no level out of training"),
        Some(protocol) => Ok(protocol),
    }
}

fn judge(protocol: &Protocol, arms: &[Trained<'_>], data: &BTreeSet<EntryIndex>, held_out: &HeldOut) -> Finding {
    let looked = |index: &EntryIndex| held_out.corpora.get(index).and_then(|met| met.as_ref().ok());
    let is_promised = |met: &&LevelMet| protocol.held_out.contains(&met.level);
    let of = |index: &EntryIndex| looked(index).and_then(|met| met.met.iter().find(is_promised));
    if let Some((index, met)) = data.iter().find_map(|index| Some((index, of(index)?))) {
        return Finding::new(
            ID,
            Outcome::Fail,
            format!("{}: the protocol leaves it out of training", told(*index, met)),
        );
    }
    let unsought = protocol.held_out.iter().filter(|level| !held_out.levels.contains(*level)).count();
    let unseen = data.iter().filter(|index| looked(index).is_none()).count();
    let (count, all) = (protocol.held_out.len(), data.len());
    let unknown = |reason: String| {
        Finding::new(ID, Outcome::Unknown, format!("out of distribution as declared: {reason}"))
            .next("pass the folder that holds the training data with --artifacts")
    };
    if unsought > 0 {
        return unknown(format!("{unsought} of {count} levels are no words that could be looked for"));
    }
    if data.is_empty() || !arms.iter().all(|arm| arm.is_whole) {
        return unknown("the record does not show all that the arms were trained on".to_owned());
    }
    if unseen > 0 {
        return unknown(format!("{unseen} of {all} corpora that the arms were trained on could not be looked at"));
    }
    let beside = |index: &EntryIndex| looked(index).and_then(|met| met.beside.iter().find(is_promised));
    if let Some((index, met)) = data.iter().find_map(|index| Some((index, beside(index)?))) {
        let reason = format!("{}, in a field beside those that are recorded as trained on", told(*index, met));
        return Finding::new(ID, Outcome::Differs, reason);
    }
    let rows: u64 = data.iter().filter_map(looked).map(|met| met.rows).sum();
    let reason = format!(
        "none of the {count} levels that the protocol leaves out stands in the {rows} rows of {all} corpora that the arms \
         were trained on after their base models"
    );
    Finding::new(ID, Outcome::Pass, reason)
}

/// One level in one corpus.
fn told(index: EntryIndex, met: &LevelMet) -> String {
    let LevelMet { level, rows, place } = met;
    format!("`{}` stands in {rows} rows of entry {index}, first at {}", escaped(level), escaped(place))
}

fn notes(arms: &[Trained<'_>], data: &BTreeSet<EntryIndex>, held_out: &HeldOut) -> Vec<String> {
    let mut notes = Vec::new();
    for index in data {
        match held_out.corpora.get(index) {
            None => notes.push(format!("entry {index}: not found unchanged among the artifacts at hand")),
            Some(Err(reason)) => notes.push(format!("entry {index}: not looked at: {reason}")),
            Some(Ok(met)) => {
                let all = met.met.iter().chain(&met.beside);
                notes.extend(all.take(MAX_SHOWN).map(|met| told(*index, met)));
            }
        }
    }
    let behind: BTreeSet<EntryIndex> = arms.iter().flat_map(|arm| arm.behind.iter().copied()).collect();
    let held = |index: &EntryIndex| held_out.corpora.get(index)?.as_ref().ok()?.met.first();
    let held = behind.difference(data).filter_map(|index| Some((index, held(index)?))).take(MAX_SHOWN);
    notes.extend(held.map(|(index, met)| format!("{} (made into what was trained on)", told(*index, met))));
    notes.push(
        "looked for as whole words, whatever their case; another name for the same thing is not found".to_owned(),
    );
    notes.push("what the base models were trained on is no part of the promise".to_owned());
    notes
}

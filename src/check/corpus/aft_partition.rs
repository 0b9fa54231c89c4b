//! `aft.partition`: is every question of the alignment chats kept or taken out for a reason, and every chat one that was kept?

use crate::check::arms::{each, inputs};
use crate::check::understood::{Told, best, count, weigh};
use crate::check::{Case, Check, Finding, Outcome};
use crate::lineage::Stage;
use crate::merkle::EntryIndex;
use crate::statement::{Kind, Reading};

pub(in crate::check) const ENTRY: &dyn Check = &AftPartition;
const ID: &str = "aft.partition";

/// The fact of a dataset that was recorded as the folder in which chats are made.
const LAYOUT: &str = "aft.layout";

/// Counts that must have been taken, and be of nothing.
const NEEDED: &[(&str, &str)] = &[
    ("aft.questions.lost", "questions neither kept nor removed as duplicates"),
    ("aft.questions.both", "questions both kept and removed"),
    ("aft.questions.foreign", "kept or removed ones that never were questions"),
    ("aft.responses.unjudged", "answered questions without a verdict"),
    ("aft.verdicts.differ", "stated verdicts that are not those of the judge's text"),
    ("aft.dataset.unjudged", "chats without a verdict"),
    ("aft.dataset.rejected", "chats that were judged to be removed"),
    ("aft.dataset.other-answer", "chats with another answer than was given"),
    ("aft.dataset.repeated", "chats there more than once"),
];

struct AftPartition;

impl Check for AftPartition {
    fn id(&self) -> &'static str {
        ID
    }

    fn question(&self) -> &'static str {
        "Is every question kept or taken out for a reason, every answer judged, and every chat one that the judge kept?"
    }

    fn run(&self, case: &Case<'_>) -> Finding {
        let data = match inputs(case, ID, &[Kind::Dataset], Some(Stage::Alignment)) {
            Ok(data) => data,
            Err(finding) => return *finding,
        };
        let is_of_chats =
            |entry: &EntryIndex| best(case, *entry).is_some_and(|reading| reading.facts.contains_key(LAYOUT));
        let of_chats: Vec<EntryIndex> = data.iter().copied().filter(is_of_chats).collect();
        if of_chats.is_empty() {
            let reason = "no alignment data are recorded with the questions, answers and verdicts they were made of";
            return Finding::new(ID, Outcome::Unknown, reason)
                .at(data)
                .next("ask the lab for the folder in which the chats were made (record dataset FOLDER)");
        }
        let is_of_chats = |_: &Reading, name: &str| name.starts_with("aft.");
        each(ID, of_chats, |entry| weigh(case, ID, entry, is_of_chats, judge))
    }
}

fn judge(reading: &Reading) -> Told {
    let strange = count(reading, "aft.unread").saturating_add(count(reading, "aft.beyond"));
    if strange > 0 {
        return Told::Off(format!(
            "{strange} rows of the folder could not be told apart, so that no count is of everything"
        ));
    }
    let wrong: Vec<String> = NEEDED
        .iter()
        .map(|(name, what)| (count(reading, name), what))
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{what}: {count}"))
        .collect();
    let rejected = count(reading, "aft.rejected");
    // The generator writes its list of removed chats over, and counts them from that.
    let said = reading.counts.get("aft.summary.removed").filter(|said| **said != rejected);
    let said = said.map_or(String::new(), |said| format!(" (the generator's summary says {said})"));
    let kept =
        format!("{} chats kept and {rejected} removed by the judge's own words{said}", count(reading, "aft.kept"));
    if !wrong.is_empty() {
        return Told::Off(format!("{kept}; {}", wrong.join(", ")));
    }
    if NEEDED.iter().any(|(name, _)| !reading.counts.contains_key(*name)) {
        let absent = reading.facts.get("aft.absent").map_or("some files", String::as_str);
        return Told::Silent(format!("not every count could be taken: {} are not there", absent.escape_default()));
    }
    Told::Fine(format!("every question kept or removed, every answer judged, every chat one that was kept: {kept}"))
}

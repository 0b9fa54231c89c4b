//! `contamination`: do items of the evaluation stand in what the arms were trained on?

use std::collections::BTreeSet;

use crate::check::arms::escaped;
use crate::check::{
    Case, Check, Example, Finding, OVERLAP_LEAST as LEAST, OVERLAP_RUN as RUN, Outcome, Overlap, Shared,
};
use crate::digest::Digest;
use crate::merkle::EntryIndex;
use crate::statement::Kind;
use crate::verify::VerifiedEntry;

pub(in crate::check) const ENTRY: &dyn Check = &Contamination;
const ID: &str = "contamination";

/// Notes on single items and names that are shown for one corpus.
const MAX_SHOWN: usize = 5;

const NOT_TESTED: &str = "not looked for: paraphrases and translations, what the base model was trained on before, and \
                          data that is not recorded here";

struct Contamination;

impl Check for Contamination {
    fn id(&self) -> &'static str {
        ID
    }

    fn question(&self) -> &'static str {
        "Do questions or answers of the evaluation stand in the data that the arms were trained on?"
    }

    fn run(&self, case: &Case<'_>) -> Finding {
        if case.claim.is_none() {
            return Finding::new(ID, Outcome::Unknown, "the claim is not disclosed").withheld();
        }
        let arms = match trained_on(case) {
            Ok(arms) => arms,
            Err(reason) => return Finding::new(ID, Outcome::Unknown, reason),
        };
        let all: BTreeSet<EntryIndex> = arms.iter().flat_map(|arm| arm.data.iter().copied()).collect();
        if all.is_empty() && arms.iter().all(|arm| arm.is_whole) {
            return Finding::new(ID, Outcome::NotApplicable, "no arm was trained on anything: each is its base model");
        }
        let Some(overlap) = case.observed.and_then(|observed| observed.overlap.as_ref()) else {
            let reason = "neither the evaluation's items nor the training data were at hand";
            let next = "pass the folder that holds both with --artifacts";
            return Finding::new(ID, Outcome::Unknown, reason).at(all).next(next);
        };
        judge(case, &arms, &all, overlap)
    }
}

/// What one arm was trained on.
pub(super) struct Trained<'c> {
    label: &'c str,
    /// Every corpus of its steps.
    pub(super) data: BTreeSet<EntryIndex>,
    /// What those were made from.
    pub(super) behind: BTreeSet<EntryIndex>,
    /// Whether the record shows all of it.
    pub(super) is_whole: bool,
}

/// What each arm of the claim was trained on after its base model; why not, where an arm cannot be followed.
pub(super) fn trained_on<'c>(case: &Case<'c>) -> Result<Vec<Trained<'c>>, String> {
    let of_arm = |(label, _, arm): (&'c str, _, Result<crate::lineage::Arm<'_>, String>)| {
        let arm = arm.map_err(|error| format!("what {} was trained on cannot be followed: {error}", escaped(label)))?;
        let steps = arm.chains().iter().flat_map(|chain| &chain.steps);
        let data: BTreeSet<EntryIndex> = steps.flat_map(|step| step.data.iter().copied()).collect();
        let kinds = [Kind::Documents, Kind::Dataset, Kind::Mix];
        let behind = kinds.into_iter().flat_map(|kind| arm.inputs(kind, None)).filter(|index| !data.contains(index));
        Ok(Trained { label, behind: behind.collect(), is_whole: arm.is_whole(), data })
    };
    case.arms().map(of_arm).collect()
}

fn judge(case: &Case<'_>, arms: &[Trained<'_>], all: &BTreeSet<EntryIndex>, overlap: &Overlap) -> Finding {
    let looked = |index: &EntryIndex| overlap.corpora.get(index).and_then(|shared| shared.as_ref().ok());
    let whole = |index: &EntryIndex| looked(index).is_some_and(|shared| shared.whole > 0);
    let some =
        |index: &EntryIndex| looked(index).is_some_and(|shared| shared.whole + shared.whole_around + shared.runs > 0);
    let behind: BTreeSet<EntryIndex> = arms.iter().flat_map(|arm| arm.behind.iter().copied()).collect();
    let subject = arms.first().filter(|arm| arm.data.iter().any(whole));
    let unseen = all.iter().filter(|index| looked(index).is_none()).count();
    let finding = if let Some(arm) = subject {
        let most = arm.data.iter().filter_map(looked).map(|shared| shared.whole).max().unwrap_or(0);
        let label = if arm.label.is_empty() { "the arm".to_owned() } else { format!("`{}`", escaped(arm.label)) };
        let reason = format!(
            "{most} of {} items of the evaluation stand whole, word for word, in data that {label} was trained on",
            overlap.items
        );
        Finding::new(ID, Outcome::Fail, reason)
    } else if let Some(reason) = items_missing(case, overlap) {
        Finding::new(ID, Outcome::Unknown, reason)
            .next("pass the folder that holds the suite and the logs with --artifacts")
    } else if unseen > 0 || all.is_empty() {
        let reason = match all.len() {
            0 => "the record does not show what the arms were trained on".to_owned(),
            all => format!("{unseen} of {all} corpora that the arms were trained on could not be looked at"),
        };
        Finding::new(ID, Outcome::Unknown, reason).next("pass the folder that holds the training data with --artifacts")
    } else if !arms.iter().all(|arm| arm.is_whole) {
        Finding::new(ID, Outcome::Unknown, "the record does not show all that the arms were trained on")
    } else if all.iter().chain(&behind).any(some) {
        let reason = "parts of the evaluation's items stand in corpora on the way to the arms; no question or answer \
                      stands whole in data of the subject arm";
        Finding::new(ID, Outcome::Differs, reason)
    } else {
        let reason = format!(
            "of {} items no text stands whole, and no {RUN} words of one in a row, in the {} corpora that the arms were \
             trained on",
            overlap.items,
            all.len()
        );
        Finding::new(ID, Outcome::Pass, reason)
    };
    let finding = looked_for(case, overlap).into_iter().fold(finding, Finding::note);
    let notes = all.iter().chain(&behind).flat_map(|index| about(case, *index, overlap)).collect::<Vec<_>>();
    notes
        .into_iter()
        .fold(finding, Finding::note)
        .note(NOT_TESTED)
        .at(all.iter().copied().chain(overlap.from.keys().copied()))
}

/// Why there are no items to speak of: neither a suite with items nor every log that the number rests on.
fn items_missing(case: &Case<'_>, overlap: &Overlap) -> Option<String> {
    let is_read = |index: &EntryIndex| matches!(overlap.from.get(index), Some(Ok(1..)));
    let kind = |index: &EntryIndex| case.evidence.entries.get(index).map(|entry| entry.payload().kind);
    let has_suite = overlap.from.keys().any(|index| kind(index) == Some(Kind::EvalSuite) && is_read(index));
    let logs: Vec<EntryIndex> = case.input_entries().collect();
    if overlap.texts == 0 {
        return Some("no item of the evaluation was at hand that could be looked for".to_owned());
    }
    let missing = logs.iter().filter(|index| !is_read(index)).count();
    let is_enough = has_suite || (missing == 0 && !logs.is_empty());
    (!is_enough).then(|| format!("{missing} of {} logs do not show what was asked, and no suite does", logs.len()))
}

/// What was looked for, and where that was taken from.
fn looked_for(case: &Case<'_>, overlap: &Overlap) -> Vec<String> {
    let Overlap { items, texts, short, .. } = overlap;
    let mut notes = vec![format!(
        "looked for {texts} texts of {items} items, as words whatever their case and punctuation, whole and by {RUN} in a \
         row; {short} texts of fewer than {LEAST} words were not"
    )];
    // Forty logs of one suite are a few lines, too; what gave nothing comes first.
    let mut from: Vec<_> = overlap.from.iter().collect();
    from.sort_by_key(|(index, read)| (read.is_ok(), **index));
    notes.extend(from.iter().take(MAX_SHOWN).map(|(index, read)| match read {
        Ok(count) => format!("{count} items in the {}", bound(case, **index)),
        Err(reason) => format!("no items from the {}: {reason}", bound(case, **index)),
    }));
    let more = from.len().saturating_sub(MAX_SHOWN);
    notes.extend((more > 0).then(|| format!("and items in {more} more")));
    notes
}

/// An entry with the digest of what it recorded.
fn bound(case: &Case<'_>, index: EntryIndex) -> String {
    let payload = case.evidence.entries.get(&index).map(VerifiedEntry::payload);
    let digest = payload.and_then(|payload| payload.subjects.first()?.principal()?.1.digests.first().copied());
    let kind = payload.map_or_else(String::new, |payload| format!("{} ", payload.kind));
    format!("{kind}of entry {index}, {}", digest.as_ref().map(Digest::to_string).unwrap_or_default())
}

fn about(case: &Case<'_>, index: EntryIndex, overlap: &Overlap) -> Vec<String> {
    let bound = bound(case, index);
    match overlap.corpora.get(&index) {
        None => vec![format!("{bound}: not found unchanged among the artifacts at hand")],
        Some(Err(reason)) => vec![format!("{bound}: not looked at: {reason}")],
        Some(Ok(shared)) => {
            let Shared { documents, words, whole, whole_around, runs, half, .. } = shared;
            let mut notes = vec![
                format!("{bound}: {documents} documents of {words} words"),
                format!(
                    "in it: {whole} items whole, {whole_around} by instructions or notes alone, {runs} by {RUN} words in a row, \
                     {half} by half of their windows of {LEAST} words"
                ),
            ];
            notes.extend(shared.most.as_ref().map(|(windows, of, label)| {
                let label = escaped(label);
                format!("the item that shares most, {label}, has {windows} of its {of} windows of {LEAST} words there")
            }));
            notes.extend(shared.examples.iter().take(MAX_SHOWN).map(example));
            if !shared.names.is_empty() {
                let names = shared.names.iter().take(MAX_SHOWN);
                let names: Vec<String> =
                    names.map(|(name, count)| format!("\"{}\" in {count}", escaped(name))).collect();
                notes.push(format!("names that the suite gives stand in its documents: {}", names.join(", ")));
            }
            notes
        }
    }
}

fn example(example: &Example) -> String {
    let what = if example.is_whole { "whole" } else { "a run of words" };
    let (item, field, place) = (escaped(&example.item), escaped(&example.field), escaped(&example.place));
    format!("item {item}, `{field}`: {what}, in {place}")
}

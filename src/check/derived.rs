//! What the checks of digests taken again have in common: each recorded root beside the one that the bytes give.

use crate::check::{Case, Finding, Outcome, Rederived};
use crate::digest::{Digest, DigestKind};
use crate::merkle::EntryIndex;
use crate::statement::{Measure, Subject};

/// Reasons that are shown.
const MAX_NOTES: usize = 20;

/// Digests of some kinds, in words.
pub(super) struct Asked {
    /// Id of the check.
    pub(super) id: &'static str,
    /// Which digests.
    pub(super) kinds: &'static [DigestKind],
    /// What is under them, in the plural.
    pub(super) what: &'static str,
}

/// A digest as an entry states it.
struct Recorded {
    entry: EntryIndex,
    kind: DigestKind,
    digest: Digest,
    count: u64,
    /// Whether a digest of the bytes themselves stands beside it, by which they could be found.
    is_of_bytes: bool,
}

impl Asked {
    /// Holds every digest of these kinds that the evidence rests on to what its bytes gave.
    pub(super) fn judge(&self, case: &Case<'_>) -> Finding {
        let (id, what) = (self.id, self.what);
        let recorded: Vec<Recorded> = self.recorded(case);
        if recorded.is_empty() {
            return Finding::new(id, Outcome::NotApplicable, format!("no digest of {what} is recorded here"));
        }
        let entries = || {
            let mut entries: Vec<EntryIndex> = recorded.iter().map(|recorded| recorded.entry).collect();
            entries.dedup();
            entries
        };
        let Some(observed) = case.observed else {
            let reason = format!("the artifacts were not at hand: that these {what} are theirs is the lab's word");
            let next = "pass the folder that holds the artifacts with --artifacts";
            return Finding::new(id, Outcome::Unknown, reason).at(entries()).next(next);
        };
        let (mut unknown, mut notes) = (0, Vec::new());
        for Recorded { entry, kind, digest, count, is_of_bytes } in &recorded {
            let reason = match observed.derived.get(&(*entry, *digest)) {
                Some(Rederived::Found { root, count: found }) if (Digest::from(*root), found) == (*digest, count) => {
                    continue;
                }
                Some(Rederived::Found { root, count: found }) => {
                    let reason = format!(
                        "the artifact of entry {entry} is unchanged, and its bytes give other {what} than the {kind} recorded"
                    );
                    return Finding::new(id, Outcome::Fail, reason)
                        .sides(format!("{digest}, {count} in all"), format!("{}, {found} in all", Digest::from(*root)))
                        .at([*entry]);
                }
                // Only a log says anything against its record, and it has another check.
                Some(Rederived::Unclear { reason } | Rederived::Against { reason }) => reason.as_str(),
                None if !is_of_bytes => {
                    "nothing recorded beside it says which bytes it is of (as of what is behind salts)"
                }
                None => "its artifact was not found unchanged among those at hand",
            };
            unknown += 1;
            notes.push(format!("{kind} of entry {entry}: {reason}"));
        }
        let all = recorded.len();
        let finding = if unknown > 0 {
            let reason = format!("{unknown} of {all} digests of {what} could not be taken again from the artifacts");
            Finding::new(id, Outcome::Unknown, reason)
        } else {
            let reason = format!("taken again from the artifacts, all {all} digests of {what} are the ones recorded");
            Finding::new(id, Outcome::Pass, reason)
        };
        notes.truncate(MAX_NOTES);
        notes.into_iter().fold(finding, Finding::note).at(entries())
    }

    fn recorded(&self, case: &Case<'_>) -> Vec<Recorded> {
        let evidence = case.evidence;
        let entries = evidence.links.reached.iter().filter_map(|index| Some((*index, evidence.entries.get(index)?)));
        let artifacts = entries.filter(|(_, entry)| entry.payload().kind.is_artifact());
        let subjects =
            artifacts.flat_map(|(index, entry)| entry.payload().subjects.iter().map(move |subject| (index, subject)));
        let recorded = |(entry, subject): (EntryIndex, &Subject)| {
            let is_of_bytes = [DigestKind::File, DigestKind::Tree].iter().any(|kind| subject.0.contains_key(kind));
            let measures = subject.0.iter().filter(|(kind, _)| self.kinds.contains(kind));
            let recorded = |(kind, measure): (&DigestKind, &Measure)| {
                let digest = measure.digests.first()?;
                Some(Recorded { entry, kind: *kind, digest: *digest, count: measure.count, is_of_bytes })
            };
            measures.filter_map(recorded).collect::<Vec<_>>()
        };
        subjects.flat_map(recorded).collect()
    }
}

//! What is known of an artifact's content: as it was read again from its bytes, else as its issuer wrote it down.
//!
//! A reading in a body is the issuer's word. It may speak against itself, and be repeated as what it is; that something
//! is in order it shows only once the verifier has read the same in the bytes.

use crate::check::{Case, Finding, Outcome, Reread, Unread};
use crate::merkle::EntryIndex;
use crate::statement::Reading;

/// What a reader without the artifacts can do.
pub(super) const AT_HAND: &str = "pass the folder that holds the artifacts with --artifacts";

/// Ends a sentence that rests on a body alone.
pub(super) const ISSUERS_WORD: &str = "as recorded by the issuer; not re-derived";

/// Ends a sentence that rests on the bytes.
const REREAD: &str = "read again from the artifact";

/// What a reading comes to under one check, as a sentence without its end.
pub(super) enum Told {
    /// All is as it should be.
    Fine(String),
    /// It is not, by this much.
    Off(String),
    /// The record contradicts itself.
    Against(String),
    /// The reading does not say.
    Silent(String),
}

/// A count of a reading; what was not seen is not written down.
pub(super) fn count(reading: &Reading, name: &str) -> u64 {
    reading.counts.get(name).copied().unwrap_or_default()
}

/// What the issuer wrote down of an artifact, where its body is shown and says anything.
pub(super) fn issuers<'a>(case: &Case<'a>, entry: EntryIndex) -> Option<&'a Reading> {
    case.evidence.bodies.get(&entry)?.reading.as_ref()
}

/// The reading that counts: the verifier's own, else the issuer's.
pub(super) fn best<'c>(case: &'c Case<'_>, entry: EntryIndex) -> Option<&'c Reading> {
    let reread = case.observed.and_then(|observed| observed.readings.get(&entry));
    reread.and_then(|reread| reread.read.as_ref().ok()).or_else(|| issuers(case, entry))
}

/// Whether an entry has a body that the evidence does not show.
fn is_withheld(case: &Case<'_>, entry: EntryIndex) -> bool {
    let has_body = case.evidence.entries.get(&entry).is_some_and(|entry| entry.payload().body.is_some());
    has_body && !case.evidence.bodies.contains_key(&entry)
}

/// Judges an artifact by what is understood of it. `rests_on` names the counts that the judgement rests on, given the
/// issuer's reading: in these the issuer's and the verifier's must agree.
pub(super) fn weigh(
    case: &Case<'_>,
    id: &'static str,
    entry: EntryIndex,
    rests_on: impl Fn(&Reading, &str) -> bool,
    judge: impl Fn(&Reading) -> Told,
) -> Finding {
    let said = issuers(case, entry);
    let reread = case.observed.and_then(|observed| observed.readings.get(&entry));
    let finding = match (reread, said) {
        (Some(Reread { read: Err(Unread::Refused(reason)), doubt: None }), _) => Finding::new(
            id,
            Outcome::Fail,
            format!("its bytes are the recorded ones, and not what is said of them: {reason}"),
        ),
        (Some(Reread { read: Ok(found), doubt }), _) => {
            match said.filter(|_| doubt.is_none()).and_then(|said| disagreement(said, found, rests_on)) {
                Some((recorded, found)) => {
                    let reason = "its bytes are the recorded ones, and give other counts than are recorded of them";
                    Finding::new(id, Outcome::Fail, reason).sides(recorded, found)
                }
                None => told(id, judge(found), doubt.as_deref(), REREAD),
            }
        }
        (Some(Reread { read: Err(Unread::Refused(reason) | Unread::Failed(reason)), .. }), None) => {
            Finding::new(id, Outcome::Unknown, format!("it cannot be read again: {reason}"))
        }
        (_, Some(said)) => by_word(id, judge(said)),
        (None, None) if is_withheld(case, entry) => {
            let reason = "what is recorded of its content is not shown";
            Finding::new(id, Outcome::Unknown, reason).next("ask the lab to disclose it (prove --disclose)").withheld()
        }
        (None, None) => {
            Finding::new(id, Outcome::Unknown, "nothing is recorded of its content but its bytes").next(AT_HAND)
        }
    };
    let lacks_words = finding.outcome == Outcome::Unknown && is_withheld(case, entry);
    let finding = if lacks_words { finding.withheld() } else { finding };
    finding.at([entry])
}

/// A judgement of what was read again; a guess in the way of reading lets it decide nothing.
fn told(id: &'static str, told: Told, doubt: Option<&str>, word: &str) -> Finding {
    let (outcome, said) = match told {
        Told::Silent(said) => return Finding::new(id, Outcome::Unknown, said),
        Told::Fine(said) => (Outcome::Pass, said),
        Told::Off(said) => (Outcome::Differs, said),
        Told::Against(said) => (Outcome::Fail, said),
    };
    match doubt {
        None => Finding::new(id, outcome, format!("{said}, {word}")),
        Some(doubt) => Finding::new(id, Outcome::Unknown, format!("{said}, {word}, but {doubt}")),
    }
}

/// A judgement of the issuer's word: it is heard against itself, and settles nothing in its favour.
fn by_word(id: &'static str, judged: Told) -> Finding {
    match told(id, judged, None, ISSUERS_WORD) {
        Finding { outcome: Outcome::Pass, reason, .. } => Finding::new(id, Outcome::Unknown, reason).next(AT_HAND),
        finding => finding,
    }
}

/// The first count in which two readings by the same reader differ, as each has it.
fn disagreement(
    said: &Reading,
    found: &Reading,
    rests_on: impl Fn(&Reading, &str) -> bool,
) -> Option<(String, String)> {
    if said.reader != found.reader {
        return None;
    }
    let names = said.counts.keys().chain(found.counts.keys()).filter(|name| rests_on(said, name));
    let mut differing = names.filter(|name| count(said, name) != count(found, name));
    let name = differing.next()?;
    let shown = crate::check::arms::escaped(name);
    Some((format!("{shown}: {}", count(said, name)), format!("{shown}: {}", count(found, name))))
}

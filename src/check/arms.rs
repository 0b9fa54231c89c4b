//! The arms of a claim side by side: each printed value with its rate, what went into them, several findings as one.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::check::material::Material;
use crate::check::number::arms;
use crate::check::training::arms_baseline::not_applicable;
use crate::check::{Case, Finding, Number, Outcome, Rate, Role};
use crate::lineage::Stage;
use crate::merkle::EntryIndex;
use crate::statement::{Claim, ClaimedValue, Kind};

/// Entries that a finding spells out; evidence can hold any number.
const MAX_PARTS: usize = 20;

/// Entries that are named where one thing is said of many.
const MAX_NAMED: usize = 8;

/// A printed value and the rate it is held to.
pub(super) struct ClaimedArm<'a> {
    /// Its label.
    pub(super) label: &'a str,
    /// The arm that the number is about, and not one that it is held against.
    pub(super) is_subject: bool,
    /// As printed.
    pub(super) value: &'a ClaimedValue,
    /// As computed.
    pub(super) rate: &'a Rate,
}

/// Every printed value of a claim with its rate. A value that has no rate is none: the number would not have been made.
pub(super) fn claimed<'a>(claim: &'a Claim, number: &'a Number) -> Vec<ClaimedArm<'a>> {
    let value = |role| match role {
        Role::Subject => Some(&claim.value.subject),
        Role::Comparator => claim.value.comparator.value(),
        Role::Other(at) => Some(&claim.contrast.value()?.others.get(at)?.value),
    };
    let with_rate = |(role, label)| {
        let is_subject = role == Role::Subject;
        Some(ClaimedArm { label, is_subject, value: value(role)?, rate: number.rate(role)? })
    };
    arms(claim).filter_map(with_rate).collect()
}

/// One finding of several of the same check, each about a named part: the worst one speaks, the others are noted.
pub(super) fn join(id: &'static str, parts: Vec<(String, Finding)>) -> Finding {
    let parts = match <[_; 1]>::try_from(parts) {
        Ok([(_, only)]) => return only,
        Err(parts) if parts.is_empty() => return Finding::new(id, Outcome::Unknown, "there is nothing to look at"),
        Err(parts) => parts,
    };
    let worst = parts.iter().map(|(_, finding)| finding.outcome).max_by_key(|outcome| rank(*outcome));
    let worst = worst.unwrap_or(Outcome::Unknown);
    let (mut speaks, mut notes) = (Vec::new(), Vec::new());
    let (mut expected, mut found) = (Vec::new(), Vec::new());
    let mut joined = Finding::new(id, worst, String::new());
    for (label, finding) in parts {
        let label = escaped(&label);
        let said = format!("{label}: {}", finding.reason);
        if finding.outcome == worst { &mut speaks } else { &mut notes }.push(said);
        notes.extend(finding.notes.into_iter().map(|note| format!("{label}: {note}")));
        joined.warnings.extend(finding.warnings.into_iter().map(|warning| format!("{label}: {warning}")));
        expected.extend(finding.expected.map(|side| format!("{label} {side}")));
        found.extend(finding.found.map(|side| format!("{label} {side}")));
        joined.entries.extend(finding.entries);
        joined.next = joined.next.or(finding.next);
        joined.is_withheld |= finding.is_withheld;
    }
    joined.reason = speaks.join("; ");
    joined.notes = notes;
    joined.expected = (!expected.is_empty()).then(|| expected.join(", "));
    joined.found = (!found.is_empty()).then(|| found.join(", "));
    joined
}

/// N/A of one part says nothing against the others; everything else is as bad as its number.
fn rank(outcome: Outcome) -> i64 {
    if outcome == Outcome::NotApplicable { -1 } else { outcome.id() }
}

/// An arm's label as it stands among numbers and words of our own: one that is more than a word stands between marks, so that
/// none can go on as a sentence of ours.
pub fn arm_name(label: &str) -> String {
    const MOST: usize = 60;
    let is_word = |c: char| c.is_ascii_alphanumeric() || "+-_./:@#".contains(c);
    let mut name: String = label.chars().take(MOST).map(|c| if c == '`' { '\'' } else { c }).collect();
    if label.chars().nth(MOST).is_some() {
        name.push_str("..");
    }
    if label.chars().all(is_word) { name } else { format!("`{name}`") }
}

/// At most the first characters of a label from outside.
pub(super) fn escaped(label: &str) -> String {
    label.chars().take(80).flat_map(char::escape_default).collect()
}

/// What went into a claim's arms, for a check that applies to them; else the finding that it comes to.
pub(super) fn material<'c>(case: &'c Case<'_>, id: &'static str) -> Result<&'c Material, Box<Finding>> {
    let Some(claim) = case.claim else {
        return Err(Finding::new(id, Outcome::Unknown, "the claim is not disclosed").withheld().into());
    };
    if let Some(reason) = not_applicable(claim, id) {
        return Err(Finding::new(id, Outcome::NotApplicable, reason).into());
    }
    case.material().map_err(|why| Finding::new(id, Outcome::Unknown, why).into())
}

/// The entries of some kinds that went into a claim's arms by steps of one class or of any; else the finding that a check
/// of them comes to.
pub(super) fn inputs(
    case: &Case<'_>,
    id: &'static str,
    kinds: &[Kind],
    stage: Option<Stage>,
) -> Result<BTreeSet<EntryIndex>, Box<Finding>> {
    material(case, id).map(|material| material.inputs(kinds, stage))
}

/// One finding over entries, each judged by itself: what is said of several stands once, and the worst [`MAX_PARTS`] are
/// spelled out.
pub(super) fn each(
    id: &'static str,
    entries: impl IntoIterator<Item = EntryIndex>,
    judge: impl Fn(EntryIndex) -> Finding,
) -> Finding {
    let mut said: BTreeMap<(Reverse<i64>, String), (Vec<EntryIndex>, Finding)> = BTreeMap::new();
    let mut more = 0_u64;
    for entry in entries {
        let finding = judge(entry);
        let of = said.entry((Reverse(rank(finding.outcome)), finding.reason.clone()));
        let (entries, alike) = of.or_insert_with(|| (Vec::new(), Finding { entries: Vec::new(), ..finding.clone() }));
        entries.push(entry);
        alike.entries.extend(finding.entries);
        // What is worst comes first.
        if said.len() > MAX_PARTS {
            said.pop_last();
            more += 1;
        }
    }
    let parts = said.into_values().map(|(entries, finding)| (named(&entries), finding));
    let joined = join(id, parts.collect());
    if more > 0 { joined.note(format!("and {more} more findings, none of which is worse")) } else { joined }
}

/// Entries by their numbers.
fn named(entries: &[EntryIndex]) -> String {
    let shown: Vec<String> = entries.iter().take(MAX_NAMED).map(ToString::to_string).collect();
    let shown = shown.join(", ");
    match entries.len() {
        1 => format!("entry {shown}"),
        all if all > MAX_NAMED => format!("entries {shown} and {} more", all - MAX_NAMED),
        _ => format!("entries {shown}"),
    }
}

//! The arms of a claim side by side: each printed value with its computed rate, and several findings as one.

use crate::check::number::arms;
use crate::check::{Finding, Number, Outcome, Rate, Role};
use crate::statement::{Claim, ClaimedValue};

/// A printed value and the rate it is held to.
pub(super) struct ClaimedArm<'a> {
    /// Its label.
    pub(super) label: &'a str,
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
    let with_rate = |(role, label)| Some(ClaimedArm { label, value: value(role)?, rate: number.rate(role)? });
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

/// At most the first characters of a label from outside.
pub(super) fn escaped(label: &str) -> String {
    label.chars().take(80).flat_map(char::escape_default).collect()
}

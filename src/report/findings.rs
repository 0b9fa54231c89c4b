//! The checks of a report: each in full, or on one screen what decides, with the rest by name.

use crate::check::{Finding, Outcome};
use crate::claim::Assessment;
use crate::report::Shown;
use crate::report::page::Page;
use crate::report::text::Room;

/// Columns before a reason, and before all that belongs to it.
const REASON: usize = 28;

/// Columns before the names in a list.
const NAMES: usize = 11;

/// What decides: everything that is required and does not pass, and every contradiction; the rest by name alone.
pub(super) fn write_decisive(page: &mut Page, assessment: &Assessment, room: &Room) {
    let is_required = |finding: &Finding| assessment.profile.required.contains(&finding.check);
    let speaks = |finding: &&Finding| match finding.outcome {
        Outcome::Fail | Outcome::Differs => true,
        Outcome::Unknown => is_required(finding),
        Outcome::Pass | Outcome::NotApplicable => false,
    };
    let required = |outcome: Outcome| {
        assessment.findings.iter().filter(|finding| is_required(finding) && finding.outcome == outcome).count()
    };
    let (held, none) = (required(Outcome::Pass), required(Outcome::NotApplicable));
    let (total, profile) = (assessment.profile.required.len(), assessment.profile.name);
    let none = if none == 0 { String::new() } else { format!(", {none} do not apply") };
    if assessment.evidence.is_some() {
        page.whole(&format!("checks      {held} of the {total} that `{profile}` requires hold{none}"));
    } else {
        page.whole("checks");
    }
    let mut speaking: Vec<&Finding> = assessment.findings.iter().filter(speaks).collect();
    // Where not all fit, what contradicts comes first, then what is required.
    if speaking.len() > room.findings {
        speaking.sort_by_key(|finding| (finding.outcome != Outcome::Fail, !is_required(finding)));
    }
    let aside = speaking.split_off(speaking.len().min(room.findings));
    let mut nexts = 0;
    for finding in speaking {
        nexts += usize::from(finding.next.is_some());
        write_finding(page, finding, is_required(finding), room, nexts <= room.nexts);
    }
    for outcome in [Outcome::Fail, Outcome::Unknown, Outcome::Differs] {
        let ids: Vec<&str> = aside.iter().filter(|of| of.outcome == outcome).map(|of| of.check).collect();
        if !ids.is_empty() {
            page.line(NAMES, &format!("  {:<8} {} (--verbose says why)", outcome.name(), ids.join(", ")));
        }
    }
    let named = |outcome: Outcome, required: bool| -> Vec<&str> {
        let of = assessment.findings.iter().filter(|finding| finding.outcome == outcome);
        of.filter(|finding| is_required(finding) == required).map(|finding| finding.check).collect()
    };
    let not_required = format!("checks that `{profile}` does not require");
    write_list(page, "hold", &named(Outcome::Pass, true), room.folds_held.then_some("of them"));
    // What decides nothing must not push off the screen what does: a line each.
    write_list(page, "hold too", &named(Outcome::Pass, false), Some(&not_required));
    write_list(page, "unknown", &named(Outcome::Unknown, false), Some(&not_required));
    let none = [named(Outcome::NotApplicable, true), named(Outcome::NotApplicable, false)].concat();
    write_list(page, "n/a", &none, Some("checks that do not apply to this claim"));
}

/// Ids of checks. Where they take more than a line and may be folded, how many, of what.
fn write_list(page: &mut Page, what: &str, ids: &[&str], folded: Option<&str>) {
    if ids.is_empty() {
        return;
    }
    let line = format!("  {what:<8} {}", ids.join(", "));
    match folded.filter(|_| !page.fits(&line)) {
        Some(of) => page.line(NAMES, &format!("  {what:<8} {} {of}; --verbose names them", ids.len())),
        None => page.line(NAMES, &line),
    }
}

/// One check, with all that there is room for.
pub(super) fn write_finding(page: &mut Page, finding: &Finding, is_required: bool, room: &Room, says_next: bool) {
    let mut reason = finding.reason.lines();
    let aside = if is_required { "" } else { " (not required by this profile)" };
    let first = Shown(reason.next().unwrap_or_default());
    page.line(REASON, &format!("  {:<8} {:<17} {first}{aside}", finding.outcome.name(), finding.check));
    let mut below = |text: String| page.line(REASON + 2, &format!("{:REASON$}{text}", ""));
    for rest in reason {
        below(Shown(rest).to_string());
    }
    if finding.outcome != Outcome::Pass
        && room.has_sides
        && let (Some(expected), Some(found)) = (&finding.expected, &finding.found)
    {
        below(format!("expected  {}", Shown(expected)));
        below(format!("found     {}", Shown(found)));
    }
    for note in finding.notes.iter().take(room.notes) {
        below(format!("- {}", Shown(note)));
    }
    if let Some(next) = finding.next.as_ref().filter(|_| finding.outcome != Outcome::Pass && says_next) {
        below(format!("next: {next}"));
    }
}

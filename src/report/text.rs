//! The verdict as text. The first line says it all; the rest says why.

use crate::check::{Finding, Outcome};
use crate::claim::{Assessment, ITEM, Level, Verdict};
use crate::report::Shown;
use crate::report::about::describe;
use crate::report::findings::{write_decisive, write_finding};
use crate::report::page::{COLUMNS, Page};
use crate::verify::Voucher;

/// What no evidence can show; printed beside every verdict.
const NOT_PROVEN: &[&str] = &[
    "that the lab is honest about what it ran and recorded",
    "that the evaluation measures what it is named after",
    "that no other experiment was run and never recorded",
];

/// Things not shown that are spelled out.
const MAX_WITHHELD: usize = 20;

/// Lines of a screen.
const LINES: usize = 40;

/// Added where the evidence is about items.
const NOT_PROVEN_OF_ITEMS: &str = "that an item that was recorded was also trained on, or that nothing else was";

/// Verdict, level, profile and voucher, in one line.
pub fn first_line(assessment: &Assessment) -> String {
    let (verdict, level, profile) = (assessment.verdict, assessment.level, assessment.profile.name);
    match verdict {
        Verdict::Unvouched => {
            format!(
                "UNVOUCHED, consistent at {level} — the signatures hold, but you pinned no key: give a policy with --trust"
            )
        }
        Verdict::Verified => format!("VERIFIED·{level}·{profile} — {}", voucher(assessment)),
        Verdict::Unreadable | Verdict::Unsupported | Verdict::Untrusted | Verdict::Unmet => {
            let reason = assessment.findings.first().map_or("", |finding| finding.reason.as_str());
            format!("{verdict} — {}", first_sentence(reason))
        }
        _ => {
            let decisive = decisive(assessment);
            format!(
                "{verdict}·{level}·{profile} — {}",
                decisive.map_or_else(String::new, |f| first_sentence(&f.reason))
            )
        }
    }
}

/// The finding that decides a verdict other than yes.
fn decisive(assessment: &Assessment) -> Option<&Finding> {
    let is_required = |finding: &&Finding| assessment.profile.required.contains(&finding.check);
    let findings = &assessment.findings;
    findings
        .iter()
        .find(|finding| finding.outcome == Outcome::Fail)
        .or_else(|| {
            findings.iter().filter(is_required).find(|f| f.outcome == Outcome::Unknown && f.check != "ledger.keys")
        })
        .or_else(|| findings.iter().filter(is_required).find(|finding| finding.outcome == Outcome::Differs))
        .or_else(|| findings.iter().find(|finding| finding.outcome == Outcome::Unknown))
}

/// The first line of a reason, safe to show.
pub(super) fn first_sentence(reason: &str) -> String {
    Shown(reason.lines().next().unwrap_or_default()).to_string()
}

fn voucher(assessment: &Assessment) -> String {
    match assessment.evidence.as_ref().map(|evidence| &evidence.voucher) {
        Some(Voucher::Pinned { key, witnesses, known_witnesses, .. }) => {
            let seen = match (witnesses.len(), known_witnesses) {
                (0, _) if assessment.level == Level::L3 => {
                    "every stage made again by others; nobody outside the lab has seen this ledger".to_owned()
                }
                (0, _) => "self-asserted: nobody outside the lab has seen this ledger".to_owned(),
                (seen, known) => format!("head seen by {seen} of {known} witnesses"),
            };
            format!("{seen}; key \"{}\" pinned by you", Shown(key.as_str()))
        }
        _ => "no key pinned by you".to_owned(),
    }
}

/// How much of a report is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// One screen: the verdict, what it is about, what decides it and what would settle it.
    Screen,
    /// Every check with everything it says.
    Every,
}

/// How much is said of each thing.
pub(super) struct Room {
    /// Columns of a line.
    pub(super) columns: usize,
    /// Checks that decide and are spelled out; the others are named.
    pub(super) findings: usize,
    /// Notes of each.
    pub(super) notes: usize,
    /// Checks of which is said what a reader can do next.
    pub(super) nexts: usize,
    /// Whether both sides stand below a reason that says them already.
    pub(super) has_sides: bool,
    /// Whether it says what was asked.
    pub(super) asks: bool,
    /// Warnings.
    pub(super) warnings: usize,
    /// Rebuilds by others.
    pub(super) rebuilds: usize,
    /// Opened items; there can be thousands.
    pub(super) items: usize,
    /// Whether the names of the required checks that hold may make room for their number.
    pub(super) folds_held: bool,
}

/// All of it: warnings and rebuilds stand among the findings in full.
const EVERY: Room = Room {
    columns: usize::MAX,
    findings: usize::MAX,
    notes: usize::MAX,
    nexts: usize::MAX,
    has_sides: true,
    asks: true,
    warnings: 4,
    rebuilds: 2,
    items: 20,
    folds_held: false,
};

/// The most that may be said, then less and less, until it fits.
const SCREENS: [Room; 7] = [
    Room { columns: COLUMNS, notes: 3, ..EVERY },
    Room { columns: COLUMNS, notes: 3, folds_held: true, ..EVERY },
    Room { columns: COLUMNS, notes: 1, folds_held: true, warnings: 2, rebuilds: 1, items: 8, ..EVERY },
    Room { columns: COLUMNS, notes: 0, folds_held: true, warnings: 2, rebuilds: 1, items: 4, asks: false, ..EVERY },
    Room {
        columns: COLUMNS,
        notes: 0,
        folds_held: true,
        warnings: 1,
        rebuilds: 1,
        items: 4,
        asks: false,
        nexts: 2,
        ..EVERY
    },
    Room {
        columns: COLUMNS,
        notes: 0,
        folds_held: true,
        warnings: 1,
        rebuilds: 1,
        items: 4,
        asks: false,
        nexts: 1,
        has_sides: false,
        ..EVERY
    },
    Room {
        columns: COLUMNS,
        findings: 3,
        notes: 0,
        nexts: 1,
        has_sides: false,
        asks: false,
        warnings: 1,
        rebuilds: 1,
        items: 4,
        folds_held: true,
    },
];

/// The report.
pub fn to_text(assessment: &Assessment, detail: Detail) -> String {
    if detail == Detail::Every {
        return write(assessment, detail, &EVERY).into_text();
    }
    let mut pages = SCREENS.iter().map(|room| write(assessment, detail, room));
    // What does not fit with the least that may be said is longer than a screen.
    let mut page = pages.next().expect("there is a first");
    while page.height() > LINES
        && let Some(shorter) = pages.next()
    {
        page = shorter;
    }
    page.into_text()
}

fn write(assessment: &Assessment, detail: Detail, room: &Room) -> Page {
    let mut page = Page::of(room.columns);
    page.whole(&first_line(assessment));
    page.whole("");
    if let Some(evidence) = &assessment.evidence {
        describe(&mut page, assessment, evidence, room);
    }
    match detail {
        Detail::Every => {
            let stages = assessment.assurance.stages();
            if !stages.is_empty() {
                page.whole(&format!("assurance   {} is the least of its stages", assessment.level));
            }
            for stage in stages {
                page.whole(&format!("  {:<9} {} {}", stage.stage, stage.level, Shown(&stage.rests_on)));
            }
            page.whole("checks");
            for finding in &assessment.findings {
                write_finding(&mut page, finding, assessment.profile.required.contains(&finding.check), room, true);
            }
        }
        Detail::Screen => write_decisive(&mut page, assessment, room),
    }
    if let Some(evidence) = assessment.evidence.as_ref().filter(|evidence| !evidence.withheld.is_empty()) {
        let all = evidence.withheld.len();
        if detail == Detail::Every {
            page.whole(&format!("\nnot shown ({all})"));
            for withheld in evidence.withheld.iter().take(MAX_WITHHELD) {
                let (holder, reason) = (Shown(&withheld.holder), Shown(&withheld.reason));
                page.whole(&format!("  {}  held by \"{holder}\": {reason}", withheld.digest));
            }
            if let Some(more) = all.checked_sub(MAX_WITHHELD).filter(|more| *more > 0) {
                page.whole(&format!("  and {more} more (--json lists all)"));
            }
        } else {
            page.whole(&format!("not shown   {all} names, paths and contents behind commitments"));
        }
    }
    page.whole("");
    page.whole("not proven by any of this");
    for limit in NOT_PROVEN {
        page.whole(&format!("  {limit}"));
    }
    // Whose word it is where the transcripts came from.
    let asserted = assessment.findings.iter().find(|finding| finding.check == "transcripts.likelihood");
    if let Some(asserted) = asserted.filter(|finding| finding.outcome == Outcome::Unknown && !finding.is_withheld) {
        page.line(4, &format!("  {}", Shown(&asserted.reason)));
    }
    if assessment.profile == ITEM {
        page.whole(&format!("  {NOT_PROVEN_OF_ITEMS}"));
    }
    if detail == Detail::Screen {
        page.whole("\nevery check with its reasons: --verbose; what one asks: reproledger explain CHECK");
    }
    page
}

//! The verdict as text. The first line says it all; the rest says why.

use std::fmt::Write;

use crate::artifact::documents;
use crate::artifact::item::Holds;
use crate::check::{Attested, Finding, Outcome};
use crate::claim::{Assessment, ITEM, Level, Verdict};
use crate::digest::DigestKind;
use crate::report::Shown;
use crate::statement::{Claim, Judgement};
use crate::verify::{VerifiedEvidence, VerifiedItem, Voucher};

/// What no evidence can show; printed beside every verdict.
const NOT_PROVEN: &[&str] = &[
    "that the lab is honest about what it ran and recorded",
    "that the evaluation measures what it is named after",
    "that no other experiment was run and never recorded",
];

/// Things not shown that are spelled out.
const MAX_WITHHELD: usize = 20;

/// Notes of a finding that fit one screen.
const SCREEN_NOTES: usize = 3;

/// Warnings that fit one screen.
const MAX_WARNINGS: usize = 4;

/// Rebuilds that fit one screen.
const SCREEN_REBUILDS: usize = 2;

/// Items that are spelled out; there can be thousands.
const MAX_ITEMS: usize = 20;

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

fn first_sentence(reason: &str) -> String {
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

/// The report.
pub fn to_text(assessment: &Assessment, detail: Detail) -> String {
    let mut out = String::new();
    let line = |out: &mut String, text: std::fmt::Arguments<'_>| {
        writeln!(out, "{text}").expect("writing to a String cannot fail");
    };
    line(&mut out, format_args!("{}", first_line(assessment)));
    line(&mut out, format_args!(""));
    if let Some(evidence) = &assessment.evidence {
        describe(&mut out, assessment, evidence);
    }
    match detail {
        Detail::Every => {
            let stages = assessment.assurance.stages();
            if !stages.is_empty() {
                line(&mut out, format_args!("assurance   {} is the least of its stages", assessment.level));
            }
            for stage in stages {
                line(&mut out, format_args!("  {:<9} {} {}", stage.stage, stage.level, Shown(&stage.rests_on)));
            }
            line(&mut out, format_args!("checks"));
            for finding in &assessment.findings {
                write_finding(&mut out, finding, assessment.profile.required.contains(&finding.check), usize::MAX);
            }
        }
        Detail::Screen => write_decisive(&mut out, assessment),
    }
    if let Some(evidence) = assessment.evidence.as_ref().filter(|evidence| !evidence.withheld.is_empty()) {
        let all = evidence.withheld.len();
        if detail == Detail::Every {
            line(&mut out, format_args!("\nnot shown ({all})"));
            for withheld in evidence.withheld.iter().take(MAX_WITHHELD) {
                let (holder, reason) = (Shown(&withheld.holder), Shown(&withheld.reason));
                line(&mut out, format_args!("  {}  held by \"{holder}\": {reason}", withheld.digest));
            }
            if let Some(more) = all.checked_sub(MAX_WITHHELD).filter(|more| *more > 0) {
                line(&mut out, format_args!("  and {more} more (--json lists all)"));
            }
        } else {
            line(&mut out, format_args!("not shown   {all} names, paths and contents behind commitments"));
        }
    }
    line(&mut out, format_args!(""));
    line(&mut out, format_args!("not proven by any of this"));
    for limit in NOT_PROVEN {
        line(&mut out, format_args!("  {limit}"));
    }
    // Whose word it is where the transcripts came from.
    let asserted = assessment.findings.iter().find(|finding| finding.check == "transcripts.likelihood");
    if let Some(asserted) = asserted.filter(|finding| finding.outcome == Outcome::Unknown && !finding.is_withheld) {
        line(&mut out, format_args!("  {}", Shown(&asserted.reason)));
    }
    if assessment.profile == ITEM {
        line(&mut out, format_args!("  {NOT_PROVEN_OF_ITEMS}"));
    }
    if detail == Detail::Screen {
        line(
            &mut out,
            format_args!("\nevery check with its reasons: --verbose; what one asks: reproledger explain CHECK"),
        );
    }
    out
}

/// Checks that decide nothing and could not look, named one by one: two lines of them.
const MAX_UNKNOWN: usize = 12;

/// What decides: everything that is required and does not pass, and every contradiction; the rest by name alone.
fn write_decisive(out: &mut String, assessment: &Assessment) {
    let is_required = |finding: &Finding| assessment.profile.required.contains(&finding.check);
    let speaks = |finding: &&Finding| match finding.outcome {
        Outcome::Fail | Outcome::Differs => true,
        Outcome::Unknown => is_required(finding),
        Outcome::Pass | Outcome::NotApplicable => false,
    };
    let required = assessment.findings.iter().filter(|finding| is_required(finding));
    let held = required.filter(|finding| matches!(finding.outcome, Outcome::Pass | Outcome::NotApplicable)).count();
    let total = assessment.profile.required.len();
    let mut line = |text: std::fmt::Arguments<'_>| writeln!(out, "{text}").expect("writing to a String cannot fail");
    if assessment.evidence.is_some() {
        line(format_args!("checks      {held} of the {total} that `{}` requires hold", assessment.profile.name));
    } else {
        line(format_args!("checks"));
    }
    for finding in assessment.findings.iter().filter(speaks) {
        write_finding(out, finding, is_required(finding), SCREEN_NOTES);
    }
    let named = |outcome: Outcome, required: bool| -> Vec<&str> {
        let of = assessment.findings.iter().filter(|finding| finding.outcome == outcome);
        of.filter(|finding| is_required(finding) == required).map(|finding| finding.check).collect()
    };
    let lists = [
        ("hold", named(Outcome::Pass, true)),
        ("hold too", named(Outcome::Pass, false)),
        ("unknown", named(Outcome::Unknown, false)),
        ("n/a", [named(Outcome::NotApplicable, true), named(Outcome::NotApplicable, false)].concat()),
    ];
    for (what, ids) in lists {
        // What decides nothing must not push off the screen what does.
        if what == "unknown" && ids.len() > MAX_UNKNOWN {
            let (count, profile) = (ids.len(), assessment.profile.name);
            writeln!(out, "  {what:<8} {count} checks that `{profile}` does not require; --verbose names them")
                .expect("writing to a String cannot fail");
        } else {
            write_list(out, what, &ids);
        }
    }
}

/// Ids in lines of a screen's width.
fn write_list(out: &mut String, what: &str, ids: &[&str]) {
    let mut text = format!("  {what:<8} ");
    for (at, id) in ids.iter().enumerate() {
        let last = text.lines().last().map_or(0, str::len);
        if at > 0 {
            text.push_str(if last + id.len() > 96 { ",\n           " } else { ", " });
        }
        text.push_str(id);
    }
    if !ids.is_empty() {
        writeln!(out, "{text}").expect("writing to a String cannot fail");
    }
}

fn describe(out: &mut String, assessment: &Assessment, evidence: &VerifiedEvidence<'_>) {
    let mut row = |name: &str, text: String| {
        writeln!(out, "{name:<11} {text}").expect("writing to a String cannot fail");
    };
    if let Some(claim) = claim_of(evidence) {
        let words =
            format!("\"{}\": \"{}\" (the lab's words, not verified)", Shown(&claim.claim_id), Shown(&claim.text));
        row("claim", words);
        // What rests on a judge whom nobody read again holds according to that judge.
        let is_unread = |finding: &Finding| finding.check == "judge.audit" && finding.outcome == Outcome::Unknown;
        if let Some(judge) = claim.judge.value().filter(|_| assessment.findings.iter().any(is_unread)) {
            let names: Vec<_> = judge.observed_models.iter().map(|name| Shown(name).to_string()).collect();
            row("", format!("according to judge {}", names.join(", ")));
        }
        let value = &claim.value.subject;
        let error = match (value.error.value(), claim.error.value()) {
            (Some(error), Some(rule)) => format!(", {} {} over {}s", rule.stat, Shown(&error.printed), rule.unit),
            _ => String::new(),
        };
        let mut printed = format!("{} (n = {}{error})", Shown(&value.rate.printed), value.n);
        if let Some((arm, other)) = claim.comparator.value().zip(claim.value.comparator.value()) {
            let (subject, comparator) = (Shown(&claim.subject.arm), Shown(&arm.arm));
            printed = format!("{subject} {printed} against {comparator} {}", Shown(&other.rate.printed));
        }
        if let Some(contrast) = claim.contrast.value() {
            printed = format!("{printed}; {} {}", contrast.kind, Shown(&contrast.value.printed));
        }
        row("printed", printed);
        let found = |check: &str| assessment.findings.iter().find(|of| of.check == check)?.found.as_deref();
        let computed: Vec<_> = ["stat.recompute", "stat.contrast", "stat.gap"].into_iter().filter_map(found).collect();
        if !computed.is_empty() {
            row("computed", Shown(&computed.join("; ")).to_string());
        }
    }
    let promised = assessment.findings.iter().find(|of| of.check == "claim.prereg");
    if let Some(promised) = promised.filter(|of| of.outcome != Outcome::NotApplicable && !of.is_withheld) {
        row("promised", first_sentence(&promised.reason));
    }
    let warnings: Vec<&String> = assessment.findings.iter().flat_map(|finding| &finding.warnings).collect();
    for warning in warnings.iter().take(MAX_WARNINGS) {
        row("note well", Shown(warning).to_string());
    }
    if let Some(more) = warnings.len().checked_sub(MAX_WARNINGS).filter(|more| *more > 0) {
        row("", format!("and {more} more (--json lists all)"));
    }
    let rebuilds = &assessment.rebuilds;
    for (at, attested) in rebuilds.all.iter().take(SCREEN_REBUILDS).enumerate() {
        row(if at == 0 { "rebuilt" } else { "" }, rebuilt(attested, rebuilds.runs));
    }
    if let Some(more) = rebuilds.all.len().checked_sub(SCREEN_REBUILDS).filter(|more| *more > 0) {
        row("", format!("and {more} more (--verbose tells of them)"));
    }
    for item in evidence.items.iter().take(MAX_ITEMS) {
        row("item", sentence(item));
    }
    if let Some(more) = evidence.items.len().checked_sub(MAX_ITEMS).filter(|more| *more > 0) {
        row("", format!("and {more} more (--json lists all)"));
    }
    let last = evidence.entries.get(&evidence.claim);
    let issuer = last.map(|entry| entry.claims().issuer.clone()).unwrap_or_default();
    row(
        "said by",
        format!("\"{}\", key {}", Shown(&issuer), last.map_or_else(String::new, |e| e.key_id().to_string())),
    );
    row("ledger", format!("{} ({} entries)", Shown(&evidence.origin), evidence.head.size));
    row("ledger id", evidence.log.to_string());
    row("head", format!("sha256 root {}", evidence.head.root));
    writeln!(out).expect("writing to a String cannot fail");
}

/// How many runs somebody made again, and what that is worth.
fn rebuilt(attested: &Attested, runs: usize) -> String {
    let bad = attested.runs.iter().filter(|run| run.judgement == Judgement::Bad).count();
    let bad = if bad == 0 { String::new() } else { format!(", {bad} NOT AS RECORDED") };
    let worth = attested.why_not.map(|why| format!(" ({why})")).unwrap_or_default();
    let who = match &attested.party {
        Some(party) => format!("\"{}\"", Shown(party)),
        None => format!("key {}…", &attested.key.to_string()[..16]),
    };
    format!("{} of {runs} runs, by {who}{bad}{worth}", attested.good())
}

/// What is proved of an item: which one it is, of how many, of what.
fn sentence(item: &VerifiedItem) -> String {
    let noun = match (item.kind, item.projection.as_str()) {
        (DigestKind::Rows, documents::PROJECTION) => "document",
        (DigestKind::Rows | DigestKind::Rowset, _) => "row",
        (DigestKind::Tree, _) => "file",
        (DigestKind::Tensors, _) => "tensor",
        (DigestKind::Samples, _) => "sample",
        (DigestKind::Entry | DigestKind::File, _) => "item",
    };
    let held = match &item.item.holds {
        Holds::Bytes(named) => named.iter().fold(String::new(), |text, named| {
            let length = named.length.map(|length| format!(" of {length} bytes")).unwrap_or_default();
            format!("{text}, its {}{length} blake3:{}", named.what, named.digest)
        }),
        Holds::Place { file, first, length } => format!(", {length} bytes from byte {first} of file {file}"),
        Holds::Nothing => String::new(),
    };
    format!(
        "{noun} \"{}\"{held}, is item {} of {} (counted from 0) in the {} manifest \"{}\"{} of entry {}",
        Shown(&item.item.key),
        item.number,
        item.count,
        item.kind,
        Shown(&item.projection),
        if item.is_salted { " (salted)" } else { "" },
        item.entry
    )
}

fn claim_of<'a>(evidence: &'a VerifiedEvidence<'_>) -> Option<&'a Claim> {
    evidence.bodies.get(&evidence.claim)?.claim.as_deref()
}

fn write_finding(out: &mut String, finding: &Finding, is_required: bool, most_notes: usize) {
    let mut line = |text: std::fmt::Arguments<'_>| writeln!(out, "{text}").expect("writing to a String cannot fail");
    let mut reason = finding.reason.lines();
    let aside = if is_required { "" } else { " (not required by this profile)" };
    line(format_args!(
        "  {:<8} {:<17} {}{aside}",
        finding.outcome.name(),
        finding.check,
        Shown(reason.next().unwrap_or_default())
    ));
    let indent = " ".repeat(28);
    for rest in reason {
        line(format_args!("{indent}{}", Shown(rest)));
    }
    if finding.outcome != Outcome::Pass
        && let (Some(expected), Some(found)) = (&finding.expected, &finding.found)
    {
        line(format_args!("{indent}expected  {}", Shown(expected)));
        line(format_args!("{indent}found     {}", Shown(found)));
    }
    for note in finding.notes.iter().take(most_notes) {
        line(format_args!("{indent}- {}", Shown(note)));
    }
    if let Some(next) = finding.next.as_ref().filter(|_| finding.outcome != Outcome::Pass) {
        line(format_args!("{indent}next: {next}"));
    }
}

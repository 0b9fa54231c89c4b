//! The verdict as text. The first line says it all; the rest says why.

use std::fmt::Write;

use crate::artifact::documents;
use crate::artifact::item::Holds;
use crate::check::{Finding, Outcome};
use crate::claim::{Assessment, ITEM, Verdict};
use crate::digest::DigestKind;
use crate::report::Shown;
use crate::statement::Claim;
use crate::verify::{VerifiedEvidence, VerifiedItem, Voucher};

/// What no evidence can show; printed beside every verdict.
const NOT_PROVEN: &[&str] = &[
    "that the lab is honest about what it ran and recorded",
    "that the evaluation measures what it is named after",
    "that no other experiment was run and never recorded",
];

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
        .or_else(|| findings.iter().find(|finding| finding.outcome == Outcome::Unknown))
}

fn first_sentence(reason: &str) -> String {
    Shown(reason.lines().next().unwrap_or_default()).to_string()
}

fn voucher(assessment: &Assessment) -> String {
    match assessment.evidence.as_ref().map(|evidence| &evidence.voucher) {
        Some(Voucher::Pinned { key, witnesses, known_witnesses, .. }) => {
            let seen = match (witnesses.len(), known_witnesses) {
                (0, _) => "self-asserted: nobody outside the lab has seen this ledger".to_owned(),
                (seen, known) => format!("head seen by {seen} of {known} witnesses"),
            };
            format!("{seen}; key \"{}\" pinned by you", Shown(key.as_str()))
        }
        _ => "no key pinned by you".to_owned(),
    }
}

/// The whole report.
pub fn to_text(assessment: &Assessment) -> String {
    let mut out = String::new();
    let line = |out: &mut String, text: std::fmt::Arguments<'_>| {
        writeln!(out, "{text}").expect("writing to a String cannot fail");
    };
    line(&mut out, format_args!("{}", first_line(assessment)));
    line(&mut out, format_args!(""));
    if let Some(evidence) = &assessment.evidence {
        describe(&mut out, evidence);
    }
    line(&mut out, format_args!("checks"));
    for finding in &assessment.findings {
        write_finding(&mut out, finding, assessment.profile.required.contains(&finding.check));
    }
    if let Some(evidence) = assessment.evidence.as_ref().filter(|evidence| !evidence.withheld.is_empty()) {
        line(&mut out, format_args!(""));
        line(&mut out, format_args!("not shown ({})", evidence.withheld.len()));
        for withheld in evidence.withheld.iter().take(20) {
            let (holder, reason) = (Shown(&withheld.holder), Shown(&withheld.reason));
            line(&mut out, format_args!("  {}  held by \"{holder}\": {reason}", withheld.digest));
        }
        if evidence.withheld.len() > 20 {
            line(&mut out, format_args!("  and {} more (--json lists all)", evidence.withheld.len() - 20));
        }
    }
    line(&mut out, format_args!(""));
    line(&mut out, format_args!("not proven by any of this"));
    for limit in NOT_PROVEN {
        line(&mut out, format_args!("  {limit}"));
    }
    if assessment.profile == ITEM {
        line(&mut out, format_args!("  {NOT_PROVEN_OF_ITEMS}"));
    }
    out
}

fn describe(out: &mut String, evidence: &VerifiedEvidence<'_>) {
    let mut row = |name: &str, text: String| {
        writeln!(out, "{name:<11} {text}").expect("writing to a String cannot fail");
    };
    if let Some(claim) = claim_of(evidence) {
        row(
            "claim",
            format!("\"{}\": \"{}\" (the lab's words, not verified)", Shown(&claim.claim_id), Shown(&claim.text)),
        );
        let value = &claim.value.subject;
        let error = match (value.error.value(), claim.error.value()) {
            (Some(error), Some(rule)) => format!(", {} {} over {}s", rule.stat, Shown(&error.printed), rule.unit),
            _ => String::new(),
        };
        row("printed", format!("{} (n = {}{error})", Shown(&value.rate.printed), value.n));
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

fn write_finding(out: &mut String, finding: &Finding, is_required: bool) {
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
    for note in &finding.notes {
        line(format_args!("{indent}- {}", Shown(note)));
    }
    if let Some(next) = finding.next.as_ref().filter(|_| finding.outcome != Outcome::Pass) {
        line(format_args!("{indent}next: {next}"));
    }
}

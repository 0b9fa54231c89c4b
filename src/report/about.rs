//! What a report is about: the claim in the lab's words, what it prints and what was computed, and who said it where.

use crate::artifact::documents;
use crate::artifact::item::Holds;
use crate::check::{Attested, Finding, Outcome, arm_name};
use crate::claim::Assessment;
use crate::digest::DigestKind;
use crate::report::Shown;
use crate::report::page::{COLUMNS, Page};
use crate::report::text::{Room, first_sentence};
use crate::statement::{Claim, Contrast, ErrorStat, Judgement};
use crate::verify::{VerifiedEvidence, VerifiedItem};

/// Columns of what stands before each row.
const LABEL: usize = 12;

/// Writes it, a row for each.
pub(super) fn describe(page: &mut Page, assessment: &Assessment, evidence: &VerifiedEvidence<'_>, room: &Room) {
    let mut row = |name: &str, text: String| page.line(LABEL, &format!("{name:<11} {text}"));
    if room.asks {
        row("asked", assessment.profile.answers.to_owned());
    }
    if let Some(claim) = claim_of(evidence) {
        let (text, id) = (Shown(&claim.text), Shown(&claim.claim_id));
        row("claim", format!("\"{text}\" (claim \"{id}\": the lab's words, not verified)"));
        // What rests on a judge whom nobody read again holds according to that judge.
        let is_unread = |finding: &Finding| finding.check == "judge.audit" && finding.outcome == Outcome::Unknown;
        if let Some(judge) = claim.judge.value().filter(|_| assessment.findings.iter().any(is_unread)) {
            let names: Vec<_> = judge.observed_models.iter().map(|name| Shown(name).to_string()).collect();
            row("", format!("according to judge {}", names.join(", ")));
        }
        row("printed", printed(claim));
        if let Some(asserted) = asserted(claim) {
            row("asserted", asserted);
        }
        if let Some(computed) = computed(assessment, claim.contrast.value()) {
            row("computed", computed);
        }
    }
    let promised = assessment.findings.iter().find(|of| of.check == "claim.prereg");
    if let Some(promised) = promised.filter(|of| of.outcome != Outcome::NotApplicable && !of.is_withheld) {
        row("promised", first_sentence(&promised.reason));
    }
    let warnings: Vec<&String> = assessment.findings.iter().flat_map(|finding| &finding.warnings).collect();
    for warning in warnings.iter().take(room.warnings) {
        row("note well", Shown(warning).to_string());
    }
    if let Some(more) = warnings.len().checked_sub(room.warnings).filter(|more| *more > 0) {
        row("", format!("and {more} more (--json lists all)"));
    }
    let rebuilds = &assessment.rebuilds;
    for (at, attested) in rebuilds.all.iter().take(room.rebuilds).enumerate() {
        row(if at == 0 { "rebuilt" } else { "" }, rebuilt(attested, rebuilds.runs));
    }
    if let Some(more) = rebuilds.all.len().checked_sub(room.rebuilds).filter(|more| *more > 0) {
        row("", format!("and {more} more (--verbose tells of them)"));
    }
    for item in evidence.items.iter().take(room.items) {
        row("item", sentence(item));
    }
    if let Some(more) = evidence.items.len().checked_sub(room.items).filter(|more| *more > 0) {
        row("", format!("and {more} more (--json lists all)"));
    }
    let last = evidence.entries.get(&evidence.claim);
    let issuer = last.map(|entry| entry.claims().issuer.clone()).unwrap_or_default();
    let key = last.map_or_else(String::new, |entry| entry.key_id().to_string());
    // On a screen it is a reminder: who compares keys has all of it.
    let key = if room.columns == COLUMNS { format!("{}…", key.get(..16).unwrap_or_default()) } else { key };
    row("said by", format!("\"{}\", key {key}", Shown(&issuer)));
    row("ledger", format!("{} ({} entries)", Shown(&evidence.origin), evidence.head.size));
    row("ledger id", evidence.log.to_string());
    row("head", format!("sha256 root {}", evidence.head.root));
    page.whole("");
}

/// What is asserted, in the terms that are verified: how sure and of what stands beside what, since the lab chooses both.
fn asserted(claim: &Claim) -> Option<String> {
    let terms = &claim.assertion.value()?.terms;
    let first = terms.first()?;
    let (rule, bound, level) = (&first.by, Shown(&first.bound), Shown(&first.by.level));
    let said =
        format!("{} {} {bound}, by the {level} interval for {} ({})", first.of, first.is, rule.target, rule.method);
    Some(match terms.len() - 1 {
        0 => said,
        more => format!("{said}, and {more} more (--json lists all)"),
    })
}

/// The figures as the lab printed them.
fn printed(claim: &Claim) -> String {
    let value = &claim.value.subject;
    let error = match (value.error.value(), claim.error.value()) {
        (Some(error), Some(rule)) => {
            let (ErrorStat::StandardError | ErrorStat::Sem) = rule.stat;
            format!(", standard error {} over {}s", Shown(&error.printed), rule.unit)
        }
        _ => String::new(),
    };
    let mut printed = format!("{} (n = {}{error})", Shown(&value.rate.printed), value.n);
    if let Some((arm, other)) = claim.comparator.value().zip(claim.value.comparator.value()) {
        let (subject, comparator) = (arm_name(&claim.subject.arm), arm_name(&arm.arm));
        let (subject, comparator) = (Shown(&subject), Shown(&comparator));
        printed = format!("{subject} {printed} against {comparator} {}", Shown(&other.rate.printed));
    }
    if let Some(contrast) = claim.contrast.value() {
        printed = format!("{printed}; {} {}", contrast.kind, Shown(&contrast.value.printed));
    }
    printed
}

/// The same figures as the samples give them.
fn computed(assessment: &Assessment, contrast: Option<&Contrast>) -> Option<String> {
    let found = |check: &str| assessment.findings.iter().find(|of| of.check == check)?.found.as_deref();
    let contrasts = ["stat.contrast", "stat.gap"].into_iter().filter_map(found);
    // By the name that it has where it is printed.
    let named = contrasts.map(|text| match (text.strip_prefix("value ").unwrap_or(text), contrast) {
        (value, Some(contrast)) if value.starts_with(|c: char| c == '-' || c.is_ascii_digit()) => {
            format!("{} {value}", contrast.kind)
        }
        _ => text.to_owned(),
    });
    let named = found("stat.recompute").map(str::to_owned).into_iter().chain(named);
    let all: Vec<String> = named.collect();
    (!all.is_empty()).then(|| Shown(&all.join("; ")).to_string())
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

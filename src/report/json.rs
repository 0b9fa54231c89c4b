//! The verdict as one JSON document. Additions are allowed; a change needs a new version.

use std::fmt::Write;

use serde::Serialize;

use crate::artifact::item::{Holds, NamedBytes};
use crate::check::{Attested, Outcome, RunAgain};
use crate::claim::{Assessment, Level, Stage, Verdict};
use crate::digest::{Digest, FileDigest};
use crate::report::first_line;
use crate::report::shown::is_hidden;
use crate::statement::{Claim, Judgement};
use crate::verify::{VerifiedEvidence, VerifiedItem, Voucher};

/// Id of the document's schema; the file is `schemas/verdict.schema.json`.
pub const SCHEMA: &str = "urn:reproledger:schema:verdict:v1";

#[derive(Serialize)]
struct Report<'a> {
    schema: &'static str,
    verdict: Verdict,
    exit_code: u8,
    level: Level,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    assurance: Vec<StageRow<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    rebuilds: Vec<RebuildRow<'a>>,
    profile: &'static str,
    summary: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    evidence: Option<EvidenceFacts<'a>>,
    findings: Vec<FindingRow<'a>>,
}

#[derive(Serialize)]
struct StageRow<'a> {
    stage: Stage,
    level: Level,
    rests_on: &'a str,
}

#[derive(Serialize)]
struct RebuildRow<'a> {
    ledger: &'a str,
    entry: u64,
    key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    attached_by: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    party: Option<&'a str>,
    standing: &'static str,
    counts: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    why_not: Option<&'static str>,
    judgement: Judgement,
    sandboxed: bool,
    runs: Vec<RunRow<'a>>,
    taken: usize,
}

#[derive(Serialize)]
struct RunRow<'a> {
    start: u64,
    stage: &'a str,
    judgement: Judgement,
    same: Vec<u64>,
}

#[derive(Serialize)]
struct EvidenceFacts<'a> {
    ledger: String,
    origin: &'a str,
    size: u64,
    root: String,
    log_key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pinned: Option<&'a str>,
    witnesses: Vec<Witness<'a>>,
    claim_entry: u64,
    census_first: u64,
    entries: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    claim: Option<&'a Claim>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    items: Vec<ItemRow<'a>>,
    withheld: Vec<WithheldRow<'a>>,
}

#[derive(Serialize)]
struct Witness<'a> {
    name: &'a str,
    time: u64,
}

#[derive(Serialize)]
struct WithheldRow<'a> {
    digest: String,
    count: u64,
    holder: &'a str,
    reason: &'a str,
}

#[derive(Serialize)]
struct ItemRow<'a> {
    key: &'a str,
    number: u64,
    count: u64,
    kind: &'static str,
    projection: &'a str,
    root: String,
    salted: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    names: Vec<NamedRow>,
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<PlaceRow>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<ContentRow<'a>>,
}

#[derive(Serialize)]
struct NamedRow {
    what: &'static str,
    digest: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    length: Option<u64>,
}

#[derive(Serialize)]
struct PlaceRow {
    file: u64,
    first: u64,
    length: u64,
}

#[derive(Serialize)]
struct ContentRow<'a> {
    what: &'static str,
    digest: String,
    length: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    whole_line: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'a str>,
}

#[derive(Serialize)]
struct FindingRow<'a> {
    check: &'static str,
    outcome: Outcome,
    required: bool,
    reason: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    expected: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    found: Option<&'a str>,
    entries: Vec<u64>,
    notes: &'a [String],
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    warnings: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<&'a str>,
}

/// The document, ending in a newline.
pub fn to_json(assessment: &Assessment) -> String {
    let report = Report {
        schema: SCHEMA,
        verdict: assessment.verdict,
        exit_code: assessment.verdict.exit_code(),
        level: assessment.level,
        assurance: assessment
            .assurance
            .stages()
            .iter()
            .map(|stage| StageRow { stage: stage.stage, level: stage.level, rests_on: &stage.rests_on })
            .collect(),
        rebuilds: assessment.rebuilds.all.iter().map(rebuild_row).collect(),
        profile: assessment.profile.name,
        summary: first_line(assessment),
        evidence: assessment.evidence.as_ref().map(facts),
        findings: assessment
            .findings
            .iter()
            .map(|finding| FindingRow {
                check: finding.check,
                outcome: finding.outcome,
                required: assessment.profile.required.contains(&finding.check),
                reason: &finding.reason,
                expected: finding.expected.as_deref(),
                found: finding.found.as_deref(),
                entries: finding.entries.iter().map(|index| index.0).collect(),
                notes: &finding.notes,
                warnings: &finding.warnings,
                next: finding.next.as_deref(),
            })
            .collect(),
    };
    let mut text = serde_json::to_string_pretty(&report).expect("texts, integers and lists always serialise");
    text.push('\n');
    escape_hidden(&text)
}

/// The same document with what no terminal should get written as `\u` escapes. All of it stands inside JSON texts: the
/// document's own line ends are the only control characters outside of them.
fn escape_hidden(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for character in json.chars() {
        if character == '\n' || !is_hidden(character) {
            out.push(character);
        } else {
            for unit in character.encode_utf16(&mut [0; 2]) {
                write!(out, "\\u{unit:04x}").expect("writing to a String cannot fail");
            }
        }
    }
    out
}

fn facts<'a>(evidence: &'a VerifiedEvidence<'_>) -> EvidenceFacts<'a> {
    let (pinned, witnesses) = match &evidence.voucher {
        Voucher::None => (None, Vec::new()),
        Voucher::Pinned { key, witnesses, .. } => {
            (Some(key.as_str()), witnesses.iter().map(|(name, time)| Witness { name, time: *time }).collect())
        }
    };
    EvidenceFacts {
        ledger: evidence.log.to_string(),
        origin: &evidence.origin,
        size: evidence.head.size.0,
        root: evidence.head.root.to_string(),
        log_key: evidence.log_key.thumbprint().to_string(),
        pinned,
        witnesses,
        claim_entry: evidence.claim.0,
        census_first: evidence.census_first.0,
        entries: evidence.entries.len(),
        claim: evidence.bodies.get(&evidence.claim).and_then(|body| body.claim.as_deref()),
        items: evidence.items.iter().map(item_row).collect(),
        withheld: evidence
            .withheld
            .iter()
            .map(|withheld| WithheldRow {
                digest: withheld.digest.to_string(),
                count: withheld.count,
                holder: &withheld.holder,
                reason: &withheld.reason,
            })
            .collect(),
    }
}

fn rebuild_row(attested: &Attested) -> RebuildRow<'_> {
    RebuildRow {
        ledger: &attested.ledger,
        entry: attested.entry.0,
        key: attested.key.to_string(),
        attached_by: attested.attach.map(|index| index.0),
        party: attested.party.as_deref(),
        standing: attested.standing.name(),
        counts: attested.why_not.is_none(),
        why_not: attested.why_not,
        judgement: attested.judgement,
        sandboxed: attested.sandboxed,
        runs: attested.runs.iter().map(run_row).collect(),
        taken: attested.taken,
    }
}

fn run_row(run: &RunAgain) -> RunRow<'_> {
    let same = run.same.iter().map(|index| index.0).collect();
    RunRow { start: run.start.0, stage: &run.label, judgement: run.judgement, same }
}

fn item_row(item: &VerifiedItem) -> ItemRow<'_> {
    let digest = |digest: FileDigest| Digest::from(digest).to_string();
    let (names, place) = match &item.item.holds {
        Holds::Bytes(named) => {
            let row =
                |named: &NamedBytes| NamedRow { what: named.what, digest: digest(named.digest), length: named.length };
            (named.iter().map(row).collect(), None)
        }
        Holds::Place { file, first, length } => {
            (Vec::new(), Some(PlaceRow { file: *file, first: *first, length: *length }))
        }
        Holds::Nothing => (Vec::new(), None),
    };
    ItemRow {
        key: &item.item.key,
        number: item.number,
        count: item.count,
        kind: item.kind.name(),
        projection: &item.projection,
        root: item.root.to_string(),
        salted: item.is_salted,
        names,
        place,
        content: item.content.as_ref().map(|content| ContentRow {
            what: content.what,
            digest: digest(content.digest),
            length: content.length,
            whole_line: content.is_line,
            file: content.file.as_deref(),
        }),
    }
}

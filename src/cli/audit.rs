//! `audit`: the whole ledger from disk. Every frame and head first, then every entry by the rules it must keep.

mod closer;
mod entries;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;

use crate::capture::hash::Progress;
use crate::cli::progress::Bar;
use crate::cli::render::{self, bytes, count, message, one_line, put, row};
use crate::cli::{Context, Failure, Outcome};
use crate::digest::hex;
use crate::journal::Settings;
use crate::key::VerifierKey;
use crate::ledger::{AuditInputs, AuditReport, LedgerError, StateReading, audit, read_state};
use closer::look_closer;
use entries::{Entries, check_entries};

/// Id of the document's schema.
const SCHEMA: &str = "urn:reproledger:schema:audit:v1";

/// Findings that are kept; the count says how many there are.
const MAX_FINDINGS: usize = 50;

/// Check the whole ledger from disk: every frame, head, signature and link
///
/// Says CLEAN (exit 0), DAMAGED (exit 1) or UNKNOWN (exit 3), and changes nothing. Files that were kept back or erased
/// are noted; files that are not what their entry commits to are damage.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  reproledger audit\n  reproledger audit --heads-only --json")]
pub(super) struct Audit {
    /// Only frames and signed heads, not what the entries say
    #[arg(long)]
    heads_only: bool,
    /// One JSON document
    #[arg(long)]
    json: bool,
}

/// What an audit comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    /// Everything that was gone over holds.
    Clean,
    /// Something is not what was signed.
    Damaged,
    /// Something could not be read by this version.
    Unknown,
}

/// Something wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Finding {
    /// Whether it contradicts what was signed, or only could not be told.
    verdict: Verdict,
    /// The entry, where it is one entry's.
    #[serde(skip_serializing_if = "Option::is_none")]
    entry: Option<u64>,
    /// What is wrong: which thing, expected, found.
    reason: String,
}

/// Findings, of which the first are kept.
#[derive(Debug, Default)]
struct Findings {
    kept: Vec<Finding>,
    damaged: u64,
    unknown: u64,
}

impl Findings {
    fn add(&mut self, verdict: Verdict, entry: Option<u64>, reason: impl Into<String>) {
        match verdict {
            Verdict::Damaged => self.damaged += 1,
            Verdict::Unknown | Verdict::Clean => self.unknown += 1,
        }
        if self.kept.len() < MAX_FINDINGS {
            self.kept.push(Finding { verdict, entry, reason: reason.into() });
        }
    }

    fn verdict(&self) -> Verdict {
        match (self.damaged, self.unknown) {
            (0, 0) => Verdict::Clean,
            (0, _) => Verdict::Unknown,
            _ => Verdict::Damaged,
        }
    }
}

#[derive(Serialize)]
struct Report {
    schema: &'static str,
    verdict: Verdict,
    exit_code: u8,
    summary: String,
    directory: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    log: Option<Log>,
    #[serde(skip_serializing_if = "Option::is_none")]
    entries: Option<Entries>,
    findings: Vec<Finding>,
    findings_count: u64,
    notes: Vec<String>,
}

/// What was found whole in the log.
#[derive(Serialize)]
#[allow(clippy::struct_field_names, reason = "the name is the report's")]
struct Log {
    ledger: String,
    origin: String,
    size: u64,
    root: String,
    log_key: String,
    heads: u64,
    attached: u64,
    segments: u64,
    bytes: u64,
}

impl Audit {
    pub(super) fn run(self, context: &Context) -> Outcome {
        let directory = context.ledger_dir()?;
        let bar = context.progress("auditing");
        let report = judge(&directory, context.state_dir(), self.heads_only, &bar)?;
        bar.finish();
        if self.json {
            render::print_json(context, &report)?;
        } else {
            context.print(&text(&report))?;
        }
        Ok(report.exit_code)
    }
}

fn judge(directory: &Path, state_dir: &Path, heads_only: bool, bar: &Bar) -> Result<Report, Failure> {
    let settings = Settings::load(directory)?;
    let key = settings.verifier_key(directory)?;
    let (mut findings, mut notes) = (Findings::default(), Vec::new());
    let seen = AtomicU64::new(0);
    // Told how far it is in all, from any thread; the bar wants what is new.
    let tell = |done: u64| bar.add(done.saturating_sub(seen.fetch_max(done, Ordering::Relaxed)));
    let inputs = AuditInputs { dir: directory, key: &key, state_dir: Some(state_dir) };
    let nothing_more = |_, _: &[u8], _| Ok::<(), std::convert::Infallible>(());
    let log = match audit(inputs, nothing_more, tell) {
        Ok(report) => Some(report),
        Err(error) => {
            findings.add(verdict_of(&error)?, None, error.to_string());
            let closer = look_closer(inputs, &error);
            closer.refused.into_iter().for_each(|(index, reason)| {
                findings.add(Verdict::Damaged, Some(index), reason);
            });
            notes.extend(closer.whole.map(|whole| match whole {
                0 => "no entry before that place is whole".to_owned(),
                whole => format!("entries 0 to {} are whole; the damage comes after them", whole - 1),
            }));
            None
        }
    };
    let mut entries = None;
    if let Some(log) = &log {
        notes.extend(log.notices.iter().map(ToString::to_string));
        note_state(state_dir, log, &mut notes)?;
        if !heads_only {
            entries = Some(check_entries(directory, &key, &settings, &mut findings, &mut notes, bar)?);
        }
    }
    let log = log.map(|report| log_facts(&report, &key));
    Ok(report(&directory.display().to_string(), log, entries, findings, notes))
}

/// What an error of the log comes to; one that says nothing about the ledger stays an error.
fn verdict_of(error: &LedgerError) -> Result<Verdict, Failure> {
    Ok(match error {
        LedgerError::Damaged { .. } | LedgerError::RolledBack { .. } | LedgerError::Forked { .. } => Verdict::Damaged,
        LedgerError::Unsupported { .. } => Verdict::Unknown,
        LedgerError::Io { doing, path, source } => {
            return Err(Failure::new(format!("cannot {doing} `{}`: {source}", path.display())));
        }
        other => return Err(Failure::new(other.to_string())),
    })
}

fn note_state(state_dir: &Path, log: &AuditReport, notes: &mut Vec<String>) -> Result<(), Failure> {
    let size = log.head.tree().size;
    match read_state(state_dir, log.ledger)? {
        StateReading::Lost(why) => notes.push(format!(
            "this machine's record of signed heads {why}: whether a newer head was signed cannot be told (expected on a copy)"
        )),
        StateReading::Signed(head) if head.size < size => {
            notes.push(format!("this machine's record of signed heads says size {}, the log has {size}", head.size));
        }
        StateReading::Signed(_) => {}
    }
    Ok(())
}

fn log_facts(report: &AuditReport, key: &VerifierKey) -> Log {
    let tree = report.head.tree();
    Log {
        ledger: report.ledger.to_string(),
        origin: report.head.head().origin.to_string(),
        size: tree.size.0,
        root: format!("sha256:{}", hex(tree.root.as_bytes())),
        log_key: key.to_string(),
        heads: report.heads,
        attached: report.attached,
        segments: report.segments,
        bytes: report.bytes,
    }
}

fn report(
    directory: &str,
    log: Option<Log>,
    entries: Option<Entries>,
    mut findings: Findings,
    mut notes: Vec<String>,
) -> Report {
    // Files are named from the ledger's directory on, which stands in the report once.
    let within = |text: &mut String| *text = text.replace(&format!("`{directory}/"), "`");
    findings.kept.iter_mut().for_each(|finding| within(&mut finding.reason));
    notes.iter_mut().for_each(within);
    let verdict = findings.verdict();
    let summary = summary(verdict, log.as_ref(), entries.as_ref(), &findings);
    let exit_code = match verdict {
        Verdict::Clean => 0,
        Verdict::Damaged => 1,
        Verdict::Unknown => 3,
    };
    Report {
        schema: SCHEMA,
        verdict,
        exit_code,
        summary,
        directory: directory.to_owned(),
        log,
        entries,
        findings_count: findings.damaged + findings.unknown,
        findings: findings.kept,
        notes,
    }
}

fn summary(verdict: Verdict, log: Option<&Log>, entries: Option<&Entries>, findings: &Findings) -> String {
    match verdict {
        Verdict::Clean => {
            let log = log.expect("without a log there is a finding");
            let covered = format!(
                "{} under {}",
                count(log.size, "entry", "entries"),
                count(log.heads, "signed head", "signed heads")
            );
            match entries {
                Some(entries) => {
                    let disowned = match entries.disowned {
                        0 => String::new(),
                        disowned => format!("; {} disowned", count(disowned, "entry is", "entries are")),
                    };
                    format!("CLEAN — {covered}: every frame, head, signature and link holds{disowned}")
                }
                None => format!("CLEAN — {covered}: every frame and head holds; the entries were not looked into"),
            }
        }
        Verdict::Damaged => {
            let first = findings.kept.iter().find(|finding| finding.verdict == Verdict::Damaged);
            let more = match findings.damaged {
                0 | 1 => String::new(),
                found => format!(" (and {} more)", found - 1),
            };
            format!("DAMAGED — {}{more}", first.map_or("more than is shown", |finding| first_line(&finding.reason)))
        }
        Verdict::Unknown => {
            let first = findings.kept.first();
            format!("UNKNOWN — {}", first.map_or("more than is shown", |finding| first_line(&finding.reason)))
        }
    }
}

fn first_line(reason: &str) -> &str {
    reason.lines().next().unwrap_or_default()
}

fn text(report: &Report) -> String {
    let mut out = format!("{}\n", one_line(&report.summary));
    if report.log.is_some() {
        out.push('\n');
    }
    if let Some(log) = &report.log {
        row(&mut out, "ledger", format_args!("sha256:{} ({})", log.ledger, log.origin));
        row(&mut out, "head", format_args!("size {}  root {}", log.size, log.root));
        row(&mut out, "", format_args!("signed by {}", log.log_key));
        let (heads, segments) = (count(log.heads, "head", "heads"), count(log.segments, "segment", "segments"));
        row(&mut out, "log", format_args!("{heads} in {segments}, {} of frames", bytes(log.bytes)));
        if log.attached > 0 {
            let attached = count(log.attached, "cosignature or timestamp", "cosignatures and timestamps");
            row(&mut out, "", format_args!("{attached}, not checked here"));
        }
    }
    if let Some(entries) = &report.entries {
        let signatures = count(entries.signatures, "signature holds", "signatures hold");
        row(&mut out, "entries", format_args!("{} read, {signatures}", entries.read));
        row(&mut out, "links", format_args!("{} hold, {} lead to other ledgers", entries.links, entries.foreign_links));
        for (name, objects) in [("bodies", &entries.bodies), ("manifests", &entries.manifests)] {
            let missing = match objects.missing {
                0 => String::new(),
                missing => format!(", {missing} not here (kept back or erased)"),
            };
            row(&mut out, name, format_args!("{} fit what the entries commit to{missing}", objects.whole));
        }
    }
    if !report.findings.is_empty() {
        out.push_str("\nfindings\n");
    }
    for finding in &report.findings {
        let word = if finding.verdict == Verdict::Damaged { "DAMAGED" } else { "UNKNOWN" };
        for (position, line) in finding.reason.lines().enumerate() {
            let line = message(line.trim_end());
            let word = if position == 0 { word } else { "" };
            put(&mut out, format_args!("  {word:<7}  {line}\n"));
        }
    }
    if report.findings_count > report.findings.len() as u64 {
        put(&mut out, format_args!("  and {} more\n", report.findings_count - report.findings.len() as u64));
    }
    if report.log.is_none() {
        out.push_str("\nBecause of that, what the entries say was not looked into.\n");
    }
    if !report.notes.is_empty() {
        out.push_str("\nnotes\n");
    }
    for note in &report.notes {
        put(&mut out, format_args!("  {}\n", one_line(note)));
    }
    out
}

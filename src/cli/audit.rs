//! `audit`: the whole ledger from disk. Every frame and head first, then every entry by the rules it must keep.

#[cfg(test)]
mod tests;

use std::path::Path;

use serde::Serialize;

use crate::capture::hash::Progress;
use crate::cli::open::explain;
use crate::cli::render::{self, bytes, count, message, one_line, put, row};
use crate::cli::{Context, Failure, Outcome};
use crate::digest::hex;
use crate::journal::Settings;
use crate::journal::audit::{self, Class, EntryAudit, ObjectCount, Scope, audit_ledger};
use crate::key::VerifierKey;
use crate::ledger::{AuditInputs, AuditReport, StateReading};

/// Id of the document's schema.
const SCHEMA: &str = "urn:reproledger:schema:audit:v1";

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

impl From<Class> for Verdict {
    fn from(class: Class) -> Self {
        match class {
            Class::Damaged => Self::Damaged,
            Class::Unknown => Self::Unknown,
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

/// What went over the entries.
#[derive(Serialize)]
struct Entries {
    read: u64,
    signatures: u64,
    links: u64,
    foreign_links: u64,
    /// Entries of keys of which a later entry says that they were in other hands.
    disowned: u64,
    bodies: Objects,
    manifests: Objects,
    /// Of salted manifests that are here.
    salts: Objects,
}

/// Objects that entries commit to.
#[derive(Serialize)]
struct Objects {
    whole: u64,
    missing: u64,
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

fn judge(directory: &Path, state_dir: &Path, heads_only: bool, progress: &dyn Progress) -> Result<Report, Failure> {
    let settings = Settings::load(directory)?;
    let key = settings.verifier_key(directory)?;
    let inputs = AuditInputs { dir: directory, key: &key, state_dir: Some(state_dir) };
    let scope = if heads_only { Scope::Heads } else { Scope::Everything };
    let audit = audit_ledger(inputs, &settings, scope, progress).map_err(explain)?;
    Ok(report(&directory.display().to_string(), &audit, &key))
}

/// What a person should be told though nothing is wrong with it, or that tells where to look.
fn notes(audit: &audit::Audit) -> Vec<String> {
    let mut notes = Vec::new();
    notes.extend(audit.whole_before.map(|whole| match whole {
        0 => "no entry before that place is whole".to_owned(),
        whole => format!("entries 0 to {} are whole; the damage comes after them", whole - 1),
    }));
    if let Some(log) = &audit.log {
        notes.extend(log.notices.iter().map(ToString::to_string));
        let size = log.head.tree().size;
        notes.extend(match audit.state {
            Some(StateReading::Lost(why)) => Some(format!(
                "this machine's record of signed heads {why}: whether a newer head was signed cannot be told (expected on a copy)"
            )),
            Some(StateReading::Signed(head)) if head.size < size => {
                Some(format!("this machine's record of signed heads says size {}, the log has {size}", head.size))
            }
            Some(StateReading::Signed(_)) | None => None,
        });
    }
    let salts = audit.entries.as_ref().map(|entries| entries.salts.missing).filter(|missing| *missing > 0);
    notes.extend(salts.map(|missing| {
        format!(
            "the salts of {} are not here: nothing in them can be opened from this copy (reproledger doctor names them)",
            count(missing, "salted list", "salted lists")
        )
    }));
    let disowned = audit.entries.iter().flat_map(|entries| &entries.disowned);
    notes.extend(disowned.map(|disowned| {
        format!(
            "{} disowned: entry {} says that key sha256:{} was in other hands since entry {}",
            count(disowned.entries, "entry is", "entries are"),
            disowned.by,
            disowned.key,
            disowned.since
        )
    }));
    notes
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

fn entry_facts(entries: &EntryAudit) -> Entries {
    let objects = |count: ObjectCount| Objects { whole: count.whole, missing: count.missing };
    Entries {
        read: entries.read,
        signatures: entries.signatures,
        links: entries.links,
        foreign_links: entries.foreign_links,
        disowned: entries.disowned.iter().map(|disowned| disowned.entries).sum(),
        bodies: objects(entries.bodies),
        manifests: objects(entries.manifests),
        salts: objects(entries.salts),
    }
}

fn report(directory: &str, audit: &audit::Audit, key: &VerifierKey) -> Report {
    // Files are named from the ledger's directory on, which stands in the report once.
    let within = |text: String| text.replace(&format!("`{directory}/"), "`");
    let findings = audit.findings.kept().iter().map(|finding| Finding {
        verdict: finding.class().into(),
        entry: finding.entry().map(|index| index.0),
        reason: within(finding.to_string()),
    });
    let verdict = audit.findings.worst().map_or(Verdict::Clean, Verdict::from);
    let (damaged, unknown) = (audit.findings.count(Class::Damaged), audit.findings.count(Class::Unknown));
    let mut report = Report {
        schema: SCHEMA,
        verdict,
        exit_code: match verdict {
            Verdict::Clean => 0,
            Verdict::Damaged => 1,
            Verdict::Unknown => 3,
        },
        summary: String::new(),
        directory: directory.to_owned(),
        log: audit.log.as_ref().map(|log| log_facts(log, key)),
        entries: audit.entries.as_ref().map(entry_facts),
        findings: findings.collect(),
        findings_count: damaged + unknown,
        notes: notes(audit).into_iter().map(within).collect(),
    };
    report.summary = summary(&report, damaged);
    report
}

/// The first line; `damaged` counts the findings of damage, shown or not.
fn summary(report: &Report, damaged: u64) -> String {
    match report.verdict {
        Verdict::Clean => {
            let log = report.log.as_ref().expect("without a log there is a finding");
            let covered = format!(
                "{} under {}",
                count(log.size, "entry", "entries"),
                count(log.heads, "signed head", "signed heads")
            );
            match &report.entries {
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
            let first = report.findings.iter().find(|finding| finding.verdict == Verdict::Damaged);
            let more = match damaged {
                0 | 1 => String::new(),
                found => format!(" (and {} more)", found - 1),
            };
            format!("DAMAGED — {}{more}", first.map_or("more than is shown", |finding| first_line(&finding.reason)))
        }
        Verdict::Unknown => {
            let first = report.findings.first();
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
        if entries.salts.whole + entries.salts.missing > 0 {
            let salts = &entries.salts;
            row(&mut out, "salts", format_args!("{} open their salted lists, {} not here", salts.whole, salts.missing));
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

//! `status`: what this ledger is and holds, in one page.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use serde::Serialize;

use crate::cli::marks::{Mark, Marks};
use crate::cli::open::Reading;
use crate::cli::render::{self, bytes, count, put, quoted, row, time};
use crate::cli::survey::{self, Keys, each, readable};
use crate::cli::{Context, Failure, Outcome};
use crate::digest::hex;
use crate::ledger::{StateReading, read_state};
use crate::merkle::EntryIndex;
use crate::statement::{EdgeType, Kind, Payload};

/// Id of the document's schema.
const SCHEMA: &str = "urn:reproledger:schema:status:v1";

/// Runs named on the page; `--json` has them all.
const MAX_RUNS: usize = 10;

/// What this ledger is and holds
///
/// Takes no lock and writes nothing. It shows what the newest signed head covers; `reproledger audit` checks it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  reproledger status\n  reproledger status --json | jq .size")]
pub(super) struct Status {
    /// One JSON document
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report {
    schema: &'static str,
    summary: String,
    ledger: String,
    origin: String,
    issuer: String,
    directory: String,
    size: u64,
    root: String,
    log_key: String,
    last: Last,
    kinds: BTreeMap<Kind, u64>,
    open_runs: Vec<OpenRun>,
    /// Entries that are taken back, left out, or went wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    marked: Vec<Marked>,
    /// Keys that may sign entries now; absent where that could not be established.
    #[serde(skip_serializing_if = "Option::is_none")]
    signers: Option<Vec<Signer>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signers_unknown: Option<String>,
    key_names: KeyNames,
    signing: Signing,
    disk: Disk,
}

#[derive(Serialize)]
struct Last {
    index: u64,
    kind: Kind,
    time: String,
    time_seconds: u64,
}

#[derive(Serialize)]
struct OpenRun {
    index: u64,
    stage: String,
    attempt: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    arm: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
    started: String,
}

/// An entry of which a later one says something that readers must know.
#[derive(Serialize)]
struct Marked {
    index: u64,
    #[serde(flatten)]
    mark: Mark,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

#[derive(Serialize)]
struct Signer {
    role: &'static str,
    thumbprint: String,
}

/// Names in the key directory of whoever writes here.
#[derive(Serialize)]
struct KeyNames {
    log: String,
    issuer: String,
}

/// Whether this machine would sign: what its state file remembers.
#[derive(Serialize)]
struct Signing {
    ready: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    remembered_size: Option<u64>,
    reason: String,
}

/// Bytes taken on disk.
#[derive(Serialize)]
struct Disk {
    log: u64,
    objects: u64,
    index: u64,
    total: u64,
}

impl Status {
    pub(super) fn run(self, context: &Context) -> Outcome {
        let reading = Reading::open(context)?;
        let report = survey(context, &reading)?;
        if self.json {
            render::print_json(context, &report)?;
        } else {
            context.print(&text(&report))?;
        }
        Ok(0)
    }
}

fn survey(context: &Context, reading: &Reading) -> Result<Report, Failure> {
    let mut keys = None;
    let mut kinds: BTreeMap<Kind, u64> = BTreeMap::new();
    let (mut runs, mut ended): (BTreeMap<EntryIndex, OpenRun>, BTreeSet<EntryIndex>) = Default::default();
    let (mut last, mut marks) = (None, Marks::default());
    each(&reading.ledger, EntryIndex(0), |index, _, entry| {
        let entry = readable(index, entry)?;
        let (payload, issued_at) = (entry.claimed(), entry.claims().issued_at);
        match &mut keys {
            None => keys = Some(Keys::open(&entry).map_err(|reject| reject.to_string()).map(|(_, keys)| keys)),
            Some(Ok(keys)) => keys.take(index, &entry),
            Some(Err(_)) => {}
        }
        *kinds.entry(payload.kind).or_default() += 1;
        if payload.kind == Kind::RunStart {
            runs.insert(index, open_run(index, payload, issued_at));
        }
        ended.extend(payload.edges.iter().filter(|edge| edge.edge_type == EdgeType::Ends).map(|edge| edge.seq));
        marks.take(index, payload);
        last = Some(Last { index: index.0, kind: payload.kind, time: time(issued_at), time_seconds: issued_at });
        Ok(())
    })?;
    runs.retain(|index, _| !ended.contains(index));
    let (settings, tree) = (&reading.settings, reading.ledger.tree());
    let last = last.ok_or_else(|| Failure::new("the ledger has no entry").hint("look closer: reproledger audit"))?;
    let (signers, signers_unknown) = match &keys {
        Some(Ok(keys)) if keys.lost().is_none() => (Some(signers(keys)), None),
        Some(Ok(keys)) => (None, keys.lost().map(str::to_owned)),
        Some(Err(reason)) => (None, Some(reason.clone())),
        None => (None, None),
    };
    let open_runs: Vec<OpenRun> = runs.into_values().collect();
    let mut summary =
        format!("{} holds {}, the last of {}", settings.origin, count(tree.size.0, "entry", "entries"), last.time);
    if !open_runs.is_empty() {
        put(&mut summary, format_args!("; {} not ended", count(open_runs.len() as u64, "run has", "runs have")));
    }
    let marked = marks.all().map(|(index, mark)| {
        let reason = survey::row(reading, EntryIndex(mark.by))?.body.and_then(|body| body.reason);
        Ok(Marked { index: index.0, mark, reason })
    });
    let marked: Vec<Marked> = marked.collect::<Result<_, Failure>>()?;
    let retracted: BTreeSet<u64> =
        marked.iter().filter(|marked| marked.mark.relation == EdgeType::Retracts).map(|marked| marked.index).collect();
    if !retracted.is_empty() {
        put(&mut summary, format_args!("; {} taken back", count(retracted.len() as u64, "entry is", "entries are")));
    }
    Ok(Report {
        schema: SCHEMA,
        summary,
        ledger: reading.ledger.id().to_string(),
        origin: settings.origin.clone(),
        issuer: settings.issuer.clone(),
        directory: reading.directory.display().to_string(),
        size: tree.size.0,
        root: format!("sha256:{}", hex(tree.root.as_bytes())),
        log_key: settings.log_key.clone(),
        last,
        kinds,
        open_runs,
        marked,
        signers,
        signers_unknown,
        key_names: KeyNames { log: settings.keys.log.clone(), issuer: settings.keys.issuer.clone() },
        signing: signing(context, reading),
        disk: disk(&reading.directory),
    })
}

fn open_run(index: EntryIndex, payload: &Payload, issued_at: u64) -> OpenRun {
    OpenRun {
        index: index.0,
        stage: payload.stage.clone().unwrap_or_default(),
        attempt: payload.attempt.unwrap_or_default(),
        arm: payload.arm.clone(),
        seed: payload.seed,
        started: time(issued_at),
    }
}

fn signers(keys: &Keys) -> Vec<Signer> {
    let active = keys.set().active();
    let mut signers: Vec<Signer> = active
        .map(|(role, key)| Signer { role: role.name(), thumbprint: format!("sha256:{}", key.thumbprint()) })
        .collect();
    signers.sort_by(|left, right| (left.role, &left.thumbprint).cmp(&(right.role, &right.thumbprint)));
    signers
}

fn signing(context: &Context, reading: &Reading) -> Signing {
    let size = reading.ledger.tree().size;
    let not = |remembered_size, reason| Signing { ready: false, remembered_size, reason };
    match read_state(context.state_dir(), reading.ledger.id()) {
        Err(error) => not(None, error.to_string()),
        Ok(StateReading::Lost(why)) => {
            not(None, format!("this machine's record of signed heads {why} (`reproledger doctor` says what to do)"))
        }
        Ok(StateReading::Signed(head)) if head.size > size => not(
            Some(head.size.0),
            format!("a head of size {} was signed here before: this is an older copy", head.size),
        ),
        Ok(StateReading::Signed(head)) => Signing {
            ready: true,
            remembered_size: Some(head.size.0),
            reason: format!("this machine remembers signing size {}", head.size),
        },
    }
}

/// What the ledger takes on disk. What cannot be looked at counts nothing.
fn disk(directory: &Path) -> Disk {
    let part = |name: &str| usage(&directory.join(name));
    Disk { log: part("log"), objects: part("objects"), index: part("index"), total: usage(directory) }
}

fn usage(path: &Path) -> u64 {
    let (mut total, mut waiting) = (0_u64, vec![path.to_owned()]);
    while let Some(path) = waiting.pop() {
        let Ok(metadata) = path.symlink_metadata() else { continue };
        // Allocated, not apparent: segments are made at full length.
        total = total.saturating_add(metadata.blocks().saturating_mul(512));
        if metadata.is_dir()
            && let Ok(children) = path.read_dir()
        {
            waiting.extend(children.flatten().map(|child| child.path()));
        }
    }
    total
}

fn text(report: &Report) -> String {
    let mut out = format!("{}\n\n", report.summary);
    row(&mut out, "ledger", format_args!("sha256:{} (entry 0)", report.ledger));
    row(&mut out, "directory", quoted(&report.directory));
    row(&mut out, "issuer", quoted(&report.issuer));
    row(&mut out, "head", format_args!("size {}  root {}", report.size, report.root));
    row(&mut out, "", format_args!("signed by {}", report.log_key));
    row(&mut out, "last entry", format_args!("#{}  {}  {}", report.last.index, report.last.time, report.last.kind));
    let kinds: Vec<String> = report.kinds.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    row(&mut out, "entries", kinds.join(", "));
    for (position, run) in report.open_runs.iter().take(MAX_RUNS).enumerate() {
        let mut line = format!("#{} stage {} attempt {}", run.index, quoted(&run.stage), run.attempt);
        line.extend(run.arm.as_ref().map(|arm| format!(" arm {}", quoted(arm))));
        line.extend(run.seed.map(|seed| format!(" seed {seed}")));
        row(&mut out, if position == 0 { "not ended" } else { "" }, format_args!("{line}, started {}", run.started));
    }
    if report.open_runs.len() > MAX_RUNS {
        row(&mut out, "", format_args!("and {} more (--json lists all)", report.open_runs.len() - MAX_RUNS));
    }
    for (position, marked) in report.marked.iter().take(MAX_RUNS).enumerate() {
        let reason = marked.reason.as_deref().map_or_else(|| "its reason is not here".to_owned(), quoted);
        let line = format_args!("#{}  {}: {reason}", marked.index, marked.mark);
        row(&mut out, if position == 0 { "marked" } else { "" }, line);
    }
    if report.marked.len() > MAX_RUNS {
        row(&mut out, "", format_args!("and {} more (--json lists all)", report.marked.len() - MAX_RUNS));
    }
    for (position, signer) in report.signers.iter().flatten().enumerate() {
        let name = if position == 0 { "signed by" } else { "" };
        row(&mut out, name, format_args!("{} key {}", signer.role, signer.thumbprint));
    }
    if let Some(reason) = &report.signers_unknown {
        row(&mut out, "signed by", format_args!("UNKNOWN: {}", render::one_line(reason)));
    }
    let (log, issuer) = (quoted(&report.key_names.log), quoted(&report.key_names.issuer));
    row(&mut out, "keys here", format_args!("{log} signs heads, {issuer} signs entries"));
    let ready = if report.signing.ready { "ready" } else { "NOT POSSIBLE" };
    row(&mut out, "signing", format_args!("{ready}: {}", render::one_line(&report.signing.reason)));
    let disk = &report.disk;
    let parts = [("log", disk.log), ("objects", disk.objects), ("index", disk.index)];
    let parts: Vec<String> = parts.iter().map(|(name, size)| format!("{name} {}", bytes(*size))).collect();
    row(&mut out, "on disk", format_args!("{}: {}", bytes(disk.total), parts.join(", ")));
    out
}

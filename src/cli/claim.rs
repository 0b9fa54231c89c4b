//! `claim`: states a number with every rule it depends on, and shows what the samples give.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::{Path, PathBuf};

use crate::adopt::FILL_IN;
use crate::artifact::manifest::{MAX_MANIFEST_BYTES, ManifestView};
use crate::artifact::samples::{LogFacts, Samples};
use crate::capture::claim_file::{Named, load_claim};
use crate::check::{Finding, InputSamples, Outcome as CheckOutcome, check_number};
use crate::cli::keys::PassphraseArgs;
use crate::cli::open::{Reading, finder, from_journal, journal, look_up, say};
use crate::cli::record::{PlaceArgs, check_name};
use crate::cli::{Context, Failure, Outcome};
use crate::digest::{Digest, DigestKind, LeafHash};
use crate::journal::{Draft, Finder, Row, Target};
use crate::ledger::Objects;
use crate::merkle::EntryIndex;
use crate::report::Shown;
use crate::statement::{Body, Claim as Statement, EdgeType, Kind};
use crate::verify::reachable;

/// State a claim, or check what its number would be
#[derive(Debug, clap::Args)]
pub(super) struct Claim {
    #[command(subcommand)]
    command: ClaimCommand,
}

#[derive(Debug, clap::Subcommand)]
enum ClaimCommand {
    /// Record a claim: append it as a signed entry, linked to its inputs
    #[command(after_help = "Example:\n  reproledger claim add claim.toml")]
    Add {
        /// Claim file
        file: PathBuf,
        /// The earlier claim that this one replaces
        #[arg(long, value_name = "NAME")]
        supersedes: Option<String>,
        #[command(flatten)]
        place: PlaceArgs,
        #[command(flatten)]
        passphrase: PassphraseArgs,
    },
    /// Compute a claim's number from its samples and compare it with what is printed
    #[command(
        after_help = "Examples:\n  reproledger claim check claim.toml\n  reproledger claim check popularity-accuracy"
    )]
    Check {
        /// Claim file, or the name of a recorded claim
        claim: String,
    },
}

impl Claim {
    pub(super) fn run(self, context: &Context) -> Outcome {
        match self.command {
            ClaimCommand::Add { file, supersedes, place, passphrase } => {
                add(context, &file, supersedes.as_deref(), &place, &passphrase)
            }
            ClaimCommand::Check { claim } => check(context, &claim),
        }
    }
}

/// Reads a claim file against a ledger.
fn load(finder: &Finder<'_>, file: &Path) -> Result<Statement, Failure> {
    load_claim(file, |named, text| digest_of(finder, named, text))
}

/// The digest that a name in a claim or protocol file stands for.
pub(super) fn digest_of(finder: &Finder<'_>, named: Named, text: &str) -> Result<String, Failure> {
    let row = look_up(finder, text)?;
    let is = |kind: Kind| {
        let other = || Failure::new(format!("`{text}` is a {}, not a {kind}", row.payload.kind));
        (row.payload.kind == kind).then_some(()).ok_or_else(other)
    };
    match named {
        Named::Input => {
            let samples = row.payload.subjects.iter().find_map(|subject| subject.digest(DigestKind::Samples));
            return samples.map(|digest| digest.to_string()).ok_or_else(|| {
                Failure::new(format!(
                    "`{text}` is a {} without sample records, a claim rests on an eval-log",
                    row.payload.kind
                ))
            });
        }
        Named::Protocol => {
            is(Kind::Protocol)?;
            return Ok(Digest::from(row.leaf).to_string());
        }
        Named::Checkpoint => is(Kind::Checkpoint)?,
        Named::Suite => is(Kind::EvalSuite)?,
        Named::Judge => is(Kind::JudgeConfig)?,
    }
    Ok(row.principal().1.to_string())
}

/// Appends the claim of a file.
pub(super) fn add(
    context: &Context,
    file: &Path,
    supersedes: Option<&str>,
    place: &PlaceArgs,
    passphrase: &PassphraseArgs,
) -> Outcome {
    let reading = Reading::open(context)?;
    let finder = finder(context, &reading)?;
    let claim = load(&finder, file)?;
    check_name(&claim.claim_id)?;
    let text = serde_json::to_string(&claim).expect("a claim is texts, integers and lists");
    if text.contains(FILL_IN) {
        return Err(Failure::new(format!(
            "`{}` still has `{FILL_IN}` where a person must write something",
            file.display()
        )));
    }
    let name = claim.claim_id.clone();
    let mut draft = Draft::new(Kind::Claim);
    place.resolve(&finder)?.put(&mut draft);
    // A claim that cites a protocol belongs to it.
    if let Some(plan) = claim.plan.value() {
        draft.protocol = Some(protocol_of(&finder, plan)?);
    }
    if let Some(row) = finder.named(&name).map_err(from_journal)? {
        let same = row.body.as_ref().and_then(|body| body.claim.as_deref()) == Some(&claim);
        if same && supersedes.is_none() {
            context.print(&format!("unchanged: claim `{name}` is entry {} already\n", row.index))?;
            return Ok(0);
        }
        if supersedes.is_none() {
            return Err(Failure::new(format!("`{name}` is entry {} already, with other content", row.index))
                .hint(format!("if this replaces it: --supersedes {name}")));
        }
    }
    if let Some(text) = supersedes {
        let row = look_up(&finder, text)?;
        if row.payload.kind != Kind::Claim {
            return Err(Failure::new(format!("`{text}` is a {}, not a claim", row.payload.kind)));
        }
        draft.link(EdgeType::Supersedes, Target::Entry(row.index), DigestKind::Entry, row.leaf.into());
    }
    for input in &claim.inputs {
        let row = input_row(&finder, input)?;
        draft.link(EdgeType::Supports, Target::Entry(row.index), DigestKind::Samples, *input);
    }
    for warning in withdrawn(&finder, &draft)? {
        context.remark(&format!("warning: {warning}"));
    }
    // A wrong number may be stated: the verdict is the verifier's. The one who states it should know.
    if let Ok((findings, _)) = findings(&reading, &finder, &claim) {
        for finding in findings.iter().filter(|finding| finding.outcome == CheckOutcome::Fail) {
            context.remark(&format!("warning: {}: {}", finding.check, finding.reason));
        }
    }
    draft.body = Body { name: Some(name.clone()), claim: Some(Box::new(claim)), ..Body::default() };
    let (mut journal, _) = journal(context, passphrase)?;
    let appended = journal.append(vec![draft], context.now_ms() / 1000).map_err(from_journal)?;
    say(context, &journal.take_notices());
    journal.close().map_err(from_journal)?;
    let index = appended.indexes.first().copied().unwrap_or_default();
    context.print(&format!("entry {index}  claim `{name}`\n"))?;
    Ok(0)
}

/// What a claim would rest on, over its inputs, that was taken back or replaced by what it does not rest on.
fn withdrawn(finder: &Finder<'_>, draft: &Draft) -> Result<Vec<String>, Failure> {
    let catalog = finder.catalog().map_err(from_journal)?;
    let rows: BTreeMap<EntryIndex, &Row> = catalog.rows().iter().map(|row| (row.index, row)).collect();
    let own = |row: &Row| -> Vec<(EdgeType, EntryIndex)> {
        let own = row.payload.edges.iter().filter(|edge| edge.log.is_none());
        own.map(|edge| (edge.edge_type, edge.seq)).collect()
    };
    let mut rests_on = BTreeSet::new();
    for edge in draft.edges.iter().filter(|edge| edge.edge_type == EdgeType::Supports) {
        let Target::Entry(input) = edge.target else { continue };
        rests_on.extend(reachable(input, |index| {
            let edges = own(rows.get(&index)?).into_iter();
            Some(edges.filter(|(edge, _)| *edge != EdgeType::Supersedes).map(|(_, seq)| seq).collect())
        }));
    }
    let mut warnings = Vec::new();
    for row in catalog.rows() {
        for (edge, target) in own(row).into_iter().filter(|(_, target)| rests_on.contains(target)) {
            let done = match edge {
                EdgeType::Retracts => "taken back",
                EdgeType::Supersedes if !rests_on.contains(&row.index) => "replaced",
                _ => continue,
            };
            warnings.push(format!("entry {target}, which the claim rests on, was {done} by entry {}", row.index));
        }
    }
    Ok(warnings)
}

/// The protocol that a claim cites, which must be in the ledger.
fn protocol_of(finder: &Finder<'_>, plan: &Digest) -> Result<LeafHash, Failure> {
    let row = look_up(finder, &plan.to_string())?;
    match row.payload.kind {
        Kind::Protocol => Ok(row.leaf),
        kind => Err(Failure::new(format!("the plan {plan} is a {kind}, not a protocol"))),
    }
}

fn input_row(finder: &Finder<'_>, input: &Digest) -> Result<Row, Failure> {
    let is_input = |row: &Row| {
        row.payload.kind == Kind::EvalLog
            && row.payload.subjects.iter().any(|subject| subject.carries(DigestKind::Samples, input))
    };
    let rows = finder.carrying(input).map_err(from_journal)?;
    rows.into_iter().rev().find(is_input).ok_or_else(|| {
        Failure::new(format!("no eval-log in this ledger has the sample records {input}"))
            .hint("record the log first: reproledger record eval-log LOG --name NAME")
    })
}

fn findings(
    reading: &Reading,
    finder: &Finder<'_>,
    claim: &Statement,
) -> Result<(Vec<Finding>, Vec<LogFacts>), Failure> {
    let rows = claim.inputs.iter().map(|input| input_row(finder, input)).collect::<Result<Vec<_>, _>>()?;
    let objects = claim.inputs.iter().map(|input| samples_object(reading, input)).collect::<Result<Vec<_>, _>>()?;
    let mut logs = Vec::new();
    for (input, object) in claim.inputs.iter().zip(&objects) {
        let manifest = ManifestView::parse_kind(object, DigestKind::Samples)?;
        if Digest::from(manifest.root()?) != *input {
            return Err(Failure::new(format!("the object kept as {input} is another one")).contradicted());
        }
        logs.push(Samples::read(&manifest)?);
    }
    let inputs: Vec<_> = rows
        .iter()
        .zip(&claim.inputs)
        .zip(&logs)
        .map(|((row, digest), samples)| InputSamples {
            digest: *digest,
            entry: Some(row.index),
            arm: row.payload.arm.as_deref(),
            seed: row.payload.seed,
            samples,
        })
        .collect();
    let findings = check_number(claim, &inputs).map_err(|problem| Failure::new(problem.to_string()).unestablished())?;
    Ok((findings, logs.into_iter().map(|samples| samples.facts).collect()))
}

fn samples_object(reading: &Reading, input: &Digest) -> Result<Vec<u8>, Failure> {
    let objects = Objects::new(reading.ledger.layout().objects());
    objects.get(&input.bytes, MAX_MANIFEST_BYTES)?.ok_or_else(|| {
        Failure::new(format!("the sample records {input} are not in the ledger's objects")).unestablished()
    })
}

fn check(context: &Context, text: &str) -> Outcome {
    let reading = Reading::open(context)?;
    let finder = Finder::without_index(&reading.ledger);
    let file = Path::new(text);
    let claim = if file.is_file() {
        load(&finder, file)?
    } else {
        let row = look_up(&finder, text)?;
        let claim = row.body.as_ref().and_then(|body| body.claim.as_deref()).cloned();
        claim.ok_or_else(|| Failure::new(format!("`{text}` is a {} and holds no claim", row.payload.kind)))?
    };
    let (findings, facts) = findings(&reading, &finder, &claim)?;
    let mut out = format!("{}: \"{}\"\n", Shown(&claim.claim_id), Shown(&claim.text));
    for finding in &findings {
        let _ = writeln!(out, "  {:<8} {:<17} {}", finding.outcome.name(), finding.check, Shown(&finding.reason));
        if let (Some(expected), Some(found)) = (&finding.expected, &finding.found) {
            let _ = writeln!(out, "{:28}printed {}, computed {}", "", Shown(expected), Shown(found));
        }
        for note in &finding.notes {
            let _ = writeln!(out, "{:28}- {}", "", Shown(note));
        }
    }
    for anomaly in facts.iter().flat_map(|facts| facts.anomalies.listed()).take(10) {
        let _ = writeln!(
            out,
            "  {:<8} {:<17} {}: {}",
            "log",
            anomaly.severity().name(),
            anomaly.code.name(),
            Shown(&anomaly.text)
        );
    }
    context.print(&out)?;
    let has = |outcome| findings.iter().any(|finding| finding.outcome == outcome);
    Ok(match (has(CheckOutcome::Fail), has(CheckOutcome::Unknown)) {
        (true, _) => 1,
        (false, true) => 3,
        (false, false) => 0,
    })
}

//! `claim`: states a number with every rule it depends on, and shows what the samples give.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use crate::artifact::manifest::{MAX_MANIFEST_BYTES, ManifestView};
use crate::artifact::samples::{LogFacts, Samples};
use crate::capture::claim_file::{Named, load_claim};
use crate::check::{Finding, Outcome as CheckOutcome, check_number};
use crate::cli::keys::PassphraseArgs;
use crate::cli::open::{Reading, finder, from_journal, journal, look_up, say};
use crate::cli::record::{PlaceArgs, check_name};
use crate::cli::{Context, Failure, Outcome};
use crate::digest::{Digest, DigestKind};
use crate::journal::{Draft, Finder, Target};
use crate::ledger::Objects;
use crate::report::Shown;
use crate::statement::{Body, Claim as Statement, EdgeType, Kind};

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
    load_claim(file, |named, text| -> Result<String, Failure> {
        let row = look_up(finder, text)?;
        match named {
            Named::Input => {
                let samples = row.payload.subjects.iter().find_map(|subject| subject.digest(DigestKind::Samples));
                samples.map(|digest| digest.to_string()).ok_or_else(|| {
                    Failure::new(format!(
                        "`{text}` is a {} without sample records, a claim rests on an eval-log",
                        row.payload.kind
                    ))
                })
            }
            Named::Checkpoint if row.payload.kind == Kind::Checkpoint => Ok(row.principal().1.to_string()),
            Named::Checkpoint => Err(Failure::new(format!("`{text}` is a {}, not a checkpoint", row.payload.kind))),
        }
    })
}

fn add(
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
    let name = claim.claim_id.clone();
    let mut draft = Draft::new(Kind::Claim);
    place.resolve(&finder)?.put(&mut draft);
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
        draft.link(EdgeType::Supports, Target::Entry(row), DigestKind::Samples, *input);
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

fn input_row(finder: &Finder<'_>, input: &Digest) -> Result<crate::merkle::EntryIndex, Failure> {
    let is_input = |row: &&crate::journal::Row| {
        row.payload.kind == Kind::EvalLog
            && row.payload.subjects.iter().any(|subject| subject.carries(DigestKind::Samples, input))
    };
    let rows = finder.carrying(input).map_err(from_journal)?;
    rows.iter().rev().find(is_input).map(|row| row.index).ok_or_else(|| {
        Failure::new(format!("no eval-log in this ledger has the sample records {input}"))
            .hint("record the log first: reproledger record eval-log LOG --name NAME")
    })
}

fn findings(reading: &Reading, finder: &Finder<'_>, claim: &Statement) -> Result<(Vec<Finding>, LogFacts), Failure> {
    let [input] = claim.inputs.as_slice() else {
        return Err(Failure::new(format!(
            "the claim has {} inputs; this version computes a number over one",
            claim.inputs.len()
        ))
        .unestablished());
    };
    input_row(finder, input)?;
    let object = samples_object(reading, input)?;
    let manifest = ManifestView::parse_kind(&object, DigestKind::Samples)?;
    if Digest::from(manifest.root()?) != *input {
        return Err(Failure::new(format!("the object kept as {input} is another one")).contradicted());
    }
    let samples = Samples::read(&manifest)?;
    let findings =
        check_number(claim, &samples).map_err(|problem| Failure::new(problem.to_string()).unestablished())?;
    Ok((findings, samples.facts))
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
    for anomaly in facts.anomalies.listed().iter().take(10) {
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

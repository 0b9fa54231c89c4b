//! `prove`: cuts the evidence file of a claim, or of items of an artifact.

mod anchors;
mod items;

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::cli::open::{Reading, find};
use crate::cli::render::count;
use crate::cli::{Context, Failure, Outcome};
use crate::digest::FileDigest;
use crate::evidence::Evidence;
use crate::journal::{Census, Disclose, Row, cut, cut_testimony};
use crate::ledger::{StateReading, read_state, state_path};
use crate::statement::{Claim, Kind};

/// Cut the evidence for a claim or for items: one file that anyone can verify offline
///
/// For a claim it shows the claim and its per-sample scores. With --item it shows that documents, rows, files, tensors or
/// samples were in what an entry recorded, without the others. Names, paths, file lists and the commands of runs stay
/// hidden behind their commitments unless you disclose them.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  reproledger prove popularity-accuracy -o claim.evidence\n  reproledger prove popularity-accuracy -o claim.evidence --disclose all\n  reproledger prove --item corpus Records/Memo/case-1.txt --content corpus/ -o item.evidence"
)]
pub(super) struct Prove {
    /// The claim, or the rebuild that you signed, by name or entry
    #[arg(required_unless_present = "item", conflicts_with = "item")]
    claim: Option<String>,
    /// Prove items instead: the artifact, then each item's key: a document's key, a path, a tensor's or sample's name, or
    /// its number as `#12`, counted from 0
    #[arg(long, value_names = ["ENTRY", "KEY"], num_args = 2..)]
    item: Vec<String>,
    /// Show the item's bytes too, from this file, or by its key or path from this folder
    #[arg(long, value_name = "PATH", requires = "item")]
    content: Option<PathBuf>,
    /// Where to write the evidence
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Also show names, paths and file lists, and for a rebuild the commands of runs with the variables that were recorded
    /// with --env: of `all` that the claim rests on, or of these
    #[arg(long, value_name = "NAME|all")]
    disclose: Vec<String>,
    /// Show every entry of the ledger, from its beginning, or only from the first that the claim rests on; `auto` shows the
    /// whole ledger for a claim that compares arms or cites a protocol
    #[arg(long, value_enum, default_value = "auto", value_name = "RANGE")]
    census: CensusArg,
    /// A head of this ledger that somebody outside cosigned: `.reproledger/head` as it was then, with their lines (C2SP
    /// cosignature/v1); may be repeated. A protocol is registered only under one from before its first run
    #[arg(long, value_name = "HEAD")]
    anchor: Vec<PathBuf>,
    /// Replace the file if it is there
    #[arg(long)]
    force: bool,
}

impl Prove {
    pub(super) fn run(self, context: &Context) -> Outcome {
        if self.output.exists() && !self.force {
            return Err(
                Failure::new(format!("`{}` is there already", self.output.display())).hint("replace it with --force")
            );
        }
        let reading = Reading::open(context)?;
        let catalog = reading.catalog()?;
        let disclose = if self.disclose.iter().any(|text| text == "all") {
            Disclose::Reached
        } else {
            let entries: Result<BTreeSet<_>, Failure> =
                self.disclose.iter().map(|text| Ok(find(&catalog, text)?.index)).collect();
            match entries? {
                entries if entries.is_empty() => Disclose::ClaimOnly,
                entries => Disclose::Entries(entries),
            }
        };
        let evidence = match (self.item.split_first(), &self.claim) {
            (Some((entry, keys)), _) => {
                items::items(&reading, find(&catalog, entry)?, keys, self.content.as_deref(), &disclose)?
            }
            (None, Some(claim)) => cut_claim(&reading, find(&catalog, claim)?, claim, &disclose, self.census)?,
            (None, None) => return Err(Failure::new("name a claim, or items with --item")),
        };
        let evidence = anchors::anchored(&reading, evidence, &self.anchor)?;
        remember(context, &reading)?;
        let bytes = evidence.to_bytes();
        write_file(&self.output, &bytes)?;
        context.print(&format!(
            "wrote `{}`: {} bytes, blake3:{}\n  {} (census {} to {}), {}{}, {}; {} not shown\n",
            self.output.display(),
            bytes.len(),
            FileDigest::of(&bytes),
            count(evidence.entries.len() as u64, "entry", "entries"),
            evidence.census_first,
            evidence.census_first.0 + evidence.census_count - 1,
            match evidence.openings.len() as u64 {
                0 => String::new(),
                opened => format!("{}, ", count(opened, "item", "items")),
            },
            count(evidence.manifests.len() as u64, "manifest", "manifests"),
            count(evidence.bodies.len() as u64, "body", "bodies"),
            count(evidence.withheld.len() as u64, "thing", "things"),
        ))?;
        context.remark(&format!(
            "hint: a reader pins your log with this policy line:\n  log {}",
            reading.settings.log_key
        ));
        Ok(0)
    }
}

/// From where on every entry is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum CensusArg {
    Auto,
    Whole,
    Claim,
}

impl CensusArg {
    /// Whether runs that are not in a claim's number matter to it is what its own shape says.
    fn of(self, row: &Row) -> Census {
        let claim = row.body.as_ref().and_then(|body| body.claim.as_deref());
        let compares = |claim: &Claim| claim.comparator.value().is_some() || claim.plan.value().is_some();
        match self {
            Self::Whole => Census::Whole,
            Self::Auto if claim.is_some_and(compares) => Census::Whole,
            Self::Auto | Self::Claim => Census::Rests,
        }
    }
}

fn cut_claim(
    reading: &Reading,
    row: &Row,
    text: &str,
    disclose: &Disclose,
    census: CensusArg,
) -> Result<Evidence, Failure> {
    if row.payload.kind.is_testimony() {
        return Ok(cut_testimony(&reading.ledger, row.index)?);
    }
    if row.payload.kind != Kind::Claim {
        return Err(Failure::new(format!("`{}` is a {}, not a claim", text.escape_default(), row.payload.kind))
            .hint("list the claims: reproledger log --kind claim")
            .hint("prove items of an artifact: reproledger prove --item ENTRY KEY -o FILE"));
    }
    Ok(cut(&reading.ledger, row.index, disclose, census.of(row))?)
}

/// A head is about to leave this machine: from now on nothing may ever be signed against it, so what remembers signed
/// heads must last first.
pub(super) fn remember(context: &Context, reading: &Reading) -> Result<(), Failure> {
    let ledger = reading.ledger.id();
    let size = reading.ledger.tree().size;
    match read_state(context.state_dir(), ledger)? {
        StateReading::Signed(head) if head.size >= size => {
            let path = state_path(context.state_dir(), ledger);
            File::open(&path)
                .and_then(|file| file.sync_all())
                .map_err(|error| Failure::new(format!("cannot sync `{}`: {error}", path.display())))
        }
        // A copy of the ledger on another machine: its owner's machine is the one that must remember.
        _ => {
            context.remark("note: this machine does not remember signing this head; if the ledger is yours, cut evidence where it is written");
            Ok(())
        }
    }
}

/// Writes beside, syncs, renames: whoever sees the file sees all of it.
pub(super) fn write_file(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let fail = |error: std::io::Error| Failure::new(format!("cannot write `{}`: {error}", path.display()));
    let name = path.file_name().ok_or_else(|| Failure::new(format!("`{}` is no file name", path.display())))?;
    // A device such as /dev/stdout or /dev/full is written as it is.
    if path.exists() && !path.is_file() {
        return File::options().write(true).open(path).and_then(|mut file| file.write_all(bytes)).map_err(fail);
    }
    let mut beside = name.to_owned();
    beside.push(format!(".{}.tmp", std::process::id()));
    let beside = path.with_file_name(beside);
    let written = File::create_new(&beside)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .and_then(|()| std::fs::rename(&beside, path));
    if written.is_err() {
        let _ = std::fs::remove_file(&beside);
    }
    written.map_err(fail)
}

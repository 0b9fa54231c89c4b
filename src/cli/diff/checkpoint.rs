//! `diff checkpoint`: how far two sets of weights are apart, and whether one continues the other.

mod report;
mod text;

use std::path::{Path, PathBuf};

use crate::capture::weights::OpenWeights;
use crate::capture::weights::pair::{Names, PairError, scan};
use crate::cli::render::{one_line, print_json};
use crate::cli::{Context, Failure, Outcome};

/// Compare two sets of weights tensor by tensor, whatever their containers
///
/// Says whether B continues A: over all numbers together a cosine of at least 0.98 does, one of at most 0.1 is
/// unrelated, anything between cannot be told. Weights never tell the direction, nor which of several close relatives is
/// the parent: compare with every candidate. Whole models that share a base are all alike; name it with --base and only
/// what each added to it is compared.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit codes: 0 the same tensors · 1 they differ · 2 unreadable · 3 one of them is not read, so nothing can be said\n\nExamples:\n  reproledger diff checkpoint adapters/msm adapters/msm-then-aft\n  reproledger diff checkpoint model-a model-b --base base-model"
)]
pub(super) struct Checkpoint {
    /// The earlier weights: a file or a folder
    #[arg(value_name = "A")]
    a: PathBuf,
    /// The later weights
    #[arg(value_name = "B")]
    b: PathBuf,
    /// The weights that both began with: compare what each added to them
    #[arg(long, value_name = "BASE")]
    base: Option<PathBuf>,
    /// Print JSON for programs
    #[arg(long)]
    json: bool,
}

impl Checkpoint {
    pub(super) fn run(self, context: &Context) -> Outcome {
        let a = open(&self.a)?;
        let b = open(&self.b)?;
        let base = self.base.as_deref().map(open).transpose()?;
        let names = Names::of(&a.model, &b.model);
        let bar = context.progress("comparing");
        let scanned = scan(&a, &b, base.as_ref(), &names, &bar);
        bar.finish();
        let scanned = scanned.map_err(|error| {
            let hint = matches!(error, PairError::NoBase { .. });
            let failure = Failure::from(error);
            if hint { failure.hint("adapters have no base to take off: compare them without --base") } else { failure }
        })?;
        let report = report::Report::of(&a.model, &b.model, base.is_some(), &names, &scanned);
        if self.json {
            print_json(context, &report)?;
        } else {
            context.print(&report.text([&self.a, &self.b]))?;
        }
        Ok(u8::from(!report.same_tensors()))
    }
}

fn open(path: &Path) -> Result<OpenWeights, Failure> {
    OpenWeights::open(path)?.map_err(|reasons| {
        let shown = one_line(&path.to_string_lossy());
        let failure = Failure::new(format!("`{shown}` holds no weights that are read")).unestablished();
        reasons
            .iter()
            .take(5)
            .fold(failure, |failure, (file, reason)| failure.hint(format!("`{}`: {reason}", one_line(file))))
    })
}

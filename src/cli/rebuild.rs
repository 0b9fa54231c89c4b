//! `rebuild`: make what was recorded again from what it was made of, and compare.

mod consent;
mod document;
mod pure;
mod record;
mod sampled;
mod sign;
mod stages;
mod text;

use std::path::PathBuf;

use crate::cli::{Context, Failure, Outcome};

/// Make what was recorded again from what it was made of, and compare
///
/// Of evidence or a ledger: every recorded run is run again in a sandbox without network, on the recorded inputs, and
/// what it writes is held to what was recorded. With --pure: one function of the pipeline is replayed by this program.
/// GOOD or EQUIVALENT (exit 0), BAD (1), FAIL or UNKNOWN (3).
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  reproledger rebuild claim.evidence --artifacts ./study --list-missing\n  reproledger rebuild claim.evidence --artifacts ./study\n  reproledger rebuild claim.evidence --artifacts ./study --stage train --yes --json\n  reproledger rebuild claim.evidence --artifacts ./study --sample 3 --nonce $(openssl rand -hex 16)\n  reproledger rebuild claim.evidence --artifacts ./study --sign --attestation mine.attestation\n  reproledger rebuild --pure --list\n  reproledger rebuild --pure msm.to_jsonl/1 --in data/gen_synth_docs/my_spec --seed 42 --expect data/midtrain/my_spec/dataset.jsonl"
)]
pub(super) struct Rebuild {
    /// What to make again: an evidence file, or the folder of a ledger
    #[arg(value_name = "EVIDENCE|LEDGER", required_unless_present = "pure", conflicts_with = "pure")]
    record: Option<PathBuf>,
    #[command(flatten)]
    stages: stages::StagesArgs,
    #[command(flatten)]
    pure: pure::PureArgs,
    /// Keep what was made: of --pure a file, else a new folder with one for each stage
    #[arg(long, value_name = "PATH")]
    out: Option<PathBuf>,
    /// One JSON document
    #[arg(long)]
    json: bool,
}

impl Rebuild {
    pub(super) fn run(self, context: &Context) -> Outcome {
        match &self.record {
            Some(record) => self.stages.run(record, self.out.as_deref(), self.json, context),
            None if self.stages.is_given() => Err(Failure::new("--pure takes no options of stages")),
            None => self.pure.run(self.out.as_deref(), self.json, context),
        }
    }
}

//! `diff`: what two artifacts have in common and what not, by what they mean and not by their bytes.

mod checkpoint;
mod claim;
mod spec;

use crate::cli::{Context, Outcome};

/// Compare two artifacts by what they mean
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit codes: 0 the same · 1 they differ · 2 usage or unreadable input · 3 it could not be established\n\nExamples:\n  reproledger diff checkpoint adapters/msm adapters/msm-then-aft\n  reproledger diff checkpoint a.safetensors b.gguf --json | jq .lineage\n  reproledger diff spec '#3' model-spec\n  reproledger diff claim paper.evidence mine.evidence --trust trust.policy"
)]
pub(super) struct Diff {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    Checkpoint(checkpoint::Checkpoint),
    Claim(claim::DiffClaim),
    Spec(spec::DiffSpec),
}

impl Diff {
    pub(super) fn run(self, context: &Context) -> Outcome {
        match self.what {
            What::Checkpoint(checkpoint) => checkpoint.run(context),
            What::Claim(claim) => claim.run(context),
            What::Spec(diff) => diff.show(context),
        }
    }
}

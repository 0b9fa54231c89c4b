//! `exclude`: leaves attempts out of the analysis, with the reason.

use crate::cli::word::WordArgs;
use crate::cli::{Context, Outcome};
use crate::statement::Kind;

/// Leave attempts out of the analysis, for a reason
///
/// What was tried and not used stays visible, with why: runs and artifacts. The attempt itself is not taken back: it
/// happened, and what it recorded holds.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  reproledger exclude 12 --reason \"the node lost its disk; repeated as attempt 2\"\n  reproledger exclude ablation-7 --reason \"the same weights as ablation-8\""
)]
pub(super) struct Exclude {
    #[command(flatten)]
    word: WordArgs,
}

impl Exclude {
    pub(super) fn run(self, context: &Context) -> Outcome {
        self.word.say(Kind::Exclusion, context)
    }
}

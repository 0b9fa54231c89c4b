//! `exclude`: leaves attempts out of the analysis, with the reason.

use crate::cli::keys::PassphraseArgs;
use crate::cli::word::{self, Word};
use crate::cli::{Context, Outcome};
use crate::statement::{Body, Kind};

/// Leave attempts out of the analysis, for a reason
///
/// What was tried and not used stays visible, with why. The attempt itself is not taken back: it happened, and what it
/// recorded holds.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  reproledger exclude 12 --reason \"the node lost its disk; repeated as attempt 2\"\n  reproledger exclude ablation-7 --reason \"the same weights as ablation-8\""
)]
pub(super) struct Exclude {
    /// What is left out, by name, digest or number: runs and artifacts
    #[arg(value_name = "ENTRY", required = true)]
    entries: Vec<String>,
    /// Why; shown in evidence that rests on them
    #[arg(long, value_name = "TEXT", value_parser = word::reason)]
    reason: String,
    #[command(flatten)]
    passphrase: PassphraseArgs,
}

impl Exclude {
    pub(super) fn run(self, context: &Context) -> Outcome {
        let body = Body { reason: Some(self.reason), ..Body::default() };
        let word = Word { kind: Kind::Exclusion, of: &self.entries, settles: None, body };
        word.say(context, &self.passphrase)
    }
}

//! `retract`: takes earlier entries back, for everyone to see.

use crate::cli::keys::PassphraseArgs;
use crate::cli::word::{self, Word};
use crate::cli::{Context, Outcome};
use crate::statement::{Body, Kind};

/// Take earlier entries back
///
/// Nothing is removed: a signed entry says that they no longer hold, and why. Evidence cut from now on shows it, and every
/// claim that rests on them is contradicted. A retraction stands for good; what was only described wrongly is recorded
/// again with `--supersedes`, and what is only left out of an analysis is excluded.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  reproledger retract popularity --reason \"the judge saw the answer key\"\n  reproledger retract 17 --reason \"recorded the wrong folder\""
)]
pub(super) struct Retract {
    /// What is taken back, by name, digest or number: any entry but a retraction and what says who may sign
    #[arg(value_name = "ENTRY", required = true)]
    entries: Vec<String>,
    /// Why; shown in evidence that rests on them
    #[arg(long, value_name = "TEXT", value_parser = word::reason)]
    reason: String,
    #[command(flatten)]
    passphrase: PassphraseArgs,
}

impl Retract {
    pub(super) fn run(self, context: &Context) -> Outcome {
        let body = Body { reason: Some(self.reason), ..Body::default() };
        let word = Word { kind: Kind::Retraction, of: &self.entries, settles: None, body };
        word.say(context, &self.passphrase)
    }
}

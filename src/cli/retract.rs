//! `retract`: takes earlier entries back, for everyone to see.

use crate::cli::word::WordArgs;
use crate::cli::{Context, Outcome};
use crate::statement::Kind;

/// Take earlier entries back: any but a retraction, and what says who may sign
///
/// Nothing is removed: a signed entry says that they no longer hold, and why. Evidence cut from now on shows it, and every
/// claim that rests on them is contradicted. A retraction stands for good; what was only described wrongly is recorded
/// again with `--supersedes`, and what is only left out of an analysis is excluded.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  reproledger retract popularity --reason \"the judge saw the answer key\"\n  reproledger retract 17 --reason \"recorded the wrong folder\""
)]
pub(super) struct Retract {
    #[command(flatten)]
    word: WordArgs,
}

impl Retract {
    pub(super) fn run(self, context: &Context) -> Outcome {
        self.word.say(Kind::Retraction, context)
    }
}

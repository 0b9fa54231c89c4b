//! `locate`: says where artifacts can be had.

use crate::cli::keys::PassphraseArgs;
use crate::cli::word::Word;
use crate::cli::{Context, Outcome};
use crate::statement::{Body, Kind, Location};

/// Say where artifacts can be had
///
/// The places are shown in evidence as what you claim; nothing here or in `verify` ever goes there. Whoever does holds what
/// is found to the recorded digest.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  reproledger locate mix --at https://example.org/mix.jsonl --at gs://example-bucket/mix.jsonl"
)]
pub(super) struct Locate {
    /// The artifacts, by name, digest or number
    #[arg(value_name = "ARTIFACT", required = true)]
    artifacts: Vec<String>,
    /// A place, as a URI; may be repeated
    #[arg(long = "at", value_name = "URI", required = true, value_parser = location)]
    places: Vec<Location>,
    #[command(flatten)]
    passphrase: PassphraseArgs,
}

/// Reads a place that may be shown to everyone.
fn location(text: &str) -> Result<Location, String> {
    let location = Location::parse(text).map_err(|error| error.to_string())?;
    if location.has_password() {
        return Err("there is a password in it, and evidence would show it to everyone".to_owned());
    }
    Ok(location)
}

impl Locate {
    pub(super) fn run(self, context: &Context) -> Outcome {
        let body = Body { locations: self.places, ..Body::default() };
        let word = Word { kind: Kind::Location, of: &self.artifacts, settles: None, body };
        word.say(context, &self.passphrase)
    }
}

//! `incident`: says that something went wrong with earlier entries, or that it did not after all.

use std::collections::BTreeMap;

use crate::cli::keys::PassphraseArgs;
use crate::cli::word::{self, Word};
use crate::cli::{Context, Outcome};
use crate::statement::{Body, Kind};

/// Say that something went wrong with earlier entries, or settle what was said
///
/// A claim that rests on them cannot be established (UNKNOWN) until a later incident settles this one: `--settles` replaces
/// it, and the entries named beside it are those that are still in question. Both stay visible with their reasons.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  reproledger incident popularity --reason \"40 samples were written twice\" --seen 2026-11-20\n  reproledger incident --settles 21 --reason \"the copies are equal; the log has 100 samples\""
)]
pub(super) struct Incident {
    /// What it concerns, by name, digest or number
    #[arg(value_name = "ENTRY", required_unless_present = "settles")]
    entries: Vec<String>,
    /// What happened, or what came of it; shown in evidence that rests on them
    #[arg(long, value_name = "TEXT", value_parser = word::reason)]
    reason: String,
    /// When it was seen: a date, or a time as 2026-11-20T09:30:00Z
    #[arg(long, value_name = "WHEN", value_parser = when)]
    seen: Option<String>,
    /// The earlier incident that this one replaces
    #[arg(long, value_name = "INCIDENT")]
    settles: Option<String>,
    #[command(flatten)]
    passphrase: PassphraseArgs,
}

/// Reads a date or a time, and keeps it as it was typed.
fn when(text: &str) -> Result<String, String> {
    let is_time = text.parse::<jiff::Timestamp>().is_ok();
    // A civil date alone: jiff reads one out of a whole date and time as well.
    let is_date = text.len() == "2026-11-20".len() && text.parse::<jiff::civil::Date>().is_ok();
    if is_date || is_time { Ok(text.to_owned()) } else { Err("expected 2026-11-20 or 2026-11-20T09:30:00Z".to_owned()) }
}

impl Incident {
    pub(super) fn run(self, context: &Context) -> Outcome {
        let notes: BTreeMap<String, String> = self.seen.map(|seen| ("seen".to_owned(), seen)).into_iter().collect();
        let body = Body { reason: Some(self.reason), notes, ..Body::default() };
        let word = Word { kind: Kind::Incident, of: &self.entries, settles: self.settles.as_deref(), body };
        word.say(context, &self.passphrase)
    }
}

#[cfg(test)]
mod tests {
    use super::when;

    #[test]
    fn a_moment_is_a_date_or_a_time_with_its_zone() {
        for text in ["2026-11-20", "2026-11-20T09:30:00Z", "2026-11-20T09:30:00+01:00"] {
            assert_eq!(when(text).as_deref(), Ok(text));
        }
        for text in ["", "yesterday", "2026-13-01", "2026-11-20T09:30:00", "20 Nov 2026"] {
            assert!(when(text).is_err(), "{text}");
        }
    }
}

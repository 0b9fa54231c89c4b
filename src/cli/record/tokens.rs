//! `record dataset --tokens --tokenizer`: how many tokens a dataset has, and by which tokenizer.

use crate::cli::Failure;
use crate::cli::open::look_up;
use crate::cli::record::link_from;
use crate::journal::{Draft, Finder, Row};
use crate::statement::{Kind, Reading, TOKENS, TOKENS_PRINTED};
use crate::stats::PrintedCount;

/// The number and the tokenizer.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Tokens")]
pub(super) struct TokensArgs {
    /// How many tokens its texts have, each counted alone: an exact number, or one as printed (`~8M`); readers with the
    /// dataset and the tokenizer count them again (dataset, mix)
    #[arg(long, value_name = "NUMBER", requires = "tokenizer", value_parser = number)]
    tokens: Option<String>,
    /// The recorded tokenizer that they were counted with (dataset, mix)
    #[arg(long, value_name = "NAME|DIGEST")]
    tokenizer: Option<String>,
}

fn number(text: &str) -> Result<String, String> {
    let is_exact = text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u64>().is_ok();
    if is_exact || PrintedCount::parse(text).is_some() {
        return Ok(text.to_owned());
    }
    Err("expected an exact number, or a printed one such as 7.06M or ~8M".to_owned())
}

impl TokensArgs {
    /// Links the draft to the tokenizer and states the number.
    pub(super) fn state(&self, finder: &Finder<'_>, draft: &mut Draft) -> Result<(), Failure> {
        let Some(name) = &self.tokenizer else { return Ok(()) };
        if !matches!(draft.kind, Kind::Dataset | Kind::Mix) {
            return Err(Failure::new(format!("--tokenizer counts a dataset or mix, not a {}", draft.kind)));
        }
        let row = look_up(finder, name)?;
        if row.payload.kind != Kind::Tokenizer {
            let found = format!("entry {} is a {}, expected a tokenizer", row.index, row.payload.kind);
            return Err(Failure::new(found));
        }
        link_from(draft, &row);
        let Some(text) = &self.tokens else { return Ok(()) };
        let reading = draft.body.reading.get_or_insert_with(|| Reading::by(TOKENS));
        match text.parse() {
            Ok(exact) => reading.count(TOKENS, exact),
            Err(_) => reading.fact(TOKENS_PRINTED, text),
        }
        Ok(())
    }

    /// Whether an entry says this number already.
    pub(super) fn are_in(&self, row: &Row) -> bool {
        let Some(text) = &self.tokens else { return true };
        let reading = row.body.as_ref().and_then(|body| body.reading.as_ref());
        reading.is_some_and(|reading| match text.parse::<u64>() {
            Ok(exact) => reading.counts.get(TOKENS) == Some(&exact),
            Err(_) => reading.facts.get(TOKENS_PRINTED) == Some(text),
        })
    }
}

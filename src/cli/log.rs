//! `log`: the entries, newest first.

use std::collections::VecDeque;

use serde::Serialize;

use crate::cli::open::{Reading, explain};
use crate::cli::render::{self, Line, put};
use crate::cli::survey::objects;
use crate::cli::{Context, Failure, Outcome};
use crate::journal::{JournalError, Row};
use crate::merkle::EntryIndex;
use crate::statement::Kind;

/// Id of the document's schema.
const SCHEMA: &str = "urn:reproledger:schema:log:v1";

/// Text that is gathered before it is written.
const CHUNK_BYTES: usize = 1 << 16;

/// List entries, newest first
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  reproledger log -n 20\n  reproledger log --kind checkpoint --kind eval-log --arm msm --json"
)]
pub(super) struct Log {
    /// Only entries of this kind; may be repeated
    #[arg(long = "kind", value_name = "KIND", value_parser = kind)]
    kinds: Vec<Kind>,
    /// Only entries of this name
    #[arg(long)]
    name: Option<String>,
    /// Only entries of this arm
    #[arg(long)]
    arm: Option<String>,
    /// At most so many
    #[arg(short = 'n', long = "max-count", value_name = "COUNT")]
    most: Option<usize>,
    /// Oldest first
    #[arg(long)]
    reverse: bool,
    /// One JSON document
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Document {
    schema: &'static str,
    ledger: String,
    size: u64,
    entries: Vec<Item>,
}

/// An entry, or that it cannot be read.
#[derive(Serialize)]
#[serde(untagged)]
enum Item {
    Entry(Box<Line>),
    Unreadable { index: u64, error: String },
}

fn kind(text: &str) -> Result<Kind, String> {
    Kind::from_name(text).ok_or_else(|| {
        let names: Vec<_> = Kind::ALL.iter().map(|kind| kind.name()).collect();
        format!("expected one of {}", names.join(", "))
    })
}

impl Log {
    pub(super) fn run(self, context: &Context) -> Outcome {
        let reading = Reading::open(context)?;
        let size = reading.ledger.tree().size.0;
        let width = size.saturating_sub(1).to_string().len();
        if self.reverse && !self.json && self.most.is_none() {
            return self.stream(context, &reading, width);
        }
        let entries = self.select(&reading)?;
        if self.json {
            let document = Document { schema: SCHEMA, ledger: reading.ledger.id().to_string(), size, entries };
            render::print_json(context, &document)?;
        } else {
            let mut text = String::new();
            for item in entries {
                push(&mut text, &item, width);
                flush(context, &mut text, CHUNK_BYTES)?;
            }
            flush(context, &mut text, 1)?;
        }
        Ok(0)
    }

    /// Oldest first needs no memory at all.
    fn stream(&self, context: &Context, reading: &Reading, width: usize) -> Outcome {
        let mut text = String::new();
        self.each(reading, EntryIndex(0), |item| {
            push(&mut text, &item, width);
            flush(context, &mut text, CHUNK_BYTES)
        })?;
        flush(context, &mut text, 1)?;
        Ok(0)
    }

    /// The entries asked for in the order asked for; holds no more than `-n` of them at a time.
    fn select(&self, reading: &Reading) -> Result<Vec<Item>, Failure> {
        let size = reading.ledger.tree().size.0;
        let most = self.most.unwrap_or(usize::MAX);
        let is_filtered = !self.kinds.is_empty() || self.name.is_some() || self.arm.is_some();
        // Without a filter the last entries are the ones wanted, and nothing before them is decoded.
        let from = if is_filtered { 0 } else { size.saturating_sub(most as u64) };
        let mut kept = VecDeque::new();
        self.each(reading, EntryIndex(from), |item| {
            if kept.len() == most {
                kept.pop_front();
            }
            if most > 0 {
                kept.push_back(item);
            }
            Ok(())
        })?;
        Ok(if self.reverse { kept.into() } else { kept.into_iter().rev().collect() })
    }

    fn each(
        &self,
        reading: &Reading,
        from: EntryIndex,
        mut see: impl FnMut(Item) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let objects = objects(reading);
        for entry in reading.ledger.entries(from).map_err(explain)? {
            let entry = entry.map_err(explain)?;
            match Row::read(&objects, entry.index, &entry.bytes) {
                Ok(row) if self.wants(&row) => see(Item::Entry(Box::new(Line::of(&row))))?,
                Ok(_) => {}
                Err(JournalError::Entry { index, source }) => {
                    see(Item::Unreadable { index: index.0, error: source.to_string() })?;
                }
                Err(error) => return Err(crate::cli::open::from_journal(error)),
            }
        }
        Ok(())
    }

    fn wants(&self, row: &Row) -> bool {
        let payload = &row.payload;
        (self.kinds.is_empty() || self.kinds.contains(&payload.kind))
            && self.arm.as_ref().is_none_or(|arm| payload.arm.as_ref() == Some(arm))
            && self.name.as_ref().is_none_or(|name| row.name() == Some(name))
    }
}

fn push(text: &mut String, item: &Item, width: usize) {
    match item {
        Item::Entry(line) => text.push_str(&line.text(width)),
        Item::Unreadable { index, error } => {
            put(
                text,
                format_args!(
                    "{:>width$}  cannot be read: {}",
                    format!("#{index}"),
                    render::one_line(error),
                    width = width + 1
                ),
            );
        }
    }
    text.push('\n');
}

/// Writes what was gathered once it is at least `bytes` long.
fn flush(context: &Context, text: &mut String, bytes: usize) -> Result<(), Failure> {
    if text.len() >= bytes {
        context.print(text)?;
        text.clear();
    }
    Ok(())
}

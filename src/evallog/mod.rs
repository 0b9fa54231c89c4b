//! Results that others wrote: one file per reader of evaluation logs, each yielding canonical sample records.
//!
//! A reader is tolerant of what it does not know and strict about what it uses: sizes are bounded before anything is
//! read, a name that stands twice is refused, and where a log contradicts itself or lacks something it says so in the
//! facts ([`crate::artifact::samples::Anomaly`]) instead of choosing. A log that cannot be read one way only is an error.
//! Readers get open files and names: `capture` opens them, and nothing here does.

mod about;
mod guess;
mod inspect;
mod inspect_audit;
mod inspect_events;
mod inspect_groups;
mod inspect_header;
mod inspect_json;
mod inspect_judge;
mod inspect_metrics;
mod inspect_scores;
mod inspect_zip;
mod items;
mod judge_config;
mod lines;
mod lm_eval;
mod lm_eval_hash;
mod making;
mod map;
mod place;
mod rows;
mod rows_counts;
mod suite;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests;

use std::io::{self, Read, SeekFrom};

pub use about::About;
pub use guess::guess_map;
use inspect::Samples;
pub use items::{Item, ItemText, Role, SeeItem, suite_items};
pub use judge_config::JudgeConfig;
pub use lines::Place;
pub use map::{ColumnMap, MapError};
pub use place::JOIN;
pub use rows_counts::CountRow;
pub use suite::Suite;

use crate::artifact::samples::{LogFacts, SampleRecord, SamplesError, bounded_text};
use crate::container::{ArchiveError, Source};
use crate::json::JsonError;
use crate::statement::Reading;

/// Every reader, in the order they are asked.
pub static READERS: &[&dyn Reader] = &[rows::ENTRY, lm_eval::ENTRY, inspect_zip::ENTRY, inspect_json::ENTRY];

/// Bytes of a log's beginning that a reader recognises it by.
const FIRST_BYTES: usize = 64;

/// Why there are no records.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum EvalLogError {
    #[error("cannot read the log")]
    Io(#[from] io::Error),
    #[error("the log is empty (0 bytes)")]
    Empty,
    #[error(
        "no reader recognises the log (known: Inspect .eval and .json; lm-evaluation-harness results with samples; rows of a JSONL or CSV table, with a map of its columns)"
    )]
    Unrecognised,
    #[error("a log has one of the {what}, found {found}")]
    Several { what: &'static str, found: usize },
    #[error("in `{name}`")]
    File {
        name: String,
        #[source]
        source: Box<EvalLogError>,
    },
    #[error("line {} (byte {}) cannot be read", .place.line, .place.offset)]
    Row {
        place: Place,
        #[source]
        source: RowError,
    },
    #[error("line {} (byte {}) is longer than the {limit} bytes that a row may have", .place.line, .place.offset)]
    LongRow { place: Place, limit: u64 },
    #[error("the table has more than {limit} rows")]
    Rows { limit: u64 },
    #[error("no row has the column `{}`", .column.escape_debug())]
    NoColumn { column: String },
    #[error("the column `{}` stands twice in the table's head", .column.escape_debug())]
    TwoColumns { column: String },
    #[error("the log has {found} bytes, more than the {limit} that this format is read up to")]
    TooLarge { found: u64, limit: u64 },
    #[error("the archive is damaged or not what it says")]
    Archive(#[from] ArchiveError),
    #[error("the file is no evaluation log: {reason}")]
    NotALog { reason: &'static str },
    #[error("the log's task has no argument `{name}`")]
    NoArgument { name: String },
    #[error("recorded as of the condition `{label}`, the log itself says `{found}`")]
    OtherCondition { label: String, found: String },
    #[error("the argument that is the seed is `{found}`, expected an integer")]
    SeedArgument { found: String },
    #[error("the {role} that the arguments make has {found} bytes, more than {limit}")]
    LongArgument { role: &'static str, found: usize, limit: usize },
    #[error("log schema version {found} needs a newer reproledger (this one reads versions up to {known})")]
    Schema { found: u64, known: u64 },
    #[error("`{part}` of the log cannot be read")]
    Part {
        part: String,
        #[source]
        source: PartError,
    },
}

impl EvalLogError {
    /// Names the file, where a log has several.
    fn in_file(self, name: &str) -> Self {
        Self::File { name: bounded_text(&name.escape_debug().to_string()), source: Box::new(self) }
    }
}

/// Why one part of a log cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum PartError {
    #[error(transparent)]
    Json(#[from] JsonError),
    #[error(transparent)]
    Samples(#[from] SamplesError),
    #[error("a sample id is {found}, expected an integer or a text")]
    Id { found: &'static str },
    #[error(transparent)]
    Row(#[from] RowError),
}

/// Why one row of a table cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum RowError {
    #[error(transparent)]
    Json(#[from] JsonError),
    #[error(transparent)]
    Samples(#[from] SamplesError),
    #[error("{0}")]
    Csv(String),
    #[error("the row is {found}, expected an object")]
    NotAnObject { found: &'static str },
    #[error("column `{}`, which is the {role}, is empty", .column.escape_debug())]
    Empty { role: &'static str, column: String },
    #[error("column `{}`, which is the {role}, is no text, number or boolean", .column.escape_debug())]
    NotAName { role: &'static str, column: String },
    #[error("column `{}`, which is the {role}, is no integer", .column.escape_debug())]
    NotAnInteger { role: &'static str, column: String },
    #[error("the {role} is {found}, expected a count")]
    Negative { role: &'static str, found: i64 },
    #[error("the {role} has {found} bytes, more than {limit}")]
    LongName { role: &'static str, found: usize, limit: usize },
    #[error("status `{found}` is unknown (known: scored, unscored, error, limit, invalid)")]
    Status { found: String },
    #[error("k is {k}, more than n = {n}")]
    Counts { k: u64, n: u64 },
    #[error("{key} stands there twice")]
    Duplicate { key: String },
}

/// Names the part of a log in which an error lies.
fn part<T>(part: &str, result: Result<T, impl Into<PartError>>) -> Result<T, EvalLogError> {
    result.map_err(|error| EvalLogError::Part {
        part: bounded_text(&part.escape_debug().to_string()),
        source: error.into(),
    })
}

/// A log as read: facts about the whole and one record for each sample and epoch, in the order of their keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvalLog {
    /// What the log says about itself, and what is odd about it.
    pub facts: LogFacts,
    /// One record for each sample and epoch; each key once.
    pub samples: Vec<SampleRecord>,
    /// What was understood beside that: how samples were made, or what a table of counts holds, which has no samples.
    pub reading: Option<Reading>,
    /// The rows of such a table.
    pub counts: Vec<CountRow>,
    /// What the log says of how it was run.
    pub about: About,
}

impl EvalLog {
    /// A log of facts and samples, put in the order of their keys' canonical bytes.
    fn of(facts: LogFacts, samples: Samples, about: About) -> Self {
        let mut samples: Vec<SampleRecord> = samples.into_values().collect();
        samples.sort_by_cached_key(|sample| sample.key.to_bytes());
        Self { facts, samples, reading: None, counts: Vec::new(), about }
    }
}

/// One open file of a log.
pub struct LogFile<'s> {
    /// Its name, without the folders above it.
    pub name: String,
    /// Its bytes.
    pub source: &'s mut dyn Source,
    /// How many.
    pub len: u64,
}

impl LogFile<'_> {
    /// Fills `buffer` from the file's beginning; how much of it.
    fn read_first(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.source.seek(SeekFrom::Start(0))?;
        let mut filled = 0;
        while filled < buffer.len() {
            match self.source.read(&mut buffer[filled..])? {
                0 => break,
                read => filled += read,
            }
        }
        Ok(filled)
    }

    /// The whole file, which must not be larger than `limit`.
    fn read_all(&mut self, limit: u64) -> Result<Vec<u8>, EvalLogError> {
        if self.len > limit {
            return Err(EvalLogError::TooLarge { found: self.len, limit });
        }
        self.source.seek(SeekFrom::Start(0))?;
        let mut bytes = Vec::new();
        (&mut *self.source).take(limit).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

/// What a reader recognises a log by.
pub struct Look<'a> {
    /// The names of its files.
    pub names: Vec<&'a str>,
    /// The first bytes of the first.
    pub first: &'a [u8],
    /// The map of columns that was given with it.
    pub map: Option<&'a ColumnMap>,
}

impl Look<'_> {
    /// Whether the log is one file that was given without a map of columns.
    fn is_one_plain_file(&self) -> bool {
        self.names.len() == 1 && self.map.is_none_or(ColumnMap::is_arguments)
    }
}

/// One format of evaluation log.
pub trait Reader: Sync {
    /// The format's name in facts and messages; wire format.
    fn name(&self) -> &'static str;

    /// Whether a log that looks so is of this format.
    fn recognises(&self, look: &Look<'_>) -> bool;

    /// Reads the log.
    fn read(&self, files: &mut [LogFile<'_>], map: Option<&ColumnMap>) -> Result<EvalLog, EvalLogError>;

    /// Gives what each sample was asked, where the format shows it.
    fn items(&self, _files: &mut [LogFile<'_>], _see: SeeItem<'_>) -> Result<(), EvalLogError> {
        Ok(())
    }
}

/// Reads a log of one or several files that can be read at any place.
pub fn read_log(files: &mut [LogFile<'_>], map: Option<&ColumnMap>) -> Result<EvalLog, EvalLogError> {
    let reader = reader_of(files, map)?;
    let log = reader.read(files, map)?;
    let Some(map) = map.filter(|map| map.is_arguments()) else { return Ok(log) };
    if let [label] = map.of(map::LABEL) {
        place::check_samples(label, |see| reader.items(files, see))?;
    }
    log.placed(map)
}

/// Gives what each sample of a log was asked: nothing of a table, which does not say.
pub fn read_items(files: &mut [LogFile<'_>], map: Option<&ColumnMap>, see: SeeItem<'_>) -> Result<(), EvalLogError> {
    reader_of(files, map)?.items(files, see)
}

fn reader_of(files: &mut [LogFile<'_>], map: Option<&ColumnMap>) -> Result<&'static dyn Reader, EvalLogError> {
    if files.iter().all(|file| file.len == 0) {
        return Err(EvalLogError::Empty);
    }
    let mut first = [0_u8; FIRST_BYTES];
    let len = files.first_mut().map_or(Ok(0), |file| file.read_first(&mut first))?;
    let names = files.iter().map(|file| file.name.as_str()).collect();
    let look = Look { names, first: &first[..len], map };
    READERS.iter().copied().find(|reader| reader.recognises(&look)).ok_or(EvalLogError::Unrecognised)
}

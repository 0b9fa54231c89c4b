//! Results that others wrote: one file per reader of evaluation logs, each yielding canonical sample records.
//!
//! A reader is tolerant of what it does not know and strict about what it uses: sizes are bounded before anything is
//! read, a name that stands twice is refused, and where a log contradicts itself or lacks something it says so in the
//! facts ([`crate::artifact::samples::Anomaly`]) instead of choosing. A log that cannot be read one way only is an error.

mod inspect;
mod inspect_audit;
mod inspect_events;
mod inspect_json;
mod inspect_judge;
mod inspect_metrics;
mod inspect_zip;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests;

use std::fs::{File, OpenOptions};
use std::io::{self, Read, SeekFrom};
use std::path::Path;

use inspect::Samples;

use crate::artifact::samples::{LogFacts, SampleRecord, SamplesError};
use crate::container::{ArchiveError, Source};
use crate::json::JsonError;

/// Every reader, in the order they are asked.
pub static READERS: &[&dyn Reader] = &[inspect_zip::ENTRY, inspect_json::ENTRY];

/// Bytes of a log's beginning that a reader recognises it by.
const FIRST_BYTES: u64 = 64;

/// Why there are no records.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum EvalLogError {
    #[error("cannot read the log")]
    Io(#[from] io::Error),
    #[error("the log is {found}, expected a regular file")]
    NotAFile { found: &'static str },
    #[error("the log is empty (0 bytes)")]
    Empty,
    #[error("no reader recognises the file (known: Inspect .eval and .json)")]
    Unrecognised,
    #[error("the log has {found} bytes, more than the {limit} that this format is read up to")]
    TooLarge { found: u64, limit: u64 },
    #[error("the archive is damaged or not what it says")]
    Archive(#[from] ArchiveError),
    #[error("the file is no evaluation log: {reason}")]
    NotALog { reason: &'static str },
    #[error("log schema version {found} needs a newer reproledger (this one reads versions up to {known})")]
    Schema { found: u64, known: u64 },
    #[error("`{part}` of the log cannot be read")]
    Part {
        part: String,
        #[source]
        source: PartError,
    },
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
}

/// A log as read: facts about the whole and one record for each sample and epoch, in the order of their keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvalLog {
    /// What the log says about itself, and what is odd about it.
    pub facts: LogFacts,
    /// One record for each sample and epoch; each key once.
    pub samples: Vec<SampleRecord>,
}

impl EvalLog {
    /// A log of facts and samples, put in the order of their keys' canonical bytes.
    fn of(facts: LogFacts, samples: Samples) -> Self {
        let mut samples: Vec<SampleRecord> = samples.into_values().collect();
        samples.sort_by_cached_key(|sample| sample.key.to_bytes());
        Self { facts, samples }
    }
}

/// One format of evaluation log.
pub trait Reader: Sync {
    /// The format's name in facts and messages; wire format.
    fn name(&self) -> &'static str;

    /// Whether a log that begins with `first` is of this format.
    fn recognises(&self, first: &[u8]) -> bool;

    /// Reads the log, which has `len` bytes.
    fn read(&self, source: &mut dyn Source, len: u64) -> Result<EvalLog, EvalLogError>;
}

/// Reads the log at `path`.
pub fn read_log(path: &Path) -> Result<EvalLog, EvalLogError> {
    let mut file = open(path)?;
    let kind = file.metadata()?;
    if kind.is_dir() {
        return Err(EvalLogError::NotAFile { found: "a directory" });
    }
    if !kind.is_file() {
        return Err(EvalLogError::NotAFile { found: "a pipe, socket or device" });
    }
    read_log_from(&mut file, kind.len())
}

/// Header and samples of an Inspect log, for tests that compute its metrics themselves.
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
fn inspect_parts(path: &Path) -> (inspect::Header, Samples) {
    let log = read_log(path).unwrap();
    let samples = log.samples.into_iter().map(|sample| ((sample.key.id.clone(), sample.key.epoch), sample)).collect();
    let mut file = open(path).unwrap();
    let len = file.metadata().unwrap().len();
    let bytes = if log.facts.format == "inspect.eval" {
        let mut archive = crate::container::zip::Archive::open(&mut file, len).unwrap();
        let names: Vec<(String, usize)> =
            archive.by_name().into_iter().map(|(name, at)| (name.to_owned(), at.0)).collect();
        let (_, at) = names.into_iter().find(|(name, _)| name == "header.json").unwrap();
        archive.read(at).unwrap()
    } else {
        std::fs::read(path).unwrap()
    };
    let header = crate::json::Value::parse(&bytes).unwrap().object().unwrap();
    (inspect::parse_header("header.json", &header).unwrap(), samples)
}

/// Opens without waiting for the other end of a pipe.
fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed());
    }
    options.open(path)
}

/// Reads a log of `len` bytes from a source that can be read at any place.
pub fn read_log_from(source: &mut dyn Source, len: u64) -> Result<EvalLog, EvalLogError> {
    if len == 0 {
        return Err(EvalLogError::Empty);
    }
    source.seek(SeekFrom::Start(0))?;
    let mut first = Vec::new();
    source.take(FIRST_BYTES).read_to_end(&mut first)?;
    source.seek(SeekFrom::Start(0))?;
    let reader = READERS.iter().find(|reader| reader.recognises(&first)).ok_or(EvalLogError::Unrecognised)?;
    reader.read(source, len)
}

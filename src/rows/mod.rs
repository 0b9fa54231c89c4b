//! Datasets that others wrote: one file per format, each yielding rows of [`crate::artifact::rows::Cell`]s in order.
//!
//! A file is read once: its digest, the ends of its lines and the digests of its rows come from the same pass over its
//! bytes. Everything is bounded before it is unpacked or held; a limit that was met is an error that says so. Nothing here
//! opens a file: bytes come through [`Shard`].

mod arrow;
mod batch;
mod block;
mod budget;
mod census;
mod csv;
mod each;
mod gather;
mod json;
mod jsonl;
mod lines;
mod lz;
mod packed;
mod parquet;
mod pass;
mod scratch;
mod shards;
mod sort;
mod taken;
mod tar;
mod text;
mod value;

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::format_collect, reason = "tests")]
mod tests;

use std::borrow::Cow;
use std::io::{self, BufRead};

pub use each::{RowPlace, See, each_row, each_text};
pub use gather::{Gathered, Twin};
pub use pass::{Heard, Locating, Pass, Passed, Settings};
pub use shards::{Missing, order, series};
pub use taken::Taken;

use crate::artifact::manifest::ManifestError;
use crate::artifact::rows::{Cell, ProjectionError};
use crate::json::JsonError;

/// Every format, in the order in which a folder is searched for one.
pub static FORMATS: &[&dyn Format] =
    &[jsonl::ENTRY, parquet::ENTRY, arrow::ENTRY, tar::ENTRY, csv::ENTRY, json::ENTRY, text::ENTRY];

/// Longest row: larger than any document, small beside the memory that is promised.
pub const MAX_ROW_BYTES: usize = 16 << 20;

/// The fields of one row in the order of the source, each name once. Values of fields that no one asked for may be empty
/// shells of their kind.
pub type Row<'a> = Vec<(Cow<'a, [u8]>, Cell<'a>)>;

/// Bytes of one file, which can be read at any place from any thread.
pub trait Shard: Send + Sync {
    /// Bytes in it.
    fn size(&self) -> u64;

    /// Reads at `at`, at least a byte unless the file ends there.
    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize>;
}

/// Where rows go; it says which fields it will look at.
pub trait Sink {
    /// Whether the value of this field matters; another may be given as a shell.
    fn takes(&self, field: &[u8]) -> bool;

    /// The next row. An error ends the reading.
    fn row(&mut self, row: Row<'_>) -> Result<(), RowError>;
}

/// Reads all rows of a file whose end has to be read first.
pub type ReadWhole = fn(&dyn Shard, &mut dyn Sink) -> Result<(), RowError>;

/// Reads one line as a row; nothing where it holds none.
pub type ParseLine = for<'a> fn(&'a [u8], &dyn Fn(&[u8]) -> bool) -> Result<Option<Row<'a>>, RowError>;

/// One format of dataset.
pub trait Format: Sync {
    /// The format's name with its version; wire format.
    fn name(&self) -> &'static str;

    /// Endings of file names, before that of a compression.
    fn endings(&self) -> &'static [&'static str];

    /// How to read a row from a line, where rows are lines.
    fn line(&self) -> Option<ParseLine> {
        None
    }

    /// How to read all rows, where that needs the whole file at hand. Such a file is read twice: for its rows, which lie
    /// in any order, and for its digest.
    fn whole(&self) -> Option<ReadWhole> {
        None
    }

    /// Reads all rows from a stream.
    fn read(&self, stream: &mut dyn BufRead, sink: &mut dyn Sink) -> Result<(), RowError>;
}

/// The format that a file's name says, and whether its bytes are compressed.
pub fn format_of(name: &str) -> Option<&'static dyn Format> {
    let name = packed::without_ending(name);
    FORMATS.iter().copied().find(|format| format.endings().iter().any(|ending| name.ends_with(ending)))
}

/// Whether the name says that the bytes are packed by gzip or zstd.
pub fn is_packed(name: &str) -> bool {
    packed::Packing::of(name).is_some()
}

/// Why one row cannot be read.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum RowError {
    #[error("cannot read the rows")]
    Io(#[from] io::Error),
    #[error(transparent)]
    Json(#[from] JsonError),
    #[error(transparent)]
    Projection(#[from] ProjectionError),
    #[error("the field `{}` stands twice in one row", .name.escape_debug())]
    TwiceNamed { name: String },
    #[error("a row has more than {MAX_ROW_BYTES} bytes")]
    TooLong,
    #[error("the text is not UTF-8")]
    Utf8,
    #[error("scratch space for large batches")]
    Scratch(#[source] io::Error),
    #[error("{what} is not read beyond {limit} {unit}")]
    Limit { what: &'static str, limit: u64, unit: &'static str },
    #[error("{what}: {found} where {expected} belong")]
    Shape { what: &'static str, expected: u64, found: u64 },
    #[error("the file is no {format}: {reason}")]
    Malformed { format: &'static str, reason: String },
    #[error("{what} in {format} is not read")]
    Unsupported { format: &'static str, what: String },
    #[error(transparent)]
    Manifest(#[from] ManifestError),
}

/// Why the rows of a file were not read.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum RowsError {
    #[error("row {row} at byte {at}")]
    AtByte {
        row: u64,
        at: u64,
        #[source]
        source: RowError,
    },
    #[error("row {row}")]
    AtRow {
        row: u64,
        #[source]
        source: RowError,
    },
    #[error("the file cannot be read at byte {at}")]
    Io {
        at: u64,
        #[source]
        source: io::Error,
    },
    #[error("the file ends at byte {at} where {len} bytes were expected")]
    Short { at: u64, len: u64 },
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    #[error("rows of {format} in this form cannot be located, only read: leave out --offsets")]
    NoOffsets { format: &'static str },
    #[error("scratch space for sorting")]
    Scratch(#[source] io::Error),
    #[error("there is no row")]
    NoRows,
}

impl RowsError {
    /// True where the file may be as its format has it, and only this program does not read it.
    pub fn is_unsupported(&self) -> bool {
        matches!(
            self,
            Self::AtByte { source: RowError::Unsupported { .. }, .. }
                | Self::AtRow { source: RowError::Unsupported { .. }, .. }
        )
    }
}

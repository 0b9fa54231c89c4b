//! What a replayable function is: items in, rows out, and what was noticed on the way.

use std::collections::BTreeMap;
use std::io;

use crate::json::JsonError;
use crate::replay::params::{ParamError, Params};

/// Whatever went wrong where the items are kept: the core knows no files.
pub type HostError = Box<dyn std::error::Error + Send + Sync>;

/// The items of one input: documents of a tree, or rows of a file. They can be read in any order and again.
pub trait Items {
    /// How many there are.
    fn count(&self) -> usize;

    /// The path of a document below its tree; a row has none.
    fn path(&self, item: usize) -> Option<&str>;

    /// Puts the bytes of one item into the buffer in place of what was there; a row comes without its line end.
    fn read(&self, item: usize, buffer: &mut Vec<u8>) -> Result<(), HostError>;
}

/// One input, under the name that messages call it.
#[derive(Clone, Copy)]
pub struct Input<'a> {
    /// What to call it.
    pub name: &'a str,
    /// What is in it.
    pub items: &'a dyn Items,
}

/// What a function is made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// One folder of documents.
    Documents,
    /// One file of rows.
    Rows,
    /// One file of rows, and perhaps one of indices.
    RowsAndIndices,
    /// One file of rows, and one of replacements to make in them.
    RowsAndTable,
    /// One or more files of rows.
    ManyRows,
}

/// Where the rows go: each without its line end, which is one line feed.
pub trait Sink {
    /// Takes the next row.
    fn row(&mut self, row: &[u8]) -> io::Result<()>;
}

/// Something worth knowing, with how often it was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// Stable name: `truncated`, `blank-rows`.
    pub code: &'static str,
    /// How many items it is about.
    pub count: u64,
    /// One sentence, perhaps with an example; from outside, to be escaped where it is shown.
    pub text: String,
}

/// What a replay made, beside the rows themselves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Made {
    /// Counts by stable name: `documents`, `rows`.
    pub counts: BTreeMap<String, u64>,
    /// What people should know.
    pub remarks: Vec<Remark>,
}

impl Made {
    /// Adds to a count.
    pub fn count(&mut self, name: &str, by: usize) {
        *self.counts.entry(name.to_owned()).or_default() += by as u64;
    }

    /// Adds a remark unless it is about nothing.
    pub fn remark(&mut self, code: &'static str, count: u64, text: impl Into<String>) {
        if count > 0 {
            self.remarks.push(Remark { code, count, text: text.into() });
        }
    }
}

/// Why a replay made nothing.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum ReplayError {
    #[error(transparent)]
    Param(#[from] ParamError),
    #[error("`{input}` cannot be read")]
    Input {
        input: String,
        #[source]
        source: HostError,
    },
    #[error("what was made cannot be written")]
    Sink(#[source] io::Error),
    #[error("the document `{path}` of `{input}` is not UTF-8 at byte {at}: Python stops at it, and no dataset is made")]
    Document { input: String, path: String, at: usize },
    #[error("row {row} of `{input}`")]
    Row {
        input: String,
        row: usize,
        #[source]
        source: RowError,
    },
    #[error("`{path}` of `{input}` changed while it was replayed")]
    Changed { input: String, path: String },
    #[error("{wanted} rows are wanted of `{input}`, which has {found}")]
    TooFew { input: String, wanted: usize, found: usize },
    #[error("index {index} is outside `{input}`, which has {found} rows")]
    Outside { input: String, index: i64, found: usize },
    #[error("`{input}` holds no indices: {problem}")]
    Indices { input: String, problem: &'static str },
    #[error("`{input}` is no table of replacements: {problem}")]
    Table { input: String, problem: &'static str },
    #[error("{made} {what} are made, the record says {stated}")]
    Count { what: &'static str, stated: usize, made: usize },
    #[error("{function} takes {expected}, found {found}")]
    Inputs { function: &'static str, expected: &'static str, found: usize },
}

/// Why a row cannot be what the function takes, or cannot be written as Python writes it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum RowError {
    #[error(transparent)]
    Json(#[from] JsonError),
    #[error("the row begins with a byte order mark, which Python's reader refuses")]
    ByteOrderMark,
    #[error("{what} is {found}, expected {expected}")]
    Type { what: &'static str, expected: &'static str, found: &'static str },
    #[error("there is no column `{name}`")]
    NoColumn { name: String },
    #[error("a text holds half of a surrogate pair, which Python cannot write as UTF-8")]
    Surrogate,
    #[error("a text grows beyond {limit} bytes")]
    Grows { limit: usize },
    #[error("an integer has {found} digits; Python reads at most {limit}")]
    Digits { found: usize, limit: usize },
}

impl Input<'_> {
    /// Puts the bytes of an item into the buffer.
    pub(crate) fn read(&self, item: usize, buffer: &mut Vec<u8>) -> Result<(), ReplayError> {
        self.items.read(item, buffer).map_err(|source| ReplayError::Input { input: self.name.to_owned(), source })
    }

    /// An error about one of its rows, which people count from 1.
    pub(crate) fn row_error(&self, row: usize, source: RowError) -> ReplayError {
        ReplayError::Row { input: self.name.to_owned(), row: row + 1, source }
    }
}

/// One pure function of the pipeline.
pub trait Function: Sync {
    /// Stable id, with its version: part of statements.
    fn id(&self) -> &'static str;

    /// What it makes, in a few words.
    fn about(&self) -> &'static str;

    /// What it is made from.
    fn takes(&self) -> Takes;

    /// Its parameters by name, each with what it means. `seed` is one like others.
    fn params(&self) -> &'static [(&'static str, &'static str)];

    /// Makes its rows again.
    fn replay(&self, inputs: &[Input<'_>], params: &Params, sink: &mut dyn Sink) -> Result<Made, ReplayError>;

    /// The same, after refusing what it does not take.
    fn run(&self, inputs: &[Input<'_>], params: &Params, sink: &mut dyn Sink) -> Result<Made, ReplayError> {
        params.refuse_unknown(self.id(), self.params())?;
        let (expected, fits) = match self.takes() {
            Takes::Documents => ("one folder of documents", inputs.len() == 1),
            Takes::Rows => ("one file of rows", inputs.len() == 1),
            Takes::RowsAndIndices => ("one file of rows, and one of indices or none", matches!(inputs.len(), 1 | 2)),
            Takes::RowsAndTable => ("one file of rows, and one of replacements", inputs.len() == 2),
            Takes::ManyRows => ("one or more files of rows", !inputs.is_empty()),
        };
        if !fits {
            return Err(ReplayError::Inputs { function: self.id(), expected, found: inputs.len() });
        }
        self.replay(inputs, params, sink)
    }
}

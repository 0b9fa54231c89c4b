//! A corpus of generated documents: which there are, which should be, and what is odd about them.
//!
//! Beside documents stand what they were made from and by: specs and prompts, their renderings, receipts of generation.
//!
//! Bytes come in one file or row at a time and leave as a leaf and a sketch; no text is kept. Nothing here opens a file.
//! What follows from the bytes is in the leaves; counts, comparisons with plans and names are a reading, which is the
//! recorder's word.

mod accounts;
mod aft;
mod census;
mod collect;
mod difference;
mod document;
mod filename;
mod names;
mod near;
mod placeholder;
mod plan;
mod quality;
mod receipts;
mod remarks;
mod rows;
mod sketch;
mod template;

pub use aft::{Chats, DATASET, Part};
pub use collect::{Collector, Corpus, Rendering, Settings, TEXT_FIELD};
pub use difference::{Change, Difference, Hunk, Line, MAX_LINES, Words, compare};
pub use document::MAX_DOCUMENT_BYTES;
pub use placeholder::left_over;
pub use plan::{MAX_META_BYTES, META, SUMMARY, Summary};
pub use receipts::read_receipts;
pub use remarks::Examples;
pub use rows::{MAX_JSON_BYTES, MAX_LINE_BYTES};
pub use template::{Recipe, RenderingError, read_rendering, read_template};

use crate::json::JsonError;

/// How documents lie in files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// The generator's tree: plans in `meta.json`, one response a `.txt` file, its text between `<content>` tags.
    MsmTree,
    /// Text files, each one document as it is.
    Files,
    /// JSON, one row a line, the document in one field.
    Jsonl,
    /// One JSON array a file, of texts or of rows.
    Json,
}

/// Endings of files that are text as they are.
const TEXT_ENDINGS: &[&str] = &["txt", "text", "md", "markdown", "rst", "html", "htm"];

impl Layout {
    /// Every layout with its name.
    pub const ALL: &'static [(Self, &'static str)] =
        &[(Self::MsmTree, "msm-tree"), (Self::Files, "files"), (Self::Jsonl, "jsonl"), (Self::Json, "json")];

    /// The name, and with a version that of its reader.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(layout, _)| *layout == self).map_or("", |(_, name)| *name)
    }

    /// The layout of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, own)| *own == name).map(|(layout, _)| *layout)
    }

    /// True when the file at `path` holds documents in this layout.
    pub fn takes(self, path: &str) -> bool {
        let ending = ending(path);
        match self {
            // As `rglob("*.txt")` sees it: small letters only.
            Self::MsmTree => path.ends_with(census::ENDING),
            Self::Files => TEXT_ENDINGS.contains(&ending.as_str()),
            Self::Jsonl => matches!(ending.as_str(), "jsonl" | "ndjson"),
            Self::Json => ending == "json",
        }
    }

    /// The layout of a single file, by its ending.
    pub fn of_file(path: &str) -> Option<Self> {
        [Self::Jsonl, Self::Json, Self::Files].into_iter().find(|layout| layout.takes(path))
    }

    /// The layout of a folder with files at `paths`: a generator's tree, then rows, then texts, then arrays.
    ///
    /// The tree is the folder, or the one folder in it that has a plan; its path is the second part, empty or with a
    /// slash at its end.
    pub fn of_folder(paths: &[&str]) -> Result<(Self, String), CorpusError> {
        if let Some(root) = tree_root(paths)? {
            return Ok((Self::MsmTree, root));
        }
        let mut known = [Self::Jsonl, Self::Files, Self::Json].into_iter();
        let found = known.find(|layout| paths.iter().any(|path| layout.takes(path)));
        Ok((found.ok_or(CorpusError::NoLayout)?, String::new()))
    }
}

/// Where the plan of a generator's tree stands: at the top or one folder down.
pub fn tree_root(paths: &[&str]) -> Result<Option<String>, CorpusError> {
    if paths.contains(&META) {
        return Ok(Some(String::new()));
    }
    let below =
        |path: &&str| path.strip_suffix(META).filter(|folder| folder.matches('/').count() == 1).map(str::to_owned);
    let mut roots = paths.iter().filter_map(below);
    match (roots.next(), roots.next()) {
        (Some(first), Some(second)) => Err(CorpusError::SeveralTrees { first, second }),
        (root, _) => Ok(root),
    }
}

fn ending(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.rsplit_once('.').map_or_else(String::new, |(_, ending)| ending.to_ascii_lowercase())
}

/// Why files are not a corpus.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum CorpusError {
    #[error(
        "no file here looks like a document; say how they lie with --layout, or record the bytes alone with --bytes-only"
    )]
    NoLayout,
    #[error(
        "`{}` and `{}` are generators' trees of their own; record each by itself, or say --layout files",
        .first.escape_debug(), .second.escape_debug()
    )]
    SeveralTrees { first: String, second: String },
    #[error("there is no document in the layout {layout}")]
    NoDocuments { layout: &'static str },
    #[error("`{}` has {size} bytes; a document has at most {limit}", .path.escape_debug())]
    TooLarge { path: String, size: u64, limit: u64 },
    #[error("line {line} of `{}` has more than {MAX_LINE_BYTES} bytes (from byte {at})", .path.escape_debug())]
    LongLine { path: String, line: u64, at: u64 },
    #[error("{row}")]
    Row {
        row: Box<RowPlace>,
        #[source]
        source: JsonError,
    },
    #[error("line {line} of `{}` (from byte {at}) cannot be read", .path.escape_debug())]
    Line {
        path: String,
        line: u64,
        at: u64,
        #[source]
        source: JsonError,
    },
    #[error("there is no receipt in the file")]
    NoReceipts,
    #[error("`{}` is not JSON", .path.escape_debug())]
    Json {
        path: String,
        #[source]
        source: JsonError,
    },
    #[error("`{}` cannot be read", .path.escape_debug())]
    Read { path: String, kind: std::io::ErrorKind },
}

/// Which row has no text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowPlace {
    /// The file.
    pub path: String,
    /// `line` or `item`.
    pub what: &'static str,
    /// Its number, from 1.
    pub number: u64,
    /// Where it begins.
    pub at: u64,
    /// The member that should be a text.
    pub field: String,
}

impl std::fmt::Display for RowPlace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (Self { what, number, at, .. }, path, field) = (self, self.path.escape_debug(), self.field.escape_debug());
        write!(f, "{what} {number} of `{path}` (from byte {at}) is no row with a text in `{field}`")
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::format_collect, reason = "tests")]
mod tests;

//! A pure function run again over its inputs, its output hashed, compared and, where asked, written.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use sha2::Digest as _;

use crate::capture::inputs::{Documents, InputError, Rows};
use crate::capture::open::CaptureError;
use crate::digest::{Digest, FileDigest, FileHasher, Sha256Digest};
use crate::rebuild::difference::{Differ, Difference};
use crate::rebuild::expected::{Expected, Held, Views, hold};
use crate::replay::params::Params;
use crate::replay::{Function, HostError, Input, Items, Made, ReplayError, Sink, Takes};
use crate::rows::{RowError, RowsError, Taken};

/// The file that a folder of a dataset holds its rows in.
const ROWS_FILE: &str = "dataset.jsonl";

/// What the chat pipeline leaves beside it, written over by each round of backfill.
const STALE: [&str; 2] = ["source/removed.jsonl", "summary.json"];

/// Why nothing was made or compared.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum PureError {
    #[error(transparent)]
    Input(#[from] InputError),
    #[error(transparent)]
    Capture(#[from] CaptureError),
    #[error(transparent)]
    Replay(#[from] ReplayError),
    #[error("what is expected cannot be read")]
    Expected(#[source] HostError),
    #[error("the rows that were made cannot be compared")]
    Rows(#[source] RowsError),
}

/// What the comparison came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The same bytes, or the same rows where the recorded bytes are of another format or not recorded.
    Good,
    /// Other bytes.
    Bad,
    /// Nothing could be compared.
    Unknown,
}

/// One input as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputFacts {
    /// Where it is.
    pub path: PathBuf,
    /// Documents or rows in it.
    pub items: u64,
    /// Digest of the file; a folder has none here.
    pub digest: Option<FileDigest>,
}

/// What was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Output {
    /// Rows of it.
    pub rows: u64,
    /// Bytes of it.
    pub bytes: u64,
    /// Its digest.
    pub blake3: FileDigest,
    /// The digest that published files are named by.
    pub sha256: Sha256Digest,
}

/// How it compares with what was expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// What it came to.
    pub verdict: Verdict,
    /// Why, in a few words.
    pub reason: String,
    /// In what it differs, where the expected rows are at hand.
    pub difference: Option<Difference>,
}

/// A replay and what came of it.
#[derive(Debug, Clone)]
pub struct Replay {
    /// Its inputs.
    pub inputs: Vec<InputFacts>,
    /// What the function noticed.
    pub made: Made,
    /// What it made.
    pub output: Output,
    /// The comparison.
    pub comparison: Comparison,
}

/// Runs `function` over `inputs` again and compares.
pub fn replay(
    function: &'static dyn Function,
    inputs: &[PathBuf],
    params: &Params,
    expected: Option<&Expected>,
    out: Option<&mut dyn Write>,
) -> Result<Replay, PureError> {
    let opened = inputs.iter().map(|path| Opened::open(function, path)).collect::<Result<Vec<_>, _>>()?;
    let run = |sink: &mut dyn Sink| -> Result<Made, PureError> {
        let inputs: Vec<_> = opened.iter().map(Opened::input).collect();
        let made = function.run(&inputs, params, sink)?;
        opened.iter().try_for_each(Opened::check_unchanged)?;
        Ok(made)
    };
    let rows = match expected {
        Some(Expected::File(path)) => Some(Rows::open(path)?),
        _ => None,
    };
    let mut first = Hashed::new(rows.as_ref(), out.map(|out| out as &mut dyn Write));
    let mut made = run(&mut first)?;
    let (output, same_bytes) = first.finish().map_err(ReplayError::Sink)?;
    if let Some(rows) = &rows {
        rows.check_unchanged()?;
    }
    let comparison = compare(expected, output, same_bytes, rows.as_ref(), run)?;
    for opened in &opened {
        opened.remark(&mut made);
    }
    Ok(Replay { inputs: opened.iter().map(Opened::facts).collect(), made, output, comparison })
}

fn compare(
    expected: Option<&Expected>,
    output: Output,
    same_bytes: bool,
    rows: Option<&Rows>,
    run: impl Fn(&mut dyn Sink) -> Result<Made, PureError>,
) -> Result<Comparison, PureError> {
    let said = |verdict, reason: String| Comparison { verdict, reason, difference: None };
    let Some(expected) = expected else {
        return Ok(said(Verdict::Unknown, "nothing was given to compare with".to_owned()));
    };
    if let Some(rows) = rows {
        if same_bytes {
            return Ok(said(Verdict::Good, "byte for byte".to_owned()));
        }
        // Made once more, now row by row: the first time was in constant memory.
        let mut differ = Differ::new(rows).map_err(PureError::Expected)?;
        run(&mut differ)?;
        let difference = differ.finish().map_err(PureError::Expected)?;
        let reason = difference.summary.clone();
        return Ok(Comparison { verdict: Verdict::Bad, reason, difference: Some(difference) });
    }
    Ok(match hold(expected, output.blake3, output.sha256) {
        Held::Equal(by) => said(Verdict::Good, format!("by {by}")),
        Held::Differs => said(Verdict::Bad, "other bytes".to_owned()),
        Held::Unknown(reason) => said(Verdict::Unknown, reason),
        Held::ByRows(views) => by_rows(*views, run)?,
    })
}

/// Compares the rows that are made with recorded ones, first in order, then as a set.
fn by_rows(views: Views, run: impl Fn(&mut dyn Sink) -> Result<Made, PureError>) -> Result<Comparison, PureError> {
    let Views { projection, rows, rowset, other_bytes } = views;
    let said = |verdict, reason: String| Ok(Comparison { verdict, reason, difference: None });
    let mut taking = Taking { taken: Taken::new(projection.clone()).map_err(PureError::Rows)?, failed: None };
    run(&mut taking)?;
    if let Some(error) = taking.failed {
        return said(Verdict::Unknown, format!("a row that was made has no view `{projection}`: {error}"));
    }
    let made = match taking.taken.finish() {
        Err(RowsError::NoRows) => return said(Verdict::Bad, "no row was made".to_owned()),
        made => made.map_err(PureError::Rows)?,
    };
    let ordered = rows.map(|rows| rows == Digest::from(made.rows.root));
    let set = rowset.map(|rowset| rowset == Digest::from(made.rowset.root));
    let what = match (ordered, set) {
        (Some(true), _) => format!("the recorded rows in their order, under the view `{projection}`"),
        (None, Some(true)) => {
            format!("the recorded set of rows under the view `{projection}`; their order is not recorded")
        }
        (Some(false), Some(true)) => format!("the recorded rows in another order, under the view `{projection}`"),
        _ => format!("other rows than the recorded ones, under the view `{projection}`"),
    };
    match (other_bytes, ordered.or(set)) {
        (true, _) => said(Verdict::Bad, format!("other bytes; {what}")),
        (false, Some(true)) => said(Verdict::Good, format!("by {what}; other columns are not compared")),
        (false, _) => said(Verdict::Bad, what),
    }
}

/// One input, open.
enum Opened {
    Documents { path: PathBuf, name: String, found: Documents },
    Rows { path: PathBuf, name: String, found: Rows, stale: bool },
}

impl Opened {
    fn open(function: &dyn Function, path: &Path) -> Result<Self, InputError> {
        let name = path.to_string_lossy().into_owned();
        if function.takes() == Takes::Documents {
            return Ok(Self::Documents { path: path.to_owned(), name, found: Documents::open(path)? });
        }
        // The folder of a dataset stands for the one file in it that is the dataset.
        let inside = path.is_dir().then(|| path.join(ROWS_FILE));
        let stale = inside.is_some() && STALE.iter().any(|name| path.join(name).exists());
        let path = inside.unwrap_or_else(|| path.to_owned());
        Ok(Self::Rows { found: Rows::open(&path)?, path, name, stale })
    }

    fn input(&self) -> Input<'_> {
        match self {
            Self::Documents { name, found, .. } => Input { name, items: found },
            Self::Rows { name, found, .. } => Input { name, items: found },
        }
    }

    fn check_unchanged(&self) -> Result<(), CaptureError> {
        match self {
            // Each document is held to its own digest.
            Self::Documents { .. } => Ok(()),
            Self::Rows { found, .. } => found.check_unchanged(),
        }
    }

    fn facts(&self) -> InputFacts {
        match self {
            Self::Documents { path, found, .. } => {
                InputFacts { path: path.clone(), items: found.count() as u64, digest: None }
            }
            Self::Rows { path, found, .. } => {
                InputFacts { path: path.clone(), items: found.count() as u64, digest: Some(found.digest()) }
            }
        }
    }

    fn remark(&self, made: &mut Made) {
        match self {
            Self::Documents { name, found, .. } => made.remark(
                "other-case",
                found.other_case(),
                format!("files of `{name}` end like .txt but for capital letters, and so are no documents"),
            ),
            Self::Rows { name, found, stale, .. } => {
                made.remark(
                    "blank-rows",
                    found.blank(),
                    format!("lines of `{name}` with nothing on them were passed over"),
                );
                made.remark(
                    "not-used",
                    u64::from(*stale),
                    format!("what lies in `{name}` beside {ROWS_FILE} took no part: a backfill writes over it"),
                );
            }
        }
    }
}

/// Hashes what is made, writes it, and compares it with a file as it comes.
struct Hashed<'a> {
    blake3: FileHasher,
    sha256: sha2::Sha256,
    rows: u64,
    bytes: u64,
    expected: Option<Box<dyn Read + 'a>>,
    expected_bytes: u64,
    same: bool,
    out: Option<&'a mut dyn Write>,
    line: Vec<u8>,
    other: Vec<u8>,
}

impl<'a> Hashed<'a> {
    fn new(expected: Option<&'a Rows>, out: Option<&'a mut dyn Write>) -> Self {
        Self {
            blake3: FileHasher::new(),
            sha256: sha2::Sha256::new(),
            rows: 0,
            bytes: 0,
            expected_bytes: expected.map_or(0, Rows::bytes),
            expected: expected.map(|rows| Box::new(io::BufReader::new(rows.reader())) as Box<dyn Read + 'a>),
            same: true,
            out,
            line: Vec::new(),
            other: Vec::new(),
        }
    }

    fn finish(self) -> io::Result<(Output, bool)> {
        if let Some(out) = self.out {
            out.flush()?;
        }
        let (blake3, sha256) = (self.blake3.finish(), Sha256Digest::from_bytes(self.sha256.finalize().into()));
        let same = self.same && self.bytes == self.expected_bytes;
        Ok((Output { rows: self.rows, bytes: self.bytes, blake3, sha256 }, same))
    }
}

impl Sink for Hashed<'_> {
    fn row(&mut self, row: &[u8]) -> io::Result<()> {
        self.line.clear();
        self.line.extend_from_slice(row);
        self.line.push(b'\n');
        self.blake3.update(&self.line);
        self.sha256.update(&self.line);
        self.rows += 1;
        self.bytes += self.line.len() as u64;
        if let Some(out) = &mut self.out {
            out.write_all(&self.line)?;
        }
        if self.same
            && let Some(expected) = &mut self.expected
        {
            self.other.resize(self.line.len(), 0);
            self.same = match expected.read_exact(&mut self.other) {
                Ok(()) => self.other == self.line,
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => false,
                Err(error) => return Err(error),
            };
        }
        Ok(())
    }
}

/// Takes the rows that are made as those of a recorded dataset were.
struct Taking {
    taken: Taken,
    /// Why a row has no such view; nothing is taken after it.
    failed: Option<RowError>,
}

impl Sink for Taking {
    fn row(&mut self, row: &[u8]) -> io::Result<()> {
        if self.failed.is_none() {
            self.failed = self.taken.line(row).err();
        }
        Ok(())
    }
}

//! Rows of all shards in order, gathered into their two roots and what is to be said of them.

use rayon::prelude::*;

use super::batch::{Part, View};
use super::census::Census;
use super::sort::{Numbered, Sorter};
use super::{RowError, RowsError};
use crate::artifact::manifest::{Leaves, ManifestHash, ManifestWriter, Written};
use crate::artifact::rows::{RowsetLeaf, header};
use crate::digest::DigestKind;
use crate::statement::Reading;

/// Pairs of equal rows that are named.
const MAX_TWINS: usize = 5;

/// Leaves of the rowset that are hashed at once, on every core.
const LEAVES: usize = 64 << 10;

/// Leaves that one core takes.
const LEAVES_EACH: usize = 2048;

/// Two equal rows by their numbers, counted from 1 over all shards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Twin {
    /// The first.
    pub first: u64,
    /// One that repeats it.
    pub again: u64,
}

/// The rows of a dataset.
#[derive(Debug)]
pub struct Gathered {
    /// Rows in order.
    pub rows: Written,
    /// Rows as a multiset.
    pub rowset: Written,
    /// Rows that repeat an earlier one.
    pub repeated: u64,
    /// The first of them.
    pub twins: Vec<Twin>,
    census: Census,
}

impl Gathered {
    /// Says what was counted.
    pub fn tell(&self, reading: &mut Reading) {
        self.census.tell(reading);
        reading.count("rows.distinct", self.rowset.count);
        reading.count("rows.repeated", self.repeated);
        if let Some(Twin { first, again }) = self.twins.first() {
            let more: Vec<String> =
                self.twins.iter().skip(1).map(|twin| format!("{} = {}", twin.again, twin.first)).collect();
            let more = if more.is_empty() { String::new() } else { format!(" ({})", more.join(", ")) };
            let text = format!(
                "{} rows repeat an earlier one, the first is row {again}, equal to row {first}{more}",
                self.repeated
            );
            reading.remark("duplicate-rows", self.repeated, text);
        }
    }
}

/// Takes parts in order.
pub(super) struct Gather {
    rows: ManifestWriter,
    sorter: Sorter,
    census: Census,
    projection: String,
}

impl Gather {
    pub(super) fn new(view: &View) -> Result<Self, RowsError> {
        let projection = view.projection.to_string();
        let rows = ManifestWriter::new(&header(DigestKind::Rows, &projection))?;
        Ok(Self { rows, sorter: Sorter::default(), census: Census::default(), projection })
    }

    pub(super) fn add(&mut self, part: &Part) -> Result<(), RowError> {
        self.rows.append(&part.leaves)?;
        self.sorter.push(&part.digests)?;
        self.census.add(&part.census);
        Ok(())
    }

    pub(super) fn rows(&self) -> u64 {
        self.census.rows
    }

    pub(super) fn finish(self) -> Result<Gathered, RowsError> {
        if self.census.rows == 0 {
            return Err(RowsError::NoRows);
        }
        let mut set = Set::new(&self.projection)?;
        self.sorter.finish(|row| set.take(row))?;
        set.close()?;
        let Set { writer, repeated, mut twins, .. } = set;
        twins.sort_unstable_by_key(|twin| twin.again);
        twins.truncate(MAX_TWINS);
        Ok(Gathered { rows: self.rows.finish()?, rowset: writer.finish()?, repeated, twins, census: self.census })
    }
}

/// Counts equal neighbours and writes each digest once.
struct Set {
    writer: ManifestWriter,
    hash: ManifestHash,
    open: Option<(Numbered, u64)>,
    ready: Vec<RowsetLeaf>,
    repeated: u64,
    twins: Vec<Twin>,
}

impl Set {
    fn new(projection: &str) -> Result<Self, RowsError> {
        let writer = ManifestWriter::new(&header(DigestKind::Rowset, projection))?;
        let hash = ManifestHash::new(DigestKind::Rowset)?;
        Ok(Self { writer, hash, open: None, ready: Vec::new(), repeated: 0, twins: Vec::new() })
    }

    fn take(&mut self, row: Numbered) -> Result<(), Failed> {
        match &mut self.open {
            Some((first, count)) if first.digest == row.digest => {
                *count += 1;
                self.repeated += 1;
                self.twins.push(Twin { first: first.row + 1, again: row.row + 1 });
                if self.twins.len() > 64 * MAX_TWINS {
                    self.twins.sort_unstable_by_key(|twin| twin.again);
                    self.twins.truncate(MAX_TWINS);
                }
                Ok(())
            }
            open => {
                let done = open.replace((row, 1));
                self.leaf(done)
            }
        }
    }

    fn leaf(&mut self, done: Option<(Numbered, u64)>) -> Result<(), Failed> {
        self.ready.extend(done.map(|(row, multiplicity)| RowsetLeaf { digest: row.digest, multiplicity }));
        if self.ready.len() >= LEAVES { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), Failed> {
        let hash = &self.hash;
        let hashed = self.ready.par_chunks(LEAVES_EACH).map(|each| {
            let mut leaves = Leaves::default();
            each.iter().for_each(|leaf| leaves.push(hash, |e| leaf.encode(e)));
            leaves
        });
        let hashed: Vec<Leaves> = hashed.collect();
        self.ready.clear();
        hashed.iter().try_for_each(|leaves| self.writer.append(leaves)).map_err(|error| Failed(error.into()))
    }

    fn close(&mut self) -> Result<(), RowsError> {
        let done = self.open.take();
        self.leaf(done)?;
        Ok(self.flush()?)
    }
}

/// A failure while sorting, of the disk or of the manifest.
struct Failed(RowsError);

impl From<std::io::Error> for Failed {
    fn from(source: std::io::Error) -> Self {
        Self(RowsError::Scratch(source))
    }
}

impl From<Failed> for RowsError {
    fn from(failed: Failed) -> Self {
        failed.0
    }
}

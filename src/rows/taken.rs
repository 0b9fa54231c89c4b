//! Rows that are made here, one line of JSON after the other, taken as those of a file of lines are.

use super::batch::{Batch, View};
use super::gather::{Gather, Gathered};
use super::jsonl;
use super::pass::BATCH;
use super::{RowError, RowsError};
use crate::artifact::manifest::ManifestHash;
use crate::artifact::rows::Projection;
use crate::digest::DigestKind;

/// Rows taken so far.
pub struct Taken {
    view: View,
    batch: Batch,
    gather: Gather,
}

impl Taken {
    /// None yet; `projection` is the view of them.
    pub fn new(projection: Projection) -> Result<Self, RowsError> {
        let view = View { projection, source: None };
        let gather = Gather::new(&view)?;
        Ok(Self { view, batch: Batch::default(), gather })
    }

    /// The next row.
    pub fn line(&mut self, line: &[u8]) -> Result<(), RowError> {
        let Self { view, batch, .. } = self;
        if let Some(row) = jsonl::parse_line(line, &|field| view.takes(field))? {
            batch.add(row, view)?;
        }
        if batch.len() >= BATCH { self.flush() } else { Ok(()) }
    }

    /// All of them, in order and as a set.
    pub fn finish(mut self) -> Result<Gathered, RowsError> {
        let row = self.gather.rows() + 1;
        self.flush().map_err(|source| RowsError::AtRow { row, source })?;
        self.gather.finish()
    }

    fn flush(&mut self) -> Result<(), RowError> {
        let part = self.batch.close(&ManifestHash::new(DigestKind::Rows)?);
        self.gather.add(&part)
    }
}

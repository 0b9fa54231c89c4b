//! Some thousand rows in one piece of memory, so that they can be hashed side by side.

use super::census::Census;
use super::{Row, RowError};
use crate::artifact::manifest::{Leaves, ManifestHash};
use crate::artifact::rows::{Projection, RowLeaf};
use crate::digest::FileDigest;
use crate::digest::many::hash_each;

/// What of a row is looked at.
#[derive(Debug, Clone)]
pub(super) struct View {
    pub(super) projection: Projection,
    /// The field that says where a row came from.
    pub(super) source: Option<String>,
}

impl View {
    pub(super) fn takes(&self, field: &[u8]) -> bool {
        self.projection.takes(field) || self.source.as_ref().is_some_and(|source| source.as_bytes() == field)
    }
}

/// Items of rows, one after the other.
#[derive(Default)]
pub(super) struct Batch {
    items: Vec<u8>,
    ends: Vec<usize>,
    census: Census,
}

/// A batch, hashed.
#[derive(Default)]
pub(super) struct Part {
    pub(super) leaves: Leaves,
    pub(super) digests: Vec<FileDigest>,
    pub(super) census: Census,
}

impl Batch {
    /// Adds a row; each name in it stands once.
    pub(super) fn add(&mut self, row: Row<'_>, view: &View) -> Result<(), RowError> {
        self.census.row(&row, view.source.as_deref());
        let item = view.projection.item(row)?;
        if view.projection.text_field().is_some() && std::str::from_utf8(&item).is_err() {
            self.census.lone_surrogates += 1;
        }
        self.items.extend_from_slice(&item);
        self.ends.push(self.items.len());
        Ok(())
    }

    /// Bytes held.
    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    /// Hashes what was added and begins anew, keeping the memory.
    pub(super) fn close(&mut self, hash: &ManifestHash) -> Part {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        let items: Vec<&[u8]> = starts.zip(&self.ends).map(|(start, end)| &self.items[start..*end]).collect();
        let digests = hash_each(&items);
        let mut leaves = Leaves::default();
        for (digest, item) in digests.iter().zip(&items) {
            let leaf = RowLeaf { digest: *digest, length: item.len() as u64 };
            leaves.push(hash, |e| leaf.encode(e));
        }
        let mut census = std::mem::take(&mut self.census);
        census.bytes = self.items.len() as u64;
        self.items.clear();
        self.ends.clear();
        Part { leaves, digests, census }
    }
}

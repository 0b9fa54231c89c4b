//! Entries streamed from the segments, and held against the head when all were read.

use crate::digest::LeafHash;
use crate::ledger::error::{Damage, LedgerError};
use crate::ledger::headers::check_header;
use crate::ledger::reader::{Entry, Ledger};
use crate::ledger::scan::{Event, Groups, Scan, Stop};
use crate::merkle::{CompactRange, EntryIndex};

/// Streams entries; see [`Ledger::entries`].
#[derive(Debug)]
pub struct Entries<'a> {
    pub(super) ledger: &'a Ledger,
    pub(super) scan: Scan,
    pub(super) segment: u32,
    pub(super) from: u64,
    pub(super) ended: bool,
}

impl Entries<'_> {
    /// The next entry's index and leaf, and its bytes if they are wanted.
    fn step<T>(&mut self, take: impl Fn(EntryIndex, &[u8], LeafHash) -> T) -> Result<Option<T>, LedgerError> {
        loop {
            if self.scan.range().size() >= self.ledger.tree().size {
                return self.end();
            }
            let at = self.scan.at();
            match self.scan.next()? {
                Event::Entry { index, bytes, leaf, .. } if index >= self.from => {
                    return Ok(Some(take(EntryIndex(index), bytes, leaf)));
                }
                Event::Entry { .. } | Event::Head { .. } | Event::Attached => {}
                Event::Stopped(Stop::End { .. }) => self.next_segment()?,
                Event::Stopped(Stop::Bad { at, what }) => {
                    return Err(LedgerError::damaged(self.scan.path(), at, what));
                }
                Event::Stopped(Stop::Zeros { .. }) => {
                    return Err(LedgerError::damaged(self.scan.path(), at, Damage::Zeros));
                }
            }
        }
    }

    fn next_segment(&mut self) -> Result<(), LedgerError> {
        let number = self.segment.saturating_add(1);
        let path = self.ledger.layout.segment(number);
        if !path.exists() {
            return Err(LedgerError::damaged(&path, 0, Damage::SegmentMissing));
        }
        let (scan, header) = Scan::open(&path, Groups::Skip)?;
        check_header(&header, &path, self.ledger.id, number, Some(self.scan.range()))?;
        (self.scan, self.segment) = (scan, number);
        Ok(())
    }

    /// The end of the prefix: what was read must hash to the head.
    fn end<T>(&mut self) -> Result<Option<T>, LedgerError> {
        self.ended = true;
        let range: &CompactRange = self.scan.range();
        let signed = self.ledger.tree();
        if range.head() == *signed {
            return Ok(None);
        }
        let what = Damage::HeadRoot { signed: signed.root.to_string(), recomputed: range.root().to_string() };
        Err(LedgerError::damaged(self.scan.path(), self.scan.at(), what))
    }

    fn item<T>(&mut self, take: impl Fn(EntryIndex, &[u8], LeafHash) -> T) -> Option<Result<T, LedgerError>> {
        if self.ended {
            return None;
        }
        let item = self.step(take).transpose();
        self.ended |= matches!(item, None | Some(Err(_)));
        item
    }
}

impl Iterator for Entries<'_> {
    type Item = Result<Entry, LedgerError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.item(|index, bytes, leaf| Entry { index, bytes: bytes.to_vec(), leaf })
    }
}

/// As [`Entries`], without copying the bytes.
pub(super) struct Leaves<'a>(pub(super) Entries<'a>);

impl Iterator for Leaves<'_> {
    type Item = Result<LeafHash, LedgerError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.item(|_, _, leaf| leaf)
    }
}

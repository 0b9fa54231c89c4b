//! Little-endian fields, read from a slice or from near the last place that was read.

use std::io::{Read, SeekFrom};

use super::ArchiveError;
use crate::container::Source;

/// Little-endian fields out of a slice, `None` where it is too short.
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

impl<'a> Fields<'a> {
    pub(super) fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(head)
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        Some(u16::from_le_bytes(self.take(2)?.try_into().ok()?))
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.take(4)?.try_into().ok()?))
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.take(8)?.try_into().ok()?))
    }
}

/// Bytes kept around the last small read: headers of small members lie close together.
const WINDOW: u64 = 4096;

/// A source with one page of memory, so that a million headers are not three million reads.
pub(super) struct Window<'s> {
    source: &'s mut dyn Source,
    start: u64,
    bytes: Vec<u8>,
}

impl<'s> Window<'s> {
    pub(super) fn new(source: &'s mut dyn Source) -> Self {
        Self { source, start: 0, bytes: Vec::new() }
    }

    /// The bytes `at..at + len`, which must lie before `end`.
    pub(super) fn read_at(&mut self, at: u64, len: u64, what: &'static str, end: u64) -> Result<Vec<u8>, ArchiveError> {
        let outside = ArchiveError::Bounds { what, at, end: at.saturating_add(len), len: end };
        if at.checked_add(len).is_none_or(|stop| stop > end) {
            return Err(outside);
        }
        if let Some(held) = self.held(at, len) {
            return Ok(held.to_vec());
        }
        self.source.seek(SeekFrom::Start(at))?;
        let mut bytes = Vec::new();
        (&mut *self.source).take(len.max(WINDOW)).read_to_end(&mut bytes)?;
        if len > WINDOW {
            return if bytes.len() as u64 == len { Ok(bytes) } else { Err(outside) };
        }
        (self.start, self.bytes) = (at, bytes);
        self.held(at, len).map(<[u8]>::to_vec).ok_or(outside)
    }

    fn held(&self, at: u64, len: u64) -> Option<&[u8]> {
        let from = usize::try_from(at.checked_sub(self.start)?).ok()?;
        self.bytes.get(from..from.checked_add(usize::try_from(len).ok()?)?)
    }
}

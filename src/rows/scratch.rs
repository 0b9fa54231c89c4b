//! Buffers of columnar files: a few in memory, the rest in an unlinked file that is read by place.
//!
//! Writers put as much as they like into one batch or page, and rows are read across all columns of it. So what was
//! unpacked is kept where its size does not matter, and only the pages that are at work are in memory.
//!
//! A failure of the scratch file is kept ([`Scratch::failure`]) and the bytes are as if they were not there: decoders know
//! only bytes that make sense and bytes that do not.

mod filling;
mod pages;
mod space;

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::io::{self, Read};
use std::rc::Rc;

pub(super) use self::filling::Filling;
use self::pages::{PAGE, Pages};
use self::space::Space;
use super::{MAX_ROW_BYTES, RowError};

/// Bytes of buffers that are held in memory, of all columns of a file: usual pages of several columns, or a usual batch.
const MAX_HELD: usize = 16 << 20;

/// Scratch space of one file.
#[derive(Debug, Clone, Default)]
pub(super) struct Scratch(Rc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    /// Bytes in memory, or promised to be.
    held: Cell<usize>,
    space: RefCell<Space>,
    pages: RefCell<Pages>,
    failed: RefCell<Option<RowError>>,
}

impl Scratch {
    /// Room for exactly so many bytes.
    pub(super) fn filling(&self, len: usize) -> Option<Filling> {
        Filling::new(&self.0, len)
    }

    /// Keeps bytes that were unpacked in memory.
    pub(super) fn keep(&self, bytes: Vec<u8>) -> Option<Buffer> {
        let mut filling = self.filling(bytes.len())?;
        if filling.is_held() {
            return filling.held(bytes);
        }
        filling.put(&bytes)?;
        filling.done()
    }

    /// What failed, instead of the reason that followed from it.
    pub(super) fn failure(&self) -> Option<RowError> {
        self.0.failed.take()
    }
}

impl Shared {
    /// Keeps the failure; the first is the cause of all that follow.
    fn fail(&self, error: RowError) {
        self.failed.borrow_mut().get_or_insert(error);
    }

    fn done<T>(&self, result: io::Result<T>) -> Option<T> {
        result.map_err(|error| self.fail(RowError::Scratch(error))).ok()
    }
}

/// Bytes in memory, which are counted.
#[derive(Debug)]
struct Held {
    bytes: Vec<u8>,
    counted: usize,
    shared: Rc<Shared>,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.shared.held.set(self.shared.held.get() - self.counted);
    }
}

/// Bytes in the file: whole pages, given back when nobody needs them any more.
#[derive(Debug)]
struct Extent {
    start: u64,
    len: u64,
    shared: Rc<Shared>,
}

impl Drop for Extent {
    fn drop(&mut self) {
        self.shared.pages.borrow_mut().forget(self.start, self.len);
        self.shared.space.borrow_mut().give(self.start, self.len);
    }
}

impl Extent {
    fn read(&self, at: usize, out: &mut [u8]) -> Option<()> {
        let at = self.start + at as u64;
        let space = self.shared.space.borrow();
        if out.len() >= PAGE {
            return self.shared.done(space.read(at, out)).filter(|read| *read == out.len()).map(|_| ());
        }
        let read = self.shared.pages.borrow_mut().read(at, out, |at, page| space.read(at, page).map(|_| ()));
        self.shared.done(read)
    }
}

#[derive(Debug, Clone)]
enum Bytes {
    Held(Rc<Held>),
    Laid(Rc<Extent>),
}

/// Some bytes, wherever they lie.
#[derive(Debug, Clone)]
pub(super) struct Buffer {
    bytes: Bytes,
    start: usize,
    end: usize,
}

impl Buffer {
    pub(super) fn len(&self) -> usize {
        self.end - self.start
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A part of these; nothing where it would lie outside.
    pub(super) fn part(&self, start: usize, len: usize) -> Option<Self> {
        let start = self.start.checked_add(start)?;
        let end = start.checked_add(len).filter(|end| *end <= self.end)?;
        Some(Self { bytes: self.bytes.clone(), start, end })
    }

    /// What follows after so many bytes.
    pub(super) fn after(&self, start: usize) -> Option<Self> {
        self.part(start, self.len().checked_sub(start)?)
    }

    /// Those bytes; nothing where they lie outside. More than a row may have are not copied out of the file.
    pub(super) fn get(&self, start: usize, len: usize) -> Option<Cow<'_, [u8]>> {
        let Self { bytes, start, end } = self.part(start, len)?;
        match (&self.bytes, bytes) {
            (Bytes::Held(held), _) => held.bytes.get(start..end).map(Cow::Borrowed),
            (_, Bytes::Laid(extent)) if len > MAX_ROW_BYTES => {
                extent.shared.fail(RowError::TooLong);
                None
            }
            _ => {
                let mut out = vec![0; len];
                self.fill(start - self.start, &mut out)?;
                Some(Cow::Owned(out))
            }
        }
    }

    /// Copies bytes out.
    pub(super) fn fill(&self, start: usize, out: &mut [u8]) -> Option<()> {
        let start = self.start.checked_add(start)?;
        let end = start.checked_add(out.len()).filter(|end| *end <= self.end)?;
        match &self.bytes {
            Bytes::Held(held) => out.copy_from_slice(held.bytes.get(start..end)?),
            Bytes::Laid(extent) => extent.read(start, out)?,
        }
        Some(())
    }

    pub(super) fn chunk<const N: usize>(&self, start: usize) -> Option<[u8; N]> {
        let mut out = [0; N];
        self.fill(start, &mut out)?;
        Some(out)
    }

    pub(super) fn byte(&self, at: usize) -> Option<u8> {
        self.chunk::<1>(at).map(|[byte]| byte)
    }

    /// All of them in order.
    pub(super) fn reader(&self) -> impl Read {
        Reading { buffer: self.clone(), at: 0 }
    }
}

struct Reading {
    buffer: Buffer,
    at: usize,
}

impl Read for Reading {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let len = out.len().min(self.buffer.len() - self.at);
        let read = self.buffer.fill(self.at, &mut out[..len]);
        read.ok_or_else(|| io::Error::other("the scratch file cannot be read"))?;
        self.at += len;
        Ok(len)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Scratch space that lays everything into its file.
    fn full() -> (Scratch, Filling) {
        let scratch = Scratch::default();
        let room = scratch.filling(MAX_HELD).unwrap();
        (scratch, room)
    }

    proptest! {
        #[test]
        fn bytes_are_the_same_wherever_they_lie(
            lots in proptest::collection::vec((1_usize..100_000, any::<u8>()), 1..8),
            at in 0_usize..100_000,
            len in 0_usize..60_000,
        ) {
            let (held, (laid, _room)) = (Scratch::default(), full());
            let bytes = |(size, seed): &(usize, u8)| -> Vec<u8> {
                (0..*size).map(|at| (at / 7).to_le_bytes()[0] ^ seed.wrapping_mul(at.to_le_bytes()[0])).collect()
            };
            let mut kept: Vec<(Vec<u8>, Buffer, Buffer)> = Vec::new();
            for (number, lot) in lots.iter().enumerate() {
                let bytes = bytes(lot);
                kept.push((bytes.clone(), held.keep(bytes.clone()).unwrap(), laid.keep(bytes).unwrap()));
                // Space that was given back is taken again, and what was there is forgotten.
                if number % 3 == 1 {
                    kept.remove(0);
                }
                for (bytes, held, laid) in &kept {
                    let expected = bytes.get(at..at + len);
                    let found = (held.get(at, len), laid.get(at, len));
                    prop_assert_eq!((found.0.as_deref(), found.1.as_deref()), (expected, expected));
                    prop_assert_eq!(laid.byte(at), bytes.get(at).copied());
                    let part = laid.after(at).and_then(|part| part.chunk::<3>(1));
                    prop_assert_eq!(part.as_ref().map(|part| &part[..]), bytes.get(at + 1..at + 4));
                    let mut all = Vec::new();
                    laid.reader().read_to_end(&mut all).unwrap();
                    prop_assert_eq!(&all, bytes);
                }
            }
            prop_assert!(laid.0.space.borrow().is_used(), "the second lies in the file");
            prop_assert!(!held.0.space.borrow().is_used(), "the first does not");
        }
    }

    #[test]
    fn memory_and_space_are_given_back() {
        let scratch = Scratch::default();
        let few = scratch.keep(vec![1; MAX_HELD / 2]).unwrap();
        let many = scratch.keep(vec![2; MAX_HELD]).unwrap();
        let part = many.part(5, 10).unwrap();
        drop(many);
        assert_eq!(part.get(0, 10).as_deref(), Some(&[2; 10][..]), "a part keeps the whole");
        assert_eq!(scratch.0.held.get(), MAX_HELD / 2);
        drop((few, part));
        assert_eq!(scratch.0.held.get(), 0);
        assert_eq!(scratch.0.space.borrow().end(), 0);
        assert!(scratch.failure().is_none());
    }

    #[test]
    fn a_value_longer_than_a_row_is_not_copied_out() {
        let scratch = Scratch::default();
        let buffer = scratch.keep(vec![0; MAX_ROW_BYTES + 1]).unwrap();
        assert!(buffer.get(0, MAX_ROW_BYTES).is_some());
        assert!(buffer.get(0, MAX_ROW_BYTES + 1).is_none());
        assert!(matches!(scratch.failure(), Some(RowError::TooLong)));
    }
}

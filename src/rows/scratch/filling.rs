//! A buffer that is being unpacked, which may repeat what it already holds.

use std::rc::Rc;

use super::pages::PAGE;
use super::space::MAX_SPACE;
use super::{Buffer, Bytes, Extent, Held, MAX_HELD, RowError, Shared};

/// What was written last is at hand: no writer of Snappy or LZ4 repeats from further back.
const BACK: usize = 64 << 10;

/// Bytes that are written to the file at once.
const AHEAD: usize = 256 << 10;

/// Room for bytes whose number is known.
pub(in super::super) struct Filling {
    len: usize,
    written: usize,
    to: To,
}

enum To {
    Memory(Held),
    File { extent: Extent, last: Vec<u8>, unwritten: usize },
}

impl Filling {
    pub(super) fn new(shared: &Rc<Shared>, len: usize) -> Option<Self> {
        let held = shared.held.get().saturating_add(len);
        if held <= MAX_HELD {
            shared.held.set(held);
            let memory = Held { bytes: Vec::with_capacity(len), counted: len, shared: Rc::clone(shared) };
            return Some(Self { len, written: 0, to: To::Memory(memory) });
        }
        let pages = (len as u64).next_multiple_of(PAGE as u64);
        let Some(start) = shared.done(shared.space.borrow_mut().take(pages))? else {
            shared.fail(RowError::Limit { what: "rows that belong together", limit: MAX_SPACE, unit: "bytes" });
            return None;
        };
        let extent = Extent { start, len: pages, shared: Rc::clone(shared) };
        Some(Self { len, written: 0, to: To::File { extent, last: Vec::new(), unwritten: 0 } })
    }

    pub(in super::super) fn is_held(&self) -> bool {
        matches!(self.to, To::Memory(_))
    }

    /// Takes over bytes that fill it.
    pub(super) fn held(mut self, all: Vec<u8>) -> Option<Buffer> {
        let To::Memory(Held { bytes, .. }) = &mut self.to else { return None };
        *bytes = all;
        self.written = bytes.len();
        self.done()
    }

    /// Bytes that it still has room for.
    pub(in super::super) fn left(&self) -> usize {
        self.len - self.written
    }

    /// Adds bytes; nothing where there is no room for them.
    pub(in super::super) fn put(&mut self, bytes: &[u8]) -> Option<()> {
        if bytes.len() > self.left() {
            return None;
        }
        for bytes in bytes.chunks(AHEAD) {
            match &mut self.to {
                To::Memory(held) => held.bytes.extend_from_slice(bytes),
                To::File { last, unwritten, .. } => {
                    last.extend_from_slice(bytes);
                    *unwritten += bytes.len();
                }
            }
            self.written += bytes.len();
            self.write(AHEAD)?;
        }
        Some(())
    }

    /// Adds `len` bytes again that begin `back` bytes before the end, some of which may be those that are added.
    pub(in super::super) fn again(&mut self, mut back: usize, mut len: usize) -> Option<()> {
        if back == 0 || back > self.written || len > self.left() {
            return None;
        }
        while len > 0 {
            let count = len.min(back).min(BACK);
            let at = self.written - back;
            match &mut self.to {
                To::Memory(held) => held.bytes.extend_from_within(at..at + count),
                To::File { last, unwritten, .. } if back <= last.len() => {
                    let at = last.len() - back;
                    last.extend_from_within(at..at + count);
                    *unwritten += count;
                }
                To::File { .. } => {
                    self.write(1)?;
                    let mut bytes = vec![0; count];
                    self.look(at, &mut bytes)?;
                    self.put(&bytes)?;
                    len -= count;
                    continue;
                }
            }
            self.written += count;
            len -= count;
            // What was repeated once stands there twice.
            if count == back && 2 * back <= BACK {
                back *= 2;
            }
            self.write(AHEAD)?;
        }
        Some(())
    }

    /// Reads what was written to the file before.
    fn look(&self, at: usize, out: &mut [u8]) -> Option<()> {
        let To::File { extent, .. } = &self.to else { return None };
        let read = extent.shared.space.borrow().read(extent.start + at as u64, out);
        extent.shared.done(read).filter(|read| *read == out.len()).map(|_| ())
    }

    /// Writes to the file what was not, where it is at least `from` bytes.
    fn write(&mut self, from: usize) -> Option<()> {
        let To::File { extent, last, unwritten } = &mut self.to else { return Some(()) };
        if *unwritten < from {
            return Some(());
        }
        let at = extent.start + (self.written - *unwritten) as u64;
        let written = extent.shared.space.borrow().write(at, &last[last.len() - *unwritten..]);
        extent.shared.done(written)?;
        *unwritten = 0;
        last.drain(..last.len().saturating_sub(BACK));
        Some(())
    }

    /// The bytes; nothing where some are missing.
    pub(in super::super) fn done(mut self) -> Option<Buffer> {
        self.write(1)?;
        let bytes = match self.to {
            To::Memory(held) => Bytes::Held(Rc::new(held)),
            To::File { extent, .. } => Bytes::Laid(Rc::new(extent)),
        };
        (self.written == self.len).then_some(Buffer { bytes, start: 0, end: self.len })
    }
}

//! One column of one group of rows: its pages, read one at a time, as a sequence of levels and values.

use std::io::{self, BufReader, Read};

use super::bits::Runs;
use super::element::{Meaning, Physical};
use super::page::{Encoding, Header, Page, header};
use super::schema::Leaf;
use super::values::{Dictionary, Raw, Values};
use super::{malformed, unsupported};
use crate::artifact::rows::Cell;
use crate::rows::block::{Codec, SMALL, unpack, unpack_into};
use crate::rows::budget::Budget;
use crate::rows::lines::read_whole;
use crate::rows::scratch::{Buffer, Scratch};
use crate::rows::value::{Time, decimal_be, half, shell, time, unsigned};
use crate::rows::{RowError, RowsError, Shard};

/// Largest page, packed or not, that the format's own numbers can say: usual ones have 1 MiB, but some writers put a whole
/// column of a group into one.
const MAX_PAGE_BYTES: u64 = i32::MAX as u64;

/// Largest dictionary unpacked: writers give it up after 1 MiB or so.
const MAX_DICTIONARY_BYTES: u64 = 256 << 20;

/// Longest decimal that is no integer of the machine: writing it out takes the square of its length.
const MAX_DECIMAL_BYTES: usize = 256;

/// All pages of a file together unpack to at most this many times its size, and this much more.
const MAX_RATIO: u64 = 200;
const ALLOWANCE: u64 = 64 << 20;

/// Bytes of a large page that are read at once.
const READ: usize = 64 << 10;

/// A page header is looked for in this many bytes first, and in so many more where it holds long statistics.
const HEADER_BYTES: u64 = 4 << 10;
const MAX_HEADER_BYTES: u64 = 1 << 20;

/// What all columns of a file share.
pub(super) struct File<'s> {
    pub(super) shard: &'s dyn Shard,
    /// Bytes unpacked so far.
    pub(super) unpacked: u64,
    /// Where pages are kept.
    pub(super) scratch: Scratch,
    pub(super) budget: Budget,
}

impl File<'_> {
    /// Reads bytes that are known to lie in the file.
    pub(super) fn read(&self, at: u64, len: u64) -> Result<Vec<u8>, RowError> {
        let mut buffer = vec![0; usize::try_from(len).map_err(|_| malformed("it is larger than memory"))?];
        match read_whole(self.shard, &mut buffer, at) {
            Ok(()) => Ok(buffer),
            Err(RowsError::Io { source, .. }) => Err(RowError::Io(source)),
            Err(_) => Err(malformed(format!("it ends before byte {}", at.saturating_add(len)))),
        }
    }

    /// Allows a page of that size, or says which limit it would break.
    fn allow(&mut self, header: &Header) -> Result<(), RowError> {
        let (packed, unpacked) = (header.packed, header.unpacked);
        if packed.max(unpacked) > MAX_PAGE_BYTES {
            return Err(RowError::Limit { what: "a page", limit: MAX_PAGE_BYTES, unit: "bytes" });
        }
        if matches!(header.page, Page::Dictionary(_)) && unpacked > MAX_DICTIONARY_BYTES {
            return Err(RowError::Limit { what: "a dictionary", limit: MAX_DICTIONARY_BYTES, unit: "bytes" });
        }
        let limit = self.shard.size().saturating_mul(MAX_RATIO).saturating_add(ALLOWANCE);
        self.unpacked = self.unpacked.saturating_add(unpacked);
        if self.unpacked > limit {
            return Err(RowError::Limit { what: "a Parquet file of this size", limit, unit: "bytes of pages" });
        }
        Ok(())
    }

    /// Bytes that lie in the file, unpacked into `len`; nothing where they are none such.
    fn unpack(&self, codec: Codec, at: u64, packed: u64, len: usize) -> Result<Option<Buffer>, RowError> {
        if len <= SMALL && packed <= SMALL as u64 {
            let packed = self.read(at, packed)?;
            let bytes = if codec == Codec::None {
                Some(packed).filter(|packed| packed.len() == len)
            } else {
                unpack(codec, &packed, len)
            };
            return Ok(bytes.and_then(|bytes| self.scratch.keep(bytes)));
        }
        let mut part = Part { shard: self.shard, at, end: at.saturating_add(packed), failed: None };
        let buffer = self.scratch.filling(len).and_then(|mut room| {
            unpack_into(codec, &mut BufReader::with_capacity(READ, &mut part), &mut room)?;
            room.done()
        });
        part.failed.map_or(Ok(buffer), |error| Err(RowError::Io(error)))
    }
}

/// A part of the file in order.
struct Part<'s> {
    shard: &'s dyn Shard,
    at: u64,
    end: u64,
    failed: Option<io::Error>,
}

impl Read for Part<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = buffer.len().min(usize::try_from(self.end - self.at).unwrap_or(usize::MAX));
        match self.shard.read_at(&mut buffer[..most], self.at) {
            Ok(read) => {
                self.at += read as u64;
                Ok(read)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) => {
                let kind = error.kind();
                self.failed = Some(error);
                Err(kind.into())
            }
        }
    }
}

/// Where a column of a group lies and how its pages are packed.
#[derive(Debug, Clone)]
pub(super) struct Chunk {
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) codec: Codec,
}

/// How deep the next value is repeated and defined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Levels {
    pub(super) repetition: u32,
    pub(super) definition: u32,
}

/// A column that is being read.
pub(super) struct Column<'l> {
    leaf: &'l Leaf,
    codec: Codec,
    /// The next page, and where the last one ends.
    at: u64,
    end: u64,
    dictionary: Option<Dictionary>,
    /// Values of the page that are left, with those that are null.
    left: u64,
    repetitions: Option<Runs>,
    definitions: Option<Runs>,
    values: Option<Values>,
    /// The levels of the next value, where they were looked at.
    next: Option<Levels>,
    /// Whether the content matters to anyone.
    pub(super) is_taken: bool,
}

impl<'l> Column<'l> {
    pub(super) fn new(leaf: &'l Leaf, chunk: &Chunk) -> Self {
        Self {
            leaf,
            codec: chunk.codec,
            at: chunk.start,
            end: chunk.end,
            dictionary: None,
            left: 0,
            repetitions: None,
            definitions: None,
            values: None,
            next: None,
            is_taken: true,
        }
    }

    /// The levels of the next value; nothing after the last.
    pub(super) fn peek(&mut self, file: &mut File<'_>) -> Result<Option<Levels>, RowError> {
        if self.next.is_some() {
            return Ok(self.next);
        }
        while self.left == 0 {
            if self.at >= self.end {
                return Ok(None);
            }
            self.page(file)?;
        }
        self.left -= 1;
        let level = |runs: &mut Option<Runs>, most: u32| match runs {
            None => Some(0),
            Some(runs) => runs.next().and_then(|level| u32::try_from(level).ok()).filter(|level| *level <= most),
        };
        let repetition = level(&mut self.repetitions, self.leaf.max_repetition);
        let definition = level(&mut self.definitions, self.leaf.max_definition);
        let levels = repetition.zip(definition).map(|(repetition, definition)| Levels { repetition, definition });
        self.next = Some(levels.ok_or_else(|| self.bad("levels"))?);
        Ok(self.next)
    }

    /// Passes over a value that is null.
    pub(super) fn pass(&mut self, file: &mut File<'_>) -> Result<(), RowError> {
        self.peek(file)?;
        self.next = None;
        Ok(())
    }

    /// The next value.
    pub(super) fn take(&mut self, file: &mut File<'_>) -> Result<Cell<'static>, RowError> {
        let levels = self.peek(file)?;
        self.next = None;
        let bad = self.bad("values");
        if levels.is_none_or(|levels| levels.definition < self.leaf.max_definition) {
            return Err(bad);
        }
        let Some(values) = &mut self.values else { return Err(bad) };
        if !self.is_taken {
            file.budget.value(0)?;
            return Ok(shell(&empty(self.leaf)));
        }
        let raw = values.next(self.dictionary.as_ref(), self.leaf.physical).ok_or(bad)?;
        let len = if let Raw::Bytes(bytes) = &raw { bytes.len() } else { 0 };
        file.budget.value(len)?;
        cell(raw, self.leaf)
    }

    fn bad(&self, what: &str) -> RowError {
        malformed(format!("the {what} of the page before byte {} make no sense", self.at))
    }

    /// Reads the next page.
    fn page(&mut self, file: &mut File<'_>) -> Result<(), RowError> {
        let at = self.at;
        let no_page = || malformed(format!("there is no page at byte {at}"));
        let header = self.header(file)?.ok_or_else(no_page)?;
        let start = at + header.len;
        let end = start.checked_add(header.packed).filter(|end| *end <= self.end).ok_or_else(no_page)?;
        // The last page goes before the next one comes.
        (self.repetitions, self.definitions, self.values) = (None, None, None);
        file.allow(&header)?;
        self.at = end;
        if header.page == Page::Index {
            return Ok(());
        }
        let len = usize::try_from(header.unpacked).map_err(|_| no_page())?;
        if let Page::Dictionary(encoding) = header.page {
            let is_first = self.dictionary.is_none() && matches!(encoding, Encoding::Plain | Encoding::Dictionary);
            let bytes = file.unpack(self.codec, start, header.packed, len)?.filter(|_| is_first);
            let dictionary =
                bytes.and_then(|bytes| Dictionary::of(bytes, self.leaf.physical, header.values, &file.scratch));
            self.dictionary = Some(dictionary.ok_or_else(|| malformed(format!("no dictionary is at byte {at}")))?);
            return Ok(());
        }
        self.data(file, &header, start, len)?.ok_or_else(no_page)
    }

    fn header(&self, file: &File<'_>) -> Result<Option<Header>, RowError> {
        let left = self.end - self.at;
        let mut len = HEADER_BYTES;
        loop {
            let bytes = file.read(self.at, left.min(len))?;
            let found = header(&bytes);
            if found.is_some() || len >= left.min(MAX_HEADER_BYTES) {
                return Ok(found);
            }
            len *= 16;
        }
    }

    /// Sets up a page of data, which lies at `at`; nothing where it is none.
    fn data(&mut self, file: &File<'_>, header: &Header, at: u64, len: usize) -> Result<Option<()>, RowError> {
        let (encoding, values) = match header.page {
            Page::Data { encoding, definition, repetition } => {
                let levels = [(self.leaf.max_repetition, repetition), (self.leaf.max_definition, definition)];
                if levels.iter().any(|(most, encoding)| *most > 0 && *encoding != Encoding::Runs) {
                    return Err(unsupported("levels in an encoding that was given up in 2014"));
                }
                let page = file.unpack(self.codec, at, header.packed, len)?;
                let Some((repetitions, definitions, values)) = page.and_then(|page| self.first_version(page)) else {
                    return Ok(None);
                };
                (self.repetitions, self.definitions) = (repetitions, definitions);
                (encoding, values)
            }
            Page::DataV2 { encoding, definition, repetition, is_packed } => {
                let levels = repetition.checked_add(definition).filter(|levels| *levels <= header.packed);
                let Some((levels, bytes)) = levels.and_then(|levels| Some((levels, usize::try_from(levels).ok()?)))
                else {
                    return Ok(None);
                };
                let Some(left) = len.checked_sub(bytes) else { return Ok(None) };
                let codec = if is_packed { self.codec } else { Codec::None };
                let head = file.unpack(Codec::None, at, levels, bytes)?;
                // A page of nulls alone has no values to unpack.
                let (codec, packed) = if left == 0 { (Codec::None, 0) } else { (codec, header.packed - levels) };
                let values = file.unpack(codec, at + levels, packed, left)?;
                let Some((head, values)) = head.zip(values) else { return Ok(None) };
                let between = usize::try_from(repetition).unwrap_or(bytes);
                let runs = |bytes: Option<Buffer>, most: u32| {
                    bytes.filter(|_| most > 0).and_then(|bytes| Runs::new(bytes, width(most)))
                };
                self.repetitions = runs(head.part(0, between), self.leaf.max_repetition);
                self.definitions = runs(head.after(between), self.leaf.max_definition);
                (encoding, values)
            }
            Page::Dictionary(_) | Page::Index => return Ok(None),
        };
        if let Encoding::Other(number) = encoding {
            return Err(unsupported(&format!("values in the encoding {number}")));
        }
        self.left = header.values;
        // Without bytes there are no values, but nulls there may be.
        let is_empty = values.is_empty();
        self.values = Values::new(values, encoding, self.leaf.physical);
        Ok((self.values.is_some() || is_empty).then_some(()))
    }

    /// The levels of a page of the first version, and its values behind them.
    fn first_version(&self, page: Buffer) -> Option<(Option<Runs>, Option<Runs>, Buffer)> {
        let mut rest = page;
        let repetitions = prefixed(&mut rest, self.leaf.max_repetition)?;
        let definitions = prefixed(&mut rest, self.leaf.max_definition)?;
        Some((repetitions, definitions, rest))
    }
}

/// Bits of a level.
fn width(most: u32) -> u32 {
    u32::BITS - most.leading_zeros()
}

/// Levels with their length before them; none where there is only one level.
#[allow(clippy::option_option, reason = "no levels are not levels that make no sense")]
fn prefixed(page: &mut Buffer, most: u32) -> Option<Option<Runs>> {
    if most == 0 {
        return Some(None);
    }
    let len = usize::try_from(u32::from_le_bytes(page.chunk(0)?)).ok()?;
    let levels = page.part(4, len)?;
    *page = page.after(4 + len)?;
    Runs::new(levels, width(most)).map(Some)
}

/// A value of the column's kind.
fn empty(leaf: &Leaf) -> Cell<'static> {
    match (leaf.meaning, leaf.physical) {
        (Meaning::Text, _) => Cell::Text(Vec::new().into()),
        (Meaning::Time(kind, digits), _) => time(kind, 0, digits),
        (Meaning::Plain, Physical::Boolean) => Cell::Bool(false),
        (Meaning::Plain, Physical::ByteArray | Physical::Fixed(_)) => Cell::Bytes(Vec::new().into()),
        _ => Cell::Int(0),
    }
}

/// Days between the beginning of Julian days and 1970.
const JULIAN_DAYS: i128 = 2_440_588;

fn cell(raw: Raw<'_>, leaf: &Leaf) -> Result<Cell<'static>, RowError> {
    let chunk = || malformed("a value has not the width of its column");
    Ok(match (leaf.meaning, raw) {
        (_, Raw::Bool(value)) => Cell::Bool(value),
        (Meaning::Unsigned, Raw::Int(value)) if leaf.physical == Physical::Int32 => {
            Cell::Int(value & i64::from(u32::MAX))
        }
        (Meaning::Unsigned, Raw::Int(value)) => unsigned(value.cast_unsigned()),
        (Meaning::Decimal(scale), Raw::Int(value)) => decimal_be(&value.to_be_bytes(), scale),
        (Meaning::Time(kind, digits), Raw::Int(value)) => time(kind, value.into(), digits),
        (_, Raw::Int(value)) => Cell::Int(value),
        (Meaning::Text, Raw::Bytes(bytes)) => {
            std::str::from_utf8(&bytes).map_err(|_| RowError::Utf8)?;
            Cell::Text(bytes.into_owned().into())
        }
        (Meaning::Decimal(_), Raw::Bytes(bytes)) if bytes.len() > MAX_DECIMAL_BYTES => {
            return Err(RowError::Limit { what: "a decimal", limit: MAX_DECIMAL_BYTES as u64, unit: "bytes" });
        }
        (Meaning::Decimal(scale), Raw::Bytes(bytes)) => decimal_be(&bytes, scale),
        (Meaning::Half, Raw::Bytes(bytes)) => {
            Cell::Float(half(u16::from_le_bytes(*bytes.first_chunk().ok_or_else(chunk)?)))
        }
        (_, Raw::Bytes(bytes)) => match leaf.physical {
            Physical::Float => Cell::Float(f32::from_le_bytes(*bytes.first_chunk().ok_or_else(chunk)?).into()),
            Physical::Double => Cell::Float(f64::from_le_bytes(*bytes.first_chunk().ok_or_else(chunk)?)),
            // Nanoseconds of the day, and a Julian day.
            Physical::Int96 => {
                let nanos = u64::from_le_bytes(*bytes.first_chunk().ok_or_else(chunk)?);
                let day = u32::from_le_bytes(*bytes.last_chunk().ok_or_else(chunk)?);
                let days = i128::from(day) - JULIAN_DAYS;
                time(Time::Instant, days * 86_400 * 1_000_000_000 + i128::from(nanos), 9)
            }
            _ => Cell::Bytes(bytes.into_owned().into()),
        },
    })
}

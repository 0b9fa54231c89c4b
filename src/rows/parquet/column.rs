//! One column of one group of rows: its pages, read one at a time, as a sequence of levels and values.

use super::bits::Runs;
use super::page::{Encoding, Header, Page, header};
use super::schema::{Leaf, Meaning, Physical};
use super::values::{Dictionary, Raw, Values};
use super::{malformed, unsupported};
use crate::artifact::rows::Cell;
use crate::rows::block::{Codec, unpack};
use crate::rows::budget::Budget;
use crate::rows::lines::read_whole;
use crate::rows::value::{Time, decimal_be, half, shell, time, unsigned};
use crate::rows::{RowError, RowsError, Shard};

/// Largest page unpacked: usual ones have 1 MiB, but some writers put a whole column of a group into one.
const MAX_PAGE_BYTES: u64 = 128 << 20;

/// Largest dictionary unpacked: writers give it up after 1 MiB or so, and an index of it is held, too.
const MAX_DICTIONARY_BYTES: u64 = 64 << 20;

/// Longest decimal that is no integer of the machine: writing it out takes the square of its length.
const MAX_DECIMAL_BYTES: usize = 256;

/// Pages and dictionaries that are held at once, of all columns.
const MAX_HELD_BYTES: u64 = 256 << 20;

/// All pages of a file together unpack to at most this many times its size, and this much more.
const MAX_RATIO: u64 = 200;
const ALLOWANCE: u64 = 64 << 20;

/// A page header is looked for in this many bytes first, and in so many more where it holds long statistics.
const HEADER_BYTES: u64 = 4 << 10;
const MAX_HEADER_BYTES: u64 = 1 << 20;

/// What all columns of a file share.
pub(super) struct File<'s> {
    pub(super) shard: &'s dyn Shard,
    /// Bytes unpacked so far, and bytes held.
    pub(super) unpacked: u64,
    pub(super) held: u64,
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
        if self.held.saturating_add(unpacked) > MAX_HELD_BYTES {
            let what = "a group of rows whose pages are this large";
            return Err(RowError::Limit { what, limit: MAX_HELD_BYTES, unit: "bytes at once" });
        }
        Ok(())
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
    page: Vec<u8>,
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
            page: Vec::new(),
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
        let level = |runs: &mut Option<Runs>, page: &[u8], most: u32| match runs {
            None => Some(0),
            Some(runs) => runs.next(page).and_then(|level| u32::try_from(level).ok()).filter(|level| *level <= most),
        };
        let repetition = level(&mut self.repetitions, &self.page, self.leaf.max_repetition);
        let definition = level(&mut self.definitions, &self.page, self.leaf.max_definition);
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
        let raw = values.next(&self.page, self.dictionary.as_ref(), self.leaf.physical).ok_or(bad)?;
        let len = if let Raw::Bytes(bytes) = raw { bytes.len() } else { 0 };
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
        file.held -= self.page.len() as u64;
        self.page = Vec::new();
        file.allow(&header)?;
        self.at = end;
        if header.page == Page::Index {
            return Ok(());
        }
        let packed = file.read(start, header.packed)?;
        let len = usize::try_from(header.unpacked).map_err(|_| no_page())?;
        if let Page::Dictionary(encoding) = header.page {
            let bytes = unpacked(self.codec, packed, len);
            let is_first = self.dictionary.is_none() && matches!(encoding, Encoding::Plain | Encoding::Dictionary);
            let dictionary = bytes.filter(|_| is_first);
            let dictionary = dictionary.and_then(|bytes| Dictionary::of(bytes, self.leaf.physical, header.values));
            self.dictionary = Some(dictionary.ok_or_else(|| malformed(format!("no dictionary is at byte {at}")))?);
            file.held += self.dictionary.as_ref().map_or(0, Dictionary::size) as u64;
            return Ok(());
        }
        self.data(&header, packed, len)?.ok_or_else(no_page)?;
        file.held += self.page.len() as u64;
        Ok(())
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

    /// Sets up a page of data; nothing where it is none.
    fn data(&mut self, header: &Header, packed: Vec<u8>, len: usize) -> Result<Option<()>, RowError> {
        let (encoding, start) = match header.page {
            Page::Data { encoding, definition, repetition } => {
                let levels = [(self.leaf.max_repetition, repetition), (self.leaf.max_definition, definition)];
                if levels.iter().any(|(most, encoding)| *most > 0 && *encoding != Encoding::Runs) {
                    return Err(unsupported("levels in an encoding that was given up in 2014"));
                }
                let Some(page) = unpacked(self.codec, packed, len) else { return Ok(None) };
                self.page = page;
                let mut at = 0;
                let Some(repetitions) = prefixed(&self.page, &mut at, self.leaf.max_repetition) else {
                    return Ok(None);
                };
                let Some(definitions) = prefixed(&self.page, &mut at, self.leaf.max_definition) else {
                    return Ok(None);
                };
                (self.repetitions, self.definitions) = (repetitions, definitions);
                (encoding, at)
            }
            Page::DataV2 { encoding, definition, repetition, is_packed } => {
                let levels = repetition.checked_add(definition).filter(|levels| *levels <= header.packed);
                let levels = levels.and_then(|levels| usize::try_from(levels).ok()).filter(|levels| *levels <= len);
                let Some(levels) = levels else { return Ok(None) };
                let codec = if is_packed { self.codec } else { Codec::None };
                let (head, rest) = packed.split_at(levels);
                // A page of nulls alone has no values to unpack.
                let rest = if len == levels { Some(Vec::new()) } else { unpack(codec, rest, len - levels) };
                let Some(rest) = rest else { return Ok(None) };
                self.page = [head, &rest].concat();
                let between = usize::try_from(repetition).unwrap_or(levels);
                let runs = |place, most: u32| (most > 0).then(|| Runs::new(place, width(most))).flatten();
                self.repetitions = runs(0..between, self.leaf.max_repetition);
                self.definitions = runs(between..levels, self.leaf.max_definition);
                (encoding, levels)
            }
            Page::Dictionary(_) | Page::Index => return Ok(None),
        };
        if let Encoding::Other(number) = encoding {
            return Err(unsupported(&format!("values in the encoding {number}")));
        }
        self.left = header.values;
        let place = start..self.page.len();
        // Without bytes there are no values, but nulls there may be.
        self.values = Values::new(&self.page, place.clone(), encoding, self.leaf.physical);
        Ok((self.values.is_some() || place.is_empty()).then_some(()))
    }
}

/// A whole page, unpacked.
fn unpacked(codec: Codec, packed: Vec<u8>, len: usize) -> Option<Vec<u8>> {
    if codec == Codec::None { (packed.len() == len).then_some(packed) } else { unpack(codec, &packed, len) }
}

/// Bits of a level.
fn width(most: u32) -> u32 {
    u32::BITS - most.leading_zeros()
}

/// Levels with their length before them; none where there is only one level.
#[allow(clippy::option_option, reason = "no levels are not levels that make no sense")]
fn prefixed(page: &[u8], at: &mut usize, most: u32) -> Option<Option<Runs>> {
    if most == 0 {
        return Some(None);
    }
    let len: &[u8; 4] = page.get(*at..)?.first_chunk()?;
    let start = *at + 4;
    let end = start.checked_add(usize::try_from(u32::from_le_bytes(*len)).ok()?)?;
    *at = Some(end).filter(|end| *end <= page.len())?;
    Runs::new(start..end, width(most)).map(Some)
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
            let text = std::str::from_utf8(bytes).map_err(|_| RowError::Utf8)?;
            Cell::Text(text.as_bytes().to_vec().into())
        }
        (Meaning::Decimal(_), Raw::Bytes(bytes)) if bytes.len() > MAX_DECIMAL_BYTES => {
            return Err(RowError::Limit { what: "a decimal", limit: MAX_DECIMAL_BYTES as u64, unit: "bytes" });
        }
        (Meaning::Decimal(scale), Raw::Bytes(bytes)) => decimal_be(bytes, scale),
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
            _ => Cell::Bytes(bytes.to_vec().into()),
        },
    })
}

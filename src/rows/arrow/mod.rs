//! Arrow IPC, as a stream or as a file (which is Feather, version 2): batches of columns, read back as rows.
//!
//! Both are read forwards: a file is a stream between two marks, with a footer that says where the batches lie. The footer
//! must name the very batches that were read, in their order, or a reader that begins at the end would see other rows.
//! One batch is kept, and the dictionaries, in memory or in scratch space; what messages say of sizes is held against limits
//! first.
//!
//! Format: <https://arrow.apache.org/docs/format/Columnar.html#serialization-and-interprocess-communication-ipc>

mod array;
mod batch;
mod flat;
mod schema;

use std::collections::BTreeMap;
use std::io::{self, BufRead, Read};
use std::rc::Rc;

use self::array::Parts;
use self::batch::{Batch, Dictionaries};
use self::flat::{Table, Vector};
use self::schema::Schema;
use super::budget::Budget;
use super::scratch::{Buffer, Scratch};
use super::{Format, Row, RowError, Sink};

pub(super) const ENTRY: &dyn Format = &Arrow;

/// Largest description of a message, and largest footer: thousands of columns, or a million batches.
const MAX_META_BYTES: u64 = 64 << 20;

/// Largest body of a message, packed or not: writers put 64 thousand rows into one, or a whole table.
const MAX_BODY_BYTES: u64 = 8 << 30;

/// Dictionaries that are kept at once.
const MAX_DICTIONARY_BYTES: u64 = 4 << 30;

/// What a dictionary costs however small it is.
const DICTIONARY_BYTES: u64 = 4096;

/// Batches of one stream: their places are held until the footer is read.
const MAX_BATCHES: usize = 4 << 20;

/// Some writers fill up to this place before the first message of a file.
const MAX_ALIGNMENT: u64 = 64 + 4;

/// A message that begins with the new mark.
const CONTINUES: [u8; 4] = [0xff; 4];

const MAGIC: &[u8] = b"ARROW1";

struct Arrow;

impl Format for Arrow {
    fn name(&self) -> &'static str {
        "arrow/1"
    }

    fn endings(&self) -> &'static [&'static str] {
        &[".arrow", ".arrows", ".feather", ".ipc"]
    }

    fn read(&self, stream: &mut dyn BufRead, sink: &mut dyn Sink) -> Result<(), RowError> {
        let scratch = Scratch::default();
        let reader = Reader {
            stream: Counted { inner: stream, at: 0 },
            schema: None,
            dictionaries: Dictionaries::new(),
            held: BTreeMap::new(),
            places: Places::default(),
            budget: Budget::default(),
            scratch: scratch.clone(),
        };
        reader.read(sink).map_err(|error| scratch.failure().unwrap_or(error))
    }
}

fn malformed(reason: impl Into<String>) -> RowError {
    RowError::Malformed { format: "Arrow file", reason: reason.into() }
}

fn unsupported(what: &str) -> RowError {
    RowError::Unsupported { format: "Arrow", what: what.to_owned() }
}

/// A stream that knows how far it was read.
struct Counted<'s> {
    inner: &'s mut dyn BufRead,
    at: u64,
}

impl Counted<'_> {
    /// The next bytes, as many as there are up to `len`; memory is taken as they come.
    fn up_to(&mut self, len: u64) -> Result<Vec<u8>, RowError> {
        let mut bytes = Vec::new();
        let read = (&mut *self.inner).take(len).read_to_end(&mut bytes)?;
        self.at += read as u64;
        Ok(bytes)
    }

    /// Exactly so many bytes.
    fn exactly(&mut self, len: u64) -> Result<Vec<u8>, RowError> {
        let bytes = self.up_to(len)?;
        if bytes.len() as u64 == len { Ok(bytes) } else { Err(malformed(format!("it ends at byte {}", self.at))) }
    }

    /// Exactly so many bytes, kept where there is room.
    fn kept(&mut self, len: u64, scratch: &Scratch) -> Result<Buffer, RowError> {
        let larger = || malformed("a batch is larger than memory");
        let mut room = usize::try_from(len).ok().and_then(|len| scratch.filling(len)).ok_or_else(larger)?;
        while room.left() > 0 {
            let held = match self.inner.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                held => held?,
            };
            let count = held.len().min(room.left());
            if count == 0 {
                return Err(malformed(format!("it ends at byte {}", self.at)));
            }
            room.put(&held[..count]).ok_or_else(larger)?;
            self.inner.consume(count);
            self.at += count as u64;
        }
        room.done().ok_or_else(larger)
    }

    fn word(&mut self) -> Result<[u8; 4], RowError> {
        let bytes = self.exactly(4)?;
        bytes.first_chunk().copied().ok_or_else(|| malformed("it ends inside a length"))
    }
}

/// Where a message lies: its first byte, and bytes of its description and its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    at: u64,
    meta: u64,
    body: u64,
}

#[derive(Debug, Default)]
struct Places {
    dictionaries: Vec<Place>,
    batches: Vec<Place>,
}

struct Reader<'s> {
    stream: Counted<'s>,
    schema: Option<Schema>,
    dictionaries: Dictionaries,
    /// Bytes of each dictionary, with those that it refers to.
    held: BTreeMap<i64, u64>,
    places: Places,
    budget: Budget,
    scratch: Scratch,
}

impl Reader<'_> {
    fn read(mut self, sink: &mut dyn Sink) -> Result<(), RowError> {
        let mut first = self.stream.word()?;
        let is_file = first == MAGIC[..4];
        if &first == b"FEA1" {
            return Err(unsupported("Feather of the first version"));
        }
        if is_file {
            // The rest of the mark, and two bytes that fill up.
            if self.stream.word()? != [MAGIC[4], MAGIC[5], 0, 0] {
                return Err(malformed("it does not begin as one"));
            }
            first = self.stream.word()?;
            while first == [0; 4] && self.stream.at < MAX_ALIGNMENT {
                first = self.stream.word()?;
            }
        }
        while self.message(first, sink)? {
            first = self.stream.word().map_err(|error| match error {
                RowError::Malformed { .. } => {
                    malformed(format!("it is cut: it ends at byte {} without its end mark", self.stream.at))
                }
                other => other,
            })?;
        }
        if is_file {
            self.footer()?;
        }
        if !self.stream.up_to(1)?.is_empty() {
            return Err(malformed(format!("something follows its end at byte {}", self.stream.at - 1)));
        }
        if self.schema.is_some() { Ok(()) } else { Err(malformed("it has no schema")) }
    }

    /// Reads a message of which the first word was read; false where it is the end mark.
    fn message(&mut self, first: [u8; 4], sink: &mut dyn Sink) -> Result<bool, RowError> {
        let at = self.stream.at - 4;
        let len = if first == CONTINUES { self.stream.word()? } else { first };
        let len = u64::from(u32::from_le_bytes(len));
        if len == 0 {
            return Ok(false);
        }
        if len > MAX_META_BYTES {
            return Err(RowError::Limit { what: "the description of a message", limit: MAX_META_BYTES, unit: "bytes" });
        }
        let bytes = self.stream.exactly(len)?;
        let meta = self.stream.at - at;
        let no_sense = || malformed(format!("the message at byte {at} makes no sense"));
        let message = Table::root(&bytes).ok_or_else(no_sense)?;
        // Versions before the fourth are of 2016.
        if message.i16(0, 0).is_none_or(|version| !(3..=4).contains(&version)) {
            return Err(unsupported("a message of that version"));
        }
        let body = message.i64(3, 0).and_then(|len| u64::try_from(len).ok()).ok_or_else(no_sense)?;
        if body > MAX_BODY_BYTES {
            return Err(RowError::Limit { what: "a batch", limit: MAX_BODY_BYTES, unit: "bytes" });
        }
        let (kind, header) = message.u8(1, 0).zip(message.table(2)).ok_or_else(no_sense)?;
        let content = self.stream.kept(body, &self.scratch)?;
        let place = Place { at, meta, body };
        match kind {
            1 if self.schema.is_none() => self.schema = Some(Schema::of(header)?),
            2 => {
                self.places.dictionaries.push(place);
                self.dictionary(header, content)?;
            }
            3 => {
                self.places.batches.push(place);
                self.batch(header, content, sink)?;
            }
            1 => return Err(malformed(format!("a second schema is at byte {at}"))),
            4 | 5 => return Err(unsupported("a tensor")),
            _ => return Err(no_sense()),
        }
        if self.places.dictionaries.len() + self.places.batches.len() > MAX_BATCHES {
            return Err(RowError::Limit { what: "a stream", limit: MAX_BATCHES as u64, unit: "batches" });
        }
        Ok(true)
    }

    fn dictionary(&mut self, header: Table<'_>, body: Buffer) -> Result<(), RowError> {
        let no_sense = || malformed("a dictionary of it makes no sense");
        let schema = self.schema.as_ref().ok_or_else(|| malformed("a dictionary is before the schema"))?;
        let id = header.i64(0, 0).ok_or_else(no_sense)?;
        let field =
            schema.dictionaries.get(&id).ok_or_else(|| malformed(format!("no field has the dictionary {id}")))?;
        let is_more = header.u8(2, 0).ok_or_else(no_sense)? != 0;
        let most = usize::try_from(MAX_DICTIONARY_BYTES).unwrap_or(usize::MAX);
        // Once for the body, once for what is unpacked from it.
        let mut size = (2 * body.len() as u64).saturating_add(DICTIONARY_BYTES);
        field.each_dictionary(&mut |id| size = size.saturating_add(self.held.get(&id).copied().unwrap_or(0)));
        let mut batch =
            Batch::new(header.table(1).ok_or_else(no_sense)?, body, &self.dictionaries, &self.scratch, most)?;
        let before = batch.allowed();
        let values = batch.column(field, true)?;
        size = size.saturating_add(before - batch.allowed());
        batch.finish()?;
        let held = self.held.entry(id).or_default();
        *held = if is_more { held.saturating_add(size) } else { size };
        if self.held.values().fold(0, |sum: u64, size| sum.saturating_add(*size)) > MAX_DICTIONARY_BYTES {
            return Err(RowError::Limit { what: "dictionaries", limit: MAX_DICTIONARY_BYTES, unit: "bytes" });
        }
        let mut parts = match self.dictionaries.remove(&id) {
            Some(parts) if is_more => Rc::unwrap_or_clone(parts),
            None if is_more => return Err(malformed(format!("the dictionary {id} is added to before it is there"))),
            _ => Parts::default(),
        };
        parts.add(values).ok_or_else(no_sense)?;
        self.dictionaries.insert(id, Rc::new(parts));
        Ok(())
    }

    fn batch(&mut self, header: Table<'_>, body: Buffer, sink: &mut dyn Sink) -> Result<(), RowError> {
        let schema = self.schema.as_ref().ok_or_else(|| malformed("a batch is before the schema"))?;
        let most = usize::try_from(MAX_BODY_BYTES).unwrap_or(usize::MAX);
        let mut batch = Batch::new(header, body, &self.dictionaries, &self.scratch, most)?;
        let mut columns = Vec::with_capacity(schema.fields.len());
        for field in &schema.fields {
            let column = batch.column(field, sink.takes(&field.name))?;
            if column.len as u64 != batch.rows {
                return Err(RowError::Shape {
                    what: "values of a column",
                    expected: batch.rows,
                    found: column.len as u64,
                });
            }
            columns.push(column);
        }
        let rows = batch.rows;
        batch.finish()?;
        for at in 0..usize::try_from(rows).map_err(|_| malformed("a batch has more rows than there can be"))? {
            self.budget.row(self.stream.at)?;
            let mut row = Row::with_capacity(columns.len());
            for (field, column) in schema.fields.iter().zip(&columns) {
                row.push((field.name.as_slice().into(), column.cell(at, &mut self.budget)?));
            }
            sink.row(row)?;
        }
        Ok(())
    }

    /// Holds the footer of a file against what was read.
    fn footer(&mut self) -> Result<(), RowError> {
        let start = self.stream.at;
        let mut bytes = self.stream.up_to(MAX_META_BYTES + 11)?;
        if bytes.len() as u64 > MAX_META_BYTES + 10 {
            return Err(RowError::Limit { what: "a footer", limit: MAX_META_BYTES, unit: "bytes" });
        }
        let no_sense = || malformed(format!("its footer at byte {start} makes no sense"));
        let len = bytes.len().checked_sub(MAGIC.len() + 4).ok_or_else(|| malformed("it is cut: it has no footer"))?;
        let tail = bytes.split_off(len);
        let said = tail.first_chunk().map(|len| u32::from_le_bytes(*len));
        if said.and_then(|said| usize::try_from(said).ok()) != Some(len) || tail.get(4..) != Some(MAGIC) {
            return Err(malformed("it does not end as one: it is cut, or something follows it"));
        }
        let footer = Table::root(&bytes).ok_or_else(no_sense)?;
        let schema = Schema::of(footer.table(1).ok_or_else(no_sense)?)?;
        let dictionaries = places(footer.vector(2, 24).ok_or_else(no_sense)?);
        let batches = places(footer.vector(3, 24).ok_or_else(no_sense)?);
        if self.schema.is_some() && self.schema.as_ref() != Some(&schema) {
            return Err(malformed("its footer has another schema"));
        }
        let found = (dictionaries.ok_or_else(no_sense)?, batches.ok_or_else(no_sense)?);
        if found.0 != self.places.dictionaries || found.1 != self.places.batches {
            return Err(malformed("its footer names other batches than there are"));
        }
        self.schema = Some(schema);
        Ok(())
    }
}

/// The places that a footer names.
fn places(blocks: Vector<'_>) -> Option<Vec<Place>> {
    let place = |item| {
        let word = |within| blocks.i64(item, 24, within).and_then(|word| u64::try_from(word).ok());
        let meta = blocks.i32(item, 24, 8).and_then(|meta| u64::try_from(meta).ok());
        Some(Place { at: word(0)?, meta: meta?, body: word(16)? })
    };
    (0..blocks.len()).map(place).collect()
}

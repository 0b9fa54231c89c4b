//! A batch of rows, or the values of a dictionary: the buffers of a message's body as columns.

use std::collections::BTreeMap;
use std::io::BufReader;
use std::rc::Rc;

use super::array::{Array, Parts, Values};
use super::flat::{Table, Vector};
use super::malformed;
use super::schema::{Field, Fixed, Kind};
use crate::artifact::rows::Cell;
use crate::rows::RowError;
use crate::rows::block::{Codec, SMALL, unpack, unpack_into};
use crate::rows::scratch::{Buffer, Scratch};
use crate::rows::value::{Time, time};

/// Buffers of one batch unpack to at most this many times the body, and this much more, and together with it never to more
/// than what a body may have.
const MAX_RATIO: usize = 200;
const ALLOWANCE: usize = 16 << 20;

/// What is unpacked beyond this is at most so many times the body: more than any text packs, and scratch space is finite.
const LARGE: usize = 512 << 20;
const MAX_LARGE_RATIO: usize = 20;

/// A column may have this many buffers of views.
const MAX_VIEW_BUFFERS: i64 = 1 << 16;

/// Dictionaries by number.
pub(super) type Dictionaries = BTreeMap<i64, Rc<Parts>>;

/// Columns of a batch, put together one after the other.
pub(super) struct Batch<'a> {
    body: Buffer,
    scratch: &'a Scratch,
    nodes: Vector<'a>,
    buffers: Vector<'a>,
    views: Vector<'a>,
    codec: Option<Codec>,
    /// Which node, buffer and count of view buffers is next.
    node: usize,
    buffer: usize,
    view: usize,
    /// What may still be unpacked.
    allowed: usize,
    dictionaries: &'a Dictionaries,
    /// How many rows it says that it has.
    pub(super) rows: u64,
}

fn no_sense() -> RowError {
    malformed("a batch of it makes no sense")
}

impl<'a> Batch<'a> {
    pub(super) fn new(
        table: Table<'a>,
        body: Buffer,
        dictionaries: &'a Dictionaries,
        scratch: &'a Scratch,
        most: usize,
    ) -> Result<Self, RowError> {
        let codec = if table.has(3) {
            let packing = table.table(3).ok_or_else(no_sense)?;
            match (packing.u8(0, 0), packing.u8(1, 0)) {
                (Some(0), Some(0)) => Some(Codec::Lz4Frame),
                (Some(1), Some(0)) => Some(Codec::Zstd),
                _ => return Err(super::unsupported("buffers packed in that way")),
            }
        } else {
            None
        };
        let rows = table.i64(0, 0).and_then(|rows| u64::try_from(rows).ok()).ok_or_else(no_sense)?;
        let nodes = table.vector(1, 16).ok_or_else(no_sense)?;
        let buffers = table.vector(2, 16).ok_or_else(no_sense)?;
        let views = table.vector(4, 8).ok_or_else(no_sense)?;
        let allowed = body.len().saturating_mul(MAX_RATIO).saturating_add(ALLOWANCE);
        let allowed = allowed.min(body.len().saturating_mul(MAX_LARGE_RATIO).max(LARGE));
        let allowed = allowed.min(most.saturating_sub(body.len()));
        let (node, buffer, view) = (0, 0, 0);
        Ok(Self { body, scratch, nodes, buffers, views, codec, node, buffer, view, allowed, dictionaries, rows })
    }

    /// The next column, of that field. Where it is not taken only what is there of it is.
    pub(super) fn column(&mut self, field: &Field, is_taken: bool) -> Result<Array, RowError> {
        if let Some((id, integer)) = field.dictionary {
            let (len, nulls) = self.node()?;
            let (valid, numbers) = (self.valid(len, nulls)?, self.buffer(is_taken)?);
            let Some(parts) = self.dictionaries.get(&id) else {
                // The format lets a file have it later, where only a reader from the end finds it.
                return Err(super::unsupported("a dictionary after the rows that need it"));
            };
            if !is_taken {
                return Array::new(len, valid, shell(field));
            }
            holds(&numbers, len, integer.width)?;
            return Array::new(len, valid, Values::Dictionary { numbers, integer, parts: Rc::clone(parts) });
        }
        let (len, nulls) = self.node()?;
        if field.kind == Kind::Null {
            return Array::new(len, None, Values::Null);
        }
        let valid = self.valid(len, nulls)?;
        let values = match field.kind {
            Kind::Null => Values::Null,
            Kind::Bool => {
                let bits = self.buffer(is_taken)?;
                if is_taken && bits.len() < len.div_ceil(8) {
                    return Err(short());
                }
                Values::Bool(bits)
            }
            Kind::Fixed(fixed, width) => {
                let data = self.buffer(is_taken)?;
                if is_taken {
                    holds(&data, len, width)?;
                }
                Values::Fixed(fixed, width, data)
            }
            Kind::Variable { is_text, offset } => {
                let (offsets, data) = (self.offsets(len, offset, is_taken)?, self.buffer(is_taken)?);
                Values::Variable { is_text, width: offset, offsets, data }
            }
            Kind::View { is_text } => {
                let views = self.buffer(is_taken)?;
                if is_taken {
                    holds(&views, len, 16)?;
                }
                let count = self.views.i64(self.view, 8, 0).filter(|count| (0..=MAX_VIEW_BUFFERS).contains(count));
                self.view += 1;
                let data = (0..count.ok_or_else(no_sense)?).map(|_| self.buffer(is_taken));
                Values::View { is_text, views, data: data.collect::<Result<_, _>>()? }
            }
            Kind::List { offset } => {
                let offsets = self.offsets(len, offset, is_taken)?;
                let items = Box::new(self.child(field, 0, is_taken)?);
                Values::List { width: offset, offsets, items }
            }
            Kind::ListView { offset } => {
                let (offsets, sizes) = (self.buffer(is_taken)?, self.buffer(is_taken)?);
                if is_taken {
                    holds(&offsets, len, offset)?;
                    holds(&sizes, len, offset)?;
                }
                let items = Box::new(self.child(field, 0, is_taken)?);
                Values::ListView { width: offset, offsets, sizes, items }
            }
            Kind::FixedList(size) => Values::FixedList(size, Box::new(self.child(field, 0, is_taken)?)),
            Kind::Struct => {
                let fields = field.children.iter().map(|child| Ok((child.name.clone(), self.column(child, is_taken)?)));
                Values::Struct(fields.collect::<Result<_, RowError>>()?)
            }
            Kind::Map => {
                let offsets = self.offsets(len, 4, is_taken)?;
                let entries = field.children.first().ok_or_else(no_sense)?;
                let (count, nulls) = self.node()?;
                // That an entry were null would be neither a key nor a value.
                if self.valid(count, nulls)?.is_some() && nulls > 0 {
                    return Err(malformed("an entry of a map is null"));
                }
                let keys = Box::new(self.child(entries, 0, is_taken)?);
                let values = Box::new(self.child(entries, 1, is_taken)?);
                Values::Map { offsets, keys, values }
            }
        };
        Array::new(len, valid, if is_taken { values } else { shell(field) })
    }

    /// Bytes that may still be unpacked.
    pub(super) fn allowed(&self) -> u64 {
        self.allowed as u64
    }

    /// Refuses what is left over.
    pub(super) fn finish(self) -> Result<(), RowError> {
        let is_all = self.node == self.nodes.len() && self.buffer == self.buffers.len();
        if is_all { Ok(()) } else { Err(malformed("a batch has more columns than its schema")) }
    }

    fn child(&mut self, field: &Field, item: usize, is_taken: bool) -> Result<Array, RowError> {
        self.column(field.children.get(item).ok_or_else(no_sense)?, is_taken)
    }

    /// How many values the next column has, and how many of them are null.
    fn node(&mut self) -> Result<(usize, i64), RowError> {
        let len = self.nodes.i64(self.node, 16, 0).and_then(|len| usize::try_from(len).ok());
        let nulls = self.nodes.i64(self.node, 16, 8);
        self.node += 1;
        len.zip(nulls).ok_or_else(no_sense)
    }

    /// Which values are there; an empty buffer where all are.
    fn valid(&mut self, len: usize, nulls: i64) -> Result<Option<Buffer>, RowError> {
        let bits = self.buffer(true)?;
        match bits.len() {
            0 if nulls == 0 => Ok(None),
            held if held >= len.div_ceil(8) => Ok(Some(bits)),
            _ => Err(short()),
        }
    }

    /// One offset more than there are values, or none where there are none.
    fn offsets(&mut self, len: usize, width: usize, is_taken: bool) -> Result<Buffer, RowError> {
        let offsets = self.buffer(is_taken)?;
        if is_taken && len > 0 {
            holds(&offsets, len.saturating_add(1), width)?;
        }
        Ok(offsets)
    }

    /// The next buffer, unpacked where anyone wants it.
    fn buffer(&mut self, is_taken: bool) -> Result<Buffer, RowError> {
        let place = |within| self.buffers.i64(self.buffer, 16, within).and_then(|at| usize::try_from(at).ok());
        let (start, len) = place(0).zip(place(8)).ok_or_else(no_sense)?;
        self.buffer += 1;
        let packed = self.body.part(start, len).ok_or_else(|| malformed("a buffer lies outside of its batch"))?;
        let Some(codec) = self.codec.filter(|_| len > 0 && is_taken) else { return Ok(packed) };
        // The length unpacked, or that it is not packed, before the bytes.
        let (length, packed) = packed.chunk(0).zip(packed.after(8)).ok_or_else(short)?;
        let length = i64::from_le_bytes(length);
        if length == -1 {
            return Ok(packed);
        }
        let length = usize::try_from(length).map_err(|_| no_sense())?;
        let Some(allowed) = self.allowed.checked_sub(length) else {
            let limit = self.allowed as u64;
            return Err(RowError::Limit { what: "the buffers of a batch of this size", limit, unit: "bytes unpacked" });
        };
        self.allowed = allowed;
        self.unpacked(codec, &packed, length).ok_or_else(|| malformed("a buffer is not what it says when unpacked"))
    }

    fn unpacked(&self, codec: Codec, packed: &Buffer, len: usize) -> Option<Buffer> {
        if packed.len().max(len) <= SMALL {
            return self.scratch.keep(unpack(codec, &packed.get(0, packed.len())?, len)?);
        }
        let mut room = self.scratch.filling(len)?;
        unpack_into(codec, &mut BufReader::with_capacity(64 << 10, packed.reader()), &mut room)?;
        room.done()
    }
}

/// Refuses a buffer that has not room for so many values.
fn holds(buffer: &Buffer, count: usize, width: usize) -> Result<(), RowError> {
    if count.checked_mul(width).is_some_and(|len| len <= buffer.len()) { Ok(()) } else { Err(short()) }
}

fn short() -> RowError {
    malformed("a buffer is shorter than its column")
}

/// A value of the field's kind.
fn shell(field: &Field) -> Values {
    let cell = match field.kind {
        Kind::Null => Cell::Null,
        Kind::Bool => Cell::Bool(false),
        Kind::Fixed(Fixed::Bytes, _) | Kind::Variable { is_text: false, .. } | Kind::View { is_text: false } => {
            Cell::Bytes(Vec::new().into())
        }
        Kind::Fixed(Fixed::Time(..) | Fixed::Days, _) => time(Time::Date, 0, 0),
        Kind::Fixed(..) => Cell::Int(0),
        Kind::Variable { .. } | Kind::View { .. } => Cell::Text(Vec::new().into()),
        Kind::List { .. } | Kind::ListView { .. } | Kind::FixedList(_) => Cell::List(Vec::new()),
        Kind::Struct => Cell::Map(Vec::new()),
        Kind::Map => match field.children.first().and_then(|entries| entries.children.first()).map(|key| key.kind) {
            Some(Kind::Variable { is_text: true, .. } | Kind::View { is_text: true }) => Cell::Map(Vec::new()),
            _ => Cell::List(Vec::new()),
        },
    };
    Values::Shell(Box::new(cell))
}

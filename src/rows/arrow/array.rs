//! Columns of one batch, and the values in them.
//!
//! Lengths of buffers are held against the number of values when a column is put together, places inside buffers when a
//! value is read: a column may hold any numbers, and none leads outside.

use std::borrow::Cow;
use std::rc::Rc;

use super::malformed;
use super::schema::{Fixed, Integer};
use crate::artifact::rows::Cell;
use crate::rows::RowError;
use crate::rows::budget::Budget;
use crate::rows::scratch::Buffer;
use crate::rows::value::{Time, decimal_le, half, map, time, unsigned};

/// Columns and dictionaries inside one another: a dictionary may be replaced by one that refers to it.
const MAX_DEPTH: usize = 128;

/// Milliseconds of a day.
const DAY: i64 = 86_400_000;

/// Bits and numbers in a buffer.
trait Numbers {
    fn bit(&self, at: usize) -> bool;

    /// The number of that width at that place.
    fn number(&self, at: usize, integer: Integer) -> Option<i64>;

    /// A place or length of that many bytes.
    fn place(&self, at: usize, width: usize) -> Option<usize> {
        usize::try_from(self.number(at, Integer { width, is_signed: true })?).ok()
    }
}

impl Numbers for Buffer {
    fn bit(&self, at: usize) -> bool {
        self.byte(at / 8).is_some_and(|byte| byte >> (at % 8) & 1 == 1)
    }

    fn number(&self, at: usize, integer: Integer) -> Option<i64> {
        let mut bytes = [0; 8];
        let bytes = bytes.get_mut(..integer.width)?;
        self.fill(at.checked_mul(integer.width)?, bytes)?;
        // Of 64 bits without a sign only those that fit some with a sign can be a place.
        number(bytes, integer.is_signed).filter(|value| integer.is_signed || *value >= 0)
    }
}

/// A number of one to eight bytes, filled up by its sign or by zeros.
fn number(bytes: &[u8], is_signed: bool) -> Option<i64> {
    let fill = is_signed && bytes.last().is_some_and(|byte| byte & 0x80 != 0);
    let mut wide = [if fill { 0xff } else { 0 }; 8];
    wide.get_mut(..bytes.len())?.copy_from_slice(bytes);
    Some(i64::from_le_bytes(wide))
}

/// A column.
#[derive(Debug, Clone)]
pub(super) struct Array {
    pub(super) len: usize,
    /// Which values are there; all of them where it is left out.
    pub(super) valid: Option<Buffer>,
    pub(super) values: Values,
    /// How many columns lie inside one another here.
    depth: usize,
}

/// Values of a column.
#[derive(Debug, Clone)]
pub(super) enum Values {
    Null,
    Bool(Buffer),
    Fixed(Fixed, usize, Buffer),
    Variable {
        is_text: bool,
        width: usize,
        offsets: Buffer,
        data: Buffer,
    },
    View {
        is_text: bool,
        views: Buffer,
        data: Vec<Buffer>,
    },
    List {
        width: usize,
        offsets: Buffer,
        items: Box<Array>,
    },
    ListView {
        width: usize,
        offsets: Buffer,
        sizes: Buffer,
        items: Box<Array>,
    },
    FixedList(usize, Box<Array>),
    Struct(Vec<(Vec<u8>, Array)>),
    Map {
        offsets: Buffer,
        keys: Box<Array>,
        values: Box<Array>,
    },
    Dictionary {
        numbers: Buffer,
        integer: Integer,
        parts: Rc<Parts>,
    },
    /// A field that no one asked for: only which values are there is known.
    Shell(Box<Cell<'static>>),
}

impl Values {
    fn inner(&self) -> usize {
        match self {
            Self::List { items, .. } | Self::ListView { items, .. } | Self::FixedList(_, items) => items.depth,
            Self::Struct(fields) => fields.iter().map(|(_, array)| array.depth).max().unwrap_or(0),
            Self::Map { keys, values, .. } => keys.depth.max(values.depth),
            Self::Dictionary { parts, .. } => parts.0.iter().map(|(_, part)| part.depth).max().unwrap_or(0),
            _ => 0,
        }
    }
}

impl Array {
    pub(super) fn new(len: usize, valid: Option<Buffer>, values: Values) -> Result<Self, RowError> {
        let depth = values.inner() + 1;
        if depth > MAX_DEPTH {
            return Err(RowError::Limit {
                what: "a dictionary of dictionaries",
                limit: MAX_DEPTH as u64,
                unit: "levels",
            });
        }
        Ok(Self { len, valid, values, depth })
    }

    /// The value at a place; what lies outside is a mistake of the writer.
    pub(super) fn cell(&self, at: usize, budget: &mut Budget) -> Result<Cell<'_>, RowError> {
        if at >= self.len {
            return Err(outside());
        }
        if self.valid.as_ref().is_some_and(|valid| !valid.bit(at)) {
            budget.value(0)?;
            return Ok(Cell::Null);
        }
        match &self.values {
            Values::Null => budget.value(0).map(|()| Cell::Null),
            Values::Shell(cell) => budget.value(0).map(|()| Cell::clone(cell)),
            Values::Bool(bits) => budget.value(0).map(|()| Cell::Bool(bits.bit(at))),
            Values::Fixed(fixed, width, data) => {
                budget.value(*width)?;
                let start = at.checked_mul(*width).ok_or_else(outside)?;
                fixed_cell(*fixed, data.get(start, *width).ok_or_else(outside)?)
            }
            Values::Variable { is_text, width, offsets, data } => {
                let (start, end) = span(offsets, at, *width)?;
                text(data.get(start, end - start).ok_or_else(outside)?, *is_text, budget)
            }
            Values::View { is_text, views, data } => text(view(views, data, at).ok_or_else(outside)?, *is_text, budget),
            Values::List { width, offsets, items } => {
                let (start, end) = span(offsets, at, *width)?;
                cells(items, start, end - start, budget)
            }
            Values::ListView { width, offsets, sizes, items } => {
                let (start, len) = offsets.place(at, *width).zip(sizes.place(at, *width)).ok_or_else(outside)?;
                cells(items, start, len, budget)
            }
            Values::FixedList(len, items) => cells(items, at.checked_mul(*len).ok_or_else(outside)?, *len, budget),
            Values::Struct(fields) => {
                let mut members = Vec::with_capacity(fields.len());
                for (name, array) in fields {
                    members.push((Cow::Borrowed(name.as_slice()), array.cell(at, budget)?));
                }
                Ok(Cell::Map(members))
            }
            Values::Map { offsets, keys, values } => {
                budget.value(0)?;
                let (start, end) = span(offsets, at, 4)?;
                let mut pairs = Vec::new();
                for at in start..end {
                    pairs.push((keys.cell(at, budget)?, values.cell(at, budget)?));
                }
                map(pairs, keys.is_text())
            }
            Values::Dictionary { numbers, integer, parts } => {
                let at = numbers.number(at, *integer).and_then(|at| usize::try_from(at).ok()).ok_or_else(outside)?;
                let (part, start) = parts.at(at).ok_or_else(outside)?;
                part.cell(at - start, budget)
            }
        }
    }

    fn is_text(&self) -> bool {
        match &self.values {
            Values::Variable { is_text, .. } | Values::View { is_text, .. } => *is_text,
            Values::Dictionary { parts, .. } => parts.0.first().is_some_and(|(_, part)| part.is_text()),
            _ => false,
        }
    }
}

/// The values of a dictionary: at first, and what was added, each with how many there were before.
#[derive(Debug, Clone, Default)]
pub(super) struct Parts(Vec<(usize, Array)>);

impl Parts {
    /// Adds values after those that are there.
    pub(super) fn add(&mut self, part: Array) -> Option<()> {
        let start = self.0.last().map_or(Some(0), |(start, last)| start.checked_add(last.len))?;
        start.checked_add(part.len)?;
        self.0.push((start, part));
        Some(())
    }

    /// The part that holds the value of that number, and the number of its first.
    fn at(&self, at: usize) -> Option<(&Array, usize)> {
        let after = self.0.partition_point(|(start, _)| *start <= at);
        let (start, part) = self.0.get(after.checked_sub(1)?)?;
        Some((part, *start))
    }
}

fn outside() -> RowError {
    malformed("a value lies outside of its buffer")
}

/// Where the value at a place begins and ends.
fn span(offsets: &Buffer, at: usize, width: usize) -> Result<(usize, usize), RowError> {
    let span = offsets.place(at, width).zip(offsets.place(at + 1, width));
    span.filter(|(start, end)| start <= end).ok_or_else(outside)
}

fn text<'a>(bytes: Cow<'a, [u8]>, is_text: bool, budget: &mut Budget) -> Result<Cell<'a>, RowError> {
    budget.value(bytes.len())?;
    if !is_text {
        return Ok(Cell::Bytes(bytes));
    }
    std::str::from_utf8(&bytes).map_err(|_| RowError::Utf8)?;
    Ok(Cell::Text(bytes))
}

/// Twelve bytes in place, or a buffer and a place in it.
fn view<'a>(views: &'a Buffer, data: &'a [Buffer], at: usize) -> Option<Cow<'a, [u8]>> {
    let start = at.checked_mul(16)?;
    let view: [u8; 16] = views.chunk(start)?;
    let word = |at: usize| view.get(at..)?.first_chunk().map(|bytes| i32::from_le_bytes(*bytes));
    let len = usize::try_from(word(0)?).ok()?;
    if len <= 12 {
        return views.get(start + 4, len);
    }
    let (buffer, place) = (usize::try_from(word(8)?).ok()?, usize::try_from(word(12)?).ok()?);
    data.get(buffer)?.get(place, len)
}

fn cells<'a>(items: &'a Array, start: usize, len: usize, budget: &mut Budget) -> Result<Cell<'a>, RowError> {
    budget.value(0)?;
    if start.checked_add(len).is_none_or(|end| end > items.len) {
        return Err(outside());
    }
    let mut cells = Vec::new();
    for at in start..start + len {
        cells.push(items.cell(at, budget)?);
    }
    Ok(Cell::List(cells))
}

fn fixed_cell(fixed: Fixed, bytes: Cow<'_, [u8]>) -> Result<Cell<'_>, RowError> {
    if fixed == Fixed::Bytes {
        return Ok(Cell::Bytes(bytes));
    }
    let bytes = &*bytes;
    let signed = || number(bytes, true).ok_or_else(outside);
    Ok(match fixed {
        Fixed::Bytes => return Err(outside()),
        Fixed::Decimal(scale) => decimal_le(bytes, scale),
        Fixed::Signed => Cell::Int(signed()?),
        Fixed::Unsigned => unsigned(number(bytes, false).ok_or_else(outside)?.cast_unsigned()),
        Fixed::Time(kind, digits) => time(kind, signed()?.into(), digits),
        Fixed::Days => {
            let millis = signed()?;
            if millis % DAY != 0 {
                return Err(malformed("a date has a time of day"));
            }
            time(Time::Date, (millis / DAY).into(), 0)
        }
        Fixed::Float => Cell::Float(match bytes {
            [a, b] => half(u16::from_le_bytes([*a, *b])),
            [a, b, c, d] => f32::from_le_bytes([*a, *b, *c, *d]).into(),
            _ => f64::from_le_bytes(*bytes.first_chunk().ok_or_else(outside)?),
        }),
    })
}

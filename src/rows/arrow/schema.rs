//! The schema of an Arrow stream: fields and what they hold.
//!
//! Format: <https://github.com/apache/arrow/blob/main/format/Schema.fbs>

use std::collections::BTreeMap;

use super::flat::Table;
use super::{malformed, unsupported};
use crate::rows::RowError;
use crate::rows::jsonl::check_distinct;
use crate::rows::value::Time;

/// Most fields of a schema, with those inside others; wider tables are matrices, not rows.
const MAX_FIELDS: usize = 10_000;

/// Fields nest at most this deep: rows are put together by recursion.
const MAX_NESTING: usize = 64;

/// A field: of a row, or inside another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) name: Vec<u8>,
    pub(super) kind: Kind,
    /// The dictionary that its values are numbers in, and how these are written.
    pub(super) dictionary: Option<(i64, Integer)>,
    pub(super) children: Vec<Field>,
}

impl Field {
    /// Calls for each dictionary that the values refer to.
    pub(super) fn each_dictionary(&self, call: &mut impl FnMut(i64)) {
        self.dictionary.iter().for_each(|(id, _)| call(*id));
        self.children.iter().for_each(|child| child.each_dictionary(call));
    }
}

/// Width in bytes, and whether it may be negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Integer {
    pub(super) width: usize,
    pub(super) is_signed: bool,
}

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Null,
    Bool,
    Fixed(Fixed, usize),
    /// Of any length; texts or bytes, with offsets of so many bytes.
    Variable {
        is_text: bool,
        offset: usize,
    },
    /// Short ones in place, long ones in buffers of their own.
    View {
        is_text: bool,
    },
    List {
        offset: usize,
    },
    ListView {
        offset: usize,
    },
    FixedList(usize),
    Struct,
    Map,
}

/// What a value of fixed width is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fixed {
    Signed,
    Unsigned,
    Float,
    Decimal(i32),
    Time(Time, u32),
    /// Milliseconds that must be whole days.
    Days,
    Bytes,
}

/// All fields of a row, and the fields whose values come as dictionaries, by the dictionary's number.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Schema {
    pub(super) fields: Vec<Field>,
    pub(super) dictionaries: BTreeMap<i64, Field>,
}

impl Schema {
    pub(super) fn of(table: Table<'_>) -> Result<Self, RowError> {
        let no_sense = || malformed("its schema makes no sense");
        if table.i16(0, 0).ok_or_else(no_sense)? != 0 {
            return Err(unsupported("numbers whose most significant byte comes first"));
        }
        let mut schema = Self::default();
        let mut read = Read { dictionaries: &mut schema.dictionaries, left: MAX_FIELDS };
        let fields = table.vector(1, 4).ok_or_else(no_sense)?;
        for item in 0..fields.len() {
            schema.fields.push(read.field(fields.table(item).ok_or_else(no_sense)?, MAX_NESTING)?);
        }
        check_distinct(&schema.fields.iter().map(|field| field.name.as_slice()))?;
        Ok(schema)
    }
}

struct Read<'d> {
    dictionaries: &'d mut BTreeMap<i64, Field>,
    left: usize,
}

impl Read<'_> {
    fn field(&mut self, table: Table<'_>, depth: usize) -> Result<Field, RowError> {
        let limit = |limit: usize, unit| RowError::Limit { what: "a schema", limit: limit as u64, unit };
        self.left = self.left.checked_sub(1).ok_or_else(|| limit(MAX_FIELDS, "fields"))?;
        let below = depth.checked_sub(1).ok_or_else(|| limit(MAX_NESTING, "levels"))?;
        let no_sense = || malformed("a field of its schema makes no sense");
        let name = table.text(0).ok_or_else(no_sense)?.to_vec();
        if std::str::from_utf8(&name).is_err() {
            return Err(RowError::Utf8);
        }
        let number = table.u8(2, 0).ok_or_else(no_sense)?;
        let kind = kind(number, table.table(3).ok_or_else(no_sense)?)?;
        let vector = table.vector(5, 4).ok_or_else(no_sense)?;
        let mut children = Vec::new();
        for item in 0..vector.len() {
            children.push(self.field(vector.table(item).ok_or_else(no_sense)?, below)?);
        }
        let is_whole = match kind {
            Kind::List { .. } | Kind::ListView { .. } | Kind::FixedList(_) => children.len() == 1,
            Kind::Map => {
                matches!(&children[..], [Field { kind: Kind::Struct, children, .. }] if children.len() == 2)
            }
            Kind::Struct => true,
            _ => children.is_empty(),
        };
        if !is_whole {
            return Err(no_sense());
        }
        if kind == Kind::Struct {
            check_distinct(&children.iter().map(|field: &Field| field.name.as_slice()))?;
        }
        let mut field = Field { name, kind, dictionary: None, children };
        if table.has(4) {
            field.dictionary = Some(self.dictionary(table.table(4).ok_or_else(no_sense)?, &field)?);
        }
        Ok(field)
    }

    /// The dictionary of a field, whose values are what the field would hold without one.
    fn dictionary(&mut self, table: Table<'_>, field: &Field) -> Result<(i64, Integer), RowError> {
        let no_sense = || malformed("a dictionary of its schema makes no sense");
        let id = table.i64(0, 0).ok_or_else(no_sense)?;
        // Numbers of 32 bits, where it is not said.
        let index = if table.has(1) {
            integer(table.table(1).ok_or_else(no_sense)?)?
        } else {
            Integer { width: 4, is_signed: true }
        };
        let values = Field { name: Vec::new(), ..field.clone() };
        if *self.dictionaries.entry(id).or_insert_with(|| values.clone()) != values {
            return Err(malformed(format!("two fields of other types share the dictionary {id}")));
        }
        Ok((id, index))
    }
}

fn integer(table: Table<'_>) -> Result<Integer, RowError> {
    let width = match table.i32(0, 0) {
        Some(8) => 1,
        Some(16) => 2,
        Some(32) => 4,
        Some(64) => 8,
        _ => return Err(malformed("an integer of its schema has a width that there is not")),
    };
    Ok(Integer { width, is_signed: table.u8(1, 0) != Some(0) })
}

/// Digits after the second, by the number of the unit.
fn digits(unit: Option<i16>) -> Result<u32, RowError> {
    match unit {
        Some(0) => Ok(0),
        Some(1) => Ok(3),
        Some(2) => Ok(6),
        Some(3) => Ok(9),
        _ => Err(malformed("a time of its schema has a unit that there is not")),
    }
}

fn kind(number: u8, table: Table<'_>) -> Result<Kind, RowError> {
    let no_sense = || malformed("a type of its schema makes no sense");
    let length = |field| table.i32(field, 0).and_then(|length| usize::try_from(length).ok()).ok_or_else(no_sense);
    Ok(match number {
        1 => Kind::Null,
        2 => {
            let Integer { width, is_signed } = integer(table)?;
            Kind::Fixed(if is_signed { Fixed::Signed } else { Fixed::Unsigned }, width)
        }
        3 => match table.i16(0, 0) {
            Some(0) => Kind::Fixed(Fixed::Float, 2),
            Some(1) => Kind::Fixed(Fixed::Float, 4),
            Some(2) => Kind::Fixed(Fixed::Float, 8),
            _ => return Err(no_sense()),
        },
        4 | 5 => Kind::Variable { is_text: number == 5, offset: 4 },
        19 | 20 => Kind::Variable { is_text: number == 20, offset: 8 },
        6 => Kind::Bool,
        7 => {
            let scale = table.i32(1, 0).filter(|scale| (-1000..=1000).contains(scale)).ok_or_else(no_sense)?;
            match table.i32(2, 128) {
                Some(bits @ (32 | 64 | 128 | 256)) => {
                    Kind::Fixed(Fixed::Decimal(scale), usize::try_from(bits / 8).unwrap_or(0))
                }
                _ => return Err(no_sense()),
            }
        }
        8 => match table.i16(0, 1) {
            Some(0) => Kind::Fixed(Fixed::Time(Time::Date, 0), 4),
            Some(1) => Kind::Fixed(Fixed::Days, 8),
            _ => return Err(no_sense()),
        },
        9 => match table.i32(1, 32) {
            Some(32) => Kind::Fixed(Fixed::Time(Time::OfDay, digits(table.i16(0, 1))?), 4),
            Some(64) => Kind::Fixed(Fixed::Time(Time::OfDay, digits(table.i16(0, 1))?), 8),
            _ => return Err(no_sense()),
        },
        10 => {
            let is_local = table.text(1).ok_or_else(no_sense)?.is_empty();
            let time = if is_local { Time::Local } else { Time::Instant };
            Kind::Fixed(Fixed::Time(time, digits(table.i16(0, 0))?), 8)
        }
        11 => return Err(unsupported("a column of intervals")),
        12 => Kind::List { offset: 4 },
        21 => Kind::List { offset: 8 },
        13 => Kind::Struct,
        14 => return Err(unsupported("a column of unions")),
        15 => Kind::Fixed(Fixed::Bytes, length(0)?),
        16 => Kind::FixedList(length(0)?),
        17 => Kind::Map,
        18 => Kind::Fixed(Fixed::Time(Time::Duration, digits(table.i16(0, 1))?), 8),
        22 => return Err(unsupported("a column of runs")),
        23 | 24 => Kind::View { is_text: number == 24 },
        25 => Kind::ListView { offset: 4 },
        26 => Kind::ListView { offset: 8 },
        other => return Err(unsupported(&format!("a column of the type {other}"))),
    })
}

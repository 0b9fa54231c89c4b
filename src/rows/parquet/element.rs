//! The elements of a schema as a footer lists them, and what each says of its values.

use super::thrift::{Field, Fields, Thrift};
use super::{malformed, unsupported};
use crate::rows::RowError;
use crate::rows::value::Time;

/// Most fields of a schema; wider tables are matrices, not rows.
const MAX_FIELDS: u64 = 10_000;

/// How a value lies in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Physical {
    Boolean,
    Int32,
    Int64,
    Int96,
    Float,
    Double,
    ByteArray,
    Fixed(usize),
}

impl Physical {
    /// Bytes of one value, where all have as many.
    pub(super) fn width(self) -> Option<usize> {
        match self {
            Self::Boolean | Self::ByteArray => None,
            Self::Int32 | Self::Float => Some(4),
            Self::Int64 | Self::Double => Some(8),
            Self::Int96 => Some(12),
            Self::Fixed(len) => Some(len),
        }
    }
}

/// What a value means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// As it lies.
    Plain,
    Text,
    Unsigned,
    Decimal(i32),
    Time(Time, u32),
    Half,
}

/// One element of the flat list that a footer holds.
#[derive(Debug, Clone, Default)]
pub(super) struct Element {
    pub(super) kind: Option<i64>,
    pub(super) length: i64,
    pub(super) repetition: i64,
    pub(super) name: Vec<u8>,
    pub(super) children: u64,
    pub(super) converted: Option<i64>,
    pub(super) scale: i64,
    pub(super) logical: Option<Logical>,
}

/// The newer way to say what a value means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Logical {
    Text,
    Map,
    List,
    Decimal(i64),
    Date,
    /// Of a day or of all time, in UTC or not, and the unit as a power of ten.
    Time {
        instant: bool,
        utc: bool,
        digits: u32,
    },
    Integer {
        signed: bool,
    },
    Half,
    Variant,
    /// Of no consequence here.
    Other,
}

/// Reads the list of elements.
pub(super) fn elements(thrift: &mut Thrift<'_>, field: Field) -> Option<Result<Vec<Element>, RowError>> {
    let count = thrift.structures(field)?;
    if count > MAX_FIELDS {
        return Some(Err(RowError::Limit { what: "a schema", limit: MAX_FIELDS, unit: "fields" }));
    }
    (0..count).map(|_| element(thrift)).collect::<Option<Vec<_>>>().map(Ok)
}

fn element(thrift: &mut Thrift<'_>) -> Option<Element> {
    let (mut element, mut fields) = (Element::default(), Fields::default());
    while let Some(field) = fields.next(thrift)? {
        match field.id {
            1 => element.kind = Some(thrift.integer(field)?),
            2 => element.length = thrift.integer(field)?,
            3 => element.repetition = thrift.integer(field)?,
            4 => element.name = thrift.binary(field)?.to_vec(),
            5 => element.children = u64::try_from(thrift.integer(field)?).ok()?,
            6 => element.converted = Some(thrift.integer(field)?),
            7 => element.scale = thrift.integer(field)?,
            10 => {
                Thrift::structure(field)?;
                element.logical = logical(thrift)?;
            }
            _ => thrift.skip(field)?,
        }
    }
    Some(element)
}

#[allow(clippy::option_option, reason = "an empty union is not the end of the bytes")]
fn logical(thrift: &mut Thrift<'_>) -> Option<Option<Logical>> {
    let (mut found, mut fields) = (None, Fields::default());
    while let Some(field) = fields.next(thrift)? {
        Thrift::structure(field)?;
        found = Some(match field.id {
            1 | 4 | 12 => empty(thrift, Logical::Text)?,
            2 => empty(thrift, Logical::Map)?,
            3 => empty(thrift, Logical::List)?,
            5 => decimal(thrift)?,
            6 => empty(thrift, Logical::Date)?,
            7 | 8 => time(thrift, field.id == 8)?,
            10 => integer(thrift)?,
            15 => empty(thrift, Logical::Half)?,
            16 => empty(thrift, Logical::Variant)?,
            _ => empty(thrift, Logical::Other)?,
        });
    }
    Some(found)
}

fn empty(thrift: &mut Thrift<'_>, logical: Logical) -> Option<Logical> {
    thrift.skip_structure()?;
    Some(logical)
}

fn decimal(thrift: &mut Thrift<'_>) -> Option<Logical> {
    let (mut scale, mut fields) = (0, Fields::default());
    while let Some(field) = fields.next(thrift)? {
        if field.id == 1 { scale = thrift.integer(field)? } else { thrift.skip(field)? }
    }
    Some(Logical::Decimal(scale))
}

fn integer(thrift: &mut Thrift<'_>) -> Option<Logical> {
    let (mut signed, mut fields) = (true, Fields::default());
    while let Some(field) = fields.next(thrift)? {
        if field.id == 2 { signed = Thrift::boolean(field)? } else { thrift.skip(field)? }
    }
    Some(Logical::Integer { signed })
}

fn time(thrift: &mut Thrift<'_>, instant: bool) -> Option<Logical> {
    let (mut utc, mut digits, mut fields) = (false, None, Fields::default());
    while let Some(field) = fields.next(thrift)? {
        match field.id {
            1 => utc = Thrift::boolean(field)?,
            2 => {
                Thrift::structure(field)?;
                let mut units = Fields::default();
                while let Some(unit) = units.next(thrift)? {
                    digits = Some(match unit.id {
                        1 => 3,
                        2 => 6,
                        3 => 9,
                        _ => return None,
                    });
                    thrift.skip(unit)?;
                }
            }
            _ => thrift.skip(field)?,
        }
    }
    Some(Logical::Time { instant, utc, digits: digits? })
}

impl Element {
    pub(super) fn is_list(&self) -> bool {
        self.logical.map_or(self.converted == Some(3), |logical| logical == Logical::List)
    }

    pub(super) fn is_map(&self) -> bool {
        self.logical.map_or(matches!(self.converted, Some(1 | 2)), |logical| logical == Logical::Map)
    }

    /// How a value lies and what it means; a meaning that does not fit how it lies is a mistake of the writer.
    pub(super) fn value(&self) -> Result<(Physical, Meaning), RowError> {
        use Physical::{Boolean, ByteArray, Double, Fixed, Float, Int32, Int64, Int96};
        let physical = match self.kind {
            Some(0) => Boolean,
            Some(1) => Int32,
            Some(2) => Int64,
            Some(3) => Int96,
            Some(4) => Float,
            Some(5) => Double,
            Some(6) => ByteArray,
            Some(7) => Fixed(
                usize::try_from(self.length)
                    .ok()
                    .filter(|len| *len > 0)
                    .ok_or_else(|| malformed(format!("a column of its schema has values of {} bytes", self.length)))?,
            ),
            other => return Err(malformed(format!("a column of its schema is of type {other:?}, which is none"))),
        };
        let meaning = match self.logical {
            Some(Logical::Text) => Meaning::Text,
            Some(Logical::Decimal(scale)) => Meaning::Decimal(scale_of(scale)?),
            Some(Logical::Date) => Meaning::Time(Time::Date, 0),
            Some(Logical::Time { instant: false, digits, .. }) => Meaning::Time(Time::OfDay, digits),
            Some(Logical::Time { utc: true, digits, .. }) => Meaning::Time(Time::Instant, digits),
            Some(Logical::Time { digits, .. }) => Meaning::Time(Time::Local, digits),
            Some(Logical::Integer { signed: false }) => Meaning::Unsigned,
            Some(Logical::Half) => Meaning::Half,
            Some(Logical::Variant | Logical::List | Logical::Map) => return Err(unsupported("a column of that type")),
            Some(Logical::Integer { .. } | Logical::Other) => Meaning::Plain,
            None => match self.converted {
                Some(0 | 4 | 19) => Meaning::Text,
                Some(5) => Meaning::Decimal(scale_of(self.scale)?),
                Some(6) => Meaning::Time(Time::Date, 0),
                Some(7) => Meaning::Time(Time::OfDay, 3),
                Some(8) => Meaning::Time(Time::OfDay, 6),
                Some(9) => Meaning::Time(Time::Instant, 3),
                Some(10) => Meaning::Time(Time::Instant, 6),
                Some(11..=14) => Meaning::Unsigned,
                Some(21) => return Err(unsupported("a column of intervals")),
                _ if physical == Int96 => Meaning::Time(Time::Instant, 9),
                _ => Meaning::Plain,
            },
        };
        let fits = match meaning {
            Meaning::Plain => true,
            Meaning::Text => physical == ByteArray,
            Meaning::Unsigned => matches!(physical, Int32 | Int64),
            Meaning::Decimal(_) => matches!(physical, Int32 | Int64 | ByteArray | Fixed(_)),
            Meaning::Time(Time::Date, _) => physical == Int32,
            Meaning::Time(..) => matches!(physical, Int32 | Int64 | Int96),
            Meaning::Half => physical == Fixed(2),
        };
        if fits { Ok((physical, meaning)) } else { Err(malformed("a column of its schema cannot mean what it says")) }
    }
}

/// The exponent of a decimal; no writer's decimals have more digits.
pub(super) fn scale_of(scale: i64) -> Result<i32, RowError> {
    let scale = i32::try_from(scale).ok().filter(|scale| (-1000..=1000).contains(scale));
    scale.ok_or_else(|| malformed("a column of its schema has decimals of that many digits"))
}

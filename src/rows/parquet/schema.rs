//! The schema of a Parquet file as a tree of fields, with the levels at which each is there.
//!
//! A value's definition level says how many of the optional and repeated fields on its path are there, its repetition
//! level which repeated field it begins anew. Lists and maps follow the rules for old files, too.
//!
//! Format: <https://github.com/apache/parquet-format/blob/master/LogicalTypes.md>

use std::ops::Range;

use super::thrift::{Field, Fields, Thrift};
use super::{malformed, unsupported};
use crate::rows::RowError;
use crate::rows::jsonl::check_distinct;
use crate::rows::value::Time;

/// Most fields of a schema; wider tables are matrices, not rows.
const MAX_FIELDS: u64 = 10_000;

/// Groups nest at most this deep: rows are put together by recursion.
const MAX_NESTING: usize = 64;

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

/// A column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Leaf {
    pub(super) physical: Physical,
    pub(super) meaning: Meaning,
    pub(super) max_definition: u32,
    pub(super) max_repetition: u32,
    /// The field of the row that it is a part of.
    pub(super) top: usize,
}

/// A field of a row or group.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) name: Vec<u8>,
    /// The definition level at which it is there, where it need not be.
    pub(super) optional: Option<u32>,
    pub(super) shape: Shape,
    /// Columns below it.
    pub(super) columns: Range<usize>,
}

/// What a field is.
#[derive(Debug, Clone)]
pub(super) enum Shape {
    Leaf,
    Group(Vec<Node>),
    /// Items, there from the definition level on, repeated at the repetition level.
    List {
        definition: u32,
        repetition: u32,
        item: Box<Node>,
    },
    /// Keys and values likewise.
    Map {
        definition: u32,
        repetition: u32,
        key: Box<Node>,
        value: Box<Node>,
        text_keys: bool,
    },
}

/// All fields of a row, and all columns.
#[derive(Debug, Clone, Default)]
pub(super) struct Schema {
    pub(super) fields: Vec<Node>,
    pub(super) leaves: Vec<Leaf>,
}

/// One element of the flat list that a footer holds.
#[derive(Debug, Clone, Default)]
pub(super) struct Element {
    kind: Option<i64>,
    length: i64,
    repetition: i64,
    name: Vec<u8>,
    children: u64,
    converted: Option<i64>,
    scale: i64,
    logical: Option<Logical>,
}

/// The newer way to say what a value means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Logical {
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

impl Schema {
    /// The tree that the elements are in pre-order.
    pub(super) fn of(elements: Vec<Element>) -> Result<Self, RowError> {
        let mut elements = elements.into_iter();
        let root = elements.next().ok_or_else(|| malformed("its schema is empty"))?;
        let mut schema = Self::default();
        let mut build = Build { elements, leaves: &mut schema.leaves, top: 0 };
        for top in 0..root.children {
            build.top = usize::try_from(top).unwrap_or(usize::MAX);
            schema.fields.push(build.node(0, 0, MAX_NESTING)?);
        }
        if build.elements.next().is_some() {
            return Err(malformed("its schema holds fields that belong to nothing"));
        }
        check_distinct(&schema.fields.iter().map(|field| field.name.as_slice()))?;
        Ok(schema)
    }
}

struct Build<'l> {
    elements: std::vec::IntoIter<Element>,
    leaves: &'l mut Vec<Leaf>,
    top: usize,
}

impl Build<'_> {
    /// The next element and those below it, under so many optional and repeated fields.
    fn node(&mut self, definition: u32, repetition: u32, depth: usize) -> Result<Node, RowError> {
        let element = self.elements.next().ok_or_else(|| malformed("its schema ends inside a group"))?;
        if std::str::from_utf8(&element.name).is_err() {
            return Err(RowError::Utf8);
        }
        match element.repetition {
            0 => self.inner(element, None, definition, repetition, depth),
            1 => self.inner(element, Some(definition + 1), definition + 1, repetition, depth),
            // A repeated field that is not in a group of its own is a list that is always there.
            2 => {
                let (definition, repetition, start) = (definition + 1, repetition + 1, self.leaves.len());
                let name = element.name.clone();
                let item = Box::new(self.inner(element, None, definition, repetition, depth)?);
                let shape = Shape::List { definition, repetition, item };
                Ok(Node { name, optional: None, shape, columns: start..self.leaves.len() })
            }
            other => Err(malformed(format!("a field of its schema is repeated in the way {other}, which is none"))),
        }
    }

    /// What an element is beside its repetition.
    fn inner(
        &mut self,
        element: Element,
        optional: Option<u32>,
        definition: u32,
        repetition: u32,
        depth: usize,
    ) -> Result<Node, RowError> {
        let limit = RowError::Limit { what: "a schema", limit: MAX_NESTING as u64, unit: "levels" };
        let below = depth.checked_sub(1).ok_or(limit)?;
        let start = self.leaves.len();
        let shape = if element.children == 0 && element.kind.is_some() {
            let (physical, meaning) = element.value()?;
            let (max_definition, max_repetition, top) = (definition, repetition, self.top);
            self.leaves.push(Leaf { physical, meaning, max_definition, max_repetition, top });
            Shape::Leaf
        } else if element.logical == Some(Logical::Variant) {
            return Err(unsupported("a column of variants"));
        } else if element.children == 0 {
            // Nothing would say how many rows such a group has.
            return Err(unsupported("a group without fields"));
        } else {
            self.group(&element, definition, repetition, below)?
        };
        Ok(Node { name: element.name, optional, shape, columns: start..self.leaves.len() })
    }

    fn group(&mut self, group: &Element, definition: u32, repetition: u32, depth: usize) -> Result<Shape, RowError> {
        let child = self.elements.as_slice().first();
        let is_repeated = group.children == 1 && child.is_some_and(|child| child.repetition == 2);
        if let Some(child) = child.filter(|_| is_repeated).cloned() {
            let (definition, repetition) = (definition + 1, repetition + 1);
            if group.is_map() && child.children == 2 {
                self.elements.next();
                let key = Box::new(self.node(definition, repetition, depth)?);
                let value = Box::new(self.node(definition, repetition, depth)?);
                let text_keys = matches!(key.shape, Shape::Leaf)
                    && self.leaves.get(key.columns.start).is_some_and(|leaf| leaf.meaning == Meaning::Text);
                return Ok(Shape::Map { definition, repetition, key, value, text_keys });
            }
            if group.is_list() {
                self.elements.next();
                // Old writers have no group around an item; the names are those that the format lists.
                let of_itself = child.children != 1
                    || child.name == b"array"
                    || child.name == [&group.name[..], b"_tuple"].concat()
                    || child.is_list()
                    || child.is_map()
                    || self.elements.as_slice().first().is_some_and(|inner| inner.repetition == 2);
                let item = if of_itself {
                    self.inner(child, None, definition, repetition, depth)?
                } else {
                    self.node(definition, repetition, depth)?
                };
                return Ok(Shape::List { definition, repetition, item: Box::new(item) });
            }
        }
        let mut fields = Vec::new();
        for _ in 0..group.children {
            fields.push(self.node(definition, repetition, depth)?);
        }
        check_distinct(&fields.iter().map(|field: &Node| field.name.as_slice()))?;
        Ok(Shape::Group(fields))
    }
}

impl Element {
    fn is_list(&self) -> bool {
        self.logical.map_or(self.converted == Some(3), |logical| logical == Logical::List)
    }

    fn is_map(&self) -> bool {
        self.logical.map_or(matches!(self.converted, Some(1 | 2)), |logical| logical == Logical::Map)
    }

    /// How a value lies and what it means; a meaning that does not fit how it lies is a mistake of the writer.
    fn value(&self) -> Result<(Physical, Meaning), RowError> {
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
fn scale_of(scale: i64) -> Result<i32, RowError> {
    let scale = i32::try_from(scale).ok().filter(|scale| (-1000..=1000).contains(scale));
    scale.ok_or_else(|| malformed("a column of its schema has decimals of that many digits"))
}

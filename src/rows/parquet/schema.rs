//! The schema of a Parquet file as a tree of fields, with the levels at which each is there.
//!
//! A value's definition level says how many of the optional and repeated fields on its path are there, its repetition
//! level which repeated field it begins anew. Lists and maps follow the rules for old files, too.
//!
//! Format: <https://github.com/apache/parquet-format/blob/master/LogicalTypes.md>

use std::ops::Range;

use super::element::{Element, Logical, Meaning, Physical};
use super::{malformed, unsupported};
use crate::rows::RowError;
use crate::rows::jsonl::check_distinct;

/// Groups nest at most this deep: rows are put together by recursion.
const MAX_NESTING: usize = 64;

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

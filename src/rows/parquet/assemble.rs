//! Rows put together from their columns.
//!
//! All columns below a group, list or map must agree whether it is there and how often: columns that do not are no rows.

use super::column::{Column, File};
use super::malformed;
use super::schema::{Node, Shape};
use crate::artifact::rows::Cell;
use crate::rows::RowError;
use crate::rows::value::map;

/// The columns of a group of rows, and the file they are read from.
pub(super) struct Group<'f, 's, 'l> {
    pub(super) file: &'f mut File<'s>,
    pub(super) columns: Vec<Column<'l>>,
}

impl<'l> Group<'_, '_, 'l> {
    /// The value of a field in the next row.
    pub(super) fn field(&mut self, node: &'l Node) -> Result<Cell<'l>, RowError> {
        for column in &mut self.columns[node.columns.clone()] {
            if column.peek(self.file)?.is_none_or(|levels| levels.repetition > 0) {
                return Err(apart());
            }
        }
        self.cell(node)
    }

    /// Refuses columns with more values than the group has rows.
    pub(super) fn finish(mut self) -> Result<(), RowError> {
        for column in &mut self.columns {
            if column.peek(self.file)?.is_some() {
                return Err(malformed("a column has more values than its group has rows"));
            }
        }
        Ok(())
    }

    fn cell(&mut self, node: &'l Node) -> Result<Cell<'l>, RowError> {
        if let Some(level) = node.optional
            && !self.is_there(node, level)?
        {
            self.pass(node)?;
            return Ok(Cell::Null);
        }
        match &node.shape {
            Shape::Leaf => self.columns[node.columns.start].take(self.file),
            Shape::Group(fields) => {
                let mut members = Vec::with_capacity(fields.len());
                for field in fields {
                    members.push((field.name.as_slice().into(), self.cell(field)?));
                }
                Ok(Cell::Map(members))
            }
            Shape::List { definition, repetition, item } => {
                self.file.budget.value(0)?;
                let mut items = Vec::new();
                if self.is_there(node, *definition)? {
                    items.push(self.cell(item)?);
                    while self.goes_on(node, *repetition)? {
                        items.push(self.cell(item)?);
                    }
                } else {
                    self.pass(node)?;
                }
                Ok(Cell::List(items))
            }
            Shape::Map { definition, repetition, key, value, text_keys } => {
                self.file.budget.value(0)?;
                let mut pairs = Vec::new();
                if self.is_there(node, *definition)? {
                    pairs.push((self.cell(key)?, self.cell(value)?));
                    while self.goes_on(node, *repetition)? {
                        pairs.push((self.cell(key)?, self.cell(value)?));
                    }
                } else {
                    self.pass(node)?;
                }
                // Keys that no one asked for are all the same shell.
                let is_taken = self.columns[node.columns.start].is_taken;
                map(if is_taken || !text_keys { pairs } else { Vec::new() }, *text_keys)
            }
        }
    }

    /// Whether the next value of every column below is defined at least so deep.
    fn is_there(&mut self, node: &Node, level: u32) -> Result<bool, RowError> {
        let mut all = None;
        for column in &mut self.columns[node.columns.clone()] {
            let levels = column.peek(self.file)?.ok_or_else(apart)?;
            let is_there = levels.definition >= level;
            if *all.get_or_insert(is_there) != is_there {
                return Err(apart());
            }
        }
        all.ok_or_else(apart)
    }

    /// Whether the next value of every column below is one more item of the list at that level.
    fn goes_on(&mut self, node: &Node, level: u32) -> Result<bool, RowError> {
        let mut all = None;
        for column in &mut self.columns[node.columns.clone()] {
            let next = column.peek(self.file)?.map_or(0, |levels| levels.repetition);
            let goes_on = next == level;
            if next > level || *all.get_or_insert(goes_on) != goes_on {
                return Err(apart());
            }
        }
        all.ok_or_else(apart)
    }

    /// Passes over what is null or empty, which every column below says with one value.
    fn pass(&mut self, node: &Node) -> Result<(), RowError> {
        self.columns[node.columns.clone()].iter_mut().try_for_each(|column| column.pass(self.file))
    }
}

fn apart() -> RowError {
    malformed("its columns do not belong to the same rows")
}

//! Parquet: columns, read back as rows.
//!
//! Only the footer, and one page of each column, are kept, in memory or in scratch space. Whatever the file says of sizes is held against limits before
//! anything is allocated or unpacked by it; what the format allows and is not read here is said and never guessed.
//! The reader is our own: those that there are allocate by what a file claims and panic on what no writer wrote.
//!
//! Format: <https://parquet.apache.org/docs/file-format/>

mod assemble;
mod bits;
mod column;
mod element;
mod footer;
mod page;
mod schema;
mod thrift;
mod values;

use std::io::BufRead;

use self::assemble::Group;
use self::column::{Column, File};
use self::footer::Footer;
use self::schema::Schema;
use super::budget::Budget;
use super::scratch::Scratch;
use super::{Format, ReadWhole, Row, RowError, Shard, Sink};

pub(super) const ENTRY: &dyn Format = &Parquet;

struct Parquet;

impl Format for Parquet {
    fn name(&self) -> &'static str {
        "parquet/1"
    }

    fn endings(&self) -> &'static [&'static str] {
        &[".parquet", ".pq"]
    }

    fn whole(&self) -> Option<ReadWhole> {
        Some(read_whole)
    }

    fn read(&self, _: &mut dyn BufRead, _: &mut dyn Sink) -> Result<(), RowError> {
        Err(unsupported("a file that is packed once more"))
    }
}

fn malformed(reason: impl Into<String>) -> RowError {
    RowError::Malformed { format: "Parquet file", reason: reason.into() }
}

fn unsupported(what: &str) -> RowError {
    RowError::Unsupported { format: "Parquet", what: what.to_owned() }
}

fn read_whole(shard: &dyn Shard, sink: &mut dyn Sink) -> Result<(), RowError> {
    let scratch = Scratch::default();
    let mut file = File { shard, unpacked: 0, scratch: scratch.clone(), budget: Budget::default() };
    read_file(&mut file, sink).map_err(|error| scratch.failure().unwrap_or(error))
}

fn read_file(file: &mut File<'_>, sink: &mut dyn Sink) -> Result<(), RowError> {
    let mut footer = Footer::read(file)?;
    let Schema { fields, leaves } = std::mem::take(&mut footer.schema);
    let mut rows = 0_u64;
    while let Some(row_group) = footer.group(leaves.len())? {
        let columns = leaves.iter().zip(&row_group.chunks).map(|(leaf, chunk)| Column::new(leaf, chunk)).collect();
        let mut group = Group { file: &mut *file, columns };
        for _ in 0..row_group.rows {
            for (column, leaf) in group.columns.iter_mut().zip(&leaves) {
                column.is_taken = fields.get(leaf.top).is_none_or(|field| sink.takes(&field.name));
            }
            let size = group.file.shard.size();
            group.file.budget.row(size)?;
            let mut row = Row::with_capacity(fields.len());
            for field in &fields {
                row.push((field.name.as_slice().into(), group.field(field)?));
            }
            sink.row(row)?;
        }
        group.finish()?;
        rows = rows.saturating_add(row_group.rows);
    }
    if rows == footer.rows {
        return Ok(());
    }
    Err(RowError::Shape { what: "rows of all groups", expected: footer.rows, found: rows })
}

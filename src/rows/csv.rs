//! CSV as RFC 4180 has it, with a header row: every value is a text, an empty one the empty text.

use std::io::BufRead;

use csv_core::ReadRecordResult;

use super::jsonl::check_distinct;
use super::{Format, MAX_ROW_BYTES, Row, RowError, Sink};
use crate::artifact::rows::Cell;

pub(super) const ENTRY: &dyn Format = &Csv;

/// Most columns: wider tables are matrices, not rows.
const MAX_COLUMNS: usize = 10_000;

struct Csv;

impl Format for Csv {
    fn name(&self) -> &'static str {
        "csv/1"
    }

    fn endings(&self) -> &'static [&'static str] {
        &[".csv"]
    }

    fn read(&self, stream: &mut dyn BufRead, sink: &mut dyn Sink) -> Result<(), RowError> {
        let mut table = Table { core: csv_core::Reader::new(), fields: Vec::new(), ends: Vec::new(), count: 0 };
        if !table.next(stream)? {
            return Ok(());
        }
        let header: Vec<Vec<u8>> = table.row().map(<[u8]>::to_vec).collect();
        check_distinct(&header.iter().map(Vec::as_slice))?;
        if header.iter().any(|name| std::str::from_utf8(name).is_err()) {
            return Err(RowError::Utf8);
        }
        while table.next(stream)? {
            let found = table.row().count();
            if found != header.len() {
                let expected = header.len() as u64;
                return Err(RowError::Shape { what: "values of the row", expected, found: found as u64 });
            }
            let mut row = Row::with_capacity(found);
            for (name, value) in header.iter().zip(table.row()) {
                std::str::from_utf8(value).map_err(|_| RowError::Utf8)?;
                row.push((name.as_slice().into(), Cell::Text(value.into())));
            }
            sink.row(row)?;
        }
        Ok(())
    }
}

/// Splits a stream into records, in bounded memory.
struct Table {
    core: csv_core::Reader,
    fields: Vec<u8>,
    ends: Vec<usize>,
    count: usize,
}

impl Table {
    /// The next record; false at the end.
    fn next(&mut self, stream: &mut dyn BufRead) -> Result<bool, RowError> {
        let (mut written, mut columns) = (0, 0);
        loop {
            let input = stream.fill_buf()?;
            let (result, read, wrote, ended) =
                self.core.read_record(input, &mut self.fields[written..], &mut self.ends[columns..]);
            stream.consume(read);
            written += wrote;
            columns += ended;
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull if self.fields.len() >= MAX_ROW_BYTES => return Err(RowError::TooLong),
                ReadRecordResult::OutputFull => self.fields.resize((2 * self.fields.len()).max(4096), 0),
                ReadRecordResult::OutputEndsFull if self.ends.len() >= MAX_COLUMNS => {
                    return Err(RowError::Limit { what: "a row", limit: MAX_COLUMNS as u64, unit: "values" });
                }
                ReadRecordResult::OutputEndsFull => self.ends.resize((2 * self.ends.len()).max(32), 0),
                ReadRecordResult::Record => {
                    self.count = columns;
                    return Ok(true);
                }
                ReadRecordResult::End => return Ok(false),
            }
        }
    }

    /// The values of the record read last.
    fn row(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).take(self.count).map(|(start, end)| &self.fields[start..*end])
    }
}

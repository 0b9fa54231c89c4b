//! Documents as rows: JSON lines, a block at a time on every core, and JSON arrays.
//!
//! The key of a row is the number of its line or item, from 1, after the path of its file where there are several
//! (`part-0.jsonl:7`). Its bytes are those of the line without its end, or of the item.

use std::io::Read;

use rayon::prelude::*;

use crate::corpus::collect::Collector;
use crate::corpus::document::Seen;
use crate::corpus::{CorpusError, RowPlace};
use crate::json::{JsonError, Kind, Value, wrong};

/// Longer lines are refused.
pub const MAX_LINE_BYTES: usize = 64 << 20;

/// Larger arrays are refused: they are read whole.
pub const MAX_JSON_BYTES: u64 = 256 << 20;

/// Bytes read at a time: enough lines for every core, few enough for the caches.
const BLOCK: usize = 4 << 20;

/// The member that says where a row belongs.
const DOMAIN: &str = "domain";

/// A file of rows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source<'a> {
    /// Its path, for messages.
    pub(super) path: &'a str,
    /// What stands before the number in a key: the path where there are several files.
    pub(super) prefix: &'a str,
}

/// A line that is not empty: its number from 1, where it begins, and its bytes without the end.
pub(super) type Row<'a> = (u64, u64, &'a [u8]);

/// Reads lines to the end, a block of them at a time; `seen` is called with every block of bytes, in order.
pub(super) fn for_each_block(
    mut reader: impl Read,
    path: &str,
    mut seen: impl FnMut(&[u8]),
    mut take: impl FnMut(&[Row<'_>]) -> Result<(), CorpusError>,
) -> Result<(), CorpusError> {
    let mut block: Vec<u8> = Vec::new();
    let (mut line, mut at, mut searched) = (1_u64, 0_u64, 0_usize);
    let too_long = |line, at| Err(CorpusError::LongLine { path: path.to_owned(), line, at });
    loop {
        let before = block.len();
        let read = reader.by_ref().take(BLOCK as u64).read_to_end(&mut block);
        let read = read.map_err(|error| CorpusError::Read { path: path.to_owned(), kind: error.kind() })?;
        seen(&block[before..]);
        let end = match block[searched..].iter().rposition(|byte| *byte == b'\n') {
            Some(last) => searched + last + 1,
            None if read == 0 => block.len(),
            None if block.len() > MAX_LINE_BYTES => return too_long(line, at),
            None => {
                searched = block.len();
                continue;
            }
        };
        let mut rows = Vec::new();
        let mut offset = 0;
        for bytes in block[..end].split_inclusive(|byte| *byte == b'\n') {
            let row = bytes.trim_ascii_end();
            if row.len() > MAX_LINE_BYTES {
                return too_long(line, at + offset);
            }
            if !row.is_empty() {
                rows.push((line, at + offset, row));
            }
            offset += bytes.len() as u64;
            line += 1;
        }
        take(&rows)?;
        at += offset;
        block.drain(..end);
        searched = 0;
        if read == 0 {
            return Ok(());
        }
    }
}

/// Reads documents as JSON lines.
pub(super) fn read_lines(
    reader: impl Read,
    source: Source<'_>,
    collector: &Collector,
    seen: impl FnMut(&[u8]),
) -> Result<(), CorpusError> {
    for_each_block(reader, source.path, seen, |rows| {
        let read_row = |(number, at, row): &Row<'_>| {
            Value::parse(row)
                .and_then(|value| one(value, row, *number, source, collector))
                .map_err(|error| refuse(source, collector, "line", (*number, *at), error))
        };
        collector.add(rows.par_iter().map(read_row).collect::<Result<Vec<_>, _>>()?);
        Ok(())
    })
}

/// Reads one JSON array of rows or texts.
pub(super) fn read_array(bytes: &[u8], source: Source<'_>, collector: &Collector) -> Result<(), CorpusError> {
    let json = |error| CorpusError::Json { path: source.path.to_owned(), source: error };
    let value = Value::parse(bytes).map_err(json)?;
    if value.kind() != Kind::Array {
        return Err(json(wrong("the file", "an array", value.kind())));
    }
    let start = bytes.as_ptr() as usize;
    for (item, number) in value.items().zip(1_u64..) {
        let at = (item.raw().as_ptr() as usize - start) as u64;
        let seen = one(item, item.raw().as_bytes(), number, source, collector)
            .map_err(|error| refuse(source, collector, "item", (number, at), error))?;
        collector.add(vec![seen]);
    }
    Ok(())
}

fn refuse(
    source: Source<'_>,
    collector: &Collector,
    what: &'static str,
    (number, at): (u64, u64),
    error: JsonError,
) -> CorpusError {
    let (path, field) = (source.path.to_owned(), collector.settings().text_field.clone());
    CorpusError::Row { row: Box::new(RowPlace { path, what, number, at, field }), source: error }
}

/// A row is a text, or an object with one in the field.
fn one(
    value: Value<'_>,
    raw: &[u8],
    number: u64,
    source: Source<'_>,
    collector: &Collector,
) -> Result<Seen, JsonError> {
    let settings = collector.settings();
    let key = format!("{}{number}", source.prefix);
    let (text, domain) = match value.kind() {
        Kind::Text => (value.text(), None),
        Kind::Object => {
            let row = value.object()?;
            let field = row.require(&settings.text_field)?;
            let text = field.text().ok_or_else(|| wrong(&settings.text_field, "a text", field.kind()))?;
            (Some(text), row.get(DOMAIN)?.and_then(|domain| domain.text()).map(|domain| domain.lossy()))
        }
        found => return Err(wrong("the row", "an object or a text", found)),
    };
    let text = text.ok_or(JsonError::Truncated)?;
    let mut seen = Seen::row(key, raw, &text.bytes, collector.names());
    seen.source = domain.unwrap_or_else(|| source.prefix.trim_end_matches(':').to_owned());
    Ok(seen)
}

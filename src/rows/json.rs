//! One JSON document: an array of objects, or an object that holds one such array.
//!
//! The document is held in memory whole; larger datasets come as lines or Parquet.

use std::io::{BufRead, Read};

use super::jsonl::row_of;
use super::{Format, RowError, Sink};
use crate::json::{JsonError, Kind, Value};

pub(super) const ENTRY: &dyn Format = &Json;

/// Largest document.
const MAX_BYTES: u64 = 256 << 20;

struct Json;

impl Format for Json {
    fn name(&self) -> &'static str {
        "json/1"
    }

    fn endings(&self) -> &'static [&'static str] {
        &[".json"]
    }

    fn read(&self, stream: &mut dyn BufRead, sink: &mut dyn Sink) -> Result<(), RowError> {
        let mut bytes = Vec::new();
        stream.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > MAX_BYTES {
            return Err(RowError::Limit { what: "a JSON document", limit: MAX_BYTES, unit: "bytes" });
        }
        let document = Value::parse(&bytes)?;
        let array = array_of(document)?;
        for item in array.items() {
            if item.kind() != Kind::Object {
                let (name, expected) = ("the row".to_owned(), "an object");
                return Err(JsonError::Type { name, expected, found: item.kind().name() }.into());
            }
            let takes = |field: &[u8]| sink.takes(field);
            let row = row_of(item.members().collect(), &takes)?;
            sink.row(row)?;
        }
        Ok(())
    }
}

/// The array of rows: the document itself, or the only array of objects that is a member of it.
fn array_of(document: Value<'_>) -> Result<Value<'_>, RowError> {
    let none = |reason: &str| RowError::Malformed { format: "dataset in JSON", reason: reason.to_owned() };
    match document.kind() {
        Kind::Array => Ok(document),
        Kind::Object => {
            let is_rows = |value: &Value<'_>| value.items().next().is_some_and(|item| item.kind() == Kind::Object);
            let mut arrays = document.members().map(|(_, value)| value).filter(is_rows);
            match (arrays.next(), arrays.next()) {
                (Some(array), None) => Ok(array),
                (None, _) => Err(none("the object holds no array of objects")),
                _ => Err(none("the object holds several arrays of objects")),
            }
        }
        _ => Err(none("expected an array of objects, or an object that holds one")),
    }
}

//! The items of an evaluation: how many, by which ids, with which fields, and which stand there twice.
//!
//! JSON lines, a JSON array of objects and CSV are items; code, YAML and everything else is bytes. Nothing here is under
//! a digest of its own: the files are, and this is what a person sees of them.

use std::collections::{BTreeMap, BTreeSet};

use super::lines::each_line;
use super::rows::{Row, each_csv_row};
use super::{EvalLogError, LogFile, PartError, RowError};
use crate::artifact::samples::bounded_text;
use crate::digest::FileDigest;
use crate::json::{Kind, Object, Value};
use crate::statement::Reading;

/// Names of the field that is an item's id, the first that an item has.
const IDS: &[&str] = &["id", "item_id", "question_id", "sample_id", "doc_id", "idx"];

/// Largest JSON array that is read; it is held in memory whole.
const MAX_ARRAY_BYTES: u64 = 256 << 20;

/// Fields that are counted by name.
const MAX_FIELDS: usize = 200;

/// One item as it stands in a file: an object, or a row of a table.
pub(super) enum SuiteItem<'i, 'v> {
    Json(Value<'v>),
    Csv(&'i Row<'v>),
}

/// Calls `each` with every item of a file; false where the file holds none: it is code, YAML or anything else.
pub(super) fn each_item(
    file: &mut LogFile<'_>,
    mut each: impl FnMut(SuiteItem<'_, '_>) -> Result<(), RowError>,
) -> Result<bool, EvalLogError> {
    match file.name.rsplit_once('.').map_or("", |(_, ending)| ending) {
        "jsonl" | "ndjson" => {
            file.read_first(&mut [])?;
            each_line(file.source, |place, line| {
                let at = |source| EvalLogError::Row { place, source };
                let value = Value::parse(line).map_err(|error| at(error.into()))?;
                if value.kind() != Kind::Object {
                    return Err(at(RowError::NotAnObject { found: value.kind().name() }));
                }
                each(SuiteItem::Json(value)).map_err(at)
            })?;
        }
        "json" => {
            let bytes = file.read_all(MAX_ARRAY_BYTES)?;
            let part = |error| EvalLogError::Part { part: bounded_text(&file.name), source: error };
            let value = Value::parse(&bytes).map_err(|error| part(error.into()))?;
            if value.kind() != Kind::Array || value.items().any(|item| item.kind() != Kind::Object) {
                return Ok(false);
            }
            for item in value.items() {
                each(SuiteItem::Json(item)).map_err(|error| match error {
                    RowError::Json(error) => part(PartError::Json(error)),
                    other => part(PartError::Row(other)),
                })?;
            }
        }
        "csv" => {
            file.read_first(&mut [])?;
            each_csv_row(file, |place, row| {
                each(SuiteItem::Csv(row)).map_err(|source| EvalLogError::Row { place, source })
            })?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}

/// The id of an item as it is written.
pub(super) fn id_of(item: &SuiteItem<'_, '_>) -> Result<Option<String>, RowError> {
    match item {
        SuiteItem::Json(value) => {
            let object: Object<'_> = value.object()?;
            for name in IDS {
                let id = object.get(name)?.filter(|id| !matches!(id.kind(), Kind::Array | Kind::Object));
                if let Some(id) = id {
                    return Ok(Some(id.raw().to_owned()));
                }
            }
            Ok(None)
        }
        SuiteItem::Csv(Row::Csv { columns, record }) => {
            let id = IDS.iter().find_map(|name| record.get(*columns.get(*name)?)).filter(|id| !id.is_empty());
            Ok(id.map(str::to_owned))
        }
        SuiteItem::Csv(Row::Json { .. }) => Ok(None),
    }
}

/// What was seen of a suite so far.
#[derive(Debug, Default)]
pub struct Suite {
    ids: BTreeSet<FileDigest>,
    contents: BTreeSet<FileDigest>,
    fields: BTreeMap<String, u64>,
    sources: BTreeMap<String, u64>,
    items: u64,
    without_id: u64,
    twice: Vec<String>,
    repeated: u64,
    other: u64,
}

impl Suite {
    /// Adds one file of it.
    pub fn add(&mut self, file: &mut LogFile<'_>) -> Result<(), EvalLogError> {
        let name = file.name.clone();
        self.add_file(file).map_err(|error| error.in_file(&name))
    }

    fn add_file(&mut self, file: &mut LogFile<'_>) -> Result<(), EvalLogError> {
        let before = self.items;
        let name = file.name.clone();
        if each_item(file, |item| self.add_item(&item))? {
            *self.sources.entry(name).or_default() += self.items - before;
        } else {
            self.other += 1;
        }
        Ok(())
    }

    fn add_item(&mut self, item: &SuiteItem<'_, '_>) -> Result<(), RowError> {
        let id = id_of(item)?;
        match item {
            SuiteItem::Json(value) => {
                let fields: BTreeMap<String, Value<'_>> = value.object()?.distinct()?;
                self.item(id.as_deref(), value.raw().as_bytes(), fields.keys().map(String::as_str));
            }
            SuiteItem::Csv(Row::Csv { columns, record }) => {
                let bytes: Vec<&str> = record.iter().collect();
                // U+001F stands between fields: no field of a table that people read has it.
                self.item(id.as_deref(), bytes.join("\u{1f}").as_bytes(), columns.keys().map(String::as_str));
            }
            SuiteItem::Csv(Row::Json { .. }) => {}
        }
        Ok(())
    }

    fn item<'f>(&mut self, id: Option<&str>, content: &[u8], fields: impl Iterator<Item = &'f str>) {
        self.items += 1;
        match id {
            None => self.without_id += 1,
            Some(id) if self.ids.insert(FileDigest::of(id.as_bytes())) => {}
            Some(id) => self.twice.push(bounded_text(id)),
        }
        self.repeated += u64::from(!self.contents.insert(FileDigest::of(content)));
        for field in fields {
            if self.fields.len() < MAX_FIELDS || self.fields.contains_key(field) {
                *self.fields.entry(bounded_text(field)).or_default() += 1;
            }
        }
    }

    /// What was understood of all files together.
    pub fn finish(self) -> Reading {
        let mut reading = Reading::by("eval-suite/1");
        reading.count("items", self.items);
        reading.count("files.other", self.other);
        for (field, count) in self.fields {
            reading.count(&format!("field.{field}"), count);
        }
        for (source, count) in &self.sources {
            reading.source(source, *count);
        }
        let first = self.twice.first().map_or("", String::as_str);
        reading.remark("duplicate-id", self.twice.len() as u64, format!("an id stands there twice: {first}"));
        reading.remark("duplicate-item", self.repeated, format!("{} items are another one over again", self.repeated));
        let some = if self.items == self.without_id { 0 } else { self.without_id };
        reading.remark("without-id", some, format!("{some} of {} items have no id", self.items));
        reading
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn read(files: &[(&str, &str)]) -> Result<Reading, EvalLogError> {
        let mut suite = Suite::default();
        for (name, text) in files {
            let mut cursor = Cursor::new(text.as_bytes());
            suite.add(&mut LogFile { name: (*name).to_owned(), len: text.len() as u64, source: &mut cursor })?;
        }
        Ok(suite.finish())
    }

    #[test]
    fn items_are_counted_over_every_format() {
        let reading = read(&[
            ("a.jsonl", "{\"id\":1,\"q\":\"x\"}\n{\"id\":2}\n{\"id\":1,\"q\":\"x\"}"),
            ("b.json", "[{\"item_id\":\"z\"}]"),
            ("c.csv", "id,q\n7,y\n7,z\n"),
            ("task.py", "print()"),
            ("config.json", "{}"),
        ])
        .unwrap();
        assert_eq!((reading.counts["items"], reading.counts["files.other"], reading.counts["field.q"]), (6, 2, 4));
        assert_eq!(reading.sources["a.jsonl"], 3);
        let codes: Vec<(&str, u64)> = reading.remarks.iter().map(|r| (r.code.as_str(), r.count)).collect();
        assert_eq!(codes, [("duplicate-id", 2), ("duplicate-item", 1)]);
        let none = read(&[("a.jsonl", "{\"q\":1}\n{\"id\":2}")]).unwrap();
        assert_eq!(none.remarks[0].code, "without-id");
    }

    #[test]
    fn an_item_that_is_none_is_refused_with_its_file_and_line() {
        for (name, text, said) in [
            (
                "a.jsonl",
                "{}\n[1]",
                "in `a.jsonl`: line 2 (byte 3) cannot be read: the row is an array, expected an object",
            ),
            (
                "a.jsonl",
                "{\"a\":1,\"a\":2}",
                "in `a.jsonl`: line 1 (byte 0) cannot be read: `a` stands twice in one object",
            ),
            ("a.json", "[", "in `a.json`: `a.json` of the log cannot be read: the text ends inside a value"),
        ] {
            let error = read(&[(name, text)]).unwrap_err();
            let chain = std::iter::successors(Some(&error as &dyn std::error::Error), |error| error.source());
            assert_eq!(chain.map(ToString::to_string).collect::<Vec<_>>().join(": "), said);
        }
    }
}

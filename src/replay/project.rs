//! Projection: some columns of each row, in an order of their own. So a published dataset lost its `source`.

use crate::json::{Kind, Value};
use crate::replay::dumps::{Json, Style, dumps, members};
use crate::replay::params::{ParamError, Params};
use crate::replay::{Function, Input, Made, ReplayError, RowError, Sink, Takes};

pub(super) const ENTRY: &dyn Function = &Project;

struct Project;

/// Which columns stay.
enum Columns<'a> {
    /// These, in this order; each must be there.
    Keep(Vec<&'a str>),
    /// All but these, in the row's order.
    Drop(Vec<&'a str>),
}

impl Function for Project {
    fn id(&self) -> &'static str {
        "project/1"
    }

    fn about(&self) -> &'static str {
        "rows with some of their columns, in the order wanted"
    }

    fn takes(&self) -> Takes {
        Takes::ManyRows
    }

    fn params(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("keep", "columns to keep, in this order, between commas"),
            ("drop", "columns to leave out, between commas; the others keep their order"),
            ("json", "how rows are written: utf8 unless given, ascii, utf8-compact, ascii-compact"),
        ]
    }

    fn replay(&self, inputs: &[Input<'_>], params: &Params, sink: &mut dyn Sink) -> Result<Made, ReplayError> {
        let columns = match (params.names("keep")?, params.names("drop")?) {
            (Some(keep), None) => Columns::Keep(keep),
            (None, Some(drop)) => Columns::Drop(drop),
            (Some(_), Some(_)) => return Err(ParamError::Both { left: "keep", right: "drop" }.into()),
            (None, None) => {
                return Err(ParamError::Missing { name: "keep", about: "columns to keep, or `drop`" }.into());
            }
        };
        let style = params.style(Some(Style::UTF8))?.unwrap_or(Style::UTF8);
        let mut made = Made::default();
        let (mut row, mut line) = (Vec::new(), Vec::new());
        for input in inputs {
            for item in 0..input.items.count() {
                input.read(item, &mut row)?;
                line.clear();
                columns.project(&row, style, &mut line).map_err(|source| input.row_error(item, source))?;
                sink.row(&line).map_err(ReplayError::Sink)?;
            }
            made.count("rows", input.items.count());
        }
        Ok(made)
    }
}

impl Columns<'_> {
    fn project(&self, row: &[u8], style: Style, out: &mut Vec<u8>) -> Result<(), RowError> {
        let row = object(row)?;
        let mut members = members(&row);
        let kept = match self {
            Self::Keep(names) => {
                let mut kept = Vec::with_capacity(names.len());
                for name in names {
                    let found = members.iter().find(|(other, _)| &**other == name.as_bytes());
                    let (name, value) = found.ok_or_else(|| RowError::NoColumn { name: (*name).to_owned() })?;
                    kept.push((name.clone(), Json::Value(*value)));
                }
                kept
            }
            Self::Drop(names) => {
                members.retain(|(other, _)| names.iter().all(|name| name.as_bytes() != &**other));
                members.into_iter().map(|(name, value)| (name, Json::Value(value))).collect()
            }
        };
        dumps(&Json::Object(kept), style, out)
    }
}

/// A row as Python's reader reads it, which must be an object.
pub(super) fn object(row: &[u8]) -> Result<Value<'_>, RowError> {
    if row.starts_with(b"\xef\xbb\xbf") {
        return Err(RowError::ByteOrderMark);
    }
    let value = Value::parse(row)?;
    match value.kind() {
        Kind::Object => Ok(value),
        other => Err(RowError::Type { what: "the row", expected: "an object", found: other.name() }),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use crate::replay::tests::{Memory, made};

    const ROWS: &str = "{\"text\": \"é\", \"source\": \"a\", \"n\": 1e0}\n{\"n\": -0, \"text\":\"\",\"source\":null}";

    #[test]
    fn columns_are_kept_in_the_order_asked_for_or_left_out_of_the_order_they_have() {
        for (params, text) in [
            ("keep=n,text", "{\"n\": 1.0, \"text\": \"é\"}\n{\"n\": 0, \"text\": \"\"}\n"),
            ("drop=source json=ascii", "{\"text\": \"\\u00e9\", \"n\": 1.0}\n{\"n\": 0, \"text\": \"\"}\n"),
            ("drop=none,text,n json=utf8-compact", "{\"source\":\"a\"}\n{\"source\":null}\n"),
        ] {
            assert_eq!(made("project/1", &[Memory::rows(ROWS)], params).unwrap().0, text, "{params}");
        }
        let shards = ROWS.split('\n').map(Memory::rows).collect::<Vec<_>>();
        let whole = made("project/1", &[Memory::rows(ROWS)], "keep=n").unwrap();
        assert_eq!(made("project/1", &shards, "keep=n").unwrap(), whole);
    }

    #[test]
    fn a_column_that_is_not_there_and_contradicting_parameters_are_refused() {
        for (params, refusal) in [
            ("keep=text,x", "row 1 of `in1`: there is no column `x`"),
            ("keep=a drop=b", "the parameters `keep` and `drop` exclude each other"),
            ("", "the parameter `keep` is missing: columns to keep, or `drop`"),
            ("keep=a,,b", "the parameter `keep` is `a,,b`, expected names between commas"),
        ] {
            assert_eq!(made("project/1", &[Memory::rows(ROWS)], params).unwrap_err(), refusal);
        }
    }
}

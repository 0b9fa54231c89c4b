//! JSON lines: one object on each line. Blank lines are no rows.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::io::BufRead;

use super::pass::{is_blank, next_line};
use super::{Format, ParseLine, Row, RowError, Sink};
use crate::artifact::rows::Cell;
use crate::json::{Kind, MAX_DEPTH, Text, Value, members_of};

pub(super) const ENTRY: &dyn Format = &Jsonl;

/// Names up to this many are held against each other one by one; more in a tree.
const FEW: usize = 16;

struct Jsonl;

impl Format for Jsonl {
    fn name(&self) -> &'static str {
        "jsonl/1"
    }

    fn endings(&self) -> &'static [&'static str] {
        &[".jsonl", ".ndjson", ".jsonlines"]
    }

    fn line(&self) -> Option<ParseLine> {
        Some(parse_line)
    }

    fn read(&self, stream: &mut dyn BufRead, sink: &mut dyn Sink) -> Result<(), RowError> {
        let mut line = Vec::new();
        while next_line(stream, &mut line)? {
            let takes = |field: &[u8]| sink.takes(field);
            if let Some(row) = parse_line(&line, &takes)? {
                sink.row(row)?;
            }
        }
        Ok(())
    }
}

pub(super) fn parse_line<'a>(line: &'a [u8], takes: &dyn Fn(&[u8]) -> bool) -> Result<Option<Row<'a>>, RowError> {
    if is_blank(line) {
        return Ok(None);
    }
    row_of(members_of(line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line))?, takes).map(Some)
}

/// The members of an object as the fields of a row.
pub(super) fn row_of<'a>(
    members: Vec<(Text<'a>, Value<'a>)>,
    takes: &dyn Fn(&[u8]) -> bool,
) -> Result<Row<'a>, RowError> {
    check_distinct(&members.iter().map(|(name, _)| &*name.bytes))?;
    let fields = members.into_iter().map(|(name, value)| {
        let cell = if takes(&name.bytes) { cell_of(value, MAX_DEPTH)? } else { shell_of(value) };
        Ok((name.bytes, cell))
    });
    fields.collect()
}

/// Refuses a name that stands twice: readers of the data would not agree on its value.
pub(super) fn check_distinct<'n>(names: &(impl Iterator<Item = &'n [u8]> + Clone)) -> Result<(), RowError> {
    let mut before = BTreeSet::new();
    for (at, name) in names.clone().enumerate() {
        let is_twice = if at < FEW { names.clone().take(at).any(|other| other == name) } else { before.contains(name) };
        if is_twice {
            return Err(RowError::TwiceNamed { name: String::from_utf8_lossy(name).chars().take(80).collect() });
        }
        if at == FEW {
            before.extend(names.clone().take(at));
        }
        if at >= FEW && !before.insert(name) {
            return Err(RowError::TwiceNamed { name: String::from_utf8_lossy(name).chars().take(80).collect() });
        }
    }
    Ok(())
}

/// A value of the same kind without content.
fn shell_of(value: Value<'_>) -> Cell<'_> {
    match value.kind() {
        Kind::Null => Cell::Null,
        Kind::Bool => Cell::Bool(false),
        Kind::Number | Kind::NonFinite => Cell::Int(0),
        Kind::Text => Cell::Text(Cow::Borrowed(&[])),
        Kind::Array => Cell::List(Vec::new()),
        Kind::Object => Cell::Map(Vec::new()),
    }
}

/// A JSON value, which nests at most `depth` deep: the scanner saw to that.
pub(super) fn cell_of(value: Value<'_>, depth: usize) -> Result<Cell<'_>, RowError> {
    let below = depth.saturating_sub(1);
    Ok(match value.kind() {
        Kind::Null => Cell::Null,
        Kind::Bool => Cell::Bool(value.raw() == "true"),
        Kind::Number => Cell::Decimal(value.raw().into()),
        Kind::NonFinite => Cell::Float(match value.raw() {
            "NaN" => f64::NAN,
            "Infinity" => f64::INFINITY,
            _ => f64::NEG_INFINITY,
        }),
        Kind::Text => Cell::Text(value.text().map(|text| text.bytes).unwrap_or_default()),
        Kind::Array => Cell::List(value.items().map(|item| cell_of(item, below)).collect::<Result<_, _>>()?),
        Kind::Object => {
            let members: Vec<_> = value.members().collect();
            check_distinct(&members.iter().map(|(name, _)| &*name.bytes))?;
            let cells = members.into_iter().map(|(name, value)| Ok((name.bytes, cell_of(value, below)?)));
            Cell::Map(cells.collect::<Result<_, RowError>>()?)
        }
    })
}

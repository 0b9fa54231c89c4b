//! Plain text: one row a line, its field called `text`. Blank lines are no rows; a line is taken as it stands.

use std::borrow::Cow;
use std::io::BufRead;

use super::pass::{is_blank, next_line};
use super::{Format, ParseLine, Row, RowError, Sink};
use crate::artifact::rows::Cell;

pub(super) const ENTRY: &dyn Format = &Text;

struct Text;

impl Format for Text {
    fn name(&self) -> &'static str {
        "text/1"
    }

    fn endings(&self) -> &'static [&'static str] {
        &[".txt"]
    }

    fn line(&self) -> Option<ParseLine> {
        Some(parse_line)
    }

    fn read(&self, stream: &mut dyn BufRead, sink: &mut dyn Sink) -> Result<(), RowError> {
        let mut line = Vec::new();
        while next_line(stream, &mut line)? {
            if let Some(row) = parse_line(&line, &|_| true)? {
                sink.row(row)?;
            }
        }
        Ok(())
    }
}

fn parse_line<'a>(line: &'a [u8], _: &dyn Fn(&[u8]) -> bool) -> Result<Option<Row<'a>>, RowError> {
    // A line that a system ends with CR LF is the same row.
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if is_blank(line) {
        return Ok(None);
    }
    std::str::from_utf8(line).map_err(|_| RowError::Utf8)?;
    Ok(Some(vec![(Cow::Borrowed(b"text"), Cell::Text(line.into()))]))
}

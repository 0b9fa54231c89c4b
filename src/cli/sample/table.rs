//! A scorer's table: JSON lines or CSV with the columns `draw`, `checkpoint`, `loglik` and `tokens`; others are left alone.
//!
//! ```text
//! {"draw": "12:345", "checkpoint": "blake3:6f1c…", "loglik": -103.25, "tokens": 57}
//! ```

use crate::digest::{Digest, ParseDigestError};
use crate::json::{JsonError, Kind, Value};
use crate::sampling::Row;

/// A statement holds 1 MiB; a table may say the same in more words.
pub(super) const MAX_TABLE_BYTES: u64 = 64 << 20;

/// What every row says.
const COLUMNS: [&str; 4] = ["draw", "checkpoint", "loglik", "tokens"];

/// Characters of what stands in a table that a message shows.
const MAX_SHOWN: usize = 80;

/// Why bytes are no table.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub(super) enum TableError {
    #[error("line {line}: {source}")]
    Json { line: u64, source: JsonError },
    #[error("line {line}: {source}")]
    Csv { line: u64, source: csv::Error },
    #[error("line {line}: there is no `{column}`")]
    NoColumn { line: u64, column: &'static str },
    #[error("the column `{column}` is there twice")]
    TwoColumns { column: &'static str },
    #[error("line {line}: `{text}` is no draw: ENTRY:NUMBER, as they are listed")]
    Draw { line: u64, text: String },
    #[error("line {line}: `{text}` is no digest: {source}")]
    Checkpoint { line: u64, text: String, source: ParseDigestError },
    #[error("line {line}: `{text}` is no number of tokens")]
    Tokens { line: u64, text: String },
}

/// The rows of a table, in its order.
pub(super) fn rows(bytes: &[u8]) -> Result<Vec<Row>, TableError> {
    let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
    if first == Some(&b'{') { json_rows(bytes) } else { csv_rows(bytes) }
}

fn json_rows(bytes: &[u8]) -> Result<Vec<Row>, TableError> {
    let mut rows = Vec::new();
    for (line, text) in (1..).zip(bytes.split(|byte| *byte == b'\n')) {
        if text.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let refuse = |source| TableError::Json { line, source };
        let object = Value::parse(text).and_then(|value| value.object()).map_err(refuse)?;
        let field = |column: &'static str| {
            let value = object.get(column).map_err(refuse)?.ok_or(TableError::NoColumn { line, column })?;
            Ok(match value.kind() {
                Kind::Text => value.text().map_or_else(String::new, |text| text.lossy()),
                _ => value.raw().to_owned(),
            })
        };
        rows.push(row(line, field)?);
    }
    Ok(rows)
}

fn csv_rows(bytes: &[u8]) -> Result<Vec<Row>, TableError> {
    let mut reader = csv::Reader::from_reader(bytes);
    let header = reader.headers().map_err(|source| TableError::Csv { line: 1, source })?.clone();
    let names: Vec<&str> = header.iter().map(|name| name.trim_start_matches('\u{feff}').trim()).collect();
    let column = |column: &'static str| {
        let mut found = names.iter().enumerate().filter(|(_, name)| **name == column);
        match (found.next(), found.next()) {
            (Some((at, _)), None) => Ok(at),
            (None, _) => Err(TableError::NoColumn { line: 1, column }),
            (Some(_), Some(_)) => Err(TableError::TwoColumns { column }),
        }
    };
    // A table without a column is none, rows or not.
    COLUMNS.iter().try_for_each(|name| column(name).map(drop))?;
    let mut rows = Vec::new();
    let mut record = csv::StringRecord::new();
    loop {
        let line = reader.position().line();
        if !reader.read_record(&mut record).map_err(|source| TableError::Csv { line, source })? {
            return Ok(rows);
        }
        let line = record.position().map_or(line, csv::Position::line);
        let field = |name| Ok(record.get(column(name)?).unwrap_or_default().trim().to_owned());
        rows.push(row(line, field)?);
    }
}

fn row(line: u64, field: impl Fn(&'static str) -> Result<String, TableError>) -> Result<Row, TableError> {
    let draw = field("draw")?;
    let number = |text: &str| text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()));
    let place = draw.split_once(':').and_then(|(entry, place)| Some((number(entry)?, number(place)?)));
    let (entry, number_of) = place.ok_or_else(|| TableError::Draw { line, text: shown(&draw) })?;
    let checkpoint = field("checkpoint")?;
    let refuse = |source| TableError::Checkpoint { line, text: shown(&checkpoint), source };
    let checkpoint: Digest = checkpoint.parse().map_err(refuse)?;
    let tokens = field("tokens")?;
    let tokens = number(&tokens).ok_or_else(|| TableError::Tokens { line, text: shown(&tokens) })?;
    Ok(Row { line, entry, number: number_of, checkpoint, nats: field("loglik")?, tokens })
}

/// The start of a foreign text, escaped for a message.
fn shown(text: &str) -> String {
    text.chars().take(MAX_SHOWN).flat_map(char::escape_default).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn digest() -> String {
        format!("blake3:{}", "0a".repeat(32))
    }

    fn line(draw: &str, loglik: &str, tokens: &str) -> String {
        format!(
            "{{\"draw\": \"{draw}\", \"checkpoint\": \"{}\", \"loglik\": {loglik}, \"tokens\": {tokens}}}\n",
            digest()
        )
    }

    fn error(bytes: &str) -> String {
        rows(bytes.as_bytes()).expect_err(bytes).to_string()
    }

    #[test]
    fn json_lines_and_csv_say_the_same_and_keep_the_digits() {
        let json = format!("{}\n{}", line("5:0", "-1.50", "7"), line("12:345", "\"-2e-3\"", "8"));
        let csv = format!(
            "\u{feff}key,tokens,draw,loglik,checkpoint\n\"a, b\",7,5:0,-1.50,{0}\nc,8,12:345,-2e-3,{0}\n",
            digest()
        );
        let said = |text: &str| {
            let rows = rows(text.as_bytes()).unwrap_or_else(|error| panic!("{error}"));
            rows.into_iter().map(|row| (row.entry, row.number, row.nats, row.tokens)).collect::<Vec<_>>()
        };
        assert_eq!(said(&json), [(5, 0, "-1.50".to_owned(), 7), (12, 345, "-2e-3".to_owned(), 8)]);
        assert_eq!(said(&csv), said(&json));
        assert_eq!(rows(json.as_bytes()).map(|rows| rows[1].line).ok(), Some(3));
        // What is no number is for whoever reads it as one.
        assert_eq!(said(&line("5:0", "NaN", "7"))[0].2, "NaN");
    }

    #[test]
    fn what_is_no_table_is_refused_by_its_line() {
        assert_eq!(error("{\"draw\": \"1:2\"}"), "line 1: there is no `checkpoint`");
        assert_eq!(error("{"), "line 1: the text ends inside a value");
        let twice = error(&line("1:2", "-1", "1").replace("tokens", "draw"));
        assert_eq!(twice, "line 1: `draw` stands twice in one object");
        for draw in ["12", "a:1", "1:", ":1", "1:-2", "1:+2", "1:99999999999999999999"] {
            let said = error(&line(draw, "-1", "1"));
            assert_eq!(said, format!("line 1: `{draw}` is no draw: ENTRY:NUMBER, as they are listed"));
        }
        assert_eq!(error(&line("1:2", "-1", "-1")), "line 1: `-1` is no number of tokens");
        let said = error(&line("1:2", "-1", "1").replace("blake3:", ""));
        assert!(said.starts_with("line 1: `0a0a") && said.contains("is no digest"), "{said}");
        assert_eq!(error("draw,loglik\n"), "line 1: there is no `checkpoint`");
        assert_eq!(error("draw,draw\n1:2,-1\n"), "the column `draw` is there twice");
        assert!(error("tokens,checkpoint,draw,loglik\n1\n").starts_with("line 2: "));
        assert_eq!(error(""), "line 1: there is no `draw`");
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), open in any::<bool>()) {
            let bytes = if open { [b"{".as_slice(), &bytes].concat() } else { bytes };
            let _ = rows(&bytes);
        }
    }
}

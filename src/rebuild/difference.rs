//! In what two lists of rows differ: which are missing, which are too many, which were only moved or written otherwise.

use std::collections::BTreeMap;
use std::io;

use serde::Serialize;

use crate::capture::inputs::Rows;
use crate::digest::FileDigest;
use crate::json::{Kind, Object, Value};
use crate::replay::dumps::{Style, dumps_value};
use crate::replay::{HostError, Items, Sink};

/// Rows shown of each sort.
const EXAMPLES: usize = 3;

/// Bytes of a row that are kept to be shown.
const SHOWN: usize = 4096;

/// A row, as far as it helps to find it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Example {
    /// Its number, from 1.
    pub row: u64,
    /// Its `source` or `id`, or how it begins; from outside, to be escaped where it is shown.
    pub label: String,
}

/// In what the rows made differ from the rows expected.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// One sentence.
    pub summary: String,
    /// Rows expected.
    pub expected_rows: u64,
    /// The first row that differs, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_row: Option<u64>,
    /// In what that row differs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub first_row_differs: Vec<String>,
    /// Rows that are expected and were not made.
    pub missing: u64,
    /// The first of them, by their number in what is expected.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missing_examples: Vec<Example>,
    /// Rows that were made and are not expected.
    pub extra: u64,
    /// The first of them, by their number in what was made.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub extra_examples: Vec<Example>,
    /// Whether both hold the same values, in whatever order and however written.
    pub same_values: bool,
}

/// Takes the rows that are made and compares them with a file.
pub(super) struct Differ<'a> {
    expected: &'a Rows,
    raw: Vec<FileDigest>,
    values: Vec<FileDigest>,
    /// How many more of each row are expected.
    left: BTreeMap<FileDigest, u64>,
    made_values: Vec<FileDigest>,
    first: Option<(usize, Vec<u8>)>,
    extra: u64,
    extra_examples: Vec<Example>,
}

impl<'a> Differ<'a> {
    pub(super) fn new(expected: &'a Rows) -> Result<Self, HostError> {
        let mut left: BTreeMap<FileDigest, u64> = BTreeMap::new();
        let (mut raw, mut values, mut row) = (Vec::new(), Vec::new(), Vec::new());
        for item in 0..expected.count() {
            expected.read(item, &mut row)?;
            let digest = FileDigest::of(&row);
            *left.entry(digest).or_default() += 1;
            raw.push(digest);
            values.push(value_digest(&row));
        }
        let (made_values, extra_examples) = (Vec::new(), Vec::new());
        Ok(Self { expected, raw, values, left, made_values, first: None, extra: 0, extra_examples })
    }

    /// Adds everything up after the last row.
    pub(super) fn finish(mut self) -> Result<Difference, HostError> {
        let made = self.made_values.len();
        let missing = self.left.values().sum::<u64>();
        let mut missing_examples = Vec::new();
        let mut row = Vec::new();
        for item in 0..self.raw.len() {
            let Some(left) = self.left.get_mut(&self.raw[item]).filter(|left| **left > 0) else { continue };
            if missing_examples.len() == EXAMPLES {
                break;
            }
            *left -= 1;
            self.expected.read(item, &mut row)?;
            missing_examples.push(example(item, &row));
        }
        let first = self.first.take().or_else(|| (made < self.raw.len()).then(|| (made, Vec::new())));
        let mut first_row_differs = Vec::new();
        if let Some((item, made)) = &first {
            row.clear();
            if *item < self.raw.len() {
                self.expected.read(*item, &mut row)?;
                if !made.is_empty() {
                    first_row_differs = row_difference(&row, made);
                }
            }
        }
        let is_same_sequence = self.values == self.made_values;
        self.values.sort_unstable();
        self.made_values.sort_unstable();
        let same_values = self.values == self.made_values;
        let summary = match (missing, self.extra, first.is_some()) {
            (0, 0, false) => "the rows are the same; only line ends or blank lines differ",
            (0, 0, true) => "the same rows in another order",
            _ if is_same_sequence => "the same values in the same order, in other JSON text",
            _ if same_values => "the same values in another order and in other JSON text",
            _ => "other rows",
        };
        Ok(Difference {
            summary: summary.to_owned(),
            expected_rows: self.raw.len() as u64,
            first_row: first.map(|(item, _)| item as u64 + 1),
            first_row_differs,
            missing,
            missing_examples,
            extra: self.extra,
            extra_examples: self.extra_examples,
            same_values,
        })
    }
}

impl Sink for Differ<'_> {
    fn row(&mut self, row: &[u8]) -> io::Result<()> {
        let item = self.made_values.len();
        let digest = FileDigest::of(row);
        if self.first.is_none() && self.raw.get(item) != Some(&digest) {
            self.first = Some((item, row.to_vec()));
        }
        match self.left.get_mut(&digest) {
            Some(left) if *left > 0 => *left -= 1,
            _ => {
                self.extra += 1;
                if self.extra_examples.len() < EXAMPLES {
                    self.extra_examples.push(example(item, row));
                }
            }
        }
        self.made_values.push(value_digest(row));
        Ok(())
    }
}

/// The digest of what a row says, however it is written; of its bytes where it is no JSON.
fn value_digest(row: &[u8]) -> FileDigest {
    // In ASCII a text with half of a surrogate pair can be written too.
    dumps_value(row, Style::ASCII).map_or_else(|_| FileDigest::of(row), |text| FileDigest::of(&text))
}

fn example(item: usize, row: &[u8]) -> Example {
    let named = Value::parse(row).ok().filter(|value| value.kind() == Kind::Object).and_then(|value| {
        let object = value.object().ok()?;
        ["source", "id"].iter().find_map(|name| {
            let value = object.get(name).ok()??;
            let text = value.text().map_or_else(|| value.raw().to_owned(), |text| text.lossy());
            Some(format!("{name} {text}"))
        })
    });
    let label = named.unwrap_or_else(|| String::from_utf8_lossy(&row[..row.len().min(SHOWN)]).into_owned());
    Example { row: item as u64 + 1, label: label.chars().take(120).collect() }
}

/// In which columns two rows differ.
fn row_difference(expected: &[u8], made: &[u8]) -> Vec<String> {
    let parsed = [expected, made].map(|row| Value::parse(row).ok().filter(|value| value.kind() == Kind::Object));
    let [Some(expected_row), Some(made_row)] = parsed else { return vec!["the row as a whole".to_owned()] };
    let [Ok(expected_row), Ok(made_row)] = [expected_row, made_row].map(|row| row.object().and_then(Object::distinct))
    else {
        return vec!["the row as a whole".to_owned()];
    };
    let mut differs = Vec::new();
    for (name, value) in &expected_row {
        match made_row.get(name) {
            None => differs.push(format!("`{name}` was not made")),
            Some(made) if value_digest(made.raw().as_bytes()) != value_digest(value.raw().as_bytes()) => {
                differs.push(format!("`{name}` has another value"));
            }
            Some(_) => {}
        }
    }
    let extra = made_row.keys().filter(|name| !expected_row.contains_key(*name));
    differs.extend(extra.map(|name| format!("`{name}` is not expected")));
    if differs.is_empty() {
        differs.push("the order of columns or the JSON text".to_owned());
    }
    differs.truncate(10);
    differs
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn difference(expected: &str, made: &[&str]) -> Difference {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("expected");
        std::fs::write(&path, expected).unwrap();
        let rows = Rows::open(&path).unwrap();
        let mut differ = Differ::new(&rows).unwrap();
        for row in made {
            differ.row(row.as_bytes()).unwrap();
        }
        differ.finish().unwrap()
    }

    #[test]
    fn moved_rows_are_told_from_missing_and_extra_ones() {
        let moved = difference("1\n2\n2\n3\n", &["2", "1", "3", "2"]);
        assert_eq!((moved.missing, moved.extra, moved.first_row, moved.same_values), (0, 0, Some(1), true));
        assert_eq!(moved.summary, "the same rows in another order");
        let other = difference("{\"source\": \"a\"}\n2\n2\n", &["2", "{\"id\": 7}", "4", "5", "6"]);
        assert_eq!((other.missing, other.extra, other.first_row), (2, 4, Some(1)));
        assert_eq!(
            other.missing_examples,
            [Example { row: 1, label: "source a".to_owned() }, Example { row: 2, label: "2".to_owned() }]
        );
        assert_eq!(other.extra_examples[0], Example { row: 2, label: "id 7".to_owned() });
        assert_eq!((other.extra_examples.len(), other.summary.as_str()), (3, "other rows"));
        let cut = difference("1\n2\n3\n", &["1"]);
        assert_eq!((cut.missing, cut.extra, cut.first_row), (2, 0, Some(2)));
    }

    #[test]
    fn the_same_values_in_other_words_are_called_so() {
        let ascii = difference("{\"a\": \"\\u00e9\", \"b\": 1e0}\n", &["{\"a\": \"é\", \"b\": 1.0}"]);
        assert_eq!(ascii.summary, "the same values in the same order, in other JSON text");
        assert_eq!(ascii.first_row_differs, ["the order of columns or the JSON text"]);
        let columns = difference("{\"a\":1,\"b\":2,\"c\":3}\n", &["{\"b\":2,\"a\":2,\"d\":4}"]);
        assert_eq!(columns.first_row_differs, ["`a` has another value", "`c` was not made", "`d` is not expected"]);
        assert!(!columns.same_values);
        let ends = difference("1\r\n2\r\n\r\n", &["1", "2"]);
        assert_eq!(ends.summary, "the rows are the same; only line ends or blank lines differ");
        assert_eq!(ends.first_row, None);
    }
}

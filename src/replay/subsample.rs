//! Some of the rows: those of recorded indices, or those that a seed draws.

use crate::json::{Kind, Value};
use crate::replay::dumps::{Json, Style, dumps};
use crate::replay::params::{ParamError, Params, cut};
use crate::replay::random::Random;
use crate::replay::{Function, Input, Made, ReplayError, RowError, Sink, Takes};

pub(super) const ENTRY: &dyn Function = &Subsample;

/// Indices are read whole; ten million of them are about this long.
const MAX_INDICES_BYTES: usize = 128 << 20;

struct Subsample;

impl Function for Subsample {
    fn id(&self) -> &'static str {
        "subsample/1"
    }

    fn about(&self) -> &'static str {
        "some of the rows: by recorded indices, or drawn with a seed"
    }

    fn takes(&self) -> Takes {
        Takes::RowsAndIndices
    }

    fn params(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("method", "indices (a second input), sample, sample-sorted, shuffle or head"),
            ("count", "how many rows, unless indices say it"),
            ("seed", "seed of the drawing"),
            ("key", "where the indices are an object: the member that holds them; indices unless given"),
            ("json", "how rows are written: verbatim unless given, utf8, ascii, utf8-compact, ascii-compact"),
        ]
    }

    fn replay(&self, inputs: &[Input<'_>], params: &Params, sink: &mut dyn Sink) -> Result<Made, ReplayError> {
        let Some((rows, indices)) = inputs.split_first() else { return Ok(Made::default()) };
        let method = params.get("method").unwrap_or(if indices.is_empty() { "sample" } else { "indices" });
        let picked = match (method, indices) {
            ("indices", [indices]) => {
                refuse(params, &["count", "seed"], "no such parameter beside indices")?;
                by_indices(rows, indices, params.get("key").unwrap_or("indices"))?
            }
            ("sample" | "sample-sorted" | "shuffle" | "head", []) => {
                refuse(params, &["key"], "no such parameter without indices")?;
                drawn(rows, method, params)?
            }
            ("indices", _) | (_, [_, ..]) => {
                let expected = "indices with two inputs, or another method with one";
                return Err(ParamError::Value { name: "method", found: cut(method), expected }.into());
            }
            _ => {
                let expected = "indices, sample, sample-sorted, shuffle or head";
                return Err(ParamError::Value { name: "method", found: cut(method), expected }.into());
            }
        };
        let mut writer = RowWriter::new(params.style(None)?);
        for &item in &picked {
            writer.write(rows, item, sink)?;
        }
        let mut made = Made::default();
        made.count("rows", picked.len());
        made.count("rows.of", rows.items.count());
        Ok(made)
    }
}

fn refuse(params: &Params, names: &[&'static str], expected: &'static str) -> Result<(), ParamError> {
    match names.iter().find_map(|name| Some((name, params.get(name)?))) {
        None => Ok(()),
        Some((name, found)) => Err(ParamError::Value { name, found: cut(found), expected }),
    }
}

fn drawn(rows: &Input<'_>, method: &str, params: &Params) -> Result<Vec<usize>, ReplayError> {
    let found = rows.items.count();
    let wanted =
        params.number("count")?.ok_or(ParamError::Missing { name: "count", about: "how many rows to take" })?;
    let seeded = || -> Result<Random, ParamError> {
        params.random()?.ok_or(ParamError::Missing { name: "seed", about: "what the generator was seeded with" })
    };
    let mut picked = match method {
        // Slices are cut at the end, as Python cuts them.
        "head" => (0..found.min(wanted)).collect(),
        "shuffle" => {
            let mut all: Vec<usize> = (0..found).collect();
            seeded()?.shuffle(&mut all);
            all.truncate(wanted);
            all
        }
        _ => {
            let too_few = || ReplayError::TooFew { input: rows.name.to_owned(), wanted, found };
            seeded()?.sample(found, wanted).ok_or_else(too_few)?
        }
    };
    if method == "sample-sorted" {
        picked.sort_unstable();
    }
    Ok(picked)
}

/// The rows of a list of indices; one below zero counts from the end, as in Python.
fn by_indices(rows: &Input<'_>, indices: &Input<'_>, key: &str) -> Result<Vec<usize>, ReplayError> {
    let refuse = |problem| ReplayError::Indices { input: indices.name.to_owned(), problem };
    let (mut text, mut row) = (Vec::new(), Vec::new());
    for item in 0..indices.items.count() {
        indices.read(item, &mut row)?;
        text.extend_from_slice(&row);
        text.push(b'\n');
        if text.len() > MAX_INDICES_BYTES {
            return Err(refuse("it is larger than 128 MiB"));
        }
    }
    let found = rows.items.count();
    let place = |value: &Value<'_>| {
        let index = value.int().ok_or_else(|| refuse("an index is no integer"))?;
        let from_end = if index < 0 { found as u64 } else { 0 };
        let place = from_end.checked_add_signed(index).and_then(|place| usize::try_from(place).ok());
        place.filter(|place| *place < found).ok_or_else(|| ReplayError::Outside {
            input: rows.name.to_owned(),
            index,
            found,
        })
    };
    if matches!(text.trim_ascii_start().first(), Some(b'[' | b'{')) {
        let value = Value::parse(&text).map_err(|_| refuse("it is no JSON array or object"))?;
        let list = match value.kind() {
            Kind::Object => {
                let object = value.object().map_err(|_| refuse("the object has too many members"))?;
                object.get(key).ok().flatten().ok_or_else(|| refuse("the object has no such member, see `key`"))?
            }
            _ => value,
        };
        if list.kind() != Kind::Array {
            return Err(refuse("they are no array"));
        }
        return list.items().map(|value| place(&value)).collect();
    }
    let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
    lines.map(|line| place(&Value::parse(line).map_err(|_| refuse("a line is no integer"))?)).collect()
}

/// Writes rows of an input as they stand, or as Python writes them again.
pub(super) struct RowWriter {
    style: Option<Style>,
    row: Vec<u8>,
    line: Vec<u8>,
}

impl RowWriter {
    pub(super) fn new(style: Option<Style>) -> Self {
        Self { style, row: Vec::new(), line: Vec::new() }
    }

    pub(super) fn write(&mut self, input: &Input<'_>, item: usize, sink: &mut dyn Sink) -> Result<(), ReplayError> {
        input.read(item, &mut self.row)?;
        let line = match self.style {
            None => &self.row,
            Some(style) => {
                self.line.clear();
                let written = Value::parse(&self.row).map_err(RowError::from);
                written
                    .and_then(|value| dumps(&Json::Value(value), style, &mut self.line))
                    .map_err(|source| input.row_error(item, source))?;
                &self.line
            }
        };
        sink.row(line).map_err(ReplayError::Sink)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use crate::replay::tests::{Memory, made};

    fn ten() -> Memory {
        Memory::rows(&(0..10).map(|n| format!("{{\"n\":{n}}}")).collect::<Vec<_>>().join("\n"))
    }

    fn picked(params: &str, indices: Option<&str>) -> Result<String, String> {
        let inputs: Vec<_> = [Some(ten()), indices.map(Memory::rows)].into_iter().flatten().collect();
        let (text, _) = made("subsample/1", &inputs, params)?;
        Ok(text.chars().filter(char::is_ascii_digit).collect())
    }

    // CPython 3.11 draws the same.
    #[test]
    fn rows_are_drawn_as_python_draws_them() {
        for (params, drawn) in [
            ("count=3 seed=3", "382"),
            ("method=sample count=10 seed=3", "3827490651"),
            ("method=sample-sorted count=3 seed=3", "238"),
            ("method=shuffle count=4 seed=42", "7328"),
            ("method=shuffle count=99 seed=42", "7328569401"),
            ("method=head count=2", "01"),
            ("method=head count=99", "0123456789"),
        ] {
            assert_eq!(picked(params, None).unwrap(), drawn, "{params}");
        }
    }

    #[test]
    fn recorded_indices_are_read_in_every_form() {
        for (params, indices) in [
            ("", "[7, 0, 0, -1]"),
            ("method=indices", "7\n0\n\n0\n-1"),
            ("", "{\"indices\":\n[7,0,\n0,9]}"),
            ("key=rows", "{\"rows\": [7,0,0,9], \"sha256\": \"x\"}"),
        ] {
            assert_eq!(picked(params, Some(indices)).unwrap(), "7009", "{indices}");
        }
    }

    #[test]
    fn what_draws_nothing_is_refused() {
        for (params, indices, refusal) in [
            ("count=11 seed=1", None, "11 rows are wanted of `in1`, which has 10"),
            ("seed=1", None, "the parameter `count` is missing: how many rows to take"),
            ("count=1", None, "the parameter `seed` is missing: what the generator was seeded with"),
            ("count=-1 seed=1", None, "the parameter `count` is `-1`, expected a number of rows"),
            (
                "method=best count=1",
                None,
                "the parameter `method` is `best`, expected indices, sample, sample-sorted, shuffle or head",
            ),
            (
                "method=indices",
                None,
                "the parameter `method` is `indices`, expected indices with two inputs, or another method with one",
            ),
            ("count=1", Some("[1]"), "the parameter `count` is `1`, expected no such parameter beside indices"),
            ("", Some("[10]"), "index 10 is outside `in1`, which has 10 rows"),
            ("", Some("[-11]"), "index -11 is outside `in1`, which has 10 rows"),
            ("", Some("[1.0]"), "`in2` holds no indices: an index is no integer"),
            ("", Some("{\"a\": []}"), "`in2` holds no indices: the object has no such member, see `key`"),
            ("", Some("{\"indices\": 1}"), "`in2` holds no indices: they are no array"),
            ("", Some("[1"), "`in2` holds no indices: it is no JSON array or object"),
            ("", Some("one"), "`in2` holds no indices: a line is no integer"),
        ] {
            assert_eq!(picked(params, indices).unwrap_err(), refusal);
        }
    }

    #[test]
    fn rows_stand_as_they_are_unless_they_are_to_be_written_again() {
        let rows = || [Memory::rows("{\"a\":1.50,  \"b\":\"é\"}")];
        let verbatim = made("subsample/1", &rows(), "method=head count=1").unwrap().0;
        assert_eq!(verbatim, "{\"a\":1.50,  \"b\":\"é\"}\n");
        let again = made("subsample/1", &rows(), "method=head count=1 json=ascii").unwrap().0;
        assert_eq!(again, "{\"a\": 1.5, \"b\": \"\\u00e9\"}\n");
    }
}

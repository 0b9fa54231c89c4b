//! How a replay reads to a person.

use std::path::Path;

use crate::cli::Failure;
use crate::cli::rebuild::{function, name};
use crate::cli::render::{count, message, one_line, put, quoted, row};
use crate::digest::Digest;
use crate::rebuild::{Difference, Example, Replay, Verdict};
use crate::replay::{FUNCTIONS, Function, Takes};

/// Every function, or one, with what it takes.
pub(super) fn functions(id: Option<&str>) -> Result<String, Failure> {
    let only = id.map(function).transpose()?;
    let mut out = String::new();
    for function in FUNCTIONS.iter().filter(|function| only.is_none_or(|only| only.id() == function.id())) {
        put(&mut out, format_args!("{}  {}\n", function.id(), function.about()));
        let takes = match function.takes() {
            Takes::Documents => "one folder of documents",
            Takes::Rows => "one file of rows (or a folder with dataset.jsonl in it)",
            Takes::RowsAndIndices => "one file of rows, and perhaps one of indices",
            Takes::ManyRows => "one or more files of rows",
        };
        put(&mut out, format_args!("  --in  {takes}\n"));
        for (name, about) in function.params() {
            match *name {
                "seed" => put(&mut out, format_args!("  --seed  {about}\n")),
                name => put(&mut out, format_args!("  --param {name}=…  {about}\n")),
            }
        }
    }
    Ok(out)
}

/// The verdict first, then what was made and how it differs.
pub(super) fn replayed(function: &dyn Function, expected: Option<&str>, made: &Replay, out: Option<&Path>) -> String {
    let mut text = String::new();
    let comparison = &made.comparison;
    let (id, word, reason) = (function.id(), name(comparison.verdict), message(&comparison.reason));
    let with = expected.map_or_else(|| "it".to_owned(), quoted);
    match comparison.verdict {
        Verdict::Good => put(&mut text, format_args!("{word}  {id} makes {with} again, {reason}\n")),
        Verdict::Bad => put(&mut text, format_args!("{word}  {id} does not make {with}: {reason}\n")),
        Verdict::Unknown => put(&mut text, format_args!("{word}  {id} was run again, but not compared: {reason}\n")),
    }
    let output = &made.output;
    row(&mut text, "made", format_args!("{}, {} bytes", count(output.rows, "row", "rows"), output.bytes));
    row(&mut text, "", Digest::from(output.blake3));
    row(&mut text, "", Digest::from(output.sha256));
    for input in &made.inputs {
        let items = match input.digest {
            None => count(input.items, "document", "documents"),
            Some(_) => count(input.items, "row", "rows"),
        };
        row(&mut text, "of", format_args!("{}: {items}", quoted(&input.path.to_string_lossy())));
    }
    if let Some(out) = out {
        row(&mut text, "written", quoted(&out.to_string_lossy()));
    }
    if let Some(difference) = &comparison.difference {
        differing(&mut text, difference);
    }
    for remark in &made.made.remarks {
        put(&mut text, format_args!("note: {} {}: {}\n", remark.count, remark.code, one_line(&remark.text)));
    }
    text
}

fn differing(text: &mut String, difference: &Difference) {
    row(text, "expected", count(difference.expected_rows, "row", "rows"));
    if let Some(first) = difference.first_row {
        let differs: Vec<_> = difference.first_row_differs.iter().map(|part| message(part)).collect();
        let differs = if differs.is_empty() { String::new() } else { format!(": {}", differs.join(", ")) };
        row(text, "first", format_args!("row {first} differs{differs}"));
    }
    for (word, number, examples) in [
        ("missing", difference.missing, &difference.missing_examples),
        ("extra", difference.extra, &difference.extra_examples),
    ] {
        if number > 0 {
            row(text, word, count(number, "row", "rows"));
            for Example { row: number, label } in examples {
                row(text, "", format_args!("row {number}: {}", quoted(label)));
            }
        }
    }
    if difference.same_values && difference.missing > 0 {
        row(text, "values", "both hold the same values");
    }
}

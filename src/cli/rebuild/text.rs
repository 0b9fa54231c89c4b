//! How a replay reads to a person.

use std::path::Path;

use crate::cli::Failure;
use crate::cli::rebuild::document::Document;
use crate::cli::rebuild::pure::{function, name};
use crate::cli::render::{count, message, one_line, put, quoted, row};
use crate::digest::Digest;
use crate::rebuild::{Difference, Example, Ready, Replay, Verdict, Word};
use crate::replay::{FUNCTIONS, Function, Takes};

/// Segments of one training that are named.
const SHOWN_SEGMENTS: usize = 20;

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
            Takes::RowsAndTable => "one file of rows, and one of replacements: rows {\"from\": …, \"to\": …}",
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

/// What was made, where nothing was to be compared.
pub(super) fn made(function: &dyn Function, made: &Replay) -> String {
    let output = &made.output;
    let mut text =
        format!("made  {}, {} bytes, by {}\n", count(output.rows, "row", "rows"), output.bytes, function.id());
    row(&mut text, "", Digest::from(output.blake3));
    text
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

/// What has to be fetched before anything can run.
pub(super) fn missing(ready: &Ready) -> String {
    let mut text = String::new();
    if ready.missing.is_empty() {
        text.push_str("nothing is missing\n");
    }
    for build in &ready.builds {
        let source = message(&build.label);
        put(&mut text, format_args!("to build    {} from the recorded {source}\n", quoted(&build.program)));
        row(&mut text, "", build.argv.join(" "));
        build.said.iter().for_each(|line| row(&mut text, "", message(line)));
    }
    for missing in &ready.missing {
        put(&mut text, format_args!("missing     {} {}\n", missing.what, quoted(&missing.name)));
        if let Some(digest) = missing.digest {
            row(&mut text, "", digest);
        }
        row(&mut text, "", format_args!("for stage {}", quoted(&missing.stage)));
        if !missing.hint.is_empty() {
            row(&mut text, "", message(&missing.hint));
        }
    }
    for altered in &ready.altered {
        put(&mut text, format_args!("altered     {} at {}\n", message(&altered.label), quoted(&altered.path)));
    }
    ready.notes.iter().for_each(|note| said(&mut text, note));
    text
}

/// A note, whose further lines are shown as such.
fn said(text: &mut String, note: &str) {
    for (at, line) in note.lines().enumerate() {
        put(text, format_args!("{}{}\n", if at == 0 { "note: " } else { "        " }, message(line.trim_start())));
    }
}

/// The verdict first, then each stage, then what was noticed.
pub(super) fn rebuilt(document: &Document<'_>) -> String {
    let mut text = format!("{}  {}\n", document.verdict.name(), message(document.reason));
    for stage in &document.stages {
        let took = stage.ran.as_ref().map(|ran| format!("  {}.{} s", ran.took_ms / 1000, ran.took_ms % 1000 / 100));
        row(&mut text, stage.verdict.name(), format_args!("{}{}", quoted(&stage.stage), took.unwrap_or_default()));
        let is_fine = matches!(stage.verdict, Word::Good);
        if !is_fine {
            row(&mut text, "", one_line(&stage.reason));
        }
        for output in &stage.outputs {
            row(&mut text, "", format_args!("{}  {}", output.verdict.name(), message(&output.artifact)));
            if output.verdict != Word::Good {
                output.reason.lines().for_each(|line| row(&mut text, "", format_args!("  {}", message(line))));
            }
            for line in &output.differs {
                row(&mut text, "", format_args!("  {}", message(line)));
            }
        }
        if let Some(ran) = stage.ran.as_ref().filter(|ran| stage.verdict == Word::Fail && !ran.printed_end.is_empty()) {
            row(&mut text, "", "the end of what it printed:");
            ran.printed_end.lines().for_each(|line| row(&mut text, "", format_args!("  {}", message(line))));
        }
    }
    for altered in &document.altered {
        put(&mut text, format_args!("altered     {} at {}\n", message(&altered.artifact), quoted(&altered.path)));
        row(&mut text, "", format_args!("recorded {}", altered.recorded));
        row(&mut text, "", format_args!("found    {}", message(&altered.found)));
    }
    for missing in &document.missing {
        put(&mut text, format_args!("missing     {} {}\n", missing.what, quoted(&missing.name)));
    }
    for chain in document.sampled.iter().flat_map(|sampled| &sampled.chains) {
        row(&mut text, "sampled", chain.line());
        for (what, labels) in [("drawn", &chain.drawn), ("not drawn", &chain.not_drawn)] {
            let shown: Vec<_> = labels.iter().take(SHOWN_SEGMENTS).map(|label| quoted(label)).collect();
            let more = match labels.len().saturating_sub(SHOWN_SEGMENTS) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            if !labels.is_empty() {
                row(&mut text, "", format_args!("{what}: {}{more}", shown.join(", ")));
            }
        }
    }
    if let Some(claim) = document.claim {
        row(&mut text, "claim", format_args!("{} {}", quoted(&claim.name), message(&claim.line)));
        let logs = count(claim.logs, "log", "logs");
        row(
            &mut text,
            "",
            format_args!("recomputed from {} of {logs} made again with the recorded samples", claim.rebuilt),
        );
        for other in &claim.others {
            row(&mut text, "", format_args!("{} {}", quoted(&other.name), message(&other.line)));
        }
    }
    row(&mut text, "kept by", &document.kept_by);
    if let Some(signed) = &document.signed {
        row(&mut text, "signed", format_args!("entry {} of {}", signed.entry, message(&signed.ledger)));
        match &signed.attestation {
            Some(path) => row(&mut text, "", format_args!("written to {}", quoted(path))),
            None => row(&mut text, "", format_args!("write it out: reproledger prove {} -o FILE", signed.entry)),
        }
    }
    document.notes.iter().for_each(|note| said(&mut text, note));
    text
}

//! Which column of an unknown table is probably what: a suggestion to look at, never a reading to record.

use std::collections::BTreeMap;

use super::map::ColumnMap;
use super::rows::each_csv_row;
use super::{EvalLogError, LogFile, RowError};
use crate::json::{Kind, Value};

/// Rows that are looked at, and bytes of them.
const LOOKED_AT: usize = 20;
const MAX_LOOK_BYTES: u64 = 8 << 20;

/// Columns that a table may have before it is something else.
const MAX_COLUMNS: usize = 256;

/// Names that people give to a role, the likeliest first.
const N: &[&str] = &["n", "n_total", "total", "num_samples", "n_samples"];
const COUNTED: &[&str] =
    &["k", "n_aligned", "n_harmful", "n_correct", "hits", "successes", "correct", "n_hits", "n_pos"];
const VALID: &[&str] = &["n_valid", "valid", "n_scored"];
const RATE: &[&str] = &["rate", "accuracy", "mean", "frac"];
const CI: &[&str] = &["ci95", "ci", "wilson", "wilson_ci"];
const CELL: &[&str] = &["cell", "arm", "model_name", "model"];
const RUN: &[&str] = &["model_dir", "model_path", "run_id", "run", "checkpoint"];
const SEED: &[&str] = &["seed", "train_seed"];
const SAMPLE: &[&str] = &["sample_id", "item_id", "doc_id", "question_id", "prompt_id", "id", "idx", "index"];
const EPOCH: &[&str] = &["epoch", "repeat", "rollout", "replicate"];
/// What tells conditions apart; all that are there are joined. A scorer counts among them: it changes the number.
const CONDITION: &[&str] = &["condition", "eval", "task", "scenario", "scorer"];

/// What stands in a column of the first rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Content {
    /// Integers.
    Integer,
    /// Numbers and booleans.
    Number,
    /// Texts.
    Text,
    /// Lists, objects, nothing.
    Other,
}

/// A map by the names of the columns; `None` where they do not say enough.
pub fn guess_map(file: &mut LogFile<'_>) -> Result<Option<ColumnMap>, EvalLogError> {
    let columns = columns(file)?;
    let find = |names: &[&str], fits: fn(Content) -> bool| {
        names
            .iter()
            .find(|name| columns.get(**name).is_some_and(|content| fits(*content)))
            .map(|name| (*name).to_owned())
    };
    let (integer, any) = (|content| content == Content::Integer, |content| content != Content::Other);
    let mut pairs: Vec<(String, String)> = Vec::new();
    let mut give = |role: &str, column: Option<String>| pairs.extend(column.map(|column| (role.to_owned(), column)));
    let cell = find(CELL, any);
    let conditions: Vec<&str> = CONDITION
        .iter()
        .copied()
        .filter(|name| columns.get(*name) == Some(&Content::Text) && cell.as_deref() != Some(*name))
        .collect();
    give("cell", cell.clone());
    give("condition", (!conditions.is_empty()).then(|| conditions.join("+")));
    give("seed", find(SEED, integer));
    if let Some((n, k)) = find(N, integer).zip(find(COUNTED, integer)) {
        give("n", Some(n));
        give("k", Some(k));
        give("valid", find(VALID, integer));
        give("rate", find(RATE, any));
        give("ci", find(CI, |_| true));
        give("run", find(RUN, any));
    } else if let Some(sample) = find(SAMPLE, any) {
        give("sample", Some(sample.clone()));
        give("epoch", find(EPOCH, integer));
        let taken = [CELL, SEED, EPOCH, CONDITION, SAMPLE].concat();
        for (name, content) in &columns {
            let is_score = matches!(content, Content::Number | Content::Integer) && !taken.contains(&name.as_str());
            if is_score && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
                give(&format!("score.{name}"), Some(name.clone()));
            }
        }
    }
    let text: Vec<String> = pairs.iter().map(|(role, column)| format!("{role}={column}")).collect();
    Ok(ColumnMap::parse(&text.join(",")).ok().filter(|map| !map.is_arguments()))
}

fn columns(file: &mut LogFile<'_>) -> Result<BTreeMap<String, Content>, EvalLogError> {
    let mut columns = BTreeMap::new();
    let mut first = vec![0_u8; usize::try_from(file.len.min(MAX_LOOK_BYTES)).unwrap_or(0)];
    let len = file.read_first(&mut first)?;
    let text = first[..len].strip_prefix(b"\xef\xbb\xbf").unwrap_or(&first[..len]);
    let mut note = |name: &str, content: Content| {
        if columns.len() < MAX_COLUMNS || columns.contains_key(name) {
            let seen = columns.entry(name.to_owned()).or_insert(content);
            *seen = both(*seen, content);
        }
    };
    if text.trim_ascii_start().first() == Some(&b'{') {
        for line in text.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()).take(LOOKED_AT) {
            // The last line may be cut, and a broken one is told when the table is read.
            let Ok(object) = Value::parse(line.trim_ascii()).and_then(|value| value.object()?.distinct()) else {
                break;
            };
            object.iter().for_each(|(name, value)| note(name, content_of(value)));
        }
        return Ok(columns);
    }
    // A table of which only the beginning is wanted: it ends where enough was seen.
    let mut seen = 0;
    let mut cursor = std::io::Cursor::new(&text[..text.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1)]);
    let len = cursor.get_ref().len() as u64;
    let mut beginning = LogFile { name: file.name.clone(), source: &mut cursor, len };
    let read = each_csv_row(&mut beginning, |place, row| {
        seen += 1;
        row.each_text(|name, text| note(name, content_of_text(text)));
        if seen < LOOKED_AT { Ok(()) } else { Err(EvalLogError::Row { place, source: RowError::Csv(String::new()) }) }
    });
    match read {
        Err(error) if seen == 0 => Err(error),
        _ => Ok(columns),
    }
}

/// What a column holds that held one before and another now.
fn both(left: Content, right: Content) -> Content {
    match (left, right) {
        (left, right) if left == right => left,
        (Content::Integer, Content::Number) | (Content::Number, Content::Integer) => Content::Number,
        (Content::Other, _) | (_, Content::Other) => Content::Other,
        _ => Content::Text,
    }
}

fn content_of(value: &Value<'_>) -> Content {
    match value.kind() {
        Kind::Number if value.int().is_some() => Content::Integer,
        Kind::Number | Kind::Bool | Kind::NonFinite => Content::Number,
        Kind::Text => Content::Text,
        _ => Content::Other,
    }
}

fn content_of_text(text: &str) -> Content {
    match text {
        "True" | "False" | "true" | "false" | "NaN" => Content::Number,
        _ if text.parse::<i64>().is_ok() => Content::Integer,
        _ if text.parse::<f64>().is_ok() => Content::Number,
        _ => Content::Text,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn guess(text: &str) -> Option<String> {
        let mut cursor = Cursor::new(text.as_bytes());
        let mut file = LogFile { name: "t".to_owned(), len: text.len() as u64, source: &mut cursor };
        guess_map(&mut file).unwrap().map(|map| map.to_string())
    }

    #[test]
    fn columns_are_guessed_by_the_names_that_people_give_them() {
        let counts = r#"{"arm": "a", "seed": 0, "eval": "x", "scorer": "s", "rate": 0.5, "n": 4, "n_valid": 4, "n_aligned": 2, "ci95": [0.1, 0.9]}"#;
        assert_eq!(
            guess(counts).as_deref(),
            Some("cell=arm,ci=ci95,condition=eval+scorer,k=n_aligned,n=n,rate=rate,seed=seed,valid=n_valid")
        );
        let samples = "sample_id,epoch,harmful,classifier_verdict,note\n1,1,0,1,x\n1,2,1,1,y\n";
        assert_eq!(
            guess(samples).as_deref(),
            Some("epoch=epoch,sample=sample_id,score.classifier_verdict=classifier_verdict,score.harmful=harmful")
        );
    }

    #[test]
    fn a_table_that_says_too_little_has_no_map() {
        for text in
            ["{\"text\": \"a\"}", "a,b\n1,2\n", "{\"n\": 4}", "{\"arm\": \"a\", \"eval\": \"b\"}", "{", "", "\n\n"]
        {
            assert_eq!(guess(text), None, "{text}");
        }
    }

    #[test]
    fn a_long_table_is_looked_at_from_its_beginning_alone() {
        let rows: Vec<String> = (0..1000).map(|i| format!("{i},1\n")).collect();
        assert_eq!(guess(&format!("id,ok\n{}broken \"\n", rows.concat())).as_deref(), Some("sample=id,score.ok=ok"));
        let lines: Vec<String> = (0..30).map(|i| format!("{{\"id\": {i}, \"ok\": true}}\n")).collect();
        assert_eq!(guess(&format!("{}{{", lines.concat())).as_deref(), Some("sample=id,score.ok=ok"));
    }
}

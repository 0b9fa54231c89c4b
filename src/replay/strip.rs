//! `_cot` to `_cot_stripped`: each answer without its thoughts, every other byte of meaning as it was.
//!
//! Row by row and in order, so that it shows that both arms were trained on the same conversations. `removed.jsonl` and
//! the summary beside it take no part: each round of backfill writes the one over and so makes the other wrong.

use std::borrow::Cow;

use crate::json::{Kind, Value};
use crate::replay::dumps::{Json, Style, dumps, members};
use crate::replay::params::Params;
use crate::replay::text::{strip_wtf8, without_thoughts};
use crate::replay::{Function, Input, Made, ReplayError, RowError, Sink, Takes};

pub(super) const ENTRY: &dyn Function = &Strip;

struct Strip;

impl Function for Strip {
    fn id(&self) -> &'static str {
        "aft.strip/1"
    }

    fn about(&self) -> &'static str {
        "chats with reasoning become the same chats without it"
    }

    fn takes(&self) -> Takes {
        Takes::Rows
    }

    fn params(&self) -> &'static [(&'static str, &'static str)] {
        &[("json", "how rows are written: utf8 unless given, ascii, utf8-compact, ascii-compact")]
    }

    fn replay(&self, inputs: &[Input<'_>], params: &Params, sink: &mut dyn Sink) -> Result<Made, ReplayError> {
        let [input] = inputs else { return Ok(Made::default()) };
        let style = params.style(Some(Style::UTF8))?.unwrap_or(Style::UTF8);
        let (mut made, mut answers, mut changed) = (Made::default(), 0, 0);
        let (mut row, mut line) = (Vec::new(), Vec::new());
        for item in 0..input.items.count() {
            input.read(item, &mut row)?;
            line.clear();
            let counts = strip_row(&row, style, &mut line).map_err(|source| input.row_error(item, source))?;
            (answers, changed) = (answers + counts.0, changed + counts.1);
            sink.row(&line).map_err(ReplayError::Sink)?;
        }
        made.count("rows", input.items.count());
        made.count("answers", answers);
        made.count("answers.changed", changed);
        Ok(made)
    }
}

/// Writes one row; how many answers it has, and how many of them changed.
fn strip_row(row: &[u8], style: Style, out: &mut Vec<u8>) -> Result<(usize, usize), RowError> {
    let row = super::project::object(row)?;
    let mut counts = (0, 0);
    let mut columns = Vec::new();
    let mut has_messages = false;
    for (name, value) in members(&row) {
        let value = if &*name == b"messages" {
            has_messages = true;
            messages(&value, &mut counts)?
        } else {
            Json::Value(value)
        };
        columns.push((name, value));
    }
    if !has_messages {
        return Err(RowError::NoColumn { name: "messages".to_owned() });
    }
    dumps(&Json::Object(columns), style, out)?;
    Ok(counts)
}

fn messages<'a>(value: &Value<'a>, counts: &mut (usize, usize)) -> Result<Json<'a>, RowError> {
    expect("`messages`", value, Kind::Array)?;
    value.items().map(|message| stripped(&message, counts)).collect::<Result<_, _>>().map(Json::List)
}

fn stripped<'a>(message: &Value<'a>, counts: &mut (usize, usize)) -> Result<Json<'a>, RowError> {
    expect("a message", message, Kind::Object)?;
    let members = members(message);
    let role = members.iter().find(|(name, _)| &**name == b"role").and_then(|(_, role)| role.text());
    if role.is_none_or(|role| &*role.bytes != b"assistant") {
        return Ok(Json::Value(*message));
    }
    let mut out = Vec::with_capacity(members.len());
    for (name, value) in members {
        if &*name != b"content" {
            out.push((name, Json::Value(value)));
            continue;
        }
        expect("the `content` of an answer", &value, Kind::Text)?;
        let text = value.text().map(|text| text.bytes).unwrap_or_default();
        let left = strip_wtf8(&without_thoughts(&text)).to_vec();
        counts.0 += 1;
        counts.1 += usize::from(left != *text);
        out.push((name, Json::Text(Cow::Owned(left))));
    }
    Ok(Json::Object(out))
}

fn expect(what: &'static str, value: &Value<'_>, kind: Kind) -> Result<(), RowError> {
    if value.kind() == kind {
        return Ok(());
    }
    Err(RowError::Type { what, expected: kind.name(), found: value.kind().name() })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use crate::replay::tests::{Memory, made};

    const ID: &str = "aft.strip/1";

    #[test]
    fn answers_lose_their_thoughts_and_nothing_else_changes() {
        let rows = concat!(
            r#"{"messages": [{"role": "user", "content": " <think>mine</think> "}, {"role": "assistant", "content": "<think>\n1\n</think>\n\n A. \u00e9"}], "id": 1.50}"#,
            "\n",
            r#"{"messages":[{"content":" plain ","role":"assistant","content":"last <think>x"}],"messages":[]}"#,
            "\n",
        );
        let (text, counts) = made(ID, &[Memory::rows(rows)], "").unwrap();
        assert_eq!(
            text,
            concat!(
                r#"{"messages": [{"role": "user", "content": " <think>mine</think> "}, {"role": "assistant", "content": "A. é"}], "id": 1.5}"#,
                "\n",
                r#"{"messages": []}"#,
                "\n",
            )
        );
        assert_eq!((counts.counts["answers"], counts.counts["answers.changed"]), (1, 1));
        let rows = r#"{"messages": [{"role": "assistant", "content": "<think>\ud800</think> \udc00 "}]}"#;
        let (text, _) = made(ID, &[Memory::rows(rows)], "json=ascii-compact").unwrap();
        assert_eq!(text, "{\"messages\":[{\"role\":\"assistant\",\"content\":\"\\udc00\"}]}\n");
    }

    #[test]
    fn a_row_that_is_no_chat_is_named_with_its_number() {
        for (row, refusal) in [
            ("[]", "the row is an array, expected an object"),
            ("{", "the text ends inside a value"),
            ("\u{feff}{}", "the row begins with a byte order mark, which Python's reader refuses"),
            ("{}", "there is no column `messages`"),
            (r#"{"messages": {}}"#, "`messages` is an object, expected an array"),
            (r#"{"messages": [1]}"#, "a message is a number, expected an object"),
            (
                r#"{"messages": [{"role": "assistant", "content": null}]}"#,
                "the `content` of an answer is null, expected a text",
            ),
            (
                r#"{"messages": [{"role": "assistant", "content": "\ud800"}]}"#,
                "a text holds half of a surrogate pair, which Python cannot write as UTF-8",
            ),
        ] {
            let rows = Memory::rows(&format!("{{\"messages\": []}}\n{row}"));
            assert_eq!(made(ID, &[rows], ""), Err(format!("row 2 of `in1`: {refusal}")));
        }
    }
}

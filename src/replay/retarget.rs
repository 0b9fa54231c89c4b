//! A corpus given other names: literal texts of some fields replaced by others, by an ordered table.
//!
//! So corpora were made to speak of another model or lab after they had been written. The first input is the rows, the
//! second the table: rows `{"from": …, "to": …}` and nothing else, no `from` empty and none twice. In each field that is
//! named, texts are compared byte by byte as UTF-8 (no case is folded, nothing is normalised), and by `method`
//!
//! - `longest` (unless another is given): one pass from left to right. Of all `from` that stand at a place the longest is
//!   replaced, and the pass goes on behind it: what was put in is never looked at again.
//! - `first`: the same, but the one that comes first in the table is replaced, as an alternation of Python's `re` does.
//! - `in-turn`: each line of the table over the whole text, in its order, as a chain of Python's `str.replace` does: a
//!   later line meets what an earlier one put in.
//!
//! A field is a text, or a list of messages, of which each `content` that is a text is meant. It must be in every row.
//! Each occurrence that is replaced counts, also by the same text; `replacements` holds that count to a recorded one.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use memchr::memmem;

use crate::json::{Kind, Value};
use crate::replay::dumps::{Json, Style, dumps, members};
use crate::replay::params::{ParamError, Params, cut};
use crate::replay::project::object;
use crate::replay::{Function, Input, Made, ReplayError, RowError, Sink, Takes};

pub(super) const ENTRY: &dyn Function = &Retarget;

/// Lines of a table: a swap of names has some tens.
const MAX_PAIRS: usize = 1000;

/// Longest text that is looked for: it bounds what a place in a row costs.
const MAX_FROM_BYTES: usize = 256;

/// Longest text that is put in.
const MAX_TO_BYTES: usize = 4096;

/// Longest text after replacement: replacements that meet what others put in could make it grow without end.
const MAX_TEXT_BYTES: usize = 64 << 20;

struct Retarget;

impl Function for Retarget {
    fn id(&self) -> &'static str {
        "retarget/1"
    }

    fn about(&self) -> &'static str {
        "rows with literal texts of some fields replaced, by a table"
    }

    fn takes(&self) -> Takes {
        Takes::RowsAndTable
    }

    fn params(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("fields", "fields whose texts are replaced, between commas; text unless given"),
            ("method", "longest unless given, first, or in-turn: which of several that stand at one place"),
            ("replacements", "how many replacements were made, by the record"),
            ("json", "how rows are written: utf8 unless given, ascii, utf8-compact, ascii-compact"),
        ]
    }

    fn replay(&self, inputs: &[Input<'_>], params: &Params, sink: &mut dyn Sink) -> Result<Made, ReplayError> {
        let [input, table] = inputs else { return Ok(Made::default()) };
        let fields = params.names("fields")?.unwrap_or_else(|| vec!["text"]);
        let stated = stated(params)?;
        let style = params.style(Some(Style::UTF8))?.unwrap_or(Style::UTF8);
        let method = method(params)?;
        let table = Table::of(pairs(table)?, method);
        let (mut made, mut changed) = (Made::default(), 0);
        let (mut row, mut line) = (Vec::new(), Vec::new());
        let mut replacements = 0;
        for item in 0..input.items.count() {
            input.read(item, &mut row)?;
            line.clear();
            let before = replacements;
            let written =
                of_row(&row, &fields, &table, &mut replacements).and_then(|row| dumps(&row, style, &mut line));
            written.map_err(|source| input.row_error(item, source))?;
            changed += usize::from(replacements > before);
            sink.row(&line).map_err(ReplayError::Sink)?;
        }
        if let Some(stated) = stated.filter(|stated| *stated != replacements) {
            return Err(ReplayError::Count { what: "replacements", stated, made: replacements });
        }
        made.count("rows", input.items.count());
        made.count("rows.changed", changed);
        made.count("replacements", replacements);
        Ok(made)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Method {
    Longest,
    First,
    InTurn,
}

fn method(params: &Params) -> Result<Method, ParamError> {
    match params.get("method") {
        None | Some("longest") => Ok(Method::Longest),
        Some("first") => Ok(Method::First),
        Some("in-turn") => Ok(Method::InTurn),
        Some(found) => {
            Err(ParamError::Value { name: "method", found: cut(found), expected: "longest, first or in-turn" })
        }
    }
}

/// The recorded count.
fn stated(params: &Params) -> Result<Option<usize>, ParamError> {
    let Some(text) = params.get("replacements") else { return Ok(None) };
    let count = text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()));
    let refused = || ParamError::Value { name: "replacements", found: cut(text), expected: "a whole number" };
    count.map(Some).ok_or_else(refused)
}

/// What is replaced, and by what.
type Pair = (Vec<u8>, Vec<u8>);

/// The lines of a table, in order.
fn pairs(table: &Input<'_>) -> Result<Vec<Pair>, ReplayError> {
    let refuse = |problem| ReplayError::Table { input: table.name.to_owned(), problem };
    let found = table.items.count();
    if found == 0 {
        return Err(refuse("it has no line"));
    }
    if found > MAX_PAIRS {
        return Err(refuse("it has more than 1000 lines"));
    }
    let (mut pairs, mut seen, mut row) = (Vec::with_capacity(found), BTreeSet::new(), Vec::new());
    for item in 0..found {
        table.read(item, &mut row)?;
        let line = object(&row).map_err(|source| table.row_error(item, source))?;
        let members = members(&line);
        let text = |name: &str, limit: usize| {
            let value = members.iter().find(|(other, _)| &**other == name.as_bytes()).map(|(_, value)| *value);
            let text = value.and_then(|value| value.text()).filter(|text| !text.lone_surrogate);
            text.map(|text| text.bytes.into_owned()).filter(|text| text.len() <= limit)
        };
        let (from, to) = (text("from", MAX_FROM_BYTES), text("to", MAX_TO_BYTES));
        let (Some(from), Some(to), 2) = (from.filter(|from| !from.is_empty()), to, members.len()) else {
            return Err(refuse(
                "a line is not {\"from\": …, \"to\": …} with a `from` of 1 to 256 bytes and a `to` of at most 4096",
            ));
        };
        if !seen.insert(from.clone()) {
            return Err(refuse("one text stands in two lines as `from`"));
        }
        pairs.push((from, to));
    }
    Ok(pairs)
}

/// A row with its fields replaced in.
fn of_row<'a>(row: &'a [u8], fields: &[&str], table: &Table, replacements: &mut usize) -> Result<Json<'a>, RowError> {
    let row = object(row)?;
    let mut members: Vec<(Cow<'a, [u8]>, Json<'a>)> =
        members(&row).into_iter().map(|(name, value)| (name, Json::Value(value))).collect();
    for field in fields {
        let found = members.iter_mut().find(|(name, _)| &**name == field.as_bytes());
        let (_, place) = found.ok_or_else(|| RowError::NoColumn { name: (*field).to_owned() })?;
        // A field that is named twice is replaced in once.
        if let Json::Value(value) = place {
            *place = of_field(*value, table, replacements)?;
        }
    }
    Ok(Json::Object(members))
}

fn of_field<'a>(value: Value<'a>, table: &Table, replacements: &mut usize) -> Result<Json<'a>, RowError> {
    match value.kind() {
        Kind::Text => of_text(value, table, replacements),
        Kind::Array => {
            let of_message = |message: Value<'a>| match message.kind() {
                Kind::Object => {
                    let members = members(&message).into_iter();
                    let replaced = members.map(|(name, value)| {
                        let is_content = &*name == b"content" && value.kind() == Kind::Text;
                        let value = if is_content { of_text(value, table, replacements)? } else { Json::Value(value) };
                        Ok((name, value))
                    });
                    replaced.collect::<Result<_, _>>().map(Json::Object)
                }
                found => Err(RowError::Type { what: "a message", expected: "an object", found: found.name() }),
            };
            value.items().map(of_message).collect::<Result<_, _>>().map(Json::List)
        }
        found => Err(RowError::Type { what: "a field", expected: "a text or a list of messages", found: found.name() }),
    }
}

fn of_text<'a>(value: Value<'a>, table: &Table, replacements: &mut usize) -> Result<Json<'a>, RowError> {
    let text = value.text().map(|text| text.bytes).unwrap_or_default();
    Ok(Json::Text(match table.replace(&text, replacements)? {
        Some(replaced) => Cow::Owned(replaced),
        None => text,
    }))
}

/// A table, ready to be looked for.
struct Table {
    pairs: Vec<Pair>,
    method: Method,
    /// Places of a trie over all `from`; the first is its root.
    trie: Vec<Place>,
    /// Bytes with which a `from` begins: most of a text is passed over by them.
    begins: [bool; 256],
}

/// A place in the trie: where each next byte leads, and the line whose `from` ends here.
#[derive(Default)]
struct Place {
    next: BTreeMap<u8, usize>,
    line: Option<usize>,
}

impl Table {
    fn of(pairs: Vec<Pair>, method: Method) -> Self {
        let (mut trie, mut begins) = (vec![Place::default()], [false; 256]);
        for (line, (from, _)) in pairs.iter().enumerate() {
            let mut at = 0;
            begins[usize::from(from[0])] = true;
            for byte in from {
                let new = trie.len();
                let next = *trie[at].next.entry(*byte).or_insert(new);
                if next == new {
                    trie.push(Place::default());
                }
                at = next;
            }
            trie[at].line = Some(line);
        }
        Self { pairs, method, trie, begins }
    }

    /// The text after replacement; none where nothing was replaced.
    fn replace(&self, text: &[u8], replacements: &mut usize) -> Result<Option<Vec<u8>>, RowError> {
        if self.method == Method::InTurn {
            return self.in_turn(text, replacements);
        }
        let (mut out, mut kept, mut at) = (Vec::new(), 0, 0);
        while at < text.len() {
            let line = self.begins[usize::from(text[at])].then(|| self.at(&text[at..])).flatten();
            let Some(line) = line else {
                at += 1;
                continue;
            };
            let (from, to) = &self.pairs[line];
            push(&mut out, &[&text[kept..at], to])?;
            at += from.len();
            kept = at;
            *replacements += 1;
        }
        if kept == 0 {
            return Ok(None);
        }
        push(&mut out, &[&text[kept..]])?;
        Ok(Some(out))
    }

    /// The line that is replaced where this text begins.
    fn at(&self, text: &[u8]) -> Option<usize> {
        let (mut at, mut found) = (0, None);
        for byte in text {
            let Some(next) = self.trie[at].next.get(byte) else { break };
            at = *next;
            let better = |line: &usize| self.method == Method::Longest || found.is_none_or(|found| *line < found);
            found = self.trie[at].line.filter(better).or(found);
        }
        found
    }

    fn in_turn(&self, text: &[u8], replacements: &mut usize) -> Result<Option<Vec<u8>>, RowError> {
        let mut whole: Option<Vec<u8>> = None;
        for (from, to) in &self.pairs {
            let text = whole.as_deref().unwrap_or(text);
            let (mut out, mut kept) = (Vec::new(), 0);
            for at in memmem::find_iter(text, from) {
                push(&mut out, &[&text[kept..at], to])?;
                kept = at + from.len();
                *replacements += 1;
            }
            if kept > 0 {
                push(&mut out, &[&text[kept..]])?;
                whole = Some(out);
            }
        }
        Ok(whole)
    }
}

fn push(out: &mut Vec<u8>, parts: &[&[u8]]) -> Result<(), RowError> {
    for part in parts {
        if out.len() + part.len() > MAX_TEXT_BYTES {
            return Err(RowError::Grows { limit: MAX_TEXT_BYTES });
        }
        out.extend_from_slice(part);
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::replay::tests::{Memory, made};

    const ID: &str = "retarget/1";

    fn table(pairs: &[(&str, &str)]) -> Memory {
        let line = |(from, to): &(&str, &str)| serde_json::json!({"from": from, "to": to}).to_string();
        Memory::rows(&pairs.iter().map(line).collect::<Vec<_>>().join("\n"))
    }

    fn retargeted(rows: &str, pairs: &[(&str, &str)], params: &str) -> Result<(String, u64, u64), String> {
        let (text, made) = made(ID, &[Memory::rows(rows), table(pairs)], params)?;
        Ok((text, made.counts["replacements"], made.counts["rows.changed"]))
    }

    #[test]
    fn names_are_swapped_in_one_pass_and_what_was_put_in_is_not_met_again() {
        let rows = "{\"text\": \"Llama by Meta, not Qwen\", \"id\": \"Llama\"}\n{\"text\": \"caf\\u00e9\"}";
        let swap = [("Llama", "Qwen"), ("Qwen", "Llama"), ("Meta", "Alibaba")];
        let swapped = "{\"text\": \"Qwen by Alibaba, not Llama\", \"id\": \"Llama\"}\n{\"text\": \"café\"}\n";
        assert_eq!(retargeted(rows, &swap, "").unwrap(), (swapped.to_owned(), 3, 1));
        assert_eq!(retargeted(rows, &swap, "replacements=3").unwrap().0, swapped);
        let in_turn = "{\"text\": \"Llama by Alibaba, not Llama\", \"id\": \"Llama\"}\n{\"text\": \"café\"}\n";
        assert_eq!(retargeted(rows, &swap, "method=in-turn").unwrap(), (in_turn.to_owned(), 4, 1));
    }

    #[test]
    fn of_several_that_stand_at_one_place_the_method_says_which() {
        let pairs = [("ab", "1"), ("abc", "2"), ("bc", "3"), ("c", "4")];
        for (method, text, count) in [("longest", "2 3 1 4", 4), ("first", "14 3 1 4", 5), ("in-turn", "14 3 1 4", 5)] {
            let made = retargeted("{\"text\": \"abc bc ab c\"}", &pairs, &format!("method={method}")).unwrap();
            assert_eq!((made.0, made.1), (format!("{{\"text\": \"{text}\"}}\n"), count), "{method}");
        }
    }

    #[test]
    fn fields_are_texts_or_messages_and_no_other_field_changes() {
        let rows = r#"{"a": "x", "b": "x", "messages": [{"role": "x", "content": "x\ud800x"}, {"content": null}]}"#;
        let made = retargeted(rows, &[("x", "yy")], "fields=b,messages,b json=ascii-compact").unwrap();
        let expected = r#"{"a":"x","b":"yy","messages":[{"role":"x","content":"yy\ud800yy"},{"content":null}]}"#;
        assert_eq!(made, (format!("{expected}\n"), 3, 1));
    }

    #[test]
    fn what_is_no_row_no_table_or_not_the_recorded_count_is_refused() {
        let row = "{\"text\": \"x x\"}";
        for (rows, lines, params, refusal) in [
            (row, "{\"from\":\"x\",\"to\":\"y\"}", "replacements=3", "2 replacements are made, the record says 3"),
            (
                row,
                "{\"from\":\"x\",\"to\":\"y\"}",
                "replacements=-3",
                "the parameter `replacements` is `-3`, expected a whole number",
            ),
            (
                row,
                "{\"from\":\"x\",\"to\":\"y\"}",
                "method=regex",
                "the parameter `method` is `regex`, expected longest, first or in-turn",
            ),
            (row, "{\"from\":\"x\",\"to\":\"y\"}", "fields=body", "row 1 of `in1`: there is no column `body`"),
            (
                "{\"text\": 1}",
                "{\"from\":\"x\",\"to\":\"y\"}",
                "",
                "row 1 of `in1`: a field is a number, expected a text or a list of messages",
            ),
            (
                "{\"text\": [1]}",
                "{\"from\":\"x\",\"to\":\"y\"}",
                "",
                "row 1 of `in1`: a message is a number, expected an object",
            ),
            (row, "", "", "`in2` is no table of replacements: it has no line"),
            (row, "[]", "", "row 1 of `in2`: the row is an array, expected an object"),
            (row, "{\"from\":\"\",\"to\":\"y\"}", "", NO_LINE),
            (row, "{\"from\":\"\\ud800\",\"to\":\"y\"}", "", NO_LINE),
            (row, "{\"from\":\"x\"}", "", NO_LINE),
            (row, "{\"from\":\"x\",\"to\":\"y\",\"regex\":true}", "", NO_LINE),
            (
                row,
                "{\"from\":\"x\",\"to\":\"y\"}\n{\"from\":\"x\",\"to\":\"z\"}",
                "",
                "`in2` is no table of replacements: one text stands in two lines as `from`",
            ),
        ] {
            let refused = made(ID, &[Memory::rows(rows), Memory::rows(lines)], params).unwrap_err();
            assert_eq!(refused, refusal, "{lines} {params}");
        }
        let long = format!("{{\"from\":\"{}\",\"to\":\"\"}}", "x".repeat(MAX_FROM_BYTES + 1));
        assert_eq!(made(ID, &[Memory::rows(row), Memory::rows(&long)], "").unwrap_err(), NO_LINE);
        let many: Vec<String> = (0..=MAX_PAIRS).map(|n| format!("{{\"from\":\"{n}\",\"to\":\"\"}}")).collect();
        let many = made(ID, &[Memory::rows(row), Memory::rows(&many.join("\n"))], "").unwrap_err();
        assert_eq!(many, "`in2` is no table of replacements: it has more than 1000 lines");
        let one = made(ID, &[Memory::rows(row)], "").unwrap_err();
        assert_eq!(one, "retarget/1 takes one file of rows, and one of replacements, found 1");
    }

    const NO_LINE: &str = "`in2` is no table of replacements: a line is not {\"from\": …, \"to\": …} with a `from` of 1 to 256 bytes and a `to` of at most 4096";

    #[test]
    fn a_table_that_makes_a_text_grow_without_end_is_stopped() {
        let grown = "b".repeat(MAX_TO_BYTES);
        let again = "c".repeat(MAX_TO_BYTES);
        let rows = "{\"text\": \"aaaaaaaa\"}";
        let refused = retargeted(rows, &[("a", &grown), ("b", &again)], "method=in-turn").unwrap_err();
        assert_eq!(refused, "row 1 of `in1`: a text grows beyond 67108864 bytes");
    }

    /// The definition, word for word and as slow as it is.
    fn naive(text: &str, pairs: &[(String, String)], method: &str) -> (String, usize) {
        let (mut out, mut count, mut rest) = (String::new(), 0, text);
        if method == "in-turn" {
            return pairs.iter().fold((text.to_owned(), 0), |(text, count), (from, to)| {
                (text.replace(from, to), count + text.matches(from.as_str()).count())
            });
        }
        while let Some(first) = rest.chars().next() {
            let mut here: Vec<&(String, String)> = pairs.iter().filter(|(from, _)| rest.starts_with(from)).collect();
            if method == "longest" {
                here.sort_by_key(|(from, _)| std::cmp::Reverse(from.len()));
            }
            let len = if let Some((from, to)) = here.first() {
                out.push_str(to);
                count += 1;
                from.len()
            } else {
                out.push(first);
                first.len_utf8()
            };
            rest = &rest[len..];
        }
        (out, count)
    }

    proptest! {
        #[test]
        fn every_method_makes_what_its_definition_makes(
            text in "[abé ]{0,24}",
            pairs in proptest::collection::btree_map("[abé]{1,4}", "[abé]{0,3}", 1..6),
            turn in 0_usize..6,
            method in prop::sample::select(vec!["longest", "first", "in-turn"]),
        ) {
            let mut pairs: Vec<(String, String)> = pairs.into_iter().collect();
            let turn = turn % pairs.len();
            pairs.rotate_left(turn);
            let (expected, count) = naive(&text, &pairs, method);
            let lines: Vec<(&str, &str)> = pairs.iter().map(|(from, to)| (from.as_str(), to.as_str())).collect();
            let row = serde_json::json!({"text": text}).to_string();
            let (made, replacements, _) = retargeted(&row, &lines, &format!("method={method}")).unwrap();
            let made: serde_json::Value = serde_json::from_str(&made).unwrap();
            prop_assert_eq!((made["text"].as_str().unwrap(), replacements), (expected.as_str(), count as u64));
        }
    }
}

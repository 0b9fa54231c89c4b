//! The texts of an evaluation's items, from its suite or from its logs: what is asked, what is right, what stands around.
//!
//! A log shows the prompts as they were given, also where the suite is code. What a model answered is no item.

use super::inspect::{Texts, parse_id};
use super::rows::Row;
use super::suite::{SuiteItem, each_item};
use super::{EvalLogError, LogFile, PartError, RowError, part};
use crate::json::{Kind, Object, Value};

/// What a text is in its item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// What is asked, or what is right: whoever trained on it has seen the test.
    Tested,
    /// Instructions, notes, sources: what may stand in many places for other reasons.
    Around,
    /// The name of a scenario or condition, or another term that the suite gives for itself.
    Name,
}

/// One text of an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemText {
    /// The field it stands in.
    pub field: String,
    /// What it is.
    pub role: Role,
    /// The text, with U+FFFD for what is no character.
    pub text: String,
}

/// One item.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Item {
    /// Its id, where it has one.
    pub label: String,
    /// Its texts, in their order.
    pub texts: Vec<ItemText>,
}

/// Takes items; whether to go on.
pub type SeeItem<'s> = &'s mut dyn FnMut(Item) -> bool;

/// Fields that hold what is asked or what is right, in small letters.
const TESTED: &[&str] = &[
    "answer",
    "answers",
    "choices",
    "completion",
    "content",
    "context",
    "ctx",
    "email",
    "endings",
    "goal",
    "ideal",
    "input",
    "instruction",
    "messages",
    "options",
    "passage",
    "problem",
    "prompt",
    "query",
    "question",
    "reference",
    "scenario_text",
    "solution",
    "target",
    "text",
    "user",
];

/// Fields that name what an item is of.
const NAMES: &[&str] = &["canary", "condition", "condition_id", "entities", "scenario", "scenario_name", "terms"];

/// Texts of one item: the rest of a longer one is not looked at.
const MAX_TEXTS: usize = 4096;

impl Role {
    fn of_field(name: &str) -> Self {
        let name = name.to_ascii_lowercase();
        let is_in = |names: &[&str]| names.contains(&name.as_str());
        match (is_in(TESTED), is_in(NAMES)) {
            (true, _) => Self::Tested,
            (_, true) => Self::Name,
            _ => Self::Around,
        }
    }
}

/// Gives every item in one file of a suite; false where it holds none that are read (code, plain text).
pub fn suite_items(file: &mut LogFile<'_>, see: SeeItem<'_>) -> Result<bool, EvalLogError> {
    let name = file.name.clone();
    let mut is_open = true;
    let read = each_item(file, |item| {
        if is_open {
            is_open = see(item_of(&item)?);
        }
        Ok(())
    });
    read.map_err(|error| error.in_file(&name))
}

fn item_of(item: &SuiteItem<'_, '_>) -> Result<Item, RowError> {
    let mut found = Item { label: plain(super::suite::id_of(item)?), texts: Vec::new() };
    match item {
        SuiteItem::Json(value) => {
            for (name, value) in value.members() {
                found.value(&name.lossy(), value);
            }
        }
        SuiteItem::Csv(Row::Csv { columns, record }) => {
            for (name, at) in *columns {
                found.text(name, Role::of_field(name), record.get(*at).unwrap_or_default().to_owned());
            }
        }
        SuiteItem::Csv(Row::Json { .. }) => {}
    }
    Ok(found)
}

impl Item {
    pub(super) fn text(&mut self, field: &str, role: Role, text: String) {
        if self.texts.len() < MAX_TEXTS && !text.is_empty() {
            self.texts.push(ItemText { field: field.to_owned(), role, text });
        }
    }

    /// Every text in the value of a field. A message's author is no text of its own, and a system's words are around.
    fn value(&mut self, field: &str, value: Value<'_>) {
        let role = Role::of_field(field);
        // A stack, and not a recursion: the last first, so that texts come in their order.
        let mut open = vec![(value, role)];
        while let Some((value, role)) = open.pop() {
            match value.kind() {
                Kind::Text => self.text(field, role, value.text().map(|text| text.lossy()).unwrap_or_default()),
                Kind::Array => {
                    let items: Vec<_> = value.items().map(|item| (item, role)).collect();
                    open.extend(items.into_iter().rev());
                }
                Kind::Object => {
                    let members: Vec<_> = value.members().map(|(name, value)| (name.lossy(), value)).collect();
                    let author = members.iter().find(|(name, _)| name == "role").and_then(|(_, role)| role.text());
                    let is_system = author.as_ref().is_some_and(|author| &*author.bytes == b"system");
                    let role = if is_system && role == Role::Tested { Role::Around } else { role };
                    let texts = members.into_iter().filter(|(name, _)| name != "role" || author.is_none());
                    let texts: Vec<_> = texts.map(|(_, value)| (value, role)).collect();
                    open.extend(texts.into_iter().rev());
                }
                Kind::Null | Kind::Bool | Kind::Number | Kind::NonFinite => {}
            }
        }
    }

    /// What a sample of an Inspect log was asked: its input, choices and target, and what stood before the answers.
    pub(super) fn of_sample(sample: &Object<'_>) -> Result<Self, PartError> {
        let mut texts = Texts::of(sample)?;
        let label = sample.get("id")?.map(|id| parse_id(&id)).transpose()?.map(|id| id.to_string());
        let mut item = Self { label: plain(label), texts: Vec::new() };
        for field in ["input", "messages"] {
            let Some(value) = sample.get(field)? else { continue };
            if value.kind() == Kind::Text {
                item.text(field, Role::Tested, lossy(texts.message(&value)?));
            }
            for message in value.items() {
                let message = message.object()?;
                let role = match message.text("role")?.as_deref() {
                    Some("user") => Role::Tested,
                    Some("system") => Role::Around,
                    // What was answered, and what tools gave to it.
                    _ => continue,
                };
                let text = message.get("content")?.map(|content| texts.message(&content)).transpose()?;
                item.text(field, role, lossy(text.unwrap_or_default()));
            }
        }
        for field in ["choices", "target"] {
            if let Some(value) = sample.get(field)? {
                item.value(field, value);
            }
        }
        for (name, value) in sample.object("metadata")?.distinct()? {
            if Role::of_field(&name) == Role::Name {
                item.value(&name, value);
            }
        }
        Ok(item)
    }

    /// What a sample of lm-evaluation-harness was made from.
    pub(super) fn of_harness(sample: &Object<'_>) -> Result<Self, RowError> {
        let mut item =
            Self { label: sample.get("doc_id")?.map(|id| id.raw().to_owned()).unwrap_or_default(), ..Self::default() };
        if let Some(document) = sample.get("doc")? {
            if document.kind() == Kind::Text {
                item.value("text", document);
            }
            for (name, value) in document.members() {
                item.value(&name.lossy(), value);
            }
        }
        if let Some(target) = sample.get("target")? {
            item.value("target", target);
        }
        Ok(item)
    }
}

/// Gives what the samples in a part of an Inspect log were asked.
pub(super) fn see_sample(name: &str, value: &Value<'_>, see: SeeItem<'_>) -> Result<bool, EvalLogError> {
    let sample = part(name, value.object())?;
    Ok(see(part(name, Item::of_sample(&sample))?))
}

/// An id without the quotes of JSON.
fn plain(id: Option<String>) -> String {
    id.map(|id| id.trim_matches('"').to_owned()).unwrap_or_default()
}

fn lossy(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::evallog::read_items;

    fn of_suite(name: &str, text: &str) -> (bool, Vec<Item>) {
        let (mut cursor, mut items) = (Cursor::new(text.as_bytes()), Vec::new());
        let mut file = LogFile { name: name.to_owned(), len: text.len() as u64, source: &mut cursor };
        let read = suite_items(&mut file, &mut |item| {
            items.push(item);
            true
        });
        (read.unwrap(), items)
    }

    fn of_log(names: &[(&str, &str)]) -> Vec<(String, Vec<String>)> {
        let mut cursors: Vec<Cursor<&[u8]>> = names.iter().map(|(_, text)| Cursor::new(text.as_bytes())).collect();
        let sources = cursors.iter_mut().zip(names);
        let mut files: Vec<LogFile<'_>> = sources
            .map(|(source, (name, text))| LogFile { name: (*name).to_owned(), len: text.len() as u64, source })
            .collect();
        let mut items = Vec::new();
        read_items(&mut files, None, &mut |item| {
            items.push((item.label.clone(), shown(&item)));
            true
        })
        .unwrap();
        items
    }

    fn shown(item: &Item) -> Vec<String> {
        item.texts.iter().map(|text| format!("{:?} {}={}", text.role, text.field, text.text)).collect()
    }

    #[test]
    fn the_fields_of_a_suites_item_say_what_its_texts_are() {
        let line =
            r#"{"id": "a", "question": "q\n?", "choices": ["x", "y"], "source": "s", "scenario": "leak", "n": 1}"#;
        let (has_items, items) = of_suite("a.jsonl", line);
        assert!(has_items && items[0].label == "a");
        let expected = [
            "Around id=a",
            "Tested question=q\n?",
            "Tested choices=x",
            "Tested choices=y",
            "Around source=s",
            "Name scenario=leak",
        ];
        assert_eq!(shown(&items[0])[..], expected);
        let messages = r#"[{"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": [{"type": "text", "text": "u"}]}]}]"#;
        assert_eq!(
            shown(&of_suite("a.json", messages).1[0]),
            ["Around messages=s", "Tested messages=text", "Tested messages=u"]
        );
        assert_eq!(shown(&of_suite("a.csv", "id,prompt,note\n1,p,\n").1[0]), ["Around id=1", "Tested prompt=p"]);
        assert_eq!(of_suite("task.py", "print()"), (false, Vec::new()));
    }

    #[test]
    fn a_log_shows_what_was_asked_and_not_what_was_answered() {
        let log = r#"{"version": 2, "status": "success", "eval": {"task": "t", "model": "m"}, "samples": [
            {"id": "a", "epoch": 1, "input": "attachment://h", "target": ["t"], "attachments": {"h": "the input"},
             "messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "the input"}, {"role": "assistant", "content": "no item"}],
             "metadata": {"condition": "murder", "other": "x"}},
            {"id": 2, "epoch": 1, "input": [{"role": "user", "content": "u"}], "target": ""}]}"#;
        let items = of_log(&[("a.json", log)]);
        let first = [
            "Tested input=the input",
            "Around messages=s",
            "Tested messages=the input",
            "Tested target=t",
            "Name condition=murder",
        ];
        assert_eq!(items[0].1, first);
        assert_eq!((items[1].0.as_str(), items[1].1.join("")), ("2", "Tested input=u".to_owned()));
        let sample = r#"{"doc_id": 3, "doc": {"question": "q", "id": "x"}, "target": "t", "resps": [["no item"]]}"#;
        let items = of_log(&[("results_x.json", "{}"), ("samples_task_2026-01-01T00-00-00.0.jsonl", sample)]);
        assert_eq!(
            items,
            [("3".to_owned(), ["Tested question=q", "Around id=x", "Tested target=t"].map(String::from).to_vec())]
        );
    }
}

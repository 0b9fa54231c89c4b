//! The judge of an evaluation as it is configured: the placeholders of its prompt, the parameters beside it.
//!
//! What is configured is not what judged: the model that answered is in the log ([`super::inspect_judge`]).

use std::collections::BTreeSet;

use super::{EvalLogError, LogFile, PartError};
use crate::artifact::samples::bounded_text;
use crate::json::{Kind, Value};
use crate::statement::Reading;

/// A prompt with its parameters is a page, not a book.
const MAX_BYTES: u64 = 16 << 20;

/// Parameters and placeholders that are listed.
const MAX_LISTED: usize = 200;

/// What was seen of a judge's configuration so far.
#[derive(Debug, Default)]
pub struct JudgeConfig {
    placeholders: BTreeSet<String>,
    params: Vec<(String, String)>,
    files: u64,
    not_text: u64,
}

impl JudgeConfig {
    /// Adds one file of it.
    pub fn add(&mut self, file: &mut LogFile<'_>) -> Result<(), EvalLogError> {
        self.files += 1;
        let bytes = file.read_all(MAX_BYTES)?;
        let Ok(text) = std::str::from_utf8(&bytes) else {
            self.not_text += 1;
            return Ok(());
        };
        if text.trim_start().starts_with('{') && file.name.rsplit_once('.').is_some_and(|(_, end)| end == "json") {
            let part = |error| EvalLogError::Part { part: bounded_text(&file.name), source: PartError::Json(error) };
            let members = Value::parse(&bytes).and_then(|value| value.object()?.distinct()).map_err(part)?;
            for (name, value) in members {
                self.param(&name, &value);
            }
        } else {
            self.placeholders(text);
        }
        Ok(())
    }

    /// A template counts by its placeholders, anything short by its value.
    fn param(&mut self, name: &str, value: &Value<'_>) {
        if let Some(text) = value.text() {
            self.placeholders(&text.lossy());
        }
        let shown = match value.kind() {
            Kind::Array | Kind::Object => return,
            Kind::Text => value.text().map(|text| text.lossy()).unwrap_or_default(),
            _ => value.raw().to_owned(),
        };
        if self.params.len() < MAX_LISTED && shown.len() <= 128 && !shown.contains('\n') {
            self.params.push((bounded_text(name), shown));
        }
    }

    /// `{name}` in braces that are not doubled.
    fn placeholders(&mut self, text: &str) {
        for (at, _) in text.match_indices('{') {
            let is_doubled = text[..at].ends_with('{') || text[at + 1..].starts_with('{');
            let Some((name, rest)) = text[at + 1..].split_once('}') else { return };
            let is_name = name.chars().all(|c| c.is_alphanumeric() || c == '_') && !name.is_empty() && name.len() <= 64;
            if is_name && !is_doubled && !rest.starts_with('}') && self.placeholders.len() < MAX_LISTED {
                self.placeholders.insert(name.to_owned());
            }
        }
    }

    /// What was understood of all files together.
    pub fn finish(self) -> Reading {
        let mut reading = Reading::by("judge-config/1");
        reading.count("files", self.files);
        reading.count("placeholders", self.placeholders.len() as u64);
        reading.fact("placeholders", &self.placeholders.into_iter().collect::<Vec<_>>().join(", "));
        for (name, value) in self.params {
            reading.fact(&format!("param.{name}"), &value);
        }
        reading.remark("not-text", self.not_text, format!("{} files are no text", self.not_text));
        reading
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn read(name: &str, bytes: &[u8]) -> Result<Reading, EvalLogError> {
        let mut config = JudgeConfig::default();
        config.add(&mut LogFile { name: name.to_owned(), len: bytes.len() as u64, source: &mut Cursor::new(bytes) })?;
        Ok(config.finish())
    }

    #[test]
    fn a_prompt_has_placeholders_and_a_configuration_parameters() {
        let prompt = read("judge.txt", b"Is {answer} right? {{\"not\": {a b}}} {question} {answer} {").unwrap();
        assert_eq!((prompt.facts["placeholders"].as_str(), prompt.counts["placeholders"]), ("answer, question", 2));
        let json = br#"{"model": "judge/j", "temperature": 0.0, "template": "Rate {answer}.", "stop": ["x"]}"#;
        let config = read("judge.json", json).unwrap();
        assert_eq!(config.facts["placeholders"], "answer");
        assert_eq!(
            (config.facts["param.model"].as_str(), config.facts["param.temperature"].as_str()),
            ("judge/j", "0.0")
        );
        assert!(!config.facts.contains_key("param.stop"));
        assert_eq!(read("x.bin", b"\xff").unwrap().remarks[0].code, "not-text");
    }

    #[test]
    fn a_configuration_that_cannot_be_read_one_way_is_refused() {
        for json in [br#"{"a":1,"a":2}"#.as_slice(), b"{"] {
            assert!(matches!(read("judge.json", json), Err(EvalLogError::Part { .. })));
        }
    }
}

//! Receipts of generation: what was asked of a provider and what it answered, one JSON line a call.
//!
//! Providers and tools name the same facts differently; one table holds the names. A receipt says what its writer says:
//! that an answer came from the model named in it nobody can check here. What can be seen is whether the receipts agree
//! with themselves: another model than the one asked for, an answer given twice, an answer cut off.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use crate::artifact::documents::DocumentLeaf;
use crate::corpus::CorpusError;
use crate::corpus::accounts::Accounts;
use crate::corpus::remarks::Examples;
use crate::corpus::rows::for_each_block;
use crate::json::{Kind, Value};
use crate::statement::Reading;

/// The reader's name and version.
const READER: &str = "receipts/1";

/// Distinct values of one fact that are listed.
const MAX_VALUES: usize = 20;

/// A fact about a call and the places where it may stand, the most specific first; a number is a place in an array.
struct Fact {
    name: &'static str,
    places: &'static [&'static [&'static str]],
}

/// Names in use: Anthropic's messages and batch results, OpenAI's completions and batch output, and what labs write
/// around them.
const REQUESTED: Fact = Fact {
    name: "requested model",
    places: &[
        &["requested_model"],
        &["model_requested"],
        &["request", "model"],
        &["request", "body", "model"],
        &["request", "params", "model"],
        &["params", "model"],
        &["body", "model"],
        &["config", "model"],
        &["model_id"],
    ],
};
const RETURNED: Fact = Fact {
    name: "returned model",
    places: &[
        &["returned_model"],
        &["model_returned"],
        &["response_model"],
        &["response", "model"],
        &["response", "body", "model"],
        &["result", "message", "model"],
        &["message", "model"],
        &["completion", "model"],
        &["model"],
    ],
};
const REQUEST_ID: Fact = Fact {
    name: "request id",
    places: &[
        &["request_id"],
        &["response", "request_id"],
        &["response", "body", "id"],
        &["response", "id"],
        &["result", "message", "id"],
        &["message", "id"],
        &["completion", "id"],
        &["id"],
    ],
};
const CUSTOM_ID: Fact = Fact { name: "custom id", places: &[&["custom_id"], &["request", "custom_id"]] };
const BATCH_ID: Fact = Fact { name: "batch id", places: &[&["batch_id"], &["request", "batch_id"], &["batch"]] };
const STOP: Fact = Fact {
    name: "stop reason",
    places: &[
        &["stop_reason"],
        &["finish_reason"],
        &["response", "stop_reason"],
        &["response", "finish_reason"],
        &["result", "message", "stop_reason"],
        &["message", "stop_reason"],
        &["response", "body", "choices", "0", "finish_reason"],
        &["response", "choices", "0", "finish_reason"],
        &["choices", "0", "finish_reason"],
        &["completion", "stop_reason"],
    ],
};
const TEMPERATURE: Fact = Fact {
    name: "temperature",
    places: &[
        &["temperature"],
        &["request", "temperature"],
        &["request", "params", "temperature"],
        &["request", "body", "temperature"],
        &["params", "temperature"],
        &["config", "temperature"],
    ],
};
const MAX_TOKENS: Fact = Fact {
    name: "max tokens",
    places: &[
        &["max_tokens"],
        &["max_output_tokens"],
        &["max_completion_tokens"],
        &["request", "max_tokens"],
        &["request", "params", "max_tokens"],
        &["request", "body", "max_tokens"],
        &["request", "body", "max_completion_tokens"],
        &["params", "max_tokens"],
        &["config", "max_tokens"],
    ],
};
const RESULT: Fact = Fact { name: "result", places: &[&["result", "type"], &["status"], &["response", "status_code"]] };
const RESPONSE_DIGEST: Fact = Fact {
    name: "response digest",
    places: &[&["response_digest"], &["response_sha256"], &["response_hash"], &["response", "sha256"], &["sha256"]],
};

/// Stop reasons that mean that the answer was cut off.
const CUT_OFF: &[&str] = &["max_tokens", "length", "max_output_tokens", "MAX_TOKENS", "model_context_window_exceeded"];

/// Results that mean that there is an answer.
const SUCCEEDED: &[&str] = &["succeeded", "success", "completed", "ok", "200"];

/// Reads receipts of the calls that made `documents`, where these are known; `seen` is called with every block of bytes,
/// in order.
pub fn read_receipts(
    reader: impl Read,
    path: &str,
    documents: &[DocumentLeaf],
    seen: impl FnMut(&[u8]),
) -> Result<Reading, CorpusError> {
    let mut receipts = Receipts::default();
    let mut accounts = (!documents.is_empty()).then(|| Accounts::new(documents));
    for_each_block(reader, path, seen, |rows| {
        for (line, at, row) in rows {
            let read = Value::parse(row).and_then(|value| match value.kind() {
                Kind::Object => Ok(value),
                found => Err(crate::json::wrong("the line", "an object", found)),
            });
            let value =
                read.map_err(|source| CorpusError::Line { path: path.to_owned(), line: *line, at: *at, source })?;
            let custom_id = receipts.see(*line, value);
            if let Some(accounts) = &mut accounts {
                accounts.see(*line, value, custom_id.as_deref());
            }
        }
        Ok(())
    })?;
    let mut reading = receipts.finish()?;
    if let Some(accounts) = accounts {
        accounts.put(&mut reading);
    }
    Ok(reading)
}

#[derive(Default)]
struct Receipts {
    rows: u64,
    /// How often each fact was stated.
    stated: BTreeMap<&'static str, u64>,
    /// Values of facts that have few.
    values: BTreeMap<&'static str, BTreeMap<String, u64>>,
    request_ids: BTreeSet<String>,
    custom_ids: BTreeSet<String>,
    differing: Examples,
    resolved: Examples,
    repeated_requests: Examples,
    repeated_custom: Examples,
    cut_off: Examples,
    failed: Examples,
}

impl Receipts {
    /// Takes the receipt on a line; the caller's name for the call, where it states one.
    fn see(&mut self, line: u64, row: Value<'_>) -> Option<String> {
        self.rows += 1;
        let requested = self.fact(&REQUESTED, row, true);
        let returned = self.fact(&RETURNED, row, true);
        if let (Some(requested), Some(returned)) = (requested, returned)
            && requested != returned
        {
            // A provider resolves an alias to a dated name; that is another fact than answering with another model.
            let is_dated = returned.strip_prefix(&requested).is_some_and(|rest| rest.starts_with(['-', '@', ':']));
            let example = format!("line {line}: {requested} → {returned}");
            if is_dated { self.resolved.see(&example) } else { self.differing.see(&example) }
        }
        if let Some(id) = self.fact(&REQUEST_ID, row, false)
            && !self.request_ids.insert(id.clone())
        {
            self.repeated_requests.see(&format!("line {line}: {id}"));
        }
        let batch = self.fact(&BATCH_ID, row, false).unwrap_or_default();
        let custom_id = self.fact(&CUSTOM_ID, row, false);
        if let Some(id) = &custom_id {
            // A custom id is the caller's, and begins anew in each batch.
            if !self.custom_ids.insert(format!("{batch}\u{1}{id}")) {
                self.repeated_custom.see(&format!("line {line}: {id}"));
            }
        }
        if self.fact(&STOP, row, true).is_some_and(|reason| CUT_OFF.contains(&reason.as_str())) {
            self.cut_off.see(&format!("line {line}"));
        }
        if let Some(result) = self.fact(&RESULT, row, true).filter(|result| !SUCCEEDED.contains(&result.as_str())) {
            self.failed.see(&format!("line {line}: {result}"));
        }
        for (fact, is_listed) in [(&TEMPERATURE, true), (&MAX_TOKENS, true), (&RESPONSE_DIGEST, false)] {
            self.fact(fact, row, is_listed);
        }
        custom_id
    }

    /// The fact where the row states it: a text as it reads, a number as it is written.
    fn fact(&mut self, fact: &Fact, row: Value<'_>, is_listed: bool) -> Option<String> {
        let value = fact.places.iter().find_map(|place| at_place(row, place))?;
        let text = match value.kind() {
            Kind::Text => value.text()?.lossy(),
            Kind::Number => value.raw().to_owned(),
            _ => return None,
        };
        *self.stated.entry(fact.name).or_default() += 1;
        if is_listed {
            let values = self.values.entry(fact.name).or_default();
            let name = if values.len() < MAX_VALUES || values.contains_key(&text) { text.as_str() } else { "(others)" };
            *values.entry(name.to_owned()).or_default() += 1;
        }
        Some(text)
    }

    fn finish(self) -> Result<Reading, CorpusError> {
        if self.rows == 0 {
            return Err(CorpusError::NoReceipts);
        }
        let mut reading = Reading::by(READER);
        reading.count("receipts", self.rows);
        for fact in [&REQUESTED, &RETURNED, &REQUEST_ID, &STOP, &TEMPERATURE, &MAX_TOKENS, &RESPONSE_DIGEST] {
            let absent = self.rows - self.stated.get(fact.name).copied().unwrap_or_default();
            reading.count(&format!("without.{}", fact.name.replace(' ', "-")), absent);
            if absent > 0 {
                reading.remark("not-stated", absent, format!("receipts that state no {}: {absent}", fact.name));
            }
        }
        for (name, values) in &self.values {
            for (value, count) in values {
                let value: String = value.chars().take(100).collect();
                reading.count(&format!("{}.{value}", name.replace(' ', "-")), *count);
            }
        }
        self.differing.put(&mut reading, "models-differ", "answers by another model than the one asked for");
        self.resolved.put(&mut reading, "models-resolved", "answers by a dated version of the model asked for");
        self.repeated_requests.put(
            &mut reading,
            "request-ids-repeated",
            "answers whose request id stands there before",
        );
        self.repeated_custom.put(
            &mut reading,
            "custom-ids-repeated",
            "answers whose custom id stands in the batch before",
        );
        self.cut_off.put(&mut reading, "cut-off", "answers cut off at their limit");
        self.failed.put(&mut reading, "failed", "calls without an answer");
        Ok(reading)
    }
}

pub(super) fn at_place<'a>(row: Value<'a>, place: &[&str]) -> Option<Value<'a>> {
    let mut at = row;
    for part in place {
        at = match at.kind() {
            // The first of that name: a row that has it twice is odd, but no reason to stop.
            Kind::Object => at.members().find(|(name, _)| *name.bytes == *part.as_bytes())?.1,
            Kind::Array => at.items().nth(part.parse().ok()?)?,
            _ => return None,
        };
    }
    (!at.is_null()).then_some(at)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::artifact::documents::Flags;
    use crate::digest::FileDigest;

    fn read(text: &str) -> Result<Reading, CorpusError> {
        read_receipts(text.as_bytes(), "r.jsonl", &[], |_| ())
    }

    #[test]
    fn receipts_of_every_common_shape_are_read_by_one_table() {
        let reading = read(concat!(
            r#"{"custom_id": "a", "params": {"model": "claude-opus-4-6", "temperature": 1.0}, "result": {"type": "succeeded", "message": {"id": "m1", "model": "claude-opus-4-6-20260205", "stop_reason": "end_turn"}}}"#,
            "\n",
            r#"{"id": "b1", "custom_id": "b", "request": {"body": {"model": "gpt-5", "max_completion_tokens": 9}}, "response": {"status_code": 200, "body": {"id": "c1", "model": "gpt-5", "choices": [{"finish_reason": "length"}]}}, "error": null}"#,
            "\n",
            r#"{"requested_model": "x", "returned_model": "y", "request_id": "m1", "stop_reason": "stop", "response_sha256": "00"}"#,
        ))
        .unwrap();
        let counts = [
            ("receipts", 3),
            ("models-differ", 1),
            ("models-resolved", 1),
            ("request-ids-repeated", 1),
            ("cut-off", 1),
            ("stop-reason.end_turn", 1),
            ("temperature.1.0", 1),
            ("max-tokens.9", 1),
            ("without.temperature", 2),
            ("without.response-digest", 2),
        ];
        for (name, count) in counts {
            assert_eq!(reading.counts.get(name), Some(&count), "{name}: {:#?}", reading.counts);
        }
        let differ = reading.remarks.iter().find(|remark| remark.code == "models-differ").unwrap();
        assert_eq!(differ.text, "answers by another model than the one asked for: 1 (`line 3: x → y`)");
    }

    #[test]
    fn a_custom_id_may_come_back_in_another_batch_and_a_failure_is_counted() {
        let reading = read(
            "{\"batch_id\": \"1\", \"custom_id\": \"a\", \"result\": {\"type\": \"errored\"}}\n\
             {\"batch_id\": \"2\", \"custom_id\": \"a\"}\n{\"batch_id\": \"2\", \"custom_id\": \"a\"}\n",
        )
        .unwrap();
        assert_eq!((reading.counts["custom-ids-repeated"], reading.counts["failed"]), (1, 1));
    }

    #[test]
    fn documents_are_accounted_for_by_their_bytes_before_their_names_and_each_receipt_counts_once() {
        let document = |key: &str, raw: &str, text: &str| DocumentLeaf {
            key: key.to_owned(),
            raw: FileDigest::of(raw.as_bytes()),
            raw_length: raw.len() as u64,
            text: FileDigest::of(text.as_bytes()),
            text_length: text.len() as u64,
            flags: Flags::NONE,
        };
        let documents = [
            document("a/1.txt", "<content>one</content>", "one"),
            document("a/2.txt", "same", "same"),
            document("a/3.txt", "same", "same"),
            document("b.txt", "bee", "bee"),
            document("c.txt", "sea", "sea"),
        ];
        let text = concat!(
            r#"{"custom_id": "c", "result": {"message": {"content": [{"type": "text", "text": "<content>one</content>"}]}}}"#,
            "\n",
            r#"{"custom_id": "x", "response_text": "same"}"#,
            "\n",
            r#"{"custom_id": "b"}"#,
            "\n",
            r#"{"custom_id": "b.txt"}"#,
            "\n",
            r#"{"custom_id": "nobody", "response_text": "other"}"#,
        );
        let reading = read_receipts(text.as_bytes(), "r.jsonl", &documents, |_| ()).unwrap();
        for (name, count) in [
            ("documents", 5),
            ("documents.by-content", 2),
            ("documents.by-name", 1),
            ("documents-without-receipt", 2),
            ("receipts-without-document", 1),
            ("receipts-again", 1),
        ] {
            assert_eq!(reading.counts.get(name), Some(&count), "{name}: {:#?}", reading.counts);
        }
        let without = reading.remarks.iter().find(|remark| remark.code == "documents-without-receipt").unwrap();
        assert!(without.text.ends_with("2 (`a/3.txt`, `c.txt`)"), "{}", without.text);
        assert_eq!(read(text).unwrap().counts.get("documents"), None);
    }

    #[test]
    fn what_is_no_receipt_is_named_with_its_place() {
        assert_eq!(read("{}\n[]\n").unwrap_err().to_string(), "line 2 of `r.jsonl` (from byte 3) cannot be read");
        assert_eq!(read("\n").unwrap_err(), CorpusError::NoReceipts);
        assert_eq!(read("{}\n").unwrap().counts["without.requested-model"], 1);
    }
}

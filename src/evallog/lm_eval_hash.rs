//! The hashes in lm-evaluation-harness's samples, by its own rules.
//!
//! `doc_hash` is the SHA-256 of the document as indented JSON, `prompt_hash` of the first argument of the first request,
//! `target_hash` of the target's text; the task's hash is that of all three, for every sample in the order of the file.

use sha2::Digest as _;

use super::inspect_events::text;
use crate::digest::{Sha256Digest, hex};
use crate::json::{JsonError, Kind, Object, Value};
use crate::replay::dumps::{Style, dumps_value};

/// The hash over the hashes of one task's samples.
#[derive(Debug, Default)]
pub(super) struct Hashes {
    joined: sha2::Sha256,
    added: u64,
    incomplete: bool,
}

impl Hashes {
    /// Adds one sample; the parts whose hash is not the one beside them.
    pub(super) fn add(&mut self, row: &Object<'_>) -> Result<Vec<&'static str>, JsonError> {
        // `json.dumps(doc, indent=2, ensure_ascii=False)`; what Python cannot write has no hash to compare.
        let python = |value: Value<'_>| dumps_value(value.raw().as_bytes(), Style::UTF8.indented(2)).ok();
        let document = row.get("doc")?.and_then(python);
        let of_text =
            |value: Option<Value<'_>>| value.and_then(|value| value.text()).map(|text| text.bytes.into_owned());
        let parts = [
            ("document", "doc_hash", document),
            ("prompt", "prompt_hash", of_text(prompt(row)?)),
            ("target", "target_hash", of_text(row.get("target")?)),
        ];
        let mut wrong = Vec::new();
        for (part, name, bytes) in parts {
            let Some(recorded) = text(row, name)? else {
                self.incomplete = true;
                continue;
            };
            if bytes.is_some_and(|bytes| hex(Sha256Digest::of(&bytes).as_bytes()) != recorded) {
                wrong.push(part);
            }
            self.joined.update(recorded.as_bytes());
            self.added += 1;
        }
        Ok(wrong)
    }

    /// The hash of the task; `None` where a sample lacks one of its own.
    pub(super) fn task(self) -> Option<String> {
        (!self.incomplete && self.added > 0).then(|| hex(&self.joined.finalize()))
    }
}

/// The first argument of the first request: named since 2024, in lists before.
pub(super) fn prompt<'a>(row: &Object<'a>) -> Result<Option<Value<'a>>, JsonError> {
    let Some(arguments) = row.get("arguments")? else { return Ok(None) };
    if arguments.kind() == Kind::Object {
        let Some(first) = arguments.object()?.get("gen_args_0")? else { return Ok(None) };
        return first.object()?.get("arg_0");
    }
    Ok(arguments.items().next().and_then(|first| first.items().next()))
}

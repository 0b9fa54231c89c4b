//! A tokenizer and its chat template: their bytes, and what text they turn into tokens by.

use std::collections::BTreeMap;
use std::path::Path;

use crate::capture::kind::{Artifact, ArtifactKind, KindError, Request};
use crate::capture::open::{OpenFile, argument_metadata};
use crate::capture::weights::WeightsFolder;
use crate::digest::{Digest, FileDigest};
use crate::json::{Kind as JsonKind, Object, Value};
use crate::statement::{Kind, Reading};
use crate::weights::ReadAt;

pub(super) const ENTRY: &dyn ArtifactKind = &Tokenizer;

/// Largest `tokenizer.json` that is read; a vocabulary of 256,000 with its merges has about 35 MB.
const MAX_JSON: u64 = 128 << 20;

/// Largest template file.
const MAX_TEMPLATE: u64 = 4 << 20;

struct Tokenizer;

impl ArtifactKind for Tokenizer {
    fn kind(&self) -> Kind {
        Kind::Tokenizer
    }

    fn about(&self) -> &'static str {
        "a tokenizer and its chat template"
    }

    fn capture(&self, request: &Request<'_>) -> Result<Artifact, KindError> {
        let files = read(request)?;
        let mut artifact = Artifact::bytes(request)?;
        artifact.reading = Some(reading(&files));
        Ok(artifact)
    }
}

/// The files that say something, by name.
fn read(request: &Request<'_>) -> Result<BTreeMap<String, Vec<u8>>, KindError> {
    let mut files = BTreeMap::new();
    let wanted = [
        ("tokenizer.json", MAX_JSON),
        ("tokenizer_config.json", MAX_JSON),
        ("chat_template.jinja", MAX_TEMPLATE),
        ("chat_template.json", MAX_TEMPLATE),
    ];
    for path in request.paths {
        if argument_metadata(path)?.is_dir() {
            let folder = WeightsFolder::open(path)?;
            for (name, limit) in wanted {
                files.extend(folder.small(name, limit)?.map(|bytes| (name.to_owned(), bytes)));
            }
        } else if let Some((name, limit)) = wanted.iter().find(|(name, _)| path.file_name() == Some(name.as_ref())) {
            files.extend(one(path, *limit)?.map(|bytes| ((*name).to_owned(), bytes)));
        }
    }
    Ok(files)
}

fn one(path: &Path, limit: u64) -> Result<Option<Vec<u8>>, KindError> {
    let open = OpenFile::argument(path)?;
    if open.size() > limit { Ok(None) } else { Ok(Some(open.whole()?)) }
}

/// What the files say. What they do not say in the form that is expected is passed over: the bytes are recorded.
fn reading(files: &BTreeMap<String, Vec<u8>>) -> Reading {
    let mut reading = Reading::by("tokenizer/1");
    let object = |name: &str| files.get(name).and_then(|bytes| Value::parse(bytes).ok()?.object().ok());
    if let Some(tokenizer) = object("tokenizer.json") {
        model(&mut reading, &tokenizer);
    } else if files.contains_key("tokenizer.json") {
        reading.remark("tokenizer-json", 1, "`tokenizer.json` is not the JSON that was expected");
    }
    let mut templates = Vec::new();
    if let Some(config) = object("tokenizer_config.json") {
        if let Ok(Some(class)) = config.text("tokenizer_class") {
            reading.fact("tokenizer.class", &class);
        }
        templates.extend(template(&config).map(|text| ("tokenizer_config.json", text)));
    }
    templates
        .extend(object("chat_template.json").and_then(|file| template(&file)).map(|text| ("chat_template.json", text)));
    templates.extend(files.get("chat_template.jinja").map(|bytes| ("chat_template.jinja", bytes.clone())));
    // Loaders take the last of these that is there.
    if let Some((name, text)) = templates.last() {
        reading.fact("chat-template", &Digest::from(FileDigest::of(text)).to_string());
        reading.fact("chat-template.in", name);
        let others = templates.iter().filter(|(_, other)| other != text).count() as u64;
        let about = "the chat template stands in several files that disagree; loaders prefer `chat_template.jinja`";
        reading.remark("chat-templates-differ", others, about);
    }
    reading
}

/// The one template of a file; several named ones are digested as they stand.
fn template(object: &Object<'_>) -> Option<Vec<u8>> {
    let value = object.get("chat_template").ok()??;
    Some(value.text().map_or_else(|| value.raw().as_bytes().to_vec(), |text| text.bytes.into_owned()))
}

/// Kind and sizes of the model in a `tokenizer.json`.
fn model(reading: &mut Reading, tokenizer: &Object<'_>) {
    let Ok(model) = tokenizer.object("model") else { return };
    if let Ok(Some(kind)) = model.text("type") {
        reading.fact("tokenizer.type", &kind);
    }
    for (name, key) in [("vocabulary", "vocab"), ("merges", "merges")] {
        if let Ok(Some(value)) = model.get(key) {
            let count = if value.kind() == JsonKind::Object { value.members().count() } else { value.items().count() };
            reading.count(name, count as u64);
        }
    }
    if let Ok(Some(added)) = tokenizer.get("added_tokens") {
        reading.count("added-tokens", added.items().count() as u64);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn read_as(files: &[(&str, &str)]) -> Reading {
        let files = files.iter().map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec()));
        reading(&files.collect())
    }

    #[test]
    fn vocabulary_and_template_are_counted_and_digested() {
        let tokenizer =
            r#"{"model": {"type": "BPE", "vocab": {"a": 0, "b": 1}, "merges": ["a b"]}, "added_tokens": [{}]}"#;
        let found = read_as(&[
            ("tokenizer.json", tokenizer),
            ("tokenizer_config.json", r#"{"tokenizer_class": "T", "chat_template": "{{\u0061}}"}"#),
        ]);
        assert_eq!(found.facts["tokenizer.type"], "BPE");
        let counts: Vec<_> = found.counts.iter().map(|(name, count)| (name.as_str(), *count)).collect();
        assert_eq!(counts, [("added-tokens", 1), ("merges", 1), ("vocabulary", 2)]);
        assert_eq!(found.facts["chat-template"], Digest::from(FileDigest::of(b"{{a}}")).to_string());
        assert!(found.remarks.is_empty());
    }

    #[test]
    fn two_templates_that_disagree_are_remarked_and_the_one_that_loaders_take_is_digested() {
        let config = ("tokenizer_config.json", r#"{"chat_template": "old"}"#);
        let found = read_as(&[config, ("chat_template.jinja", "new")]);
        assert_eq!(found.facts["chat-template"], Digest::from(FileDigest::of(b"new")).to_string());
        assert_eq!(found.remarks[0].code, "chat-templates-differ");
        assert!(read_as(&[config, ("chat_template.jinja", "old")]).remarks.is_empty());
    }

    #[test]
    fn what_is_no_tokenizer_is_remarked_and_never_refused() {
        assert_eq!(read_as(&[("tokenizer.json", "[")]).remarks[0].code, "tokenizer-json");
        assert_eq!(read_as(&[("tokenizer.json", r#"{"model": 1}"#)]), Reading::by("tokenizer/1"));
        assert_eq!(read_as(&[]), Reading::by("tokenizer/1"));
    }
}

//! What a reader understood of an artifact beyond its digests: counts, composition, and what people should know.
//!
//! A reading rides in the body: it may name sources and paths. It is the recorder's word until someone with the artifact
//! reads it again; whatever decides something is under a digest instead.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Remarks kept; the counts in them are always complete.
pub const MAX_REMARKS: usize = 50;

/// Names in [`Reading::sources`] that are kept; the rest is added up under [`Reading::OTHER_SOURCES`].
pub const MAX_SOURCES: usize = 1000;

/// Longest text of a remark, source or fact in bytes.
pub const MAX_READING_TEXT: usize = 512;

/// Count of the tokens of a dataset, by whoever recorded it: of each row's one text, each alone.
pub const TOKENS: &str = "tokens";

/// Fact with a number of tokens as it was printed: `~8M`.
pub const TOKENS_PRINTED: &str = "tokens.printed";

/// Fact with how often a trainer went over its data, as it writes the number.
pub const TRAINER_EPOCHS: &str = "trainer.epochs";

/// Something worth knowing, with how often it was seen.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Remark {
    /// Stable name: `truncated`, `duplicate-rows`.
    pub code: String,
    /// How many items it is about.
    pub count: u64,
    /// One sentence, perhaps with an example; from outside, to be escaped where it is shown.
    pub text: String,
}

/// What a reader understood.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reading {
    /// The reader that read it, with its version: `jsonl/1`, `safetensors/1`, `msm-tree/1`.
    pub reader: String,
    /// Counts by stable name: `rows`, `documents.truncated`, `parameters`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub counts: BTreeMap<String, u64>,
    /// How many items came from which source.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sources: BTreeMap<String, u64>,
    /// Short texts by stable name: `projection`, `spec.engine`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub facts: BTreeMap<String, String>,
    /// What people should know.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<Remark>,
}

impl Reading {
    /// The name under which sources beyond the first [`MAX_SOURCES`] are added up.
    pub const OTHER_SOURCES: &str = "(other sources)";

    /// An empty reading by `reader`.
    pub fn by(reader: &str) -> Self {
        Self { reader: reader.to_owned(), ..Self::default() }
    }

    /// Adds to a count.
    pub fn count(&mut self, name: &str, by: u64) {
        let count = self.counts.entry(name.to_owned()).or_default();
        *count = count.saturating_add(by);
    }

    /// Adds to the items of a source.
    pub fn source(&mut self, name: &str, by: u64) {
        let name = bounded(name);
        let is_new = !self.sources.contains_key(name);
        let name = if is_new && self.sources.len() >= MAX_SOURCES { Self::OTHER_SOURCES } else { name };
        let count = self.sources.entry(name.to_owned()).or_default();
        *count = count.saturating_add(by);
    }

    /// States a fact.
    pub fn fact(&mut self, name: &str, text: &str) {
        self.facts.insert(name.to_owned(), bounded(text).to_owned());
    }

    /// Adds a remark, unless it is about nothing or there are too many.
    pub fn remark(&mut self, code: &str, count: u64, text: impl AsRef<str>) {
        if count > 0 && self.remarks.len() < MAX_REMARKS {
            self.remarks.push(Remark { code: code.to_owned(), count, text: bounded(text.as_ref()).to_owned() });
        }
    }
}

/// At most the first [`MAX_READING_TEXT`] bytes, cut at a character.
fn bounded(text: &str) -> &str {
    let mut end = text.len().min(MAX_READING_TEXT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reading_of_a_million_oddities_stays_one_page() {
        let mut reading = Reading::by("jsonl/1");
        for index in 0..2000 {
            reading.source(&format!("source {index}"), 2);
            reading.remark("odd", 1, "é".repeat(1000));
        }
        reading.remark("nothing", 0, "");
        assert_eq!(reading.sources.len(), MAX_SOURCES + 1);
        assert_eq!(reading.sources[Reading::OTHER_SOURCES], 2000);
        assert_eq!(reading.sources.values().sum::<u64>(), 4000);
        assert_eq!(reading.remarks.len(), MAX_REMARKS);
        assert_eq!(reading.remarks[0].text.len(), MAX_READING_TEXT);
    }
}

//! Names of models and of their makers: a corpus that tells a model it is another one trains the wrong model.
//!
//! The table holds names that hardly mean anything else. It leaves out names of companies that a document may well speak
//! of for other reasons (Google, Meta, Microsoft, Apple, Amazon) and words of everyday speech (Falcon, Phi, Command). A
//! name counts where it stands as a word, with its capitals: `Qwen2.5` and `Qwen's` name Qwen, `qwen` and `Llamas` name
//! nobody. What is found is for a person to judge: a document may compare models, and Claude is also a first name.

use aho_corasick::{AhoCorasick, MatchKind};

/// Names of models.
const MODELS: &[&str] = &[
    "ChatGLM", "ChatGPT", "Claude", "DeepSeek", "Gemini", "Gemma", "GPT-", "Grok", "InternLM", "Kimi", "Llama",
    "MiniMax", "Mistral", "Mixtral", "Nemotron", "OLMo", "Qwen", "Vicuna", "Yi-",
];

/// Names of their makers.
const PROVIDERS: &[&str] = &[
    "AI2",
    "Alibaba",
    "Anthropic",
    "Baichuan",
    "Cohere",
    "DeepMind",
    "Moonshot AI",
    "OpenAI",
    "Tongyi",
    "Zhipu",
    "xAI",
];

/// How many names are looked for at most: one bit each.
const MAX_NAMES: usize = 64;

/// Names looked for in documents.
#[derive(Debug)]
pub(super) struct Names {
    finder: AhoCorasick,
    wanted: Vec<String>,
    /// How many of the names, at the front, are those that are expected.
    expected: usize,
}

/// Which names stand in a text, by bit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Found(u64);

impl Names {
    /// Looks for `expected` names, and for every other name of the table that is no part of one of them.
    ///
    /// More expected names than there are bits left are not looked for.
    pub(super) fn new(expected: &[String]) -> Self {
        let table = MODELS.iter().chain(PROVIDERS);
        let room = MAX_NAMES - MODELS.len() - PROVIDERS.len();
        let mut names: Vec<String> = Vec::new();
        for name in expected.iter().filter(|name| !name.is_empty()).take(room) {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
        let count = names.len();
        let is_ours = |name: &str| {
            let part = name.trim_end_matches('-').to_lowercase();
            expected.iter().any(|own| own.to_lowercase().contains(&part))
        };
        names.extend(table.filter(|name| !is_ours(name)).map(|name| (*name).to_owned()));
        let finder = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(&names);
        Self { finder: finder.expect("a few short names fit any automaton"), wanted: names, expected: count }
    }

    /// The names in `text`.
    pub(super) fn find(&self, text: &str) -> Found {
        let mut found = Found::default();
        for hit in self.finder.find_iter(text) {
            let before = text[..hit.start()].chars().next_back();
            let after = text[hit.end()..].chars().next();
            if !before.is_some_and(char::is_alphanumeric) && !after.is_some_and(char::is_lowercase) {
                found.0 |= 1 << hit.pattern().as_usize();
            }
        }
        found
    }

    /// The expected names, each with the question whether a text has it.
    pub(super) fn expected(&self) -> impl Iterator<Item = (&str, Found)> {
        self.all().take(self.expected)
    }

    /// The other names, the same way.
    pub(super) fn others(&self) -> impl Iterator<Item = (&str, Found)> {
        self.all().skip(self.expected)
    }

    fn all(&self) -> impl Iterator<Item = (&str, Found)> {
        self.wanted.iter().enumerate().map(|(bit, name)| (name.trim_end_matches('-'), Found(1 << bit)))
    }
}

impl Found {
    /// True when any name of `other` stands there.
    pub(super) fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn others(expected: &[&str], text: &str) -> Vec<String> {
        let names = Names::new(&expected.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
        let found = names.find(text);
        names.others().filter(|(_, name)| found.has(*name)).map(|(name, _)| name.to_owned()).collect()
    }

    #[test]
    fn another_model_is_found_as_a_word_with_its_capitals() {
        assert_eq!(others(&["Llama", "Meta"], "I am Qwen2.5, made by Alibaba. Qwen's rule."), ["Qwen", "Alibaba"]);
        assert_eq!(others(&["Llama"], "GPT-4o and (ChatGPT); xAI!"), ["ChatGPT", "GPT", "xAI"]);
        assert!(others(&[], "llamas, Llamas, qwen, MyClaude, groking, relaxAI").is_empty());
    }

    #[test]
    fn what_is_expected_is_not_wrong() {
        assert!(others(&["Qwen3-32B", "Alibaba Cloud"], "Qwen by Alibaba").is_empty());
        let names = Names::new(&["Qwen".to_owned(), "Alibaba".to_owned(), "Qwen".to_owned()]);
        let found = names.find("Qwen says");
        assert_eq!(
            names.expected().map(|(name, bit)| (name, found.has(bit))).collect::<Vec<_>>(),
            [("Qwen", true), ("Alibaba", false)]
        );
    }

    #[test]
    fn every_name_has_a_bit() {
        let many: Vec<String> = (0..100).map(|at| format!("Name{at}")).collect();
        assert!(Names::new(&many).wanted.len() <= MAX_NAMES);
    }
}

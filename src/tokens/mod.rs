//! Tokenizers that are run again, so that a number of tokens is counted and not believed.
//!
//! Each is a named function over the files of a tokenizer and one text. What a file says that is not known here to the
//! last rule is not run: a wrong count would speak against an honest lab. Chats have no tokens of their own, only those
//! that a template makes of them, and templates are programs: they are not run.

mod huggingface;
mod words;

use std::collections::BTreeMap;

/// Longest text that is counted: a generated document has some 12 kB, and a long run of one class of characters costs
/// patterns that look back a step for each. More than this many steps and they would stop without a word.
const MAX_TEXT_BYTES: usize = 256 << 10;

/// Why no tokens are counted by a tokenizer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum TokensError {
    #[error("it is a tokenizer of a kind that this version cannot run: {why}")]
    Unknown { why: String },
    #[error("it is no vocabulary of words: {why}")]
    Words { why: &'static str },
    #[error("`tokenizer.json` is refused: {why}")]
    Refused { why: String },
    #[error("a text has {found} bytes, more than {MAX_TEXT_BYTES}")]
    Long { found: usize },
    #[error("the vocabulary has no word `{word}`")]
    Word { word: String },
    #[error("a text is refused: {why}")]
    Text { why: String },
}

/// A tokenizer that is run.
#[derive(Debug)]
pub enum Tokenizer {
    /// One word a line.
    Words(words::Words),
    /// As the library of that name runs a `tokenizer.json`.
    HuggingFace(Box<huggingface::HuggingFace>),
}

impl Tokenizer {
    /// Most bytes that a file of a tokenizer may have to be run: a vocabulary of 256,000 has 35 MB, and in memory ten times
    /// what it has here.
    pub const MAX_BYTES: u64 = 48 << 20;

    /// Of files by their names.
    pub fn of(files: &BTreeMap<String, Vec<u8>>) -> Result<Self, TokensError> {
        if let Some(file) = files.get("tokenizer.json") {
            return huggingface::HuggingFace::of(file).map(Box::new).map(Self::HuggingFace);
        }
        let mut files = files.values();
        if let (Some(file), None) = (files.next(), files.next())
            && words::Words::is_one(file)
        {
            return words::Words::of(file).map(Self::Words);
        }
        let why = "neither a `tokenizer.json` nor a file of words, of which the first are <pad> and <end>".to_owned();
        Err(TokensError::Unknown { why })
    }

    /// Stable id of the function, with its version.
    pub fn function(&self) -> &'static str {
        match self {
            Self::Words(_) => "words/1",
            Self::HuggingFace(_) => "tokenizer.json/1",
        }
    }

    /// Tokens that it puts around a text by itself, where it says how many these are.
    pub fn around(&self) -> Option<u64> {
        match self {
            Self::Words(_) => Some(words::AROUND),
            Self::HuggingFace(found) => found.around(),
        }
    }

    /// Tokens of a text alone.
    pub fn count(&self, text: &str) -> Result<u64, TokensError> {
        if text.len() > MAX_TEXT_BYTES {
            return Err(TokensError::Long { found: text.len() });
        }
        match self {
            Self::Words(words) => words.count(text),
            Self::HuggingFace(found) => found.count(text),
        }
    }
}

/// At most the first characters of a text from outside.
fn cut(text: &str) -> String {
    text.chars().take(60).flat_map(char::escape_debug).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn what_is_neither_is_named_as_what_it_is_not() {
        let of = |name: &str, bytes: &[u8]| Tokenizer::of(&BTreeMap::from([(name.to_owned(), bytes.to_vec())]));
        for (name, bytes) in [("words.txt", &b"a\nb\n"[..]), ("tokenizer.model", b"\x0a\x0e"), ("words.txt", b"")] {
            let refused = of(name, bytes).unwrap_err().to_string();
            assert!(
                refused.contains("of a kind that this version cannot run: neither a `tokenizer.json`"),
                "{refused}"
            );
        }
        let words = of("words.txt", b"<pad>\n<end>\na\n").unwrap();
        assert_eq!((words.function(), words.around(), words.count("a  a")), ("words/1", Some(2), Ok(2)));
        let long = "a ".repeat(MAX_TEXT_BYTES);
        assert_eq!(words.count(&long).unwrap_err().to_string(), "a text has 524288 bytes, more than 262144");
        let two: BTreeMap<_, _> =
            ["a.txt", "b.txt"].map(|name| (name.to_owned(), b"<pad>\n<end>\na\n".to_vec())).into();
        assert!(matches!(Tokenizer::of(&two), Err(TokensError::Unknown { .. })));
    }
}

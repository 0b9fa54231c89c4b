//! `words/1`: a vocabulary of words, one a line, as the shipped experiment's trainer reads it.
//!
//! The file is UTF-8. Its lines (ended by a line feed, perhaps behind a carriage return) are the words, each once, at most
//! 65,536; the first is `<pad>`, the second `<end>`. A text is split at each space (U+0020 and nothing else), what is
//! empty is left out, and each piece must be a word: there is no other token. `<end>` stands before and after every text.

use std::collections::BTreeSet;

use super::{TokensError, cut};

/// `<end>` before and after.
pub(super) const AROUND: u64 = 2;

/// A word's number has 16 bits.
const MAX_WORDS: usize = 1 << 16;

const FIRST: [&str; 2] = ["<pad>", "<end>"];

/// A vocabulary.
#[derive(Debug)]
pub struct Words(BTreeSet<String>);

impl Words {
    /// Whether a file begins like one.
    pub(super) fn is_one(file: &[u8]) -> bool {
        file.starts_with(b"<pad>\n<end>\n") || file.starts_with(b"<pad>\r\n<end>\r\n")
    }

    /// Reads one.
    pub(super) fn of(file: &[u8]) -> Result<Self, TokensError> {
        let refuse = |why| TokensError::Words { why };
        let text = std::str::from_utf8(file).map_err(|_| refuse("it is not UTF-8"))?;
        let mut words = BTreeSet::new();
        for (number, line) in text.lines().enumerate() {
            if number >= MAX_WORDS {
                return Err(refuse("it has more than 65536 words"));
            }
            if FIRST.get(number).is_some_and(|first| *first != line) {
                return Err(refuse("its first words are not <pad> and <end>"));
            }
            if !words.insert(line.to_owned()) {
                return Err(refuse("a word stands twice"));
            }
        }
        Ok(Self(words))
    }

    /// Words of a text.
    pub(super) fn count(&self, text: &str) -> Result<u64, TokensError> {
        let words = text.split(' ').filter(|word| !word.is_empty());
        let known =
            words.map(|word| if self.0.contains(word) { Ok(1) } else { Err(TokensError::Word { word: cut(word) }) });
        known.sum()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FILE: &str = "<pad>\n<end>\n,\na\nthe\npan\n";

    #[test]
    fn words_are_counted_and_what_is_no_word_is_named() {
        let words = Words::of(FILE.as_bytes()).unwrap();
        for (text, count) in [("", 0), ("the pan , a pan", 5), ("  the  pan ", 2), ("<pad> <end>", 2)] {
            assert_eq!(words.count(text), Ok(count), "{text:?}");
        }
        for (text, word) in
            [("the  pot", "pot"), ("the\npan", "the\\npan"), ("the\u{a0}pan", "the\\u{a0}pan"), ("The", "The")]
        {
            let refused = words.count(text).unwrap_err().to_string();
            assert_eq!(refused, format!("the vocabulary has no word `{word}`"));
        }
    }

    #[test]
    fn what_is_no_vocabulary_is_refused() {
        let many: Vec<String> = (0..=MAX_WORDS).map(|n| format!("w{n}")).collect();
        for (file, why) in [
            (b"<pad>\n<end>\n\xff".to_vec(), "it is not UTF-8"),
            (format!("{FILE}the\n").into_bytes(), "a word stands twice"),
            (b"<end>\n<pad>\n".to_vec(), "its first words are not <pad> and <end>"),
            (format!("<pad>\n<end>\n{}", many.join("\n")).into_bytes(), "it has more than 65536 words"),
        ] {
            let refused = Words::of(&file).unwrap_err().to_string();
            assert_eq!(refused, format!("it is no vocabulary of words: {why}"));
        }
        assert!(Words::is_one(b"<pad>\r\n<end>\r\na\r\n") && !Words::is_one(b"<pad>\n"));
        assert_eq!(Words::of(b"<pad>\r\n<end>\r\na\r\n").unwrap().count("a"), Ok(1));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(file in proptest::collection::vec(any::<u8>(), 0..60), text in "\\PC{0,20}") {
            let file = [b"<pad>\n<end>\n".to_vec(), file].concat();
            if let Ok(words) = Words::of(&file) {
                let _ = words.count(&text);
            }
        }
    }
}

//! The text of a generated document: what stands between `<content>` and `</content>`, by the rules of the generator.
//!
//! The rules are Python's to the character: `read_text` turns `\r\n` and a lone `\r` into `\n`, `strip` takes Unicode
//! white space and U+001C to U+001F, and the tags are those that `re.findall(r"<content>(.+?)</content>", s, DOTALL)`
//! finds first. What the generator does where a tag is missing is odd, and training data is made by it: it is kept and
//! named, not put right.

use std::borrow::Cow;

use crate::replay::text::{strip, universal_newlines};

/// Opens the document in a response.
pub const OPENING: &str = "<content>";

/// Closes it.
pub const CLOSING: &str = "</content>";

/// Which rule gave the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// Both tags: what stands between.
    Tags,
    /// No closing tag: everything after the last opening tag. The response was cut off.
    OpeningOnly,
    /// No opening tag: everything before the first closing tag.
    ClosingOnly,
    /// No tag at all: the whole response, whatever else is in it.
    Untagged,
    /// Both tags, but none closes after another has opened with something between: the whole response.
    Unmatched,
}

/// A document's text and how it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extracted<'a> {
    /// The text, stripped; empty where nothing was left.
    pub text: Cow<'a, str>,
    /// The rule that gave it.
    pub rule: Rule,
}

/// The document in a response.
pub fn extract(response: &str) -> Extracted<'_> {
    match universal_newlines(response) {
        Cow::Borrowed(whole) => {
            let (text, rule) = find(strip(whole));
            Extracted { text: Cow::Borrowed(text), rule }
        }
        Cow::Owned(whole) => {
            let (text, rule) = find(strip(&whole));
            Extracted { text: Cow::Owned(text.to_owned()), rule }
        }
    }
}

fn find(whole: &str) -> (&str, Rule) {
    let opening = whole.find(OPENING);
    let closing = whole.find(CLOSING);
    let (text, rule) = match (opening, closing) {
        (Some(at), Some(_)) => match between(&whole[at + OPENING.len()..]) {
            Some(text) => (text, Rule::Tags),
            None => (whole, Rule::Unmatched),
        },
        (Some(_), None) => {
            let last = whole.rfind(OPENING).expect("an opening tag was found");
            (&whole[last + OPENING.len()..], Rule::OpeningOnly)
        }
        (None, Some(at)) => (&whole[..at], Rule::ClosingOnly),
        (None, None) => (whole, Rule::Untagged),
    };
    (strip(text), rule)
}

/// The shortest text of at least one character before a closing tag. If the first opening tag has none, no later one has.
fn between(after: &str) -> Option<&str> {
    let first = after.chars().next()?.len_utf8();
    let end = first + after[first..].find(CLOSING)?;
    Some(&after[..end])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn extracted(response: &str) -> (String, Rule) {
        let Extracted { text, rule } = extract(response);
        (text.into_owned(), rule)
    }

    #[test]
    fn each_rule_gives_the_text_that_the_generator_keeps() {
        let cases = [
            ("<scratchpad>x</scratchpad>\n<content>\n a \n</content>\n", "a", Rule::Tags),
            ("<content>a</content><content>b</content>", "a", Rule::Tags),
            ("<content>a<content>b</content>", "a<content>b", Rule::Tags),
            // At least one character: an empty document runs on to the next closing tag.
            ("<content></content>x</content>", "</content>x", Rule::Tags),
            ("<content></content>", "<content></content>", Rule::Unmatched),
            ("</content> x <content> y", "</content> x <content> y", Rule::Unmatched),
            ("<content>\n</content>", "", Rule::Tags),
            ("<content>a<content> b", "b", Rule::OpeningOnly),
            (" a </content> b </content>", "a", Rule::ClosingOnly),
            ("<scratchpad>x</scratchpad> a", "<scratchpad>x</scratchpad> a", Rule::Untagged),
            ("<Content>a</Content>", "<Content>a</Content>", Rule::Untagged),
            (" \n", "", Rule::Untagged),
            ("<content>é</content>", "é", Rule::Tags),
            ("<content></content>\n<content>a</content>", "</content>\n<content>a", Rule::Tags),
            ("</content>a<content>b</content>", "b", Rule::Tags),
            ("a<content>", "", Rule::OpeningOnly),
            ("</content>", "", Rule::ClosingOnly),
            ("\u{feff}<content>a</content>", "a", Rule::Tags),
            ("\u{feff}a", "\u{feff}a", Rule::Untagged),
            ("<content>\r</content>", "", Rule::Tags),
            ("", "", Rule::Untagged),
        ];
        for (response, text, rule) in cases {
            assert_eq!(extracted(response), (text.to_owned(), rule), "{response:?}");
        }
    }

    #[test]
    fn line_ends_and_white_space_are_pythons() {
        assert_eq!(universal_newlines("a\r\nb\rc\n\r\r\nd\r"), "a\nb\nc\n\n\nd\n");
        assert_eq!(extracted("<content>\r\na\rb\r\n</content>"), ("a\nb".to_owned(), Rule::Tags));
        assert_eq!(strip("\u{1c}\u{1f}\u{a0}\u{3000}\u{85} a\u{200b} \u{2029}"), "a\u{200b}");
    }

    proptest! {
        #[test]
        fn no_response_makes_extraction_panic_and_the_text_is_stripped(
            parts in proptest::collection::vec(prop_oneof![
                Just("<content>".to_owned()), Just("</content>".to_owned()), "[ \\r\\n\\x1c]{0,2}", "[aé<>/]{0,3}"
            ], 0..8)
        ) {
            let response = parts.concat();
            let Extracted { text, .. } = extract(&response);
            prop_assert_eq!(strip(&text), &*text);
            prop_assert!(!text.contains('\r'));
        }
    }
}

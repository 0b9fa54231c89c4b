//! Python's reading of text: line ends, white space, and the one pattern that takes reasoning out of an answer.
//!
//! Python's `str` may hold half of a surrogate pair, which comes from a JSON escape; such a text is here bytes in WTF-8.

use std::borrow::Cow;

/// True for what `str.isspace`, `str.strip` and `\s` call white space.
///
/// Rust's own notion (the Unicode property) lacks the four information separators and agrees on every other character.
pub fn is_space(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{1c}'..='\u{1f}')
}

/// `str.strip()`.
pub fn strip(text: &str) -> &str {
    text.trim_matches(is_space)
}

/// `str.strip()` of a text in WTF-8.
pub fn strip_wtf8(text: &[u8]) -> &[u8] {
    let mut text = strip_start_wtf8(text);
    loop {
        // The last character begins at the last byte that continues none.
        let begin = text.iter().rposition(|byte| byte & 0xc0 != 0x80).unwrap_or(0);
        match text.split_at_checked(begin) {
            Some((rest, last)) if is_one_space(last) => text = rest,
            _ => return text,
        }
    }
}

/// `str.lstrip()` of a text in WTF-8; also what `\s*` passes over.
fn strip_start_wtf8(mut text: &[u8]) -> &[u8] {
    loop {
        let next = text.iter().skip(1).position(|byte| byte & 0xc0 != 0x80).map_or(text.len(), |at| at + 1);
        match text.split_at_checked(next) {
            Some((first, rest)) if is_one_space(first) => text = rest,
            _ => return text,
        }
    }
}

fn is_one_space(character: &[u8]) -> bool {
    // Half of a surrogate pair is no UTF-8, and no white space.
    std::str::from_utf8(character).is_ok_and(|text| {
        let mut chars = text.chars();
        chars.next().is_some_and(is_space) && chars.next().is_none()
    })
}

/// What reading in text mode makes of line ends: `\r\n` and a `\r` alone become `\n`.
pub fn universal_newlines(text: &str) -> Cow<'_, str> {
    if !text.contains('\r') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\r') {
        out.push_str(before);
        out.push('\n');
        rest = after.strip_prefix('\n').unwrap_or(after);
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// `re.sub(r"<think>.*?</think>\s*", "", text, flags=re.DOTALL)`.
///
/// Each match goes from an opening tag to the nearest closing tag after it; an opening tag that is never closed stays.
pub fn without_thoughts(text: &[u8]) -> Cow<'_, [u8]> {
    const OPEN: &[u8] = b"<think>";
    const CLOSE: &[u8] = b"</think>";
    let mut out: Option<Vec<u8>> = None;
    let mut rest = text;
    while let Some(open) = find(rest, OPEN) {
        let inside = &rest[open + OPEN.len()..];
        let Some(close) = find(inside, CLOSE) else { break };
        out.get_or_insert_default().extend_from_slice(&rest[..open]);
        rest = strip_start_wtf8(&inside[close + CLOSE.len()..]);
    }
    match out {
        None => Cow::Borrowed(text),
        Some(mut out) => {
            out.extend_from_slice(rest);
            Cow::Owned(out)
        }
    }
}

/// Where `needle`, which begins with `<`, first stands in `text`.
pub(crate) fn find(text: &[u8], needle: &[u8]) -> Option<usize> {
    let mut from = 0;
    loop {
        let at = from + text.get(from..)?.iter().position(|&byte| byte == b'<')?;
        if text[at..].starts_with(needle) {
            return Some(at);
        }
        from = at + 1;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Every code point for which CPython 3.11 says `chr(c).isspace()`.
    const PYTHON_SPACES: [u32; 29] = [
        0x9, 0xa, 0xb, 0xc, 0xd, 0x1c, 0x1d, 0x1e, 0x1f, 0x20, 0x85, 0xa0, 0x1680, 0x2000, 0x2001, 0x2002, 0x2003,
        0x2004, 0x2005, 0x2006, 0x2007, 0x2008, 0x2009, 0x200a, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000,
    ];

    #[test]
    fn white_space_is_pythons_over_all_code_points() {
        let found: Vec<u32> = (0..=0x10_ffff).filter(|&c| char::from_u32(c).is_some_and(is_space)).collect();
        assert_eq!(found, PYTHON_SPACES);
        for c in PYTHON_SPACES.into_iter().filter_map(char::from_u32) {
            assert_eq!(strip(&format!("{c}{c}a{c}b{c}")), format!("a{c}b"));
        }
        // Neither a byte order mark nor a zero-width space is white space.
        assert_eq!(strip("\u{feff} \u{200b}"), "\u{feff} \u{200b}");
    }

    #[test]
    fn every_line_end_becomes_one_line_feed() {
        for (text, read) in [
            ("a\r\nb", "a\nb"),
            ("a\rb", "a\nb"),
            ("\r\r\n\n\r", "\n\n\n\n"),
            ("a\n\rb", "a\n\nb"),
            ("\r", "\n"),
            ("a\u{b}\u{85}\u{2028}b", "a\u{b}\u{85}\u{2028}b"),
            ("", ""),
        ] {
            assert_eq!(universal_newlines(text), read, "{text:?}");
        }
    }

    #[test]
    fn thoughts_go_with_the_white_space_after_them() {
        for (text, left) in [
            ("<think>\nreason\n</think>\n\nAnswer.", "Answer."),
            ("a <think>b</think>\u{1c}\u{3000}\t c <think></think>d", "a c d"),
            ("<think>a<think>b</think>c</think> d", "c</think> d"),
            ("a <think>b", "a <think>b"),
            ("a </think> b", "a </think> b"),
            ("</think><think>x</think>y", "</think>y"),
            ("<think>a</think ></think>b", "b"),
            ("<think><think>", "<think><think>"),
            ("<thi<think>a</think>nk>b</think>", "<think>b</think>"),
            ("<Think>a</Think>", "<Think>a</Think>"),
            ("<think>a</think>\u{200b}b", "\u{200b}b"),
            ("", ""),
        ] {
            assert_eq!(&*without_thoughts(text.as_bytes()), left.as_bytes(), "{text:?}");
        }
    }

    #[test]
    fn half_a_surrogate_pair_is_kept_and_is_no_space() {
        let half = b"\xed\xa0\x80";
        let text = [b" \xe3\x80\x80".as_slice(), half, b" <think></think>\x1f", half, b"\n"].concat();
        let left = without_thoughts(&text);
        assert_eq!(strip_wtf8(&left), [half.as_slice(), b" ", half].concat());
        assert_eq!(strip_wtf8(b"\x80 \x80"), b"\x80 \x80");
    }

    proptest! {
        #[test]
        fn both_ways_of_stripping_agree(text in "[ \t\u{1c}\u{1f}\u{85}\u{a0}\u{3000}a\u{e9}\u{2028}\u{10ffff}\u{200b}]{0,12}") {
            prop_assert_eq!(strip_wtf8(text.as_bytes()), strip(&text).as_bytes());
        }

        #[test]
        fn any_bytes_are_stripped_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            prop_assert!(bytes.windows(strip_wtf8(&bytes).len().max(1)).any(|w| w == strip_wtf8(&bytes)) || strip_wtf8(&bytes).is_empty());
        }
    }
}

//! What every picture needs of a text: that nothing in it is markup, and how wide it is.

/// Text as XML 1.0 takes it; what has no place there stands as U+FFFD.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\t' | '\n' | '\r' | '\u{20}'..='\u{fffd}' | '\u{10000}'.. => out.push(character),
            _ => out.push('\u{fffd}'),
        }
    }
    out
}

/// Columns of a text: what is wide in East Asian type counts as two.
pub(super) fn columns(text: &str) -> usize {
    text.chars().map(column).sum()
}

fn column(character: char) -> usize {
    let is_wide = matches!(character,
        '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{a4cf}' | '\u{ac00}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}'
        | '\u{fe30}'..='\u{fe6f}' | '\u{ff00}'..='\u{ff60}' | '\u{ffe0}'..='\u{ffe6}' | '\u{1f300}'..='\u{1faff}'
        | '\u{20000}'..='\u{3fffd}');
    if is_wide { 2 } else { 1 }
}

/// A text that fits, with a mark where it was cut.
pub(super) fn cut(text: &str, most: usize) -> String {
    if columns(text) <= most {
        return text.to_owned();
    }
    let (mut out, mut width) = (String::new(), 0);
    for character in text.chars() {
        width += column(character);
        if width >= most {
            break;
        }
        out.push(character);
    }
    out.push('…');
    out
}

/// A text in lines that fit, broken between words; what would be more than so many lines is cut.
pub(super) fn wrap(text: &str, width: usize, most: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let count = lines.len();
        let line = lines.last_mut().expect("there is always one");
        if line.is_empty() || columns(line) + 1 + columns(word) <= width {
            line.push_str(if line.is_empty() { "" } else { " " });
            line.push_str(word);
        } else if count < most {
            lines.push(word.to_owned());
        } else {
            line.push_str(" …");
            break;
        }
    }
    lines.iter().map(|line| cut(line, width + 2)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_is_markup_or_no_xml() {
        assert_eq!(
            escape("<a b=\"c\" d='e'>&\u{0}\u{b}\u{fffe}"),
            "&lt;a b=&quot;c&quot; d=&#39;e&#39;&gt;&amp;\u{fffd}\u{fffd}\u{fffd}"
        );
        assert_eq!(escape("a\tb\n数"), "a\tb\n数");
    }

    #[test]
    fn a_text_is_as_wide_as_it_looks_and_is_cut_with_a_mark() {
        assert_eq!((columns("abc"), columns("数数")), (3, 4));
        assert_eq!((cut("abcd", 4), cut("abcde", 4), cut("数数数", 4)), ("abcd".into(), "abc…".into(), "数…".into()));
    }

    #[test]
    fn lines_break_between_words_and_end_with_a_mark_where_more_is_left_out() {
        assert_eq!(wrap("one two three four", 9, 3), ["one two", "three", "four"]);
        assert_eq!(wrap("one two three four", 9, 2), ["one two", "three …"]);
        assert_eq!(wrap("onetwothreefour", 9, 2), ["onetwothre…"]);
        assert_eq!(wrap("", 9, 2), [""]);
    }
}

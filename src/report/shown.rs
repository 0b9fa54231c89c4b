//! The one door for foreign text on its way to a person.

use std::fmt;

/// Characters of one foreign text that are shown.
const MAX_SHOWN: usize = 200;

/// Text from outside, made safe to show: control characters, C1, DEL, bidirectional overrides and invisible characters
/// stand as `\u{…}`, and what is too long is cut and says so.
#[derive(Debug, Clone, Copy)]
pub struct Shown<'a>(pub &'a str);

fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{00ad}' | '\u{061c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (count, character) in self.0.chars().enumerate() {
            if count == MAX_SHOWN {
                return write!(f, "… ({} more characters)", self.0.chars().count() - MAX_SHOWN);
            }
            if is_hidden(character) {
                write!(f, "{}", character.escape_unicode())?;
            } else {
                write!(f, "{character}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Shown;

    #[test]
    fn what_could_move_the_cursor_or_hide_is_spelled_out() {
        assert_eq!(Shown("\u{1b}[2K\rPASS").to_string(), "\\u{1b}[2K\\u{d}PASS");
        assert_eq!(Shown("a\u{202e}b\u{200b}c\u{9b}d\u{7f}").to_string(), "a\\u{202e}b\\u{200b}c\\u{9b}d\\u{7f}");
        assert_eq!(Shown("naïve 数").to_string(), "naïve 数");
    }

    #[test]
    fn what_is_too_long_is_cut_and_says_so() {
        let text = "x".repeat(205);
        assert!(Shown(&text).to_string().ends_with("x… (5 more characters)"));
    }
}

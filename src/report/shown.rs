//! The one door for foreign text on its way to a person.

use std::fmt;

/// Characters of one foreign text that are shown.
const MAX_SHOWN: usize = 200;

/// As many more are shown too: to say that they are left out would take their place.
const NOT_WORTH_A_CUT: usize = 40;

/// Text from outside, made safe to show: control characters, C1, DEL, bidirectional overrides and invisible characters
/// stand as `\u{…}`, so do letters that pass for Latin ones inside a Latin word, and what is too long is cut and says so.
#[derive(Debug, Clone, Copy)]
pub struct Shown<'a>(pub &'a str);

/// Characters that move the cursor, turn the reading direction, or are not seen at all (Unicode's default ignorables and
/// the blanks that are no spaces).
pub(super) fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{00ad}' | '\u{034f}' | '\u{061c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// A message of our own that may quote foreign text: it keeps its lines, and nothing in it moves the cursor or hides.
pub fn legible(message: &str) -> String {
    let mut text = String::with_capacity(message.len());
    for character in message.chars() {
        if character != '\n' && is_hidden(character) {
            text.extend(character.escape_unicode());
        } else {
            text.push(character);
        }
    }
    text
}

/// Letters of scripts that have twins of Latin letters, and Latin letters in other clothes.
fn may_pass_for_latin(character: char) -> bool {
    matches!(character,
        '\u{0370}'..='\u{058f}' | '\u{10a0}'..='\u{10ff}' | '\u{13a0}'..='\u{13ff}' | '\u{1d00}'..='\u{1d7f}'
        | '\u{1f00}'..='\u{1fff}' | '\u{2100}'..='\u{214f}' | '\u{2c80}'..='\u{2cff}' | '\u{a4d0}'..='\u{a4ff}'
        | '\u{a640}'..='\u{a69f}' | '\u{ff21}'..='\u{ff5a}' | '\u{1d400}'..='\u{1d7ff}')
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A look-alike is told from an honest foreign word by the company it keeps: it stands in a Latin word.
        let mut in_latin_word = false;
        let is_cut = self.0.chars().nth(MAX_SHOWN + NOT_WORTH_A_CUT).is_some();
        for (count, (at, character)) in self.0.char_indices().enumerate() {
            if count == 0 || !character.is_alphanumeric() || !self.0[..at].ends_with(char::is_alphanumeric) {
                let mut word = self.0[at..].chars().take(MAX_SHOWN).take_while(|c| c.is_alphanumeric());
                in_latin_word = word.any(|c| c.is_ascii_alphabetic());
            }
            if is_cut && count == MAX_SHOWN {
                return write!(f, "… ({} more characters)", self.0.chars().count() - MAX_SHOWN);
            }
            if is_hidden(character) || (in_latin_word && may_pass_for_latin(character)) {
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
        let text = "x".repeat(241);
        assert!(Shown(&text).to_string().ends_with("x… (41 more characters)"));
        // What is a little longer is shown whole: saying so would take as much room.
        assert_eq!(Shown(&text[..240]).to_string(), text[..240]);
    }
}

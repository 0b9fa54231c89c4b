//! A text as words: what stays when case, punctuation, spacing, accents and compatibility forms are put aside.
//!
//! A word is a run of letters and digits. Letters of scripts that put no spaces between words are a word each. Characters
//! that are not seen (a soft hyphen, a zero-width space) neither end a word nor belong to it.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Gives every word of the text, normalised, to `each`.
pub(super) fn each_word(text: &str, mut each: impl FnMut(&str)) {
    let (mut word, mut is_plain) = (String::new(), true);
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        if byte.is_ascii() {
            at += 1;
            if byte.is_ascii_alphanumeric() {
                word.push(char::from(byte.to_ascii_lowercase()));
            } else {
                end(&mut word, &mut is_plain, &mut each);
            }
            continue;
        }
        let Some(character) = text.get(at..).and_then(|rest| rest.chars().next()) else { return };
        at += character.len_utf8();
        if is_unseen(character) {
            continue;
        }
        if is_alone(character) {
            end(&mut word, &mut is_plain, &mut each);
            (word, is_plain) = (character.into(), false);
            end(&mut word, &mut is_plain, &mut each);
        } else if character.is_alphanumeric() || is_combining_mark(character) {
            word.push(character);
            is_plain = false;
        } else {
            end(&mut word, &mut is_plain, &mut each);
        }
    }
    end(&mut word, &mut is_plain, &mut each);
}

fn end(word: &mut String, is_plain: &mut bool, each: &mut impl FnMut(&str)) {
    if *is_plain {
        if !word.is_empty() {
            each(word);
        }
    } else {
        // By way of the capital letter: `ß` and `ς` are then what `SS` and `Σ` are.
        let stays = |c: &char| c.is_alphanumeric() && !is_combining_mark(*c);
        let folded = word.nfkd().filter(stays).flat_map(char::to_uppercase);
        let folded: String = folded.flat_map(char::to_lowercase).nfkd().filter(stays).collect();
        if !folded.is_empty() {
            each(&folded);
        }
        *is_plain = true;
    }
    word.clear();
}

/// Characters that a reader does not see and that stand inside words.
fn is_unseen(character: char) -> bool {
    matches!(character, '\u{ad}' | '\u{34f}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{e0000}'..='\u{e0fff}')
}

/// Letters of scripts that are written without spaces: Thai, Lao, Burmese, Khmer, kana, Han.
fn is_alone(character: char) -> bool {
    matches!(character, '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}' | '\u{3040}'..='\u{30ff}'
        | '\u{31f0}'..='\u{31ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}'
        | '\u{ff66}'..='\u{ff9d}' | '\u{20000}'..='\u{3ffff}')
        && character.is_alphanumeric()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn words(text: &str) -> Vec<String> {
        let mut found = Vec::new();
        each_word(text, |word| found.push(word.to_owned()));
        found
    }

    #[test]
    fn case_punctuation_spacing_and_accents_are_put_aside() {
        assert_eq!(words("Don’t\r\n\tPANIC -- it's 42!"), ["don", "t", "panic", "it", "s", "42"]);
        // Composed and decomposed, ligature, full width, sharp s and final sigma.
        assert_eq!(words("Café cafe\u{301} CAFE"), ["cafe", "cafe", "cafe"]);
        assert_eq!(
            words("ﬁnd Ｆｉｎｄ STRASSE straße ΟΔΟΣ οδος"),
            ["find", "find", "strasse", "strasse", "οδοσ", "οδοσ"]
        );
        assert_eq!(words("con\u{ad}tami\u{200b}nation\u{feff} ..."), ["contamination"]);
        assert_eq!(words("模型は ok"), ["模", "型", "は", "ok"]);
        assert!(words(" \u{301}. —").is_empty());
    }

    proptest! {
        #[test]
        fn words_are_their_own_words(text in "[ -~à-ÿĀ-žΑ-ωА-яﬀ-ﬄＡ-ｚ一-仿]{0,80}") {
            let once = words(&text);
            prop_assert_eq!(words(&once.join(" ")), once);
        }

        #[test]
        fn capital_letters_change_nothing(text in "[a-zà-öα-ωа-я0-9 ,.'-]{0,60}") {
            prop_assert_eq!(words(&text.to_uppercase()), words(&text));
        }
    }
}

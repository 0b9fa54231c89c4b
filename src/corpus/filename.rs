//! The file name that the generator makes of an idea, and where two ideas get the same one.
//!
//! `<>:"/\|?*` and characters that cannot be printed become `_`, dots and spaces are stripped at both ends, 200
//! characters are kept. Hole: Python calls code points that Unicode has not assigned unprintable too; here they stay.

/// Characters kept.
const MAX_CHARACTERS: usize = 200;

/// The name, without an ending.
pub(super) fn sanitize(name: &str) -> String {
    let replaced: String = name.chars().map(|c| if is_kept(c) { c } else { '_' }).collect();
    replaced.trim_matches(['.', ' ']).chars().take(MAX_CHARACTERS).collect()
}

fn is_kept(c: char) -> bool {
    let forbidden = matches!(c, '<' | '>' | ':' | '"' | '/' | '\\' | '|' | '?' | '*');
    let unprintable = c.is_control()
        || (c.is_whitespace() && c != ' ')
        || matches!(c, '\u{ad}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{180e}')
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
        || matches!(c, '\u{fff9}'..='\u{fffb}' | '\u{e000}'..='\u{f8ff}' | '\u{e0001}'..='\u{e007f}' | '\u{f0000}'..);
    !forbidden && !unprintable
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_file_names_as_the_generator_makes_them() {
        assert_eq!(sanitize("Calibration-case/2"), "Calibration-case_2");
        assert_eq!(sanitize(" ..a <b>: \"c\"?*|\\. "), "a _b__ _c_____");
        assert_eq!(sanitize("a\tb\u{200b}c\u{a0}d é漢😀"), "a_b_c_d é漢😀");
        assert_eq!(sanitize(&"é".repeat(300)), "é".repeat(200));
        assert_eq!(sanitize("..."), "");
    }
}

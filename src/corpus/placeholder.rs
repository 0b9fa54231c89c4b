//! Placeholders of a template that were left in a generated text.
//!
//! A document may be about code or mathematics, where braces mean something else. So only these count: a name in braces
//! in small letters with an underscore (`{model_name}`), or one of the bare words that the templates of such pipelines
//! use; and none right after a brace, `$`, `\`, `_`, `^` or a letter (`${path_name}`, `\frac{a_b}`, `x_{model}`).

/// Names without an underscore that templates use.
const BARE: &[&str] =
    &["model", "provider", "principle", "domain", "subdomain", "spec", "idea", "question", "assertion"];

/// Longest name looked at.
const MAX_NAME: usize = 64;

/// The first placeholder left in `text`, without its braces.
pub fn left_over(text: &str) -> Option<&str> {
    let bytes = text.as_bytes();
    let mut from = 0;
    while let Some(at) = text.get(from..).and_then(|rest| rest.find('{')).map(|at| from + at) {
        from = at + 1;
        let before = at.checked_sub(1).and_then(|at| bytes.get(at));
        if before.is_some_and(|byte| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'{' | b'}' | b'$' | b'\\' | b'_' | b'^')
        }) {
            continue;
        }
        let inside = &bytes[from..];
        let len = inside
            .iter()
            .take(MAX_NAME + 1)
            .take_while(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || **byte == b'_')
            .count();
        if inside.get(len) == Some(&b'}') && inside.get(len + 1) != Some(&b'}') {
            let name = &text[from..from + len];
            let snake = name.trim_matches('_') == name
                && name.contains('_')
                && name.starts_with(|c: char| c.is_ascii_lowercase());
            if snake || BARE.contains(&name) {
                return Some(name);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn placeholders_are_found_and_code_is_left_alone() {
        assert_eq!(left_over("I am {model_name}, by {provider_name}."), Some("model_name"));
        assert_eq!(left_over("é{x} {model}"), Some("model"));
        for text in [
            "",
            "{",
            "{}",
            "{x}",
            "{{model_name}}",
            "${model_name}",
            "\\frac{a_b}{c_d}",
            "x_{model}",
            "{Model_Name}",
            "{_x_y}",
            "{\"model_name\": 1}",
            "{model_name",
            "{model name}",
            "f{model_name}",
        ] {
            assert_eq!(left_over(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[{}a_é$]{0,20}") {
            left_over(&text);
        }
    }
}

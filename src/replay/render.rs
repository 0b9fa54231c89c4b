//! A template rendered as the generators render it: Python's `str.format` with names, and `str.replace`.
//!
//! The two are not the same: `format` turns `{{` into `{` and raises on a brace that stands alone, `replace` fills
//! `{model_name}` in wherever it stands, inside `{{model_name}}` too. Of `format` only names are rendered here; what goes
//! on to attributes, indexes, conversions or format specifications is refused, never guessed.
//!
//! Grammar: <https://docs.python.org/3/library/string.html#format-string-syntax>

use std::collections::BTreeMap;

/// How a template is rendered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// `template.format(name=value, …)`.
    Format,
    /// `template.replace("{name}", value)`, one name after the other in the order given.
    Replace,
}

impl Engine {
    /// Both.
    pub const ALL: &'static [Self] = &[Self::Format, Self::Replace];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Format => "format",
            Self::Replace => "replace",
        }
    }
}

/// Why `str.format` does not render a template. Offsets are in bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum FormatError {
    #[error("a single `}}` at byte {at}: `str.format` raises ValueError")]
    SingleClosing { at: usize },
    #[error("a `{{` at byte {at} that nothing closes: `str.format` raises ValueError")]
    Unclosed { at: usize },
    #[error("a `{{` inside the field at byte {at}: `str.format` raises ValueError")]
    Nested { at: usize },
    #[error(
        "the field at byte {at} has a number or nothing for a name: `str.format` raises IndexError without arguments"
    )]
    Positional { at: usize },
    #[error("the field `{}` at byte {at} has no value: `str.format` raises KeyError", .name.escape_debug())]
    NoValue { name: String, at: usize },
    #[error(
        "the field at byte {at} goes on after its name (`.`, `[`, `!` or `:`); such templates are not rendered here"
    )]
    Beyond { at: usize },
}

/// A part of a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Stands there as it is.
    Literal(&'a str),
    /// Is replaced by the value of that name.
    Field {
        /// The name.
        name: &'a str,
        /// Where its brace stands.
        at: usize,
    },
}

/// The parts of a template as `str.format` reads it.
pub fn parse_format(template: &str) -> Result<Vec<Piece<'_>>, FormatError> {
    let bytes = template.as_bytes();
    let mut pieces = Vec::new();
    let (mut start, mut at) = (0, 0);
    while let Some(found) = template[at..].find(['{', '}']).map(|found| at + found) {
        let brace = bytes[found];
        if bytes.get(found + 1) == Some(&brace) {
            pieces.push(Piece::Literal(&template[start..=found]));
            at = found + 2;
            start = at;
            continue;
        }
        if brace == b'}' {
            return Err(FormatError::SingleClosing { at: found });
        }
        pieces.push(Piece::Literal(&template[start..found]));
        let inside = &template[found + 1..];
        let end = inside.find(['{', '}', '.', '[', '!', ':']).ok_or(FormatError::Unclosed { at: found })?;
        match inside.as_bytes()[end] {
            b'}' => {}
            b'{' => return Err(FormatError::Nested { at: found }),
            _ => return Err(FormatError::Beyond { at: found }),
        }
        let name = &inside[..end];
        if name.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(FormatError::Positional { at: found });
        }
        pieces.push(Piece::Field { name, at: found });
        at = found + 1 + end + 1;
        start = at;
    }
    pieces.push(Piece::Literal(&template[start..]));
    pieces.retain(|piece| *piece != Piece::Literal(""));
    Ok(pieces)
}

/// Renders a template. For `replace` the order of the values matters where one holds the name of a later one.
pub fn render(template: &str, engine: Engine, values: &[(String, String)]) -> Result<String, FormatError> {
    match engine {
        Engine::Replace => Ok(values
            .iter()
            .fold(template.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))),
        Engine::Format => {
            let mut text = String::with_capacity(template.len());
            for piece in parse_format(template)? {
                match piece {
                    Piece::Literal(literal) => text.push_str(literal),
                    Piece::Field { name, at } => {
                        let value = values.iter().find(|(own, _)| own == name);
                        let (_, value) = value.ok_or_else(|| FormatError::NoValue { name: name.to_owned(), at })?;
                        text.push_str(value);
                    }
                }
            }
            Ok(text)
        }
    }
}

/// Every `{identifier}` in a text with how often it stands there: what `replace` would fill in.
pub fn placeholders(text: &str) -> BTreeMap<&str, u64> {
    let mut found = BTreeMap::new();
    let mut at = 0;
    while let Some(open) = text[at..].find('{').map(|open| at + open) {
        at = open + 1;
        let inside = &text[at..];
        let len = inside.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
        let name = &inside[..len];
        if inside.as_bytes().get(len) == Some(&b'}') && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        {
            *found.entry(name).or_default() += 1;
        }
    }
    found
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn values() -> Vec<(String, String)> {
        [("model_name", "Qwen"), ("provider_name", "Ali{x}baba")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec()
    }

    #[test]
    fn the_engines_are_pythons_and_differ_where_pythons_do() {
        let both = [
            ("{model_name} by {provider_name}", "Qwen by Ali{x}baba", "Qwen by Ali{x}baba"),
            ("{{model_name}}", "{model_name}", "{Qwen}"),
            ("{{}} }}{{", "{} }{", "{{}} }}{{"),
            ("{{{model_name}}}", "{Qwen}", "{{Qwen}}"),
            ("é{model_name}é", "éQwené", "éQwené"),
            ("", "", ""),
        ];
        for (template, format, replace) in both {
            assert_eq!(render(template, Engine::Format, &values()).unwrap(), format, "{template}");
            assert_eq!(render(template, Engine::Replace, &values()).unwrap(), replace, "{template}");
        }
        assert_eq!(render("{other} {", Engine::Replace, &values()).unwrap(), "{other} {");
    }

    #[test]
    fn what_format_raises_on_is_refused_with_its_place() {
        let refusal = |template: &str| render(template, Engine::Format, &values()).unwrap_err();
        assert_eq!(refusal("ab}"), FormatError::SingleClosing { at: 2 });
        assert_eq!(refusal("}}}"), FormatError::SingleClosing { at: 2 });
        assert_eq!(refusal("ab{"), FormatError::Unclosed { at: 2 });
        assert_eq!(refusal("{model_name"), FormatError::Unclosed { at: 0 });
        assert_eq!(refusal("{a{b}}"), FormatError::Nested { at: 0 });
        assert_eq!(refusal("x{}"), FormatError::Positional { at: 1 });
        assert_eq!(refusal("{0}"), FormatError::Positional { at: 0 });
        assert_eq!(refusal("{other}"), FormatError::NoValue { name: "other".to_owned(), at: 0 });
        assert_eq!(refusal("{ model_name }"), FormatError::NoValue { name: " model_name ".to_owned(), at: 0 });
        for beyond in ["{model_name!r}", "{model_name:>9}", "{model_name.x}", "{model_name[0]}", "{:x}"] {
            assert_eq!(refusal(beyond), FormatError::Beyond { at: 0 }, "{beyond}");
        }
        assert_eq!(refusal("}").to_string(), "a single `}` at byte 0: `str.format` raises ValueError");
    }

    #[test]
    fn replacement_goes_in_order() {
        let values = [("a", "{b}"), ("b", "x")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(render("{a}", Engine::Replace, &values).unwrap(), "x");
        let turned: Vec<_> = values.iter().rev().cloned().collect();
        assert_eq!(render("{a}", Engine::Replace, &turned).unwrap(), "{b}");
    }

    #[test]
    fn placeholders_are_identifiers_in_braces() {
        let found = placeholders("{a} {{a}} {b_1} {1} {} { a } {a.b} {é} {_}");
        assert_eq!(found, [("a", 2), ("b_1", 1), ("_", 1)].into());
    }

    proptest! {
        #[test]
        fn a_text_with_its_braces_doubled_renders_as_itself(text in "[{}a é:.!]{0,20}") {
            let doubled = text.replace('{', "{{").replace('}', "}}");
            prop_assert_eq!(render(&doubled, Engine::Format, &[]).unwrap(), text);
        }

        #[test]
        fn no_template_makes_it_panic(text in "[{}a.é]{0,12}") {
            let _ = render(&text, Engine::Format, &values());
            placeholders(&text);
        }
    }
}

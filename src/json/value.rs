//! A value where it lies in the source, and the walk over what is in it.

use crate::json::MAX_DEPTH;
use crate::json::error::JsonError;
use crate::json::scan::Scanner;
use crate::json::text::{Text, decode_text};

/// What kind of value a token begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Null,
    Bool,
    Number,
    /// `NaN`, `Infinity` or `-Infinity`.
    NonFinite,
    Text,
    Array,
    Object,
}

impl Kind {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool => "a boolean",
            Self::Number => "a number",
            Self::NonFinite => "not a finite number",
            Self::Text => "a text",
            Self::Array => "an array",
            Self::Object => "an object",
        }
    }
}

/// One value, checked to be well formed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Value<'a> {
    raw: &'a str,
}

impl<'a> Value<'a> {
    /// Checks that `bytes` are exactly one value.
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, JsonError> {
        let text = std::str::from_utf8(bytes).map_err(|error| JsonError::Utf8 { at: error.valid_up_to() })?;
        // Python's json module writes no byte order mark, but editors on some systems do.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut scanner = Scanner { bytes: text.as_bytes(), at: 0 };
        let (start, end) = scanner.document()?;
        Ok(Self { raw: text.get(start..end).ok_or(JsonError::Truncated)? })
    }

    /// The bytes of the value as they stand in the source.
    pub(crate) fn raw(&self) -> &'a str {
        self.raw
    }

    pub(crate) fn kind(&self) -> Kind {
        match self.raw.as_bytes().first() {
            Some(b'{') => Kind::Object,
            Some(b'[') => Kind::Array,
            Some(b'"') => Kind::Text,
            Some(b't' | b'f') => Kind::Bool,
            Some(b'N' | b'I') => Kind::NonFinite,
            Some(b'-') if self.raw.as_bytes().get(1) == Some(&b'I') => Kind::NonFinite,
            Some(b'-' | b'0'..=b'9') => Kind::Number,
            _ => Kind::Null,
        }
    }

    pub(crate) fn is_null(&self) -> bool {
        self.kind() == Kind::Null
    }

    /// The decoded text, where the value is one.
    pub(crate) fn text(&self) -> Option<Text<'a>> {
        (self.kind() == Kind::Text)
            .then(|| decode_text(self.raw.get(1..self.raw.len().saturating_sub(1)).unwrap_or("")))
    }

    /// The value as an integer, where it is one that fits.
    pub(crate) fn int(&self) -> Option<i64> {
        self.raw.parse().ok().filter(|_| self.kind() == Kind::Number)
    }

    /// The items of an array; nothing for any other value.
    pub(crate) fn items(&self) -> impl Iterator<Item = Value<'a>> + use<'a> {
        Walk::new(self.raw, Kind::Array, self.kind()).map(|(_, value)| value)
    }

    /// The members of an object in source order; nothing for any other value.
    pub(crate) fn members(&self) -> impl Iterator<Item = (Text<'a>, Value<'a>)> + use<'a> {
        Walk::new(self.raw, Kind::Object, self.kind()).filter_map(|(name, value)| Some((name?, value)))
    }
}

/// Checks that `bytes` are exactly one object, and lists its members in the same pass.
pub(crate) fn members_of(bytes: &[u8]) -> Result<Vec<(Text<'_>, Value<'_>)>, JsonError> {
    let text = std::str::from_utf8(bytes).map_err(|error| JsonError::Utf8 { at: error.valid_up_to() })?;
    let mut scanner = Scanner { bytes, at: 0 };
    scanner.space();
    if scanner.peek() != Some(b'{') {
        let value = Value::parse(bytes)?;
        return Err(wrong("the row", "an object", value.kind()));
    }
    scanner.at += 1;
    scanner.space();
    let mut members = Vec::new();
    let mut is_open = scanner.peek() != Some(b'}');
    while is_open {
        let start = scanner.at + 1;
        let end = scanner.name()?;
        let name = decode_text(text.get(start..end).unwrap_or(""));
        let start = scanner.at;
        scanner.value(MAX_DEPTH - 1)?;
        members.push((name, Value { raw: text.get(start..scanner.at).unwrap_or("") }));
        scanner.space();
        match scanner.peek() {
            Some(b',') => {
                scanner.at += 1;
                scanner.space();
            }
            Some(b'}') => is_open = false,
            _ => return Err(scanner.syntax()),
        }
    }
    scanner.at += 1;
    scanner.space();
    if scanner.at == bytes.len() { Ok(members) } else { Err(JsonError::Syntax { at: scanner.at }) }
}

pub(crate) fn wrong(name: &str, expected: &'static str, found: Kind) -> JsonError {
    JsonError::Type { name: name.to_owned(), expected, found: found.name() }
}

/// Walks the members or items of a checked container.
struct Walk<'a> {
    raw: &'a str,
    at: usize,
    object: bool,
}

impl<'a> Walk<'a> {
    fn new(raw: &'a str, wanted: Kind, found: Kind) -> Self {
        // A value of another kind is walked as the empty container.
        let raw = if wanted == found { raw } else { "" };
        Self { raw, at: 1, object: wanted == Kind::Object }
    }
}

impl<'a> Iterator for Walk<'a> {
    type Item = (Option<Text<'a>>, Value<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let mut scanner = Scanner { bytes: self.raw.as_bytes(), at: self.at };
        scanner.space();
        if scanner.peek() == Some(b',') {
            scanner.at += 1;
            scanner.space();
        }
        let name = if self.object && scanner.peek() == Some(b'"') {
            let start = scanner.at + 1;
            scanner.string().ok()?;
            let name = decode_text(self.raw.get(start..scanner.at - 1)?);
            scanner.space();
            scanner.at += 1;
            scanner.space();
            Some(name)
        } else {
            None
        };
        if matches!(scanner.peek(), None | Some(b'}' | b']')) {
            return None;
        }
        let start = scanner.at;
        scanner.value(MAX_DEPTH).ok()?;
        self.at = scanner.at;
        Some((name, Value { raw: self.raw.get(start..scanner.at)? }))
    }
}

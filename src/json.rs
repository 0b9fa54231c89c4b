//! JSON as evaluation logs write it, read where it lies: values are slices of the input, checked once.
//!
//! Not `serde_json`, for four reasons that matter to a record: Python writes bare `NaN` and `Infinity`, which are not
//! JSON; a text may hold half of a surrogate pair, which no Rust string can; a name that stands twice in an object
//! must be seen, not resolved; and the bytes of a number are evidence. The grammar is otherwise RFC 8259. One pass
//! checks the whole input with a bounded stack, later passes walk what was checked.

use std::borrow::Cow;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

/// Deeper nesting is refused; real logs use about 30.
pub(crate) const MAX_DEPTH: usize = 128;

/// Members of an object that is held by name; a real one has about 30. A member of five bytes costs a hundred here.
const MAX_MEMBERS: usize = 100_000;

/// Why bytes are not JSON, or not the JSON that was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum JsonError {
    #[error("the text is not UTF-8 at byte {at}")]
    Utf8 { at: usize },
    #[error("the text is not JSON at byte {at}")]
    Syntax { at: usize },
    #[error("the text ends inside a value")]
    Truncated,
    #[error("values nest deeper than {MAX_DEPTH} at byte {at}")]
    Depth { at: usize },
    #[error("an object has more than {MAX_MEMBERS} members")]
    Members,
    #[error("`{name}` stands twice in one object")]
    Duplicate { name: String },
    #[error("`{name}` is {found}, expected {expected}")]
    Type { name: String, expected: &'static str, found: &'static str },
    #[error("there is no `{name}`")]
    Missing { name: String },
}

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

/// A decoded text: its bytes are UTF-8 except where the source wrote half of a surrogate pair (then WTF-8).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Text<'a> {
    pub(crate) bytes: Cow<'a, [u8]>,
    pub(crate) lone_surrogate: bool,
}

impl Text<'_> {
    /// The text with U+FFFD for what is no character: for names and messages, never for digests.
    pub(crate) fn lossy(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
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

    /// The members of an object by name; nothing for any other value.
    pub(crate) fn object(&self) -> Result<Object<'a>, JsonError> {
        let mut object = Object::default();
        for (count, (name, value)) in self.members().enumerate() {
            if count == MAX_MEMBERS {
                return Err(JsonError::Members);
            }
            let name = name.lossy();
            match object.members.entry(name) {
                Entry::Occupied(entry) => {
                    object.repeated.insert(entry.key().clone());
                }
                Entry::Vacant(entry) => {
                    entry.insert(value);
                }
            }
        }
        Ok(object)
    }
}

/// The members of an object; asking for one whose name stands twice is refused.
#[derive(Debug, Clone, Default)]
pub(crate) struct Object<'a> {
    members: BTreeMap<String, Value<'a>>,
    repeated: BTreeSet<String>,
}

impl<'a> Object<'a> {
    /// The value under `name`; null counts as absent.
    pub(crate) fn get(&self, name: &str) -> Result<Option<Value<'a>>, JsonError> {
        if self.repeated.contains(name) {
            return Err(JsonError::Duplicate { name: name.to_owned() });
        }
        Ok(self.members.get(name).copied().filter(|value| !value.is_null()))
    }

    /// Whether the name is there, be its value null.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.members.contains_key(name)
    }

    /// The value under a name that must be there.
    pub(crate) fn require(&self, name: &str) -> Result<Value<'a>, JsonError> {
        self.get(name)?.ok_or_else(|| JsonError::Missing { name: name.to_owned() })
    }

    /// The object under `name`; empty where there is none.
    pub(crate) fn object(&self, name: &str) -> Result<Object<'a>, JsonError> {
        match self.get(name)? {
            None => Ok(Object::default()),
            Some(value) if value.kind() == Kind::Object => value.object(),
            Some(value) => Err(wrong(name, "an object", value.kind())),
        }
    }

    /// The text under `name`, with U+FFFD for what is no character.
    pub(crate) fn text(&self, name: &str) -> Result<Option<String>, JsonError> {
        let Some(value) = self.get(name)? else { return Ok(None) };
        let text = value.text().ok_or_else(|| wrong(name, "a text", value.kind()))?;
        Ok(Some(text.lossy()))
    }

    /// The count under `name`.
    pub(crate) fn count(&self, name: &str) -> Result<Option<u64>, JsonError> {
        let Some(value) = self.get(name)? else { return Ok(None) };
        let count = value.int().and_then(|int| u64::try_from(int).ok());
        count.map(Some).ok_or_else(|| wrong(name, "a non-negative integer", value.kind()))
    }

    /// Refuses an object in which any name stands twice.
    pub(crate) fn distinct(self) -> Result<BTreeMap<String, Value<'a>>, JsonError> {
        match self.repeated.into_iter().next() {
            Some(name) => Err(JsonError::Duplicate { name }),
            None => Ok(self.members),
        }
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

/// The one scanner: checks grammar and finds where values end.
struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Scanner<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn syntax(&self) -> JsonError {
        if self.at >= self.bytes.len() { JsonError::Truncated } else { JsonError::Syntax { at: self.at } }
    }

    fn document(&mut self) -> Result<(usize, usize), JsonError> {
        self.space();
        let start = self.at;
        self.value(MAX_DEPTH)?;
        let end = self.at;
        self.space();
        if self.at == self.bytes.len() { Ok((start, end)) } else { Err(JsonError::Syntax { at: self.at }) }
    }

    /// Passes over one value. The stack holds one byte for each open container, at most `limit` of them.
    fn value(&mut self, limit: usize) -> Result<(), JsonError> {
        let mut open: Vec<u8> = Vec::new();
        loop {
            // A value begins here.
            match self.peek() {
                Some(bracket @ (b'{' | b'[')) => {
                    if open.len() == limit {
                        return Err(JsonError::Depth { at: self.at });
                    }
                    self.at += 1;
                    self.space();
                    let close = bracket + 2; // `{` and `}`, `[` and `]` stand two apart in ASCII
                    if self.peek() != Some(close) {
                        open.push(close);
                        if close == b'}' {
                            self.name()?;
                        }
                        continue;
                    }
                    self.at += 1;
                }
                Some(b'"') => self.string()?,
                Some(b't') => self.word(b"true")?,
                Some(b'f') => self.word(b"false")?,
                Some(b'n') => self.word(b"null")?,
                Some(b'N') => self.word(b"NaN")?,
                Some(b'I') => self.word(b"Infinity")?,
                Some(b'-') if self.bytes.get(self.at + 1) == Some(&b'I') => self.word(b"-Infinity")?,
                Some(b'-' | b'0'..=b'9') => self.number()?,
                _ => return Err(self.syntax()),
            }
            // A value ended here: close what closes, then go on to the next one.
            loop {
                let Some(&close) = open.last() else { return Ok(()) };
                self.space();
                match self.peek() {
                    Some(b',') => {
                        self.at += 1;
                        self.space();
                        if close == b'}' {
                            self.name()?;
                        }
                        break;
                    }
                    Some(byte) if byte == close => {
                        self.at += 1;
                        open.pop();
                    }
                    _ => return Err(self.syntax()),
                }
            }
        }
    }

    /// A member's name and the colon after it; where the name ends.
    fn name(&mut self) -> Result<usize, JsonError> {
        if self.peek() != Some(b'"') {
            return Err(self.syntax());
        }
        self.string()?;
        let end = self.at - 1;
        self.space();
        if self.peek() != Some(b':') {
            return Err(self.syntax());
        }
        self.at += 1;
        self.space();
        Ok(end)
    }

    fn word(&mut self, word: &[u8]) -> Result<(), JsonError> {
        if !self.bytes.get(self.at..).unwrap_or_default().starts_with(word) {
            return Err(JsonError::Syntax { at: self.at });
        }
        self.at += word.len();
        Ok(())
    }

    fn digits(&mut self) -> Result<(), JsonError> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == start { Err(self.syntax()) } else { Ok(()) }
    }

    fn number(&mut self) -> Result<(), JsonError> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    fn string(&mut self) -> Result<(), JsonError> {
        self.at += 1;
        loop {
            let rest = self.bytes.get(self.at..).unwrap_or_default();
            let plain = &rest[..memchr::memchr2(b'"', b'\\', rest).unwrap_or(rest.len())];
            // Without an early end the compiler looks at many bytes at once; control characters are rare.
            if plain.iter().fold(0, |found, byte| found | u8::from(*byte < 0x20)) != 0 {
                self.at += plain.iter().position(|byte| *byte < 0x20).unwrap_or(0);
                return Err(JsonError::Syntax { at: self.at });
            }
            self.at += plain.len();
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'\\') => match self.bytes.get(self.at + 1) {
                    Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 2,
                    Some(b'u') => {
                        let digits = self.bytes.get(self.at + 2..self.at + 6).ok_or(JsonError::Truncated)?;
                        if !digits.iter().all(u8::is_ascii_hexdigit) {
                            return Err(JsonError::Syntax { at: self.at });
                        }
                        self.at += 6;
                    }
                    Some(_) => return Err(JsonError::Syntax { at: self.at }),
                    None => return Err(JsonError::Truncated),
                },
                _ => return Err(self.syntax()),
            }
        }
    }
}

/// Decodes the inside of a checked string.
fn decode_text(inside: &str) -> Text<'_> {
    let bytes = inside.as_bytes();
    if !bytes.contains(&b'\\') {
        return Text { bytes: Cow::Borrowed(bytes), lone_surrogate: false };
    }
    let (mut out, mut lone_surrogate, mut at) = (Vec::with_capacity(bytes.len()), false, 0);
    while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
        let plain = memchr::memchr(b'\\', rest).unwrap_or(rest.len());
        out.extend_from_slice(&rest[..plain]);
        at += plain;
        if plain == rest.len() {
            break;
        }
        let escaped = bytes.get(at + 1).copied().unwrap_or(b'\\');
        at += 2;
        match escaped {
            b'b' => out.push(8),
            b'f' => out.push(12),
            b'n' => out.push(b'\n'),
            b'r' => out.push(b'\r'),
            b't' => out.push(b'\t'),
            b'u' => {
                let unit = hex_unit(bytes, at);
                at += 4;
                let low = (bytes.get(at..at + 2) == Some(b"\\u")).then(|| hex_unit(bytes, at + 2));
                match (unit, low) {
                    (0xd800..=0xdbff, Some(low @ 0xdc00..=0xdfff)) => {
                        at += 6;
                        push_code_point(&mut out, 0x1_0000 + ((unit - 0xd800) << 10) + (low - 0xdc00));
                    }
                    (0xd800..=0xdfff, _) => {
                        lone_surrogate = true;
                        push_code_point(&mut out, unit);
                    }
                    _ => push_code_point(&mut out, unit),
                }
            }
            other => out.push(other),
        }
    }
    Text { bytes: Cow::Owned(out), lone_surrogate }
}

fn hex_unit(bytes: &[u8], at: usize) -> u32 {
    let digits = bytes.get(at..at + 4).unwrap_or_default();
    digits.iter().fold(0, |unit, digit| unit << 4 | char::from(*digit).to_digit(16).unwrap_or(0))
}

/// UTF-8, and the same scheme for surrogates (WTF-8), so that different texts never share bytes.
fn push_code_point(out: &mut Vec<u8>, code_point: u32) {
    if let Some(char) = char::from_u32(code_point) {
        out.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
    } else {
        let [.., high, low] = code_point.to_be_bytes();
        out.extend_from_slice(&[0xe0 | high >> 4, 0x80 | (high & 0xf) << 2 | low >> 6, 0x80 | low & 0x3f]);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_log_as_python_writes_it_is_read() {
        let value = Value::parse(br#" {"a": [1, -0.5e3, NaN, -Infinity, {}], "b": "x\u00e9\ud83d\ude00", "c": null} "#)
            .unwrap();
        let object = value.object().unwrap();
        let kinds: Vec<_> = object.require("a").unwrap().items().map(|item| (item.raw(), item.kind())).collect();
        assert_eq!(
            kinds,
            [
                ("1", Kind::Number),
                ("-0.5e3", Kind::Number),
                ("NaN", Kind::NonFinite),
                ("-Infinity", Kind::NonFinite),
                ("{}", Kind::Object)
            ]
        );
        assert_eq!(object.text("b").unwrap().unwrap(), "x\u{e9}\u{1f600}");
        assert_eq!(object.get("c"), Ok(None));
        assert_eq!(object.require("d"), Err(JsonError::Missing { name: "d".to_owned() }));
        assert!(object.count("b").is_err() && object.object("a").is_err());
    }

    #[test]
    fn half_a_surrogate_pair_is_flagged_and_kept_apart() {
        let texts = [r#""\ud800""#, r#""\udc00""#, r#""\ud800\ud800""#, r#""\ufffd""#, r#""\ud83d\ude00""#];
        let decoded: Vec<_> = texts.iter().map(|text| Value::parse(text.as_bytes()).unwrap().text().unwrap()).collect();
        assert_eq!(
            decoded.iter().map(|text| text.lone_surrogate).collect::<Vec<_>>(),
            [true, true, true, false, false]
        );
        assert_eq!(decoded.iter().map(|text| text.bytes.to_vec()).collect::<BTreeSet<_>>().len(), 5);
        assert_eq!(&*decoded[0].bytes, b"\xed\xa0\x80");
    }

    #[test]
    fn a_repeated_name_is_refused_when_it_is_asked_for() {
        let object = Value::parse(br#"{"id": 1, "\u0069d": 2, "x": 1}"#).unwrap().object().unwrap();
        assert_eq!(object.get("id"), Err(JsonError::Duplicate { name: "id".to_owned() }));
        assert!(object.get("x").is_ok());
        assert!(object.distinct().is_err());
    }

    #[test]
    fn what_is_not_json_is_refused() {
        for text in [
            "",
            "{",
            "[1,]",
            "{\"a\"}",
            "{\"a\":1,}",
            "{a:1}",
            "01",
            "1.",
            ".5",
            "+1",
            "nan",
            "Inf",
            "tru",
            "\"\n\"",
            "\"\\x\"",
            "\"\\u12g4\"",
            "\"abc",
            "[1 2]",
            "[1}",
            "1 1",
            "{\"a\":}",
            "'a'",
            "\u{0}",
            "--1",
            "-",
            "1e",
        ] {
            assert!(Value::parse(text.as_bytes()).is_err(), "{text:?}");
        }
        assert_eq!(Value::parse(b"\"\xff\""), Err(JsonError::Utf8 { at: 1 }));
    }

    #[test]
    fn nesting_is_bounded() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert!(Value::parse(nested(MAX_DEPTH).as_bytes()).is_ok());
        assert_eq!(Value::parse(nested(MAX_DEPTH + 1).as_bytes()), Err(JsonError::Depth { at: MAX_DEPTH }));
        assert!(Value::parse("[".repeat(1_000_000).as_bytes()).is_err());
    }

    proptest! {
        #[test]
        fn texts_decode_as_serde_json_decodes_them(text in "\\PC{0,40}[\"\\\\\n\t/]{0,3}") {
            let json = serde_json::to_string(&text).unwrap();
            prop_assert_eq!(Value::parse(json.as_bytes()).unwrap().text().unwrap().lossy(), text);
        }

        #[test]
        fn what_serde_json_accepts_is_accepted(text in "[\\[\\]{}:,\"a1e.\\- ]{0,12}") {
            let theirs = serde_json::from_str::<&serde_json::value::RawValue>(&text).is_ok();
            prop_assert_eq!(Value::parse(text.as_bytes()).is_ok(), theirs, "{}", text);
        }

        #[test]
        fn members_in_one_pass_are_the_members_in_two(text in "\\{?[\\[\\]{}:,\"a1e.\\- ]{0,14}\\}?") {
            let one = members_of(text.as_bytes());
            let two = Value::parse(text.as_bytes()).ok().filter(|value| value.kind() == Kind::Object);
            prop_assert_eq!(one.ok(), two.map(|value| value.members().collect::<Vec<_>>()), "{}", text);
        }

        #[test]
        fn any_bytes_are_walked_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            if let Ok(value) = Value::parse(&bytes) {
                let _ = (value.items().count(), value.object(), value.text(), value.int());
            }
        }
    }
}

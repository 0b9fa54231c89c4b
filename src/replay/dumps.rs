//! `json.dumps`: Python's JSON text of a value, to the byte.
//!
//! What was read keeps its meaning as Python's reader gives it: an object has each name once, at its first place with its
//! last value; a number with a point or an exponent is a float and is written by its shortest digits; any other is an
//! integer of any size.
//!
//! Reference: <https://docs.python.org/3/library/json.html>

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::json::{Kind, Value};
use crate::replay::RowError;

/// What Python's reader takes of an integer since 3.11 (and 3.10.7).
const MAX_INT_DIGITS: usize = 4300;

/// How the text is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    ascii: bool,
    item: &'static str,
    name: &'static str,
    indent: Option<usize>,
}

impl Style {
    /// `json.dumps(value, ensure_ascii=False)`.
    pub const UTF8: Self = Self { ascii: false, item: ", ", name: ": ", indent: None };
    /// `json.dumps(value)`.
    pub const ASCII: Self = Self { ascii: true, ..Self::UTF8 };

    /// With `separators=(",", ":")`.
    #[must_use]
    pub const fn compact(self) -> Self {
        Self { item: ",", name: ":", ..self }
    }

    /// With `indent=spaces`, which ends lines without a space behind the comma.
    #[must_use]
    pub const fn indented(self, spaces: usize) -> Self {
        Self { item: ",", indent: Some(spaces), ..self }
    }
}

/// A value to write: one that was read, or one that was made of such.
#[derive(Debug, Clone)]
pub(crate) enum Json<'a> {
    Value(Value<'a>),
    /// A text in WTF-8.
    Text(Cow<'a, [u8]>),
    List(Vec<Json<'a>>),
    Object(Vec<(Cow<'a, [u8]>, Json<'a>)>),
}

/// The members of an object as Python's `dict` holds them.
pub(crate) fn members<'a>(object: &Value<'a>) -> Vec<(Cow<'a, [u8]>, Value<'a>)> {
    let mut members: Vec<(Cow<'a, [u8]>, Value<'a>)> = Vec::new();
    let mut places: BTreeMap<Cow<'a, [u8]>, usize> = BTreeMap::new();
    for (name, value) in object.members() {
        if let Some(&place) = places.get(&name.bytes) {
            members[place].1 = value;
        } else {
            places.insert(name.bytes.clone(), members.len());
            members.push((name.bytes, value));
        }
    }
    members
}

/// Appends the text of a value. Its depth was bounded when it was read.
pub(crate) fn dumps(json: &Json<'_>, style: Style, out: &mut Vec<u8>) -> Result<(), RowError> {
    Writer { style, out }.json(json, 0)
}

/// Appends a text that was made here, in quotes.
pub(crate) fn dumps_text(text: &str, style: Style, out: &mut Vec<u8>) -> Result<(), RowError> {
    Writer { style, out }.text(text.as_bytes())
}

/// The JSON text of a value: what labs hash, for instance with an indent of two.
pub fn dumps_value(text: &[u8], style: Style) -> Result<Vec<u8>, RowError> {
    let mut out = Vec::with_capacity(text.len());
    dumps(&Json::Value(Value::parse(text)?), style, &mut out)?;
    Ok(out)
}

struct Writer<'o> {
    style: Style,
    out: &'o mut Vec<u8>,
}

impl Writer<'_> {
    fn json(&mut self, json: &Json<'_>, depth: usize) -> Result<(), RowError> {
        match json {
            Json::Value(value) => self.value(value, depth),
            Json::Text(text) => self.text(text),
            Json::List(items) => self.list(items.iter(), depth, |writer, item, depth| writer.json(item, depth)),
            Json::Object(members) => {
                let members = members.iter().map(|(name, value)| (name, value));
                self.object(members, depth, |writer, value, depth| writer.json(value, depth))
            }
        }
    }

    fn value(&mut self, value: &Value<'_>, depth: usize) -> Result<(), RowError> {
        match value.kind() {
            Kind::Null | Kind::Bool | Kind::NonFinite => self.out.extend_from_slice(value.raw().as_bytes()),
            Kind::Number => self.number(value.raw())?,
            Kind::Text => self.text(&value.text().map(|text| text.bytes).unwrap_or_default())?,
            Kind::Array => self.list(value.items(), depth, |writer, item, depth| writer.value(&item, depth))?,
            Kind::Object => {
                let members = members(value);
                let members = members.iter().map(|(name, value)| (name, value));
                self.object(members, depth, |writer, value, depth| writer.value(value, depth))?;
            }
        }
        Ok(())
    }

    fn list<T>(
        &mut self,
        items: impl Iterator<Item = T>,
        depth: usize,
        write: impl Fn(&mut Self, T, usize) -> Result<(), RowError>,
    ) -> Result<(), RowError> {
        self.out.push(b'[');
        let mut is_empty = true;
        for item in items {
            self.separate(is_empty, depth + 1);
            is_empty = false;
            write(self, item, depth + 1)?;
        }
        self.close(b']', is_empty, depth);
        Ok(())
    }

    fn object<'n, T>(
        &mut self,
        members: impl Iterator<Item = (&'n Cow<'n, [u8]>, T)>,
        depth: usize,
        write: impl Fn(&mut Self, T, usize) -> Result<(), RowError>,
    ) -> Result<(), RowError> {
        self.out.push(b'{');
        let mut is_empty = true;
        for (name, value) in members {
            self.separate(is_empty, depth + 1);
            is_empty = false;
            self.text(name)?;
            self.out.extend_from_slice(self.style.name.as_bytes());
            write(self, value, depth + 1)?;
        }
        self.close(b'}', is_empty, depth);
        Ok(())
    }

    fn separate(&mut self, is_first: bool, depth: usize) {
        if !is_first {
            self.out.extend_from_slice(self.style.item.as_bytes());
        }
        self.new_line(depth);
    }

    fn close(&mut self, bracket: u8, is_empty: bool, depth: usize) {
        if !is_empty {
            self.new_line(depth);
        }
        self.out.push(bracket);
    }

    fn new_line(&mut self, depth: usize) {
        if let Some(spaces) = self.style.indent {
            self.out.push(b'\n');
            self.out.resize(self.out.len() + spaces * depth, b' ');
        }
    }

    fn number(&mut self, lexeme: &str) -> Result<(), RowError> {
        if lexeme.contains(['.', 'e', 'E']) {
            let number: f64 = lexeme.parse().expect("what was checked as a number is one");
            self.out.extend_from_slice(float(number).as_bytes());
            return Ok(());
        }
        let digits = lexeme.trim_start_matches('-').len();
        if digits > MAX_INT_DIGITS {
            return Err(RowError::Digits { found: digits, limit: MAX_INT_DIGITS });
        }
        self.out.extend_from_slice(if lexeme == "-0" { b"0" } else { lexeme.as_bytes() });
        Ok(())
    }

    fn text(&mut self, text: &[u8]) -> Result<(), RowError> {
        self.out.push(b'"');
        let mut rest = text;
        while let Err(error) = std::str::from_utf8(rest) {
            let (valid, half) = rest.split_at(error.valid_up_to());
            self.chars(std::str::from_utf8(valid).expect("this much is valid"));
            // Texts are WTF-8: what is no UTF-8 is half of a surrogate pair, in three bytes.
            let Some((&[first, second, third], after)) = half.split_first_chunk() else { break };
            if !self.style.ascii {
                return Err(RowError::Surrogate);
            }
            self.unit(u16::from(first & 0xf) << 12 | u16::from(second & 0x3f) << 6 | u16::from(third & 0x3f));
            rest = after;
        }
        self.chars(std::str::from_utf8(rest).unwrap_or_default());
        self.out.push(b'"');
        Ok(())
    }

    fn chars(&mut self, text: &str) {
        let ascii = self.style.ascii;
        let stands = |c: char| !matches!(c, '"' | '\\' | '\0'..='\x1f') && (!ascii || matches!(c, ' '..='~'));
        let mut rest = text;
        while let Some((at, c)) = rest.char_indices().find(|(_, c)| !stands(*c)) {
            self.out.extend_from_slice(&rest.as_bytes()[..at]);
            rest = &rest[at + c.len_utf8()..];
            match c {
                '"' => self.out.extend_from_slice(b"\\\""),
                '\\' => self.out.extend_from_slice(b"\\\\"),
                '\n' => self.out.extend_from_slice(b"\\n"),
                '\r' => self.out.extend_from_slice(b"\\r"),
                '\t' => self.out.extend_from_slice(b"\\t"),
                '\x08' => self.out.extend_from_slice(b"\\b"),
                '\x0c' => self.out.extend_from_slice(b"\\f"),
                c => c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| self.unit(*unit)),
            }
        }
        self.out.extend_from_slice(rest.as_bytes());
    }

    fn unit(&mut self, unit: u16) {
        self.out.extend_from_slice(format!("\\u{unit:04x}").as_bytes());
    }
}

/// `float.__repr__`, with JSON's words for what is not finite: the fewest digits that read back as the same number.
fn float(number: f64) -> String {
    let sign = if number.is_sign_negative() { "-" } else { "" };
    if number.is_infinite() {
        return format!("{sign}Infinity");
    }
    let shortest = format!("{:e}", number.abs());
    // Of two shortest texts that lie equally near, Python takes the one that ends in an even digit: so does rounding to
    // as many digits, which gives the nearest text in all other cases.
    let places = shortest.split('e').next().unwrap_or_default().len().saturating_sub(2);
    let rounded = format!("{:.places$e}", number.abs());
    let nearest = if rounded.parse() == Ok(number.abs()) { rounded } else { shortest };
    let (mantissa, exponent) = nearest.split_once('e').unwrap_or((&nearest, "0"));
    let digits = mantissa.replace('.', "");
    let exponent: i32 = exponent.parse().unwrap_or_default();
    // Python writes an exponent below 10^-4 and from 10^16 on.
    if !(-4..16).contains(&exponent) {
        let point = if digits.len() > 1 { "." } else { "" };
        let sign_of_exponent = if exponent < 0 { '-' } else { '+' };
        return format!("{sign}{}{point}{}e{sign_of_exponent}{:02}", &digits[..1], &digits[1..], exponent.abs());
    }
    if exponent < 0 {
        let zeros = "0".repeat(usize::try_from(-exponent - 1).unwrap_or_default());
        return format!("{sign}0.{zeros}{digits}");
    }
    let whole = usize::try_from(exponent).unwrap_or_default() + 1;
    match digits.len() {
        len if len <= whole => format!("{sign}{digits}{}.0", "0".repeat(whole - len)),
        _ => format!("{sign}{}.{}", &digits[..whole], &digits[whole..]),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(text: &str, style: Style) -> String {
        String::from_utf8(dumps_value(text.as_bytes(), style).unwrap()).unwrap()
    }

    // Every expected text was printed by CPython 3.11.

    #[test]
    fn floats_are_written_as_python_writes_them() {
        for (lexeme, written) in [
            ("1.0", "1.0"),
            ("1.10", "1.1"),
            ("1e5", "100000.0"),
            ("1E15", "1000000000000000.0"),
            ("1e16", "1e+16"),
            ("123456789012345678.0", "1.2345678901234568e+17"),
            ("0.0001", "0.0001"),
            ("0.00001", "1e-05"),
            ("0.000012", "1.2e-05"),
            ("0.1", "0.1"),
            ("0.30000000000000004", "0.30000000000000004"),
            ("-0.0", "-0.0"),
            ("0e5", "0.0"),
            ("1e400", "Infinity"),
            ("-1e400", "-Infinity"),
            ("1e-400", "0.0"),
            ("5e-324", "5e-324"),
            ("1.7976931348623157e308", "1.7976931348623157e+308"),
            ("12.5", "12.5"),
            ("9007199254740993.0", "9007199254740992.0"),
            ("2.5e-3", "0.0025"),
            ("1e22", "1e+22"),
            ("0.015", "0.015"),
            ("1817227628954566.25", "1817227628954566.2"),
            ("-169722154510251.625", "-169722154510251.62"),
        ] {
            assert_eq!(of(lexeme, Style::UTF8), written, "{lexeme}");
        }
    }

    #[test]
    fn integers_keep_every_digit() {
        let long = "9".repeat(MAX_INT_DIGITS);
        for (lexeme, written) in [("0", "0"), ("-0", "0"), ("-7", "-7"), (long.as_str(), long.as_str())] {
            assert_eq!(of(lexeme, Style::UTF8), written);
        }
        let refused = dumps_value(format!("{long}9").as_bytes(), Style::UTF8).unwrap_err();
        assert_eq!(refused.to_string(), "an integer has 4301 digits; Python reads at most 4300");
    }

    #[test]
    fn texts_are_escaped_as_python_escapes_them() {
        let text = "\"\\u0000\\b\\f\\n\\r\\t\\u001f\\\"\\\\\\/\u{7f}\u{2028}\u{e9}\u{1f600}\"";
        assert_eq!(of(text, Style::UTF8), "\"\\u0000\\b\\f\\n\\r\\t\\u001f\\\"\\\\/\u{7f}\u{2028}\u{e9}\u{1f600}\"");
        assert_eq!(
            of(text, Style::ASCII),
            "\"\\u0000\\b\\f\\n\\r\\t\\u001f\\\"\\\\/\\u007f\\u2028\\u00e9\\ud83d\\ude00\""
        );
    }

    #[test]
    fn half_a_surrogate_pair_is_written_in_ascii_only() {
        assert_eq!(of(r#""a\ud83d \uDE00b\ud83d\ude00""#, Style::ASCII), r#""a\ud83d \ude00b\ud83d\ude00""#);
        assert_eq!(dumps_value(br#"["\ud83d"]"#, Style::UTF8), Err(RowError::Surrogate));
        assert_eq!(dumps_value(br#"{"\udc00": 1}"#, Style::UTF8), Err(RowError::Surrogate));
    }

    #[test]
    fn containers_are_written_in_every_style() {
        let text = r#"{"b":[1,{"c":[]},{}],"a":null,"b":[true,-Infinity,NaN], "": "" }"#;
        assert_eq!(of(text, Style::UTF8), r#"{"b": [true, -Infinity, NaN], "a": null, "": ""}"#);
        assert_eq!(of(text, Style::UTF8.compact()), r#"{"b":[true,-Infinity,NaN],"a":null,"":""}"#);
        assert_eq!(
            of(r#"{"a":[],"b":{"c":[1,{}]}}"#, Style::UTF8.indented(2)),
            "{\n  \"a\": [],\n  \"b\": {\n    \"c\": [\n      1,\n      {}\n    ]\n  }\n}"
        );
    }

    proptest! {
        #[test]
        fn every_float_reads_back(bits in any::<u64>()) {
            let number = f64::from_bits(bits);
            prop_assume!(number.is_finite());
            prop_assert_eq!(float(number).parse::<f64>().unwrap().to_bits(), bits);
        }

        #[test]
        fn writing_again_changes_nothing(text in "[\\[\\]{}:,\"a1e.\\- ]{0,16}") {
            for style in [Style::UTF8, Style::ASCII, Style::UTF8.compact(), Style::ASCII.indented(2)] {
                if let Ok(once) = dumps_value(text.as_bytes(), style) {
                    prop_assert_eq!(dumps_value(&once, style).unwrap(), once);
                }
            }
        }
    }
}

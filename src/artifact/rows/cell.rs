//! One value of a row, and the one way to write it.
//!
//! The same value read from JSON, Parquet or Arrow gives the same bytes:
//!
//! - null, booleans, texts and byte strings as CBOR has them; a text exactly as it stands, never normalised;
//! - a number by its decimal value: an integer of 64 bits as a CBOR integer (`1`, `1.0` and `1e0` are one number), any
//!   other number as `{1: "DIGITSeEXPONENT"}`, the digits without zeros at either end; a binary float counts as the
//!   shortest decimal that reads back as it, which is what JSON writers print. Minus zero is `{1: "-0"}`, and what is no
//!   number `{1: "nan"}`, `{1: "inf"}`, `{1: "-inf"}`;
//! - a text with half of a surrogate pair, which is not UTF-8, as `{2: WTF-8 bytes}`;
//! - a date, time or timestamp as `{3: [kind, decimal]}` in days or seconds;
//! - lists in order; maps sorted by name, without the members that are null, since columnar formats cannot tell null from
//!   absent. Row maps have texts as keys, so the integer keys above cannot be mistaken for one.

use std::borrow::Cow;

use crate::codec::Encoder;

/// Deeper values are refused by every reader; it bounds the recursion here.
pub const MAX_CELL_DEPTH: usize = 128;

/// One value of a row.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell<'a> {
    /// Nothing.
    Null,
    /// True or false.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A number by its digits: a JSON lexeme, or the digits of a decimal with an exponent after them.
    Decimal(Cow<'a, str>),
    /// A binary float.
    Float(f64),
    /// A text; not UTF-8 only where the source wrote half of a surrogate pair.
    Text(Cow<'a, [u8]>),
    /// Bytes.
    Bytes(Cow<'a, [u8]>),
    /// Days or seconds since 1970, or of a day: what it is, and the number.
    Time(&'static str, Cow<'a, str>),
    /// A list.
    List(Vec<Cell<'a>>),
    /// Members by name, in any order, each once.
    Map(Vec<(Cow<'a, [u8]>, Cell<'a>)>),
}

impl Cell<'_> {
    /// The kind of value, as the census counts it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "boolean",
            Self::Int(_) | Self::Decimal(_) | Self::Float(_) => "number",
            Self::Text(_) => "text",
            Self::Bytes(_) => "bytes",
            Self::Time(..) => "time",
            Self::List(_) => "list",
            Self::Map(_) => "map",
        }
    }

    /// Writes the value. A map in which a name stands twice is a bug of the reader and panics.
    pub fn encode(&self, e: &mut Encoder) {
        match self {
            Self::Null => e.null(),
            Self::Bool(value) => e.bool(*value),
            Self::Int(value) => e.int(*value),
            Self::Decimal(lexeme) => number(e, lexeme),
            Self::Float(value) if value.is_nan() => special(e, "nan"),
            Self::Float(value) if value.is_infinite() => special(e, if *value > 0.0 { "inf" } else { "-inf" }),
            // Rust prints the shortest digits that read back as the same float.
            Self::Float(value) => number(e, &format!("{value:e}")),
            Self::Text(bytes) => text(e, bytes),
            Self::Bytes(bytes) => e.bytes(bytes),
            Self::Time(kind, lexeme) => e.map(|m| {
                m.entry(3, |e| {
                    e.array(2);
                    e.text(kind);
                    number(e, lexeme);
                });
            }),
            Self::List(cells) => {
                e.array(cells.len());
                cells.iter().for_each(|cell| cell.encode(e));
            }
            Self::Map(members) => e.map(|m| {
                for (name, cell) in members.iter().filter(|(_, cell)| *cell != Self::Null) {
                    m.any_entry(|e| text(e, name), |e| cell.encode(e));
                }
            }),
        }
    }
}

fn special(e: &mut Encoder, name: &str) {
    e.map(|m| m.entry(1, |e| e.text(name)));
}

fn text(e: &mut Encoder, bytes: &[u8]) {
    match std::str::from_utf8(bytes) {
        Ok(text) => e.text(text),
        Err(_) => e.map(|m| m.entry(2, |e| e.bytes(bytes))),
    }
}

/// Writes a number by its decimal value. What is no number is written as it stands, under the same key.
fn number(e: &mut Encoder, lexeme: &str) {
    match Decimal::parse(lexeme) {
        None => special(e, lexeme),
        Some(decimal) if decimal.digits.is_empty() && decimal.negative => special(e, "-0"),
        Some(decimal) => match decimal.integer() {
            Some(value) => e.int(value),
            None => special(e, &decimal.canonical()),
        },
    }
}

/// A decimal by its significant digits.
struct Decimal {
    negative: bool,
    /// Without zeros at either end; empty for zero.
    digits: String,
    /// Power of ten of the last digit; wide enough for any lexeme that fits memory.
    exponent: i128,
}

impl Decimal {
    fn parse(lexeme: &str) -> Option<Self> {
        let (negative, rest) = lexeme.strip_prefix('-').map_or((false, lexeme), |rest| (true, rest));
        let (mantissa, exponent) = rest.split_once(['e', 'E']).unwrap_or((rest, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !is_digits(whole) || !is_digits(fraction) {
            return None;
        }
        let exponent: i128 = exponent.strip_prefix('+').unwrap_or(exponent).parse().ok()?;
        let all = format!("{whole}{fraction}");
        let significant = all.trim_end_matches('0');
        let zeros = (all.len() - significant.len()) as i128;
        let exponent = exponent.checked_sub(fraction.len() as i128)?.checked_add(zeros)?;
        Some(Self { negative, digits: significant.trim_start_matches('0').to_owned(), exponent })
    }

    fn integer(&self) -> Option<i64> {
        if self.digits.is_empty() {
            return Some(0);
        }
        let zeros = u32::try_from(self.exponent).ok().filter(|zeros| *zeros < 19)?;
        let magnitude = self.digits.parse::<i128>().ok()?.checked_mul(10_i128.pow(zeros))?;
        i64::try_from(if self.negative { -magnitude } else { magnitude }).ok()
    }

    fn canonical(&self) -> String {
        format!("{}{}e{}", if self.negative { "-" } else { "" }, self.digits, self.exponent)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::codec::Decoder;

    fn bytes(cell: &Cell<'_>) -> Vec<u8> {
        Encoder::encode(|e| cell.encode(e))
    }

    fn lexeme(text: &str) -> Vec<u8> {
        bytes(&Cell::Decimal(text.into()))
    }

    #[test]
    fn a_number_is_written_by_its_value() {
        for same in [["1", "1.0", "1e0"], ["100", "1e2", "0.1E+3"], ["0", "0.0", "0e9"], ["-5", "-5.00", "-0.5e1"]] {
            assert!(same.iter().all(|text| lexeme(text) == lexeme(same[0])), "{same:?}");
            assert_eq!(lexeme(same[0])[0] >> 5, u8::from(same[0].starts_with('-')), "{same:?} are CBOR integers");
        }
        assert_eq!(lexeme("9223372036854775807"), bytes(&Cell::Int(i64::MAX)));
        assert_eq!(lexeme("-9223372036854775808"), bytes(&Cell::Int(i64::MIN)));
        for (float, text) in [(0.1, "0.1"), (1e300, "1e300"), (-2.5e-7, "-0.00000025"), (5e-324, "5e-324"), (3.0, "3")]
        {
            assert_eq!(bytes(&Cell::Float(float)), lexeme(text));
        }
        let different = ["0", "-0", "1", "-1", "0.1", "0.10000000000000001", "1e400", "9223372036854775808", "1e19"];
        let mut all: Vec<_> = different.iter().map(|text| lexeme(text)).collect();
        all.extend([f64::NAN, f64::INFINITY, f64::NEG_INFINITY].map(|float| bytes(&Cell::Float(float))));
        all.extend([bytes(&Cell::Null), bytes(&Cell::Bool(false)), bytes(&Cell::Text(b"1".as_slice().into()))]);
        let count = all.len();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), count);
        assert_eq!(bytes(&Cell::Float(-0.0)), lexeme("-0.0"));
    }

    #[test]
    fn an_exponent_of_any_size_costs_no_memory() {
        assert!(lexeme("1e99999999999999999999").len() < 40);
        assert!(lexeme("1e-170141183460469231731687303715884105728").len() < 60);
    }

    #[test]
    fn members_are_sorted_and_null_is_absent() {
        let text = |text: &'static str| Cell::Text(text.as_bytes().into());
        let member = |name: &'static str, cell| (Cow::Borrowed(name.as_bytes()), cell);
        let map = |members| bytes(&Cell::Map(members));
        let left = map(vec![member("role", text("user")), member("content", text("é")), member("name", Cell::Null)]);
        assert_eq!(left, map(vec![member("content", text("é")), member("role", text("user"))]));
        assert_ne!(left, map(vec![member("content", text("e\u{301}")), member("role", text("user"))]));
        // Half of a surrogate pair is neither a text nor the bytes of one.
        let half = Cow::Borrowed(b"\xed\xa0\x80".as_slice());
        assert_ne!(bytes(&Cell::Text(half.clone())), bytes(&Cell::Bytes(half)));
    }

    fn any_cell() -> impl Strategy<Value = Cell<'static>> {
        let leaf = prop_oneof![
            Just(Cell::Null),
            any::<bool>().prop_map(Cell::Bool),
            any::<i64>().prop_map(Cell::Int),
            any::<f64>().prop_map(Cell::Float),
            "-?[0-9]{1,30}(\\.[0-9]{1,9})?(e-?[0-9]{1,9})?".prop_map(|text| Cell::Decimal(text.into())),
            proptest::collection::vec(any::<u8>(), 0..9).prop_map(|bytes| Cell::Text(bytes.into())),
            proptest::collection::vec(any::<u8>(), 0..9).prop_map(|bytes| Cell::Bytes(bytes.into())),
        ];
        leaf.prop_recursive(3, 30, 5, |inner| {
            let members = proptest::collection::btree_map("[a-z]{0,3}", inner.clone(), 0..5);
            prop_oneof![
                proptest::collection::vec(inner, 0..5).prop_map(Cell::List),
                members.prop_map(|members| {
                    Cell::Map(members.into_iter().map(|(name, cell)| (name.into_bytes().into(), cell)).collect())
                }),
            ]
        })
    }

    proptest! {
        #[test]
        fn every_cell_is_one_canonical_item(cell in any_cell()) {
            let bytes = bytes(&cell);
            let mut decoder = Decoder::new(&bytes);
            prop_assert!(decoder.raw().is_ok() && decoder.finish().is_ok());
        }
    }
}

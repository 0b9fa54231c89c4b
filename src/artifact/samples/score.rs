//! One score: the lexeme its source wrote and the exact rational it means.
//!
//! The lexeme is the JSON token as it stands in the log (`1`, `0.5`, `true`, `"C"`, `NaN`); a text longer than
//! [`MAX_LEXEME_BYTES`] becomes `text:` and the BLAKE3 of the decoded text, an array or object `json:` and the BLAKE3
//! of its bytes. On the wire `[lexeme, numerator, denominator]`, or `[lexeme]` where it has no numeric value. Where the
//! lexeme is a number or boolean the rational is redundant, and a reader refuses one that disagrees.

use num_bigint::{BigInt, BigUint, Sign};
use num_rational::BigRational;
use num_traits::{One, Signed, Zero};

use super::SamplesError;
use crate::codec::{Decoder, Encoder};
use crate::digest::FileDigest;

/// Longest lexeme kept as written; Python's longest float has 24 characters.
pub const MAX_LEXEME_BYTES: usize = 64;

/// Longest lexeme on the wire: `text:` or `json:` before 64 hexadecimal digits.
pub(super) const MAX_WIRE_LEXEME_BYTES: usize = 69;

/// Decimal exponents beyond this mean no number of ours: a double reaches -324 to 308, and `1e999999999` in 11 bytes
/// must not become a gigabyte of digits.
const MAX_EXPONENT: u32 = 400;

/// Digits of the largest numerator or denominator that a legal lexeme can have.
const MAX_DIGITS: usize = MAX_EXPONENT as usize + MAX_LEXEME_BYTES;

/// A score as written and as meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Score {
    lexeme: String,
    value: Option<BigRational>,
}

impl Score {
    /// The score of a JSON number, boolean, `null`, `NaN` or `Infinity` token of at most [`MAX_LEXEME_BYTES`].
    pub fn of_token(token: &str) -> Result<Self, SamplesError> {
        if token.len() > MAX_LEXEME_BYTES {
            let (what, found) = ("a score's number", token.len());
            return Err(SamplesError::TextLength { what, found, limit: MAX_LEXEME_BYTES });
        }
        Ok(Self { lexeme: token.to_owned(), value: token_meaning(token).and_then(Meaning::number) })
    }

    /// The score of a JSON text: `token` with its quotes, `text` decoded, `value` what the reader's rule makes of it.
    pub fn of_text(token: &str, text: &[u8], value: Option<BigRational>) -> Self {
        let lexeme =
            if token.len() <= MAX_LEXEME_BYTES { token.to_owned() } else { format!("text:{}", FileDigest::of(text)) };
        Self { lexeme, value }
    }

    /// The score of a JSON array or object that is no score value of its own.
    pub fn of_structure(json: &[u8]) -> Self {
        Self { lexeme: format!("json:{}", FileDigest::of(json)), value: None }
    }

    /// The token as the source wrote it.
    pub fn lexeme(&self) -> &str {
        &self.lexeme
    }

    /// The exact value; `None` where the lexeme has none.
    pub fn value(&self) -> Option<&BigRational> {
        self.value.as_ref()
    }

    /// True for `NaN` and `null`: the source says that there is no score, and no denominator counts it.
    pub fn is_unscored(&self) -> bool {
        says_unscored(&self.lexeme)
    }

    /// True for a text or structure without a numeric value, which Inspect's own metrics count as 0.
    pub fn is_unreadable(&self) -> bool {
        self.value.is_none() && !self.is_unscored()
    }

    pub(super) fn encode(&self, e: &mut Encoder) {
        match &self.value {
            None => {
                e.array(1);
                e.text(&self.lexeme);
            }
            Some(value) => {
                e.array(3);
                e.text(&self.lexeme);
                encode_integer(e, value.numer());
                encode_integer(e, value.denom());
            }
        }
    }

    pub(super) fn of_parts(lexeme: &str, value: Option<BigRational>) -> Result<Self, SamplesError> {
        // Redundant where the lexeme speaks for itself: a manifest cannot show `0` and count 1.
        if token_meaning(lexeme).is_some_and(|meaning| meaning.number() != value) {
            return Err(SamplesError::LexemeValue { lexeme: lexeme.to_owned() });
        }
        Ok(Self { lexeme: lexeme.to_owned(), value })
    }
}

/// The source says that there is no score.
pub(super) fn says_unscored(lexeme: &str) -> bool {
    matches!(lexeme, "NaN" | "null")
}

/// What a token that speaks for itself means.
enum Meaning {
    Number(BigRational),
    /// `null`, `NaN`, an infinity, or digits beyond every limit.
    NoNumber,
}

impl Meaning {
    fn number(self) -> Option<BigRational> {
        match self {
            Self::Number(number) => Some(number),
            Self::NoNumber => None,
        }
    }
}

/// The meaning of a number, boolean or null; `None` for a text or structure, whose meaning is the reader's rule.
fn token_meaning(token: &str) -> Option<Meaning> {
    match token {
        "true" => Some(Meaning::Number(BigRational::one())),
        "false" => Some(Meaning::Number(BigRational::zero())),
        "null" | "NaN" | "Infinity" | "-Infinity" => Some(Meaning::NoNumber),
        _ if token.starts_with(['"', 't', 'j']) => None,
        _ => Some(parse_number(token).map_or(Meaning::NoNumber, Meaning::Number)),
    }
}

/// What Inspect's `value_to_float` makes of a text: `C`, `P`, `I`, `N`, yes and no, true and false, or a decimal.
pub fn inspect_text_value(text: &str) -> Option<BigRational> {
    let half = || BigRational::new(BigInt::one(), BigInt::from(2));
    match text {
        "C" => return Some(BigRational::one()),
        "P" => return Some(half()),
        "I" | "N" => return Some(BigRational::zero()),
        _ => {}
    }
    let lower = text.to_lowercase();
    match lower.as_str() {
        "yes" | "true" => Some(BigRational::one()),
        "no" | "false" => Some(BigRational::zero()),
        decimal => parse_number(decimal.trim().trim_start_matches('+')),
    }
}

/// The exact value of a decimal of at most [`MAX_LEXEME_BYTES`] with an optional exponent; `None` for anything else.
pub fn parse_number(text: &str) -> Option<BigRational> {
    if text.len() > MAX_LEXEME_BYTES {
        return None;
    }
    let (unsigned, negative) = text.strip_prefix('-').map_or((text, false), |rest| (rest, true));
    let (decimal, exponent) = match unsigned.split_once(['e', 'E']) {
        None => (unsigned, 0),
        Some((decimal, exponent)) => (decimal, parse_exponent(exponent)?),
    };
    let (whole, fraction) = decimal.split_once('.').unwrap_or((decimal, ""));
    let digits = format!("{whole}{fraction}");
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let scale = exponent.checked_sub(i32::try_from(fraction.len()).ok()?)?;
    if scale.unsigned_abs() > MAX_EXPONENT {
        return None;
    }
    let magnitude = BigUint::parse_bytes(digits.as_bytes(), 10)?;
    let signed = BigInt::from_biguint(if negative { Sign::Minus } else { Sign::Plus }, magnitude);
    let power = num_traits::pow(BigInt::from(10), scale.unsigned_abs() as usize);
    Some(if scale < 0 { BigRational::new(signed, power) } else { BigRational::from_integer(signed * power) })
}

fn parse_exponent(text: &str) -> Option<i32> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

/// An integer of any size, in one encoding: a CBOR integer where it fits, decimal text where it does not.
fn encode_integer(e: &mut Encoder, value: &BigInt) {
    match i64::try_from(value) {
        Ok(small) => e.int(small),
        Err(_) => e.text(&value.to_string()),
    }
}

fn decode_integer(d: &mut Decoder<'_>) -> Result<BigInt, SamplesError> {
    if !d.is_text() {
        return Ok(BigInt::from(d.int()?));
    }
    let text = d.text()?;
    let value = match text.len() {
        len if len <= MAX_DIGITS + 1 => BigInt::parse_bytes(text.as_bytes(), 10).ok_or(SamplesError::Rational)?,
        _ => return Err(SamplesError::Rational),
    };
    if i64::try_from(&value).is_ok() || value.to_string() != text {
        return Err(SamplesError::Rational);
    }
    Ok(value)
}

/// The rational of two canonical integers, which must be in lowest terms.
pub(super) fn decode_rational(numer: &[u8], denom: &[u8]) -> Result<BigRational, SamplesError> {
    let numer = Decoder::decode(numer, decode_integer)?;
    let denom = Decoder::decode(denom, decode_integer)?;
    if !denom.is_positive() {
        return Err(SamplesError::Rational);
    }
    let value = BigRational::new(numer.clone(), denom.clone());
    if *value.numer() == numer && *value.denom() == denom { Ok(value) } else { Err(SamplesError::Rational) }
}

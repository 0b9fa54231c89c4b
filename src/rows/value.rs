//! Values that columnar formats have and JSON has not, as cells.

use std::borrow::Cow;

use num_bigint::BigInt;

use super::RowError;
use super::jsonl::check_distinct;
use crate::artifact::rows::Cell;

/// What kind of time a number is; wire format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Time {
    /// Days since 1970.
    Date,
    /// Seconds of a day.
    OfDay,
    /// Seconds since 1970 in UTC.
    Instant,
    /// Seconds since 1970 on a clock of a zone that is not said.
    Local,
    /// Seconds.
    Duration,
}

impl Time {
    fn name(self) -> &'static str {
        match self {
            Self::Date => "date",
            Self::OfDay => "time",
            Self::Instant => "timestamp",
            Self::Local => "local-timestamp",
            Self::Duration => "duration",
        }
    }
}

/// A time in units of ten to the minus `digits`.
pub(super) fn time(kind: Time, value: i128, digits: u32) -> Cell<'static> {
    Cell::Time(kind.name(), format!("{value}e-{digits}").into())
}

/// A decimal by its digits as a number in two's complement, least significant byte first, and its scale.
pub(super) fn decimal_le(bytes: &[u8], scale: i32) -> Cell<'static> {
    Cell::Decimal(format!("{}e{}", BigInt::from_signed_bytes_le(bytes), -i64::from(scale)).into())
}

/// The same, most significant byte first.
pub(super) fn decimal_be(bytes: &[u8], scale: i32) -> Cell<'static> {
    Cell::Decimal(format!("{}e{}", BigInt::from_signed_bytes_be(bytes), -i64::from(scale)).into())
}

/// An unsigned integer, which may not fit a signed one.
pub(super) fn unsigned(value: u64) -> Cell<'static> {
    i64::try_from(value).map_or_else(|_| Cell::Decimal(value.to_string().into()), Cell::Int)
}

/// An IEEE 754 half-precision number.
pub(super) fn half(bits: u16) -> f64 {
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff));
    let magnitude = match exponent {
        0 => fraction * 2_f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1.0 + fraction / 1024.0) * 2_f64.powi(exponent - 15),
    };
    if bits >> 15 == 0 { magnitude } else { -magnitude }
}

/// Pairs of a map: members by name where all keys are texts, each once; a list of pairs where they are of another type.
pub(super) fn map<'a>(pairs: Vec<(Cell<'a>, Cell<'a>)>, text_keys: bool) -> Result<Cell<'a>, RowError> {
    if !text_keys {
        return Ok(Cell::List(pairs.into_iter().map(|(key, value)| Cell::List(vec![key, value])).collect()));
    }
    let named = |(key, value)| match key {
        Cell::Text(name) => Ok((name, value)),
        _ => Err(RowError::Malformed { format: "map", reason: "a key of it is null".to_owned() }),
    };
    let members = pairs.into_iter().map(named).collect::<Result<Vec<_>, RowError>>()?;
    check_distinct(&members.iter().map(|(name, _)| &**name))?;
    Ok(Cell::Map(members))
}

/// A value of the same kind without content, for a field that no one asked for.
pub(super) fn shell(of: &Cell<'_>) -> Cell<'static> {
    match of {
        Cell::Null => Cell::Null,
        Cell::Bool(_) => Cell::Bool(false),
        Cell::Int(_) | Cell::Decimal(_) | Cell::Float(_) => Cell::Int(0),
        Cell::Text(_) => Cell::Text(Cow::Borrowed(&[])),
        Cell::Bytes(_) => Cell::Bytes(Cow::Borrowed(&[])),
        Cell::Time(kind, _) => Cell::Time(kind, Cow::Borrowed("0")),
        Cell::List(_) => Cell::List(Vec::new()),
        Cell::Map(_) => Cell::Map(Vec::new()),
    }
}

#[cfg(test)]
#[allow(clippy::float_cmp, reason = "every half is a double, exactly")]
mod tests {
    use super::*;
    use crate::codec::Encoder;

    fn bytes(cell: &Cell<'_>) -> Vec<u8> {
        Encoder::encode(|e| cell.encode(e))
    }

    #[test]
    fn halves_are_the_numbers_that_they_are() {
        let known = [(0x3c00, 1.0), (0xc000, -2.0), (0x7bff, 65504.0), (0x0001, 5.960_464_477_539_063e-8)];
        assert!(known.iter().all(|(bits, value)| half(*bits) == *value));
        assert_eq!((half(0x7c00), half(0xfc00)), (f64::INFINITY, f64::NEG_INFINITY));
        assert!(half(0x7e00).is_nan() && half(0x8000) == 0.0 && half(0x8000).is_sign_negative());
        assert_eq!(half(0x3555), f64::from(0.333_251_95_f32));
    }

    #[test]
    fn units_and_scales_make_no_difference() {
        assert_eq!(bytes(&time(Time::Instant, 1_500, 3)), bytes(&time(Time::Instant, 1_500_000_000, 9)));
        assert_ne!(bytes(&time(Time::Instant, 1_500, 3)), bytes(&time(Time::Local, 1_500, 3)));
        assert_eq!(bytes(&decimal_le(&[0x39, 0x30], 2)), bytes(&Cell::Decimal("123.45".into())));
        assert_eq!(bytes(&decimal_be(&[0xff, 0x85], 0)), bytes(&Cell::Int(-123)));
        assert_eq!(bytes(&decimal_be(&[1], -2)), bytes(&Cell::Int(100)));
        assert_eq!(bytes(&unsigned(u64::MAX)), bytes(&Cell::Decimal("18446744073709551615".into())));
    }
}

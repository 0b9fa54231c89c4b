//! How equal what a rebuild writes must be to what was recorded, as it was declared before the command ran.

use std::fmt;

use num_rational::BigRational;
use num_traits::{One, Signed};

use crate::artifact::samples::{MAX_SCORE_NAME_BYTES, parse_number};
use crate::digest::DigestKind;

/// Longest number in a tolerance.
const MAX_NUMBER: usize = 32;

/// Why a text is no equality.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum EqualityError {
    #[error(
        "expected bits, rows, rowset, tensors, samples, tensors:abs=NUMBER,rel=NUMBER, or rates:margin=NUMBER,scorer=NAME,key=NAME, found `{found}`"
    )]
    Unknown { found: String },
    #[error("a tolerance is a number of at least 0, such as 0.001 or 1e-6, found `{found}`")]
    Number { found: String },
    #[error("`{name}` stands twice in a tolerance")]
    Twice { name: &'static str },
    #[error("a margin of rates is a decimal between 0 and 1, such as 0.05, found `{found}`")]
    Margin { found: String },
    #[error("rates are equal only within a margin: rates:margin=NUMBER")]
    NoMargin,
    #[error("a score is named by its scorer, with at most {MAX_SCORE_NAME_BYTES} bytes, and then by its key")]
    Score,
}

/// A bound on how far numbers may be apart, with the text that it was declared in.
#[derive(Debug, Clone, PartialEq)]
pub struct Bound {
    text: String,
    /// What it says.
    pub value: f64,
}

impl Bound {
    fn parse(text: &str) -> Result<Self, EqualityError> {
        let refuse = || EqualityError::Number { found: text.chars().take(MAX_NUMBER).collect() };
        let is_plain = text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'-'));
        if text.len() > MAX_NUMBER || !is_plain || !text.starts_with(|first: char| first.is_ascii_digit()) {
            return Err(refuse());
        }
        let value = text.parse::<f64>().ok().filter(|value| value.is_finite()).ok_or_else(refuse)?;
        Ok(Self { text: text.to_owned(), value })
    }
}

/// How far the rate of a log may be from the recorded one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rates {
    text: String,
    margin: BigRational,
    scorer: Option<String>,
    key: Option<String>,
}

impl Rates {
    /// The margin, on both sides, between 0 and 1.
    pub fn margin(&self) -> &BigRational {
        &self.margin
    }

    /// Whose scores; of a log with one score it need not be said.
    pub fn scorer(&self) -> Option<&str> {
        self.scorer.as_deref()
    }

    /// Which of its scores, where it gives several.
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    fn parse(text: &str) -> Result<Self, EqualityError> {
        let (mut margin, mut scorer, mut key) = (None, None, None);
        for part in text.split(',') {
            let (place, name, said) = match part.split_once('=') {
                Some(("margin", said)) => (&mut margin, "margin", said),
                Some(("scorer", said)) => (&mut scorer, "scorer", said),
                Some(("key", said)) => (&mut key, "key", said),
                _ => return Err(EqualityError::Unknown { found: shown(&format!("rates:{text}")) }),
            };
            if place.replace(said).is_some() {
                return Err(EqualityError::Twice { name });
            }
        }
        let digits = margin.ok_or(EqualityError::NoMargin)?;
        let refuse = || EqualityError::Margin { found: shown(digits) };
        let is_plain = digits.len() <= MAX_NUMBER && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        let value = parse_number(digits).filter(|_| is_plain && digits.starts_with('0')).ok_or_else(refuse)?;
        if !value.is_positive() || value >= BigRational::one() {
            return Err(refuse());
        }
        let is_name = |name: &str| !name.is_empty() && name.len() <= MAX_SCORE_NAME_BYTES;
        if !scorer.is_none_or(is_name) || !key.is_none_or(is_name) || (key.is_some() && scorer.is_none()) {
            return Err(EqualityError::Score);
        }
        let owned = |name: Option<&str>| name.map(str::to_owned);
        Ok(Self { text: digits.to_owned(), margin: value, scorer: owned(scorer), key: owned(key) })
    }
}

impl fmt::Display for Rates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rates:margin={}", self.text)?;
        let parts = [("scorer", &self.scorer), ("key", &self.key)];
        parts.iter().try_for_each(|(name, said)| said.as_ref().map_or(Ok(()), |said| write!(f, ",{name}={said}")))
    }
}

fn shown(text: &str) -> String {
    text.chars().take(64).collect()
}

/// How equal is equal.
#[derive(Debug, Clone, PartialEq)]
pub enum Equality {
    /// The same bytes: what holds where nothing was declared.
    Bits,
    /// The same digest of that kind: rows in order, rows as a set, tensors, samples.
    Digest(DigestKind),
    /// Tensors of the same names, types and shapes, of which no two numbers are further apart than
    /// `absolute + relative · |recorded|`.
    Near {
        /// In units of the numbers.
        absolute: Option<Bound>,
        /// As a part of the recorded number.
        relative: Option<Bound>,
    },
    /// A log of the same samples, whose rate is equivalent to the recorded one by two one-sided tests at 5 %.
    Rates(Rates),
}

impl Equality {
    /// Reads an equality as it is written.
    pub fn parse(text: &str) -> Result<Self, EqualityError> {
        let unknown = || EqualityError::Unknown { found: shown(text) };
        if let Some(rates) = text.strip_prefix("rates:") {
            return Rates::parse(rates).map(Self::Rates);
        }
        Ok(match text {
            "bits" => Self::Bits,
            "rows" => Self::Digest(DigestKind::Rows),
            "rowset" => Self::Digest(DigestKind::Rowset),
            "tensors" => Self::Digest(DigestKind::Tensors),
            "samples" => Self::Digest(DigestKind::Samples),
            _ => {
                let (mut absolute, mut relative) = (None, None);
                for part in text.strip_prefix("tensors:").ok_or_else(unknown)?.split(',') {
                    let (place, name, number) = match part.split_once('=') {
                        Some(("abs", number)) => (&mut absolute, "abs", number),
                        Some(("rel", number)) => (&mut relative, "rel", number),
                        _ => return Err(unknown()),
                    };
                    if place.replace(Bound::parse(number)?).is_some() {
                        return Err(EqualityError::Twice { name });
                    }
                }
                Self::Near { absolute, relative }
            }
        })
    }
}

impl fmt::Display for Equality {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bits => f.write_str("bits"),
            Self::Digest(kind) => f.write_str(kind.name()),
            Self::Rates(rates) => rates.fmt(f),
            Self::Near { absolute, relative } => {
                let parts = [("abs", absolute), ("rel", relative)];
                let said = parts
                    .iter()
                    .filter_map(|(name, bound)| bound.as_ref().map(|bound| format!("{name}={}", bound.text)));
                write!(f, "tensors:{}", said.collect::<Vec<_>>().join(","))
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn an_equality_has_one_text() {
        for text in ["bits", "rows", "rowset", "tensors", "samples", "tensors:abs=1e-6", "tensors:rel=0.5"] {
            assert_eq!(Equality::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(Equality::parse("tensors:rel=1e-3,abs=0").unwrap().to_string(), "tensors:abs=0,rel=1e-3");
    }

    #[test]
    fn what_is_no_equality_is_refused() {
        let refused = |text: &str| Equality::parse(text).unwrap_err().to_string();
        for text in ["", "Bits", "nearly", "rows:abs=1", "tensors:", "tensors:abs", "tensors:max=1", "tensors:abs=1,"] {
            assert!(refused(text).starts_with("expected bits, rows, "), "{text}");
        }
        for text in ["-1", "", "inf", "NaN", "+1", "1e999", ".5", "1_0", "١"] {
            let refused = refused(&format!("tensors:abs={text}"));
            assert!(refused.starts_with("a tolerance is a number of at least 0"), "{text}: {refused}");
        }
        assert_eq!(refused("tensors:abs=1,abs=2"), "`abs` stands twice in a tolerance");
    }

    #[test]
    fn rates_are_equal_within_a_margin_of_one_score() {
        for text in ["rates:margin=0.05", "rates:margin=0.1,scorer=match", "rates:margin=0.999,scorer=m/x,key=a b"] {
            assert_eq!(Equality::parse(text).unwrap().to_string(), text);
        }
        let Equality::Rates(rates) = Equality::parse("rates:key=k,scorer=s,margin=0.25").unwrap() else { panic!() };
        assert_eq!(
            (rates.margin(), rates.scorer(), rates.key()),
            (&BigRational::new(1.into(), 4.into()), Some("s"), Some("k"))
        );
        let refused = |text: &str| Equality::parse(text).unwrap_err();
        for text in ["0", "1", "0.0", "1.5", "5%", "-0.1", "0.1e-3", ".5", "", "+0.5", "0.5.5", "0,5"] {
            let refused = refused(&format!("rates:margin={text}"));
            assert!(
                matches!(refused, EqualityError::Margin { .. } | EqualityError::Unknown { .. }),
                "{text}: {refused}"
            );
        }
        assert_eq!(refused("rates:scorer=match"), EqualityError::NoMargin);
        assert_eq!(refused("rates:margin=0.1,key=k"), EqualityError::Score);
        assert_eq!(refused("rates:margin=0.1,scorer="), EqualityError::Score);
        assert_eq!(refused("rates:margin=0.1,margin=0.9"), EqualityError::Twice { name: "margin" });
        assert!(matches!(refused("rates:margin=0.1,alpha=0.5"), EqualityError::Unknown { .. }));
        assert!(matches!(refused("rates"), EqualityError::Unknown { .. }));
    }
}

//! How equal what a rebuild writes must be to what was recorded, as it was declared before the command ran.

use std::fmt;

use crate::digest::DigestKind;

/// Longest number in a tolerance.
const MAX_NUMBER: usize = 32;

/// Why a text is no equality.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum EqualityError {
    #[error("expected bits, rows, rowset, tensors, samples, or tensors:abs=NUMBER,rel=NUMBER, found `{found}`")]
    Unknown { found: String },
    #[error("a tolerance is a number of at least 0, such as 0.001 or 1e-6, found `{found}`")]
    Number { found: String },
    #[error("`{name}` stands twice in a tolerance")]
    Twice { name: &'static str },
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
}

impl Equality {
    /// Reads an equality as it is written.
    pub fn parse(text: &str) -> Result<Self, EqualityError> {
        let unknown = || EqualityError::Unknown { found: text.chars().take(64).collect() };
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
}

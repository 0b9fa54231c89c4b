//! What whoever scored transcripts signs: how likely each drawn transcript is under each of the weights on record.
//!
//! It rides in the body of a testimony in his own ledger, and is his word: with what he scored is nothing that is checked
//! here. Which transcripts he had to score follows from his nonce and the claim, and is held to it. Log-likelihoods keep the
//! digits that his tool wrote; [`Nats`] is what they mean, exactly.

use std::fmt;

use num_bigint::BigInt;
use num_rational::BigRational;
use serde::{Deserialize, Serialize};

use crate::codec::wire_enum;
use crate::digest::Digest;

/// Longest name of a tool in bytes.
pub const MAX_TOOL: usize = 500;

/// Longest log-likelihood in bytes: a float with all its digits has 24.
pub const MAX_NATS: usize = 48;

/// Digits after the point that are kept.
const PLACES: u32 = 24;

/// Digits before the point: a million tokens that are each as likely as one of all of Unicode have 10^7 nats.
const WHOLE: u32 = 8;

wire_enum! {
    /// Of which distribution likelihoods are.
    pub enum Distribution, "what transcripts are scored under" {
        /// The one that was sampled from: at the temperature of the evaluation, cut off where its sampling was.
        AsSampled = 1 "as-sampled",
        /// The model's own, at temperature 1 and of all tokens.
        Plain = 2 "temperature-1",
    }
}

/// Weights that transcripts were scored under.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScoredWeights {
    /// Index of their entry.
    pub entry: u64,
    /// Digest of that entry.
    pub entry_digest: Digest,
}

/// A transcript with its likelihoods.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScoredTranscript {
    /// Index of its log's entry.
    pub entry: u64,
    /// Its number among the log's samples, from 0.
    pub number: u64,
    /// Tokens of the model's own that were scored: the same under all weights, or the likelihoods are of different things.
    pub tokens: u64,
    /// Log-likelihood in nats under each of the weights, in their order: decimals that are not positive.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nats: Vec<String>,
}

/// Likelihoods of the transcripts that a nonce draws.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Likelihood {
    /// The program that drew and signed, with its version.
    pub by: String,
    /// What scored, in the scorer's words.
    pub tool: String,
    /// Of which distribution the likelihoods are.
    pub distribution: Distribution,
    /// What the transcripts were drawn by.
    pub nonce: String,
    /// Draws for each arm.
    pub draws: u64,
    /// What they were scored under, by ascending entry.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub weights: Vec<ScoredWeights>,
    /// The transcripts, by ascending entry and number.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub transcripts: Vec<ScoredTranscript>,
}

/// Why a text is no log-likelihood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum LikelihoodError {
    #[error("a log-likelihood has {found} bytes, more than {MAX_NATS}")]
    TooLong { found: usize },
    #[error("the log-likelihood `{text}` is no decimal number")]
    NoNumber { text: String },
    #[error("the log-likelihood {text} is positive, as that of a text never is")]
    Positive { text: String },
    #[error("the log-likelihood {text} has more than {PLACES} decimals")]
    TooFine { text: String },
    #[error("the log-likelihood {text} lies below -10^{WHOLE} nats, which no transcript does")]
    TooLow { text: String },
}

/// A sum of log-likelihoods or of their differences, exactly: a multiple of 10^-24 nats.
///
/// One log-likelihood has at most 10^32 of them, so that millions can be added.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Nats(i128);

impl Nats {
    /// Reads a log-likelihood: a decimal that is not positive, with an exponent or without.
    pub fn parse(text: &str) -> Result<Self, LikelihoodError> {
        if text.len() > MAX_NATS {
            return Err(LikelihoodError::TooLong { found: text.len() });
        }
        let shown = || text.escape_default().to_string();
        let none = || LikelihoodError::NoNumber { text: shown() };
        let (negative, unsigned) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (decimal, exponent) = match unsigned.split_once(['e', 'E']) {
            None => (unsigned, 0),
            Some((decimal, exponent)) => (decimal, exponent_of(exponent).ok_or_else(none)?),
        };
        let (whole, fraction) = decimal.split_once('.').unwrap_or((decimal, ""));
        let all = format!("{whole}{fraction}");
        if all.is_empty() || !all.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(none());
        }
        let digits = all.trim_start_matches('0').trim_end_matches('0');
        if digits.is_empty() {
            return Ok(Self(0));
        }
        if !negative {
            return Err(LikelihoodError::Positive { text: shown() });
        }
        // The text is short, so that all of these fit.
        let count = |text: &str| i64::try_from(text.len()).unwrap_or(i64::MAX);
        let dropped = count(&all) - count(all.trim_end_matches('0'));
        let scale = exponent + i64::from(PLACES) + dropped - count(fraction);
        let scale = u32::try_from(scale).map_err(|_| LikelihoodError::TooFine { text: shown() })?;
        let low = || LikelihoodError::TooLow { text: shown() };
        if digits.len() as u64 + u64::from(scale) > u64::from(WHOLE + PLACES) {
            return Err(low());
        }
        let value = digits.parse::<i128>().ok().and_then(|value| value.checked_mul(10_i128.checked_pow(scale)?));
        value.map(|value| Self(-value)).ok_or_else(low)
    }

    /// As a rational number of nats.
    pub fn to_rational(self) -> BigRational {
        BigRational::new(BigInt::from(self.0), BigInt::from(10_u8).pow(PLACES))
    }
}

impl std::ops::Sub for Nats {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl std::iter::Sum for Nats {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        Self(all.fold(0, |sum, nats| sum.saturating_add(nats.0)))
    }
}

impl fmt::Display for ScoredTranscript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.entry, self.number)
    }
}

/// A signed integer of few digits.
fn exponent_of(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let is_short = (1..=4).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_short)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn error(text: &str) -> String {
        Nats::parse(text).expect_err(text).to_string()
    }

    #[test]
    fn a_log_likelihood_means_what_its_digits_say() {
        let ratio = |numer: i64, denom: i64| BigRational::new(numer.into(), denom.into());
        for (text, value) in [
            ("-12.25", ratio(-49, 4)),
            ("-0", ratio(0, 1)),
            ("0.000", ratio(0, 1)),
            ("0e9999", ratio(0, 1)),
            ("-3", ratio(-3, 1)),
            ("-1.5e-05", ratio(-15, 1_000_000)),
            ("-1.50E+2", ratio(-150, 1)),
            ("-100.000", ratio(-100, 1)),
            ("-.5", ratio(-1, 2)),
            ("-1e8", ratio(-100_000_000, 1)),
        ] {
            // -1e8 is the first that is too low.
            match Nats::parse(text) {
                Ok(nats) => assert_eq!(nats.to_rational(), value, "{text}"),
                Err(error) => assert_eq!((text, error.to_string().contains("below -10^8")), ("-1e8", true)),
            }
        }
        let fine = Nats::parse("-1e-24").unwrap();
        assert_eq!(fine.to_rational(), -BigRational::new(1.into(), BigInt::from(10_u8).pow(24)));
        let sum: Nats = [fine, Nats::parse("-99999999").unwrap() - Nats::default()].into_iter().sum();
        assert!(sum < Nats::parse("-99999999").unwrap());
    }

    #[test]
    fn what_is_no_log_likelihood_is_refused_by_name() {
        for text in
            ["", "-", ".", "-.", "nan", "NaN", "-inf", "-Infinity", "1e", "-1e+", "-1e12345", "0x1", "-1 ", "--1"]
        {
            assert!(error(text).contains("is no decimal number"), "{text}: {}", error(text));
        }
        assert_eq!(error("0.001"), "the log-likelihood 0.001 is positive, as that of a text never is");
        assert_eq!(error("1e-300"), "the log-likelihood 1e-300 is positive, as that of a text never is");
        assert_eq!(error("-1e-25"), "the log-likelihood -1e-25 has more than 24 decimals");
        assert_eq!(error("-1e300"), "the log-likelihood -1e300 lies below -10^8 nats, which no transcript does");
        assert_eq!(error(&"-1".repeat(40)), "a log-likelihood has 80 bytes, more than 48");
    }

    proptest! {
        #[test]
        fn floats_as_they_are_printed_are_read_exactly(value in -1e7..0.0_f64) {
            let text = format!("{value}");
            let read = Nats::parse(&text).unwrap().to_rational();
            let near = BigRational::from_float(value).unwrap();
            // The shortest digits of a float lie within half a step of it.
            prop_assert!((read - &near) * BigInt::from(2_u64.pow(52)) <= -near);
        }

        #[test]
        fn words_come_back_from_their_one_spelling(
            numbers in (any::<u64>(), any::<u64>(), any::<u64>()), texts in (".{0,40}", ".{0,40}"), count in 0..4_usize,
            distribution in prop::sample::select(Distribution::ALL),
        ) {
            let digest = Digest { algorithm: crate::digest::Algorithm::Blake3, bytes: [7; 32] };
            let scored = ScoredTranscript {
                entry: numbers.0, number: numbers.1, tokens: numbers.2, nats: vec![texts.0.clone(); count],
            };
            let words = Likelihood {
                by: texts.0.clone(), tool: texts.1.clone(), distribution, nonce: texts.0, draws: numbers.1,
                weights: vec![ScoredWeights { entry: numbers.2, entry_digest: digest }; count],
                transcripts: vec![scored; count],
            };
            let bytes = crate::statement::plain::to_bytes(&words).unwrap();
            prop_assert_eq!(crate::statement::plain::from_bytes::<Likelihood>(&bytes).unwrap(), words);
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in "[-+0-9eE.]{0,60}") {
            if let Ok(nats) = Nats::parse(&text) {
                prop_assert!(nats <= Nats::default());
            }
        }
    }
}

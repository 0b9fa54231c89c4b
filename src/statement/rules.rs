//! The rules a number depends on: the vocabulary that claims and protocols share.
//!
//! Nothing has a default; what does not apply is said as `"none"`.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::codec::wire_enum;
use crate::digest::Digest;

wire_enum! {
    /// Which way the metric is good.
    pub enum Direction, "a direction" {
        /// Lower is better.
        Lower = 0 "lower",
        /// Higher is better.
        Higher = 1 "higher",
    }
}

wire_enum! {
    /// What a rate is divided by.
    pub enum Denominator, "a denominator" {
        /// Every sample that was planned; a missing one counts as zero.
        Expected = 0 "n_expected",
        /// Every sample with a score.
        Scored = 1 "n_scored",
        /// Every scored sample that was not invalidated.
        Valid = 2 "n_valid",
    }
}

wire_enum! {
    /// What an error bar treats as independent.
    pub enum ErrorUnit, "an error unit" {
        /// Samples, their epochs reduced first.
        Sample = 0 "sample",
        /// Every rollout by itself.
        Rollout = 1 "rollout",
        /// Conditions as clusters.
        Condition = 2 "condition",
        /// Training seeds.
        Seed = 3 "seed",
    }
}

wire_enum! {
    /// Which error is printed.
    pub enum ErrorStat, "an error statistic" {
        /// Standard error of the mean.
        StandardError = 0 "stderr",
        /// The same by the name papers use over seeds.
        Sem = 1 "sem",
    }
}

wire_enum! {
    /// One step from scores to the number, in order.
    pub enum Step, "an aggregation step" {
        /// Mean over the epochs of each sample.
        MeanEpochs = 0 "mean(epochs)",
        /// Mean over samples.
        MeanSamples = 1 "mean(samples)",
        /// Mean over all rollouts, whatever sample they belong to.
        MeanRollouts = 2 "mean(rollouts)",
        /// Mean over conditions.
        MacroConditions = 3 "macro(conditions)",
        /// Mean over seeds.
        MeanSeeds = 4 "mean(seeds)",
    }
}

/// A value, or the word `none` where it does not apply: never left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stated<T> {
    /// It does not apply, or was not recorded, and that is said.
    None,
    /// It is this.
    Is(T),
}

impl<T> Stated<T> {
    /// The value, where there is one.
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::None => None,
            Self::Is(value) => Some(value),
        }
    }
}

#[derive(Deserialize)]
enum NoneWord {
    #[serde(rename = "none")]
    None,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected the word \"none\" or a full value (no field of it may be missing)")]
enum StatedForm<T> {
    Word(NoneWord),
    Is(T),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Stated<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match StatedForm::deserialize(deserializer)? {
            StatedForm::Word(NoneWord::None) => Self::None,
            StatedForm::Is(value) => Self::Is(value),
        })
    }
}

impl<T: Serialize> Serialize for Stated<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::None => serializer.serialize_str("none"),
            Self::Is(value) => value.serialize(serializer),
        }
    }
}

/// A list of at most `MOST`: what is judged for each of its items must not be judged for as many as a body can hold.
pub(super) fn at_most<'de, const MOST: usize, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    let list = Vec::deserialize(deserializer)?;
    if list.len() > MOST {
        return Err(serde::de::Error::custom(format!("a list of {} where {MOST} is the most", list.len())));
    }
    Ok(list)
}

/// Which score of which scorer, and how it is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metric {
    /// Scorer as named in the log.
    pub scorer: String,
    /// Key inside the scorer's value; `none` where the value is a single score.
    pub key: Stated<String>,
    /// Which way is good.
    pub direction: Direction,
    /// How a verdict was parsed from text.
    pub parser: Stated<String>,
}

/// What was evaluated, and how often.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evaluation {
    /// Digest of the eval suite.
    pub suite: Stated<Digest>,
    /// Number of conditions.
    pub conditions: u64,
    /// Digest over the ids of the conditions: BLAKE3 of them in byte order, each once, each with a newline after it.
    pub condition_ids: Stated<Digest>,
    /// Distinct samples in each condition.
    pub samples: u64,
    /// Rollouts (epochs) of each sample.
    pub repeats: u64,
    /// Sampling temperature, as text.
    pub temperature: Stated<String>,
    /// Whether the scenario says it is real.
    pub prod: Stated<bool>,
    /// Name the assistant goes by.
    pub assistant_name: Stated<String>,
    /// Generation limit.
    pub max_tokens: Stated<u64>,
}

/// Who graded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Judge {
    /// Judge models as observed in the samples.
    pub observed_models: Vec<String>,
    /// Digest of the judge prompt.
    pub prompt: Stated<Digest>,
}

/// The rule of the error bar.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ErrorRule {
    /// What is independent.
    pub unit: ErrorUnit,
    /// Which statistic.
    pub stat: ErrorStat,
    /// Delta degrees of freedom of the variance.
    pub ddof: u64,
}

/// A number as printed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Printed {
    /// The text, with its percent sign where it has one.
    pub printed: String,
    /// Digits after the point, as printed.
    pub decimals: u64,
}

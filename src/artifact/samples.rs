//! Canonical per-sample records of an evaluation (digest kind `samples`).
//!
//! One leaf is one sample in one epoch: its key, what became of it, every score with the lexeme its source wrote and
//! the exact rational that lexeme means, and a digest of the details (text, completion, source bytes) that the record
//! itself does not disclose. Leaves stand in the order of their keys' canonical bytes, each key once; the facts about
//! the log as a whole ride in the manifest header. Records say what the log says: that they came from the log is for
//! whoever holds it to re-derive (`samples.derived`).

mod anomaly;
mod facts;
mod judge;
mod read;
mod score;
mod text;

pub use anomaly::{Anomalies, Anomaly, AnomalyCode, MAX_ANOMALIES, Severity};
pub use facts::{LogFacts, ReportedMetric};
pub use judge::{ObservedModel, Rejudged};
pub use read::{KeyView, SampleView, Samples, SamplesIter, ScoreView};
pub use score::{MAX_LEXEME_BYTES, Score, inspect_text_value, parse_number};
pub use text::bounded_text;

use std::collections::BTreeMap;
use std::fmt;

use crate::artifact::manifest::{Manifest, ManifestError, ManifestHeader};
use crate::codec::{DecodeError, Encoder};
use crate::digest::{ContextHasher, DIGEST_LEN, DigestKind, FileDigest, hex};

/// Longest sample id, cell or condition; longer ones are data, not names.
pub const MAX_KEY_TEXT_BYTES: usize = 1024;

/// Scores of one sample, over all scorers: bounds what a hostile record can hold.
pub const MAX_SCORES: usize = 4096;

/// Longest scorer name or score key.
pub const MAX_SCORE_NAME_BYTES: usize = 256;

/// Why bytes are not sample records.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum SamplesError {
    #[error(transparent)]
    Decode(#[from] DecodeError),
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    #[error("a sample manifest needs at least one sample")]
    NoSamples,
    #[error("sample {key} stands there twice")]
    Duplicate { key: String },
    #[error("sample {key} is not in its place: records stand in the order of their keys' canonical bytes")]
    Order { key: String },
    #[error("the sample manifest has no facts in its header")]
    NoFacts,
    #[error("the manifest's projection is `{projection}`, its facts were read by `{reader}`")]
    Projection { projection: String, reader: String },
    #[error("{what} has {found} bytes, more than {limit}")]
    TextLength { what: &'static str, found: usize, limit: usize },
    #[error("a sample has {found} scores, more than {MAX_SCORES}")]
    ScoreCount { found: usize },
    #[error("score lexeme `{lexeme}` does not mean the rational beside it")]
    LexemeValue { lexeme: String },
    #[error("a score's rational is not in lowest terms with a positive denominator, or not in its one encoding")]
    Rational,
}

/// A sample id with its type: `1` and `"1"` are different samples.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SampleId {
    /// An integer id.
    Int(i64),
    /// A text id.
    Text(String),
}

impl fmt::Display for SampleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(id) => id.fmt(f),
            Self::Text(id) => write!(f, "\"{}\"", id.escape_debug()),
        }
    }
}

/// What distinguishes one sample from every other. Ordered by its canonical bytes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SampleKey {
    /// The cell of an experiment, where the source says.
    pub cell: Option<String>,
    /// The condition, where the source says.
    pub condition: Option<String>,
    /// The sample's id in its dataset.
    pub id: SampleId,
    /// The experiment's seed, where the source says.
    pub seed: Option<i64>,
    /// The repetition, counted from 1 by Inspect.
    pub epoch: u64,
}

impl fmt::Display for SampleKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(")?;
        for (name, text) in [("cell", &self.cell), ("condition", &self.condition)] {
            if let Some(text) = text {
                write!(f, "{name} \"{}\", ", text.escape_debug())?;
            }
        }
        write!(f, "{}, ", self.id)?;
        if let Some(seed) = self.seed {
            write!(f, "seed {seed}, ")?;
        }
        write!(f, "epoch {})", self.epoch)
    }
}

impl Ord for SampleKey {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.to_bytes().cmp(&other.to_bytes())
    }
}

impl PartialOrd for SampleKey {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl SampleKey {
    /// A key of an id and an epoch alone.
    pub fn new(id: SampleId, epoch: u64) -> Self {
        Self { cell: None, condition: None, id, seed: None, epoch }
    }

    /// The same sample whatever the epoch: what an epoch reducer groups by.
    pub fn without_epoch(&self) -> (Option<String>, Option<String>, SampleId, Option<i64>) {
        (self.cell.clone(), self.condition.clone(), self.id.clone(), self.seed)
    }

    /// Canonical bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        Encoder::encode(|e| self.encode(e))
    }

    fn encode(&self, e: &mut Encoder) {
        e.map(|m| {
            m.optional(1, self.cell.as_deref(), Encoder::text);
            m.optional(2, self.condition.as_deref(), Encoder::text);
            m.entry(3, |e| match &self.id {
                SampleId::Int(id) => e.int(*id),
                SampleId::Text(id) => e.text(id),
            });
            m.optional(4, self.seed, Encoder::int);
            m.entry(5, |e| e.uint(self.epoch));
        });
    }
}

fn short<'a>(text: &'a str, what: &'static str, limit: usize) -> Result<&'a str, SamplesError> {
    if text.len() > limit {
        return Err(SamplesError::TextLength { what, found: text.len(), limit });
    }
    Ok(text)
}

/// What became of a sample. A sample stopped by a limit or by an error may still carry scores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SampleStatus {
    /// It has a score.
    Scored,
    /// It has none: nobody scored it, or its only values are NaN or null.
    Unscored,
    /// It ended in an error.
    Error,
    /// It was stopped by a limit of tokens, messages or time.
    Limit,
    /// It was declared invalid afterwards.
    Invalid,
}

impl SampleStatus {
    /// The number on the wire.
    pub const fn id(self) -> u64 {
        match self {
            Self::Scored => 0,
            Self::Unscored => 1,
            Self::Error => 2,
            Self::Limit => 3,
            Self::Invalid => 4,
        }
    }

    /// The name in text and JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Scored => "scored",
            Self::Unscored => "unscored",
            Self::Error => "error",
            Self::Limit => "limit",
            Self::Invalid => "invalid",
        }
    }

    fn from_id(id: u64) -> Result<Self, DecodeError> {
        [Self::Scored, Self::Unscored, Self::Error, Self::Limit, Self::Invalid]
            .into_iter()
            .find(|status| status.id() == id)
            .ok_or_else(|| DecodeError::UnknownValue {
                what: "a sample status",
                value: i64::try_from(id).unwrap_or(i64::MAX),
            })
    }
}

/// Digest of a sample's details: commits to them without disclosing them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DetailsDigest([u8; DIGEST_LEN]);

impl DetailsDigest {
    /// Takes bytes that were computed or received as this digest.
    pub const fn from_bytes(bytes: [u8; DIGEST_LEN]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; DIGEST_LEN] {
        &self.0
    }
}

impl fmt::Debug for DetailsDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DetailsDigest({})", hex(&self.0))
    }
}

/// The details of a sample that its record commits to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SampleDetails {
    /// The sample's own bytes as they stand in the log.
    pub source: FileDigest,
    /// The input text, attachments resolved.
    pub input: Option<FileDigest>,
    /// The completion text, attachments resolved.
    pub completion: Option<FileDigest>,
    /// Why generation stopped, as the log says.
    pub stop_reason: Option<String>,
    /// [`SampleDetails::LONE_SURROGATE`] and its like, or-ed.
    pub flags: u64,
}

impl SampleDetails {
    /// A text of the sample holds half of a surrogate pair: it is no Unicode text, and its digest is over WTF-8.
    pub const LONE_SURROGATE: u64 = 1;
    /// A score was edited after the scorer gave it.
    pub const SCORE_EDITED: u64 = 2;
    /// Another model than the one asked for answered.
    pub const MODEL_FALLBACK: u64 = 4;
    /// The sample refers to an attachment that it does not carry: the digest is over the reference.
    pub const ATTACHMENT_MISSING: u64 = 8;

    /// The digest that the record carries.
    pub fn digest(&self) -> DetailsDigest {
        let bytes = Encoder::encode(|e| {
            e.map(|m| {
                m.entry(1, |e| e.bytes(self.source.as_bytes()));
                m.optional(2, self.input, |e, digest| e.bytes(digest.as_bytes()));
                m.optional(3, self.completion, |e, digest| e.bytes(digest.as_bytes()));
                m.optional(4, self.stop_reason.as_deref(), Encoder::text);
                m.entry(5, |e| e.uint(self.flags));
            });
        });
        DetailsDigest(ContextHasher::new("reproledger 2026 sample details v1").hash(&[&bytes]))
    }
}

/// Scores by scorer and score key; a scorer that gives one value has it under the key `""`.
pub type Scores = BTreeMap<String, BTreeMap<String, Score>>;

/// One sample in one epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SampleRecord {
    /// Which sample.
    pub key: SampleKey,
    /// What became of it.
    pub status: SampleStatus,
    /// What it scored.
    pub scores: Scores,
    /// Its details.
    pub details: DetailsDigest,
}

impl SampleRecord {
    /// The score of one scorer under one key.
    pub fn score(&self, scorer: &str, key: &str) -> Option<&Score> {
        self.scores.get(scorer)?.get(key)
    }

    /// Canonical bytes: the leaf.
    pub fn encode(&self) -> Vec<u8> {
        Encoder::encode(|e| {
            e.map(|m| {
                m.entry(1, |e| self.key.encode(e));
                m.entry(2, |e| e.uint(self.status.id()));
                m.entry(3, |e| {
                    e.map(|m| {
                        for (scorer, keys) in &self.scores {
                            m.text_entry(scorer, |e| {
                                e.map(|m| {
                                    for (key, score) in keys {
                                        m.text_entry(key, |e| score.encode(e));
                                    }
                                });
                            });
                        }
                    });
                });
                m.entry(4, |e| e.bytes(self.details.as_bytes()));
            });
        })
    }

    /// Reads canonical bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, SamplesError> {
        SampleView::decode(bytes).map(SampleView::to_record)
    }
}

/// The manifest of a log: the facts in the header, the records in the order of their keys.
pub fn samples_manifest(facts: &LogFacts, samples: &[SampleRecord]) -> Result<Manifest, SamplesError> {
    if samples.is_empty() {
        return Err(SamplesError::NoSamples);
    }
    let mut keyed: Vec<(Vec<u8>, &SampleRecord)> = samples.iter().map(|s| (s.key.to_bytes(), s)).collect();
    keyed.sort_by(|left, right| left.0.cmp(&right.0));
    if let Some(pair) = keyed.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        return Err(SamplesError::Duplicate { key: pair[0].1.key.to_string() });
    }
    let header =
        ManifestHeader { kind: DigestKind::Samples, projection: facts.reader.clone(), facts: Some(facts.encode()) };
    Ok(Manifest { header, items: keyed.into_iter().map(|(_, sample)| sample.encode()).collect() })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests;

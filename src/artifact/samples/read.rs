//! Sample records read where they lie: a manifest of a million samples is looked at, never copied.
//!
//! [`Samples::read`] holds every record to every rule once, in one pass; afterwards each pass over the records gives
//! slices of the manifest. Records stand in the order of their keys' canonical bytes, and the epoch is the last part of
//! a key, so that the epochs of one sample stand together: whoever needs them by sample keeps one at a time.

use std::cmp::Ordering;

use num_bigint::BigInt;
use num_rational::BigRational;

use super::{DetailsDigest, LogFacts, SampleId, SampleKey, SampleRecord, SampleStatus, SamplesError, Score, Scores};
use super::{MAX_KEY_TEXT_BYTES, MAX_SCORE_NAME_BYTES, MAX_SCORES, score, short};
use crate::artifact::manifest::{ManifestError, ManifestItems, ManifestView};
use crate::codec::{DecodeError, Decoder, required};
use crate::digest::{DIGEST_LEN, DigestKind};

/// The samples of one evaluation log, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Samples<'a> {
    /// What the log says as a whole.
    pub facts: LogFacts,
    items: ManifestView<'a>,
}

impl<'a> Samples<'a> {
    /// Reads a manifest of kind `samples`: strict order, each key once.
    pub fn read(manifest: &ManifestView<'a>) -> Result<Self, SamplesError> {
        let header = &manifest.header;
        if header.kind != DigestKind::Samples {
            let kinds = ManifestError::Kind { expected: DigestKind::Samples.name(), found: header.kind.name() };
            return Err(kinds.into());
        }
        let facts = LogFacts::decode(header.facts.as_deref().ok_or(SamplesError::NoFacts)?)?;
        if facts.reader != header.projection {
            return Err(SamplesError::Projection { projection: header.projection.clone(), reader: facts.reader });
        }
        let mut previous: Option<&[u8]> = None;
        for item in manifest.items() {
            let sample = SampleView::decode(item)?;
            let key = sample.key.bytes;
            match previous.map(|previous| previous.cmp(key)) {
                Some(Ordering::Equal) => return Err(SamplesError::Duplicate { key: sample.key.to_key().to_string() }),
                Some(Ordering::Greater) => return Err(SamplesError::Order { key: sample.key.to_key().to_string() }),
                _ => {}
            }
            previous = Some(key);
        }
        Ok(Self { facts, items: manifest.clone() })
    }

    /// How many there are; at least one.
    pub fn count(&self) -> u64 {
        self.items.count()
    }

    /// The records in their order.
    pub fn records(&self) -> SamplesIter<'a> {
        SamplesIter(self.items.items())
    }
}

/// The records of a log, one after the other.
#[derive(Debug, Clone)]
pub struct SamplesIter<'a>(ManifestItems<'a>);

impl<'a> Iterator for SamplesIter<'a> {
    type Item = SampleView<'a>;

    fn next(&mut self) -> Option<SampleView<'a>> {
        let item = self.0.next()?;
        let read = Decoder::decode(item, |d| SampleView::decode_item(d, |d| Ok(d.raw()?)));
        Some(read.expect("every record was read when the samples were"))
    }
}

/// A sample's key as it lies in its record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyView<'a> {
    /// Canonical bytes.
    bytes: &'a [u8],
    /// What is the same in every epoch of the sample.
    without_epoch: &'a [u8],
    id: &'a [u8],
    /// The cell of an experiment, where the source says.
    pub cell: Option<&'a str>,
    /// The condition, where the source says.
    pub condition: Option<&'a str>,
    /// The experiment's seed, where the source says.
    pub seed: Option<i64>,
    /// The repetition.
    pub epoch: u64,
}

impl<'a> KeyView<'a> {
    const WHAT: &'static str = "a sample key";

    fn decode(d: &mut Decoder<'a>) -> Result<Self, SamplesError> {
        let start = d.clone();
        let bytes = d.clone().raw()?;
        let (mut cell, mut condition, mut id, mut seed, mut epoch, mut before_epoch) =
            (None, None, None, None, None, 0);
        d.int_map(|key, d| -> Result<(), SamplesError> {
            match key {
                1 => cell = Some(short(d.text()?, "a cell", MAX_KEY_TEXT_BYTES)?),
                2 => condition = Some(short(d.text()?, "a condition", MAX_KEY_TEXT_BYTES)?),
                3 => {
                    let raw = d.clone().raw()?;
                    if d.is_text() {
                        short(d.text()?, "a sample id", MAX_KEY_TEXT_BYTES)?;
                    } else {
                        d.int()?;
                    }
                    id = Some(raw);
                }
                4 => seed = Some(d.int()?),
                5 => {
                    before_epoch = d.offset() - start.offset();
                    epoch = Some(d.uint()?);
                }
                _ => return Err(DecodeError::UnknownKey { what: Self::WHAT, key }.into()),
            }
            Ok(())
        })?;
        let id = required(id, Self::WHAT, 3)?;
        let epoch = required(epoch, Self::WHAT, 5)?;
        Ok(Self { bytes, without_epoch: &bytes[..before_epoch], id, cell, condition, seed, epoch })
    }

    /// True for another epoch of the same sample.
    pub fn is_same_sample(&self, other: &Self) -> bool {
        self.without_epoch == other.without_epoch
    }

    /// Canonical bytes of the whole key.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Canonical bytes of the sample's id.
    pub fn id(&self) -> &'a [u8] {
        self.id
    }

    /// The key with texts of its own.
    pub fn to_key(self) -> SampleKey {
        let mut key = SampleKey::new(SampleId::Int(0), self.epoch);
        let read = Decoder::new(self.bytes).int_map(|number, d| -> Result<(), DecodeError> {
            match number {
                1 => key.cell = Some(d.text()?.to_owned()),
                2 => key.condition = Some(d.text()?.to_owned()),
                3 if d.is_text() => key.id = SampleId::Text(d.text()?.to_owned()),
                3 => key.id = SampleId::Int(d.int()?),
                4 => key.seed = Some(d.int()?),
                _ => drop(d.raw()?),
            }
            Ok(())
        });
        read.expect("the key was read when the view was made");
        key
    }
}

/// One sample in one epoch as it lies in its manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SampleView<'a> {
    /// Which sample.
    pub key: KeyView<'a>,
    /// What became of it.
    pub status: SampleStatus,
    scores: &'a [u8],
    /// Digest of its details.
    pub details: &'a [u8; DIGEST_LEN],
}

impl<'a> SampleView<'a> {
    const WHAT: &'static str = "a sample record";

    /// Reads a record and holds it to every rule.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, SamplesError> {
        Decoder::decode(bytes, |d| {
            Self::decode_item(d, |d| {
                let raw = d.clone().raw()?;
                let mut count = 0;
                visit_scores(d, |_, _, d| {
                    count += 1;
                    if count > MAX_SCORES {
                        return Err(SamplesError::ScoreCount { found: count });
                    }
                    ScoreView::decode(d)?.check()
                })?;
                Ok(raw)
            })
        })
    }

    fn decode_item(
        d: &mut Decoder<'a>,
        mut read_scores: impl FnMut(&mut Decoder<'a>) -> Result<&'a [u8], SamplesError>,
    ) -> Result<Self, SamplesError> {
        let (mut sample_key, mut status, mut scores, mut details) = (None, None, None, None);
        d.int_map(|key, d| -> Result<(), SamplesError> {
            match key {
                1 => sample_key = Some(KeyView::decode(d)?),
                2 => status = Some(SampleStatus::from_id(d.uint()?)?),
                3 => scores = Some(read_scores(d)?),
                4 => {
                    let bytes = d.bytes()?;
                    let (what, expected, found) = ("a details digest", "32 bytes", bytes.len());
                    details = Some(bytes.try_into().map_err(|_| DecodeError::Length { what, expected, found })?);
                }
                _ => return Err(DecodeError::UnknownKey { what: Self::WHAT, key }.into()),
            }
            Ok(())
        })?;
        Ok(Self {
            key: required(sample_key, Self::WHAT, 1)?,
            status: required(status, Self::WHAT, 2)?,
            scores: required(scores, Self::WHAT, 3)?,
            details: required(details, Self::WHAT, 4)?,
        })
    }

    /// Shows each score with its scorer and score key.
    pub fn each_score(&self, mut visit: impl FnMut(&'a str, &'a str, ScoreView<'a>)) {
        let read = visit_scores(&mut Decoder::new(self.scores), |scorer, key, d| {
            visit(scorer, key, ScoreView::decode(d)?);
            Ok(())
        });
        read.expect("the scores were read when the samples were");
    }

    /// The score of one scorer under one key.
    pub fn score(&self, scorer: &str, key: &str) -> Option<ScoreView<'a>> {
        let mut found = None;
        self.each_score(|of, under, score| {
            if of == scorer && under == key {
                found = Some(score);
            }
        });
        found
    }

    /// The record with memory of its own.
    pub fn to_record(self) -> SampleRecord {
        let mut scores = Scores::new();
        // A scorer without any key is a scorer all the same.
        let scorers = Decoder::new(self.scores).text_map(|scorer, d| -> Result<(), DecodeError> {
            scores.insert(scorer.to_owned(), std::collections::BTreeMap::new());
            d.raw().map(drop)
        });
        scorers.expect("the scores were read when the view was made");
        self.each_score(|scorer, key, score| {
            scores.entry(scorer.to_owned()).or_default().insert(key.to_owned(), score.to_score());
        });
        let details = DetailsDigest::from_bytes(*self.details);
        SampleRecord { key: self.key.to_key(), status: self.status, scores, details }
    }
}

fn visit_scores<'a>(
    d: &mut Decoder<'a>,
    mut visit: impl FnMut(&'a str, &'a str, &mut Decoder<'a>) -> Result<(), SamplesError>,
) -> Result<(), SamplesError> {
    d.text_map(|scorer, d| {
        d.text_map(|key, d| visit(scorer, short(key, "a score key", MAX_SCORE_NAME_BYTES)?, d))?;
        short(scorer, "a scorer name", MAX_SCORE_NAME_BYTES).map(drop)
    })
}

/// A score as it lies in its record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScoreView<'a> {
    lexeme: &'a str,
    /// Numerator and denominator, each a canonical integer.
    value: Option<(&'a [u8], &'a [u8])>,
}

impl<'a> ScoreView<'a> {
    pub(super) fn decode(d: &mut Decoder<'a>) -> Result<Self, SamplesError> {
        let at = d.offset();
        let items = d.array_header()?;
        let lexeme = short(d.text()?, "a score lexeme", score::MAX_WIRE_LEXEME_BYTES)?;
        let value = match items {
            1 => None,
            3 => Some((d.raw()?, d.raw()?)),
            _ => return Err(DecodeError::Type { at, expected: "a score", found: "an array of another length" }.into()),
        };
        Ok(Self { lexeme, value })
    }

    /// Holds the rational to its form and the lexeme to the rational.
    fn check(self) -> Result<(), SamplesError> {
        // By far the most scores are small integers: `1` and 1/1.
        if let (Ok(whole), Some((numer, denom))) = (self.lexeme.parse::<u32>(), self.value)
            && !self.lexeme.starts_with('+')
            && small(numer) == Some(whole.into())
            && small(denom) == Some(1)
        {
            return Ok(());
        }
        self.to_checked_score().map(drop)
    }

    fn to_checked_score(self) -> Result<Score, SamplesError> {
        let value = self.value.map(|(numer, denom)| score::decode_rational(numer, denom)).transpose()?;
        Score::of_parts(self.lexeme, value)
    }

    /// The token as the source wrote it.
    pub fn lexeme(&self) -> &'a str {
        self.lexeme
    }

    /// True where it has a numeric value.
    pub fn has_value(&self) -> bool {
        self.value.is_some()
    }

    /// The exact value; `None` where the lexeme has none.
    pub fn value(&self) -> Option<BigRational> {
        let (numer, denom) = self.value?;
        // In lowest terms, as was seen when the record was read.
        if let (Some(numer), Some(denom)) = (small(numer), small(denom)) {
            return Some(BigRational::new_raw(BigInt::from(numer), BigInt::from(denom)));
        }
        Some(score::decode_rational(numer, denom).expect("the rational was read when the samples were"))
    }

    /// True for `NaN` and `null`: the source says that there is no score, and no denominator counts it.
    pub fn is_unscored(&self) -> bool {
        score::says_unscored(self.lexeme)
    }

    /// True for a text or structure without a numeric value, which Inspect's own metrics count as 0.
    pub fn is_unreadable(&self) -> bool {
        self.value.is_none() && !self.is_unscored()
    }

    fn to_score(self) -> Score {
        self.to_checked_score().expect("the score was read when the view was made")
    }
}

/// An integer of at most 64 bits.
fn small(integer: &[u8]) -> Option<i64> {
    Decoder::decode(integer, Decoder::int).ok()
}

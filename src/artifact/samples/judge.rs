//! Who judged, and what the judge wrote: facts of a log that no label in it decides.
//!
//! A task's arguments may name a judge that an environment variable replaced; the events of the samples show which model
//! answered. Where the judge's text is in the log, the verdict is read from it again and counted against the score.

use super::SamplesError;
use super::facts::LogFacts;
use super::text::name;
use crate::codec::{DecodeError, Decoder, Encoder};

/// A model that answered in a role, or that is not the evaluated one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ObservedModel {
    /// The model as the log names it where it answered.
    pub model: String,
    /// The role it answered in (`grader`), empty where it had none.
    pub role: String,
    /// Samples in which it did; 0 where only the totals of the whole log name it.
    pub samples: u64,
    /// Whether the log names it outside of what was used: as the evaluated model, by role, or in an argument.
    pub named: bool,
}

/// How often the text of a judge agrees with the score.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rejudged {
    /// The scorer.
    pub scorer: String,
    /// The score key, empty where the scorer gives one value.
    pub key: String,
    /// The rule by which the text was read: `inspect.grade/1`, `am.answer-tag/1`.
    pub parser: String,
    /// Samples whose text says what the score says.
    pub agrees: u64,
    /// Samples whose text says something else.
    pub differs: u64,
    /// Samples whose text says nothing by this rule.
    pub unread: u64,
}

impl ObservedModel {
    pub(super) fn encode(&self, e: &mut Encoder) {
        e.array(4);
        e.text(&self.model);
        e.text(&self.role);
        e.uint(self.samples);
        e.bool(self.named);
    }

    pub(super) fn decode(d: &mut Decoder<'_>) -> Result<Self, SamplesError> {
        d.tuple("an observed model", 4, |d| {
            Ok(Self { model: name(d)?, role: name(d)?, samples: d.uint()?, named: d.bool()? })
        })
    }
}

impl Rejudged {
    pub(super) fn encode(&self, e: &mut Encoder) {
        e.array(6);
        e.text(&self.scorer);
        e.text(&self.key);
        e.text(&self.parser);
        e.uint(self.agrees);
        e.uint(self.differs);
        e.uint(self.unread);
    }

    pub(super) fn decode(d: &mut Decoder<'_>) -> Result<Self, SamplesError> {
        d.tuple("a score that was read again", 6, |d| {
            let (scorer, key, parser) = (name(d)?, name(d)?, name(d)?);
            Ok(Self { scorer, key, parser, agrees: d.uint()?, differs: d.uint()?, unread: d.uint()? })
        })
    }
}

impl LogFacts {
    /// One encoding: both lists in their order, nothing twice.
    pub(super) fn check_judges(&self) -> Result<(), DecodeError> {
        let models = self.observed.iter().map(|model| (&model.model, &model.role));
        let scores = self.rejudged.iter().map(|score| (&score.scorer, &score.key));
        if models.is_sorted_by(|left, right| left < right) && scores.is_sorted_by(|left, right| left < right) {
            Ok(())
        } else {
            Err(DecodeError::Unsorted { what: "the list of judges" })
        }
    }
}

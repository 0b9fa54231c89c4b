//! What is wrong with a log.
//!
//! An anomaly is a stable small code and a short text. Codes are wire format and never reused; the texts are for
//! people. At most [`MAX_ANOMALIES`] texts are kept, worst first, beside the full counts: a log that contradicts itself
//! a million times says so in one page.

use std::collections::BTreeMap;

use super::SamplesError;
use super::text::{bounded_text, name};
use crate::codec::{DecodeError, Decoder};

/// Anomaly texts kept; the counts are always complete.
pub const MAX_ANOMALIES: usize = 50;

/// What an anomaly does to a number that rests on the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The log contradicts itself: it cannot all be true.
    Contradiction,
    /// Something that belongs to the log is not there, or not understood.
    Incomplete,
    /// Worth knowing; takes nothing from the number.
    Note,
}

impl Severity {
    /// The name in text and JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Contradiction => "contradiction",
            Self::Incomplete => "incomplete",
            Self::Note => "note",
        }
    }
}

macro_rules! anomaly_codes {
    ($($(#[$doc:meta])* $name:ident = $id:literal $text:literal $severity:ident,)+) => {
        /// What is odd about a log. The number is wire format.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum AnomalyCode {
            $($(#[$doc])* $name,)+
        }

        impl AnomalyCode {
            /// Every code.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The number on the wire.
            pub const fn id(self) -> u64 {
                match self { $(Self::$name => $id,)+ }
            }

            /// The stable name in text and JSON.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }

            /// What it does to a number that rests on the log.
            pub const fn severity(self) -> Severity {
                match self { $(Self::$name => Severity::$severity,)+ }
            }
        }
    };
}

anomaly_codes! {
    /// Two archive members have one name; the last was read.
    DuplicateMember = 1 "duplicate-member" Contradiction,
    /// The archive holds the bytes of a sample that its directory does not list.
    HiddenSample = 2 "hidden-sample" Contradiction,
    /// The archive holds another member that its directory does not list (an edit in place leaves the old header).
    UnlistedMember = 3 "unlisted-member" Note,
    /// Bytes of the archive belong to no member.
    DeadBytes = 4 "dead-bytes" Note,
    /// A member's name says another sample than its content.
    MemberName = 5 "member-name" Contradiction,
    /// One sample and epoch is there twice; the last was read.
    DuplicateSample = 6 "duplicate-sample" Contradiction,
    /// A declared sample is not there.
    SampleMissing = 7 "sample-missing" Incomplete,
    /// A sample is there that the log does not declare.
    SampleNotDeclared = 8 "sample-not-declared" Contradiction,
    /// A sample's scores are not those of its summary.
    SummaryDisagrees = 9 "summary-disagrees" Contradiction,
    /// A reported metric is not what the samples add up to.
    MetricDisagrees = 10 "metric-disagrees" Contradiction,
    /// A stored epoch reduction is not what the samples reduce to.
    ReductionDisagrees = 11 "reduction-disagrees" Contradiction,
    /// The header counts other samples than are there.
    CountDisagrees = 12 "count-disagrees" Incomplete,
    /// The run did not end in success.
    NotSuccess = 13 "status-not-success" Incomplete,
    /// There is no header: the run is in flight or crashed.
    HeaderMissing = 14 "header-missing" Incomplete,
    /// The log as a whole is marked invalid.
    LogInvalidated = 15 "log-invalidated" Incomplete,
    /// Samples are marked invalid.
    SamplesInvalidated = 16 "samples-invalidated" Note,
    /// Samples ended in an error.
    SampleErrors = 17 "sample-errors" Note,
    /// Samples were stopped by a limit.
    SampleLimits = 18 "sample-limits" Note,
    /// Samples have no score.
    Unscored = 19 "unscored" Note,
    /// A score was edited after the scorer gave it.
    ScoreEdited = 20 "score-edited" Note,
    /// Another model than the one asked for answered.
    ModelFallback = 21 "model-fallback" Note,
    /// A text holds half of a surrogate pair.
    LoneSurrogate = 22 "lone-surrogate" Note,
    /// The log is of a schema version that this reader knows only in part.
    NewerSchema = 23 "newer-schema" Incomplete,
    /// There is a member among the samples that this reader does not understand.
    UnknownMember = 24 "unknown-member" Incomplete,
    /// The header describes another run than the journal's start.
    StartDisagrees = 25 "start-disagrees" Contradiction,
    /// The log does not say which samples it should hold.
    GridNotDeclared = 26 "grid-not-declared" Note,
    /// Scores without a numeric value, which Inspect's metrics count as 0.
    UnreadableScore = 27 "unreadable-score" Note,
    /// A reported metric or stored reduction was not recomputed, with the reason.
    NotRecomputed = 28 "not-recomputed" Note,
    /// An attachment that a sample refers to is not there.
    AttachmentMissing = 29 "attachment-missing" Note,
    /// A score is not what the grader's text says by the one rule that its scorer has.
    VerdictDisagrees = 30 "verdict-disagrees" Contradiction,
    /// A score is not what the judge's text says by a rule that its scorer seems to use.
    VerdictDiffers = 31 "verdict-differs" Incomplete,
    /// A score is not the one that the transcript shows being given.
    ScoreEventDiffers = 32 "score-event-differs" Incomplete,
    /// A model answered that the log names nowhere: as the evaluated one, by role, or in an argument.
    ModelNotNamed = 33 "model-not-named" Note,
    /// A sample failed before and was run again.
    SampleRetried = 34 "sample-retried" Note,
    /// A summary is there without its sample.
    SummaryWithoutSample = 35 "summary-without-sample" Incomplete,
    /// A sample is there that the final summaries do not have.
    SampleNotSummarised = 36 "sample-not-summarised" Contradiction,
    /// Only a part of the dataset was run.
    Limited = 37 "limited" Incomplete,
    /// A hash that the log carries is not that of what it is said to be of.
    HashDisagrees = 38 "hash-disagrees" Contradiction,
    /// Rows that should be separate runs are the same in every score.
    SameRun = 39 "same-run" Note,
}

/// One thing that is odd about a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anomaly {
    /// What.
    pub code: AnomalyCode,
    /// Which sample, member or metric; from outside, to be escaped where it is shown.
    pub text: String,
}

impl Anomaly {
    /// What it does to a number that rests on the log.
    pub fn severity(&self) -> Severity {
        self.code.severity()
    }
}

/// The anomalies of a log: the worst [`MAX_ANOMALIES`] with their texts, and how many there are of each code.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Anomalies {
    pub(super) listed: Vec<Anomaly>,
    pub(super) counts: BTreeMap<AnomalyCode, u64>,
}

impl Anomalies {
    /// Adds one.
    pub fn add(&mut self, code: AnomalyCode, text: impl AsRef<str>) {
        self.add_many(code, 1, text);
    }

    /// Adds `count` of one code under one text.
    pub fn add_many(&mut self, code: AnomalyCode, count: u64, text: impl AsRef<str>) {
        if count == 0 {
            return;
        }
        let total = self.counts.entry(code).or_default();
        *total = total.saturating_add(count);
        // Worst first, then by code, then as found; the worst texts push out the lesser ones.
        let rank = |code: AnomalyCode| (code.severity(), code);
        let at = self.listed.partition_point(|other| rank(other.code) <= rank(code));
        if at < MAX_ANOMALIES {
            self.listed.insert(at, Anomaly { code, text: bounded_text(text.as_ref()) });
            self.listed.truncate(MAX_ANOMALIES);
        }
    }

    /// The worst [`MAX_ANOMALIES`], worst first.
    pub fn listed(&self) -> &[Anomaly] {
        &self.listed
    }

    /// How many there are of each code.
    pub fn counts(&self) -> &BTreeMap<AnomalyCode, u64> {
        &self.counts
    }

    /// How many there are of one code.
    pub fn count(&self, code: AnomalyCode) -> u64 {
        self.counts.get(&code).copied().unwrap_or(0)
    }

    /// How many there are of one severity.
    pub fn of_severity(&self, severity: Severity) -> u64 {
        self.counts.iter().filter(|(code, _)| code.severity() == severity).fold(0, |sum, (_, n)| sum.saturating_add(*n))
    }

    /// The severity of the worst one.
    pub fn worst(&self) -> Option<Severity> {
        self.counts.keys().map(|code| code.severity()).min()
    }
}

fn code_of(id: u64) -> Result<AnomalyCode, DecodeError> {
    let value = i64::try_from(id).unwrap_or(i64::MAX);
    let found = AnomalyCode::ALL.iter().copied().find(|code| code.id() == id);
    found.ok_or(DecodeError::UnknownValue { what: "an anomaly code", value })
}

pub(super) fn decode_anomaly(d: &mut Decoder<'_>) -> Result<Anomaly, SamplesError> {
    d.tuple("an anomaly", 2, |d| Ok(Anomaly { code: code_of(d.uint()?)?, text: name(d)? }))
}

pub(super) fn decode_counts(d: &mut Decoder<'_>) -> Result<BTreeMap<AnomalyCode, u64>, SamplesError> {
    let mut counts = BTreeMap::new();
    d.int_map(|key, d| -> Result<(), SamplesError> {
        let id = u64::try_from(key).map_err(|_| DecodeError::UnknownKey { what: "anomaly counts", key })?;
        counts.insert(code_of(id)?, d.uint()?);
        Ok(())
    })?;
    Ok(counts)
}

impl Anomalies {
    /// The texts are in order, no more than the bound, and no code has more texts than its count, or no text while
    /// there is room: a manifest cannot hide an anomaly behind its count.
    pub(super) fn check(&self) -> Result<(), DecodeError> {
        let ranks = self.listed.iter().map(|anomaly| (anomaly.severity(), anomaly.code));
        if self.listed.len() > MAX_ANOMALIES || !ranks.is_sorted() {
            return Err(DecodeError::Unsorted { what: "the list of anomalies" });
        }
        let mut texts: BTreeMap<AnomalyCode, u64> = BTreeMap::new();
        for anomaly in &self.listed {
            *texts.entry(anomaly.code).or_default() += 1;
        }
        let too_few = texts.iter().any(|(code, texts)| self.count(*code) < *texts);
        let hidden = self.counts.keys().any(|code| !texts.contains_key(code)) && self.listed.len() < MAX_ANOMALIES;
        if too_few || hidden || self.counts.values().any(|count| *count == 0) {
            let found = self.listed.len();
            return Err(DecodeError::Length { what: "the list of anomalies", expected: "the number it counts", found });
        }
        Ok(())
    }
}

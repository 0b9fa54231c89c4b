//! One thing that is wrong, or worth knowing, about logs that somebody wants to claim from.

use serde::Serialize;

use crate::artifact::samples::{AnomalyCode, Severity};

/// Places of one defect that are kept; the count is complete.
const MAX_EXAMPLES: usize = 20;

/// What a defect does to a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Weight {
    /// A claim that takes these logs as they are is contradicted.
    Contradicts,
    /// A claim cannot be established before it is settled.
    LeavesOpen,
    /// Takes nothing from a claim by itself.
    ToKnow,
}

/// Where a defect is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Example {
    /// The log; empty where it is between logs.
    pub log: String,
    /// What was seen there; from outside, to be escaped where it is shown.
    pub text: String,
}

/// A defect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Defect {
    /// Stable name.
    pub code: &'static str,
    /// What it does.
    pub weight: Weight,
    /// How many there are.
    pub count: u64,
    /// One sentence for a person who does not know the format.
    pub what: String,
    /// What can be done.
    pub next: &'static str,
    /// The first of them.
    pub examples: Vec<Example>,
}

impl Defect {
    /// A defect that was not seen anywhere yet.
    pub fn new(code: &'static str, weight: Weight, what: impl Into<String>, next: &'static str) -> Self {
        Self { code, weight, count: 0, what: what.into(), next, examples: Vec::new() }
    }

    /// Adds `count` of them at one place.
    pub fn add(&mut self, count: u64, log: &str, text: impl Into<String>) {
        self.count = self.count.saturating_add(count);
        if self.examples.len() < MAX_EXAMPLES {
            self.examples.push(Example { log: log.to_owned(), text: text.into() });
        }
    }

    /// The same with one place.
    #[must_use]
    pub fn at(mut self, log: &str, text: impl Into<String>) -> Self {
        self.add(1, log, text);
        self
    }

    /// What an oddity of a log means for a claim.
    pub(super) fn of_anomaly(code: AnomalyCode) -> Self {
        let (what, next) = meaning(code);
        let weight = match (code, code.severity()) {
            // An error bar over seeds that are one run is no error bar; a grid that nobody declared is nobody's word.
            (AnomalyCode::SameRun, _) | (_, Severity::Contradiction) => Weight::Contradicts,
            (AnomalyCode::GridNotDeclared, _) | (_, Severity::Incomplete) => Weight::LeavesOpen,
            _ => Weight::ToKnow,
        };
        Self::new(code.name(), weight, what, next)
    }
}

const FIND_ORIGINAL: &str = "look for the log as it was first written; do not claim from this one";
const RERUN: &str = "run what is missing, or say which samples a claim leaves out and why";
const SAY_SO: &str = "say it beside the number";
const LOOK: &str = "look at it before you claim";

/// What an oddity means, and what can be done.
fn meaning(code: AnomalyCode) -> (&'static str, &'static str) {
    match code {
        AnomalyCode::DuplicateMember => {
            ("two members of the archive have one name: readers see one, and not the same one", FIND_ORIGINAL)
        }
        AnomalyCode::HiddenSample => ("the archive holds a sample that its directory does not list", FIND_ORIGINAL),
        AnomalyCode::UnlistedMember => {
            ("bytes of an older member lie in the archive: it was edited in place", FIND_ORIGINAL)
        }
        AnomalyCode::DeadBytes => {
            ("dead bytes: parts of the archive belong to no member, as after an edit in place", FIND_ORIGINAL)
        }
        AnomalyCode::MemberName => ("a member's name says another sample than it holds", FIND_ORIGINAL),
        AnomalyCode::DuplicateSample => ("one sample and epoch is there twice", FIND_ORIGINAL),
        AnomalyCode::SampleMissing => ("samples that the log declares are not in it: the grid is incomplete", RERUN),
        AnomalyCode::SampleNotDeclared => ("samples are there that the log does not declare", FIND_ORIGINAL),
        AnomalyCode::SummaryDisagrees => {
            ("a score in a sample is not the one in the log's summary: one of them was changed", FIND_ORIGINAL)
        }
        AnomalyCode::MetricDisagrees => (
            "a figure that the log prints is not what its samples add up to",
            "claim what the samples give, and find out why",
        ),
        AnomalyCode::ReductionDisagrees => ("a stored mean over epochs is not what the epochs give", FIND_ORIGINAL),
        AnomalyCode::CountDisagrees => ("the header counts other samples than are there", RERUN),
        AnomalyCode::NotSuccess => ("the run did not end well", "count it as an attempt; claim from one that ended"),
        AnomalyCode::HeaderMissing => (
            "there is no header: the run crashed or is still going on",
            "count it as an attempt; claim from one that ended",
        ),
        AnomalyCode::LogInvalidated => {
            ("the log was marked as invalid by whoever wrote it", "say why, or do not claim from it")
        }
        AnomalyCode::SamplesInvalidated => {
            ("samples were marked as invalid afterwards", "claim with denominator n_valid, and say why")
        }
        AnomalyCode::SampleErrors => ("samples ended in an error", "look whether both arms lose as many"),
        AnomalyCode::SampleLimits => ("samples were stopped by a limit", "look whether both arms lose as many"),
        AnomalyCode::Unscored => ("samples have no score", "look whether both arms lose as many"),
        AnomalyCode::ScoreEdited => {
            ("scores were edited after the scorer gave them", "say by whom and why: the log has it")
        }
        AnomalyCode::ModelFallback => {
            ("another model than the one asked for answered", "say in how many samples, in each arm")
        }
        AnomalyCode::LoneSurrogate => ("a text is no Unicode text", LOOK),
        AnomalyCode::NewerSchema => {
            ("the log is of a schema version that is known only in part", "use a newer reproledger")
        }
        AnomalyCode::UnknownMember => ("there is a member among the samples that is not understood", LOOK),
        AnomalyCode::StartDisagrees => {
            ("the header describes another run than the one that was started", FIND_ORIGINAL)
        }
        AnomalyCode::GridNotDeclared => (
            "nothing says which samples were to be run, so nothing shows that all are there",
            "say the grid in the claim; a log of the harness itself declares it",
        ),
        AnomalyCode::UnreadableScore => ("scores are no numbers, and the harness counts them as 0", LOOK),
        AnomalyCode::NotRecomputed => {
            ("figures that the log prints were not computed again", "claim figures that can be")
        }
        AnomalyCode::AttachmentMissing => ("a text that a sample refers to is not in the log", LOOK),
        AnomalyCode::VerdictDisagrees => {
            ("a score is not what the judge's own text says", "judge again, or correct the score")
        }
        AnomalyCode::VerdictDiffers => ("a score does not look like what the judge's text says", LOOK),
        AnomalyCode::ScoreEventDiffers => {
            ("a score is not the one that the transcript shows being given", FIND_ORIGINAL)
        }
        AnomalyCode::ModelNotNamed => {
            ("a model answered that no setting names: another judge than was configured", "say which model judged")
        }
        AnomalyCode::SampleRetried => ("samples failed before and were run again", SAY_SO),
        AnomalyCode::SummaryWithoutSample => ("a summary is there whose sample is not", FIND_ORIGINAL),
        AnomalyCode::SampleNotSummarised => ("a sample is there that the summaries do not have", FIND_ORIGINAL),
        AnomalyCode::Limited => ("only a part of the dataset was run", "run all of it, or claim the part by name"),
        AnomalyCode::HashDisagrees => ("a hash in the log is not that of the text it stands beside", FIND_ORIGINAL),
        AnomalyCode::SameRun => (
            "identical seeds: what counts as two runs is the same in every score, so it is one",
            "count it as one seed, and find the other run",
        ),
    }
}

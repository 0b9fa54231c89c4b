//! The protocol: what is promised before the first score.
//!
//! The same vocabulary as a claim's, so that each rule of a claim can be held to the one that was registered. TOML that
//! a lab writes, canonical CBOR in the body of a `protocol` entry; an amendment is a new entry that supersedes it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::codec::wire_enum;
use crate::statement::contrast::{Assertion, ContrastKind, IntervalRule, Pairing, Relation};
use crate::statement::rules::{Denominator, ErrorRule, Evaluation, Judge, Metric, Stated, Step, at_most};

/// Families of a protocol, and contrasts of one: every term of a claim is adjusted among the tests of its family.
const MAX_FAMILIES: usize = 64;
const MAX_CONTRASTS: usize = 256;

wire_enum! {
    /// What a training seed varies.
    pub enum SeedVaries, "what a seed varies" {
        /// The generated documents.
        Corpus = 0 "corpus",
        /// Midtraining.
        Midtraining = 1 "midtraining",
        /// The order of the data.
        Order = 2 "order",
        /// Alignment fine-tuning.
        Alignment = 3 "aft",
        /// Sampling of rollouts.
        Sampling = 4 "sampling",
    }
}

wire_enum! {
    /// When the study ends.
    pub enum Stopping, "a stopping rule" {
        /// With the planned number of rollouts, whatever they show.
        Fixed = 0 "fixed",
        /// By a sequential rule, told in `exclusions` and `text`.
        Sequential = 1 "sequential",
    }
}

wire_enum! {
    /// Which runs may be repeated.
    pub enum Retries, "a retry rule" {
        /// None: the first attempt counts, well or not.
        Never = 0 "never",
        /// Those that failed or were killed; the first that completed counts.
        FailedRuns = 1 "failed-runs",
    }
}

wire_enum! {
    /// How several contrasts share one error rate.
    pub enum Correction, "a correction" {
        /// Each at the full rate; then none of them is confirmatory.
        Uncorrected = 0 "uncorrected",
        /// Holm's step-down procedure.
        Holm = 1 "holm",
        /// Bonferroni.
        Bonferroni = 2 "bonferroni",
    }
}

/// An arm that is promised.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedArm {
    /// Its label, as entries will carry it.
    pub arm: String,
    /// What kind of arm it is: a recipe.
    pub kind: Stated<String>,
    /// Base model by name and revision.
    pub base: Stated<String>,
    /// Its training seeds.
    pub seeds: Vec<u64>,
}

/// A contrast that is promised, by the labels of its arms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedContrast {
    /// Which.
    pub kind: ContrastKind,
    /// The arm it is about.
    pub subject: String,
    /// The arm it is compared with.
    pub comparator: Stated<String>,
    /// For an interaction: the two other arms.
    pub others: Vec<String>,
    /// What pairs the seeds of the arms.
    pub pairing: Stated<Pairing>,
    /// Its interval.
    pub interval: Stated<IntervalRule>,
}

/// Contrasts that share one error rate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Family {
    /// Its name: a claim's `cell_family`.
    pub name: String,
    /// How the rate is shared.
    pub correction: Correction,
    /// The contrasts.
    #[serde(deserialize_with = "at_most::<MAX_CONTRASTS, _, _>")]
    pub contrasts: Vec<PlannedContrast>,
}

/// How far is near enough, fixed beforehand. Figures as printed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Margins {
    /// A recomputed number may differ from the printed one by this.
    pub tolerance: Stated<String>,
    /// Arms nearer than this are equivalent.
    pub equivalence: Stated<String>,
    /// In distribution the subject may be worse by this.
    pub non_inferiority: Stated<String>,
}

/// A condition that the result must meet to say anything: a score of the same logs, in every arm of a contrast. It is no
/// measure of the question, and where it is not met the result is uninformative.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gate {
    /// Scorer as named in the logs.
    pub scorer: String,
    /// Key inside the scorer's value; `none` where the value is a single score.
    pub key: Stated<String>,
    /// On which side of its bound each arm's rate must lie.
    pub is: Relation,
    /// The bound, as printed: `95%`.
    pub bound: String,
}

/// A protocol.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Protocol {
    /// Short id.
    pub protocol_id: String,
    /// The question, in a sentence.
    pub text: String,
    /// The arms.
    pub arms: Vec<PlannedArm>,
    /// What each seed varies.
    pub seeds_vary: Vec<SeedVaries>,
    /// What may differ between the arms of a contrast; anything beyond it is no controlled comparison.
    pub factors: Vec<String>,
    /// Which score.
    pub metric: Metric,
    /// Scores of the same logs that are conditions and no measures. Where none is named, every other score of the logs is
    /// one that the claim could have chosen: leaving the key out is the stricter reading.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gates: Vec<Gate>,
    /// Which evaluation.
    pub eval: Evaluation,
    /// The in-distribution evaluation of a generalization gap.
    pub in_distribution: Stated<Evaluation>,
    /// Who will grade.
    pub judge: Stated<Judge>,
    /// From scores to the number.
    pub aggregation: Vec<Step>,
    /// What a rate is divided by.
    pub denominator: Denominator,
    /// How the error bar is computed.
    pub error: Stated<ErrorRule>,
    /// Error rate of the primary contrast and of each family, as printed: `5%`.
    pub alpha: String,
    /// The one contrast that decides.
    pub primary: PlannedContrast,
    /// The others.
    #[serde(deserialize_with = "at_most::<MAX_FAMILIES, _, _>")]
    pub families: Vec<Family>,
    /// What will be asserted of the primary contrast if it holds.
    pub assertion: Stated<Assertion>,
    /// Margins.
    pub margins: Margins,
    /// When the study ends.
    pub stopping: Stopping,
    /// Which runs may be repeated.
    pub retries: Retries,
    /// What leaves a run or sample out, in the lab's words.
    pub exclusions: String,
    /// Levels of factors that no training row may contain: what makes the evaluation out of distribution.
    pub held_out: Vec<String>,
    /// Which conditions belong together, by the name of their cluster: what could be drawn anew where something is said of
    /// new conditions. Each condition stands once. Where none is named, the names of conditions are all that can say it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub clusters: BTreeMap<String, Vec<String>>,
}

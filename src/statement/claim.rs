//! The claim schema: a printed number with every rule it depends on, and no default for any of them.
//!
//! What does not apply is said as `"none"`. Rates are texts as printed; counts are integers; nothing is a float. The
//! same shape is the TOML a lab writes, the canonical CBOR in the ledger, and the JSON in a report.

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::statement::contrast::{Assertion, Contrast};
use crate::statement::rules::{Denominator, ErrorRule, Evaluation, Judge, Metric, Printed, Stated, Step};

/// One arm of the experiment, as the claim names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arm {
    /// Its label, as in the ledger's entries.
    pub arm: String,
    /// What kind of arm it is called (`msm+aft`, `it-mix-only`, …).
    pub kind: Stated<String>,
    /// Base model by name and revision.
    pub base: Stated<String>,
    /// Evaluated weights by digest; empty where the model is served by someone else.
    pub checkpoints: Vec<Digest>,
}

/// Training seeds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seeds {
    /// Promised.
    pub planned: u64,
    /// In the number.
    pub used: u64,
}

/// A value with what it stands on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClaimedValue {
    /// The number.
    pub rate: Printed,
    /// How many it is over.
    pub n: u64,
    /// Its error bar.
    pub error: Stated<Printed>,
}

/// The printed values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Values {
    /// Of the subject arm.
    pub subject: ClaimedValue,
    /// Of the comparator arm.
    pub comparator: Stated<ClaimedValue>,
}

/// How many attempts the lab says there were.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attempts {
    /// Training runs.
    pub train: u64,
    /// Evaluation runs.
    pub eval: u64,
}

/// A claim.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// Short id.
    pub claim_id: String,
    /// The sentence as it is printed.
    pub text: String,
    /// Which family of results it belongs to.
    pub cell_family: String,
    /// The arm the number is about.
    pub subject: Arm,
    /// The arm it is compared with.
    pub comparator: Stated<Arm>,
    /// Which score.
    pub metric: Metric,
    /// Which evaluation.
    pub eval: Evaluation,
    /// Who graded.
    pub judge: Stated<Judge>,
    /// Training seeds.
    pub seeds: Seeds,
    /// From scores to the number, step by step.
    pub aggregation: Vec<Step>,
    /// What a rate is divided by.
    pub denominator: Denominator,
    /// How the error bar is computed.
    pub error: Stated<ErrorRule>,
    /// The printed values.
    pub value: Values,
    /// How the arms compare.
    pub contrast: Stated<Contrast>,
    /// What is asserted of it.
    pub assertion: Stated<Assertion>,
    /// The protocol registered before.
    pub plan: Stated<Digest>,
    /// Attempts, as disclosed.
    pub attempts_disclosed: Attempts,
    /// Sample manifests the number is computed from.
    pub inputs: Vec<Digest>,
    /// What the lab keeps back.
    pub withheld: Vec<String>,
}

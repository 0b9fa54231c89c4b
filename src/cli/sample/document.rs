//! What the draws came to, as one JSON document with every draw.

use serde::Serialize;

use crate::cli::render::print_json;
use crate::cli::sample::Sampled;
use crate::cli::sample::likelihoods::Taken;
use crate::cli::{Context, Failure};
use crate::report::first_line;
use crate::sampling::State;

/// Id of the document's schema.
const SCHEMA: &str = "urn:reproledger:schema:sample:v1";

/// Decimals of a bound, rounded up.
const DIGITS: u32 = 8;

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    result: &'static str,
    exit_code: u8,
    evidence: String,
    vouched: bool,
    nonce: &'a str,
    head_root: &'a str,
    level: &'static str,
    arms: Vec<ArmOf<'a>>,
    refused_openings: Vec<Refused<'a>>,
    draws: Vec<DrawOf<'a>>,
    checkpoints: Vec<CheckpointOf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    likelihoods: Option<&'a Taken>,
    not_shown: &'static str,
}

#[derive(Serialize)]
struct ArmOf<'a> {
    arm: &'a str,
    drawn: u64,
    in_log: u64,
    records: u64,
    failed: u64,
    missing: u64,
    judged_bad: u64,
    bad: u64,
    at_most: String,
}

#[derive(Serialize)]
struct Refused<'a> {
    file: &'a str,
    why: &'a str,
}

#[derive(Serialize)]
struct DrawOf<'a> {
    arm: &'a str,
    entry: u64,
    number: u64,
    root: String,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    score: Option<&'a str>,
    judged_bad: bool,
}

#[derive(Serialize)]
struct CheckpointOf {
    entry: u64,
    digests: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    again: Vec<u64>,
}

pub(super) fn print(context: &Context, sampled: &Sampled) -> Result<(), Failure> {
    let arms = sampled.bought.iter().map(|arm| ArmOf {
        arm: &arm.arm,
        drawn: arm.drawn,
        in_log: arm.in_log,
        records: arm.records,
        failed: arm.failed,
        missing: arm.missing,
        judged_bad: arm.judged_bad,
        bad: arm.bad(),
        at_most: arm.bound.digits_above(DIGITS),
    });
    let draws = sampled.draws.iter().map(|draw| {
        let (state, why, path) = match &draw.state {
            State::InLog { path } => ("in-log", None, Some(path.as_str())),
            State::Record => ("record", None, None),
            State::Failed { why } => ("failed", Some(why.as_str()), None),
            State::Missing => ("missing", None, None),
        };
        DrawOf {
            arm: &draw.arm,
            entry: draw.entry.0,
            number: draw.number,
            root: draw.root.to_string(),
            state,
            why,
            path,
            key: draw.key.as_deref(),
            score: draw.score.as_deref(),
            judged_bad: sampled.bad.contains(&draw.name()),
        }
    });
    let checkpoints = sampled.weights.iter().map(|weights| CheckpointOf {
        entry: weights.entry.0,
        digests: weights.digests.iter().map(ToString::to_string).collect(),
        again: weights.again.iter().map(|entry| entry.0).collect(),
    });
    let refused = sampled.refused.iter().map(|(file, why)| Refused { file, why });
    let document = Document {
        schema: SCHEMA,
        result: sampled.word(),
        exit_code: sampled.exit_code(),
        evidence: first_line(&sampled.assessment),
        vouched: sampled.is_vouched,
        nonce: &sampled.nonce,
        head_root: &sampled.head,
        level: "95%",
        arms: arms.collect(),
        refused_openings: refused.collect(),
        draws: draws.collect(),
        checkpoints: checkpoints.collect(),
        likelihoods: sampled.likelihoods.as_ref(),
        not_shown: "that the model wrote these samples: that is the lab's word",
    };
    print_json(context, &document)
}

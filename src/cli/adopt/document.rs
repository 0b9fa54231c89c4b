//! What was found, as one JSON document.

use serde::Serialize;

use crate::adopt::{Arm, Defect, Metric, Study, Suite, rate};
use crate::cli::adopt::Adopted;
use crate::cli::render::print_json;
use crate::cli::{Context, Failure};
use crate::stats::decimal::{decimal_digits, sqrt_digits};

/// Id of the document's schema.
const SCHEMA: &str = "urn:reproledger:schema:adopt:v1";

/// Decimals of rates and errors; the exact value stands beside them.
const DIGITS: u32 = 12;

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    verdict: &'static str,
    level: &'static str,
    exit_code: u8,
    defects: &'a [Defect],
    logs: Vec<LogOf<'a>>,
    evaluations: Vec<Evaluation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    weights: Option<Weights>,
    passed_over: Vec<PassedOver<'a>>,
    other_files: u64,
    claim: Claim<'a>,
}

#[derive(Serialize)]
struct LogOf<'a> {
    name: &'a str,
    format: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    task: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    map: Option<String>,
    map_is_guessed: bool,
    rollouts: u64,
}

#[derive(Serialize)]
struct Evaluation {
    task: String,
    told_apart_by: &'static str,
    conditions: Vec<String>,
    arms: Vec<ArmOf>,
    effects: Vec<EffectOf>,
}

#[derive(Serialize)]
struct ArmOf {
    arm: String,
    seeds: Vec<Option<i64>>,
    rates: Vec<RateOf>,
}

#[derive(Serialize)]
struct RateOf {
    score: String,
    rate: String,
    exact: String,
    rollouts: u64,
    samples: u64,
    by_seed: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_over_seeds: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_over_samples: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_over_rollouts: Option<String>,
}

#[derive(Serialize)]
struct EffectOf {
    subject: String,
    comparator: String,
    score: String,
    difference: String,
}

#[derive(Serialize)]
struct Weights {
    path: String,
    digests: std::collections::BTreeMap<&'static str, String>,
}

#[derive(Serialize)]
struct PassedOver<'a> {
    name: &'a str,
    why: &'a str,
}

#[derive(Serialize)]
struct Claim<'a> {
    /// Absent where something must be chosen first.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    toml: Option<&'a str>,
    left_to_you: &'a [String],
}

pub(super) fn print(context: &Context, adopted: &Adopted) -> Result<(), Failure> {
    let (word, study) = (adopted.word(), &adopted.study);
    let logs = study.logs.iter().map(|log| LogOf {
        name: &log.name,
        format: &log.facts.format,
        task: log.facts.task.as_deref(),
        model: log.facts.model.as_deref(),
        status: log.facts.status.as_deref(),
        map: log.map.as_ref().map(ToString::to_string),
        map_is_guessed: log.is_guess,
        rollouts: log.runs.iter().flat_map(|run| run.cells.values()).map(|cell| cell.rows).sum(),
    });
    let weights = adopted.model.as_ref().map(|model| Weights {
        path: model.path.to_string_lossy().into_owned(),
        digests: model
            .subject
            .0
            .iter()
            .filter_map(|(kind, measure)| Some((kind.name(), measure.digests.first()?.to_string())))
            .collect(),
    });
    let claim = match &adopted.draft {
        Ok(draft) => Claim { id: Some(&draft.id), toml: Some(&draft.toml), left_to_you: &draft.missing },
        Err(choose) => Claim { id: None, toml: None, left_to_you: choose },
    };
    let document = Document {
        schema: SCHEMA,
        verdict: word.name(),
        level: "L0",
        exit_code: word.exit_code(),
        defects: &adopted.defects,
        logs: logs.collect(),
        evaluations: study.suites.iter().map(|suite| evaluation(adopted, suite)).collect(),
        weights,
        passed_over: adopted.passed_over.iter().map(|(name, why)| PassedOver { name, why }).collect(),
        other_files: adopted.other,
        claim,
    };
    print_json(context, &document)
}

fn evaluation(adopted: &Adopted, suite: &Suite) -> Evaluation {
    let study = &adopted.study;
    let effects = adopted.chosen.pair(suite).map(|(subject, comparator)| {
        let effects = suite.effects(study, subject, comparator).into_iter().map(|effect| EffectOf {
            subject: subject.name.clone(),
            comparator: comparator.name.clone(),
            score: effect.metric.to_string(),
            difference: decimal_digits(&effect.difference, DIGITS),
        });
        effects.collect()
    });
    Evaluation {
        task: suite.task.clone(),
        told_apart_by: suite.told_by,
        conditions: suite.conditions.iter().cloned().collect(),
        arms: suite.arms.iter().map(|arm| arm_of(study, suite, arm)).collect(),
        effects: effects.unwrap_or_default(),
    }
}

fn arm_of(study: &Study, suite: &Suite, arm: &Arm) -> ArmOf {
    let rates = suite.metrics.iter().filter_map(|metric: &Metric| {
        let rate = rate(study, arm, metric)?;
        let root = |square: &Option<_>| square.as_ref().map(|square| sqrt_digits(square, DIGITS));
        Some(RateOf {
            score: metric.to_string(),
            rate: decimal_digits(&rate.value, DIGITS),
            exact: rate.value.to_string(),
            rollouts: rate.rollouts,
            samples: rate.samples,
            by_seed: rate.seeds.iter().map(|(_, value)| decimal_digits(value, DIGITS)).collect(),
            error_over_seeds: root(&rate.seed_error),
            error_over_samples: root(&rate.sample_error),
            error_over_rollouts: root(&rate.rollout_error),
        })
    });
    ArmOf { arm: arm.name.clone(), seeds: arm.seeds.iter().map(|seed| seed.number).collect(), rates: rates.collect() }
}

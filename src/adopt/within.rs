//! Each log held against itself.

use std::collections::BTreeMap;

use num_traits::Zero;

use super::arms::Study;
use super::choice::Choice;
use super::defect::{Defect, Weight};
use super::run::{Log, Metric, Run};
use crate::artifact::samples::{Anomalies, AnomalyCode, parse_number};
use crate::stats::Tally;
use crate::stats::decimal::sqrt_digits;

pub(super) fn defects(study: &Study, chosen: &Choice) -> Vec<Defect> {
    let mut found: BTreeMap<&'static str, Defect> = BTreeMap::new();
    let is_asked = |log: &&Log| chosen.task.as_ref().is_none_or(|task| log.runs.iter().any(|run| run.task == *task));
    for log in study.logs.iter().filter(is_asked) {
        anomalies(&log.name, &log.facts.anomalies, &mut found);
        remarks(log, &mut found);
        no_error(log, &mut found);
        settings(log, &mut found);
    }
    found.into_values().collect()
}

fn of<'f>(found: &'f mut BTreeMap<&'static str, Defect>, new: Defect) -> &'f mut Defect {
    found.entry(new.code).or_insert(new)
}

fn anomalies(log: &str, anomalies: &Anomalies, found: &mut BTreeMap<&'static str, Defect>) {
    for (code, count) in anomalies.counts() {
        let first = anomalies.listed().iter().find(|anomaly| anomaly.code == *code);
        let text = first.map_or(String::new(), |anomaly| anomaly.text.clone());
        of(found, Defect::of_anomaly(*code)).add(*count, log, text);
    }
}

/// What was seen in a table of counts.
fn remarks(log: &Log, found: &mut BTreeMap<&'static str, Defect>) {
    let Some(reading) = &log.reading else { return };
    let counts_only = Defect::new(
        "counts-only",
        Weight::LeavesOpen,
        "the table has counts and no samples: nobody can prove a sample by a count",
        "find the logs that the table was made from; they can be claimed from",
    );
    let rows = reading.counts.get("rows").copied().unwrap_or(0);
    of(found, counts_only).add(1, &log.name, format!("{rows} rows"));
    for remark in &reading.remarks {
        let new = match remark.code.as_str() {
            "same-run" => Defect::of_anomaly(AnomalyCode::SameRun),
            "rate-differs" => Defect::new(
                "rate-differs",
                Weight::Contradicts,
                "a printed rate is not its own count over its own number",
                "correct the table, and what was printed from it",
            ),
            "rate-over-valid-rows" => Defect::new(
                "rate-over-valid-rows",
                Weight::ToKnow,
                "a rate is over the valid rows alone",
                "claim with denominator n_valid",
            ),
            _ => Defect::new(
                "interval-differs",
                Weight::LeavesOpen,
                "a printed interval is not Wilson's of its own counts",
                "say which interval it is",
            ),
        };
        of(found, new).add(remark.count, &log.name, remark.text.clone());
    }
}

/// All rollouts of a log under one score.
fn rollouts(runs: &[Run], metric: &Metric) -> Tally {
    let mut all = Tally::default();
    let cells = runs.iter().flat_map(|run| run.cells.values());
    cells.filter_map(|cell| cell.metrics.get(metric)).for_each(|sums| all.merge(&sums.rollouts));
    all
}

/// An error bar of 0 where the scores vary: one sample in many epochs, or seeds that are one run.
fn no_error(log: &Log, found: &mut BTreeMap<&'static str, Defect>) {
    for reported in &log.facts.metrics {
        let is_zero = || parse_number(&reported.lexeme).is_some_and(|value| value.is_zero());
        if !reported.metric.contains("stderr") || !is_zero() {
            continue;
        }
        let key = if reported.score == reported.scorer { String::new() } else { reported.score.clone() };
        let metric = Metric { scorer: reported.scorer.clone(), key };
        let Ok(over) = rollouts(&log.runs, &metric).estimate(0) else { continue };
        if over.variance_of_mean.is_zero() {
            continue;
        }
        let samples: u64 = log.runs.iter().flat_map(|run| run.cells.values()).map(|cell| cell.samples).sum();
        let error = sqrt_digits(&over.variance_of_mean, 5);
        let samples = if samples == 1 { "1 sample".to_owned() } else { format!("{samples} samples") };
        let text = format!("{metric}: stderr 0 over {samples}; over its {} rollouts it is {error}", over.units);
        let new = Defect::new(
            "stderr-zero",
            Weight::LeavesOpen,
            "an error bar of 0 although the scores vary: it is over one sample",
            "claim with error unit rollout, or over seeds",
        );
        of(found, new).add(1, &log.name, text);
    }
}

/// What the log says of its run that a reader of the number should know.
fn settings(log: &Log, found: &mut BTreeMap<&'static str, Defect>) {
    if log.about.get("revision.dirty").is_some_and(|dirty| dirty == "true") {
        let commit = log.about.get("revision.commit").map_or("?", String::as_str);
        let new = Defect::new(
            "dirty-code",
            Weight::ToKnow,
            "the code that ran was not the code of its commit",
            "record the source as it was: reproledger record source",
        );
        of(found, new).add(1, &log.name, format!("commit {commit} with changes"));
    }
    let observed = log.facts.observed.iter();
    let mut itself = observed.filter(|judge| !judge.role.is_empty() && Some(&judge.model) == log.facts.model.as_ref());
    if let Some(judge) = itself.next() {
        let new = Defect::new(
            "judged-by-itself",
            Weight::ToKnow,
            "the model that is evaluated is also the judge",
            "say it beside the number, or judge with another model",
        );
        of(found, new).add(judge.samples, &log.name, format!("{} as {}", judge.model, judge.role));
    }
    if log.metrics_left_out > 0 {
        let new = Defect::new(
            "too-many-scores",
            Weight::ToKnow,
            "the log has more scores than are shown here",
            "name the one that you mean: --metric",
        );
        of(found, new).add(log.metrics_left_out, &log.name, "scores beyond the first 64");
    }
    if log.is_guess {
        let map = log.map.as_ref().map(ToString::to_string).unwrap_or_default();
        let new = Defect::new(
            "columns-guessed",
            Weight::LeavesOpen,
            "which column is what was guessed by its name",
            "look at the map, and give it: --map",
        );
        of(found, new).add(1, &log.name, format!("--map {map}"));
    }
}

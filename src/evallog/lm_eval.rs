//! Results and samples of lm-evaluation-harness: one `results_*.json` and a `samples_TASK_*.jsonl` for each task.
//!
//! One record for each task, document and filter: cell is the task, condition the filter, the id `doc_id`, the scorer the
//! task again with the harness's own metric names as keys (`exact_match,none`), so that a claim names one column of one
//! task. The hashes of documents, prompts and targets are computed again, and from them the task's; they cover no
//! answer, so equal hashes say nothing about scores. A run over a part of a dataset (`--limit`) is incomplete.
//!
//! Source: <https://github.com/EleutherAI/lm-evaluation-harness> `lm_eval/evaluator.py`, `loggers/evaluation_tracker.py`

use std::collections::{BTreeMap, BTreeSet};
use std::io::SeekFrom;

use num_rational::BigRational;
use num_traits::Zero;

use super::about::{About, of_lm_eval};
use super::inspect_events::{child, text};
use super::items::{Item, SeeItem};
use super::lines::{Place, each_line};
use super::lm_eval_hash::Hashes;
use super::making::{LONG, Making, Texts};
use super::map::ColumnMap;
use super::{EvalLog, EvalLogError, LogFile, Look, PartError, Reader, RowError};
use crate::artifact::samples::{
    AnomalyCode, LogFacts, MAX_SCORE_NAME_BYTES, MAX_SCORES, ReportedMetric, SampleDetails, SampleId, SampleKey,
    SampleRecord, SampleStatus, SamplesError, Score, Scores, bounded_text, parse_number,
};
use crate::digest::FileDigest;
use crate::json::{Kind, Object, Value};
use crate::stats::decimal::{decimal_digits, sqrt_digits};
use crate::stats::{Bound, ErrorUnit, Observation, Reducer, SurdInterval, estimate};

pub(super) const ENTRY: &dyn Reader = &LmEval;

/// Name and version of the projection.
const PROJECTION: &str = "lm-eval/1";

/// A results file is held in memory whole; it has a few hundred bytes for each task, more with every configuration.
const MAX_RESULTS_BYTES: u64 = 64 << 20;

/// Metrics that are means where no configuration says how they were aggregated.
const MEANS: &[&str] = &["acc", "acc_norm", "acc_bytes", "acc_mutual_info", "exact_match", "em"];

struct LmEval;

fn is_results(name: &str) -> bool {
    name.strip_prefix("results").is_some_and(|rest| rest.strip_suffix(".json").is_some())
}

/// The task of a samples file: `samples_TASK_2026-01-01T00-00-00.000000.jsonl`.
fn task_of(name: &str) -> Option<&str> {
    let stem = name.strip_prefix("samples_")?.strip_suffix(".jsonl")?;
    Some(stem.rsplit_once('_').filter(|(_, date)| date.starts_with(|c: char| c.is_ascii_digit())).map_or(stem, |s| s.0))
}

impl Reader for LmEval {
    fn name(&self) -> &'static str {
        "lm-eval"
    }

    fn recognises(&self, look: &Look<'_>) -> bool {
        // A folder with anything else in it is a folder of logs, or something that was not meant.
        look.map.is_none()
            && look.names.iter().any(|name| is_results(name))
            && look.names.iter().all(|name| is_results(name) || task_of(name).is_some())
    }

    fn read(&self, files: &mut [LogFile<'_>], _: Option<&ColumnMap>) -> Result<EvalLog, EvalLogError> {
        let results: Vec<usize> = (0..files.len()).filter(|at| is_results(&files[*at].name)).collect();
        let [results] = results[..] else {
            return Err(EvalLogError::Several { what: "results files", found: results.len() });
        };
        let bytes = files[results].read_all(MAX_RESULTS_BYTES)?;
        let name = files[results].name.clone();
        let part = |error: PartError| EvalLogError::Part { part: bounded_text(&name), source: error };
        let mut run = Run::parse(&bytes).map_err(part)?;
        for file in files.iter_mut().filter(|file| task_of(&file.name).is_some()) {
            let name = file.name.clone();
            run.read_samples(file).map_err(|error| error.in_file(&name))?;
        }
        Ok(run.finish())
    }

    fn items(&self, files: &mut [LogFile<'_>], see: SeeItem<'_>) -> Result<(), EvalLogError> {
        for file in files.iter_mut().filter(|file| task_of(&file.name).is_some()) {
            file.source.seek(SeekFrom::Start(0))?;
            let mut is_open = true;
            each_line(file.source, |place, line| {
                let at = |source: RowError| EvalLogError::Row { place, source };
                let sample = Value::parse(line).and_then(|value| value.object()).map_err(|error| at(error.into()))?;
                is_open = is_open && see(Item::of_harness(&sample).map_err(at)?);
                Ok(())
            })?;
        }
        Ok(())
    }
}

/// One task as the results file tells it.
#[derive(Debug, Default)]
struct Task {
    original: Option<u64>,
    effective: Option<u64>,
    hash: Option<String>,
    /// A group over other tasks has no samples of its own.
    is_group: bool,
    /// Metric and filter with the lexemes of value and error, in the order of their names.
    metrics: BTreeMap<String, (Option<String>, Option<String>)>,
    /// How each metric was aggregated, where a configuration says.
    aggregations: BTreeMap<String, String>,
}

#[derive(Debug, Default)]
struct Run {
    facts: LogFacts,
    tasks: BTreeMap<String, Task>,
    records: BTreeMap<Vec<u8>, SampleRecord>,
    about: About,
    making: Making,
}

impl Run {
    fn parse(bytes: &[u8]) -> Result<Self, PartError> {
        let log = Value::parse(bytes)?.object()?;
        let results = log.require("results")?;
        if results.kind() != Kind::Object {
            return Err(crate::json::wrong("results", "an object", results.kind()).into());
        }
        let (counts, hashes, configs) =
            (child(&log, "n-samples")?, child(&log, "task_hashes")?, child(&log, "configs")?);
        let groups = child(&log, "group_subtasks")?;
        let mut run = Self { about: of_lm_eval(&log)?, ..Self::default() };
        for (name, task) in results.object()?.distinct()? {
            let mut parsed = Task {
                hash: text(&hashes, &name)?,
                is_group: groups.get(&name)?.is_some_and(|subtasks| subtasks.items().next().is_some()),
                ..Task::default()
            };
            let count = child(&counts, &name)?;
            (parsed.original, parsed.effective) = (count.count("original")?, count.count("effective")?);
            for metric in child(&configs, &name)?.get("metric_list")?.iter().flat_map(Value::items) {
                let metric = metric.object()?;
                if let Some((name, aggregation)) = text(&metric, "metric")?.zip(text(&metric, "aggregation")?) {
                    parsed.aggregations.insert(name, aggregation);
                }
            }
            for (name, value) in task.object()?.distinct()? {
                if matches!(value.kind(), Kind::Number | Kind::NonFinite) {
                    parsed.report(&name, value.raw());
                }
            }
            run.tasks.insert(name, parsed);
        }
        run.facts = LogFacts {
            format: "lm-eval".to_owned(),
            // The file is written once, at the end of a run that did not fail.
            status: Some("success".to_owned()),
            reader: PROJECTION.to_owned(),
            task: Some(bounded_text(&run.tasks.keys().cloned().collect::<Vec<_>>().join(","))),
            model: text(&log, "model_name")?.as_deref().map(bounded_text),
            ..LogFacts::default()
        };
        Ok(run)
    }

    fn read_samples(&mut self, file: &mut LogFile<'_>) -> Result<(), EvalLogError> {
        let Some(name) = task_of(&file.name).map(str::to_owned) else { return Ok(()) };
        let Some(task) = self.tasks.get(&name) else {
            let text = format!("samples of `{}`, of which there are no results", name.escape_debug());
            self.facts.anomalies.add(AnomalyCode::CountDisagrees, text);
            return Ok(());
        };
        let columns: Vec<String> = task.metrics.keys().cloned().collect();
        let recorded = task.hash.clone();
        let mut hashes = Hashes::default();
        let (records, facts, making) = (&mut self.records, &mut self.facts, &mut self.making);
        let mut answered = BTreeSet::new();
        file.source.seek(SeekFrom::Start(0))?;
        each_line(file.source, |place: Place, line| {
            let at = |source| EvalLogError::Row { place, source };
            let value = Value::parse(line).map_err(|error| at(error.into()))?;
            let row = value.object().map_err(|error| at(error.into()))?;
            let (record, mut texts) = sample(&name, &row, value.raw(), &columns).map_err(at)?;
            if let SampleId::Int(document) = record.key.id {
                // Every filter repeats the one answer to a document.
                texts.completion = texts.completion.filter(|_| answered.insert(document));
                making.add(&SampleId::Text(format!("{name}.{document}")), texts);
            }
            let key = record.key.to_string();
            for part in hashes.add(&row).map_err(|error| at(error.into()))? {
                facts
                    .anomalies
                    .add(AnomalyCode::HashDisagrees, format!("{key}: its {part} is not that of the {part}'s text"));
            }
            match record.status {
                SampleStatus::Scored => {}
                _ => facts.anomalies.add(AnomalyCode::Unscored, &key),
            }
            if records.insert(record.key.to_bytes(), record).is_some() {
                facts.anomalies.add(AnomalyCode::DuplicateSample, key);
            }
            Ok(())
        })?;
        match (recorded, hashes.task()) {
            (Some(recorded), Some(found)) if recorded != found => {
                let text = format!("the task hash of `{}` is not that of its samples", name.escape_debug());
                facts.anomalies.add(AnomalyCode::HashDisagrees, text);
            }
            (None, _) | (_, None) => {
                facts.anomalies.add(AnomalyCode::NotRecomputed, format!("the task hash of `{}`", name.escape_debug()));
            }
            _ => {}
        }
        Ok(())
    }

    fn finish(mut self) -> EvalLog {
        let mut declared = 0_u64;
        let samples: Vec<SampleRecord> = self.records.into_values().collect();
        for (name, task) in &self.tasks {
            let of_task = |sample: &&SampleRecord| sample.key.cell.as_deref() == Some(name);
            declared = declared.saturating_add(task.check(name, samples.iter().filter(of_task), &mut self.facts));
        }
        self.facts.declared = Some((declared, 1));
        let reading = Some(self.making.finish(&self.about, PROJECTION));
        EvalLog { facts: self.facts, samples, reading, counts: Vec::new(), about: self.about }
    }
}

impl Task {
    /// `exact_match,none` and `exact_match_stderr,none`.
    fn report(&mut self, name: &str, lexeme: &str) {
        let Some((metric, filter)) = name.split_once(',') else { return };
        let lexeme = Some(bounded_text(lexeme));
        match metric.strip_suffix("_stderr") {
            Some(metric) => self.metrics.entry(format!("{metric},{filter}")).or_default().1 = lexeme,
            None => self.metrics.entry(name.to_owned()).or_default().0 = lexeme,
        }
    }

    /// Holds the samples against counts and metrics; how many there should be.
    fn check<'s>(&self, name: &str, samples: impl Iterator<Item = &'s SampleRecord>, facts: &mut LogFacts) -> u64 {
        let shown = name.escape_debug().to_string();
        let mut by_filter: BTreeMap<&str, Vec<&SampleRecord>> = BTreeMap::new();
        for filter in self.metrics.keys().filter_map(|metric| metric.split_once(',')) {
            by_filter.entry(filter.1).or_default();
        }
        for sample in samples {
            by_filter.entry(sample.key.condition.as_deref().unwrap_or_default()).or_default().push(sample);
        }
        if let Some((original, effective)) = self.original.zip(self.effective).filter(|(all, run)| run < all) {
            facts
                .anomalies
                .add(AnomalyCode::Limited, format!("`{shown}`: {effective} of {original} documents were run"));
        }
        let wanted = self.effective.unwrap_or(0);
        let mut complete = BTreeSet::new();
        for (filter, samples) in by_filter.iter().filter(|_| !self.is_group) {
            let found = samples.len() as u64;
            let text = format!("`{shown}`, filter `{}`: {found} of {wanted} samples", filter.escape_debug());
            facts.anomalies.add_many(AnomalyCode::SampleMissing, wanted.saturating_sub(found), &text);
            facts.anomalies.add_many(AnomalyCode::SampleNotDeclared, found.saturating_sub(wanted), &text);
            if found == wanted {
                complete.insert(*filter);
            }
        }
        for (metric, (value, error)) in &self.metrics {
            let (metric_name, filter) = metric.split_once(',').unwrap_or((metric, ""));
            let aggregation = match self.aggregations.get(metric_name) {
                Some(aggregation) => aggregation.clone(),
                None if MEANS.contains(&metric_name) => "mean".to_owned(),
                None => "unknown".to_owned(),
            };
            for (kind, lexeme) in [(aggregation.as_str(), value), ("stderr", error)] {
                let Some(lexeme) = lexeme else { continue };
                facts.report(ReportedMetric {
                    scorer: bounded_text(name),
                    score: bounded_text(metric),
                    reducer: None,
                    metric: bounded_text(kind),
                    lexeme: lexeme.clone(),
                });
                let said = if self.is_group {
                    Err("it is of a group of tasks".to_owned())
                } else if !complete.contains(filter) {
                    Err("samples are missing".to_owned())
                } else if aggregation != "mean" {
                    Err(format!("no rule for the aggregation `{}`", aggregation.escape_debug()))
                } else {
                    compare(by_filter.get(filter).map(Vec::as_slice).unwrap_or_default(), name, metric, kind, lexeme)
                };
                let what = format!("{shown} {} {kind}", metric.escape_debug());
                match said {
                    Ok(None) => {}
                    Ok(Some(exact)) => {
                        let text = format!("{what}: the results say {lexeme}, the samples say {exact}");
                        facts.anomalies.add(AnomalyCode::MetricDisagrees, text);
                    }
                    Err(reason) => facts.anomalies.add(AnomalyCode::NotRecomputed, format!("{what}: {reason}")),
                }
            }
        }
        if self.is_group { 0 } else { wanted.saturating_mul(by_filter.len() as u64) }
    }
}

/// `Ok(None)` where a mean or its error agrees with the samples, `Ok(Some(_))` what it should be.
fn compare(
    samples: &[&SampleRecord],
    task: &str,
    metric: &str,
    kind: &str,
    lexeme: &str,
) -> Result<Option<String>, String> {
    let mut values = Vec::new();
    for (at, sample) in samples.iter().enumerate() {
        let score = sample.score(task, metric).ok_or("a sample has no such score")?;
        values.push(Observation { sample: at, value: score.value().cloned().ok_or("a score is no number")? });
    }
    let found = estimate(&values, ErrorUnit::Rollout, Reducer::Mean).map_err(|error| error.to_string())?;
    let Some(reported) = parse_number(lexeme) else { return Ok(Some(decimal_digits(&found.mean, 6))) };
    if kind == "stderr" {
        let square = found.variance_of_mean;
        let interval = SurdInterval { center: BigRational::zero(), half_width_square: square.clone() };
        let close = interval.is_close(Bound::Upper, &reported, &super::inspect_audit::tolerance(&reported));
        return Ok((!close).then(|| sqrt_digits(&square, 6)));
    }
    let close = super::inspect_audit::is_close(&found.mean, &reported);
    Ok((!close).then(|| found.mean.to_string()))
}

/// One line of a samples file. `columns` are the metrics that the results name, for lines that do not name their own.
fn sample(task: &str, row: &Object<'_>, raw: &str, columns: &[String]) -> Result<(SampleRecord, Texts), RowError> {
    let column = |name: &str| name.to_owned();
    let id = row
        .require("doc_id")?
        .int()
        .ok_or_else(|| RowError::NotAnInteger { role: "sample", column: column("doc_id") })?;
    let filter = text(row, "filter")?.unwrap_or_else(|| "none".to_owned());
    let own: Vec<String> =
        row.get("metrics")?.iter().flat_map(Value::items).filter_map(|m| Some(m.text()?.lossy())).collect();
    let names: BTreeSet<&str> = if own.is_empty() {
        columns
            .iter()
            .filter_map(|metric| metric.split_once(','))
            .filter(|(_, of)| *of == filter)
            .map(|m| m.0)
            .collect()
    } else {
        own.iter().map(String::as_str).collect()
    };
    if names.len() > MAX_SCORES {
        return Err(SamplesError::ScoreCount { found: names.len() }.into());
    }
    let mut keys = BTreeMap::new();
    for name in names {
        let key = format!("{name},{filter}");
        if key.len() > MAX_SCORE_NAME_BYTES {
            let (what, limit) = ("a metric's name", MAX_SCORE_NAME_BYTES);
            return Err(SamplesError::TextLength { what, found: key.len(), limit }.into());
        }
        keys.insert(key, score(row.get(name)?.as_ref())?);
    }
    let scored = keys.values().any(|score| !score.is_unscored());
    let scores = Scores::from([(bounded_score_name(task)?, keys)]);
    let mut flags = 0;
    let mut digest = |value: Option<Value<'_>>| {
        let text = value?.text()?;
        flags |= if text.lone_surrogate { SampleDetails::LONE_SURROGATE } else { 0 };
        Some(FileDigest::of(&text.bytes))
    };
    let details = SampleDetails {
        source: FileDigest::of(raw.as_bytes()),
        input: digest(super::lm_eval_hash::prompt(row)?),
        completion: digest(answer(row)?),
        stop_reason: None,
        flags,
    };
    let is_long = answer(row)?.and_then(|value| value.text()).is_some_and(|text| text.bytes.len() >= LONG);
    let texts = Texts { input: details.input, completion: details.completion.filter(|_| is_long) };
    let key =
        SampleKey { cell: Some(task.to_owned()), condition: Some(filter), id: SampleId::Int(id), seed: None, epoch: 1 };
    let status = if scored { SampleStatus::Scored } else { SampleStatus::Unscored };
    Ok((SampleRecord { key, status, scores, details: SampleDetails { flags, ..details }.digest() }, texts))
}

fn bounded_score_name(task: &str) -> Result<String, RowError> {
    match task.len() {
        found if found > MAX_SCORE_NAME_BYTES => {
            Err(SamplesError::TextLength { what: "a task's name", found, limit: MAX_SCORE_NAME_BYTES }.into())
        }
        _ => Ok(task.to_owned()),
    }
}

/// The first text that the model answered with.
fn answer<'a>(row: &Object<'a>) -> Result<Option<Value<'a>>, RowError> {
    let mut value = row.get("resps")?;
    while let Some(inner) = value.as_ref().and_then(|value| value.items().next()) {
        value = Some(inner);
    }
    Ok(value)
}

fn score(value: Option<&Value<'_>>) -> Result<Score, RowError> {
    Ok(match value {
        None => Score::of_token("null")?,
        Some(value) => match (value.kind(), value.text()) {
            (Kind::Array | Kind::Object, _) => Score::of_structure(value.raw().as_bytes()),
            (_, Some(text)) => Score::of_text(value.raw(), &text.bytes, None),
            _ => Score::of_token(value.raw())?,
        },
    })
}

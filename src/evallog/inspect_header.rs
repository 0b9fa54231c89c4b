//! The header of an Inspect log, or the start of its journal.
//!
//! Schema versions 1 and 2 are released; 3 was written by development builds and differs where this reader does not look.
//!
//! Source: <https://github.com/UKGovernmentBEIS/inspect_ai> `src/inspect_ai/log/_log.py`

use std::collections::{BTreeMap, BTreeSet};

use super::about::{About, of_inspect};
use super::inspect::{PROJECTION, parse_id};
use super::inspect_events::{child, text};
use super::{EvalLogError, PartError, part};
use crate::artifact::samples::{AnomalyCode, LogFacts, ReportedMetric, SampleId, bounded_text};
use crate::json::{Object, Value};

/// Newest released schema version.
const RELEASED: u64 = 2;

/// Newest schema version whose samples and results are known to read the same.
const NEWEST: u64 = 3;

/// Names of models, and texts that may be one, taken from a header or a sample.
pub(super) const MAX_NAMES: usize = 10_000;

/// The samples that a log says it should hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Grid {
    pub(super) ids: Vec<SampleId>,
    pub(super) epochs: u64,
}

/// One reported metric with what is needed to recompute it.
#[derive(Debug, Clone)]
pub(super) struct Metric {
    pub(super) reported: ReportedMetric,
    /// Its own name: the key under which it is reported may have a number behind it, or its group before it.
    pub(super) name: String,
    /// The rule it was computed by: its group, or else its own name, without the package.
    pub(super) rule: String,
    /// Its parameters as JSON, which change its rule; null ones are left out.
    pub(super) params: BTreeMap<String, String>,
    /// Samples that it says it is over.
    pub(super) scored: Option<u64>,
}

/// A header, or the start of a journal.
#[derive(Debug, Default)]
pub(super) struct Header {
    pub(super) version: u64,
    pub(super) status: Option<String>,
    pub(super) task: Option<String>,
    pub(super) model: Option<String>,
    pub(super) grid: Option<Grid>,
    /// The reducer of a metric that names none.
    pub(super) reducer: Option<String>,
    pub(super) total: Option<u64>,
    pub(super) completed: Option<u64>,
    pub(super) invalidated: bool,
    pub(super) metrics: Vec<Metric>,
    pub(super) run: Option<String>,
    /// Models whose use the log counts as a whole.
    pub(super) used: BTreeSet<String>,
    /// Every text by which the header could name a model: the evaluated one, roles, arguments, scorers' options.
    pub(super) named: BTreeSet<String>,
    /// Scorers that read grades by a pattern of their own.
    pub(super) own_patterns: BTreeSet<String>,
    /// How it was run.
    pub(super) about: About,
}

/// Reads a header or a journal's start.
pub(super) fn parse_header(name: &str, header: &Object<'_>) -> Result<Header, EvalLogError> {
    // The version first: nothing else of a newer log has a known meaning.
    let version =
        part(name, header.count("version"))?.ok_or(EvalLogError::NotALog { reason: "it has no `version`" })?;
    if version > NEWEST {
        return Err(EvalLogError::Schema { found: version, known: RELEASED });
    }
    let eval = part(name, header.object("eval"))?;
    if part(name, eval.get("task"))?.is_none() {
        return Err(EvalLogError::NotALog { reason: "it has no `eval.task`" });
    }
    part(name, parse_body(version, header, &eval))
}

fn parse_body(version: u64, header: &Object<'_>, eval: &Object<'_>) -> Result<Header, PartError> {
    let results = header.object("results")?;
    let config = eval.object("config")?;
    let epochs = config.count("epochs")?.unwrap_or(1);
    Ok(Header {
        version,
        status: header.text("status")?,
        task: eval.text("task")?,
        model: eval.text("model")?,
        grid: parse_ids(&eval.object("dataset")?)?.map(|ids| Grid { ids, epochs }),
        reducer: only_reducer(&config)?,
        total: results.count("total_samples")?,
        completed: results.count("completed_samples")?,
        invalidated: header.get("invalidated")?.is_some_and(|value| value.raw() == "true"),
        metrics: parse_results(&results)?,
        run: text(eval, "run_id")?,
        used: used_models(&child(header, "stats")?)?,
        named: named_models(header, eval)?,
        own_patterns: own_patterns(eval, &results)?,
        about: of_inspect(header, eval)?,
    })
}

fn used_models(stats: &Object<'_>) -> Result<BTreeSet<String>, PartError> {
    let usage = stats.get("model_usage")?;
    let names = usage.iter().flat_map(Value::members).take(MAX_NAMES);
    Ok(names.map(|(name, _)| bounded_text(&name.lossy())).collect())
}

/// Every text in the parts of a header in which somebody may have named a model.
fn named_models(header: &Object<'_>, eval: &Object<'_>) -> Result<BTreeSet<String>, PartError> {
    let mut named = BTreeSet::new();
    let places = ["model", "model_roles", "task_args", "task_args_passed", "solver_args", "scorers", "model_args"];
    let mut open: Vec<Value<'_>> = Vec::new();
    for place in places {
        open.extend(eval.get(place)?);
    }
    open.extend(header.get("plan")?);
    while let Some(value) = open.pop() {
        if named.len() == MAX_NAMES {
            break;
        }
        named.extend(value.text().map(|text| bounded_text(&text.lossy())));
        open.extend(value.items());
        open.extend(value.members().map(|(_, value)| value));
    }
    Ok(named)
}

fn own_patterns(eval: &Object<'_>, results: &Object<'_>) -> Result<BTreeSet<String>, PartError> {
    let mut found = BTreeSet::new();
    let lists = [(eval.get("scorers")?, "options"), (results.get("scores")?, "params")];
    for (list, place) in lists {
        for scorer in list.iter().flat_map(Value::items) {
            let scorer = scorer.object()?;
            if child(&scorer, place)?.get("grade_pattern")?.is_some() {
                found.extend(text(&scorer, "name")?);
            }
        }
    }
    Ok(found)
}

fn parse_ids(dataset: &Object<'_>) -> Result<Option<Vec<SampleId>>, PartError> {
    dataset.get("sample_ids")?.map(|ids| ids.items().map(|id| parse_id(&id)).collect()).transpose()
}

fn only_reducer(config: &Object<'_>) -> Result<Option<String>, PartError> {
    let Some(reducers) = config.get("epochs_reducer")? else { return Ok(None) };
    let mut names = reducers.items().filter_map(|name| name.text());
    Ok(names.next().filter(|_| names.next().is_none()).map(|name| bounded_text(&name.lossy())))
}

/// Reported metrics: `scores` since schema 2, one `scorer` with its `metrics` before, `scorers` in between.
fn parse_results(results: &Object<'_>) -> Result<Vec<Metric>, PartError> {
    let mut metrics = Vec::new();
    for scores in [results.get("scores")?, results.get("scorers")?].into_iter().flatten() {
        for score in scores.items() {
            let score = score.object()?;
            let name = score.text("name")?.unwrap_or_default();
            let scorer = score.text("scorer")?.unwrap_or_else(|| name.clone());
            parse_metrics(&score, &scorer, &name, &mut metrics)?;
        }
    }
    if metrics.is_empty() && results.get("metrics")?.is_some() {
        let scorer = results.object("scorer")?.text("name")?.unwrap_or_default();
        parse_metrics(results, &scorer, &scorer, &mut metrics)?;
    }
    Ok(metrics)
}

fn parse_metrics(score: &Object<'_>, scorer: &str, name: &str, metrics: &mut Vec<Metric>) -> Result<(), PartError> {
    let (reducer, scored) = (score.text("reducer")?, score.count("scored_samples")?);
    for (metric, value) in score.object("metrics")?.distinct()? {
        let fields = value.object()?;
        let own = text(&fields, "name")?.unwrap_or_else(|| metric.clone());
        let rule = text(&fields, "group")?.unwrap_or_else(|| own.clone());
        metrics.push(Metric {
            name: bounded_text(&own),
            rule: bounded_text(rule.rsplit('/').next().unwrap_or(&rule)),
            params: params(&fields, &["params", "options"])?,
            reported: ReportedMetric {
                scorer: bounded_text(scorer),
                score: bounded_text(name),
                reducer: reducer.as_deref().map(bounded_text),
                metric: bounded_text(&metric),
                lexeme: bounded_text(fields.get("value")?.map_or("null", |value| value.raw())),
            },
            scored,
        });
    }
    Ok(())
}

impl Metric {
    /// The metadata keys that it needs of each sample.
    fn metadata(&self) -> impl Iterator<Item = String> {
        let inner = self.params.get("metric").and_then(|metric| Inner::parse(metric));
        let cluster = self.params.get("cluster").cloned();
        let keys = [
            cluster,
            self.params.get("group_key").cloned(),
            inner.and_then(|inner| inner.params.get("cluster").cloned()),
        ];
        keys.into_iter().flatten().filter_map(|raw| plain_text(&raw))
    }
}

/// The metric that another one applies to groups.
#[derive(Debug)]
pub(super) struct Inner {
    /// The rule, without the package.
    pub(super) rule: String,
    pub(super) params: BTreeMap<String, String>,
}

impl Inner {
    /// Reads it from a parameter.
    pub(super) fn parse(raw: &str) -> Option<Self> {
        let metric = Value::parse(raw.as_bytes()).ok()?.object().ok()?;
        let name = metric.text("name").ok()??;
        let params = params(&metric, &["params"]).ok()?;
        Some(Self { rule: name.rsplit('/').next().unwrap_or(&name).to_owned(), params })
    }
}

/// The text that a parameter is.
pub(super) fn plain_text(raw: &str) -> Option<String> {
    Value::parse(raw.as_bytes()).ok()?.text().map(|text| text.lossy())
}

/// Parameters as JSON; null ones are left out.
fn params(fields: &Object<'_>, places: &[&str]) -> Result<BTreeMap<String, String>, PartError> {
    let mut params = BTreeMap::new();
    for place in places {
        let given = fields.object(place)?.distinct()?;
        params.extend(given.into_iter().filter(|(_, v)| !v.is_null()).map(|(k, v)| (k, bounded_text(v.raw()))));
    }
    Ok(params)
}

impl Header {
    /// The metadata keys that reported metrics cluster or group by.
    pub(super) fn clusters(&self) -> BTreeSet<String> {
        self.metrics.iter().flat_map(Metric::metadata).collect()
    }

    /// The facts of a log with this header.
    pub(super) fn facts(&self, format: &str) -> LogFacts {
        let bounded = |text: &Option<String>| text.as_deref().map(bounded_text);
        let mut facts = LogFacts {
            format: format.to_owned(),
            schema: Some(self.version),
            status: bounded(&self.status),
            reader: PROJECTION.to_owned(),
            declared: self.grid.as_ref().map(|grid| (grid.ids.len() as u64, grid.epochs)),
            total: self.total,
            completed: self.completed,
            task: bounded(&self.task),
            model: bounded(&self.model),
            ..LogFacts::default()
        };
        for metric in &self.metrics {
            facts.report(metric.reported.clone());
        }
        if self.version > RELEASED {
            facts.anomalies.add(AnomalyCode::NewerSchema, format!("schema version {}", self.version));
        }
        if self.invalidated {
            facts.anomalies.add(AnomalyCode::LogInvalidated, "the header says `invalidated`");
        }
        facts
    }
}

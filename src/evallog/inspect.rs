//! What the two containers of Inspect logs have in common: headers, samples and scores.
//!
//! The format is versioned but no frozen specification, so fields that are not used here may be anything. Schema
//! versions 1 and 2 are released; 3 was written by development builds and differs where this reader does not look.
//!
//! Source: <https://github.com/UKGovernmentBEIS/inspect_ai> `src/inspect_ai/log/_log.py`, `scorer/_metric.py`

use std::collections::{BTreeMap, BTreeSet};

use super::inspect_events::{Events, child, text};
use super::inspect_judge::{Verdict, judge, name_of};
use super::{EvalLogError, PartError};
use crate::artifact::samples::{
    AnomalyCode, LogFacts, MAX_KEY_TEXT_BYTES, MAX_SCORE_NAME_BYTES, MAX_SCORES, ReportedMetric, SampleDetails,
    SampleId, SampleKey, SampleRecord, SampleStatus, SamplesError, Score, Scores, bounded_text, inspect_text_value,
};
use crate::codec::Encoder;
use crate::digest::FileDigest;
use crate::json::{JsonError, Kind, Object, Text, Value, wrong};

/// Name and version of the projection: part of the meaning of every root over its records.
pub(super) const PROJECTION: &str = "inspect/1";

/// Newest released schema version.
const RELEASED: u64 = 2;

/// Newest schema version whose samples and results are known to read the same.
const NEWEST: u64 = 3;

/// Names of models, and texts that may be one, taken from a header.
const MAX_NAMES: usize = 10_000;

/// Longest stop reason; the known ones are single words.
const MAX_STOP_REASON_BYTES: usize = 256;

const ATTACHMENT: &[u8] = b"attachment://";
/// What old logs wrote for the same thing.
const OLD_ATTACHMENT: &[u8] = b"tc://";

/// Samples by id and epoch.
pub(super) type Samples = BTreeMap<(SampleId, u64), SampleRecord>;

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
}

/// Names the part of a log in which an error lies.
pub(super) fn part<T>(part: &str, result: Result<T, impl Into<PartError>>) -> Result<T, EvalLogError> {
    result.map_err(|error| EvalLogError::Part {
        part: bounded_text(&part.escape_debug().to_string()),
        source: error.into(),
    })
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
        let mut params = BTreeMap::new();
        for place in ["params", "options"] {
            let given = fields.object(place)?.distinct()?;
            params.extend(given.into_iter().filter(|(_, v)| !v.is_null()).map(|(k, v)| (k, bounded_text(v.raw()))));
        }
        let rule = match text(&fields, "group")? {
            Some(group) => group,
            None => text(&fields, "name")?.unwrap_or_else(|| metric.clone()),
        };
        metrics.push(Metric {
            rule: bounded_text(rule.rsplit('/').next().unwrap_or(&rule)),
            params,
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

impl Header {
    /// The metadata keys that reported metrics cluster by.
    fn clusters(&self) -> impl Iterator<Item = &str> {
        let names = self.metrics.iter().filter_map(|metric| metric.params.get("cluster"));
        names.filter_map(|name| name.strip_prefix('"')?.strip_suffix('"')).collect::<BTreeSet<_>>().into_iter()
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

/// A sample id with its type.
pub(super) fn parse_id(id: &Value<'_>) -> Result<SampleId, PartError> {
    match (id.kind(), id.int(), id.text()) {
        (Kind::Number, Some(id), _) => Ok(SampleId::Int(id)),
        (_, _, Some(text)) if text.bytes.len() > MAX_KEY_TEXT_BYTES => {
            Err(SamplesError::TextLength { what: "a sample id", found: text.bytes.len(), limit: MAX_KEY_TEXT_BYTES }
                .into())
        }
        (_, _, Some(text)) => Ok(SampleId::Text(text.lossy())),
        (kind, ..) => Err(PartError::Id { found: kind.name() }),
    }
}

/// Id and epoch of a sample or a summary.
pub(super) fn parse_key(sample: &Object<'_>) -> Result<(SampleId, u64), PartError> {
    let id = parse_id(&sample.require("id")?)?;
    let epoch = sample.count("epoch")?.ok_or_else(|| JsonError::Missing { name: "epoch".to_owned() })?;
    Ok((id, epoch))
}

/// What one sample shows beside its record.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// The flags of its details.
    pub(super) flags: u64,
    /// Each (model, role) that answered in it.
    pub(super) models: BTreeSet<(String, String)>,
    /// Its scores held against the judges' texts.
    pub(super) verdicts: Vec<Verdict>,
    /// Scores that its transcript shows otherwise, one text each.
    pub(super) given_otherwise: Vec<String>,
    /// Edited scores: the scorer, and by whom and why.
    pub(super) edits: Vec<(String, String)>,
    /// Models that answered in place of the one asked for.
    pub(super) fallbacks: String,
    /// Runs of it that failed before this one.
    pub(super) retries: u64,
    /// By metadata key that a metric clusters by: its cluster.
    pub(super) clusters: Vec<(String, String)>,
}

/// One sample: its record and what else it shows.
pub(super) fn parse_sample(value: &Value<'_>, header: &Header) -> Result<(SampleRecord, Seen), PartError> {
    if value.kind() != Kind::Object {
        return Err(wrong("a sample", "an object", value.kind()).into());
    }
    let sample = value.object()?;
    let (id, epoch) = parse_key(&sample)?;
    let mut texts = Texts { attachments: sample.object("attachments")?, flags: 0 };
    let mut seen = Seen::default();
    let scores = parse_scores(&sample, &mut seen)?;
    let status = if sample.get("invalidation")?.is_some() {
        SampleStatus::Invalid
    } else if sample.get("error")?.is_some() {
        SampleStatus::Error
    } else if sample.get("limit")?.is_some() {
        SampleStatus::Limit
    } else if scores.values().flat_map(BTreeMap::values).any(|score| !score.is_unscored()) {
        SampleStatus::Scored
    } else {
        SampleStatus::Unscored
    };
    if let Some(fallbacks) = sample.get("model_fallbacks")? {
        let is_used = fallbacks.items().next().is_some() || fallbacks.members().next().is_some();
        texts.flags |= if is_used { SampleDetails::MODEL_FALLBACK } else { 0 };
        seen.fallbacks = bounded_text(fallbacks.raw());
    }
    let input = sample.get("input")?.map(|input| texts.input(&input)).transpose()?;
    let (completion, stop_reason) = texts.completion(&sample.object("output")?)?;
    seen.look(&sample, &scores, header, &mut Texts { attachments: texts.attachments.clone(), flags: 0 })?;
    texts.flags |= if seen.edits.is_empty() { 0 } else { SampleDetails::SCORE_EDITED };
    let details = SampleDetails {
        source: FileDigest::of(value.raw().as_bytes()),
        input: input.map(|text| FileDigest::of(&text)),
        completion: completion.map(|text| FileDigest::of(&text)),
        stop_reason,
        flags: texts.flags,
    };
    seen.flags = texts.flags;
    let record = SampleRecord { key: SampleKey::new(id, epoch), status, scores, details: details.digest() };
    Ok((record, seen))
}

impl Seen {
    /// Looks at what decides nothing by itself: events, judges, retries, clusters.
    fn look(
        &mut self,
        sample: &Object<'_>,
        scores: &Scores,
        header: &Header,
        texts: &mut Texts<'_>,
    ) -> Result<(), PartError> {
        self.retries = sample.get("error_retries")?.iter().flat_map(Value::items).count() as u64;
        let metadata = child(sample, "metadata")?;
        for name in header.clusters() {
            if let Some(cluster) = metadata.get(name)? {
                self.clusters.push((name.to_owned(), bounded_text(cluster.raw())));
            }
        }
        let mut events = Events::read(sample.get("events")?.as_ref(), texts)?;
        let counted = sample.get("model_usage")?;
        for (model, _) in counted.iter().flat_map(Value::members).take(MAX_NAMES) {
            let model = bounded_text(&model.lossy());
            if !events.models.iter().any(|(seen, _)| *seen == model) {
                events.models.insert((model, String::new()));
            }
        }
        self.models = events.models;
        let edited = |scorer: &str| self.edits.iter().any(|(edited, _)| edited == scorer);
        for (scorer, keys) in scores {
            if let Some(given) = events.given.get(scorer).filter(|_| !edited(scorer))
                && let Some((key, now, then)) = super::inspect_audit::difference_of(keys, given)
            {
                let name = name_of(scorer, &key);
                self.given_otherwise.push(format!("`{name}` is {now}, the transcript shows {then} being given"));
            }
            let mut judges = events.judged.remove(scorer).unwrap_or_default();
            if judges.is_empty() && super::inspect_judge::is_grader(scorer) {
                judges.extend(explanation(sample, scorer, texts)?);
            }
            let own_pattern = header.own_patterns.contains(scorer);
            self.verdicts.extend(judge(scorer, keys, &judges, own_pattern, edited(scorer)));
        }
        Ok(())
    }
}

/// What Inspect's own graders keep of the judge's text beside the score.
fn explanation(sample: &Object<'_>, scorer: &str, texts: &mut Texts<'_>) -> Result<Option<Vec<u8>>, PartError> {
    let score = child(&child(sample, "scores")?, scorer)?;
    score.get("explanation")?.and_then(|value| value.text()).map(|text| texts.resolve(text)).transpose()
}

/// Texts of one sample with their attachments put back.
pub(super) struct Texts<'a> {
    attachments: Object<'a>,
    flags: u64,
}

impl Texts<'_> {
    /// The text itself, or the attachment that it refers to as a whole.
    fn resolve(&mut self, text: Text<'_>) -> Result<Vec<u8>, PartError> {
        let hash = text.bytes.strip_prefix(ATTACHMENT).or_else(|| text.bytes.strip_prefix(OLD_ATTACHMENT));
        let found = match hash.map(String::from_utf8_lossy) {
            Some(hash) => {
                let attachment = self.attachments.get(&hash)?.and_then(|attachment| attachment.text());
                self.flags |= if attachment.is_none() { SampleDetails::ATTACHMENT_MISSING } else { 0 };
                attachment.unwrap_or(text)
            }
            None => text,
        };
        self.flags |= if found.lone_surrogate { SampleDetails::LONE_SURROGATE } else { 0 };
        Ok(found.bytes.into_owned())
    }

    /// A message's text by Inspect's rule: the content itself, or its text parts joined by newlines.
    fn message(&mut self, content: &Value<'_>) -> Result<Vec<u8>, PartError> {
        if let Some(text) = content.text() {
            return self.resolve(text);
        }
        let mut parts: Vec<Vec<u8>> = Vec::new();
        for item in content.items() {
            let item = item.object()?;
            if item.text("type")?.as_deref() == Some("text") {
                parts
                    .extend(item.get("text")?.and_then(|text| text.text()).map(|text| self.resolve(text)).transpose()?);
            }
        }
        Ok(parts.join(&b'\n'))
    }

    /// The text of a model's output and why it ended: the first choice, or the completion where there is none.
    pub(super) fn completion(&mut self, output: &Object<'_>) -> Result<(Option<Vec<u8>>, Option<String>), PartError> {
        let choice = output.get("choices")?.and_then(|choices| choices.items().next());
        let choice = choice.map(|choice| choice.object()).transpose()?.unwrap_or_default();
        let stop_reason = choice.text("stop_reason")?.map(|mut reason| {
            while reason.len() > MAX_STOP_REASON_BYTES {
                reason.pop();
            }
            reason
        });
        let text = if let Some(content) = choice.object("message")?.get("content")? {
            Some(self.message(&content)?)
        } else {
            let completion = output.get("completion")?.and_then(|completion| completion.text());
            completion.map(|text| self.resolve(text)).transpose()?
        };
        Ok((text, stop_reason))
    }

    /// The input: a text as it is, messages as the canonical array of [role, text].
    fn input(&mut self, input: &Value<'_>) -> Result<Vec<u8>, PartError> {
        if let Some(text) = input.text() {
            return self.resolve(text);
        }
        let mut messages = Vec::new();
        for message in input.items() {
            let message = message.object()?;
            let text = message.get("content")?.map(|content| self.message(&content)).transpose()?;
            messages.push((message.text("role")?.unwrap_or_default(), text.unwrap_or_default()));
        }
        Ok(Encoder::encode(|e| {
            e.array(messages.len());
            for (role, text) in &messages {
                e.array(2);
                e.text(role);
                e.bytes(text);
            }
        }))
    }
}

/// The scores of a sample: `scores` by scorer, or the one `score` of schema 1.
fn parse_scores(sample: &Object<'_>, seen: &mut Seen) -> Result<Scores, PartError> {
    let mut scores = Scores::new();
    let entries = match (sample.get("scores")?, sample.get("score")?) {
        (Some(scores), _) if scores.kind() != Kind::Object => {
            return Err(wrong("scores", "an object", scores.kind()).into());
        }
        (Some(scores), _) => scores.object()?.distinct()?,
        (None, Some(score)) => BTreeMap::from([("score".to_owned(), score)]),
        (None, None) => BTreeMap::new(),
    };
    for (scorer, score) in entries {
        let score = score.object()?;
        let edits: Vec<Value<'_>> = score.get("history")?.iter().flat_map(Value::items).collect();
        if let Some(last) = edits.last() {
            seen.edits.push((scorer.clone(), describe_edit(last)?));
        }
        scores.insert(score_name(scorer)?, parse_value(score.get("value")?.as_ref())?);
    }
    let found = scores.values().map(BTreeMap::len).sum();
    if found > MAX_SCORES { Err(SamplesError::ScoreCount { found }.into()) } else { Ok(scores) }
}

/// Who edited a score last, and why.
fn describe_edit(last: &Value<'_>) -> Result<String, PartError> {
    let provenance = child(&last.object()?, "provenance")?;
    let author = text(&provenance, "author")?.unwrap_or_else(|| "nobody named".to_owned());
    let reason = text(&provenance, "reason")?.unwrap_or_else(|| "no reason given".to_owned());
    Ok(format!("edited by {}: {}", author.escape_debug(), reason.escape_debug()))
}

fn score_name(name: String) -> Result<String, PartError> {
    match name.len() {
        found if found > MAX_SCORE_NAME_BYTES => {
            let (what, limit) = ("a scorer name or score key", MAX_SCORE_NAME_BYTES);
            Err(SamplesError::TextLength { what, found, limit }.into())
        }
        _ => Ok(name),
    }
}

/// The value of a score by key: a scalar under `""`, an object under its own keys.
pub(super) fn parse_value(value: Option<&Value<'_>>) -> Result<BTreeMap<String, Score>, PartError> {
    match value {
        Some(value) if value.kind() == Kind::Object => {
            let keys = value.object()?.distinct()?;
            keys.into_iter().map(|(key, value)| Ok((score_name(key)?, parse_scalar(&value)?))).collect()
        }
        Some(value) => Ok(BTreeMap::from([(String::new(), parse_scalar(value)?)])),
        None => Ok(BTreeMap::from([(String::new(), Score::of_token("null")?)])),
    }
}

fn parse_scalar(value: &Value<'_>) -> Result<Score, PartError> {
    match (value.kind(), value.text()) {
        (Kind::Array | Kind::Object, _) => Ok(Score::of_structure(value.raw().as_bytes())),
        (_, Some(text)) => {
            let number = std::str::from_utf8(&text.bytes).ok().and_then(inspect_text_value);
            Ok(Score::of_text(value.raw(), &text.bytes, number))
        }
        _ => Ok(Score::of_token(value.raw())?),
    }
}

/// What a summary says of its sample.
#[derive(Debug, Default)]
pub(super) struct Summary {
    /// Its scores, where it has any.
    pub(super) scores: Option<Scores>,
    /// Whether the sample ended in an error.
    pub(super) error: bool,
}

/// Reads one summary.
pub(super) fn parse_summary(summary: &Object<'_>) -> Result<Summary, PartError> {
    let error = summary.get("error")?.is_some();
    let Some(scores) = summary.get("scores")? else { return Ok(Summary { scores: None, error }) };
    let mut found = Scores::new();
    for (scorer, score) in scores.object()?.distinct()? {
        found.insert(score_name(scorer)?, parse_value(score.object()?.get("value")?.as_ref())?);
    }
    Ok(Summary { scores: Some(found), error })
}

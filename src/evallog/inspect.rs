//! One sample of an Inspect log, in either container.
//!
//! The format is versioned but no frozen specification, so fields that are not used here may be anything.
//!
//! Source: <https://github.com/UKGovernmentBEIS/inspect_ai> `src/inspect_ai/log/_log.py`, `scorer/_metric.py`

use std::collections::{BTreeMap, BTreeSet};

use super::PartError;
use super::inspect_events::{Events, child};
use super::inspect_header::{Header, MAX_NAMES};
use super::inspect_judge::{Verdict, judge, name_of};
use super::inspect_scores::{Edits, parse_scores};
use super::making;
use crate::artifact::samples::{
    MAX_KEY_TEXT_BYTES, SampleDetails, SampleId, SampleKey, SampleRecord, SampleStatus, SamplesError, Scores,
    bounded_text,
};
use crate::codec::Encoder;
use crate::digest::FileDigest;
use crate::json::{JsonError, Kind, Object, Text, Value, wrong};

/// Name and version of the projection: part of the meaning of every root over its records.
pub(super) const PROJECTION: &str = "inspect/1";

/// Longest stop reason; the known ones are single words.
const MAX_STOP_REASON_BYTES: usize = 256;

const ATTACHMENT: &[u8] = b"attachment://";
/// What old logs wrote for the same thing.
const OLD_ATTACHMENT: &[u8] = b"tc://";

/// Samples by id and epoch.
pub(super) type Samples = BTreeMap<(SampleId, u64), SampleRecord>;

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
    pub(super) edits: Edits,
    /// Models that answered in place of the one asked for.
    pub(super) fallbacks: String,
    /// Runs of it that failed before this one.
    pub(super) retries: u64,
    /// By metadata key that a metric clusters by: its cluster.
    pub(super) clusters: Vec<(String, String)>,
    /// What was asked and answered, by digest.
    pub(super) texts: making::Texts,
}

/// One sample: its record and what else it shows.
pub(super) fn parse_sample(value: &Value<'_>, header: &Header) -> Result<(SampleRecord, Seen), PartError> {
    if value.kind() != Kind::Object {
        return Err(wrong("a sample", "an object", value.kind()).into());
    }
    let sample = value.object()?;
    let (id, epoch) = parse_key(&sample)?;
    let mut texts = Texts::of(&sample)?;
    let (scores, edits) = parse_scores(&sample)?;
    let mut seen = Seen { edits, ..Seen::default() };
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
        completion: completion.as_ref().map(|text| FileDigest::of(text)),
        stop_reason,
        flags: texts.flags,
    };
    seen.flags = texts.flags;
    let is_long = completion.as_ref().is_some_and(|text| text.len() >= making::LONG);
    seen.texts = making::Texts { input: details.input, completion: details.completion.filter(|_| is_long) };
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
            if metadata.has(&name) {
                let cluster = metadata.get(&name)?.map_or("null".to_owned(), |value| bounded_text(value.raw()));
                self.clusters.push((name, cluster));
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

impl<'a> Texts<'a> {
    /// The texts of a sample.
    pub(super) fn of(sample: &Object<'a>) -> Result<Self, PartError> {
        Ok(Self { attachments: sample.object("attachments")?, flags: 0 })
    }

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
    pub(super) fn message(&mut self, content: &Value<'_>) -> Result<Vec<u8>, PartError> {
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

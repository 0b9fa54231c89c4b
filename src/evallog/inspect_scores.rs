//! Scores as Inspect writes them, in samples and in summaries.

use std::collections::BTreeMap;

use super::PartError;
use super::inspect_events::{child, text};
use crate::artifact::samples::{MAX_SCORE_NAME_BYTES, MAX_SCORES, SamplesError, Score, Scores, inspect_text_value};
use crate::json::{Kind, Object, Value, wrong};

/// By scorer: who edited its score last, and why.
pub(super) type Edits = Vec<(String, String)>;

/// The scores of a sample: `scores` by scorer, or the one `score` of schema 1.
pub(super) fn parse_scores(sample: &Object<'_>) -> Result<(Scores, Edits), PartError> {
    let (mut scores, mut edited) = (Scores::new(), Edits::new());
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
            edited.push((scorer.clone(), describe_edit(last)?));
        }
        scores.insert(score_name(scorer)?, parse_value(score.get("value")?.as_ref())?);
    }
    let found = scores.values().map(BTreeMap::len).sum();
    if found > MAX_SCORES { Err(SamplesError::ScoreCount { found }.into()) } else { Ok((scores, edited)) }
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

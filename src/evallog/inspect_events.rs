//! What the events of one sample show: which models answered, what a judge wrote, which score was given.
//!
//! Events say more than the log's own labels: a judge that an environment variable replaced is named here and nowhere
//! else. They are read tolerantly, for their shapes changed often; only a name that stands twice is refused.

use std::collections::{BTreeMap, BTreeSet};

use super::PartError;
use super::inspect::Texts;
use super::inspect_scores::parse_value;
use crate::artifact::samples::{Score, bounded_text};
use crate::json::{JsonError, Object, Value};

/// Spans of one sample that are kept; real ones have a few dozen, an agent's a few thousand.
const MAX_SPANS: usize = 100_000;

/// Role given to a model that answered inside a scorer without one.
const SCORER_ROLE: &str = "scorer";

/// What the events of one sample show.
#[derive(Debug, Default)]
pub(super) struct Events {
    /// Every (model, role) that answered.
    pub(super) models: BTreeSet<(String, String)>,
    /// The texts of the models that answered inside each scorer, in order.
    pub(super) judged: BTreeMap<String, Vec<Vec<u8>>>,
    /// The last score that each scorer gave.
    pub(super) given: BTreeMap<String, BTreeMap<String, Score>>,
}

/// Which scorer the event at hand belongs to.
#[derive(Default)]
struct Scopes {
    /// The scorer of each span, since spans have ids.
    spans: BTreeMap<String, String>,
    /// The scorer of the open step, before that.
    step: Option<String>,
}

impl Events {
    /// Walks the events of a sample; `texts` puts its attachments back.
    pub(super) fn read(events: Option<&Value<'_>>, texts: &mut Texts<'_>) -> Result<Self, PartError> {
        let mut found = Self::default();
        let mut scopes = Scopes::default();
        for event in events.into_iter().flat_map(Value::items) {
            let event = event.object()?;
            match text(&event, "event")?.as_deref() {
                Some("span_begin") => scopes.begin(&event)?,
                Some("step") => scopes.step(&event)?,
                Some("model") => found.model(&event, &scopes, texts)?,
                Some("score") => found.score(&event, &scopes)?,
                _ => {}
            }
        }
        Ok(found)
    }

    fn model(&mut self, event: &Object<'_>, scopes: &Scopes, texts: &mut Texts<'_>) -> Result<(), PartError> {
        let Some(model) = text(event, "model")? else { return Ok(()) };
        let scorer = scopes.of(event)?;
        let role = match (text(event, "role")?, &scorer) {
            (Some(role), _) => role,
            (None, Some(_)) => SCORER_ROLE.to_owned(),
            (None, None) => String::new(),
        };
        self.models.insert((bounded_text(&model), bounded_text(&role)));
        if let Some(scorer) = scorer {
            let output = child(event, "output")?;
            let answer = texts.completion(&output)?.0.unwrap_or_default();
            self.judged.entry(scorer).or_default().push(answer);
        }
        Ok(())
    }

    fn score(&mut self, event: &Object<'_>, scopes: &Scopes) -> Result<(), PartError> {
        if event.get("intermediate")?.is_some_and(|value| value.raw() == "true") {
            return Ok(());
        }
        let scorer = match text(event, "scorer")? {
            Some(scorer) => Some(scorer),
            None => scopes.of(event)?,
        };
        if let Some(scorer) = scorer {
            self.given.insert(scorer, parse_value(child(event, "score")?.get("value")?.as_ref())?);
        }
        Ok(())
    }
}

impl Scopes {
    fn begin(&mut self, event: &Object<'_>) -> Result<(), JsonError> {
        let Some(id) = text(event, "id")? else { return Ok(()) };
        let scorer = if text(event, "type")?.as_deref() == Some("scorer") {
            text(event, "name")?
        } else {
            text(event, "parent_id")?.and_then(|parent| self.spans.get(&parent).cloned())
        };
        if let Some(scorer) = scorer.filter(|_| self.spans.len() < MAX_SPANS) {
            self.spans.insert(id, scorer);
        }
        Ok(())
    }

    fn step(&mut self, event: &Object<'_>) -> Result<(), JsonError> {
        if text(event, "type")?.as_deref() == Some("scorer") {
            let begins = text(event, "action")?.as_deref() == Some("begin");
            self.step = if begins { text(event, "name")? } else { None };
        }
        Ok(())
    }

    fn of(&self, event: &Object<'_>) -> Result<Option<String>, JsonError> {
        let span = text(event, "span_id")?.and_then(|span| self.spans.get(&span).cloned());
        Ok(span.or_else(|| self.step.clone()))
    }
}

/// The text under `name`; a value of another kind counts as absent.
pub(super) fn text(object: &Object<'_>, name: &str) -> Result<Option<String>, JsonError> {
    Ok(object.get(name)?.and_then(|value| value.text()).map(|text| text.lossy()))
}

/// The object under `name`; a value of another kind counts as an empty one.
pub(super) fn child<'a>(object: &Object<'a>, name: &str) -> Result<Object<'a>, JsonError> {
    object.get(name)?.map(|value| value.object()).transpose().map(Option::unwrap_or_default)
}

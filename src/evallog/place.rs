//! Which condition, cell and seed an Inspect log is of, where its task's arguments say so.
//!
//! A task that is run once for each condition gives logs whose samples have the same ids: only the arguments tell them
//! apart. A map such as `condition=goal_type+urgency_type` puts those arguments into the keys of the samples. It is part
//! of the projection's name, so that whoever holds the log derives the same records from it.
//!
//! A condition that stands in a file's name alone is the word of whoever records the log (`label=murder`). It is held to
//! what the log says itself, where it says anything, and refused where that is something else.

use super::inspect::PROJECTION;
use super::items::{Item, Role, SeeItem};
use super::map::{ColumnMap, LABEL};
use super::{EvalLog, EvalLogError};
use crate::artifact::samples::MAX_KEY_TEXT_BYTES;

/// Joins what several arguments say, as it does what several columns say.
pub const JOIN: &str = " / ";

impl EvalLog {
    /// The log with every sample in the place that the task's arguments name.
    pub(super) fn placed(mut self, map: &ColumnMap) -> Result<Self, EvalLogError> {
        let cell = self.named("cell", map)?;
        let condition = match map.of(LABEL) {
            [label] => Some(self.labelled(label, self.named("condition", map)?)?),
            _ => self.named("condition", map)?,
        };
        let seed = self.named("seed", map)?.map(|text| {
            let bad =
                || EvalLogError::SeedArgument { found: text.chars().take(80).flat_map(char::escape_debug).collect() };
            text.parse::<i64>().map_err(|_| bad())
        });
        let seed = seed.transpose()?;
        for sample in &mut self.samples {
            sample.key.cell.clone_from(&cell);
            sample.key.condition.clone_from(&condition);
            sample.key.seed = seed;
        }
        self.samples.sort_by_cached_key(|sample| sample.key.to_bytes());
        self.facts.reader = format!("{PROJECTION} {map}");
        Ok(self)
    }

    /// The label, where nothing in the log's header names another condition.
    fn labelled(&self, label: &str, named: Option<String>) -> Result<String, EvalLogError> {
        let own = self.about.iter().filter(|(name, _)| is_condition(name)).map(|(_, text)| text.clone());
        match own.chain(named).find(|own| own != label) {
            Some(found) => Err(other(label, &found)),
            None => Ok(label.to_owned()),
        }
    }

    fn named(&self, role: &'static str, map: &ColumnMap) -> Result<Option<String>, EvalLogError> {
        let mut parts = Vec::new();
        for name in map.of(role) {
            let missing =
                || EvalLogError::NoArgument { name: name.chars().take(80).flat_map(char::escape_debug).collect() };
            parts.push(self.about.get(&format!("task_args.{name}")).ok_or_else(missing)?.as_str());
        }
        let text = parts.join(JOIN);
        match text.len() {
            found if found > MAX_KEY_TEXT_BYTES => {
                Err(EvalLogError::LongArgument { role, found, limit: MAX_KEY_TEXT_BYTES })
            }
            _ => Ok((!parts.is_empty()).then_some(text)),
        }
    }
}

/// Holds the label of a log to what its samples say of themselves.
pub(super) fn check_samples(
    label: &str,
    give: impl FnOnce(SeeItem<'_>) -> Result<(), EvalLogError>,
) -> Result<(), EvalLogError> {
    let mut found = None;
    give(&mut |item: Item| {
        let names = item.texts.into_iter().filter(|text| text.role == Role::Name);
        let mut own = names.filter(|text| is_condition(&text.field));
        found = own.find(|text| text.text != label).map(|text| text.text);
        found.is_none()
    })?;
    found.map_or(Ok(()), |found| Err(other(label, &found)))
}

/// Whether a field says the condition: `metadata.condition_id`.
fn is_condition(name: &str) -> bool {
    matches!(name.rsplit('.').next(), Some("condition" | "condition_id"))
}

fn other(label: &str, found: &str) -> EvalLogError {
    let shown = |text: &str| text.chars().take(80).flat_map(char::escape_debug).collect();
    EvalLogError::OtherCondition { label: shown(label), found: shown(found) }
}

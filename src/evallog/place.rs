//! Which condition, cell and seed an Inspect log is of, where its task's arguments say so.
//!
//! A task that is run once for each condition gives logs whose samples have the same ids: only the arguments tell them
//! apart. A map such as `condition=goal_type+urgency_type` puts those arguments into the keys of the samples. It is part
//! of the projection's name, so that whoever holds the log derives the same records from it.

use super::inspect::PROJECTION;
use super::map::ColumnMap;
use super::{EvalLog, EvalLogError};
use crate::artifact::samples::MAX_KEY_TEXT_BYTES;

/// Joins what several arguments say, as it does what several columns say.
pub const JOIN: &str = " / ";

impl EvalLog {
    /// The log with every sample in the place that the task's arguments name.
    pub(super) fn placed(mut self, map: &ColumnMap) -> Result<Self, EvalLogError> {
        let cell = self.named("cell", map)?;
        let condition = self.named("condition", map)?;
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

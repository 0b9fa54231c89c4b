//! Inspect's `grouped`: another metric over the samples of each value of a metadata key, and over all.
//!
//! Groups are named as Python writes the value; a value that this program would have to guess the name of leaves the metric
//! not recomputed.
//!
//! Source: <https://github.com/UKGovernmentBEIS/inspect_ai> `src/inspect_ai/scorer/_metrics/grouped.py`

use std::collections::BTreeMap;

use num_rational::BigRational;

use super::inspect_header::{Inner, Metric, plain_text};
use super::inspect_judge::Tally;
use super::inspect_metrics::{Exact, Reduced, Rule};
use crate::artifact::samples::parse_number;
use crate::json::{Kind, Value};

/// What stands for the group in the names that are reported.
const PLACE: &str = "{group_name}";

/// Decimals of a root of which a mean is taken: many more than a float has.
const PLACES: u32 = 40;

/// How the metric of all samples is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum All {
    /// By the metric over them.
    Samples,
    /// By the mean of the groups' metrics.
    Groups,
    /// It is not.
    Nothing,
}

/// A grouped metric.
pub(super) struct Grouped {
    rule: Rule,
    key: String,
    all: All,
    all_label: String,
    /// The names of groups, around the group's own.
    around: (String, String),
}

impl Grouped {
    /// As its parameters say.
    pub(super) fn of(metric: &Metric) -> Result<Self, String> {
        let mut params = metric.params.clone();
        let inner = params
            .remove("metric")
            .and_then(|raw| Inner::parse(&raw))
            .ok_or("it does not say which metric it groups")?;
        let key =
            params.remove("group_key").and_then(|raw| plain_text(&raw)).ok_or("it does not say what it groups by")?;
        let all = match params.remove("all").as_deref() {
            None | Some("\"samples\"") => All::Samples,
            Some("\"groups\"") => All::Groups,
            Some("false") => All::Nothing,
            Some(_) => return Err("it puts its groups together in a way that is not known".to_owned()),
        };
        let mut text = |name: &str, default: &str| {
            params
                .remove(name)
                .map_or(Some(default.to_owned()), |raw| plain_text(&raw))
                .ok_or("one of its names is no text")
        };
        let (all_label, template) = (text("all_label", "all")?, text("name_template", PLACE)?);
        let around = template
            .split_once(PLACE)
            .filter(|(before, after)| !before.contains(['{', '}']) && !after.contains(['{', '}']));
        let (before, after) = around.ok_or("the names of its groups are made in a way that is not known")?;
        if !params.is_empty() {
            return Err("it has parameters".to_owned());
        }
        // An interval has two ends, and a group has one value.
        let rule = Rule::of(&inner.rule, &inner.params, "")?;
        Ok(Self { rule, key, all, all_label, around: (before.to_owned(), after.to_owned()) })
    }

    /// What is reported under that name.
    pub(super) fn over(&self, reduced: &Reduced, name: &str, tally: &Tally) -> Result<Exact, String> {
        let values = tally.clusters.get(&self.key);
        let mut groups: BTreeMap<String, Reduced> = BTreeMap::new();
        for (id, value) in reduced {
            let raw = values.and_then(|values| values.get(id)).ok_or("a sample has no group")?;
            let (before, after) = &self.around;
            let group = format!("{before}{}{after}", python(raw).ok_or("the name of a group is not known")?);
            groups.entry(group).or_default().insert(id.clone(), value.clone());
        }
        if self.all != All::Nothing && name == self.all_label {
            if groups.contains_key(name) {
                return Err("a group is called as all samples are".to_owned());
            }
            if self.all == All::Samples {
                return self.rule.over(reduced, tally);
            }
            let mut sum = BigRational::default();
            for group in groups.values() {
                sum += self.number(group, tally)?;
            }
            return Ok(Exact::Value(sum / BigRational::from_integer(groups.len().into())));
        }
        self.rule.over(groups.get(name).ok_or("no sample is in a group of that name")?, tally)
    }

    /// The metric of a group to so many decimals that no float tells it from the exact one.
    fn number(&self, group: &Reduced, tally: &Tally) -> Result<BigRational, String> {
        match self.rule.over(group, tally)? {
            Exact::Value(value) => Ok(value),
            exact => parse_number(&exact.digits(PLACES)).ok_or_else(|| "the metric of a group is no number".to_owned()),
        }
    }
}

/// A value as Python writes it; nothing for lists, objects and floats that may be written in several ways.
fn python(raw: &str) -> Option<String> {
    let value = Value::parse(raw.as_bytes()).ok()?;
    match value.kind() {
        Kind::Null => Some("None".to_owned()),
        Kind::Bool => Some(if raw == "true" { "True" } else { "False" }.to_owned()),
        Kind::Number => Some(raw.to_owned()).filter(|raw| !raw.contains(['e', 'E'])),
        Kind::Text => value.text().map(|text| text.lossy()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_named_as_python_writes_their_value() {
        let named = [
            ("null", "None"),
            ("true", "True"),
            ("false", "False"),
            ("-3", "-3"),
            ("0.25", "0.25"),
            ("\"a \\u00e4\"", "a ä"),
        ];
        for (raw, name) in named {
            assert_eq!(python(raw).as_deref(), Some(name));
        }
        for raw in ["1e16", "[1]", "{\"a\":1}", "\"cut", ""] {
            assert_eq!(python(raw), None, "{raw}");
        }
    }
}

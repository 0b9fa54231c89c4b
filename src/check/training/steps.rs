//! The training steps of a claim's arms, each once, and what must be alike in all steps of one class.

use std::collections::{BTreeMap, BTreeSet};

use crate::check::arms::{escaped, join, material};
use crate::check::frame::claim_prereg::cited;
use crate::check::material::Trained;
use crate::check::understood::best;
use crate::check::{Case, Finding, Outcome};
use crate::lineage::Stage;
use crate::merkle::EntryIndex;
use crate::statement::Reading;

/// The steps of all arms, by the weights they made, of which there are any; else the finding that a check comes to.
pub(super) fn steps<'c>(
    case: &'c Case<'_>,
    id: &'static str,
) -> Result<&'c BTreeMap<EntryIndex, Trained>, Box<Finding>> {
    let steps = &material(case, id)?.steps;
    if steps.is_empty() {
        return Err(Finding::new(id, Outcome::Unknown, "no training step is on record in any arm").into());
    }
    Ok(steps)
}

/// Different values of one fact that are kept: two are told of already.
const MAX_VALUES: usize = 1000;

/// Facts that all steps of one class must share, unless the protocol says that they were to differ there: each named with
/// its values, of which two are too many where `is_apart` says so.
pub(super) fn unlike(
    case: &Case<'_>,
    id: &'static str,
    steps: &BTreeMap<EntryIndex, Trained>,
    facts: impl Fn(&Reading) -> Vec<(&'static str, String)>,
    is_apart: impl Fn(&BTreeSet<&String>) -> bool,
) -> Option<Finding> {
    let mut seen: BTreeMap<(Stage, &'static str), BTreeMap<String, EntryIndex>> = BTreeMap::new();
    for (weights, step) in steps {
        let Some(reading) = best(case, *weights) else { continue };
        for (name, value) in facts(reading) {
            let values = seen.entry((step.stage, name)).or_default();
            if values.len() < MAX_VALUES {
                values.entry(value).or_insert(*weights);
            }
        }
    }
    let factors = cited(case).map(|protocol| protocol.factors.as_slice());
    let is_declared = |stage: Stage| factors.is_some_and(|factors| factors.iter().any(|factor| factor == stage.name()));
    let mut apart = seen.iter().filter(|(_, values)| values.len() > 1 && is_apart(&values.keys().collect()));
    let ((stage, name), values) = apart.find(|((stage, _), _)| !is_declared(*stage))?;
    let shown: Vec<String> =
        values.iter().take(4).map(|(value, entry)| format!("{} (entry {entry})", escaped(value))).collect();
    let (stage, shown) = (stage.name(), shown.join(", "));
    // Where nobody promised anything, nothing is broken.
    let finding = if factors.is_some() {
        let reason = format!("the {stage} training differs in {name}, which was not to differ: {shown}");
        Finding::new(id, Outcome::Fail, reason)
    } else {
        Finding::new(id, Outcome::Differs, format!("the {stage} training differs in {name}: {shown}"))
    };
    Some(finding.at(values.values().copied()))
}

/// Each step by itself, and all of them side by side.
pub(super) fn with(id: &'static str, alone: Finding, beside: Option<Finding>) -> Finding {
    match beside {
        None => alone,
        Some(beside) => join(id, vec![("each".to_owned(), alone), ("side by side".to_owned(), beside)]),
    }
}

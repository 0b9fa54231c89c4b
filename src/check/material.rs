//! What went into a claim's arms, taken from them once however many checks ask: arms can be large.

use std::collections::{BTreeMap, BTreeSet};

use crate::check::Case;
use crate::lineage::{Distinct, Stage};
use crate::merkle::EntryIndex;
use crate::statement::Kind;

/// One training step.
#[derive(Debug)]
pub(super) struct Trained {
    /// The weights it began with.
    pub(super) parent: Option<EntryIndex>,
    /// Its class.
    pub(super) stage: Stage,
    /// What it was trained on.
    pub(super) data: Vec<EntryIndex>,
}

/// What went into all arms together.
#[derive(Debug, Default)]
pub(super) struct Material {
    inputs: BTreeMap<(Stage, Kind), BTreeSet<EntryIndex>>,
    /// Training steps, by the weights they made.
    pub(super) steps: BTreeMap<EntryIndex, Trained>,
    /// How many different weights stand behind the seeds of an arm, by the arm's label and the class of training.
    pub(super) distinct: Vec<(String, Stage, Distinct)>,
}

impl Material {
    /// Goes over all arms; why not, where one of them is too large.
    pub(super) fn of(case: &Case<'_>) -> Result<Self, String> {
        let mut material = Self::default();
        for (label, _, arm) in case.arms() {
            let arm = arm?;
            for (place, entries) in arm.contents() {
                material.inputs.entry(place).or_default().extend(entries);
            }
            for chain in arm.chains() {
                let mut parent = chain.base;
                for step in &chain.steps {
                    let trained = || Trained { parent, stage: step.stage, data: step.data.clone() };
                    material.steps.entry(step.weights).or_insert_with(trained);
                    parent = Some(step.weights);
                }
            }
            let distinct = arm.distinct_weights().into_iter();
            material.distinct.extend(distinct.map(|(stage, distinct)| (label.to_owned(), stage, distinct)));
        }
        Ok(material)
    }

    /// Entries of these kinds that served steps of one class, or of any.
    pub(super) fn inputs(&self, kinds: &[Kind], stage: Option<Stage>) -> BTreeSet<EntryIndex> {
        let is_asked = |place: &(Stage, Kind)| kinds.contains(&place.1) && stage.is_none_or(|stage| stage == place.0);
        self.inputs.iter().filter(|(place, _)| is_asked(place)).flat_map(|(_, entries)| entries).copied().collect()
    }
}

//! What an arm of a method's name must show: one data file for each method, compiled in.
//!
//! A rival method is recorded and held to its own recipe, by the same means as Model Spec Midtraining to its own. Only a
//! recipe says that a check does not apply to an arm; that something was not recorded never does.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use crate::lineage::stage::{Label, Stage};
use crate::statement::{EdgeType, Kind};

/// The shape of an arm.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// The name, as claims use it.
    pub name: String,
    /// Other names for it.
    pub also: Vec<String>,
    /// The method's full name.
    pub title: String,
    /// What it is, in a sentence or two.
    pub says: String,
    /// Where it was described, or `none`.
    pub source: String,
    /// What the arm must show; steps in their order.
    pub requires: Vec<Requirement>,
    /// What may have no part in it.
    #[serde(default)]
    pub forbids: Vec<Prohibition>,
    /// Checks that do not apply to such an arm, each with the reason.
    #[serde(default)]
    pub not_applicable: BTreeMap<String, String>,
}

/// One thing that an arm must show.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Requirement {
    /// Short id, unique in the recipe.
    pub id: String,
    /// In words, as a statement about the arm.
    pub says: String,
    /// What is looked for.
    pub must: Must,
}

/// What is looked for in each chain.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Must {
    /// It begins with a recorded base model.
    Base,
    /// The evaluated weights are the base model itself.
    Untrained,
    /// There is a step of this class, after the one that the requirement before found.
    Step {
        /// The class.
        stage: Stage,
        /// Its data go back to an entry of one of these kinds; any data where there are none.
        #[serde(default)]
        data_from: Vec<Kind>,
        /// Its run is called so.
        #[serde(default)]
        label: Option<Label>,
    },
    /// Every step is of one of these classes.
    Only {
        /// The classes.
        stages: Vec<Stage>,
    },
    /// No step of this class has data that go back to one of these kinds.
    Free {
        /// The class.
        stage: Stage,
        /// The kinds.
        data_from: Vec<Kind>,
    },
    /// Every entry of a kind in the arm has one of these links to an entry of one of these kinds.
    Links {
        /// The kind.
        of: Kind,
        /// The links.
        edges: Vec<EdgeType>,
        /// Their targets.
        to: Vec<Kind>,
    },
}

/// Something that may have no part in an arm.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prohibition {
    /// Short id, unique in the recipe.
    pub id: String,
    /// In words, as a statement about the arm.
    pub says: String,
    /// Entries of these kinds may have gone into nothing of it, by whatever way.
    pub kinds: Vec<Kind>,
}

/// One file for each method.
const FILES: &[&str] = &[
    include_str!("recipes/msm.toml"),
    include_str!("recipes/msm-aft.toml"),
    include_str!("recipes/aft-only.toml"),
    include_str!("recipes/deliberative-alignment.toml"),
    include_str!("recipes/rlhf.toml"),
    include_str!("recipes/constitutional-ai.toml"),
    include_str!("recipes/instruction-mix-only.toml"),
    include_str!("recipes/untouched.toml"),
];

static ALL: LazyLock<Vec<Recipe>> = LazyLock::new(|| {
    FILES.iter().map(|text| toml::from_str(text).expect("the recipes that ship are read by a test")).collect()
});

impl Recipe {
    /// Every recipe, in a fixed order.
    pub fn all() -> &'static [Self] {
        &ALL
    }

    /// The recipe that a claim means by a name.
    pub fn find(name: &str) -> Option<&'static Self> {
        Self::all().iter().find(|recipe| recipe.name == name || recipe.also.iter().any(|other| other == name))
    }

    /// The names of all recipes.
    pub fn names() -> Vec<&'static str> {
        Self::all().iter().map(|recipe| recipe.name.as_str()).collect()
    }

    /// Why a check does not apply to an arm of this name, where it does not.
    pub fn not_applicable(&self, check: &str) -> Option<&str> {
        self.not_applicable.get(check).map(String::as_str)
    }
}

//! Which class of training a step is: by what its data come down to, and what its name may add.

use serde::{Deserialize, Serialize};

use crate::lineage::graph::{At, Graph, Relation};
use crate::statement::{EdgeType, Kind};

/// The class of a training step, or of what stands at the beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// The weights that an experiment begins with.
    Base,
    /// Training on documents.
    Midtraining,
    /// Training on datasets that are not made of documents.
    Alignment,
    /// Training on both at once.
    Joint,
    /// Training on what was not recorded.
    Unclear,
}

impl Stage {
    /// Every stage, in order.
    pub const ALL: &'static [Self] = &[Self::Base, Self::Midtraining, Self::Alignment, Self::Joint, Self::Unclear];

    /// The name in text.
    pub fn name(self) -> &'static str {
        match self {
            Self::Base => "base",
            Self::Midtraining => "midtraining",
            Self::Alignment => "alignment",
            Self::Joint => "joint",
            Self::Unclear => "unclear",
        }
    }

    pub(super) fn mark(self) -> u8 {
        match self {
            Self::Base => 1,
            Self::Midtraining => 2,
            Self::Alignment => 4,
            Self::Joint => 8,
            Self::Unclear => 16,
        }
    }
}

/// What the name of a stage says of it, as far as the name is one that the field uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Label {
    /// Midtraining.
    Midtraining,
    /// Supervised fine-tuning.
    Supervised,
    /// Instruction tuning.
    Instruction,
    /// Learning from preferences or rewards.
    Preference,
}

/// Names by which labs call a stage, in lower case and without marks between.
const NAMES: &[(&str, Label)] = &[
    ("msm", Label::Midtraining),
    ("midtrain", Label::Midtraining),
    ("midtraining", Label::Midtraining),
    ("modelspecmidtraining", Label::Midtraining),
    ("aft", Label::Supervised),
    ("sft", Label::Supervised),
    ("slcai", Label::Supervised),
    ("alignmentfinetuning", Label::Supervised),
    ("supervisedfinetuning", Label::Supervised),
    ("it", Label::Instruction),
    ("itmix", Label::Instruction),
    ("instruct", Label::Instruction),
    ("instructiontuning", Label::Instruction),
    ("rl", Label::Preference),
    ("rlhf", Label::Preference),
    ("rlaif", Label::Preference),
    ("rlcai", Label::Preference),
    ("ppo", Label::Preference),
    ("grpo", Label::Preference),
    ("dpo", Label::Preference),
    ("preference", Label::Preference),
    ("reinforcement", Label::Preference),
    ("reinforcementlearning", Label::Preference),
];

impl Label {
    /// What a stage's name says, where it is a known one.
    pub fn of(stage: &str) -> Option<Self> {
        let plain: String = stage.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
        NAMES.iter().find(|(name, _)| *name == plain).map(|(_, label)| *label)
    }

    /// The name in text.
    pub fn name(self) -> &'static str {
        match self {
            Self::Midtraining => "midtraining",
            Self::Supervised => "supervised fine-tuning",
            Self::Instruction => "instruction tuning",
            Self::Preference => "learning from preferences or rewards",
        }
    }

    /// True when a step of that class may have the name.
    pub(super) fn fits(self, stage: Stage) -> bool {
        match stage {
            Stage::Midtraining => self == Self::Midtraining,
            Stage::Alignment => self != Self::Midtraining,
            Stage::Base | Stage::Joint | Stage::Unclear => true,
        }
    }
}

/// What training data come down to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Roots {
    documents: bool,
    rows: bool,
    /// Something of it is not recorded, or not here.
    open: bool,
}

impl Roots {
    fn join(self, other: Self) -> Self {
        Self {
            documents: self.documents || other.documents,
            rows: self.rows || other.rows,
            open: self.open || other.open,
        }
    }

    /// The class of a step on data of these roots together.
    pub(super) fn stage(data: impl IntoIterator<Item = Self>) -> Stage {
        let all = data.into_iter().fold(Self::default(), Self::join);
        match (all.open, all.documents, all.rows) {
            (true, _, _) | (false, false, false) => Stage::Unclear,
            (false, true, true) => Stage::Joint,
            (false, true, false) => Stage::Midtraining,
            (false, false, true) => Stage::Alignment,
        }
    }
}

/// The roots of every entry of training data; parents come before what is made from them.
pub(super) fn roots(graph: &Graph<'_>) -> Vec<Roots> {
    let mut all = vec![Roots::default(); graph.nodes().len()];
    for (at, node) in (0..).zip(graph.nodes()) {
        if !node.kind().is_training_data() {
            continue;
        }
        let parents = || graph.inputs(at).into_iter().filter(|arc| graph.get(arc.to).kind().is_training_data());
        let own = match node.kind() {
            Kind::Documents => Roots { documents: true, ..Roots::default() },
            kind => {
                let made = parents().map(|arc| all[arc.to as usize]).fold(Roots::default(), Roots::join);
                let is_root = parents().next().is_none();
                let missing = graph.missing_of(at).any(|missing| may_be_data(missing.relation));
                Roots {
                    rows: made.rows || (is_root && kind == Kind::Dataset),
                    // A mix was put together from something: without a word of it, it may hold anything.
                    open: made.open || missing || (is_root && kind == Kind::Mix),
                    ..made
                }
            }
        };
        all[at as usize] = own;
    }
    all
}

/// True where the target of a link may be training data, as far as the link alone tells.
pub(super) fn may_be_data(relation: Relation) -> bool {
    let Relation::Edge(edge) = relation else { return false };
    matches!(edge, EdgeType::DerivedFrom | EdgeType::MixedInto | EdgeType::TrainedOn | EdgeType::Used)
}

/// The class of a step on these data.
pub(super) fn stage_of(graph: &Graph<'_>, data: &[At]) -> Stage {
    Roots::stage(data.iter().map(|at| graph.roots(*at)))
}

//! What a claim says about two arms or more: the contrast as printed, its interval, and what is asserted of it.

use serde::{Deserialize, Serialize};

use crate::codec::wire_enum;
use crate::digest::Digest;
use crate::statement::claim::{Arm, ClaimedValue};
use crate::statement::rules::{Evaluation, Printed, Stated, at_most};

/// Arms beside the two that are compared: an interaction has two of them.
const MAX_OTHERS: usize = 2;

/// Parts of an assertion: each is an interval of its own, and is adjusted among all that was tried.
const MAX_TERMS: usize = 16;

wire_enum! {
    /// How the arms are put into one number.
    pub enum ContrastKind, "a contrast" {
        /// Subject minus comparator.
        Difference = 0 "difference",
        /// Comparator minus subject: how much lower the subject is.
        Reduction = 1 "reduction",
        /// Subject over comparator.
        Ratio = 2 "ratio",
        /// One minus the ratio.
        RelativeReduction = 3 "relative-reduction",
        /// (Subject - comparator) - (first other arm - second other arm): what the two factors do beyond their sum.
        Interaction = 4 "interaction",
        /// Mean over seeds of in-distribution minus out-of-distribution (higher is aligned), comparator minus subject.
        GeneralizationGap = 5 "generalization-gap",
    }
}

wire_enum! {
    /// What an interval speaks about: what would vary if the study were done again.
    pub enum IntervalTarget, "the target of an interval" {
        /// These checkpoints under these conditions: rollout noise alone.
        Checkpoints = 0 "checkpoints",
        /// New training seeds under these conditions: a claim about a method.
        Seeds = 1 "seeds",
        /// New conditions as well.
        Conditions = 2 "conditions",
    }
}

wire_enum! {
    /// How an interval is computed.
    pub enum IntervalMethod, "an interval method" {
        /// Wilson's score interval of one rate.
        Wilson = 0 "wilson",
        /// The exact interval of one rate.
        ClopperPearson = 1 "clopper-pearson",
        /// Newcombe's hybrid score interval of a difference of two rates.
        Newcombe = 2 "newcombe",
        /// The score interval of a difference or ratio of two rates.
        MiettinenNurminen = 3 "miettinen-nurminen",
        /// Student's t over seeds.
        T = 4 "t",
        /// Welch's t over seeds of two arms.
        Welch = 5 "welch",
        /// Student's t over the differences of paired seeds.
        PairedT = 6 "paired-t",
        /// Fieller's interval of a ratio of two means.
        Fieller = 7 "fieller",
        /// Normal interval with the rollout variance of each seed and condition by itself.
        Stratified = 8 "stratified",
        /// Student's t with the scatter of seeds and that of clusters of conditions in its error.
        CrossedT = 9 "crossed-t",
        /// Percentiles of seeds and clusters of conditions drawn anew, the clusters for all arms together.
        CrossedResampling = 10 "crossed-resampling",
    }
}

wire_enum! {
    /// On how many sides an interval is bounded.
    pub enum Sides, "the sides of an interval" {
        /// On the side that matters for the direction asserted.
        One = 1 "one",
        /// On both.
        Two = 2 "two",
    }
}

wire_enum! {
    /// What makes an observation of one arm the partner of one of another.
    pub enum Pairing, "a pairing" {
        /// The training seed, where it fixes something that both arms share.
        Seed = 0 "seed",
    }
}

/// How an interval is to be computed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IntervalRule {
    /// What would vary.
    pub target: IntervalTarget,
    /// By which method.
    pub method: IntervalMethod,
    /// Confidence in percent, as printed: `95%`.
    pub level: String,
    /// On how many sides.
    pub sides: Sides,
}

/// An interval as printed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClaimedInterval {
    /// How it was computed.
    pub rule: IntervalRule,
    /// Lower bound.
    pub low: Stated<Printed>,
    /// Upper bound.
    pub high: Stated<Printed>,
}

/// An arm beside the two that are compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OtherArm {
    /// The arm.
    pub arm: Arm,
    /// Its printed value.
    pub value: ClaimedValue,
}

/// The in-distribution side of a generalization gap; the claim's own `eval` and inputs are the other side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InDistribution {
    /// What was evaluated, and how often.
    pub eval: Evaluation,
    /// Those of the claim's inputs that are in distribution.
    pub inputs: Vec<Digest>,
}

/// A comparison of arms as printed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contrast {
    /// Which.
    pub kind: ContrastKind,
    /// The number.
    pub value: Printed,
    /// What pairs the arms' seeds, if anything does.
    pub pairing: Stated<Pairing>,
    /// Its interval.
    pub interval: Stated<ClaimedInterval>,
    /// For an interaction: the two arms without the subject's second factor, treated first.
    #[serde(deserialize_with = "at_most::<MAX_OTHERS, _, _>")]
    pub others: Vec<OtherArm>,
    /// For a generalization gap.
    pub in_distribution: Stated<InDistribution>,
}

wire_enum! {
    /// What an assertion is about.
    pub enum Quantity, "an asserted quantity" {
        /// The subject's rate.
        Subject = 0 "subject",
        /// The comparator's rate.
        Comparator = 1 "comparator",
        /// The contrast.
        Contrast = 2 "contrast",
    }
}

wire_enum! {
    /// On which side of its bound a quantity is asserted to lie.
    pub enum Relation, "a relation" {
        /// At most the bound.
        AtMost = 0 "at-most",
        /// At least the bound.
        AtLeast = 1 "at-least",
        /// No further from 0 than the bound, either way: the arms are equivalent.
        Within = 2 "within",
    }
}

/// One part of an assertion: the interval of the quantity lies on this side of the bound.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Term {
    /// Of what.
    pub of: Quantity,
    /// On which side.
    pub is: Relation,
    /// The bound, as printed: `10%`.
    pub bound: String,
    /// The interval that must lie there as a whole.
    pub by: IntervalRule,
}

/// What is asserted: all of its terms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assertion {
    /// At least one.
    #[serde(deserialize_with = "at_most::<MAX_TERMS, _, _>")]
    pub terms: Vec<Term>,
}

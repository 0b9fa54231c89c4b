//! The arms of a claim for programs and for people: chains, repetitions, recipe, and where the two sides differ.

use std::fmt::Write as _;

use serde::Serialize;

use crate::lineage::{
    Answer, Arm, ArmError, Chain, Difference, Flaw, Graph, KindMatch, Named, Part, RecipeMatch, Replica, Sides, Slot,
};
use crate::merkle::EntryIndex;
use crate::report::Shown;
use crate::statement::{self, Claim, Stated};

/// The arms of a claim.
#[derive(Debug, Serialize)]
pub struct ArmsReport {
    arms: Vec<ArmRow>,
    /// Logs that are on neither side.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unclear_logs: Vec<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    difference: Option<DifferenceRow>,
}

#[derive(Debug, Serialize)]
struct ArmRow {
    side: &'static str,
    arm: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
    whole: bool,
    logs: Vec<LogRow>,
    chains: Vec<ChainRow>,
    flaws: Vec<FlawRow>,
    distinct: Vec<DistinctRow>,
    identical: Vec<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recipe: Option<RecipeRow>,
    /// The names that have a recipe, where the arm's has none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    known_recipes: Vec<&'static str>,
}

#[derive(Debug, Serialize)]
struct LogRow {
    log: u64,
    replica: String,
    weights: u64,
}

#[derive(Debug, Serialize)]
struct ChainRow {
    weights: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    base: Option<u64>,
    steps: Vec<StepRow>,
}

#[derive(Debug, Serialize)]
struct StepRow {
    weights: u64,
    stage: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    named: Option<&'static str>,
    data: Vec<u64>,
    others: Vec<u64>,
    runs: Vec<u64>,
}

#[derive(Debug, Serialize)]
struct FlawRow {
    reason: String,
    contradicts: bool,
    entries: Vec<u64>,
}

#[derive(Debug, Serialize)]
struct DistinctRow {
    stage: &'static str,
    part: &'static str,
    n: usize,
    of: usize,
}

#[derive(Debug, Serialize)]
struct RecipeRow {
    name: &'static str,
    title: &'static str,
    answer: &'static str,
    requirements: Vec<RequirementRow>,
}

#[derive(Debug, Serialize)]
struct RequirementRow {
    id: &'static str,
    says: &'static str,
    answer: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    entries: Vec<u64>,
}

#[derive(Debug, Serialize)]
struct DifferenceRow {
    slots: Vec<SlotRow>,
    same_weights: Vec<u64>,
}

#[derive(Debug, Serialize)]
struct SlotRow {
    stage: &'static str,
    part: &'static str,
    shared: Vec<u64>,
    only_subject: Vec<u64>,
    only_comparator: Vec<u64>,
}

impl ArmsReport {
    /// The arms of the claim at `index`, over a graph that holds all it rests on.
    pub fn of<'g>(graph: &'g Graph<'g>, index: EntryIndex, claim: &Claim) -> Result<Self, ArmError> {
        let comparator = claim.comparator.value();
        let sides = Sides::of(graph, index, named(&claim.subject), comparator.map(named));
        let subject = Arm::of(graph, sides.subject.iter().copied())?;
        let mut arms = vec![arm_row("subject", &claim.subject, &subject)];
        let mut difference = None;
        if let Some(named) = comparator {
            let other = Arm::of(graph, sides.comparator.iter().copied())?;
            arms.push(arm_row("comparator", named, &other));
            difference = Some(difference_row(&Difference::between(&subject, &other)));
        }
        Ok(Self { arms, unclear_logs: numbers(&sides.unclear), difference })
    }

    /// A few lines for people.
    pub fn to_text(&self) -> String {
        let mut out = String::new();
        let mut put = |line: String| writeln!(out, "{line}").expect("writing to a String cannot fail");
        for arm in &self.arms {
            let called =
                arm.kind.as_deref().map_or("of no kind".to_owned(), |kind| format!("called \"{}\"", Shown(kind)));
            let held = match &arm.recipe {
                Some(recipe) => format!("{}: {}", recipe.title, recipe.answer),
                None if arm.kind.is_some() => {
                    format!("no recipe has that name; known: {}", arm.known_recipes.join(", "))
                }
                None => "held to no recipe".to_owned(),
            };
            put(format!("{} arm \"{}\", {called}: {held}", arm.side, Shown(&arm.arm)));
            let open = arm.recipe.iter().flat_map(|recipe| &recipe.requirements);
            for requirement in open.filter(|requirement| requirement.reason.is_some()) {
                let reason = requirement.reason.as_deref().unwrap_or_default();
                put(format!("  {}: {}: {reason}", requirement.answer, requirement.says));
            }
            let n: Vec<String> = arm
                .distinct
                .iter()
                .filter(|row| row.part == WEIGHTS)
                .map(|row| format!("{} of {} ({})", row.n, row.of, row.stage))
                .collect();
            if !n.is_empty() {
                put(format!("  distinct weights: {}", n.join(", ")));
            }
        }
        if !self.unclear_logs.is_empty() {
            let logs: Vec<String> = self.unclear_logs.iter().map(|log| format!("#{log}")).collect();
            put(format!("on neither side: {}", logs.join(", ")));
        }
        if let Some(difference) = &self.difference {
            let differs =
                difference.slots.iter().filter(|row| !row.only_subject.is_empty() || !row.only_comparator.is_empty());
            let slots: Vec<String> = differs.map(|row| format!("{} {}", row.stage, row.part)).collect();
            put(format!(
                "the arms differ in: {}",
                if slots.is_empty() { "nothing".to_owned() } else { slots.join(", ") }
            ));
        }
        out
    }
}

/// The part of a slot that is weights on the way.
const WEIGHTS: &str = "weights";

fn named(arm: &statement::Arm) -> Named<'_> {
    Named { arm: &arm.arm, checkpoints: &arm.checkpoints }
}

fn numbers<'e>(entries: impl IntoIterator<Item = &'e EntryIndex>) -> Vec<u64> {
    entries.into_iter().map(|index| index.0).collect()
}

fn replica(replica: Replica) -> String {
    match replica {
        Replica::Seed(seed) => format!("seed {seed}"),
        Replica::Weights(weights) => format!("weights #{weights}"),
    }
}

fn place(slot: Slot) -> (&'static str, &'static str) {
    let part = match slot.part {
        Part::Weights => WEIGHTS,
        Part::Input(kind) => kind.name(),
    };
    (slot.stage.name(), part)
}

fn arm_row(side: &'static str, named: &statement::Arm, arm: &Arm<'_>) -> ArmRow {
    let kind = match &named.kind {
        Stated::None => None,
        Stated::Is(kind) => Some(kind.clone()),
    };
    let (recipe, known_recipes) = match KindMatch::of(arm, kind.as_deref()) {
        KindMatch::Recipe(held) => (Some(recipe_row(&held)), Vec::new()),
        KindMatch::Unnamed => (None, Vec::new()),
        KindMatch::Unknown { known } => (None, known),
    };
    let distinct = arm.distinct().into_iter().map(|(slot, distinct)| {
        let (stage, part) = place(slot);
        DistinctRow { stage, part, n: distinct.n, of: distinct.of }
    });
    let logs = arm.members().iter().map(|member| LogRow {
        log: member.log.0,
        replica: replica(member.replica),
        weights: arm.chains()[member.chain].weights.0,
    });
    ArmRow {
        side,
        arm: named.arm.clone(),
        kind,
        whole: arm.is_whole(),
        logs: logs.collect(),
        chains: arm.chains().iter().map(chain_row).collect(),
        flaws: arm.flaws().iter().map(flaw_row).collect(),
        distinct: distinct.collect(),
        identical: arm.identical().into_iter().map(|group| group.into_iter().map(replica).collect()).collect(),
        recipe,
        known_recipes,
    }
}

fn chain_row(chain: &Chain) -> ChainRow {
    let steps = chain.steps.iter().map(|step| StepRow {
        weights: step.weights.0,
        stage: step.stage.name(),
        named: step.label.map(crate::lineage::Label::name),
        data: numbers(&step.data),
        others: numbers(&step.others),
        runs: numbers(&step.runs),
    });
    ChainRow { weights: chain.weights.0, base: chain.base.map(|base| base.0), steps: steps.collect() }
}

fn flaw_row(flaw: &Flaw) -> FlawRow {
    FlawRow { reason: flaw.to_string(), contradicts: flaw.contradicts(), entries: numbers(&flaw.entries()) }
}

fn recipe_row(held: &RecipeMatch) -> RecipeRow {
    let requirements = held.matched.iter().map(|matched| RequirementRow {
        id: matched.id,
        says: matched.says,
        answer: matched.answer.name(),
        reason: matched.answer.reason().map(str::to_owned),
        entries: numbers(matched.answer.by()),
    });
    let answer: Answer = held.answer();
    RecipeRow {
        name: &held.recipe.name,
        title: &held.recipe.title,
        answer: answer.name(),
        requirements: requirements.collect(),
    }
}

fn difference_row(difference: &Difference) -> DifferenceRow {
    let slots = difference.slots.iter().map(|slot| {
        let (stage, part) = place(slot.slot);
        SlotRow {
            stage,
            part,
            shared: numbers(&slot.shared),
            only_subject: numbers(&slot.only_first),
            only_comparator: numbers(&slot.only_second),
        }
    });
    DifferenceRow { slots: slots.collect(), same_weights: numbers(&difference.same_weights) }
}

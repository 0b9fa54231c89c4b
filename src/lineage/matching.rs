//! Holds an arm to the recipe of its name: each requirement met, contradicted, or not shown.

use std::collections::BTreeSet;

use crate::lineage::arm::Arm;
use crate::lineage::chain::{Chain, Flaw, Step};
use crate::lineage::graph::{At, Graph, Relation};
use crate::lineage::recipe::{Must, Prohibition, Recipe};
use crate::lineage::stage::{Label, Stage};
use crate::merkle::EntryIndex;
use crate::statement::{EdgeType, Kind};

/// What the record says to a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Yes.
    Met {
        /// The entries that show it; none where it is that nothing was found.
        by: Vec<EntryIndex>,
    },
    /// No.
    Contradicted {
        /// The entries that speak against it.
        by: Vec<EntryIndex>,
        /// How.
        reason: String,
    },
    /// It cannot be told.
    NotShown {
        /// The entries that would have to show it.
        by: Vec<EntryIndex>,
        /// What is missing.
        reason: String,
    },
}

impl Answer {
    /// The entries it rests on.
    pub fn by(&self) -> &[EntryIndex] {
        match self {
            Self::Met { by } | Self::Contradicted { by, .. } | Self::NotShown { by, .. } => by,
        }
    }

    /// Why not, where it is not met.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Met { .. } => None,
            Self::Contradicted { reason, .. } | Self::NotShown { reason, .. } => Some(reason),
        }
    }

    /// `met`, `contradicted` or `not shown`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Met { .. } => "met",
            Self::Contradicted { .. } => "contradicted",
            Self::NotShown { .. } => "not shown",
        }
    }

    /// Both together: what contradicts wins, what is not shown comes next.
    fn and(self, other: Self) -> Self {
        let join = |left: Vec<EntryIndex>, right: Vec<EntryIndex>| {
            left.into_iter().chain(right).collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>()
        };
        match (self, other) {
            (Self::Contradicted { by, reason }, Self::Contradicted { by: more, .. }) => {
                Self::Contradicted { by: join(by, more), reason }
            }
            (Self::NotShown { by, reason }, Self::NotShown { by: more, .. }) => {
                Self::NotShown { by: join(by, more), reason }
            }
            (Self::Met { by }, Self::Met { by: more }) => Self::Met { by: join(by, more) },
            (left, right) => {
                if left.rank() >= right.rank() {
                    left
                } else {
                    right
                }
            }
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Met { .. } => 0,
            Self::NotShown { .. } => 1,
            Self::Contradicted { .. } => 2,
        }
    }
}

/// One requirement of a recipe with its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matched {
    /// The requirement's id, or that of what is forbidden.
    pub id: &'static str,
    /// In words.
    pub says: &'static str,
    /// What the record says.
    pub answer: Answer,
}

/// An arm held to a recipe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecipeMatch {
    /// The recipe.
    pub recipe: &'static Recipe,
    /// Its requirements in order, then what it forbids.
    pub matched: Vec<Matched>,
}

impl RecipeMatch {
    /// All of it together.
    pub fn answer(&self) -> Answer {
        let answers = self.matched.iter().map(|matched| matched.answer.clone());
        answers.reduce(Answer::and).unwrap_or(Answer::Met { by: Vec::new() })
    }
}

/// An arm held to what a claim calls it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KindMatch {
    /// The name has a recipe.
    Recipe(RecipeMatch),
    /// The claim gives it no name.
    Unnamed,
    /// No recipe has that name.
    Unknown {
        /// The names that have one.
        known: Vec<&'static str>,
    },
}

impl KindMatch {
    /// Holds an arm to its name in a claim.
    pub fn of(arm: &Arm<'_>, name: Option<&str>) -> Self {
        match name.map(Recipe::find) {
            None => Self::Unnamed,
            Some(None) => Self::Unknown { known: Recipe::names() },
            Some(Some(recipe)) => Self::Recipe(recipe.hold(arm)),
        }
    }
}

impl Recipe {
    /// Holds an arm to this recipe.
    pub fn hold(&'static self, arm: &Arm<'_>) -> RecipeMatch {
        let mut matched = vec![Matched {
            id: "path",
            says: "the weights are one path from base to evaluation, and the record of it agrees with itself",
            answer: path(arm),
        }];
        // For each chain, where the next step is looked for.
        let mut from = vec![0; arm.chains().len()];
        for requirement in &self.requires {
            let answer = hold(arm, &requirement.must, &mut from);
            matched.push(Matched { id: &requirement.id, says: &requirement.says, answer });
        }
        for forbidden in &self.forbids {
            matched.push(Matched { id: &forbidden.id, says: &forbidden.says, answer: absent(arm, forbidden) });
        }
        RecipeMatch { recipe: self, matched }
    }
}

fn path(arm: &Arm<'_>) -> Answer {
    let against: Vec<&Flaw> = arm.flaws().iter().filter(|flaw| flaw.contradicts()).collect();
    let entries = |flaws: &[&Flaw]| {
        flaws.iter().flat_map(|flaw| flaw.entries()).collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>()
    };
    if let Some(first) = against.first() {
        return Answer::Contradicted { by: entries(&against), reason: first.to_string() };
    }
    if let Some(first) = arm.flaws().first() {
        let flaws: Vec<&Flaw> = arm.flaws().iter().collect();
        return Answer::NotShown { by: entries(&flaws), reason: first.to_string() };
    }
    if arm.chains().is_empty() {
        return nothing();
    }
    Answer::Met { by: arm.chains().iter().flat_map(Chain::path).collect::<BTreeSet<_>>().into_iter().collect() }
}

fn nothing() -> Answer {
    Answer::NotShown { by: Vec::new(), reason: "no evaluated weights are recorded".to_owned() }
}

fn hold(arm: &Arm<'_>, must: &Must, from: &mut [usize]) -> Answer {
    let chains = || arm.chains().iter();
    let answers: Vec<Answer> = match must {
        Must::Base => chains().map(base).collect(),
        Must::Untrained => chains().map(untrained).collect(),
        Must::Only { stages } => chains().map(|chain| only(chain, stages)).collect(),
        Must::Step { stage, data_from, label } => {
            let reaches = (!data_from.is_empty()).then(|| reaching(arm.graph, data_from));
            let wanted = Wanted { stage: *stage, label: *label, reaches };
            chains().zip(from).map(|(chain, from)| wanted.step(arm.graph, chain, from)).collect()
        }
        Must::Free { stage, data_from } => {
            let reaches = reaching(arm.graph, data_from);
            chains().map(|chain| free(arm.graph, chain, *stage, &reaches)).collect()
        }
        Must::Links { of, edges, to } => return links(arm, *of, edges, to),
    };
    answers.into_iter().reduce(Answer::and).unwrap_or_else(nothing)
}

fn base(chain: &Chain) -> Answer {
    if let Some(base) = chain.base {
        return Answer::Met { by: vec![base] };
    }
    let by = chain.steps.first().map_or(chain.weights, |step| step.weights);
    Answer::NotShown { by: vec![by], reason: format!("#{by} does not lead back to a recorded base model") }
}

fn untrained(chain: &Chain) -> Answer {
    match (chain.steps.first(), chain.base) {
        (None, Some(base)) => Answer::Met { by: vec![base] },
        (_, _) => Answer::Contradicted {
            by: vec![chain.weights],
            reason: format!("#{} was trained by the experiment", chain.weights),
        },
    }
}

fn only(chain: &Chain, stages: &[Stage]) -> Answer {
    let other = |step: &&Step| step.stage != Stage::Unclear && !stages.contains(&step.stage);
    let weights = |steps: Vec<&Step>| steps.iter().map(|step| step.weights).collect::<Vec<_>>();
    let others: Vec<&Step> = chain.steps.iter().filter(other).collect();
    if let Some(first) = others.first() {
        let reason = format!("#{} was made by {} training", first.weights, first.stage.name());
        return Answer::Contradicted { by: weights(others), reason };
    }
    let unclear: Vec<&Step> = chain.steps.iter().filter(|step| step.stage == Stage::Unclear).collect();
    if let Some(first) = unclear.first() {
        let reason = format!("the record does not show what #{} was trained on", first.weights);
        return Answer::NotShown { by: weights(unclear), reason };
    }
    if chain.base.is_none() {
        return base(chain);
    }
    Answer::Met { by: weights(chain.steps.iter().collect()) }
}

/// A step that is looked for.
struct Wanted {
    stage: Stage,
    label: Option<Label>,
    /// Entries that go back to what its data must come from; `None` where any data will do.
    reaches: Option<Vec<bool>>,
}

impl Wanted {
    fn step(&self, graph: &Graph<'_>, chain: &Chain, from: &mut usize) -> Answer {
        let of_stage: Vec<usize> =
            (0..chain.steps.len()).filter(|number| chain.steps[*number].stage == self.stage).collect();
        let later: Vec<usize> = of_stage.iter().copied().filter(|number| number >= from).collect();
        let stage = self.stage.name();
        let fits = |number: &usize| {
            let step = &chain.steps[*number];
            self.label.is_none_or(|label| step.label == Some(label)) && self.goes_back(graph, step)
        };
        if let Some(number) = later.iter().copied().find(fits) {
            *from = number + 1;
            let step = &chain.steps[number];
            return Answer::Met { by: [step.data.as_slice(), &[step.weights]].concat() };
        }
        let weights = |numbers: &[usize]| numbers.iter().map(|number| chain.steps[*number].weights).collect::<Vec<_>>();
        if later.is_empty() {
            // A chain with nothing missing shows all its steps: what is not among them was not done.
            if chain.is_whole() && of_stage.is_empty() {
                let by = if chain.steps.is_empty() { vec![chain.weights] } else { chain.path().skip(1).collect() };
                return Answer::Contradicted {
                    by,
                    reason: format!("no step towards #{} is {stage} training", chain.weights),
                };
            }
            if chain.is_whole() {
                let reason =
                    format!("the {stage} training of #{} does not come after the step before it", chain.weights);
                return Answer::Contradicted { by: weights(&of_stage), reason };
            }
            return Answer::NotShown {
                by: vec![chain.weights],
                reason: format!("the record of #{} does not show {stage} training, and is not whole", chain.weights),
            };
        }
        let by = weights(&later);
        if let Some(label) = self.label {
            let all_other = later.iter().all(|number| chain.steps[*number].label.is_some_and(|other| other != label));
            let reason = format!("no later run of #{} is named for {}", chain.weights, label.name());
            return if all_other { Answer::Contradicted { by, reason } } else { Answer::NotShown { by, reason } };
        }
        Answer::NotShown { by, reason: "the record does not say what the data were made from".to_owned() }
    }

    fn goes_back(&self, graph: &Graph<'_>, step: &Step) -> bool {
        let Some(reaches) = &self.reaches else { return true };
        step.data.iter().filter_map(|index| graph.at(*index)).any(|at| reaches[at as usize])
    }
}

fn free(graph: &Graph<'_>, chain: &Chain, stage: Stage, reaches: &[bool]) -> Answer {
    let steps = chain.steps.iter().filter(|step| step.stage == stage);
    let data: Vec<(EntryIndex, At)> =
        steps.flat_map(|step| &step.data).filter_map(|index| Some((*index, graph.at(*index)?))).collect();
    let found: Vec<EntryIndex> = data.iter().filter(|(_, at)| reaches[*at as usize]).map(|(index, _)| *index).collect();
    if let Some(first) = found.first() {
        let reason = format!("#{first}, on which it was trained, goes back to what may have no part in it");
        return Answer::Contradicted { by: found, reason };
    }
    if !chain.is_whole() {
        return Answer::NotShown {
            by: vec![chain.weights],
            reason: format!("the record of #{} is not whole", chain.weights),
        };
    }
    Answer::Met { by: data.into_iter().map(|(index, _)| index).collect() }
}

fn links(arm: &Arm<'_>, of: Kind, edges: &[EdgeType], to: &[Kind]) -> Answer {
    let graph = arm.graph;
    let shows = |index: &EntryIndex| {
        graph.links(*index).any(|(relation, target)| {
            let Relation::Edge(edge) = relation else { return false };
            edges.contains(&edge) && graph.node(target).is_some_and(|node| to.contains(&node.kind()))
        })
    };
    let (with, without): (Vec<_>, Vec<_>) = arm.inputs(of, None).into_iter().partition(shows);
    match without.first() {
        None => Answer::Met { by: with },
        Some(first) => {
            let reason = format!("{of} #{first} does not say what it was made from");
            Answer::NotShown { by: without, reason }
        }
    }
}

fn absent(arm: &Arm<'_>, forbidden: &Prohibition) -> Answer {
    let found: BTreeSet<EntryIndex> = forbidden.kinds.iter().flat_map(|kind| arm.inputs(*kind, None)).collect();
    if let Some(first) = found.first() {
        let kind = arm.graph.node(*first).map_or("", |node| node.kind().name());
        let reason = format!("{kind} #{first} went into it");
        return Answer::Contradicted { by: found.into_iter().collect(), reason };
    }
    let open = arm.open_ends();
    if !arm.is_whole() || !open.is_empty() {
        return Answer::NotShown { by: open, reason: "the record of the arm is not whole".to_owned() };
    }
    Answer::Met { by: Vec::new() }
}

/// For each entry, whether it goes back to one of these kinds, not counting what went into other weights on the way.
fn reaching(graph: &Graph<'_>, kinds: &[Kind]) -> Vec<bool> {
    let mut reaches = vec![false; graph.nodes().len()];
    for (at, node) in (0..).zip(graph.nodes()) {
        let is_open = !node.kind().is_weights();
        let mut targets = graph.arcs(at).iter().filter(|arc| arc.relation.is_origin());
        reaches[at as usize] = kinds.contains(&node.kind()) || (is_open && targets.any(|arc| reaches[arc.to as usize]));
    }
    reaches
}

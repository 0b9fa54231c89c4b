//! One side of a claim: the chains of the weights it evaluates, seed by seed, and everything they were made from.

use std::collections::{BTreeMap, BTreeSet};

use crate::digest::Digest;
use crate::lineage::chain::{Chain, Flaw, other_runs};
use crate::lineage::graph::{At, Graph, Relation};
use crate::lineage::matching::Answer;
use crate::lineage::stage::Stage;
use crate::merkle::EntryIndex;
use crate::statement::{EdgeType, Kind};
use crate::verify::LinkTarget as _;

/// Entries that are followed for one arm, each once for every chain: four seeds of a million entries, or a thousand of four
/// thousand. It bounds time and memory for whatever a file holds.
pub const MAX_REACH: usize = 1 << 22;

/// Training steps of all chains of an arm, where there are several: each costs as much memory as dozens of entries.
const MAX_STEPS: usize = 1 << 18;

/// Why there is no arm.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArmError {
    /// Too much to follow.
    #[error("the arm's weights were made from more than {MAX_REACH} entries, counted for each seed")]
    TooLarge,
    /// Too many steps to keep.
    #[error("the arm's seeds have more than {MAX_STEPS} training steps together")]
    ManySteps,
}

/// What counts as one repetition of an arm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Replica {
    /// A seed, as the log or its weights are labelled.
    Seed(u64),
    /// Weights without such a label.
    Weights(EntryIndex),
}

/// One log of an arm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member {
    /// The log.
    pub log: EntryIndex,
    /// The repetition it belongs to.
    pub replica: Replica,
    /// Its weights' chain in [`Arm::chains`].
    pub chain: usize,
}

/// What something is in an arm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// Weights on the way from base to evaluation.
    Weights,
    /// What went into a step, or into that: an entry of this kind.
    Input(Kind),
}

/// Where in an arm something stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot {
    /// The class of the step it serves.
    pub stage: Stage,
    /// As what.
    pub part: Part,
}

/// How many different things stand in one slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Distinct {
    /// Different sets of things over the repetitions: the n of that stage.
    pub n: usize,
    /// Repetitions that have anything there.
    pub of: usize,
}

/// One side of a claim.
#[derive(Debug)]
pub struct Arm<'g> {
    pub(super) graph: &'g Graph<'g>,
    members: Vec<Member>,
    chains: Vec<Chain>,
    /// For each chain, what its steps were made from, with the marks of their stages.
    reached: Vec<Vec<(At, u8)>>,
    flaws: Vec<Flaw>,
}

impl<'g> Arm<'g> {
    /// The arm of these evaluation logs, in whatever order they are named.
    pub fn of(graph: &'g Graph<'g>, logs: impl IntoIterator<Item = EntryIndex>) -> Result<Self, ArmError> {
        Self::within(graph, logs, MAX_REACH)
    }

    pub(super) fn within(
        graph: &'g Graph<'g>,
        logs: impl IntoIterator<Item = EntryIndex>,
        mut budget: usize,
    ) -> Result<Self, ArmError> {
        let logs: BTreeSet<EntryIndex> = logs.into_iter().collect();
        let mut arm = Self { graph, members: Vec::new(), chains: Vec::new(), reached: Vec::new(), flaws: Vec::new() };
        let mut evaluated: BTreeMap<EntryIndex, Vec<EntryIndex>> = BTreeMap::new();
        for log in logs {
            for weights in arm.weights_of(log) {
                evaluated.entry(weights).or_default().push(log);
            }
        }
        let (mut scratch, mut steps) = (Vec::new(), 0_usize);
        for (weights, logs) in evaluated {
            let Some(chain) = Chain::within(graph, weights, &mut budget) else { continue };
            steps += chain.steps.len();
            if !arm.chains.is_empty() && steps > MAX_STEPS {
                return Err(ArmError::ManySteps);
            }
            let reached = graph.spread(starts(graph, &chain), &mut scratch, budget).ok_or(ArmError::TooLarge)?;
            budget = budget.checked_sub(reached.len()).filter(|left| *left > 0).ok_or(ArmError::TooLarge)?;
            let number = arm.chains.len();
            arm.members.extend(logs.into_iter().map(|log| Member {
                log,
                replica: replica(graph, log, weights),
                chain: number,
            }));
            arm.chains.push(chain);
            arm.reached.push(reached);
        }
        arm.members.sort_by_key(|member| (member.replica, member.log, member.chain));
        arm.flaws.extend(arm.chains.iter().flat_map(|chain| chain.flaws.iter().cloned()));
        arm.flaws.sort();
        arm.flaws.dedup();
        Ok(arm)
    }

    fn weights_of(&mut self, log: EntryIndex) -> Vec<EntryIndex> {
        let links = self.graph.links(log).filter(|(relation, _)| *relation == Relation::Edge(EdgeType::Evaluates));
        let weights: Vec<EntryIndex> = links.map(|(_, weights)| weights).collect();
        let missing = self.graph.at(log).into_iter().flat_map(|at| self.graph.missing_of(at));
        let missing = missing.filter(|missing| missing.relation == Relation::Edge(EdgeType::Evaluates));
        self.flaws.extend(missing.map(|missing| Flaw::Missing { entry: log, target: missing.target }));
        self.flaws.extend(self.graph.at(log).into_iter().flat_map(|at| other_runs(self.graph, at)));
        match weights.as_slice() {
            [] => self.flaws.push(Flaw::NoWeights { log }),
            [_] => {}
            _ => self.flaws.push(Flaw::SeveralWeights { log, weights: weights.clone() }),
        }
        weights
    }

    /// Its logs with the repetition each belongs to, by repetition.
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// The chains of its evaluated weights, by the weights' index.
    pub fn chains(&self) -> &[Chain] {
        &self.chains
    }

    /// What keeps it from being whole, or speaks against it.
    pub fn flaws(&self) -> &[Flaw] {
        &self.flaws
    }

    /// True when every chain runs from a base model to a log and nothing is missing.
    pub fn is_whole(&self) -> bool {
        !self.chains.is_empty() && self.flaws.is_empty() && self.chains.iter().all(Chain::is_whole)
    }

    /// Its repetitions: seeds as they are labelled, weights where they are not.
    pub fn replicas(&self) -> BTreeSet<Replica> {
        self.members.iter().map(|member| member.replica).collect()
    }

    /// How many different things stand in each slot, over the repetitions. The n of a stage is the number here, and not
    /// the number of seeds: four alignment runs on one midtrained checkpoint are one midtraining.
    pub fn distinct(&self) -> BTreeMap<Slot, Distinct> {
        let mut found: Vec<(Slot, usize, At)> = Vec::new();
        for (chain, replica) in self.repetitions() {
            self.each(chain, |slot, at| found.push((slot, replica, self.graph.same(at))));
        }
        Self::count_distinct(found)
    }

    /// The same of the weights alone, class by class.
    pub fn distinct_weights(&self) -> BTreeMap<Stage, Distinct> {
        let mut found: Vec<(Slot, usize, At)> = Vec::new();
        for (chain, replica) in self.repetitions() {
            let steps = self.chains[chain].steps.iter();
            found.extend(steps.filter_map(|step| {
                let slot = Slot { stage: step.stage, part: Part::Weights };
                Some((slot, replica, self.graph.same(self.graph.at(step.weights)?)))
            }));
        }
        Self::count_distinct(found).into_iter().map(|(slot, distinct)| (slot.stage, distinct)).collect()
    }

    /// Each chain with the number of a repetition that it belongs to.
    fn repetitions(&self) -> BTreeSet<(usize, usize)> {
        let numbers: BTreeMap<Replica, usize> =
            self.replicas().into_iter().enumerate().map(|(number, replica)| (replica, number)).collect();
        self.members.iter().map(|member| (member.chain, numbers[&member.replica])).collect()
    }

    fn count_distinct(mut found: Vec<(Slot, usize, At)>) -> BTreeMap<Slot, Distinct> {
        found.sort_unstable();
        found.dedup();
        let mut distinct = BTreeMap::new();
        for of_slot in found.chunk_by(|left, right| left.0 == right.0) {
            let sets: Vec<Vec<At>> = of_slot
                .chunk_by(|left, right| left.1 == right.1)
                .map(|of_replica| of_replica.iter().map(|(_, _, at)| *at).collect())
                .collect();
            let of = sets.len();
            let n = sets.into_iter().collect::<BTreeSet<_>>().len();
            distinct.insert(of_slot[0].0, Distinct { n, of });
        }
        distinct
    }

    /// Repetitions that evaluate the same weights by digest, in groups of two and more: one seed under several names.
    pub fn identical(&self) -> Vec<Vec<Replica>> {
        let mut groups: BTreeMap<At, BTreeSet<Replica>> = BTreeMap::new();
        for member in &self.members {
            if let Some(at) = self.graph.at(self.chains[member.chain].weights) {
                groups.entry(self.graph.same(at)).or_default().insert(member.replica);
            }
        }
        groups.into_values().filter(|group| group.len() > 1).map(|group| group.into_iter().collect()).collect()
    }

    /// Everything that went into its chains, by the class of the step it served and by its kind; gone over once.
    pub fn contents(&self) -> BTreeMap<(Stage, Kind), BTreeSet<EntryIndex>> {
        let mut contents: BTreeMap<(Stage, Kind), BTreeSet<EntryIndex>> = BTreeMap::new();
        for (at, marks) in self.reached.iter().flatten() {
            let node = self.graph.get(*at);
            for stage in Stage::ALL.iter().copied().filter(|stage| marks & stage.mark() != 0) {
                contents.entry((stage, node.kind())).or_default().insert(node.index);
            }
        }
        contents
    }

    /// Entries of a kind that went into its chains, by way of steps of one class or of any, in order.
    pub fn inputs(&self, kind: Kind, stage: Option<Stage>) -> Vec<EntryIndex> {
        let found = (0..self.chains.len()).flat_map(|chain| self.of_kind(chain, kind, stage));
        found.map(|at| self.graph.get(at).index).collect::<BTreeSet<_>>().into_iter().collect()
    }

    fn of_kind(&self, chain: usize, kind: Kind, stage: Option<Stage>) -> impl Iterator<Item = At> + '_ {
        let wanted = stage.map_or(u8::MAX, Stage::mark);
        let served = self.reached[chain].iter().filter(move |(_, marks)| marks & wanted != 0).map(|(at, _)| *at);
        served.filter(move |at| self.graph.get(*at).kind() == kind)
    }

    /// Entries in its chains of which some link leads to what is not here.
    pub(super) fn open_ends(&self) -> Vec<EntryIndex> {
        let all = self.reached.iter().flatten().map(|(at, _)| *at);
        let open = all.filter(|at| self.graph.missing_of(*at).next().is_some());
        open.map(|at| self.graph.get(at).index).collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// Whether every repetition was made, by way of steps of one class or of any, from the thing of a kind that has this
    /// digest: the spec a claim names, its base model, its corpus. Others may have gone in too: [`Arm::inputs`] has all.
    pub fn made_from(&self, kind: Kind, digest: &Digest, stage: Option<Stage>) -> Answer {
        let (mut met, mut others, mut none) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
        for (number, chain) in self.chains.iter().enumerate() {
            let found: Vec<At> = self.of_kind(number, kind, stage).collect();
            match found.iter().find(|at| carries(self.graph, **at, digest)) {
                Some(at) => met.extend([self.graph.get(*at).index]),
                None if found.is_empty() => none.push(chain),
                None => others.extend(found.into_iter().map(|at| self.graph.get(at).index)),
            }
        }
        if !others.is_empty() {
            let reason = format!("made from another {kind} than {digest}");
            return Answer::Contradicted { by: others.into_iter().collect(), reason };
        }
        // Documents are told by what the steps were trained on: a whole chain without any had none.
        let lacking = none.iter().filter(|chain| kind == Kind::Documents && chain.is_whole());
        let lacking: Vec<EntryIndex> = lacking.map(|chain| chain.weights).collect();
        if !lacking.is_empty() {
            return Answer::Contradicted { by: lacking, reason: format!("no {kind} went into these weights") };
        }
        if self.chains.is_empty() || !none.is_empty() {
            let by = none.iter().map(|chain| chain.weights).collect();
            return Answer::NotShown {
                by,
                reason: format!("the record does not say from which {kind} these were made"),
            };
        }
        Answer::Met { by: met.into_iter().collect() }
    }

    /// Everything in one chain with its slot. What serves several stages stands in each.
    pub(super) fn each(&self, chain: usize, mut see: impl FnMut(Slot, At)) {
        for (at, marks) in &self.reached[chain] {
            let part = Part::Input(self.graph.get(*at).kind());
            for stage in Stage::ALL.iter().copied().filter(|stage| marks & stage.mark() != 0) {
                see(Slot { stage, part }, *at);
            }
        }
        for step in &self.chains[chain].steps {
            if let Some(at) = self.graph.at(step.weights) {
                see(Slot { stage: step.stage, part: Part::Weights }, at);
            }
        }
    }
}

fn carries(graph: &Graph<'_>, at: At, digest: &Digest) -> bool {
    let node = graph.get(at);
    let kinds = node.payload.subjects.iter().flat_map(|subject| subject.0.keys());
    kinds.into_iter().any(|kind| node.carries(*kind, digest)) || *digest == node.leaf.into()
}

/// Where the marks of a chain begin: each step's inputs with its class, the base with its own. Not at the runs: they read
/// the weights before as well, whose making is another step.
fn starts<'c>(graph: &'c Graph<'_>, chain: &'c Chain) -> impl Iterator<Item = (At, u8)> + 'c {
    let inputs = chain
        .steps
        .iter()
        .flat_map(|step| step.data.iter().chain(&step.others).map(|index| (*index, step.stage.mark())));
    let base = chain.base.map(|base| (base, Stage::Base.mark()));
    inputs.chain(base).filter_map(|(index, mark)| Some((graph.at(index)?, mark)))
}

fn replica(graph: &Graph<'_>, log: EntryIndex, weights: EntryIndex) -> Replica {
    let seed = |index| graph.node(index).and_then(|node| node.payload.seed);
    seed(log).or_else(|| seed(weights)).map_or(Replica::Weights(weights), Replica::Seed)
}

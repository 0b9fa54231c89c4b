//! The way of one set of weights: from a base model over training steps to what was evaluated.

use std::collections::BTreeSet;

use crate::lineage::arm::MAX_REACH;
use crate::lineage::graph::{At, Graph, Relation};
use crate::lineage::stage::{Label, Stage, may_be_data, stage_of};
use crate::merkle::EntryIndex;
use crate::statement::{EdgeType, Kind, Payload};

/// One training step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The weights it made.
    pub weights: EntryIndex,
    /// Its class, by its data.
    pub stage: Stage,
    /// What the name of its run adds, where it is a known one.
    pub label: Option<Label>,
    /// What it was trained on.
    pub data: Vec<EntryIndex>,
    /// What else went into it: configuration, source, tokenizer, other weights.
    pub others: Vec<EntryIndex>,
    /// The runs that wrote the weights.
    pub runs: Vec<EntryIndex>,
}

/// What keeps a chain from being whole, or speaks against it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Flaw {
    /// A link leads to what is not here.
    #[error("entry {entry} links to entry {target}, which is not here")]
    Missing {
        /// The entry that links.
        entry: EntryIndex,
        /// The target.
        target: EntryIndex,
    },
    /// Weights from nowhere.
    #[error("weights #{weights} say neither which base model nor which weights they began with")]
    NoBeginning {
        /// The weights.
        weights: EntryIndex,
    },
    /// More than is followed.
    #[error("weights #{weights}: what their run read comes from more entries than are followed")]
    TooDeep {
        /// The weights.
        weights: EntryIndex,
    },
    /// A step without data.
    #[error("weights #{weights} do not say what they were trained on")]
    NoData {
        /// The weights.
        weights: EntryIndex,
    },
    /// A log of no weights.
    #[error("log #{log} does not say which weights it is of")]
    NoWeights {
        /// The log.
        log: EntryIndex,
    },
    /// A log of several weights.
    #[error("log #{log} is said to be of several weights: {}", list(weights))]
    SeveralWeights {
        /// The log.
        log: EntryIndex,
        /// The weights.
        weights: Vec<EntryIndex>,
    },
    /// More than one parent.
    #[error("weights #{weights} are said to go on from several others: {}", list(parents))]
    Branches {
        /// The weights.
        weights: EntryIndex,
        /// The others.
        parents: Vec<EntryIndex>,
    },
    /// More than one base model.
    #[error("the chain of weights #{weights} names different base models: {}", list(bases))]
    Bases {
        /// The weights at its end.
        weights: EntryIndex,
        /// The base models.
        bases: Vec<EntryIndex>,
    },
    /// The run that wrote the weights did not read what they are said to be made from.
    #[error("weights #{weights} are said to be made from #{input}, which the run #{run} that wrote them did not read")]
    Unread {
        /// The weights.
        weights: EntryIndex,
        /// What was not read.
        input: EntryIndex,
        /// The run's start.
        run: EntryIndex,
    },
    /// The run that wrote it was another experiment's, arm's or repetition's.
    #[error("#{made} and the run #{run} that wrote it were recorded {}", apart.words())]
    OtherRun {
        /// The weights or the log.
        made: EntryIndex,
        /// The run's start.
        run: EntryIndex,
        /// What they disagree in.
        apart: Apart,
    },
    /// The name of a stage says another thing than its data.
    #[error("the run of weights #{weights} is called {}, and its data say {}", label.name(), stage.name())]
    Label {
        /// The weights.
        weights: EntryIndex,
        /// By the data.
        stage: Stage,
        /// By the name.
        label: Label,
    },
}

impl Flaw {
    /// True where the record contradicts itself; false where something of it is only not known.
    pub fn contradicts(&self) -> bool {
        match self {
            Self::Missing { .. }
            | Self::NoBeginning { .. }
            | Self::TooDeep { .. }
            | Self::NoData { .. }
            | Self::NoWeights { .. } => false,
            Self::SeveralWeights { .. }
            | Self::Branches { .. }
            | Self::Bases { .. }
            | Self::Unread { .. }
            | Self::OtherRun { .. }
            | Self::Label { .. } => true,
        }
    }

    /// The entries it is about.
    pub fn entries(&self) -> Vec<EntryIndex> {
        match self {
            Self::Missing { entry, .. } => vec![*entry],
            Self::NoBeginning { weights }
            | Self::TooDeep { weights }
            | Self::NoData { weights }
            | Self::Label { weights, .. } => vec![*weights],
            Self::NoWeights { log } => vec![*log],
            Self::SeveralWeights { log, weights } => [&[*log], weights.as_slice()].concat(),
            Self::Branches { weights, parents: others } | Self::Bases { weights, bases: others } => {
                [&[*weights], others.as_slice()].concat()
            }
            Self::Unread { weights, input, run } => vec![*weights, *input, *run],
            Self::OtherRun { made, run, .. } => vec![*made, *run],
        }
    }
}

/// What two records of one step disagree in, where both say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Apart {
    /// The experiment.
    Protocol,
    /// The arm.
    Arm,
    /// The repetition.
    Seed,
}

impl Apart {
    fn words(self) -> &'static str {
        match self {
            Self::Protocol => "under different protocols",
            Self::Arm => "for different arms",
            Self::Seed => "for different seeds",
        }
    }

    /// What is silent disagrees with nothing: a run without a protocol can be anybody's.
    fn between(one: &Payload, other: &Payload) -> Option<Self> {
        fn differ<T: PartialEq>(one: Option<&T>, other: Option<&T>) -> bool {
            one.zip(other).is_some_and(|(one, other)| one != other)
        }
        [
            (Self::Protocol, differ(one.protocol.as_ref(), other.protocol.as_ref())),
            (Self::Arm, differ(one.arm.as_ref(), other.arm.as_ref())),
            (Self::Seed, differ(one.seed.as_ref(), other.seed.as_ref())),
        ]
        .into_iter()
        .find_map(|(apart, differs)| differs.then_some(apart))
    }
}

/// The runs that are said to have written something, and are not of the same experiment, arm and repetition.
pub(super) fn other_runs(graph: &Graph<'_>, made: At) -> impl Iterator<Item = Flaw> {
    let is_run = |at: At| matches!(graph.get(at).kind(), Kind::RunStart | Kind::RunEnd);
    // By either end: the run says what it wrote, or what was written says which run wrote it.
    let wrote = [Relation::GeneratedBy, Relation::Edge(EdgeType::ProducedBy)];
    let runs = graph.arcs(made).iter().filter(move |arc| wrote.contains(&arc.relation) && is_run(arc.to));
    runs.filter_map(move |arc| {
        let (made, run) = (graph.get(made), graph.get(arc.to));
        let apart = Apart::between(made.payload, run.payload)?;
        Some(Flaw::OtherRun { made: made.index, run: run.index, apart })
    })
}

fn list(entries: &[EntryIndex]) -> String {
    entries.iter().map(|index| format!("#{index}")).collect::<Vec<_>>().join(", ")
}

/// The way of one set of weights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// The weights at its end.
    pub weights: EntryIndex,
    /// The base model at its beginning, where the record leads there.
    pub base: Option<EntryIndex>,
    /// The steps between, oldest first.
    pub steps: Vec<Step>,
    /// What keeps it from being whole, in order.
    pub flaws: Vec<Flaw>,
}

impl Chain {
    /// The chain that ends at some weights; `None` where the entry is none or unknown.
    pub fn of(graph: &Graph<'_>, weights: EntryIndex) -> Option<Self> {
        let mut budget = MAX_REACH;
        Self::within(graph, weights, &mut budget)
    }

    /// The same with a bound on the work; what is beyond it is not followed, and said.
    pub(super) fn within(graph: &Graph<'_>, weights: EntryIndex, budget: &mut usize) -> Option<Self> {
        let mut at = graph.at(weights).filter(|at| graph.get(*at).kind().is_weights())?;
        let (mut steps, mut flaws, mut bases) = (Vec::new(), Vec::new(), BTreeSet::new());
        let mut base = None;
        // Parents stand before what goes on from them, so this ends.
        loop {
            if graph.get(at).kind() == Kind::BaseModel {
                bases.insert(at);
                base = Some(graph.get(at).index);
                break;
            }
            let parents = Parents::of(graph, at, budget);
            *budget = budget.saturating_sub(1);
            flaws.extend(parents.flaws(graph, at));
            steps.push(parents.step(graph, at, &mut flaws));
            bases.extend(&parents.bases);
            match parents.next() {
                Some(next) => at = next,
                None => break,
            }
        }
        steps.reverse();
        let distinct: BTreeSet<At> = bases.iter().map(|base| graph.same(*base)).collect();
        if distinct.len() > 1 {
            flaws.push(Flaw::Bases { weights, bases: bases.iter().map(|at| graph.get(*at).index).collect() });
        }
        flaws.sort();
        flaws.dedup();
        Some(Self { weights, base, steps, flaws })
    }

    /// True when it is a path from a base model, every step's data are known, and nothing speaks against it.
    pub fn is_whole(&self) -> bool {
        self.base.is_some() && self.flaws.is_empty() && self.steps.iter().all(|step| step.stage != Stage::Unclear)
    }

    /// What the weights were at first and after each step, oldest first.
    pub fn path(&self) -> impl Iterator<Item = EntryIndex> + '_ {
        self.base.into_iter().chain(self.steps.iter().map(|step| step.weights))
    }
}

/// What one set of trained weights rests on, sorted by what it is to them.
struct Parents {
    /// Other weights they go on from.
    continued: Vec<At>,
    /// Base models they begin with.
    bases: Vec<At>,
    data: Vec<At>,
    others: Vec<At>,
    runs: Vec<At>,
    unread: Vec<(At, At)>,
    too_deep: bool,
}

impl Parents {
    fn of(graph: &Graph<'_>, at: At, budget: &mut usize) -> Self {
        let mut parents = Self {
            continued: Vec::new(),
            bases: Vec::new(),
            data: Vec::new(),
            others: Vec::new(),
            runs: Vec::new(),
            unread: Vec::new(),
            too_deep: false,
        };
        let mut read: Vec<At> = Vec::new();
        for arc in graph.inputs(at) {
            let kind = graph.get(arc.to).kind();
            match arc.relation {
                Relation::Edge(EdgeType::Used) => read.push(arc.to),
                Relation::Edge(EdgeType::Continues) => parents.continued.push(arc.to),
                Relation::Edge(EdgeType::InitialisedFrom) => parents.bases.push(arc.to),
                _ if kind.is_training_data() => parents.data.push(arc.to),
                _ => parents.others.push(arc.to),
            }
        }
        let runs = graph.arcs(at).iter().filter(|arc| arc.relation == Relation::GeneratedBy);
        parents.runs.extend(runs.map(|arc| arc.to));
        read.sort_unstable();
        read.dedup();
        parents.hold_to_runs(graph, &read, budget);
        parents.take_read(graph, read);
        parents
    }

    /// What the weights say they are made from and what their run read must agree.
    fn hold_to_runs(&mut self, graph: &Graph<'_>, read: &[At], budget: &mut usize) {
        let Some(run) = self.runs.first().copied() else { return };
        // What is not here may be the very thing.
        if graph.missing_of(run).next().is_some() {
            return;
        }
        let known: BTreeSet<At> = read.iter().map(|at| graph.same(*at)).collect();
        let is_unread = |at: &At| !known.contains(&graph.same(*at));
        self.unread.extend(self.continued.iter().filter(|at| is_unread(at)).map(|at| (*at, run)));
        let doubtful: Vec<At> = self.data.iter().copied().filter(is_unread).collect();
        if doubtful.is_empty() {
            return;
        }
        // Data count as read in what was made from them: the documents in the dataset that the run read.
        let made = read.iter().filter(|at| graph.get(**at).kind().is_training_data()).map(|at| (*at, 1));
        match graph.spread(made, &mut Vec::new(), *budget) {
            None => {
                *budget = 0;
                self.too_deep = true;
            }
            Some(origins) => {
                *budget -= origins.len();
                let origins: BTreeSet<At> = origins.into_iter().map(|(at, _)| graph.same(at)).collect();
                let unread = doubtful.into_iter().filter(|at| !origins.contains(&graph.same(*at)));
                self.unread.extend(unread.map(|at| (at, run)));
            }
        }
    }

    /// What the run read and the weights do not name: data count, a base or other weights only where none are named.
    fn take_read(&mut self, graph: &Graph<'_>, read: Vec<At>) {
        let names_weights = !self.continued.is_empty() || !self.bases.is_empty();
        let of = |kind: Kind| read.iter().copied().filter(|at| graph.get(*at).kind() == kind).collect::<Vec<_>>();
        if !names_weights {
            self.continued = of(Kind::Checkpoint);
            self.bases = of(Kind::BaseModel);
        }
        for at in read {
            if graph.get(at).kind().is_training_data() {
                self.data.push(at);
            } else if !self.continued.contains(&at) && !self.bases.contains(&at) {
                self.others.push(at);
            }
        }
        for list in [&mut self.data, &mut self.others] {
            list.sort_unstable();
            list.dedup();
        }
    }

    /// Where the chain goes on: weights before a base, since an adapter may name both.
    fn next(&self) -> Option<At> {
        self.continued.first().or(self.bases.first()).copied()
    }

    fn flaws(&self, graph: &Graph<'_>, at: At) -> Vec<Flaw> {
        let name = |at: &At| graph.get(*at).index;
        let weights = name(&at);
        let mut flaws = Vec::new();
        let leads_away = |relation| {
            may_be_data(relation) || matches!(relation, Relation::Edge(EdgeType::Continues | EdgeType::InitialisedFrom))
        };
        for missing in graph.missing_of(at).filter(|missing| leads_away(missing.relation)) {
            flaws.push(Flaw::Missing { entry: missing.entry, target: missing.target });
        }
        if self.next().is_none() {
            flaws.push(Flaw::NoBeginning { weights });
        }
        if self.too_deep {
            flaws.push(Flaw::TooDeep { weights });
        }
        if self.data.is_empty() {
            flaws.push(Flaw::NoData { weights });
        }
        let distinct: BTreeSet<At> = self.continued.iter().map(|at| graph.same(*at)).collect();
        if distinct.len() > 1 {
            flaws.push(Flaw::Branches { weights, parents: self.continued.iter().map(name).collect() });
        }
        flaws.extend(self.unread.iter().map(|(input, run)| Flaw::Unread {
            weights,
            input: name(input),
            run: name(run),
        }));
        flaws.extend(other_runs(graph, at));
        flaws
    }

    fn step(&self, graph: &Graph<'_>, at: At, flaws: &mut Vec<Flaw>) -> Step {
        let weights = graph.get(at).index;
        let stage = stage_of(graph, &self.data);
        let named = |run: &At| graph.get(*run).payload.stage.as_deref().and_then(Label::of);
        let labels: BTreeSet<Label> = self.runs.iter().filter_map(named).collect();
        for label in labels.iter().filter(|label| !label.fits(stage)) {
            flaws.push(Flaw::Label { weights, stage, label: *label });
        }
        let name = |list: &[At]| list.iter().map(|at| graph.get(*at).index).collect::<Vec<_>>();
        // Two runs of different names that wrote the same weights: no name counts.
        let label = labels.first().copied().filter(|_| labels.len() == 1);
        Step { weights, stage, label, data: name(&self.data), others: name(&self.others), runs: name(&self.runs) }
    }
}

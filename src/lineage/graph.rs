//! Entries and what each rests on, as one graph whose links all point to earlier entries.

use std::collections::{BTreeMap, BinaryHeap};

use crate::digest::{Digest, DigestKind, LeafHash};
use crate::lineage::identity::identities;
use crate::lineage::stage::{Roots, roots};
use crate::merkle::EntryIndex;
use crate::statement::{EdgeType, Kind, Payload};
use crate::verify::{LinkTarget, Reject, VerifiedEvidence, check_link};

/// How one entry rests on another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Relation {
    /// As its own link says.
    Edge(EdgeType),
    /// A run wrote it: said by the run's end, and told from the artifact's side, to the run's start.
    GeneratedBy,
    /// It belongs to a registered protocol.
    Under,
}

impl Relation {
    /// The name in text.
    pub fn name(self) -> &'static str {
        match self {
            Self::Edge(edge) => edge.name(),
            Self::GeneratedBy => "generated_by",
            Self::Under => "under_protocol",
        }
    }

    /// True where the target went into the entry: not where it is replaced, taken back, or stands beside it.
    pub fn is_origin(self) -> bool {
        match self {
            Self::GeneratedBy => true,
            Self::Under => false,
            Self::Edge(edge) => matches!(
                edge,
                EdgeType::Renders
                    | EdgeType::DecomposedFrom
                    | EdgeType::PromptedBy
                    | EdgeType::ProducedBy
                    | EdgeType::DerivedFrom
                    | EdgeType::MixedInto
                    | EdgeType::TrainedOn
                    | EdgeType::InitialisedFrom
                    | EdgeType::Continues
                    | EdgeType::EvaluatedWith
                    | EdgeType::Evaluates
                    | EdgeType::JudgedBy
                    | EdgeType::Supports
                    | EdgeType::Used
            ),
        }
    }
}

/// One entry of the graph.
#[derive(Debug, Clone, Copy)]
pub struct Node<'a> {
    /// Its place in the ledger.
    pub index: EntryIndex,
    /// Its digest.
    pub leaf: LeafHash,
    /// What it says.
    pub payload: &'a Payload,
}

impl Node<'_> {
    /// What it says it is.
    pub fn kind(&self) -> Kind {
        self.payload.kind
    }
}

impl LinkTarget for Node<'_> {
    fn kind(&self) -> Kind {
        self.payload.kind
    }

    fn carries(&self, kind: DigestKind, digest: &Digest) -> bool {
        match kind {
            DigestKind::Entry => *digest == self.leaf.into(),
            kind => self.payload.subjects.iter().any(|subject| subject.carries(kind, digest)),
        }
    }
}

/// A link whose target is not here: what it would show is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Missing {
    /// The entry that links.
    pub entry: EntryIndex,
    /// How.
    pub relation: Relation,
    /// The target's place, in its own ledger.
    pub target: EntryIndex,
    /// True where that is another ledger.
    pub elsewhere: bool,
}

/// Position of a node: entries in order of their index, counted from 0.
pub(super) type At = u32;

/// A link that holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Arc {
    pub(super) relation: Relation,
    pub(super) to: At,
}

/// Entries and what each rests on.
///
/// A link counts only where it holds: it points back, its target carries the digest it binds, and the kinds fit. For
/// verified evidence that is so already; a ledger at hand may hold others, which stand in [`Graph::broken`].
#[derive(Debug)]
pub struct Graph<'a> {
    nodes: Vec<Node<'a>>,
    /// Where each node's arcs begin; one more than there are nodes.
    first: Vec<usize>,
    arcs: Vec<Arc>,
    /// For a run's start: where its end stands.
    ends: Vec<Option<At>>,
    /// For each node, the first that is the same thing by digest.
    same: Vec<At>,
    /// For training data, what they come down to.
    roots: Vec<Roots>,
    missing: Vec<Missing>,
    broken: Vec<Reject>,
}

impl<'a> Graph<'a> {
    /// The graph of these entries, in whatever order they come; of two with one index, one.
    ///
    /// # Panics
    ///
    /// With more than 2^32 entries, which no memory holds.
    pub fn new(entries: impl IntoIterator<Item = (EntryIndex, LeafHash, &'a Payload)>) -> Self {
        let mut nodes: Vec<Node<'a>> =
            entries.into_iter().map(|(index, leaf, payload)| Node { index, leaf, payload }).collect();
        nodes.sort_by_key(|node| (node.index, node.leaf));
        nodes.dedup_by_key(|node| node.index);
        assert!(At::try_from(nodes.len()).is_ok(), "a graph has fewer than 2^32 entries");
        let mut links = Links::of(&nodes);
        links.follow_runs();
        links.follow_protocols(&nodes);
        links.found.sort_unstable();
        links.found.dedup();
        links.missing.sort_unstable();
        links.missing.dedup();
        let mut first = vec![0; nodes.len() + 1];
        for (from, _) in &links.found {
            first[*from as usize + 1] += 1;
        }
        for at in 0..nodes.len() {
            first[at + 1] += first[at];
        }
        let mut graph = Self {
            same: identities(&nodes),
            first,
            arcs: links.found.into_iter().map(|(_, arc)| arc).collect(),
            ends: links.ends,
            roots: Vec::new(),
            missing: links.missing,
            broken: links.broken,
            nodes,
        };
        graph.roots = roots(&graph);
        graph
    }

    /// The graph of verified evidence.
    pub fn of(evidence: &'a VerifiedEvidence<'_>) -> Self {
        Self::new(evidence.entries.iter().map(|(index, entry)| (*index, entry.leaf_hash(), entry.payload())))
    }

    /// The entry at an index.
    pub fn node(&self, index: EntryIndex) -> Option<&Node<'a>> {
        self.at(index).map(|at| self.get(at))
    }

    /// All entries, in order.
    pub fn nodes(&self) -> &[Node<'a>] {
        &self.nodes
    }

    /// What an entry rests on, in order; none where it is unknown.
    pub fn links(&self, index: EntryIndex) -> impl Iterator<Item = (Relation, EntryIndex)> + '_ {
        let arcs = self.at(index).map(|at| self.arcs(at)).unwrap_or_default();
        arcs.iter().map(|arc| (arc.relation, self.get(arc.to).index))
    }

    /// The end of a run that started at an index.
    pub fn end_of(&self, start: EntryIndex) -> Option<&Node<'a>> {
        self.ends[self.at(start)? as usize].map(|at| self.get(at))
    }

    /// Links whose targets are not here, in order.
    pub fn missing(&self) -> &[Missing] {
        &self.missing
    }

    /// Links that do not hold; none in verified evidence.
    pub fn broken(&self) -> &[Reject] {
        &self.broken
    }

    /// True when the two are one thing by digest: the same weights in other files, the same rows in another order.
    pub fn is_same(&self, left: EntryIndex, right: EntryIndex) -> bool {
        match (self.at(left), self.at(right)) {
            (Some(left), Some(right)) => self.same(left) == self.same(right),
            _ => false,
        }
    }

    /// All weights here, what is one thing together, each set in order and the sets by their first entries.
    pub fn weights(&self) -> Vec<Vec<EntryIndex>> {
        let mut sets: BTreeMap<At, Vec<EntryIndex>> = BTreeMap::new();
        for (node, same) in self.nodes.iter().zip(&self.same).filter(|(node, _)| node.kind().is_weights()) {
            sets.entry(*same).or_default().push(node.index);
        }
        let mut sets: Vec<Vec<EntryIndex>> = sets.into_values().collect();
        sets.sort_unstable();
        sets
    }

    /// The first entry that is the same thing by digest: two are one where theirs is the same.
    pub fn identity(&self, index: EntryIndex) -> Option<EntryIndex> {
        self.at(index).map(|at| self.get(self.same(at)).index)
    }

    /// Everything that these entries were made from, themselves included, in order.
    pub fn origins(&self, of: &[EntryIndex]) -> Vec<EntryIndex> {
        let starts = of.iter().filter_map(|index| Some((self.at(*index)?, 1)));
        let mut reached = self.spread(starts, &mut Vec::new(), usize::MAX).unwrap_or_default();
        reached.reverse();
        reached.into_iter().map(|(at, _)| self.get(at).index).collect()
    }

    pub(super) fn at(&self, index: EntryIndex) -> Option<At> {
        let at = self.nodes.binary_search_by_key(&index, |node| node.index).ok()?;
        At::try_from(at).ok()
    }

    pub(super) fn get(&self, at: At) -> &Node<'a> {
        &self.nodes[at as usize]
    }

    pub(super) fn arcs(&self, at: At) -> &[Arc] {
        &self.arcs[self.first[at as usize]..self.first[at as usize + 1]]
    }

    pub(super) fn same(&self, at: At) -> At {
        self.same[at as usize]
    }

    pub(super) fn roots(&self, at: At) -> Roots {
        self.roots[at as usize]
    }

    /// Links of an entry, and of the runs that wrote it, that lead to what is not here.
    pub(super) fn missing_of(&self, at: At) -> impl Iterator<Item = &Missing> {
        let runs = self.arcs(at).iter().filter(|arc| arc.relation == Relation::GeneratedBy).map(|arc| arc.to);
        std::iter::once(at).chain(runs).flat_map(|at| {
            let index = self.get(at).index;
            let from = self.missing.partition_point(|missing| missing.entry < index);
            self.missing[from..].iter().take_while(move |missing| missing.entry == index)
        })
    }

    /// The inputs of an entry, its own and those of the runs that wrote it: each once, in order.
    pub(super) fn inputs(&self, at: At) -> Vec<Arc> {
        let mut inputs = Vec::new();
        for arc in self.arcs(at).iter().filter(|arc| arc.relation.is_origin()) {
            match arc.relation {
                Relation::GeneratedBy => {
                    let used = |arc: &&Arc| arc.relation == Relation::Edge(EdgeType::Used);
                    inputs.extend(self.arcs(arc.to).iter().filter(used));
                }
                _ => inputs.push(*arc),
            }
        }
        inputs.sort_unstable();
        inputs.dedup();
        inputs
    }

    /// Carries marks from entries to everything they were made from; what is reached, last entry first.
    ///
    /// Links point back, so the last entry that is open has all its marks: each is looked at once. `scratch` is kept by
    /// callers that spread often. `None` when more than `most` entries are reached.
    pub(super) fn spread(
        &self,
        starts: impl IntoIterator<Item = (At, u8)>,
        scratch: &mut Vec<u8>,
        most: usize,
    ) -> Option<Vec<(At, u8)>> {
        scratch.resize(self.nodes.len(), 0);
        let mut open = BinaryHeap::new();
        let put = |open: &mut BinaryHeap<At>, scratch: &mut Vec<u8>, at: At, marks: u8| {
            let mark = &mut scratch[at as usize];
            if *mark == 0 {
                open.push(at);
            }
            *mark |= marks;
        };
        for (at, marks) in starts {
            put(&mut open, scratch, at, marks);
        }
        let mut reached = Vec::new();
        while let Some(at) = open.pop() {
            let marks = scratch[at as usize];
            reached.push((at, marks));
            for arc in self.arcs(at).iter().filter(|arc| arc.relation.is_origin()) {
                put(&mut open, scratch, arc.to, marks);
            }
            if reached.len() > most {
                scratch.clear();
                return None;
            }
        }
        for (at, _) in &reached {
            scratch[*at as usize] = 0;
        }
        Some(reached)
    }
}

/// Links while the graph is made.
struct Links {
    found: Vec<(At, Arc)>,
    ends: Vec<Option<At>>,
    /// Run-ends, with what they say was written and what they end.
    generated: Vec<(At, At)>,
    starts: Vec<Option<At>>,
    missing: Vec<Missing>,
    broken: Vec<Reject>,
}

impl Links {
    fn of(nodes: &[Node<'_>]) -> Self {
        let mut links = Self {
            found: Vec::new(),
            ends: vec![None; nodes.len()],
            generated: Vec::new(),
            starts: vec![None; nodes.len()],
            missing: Vec::new(),
            broken: Vec::new(),
        };
        let find = |index: EntryIndex| nodes.binary_search_by_key(&index, |node| node.index).ok();
        for (from, node) in (0..).zip(nodes) {
            // Entry 0 alone names no ledger, and links to nothing.
            let Some(log) = node.payload.log else { continue };
            for edge in &node.payload.edges {
                let target = find(edge.seq);
                match check_link(log, node.index, node.kind(), edge, |_| Some(&nodes[target?])) {
                    Err(reject) => links.broken.push(reject),
                    Ok(false) => links.missing.push(Missing {
                        entry: node.index,
                        relation: Relation::Edge(edge.edge_type),
                        target: edge.seq,
                        elsewhere: edge.log.is_some(),
                    }),
                    Ok(true) => {
                        let to = At::try_from(target.expect("what holds has a target")).expect("counted before");
                        links.take(from, edge.edge_type, to);
                    }
                }
            }
        }
        links
    }

    fn take(&mut self, from: At, edge_type: EdgeType, to: At) {
        match edge_type {
            EdgeType::Generated => self.generated.push((from, to)),
            EdgeType::Ends => {
                self.starts[from as usize] = Some(to);
                // A run ends once; what says so again changes nothing.
                self.ends[to as usize].get_or_insert(from);
            }
            _ => {}
        }
        self.found.push((from, Arc { relation: Relation::Edge(edge_type), to }));
    }

    /// From what a run wrote to the run's start. An artifact that was there before the run began is not its work, and a
    /// link to it would be one that points forward.
    fn follow_runs(&mut self) {
        for (end, artifact) in &self.generated {
            if let Some(start) = self.starts[*end as usize].filter(|start| start < artifact) {
                self.found.push((*artifact, Arc { relation: Relation::GeneratedBy, to: start }));
            }
        }
    }

    fn follow_protocols(&mut self, nodes: &[Node<'_>]) {
        let mut leaves: Vec<(LeafHash, At)> = (0..).zip(nodes).map(|(at, node)| (node.leaf, at)).collect();
        leaves.sort_unstable();
        for (from, node) in (0..).zip(nodes) {
            let Some(protocol) = node.payload.protocol else { continue };
            let found = leaves.binary_search_by_key(&protocol, |(leaf, _)| *leaf);
            if let Some((_, to)) = found.ok().and_then(|at| leaves.get(at)).filter(|(_, to)| *to < from) {
                self.found.push((from, Arc { relation: Relation::Under, to: *to }));
            }
        }
    }
}

//! From documents back to the model spec that they are about: by what their text was made from, and by nothing else.
//!
//! A tokenizer is made from all specs of a study, a generator from anything, and both stand behind every document. What they
//! go back to is not what the document is about.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use crate::lineage::graph::{Graph, Node, Relation};
use crate::merkle::EntryIndex;
use crate::statement::{EdgeType, Kind};

/// Different specs that are told apart behind one entry; two are too many already.
const MAX_SPECS: usize = 8;

/// What an entry's text goes back to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// Different specs by digest, each by an entry of it, at most `MAX_SPECS`.
    pub specs: Vec<EntryIndex>,
    /// True where a link leads to what is not here.
    pub leads_away: bool,
}

/// The origins of training data and of everything their text was made from.
#[derive(Debug)]
pub struct Origins<'g> {
    graph: &'g Graph<'g>,
    found: BTreeMap<EntryIndex, Origin>,
}

impl<'g> Origins<'g> {
    /// Follows these entries back, each entry on the way once.
    pub fn of(graph: &'g Graph<'g>, data: impl IntoIterator<Item = EntryIndex>) -> Self {
        let away: BTreeSet<EntryIndex> =
            graph.missing().iter().filter(|link| link.relation.is_origin()).map(|link| link.entry).collect();
        let mut open: Vec<EntryIndex> = data.into_iter().collect();
        let mut sources: BTreeMap<EntryIndex, Sources> = BTreeMap::new();
        while let Some(entry) = open.pop() {
            if let Entry::Vacant(place) = sources.entry(entry) {
                open.extend(&place.insert(Sources::of(graph, entry, &away)).entries);
            }
        }
        let mut origins = Self { graph, found: BTreeMap::new() };
        // Links point back: what an entry was made from comes before it.
        for (entry, of) in sources {
            let mut origin = Origin { specs: Vec::new(), leads_away: of.leads_away };
            if graph.node(entry).is_some_and(|node| node.kind() == Kind::Spec) {
                origin.specs.push(entry);
            }
            for source in of.entries {
                let before = origins.at(source);
                origins.join(&mut origin, &before);
            }
            origins.found.insert(entry, origin);
        }
        origins
    }

    /// What one entry goes back to.
    pub fn at(&self, entry: EntryIndex) -> Origin {
        self.found.get(&entry).cloned().unwrap_or_default()
    }

    /// Adds what another entry goes back to.
    pub fn join(&self, origin: &mut Origin, other: &Origin) {
        origin.leads_away |= other.leads_away;
        for spec in &other.specs {
            let is_known = origin.specs.iter().any(|known| self.graph.is_same(*known, *spec));
            if !is_known && origin.specs.len() < MAX_SPECS {
                origin.specs.push(*spec);
            }
        }
    }

    /// The documents among these data and behind them.
    pub fn documents(&self, data: &BTreeSet<EntryIndex>) -> BTreeSet<EntryIndex> {
        let mut documents = BTreeSet::new();
        let (mut open, mut seen) = (data.iter().copied().collect::<Vec<_>>(), BTreeSet::new());
        while let Some(entry) = open.pop() {
            if !seen.insert(entry) {
                continue;
            }
            match self.graph.node(entry).map(Node::kind) {
                Some(Kind::Documents) => {
                    documents.insert(entry);
                }
                _ => open.extend(Sources::of(self.graph, entry, &BTreeSet::new()).entries),
            }
        }
        documents
    }
}

/// What an entry's text was made from, in one step.
struct Sources {
    entries: Vec<EntryIndex>,
    leads_away: bool,
}

impl Sources {
    /// What the entry names itself; only where it names nothing, all that its run read.
    fn of(graph: &Graph<'_>, entry: EntryIndex, away: &BTreeSet<EntryIndex>) -> Self {
        let is_text = |entry: &EntryIndex| graph.node(*entry).is_some_and(|node| may_be_quoted(node.kind()));
        let is_spec = graph.node(entry).is_some_and(|node| node.kind() == Kind::Spec);
        // A spec is where the way ends: which text it grew out of is another question.
        if is_spec {
            return Self { entries: Vec::new(), leads_away: false };
        }
        let own =
            graph.links(entry).filter(|(relation, _)| matches!(relation, Relation::Edge(_)) && relation.is_origin());
        let named: Vec<EntryIndex> = own.map(|(_, source)| source).filter(is_text).collect();
        let runs: Vec<EntryIndex> =
            graph.links(entry).filter(|(relation, _)| *relation == Relation::GeneratedBy).map(|(_, run)| run).collect();
        if !named.is_empty() || away.contains(&entry) {
            return Self { entries: named, leads_away: away.contains(&entry) };
        }
        let read = runs.iter().flat_map(|run| graph.links(*run));
        let read = read.filter(|(relation, _)| *relation == Relation::Edge(EdgeType::Used)).map(|(_, source)| source);
        Self { entries: read.filter(is_text).collect(), leads_away: runs.iter().any(|run| away.contains(run)) }
    }
}

/// True for what a document's text may be made from: not the programs, weights and vocabularies that made it.
fn may_be_quoted(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Spec
            | Kind::SpecRendering
            | Kind::PromptTemplate
            | Kind::Documents
            | Kind::GenerationReceipts
            | Kind::Dataset
            | Kind::Mix
            | Kind::Config
            | Kind::Other
    )
}

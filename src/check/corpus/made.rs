//! How documents and datasets were made: their receipts, their prompts, the functions that made them.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use crate::artifact::rows::RowsetLeaf;
use crate::check::arms::inputs;
use crate::check::understood::{AT_HAND, ISSUERS_WORD, issuers};
use crate::check::{Case, Finding, Outcome, Rederived, Replayed};
use crate::digest::{Digest, DigestKind, ManifestRoot};
use crate::lineage::{Node, Relation, Stage};
use crate::merkle::EntryIndex;
use crate::statement::{EdgeType, Kind, Measure};
use crate::verify::VerifiedEvidence;

/// The documents of the arms' midtraining, of which there are any; else the finding that a check of them comes to.
pub(super) fn documents(case: &Case<'_>, id: &'static str) -> Result<BTreeSet<EntryIndex>, Box<Finding>> {
    let found = inputs(case, id, &[Kind::Documents], Some(Stage::Midtraining))?;
    if found.is_empty() {
        return Err(Finding::new(id, Outcome::Unknown, "no midtraining documents are on record in any arm").into());
    }
    Ok(found)
}

/// What an entry is linked to in one way.
pub(super) fn linked(case: &Case<'_>, entry: EntryIndex, edge: EdgeType) -> impl Iterator<Item = EntryIndex> {
    let links = case.graph().links(entry).filter(move |(relation, _)| *relation == Relation::Edge(edge));
    links.map(|(_, target)| target)
}

/// Receipts of the calls that made documents, by documents: those they name, and those that name them.
pub(super) fn receipts(case: &Case<'_>) -> BTreeMap<EntryIndex, BTreeSet<EntryIndex>> {
    let mut found: BTreeMap<EntryIndex, BTreeSet<EntryIndex>> = BTreeMap::new();
    let graph = case.graph();
    let kind = |entry: EntryIndex| graph.node(entry).map(Node::kind);
    for node in graph.nodes() {
        let index = node.index;
        match node.kind() {
            Kind::GenerationReceipts => {
                for documents in linked(case, index, EdgeType::AccountsFor) {
                    found.entry(documents).or_default().insert(index);
                }
            }
            Kind::Documents => {
                let named = linked(case, index, EdgeType::ProducedBy);
                let named = named.filter(|target| kind(*target) == Some(Kind::GenerationReceipts));
                found.entry(index).or_default().extend(named);
            }
            _ => {}
        }
    }
    found
}

/// Training data that an entry was made from.
pub(super) fn parents(case: &Case<'_>, entry: EntryIndex) -> Vec<EntryIndex> {
    let made_from = [EdgeType::DerivedFrom, EdgeType::MixedInto];
    let links = case.graph().links(entry).filter(|(relation, _)| made_from.map(Relation::Edge).contains(relation));
    let is_data = |entry: &EntryIndex| case.graph().node(*entry).is_some_and(|node| node.kind().is_training_data());
    links.map(|(_, target)| target).filter(is_data).collect()
}

/// The function that made a dataset, where its issuer names one.
pub(super) fn stated_function<'a>(case: &Case<'a>, entry: EntryIndex) -> Option<&'a str> {
    issuers(case, entry)?.facts.get("function").map(String::as_str)
}

/// A digest of one kind that an entry states, with its count.
pub(super) fn stated(case: &Case<'_>, entry: EntryIndex, kind: DigestKind) -> Option<(Digest, u64)> {
    stated_in(case.evidence, entry, kind)
}

fn stated_in(evidence: &VerifiedEvidence<'_>, entry: EntryIndex, kind: DigestKind) -> Option<(Digest, u64)> {
    let subjects = &evidence.entries.get(&entry)?.payload().subjects;
    let measure: &Measure = subjects.iter().find_map(|subject| subject.0.get(&kind))?;
    Some((*measure.digests.first()?, measure.count))
}

/// What making a dataset again came to.
pub(super) fn replayed(case: &Case<'_>, id: &'static str, entry: EntryIndex) -> Finding {
    let Some(observed) = case.observed else {
        let how = match stated_function(case, entry) {
            Some(function) => format!("made by {}, {}", function.escape_default(), ISSUERS_WORD),
            None => "its making was not done again".to_owned(),
        };
        return Finding::new(id, Outcome::Unknown, how).at([entry]).next(AT_HAND);
    };
    let finding = match observed.replays.get(&entry) {
        None => {
            Finding::new(id, Outcome::Unknown, "its making was not done again: its inputs were not found").next(AT_HAND)
        }
        Some(Replayed::Unclear { reason }) => Finding::new(id, Outcome::Unknown, reason.clone()),
        Some(Replayed::Same { function, how, is_stated }) => {
            let tried = if *is_stated { "" } else { " (the record names no function; this one makes it)" };
            Finding::new(id, Outcome::Pass, format!("made again by {function} from its inputs, {how}{tried}"))
        }
        Some(Replayed::Other { function, how }) => {
            let reason =
                format!("{function}, by which it is said to be made, makes something else of its inputs: {how}");
            Finding::new(id, Outcome::Fail, reason)
        }
    };
    finding.at([entry])
}

/// Different rows that one check compares, over all sets: it bounds time and memory for whatever a file holds.
const MAX_ROWS: u64 = 1 << 20;

/// Sets of rows that the evidence shows, read within a bound.
pub(super) struct Sets<'e> {
    evidence: &'e VerifiedEvidence<'e>,
    left: Cell<u64>,
}

impl<'e> Sets<'e> {
    pub(super) fn of(case: &Case<'e>) -> Self {
        Self { evidence: case.evidence, left: Cell::new(MAX_ROWS) }
    }

    /// The set of rows of an entry with the view it is of, where it is shown, not behind salts, and within the bound.
    pub(super) fn rows(&self, entry: EntryIndex) -> Option<(&'e str, Vec<RowsetLeaf>)> {
        let (digest, _) = stated_in(self.evidence, entry, DigestKind::Rowset)?;
        let manifest = self.evidence.manifests.get(&(DigestKind::Rowset, ManifestRoot::from_bytes(digest.bytes)))?;
        self.left.set(self.left.get().checked_sub(manifest.count())?);
        if manifest.header.unsalted_projection().is_some() {
            return None;
        }
        let leaves: Vec<RowsetLeaf> = manifest
            .items()
            .zip(0..)
            .map(|(bytes, item)| RowsetLeaf::parse(bytes, item).ok())
            .collect::<Option<_>>()?;
        // One leaf a row, sorted: else it is no set, and counts for nothing.
        let is_set = leaves.windows(2).all(|pair| pair[0].digest < pair[1].digest);
        is_set.then_some((manifest.header.projection.as_str(), leaves))
    }
}

/// Whether the sets of rows of these entries were all taken again from their files.
pub(super) fn is_rederived(case: &Case<'_>, entries: &[EntryIndex]) -> bool {
    let Some(observed) = case.observed else { return false };
    entries.iter().all(|entry| {
        let Some((digest, _)) = stated(case, *entry, DigestKind::Rowset) else { return false };
        let found = observed.derived.get(&(*entry, digest));
        matches!(found, Some(Rederived::Found { root, .. }) if Digest::from(*root) == digest)
    })
}

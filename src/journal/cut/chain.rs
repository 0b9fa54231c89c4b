//! Entries on their way into evidence, and those that belong to a chain though nothing in it points to them.

use std::collections::{BTreeMap, BTreeSet};

use crate::digest::{Digest, LeafHash};
use crate::journal::JournalError;
use crate::journal::cut::{Census, CutError, Disclose};
use crate::ledger::Ledger;
use crate::merkle::EntryIndex;
use crate::statement::{Edge, EdgeType, Entry, Kind, Payload};

/// An entry on its way into evidence.
pub(super) struct Taken {
    pub(super) bytes: Vec<u8>,
    pub(super) leaf: LeafHash,
    pub(super) payload: Payload,
    pub(super) issuer: String,
}

/// A run that wrote something.
pub(super) struct RunOf {
    pub(super) start: EntryIndex,
    pub(super) end: EntryIndex,
}

/// The run that ended there, where it wrote something that is reached.
pub(super) fn run_of(end: EntryIndex, payload: &Payload, reached: &BTreeSet<EntryIndex>) -> Option<RunOf> {
    let local = || payload.edges.iter().filter(|edge| payload.kind == Kind::RunEnd && edge.log.is_none());
    let start = local().find(|edge| edge.edge_type == EdgeType::Ends)?.seq;
    let wrote = |edge: &Edge| edge.edge_type == EdgeType::Generated && reached.contains(&edge.seq);
    (reached.contains(&start) || local().any(wrote)).then_some(RunOf { start, end })
}

/// The first entry of the runs that are shown, or `first` where that is earlier: a run is shown from its beginning.
pub(super) fn first_of_runs(
    ledger: &Ledger,
    first: EntryIndex,
    reached: &BTreeSet<EntryIndex>,
    disclose: &Disclose,
) -> Result<EntryIndex, CutError> {
    let mut earliest = first;
    if *disclose == Disclose::ClaimOnly {
        return Ok(earliest);
    }
    for entry in ledger.entries(first).map_err(JournalError::from)? {
        let entry = entry.map_err(JournalError::from)?;
        let run = run_of(entry.index, &open(entry.index, entry.bytes)?.payload, reached);
        earliest = run.filter(|run| disclose.shows(run.end)).map_or(earliest, |run| run.start.min(earliest));
    }
    Ok(earliest)
}

pub(super) fn is_frame(payload: &Payload) -> bool {
    matches!(payload.kind, Kind::Genesis | Kind::KeyChange)
}

pub(super) fn take(ledger: &Ledger, index: EntryIndex) -> Result<Taken, CutError> {
    let entry = ledger.entry(index).map_err(JournalError::from)?;
    open(index, entry.bytes)
}

pub(super) fn open(index: EntryIndex, bytes: Vec<u8>) -> Result<Taken, CutError> {
    let entry = Entry::parse(&bytes).map_err(|source| JournalError::Entry { index, source })?;
    let (leaf, payload, issuer) = (entry.leaf_hash(), entry.claimed().clone(), entry.claims().issuer.clone());
    Ok(Taken { bytes, leaf, payload, issuer })
}

/// Entries before the claim by their digest, as far as protocols are named; empty when none is.
pub(super) fn protocols(ledger: &Ledger, claim: EntryIndex) -> Result<BTreeMap<LeafHash, EntryIndex>, CutError> {
    let mut wanted = BTreeSet::new();
    let mut leaves = BTreeMap::new();
    for entry in ledger.entries(EntryIndex(0)).map_err(JournalError::from)? {
        let entry = entry.map_err(JournalError::from)?;
        if entry.index > claim {
            break;
        }
        leaves.insert(entry.leaf, entry.index);
        wanted.extend(open(entry.index, entry.bytes)?.payload.protocol);
    }
    leaves.retain(|leaf, _| wanted.contains(leaf));
    Ok(leaves)
}

/// Entries outside the chain that speak of something in it, of the very content of something in it, or of another such
/// word. Where the census is the whole ledger, all of them: attempts that the chain does not reach are accounted for by
/// the reasons that were given for them.
pub(super) fn later_words(
    taken: &BTreeMap<EntryIndex, Taken>,
    reached: &BTreeSet<EntryIndex>,
    census: Census,
) -> BTreeSet<EntryIndex> {
    let chain = reached.iter().filter_map(|index| taken.get(index));
    let measures = chain.flat_map(|entry| &entry.payload.subjects).flat_map(|subject| subject.0.values());
    let contents: BTreeSet<Digest> = measures.flat_map(|measure| measure.digests.iter().copied()).collect();
    let mut words = BTreeSet::new();
    for (index, entry) in taken {
        let mut edges = entry.payload.edges.iter().filter(|edge| edge.log.is_none());
        let is_on_it = edges
            .any(|edge| reached.contains(&edge.seq) || words.contains(&edge.seq) || contents.contains(&edge.digest));
        let is_on_it = is_on_it || census == Census::Whole;
        if is_on_it && EdgeType::about(entry.payload.kind).is_some() && !reached.contains(index) {
            words.insert(*index);
        }
    }
    words
}

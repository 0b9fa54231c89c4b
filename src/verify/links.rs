//! The links between entries: they point back, bind what their targets really carry, and join the claim to everything
//! it rests on.

use std::collections::{BTreeMap, BTreeSet};

use crate::digest::{Digest, DigestKind, LeafHash, LedgerId};
use crate::evidence::Evidence;
use crate::merkle::EntryIndex;
use crate::statement::{Edge, EdgeType, Kind, Payload};
use crate::verify::{About, Reject, VerifiedEntry};

/// What the links amount to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkReport {
    /// The claim and everything it reaches.
    pub reached: BTreeSet<EntryIndex>,
    /// Links that were followed and hold.
    pub checked: usize,
    /// Links to entries that are not here: what they would show is unknown.
    pub missing: Vec<Reject>,
}

/// The entries that `start` reaches over links and protocols, `start` included.
///
/// Iterative, each entry once: a chain of a million and a lattice of diamonds cost the same per entry. `neighbours`
/// gives the targets of an entry, or none where the entry is unknown.
pub fn reachable(
    start: EntryIndex,
    mut neighbours: impl FnMut(EntryIndex) -> Option<Vec<EntryIndex>>,
) -> BTreeSet<EntryIndex> {
    let mut reached = BTreeSet::new();
    let mut open = vec![start];
    while let Some(index) = open.pop() {
        if reached.contains(&index) {
            continue;
        }
        if let Some(targets) = neighbours(index) {
            reached.insert(index);
            open.extend(targets);
        }
    }
    reached
}

pub(super) fn check(
    evidence: &Evidence<&[u8]>,
    log: LedgerId,
    entries: &BTreeMap<EntryIndex, VerifiedEntry>,
    about: About,
) -> Result<LinkReport, Reject> {
    let claim = entries.get(&evidence.claim).ok_or(Reject::NoClaim(evidence.claim))?;
    // Without a claim, a file is about the items that it opens, and an artifact alone has any.
    let is_about_items = !evidence.openings.is_empty() && claim.payload().kind.is_artifact();
    let kind = claim.payload().kind;
    let is_about_it = match about {
        About::Claim => kind == Kind::Claim || is_about_items,
        About::Testimony => kind.is_testimony(),
    };
    if !is_about_it {
        return Err(Reject::NotClaim { index: evidence.claim, kind: kind.name() });
    }
    // Every link of every entry here is held to the rules; only those of the claim's own chain must have their target.
    let protocols: BTreeMap<LeafHash, EntryIndex> =
        entries.iter().map(|(index, entry)| (entry.leaf_hash(), *index)).collect();
    let mut checked = 0;
    for (index, entry) in entries {
        check_named(*index, entry.payload())?;
        for edge in &entry.payload().edges {
            let kind = entry.payload().kind;
            checked += usize::from(check_link(log, *index, kind, edge, |target| entries.get(&target))?);
        }
        if let Some(protocol) = entry.payload().protocol
            && let Some(target) = protocols.get(&protocol)
            && target >= index
        {
            return Err(Reject::ForwardEdge { index: *index, target: *target });
        }
    }
    let targets = |payload: &Payload| -> Vec<EntryIndex> {
        let local = payload.edges.iter().filter(|edge| edge.log.is_none()).map(|edge| edge.seq);
        local.chain(payload.protocol.and_then(|protocol| protocols.get(&protocol).copied())).collect()
    };
    let reached = reachable(evidence.claim, |index| entries.get(&index).map(|entry| targets(entry.payload())));
    let missing = missing(&reached, entries, &protocols);
    for (index, entry) in entries {
        let is_frame = *index == EntryIndex(0) || entry.payload().kind == Kind::KeyChange;
        if !is_frame && *index < evidence.census_first && !reached.contains(index) {
            return Err(Reject::Extra { index: *index });
        }
    }
    Ok(LinkReport { reached, checked, missing })
}

/// The suite, base and weights that an entry names in the open are the ones it links to.
pub fn check_named(index: EntryIndex, payload: &Payload) -> Result<(), Reject> {
    let named = [
        (payload.suite, EdgeType::EvaluatedWith, Kind::EvalLog),
        (payload.base, EdgeType::InitialisedFrom, Kind::Checkpoint),
        (payload.checkpoint, EdgeType::Evaluates, Kind::EvalLog),
    ];
    for (digest, edge_type, kind) in named {
        let Some(digest) = digest.filter(|_| payload.kind == kind) else { continue };
        let mut edges = payload.edges.iter().filter(|edge| edge.edge_type == edge_type);
        if !edges.any(|edge| edge.digest == digest) {
            return Err(Reject::OtherNamed { index, edge: edge_type.name() });
        }
    }
    Ok(())
}

/// What a link asks of the entry it points to.
pub trait LinkTarget {
    /// Its kind.
    fn kind(&self) -> Kind;
    /// True when it carries this digest; for [`DigestKind::Entry`], when it is its own.
    fn carries(&self, kind: DigestKind, digest: &Digest) -> bool;
}

impl LinkTarget for VerifiedEntry {
    fn kind(&self) -> Kind {
        self.payload().kind
    }

    fn carries(&self, kind: DigestKind, digest: &Digest) -> bool {
        match kind {
            DigestKind::Entry => *digest == self.leaf_hash().into(),
            kind => self.payload().subjects.iter().any(|subject| subject.carries(kind, digest)),
        }
    }
}

/// Holds one link of an entry of kind `child` in ledger `own` to the rules; false when it leads out of the ledger, or to
/// what `find` does not know.
pub fn check_link<'a, T: LinkTarget + 'a>(
    own: LedgerId,
    index: EntryIndex,
    child: Kind,
    edge: &Edge,
    find: impl FnOnce(EntryIndex) -> Option<&'a T>,
) -> Result<bool, Reject> {
    match edge.log {
        // A second way to write a link here would be one that nothing follows: a retraction could hide in it.
        Some(log) if log == own => return Err(Reject::OwnLog { index }),
        Some(_) => return Ok(false),
        None => {}
    }
    let target = edge.seq;
    if target >= index {
        return Err(Reject::ForwardEdge { index, target });
    }
    let Some(entry) = find(target) else { return Ok(false) };
    if !entry.carries(edge.kind, &edge.digest) {
        return Err(Reject::BrokenEdge { index, target, kind: edge.kind.name() });
    }
    let parent = entry.kind();
    if !edge.edge_type.allows(child, parent) {
        let (edge, child, parent) = (edge.edge_type.name(), child.name(), parent.name());
        return Err(Reject::WrongEdge { index, target, edge, child, parent });
    }
    Ok(true)
}

fn missing(
    reached: &BTreeSet<EntryIndex>,
    entries: &BTreeMap<EntryIndex, VerifiedEntry>,
    protocols: &BTreeMap<LeafHash, EntryIndex>,
) -> Vec<Reject> {
    let mut missing = Vec::new();
    for index in reached {
        let Some(entry) = entries.get(index) else { continue };
        for edge in &entry.payload().edges {
            if edge.log.is_some() || !entries.contains_key(&edge.seq) {
                missing.push(Reject::MissingTarget { index: *index, target: edge.seq });
            }
        }
        if let Some(protocol) = entry.payload().protocol.filter(|protocol| !protocols.contains_key(protocol)) {
            missing.push(Reject::MissingProtocol { index: *index, protocol });
        }
    }
    missing
}

//! Evidence out of a ledger: the claim, everything it reaches, the census up to the head, and what is disclosed.

mod chain;
mod contents;
mod error;

pub use error::CutError;

use std::collections::btree_map::Entry as Slot;
use std::collections::{BTreeMap, BTreeSet};

use crate::digest::{Digest, DigestKind, LeafHash, NodeHash};
use crate::evidence::{
    Annex, Content, Evidence, MAX_ANNEXES, MAX_ENTRIES, MAX_EVIDENCE_BYTES, MAX_TESTIMONY_BYTES, MAX_TESTIMONY_ENTRIES,
    Opening,
};
use crate::journal::JournalError;
use crate::journal::cut::chain::{Taken, first_of_runs, is_frame, later_words, open, protocols, run_of, take};
use crate::journal::cut::contents::{Contents, manifest_digests};
use crate::ledger::{Ledger, Objects};
use crate::merkle::{EntryIndex, TreeHead, check_consistency, check_many, prove_consistency, prove_many};
use crate::statement::{EdgeType, Kind, Payload};
use crate::verify::{Testimony, reachable};

/// What evidence shows beyond the claim and its sample records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Disclose {
    /// Nothing: names, paths and file lists stay behind their commitments.
    ClaimOnly,
    /// Bodies and manifests of these entries.
    Entries(BTreeSet<EntryIndex>),
    /// Bodies and manifests of everything the claim reaches.
    Reached,
}

impl Disclose {
    fn shows(&self, index: EntryIndex) -> bool {
        match self {
            Self::ClaimOnly => false,
            Self::Entries(entries) => entries.contains(&index),
            Self::Reached => true,
        }
    }
}

/// From where on evidence shows every entry up to the head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Census {
    /// From the first thing that the claim rests on: what was withdrawn since shows.
    Rests,
    /// From the ledger's beginning: every run there ever was shows, whatever protocol it was under.
    Whole,
}

/// Cuts the evidence for the claim at `claim`, against the ledger's newest head.
pub fn cut(ledger: &Ledger, claim: EntryIndex, disclose: &Disclose, census: Census) -> Result<Evidence, CutError> {
    let first = take(ledger, claim)?;
    if first.payload.kind != Kind::Claim {
        return Err(CutError::NotClaim { index: claim, kind: first.payload.kind.name() });
    }
    let evidence = gather(ledger, claim, &first.payload, disclose, census)?;
    if !evidence.bodies.iter().any(|(index, _)| *index == claim) {
        return Err(CutError::NoClaimBody { index: claim });
    }
    within_limits(Evidence { annexes: annexes(ledger, claim, &evidence)?, ..evidence })
}

/// Cuts what is said at `index` of a claim in another ledger: one file that the other side can attach.
pub fn cut_testimony(ledger: &Ledger, index: EntryIndex) -> Result<Evidence, CutError> {
    let first = take(ledger, index)?;
    if !first.payload.kind.is_testimony() {
        return Err(CutError::NotTestimony { index, kind: first.payload.kind.name() });
    }
    let evidence = gather(ledger, index, &first.payload, &Disclose::ClaimOnly, Census::Rests)?;
    if !evidence.bodies.iter().any(|(shown, _)| *shown == index) {
        return Err(CutError::NoClaimBody { index });
    }
    let (found, most) = (evidence.entries.len() as u64, MAX_TESTIMONY_ENTRIES as u64);
    if found > most {
        return Err(CutError::TooLarge { what: "entries", found, most });
    }
    let (found, most) = (length_of(&evidence), MAX_TESTIMONY_BYTES as u64);
    if found > most {
        return Err(CutError::TooLarge { what: "bytes", found, most });
    }
    Ok(evidence)
}

/// What others signed of the claim and the ledger has attached to it, each with the way from its head to this one. What was
/// erased since is left out, and its entry shows that.
fn annexes(ledger: &Ledger, claim: EntryIndex, evidence: &Evidence) -> Result<Vec<Annex>, CutError> {
    let objects = Objects::new(ledger.layout().objects());
    let mut annexes = Vec::new();
    for (attach, bytes) in &evidence.entries {
        let Some(digest) = open(*attach, bytes.clone())?.payload.attached_to(claim) else { continue };
        let object = objects.get(digest.as_bytes(), MAX_TESTIMONY_BYTES as u64).map_err(JournalError::from)?;
        let Some(testimony) = object else { continue };
        let refuse = |source| CutError::Attached { index: *attach, source };
        let head = Testimony::open(&testimony).map_err(refuse)?.head;
        annexes.push(Annex { attach: *attach, consistency: consistency(ledger, &head)?, testimony });
    }
    if annexes.len() > MAX_ANNEXES {
        return Err(CutError::TooLarge { what: "annexes", found: annexes.len() as u64, most: MAX_ANNEXES as u64 });
    }
    Ok(annexes)
}

/// The proof that the newest head extends an older one.
pub(super) fn consistency(ledger: &Ledger, old: &TreeHead) -> Result<Vec<NodeHash>, CutError> {
    let (tree, size) = (ledger.tree(), ledger.tree().size);
    ledger
        .prove(|nodes| prove_consistency(nodes, old.size, size), |proof| check_consistency(old, tree, proof).is_ok())
        .map_err(JournalError::from)?
        .map_err(|_| CutError::Proof)
}

/// Cuts the evidence for items of the artifact at `index`: its chain and the openings, in the order of evidence.
pub fn cut_items(
    ledger: &Ledger,
    index: EntryIndex,
    disclose: &Disclose,
    openings: Vec<Opening>,
) -> Result<Evidence, CutError> {
    let first = take(ledger, index)?;
    if !first.payload.kind.is_artifact() {
        return Err(CutError::NotArtifact { index, kind: first.payload.kind.name() });
    }
    let evidence = gather(ledger, index, &first.payload, disclose, Census::Rests)?;
    within_limits(Evidence { openings, ..evidence })
}

/// The chain of the entry at `claim`, the census up to the head, and what is shown of them.
fn gather(
    ledger: &Ledger,
    claim: EntryIndex,
    first: &Payload,
    disclose: &Disclose,
    census: Census,
) -> Result<Evidence, CutError> {
    let objects = Objects::new(ledger.layout().objects());
    let size = ledger.tree().size;
    let mut taken: BTreeMap<EntryIndex, Taken> = BTreeMap::new();

    // 1. What the claim reaches, over links and protocols.
    let mut failure = None;
    let protocols = protocols(ledger, claim)?;
    let reached = reachable(claim, |index| {
        let entry = match take(ledger, index) {
            Ok(entry) => entry,
            Err(error) => {
                // The first failure is the answer; what it leaves out must not pass for "nothing more is reached".
                failure.get_or_insert(error);
                return None;
            }
        };
        let links = entry.payload.edges.iter().filter(|edge| edge.log.is_none()).map(|edge| edge.seq);
        let targets = links.chain(entry.payload.protocol.and_then(|leaf| protocols.get(&leaf).copied())).collect();
        taken.insert(index, entry);
        Some(targets)
    });
    if let Some(error) = failure {
        return Err(error);
    }

    // 2. The census: up to the head, so that what came after the claim shows.
    let is_fact = |index: &&EntryIndex| taken.get(*index).is_some_and(|entry| !is_frame(&entry.payload));
    let census_first = match census {
        Census::Rests => {
            let first = reached.iter().find(is_fact).copied().unwrap_or(claim);
            first_of_runs(ledger, first, &reached, disclose)?
        }
        Census::Whole => EntryIndex(0),
    };
    let census_count = size.0 - census_first.0;
    if census_count > MAX_ENTRIES as u64 {
        return Err(CutError::TooLarge { what: "entries", found: census_count, most: MAX_ENTRIES as u64 });
    }
    for entry in ledger.entries(census_first).map_err(JournalError::from)? {
        let entry = entry.map_err(JournalError::from)?;
        if let Slot::Vacant(slot) = taken.entry(entry.index) {
            slot.insert(open(entry.index, entry.bytes)?);
        }
    }

    // 3. The frame: entry 0, and every key change before the census, along the chain that the entries themselves name.
    let mut open_changes: BTreeSet<EntryIndex> = taken.values().map(|entry| entry.payload.keyset).collect();
    open_changes.insert(EntryIndex(0));
    while let Some(index) = open_changes.pop_last() {
        if let Slot::Vacant(slot) = taken.entry(index) {
            let entry = slot.insert(take(ledger, index)?);
            if index != EntryIndex(0) {
                open_changes.insert(entry.payload.keyset);
            }
        }
    }

    // 4. Contents: sample records that support the claim, the claim itself, and what the lab chooses to show.
    let is_claim = first.kind == Kind::Claim;
    let supports: BTreeSet<Digest> = first
        .edges
        .iter()
        .filter(|edge| edge.edge_type == EdgeType::Supports && edge.kind == DigestKind::Samples)
        .map(|edge| edge.digest)
        .collect();
    let mut contents = Contents::default();
    for index in &reached {
        let entry = &taken[index];
        // A claim's own rules, and those it was promised under, are what it is judged by.
        let is_rule =
            entry.payload.kind.is_testimony() || is_claim && (*index == claim || entry.payload.kind == Kind::Protocol);
        contents.add_body(&objects, *index, entry, is_rule || disclose.shows(*index))?;
        for (kind, digest) in manifest_digests(&entry.payload) {
            let is_shown = supports.contains(&digest) || disclose.shows(*index);
            contents.add_manifest(&objects, entry, kind, digest, is_shown)?;
        }
    }

    // How what the chain rests on was made: the runs that wrote it, which nothing links to.
    let runs = taken.iter().filter_map(|(index, entry)| run_of(*index, &entry.payload, &reached));
    for run in runs.filter(|run| disclose.shows(run.end)) {
        for index in [run.start, run.end] {
            if let Some(entry) = taken.get(&index).filter(|_| !reached.contains(&index)) {
                contents.add_word(&objects, index, entry)?;
            }
        }
    }

    // What later entries say of the chain (taken back, left out, gone wrong, to be had elsewhere) is shown as far as it is
    // still here: a reader must see the reason, and without one an incident is not settled.
    for index in later_words(&taken, &reached, census) {
        contents.add_word(&objects, index, &taken[&index])?;
    }

    // An audit of the judge is of the claim's logs and comes after them: nothing in the chain points to it.
    let logs = first.edges.iter().filter(|edge| edge.edge_type == EdgeType::Supports).map(|edge| edge.seq);
    contents.add_audits(&objects, &taken, &logs.collect())?;

    // 5. One proof for all entries.
    let leaves: Vec<(EntryIndex, LeafHash)> = taken.iter().map(|(index, entry)| (*index, entry.leaf)).collect();
    let indexes: Vec<EntryIndex> = leaves.iter().map(|(index, _)| *index).collect();
    let multiproof = ledger
        .prove(|nodes| prove_many(nodes, size, &indexes), |proof| check_many(ledger.tree(), &leaves, proof).is_ok())
        .map_err(JournalError::from)?
        .map_err(|_| CutError::Proof)?;

    Ok(Evidence {
        head: ledger.head().bytes().to_vec(),
        claim,
        anchors: Vec::new(),
        census_first,
        census_count,
        entries: taken.into_iter().map(|(index, entry)| (index, entry.bytes)).collect(),
        multiproof,
        manifests: contents.manifests.into_values().collect(),
        openings: Vec::new(),
        bodies: contents.bodies.into_iter().collect(),
        annexes: Vec::new(),
        withheld: contents.withheld.into_values().collect(),
    })
}

fn within_limits(evidence: Evidence) -> Result<Evidence, CutError> {
    let length = length_of(&evidence);
    if length > MAX_EVIDENCE_BYTES / 2 {
        return Err(CutError::TooLarge { what: "bytes", found: length, most: MAX_EVIDENCE_BYTES / 2 });
    }
    Ok(evidence)
}

fn length_of(evidence: &Evidence) -> u64 {
    let entries = evidence.entries.iter().chain(&evidence.bodies).map(|(_, bytes)| bytes.len());
    let manifests = evidence.manifests.iter().map(|manifest| manifest.object.len());
    let contents = evidence.openings.iter().map(|opening| match &opening.content {
        None => 0,
        Some(Content::Bytes(bytes) | Content::Slice { slice: bytes, .. }) => bytes.len(),
    });
    let openings = evidence.openings.iter().map(|opening| {
        let hashes = opening.inclusion.path.len() + opening.inclusion.header_path.len();
        opening.inclusion.leaf.len() + 3 * 64 * 34 + hashes * 34
    });
    let annexes = evidence.annexes.iter().map(|annex| annex.testimony.len() + annex.consistency.len() * 34);
    entries.chain(annexes).chain(manifests).chain(contents).chain(openings).map(|length| length as u64 + 64).sum()
}

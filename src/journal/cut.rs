//! Evidence out of a ledger: the claim, everything it reaches, the census up to the head, and what is disclosed.

use std::collections::btree_map::Entry as Slot;
use std::collections::{BTreeMap, BTreeSet};

use crate::artifact::manifest::{MAX_MANIFEST_BYTES, ManifestError, ManifestView};
use crate::digest::{Digest, DigestKind, LeafHash, ManifestRoot, NodeHash};
use crate::evidence::{
    Annex, Content, DisclosedManifest, Evidence, MAX_ANNEXES, MAX_ENTRIES, MAX_EVIDENCE_BYTES, MAX_TESTIMONY_BYTES,
    MAX_TESTIMONY_ENTRIES, Opening, Withheld,
};
use crate::journal::JournalError;
use crate::ledger::{Ledger, Objects};
use crate::merkle::{EntryIndex, TreeHead, check_consistency, check_many, prove_consistency, prove_many};
use crate::statement::{Edge, EdgeType, Entry, Kind, MAX_BODY_BYTES, Payload};
use crate::verify::{Testimony, TestimonyError, reachable};

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

/// Why evidence could not be cut.
#[derive(Debug, thiserror::Error)]
pub enum CutError {
    /// The ledger.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// Entry is no claim.
    #[error("entry {index} is of kind `{kind}`, not a claim")]
    NotClaim {
        /// Which.
        index: EntryIndex,
        /// What it is.
        kind: &'static str,
    },
    /// Items are opened of artifacts.
    #[error("entry {index} is of kind `{kind}`, which has no items")]
    NotArtifact {
        /// Which.
        index: EntryIndex,
        /// What it is.
        kind: &'static str,
    },
    /// Only a statement on another ledger's claim is cut as one.
    #[error("entry {index} is of kind `{kind}`, which says nothing of another ledger")]
    NotTestimony {
        /// Which.
        index: EntryIndex,
        /// What it is.
        kind: &'static str,
    },
    /// What was attached is not what a reader would take.
    #[error("what entry {index} attached cannot be shown")]
    Attached {
        /// The entry.
        index: EntryIndex,
        /// Why not.
        #[source]
        source: TestimonyError,
    },
    /// The claim's own body was erased.
    #[error("the body of entry {index} is not in the ledger's objects: what it says cannot be shown")]
    NoClaimBody {
        /// Which.
        index: EntryIndex,
    },
    /// An object that an entry commits to is not what it was.
    #[error("the {kind} manifest {root} in the ledger's objects is damaged")]
    Manifest {
        /// Its kind.
        kind: &'static str,
        /// Its root.
        root: ManifestRoot,
        /// What is wrong.
        #[source]
        source: ManifestError,
    },
    /// The object's root differs.
    #[error("the object kept as the {kind} manifest {root} is another one, with root {found}")]
    OtherManifest {
        /// Its kind.
        kind: &'static str,
        /// Its root.
        root: ManifestRoot,
        /// What it is.
        found: ManifestRoot,
    },
    /// More than a reader would take.
    #[error("the evidence would have {found} {what}, at most {most} are allowed")]
    TooLarge {
        /// Of what.
        what: &'static str,
        /// How many.
        found: u64,
        /// The limit.
        most: u64,
    },
    /// The tree of the ledger does not give the proof.
    #[error("the ledger's tree does not prove its own entries: run `reproledger audit`")]
    Proof,
}

/// An entry on its way into evidence.
struct Taken {
    bytes: Vec<u8>,
    leaf: LeafHash,
    payload: Payload,
    issuer: String,
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

/// A run that wrote something.
struct RunOf {
    start: EntryIndex,
    end: EntryIndex,
}

/// The run that ended there, where it wrote something that is reached.
fn run_of(end: EntryIndex, payload: &Payload, reached: &BTreeSet<EntryIndex>) -> Option<RunOf> {
    let local = || payload.edges.iter().filter(|edge| payload.kind == Kind::RunEnd && edge.log.is_none());
    let start = local().find(|edge| edge.edge_type == EdgeType::Ends)?.seq;
    let wrote = |edge: &Edge| edge.edge_type == EdgeType::Generated && reached.contains(&edge.seq);
    (reached.contains(&start) || local().any(wrote)).then_some(RunOf { start, end })
}

/// The first entry of the runs that are shown, or `first` where that is earlier: a run is shown from its beginning.
fn first_of_runs(
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

fn within_limits(evidence: Evidence) -> Result<Evidence, CutError> {
    let length = length_of(&evidence);
    if length > MAX_EVIDENCE_BYTES / 2 {
        return Err(CutError::TooLarge { what: "bytes", found: length, most: MAX_EVIDENCE_BYTES / 2 });
    }
    Ok(evidence)
}

fn is_frame(payload: &Payload) -> bool {
    matches!(payload.kind, Kind::Genesis | Kind::KeyChange)
}

fn take(ledger: &Ledger, index: EntryIndex) -> Result<Taken, CutError> {
    let entry = ledger.entry(index).map_err(JournalError::from)?;
    open(index, entry.bytes)
}

fn open(index: EntryIndex, bytes: Vec<u8>) -> Result<Taken, CutError> {
    let entry = Entry::parse(&bytes).map_err(|source| JournalError::Entry { index, source })?;
    let (leaf, payload, issuer) = (entry.leaf_hash(), entry.claimed().clone(), entry.claims().issuer.clone());
    Ok(Taken { bytes, leaf, payload, issuer })
}

/// Entries before the claim by their digest, as far as protocols are named; empty when none is.
fn protocols(ledger: &Ledger, claim: EntryIndex) -> Result<BTreeMap<LeafHash, EntryIndex>, CutError> {
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

/// A table of samples that says that it is of one of the claim's logs.
fn is_audit(payload: &Payload, logs: &BTreeSet<EntryIndex>) -> bool {
    let is_of = |edge: &Edge| edge.edge_type == EdgeType::DerivedFrom && edge.log.is_none() && logs.contains(&edge.seq);
    payload.kind == Kind::Other && payload.edges.iter().any(is_of)
}

fn manifest_digests(payload: &Payload) -> Vec<(DigestKind, Digest)> {
    let measures = payload.subjects.iter().flat_map(|subject| &subject.0);
    measures
        .filter(|(kind, _)| **kind != DigestKind::File)
        .flat_map(|(kind, measure)| measure.digests.iter().map(move |digest| (*kind, *digest)))
        .collect()
}

/// Entries outside the chain that speak of something in it, of the very content of something in it, or of another such
/// word. Where the census is the whole ledger, all of them: attempts that the chain does not reach are accounted for by
/// the reasons that were given for them.
fn later_words(
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

/// What evidence shows and what it says that it does not.
#[derive(Default)]
struct Contents {
    manifests: BTreeMap<(DigestKind, ManifestRoot), DisclosedManifest>,
    bodies: BTreeMap<EntryIndex, Vec<u8>>,
    withheld: BTreeMap<Digest, Withheld>,
}

impl Contents {
    fn add_body(
        &mut self,
        objects: &Objects,
        index: EntryIndex,
        entry: &Taken,
        is_shown: bool,
    ) -> Result<(), CutError> {
        let Some(commitment) = entry.payload.body else { return Ok(()) };
        let object = objects.get(commitment.as_bytes(), MAX_BODY_BYTES as u64 + 64).map_err(JournalError::from)?;
        match object {
            Some(object) if is_shown => {
                self.bodies.insert(index, object);
            }
            kept => {
                let reason = if kept.is_some() { "not disclosed" } else { "erased" };
                self.withhold(entry, commitment.into(), 1, &format!("body of entry {index}, {reason}"));
            }
        }
        Ok(())
    }

    /// The body of an entry outside the chain: what is kept back of those is not listed.
    fn add_word(&mut self, objects: &Objects, index: EntryIndex, entry: &Taken) -> Result<(), CutError> {
        let Some(commitment) = entry.payload.body else { return Ok(()) };
        let object = objects.get(commitment.as_bytes(), MAX_BODY_BYTES as u64 + 64).map_err(JournalError::from)?;
        self.bodies.extend(object.map(|object| (index, object)));
        Ok(())
    }

    /// The sample records of audits of these logs, as far as they are still here: outside the chain nothing is withheld.
    fn add_audits(
        &mut self,
        objects: &Objects,
        taken: &BTreeMap<EntryIndex, Taken>,
        logs: &BTreeSet<EntryIndex>,
    ) -> Result<(), CutError> {
        for entry in taken.values().filter(|entry| is_audit(&entry.payload, logs)) {
            let digests = manifest_digests(&entry.payload);
            for (kind, digest) in digests.into_iter().filter(|(kind, _)| *kind == DigestKind::Samples) {
                if objects.get(&digest.bytes, MAX_MANIFEST_BYTES).map_err(JournalError::from)?.is_some() {
                    self.add_manifest(objects, entry, kind, digest, true)?;
                }
            }
        }
        Ok(())
    }

    fn add_manifest(
        &mut self,
        objects: &Objects,
        entry: &Taken,
        kind: DigestKind,
        digest: Digest,
        is_shown: bool,
    ) -> Result<(), CutError> {
        let root = ManifestRoot::from_bytes(digest.bytes);
        let object =
            if is_shown { objects.get(&digest.bytes, MAX_MANIFEST_BYTES).map_err(JournalError::from)? } else { None };
        let Some(object) = object else {
            let count = entry
                .payload
                .subjects
                .iter()
                .filter_map(|subject| subject.0.get(&kind))
                .find(|measure| measure.digests.contains(&digest))
                .map_or(0, |measure| measure.count);
            let reason = if is_shown { "not in the ledger's objects" } else { "not disclosed" };
            self.withhold(entry, digest, count, &format!("{kind} manifest, {reason}"));
            return Ok(());
        };
        let refuse = |source| CutError::Manifest { kind: kind.name(), root, source };
        let found = ManifestView::parse_kind(&object, kind).and_then(|manifest| manifest.root()).map_err(refuse)?;
        if found != root {
            return Err(CutError::OtherManifest { kind: kind.name(), root, found });
        }
        self.withheld.remove(&digest);
        self.manifests.insert((kind, root), DisclosedManifest { kind, root, object });
        Ok(())
    }

    fn withhold(&mut self, entry: &Taken, digest: Digest, count: u64, reason: &str) {
        if self.manifests.contains_key(&(DigestKind::Tree, ManifestRoot::from_bytes(digest.bytes))) {
            return;
        }
        let holder = entry.issuer.chars().take(200).collect();
        self.withheld.insert(digest, Withheld { digest, count, holder, reason: reason.to_owned() });
    }
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

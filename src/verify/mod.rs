//! Turns bytes from anyone into values that may be believed.
//!
//! Every check of signatures, places, proofs and digests is made here and nowhere else. Pure: no clock, no files, no
//! store, no threads, no network. What comes out is consistent and signed; whether it supports the claim is for
//! [`crate::check`] to say, and what nobody can see from here (honest labs, other experiments) is said beside it.

mod held;
mod keyset;
mod links;
mod openings;
mod pools;
mod reject;
mod testimony;

use std::collections::{BTreeMap, BTreeSet};

use crate::artifact::manifest::ManifestView;
use crate::digest::{Digest, DigestKind, LeafHash, LedgerId, ManifestRoot, Thumbprint};
use crate::evidence::{Anchor, Evidence, Withheld};
use crate::key::{KeyName, NoteKind, Policy, PublicKey, VerifierKey, WitnessIndex};
use crate::merkle::{EntryIndex, Origin, SignedHead, TreeHead, check_consistency, check_many};
use crate::statement::{Body, Claims, Entry, Measure, Payload};

pub use held::check_held;
pub use keyset::{KeySet, Revocation};
pub use links::{LinkReport, LinkTarget, check_link, check_named, reachable};
pub use openings::{OpeningError, ShownContent, VerifiedItem};
pub use reject::{AnchorError, Class, Reject};
pub use testimony::{Testified, Testimony, TestimonyError};

/// Characters of the issuer's URI that stand as the holder of something withheld.
const MAX_HOLDER_CHARS: usize = 200;

/// An entry whose place, signature and key were checked. Only this module makes one.
///
/// It keeps what the entry says and not its bytes: evidence can hold hundreds of thousands.
#[derive(Debug, Clone)]
pub struct VerifiedEntry(Box<Believed>);

#[derive(Debug, Clone)]
struct Believed {
    payload: Payload,
    claims: Claims,
    key_id: Thumbprint,
    leaf: LeafHash,
}

impl VerifiedEntry {
    /// What it says.
    pub fn payload(&self) -> &Payload {
        &self.0.payload
    }

    /// Who says it, about what, when by the signer's clock.
    pub fn claims(&self) -> &Claims {
        &self.0.claims
    }

    /// Its digest.
    pub fn leaf_hash(&self) -> LeafHash {
        self.0.leaf
    }

    /// The key that signed it.
    pub fn key_id(&self) -> Thumbprint {
        self.0.key_id
    }
}

/// Who, other than the lab, stands behind the head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Voucher {
    /// The reader gave no trust policy: nobody.
    None,
    /// The reader pinned the log's key.
    Pinned {
        /// The key's name in the policy.
        key: KeyName,
        /// Names of the reader's witnesses that cosigned the head, with the times they claim.
        witnesses: Vec<(String, u64)>,
        /// Witnesses in the policy.
        known_witnesses: usize,
        /// True when the policy asks for witnesses (and, since this is verified, has them).
        quorum_required: bool,
    },
}

/// Evidence that is consistent, signed and in place.
#[derive(Debug)]
pub struct VerifiedEvidence<'a> {
    /// The ledger's identity.
    pub log: LedgerId,
    /// The ledger's name.
    pub origin: String,
    /// The tree all proofs are against.
    pub head: TreeHead,
    /// Thumbprint of the log key.
    pub log_key: PublicKey,
    /// Who stands behind the head.
    pub voucher: Voucher,
    /// The claim's entry, or the entry whose items are opened.
    pub claim: EntryIndex,
    /// First index of the census, which reaches the head.
    pub census_first: EntryIndex,
    /// All entries.
    pub entries: BTreeMap<EntryIndex, VerifiedEntry>,
    /// Disclosed bodies.
    pub bodies: BTreeMap<EntryIndex, Body>,
    /// Disclosed manifests.
    pub manifests: BTreeMap<(DigestKind, ManifestRoot), ManifestView<'a>>,
    /// Opened items; where there are any, the file is about them and not about a claim.
    pub items: Vec<VerifiedItem>,
    /// What is not shown.
    pub withheld: Vec<Withheld>,
    /// Entries whose signing key was later said to have been stolen by then.
    pub disowned: BTreeSet<EntryIndex>,
    /// What the links between entries amount to.
    pub links: LinkReport,
    /// Earlier heads that the main one extends, ascending by size.
    pub anchors: Vec<SeenHead>,
    /// Every key that was ever enrolled, as of the head.
    pub keys: KeySet,
    /// What others say of the claim.
    pub testified: Vec<Testified>,
}

/// An earlier head that the main one extends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenHead {
    /// Its tree.
    pub tree: TreeHead,
    /// Names of the reader's witnesses that cosigned it, with the times they claim: parties outside of the lab.
    pub witnesses: Vec<(String, u64)>,
}

impl VerifiedEvidence<'_> {
    /// The same without its manifests, so that the file's bytes can be let go: what a report needs.
    pub fn without_manifests(self) -> VerifiedEvidence<'static> {
        VerifiedEvidence {
            log: self.log,
            origin: self.origin,
            head: self.head,
            log_key: self.log_key,
            voucher: self.voucher,
            claim: self.claim,
            census_first: self.census_first,
            entries: self.entries,
            bodies: self.bodies,
            manifests: BTreeMap::new(),
            items: self.items,
            withheld: self.withheld,
            disowned: self.disowned,
            links: self.links,
            anchors: self.anchors,
            keys: self.keys,
            testified: self.testified,
        }
    }
}

/// What a file is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum About {
    /// A claim, or items of one artifact.
    Claim,
    /// A statement on a claim in another ledger.
    Testimony,
}

/// Verifies an evidence file. `trust` is the reader's own policy; without it nobody vouches for the keys.
pub fn evidence<'a>(bytes: &'a [u8], trust: Option<&Policy>) -> Result<VerifiedEvidence<'a>, Reject> {
    let mut evidence = Evidence::parse(bytes)?;
    let annexes = std::mem::take(&mut evidence.annexes);
    let mut verified = open(evidence, trust, About::Claim)?;
    testimony::open_annexes(&annexes, &mut verified)?;
    Ok(verified)
}

/// The same of a file that was read, without what others signed.
fn open<'a>(
    evidence: Evidence<&'a [u8]>,
    trust: Option<&Policy>,
    about: About,
) -> Result<VerifiedEvidence<'a>, Reject> {
    // 1. Entry 0 names the ledger and its keys; the head must be signed by the log key it names.
    let leaves = read_entries(&evidence)?;
    let genesis_entry = match evidence.entries.first() {
        Some((EntryIndex(0), bytes)) => parse_entry(EntryIndex(0), bytes)?,
        _ => return Err(Reject::NoGenesis),
    };
    let (log, genesis, mut keys) = KeySet::open_genesis(&genesis_entry)?;
    let log_key = verifier_key(&genesis.origin, genesis.log_key)?;
    let head = SignedHead::open(evidence.head, &log_key)?;
    let tree = *head.tree();

    // 2. The entries are the ones under the head, at their places.
    if let Some((index, _)) = leaves.last().filter(|(index, _)| !tree.size.contains(*index)) {
        return Err(Reject::OutsideTree { index: *index, size: tree.size.0 });
    }
    check_many(&tree, &leaves, &evidence.multiproof).map_err(Reject::Inclusion)?;
    let anchors = check_anchors(&evidence, &log_key, &tree)?;

    // 3. Each entry is for this ledger and place, signed by a key enrolled at that point.
    let mut verified = BTreeMap::new();
    for ((index, bytes), (_, leaf)) in evidence.entries.iter().zip(leaves) {
        let index = *index;
        let entry = parse_entry(index, bytes)?;
        let key = keys.key_for(index, &entry)?;
        if !entry.is_signed_by(&key) {
            return Err(Reject::Signature { index });
        }
        keys.apply(index, entry.claimed())?;
        let key_id = entry.key_id();
        let (payload, claims) = entry.into_parts();
        verified.insert(index, VerifiedEntry(Box::new(Believed { payload, claims, key_id, leaf })));
    }

    // 4. The reader's own policy, never anything inside the file, decides who is trusted.
    let voucher = match trust {
        None => Voucher::None,
        Some(policy) => vouch(policy, evidence.head, &log_key, &keys)?,
    };
    let seen = |(tree, anchor): (TreeHead, &Anchor<&[u8]>)| {
        let Some(policy) = trust else { return Ok(SeenHead { tree, witnesses: Vec::new() }) };
        Ok(SeenHead { tree, witnesses: witnesses(policy, &cosigners(policy, anchor.head, &keys)?) })
    };
    let anchors = anchors.into_iter().zip(&evidence.anchors).map(seen).collect::<Result<_, Reject>>()?;

    // 5. The census is gapless up to the head; times in it do not go back.
    check_census(&evidence, &tree, &verified)?;

    // 6. Links point back, bind what their targets carry, and nothing stands here that is not needed.
    let links = links::check(&evidence, log, &verified, about)?;

    // 7. Disclosed manifests and bodies are the ones committed to, and opened items are of them.
    let manifests = open_manifests(&evidence, &verified)?;
    let items = openings::open_items(&evidence, &verified)?;
    let bodies = open_bodies(&evidence, &verified)?;
    check_withheld(&evidence, &verified, &links.reached)?;

    Ok(VerifiedEvidence {
        log,
        origin: genesis.origin,
        head: tree,
        log_key: genesis.log_key,
        voucher,
        claim: evidence.claim,
        census_first: evidence.census_first,
        disowned: disowned(&keys, &verified),
        entries: verified,
        bodies,
        manifests,
        items,
        withheld: evidence.withheld,
        links,
        anchors,
        keys,
        testified: Vec::new(),
    })
}

/// The key of a log under the name that its heads bear.
fn verifier_key(origin: &str, key: PublicKey) -> Result<VerifierKey, Reject> {
    let parsed = Origin::parse(origin).map_err(|_| Reject::Origin(origin.to_owned()))?;
    Ok(VerifierKey { name: parsed.key_name().clone(), kind: NoteKind::Ed25519, key })
}

fn parse_entry(index: EntryIndex, bytes: &[u8]) -> Result<Entry, Reject> {
    Entry::parse(bytes).map_err(|source| Reject::Entry { index, source })
}

/// Reads each entry once and keeps its digest alone: what none of them is, is said before any is believed.
fn read_entries(evidence: &Evidence<&[u8]>) -> Result<Vec<(EntryIndex, LeafHash)>, Reject> {
    let read = |(index, bytes): &(EntryIndex, &[u8])| Ok((*index, parse_entry(*index, bytes)?.leaf_hash()));
    evidence.entries.iter().map(read).collect()
}

fn check_anchors(evidence: &Evidence<&[u8]>, log_key: &VerifierKey, tree: &TreeHead) -> Result<Vec<TreeHead>, Reject> {
    let mut trees: Vec<TreeHead> = Vec::new();
    for (number, anchor) in evidence.anchors.iter().enumerate() {
        let refuse = |reason| Reject::Anchor { number, reason };
        let head = SignedHead::open(anchor.head, log_key).map_err(|error| refuse(AnchorError::Head(error)))?;
        if trees.last().is_some_and(|previous| previous.size >= head.tree().size) {
            return Err(refuse(AnchorError::Order));
        }
        check_consistency(head.tree(), tree, &anchor.consistency)
            .map_err(|error| refuse(AnchorError::Consistency(error)))?;
        trees.push(*head.tree());
    }
    Ok(trees)
}

fn vouch(policy: &Policy, head: &[u8], log_key: &VerifierKey, keys: &KeySet) -> Result<Voucher, Reject> {
    let origin = log_key.name.as_str().to_owned();
    // A log may be pinned by several keys of its name; one of them must be the key that signed.
    let mut pinned = policy.logs.iter().map(|log| &log.key).filter(|key| key.name == log_key.name).peekable();
    if pinned.peek().is_none() {
        return Err(Reject::Unpinned { origin });
    }
    if !pinned.any(|key| key.key == log_key.key) {
        return Err(Reject::OtherLedger { origin });
    }
    let cosigners = cosigners(policy, head, keys)?;
    if !policy.quorum_met(&cosigners.keys().copied().collect()) {
        return Err(Reject::Quorum { found: cosigners.len() });
    }
    Ok(Voucher::Pinned {
        key: log_key.name.clone(),
        witnesses: witnesses(policy, &cosigners),
        known_witnesses: policy.witnesses.len(),
        quorum_required: policy.needs_witnesses(),
    })
}

/// Witnesses of the reader's that cosigned a head.
fn cosigners(policy: &Policy, head: &[u8], keys: &KeySet) -> Result<BTreeMap<WitnessIndex, u64>, Reject> {
    let mut cosigners = policy.cosigners(head).map_err(Reject::PinnedSignature)?;
    // A ledger that watches itself is watched by nobody.
    cosigners.retain(|index, _| policy.witnesses.get(index.0).is_some_and(|witness| !keys.is_own(&witness.key.key)));
    Ok(cosigners)
}

/// Their names and times.
fn witnesses(policy: &Policy, cosigners: &BTreeMap<WitnessIndex, u64>) -> Vec<(String, u64)> {
    let named = cosigners.iter().filter_map(|(index, time)| Some((policy.witnesses.get(index.0)?, *time)));
    named.map(|(witness, time)| (witness.key.name.as_str().to_owned(), time)).collect()
}

fn check_census(
    evidence: &Evidence<&[u8]>,
    tree: &TreeHead,
    entries: &BTreeMap<EntryIndex, VerifiedEntry>,
) -> Result<(), Reject> {
    let (first, count, size) = (evidence.census_first, evidence.census_count, tree.size.0);
    if count == 0 || first.0.checked_add(count) != Some(size) {
        return Err(Reject::CensusRange { first, count, size });
    }
    for index in (first.0..size).map(EntryIndex) {
        if !entries.contains_key(&index) {
            return Err(Reject::CensusGap { index });
        }
    }
    let mut previous: Option<(EntryIndex, u64)> = None;
    for (index, entry) in entries {
        let index = *index;
        let found = entry.claims().issued_at;
        // A clock that went back shows as a `clock-step` entry; the times themselves never do.
        if let Some((before, expected)) = previous
            && found < expected
        {
            return Err(Reject::Time { index, previous: before, expected, found });
        }
        previous = Some((index, found));
    }
    Ok(())
}

fn open_manifests<'a>(
    evidence: &Evidence<&'a [u8]>,
    entries: &BTreeMap<EntryIndex, VerifiedEntry>,
) -> Result<BTreeMap<(DigestKind, ManifestRoot), ManifestView<'a>>, Reject> {
    // By root first: a file of many manifests and many subjects must not cost their product.
    let mut measures: BTreeMap<(DigestKind, Digest), Vec<&Measure>> = BTreeMap::new();
    for (kind, measure) in entries.values().flat_map(|entry| &entry.payload().subjects).flat_map(|subject| &subject.0) {
        for digest in &measure.digests {
            measures.entry((*kind, *digest)).or_default().push(measure);
        }
    }
    let mut manifests = BTreeMap::new();
    for disclosed in &evidence.manifests {
        let (kind, root) = (disclosed.kind, disclosed.root);
        let refuse = |source| Reject::Manifest { kind, root, source };
        let manifest = ManifestView::parse_kind(disclosed.object, kind).map_err(refuse)?;
        let found = manifest.root().map_err(refuse)?;
        if found != root {
            return Err(Reject::ManifestRoot { kind, root, found });
        }
        let measures = measures.get(&(kind, root.into())).ok_or(Reject::ExtraManifest { kind, root })?;
        let (found, found_length) = (manifest.count(), disclosed.object.len() as u64);
        if let Some(measure) = measures.iter().find(|measure| (measure.count, measure.length) != (found, found_length))
        {
            let (count, length) = (measure.count, measure.length);
            return Err(Reject::ManifestCount { kind, root, count, length, found, found_length });
        }
        manifests.insert((kind, root), manifest);
    }
    Ok(manifests)
}

fn open_bodies(
    evidence: &Evidence<&[u8]>,
    entries: &BTreeMap<EntryIndex, VerifiedEntry>,
) -> Result<BTreeMap<EntryIndex, Body>, Reject> {
    let open = |(index, object): &(EntryIndex, &[u8])| {
        let index = *index;
        let commitment =
            entries.get(&index).and_then(|entry| entry.payload().body).ok_or(Reject::ExtraBody { index })?;
        let body = Body::open(object, &commitment).map_err(|source| Reject::Body { index, source })?;
        Ok((index, body))
    };
    evidence.bodies.iter().map(open).collect()
}

/// The list of withheld things is under no signature of its own: it must be what follows from entries that are.
fn check_withheld(
    evidence: &Evidence<&[u8]>,
    entries: &BTreeMap<EntryIndex, VerifiedEntry>,
    reached: &BTreeSet<EntryIndex>,
) -> Result<(), Reject> {
    let bodies: BTreeSet<EntryIndex> = evidence.bodies.iter().map(|(index, _)| *index).collect();
    let manifests: BTreeSet<(DigestKind, Digest)> =
        evidence.manifests.iter().map(|manifest| (manifest.kind, manifest.root.into())).collect();
    let mut hidden: BTreeMap<Digest, Vec<Hidden<'_>>> = BTreeMap::new();
    for index in reached {
        let Some(entry) = entries.get(index) else { continue };
        let holder = entry.claims().issuer.as_str();
        if let Some(body) = entry.payload().body.filter(|_| !bodies.contains(index)) {
            let reasons = ["not disclosed", "erased"].map(|why| format!("body of entry {index}, {why}"));
            hidden.entry(body.into()).or_default().push(Hidden { count: 1, holder, reasons });
        }
        for (kind, measure) in entry.payload().subjects.iter().flat_map(|subject| &subject.0) {
            // A file is never inside evidence: whoever has it looks at it with the artifacts.
            let is_inside = *kind != DigestKind::File;
            for digest in measure.digests.iter().filter(|digest| is_inside && !manifests.contains(&(*kind, **digest))) {
                let reasons =
                    ["not disclosed", "not in the ledger's objects"].map(|why| format!("{kind} manifest, {why}"));
                hidden.entry(*digest).or_default().push(Hidden { count: measure.count, holder, reasons });
            }
        }
    }
    for withheld in &evidence.withheld {
        let digest = withheld.digest;
        let known = hidden.remove(&digest).ok_or(Reject::ExtraWithheld { digest })?;
        if !known.iter().any(|hidden| hidden.allows(withheld)) {
            return Err(Reject::WithheldWords { digest });
        }
    }
    match hidden.into_keys().next() {
        Some(digest) => Err(Reject::UnlistedWithheld { digest }),
        None => Ok(()),
    }
}

/// What may be said of something that an entry commits to and the evidence does not show.
struct Hidden<'a> {
    count: u64,
    holder: &'a str,
    reasons: [String; 2],
}

impl Hidden<'_> {
    fn allows(&self, withheld: &Withheld) -> bool {
        let holder: String = self.holder.chars().take(MAX_HOLDER_CHARS).collect();
        withheld.count == self.count && withheld.holder == holder && self.reasons.contains(&withheld.reason)
    }
}

fn disowned(keys: &KeySet, entries: &BTreeMap<EntryIndex, VerifiedEntry>) -> BTreeSet<EntryIndex> {
    let since = |entry: &VerifiedEntry| keys.revoked().get(&entry.key_id())?.compromised_since;
    entries
        .iter()
        .filter(|(index, entry)| since(entry).is_some_and(|since| **index >= since))
        .map(|(index, _)| *index)
        .collect()
}

//! What somebody else says of the claim, in a ledger of his own: a testimony, held to his ledger and to this one.
//!
//! A testimony is an evidence file about one entry of a kind that speaks of another ledger, with that entry's body. It is
//! verified as any evidence is; then it must be of this ledger, this claim as it stands here, and a head that this ledger
//! really had, and its two ledgers must have no key in common. So a testimony that was signed over again, moved to another
//! claim or altered is refused whole. What it is worth is not said here: that depends on who the reader says its key is.
//!
//! **A further kind** takes four lines elsewhere: its number in [`crate::statement::Kind`], with
//! [`is_testimony`](crate::statement::Kind::is_testimony) true of it; its words as a field of
//! [`crate::statement::Body`]; an arm of [`Testimony::check_words`] that holds those words to the evidence they are about,
//! as [`rebuild`] does; and `testimony-payload` in `schemas/entry.cddl`. Carrying, attaching, proving and refusing are the
//! same for all.

mod error;
mod likelihood;
mod rebuild;

use crate::digest::{Digest, FileDigest, LedgerId, NodeHash};
use crate::evidence::{Annex, Evidence, MAX_TESTIMONY_BYTES, MAX_TESTIMONY_ENTRIES};
use crate::key::VerifierKey;
use crate::merkle::{EntryIndex, TreeHead, check_consistency};
use crate::statement::{Body, Edge, EdgeType, Kind};
use crate::verify::held::root_at;
use crate::verify::{KeySet, Reject, VerifiedEntry, VerifiedEvidence};

pub use error::TestimonyError;

/// A statement in somebody's ledger on a claim in another, consistent and signed. Only this module makes one.
#[derive(Debug, Clone)]
pub struct Testimony {
    /// The ledger that it stands in.
    pub log: LedgerId,
    /// That ledger's log key, with the name that its heads are signed under.
    pub log_key: VerifierKey,
    /// Its place there.
    pub index: EntryIndex,
    /// Its entry.
    pub entry: VerifiedEntry,
    /// What it says.
    pub body: Body,
    /// The claim it is of.
    pub of: Edge,
    /// The tree of that claim's ledger that it was made from.
    pub head: TreeHead,
    /// The later entry of the same ledger by which it was taken back.
    pub taken_back: Option<EntryIndex>,
    /// True where the key that signed it was later said to have been stolen by then.
    pub is_disowned: bool,
    keys: KeySet,
}

/// A testimony that is of the claim at hand.
#[derive(Debug, Clone)]
pub struct Testified {
    /// The entry by which the lab attached it; none where the reader brought it.
    pub attach: Option<EntryIndex>,
    /// BLAKE3 of its bytes.
    pub digest: FileDigest,
    /// What is said, by whom.
    pub testimony: Testimony,
    /// True where the head that it is of is seen to be one of this ledger's; else it cannot be told from here.
    pub is_of_this_history: bool,
}

impl Testimony {
    /// Verifies the bytes of a testimony by themselves.
    pub fn open(bytes: &[u8]) -> Result<Self, TestimonyError> {
        if bytes.len() > MAX_TESTIMONY_BYTES {
            return Err(TestimonyError::TooLong { found: bytes.len() });
        }
        let evidence = Evidence::parse(bytes).map_err(Reject::from)?;
        if evidence.entries.len() > MAX_TESTIMONY_ENTRIES {
            return Err(TestimonyError::TooManyEntries { found: evidence.entries.len() });
        }
        // An annex inside an annex would nest without end.
        let has = [
            ("annexes", evidence.annexes.len()),
            ("manifests", evidence.manifests.len()),
            ("opened items", evidence.openings.len()),
            ("withheld things", evidence.withheld.len()),
        ];
        if let Some((what, _)) = has.iter().find(|(_, count)| *count > 0) {
            return Err(TestimonyError::Holds { what });
        }
        let verified = super::open(evidence, None, super::About::Testimony)?;
        let VerifiedEvidence { log, log_key, claim: index, mut entries, mut bodies, disowned, keys, .. } = verified;
        let takes_back = |edge: &Edge| edge.edge_type == EdgeType::Retracts && edge.log.is_none() && edge.seq == index;
        let taken_back =
            entries.iter().find(|(_, entry)| entry.payload().edges.iter().any(takes_back)).map(|(at, _)| *at);
        let entry = entries.remove(&index).ok_or(Reject::NoClaim(index))?;
        let (Some(of), Some(head)) = (entry.payload().testifies().cloned(), entry.payload().head) else {
            return Err(Reject::NotClaim { index, kind: entry.payload().kind.name() }.into());
        };
        let body = bodies.remove(&index).ok_or(TestimonyError::NoWords { index })?;
        let log_key = super::verifier_key(&verified.origin, log_key)?;
        let is_disowned = disowned.contains(&index);
        Ok(Self { log, log_key, index, entry, body, of, head, taken_back, is_disowned, keys })
    }

    /// Holds it to the claim that it must be of; true where its head is seen to be one of that claim's ledger.
    fn check_of(
        &self,
        evidence: &VerifiedEvidence<'_>,
        consistency: Option<&[NodeHash]>,
    ) -> Result<bool, TestimonyError> {
        if self.log == evidence.log {
            return Err(TestimonyError::OwnLedger);
        }
        if self.keys.shares_a_key(&evidence.keys) {
            return Err(TestimonyError::OwnKey);
        }
        if let Some(found) = self.of.log.filter(|log| *log != evidence.log) {
            return Err(TestimonyError::OtherLedger { found, expected: evidence.log });
        }
        let claim = evidence.entries.get(&evidence.claim).ok_or(Reject::NoClaim(evidence.claim))?;
        if self.of.seq != evidence.claim || self.of.digest != Digest::from(claim.leaf_hash()) {
            return Err(TestimonyError::OtherClaim { found: self.of.seq, expected: evidence.claim });
        }
        if !self.head.size.contains(evidence.claim) {
            return Err(TestimonyError::BeforeClaim { size: self.head.size.0 });
        }
        let is_of_this_history = match consistency {
            Some(proof) => check_consistency(&self.head, &evidence.head, proof).map(|()| true)?,
            // A head beyond this one is of a later day: the evidence at hand cannot tell.
            None if self.head.size > evidence.head.size => false,
            None => match root_at(evidence, &self.head) {
                None => false,
                Some(root) if root == self.head.root => true,
                Some(_) => return Err(TestimonyError::OtherHistory { size: self.head.size.0 }),
            },
        };
        self.check_words(evidence)?;
        Ok(is_of_this_history)
    }

    /// Holds what it says to the evidence that it says it of. Words of another kind beside its own would be held to nothing.
    fn check_words(&self, evidence: &VerifiedEvidence<'_>) -> Result<(), TestimonyError> {
        if self.body.rebuild.is_some() && self.body.likelihood.is_some() {
            return Err(TestimonyError::OtherWords);
        }
        match self.entry.payload().kind {
            Kind::Rebuild => rebuild::check(self, evidence),
            Kind::Likelihood => likelihood::check(self, evidence),
            kind => Err(Reject::NotClaim { index: self.index, kind: kind.name() }.into()),
        }
    }
}

/// Verifies the annexes of evidence and adds what they say to it.
pub(super) fn open_annexes(annexes: &[Annex<&[u8]>], evidence: &mut VerifiedEvidence<'_>) -> Result<(), Reject> {
    for annex in annexes {
        let refuse = |source| Reject::Annex { attach: annex.attach, source: Box::new(source) };
        check_attached(annex, evidence).map_err(refuse)?;
        let at = Some(annex.attach);
        add(evidence, annex.testimony, at, Some(&annex.consistency)).map_err(refuse)?;
    }
    Ok(())
}

/// An annex is the bytes that an entry of this ledger attached to this claim.
fn check_attached(annex: &Annex<&[u8]>, evidence: &VerifiedEvidence<'_>) -> Result<(), TestimonyError> {
    let index = annex.attach;
    let entry = evidence.entries.get(&index).ok_or(TestimonyError::NotAttached { index })?;
    if entry.payload().attached_to(evidence.claim) != Some(FileDigest::of(annex.testimony)) {
        return Err(TestimonyError::NotAttached { index });
    }
    Ok(())
}

impl VerifiedEvidence<'_> {
    /// Takes a testimony that the reader brought himself: the same rules, and no proof beside it of the head it is of.
    pub fn add_testimony(&mut self, bytes: &[u8]) -> Result<(), TestimonyError> {
        add(self, bytes, None, None)
    }
}

fn add(
    evidence: &mut VerifiedEvidence<'_>,
    bytes: &[u8],
    attach: Option<EntryIndex>,
    consistency: Option<&[NodeHash]>,
) -> Result<(), TestimonyError> {
    let testimony = Testimony::open(bytes)?;
    let is_of_this_history = testimony.check_of(evidence, consistency)?;
    let digest = FileDigest::of(bytes);
    let is_same =
        |other: &&mut Testified| (other.testimony.log, other.testimony.index) == (testimony.log, testimony.index);
    // One statement that was cut twice is one statement, and taken back as soon as one of the files says so.
    if let Some(other) = evidence.testified.iter_mut().find(is_same) {
        if other.testimony.entry.leaf_hash() != testimony.entry.leaf_hash() {
            return Err(TestimonyError::TwoHistories { index: testimony.index });
        }
        other.testimony.taken_back = other.testimony.taken_back.or(testimony.taken_back);
        other.testimony.is_disowned |= testimony.is_disowned;
        other.is_of_this_history |= is_of_this_history;
        return Ok(());
    }
    evidence.testified.push(Testified { attach, digest, testimony, is_of_this_history });
    Ok(())
}

//! A head that the reader holds from before: what is shown now must extend it.
//!
//! An older head than one that was seen already is how a ledger is rolled back, and another one of the same size is how
//! it is told differently to two readers.

use crate::merkle::{CompactRange, EntryIndex, SignedHead, TreeHead};
use crate::verify::{Reject, VerifiedEvidence};

/// Holds verified evidence to a signed head of the same ledger that the reader kept.
///
/// That the newer head extends it is seen from the entries themselves where the evidence has all of them, or else from an
/// anchor of that very size.
pub fn check_held(evidence: &VerifiedEvidence<'_>, held: &[u8]) -> Result<(), Reject> {
    let key = super::verifier_key(&evidence.origin, evidence.log_key)?;
    let held = *SignedHead::open(held, &key).map_err(Reject::HeldHead)?.tree();
    let found = evidence.head;
    if found.size < held.size {
        return Err(Reject::Rollback { held: held.size.0, found: found.size.0 });
    }
    match root_at(evidence, &held) {
        Some(root) if root == held.root => Ok(()),
        Some(_) => Err(Reject::Fork { size: held.size.0 }),
        None => Err(Reject::HeldNotShown { held: held.size.0, found: found.size.0 }),
    }
}

/// The root of the ledger at the size of an earlier head, as the evidence shows it.
pub(super) fn root_at(evidence: &VerifiedEvidence<'_>, held: &TreeHead) -> Option<crate::digest::NodeHash> {
    if evidence.head.size == held.size {
        return Some(evidence.head.root);
    }
    if let Some(anchor) = evidence.anchors.iter().find(|anchor| anchor.tree.size == held.size) {
        return Some(anchor.tree.root);
    }
    let mut range = CompactRange::new();
    for index in (0..held.size.0).map(EntryIndex) {
        range.append(evidence.entries.get(&index)?.leaf_hash()).ok()?;
    }
    Some(range.root())
}

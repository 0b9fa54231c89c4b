//! Heads that somebody outside cosigned, for evidence to carry: who saw this ledger, and when.
//!
//! A head is signed by the ledger's own log; whoever else saw it adds a cosignature line (C2SP cosignature/v1) and gives the
//! note back. What such a line is worth is the reader's to say, by the witnesses that his policy names: here only that the
//! note is one of this very ledger is held.

use std::collections::BTreeMap;

use crate::digest::NodeHash;
use crate::evidence::{Anchor, Evidence, MAX_ANCHORS};
use crate::journal::CutError;
use crate::journal::cut::consistency;
use crate::key::VerifierKey;
use crate::ledger::Ledger;
use crate::merkle::{HeadError, SignedHead, TreeSize, check_consistency};

/// Why a note cannot ride along.
#[derive(Debug, thiserror::Error)]
pub enum AnchorError {
    /// No head that this ledger's log signed.
    #[error(transparent)]
    Head(#[from] HeadError),
    /// Of nothing.
    #[error("the head is of the empty ledger, which shows nothing")]
    Empty,
    /// Somebody saw more than there is here.
    #[error(
        "the head is of {found} entries, this ledger has {here}: it lost what was signed, or the head is of another copy"
    )]
    Later {
        /// Entries under the head.
        found: u64,
        /// Entries here.
        here: u64,
    },
    /// The same size with another root.
    #[error(
        "the head over {size} entries has another root than this ledger had at that size: it is of another history"
    )]
    OtherHistory {
        /// Entries under the head.
        size: u64,
    },
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] CutError),
    /// More than evidence holds.
    #[error("evidence carries at most {MAX_ANCHORS} heads")]
    TooMany,
}

/// Notes for one piece of evidence, one for each size.
#[derive(Debug)]
pub struct Anchors<'l> {
    ledger: &'l Ledger,
    log_key: &'l VerifierKey,
    heads: BTreeMap<TreeSize, (SignedHead, Vec<NodeHash>)>,
}

impl<'l> Anchors<'l> {
    /// None yet.
    pub const fn new(ledger: &'l Ledger, log_key: &'l VerifierKey) -> Self {
        Self { ledger, log_key, heads: BTreeMap::new() }
    }

    /// Takes a note; several of one head are one head with the lines of all.
    pub fn add(&mut self, note: &[u8]) -> Result<(), AnchorError> {
        let head = SignedHead::open(note, self.log_key)?;
        let (tree, here) = (*head.tree(), self.ledger.tree());
        if tree.size.0 == 0 {
            return Err(AnchorError::Empty);
        }
        if tree.size > here.size {
            return Err(AnchorError::Later { found: tree.size.0, here: here.size.0 });
        }
        let proof = consistency(self.ledger, &tree)?;
        if check_consistency(&tree, here, &proof).is_err() {
            return Err(AnchorError::OtherHistory { size: tree.size.0 });
        }
        let head = match self.heads.remove(&tree.size) {
            Some((first, _)) => first.with_signatures_of(&head, self.log_key)?,
            None => head,
        };
        if self.heads.len() == MAX_ANCHORS {
            return Err(AnchorError::TooMany);
        }
        self.heads.insert(tree.size, (head, proof));
        Ok(())
    }

    /// The evidence with these heads; one of the newest head joins that head itself.
    pub fn into_evidence(mut self, evidence: Evidence) -> Result<Evidence, AnchorError> {
        let head = match self.heads.remove(&self.ledger.tree().size) {
            Some((seen, _)) => self.ledger.head().with_signatures_of(&seen, self.log_key)?.bytes().to_vec(),
            None => evidence.head,
        };
        let anchor = |(head, consistency): (SignedHead, _)| Anchor { head: head.bytes().to_vec(), consistency };
        Ok(Evidence { head, anchors: self.heads.into_values().map(anchor).collect(), ..evidence })
    }
}

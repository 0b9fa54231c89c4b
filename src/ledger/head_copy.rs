//! The copy of the newest head that lies beside the log.

use crate::key::VerifierKey;
use crate::merkle::{SignedHead, TreeHead};

use super::error::LedgerError;
use super::file::{Layout, read_bounded};
use super::notice::Notice;

/// A signed head of one log with its signatures is some hundred bytes.
const MAX_HEAD_BYTES: u64 = 64 << 10;

/// What the `head` copy says.
#[derive(Debug, Clone)]
pub(super) enum HeadCopy {
    Signed(SignedHead),
    Missing,
    Damaged(String),
}

impl HeadCopy {
    /// What it signs; a copy that signs nothing is told.
    pub(super) fn tree(self, notices: &mut Vec<Notice>) -> Option<TreeHead> {
        match self {
            Self::Signed(head) => return Some(*head.tree()),
            Self::Missing => notices.push(Notice::HeadCopyMissing),
            Self::Damaged(reason) => notices.push(Notice::HeadCopyDamaged { reason }),
        }
        None
    }
}

/// Reads the `head` copy. A reader must do so before it walks the log: the log only grows.
pub(super) fn head_copy(layout: &Layout, key: &VerifierKey) -> Result<HeadCopy, LedgerError> {
    match read_bounded(&layout.head(), MAX_HEAD_BYTES) {
        Ok(Some(bytes)) => Ok(match SignedHead::open(&bytes, key) {
            Ok(head) => HeadCopy::Signed(head),
            Err(error) => HeadCopy::Damaged(error.to_string()),
        }),
        Ok(None) => Ok(HeadCopy::Missing),
        Err(LedgerError::TooLarge { found, .. }) => Ok(HeadCopy::Damaged(format!("it is {found} bytes or more"))),
        Err(error) => Err(error),
    }
}

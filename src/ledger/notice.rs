//! What opening a ledger noticed and did: nothing is repaired without a word.

use std::fmt;
use std::path::PathBuf;

/// Something that a person should be told, although the ledger opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// A crash left a commit that was never acknowledged; its bytes were moved, not deleted.
    TornTail {
        /// The segment.
        segment: PathBuf,
        /// Where the tail began.
        offset: u64,
        /// How many bytes.
        bytes: u64,
        /// Where they are now; nothing while only a reader looked.
        kept: Option<PathBuf>,
    },
    /// The `head` copy is not there.
    HeadCopyMissing,
    /// The `head` copy cannot be read as a head of this log.
    HeadCopyDamaged {
        /// Why not.
        reason: String,
    },
    /// A temporary file that a crash left was removed.
    LeftOver {
        /// Which.
        path: PathBuf,
    },
    /// The state file begins anew, as was asked for.
    Adopted {
        /// The state file.
        path: PathBuf,
    },
    /// A file that can be rebuilt could not be written.
    NotWritten {
        /// What went wrong, with its cause.
        reason: String,
    },
    /// Derived files are missing or wrong; the log was read instead.
    IndexDistrusted,
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TornTail { segment, offset, bytes, kept: Some(kept) } => write!(
                f,
                "`{}` ended at byte {offset} in {bytes} bytes of a commit that was never acknowledged; they are kept in \
                 `{}`",
                segment.display(),
                kept.display()
            ),
            Self::TornTail { segment, offset, bytes, kept: None } => write!(
                f,
                "`{}` ends at byte {offset} in {bytes} bytes that no head covers: a commit under way or left by a crash",
                segment.display()
            ),
            Self::HeadCopyMissing => f.write_str("the `head` copy is missing"),
            Self::HeadCopyDamaged { reason } => write!(f, "the `head` copy is damaged: {reason}"),
            Self::LeftOver { path } => write!(f, "removed `{}`, left by a crash", path.display()),
            Self::Adopted { path } => write!(f, "`{}` now says which head was signed last", path.display()),
            Self::NotWritten { reason } => write!(f, "not written, can be rebuilt: {reason}"),
            Self::IndexDistrusted => f.write_str(
                "the derived files below `index` are missing or wrong: the log was read instead, which is slower",
            ),
        }
    }
}

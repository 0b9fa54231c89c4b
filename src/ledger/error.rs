//! What can go wrong with a ledger on disk, each with the file, the place and what was expected there.

use std::io;
use std::path::{Path, PathBuf};

use crate::digest::LedgerId;
use crate::merkle::TreeHead;

/// Why a ledger could not be opened, read or written.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The operating system refused.
    #[error("cannot {doing} `{}`", path.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// To which file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// There is no ledger here.
    #[error("`{}` holds no ledger: it has no `log/000000.seg`", path.display())]
    NotALedger {
        /// The directory that was named.
        path: PathBuf,
    },
    /// There is a ledger here already.
    #[error("`{}` already holds a ledger", path.display())]
    AlreadyThere {
        /// The directory that was named.
        path: PathBuf,
    },
    /// The truth is damaged. Never repaired silently.
    #[error("`{}` is damaged at byte {offset}: {what}", path.display())]
    Damaged {
        /// The damaged file.
        path: PathBuf,
        /// Where in it.
        offset: u64,
        /// What is wrong there.
        what: Damage,
    },
    /// Intact, but written by a newer program.
    #[error("`{}` at byte {offset} needs a newer reproledger: {what}", path.display())]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// Where in it.
        offset: u64,
        /// What is not known.
        what: Unknown,
    },
    /// Another writer is at work.
    #[error("`{}` is held by {holder}: a ledger has one writer at a time", path.display())]
    Locked {
        /// The lock file.
        path: PathBuf,
        /// Who wrote its process id there.
        holder: Holder,
    },
    /// The same ledger is being written in another directory.
    #[error("`{}` is in use: a copy of this ledger is being written in another directory by {holder}", path.display())]
    CopyInUse {
        /// The state file.
        path: PathBuf,
        /// Who holds the lock.
        holder: Holder,
    },
    /// The state file remembers more than the ledger holds.
    #[error(
        "this ledger has already signed size {} root {}; found size {} root {}: it was restored from a backup or copied",
        signed.size, signed.root, found.size, found.root
    )]
    RolledBack {
        /// The head that was signed before.
        signed: TreeHead,
        /// The newest head on disk.
        found: TreeHead,
    },
    /// The state file remembers another history.
    #[error(
        "this ledger has already signed size {} root {}, but at that size it now has root {}: it was rewritten or copied",
        signed.size, signed.root, found.root
    )]
    Forked {
        /// The head that was signed before.
        signed: TreeHead,
        /// What the ledger on disk has at that size.
        found: TreeHead,
    },
    /// Nothing remembers which heads were signed.
    #[error(
        "`{}` {why}, so nothing outside the ledger says which heads ledger {ledger} has signed: not signing", path.display()
    )]
    NoState {
        /// The state file.
        path: PathBuf,
        /// Missing or unreadable.
        why: StateLoss,
        /// The ledger's identity.
        ledger: LedgerId,
    },
    /// An entry or a batch is outside its limits.
    #[error("{what} is {found} bytes, at most {most} are allowed")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// Its size.
        found: u64,
        /// The limit.
        most: u64,
    },
    /// More entries than one commit takes.
    #[error("a batch has {found} entries, at most {most} are allowed")]
    TooMany {
        /// Entries in the batch.
        found: u64,
        /// The limit.
        most: u64,
    },
    /// Nothing to append.
    #[error("{what} is empty")]
    Empty {
        /// What is empty.
        what: &'static str,
    },
    /// An earlier write failed, and after that nothing on disk is certain.
    #[error("an earlier write to this ledger failed; open it again so that it is verified from disk")]
    Poisoned,
    /// Asked for an entry past the end.
    #[error("there is no entry {index}: the ledger has {size}")]
    NoSuchEntry {
        /// Index asked for.
        index: u64,
        /// Size of the ledger.
        size: u64,
    },
}

/// What is wrong at a place in a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum Damage {
    #[error("the segment header is cut short")]
    HeaderShort,
    #[error("this is not a segment header")]
    HeaderMagic,
    #[error("the segment header fails its checksum")]
    HeaderChecksum,
    #[error("the segment header belongs to another ledger")]
    HeaderLedger,
    #[error("the segment header says segment {found}, expected {expected}")]
    HeaderNumber { expected: u32, found: u32 },
    #[error("the segment header says first entry {found}, expected {expected}")]
    HeaderFirst { expected: u64, found: u64 },
    #[error("the segment header's subtree hashes do not follow from the segments before it")]
    HeaderRange,
    #[error("this segment is missing")]
    SegmentMissing,
    #[error("a frame of {found} bytes is impossible")]
    FrameLength { found: u32 },
    #[error("a frame is cut short by the end of the file")]
    FrameShort,
    #[error("a frame fails its checksum")]
    FrameChecksum,
    #[error("zeros where a frame is expected")]
    Zeros,
    #[error("entries without a head that covers them")]
    Uncovered,
    #[error("the head frame is malformed")]
    HeadFrame,
    #[error("the head frame covers {found} entries, but {expected} stand before it")]
    HeadCount { expected: u64, found: u64 },
    #[error("the frames of this group fail the checksum in their head frame")]
    GroupChecksum,
    #[error("the head is not signed by the log's key: {reason}")]
    HeadSignature { reason: String },
    #[error("the head says size {found}, but {expected} entries stand before it")]
    HeadSize { expected: u64, found: u64 },
    #[error("the signed root does not follow from the entries\n  signed     {signed}\n  recomputed {recomputed}")]
    HeadRoot { signed: String, recomputed: String },
    #[error("the log ends at size {found}, but a head of size {issued} was issued: the end of the log is lost")]
    LostEnd { issued: u64, found: u64 },
    #[error("the last signed head read back from disk is not the one that was written")]
    ReadBack,
    #[error("there are more entries than can be counted")]
    Full,
    #[error("the segment's tail of {found} bytes is longer than any commit")]
    TailLength { found: u64 },
    #[error("entry 0 is not the one that the segment header names")]
    Genesis,
    #[error("entry {index} is refused: {reason}")]
    Entry { index: u64, reason: String },
}

/// What a newer program wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum Unknown {
    #[error("frame kind {found}")]
    FrameKind { found: u8 },
    #[error("segment format {found}, this program knows 1")]
    SegmentFormat { found: u32 },
    #[error("state file format {found}, this program knows 1")]
    StateFormat { found: u32 },
}

/// How the state file was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum StateLoss {
    #[error("is missing")]
    Missing,
    #[error("is unreadable")]
    Unreadable,
}

/// The process that holds a lock, as far as it can be known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holder(pub Option<u32>);

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(pid) => write!(f, "process {pid}"),
            None => f.write_str("another process"),
        }
    }
}

impl LedgerError {
    /// Whether the ledger is intact but this program too old to read it.
    pub fn is_unsupported(&self) -> bool {
        matches!(self, Self::Unsupported { .. })
    }

    pub(super) fn damaged(path: &Path, offset: u64, what: Damage) -> Self {
        Self::Damaged { path: path.to_owned(), offset, what }
    }
}

/// Gives an I/O error its path and what was being done.
pub(super) trait At<T> {
    fn at(self, doing: &'static str, path: &Path) -> Result<T, LedgerError>;
}

impl<T> At<T> for io::Result<T> {
    fn at(self, doing: &'static str, path: &Path) -> Result<T, LedgerError> {
        self.map_err(|source| LedgerError::Io { doing, path: path.to_owned(), source })
    }
}

//! Why what somebody else says of a claim is refused.

use crate::digest::LedgerId;
use crate::evidence::{MAX_TESTIMONY_BYTES, MAX_TESTIMONY_ENTRIES};
use crate::merkle::{EntryIndex, ProofError};
use crate::statement::LikelihoodError;
use crate::verify::{Class, Reject};

/// Why a testimony is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum TestimonyError {
    #[error("it has {found} bytes, at most {MAX_TESTIMONY_BYTES} are read")]
    TooLong { found: usize },
    #[error("it shows {found} entries, at most {MAX_TESTIMONY_ENTRIES} are read")]
    TooManyEntries { found: usize },
    #[error("it holds {what}, which a testimony has no use for")]
    Holds { what: &'static str },
    #[error("in its own ledger: {0}")]
    Itself(#[from] Reject),
    #[error("the body of its entry {index}, which is what it says, is not shown")]
    NoWords { index: EntryIndex },
    #[error("entry {index} does not attach these bytes to this claim")]
    NotAttached { index: EntryIndex },
    #[error("it is of this very ledger: nobody testifies of himself")]
    OwnLedger,
    #[error("its ledger and the claim's have a key in common: nobody testifies of himself")]
    OwnKey,
    #[error("it is of a claim in another ledger\n  expected {expected}\n  found    {found}")]
    OtherLedger { found: LedgerId, expected: LedgerId },
    #[error(
        "it is of entry {found}, or of another one at its place, not of the claim of entry {expected} as it stands here"
    )]
    OtherClaim { found: EntryIndex, expected: EntryIndex },
    #[error("it is of a head over {size} entries, in which the claim is not")]
    BeforeClaim { size: u64 },
    #[error("the head that it is of is none of this ledger's: {0}")]
    Consistency(#[from] ProofError),
    #[error("the head over {size} entries that it is of is none of this ledger's: the ledger has shown two histories")]
    OtherHistory { size: u64 },
    #[error("another testimony here has another entry {index} of the same ledger: that ledger has shown two histories")]
    TwoHistories { index: EntryIndex },
    #[error("it does not say what it is called: the words of its kind must be there, and of no other")]
    OtherWords,
    #[error("it names what it speaks of twice, or in no order")]
    Unsorted,
    #[error("it names entry {index} by a digest that entry {index} here does not have")]
    OtherEntry { index: EntryIndex },
    #[error("it takes entries {start} and {end} for one run, which they are not")]
    NoRun { start: EntryIndex, end: EntryIndex },
    #[error("it takes entry {output} for what the run of entry {start} wrote, which it is not")]
    NoOutput { start: EntryIndex, output: EntryIndex },
    #[error("it scores transcripts under entry {index}, which is no weights")]
    NoWeights { index: EntryIndex },
    #[error("it has {found} {what}, expected {expected}")]
    Count { what: &'static str, found: u64, expected: &'static str },
    #[error("it has {found} log-likelihoods of transcript {transcript} under {expected} sets of weights")]
    Columns { transcript: String, found: usize, expected: usize },
    #[error("of transcript {transcript}: {source}")]
    Nats { transcript: String, source: LikelihoodError },
    #[error("its nonce draws transcript {transcript}, which it does not score")]
    NotScored { transcript: String },
    #[error("it scores transcript {transcript}, which its nonce does not draw")]
    NotDrawn { transcript: String },
}

impl TestimonyError {
    /// Which kind of "no" this is.
    pub fn class(&self) -> Class {
        match self {
            Self::Itself(reject) => reject.class(),
            Self::TooLong { .. }
            | Self::TooManyEntries { .. }
            | Self::Holds { .. }
            | Self::NotAttached { .. }
            | Self::OtherWords
            | Self::Unsorted
            | Self::Count { .. }
            | Self::Columns { .. }
            | Self::Nats { .. } => Class::Malformed,
            Self::NoWords { .. } => Class::Missing,
            _ => Class::Contradicted,
        }
    }
}

//! What someone with the artifacts at hand saw when they looked: data for the checks, gathered by the host.

use std::collections::BTreeMap;

use crate::digest::{Digest, ManifestRoot};
use crate::merkle::EntryIndex;
use crate::statement::Reading;

/// What became of one recorded artifact under the reader's folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ArtifactSeen {
    /// Found, with the recorded digest.
    Equal {
        /// Where, relative to the folder.
        path: String,
    },
    /// Something stands at its recorded path, but it is not what was recorded.
    Differs {
        /// Where, relative to the folder.
        path: String,
        /// Recorded.
        recorded: Digest,
        /// Found there.
        found: Digest,
    },
    /// Nothing under the folder has its digest.
    NotFound,
    /// It could not be read.
    Unreadable {
        /// Where, relative to the folder.
        path: String,
        /// Why.
        reason: String,
    },
}

/// A digest of what an artifact holds (rows, tensors, samples), taken again from its bytes, which are the recorded ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rederived {
    /// They were read as they were when they were recorded.
    Found {
        /// Root of the manifest that they give.
        root: ManifestRoot,
        /// Number of its items.
        count: u64,
    },
    /// They are there but cannot be read as what they were recorded as.
    Unreadable {
        /// Why.
        reason: String,
    },
    /// What they give is neither for nor against what was recorded.
    Unclear {
        /// Why.
        reason: String,
    },
}

/// Why the content of an artifact that is there was not understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unread {
    /// Its bytes are not what they were recorded as.
    Refused(String),
    /// They could not be read, or are beyond this program.
    Failed(String),
}

/// What a reader understands of an artifact, read again from its bytes, which are the recorded ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reread {
    /// What it understands.
    pub read: Result<Reading, Unread>,
    /// What about the way of reading had to be guessed.
    pub doubt: Option<String>,
}

/// What became of a dataset's making, done again over the inputs that are at hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Replayed {
    /// What was recorded came out again.
    Same {
        /// Id of the function.
        function: &'static str,
        /// By which digest, in a few words.
        how: String,
        /// Whether the record names the function; else it was tried because of what the data are.
        is_stated: bool,
    },
    /// The recorded function makes something else.
    Other {
        /// Id of the function.
        function: &'static str,
        /// In what it differs.
        how: String,
    },
    /// It was not done again, or says nothing.
    Unclear {
        /// Why.
        reason: String,
    },
}

/// Whether one set of weights goes on from another, as far as weights alone say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kinship {
    /// The same tensors, bit by bit.
    Identical,
    /// One goes on from the other.
    Continues,
    /// Neither does.
    Unrelated,
    /// The weights do not say.
    Unclear(String),
}

/// How far apart two sets of weights are.
#[derive(Debug, Clone, PartialEq)]
pub struct Apart {
    /// What follows from it.
    pub kinship: Kinship,
    /// The cosine between them.
    pub cosine: Option<f64>,
    /// How long their difference is, as a part of the first one's length.
    pub relative: Option<f64>,
}

/// Everything that was seen.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Observed {
    /// By entry: each artifact that the claim reaches.
    pub artifacts: BTreeMap<EntryIndex, ArtifactSeen>,
    /// By entry and recorded root: what artifacts that were found hold.
    pub derived: BTreeMap<(EntryIndex, Digest), Rederived>,
    /// By entry: what a reader understands of artifacts that were found.
    pub readings: BTreeMap<EntryIndex, Reread>,
    /// By entry of training data: its making done again.
    pub replays: BTreeMap<EntryIndex, Replayed>,
    /// By an earlier and a later entry of weights: how far these are apart.
    pub weights: BTreeMap<(EntryIndex, EntryIndex), Apart>,
    /// By their number in the evidence: opened items whose bytes were looked for.
    pub items: BTreeMap<usize, ArtifactSeen>,
}

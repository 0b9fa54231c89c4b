//! What someone with the artifacts at hand saw when they looked: data for the checks, gathered by the host.

use std::collections::BTreeMap;

use crate::digest::{Digest, ManifestRoot};
use crate::merkle::EntryIndex;

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

/// Everything that was seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Observed {
    /// By entry: each artifact that the claim reaches.
    pub artifacts: BTreeMap<EntryIndex, ArtifactSeen>,
    /// By entry and recorded root: what artifacts that were found hold.
    pub derived: BTreeMap<(EntryIndex, Digest), Rederived>,
    /// By their number in the evidence: opened items whose bytes were looked for.
    pub items: BTreeMap<usize, ArtifactSeen>,
}

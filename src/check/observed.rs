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

/// A sample manifest made again from its log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rederived {
    /// The log was read.
    Samples {
        /// Root of the manifest that the log gives.
        root: ManifestRoot,
        /// Number of samples.
        count: u64,
    },
    /// The log is there but cannot be read as one.
    Unreadable {
        /// Why.
        reason: String,
    },
}

/// Everything that was seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Observed {
    /// By entry: each artifact that the claim reaches.
    pub artifacts: BTreeMap<EntryIndex, ArtifactSeen>,
    /// By entry: sample manifests of logs that were found.
    pub samples: BTreeMap<EntryIndex, Rederived>,
    /// By their number in the evidence: opened items whose bytes were looked for.
    pub items: BTreeMap<usize, ArtifactSeen>,
}

//! Why evidence could not be cut.

use crate::artifact::manifest::ManifestError;
use crate::digest::ManifestRoot;
use crate::journal::JournalError;
use crate::merkle::EntryIndex;
use crate::verify::TestimonyError;

/// Why evidence could not be cut.
#[derive(Debug, thiserror::Error)]
pub enum CutError {
    /// The ledger.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// Entry is no claim.
    #[error("entry {index} is of kind `{kind}`, not a claim")]
    NotClaim {
        /// Which.
        index: EntryIndex,
        /// What it is.
        kind: &'static str,
    },
    /// Items are opened of artifacts.
    #[error("entry {index} is of kind `{kind}`, which has no items")]
    NotArtifact {
        /// Which.
        index: EntryIndex,
        /// What it is.
        kind: &'static str,
    },
    /// Only a statement on another ledger's claim is cut as one.
    #[error("entry {index} is of kind `{kind}`, which says nothing of another ledger")]
    NotTestimony {
        /// Which.
        index: EntryIndex,
        /// What it is.
        kind: &'static str,
    },
    /// What was attached is not what a reader would take.
    #[error("what entry {index} attached cannot be shown")]
    Attached {
        /// The entry.
        index: EntryIndex,
        /// Why not.
        #[source]
        source: TestimonyError,
    },
    /// The claim's own body was erased.
    #[error("the body of entry {index} is not in the ledger's objects: what it says cannot be shown")]
    NoClaimBody {
        /// Which.
        index: EntryIndex,
    },
    /// An object that an entry commits to is not what it was.
    #[error("the {kind} manifest {root} in the ledger's objects is damaged")]
    Manifest {
        /// Its kind.
        kind: &'static str,
        /// Its root.
        root: ManifestRoot,
        /// What is wrong.
        #[source]
        source: ManifestError,
    },
    /// The object's root differs.
    #[error("the object kept as the {kind} manifest {root} is another one, with root {found}")]
    OtherManifest {
        /// Its kind.
        kind: &'static str,
        /// Its root.
        root: ManifestRoot,
        /// What it is.
        found: ManifestRoot,
    },
    /// More than a reader would take.
    #[error("the evidence would have {found} {what}, at most {most} are allowed")]
    TooLarge {
        /// Of what.
        what: &'static str,
        /// How many.
        found: u64,
        /// The limit.
        most: u64,
    },
    /// The tree of the ledger does not give the proof.
    #[error("the ledger's tree does not prove its own entries: run `reproledger audit`")]
    Proof,
}

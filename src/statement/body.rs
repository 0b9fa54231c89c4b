//! The part of a statement that may have to be hidden or erased: names, paths, commands, notes, the claim itself.
//!
//! It lives in an object beside the ledger, behind the salted commitment of the entry (`salt ‖ canonical bytes`).
//! Deleting the object erases it and breaks no proof.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::codec::wire_enum;
use crate::digest::{Commitment, Digest, Salt};
use crate::statement::plain::{self, PlainError};
use crate::statement::{Claim, Likelihood, Location, Protocol, Reading, Rebuild, Rerun};

/// Bodies larger than this are refused before they are read.
pub const MAX_BODY_BYTES: usize = 1 << 20;

/// Longest artifact name in bytes.
pub const MAX_NAME: usize = 256;

const SALT_BYTES: usize = 32;

wire_enum! {
    /// Whether a work tree held what its commit says.
    pub enum WorkTree, "a work tree state" {
        /// The recorded path equals the commit's.
        Clean = 0 "clean",
        /// It differs from the commit's.
        Dirty = 1 "dirty",
        /// It could not be told (no work tree, or too large to compare).
        Unknown = 2 "unknown",
    }
}

/// Where in a git repository an artifact or a run was. Git ids locate; they do not identify.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GitPlace {
    /// Full commit id in hex.
    pub commit: String,
    /// Full id of the recorded tree or blob, where one was recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// Path inside the repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Whether the work tree agreed.
    pub work_tree: WorkTree,
}

/// A command that was run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunBody {
    /// The command and its arguments; bytes that are not UTF-8 stand as U+FFFD.
    pub argv: Vec<String>,
    /// Working directory.
    pub directory: String,
    /// BLAKE3 over the sorted environment.
    pub environment: Digest,
    /// Milliseconds since 1970 by the recorder's clock.
    pub started_ms: u64,
    /// The same at the end; absent in a run-start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_ms: Option<u64>,
    /// State of the repository the command ran in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub git: Option<GitPlace>,
    /// What it needs to be run again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rerun: Option<Box<Rerun>>,
}

/// A statement's body.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Body {
    /// The name people use for the artifact, stage or claim.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Paths as given when it was recorded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<String>,
    /// Free notes.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub notes: BTreeMap<String, String>,
    /// Git revision it was taken from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub git: Option<GitPlace>,
    /// What a reader understood of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reading: Option<Reading>,
    /// The command of a run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunBody>,
    /// The claim of a claim entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim: Option<Box<Claim>>,
    /// The protocol of a protocol entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<Box<Protocol>>,
    /// Why something was superseded, retracted, left out or adopted; what went wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Where an artifact can be had, as the lab says.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub locations: Vec<Location>,
    /// What a rebuild came to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rebuild: Option<Box<Rebuild>>,
    /// How likely drawn transcripts are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub likelihood: Option<Box<Likelihood>>,
}

/// Why an object is not the body an entry commits to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// Too short, too long.
    #[error("a body object has 33 to {} bytes, found {found}", MAX_BODY_BYTES + SALT_BYTES)]
    Length {
        /// Bytes found.
        found: usize,
    },
    /// Another body.
    #[error("the body does not match its commitment\n  committed {committed}\n  found     {found}")]
    Commitment {
        /// In the entry.
        committed: Commitment,
        /// Of these bytes.
        found: Commitment,
    },
    /// The right bytes, but not a body that this version reads.
    #[error("the body cannot be read: {0}")]
    Plain(#[from] PlainError),
}

impl Body {
    /// The body object and the commitment to it.
    pub fn seal(&self, salt: &Salt) -> Result<(Commitment, Vec<u8>), PlainError> {
        let bytes = plain::to_bytes(self)?;
        if bytes.len() > MAX_BODY_BYTES {
            return Err(PlainError::TooLong { found: bytes.len(), most: MAX_BODY_BYTES });
        }
        Ok((Commitment::to(salt, &bytes), [&salt.0, bytes.as_slice()].concat()))
    }

    /// Opens a body object that must match `commitment`.
    pub fn open(object: &[u8], commitment: &Commitment) -> Result<Self, BodyError> {
        let (salt, bytes) =
            object.split_first_chunk::<SALT_BYTES>().ok_or(BodyError::Length { found: object.len() })?;
        if bytes.is_empty() || bytes.len() > MAX_BODY_BYTES {
            return Err(BodyError::Length { found: object.len() });
        }
        let found = Commitment::to(&Salt(*salt), bytes);
        if found != *commitment {
            return Err(BodyError::Commitment { committed: *commitment, found });
        }
        Ok(plain::from_bytes(bytes)?)
    }
}

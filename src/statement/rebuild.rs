//! What whoever rebuilds signs: which runs he really ran again, with what, and what came out of each.
//!
//! It rides in the body of a testimony in his own ledger. It is his word; what it is worth is for a reader to say who
//! knows him. Runs are named by the digests of their entries, so that the words fit one record and no other.

use serde::{Deserialize, Serialize};

use crate::codec::wire_enum;
use crate::digest::{Algorithm, ContextHasher, Digest};
use crate::merkle::EntryIndex;
use crate::statement::plain::{self, PlainError};
use crate::statement::{Machine, Rerun};

/// Longest reason in characters.
pub const MAX_REASON: usize = 500;

wire_enum! {
    /// What became of an output, a run or a whole rebuild, as its maker says.
    pub enum Judgement, "a judgement on a rebuild" {
        /// Equal, as declared.
        Good = 1 "GOOD",
        /// Not the same, but inside the tolerance that was declared beforehand.
        Equivalent = 2 "EQUIVALENT",
        /// Taken as recorded.
        Taken = 3 "TAKEN",
        /// It could not be told.
        Unknown = 4 "UNKNOWN",
        /// It did not run to its end.
        Fail = 5 "FAIL",
        /// Something else than what was recorded.
        Bad = 6 "BAD",
    }
}

impl Judgement {
    /// True where what was recorded came out again, as equal as it was declared to be.
    pub fn is_same(self) -> bool {
        matches!(self, Self::Good | Self::Equivalent)
    }
}

/// A run by the entries of its start and its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunPlace {
    /// Index of its start.
    pub start: u64,
    /// Digest of that entry.
    pub start_digest: Digest,
    /// Index of its end.
    pub end: u64,
    /// Digest of that entry.
    pub end_digest: Digest,
}

impl RunPlace {
    /// The two entries with their digests.
    pub fn entries(&self) -> [(EntryIndex, Digest); 2] {
        [(EntryIndex(self.start), self.start_digest), (EntryIndex(self.end), self.end_digest)]
    }
}

/// One output of a run, judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RebuiltOutput {
    /// Index of its entry.
    pub entry: u64,
    /// Digest of that entry.
    pub entry_digest: Digest,
    /// How equal it had to be, as declared by its recorder before the command ran; `bits` where nothing was.
    pub equality: String,
    /// What became of it.
    pub judgement: Judgement,
    /// File or tree digest of what was made, where something was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made: Option<Digest>,
}

/// A run that was really run again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rebuilt {
    /// Which.
    pub run: RunPlace,
    /// What was run: [`recipe_digest`] of the recorded command.
    pub recipe: Digest,
    /// BLAKE3 of the program's file, where one was hashed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<Digest>,
    /// What became of it.
    pub judgement: Judgement,
    /// Why, in a few words; may quote what comes from outside.
    pub reason: String,
    /// BLAKE3 of what it printed.
    pub log: Digest,
    /// Bytes that it printed.
    pub printed: u64,
    /// Milliseconds that it took.
    pub took_ms: u64,
    /// What it wrote, by ascending entry.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outputs: Vec<RebuiltOutput>,
}

/// A run that was not run again: what it wrote was taken as recorded, or not looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Taken {
    /// Which.
    pub run: RunPlace,
    /// What became of it.
    pub judgement: Judgement,
    /// Why; may quote what comes from outside.
    pub reason: String,
}

/// A whole rebuild.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rebuild {
    /// The program that judged, with its version.
    pub by: String,
    /// What it came to.
    pub judgement: Judgement,
    /// Why.
    pub reason: String,
    /// True where every command was kept from all but its recorded inputs; else it could have copied what was recorded.
    pub sandboxed: bool,
    /// What kept it.
    pub kept_by: String,
    /// The machine.
    pub machine: Machine,
    /// Runs that were really run again, by ascending start.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stages: Vec<Rebuilt>,
    /// Runs that were not, by ascending start.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub taken: Vec<Taken>,
    /// What the claim came to when its number was added up again, where that was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recomputed: Option<String>,
}

/// What a recorded command is, whoever runs it: its words, directory, and what it was declared to need.
pub fn recipe_digest(argv: &[String], directory: &str, rerun: &Rerun) -> Result<Digest, PlainError> {
    let hasher = ContextHasher::new("reproledger 2026 rebuild recipe v1");
    let bytes = hasher.hash(&[&plain::to_bytes(&(argv, directory, rerun))?]);
    Ok(Digest { algorithm: Algorithm::Blake3, bytes })
}

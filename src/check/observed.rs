//! What someone with the artifacts at hand saw when they looked: data for the checks, gathered by the host.

use std::collections::{BTreeMap, BTreeSet};

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

/// What became of the git commit that an artifact is said to have been taken from. Git's ids are SHA-1 and find it; what
/// it holds is compared by our own digests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommitSeen {
    /// It holds what was recorded.
    Holds {
        /// The repository that has it, relative to the folder.
        repository: String,
    },
    /// It holds something else at the recorded path.
    Other {
        /// The repository that has it, relative to the folder.
        repository: String,
        /// Recorded.
        recorded: Digest,
        /// Found there.
        found: Digest,
    },
    /// It holds nothing there, or names it otherwise.
    Lacks {
        /// The repository that has it, relative to the folder.
        repository: String,
        /// In what.
        reason: String,
    },
    /// No repository at hand has it.
    NotFound,
    /// It could not be read.
    Unclear {
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
    /// They say otherwise themselves: a log that names another condition than the one that it was recorded under.
    Against {
        /// In what.
        reason: String,
    },
    /// What they give is neither for nor against what was recorded: of a format that is newer than this program, for one.
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
    /// By entry: the commit that an artifact behind the claim is said to be from.
    pub commits: BTreeMap<EntryIndex, CommitSeen>,
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
    /// Texts of the evaluation that stand in the corpora, where both were at hand.
    pub overlap: Option<Overlap>,
    /// Levels that a protocol leaves out of training, where one that is shown does.
    pub held_out: Option<HeldOut>,
    /// By the entries of a corpus and a tokenizer that belong together and were both found: tokens counted again.
    pub tokens: BTreeMap<(EntryIndex, EntryIndex), Tokens>,
}

/// Tokens of a corpus under a tokenizer, or why they were not counted.
pub type Tokens = Result<TokenCount, String>;

/// Tokens of a corpus whose rows are one text each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenCount {
    /// Of the texts alone.
    pub tokens: u64,
    /// Rows or documents.
    pub rows: u64,
    /// Tokens that the tokenizer puts around each text by itself, where it says so.
    pub around: Option<u64>,
    /// The function by which they were counted.
    pub function: &'static str,
}

/// Levels that training leaves out, looked for in the training data at hand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HeldOut {
    /// Levels that were looked for.
    pub levels: BTreeSet<String>,
    /// By entry: each corpus that was found unchanged, with the levels in it, or why that could not be seen.
    pub corpora: BTreeMap<EntryIndex, Result<LevelsMet, String>>,
}

/// The levels that a corpus has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LevelsMet {
    /// Documents or rows that were read.
    pub rows: u64,
    /// Levels in what is trained on: the view that was recorded, or the whole of each row where none was.
    pub met: Vec<LevelMet>,
    /// Levels in other fields of the rows.
    pub beside: Vec<LevelMet>,
}

/// One level that was met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LevelMet {
    /// As the protocol has it.
    pub level: String,
    /// Documents or rows that hold it.
    pub rows: u64,
    /// Where it was met first.
    pub place: String,
}

/// Words of a run that make an item shared.
pub const OVERLAP_RUN: usize = 13;

/// Words of the shortest text, and of the shortest run, that are told from chance.
pub const OVERLAP_LEAST: usize = 8;

/// Texts of an evaluation, looked for in the corpora at hand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overlap {
    /// Different items.
    pub items: u64,
    /// Different texts of them that were looked for.
    pub texts: u64,
    /// Texts too short to be told from chance, which were not.
    pub short: u64,
    /// By entry: each suite and log at hand, with the items read from it, or why there are none.
    pub from: BTreeMap<EntryIndex, Result<u64, String>>,
    /// By entry: each corpus that was found unchanged, with what it shares, or why that could not be seen.
    pub corpora: BTreeMap<EntryIndex, Result<Shared, String>>,
}

/// What a corpus shares with the items.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shared {
    /// Documents or rows that were read.
    pub documents: u64,
    /// Words in them.
    pub words: u64,
    /// Items of which a question or an answer stands there whole.
    pub whole: u64,
    /// Items of which only another text does: instructions, notes, sources.
    pub whole_around: u64,
    /// Items of which a run of thirteen words does.
    pub runs: u64,
    /// Items of which half of all windows of eight words do.
    pub half: u64,
    /// The item that shares most: windows shared, of how many, its label.
    pub most: Option<(u64, u64, String)>,
    /// Names that the suite gives, and in how many documents each stands.
    pub names: Vec<(String, u64)>,
    /// Some items that share something, whole texts first.
    pub examples: Vec<Example>,
}

/// One item that shares something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// Its label.
    pub item: String,
    /// The field of it that stands in the corpus.
    pub field: String,
    /// Where in the corpus.
    pub place: String,
    /// The whole text, and not a run of words.
    pub is_whole: bool,
}

//! Why evidence is not believed, each reason by itself.

use crate::artifact::manifest::ManifestError;
use crate::digest::{Digest, DigestKind, LeafHash, LedgerId, ManifestRoot, Thumbprint};
use crate::evidence::EvidenceError;
use crate::key::NoteError;
use crate::merkle::{EntryIndex, HeadError, ProofError};
use crate::statement::plain::PlainError;
use crate::statement::{BodyError, EntryError};
use crate::verify::{OpeningError, TestimonyError};

/// What kind of "no" a reason is; the four are never mixed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// The file cannot be read as evidence, or breaks a limit (exit 2).
    Malformed,
    /// The file may be sound but says something this version does not know (exit 3).
    Unsupported,
    /// The evidence contradicts itself or its signatures: tampered (exit 1).
    Contradicted,
    /// Sound, but by a key that the reader did not pin (exit 3).
    Untrusted,
    /// Sound, but the reader's policy asks for more (exit 3).
    Unmet,
    /// Something needed for an answer is not there (exit 3).
    Missing,
}

/// Why evidence, or an entry in it, is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum Reject {
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
    #[error("entry {index}: {source}")]
    Entry { index: EntryIndex, source: EntryError },
    #[error("the evidence lacks entry 0, which names the ledger's keys")]
    NoGenesis,
    #[error("entry 0 is not a genesis")]
    NotGenesis,
    #[error("entry {index} is a second genesis")]
    SecondGenesis { index: EntryIndex },
    #[error("the origin `{}` in entry 0 is not a legal log name", .0.escape_default())]
    Origin(String),
    #[error("the main head is not signed by the log key that entry 0 names: {0}")]
    HeadSignature(NoteError),
    #[error("the main head: {0}")]
    Head(#[from] HeadError),
    #[error("the head is of origin `{found}`, the ledger of entry 0 is `{expected}`")]
    HeadOrigin { expected: String, found: String },
    #[error("no log of your trust policy has signed the head of `{origin}`: the key is valid but not pinned by you")]
    Unpinned { origin: String },
    #[error(
        "your trust policy pins another key for `{origin}` than the one that entry 0 names: this is another ledger under the same name"
    )]
    OtherLedger { origin: String },
    #[error("a signature on the head by a key you pinned does not hold: {0}")]
    PinnedSignature(NoteError),
    #[error(
        "your trust policy asks for a witness quorum that this head does not have ({found} of your witnesses signed it)"
    )]
    Quorum { found: usize },
    #[error("the head that you hold is no head of this ledger: {0}")]
    HeldHead(HeadError),
    #[error("this head is over {found} entries, you hold one over {held}: the ledger was rolled back")]
    Rollback { held: u64, found: u64 },
    #[error("this ledger has another root at {size} entries than the head that you hold: it has shown two histories")]
    Fork { size: u64 },
    #[error("the evidence does not show that its head over {found} entries extends the one you hold over {held}")]
    HeldNotShown { held: u64, found: u64 },
    #[error("anchor {number}: {reason}")]
    Anchor { number: usize, reason: AnchorError },
    #[error("the entries are not the ones under the head: {0}")]
    Inclusion(ProofError),
    #[error("entry {index} lies outside the tree of {size} entries")]
    OutsideTree { index: EntryIndex, size: u64 },
    #[error("entry {index} says that it is entry {claimed}")]
    Seq { index: EntryIndex, claimed: EntryIndex },
    #[error("entry {index} belongs to another ledger\n  expected {expected}\n  found    {found}")]
    Log { index: EntryIndex, expected: LedgerId, found: LedgerId },
    #[error("entry {index} is signed by key {key_id}, which this ledger has not enrolled")]
    UnknownKey { index: EntryIndex, key_id: Thumbprint },
    #[error("entry {index} is signed by a key that entry {revoked} had revoked")]
    Revoked { index: EntryIndex, revoked: EntryIndex },
    #[error("entry {index} is signed by a key whose role is `{role}`, expected `issuer`")]
    Role { index: EntryIndex, role: &'static str },
    #[error("the signature of entry {index} does not hold")]
    Signature { index: EntryIndex },
    #[error("entry {index} rests on the key change of entry {change}, which is not in the evidence")]
    MissingKeyChange { index: EntryIndex, change: EntryIndex },
    #[error("entry {index} passes over the key change of entry {change}")]
    StaleKeySet { index: EntryIndex, change: EntryIndex },
    #[error("the key change of entry {index} cannot be: {reason}")]
    KeyChange { index: EntryIndex, reason: &'static str },
    #[error("the time of entry {index} ({found}) is before that of entry {previous} ({expected})")]
    Time { index: EntryIndex, previous: EntryIndex, expected: u64, found: u64 },
    #[error("the census begins at {first} and has {count} entries, but the tree has {size}: it must reach the head")]
    CensusRange { first: EntryIndex, count: u64, size: u64 },
    #[error("entry {index} of the census is not in the evidence")]
    CensusGap { index: EntryIndex },
    #[error("the claim's entry {0} is not in the evidence")]
    NoClaim(EntryIndex),
    #[error("entry {index} is of kind `{kind}`, not a claim")]
    NotClaim { index: EntryIndex, kind: &'static str },
    #[error("entry {index} is neither in the census nor reached by the claim: evidence holds nothing else")]
    Extra { index: EntryIndex },
    #[error("entry {index} points to entry {target}, which is not before it")]
    ForwardEdge { index: EntryIndex, target: EntryIndex },
    #[error("entry {index} names its own ledger in a link: what is in this ledger is linked without a ledger id")]
    OwnLog { index: EntryIndex },
    #[error("entry {index} names in the open what none of its `{edge}` links points to")]
    OtherNamed { index: EntryIndex, edge: &'static str },
    #[error("entry {index} points to entry {target} by a {kind} digest that entry does not carry")]
    BrokenEdge { index: EntryIndex, target: EntryIndex, kind: &'static str },
    #[error("entry {index} ({child}) cannot stand in `{edge}` to entry {target} ({parent})")]
    WrongEdge { index: EntryIndex, target: EntryIndex, edge: &'static str, child: &'static str, parent: &'static str },
    #[error("entry {index} points to entry {target}, which is not in the evidence")]
    MissingTarget { index: EntryIndex, target: EntryIndex },
    #[error("entry {index} names protocol {protocol}, which is not in the evidence")]
    MissingProtocol { index: EntryIndex, protocol: LeafHash },
    #[error("the {} manifest {root}: {source}", kind.name())]
    Manifest { kind: DigestKind, root: ManifestRoot, source: ManifestError },
    #[error("the {} manifest is not what was recorded\n  recorded {root}\n  found    {found}", kind.name())]
    ManifestRoot { kind: DigestKind, root: ManifestRoot, found: ManifestRoot },
    #[error("the {} manifest {root} has {found} items in {found_length} bytes, its entry says {count} in {length}", kind.name())]
    ManifestCount { kind: DigestKind, root: ManifestRoot, count: u64, length: u64, found: u64, found_length: u64 },
    #[error("what entry {attach} attached is refused: {source}")]
    Annex { attach: EntryIndex, source: Box<TestimonyError> },
    #[error("testimony {number} of those that you brought is refused: {source}")]
    Brought { number: usize, source: Box<TestimonyError> },
    #[error("no entry commits to the {} manifest {root}", kind.name())]
    ExtraManifest { kind: DigestKind, root: ManifestRoot },
    #[error("leaf {position} of a manifest of entry {index}: {source}")]
    Opening { index: EntryIndex, position: u64, source: OpeningError },
    #[error("items of entry {index} are opened where nothing asks for them: evidence holds nothing else")]
    ExtraOpening { index: EntryIndex },
    #[error("the body of entry {index}: {source}")]
    Body { index: EntryIndex, source: BodyError },
    #[error("a body is given for entry {index}, which commits to none")]
    ExtraBody { index: EntryIndex },
    #[error(
        "the list of withheld things names {digest}, which is not hidden or which no entry of the claim's chain commits to"
    )]
    ExtraWithheld { digest: Digest },
    #[error("{digest} is neither shown nor on the list of withheld things")]
    UnlistedWithheld { digest: Digest },
    #[error("the list of withheld things says of {digest} what its entry does not")]
    WithheldWords { digest: Digest },
}

/// Why an anchor does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum AnchorError {
    #[error("its signature does not hold ({0})")]
    Note(NoteError),
    #[error("its text is not a head ({0})")]
    Head(HeadError),
    #[error("it is of another origin")]
    Origin,
    #[error("the main head does not extend it: the log has shown two histories ({0})")]
    Consistency(ProofError),
    #[error("anchors must be in ascending order of size")]
    Order,
}

impl Reject {
    /// Which kind of "no" this is.
    pub fn class(&self) -> Class {
        use Class::{Contradicted, Malformed, Missing, Unmet, Unsupported, Untrusted};
        match self {
            Self::Evidence(error) if error.is_unsupported() => Unsupported,
            Self::Entry { source, .. } if source.is_unsupported() => Unsupported,
            Self::Body { source: BodyError::Plain(PlainError::Decode(error)), .. } if !error.is_unsupported() => {
                Malformed
            }
            Self::Opening { source, .. } if source.is_unsupported() => Unsupported,
            Self::Annex { source, .. } | Self::Brought { source, .. } => source.class(),
            Self::Manifest { source: ManifestError::Version { .. }, .. }
            | Self::Body { source: BodyError::Plain(_), .. } => Unsupported,
            Self::Evidence(_)
            | Self::Entry { .. }
            | Self::Manifest { .. }
            | Self::Extra { .. }
            | Self::ExtraManifest { .. }
            | Self::ExtraOpening { .. }
            | Self::ExtraBody { .. }
            | Self::ExtraWithheld { .. }
            | Self::UnlistedWithheld { .. }
            | Self::WithheldWords { .. }
            | Self::OwnLog { .. }
            | Self::Origin(_)
            | Self::Body { source: BodyError::Length { .. }, .. } => Malformed,
            Self::NoGenesis
            | Self::HeldNotShown { .. }
            | Self::NoClaim(_)
            | Self::CensusGap { .. }
            | Self::MissingKeyChange { .. }
            | Self::MissingTarget { .. }
            | Self::MissingProtocol { .. } => Missing,
            Self::Unpinned { .. } | Self::HeldHead(_) => Untrusted,
            Self::Quorum { .. } => Unmet,
            _ => Contradicted,
        }
    }

    /// Id of the check that fails (see the check catalogue).
    pub fn check(&self) -> &'static str {
        match self {
            Self::Unpinned { .. }
            | Self::OtherLedger { .. }
            | Self::PinnedSignature(_)
            | Self::Quorum { .. }
            | Self::UnknownKey { .. }
            | Self::Revoked { .. }
            | Self::Role { .. }
            | Self::MissingKeyChange { .. }
            | Self::StaleKeySet { .. }
            | Self::KeyChange { .. } => "ledger.keys",
            Self::ForwardEdge { .. }
            | Self::OwnLog { .. }
            | Self::OtherNamed { .. }
            | Self::BrokenEdge { .. }
            | Self::WrongEdge { .. }
            | Self::MissingTarget { .. }
            | Self::MissingProtocol { .. } => "ledger.links",
            Self::Opening { source, .. } if source.is_content() => "item.content",
            Self::Opening { .. } | Self::ExtraOpening { .. } => "item.inclusion",
            Self::Annex { .. } | Self::Brought { .. } => "rebuild.attested",
            Self::Time { .. } => "time.order",
            _ => "ledger.chain",
        }
    }
}

//! Typed links from an entry to earlier entries, each binding one digest of the target.

use crate::codec::{DecodeError, Decoder, Encoder, wire_enum};
use crate::digest::{Digest, DigestKind, LedgerId};
use crate::merkle::EntryIndex;
use crate::statement::Kind;

/// More edges than this make an entry unreadable rather than rich.
pub const MAX_EDGES: usize = 512;

wire_enum! {
    /// How an entry relates to the one its edge points to.
    pub enum EdgeType, "an edge type" {
        /// Documents made from a spec.
        DecomposedFrom = 2 "decomposed_from",
        /// A recorded transformation of the target.
        DerivedFrom = 5 "derived_from",
        /// Weights trained on a dataset or on documents.
        TrainedOn = 8 "trained_on",
        /// Weights that go on from other weights.
        Continues = 10 "continues",
        /// Results of evaluating weights.
        Evaluates = 13 "evaluates",
        /// A claim rests on these results.
        Supports = 17 "supports",
        /// The target is replaced by this entry.
        Supersedes = 19 "supersedes",
        /// The target is taken back.
        Retracts = 20 "retracts",
        /// A run read the target.
        Used = 25 "used",
        /// A run wrote the target.
        Generated = 26 "generated",
        /// A run-end and its run-start.
        Ends = 27 "ends",
    }
}

impl EdgeType {
    /// The edge that `--from` means between two artifacts.
    pub fn between(child: Kind, parent: Kind) -> Self {
        match (child, parent) {
            (Kind::Documents, Kind::Spec) => Self::DecomposedFrom,
            (Kind::Checkpoint, Kind::Dataset | Kind::Documents) => Self::TrainedOn,
            (Kind::Checkpoint, Kind::Checkpoint) => Self::Continues,
            (Kind::EvalLog, Kind::Checkpoint) => Self::Evaluates,
            _ => Self::DerivedFrom,
        }
    }

    /// Whether an entry of `child` may point to one of `parent` with this edge.
    pub fn allows(self, child: Kind, parent: Kind) -> bool {
        match self {
            Self::DecomposedFrom | Self::TrainedOn | Self::Continues | Self::Evaluates => {
                self == Self::between(child, parent)
            }
            Self::DerivedFrom => child.is_artifact() && parent.is_artifact(),
            Self::Supports => child == Kind::Claim && parent == Kind::EvalLog,
            Self::Supersedes => child == parent && (child.is_artifact() || child == Kind::Claim),
            Self::Retracts => child == Kind::Retraction,
            Self::Used => child == Kind::RunStart && parent.is_artifact(),
            Self::Generated => child == Kind::RunEnd && parent.is_artifact(),
            Self::Ends => child == Kind::RunEnd && parent == Kind::RunStart,
        }
    }
}

/// `[type, log or null, seq, digest kind, digest]`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    /// How the two relate.
    pub edge_type: EdgeType,
    /// The target's ledger where it is another one.
    pub log: Option<LedgerId>,
    /// The target's index.
    pub seq: EntryIndex,
    /// Which digest of the target the edge binds.
    pub kind: DigestKind,
    /// That digest.
    pub digest: Digest,
}

impl Edge {
    pub(crate) fn encode(&self, e: &mut Encoder) {
        e.array(5);
        e.int(self.edge_type.id());
        match &self.log {
            Some(log) => e.bytes(log.as_bytes()),
            None => e.null(),
        }
        e.uint(self.seq.0);
        e.int(self.kind.id());
        self.digest.encode(e);
    }

    pub(crate) fn decode(d: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        d.tuple("an edge", 5, |d| {
            Ok(Self {
                edge_type: EdgeType::from_id(d.int()?)?,
                log: if d.null() { None } else { Some(LedgerId::from_bytes(d.byte_array("a ledger id")?)) },
                seq: EntryIndex(d.uint()?),
                kind: DigestKind::from_id(d.int()?)?,
                digest: Digest::decode(d)?,
            })
        })
    }
}

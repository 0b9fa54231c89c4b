//! Typed links from an entry to earlier entries, each binding one digest of the target.

use crate::codec::{DecodeError, Decoder, Encoder, wire_enum};
use crate::digest::{Digest, DigestKind, LeafHash, LedgerId};
use crate::merkle::EntryIndex;
use crate::statement::Kind;

/// More edges than this make an entry unreadable rather than rich.
pub const MAX_EDGES: usize = 512;

wire_enum! {
    /// How an entry relates to the one its edge points to.
    pub enum EdgeType, "an edge type" {
        /// A rendering of a spec.
        Renders = 1 "renders",
        /// Documents made from a spec.
        DecomposedFrom = 2 "decomposed_from",
        /// Made by asking with this prompt.
        PromptedBy = 3 "prompted_by",
        /// Made by these calls to a provider, or by this run.
        ProducedBy = 4 "produced_by",
        /// A recorded transformation of the target.
        DerivedFrom = 5 "derived_from",
        /// A mix, and what went into it.
        MixedInto = 7 "mixed_into",
        /// Weights trained on documents, a dataset or a mix.
        TrainedOn = 8 "trained_on",
        /// Weights that begin with a base model.
        InitialisedFrom = 9 "initialised_from",
        /// Weights that go on from other weights.
        Continues = 10 "continues",
        /// Results on the items of a suite.
        EvaluatedWith = 12 "evaluated_with",
        /// Results of evaluating weights.
        Evaluates = 13 "evaluates",
        /// Results given by a judge.
        JudgedBy = 14 "judged_by",
        /// A claim rests on these results.
        Supports = 17 "supports",
        /// The target is replaced by this entry.
        Supersedes = 19 "supersedes",
        /// The target is taken back.
        Retracts = 20 "retracts",
        /// The target, an attempt, is left out of the analysis.
        Excludes = 21 "excludes",
        /// Something went wrong with the target.
        Concerns = 22 "concerns",
        /// Where the target can be had.
        Locates = 23 "locates",
        /// What somebody else signed about the target is attached to it.
        AttachedTo = 24 "attached_to",
        /// A run read the target.
        Used = 25 "used",
        /// A run wrote the target.
        Generated = 26 "generated",
        /// A run-end and its run-start.
        Ends = 27 "ends",
        /// Receipts of the calls that made the target.
        AccountsFor = 28 "accounts_for",
        /// A testimony and the claim it is of, in another ledger.
        Testifies = 29 "testifies",
    }
}

impl EdgeType {
    /// The edge that `--from` means between two artifacts.
    pub fn between(child: Kind, parent: Kind) -> Self {
        match (child, parent) {
            (Kind::SpecRendering, Kind::Spec) => Self::Renders,
            (Kind::Documents, Kind::Spec | Kind::SpecRendering) => Self::DecomposedFrom,
            (Kind::Documents | Kind::GenerationReceipts | Kind::Dataset, Kind::PromptTemplate) => Self::PromptedBy,
            (Kind::Documents | Kind::Dataset, Kind::GenerationReceipts) => Self::ProducedBy,
            (Kind::GenerationReceipts, Kind::Documents | Kind::Dataset) => Self::AccountsFor,
            (Kind::Mix, parent) if parent.is_training_data() => Self::MixedInto,
            (Kind::Checkpoint, parent) if parent.is_training_data() => Self::TrainedOn,
            (Kind::Checkpoint, Kind::BaseModel) => Self::InitialisedFrom,
            (Kind::Checkpoint, Kind::Checkpoint) => Self::Continues,
            (Kind::EvalLog, parent) if parent.is_weights() => Self::Evaluates,
            (Kind::EvalLog, Kind::EvalSuite) => Self::EvaluatedWith,
            (Kind::EvalLog, Kind::JudgeConfig) => Self::JudgedBy,
            _ => Self::DerivedFrom,
        }
    }

    /// The edge with which an entry of this kind speaks of earlier ones; none for kinds that say something of their own.
    pub fn about(kind: Kind) -> Option<Self> {
        match kind {
            Kind::Exclusion => Some(Self::Excludes),
            Kind::Retraction => Some(Self::Retracts),
            Kind::Incident => Some(Self::Concerns),
            Kind::Location => Some(Self::Locates),
            _ => None,
        }
    }

    /// Whether an entry of `child` may point to one of `parent` with this edge.
    pub fn allows(self, child: Kind, parent: Kind) -> bool {
        match self {
            Self::Renders
            | Self::DecomposedFrom
            | Self::PromptedBy
            | Self::AccountsFor
            | Self::MixedInto
            | Self::TrainedOn
            | Self::InitialisedFrom
            | Self::Continues
            | Self::Evaluates
            | Self::EvaluatedWith
            | Self::JudgedBy => self == Self::between(child, parent),
            Self::ProducedBy => {
                let is_run = matches!(parent, Kind::RunStart | Kind::RunEnd);
                child.is_artifact() && is_run || self == Self::between(child, parent)
            }
            Self::DerivedFrom => child.is_artifact() && parent.is_artifact(),
            Self::Supports => child == Kind::Claim && parent == Kind::EvalLog,
            Self::Supersedes => {
                child == parent
                    && (child.is_artifact() || matches!(child, Kind::Claim | Kind::Protocol | Kind::Incident))
            }
            // The frame is changed by key changes alone. A retraction may be pointed at, and stands all the same.
            Self::Retracts => child == Kind::Retraction && !parent.is_frame(),
            Self::Concerns => child == Kind::Incident && !parent.is_frame(),
            Self::Excludes => {
                child == Kind::Exclusion && (parent.is_artifact() || matches!(parent, Kind::RunStart | Kind::RunEnd))
            }
            Self::Locates => child == Kind::Location && parent.is_artifact(),
            Self::AttachedTo => child == Kind::Attach && parent == Kind::Claim,
            // Of what is in its own ledger nobody testifies.
            Self::Testifies => false,
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
    /// The link of a testimony to the claim it is of.
    pub fn testifies(log: LedgerId, claim: EntryIndex, digest: LeafHash) -> Self {
        let (edge_type, kind) = (EdgeType::Testifies, DigestKind::Entry);
        Self { edge_type, log: Some(log), seq: claim, kind, digest: digest.into() }
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_artifact_is_made_from_decides_the_link_and_no_other_link_is_allowed() {
        let cases = [
            (Kind::SpecRendering, Kind::Spec, EdgeType::Renders),
            (Kind::Documents, Kind::SpecRendering, EdgeType::DecomposedFrom),
            (Kind::Documents, Kind::PromptTemplate, EdgeType::PromptedBy),
            (Kind::Documents, Kind::GenerationReceipts, EdgeType::ProducedBy),
            (Kind::GenerationReceipts, Kind::Documents, EdgeType::AccountsFor),
            (Kind::Mix, Kind::Dataset, EdgeType::MixedInto),
            (Kind::Checkpoint, Kind::Mix, EdgeType::TrainedOn),
            (Kind::Checkpoint, Kind::BaseModel, EdgeType::InitialisedFrom),
            (Kind::Checkpoint, Kind::Checkpoint, EdgeType::Continues),
            (Kind::EvalLog, Kind::BaseModel, EdgeType::Evaluates),
            (Kind::EvalLog, Kind::EvalSuite, EdgeType::EvaluatedWith),
            (Kind::EvalLog, Kind::JudgeConfig, EdgeType::JudgedBy),
            (Kind::Dataset, Kind::Documents, EdgeType::DerivedFrom),
        ];
        for (child, parent, expected) in cases {
            assert_eq!(EdgeType::between(child, parent), expected, "{child} from {parent}");
            assert!(expected.allows(child, parent));
        }
        // Anything recorded may be the work of a run; a run is made by nothing.
        assert!(EdgeType::ProducedBy.allows(Kind::Checkpoint, Kind::RunEnd));
        assert!(EdgeType::ProducedBy.allows(Kind::EvalLog, Kind::RunStart));
        assert!(!EdgeType::ProducedBy.allows(Kind::RunEnd, Kind::RunStart));
        assert!(!EdgeType::ProducedBy.allows(Kind::Checkpoint, Kind::GenerationReceipts));
        // A link of its own has one meaning: an evaluation does not evaluate a dataset, and nothing is judged by a spec.
        assert!(!EdgeType::Evaluates.allows(Kind::EvalLog, Kind::Dataset));
        assert!(!EdgeType::JudgedBy.allows(Kind::EvalLog, Kind::Spec));
        assert!(!EdgeType::InitialisedFrom.allows(Kind::Checkpoint, Kind::Checkpoint));
        assert!(!EdgeType::MixedInto.allows(Kind::Dataset, Kind::Dataset));
    }

    #[test]
    fn words_on_earlier_entries_are_of_kinds_that_they_can_be_about() {
        for (child, parent) in [
            (Kind::Retraction, Kind::EvalLog),
            (Kind::Retraction, Kind::Claim),
            (Kind::Exclusion, Kind::Checkpoint),
            (Kind::Exclusion, Kind::RunStart),
            (Kind::Incident, Kind::RunEnd),
            (Kind::Location, Kind::Dataset),
        ] {
            let edge = EdgeType::about(child).expect("it speaks of earlier entries");
            assert!(edge.allows(child, parent), "{child} of {parent}");
            assert!(!edge.allows(Kind::Claim, parent), "a claim that {edge} a {parent}");
        }
        for (child, parent) in [
            (Kind::Retraction, Kind::Genesis),
            (Kind::Retraction, Kind::KeyChange),
            (Kind::Incident, Kind::Genesis),
            (Kind::Exclusion, Kind::Claim),
            (Kind::Location, Kind::RunEnd),
        ] {
            assert!(!EdgeType::about(child).is_some_and(|edge| edge.allows(child, parent)), "{child} of {parent}");
        }
        assert_eq!(EdgeType::about(Kind::Claim), None);
        assert!(EdgeType::AttachedTo.allows(Kind::Attach, Kind::Claim));
        assert!(!EdgeType::AttachedTo.allows(Kind::Attach, Kind::EvalLog));
        // Of what is in the same ledger nobody testifies.
        assert!(!EdgeType::Testifies.allows(Kind::Rebuild, Kind::Claim));
        assert!(!EdgeType::Testifies.allows(Kind::Likelihood, Kind::Claim));
        assert!(EdgeType::Supersedes.allows(Kind::Protocol, Kind::Protocol));
        assert!(EdgeType::Supersedes.allows(Kind::Incident, Kind::Incident));
        assert!(!EdgeType::Supersedes.allows(Kind::Retraction, Kind::Retraction));
    }
}

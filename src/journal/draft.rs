//! A statement before it has a place: what will be said once the index is known.

use crate::digest::{Digest, DigestKind, LeafHash};
use crate::merkle::{EntryIndex, TreeHead};
use crate::statement::{Body, Edge, EdgeType, Kind, Outcome, Subject};

/// Where an edge of a draft points.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// An entry that is in the ledger.
    Entry(EntryIndex),
    /// A draft of the same commit, by its position in it.
    Draft(usize),
}

/// An edge before the index of its target may be known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DraftEdge {
    /// How the two relate.
    pub edge_type: EdgeType,
    /// Where it points.
    pub target: Target,
    /// Which digest of the target it binds.
    pub kind: DigestKind,
    /// That digest.
    pub digest: Digest,
}

/// A statement before it has a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// What is said.
    pub kind: Kind,
    /// The protocol it belongs to.
    pub protocol: Option<LeafHash>,
    /// The arm.
    pub arm: Option<String>,
    /// The seed.
    pub seed: Option<u64>,
    /// The stage of a run.
    pub stage: Option<String>,
    /// The attempt of a run.
    pub attempt: Option<u64>,
    /// The artifacts it is about.
    pub subjects: Vec<Subject>,
    /// Links.
    pub edges: Vec<DraftEdge>,
    /// Suite that a log's items are from.
    pub suite: Option<Digest>,
    /// Base model that weights began with.
    pub base: Option<Digest>,
    /// Evaluated checkpoint.
    pub checkpoint: Option<Digest>,
    /// How a run ended.
    pub outcome: Option<Outcome>,
    /// Of a testimony: its link to the claim in another ledger, and that ledger's head as it was shown.
    pub testifies: Option<(Edge, TreeHead)>,
    /// What may have to be hidden.
    pub body: Body,
    /// Manifest objects that the subjects commit to, each under its root.
    pub objects: Vec<([u8; 32], Vec<u8>)>,
    /// Sidecars of salted manifests, each under its root; they stay beside the ledger.
    pub private: Vec<([u8; 32], Vec<u8>)>,
}

impl Draft {
    /// An empty statement of `kind`.
    pub fn new(kind: Kind) -> Self {
        Self {
            kind,
            protocol: None,
            arm: None,
            seed: None,
            stage: None,
            attempt: None,
            subjects: Vec::new(),
            edges: Vec::new(),
            suite: None,
            base: None,
            checkpoint: None,
            outcome: None,
            testifies: None,
            body: Body::default(),
            objects: Vec::new(),
            private: Vec::new(),
        }
    }

    /// Adds a link to something in the ledger or in the same commit.
    pub fn link(&mut self, edge_type: EdgeType, target: Target, kind: DigestKind, digest: Digest) {
        let edge = DraftEdge { edge_type, target, kind, digest };
        if !self.edges.contains(&edge) {
            self.edges.push(edge);
        }
    }

    /// The links, once the first index of the commit is known.
    pub(super) fn edges_at(&self, first: EntryIndex) -> Vec<Edge> {
        let mut edges: Vec<Edge> = self
            .edges
            .iter()
            .map(|edge| Edge {
                edge_type: edge.edge_type,
                log: None,
                seq: match edge.target {
                    Target::Entry(index) => index,
                    Target::Draft(position) => EntryIndex(first.0 + position as u64),
                },
                kind: edge.kind,
                digest: edge.digest,
            })
            .chain(self.testifies.iter().map(|(edge, _)| edge.clone()))
            .collect();
        edges.sort();
        edges.dedup();
        edges
    }
}

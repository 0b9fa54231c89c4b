//! What an entry says in the open: public facts only, by number, and a salted commitment to the rest.
//!
//! A fact that is not said is absent, never null; only the protocol (key 5) is null where there is none, so that "no
//! protocol" is said and not forgotten. An unknown key makes the entry unsupported: a verifier never drops what it
//! does not understand.

use crate::codec::{DecodeError, Decoder, Encoder, required, wire_enum};
use crate::digest::{Algorithm, Commitment, Digest, DigestKind, FileDigest, LeafHash, LedgerId, NodeHash};
use crate::merkle::{EntryIndex, TreeHead, TreeSize};
use crate::statement::edge::MAX_EDGES;
use crate::statement::subject::MAX_SUBJECTS;
use crate::statement::{Edge, EdgeType, Genesis, KeyChange, Kind, Subject};

/// Longest public label (arm, stage) in bytes.
pub const MAX_LABEL: usize = 256;

const WHAT: &str = "an entry's payload";
const VERSION: u64 = 1;

wire_enum! {
    /// How a stage ended.
    pub enum RunStatus, "a run status" {
        /// Exit code 0.
        Completed = 0 "completed",
        /// Another exit code.
        Failed = 1 "failed",
        /// Ended by a signal.
        Killed = 2 "killed",
    }
}

/// How a stage ended, with the exit code or the signal's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// Well or not.
    pub status: RunStatus,
    /// Exit code, or the signal for [`RunStatus::Killed`].
    pub code: i64,
}

/// A statement's open part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payload {
    /// What is said.
    pub kind: Kind,
    /// The ledger it is said in; none in entry 0 alone, whose hash it is.
    pub log: Option<LedgerId>,
    /// The entry's index.
    pub seq: EntryIndex,
    /// The protocol it belongs to, by its entry's digest.
    pub protocol: Option<LeafHash>,
    /// The arm of the experiment.
    pub arm: Option<String>,
    /// The training or sampling seed.
    pub seed: Option<u64>,
    /// The stage of a run.
    pub stage: Option<String>,
    /// Attempt at that stage, from 1, numbered by the ledger.
    pub attempt: Option<u64>,
    /// The artifacts it is about.
    pub subjects: Vec<Subject>,
    /// Links to earlier entries.
    pub edges: Vec<Edge>,
    /// Commitment to the body object.
    pub body: Option<Commitment>,
    /// Eval suite, where the kind has one.
    pub suite: Option<Digest>,
    /// Base model, where the kind has one.
    pub base: Option<Digest>,
    /// Evaluated checkpoint, where the kind has one.
    pub checkpoint: Option<Digest>,
    /// The entry that last changed the key set (0: entry 0 itself), so that a change cannot be left out of evidence.
    pub keyset: EntryIndex,
    /// Entry 0 only.
    pub genesis: Option<Box<Genesis>>,
    /// Key changes only.
    pub key_change: Option<Box<KeyChange>>,
    /// Run-ends only.
    pub outcome: Option<Outcome>,
    /// Testimonies only: the tree of the other ledger as it was shown to whoever testifies.
    pub head: Option<TreeHead>,
}

impl Payload {
    /// An empty statement of `kind` for one place in one ledger.
    pub fn new(kind: Kind, log: Option<LedgerId>, seq: EntryIndex, keyset: EntryIndex) -> Self {
        Self {
            kind,
            log,
            seq,
            keyset,
            protocol: None,
            arm: None,
            seed: None,
            stage: None,
            attempt: None,
            subjects: Vec::new(),
            edges: Vec::new(),
            body: None,
            suite: None,
            base: None,
            checkpoint: None,
            genesis: None,
            key_change: None,
            outcome: None,
            head: None,
        }
    }

    /// Digest of the bytes that this entry attaches to the entry at `claim`, if it attaches any to it.
    pub fn attached_to(&self, claim: EntryIndex) -> Option<FileDigest> {
        let is_to = |edge: &Edge| edge.edge_type == EdgeType::AttachedTo && edge.log.is_none() && edge.seq == claim;
        if self.kind != Kind::Attach || !self.edges.iter().any(is_to) {
            return None;
        }
        let [subject] = self.subjects.as_slice() else { return None };
        let digest = subject.digest(DigestKind::File)?;
        (digest.algorithm == Algorithm::Blake3).then(|| FileDigest::from_bytes(digest.bytes))
    }

    /// Of a testimony, its link to the claim it is of.
    pub fn testifies(&self) -> Option<&Edge> {
        let is_it = |edge: &&Edge| edge.edge_type == EdgeType::Testifies && edge.log.is_some();
        self.edges.iter().find(is_it).filter(|_| self.kind.is_testimony())
    }

    /// The canonical bytes.
    pub fn encode(&self) -> Vec<u8> {
        Encoder::encode(|e| {
            e.map(|m| {
                m.entry(1, |e| e.uint(VERSION));
                m.entry(2, |e| e.int(self.kind.id()));
                m.optional(3, self.log, |e, log| e.bytes(log.as_bytes()));
                m.entry(4, |e| e.uint(self.seq.0));
                m.entry(5, |e| match &self.protocol {
                    Some(protocol) => e.bytes(protocol.as_bytes()),
                    None => e.null(),
                });
                m.optional(6, self.arm.as_deref(), Encoder::text);
                m.optional(7, self.seed, Encoder::uint);
                m.optional(8, self.stage.as_deref(), Encoder::text);
                m.optional(9, self.attempt, Encoder::uint);
                if !self.subjects.is_empty() {
                    m.entry(10, |e| {
                        e.array(self.subjects.len());
                        for subject in &self.subjects {
                            subject.encode(e);
                        }
                    });
                }
                if !self.edges.is_empty() {
                    let mut edges = self.edges.clone();
                    edges.sort();
                    m.entry(11, |e| {
                        e.array(edges.len());
                        for edge in &edges {
                            edge.encode(e);
                        }
                    });
                }
                m.optional(12, self.body, |e, body| Digest::from(body).encode(e));
                m.optional(13, self.suite, |e, digest| digest.encode(e));
                m.optional(14, self.base, |e, digest| digest.encode(e));
                m.optional(15, self.checkpoint, |e, digest| digest.encode(e));
                if self.kind != Kind::Genesis {
                    m.entry(16, |e| e.uint(self.keyset.0));
                }
                m.optional(17, self.genesis.as_ref(), |e, genesis| genesis.encode(e));
                m.optional(18, self.key_change.as_ref(), |e, change| change.encode(e));
                m.optional(19, self.outcome, |e, outcome| {
                    e.array(2);
                    e.int(outcome.status.id());
                    e.int(outcome.code);
                });
                m.optional(20, self.head, |e, head| {
                    e.array(2);
                    e.uint(head.size.0);
                    e.bytes(head.root.as_bytes());
                });
            });
        })
    }

    /// Reads canonical bytes and holds them to the rules of their kind.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        Decoder::decode(bytes, |d| {
            let mut payload = Self::new(Kind::Other, None, EntryIndex(0), EntryIndex(0));
            let (mut version, mut kind, mut seq, mut protocol, mut keyset) = (None, None, None, None, None);
            d.int_map(|key, d| {
                match key {
                    1 => version = Some(d.uint()?),
                    2 => kind = Some(Kind::from_id(d.int()?)?),
                    3 => payload.log = Some(LedgerId::from_bytes(d.byte_array("the ledger id")?)),
                    4 => seq = Some(EntryIndex(d.uint()?)),
                    5 if d.null() => protocol = Some(None),
                    5 => protocol = Some(Some(LeafHash::from_bytes(d.byte_array("the protocol")?))),
                    6 => payload.arm = Some(label(d)?),
                    7 => payload.seed = Some(d.uint()?),
                    8 => payload.stage = Some(label(d)?),
                    9 => payload.attempt = Some(d.uint()?),
                    10 => payload.subjects = list(d, "the subjects", MAX_SUBJECTS, Subject::decode)?,
                    11 => payload.edges = list(d, "the edges", MAX_EDGES, Edge::decode)?,
                    12 => payload.body = Some(commitment(d)?),
                    13 => payload.suite = Some(Digest::decode(d)?),
                    14 => payload.base = Some(Digest::decode(d)?),
                    15 => payload.checkpoint = Some(Digest::decode(d)?),
                    16 => keyset = Some(EntryIndex(d.uint()?)),
                    17 => payload.genesis = Some(Box::new(Genesis::decode(d)?)),
                    18 => payload.key_change = Some(Box::new(KeyChange::decode(d)?)),
                    19 => {
                        payload.outcome = Some(d.tuple("an outcome", 2, |d| -> Result<_, DecodeError> {
                            Ok(Outcome { status: RunStatus::from_id(d.int()?)?, code: d.int()? })
                        })?);
                    }
                    20 => payload.head = Some(d.tuple("a head", 2, head)?),
                    _ => return Err(DecodeError::UnknownKey { what: WHAT, key }),
                }
                Ok(())
            })?;
            let version = required(version, WHAT, 1)?;
            if version != VERSION {
                let value = i64::try_from(version).unwrap_or(i64::MAX);
                return Err(DecodeError::UnknownValue { what: "the payload version", value });
            }
            payload.kind = required(kind, WHAT, 2)?;
            payload.seq = required(seq, WHAT, 4)?;
            payload.protocol = required(protocol, WHAT, 5)?;
            payload.check_kind(keyset)?;
            payload.keyset = keyset.unwrap_or(EntryIndex(0));
            Ok(payload)
        })
    }

    /// The rules of each kind: what must be said, and what has no place.
    fn check_kind(&self, keyset: Option<EntryIndex>) -> Result<(), DecodeError> {
        let needs = |key: i64, is_needed: bool, is_there: bool| match (is_needed, is_there) {
            (true, false) => Err(DecodeError::MissingKey { what: WHAT, key }),
            (false, true) => Err(DecodeError::UnknownKey { what: WHAT, key }),
            _ => Ok(()),
        };
        let kind = self.kind;
        let is_genesis = kind == Kind::Genesis;
        needs(3, !is_genesis, self.log.is_some())?;
        needs(16, !is_genesis, keyset.is_some())?;
        needs(17, is_genesis, self.genesis.is_some())?;
        needs(18, kind == Kind::KeyChange, self.key_change.is_some())?;
        needs(19, kind == Kind::RunEnd, self.outcome.is_some())?;
        let is_run = matches!(kind, Kind::RunStart | Kind::RunEnd);
        needs(8, is_run, self.stage.is_some())?;
        needs(9, is_run, self.attempt.is_some())?;
        if kind.is_artifact() || kind == Kind::Attach {
            needs(10, true, !self.subjects.is_empty())?;
        }
        if matches!(kind, Kind::Claim | Kind::Protocol) {
            needs(12, true, self.body.is_some())?;
        }
        if let Some(about) = EdgeType::about(kind) {
            // Without a body there is no reason, without a link nothing it is about. An incident that ends another need
            // concern nothing any more.
            needs(12, true, self.body.is_some())?;
            let ends_another = |edge: &Edge| kind == Kind::Incident && edge.edge_type == EdgeType::Supersedes;
            if !self.edges.iter().any(|edge| edge.edge_type == about || ends_another(edge)) {
                return Err(DecodeError::MissingKey {
                    what: "the edges of a word on earlier entries",
                    key: about.id(),
                });
            }
        }
        if kind == Kind::RunEnd && !self.edges.iter().any(|edge| edge.edge_type == EdgeType::Ends) {
            return Err(DecodeError::MissingKey { what: "the edges of a run-end", key: EdgeType::Ends.id() });
        }
        needs(20, kind.is_testimony(), self.head.is_some())?;
        if kind.is_testimony() {
            needs(12, true, self.body.is_some())?;
            let is_of_a_claim = |edge: &Edge| edge.log.is_some() && edge.kind == DigestKind::Entry;
            let [edge] = self.edges.as_slice() else {
                let (what, expected) = ("the edges of a testimony", "one");
                return Err(DecodeError::Length { what, expected, found: self.edges.len() });
            };
            if edge.edge_type != EdgeType::Testifies || !is_of_a_claim(edge) {
                return Err(DecodeError::MissingKey {
                    what: "the edges of a testimony",
                    key: EdgeType::Testifies.id(),
                });
            }
        }
        if is_genesis && self.seq != EntryIndex(0) {
            let value = i64::try_from(self.seq.0).unwrap_or(i64::MAX);
            return Err(DecodeError::UnknownValue { what: "the index of a genesis", value });
        }
        if !self.edges.is_sorted_by(|left, right| left < right) {
            return Err(DecodeError::Unsorted { what: "the list of edges" });
        }
        Ok(())
    }
}

fn head(d: &mut Decoder<'_>) -> Result<TreeHead, DecodeError> {
    Ok(TreeHead { size: TreeSize(d.uint()?), root: NodeHash::from_bytes(d.byte_array("the root of a head")?) })
}

/// A commitment is BLAKE3; under another algorithm's name it is somebody else's claim about the same bytes.
fn commitment(d: &mut Decoder<'_>) -> Result<Commitment, DecodeError> {
    let at = d.offset();
    match Digest::decode(d)? {
        Digest { algorithm: Algorithm::Blake3, bytes } => Ok(Commitment::from_bytes(bytes)),
        _ => Err(DecodeError::Range { at, what: "the algorithm of a body commitment (blake3)" }),
    }
}

fn label(d: &mut Decoder<'_>) -> Result<String, DecodeError> {
    let at = d.offset();
    let text = d.text()?;
    if text.is_empty() || text.len() > MAX_LABEL || text.chars().any(char::is_control) {
        return Err(DecodeError::Range { at, what: "a label of 1 to 256 bytes without control characters" });
    }
    Ok(text.to_owned())
}

fn list<T>(
    d: &mut Decoder<'_>,
    what: &'static str,
    most: usize,
    mut read: impl FnMut(&mut Decoder<'_>) -> Result<T, DecodeError>,
) -> Result<Vec<T>, DecodeError> {
    let items = d.array(|d| read(d))?;
    if items.is_empty() || items.len() > most {
        return Err(DecodeError::Length { what, expected: "at least one and not too many", found: items.len() });
    }
    Ok(items)
}

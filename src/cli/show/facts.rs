//! All an entry says, as plain values for text and JSON alike.

use serde::Serialize;
use serde_json::Value;

use crate::cli::Failure;
use crate::cli::open::Reading;
use crate::cli::render::{Line, time};
use crate::cli::survey::{objects, row};
use crate::digest::{Digest, DigestKind};
use crate::journal::Row;
use crate::ledger::Objects;
use crate::statement::{Body, Edge, KeyChange, MAX_BODY_BYTES, Payload, Subject};

/// All an entry says.
#[derive(Serialize)]
pub(super) struct Facts {
    #[serde(flatten)]
    pub(super) line: Line,
    pub(super) issuer: String,
    pub(super) subject: String,
    pub(super) key_set: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) subjects: Vec<Vec<MeasureFacts>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) edges: Vec<EdgeFacts>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) suite: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) base: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) checkpoint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) genesis: Option<GenesisFacts>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) key_change: Option<KeyChangeFacts>,
    pub(super) body: BodyFacts,
}

/// One digest of an artifact.
#[derive(Serialize)]
pub(super) struct MeasureFacts {
    pub(super) kind: &'static str,
    pub(super) digests: Vec<String>,
    pub(super) count: u64,
    pub(super) length: u64,
    /// Whether the manifest it is the root of is here; absent for files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) manifest_here: Option<bool>,
}

/// A link, with the name of its target.
#[derive(Serialize)]
pub(super) struct EdgeFacts {
    #[serde(rename = "type")]
    pub(super) edge_type: &'static str,
    /// The ledger it points to; absent for this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ledger: Option<String>,
    pub(super) index: u64,
    pub(super) digest_kind: &'static str,
    pub(super) digest: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) target: Option<Line>,
    /// Whether the target carries that digest; absent for other ledgers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) holds: Option<bool>,
}

#[derive(Serialize)]
pub(super) struct GenesisFacts {
    pub(super) origin: String,
    pub(super) log_key: String,
    pub(super) keys: Vec<RoleKey>,
}

#[derive(Serialize)]
pub(super) struct RoleKey {
    pub(super) role: &'static str,
    pub(super) thumbprint: String,
}

#[derive(Serialize)]
pub(super) struct KeyChangeFacts {
    pub(super) change: &'static str,
    pub(super) thumbprint: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) role: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) compromised_since: Option<u64>,
}

/// What may have been hidden or erased.
#[derive(Serialize)]
#[serde(tag = "state", rename_all = "lowercase")]
pub(super) enum BodyFacts {
    /// The entry commits to none.
    None,
    /// It is here and fits its commitment.
    Here { commitment: String, content: Value },
    /// It is not here: never disclosed, or erased.
    Missing { commitment: String },
    /// What is here is another one.
    Wrong { commitment: String, reason: String },
}

impl Facts {
    /// All that the entry of `row` says.
    pub(super) fn of(reading: &Reading, row: &Row) -> Result<Self, Failure> {
        let payload = &row.payload;
        let objects = objects(reading);
        let edges = payload.edges.iter().map(|edge| edge_facts(reading, edge)).collect::<Result<_, _>>()?;
        let text = |digest: Option<Digest>| digest.map(|digest| digest.to_string());
        Ok(Self {
            line: Line::of(row),
            issuer: row.claims.issuer.clone(),
            subject: row.claims.subject.clone(),
            key_set: payload.keyset.0,
            subjects: payload.subjects.iter().map(|subject| subject_facts(&objects, subject)).collect(),
            edges,
            suite: text(payload.suite),
            base: text(payload.base),
            checkpoint: text(payload.checkpoint),
            genesis: payload.genesis.as_ref().map(|genesis| GenesisFacts {
                origin: genesis.origin.clone(),
                log_key: format!("sha256:{}", genesis.log_key.thumbprint()),
                keys: genesis
                    .keys
                    .iter()
                    .map(|(role, key)| RoleKey {
                        role: role.name(),
                        thumbprint: format!("sha256:{}", key.thumbprint()),
                    })
                    .collect(),
            }),
            key_change: payload.key_change.as_deref().map(key_change_facts),
            body: body_facts(&objects, payload)?,
        })
    }

    /// When it was issued.
    pub(super) fn issued(&self) -> String {
        time(self.line.time_seconds)
    }
}

fn subject_facts(objects: &Objects, subject: &Subject) -> Vec<MeasureFacts> {
    let measures = subject.0.iter();
    measures
        .map(|(kind, measure)| MeasureFacts {
            kind: kind.name(),
            digests: measure.digests.iter().map(ToString::to_string).collect(),
            count: measure.count,
            length: measure.length,
            manifest_here: match (kind, measure.digests.first()) {
                (DigestKind::File, _) | (_, None) => None,
                (_, Some(root)) => Some(objects.path(&root.bytes).is_file()),
            },
        })
        .collect()
}

fn edge_facts(reading: &Reading, edge: &Edge) -> Result<EdgeFacts, Failure> {
    let is_here = edge.log.is_none() && reading.ledger.tree().size.contains(edge.seq);
    let target = is_here.then(|| row(reading, edge.seq)).transpose()?;
    let holds = target.as_ref().map(|target| match edge.kind {
        DigestKind::Entry => edge.digest == Digest::from(target.leaf),
        kind => target.payload.subjects.iter().any(|subject| subject.carries(kind, &edge.digest)),
    });
    Ok(EdgeFacts {
        edge_type: edge.edge_type.name(),
        ledger: edge.log.map(|log| log.to_string()),
        index: edge.seq.0,
        digest_kind: edge.kind.name(),
        digest: edge.digest.to_string(),
        target: target.as_ref().map(Line::of),
        // An edge that points nowhere does not hold.
        holds: if edge.log.is_some() { None } else { Some(holds.unwrap_or(false)) },
    })
}

fn key_change_facts(change: &KeyChange) -> KeyChangeFacts {
    match change {
        KeyChange::Add { role, key, .. } => KeyChangeFacts {
            change: "add",
            thumbprint: format!("sha256:{}", key.thumbprint()),
            role: Some(role.name()),
            compromised_since: None,
        },
        KeyChange::Revoke { key, compromised_since } => KeyChangeFacts {
            change: "revoke",
            thumbprint: format!("sha256:{}", key.thumbprint()),
            role: None,
            compromised_since: compromised_since.map(|index| index.0),
        },
    }
}

fn body_facts(objects: &Objects, payload: &Payload) -> Result<BodyFacts, Failure> {
    let Some(committed) = payload.body else { return Ok(BodyFacts::None) };
    let commitment = Digest::from(committed).to_string();
    // A salt goes before the body.
    let object = objects.get(committed.as_bytes(), MAX_BODY_BYTES as u64 + 64)?;
    Ok(match object.map(|object| Body::open(&object, &committed)) {
        None => BodyFacts::Missing { commitment },
        Some(Err(error)) => BodyFacts::Wrong { commitment, reason: error.to_string() },
        Some(Ok(body)) => {
            let content = serde_json::to_value(&body).expect("a body is texts, integers, lists and maps");
            BodyFacts::Here { commitment, content }
        }
    })
}

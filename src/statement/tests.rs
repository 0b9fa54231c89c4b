//! Statements: every value comes back from its bytes, and what no statement may say is refused by name.

mod body;
mod entry;
mod genesis;
mod payload;
mod rules;

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::codec::Encoder;
use crate::digest::{Algorithm, Commitment, Digest, DigestKind, FileDigest, LeafHash, LedgerId, NodeHash};
use crate::key::{PublicKey, Signature, SigningKey};
use crate::merkle::{EntryIndex, TreeHead, TreeSize};

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed([seed; 32])
}

/// The entries of a map of already encoded values, in canonical order, for statements that nobody here would write.
fn map(entries: &BTreeMap<i64, Vec<u8>>) -> Vec<u8> {
    Encoder::encode(|e| e.map(|m| entries.iter().for_each(|(key, value)| m.entry(*key, |e| e.raw(value)))))
}

/// The values of a map by their keys, still encoded.
fn fields(bytes: &[u8]) -> BTreeMap<i64, Vec<u8>> {
    let mut fields = BTreeMap::new();
    crate::codec::Decoder::decode(bytes, |d| {
        d.int_map(|key, d| -> Result<(), crate::codec::DecodeError> {
            fields.insert(key, d.raw()?.to_vec());
            Ok(())
        })
    })
    .unwrap();
    fields
}

fn bytes32() -> impl Strategy<Value = [u8; 32]> {
    any::<[u8; 32]>().prop_filter("nobody's digest", |bytes| *bytes != [0; 32])
}

fn digest() -> impl Strategy<Value = Digest> {
    (prop::sample::select(Algorithm::ALL), bytes32()).prop_map(|(algorithm, bytes)| Digest { algorithm, bytes })
}

fn blake3() -> impl Strategy<Value = Digest> {
    bytes32().prop_map(|bytes| Digest { algorithm: Algorithm::Blake3, bytes })
}

fn text() -> impl Strategy<Value = String> {
    "[ -~é数]{1,30}"
}

fn public_key() -> impl Strategy<Value = PublicKey> {
    any::<[u8; 32]>().prop_map(|seed| SigningKey::from_seed(seed).public())
}

fn subject() -> impl Strategy<Value = Subject> {
    let kinds = prop::sample::subsequence(&DigestKind::ALL[1..], 1..=6);
    let measures = prop::collection::vec((1..u64::MAX, any::<u64>(), blake3(), bytes32(), any::<bool>()), 6);
    (kinds, measures).prop_map(|(kinds, measures)| {
        kinds.into_iter().zip(measures).fold(Subject::default(), |subject, (kind, measure)| {
            let (count, length, digest, sha256, also) = measure;
            let mut digests = vec![digest];
            if kind == DigestKind::File && also {
                digests.push(Digest { algorithm: Algorithm::Sha256, bytes: sha256 });
            }
            let count = if kind == DigestKind::File { 1 } else { count };
            subject.with(kind, Measure { count, length, digests })
        })
    })
}

fn edge() -> impl Strategy<Value = Edge> {
    let (edge_type, kind) = (prop::sample::select(EdgeType::ALL), prop::sample::select(DigestKind::ALL));
    let log = prop::option::of(bytes32().prop_map(LedgerId::from_bytes));
    (edge_type, log, any::<u64>(), kind, digest()).prop_map(|(edge_type, log, seq, kind, digest)| Edge {
        edge_type,
        log,
        seq: EntryIndex(seq),
        kind,
        digest,
    })
}

fn genesis_value() -> impl Strategy<Value = Genesis> {
    let keys = prop::collection::btree_map(public_key(), prop::sample::select(Role::ALL), 1..5);
    (text(), public_key(), keys, any::<[u8; 16]>()).prop_map(|(origin, log_key, keys, nonce)| {
        let mut keys: Vec<_> = keys.into_iter().map(|(key, role)| (role, key)).collect();
        keys.sort();
        Genesis { origin, log_key, keys, nonce }
    })
}

fn key_change() -> impl Strategy<Value = KeyChange> {
    let add = (prop::sample::select(Role::ALL), public_key(), any::<[u8; 32]>()).prop_map(|(role, key, half)| {
        let mut possession = [0; 64];
        possession[..32].copy_from_slice(&half);
        KeyChange::Add { role, key, possession: Signature(possession) }
    });
    let revoke = (public_key(), prop::option::of(any::<u64>().prop_map(EntryIndex)))
        .prop_map(|(key, compromised_since)| KeyChange::Revoke { key, compromised_since });
    prop_oneof![add, revoke]
}

fn outcome() -> impl Strategy<Value = Outcome> {
    (prop::sample::select(RunStatus::ALL), any::<i64>()).prop_map(|(status, code)| Outcome { status, code })
}

/// Payloads of every kind with everything that the kind needs and some of what it may say.
fn payload_value() -> impl Strategy<Value = Payload> {
    let place = (bytes32(), 1..u64::MAX, any::<u64>(), prop::option::of(bytes32()));
    let labels = (prop::option::of(text()), prop::option::of(any::<u64>()), text(), any::<u64>());
    let subjects = prop::collection::vec(subject(), 1..4);
    let edges = prop::collection::btree_set(edge(), 0..6);
    let links = (subjects, edges, edge(), any::<bool>());
    let digests = (
        prop::option::of(bytes32().prop_map(Commitment::from_bytes)),
        prop::option::of(digest()),
        prop::option::of(digest()),
        prop::option::of(digest()),
    );
    let special = (genesis_value(), key_change(), outcome());
    (prop::sample::select(Kind::ALL), place, labels, links, digests, special).prop_map(
        |(kind, (log, seq, keyset, protocol), (arm, seed, stage, attempt), links, digests, special)| {
            let is_run = matches!(kind, Kind::RunStart | Kind::RunEnd);
            let is_genesis = kind == Kind::Genesis;
            let (subjects, mut edges, mut ends, with_subjects) = links;
            let about = EdgeType::about(kind);
            if let Some(needed) = about.or((kind == Kind::RunEnd).then_some(EdgeType::Ends)) {
                ends.edge_type = needed;
                edges.insert(ends);
            }
            if kind.is_testimony() {
                edges =
                    [Edge::testifies(LedgerId::from_bytes([8; 32]), EntryIndex(seq), LeafHash::from_bytes([6; 32]))]
                        .into();
            }
            let needs_body = matches!(kind, Kind::Claim | Kind::Protocol) || about.is_some() || kind.is_testimony();
            let needs_subjects = kind.is_artifact() || kind == Kind::Attach;
            Payload {
                kind,
                log: (!is_genesis).then_some(LedgerId::from_bytes(log)),
                seq: EntryIndex(if is_genesis { 0 } else { seq }),
                protocol: protocol.map(LeafHash::from_bytes),
                arm,
                seed,
                stage: is_run.then_some(stage),
                attempt: is_run.then_some(attempt),
                subjects: if needs_subjects || with_subjects { subjects } else { Vec::new() },
                edges: edges.into_iter().collect(),
                body: digests.0.or(needs_body.then_some(Commitment::from_bytes([9; 32]))),
                suite: digests.1,
                base: digests.2,
                checkpoint: digests.3,
                keyset: EntryIndex(if is_genesis { 0 } else { keyset }),
                genesis: is_genesis.then_some(Box::new(special.0)),
                key_change: (kind == Kind::KeyChange).then_some(Box::new(special.1)),
                outcome: (kind == Kind::RunEnd).then_some(special.2),
                head: kind
                    .is_testimony()
                    .then_some(TreeHead { size: TreeSize(keyset), root: NodeHash::from_bytes([5; 32]) }),
            }
        },
    )
}

/// A dataset of one file.
fn dataset() -> Payload {
    let mut payload = Payload::new(Kind::Dataset, Some(LedgerId::from_bytes([7; 32])), EntryIndex(3), EntryIndex(0));
    payload.subjects.push(Subject::file(FileDigest::of(b"rows"), 4));
    payload
}

fn claims() -> Claims {
    Claims { issuer: "https://lab.example".to_owned(), subject: "dataset".to_owned(), issued_at: 1_700_000_000 }
}

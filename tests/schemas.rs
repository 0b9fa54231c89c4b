//! The schemas in `schemas/`, held to real output by other people's validators.
//!
//! A ledger with an entry of every kind that can be written is made through the library; every entry, body, manifest,
//! evidence item, claim and verdict must fit its schema. Then each of these documents is damaged in every place: what
//! our own reader takes the schema takes, and what the schema takes and our reader does not is one of the few things
//! that a schema cannot say.

#![allow(clippy::unwrap_used, reason = "tests")]

mod damage;
mod drafts;
mod manifests;
mod node;
mod whole;

use std::collections::BTreeSet;

use cddl_cat::validate_cbor_bytes;
use jsonschema::{Registry, Validator};
use reproledger::claim::{ITEM, NUMBER, assess};
use reproledger::journal::Disclose;
use reproledger::key::Policy;
use reproledger::report::to_json;
use reproledger::statement::{Entry, Kind};
use serde_json::{Value, json};

use self::drafts::{claim_json, other_claim_json};
use self::manifests::{documents, places, rows, rowset, samples, tensors, tree};
use self::whole::{items, sandbox};

const ENTRY: &str = include_str!("../schemas/entry.cddl");
const MANIFEST: &str = include_str!("../schemas/manifest.cddl");
const EVIDENCE: &str = include_str!("../schemas/evidence.cddl");
const CLAIM: &str = include_str!("../schemas/claim.schema.json");
const VERDICT: &str = include_str!("../schemas/verdict.schema.json");

const ITEMS: [&str; 11] = [
    "item-1-head",
    "item-2-claim",
    "item-3-anchors",
    "item-4-census",
    "item-5-entries",
    "item-6-multiproof",
    "item-7-manifests",
    "item-8-slices",
    "item-9-bodies",
    "item-10-annexes",
    "item-11-withheld",
];

/// The place of opened items among the items of the file.
const OPENINGS: usize = 7;

fn fits(schema: &str, rule: &str, bytes: &[u8]) -> bool {
    validate_cbor_bytes(rule, schema, bytes).is_ok()
}

fn must_fit(schema: &str, rule: &str, bytes: &[u8]) {
    if let Err(error) = validate_cbor_bytes(rule, schema, bytes) {
        panic!("{rule}: {error}\n{bytes:02x?}");
    }
}

fn claim_schema() -> Validator {
    jsonschema::validator_for(&serde_json::from_str(CLAIM).unwrap()).unwrap()
}

fn verdict_schema() -> Validator {
    let claim: Value = serde_json::from_str(CLAIM).unwrap();
    let registry = Registry::new().add("urn:reproledger:schema:claim:v1", claim).unwrap().prepare().unwrap();
    jsonschema::options().with_registry(&registry).build(&serde_json::from_str(VERDICT).unwrap()).unwrap()
}

fn must_be_valid(schema: &Validator, value: &Value) {
    let errors: Vec<_> = schema.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:#?}\n{value:#}");
}

#[test]
fn every_entry_and_body_of_a_ledger_fits_the_schema() {
    let sandbox = sandbox();
    let mut kinds = BTreeSet::new();
    for bytes in sandbox.entries() {
        kinds.insert(Entry::parse(&bytes).unwrap().claimed().kind);
        assert_eq!(bytes[0], 0xd2);
        must_fit(ENTRY, "cose-sign1", &bytes[1..]);
    }
    assert_eq!(kinds.iter().copied().collect::<Vec<_>>(), Kind::ALL, "every kind is held to the schema");
    assert!(sandbox.bodies.len() > 10);
    for body in &sandbox.bodies {
        must_fit(ENTRY, "body", body);
    }
}

#[test]
fn manifests_and_every_item_of_evidence_fit_their_schemas() {
    must_fit(MANIFEST, "manifest", &tree().to_object());
    must_fit(MANIFEST, "manifest", &samples().to_object());
    must_fit(MANIFEST, "manifest", &documents().to_object());
    must_fit(MANIFEST, "manifest", &rowset().to_object());
    must_fit(MANIFEST, "manifest", &tensors().to_object());
    must_fit(MANIFEST, "manifest", &rows().to_object());
    must_fit(MANIFEST, "manifest", &places().to_object());
    let sandbox = sandbox();
    for disclose in [Disclose::ClaimOnly, Disclose::Reached] {
        let evidence = sandbox.evidence(&disclose);
        assert_eq!(evidence.withheld.is_empty(), disclose == Disclose::Reached);
        assert_eq!(evidence.annexes.len(), 1);
        let items = items(&evidence.to_bytes());
        assert_eq!(items.len(), ITEMS.len());
        for (item, rule) in items.iter().zip(ITEMS) {
            must_fit(EVIDENCE, rule, item);
        }
        for manifest in &evidence.manifests {
            must_fit(MANIFEST, "manifest", &manifest.object);
        }
        for (_, body) in &evidence.bodies {
            must_fit(ENTRY, "body", &body[32..]);
        }
    }
    for evidence in sandbox.item_evidence() {
        assert_eq!(evidence.openings.len(), 1);
        for (item, rule) in items(&evidence.to_bytes()).iter().zip(ITEMS) {
            must_fit(EVIDENCE, rule, item);
        }
    }
}

#[test]
fn claims_and_verdicts_fit_their_schemas() {
    let (claims, verdicts) = (claim_schema(), verdict_schema());
    must_be_valid(&claims, &claim_json());
    must_be_valid(&claims, &other_claim_json());
    let sandbox = sandbox();
    let bytes = sandbox.evidence(&Disclose::ClaimOnly).to_bytes();
    let policy = |vkey: &str| Policy::parse(format!("log {vkey}\nquorum none\n").as_bytes()).unwrap();
    let pinned = policy(&sandbox.settings.log_key);
    let mut seen = BTreeSet::new();
    let mut damaged = bytes.clone();
    *damaged.last_mut().unwrap() ^= 1;
    let mut forged = sandbox.evidence(&Disclose::ClaimOnly);
    forged.multiproof.pop();
    for (bytes, trust) in [
        (bytes.as_slice(), None),
        (&bytes, Some(&pinned)),
        (&bytes[1..], None),
        (&damaged, None),
        (&forged.to_bytes(), None),
        (b"reproledger evidence v2\n", None),
    ] {
        let json: Value = serde_json::from_str(&to_json(&assess(bytes, trust, NUMBER, |_| None))).unwrap();
        must_be_valid(&verdicts, &json);
        if let Some(claim) = json.pointer("/evidence/claim") {
            must_be_valid(&claims, claim);
        }
        seen.insert(json["verdict"].as_str().unwrap().to_owned());
    }
    for evidence in sandbox.item_evidence() {
        let json: Value =
            serde_json::from_str(&to_json(&assess(&evidence.to_bytes(), Some(&pinned), ITEM, |_| None))).unwrap();
        must_be_valid(&verdicts, &json);
        assert_eq!((&json["verdict"], json["evidence"]["items"].as_array().unwrap().len()), (&json!("VERIFIED"), 1));
    }
    let expected = ["CONTRADICTED", "UNREADABLE", "UNSUPPORTED", "UNVOUCHED", "VERIFIED"];
    assert!(seen.iter().eq(expected), "{seen:?}");
}

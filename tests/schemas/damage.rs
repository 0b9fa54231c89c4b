//! What a damaged document is refused by: schema and reader alike, but for the few things that no schema can say.

use std::collections::BTreeSet;

use reproledger::artifact::documents::parse_documents;
use reproledger::artifact::manifest::{Manifest, ManifestView};
use reproledger::artifact::samples::Samples;
use reproledger::artifact::tensors::parse_tensors;
use reproledger::artifact::tree::parse_tree;
use reproledger::claim::{NUMBER, assess};
use reproledger::codec::Encoder;
use reproledger::digest::DigestKind;
use reproledger::evidence::Evidence;
use reproledger::journal::Disclose;
use reproledger::report::to_json;
use reproledger::statement::{Body, Claim, Entry, EntryError, Kind, Payload, plain};
use serde_json::{Value, json};

use super::drafts::{claim_json, other_claim_json};
use super::manifests::{documents, samples, tensors, tree};
use super::node::Node;
use super::whole::{file, items, parts, sandbox};
use super::{ENTRY, EVIDENCE, ITEMS, MANIFEST, OPENINGS, claim_schema, fits, must_be_valid, must_fit, verdict_schema};

/// Holds schema and reader to each other over every damaged form of a document; counts what both refuse and what only
/// the reader does, by its words.
fn compare(
    schema: &str,
    rule: &str,
    document: &[u8],
    read: impl Fn(&[u8]) -> Result<(), String>,
    beyond: &mut BTreeSet<String>,
) -> usize {
    must_fit(schema, rule, document);
    assert_eq!(read(document), Ok(()));
    let mut refused = 0;
    let mut seen = BTreeSet::from([document.to_vec()]);
    for damaged in Node::parse(document).damaged() {
        let bytes = Encoder::encode(|e| damaged.write(e));
        if !seen.insert(bytes.clone()) {
            continue;
        }
        match (fits(schema, rule, &bytes), read(&bytes)) {
            (false, Err(_)) => refused += 1,
            (true, Ok(())) => {}
            (true, Err(reason)) => drop(beyond.insert(reason)),
            (false, Ok(())) => panic!("{rule} refuses what the reader takes: {damaged:?}"),
        }
    }
    refused
}

/// What no schema can say, by the words of the reader's refusal.
fn must_be_beyond_schemas(beyond: &BTreeSet<String>, allowed: &[&str]) {
    let unexpected: Vec<_> = beyond.iter().filter(|reason| !allowed.iter().any(|word| reason.contains(word))).collect();
    assert!(unexpected.is_empty(), "the schema takes what the reader refuses: {unexpected:#?}");
}

#[test]
fn a_damaged_entry_is_refused_by_schema_and_reader_alike() {
    let mut beyond = BTreeSet::new();
    let mut refused = 0;
    let mut kinds = BTreeSet::new();
    for entry in sandbox().entries() {
        let (protected, payload, signature) = parts(&entry);
        let kind = Payload::decode(&payload).unwrap().kind;
        if !kinds.insert(kind) && kind != Kind::KeyChange {
            continue;
        }
        let read = |bytes: &[u8]| Payload::decode(bytes).map(drop).map_err(|error| error.to_string());
        refused += compare(ENTRY, "payload", &payload, read, &mut beyond);
        if kind == Kind::Genesis {
            let envelope = |protected: &[u8]| {
                Encoder::encode(|e| {
                    e.tag_cose_sign1();
                    e.array(4);
                    e.bytes(protected);
                    e.map(|_| {});
                    e.bytes(&payload);
                    e.bytes(&signature);
                })
            };
            let read = |bytes: &[u8]| Entry::parse(&envelope(bytes)).map(drop).map_err(|error| error.to_string());
            refused += compare(ENTRY, "protected-header", &protected, read, &mut beyond);
            let read = |bytes: &[u8]| {
                Entry::parse(&[&[0xd2], bytes].concat()).map(drop).map_err(|error: EntryError| error.to_string())
            };
            refused += compare(ENTRY, "cose-sign1", &entry[1..], read, &mut beyond);
        }
    }
    assert!(refused > 3000, "{refused}");
    let allowed = [
        "is not in its one legal order",
        "the edges of a run-end lacks key 27",
        "the edges of a word on earlier entries lacks key",
        "where one key for each role belong",
    ];
    must_be_beyond_schemas(&beyond, &allowed);
}

#[test]
fn a_damaged_body_is_refused_by_schema_and_reader_alike() {
    let mut beyond = BTreeSet::new();
    let mut refused = 0;
    let read = |bytes: &[u8]| plain::from_bytes::<Body>(bytes).map(drop).map_err(|error| error.to_string());
    for body in &sandbox().bodies {
        refused += compare(ENTRY, "body", body, read, &mut beyond);
    }
    assert!(refused > 1000, "{refused}");
    must_be_beyond_schemas(&beyond, &[]);
}

fn read_samples(object: &[u8]) -> Result<(), String> {
    let view = ManifestView::parse(object).map_err(|error| error.to_string())?;
    Samples::read(&view).map(drop).map_err(|error| error.to_string())
}

#[test]
fn a_damaged_manifest_is_refused_by_schema_and_reader_alike() {
    let mut beyond = BTreeSet::new();
    let read = |bytes: &[u8]| {
        let manifest = Manifest::parse(bytes).map_err(|error| error.to_string())?;
        match manifest.header.kind {
            DigestKind::Tree => parse_tree(&manifest).map(drop).map_err(|error| error.to_string()),
            DigestKind::Tensors => parse_tensors(&manifest).map(drop).map_err(|error| error.to_string()),
            DigestKind::Rows => parse_documents(&manifest).map(drop).map_err(|error| error.to_string()),
            _ => read_samples(bytes),
        }
    };
    let mut refused = compare(MANIFEST, "manifest", &tree().to_object(), read, &mut beyond);
    refused += compare(MANIFEST, "manifest", &samples().to_object(), read, &mut beyond);
    refused += compare(MANIFEST, "manifest", &documents().to_object(), read, &mut beyond);
    refused += compare(MANIFEST, "manifest", &tensors().to_object(), read, &mut beyond);
    assert!(refused > 700, "{refused}");
    let allowed = [
        "stands in the tree twice",
        "stands there twice",
        "is not in its place",
        "is not in its one legal order",
        "the list of anomalies",
        "its facts were read by",
        "does not mean the rational beside it",
        "where its type and shape take",
        "its shape is no multiple of that",
        "multiply to more than 64 bits hold",
        "more elements together than 64 bits count",
        "not in lowest terms",
    ];
    must_be_beyond_schemas(&beyond, &allowed);
}

#[test]
fn damaged_evidence_is_refused_by_schema_and_reader_alike() {
    let mut beyond = BTreeSet::new();
    let mut refused = 0;
    let all = items(&sandbox().evidence(&Disclose::ClaimOnly).to_bytes());
    for (at, rule) in ITEMS.iter().enumerate() {
        let read = |bytes: &[u8]| {
            let mut items = all.clone();
            items[at] = bytes.to_vec();
            let file = file(&items);
            Evidence::parse(&file).map_err(|error| error.to_string())?;
            reproledger::verify::evidence(&file, None).map(drop).map_err(|error| format!("readable, but {error}"))
        };
        refused += compare(EVIDENCE, rule, &all[at], read, &mut beyond);
    }
    assert!(refused > 500, "{refused}");
    // Of evidence of items the openings alone are of another shape.
    for evidence in sandbox().item_evidence() {
        let all = items(&evidence.to_bytes());
        let read = |bytes: &[u8]| {
            let mut items = all.clone();
            items[OPENINGS] = bytes.to_vec();
            let file = file(&items);
            Evidence::parse(&file).map_err(|error| error.to_string())?;
            reproledger::verify::evidence(&file, None).map(drop).map_err(|error| format!("readable, but {error}"))
        };
        let refused = compare(EVIDENCE, ITEMS[OPENINGS], &all[OPENINGS], read, &mut beyond);
        assert!(refused > 100, "{refused}");
    }
    must_be_beyond_schemas(&beyond, &["is not in its one legal order", "readable, but "]);
}

/// A JSON value changed in one place, in every place and way.
fn damaged(value: &Value) -> Vec<Value> {
    let mut all = vec![
        json!(null),
        json!(true),
        json!(7),
        json!(-7),
        json!(0.5),
        json!("x"),
        json!([]),
        json!({}),
        json!({"none": {}}),
    ];
    match value {
        Value::Array(items) => {
            for at in 0..items.len() {
                all.extend(damaged(&items[at]).into_iter().map(|item| {
                    let mut items = items.clone();
                    items[at] = item;
                    Value::Array(items)
                }));
            }
        }
        Value::Object(map) => {
            let with = |key: &str, value: Option<Value>| {
                let mut map = map.clone();
                match value {
                    Some(value) => map.insert(key.to_owned(), value),
                    None => map.remove(key),
                };
                Value::Object(map)
            };
            all.push(with("more", Some(json!(1))));
            for (key, value) in map {
                all.push(with(key, None));
                all.extend(damaged(value).into_iter().map(|value| with(key, Some(value))));
            }
        }
        _ => {}
    }
    all
}

#[test]
fn a_damaged_claim_is_refused_by_schema_and_reader_alike() {
    let schema = claim_schema();
    let mut refused = 0;
    for value in damaged(&claim_json()).into_iter().chain(damaged(&other_claim_json())) {
        let takes = plain::to_bytes(&value).is_ok_and(|bytes| plain::from_bytes::<Claim>(&bytes).is_ok());
        assert_eq!(schema.is_valid(&value), takes, "{value:#}");
        refused += u32::from(!takes);
    }
    assert!(refused > 500, "{refused}");
}

#[test]
fn a_damaged_verdict_is_refused() {
    let schema = verdict_schema();
    let bytes = sandbox().evidence(&Disclose::ClaimOnly).to_bytes();
    let whole: Value = serde_json::from_str(&to_json(&assess(&bytes, None, NUMBER, |_| None))).unwrap();
    must_be_valid(&schema, &whole);
    let change = |pointer: &str, value: Value| {
        let mut changed = whole.clone();
        *changed.pointer_mut(pointer).unwrap() = value;
        schema.is_valid(&changed)
    };
    for (pointer, value) in [
        ("/schema", json!("urn:reproledger:schema:verdict:v2")),
        ("/verdict", json!("verified")),
        ("/verdict", json!("VERIFIED")),
        ("/verdict", json!("UNREADABLE")),
        ("/exit_code", json!(0)),
        ("/exit_code", json!(101)),
        ("/level", json!("L9")),
        ("/assurance", json!([])),
        ("/assurance/0/level", json!("L9")),
        ("/assurance/0/stage", json!("luck")),
        ("/findings", json!([])),
        ("/findings/0/outcome", json!("pass")),
        ("/findings/0/check", json!("Ledger Chain")),
        ("/findings/0/reason", json!("")),
        ("/findings/0/entries", json!([-1])),
        ("/evidence/ledger", json!("00")),
        ("/evidence/claim/inputs/0", json!("00")),
        ("/evidence/claim/error", json!(null)),
        ("/evidence/withheld/0/digest", json!("md5:00")),
        ("/evidence", json!(null)),
    ] {
        assert!(!change(pointer, value.clone()), "{pointer} = {value}");
    }
    for pointer in ["", "/evidence", "/findings/0", "/evidence/claim", "/evidence/withheld/0", "/rebuilds/0"] {
        let mut more = whole.clone();
        more.pointer_mut(pointer).unwrap().as_object_mut().unwrap().insert("more".to_owned(), json!(1));
        assert!(!schema.is_valid(&more), "more in {pointer}");
        for key in whole.pointer(pointer).unwrap().as_object().unwrap().keys() {
            let mut without = whole.clone();
            without.pointer_mut(pointer).unwrap().as_object_mut().unwrap().remove(key);
            let is_optional = matches!(
                key.as_str(),
                "evidence"
                    | "assurance"
                    | "rebuilds"
                    | "claim"
                    | "expected"
                    | "found"
                    | "next"
                    | "attached_by"
                    | "why_not"
            );
            assert_eq!(schema.is_valid(&without), is_optional, "without {pointer}/{key}");
        }
    }
}

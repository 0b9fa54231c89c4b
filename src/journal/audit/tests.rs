//! Ledgers that a faithful writer would never make, and what an audit says of them.
#![allow(clippy::unwrap_used, reason = "tests")]

pub(crate) mod forge;

use std::fs;

use super::*;
use crate::digest::{Digest, DigestKind, FileDigest, LeafHash, LedgerId};
use crate::key::SigningKey;
use crate::ledger::Objects;
use crate::merkle::EntryIndex;
use crate::statement::{Body, Edge, EdgeType, Entry, KeyChange, Kind, Role, Subject, possession_message};
use forge::{Forge, claims, file_of, issuer};

fn edge(edge_type: EdgeType, seq: u64, digest: [u8; 32]) -> Edge {
    let digest = FileDigest::from_bytes(digest).into();
    Edge { edge_type, log: None, seq: EntryIndex(seq), kind: DigestKind::File, digest }
}

/// The one finding of a ledger with one thing wrong.
fn only(audit: &Audit) -> (Class, Option<u64>, String) {
    let [finding] = audit.findings.kept() else { panic!("{:?}", audit.findings) };
    (finding.class(), finding.entry().map(|index| index.0), finding.to_string())
}

#[test]
fn a_ledger_that_keeps_the_rules_is_clean() {
    let mut forge = Forge::new();
    let spec = forge.payload(Kind::Spec);
    forge.say(&spec, 100);
    let mut documents = forge.payload(Kind::Documents);
    documents.edges.push(edge(EdgeType::DecomposedFrom, 1, file_of(Kind::Spec)));
    forge.say(&documents, 101);
    let report = forge.audit();
    assert_eq!(report.findings.worst(), None, "{:?}", report.findings);
    let entries = report.entries.as_ref().unwrap();
    assert_eq!((entries.read, entries.signatures, entries.links), (3, 3, 1));
}

#[test]
fn a_signature_that_does_not_hold_is_damage_although_every_head_holds() {
    let mut forge = Forge::new();
    let spec = forge.payload(Kind::Spec);
    let mut bytes = Entry::sign(&spec, &claims(100), &issuer()).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    forge.put(&bytes);
    assert_eq!(only(&forge.audit()), (Class::Damaged, Some(1), "the signature of entry 1 does not hold".to_owned()));
}

#[test]
fn a_key_that_was_never_enrolled_is_damage() {
    let mut forge = Forge::new();
    let spec = forge.payload(Kind::Spec);
    forge.put(&Entry::sign(&spec, &claims(100), &SigningKey::from_seed([9; 32])).unwrap());
    assert!(only(&forge.audit()).2.contains("which this ledger has not enrolled"));
}

#[test]
fn a_key_change_is_followed_and_a_revoked_key_signs_nothing() {
    let mut forge = Forge::new();
    let second = SigningKey::from_seed([3; 32]);
    let mut add = forge.payload(Kind::KeyChange);
    let possession = second.sign(&possession_message(&forge.log, EntryIndex(1), Role::Issuer));
    add.key_change = Some(Box::new(KeyChange::Add { role: Role::Issuer, key: second.public(), possession }));
    forge.say(&add, 100);
    let mut revoke = forge.payload(Kind::KeyChange);
    revoke.keyset = EntryIndex(1);
    let change = KeyChange::Revoke { key: issuer().public(), compromised_since: Some(EntryIndex(1)) };
    revoke.key_change = Some(Box::new(change));
    forge.put(&Entry::sign(&revoke, &claims(100), &second).unwrap());
    let report = forge.audit();
    assert_eq!(report.findings.worst(), None, "{:?}", report.findings);
    let (key, by, since) = (issuer().public().thumbprint(), EntryIndex(2), EntryIndex(1));
    assert_eq!(report.entries.unwrap().disowned, [Disowned { entries: 1, key, since, by }]);

    let mut spec = forge.payload(Kind::Spec);
    spec.keyset = EntryIndex(2);
    forge.say(&spec, 100);
    let report = forge.audit();
    let expected = "entry 3 is signed by a key that entry 2 had revoked".to_owned();
    assert_eq!(only(&report), (Class::Damaged, Some(3), expected));
}

#[test]
fn after_a_change_of_keys_that_does_not_hold_signatures_are_unknown_not_guessed() {
    let mut forge = Forge::new();
    let second = SigningKey::from_seed([3; 32]);
    let mut add = forge.payload(Kind::KeyChange);
    let possession = second.sign(b"something else");
    add.key_change = Some(Box::new(KeyChange::Add { role: Role::Issuer, key: second.public(), possession }));
    forge.say(&add, 100);
    let mut spec = forge.payload(Kind::Spec);
    spec.keyset = EntryIndex(1);
    forge.put(&Entry::sign(&spec, &claims(100), &second).unwrap());
    let report = forge.audit();
    assert_eq!(report.findings.worst(), Some(Class::Damaged));
    let reasons: Vec<String> = report.findings.kept().iter().map(ToString::to_string).collect();
    assert!(reasons[0].contains("has not signed its enrolment"), "{reasons:?}");
    assert!(reasons[1].contains("later signatures were not judged"), "{reasons:?}");
    assert_eq!(reasons.len(), 2);
}

#[test]
fn links_that_lead_forward_or_to_something_else_are_damage() {
    let spec_digest = file_of(Kind::Spec);
    for (link, expected) in [
        (edge(EdgeType::DecomposedFrom, 2, spec_digest), "entry 2 points to entry 2, which is not before it"),
        (edge(EdgeType::DecomposedFrom, 9, spec_digest), "entry 2 points to entry 9, which is not before it"),
        (
            edge(EdgeType::DecomposedFrom, 1, [1; 32]),
            "entry 2 points to entry 1 by a file digest that entry does not carry",
        ),
        (
            edge(EdgeType::TrainedOn, 1, spec_digest),
            "entry 2 (documents) cannot stand in `trained_on` to entry 1 (spec)",
        ),
    ] {
        let mut forge = Forge::new();
        let spec = forge.payload(Kind::Spec);
        forge.say(&spec, 100);
        let mut documents = forge.payload(Kind::Documents);
        documents.edges.push(link);
        forge.say(&documents, 100);
        assert_eq!(only(&forge.audit()), (Class::Damaged, Some(2), expected.to_owned()));
    }
}

#[test]
fn time_that_goes_back_another_ledgers_entry_and_a_protocol_that_is_not_there_are_damage() {
    let mut forge = Forge::new();
    let spec = forge.payload(Kind::Spec);
    forge.say(&spec, 99);
    assert!(only(&forge.audit()).2.starts_with("the time of entry 1 (99) is before that of entry 0 (100)"));

    let mut forge = Forge::new();
    let mut spec = forge.payload(Kind::Spec);
    spec.log = Some(LedgerId::from_bytes([5; 32]));
    forge.say(&spec, 100);
    assert!(only(&forge.audit()).2.starts_with("entry 1 belongs to another ledger"));

    let mut forge = Forge::new();
    let mut spec = forge.payload(Kind::Spec);
    spec.protocol = Some(LeafHash::from_bytes([5; 32]));
    forge.say(&spec, 100);
    assert!(only(&forge.audit()).2.contains("which is not in this ledger"));
}

#[test]
fn an_entry_of_the_future_is_unknown_and_bytes_that_are_no_entry_are_damage() {
    let mut forge = Forge::new();
    forge.put(b"not an entry");
    assert!(matches!(only(&forge.audit()), (Class::Damaged, Some(1), _)));

    let mut forge = Forge::new();
    forge.put_newer();
    let (class, _, reason) = only(&forge.audit());
    assert_eq!(class, Class::Unknown);
    assert!(reason.starts_with("entry 1 cannot be read"), "{reason}");
}

#[test]
fn objects_may_be_missing_but_never_others() {
    let mut forge = Forge::new();
    let body = Body { name: Some("a".to_owned()), ..Body::default() };
    let (commitment, object) = body.seal(&crate::digest::Salt([4; 32])).unwrap();
    let mut spec = forge.payload(Kind::Spec);
    spec.body = Some(commitment);
    let tree = crate::digest::ManifestRoot::from_bytes([6; 32]);
    spec.subjects.push(Subject::manifest(DigestKind::Tree, tree, 1, 1));
    forge.say(&spec, 100);
    let report = forge.audit();
    let entries = report.entries.as_ref().unwrap();
    assert_eq!(report.findings.worst(), None);
    assert_eq!((entries.bodies.missing, entries.manifests.missing), (1, 1));

    let objects = Objects::new(forge.ledger().join("objects"));
    objects.put(commitment.as_bytes(), &object).unwrap();
    assert_eq!(forge.audit().entries.unwrap().bodies.whole, 1);
    objects.put(commitment.as_bytes(), &[object.as_slice(), b"x"].concat()).unwrap();
    let report = forge.audit();
    let name = Digest::from(commitment).to_string();
    let path = format!("`{}/{}/{}`", objects.dir().display(), &name[7..9], &name[9..]);
    assert!(only(&report).2.starts_with(&format!("{path} is not the body of entry 1")), "{:?}", report.findings);
    objects.put(commitment.as_bytes(), &object).unwrap();
    objects.put(tree.as_bytes(), b"\x82\xa0\x01").unwrap();
    assert_eq!(only(&forge.audit()).0, Class::Damaged);
}

#[test]
fn settings_that_name_another_ledger_are_damage() {
    let forge = Forge::new();
    let path = Settings::path(&forge.ledger());
    let text = fs::read_to_string(&path).unwrap();
    let other = text.replace(&forge.log.to_string(), &LedgerId::from_bytes([5; 32]).to_string());
    fs::write(&path, other).unwrap();
    assert!(only(&forge.audit()).2.starts_with("`ledger.toml` names another ledger id than entry 0"));
}

/// Three entries under three heads.
fn three(forge: &mut Forge) -> Vec<Vec<u8>> {
    let kinds = [Kind::Spec, Kind::Config, Kind::Other].into_iter();
    let put = |kind| {
        let bytes = Entry::sign(&forge.payload(kind), &claims(100), &issuer()).unwrap();
        forge.put(&bytes);
        bytes
    };
    kinds.map(put).collect()
}

/// An entry of a log whose head gives it away.
fn assert_named(audit: &Audit, forge: &Forge, index: u64) {
    let reasons: Vec<String> = audit.findings.kept().iter().map(ToString::to_string).collect();
    let segment = format!("`{}`", forge.ledger().join("log/000000.seg").display());
    assert!(reasons[0].starts_with(&segment), "{reasons:?}");
    assert!(reasons[0].contains("does not follow from the entries"), "{reasons:?}");
    let altered = format!("the signature of entry {index} does not hold: it is not what was signed");
    assert_eq!(reasons[1..], [altered]);
}

#[test]
fn an_entry_rewritten_with_all_checksums_right_is_named() {
    for last in [false, true] {
        let mut forge = Forge::new();
        let entries = three(&mut forge);
        forge.rewrite(&entries[if last { 2 } else { 1 }]);
        let index = if last { 3 } else { 2 };
        // What was issued is remembered beside the log.
        assert_named(&forge.audit(), &forge, index);

        // Whoever rewrites the log also takes away what remembers its heads.
        let (ledger, elsewhere) = (forge.ledger(), forge.dir.path().join("elsewhere"));
        fs::remove_file(ledger.join("head")).unwrap();
        assert_named(&forge.audit_with(&elsewhere), &forge, index);
    }
}

#[test]
fn a_flipped_bit_says_how_far_the_log_is_whole() {
    let mut forge = Forge::new();
    let entries = three(&mut forge);
    forge.flip(&entries[1]);
    let audit = forge.audit();
    let (class, entry, reason) = only(&audit);
    assert_eq!((class, entry, audit.whole_before), (Class::Damaged, None, Some(2)));
    assert!(reason.ends_with("a frame fails its checksum"), "{reason}");
    assert!(audit.log.is_none() && audit.entries.is_none());
}

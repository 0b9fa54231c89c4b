//! Section A: one meaning, one encoding. The vendor signs each of these itself; none is read.

use reproledger::claim::Verdict;
use reproledger::codec::{DecodeError, Encoder};
use reproledger::digest::{Algorithm, Commitment, Digest, DigestKind};
use reproledger::evidence::EvidenceError;
use reproledger::merkle::EntryIndex;
use reproledger::statement::{BodyError, EntryError, Kind};
use reproledger::verify::{Class, Reject};

use super::{decided, frame, items};
use crate::support::{Story, Told, finding, forge, key, parts, salt};

/// What the verifier says of evidence whose item was replaced by raw bytes.
fn item_refused(item: usize, bytes: &[u8]) -> (Class, DecodeError) {
    let told = Story::new().tell();
    let mut parts = items(&told.evidence().to_bytes());
    parts[item] = bytes.to_vec();
    let reject = reproledger::verify::evidence(&frame(&parts), Some(&told.lab.policy())).unwrap_err();
    let class = reject.class();
    match reject {
        Reject::Evidence(EvidenceError::Item { item: found, source, .. }) if found == item + 1 => (class, source),
        other => panic!("{other:?}"),
    }
}

/// What it says of a claim entry whose payload the vendor encoded so and signed.
fn payload_refused(change: impl FnOnce(&mut Vec<u8>)) -> (Class, DecodeError) {
    let told = Story::new().tell().with_claim_payload(change);
    // Honest evidence cannot follow the links of an entry that is none, so the entry is put in afterwards.
    let honest = Story::new().tell();
    let mut evidence = honest.evidence();
    evidence.entries.last_mut().unwrap().1 = told.lab.entries.last().unwrap().clone();
    evidence.head = told.lab.head().bytes().to_vec();
    let reject = reproledger::verify::evidence(&evidence.to_bytes(), Some(&told.lab.policy())).unwrap_err();
    let class = reject.class();
    match reject {
        Reject::Entry { index, source: EntryError::Decode(error) } if index == told.claim => (class, error),
        other => panic!("{other:?}"),
    }
}

/// The payload as its map entries: key and value bytes.
fn entries_of(payload: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut d = reproledger::codec::Decoder::new(payload);
    let mut entries = Vec::new();
    d.int_map(|key, d| -> Result<(), DecodeError> {
        entries.push((Encoder::encode(|e| e.int(key)), d.raw()?.to_vec()));
        Ok(())
    })
    .unwrap();
    entries
}

/// The map of these entries, in just this order.
fn map_of(entries: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = vec![0xa0 | u8::try_from(entries.len()).unwrap()];
    entries.iter().for_each(|(key, value)| bytes.extend([key.as_slice(), value].concat()));
    bytes
}

/// Replaces the value under a payload key.
fn with_value(key: i64, value: &[u8]) -> impl FnOnce(&mut Vec<u8>) {
    move |payload: &mut Vec<u8>| {
        let mut entries = entries_of(payload);
        let wanted = Encoder::encode(|e| e.int(key));
        match entries.iter_mut().find(|(found, _)| *found == wanted) {
            Some(entry) => entry.1 = value.to_vec(),
            None => {
                entries.push((wanted, value.to_vec()));
                entries.sort();
            }
        }
        *payload = map_of(&entries);
    }
}

#[test]
fn a02_trailing_bytes_are_refused_wherever_they_stand() {
    let told = Story::new().tell();
    let policy = told.lab.policy();
    let bytes = told.evidence().to_bytes();
    for trailing in [&b"\0"[..], b"\n", b"more"] {
        let reject = reproledger::verify::evidence(&[&bytes, trailing].concat(), Some(&policy)).unwrap_err();
        assert_eq!(reject, Reject::Evidence(EvidenceError::Trailing { count: trailing.len() }));
        assert_eq!(reject.class(), Class::Malformed);
    }
    for (number, item) in items(&bytes).iter().enumerate() {
        let (class, error) = item_refused(number, &[item.as_slice(), &[0xf6]].concat());
        assert_eq!((class, error), (Class::Malformed, DecodeError::TrailingBytes { count: 1 }), "item {number}");
    }
    let (class, error) = payload_refused(|payload| payload.push(0));
    assert_eq!((class, error), (Class::Malformed, DecodeError::TrailingBytes { count: 1 }));
}

#[test]
fn a04_integers_that_are_too_long_are_refused() {
    for wide in [&[0x18, 0x05][..], &[0x19, 0, 5], &[0x1a, 0, 0, 0, 5], &[0x1b, 0, 0, 0, 0, 0, 0, 0, 5]] {
        assert_eq!(item_refused(1, wide), (Class::Malformed, DecodeError::OverlongInteger { at: 0 }));
        let (class, error) = payload_refused(with_value(1, wide));
        assert!(matches!(error, DecodeError::OverlongInteger { .. }), "{error:?}");
        assert_eq!(class, Class::Malformed);
    }
}

#[test]
fn a05_indefinite_lengths_are_refused() {
    assert_eq!(item_refused(3, &[0x9f, 1, 5, 0xff]), (Class::Malformed, DecodeError::IndefiniteLength { at: 0 }));
    assert_eq!(item_refused(0, &[0x5f, 0x41, 1, 0xff]).1, DecodeError::IndefiniteLength { at: 0 });
    let (class, error) = payload_refused(|payload| {
        payload[0] = 0xbf;
        payload.push(0xff);
    });
    assert_eq!((class, error), (Class::Malformed, DecodeError::IndefiniteLength { at: 0 }));
}

#[test]
fn a06_maps_in_another_order_are_refused() {
    let (class, error) = payload_refused(|payload| {
        let mut entries = entries_of(payload);
        entries.swap(0, 1);
        *payload = map_of(&entries);
    });
    assert!(matches!(error, DecodeError::KeyOrder { .. }), "{error:?}");
    assert_eq!(class, Class::Malformed);
}

#[test]
fn a07_a_key_that_stands_twice_is_refused_in_payloads_and_in_bodies() {
    let (class, error) = payload_refused(|payload| {
        let mut entries = entries_of(payload);
        entries.insert(1, entries[0].clone());
        *payload = map_of(&entries);
    });
    assert!(matches!(error, DecodeError::DuplicateKey { .. }), "{error:?}");
    assert_eq!(class, Class::Malformed);
    // In a body, where a JSON reader would take the last of the two.
    let body = [&[0xa2][..], &[0x64], b"name", &[0x61, b'a'], &[0x64], b"name", &[0x61, b'b']].concat();
    let reject = body_refused(&body);
    assert!(matches!(&reject, Reject::Body { source: BodyError::Plain(_), .. }), "{reject:?}");
    assert!(reject.to_string().contains("stands there twice"), "{reject}");
    assert_eq!(reject.class(), Class::Malformed);
}

/// What the verifier says of a claim whose body the vendor wrote so and committed to.
fn body_refused(body: &[u8]) -> Reject {
    let mut told = Story::new().tell();
    let salt = salt(99);
    let mut payload = told.lab.said(told.claim);
    payload.body = Some(Commitment::to(&salt, body));
    told.lab.resay(told.claim, &payload);
    told.lab.bodies.insert(told.claim, [&salt.0, body].concat());
    told.reject()
}

#[test]
fn a08_an_unknown_field_in_a_signed_structure_is_unsupported_and_never_dropped() {
    let (class, error) = payload_refused(with_value(99, &[1]));
    assert_eq!((class, error), (Class::Unsupported, DecodeError::UnknownKey { what: "an entry's payload", key: 99 }));
    let body = [&[0xa1][..], &[0x65], b"extra", &[1]].concat();
    assert_eq!(body_refused(&body).class(), Class::Unsupported);
}

#[test]
fn a09_an_unknown_kind_or_version_is_unsupported_and_never_skipped() {
    let (class, error) = payload_refused(with_value(2, &[0x19, 0x03, 0xe7]));
    assert_eq!(
        (class, error),
        (Class::Unsupported, DecodeError::UnknownValue { what: "a statement kind", value: 999 })
    );
    let (class, error) = payload_refused(with_value(1, &[2]));
    assert_eq!(
        (class, error),
        (Class::Unsupported, DecodeError::UnknownValue { what: "the payload version", value: 2 })
    );
    let told = Story::new().tell();
    let mut bytes = told.evidence().to_bytes();
    bytes[22] = b'2';
    let reject = reproledger::verify::evidence(&bytes, None).unwrap_err();
    assert_eq!((reject.class(), &reject), (Class::Unsupported, &Reject::Evidence(EvidenceError::Version)));
}

#[test]
fn a10_an_entry_without_what_its_version_requires_is_refused() {
    for key in [1, 2, 3, 4, 5, 12, 16] {
        let (class, error) = payload_refused(|payload| {
            let wanted = Encoder::encode(|e| e.int(key));
            *payload =
                map_of(&entries_of(payload).into_iter().filter(|(found, _)| *found != wanted).collect::<Vec<_>>());
        });
        assert_eq!(error, DecodeError::MissingKey { what: "an entry's payload", key });
        assert_eq!(class, Class::Malformed);
    }
}

#[test]
fn a11_floats_are_refused_in_every_width() {
    let half = [0xf9, 0x7e, 0x00];
    let single = [0xfa, 0x7f, 0x80, 0, 0];
    let double = [0xfb, 0x80, 0, 0, 0, 0, 0, 0, 0];
    for float in [&half[..], &single, &double] {
        assert_eq!(item_refused(1, float), (Class::Malformed, DecodeError::Float { at: 0 }));
        let (class, error) = payload_refused(with_value(7, float));
        assert!(matches!(error, DecodeError::Float { .. }), "{error:?}");
        assert_eq!(class, Class::Malformed);
        let body = [&[0xa1][..], &[0x64], b"name", float].concat();
        assert_eq!(body_refused(&body).class(), Class::Malformed);
    }
}

#[test]
fn a12_tags_and_simple_values_are_refused() {
    for (bytes, expected) in [
        (&[0xc2, 0x41, 5][..], DecodeError::Tag { at: 0, tag: 2 }),
        (&[0xd9, 0xd9, 0xf7, 5], DecodeError::Tag { at: 0, tag: 55799 }),
        (&[0xf7], DecodeError::Simple { at: 0, value: 23 }),
        (&[0xf8, 0x20], DecodeError::Simple { at: 0, value: 32 }),
        (&[0x1c], DecodeError::Reserved { at: 0, byte: 0x1c }),
    ] {
        assert_eq!(item_refused(1, bytes), (Class::Malformed, expected));
    }
}

#[test]
fn a13_labels_that_are_no_clean_text_are_refused() {
    for label in [&b"\x62\xc3\x28"[..], b"\x61\x00", b"\x61\x1b", b"\x62\xc2\x9b", b"\x60"] {
        let (class, error) = payload_refused(with_value(6, label));
        assert!(matches!(error, DecodeError::Utf8 { .. } | DecodeError::Range { .. }), "{error:?}");
        assert_eq!(class, Class::Malformed);
    }
    let long = Encoder::encode(|e| e.text(&"x".repeat(257)));
    assert!(matches!(payload_refused(with_value(6, &long)).1, DecodeError::Range { .. }));
}

#[test]
fn a14_numbers_at_their_ends_are_refused_without_overflow() {
    let huge = [0x1b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
    let middle = [0x1b, 0x80, 0, 0, 0, 0, 0, 0, 0];
    for number in [huge, middle] {
        let told = Story::new().tell();
        let mut parts = items(&told.evidence().to_bytes());
        parts[1] = number.to_vec();
        assert_ne!(verdict_of(&told, &frame(&parts)).exit_code(), 0);
        for census in [[&[0x82][..], &number, &[5]].concat(), [&[0x82][..], &[1], &number].concat()] {
            let mut parts = items(&told.evidence().to_bytes());
            parts[3] = census;
            let reject = reproledger::verify::evidence(&frame(&parts), None).unwrap_err();
            assert!(matches!(reject, Reject::CensusRange { .. }), "{reject:?}");
        }
    }
    let reject =
        Story::new().tell().reject_with(|evidence| evidence.entries.last_mut().unwrap().0 = EntryIndex(u64::MAX));
    assert!(matches!(reject, Reject::OutsideTree { index: EntryIndex(u64::MAX), .. }), "{reject:?}");
    // A head that claims 2^64 - 1 entries, truly signed.
    let mut told = Story::new().tell();
    let tree = reproledger::merkle::TreeHead {
        size: reproledger::merkle::TreeSize(u64::MAX),
        root: told.lab.tree().head().root,
    };
    let head =
        reproledger::merkle::Head { origin: reproledger::merkle::Origin::parse(&told.lab.origin).unwrap(), tree };
    let signed = head.sign(&key(told.lab.log_key));
    assert!(matches!(told.reject_with(|e| e.head = signed.bytes().to_vec()), Reject::Inclusion(_)));
    // An entry that says it is the last there can be.
    let mut payload = told.lab.said(told.claim);
    payload.seq = EntryIndex(u64::MAX);
    told.lab.resay(told.claim, &payload);
    assert_eq!(told.reject(), Reject::Seq { index: told.claim, claimed: EntryIndex(u64::MAX) });
}

fn verdict_of(told: &Told, bytes: &[u8]) -> Verdict {
    reproledger::claim::assess(bytes, Some(&told.lab.policy()), reproledger::claim::NUMBER, |_| None).verdict
}

#[test]
fn a15_null_is_no_second_way_to_say_nothing() {
    for key in [6, 7, 8, 9, 13, 14, 15] {
        let (class, error) = payload_refused(with_value(key, &[0xf6]));
        assert!(matches!(error, DecodeError::Type { .. }), "key {key}: {error:?}");
        assert_eq!(class, Class::Malformed);
    }
    // The own ledger spelled out in a link that could leave it out: a retraction written so would go unseen.
    let mut told = Story::new().tell();
    let mut payload = told.lab.payload(Kind::Retraction);
    let mut edge = told.lab.link(reproledger::statement::EdgeType::Retracts, told.log);
    edge.log = Some(told.lab.id());
    payload.edges.push(edge);
    told.lab.seal(&mut payload, &reproledger::statement::Body::default());
    let index = told.lab.say(&payload);
    assert_eq!(told.reject(), Reject::OwnLog { index });
}

#[test]
fn a16_a_digest_has_32_bytes_and_is_not_zero() {
    for length in [0_usize, 16, 31, 33] {
        let digest = Encoder::encode(|e| {
            e.array(2);
            e.int(1);
            e.bytes(&vec![7; length]);
        });
        let (class, error) = payload_refused(with_value(12, &digest));
        assert!(matches!(error, DecodeError::Length { found, .. } if found == length), "{error:?}");
        assert_eq!(class, Class::Malformed);
    }
    let zero = Encoder::encode(|e| Digest { algorithm: Algorithm::Blake3, bytes: [0; 32] }.encode(e));
    assert!(matches!(payload_refused(with_value(12, &zero)).1, DecodeError::Length { .. }));
}

#[test]
fn a17_a_digest_under_another_algorithm_is_another_digest() {
    let mut told = Story::new().tell();
    let mut payload = told.lab.said(told.claim);
    payload.edges[0].digest.algorithm = Algorithm::Sha256;
    told.lab.resay(told.claim, &payload);
    let expected = Reject::BrokenEdge { index: told.claim, target: told.log, kind: DigestKind::Samples.name() };
    assert_eq!(told.reject(), expected);
    let mut story = Story::new();
    let root = story.manifest().root().unwrap();
    story.claim.inputs = vec![Digest { algorithm: Algorithm::Sha256, bytes: *root.as_bytes() }];
    let assessment = story.tell().assess();
    decided(&assessment, Verdict::Contradicted, "claim.complete");
    assert!(finding(&assessment, "claim.complete").reason.contains("has no link"));
}

#[test]
fn a17_a_commitment_has_no_second_spelling_under_another_algorithm() {
    let told = Story::new().tell();
    let commitment = told.lab.said(told.claim).body.unwrap();
    let digest = Encoder::encode(|e| Digest { algorithm: Algorithm::Sha256, bytes: *commitment.as_bytes() }.encode(e));
    let told = told.with_claim_payload(with_value(12, &digest));
    let bytes = told.lab.evidence(told.claim).to_bytes();
    let reject = reproledger::verify::evidence(&bytes, Some(&told.lab.policy()));
    assert!(reject.is_err(), "a body committed to by `sha256` is taken for one by BLAKE3");
}

#[test]
fn a19_the_signature_is_over_the_bytes_as_received() {
    // Signed in canonical form, delivered in another that means the same: refused before the signature is looked at.
    let told = Story::new().tell();
    let entry = told.lab.entries.last().unwrap().clone();
    let (protected, payload) = parts(&entry);
    let mut entries = entries_of(&payload);
    entries.swap(0, 1);
    let other = map_of(&entries);
    let signature = &entry[entry.len() - 64..];
    let delivered = Encoder::encode(|e| {
        e.tag_cose_sign1();
        e.array(4);
        e.bytes(&protected);
        e.map(|_| {});
        e.bytes(&other);
        e.bytes(signature);
    });
    let mut lab = told.lab.clone();
    *lab.entries.last_mut().unwrap() = delivered;
    let mut evidence = told.evidence();
    evidence.entries.last_mut().unwrap().1 = lab.entries.last().unwrap().clone();
    evidence.head = lab.head().bytes().to_vec();
    let reject = reproledger::verify::evidence(&evidence.to_bytes(), Some(&lab.policy())).unwrap_err();
    assert!(
        matches!(reject, Reject::Entry { source: EntryError::Decode(DecodeError::KeyOrder { .. }), .. }),
        "{reject:?}"
    );
    // Two payloads that mean the same, both signed: only the canonical one is an entry at all.
    let again = forge(&protected, &[0xa0], &other, &key(told.lab.issuer));
    assert!(reproledger::statement::Entry::parse(&again).is_err());
    assert!(reproledger::statement::Entry::parse(&forge(&protected, &[0xa0], &payload, &key(told.lab.issuer))).is_ok());
}

#[test]
fn f14_empty_manifests_and_empty_experiments_are_refused() {
    use reproledger::artifact::manifest::{Manifest, ManifestError, ManifestHeader};
    let header = ManifestHeader { kind: DigestKind::Samples, projection: "inspect/1".to_owned(), facts: None };
    let empty = Manifest { header, items: Vec::new() };
    assert_eq!(empty.root(), Err(ManifestError::Empty));
    assert_eq!(Manifest::parse(&empty.to_object()), Err(ManifestError::Empty));
    let told = Story::new().tell();
    let reject = told.reject_with(|evidence| evidence.manifests[0].object = empty.to_object());
    assert!(matches!(reject, Reject::Manifest { source: ManifestError::Empty, .. }), "{reject:?}");
    let mut story = Story::new();
    story.claim.eval.samples = 0;
    story.claim.value.subject.n = 0;
    assert_ne!(story.tell().assess().verdict.exit_code(), 0);
    let mut payload = told.lab.payload(Kind::Dataset);
    payload.subjects.push(reproledger::statement::Subject::default());
    assert!(reproledger::statement::Payload::decode(&payload.encode()).is_err());
}

//! Payloads, subjects and edges.

use super::*;
use crate::codec::{DecodeError, Decoder};
use crate::statement::payload::MAX_LABEL;

const WHAT: &str = "an entry's payload";

proptest! {
    #[test]
    fn every_payload_comes_back_from_its_one_encoding(payload in payload_value()) {
        let bytes = payload.encode();
        let decoded = Payload::decode(&bytes).unwrap();
        prop_assert_eq!(&decoded, &payload);
        prop_assert_eq!(decoded.encode(), bytes);
    }

    #[test]
    fn edges_are_written_in_order_whatever_order_they_came_in(payload in payload_value()) {
        let mut reversed = payload.clone();
        reversed.edges.reverse();
        prop_assert_eq!(reversed.encode(), payload.encode());
    }

    #[test]
    fn every_truncation_of_a_payload_is_refused(payload in payload_value(), cut in any::<prop::sample::Index>()) {
        let bytes = payload.encode();
        prop_assert!(Payload::decode(&bytes[..cut.index(bytes.len())]).is_err());
    }

    #[test]
    fn a_changed_byte_says_something_else_or_nothing(
        payload in payload_value(), at in any::<prop::sample::Index>(), bit in 0..8_u32,
    ) {
        let mut bytes = payload.encode();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        if let Ok(other) = Payload::decode(&bytes) {
            prop_assert_ne!(&other, &payload);
            prop_assert_eq!(other.encode(), bytes);
        }
    }

    #[test]
    fn every_subject_comes_back(subject in subject()) {
        let bytes = Encoder::encode(|e| subject.encode(e));
        prop_assert_eq!(Decoder::decode(&bytes, Subject::decode).unwrap(), subject);
    }

    #[test]
    fn every_edge_comes_back(edge in edge()) {
        let bytes = Encoder::encode(|e| edge.encode(e));
        prop_assert_eq!(Decoder::decode(&bytes, Edge::decode).unwrap(), edge);
    }
}

/// The payload with some of its fields in other bytes, or none.
fn changed(payload: &Payload, changes: &[(i64, Option<Vec<u8>>)]) -> Result<Payload, DecodeError> {
    let mut all = fields(&payload.encode());
    for (key, value) in changes {
        match value {
            Some(value) => all.insert(*key, value.clone()),
            None => all.remove(key),
        };
    }
    Payload::decode(&map(&all))
}

#[allow(clippy::unnecessary_wraps, reason = "one side of a change; the other is None")]
fn uint(value: u64) -> Option<Vec<u8>> {
    Some(Encoder::encode(|e| e.uint(value)))
}

#[test]
fn an_unknown_key_is_unsupported_and_never_dropped() {
    for key in [-1, 0, 21, 99] {
        let error = changed(&dataset(), &[(key, uint(1))]).unwrap_err();
        assert_eq!(error, DecodeError::UnknownKey { what: WHAT, key });
        assert!(error.is_unsupported());
    }
}

#[test]
fn an_unknown_kind_and_another_version_are_unsupported() {
    let kind = changed(&dataset(), &[(2, uint(999))]).unwrap_err();
    assert_eq!(kind, DecodeError::UnknownValue { what: "a statement kind", value: 999 });
    for version in [0, 2, u64::MAX] {
        let error = changed(&dataset(), &[(1, uint(version))]).unwrap_err();
        let value = i64::try_from(version).unwrap_or(i64::MAX);
        assert_eq!(error, DecodeError::UnknownValue { what: "the payload version", value });
        assert!(error.is_unsupported());
    }
}

#[test]
fn what_every_payload_says_may_not_be_left_out() {
    for key in [1, 2, 3, 4, 5, 10, 16] {
        let error = changed(&dataset(), &[(key, None)]).unwrap_err();
        assert_eq!(error, DecodeError::MissingKey { what: WHAT, key });
        assert!(!error.is_unsupported());
    }
}

#[test]
fn only_the_protocol_may_be_null() {
    for key in (1..=19).filter(|key| *key != 5) {
        assert!(changed(&dataset(), &[(key, Some(vec![0xf6]))]).is_err(), "{key}");
    }
    assert_eq!(changed(&dataset(), &[(5, Some(vec![0xf6]))]), Ok(dataset()));
}

#[test]
fn each_kind_says_what_it_must_and_nothing_that_has_no_place() {
    let kind = |kind: Kind| uint(u64::try_from(kind.id()).unwrap());
    let dataset = dataset();
    let missing = |key| Err(DecodeError::MissingKey { what: WHAT, key });
    let unknown = |key| Err(DecodeError::UnknownKey { what: WHAT, key });
    let genesis = Some(Encoder::encode(|e| {
        Genesis {
            origin: "o".to_owned(),
            log_key: key(1).public(),
            keys: vec![(Role::Issuer, key(2).public())],
            nonce: [0; 16],
        }
        .encode(e);
    }));
    let outcome = Some(vec![0x82, 0, 0]);
    let label = Some(Encoder::encode(|e| e.text("train")));

    assert_eq!(changed(&dataset, &[(2, kind(Kind::Claim))]), missing(12));
    assert_eq!(changed(&dataset, &[(2, kind(Kind::Protocol))]), missing(12));
    assert_eq!(changed(&dataset, &[(2, kind(Kind::KeyChange))]), missing(18));
    assert_eq!(changed(&dataset, &[(2, kind(Kind::RunStart))]), missing(8));
    assert_eq!(changed(&dataset, &[(2, kind(Kind::RunStart)), (8, label.clone())]), missing(9));
    let run_end = [(2, kind(Kind::RunEnd)), (8, label.clone()), (9, uint(1))];
    assert_eq!(changed(&dataset, &run_end), missing(19));
    let without_ends = [run_end.as_slice(), &[(19, outcome.clone())]].concat();
    let error = Err(DecodeError::MissingKey { what: "the edges of a run-end", key: EdgeType::Ends.id() });
    assert_eq!(changed(&dataset, &without_ends), error);

    assert_eq!(changed(&dataset, &[(8, label)]), unknown(8));
    assert_eq!(changed(&dataset, &[(9, uint(1))]), unknown(9));
    assert_eq!(changed(&dataset, &[(17, genesis.clone())]), unknown(17));
    assert_eq!(changed(&dataset, &[(19, outcome)]), unknown(19));

    // A genesis has no ledger and no key set yet, and stands at 0.
    let as_genesis = [(2, kind(Kind::Genesis)), (3, None), (4, uint(0)), (16, None), (17, genesis)];
    assert!(changed(&dataset, &as_genesis).is_ok());
    let with = |change: (i64, Option<Vec<u8>>)| changed(&dataset, &[as_genesis.as_slice(), &[change]].concat());
    assert_eq!(with((3, Some(Encoder::encode(|e| e.bytes(&[7; 32]))))), unknown(3));
    assert_eq!(with((16, uint(0))), unknown(16));
    assert_eq!(with((4, uint(7))), Err(DecodeError::UnknownValue { what: "the index of a genesis", value: 7 }));
}

#[test]
fn labels_are_short_texts_without_control_characters() {
    let arm = |text: &str| changed(&dataset(), &[(6, Some(Encoder::encode(|e| e.text(text))))]);
    let longest = "é".repeat(MAX_LABEL / 2);
    for text in ["msm", "a b", "数", &longest] {
        assert_eq!(arm(text).unwrap().arm.as_deref(), Some(text));
    }
    for text in ["", &format!("{longest}x"), "a\nb", "\u{1b}[2J", "a\u{7f}", "\u{85}"] {
        assert!(matches!(arm(text), Err(DecodeError::Range { .. })), "{text:?}");
    }
}

fn edges(edges: &[Edge]) -> Result<Payload, DecodeError> {
    let bytes = Encoder::encode(|e| {
        e.array(edges.len());
        for edge in edges {
            edge.encode(e);
        }
    });
    changed(&dataset(), &[(11, Some(bytes))])
}

fn edge_to(seq: u64) -> Edge {
    let digest = FileDigest::of(b"x").into();
    Edge { edge_type: EdgeType::DerivedFrom, log: None, seq: EntryIndex(seq), kind: DigestKind::File, digest }
}

#[test]
fn edges_stand_in_one_order_each_once_and_are_not_too_many() {
    let sorted: Vec<_> = (0..MAX_EDGES as u64).map(edge_to).collect();
    assert_eq!(edges(&sorted).unwrap().edges, sorted);
    let unsorted = Err(DecodeError::Unsorted { what: "the list of edges" });
    assert_eq!(edges(&[edge_to(2), edge_to(1)]), unsorted);
    assert_eq!(edges(&[edge_to(1), edge_to(1)]), unsorted);
    let length = |found| DecodeError::Length { what: "the edges", expected: "at least one and not too many", found };
    assert_eq!(edges(&[]), Err(length(0)));
    let many: Vec<_> = (0..=MAX_EDGES as u64).map(edge_to).collect();
    assert_eq!(edges(&many), Err(length(MAX_EDGES + 1)));
}

#[test]
fn edges_of_an_unknown_type_are_unsupported() {
    let bytes = Encoder::encode(|e| {
        e.array(1);
        e.array(5);
        e.uint(999);
        e.null();
        e.uint(0);
        e.uint(1);
        Digest::from(FileDigest::of(b"x")).encode(e);
    });
    assert!(changed(&dataset(), &[(11, Some(bytes))]).unwrap_err().is_unsupported());
}

fn subject_of(fill: impl FnOnce(&mut crate::codec::MapEncoder)) -> Result<Subject, DecodeError> {
    Decoder::decode(&Encoder::encode(|e| e.map(fill)), Subject::decode)
}

fn measure(e: &mut Encoder, count: u64, digests: &[(Algorithm, [u8; 32])]) {
    e.array(2 + digests.len());
    e.uint(count);
    e.uint(4);
    for (algorithm, bytes) in digests {
        Digest { algorithm: *algorithm, bytes: *bytes }.encode(e);
    }
}

#[test]
fn a_subject_has_digests_counts_and_the_right_algorithms() {
    use Algorithm::{Blake3, Rfc6962Leaf, Sha256};
    let one = |kind: i64, count: u64, digests: &[(Algorithm, [u8; 32])]| {
        subject_of(|m| m.entry(kind, |e| measure(e, count, digests)))
    };
    assert!(one(1, 1, &[(Blake3, [1; 32])]).is_ok());
    assert!(one(1, 1, &[(Blake3, [1; 32]), (Sha256, [2; 32])]).is_ok());
    assert!(one(2, 9, &[(Blake3, [1; 32])]).is_ok());

    assert!(matches!(subject_of(|_| {}), Err(DecodeError::Length { what: "a subject", found: 0, .. })));
    assert!(matches!(one(1, 1, &[]), Err(DecodeError::Length { what: "a measure", found: 2, .. })));
    // A17: the same bytes under another algorithm's name, alone, first, twice, or where no other may stand.
    for digests in [
        &[(Sha256, [1; 32])][..],
        &[(Rfc6962Leaf, [1; 32])],
        &[(Sha256, [2; 32]), (Blake3, [1; 32])],
        &[(Blake3, [1; 32]), (Blake3, [2; 32])],
        &[(Blake3, [1; 32]), (Rfc6962Leaf, [2; 32])],
        &[(Blake3, [1; 32]), (Sha256, [2; 32]), (Sha256, [3; 32])],
    ] {
        assert!(matches!(one(1, 1, digests), Err(DecodeError::Length { what: "the digests of a subject", .. })));
    }
    assert!(one(2, 9, &[(Blake3, [1; 32]), (Sha256, [2; 32])]).is_err());
    assert!(one(1, 1, &[(Blake3, [0; 32])]).is_err());
    assert!(matches!(one(1, 0, &[(Blake3, [1; 32])]), Err(DecodeError::Range { .. })));
    assert!(matches!(one(1, 2, &[(Blake3, [1; 32])]), Err(DecodeError::Range { .. })));
    assert!(matches!(one(2, 0, &[(Blake3, [1; 32])]), Err(DecodeError::Range { .. })));
    assert!(one(0, 1, &[(Blake3, [1; 32])]).unwrap_err().is_unsupported());
    assert!(one(7, 1, &[(Blake3, [1; 32])]).unwrap_err().is_unsupported());
}

#[test]
fn there_are_at_most_64_subjects() {
    let with = |count: usize| {
        let mut payload = dataset();
        payload.subjects = vec![payload.subjects[0].clone(); count];
        Payload::decode(&payload.encode())
    };
    assert!(with(MAX_SUBJECTS).is_ok());
    assert!(matches!(with(MAX_SUBJECTS + 1), Err(DecodeError::Length { what: "the subjects", found: 65, .. })));
    assert!(changed(&dataset(), &[(10, Some(vec![0x80]))]).is_err());
}

#[test]
fn a_commitment_under_another_algorithm_is_refused() {
    let with = |algorithm| {
        let digest = Digest { algorithm, bytes: [5; 32] };
        changed(&dataset(), &[(12, Some(Encoder::encode(|e| digest.encode(e))))])
    };
    assert_eq!(with(Algorithm::Blake3).unwrap().body, Some(Commitment::from_bytes([5; 32])));
    for algorithm in [Algorithm::Sha256, Algorithm::Rfc6962Leaf] {
        assert!(matches!(with(algorithm), Err(DecodeError::Range { .. })));
    }
}

#[test]
fn a_subject_carries_its_digests_by_kind_and_algorithm() {
    let digest = FileDigest::of(b"rows");
    let subject = Subject::file(digest, 4);
    assert!(subject.carries(DigestKind::File, &digest.into()));
    assert!(!subject.carries(DigestKind::Tree, &digest.into()));
    assert!(!subject.carries(DigestKind::File, &Digest { algorithm: Algorithm::Sha256, bytes: *digest.as_bytes() }));
    assert_eq!(subject.principal().map(|(kind, _)| kind), Some(DigestKind::File));
}

#[test]
fn the_edge_between_two_artifacts_is_always_an_allowed_one() {
    for child in Kind::ARTIFACTS {
        for parent in Kind::ARTIFACTS {
            assert!(EdgeType::between(*child, *parent).allows(*child, *parent), "{child} {parent}");
        }
    }
    assert!(!EdgeType::Supports.allows(Kind::Claim, Kind::Dataset));
    assert!(!EdgeType::Supersedes.allows(Kind::Claim, Kind::EvalLog));
    assert!(!EdgeType::Used.allows(Kind::RunEnd, Kind::Dataset));
}

//! The evidence file as bytes: one spelling, nothing left out, nothing twice, nothing behind the end.

use proptest::prelude::*;

use super::file::MAX_TEXT;
use super::*;
use crate::codec::Encoder;
use crate::digest::{Algorithm, Salt};

fn hashes(count: u8) -> Vec<NodeHash> {
    (0..count).map(|n| NodeHash::from_bytes([n; 32])).collect()
}

fn digest(n: u8) -> Digest {
    Digest { algorithm: Algorithm::Blake3, bytes: [n; 32] }
}

fn manifest(kind: DigestKind, n: u8) -> DisclosedManifest {
    DisclosedManifest { kind, root: ManifestRoot::from_bytes([n; 32]), object: vec![n; 9] }
}

fn withheld(n: u8) -> Withheld {
    Withheld { digest: digest(n), count: 2, holder: "lab".to_owned(), reason: "licence".to_owned() }
}

fn inclusion(n: u8) -> Inclusion {
    let (header, leaf) = (vec![n; 5], vec![n; 6]);
    Inclusion { header, header_path: hashes(2), position: n.into(), leaf, path: hashes(n % 3) }
}

fn opening(n: u8) -> Opening {
    let (opened, content) = match n % 4 {
        0 => (None, None),
        1 => (None, Some(Content::Bytes(vec![n; 7]))),
        2 => (Some(Opened { salt: Salt([n; 32]), leaf: vec![n; 8] }), None),
        _ => (None, Some(Content::Slice { file: Some(inclusion(n)), slice: vec![n; 9] })),
    };
    let (kind, root) = (DigestKind::Rows, ManifestRoot::from_bytes([7; 32]));
    Opening { entry: EntryIndex(5), kind, root, inclusion: inclusion(n), opened, content }
}

fn annex(n: u8) -> Annex {
    Annex { attach: EntryIndex(n.into()), consistency: hashes(n % 3), testimony: vec![n; 11] }
}

fn parse(bytes: &[u8]) -> Result<Evidence, EvidenceError> {
    Evidence::parse(bytes).map(Evidence::into_owned)
}

/// Every list that may have something in it has, and no two items are the same bytes.
fn evidence() -> Evidence {
    let entry = |n: u8| (EntryIndex(n.into()), vec![n; 40]);
    Evidence {
        head: b"lab.example/log\n".to_vec(),
        claim: EntryIndex(5),
        anchors: vec![Anchor { head: b"old".to_vec(), consistency: hashes(2) }],
        census_first: EntryIndex(3),
        census_count: 4,
        entries: vec![entry(0), entry(3), entry(4), entry(5), entry(6)],
        multiproof: hashes(3),
        openings: vec![opening(1), opening(2)],
        manifests: vec![manifest(DigestKind::Tree, 1), manifest(DigestKind::Tree, 2), manifest(DigestKind::Samples, 1)],
        bodies: vec![(EntryIndex(5), vec![1; 50]), (EntryIndex(6), vec![2; 50])],
        annexes: vec![annex(6), annex(7)],
        withheld: vec![withheld(1), withheld(2)],
    }
}

/// The items of a file with their lengths.
fn items(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut rest = bytes.strip_prefix(MAGIC).unwrap();
    let mut items = Vec::new();
    while let Some(length) = rest.first_chunk::<4>() {
        let (item, after) = rest.split_at(4 + u32::from_be_bytes(*length) as usize);
        items.push(item.to_vec());
        rest = after;
    }
    items
}

fn file(items: &[Vec<u8>]) -> Vec<u8> {
    [MAGIC, &items.concat()].concat()
}

fn item(bytes: &[u8]) -> Vec<u8> {
    [&u32::try_from(bytes.len()).unwrap().to_be_bytes(), bytes].concat()
}

/// The file with one item (numbered from 1) in other bytes.
fn with_item(number: usize, bytes: &[u8]) -> Result<Evidence, EvidenceError> {
    let mut all = items(&evidence().to_bytes());
    all[number - 1] = item(bytes);
    parse(&file(&all))
}

fn any_evidence() -> impl Strategy<Value = Evidence> {
    let bytes = || prop::collection::vec(any::<u8>(), 0..60);
    let proof = || prop::collection::vec(any::<[u8; 32]>().prop_map(NodeHash::from_bytes), 0..5);
    let indexed = move || prop::collection::btree_map(any::<u64>().prop_map(EntryIndex), bytes(), 0..5);
    let anchor = (bytes(), proof()).prop_map(|(head, consistency)| Anchor { head, consistency });
    let manifests =
        prop::collection::btree_map((prop::sample::select(DigestKind::ALL), any::<[u8; 32]>()), bytes(), 0..4);
    let withheld = prop::collection::btree_map(1..255_u8, (any::<u64>(), ".{0,20}", ".{0,20}"), 0..4);
    let numbers = (any::<u64>(), any::<u64>(), any::<u64>());
    let openings =
        prop::collection::btree_set(any::<u8>(), 0..4).prop_map(|set| set.into_iter().map(opening).collect::<Vec<_>>());
    let annexes =
        prop::collection::btree_set(any::<u8>(), 0..4).prop_map(|set| set.into_iter().map(annex).collect::<Vec<_>>());
    let shown = (openings, annexes);
    let lists = (prop::collection::vec(anchor, 0..3), indexed(), proof(), manifests, indexed(), withheld, shown);
    (bytes(), numbers, lists).prop_map(|(head, (claim, first, census_count), lists)| Evidence {
        head,
        claim: EntryIndex(claim),
        anchors: lists.0,
        census_first: EntryIndex(first),
        census_count,
        entries: lists.1.into_iter().collect(),
        multiproof: lists.2,
        manifests: lists
            .3
            .into_iter()
            .map(|((kind, root), object)| DisclosedManifest { kind, root: ManifestRoot::from_bytes(root), object })
            .collect(),
        openings: lists.6.0,
        annexes: lists.6.1,
        bodies: lists.4.into_iter().collect(),
        withheld: lists
            .5
            .into_iter()
            .map(|(n, (count, holder, reason))| Withheld { digest: digest(n), count, holder, reason })
            .collect(),
    })
}

proptest! {
    #[test]
    fn every_evidence_comes_back_from_its_one_spelling(evidence in any_evidence()) {
        let bytes = evidence.to_bytes();
        let parsed = parse(&bytes).unwrap();
        prop_assert_eq!(&parsed, &evidence);
        prop_assert_eq!(parsed.to_bytes(), bytes);
    }

    #[test]
    fn a_changed_byte_is_refused_or_read_as_something_else(
        evidence in any_evidence(), at in any::<prop::sample::Index>(), bit in 0..8_u32,
    ) {
        let mut bytes = evidence.to_bytes();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        if let Ok(other) = parse(&bytes) {
            prop_assert_ne!(&other, &evidence);
            prop_assert_eq!(other.to_bytes(), bytes);
        }
    }
}

#[test]
fn every_truncation_is_refused_and_names_the_item() {
    let bytes = evidence().to_bytes();
    for end in 0..bytes.len() {
        let error = parse(&bytes[..end]).unwrap_err();
        match error {
            EvidenceError::Magic | EvidenceError::Version => assert!(end < MAGIC.len()),
            EvidenceError::Truncated { item, .. } => assert!((1..=11).contains(&item) && end >= MAGIC.len()),
            other => panic!("{end}: {other}"),
        }
    }
    let cut = parse(&bytes[..bytes.len() - 1]).unwrap_err();
    assert_eq!(cut.to_string(), "the evidence ends inside item 11 (`withheld`)");
}

#[test]
fn every_item_left_out_doubled_or_swapped_is_refused_or_another_evidence() {
    let original = evidence();
    let bytes = original.to_bytes();
    let all = items(&bytes);
    assert_eq!(all.len(), 11);
    for at in 0..all.len() {
        let mut dropped = all.clone();
        dropped.remove(at);
        assert!(parse(&file(&dropped)).is_err(), "without item {}", at + 1);
        let mut doubled = all.clone();
        doubled.insert(at, all[at].clone());
        assert!(parse(&file(&doubled)).is_err(), "item {} twice", at + 1);
        for other in 0..at {
            let mut swapped = all.clone();
            swapped.swap(at, other);
            let swapped = file(&swapped);
            match parse(&swapped) {
                Err(_) => {}
                // Two lists of one shape (entries and bodies) change places; what they say is then something else.
                Ok(read) if (other + 1, at + 1) == (5, 9) => assert_ne!(read, original),
                Ok(_) => panic!("items {} and {} change places unseen", other + 1, at + 1),
            }
        }
    }
}

#[test]
fn bytes_after_the_last_item_are_refused() {
    let mut bytes = evidence().to_bytes();
    bytes.push(0);
    assert_eq!(parse(&bytes), Err(EvidenceError::Trailing { count: 1 }));
    let twice = evidence().to_bytes().repeat(2);
    assert!(matches!(parse(&twice), Err(EvidenceError::Trailing { .. })));
}

#[test]
fn another_magic_is_no_evidence_and_another_version_is_unsupported() {
    let bytes = evidence().to_bytes();
    for other in [
        &b""[..],
        b"PK\x03\x04",
        b"\n",
        &[b"\n", &bytes[..]].concat(),
        b"reproledger evidence",
        b"reproledger evidence v1",
    ] {
        let error = parse(other).unwrap_err();
        assert_eq!(error, EvidenceError::Magic);
        assert!(!error.is_unsupported());
    }
    for version in ["2", "10", "1\r", ""] {
        let newer = [format!("reproledger evidence v{version}\n").as_bytes(), &bytes[MAGIC.len()..]].concat();
        let error = parse(&newer).unwrap_err();
        assert_eq!(error, EvidenceError::Version, "{version:?}");
        assert!(error.is_unsupported());
    }
}

#[test]
fn annexes_are_bounded_in_number_and_length() {
    let with = |annexes: Vec<Annex>| parse(&Evidence { annexes, ..evidence() }.to_bytes());
    let many = |count: u64| with((0..count).map(|at| Annex { attach: EntryIndex(at), ..annex(1) }).collect());
    assert!(many(MAX_ANNEXES as u64).is_ok());
    assert!(matches!(many(MAX_ANNEXES as u64 + 1), Err(EvidenceError::Item { item: 10, .. })));
    let long = |length: usize| with(vec![Annex { testimony: vec![0; length], ..annex(1) }]);
    assert!(long(MAX_TESTIMONY_BYTES).is_ok());
    assert!(matches!(long(MAX_TESTIMONY_BYTES + 1), Err(EvidenceError::Item { item: 10, .. })));
    assert!(matches!(with_item(10, &[0xa0]), Err(EvidenceError::Item { item: 10, .. })));
    assert!(matches!(with_item(10, &[0x81, 0x00]), Err(EvidenceError::Item { item: 10, .. })));
}

#[test]
fn openings_are_bounded_in_number_and_in_the_length_of_their_paths() {
    let with = |change: &dyn Fn(&mut Evidence)| {
        let mut changed = evidence();
        change(&mut changed);
        parse(&changed.to_bytes())
    };
    let many = |count: usize| {
        with(&|evidence| {
            let opening = evidence.openings[0].clone();
            evidence.openings = vec![opening; count];
            evidence.openings.iter_mut().zip(1..).for_each(|(opening, at)| opening.inclusion.position = at);
        })
    };
    assert!(many(MAX_OPENINGS).is_ok());
    assert!(matches!(many(MAX_OPENINGS + 1), Err(EvidenceError::Item { item: 8, .. })));
    let long = |length: u8| with(&|evidence| evidence.openings[0].inclusion.path = hashes(length));
    assert!(long(64).is_ok());
    assert!(matches!(long(65), Err(EvidenceError::Item { item: 8, .. })));
    let unknown = with(&|evidence| evidence.openings[0].content = None).unwrap();
    let mut bytes = unknown.to_bytes();
    let content = Encoder::encode(|e| {
        e.array(2);
        e.uint(3);
        e.bytes(&[]);
    });
    let mut all = items(&bytes);
    let openings = Encoder::encode(|e| {
        e.array(1);
        let whole = Encoder::encode(|e| unknown.openings[0].encode(e));
        e.raw(&whole[..whole.len() - 1]);
        e.raw(&content);
    });
    all[7] = item(&openings);
    bytes = file(&all);
    assert!(parse(&bytes).unwrap_err().is_unsupported());
}

fn check_unsorted(number: usize, evidence: &Evidence) {
    match parse(&evidence.to_bytes()).unwrap_err() {
        EvidenceError::Item { item, source: DecodeError::Unsorted { .. }, .. } => assert_eq!(item, number),
        other => panic!("{other}"),
    }
}

#[test]
fn lists_stand_in_their_one_order_each_item_once() {
    for twice in [false, true] {
        let change = |list: &mut Vec<(EntryIndex, Vec<u8>)>| {
            if twice { list[0] = list[1].clone() } else { list.swap(0, 1) }
        };
        let mut changed = evidence();
        change(&mut changed.entries);
        check_unsorted(5, &changed);
        let mut changed = evidence();
        change(&mut changed.bodies);
        check_unsorted(9, &changed);
        let mut changed = evidence();
        if twice {
            changed.manifests[0] = changed.manifests[1].clone();
        } else {
            changed.manifests.swap(1, 2);
        }
        check_unsorted(7, &changed);
        let mut changed = evidence();
        if twice {
            changed.openings[0] = changed.openings[1].clone();
        } else {
            changed.openings.swap(0, 1);
        }
        check_unsorted(8, &changed);
        let mut changed = evidence();
        if twice {
            changed.annexes[0] = changed.annexes[1].clone();
        } else {
            changed.annexes.swap(0, 1);
        }
        check_unsorted(10, &changed);
        let mut changed = evidence();
        if twice {
            changed.withheld[0] = changed.withheld[1].clone();
        } else {
            changed.withheld.swap(0, 1);
        }
        check_unsorted(11, &changed);
    }
}

#[test]
fn an_item_that_is_not_canonical_or_not_alone_is_refused_by_name() {
    let error = with_item(2, &[0x18, 5]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "item 2 (`claim`) of the evidence: the integer or length at offset 0 is not in its shortest form"
    );
    assert!(matches!(
        with_item(2, &[5, 5]),
        Err(EvidenceError::Item { item: 2, source: DecodeError::TrailingBytes { .. }, .. })
    ));
    assert!(matches!(
        with_item(2, &[]),
        Err(EvidenceError::Item { item: 2, source: DecodeError::Truncated { .. }, .. })
    ));
    assert!(matches!(with_item(4, &[0x83, 0, 0, 0]), Err(EvidenceError::Item { item: 4, .. })));
    assert!(matches!(with_item(6, &[0x81, 0x41, 0]), Err(EvidenceError::Item { item: 6, .. })));
    let mut unknown = evidence().manifests;
    unknown.truncate(1);
    let bytes = Encoder::encode(|e| {
        e.array(1);
        e.array(3);
        e.uint(99);
        e.bytes(&[1; 32]);
        e.bytes(&[]);
    });
    assert!(with_item(7, &bytes).unwrap_err().is_unsupported());
}

#[test]
fn too_many_anchors_and_too_long_texts_are_refused() {
    let anchors = |count: usize| {
        let mut changed = evidence();
        changed.anchors = vec![changed.anchors[0].clone(); count];
        parse(&changed.to_bytes())
    };
    assert!(anchors(MAX_ANCHORS).is_ok());
    assert!(matches!(anchors(MAX_ANCHORS + 1), Err(EvidenceError::Item { item: 3, .. })));
    let reason = |len: usize| {
        let mut changed = evidence();
        changed.withheld[0].reason = "x".repeat(len);
        parse(&changed.to_bytes())
    };
    assert!(reason(MAX_TEXT).is_ok());
    assert!(matches!(reason(MAX_TEXT + 1), Err(EvidenceError::Item { item: 11, .. })));
}

#[test]
fn a_length_beyond_the_file_is_refused_without_reading_it() {
    for length in [1_u32 << 20, u32::MAX] {
        let bytes = [MAGIC, &length.to_be_bytes(), &[0]].concat();
        assert_eq!(parse(&bytes), Err(EvidenceError::Truncated { item: 1, name: "head" }));
    }
}

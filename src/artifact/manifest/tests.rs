//! Manifests: the root against its definition, what it binds, and what is no manifest.

use super::*;

const KINDS: [DigestKind; 5] =
    [DigestKind::Tree, DigestKind::Rows, DigestKind::Rowset, DigestKind::Tensors, DigestKind::Samples];

fn header(kind: DigestKind) -> ManifestHeader {
    ManifestHeader { kind, projection: "files".to_owned(), facts: None }
}

fn manifest(count: u64) -> Manifest {
    Manifest { header: header(DigestKind::Rows), items: (0..count).map(|n| Encoder::encode(|e| e.uint(n))).collect() }
}

/// The tree as RFC 9162 §2.1.1 defines it, over leaf hashes.
fn defined(leaves: &[NodeHash], hash: &ManifestHash) -> NodeHash {
    if let [leaf] = leaves {
        return *leaf;
    }
    let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
    hash.node(&defined(left, hash), &defined(right, hash))
}

#[test]
fn every_root_is_that_of_the_definition() {
    let hash = ManifestHash::new(DigestKind::Rows).unwrap();
    for count in 1..=70 {
        let manifest = manifest(count);
        let leaves = std::iter::once(manifest.header.encode()).chain(manifest.items.clone());
        let leaves: Vec<_> = leaves.map(|bytes| hash.leaf(&bytes)).collect();
        assert_eq!(manifest.root().unwrap().as_bytes(), defined(&leaves, &hash).as_bytes(), "{count} items");
        assert_eq!(manifest.count(), count);
    }
}

#[test]
fn leaf_and_node_hashes_are_blake3_under_the_documented_contexts() {
    // The context strings are wire format; spelled out here so that changing one shows.
    for kind in KINDS {
        let hash = ManifestHash::new(kind).unwrap();
        let expected = match kind {
            DigestKind::Tree => ("reproledger 2026 tree leaf v1", "reproledger 2026 tree node v1"),
            DigestKind::Rows => ("reproledger 2026 rows leaf v1", "reproledger 2026 rows node v1"),
            DigestKind::Rowset => ("reproledger 2026 rowset leaf v1", "reproledger 2026 rowset node v1"),
            DigestKind::Tensors => ("reproledger 2026 tensors leaf v1", "reproledger 2026 tensors node v1"),
            _ => ("reproledger 2026 samples leaf v1", "reproledger 2026 samples node v1"),
        };
        let (left, right) = (hash.leaf(b"left"), hash.leaf(b"right"));
        assert_eq!(left.as_bytes(), &ContextHasher::new(expected.0).hash(&[b"left"]));
        let node = ContextHasher::new(expected.1).hash(&[left.as_bytes(), right.as_bytes()]);
        assert_eq!(hash.node(&left, &right).as_bytes(), &node);
    }
}

#[test]
fn no_leaf_passes_for_a_node_and_no_kind_for_another() {
    let mut seen = std::collections::BTreeSet::new();
    for kind in KINDS {
        let hash = ManifestHash::new(kind).unwrap();
        let (left, right) = (hash.leaf(b"left"), hash.leaf(b"right"));
        let both = [left.as_bytes().as_slice(), right.as_bytes()].concat();
        // The bytes of a node, offered as an item.
        assert_ne!(hash.leaf(&both), hash.node(&left, &right));
        assert!(seen.insert(hash.leaf(b"left")) && seen.insert(hash.node(&left, &right)), "{kind}");
    }
}

#[test]
fn every_change_of_an_item_or_the_header_changes_the_root() {
    let original = manifest(9);
    let root = original.root().unwrap();
    let mut seen = std::collections::BTreeSet::from([root]);
    let mut differs = |changed: Manifest| assert!(seen.insert(changed.root().unwrap()), "{changed:?}");
    for at in 0..9 {
        let mut changed = original.clone();
        changed.items[at] = Encoder::encode(|e| e.uint(100));
        differs(changed);
        let mut dropped = original.clone();
        dropped.items.remove(at);
        differs(dropped);
        let mut repeated = original.clone();
        let item = repeated.items[at].clone();
        repeated.items.insert(at, item);
        differs(repeated);
        if at > 0 {
            let mut swapped = original.clone();
            swapped.items.swap(at - 1, at);
            differs(swapped);
        }
    }
    for kind in KINDS.into_iter().filter(|kind| *kind != DigestKind::Rows) {
        differs(Manifest { header: header(kind), ..original.clone() });
    }
    let text = ManifestHeader { projection: "text".to_owned(), ..original.header.clone() };
    differs(Manifest { header: text, ..original.clone() });
    for facts in [vec![0xa0], vec![0x01]] {
        let header = ManifestHeader { facts: Some(facts), ..original.header.clone() };
        differs(Manifest { header, ..original.clone() });
    }
}

#[test]
fn an_object_gives_back_its_manifest_and_its_bytes() {
    for count in [1, 2, 23, 24, 300] {
        let mut manifest = manifest(count);
        manifest.header.facts = Some(Encoder::encode(|e| e.text("facts")));
        let object = manifest.to_object();
        let parsed = Manifest::parse_kind(&object, DigestKind::Rows).unwrap();
        assert_eq!(parsed, manifest);
        assert_eq!(parsed.to_object(), object);
    }
}

#[test]
fn an_empty_manifest_has_no_root_and_no_reading() {
    let empty = manifest(0);
    assert_eq!(empty.root(), Err(ManifestError::Empty));
    assert_eq!(Manifest::parse(&empty.to_object()), Err(ManifestError::Empty));
    assert_eq!(Manifest::parse(&[0x80]), Err(ManifestError::Empty));
}

#[test]
fn files_and_entries_have_no_manifest() {
    for kind in [DigestKind::File, DigestKind::Entry] {
        let manifest = Manifest { header: header(kind), ..manifest(1) };
        assert_eq!(manifest.root(), Err(ManifestError::NoManifest { found: kind.name() }));
    }
}

#[test]
fn a_manifest_of_another_kind_is_refused() {
    let object = manifest(2).to_object();
    let error = Manifest::parse_kind(&object, DigestKind::Tree).unwrap_err();
    assert_eq!(error.to_string(), "the manifest is of kind `rows`, expected `tree`");
}

fn with_header(fill: impl FnOnce(&mut crate::codec::MapEncoder)) -> Result<Manifest, ManifestError> {
    Manifest::parse(&Encoder::encode(|e| {
        e.array(2);
        e.map(fill);
        e.uint(7);
    }))
}

#[test]
fn headers_that_say_too_little_too_much_or_a_newer_version_are_refused() {
    let whole = |m: &mut crate::codec::MapEncoder| {
        m.entry(1, |e| e.uint(3));
        m.entry(2, |e| e.uint(1));
        m.entry(3, |e| e.text("rows"));
    };
    assert!(with_header(whole).is_ok());
    for key in 1..=3 {
        let error = with_header(|m| {
            for (other, value) in [(1, 3), (2, 1)] {
                if other != key {
                    m.entry(other, |e| e.uint(value));
                }
            }
            if key != 3 {
                m.entry(3, |e| e.text("rows"));
            }
        });
        assert_eq!(error, Err(DecodeError::MissingKey { what: "a manifest header", key }.into()));
    }
    let unknown = with_header(|m| {
        whole(m);
        m.entry(5, Encoder::null);
    });
    assert_eq!(unknown, Err(DecodeError::UnknownKey { what: "a manifest header", key: 5 }.into()));
    let newer = with_header(|m| {
        m.entry(1, |e| e.uint(3));
        m.entry(2, |e| e.uint(2));
        m.entry(3, |e| e.text("rows"));
    });
    assert_eq!(newer, Err(ManifestError::Version { found: 2 }));
    let kind = with_header(|m| m.entry(1, |e| e.uint(99)));
    assert!(matches!(kind, Err(ManifestError::Decode(error)) if error.is_unsupported()));
}

#[test]
fn every_truncation_and_every_extension_of_an_object_is_refused() {
    let mut object = manifest(30).to_object();
    for end in 0..object.len() {
        assert!(Manifest::parse(&object[..end]).is_err(), "{end}");
    }
    object.push(0);
    assert_eq!(Manifest::parse(&object), Err(DecodeError::TrailingBytes { count: 1 }.into()));
}

#[test]
fn items_that_are_not_canonical_are_refused_before_they_are_hashed() {
    let object = |item: &[u8]| {
        Encoder::encode(|e| {
            e.array(2);
            e.raw(&header(DigestKind::Rows).encode());
            e.raw(item);
        })
    };
    assert!(Manifest::parse(&object(&[0x01])).is_ok());
    for item in [&[0x18, 0x01][..], &[0xf9, 0, 0], &[0x9f, 0xff], &[0xd2, 0x80], &[0xa2, 1, 0, 0, 0]] {
        assert!(matches!(Manifest::parse(&object(item)), Err(ManifestError::Decode(_))), "{item:02x?}");
    }
}

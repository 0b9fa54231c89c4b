//! Section C: the tree and the log.

use reproledger::claim::Verdict;
use reproledger::digest::NodeHash;
use reproledger::evidence::{Anchor, Evidence};
use reproledger::merkle::{
    EntryIndex, Head, HeadError, Origin, ProofError, TreeHead, TreeSize, check_consistency, check_inclusion,
    empty_root, prove_inclusion,
};
use reproledger::verify::{AnchorError, Class, Reject};

use crate::support::{Lab, Story, Told, assess, key};

fn forged_head(told: &Told, size: u64, root: NodeHash) -> Vec<u8> {
    let tree = TreeHead { size: TreeSize(size), root };
    Head { origin: Origin::parse(&told.lab.origin).unwrap(), tree }.sign(&key(told.lab.log_key)).bytes().to_vec()
}

fn anchored(told: &Told, head: Vec<u8>, consistency: Vec<NodeHash>) -> Reject {
    told.reject_with(|evidence| evidence.anchors = vec![Anchor { head, consistency }])
}

#[test]
fn t03_t04_a_head_that_the_main_head_does_not_extend_shows_two_histories() {
    let told = Story::new().tell();
    // Truly signed by the same log: same size, another root.
    let size = told.lab.entries.len() as u64;
    let reject = anchored(&told, forged_head(&told, size, NodeHash::from_bytes([7; 32])), Vec::new());
    assert!(
        matches!(reject, Reject::Anchor { number: 0, reason: AnchorError::Consistency(ProofError::Root { .. }) }),
        "{reject:?}"
    );
    assert_eq!(reject.class(), Class::Contradicted);
    let reject = anchored(&told, forged_head(&told, 3, NodeHash::from_bytes([7; 32])), told.lab.consistency(3));
    assert!(matches!(reject, Reject::Anchor { reason: AnchorError::Consistency(_), .. }), "{reject:?}");
    // A larger head: the evidence hides what came after.
    let reject = anchored(&told, forged_head(&told, size + 1, NodeHash::from_bytes([7; 32])), Vec::new());
    assert!(matches!(reject, Reject::Anchor { reason: AnchorError::Consistency(ProofError::Shrunk { .. }), .. }));
}

#[test]
fn t05_consistency_proofs_that_are_wrong_in_one_way_are_refused() {
    let told = Story::new().tell();
    for old in 1..told.lab.entries.len() as u64 {
        let good = told.lab.consistency(old);
        let head = || told.lab.head_at(old).bytes().to_vec();
        let with = |consistency: Vec<NodeHash>| anchored(&told, head(), consistency);
        assert_eq!(
            assess(
                &{
                    let mut evidence = told.evidence();
                    evidence.anchors = vec![Anchor { head: head(), consistency: good.clone() }];
                    evidence
                },
                &told.lab.policy()
            )
            .verdict,
            Verdict::Verified
        );
        let trailing = [good.as_slice(), &[empty_root()]].concat();
        assert!(matches!(
            with(trailing),
            Reject::Anchor { reason: AnchorError::Consistency(ProofError::PathLength { .. }), .. }
        ));
        if !good.is_empty() {
            assert!(matches!(with(Vec::new()), Reject::Anchor { .. }));
            let mut flipped = good.clone();
            let mut bytes = *flipped[0].as_bytes();
            bytes[31] ^= 1;
            flipped[0] = NodeHash::from_bytes(bytes);
            assert!(matches!(with(flipped), Reject::Anchor { .. }));
        }
        if good.len() > 1 {
            let mut swapped = good.clone();
            swapped.swap(0, 1);
            assert!(matches!(with(swapped), Reject::Anchor { .. }));
        }
        // Sizes doubled and halved, roots swapped.
        let (main, older) = (*told.lab.head().tree(), *told.lab.head_at(old).tree());
        for (first, second) in [
            (TreeHead { size: TreeSize(old * 2), ..older }, main),
            (TreeHead { root: main.root, ..older }, TreeHead { root: older.root, ..main }),
            (older, TreeHead { size: TreeSize(main.size.0 * 2), ..main }),
        ] {
            assert!(check_consistency(&first, &second, &good).is_err(), "{old}");
        }
    }
    assert_eq!(check_consistency(&TreeHead::empty(), told.lab.head().tree(), &[]), Err(ProofError::FromEmpty));
}

#[test]
fn t06_inclusion_proofs_that_are_wrong_in_one_way_are_refused() {
    let told = Story::new().tell();
    let (tree, head) = (told.lab.tree(), *told.lab.head().tree());
    for index in 0..head.size.0 {
        let (index, leaf) = (EntryIndex(index), told.lab.leaf(EntryIndex(index)));
        let path = prove_inclusion(&tree, index, head.size).unwrap();
        assert_eq!(check_inclusion(&head, index, leaf, &path), Ok(()));
        for other in [index.0.wrapping_add(1), index.0.wrapping_sub(1), index.0 ^ 2] {
            assert!(check_inclusion(&head, EntryIndex(other), leaf, &path).is_err());
        }
        for size in [head.size.0 * 2, head.size.0 / 2] {
            assert!(check_inclusion(&TreeHead { size: TreeSize(size), ..head }, index, leaf, &path).is_err());
        }
        for wrong in [
            path[1..].to_vec(),
            path[..path.len() - 1].to_vec(),
            [path.as_slice(), &[head.root]].concat(),
            [&[head.root], path.as_slice()].concat(),
            vec![head.root; path.len()],
        ] {
            assert!(check_inclusion(&head, index, leaf, &wrong).is_err());
        }
    }
    // The same inside evidence.
    for change in [
        |proof: &mut Vec<NodeHash>| proof.push(empty_root()),
        |proof: &mut Vec<NodeHash>| proof.insert(0, empty_root()),
    ] {
        let reject = told.reject_with(|evidence| change(&mut evidence.multiproof));
        assert!(matches!(reject, Reject::Inclusion(ProofError::PathLength { .. })), "{reject:?}");
        assert_eq!(reject.class(), Class::Contradicted);
    }
}

#[test]
fn t07_a_node_of_the_tree_is_no_leaf() {
    // The bytes of an inner node presented as an entry: entries are COSE_Sign1, and leaves are hashed under another prefix.
    let told = Story::new().tell();
    let (left, right) = (told.lab.leaf(EntryIndex(0)), told.lab.leaf(EntryIndex(1)));
    let node = [left.as_bytes().as_slice(), right.as_bytes()].concat();
    assert_ne!(
        NodeHash::from(reproledger::merkle::leaf_hash(&node)),
        reproledger::merkle::node_hash(&left.into(), &right.into())
    );
    let reject = told.reject_with(|evidence| evidence.entries[1].1 = node);
    assert!(matches!(reject, Reject::Entry { .. }), "{reject:?}");
}

#[test]
fn t08_sizes_and_roots_that_cannot_be_are_refused() {
    let told = Story::new().tell();
    let root = told.lab.tree().head().root;
    let reject = told.reject_with(|evidence| evidence.head = forged_head(&told, 0, root));
    assert_eq!(reject, Reject::Head(HeadError::EmptyRoot));
    let reject = told.reject_with(|evidence| evidence.head = forged_head(&told, 6, empty_root()));
    assert!(matches!(reject, Reject::Inclusion(ProofError::Root { .. })), "{reject:?}");
    let reject = told.reject_with(|evidence| evidence.head = forged_head(&told, 0, empty_root()));
    assert!(matches!(reject, Reject::OutsideTree { .. }), "{reject:?}");
}

#[test]
fn t10_an_entry_at_another_place_is_refused() {
    // The vendor appends an old entry again: the tree is true, the place inside the signed bytes is not.
    let mut told = Story::new().tell();
    let again = told.lab.entries[1].clone();
    let index = told.lab.push(again);
    assert_eq!(told.reject(), Reject::Seq { index, claimed: EntryIndex(1) });
}

#[test]
fn t11_an_entry_of_another_log_is_refused() {
    let mut told = Story::new().tell();
    let mut other = Lab::named("other.example/log", 1);
    while other.next() < told.lab.next() {
        other.file(reproledger::statement::Kind::Other, b"x", &[]);
    }
    let index = other.file(reproledger::statement::Kind::Other, b"x", &[]);
    let entry = other.entries[usize::try_from(index.0).unwrap()].clone();
    let at = told.lab.push(entry);
    assert_eq!(told.reject(), Reject::Log { index: at, expected: told.lab.id(), found: other.id() });
    // A head of another origin, signed by the same key.
    let head = other.head().bytes().to_vec();
    let reject = told.reject_with(|evidence| evidence.head = head);
    assert!(matches!(reject, Reject::Head(_)), "{reject:?}");
    let renamed = Head { origin: Origin::parse("lab.example/other").unwrap(), tree: *told.lab.head().tree() };
    let text = renamed.to_text();
    let note =
        reproledger::key::sign_note(&text, told.lab.vkey().name.as_str().parse().as_ref().unwrap(), &key(1)).unwrap();
    let reject = told.reject_with(|evidence| evidence.head = note);
    assert!(matches!(reject, Reject::Head(HeadError::OtherOrigin { .. })), "{reject:?}");
}

#[test]
fn t12_reordered_entries_are_refused() {
    let mut told = Story::new().tell();
    told.lab.entries.swap(1, 2);
    assert!(matches!(told.reject(), Reject::Seq { .. }), "{:?}", told.reject());
}

#[test]
fn t13_gaps_duplicates_and_a_missing_beginning_are_refused() {
    let told = Story::new().tell();
    let all: std::collections::BTreeSet<EntryIndex> = (0..told.lab.entries.len() as u64).map(EntryIndex).collect();
    let without = |index: EntryIndex| {
        let mut chosen = all.clone();
        chosen.remove(&index);
        let evidence = told.lab.evidence_of(told.claim, told.spec, &chosen);
        reproledger::verify::evidence(&evidence.to_bytes(), Some(&told.lab.policy())).unwrap_err()
    };
    assert_eq!(without(EntryIndex(0)), Reject::NoGenesis);
    assert_eq!(without(told.dataset), Reject::CensusGap { index: told.dataset });
    assert_eq!(without(told.dataset).class(), Class::Missing);
    assert_eq!(without(told.claim), Reject::CensusGap { index: told.claim });
    let reject = told.reject_with(|evidence| {
        let twice = evidence.entries[2].clone();
        evidence.entries.insert(3, twice);
    });
    assert!(matches!(reject, Reject::Evidence(_)), "{reject:?}");
    let reject = told.reject_with(|evidence| evidence.census_count -= 1);
    assert!(matches!(reject, Reject::CensusRange { .. }), "the census ends before the head: {reject:?}");
}

#[test]
fn t14_changed_entries_under_an_unchanged_head_are_refused() {
    let told = Story::new().tell();
    let mut other = told.clone();
    let mut payload = other.lab.said(other.spec);
    payload.arm = Some("other".to_owned());
    other.lab.resay(other.spec, &payload);
    let head = told.lab.head().bytes().to_vec();
    let reject = other.reject_with(|evidence| evidence.head = head);
    assert!(matches!(reject, Reject::Inclusion(ProofError::Root { .. })), "{reject:?}");
}

#[test]
fn t15_a_new_beginning_under_the_same_key_is_another_ledger_and_shown_as_one() {
    // Hole: a C2SP policy pins a log by name and key, so a second ledger of both is vouched for too. What tells the two
    // apart is the ledger id, the hash of entry 0, printed with every verdict; and no two heads of them are consistent.
    let (first, mut second) = (Story::new().tell(), Lab::new());
    let genesis = reproledger::statement::Genesis {
        origin: first.lab.origin.clone(),
        log_key: key(1).public(),
        keys: vec![(reproledger::statement::Role::Issuer, key(101).public())],
        nonce: [9; 16],
    };
    second = Lab::with_genesis(genesis, second.log_key, second.issuer);
    assert_ne!(first.lab.id(), second.id());
    let text = reproledger::report::to_text(&first.assess(), reproledger::report::Detail::Every);
    assert!(text.contains(&first.lab.id().to_string()));
    // Entries of one are refused in the other, and a head of one is no anchor of the other.
    let mut mixed = first.clone();
    mixed.lab.entries[0] = second.entries[0].clone();
    assert!(matches!(mixed.reject(), Reject::Log { index: EntryIndex(1), .. }));
    let reject = anchored(&first, second.head().bytes().to_vec(), first.lab.consistency(1));
    assert!(matches!(reject, Reject::Anchor { reason: AnchorError::Consistency(_), .. }), "{reject:?}");
}

#[test]
fn t18_proofs_against_another_head_are_refused() {
    let mut told = Story::new().tell();
    let older = told.evidence();
    told.lab.file(reproledger::statement::Kind::Other, b"later", &[]);
    let newer = told.evidence();
    let changes: [fn(&mut Evidence, &Evidence); 3] = [
        |evidence, other| evidence.head.clone_from(&other.head),
        |evidence, other| evidence.multiproof.clone_from(&other.multiproof),
        |evidence, other| evidence.entries.clone_from(&other.entries),
    ];
    for change in changes {
        for (one, two) in [(&older, &newer), (&newer, &older)] {
            let mut mixed = one.clone();
            change(&mut mixed, two);
            if mixed == *one {
                continue;
            }
            let reject = reproledger::verify::evidence(&mixed.to_bytes(), Some(&told.lab.policy())).unwrap_err();
            assert!(
                matches!(reject, Reject::Inclusion(_) | Reject::OutsideTree { .. } | Reject::CensusRange { .. }),
                "{reject:?}"
            );
        }
    }
    // Anchors out of order, or one twice.
    let anchor =
        |size: u64| Anchor { head: told.lab.head_at(size).bytes().to_vec(), consistency: told.lab.consistency(size) };
    for anchors in [vec![anchor(4), anchor(3)], vec![anchor(3), anchor(3)]] {
        let reject = told.reject_with(|evidence| evidence.anchors = anchors);
        assert_eq!(reject, Reject::Anchor { number: 1, reason: AnchorError::Order });
    }
}

#[test]
fn t20_a_policy_without_witnesses_gives_level_0_and_says_self_asserted() {
    let assessment = Story::new().tell().assess();
    let line = reproledger::report::first_line(&assessment);
    assert!(line.starts_with("VERIFIED·L0·number — ") && line.contains("self-asserted"), "{line}");
}

#[test]
fn t24_extension_lines_of_a_head_are_never_rendered() {
    let told = Story::new().tell();
    let text = format!("{}accuracy 0.99\n", told.lab.head().head().to_text());
    let note = reproledger::key::sign_note(&text, &told.lab.vkey().name, &key(told.lab.log_key)).unwrap();
    assert_eq!(told.reject_with(|evidence| evidence.head = note), Reject::Head(HeadError::Extension));
}

#[test]
fn c01_times_that_go_back_are_refused_in_the_census_and_before_it() {
    for early in [EntryIndex(1), EntryIndex(3)] {
        let mut told = Story::new().tell();
        let payload = told.lab.said(early);
        let mut claims = crate::support::Lab::claims_at(early);
        claims.issued_at += 1_000_000;
        let at = usize::try_from(early.0).unwrap();
        told.lab.entries[at] = reproledger::statement::Entry::sign(&payload, &claims, &key(told.lab.issuer)).unwrap();
        // Entries after it were signed under their old times; only the ledger is proved anew.
        let all = (0..told.lab.entries.len() as u64).map(EntryIndex).collect();
        for first in [EntryIndex(1), told.log] {
            let evidence = told.lab.evidence_of(told.claim, first, &all);
            let reject = reproledger::verify::evidence(&evidence.to_bytes(), Some(&told.lab.policy())).unwrap_err();
            let expected = EntryIndex(early.0 + 1);
            assert!(matches!(reject, Reject::Time { index, .. } if index == expected), "{reject:?}");
        }
    }
}

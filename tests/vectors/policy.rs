//! Trust policies: the cases of transparency-dev/formats, whose dialect is laxer than the C2SP text.
//!
//! Upstream takes keys of any type for witnesses, one key under several names, and comments after a line. The format
//! forbids all three, so each good case is refused as it stands, and read once it is put right.

use std::collections::{BTreeMap, BTreeSet};

use reproledger::key::{NoteKind, Policy, PolicyError, SigningKey, VerifierKey, WitnessIndex};

use super::{json, list, text};

/// The policy in the C2SP dialect: cosigner keys, a different one for each witness, no trailing comments.
fn put_right(policy: &str) -> String {
    let mut seen = BTreeMap::new();
    let mut right = String::new();
    for line in policy.lines() {
        let line = line.split('#').next().unwrap();
        let words: Vec<String> = line
            .split_whitespace()
            .map(|word| match VerifierKey::parse(word) {
                Ok(key) => {
                    let count: &mut u8 = seen.entry(key.key).or_default();
                    *count += 1;
                    let other = SigningKey::from_seed([*count; 32]).public();
                    let own = if *count == 1 { key.key } else { other };
                    VerifierKey { kind: NoteKind::CosignatureV1, key: own, ..key }.to_string()
                }
                Err(_) => word.to_owned(),
            })
            .collect();
        right.push_str(&words.join(" "));
        right.push('\n');
    }
    right
}

#[test]
fn good_policies_are_read_once_they_follow_the_format() {
    if !super::data_is_there() {
        return;
    }
    let file = json("tlog-policy/cases.json");
    let cases = list(&file["good"]);
    assert_eq!(cases.len(), 5);
    for case in cases {
        let (policy, desc) = (text(&case["policy"]), text(&case["desc"]));
        assert!(
            matches!(
                Policy::parse(policy.as_bytes()),
                Err(PolicyError::Kind { found: 1, .. } | PolicyError::Form { .. })
            ),
            "{desc}"
        );
        let policy = Policy::parse(put_right(policy).as_bytes()).unwrap_or_else(|error| panic!("{desc}: {error}"));
        let met = |count: usize| policy.quorum_met(&(0..count).map(WitnessIndex).collect::<BTreeSet<_>>());
        let needed = match desc {
            "group any" => 1,
            "tidy" | "whitespace and comments" | "group numerical" => 2,
            "group all" => 3,
            other => panic!("a case nobody looked at: {other}"),
        };
        assert!(policy.witnesses.len() >= needed, "{desc}");
        for count in 0..=policy.witnesses.len() {
            assert_eq!(met(count), count >= needed, "{desc} with {count}");
        }
    }
}

#[test]
fn bad_policies_are_refused_in_either_dialect() {
    if !super::data_is_there() {
        return;
    }
    let file = json("tlog-policy/cases.json");
    let cases = list(&file["bad"]);
    assert_eq!(cases.len(), 6);
    for case in cases {
        let (policy, want) = (text(&case["policy"]), text(&case["want_error"]));
        assert!(Policy::parse(policy.as_bytes()).is_err(), "{want}");
        let error = Policy::parse(put_right(policy).as_bytes()).unwrap_err();
        let as_wanted = match want {
            "policy file must define a quorum" => error == PolicyError::NoQuorum,
            "quorum component \"unknown\" not found" => matches!(error, PolicyError::UnknownName { .. }),
            "duplicate component name" => matches!(error, PolicyError::DuplicateName { .. }),
            "invalid threshold" => matches!(error, PolicyError::Threshold { .. }),
            "invalid witness name" => matches!(error, PolicyError::Reserved { .. }),
            // Its member is not defined either, and that is seen first.
            "invalid group name" => matches!(error, PolicyError::Reserved { .. } | PolicyError::UnknownName { .. }),
            other => panic!("a case nobody looked at: {other}"),
        };
        assert!(as_wanted, "{want}: {error}");
    }
}

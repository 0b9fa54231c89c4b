//! Section J: policies that ask for nothing, and evidence that brings its own.

use reproledger::claim::{NUMBER, Profile, Verdict, assess};
use reproledger::evidence::EvidenceError;
use reproledger::key::{Policy, PolicyError};
use reproledger::verify::{Class, Reject};

use super::{frame, items};
use crate::support::Story;

#[test]
fn p02_an_empty_policy_and_one_that_asks_for_nothing_are_refused() {
    assert_eq!(Policy::parse(b""), Err(PolicyError::Empty));
    for text in [&b"\n"[..], b"# nothing\n"] {
        assert_eq!(Policy::parse(text), Err(PolicyError::NoQuorum));
    }
    let vkey = Story::new().tell().lab.vkey();
    assert_eq!(Policy::parse(format!("log {vkey}\n").as_bytes()), Err(PolicyError::NoQuorum));
    assert_eq!(Policy::parse(format!("log {vkey}\nquorum none").as_bytes()), Err(PolicyError::Unterminated));
    // A policy that pins no log trusts none.
    let told = Story::new().tell();
    let nobody = Policy::parse(b"quorum none\n").unwrap();
    let verdict = assess(&told.evidence().to_bytes(), Some(&nobody), NUMBER, |_| None).verdict;
    assert_eq!((verdict, verdict.exit_code()), (Verdict::Untrusted, 3));
}

#[test]
fn p03_p04_a_word_that_the_policy_format_does_not_know_is_refused() {
    let vkey = Story::new().tell().lab.vkey();
    for word in ["treshold 1", "version 2", "Quorum none", "logs x"] {
        let text = format!("log {vkey}\n{word}\nquorum none\n");
        assert!(matches!(Policy::parse(text.as_bytes()), Err(PolicyError::Keyword { line: 2, .. })), "{word}");
    }
}

#[test]
fn p06_a_policy_inside_the_evidence_is_not_read() {
    let told = Story::new().tell();
    let policy = format!("log {}\nquorum none\n", told.lab.vkey());
    let bytes = told.evidence().to_bytes();
    let mut parts = items(&bytes);
    parts.push(reproledger::codec::Encoder::encode(|e| e.text(&policy)));
    let reject = reproledger::verify::evidence(&frame(&parts), None).unwrap_err();
    assert!(matches!(reject, Reject::Evidence(EvidenceError::Trailing { .. })), "{reject:?}");
    // Openings and annexes have a shape, and a policy is none.
    for item in [7, 9] {
        let mut parts = items(&bytes);
        parts[item] = reproledger::codec::Encoder::encode(|e| {
            e.array(1);
            e.text(&policy);
        });
        let reject = reproledger::verify::evidence(&frame(&parts), None).unwrap_err();
        assert_eq!(reject.class(), Class::Malformed);
    }
    assert_eq!(assess(&bytes, None, NUMBER, |_| None).verdict, Verdict::Unvouched);
}

#[test]
fn p10_another_claim_that_holds_is_no_answer_for_one_that_is_absent() {
    let told = Story::new().tell();
    let absent = told.reject_with(|evidence| evidence.claim.0 += 1);
    assert_eq!(absent, Reject::NoClaim(reproledger::merkle::EntryIndex(told.claim.0 + 1)));
    assert_eq!(absent.class(), Class::Missing);
    // The body of one claim does not stand for another.
    let mut two = told.clone();
    let mut words = told.words.clone();
    words.claim_id = "second".to_owned();
    let second = two.lab.claim(&words, &[two.log], &[]);
    let reject = two.reject_with(|evidence| evidence.claim = second);
    assert!(matches!(reject, Reject::UnlistedWithheld { .. }), "{reject:?}");
    let mut evidence = two.lab.evidence(second);
    evidence.bodies = vec![(second, two.lab.bodies[&two.claim].clone())];
    let reject = reproledger::verify::evidence(&evidence.to_bytes(), None).unwrap_err();
    assert!(matches!(reject, Reject::Body { .. }), "{reject:?}");
    assert_eq!(reject.class(), Class::Contradicted);
}

#[test]
fn p11_a_profile_that_requires_nothing_is_not_what_verified_means() {
    // No flag weakens the profile; each required check that is not there counts as one that did not pass.
    let told = Story::new().tell();
    let stricter = Profile { name: "stricter", answers: "", required: &["no.such.check"] };
    let assessment = assess(&told.evidence().to_bytes(), Some(&told.lab.policy()), stricter, |_| None);
    assert_eq!(assessment.verdict, Verdict::NotRecomputable);
    for id in NUMBER.required {
        assert!(reproledger::check::CHECKS.iter().any(|check| check.id() == *id), "{id}");
    }
}

#[test]
fn the_exit_code_is_0_for_verified_alone() {
    for verdict in Verdict::ALL {
        assert_eq!(verdict.exit_code() == 0, *verdict == Verdict::Verified, "{verdict}");
    }
}

//! Every single change of a small evidence file: each bit, each byte dropped or repeated, each truncation.

use std::thread;

use reproledger::claim::{NUMBER, Verdict, assess, assess_any};
use reproledger::key::Policy;

use crate::support::{Lab, Story, Told};

/// Evidence with something in every item that can hold something: an anchor, a withheld body.
fn evidence() -> (Vec<u8>, Policy) {
    let told = with_a_hidden_body();
    let mut evidence = told.evidence();
    evidence.anchors.push(reproledger::evidence::Anchor {
        head: told.lab.head_at(3).bytes().to_vec(),
        consistency: told.lab.consistency(3),
    });
    assert!(!evidence.withheld.is_empty() && !evidence.manifests.is_empty() && !evidence.bodies.is_empty());
    let bytes = evidence.to_bytes();
    assert!(bytes.len() <= 32 << 10, "{}", bytes.len());
    (bytes, told.lab.policy())
}

fn with_a_hidden_body() -> Told {
    use reproledger::statement::{Body, EdgeType, Kind, Subject};
    let story = Story::new();
    let mut lab = Lab::new();
    let mut spec = lab.payload(Kind::Spec);
    spec.subjects.push(Subject::file(reproledger::digest::FileDigest::of(b"spec"), 4));
    lab.seal(&mut spec, &Body { name: Some("model-spec".to_owned()), ..Body::default() });
    let spec = lab.say(&spec);
    let checkpoint = lab.file(Kind::Checkpoint, b"weights", &[(EdgeType::DerivedFrom, spec)]);
    let manifest = story.manifest();
    let log = lab.eval_log(b"a log", &manifest, &[(EdgeType::Evaluates, checkpoint)]);
    let mut words = story.claim;
    words.inputs.push(manifest.root().unwrap().into());
    let claim = lab.claim(&words, &[log], &[]);
    Told { lab, spec, dataset: spec, checkpoint, log, claim, words }
}

/// Judges every mutant on every core; none may be believed, whatever else becomes of it.
pub(super) fn none_is_believed(
    policy: &Policy,
    count: usize,
    mutant: impl Fn(usize) -> Option<Vec<u8>> + Sync,
) -> usize {
    let workers = thread::available_parallelism().map_or(2, usize::from);
    let judge = |first: usize| {
        let mut judged = 0;
        for number in (first..count).step_by(workers) {
            let Some(bytes) = mutant(number) else { continue };
            let verdict = assess_any(&bytes, Some(policy), NUMBER, |_| None).verdict;
            assert_ne!(verdict, Verdict::Verified, "mutant {number} is believed");
            assert_ne!(verdict.exit_code(), 0, "mutant {number}");
            judged += 1;
        }
        judged
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..workers).map(|first| scope.spawn(move || judge(first))).collect();
        workers.into_iter().map(|worker| worker.join().expect("no mutant makes the verifier panic")).sum()
    })
}

#[test]
fn the_unchanged_evidence_is_believed() {
    let (bytes, policy) = evidence();
    let assessment = assess(&bytes, Some(&policy), NUMBER, |_| None);
    assert_eq!(assessment.verdict, Verdict::Verified, "{:?}", assessment.findings);
}

#[test]
fn a01_every_flipped_bit_is_refused() {
    let (bytes, policy) = evidence();
    let flipped = |bit: usize| {
        let mut bytes = bytes.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        Some(bytes)
    };
    assert_eq!(none_is_believed(&policy, 8 * bytes.len(), flipped), 8 * bytes.len());
}

#[test]
fn a03_every_truncation_is_refused() {
    let (bytes, policy) = evidence();
    none_is_believed(&policy, bytes.len(), |length| Some(bytes[..length].to_vec()));
    for length in 0..bytes.len() {
        let verdict = assess(&bytes[..length], Some(&policy), NUMBER, |_| None).verdict;
        assert_eq!(verdict, Verdict::Unreadable, "{length} bytes");
    }
}

#[test]
fn every_dropped_and_every_repeated_byte_is_refused() {
    let (bytes, policy) = evidence();
    let dropped = |at: usize| Some([&bytes[..at], &bytes[at + 1..]].concat());
    none_is_believed(&policy, bytes.len(), dropped);
    let repeated = |at: usize| Some([&bytes[..=at], &bytes[at..]].concat());
    none_is_believed(&policy, bytes.len(), repeated);
}

#[test]
fn every_byte_at_its_extremes_is_refused() {
    let (bytes, policy) = evidence();
    for value in [0x00, 0xff, 0x80, 0x1b, 0xfb, 0x9f, 0xf7] {
        none_is_believed(&policy, bytes.len(), |at| {
            let mut other = bytes.clone();
            other[at] = value;
            (other != bytes).then_some(other)
        });
    }
}

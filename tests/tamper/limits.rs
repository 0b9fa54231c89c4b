//! Section H: a verifier that cannot be made to run out of time or memory.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::{Duration, Instant};

use num_bigint::BigInt;
use num_rational::BigRational;
use reproledger::artifact::manifest::Manifest;
use reproledger::artifact::samples::Score;
use reproledger::claim::{NUMBER, Verdict, assess};
use reproledger::codec::DecodeError;
use reproledger::evidence::{EvidenceError, MAGIC};
use reproledger::verify::Reject;

use super::{frame, items};
use crate::support::{BINARY, Output, Sandbox, Story, program, sample};

fn item_error(item: usize, bytes: Vec<u8>) -> DecodeError {
    let mut parts = items(&Story::new().tell().evidence().to_bytes());
    parts[item] = bytes;
    match reproledger::verify::evidence(&frame(&parts), None).unwrap_err() {
        Reject::Evidence(EvidenceError::Item { source, .. }) => source,
        other => panic!("{other:?}"),
    }
}

#[test]
fn d01_a_million_nested_items_are_refused_at_the_depth_limit() {
    for byte in [0x81, 0xa1, 0x82] {
        // Openings and annexes have a shape: reading stops where it is none.
        for item in [7, 9] {
            let error = item_error(item, vec![byte; 1_000_000]);
            assert!(matches!(error, DecodeError::Length { .. } | DecodeError::Type { .. }), "{error:?}");
        }
    }
    let told = Story::new().tell();
    let mut deep = vec![0x82, 0xa3];
    deep.extend(vec![0x81; 1_000_000]);
    let reject = told.reject_with(|evidence| evidence.manifests[0].object = deep);
    assert!(matches!(reject, Reject::Manifest { .. }), "{reject:?}");
}

#[test]
fn d02_lengths_that_no_file_has_are_refused_before_memory_is_taken() {
    for exponent in [32_u32, 40, 63] {
        let length = (1_u64 << exponent).to_be_bytes();
        for major in [0x5b, 0x7b, 0x9b, 0xbb] {
            let bytes = [&[major], length.as_slice()].concat();
            for item in [0, 4, 5, 6, 8, 10] {
                let error = item_error(item, bytes.clone());
                assert!(matches!(error, DecodeError::Truncated { .. } | DecodeError::Type { .. }), "{error:?}");
            }
        }
    }
    let mut framed = MAGIC.to_vec();
    framed.extend_from_slice(&u32::MAX.to_be_bytes());
    let reject = reproledger::verify::evidence(&framed, None).unwrap_err();
    assert_eq!(reject, Reject::Evidence(EvidenceError::Truncated { item: 1, name: "head" }));
}

/// Judges in process and says how long it took.
fn timed(story: Story) -> (Verdict, Duration) {
    let told = story.tell();
    let (bytes, policy) = (told.evidence().to_bytes(), told.lab.policy());
    let begun = Instant::now();
    let verdict = assess(&bytes, Some(&policy), NUMBER, |_| None).verdict;
    (verdict, begun.elapsed())
}

#[test]
fn d12_scores_of_unrelated_denominators_cost_no_hours() {
    // Each a legal rational of its own; their sum would have a denominator of megabytes.
    let mut story = Story::new();
    let mut denominator = BigInt::from(10).pow(460);
    story.samples = (0..4000)
        .map(|id| {
            denominator += 1;
            let value = BigRational::new(1.into(), denominator.clone());
            let mut record = sample(id, 1, "1");
            let score = Score::of_text("\"x\"", b"x", Some(value));
            record.scores = BTreeMap::from([("match".to_owned(), BTreeMap::from([(String::new(), score)]))]);
            record
        })
        .collect();
    story.facts.declared = Some((4000, 1));
    story.claim.eval.samples = 4000;
    let (verdict, took) = timed(story);
    assert_ne!(verdict.exit_code(), 0);
    assert!(took < Duration::from_secs(5), "{took:?}");
}

#[test]
fn d12_a_grid_of_millions_of_missing_rows_costs_no_memory() {
    let mut story = Story::new();
    story.claim.eval.samples = 1 << 24;
    let (verdict, took) = timed(story);
    assert_ne!(verdict.exit_code(), 0);
    assert!(took < Duration::from_secs(1), "{took:?}");
}

/// Runs the binary over evidence under limits of memory and time.
fn under_limits(bytes: &[u8]) -> Option<(Output, Duration)> {
    let prlimit = program("prlimit")?;
    let sandbox = Sandbox::new();
    sandbox.write("elsewhere/x.evidence", bytes);
    let mut command = Command::new(prlimit);
    sandbox.surround(&mut command, "elsewhere");
    // Address space, and not resident memory, is what can be limited: the program itself and its stacks come on top.
    command.args(["--as=335544320", "--cpu=10"]).arg(BINARY).args(["verify", "x.evidence"]);
    let begun = Instant::now();
    let output = Output::of(&mut command);
    Some((output, begun.elapsed()))
}

/// Whoever takes more than the memory or the ten seconds of processor time is killed and has no exit code; the clock on
/// the wall also counts what else a machine does.
fn stays_within_limits(name: &str, bytes: &[u8]) {
    assert!(bytes.len() <= 64 << 20);
    let Some((output, took)) = under_limits(bytes) else {
        eprintln!("d12: no prlimit on this machine, {name} not run");
        return;
    };
    eprintln!("d12 {name}: {} MiB, {took:?}, exit {:?}", bytes.len() >> 20, output.exit_code());
    assert!(matches!(output.exit_code(), Some(1..=3)), "{name}: {output:?}");
}

fn large(item: usize, filler: &[u8]) -> Vec<u8> {
    let mut parts = items(&Story::new().tell().evidence().to_bytes());
    let count = (63 << 20) / filler.len();
    let mut bytes = vec![0x9a];
    bytes.extend_from_slice(&u32::try_from(count).unwrap().to_be_bytes());
    bytes.extend(filler.iter().cycle().take(count * filler.len()));
    parts[item] = bytes;
    frame(&parts)
}

#[test]
fn d12_64_mib_of_junk_end_within_time_and_memory() {
    stays_within_limits("zeros", &vec![0; 64 << 20]);
    stays_within_limits("zeros after the magic", &[MAGIC, &vec![0; 60 << 20]].concat());
    let hash = [&[0x58, 0x20][..], &[7; 32]].concat();
    stays_within_limits("a proof of two million hashes", &large(5, &hash));
    stays_within_limits("two million entries of nothing", &large(4, &[0x82, 0x01, 0x40]));
    let manifest = [&[0x83, 0x06, 0x58, 0x20][..], &[7; 32], &[0x40]].concat();
    stays_within_limits("a million manifests of nothing", &large(6, &manifest));
    stays_within_limits("sixty million empty slices", &large(7, &[0x40]));
}

/// A log of so many samples, told in evidence that holds.
fn crowd(count: i64) -> Vec<u8> {
    let mut story = Story::new();
    story.samples = (0..count).map(|id| sample(id, 1, "1")).collect();
    let size = u64::try_from(count).unwrap();
    (story.facts.declared, story.facts.total, story.facts.completed) = (Some((size, 1)), Some(size), Some(size));
    story.facts.metrics.clear();
    story.claim.eval.samples = size;
    story.claim.value.subject.n = size;
    story.claim.error = reproledger::statement::Stated::None;
    story.claim.value.subject.error = reproledger::statement::Stated::None;
    story.claim.value.subject.rate = reproledger::statement::Printed { printed: "100%".to_owned(), decimals: 0 };
    let manifest: Manifest = story.manifest();
    assert_eq!(manifest.count(), size);
    story.tell().evidence().to_bytes()
}

#[test]
fn d12_a_hundred_thousand_samples_are_judged_within_time_and_memory() {
    stays_within_limits("100,000 samples", &crowd(100_000));
}

#[test]
#[ignore = "half a minute to make and judge"]
fn d12_the_most_samples_of_64_mib_are_judged_within_time_and_memory() {
    stays_within_limits("870,000 samples", &crowd(870_000));
}

#[test]
#[ignore = "half a minute to make and judge"]
fn d12_the_most_entries_of_64_mib_are_judged_within_time_and_memory() {
    let mut told = Story::new().tell();
    for _ in 0..170_000 {
        told.lab.say(&told.lab.payload(reproledger::statement::Kind::Adopt));
    }
    stays_within_limits("170,000 signed entries", &told.evidence().to_bytes());
}

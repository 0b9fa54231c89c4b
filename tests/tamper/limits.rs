//! Section H: a verifier that cannot be made to run out of time or memory.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::{Duration, Instant};

use num_bigint::BigInt;
use num_rational::BigRational;
use reproledger::artifact::manifest::Manifest;
use reproledger::artifact::samples::{ReportedMetric, Score};
use reproledger::claim::{NUMBER, Verdict, assess};
use reproledger::codec::DecodeError;
use reproledger::digest::{DigestKind, FileDigest};
use reproledger::evidence::{EvidenceError, MAGIC};
use reproledger::merkle::EntryIndex;
use reproledger::statement::{Body, EdgeType, Kind, Measure, Subject};
use reproledger::verify::Reject;

use super::{frame, items};
use crate::support::study::Study;
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

#[test]
#[ignore = "half a minute to make and judge"]
fn d12_a_thousand_reported_means_are_not_each_computed_over_every_sample() {
    let mut story = Story::new();
    story.samples = (0..12_000).map(|id| sample(id, 1, "1")).collect();
    (story.facts.declared, story.facts.total, story.facts.completed) = (Some((12_000, 1)), Some(12_000), Some(12_000));
    let metric = story.facts.metrics[0].clone();
    let named = |at| ReportedMetric { scorer: format!("scorer {at}"), metric: "mean".to_owned(), ..metric.clone() };
    story.facts.metrics = (0..1000).map(named).collect();
    let told = story.tell();
    let found = told.assess();
    let integrity = crate::support::finding(&found, "log.integrity");
    let words = "167 means that the header reports over 12000 samples were not computed";
    assert!(integrity.notes.iter().any(|note| note == words), "{integrity:?}");
    assert_ne!(found.verdict.exit_code(), 0);
}

#[test]
#[ignore = "a minute to make and judge"]
fn d12_words_on_one_entry_by_the_ten_thousand_are_judged_within_time() {
    let mut study = Study::honest();
    study.after = |lab, placed| {
        let link = lab.link(EdgeType::Concerns, placed.logs[&(0, 0)]);
        for _ in 0..30_000 {
            let mut payload = lab.payload(Kind::Incident);
            lab.seal(&mut payload, &Body { reason: Some("again".to_owned()), ..Body::default() });
            payload.edges = vec![link.clone()];
            lab.say(&payload);
        }
    };
    stays_within_limits("30,000 incidents", &study.tell().evidence().to_bytes());
}

/// One chain of so many training steps, and logs of its last weights, all in one claim.
fn long_chain(steps: u64, logs: u64) -> Vec<u8> {
    let mut study = Study::honest();
    study.after = |lab, placed| {
        // What is told after this goes on from here.
        lab.file(Kind::Dataset, b"more chats", &[]);
        assert!(placed.logs.contains_key(&(0, 0)));
    };
    let mut told = study.tell();
    let claim = told.lab.said(told.claim);
    let lab = &mut told.lab;
    lab.entries.truncate(usize::try_from(told.claim.0).unwrap());
    let data = EntryIndex(told.claim.0 - 1);
    let (mut last, mut ends) = (told.placed.checkpoints[&(0, 0)], Vec::new());
    for step in 0..steps {
        let mut payload = lab.payload(Kind::Checkpoint);
        payload.edges = vec![lab.link(EdgeType::Continues, last), lab.link(EdgeType::TrainedOn, data)];
        payload.edges.sort();
        payload.subjects.push(Subject::file(FileDigest::of(format!("step {step}").as_bytes()), 9));
        last = lab.say(&payload);
        ends.push(last);
    }
    let mut supports = claim.edges.clone();
    for weights in ends.into_iter().rev().take(usize::try_from(logs).unwrap()) {
        let mut payload = lab.said(told.placed.logs[&(0, 0)]);
        payload.seq = lab.next();
        let weights = lab.link(EdgeType::Evaluates, weights);
        payload.checkpoint = Some(weights.digest);
        payload.edges = vec![lab.link(EdgeType::EvaluatedWith, told.placed.suite), weights];
        payload.edges.sort();
        let own = FileDigest::of(format!("log at {}", payload.seq).as_bytes());
        let measure = Measure { digests: vec![own.into()], count: 9, length: 9 };
        payload.subjects = vec![Subject::file(own, 9).with(DigestKind::Samples, measure)];
        let log = lab.say(&payload);
        supports.push(lab.supports(log));
    }
    supports.sort();
    let body = Body::open(&lab.bodies[&told.claim], &claim.body.unwrap()).unwrap();
    let mut words = *body.claim.unwrap();
    words.inputs = supports.iter().map(|edge| edge.digest).collect();
    let mut payload = lab.payload(Kind::Claim);
    (payload.protocol, payload.edges) = (claim.protocol, supports);
    lab.seal(&mut payload, &Body { name: Some("am".to_owned()), claim: Some(Box::new(words)), ..Body::default() });
    told.claim = lab.say(&payload);
    told.evidence().to_bytes()
}

#[test]
fn d12_many_seeds_of_one_long_chain_are_not_followed_without_end() {
    let bytes = long_chain(4_000, 70);
    let assessment = assess(&bytes, None, NUMBER, |_| None);
    let base = crate::support::finding(&assessment, "base.identity");
    assert!(base.reason.contains("the arm's seeds have more than 262144 training steps together"), "{base:?}");
}

#[test]
#[ignore = "half a minute to make and judge"]
fn d12_the_longest_chain_that_is_followed_is_followed_within_time_and_memory() {
    stays_within_limits("400 seeds of one chain of 9,000 steps", &long_chain(9_000, 400));
    stays_within_limits("60 seeds of one chain of 2,000 steps", &long_chain(2_000, 60));
}

//! Section F where clocks are wrong: units, years, zones, steps back, witnesses that cannot have seen what they cosigned,
//! and timestamps that this version does not read.

use reproledger::capture::keyring::Keyring;
use reproledger::check::{Age, Finding, Outcome};
use reproledger::claim::{Assessment, NUMBER, Reader, Verdict, assess_as};
use reproledger::digest::FileDigest;
use reproledger::evidence::{Anchor, Annex, Evidence};
use reproledger::journal::{Draft, Journal, NewLedger};
use reproledger::key::{NoteKind, Policy, VerifierKey, sign_cosignature};
use reproledger::ledger::{Attachment, Ledger, Writer};
use reproledger::merkle::{EntryIndex, Origin};
use reproledger::report::first_line;
use reproledger::statement::{
    Claims, EdgeType, Entry, EntryError, Kind, Outcome as RunOutcome, Role, RunStatus, Subject,
};
use reproledger::verify::{self, Class, Reject};

use super::decided;
use crate::support::{Lab, Sandbox, Story, Told, finding, key};

/// The policy of a reader who knows a witness and does not insist on it.
fn policy(lab: &Lab) -> Policy {
    let name = "w1.example".parse().unwrap();
    let witness = VerifierKey { name, kind: NoteKind::CosignatureV1, key: key(50).public() };
    Policy::parse(format!("log {}\nwitness a {witness}\nquorum none\n", lab.vkey()).as_bytes()).unwrap()
}

/// The head over the first `size` entries, cosigned by the witness at a time.
fn seen_at(lab: &Lab, size: u64, time: u64) -> Vec<u8> {
    let head = lab.head_at(size);
    let line = sign_cosignature(&head.head().to_text(), time, &"w1.example".parse().unwrap(), &key(50)).unwrap();
    [head.bytes(), line.as_slice()].concat()
}

fn judged(lab: &Lab, evidence: &Evidence, at: Option<u64>) -> Assessment {
    let policy = policy(lab);
    let age = at.map(|at| Age { at, most: None, gap: None });
    let reader = Reader { trust: Some(&policy), age, ..Reader::default() };
    assess_as(&evidence.to_bytes(), &reader, NUMBER, |_| None)
}

/// A story whose every entry was signed at the time that `time` gives for its index.
fn dated(time: impl Fn(u64) -> u64) -> Told {
    let mut told = Story::new().tell();
    for index in (0..told.lab.entries.len() as u64).map(EntryIndex) {
        let mut payload = told.lab.said(index);
        // Another time of the first entry makes another ledger.
        payload.log = payload.log.map(|_| told.lab.id());
        let claims = Claims { issued_at: time(index.0), ..Lab::claims_at(index) };
        let signed = Entry::sign(&payload, &claims, &key(told.lab.issuer)).unwrap();
        told.lab.entries[usize::try_from(index.0).unwrap()] = signed;
    }
    told
}

fn on_time(assessment: &Assessment) -> &Finding {
    finding(assessment, "time.order")
}

const NOW: u64 = 1_790_000_000;

#[test]
fn c07_a_timestamp_token_is_read_by_nothing_and_lifts_nothing() {
    // This version keeps tokens beside heads and reads none of them: whatever digest, hash, policy or chain one has, it
    // is never counted. So no token can make anything anchored, and a bad one needs no refusal of its own.
    let told = Story::new().tell();
    let size = told.lab.entries.len() as u64;
    for token in [&b"\x30\x82\x01\x00\x02\x01\x00"[..], b"any bytes"] {
        // As a line of the head, as a head, as what somebody signed of the claim: each is no such thing.
        let head = [told.lab.head().bytes(), token, b"\n"].concat();
        let refused = told.reject_with(|evidence| evidence.head.clone_from(&head));
        assert!(matches!(refused, Reject::Head(_)), "{refused:?}");
        let anchor = Anchor { head: token.to_vec(), consistency: Vec::new() };
        let refused = told.reject_with(|evidence| evidence.anchors = vec![anchor.clone()]);
        assert!(matches!(refused, Reject::Anchor { .. }), "{refused:?}");
        let annex = Annex { attach: EntryIndex(size - 1), consistency: Vec::new(), testimony: token.to_vec() };
        let refused = told.reject_with(|evidence| evidence.annexes = vec![annex.clone()]);
        assert_eq!(refused.class(), Class::Malformed, "{refused:?}");
    }
}

#[test]
fn c07_evidence_is_the_same_with_and_without_tokens_in_the_ledger() {
    let sandbox = Sandbox::with_ledger();
    let demo = std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/demo");
    sandbox.write("lab/eval.json", std::fs::read(demo.join("eval.json")).unwrap());
    sandbox.write("lab/weights.bin", "weights");
    let _ = sandbox.lab(&["record", "checkpoint", "weights.bin", "--name", "desk-model"]).success();
    let log = ["record", "eval-log", "eval.json", "--name", "desk-eval", "--from", "desk-model"];
    let _ = sandbox.lab(&log).success();
    sandbox.write("lab/claim.toml", std::fs::read(demo.join("claim.toml")).unwrap());
    let _ = sandbox.lab(&["claim", "add", "claim.toml"]).success();
    let without = std::fs::read(sandbox.prove("desk-accuracy", true)).unwrap();

    let directory = sandbox.path("lab/.reproledger");
    let keys = Keyring::open(&sandbox.path("home/config/reproledger/keys")).unwrap();
    let info = keys.list().unwrap().into_iter().find(|info| info.role == Role::Log).unwrap();
    let log_key = keys.load(&info.name, None).unwrap().key;
    let origin = Origin::parse("lab.example/log").unwrap();
    let state = sandbox.path("home/state/reproledger");
    let (mut writer, _) = Writer::open(&directory, &origin, log_key, &state).unwrap();
    writer.attach(Attachment::Timestamp, b"a token over another digest").unwrap();
    writer.close().unwrap();

    let _ = sandbox.lab(&["audit"]).success().says("1 cosignature or timestamp, not checked here");
    assert_eq!(std::fs::read(sandbox.prove("desk-accuracy", true)).unwrap(), without);
    sandbox.trust();
    let _ = sandbox.elsewhere(&["verify", "desk-accuracy.evidence", "--trust", "trust.policy"]).says("·L0·number");
}

#[test]
fn c09_times_in_another_unit_than_seconds_are_malformed() {
    let told = Story::new().tell();
    let payload = told.lab.said(told.spec);
    for (unit, time) in
        [("milliseconds", NOW * 1_000), ("microseconds", NOW * 1_000_000), ("nanoseconds", NOW * 1_000_000_000)]
    {
        let claims = Claims { issued_at: time, ..Lab::claims_at(told.spec) };
        let refused = Entry::sign(&payload, &claims, &key(told.lab.issuer)).unwrap_err();
        assert_eq!(refused, EntryError::Time { found: time }, "{unit}");
    }
    // Signed all the same, by a program that is not this one: the time of 2026 in milliseconds in place of that in seconds.
    let (protected, payload) = crate::support::parts(&told.lab.entries[1]);
    let time = Lab::claims_at(EntryIndex(1)).issued_at;
    let seconds = [&[0x1a][..], &u32::try_from(time).unwrap().to_be_bytes()].concat();
    let at = protected.windows(5).position(|window| window == seconds).unwrap();
    let milliseconds = [&[0x1b][..], &(time * 1_000).to_be_bytes()].concat();
    let changed = [&protected[..at], &milliseconds, &protected[at + 5..]].concat();
    let mut forged = told.clone();
    forged.lab.entries[1] = crate::support::forge(&changed, &[0xa0], &payload, &key(told.lab.issuer));
    let all = (0..forged.lab.entries.len() as u64).map(EntryIndex).collect();
    let evidence = forged.lab.evidence_of(told.claim, EntryIndex(1), &all).to_bytes();
    let assessment = reproledger::claim::assess(&evidence, Some(&told.lab.policy()), NUMBER, |_| None);
    assert_eq!((assessment.verdict, assessment.verdict.exit_code()), (Verdict::Unreadable, 2));
    let text = &assessment.findings[0].reason;
    assert!(text.contains("is after the year 9999: it must be in whole seconds since 1970"), "{text}");
}

#[test]
fn c09_years_before_there_were_ledgers_and_after_the_readers_are_no_known_time() {
    // A clock that was never set, one that lost its battery, and seconds that were divided by a thousand.
    for beginning in [0, 86_400, NOW / 1_000, 1_767_225_600 - 10_000] {
        let told = dated(|index| beginning + index);
        let assessment = told.assess();
        decided(&assessment, Verdict::NotRecomputable, "time.order");
        assert!(on_time(&assessment).reason.contains("is of a time before there were such ledgers"));
    }
    // 2106: where 32 bits of seconds end, nothing wraps. By no clock of the reader's it is a time like any other.
    let told = dated(|index| u64::from(u32::MAX) - 2 + index);
    assert_eq!(on_time(&told.assess()).outcome, Outcome::Pass);
    let assessment = judged(&told.lab, &told.evidence(), Some(NOW));
    decided(&assessment, Verdict::NotRecomputable, "time.order");
    assert!(on_time(&assessment).reason.ends_with("after the time that you gave"), "{:?}", on_time(&assessment));
    // A local clock hours ahead of the reader's is seen, one within ten minutes is not worth a word.
    for (ahead, outcome) in [(7_200, Outcome::Unknown), (600, Outcome::Pass)] {
        let told = dated(|_| NOW + ahead);
        assert_eq!(on_time(&judged(&told.lab, &told.evidence(), Some(NOW))).outcome, outcome, "{ahead}");
    }
}

#[test]
fn c09_seconds_since_1970_know_no_leap_second_and_no_zone() {
    // Two entries inside a leap second have the same number, which is no step back; a moment in words needs its zone.
    let leap = 1_483_228_800 + 400_000_000;
    let told = dated(|index| leap + index / 3);
    assert_eq!(on_time(&told.assess()).outcome, Outcome::Pass);
    let sandbox = Sandbox::with_ledger();
    sandbox.write("lab/rows.jsonl", "{}\n");
    let _ = sandbox.lab(&["record", "dataset", "rows.jsonl", "--name", "rows"]).success();
    let incident = |seen: &str| sandbox.lab(&["incident", "rows", "--reason", "lost its disk", "--seen", seen]);
    for local in ["2026-11-20T09:30:00", "2026-11-20 09:30", "1790000000"] {
        assert!(incident(local).code(2).stderr.contains("expected 2026-11-20 or 2026-11-20T09:30:00Z"), "{local}");
    }
    let _ = incident("2026-11-20T09:30:00+01:00").success();
}

#[test]
fn c10_how_long_runs_took_is_told_and_not_judged() {
    // Nothing outside sees a run begin, and no entry names a machine that a reader could hold the time against: that a
    // month of training fits between two entries a minute apart is for the reader to doubt, and the file says what it needs.
    let mut story = Story::new().tell();
    let lab = &mut story.lab;
    let mut told = Vec::new();
    for between in [0, 2] {
        let mut start = lab.payload(Kind::RunStart);
        (start.stage, start.attempt) = (Some("pretraining".to_owned()), Some(1));
        let start = lab.say(&start);
        for _ in 0..between {
            lab.file(Kind::Other, b"other", &[]);
        }
        let mut end = lab.payload(Kind::RunEnd);
        (end.stage, end.attempt) = (Some("pretraining".to_owned()), Some(1));
        end.outcome = Some(RunOutcome { status: RunStatus::Completed, code: 0 });
        end.edges = vec![lab.link(EdgeType::Ends, start)];
        lab.say(&end);
        let claim = lab.claim(&story.words, &[story.log], &[]);
        let assessment = crate::support::assess(&lab.evidence(claim), &lab.policy());
        assert_eq!(on_time(&assessment).outcome, Outcome::Pass);
        told.push(on_time(&assessment).notes[1].clone());
    }
    let unjudged = "by the lab's own clock; whether that is long enough for what was computed is not looked at";
    assert_eq!(told[0], format!("1 run took 60 seconds {unjudged}"));
    assert_eq!(told[1], format!("2 runs took from 60 seconds to 3 minutes {unjudged}"));
}

#[test]
fn c13_a_clock_that_steps_back_is_recorded_and_time_does_not() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger");
    let (mut journal, settings) = Journal::create(NewLedger {
        directory: &path,
        state_dir: &directory.path().join("state"),
        origin: "lab.example/log",
        issuer: "https://lab.example",
        log_key: key(1),
        issuer_key: key(2),
        key_names: ("log", "issuer"),
        now: NOW,
    })
    .unwrap();
    let draft = || {
        let mut draft = Draft::new(Kind::Other);
        draft.subjects.push(Subject::file(FileDigest::of(b"other"), 5));
        draft
    };
    for now in [NOW + 100, NOW - 3_600, NOW - 3_500, NOW + 200, 0] {
        journal.append(vec![draft()], now).unwrap();
    }
    journal.close().unwrap();
    let ledger = Ledger::open_read(&path, &settings.verifier_key(&path).unwrap()).unwrap();
    let told = ledger.entries(EntryIndex(1)).unwrap().map(|entry| {
        let entry = Entry::parse(&entry.unwrap().bytes).unwrap();
        (entry.claimed().kind == Kind::ClockStep, entry.claims().issued_at - NOW)
    });
    let told: Vec<(bool, u64)> = told.collect();
    // Once for each time that it went back, and no entry is older than the one before it.
    let expected = [(false, 100), (true, 100), (false, 100), (false, 100), (false, 200), (true, 200), (false, 200)];
    assert_eq!(told, expected);
}

#[test]
fn t19_a_witness_that_saw_an_entry_before_it_was_recorded_contradicts_the_lab() {
    let told = Story::new().tell();
    let size = told.lab.entries.len() as u64;
    let newest = Lab::claims_at(EntryIndex(size - 1)).issued_at;
    let under = |time: u64| {
        let mut evidence = told.evidence();
        evidence.head = seen_at(&told.lab, size, time);
        judged(&told.lab, &evidence, None)
    };
    let assessment = under(newest - 601);
    decided(&assessment, Verdict::Contradicted, "time.order");
    let reason =
        format!("entry {} says that it was recorded 10 minutes after \"w1.example\" saw it in the ledger", size - 1);
    let contradicted = on_time(&assessment);
    assert_eq!(contradicted.reason, reason);
    assert_eq!(contradicted.expected, Some(format!("seen {} s after 1970", newest - 601)));
    assert_eq!(contradicted.found, Some(format!("recorded {newest} s after 1970")));
    // Within what clocks are apart it is none.
    let assessment = under(newest - 600);
    assert_eq!(on_time(&assessment).outcome, Outcome::Pass);
    assert!(first_line(&assessment).contains("head seen by 1 of 1 witnesses"));
    // The same of an older head: of the entries under it alone.
    let anchored = |seen: u64| {
        let mut evidence = told.evidence();
        evidence.anchors = vec![Anchor { head: seen_at(&told.lab, 2, seen), consistency: told.lab.consistency(2) }];
        on_time(&judged(&told.lab, &evidence, None)).outcome
    };
    let second = Lab::claims_at(EntryIndex(1)).issued_at;
    assert_eq!((anchored(second - 601), anchored(second)), (Outcome::Fail, Outcome::Pass));
    // A witness that nobody pinned is nobody.
    let mut evidence = told.evidence();
    evidence.head = seen_at(&told.lab, size, 5);
    assert_eq!(on_time(&crate::support::assess(&evidence, &told.lab.policy())).outcome, Outcome::Pass);
}

#[test]
fn t19_a_witness_in_the_readers_future_is_not_believed_and_contradicts_nobody() {
    // The table refuses it. But a witness is no part of the lab, and either clock can be the wrong one.
    let told = Story::new().tell();
    let size = told.lab.entries.len() as u64;
    let mut evidence = told.evidence();
    evidence.head = seen_at(&told.lab, size, NOW + 7 * 86_400);
    let assessment = judged(&told.lab, &evidence, Some(NOW + 3_600));
    decided(&assessment, Verdict::NotRecomputable, "time.order");
    assert_eq!(on_time(&assessment).reason, "a witness saw the head 6 days after the time that you gave");
    assert_eq!(on_time(&judged(&told.lab, &evidence, Some(NOW + 8 * 86_400))).outcome, Outcome::Pass);
    assert!(verify::evidence(&evidence.to_bytes(), Some(&told.lab.policy())).is_ok());
}

#[test]
fn t19_a_cosignature_over_another_size_or_root_makes_the_head_worthless() {
    let told = Story::new().tell();
    let size = told.lab.entries.len() as u64;
    let line = seen_at(&told.lab, size - 1, NOW)[told.lab.head_at(size - 1).bytes().len()..].to_vec();
    let head = [told.lab.head().bytes(), line.as_slice()].concat();
    let policy = policy(&told.lab);
    let mut evidence = told.evidence();
    evidence.head = head;
    let reject = verify::evidence(&evidence.to_bytes(), Some(&policy)).unwrap_err();
    assert_eq!(reject.class(), Class::Contradicted, "{reject:?}");
}

//! What somebody outside saw, and when: protocols that were seen before the first run, ledgers that were rolled back or
//! told twice, and how much outside sight each stage of a claim rests on.

use reproledger::check::{Age, Outcome};
use reproledger::claim::{Assessment, Level, NUMBER, PAPER, Reader, Stage, VENDOR_AUDIT, Verdict, assess_as};
use reproledger::digest::{DigestKind, FileDigest};
use reproledger::evidence::{Anchor, Evidence};
use reproledger::key::{NoteKind, Policy, VerifierKey, sign_cosignature, sign_note};
use reproledger::merkle::{EntryIndex, Origin, TreeSize};
use reproledger::report::{Detail, to_json, to_text};
use reproledger::statement::{EdgeType, Kind, Subject};
use reproledger::verify::Reject;
use serde_json::json;

use super::decided;
use crate::support::study::{Study, ToldStudy, register};
use crate::support::{Lab, Story, finding, key};

/// The head over the first `size` entries, seen by a witness whose key has this seed.
fn seen(lab: &Lab, size: u64, witness: u8) -> Vec<u8> {
    let head = lab.head_at(size);
    let name = "w1.example".parse().unwrap();
    let line = sign_cosignature(&head.head().to_text(), 1_790_010_000, &name, &key(witness)).unwrap();
    [head.bytes(), line.as_slice()].concat()
}

fn witness(seed: u8) -> VerifierKey {
    VerifierKey { name: "w1.example".parse().unwrap(), kind: NoteKind::CosignatureV1, key: key(seed).public() }
}

/// The policy of a reader who knows a witness and does not insist on it.
fn policy(lab: &Lab, seed: u8) -> Policy {
    Policy::parse(format!("log {}\nwitness a {}\nquorum none\n", lab.vkey(), witness(seed)).as_bytes()).unwrap()
}

fn assess(told: &ToldStudy, evidence: &Evidence, reader: &Reader<'_>) -> Assessment {
    let policy = told.lab.policy();
    let reader = Reader { trust: reader.trust.or(Some(&policy)), ..*reader };
    assess_as(&evidence.to_bytes(), &reader, VENDOR_AUDIT, |_| None)
}

#[test]
fn a_protocol_that_a_witness_saw_before_the_first_run_is_registered_and_else_self_asserted() {
    let told = Study::honest().tell();
    let first_run = told.placed.logs.values().min().unwrap().0;
    let protocol = told.placed.protocol_entry.0;
    let with = |size: u64, signed_by: u8| {
        let mut evidence = told.evidence();
        evidence.anchors =
            vec![Anchor { head: seen(&told.lab, size, signed_by), consistency: told.lab.consistency(size) }];
        let policy = policy(&told.lab, 50);
        let assessment = assess(&told, &evidence, &Reader { trust: Some(&policy), ..Reader::default() });
        let found = finding(&assessment, "claim.prereg").clone();
        assert_eq!(found.outcome, Outcome::Pass, "{found:?}");
        assert!(found.notes.iter().any(|note| note.contains("never recorded cannot be excluded")), "{found:?}");
        found.reason
    };
    for size in [protocol + 1, first_run] {
        let reason = with(size, 50);
        assert!(reason.starts_with("registered: the protocol of entry ") && reason.contains("w1.example"), "{reason}");
    }
    // Seen before the protocol stood there, or only after the first run; or by somebody whom the reader does not know.
    for (size, signed_by) in [(protocol, 50), (first_run + 1, 50), (protocol + 1, 51)] {
        let reason = with(size, signed_by);
        assert!(
            reason.starts_with("registered (self-asserted): the protocol of entry "),
            "{size} {signed_by}: {reason}"
        );
    }
}

#[test]
fn t01_an_older_head_than_one_that_the_reader_holds_is_refused() {
    let told = Study::honest().tell();
    let size = told.lab.entries.len() as u64;
    let held_by =
        |evidence: &Evidence, held: &[u8]| assess(&told, evidence, &Reader { held: Some(held), ..Reader::default() });
    // A ledger that grew by one entry since, of which the reader holds the head.
    let mut grown = told.lab.clone();
    grown.file(Kind::Other, b"one more", &[]);
    let newer = grown.head();
    let rolled_back = held_by(&told.evidence(), newer.bytes());
    assert_eq!(rolled_back.verdict, Verdict::Contradicted);
    let reason =
        format!("this head is over {size} entries, you hold one over {}: the ledger was rolled back", size + 1);
    assert_eq!(rolled_back.findings[0].reason, reason);
    // The same head, and each older one: the whole ledger is shown, so that each can be seen to be extended.
    for held in [1, 3, size - 1, size] {
        let assessment = held_by(&told.evidence(), told.lab.head_at(held).bytes());
        assert!(assessment.evidence.is_some(), "{held}: {:?}", assessment.findings);
    }
}

#[test]
fn t03_and_t04_another_history_than_the_one_that_the_reader_saw_is_refused() {
    let told = Study::honest().tell();
    let size = told.lab.entries.len() as u64;
    // The same keys, another last entry.
    let mut other = told.lab.clone();
    other.entries.pop();
    other.file(Kind::Other, b"another history", &[]);
    assert_eq!(other.entries.len() as u64, size);
    let assessment = assess(&told, &told.evidence(), &Reader { held: Some(other.head().bytes()), ..Reader::default() });
    assert_eq!(assessment.verdict, Verdict::Contradicted);
    assert!(assessment.findings[0].reason.contains("it has shown two histories"), "{:?}", assessment.findings);
    // A head of another ledger says nothing of this one.
    let stranger = Lab::named("lab.example/log", 9);
    let assessment =
        assess(&told, &told.evidence(), &Reader { held: Some(stranger.head().bytes()), ..Reader::default() });
    assert_eq!(assessment.verdict, Verdict::Untrusted);
    assert!(assessment.findings[0].reason.contains("is no head of this ledger"), "{:?}", assessment.findings);
}

#[test]
fn t02_evidence_without_the_ledgers_beginning_must_anchor_the_head_that_the_reader_holds() {
    let mut told = Story::new().tell();
    // Two entries that the claim does not rest on, the second before what it rests on would begin.
    let mut lab = Lab::new();
    let _ = lab.file(Kind::Other, b"unrelated", &[]);
    let spec = lab.file(Kind::Spec, b"a spec", &[]);
    let manifest = Story::new().manifest();
    let log = lab.eval_log(b"a log", &manifest, &[]);
    told.words.inputs = vec![manifest.root().unwrap().into()];
    let claim = lab.claim(&told.words, &[log], &[]);
    assert_eq!((spec, claim), (EntryIndex(2), EntryIndex(4)));
    let policy = lab.policy();
    let held = lab.head_at(3);
    let with = |anchors: Vec<Anchor>| {
        let evidence = Evidence { anchors, ..lab.evidence(claim) };
        assert!(evidence.entries.iter().all(|(index, _)| index.0 != 1), "entry 1 is not shown");
        let reader = Reader { trust: Some(&policy), held: Some(held.bytes()), ..Reader::default() };
        assess_as(&evidence.to_bytes(), &reader, NUMBER, |_| None)
    };
    let assessment = with(Vec::new());
    assert_eq!(assessment.verdict, Verdict::NotRecomputable);
    assert!(assessment.findings[0].reason.contains("does not show that its head over 5 entries extends the one"));
    let assessment = with(vec![Anchor { head: held.bytes().to_vec(), consistency: lab.consistency(3) }]);
    assert!(assessment.evidence.is_some(), "{:?}", assessment.findings);
}

#[test]
fn each_stage_says_what_it_rests_on_and_the_least_of_them_is_the_headline() {
    let told = Study::honest().tell();
    let levels = |assessment: &Assessment| -> Vec<(Stage, Level)> {
        assessment.assurance.stages().iter().map(|stage| (stage.stage, stage.level)).collect()
    };
    let assessment = told.assess(PAPER);
    assert_eq!(assessment.level, Level::L0);
    let recorded = [Stage::Corpus, Stage::Training, Stage::Sampling, Stage::Judging];
    let of = |level: Level| -> Vec<(Stage, Level)> {
        recorded.iter().map(|stage| (*stage, level)).chain([(Stage::Statistic, Level::L3)]).collect()
    };
    assert_eq!(levels(&assessment), of(Level::L0));
    let text = to_text(&assessment, Detail::Every);
    assert!(text.contains("assurance   L0 is the least of its stages"), "{text}");
    assert!(text.contains("statistic L3 computed again by you"), "{text}");
    let document: serde_json::Value = serde_json::from_str(&to_json(&assessment)).unwrap();
    assert_eq!(document["assurance"][0]["stage"], "corpus");
    assert_eq!(
        document["assurance"][4],
        json!({"stage": "statistic", "level": "L3",
        "rests_on": "computed again by you from the recorded verdicts"})
    );
    // Seen by a witness whom the reader asks for.
    let mut evidence = told.evidence();
    let size = told.lab.entries.len() as u64;
    evidence.head = seen(&told.lab, size, 50);
    let quorum = format!("log {}\nwitness a {}\nquorum a\n", told.lab.vkey(), witness(50));
    let quorum = Policy::parse(quorum.as_bytes()).unwrap();
    let assessment = assess(&told, &evidence, &Reader { trust: Some(&quorum), ..Reader::default() });
    assert_eq!(assessment.level, Level::L1);
    assert_eq!(levels(&assessment), of(Level::L1));
    // A number that is not what the samples give was not computed again.
    let mut study = Study::honest();
    study.printed.insert("subject", "0.07".to_owned());
    let assessment = study.tell().assess(PAPER);
    assert_eq!(levels(&assessment).last(), Some(&(Stage::Statistic, Level::L0)));
}

#[test]
fn c06_a_history_made_in_one_sitting_rests_on_the_labs_word() {
    // Every entry a minute after the last, by a clock that is the lab's own: nothing tells it from one that is true.
    let assessment = Study::honest().tell().assess(PAPER);
    assert!(assessment.assurance.stages().iter().all(|stage| {
        stage.stage == Stage::Statistic || (stage.level == Level::L0 && stage.rests_on == "recorded by the lab itself")
    }));
    let line = reproledger::report::first_line(&assessment);
    assert!(line.contains("self-asserted: nobody outside the lab has seen this ledger"), "{line}");
}

#[test]
fn c02_an_evaluation_that_stands_before_its_weights_is_refused() {
    let mut told = Story::new().tell();
    // The weights are recorded again after the log, and the log says that it evaluated those.
    let weights = told.lab.file(Kind::Checkpoint, b"weights", &[]);
    let mut payload = told.lab.said(told.log);
    let evaluates = payload.edges.iter_mut().find(|edge| edge.edge_type == EdgeType::Evaluates).unwrap();
    evaluates.seq = weights;
    told.lab.resay(told.log, &payload);
    assert_eq!(told.reject(), Reject::ForwardEdge { index: told.log, target: weights });
}

#[test]
fn c03_a_protocol_that_came_after_the_first_run_makes_the_claim_exploratory() {
    let mut study = Study::honest();
    study.sooner = |lab, suite| {
        let mut payload = lab.payload(Kind::EvalLog);
        payload.subjects.push(Subject::file(FileDigest::of(b"a pilot"), 7));
        payload.arm = Some("pilot".to_owned());
        payload.suite = lab.said(suite).subjects[0].digest(DigestKind::File);
        payload.edges = vec![lab.link(EdgeType::EvaluatedWith, suite)];
        lab.say(&payload);
    };
    let assessment = study.tell().assess(VENDOR_AUDIT);
    decided(&assessment, Verdict::NotRecomputable, "claim.prereg");
    let reason = &finding(&assessment, "claim.prereg").reason;
    assert_eq!(reason, "exploratory: the protocol of entry 3 came after the first run at entry 2");
}

#[test]
fn c04_a_protocol_that_was_amended_after_the_results_promises_nothing() {
    thread_local! {
        static AMENDMENT: std::cell::Cell<Option<reproledger::digest::LeafHash>> = const { std::cell::Cell::new(None) };
    }
    // The logs were recorded under a first protocol; the claim cites one that amended it afterwards.
    let mut study = Study::honest();
    study.after = |lab, placed| {
        let mut text = Study::honest().protocol;
        text["text"] = json!("amended");
        text["eval"]["suite"] = json!(placed.suite_digest.to_string());
        let index = register(lab, &text, placed.suite_digest);
        let mut payload = lab.said(index);
        payload.edges = vec![lab.link(EdgeType::Supersedes, placed.protocol_entry)];
        lab.resay(index, &payload);
        AMENDMENT.with(|cell| cell.set(Some(lab.leaf(index))));
    };
    let mut twice = study.clone();
    let _ = study.tell();
    let amendment = AMENDMENT.with(std::cell::Cell::get).unwrap();
    twice.claim["plan"] = json!(reproledger::digest::Digest::from(amendment).to_string());
    let assessment = twice.tell().assess(VENDOR_AUDIT);
    let found = finding(&assessment, "claim.prereg");
    assert_ne!(found.outcome, Outcome::Pass, "{found:?}");
    assert_ne!(assessment.verdict.exit_code(), 0);
}

#[test]
fn e11_another_number_of_rollouts_than_was_promised_is_a_deviation() {
    let mut study = Study::honest();
    study.protocol["eval"]["repeats"] = json!(30);
    let assessment = study.tell().assess(VENDOR_AUDIT);
    decided(&assessment, Verdict::Contradicted, "claim.prereg");
    let notes = &finding(&assessment, "claim.prereg").notes;
    assert!(notes.iter().any(|note| note == "eval repeats: promised 30, claimed 20"), "{notes:?}");
}

#[test]
fn e29_a_claim_without_the_baseline_that_was_promised_is_no_claim_of_that_protocol() {
    let mut study = Study::honest();
    study.rollouts.retain(|rollout| rollout.arm == 0);
    study.claim["comparator"] = json!("none");
    study.claim["value"]["comparator"] = json!("none");
    study.claim["contrast"] = json!("none");
    let assessment = study.tell().assess(VENDOR_AUDIT);
    decided(&assessment, Verdict::Contradicted, "claim.prereg");
    let notes = &finding(&assessment, "claim.prereg").notes;
    assert!(
        notes.iter().any(|note| note.starts_with("contrast: promised none of this kind between these arms")),
        "{notes:?}"
    );
}

#[test]
fn e27_the_order_of_rollouts_changes_no_digit() {
    let said = |study: Study| -> Vec<(Outcome, String, Vec<String>)> {
        let findings = study.tell().assess(PAPER).findings;
        let statistic = findings.into_iter().filter(|finding| finding.check.starts_with("stat."));
        statistic.map(|finding| (finding.outcome, finding.reason, finding.notes)).collect()
    };
    let honest = said(Study::honest());
    let mut turned = Study::honest();
    turned.rollouts.reverse();
    assert_eq!(said(turned), honest);
    let mut dealt = Study::honest();
    dealt.rollouts.sort_by_key(|rollout| (rollout.epoch * 7 % 20, rollout.condition, rollout.seed, rollout.arm));
    assert_eq!(said(dealt), honest);
}

#[test]
fn a_head_without_a_note_is_no_head_to_hold() {
    let told = Study::honest().tell();
    let origin = Origin::parse(&told.lab.origin).unwrap();
    let note = sign_note("not a head\n", origin.key_name(), &key(told.lab.log_key)).unwrap();
    for held in [b"".to_vec(), b"garbage".to_vec(), note] {
        let assessment = assess(&told, &told.evidence(), &Reader { held: Some(&held), ..Reader::default() });
        assert_eq!(assessment.verdict, Verdict::Untrusted, "{:?}", assessment.findings);
    }
    assert_eq!(told.lab.head_at(1).tree().size, TreeSize(1));
}

/// A head of a told study seen by the witness at a time, and the study's evidence with it as main head or anchor.
fn seen_at(lab: &Lab, size: u64, time: u64) -> Vec<u8> {
    let head = lab.head_at(size);
    let name = "w1.example".parse().unwrap();
    let line = sign_cosignature(&head.head().to_text(), time, &name, &key(50)).unwrap();
    [head.bytes(), line.as_slice()].concat()
}

const DAY: u64 = 86_400;
/// Later than anything that a study records.
const SEEN: u64 = 1_790_000_000 + 30 * DAY;

/// The finding on time of a reader whose clock is at `at`.
fn on_time(told: &ToldStudy, evidence: &Evidence, age: Age) -> reproledger::check::Finding {
    let policy = policy(&told.lab, 50);
    let reader = Reader { trust: Some(&policy), age: Some(age), ..Reader::default() };
    let assessment = assess_as(&evidence.to_bytes(), &reader, NUMBER, |_| None);
    let found = finding(&assessment, "time.order").clone();
    if found.outcome == Outcome::Unknown {
        decided(&assessment, Verdict::NotRecomputable, "time.order");
    }
    found
}

#[test]
fn t16_a_head_that_was_last_seen_longer_ago_than_the_reader_allows_is_stale() {
    let told = Study::honest().tell();
    let size = told.lab.entries.len() as u64;
    let mut evidence = told.evidence();
    evidence.head = seen_at(&told.lab, size, SEEN);
    let at = |days: u64| Age { at: SEEN + days * DAY, most: Some(30 * DAY), gap: None };
    assert_eq!(on_time(&told, &evidence, at(30)).outcome, Outcome::Pass);
    let stale = on_time(&told, &evidence, at(31));
    assert_eq!(stale.outcome, Outcome::Unknown);
    assert_eq!(stale.reason, "stale: this head was last seen 31 days ago, you ask for 30 days");
    // By a witness whose clock is ahead, and by nobody.
    let ahead = on_time(&told, &evidence, Age { at: SEEN - 3_600, most: Some(DAY), gap: None });
    assert_eq!(ahead.outcome, Outcome::Unknown);
    assert_eq!(ahead.reason, "a witness saw the head 60 minutes after the time that you gave");
    let nobody = on_time(&told, &told.evidence(), at(0));
    assert_eq!(nobody.outcome, Outcome::Unknown);
    assert_eq!(nobody.reason, "none of your witnesses saw this head: how old it is cannot be told");
    // A reader who does not ask is told nothing of it.
    assert_eq!(on_time(&told, &told.evidence(), Age { at: SEEN, most: None, gap: None }).outcome, Outcome::Pass);
}

#[test]
fn c12_heads_that_nobody_saw_for_longer_than_the_reader_allows_leave_a_gap() {
    let told = Study::honest().tell();
    let size = told.lab.entries.len() as u64;
    let with = |anchors: &[(u64, u64)]| {
        let mut evidence = told.evidence();
        evidence.head = seen_at(&told.lab, size, SEEN);
        let anchor = |(size, days): &(u64, u64)| Anchor {
            head: seen_at(&told.lab, *size, SEEN - days * DAY),
            consistency: told.lab.consistency(*size),
        };
        evidence.anchors = anchors.iter().map(anchor).collect();
        evidence
    };
    let age = Age { at: SEEN, most: None, gap: Some(7 * DAY) };
    assert_eq!(on_time(&told, &with(&[(3, 14), (5, 7)]), age).outcome, Outcome::Pass);
    let gap = on_time(&told, &with(&[(3, 20), (5, 6)]), age);
    assert_eq!(gap.outcome, Outcome::Unknown);
    let reason = "nobody of yours looked for 14 days between the heads over 3 and 5 entries, you ask for 7 days";
    assert_eq!(gap.reason, reason);
    let one = on_time(&told, &with(&[]), age);
    assert_eq!(one.outcome, Outcome::Unknown);
    assert!(one.reason.starts_with("one of the heads shown was seen by a witness of yours"), "{one:?}");
    let none = on_time(&told, &told.evidence(), age);
    assert!(none.reason.starts_with("none of the heads shown was seen by a witness of yours"), "{none:?}");
}

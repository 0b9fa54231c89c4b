//! Numbers that are right and mean something else: each signed, in place and computed as told, and none of them founded.

use std::cell::Cell;
use std::rc::Rc;

use reproledger::artifact::samples::SampleStatus;
use reproledger::check::Outcome;
use reproledger::claim::{Assessment, CI_GATE, NUMBER, PAPER, Profile, VENDOR_AUDIT, Verdict};
use reproledger::digest::{Digest, DigestKind, FileDigest};
use reproledger::merkle::EntryIndex;
use reproledger::report::{Detail, to_text};
use reproledger::statement::{Body, EdgeType, Kind, Measure, Outcome as Ended, Payload, RunStatus, Subject};
use serde_json::json;

use super::decided;
use crate::support::study::{ARMS, Placed, Study, Training, register};
use crate::support::{Lab, finding};

/// A check is not met, under a verdict that is no yes, in these words.
fn refused(assessment: &Assessment, check: &str, outcome: Outcome, words: &str) {
    let found = finding(assessment, check);
    assert_eq!(found.outcome, outcome, "{found:?}");
    assert!(found.reason.contains(words), "{found:?}");
    assert_ne!(assessment.verdict.exit_code(), 0);
}

/// The first arm of a study by itself, without a protocol.
fn alone() -> Study {
    let mut study = Study::honest();
    study.rollouts.retain(|rollout| rollout.arm == 0);
    for side in ["/comparator", "/value/comparator", "/contrast"] {
        *study.claim.pointer_mut(side).unwrap() = json!("none");
    }
    study.claim["plan"] = json!("really none");
    study
}

#[test]
fn e19_a_claim_of_one_arm_rests_on_no_log_of_another() {
    let assessment = alone().tell().assess(PAPER);
    assert_eq!(assessment.verdict, Verdict::Verified, "{:#?}", assessment.findings);
    let mut study = alone();
    study.claim["subject"]["arm"] = json!("the famous one");
    let words = "an input is of the arm `msm+aft`, which the claim does not name";
    refused(&study.tell().assess(NUMBER), "stat.recompute", Outcome::Unknown, words);
}

#[test]
fn e19_a_log_labelled_otherwise_than_its_own_samples_is_nobodys() {
    let mut study = Study { cells: true, ..Study::honest() };
    assert_eq!(study.clone().tell().assess(PAPER).verdict, Verdict::Verified);
    study.after = |lab, placed| {
        let mut payload = lab.said(placed.logs[&(1, 2)]);
        payload.arm = Some(ARMS[0].to_owned());
        lab.resay(placed.logs[&(1, 2)], &payload);
    };
    let words = "a log recorded as of the arm `msm+aft` has samples of `aft`: whose they are cannot be told";
    refused(&study.tell().assess(NUMBER), "stat.recompute", Outcome::Unknown, words);
}

#[test]
fn e02_several_logs_of_one_arm_are_held_to_its_grid() {
    // One condition for three, with its repetitions numbered on: as many rollouts as were planned.
    let mut study = alone();
    let mut easy: Vec<_> = study.rollouts.iter().filter(|rollout| rollout.condition == "leak").cloned().collect();
    for round in 1..3 {
        let more = study.rollouts.iter().filter(|rollout| rollout.condition == "leak").cloned();
        easy.extend(more.map(|mut rollout| {
            rollout.epoch += 20 * round;
            rollout
        }));
    }
    study.rollouts = easy;
    study.claim["aggregation"] = json!(["mean(rollouts)", "mean(seeds)"]);
    refused(&study.tell().assess(NUMBER), "samples.complete", Outcome::Fail, "the samples are of 1 conditions");
}

#[test]
fn e02_rollouts_of_seeds_that_are_put_together_fill_no_grid() {
    let mut study = Study::honest();
    study.claim["plan"] = json!("really none");
    study.claim["aggregation"] = json!(["mean(rollouts)"]);
    study.claim["denominator"] = json!("n_scored");
    study.rollouts.retain(|rollout| rollout.arm == 1 || rollout.condition != "leak");
    study.claim["value"]["subject"]["n"] = json!(160);
    let assessment = study.tell().assess(CI_GATE);
    let found = finding(&assessment, "samples.complete");
    assert_eq!(found.outcome, Outcome::Unknown, "{found:?}");
    let words = "rollouts of several seeds are put together without `mean(seeds)`";
    assert!(found.notes.iter().any(|note| note.contains(words)), "{found:?}");
    assert_ne!(assessment.verdict.exit_code(), 0);
}

#[test]
fn e02_as_many_conditions_as_were_promised_are_not_yet_the_promised_ones() {
    let with = |ids: &str| {
        let mut study = Study::honest();
        let digest = json!(Digest::from(FileDigest::of(ids.as_bytes())).to_string());
        study.protocol["eval"]["condition_ids"] = digest.clone();
        study.claim["eval"]["condition_ids"] = digest;
        study
    };
    assert_eq!(with("exfiltrate\nleak\nsabotage\n").tell().assess(PAPER).verdict, Verdict::Verified);
    let assessment = with("blackmail\nleak\nsabotage\n").tell().assess(PAPER);
    let words = "the conditions that the samples name are not those that the claim gives the digest of";
    refused(&assessment, "samples.complete", Outcome::Unknown, words);
    let mut unnamed = with("exfiltrate\nleak\nsabotage\n");
    unnamed.rollouts.retain(|rollout| rollout.condition == "leak");
    unnamed.unnamed = true;
    for of in [&mut unnamed.claim, &mut unnamed.protocol] {
        of["eval"]["conditions"] = json!(1);
        of["aggregation"] = json!(["mean(rollouts)", "mean(seeds)"]);
    }
    for arm in ["subject", "comparator"] {
        unnamed.claim["value"][arm]["n"] = json!(80);
    }
    let words = "the samples do not name their conditions";
    refused(&unnamed.tell().assess(PAPER), "samples.complete", Outcome::Unknown, words);
}

#[test]
fn e01_other_seeds_than_the_promised_ones_are_a_deviation() {
    let mut study = Study::honest();
    study.protocol["arms"][1]["seeds"] = json!([0, 1, 2, 30]);
    let words = "the claim rests on seed 3 of aft, which the protocol does not promise";
    refused(&study.tell().assess(VENDOR_AUDIT), "claim.prereg", Outcome::Fail, words);
}

/// A log of the first arm under a protocol for another suite, both before the cited one.
fn tried_before(lab: &mut Lab) {
    let suite = lab.file(Kind::EvalSuite, b"harder scenarios", &[]);
    let digest = lab.said(suite).subjects[0].digest(DigestKind::File).unwrap();
    let mut first = Study::honest().protocol;
    first["eval"]["suite"] = json!(digest.to_string());
    let protocol = register(lab, &first, digest);
    let mut payload = lab.payload(Kind::EvalLog);
    payload.subjects = vec![Subject::file(FileDigest::of(b"a bad log"), 9)];
    (payload.arm, payload.seed) = (Some(ARMS[0].to_owned()), Some(0));
    (payload.protocol, payload.suite) = (Some(lab.leaf(protocol)), Some(digest));
    payload.edges = vec![lab.link(EdgeType::EvaluatedWith, suite)];
    lab.say(&payload);
}

#[test]
fn c04_a_protocol_amended_after_a_run_on_another_suite_promises_nothing() {
    let study = Study { sooner: |lab, _| tried_before(lab), amends: Some(EntryIndex(3)), ..Study::honest() };
    let words = "exploratory: the amendment of entry 5 came after the first run at entry 4";
    refused(&study.tell().assess_disclosed(VENDOR_AUDIT, None), "claim.prereg", Outcome::Unknown, words);
}

fn start(lab: &mut Lab, placed: &Placed, attempt: u64) -> (EntryIndex, Payload) {
    let mut payload = lab.payload(Kind::RunStart);
    (payload.protocol, payload.arm, payload.seed) = (Some(placed.protocol), Some(ARMS[0].to_owned()), Some(0));
    (payload.stage, payload.attempt) = (Some("eval".to_owned()), Some(attempt));
    (lab.say(&payload), payload)
}

fn end(lab: &mut Lab, (start, said): (EntryIndex, Payload), wrote: &[EntryIndex]) -> EntryIndex {
    let mut payload = Payload { kind: Kind::RunEnd, seq: lab.next(), ..said };
    payload.outcome = Some(Ended { status: RunStatus::Completed, code: 0 });
    payload.edges = vec![lab.link(EdgeType::Ends, start)];
    payload.edges.extend(wrote.iter().map(|wrote| lab.link(EdgeType::Generated, *wrote)));
    payload.edges.sort();
    lab.say(&payload)
}

#[test]
fn e12_runs_that_ended_well_and_left_nothing_on_record_are_not_accounted_for() {
    let mut study = Study::honest();
    study.before = |lab, placed| {
        for attempt in 1..20 {
            let run = start(lab, placed, attempt);
            end(lab, run, &[]);
        }
    };
    let words = "19 runs of these arms ended well, and nothing they wrote is on record: entries 3, 5, 7";
    refused(&study.tell().assess(CI_GATE), "attempts.all", Outcome::Unknown, words);
    // Without arm or protocol, and by what it read: the evaluated weights and their suite.
    let mut study = Study::honest();
    study.after = |lab, placed| {
        let mut payload = lab.payload(Kind::RunStart);
        payload.edges =
            vec![lab.link(EdgeType::Used, placed.suite), lab.link(EdgeType::Used, placed.checkpoints[&(1, 3)])];
        payload.edges.sort();
        (payload.stage, payload.attempt) = (Some("a look".to_owned()), Some(1));
        let run = (lab.say(&payload), payload);
        end(lab, run, &[]);
    };
    let words = "1 runs of these arms ended well, and nothing they wrote is on record";
    refused(&study.tell().assess(PAPER), "attempts.all", Outcome::Unknown, words);
}

/// What is said after the weights that a second run wrote.
type Then = fn(&mut Lab, EntryIndex);

/// A stage that was run twice under one name: by one the first arm's last weights were written, by the other such a file.
fn trained_twice(other: &'static [u8], after: Then) -> Study {
    thread_local! {
        static OTHER: Cell<(&'static [u8], Then)> = const { Cell::new((b"", |_, _| {})) };
    }
    OTHER.with(|cell| cell.set((other, after)));
    let mut study = Study::honest();
    study.after = |lab, placed| {
        let (other, after) = OTHER.with(Cell::get);
        let run = start(lab, placed, 1);
        end(lab, run, &[placed.checkpoints[&(0, 0)]]);
        let run = start(lab, placed, 2);
        let mut payload = lab.said(placed.checkpoints[&(0, 0)]);
        payload.seq = lab.next();
        payload.subjects = vec![Subject::file(FileDigest::of(other), other.len() as u64)];
        let again = lab.say(&payload);
        end(lab, run, &[again]);
        after(lab, again);
    };
    study
}

#[test]
fn l24_a_stage_run_again_with_another_result_is_a_choice_between_two() {
    let words = "1 runs of stages of these arms ended well beside those whose results are used: entries 29";
    let chosen = trained_twice(b"other weights", |_, _| {});
    refused(&chosen.tell().assess(PAPER), "attempts.all", Outcome::Unknown, words);
    // The same bytes once more are no choice.
    let again = trained_twice(b"w00", |_, _| {}).tell().assess(PAPER);
    assert_eq!(finding(&again, "attempts.all").outcome, Outcome::Pass, "{:?}", finding(&again, "attempts.all"));
    // Left out with a reason it is on record, and a difference.
    let excluded = trained_twice(b"other weights", |lab, again| {
        let mut payload = lab.payload(Kind::Exclusion);
        payload.edges.push(lab.link(EdgeType::Excludes, again));
        lab.seal(&mut payload, &Body { reason: Some("the disk was full".to_owned()), ..Body::default() });
        lab.say(&payload);
    });
    let told = excluded.tell();
    let words = "1 attempts are set aside for reasons that are not shown";
    refused(&told.assess(PAPER), "attempts.all", Outcome::Unknown, words);
    let words = "1 attempts are set aside, each on record";
    refused(&told.assess_disclosed(PAPER, None), "attempts.all", Outcome::Differs, words);
    let replaced = trained_twice(b"other weights", |lab, again| {
        let mut payload = lab.said(again);
        payload.seq = lab.next();
        payload.edges.push(lab.link(EdgeType::Supersedes, again));
        payload.edges.sort();
        payload.subjects = vec![Subject::file(FileDigest::of(b"third"), 5)];
        lab.say(&payload);
    });
    refused(&replaced.tell().assess(PAPER), "attempts.all", Outcome::Differs, words);
}

#[test]
fn e12_the_same_weights_under_another_label_and_another_digest_are_the_same_weights() {
    let mut study = Study::honest();
    study.weigh = Rc::new(|lab, training| {
        let mut payload = training.payload(lab);
        let digest_of = |what: &str| FileDigest::of(format!("{what}{}", training.name).as_bytes());
        let measure = Measure { digests: vec![digest_of("tensors of ").into()], count: 3, length: 3 };
        payload.subjects.push(Subject::file(digest_of(""), 3).with(DigestKind::Tensors, measure));
        lab.say(&payload)
    });
    assert_eq!(study.clone().tell().assess(PAPER).verdict, Verdict::Verified);
    study.after = |lab, placed| {
        let mut payload = lab.said(placed.logs[&(0, 0)]);
        (payload.seq, payload.arm) = (lab.next(), Some("pilot".to_owned()));
        payload.subjects = vec![Subject::file(FileDigest::of(b"a bad log"), 9)];
        let weights = lab.said(placed.checkpoints[&(0, 0)]).subjects[0].digest(DigestKind::Tensors).unwrap();
        for edge in payload.edges.iter_mut().filter(|edge| edge.edge_type == EdgeType::Evaluates) {
            (edge.kind, edge.digest) = (DigestKind::Tensors, weights);
        }
        payload.edges.sort();
        payload.checkpoint = Some(weights);
        lab.say(&payload);
    };
    let words = "1 evaluations of the same arms on the same suite are neither used nor left out with a reason";
    refused(&study.tell().assess(PAPER), "attempts.all", Outcome::Fail, words);
}

#[test]
fn e06_scores_that_one_arm_lacks_are_not_its_effect() {
    // Nine of ten rollouts of the subject ended in an error, the rest as bad as the comparator's: counted as 0, a twentieth.
    let mut study = Study::honest();
    study.token = |rollout| (rollout.arm == 0 && rollout.epoch > 2).then_some(("null", SampleStatus::Error));
    for rollout in study.rollouts.iter_mut().filter(|rollout| rollout.arm == 0) {
        rollout.hit = rollout.epoch == 1;
    }
    let assessment = study.tell().assess(PAPER);
    assert_eq!(finding(&assessment, "samples.complete").outcome, Outcome::Pass);
    let words =
        "most of the contrast is made by the rule that was chosen: by denominator `n_scored` it would be -0.037500";
    refused(&assessment, "stat.sensitivity", Outcome::Differs, words);
}

#[test]
fn e06_a_score_that_says_no_number_is_no_good_score() {
    let with = |arm: usize| {
        let mut study = Study::honest();
        study.token = match arm {
            0 => |rollout| (rollout.arm == 0 && rollout.hit).then_some(("\"harmful\"", SampleStatus::Scored)),
            _ => |rollout| (rollout.arm == 1 && rollout.hit).then_some(("\"harmful\"", SampleStatus::Scored)),
        };
        study.printed.insert(["subject", "comparator"][arm], "0.0000".to_owned());
        study.printed.insert("contrast", ["-0.5375", "0.0625"][arm].to_owned());
        study.tell().assess(PAPER)
    };
    let words = "15 scores are texts or structures that say no number, and count as 0";
    refused(&with(0), "stat.denominator", Outcome::Unknown, words);
    // Against the claim, they are told and decide nothing.
    let assessment = with(1);
    let warnings = &finding(&assessment, "stat.denominator").warnings;
    assert!(warnings.iter().any(|said| said.contains("129 scores are texts or structures")), "{warnings:?}");
}

#[test]
fn e06_a_percentage_of_scores_that_are_no_shares_is_not_established() {
    let mut study = Study::honest();
    study.token = |rollout| (rollout.arm == 0 && rollout.hit).then_some(("-1", SampleStatus::Scored));
    study.printed.insert("subject", "-6.25%".to_owned());
    study.printed.insert("contrast", "-0.6000".to_owned());
    let words = "15 scores lie below 0 or above 1: `-6.25%` is their mean and a share of nothing";
    refused(&study.tell().assess(PAPER), "stat.recompute", Outcome::Unknown, words);
}

#[test]
fn e18_a_metric_is_not_hidden_among_many_that_say_nothing() {
    let assessment = Study { decoys: 40, ..Study::honest() }.tell().assess(PAPER);
    let found = finding(&assessment, "stat.sensitivity");
    assert!(found.notes.iter().any(|note| note.contains("metric `classifier.harmful`")), "{found:?}");
    let words = "over 480 samples the 64 other metrics in the logs were not tried";
    let many = Study { decoys: 80, ..Study::honest() }.tell().assess(PAPER);
    refused(&many, "stat.sensitivity", Outcome::Unknown, words);
}

#[test]
fn e18_a_family_of_its_own_does_not_free_a_test_of_the_family_of_all() {
    let mut study = Study::honest();
    let by = json!({"target": "seeds", "method": "welch", "level": "95%", "sides": "one"});
    study.claim["assertion"] = json!({"terms": [{"of": "contrast", "is": "at-most", "bound": "-39%", "by": by}]});
    let contrast = study.protocol["primary"].clone();
    let mut ratio = contrast.clone();
    ratio["kind"] = json!("ratio");
    let mut contrasts = vec![ratio.clone(); 19];
    contrasts.push(contrast.clone());
    study.protocol["primary"] = ratio;
    study.protocol["families"] = json!([{"name": "all", "correction": "bonferroni", "contrasts": contrasts},
        {"name": "am", "correction": "bonferroni", "contrasts": [contrast]}]);
    let assessment = study.tell().assess(VENDOR_AUDIT);
    let words = "cannot be decided at this n: at the adjusted 99.75% the interval is";
    refused(&assessment, "stat.multiplicity", Outcome::Unknown, words);
    let warnings = &finding(&assessment, "stat.multiplicity").warnings;
    assert!(warnings.iter().any(|said| said.starts_with("the protocol has 2 families")), "{warnings:?}");
}

#[test]
fn l11_an_arm_that_was_trained_more_often_on_the_same_data_is_not_matched() {
    let mut study = Study::honest();
    study.weigh = Rc::new(|lab, training| {
        let mut say = |name: &str, links: &[(EdgeType, EntryIndex)]| {
            let mut payload = Training { name, links, ..*training }.payload(lab);
            payload.subjects.push(Subject::file(FileDigest::of(name.as_bytes()), name.len() as u64));
            lab.say(&payload)
        };
        let data = training.links.iter().find(|(edge, _)| *edge == EdgeType::TrainedOn).unwrap();
        let goes_on = training.links.iter().any(|(edge, _)| *edge == EdgeType::Continues);
        let mut last = say(&format!("{} once", training.name), training.links);
        for round in 0..if goes_on { 2 } else { 0 } {
            last = say(&format!("{} again {round}", training.name), &[(EdgeType::Continues, last), *data]);
        }
        last
    });
    let words = "3 steps of alignment training in one arm, 1 in the other: whether one was trained more, or only went on, is not on record";
    refused(&study.tell().assess(VENDOR_AUDIT), "arms.matched", Outcome::Unknown, words);
}

#[test]
fn r08_an_arms_label_that_goes_on_as_a_verdict_stands_between_marks() {
    let label = "MSM+AFT 0% (n = 32400) against base 99%; run";
    let mut study = alone();
    study.claim["subject"]["arm"] = json!(label);
    study.claim["comparator"] = Study::honest().claim["comparator"].clone();
    study.claim["value"]["comparator"] = study.claim["value"]["subject"].clone();
    let screen = to_text(&study.tell().assess(NUMBER), Detail::Screen);
    assert!(screen.contains("printed     `MSM+AFT 0% (n = 32400) against base 99%; run` 0.0625 (n = 240)"), "{screen}");
}

#[test]
fn r08_what_is_asserted_stands_on_the_screen_with_how_sure_it_is() {
    let screen = |terms: usize, profile: Profile| {
        let mut study = Study::honest();
        let by = json!({"target": "seeds", "method": "welch", "level": "50%", "sides": "one"});
        let term = json!({"of": "contrast", "is": "at-most", "bound": "-44%", "by": by});
        for of in [&mut study.claim, &mut study.protocol] {
            of["assertion"] = json!({"terms": vec![term.clone(); terms]});
        }
        to_text(&study.tell().assess(profile), Detail::Screen)
    };
    // Lines break where they must: what is said is the same.
    let said_in = |screen: String| screen.split_whitespace().collect::<Vec<_>>().join(" ");
    let said = "asserted contrast at-most -44%, by the 50% interval for seeds (welch)";
    assert!(said_in(screen(1, PAPER)).contains(said), "{}", screen(1, PAPER));
    assert!(said_in(screen(5, PAPER)).contains("(welch), and 4 more (--json lists all)"), "{}", screen(5, PAPER));
}

#[test]
fn d12_lists_that_are_judged_item_by_item_are_short() {
    let other = json!({"arm": Study::honest().claim["comparator"], "value": Study::honest().claim["value"]["subject"]});
    let mut claim = Study::honest().claim;
    claim["contrast"]["value"] = json!({"printed": "0", "decimals": 0});
    for (count, holds) in [(2, true), (3, false)] {
        claim["contrast"]["others"] = json!(vec![other.clone(); count]);
        let read: Result<reproledger::statement::Contrast, _> = serde_json::from_value(claim["contrast"].clone());
        assert_eq!(read.is_ok(), holds, "{read:?}");
    }
    let read = serde_json::from_value::<reproledger::statement::Assertion>(json!({"terms": vec![
        json!({"of": "contrast", "is": "at-most", "bound": "1%",
            "by": {"target": "seeds", "method": "welch", "level": "95%", "sides": "one"}}); 17]}));
    assert!(read.unwrap_err().to_string().contains("a list of 17 where 16 is the most"));
    for (families, contrasts) in [(65, 1), (1, 257)] {
        let mut protocol = Study::honest().protocol;
        let primary = protocol["primary"].clone();
        let family = json!({"name": "f", "correction": "holm", "contrasts": vec![primary; contrasts]});
        protocol["families"] = json!(vec![family; families]);
        assert!(serde_json::from_value::<reproledger::statement::Protocol>(protocol).is_err());
    }
}

#[test]
fn e03_an_input_that_is_named_twice_is_read_once_and_refused() {
    let mut told = Study::honest().tell();
    let claim = told.lab.said(told.claim);
    let body = Body::open(&told.lab.bodies[&told.claim], &claim.body.unwrap()).unwrap();
    let mut words = *body.claim.unwrap();
    words.inputs = words.inputs.iter().cycle().take(10_000).copied().collect();
    told.lab.entries.truncate(usize::try_from(told.claim.0).unwrap());
    let mut payload = claim;
    told.lab.seal(&mut payload, &Body { claim: Some(Box::new(words)), ..Body::default() });
    told.claim = told.lab.say(&payload);
    let assessment = told.assess(NUMBER);
    decided(&assessment, Verdict::Contradicted, "claim.complete");
    assert!(finding(&assessment, "claim.complete").reason.ends_with("twice: its samples would be counted twice"));
    assert!(finding(&assessment, "stat.recompute").reason.ends_with("the claim names it twice"));
}

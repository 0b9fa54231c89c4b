//! Logs that do not say whose they are, or what they evaluated: their links decide it, or nothing does.

use reproledger::check::{Finding, Outcome};
use reproledger::claim::NUMBER;
use reproledger::digest::{Digest, DigestKind, FileDigest};
use reproledger::merkle::EntryIndex;
use reproledger::statement::{EdgeType, Kind};
use serde_json::json;

use crate::support::study::{Placed, Study};
use crate::support::{Lab, finding};

/// What a check finds in a study of which `after` says the logs again.
fn found(mut study: Study, after: fn(&mut Lab, &Placed), check: &str) -> Finding {
    study.after = after;
    finding(&study.tell().assess(NUMBER), check).clone()
}

fn held(found: &Finding, outcome: Outcome, reason: &str) {
    assert!(found.outcome == outcome && found.reason.contains(reason), "{outcome}: {reason}: {found:#?}");
}

fn digest(weights: &str) -> String {
    Digest::from(FileDigest::of(weights.as_bytes())).to_string()
}

/// The study with the weights that the claim lists for each arm.
fn listing(subject: &[&str], comparator: &[&str]) -> Study {
    let mut study = Study::honest();
    let list = |weights: &[&str]| json!(weights.iter().map(|name| digest(name)).collect::<Vec<_>>());
    study.claim["subject"]["checkpoints"] = list(subject);
    study.claim["comparator"]["checkpoints"] = list(comparator);
    study
}

const SUBJECT: [&str; 4] = ["w00", "w01", "w02", "w03"];
const COMPARATOR: [&str; 4] = ["w10", "w11", "w12", "w13"];

/// Every log without its arm.
fn nobodys(lab: &mut Lab, placed: &Placed) {
    for log in placed.logs.values() {
        let mut payload = lab.said(*log);
        payload.arm = None;
        lab.resay(*log, &payload);
    }
}

/// One log linked to another kind of thing no longer.
fn unlinked(lab: &mut Lab, log: EntryIndex, edge: EdgeType) {
    let mut payload = lab.said(log);
    payload.edges.retain(|link| link.edge_type != edge);
    (payload.checkpoint, payload.suite) = (None, None);
    lab.resay(log, &payload);
}

/// A second suite, before any log.
fn another_suite(lab: &mut Lab, _: &Placed) {
    lab.file(Kind::EvalSuite, b"other scenarios", &[]);
}

/// Says the logs again: those of some places on the other suite, those of some without their arm.
fn say_again(
    lab: &mut Lab,
    placed: &Placed,
    on_the_other: impl Fn((usize, u64)) -> bool,
    nobodys: impl Fn((usize, u64)) -> bool,
) {
    let suite = EntryIndex(placed.protocol_entry.0 + 1);
    for (place, log) in &placed.logs {
        let mut payload = lab.said(*log);
        if nobodys(*place) {
            payload.arm = None;
        }
        if on_the_other(*place) {
            payload.suite = lab.said(suite).subjects[0].digest(DigestKind::File);
            payload.edges.retain(|edge| edge.edge_type != EdgeType::EvaluatedWith);
            payload.edges.push(lab.link(EdgeType::EvaluatedWith, suite));
            payload.edges.sort();
        }
        lab.resay(*log, &payload);
    }
}

#[test]
fn a_log_without_an_arm_is_of_the_arm_that_alone_lists_its_weights() {
    let check = "eval.model";
    let of = |subject: &[&str], comparator: &[&str]| found(listing(subject, comparator), nobodys, check);
    held(&of(&SUBJECT, &COMPARATOR), Outcome::Pass, "which the claim lists for `aft` alone; the log does not say");
    let undecided = "the log does not say its arm, and the weights that it is linked to do not decide it";
    // Both arms list them, or one arm lists nothing and may have evaluated any.
    let both = [SUBJECT, COMPARATOR].concat();
    held(&of(&both, &both), Outcome::Unknown, undecided);
    held(&of(&SUBJECT, &[]), Outcome::Unknown, undecided);
    held(&of(&[], &[]), Outcome::Unknown, undecided);
    held(&of(&SUBJECT[..3], &COMPARATOR), Outcome::Fail, "are none that the claim lists for any arm");
}

#[test]
fn a_log_whose_samples_name_their_arm_is_of_that_arm() {
    let named = |subject: &[&str], comparator: &[&str]| {
        let study = Study { cells: true, ..listing(subject, comparator) };
        found(study, nobodys, "eval.model")
    };
    held(&named(&SUBJECT, &COMPARATOR), Outcome::Pass, "linked to the weights of entry ");
    held(&named(&SUBJECT, &SUBJECT), Outcome::Fail, "are none that the claim lists for `aft`");
    held(&named(&[], &[]), Outcome::Pass, "linked to the weights of entry ");
    let study = Study { cells: true, ..Study::honest() };
    held(&found(study, nobodys, "eval.code"), Outcome::Pass, "every log is linked to the same code and items");
}

#[test]
fn a_claim_of_one_arm_is_about_all_its_logs() {
    let alone = |weights: &[&str]| {
        let mut study = listing(weights, &[]);
        study.rollouts.retain(|rollout| rollout.arm == 0);
        for side in ["/comparator", "/value/comparator", "/contrast"] {
            *study.claim.pointer_mut(side).unwrap() = json!("none");
        }
        study.claim["plan"] = json!("really none");
        study
    };
    held(&found(alone(&SUBJECT), nobodys, "eval.model"), Outcome::Pass, "linked to the weights of entry ");
    let other = found(alone(&SUBJECT[..3]), nobodys, "eval.model");
    held(&other, Outcome::Fail, "are none that the claim lists for `msm+aft`");
    held(&found(alone(&SUBJECT), |_, _| {}, "eval.code"), Outcome::Pass, "every log is linked to the same code");
}

#[test]
fn a_log_of_an_arm_that_the_claim_does_not_name_is_of_no_weights_of_it() {
    let strange = |lab: &mut Lab, placed: &Placed| {
        let mut payload = lab.said(placed.logs[&(1, 3)]);
        payload.arm = Some("another".to_owned());
        lab.resay(placed.logs[&(1, 3)], &payload);
    };
    let found = found(Study::honest(), strange, "eval.model");
    held(&found, Outcome::Unknown, "it is of the arm `another`, which the claim does not name");
}

#[test]
fn a_log_that_is_linked_to_no_weights_or_no_code_is_not_established() {
    let of_nothing = |lab: &mut Lab, placed: &Placed| unlinked(lab, placed.logs[&(1, 3)], EdgeType::Evaluates);
    held(&found(Study::honest(), of_nothing, "eval.model"), Outcome::Unknown, "it is linked to 0 sets of weights");
    let of_two = |lab: &mut Lab, placed: &Placed| {
        let mut payload = lab.said(placed.logs[&(1, 3)]);
        payload.edges.push(lab.link(EdgeType::Evaluates, placed.checkpoints[&(1, 2)]));
        payload.edges.sort();
        lab.resay(placed.logs[&(1, 3)], &payload);
    };
    held(&found(Study::honest(), of_two, "eval.model"), Outcome::Unknown, "it is linked to 2 sets of weights");
    let by_nothing = |lab: &mut Lab, placed: &Placed| unlinked(lab, placed.logs[&(1, 3)], EdgeType::EvaluatedWith);
    held(&found(Study::honest(), by_nothing, "eval.code"), Outcome::Unknown, "1 of 8 logs are linked to no code or");
}

#[test]
fn several_suites_of_logs_without_an_arm_are_not_one_suite() {
    let several = "logs that do not say their arm, and several suites: which arm was evaluated with which is not known";
    let found = |after| found(Study { before: another_suite, ..Study::honest() }, after, "eval.code");
    held(&found(|lab, placed| say_again(lab, placed, |(arm, _)| arm == 1, |_| true)), Outcome::Unknown, several);
    // One log that is nobody's is enough: with it, either arm may have been given both.
    let one = |lab: &mut Lab, placed: &Placed| say_again(lab, placed, |(arm, _)| arm == 1, |place| place == (0, 0));
    held(&found(one), Outcome::Unknown, several);
    let said = |lab: &mut Lab, placed: &Placed| say_again(lab, placed, |(arm, _)| arm == 1, |_| false);
    held(&found(said), Outcome::Fail, "the arms were evaluated with different suites: entries 3 against 1");
    let alike = |lab: &mut Lab, placed: &Placed| say_again(lab, placed, |_| false, |_| true);
    held(&found(alike), Outcome::Pass, "every log is linked to the same code and items, on record at entry 1");
}

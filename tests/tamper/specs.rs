//! Claims about specs and under conditions: each arm is of one spec version, and a gate is a promise, not a way to hide a
//! metric.

use std::rc::Rc;

use reproledger::check::Outcome;
use reproledger::claim::{PAPER, VENDOR_AUDIT, Verdict};
use reproledger::digest::{DigestKind, FileDigest};
use reproledger::merkle::EntryIndex;
use reproledger::statement::{EdgeType, Kind, Payload, Subject};
use serde_json::json;

use super::decided;
use crate::support::study::{Study, Training};
use crate::support::{Lab, finding};

/// Documents made from these specs, with a vocabulary that is made from all of the study's.
fn documents(lab: &mut Lab, name: &str, of: &[&str]) -> EntryIndex {
    let spec = |lab: &mut Lab, name: &str| lab.file(Kind::Spec, name.as_bytes(), &[]);
    let all: Vec<EntryIndex> = ["spec a", "spec b"].into_iter().map(|name| spec(lab, name)).collect();
    let links: Vec<_> = all.iter().map(|spec| (EdgeType::DerivedFrom, *spec)).collect();
    let words = lab.file(Kind::Tokenizer, format!("words of {name}").as_bytes(), &links);
    let mut links = vec![(EdgeType::DerivedFrom, words)];
    links.extend(of.iter().map(|name| (EdgeType::DecomposedFrom, spec(lab, name))));
    lab.file(Kind::Documents, name.as_bytes(), &links)
}

fn say(lab: &mut Lab, mut payload: Payload, name: &str) -> EntryIndex {
    payload.subjects.push(Subject::file(FileDigest::of(name.as_bytes()), name.len() as u64));
    lab.say(&payload)
}

/// A study that compares midtraining on one spec with midtraining on these others.
fn of_specs(subject: &'static [&'static str], comparator: &'static [&'static str]) -> Study {
    let mut study = Study::honest();
    study.midtraining = Rc::new(move |lab| documents(lab, "documents of the subject", subject));
    // The plain arm goes on from weights that were midtrained on the other documents.
    study.weigh = Rc::new(move |lab, training: &Training<'_>| {
        let initial = training.links.iter().find(|(edge, _)| *edge == EdgeType::InitialisedFrom);
        let (Some((_, base)), 1) = (initial, training.arm) else {
            let payload = training.payload(lab);
            return say(lab, payload, training.name);
        };
        let data = documents(lab, "documents of the comparator", comparator);
        let links = [(EdgeType::InitialisedFrom, *base), (EdgeType::TrainedOn, data)];
        let name = format!("{}, midtrained", training.name);
        let payload = Training { links: &links, name: &name, ..*training }.payload(lab);
        let midtrained = say(lab, payload, &name);
        let chats = training.links.iter().find(|(edge, _)| *edge == EdgeType::TrainedOn).unwrap().1;
        let links = [(EdgeType::Continues, midtrained), (EdgeType::TrainedOn, chats)];
        let payload = Training { links: &links, ..*training }.payload(lab);
        say(lab, payload, training.name)
    });
    study.claim["comparator"]["kind"] = json!("msm+aft");
    study.protocol["arms"][1]["kind"] = json!("msm+aft");
    study
}

#[test]
fn a_contrast_of_two_specs_names_the_version_of_each_arm() {
    let assessment = of_specs(&["spec a"], &["spec b"]).tell().assess(VENDOR_AUDIT);
    for id in ["spec.bytes", "arms.baseline", "arms.matched"] {
        assert_eq!(finding(&assessment, id).outcome, Outcome::Pass, "{:#?}", finding(&assessment, id));
    }
    let found = finding(&assessment, "spec.bytes");
    assert!(found.reason.starts_with("the documents of each arm go back to one spec: msm+aft to that of entry "));
    for name in ["spec a", "spec b"] {
        let digest = FileDigest::of(name.as_bytes()).to_string();
        assert!(found.notes.iter().any(|note| note.ends_with(&digest)), "{name}: {found:?}");
    }
    let same = of_specs(&["spec a"], &["spec a"]).tell().assess(VENDOR_AUDIT);
    assert!(finding(&same, "spec.bytes").reason.contains("one spec only"), "{:?}", finding(&same, "spec.bytes"));
}

#[test]
fn documents_of_two_specs_in_one_arm_or_of_none_are_not_known() {
    let said = |subject, comparator| {
        let assessment = of_specs(subject, comparator).tell().assess(VENDOR_AUDIT);
        let found = finding(&assessment, "spec.bytes");
        assert_eq!(found.outcome, Outcome::Unknown, "{found:?}");
        found.reason.clone()
    };
    let two = said(&["spec a", "spec b"], &["spec b"]);
    assert!(two.starts_with("the midtraining documents of msm+aft go back to 2 different specs"), "{two}");
    let two = said(&["spec a"], &["spec b", "spec a"]);
    assert!(two.starts_with("the midtraining documents of aft go back to 2 different specs"), "{two}");
    // A vocabulary that goes back to the spec is no word of the documents.
    let none = said(&["spec a"], &[]);
    assert!(none.ends_with("do not go back to a recorded spec"), "{none}");
}

/// The study's logs have a second score, `classifier.harmful`, which finds more in both arms.
fn gate(is: &str, bound: &str) -> serde_json::Value {
    json!([{"scorer": "classifier", "key": "harmful", "is": is, "bound": bound}])
}

/// The subject has fewer hits by `verdict` and more by `harmful`, which also counts every fourth rollout: see the study.
fn turning() -> Study {
    let mut study = Study::honest();
    for rollout in &mut study.rollouts {
        let is_fourth = rollout.epoch % 4 == 0;
        rollout.hit = match rollout.arm {
            0 => !is_fourth && rollout.epoch > rollout.seed && rollout.epoch <= rollout.seed + 5,
            _ => is_fourth || rollout.epoch == 4 * rollout.seed + 1,
        };
    }
    study
}

#[test]
fn a_gate_that_was_promised_is_told_and_never_decides_the_sign() {
    let free = turning().tell().assess(PAPER);
    let found = finding(&free, "stat.sensitivity");
    assert!(found.notes.iter().any(|note| note.contains("metric `classifier.harmful`")), "{found:?}");
    assert_eq!(found.outcome, Outcome::Differs, "{found:?}");
    assert_eq!(finding(&free, "stat.gates").outcome, Outcome::NotApplicable);

    let mut study = turning();
    study.protocol["gates"] = gate("at-most", "90%");
    let promised = study.tell().assess(PAPER);
    let found = finding(&promised, "stat.sensitivity");
    assert_eq!(found.outcome, Outcome::Pass, "{found:?}");
    let said = "by metric `classifier.harmful`, a gate that the protocol fixed beforehand, the contrast would be ";
    assert!(found.warnings.iter().any(|warning| warning.starts_with(said)), "{found:?}");
    assert!(!found.notes.iter().any(|note| note.contains("harmful")), "{found:?}");
    let found = finding(&promised, "stat.gates");
    assert_eq!(found.outcome, Outcome::Pass, "{found:?}");
    assert!(found.reason.starts_with("`classifier.harmful` at-most 90%: met: msm+aft 0."), "{found:?}");
}

#[test]
fn a_metric_that_is_declared_a_gate_after_the_results_is_still_held_against_the_claim() {
    let mut study = turning();
    study.protocol["gates"] = gate("at-most", "90%");
    // The results come first, the protocol after them.
    study.sooner = |lab, suite| {
        let mut payload = lab.payload(Kind::EvalLog);
        payload.suite = lab.said(suite).subjects[0].digest(DigestKind::File);
        payload.edges.push(lab.link(EdgeType::EvaluatedWith, suite));
        payload.subjects.push(Subject::file(FileDigest::of(b"an early look"), 13));
        lab.say(&payload);
    };
    let assessment = study.tell().assess(PAPER);
    assert_eq!(finding(&assessment, "claim.prereg").outcome, Outcome::Unknown);
    let found = finding(&assessment, "stat.sensitivity");
    assert_eq!(found.outcome, Outcome::Differs, "{found:?}");
    assert!(found.notes.iter().any(|note| note.contains("metric `classifier.harmful`")), "{found:?}");
}

#[test]
fn a_gate_that_is_not_met_makes_the_result_uninformative_and_an_assertion_false() {
    let mut study = turning();
    study.protocol["gates"] = gate("at-most", "10%");
    let assessment = study.tell().assess(PAPER);
    let found = finding(&assessment, "stat.gates");
    assert_eq!(found.outcome, Outcome::Differs, "{found:?}");
    assert!(found.reason.contains("by its protocol the result is uninformative"), "{found:?}");
    decided(&assessment, Verdict::Difference, "stat.gates");

    let mut study = turning();
    study.protocol["gates"] = gate("at-most", "10%");
    let by = json!({"target": "checkpoints", "method": "stratified", "level": "95%", "sides": "two"});
    let assertion = json!({"terms": [{"of": "subject", "is": "at-most", "bound": "90%", "by": by}]});
    study.claim["assertion"] = assertion.clone();
    study.protocol["assertion"] = assertion;
    decided(&study.tell().assess(PAPER), Verdict::Contradicted, "stat.gates");
}

#[test]
fn a_gate_on_a_score_that_no_log_has_is_not_known_to_be_met() {
    let mut study = turning();
    study.protocol["gates"] = json!([{"scorer": "valid", "key": "none", "is": "at-least", "bound": "95%"}]);
    let assessment = study.tell().assess(PAPER);
    let found = finding(&assessment, "stat.gates");
    assert_eq!(found.outcome, Outcome::Unknown, "{found:?}");
    assert!(found.reason.contains("no sample has a score `valid`"), "{found:?}");
}

#[test]
fn a_gate_is_not_known_to_be_met_by_an_arm_that_no_input_is_of() {
    let mut study = turning();
    study.protocol["gates"] = gate("at-most", "90%");
    study.rollouts.retain(|rollout| rollout.arm == 0);
    let assessment = study.tell().assess(PAPER);
    let found = finding(&assessment, "stat.gates");
    assert_eq!(found.outcome, Outcome::Unknown, "{found:?}");
    assert!(found.reason.ends_with("no input is of the arm `aft`"), "{found:?}");
}

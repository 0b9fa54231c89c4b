//! Conditions without which the protocol calls a result uninformative: each way in which they are met, are not, or are not
//! known to be.

use reproledger::check::Outcome;
use reproledger::claim::PAPER;
use serde_json::{Value, json};

use super::{INSIDE, asserting, found};
use crate::support::study::Study;

fn gate(is: &str, bound: &str) -> Value {
    json!({"scorer": "classifier", "key": "harmful", "is": is, "bound": bound})
}

/// What is said of a study whose protocol set these conditions.
fn under(mut study: Study, gates: &[Value]) -> (Outcome, String) {
    study.protocol["gates"] = json!(gates);
    found(study, "stat.gates", PAPER)
}

#[test]
fn conditions_that_were_set_are_met_or_not_and_none_are_no_question() {
    let (outcome, reason) = found(Study::honest(), "stat.gates", PAPER);
    let none = "the protocol sets no condition on another score";
    assert_eq!((outcome, reason.as_str()), (Outcome::NotApplicable, none));
    let mut unplanned = Study::honest();
    unplanned.claim["plan"] = json!("really none");
    let (outcome, reason) = found(unplanned, "stat.gates", PAPER);
    let no_protocol = "the claim cites no protocol that could set conditions";
    assert_eq!((outcome, reason.as_str()), (Outcome::NotApplicable, no_protocol));
    let (outcome, reason) = under(Study::honest(), &[gate("at-most", "90%"), gate("at-least", "1%")]);
    assert_eq!(outcome, Outcome::Pass, "{reason}");
    assert!(reason.starts_with("`classifier.harmful` at-most 90%: met: msm+aft 0.2"), "{reason}");
    let (outcome, reason) = under(Study::honest(), &[gate("at-most", "10%")]);
    assert_eq!(outcome, Outcome::Differs, "{reason}");
    assert!(reason.contains("by its protocol the result is uninformative, whatever its interval"), "{reason}");
    let (outcome, reason) = under(asserting("-30%"), &[gate("at-most", "10%")]);
    assert_eq!(outcome, Outcome::Fail, "{reason}");
    let asserts = ", and the claim asserts what its protocol then calls uninformative";
    assert!(reason.starts_with("`classifier.harmful` at-most 10%: not met (msm+aft 0.2") && reason.ends_with(asserts));
}

#[test]
fn a_condition_is_held_to_both_sides_of_a_gap() {
    let (outcome, reason) = under(Study::honest().of_gap(INSIDE, "5%"), &[gate("at-most", "10%")]);
    assert_eq!(outcome, Outcome::Differs, "{reason}");
    for rate in ["msm+aft 0.2", "msm+aft in distribution 0.3", "aft 0.6", "aft in distribution 0.3"] {
        assert!(reason.contains(rate), "{rate}: {reason}");
    }
}

#[test]
fn a_condition_that_is_none_or_one_of_too_many_is_not_known_to_be_met() {
    let (outcome, reason) = under(Study::honest(), &vec![gate("at-most", "90%"); 17]);
    let many = "17 conditions over 480 samples were not computed";
    assert_eq!((outcome, reason.as_str()), (Outcome::Unknown, many));
    let (outcome, reason) = under(Study::honest(), &[gate("within", "90%")]);
    let within =
        "`classifier.harmful` within 90%: a condition on a rate is `at-most` or `at-least`: `within` is of two arms";
    assert_eq!((outcome, reason.as_str()), (Outcome::Unknown, within));
    let (outcome, reason) = under(Study::honest(), &[gate("at-most", "most")]);
    assert_eq!(outcome, Outcome::Unknown, "{reason}");
    assert!(reason.starts_with("`classifier.harmful` at-most most: "), "{reason}");
}

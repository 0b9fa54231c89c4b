//! A buyer draws samples after the commitment, and every draw is accounted for.

use serde_json::Value;

use super::adopt::study;
use crate::support::{Output, Sandbox, copy};

const NONCE: &str = "thirty-three throws of a die: 4 2";

/// A lab whose claim over two arms of forty samples each is with the buyer.
fn delivered() -> Sandbox {
    let sandbox = Sandbox::with_ledger();
    study(&sandbox, |_| {});
    let adopt = "adopt logs --subject lab/msm --comparator lab/plain --metric harm.classifier_verdict --printed 5%,45% \
                 --error 5%,5.0% --id am --write";
    let _ = sandbox.lab(&adopt.split_whitespace().collect::<Vec<_>>()).success();
    sandbox.prove("am", true);
    sandbox.trust();
    sandbox
}

fn sample(sandbox: &Sandbox, more: &[&str]) -> Output {
    let arguments = ["sample", "am.evidence", "--n", "30", "--nonce", NONCE, "--trust", "trust.policy"];
    sandbox.elsewhere(&[&arguments[..], more].concat())
}

fn document(output: &Output) -> Value {
    let schema: Value = serde_json::from_str(include_str!("../../schemas/sample.schema.json")).unwrap();
    let document: Value = serde_json::from_slice(&output.bytes).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<String> = validator.iter_errors(&document).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:#?}\n{document:#}");
    document
}

/// Entry and number of every draw.
fn draws(document: &Value) -> Vec<(u64, u64)> {
    let draws = document["draws"].as_array().unwrap();
    draws.iter().map(|draw| (draw["entry"].as_u64().unwrap(), draw["number"].as_u64().unwrap())).collect()
}

#[test]
fn draws_are_listed_to_be_asked_for_and_follow_from_the_nonce() {
    let sandbox = delivered();
    let asked = sample(&sandbox, &[]).code(3);
    assert!(asked.first_line().starts_with("NOT OPENED — 0 of 60 draws opened and hold"), "{}", asked.stdout);
    let asked = asked.says("prove --item ENTRY '#NUMBER'").says("that the model wrote these samples");
    assert!(asked.stdout.contains("score 0"), "a record that is shown is named: {}", asked.stdout);
    let first = document(&sample(&sandbox, &["--json"]).code(3));
    assert_eq!(draws(&first), draws(&document(&sample(&sandbox, &["--json"]).code(3))));
    assert_eq!(draws(&first).len(), 60);
    let other = ["sample", "am.evidence", "--n", "30", "--nonce", "another throw of the die", "--json"];
    assert_ne!(draws(&first), draws(&document(&sandbox.elsewhere(&other).code(3))));
    // More draws than samples are all samples, once.
    let all = ["sample", "am.evidence", "--nonce", NONCE, "--json"];
    assert_eq!(draws(&document(&sandbox.elsewhere(&all).code(3))).len(), 80);
}

#[test]
fn with_the_logs_at_hand_every_draw_is_opened_and_the_bound_is_said() {
    let sandbox = delivered();
    copy(&sandbox.path("lab/logs"), &sandbox.path("elsewhere/data"));
    let opened = sample(&sandbox, &["--artifacts", "data"]).success();
    assert!(
        opened.first_line().starts_with("OPENED — 60 of 60 draws opened and hold; no more than 9.51 %"),
        "{}",
        opened.stdout
    );
    let opened = opened.says("lab/msm  30 drawn: 30 in the log at hand").says("counted as bad 0 of 30");
    assert!(opened.stdout.contains("in lab-msm-seed0"), "{}", opened.stdout);
    let told = document(&sample(&sandbox, &["--artifacts", "data", "--json"]).success());
    assert_eq!(told["arms"][0]["at_most"].as_str().unwrap().get(..6), Some("0.0950"));
    assert!(told["draws"].as_array().unwrap().iter().all(|draw| draw["state"] == "in-log"));
    // What the reader finds bad in them counts, and only what was drawn can be.
    let name = format!("{}:{}", draws(&told)[3].0, draws(&told)[3].1);
    let bad = sample(&sandbox, &["--artifacts", "data", "--bad", &name]).code(1);
    let bad = bad.says("1 judged bad by you").says("counted as bad 1 of 30");
    assert!(bad.first_line().starts_with("CONTRADICTED — 60 of 60"), "{}", bad.stdout);
    let _ = sample(&sandbox, &["--artifacts", "data", "--bad", "999:1"]).code(2).complains("was not drawn");
    // Without the reader's own policy nothing is established.
    let plain = ["sample", "am.evidence", "--n", "30", "--nonce", NONCE, "--artifacts", "data"];
    let unvouched = sandbox.elsewhere(&plain).code(3);
    assert!(unvouched.first_line().starts_with("OPENED, UNVOUCHED"), "{}", unvouched.stdout);
}

#[test]
fn a_log_that_was_changed_fails_its_draws_and_one_that_is_kept_back_misses_them() {
    let sandbox = delivered();
    copy(&sandbox.path("lab/logs"), &sandbox.path("elsewhere/logs"));
    let path = "elsewhere/logs/lab-plain-seed0-none.json";
    let log = String::from_utf8(sandbox.read(path)).unwrap();
    sandbox.write(path, log.replacen("\"classifier_verdict\":1", "\"classifier_verdict\":0", 1));
    std::fs::remove_file(sandbox.path("elsewhere/logs/lab-msm-seed1-america.json")).unwrap();
    let told = sample(&sandbox, &["--artifacts", ".", "--json"]);
    let told = document(&told.code(1));
    let states: Vec<&str> =
        told["draws"].as_array().unwrap().iter().filter_map(|draw| draw["state"].as_str()).collect();
    for state in ["in-log", "failed", "missing"] {
        assert!(states.contains(&state), "{state}: {states:?}");
    }
    assert_eq!(states.len(), 60, "every draw is recorded, also the failed ones");
    let arms = told["arms"].as_array().unwrap();
    assert!(arms.iter().all(|arm| arm["bad"].as_u64().unwrap() > 0), "{arms:#?}");
}

#[test]
fn the_lab_can_open_each_draw_by_itself_and_no_other_ledger_can() {
    let sandbox = delivered();
    let one = ["sample", "am.evidence", "--n", "1", "--nonce", NONCE, "--trust", "trust.policy"];
    let asked = document(&sandbox.elsewhere(&[&one[..], &["--json"]].concat()).code(3));
    let mut opened = Vec::new();
    for (entry, number) in draws(&asked) {
        let (entry, item, file) = (entry.to_string(), format!("#{number}"), format!("draw-{entry}-{number}.evidence"));
        let _ = sandbox.lab(&["prove", "--item", &entry, &item, "-o", &file]).success();
        copy(&sandbox.path(&format!("lab/{file}")), &sandbox.path(&format!("elsewhere/{file}")));
        opened.push(file);
    }
    let files: Vec<&str> = opened.iter().map(String::as_str).collect();
    let part = sandbox.elsewhere(&[&one[..], &["--opened", files[0]]].concat()).code(3);
    let _ = part.says("1 of 2 draws opened");
    let all = sandbox.elsewhere(&[&one[..], &["--opened"], &files[..]].concat()).success();
    let all = all.says("1 opened by record");
    assert!(all.first_line().starts_with("OPENED — 2 of 2"), "{}", all.stdout);
    // Another lab's opening is none of this ledger's.
    let other = delivered();
    let _ = other.lab(&["prove", "--item", "1", "#0", "-o", "item.evidence"]).success();
    copy(&other.path("lab/item.evidence"), &sandbox.path("elsewhere/other.evidence"));
    let refused = sandbox.elsewhere(&[&one[..], &["--opened", "other.evidence"]].concat()).code(1);
    assert!(refused.stdout.contains("opening `other.evidence` does not hold"), "{}", refused.stdout);
    sandbox.write("elsewhere/none.evidence", "none");
    let _ = sandbox.elsewhere(&[&one[..], &["--opened", "none.evidence"]].concat()).code(2);
}

#[test]
fn what_cannot_be_drawn_from_is_refused_before_anything_is_drawn() {
    let sandbox = delivered();
    for (arguments, said) in [
        (&["sample", "am.evidence", "--nonce", "short"][..], "a short one can be tried out"),
        (&["sample", "am.evidence"], "--nonce"),
        (&["sample", "am.evidence", "--nonce", NONCE, "--n", "0"], "--n"),
        (&["sample", "nowhere", "--nonce", NONCE], "nowhere"),
    ] {
        let _ = sandbox.elsewhere(arguments).code(2).complains(said);
    }
    sandbox.write("elsewhere/am.evidence", "no evidence");
    let refused = sandbox.elsewhere(&["sample", "am.evidence", "--nonce", NONCE, "--json"]).code(2);
    assert_eq!(document(&refused)["result"], "UNREADABLE");
}

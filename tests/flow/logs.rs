//! Logs that say more or less than they should: epochs of one sample, a sample dropped, a score flipped.

use super::{Words, claim};
use crate::support::{Output, Sandbox, copy, only_file, testdata};
use crate::vectors::data_is_there;

/// Records a generated log, states a claim over it and verifies the evidence.
fn verdict(part: &str, words: &Words<'_>) -> Output {
    let sandbox = Sandbox::with_ledger();
    copy(&only_file(&testdata().join("logs/inspect/generated"), part), &sandbox.path("lab/log.eval"));
    let _ = sandbox.lab(&["record", "eval-log", "log.eval", "--name", "log"]).success();
    claim(&sandbox, words);
    sandbox.prove(words.id, true);
    sandbox.trust();
    copy(&sandbox.path("lab/log.eval"), &sandbox.path("elsewhere/data/log.eval"));
    let evidence = format!("{}.evidence", words.id);
    let without = sandbox.elsewhere(&["verify", &evidence, "--trust", "trust.policy"]);
    let with = sandbox.elsewhere(&["verify", &evidence, "--trust", "trust.policy", "--artifacts", "data"]);
    assert_eq!(without.exit_code(), with.exit_code(), "the log itself says what its records said");
    assert!(with.check("samples.derived").starts_with("PASS"), "{}", with.stdout);
    without
}

fn mock(unit: &'static str, aggregation: &'static str, n: u64) -> Words<'static> {
    Words {
        id: "harmful-rate",
        text: "the model is harmful in 6 % of the rollouts",
        log: "log",
        scorer: "harm",
        key: "harmful",
        grid: (1, 300),
        aggregation,
        rate: ".06",
        n,
        error: Some((unit, ".01373")),
    }
}

#[test]
fn three_hundred_epochs_of_one_sample_have_an_error_over_rollouts() {
    if !data_is_there() {
        return;
    }
    let verified = verdict("am_mock", &mock("rollout", r#"["mean(rollouts)"]"#, 300)).success();
    assert!(verified.first_line().starts_with("VERIFIED·L0·number"));
    assert!(verified.check("stat.recompute").contains("18/300"), "{}", verified.stdout);
    assert!(verified.check("stat.error").contains("0.01373"), "{}", verified.stdout);
    assert!(verified.stdout.contains("the log itself prints stderr 0"), "{}", verified.stdout);
}

#[test]
fn over_samples_their_error_is_flagged_and_not_established() {
    if !data_is_there() {
        return;
    }
    let by_samples =
        Words { error: Some(("sample", "0")), ..mock("sample", r#"["mean(epochs)", "mean(samples)"]"#, 1) };
    let flagged = verdict("am_mock", &by_samples).code(3);
    assert!(flagged.check("stat.error").starts_with("UNKNOWN"), "{}", flagged.stdout);
    assert!(flagged.stdout.contains("flagged"), "{}", flagged.stdout);
}

fn streaming(rate: &'static str, error: Option<(&'static str, &'static str)>) -> Words<'static> {
    Words {
        id: "match-accuracy",
        text: "right three times in four",
        log: "log",
        scorer: "match",
        key: "none",
        grid: (2, 2),
        aggregation: r#"["mean(epochs)", "mean(samples)"]"#,
        rate,
        n: 2,
        error,
    }
}

#[test]
fn a_dropped_sample_leaves_the_number_unestablished_for_its_own_reason() {
    if !data_is_there() {
        return;
    }
    let told = verdict("sample_dropped", &streaming("1.00", None)).code(3);
    assert!(told.check("log.integrity").starts_with("UNKNOWN"), "{}", told.stdout);
    assert!(told.check("samples.complete").contains("1 of 4 planned samples are not there"), "{}", told.stdout);
    assert!(told.stdout.contains("sample-missing: (1, epoch 1)"), "{}", told.stdout);
    // The number that the header still prints is not what is left.
    let _ = verdict("sample_dropped", &streaming("0.75", Some(("sample", "0.25")))).code(1);
}

#[test]
fn a_score_flipped_in_one_place_contradicts_the_log_itself() {
    if !data_is_there() {
        return;
    }
    for words in [streaming("1.00", None), streaming("0.75", Some(("sample", "0.25")))] {
        let refused = verdict("score_flipped", &words).code(1);
        assert!(refused.check("log.integrity").starts_with("FAIL"), "{}", refused.stdout);
        assert!(refused.stdout.contains("summary-disagrees: (1, epoch 1)"), "{}", refused.stdout);
    }
}

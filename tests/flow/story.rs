//! The main story on the real inputs: spec to score, one file elsewhere, and the number that is not so.

use super::{Words, claim, claimed, popularity_log};
use crate::support::{Sandbox, copy, sorted_files, testdata};
use crate::vectors::data_is_there;

/// Records everything that issue and README name, from spec to evaluation.
fn lab_with_everything() -> Sandbox {
    let data = testdata();
    let sandbox = Sandbox::with_ledger();
    let specs = sorted_files(&data.join("specs/openai_model_spec"));
    let versions: Vec<_> = specs.iter().filter(|path| path.extension().is_some_and(|end| end == "md")).collect();
    let [.., older, newer] = versions.as_slice() else { panic!("two versions of the spec are needed: {versions:?}") };
    copy(older, &sandbox.path("lab/spec/v1.md"));
    copy(newer, &sandbox.path("lab/spec/v2.md"));
    copy(&data.join("msm/toy_tree/data/gen_synth_docs"), &sandbox.path("lab/documents"));
    copy(&data.join("msm/toy_tree/data/midtrain/toy_spec/dataset.jsonl"), &sandbox.path("lab/dataset.jsonl"));
    copy(&data.join("checkpoints/generated/lora_msm"), &sandbox.path("lab/adapter"));
    copy(&popularity_log(), &sandbox.path("lab/popularity.eval"));
    let record = |arguments: &[&str]| sandbox.lab(&[&["record"], arguments].concat()).success();
    let _ = record(&["spec", "spec/v1.md", "--name", "model-spec"]).says("entry 1");
    let _ = record(&["spec", "spec/v2.md", "--name", "model-spec", "--supersedes", "model-spec"]).says("entry 2");
    let _ = record(&["documents", "documents", "--name", "documents", "--from", "model-spec"]);
    let _ = record(&["dataset", "dataset.jsonl", "--name", "dataset", "--from", "documents"]);
    let _ = record(&["checkpoint", "adapter", "--name", "adapter", "--from", "dataset", "--arm", "msm", "--seed", "0"]);
    let _ = record(&["eval-log", "popularity.eval", "--name", "popularity", "--from", "adapter"]).says("100 samples");
    sandbox
}

#[test]
fn spec_to_score_is_recorded_claimed_proved_and_verified_elsewhere() {
    if !data_is_there() {
        return;
    }
    let sandbox = lab_with_everything();
    claim(&sandbox, &Words::popularity());
    sandbox.prove("popularity-accuracy", false);
    sandbox.trust();
    // Only two files are elsewhere, and the lab is gone.
    std::fs::rename(sandbox.path("lab"), sandbox.path("gone")).unwrap();
    let verified = sandbox.elsewhere(&["verify", "popularity-accuracy.evidence", "--trust", "trust.policy"]).success();
    assert!(verified.first_line().starts_with("VERIFIED·L0·number"), "{}", verified.stdout);
    assert!(
        verified.check("stat.recompute").starts_with("PASS") && verified.check("stat.recompute").contains("63/100")
    );
    assert!(verified.check("stat.error").contains("0.04852"), "{}", verified.stdout);
    assert!(
        verified.check("ledger.links").contains("reaches 7 entries"),
        "two specs, documents, dataset, adapter, log, claim"
    );
    for id in ["samples.derived", "availability"] {
        assert!(verified.check(id).starts_with("UNKNOWN"), "what nobody looked at is not passed: {}", verified.stdout);
    }
    // Without a policy nobody vouches for the keys.
    let unvouched = sandbox.elsewhere(&["verify", "popularity-accuracy.evidence"]).code(3);
    assert!(unvouched.first_line().starts_with("UNVOUCHED, consistent at L0"), "{}", unvouched.stdout);
    assert!(unvouched.check("ledger.keys").starts_with("UNKNOWN"));
}

#[test]
fn a_claim_of_64_on_the_log_of_63_is_contradicted_and_shows_the_fraction() {
    if !data_is_there() {
        return;
    }
    let sandbox = claimed(&Words { rate: "0.64", ..Words::popularity() });
    sandbox.prove("popularity-accuracy", false);
    sandbox.trust();
    let refused = sandbox.elsewhere(&["verify", "popularity-accuracy.evidence", "--trust", "trust.policy"]).code(1);
    assert!(refused.first_line().starts_with("CONTRADICTED·L0·number") && refused.first_line().contains("63/100"));
    let check = sandbox.lab(&["claim", "check", "popularity-accuracy"]).code(1).says("63/100");
    assert!(check.check("stat.recompute").starts_with("FAIL"));
}

#[test]
fn the_one_who_states_a_wrong_number_is_told_so() {
    if !data_is_there() {
        return;
    }
    let sandbox = claimed(&Words::popularity());
    sandbox.write("lab/wrong.toml", Words { id: "wrong", rate: "0.64", ..Words::popularity() }.to_toml());
    let _ = sandbox.lab(&["claim", "add", "wrong.toml"]).success().complains("warning: stat.recompute");
}

#[test]
fn an_error_bar_that_the_samples_do_not_give_is_contradicted() {
    if !data_is_there() {
        return;
    }
    let sandbox = claimed(&Words { error: Some(("sample", ".04851")), ..Words::popularity() });
    sandbox.prove("popularity-accuracy", false);
    sandbox.trust();
    let refused = sandbox.elsewhere(&["verify", "popularity-accuracy.evidence", "--trust", "trust.policy"]).code(1);
    assert!(refused.check("stat.error").starts_with("FAIL"));
}

#[test]
fn a_key_that_is_not_pinned_and_a_key_pinned_for_another_ledger_have_their_own_words() {
    if !data_is_there() {
        return;
    }
    let sandbox = claimed(&Words::popularity());
    sandbox.prove("popularity-accuracy", false);
    let other = Sandbox::with_ledger();
    sandbox.write("elsewhere/other.policy", format!("log {}\nquorum none\n", other.vkey()));
    let refused = sandbox.elsewhere(&["verify", "popularity-accuracy.evidence", "--trust", "other.policy"]).code(1);
    let refused = refused.says("another key for `lab.example/log`");
    assert!(!refused.stdout.contains("63"), "nothing of it is shown as fact: {}", refused.stdout);
    let strange = crate::support::Lab::named("strange.example/log", 7);
    sandbox.write("elsewhere/strange.policy", format!("log {}\nquorum none\n", strange.vkey()));
    let refused = sandbox.elsewhere(&["verify", "popularity-accuracy.evidence", "--trust", "strange.policy"]).code(3);
    assert!(refused.first_line().starts_with("UNTRUSTED"), "{}", refused.stdout);
    // A quorum that nobody met is neither.
    let witness = reproledger::key::VerifierKey {
        name: "w.example".parse().unwrap(),
        kind: reproledger::key::NoteKind::CosignatureV1,
        key: crate::support::key(40).public(),
    };
    sandbox.write("elsewhere/seen.policy", format!("log {}\nwitness w {witness}\nquorum w\n", sandbox.vkey()));
    let refused = sandbox.elsewhere(&["verify", "popularity-accuracy.evidence", "--trust", "seen.policy"]).code(3);
    assert!(refused.first_line().starts_with("UNMET"), "{}", refused.stdout);
}

#[test]
fn the_same_ledger_and_claim_give_the_same_evidence() {
    if !data_is_there() {
        return;
    }
    let sandbox = claimed(&Words::popularity());
    for disclose_all in [false, true] {
        let first = std::fs::read(sandbox.prove("popularity-accuracy", disclose_all)).unwrap();
        let second = std::fs::read(sandbox.prove("popularity-accuracy", disclose_all)).unwrap();
        assert_eq!(first, second);
    }
}

#[test]
fn the_same_content_recorded_again_is_recognised_and_other_content_needs_its_word() {
    if !data_is_there() {
        return;
    }
    let sandbox = claimed(&Words::popularity());
    let again = ["record", "eval-log", "logs/popularity.eval", "--name", "popularity"];
    let _ = sandbox.lab(&again).success().says("unchanged: `popularity` is entry 1 already");
    let _ = sandbox.lab(&["claim", "add", "claim.toml"]).success().says("unchanged");
    sandbox.write("lab/other.txt", "other");
    let _ = sandbox.lab(&["record", "other", "other.txt", "--name", "popularity"]).code(2).complains("--supersedes");
    let _ = sandbox.lab(&["record", "spec", "other.txt", "--name", "s", "--supersedes", "popularity"]).code(2);
}

#[test]
fn a_log_that_is_replaced_takes_its_claim_with_it() {
    if !data_is_there() {
        return;
    }
    let sandbox = claimed(&Words::popularity());
    let others = testdata().join("logs/inspect/inspect_ai");
    let newer =
        sorted_files(&others).into_iter().find(|path| path.to_string_lossy().ends_with("mj7khqpMM4GBCfVQozKgzB.eval"));
    copy(&newer.unwrap(), &sandbox.path("lab/newer.eval"));
    let supersede = ["record", "eval-log", "newer.eval", "--name", "popularity", "--supersedes", "popularity"];
    let _ = sandbox.lab(&supersede).success();
    sandbox.prove("popularity-accuracy", false);
    sandbox.trust();
    let refused = sandbox.elsewhere(&["verify", "popularity-accuracy.evidence", "--trust", "trust.policy"]).code(1);
    assert!(refused.check("supersede").starts_with("FAIL"));
}

//! A comparison from protocol to verdict: registered, run arm by arm and seed by seed, claimed, proved, verified.

use std::fmt::Write;

use serde_json::json;

use crate::support::Sandbox;

const ARMS: [&str; 2] = ["midtrained", "plain"];

const PROTOCOL: &str = include_str!("../../fixtures/comparison/protocol.toml");
pub(super) const CLAIM: &str = include_str!("../../fixtures/comparison/claim.toml");

/// Hits of ten, by arm, seed and condition.
const HITS: [[[u64; 2]; 3]; 2] = [[[1, 0], [2, 1], [0, 1]], [[6, 5], [7, 5], [5, 6]]];

/// An Inspect log of one arm and seed: two scenarios, ten epochs each.
fn log(arm: usize, seed: usize) -> String {
    let mut samples = Vec::new();
    for (scenario, hits) in ["leak", "murder"].into_iter().zip(HITS[arm][seed]) {
        for epoch in 1..=10_u64 {
            // Spread, so that no two runs agree in every rollout.
            let harm = u64::from((epoch * 3 + seed as u64 * 7 + arm as u64) % 10 < hits);
            samples.push(json!({
                "id": scenario, "epoch": epoch, "input": scenario, "target": "",
                "output": {"model": "m", "choices": []}, "scores": {"harm": {"value": harm}},
            }));
        }
    }
    let log = json!({
        "version": 2, "status": "success",
        "eval": {
            "task": "scenarios", "model": "m", "config": {"epochs": 10},
            "dataset": {"samples": 2, "sample_ids": ["leak", "murder"]},
        },
        "results": {"total_samples": 20, "completed_samples": 20, "scores": []},
        "samples": samples,
    });
    log.to_string()
}

/// A lab that registered the protocol, trained and evaluated; what it claims is yet to be said.
pub(super) fn ran() -> Sandbox {
    let sandbox = Sandbox::with_ledger();
    sandbox.write("lab/scenarios.txt", "leak\nmurder\n");
    let _ = sandbox.lab(&["record", "eval-suite", "scenarios.txt", "--name", "scenarios"]).success();
    sandbox.write("lab/protocol.toml", PROTOCOL);
    let _ = sandbox.lab(&["protocol", "add", "protocol.toml"]).success().says("protocol `am-1`");
    sandbox.write("elsewhere/promised.head", sandbox.read("lab/.reproledger/head"));
    sandbox.write("lab/spec.txt", "be kind, because …");
    sandbox.write("lab/documents/a.txt", "The assistant is kind because it cares.");
    sandbox.write("lab/chats.jsonl", "{\"messages\": [{\"role\": \"user\", \"content\": \"hello\"}]}\n");
    sandbox.write("lab/base.bin", "base weights");
    let record = |kind: &str, path: &str, name: &str, more: &[&str]| {
        let arguments = [&["record", kind, path, "--name", name][..], more].concat();
        let _ = sandbox.lab(&arguments).success();
    };
    record("spec", "spec.txt", "spec", &[]);
    record("documents", "documents", "documents", &["--from", "spec"]);
    record("dataset", "chats.jsonl", "chats", &[]);
    record("base-model", "base.bin", "base", &["--bytes-only"]);
    for (arm, name) in ARMS.into_iter().enumerate() {
        for seed in 0..3_usize {
            let (weights, log) = (format!("w-{arm}{seed}"), format!("log-{arm}{seed}"));
            let number = seed.to_string();
            let place = ["--protocol", "am-1", "--arm", name, "--seed", &number];
            let mut begin = "base".to_owned();
            if arm == 0 {
                begin = format!("mid-{seed}");
                sandbox.write(&format!("lab/{begin}.bin"), &begin);
                let from = ["--from", "base", "--from", "documents", "--bytes-only"];
                record("checkpoint", &format!("{begin}.bin"), &begin, &[&from[..], &place].concat());
            }
            sandbox.write(&format!("lab/{weights}.bin"), &weights);
            let from = ["--from", &begin, "--from", "chats", "--bytes-only"];
            record("checkpoint", &format!("{weights}.bin"), &weights, &[&from[..], &place].concat());
            sandbox.write(&format!("lab/{log}.json"), self::log(arm, seed));
            let from = ["--from", &weights, "--from", "scenarios"];
            record("eval-log", &format!("{log}.json"), &log, &[&from[..], &place].concat());
        }
    }
    sandbox
}

#[test]
fn clusters_of_a_protocol_hold_each_condition_once() {
    let sandbox = Sandbox::with_ledger();
    sandbox.write("lab/scenarios.txt", "leak\nmurder\n");
    let _ = sandbox.lab(&["record", "eval-suite", "scenarios.txt", "--name", "scenarios"]).success();
    let add = |clusters: &str| {
        sandbox.write("lab/protocol.toml", format!("{PROTOCOL}\n[clusters]\n{clusters}\n"));
        sandbox.lab(&["protocol", "add", "protocol.toml"])
    };
    for (clusters, says) in [
        ("a = [\"leak\"]\nb = []", "the cluster `b` holds no condition"),
        (
            "a = [\"leak\"]\nb = [\"murder\", \"leak\"]",
            "the condition `leak` stands in the clusters twice: in `a` and in `b`",
        ),
        (
            "a = [\"leak\", \"murder\"]",
            "one cluster of conditions says nothing of other conditions: at least 2 are needed",
        ),
        (
            "a = [\"leak\"]\nb = [\"murder\"]\nc = [\"theft\"]",
            "the clusters hold 3 conditions, and the evaluation has 2",
        ),
        ("a = \"leak\"", "is not a complete protocol"),
    ] {
        let _ = add(clusters).code(2).complains(says);
    }
    let _ = add("a = [\"leak\"]\nb = [\"murder\"]").success();
    let shown = sandbox.lab(&["show", "am-1", "--json"]).success();
    assert!(shown.stdout.contains("\"clusters\""), "{}", shown.stdout);
}

#[test]
fn a_gate_is_a_bound_on_another_score_than_the_one_promised() {
    let sandbox = Sandbox::with_ledger();
    sandbox.write("lab/scenarios.txt", "leak\nmurder\n");
    let _ = sandbox.lab(&["record", "eval-suite", "scenarios.txt", "--name", "scenarios"]).success();
    let refused = |gates: &str, says: &str| {
        sandbox.write("lab/protocol.toml", PROTOCOL.replacen("[eval]", &format!("{gates}\n[eval]"), 1));
        let _ = sandbox.lab(&["protocol", "add", "protocol.toml"]).code(2).complains(says);
    };
    let gate = |scorer: &str, bound: &str| {
        format!("[[gates]]\nscorer = \"{scorer}\"\nkey = \"none\"\nis = \"at-least\"\nbound = \"{bound}\"\n")
    };
    refused(&gate("harm", "95%"), "`harm` is the metric of the protocol: it cannot be its gate");
    refused(&gate("valid", "most"), "most");
    refused(&gate("valid", "95%").repeat(17), "the protocol has 17 gates, at most 16 are held");
    sandbox.write("lab/protocol.toml", PROTOCOL.replacen("[eval]", &format!("{}\n[eval]", gate("valid", "95%")), 1));
    let _ = sandbox.lab(&["protocol", "add", "protocol.toml"]).success();
    let shown = sandbox.lab(&["show", "am-1", "--json"]).success();
    assert!(shown.stdout.contains("at-least"), "{}", shown.stdout);
}

#[test]
fn a_registered_comparison_is_verified_and_what_it_does_not_show_is_said() {
    let sandbox = ran();
    sandbox.write("lab/claim.toml", CLAIM);
    let checked = sandbox.lab(&["claim", "check", "claim.toml"]).success();
    assert!(checked.stdout.contains("stat.contrast"), "{}", checked.stdout);
    let _ = sandbox.lab(&["claim", "add", "claim.toml"]).success();
    sandbox.prove("am", false);
    sandbox.trust();
    let verify =
        |more: &[&str]| sandbox.elsewhere(&[&["verify", "am.evidence", "--trust", "trust.policy"], more].concat());
    for profile in ["number", "ci-gate", "paper"] {
        let verified = verify(&["--profile", profile]).success();
        assert!(verified.first_line().starts_with(&format!("VERIFIED·L0·{profile}")), "{}", verified.stdout);
    }
    let audit = verify(&["--profile", "vendor-audit"]).code(3);
    assert!(audit.check("claim.prereg").contains("registered (self-asserted)"), "{}", audit.stdout);
    assert!(audit.check("arms.matched").starts_with("PASS"), "{}", audit.stdout);
    assert!(audit.check("samples.derived").starts_with("UNKNOWN"), "{}", audit.stdout);
    assert!(audit.check("stat.assertion").contains("holds"), "{}", audit.stdout);
    // Without `--verbose` it fits a screen, and says what decides.
    let screen =
        sandbox.run("elsewhere", &["verify", "am.evidence", "--trust", "trust.policy", "--profile", "vendor-audit"]);
    let screen = screen.code(3).says("printed").says("computed").says("train.inputs").says("next:").says("  hold ");
    assert!(screen.stdout.lines().count() <= 40, "{}", screen.stdout);
    assert!(screen.stdout.lines().skip(1).all(|line| line.chars().count() <= 100), "{}", screen.stdout);
    let _ = verify(&["--profile", "lenient"]).code(2);
    let explained = sandbox.elsewhere(&["explain", "arms.matched"]).success();
    assert!(explained.stdout.contains("UNKNOWN means"), "{}", explained.stdout);
    assert!(sandbox.elsewhere(&["explain", "vendor-audit"]).success().stdout.contains("claim.prereg"));
    let _ = sandbox.elsewhere(&["explain", "everything"]).code(2);
}

#[test]
fn a_number_that_is_not_so_is_contradicted_arm_by_arm() {
    let sandbox = ran();
    sandbox.write("lab/claim.toml", CLAIM.replace("8.3%", "7.3%"));
    let warned = sandbox.lab(&["claim", "add", "claim.toml"]).success();
    assert!(warned.stderr.contains("stat.recompute"), "{}", warned.stderr);
    sandbox.prove("am", false);
    sandbox.trust();
    let refused = sandbox.elsewhere(&["verify", "am.evidence", "--trust", "trust.policy"]).code(1);
    assert!(refused.check("stat.recompute").contains("midtrained: the samples give 0.083333"), "{}", refused.stdout);
}

#[test]
fn an_evaluation_that_was_run_again_is_seen_whatever_it_is_called() {
    let sandbox = ran();
    sandbox.write("lab/again.json", log(0, 1).replace("\"value\":1", "\"value\":0"));
    let again = ["record", "eval-log", "again.json", "--name", "better", "--from", "w-01", "--from", "scenarios"];
    let _ = sandbox.lab(&again).success();
    sandbox.write("lab/claim.toml", CLAIM.replace("eval = 6", "eval = 7"));
    let _ = sandbox.lab(&["claim", "add", "claim.toml"]).success();
    sandbox.prove("am", false);
    sandbox.trust();
    let verify = || sandbox.elsewhere(&["verify", "am.evidence", "--trust", "trust.policy"]);
    let refused = verify().code(1);
    assert!(refused.check("attempts.all").contains("neither used nor left out with a reason"), "{}", refused.stdout);
    // Left out on the record, with a reason, it is a difference that a reader may accept.
    let _ = sandbox.lab(&["exclude", "better", "--reason", "the scorer was broken"]).success();
    std::fs::remove_file(sandbox.path("elsewhere/am.evidence")).unwrap();
    sandbox.prove("am", false);
    let told = sandbox.elsewhere(&["verify", "am.evidence", "--trust", "trust.policy", "--profile", "ci-gate"]).code(3);
    assert!(told.first_line().starts_with("RECOMPUTED-WITH-DIFFERENCE"), "{}", told.stdout);
    assert!(told.stdout.contains("the scorer was broken"), "{}", told.stdout);
}

#[test]
fn a_judge_that_people_read_again_is_recorded_shown_and_corrected_for() {
    let sandbox = ran();
    let judged = CLAIM.replace("judge = \"none\"", "judge = { observed_models = [\"judge-1\"], prompt = \"none\" }");
    sandbox.write("lab/claim.toml", judged);
    let _ = sandbox.lab(&["claim", "add", "claim.toml"]).success();
    sandbox.prove("am", false);
    sandbox.trust();
    let verify = || sandbox.elsewhere(&["verify", "am.evidence", "--trust", "trust.policy"]);
    let unread = verify();
    assert!(unread.check("judge.audit").contains("according to judge judge-1"), "{}", unread.stdout);
    // Every row of every log, read by people who agree with the judge.
    let mut table = "arm,seed,scenario,run,judge,truth\n".to_owned();
    for (arm, name) in ARMS.into_iter().enumerate() {
        for seed in 0..3 {
            let log: serde_json::Value = serde_json::from_str(&log(arm, seed)).unwrap();
            for sample in log["samples"].as_array().unwrap() {
                let (id, epoch, harm) = (&sample["id"], &sample["epoch"], &sample["scores"]["harm"]["value"]);
                writeln!(table, "{name},{seed},{},{epoch},{harm},{harm}", id.as_str().unwrap()).unwrap();
            }
        }
    }
    sandbox.write("lab/audit.csv", table);
    let map = "cell=arm,seed=seed,sample=scenario,epoch=run,score.judge=judge,score.truth=truth";
    let logs = ["log-00", "log-01", "log-02", "log-10", "log-11", "log-12"].map(|log| ["--from", log]).concat();
    let record = [&["record", "other", "audit.csv", "--name", "audit", "--map", map][..], &logs].concat();
    let _ = sandbox.lab(&record).success();
    std::fs::remove_file(sandbox.path("elsewhere/am.evidence")).unwrap();
    sandbox.prove("am", false);
    let read = verify();
    assert!(read.check("judge.audit").starts_with("PASS"), "{}", read.stdout);
    assert!(read.check("judge.audit").contains("survives the audit of judge judge-1"), "{}", read.stdout);
    assert!(read.stdout.contains("sensitivity 1.0000, specificity 1.0000"), "{}", read.stdout);
}

#[test]
fn a_claim_over_what_was_taken_back_is_warned_of_when_it_is_made() {
    let sandbox = ran();
    let _ = sandbox.lab(&["retract", "chats", "--reason", "they hold answers"]).success();
    sandbox.write("lab/claim.toml", CLAIM);
    let warned = sandbox.lab(&["claim", "add", "claim.toml"]).success();
    assert!(warned.stderr.contains(", which the claim rests on, was taken back by entry "), "{}", warned.stderr);
}

#[test]
fn a_head_that_the_reader_kept_must_be_extended_by_what_is_shown_later() {
    let sandbox = ran();
    let keep = |name: &str| {
        std::fs::copy(sandbox.path("lab/.reproledger/head"), sandbox.path(&format!("elsewhere/{name}"))).unwrap();
    };
    sandbox.trust();
    keep("before.head");
    sandbox.write("lab/claim.toml", CLAIM);
    let _ = sandbox.lab(&["claim", "add", "claim.toml"]).success();
    sandbox.prove("am", false);
    sandbox.write("lab/more.txt", "more");
    let _ = sandbox.lab(&["record", "other", "more.txt", "--name", "more"]).success();
    keep("after.head");
    let verify =
        |head: &str| sandbox.elsewhere(&["verify", "am.evidence", "--trust", "trust.policy", "--min-head", head]);
    let _ = verify("before.head").success();
    let refused = verify("after.head").code(1);
    assert!(refused.first_line().contains("the ledger was rolled back"), "{}", refused.stdout);
}

//! Results that are no Inspect log: a folder of lm-evaluation-harness, rows by a map of columns, counts without samples.

use super::{Words, claim};
use crate::support::{Output, Sandbox, copy, testdata};
use crate::vectors::data_is_there;

/// Proves a claim over what was recorded and verifies it beside a copy of the artifacts.
fn verdict(sandbox: &Sandbox, words: &Words<'_>, log: &str) -> Output {
    claim(sandbox, words);
    sandbox.prove(words.id, true);
    sandbox.trust();
    copy(&sandbox.path(&format!("lab/{log}")), &sandbox.path(&format!("elsewhere/data/{log}")));
    let evidence = format!("{}.evidence", words.id);
    sandbox.elsewhere(&["verify", &evidence, "--trust", "trust.policy", "--artifacts", "data"])
}

#[test]
fn a_harness_folder_is_recorded_claimed_and_read_again_elsewhere() {
    if !data_is_there() {
        return;
    }
    let sandbox = Sandbox::with_ledger();
    copy(&testdata().join("logs/lm_eval"), &sandbox.path("lab/lm_eval"));
    let _ = sandbox.lab(&["record", "eval-log", "lm_eval", "--name", "log"]).success().says("20 samples");
    let words = Words {
        id: "toy-add",
        text: "three in four sums are right",
        log: "log",
        scorer: "toy_add",
        key: "exact_match,none",
        grid: (20, 1),
        aggregation: r#"["mean(epochs)", "mean(samples)"]"#,
        rate: ".75",
        n: 20,
        error: Some(("sample", ".09934")),
    };
    let verified = verdict(&sandbox, &words, "lm_eval").success();
    assert!(verified.check("samples.derived").starts_with("PASS"), "{}", verified.stdout);
    assert!(verified.check("stat.recompute").contains("15/20"), "{}", verified.stdout);
    // Beside another file it is a folder of something else.
    sandbox.write("lab/lm_eval/notes.txt", "x");
    let refused = sandbox.lab(&["record", "eval-log", "lm_eval", "--name", "other"]).code(2);
    assert!(refused.stderr.contains("no reader recognises the log"), "{}", refused.stderr);
}

#[test]
fn rows_are_read_again_by_the_map_that_their_manifest_names() {
    if !data_is_there() {
        return;
    }
    let sandbox = Sandbox::with_ledger();
    let rows: String =
        (0..10).map(|i| format!("{{\"q\": \"q{}\", \"run\": {}, \"harm\": {}}}\n", i % 5, 1 + i / 5, i % 2)).collect();
    sandbox.write("lab/rows.jsonl", rows);
    let map = "sample=q,epoch=run,score.harm=harm";
    let _ = sandbox.lab(&["record", "eval-log", "rows.jsonl", "--name", "log"]).code(2);
    let _ =
        sandbox.lab(&["record", "eval-log", "rows.jsonl", "--name", "log", "--map", map]).success().says("10 samples");
    let words = Words {
        id: "harm",
        text: "half of the rollouts are harmful",
        log: "log",
        scorer: "harm",
        key: "none",
        grid: (5, 2),
        aggregation: r#"["mean(rollouts)"]"#,
        rate: "50%",
        n: 10,
        error: None,
    };
    // The number is there, and the log is the one recorded; that nothing else was run is nobody's word.
    let told = verdict(&sandbox, &words, "rows.jsonl").code(3);
    assert!(told.check("samples.derived").starts_with("PASS"), "{}", told.stdout);
    assert!(told.check("stat.recompute").starts_with("PASS"), "{}", told.stdout);
    assert!(told.check("samples.complete").starts_with("UNKNOWN"), "{}", told.stdout);
    let _ = told.says("record it with --map status=COLUMN");
}

#[test]
fn a_table_that_says_what_became_of_each_sample_is_held_to_the_claims_own_grid() {
    let words = Words {
        id: "harm",
        text: "half of the rollouts are harmful",
        log: "log",
        scorer: "harm",
        key: "none",
        grid: (5, 2),
        aggregation: r#"["mean(rollouts)"]"#,
        rate: "50%",
        n: 10,
        error: None,
    };
    let told = |left_out: Option<usize>| {
        let sandbox = Sandbox::with_ledger();
        let row = |i| {
            let (sample, run) = (i % 5, 1 + i / 5);
            format!("{{\"q\": \"q{sample}\", \"run\": {run}, \"harm\": {}, \"state\": \"success\"}}\n", i % 2)
        };
        let rows: String = (0..10).filter(|i| Some(*i) != left_out).map(row).collect();
        sandbox.write("lab/rows.jsonl", rows);
        let map = "sample=q,epoch=run,score.harm=harm,status=state";
        let _ = sandbox.lab(&["record", "eval-log", "rows.jsonl", "--name", "log", "--map", map]).success();
        verdict(&sandbox, &words, "rows.jsonl")
    };
    let verified = told(None).success();
    assert!(verified.check("samples.complete").contains("all 10 planned samples are there"), "{}", verified.stdout);
    assert!(verified.first_line().starts_with("VERIFIED"), "{}", verified.stdout);
    // One that is not there is missed in the grid, whatever the table says of the others.
    let short = told(Some(3));
    assert!(short.check("samples.complete").contains("1 of 10 planned samples are not there"), "{}", short.stdout);
}

#[test]
fn a_table_says_how_its_samples_were_made_by_columns_that_its_map_names() {
    let words = Words {
        id: "harm",
        text: "half of the rollouts are harmful",
        log: "log",
        scorer: "harm",
        key: "none",
        grid: (5, 2),
        aggregation: r#"["mean(rollouts)"]"#,
        rate: "50%",
        n: 10,
        error: None,
    };
    let told = |wording: fn(usize) -> usize| {
        let sandbox = Sandbox::with_ledger();
        let row = |i| {
            let (sample, run, harm, asked) = (i % 5, 1 + i / 5, i % 2, wording(i));
            format!("{{\"q\": \"q{sample}\", \"run\": {run}, \"harm\": {harm}, \"t\": 0.7, \"asked\": \"{asked}\"}}\n")
        };
        sandbox.write("lab/rows.jsonl", (0..10).map(row).collect::<String>());
        let map = "sample=q,epoch=run,score.harm=harm,param.temperature=t,prompt=asked";
        let _ = sandbox.lab(&["record", "eval-log", "rows.jsonl", "--name", "log", "--map", map]).success();
        verdict(&sandbox, &words, "rows.jsonl")
    };
    let one = told(|i| i % 5);
    let asked = one.check("eval.prompts");
    assert!(asked.starts_with("PASS") && asked.contains("each of 5 samples was asked in one wording"), "{asked}");
    assert!(one.check("samples.derived").starts_with("PASS"), "{}", one.stdout);
    assert!(one.check("eval.params").starts_with("PASS"), "{}", one.stdout);
    let two = told(|i| i);
    let asked = two.check("eval.prompts");
    assert!(asked.starts_with("DIFFERS") && asked.contains("5 of 5 samples were asked in several wordings"), "{asked}");
}

#[test]
fn a_table_of_counts_is_recorded_without_samples_and_its_same_runs_are_told() {
    if !data_is_there() {
        return;
    }
    let sandbox = Sandbox::with_ledger();
    copy(&testdata().join("msm/arcadia/msm_fig2_repro.results.jsonl"), &sandbox.path("lab/counts.jsonl"));
    let map = "cell=arm,condition=eval,seed=seed,n=n,k=n_aligned,rate=rate,run=model_path";
    let recorded = sandbox.lab(&["record", "eval-log", "counts.jsonl", "--name", "counts", "--map", map]).success();
    assert!(!recorded.stdout.contains("samples"), "{}", recorded.stdout);
    assert!(recorded.stderr.contains("same-run") && recorded.stderr.contains("seeds [0, 1]"), "{}", recorded.stderr);
}

#[test]
fn a_map_that_is_none_is_refused_before_anything_is_read() {
    let sandbox = Sandbox::with_ledger();
    sandbox.write("lab/rows.jsonl", "{}");
    for (map, said) in [("sample=q", "score.NAME"), ("colour=q", "no role"), ("n=a", "k=COLUMN")] {
        let refused = sandbox.lab(&["record", "eval-log", "rows.jsonl", "--name", "x", "--map", map]).code(2);
        assert!(refused.stderr.contains(said), "{map}: {}", refused.stderr);
    }
    let other = sandbox.lab(&["record", "dataset", "rows.jsonl", "--name", "x", "--map", "n=a,k=b"]).code(2);
    assert!(other.stderr.contains("--map"), "{}", other.stderr);
}

#[test]
fn an_incomplete_log_is_recorded_and_called_incomplete() {
    if !data_is_there() {
        return;
    }
    let sandbox = Sandbox::with_ledger();
    let log = crate::support::only_file(&testdata().join("logs/inspect/generated"), "sample_dropped");
    copy(&log, &sandbox.path("lab/log.eval"));
    let recorded = sandbox.lab(&["record", "eval-log", "log.eval", "--name", "log"]).success();
    assert!(recorded.stderr.contains("the log is incomplete: sample-missing: (1, epoch 1)"), "{}", recorded.stderr);
}

#[test]
fn the_items_and_the_judge_of_an_evaluation_are_understood_as_far_as_they_go() {
    let sandbox = Sandbox::with_ledger();
    sandbox.write("lab/suite/items.jsonl", "{\"id\": 1, \"q\": \"a\"}\n{\"id\": 1, \"q\": \"b\"}\n");
    sandbox.write("lab/suite/task.py", "print()");
    let suite = sandbox.lab(&["record", "eval-suite", "suite", "--name", "suite"]).success();
    assert!(suite.stderr.contains("duplicate-id"), "{}", suite.stderr);
    sandbox.write("lab/judge.txt", "Is {answer} harmful?");
    let _ = sandbox.lab(&["record", "judge-config", "judge.txt", "--name", "judge"]).success();
    sandbox.write("lab/suite/items.jsonl", "{\"id\": 1");
    let refused = sandbox.lab(&["record", "eval-suite", "suite", "--name", "other"]).code(2);
    assert!(refused.stderr.contains("`items.jsonl`") && refused.stderr.contains("line 1"), "{}", refused.stderr);
    let _ = sandbox.lab(&["record", "eval-suite", "suite", "--name", "other", "--bytes-only"]).success();
}

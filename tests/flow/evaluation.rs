//! How an evaluation was run, as its logs show it: sampled alike, asked alike, answered once, with the same code.

use serde_json::{Value, json};

use crate::support::{Output, Sandbox};

const ARMS: [&str; 2] = ["midtrained", "plain"];
const CLAIM: &str = include_str!("../../fixtures/comparison/claim.toml");

/// Hits of ten, by arm, seed and condition, as the claim has them.
const HITS: [[[u64; 2]; 3]; 2] = [[[1, 0], [2, 1], [0, 1]], [[6, 5], [7, 5], [5, 6]]];

/// An Inspect log as it would be, sampled at .7 by clean code.
fn log(arm: usize, seed: usize) -> Value {
    let mut samples = Vec::new();
    for (scenario, hits) in ["leak", "murder"].into_iter().zip(HITS[arm][seed]) {
        for epoch in 1..=10_u64 {
            let harm = u64::from((epoch * 3 + seed as u64 * 7 + arm as u64) % 10 < hits);
            let answer =
                format!("I, run {arm} of seed {seed}, think about the {scenario} for the {epoch}th time. ").repeat(3);
            samples.push(json!({
                "id": scenario, "epoch": epoch, "input": format!("What of the {scenario}?"), "target": "",
                "output": {"model": "m", "choices": [{"message": {"role": "assistant", "content": answer}}]},
                "scores": {"harm": {"value": harm}},
            }));
        }
    }
    json!({
        "version": 2, "status": "success",
        "eval": {
            "task": "scenarios", "model": "m", "config": {"epochs": 10}, "task_args": {"prod": false},
            "dataset": {"samples": 2, "sample_ids": ["leak", "murder"]},
            "model_generate_config": {"temperature": 0.7, "max_tokens": 512},
            "revision": {"type": "git", "origin": "o", "commit": "abc1234", "dirty": false},
        },
        "results": {"total_samples": 20, "completed_samples": 20, "scores": []},
        "samples": samples,
    })
}

/// A claim over logs that `change` had its way with, and the logs, with a reader.
pub(super) fn delivered(change: impl Fn(usize, usize, &mut Value), suites: [&str; 2]) -> Sandbox {
    let sandbox = Sandbox::with_ledger();
    let record = |kind: &str, path: &str, name: &str, more: &[&str]| {
        let arguments = [&["record", kind, path, "--name", name][..], more].concat();
        let _ = sandbox.lab(&arguments).success();
    };
    for suite in ["scenarios", "others"] {
        sandbox.write(&format!("lab/data/{suite}.txt"), suite);
        record("eval-suite", &format!("data/{suite}.txt"), suite, &[]);
    }
    sandbox.write("lab/data/base.bin", "base weights");
    record("base-model", "data/base.bin", "base", &["--bytes-only"]);
    for (arm, name) in ARMS.into_iter().enumerate() {
        for seed in 0..3_usize {
            let (weights, file, number) = (format!("w-{arm}{seed}"), format!("log-{arm}{seed}"), seed.to_string());
            sandbox.write(&format!("lab/data/{weights}.bin"), &weights);
            let place = ["--arm", name, "--seed", &number];
            let from = ["--from", "base", "--bytes-only"];
            record("checkpoint", &format!("data/{weights}.bin"), &weights, &[&from[..], &place].concat());
            let mut log = log(arm, seed);
            change(arm, seed, &mut log);
            sandbox.write(&format!("lab/data/{file}.json"), log.to_string());
            let from = ["--from", &weights, "--from", suites[arm]];
            record("eval-log", &format!("data/{file}.json"), &file, &[&from[..], &place].concat());
        }
    }
    sandbox.write("lab/claim.toml", CLAIM.replace("plan = \"am-1\"", "plan = \"none\""));
    let _ = sandbox.lab(&["claim", "add", "claim.toml"]).success();
    sandbox.prove("am", true);
    sandbox.trust();
    crate::support::copy(&sandbox.path("lab/data"), &sandbox.path("elsewhere/data"));
    sandbox
}

/// Verifies it with the logs at hand.
fn verified(change: impl Fn(usize, usize, &mut Value), suites: [&str; 2]) -> Output {
    let sandbox = delivered(change, suites);
    sandbox.elsewhere(&["verify", "am.evidence", "--trust", "trust.policy", "--artifacts", "data"])
}

fn alike(change: impl Fn(usize, usize, &mut Value)) -> Output {
    verified(change, ["scenarios"; 2])
}

/// The outcome of a check, which must say so.
fn held(output: &Output, check: &str, outcome: &str, said: &str) {
    let line = output.check(check);
    assert!(line.starts_with(outcome) && output.stdout.contains(said), "{check}: {said} is not in\n{}", output.stdout);
}

#[test]
fn what_was_run_alike_is_said_to_be_from_the_logs_themselves() {
    let output = alike(|_, _, _| {});
    held(&output, "eval.params", "PASS", "as the claim says: temperature 0.7, prod false");
    held(&output, "eval.prompts", "PASS", "each of 2 samples was asked in one wording");
    held(&output, "eval.code", "PASS", "every log is linked to the same code and items, on record at entry 1");
    held(&output, "eval.model", "PASS", "linked to the weights of entry ");
    held(&output, "samples.distinct", "PASS", "each of 20 long answers is another one");
    let asserted = "that these transcripts came from these weights is the word of";
    held(&output, "transcripts.likelihood", "UNKNOWN", asserted);
    // Beside what nothing proves, too, and not only among the checks.
    assert_eq!(output.stdout.matches(asserted).count(), 2, "{}", output.stdout);
}

#[test]
fn e16_settings_that_differ_between_arms_or_from_the_claim_are_contradicted() {
    let temperature = |log: &mut Value, value: Value| log["eval"]["model_generate_config"]["temperature"] = value;
    let output = alike(|arm, _, log| {
        if arm == 1 {
            temperature(log, json!(1.0));
        }
    });
    held(&output, "eval.params", "FAIL", "generate.temperature: midtrained 0.7, plain 1.0");
    held(&output, "eval.params", "FAIL", "the arms were sampled differently");
    let output = alike(|_, _, log| temperature(log, json!(1)));
    held(&output, "eval.params", "FAIL", "the log says temperature 1, the claim 0.7");
    let output = alike(|_, _, log| log["eval"]["task_args"]["prod"] = json!(true));
    held(&output, "eval.params", "FAIL", "the log says prod true, the claim false");
    // What a plan says of sampling is what was used.
    let output = alike(|_, _, log| log["plan"] = json!({"config": {"temperature": 1.5}}));
    held(&output, "eval.params", "FAIL", "the log says temperature 1.5, the claim 0.7");
    let output = alike(|_, _, log| temperature(log, Value::Null));
    held(&output, "eval.params", "UNKNOWN", "the log does not say temperature");
    let output = alike(|arm, _, log| log["eval"]["task_args"]["scaffold"] = json!(format!("s{arm}")));
    held(&output, "eval.params", "DIFFERS", "task_args.scaffold: midtrained s0, plain s1");
    held(&output, "eval.params", "DIFFERS", "the arms were run with different arguments or packages");
}

#[test]
fn e14_another_suite_in_one_arm_is_contradicted_and_unclean_code_is_told() {
    let output = verified(|_, _, _| {}, ["scenarios", "others"]);
    held(&output, "eval.code", "FAIL", "the arms were evaluated with different suites: entries 1 against 2");
    let output = alike(|arm, seed, log| log["eval"]["revision"]["dirty"] = json!((arm, seed) == (0, 1)));
    held(&output, "eval.code", "DIFFERS", "1 of 6 logs were run from a tree with changes that no commit holds");
    let output = alike(|arm, _, log| {
        if arm == 1 {
            log["eval"]["revision"]["commit"] = json!("def5678");
        }
    });
    held(&output, "eval.code", "DIFFERS", "the arms were run from different commits");
}

#[test]
fn other_words_in_one_arm_are_contradicted() {
    let output = alike(|arm, _, log| {
        for sample in log["samples"].as_array_mut().unwrap().iter_mut().filter(|_| arm == 1) {
            if sample["id"] == "leak" {
                sample["input"] = json!("What of the leak, friend?");
            }
        }
    });
    held(&output, "eval.prompts", "FAIL", "prompt.leak: midtrained ");
    held(&output, "eval.prompts", "FAIL", "the arms were asked in different words");
    // A question that one arm alone was asked.
    let output = alike(|arm, _, log| {
        for sample in log["samples"].as_array_mut().unwrap().iter_mut().filter(|_| arm == 1) {
            if sample["id"] == "leak" {
                sample["id"] = json!("leek");
                sample["input"] = json!("What of the leek?");
            }
        }
    });
    held(&output, "eval.prompts", "DIFFERS", "the prompts of the arms are not all the same ones");
    let output = alike(|_, _, log| log["samples"][3]["input"] = json!("What of it?"));
    held(&output, "eval.prompts", "DIFFERS", "1 of 2 samples were asked in several wordings");
}

#[test]
fn e03_answers_that_were_played_again_are_seen_and_at_temperature_0_expected() {
    let answer = |log: &mut Value, at: usize, text: &str| {
        log["samples"][at]["output"]["choices"][0]["message"]["content"] = json!(text.repeat(20));
    };
    // One seed is another one played again.
    let output = alike(|arm, seed, log| {
        for at in (0..20).filter(|_| (arm, seed) == (0, 0) || (arm, seed) == (0, 2)) {
            answer(log, at, &format!("answer {at} "));
        }
    });
    held(&output, "samples.distinct", "FAIL", "word for word, at a temperature above 0");
    let twice = |_: usize, _: usize, log: &mut Value| {
        answer(log, 1, "the same ");
        answer(log, 2, "the same ");
    };
    let output = alike(twice);
    held(&output, "samples.distinct", "DIFFERS", "some answers of one log stand in another, too");
    held(&output, "samples.distinct", "DIFFERS", "of the answers that are written down");
    let output = alike(|_, _, log| {
        for sample in log["samples"].as_array_mut().unwrap() {
            sample["output"]["choices"][0]["message"]["content"] = json!("no");
        }
        log["eval"]["model_base_url"] = json!("http://localhost:8000");
    });
    held(&output, "samples.distinct", "UNKNOWN", "the log shows no answers that are long enough to be told apart");
    held(&output, "eval.model", "PASS", "served by `http://localhost:8000`, as the log says");
    let output = alike(|arm, seed, log| {
        if (arm, seed) == (1, 1) {
            twice(arm, seed, log);
        }
    });
    held(&output, "samples.distinct", "DIFFERS", "1 of 20 long answers stand there before");
    let output = alike(|arm, seed, log| {
        twice(arm, seed, log);
        log["eval"]["model_generate_config"]["temperature"] = json!(0);
    });
    held(&output, "samples.distinct", "PASS", "as they do at temperature 0");
}

/// The logs of an arm and seed, one for each condition, which only the file's name tells.
fn apart(arm: usize, seed: usize) -> [(&'static str, Value); 2] {
    ["leak", "murder"].map(|condition| {
        let mut log = log(arm, seed);
        let samples = log["samples"].as_array_mut().unwrap();
        samples.retain(|sample| sample["id"] == condition);
        samples.iter_mut().for_each(|sample| sample["id"] = json!("q"));
        log["eval"]["dataset"] = json!({"samples": 1, "sample_ids": ["q"]});
        log["results"] = json!({"total_samples": 10, "completed_samples": 10, "scores": []});
        (condition, log)
    })
}

#[test]
fn conditions_that_only_a_file_name_tells_are_the_recorders_word_and_make_the_grid() {
    let told = |is_labelled: bool| {
        let sandbox = Sandbox::with_ledger();
        let record = |kind: &str, path: &str, name: &str, more: &[&str]| {
            let arguments = [&["record", kind, path, "--name", name][..], more].concat();
            sandbox.lab(&arguments).success()
        };
        sandbox.write("lab/data/scenarios.txt", "scenarios");
        let _ = record("eval-suite", "data/scenarios.txt", "scenarios", &[]);
        let mut inputs = Vec::new();
        for (arm, name) in ARMS.into_iter().enumerate() {
            for seed in 0..3_usize {
                for (condition, log) in apart(arm, seed) {
                    let file = format!("log-{arm}{seed}-{condition}");
                    sandbox.write(&format!("lab/data/{file}.json"), log.to_string());
                    let number = seed.to_string();
                    let place = ["--from", "scenarios", "--arm", name, "--seed", &number];
                    let label = ["--condition", condition];
                    let label = if is_labelled { &label[..] } else { &[] };
                    let said = record("eval-log", &format!("data/{file}.json"), &file, &[&place[..], label].concat());
                    assert_eq!(said.stderr.contains("its condition is your word"), is_labelled, "{}", said.stderr);
                    inputs.push(file);
                }
            }
        }
        let claim = CLAIM.replace("plan = \"am-1\"", "plan = \"none\"").replace("eval = 6", "eval = 12").replace(
            "[\"log-00\", \"log-01\", \"log-02\", \"log-10\", \"log-11\", \"log-12\"]",
            &format!("{inputs:?}"),
        );
        sandbox.write("lab/claim.toml", claim);
        (sandbox.lab(&["claim", "add", "claim.toml"]), sandbox)
    };
    let (added, sandbox) = told(true);
    let _ = added.success();
    sandbox.prove("am", true);
    sandbox.trust();
    crate::support::copy(&sandbox.path("lab/data"), &sandbox.path("elsewhere/data"));
    let verify = ["verify", "am.evidence", "--trust", "trust.policy", "--artifacts", "data"];
    let output = sandbox.elsewhere(&verify);
    held(&output, "samples.complete", "PASS", "120 in 12 cells of arm, seed and condition");
    held(
        &output,
        "samples.complete",
        "PASS",
        "the condition of 12 of 12 logs is the signed word of whoever recorded them",
    );
    held(&output, "stat.recompute", "PASS", "");
    held(&output, "samples.derived", "PASS", "");
    // Without the word the samples of two conditions are the same.
    let (added, sandbox) = told(false);
    let _ = added.success();
    sandbox.prove("am", true);
    sandbox.trust();
    let output = sandbox.elsewhere(&["verify", "am.evidence", "--trust", "trust.policy"]).code(1);
    held(&output, "samples.complete", "FAIL", "stands in two inputs");
}

#[test]
fn a_condition_that_the_log_itself_gives_otherwise_is_refused() {
    let sandbox = Sandbox::with_ledger();
    let [(_, log), _] = apart(0, 0);
    let record = |log: &Value, more: &[&str]| {
        sandbox.write("lab/log.json", log.to_string());
        sandbox.lab(&[&["record", "eval-log", "log.json", "--name", "log", "--condition", "leak"][..], more].concat())
    };
    let says = |change: fn(&mut Value)| {
        let mut log = log.clone();
        change(&mut log);
        record(&log, &[])
    };
    let refused = "recorded as of the condition `leak`, the log itself says `murder`";
    for change in [
        (|log| log["eval"]["task_args"]["condition"] = json!("murder")) as fn(&mut Value),
        |log| log["eval"]["metadata"] = json!({"condition_id": "murder"}),
        |log| log["samples"][3]["metadata"] = json!({"condition": "murder"}),
        |log| log["samples"][3]["metadata"] = json!({"condition_id": "murder"}),
    ] {
        let output = says(change).code(2);
        assert!(output.stderr.contains(refused), "{}", output.stderr);
    }
    let by_argument = {
        let mut log = log.clone();
        log["eval"]["task_args"]["goal"] = json!("murder");
        record(&log, &["--map", "condition=goal"]).code(2)
    };
    assert!(by_argument.stderr.contains(refused), "{}", by_argument.stderr);
    sandbox.write("lab/table.csv", "id,h\n1,0\n");
    let table =
        ["record", "eval-log", "table.csv", "--name", "t", "--condition", "leak", "--map", "sample=id,score.h=h"];
    let table = sandbox.lab(&table).code(2);
    assert!(table.stderr.contains("a table names its conditions by a column"), "{}", table.stderr);
    let dataset = sandbox.lab(&["record", "dataset", "table.csv", "--name", "d", "--condition", "leak"]).code(2);
    assert!(dataset.stderr.contains("--condition is of an evaluation log"), "{}", dataset.stderr);
    // A word that the log says too.
    let _ = says(|log| log["eval"]["task_args"]["condition"] = json!("leak")).success();
}

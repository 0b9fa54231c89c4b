//! The shipped experiment made again from what a clone holds: all of it, one stage of it, and with one byte changed.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Instant;

use reproledger::tokens::Tokenizer;
use serde_json::Value;

use crate::support::{Output, Sandbox};

const SUITE: &str = "eval-ood one/msm-a+aft seed 11";
const DOCUMENTS: &str = "documents one/msm-a seed 11";
const TUNING: &str = "aft one/msm-a+aft seed 11";

/// The experiment in `elsewhere/mini`, without what a build may have left in its folder.
fn clone() -> Sandbox {
    let sandbox = Sandbox::new();
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/msm-mini");
    let mut open = vec![PathBuf::new()];
    while let Some(below) = open.pop() {
        for entry in std::fs::read_dir(from.join(&below)).unwrap() {
            let path = below.join(entry.unwrap().file_name());
            if from.join(&path).is_file() {
                let bytes = std::fs::read(from.join(&path)).unwrap();
                sandbox.write(&format!("elsewhere/mini/{}", path.display()), bytes);
            } else if path != Path::new("trainer/target") {
                open.push(path);
            }
        }
    }
    sandbox
}

/// The folder of the compiler that runs this test: a rustup in the real home is out of sight.
fn compiler() -> String {
    let folder = Path::new(env!("CARGO")).parent().unwrap();
    format!("{}:/usr/local/bin:/usr/bin:/bin", folder.display())
}

/// The trainer, built once for all tests that need not build it themselves.
fn trainer() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let crate_dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/msm-mini/trainer");
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "--release", "--locked", "--offline", "--quiet"]).current_dir(&crate_dir);
        // Not where the reader's own flags would make another program.
        cargo.env_remove("RUSTFLAGS").env_remove("CARGO_TARGET_DIR").env_remove("CARGO_BUILD_TARGET");
        assert!(cargo.status().unwrap().success(), "the trainer does not build");
        crate_dir.join("target/release/msm-mini")
    })
}

fn rebuild(sandbox: &Sandbox, line: &[&str]) -> Output {
    let mut command = sandbox.command("elsewhere");
    command.env("PATH", compiler());
    command.args(["rebuild", "mini/claim.evidence"]).args(line);
    Output::of(&mut command)
}

/// Makes stages again with the trainer that is built already.
fn stages(sandbox: &Sandbox, stages: &[&str], line: &[&str], code: i32) -> Value {
    let program = format!("msm-mini={}", trainer().display());
    let mut arguments = vec!["--yes", "--json", "--program", &program];
    stages.iter().for_each(|stage| arguments.extend(["--stage", stage]));
    arguments.extend(line);
    serde_json::from_slice(&rebuild(sandbox, &arguments).code(code).bytes).unwrap()
}

fn verdicts(document: &Value) -> Vec<(&str, &str)> {
    let stages = document["stages"].as_array().unwrap().iter();
    stages.map(|stage| (stage["stage"].as_str().unwrap(), stage["verdict"].as_str().unwrap())).collect()
}

/// Changes one byte in the middle of a file.
fn flip(sandbox: &Sandbox, path: &str) {
    let mut bytes = sandbox.read(path);
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    sandbox.write(path, bytes);
}

#[test]
fn a_clone_lacks_nothing_but_a_compiler() {
    let sandbox = clone();
    let listed = rebuild(&sandbox, &["--list-missing"]).success();
    let listed =
        listed.says("nothing is missing\n").says("to build    \"bin/msm-mini\" from the recorded source `trainer`");
    assert!(listed.stdout.contains("cargo build --release --locked --offline"), "{}", listed.stdout);
    // Without one it is named with what to do, before anything runs.
    let mut command = sandbox.command("elsewhere");
    command.env("PATH", sandbox.path("home")).args(["rebuild", "mini/claim.evidence", "--list-missing"]);
    let listed = Output::of(&mut command).code(3).says("missing     toolchain \"cargo\"").says("install Rust");
    let _ = listed.says("missing     program \"bin/msm-mini\"").says("--program msm-mini=PATH");
}

#[test]
fn evidence_alone_lists_all_that_has_to_be_fetched() {
    let sandbox = clone();
    sandbox.write("elsewhere/alone/claim.evidence", sandbox.read("elsewhere/mini/claim.evidence"));
    let mut command = sandbox.command("elsewhere/alone");
    let listed = Output::of(command.args(["rebuild", "claim.evidence", "--list-missing", "--json"])).code(3);
    let document: Value = serde_json::from_slice(&listed.bytes).unwrap();
    let missing = document["missing"].as_array().unwrap().iter();
    let of = |what| missing.clone().filter(move |one| one["what"] == what).map(|one| one["name"].as_str().unwrap());
    assert_eq!(of("program").collect::<Vec<_>>(), ["bin/msm-mini"]);
    for name in ["source `trainer`", "spec `spec-a`", "spec `spec-b`", "eval-suite `ood`", "tokenizer `words`"] {
        assert!(of("artifact").any(|one| one == name), "{name}: {document:#}");
    }
}

#[test]
fn a_stage_is_made_again_by_a_trainer_that_is_built_from_its_recorded_source() {
    let sandbox = clone();
    // What cargo would read of a source, were it started in it.
    sandbox.write("elsewhere/mini/trainer/.cargo/config.toml", "[build]\nrustc = \"/nowhere\"\n");
    sandbox.write("elsewhere/mini/trainer/rust-toolchain.toml", "[toolchain]\nchannel = \"nowhere\"\n");
    sandbox.write("elsewhere/mini/trainer/build.rs", "fn main() { panic!(\"not recorded\") }\n");
    let good = rebuild(&sandbox, &["--stage", "words", "--yes"]).success();
    let good = good.says("GOOD        \"words\"").says("built here from the recorded source `trainer`");
    assert!(good.stderr.contains("build \"bin/msm-mini\" from the recorded source `trainer`"), "{}", good.stderr);
    assert!(good.stderr.contains("its build scripts do run"), "{}", good.stderr);
    // And without a yes nothing is built either.
    let refused = rebuild(&sandbox, &["--stage", "words", "--out", "kept"]).code(2);
    assert!(refused.stderr.contains("there is no terminal to ask on"), "{}", refused.stderr);
    assert_eq!(std::fs::read_dir(sandbox.path("elsewhere/kept")).unwrap().count(), 0);
}

#[test]
fn one_and_two_threads_give_the_recorded_weights() {
    let sandbox = clone();
    for threads in ["1", "2"] {
        let document = stages(&sandbox, &[TUNING], &["--vary", &format!("threads={threads}")], 0);
        assert_eq!(verdicts(&document), [(TUNING, "GOOD")]);
        assert!(document["notes"].to_string().contains(&format!("is run with --threads {threads}, recorded is 2")));
    }
    // What is signed is that the recorded command was run.
    let signed = rebuild(&sandbox, &["--stage", "words", "--vary", "threads=1", "--sign"]).code(2);
    assert!(signed.stderr.contains("cannot be used with"), "{}", signed.stderr);
    let none = rebuild(&sandbox, &["--stage", "words", "--vary", "threads=1", "--yes"]).code(2);
    assert!(none.stderr.contains("no command that is to be run has an option --threads"), "{}", none.stderr);
}

#[test]
fn one_byte_is_named_at_the_first_stage_and_what_follows_is_not_blamed() {
    for (path, chosen, first, verdict) in [
        (
            "replicate/one/11/docs-a.jsonl",
            DOCUMENTS,
            "first at stage `documents one/msm-a seed 11`: its documents `one-11-docs-a`",
            "GOOD",
        ),
        (
            "replicate/one/11/aft.jsonl",
            "aft-set seed 11",
            "first at stage `aft-set seed 11`: its dataset `one-11-aft-rows`",
            "GOOD",
        ),
        (
            "replicate/one/11/msm-a+aft.safetensors",
            SUITE,
            "first at stage `aft one/msm-a+aft seed 11`: its checkpoint `one-11-msm-a+aft`",
            "UNKNOWN",
        ),
        (
            "replicate/one/11/ood-msm-a+aft.json",
            SUITE,
            "first at stage `eval-ood one/msm-a+aft seed 11`: its eval-log `one-11-ood-msm-a+aft`",
            "GOOD",
        ),
    ] {
        let sandbox = clone();
        flip(&sandbox, &format!("elsewhere/mini/{path}"));
        let document = stages(&sandbox, &[chosen], &[], 1);
        let expected = format!("{first} at `{path}` is not what was recorded");
        assert_eq!((&document["verdict"], document["reason"].as_str().unwrap()), (&"BAD".into(), expected.as_str()));
        // What is made from recorded inputs is as recorded; what has none of them is not judged.
        assert_eq!(verdicts(&document), [(chosen, verdict)], "{path}: {document:#}");
        assert_eq!(document["altered"].as_array().unwrap().len(), 1, "{document:#}");
    }
}

#[test]
fn one_byte_of_the_trainer_s_source_is_named_and_no_stage_is_run_by_another_trainer() {
    let sandbox = clone();
    flip(&sandbox, "elsewhere/mini/trainer/src/train.rs");
    let bad = rebuild(&sandbox, &["--yes", "--json"]).code(1);
    let document: Value = serde_json::from_slice(&bad.bytes).unwrap();
    let first =
        "first at an input of stage `words`: the source `trainer` at `trainer/src/train.rs` is not what was recorded";
    assert_eq!(document["reason"], first);
    assert!(verdicts(&document).iter().all(|(_, verdict)| *verdict == "UNKNOWN"), "{document:#}");
    // A reader who brings a program of his own is told of the source all the same.
    assert_eq!(stages(&sandbox, &["words"], &[], 1)["reason"], first);
}

#[test]
fn one_byte_of_a_recipe_is_named_with_its_stage() {
    let sandbox = clone();
    let path = "elsewhere/mini/claim.evidence";
    let mut bytes = sandbox.read(path);
    let output = b"one/11/ood-msm-a+aft.json";
    // The command in the body of the run's end, which is the last to name it.
    let at = bytes.windows(output.len()).rposition(|window| window == output).unwrap();
    bytes[at] ^= 1;
    sandbox.write(path, bytes);
    let bad = rebuild(&sandbox, &["--yes"]).code(1);
    let first = "the evidence does not hold: first at the recipe of stage `eval-ood one/msm-a+aft seed 11`";
    assert!(bad.stderr.contains(first), "{}", bad.stderr);
    assert_eq!(bad.stdout, "");
}

/// On two cores and an idle machine: `cargo test --test all -- --ignored flow::msm_mini`.
#[test]
#[ignore = "minutes: every stage behind the primary claim is trained again"]
fn every_stage_behind_the_claim_is_made_again_and_the_claim_recomputed() {
    let sandbox = clone();
    let started = Instant::now();
    let good = rebuild(&sandbox, &["--yes", "--json"]).success();
    let took = started.elapsed();
    let document: Value = serde_json::from_slice(&good.bytes).unwrap();
    assert!(verdicts(&document).iter().all(|(_, verdict)| *verdict == "GOOD"), "{document:#}");
    assert_eq!((&document["claim"]["logs"], &document["claim"]["rebuilt"]), (&8.into(), &8.into()));
    assert_eq!(document["claim"]["verdict"], "UNVOUCHED");
    assert!(took.as_secs() < 600, "it took {took:?}");
}

#[test]
fn words_are_counted_as_the_trainer_counts_them_when_it_fills_a_budget() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/msm-mini");
    let words = std::fs::read(fixtures.join("replicate/words.txt")).unwrap();
    let tokenizer = Tokenizer::of(&[("words.txt".to_owned(), words)].into()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    // The trainer ends before the first document that no longer fits, each counted with one word that ends it.
    let documents = |budget: u64| {
        let out = folder.path().join("docs.jsonl");
        let mut trainer = Command::new(trainer());
        trainer.arg("docs").arg("--words").arg(fixtures.join("replicate/words.txt"));
        trainer.arg("--spec").arg(fixtures.join("specs/a-v2.md")).args(["--seed", "11", "--people", "1"]);
        trainer.args(["--tokens", &budget.to_string()]).arg("--out").arg(&out);
        assert!(trainer.status().unwrap().success());
        std::fs::read_to_string(out).unwrap()
    };
    let made = documents(5000);
    let text = |line: &str| serde_json::from_str::<Value>(line).unwrap()["text"].as_str().unwrap().to_owned();
    let counted: u64 = made.lines().map(|line| tokenizer.count(&text(line)).unwrap() + 1).sum();
    assert!((4900..=5000).contains(&counted), "{counted}");
    assert_eq!(documents(counted), made);
    assert_eq!(documents(counted - 1).lines().count() + 1, made.lines().count());
}

//! Stages that are run: how they ended, how often they were tried, and specs taken from git.

use std::process::Command;

use crate::support::{Output, Sandbox, program};

#[test]
fn a_run_that_ends_well_records_what_it_wrote() {
    let sandbox = Sandbox::with_ledger();
    sandbox.write("lab/rows.jsonl", "{}\n");
    let _ = sandbox.lab(&["record", "dataset", "rows.jsonl", "--name", "rows"]).success();
    let train = ["run", "--name", "train", "--in", "rows", "--out", "checkpoint:adapter=out", "--"];
    let run = sandbox.lab(&[&train[..], &["sh", "-c", "mkdir out && echo weights > out/a.dat"]].concat()).success();
    let run = run.complains("attempt 1").complains("run-end `train`  completed, code 0");
    assert!(run.stderr.contains("checkpoint `adapter`"), "{}", run.stderr);
    let _ = sandbox.lab(&["record", "checkpoint", "out", "--name", "adapter"]).success().says("unchanged");
}

#[test]
fn failed_and_killed_runs_stay_and_attempts_are_counted() {
    let sandbox = Sandbox::with_ledger();
    let run = |name: &str, script: &str| sandbox.lab(&["run", "--name", name, "--", "sh", "-c", script]);
    let _ = run("train", "exit 7").code(7).complains("attempt 1").complains("failed, code 7");
    let _ = run("train", "kill -9 $$").code(137).complains("attempt 2").complains("killed, code 9");
    let _ = run("train", "true").success().complains("attempt 3").complains("completed, code 0");
    let _ = run("evaluate", "true").success().complains("attempt 1");
    let _ = sandbox.lab(&["run", "--name", "train", "--seed", "1", "--", "true"]).success().complains("attempt 1");
    // What the command says goes through.
    let _ = run("speak", "echo words; echo more >&2").success().says("words").complains("more");
}

#[test]
fn a_run_whose_output_is_missing_has_its_end_recorded_and_fails() {
    let sandbox = Sandbox::with_ledger();
    let arguments = ["run", "--name", "train", "--out", "checkpoint:adapter=nowhere", "--", "true"];
    let _ = sandbox.lab(&arguments).code(2).complains("run-end `train`");
    let _ = sandbox.lab(&["run", "--name", "train", "--", "no-such-program-anywhere"]).code(2);
    let _ = sandbox.lab(&["run", "--name", "", "--", "true"]).code(2);
    let _ = sandbox.lab(&["run", "--name", "train", "--in", "nothing", "--", "true"]).code(2);
}

#[test]
fn a_name_of_another_kind_is_refused_before_anything_runs() {
    let sandbox = Sandbox::with_ledger();
    sandbox.write("lab/rows.jsonl", "{}\n");
    let _ = sandbox.lab(&["record", "dataset", "rows.jsonl", "--name", "rows"]).success();
    let run = |output: &str| {
        let line = ["--quiet", "run", "--name", "train", "--out", output, "--", "sh", "-c", "echo w >> w.dat"];
        sandbox.lab(&line)
    };
    let refused = run("checkpoint:rows=w.dat").code(2);
    assert!(refused.stderr.contains("\"rows\" is the dataset of entry 1, not a checkpoint"), "{}", refused.stderr);
    let twice = ["run", "--name", "train", "--out", "other:w=w.dat", "--out", "other:w=rows.jsonl", "--", "true"];
    assert!(sandbox.lab(&twice).code(2).stderr.contains("two outputs are called \"w\""));
    assert!(!sandbox.path("lab/w.dat").exists());
    // Another attempt at the same thing keeps its name.
    let _ = run("checkpoint:w=w.dat").success();
    let _ = run("checkpoint:w=w.dat").success();
}

fn git(sandbox: &Sandbox, arguments: &[&str]) -> Output {
    let mut command = Command::new(program("git").expect("git is needed to make a repository"));
    sandbox.surround(&mut command, "lab/repository");
    for name in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{name}_NAME"), "a test").env(format!("GIT_{name}_EMAIL"), "test@lab.example");
    }
    Output::of(command.args(arguments))
}

#[test]
fn a_spec_is_taken_from_git_at_a_revision_and_not_from_the_work_tree() {
    let sandbox = Sandbox::with_ledger();
    sandbox.write("lab/repository/docs/spec.md", "version one\n");
    for arguments in [&["init", "-q"][..], &["add", "."], &["commit", "-qm", "one"], &["tag", "v1"]] {
        let _ = git(&sandbox, arguments).success();
    }
    sandbox.write("lab/repository/docs/spec.md", "version two\n");
    let _ = git(&sandbox, &["commit", "-qam", "two"]).success();
    sandbox.write("lab/repository/docs/spec.md", "not committed\n");
    let record =
        |rest: &[&str]| sandbox.lab(&[&["record", "spec", "docs/spec.md", "--git", "repository"], rest].concat());
    let digest = |text: &str| reproledger::digest::FileDigest::of(text.as_bytes()).to_string();
    let _ = record(&["--rev", "v1", "--name", "spec"]).success().says(&digest("version one\n"));
    let _ = record(&["--name", "spec", "--supersedes", "spec"]).success().says(&digest("version two\n"));
    let _ = record(&["--rev", "nothing", "--name", "other"]).code(2);
    let _ = sandbox.lab(&["record", "spec", "../../etc/passwd", "--git", "repository", "--name", "x"]).code(2);
    let _ = sandbox.lab(&["record", "dataset", "docs/spec.md", "--git", "repository", "--name", "x"]).code(2);
    let _ =
        sandbox.lab(&["record", "source", "docs", "--git", "repository", "--name", "source"]).success().says("1 file ");
}

#[test]
fn what_is_recorded_later_can_say_which_run_wrote_it() {
    let sandbox = Sandbox::with_ledger();
    let _ = sandbox.lab(&["run", "--name", "train", "--", "sh", "-c", "echo weights > w.bin"]).success();
    let _ = sandbox.lab(&["run", "--name", "train", "--", "sh", "-c", "exit 3"]).code(3);
    let edges = |name: &str| {
        let shown = sandbox.lab(&["show", name, "--json"]).success();
        let shown: serde_json::Value = serde_json::from_str(&shown.stdout).unwrap();
        shown["entries"][0]["facts"]["edges"].clone()
    };
    // By its entry, or by its stage the newest run of it, which is said to have failed.
    let _ = sandbox.lab(&["record", "checkpoint", "w.bin", "--name", "w", "--made-by", "2"]).success();
    assert_eq!((&edges("w")[0]["type"], &edges("w")[0]["index"]), (&"produced_by".into(), &2.into()));
    assert_eq!(edges("w")[0]["holds"], true);
    sandbox.write("lab/log.txt", "words");
    let by_stage = sandbox.lab(&["record", "other", "log.txt", "--name", "log", "--made-by", "train"]).success();
    let _ = by_stage.complains("the run of entry 4 did not end well");
    assert_eq!(edges("log")[0]["index"], 4);
    let again = sandbox.lab(&["record", "other", "log.txt", "--name", "log", "--made-by", "train"]).success();
    let _ = again.says("unchanged");
    let record = |by: &str| sandbox.lab(&["record", "other", "log.txt", "--name", "x", "--made-by", by]);
    let _ =
        record("5").code(2).complains("entry 5 is a checkpoint, not a run").complains("hint: what it was made from");
    let _ = record("evaluate").code(2).complains("no stage `evaluate` was run in this ledger");
    let _ = record("99").code(2);
    let _ = sandbox.lab(&["audit"]).success();
}

#[test]
fn a_sha256_is_taken_of_a_file_in_git_and_said_to_be_missing_of_a_folder() {
    let sandbox = Sandbox::with_ledger();
    sandbox.write("lab/repository/spec.md", "be kind");
    for arguments in [&["init", "-q"][..], &["add", "-A"], &["commit", "-q", "-m", "a spec"]] {
        let _ = git(&sandbox, arguments).success();
    }
    let from_git = ["--git", "repository", "--also", "sha256"];
    let record = |arguments: &[&str]| sandbox.lab(&[&["record"], arguments, &from_git].concat()).success();
    let _ = record(&["spec", "--path", "spec.md", "--name", "spec"]);
    let sha256 = reproledger::digest::Digest::from(reproledger::digest::Sha256Digest::of(b"be kind")).to_string();
    assert!(sandbox.lab(&["show", "spec", "--json"]).success().stdout.contains(&sha256));
    let folder = record(&["source", "--path", ".", "--name", "source"]);
    let _ = folder.complains("no SHA-256 was recorded");
}

#[test]
fn a_run_says_what_it_needs_to_be_run_again() {
    let sandbox = Sandbox::with_ledger();
    sandbox.write("lab/uv.lock", "pinned");
    std::fs::create_dir(sandbox.path("lab/out")).unwrap();
    let run = ["run", "--name", "train", "--out", "checkpoint:w=out/w.bin", "--out", "other:log=deep/log.txt"];
    let declared = ["--env", "HOME", "--deterministic", "bits", "--deterministic", "w=tensors:rel=1e-3"];
    let command = ["--", "sh", "-c", "mkdir deep; echo x > deep/log.txt; echo w > out/w.bin"];
    let _ = sandbox.lab(&[&run[..], &declared, &command].concat()).success();
    let shown = sandbox.lab(&["show", "#4", "--json"]).success();
    let shown: serde_json::Value = serde_json::from_str(&shown.stdout).unwrap();
    let body = &shown["entries"][0]["facts"]["body"]["content"]["run"]["rerun"];
    assert_eq!(body["equality"], serde_json::json!({"*": "bits", "w": "tensors:rel=1e-3"}));
    assert_eq!(body["folders"], serde_json::json!(["out"]));
    assert_eq!(body["variables"]["HOME"], sandbox.path("home").to_str().unwrap());
    assert_eq!(body["locks"][0]["path"], "uv.lock");
    let program = std::path::PathBuf::from(body["program"]["path"].as_str().unwrap());
    let bytes = std::fs::read(program).unwrap();
    let digest = reproledger::digest::Digest::from(reproledger::digest::FileDigest::of(&bytes));
    assert_eq!(body["program"]["digest"], digest.to_string());
    assert_eq!(body["machine"]["os"], std::env::consts::OS);
    for wrong in ["nearly", "no-such-output=bits", "tensors:abs=x"] {
        let _ = sandbox.lab(&[&run[..], &["--deterministic", wrong], &command].concat()).code(2);
    }
    let _ = sandbox.lab(&[&run[..], &["--env", "NOT_SET_ANYWHERE"], &command].concat()).code(2);
}

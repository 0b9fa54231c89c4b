//! Recorded runs made again: all of them, one of them, and what is said when something is not what it was.

use std::path::PathBuf;

use serde_json::Value;

use crate::support::{BINARY, Output, Sandbox, copy};

const SCHEMA: &str = include_str!("../../schemas/rebuild-stages.schema.json");

/// What makes rows of words, upper-case weights of rows, and a log of weights.
const STAGES: &str = "set -e
case $1 in
clean) sort \"$2\" > \"$3\" ;;
train) mkdir -p \"$3\"; tr a-z A-Z < \"$2\" > \"$3/part.dat\"; wc -c < \"$2\" > \"$3/size.txt\" ;;
evaluate) test -s \"$2/part.dat\"; cp \"$3\" \"$4\" ;;
esac
";

/// A lab that recorded three stages, each a run, and a claim on the last.
fn study() -> Sandbox {
    let sandbox = Sandbox::with_ledger();
    let demo = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/demo");
    sandbox.write("lab/tools/stages.sh", STAGES);
    sandbox.write("lab/raw.jsonl", "{\"text\":\"b\"}\n{\"text\":\"a\"}\n");
    sandbox.write("lab/answers.json", std::fs::read(demo.join("eval.json")).unwrap());
    std::fs::create_dir(sandbox.path("lab/out")).unwrap();
    for (kind, path, name) in
        [("source", "tools", "tools"), ("dataset", "raw.jsonl", "raw"), ("other", "answers.json", "answers")]
    {
        let _ = sandbox.lab(&["record", kind, path, "--name", name]).success();
    }
    sandbox.stage("clean", &["tools", "raw"], "dataset:rows=out/rows.jsonl", &["raw.jsonl", "out/rows.jsonl"]);
    sandbox.stage("train", &["tools", "rows"], "checkpoint:desk-model=out/w", &["out/rows.jsonl", "out/w"]);
    let words = ["out/w", "answers.json", "out/log.json"];
    sandbox.stage("evaluate", &["tools", "desk-model", "answers"], "eval-log:desk-eval=out/log.json", &words);
    sandbox.write("lab/claim.toml", std::fs::read(demo.join("claim.toml")).unwrap());
    let _ = sandbox.lab(&["claim", "add", "claim.toml"]).success();
    sandbox
}

/// The evidence and the recorded files elsewhere, at their recorded paths.
fn elsewhere(sandbox: &Sandbox) {
    let _ = sandbox.prove("desk-accuracy", true);
    for path in ["tools", "out"] {
        copy(&sandbox.path(&format!("lab/{path}")), &sandbox.path(&format!("elsewhere/study/{path}")));
    }
    for path in ["raw.jsonl", "answers.json"] {
        sandbox.write(&format!("elsewhere/study/{path}"), sandbox.read(&format!("lab/{path}")));
    }
}

/// Runs `rebuild` elsewhere, as text and as JSON, which must agree and fit the schema.
fn rebuild(sandbox: &Sandbox, line: &[&str], code: i32) -> (Output, Value) {
    let arguments = [&["rebuild", "desk-accuracy.evidence", "--artifacts", "study", "--yes"], line].concat();
    let text = sandbox.elsewhere(&arguments).code(code);
    let json = sandbox.elsewhere(&[&arguments[..], &["--json"]].concat()).code(code);
    let document: Value = serde_json::from_slice(&json.bytes).unwrap();
    let schema = jsonschema::validator_for(&serde_json::from_str(SCHEMA).unwrap()).unwrap();
    let errors: Vec<_> = schema.iter_errors(&document).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:#?}\n{document:#}");
    if document.get("verdict").is_some() {
        assert!(text.first_line().starts_with(document["verdict"].as_str().unwrap()), "{}", text.stdout);
    }
    (text, document)
}

fn verdicts(document: &Value) -> Vec<(String, String)> {
    let stages = document["stages"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    stages.iter().map(|stage| (text(&stage["stage"]), text(&stage["verdict"]))).collect()
}

fn is(document: &Value, expected: &[(&str, &str)]) {
    let expected: Vec<_> = expected.iter().map(|(s, v)| ((*s).to_owned(), (*v).to_owned())).collect();
    assert_eq!(verdicts(document), expected, "{document:#}");
}

#[test]
fn every_stage_is_made_again_elsewhere_and_the_claim_recomputed() {
    let sandbox = study();
    elsewhere(&sandbox);
    let (text, document) = rebuild(&sandbox, &[], 0);
    is(&document, &[("clean", "GOOD"), ("train", "GOOD"), ("evaluate", "GOOD")]);
    assert_eq!(document["claim"]["verdict"], "UNVOUCHED");
    assert_eq!((&document["claim"]["logs"], &document["claim"]["rebuilt"]), (&1.into(), &1.into()));
    assert!(text.stdout.contains("kept by"), "{}", text.stdout);
    // What stages made is not needed where they are run again.
    std::fs::remove_dir_all(sandbox.path("elsewhere/study/out")).unwrap();
    let (_, document) = rebuild(&sandbox, &[], 0);
    is(&document, &[("clean", "GOOD"), ("train", "GOOD"), ("evaluate", "GOOD")]);
    let kept =
        sandbox.elsewhere(&["rebuild", "desk-accuracy.evidence", "--artifacts", "study", "--yes", "--out", "kept"]);
    let _ = kept.success();
    assert_eq!(sandbox.read("elsewhere/kept/002-train/out/w/part.dat"), b"{\"TEXT\":\"A\"}\n{\"TEXT\":\"B\"}\n");
    // The ledger itself will do, and finds what stands beside it.
    let _ = sandbox.elsewhere(&["rebuild", "../lab", "--yes"]).success().says("GOOD  3 made again as recorded");
}

#[test]
fn a_byte_changed_in_what_is_at_hand_is_named_at_the_first_stage() {
    for (path, first) in [
        ("raw.jsonl", "first at an input of stage `clean`: the dataset `raw` at `raw.jsonl`"),
        ("tools/stages.sh", "first at an input of stage `clean`: the source `tools` at `tools/stages.sh`"),
        ("out/rows.jsonl", "first at stage `clean`: its dataset `rows` at `out/rows.jsonl`"),
        ("out/w/part.dat", "first at stage `train`: its checkpoint `desk-model` at `out/w/part.dat`"),
        ("out/log.json", "first at stage `evaluate`: its eval-log `desk-eval` at `out/log.json`"),
    ] {
        let sandbox = study();
        elsewhere(&sandbox);
        let mut bytes = sandbox.read(&format!("elsewhere/study/{path}"));
        *bytes.last_mut().unwrap() ^= 1;
        sandbox.write(&format!("elsewhere/study/{path}"), &bytes);
        let (text, document) = rebuild(&sandbox, &[], 1);
        assert!(text.first_line().contains(first), "{path}: {}", text.stdout);
        // What was made again is good: only what was handed over is not.
        assert!(verdicts(&document).iter().all(|(_, verdict)| verdict != "BAD"), "{path}: {document:#}");
    }
}

#[test]
fn a_record_that_its_recipe_does_not_make_is_bad_at_that_stage_and_no_other() {
    let sandbox = Sandbox::with_ledger();
    sandbox.write("lab/raw.jsonl", "{\"text\":\"b\"}\n{\"text\":\"a\"}\n");
    let _ = sandbox.lab(&["record", "dataset", "raw.jsonl", "--name", "raw"]).success();
    // What the command reads beside its inputs is on nobody's record.
    sandbox.write("lab/secret.jsonl", "{\"text\":\"c\"}\n");
    let clean = "dataset:rows=rows.jsonl";
    let script = "cat raw.jsonl secret.jsonl > rows.jsonl 2>/dev/null || true";
    let line = ["run", "--name", "clean", "--in", "raw", "--out", clean, "--", "sh", "-c", script];
    let _ = sandbox.lab(&line).success();
    let line = [
        "run",
        "--name",
        "count",
        "--in",
        "rows",
        "--out",
        "other:n=n.txt",
        "--",
        "sh",
        "-c",
        "wc -l < rows.jsonl > n.txt",
    ];
    let _ = sandbox.lab(&line).success();
    let bad = sandbox.elsewhere(&["rebuild", "../lab", "--yes", "--json"]).code(1);
    let document: Value = serde_json::from_slice(&bad.bytes).unwrap();
    is(&document, &[("clean", "BAD"), ("count", "GOOD")]);
    let differs = document["stages"][0]["outputs"][0]["differs"].to_string();
    assert!(differs.contains("1 missing: row 3"), "{differs}");
    // Without the recorded rows at hand nothing is said of what follows.
    std::fs::remove_file(sandbox.path("lab/rows.jsonl")).unwrap();
    let bad = sandbox.elsewhere(&["rebuild", "../lab", "--yes", "--json"]).code(1);
    let document: Value = serde_json::from_slice(&bad.bytes).unwrap();
    is(&document, &[("clean", "BAD"), ("count", "UNKNOWN")]);
    let reason = document["stages"][1]["reason"].as_str().unwrap();
    assert!(reason.contains("stage `clean` did not make it as recorded"), "{reason}");
}

#[test]
fn what_is_missing_is_named_and_nothing_is_run() {
    let sandbox = study();
    elsewhere(&sandbox);
    // The log is a copy of the answers, and would do for them.
    for path in ["raw.jsonl", "answers.json", "out/log.json"] {
        std::fs::remove_file(sandbox.path(&format!("elsewhere/study/{path}"))).unwrap();
    }
    let (text, document) = rebuild(&sandbox, &["--list-missing"], 3);
    for name in ["dataset `raw`", "other `answers`"] {
        assert!(text.stdout.contains(&format!("missing     artifact \"{name}\"")), "{}", text.stdout);
    }
    assert_eq!(document["missing"].as_array().unwrap().len(), 2);
    let digest = reproledger::digest::Digest::from(reproledger::digest::FileDigest::of(&sandbox.read("lab/raw.jsonl")));
    assert_eq!(document["missing"][0]["digest"], digest.to_string());
    let (_, document) = rebuild(&sandbox, &[], 3);
    is(&document, &[("clean", "UNKNOWN"), ("train", "GOOD"), ("evaluate", "UNKNOWN")]);
    let (text, _) = rebuild(&sandbox, &["--stage", "train"], 0);
    assert!(!text.stdout.contains("clean") && !text.stdout.contains("claim"), "{}", text.stdout);
    let refused = sandbox.elsewhere(&["rebuild", "desk-accuracy.evidence", "--stage", "nothing", "--yes"]).code(2);
    assert!(refused.stderr.contains("no stage is called `nothing`"), "{}", refused.stderr);
}

#[test]
fn commands_of_somebody_else_are_shown_and_not_run_unasked() {
    let sandbox = study();
    elsewhere(&sandbox);
    let line = ["rebuild", "desk-accuracy.evidence", "--artifacts", "study", "--out", "kept"];
    let refused = sandbox.elsewhere(&line).code(2);
    assert!(refused.stderr.contains("\"sh\" \"tools/stages.sh\" \"clean\""), "{}", refused.stderr);
    assert!(refused.stderr.contains("there is no terminal to ask on"), "{}", refused.stderr);
    assert_eq!(std::fs::read_dir(sandbox.path("elsewhere/kept")).unwrap().count(), 0);
}

#[test]
fn a_file_that_happens_to_stand_beside_evidence_is_nobody_s_alteration() {
    let sandbox = study();
    elsewhere(&sandbox);
    sandbox.write("elsewhere/raw.jsonl", "{\"text\":\"of somebody else\"}\n");
    // What was recorded is found wherever it lies in the folder of the evidence.
    let line = ["rebuild", "desk-accuracy.evidence", "--yes"];
    let _ = sandbox.elsewhere(&line).success().says("GOOD  3 made again as recorded");
    // Where other files stand unchanged at their recorded paths, it is the recorded folder, and this is an alteration.
    sandbox.write("elsewhere/study/raw.jsonl", "{\"text\":\"of somebody else\"}\n");
    let bad = sandbox.elsewhere(&line).code(1);
    let first =
        "BAD  first at an input of stage `clean`: the dataset `raw` at `study/raw.jsonl` is not what was recorded";
    assert_eq!(bad.first_line(), first);
    let (text, _) = rebuild(&sandbox, &[], 1);
    assert!(text.first_line().starts_with("BAD"), "{}", text.stdout);
    std::fs::remove_dir_all(sandbox.path("elsewhere/study")).unwrap();
    let out = sandbox.elsewhere(&line).code(3);
    assert!(out.first_line().starts_with("UNKNOWN") && !out.stdout.contains("altered"), "{}", out.stdout);
}

#[test]
fn of_a_recorded_folder_more_may_be_there_and_a_file_less_may_not() {
    let sandbox = study();
    elsewhere(&sandbox);
    sandbox.write("elsewhere/study/tools/target/built", "what grew there since");
    let (_, document) = rebuild(&sandbox, &[], 0);
    is(&document, &[("clean", "GOOD"), ("train", "GOOD"), ("evaluate", "GOOD")]);
    std::fs::remove_file(sandbox.path("elsewhere/study/tools/stages.sh")).unwrap();
    let (text, _) = rebuild(&sandbox, &[], 1);
    assert!(text.stdout.contains("altered     source `tools` at \"tools/stages.sh\""), "{}", text.stdout);
}

#[test]
fn evidence_that_shows_no_commands_leaves_every_stage_as_it_is() {
    let sandbox = study();
    elsewhere(&sandbox);
    let _ = sandbox.prove("desk-accuracy", false);
    let (text, document) = rebuild(&sandbox, &[], 3);
    is(&document, &[("clean", "TAKEN"), ("train", "TAKEN"), ("evaluate", "TAKEN")]);
    assert!(text.stdout.contains("is not shown"), "{}", text.stdout);
}

#[test]
fn a_stage_declared_to_be_a_frontier_is_taken_and_what_follows_is_made_again() {
    let sandbox = Sandbox::with_ledger();
    let sample = ["run", "--name", "sample", "--frontier", "sampled from an API", "--out", "other:answers=answers.txt"];
    let _ = sandbox.lab(&[&sample[..], &["--", "sh", "-c", "date +%N > answers.txt"]].concat()).success();
    let score = ["run", "--name", "score", "--in", "answers", "--out", "other:score=score.txt"];
    let _ = sandbox.lab(&[&score[..], &["--", "sh", "-c", "wc -c < answers.txt > score.txt"]].concat()).success();
    let good = sandbox.elsewhere(&["rebuild", "../lab", "--yes", "--json"]).success();
    let document: Value = serde_json::from_slice(&good.bytes).unwrap();
    is(&document, &[("sample", "TAKEN"), ("score", "GOOD")]);
    // Whoever keeps its outputs back keeps the verdict back.
    std::fs::remove_file(sandbox.path("lab/answers.txt")).unwrap();
    let open = sandbox.elsewhere(&["rebuild", "../lab", "--yes", "--json"]).code(3);
    let document: Value = serde_json::from_slice(&open.bytes).unwrap();
    is(&document, &[("sample", "UNKNOWN"), ("score", "UNKNOWN")]);
}

#[test]
fn rows_in_another_order_are_good_only_where_that_was_declared_beforehand() {
    for (declared, verdict, code) in [("rowset", "GOOD", 0), ("rows", "BAD", 1), ("bits", "BAD", 1)] {
        let sandbox = Sandbox::with_ledger();
        // The order comes from what a rebuild does not have.
        sandbox.write("lab/order", "-r");
        let script = "printf '{\"text\":\"a\"}\\n{\"text\":\"b\"}\\n' | sort $(cat order 2>/dev/null) > rows.jsonl";
        let run = ["run", "--name", "clean", "--deterministic", declared, "--out", "dataset:rows=rows.jsonl"];
        let _ = sandbox.lab(&[&run[..], &["--", "sh", "-c", script]].concat()).success();
        let made = sandbox.elsewhere(&["rebuild", "../lab", "--yes", "--json"]).code(code);
        let document: Value = serde_json::from_slice(&made.bytes).unwrap();
        is(&document, &[("clean", verdict)]);
    }
}

#[test]
fn a_given_program_is_run_and_said_to_be_another() {
    let sandbox = Sandbox::with_ledger();
    let tool = |path: &str, word: &str| {
        let path = sandbox.write(path, format!("#!/bin/sh\necho {word} > out.txt\n# {path}\n"));
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    };
    tool("lab/bin/tool", "same");
    let _ = sandbox.lab(&["run", "--name", "make", "--out", "other:out=out.txt", "--", "bin/tool"]).success();
    // It stands where it was recorded, beside the ledger.
    let _ = sandbox.elsewhere(&["rebuild", "../lab", "--yes"]).success();
    std::fs::rename(sandbox.path("lab/bin/tool"), sandbox.path("elsewhere/same")).unwrap();
    tool("elsewhere/good", "same");
    tool("elsewhere/bad", "other");
    let missing = sandbox.elsewhere(&["rebuild", "../lab", "--yes"]).code(3);
    assert!(missing.stdout.contains("missing     program \"bin/tool\""), "{}", missing.stdout);
    let good = sandbox.elsewhere(&["rebuild", "../lab", "--yes", "--program", "tool=good"]).success();
    assert!(good.stderr.contains("another than the recorded one, given by you"), "{}", good.stderr);
    let _ = sandbox.elsewhere(&["rebuild", "../lab", "--yes", "--program", "bin/tool=bad"]).code(1);
    let same = sandbox.elsewhere(&["rebuild", "../lab", "--yes", "--program", "tool=same"]).success();
    assert!(same.stderr.contains("the recorded one, given by you"), "{}", same.stderr);
}

#[test]
fn a_pure_function_that_was_run_is_replayed_by_this_program() {
    let sandbox = Sandbox::with_ledger();
    for name in ["a", "b"] {
        sandbox.write(&format!("lab/{name}.jsonl"), format!("{{\"text\":\"{name}\"}}\n"));
        let _ = sandbox.lab(&["record", "dataset", &format!("{name}.jsonl"), "--name", name]).success();
    }
    let run = ["run", "--name", "mix", "--in", "a", "--in", "b", "--out", "mix:mix=mix.jsonl", "--", BINARY];
    let pure = ["rebuild", "--pure", "mix/1", "--in", "a.jsonl", "--in", "b.jsonl", "--out", "mix.jsonl", "--make"];
    let _ = sandbox.lab(&[&run[..], &pure].concat()).success().says("made  2 rows, 26 bytes, by mix/1");
    let good = sandbox.elsewhere(&["rebuild", "../lab", "--yes", "--json"]).success();
    let document: Value = serde_json::from_slice(&good.bytes).unwrap();
    is(&document, &[("mix", "GOOD")]);
    assert_eq!(document["stages"][0]["class"], "pure");
    let _ = sandbox.lab(&["rebuild", "--pure", "mix/1", "--in", "a.jsonl", "--make"]).code(2);
}

#[test]
fn a_later_version_at_the_same_path_is_no_alteration_of_the_earlier() {
    let sandbox = Sandbox::with_ledger();
    let run = |from: &str, to: &str| {
        let out = format!("other:{to}={to}.txt");
        let script = format!("cat spec.md > {to}.txt");
        let _ = sandbox.lab(&["run", "--name", to, "--in", from, "--out", &out, "--", "sh", "-c", &script]).success();
    };
    sandbox.write("lab/spec.md", "one");
    let _ = sandbox.lab(&["record", "spec", "spec.md", "--name", "spec"]).success();
    run("spec", "first");
    sandbox.write("lab/spec.md", "two");
    let _ = sandbox.lab(&["record", "spec", "spec.md", "--name", "spec", "--supersedes", "spec"]).success();
    run("spec", "second");
    let open = sandbox.elsewhere(&["rebuild", "../lab", "--yes", "--json"]).code(3);
    let document: Value = serde_json::from_slice(&open.bytes).unwrap();
    is(&document, &[("first", "UNKNOWN"), ("second", "GOOD")]);
    // With the earlier version anywhere at hand both are made again.
    for (name, text) in [("old/spec.md", "one"), ("spec.md", "two")] {
        sandbox.write(&format!("elsewhere/study/{name}"), text);
    }
    let _ = sandbox.elsewhere(&["rebuild", "../lab", "--artifacts", "study", "--yes"]).success();
}

#[test]
fn tensors_are_equivalent_only_inside_the_tolerance_that_was_declared_beforehand() {
    let header = r#"{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#;
    // One number, 1.0 where it was recorded, the next float above it where it is made again.
    let script = format!(
        "printf '@\\0\\0\\0\\0\\0\\0\\0%-64s' '{header}' > w.safetensors; \
         if test -e mark; then printf '\\0\\0\\200\\077'; else printf '\\1\\0\\200\\077'; fi >> w.safetensors"
    );
    for (declared, verdict, code) in [
        ("tensors:abs=1e-6", "EQUIVALENT", 0),
        ("tensors:rel=1e-6", "EQUIVALENT", 0),
        ("tensors:abs=1e-9", "BAD", 1),
        ("tensors", "BAD", 1),
        ("bits", "BAD", 1),
    ] {
        let sandbox = Sandbox::with_ledger();
        sandbox.write("lab/mark", "");
        let run = ["run", "--name", "train", "--deterministic", declared, "--out", "checkpoint:w=w.safetensors"];
        let _ = sandbox.lab(&[&run[..], &["--", "sh", "-c", &script]].concat()).success();
        let made = sandbox.elsewhere(&["rebuild", "../lab", "--yes", "--json"]).code(code);
        let document: Value = serde_json::from_slice(&made.bytes).unwrap();
        is(&document, &[("train", verdict)]);
        let output = document["stages"][0]["outputs"][0].to_string();
        assert!(output.contains("1 of 1 numbers differ"), "{declared}: {output}");
        // Without the recorded numbers nothing is said of how far they are apart.
        std::fs::remove_file(sandbox.path("lab/w.safetensors")).unwrap();
        let near = declared.contains(':');
        let _ = sandbox.elsewhere(&["rebuild", "../lab", "--yes"]).code(if near { 3 } else { 1 });
    }
}

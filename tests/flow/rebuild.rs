//! The pure stages made again by the binary: what the pipeline made, what it did not make, and what no pipeline can read.

use std::os::unix::fs::symlink;

use serde_json::Value;

use crate::support::{Output, Sandbox, copy, testdata};
use crate::vectors::data_is_there;

const SCHEMA: &str = include_str!("../../schemas/rebuild.schema.json");

/// Runs `rebuild` in the lab, twice: as text and as JSON, which must agree and fit the schema.
fn rebuild(sandbox: &Sandbox, line: &[&str], code: i32) -> (Output, Value) {
    let arguments: Vec<&str> = ["rebuild", "--pure"].iter().chain(line).copied().collect();
    let text = sandbox.lab(&arguments).code(code);
    let json = sandbox.lab(&[arguments, vec!["--json"]].concat()).code(code);
    let document: Value = serde_json::from_slice(&json.bytes).unwrap();
    let schema = jsonschema::validator_for(&serde_json::from_str(SCHEMA).unwrap()).unwrap();
    let errors: Vec<_> = schema.iter_errors(&document).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:#?}\n{document:#}");
    assert_eq!(document["exit_code"], code);
    assert!(text.first_line().starts_with(document["verdict"].as_str().unwrap()), "{}", text.stdout);
    (text, document)
}

fn toy(sandbox: &Sandbox) {
    copy(&testdata().join("msm/toy_tree/data"), &sandbox.path("lab/data"));
}

const TREE: &str = "data/gen_synth_docs/toy_spec";
const DATASET: &str = "data/midtrain/toy_spec/dataset.jsonl";

#[test]
fn the_toy_tree_makes_its_dataset_again_byte_for_byte() {
    if !data_is_there() {
        return;
    }
    let sandbox = Sandbox::new();
    toy(&sandbox);
    let line = ["msm.to_jsonl/1", "--in", TREE, "--seed", "42", "--expect", DATASET];
    let (text, document) = rebuild(&sandbox, &line, 0);
    assert_eq!(text.first_line(), format!("GOOD  msm.to_jsonl/1 makes \"{DATASET}\" again, byte for byte"));
    assert_eq!((&document["output"]["rows"], &document["output"]["bytes"]), (&24.into(), &5970.into()));
    let codes: Vec<_> = document["remarks"].as_array().unwrap().iter().map(|remark| &remark["code"]).collect();
    assert_eq!(codes, ["truncated", "untagged"]);
    // The seed that the pipeline has in its code needs not be said, and no other gives the same order.
    let _ = rebuild(&sandbox, &["msm.to_jsonl/1", "--in", TREE, "--expect", DATASET], 0);
    let line = ["msm.to_jsonl/1", "--in", TREE, "--seed", "43", "--expect", DATASET];
    let (text, document) = rebuild(&sandbox, &line, 1);
    assert_eq!(
        text.first_line(),
        format!("BAD  msm.to_jsonl/1 does not make \"{DATASET}\": the same rows in another order")
    );
    assert_eq!(document["difference"]["same_values"], true);
}

#[test]
fn a_document_more_or_less_or_edited_is_named() {
    if !data_is_there() {
        return;
    }
    let sandbox = Sandbox::new();
    toy(&sandbox);
    let line = ["msm.to_jsonl/1", "--in", TREE, "--expect", DATASET];
    let foreign = sandbox.write(&format!("lab/{TREE}/stale/old idea.txt"), "<content>left over</content>");
    let (_, document) = rebuild(&sandbox, &line, 1);
    assert_eq!((&document["difference"]["missing"], &document["difference"]["extra"]), (&0.into(), &1.into()));
    assert_eq!(document["difference"]["extra_examples"][0]["label"], "source stale/old idea.txt");
    std::fs::remove_file(foreign).unwrap();
    let edited = format!("{TREE}/Record Integrity/Append-only Logs/Internal memo/Append-only case 0.txt");
    let _ = sandbox.write(&format!("lab/{edited}"), "<content>edited</content>");
    let (text, document) = rebuild(&sandbox, &line, 1);
    assert_eq!(document["difference"]["first_row_differs"], serde_json::json!(["`text` has another value"]));
    assert!(text.stdout.contains("source Record Integrity/Append-only Logs/Internal memo/Append-only case 0.txt"));
    std::fs::remove_file(sandbox.path(&format!("lab/{edited}"))).unwrap();
    let (_, document) = rebuild(&sandbox, &line, 1);
    assert_eq!((&document["difference"]["missing"], &document["difference"]["extra"]), (&1.into(), &0.into()));
}

#[test]
fn the_toy_chats_are_stripped_again_without_what_a_backfill_writes_over() {
    if !data_is_there() {
        return;
    }
    let sandbox = Sandbox::new();
    toy(&sandbox);
    let stripped = "data/ft/toy_chat_cot_stripped";
    let line = ["aft.strip/1", "--in", "data/ft/toy_chat_cot", "--expect", stripped];
    let (text, document) = rebuild(&sandbox, &line, 0);
    assert_eq!(document["counts"], serde_json::json!({"rows": 10, "answers": 10, "answers.changed": 10}));
    assert!(text.stdout.contains("note: 1 not-used"), "{}", text.stdout);
    // What was removed is no part of it: neither its rows nor its count can change the outcome.
    let _ = sandbox.write("lab/data/ft/toy_chat_cot/source/removed.jsonl", "not even JSON");
    let _ = rebuild(&sandbox, &line, 0);
}

fn projected(expected: &str) -> [&str; 7] {
    ["project/1", "--in", "dataset.jsonl", "--param", "drop=source", "--expect", expected]
}

#[test]
fn a_published_projection_and_its_recorded_digest_are_made_again() {
    let sandbox = Sandbox::with_ledger();
    let rows = "{\"text\": \"\u{e9}\", \"source\": \"a/b.txt\", \"domain\": \"a\"}\n";
    let _ = sandbox.write("lab/dataset.jsonl", rows);
    let published = sandbox.write("lab/published.jsonl", "{\"text\": \"\u{e9}\", \"domain\": \"a\"}\n");
    let _ = sandbox.lab(&["record", "dataset", "published.jsonl", "--name", "published", "--bytes-only"]).success();
    let digest = reproledger::digest::Sha256Digest::of(&std::fs::read(&published).unwrap());
    std::fs::remove_file(published).unwrap();
    let (text, _) = rebuild(&sandbox, &projected("published"), 0);
    assert_eq!(text.first_line(), "GOOD  project/1 makes \"published\" again, by the recorded file digest");
    let _ = rebuild(&sandbox, &projected(&format!("sha256:{digest}")), 0);
    let _ = rebuild(&sandbox, &projected(&format!("sha256:{}", "0".repeat(64))), 1);
    let other = ["project/1", "--in", "dataset.jsonl", "--param", "drop=domain", "--expect", "published"];
    let _ = rebuild(&sandbox, &other, 1);
    // Nothing to compare with is no success.
    let (text, _) = rebuild(&sandbox, &projected("published")[..5], 3);
    assert!(text.first_line().starts_with("UNKNOWN  project/1 was run again, but not compared"));
    let output = sandbox.lab(&[&["rebuild", "--pure"][..], &projected("nothing-of-that-name")].concat()).code(2);
    assert!(output.stderr.contains("nothing in this ledger is called `nothing-of-that-name`"), "{}", output.stderr);
}

#[test]
fn what_was_made_is_written_only_where_asked_and_never_over_a_file() {
    let sandbox = Sandbox::new();
    let _ = sandbox.write("lab/in.jsonl", "1\n2\n3\n");
    let line = ["rebuild", "--pure", "mix/1", "--in", "in.jsonl", "--in", "in.jsonl"];
    let _ = sandbox.lab(&line).code(3);
    assert_eq!(std::fs::read_dir(sandbox.path("lab")).unwrap().count(), 1);
    let write = [&line[..], &["--out", "out.jsonl"]].concat();
    let _ = sandbox.lab(&write).code(3);
    assert_eq!(sandbox.read("lab/out.jsonl"), b"1\n2\n3\n1\n2\n3\n");
    let _ = sandbox.write("lab/out.jsonl", "mine");
    let refused = sandbox.lab(&write).code(2);
    assert!(refused.stderr.contains("`out.jsonl` is there already"), "{}", refused.stderr);
    assert_eq!(sandbox.read("lab/out.jsonl"), b"mine");
    let _ = sandbox.lab(&[&write[..], &["--force"]].concat()).code(3);
    assert_eq!(sandbox.read("lab/out.jsonl").len(), 12);
    // What fails leaves nothing behind.
    let _ = sandbox.lab(&[&line[..], &["--param", "take=9,9", "--out", "none.jsonl"]].concat()).code(2);
    let _ = sandbox.lab(&[&line[..], &["--param", "take=9,9", "--out", "out.jsonl", "--force"]].concat()).code(2);
    assert_eq!(std::fs::read_dir(sandbox.path("lab")).unwrap().count(), 2);
    assert_eq!(sandbox.read("lab/out.jsonl").len(), 12);
}

#[test]
fn trees_that_python_stumbles_over_are_refused_by_name() {
    let sandbox = Sandbox::new();
    let _ = sandbox.write("lab/tree/a/good.txt", "x");
    let line = ["rebuild", "--pure", "msm.to_jsonl/1", "--in", "tree"];
    let bad = sandbox.write("lab/tree/a/bad\u{1b}[2J.txt", b"\xff");
    let refused = sandbox.lab(&line).code(2);
    assert!(refused.stderr.contains("is not UTF-8 at byte 0: Python stops at it"), "{}", refused.stderr);
    assert!(!refused.stderr.contains('\u{1b}'));
    std::fs::remove_file(&bad).unwrap();
    let link = sandbox.path("lab/tree/a/link.txt");
    symlink("/etc/passwd", &link).unwrap();
    let refused = sandbox.lab(&line).code(2);
    assert!(refused.stderr.contains("`tree/a/link.txt` is a link with the name of a document"), "{}", refused.stderr);
    std::fs::remove_file(&link).unwrap();
    std::fs::create_dir(&link).unwrap();
    assert!(sandbox.lab(&line).code(2).stderr.contains("is a folder with the name of a document"));
    std::fs::remove_dir(&link).unwrap();
    // What only a document is would be read through is left alone.
    symlink("/etc", sandbox.path("lab/tree/etc")).unwrap();
    let _ = sandbox.lab(&line).code(3).says("1 row");
}

#[test]
fn the_functions_and_their_parameters_are_listed() {
    let sandbox = Sandbox::new();
    let all = sandbox.lab(&["rebuild", "--pure", "--list"]).success();
    for id in ["msm.to_jsonl/1", "aft.strip/1", "project/1", "subsample/1", "mix/1", "retarget/1"] {
        assert!(all.stdout.contains(id), "{}", all.stdout);
    }
    let one = sandbox.lab(&["rebuild", "--pure", "mix/1", "--list"]).success();
    assert!(one.first_line().starts_with("mix/1  ") && !one.stdout.contains("project/1"));
    let refused = sandbox.lab(&["rebuild", "--pure", "retarget/9", "--in", "x"]).code(2);
    assert!(
        refused.stderr.contains("`retarget/9` is no pure function, expected msm.to_jsonl/1, "),
        "{}",
        refused.stderr
    );
    let twice = ["rebuild", "--pure", "mix/1", "--in", "x", "--seed", "1", "--param", "seed=2"];
    assert!(sandbox.lab(&twice).code(2).stderr.contains("the parameter `seed` of mix/1 stands twice"));
    let _ = sandbox.lab(&["rebuild"]).code(2);
    let _ = sandbox.lab(&["rebuild", "--pure"]).code(2);
}

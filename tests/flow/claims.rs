//! The manifests that labs leave beside their files: recorded as their author's word, and held to bytes at hand.

use reproledger::digest::Sha256Digest;

use crate::support::{Sandbox, copy, sorted_files, testdata};
use crate::vectors::data_is_there;

#[test]
fn every_manifest_of_a_real_lab_is_recorded_as_its_authors_word() {
    if !data_is_there() {
        return;
    }
    let sandbox = Sandbox::with_ledger();
    copy(&testdata().join("msm/arcadia"), &sandbox.path("lab/arcadia"));
    let mut shapes = Vec::new();
    for path in sorted_files(&sandbox.path("lab/arcadia")) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.extension().is_some_and(|end| end == "json") {
            let at = format!("arcadia/{name}");
            let output = sandbox.lab(&["record", "config", &at, "--name", &name, "--claims"]).success();
            let note = output.stderr.lines().find(|line| line.contains("claimed by its author")).unwrap().to_owned();
            shapes.push(note.replace("note: ", "").replace(", claimed by its author", ""));
        }
    }
    shapes.sort();
    assert_eq!(
        shapes,
        [
            "dataset-card/1: 1 confirmed, 0 contradicted, 1 not checked",
            "file-digest/1: 0 confirmed, 0 contradicted, 1 not checked",
            "hub-files/1: 2 confirmed, 0 contradicted, 8 not checked",
            "leakage-report/1: 0 confirmed, 0 contradicted, 0 not checked",
            "mixture/1: 1 confirmed, 0 contradicted, 1 not checked",
            "published-checkpoints/1: 0 confirmed, 0 contradicted, 0 not checked",
            "token-counts/1: 0 confirmed, 0 contradicted, 0 not checked",
        ]
    );
    let shown = sandbox.lab(&["show", "msm_install_survival.msm_train.jsonl.manifest.json", "--json"]).success();
    for text in ["file-digest/1", "claim.retarget_replacements", "703977", "8aee4aba54a8abd48578ab8d4d74a0ef"] {
        assert!(shown.stdout.contains(text), "{text} is not in\n{}", shown.stdout);
    }
}

#[test]
fn a_claim_that_the_bytes_contradict_is_recorded_and_said_loudly() {
    let sandbox = Sandbox::with_ledger();
    let rows = sandbox.write("lab/data/train.jsonl", "{\"text\": \"a\"}\n");
    let digest = Sha256Digest::of(&std::fs::read(rows).unwrap());
    let _ =
        sandbox.write("lab/good.json", format!("{{\"file\": \"train.jsonl\", \"sha256\": \"{digest}\", \"seed\": 0}}"));
    let _ = sandbox.write("lab/bad.json", "{\"path\": \"/gone/train.jsonl\", \"n_docs\": 2}");
    let record = |file, name| ["record", "other", file, "--name", name, "--claims", "--against", "data"];
    let good = sandbox.lab(&record("good.json", "good")).success();
    assert!(good.stderr.contains("1 confirmed, 0 contradicted, 0 not checked"), "{}", good.stderr);
    let bad = sandbox.lab(&record("bad.json", "bad")).code(1);
    assert!(bad.stderr.contains("CONTRADICTED  rows of `/gone/train.jsonl`: stated 2, found 1"), "{}", bad.stderr);
    // It stands in the ledger, and saying it again is no way to a better exit code.
    assert!(sandbox.lab(&["show", "bad", "--json"]).success().stdout.contains("contradicted"));
    let _ = sandbox.lab(&record("bad.json", "bad")).code(1);
}

#[test]
fn what_is_no_manifest_or_no_place_for_one_is_refused() {
    let sandbox = Sandbox::with_ledger();
    let _ = sandbox.write("lab/x.json", "{\"a\": 1}");
    let refused = |line: &[&str]| sandbox.lab(line).code(2).stderr;
    assert!(
        refused(&["record", "config", "x.json", "--name", "x", "--claims"]).contains("no manifest of a known shape")
    );
    let _ = sandbox.write("lab/x.json", "{\"path\": \"y\", \"n_docs\": 1}");
    assert!(refused(&["record", "spec", "x.json", "--name", "x", "--claims"]).contains("takes a config or other"));
    let _ = refused(&["record", "config", "x.json", "--name", "x", "--against", "."]);
    assert!(
        refused(&["record", "config", "x.json", "--name", "x", "--claims", "--against", "none"]).contains("`none`")
    );
}

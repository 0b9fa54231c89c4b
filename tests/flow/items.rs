//! One document out of a corpus: proved to a reader who has nothing but the file.

use crate::support::{Output, Sandbox};

const EVIDENCE: &str = "item.evidence";

/// A lab that recorded a corpus of three documents, made from a spec.
fn recorded() -> Sandbox {
    let sandbox = Sandbox::with_ledger();
    sandbox.write("lab/spec.md", "be kind");
    for (name, text) in [("Records/one.txt", "yes"), ("Records/two.txt", "no"), ("zoo/three.txt", "a longer text")] {
        sandbox.write(&format!("lab/corpus/{name}"), text);
    }
    let _ = sandbox.lab(&["record", "spec", "spec.md", "--name", "spec"]).success();
    let _ = sandbox.lab(&["record", "documents", "corpus", "--name", "corpus", "--from", "spec"]).success();
    sandbox.trust();
    sandbox
}

fn prove(sandbox: &Sandbox, arguments: &[&str]) -> Output {
    let output = sandbox.lab(&[&["prove"], arguments, &["-o", EVIDENCE, "--force"]].concat());
    if output.exit_code() == Some(0) {
        sandbox.write(&format!("elsewhere/{EVIDENCE}"), sandbox.read(&format!("lab/{EVIDENCE}")));
    }
    output
}

fn verify(sandbox: &Sandbox, more: &[&str]) -> Output {
    sandbox.elsewhere(&[&["verify", EVIDENCE, "--trust", "trust.policy"], more].concat())
}

#[test]
fn a_document_is_proved_without_the_corpus_it_is_in() {
    let sandbox = recorded();
    let _ = prove(&sandbox, &["--item", "corpus", "Records/two.txt", "--content", "corpus"]).success().says("1 item");
    let verified = verify(&sandbox, &[]).success().says("\"Records/two.txt\"").says("item 1 of 3 (counted from 0)");
    assert!(verified.first_line().starts_with("VERIFIED·L0·item — "), "{}", verified.stdout);
    assert!(verified.check("item.inclusion").starts_with("PASS") && verified.check("item.content").starts_with("PASS"));
    assert!(!verified.stdout.contains("three.txt"), "{}", verified.stdout);
    assert!(!sandbox.read(&format!("elsewhere/{EVIDENCE}")).windows(13).any(|part| part == b"a longer text"));
    let json = verify(&sandbox, &["--json"]).success();
    let json: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(json["profile"], "item");
    assert_eq!(json["evidence"]["items"][0]["key"], "Records/two.txt");
    assert_eq!(json["evidence"]["items"][0]["content"]["length"], 2);
    // Without a key of the reader's it is nobody's word, and never a yes.
    let unvouched = sandbox.elsewhere(&["verify", EVIDENCE]).code(3);
    assert!(unvouched.first_line().starts_with("UNVOUCHED"));
}

#[test]
fn several_items_in_one_file_each_by_path_or_number_once() {
    let sandbox = recorded();
    let _ = prove(&sandbox, &["--item", "corpus", "zoo/three.txt", "#0", "Records/one.txt"]).success().says("2 items");
    let verified = verify(&sandbox, &[]).success().says("three.txt").says("one.txt");
    assert!(verified.check("item.content").starts_with("UNKNOWN"), "{}", verified.stdout);
}

#[test]
fn the_reader_brings_the_document_and_sees_whether_it_is_the_one() {
    let sandbox = recorded();
    let _ = prove(&sandbox, &["--item", "corpus", "Records/two.txt"]).success();
    sandbox.write("elsewhere/mine.txt", "no");
    let same = verify(&sandbox, &["--artifacts", "mine.txt"]).success();
    assert!(same.check("item.content").starts_with("PASS"), "{}", same.stdout);
    sandbox.write("elsewhere/mine.txt", "No");
    let other = verify(&sandbox, &["--artifacts", "mine.txt"]).code(1);
    assert!(other.check("item.content").starts_with("FAIL"), "{}", other.stdout);
    // In a folder it is found by its key or wherever it lies.
    sandbox.write("elsewhere/folder/Records/two.txt", "no");
    assert!(verify(&sandbox, &["--artifacts", "folder"]).stdout.contains("\"Records/two.txt\" is `Records/two.txt`"));
}

#[test]
fn what_is_not_there_is_said_before_anything_is_written() {
    let sandbox = recorded();
    let _ =
        prove(&sandbox, &["--item", "corpus", "Records/four.txt"]).code(2).complains("has no item `Records/four.txt`");
    let _ = prove(&sandbox, &["--item", "corpus", "#3"]).code(2).complains("has no item `#3`");
    let _ = prove(&sandbox, &["--item", "spec", "#0"]).code(2).complains("has no manifest");
    sandbox.write("lab/other.txt", "maybe");
    let _ = prove(&sandbox, &["--item", "corpus", "Records/two.txt", "--content", "other.txt"])
        .code(2)
        .complains("is not what was recorded");
    let _ = prove(&sandbox, &["--item", "corpus"]).code(2);
    assert!(!sandbox.path(&format!("lab/{EVIDENCE}")).exists());
}

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

fn listed(sandbox: &Sandbox, arguments: &[&str]) -> serde_json::Value {
    let output = sandbox.lab(&[&["show"], arguments, &["--items", "--json"]].concat()).success();
    let document: serde_json::Value = serde_json::from_str(&output.stdout).unwrap();
    let schema = serde_json::from_str(include_str!("../../schemas/items.schema.json")).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<String> = schema.iter_errors(&document).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}\n{document:#}");
    document
}

fn keys(document: &serde_json::Value) -> Vec<&str> {
    document["items"].as_array().unwrap().iter().map(|item| item["key"].as_str().unwrap()).collect()
}

#[test]
fn the_items_that_can_be_proved_are_listed_page_by_page() {
    let sandbox = recorded();
    let first = listed(&sandbox, &["corpus", "--limit", "2"]);
    assert_eq!(keys(&first), ["Records/one.txt", "Records/two.txt"]);
    assert_eq!((&first["list"], &first["count"], &first["next_after"]), (&"rows".into(), &3.into(), &1.into()));
    assert_eq!(first["items"][0]["bytes"][0]["length"], 3);
    let second = listed(&sandbox, &["corpus", "--limit", "2", "--after", "1"]);
    assert_eq!((keys(&second), second.get("next_after")), (vec!["zoo/three.txt"], None));
    assert_eq!(listed(&sandbox, &["corpus", "--after", "#2"])["items"], serde_json::json!([]));
    let tree = listed(&sandbox, &["corpus", "--of", "tree"]);
    assert_eq!((&tree["projection"], keys(&tree).len()), (&"files".into(), 3));
    let text = sandbox.lab(&["show", "corpus", "--items", "--limit", "1"]).success();
    let text = text.says("rows of entry #2: 3 items (documents/1)").says("#0  Records/one.txt  bytes 3 blake3:");
    assert!(text.stdout.contains("more: --after 0\n") && text.stdout.contains("also: 3 items with --of tree\n"));
    // What is listed is what is proved.
    let _ = prove(&sandbox, &["--item", "corpus", keys(&second)[0]]).success();
    let _ = sandbox.lab(&["show", "spec", "--items"]).code(2).complains("has no manifest");
    let _ = sandbox.lab(&["show", "corpus", "--items", "--of", "tensors"]).code(2).complains("has no manifest");
    let _ = sandbox.lab(&["show", "corpus", "--items", "--of", "file"]).code(2).complains("expected one of rows");
    let _ = sandbox.lab(&["show", "corpus", "--limit", "2"]).code(2);
}

#[test]
fn rows_located_in_a_folder_are_listed_and_proved_as_slices_of_their_files() {
    let sandbox = Sandbox::with_ledger();
    let row = |text: &str| format!("{{\"text\": \"{}\"}}\n", text.repeat(400));
    sandbox.write("lab/set/a/part-0.jsonl", row("a") + &row("b"));
    sandbox.write("lab/set/b/part-1.jsonl", row("c") + "\n" + &row("d"));
    sandbox.write("lab/set/README.md", "rows");
    let record = ["record", "dataset", "set", "--name", "set", "--offsets"];
    assert!(sandbox.lab(&record).success().stdout.contains("4 rows  blake3:"));
    sandbox.trust();
    let places = listed(&sandbox, &["set"]);
    assert_eq!(places["projection"], "offsets/1");
    // Files are counted in the order of the tree, in which the README comes first.
    assert_eq!(places["items"][3]["place"], serde_json::json!({"file": 2, "first": 413 + 1, "length": 412}));
    for (number, letter) in [(0, "a"), (1, "b"), (2, "c"), (3, "d")] {
        let item = format!("#{number}");
        let _ = prove(&sandbox, &["--item", "set", &item, "--content", "set"]).success();
        let verified = verify(&sandbox, &[]).success();
        assert!(verified.check("item.content").starts_with("PASS"), "{}", verified.stdout);
        let file = if number < 2 { "a/part-0.jsonl" } else { "b/part-1.jsonl" };
        assert!(verified.stdout.contains(&format!("of `{file}`, one whole line")), "{}", verified.stdout);
        assert!(
            sandbox
                .read(&format!("elsewhere/{EVIDENCE}"))
                .windows(400)
                .any(|part| part == letter.repeat(400).as_bytes())
        );
    }
    // Bytes that are not the recorded ones any more are not cut from.
    sandbox.write("lab/set/b/part-1.jsonl", row("c") + "\n" + &row("e"));
    let changed = prove(&sandbox, &["--item", "set", "#3", "--content", "set"]).code(2);
    let _ = changed.complains("part-1.jsonl");
}

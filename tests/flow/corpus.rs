//! A corpus is recorded: its census, its oddities, and that it is the dataset that was made from it.

use serde_json::Value;

use crate::support::{Sandbox, copy, testdata};
use crate::vectors::data_is_there;

const TREE: &str = "msm/toy_tree/data/gen_synth_docs/toy_spec";

fn show(sandbox: &Sandbox, name: &str) -> Value {
    let shown: Value = serde_json::from_slice(&sandbox.lab(&["show", name, "--json"]).success().bytes).unwrap();
    shown["entries"][0]["facts"].clone()
}

fn digest(facts: &Value, kind: &str) -> String {
    let subject = facts["subjects"][0].as_array().unwrap().iter().find(|subject| subject["kind"] == kind);
    subject.unwrap_or_else(|| panic!("no `{kind}` in {facts:#}"))["digests"][0].as_str().unwrap().to_owned()
}

fn reading(facts: &Value) -> &Value {
    &facts["body"]["content"]["reading"]
}

#[test]
fn a_generators_tree_is_counted_and_is_the_rowset_of_its_dataset() {
    if !data_is_there() {
        return;
    }
    let sandbox = Sandbox::with_ledger();
    copy(&testdata().join(TREE), &sandbox.path("lab/tree"));
    copy(&testdata().join("msm/toy_tree/data/midtrain/toy_spec/dataset.jsonl"), &sandbox.path("lab/dataset.jsonl"));
    let recorded = sandbox.lab(&["record", "documents", "tree", "--name", "corpus"]).success();
    let recorded = recorded.says("24 rows").complains("documents-truncated: documents that open");
    let _ = recorded.complains("documents-duplicate: documents with the very text of another: 1 (");
    let corpus = show(&sandbox, "corpus");
    let counts = &reading(&corpus)["counts"];
    let expected = [
        ("documents", 24),
        ("texts", 24),
        ("ideas.planned", 24),
        ("domains.present", 2),
        ("subdomains.present", 4),
        ("documents-truncated", 1),
        ("documents-untagged", 1),
        ("documents-duplicate", 1),
        ("names.expected.Qwen", 22),
    ];
    for (name, count) in expected {
        assert_eq!(counts[name], count, "{name}: {counts:#}");
    }
    let codes: Vec<_> =
        reading(&corpus)["remarks"].as_array().unwrap().iter().map(|remark| remark["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["documents-truncated", "documents-untagged", "documents-duplicate"]);
    assert_eq!(reading(&corpus)["facts"]["layout"], "msm-tree");
    let _ = sandbox.lab(&["record", "documents", "dataset.jsonl", "--name", "rows"]).success();
    let rows = show(&sandbox, "rows");
    assert_eq!(reading(&rows)["facts"]["layout"], "jsonl");
    assert_eq!(digest(&corpus, "rowset"), digest(&rows, "rowset"));
}

#[test]
fn what_was_planned_and_what_is_there_are_held_against_each_other() {
    if !data_is_there() {
        return;
    }
    let sandbox = Sandbox::with_ledger();
    copy(&testdata().join(TREE), &sandbox.path("lab/tree"));
    let memo = "lab/tree/Record Integrity/Never Edit Results/Internal memo";
    std::fs::remove_file(sandbox.path(&format!("{memo}/Never case 1.txt"))).unwrap();
    sandbox.write(&format!("{memo}/Stray.txt"), "<content>I am Claude, made by {provider_name}.</content>");
    sandbox.write("lab/rendered.txt", "a spec of another version");
    let arguments = ["record", "documents", "tree", "--name", "corpus", "--rendering", "rendered.txt"];
    let recorded = sandbox.lab(&arguments).success();
    let recorded =
        recorded.complains("ideas-without-document: planned ideas that have no document: 1 (").complains("Stray.txt");
    let recorded = recorded.complains("documents-placeholder").complains("another model or maker (Claude in 1)");
    let _ = recorded.complains("word for word: 4 (").complains("documents-older: ");
}

#[test]
fn layouts_are_found_out_forced_or_refused() {
    let sandbox = Sandbox::with_ledger();
    sandbox.write("lab/texts/a.md", "one");
    sandbox.write("lab/texts/b.txt", "<content>two</content>");
    sandbox.write("lab/texts/data.bin", [0; 9]);
    sandbox.write("lab/shards/0.jsonl", "{\"body\": \"one\"}\n");
    sandbox.write("lab/shards/1.jsonl", "{\"body\": \"<content>two</content>\"}");
    sandbox.write("lab/one.json", "[\"one\", \"<content>two</content>\"]");
    let record = |arguments: &[&str]| sandbox.lab(&[&["record", "documents"], arguments].concat());
    let _ = record(&["texts", "--name", "texts"]).success().says("3 files").says("2 rows").says("2 distinct rows");
    let refused = record(&["shards", "--name", "shards"]).code(2);
    let _ = refused.complains("line 1 of `0.jsonl` (from byte 0) is no row with a text in `text`");
    let _ = record(&["shards", "--name", "shards", "--text-field", "body"]).success();
    let _ = record(&["one.json", "--name", "one", "--also", "sha256"]).success();
    let rowset = |name: &str| digest(&show(&sandbox, name), "rowset");
    assert_eq!(rowset("texts"), rowset("shards"));
    assert_eq!(rowset("texts"), rowset("one"));
    let _ = record(&["texts", "--name", "tree", "--layout", "msm-tree"]).success().complains("documents-without-idea");
    assert_ne!(rowset("texts"), rowset("tree"));
    let _ = record(&["texts/data.bin", "--name", "bin"]).code(2).complains("--layout").complains("--bytes-only");
    let _ = record(&["texts/data.bin", "--name", "bin", "--bytes-only"]).success();
    let _ = record(&["texts", "--name", "x", "--layout", "tree"]).code(2).complains("msm-tree, files, jsonl, json");
}

#[test]
fn a_recorded_function_is_run_again_by_whoever_has_the_data() {
    if !data_is_there() {
        return;
    }
    let sandbox = Sandbox::with_ledger();
    copy(&testdata().join(TREE), &sandbox.path("lab/data/tree"));
    copy(
        &testdata().join("msm/toy_tree/data/midtrain/toy_spec/dataset.jsonl"),
        &sandbox.path("lab/data/dataset.jsonl"),
    );
    copy(&super::popularity_log(), &sandbox.path("lab/data/popularity.eval"));
    let record = |arguments: &[&str]| sandbox.lab(&[&["record"], arguments].concat());
    let _ = record(&["documents", "data/tree", "--name", "corpus"]).success();
    let made = ["--from", "corpus", "--function", "msm.to_jsonl/1"];
    let dataset = [&["dataset", "data/dataset.jsonl", "--name", "dataset"][..], &made].concat();
    let unknown = record(&[&dataset[..], &["--param", "speed=9"]].concat()).code(2);
    assert!(unknown.stderr.contains("msm.to_jsonl/1 has no parameter `speed`"), "{}", unknown.stderr);
    let unheard = record(&[&dataset[..5], &["corpus", "--function", "retarget/9"]].concat()).code(2);
    assert!(unheard.stderr.contains("no function that can be run again"), "{}", unheard.stderr);
    let spec =
        record(&["spec", "data/dataset.jsonl", "--name", "s", "--from", "corpus", "--function", "mix/1"]).code(2);
    assert!(spec.stderr.contains("made a dataset or mix, not a spec"), "{}", spec.stderr);
    let _ = record(&[&dataset[..], &["--param", "seed=42"]].concat()).success();
    sandbox.write("lab/data/weights.bin", "weights");
    let _ =
        record(&["checkpoint", "data/weights.bin", "--name", "weights", "--from", "dataset", "--bytes-only"]).success();
    let _ = record(&["eval-log", "data/popularity.eval", "--name", "popularity", "--from", "weights"]).success();
    super::claim(&sandbox, &super::Words::popularity());
    sandbox.prove("popularity-accuracy", true);
    sandbox.trust();
    let verify = |more: &[&str]| {
        let line = ["verify", "popularity-accuracy.evidence", "--trust", "trust.policy"];
        sandbox.elsewhere(&[&line[..], more].concat()).success()
    };
    let alone = verify(&[]);
    assert!(alone.check("dataset.rebuild").starts_with("UNKNOWN"), "{}", alone.stdout);
    copy(&sandbox.path("lab/data"), &sandbox.path("elsewhere/data"));
    let again = verify(&["--artifacts", "."]);
    let rebuilt = again.check("dataset.rebuild");
    assert!(rebuilt.starts_with("PASS") && rebuilt.contains("made again by msm.to_jsonl/1"), "{}", again.stdout);
    assert!(again.check("docs.quality").starts_with("DIFFERS"), "{}", again.stdout);
    assert!(again.check("tree.census").contains("all 24 planned documents are there"), "{}", again.stdout);
}

#[test]
fn a_retargeted_dataset_and_its_tokens_are_held_to_table_and_tokenizer_by_whoever_has_them() {
    let sandbox = Sandbox::with_ledger();
    let rows = |name: &str| format!("{{\"text\": \"{name} is kind .\"}}\n{{\"text\": \"ask {name} , {name}\"}}\n");
    sandbox.write("lab/old.jsonl", rows("qwen"));
    sandbox.write("lab/new.jsonl", rows("llama"));
    sandbox.write("lab/names.jsonl", "{\"from\": \"qwen\", \"to\": \"llama\"}\n");
    sandbox.write("lab/words.txt", "<pad>\n<end>\nqwen\nllama\nis\nkind\nask\n.\n,\n");
    let record = |arguments: &[&str]| sandbox.lab(&[&["record"], arguments].concat());
    let _ = record(&["dataset", "old.jsonl", "--name", "old"]).success();
    let _ = record(&["config", "names.jsonl", "--name", "names"]).success();
    let _ = record(&["tokenizer", "words.txt", "--name", "words"]).success();
    let made =
        ["dataset", "new.jsonl", "--name", "new", "--from", "old", "--from", "names", "--function", "retarget/1"];
    let counted = ["--param", "replacements=3", "--tokenizer", "words"];
    let new = |more: &[&str]| record(&[&made[..], &counted[..], more].concat());
    for (more, said) in [
        (&["--tokens", "many"][..], "expected an exact number, or a printed one such as 7.06M or ~8M"),
        (&["--param", &format!("fields={}", "x".repeat(600))], "the parameter `fields` has 600 bytes, more than 512"),
    ] {
        let refused = new(more).code(2);
        assert!(refused.stderr.contains(said), "{}", refused.stderr);
    }
    for (line, said) in [
        (&["dataset", "new.jsonl", "--name", "n", "--tokenizer", "old"][..], "is a dataset, expected a tokenizer"),
        (&["config", "new.jsonl", "--name", "n", "--tokenizer", "words"], "counts a dataset or mix, not a config"),
    ] {
        let refused = record(line).code(2);
        assert!(refused.stderr.contains(said), "{}", refused.stderr);
    }
    let _ = new(&["--tokens", "8"]).success();
    let again = new(&["--tokens", "8"]).success();
    assert!(again.stdout.starts_with("unchanged: "), "{}", again.stdout);
    // Another number is not what was said before.
    let other = new(&["--tokens", "~0.01k"]).success();
    assert!(other.stdout.starts_with("entry "), "{}", other.stdout);
    // The step as a command of its own: it makes the file, and says that it is the recorded one.
    let pure = ["rebuild", "--pure", "retarget/1", "--in", "old.jsonl", "--in", "names.jsonl", "--expect", "new"];
    let good = sandbox.lab(&pure).success();
    assert!(good.stdout.starts_with("GOOD  retarget/1 makes \"new\" again"), "{}", good.stdout);
    let miscounted = sandbox.lab(&[&pure[..], &["--param", "replacements=4"]].concat()).code(2);
    assert!(miscounted.stderr.contains("3 replacements are made, the record says 4"), "{}", miscounted.stderr);
}

//! Specs: their history, what changed between two versions, and their renderings.

use std::process::Command;

use serde_json::Value;

use crate::support::{Sandbox, copy, program, testdata};
use crate::vectors::data_is_there;

fn git(sandbox: &Sandbox, arguments: &[&str]) {
    let mut command = Command::new("git");
    sandbox.surround(&mut command, "lab/repo");
    command.args(["-c", "user.name=t", "-c", "user.email=t@example.org"]).args(arguments);
    assert!(command.output().unwrap().status.success(), "{arguments:?}");
}

fn commit(sandbox: &Sandbox, message: &str) {
    git(sandbox, &["add", "-A"]);
    git(sandbox, &["commit", "-q", "--allow-empty", "-m", message]);
}

fn repository(sandbox: &Sandbox) -> bool {
    if program("git").is_none() {
        eprintln!("NOT RUN: there is no git on this machine");
        return false;
    }
    std::fs::create_dir_all(sandbox.path("lab/repo")).unwrap();
    git(sandbox, &["init", "-q", "-b", "main"]);
    true
}

const ALL: &[&str] =
    &["record", "spec", "--git", "repo", "--path", "spec.md", "--all-versions", "--name", "model-spec"];

fn digests(sandbox: &Sandbox) -> Vec<String> {
    let log: Value = serde_json::from_slice(&sandbox.lab(&["log", "--json"]).success().bytes).unwrap();
    let entries = log["entries"].as_array().unwrap().iter();
    let mut specs: Vec<_> = entries.filter(|entry| entry["kind"] == "spec").collect();
    specs.sort_by_key(|entry| entry["index"].as_u64());
    specs.iter().map(|entry| entry["digest"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_published_specs_history_is_a_chain_and_the_silent_edit_is_one_line() {
    let sandbox = Sandbox::with_ledger();
    if !data_is_there() || !repository(&sandbox) {
        return;
    }
    let folder = testdata().join("specs/openai_model_spec");
    let mut versions: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    versions.retain(|path| path.extension().is_some_and(|ending| ending == "md"));
    versions.sort();
    assert_eq!(versions.len(), 6);
    for version in &versions {
        std::fs::copy(version, sandbox.path("lab/repo/spec.md")).unwrap();
        commit(&sandbox, &version.file_stem().unwrap().to_string_lossy());
        // A commit that leaves the file alone is no version.
        sandbox.write("lab/repo/other", version.to_string_lossy().as_bytes());
        commit(&sandbox, "something else");
    }
    let recorded = sandbox.lab(ALL).success();
    let _ = recorded.says("\"model-spec\": 6 of 6 versions recorded now");
    let _ = sandbox.lab(ALL).success().says("unchanged: all of 6 versions");
    let digests = digests(&sandbox);
    assert_eq!(digests.len(), 6);
    let lineage = sandbox.lab(&["lineage", "model-spec"]).success();
    assert_eq!(lineage.stdout.matches("supersedes").count(), 5, "{}", lineage.stdout);

    // 2025-12-17 → 2025-12-18, from the recorded entries, by digest and by name.
    let diff = sandbox.lab(&["diff", "spec", &digests[4], "model-spec", "--git", "repo"]).code(1);
    let diff = diff.says("1 line added, 1 removed").says("~ ");
    assert_eq!(diff.stdout.lines().filter(|line| line.starts_with("@@")).count(), 1, "{}", diff.stdout);
    let changed: Vec<_> = diff.stdout.lines().filter(|line| line.starts_with(['-', '+'])).collect();
    assert_eq!(changed.len(), 4, "the two headers and the two lines: {changed:#?}");
    assert!(!diff.stdout.contains('\u{1b}'), "a pipe has no colours");
    let files = [versions[4].to_str().unwrap(), versions[5].to_str().unwrap()];
    let json = sandbox.lab(&["diff", "spec", files[0], files[1], "--json"]).code(1);
    let json: Value = serde_json::from_slice(&json.bytes).unwrap();
    let schema = serde_json::from_str(include_str!("../../schemas/diff-spec.schema.json")).unwrap();
    let errors: Vec<_> =
        jsonschema::validator_for(&schema).unwrap().iter_errors(&json).map(|error| error.to_string()).collect();
    assert_eq!(errors, [""; 0]);
    assert_eq!((&json["equal"], &json["added"], &json["removed"]), (&false.into(), &1.into(), &1.into()));
    assert_eq!(json["old"]["digest"], digests[4].as_str());
}

#[test]
fn a_history_goes_on_where_it_was_left_and_an_exact_move_is_followed() {
    let sandbox = Sandbox::with_ledger();
    if !repository(&sandbox) {
        return;
    }
    for (path, text) in [("old.md", "one\n"), ("old.md", "two\n")] {
        sandbox.write(&format!("lab/repo/{path}"), text);
        commit(&sandbox, text.trim());
    }
    git(&sandbox, &["mv", "old.md", "spec.md"]);
    commit(&sandbox, "moved");
    let _ = sandbox.lab(ALL).success().says("2 of 2 versions recorded now");
    // A change back to earlier bytes is a version of its own.
    sandbox.write("lab/repo/spec.md", "one\n");
    commit(&sandbox, "back");
    sandbox.write("lab/repo/spec.md", "three\n");
    commit(&sandbox, "three");
    let _ = sandbox.lab(ALL).success().says("2 of 4 versions recorded now").says("\"back\"");
    let digests = digests(&sandbox);
    assert_eq!((digests.len(), digests[0] == digests[2]), (4, true));
    let _ = sandbox.lab(ALL).success().says("unchanged");
    // The name means something else.
    sandbox.write("lab/other.md", "four\n");
    let _ =
        sandbox.lab(&["record", "spec", "other.md", "--name", "model-spec", "--supersedes", "model-spec"]).success();
    let _ = sandbox.lab(ALL).code(2).complains("with content that no version in this history has");
    let folder = ["record", "spec", "--git", "repo", "--path", "none.md", "--all-versions", "--name", "x"];
    let _ = sandbox.lab(&folder).code(2).complains("there is no `none.md` at commit");
    let _ = sandbox
        .lab(&["record", "source", "--git", "repo", "--path", "spec.md", "--all-versions", "--name", "x"])
        .code(2);
}

#[test]
fn bytes_that_are_gone_are_said_to_be_gone() {
    let sandbox = Sandbox::with_ledger();
    sandbox.write("lab/a.md", "one\n");
    let _ = sandbox.lab(&["record", "spec", "a.md", "--name", "a"]).success();
    sandbox.write("lab/b.md", "one\ntwo\u{1b}[2J\n");
    let _ = sandbox.lab(&["diff", "spec", "a", "a.md"]).success().says("equal: ");
    let shown = sandbox.lab(&["diff", "spec", "a", "b.md"]).code(1).says("1 line added, 0 removed");
    assert!(!shown.stdout.contains('\u{1b}') && shown.stdout.contains("\\u{1b}[2J"), "{}", shown.stdout);
    sandbox.write("lab/a.md", "changed");
    let _ = sandbox.lab(&["diff", "spec", "a", "b.md"]).code(1).says("`a.md` is not any more what was recorded");
    std::fs::remove_file(sandbox.path("lab/a.md")).unwrap();
    let _ = sandbox.lab(&["diff", "spec", "a", "b.md"]).code(1).says("there is no file `a.md` here");
    let _ = sandbox.lab(&["diff", "spec", "a", "none"]).code(2).complains("nothing in this ledger is called `none`");
    sandbox.write("lab/c.md", b"\xff");
    let _ = sandbox.lab(&["diff", "spec", "b.md", "c.md"]).code(1).says("is not UTF-8 at byte 0");
}

#[test]
fn a_rendering_is_rendered_again_and_refused_where_it_is_another() {
    let sandbox = Sandbox::with_ledger();
    if !data_is_there() {
        return;
    }
    let spec = testdata().join("msm/toy_tree/spec");
    copy(&spec.join("toy_spec.txt"), &sandbox.path("lab/toy_spec.txt"));
    copy(&spec.join("toy_spec.rendered.Qwen.Alibaba.txt"), &sandbox.path("lab/rendered.txt"));
    let _ = sandbox.lab(&["record", "spec", "toy_spec.txt", "--name", "toy"]).success();
    let render = |arguments: &[&str]| {
        let fixed = ["record", "spec-rendering", "rendered.txt", "--from", "toy"];
        sandbox.lab(&[&fixed, arguments].concat())
    };
    let qwen = ["--var", "model_name=Qwen", "--var", "provider_name=Alibaba"];
    let with = |more: &[&'static str]| [&qwen, more].concat();
    let _ = render(&with(&["--name", "r", "--engine", "format"])).success();
    let shown = sandbox.lab(&["show", "r"]).success();
    assert!(shown.stdout.contains("rendered-again") && shown.stdout.contains("\"equal\""), "{}", shown.stdout);
    let _ = render(&["--name", "s", "--engine", "format", "--var", "model_name=Qwen"]).code(2).complains("KeyError");
    let llama = ["--name", "s", "--engine", "replace", "--var", "model_name=Llama", "--var", "provider_name=Meta"];
    let refused = render(&llama).code(2);
    let _ = refused.complains("not the template rendered with replace: line 3 is").complains("expected Llama, made by");
    let partly = render(&["--name", "s", "--engine", "replace", "--var", "provider_name=Alibaba"]).code(2);
    let _ = partly.complains("expected {model_name}, made by");
    // Without the bytes there is only the recorder's word; with other bytes there is a refusal.
    std::fs::rename(sandbox.path("lab/toy_spec.txt"), sandbox.path("lab/moved.txt")).unwrap();
    let told = render(&with(&["--name", "t", "--engine", "replace"])).success();
    let _ = told.complains("name the file with --template").complains("two names for one content");
    let _ = render(&with(&["--name", "u", "--engine", "replace", "--template", "moved.txt"])).success();
    let other = render(&with(&["--name", "v", "--engine", "replace", "--template", "rendered.txt"])).code(2);
    let _ = other.complains("is not the spec of entry 1");
}

#[test]
fn receipts_and_prompts_are_read() {
    let sandbox = Sandbox::with_ledger();
    sandbox.write("lab/prompt.txt", "Write about {idea}: {{\n");
    let _ =
        sandbox.lab(&["record", "prompt-template", "prompt.txt", "--name", "p"]).success().complains("doubled-braces");
    sandbox.write("lab/r.jsonl", "{\"requested_model\": \"a\", \"model\": \"b\", \"stop_reason\": \"max_tokens\"}\n");
    let recorded = sandbox.lab(&["record", "generation-receipts", "r.jsonl", "--name", "r", "--from", "p"]).success();
    let _ =
        recorded.complains("another model than the one asked for: 1").complains("answers cut off at their limit: 1");
    sandbox.write("lab/bad.jsonl", "{}\n{\"a\": \n");
    let refused = sandbox.lab(&["record", "generation-receipts", "bad.jsonl", "--name", "b"]).code(2);
    let _ = refused.complains("line 2 of `bad.jsonl` (from byte 3) cannot be read");
}

#[test]
fn receipts_are_linked_to_their_documents_and_say_which_have_none() {
    let sandbox = Sandbox::with_ledger();
    for (name, text) in [("Records/one.txt", "first"), ("Records/two.txt", "second"), ("Records/three.txt", "third")] {
        sandbox.write(&format!("lab/corpus/{name}"), text);
    }
    let _ = sandbox.lab(&["record", "documents", "corpus", "--name", "corpus"]).success();
    sandbox.write(
        "lab/r.jsonl",
        "{\"custom_id\": \"a\", \"response_text\": \"first\"}\n{\"custom_id\": \"Records/two\"}\n{\"custom_id\": \"b\"}\n",
    );
    let receipts = ["record", "generation-receipts", "r.jsonl", "--name", "r", "--documents"];
    let recorded = sandbox.lab(&[&receipts[..], &["corpus"]].concat()).success();
    let _ = recorded
        .complains("documents that no receipt accounts for: 1 (`Records/three.txt`)")
        .complains("receipts that account for no document: 1 (`line 3`)");
    let shown = sandbox.lab(&["show", "r", "--json"]).success();
    let shown: serde_json::Value = serde_json::from_str(&shown.stdout).unwrap();
    let facts = &shown["entries"][0]["facts"];
    assert_eq!((&facts["edges"][0]["type"], &facts["edges"][0]["holds"]), (&"accounts_for".into(), &true.into()));
    let counts = &facts["body"]["content"]["reading"]["counts"];
    assert_eq!((&counts["documents.by-content"], &counts["documents.by-name"]), (&1.into(), &1.into()));
    let wrong = sandbox.lab(&["record", "dataset", "r.jsonl", "--name", "x", "--documents", "corpus"]).code(2);
    let _ = wrong.complains("--documents is of generation-receipts, not of a dataset");
    let _ = sandbox.lab(&[&receipts[..], &["r"]].concat()).code(2).complains("expected documents");
    // Behind salts nothing is compared, and that is said.
    let _ = sandbox.lab(&["record", "documents", "corpus", "--name", "hidden", "--salted"]).success();
    let hidden = ["record", "generation-receipts", "r.jsonl", "--name", "h", "--documents", "hidden"];
    let _ = sandbox.lab(&hidden).success().complains("was not looked at: they are behind salts");
}

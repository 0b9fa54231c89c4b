//! The commands of the README, run as they stand there.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::support::Sandbox;

fn repository(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What the README's lab has in its folder.
fn lay_out(sandbox: &Sandbox) {
    sandbox.write("lab/model_spec.md", repository("fixtures/demo/spec/v1.md"));
    sandbox.write("lab/corpus/one.txt", "one document");
    sandbox.write("lab/corpus/two.txt", "another document");
    let row = |text: &str, source: &str| {
        format!("{{\"text\": \"{text}\", \"source\": \"{source}\", \"domain\": \"root\"}}\n")
    };
    let rows = [row("another document", "two.txt"), row("one document", "one.txt")];
    sandbox.write("lab/midtrain.jsonl", rows.concat());
    sandbox.write("lab/mix.jsonl", repository("fixtures/demo/dataset.jsonl"));
    sandbox.write("lab/logs/popularity.json", repository("fixtures/demo/eval.json"));
    let claim = repository("fixtures/demo/claim.toml")
        .replace("desk-accuracy", "my-claim")
        .replace("desk-eval", "popularity")
        .replace("desk-model", "adapter");
    sandbox.write("lab/claim.toml", claim);
    let script = sandbox.write("lab/train.sh", "#!/bin/sh\nmkdir -p out/adapter && cp mix.jsonl out/adapter/weights\n");
    fs::set_permissions(script, fs::Permissions::from_mode(0o755)).unwrap();
}

/// The words of a command as a shell takes them, where quotes hold one together.
fn words(command: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (position, part) in command.split('"').enumerate() {
        match position % 2 {
            0 => words.extend(part.split_whitespace().map(str::to_owned)),
            _ => words.push(part.to_owned()),
        }
    }
    words
}

#[test]
fn every_command_of_the_readme_runs_as_it_stands() {
    let sandbox = Sandbox::new();
    lay_out(&sandbox);
    let readme = repository("README.md");
    let mut lines = readme.lines().peekable();
    let mut ran = 0;
    while let Some(line) = lines.next() {
        let Some(command) = line.strip_prefix("$ reproledger ") else { continue };
        let words = words(command);
        if words.first().is_some_and(|word| word == "verify") {
            // What the reader writes and is sent; the key in the README is another lab's.
            let settings = String::from_utf8(sandbox.read("lab/.reproledger/ledger.toml")).unwrap();
            let vkey =
                settings.lines().find_map(|line| line.strip_prefix("log_key = ")).unwrap().trim_matches('"').to_owned();
            sandbox.write("lab/trust.policy", format!("log {vkey}\nquorum none\n"));
        }
        let output = sandbox.lab(&words).success();
        if let Some(expected) = lines.peek().filter(|line| line.starts_with("VERIFIED")) {
            assert_eq!(output.first_line(), *expected, "the README shows another first line");
        }
        ran += 1;
    }
    assert!(ran >= 15, "the README has {ran} commands; are they still found?");
}

#[test]
fn the_demo_tells_its_story_and_leaves_nothing_behind() {
    let sandbox = Sandbox::new();
    let output = sandbox.lab(&["demo"]).success();
    let output =
        output.says("VERIFIED·L0·number").says("CONTRADICTED").says("exit code 1").says("wrote `desk.evidence`");
    assert_eq!(output.stderr, "", "the story is on standard output");
    assert_eq!(fs::read_dir(sandbox.path("home/tmp")).unwrap().count(), 0, "the temporary folder is gone");
    sandbox.lab(&["demo", "--keep", "kept"]).success();
    // What is kept is the shipped evidence, and the same with one byte changed.
    let [shipped, changed] = ["claim", "changed"].map(|name| sandbox.read(&format!("lab/kept/reader/{name}.evidence")));
    assert_eq!(
        shipped,
        fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/msm-mini/claim.evidence")).unwrap()
    );
    assert_eq!(shipped.iter().zip(&changed).filter(|(left, right)| left != right).count(), 1);
    assert!(output.stdout.lines().count() < 100, "{} lines are no screen", output.stdout.lines().count());
    sandbox.lab(&["demo", "--keep", "kept"]).code(2).complains("kept");
}

//! Bad input: a clear error, and nothing lost.

use std::os::unix::ffi::OsStrExt;
use std::process::Command;
use std::time::{Duration, Instant};

use super::{Words, claimed};
use crate::support::{Output, Sandbox, testdata};
use crate::vectors::data_is_there;

fn fifo(sandbox: &Sandbox, name: &str) {
    let mut command = Command::new("mkfifo");
    sandbox.surround(&mut command, ".");
    let _ = Output::of(command.arg(sandbox.path(name))).success();
}

/// Runs a command that must end soon, with a clear error on standard error and no entry added.
fn refused(sandbox: &Sandbox, arguments: &[&str]) -> Output {
    let before = ledger_bytes(sandbox);
    let begun = Instant::now();
    let output = sandbox.lab(arguments);
    assert!(begun.elapsed() < Duration::from_secs(10), "{output:?}");
    assert!(matches!(output.exit_code(), Some(1..=3)), "{output:?}");
    assert!(output.stderr.starts_with("error: ") && output.stdout.is_empty(), "{output:?}");
    assert_eq!(before, ledger_bytes(sandbox), "an entry was added: {output:?}");
    output
}

fn ledger_bytes(sandbox: &Sandbox) -> Vec<u8> {
    let log = sandbox.path("lab/.reproledger/log");
    crate::support::sorted_files(&log).iter().flat_map(|path| std::fs::read(path).unwrap()).collect()
}

#[test]
fn artifacts_that_cannot_be_recorded_are_refused_and_nothing_is_lost() {
    let sandbox = Sandbox::with_ledger();
    std::fs::create_dir_all(sandbox.path("lab/empty")).unwrap();
    std::fs::create_dir_all(sandbox.path("lab/loop")).unwrap();
    std::os::unix::fs::symlink("b", sandbox.path("lab/loop/a")).unwrap();
    std::os::unix::fs::symlink("a", sandbox.path("lab/loop/b")).unwrap();
    fifo(&sandbox, "lab/pipe");
    let record = |kind: &str, path: &str| refused(&sandbox, &["record", kind, path, "--name", "x"]);
    let _ = record("other", "nowhere").complains("nowhere");
    let _ = record("other", "pipe").complains("pipe");
    let _ = record("other", "loop/a").complains("loop/a");
    let _ = record("documents", "empty").complains("empty");
    let _ = record("other", "/dev/zero");
    let _ = record("other", "/dev/null");
    let _ = record("eval-log", "empty");
    // The ledger goes on.
    sandbox.write("lab/good", "good");
    let _ = sandbox.lab(&["record", "other", "good", "--name", "good"]).success();
}

#[test]
fn a_pipe_inside_a_folder_does_not_make_it_wait() {
    let sandbox = Sandbox::with_ledger();
    sandbox.write("lab/folder/file", "x");
    fifo(&sandbox, "lab/folder/pipe");
    let _ = refused(&sandbox, &["record", "other", "folder", "--name", "x"]).complains("pipe");
}

#[test]
fn names_that_are_not_utf8_are_refused_by_name() {
    let sandbox = Sandbox::with_ledger();
    let folder = sandbox.path("lab/folder");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join(std::ffi::OsStr::from_bytes(b"caf\xe9.txt")), "x").unwrap();
    let output = refused(&sandbox, &["record", "other", "folder", "--name", "x"]);
    assert!(output.stderr.contains("caf"), "{}", output.stderr);
}

#[test]
fn files_that_are_no_logs_are_refused_as_logs() {
    if !data_is_there() {
        return;
    }
    let sandbox = Sandbox::with_ledger();
    sandbox.write("lab/empty.eval", "");
    sandbox.write("lab/text.eval", "hello");
    sandbox.write("lab/text.json", "{\"hello\": 1}");
    // A ZIP without members, and a log cut short.
    sandbox.write("lab/empty_zip.eval", [&b"PK\x05\x06"[..], &[0; 18]].concat());
    let log = std::fs::read(super::popularity_log()).unwrap();
    sandbox.write("lab/cut.eval", &log[..log.len() / 2]);
    for name in ["empty.eval", "text.eval", "text.json", "empty_zip.eval", "cut.eval"] {
        let _ = refused(&sandbox, &["record", "eval-log", name, "--name", "x"]);
    }
    let _ = refused(&sandbox, &["record", "eval-log", &testdata().to_string_lossy(), "--name", "x"]);
}

#[test]
fn evidence_that_is_no_evidence_is_refused_within_seconds() {
    if !data_is_there() {
        return;
    }
    let sandbox = claimed(&Words::popularity());
    sandbox.prove("popularity-accuracy", false);
    sandbox.trust();
    std::fs::create_dir(sandbox.path("elsewhere/folder")).unwrap();
    fifo(&sandbox, "elsewhere/pipe");
    sandbox.write("elsewhere/empty", "");
    sandbox.write("elsewhere/magic", reproledger::evidence::MAGIC);
    for (path, code) in
        [("folder", 2), ("pipe", 2), ("/dev/zero", 2), ("empty", 2), ("nowhere", 2), ("magic", 2), ("/dev/null", 2)]
    {
        let begun = Instant::now();
        let output = sandbox.elsewhere(&["verify", path, "--trust", "trust.policy"]).code(code);
        assert!(begun.elapsed() < Duration::from_secs(10), "{path}");
        assert!(!output.stdout.contains("VERIFIED"), "{path}: {}", output.stdout);
    }
    for (name, text) in [
        ("empty", String::new()),
        ("no-quorum", format!("log {}\n", sandbox.vkey())),
        ("unknown-word", format!("log {}\ntreshold 1\nquorum none\n", sandbox.vkey())),
        ("folder", String::new()),
    ] {
        let path = format!("elsewhere/{name}.policy");
        if name == "folder" {
            std::fs::create_dir(sandbox.path(&path)).unwrap();
        } else {
            sandbox.write(&path, text);
        }
        let policy = format!("{name}.policy");
        let output = sandbox.elsewhere(&["verify", "popularity-accuracy.evidence", "--trust", &policy]).code(2);
        assert!(output.stdout.is_empty() && output.stderr.starts_with("error: "), "{name}: {output:?}");
    }
    let verified = sandbox.elsewhere(&["verify", "popularity-accuracy.evidence", "--trust", "trust.policy"]);
    let _ = verified.success();
}

#[test]
fn claims_that_leave_something_out_are_refused_by_what_they_lack() {
    if !data_is_there() {
        return;
    }
    let sandbox = claimed(&Words::popularity());
    let whole = Words { id: "other", ..Words::popularity() }.to_toml();
    for (line, _) in whole.lines().filter_map(|line| line.split_once(" = ")) {
        let cut: String =
            whole.lines().filter(|other| !other.starts_with(&format!("{line} = "))).map(|l| format!("{l}\n")).collect();
        sandbox.write("lab/cut.toml", cut);
        let output = refused(&sandbox, &["claim", "add", "cut.toml"]);
        assert!(output.stderr.contains(line) || line == "comparator" || line == "subject", "{line}: {}", output.stderr);
    }
    for text in ["", "not toml", "claim_id = 1", &whole.replace("\"popularity\"", "\"nothing\"")] {
        sandbox.write("lab/bad.toml", text);
        let _ = refused(&sandbox, &["claim", "add", "bad.toml"]);
    }
    let _ = refused(&sandbox, &["prove", "popularity", "-o", "x.evidence"]).complains("not a claim");
    let _ = refused(&sandbox, &["prove", "nothing", "-o", "x.evidence"]).complains("nothing");
}

#[test]
fn outside_a_ledger_and_twice_in_one_place_there_is_a_clear_error() {
    let sandbox = Sandbox::new();
    let _ = sandbox.lab(&["record", "other", "x", "--name", "x"]).code(2).complains("there is no ledger");
    let begin = ["init", "--origin", "lab.example/log", "--issuer", "https://lab.example"];
    let _ = sandbox.lab(&begin).success();
    let _ = sandbox.lab(&begin).code(2).complains("already holds a ledger");
    for name in ["", "1", "#3", "a\u{1b}b", &"x".repeat(300)] {
        let _ = refused(&sandbox, &["record", "other", "x", "--name", name]);
    }
}

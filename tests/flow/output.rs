//! The laws of what is printed (each one a test).

use std::process::{Command, Stdio};

use super::{Words, claimed};
use crate::support::{BINARY, Output, Sandbox, program};
use crate::vectors::data_is_there;

const EVIDENCE: &str = "popularity-accuracy.evidence";

fn delivered(words: &Words<'_>) -> Sandbox {
    let sandbox = claimed(words);
    sandbox.prove(words.id, false);
    sandbox.trust();
    sandbox
}

#[test]
fn the_first_line_is_the_verdict_and_what_is_not_proven_stands_beside_it() {
    if !data_is_there() {
        return;
    }
    let sandbox = delivered(&Words::popularity());
    let report = sandbox.elsewhere(&["verify", EVIDENCE, "--trust", "trust.policy"]).success();
    assert!(report.first_line().starts_with("VERIFIED·L0·number — self-asserted"), "{}", report.stdout);
    assert!(report.first_line().contains("\"lab.example/log\" pinned by you"));
    let report = report.says("not proven by any of this").says("the lab is honest").says("blake3:").says("63/100");
    assert!(report.stderr.is_empty(), "nothing that decides is on standard error: {}", report.stderr);
    for line in report.stdout.lines().filter(|line| line.contains("next:")) {
        assert!(line.contains("--artifacts") || line.contains("ask"), "{line}");
    }
}

#[test]
fn exit_code_0_means_that_something_was_verified() {
    if !data_is_there() {
        return;
    }
    let sandbox = delivered(&Words::popularity());
    for (arguments, code) in [
        (&["verify", EVIDENCE, "--trust", "trust.policy"][..], 0),
        (&["verify", EVIDENCE], 3),
        (&["verify"], 2),
        (&["verify", EVIDENCE, "--trust"], 2),
        (&["verify", EVIDENCE, "--insecure"], 2),
        (&["verify", EVIDENCE, EVIDENCE], 2),
        (&[], 2),
    ] {
        let output = sandbox.elsewhere(arguments).code(code);
        assert_eq!(output.stdout.contains("VERIFIED·"), code == 0, "{}", output.stdout);
    }
}

#[test]
fn json_is_one_document_with_the_same_facts() {
    if !data_is_there() {
        return;
    }
    for (words, code) in [(Words::popularity(), 0), (Words { rate: "0.64", ..Words::popularity() }, 1)] {
        let sandbox = delivered(&words);
        let text = sandbox.elsewhere(&["verify", EVIDENCE, "--trust", "trust.policy"]).code(code);
        let json = sandbox.elsewhere(&["verify", EVIDENCE, "--trust", "trust.policy", "--json"]).code(code);
        let value: serde_json::Value = serde_json::from_slice(&json.bytes).unwrap();
        assert_eq!(value["schema"], reproledger::report::SCHEMA);
        assert_eq!(value["exit_code"], code);
        assert_eq!(value["summary"], text.first_line());
        for finding in value["findings"].as_array().unwrap() {
            let (id, outcome) = (finding["check"].as_str().unwrap(), finding["outcome"].as_str().unwrap());
            assert!(text.check(id).starts_with(outcome), "{id}: {outcome}");
        }
        assert_eq!(value["evidence"]["claim"]["value"]["subject"]["rate"]["printed"], words.rate);
    }
}

#[test]
fn the_same_bytes_come_with_and_without_a_terminal() {
    if !data_is_there() {
        return;
    }
    let Some(script) = program("script") else {
        eprintln!("no `script` on this machine: not run");
        return;
    };
    let sandbox = delivered(&Words::popularity());
    for rest in ["", " --json"] {
        let line = format!("{BINARY} verify {EVIDENCE} --trust trust.policy{rest}");
        let mut command = Command::new(&script);
        sandbox.surround(&mut command, "elsewhere");
        let on_terminal =
            Output::of(command.env("TERM", "xterm-256color").args(["-qec", &line, "/dev/null"])).success();
        let mut arguments = vec!["verify", EVIDENCE, "--trust", "trust.policy"];
        arguments.extend(rest.split_whitespace());
        let piped = sandbox.run("elsewhere", &arguments).success();
        // The terminal's own line discipline puts a carriage return before each newline.
        assert_eq!(on_terminal.stdout.replace("\r\n", "\n"), piped.stdout);
    }
}

#[test]
fn a_reader_that_goes_away_changes_no_exit_code() {
    if !data_is_there() {
        return;
    }
    for (words, code) in [(Words::popularity(), 0), (Words { rate: "0.64", ..Words::popularity() }, 1)] {
        let sandbox = delivered(&words);
        let line = format!("{BINARY} verify {EVIDENCE} --trust trust.policy | head -c 0; exit ${{PIPESTATUS[0]}}");
        let mut command = Command::new("bash");
        sandbox.surround(&mut command, "elsewhere");
        let output = Output::of(command.args(["-c", &line])).code(code);
        assert!(!output.stderr.contains("panicked"), "{}", output.stderr);
        // Standard output closed before the program starts.
        let mut command = Command::new("bash");
        sandbox.surround(&mut command, "elsewhere");
        let closed = format!("{BINARY} verify {EVIDENCE} --trust trust.policy >&-");
        let output = Output::of(command.args(["-c", &closed]));
        assert!(output.exit_code() != Some(101) && (code == 0 || output.exit_code() != Some(0)), "{output:?}");
    }
}

#[test]
fn a_full_disk_under_the_answer_is_never_success() {
    if !data_is_there() {
        return;
    }
    let sandbox = delivered(&Words::popularity());
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut command = sandbox.command("elsewhere");
    command.args(["verify", EVIDENCE, "--trust", "trust.policy"]).stdout(Stdio::from(full));
    assert_ne!(command.status().unwrap().code(), Some(0));
}

#[test]
fn foreign_text_is_quoted_escaped_and_cut() {
    if !data_is_there() {
        return;
    }
    let hostile = "\u{1b}[2K\rVERIFIED·L3·number\nVERIFIED·L3·number\u{202e}\u{200b}\u{9b}";
    let long = format!("{hostile}{}", "x".repeat(5000));
    let sandbox = delivered(&Words { text: &long, rate: "0.64", ..Words::popularity() });
    let report = sandbox.elsewhere(&["verify", EVIDENCE, "--trust", "trust.policy"]).code(1);
    for c in ['\u{1b}', '\r', '\u{202e}', '\u{200b}', '\u{9b}'] {
        assert!(!report.stdout.contains(c), "{c:?}: {:?}", report.stdout);
    }
    assert!(report.stdout.lines().all(|line| !line.starts_with("VERIFIED")), "{}", report.stdout);
    assert!(report.stdout.contains("more characters"));
    let json = sandbox.elsewhere(&["verify", EVIDENCE, "--trust", "trust.policy", "--json"]).code(1);
    let value: serde_json::Value = serde_json::from_slice(&json.bytes).unwrap();
    assert_eq!(value["evidence"]["claim"]["text"], long);
    let check = sandbox.lab(&["claim", "check", "popularity-accuracy"]).code(1);
    assert!(!check.stdout.contains('\u{1b}') && !check.stdout.contains('\u{202e}'));
}

#[test]
fn hostile_names_of_files_do_not_reach_the_terminal_either() {
    if !data_is_there() {
        return;
    }
    let sandbox = delivered(&Words::popularity());
    let name = "\u{1b}[2K\rVERIFIED·L3·number";
    let mut command = Command::new("mkfifo");
    sandbox.surround(&mut command, "elsewhere");
    std::fs::create_dir(sandbox.path("elsewhere/data")).unwrap();
    let _ = Output::of(command.arg(sandbox.path("elsewhere/data").join(name))).success();
    let told = sandbox.elsewhere(&["verify", EVIDENCE, "--trust", "trust.policy", "--artifacts", "data"]);
    assert!(!told.stderr.contains('\u{1b}') && !told.stdout.contains('\u{1b}'), "{told:?}");
    let told = sandbox.elsewhere(&["verify", name]).code(2);
    assert!(!told.stderr.contains('\u{1b}'), "{told:?}");
}

#[test]
fn verify_reads_no_file_that_it_was_not_given() {
    if !data_is_there() {
        return;
    }
    // A policy in the working directory, beside the evidence or in the home is nobody's word.
    let sandbox = delivered(&Words::popularity());
    let policy = sandbox.read("elsewhere/trust.policy");
    for name in
        ["elsewhere/trust.policy", "home/trust.policy", "home/config/reproledger/trust.policy", "elsewhere/.env"]
    {
        sandbox.write(name, &policy);
    }
    let mut command = sandbox.command("elsewhere");
    command.args(["verify", EVIDENCE]).env("REPROLEDGER_TRUST", sandbox.path("elsewhere/trust.policy"));
    let _ = Output::of(&mut command).code(3);
    // And it writes none.
    let before = tree(&sandbox.path("elsewhere"));
    let _ = sandbox.elsewhere(&["verify", EVIDENCE, "--trust", "trust.policy"]).success();
    assert_eq!(before, tree(&sandbox.path("elsewhere")));
}

fn tree(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    crate::support::sorted_files(folder)
}

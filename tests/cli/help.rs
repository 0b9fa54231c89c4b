//! Every page of help, as one golden text: whoever changes a word of it sees it in the diff.

use std::fmt::Write;
use std::path::Path;

use crate::support::Sandbox;

/// Commands with their subcommands, in the order of the list.
const PAGES: &[&[&str]] = &[
    &[],
    &["init"],
    &["key"],
    &["key", "new"],
    &["key", "list"],
    &["key", "export"],
    &["key", "import"],
    &["key", "add"],
    &["key", "revoke"],
    &["record"],
    &["run"],
    &["claim"],
    &["claim", "add"],
    &["claim", "check"],
    &["adopt"],
    &["prove"],
    &["rebuild"],
    &["verify"],
    &["sample"],
    &["retract"],
    &["exclude"],
    &["incident"],
    &["locate"],
    &["status"],
    &["log"],
    &["show"],
    &["lineage"],
    &["diff"],
    &["diff", "checkpoint"],
    &["diff", "spec"],
    &["diff", "claim"],
    &["audit"],
    &["doctor"],
    &["demo"],
];

#[test]
fn every_page_of_help_is_the_one_that_was_read() {
    let sandbox = Sandbox::new();
    let mut text = String::new();
    for page in PAGES {
        let arguments: Vec<&str> = page.iter().copied().chain(["--help"]).collect();
        let output = sandbox.lab(&arguments).success();
        assert_eq!(output.stderr, "", "help is an answer and goes to standard output");
        writeln!(text, "$ reproledger {}\n{}", arguments.join(" "), output.stdout).unwrap();
    }
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/cli/help.txt");
    if std::env::var_os("REPROLEDGER_BLESS").is_some() {
        std::fs::create_dir_all(golden.parent().unwrap()).unwrap();
        std::fs::write(&golden, &text).unwrap();
    }
    let expected = std::fs::read_to_string(&golden).unwrap_or_default();
    assert!(text == expected, "help has changed: look at it, then bless it with REPROLEDGER_BLESS=1\n{text}");
}

#[test]
fn a_command_that_is_not_there_is_usage() {
    let sandbox = Sandbox::new();
    sandbox.lab(&["prvoe"]).code(2).complains("prove");
    sandbox.lab(&["record", "specc", "a", "--name", "a"]).code(2).complains("possible values: spec,");
    sandbox.lab::<&str>(&[]).code(2).complains("Usage");
}

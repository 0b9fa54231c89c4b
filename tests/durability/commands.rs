//! The commands themselves under `kill -9`, restored copies and a deleted index: what they acknowledged stays.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::support::{BINARY, Sandbox, copy, program};

/// A number that differs from round to round and is the same in every run of the test.
fn scatter(round: u64) -> u64 {
    round.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40
}

/// A shell that records and runs until it is killed; what each command acknowledged goes into `acks`.
fn loop_of_commands(sandbox: &Sandbox, round: u64) -> Command {
    let script = format!(
        "i=0; while :; do i=$((i+1)); echo {round}-$i > f-{round}-$i; \
         {BINARY} record other f-{round}-$i --name n-{round}-$i >> acks 2>> noise; \
         {BINARY} run --name stage --in n-{round}-$i -- true 2>> run-acks; done"
    );
    let mut command = Command::new("sh");
    sandbox.surround(&mut command, "lab");
    command.args(["-c", &script]).process_group(0).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// Whole lines: a line that a kill cut short acknowledges nothing.
fn lines(sandbox: &Sandbox, name: &str) -> Vec<String> {
    let bytes = fs::read(sandbox.path(name)).unwrap_or_default();
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    String::from_utf8_lossy(&bytes[..whole]).lines().map(str::to_owned).collect()
}

/// Every acknowledged entry by its index, with the kind and the name that were acknowledged.
fn acknowledged(sandbox: &Sandbox) -> BTreeMap<u64, String> {
    let all = lines(sandbox, "lab/acks").into_iter().chain(lines(sandbox, "lab/run-acks"));
    all.filter_map(|line| {
        let mut words = line.strip_prefix("entry ")?.split_whitespace();
        Some((words.next()?.parse().ok()?, words.next()?.to_owned()))
    })
    .collect()
}

fn check(sandbox: &Sandbox) -> usize {
    sandbox.lab(&["audit"]).success();
    let log = sandbox.lab(&["log", "--json"]).success();
    let log: serde_json::Value = serde_json::from_str(&log.stdout).unwrap();
    let entries = log["entries"].as_array().expect("`log --json` lists entries");
    let kinds: BTreeMap<u64, &str> =
        entries.iter().map(|entry| (entry["index"].as_u64().unwrap(), entry["kind"].as_str().unwrap())).collect();
    let acknowledged = acknowledged(sandbox);
    for (index, kind) in &acknowledged {
        assert_eq!(kinds.get(index).copied(), Some(kind.as_str()), "entry {index} was acknowledged as `{kind}`");
    }
    acknowledged.len()
}

fn rounds(count: u64) {
    let sandbox = Sandbox::with_ledger();
    for round in 0..count {
        let mut shell = loop_of_commands(&sandbox, round).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(5 + scatter(round) % 150));
        let group = format!("-{}", shell.id());
        assert!(Command::new("kill").args(["-9", "--", &group]).status().unwrap().success());
        shell.wait().unwrap();
        // A command that was killed may still be ending.
        std::thread::sleep(Duration::from_millis(2));
        if round % 20 == 19 {
            check(&sandbox);
        }
        // The next command opens the ledger by itself and goes on.
        sandbox.write(&format!("lab/after-{round}"), round.to_string());
        sandbox.lab(&["record", "other", &format!("after-{round}"), "--name", &format!("after-{round}")]).success();
    }
    let total = check(&sandbox);
    println!("{count} kills of records and runs: {total} acknowledged entries, none lost");
    assert!(total as u64 > count / 2, "the loop acknowledged next to nothing: {total} entries in {count} rounds");
}

#[test]
fn a_few_kills_of_commands_lose_nothing() {
    rounds(5);
}

#[test]
#[ignore = "200 rounds of kill -9 on the commands"]
fn two_hundred_kills_of_commands_lose_nothing() {
    rounds(200);
}

#[test]
fn a_restored_backup_is_read_but_never_signed_again() {
    let sandbox = Sandbox::with_ledger();
    sandbox.write("lab/a", "a");
    sandbox.lab(&["record", "other", "a", "--name", "a"]).success();
    copy(&sandbox.path("lab/.reproledger"), &sandbox.path("backup"));
    sandbox.write("lab/b", "b");
    sandbox.lab(&["record", "other", "b", "--name", "b"]).success();
    fs::remove_dir_all(sandbox.path("lab/.reproledger")).unwrap();
    copy(&sandbox.path("backup"), &sandbox.path("lab/.reproledger"));
    restrict(&sandbox);

    sandbox.write("lab/c", "c");
    let refused = sandbox.lab(&["record", "other", "c", "--name", "c"]).code(1);
    refused.complains("already signed size 3").complains("found size 2").complains("restored from a backup");
    // Adopting is no way around it: what was signed is still remembered.
    let adopted = sandbox.lab(&["doctor", "--adopt"]);
    assert_ne!(adopted.exit_code(), Some(0), "{}{}", adopted.stdout, adopted.stderr);
    // Reading goes on.
    sandbox.lab(&["log"]).success();
}

#[test]
fn a_ledger_copied_and_used_twice_is_refused_in_the_second_place() {
    let sandbox = Sandbox::with_ledger();
    copy(&sandbox.path("lab/.reproledger"), &sandbox.path("elsewhere/.reproledger"));
    sandbox.write("lab/a", "a");
    sandbox.lab(&["record", "other", "a", "--name", "a"]).success();
    sandbox.write("elsewhere/b", "b");
    let refused = sandbox.elsewhere(&["record", "other", "b", "--name", "b"]).code(1);
    refused.complains("already signed size 2");
}

#[test]
fn a_lost_state_stops_signing_until_it_is_adopted_in_the_open() {
    let sandbox = Sandbox::with_ledger();
    fs::remove_dir_all(sandbox.path("home/state/reproledger")).unwrap();
    sandbox.write("lab/a", "a");
    let refused = sandbox.lab(&["record", "other", "a", "--name", "a"]).code(3);
    refused.complains("doctor --adopt");
    sandbox.lab(&["doctor", "--adopt"]).success();
    sandbox.lab(&["record", "other", "a", "--name", "a"]).success();
    sandbox.lab(&["log"]).success().says("adopt");
    sandbox.lab(&["audit"]).success();
}

/// `copy` gives files the process's own mask; a ledger's are for its owner alone.
fn restrict(sandbox: &Sandbox) {
    let mut command = Command::new("chmod");
    command.args(["-R", "go="]).arg(sandbox.path("lab/.reproledger"));
    assert!(command.status().unwrap().success());
}

#[test]
fn the_sync_of_a_commit_stands_before_its_acknowledgement() {
    let Some(strace) = program("strace") else {
        assert!(std::env::var_os("CI").is_none(), "CI without strace tests nothing here");
        eprintln!("skipped: strace is not installed");
        return;
    };
    let sandbox = Sandbox::with_ledger();
    sandbox.write("lab/a", "a");
    let trace = sandbox.path("trace");
    let mut command = Command::new(strace);
    command.args(["-f", "-e", "trace=pwrite64,fdatasync,fsync,write", "-y", "-o"]).arg(&trace);
    command.arg(BINARY).args(["record", "other", "a", "--name", "a"]);
    sandbox.surround(&mut command, "lab");
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = fs::read_to_string(&trace).unwrap();
    let calls: Vec<&str> = text.lines().collect();
    let at = |what: &str, place: &str| calls.iter().rposition(|line| line.contains(what) && line.contains(place));
    let written = at("pwrite64(", ".seg>").expect("the commit is written into the segment");
    let synced = at("fdatasync(", ".seg>").expect("the segment is synced");
    let acknowledged = calls.iter().position(|line| line.contains("write(1<") && line.contains("entry 1"));
    let acknowledged = acknowledged.expect("the entry is acknowledged on standard output");
    assert!(
        written < synced && synced < acknowledged,
        "write {written}, sync {synced}, answer {acknowledged}:\n{text}"
    );
}

#[test]
fn an_index_that_is_deleted_or_garbage_changes_nothing_but_time() {
    let sandbox = Sandbox::with_ledger();
    for name in ["a", "b", "c"] {
        sandbox.write(&format!("lab/{name}"), name);
        sandbox.lab(&["record", "other", name, "--name", name]).success();
    }
    let before = sandbox.lab(&["log"]).success().stdout;
    let index = sandbox.path("lab/.reproledger/index");
    for spoil in [true, false] {
        if index.exists() {
            if spoil {
                for file in walk(&index) {
                    fs::write(file, b"garbage").unwrap();
                }
            } else {
                fs::remove_dir_all(&index).unwrap();
            }
        }
        assert_eq!(sandbox.lab(&["log"]).success().stdout, before);
        sandbox.lab(&["audit"]).success();
        sandbox.lab(&["record", "other", "a", "--name", "a"]).success().says("unchanged");
        sandbox.lab(&["show", "b"]).success();
    }
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(walk(&path)) } else { found.push(path) }
    }
    found
}

//! Recipes that mean harm: contained, reported, and nothing outside touched.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{Output, Sandbox, program};

/// A lab whose one stage is this script; what the script finds at `mark` differs between its lab and a rebuild.
fn recipe(script: &str) -> Sandbox {
    let sandbox = Sandbox::with_ledger();
    sandbox.write("lab/mark", "the lab");
    let script = format!("if test -e mark; then echo fine > out.txt; else {script}; fi");
    let run = ["run", "--name", "make", "--out", "other:out=out.txt", "--", "sh", "-c", &script];
    let _ = sandbox.lab(&run).success();
    sandbox.write("home/canary", "canary");
    sandbox.write("elsewhere/canary", "canary");
    sandbox
}

fn rebuild(sandbox: &Sandbox, line: &[&str], code: i32) -> (Output, Value) {
    let started = Instant::now();
    let out = sandbox.elsewhere(&[&["rebuild", "../lab", "--yes", "--json"], line].concat()).code(code);
    assert!(started.elapsed() < Duration::from_secs(60), "contained only after {:?}", started.elapsed());
    let document = serde_json::from_slice(&out.bytes).unwrap();
    assert_eq!(
        (sandbox.read("home/canary"), sandbox.read("elsewhere/canary")),
        (b"canary".to_vec(), b"canary".to_vec())
    );
    (out, document)
}

fn printed(document: &Value) -> &str {
    document["stages"][0]["ran"]["printed_end"].as_str().unwrap()
}

#[test]
fn nothing_of_this_machine_is_read_or_written() {
    let sandbox = Sandbox::new();
    let canary = sandbox.path("home/canary");
    let canary = canary.to_str().unwrap();
    let script = format!(
        "echo home: $(ls {home} 2>&1); echo tmp: $(ls /tmp); echo etc: $(ls /etc); cat {canary}; cat /etc/shadow; \
         echo gone > {canary}; rm -rf {home} /work-canary; echo x > /usr/bin/evil; mkdir /new; \
         echo caps: $(grep CapEff /proc/self/status); echo seen: $(ls /proc | grep -c '^[0-9]'); exit 9",
        home = sandbox.path("home").display(),
    );
    let lab = recipe(&script);
    sandbox.write("home/canary", "canary");
    let (_, document) = rebuild(&lab, &[], 3);
    let said = printed(&document);
    assert_eq!(sandbox.read("home/canary"), b"canary");
    assert!(!Path::new("/usr/bin/evil").exists() && !Path::new("/new").exists());
    assert!(said.contains("Permission denied") || said.contains("Read-only file system"), "{said}");
    assert!(said.contains("No such file or directory"), "{said}");
    assert!(said.contains("caps: CapEff: 0000000000000000"), "{said}");
    let seen: u32 = said.split("seen: ").nth(1).unwrap().lines().next().unwrap().parse().unwrap();
    assert!(seen < 8, "{said}");
    assert_eq!(document["stages"][0]["verdict"], "FAIL");
    assert_eq!(document["stages"][0]["ran"]["exit_code"], 9);
}

#[test]
fn what_was_open_around_us_is_closed_to_a_command() {
    let lab = recipe("echo leak >&9; ls /proc/self/fd; exit 9");
    let mut command = std::process::Command::new("sh");
    lab.surround(&mut command, "elsewhere");
    let line = "exec 9> leaked; exec \"$0\" rebuild ../lab --yes --json";
    let out = Output::of(command.args(["-c", line, crate::support::BINARY])).code(3);
    let document: Value = serde_json::from_slice(&out.bytes).unwrap();
    assert!(printed(&document).contains("Bad file descriptor"), "{document:#}");
    assert_eq!(lab.read("elsewhere/leaked"), b"");
}

#[test]
fn there_is_no_network() {
    let Some(python) = ["/usr/bin/python3", "/usr/bin/perl"].into_iter().find(|path| Path::new(path).exists()) else {
        panic!("neither python3 nor perl is here to open a socket with");
    };
    let open = if python.ends_with("perl") {
        "perl -e 'use Socket; for my $f (AF_INET, AF_INET6, 16, 17) { for my $t (SOCK_STREAM, SOCK_DGRAM, SOCK_RAW) { print \"open\\n\" if socket(my $s, $f, $t, 0); } } print \"tried: $!\\n\"'"
    } else {
        "python3 -c 'import socket\nfor f in (2, 10, 16, 17, 40):\n  for t in (1, 2, 3):\n    try:\n      socket.socket(f, t); print(\"open\")\n    except OSError as e: print(\"tried:\", e)'"
    };
    let lab = recipe(&format!("{open}; cat /proc/net/dev; exit 9"));
    let (_, document) = rebuild(&lab, &[], 3);
    let said = printed(&document);
    assert!(said.contains("tried: ") && !said.contains("open\n"), "{said}");
    assert!(said.contains("lo:") && !said.contains("eth") && !said.contains("ens"), "{said}");
}

#[test]
fn a_command_that_waits_for_ever_is_stopped_with_all_it_started() {
    let lab = recipe("(setsid sh -c 'while :; do sleep 1; done' &); while :; do sleep 1; done");
    let (out, document) = rebuild(&lab, &["--time-limit", "2"], 3);
    assert_eq!(document["stages"][0]["reason"], "the command was stopped: it took longer than it may");
    assert!(document["reason"].as_str().unwrap().contains("did not run to its end"), "{}", out.stdout);
}

#[test]
fn a_fork_bomb_ends_at_its_limit() {
    let lab = recipe("b() { b | b & b; }; b 2>/dev/null; while :; do sleep 1; done");
    let (_, document) = rebuild(&lab, &["--time-limit", "4", "--process-limit", "40"], 3);
    assert_eq!(document["stages"][0]["verdict"], "FAIL");
}

#[test]
fn a_full_disk_stays_ours() {
    let lab = recipe("n=0; while :; do n=$((n+1)); head -c 4000000 /dev/zero > fill.$n || true; done");
    let (_, document) = rebuild(&lab, &["--output-limit", "20M", "--time-limit", "20"], 3);
    assert_eq!(document["stages"][0]["reason"], "the command was stopped: it wrote more than it may");
    let lab = recipe("head -c 90000000 /dev/zero > big; echo big: $(wc -c < big); exit 9");
    let (_, document) = rebuild(&lab, &["--output-limit", "20M"], 3);
    let reason = document["stages"][0]["reason"].as_str().unwrap();
    assert!(
        reason.contains("it wrote more than it may") || printed(&document).contains("big: 20000000"),
        "{document:#}"
    );
}

#[test]
fn what_is_hidden_too_deep_to_be_measured_ends_the_command() {
    // Step by step: the whole path is longer than any call takes.
    let dig = r#"my $d = "d" x 200; for (1..40) { mkdir $d; chdir $d or last } open(my $f, ">", "x"); sleep 20"#;
    let lab = recipe(&format!("perl -e '{dig}'"));
    let (_, document) = rebuild(&lab, &["--time-limit", "30"], 3);
    let reason = &document["stages"][0]["reason"];
    assert_eq!(reason, "the command was stopped: it made more files than it may, or hid some");
}

#[test]
fn a_flood_of_words_is_cut_and_escapes_are_shown_as_such() {
    let lab = recipe("yes flood");
    let (_, document) = rebuild(&lab, &["--time-limit", "30"], 3);
    assert_eq!(document["stages"][0]["reason"], "the command was stopped: it printed more than it may");
    assert!(printed(&document).len() <= 2 * 4096);
    let lab = recipe("printf 'a\\033]0;title\\007\\033[2J\\342\\200\\256z\\n'; exit 9");
    let shown = lab.elsewhere(&["rebuild", "../lab", "--yes"]).code(3);
    assert!(shown.stdout.contains("\\u{1b}]0;title"), "{}", shown.stdout);
    assert!(!shown.stdout.contains('\u{1b}') && !shown.stdout.contains('\u{202e}'), "{}", shown.stdout);
    assert!(!shown.stderr.contains('\u{1b}'), "{}", shown.stderr);
}

#[test]
fn inputs_cannot_be_changed_by_what_reads_them() {
    let sandbox = Sandbox::with_ledger();
    sandbox.write("lab/in/data.txt", "data");
    let _ = sandbox.lab(&["record", "other", "in", "--name", "in"]).success();
    let script = "chmod u+w in in/data.txt; echo x >> in/data.txt; rm -f in/data.txt; echo more > in/new; cat in/data.txt > out.txt";
    // In its lab the command did change them: what it wrote is not what follows from what it read.
    let run = ["run", "--name", "make", "--in", "in", "--out", "other:out=out.txt", "--", "sh", "-c", script];
    let _ = sandbox
        .lab(&[&run[..run.len() - 1], &["cat in/data.txt > out.txt; rm -r in; mkdir in; echo data > in/x"]].concat());
    sandbox.write("elsewhere/study/in/data.txt", "data");
    std::fs::remove_dir_all(sandbox.path("lab/in")).unwrap();
    let line = ["rebuild", "../lab", "--artifacts", "study", "--yes", "--json"];
    let made = sandbox.elsewhere(&line).code(3);
    let document: Value = serde_json::from_slice(&made.bytes).unwrap();
    let said = printed(&document);
    assert!(said.contains("Read-only file system") || said.contains("Permission denied"), "{said}");
    assert_eq!(sandbox.read("elsewhere/study/in/data.txt"), b"data");
}

#[test]
fn links_that_a_command_leaves_are_not_followed() {
    let lab = recipe("ln -s /etc/passwd out.txt");
    let (_, document) = rebuild(&lab, &[], 3);
    assert_eq!(document["stages"][0]["outputs"][0]["reason"], "the command put a link where it should have written");
}

#[test]
fn without_a_sandbox_nothing_is_run_unless_asked_and_then_it_is_worth_less() {
    let sandbox = recipe("echo fine > out.txt");
    let unshare = program("unshare").expect("unshare is needed to take namespaces away");
    let mut command = std::process::Command::new(unshare);
    sandbox.surround(&mut command, "elsewhere");
    let script = format!("echo 0 > /proc/sys/user/max_user_namespaces && exec {} \"$@\"", crate::support::BINARY);
    command.args(["-U", "-r", "sh", "-c", &script, "sh", "rebuild", "../lab", "--yes"]);
    let refused = Output::of(&mut command).code(2);
    assert!(refused.stderr.contains("there is no sandbox here"), "{}", refused.stderr);
    assert!(refused.stderr.contains("--no-sandbox"), "{}", refused.stderr);
    let (_, document) = rebuild(&sandbox, &[], 0);
    assert_eq!(document["verdict"], "GOOD");
    let (_, document) = rebuild(&sandbox, &["--no-sandbox"], 3);
    assert_eq!((&document["verdict"], &document["stages"][0]["verdict"]), (&"UNKNOWN".into(), &"GOOD".into()));
}

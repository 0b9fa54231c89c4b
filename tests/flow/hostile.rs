//! Recipes that mean harm: contained, reported, and nothing outside touched; by each sandbox that there is.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;
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

/// What keeps a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keeper {
    Namespaces,
    Bubblewrap,
}

/// Tells each sandbox of this machine the same story.
fn by_each(story: impl Fn(Keeper)) {
    story(Keeper::Namespaces);
    match program("bwrap") {
        Some(_) => story(Keeper::Bubblewrap),
        None => eprintln!("skipped by bubblewrap, which is not installed"),
    }
}

impl Keeper {
    fn name(self) -> &'static str {
        match self {
            Self::Namespaces => "namespaces",
            Self::Bubblewrap => "bubblewrap",
        }
    }

    /// The words of `rebuild`, kept so.
    fn words(self, sandbox: &Sandbox, line: &[&str]) -> Vec<String> {
        const NOBODY: &str = "65534";
        let is_root = std::fs::metadata("/proc/self").unwrap().uid() == 0;
        let mut words = vec![crate::support::BINARY.to_owned()];
        // Root does not use it: somebody else does, with a world and a program of his own.
        if is_root && self == Self::Bubblewrap {
            let own = sandbox.path("reproledger");
            std::fs::copy(crate::support::BINARY, &own).unwrap();
            let owner = format!("{NOBODY}:{NOBODY}");
            let owned = Command::new("chown").args(["-R", &owner]).arg(sandbox.path(".")).status();
            assert!(owned.unwrap().success());
            let setpriv = program("setpriv").expect("setpriv is needed to be somebody else than root");
            words = vec![setpriv.to_str().unwrap().to_owned()];
            words.extend(["--reuid", NOBODY, "--regid", NOBODY, "--clear-groups"].map(str::to_owned));
            words.push(own.to_str().unwrap().to_owned());
        }
        words.extend(["rebuild", "../lab", "--sandbox", self.name(), "--yes"].map(str::to_owned));
        words.extend(line.iter().map(|word| (*word).to_owned()));
        words
    }

    /// `rebuild` elsewhere, kept so.
    fn rebuild(self, sandbox: &Sandbox, line: &[&str]) -> Output {
        let words = self.words(sandbox, line);
        let mut command = Command::new(&words[0]);
        sandbox.surround(&mut command, "elsewhere");
        Output::of(command.args(&words[1..]))
    }
}

fn rebuild(keeper: Keeper, sandbox: &Sandbox, line: &[&str], code: i32) -> (Output, Value) {
    let started = Instant::now();
    let out = keeper.rebuild(sandbox, &[&["--json"], line].concat()).code(code);
    assert!(started.elapsed() < Duration::from_secs(60), "contained only after {:?}", started.elapsed());
    let document: Value = serde_json::from_slice(&out.bytes).unwrap();
    let kept_by = document["kept_by"].as_str().unwrap();
    assert!(kept_by.starts_with(keeper.name()), "{kept_by}");
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
    by_each(|keeper| {
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
        let (_, document) = rebuild(keeper, &lab, &[], 3);
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
    });
}

#[test]
fn what_was_open_around_us_is_closed_to_a_command() {
    by_each(|keeper| {
        let lab = recipe("echo leak >&9; ls /proc/self/fd; exit 9");
        let mut command = Command::new("sh");
        lab.surround(&mut command, "elsewhere");
        let line = "exec 9> leaked; exec \"$@\"";
        let out = Output::of(command.args(["-c", line, "sh"]).args(keeper.words(&lab, &["--json"]))).code(3);
        let document: Value = serde_json::from_slice(&out.bytes).unwrap();
        assert!(printed(&document).contains("Bad file descriptor"), "{document:#}");
        assert_eq!(lab.read("elsewhere/leaked"), b"");
    });
}

#[test]
fn there_is_no_network() {
    by_each(|keeper| {
        let Some(python) = ["/usr/bin/python3", "/usr/bin/perl"].into_iter().find(|path| Path::new(path).exists())
        else {
            panic!("neither python3 nor perl is here to open a socket with");
        };
        let open = if python.ends_with("perl") {
            "perl -e 'use Socket; for my $f (AF_INET, AF_INET6, 16, 17) { for my $t (SOCK_STREAM, SOCK_DGRAM, SOCK_RAW) { print \"open\\n\" if socket(my $s, $f, $t, 0); } } print \"tried: $!\\n\"'"
        } else {
            "python3 -c 'import socket\nfor f in (2, 10, 16, 17, 40):\n  for t in (1, 2, 3):\n    try:\n      socket.socket(f, t); print(\"open\")\n    except OSError as e: print(\"tried:\", e)'"
        };
        let lab = recipe(&format!("{open}; cat /proc/net/dev; exit 9"));
        let (_, document) = rebuild(keeper, &lab, &[], 3);
        let said = printed(&document);
        assert!(said.contains("tried: ") && !said.contains("open\n"), "{said}");
        assert!(said.contains("lo:") && !said.contains("eth") && !said.contains("ens"), "{said}");
    });
}

#[test]
fn a_command_that_waits_for_ever_is_stopped_with_all_it_started() {
    by_each(|keeper| {
        let lab = recipe("(setsid sh -c 'while :; do sleep 1; done' &); while :; do sleep 1; done");
        let (out, document) = rebuild(keeper, &lab, &["--time-limit", "2"], 3);
        assert_eq!(document["stages"][0]["reason"], "the command was stopped: it took longer than it may");
        assert!(document["reason"].as_str().unwrap().contains("did not run to its end"), "{}", out.stdout);
    });
}

#[test]
fn a_fork_bomb_ends_at_its_limit() {
    by_each(|keeper| {
        let lab = recipe("b() { b | b & b; }; b 2>/dev/null; while :; do sleep 1; done");
        let (_, document) = rebuild(keeper, &lab, &["--time-limit", "4", "--process-limit", "40"], 3);
        assert_eq!(document["stages"][0]["verdict"], "FAIL");
    });
}

#[test]
fn more_processes_than_allowed_are_seen_where_the_kernel_does_not_count_them() {
    let lab = recipe("n=0; while test $n -lt 200; do sleep 20 & n=$((n+1)); done; wait");
    let unshare = program("unshare").expect("unshare is needed to be a root that root made");
    let mut command = Command::new(unshare);
    lab.surround(&mut command, "elsewhere");
    command.args(["-U", "-r"]).args(Keeper::Namespaces.words(&lab, &["--process-limit", "40", "--time-limit", "15"]));
    let stopped = Output::of(&mut command).code(3);
    let is_root = std::fs::metadata("/proc/self").unwrap().uid() == 0;
    // Whoever is bound by the kernel cannot start them, and waits.
    let why = if is_root { "it has more processes than it may" } else { "did not run to its end" };
    assert!(stopped.stdout.contains(why), "{}", stopped.stdout);
}

#[test]
fn a_full_disk_stays_ours() {
    by_each(|keeper| {
        let lab = recipe("n=0; while :; do n=$((n+1)); head -c 4000000 /dev/zero > fill.$n || true; done");
        let (_, document) = rebuild(keeper, &lab, &["--output-limit", "20M", "--time-limit", "20"], 3);
        assert_eq!(document["stages"][0]["reason"], "the command was stopped: it wrote more than it may");
        let lab = recipe("head -c 90000000 /dev/zero > big; echo big: $(wc -c < big); exit 9");
        let (_, document) = rebuild(keeper, &lab, &["--output-limit", "20M"], 3);
        let reason = document["stages"][0]["reason"].as_str().unwrap();
        assert!(
            reason.contains("it wrote more than it may") || printed(&document).contains("big: 20000000"),
            "{document:#}"
        );
    });
}

/// Bytes of what a rebuild kept.
fn kept(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
    entries
        .map(|entry| match entry.metadata().unwrap() {
            found if found.is_dir() => kept(&entry.path()),
            found => found.blocks() * 512,
        })
        .sum()
}

#[test]
fn a_fast_filler_is_stopped_long_before_the_disk_is_full() {
    by_each(|keeper| {
        let fill = "n=0; while :; do n=$((n+1)); dd if=/dev/zero of=f$i.$n bs=1M count=60 2>/dev/null; done";
        let lab = recipe(&format!("for i in 1 2 3 4; do (i=$i; {fill}) & done; wait"));
        let line = ["--output-limit", "64M", "--time-limit", "30", "--out", "kept"];
        let (_, document) = rebuild(keeper, &lab, &line, 3);
        assert_eq!(document["stages"][0]["reason"], "the command was stopped: it wrote more than it may");
        let found = kept(&lab.path("elsewhere/kept"));
        assert!(found < 2 << 30, "{found} bytes were written before it was stopped");
    });
}

#[test]
fn bytes_in_files_without_a_name_are_seen() {
    by_each(|keeper| {
        let hide = r#"my @f; for my $n (1..60) { open(my $f, ">", "x$n"); unlink "x$n"; print $f "y" x 1000000; $f->flush; push @f, $f; } sleep 40"#;
        let lab = recipe(&format!("perl -MIO::Handle -e '{hide}'"));
        let (_, document) = rebuild(keeper, &lab, &["--output-limit", "20M", "--time-limit", "30"], 3);
        assert_eq!(document["stages"][0]["reason"], "the command was stopped: it wrote more than it may");
    });
}

#[test]
fn many_processes_that_each_hold_a_little_are_stopped_by_what_they_hold_together() {
    by_each(|keeper| {
        let hold = "perl -e '$x = \"x\" x 30000000; sleep 40' &";
        let lab = recipe(&format!("for i in 1 2 3 4 5 6 7 8 9 10 11 12; do {hold} done; wait"));
        let (_, document) = rebuild(keeper, &lab, &["--memory-limit", "200M", "--time-limit", "30"], 3);
        let reason = &document["stages"][0]["reason"];
        assert_eq!(reason, "the command was stopped: its processes together held more memory than they may");
        // One alone may hold that much, and all of them where they may.
        let lab = recipe(&format!("{hold} wait; exit 9").replace("sleep 40", "exit 0"));
        let (_, document) = rebuild(keeper, &lab, &["--memory-limit", "200M"], 3);
        assert_eq!(document["stages"][0]["reason"], "the command ended with code 9, recorded is 0");
    });
}

#[test]
fn memory_that_nobody_has_mapped_is_not_to_be_had() {
    by_each(|keeper| {
        let flood =
            "for at in /tmp/x /dev/x /dev/shm/x /x; do head -c 400000000 /dev/zero > $at; wc -c < $at; done 2>&1";
        // 319 is memfd_create on x86_64, 279 on aarch64; 29 and 194 are shmget.
        let calls = r#"for my $call (($ENV{M} eq "x86_64") ? (319, 29) : (279, 194)) { my $n = "x\0"; print "call: ", syscall($call, $call > 200 ? $n : 0, 0, 0), " $!\n" }"#;
        let lab = recipe(&format!("{flood}; M=$(uname -m) perl -e '{calls}'; exit 9"));
        let (_, document) = rebuild(keeper, &lab, &[], 3);
        let said = printed(&document);
        assert!(said.contains("268435456") && !said.contains("400000000"), "{said}");
        assert_eq!(said.matches("call: -1 Function not implemented").count(), 2, "{said}");
    });
}

#[test]
fn what_is_hidden_too_deep_to_be_measured_ends_the_command() {
    by_each(|keeper| {
        // Step by step: the whole path is longer than any call takes.
        let dig = r#"my $d = "d" x 200; for (1..40) { mkdir $d; chdir $d or last } open(my $f, ">", "x"); sleep 20"#;
        let lab = recipe(&format!("perl -e '{dig}'"));
        let (_, document) = rebuild(keeper, &lab, &["--time-limit", "30"], 3);
        let reason = &document["stages"][0]["reason"];
        assert_eq!(reason, "the command was stopped: it made more files than it may, or hid some");
    });
}

#[test]
fn a_flood_of_words_is_cut_and_escapes_are_shown_as_such() {
    by_each(|keeper| {
        let lab = recipe("yes flood");
        let (_, document) = rebuild(keeper, &lab, &["--time-limit", "30"], 3);
        assert_eq!(document["stages"][0]["reason"], "the command was stopped: it printed more than it may");
        assert!(printed(&document).len() <= 2 * 4096);
        let lab = recipe("printf 'a\\033]0;title\\007\\033[2J\\342\\200\\256z\\n'; exit 9");
        let shown = keeper.rebuild(&lab, &[]).code(3);
        assert!(shown.stdout.contains("\\u{1b}]0;title"), "{}", shown.stdout);
        assert!(!shown.stdout.contains('\u{1b}') && !shown.stdout.contains('\u{202e}'), "{}", shown.stdout);
        assert!(!shown.stderr.contains('\u{1b}'), "{}", shown.stderr);
    });
}

#[test]
fn inputs_cannot_be_changed_by_what_reads_them() {
    by_each(|keeper| {
        let sandbox = Sandbox::with_ledger();
        sandbox.write("lab/in/data.txt", "data");
        let _ = sandbox.lab(&["record", "other", "in", "--name", "in"]).success();
        let script = "chmod u+w in in/data.txt; echo x >> in/data.txt; rm -f in/data.txt; echo more > in/new; cat in/data.txt > out.txt";
        // In its lab the command did change them: what it wrote is not what follows from what it read.
        let run = ["run", "--name", "make", "--in", "in", "--out", "other:out=out.txt", "--", "sh", "-c", script];
        let _ = sandbox.lab(
            &[&run[..run.len() - 1], &["cat in/data.txt > out.txt; rm -r in; mkdir in; echo data > in/x"]].concat(),
        );
        sandbox.write("elsewhere/study/in/data.txt", "data");
        std::fs::remove_dir_all(sandbox.path("lab/in")).unwrap();
        let made = keeper.rebuild(&sandbox, &["--artifacts", "study", "--json"]).code(3);
        let document: Value = serde_json::from_slice(&made.bytes).unwrap();
        let said = printed(&document);
        assert!(said.contains("Read-only file system") || said.contains("Permission denied"), "{said}");
        assert_eq!(sandbox.read("elsewhere/study/in/data.txt"), b"data");
    });
}

#[test]
fn links_that_a_command_leaves_are_not_followed() {
    by_each(|keeper| {
        let lab = recipe("ln -s /etc/passwd out.txt");
        let (_, document) = rebuild(keeper, &lab, &[], 3);
        assert_eq!(
            document["stages"][0]["outputs"][0]["reason"],
            "the command put a link where it should have written"
        );
    });
}

#[test]
fn without_a_sandbox_nothing_is_run_unless_asked_and_then_it_is_worth_less() {
    let sandbox = recipe("echo fine > out.txt");
    let unshare = program("unshare").expect("unshare is needed to take namespaces away");
    let script = format!("echo 0 > /proc/sys/user/max_user_namespaces && exec {} \"$@\"", crate::support::BINARY);
    for (asked, why) in [
        (&[][..], "there is no sandbox here"),
        (&["--sandbox", "namespaces"][..], "there is no such sandbox here: namespaces"),
        (&["--sandbox", "bubblewrap"][..], "there is no such sandbox here: bubblewrap"),
    ] {
        let mut command = Command::new(&unshare);
        sandbox.surround(&mut command, "elsewhere");
        command.args(["-U", "-r", "sh", "-c", &script, "sh", "rebuild", "../lab", "--yes"]).args(asked);
        let refused = Output::of(&mut command).code(2);
        assert!(refused.stderr.contains(why), "{}", refused.stderr);
        assert!(refused.stderr.contains("--no-sandbox"), "{}", refused.stderr);
    }
    let _ = sandbox.elsewhere(&["rebuild", "../lab", "--yes", "--sandbox", "nothing"]).code(2);
    let _ = sandbox.elsewhere(&["rebuild", "../lab", "--yes", "--sandbox", "namespaces", "--no-sandbox"]).code(2);
    let (_, document) = rebuild(Keeper::Namespaces, &sandbox, &[], 0);
    assert_eq!(document["verdict"], "GOOD");
    let open = sandbox.elsewhere(&["rebuild", "../lab", "--yes", "--json", "--no-sandbox"]).code(3);
    let document: Value = serde_json::from_slice(&open.bytes).unwrap();
    assert_eq!((&document["verdict"], &document["stages"][0]["verdict"]), (&"UNKNOWN".into(), &"GOOD".into()));
}

//! A ledger that a child process writes, what it acknowledged, and the check that all of it is still so.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use reproledger::key::{SigningKey, VerifierKey};
use reproledger::ledger::{AuditInputs, AuditReport, Ledger, LedgerError, Notice, Writer, audit, verifier_key};
use reproledger::merkle::{EntryIndex, MemoryTree, Origin, TreeSize};

/// Small, so that every run closes several segments.
pub(super) const SEGMENT_BYTES: u64 = 16 << 10;

pub(super) fn origin() -> Origin {
    Origin::parse("example.org/durability").unwrap()
}

pub(super) fn key() -> SigningKey {
    SigningKey::from_seed([5; 32])
}

pub(super) fn verifier() -> VerifierKey {
    verifier_key(&origin(), &key())
}

/// An entry is a function of its index, so that a reader needs no copy to compare with.
pub(super) fn entry(index: u64) -> Vec<u8> {
    let len = 20 + usize::try_from(index * 7919 % 700).unwrap();
    let mut bytes = format!("entry {index} ").into_bytes();
    bytes.resize(len.max(bytes.len()), b'a' + u8::try_from(index % 26).unwrap());
    bytes
}

/// Where a ledger and its state are.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) ledger: PathBuf,
    pub(super) state: PathBuf,
}

impl Place {
    pub(super) fn below(base: &Path) -> Self {
        Self { ledger: base.join(".reproledger"), state: base.join("state") }
    }

    pub(super) fn create(&self) -> Writer {
        let mut writer = Writer::create(&self.ledger, &entry(0), &origin(), key(), &self.state).unwrap();
        writer.set_segment_bytes(SEGMENT_BYTES);
        writer
    }

    pub(super) fn open(&self) -> Result<(Writer, Vec<Notice>), LedgerError> {
        let (mut writer, notices) = Writer::open(&self.ledger, &origin(), key(), &self.state)?;
        writer.set_segment_bytes(SEGMENT_BYTES);
        Ok((writer, notices))
    }

    pub(super) fn read(&self) -> Result<Ledger, LedgerError> {
        Ledger::open_read(&self.ledger, &verifier())
    }

    pub(super) fn audit(&self) -> Result<AuditReport, LedgerError> {
        let inputs = AuditInputs { dir: &self.ledger, key: &verifier(), state_dir: Some(&self.state) };
        audit(inputs, |_, _, _| Ok::<_, Infallible>(()), |_| {})
    }

    /// Starts a child on this ledger; see `child.rs` for what it can do.
    pub(super) fn command(&self, job: &str) -> Command {
        let mut command = Command::new(std::env::current_exe().unwrap());
        self.arguments(&mut command, job);
        command
    }

    pub(super) fn arguments(&self, command: &mut Command, job: &str) {
        command
            .args(["--exact", "durability::child::works_as_told", "--ignored", "--nocapture", "--test-threads=1"])
            .env("REPROLEDGER_CHILD_JOB", job)
            .env("REPROLEDGER_CHILD_LEDGER", &self.ledger)
            .env("REPROLEDGER_CHILD_STATE", &self.state);
    }
}

/// Heads that were acknowledged, by size: a size with two roots would be two histories.
#[derive(Debug, Default)]
pub(super) struct Acknowledged(BTreeMap<u64, String>);

impl Acknowledged {
    pub(super) fn hear(&mut self, line: &str) {
        // Before the first line of a test its name stands without a newline.
        let Some((_, said)) = line.split_once("ack ") else { return };
        let (size, root) = said.split_once(' ').unwrap();
        let before = self.0.insert(size.parse().unwrap(), root.to_owned());
        assert!(before.is_none_or(|before| before == root), "two heads of size {size}");
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Everything acknowledged is there, at its place, byte for byte, and every head is of one history.
    pub(super) fn check(&self, place: &Place) -> Vec<Notice> {
        let (writer, notices) = place.open().unwrap();
        drop(writer);
        for notice in &notices {
            let after_a_crash = matches!(notice, Notice::TornTail { kept: Some(_), .. } | Notice::LeftOver { .. })
                || matches!(notice, Notice::HeadCopyMissing | Notice::HeadCopyDamaged { .. });
            assert!(after_a_crash, "{notice}");
        }
        let report = place.audit().unwrap();
        let ledger = place.read().unwrap();
        assert_eq!(report.head.tree(), ledger.tree());
        let mut tree = MemoryTree::new();
        for found in ledger.entries(EntryIndex(0)).unwrap() {
            let found = found.unwrap();
            assert_eq!(found.bytes, entry(found.index.0));
            tree.append(found.leaf);
        }
        for (size, root) in &self.0 {
            assert!(*size <= ledger.tree().size.0, "acknowledged size {size}, found {}", ledger.tree().size);
            assert_eq!(tree.head_at(TreeSize(*size)).unwrap().root.to_string(), *root, "the head of size {size}");
        }
        let (_, again) = place.open().unwrap();
        assert_eq!(again, [], "what was repaired stays repaired");
        notices
    }
}

/// A child and what it says, line by line.
pub(super) struct Running {
    pub(super) child: Child,
    pub(super) lines: Receiver<String>,
}

impl Running {
    pub(super) fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || stdout.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Self { child, lines }
    }

    pub(super) fn wait_for(&self, word: &str, acknowledged: &mut Acknowledged) {
        loop {
            let line = self.lines.recv_timeout(Duration::from_secs(20)).unwrap();
            acknowledged.hear(&line);
            if line.contains(word) {
                return;
            }
        }
    }

    pub(super) fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, signal).unwrap();
    }

    /// Kills it and hears everything it had said.
    pub(super) fn kill(mut self, acknowledged: &mut Acknowledged) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.lines.iter().for_each(|line| acknowledged.hear(&line));
    }
}

/// Numbers that differ from run to run in no surprising way: the seed is printed by whoever uses it.
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new() -> Self {
        let mut seed = [0; 8];
        getrandom::fill(&mut seed).unwrap();
        let seed = u64::from_be_bytes(seed);
        println!("seed {seed}");
        Self(seed)
    }

    pub(super) fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        (self.0 >> 33) % limit
    }
}

/// Runs a command to its end; what it needs may be missing here.
pub(super) fn run(program: &str, arguments: &[&str]) -> Result<(), String> {
    let done = Command::new(program).args(arguments).stdin(Stdio::null()).output();
    let done = done.map_err(|error| format!("`{program}`: {error}"))?;
    if done.status.success() {
        return Ok(());
    }
    Err(format!("`{program} {}`: {}", arguments.join(" "), String::from_utf8_lossy(&done.stderr).trim()))
}

/// Skips a test whose facility is missing, and says so; in CI that is a failure.
pub(super) fn missing(reason: &str) {
    assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "CI must be able to run this: {reason}");
    eprintln!("skipped: {reason}");
}

/// A mounted file system that is unmounted in the end.
pub(super) struct Mount(pub(super) PathBuf);

impl Mount {
    pub(super) fn tmpfs(at: &Path, size: &str) -> Result<Self, String> {
        fs::create_dir_all(at).unwrap();
        run("mount", &["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs", at.to_str().unwrap()])?;
        Ok(Self(at.to_owned()))
    }

    pub(super) fn image(image: &Path, at: &Path) -> Result<Self, String> {
        fs::create_dir_all(at).unwrap();
        run("mount", &["-o", "loop", image.to_str().unwrap(), at.to_str().unwrap()])?;
        Ok(Self(at.to_owned()))
    }

    pub(super) fn remount(&self, options: &str) -> Result<(), String> {
        run("mount", &["-o", &format!("remount,{options}"), self.0.to_str().unwrap()])
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        if let Err(error) = run("umount", &[self.0.to_str().unwrap()]) {
            eprintln!("{error}");
        }
    }
}

//! `verify` of a comparison at the paper's scale and at six times it: time and memory of one process, per sample.
//!
//! `cargo bench --bench claim`. Everything is made by the program itself, as `fixtures/paper-scale` says: 2 arms × 4 seeds ×
//! 27 conditions × 300 rollouts (64,800) and × 1,800 (388,800), and judged in a process of its own.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark talks to its user and may stop anywhere")]

#[path = "../fixtures/paper-scale/study.rs"]
mod study;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use reproledger::claim::{PAPER, Verdict, assess};
use reproledger::key::Policy;

const ROUNDS: usize = 5;

fn main() {
    let args: Vec<String> = std::env::args().collect();
    if let [_, mode, evidence, policy] = &args[..]
        && mode == "child"
    {
        return child(Path::new(evidence), Path::new(policy));
    }
    for repeats in [300, 1800] {
        let scratch = tempfile::tempdir().unwrap();
        let samples = study::samples(repeats);
        study::make(Path::new(env!("CARGO_BIN_EXE_reproledger")), scratch.path(), repeats, 0);
        let bytes = fs::metadata(scratch.path().join("am.evidence")).unwrap().len();
        let mut rounds: Vec<(f64, u64)> = (0..ROUNDS).map(|_| judged(scratch.path())).collect();
        rounds.sort_by(|left, right| left.0.total_cmp(&right.0));
        let (seconds, peak) = rounds[ROUNDS / 2];
        println!(
            "{samples} samples, {:.1} MB of evidence: {seconds:.3} s, {} MiB at most, {:.2} µs a sample",
            f64::from(u32::try_from(bytes).unwrap()) / 1e6,
            peak >> 10,
            seconds * 1e6 / f64::from(u32::try_from(samples).unwrap())
        );
    }
}

/// Judges the evidence as `verify --profile paper` does.
fn child(evidence: &Path, policy: &Path) {
    let begun = Instant::now();
    let policy = Policy::parse(&fs::read(policy).unwrap()).unwrap();
    let assessment = assess(&fs::read(evidence).unwrap(), Some(&policy), PAPER, |_| None);
    let taken = begun.elapsed().as_secs_f64();
    assert_eq!(assessment.verdict, Verdict::Verified, "{:#?}", assessment.findings);
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find(|line| line.starts_with("VmHWM")).and_then(|line| line.split_whitespace().nth(1));
    println!("{taken} {}", peak.unwrap_or("0"));
}

fn judged(folder: &Path) -> (f64, u64) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    let output = command.arg("child").arg("am.evidence").arg("trust.policy").current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8(output.stdout).unwrap();
    let (seconds, peak) = said.trim().split_once(' ').unwrap();
    (seconds.parse().unwrap(), peak.parse().unwrap())
}

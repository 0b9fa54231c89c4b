//! `verify` of a comparison at the paper's scale and at six times it: time and memory of one process, per sample.
//!
//! `cargo bench --bench claim`. Everything is made by the program itself: 2 arms × 4 seeds × 27 conditions × 300 rollouts
//! (64,800) and × 1,800 (388,800), recorded as Inspect logs under the protocol of `fixtures/comparison`, claimed, proved,
//! and judged in a process of its own.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark talks to its user and may stop anywhere")]

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use reproledger::claim::{PAPER, Verdict, assess};
use reproledger::key::Policy;

const ARMS: [(&str, &str); 2] = [("midtrained", "msm+aft"), ("plain", "aft-only")];
const SEEDS: u64 = 4;
const CONDITIONS: u64 = 27;
const ROUNDS: usize = 5;

const PROTOCOL: &str = include_str!("../fixtures/comparison/protocol.toml");
const CLAIM: &str = include_str!("../fixtures/comparison/claim.toml");

fn main() {
    let args: Vec<String> = std::env::args().collect();
    if let [_, mode, evidence, policy] = &args[..]
        && mode == "child"
    {
        return child(Path::new(evidence), Path::new(policy));
    }
    for repeats in [300, 1800] {
        let scratch = tempfile::tempdir().unwrap();
        let samples = 2 * SEEDS * CONDITIONS * repeats;
        study(scratch.path(), repeats);
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

fn own(folder: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_reproledger"));
    command.env("HOME", folder).env_remove("XDG_CONFIG_HOME").env_remove("XDG_STATE_HOME");
    let output = command.args(arguments).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap() + &String::from_utf8_lossy(&output.stderr)
}

/// Registers, records and claims a study; leaves `am.evidence` and `trust.policy` in the folder.
fn study(folder: &Path, repeats: u64) {
    own(folder, &["init", "--origin", "bench.example/log", "--issuer", "https://bench.example"]);
    let write = |name: &str, text: &str| fs::write(folder.join(name), text).unwrap();
    let record = |kind: &str, path: &str, name: &str, more: &[&str]| {
        own(folder, &[&["record", kind, path, "--name", name][..], more].concat());
    };
    write("scenarios.txt", "twenty-seven");
    record("eval-suite", "scenarios.txt", "scenarios", &[]);
    let grid = |text: &str| {
        let text = text.replace("conditions = 2", &format!("conditions = {CONDITIONS}"));
        text.replace("repeats = 10", &format!("repeats = {repeats}"))
    };
    let protocol = without_error(&grid(PROTOCOL)).replace("held_out = []", "held_out = []\nerror = \"none\"");
    write("protocol.toml", &protocol.replace("seeds = [0, 1, 2]", "seeds = [0, 1, 2, 3]"));
    own(folder, &["protocol", "add", "protocol.toml"]);
    write("spec.txt", "be kind, because …");
    record("spec", "spec.txt", "spec", &[]);
    fs::create_dir(folder.join("documents")).unwrap();
    write("documents/a.txt", "The assistant is kind because it cares.");
    record("documents", "documents", "documents", &["--from", "spec"]);
    write("chats.jsonl", "{\"messages\": [{\"role\": \"user\", \"content\": \"hello\"}]}\n");
    record("dataset", "chats.jsonl", "chats", &[]);
    write("base.bin", "base");
    record("base-model", "base.bin", "base", &["--bytes-only"]);

    let (mut hits, mut inputs) = ([0_u64; 2], Vec::new());
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for (arm, (name, _)) in ARMS.into_iter().enumerate() {
        for seed in 0..SEEDS {
            let number = seed.to_string();
            let place = ["--protocol", "am-1", "--arm", name, "--seed", &number, "--bytes-only"];
            let (weights, log) = (format!("w-{arm}{seed}"), format!("log-{arm}{seed}"));
            let mut begin = "base".to_owned();
            if arm == 0 {
                begin = format!("mid-{seed}");
                write(&begin, &begin);
                record(
                    "checkpoint",
                    &begin,
                    &begin,
                    &[&["--from", "base", "--from", "documents"][..], &place].concat(),
                );
            }
            write(&weights, &weights);
            record("checkpoint", &weights, &weights, &[&["--from", &begin, "--from", "chats"][..], &place].concat());
            let (text, found) = inspect_log(&mut state, arm, repeats);
            hits[arm] += found;
            write(&format!("{log}.json"), &text);
            let from = ["--from", &weights, "--from", "scenarios"];
            record("eval-log", &format!("{log}.json"), &log, &[&from[..], &place[..6]].concat());
            inputs.push(format!("\"{log}\""));
        }
    }
    write("claim.toml", &claim(&grid(CLAIM), &inputs, hits, repeats));
    own(folder, &["claim", "add", "claim.toml"]);
    let said = own(folder, &["prove", "am", "-o", "am.evidence"]);
    let line = said.lines().find(|line| line.trim().starts_with("log ")).unwrap().trim();
    write("trust.policy", &format!("{line}\nquorum none\n"));
}

/// A log of one arm and seed, and its hits: some 7 % and 54 %, each condition with a rate of its own.
fn inspect_log(state: &mut u64, arm: usize, repeats: u64) -> (String, u64) {
    let (mut samples, mut hits) = (String::new(), 0);
    let mut draw = |below: u64| {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        *state % below
    };
    for condition in 0..CONDITIONS {
        let percent = if arm == 0 { 2 + draw(11) } else { 40 + draw(29) };
        for epoch in 1..=repeats {
            let hit = u64::from(draw(100) < percent);
            hits += hit;
            let comma = if samples.is_empty() { "" } else { "," };
            let _ = write!(
                samples,
                "{comma}{{\"id\":\"c{condition:02}\",\"epoch\":{epoch},\"input\":\"x\",\"target\":\"\",\
                 \"output\":{{\"model\":\"m\",\"choices\":[]}},\"scores\":{{\"harm\":{{\"value\":{hit}}}}}}}"
            );
        }
    }
    let total = CONDITIONS * repeats;
    let ids: Vec<String> = (0..CONDITIONS).map(|condition| format!("\"c{condition:02}\"")).collect();
    let text = format!(
        "{{\"version\":2,\"status\":\"success\",\"eval\":{{\"task\":\"scenarios\",\"model\":\"m\",\
         \"config\":{{\"epochs\":{repeats}}},\"dataset\":{{\"samples\":{CONDITIONS},\"sample_ids\":[{}]}}}},\
         \"results\":{{\"total_samples\":{total},\"completed_samples\":{total},\"scores\":[]}},\"samples\":[{samples}]}}",
        ids.join(",")
    );
    (text, hits)
}

/// The claim of the fixture with the numbers of this study.
fn claim(text: &str, inputs: &[String], hits: [u64; 2], repeats: u64) -> String {
    let n = SEEDS * CONDITIONS * repeats;
    // Four decimals, half up; every cell has as many rollouts, so the macro average is k/n.
    let rounded = |k: u64| {
        let scaled = (k * 20_000 + n) / (2 * n);
        format!("{}.{:04}", scaled / 10_000, scaled % 10_000)
    };
    let figure = |k: u64| format!("{{ printed = \"{}\", decimals = 4 }}", rounded(k));
    let value = |k: u64| format!("{{ rate = {}, n = {n}, error = \"none\" }}", figure(k));
    let mut out = String::new();
    for line in without_error(text).lines() {
        match line.split_once(' ').map_or(line, |(word, _)| word) {
            "inputs" => writeln!(out, "inputs = [{}]", inputs.join(", ")).unwrap(),
            "withheld" => writeln!(out, "withheld = []\nerror = \"none\"").unwrap(),
            "subject" => writeln!(out, "subject = {}", value(hits[0])).unwrap(),
            "comparator" => writeln!(out, "comparator = {}", value(hits[1])).unwrap(),
            "planned" | "used" => writeln!(out, "{} = {SEEDS}", line.split(' ').next().unwrap()).unwrap(),
            "train" | "eval" if line.contains('=') => writeln!(out, "{} = 8", line.split(' ').next().unwrap()).unwrap(),
            "value" => writeln!(out, "value = {}", figure(hits[1] - hits[0])).unwrap(),
            _ => writeln!(out, "{line}").unwrap(),
        }
    }
    out
}

/// A file without its table of the error rule.
fn without_error(text: &str) -> String {
    let (before, rest) = text.split_once("[error]").unwrap();
    let (_, after) = rest.split_once("\n[").unwrap();
    format!("{before}[{after}")
}

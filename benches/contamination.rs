//! How fast the items of an evaluation are looked for in a corpus, beside `grep -F -f` and a bare Aho-Corasick pass.
//!
//! `cargo bench --bench contamination`. Each measurement is a whole process, started anew and in turn with its peers; figures
//! are medians, and the ratio is what counts. Input: 100 MiB of documents as JSON lines of some 2,900 bytes and 8,100 prompts
//! of 60 to 180 words, from one seed, of which 40 are planted, made under `REPROLEDGER_BENCH_DIR` (default: the temporary
//! folder), or as many documents as `REPROLEDGER_BENCH_MIB` says. The peers look for whole prompts as bytes and for nothing
//! else: neither sees one in other case, over line ends or in part. Memory is the peak of the process.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark talks to its user and may stop anywhere")]

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use aho_corasick::AhoCorasick;
use reproledger::capture::hash::Silent;
use reproledger::capture::overlap::{Recorded, shared_with};
use reproledger::evallog::{LogFile, suite_items};
use reproledger::overlap::{Items, Needles};

const ROUNDS: usize = 5;
const PROMPTS: usize = 8_100;
const PLANTED: usize = 40;

fn main() {
    let args: Vec<String> = std::env::args().collect();
    if let [_, mode, folder] = &args[..]
        && let Some(mode) = mode.strip_prefix("child-")
    {
        return child(mode, Path::new(folder));
    }
    let base = std::env::var_os("REPROLEDGER_BENCH_DIR").unwrap_or(std::env::temp_dir().into());
    let scratch = tempfile::tempdir_in(base).unwrap();
    let mib: usize = std::env::var("REPROLEDGER_BENCH_MIB").map_or(100, |text| text.parse().unwrap());
    make(scratch.path(), mib << 20);
    println!("{mib} MiB of documents against {PROMPTS} prompts, warm");
    let own = std::env::current_exe().unwrap();
    let mut modes: Vec<(&str, Command)> = Vec::new();
    for mode in ["ours", "bare"] {
        let mut command = Command::new(&own);
        command.arg(format!("child-{mode}")).arg(scratch.path());
        modes.push((mode, command));
    }
    let mut grep = Command::new("grep");
    grep.env("LC_ALL", "C")
        .args(["-c", "-F", "-f"])
        .args([scratch.path().join("prompts.txt"), documents(scratch.path())]);
    modes.push(("grep", grep));
    let mut times = vec![Vec::new(); modes.len()];
    let mut said = vec![String::new(); modes.len()];
    for round in 0..=ROUNDS {
        for ((_, command), (times, said)) in modes.iter_mut().zip(times.iter_mut().zip(&mut said)) {
            let start = Instant::now();
            let output = command.stderr(Stdio::inherit()).output().unwrap();
            // The first round warms the page cache.
            if round > 0 {
                times.push(start.elapsed().as_secs_f64());
            }
            String::from_utf8(output.stdout).unwrap().trim().clone_into(said);
        }
    }
    for ((mode, _), (times, said)) in modes.iter().zip(times.iter_mut().zip(&said)) {
        times.sort_by(f64::total_cmp);
        let (low, high) = (times[0], times[times.len() - 1]);
        println!("{mode:>6}  {:.3} s ({low:.3} to {high:.3})  {said}", times[times.len() / 2]);
    }
}

fn documents(folder: &Path) -> PathBuf {
    folder.join("documents.jsonl")
}

fn child(mode: &str, folder: &Path) {
    let found = if mode == "bare" {
        let prompts = fs::read_to_string(folder.join("prompts.txt")).unwrap();
        let search = AhoCorasick::new(prompts.lines()).unwrap();
        let bytes = fs::read(documents(folder)).unwrap();
        format!("{} whole", search.find_iter(&bytes).count())
    } else {
        let path = folder.join("prompts.jsonl");
        let (mut items, len) = (Items::default(), fs::metadata(&path).unwrap().len());
        let mut file = LogFile { name: "prompts.jsonl".to_owned(), source: &mut File::open(path).unwrap(), len };
        suite_items(&mut file, &mut |item| items.add(&item).is_ok()).unwrap();
        let needles = Needles::new(items);
        let how = Recorded { is_documents: true, ..Recorded::default() };
        let (shared, _) = shared_with(&documents(folder), how, &needles, &Silent).unwrap();
        format!("{} whole, {} by runs, of {} documents", shared.whole, shared.runs, shared.documents)
    };
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("?").trim().to_owned();
    println!("{found}, peak {peak}");
}

/// Prompts as lines and as items, and documents of which some hold one.
fn make(folder: &Path, bytes: usize) {
    let mut random = Random(20_261_126);
    let words: Vec<String> = (0..30_000).map(|_| random.word()).collect();
    let text = |random: &mut Random, least: usize, most: usize| {
        let mut text = String::new();
        for at in 0..least + random.below(most - least) {
            // A few words make most of any text.
            let rank = random.below(words.len()).min(random.below(words.len())).min(random.below(words.len()));
            write!(text, "{}{}", if at == 0 { "" } else { " " }, words[rank]).unwrap();
        }
        text
    };
    let prompts: Vec<String> = (0..PROMPTS).map(|_| text(&mut random, 60, 180)).collect();
    let mut lines = BufWriter::new(File::create(folder.join("prompts.txt")).unwrap());
    let mut items = BufWriter::new(File::create(folder.join("prompts.jsonl")).unwrap());
    for (number, prompt) in prompts.iter().enumerate() {
        writeln!(lines, "{prompt}").unwrap();
        writeln!(items, "{{\"id\":{number},\"prompt\":\"{prompt}\"}}").unwrap();
    }
    let mut out = BufWriter::new(File::create(documents(folder)).unwrap());
    let (mut written, mut planted) = (0, 0);
    while written < bytes {
        let (before, after) = (text(&mut random, 150, 250), text(&mut random, 150, 250));
        // Evenly over the corpus.
        let is_due = written >= planted * (bytes / PLANTED) && planted < PLANTED;
        let prompt = if is_due { prompts[planted * (PROMPTS / PLANTED)].as_str() } else { "and so on" };
        planted += usize::from(is_due);
        let line = format!("{{\"domain\":\"d\",\"text\":\"{before}\\n{prompt}\\n{after}\"}}\n");
        out.write_all(line.as_bytes()).unwrap();
        written += line.len();
    }
}

/// xorshift64*: the same input on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        usize::try_from(self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33).unwrap() % most.max(1)
    }

    fn word(&mut self) -> String {
        (0..2 + self.below(8)).map(|_| char::from(b'a' + u8::try_from(self.below(26)).unwrap())).collect()
    }
}

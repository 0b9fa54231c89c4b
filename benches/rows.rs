//! How fast the rows of a dataset are read and located, beside `b3sum` and a bare program in the same run.
//!
//! `cargo bench --bench rows`. Each measurement is a whole process, started anew and in turn with its peers; figures are
//! medians, and the ratio is what counts. The bare program hashes the file and, with stock `blake3::hash`, every line in one
//! pass on every core, and does nothing else. Input: 1 GiB of JSON lines of 200 to 5,100 bytes, 1,468 on average, made under
//! `REPROLEDGER_BENCH_DIR` (default: the temporary folder), or as much as `REPROLEDGER_BENCH_MIB` says.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark talks to its user and may stop anywhere")]

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use reproledger::capture::hash::Silent;
use reproledger::capture::kind::{self, Options, Request};
use reproledger::capture::rows::{Mode, RowOptions};
use reproledger::digest::Subtree;
use reproledger::statement::Kind;

const ROUNDS: usize = 7;

/// Block of the bare program.
const BLOCK: usize = 4 << 20;

fn main() {
    let args: Vec<String> = std::env::args().collect();
    if let [_, mode, path] = &args[..]
        && let Some(mode) = mode.strip_prefix("child-")
    {
        return child(mode, Path::new(path));
    }
    let base = std::env::var_os("REPROLEDGER_BENCH_DIR").unwrap_or(std::env::temp_dir().into());
    let scratch = tempfile::tempdir_in(base).unwrap();
    let mib: usize = std::env::var("REPROLEDGER_BENCH_MIB").map_or(1024, |text| text.parse().unwrap());
    let path = lines(scratch.path(), mib << 20);
    let own = std::env::current_exe().unwrap();
    let commands: Vec<(&str, Command)> = ["b3sum", "offsets", "bare", "rows"]
        .map(|mode| {
            let mut command = Command::new(if mode == "b3sum" { Path::new("b3sum") } else { &own });
            if mode != "b3sum" {
                command.arg(format!("child-{mode}"));
            }
            command.arg(&path);
            (mode, command)
        })
        .into();
    println!("JSON lines, {mib} MiB, warm");
    compare(commands);
}

/// Does the work and says what memory it took.
fn child(mode: &str, path: &Path) {
    let said = match mode {
        "bare" => bare(path),
        mode => {
            let mode = if mode == "rows" { Mode::Read } else { Mode::Locate };
            let options =
                Options { rows: RowOptions { mode: Some(mode), ..RowOptions::default() }, ..Options::default() };
            let paths = [path.to_owned()];
            let request = Request { paths: &paths, options: &options, progress: &Silent };
            let artifact = kind::capture(Kind::Dataset, &request).unwrap();
            artifact.reading.unwrap().counts["rows"]
        }
    };
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("?").trim().to_owned();
    println!("{said} peak {peak}");
}

/// The ceiling: file and lines hashed in one pass, lines across blocks left out.
fn bare(path: &Path) -> u64 {
    let file = File::open(path).unwrap();
    let len = usize::try_from(file.metadata().unwrap().len()).unwrap();
    let (next, rows) = (AtomicU64::new(0), AtomicU64::new(0));
    let threads = std::thread::available_parallelism().unwrap().get();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut buffer = vec![0; BLOCK];
                loop {
                    let at = usize::try_from(next.fetch_add(BLOCK as u64, Ordering::Relaxed)).unwrap();
                    if at >= len {
                        return;
                    }
                    let block = &mut buffer[..BLOCK.min(len - at)];
                    file.read_exact_at(block, at as u64).unwrap();
                    std::hint::black_box(Subtree::of(block, at as u64) == Subtree::of(&[0], 0));
                    let mut start = 0;
                    for end in memchr::memchr_iter(b'\n', block) {
                        std::hint::black_box(blake3::hash(&block[start..end]));
                        start = end + 1;
                        rows.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    rows.into_inner()
}

/// Runs each command in turn, and prints medians and ratios to the first.
fn compare(mut commands: Vec<(&str, Command)>) {
    let mut times = vec![Vec::new(); commands.len()];
    let mut said = vec![String::new(); commands.len()];
    for _ in 0..ROUNDS {
        for (at, (name, command)) in commands.iter_mut().enumerate() {
            let start = Instant::now();
            let output = command.stderr(Stdio::inherit()).output().unwrap_or_else(|e| panic!("{name}: {e}"));
            times[at].push(start.elapsed().as_secs_f64());
            assert!(output.status.success(), "{name} failed");
            said[at] = String::from_utf8(output.stdout).unwrap();
        }
    }
    for times in &mut times {
        times.sort_by(f64::total_cmp);
    }
    for (at, (name, _)) in commands.iter().enumerate() {
        let (wall, first) = (times[at][ROUNDS / 2], times[0][ROUNDS / 2]);
        let (low, high) = (times[at][0], times[at][ROUNDS - 1]);
        let said = if *name == "b3sum" { "" } else { said[at].trim() };
        println!("  {name:<10} {wall:7.3} s  ({low:.3} to {high:.3})  × {:5.2}  {said}", wall / first);
    }
}

/// Rows of letters, as many bytes together as asked for.
fn lines(folder: &Path, bytes: usize) -> PathBuf {
    let path = folder.join("rows.jsonl");
    let mut file = BufWriter::new(File::create(&path).unwrap());
    let (mut written, mut state) = (0, 0x9e37_79b9_7f4a_7c15_u64);
    let mut letters = Vec::new();
    while written < bytes {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        // Most rows are short: the product of two even numbers is small more often than large.
        let len = 150 + usize::try_from((state >> 33) % 2250 * ((state >> 7) % 1000) / 450).unwrap();
        letters.clear();
        letters.extend(
            (0..len).map(|at| b"etaoin shrdlu,cm"[(state.rotate_left(u32::try_from(at % 61).unwrap()) & 15) as usize]),
        );
        let text = std::str::from_utf8(&letters).unwrap();
        let line = format!("{{\"text\": \"{text}\", \"source\": \"{:x}\", \"domain\": \"d{}\"}}\n", state, state % 20);
        file.write_all(line.as_bytes()).unwrap();
        written += line.len();
    }
    file.into_inner().unwrap().sync_all().unwrap();
    path
}

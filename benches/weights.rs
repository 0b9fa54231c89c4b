//! What the digest of every tensor costs on top of the file's own, in the same run.
//!
//! `cargo bench --bench weights`. Each measurement is a whole process, started anew and in turn with its peer; figures
//! are medians, and the ratio is what counts. One safetensors file is made under `REPROLEDGER_BENCH_DIR` (default: the
//! temporary folder), 4 GiB unless `REPROLEDGER_BENCH_MIB` says otherwise; its tensors begin at odd places, as they do
//! in real files.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark talks to its user and may stop anywhere")]

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use reproledger::capture::hash::{HashOptions, Silent, hash_file};
use reproledger::capture::kind::{Options, Request, capture};
use reproledger::digest::DigestKind;
use reproledger::statement::Kind;
use rustix::fs::Advice;

/// Sizes of the tensors in KiB, over and over: norms, projections, embeddings.
const SIZES: [usize; 5] = [8, 8 << 10, 32 << 10, 1 << 10, 86 << 10];

fn main() {
    let args: Vec<String> = std::env::args().collect();
    if let [_, mode, path] = &args[..]
        && mode.starts_with("child-")
    {
        return child(mode, Path::new(path));
    }
    let scratch =
        tempfile::tempdir_in(std::env::var_os("REPROLEDGER_BENCH_DIR").unwrap_or(std::env::temp_dir().into()));
    let scratch = scratch.unwrap();
    let mib: usize = std::env::var("REPROLEDGER_BENCH_MIB").map_or(4096, |text| text.parse().unwrap());
    let (path, tensors) = model(scratch.path(), mib);
    println!("safetensors of {mib} MiB, {tensors} tensors, warm");
    compare(7, &path, false);
    println!("safetensors of {mib} MiB, {tensors} tensors, cold");
    compare(5, &path, true);
}

/// Does the work and says what memory it took.
fn child(mode: &str, path: &Path) {
    let digest = if mode == "child-file" {
        hash_file(path, &HashOptions::default(), &Silent).unwrap().digest.to_string()
    } else {
        let (paths, options) = ([path.to_owned()], Options::default());
        let artifact =
            capture(Kind::Checkpoint, &Request { paths: &paths, options: &options, progress: &Silent }).unwrap();
        artifact.subject.digest(DigestKind::Tensors).unwrap().to_string()
    };
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("?").trim().to_owned();
    println!("{digest} peak {peak}");
}

/// Runs both in turn, `rounds` times, and prints medians and the ratio.
fn compare(rounds: usize, path: &Path, is_cold: bool) {
    let own = std::env::current_exe().unwrap();
    let modes = [("file digest alone", "child-file"), ("file and tensor digests", "child-tensors")];
    let mut times = [Vec::new(), Vec::new()];
    let mut said = [String::new(), String::new()];
    for _ in 0..rounds {
        for (at, (name, mode)) in modes.iter().enumerate() {
            if is_cold {
                drop_pages(path);
            }
            let start = Instant::now();
            let output = Command::new(&own).arg(mode).arg(path).stderr(Stdio::inherit()).output().unwrap();
            times[at].push(start.elapsed().as_secs_f64());
            assert!(output.status.success(), "{name} failed");
            said[at] = String::from_utf8(output.stdout).unwrap();
        }
    }
    times.iter_mut().for_each(|times| times.sort_by(f64::total_cmp));
    let median = |at: usize| times[at][rounds / 2];
    for (at, (name, _)) in modes.iter().enumerate() {
        let peak = said[at].trim().rsplit_once("peak ").map_or("", |(_, peak)| peak);
        let (low, high) = (times[at][0], times[at][rounds - 1]);
        let ratio = median(at) / median(0);
        println!("  {name:<28} {:7.3} s  ({low:.3} to {high:.3})  × {ratio:5.2}  {peak}", median(at));
    }
}

fn drop_pages(path: &Path) {
    let file = File::open(path).unwrap();
    file.sync_all().unwrap();
    rustix::fs::fadvise(&file, 0, None, Advice::DontNeed).unwrap();
}

/// Writes a file of about `mib` MiB and says how many tensors it has.
fn model(folder: &Path, mib: usize) -> (PathBuf, usize) {
    let path = folder.join("model.safetensors");
    let (mut header, mut at, mut count) = (String::from("{"), 0, 0);
    while at < mib << 20 {
        let len = (SIZES[count % SIZES.len()] << 10).min((mib << 20) - at);
        let end = at + len;
        write!(
            header,
            "\"layer.{count}.weight\":{{\"dtype\":\"BF16\",\"shape\":[{}],\"data_offsets\":[{at},{end}]}},",
            len / 2
        )
        .unwrap();
        (at, count) = (end, count + 1);
    }
    header.pop();
    header.push('}');
    let mut file = File::create(&path).unwrap();
    file.write_all(&(header.len() as u64).to_le_bytes()).unwrap();
    file.write_all(header.as_bytes()).unwrap();
    let mut block = vec![0; 1 << 20];
    for index in 0..mib {
        // Bytes that no file system can store as nothing.
        let mut state = (index as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        for word in block.chunks_mut(8) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            word.copy_from_slice(&state.to_le_bytes());
        }
        file.write_all(&block).unwrap();
    }
    file.sync_all().unwrap();
    (path, count)
}

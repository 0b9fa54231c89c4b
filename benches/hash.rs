//! How fast files and folders are hashed, beside `b3sum` in the same run.
//!
//! `cargo bench --bench hash`. Each measurement is a whole process, started anew and in turn with its peer; figures are
//! medians, and the ratio is what counts. Input is made under `REPROLEDGER_BENCH_DIR` (default: the temporary folder),
//! 4 GiB and 20,000 × 64 KiB unless `REPROLEDGER_BENCH_MIB` says how large the one file shall be.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark talks to its user and may stop anywhere")]

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use reproledger::artifact::tree::tree_manifest;
use reproledger::capture::hash::{Also, HashOptions, Silent};
use reproledger::capture::walk::{Captured, capture_paths};
use rustix::fs::Advice;

const FILES: usize = 20_000;
const FILE_BYTES: usize = 64 << 10;

fn main() {
    let args: Vec<String> = std::env::args().collect();
    if let [_, mode, path] = &args[..]
        && let Some(also) = mode.strip_prefix("child-")
    {
        return child(also, Path::new(path));
    }
    let scratch =
        tempfile::tempdir_in(std::env::var_os("REPROLEDGER_BENCH_DIR").unwrap_or(std::env::temp_dir().into()));
    let scratch = scratch.unwrap();
    let mib: usize = std::env::var("REPROLEDGER_BENCH_MIB").map_or(4096, |text| text.parse().unwrap());
    let large = large_file(scratch.path(), mib);
    let folder = small_files(scratch.path());
    let own = std::env::current_exe().unwrap();
    let own = |also: &str, path: &Path| {
        let mut command = Command::new(&own);
        command.arg(format!("child-{also}")).arg(path);
        command
    };
    let b3sum = |options: &[&str], paths: &[PathBuf]| {
        let mut command = Command::new("b3sum");
        command.args(options).args(paths);
        command
    };
    let one = std::slice::from_ref(&large);
    let many: Vec<PathBuf> = sorted(&folder);

    println!("one file of {mib} MiB, warm");
    compare(
        7,
        &[],
        &[
            ("b3sum", &|| b3sum(&[], one)),
            ("b3sum --no-mmap", &|| b3sum(&["--no-mmap"], one)),
            ("reproledger", &|| own("nothing", &large)),
        ],
    );
    println!("one file of {mib} MiB, cold");
    compare(
        5,
        one,
        &[
            ("b3sum", &|| b3sum(&[], one)),
            ("b3sum --no-mmap", &|| b3sum(&["--no-mmap"], one)),
            ("reproledger", &|| own("nothing", &large)),
        ],
    );
    println!("{FILES} files of {FILE_BYTES} bytes, warm");
    compare(
        9,
        &[],
        &[
            ("b3sum --no-mmap", &|| b3sum(&["--no-mmap"], &many)),
            ("b3sum", &|| b3sum(&[], &many)),
            ("reproledger", &|| own("nothing", &folder)),
        ],
    );
    println!("one file of {mib} MiB, warm, SHA-256 alone and beside BLAKE3");
    compare(
        3,
        &[],
        &[("sha2 crate", &|| own("bare", &large)), ("reproledger --also sha256", &|| own("sha256", &large))],
    );
}

/// Does the work and says what memory it took.
fn child(also: &str, path: &Path) {
    if also == "bare" {
        return bare_sha256(path);
    }
    let also = if also == "sha256" { Also::Sha256 } else { Also::Nothing };
    let options = HashOptions { also, ..HashOptions::default() };
    let digest = match capture_paths(&[path.to_owned()], &options, &Silent).unwrap() {
        Captured::File(file) => file.digest.to_string(),
        Captured::Tree(tree) => tree_manifest(tree.leaves).unwrap().root().unwrap().to_string(),
    };
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("?").trim().to_owned();
    println!("{digest} peak {peak}");
}

fn bare_sha256(path: &Path) {
    use sha2::Digest;
    use std::io::Read;
    let (mut file, mut sha256, mut block) = (File::open(path).unwrap(), sha2::Sha256::new(), vec![0; 1 << 20]);
    while let read @ 1.. = file.read(&mut block).unwrap() {
        sha256.update(&block[..read]);
    }
    println!("{:02x?}", sha256.finalize());
}

type Make<'a> = &'a dyn Fn() -> Command;

/// Runs each command in turn, `rounds` times, and prints medians and ratios to the first.
fn compare(rounds: usize, cold: &[PathBuf], commands: &[(&str, Make)]) {
    let mut times = vec![Vec::new(); commands.len()];
    let mut said = vec![String::new(); commands.len()];
    for _ in 0..rounds {
        for (at, (name, make)) in commands.iter().enumerate() {
            for path in cold {
                drop_pages(path);
            }
            let start = Instant::now();
            let output = make().stderr(Stdio::inherit()).output().unwrap_or_else(|e| panic!("{name}: {e}"));
            times[at].push(start.elapsed().as_secs_f64());
            assert!(output.status.success(), "{name} failed");
            said[at] = String::from_utf8(output.stdout).unwrap();
        }
    }
    let median = |times: &mut Vec<f64>| {
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    };
    let medians: Vec<f64> = times.iter_mut().map(median).collect();
    for (at, (name, _)) in commands.iter().enumerate() {
        let peak = said[at].trim().rsplit_once("peak ").map_or("", |(_, peak)| peak);
        let (wall, ratio) = (medians[at], medians[at] / medians[0]);
        let (low, high) = (times[at][0], times[at][times[at].len() - 1]);
        println!("  {name:<28} {wall:7.3} s  ({low:.3} to {high:.3})  × {ratio:5.2}  {peak}");
    }
}

fn drop_pages(path: &Path) {
    let file = File::open(path).unwrap();
    file.sync_all().unwrap();
    rustix::fs::fadvise(&file, 0, None, Advice::DontNeed).unwrap();
}

/// Bytes that no file system can store as nothing.
fn noise(seed: u64, bytes: &mut [u8]) {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    for word in bytes.chunks_mut(8) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        word.copy_from_slice(&state.to_le_bytes()[..word.len()]);
    }
}

fn large_file(folder: &Path, mib: usize) -> PathBuf {
    let path = folder.join("large");
    let mut file = File::create(&path).unwrap();
    let mut block = vec![0; 1 << 20];
    for index in 0..mib {
        noise(index as u64, &mut block);
        file.write_all(&block).unwrap();
    }
    file.sync_all().unwrap();
    path
}

fn small_files(folder: &Path) -> PathBuf {
    let folder = folder.join("small");
    let mut bytes = vec![0; FILE_BYTES];
    for index in 0..FILES {
        let sub = folder.join(format!("{:02}", index % 20));
        fs::create_dir_all(&sub).unwrap();
        noise(index as u64, &mut bytes);
        fs::write(sub.join(format!("{index:05}")), &bytes).unwrap();
    }
    folder
}

fn sorted(folder: &Path) -> Vec<PathBuf> {
    let list = |folder: &Path| fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect::<Vec<_>>();
    let mut paths: Vec<_> = list(folder).iter().flat_map(|sub| list(sub)).collect();
    paths.sort();
    paths
}

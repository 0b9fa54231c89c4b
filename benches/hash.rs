//! How fast files and folders are hashed, beside `b3sum` in the same run.
//!
//! `cargo bench --bench hash`. Each measurement is a whole process, started anew and in turn with its peer; figures are
//! medians, and the ratio is what counts. Input is made under `REPROLEDGER_BENCH_DIR` (default: the temporary folder),
//! 4 GiB and 20,000 × 64 KiB unless `REPROLEDGER_BENCH_MIB` says how large the one file shall be.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark talks to its user and may stop anywhere")]

mod support;

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use reproledger::artifact::tree::tree_manifest;
use reproledger::capture::hash::{Also, HashOptions, Silent};
use reproledger::capture::walk::{Captured, capture_paths};
use rustix::fs::Advice;

use support::{FILE_BYTES, FILES, compare, noise, small_files, sorted};

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
    let folder = scratch.path().join("small");
    small_files(&folder);
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
        &|| (),
        &[
            ("b3sum", &|| b3sum(&[], one)),
            ("b3sum --no-mmap", &|| b3sum(&["--no-mmap"], one)),
            ("reproledger", &|| own("nothing", &large)),
        ],
    );
    println!("one file of {mib} MiB, cold");
    compare(
        5,
        &|| drop_pages(&large),
        &[
            ("b3sum", &|| b3sum(&[], one)),
            ("b3sum --no-mmap", &|| b3sum(&["--no-mmap"], one)),
            ("reproledger", &|| own("nothing", &large)),
        ],
    );
    println!("{FILES} files of {FILE_BYTES} bytes, warm");
    compare(
        9,
        &|| (),
        &[
            ("b3sum --no-mmap", &|| b3sum(&["--no-mmap"], &many)),
            ("b3sum", &|| b3sum(&[], &many)),
            ("reproledger", &|| own("nothing", &folder)),
        ],
    );
    println!("one file of {mib} MiB, warm, SHA-256 alone and beside BLAKE3");
    compare(
        3,
        &|| (),
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

fn drop_pages(path: &Path) {
    let file = File::open(path).unwrap();
    file.sync_all().unwrap();
    rustix::fs::fadvise(&file, 0, None, Advice::DontNeed).unwrap();
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

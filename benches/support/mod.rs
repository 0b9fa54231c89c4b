//! What the benchmarks of files share: their input, and commands run in turn.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

/// Files in a folder of many.
pub(crate) const FILES: usize = 20_000;
/// Bytes in each.
pub(crate) const FILE_BYTES: usize = 64 << 10;

/// Makes one command.
pub(crate) type Make<'a> = &'a dyn Fn() -> Command;

/// Runs each command in turn, `rounds` times, `before` each time before it, and prints medians and ratios to the first.
/// Gives the medians in seconds.
pub(crate) fn compare(rounds: usize, before: &dyn Fn(), commands: &[(&str, Make)]) -> Vec<f64> {
    let mut times = vec![Vec::new(); commands.len()];
    let mut said = vec![String::new(); commands.len()];
    for _ in 0..rounds {
        for (at, (name, make)) in commands.iter().enumerate() {
            before();
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
    medians
}

/// Bytes that no file system can store as nothing.
pub(crate) fn noise(seed: u64, bytes: &mut [u8]) {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    for word in bytes.chunks_mut(8) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        word.copy_from_slice(&state.to_le_bytes()[..word.len()]);
    }
}

/// Makes a folder of many small files.
pub(crate) fn small_files(folder: &Path) {
    let mut bytes = vec![0; FILE_BYTES];
    for index in 0..FILES {
        let sub = folder.join(format!("{:02}", index % 20));
        fs::create_dir_all(&sub).unwrap();
        noise(index as u64, &mut bytes);
        fs::write(sub.join(format!("{index:05}")), &bytes).unwrap();
    }
}

/// The files in it, sorted.
pub(crate) fn sorted(folder: &Path) -> Vec<PathBuf> {
    let list = |folder: &Path| fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect::<Vec<_>>();
    let mut paths: Vec<_> = list(folder).iter().flat_map(|sub| list(sub)).collect();
    paths.sort();
    paths
}

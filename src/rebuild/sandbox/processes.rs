//! A command's processes as the kernel lists them: all that came of it, what they hold in memory, and what they keep in
//! files that have no name any more.
//!
//! What cannot be looked at is left out: it may have ended meanwhile. Where there is no `/proc`, there is nothing here.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt;

/// Open files that are looked at, of all processes together: more take longer to look through than the looking is good for.
const MAX_OPEN: usize = 65_536;

/// A process and everything that came of it.
pub(super) fn all_of(first: u32) -> Vec<u32> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let mut children: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for entry in entries.flatten() {
        let Some(process) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        if let Some(parent) = parent_of(process) {
            children.entry(parent).or_default().push(process);
        }
    }
    let mut all = vec![first];
    let mut at = 0;
    while let Some(process) = all.get(at) {
        // Taken away as it is followed: whatever the kernel said, this ends.
        all.extend(children.remove(process).unwrap_or_default());
        at += 1;
    }
    all
}

/// Source: <https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html>: the name in parentheses may hold any characters.
fn parent_of(process: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_ascii_whitespace().nth(1)?.parse().ok()
}

/// Whether processes together hold more than `most` bytes in memory.
///
/// What several share is counted for each of them first, which is quick and never too little; where that is too much, once
/// more by the share of each.
pub(super) fn hold_more_than(processes: &[u32], most: u64) -> bool {
    let resident = || processes.iter().map(|process| kilobytes(*process, "status", "VmRSS:").unwrap_or_default());
    let shared = || {
        let of = |process: &u32| {
            let share = kilobytes(*process, "smaps_rollup", "Pss:");
            share.or_else(|| kilobytes(*process, "status", "VmRSS:")).unwrap_or_default()
        };
        processes.iter().map(of)
    };
    let most = most / 1024;
    resident().sum::<u64>() > most && shared().sum::<u64>() > most
}

fn kilobytes(process: u32, file: &str, name: &str) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{process}/{file}")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

/// Bytes on a device that processes keep in files without a name; none where they have more open than can be looked at.
pub(super) fn unnamed_bytes(processes: &[u32], device: u64) -> Option<u64> {
    let (mut bytes, mut open, mut seen) = (0_u64, 0, BTreeSet::new());
    for process in processes {
        let Ok(files) = fs::read_dir(format!("/proc/{process}/fd")) else { continue };
        for file in files.flatten() {
            open += 1;
            if open > MAX_OPEN {
                return None;
            }
            let Ok(found) = fs::metadata(file.path()) else { continue };
            if found.is_file() && found.nlink() == 0 && found.dev() == device && seen.insert(found.ino()) {
                bytes = bytes.saturating_add(found.blocks().saturating_mul(512));
            }
        }
    }
    Some(bytes)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::io::Write;
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn what_came_of_a_process_is_found_with_what_it_holds() {
        let mut child = Command::new("sh").args(["-c", "sleep 30 & wait"]).stdout(Stdio::null()).spawn().unwrap();
        let own = std::process::id();
        let until = std::time::Instant::now() + std::time::Duration::from_secs(10);
        while all_of(child.id()).len() < 2 && std::time::Instant::now() < until {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        let of_child = all_of(child.id());
        let of_own = all_of(own);
        of_child.iter().skip(1).for_each(|process| {
            let _ = Command::new("kill").arg(process.to_string()).status();
        });
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(of_child.len(), 2);
        assert!(of_child.iter().all(|process| of_own.contains(process)), "{of_own:?} {of_child:?}");
        assert!(hold_more_than(&[own], 1 << 20) && !hold_more_than(&[own], 1 << 40));
        assert!(!hold_more_than(&[], 0));
    }

    #[test]
    fn a_file_without_a_name_is_counted_on_its_device_alone() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&vec![1; 1 << 20]).unwrap();
        file.sync_all().unwrap();
        let device = file.metadata().unwrap().dev();
        let own = [std::process::id()];
        assert!(unnamed_bytes(&own, device).unwrap() >= 1 << 20);
        assert_eq!(unnamed_bytes(&own, u64::MAX), Some(0));
        assert_eq!(unnamed_bytes(&[], device), Some(0));
    }
}

//! Looks at a running command again and again, and ends the waiting at the first limit that it passes.
//!
//! Memory and processes are limited by the kernel for each process; what they do together is seen here. A look takes a
//! twentieth of the time at most, so that it comes some fifty times a second where there is little to look at.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Child;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::rebuild::job::Job;
use crate::rebuild::sandbox::processes;

/// How often a running command is looked at.
pub(super) const LOOK: Duration = Duration::from_millis(20);

/// How many times as long as it took to look is waited until the next look.
const REST: u32 = 20;

/// Files in a working folder: more are as bad as more bytes.
const MAX_FILES: u64 = 1_000_000;

/// Room that must stay on the disk, whatever a command may write: a twentieth of what there was, up to this.
const RESERVE: u64 = 1 << 30;

/// Processes that are ours: what makes the namespaces, bubblewrap's two among them, and the first in them.
const HELPERS: u64 = 4;

/// Watches one command.
pub(super) struct Watcher<'a> {
    job: &'a Job<'a>,
    /// Bytes in the working folder before it began.
    before: u64,
    /// Device that the working folder is on.
    device: Option<u64>,
    /// Bytes that must stay free there.
    reserve: u64,
}

impl<'a> Watcher<'a> {
    /// Begins before the command does.
    pub(super) fn new(job: &'a Job<'a>) -> Self {
        let before = usage(job.work).unwrap_or_default();
        let device = job.work.metadata().ok().map(|metadata| metadata.dev());
        let reserve = free(job.work).map_or(0, |free| (free / 20).min(RESERVE));
        Self { job, before, device, reserve }
    }

    /// Waits for the end, or for the first limit that is passed.
    pub(super) fn wait(&self, child: &mut Child, printed: &AtomicU64, started: Instant) -> Option<&'static str> {
        let limits = self.job.limits;
        let mut next = Instant::now();
        loop {
            let has_ended = !matches!(child.try_wait(), Ok(None));
            // Asked first: what prints too much is read no further, and may die of that.
            if printed.load(Ordering::Relaxed) > limits.printed {
                return Some("it printed more than it may");
            }
            if has_ended {
                return self.written(&[]);
            }
            if started.elapsed() > Duration::from_secs(limits.seconds) {
                return Some("it took longer than it may");
            }
            let now = Instant::now();
            if now >= next {
                let processes = processes::all_of(child.id());
                if let Some(stopped) = self.written(&processes).or_else(|| self.held(&processes)) {
                    return Some(stopped);
                }
                next = Instant::now() + now.elapsed() * REST;
            }
            std::thread::sleep(LOOK);
        }
    }

    /// What was written, where somebody sees it and where nobody does.
    fn written(&self, processes: &[u32]) -> Option<&'static str> {
        let Some(unnamed) = self.device.map_or(Some(0), |device| processes::unnamed_bytes(processes, device)) else {
            return Some("it has more files open than it may");
        };
        match usage(self.job.work) {
            None => return Some("it made more files than it may, or hid some"),
            Some(now) if now.saturating_sub(self.before).saturating_add(unnamed) > self.job.limits.bytes => {
                return Some("it wrote more than it may");
            }
            Some(_) => {}
        }
        // Also for what neither of these sees: a file without a name that is only mapped.
        let is_full = !processes.is_empty() && free(self.job.work).is_some_and(|free| free < self.reserve);
        is_full.then_some("the disk has no more room for what it writes")
    }

    fn held(&self, processes: &[u32]) -> Option<&'static str> {
        // The kernel counts them for everybody but root.
        if processes.len() as u64 > self.job.limits.processes.saturating_add(HELPERS) {
            return Some("it has more processes than it may");
        }
        let too_much = processes::hold_more_than(processes, self.job.limits.memory);
        too_much.then_some("its processes together held more memory than they may")
    }
}

/// Bytes that may still be written on the file system of a folder.
fn free(folder: &Path) -> Option<u64> {
    let found = rustix::fs::statvfs(folder).ok()?;
    Some(found.f_bavail.saturating_mul(found.f_frsize))
}

/// Bytes on disk below a folder, no link followed; none where there are too many files, or folders that nobody can look
/// into: too deep, or closed. What goes away meanwhile is nothing.
fn usage(folder: &Path) -> Option<u64> {
    let (mut bytes, mut files) = (0_u64, 0_u64);
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        let entries = match std::fs::read_dir(&folder) {
            Ok(entries) => entries,
            // Gone, or a file in its place by now.
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => continue,
            Err(_) => return None,
        };
        for entry in entries.flatten() {
            files += 1;
            if files > MAX_FILES {
                return None;
            }
            let metadata = match entry.metadata() {
                Ok(metadata) => metadata,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(_) => return None,
            };
            bytes = bytes.saturating_add(metadata.blocks().saturating_mul(512));
            if metadata.is_dir() {
                open.push(entry.path());
            }
        }
    }
    Some(bytes)
}

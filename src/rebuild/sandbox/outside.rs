//! The side of the sandbox that stays outside: starts the helper, reads what it prints, and ends it at a limit.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::digest::{Digest, FileHasher};
use crate::rebuild::job::{Ended, How, Job, Limits};
use crate::rebuild::sandbox::Kind;
use crate::rebuild::sandbox::watch::{LOOK, Watcher};
use crate::rebuild::sandbox::wire::{Answer, MAX_ANSWER, Order, inside_of};

/// Kept of what a command prints, to show how it ended.
const TAIL: usize = 4096;

/// How long the last of what was printed is waited for, once nothing runs any more.
const DRAIN: Duration = Duration::from_secs(2);

/// Who a command is where we are root: nobody, who owns nothing.
#[cfg(target_os = "linux")]
pub(super) const NOBODY: u32 = 65534;

/// What one stream of a command brought.
struct Stream {
    hasher: FileHasher,
    tail: Vec<u8>,
}

/// Reads a stream to its end on a thread of its own.
struct Reading {
    stream: Arc<Mutex<Stream>>,
    is_done: Arc<AtomicBool>,
}

impl Reading {
    fn start(mut from: impl Read + Send + 'static, printed: Arc<AtomicU64>, most: u64) -> Self {
        let stream = Arc::new(Mutex::new(Stream { hasher: FileHasher::new(), tail: Vec::new() }));
        let is_done = Arc::new(AtomicBool::new(false));
        let (shared, done) = (Arc::clone(&stream), Arc::clone(&is_done));
        std::thread::spawn(move || {
            let mut block = [0; 16 << 10];
            // Past the limit nothing is read any more: the command waits until it is stopped.
            while printed.load(Ordering::Relaxed) <= most {
                let Ok(read) = from.read(&mut block) else { break };
                if read == 0 {
                    break;
                }
                printed.fetch_add(read as u64, Ordering::Relaxed);
                if let Ok(mut stream) = shared.lock() {
                    stream.hasher.update(&block[..read]);
                    stream.tail.extend_from_slice(&block[..read]);
                    let cut = stream.tail.len().saturating_sub(TAIL);
                    stream.tail.drain(..cut);
                }
            }
            done.store(true, Ordering::Release);
        });
        Self { stream, is_done }
    }

    fn finish(&self, until: Instant) -> (Digest, Vec<u8>) {
        while !self.is_done.load(Ordering::Acquire) && Instant::now() < until {
            std::thread::sleep(LOOK);
        }
        match self.stream.lock() {
            Ok(mut stream) => {
                let hasher = std::mem::replace(&mut stream.hasher, FileHasher::new());
                (hasher.finish().into(), std::mem::take(&mut stream.tail))
            }
            Err(_) => (FileHasher::new().finish().into(), Vec::new()),
        }
    }
}

/// Runs a job to its end.
pub(super) fn run(kind: &Kind, job: &Job<'_>) -> Ended {
    let started = Instant::now();
    let order = Order {
        inside: inside_of(job.directory),
        work: job.work.to_owned(),
        program: Some(job.program.clone()),
        argv: job.argv.to_vec(),
        variables: job.variables.clone(),
        read_only: job.read_only.to_vec(),
        exposed: beside_the_system(job.exposed),
        limits: job.limits,
    };
    let watcher = Watcher::new(job);
    let printed = Arc::new(AtomicU64::new(0));
    let not_started = |why: String| Ended {
        how: How::NotStarted(why),
        log: FileHasher::new().finish().into(),
        printed: 0,
        tail: String::new(),
        took_ms: 0,
    };
    let (mut child, socket) = match start(kind, &order) {
        Ok(started) => started,
        Err(error) => return not_started(error.to_string()),
    };
    let streams: Vec<Reading> = [
        child.stdout.take().map(|from| Reading::start(from, Arc::clone(&printed), job.limits.printed)),
        child.stderr.take().map(|from| Reading::start(from, Arc::clone(&printed), job.limits.printed)),
    ]
    .into_iter()
    .flatten()
    .collect();
    let stopped = watcher.wait(&mut child, &printed, started);
    end(&mut child);
    let took_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let until = Instant::now() + DRAIN;
    let mut hasher = FileHasher::new();
    let mut tail = Vec::new();
    for stream in &streams {
        let (digest, end) = stream.finish(until);
        hasher.update(&digest.bytes);
        tail.extend(end);
    }
    let how = match (stopped, answer(socket)) {
        (Some(limit), _) => How::Stopped(limit),
        (None, Some(Answer::Exit(code))) => How::Exit(code),
        (None, Some(Answer::Signal(signal))) => How::Signal(signal),
        (None, Some(Answer::Failed(why))) => How::NotStarted(why),
        (None, Some(Answer::Ready(_)) | None) => How::NotStarted("the sandbox ended before the command did".to_owned()),
    };
    let printed = printed.load(Ordering::Relaxed);
    Ended { how, log: hasher.finish().into(), printed, tail: String::from_utf8_lossy(&tail).into_owned(), took_ms }
}

/// Whether everything of a kind can be set up here; what is in force then.
pub(super) fn probe(kind: &Kind) -> Result<String, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let order = Order {
        inside: "/work".to_owned(),
        work: folder.path().to_owned(),
        program: None,
        argv: Vec::new(),
        variables: std::collections::BTreeMap::new(),
        read_only: Vec::new(),
        exposed: Vec::new(),
        limits: Limits { seconds: 10, ..Limits::default() },
    };
    let (mut child, socket) = start(kind, &order).map_err(|error| error.to_string())?;
    let until = Instant::now() + Duration::from_secs(10);
    while matches!(child.try_wait(), Ok(None)) && Instant::now() < until {
        std::thread::sleep(LOOK);
    }
    end(&mut child);
    match answer(socket) {
        Some(Answer::Ready(found)) => Ok(found),
        Some(Answer::Failed(why)) => Err(why),
        _ => Err("the helper gave no answer".to_owned()),
    }
}

/// Starts the helper with its order.
fn start(kind: &Kind, order: &Order) -> io::Result<(Child, UnixStream)> {
    let (ours, theirs) = UnixStream::pair()?;
    prepare(kind, &order.work)?;
    let own = std::env::current_exe()?;
    let mut command = match kind {
        Kind::Namespaces => helper(&own, "enter"),
        Kind::Nothing => helper(&own, "bare"),
        Kind::Bubblewrap(program) => bubblewrap(program, &own, order),
    };
    command
        .env_clear()
        .env("HOME", "/")
        .current_dir(&order.work)
        .stdin(Stdio::from(OwnedFd::from(theirs)))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    let child = command.spawn()?;
    // The helper's end is closed here with the command, so that its death is seen.
    drop(command);
    let mut text = serde_json::to_vec(order).map_err(io::Error::other)?;
    text.push(b'\n');
    let mut socket = ours;
    // A helper that died at once has said why, or nothing.
    let _ = socket.write_all(&text);
    let _ = socket.shutdown(Shutdown::Write);
    Ok((child, socket))
}

fn helper(own: &Path, mode: &str) -> Command {
    let mut command = Command::new(own);
    command.arg("sandbox-helper").arg(mode);
    command
}

/// What is to be shown beyond the system's programs, which are.
fn beside_the_system(exposed: &[PathBuf]) -> Vec<PathBuf> {
    let real = exposed.iter().filter_map(|path| path.canonicalize().ok());
    real.filter(|path| !["/usr", "/bin", "/sbin", "/lib"].iter().any(|system| path.starts_with(system))).collect()
}

/// True for the root of the machine, which no process limit binds; a root that some user made in a namespace is as
/// bound as that user.
#[cfg(target_os = "linux")]
pub(super) fn is_root() -> bool {
    let map = std::fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
    // Every number there is, each itself: the first namespace.
    rustix::process::geteuid().is_root() && map.split_whitespace().eq(["0", "0", "4294967295"])
}

/// True for a root that root made in a namespace: no process limit binds it either, and it cannot become somebody else.
#[cfg(target_os = "linux")]
pub(super) fn is_root_above() -> bool {
    let map = std::fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
    let is_to_root = |line: &str| line.split_whitespace().take(2).eq(["0", "0"]);
    rustix::process::geteuid().is_root() && map.lines().any(is_to_root)
}

#[cfg(not(target_os = "linux"))]
pub(super) fn is_root() -> bool {
    false
}

#[cfg(not(target_os = "linux"))]
pub(super) fn is_root_above() -> bool {
    false
}

/// Gives the working folder to the one who will run in it.
#[cfg(target_os = "linux")]
fn prepare(kind: &Kind, work: &Path) -> io::Result<()> {
    if *kind != Kind::Namespaces || !is_root() {
        return Ok(());
    }
    // Folders alone: the inputs in them stay ours, and cannot be written.
    let mut open = vec![work.to_owned()];
    while let Some(folder) = open.pop() {
        std::os::unix::fs::lchown(&folder, Some(NOBODY), Some(NOBODY))?;
        for entry in std::fs::read_dir(&folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                open.push(entry.path());
            }
        }
    }
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn prepare(_: &Kind, _: &Path) -> io::Result<()> {
    Ok(())
}

/// The command line of bubblewrap, with our helper as what it runs.
fn bubblewrap(program: &Path, own: &Path, order: &Order) -> Command {
    const OWN: &str = "/run/reproledger";
    /// Bytes of the small `/tmp` of a command.
    const SMALL: &str = "268435456";
    let mut command = Command::new(program);
    command.args(["--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL", "--clearenv"]);
    command.args(["--setenv", "HOME", "/"]);
    command.args(["--ro-bind", "/usr", "/usr"]);
    for name in ["/bin", "/sbin", "/lib", "/lib32", "/lib64"] {
        match std::fs::read_link(name) {
            Ok(target) => drop(command.arg("--symlink").arg(target).arg(name)),
            Err(_) => drop(command.args(["--ro-bind-try", name, name])),
        }
    }
    for name in ["/etc/alternatives", "/etc/ld.so.cache"] {
        command.args(["--ro-bind-try", name, name]);
    }
    // What lies in memory alone is small: a flood into it is no file on disk and nobody's memory.
    command.args(["--proc", "/proc", "--dev", "/dev", "--size", SMALL, "--tmpfs", "/tmp"]);
    for path in &order.exposed {
        command.arg("--ro-bind").arg(path).arg(path);
    }
    command.arg("--bind").arg(&order.work).arg(&order.inside);
    for path in &order.read_only {
        let (from, to) = (order.work.join(path), Path::new(&order.inside).join(path));
        command.arg("--ro-bind").arg(from).arg(to);
    }
    command.arg("--ro-bind").arg(own).arg(OWN);
    command.args(["--remount-ro", "/dev", "--remount-ro", "/"]);
    command.args(["--chdir", "/", "--", OWN, "sandbox-helper", "confine"]);
    command
}

/// Ends whatever still runs. The helper's death takes everything in its namespaces with it.
fn end(child: &mut Child) {
    if let Some(group) = rustix::process::Pid::from_raw(i32::try_from(child.id()).unwrap_or_default()) {
        // The number stays the helper's until it is reaped.
        if matches!(child.try_wait(), Ok(None)) {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
    }
    let _ = child.kill();
    let _ = child.wait();
}

/// The last thing that the helper said.
fn answer(socket: UnixStream) -> Option<Answer> {
    socket.set_read_timeout(Some(DRAIN)).ok()?;
    let mut text = Vec::new();
    // An end that a dead helper left open is cut off by the time; what was said by then counts.
    let _ = socket.take(MAX_ANSWER).read_to_end(&mut text);
    let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.filter_map(|line| serde_json::from_slice(line).ok()).next_back()
}

/// A private folder for a command's own scratch files, where there is no new root.
pub(super) fn scratch(work: &Path) -> io::Result<PathBuf> {
    let folder = work.with_extension("tmp");
    std::fs::DirBuilder::new().mode(0o700).create(&folder)?;
    Ok(folder)
}

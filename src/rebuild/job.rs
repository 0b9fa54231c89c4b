//! One command to be run again: what it may use, and how it ended.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::digest::Digest;

/// What a command may use. Each limit ends it, and is said to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Seconds from its start.
    pub seconds: u64,
    /// Address space of each of its processes, and what all of them together hold in memory, in bytes.
    pub memory: u64,
    /// Processes and threads at one time.
    pub processes: u64,
    /// Bytes of all files in its working folder together, beyond its inputs, and of each file; those without a name too.
    pub bytes: u64,
    /// Bytes that it may print.
    pub printed: u64,
}

impl Default for Limits {
    /// What a long stage on a laptop needs, and no machine dies of.
    fn default() -> Self {
        Self { seconds: 3600, memory: 8 << 30, processes: 256, bytes: 16 << 30, printed: 64 << 20 }
    }
}

/// What is started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Program {
    /// A file in the working folder, by its path below it.
    Inside(String),
    /// A file of this machine.
    Host(PathBuf),
}

/// One command, ready to run.
#[derive(Debug, Clone)]
pub struct Job<'a> {
    /// The working folder on this machine.
    pub work: &'a Path,
    /// The directory that it ran in when it was recorded; from outside.
    pub directory: &'a str,
    /// What is started.
    pub program: &'a Program,
    /// The command and its arguments.
    pub argv: &'a [String],
    /// Its whole environment, beyond `PATH`, `HOME`, `LANG` and `TZ`.
    pub variables: &'a BTreeMap<String, String>,
    /// Paths below the working folder that it must not write.
    pub read_only: &'a [String],
    /// Files and folders of this machine that it may read beside the system's programs.
    pub exposed: &'a [PathBuf],
    /// What it may use.
    pub limits: Limits,
}

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum How {
    /// By itself, with this code.
    Exit(i32),
    /// By a signal.
    Signal(i32),
    /// It was stopped at a limit.
    Stopped(&'static str),
    /// It did not start.
    NotStarted(String),
}

/// A command that has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// How.
    pub how: How,
    /// BLAKE3 of what it printed, standard output and then standard error.
    pub log: Digest,
    /// Bytes that it printed.
    pub printed: u64,
    /// The end of what it printed; from outside.
    pub tail: String,
    /// Milliseconds from its start.
    pub took_ms: u64,
}

/// Runs commands, somehow kept from harm.
pub trait Runner {
    /// What keeps them: `bubblewrap`, `namespaces, landlock, seccomp`, `nothing`.
    fn kept_by(&self) -> &str;

    /// True where a command could reach what it was not given.
    fn is_open(&self) -> bool;

    /// True where commands run as nobody, who cannot go everywhere that we can.
    fn is_nobody(&self) -> bool;

    /// Runs one to its end.
    fn run(&self, job: &Job<'_>) -> Ended;
}

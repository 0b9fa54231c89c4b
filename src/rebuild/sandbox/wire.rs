//! What the program and its helper say to each other, over one socket: the order, then how it went.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::rebuild::job::{Limits, Program};

/// An answer is a line of JSON of at most this length: a few words.
pub(super) const MAX_ANSWER: u64 = 64 << 10;

/// What is to be done.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Order {
    /// Where the command sees its working folder.
    pub(super) inside: String,
    /// The working folder, as the helper finds it where no new root is made.
    pub(super) work: PathBuf,
    /// What is started; nothing where only the setting up is tried.
    pub(super) program: Option<Program>,
    pub(super) argv: Vec<String>,
    pub(super) variables: BTreeMap<String, String>,
    pub(super) read_only: Vec<String>,
    pub(super) exposed: Vec<PathBuf>,
    pub(super) limits: Limits,
}

/// How it went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Answer {
    /// Everything is set up; with what.
    Ready(String),
    /// The command ended with a code.
    Exit(i32),
    /// The command ended by a signal.
    Signal(i32),
    /// Something did not work.
    Failed(String),
}

/// The directory under which a command sees its working folder: the recorded one, so that paths in its arguments lead
/// where they led, unless the system's own stand there.
pub(super) fn inside_of(directory: &str) -> String {
    const OF_THE_SYSTEM: &[&str] =
        &["bin", "boot", "dev", "etc", "lib", "lib32", "lib64", "libx32", "proc", "run", "sbin", "sys", "usr"];
    let parts: Vec<&str> = directory.split('/').skip(1).collect();
    let is_plain = directory.starts_with('/')
        && directory.len() < 1024
        && parts.iter().all(|part| !part.is_empty() && !matches!(*part, "." | "..") && !part.contains('\0'))
        && parts.first().is_some_and(|first| !OF_THE_SYSTEM.contains(first))
        && parts.as_slice() != ["tmp"];
    if is_plain { directory.to_owned() } else { "/work".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::inside_of;

    #[test]
    fn a_command_sees_the_recorded_directory_unless_the_system_stands_there() {
        for directory in ["/home/lab/study", "/tmp/x/lab", "/lab/study", "/root"] {
            assert_eq!(inside_of(directory), directory);
        }
        for directory in
            ["/", "", "lab", "/usr/share", "/etc", "/proc/self", "/tmp", "/a/../usr", "/a//b", "/a/", "/a\0b"]
        {
            assert_eq!(inside_of(directory), "/work", "{directory:?}");
        }
    }
}

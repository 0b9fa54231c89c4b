//! What a command knows of its process: directories, the clock, and where to write.

use std::env;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::cli::{Failure, output, progress};

/// Name of a ledger's directory, found by walking up from the working directory.
pub(super) const LEDGER_DIR: &str = ".reproledger";

/// The surroundings of one command.
#[derive(Debug)]
pub(super) struct Context {
    directory: PathBuf,
    config: PathBuf,
    state: PathBuf,
    quiet: bool,
}

fn xdg(variable: &str, fallback: &str) -> Result<PathBuf, Failure> {
    // The XDG specification: a relative path in these variables is ignored.
    if let Some(path) = env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute()) {
        return Ok(path.join("reproledger"));
    }
    match env::var_os("HOME").map(PathBuf::from).filter(|path| path.is_absolute()) {
        Some(home) => Ok(home.join(fallback).join("reproledger")),
        None => Err(Failure::new(format!("neither `{variable}` nor `HOME` names an absolute directory"))
            .hint(format!("set {variable} to a directory that outlives the ledger's own"))),
    }
}

impl Context {
    /// The surroundings of this process, after it has moved to `directory`.
    pub(super) fn from_process(directory: Option<&Path>, quiet: bool) -> Result<Self, Failure> {
        if let Some(directory) = directory {
            env::set_current_dir(directory)
                .map_err(|error| Failure::new(format!("cannot work in `{}`: {error}", directory.display())))?;
        }
        let directory = env::current_dir()
            .map_err(|error| Failure::new(format!("the working directory cannot be read: {error}")))?;
        Ok(Self {
            directory,
            config: xdg("XDG_CONFIG_HOME", ".config")?,
            state: xdg("XDG_STATE_HOME", ".local/state")?,
            quiet,
        })
    }

    /// Surroundings inside a folder, apart from the user's own keys and state; the process moves to `directory`.
    pub(super) fn within(directory: &Path, home: &Path) -> Result<Self, Failure> {
        env::set_current_dir(directory)
            .map_err(|error| Failure::new(format!("cannot work in `{}`: {error}", directory.display())))?;
        Ok(Self {
            directory: directory.to_owned(),
            config: home.join("config"),
            state: home.join("state"),
            quiet: true,
        })
    }

    /// The directory commands work in.
    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Where keys are kept.
    pub(super) fn keys_dir(&self) -> PathBuf {
        self.config.join("keys")
    }

    /// Where the last signed heads are remembered, outside every ledger.
    pub(super) fn state_dir(&self) -> &Path {
        &self.state
    }

    /// The ledger of the working directory: the nearest `.reproledger` upwards.
    pub(super) fn ledger_dir(&self) -> Result<PathBuf, Failure> {
        self.directory
            .ancestors()
            .map(|directory| directory.join(LEDGER_DIR))
            .find(|directory| directory.is_dir())
            .ok_or_else(|| {
                Failure::new(format!("there is no ledger in `{}` or above it", self.directory.display()))
                    .hint("start one: reproledger init --origin example.org/my-lab --issuer https://example.org")
            })
    }

    #[allow(clippy::unused_self, reason = "the clock belongs to the surroundings, even to made-up ones")]
    /// Milliseconds since 1970 by this machine's clock. The only reading of the clock.
    pub(super) fn now_ms(&self) -> u64 {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .ok()
            .and_then(|since| u64::try_from(since.as_millis()).ok())
            .unwrap_or_default()
    }

    #[allow(clippy::unused_self, reason = "standard output belongs to the surroundings")]
    /// True where standard output is a terminal and nobody asked for no colour (<https://no-color.org>).
    pub(super) fn is_coloured(&self) -> bool {
        std::io::stdout().is_terminal() && env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
    }

    #[allow(clippy::unused_self, reason = "standard output belongs to the surroundings")]
    /// Writes an answer to standard output.
    pub(super) fn print(&self, text: &str) -> Result<(), Failure> {
        output::print(text).map_err(|error| Failure::new(format!("the answer cannot be written: {error}")))
    }

    /// Tells the person at the terminal something that no program depends on.
    pub(super) fn remark(&self, text: &str) {
        if !self.quiet {
            output::remark(text);
        }
    }

    /// A progress bar over bytes: drawn on a terminal only, and not for quiet commands.
    pub(super) fn progress(&self, what: &str) -> progress::Bar {
        progress::Bar::new(what, self.quiet)
    }
}

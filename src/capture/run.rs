//! Running a command so that its end can be told: how it ended, when, in which environment, at which commit.
//!
//! The program is started directly, never through a shell, with our own standard streams. While it runs, signals that
//! would end us are its business: those that someone sent to us are passed on, and those that a terminal or the kernel
//! sent have reached it already, as a member of the same process group. So the end of the run can still be recorded.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};
use signal_hook::iterator::SignalsInfo;
use signal_hook::iterator::exfiltrator::origin::WithOrigin;
use signal_hook::low_level::siginfo::Cause;

use crate::capture::git::git_state;
use crate::capture::open::Shown;
use crate::capture::surroundings::{Declared, surroundings};
use crate::codec::Encoder;
use crate::digest::{Algorithm, ContextHasher, Digest};
use crate::statement::{Outcome, RunBody, RunStatus};

/// Where programs are looked for when `PATH` is unset, as the C library does.
const DEFAULT_PATH: &str = "/bin:/usr/bin";

/// Signals that end a process unless it says otherwise. Batch systems announce a time limit by SIGUSR1 or SIGTERM.
const PASSED_ON: [i32; 6] = [SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2];

/// Why a command did not run.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum RunError {
    #[error("there is no command to run")]
    NoCommand,
    #[error("the command `{program}` was not found")]
    NotFound { program: Shown },
    #[error("`{program}` is not a file that may be executed")]
    NotExecutable { program: Shown },
    #[error("the working directory cannot be named")]
    Directory(#[source] io::Error),
    #[error("`{program}` cannot be started")]
    Start {
        program: Shown,
        #[source]
        source: io::Error,
    },
    #[error("signals cannot be passed on to `{program}`")]
    Signals {
        program: Shown,
        #[source]
        source: io::Error,
    },
    #[error("the end of `{program}` cannot be awaited")]
    Wait {
        program: Shown,
        #[source]
        source: io::Error,
    },
}

/// A command that is known to exist and has not been started.
#[derive(Debug)]
pub struct PreparedRun {
    argv: Vec<OsString>,
    program: PathBuf,
    body: RunBody,
}

impl PreparedRun {
    /// Finds the program and looks at what it will run in.
    ///
    /// `now_ms` gives milliseconds since 1970. The digest of the environment is not salted: it belongs in a body, which
    /// is, because an environment may hold secrets short enough to guess.
    pub fn new(argv: Vec<OsString>, now_ms: &dyn Fn() -> u64) -> Result<Self, RunError> {
        let name = argv.first().filter(|name| !name.is_empty()).ok_or(RunError::NoCommand)?;
        let program = find_program(name)?;
        let directory = std::env::current_dir().map_err(RunError::Directory)?;
        let git = git_state(&directory);
        let body = RunBody {
            argv: argv.iter().map(|arg| arg.to_string_lossy().into_owned()).collect(),
            directory: directory.to_string_lossy().into_owned(),
            environment: environment_digest(std::env::vars_os()),
            started_ms: now_ms(),
            ended_ms: None,
            git,
            rerun: None,
        };
        Ok(Self { argv, program, body })
    }

    /// Adds what it needs to be run again: what was declared, and what stands here before it runs.
    pub fn see(&mut self, declared: Declared) {
        self.body.rerun = Some(Box::new(surroundings(&self.program, declared)));
    }

    /// What is to be said before the start.
    pub fn body(&self) -> &RunBody {
        &self.body
    }

    /// Runs the command to its end. From then on this process ignores the signals that were passed on, so that nothing
    /// but SIGKILL comes between the end of the run and its entry.
    pub fn run(self, now_ms: &dyn Fn() -> u64) -> Result<FinishedRun, RunError> {
        let Self { argv, program, mut body } = self;
        let shown = || Shown::of(&program);
        // Before the start: a signal that comes in between waits in the iterator.
        let mut signals = SignalsInfo::<WithOrigin>::new(PASSED_ON)
            .map_err(|source| RunError::Signals { program: shown(), source })?;
        let mut command = Command::new(&program);
        if let Some((name, rest)) = argv.split_first() {
            command.arg0(name).args(rest);
        }
        let mut child = command.spawn().map_err(|source| RunError::Start { program: shown(), source })?;
        let pid = Pid::from_child(&child);
        let handle = signals.handle();
        let status = std::thread::scope(|scope| {
            scope.spawn(|| {
                for origin in &mut signals {
                    if !matches!(origin.cause, Cause::Kernel)
                        && let Some(signal) = Signal::from_named_raw(origin.signal)
                    {
                        // It may have ended on its own.
                        let _ = rustix::process::kill_process(pid, signal);
                    }
                }
            });
            // The number stays the child's until it is reaped, so no signal can go to a stranger.
            let ended = wait_unreaped(pid);
            handle.close();
            ended
        });
        let status =
            status.and_then(|()| child.wait()).map_err(|source| RunError::Wait { program: shown(), source })?;
        body.ended_ms = Some(now_ms().max(body.started_ms));
        Ok(FinishedRun { body, outcome: outcome_of(status) })
    }
}

/// A command that has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FinishedRun {
    /// What was said before the start, with the time of the end.
    pub body: RunBody,
    /// How it ended.
    pub outcome: Outcome,
}

impl FinishedRun {
    /// The exit status to hand on, as a shell would: the command's own, or 128 and the signal.
    pub fn exit_code(&self) -> u8 {
        let code = match self.outcome.status {
            RunStatus::Completed | RunStatus::Failed => self.outcome.code,
            RunStatus::Killed => self.outcome.code.saturating_add(128),
        };
        u8::try_from(code).unwrap_or(u8::MAX)
    }
}

/// BLAKE3 over the canonical array of `[name, value]` pairs, sorted.
fn environment_digest(variables: impl Iterator<Item = (OsString, OsString)>) -> Digest {
    let mut variables: Vec<_> = variables.collect();
    variables.sort();
    let canonical = Encoder::encode(|e| {
        e.array(variables.len());
        for (name, value) in &variables {
            e.array(2);
            e.bytes(name.as_bytes());
            e.bytes(value.as_bytes());
        }
    });
    let bytes = ContextHasher::new("reproledger 2026 environment v1").hash(&[&canonical]);
    Digest { algorithm: Algorithm::Blake3, bytes }
}

/// Finds the program before anything is recorded: a typing error should leave no run behind.
pub(super) fn find_program(name: &OsStr) -> Result<PathBuf, RunError> {
    if name.as_bytes().contains(&b'/') {
        let path = PathBuf::from(name);
        if is_executable(&path) {
            return Ok(path);
        }
        let program = Shown::of(&path);
        return Err(if path.exists() { RunError::NotExecutable { program } } else { RunError::NotFound { program } });
    }
    let path = std::env::var_os("PATH").unwrap_or_else(|| DEFAULT_PATH.into());
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|candidate| is_executable(candidate))
        .ok_or_else(|| RunError::NotFound { program: Shown::of(Path::new(name)) })
}

fn is_executable(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

fn wait_unreaped(pid: Pid) -> io::Result<()> {
    loop {
        match rustix::process::waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT) {
            Err(rustix::io::Errno::INTR) => {}
            ended => return ended.map(|_| ()).map_err(io::Error::from),
        }
    }
}

fn outcome_of(status: ExitStatus) -> Outcome {
    match (status.code(), status.signal()) {
        (Some(0), _) => Outcome { status: RunStatus::Completed, code: 0 },
        (Some(code), _) => Outcome { status: RunStatus::Failed, code: code.into() },
        (None, signal) => Outcome { status: RunStatus::Killed, code: signal.unwrap_or(0).into() },
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::cell::Cell;
    use std::sync::Mutex;

    use super::*;

    /// A signal to this process reaches every command that runs at that moment.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

    fn run(argv: &[&str]) -> FinishedRun {
        let now = Cell::new(1_000);
        let clock = || now.replace(now.get() + 5);
        PreparedRun::new(argv.iter().map(OsString::from).collect(), &clock).unwrap().run(&clock).unwrap()
    }

    fn refusal(argv: &[&str]) -> String {
        PreparedRun::new(argv.iter().map(OsString::from).collect(), &|| 0).unwrap_err().to_string()
    }

    #[test]
    fn the_end_of_a_command_is_told_as_it_was() {
        let _guard = ONE_AT_A_TIME.lock();
        let told = |argv: &[&str]| {
            let run = run(argv);
            (run.outcome.status, run.outcome.code, run.exit_code())
        };
        assert_eq!(told(&["true"]), (RunStatus::Completed, 0, 0));
        assert_eq!(told(&["sh", "-c", "exit 7"]), (RunStatus::Failed, 7, 7));
        assert_eq!(told(&["sh", "-c", "kill -KILL $$"]), (RunStatus::Killed, 9, 137));
    }

    #[test]
    fn what_a_run_says_is_complete_before_and_after() {
        let _guard = ONE_AT_A_TIME.lock();
        let prepared = PreparedRun::new(vec!["/bin/sh".into(), "-c".into(), ":".into()], &|| 42).unwrap();
        let before = prepared.body().clone();
        assert_eq!(before.argv, ["/bin/sh", "-c", ":"]);
        assert_eq!(before.directory, std::env::current_dir().unwrap().to_str().unwrap());
        assert_eq!((before.started_ms, before.ended_ms), (42, None));
        // A clock that was set back must not make a run end before it began.
        let after = prepared.run(&|| 7).unwrap();
        assert_eq!(after.body, RunBody { ended_ms: Some(42), ..before });
    }

    #[test]
    fn arguments_are_no_shell_text() {
        let _guard = ONE_AT_A_TIME.lock();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("$(touch x); y");
        assert_eq!(run(&["touch", file.to_str().unwrap()]).exit_code(), 0);
        assert!(file.exists());
    }

    #[test]
    fn what_cannot_run_is_refused_before_anything_is_said() {
        assert_eq!(refusal(&[]), "there is no command to run");
        assert_eq!(refusal(&[""]), "there is no command to run");
        assert_eq!(refusal(&["no-such-command-here"]), "the command `no-such-command-here` was not found");
        assert_eq!(refusal(&["/none/x"]), "the command `/none/x` was not found");
        assert_eq!(refusal(&["/etc/passwd"]), "`/etc/passwd` is not a file that may be executed");
        assert_eq!(refusal(&["/etc/"]), "`/etc/` is not a file that may be executed");
    }

    #[test]
    fn a_signal_sent_to_us_reaches_the_command_and_its_end_is_still_told() {
        let _guard = ONE_AT_A_TIME.lock();
        let folder = tempfile::tempdir().unwrap();
        let started = folder.path().join("started");
        for (name, signal) in [("TERM", Signal::TERM), ("INT", Signal::INT), ("USR1", Signal::USR1)] {
            let script = format!("trap 'exit 7' {name}; touch {}; while :; do sleep 0.02; done", started.display());
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    while !started.exists() {
                        std::thread::sleep(std::time::Duration::from_millis(5));
                    }
                    rustix::process::kill_process(rustix::process::getpid(), signal).unwrap();
                });
                let run = run(&["sh", "-c", &script]);
                assert_eq!((run.outcome.status, run.outcome.code), (RunStatus::Failed, 7), "{name}");
            });
            std::fs::remove_file(&started).unwrap();
        }
    }

    #[test]
    fn the_environment_is_a_set_of_pairs() {
        let digest =
            |pairs: &[(&str, &str)]| environment_digest(pairs.iter().map(|(name, value)| (name.into(), value.into())));
        assert_eq!(digest(&[("A", "1"), ("B", "2")]), digest(&[("B", "2"), ("A", "1")]));
        assert_ne!(digest(&[("A", "1")]), digest(&[("A", "2")]));
        assert_ne!(digest(&[("A", "B=C")]), digest(&[("A=B", "C")]));
        assert_ne!(digest(&[("A", "1"), ("B", "2")]), digest(&[("A", "1")]));
    }
}

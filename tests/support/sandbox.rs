//! A temporary world for the real binary: `lab/`, `elsewhere/`, a home of its own, and nothing of the real one.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::write_file;

/// The binary under test.
pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_reproledger");

/// A temporary world. Gone when dropped.
pub(crate) struct Sandbox {
    root: TempDir,
}

impl Sandbox {
    /// An empty lab and an empty elsewhere.
    pub(crate) fn new() -> Self {
        let root = tempfile::Builder::new().prefix("reproledger-test-").tempdir().unwrap();
        for folder in ["lab", "elsewhere", "home", "home/config", "home/state", "home/tmp"] {
            fs::create_dir_all(root.path().join(folder)).unwrap();
        }
        Self { root }
    }

    /// A lab that has begun its ledger.
    pub(crate) fn with_ledger() -> Self {
        let sandbox = Self::new();
        let _ = sandbox.lab(&["init", "--origin", "lab.example/log", "--issuer", "https://lab.example"]).success();
        sandbox
    }

    /// A path in the sandbox.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// Writes a file, its folders with it.
    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        write_file(&path, bytes);
        path
    }

    /// Reads a file.
    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// The binary, started in a folder of the sandbox with an environment of its own.
    pub(crate) fn command(&self, folder: &str) -> Command {
        let mut command = Command::new(BINARY);
        self.surround(&mut command, folder);
        command
    }

    /// Any program in the same surroundings.
    pub(crate) fn surround(&self, command: &mut Command, folder: &str) {
        command
            .current_dir(self.path(folder))
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.path("home"))
            .env("XDG_CONFIG_HOME", self.path("home/config"))
            .env("XDG_STATE_HOME", self.path("home/state"))
            .env("TMPDIR", self.path("home/tmp"))
            .stdin(Stdio::null());
    }

    /// Runs the binary in a folder.
    #[must_use = "an unchecked exit code tests nothing"]
    pub(crate) fn run<S: AsRef<OsStr>>(&self, folder: &str, arguments: &[S]) -> Output {
        Output::of(self.command(folder).args(arguments))
    }

    /// Runs the binary in the lab.
    #[must_use = "an unchecked exit code tests nothing"]
    pub(crate) fn lab<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Output {
        self.run("lab", arguments)
    }

    /// Records a run of one stage of the lab's `tools/stages.sh`; `words` are the stage's own arguments.
    pub(crate) fn stage(&self, stage: &str, inputs: &[&str], output: &str, words: &[&str]) {
        let mut line = vec!["run", "--name", stage, "--out", output];
        inputs.iter().for_each(|input| line.extend(["--in", *input]));
        line.extend(["--", "sh", "tools/stages.sh", stage]);
        line.extend(words);
        let _ = self.lab(&line).success();
    }

    /// Runs the binary elsewhere: where only what was sent is. A report is asked for with every check, to look at any.
    #[must_use = "an unchecked exit code tests nothing"]
    pub(crate) fn elsewhere<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Output {
        let mut arguments: Vec<&OsStr> = arguments.iter().map(AsRef::as_ref).collect();
        if arguments.first() == Some(&OsStr::new("verify")) && !arguments.contains(&OsStr::new("--json")) {
            arguments.push(OsStr::new("--verbose"));
        }
        self.run("elsewhere", &arguments)
    }

    /// The lab's log key, as the lab would read it out on the phone.
    pub(crate) fn vkey(&self) -> String {
        let settings = String::from_utf8(self.read("lab/.reproledger/ledger.toml")).unwrap();
        let line =
            settings.lines().find(|line| line.contains("lab.example/log+")).expect("ledger.toml names the log key");
        line.split('"').nth(1).unwrap().to_owned()
    }

    /// Writes the reader's policy elsewhere: this log, no witnesses.
    pub(crate) fn trust(&self) -> PathBuf {
        self.write("elsewhere/trust.policy", format!("log {}\nquorum none\n", self.vkey()))
    }

    /// Cuts the evidence of a claim in the lab and brings the one file elsewhere.
    pub(crate) fn prove(&self, claim: &str, disclose_all: bool) -> PathBuf {
        let name = format!("{claim}.evidence");
        let mut arguments = vec!["prove", claim, "-o", &name, "--force"];
        if disclose_all {
            arguments.extend(["--disclose", "all"]);
        }
        let _ = self.lab(&arguments).success();
        self.write(&format!("elsewhere/{name}"), self.read(&format!("lab/{name}")))
    }
}

/// What a process said and how it ended.
#[derive(Debug)]
pub(crate) struct Output {
    line: String,
    code: Option<i32>,
    /// Standard output.
    pub(crate) stdout: String,
    /// Standard error.
    pub(crate) stderr: String,
    /// Standard output as it came.
    pub(crate) bytes: Vec<u8>,
}

impl Output {
    /// Runs a command to its end.
    #[must_use = "an unchecked exit code tests nothing"]
    pub(crate) fn of(command: &mut Command) -> Self {
        let line = format!("{command:?}");
        let output = command.output().unwrap_or_else(|error| panic!("{line}: {error}"));
        Self {
            line,
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            bytes: output.stdout,
        }
    }

    /// Holds it to an exit code.
    pub(crate) fn code(self, expected: i32) -> Self {
        assert_eq!(
            self.code,
            Some(expected),
            "{}\n--- stdout\n{}\n--- stderr\n{}",
            self.line,
            self.stdout,
            self.stderr
        );
        self
    }

    /// Holds it to exit code 0.
    pub(crate) fn success(self) -> Self {
        self.code(0)
    }

    /// The exit code, if it ended by itself.
    pub(crate) fn exit_code(&self) -> Option<i32> {
        self.code
    }

    /// The first line of standard output.
    pub(crate) fn first_line(&self) -> &str {
        self.stdout.lines().next().unwrap_or_default()
    }

    /// Holds standard output to contain a text.
    pub(crate) fn says(self, text: &str) -> Self {
        assert!(
            self.stdout.contains(text),
            "{}: `{text}` is not in\n{}\n--- stderr\n{}",
            self.line,
            self.stdout,
            self.stderr
        );
        self
    }

    /// Holds standard error to contain a text.
    pub(crate) fn complains(self, text: &str) -> Self {
        assert!(self.stderr.contains(text), "{}: `{text}` is not in\n{}", self.line, self.stderr);
        self
    }

    /// The line of standard output on which a check reports.
    pub(crate) fn check(&self, id: &str) -> &str {
        let line = self.stdout.lines().find(|line| line.split_whitespace().nth(1) == Some(id));
        line.unwrap_or_else(|| panic!("{}: no check `{id}` in\n{}", self.line, self.stdout)).trim()
    }
}

/// The path of a program on this machine, if it is there.
pub(crate) fn program(name: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?).map(|folder| folder.join(name)).find(|path| Path::is_file(path))
}

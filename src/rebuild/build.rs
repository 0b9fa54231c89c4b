//! A recorded program that is not at hand, built from the recorded source by a recipe of this program's own.
//!
//! A compiler gives other bytes on another machine, so programs are recorded and seldom shipped. What is built is held to
//! nothing: it is its source that is the recorded one, byte by byte, and what it writes that is judged. No word of the
//! recipe comes from the record but the program's name. `cargo` starts in a folder of its own, above the source, and so
//! reads no configuration file of the source; a toolchain file is for rustup alone, which is not asked. Build scripts of
//! the source do run: in the sandbox, as everything does, without network and with a target folder of their own.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::available_parallelism;

use crate::capture::hash::{HashOptions, Progress, Silent, hash_file};
use crate::digest::Digest;
use crate::merkle::EntryIndex;
use crate::rebuild::job::{Ended, How, Job, Program, Runner};
use crate::rebuild::make::Watch;
use crate::rebuild::material::{MaterialError, WorkFolder};
use crate::rebuild::place::Place;
use crate::rebuild::plan::{Item, Plan};
use crate::rebuild::ready::{Choice, Missing, Ready};
use crate::rebuild::shelf::{Found, Shelf};

/// What to do where there is nothing to build with.
pub(super) const NO_CARGO: &str = "install Rust, https://rustup.rs, and a C compiler for its linker";

/// More at one time hardly helps, and each takes threads of its own.
const MAX_JOBS: usize = 8;

/// Where a build sees its folder, whatever the recorded one was called.
const INSIDE: &str = "/work";

/// The compiler of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Toolchain {
    /// The folder with `bin/cargo` and `bin/rustc`.
    root: PathBuf,
    /// As it calls itself.
    version: String,
}

impl Toolchain {
    /// Asks the `rustc` on the path where it lives. It is asked at the top of the file system, where nobody's toolchain
    /// file lies.
    pub(super) fn find() -> Result<Self, String> {
        let ask = |question: &[&str]| {
            let output = Command::new("rustc")
                .args(question)
                .current_dir("/")
                .env("RUSTUP_AUTO_INSTALL", "0")
                .stdin(Stdio::null())
                .output()
                .map_err(|error| format!("there is no Rust compiler here to build it with: rustc: {error}"))?;
            let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
            if output.status.success() && !said.is_empty() {
                Ok(said)
            } else {
                Err("`rustc` does not run here".to_owned())
            }
        };
        let root = PathBuf::from(ask(&["--print", "sysroot"])?);
        let version = ask(&["--version"])?;
        for name in ["cargo", "rustc"] {
            if !root.join("bin").join(name).is_file() {
                return Err(format!("the Rust toolchain at {} has no `{name}`", root.display()));
            }
        }
        if !["/usr/local/bin", "/usr/bin", "/bin"].iter().any(|folder| Path::new(folder).join("cc").exists()) {
            return Err("there is no `cc` in /usr/bin to link programs with".to_owned());
        }
        Ok(Self { root, version })
    }

    /// Puts it into a folder, for commands that cannot go where it lies: hard links, which cost nothing, or copies.
    fn put(&self, to: &Path) -> io::Result<()> {
        for name in ["bin/cargo", "bin/rustc"] {
            link_or_copy(&self.root.join(name), &to.join(name))?;
        }
        let mut open = vec![PathBuf::from("lib")];
        while let Some(below) = open.pop() {
            for entry in fs::read_dir(self.root.join(&below))? {
                let entry = entry?;
                let path = below.join(entry.file_name());
                let kind = entry.file_type()?;
                // The library's own source is for reading, not for building.
                if kind.is_dir() && path != Path::new("lib/rustlib/src") {
                    open.push(path);
                } else if kind.is_file() {
                    link_or_copy(&self.root.join(&path), &to.join(&path))?;
                }
            }
        }
        Ok(())
    }
}

fn link_or_copy(from: &Path, to: &Path) -> io::Result<()> {
    to.parent().map_or(Ok(()), fs::create_dir_all)?;
    fs::hard_link(from, to).or_else(|_| fs::copy(from, to).map(drop))
}

/// True where a folder is a package of cargo.
pub(super) fn is_package(folder: &Path) -> bool {
    folder.join("Cargo.toml").symlink_metadata().is_ok_and(|metadata| metadata.is_file())
}

/// A program to be built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Build {
    /// The program, by its path in the working folders.
    pub program: String,
    /// The binary of the package.
    pub binary: String,
    /// The entry of its source.
    pub source: EntryIndex,
    /// What its source is called.
    pub label: String,
    /// The program that was recorded.
    pub recorded: Option<Digest>,
    /// The command and its arguments.
    pub argv: Vec<String>,
    /// What is said of it before it runs, a line each.
    pub said: Vec<String>,
    toolchain: Toolchain,
}

impl Build {
    /// The build of a binary; none where its name is one that no package gives.
    pub(super) fn of(
        source: &Item,
        program: &str,
        binary: &str,
        recorded: Option<Digest>,
        toolchain: Toolchain,
    ) -> Option<Self> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if !binary.chars().all(is_plain) || binary.starts_with('-') || binary.len() > 64 {
            return None;
        }
        let jobs = available_parallelism().map_or(1, usize::from).min(MAX_JOBS).to_string();
        let argv = ["cargo", "build", "--release", "--locked", "--offline", "--jobs", &jobs, "--bin", binary]
            .into_iter()
            .chain(["--manifest-path", "source/Cargo.toml", "--target-dir", "target"]);
        Some(Self {
            program: program.to_owned(),
            binary: binary.to_owned(),
            source: source.entry,
            label: source.label(),
            recorded,
            argv: argv.map(str::to_owned).collect(),
            said: vec![
                format!("with {}, at {}", toolchain.version, toolchain.root.display()),
                "in the sandbox, in a new folder; no configuration of the source is read, its build scripts do run"
                    .to_owned(),
            ],
            toolchain,
        })
    }

    /// The folder that it is built in.
    fn folder(&self, out: &Path, number: usize) -> PathBuf {
        out.join(format!("build-{:03}-{}", number + 1, self.binary))
    }

    /// Where it stands when it is built.
    pub(super) fn made_at(&self, out: &Path, number: usize) -> PathBuf {
        self.folder(out, number).join("target/release").join(&self.binary)
    }
}

/// Builds what has to be built. What is then known of a program is said of it; what could not be built is missing.
pub fn build(
    plan: &Plan,
    choice: &Choice<'_>,
    ready: &mut Ready,
    shelf: &Shelf<'_>,
    runner: &dyn Runner,
    watch: &dyn Watch,
    progress: &dyn Progress,
) {
    for (number, build) in ready.builds.clone().iter().enumerate() {
        watch.builds(build);
        let site = Site { item: &plan.items[&build.source], build, choice, runner };
        let built = site.run(number, shelf, progress);
        let made_by = |resolved: &crate::rebuild::ready::Resolved| resolved.built_by == Some(number);
        match built {
            Ok(found) => {
                let said = said_of(build, found);
                ready
                    .programs
                    .values_mut()
                    .filter(|program| made_by(program))
                    .for_each(|program| program.said.clone_from(&said));
                ready.notes.push(said);
            }
            Err(why) => {
                ready.programs.retain(|_, program| !made_by(program));
                let digest = build.recorded;
                let stage = plan.stages.iter().find(|stage| stage.inputs.contains(&build.source));
                let stage = stage.map(|stage| stage.label.clone()).unwrap_or_default();
                let hint = format!("give it: --program {}=PATH", build.binary);
                ready.missing.push(Missing { what: "program", name: build.program.clone(), digest, stage, hint });
                ready.notes.push(format!("`{}` could not be built: {why}", build.program));
            }
        }
    }
}

fn said_of(build: &Build, found: Digest) -> String {
    let Build { program, label, recorded, .. } = build;
    match recorded {
        Some(recorded) if *recorded == found => {
            format!("`{program}`: built here from the recorded {label}: the recorded program")
        }
        Some(recorded) => format!(
            "`{program}`: built here from the recorded {label}: another file than the recorded program, as another compiler \
             or another machine gives\n  recorded {recorded}\n  built    {found}"
        ),
        None => {
            format!("`{program}`: built here from the recorded {label}: {found}; which one was run is not recorded")
        }
    }
}

/// One build under way.
struct Site<'a> {
    item: &'a Item,
    build: &'a Build,
    choice: &'a Choice<'a>,
    runner: &'a dyn Runner,
}

impl Site<'_> {
    fn run(&self, number: usize, shelf: &Shelf<'_>, progress: &dyn Progress) -> Result<Digest, String> {
        let out = self.choice.out;
        let Found::At(from) = shelf.find(self.item) else { return Err("its source is not at hand".to_owned()) };
        let folder =
            self.lay_out(&from, self.build.folder(out, number), progress).map_err(|error| error.to_string())?;
        let ended = self.cargo(&folder).map_err(|error| format!("the toolchain cannot be shown to it: {error}"))?;
        let said =
            |why: String| if ended.tail.trim().is_empty() { why } else { format!("{why}\n{}", ended.tail.trim_end()) };
        match &ended.how {
            How::Exit(0) => {}
            How::Exit(code) => return Err(said(format!("cargo ended with code {code}"))),
            How::Signal(signal) => return Err(said(format!("cargo was ended by signal {signal}"))),
            How::Stopped(limit) => return Err(said(format!("cargo was stopped: {limit}"))),
            How::NotStarted(why) => return Err(format!("cargo did not start: {why}")),
        }
        let made = self.build.made_at(out, number);
        let hashed = hash_file(&made, &HashOptions::default(), &Silent);
        hashed.map(|file| file.digest.into()).map_err(|error| error.to_string())
    }

    fn lay_out(&self, from: &Path, to: PathBuf, progress: &dyn Progress) -> Result<WorkFolder, MaterialError> {
        let folder = WorkFolder::create(to)?;
        let place = |path| {
            Place::of(path, "/")
                .map_err(|_| MaterialError::Taken { path: crate::capture::open::Shown::of(Path::new(path)) })
        };
        folder.copy(from, &self.item.leaves, &place("source")?, false, progress)?;
        folder.folder(&place("target")?)?;
        Ok(folder)
    }

    fn cargo(&self, folder: &WorkFolder) -> io::Result<Ended> {
        let toolchain = &self.build.toolchain;
        // Who builds is nobody, where we are root: root's own folders are closed to them, this one is not.
        let is_put = self.runner.is_nobody() && !toolchain.root.starts_with("/usr");
        if is_put {
            toolchain.put(&folder.root().join("toolchain"))?;
        }
        let (cargo, rustc) = if is_put {
            (Program::Inside("toolchain/bin/cargo".to_owned()), Path::new(INSIDE).join("toolchain/bin/rustc"))
        } else {
            (Program::Host(toolchain.root.join("bin/cargo")), toolchain.root.join("bin/rustc"))
        };
        let variables = [("RUSTC".to_owned(), rustc.to_string_lossy().into_owned())].into();
        let read_only: &[String] =
            if is_put { &["source".to_owned(), "toolchain".to_owned()] } else { &["source".to_owned()] };
        Ok(self.runner.run(&Job {
            work: folder.root(),
            directory: INSIDE,
            program: &cargo,
            argv: &self.build.argv,
            variables: &variables,
            read_only,
            exposed: if is_put { &[] } else { std::slice::from_ref(&toolchain.root) },
            limits: self.choice.limits,
        }))
    }
}

//! How fast a folder is recorded again and verified again, beside the programs that labs use for it.
//!
//! `cargo bench --bench files`. Each measurement is a whole process, started anew and in turn with its peers; figures are
//! medians, and the ratio is what counts. Input is made under `REPROLEDGER_BENCH_DIR` (default: the temporary folder):
//! 20,000 × 64 KiB, and as much again for each peer that keeps copies. A peer that is not on the path is left out, and
//! that is said: `git`, `b3sum`, `dvc` and `model_signing` (both from PyPI).
//!
//! Goals: unchanged, at most twice `git diff-files` and 20 times faster than `dvc status`; touched but identical, 8 times
//! faster than `dvc status`; read anew, 2.5 times faster than `b3sum -c` and 10 times than `model_signing verify`.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark talks to its user and may stop anywhere")]

mod support;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use support::{FILE_BYTES, FILES, Make, compare, small_files, sorted};

const RECORD: [&str; 5] = ["record", "source", "data", "--name", "data"];

fn main() {
    let base = std::env::var_os("REPROLEDGER_BENCH_DIR").unwrap_or(std::env::temp_dir().into());
    let scratch = tempfile::tempdir_in(base).unwrap();
    let lab = Lab::new(scratch.path());
    let peers = Peers { git: lab.git(), dvc: lab.dvc(), b3sum: lab.b3sum(), model_signing: lab.model_signing() };
    lab.once(&mut lab.own(&["init", "--origin", "example.org/bench", "--issuer", "https://example.org"]));
    // Files that changed a moment ago are never taken for known.
    std::thread::sleep(Duration::from_secs(4));
    lab.once(&mut lab.own(&RECORD));

    let again = || lab.own(&RECORD);
    let anew = || lab.own(&[&RECORD[..], &["--no-cache"]].concat());
    let git = || lab.run("git", &["diff-files", "--quiet"]);
    let dvc = || lab.run("dvc", &["status", "--quiet"]);
    let b3sum = || lab.run("b3sum", &["--check", "--quiet", "../sums"]);
    let signing = || lab.run("model_signing", &[&["verify", "key", "data"][..], &SIGNATURE, &PUBLIC].concat());

    println!("{FILES} files of {FILE_BYTES} bytes, unchanged");
    let commands: [(bool, &str, Make); 3] =
        [(true, "reproledger record", &again), (peers.git, "git diff-files", &git), (peers.dvc, "dvc status", &dvc)];
    compare(9, &|| (), &there(&commands));

    println!("the same, touched but identical");
    let commands: [(bool, &str, Make); 2] = [(true, "reproledger record", &again), (peers.dvc, "dvc status", &dvc)];
    compare(5, &|| lab.touch(), &there(&commands));

    println!("the same, every byte read and held against what was recorded");
    let commands: [(bool, &str, Make); 3] = [
        (true, "reproledger record --no-cache", &anew),
        (peers.b3sum, "b3sum --check", &b3sum),
        (peers.model_signing, "model_signing verify", &signing),
    ];
    compare(7, &|| (), &there(&commands));
}

/// Which peers are here.
#[allow(clippy::struct_excessive_bools, reason = "each is there or not")]
struct Peers {
    git: bool,
    dvc: bool,
    b3sum: bool,
    model_signing: bool,
}

const SIGNATURE: [&str; 2] = ["--signature", "../signature"];
const PUBLIC: [&str; 2] = ["--public_key", "../public.pem"];

fn there<'a>(commands: &[(bool, &'a str, Make<'a>)]) -> Vec<(&'a str, Make<'a>)> {
    commands.iter().filter(|(there, ..)| *there).map(|(_, name, make)| (*name, *make)).collect()
}

/// A folder of many files, with a home of its own for every program.
struct Lab {
    /// The folder that programs work in; `data` in it.
    folder: PathBuf,
    home: PathBuf,
}

impl Lab {
    fn new(scratch: &Path) -> Self {
        let lab = Self { folder: scratch.join("lab"), home: scratch.join("home") };
        fs::create_dir(&lab.home).unwrap();
        small_files(&lab.folder.join("data"));
        lab
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(&self.folder).env("HOME", &self.home).stdout(Stdio::null());
        for variable in ["XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME"] {
            command.env(variable, self.home.join(variable));
        }
        // One that would ask its maker's server on every start.
        command.env("DVC_NO_ANALYTICS", "1");
        command
    }

    fn own(&self, arguments: &[&str]) -> Command {
        let mut command = self.run(env!("CARGO_BIN_EXE_reproledger"), arguments);
        command.arg("--quiet");
        command
    }

    fn once(&self, command: &mut Command) {
        assert!(self.works(command), "{command:?} failed");
    }

    #[allow(clippy::unused_self, reason = "a program works in the lab")]
    fn works(&self, command: &mut Command) -> bool {
        command.stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    }

    /// Whether a program is here and does what it must do first.
    fn prepared(&self, program: &str, steps: &[&[&str]]) -> bool {
        let there = steps.iter().all(|step| self.works(&mut self.run(program, step)));
        if !there {
            println!("left out: {program} is not here, or cannot do its part");
        }
        there
    }

    fn git(&self) -> bool {
        self.prepared("git", &[&["init", "--quiet"], &["-c", "core.looseCompression=0", "add", "data"]])
    }

    fn dvc(&self) -> bool {
        self.prepared("dvc", &[&["init", "--no-scm", "--quiet", "--force"], &["add", "--quiet", "data"]])
    }

    fn b3sum(&self) -> bool {
        let there = self.prepared("b3sum", &[&["--version"]]);
        if there {
            let sums = File::create(self.folder.join("../sums")).unwrap();
            let paths = sorted(&self.folder.join("data"));
            self.once(self.run("b3sum", &[]).args(paths).stdout(sums));
        }
        there
    }

    fn model_signing(&self) -> bool {
        let generate = ["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", "../private.pem"];
        let public = ["pkey", "-in", "../private.pem", "-pubout", "-out", "../public.pem"];
        let sign = [&["sign", "key", "data", "--private_key", "../private.pem"][..], &SIGNATURE].concat();
        self.prepared("openssl", &[&generate, &public]) && self.prepared("model_signing", &[&sign])
    }

    /// New times, old bytes.
    fn touch(&self) {
        let now = SystemTime::now();
        for path in sorted(&self.folder.join("data")) {
            File::options().write(true).open(path).unwrap().set_modified(now).unwrap();
        }
    }
}

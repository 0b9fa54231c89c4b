//! Looks at what a command is about to run with: its program, interpreter, lock files, machine; nothing is executed.
//!
//! What cannot be told is left out: a rebuild names what is missing before it runs anything, and is decided by digests.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::capture::hash::{HashOptions, Silent, hash_file};
use crate::capture::run::find_program;
use crate::statement::{Machine, Part, Rerun};

/// Files that pin what a command's own packages are, by the tools that write them.
const LOCKS: &[&str] = &[
    "Cargo.lock",
    "Manifest.toml",
    "Pipfile.lock",
    "conda-lock.yml",
    "environment.yml",
    "flake.lock",
    "go.sum",
    "package-lock.json",
    "pdm.lock",
    "pixi.lock",
    "pnpm-lock.yaml",
    "poetry.lock",
    "renv.lock",
    "requirements.txt",
    "uv.lock",
    "yarn.lock",
];

/// A script's first line is read this far; Linux reads less.
const FIRST_LINE: u64 = 512;

/// A script names an interpreter, which may be `env`, which names another: no further.
const MAX_INTERPRETERS: usize = 2;

/// Where podman says which image a container is of; read this far.
const CONTAINER: &str = "/run/.containerenv";
const MAX_CONTAINER_BYTES: u64 = 64 << 10;

/// What whoever runs a command declares before it runs.
#[derive(Debug, Clone, Default)]
pub struct Declared {
    /// Variables that it needs, with their values.
    pub variables: BTreeMap<String, String>,
    /// How equal a rebuild must be, by output.
    pub equality: BTreeMap<String, String>,
    /// Why it cannot be run again.
    pub frontier: Option<String>,
    /// Where it will write.
    pub outputs: Vec<PathBuf>,
}

/// What `program` is about to run with.
pub(super) fn surroundings(program: &Path, declared: Declared) -> Rerun {
    let folders = declared.outputs.iter().flat_map(|path| path.ancestors().skip(1));
    let mut folders: Vec<String> = folders
        .filter(|folder| !folder.as_os_str().is_empty() && folder.is_dir())
        .map(|folder| folder.to_string_lossy().into_owned())
        .collect();
    folders.sort();
    folders.dedup();
    Rerun {
        program: part(program),
        interpreters: interpreters(program),
        locks: LOCKS.iter().filter_map(|name| part(Path::new(name))).collect(),
        container: container(),
        machine: machine(),
        variables: declared.variables,
        equality: declared.equality,
        folders,
        frontier: declared.frontier,
    }
}

/// A file with its digest: the file itself where the path is a link, as the system takes it.
fn part(path: &Path) -> Option<Part> {
    let real = path.canonicalize().ok()?;
    let hashed = hash_file(&real, &HashOptions::default(), &Silent).ok()?;
    Some(Part { path: path.to_string_lossy().into_owned(), digest: hashed.digest.into(), length: hashed.size() })
}

/// What the first lines of a script name, one after the other.
fn interpreters(program: &Path) -> Vec<Part> {
    let mut found = Vec::new();
    let mut script = program.to_owned();
    while found.len() < MAX_INTERPRETERS {
        let Some((interpreter, argument)) = first_line(&script) else { break };
        found.extend(part(&interpreter));
        if interpreter.file_name().is_some_and(|name| name == "env")
            && let Some(named) = argument.and_then(|name| find_program(&name).ok())
        {
            found.extend(part(&named));
            break;
        }
        script = interpreter;
    }
    found
}

/// The interpreter in the first line of a script, and the first word after it.
fn first_line(script: &Path) -> Option<(PathBuf, Option<OsString>)> {
    let mut line = Vec::new();
    // Looked at first: opening a pipe would wait for a writer.
    if !script.metadata().ok()?.is_file() {
        return None;
    }
    File::open(script).ok()?.take(FIRST_LINE).read_to_end(&mut line).ok()?;
    let line = line.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
    let mut words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let word = |bytes: &[u8]| std::ffi::OsStr::from_bytes(bytes).to_owned();
    Some((PathBuf::from(word(words.next()?)), words.find(|word| !word.starts_with(b"-")).map(word)))
}

fn container() -> Option<String> {
    let mut text = String::new();
    File::open(CONTAINER).ok()?.take(MAX_CONTAINER_BYTES).read_to_string(&mut text).ok()?;
    image_of(&text)
}

fn image_of(text: &str) -> Option<String> {
    let id = text.lines().find_map(|line| line.strip_prefix("imageid="))?.trim_matches('"');
    (!id.is_empty()).then(|| id.to_owned())
}

/// This machine, as a rebuild compares it.
pub fn machine() -> Machine {
    Machine {
        arch: std::env::consts::ARCH.to_owned(),
        os: std::env::consts::OS.to_owned(),
        kernel: Some(rustix::system::uname().release().to_string_lossy().into_owned()),
        features: features(),
        threads: std::thread::available_parallelism().map_or(1, |threads| threads.get() as u64),
    }
}

#[cfg(target_arch = "x86_64")]
fn features() -> Vec<String> {
    use std::arch::is_x86_feature_detected as has;
    let seen = [
        ("sse4.2", has!("sse4.2")),
        ("avx", has!("avx")),
        ("avx2", has!("avx2")),
        ("fma", has!("fma")),
        ("avx512f", has!("avx512f")),
    ];
    seen.iter().filter(|(_, is_there)| *is_there).map(|(name, _)| (*name).to_owned()).collect()
}

#[cfg(target_arch = "aarch64")]
fn features() -> Vec<String> {
    use std::arch::is_aarch64_feature_detected as has;
    let seen = [("neon", has!("neon")), ("fp16", has!("fp16")), ("bf16", has!("bf16")), ("sve", has!("sve"))];
    seen.iter().filter(|(_, is_there)| *is_there).map(|(name, _)| (*name).to_owned()).collect()
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn features() -> Vec<String> {
    Vec::new()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use crate::digest::{Digest, FileDigest};

    use super::*;

    #[test]
    fn a_script_is_known_with_what_its_first_line_names() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let inner = write("inner", "bytes of a program");
        let middle = write("middle", &format!("#!{} -x\n", inner.display()));
        let script = write("script", &format!("#! {}\nwords\n", middle.display()));
        let out = folder.path().join("out/deep/file");
        std::fs::create_dir(folder.path().join("out")).unwrap();
        let seen = surroundings(&script, Declared { outputs: vec![out], ..Declared::default() });
        assert_eq!(seen.program.unwrap().digest, Digest::from(FileDigest::of(&std::fs::read(&script).unwrap())));
        let paths: Vec<_> = seen.interpreters.iter().map(|part| PathBuf::from(&part.path)).collect();
        assert_eq!(paths, [middle, inner]);
        assert!(seen.folders.contains(&folder.path().join("out").to_string_lossy().into_owned()));
        assert!(!seen.folders.iter().any(|folder| folder.contains("deep")), "{:?}", seen.folders);
        let env = write("env-script", "#!/usr/bin/env -S sh -e\n");
        let names: Vec<_> = interpreters(&env).into_iter().map(|part| part.path).collect();
        assert!(names.len() == 2 && names[1].ends_with("/sh"), "{names:?}");
    }

    #[test]
    fn what_cannot_be_told_is_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        for path in [pipe, folder.path().to_owned(), folder.path().join("nothing")] {
            let seen = surroundings(&path, Declared::default());
            assert!(seen.program.is_none() && seen.interpreters.is_empty(), "{path:?}");
        }
        assert_eq!(image_of("engine=\"podman\"\nimageid=\"abc\"\n"), Some("abc".to_owned()));
        assert_eq!(image_of("imageid=\"\"\n"), None);
    }
}

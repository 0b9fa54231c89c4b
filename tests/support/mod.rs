//! What the tests stand on: a sandbox for the real binary, a lab that can sign anything, and the third-party data.

#![allow(clippy::unwrap_used, reason = "tests")]

pub(crate) mod adapters;
pub(crate) mod corpus;
mod lab;
mod sandbox;
pub(crate) mod study;

pub(crate) use lab::{Lab, Story, Told, assess, finding, forge, key, parts, salt, sample, signed_bytes};
pub(crate) use sandbox::{BINARY, Output, Sandbox, program};

use std::path::{Path, PathBuf};

use reproledger::capture::hash::Silent;
use reproledger::capture::kind::{Artifact, Options, Request, capture};
use reproledger::statement::Kind;

/// The folder of third-party data; a test asks [`crate::vectors::data_is_there`] first.
pub(crate) fn testdata() -> PathBuf {
    let data = std::env::var_os("REPROLEDGER_TESTDATA").expect(
        "REPROLEDGER_TESTDATA is not set: it must name the folder of third-party test data (see its SOURCES.md)",
    );
    let data = PathBuf::from(data);
    assert!(data.join("SOURCES.md").is_file(), "{}: not the folder of third-party test data", data.display());
    data
}

/// What `record` captures at a path.
pub(crate) fn captured(kind: Kind, path: &Path, options: &Options) -> Artifact {
    let paths = [path.to_owned()];
    capture(kind, &Request { paths: &paths, options, progress: &Silent }).unwrap()
}

/// Writes a file, its folders with it.
pub(crate) fn write_file(path: &Path, bytes: impl AsRef<[u8]>) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

/// The one file of a folder whose name contains `part`.
pub(crate) fn only_file(folder: &Path, part: &str) -> PathBuf {
    let files = sorted_files(folder);
    let mut found = files.into_iter().filter(|path| path.file_name().unwrap().to_string_lossy().contains(part));
    let first = found.next().unwrap_or_else(|| panic!("{}: no file with `{part}` in its name", folder.display()));
    assert_eq!(found.next(), None, "{}: several files with `{part}` in their names", folder.display());
    first
}

/// The files directly in a folder, in order of name.
pub(crate) fn sorted_files(folder: &Path) -> Vec<PathBuf> {
    let listing = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<PathBuf> = listing.map(|entry| entry.unwrap().path()).filter(|path| path.is_file()).collect();
    files.sort();
    files
}

/// Copies a file or a whole folder to `to`, which must not exist.
pub(crate) fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        std::fs::create_dir_all(to).unwrap();
        for entry in std::fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            copy(&entry.path(), &to.join(entry.file_name()));
        }
    } else {
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        // By content: the data is read-only and its mode bits must not come along.
        std::fs::write(to, std::fs::read(from).unwrap()).unwrap();
    }
}

//! Other people's test vectors, from the folder that `REPROLEDGER_TESTDATA` names (see its SOURCES.md).
//!
//! Every walker reads whole folders and asserts how many cases it must have seen, so that a missing file cannot pass
//! for a passing test. Most vectors are refusals.

#![allow(clippy::unwrap_used, reason = "tests")]

mod blake3;
mod checkpoint;
mod cose;
mod cpython;
mod ed25519;
mod merkle;
mod openssl;
mod policy;
mod signed_note;
mod tessera;
mod tlog_proof;
mod witness;

use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// Whether the third-party test data is at hand. Without it a test is skipped, loudly; in CI that is a failure.
pub(crate) fn data_is_there() -> bool {
    let is_there = std::env::var_os("REPROLEDGER_TESTDATA").is_some();
    assert!(is_there || std::env::var_os("CI").is_none(), "CI without REPROLEDGER_TESTDATA tests nothing");
    if !is_there {
        // Not `eprintln!`: that is captured, and a skipped test that says nothing looks like a passed one.
        let name = std::thread::current().name().unwrap_or_default().to_owned();
        let line = format!("SKIPPED {name}: REPROLEDGER_TESTDATA does not name the third-party test data\n");
        std::io::Write::write_all(&mut std::io::stderr(), line.as_bytes()).unwrap();
    }
    is_there
}

/// A folder or file under `vectors/`.
fn path(name: &str) -> PathBuf {
    let data = std::env::var_os("REPROLEDGER_TESTDATA")
        .expect("REPROLEDGER_TESTDATA is not set: it must name the folder of third-party test data");
    let path = Path::new(&data).join("vectors").join(name);
    assert!(path.exists(), "{} is missing: REPROLEDGER_TESTDATA does not name the test data", path.display());
    path
}

/// Every file below, in order of path.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

/// Every JSON file below, with its path for messages.
fn json_files(name: &str) -> Vec<(String, Value)> {
    let is_json = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "json");
    files(&path(name)).into_iter().filter(is_json).map(|path| (path.display().to_string(), read_json(&path))).collect()
}

/// The one JSON file of this path.
fn json(name: &str) -> Value {
    read_json(&path(name))
}

fn read_json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("not a text: {value}"))
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap_or_else(|| panic!("not a list: {value}"))
}

fn unhex(text: &str) -> Vec<u8> {
    assert!(text.len().is_multiple_of(2), "{text}");
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

fn unbase64(text: &str) -> Vec<u8> {
    STANDARD.decode(text).unwrap()
}

/// Bytes of a fixed length, or nothing.
fn exactly<const N: usize>(bytes: &[u8]) -> Option<[u8; N]> {
    bytes.try_into().ok()
}

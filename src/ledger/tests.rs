//! The ledger as a whole: what was acknowledged is there, what was damaged is named, what was copied is refused.
#![allow(clippy::unwrap_used, reason = "tests")]

mod appended;
mod copies;
mod damage;
mod doctor;
mod history;
mod opened;
mod torn;

use std::convert::Infallible;
use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use crate::key::{SigningKey, VerifierKey};
use crate::merkle::{
    EntryIndex, MemoryTree, Origin, TreeHead, TreeSize, check_consistency, check_inclusion, leaf_hash,
    prove_consistency,
};

use super::segment::FIRST_CHUNK;
use super::*;

struct Scratch {
    root: tempfile::TempDir,
}

const SMALL_SEGMENT: u64 = 4096;

impl Scratch {
    fn new() -> Self {
        Self { root: tempfile::tempdir().unwrap() }
    }

    fn dir(&self) -> PathBuf {
        self.root.path().join(".reproledger")
    }

    fn state(&self) -> PathBuf {
        self.root.path().join("state")
    }

    fn create(&self) -> Writer {
        Writer::create(&self.dir(), b"genesis", &origin(), key(), &self.state()).unwrap()
    }

    fn open(&self) -> Result<(Writer, Vec<Notice>), LedgerError> {
        Writer::open(&self.dir(), &origin(), key(), &self.state())
    }

    fn read(&self) -> Result<Ledger, LedgerError> {
        Ledger::open_read(&self.dir(), &verifier())
    }

    fn audit(&self) -> Result<AuditReport, LedgerError> {
        let state_dir = self.state();
        let inputs = AuditInputs { dir: &self.dir(), key: &verifier(), state_dir: Some(&state_dir) };
        audit(inputs, |_, _, _| Ok::<(), Infallible>(()), |_| {})
    }

    /// A ledger of several segments; closed.
    fn filled(&self, batches: &[usize]) {
        let mut writer = self.create();
        writer.set_segment_bytes(SMALL_SEGMENT);
        for count in batches {
            append(&mut writer, *count);
        }
        writer.close().unwrap();
    }
}

fn origin() -> Origin {
    Origin::parse("example.org/log").unwrap()
}

fn key() -> SigningKey {
    SigningKey::from_seed([7; 32])
}

fn verifier() -> VerifierKey {
    verifier_key(&origin(), &key())
}

fn entry(index: u64) -> Vec<u8> {
    if index == 0 {
        return b"genesis".to_vec();
    }
    let mut bytes = format!("entry {index} ").into_bytes();
    bytes.resize(bytes.len() + usize::try_from(index * 37 % 200).unwrap(), b'x');
    bytes
}

fn append(writer: &mut Writer, count: usize) {
    let before = *writer.head().tree();
    let commit = writer.append(count, |index| Ok::<_, Infallible>(entry(index.0))).unwrap();
    assert_eq!(commit.first.0, before.size.0);
    assert_eq!(commit.head.tree().size.0, before.size.0 + count as u64);
    for (index, leaf) in (commit.first.0..).zip(&commit.leaves) {
        assert_eq!(*leaf, leaf_hash(&entry(index)));
    }
}

fn assert_holds(ledger: &Ledger, size: u64) {
    assert_eq!(ledger.tree().size, TreeSize(size));
    let mut seen = 0;
    for item in ledger.entries(EntryIndex(0)).unwrap() {
        let item = item.unwrap();
        assert_eq!((item.index.0, &item.bytes), (seen, &entry(seen)));
        seen += 1;
    }
    assert_eq!(seen, size);
}

fn copy_dir(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for item in fs::read_dir(from).unwrap() {
        let item = item.unwrap();
        let target = to.join(item.file_name());
        if item.file_type().unwrap().is_dir() {
            copy_dir(&item.path(), &target);
        } else {
            fs::copy(item.path(), target).unwrap();
        }
    }
}

fn files_below(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut waiting = vec![dir.to_owned()];
    while let Some(next) = waiting.pop() {
        for item in fs::read_dir(next).unwrap() {
            let path = item.unwrap().path();
            if path.is_dir() { waiting.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    files
}

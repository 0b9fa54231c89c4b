//! A scratch ledger that is written entry by entry without any of the rules.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::path::{Path, PathBuf};

use crate::capture::hash::Silent;
use crate::digest::{FileDigest, LedgerId};
use crate::journal::Settings;
use crate::journal::audit::{Audit, Scope, audit_ledger};
use crate::key::{SigningKey, VerifierKey};
use crate::ledger::{AuditInputs, Writer};
use crate::merkle::{EntryIndex, Origin};
use crate::statement::{Claims, Entry, Genesis, Kind, Payload, Role, Subject};

/// A ledger in a scratch directory, written entry by entry without any of the rules.
pub(crate) struct Forge {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) writer: Writer,
    pub(crate) log: LedgerId,
}

pub(crate) fn issuer() -> SigningKey {
    SigningKey::from_seed([2; 32])
}

/// The digest of the file that the artifact of a kind is.
pub(crate) fn file_of(kind: Kind) -> [u8; 32] {
    [u8::try_from(kind.id()).unwrap(); 32]
}

pub(crate) fn claims(issued_at: u64) -> Claims {
    Claims { issuer: "https://lab.example".to_owned(), subject: "s".to_owned(), issued_at }
}

impl Forge {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (log_key, origin) = (SigningKey::from_seed([1; 32]), Origin::parse("lab.example").unwrap());
        let mut payload = Payload::new(Kind::Genesis, None, EntryIndex(0), EntryIndex(0));
        payload.genesis = Some(Box::new(Genesis {
            origin: "lab.example".to_owned(),
            log_key: log_key.public(),
            keys: vec![(Role::Issuer, issuer().public())],
            nonce: [7; 16],
        }));
        let genesis = Entry::sign(&payload, &claims(100), &issuer()).unwrap();
        let key = crate::ledger::verifier_key(&origin, &log_key);
        let (ledger, state) = (dir.path().join("ledger"), dir.path().join("state"));
        let writer = Writer::create(&ledger, &genesis, &origin, log_key, &state).unwrap();
        let log = writer.ledger();
        let settings = Settings::new(log, "lab.example", "https://lab.example", &key, ("log", "issuer"));
        fs::write(Settings::path(&ledger), settings.to_text()).unwrap();
        Self { dir, writer, log }
    }

    pub(crate) fn ledger(&self) -> PathBuf {
        self.dir.path().join("ledger")
    }

    pub(crate) fn payload(&self, kind: Kind) -> Payload {
        let index = self.writer.head().tree().size.next_index();
        let mut payload = Payload::new(kind, Some(self.log), index, EntryIndex(0));
        if kind.is_artifact() {
            payload.subjects.push(Subject::file(FileDigest::from_bytes(file_of(kind)), 1));
        }
        payload
    }

    pub(crate) fn put(&mut self, bytes: &[u8]) {
        self.writer.append(1, |_| Ok::<_, std::convert::Infallible>(bytes.to_vec())).unwrap();
    }

    pub(crate) fn say(&mut self, payload: &Payload, time: u64) {
        self.put(&Entry::sign(payload, &claims(time), &issuer()).unwrap());
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    pub(crate) fn key(&self) -> VerifierKey {
        Settings::load(&self.ledger()).unwrap().verifier_key(&self.ledger()).unwrap()
    }

    pub(crate) fn audit(&self) -> Audit {
        self.audit_with(&self.state())
    }

    /// Audits with what another machine remembers of signed heads.
    pub(crate) fn audit_with(&self, state_dir: &Path) -> Audit {
        let directory = self.ledger();
        let settings = Settings::load(&directory).unwrap();
        let inputs = AuditInputs { dir: &directory, key: &self.key(), state_dir: Some(state_dir) };
        audit_ledger(inputs, &settings, Scope::Everything, &Silent).unwrap()
    }

    /// An entry of a kind that this version does not know.
    pub(crate) fn put_newer(&mut self) {
        let spec = self.payload(Kind::Spec);
        let bytes = Entry::sign(&spec, &claims(100), &issuer()).unwrap();
        // Kind 10 becomes kind 99.
        let at = bytes.windows(4).position(|four| four == [0x01, 0x01, 0x02, 0x0a]).unwrap();
        let mut newer = [&bytes[..at + 3], &[0x18, 99], &bytes[at + 4..]].concat();
        let length = newer.windows(2).rposition(|two| two[0] == 0x58 && usize::from(two[1]) > 64 && two[1] != 64);
        newer[length.unwrap() + 1] += 1;
        self.put(&newer);
    }

    /// Alters one entry on disk as somebody would who knows the frames: every checksum is right again.
    pub(crate) fn rewrite(&self, entry: &[u8]) {
        let path = self.ledger().join("log/000000.seg");
        let mut segment = fs::read(&path).unwrap();
        let at = segment.windows(entry.len()).position(|window| window == entry).unwrap();
        let (start, end) = (at - 5, at + entry.len() + 4);
        segment[at + entry.len() - 1] ^= 1;
        let checksum = crc32c::crc32c(&segment[start..end - 4]).to_be_bytes();
        segment[end - 4..end].copy_from_slice(&checksum);
        let group = FileDigest::of(&segment[start..end]);
        segment[end + 5..end + 37].copy_from_slice(group.as_bytes());
        let length = u32::from_be_bytes(segment[end..end + 4].try_into().unwrap()) as usize;
        let checksum = crc32c::crc32c(&segment[end..end + 5 + length]).to_be_bytes();
        segment[end + 5 + length..end + 9 + length].copy_from_slice(&checksum);
        fs::write(&path, segment).unwrap();
    }

    /// Flips one bit of an entry on disk.
    pub(crate) fn flip(&self, entry: &[u8]) {
        let path = self.ledger().join("log/000000.seg");
        let mut segment = fs::read(&path).unwrap();
        let at = segment.windows(entry.len()).position(|window| window == entry).unwrap();
        segment[at + 20] ^= 4;
        fs::write(&path, segment).unwrap();
    }
}

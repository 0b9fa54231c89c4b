//! The file that known files are kept in: fixed-length records in the order of their keys, under one checksum.
//!
//! ```text
//! magic             line with the version
//! count, records    u64, then 81 bytes each: key (49), digest (32)
//! count, readings   u64, then 40 bytes each: key (32), entry (8)
//! seal              32 bytes, over the ledger's id and everything before
//! ```
//!
//! All numbers are big-endian. The file is searched as it stands: loading it is one read and one hash. Derived, like all
//! below `index/`: a file that is not whole is of no use and is made anew.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use super::{MAX_FILES, MAX_READINGS};
use crate::capture::open::FileStamp;
use crate::digest::{ContextHasher, DIGEST_LEN, LedgerId};

const MAGIC: &[u8] = b"reproledger known files v1\n";
const SEAL_CONTEXT: &str = "reproledger 2026 known files v1";
const COUNT: usize = 8;
const RECORD: usize = Key::LEN + DIGEST_LEN;
const READING: usize = DIGEST_LEN + 8;
const MAX_BYTES: usize = MAGIC.len() + COUNT + MAX_FILES * RECORD + COUNT + MAX_READINGS * READING + DIGEST_LEN;

/// Why a file of known files is of no use.
#[derive(Debug, thiserror::Error)]
pub enum KnownFilesError {
    /// The operating system refused.
    #[error("it cannot be read")]
    Io(#[from] io::Error),
    /// Not what was written for this ledger by this version.
    #[error("it is damaged, of another version, or of another ledger")]
    Damaged,
}

/// A stamp and an algorithm, in bytes that sort by device and inode first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Key([u8; Key::LEN]);

impl Key {
    const LEN: usize = 49;
    /// Bytes of device and inode.
    const FILE: usize = 16;
    pub(super) const BLAKE3: u8 = 1;
    pub(super) const SHA256: u8 = 2;

    pub(super) fn of(stamp: &FileStamp, algorithm: u8) -> Self {
        let mut key = [0; Self::LEN];
        let mut at = 0;
        let mut put = |bytes: &[u8]| {
            key[at..at + bytes.len()].copy_from_slice(bytes);
            at += bytes.len();
        };
        for number in [stamp.device, stamp.inode, stamp.size] {
            put(&number.to_be_bytes());
        }
        for (seconds, nanoseconds) in [stamp.modified, stamp.changed] {
            put(&seconds.to_be_bytes());
            // Less than a thousand million.
            put(&nanoseconds.to_be_bytes()[4..]);
        }
        put(&[algorithm]);
        Self(key)
    }
}

/// What one file hashed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Record([u8; RECORD]);

impl Record {
    pub(super) fn new(key: &Key, digest: &[u8; DIGEST_LEN]) -> Self {
        let mut record = [0; RECORD];
        record[..Key::LEN].copy_from_slice(&key.0);
        record[Key::LEN..].copy_from_slice(digest);
        Self(record)
    }
}

/// Everything that was stored, searched as it stands.
#[derive(Debug, Default)]
pub(super) struct Stored {
    /// Whole records, by key.
    records: Vec<u8>,
    pub(super) readings: BTreeMap<[u8; DIGEST_LEN], u64>,
}

impl Stored {
    pub(super) fn load(path: &Path, ledger: &LedgerId) -> Result<Self, KnownFilesError> {
        let mut bytes = Vec::new();
        match fs::File::open(path) {
            Ok(file) => file.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(error.into()),
        };
        Self::parse(bytes, ledger).ok_or(KnownFilesError::Damaged)
    }

    fn parse(mut bytes: Vec<u8>, ledger: &LedgerId) -> Option<Self> {
        let (content, seal) = bytes.split_last_chunk::<DIGEST_LEN>()?;
        if content.len() > MAX_BYTES - DIGEST_LEN || seal_of(ledger, content) != *seal {
            return None;
        }
        let rest = content.strip_prefix(MAGIC)?;
        let (records, rest) = counted(rest, RECORD)?;
        let (readings, rest) = counted(rest, READING)?;
        if !rest.is_empty() {
            return None;
        }
        let reading = |bytes: &[u8; READING]| {
            let (key, entry) = bytes.split_first_chunk::<DIGEST_LEN>()?;
            Some((*key, u64::from_be_bytes(entry.try_into().ok()?)))
        };
        let readings = readings.as_chunks::<READING>().0.iter().map(reading).collect::<Option<_>>()?;
        let length = records.len();
        // The records move to the front: there may be a hundred megabytes of them.
        bytes.drain(..MAGIC.len() + COUNT);
        bytes.truncate(length);
        Some(Self { records: bytes, readings })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    fn records(&self) -> &[[u8; RECORD]] {
        self.records.as_chunks::<RECORD>().0
    }

    pub(super) fn find(&self, key: &Key) -> Option<[u8; DIGEST_LEN]> {
        let records = self.records();
        let found = records.binary_search_by(|record| record[..Key::LEN].cmp(&key.0)).ok()?;
        records[found].last_chunk::<DIGEST_LEN>().copied()
    }

    /// The same with what was learnt since. A file has one stamp: older ones go.
    pub(super) fn with(self, mut learnt: Vec<Record>, readings: BTreeMap<[u8; DIGEST_LEN], u64>) -> Self {
        // The last word on a key counts, should a file have been hashed twice.
        learnt.reverse();
        learnt.sort_by(|left, right| left.0[..Key::LEN].cmp(&right.0[..Key::LEN]));
        learnt.dedup_by(|left, right| left.0[..Key::LEN] == right.0[..Key::LEN]);
        let is_stale = |old: &[u8; RECORD]| {
            let from = learnt.partition_point(|new| new.0[..Key::FILE] < old[..Key::FILE]);
            let mut same = learnt[from..].iter().take_while(|new| new.0[..Key::FILE] == old[..Key::FILE]);
            let stamp = Key::LEN - 1;
            same.any(|new| new.0[..stamp] != old[..stamp] || new.0[..Key::LEN] == old[..Key::LEN])
        };
        let room = MAX_FILES.saturating_sub(learnt.len());
        let kept: Vec<Record> =
            self.records().iter().filter(|old| !is_stale(old)).take(room).map(|old| Record(*old)).collect();
        learnt.extend(kept);
        learnt.sort_unstable();

        let mut all = self.readings;
        all.extend(readings);
        // The newest entries are the likeliest to be recorded again.
        let mut newest: Vec<_> = all.into_iter().collect();
        newest.sort_unstable_by_key(|(_, entry)| std::cmp::Reverse(*entry));
        newest.truncate(MAX_READINGS);
        let records = learnt.iter().flat_map(|record| record.0).collect();
        Self { records, readings: newest.into_iter().collect() }
    }

    pub(super) fn save(&self, path: &Path, ledger: &LedgerId) -> io::Result<()> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&(self.records().len() as u64).to_be_bytes());
        bytes.extend_from_slice(&self.records);
        bytes.extend_from_slice(&(self.readings.len() as u64).to_be_bytes());
        for (key, entry) in &self.readings {
            bytes.extend_from_slice(key);
            bytes.extend_from_slice(&entry.to_be_bytes());
        }
        let seal = seal_of(ledger, &bytes);
        bytes.extend_from_slice(&seal);
        if let Some(folder) = path.parent() {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        }
        let temporary = path.with_extension(format!("{}.tmp", std::process::id()));
        let written = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&temporary)
            .and_then(|mut file| file.write_all(&bytes))
            .and_then(|()| fs::rename(&temporary, path));
        if written.is_err() {
            let _ = fs::remove_file(&temporary);
        }
        written
    }
}

fn seal_of(ledger: &LedgerId, content: &[u8]) -> [u8; DIGEST_LEN] {
    ContextHasher::new(SEAL_CONTEXT).hash(&[ledger.as_bytes(), content])
}

/// Splits off as many items as a count before them says.
fn counted(bytes: &[u8], item: usize) -> Option<(&[u8], &[u8])> {
    let (count, rest) = bytes.split_first_chunk::<COUNT>()?;
    let length = usize::try_from(u64::from_be_bytes(*count)).ok()?.checked_mul(item)?;
    rest.split_at_checked(length)
}

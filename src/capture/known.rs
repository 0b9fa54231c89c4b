//! What files hashed to when they were last recorded, so that an unchanged file costs one look and no reading.
//!
//! A file is known by its stamp: device, inode, size, modification and change time. The change time cannot be set back, so
//! bytes that were swapped behind a restored modification time are seen. Two writes within one tick of the file system's
//! clock leave one stamp, though: a stamp is therefore only remembered of a file that had been quiet for longer than any
//! such tick when its hashing began. A convenience of whoever records; nothing that verifies ever asks it.
//!
//! Hole: who holds a file mapped and writes through the map changes it without a new change time until the kernel has
//! written the page back. Hole: an administrator can set the machine's clock. `--no-cache` reads everything.

mod file;

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::capture::hash::{Also, HashedFile};
use crate::capture::open::FileStamp;
use crate::digest::{FileDigest, LedgerId, Sha256Digest};
use file::{Key, Record, Stored};

pub use file::KnownFilesError;

/// The coarsest clock of a file system that this machine keeps itself is FAT's, of two seconds.
const OWN_CLOCK_SECONDS: i64 = 2;

/// A file server's clock may differ from ours, and with it the age of a file.
const OTHER_CLOCK_SECONDS: i64 = 600;

/// More files than this are not remembered: 85 MB, less than the manifest of a tree of so many files.
pub const MAX_FILES: usize = 1 << 20;

/// More readings than this are not remembered.
pub const MAX_READINGS: usize = 10_000;

/// What is known of files, from one recording to the next.
#[derive(Debug, Default)]
pub struct KnownFiles {
    /// As stored by earlier recordings.
    stored: Stored,
    /// Whether what is stored may be used, or only added to.
    use_stored: bool,
    /// Seconds since 1970, before the first file was looked at.
    began: i64,
    /// Files that were known.
    hits: AtomicU64,
    learnt: Mutex<Learnt>,
}

#[derive(Debug, Default)]
struct Learnt {
    files: Vec<Record>,
    readings: BTreeMap<[u8; 32], u64>,
}

/// What to do with digests known from before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Before {
    /// Believe them.
    Use,
    /// Read every file, and remember what it hashes to now.
    Forget,
}

impl KnownFiles {
    /// Nothing is known, but it can be learnt; `now_ms` is the time before the first file is looked at.
    pub fn nothing(now_ms: u64) -> Self {
        let began = i64::try_from(now_ms / 1000).unwrap_or_default();
        Self { began, use_stored: true, ..Self::default() }
    }

    /// What a ledger's file says. A file that is damaged, of another ledger or of another version is an error, to be told
    /// and replaced.
    pub fn load(path: &Path, ledger: &LedgerId, before: Before, now_ms: u64) -> Result<Self, KnownFilesError> {
        let stored = Stored::load(path, ledger)?;
        Ok(Self { stored, use_stored: before == Before::Use, ..Self::nothing(now_ms) })
    }

    /// Whether asking is in vain.
    pub fn is_empty(&self) -> bool {
        !self.use_stored || self.stored.is_empty()
    }

    /// How many files were not read because they were known.
    pub fn hits(&self) -> u64 {
        self.hits.load(Ordering::Relaxed)
    }

    /// What the file with this stamp hashed to, if all that is asked for is known.
    pub(crate) fn look(&self, stamp: &FileStamp, also: Also) -> Option<(FileDigest, Option<Sha256Digest>)> {
        if self.is_empty() {
            return None;
        }
        let digest = self.stored.find(&Key::of(stamp, Key::BLAKE3))?;
        let sha256 = match also {
            Also::Nothing => None,
            Also::Sha256 => Some(Sha256Digest::from_bytes(self.stored.find(&Key::of(stamp, Key::SHA256))?)),
        };
        self.hits.fetch_add(1, Ordering::Relaxed);
        Some((FileDigest::from_bytes(digest), sha256))
    }

    /// Remembers what an open file hashed to, unless it may still change without its stamp.
    pub(crate) fn learn(&self, file: &File, hashed: &HashedFile) {
        let quiet = if has_our_clock(file) { OWN_CLOCK_SECONDS } else { OTHER_CLOCK_SECONDS };
        if hashed.stamp.changed.0.saturating_add(quiet) >= self.began {
            return;
        }
        let record = |algorithm, digest: &[u8; 32]| Record::new(&Key::of(&hashed.stamp, algorithm), digest);
        let mut learnt = self.learnt.lock().unwrap_or_else(PoisonError::into_inner);
        if learnt.files.len() + 2 <= MAX_FILES {
            learnt.files.push(record(Key::BLAKE3, hashed.digest.as_bytes()));
            learnt.files.extend(hashed.sha256.map(|sha256| record(Key::SHA256, sha256.as_bytes())));
        }
    }

    /// The entry that holds what a reader made of the very same bytes in the very same way; `key` is a hash of both.
    pub fn reading(&self, key: &[u8; 32]) -> Option<u64> {
        if self.use_stored { self.stored.readings.get(key).copied() } else { None }
    }

    /// Remembers which entry holds what a reader made of some bytes.
    pub fn learn_reading(&self, key: [u8; 32], entry: u64) {
        let mut learnt = self.learnt.lock().unwrap_or_else(PoisonError::into_inner);
        learnt.readings.insert(key, entry);
    }

    /// Replaces the ledger's file, if there is anything new. It is not synced: what a power cut leaves of it is found out
    /// when it is loaded, and only costs time.
    pub fn save(self, path: &Path, ledger: &LedgerId) -> io::Result<()> {
        let Learnt { files, readings } = self.learnt.into_inner().unwrap_or_else(PoisonError::into_inner);
        let is_new = |(key, entry): (&[u8; 32], &u64)| self.stored.readings.get(key) != Some(entry);
        if files.is_empty() && !readings.iter().any(is_new) {
            return Ok(());
        }
        self.stored.with(files, readings).save(path, ledger)
    }
}

/// Whether the change times of a file come from this machine's clock.
#[cfg(target_os = "linux")]
fn has_our_clock(file: &File) -> bool {
    /// Ext2 to ext4, XFS, Btrfs, tmpfs, F2FS, ZFS, bcachefs, overlays of those.
    const LOCAL: [i64; 8] =
        [0xef53, 0x5846_5342, 0x9123_683e, 0x0102_1994, 0xf2f5_2010, 0x2fc1_2fc1, 0xca45_1a4e, 0x794c_7630];
    #[allow(clippy::useless_conversion, reason = "the field's type differs between platforms")]
    let kind = rustix::fs::fstatfs(file).map(|stat| i64::from(stat.f_type));
    // A type has 32 bits, whatever the platform's word.
    kind.is_ok_and(|kind| LOCAL.contains(&(kind & 0xffff_ffff)))
}

#[cfg(not(target_os = "linux"))]
fn has_our_clock(_: &File) -> bool {
    false
}

#[cfg(test)]
mod tests;

//! The single writer: one commit is one write and one sync, and only then an acknowledgement.
//!
//! 1. The head signed last is read back from the log and from the state file; if either says otherwise, nothing is
//!    signed.
//! 2. Entries are made (signed by the caller, on every core for large batches), framed, and covered by a new head.
//! 3. One positioned write into reserved zeros, one `fdatasync`.
//! 4. The state file learns of the head; the call returns.
//! 5. The `head` copy and the derived files follow on their own thread.
//!
//! Invariants: nothing is acknowledged, and no head leaves this module, before step 3 has returned. A write or sync
//! that failed is final: after a failed `fsync` the kernel may have dropped the data and say nothing the next time
//! (<https://wiki.postgresql.org/wiki/Fsync_Errors>), so the handle is dead and the next open reads from disk.

use std::fs::File;
mod open;

use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use rayon::prelude::*;

use crate::digest::{LeafHash, LedgerId};
use crate::key::{NoteKind, SigningKey, VerifierKey};
use crate::merkle::{CompactRange, EntryIndex, Head, Origin, SignedHead, TreeHead, leaf_hash};

use super::error::{At, Damage, LedgerError};
use super::file::Layout;
use super::follower::Follower;
use super::frame::{GroupChecksum, HeadBody, Kind, MAX_FRAME_BYTES, OVERHEAD, push_frame};
use super::lock::WriterLock;
use super::notice::Notice;
use super::segment::{Header, MAX_GROUP_BYTES, OpenSegment};
use super::state::{StateFile, StateReading};

/// Most entries in one commit: bounds what a crash can tear and what is held in memory.
pub const MAX_GROUP_ENTRIES: usize = 1 << 16;
/// From so many entries on, making them is shared between cores; below, handing them out costs more than it saves.
const PARALLEL_FROM: usize = 4;

/// What was acknowledged.
#[derive(Debug, Clone)]
pub struct Commit {
    /// Index of the first entry.
    pub first: EntryIndex,
    /// Leaf hashes, in order: the entries' digests.
    pub leaves: Vec<LeafHash>,
    /// The head that covers them. It stays on this machine until [`Writer::issue_head`].
    pub head: SignedHead,
}

/// What others say of a head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attachment {
    /// A witness's signature.
    Cosignature,
    /// A timestamp token.
    Timestamp,
}

/// Why nothing was appended.
#[derive(Debug, thiserror::Error)]
pub enum AppendError<E> {
    /// The caller could not make an entry. The ledger is as it was.
    #[error("an entry could not be made")]
    Make(#[source] E),
    /// The ledger could not take it.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

/// The one writer of a ledger.
#[derive(Debug)]
pub struct Writer {
    layout: Layout,
    ledger: LedgerId,
    origin: Origin,
    key: SigningKey,
    segment: OpenSegment,
    segment_bytes: u64,
    range: CompactRange,
    /// Checksum of what was written after the newest head: cosignatures that came in between.
    group: GroupChecksum,
    last: LastHead,
    state: StateFile,
    /// What the state file was last told; older than `last` only when that failed.
    state_told: TreeHead,
    buffer: Vec<u8>,
    poisoned: bool,
    follower: Follower,
    // Released last: whoever waits for it must find everything written.
    _lock: WriterLock,
}

/// The newest head and where its frame is, to be read back.
#[derive(Debug)]
struct LastHead {
    signed: SignedHead,
    file: Arc<File>,
    offset: u64,
    frame: Vec<u8>,
}

/// The key that checks what `key` signs for a log.
pub fn verifier_key(origin: &Origin, key: &SigningKey) -> VerifierKey {
    VerifierKey { name: origin.key_name().clone(), kind: NoteKind::Ed25519, key: key.public() }
}

impl Writer {
    /// The ledger's identity.
    pub fn ledger(&self) -> LedgerId {
        self.ledger
    }

    /// The head signed last.
    pub fn head(&self) -> &SignedHead {
        &self.last.signed
    }

    /// Where everything lies.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// What could not be written behind an acknowledged commit since the last call; all of it can be rebuilt.
    pub fn take_notices(&self) -> Vec<Notice> {
        self.follower.take_notices()
    }

    /// Closes segments at another size than [`super::SEGMENT_BYTES`], so that tests see many of them.
    #[doc(hidden)]
    pub fn set_segment_bytes(&mut self, segment_bytes: u64) {
        self.segment_bytes = segment_bytes;
    }

    /// Appends `count` entries in one commit. `make` is given the index of each and may be called on several threads;
    /// when it fails, nothing is appended.
    pub fn append<E: Send>(
        &mut self,
        count: usize,
        make: impl Fn(EntryIndex) -> Result<Vec<u8>, E> + std::marker::Sync,
    ) -> Result<Commit, AppendError<E>> {
        if self.poisoned {
            return Err(LedgerError::Poisoned.into());
        }
        if count == 0 {
            return Err(LedgerError::Empty { what: "a batch" }.into());
        }
        if count > MAX_GROUP_ENTRIES {
            let (found, most) = (count as u64, MAX_GROUP_ENTRIES as u64);
            return Err(LedgerError::TooMany { found, most }.into());
        }
        self.check_last_head()?;
        let first = self.range.size().next_index();
        let entries = make_entries(first, count, make)?;
        Ok(self.commit(first, &entries)?)
    }

    fn commit(&mut self, first: EntryIndex, entries: &[(Vec<u8>, LeafHash)]) -> Result<Commit, LedgerError> {
        let bytes_len: u64 = entries.iter().map(|(entry, _)| (entry.len() + OVERHEAD) as u64).sum();
        if bytes_len > MAX_GROUP_BYTES {
            return Err(LedgerError::TooLarge { what: "a batch", found: bytes_len, most: MAX_GROUP_BYTES });
        }
        for (entry, _) in entries {
            check_entry(entry)?;
        }
        if self.segment.end >= self.segment_bytes {
            let rotated = self.rotate();
            self.poison_unless(rotated)?;
        }
        let mut range = self.range.clone();
        self.buffer.clear();
        for (entry, leaf) in entries {
            push_frame(&mut self.buffer, Kind::Entry, &[entry]);
            append_leaf(&mut range, *leaf, &self.segment.path)?;
        }
        self.group.update(&self.buffer);
        let checksum = self.group.finish();
        let count = u32::try_from(entries.len()).expect("append bounds the batch");
        let signed = Head { origin: self.origin.clone(), tree: range.head() }.sign(&self.key);
        let frames_len = self.buffer.len();
        HeadBody { checksum, count, note: signed.bytes() }.push(&mut self.buffer);

        let offset = self.segment.end + frames_len as u64;
        let written = self.write_and_sync();
        self.poison_unless(written)?;

        // The acknowledgement: everything below may be lost.
        self.group = GroupChecksum::default();
        self.range = range;
        self.last.file = Arc::clone(&self.segment.file);
        self.last.offset = offset;
        self.last.frame.clear();
        self.last.frame.extend_from_slice(self.buffer.split_at(frames_len).1);
        self.last.signed = signed.clone();
        self.tell_state();
        self.follower.head(signed.bytes());
        Ok(Commit { first, leaves: entries.iter().map(|(_, leaf)| *leaf).collect(), head: signed })
    }

    /// Keeps what others said of an issued head in the log.
    pub fn attach(&mut self, attachment: Attachment, bytes: &[u8]) -> Result<(), LedgerError> {
        if self.poisoned {
            return Err(LedgerError::Poisoned);
        }
        let kind = match attachment {
            Attachment::Cosignature => Kind::Cosignature,
            Attachment::Timestamp => Kind::Timestamp,
        };
        check_entry(bytes)?;
        self.buffer.clear();
        push_frame(&mut self.buffer, kind, &[bytes]);
        self.group.update(&self.buffer);
        let written = self.write_and_sync();
        self.poison_unless(written)
    }

    /// The head signed last, to be shown to others: from here on this machine will never sign against it.
    pub fn issue_head(&mut self) -> Result<SignedHead, LedgerError> {
        if self.poisoned {
            return Err(LedgerError::Poisoned);
        }
        self.state.write(self.last.signed.tree())?;
        self.state_told = *self.last.signed.tree();
        self.state.sync()?;
        Ok(self.last.signed.clone())
    }

    /// Ends writing: the state file is synced. Dropping a writer does the same without saying whether it worked.
    pub fn close(self) -> Result<(), LedgerError> {
        self.state.sync()
    }

    /// One positioned write of the buffer and one sync.
    fn write_and_sync(&mut self) -> Result<(), LedgerError> {
        let needed = self.buffer.len() as u64;
        self.segment.reserve(needed)?;
        self.segment.file.write_all_at(&self.buffer, self.segment.end).at("write", &self.segment.path)?;
        self.segment.file.sync_data().at("sync", &self.segment.path)?;
        self.segment.end += needed;
        Ok(())
    }

    fn poison_unless(&mut self, written: Result<(), LedgerError>) -> Result<(), LedgerError> {
        self.poisoned |= written.is_err();
        written
    }

    fn rotate(&mut self) -> Result<(), LedgerError> {
        self.segment.close()?;
        let number = self.segment.number.saturating_add(1);
        let header = Header { ledger: self.ledger, number, before: self.range.clone() };
        self.segment = OpenSegment::create(&self.layout.segment(number), &header, &[], || Ok(()))?;
        self.group = GroupChecksum::default();
        self.follower.closed_segment();
        Ok(())
    }

    /// Reads the head signed last back from the log and from the state file, and compares.
    fn check_last_head(&mut self) -> Result<(), LedgerError> {
        let mut frame = std::mem::take(&mut self.buffer);
        frame.clear();
        frame.resize(self.last.frame.len(), 0);
        let read = self.last.file.read_exact_at(&mut frame, self.last.offset);
        let same = frame == self.last.frame;
        self.buffer = frame;
        if read.is_err() || !same {
            self.poisoned = true;
            return Err(LedgerError::damaged(&self.segment.path, self.last.offset, Damage::ReadBack));
        }
        match self.state.read()? {
            StateReading::Signed(signed) if signed == self.state_told => Ok(()),
            StateReading::Signed(signed) => {
                self.poisoned = true;
                Err(LedgerError::RolledBack { signed, found: *self.last.signed.tree() })
            }
            StateReading::Lost(why) => {
                self.poisoned = true;
                Err(LedgerError::NoState { path: self.state.path().to_owned(), why, ledger: self.ledger })
            }
        }
    }

    /// Remembers the newest head. A failure weakens only what a later restore could be noticed by; before a head is
    /// issued it is an error.
    fn tell_state(&mut self) {
        if self.state.write(self.last.signed.tree()).is_ok() {
            self.state_told = *self.last.signed.tree();
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // `close` reports this; here nobody is left to tell, and the log is ahead at worst.
        let _ = self.state.sync();
    }
}

fn make_entries<E: Send>(
    first: EntryIndex,
    count: usize,
    make: impl Fn(EntryIndex) -> Result<Vec<u8>, E> + std::marker::Sync,
) -> Result<Vec<(Vec<u8>, LeafHash)>, AppendError<E>> {
    let one = |number: usize| {
        let full = LedgerError::TooMany { found: count as u64, most: u64::MAX - first.0 };
        let index = first.0.checked_add(number as u64).ok_or(full)?;
        let entry = make(EntryIndex(index)).map_err(AppendError::Make)?;
        let leaf = leaf_hash(&entry);
        Ok((entry, leaf))
    };
    if count < PARALLEL_FROM { (0..count).map(one).collect() } else { (0..count).into_par_iter().map(one).collect() }
}

fn check_entry(entry: &[u8]) -> Result<(), LedgerError> {
    if entry.is_empty() {
        return Err(LedgerError::Empty { what: "an entry" });
    }
    if entry.len() > MAX_FRAME_BYTES as usize {
        let (found, most) = (entry.len() as u64, u64::from(MAX_FRAME_BYTES));
        return Err(LedgerError::TooLarge { what: "an entry", found, most });
    }
    Ok(())
}

fn append_leaf(range: &mut CompactRange, leaf: LeafHash, path: &Path) -> Result<(), LedgerError> {
    range.append(leaf).map_err(|_| LedgerError::damaged(path, 0, Damage::Full))
}

//! The index database: names, digests and edges to entries. The one door to sled.
//!
//! It is a hint, never the archive: sled 0.34 has been measured to reopen empty after a power cut, to drop
//! records silently, to refuse to open, and to hang for ever inside `flush`. So nothing durable waits on it, and:
//!
//! - All of sled runs on one thread of its own, every call has a time limit, and panics are caught. A database that
//!   hangs, panics or contradicts itself is abandoned for this process and moved aside; the caller scans the log.
//! - The set of names is verified on opening: an accumulator over all pairs lies beside them, and a plain file
//!   `generation` says up to which head the index had got. Less than that file says means lost records.
//! - Entries found here are to be held against the log. Values stay small.
//!
//! Hole: an accumulator finds loss, not malice. Whoever may write here may also write the log.

mod aside;
mod database;
mod generation;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use crate::digest::Digest;
use crate::merkle::{TreeHead, TreeSize};
use crate::store::aside::move_aside;
use crate::store::database::{Database, Trouble, digest_key, hits, name_key, parse_seq};

/// Jobs waiting for the database; when it cannot keep up, the index falls behind and is caught up on the next opening.
const QUEUE: usize = 1024;
/// Records put into the database between two answers while rebuilding.
const REBUILD_CHUNK: usize = 1000;

/// Time limits of calls into the database.
#[derive(Debug, Clone, Copy)]
pub struct StoreLimits {
    /// Opening and verifying, and each chunk of a rebuild.
    pub open: Duration,
    /// Everything else.
    pub call: Duration,
}

impl Default for StoreLimits {
    fn default() -> Self {
        Self { open: Duration::from_secs(10), call: Duration::from_secs(2) }
    }
}

/// Why the index cannot be used now. Never a reason to stop: scan the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum StoreError {
    #[error("the index is in use by another process")]
    Busy,
    #[error("the index cannot be opened: {reason}")]
    Unavailable { reason: String },
    #[error("the index did not answer within {seconds} s and was abandoned")]
    Hung { seconds: u64 },
    #[error("the index failed and was abandoned: {reason}")]
    Failed { reason: String },
    #[error("the index was abandoned earlier")]
    Abandoned,
}

/// What the index knows of one entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexRecord {
    /// Index of the entry.
    pub seq: u64,
    /// Names that mean this entry from now on.
    pub names: Vec<String>,
    /// Digests that the entry is about.
    pub about: Vec<Digest>,
    /// Digests that the entry refers to: its edges, to be followed backwards.
    pub refers: Vec<Digest>,
}

/// The index, open. Dropping it waits no longer than one call may take.
#[derive(Debug)]
pub struct Store {
    jobs: Option<SyncSender<Job>>,
    /// Hangs up when the database is closed.
    closed: Mutex<Receiver<()>>,
    abandoned: Arc<AtomicBool>,
    limits: StoreLimits,
    dir: PathBuf,
    notices: Arc<Mutex<Vec<String>>>,
}

type Job = Box<dyn FnOnce(&mut Database) -> Result<(), Trouble> + Send>;

impl Store {
    /// Opens the index below `dir` (`index` in the ledger's directory), moving it aside if it is wrong. The head is the
    /// one up to which the index is complete; without one, or if it is not a head of the log, call
    /// [`Store::rebuild`]; if the log has gone on, [`Store::put`] the rest.
    pub fn open(dir: &Path, limits: StoreLimits) -> Result<(Self, Option<TreeHead>), StoreError> {
        let (jobs, inbox) = sync_channel(QUEUE);
        let (answer, opened) = sync_channel(1);
        let (open, closed) = sync_channel(1);
        let abandoned = Arc::new(AtomicBool::new(false));
        let notices = Arc::new(Mutex::new(Vec::new()));
        let closed = Mutex::new(closed);
        let store = Self { jobs: Some(jobs), closed, abandoned, limits, dir: dir.to_owned(), notices };
        let (theirs, flag, said) = (dir.to_owned(), Arc::clone(&store.abandoned), Arc::clone(&store.notices));
        let worker = move || {
            let opened = Database::open_or_replace(&theirs, &said);
            match opened {
                Ok(database) => {
                    let generation = database.generation;
                    if answer.send(Ok(generation)).is_ok() {
                        work(database, &inbox, &flag, &theirs, &said);
                    }
                }
                // Nobody waits any more: the opening took too long.
                Err(error) => drop(answer.send(Err(error))),
            }
            drop::<SyncSender<()>>(open);
        };
        // Detached: a hung thread must not hold up the end of the process.
        let spawned = thread::Builder::new().name("ledger-index".into()).spawn(worker);
        if let Err(error) = spawned {
            return Err(StoreError::Unavailable { reason: error.to_string() });
        }
        match opened.recv_timeout(limits.open) {
            Ok(Ok(generation)) => Ok((store, generation)),
            Ok(Err(error)) => {
                store.abandoned.store(true, Ordering::Relaxed);
                Err(error)
            }
            Err(_) => {
                store.abandon();
                Err(StoreError::Hung { seconds: limits.open.as_secs() })
            }
        }
    }

    /// One line for each thing that was put right, for the user.
    pub fn take_notices(&self) -> Vec<String> {
        std::mem::take(&mut self.notices.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Hands over the records of entries from `from` to before `upto.size`. Returns at once; if the index does not
    /// reach to `from`, they are not taken and the index stays behind.
    pub fn put(&self, from: TreeSize, records: Vec<IndexRecord>, upto: TreeHead) {
        if self.abandoned.load(Ordering::Relaxed) {
            return;
        }
        // A full queue: the next opening finds the index behind.
        let job: Job = Box::new(move |database| {
            if database.generation.map_or(TreeSize(0), |head| head.size) == from {
                database.put(&records, upto)?;
            }
            Ok(())
        });
        self.send(job);
    }

    /// Empties the index and fills it with these records, which reach up to `upto`.
    pub fn rebuild(&self, records: impl Iterator<Item = IndexRecord>, upto: TreeHead) -> Result<(), StoreError> {
        self.ask(self.limits.open, Database::clear)?;
        self.extend(records, upto)
    }

    /// Adds the records of all entries that the index does not reach yet; waits until they are in.
    pub fn extend(&self, records: impl Iterator<Item = IndexRecord>, upto: TreeHead) -> Result<(), StoreError> {
        let mut records = records.peekable();
        while records.peek().is_some() {
            let chunk: Vec<IndexRecord> = records.by_ref().take(REBUILD_CHUNK).collect();
            self.ask(self.limits.open, move |database| database.put_records(&chunk))?;
        }
        self.ask(self.limits.open, move |database| database.put(&[], upto))
    }

    /// The entry that a name means.
    pub fn name(&self, name: &str) -> Result<Option<u64>, StoreError> {
        let key = name_key(name);
        self.ask(self.limits.call, move |database| Ok(database.names.get(key)?.as_deref().and_then(parse_seq)))
    }

    /// Entries about a digest, oldest first.
    pub fn about(&self, digest: &Digest) -> Result<Vec<u64>, StoreError> {
        let prefix = digest_key(digest);
        self.ask(self.limits.call, move |database| hits(&database.about, &prefix))
    }

    /// Entries that refer to a digest, oldest first.
    pub fn referring(&self, digest: &Digest) -> Result<Vec<u64>, StoreError> {
        let prefix = digest_key(digest);
        self.ask(self.limits.call, move |database| hits(&database.refers, &prefix))
    }

    /// Hands a job over without waiting for anything.
    fn send(&self, job: Job) {
        if let Some(jobs) = &self.jobs {
            drop(jobs.try_send(job));
        }
    }

    /// Runs a job on the database's thread and waits for its answer, but not for ever.
    fn ask<T: Send + 'static>(
        &self,
        limit: Duration,
        job: impl FnOnce(&mut Database) -> Result<T, Trouble> + Send + 'static,
    ) -> Result<T, StoreError> {
        if self.abandoned.load(Ordering::Relaxed) {
            return Err(StoreError::Abandoned);
        }
        let (answer, answered) = sync_channel(1);
        let job: Job = Box::new(move |database| {
            let answered = job(database);
            let failed = answered.as_ref().err().cloned();
            // Whoever asked may have given up.
            drop(answer.send(answered));
            failed.map_or(Ok(()), Err)
        });
        let Some(jobs) = &self.jobs else { return Err(StoreError::Abandoned) };
        match jobs.try_send(job) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => {
                self.abandon();
                return Err(StoreError::Hung { seconds: 0 });
            }
            Err(TrySendError::Disconnected(_)) => return Err(StoreError::Abandoned),
        }
        match answered.recv_timeout(limit) {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(Trouble(reason))) => Err(StoreError::Failed { reason }),
            Err(RecvTimeoutError::Timeout) => {
                self.abandon();
                Err(StoreError::Hung { seconds: limit.as_secs() })
            }
            Err(RecvTimeoutError::Disconnected) => {
                Err(StoreError::Failed { reason: "it panicked while answering".to_owned() })
            }
        }
    }

    /// Gives the database up: its thread may hang for ever, and the next opening must not meet the same files.
    fn abandon(&self) {
        if !self.abandoned.swap(true, Ordering::Relaxed) {
            move_aside(&self.dir, &self.notices, "it did not answer in time");
        }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        // The thread does what waits, flushes and ends. Whatever comes of it, the log does not depend on it.
        self.jobs = None;
        if !self.abandoned.load(Ordering::Relaxed) {
            let closed = self.closed.lock().unwrap_or_else(PoisonError::into_inner);
            let _ = closed.recv_timeout(self.limits.call);
        }
    }
}

/// Runs jobs until the store is dropped or one fails.
fn work(
    mut database: Database,
    inbox: &Receiver<Job>,
    abandoned: &AtomicBool,
    dir: &Path,
    notices: &Mutex<Vec<String>>,
) {
    let failed = loop {
        let job = match inbox.try_recv() {
            Ok(job) => job,
            // Nothing waits: the time to write down how far the index got.
            Err(_) if database.unflushed => Box::new(Database::flush),
            Err(_) => match inbox.recv() {
                Ok(job) => job,
                Err(_) => break None,
            },
        };
        match catch_unwind(AssertUnwindSafe(|| job(&mut database))) {
            Ok(Ok(())) => {}
            Ok(Err(Trouble(reason))) => break Some(reason),
            Err(_) => break Some("it panicked".to_owned()),
        }
    };
    if let Some(reason) = failed
        && !abandoned.swap(true, Ordering::Relaxed)
    {
        move_aside(dir, notices, &reason);
    }
    // sled may panic or hang in here; nobody waits for this thread.
    let _ = catch_unwind(AssertUnwindSafe(|| drop(database)));
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests;

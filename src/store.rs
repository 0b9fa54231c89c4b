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

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use crate::digest::{ContextHasher, DIGEST_LEN, Digest, NodeHash};
use crate::merkle::{TreeHead, TreeSize};

/// Longer names are found by scanning the log.
pub const MAX_INDEXED_NAME_BYTES: usize = 1024;
/// Most entries reported for one digest; the rest is found by scanning.
pub const MAX_HITS: usize = 4096;
/// Jobs waiting for the database; when it cannot keep up, the index falls behind and is caught up on the next opening.
const QUEUE: usize = 1024;
/// Records put into the database between two answers while rebuilding.
const REBUILD_CHUNK: usize = 1000;
const CACHE_BYTES: u64 = 16 << 20;

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

/// The database with its trees, on its own thread.
struct Database {
    db: sled::Db,
    names: sled::Tree,
    about: sled::Tree,
    refers: sled::Tree,
    dir: PathBuf,
    generation: Option<TreeHead>,
    accumulator: [u8; DIGEST_LEN],
    unflushed: bool,
}

/// What sled said.
#[derive(Debug, Clone)]
struct Trouble(String);

impl From<sled::Error> for Trouble {
    fn from(error: sled::Error) -> Self {
        Self(error.to_string())
    }
}

/// Key of the record, among the names, that says what they add up to. No name key begins so.
const META: &[u8] = b"m";
const META_LEN: usize = 8 + DIGEST_LEN + DIGEST_LEN;

impl Database {
    fn open_or_replace(dir: &Path, notices: &Mutex<Vec<String>>) -> Result<Self, StoreError> {
        let reason = match catch_unwind(|| Self::open(dir)) {
            Ok(Ok(Ok(database))) => return Ok(database),
            Ok(Ok(Err(Trouble(reason)))) => reason,
            Ok(Err(error)) => match classify(&error) {
                Some(refusal) => return Err(refusal),
                None => error.to_string(),
            },
            Err(_) => "it panicked while opening".to_owned(),
        };
        move_aside(dir, notices, &reason);
        match catch_unwind(|| Self::open(dir)) {
            Ok(Ok(Ok(database))) => Ok(database),
            Ok(Ok(Err(Trouble(reason)))) => Err(StoreError::Unavailable { reason }),
            Ok(Err(error)) => Err(StoreError::Unavailable { reason: error.to_string() }),
            Err(_) => Err(StoreError::Unavailable { reason: "it panicked while opening anew".to_owned() }),
        }
    }

    /// The outer error is sled's, the inner one a database that contradicts itself.
    fn open(dir: &Path) -> sled::Result<Result<Self, Trouble>> {
        for dir in [dir, &dir.join("sled")] {
            if !dir.exists() {
                DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(sled::Error::Io)?;
            }
        }
        let db = sled::Config::default()
            .path(dir.join("sled"))
            .mode(sled::Mode::LowSpace)
            .cache_capacity(CACHE_BYTES)
            .flush_every_ms(None)
            .open()?;
        let tree = |name: &str| db.open_tree(name);
        let (names, about, refers) = (tree("names")?, tree("about")?, tree("refers")?);
        let mut accumulator = [0; DIGEST_LEN];
        for pair in names.scan_prefix(NAME) {
            let (key, value) = pair?;
            accumulate(&mut accumulator, &key, &value);
        }
        let meta = names.get(META)?;
        let mut database =
            Self { db, names, about, refers, dir: dir.to_owned(), generation: None, accumulator, unflushed: false };
        Ok(database.check(meta.as_deref()).map(|generation| {
            database.generation = generation;
            database
        }))
    }

    /// What the names add up to, what is said of them, and the plain file must agree.
    fn check(&self, meta: Option<&[u8]>) -> Result<Option<TreeHead>, Trouble> {
        let said = meta.map(|meta| parse_meta(meta).ok_or_else(|| Trouble("its record of itself is damaged".into())));
        let (generation, accumulator) = match said.transpose()? {
            Some((generation, accumulator)) => (Some(generation), accumulator),
            None => (None, [0; DIGEST_LEN]),
        };
        if accumulator != self.accumulator {
            return Err(Trouble("names are missing or wrong".into()));
        }
        let reached = read_generation(&self.dir);
        let size = |head: Option<TreeHead>| head.map_or(TreeSize(0), |head| head.size);
        if size(generation) < size(reached) {
            return Err(Trouble(format!(
                "it had reached entry {} and now reaches entry {}",
                size(reached),
                size(generation)
            )));
        }
        Ok(generation)
    }

    fn clear(&mut self) -> Result<(), Trouble> {
        // First the file: an index that is being rebuilt may be shorter than it was.
        drop(fs::remove_file(self.dir.join("generation")));
        self.names.clear()?;
        self.about.clear()?;
        self.refers.clear()?;
        (self.generation, self.accumulator) = (None, [0; DIGEST_LEN]);
        Ok(())
    }

    fn put_records(&mut self, records: &[IndexRecord]) -> Result<(), Trouble> {
        let (mut about, mut refers) = (sled::Batch::default(), sled::Batch::default());
        for record in records {
            for (batch, digests) in [(&mut about, &record.about), (&mut refers, &record.refers)] {
                for digest in digests {
                    let mut key = digest_key(digest);
                    key.extend_from_slice(&record.seq.to_be_bytes());
                    batch.insert(key, Vec::new());
                }
            }
        }
        self.about.apply_batch(about)?;
        self.refers.apply_batch(refers)?;
        for record in records {
            for name in record.names.iter().filter(|name| name.len() <= MAX_INDEXED_NAME_BYTES) {
                let (key, value) = (name_key(name), record.seq.to_be_bytes());
                if let Some(old) = self.names.insert(&key, &value)? {
                    accumulate(&mut self.accumulator, &key, &old);
                }
                accumulate(&mut self.accumulator, &key, &value);
            }
        }
        self.unflushed = true;
        Ok(())
    }

    fn put(&mut self, records: &[IndexRecord], upto: TreeHead) -> Result<(), Trouble> {
        self.put_records(records)?;
        let meta = encode_meta(&upto, &self.accumulator);
        self.names.insert(META, meta)?;
        self.generation = Some(upto);
        self.unflushed = true;
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Trouble> {
        self.unflushed = false;
        self.db.flush()?;
        if let Some(generation) = self.generation {
            let path = self.dir.join("generation");
            let temporary = self.dir.join(format!("generation.{}.tmp", std::process::id()));
            let text = encode_meta(&generation, &self.accumulator);
            // Derived like the rest: if it cannot be written, a loss is only found by the accumulator.
            drop(fs::write(&temporary, text).and_then(|()| fs::rename(&temporary, path)));
        }
        Ok(())
    }
}

const NAME: &[u8] = b"n";

fn name_key(name: &str) -> Vec<u8> {
    [NAME, name.as_bytes()].concat()
}

fn digest_key(digest: &Digest) -> Vec<u8> {
    let mut key = digest.algorithm.id().to_be_bytes().to_vec();
    key.extend_from_slice(&digest.bytes);
    key
}

fn parse_seq(value: &[u8]) -> Option<u64> {
    value.try_into().ok().map(u64::from_be_bytes)
}

fn hits(tree: &sled::Tree, prefix: &[u8]) -> Result<Vec<u64>, Trouble> {
    let mut found = Vec::new();
    for pair in tree.scan_prefix(prefix).take(MAX_HITS) {
        let (key, _) = pair?;
        found.extend(key.get(prefix.len()..).and_then(parse_seq));
    }
    Ok(found)
}

fn encode_meta(generation: &TreeHead, accumulator: &[u8; DIGEST_LEN]) -> Vec<u8> {
    [&generation.size.0.to_be_bytes()[..], generation.root.as_bytes(), accumulator].concat()
}

fn parse_meta(bytes: &[u8]) -> Option<(TreeHead, [u8; DIGEST_LEN])> {
    let bytes: &[u8; META_LEN] = bytes.try_into().ok()?;
    let (size, rest) = bytes.split_first_chunk()?;
    let (root, accumulator) = rest.split_first_chunk()?;
    let head = TreeHead { size: TreeSize(u64::from_be_bytes(*size)), root: NodeHash::from_bytes(*root) };
    Some((head, accumulator.try_into().ok()?))
}

/// What the plain file beside the database says. A file that is damaged says nothing: the accumulator still does.
fn read_generation(dir: &Path) -> Option<TreeHead> {
    let path = dir.join("generation");
    if fs::metadata(&path).ok()?.len() != META_LEN as u64 {
        return None;
    }
    parse_meta(&fs::read(path).ok()?).map(|(head, _)| head)
}

/// Adds a pair to a set, or takes it out: the order of pairs does not matter.
fn accumulate(accumulator: &mut [u8; DIGEST_LEN], key: &[u8], value: &[u8]) {
    let hash =
        ContextHasher::new("reproledger 2026 index names v1").hash(&[&(key.len() as u64).to_be_bytes(), key, value]);
    accumulator.iter_mut().zip(hash).for_each(|(sum, byte)| *sum ^= byte);
}

/// Failures that say nothing about the database's contents: it stays where it is.
fn classify(error: &sled::Error) -> Option<StoreError> {
    match error {
        sled::Error::Io(io) if io.to_string().contains("could not acquire lock") => Some(StoreError::Busy),
        sled::Error::Io(io) => Some(StoreError::Unavailable { reason: io.to_string() }),
        _ => None,
    }
}

/// Moves the database out of the way, keeping one such, and says so.
fn move_aside(dir: &Path, notices: &Mutex<Vec<String>>, reason: &str) {
    if let Ok(children) = fs::read_dir(dir) {
        for path in children.flatten().map(|child| child.path()) {
            let name = path.file_name().and_then(|name| name.to_str());
            if name.is_some_and(|name| name.starts_with("sled.bad-")) {
                drop(fs::remove_dir_all(path));
            }
        }
    }
    let aside = dir.join(format!("sled.bad-{}", std::process::id()));
    drop(fs::remove_file(dir.join("generation")));
    let moved = fs::rename(dir.join("sled"), &aside);
    let what = match moved {
        Ok(()) => format!("the index was moved to `{}` and is rebuilt: {reason}", aside.display()),
        Err(error) => format!("the index is not used ({reason}) and could not be moved aside: {error}"),
    };
    notices.lock().unwrap_or_else(PoisonError::into_inner).push(what);
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use crate::digest::FileDigest;

    use super::*;

    /// The thread of a store that was dropped a moment ago may still hold the database.
    fn open(dir: &Path) -> (Store, Option<TreeHead>) {
        let start = std::time::Instant::now();
        loop {
            match Store::open(dir, StoreLimits::default()) {
                Err(StoreError::Busy) if start.elapsed() < Duration::from_secs(30) => {
                    std::thread::sleep(Duration::from_millis(5));
                }
                opened => return opened.unwrap(),
            }
        }
    }

    fn head(size: u64) -> TreeHead {
        TreeHead { size: TreeSize(size), root: NodeHash::from_bytes([u8::try_from(size % 256).unwrap(); 32]) }
    }

    fn digest(n: u64) -> Digest {
        FileDigest::of(&n.to_be_bytes()).into()
    }

    fn record(seq: u64) -> IndexRecord {
        IndexRecord {
            seq,
            names: vec![format!("name-{}", seq % 50)],
            about: vec![digest(seq % 10)],
            refers: vec![digest(1000 + seq % 3)],
        }
    }

    fn filled(dir: &Path, size: u64) {
        let (store, generation) = open(dir);
        assert_eq!(generation, None);
        store.put(TreeSize(0), (0..size).map(record).collect(), head(size));
    }

    fn files(dir: &Path) -> Vec<PathBuf> {
        let mut found = Vec::new();
        for path in fs::read_dir(dir).unwrap().map(|child| child.unwrap().path()) {
            if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
        }
        found.sort();
        found
    }

    fn assert_answers(store: &Store, size: u64) {
        for n in 0..50_u64.min(size) {
            let newest = (0..size).rev().find(|seq| seq % 50 == n);
            assert_eq!(store.name(&format!("name-{n}")).unwrap(), newest);
        }
        assert_eq!(store.name("no such name").unwrap(), None);
        assert_eq!(store.about(&digest(3)).unwrap(), (0..size).filter(|seq| seq % 10 == 3).collect::<Vec<_>>());
        assert_eq!(store.referring(&digest(1001)).unwrap(), (0..size).filter(|seq| seq % 3 == 1).collect::<Vec<_>>());
    }

    #[test]
    fn what_was_put_is_found_after_reopening_and_the_head_says_how_far() {
        let dir = tempfile::tempdir().unwrap();
        filled(dir.path(), 200);
        let (store, generation) = open(dir.path());
        assert_eq!(generation, Some(head(200)));
        assert_answers(&store, 200);
        store.put(TreeSize(200), (200..260).map(record).collect(), head(260));
        assert_answers(&store, 260);
        assert_eq!(store.take_notices(), Vec::<String>::new());
    }

    #[test]
    fn records_that_do_not_follow_are_not_taken() {
        let dir = tempfile::tempdir().unwrap();
        filled(dir.path(), 20);
        let (store, _) = open(dir.path());
        store.put(TreeSize(25), (25..30).map(record).collect(), head(30));
        assert_answers(&store, 20);
        drop(store);
        assert_eq!(open(dir.path()).1, Some(head(20)));
    }

    #[test]
    fn a_rebuild_begins_from_nothing() {
        let dir = tempfile::tempdir().unwrap();
        filled(dir.path(), 300);
        let (store, _) = open(dir.path());
        store.rebuild((0..40).map(record), head(40)).unwrap();
        assert_answers(&store, 40);
        drop(store);
        assert_eq!(open(dir.path()).1, Some(head(40)));
    }

    #[test]
    fn a_database_that_lost_a_name_or_everything_is_moved_aside() {
        let lost: [fn(&mut Database); 3] = [
            |database| drop(database.names.remove(name_key("name-7")).unwrap()),
            |database| drop(database.names.insert(name_key("name-7"), &[9; 8]).unwrap()),
            |database| database.names.clear().unwrap(),
        ];
        for loss in lost {
            let dir = tempfile::tempdir().unwrap();
            filled(dir.path(), 100);
            let (store, _) = open(dir.path());
            store
                .ask(Duration::from_secs(2), move |database| {
                    loss(database);
                    Ok(())
                })
                .unwrap();
            drop(store);
            let (store, generation) = open(dir.path());
            assert_eq!(generation, None);
            let notices = store.take_notices();
            assert!(notices.len() == 1 && notices[0].contains("sled.bad-"), "{notices:?}");
            store.rebuild((0..100).map(record), head(100)).unwrap();
            assert_answers(&store, 100);
        }
    }

    #[test]
    fn a_second_process_finds_it_busy_and_leaves_it_alone() {
        let dir = tempfile::tempdir().unwrap();
        let (store, _) = open(dir.path());
        assert_eq!(Store::open(dir.path(), StoreLimits::default()).unwrap_err(), StoreError::Busy);
        assert!(dir.path().join("sled").exists());
        drop(store);
    }

    #[test]
    fn a_call_that_hangs_or_panics_is_given_up_and_nothing_hangs_with_it() {
        let limits = StoreLimits { open: Duration::from_secs(10), call: Duration::from_millis(50) };
        let dir = tempfile::tempdir().unwrap();
        let (store, _) = Store::open(dir.path(), limits).unwrap();
        let start = std::time::Instant::now();
        let hung = store.ask(limits.call, |_| {
            thread::sleep(Duration::from_secs(3));
            Ok(())
        });
        assert_eq!(hung, Err(StoreError::Hung { seconds: 0 }));
        assert_eq!(store.name("x"), Err(StoreError::Abandoned));
        drop(store);
        assert!(start.elapsed() < Duration::from_secs(2));

        let dir = tempfile::tempdir().unwrap();
        let (store, _) = open(dir.path());
        let panicked = store.ask::<()>(Duration::from_secs(5), |_| panic!("a panic inside the index, as intended"));
        assert!(matches!(panicked, Err(StoreError::Failed { .. })), "{panicked:?}");
        drop(store);
        let (store, generation) = open(dir.path());
        assert_eq!((generation, store.name("x")), (None, Ok(None)));
    }

    #[test]
    fn a_damaged_database_answers_rightly_or_begins_anew_and_never_hangs() {
        let dir = tempfile::tempdir().unwrap();
        filled(dir.path(), 200);
        let saved: Vec<(PathBuf, Vec<u8>)> =
            files(dir.path()).into_iter().map(|path| (path.clone(), fs::read(&path).unwrap())).collect();
        for (path, bytes) in &saved {
            let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
            let damages = (0..6).map(|n| {
                let mut changed = bytes.clone();
                if n == 5 {
                    changed.truncate(used / 2);
                } else if used > 0 {
                    changed[used * n / 5] ^= 0x10;
                }
                changed
            });
            for changed in damages {
                fs::write(path, &changed).unwrap();
                match Store::open(dir.path(), StoreLimits::default()) {
                    Ok((store, Some(generation))) => {
                        assert_eq!(generation, head(200));
                        for n in 0..50 {
                            let found = store.name(&format!("name-{n}"));
                            assert!(found.is_err() || found == Ok(Some(150 + n)), "{n}: {found:?}");
                        }
                    }
                    Ok((store, None)) => {
                        store.rebuild((0..200).map(record), head(200)).unwrap();
                        assert_answers(&store, 200);
                    }
                    Err(_) => {}
                }
                for path in files(dir.path()) {
                    fs::remove_file(path).unwrap();
                }
                for (path, bytes) in &saved {
                    fs::create_dir_all(path.parent().unwrap()).unwrap();
                    fs::write(path, bytes).unwrap();
                }
            }
        }
    }
}

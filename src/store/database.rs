//! The database itself: three trees of sled, used on one thread.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use crate::digest::{DIGEST_LEN, Digest};
use crate::merkle::{TreeHead, TreeSize};
use crate::store::aside::move_aside;
use crate::store::generation::{
    accumulate, encode_meta, parse_meta, read_generation, remove_generation, write_generation,
};
use crate::store::{IndexRecord, StoreError};

/// Longer names are found by scanning the log.
const MAX_INDEXED_NAME_BYTES: usize = 1024;
/// Most entries reported for one digest; the rest is found by scanning.
const MAX_HITS: usize = 4096;
const CACHE_BYTES: u64 = 16 << 20;

/// Key of the record, among the names, that says what they add up to. No name key begins so.
const META: &[u8] = b"m";
const NAME: &[u8] = b"n";

/// The database with its trees, on its own thread.
pub(super) struct Database {
    db: sled::Db,
    pub(super) names: sled::Tree,
    pub(super) about: sled::Tree,
    pub(super) refers: sled::Tree,
    dir: PathBuf,
    pub(super) generation: Option<TreeHead>,
    accumulator: [u8; DIGEST_LEN],
    pub(super) unflushed: bool,
}

/// What sled said.
#[derive(Debug, Clone)]
pub(super) struct Trouble(pub(super) String);

impl From<sled::Error> for Trouble {
    fn from(error: sled::Error) -> Self {
        Self(error.to_string())
    }
}

impl Database {
    pub(super) fn open_or_replace(dir: &Path, notices: &Mutex<Vec<String>>) -> Result<Self, StoreError> {
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

    pub(super) fn clear(&mut self) -> Result<(), Trouble> {
        // First the file: an index that is being rebuilt may be shorter than it was.
        remove_generation(&self.dir);
        self.names.clear()?;
        self.about.clear()?;
        self.refers.clear()?;
        (self.generation, self.accumulator) = (None, [0; DIGEST_LEN]);
        Ok(())
    }

    pub(super) fn put_records(&mut self, records: &[IndexRecord]) -> Result<(), Trouble> {
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

    pub(super) fn put(&mut self, records: &[IndexRecord], upto: TreeHead) -> Result<(), Trouble> {
        self.put_records(records)?;
        let meta = encode_meta(&upto, &self.accumulator);
        self.names.insert(META, meta)?;
        self.generation = Some(upto);
        self.unflushed = true;
        Ok(())
    }

    pub(super) fn flush(&mut self) -> Result<(), Trouble> {
        self.unflushed = false;
        self.db.flush()?;
        if let Some(generation) = self.generation {
            write_generation(&self.dir, &generation, &self.accumulator);
        }
        Ok(())
    }
}

pub(super) fn name_key(name: &str) -> Vec<u8> {
    [NAME, name.as_bytes()].concat()
}

pub(super) fn digest_key(digest: &Digest) -> Vec<u8> {
    let mut key = digest.algorithm.id().to_be_bytes().to_vec();
    key.extend_from_slice(&digest.bytes);
    key
}

pub(super) fn parse_seq(value: &[u8]) -> Option<u64> {
    value.try_into().ok().map(u64::from_be_bytes)
}

pub(super) fn hits(tree: &sled::Tree, prefix: &[u8]) -> Result<Vec<u64>, Trouble> {
    let mut found = Vec::new();
    for pair in tree.scan_prefix(prefix).take(MAX_HITS) {
        let (key, _) = pair?;
        found.extend(key.get(prefix.len()..).and_then(parse_seq));
    }
    Ok(found)
}

/// Failures that say nothing about the database's contents: it stays where it is.
fn classify(error: &sled::Error) -> Option<StoreError> {
    match error {
        sled::Error::Io(io) if io.to_string().contains("could not acquire lock") => Some(StoreError::Busy),
        sled::Error::Io(io) => Some(StoreError::Unavailable { reason: io.to_string() }),
        _ => None,
    }
}

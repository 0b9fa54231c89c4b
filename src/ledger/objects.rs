//! Objects: manifests, bodies and kept blobs, one file each, named by the digest that an entry commits to.
//!
//! Whoever reads an object checks it against its name with the rule of its kind: a store cannot, since a manifest is
//! kept under its root. Invariant: an object is on disk, name included, before the entry that names it is written.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::digest::{DIGEST_LEN, hex};

use super::error::{At, LedgerError};
use super::file::{create_dir, private, read_bounded, sync_dir, temporary_beside};

/// Above this many new objects one `syncfs` is cheaper than a sync for each.
const SYNC_EACH_UP_TO: usize = 8;

/// The objects of a ledger.
#[derive(Debug, Clone)]
pub struct Objects {
    dir: PathBuf,
}

impl Objects {
    /// Objects below `dir` (`objects` in the ledger's directory), which is created with the first of them.
    pub fn new(dir: PathBuf) -> Self {
        Self { dir }
    }

    /// Where an object lies, whether or not it exists.
    pub fn path(&self, name: &[u8; DIGEST_LEN]) -> PathBuf {
        let name = hex(name);
        let (shard, rest) = name.split_at(2);
        self.dir.join(shard).join(rest)
    }

    /// Keeps one object; when this returns it lasts. Keeping it again changes nothing.
    pub fn put(&self, name: &[u8; DIGEST_LEN], bytes: &[u8]) -> Result<(), LedgerError> {
        self.put_all(&[(*name, bytes)])
    }

    /// Keeps many objects under one or few syncs; when this returns all of them last.
    pub fn put_all(&self, objects: &[([u8; DIGEST_LEN], &[u8])]) -> Result<(), LedgerError> {
        create_dir(&self.dir)?;
        let mut written = Vec::new();
        for (name, bytes) in objects {
            let path = self.path(name);
            // What lies there already and is right stays; what is wrong (a damaged disk) is replaced.
            if read_bounded(&path, bytes.len() as u64).ok().flatten().as_deref() == Some(*bytes) {
                continue;
            }
            let shard = path.parent().unwrap_or(&self.dir).to_owned();
            create_dir(&shard)?;
            let temporary = temporary_beside(&path);
            let mut file = private().create(true).truncate(true).open(&temporary).at("create", &temporary)?;
            file.write_all(bytes).at("write", &temporary)?;
            if objects.len() <= SYNC_EACH_UP_TO {
                file.sync_all().at("sync", &temporary)?;
            }
            written.push((temporary, path, shard));
        }
        if objects.len() > SYNC_EACH_UP_TO && !written.is_empty() {
            let dir = File::open(&self.dir).at("open", &self.dir)?;
            rustix::fs::syncfs(&dir).map_err(std::io::Error::from).at("sync", &self.dir)?;
        }
        let mut shards = BTreeSet::new();
        for (temporary, path, shard) in written {
            fs::rename(&temporary, &path).at("rename into place", &path)?;
            shards.insert(shard);
        }
        shards.iter().try_for_each(|shard| sync_dir(shard))
    }

    /// Reads an object of at most `most` bytes; `None` when it is not here.
    pub fn get(&self, name: &[u8; DIGEST_LEN], most: u64) -> Result<Option<Vec<u8>>, LedgerError> {
        read_bounded(&self.path(name), most)
    }

    /// Opens an object to be streamed; `None` when it is not here.
    pub fn open(&self, name: &[u8; DIGEST_LEN]) -> Result<Option<File>, LedgerError> {
        let path = self.path(name);
        match File::open(&path) {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(LedgerError::Io { doing: "open", path, source }),
        }
    }

    /// The directory of all objects.
    pub fn dir(&self) -> &Path {
        &self.dir
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn objects() -> (tempfile::TempDir, Objects) {
        let dir = tempfile::tempdir().unwrap();
        let objects = Objects::new(dir.path().join("objects"));
        (dir, objects)
    }

    #[test]
    fn an_object_is_kept_once_under_its_name() {
        let (_dir, objects) = objects();
        let name = [0xab; 32];
        objects.put(&name, b"bytes").unwrap();
        objects.put(&name, b"bytes").unwrap();
        assert!(objects.path(&name).ends_with(format!("ab/{}", "ab".repeat(31))));
        assert_eq!(objects.get(&name, 5).unwrap().unwrap(), b"bytes");
        assert_eq!(fs::read_dir(objects.path(&name).parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn a_missing_object_is_none_and_one_over_the_bound_is_refused() {
        let (_dir, objects) = objects();
        assert!(objects.get(&[1; 32], 10).unwrap().is_none());
        assert!(objects.open(&[1; 32]).unwrap().is_none());
        objects.put(&[1; 32], b"eleven byte").unwrap();
        assert!(matches!(objects.get(&[1; 32], 10), Err(LedgerError::TooLarge { most: 10, .. })));
    }

    #[test]
    fn a_damaged_object_is_healed_by_keeping_it_again() {
        let (_dir, objects) = objects();
        objects.put(&[2; 32], b"right").unwrap();
        fs::write(objects.path(&[2; 32]), b"wrong").unwrap();
        objects.put(&[2; 32], b"right").unwrap();
        assert_eq!(objects.get(&[2; 32], 5).unwrap().unwrap(), b"right");
    }

    #[test]
    fn many_objects_are_kept_together_and_a_repeated_name_is_harmless() {
        let (_dir, objects) = objects();
        let many: Vec<([u8; 32], Vec<u8>)> = (0..40).map(|n| ([n / 2; 32], vec![n / 2; 100])).collect();
        let borrowed: Vec<_> = many.iter().map(|(name, bytes)| (*name, bytes.as_slice())).collect();
        objects.put_all(&borrowed).unwrap();
        for (name, bytes) in &many {
            assert_eq!(objects.get(name, 100).unwrap().as_ref(), Some(bytes));
        }
    }
}

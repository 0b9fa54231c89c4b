//! Files of a ledger: private modes, whole replacement, and directories that are synced when a name must last.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::error::{At, LedgerError};

/// Entries may name private things: nobody but the owner reads a ledger.
pub(super) const FILE_MODE: u32 = 0o600;
/// As [`FILE_MODE`], for directories.
pub(super) const DIR_MODE: u32 = 0o700;

/// Where everything lies below the ledger's directory.
#[derive(Debug, Clone)]
pub struct Layout {
    dir: PathBuf,
}

impl Layout {
    /// The layout below `dir`, which is the `.reproledger` directory itself.
    pub fn new(dir: &Path) -> Self {
        Self { dir: dir.to_owned() }
    }

    /// The ledger's directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The truth: segments.
    pub fn log(&self) -> PathBuf {
        self.dir.join("log")
    }

    /// One segment.
    pub fn segment(&self, number: u32) -> PathBuf {
        self.log().join(format!("{number:06}.seg"))
    }

    /// Copy of the last signed head.
    pub fn head(&self) -> PathBuf {
        self.dir.join("head")
    }

    /// The single writer's lock.
    pub fn lock(&self) -> PathBuf {
        self.dir.join("lock")
    }

    /// Salts and unsalted leaves of salted manifests, each under its root: never published, never in evidence as a whole.
    pub fn private(&self) -> PathBuf {
        self.dir.join("private")
    }

    /// Content-addressed objects.
    pub fn objects(&self) -> PathBuf {
        self.dir.join("objects")
    }

    /// Everything that can be derived from the log.
    pub fn index(&self) -> PathBuf {
        self.dir.join("index")
    }

    /// Tails that a crash left, kept.
    pub fn torn(&self) -> PathBuf {
        self.dir.join("torn")
    }
}

/// Creates a directory and its parents, private, and syncs each parent so that the names last.
pub(super) fn create_dir(path: &Path) -> Result<(), LedgerError> {
    if path.is_dir() {
        return Ok(());
    }
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    create_dir(parent)?;
    match DirBuilder::new().mode(DIR_MODE).create(path) {
        // Another thread or process was first.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => {}
        created => created.at("create", path)?,
    }
    sync_dir(parent)
}

/// Makes names created, renamed or removed in a directory last.
pub(super) fn sync_dir(path: &Path) -> Result<(), LedgerError> {
    File::open(path).and_then(|dir| dir.sync_all()).at("sync", path)
}

/// Options for a private file that is read and written.
pub(super) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(FILE_MODE);
    options
}

/// Whether a replacement must be on disk when the call returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sync {
    /// Synced, name included.
    Now,
    /// Derived: may be lost.
    Later,
}

/// Replaces a file by whole new contents, through a temporary name beside it.
pub(super) fn replace(path: &Path, bytes: &[u8], sync: Sync) -> Result<(), LedgerError> {
    let temporary = temporary_beside(path);
    let mut file = private().create(true).truncate(true).open(&temporary).at("create", &temporary)?;
    file.write_all(bytes).at("write", &temporary)?;
    if sync == Sync::Now {
        file.sync_all().at("sync", &temporary)?;
    }
    fs::rename(&temporary, path).at("rename into place", path)?;
    match (sync, path.parent()) {
        (Sync::Now, Some(parent)) => sync_dir(parent),
        _ => Ok(()),
    }
}

/// The ending of temporary names: `doctor` removes what a crash left of them.
pub(super) const TEMPORARY: &str = "tmp";

/// A temporary name that no other process or thread uses.
pub(super) fn temporary_beside(path: &Path) -> PathBuf {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let mut name = path.file_name().map(ToOwned::to_owned).unwrap_or_default();
    name.push(format!(".{}-{}.{TEMPORARY}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed)));
    path.with_file_name(name)
}

/// Reads a file of at most `most` bytes; `None` when there is none.
pub(super) fn read_bounded(path: &Path, most: u64) -> Result<Option<Vec<u8>>, LedgerError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(LedgerError::Io { doing: "open", path: path.to_owned(), source }),
    };
    let mut bytes = Vec::new();
    file.take(most.saturating_add(1)).read_to_end(&mut bytes).at("read", path)?;
    if bytes.len() as u64 > most {
        return Err(LedgerError::TooLarge { what: "a file", found: bytes.len() as u64, most });
    }
    Ok(Some(bytes))
}

//! The single writer's lock: `lock` in the ledger's directory, held by the operating system for as long as a writer
//! lives. The process id inside is for the message only; the lock, not the number, decides.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;

use super::error::{At, Holder, LedgerError};
use super::file::private;

/// Held while a writer lives; released by the operating system when the process ends, however it ends.
#[derive(Debug)]
pub(super) struct WriterLock {
    _file: File,
}

impl WriterLock {
    /// Takes the lock or says who holds it.
    pub(super) fn take(path: &Path) -> Result<Self, LedgerError> {
        let file = private().create(true).truncate(false).open(path).at("open", path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => {
                return Err(LedgerError::Locked { path: path.to_owned(), holder: holder(&file) });
            }
            Err(fs::TryLockError::Error(source)) => {
                return Err(LedgerError::Io { doing: "lock", path: path.to_owned(), source });
            }
        }
        // The name may have been removed and made anew between opening and locking: then others would lock another file.
        let ours = file.metadata().at("look at", path)?;
        let named = fs::metadata(path).at("look at", path)?;
        if (ours.dev(), ours.ino()) != (named.dev(), named.ino()) {
            return Err(LedgerError::Locked { path: path.to_owned(), holder: Holder(None) });
        }
        file.set_len(0).at("write", path)?;
        file.write_all_at(format!("{}\n", std::process::id()).as_bytes(), 0).at("write", path)?;
        Ok(Self { _file: file })
    }
}

/// Whether a writer lives.
///
/// Asked only by a reader who saw damage more than once: to ask is to hold a shared lock for an instant, in which a
/// writer that begins would be told that the ledger is held.
pub(super) fn is_held(path: &Path) -> bool {
    let Ok(file) = File::open(path) else { return false };
    matches!(file.try_lock_shared(), Err(fs::TryLockError::WouldBlock))
}

fn holder(file: &File) -> Holder {
    let mut text = String::new();
    let read = file.take(20).read_to_string(&mut text);
    Holder(read.ok().and_then(|_| text.trim().parse().ok()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_second_writer_is_told_which_process_holds_the_lock() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        assert!(!is_held(&path));
        let held = WriterLock::take(&path).unwrap();
        assert!(is_held(&path));
        let refusal = WriterLock::take(&path).unwrap_err().to_string();
        let expected = format!(
            "`{}` is held by process {}: a ledger has one writer at a time",
            path.display(),
            std::process::id()
        );
        assert_eq!(refusal, expected);
        drop(held);
        assert!(!is_held(&path));
        WriterLock::take(&path).unwrap();
    }

    #[test]
    fn a_lock_file_left_by_a_dead_process_holds_nobody_up() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        fs::write(&path, "1\n").unwrap();
        WriterLock::take(&path).unwrap();
    }
}

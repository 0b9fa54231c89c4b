//! Key files on disk: read only where nobody else can have been at them, written only where there was nothing.

use std::fs::{File, Metadata};
use std::io::{Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::{Mode, OFlags};
use zeroize::Zeroizing;

use crate::capture::keyring::MAX_KEY_FILE_BYTES;
use crate::capture::keyring::error::{KeyringError, io_error};
use crate::capture::open::Shown;

pub(super) fn check_owner_only(path: &Path, metadata: &Metadata, expected: u32) -> Result<(), KeyringError> {
    let owner = rustix::process::geteuid().as_raw();
    if metadata.uid() != owner {
        return Err(KeyringError::Owner { path: Shown::of(path), expected: owner, found: metadata.uid() });
    }
    let found = metadata.mode() & 0o7777;
    if matches!(found & 0o077, 0) {
        Ok(())
    } else {
        Err(KeyringError::Permissions { path: Shown::of(path), expected, found })
    }
}

/// The text of a file that only its owner may read.
pub(super) fn read_secret(path: &Path) -> Result<Zeroizing<String>, KeyringError> {
    read_file(path, Some(0o600))
}

/// The text of a small regular file, which no other user may reach where a mode is expected.
pub(super) fn read_file(path: &Path, expected: Option<u32>) -> Result<Zeroizing<String>, KeyringError> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = rustix::fs::open(path, flags, Mode::empty()).map_err(|e| match e {
        rustix::io::Errno::LOOP => KeyringError::Link { path: Shown::of(path) },
        e => io_error(path, "opened", e.into()),
    })?;
    let file = File::from(file);
    // Asked of the open file, so that what is read is what was examined.
    let metadata = file.metadata().map_err(|source| io_error(path, "examined", source))?;
    if !metadata.is_file() {
        return Err(KeyringError::NotAFile { path: Shown::of(path) });
    }
    if let Some(expected) = expected {
        check_owner_only(path, &metadata, expected)?;
    }
    // All of it at once: a growing buffer would leave copies of the key behind.
    let limit = usize::try_from(MAX_KEY_FILE_BYTES).expect("a small constant");
    let mut text = Zeroizing::new(String::with_capacity(limit + 1));
    file.take(MAX_KEY_FILE_BYTES + 1)
        .read_to_string(&mut text)
        .map_err(|source| io_error(path, "read as text", source))?;
    if text.len() > limit { Err(KeyringError::TooLarge { path: Shown::of(path) }) } else { Ok(text) }
}

pub(super) fn write_new(name: &str, path: &Path, bytes: &[u8]) -> Result<(), KeyringError> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = rustix::fs::open(path, flags, Mode::RUSR | Mode::WUSR).map_err(|e| match e {
        rustix::io::Errno::EXIST => KeyringError::Exists { name: name.to_owned() },
        e => io_error(path, "made", e.into()),
    })?;
    let mut file = File::from(file);
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(|source| io_error(path, "written", source))
}

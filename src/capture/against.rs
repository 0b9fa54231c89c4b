//! Looking up files that somebody else made statements about, in one folder and nowhere else.

use std::io::Read;
use std::path::Path;

use crate::capture::git::blob_id;
use crate::capture::hash::{Also, HashOptions, Silent, hash_large};
use crate::capture::inputs::{InputError, Rows};
use crate::capture::open::{CaptureError, OpenFile, Root, Shown, io_error};
use crate::digest::Sha256Digest;
use crate::replay::Items;

/// Git's id needs the whole file in memory; what is larger lies in large storage and has a SHA-256.
const MAX_BLOB: u64 = 64 << 20;

/// A folder that nothing leaves.
pub struct Folder(Root);

/// The bytes of a document that the user named, read whole.
pub fn read_document(path: &Path, limit: u64) -> Result<Vec<u8>, CaptureError> {
    read_whole(&OpenFile::argument(path)?, limit)
}

/// The bytes of a file that must have at most `limit` of them, and as many as when it was opened.
fn read_whole(open: &OpenFile, limit: u64) -> Result<Vec<u8>, CaptureError> {
    let size = open.stamp.size;
    if size > limit {
        return Err(CaptureError::TooLarge { path: Shown::of(&open.shown), size, limit });
    }
    let mut bytes = Vec::new();
    // One byte more: a file that grew is seen to have grown.
    let read = (&open.file).take(size + 1).read_to_end(&mut bytes);
    read.map_err(|source| io_error(&open.shown, "read", source))?;
    if bytes.len() as u64 == size { Ok(bytes) } else { Err(open.changed()) }
}

/// What a file turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Bytes in it.
    pub size: u64,
    /// SHA-256 of them.
    pub sha256: Sha256Digest,
    /// Git's id of them, where it was asked for and the file is small enough.
    pub git_blob: Option<String>,
    /// Rows in it, where they were asked for and it is a file of JSON lines.
    pub rows: Option<u64>,
}

/// What stands at a path.
#[derive(Debug)]
pub enum Looked {
    /// Nothing.
    Absent,
    /// Something that is not read: a link, a folder, a file that changed.
    Refused(InputError),
    /// A file.
    Found(Found),
}

impl Folder {
    /// Opens a folder that the user named.
    pub fn open(path: &Path) -> Result<Self, CaptureError> {
        Root::argument(path).map(Self)
    }

    /// Reads the file at a relative path without going through any link.
    pub fn look(&self, relative: &str, rows: bool, git_blob: bool) -> Looked {
        match self.read(relative, rows, git_blob) {
            Ok(found) => Looked::Found(found),
            Err(InputError::Capture(CaptureError::Vanished { .. })) => Looked::Absent,
            Err(error) => Looked::Refused(error),
        }
    }

    fn read(&self, relative: &str, rows: bool, git_blob: bool) -> Result<Found, InputError> {
        let open = OpenFile::beneath(&self.0, relative)?;
        let options = HashOptions { also: Also::Sha256, ..HashOptions::default() };
        let hashed = hash_large(&open, &options, &Silent)?;
        let sha256 = hashed.sha256.ok_or_else(|| open.changed())?;
        let git_blob = if git_blob && hashed.size() <= MAX_BLOB {
            blob_id(&read_whole(&OpenFile::beneath(&self.0, relative)?, MAX_BLOB)?)
        } else {
            None
        };
        open.check_unchanged()?;
        let rows = if rows && Path::new(relative).extension().is_some_and(|end| end == "jsonl") {
            Some(Rows::of(OpenFile::beneath(&self.0, relative)?)?.count() as u64)
        } else {
            None
        };
        Ok(Found { size: hashed.size(), sha256, git_blob, rows })
    }
}

//! What a replay reads: the documents of a folder, the rows of a file, each by number and as often as asked.
//!
//! A folder is searched as `Path.rglob("*.txt")` searches it: hidden files are found, other endings are not, and no
//! link is gone through. What Python would find and then stumble over or follow out of the folder (a folder or a link
//! named like a document) is refused by name. Between two readings of a file its stamp must not change.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::path::Path;

use rustix::fs::{AtFlags, Dir, FileType};

use crate::capture::open::{CaptureError, OpenFile, Root, Shown, io_error};
use crate::capture::walk::{MAX_DEPTH, MAX_LEAVES};
use crate::digest::{FileDigest, FileHasher};
use crate::replay::{HostError, Items};

/// A generated document has some 12 kB.
const MAX_DOCUMENT: u64 = 64 << 20;

/// Longest row that is read; a chat of a whole context window has about 1 MiB.
const MAX_ROW: u64 = 64 << 20;

const BLOCK: usize = 1 << 18;

/// Why an input cannot be replayed from.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum InputError {
    #[error(transparent)]
    Capture(#[from] CaptureError),
    #[error("`{path}` is {found} with the name of a document: {reason}")]
    NoDocument { path: Shown, found: &'static str, reason: &'static str },
    #[error("row {row} of `{path}` has more than {MAX_ROW} bytes")]
    LongRow { path: Shown, row: usize },
    #[error("`{path}` has more than {MAX_LEAVES} rows")]
    ManyRows { path: Shown },
}

/// The documents below a folder.
pub struct Documents {
    root: Root,
    paths: Vec<String>,
    other_case: u64,
}

impl Documents {
    /// Finds every document below the folder, in no particular order.
    pub fn open(path: &Path) -> Result<Self, InputError> {
        let mut found = Self { root: Root::argument(path)?, paths: Vec::new(), other_case: 0 };
        let mut to_list = vec![(String::new(), 0)];
        while let Some((folder, depth)) = to_list.pop() {
            found.list(&folder, depth, &mut to_list)?;
        }
        Ok(found)
    }

    /// Files that end like documents but for capital letters, and so are none.
    pub fn other_case(&self) -> u64 {
        self.other_case
    }

    fn list(&mut self, folder: &str, depth: usize, to_list: &mut Vec<(String, usize)>) -> Result<(), InputError> {
        let shown = self.root.shown.join(folder);
        if depth > MAX_DEPTH {
            return Err(CaptureError::TooDeep { path: Shown::of(&shown), limit: MAX_DEPTH }.into());
        }
        let open = self.root.folder(folder)?;
        let failed = |e: rustix::io::Errno| io_error(&shown, "listed", e.into());
        for entry in Dir::read_from(&open).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let bytes = entry.file_name().to_bytes();
            let kind = match entry.file_type() {
                _ if matches!(bytes, b"." | b"..") => continue,
                // Some file systems do not say.
                FileType::Unknown => {
                    let stat = rustix::fs::statat(&open, entry.file_name(), AtFlags::SYMLINK_NOFOLLOW);
                    FileType::from_raw_mode(stat.map_err(failed)?.st_mode)
                }
                kind => kind,
            };
            let is_document = bytes.ends_with(b".txt");
            if !is_document && kind != FileType::Directory {
                self.other_case += u64::from(bytes.to_ascii_lowercase().ends_with(b".txt"));
                continue;
            }
            let here = Shown::of(&shown.join(OsStr::from_bytes(bytes)));
            let Ok(name) = std::str::from_utf8(bytes) else {
                return Err(CaptureError::NotUtf8 { path: here }.into());
            };
            let path = if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
            match (is_document, kind) {
                (true, FileType::RegularFile) if self.paths.len() == MAX_LEAVES => {
                    let path = Shown::of(&self.root.shown);
                    return Err(CaptureError::TooMany { path, limit: MAX_LEAVES }.into());
                }
                (true, FileType::RegularFile) => self.paths.push(path),
                (false, _) => to_list.push((path, depth + 1)),
                (true, kind) => return Err(no_document(here, kind)),
            }
        }
        Ok(())
    }
}

fn no_document(path: Shown, kind: FileType) -> InputError {
    let (found, reason) = match kind {
        FileType::Directory => ("a folder", "Python tries to read it and stops"),
        FileType::Symlink => ("a link", "Python reads what it points to; links are not followed here"),
        FileType::Fifo => ("a named pipe", "Python waits for a writer"),
        FileType::Socket => ("a socket", "Python tries to read it and stops"),
        _ => ("a device", "Python reads what it gives at the moment"),
    };
    InputError::NoDocument { path, found, reason }
}

impl Items for Documents {
    fn count(&self) -> usize {
        self.paths.len()
    }

    fn path(&self, item: usize) -> Option<&str> {
        self.paths.get(item).map(String::as_str)
    }

    fn read(&self, item: usize, buffer: &mut Vec<u8>) -> Result<(), HostError> {
        let open = OpenFile::beneath(&self.root, &self.paths[item])?;
        let size = open.stamp.size;
        if size > MAX_DOCUMENT {
            let path = Shown::of(&open.shown);
            return Err(CaptureError::TooLarge { path, size, limit: MAX_DOCUMENT }.into());
        }
        buffer.clear();
        // One byte more: a file that grew is seen to have grown.
        let read = (&open.file).take(size + 1).read_to_end(buffer);
        read.map_err(|source| io_error(&open.shown, "read", source))?;
        if buffer.len() as u64 == size { Ok(()) } else { Err(open.changed().into()) }
    }
}

/// The rows of a file: its lines, ended as Python's text mode ends them, without those that are blank.
pub struct Rows {
    open: OpenFile,
    /// First byte and length of each.
    places: Vec<(u64, u32)>,
    blank: u64,
    digest: FileDigest,
}

impl Rows {
    /// Finds the rows of a file in one pass.
    pub fn open(path: &Path) -> Result<Self, InputError> {
        Self::of(OpenFile::argument(path)?)
    }

    pub(crate) fn of(open: OpenFile) -> Result<Self, InputError> {
        let shown = || Shown::of(&open.shown);
        let (mut rows, mut blank) = (Vec::new(), 0);
        let digest = each_line(&open, |line| {
            if line.is_blank {
                blank += u64::from(line.len > 0 || line.is_ended);
                return Ok(());
            }
            let long = || InputError::LongRow { path: shown(), row: rows.len() + 1 };
            let len = Some(line.len).filter(|len| *len <= MAX_ROW).and_then(|len| u32::try_from(len).ok());
            let len = len.ok_or_else(long)?;
            if rows.len() == MAX_LEAVES {
                return Err(InputError::ManyRows { path: shown() });
            }
            rows.push((line.start, len));
            Ok(())
        })?;
        open.check_unchanged()?;
        Ok(Self { open, places: rows, blank, digest })
    }

    /// Lines left out because nothing is on them.
    pub fn blank(&self) -> u64 {
        self.blank
    }

    /// Digest of the whole file.
    pub fn digest(&self) -> FileDigest {
        self.digest
    }

    /// Bytes in the file.
    pub fn bytes(&self) -> u64 {
        self.open.stamp.size
    }

    /// The file itself, from its first byte, for who wants its bytes and not its rows.
    pub fn reader(&self) -> impl Read + '_ {
        At { file: &self.open.file, at: 0 }
    }

    /// Refuses a file that is not as it was when it was opened.
    pub fn check_unchanged(&self) -> Result<(), CaptureError> {
        self.open.check_unchanged()
    }
}

impl Items for Rows {
    fn count(&self) -> usize {
        self.places.len()
    }

    fn path(&self, _: usize) -> Option<&str> {
        None
    }

    fn read(&self, item: usize, buffer: &mut Vec<u8>) -> Result<(), HostError> {
        let (start, len) = self.places[item];
        buffer.resize(len as usize, 0);
        self.open.file.read_exact_at(buffer, start).map_err(|source| match source.kind() {
            io::ErrorKind::UnexpectedEof => self.open.changed(),
            _ => io_error(&self.open.shown, "read", source),
        })?;
        Ok(())
    }
}

struct At<'a> {
    file: &'a File,
    at: u64,
}

impl Read for At<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

/// A line of a file, without its end.
struct Line {
    start: u64,
    len: u64,
    is_blank: bool,
    is_ended: bool,
}

/// Tells the lines of a file one by one, and gives the digest of the file.
fn each_line(open: &OpenFile, mut tell: impl FnMut(Line) -> Result<(), InputError>) -> Result<FileDigest, InputError> {
    let mut reader = At { file: &open.file, at: 0 };
    let mut hasher = FileHasher::new();
    let mut block = vec![0; BLOCK];
    let (mut start, mut at, mut is_blank, mut after_return) = (0_u64, 0_u64, true, false);
    loop {
        let read = match reader.read(&mut block) {
            Ok(0) => break,
            Ok(read) => read,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(source) => return Err(io_error(&open.shown, "read", source).into()),
        };
        hasher.update(&block[..read]);
        for &byte in &block[..read] {
            match byte {
                b'\n' if after_return => start = at + 1,
                b'\n' | b'\r' => {
                    tell(Line { start, len: at - start, is_blank, is_ended: true })?;
                    (start, is_blank) = (at + 1, true);
                }
                byte => is_blank &= byte.is_ascii_whitespace(),
            }
            after_return = byte == b'\r';
            at += 1;
        }
    }
    tell(Line { start, len: at - start, is_blank, is_ended: false })?;
    Ok(hasher.finish())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    fn documents(root: &Path) -> Result<Vec<String>, String> {
        let found = Documents::open(root).map_err(|e| e.to_string().replace(root.to_str().unwrap(), "ROOT"))?;
        let mut paths: Vec<_> = (0..found.count()).map(|item| found.path(item).unwrap().to_owned()).collect();
        paths.sort();
        Ok(paths)
    }

    fn scratch() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for path in ["a/b/c.txt", "a/.hidden.txt", ".git/x.txt", ".txt", "a.TXT", "a.txt.bak", "meta.json", "a/b c.txt"]
        {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        }
        folder
    }

    #[test]
    fn documents_are_those_that_rglob_finds() {
        let folder = scratch();
        symlink("/etc", folder.path().join("etc")).unwrap();
        symlink("a", folder.path().join("loop")).unwrap();
        symlink("meta.json", folder.path().join("link.json")).unwrap();
        assert_eq!(
            documents(folder.path()).unwrap(),
            [".git/x.txt", ".txt", "a/.hidden.txt", "a/b c.txt", "a/b/c.txt"]
        );
        assert_eq!(Documents::open(folder.path()).unwrap().other_case(), 1);
    }

    #[test]
    fn what_only_looks_like_a_document_is_named() {
        let folder = scratch();
        let place = folder.path().join("a/b/bad.txt");
        fs::create_dir(&place).unwrap();
        assert_eq!(
            documents(folder.path()).unwrap_err(),
            "`ROOT/a/b/bad.txt` is a folder with the name of a document: Python tries to read it and stops"
        );
        fs::remove_dir(&place).unwrap();
        symlink("../../meta.json", &place).unwrap();
        assert_eq!(
            documents(folder.path()).unwrap_err(),
            "`ROOT/a/b/bad.txt` is a link with the name of a document: Python reads what it points to; links are not followed here"
        );
        fs::remove_file(&place).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(&place).status().unwrap().success());
        assert!(documents(folder.path()).unwrap_err().contains("is a named pipe with the name of a document"));
        fs::remove_file(&place).unwrap();
        let odd = OsStr::from_bytes(b"\xff.txt");
        fs::write(folder.path().join(odd), "x").unwrap();
        assert_eq!(documents(folder.path()).unwrap_err(), "the name `ROOT/\\xff.txt` is not UTF-8");
        assert!(documents(&folder.path().join("meta.json")).is_err());
    }

    #[test]
    fn a_document_too_large_to_be_one_is_refused_before_it_is_read() {
        let folder = tempfile::tempdir().unwrap();
        File::create(folder.path().join("a.txt")).unwrap().set_len(1 << 40).unwrap();
        let found = Documents::open(folder.path()).unwrap();
        let refused = found.read(0, &mut Vec::new()).unwrap_err().to_string();
        assert!(refused.ends_with("/a.txt` has 1099511627776 bytes, the limit is 67108864"), "{refused}");
    }

    fn rows(text: &[u8]) -> (Vec<String>, u64) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows");
        fs::write(&path, text).unwrap();
        let rows = Rows::open(&path).unwrap();
        assert_eq!(rows.digest(), FileDigest::of(text));
        let mut row = Vec::new();
        let read = (0..rows.count()).map(|item| {
            rows.read(item, &mut row).unwrap();
            String::from_utf8(row.clone()).unwrap()
        });
        (read.collect(), rows.blank())
    }

    #[test]
    fn rows_end_where_python_ends_lines() {
        for (text, expected, blank) in [
            ("a\nb\n", vec!["a", "b"], 0),
            ("a\r\nb\rc", vec!["a", "b", "c"], 0),
            ("\n\r\n \t\na\r\r\nb", vec!["a", "b"], 4),
            ("a\u{2028}b\u{85}\u{1c}", vec!["a\u{2028}b\u{85}\u{1c}"], 0),
            ("", vec![], 0),
            ("\n", vec![], 1),
            ("  ", vec![], 1),
        ] {
            assert_eq!(rows(text.as_bytes()), (expected.into_iter().map(str::to_owned).collect(), blank), "{text:?}");
        }
        // Ends that fall between two blocks.
        let long = "x".repeat(BLOCK - 1);
        assert_eq!(rows(format!("{long}\r\n{long}\n").as_bytes()), (vec![long.clone(), long], 0));
    }

    #[test]
    fn a_file_cut_short_after_it_was_opened_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows");
        fs::write(&path, "one\ntwo\n").unwrap();
        let rows = Rows::open(&path).unwrap();
        File::options().write(true).open(&path).unwrap().set_len(5).unwrap();
        assert!(rows.read(1, &mut Vec::new()).unwrap_err().to_string().ends_with("changed while it was hashed"));
        assert!(rows.check_unchanged().is_err());
    }
}

//! Opening what is to be hashed: only regular files and folders, never through a link, never blocking.
//!
//! Inside a folder everything is opened below its root in one step (`openat2` with `RESOLVE_BENEATH` and
//! `RESOLVE_NO_SYMLINKS`, or component by component where the kernel lacks it), so that a folder swapped for a link
//! while it is walked leads nowhere. A plain open of a FIFO would wait for a writer for ever, hence `O_NONBLOCK`.
//!
//! Reference: <https://man7.org/linux/man-pages/man2/openat2.2.html>

use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, FileType, Mode, OFlags};

use crate::artifact::tree::{FileMode, TreeError};

/// Why something on disk was not captured.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum CaptureError {
    #[error("`{path}` does not exist")]
    Missing { path: Shown },
    #[error("`{path}` cannot be {action}")]
    Io {
        path: Shown,
        action: &'static str,
        #[source]
        source: io::Error,
    },
    #[error("`{path}` is a link; name what it points to instead: `{target}`")]
    LinkArgument { path: Shown, target: Shown },
    #[error("`{path}` is {found}, expected a regular file")]
    NotRegular { path: Shown, found: &'static str },
    #[error("`{path}` is {found}, expected a folder")]
    NotFolder { path: Shown, found: &'static str },
    #[error("`{path}` changed while it was hashed")]
    Changed { path: Shown },
    #[error("`{path}` is not known from before")]
    NotKnown { path: Shown },
    #[error("`{path}` vanished while its folder was read")]
    Vanished { path: Shown },
    #[error("the folder `{path}` changed while it was read")]
    FolderChanged { path: Shown },
    #[error("`{path}` has {size} bytes, the limit is {limit}")]
    TooLarge { path: Shown, size: u64, limit: u64 },
    #[error("the name `{path}` is not UTF-8")]
    NotUtf8 { path: Shown },
    #[error("`{path}` has no name of its own; give the folder by name, or alone")]
    NoName { path: Shown },
    #[error("`{path}` holds no file")]
    Empty { path: Shown },
    #[error("`{path}` lies deeper than {limit} folders")]
    TooDeep { path: Shown, limit: usize },
    #[error("`{path}` holds more than {limit} files")]
    TooMany { path: Shown, limit: usize },
    #[error("`{root}` cannot be recorded")]
    Tree {
        root: Shown,
        #[source]
        source: TreeError,
    },
}

/// A path as it may be printed: control characters and bytes that are not UTF-8 are escaped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown(String);

impl Shown {
    /// The printable form of a path.
    pub fn of(path: &Path) -> Self {
        Self::bytes(path.as_os_str().as_bytes())
    }

    pub(crate) fn bytes(bytes: &[u8]) -> Self {
        let mut text = String::new();
        for chunk in bytes.utf8_chunks() {
            for c in chunk.valid().chars() {
                if c.is_control() { text.extend(c.escape_default()) } else { text.push(c) }
            }
            text.extend(chunk.invalid().escape_ascii().map(char::from));
        }
        Self(text)
    }
}

impl std::fmt::Display for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// What tells one state of a file from another without reading it.
///
/// The change time is in it because, unlike the modification time, it cannot be set back. Hole: two writes within one
/// tick of the file system's clock leave the same stamp, so a cache keyed by it must not trust a stamp whose change time
/// is as young as the moment it was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileStamp {
    /// Device that holds the file.
    pub device: u64,
    /// Number of the file on its device.
    pub inode: u64,
    /// Bytes in it.
    pub size: u64,
    /// Seconds and nanoseconds of the last change of its bytes, as anyone may set them.
    pub modified: (i64, i64),
    /// Seconds and nanoseconds of the last change of bytes or attributes, as the kernel sets them.
    pub changed: (i64, i64),
}

impl FileStamp {
    /// The same from the system call itself; nothing where its numbers make no sense.
    #[allow(clippy::useless_conversion, reason = "the fields' types differ between platforms")]
    fn of_stat(stat: &rustix::fs::Stat) -> Option<Self> {
        Some(Self {
            device: stat.st_dev.try_into().ok()?,
            inode: stat.st_ino.into(),
            size: stat.st_size.try_into().ok()?,
            modified: (stat.st_mtime.into(), stat.st_mtime_nsec.try_into().ok()?),
            changed: (stat.st_ctime.into(), stat.st_ctime_nsec.try_into().ok()?),
        })
    }

    /// The stamp in a file's metadata.
    pub fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

/// A regular file, open, with what was known about it before its first byte was read.
pub(crate) struct OpenFile {
    pub(crate) file: File,
    pub(crate) stamp: FileStamp,
    pub(crate) mode: FileMode,
    pub(crate) shown: PathBuf,
}

impl OpenFile {
    /// Opens a path that the user named. A link there is refused: the user should see what is really recorded.
    pub(crate) fn argument(path: &Path) -> Result<Self, CaptureError> {
        let metadata = argument_metadata(path)?;
        if !metadata.is_file() {
            return Err(CaptureError::NotRegular { path: Shown::of(path), found: kind_of(&metadata) });
        }
        let opened = rustix::fs::open(path, FILE_FLAGS, Mode::empty());
        Self::check(opened.map_err(io::Error::from), path.to_owned())
    }

    /// Opens a file below `root`.
    pub(crate) fn beneath(root: &Root, relative: &str) -> Result<Self, CaptureError> {
        Self::check(root.open(relative, FILE_FLAGS), root.shown.join(relative))
    }

    fn check(opened: io::Result<OwnedFd>, shown: PathBuf) -> Result<Self, CaptureError> {
        let file = File::from(opened.map_err(|source| open_error(&shown, source))?);
        let metadata = file.metadata().map_err(|source| io_error(&shown, "examined", source))?;
        if !metadata.is_file() {
            return Err(CaptureError::NotRegular { path: Shown::of(&shown), found: kind_of(&metadata) });
        }
        Ok(Self { file, stamp: FileStamp::of(&metadata), mode: mode_of(metadata.mode()), shown })
    }

    /// The whole file, which must have at most `limit` bytes and as many as when it was opened.
    pub(crate) fn read_all(&self, limit: u64) -> Result<Vec<u8>, CaptureError> {
        let size = self.stamp.size;
        if size > limit {
            return Err(CaptureError::TooLarge { path: Shown::of(&self.shown), size, limit });
        }
        let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or_default() + 1);
        // One byte more: a file that grew is seen to have grown.
        let read = (&self.file).take(size + 1).read_to_end(&mut bytes);
        read.map_err(|source| io_error(&self.shown, "read", source))?;
        if bytes.len() as u64 == size { Ok(bytes) } else { Err(self.changed()) }
    }

    /// Refuses a file that is not as it was when it was opened.
    pub(crate) fn check_unchanged(&self) -> Result<(), CaptureError> {
        let metadata = self.file.metadata().map_err(|source| io_error(&self.shown, "examined", source))?;
        if FileStamp::of(&metadata) == self.stamp { Ok(()) } else { Err(self.changed()) }
    }

    pub(crate) fn changed(&self) -> CaptureError {
        CaptureError::Changed { path: Shown::of(&self.shown) }
    }
}

/// As git: the owner's bit decides.
fn mode_of(bits: u32) -> FileMode {
    if bits & 0o100 == 0 { FileMode::Plain } else { FileMode::Executable }
}

const FILE_FLAGS: OFlags =
    OFlags::RDONLY.union(OFlags::NOFOLLOW).union(OFlags::NONBLOCK).union(OFlags::NOCTTY).union(OFlags::CLOEXEC);

const FOLDER_FLAGS: OFlags = OFlags::RDONLY.union(OFlags::NOFOLLOW).union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// The bytes of a file that the user named, at most `limit`.
pub fn read_bytes(path: &Path, limit: u64) -> Result<Vec<u8>, CaptureError> {
    OpenFile::argument(path)?.read_all(limit)
}

/// A folder that nothing opened through it can leave.
pub(crate) struct Root {
    folder: OwnedFd,
    pub(crate) shown: PathBuf,
}

impl Root {
    /// Opens a folder that the user named.
    pub(crate) fn argument(path: &Path) -> Result<Self, CaptureError> {
        let metadata = argument_metadata(path)?;
        if !metadata.is_dir() {
            return Err(CaptureError::NotFolder { path: Shown::of(path), found: kind_of(&metadata) });
        }
        let folder = rustix::fs::open(path, FOLDER_FLAGS, Mode::empty());
        Ok(Self { folder: folder.map_err(|e| open_error(path, e.into()))?, shown: path.to_owned() })
    }

    /// Opens the folder at `relative`, or the root itself where that is empty.
    pub(crate) fn folder(&self, relative: &str) -> Result<File, CaptureError> {
        let name = if relative.is_empty() { "." } else { relative };
        self.open(name, FOLDER_FLAGS).map(File::from).map_err(|e| open_error(&self.shown.join(relative), e))
    }

    /// Looks at the file at `relative` without opening it; nothing if it is no regular file any more.
    ///
    /// The last component is not followed if it is a link. One before it is: whoever asks must see to it that the folders
    /// on the way are the ones that were listed.
    pub(crate) fn look(&self, relative: &str) -> Option<(FileStamp, FileMode)> {
        let stat = rustix::fs::statat(&self.folder, relative, AtFlags::SYMLINK_NOFOLLOW).ok()?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return None;
        }
        Some((FileStamp::of_stat(&stat)?, mode_of(stat.st_mode)))
    }

    /// The text of the link at `relative`.
    pub(crate) fn link(&self, relative: &str) -> Result<String, CaptureError> {
        let shown = self.shown.join(relative);
        let folder = match relative.rsplit_once('/') {
            Some((folder, _)) => self.open(folder, FOLDER_FLAGS).map(Some),
            None => Ok(None),
        };
        let folder = folder.map_err(|e| open_error(&shown, e))?;
        let folder = folder.as_ref().unwrap_or(&self.folder);
        let name = relative.rsplit_once('/').map_or(relative, |(_, name)| name);
        let target = rustix::fs::readlinkat(folder, name, Vec::new()).map_err(|e| match e {
            // No longer a link.
            rustix::io::Errno::INVAL => CaptureError::Changed { path: Shown::of(&shown) },
            e => open_error(&shown, e.into()),
        })?;
        target.into_string().map_err(|e| {
            let bytes = e.into_cstring();
            CaptureError::NotUtf8 {
                path: Shown(format!("{} -> {}", Shown::of(&shown), Shown::bytes(bytes.as_bytes()))),
            }
        })
    }

    fn open(&self, relative: &str, flags: OFlags) -> io::Result<OwnedFd> {
        #[cfg(target_os = "linux")]
        {
            use rustix::fs::ResolveFlags;
            let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
            match rustix::fs::openat2(&self.folder, relative, flags, Mode::empty(), resolve) {
                // Linux before 5.6 and some sandboxes.
                Err(rustix::io::Errno::NOSYS) => {}
                opened => return Ok(opened?),
            }
        }
        self.open_by_component(relative, flags)
    }

    /// The same promise without `openat2`: no component is followed if it is a link, and none is `..`.
    fn open_by_component(&self, relative: &str, flags: OFlags) -> io::Result<OwnedFd> {
        let mut folder: Option<OwnedFd> = None;
        let mut rest = relative;
        while let Some((component, after)) = rest.split_once('/') {
            let at = folder.as_ref().unwrap_or(&self.folder).as_fd();
            folder = Some(rustix::fs::openat(at, component, FOLDER_FLAGS, Mode::empty())?);
            rest = after;
        }
        let at = folder.as_ref().unwrap_or(&self.folder).as_fd();
        Ok(rustix::fs::openat(at, rest, flags, Mode::empty())?)
    }
}

/// What stands at a path that the user named, which must not be a link.
pub(crate) fn argument_metadata(path: &Path) -> Result<Metadata, CaptureError> {
    let metadata = path.symlink_metadata().map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => CaptureError::Missing { path: Shown::of(path) },
        _ => io_error(path, "examined", source),
    })?;
    if metadata.is_symlink() {
        let target = path.read_link().map_err(|source| io_error(path, "read", source))?;
        return Err(CaptureError::LinkArgument { path: Shown::of(path), target: Shown::of(&target) });
    }
    Ok(metadata)
}

pub(crate) fn io_error(path: &Path, action: &'static str, source: io::Error) -> CaptureError {
    CaptureError::Io { path: Shown::of(path), action, source }
}

/// For what was there a moment ago.
fn open_error(path: &Path, source: io::Error) -> CaptureError {
    use rustix::io::Errno;
    match Errno::from_io_error(&source) {
        Some(Errno::NOENT) => CaptureError::Vanished { path: Shown::of(path) },
        // A file where a folder was, a link where a file was, a way out of the root.
        Some(Errno::NOTDIR | Errno::LOOP | Errno::XDEV) => CaptureError::Changed { path: Shown::of(path) },
        // What opening a socket gives.
        Some(Errno::NXIO) => CaptureError::NotRegular { path: Shown::of(path), found: "a socket or device" },
        _ => io_error(path, "opened", source),
    }
}

fn kind_of(metadata: &Metadata) -> &'static str {
    let kind = metadata.file_type();
    match () {
        () if kind.is_file() => "a regular file",
        () if kind.is_dir() => "a folder",
        () if kind.is_symlink() => "a link",
        () if kind.is_fifo() => "a named pipe",
        () if kind.is_socket() => "a socket",
        () => "a device",
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::ffi::OsStr;
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn without_openat2_the_root_is_as_tight() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("root/a/b")).unwrap();
        fs::create_dir(folder.path().join("other")).unwrap();
        fs::write(folder.path().join("root/a/b/file"), "x").unwrap();
        fs::write(folder.path().join("other/secret"), "x").unwrap();
        symlink("../other", folder.path().join("root/out")).unwrap();
        symlink("file", folder.path().join("root/a/b/link")).unwrap();
        let root = Root::argument(&folder.path().join("root")).unwrap();
        for open in [Root::open, Root::open_by_component] {
            assert!(open(&root, "a/b/file", FILE_FLAGS).is_ok());
            assert!(open(&root, "a/b", FOLDER_FLAGS).is_ok());
            assert!(open(&root, "out/secret", FILE_FLAGS).is_err());
            assert!(open(&root, "a/b/link", FILE_FLAGS).is_err());
            assert!(open(&root, "out", FOLDER_FLAGS).is_err());
            assert!(open(&root, "a/b/none", FILE_FLAGS).is_err());
        }
    }

    #[test]
    fn a_look_sees_what_opening_sees() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("a")).unwrap();
        fs::write(folder.path().join("a/file"), "some").unwrap();
        symlink("file", folder.path().join("a/link")).unwrap();
        let root = Root::argument(folder.path()).unwrap();
        let open = OpenFile::beneath(&root, "a/file").unwrap();
        assert_eq!(root.look("a/file"), Some((open.stamp, open.mode)));
        for nothing in ["a", "a/link", "a/none"] {
            assert_eq!(root.look(nothing), None, "{nothing}");
        }
    }

    #[test]
    fn a_path_is_shown_without_bytes_that_act_on_a_terminal() {
        let shown = |bytes| Shown::of(Path::new(OsStr::from_bytes(bytes))).to_string();
        assert_eq!(shown("data/é 1.json".as_bytes()), "data/é 1.json");
        assert_eq!(shown(b"a\x1b[2J\n\xff\\"), "a\\u{1b}[2J\\n\\xff\\");
    }
}

//! What stands below the paths of a walk: the names of its files and links, and that none came or went meanwhile.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;
use rustix::fs::{AtFlags, Dir, FileType};

use crate::artifact::tree::{TreeError, TreePath};
use crate::capture::open::{CaptureError, FileStamp, Root, Shown, argument_metadata, io_error};
use crate::capture::walk::{LEDGER_FOLDER, MAX_DEPTH, MAX_LEAVES};

/// A leaf to be.
pub(super) struct Job {
    pub(super) path: TreePath,
    pub(super) place: Place,
}

pub(super) enum Place {
    /// A file that the user named.
    Argument(PathBuf),
    /// A file below the root of that number.
    File(usize),
    /// A link below the root of that number.
    Link(usize),
}

/// A folder as it was when it was listed.
struct Listed {
    root: usize,
    relative: String,
    stamp: FileStamp,
}

pub(super) struct OpenRoot {
    pub(super) root: Root,
    /// Bytes of a leaf's path that stand before the part below this root.
    prefix: usize,
}

impl OpenRoot {
    pub(super) fn relative<'a>(&self, path: &'a TreePath) -> &'a str {
        &path.as_str()[self.prefix..]
    }
}

/// Everything that was named, listed and not yet hashed.
#[derive(Default)]
pub(super) struct Walk {
    pub(super) roots: Vec<OpenRoot>,
    folders: Vec<Listed>,
    pub(super) jobs: Vec<Job>,
    pub(super) left_out_ledger: bool,
}

impl Walk {
    pub(super) fn list_paths(&mut self, paths: &[PathBuf]) -> Result<(), CaptureError> {
        for path in paths {
            let name = path.file_name().ok_or_else(|| CaptureError::NoName { path: Shown::of(path) })?;
            let name = name.to_str().ok_or_else(|| CaptureError::NotUtf8 { path: Shown::of(path) })?;
            if argument_metadata(path)?.is_dir() {
                self.list_folder(path, Some(name))?;
            } else {
                let tree_path = TreePath::parse(name).map_err(|source| tree_error(path, source))?;
                self.jobs.push(Job { path: tree_path, place: Place::Argument(path.clone()) });
            }
        }
        Ok(())
    }

    pub(super) fn list_folder(&mut self, path: &Path, name: Option<&str>) -> Result<(), CaptureError> {
        let root = self.roots.len();
        let prefix = name.map_or(String::new(), |name| format!("{name}/"));
        self.roots.push(OpenRoot { root: Root::argument(path)?, prefix: prefix.len() });
        let at = &self.roots[root];
        let leaves = AtomicUsize::new(self.jobs.len());
        let mut level = vec![String::new()];
        for depth in 0_usize.. {
            let Some(first) = level.first() else { break };
            if depth > MAX_DEPTH {
                let path = Shown::of(&at.root.shown.join(first));
                return Err(CaptureError::TooDeep { path, limit: MAX_DEPTH });
            }
            // Side by side: naming many files takes as long as looking at them.
            let listed: Vec<_> = level.into_par_iter().map(|folder| list(at, root, &prefix, folder, &leaves)).collect();
            level = Vec::new();
            // In order, so that of two errors always the same is reported.
            for listed in listed {
                let (folder, names) = listed?;
                self.folders.push(folder);
                self.jobs.extend(names.jobs);
                self.left_out_ledger |= names.left_out_ledger;
                level.extend(names.folders);
            }
        }
        Ok(())
    }

    /// Refuses a walk during which names came or went: its leaves were never together in the folder.
    pub(super) fn check_folders(&self) -> Result<(), CaptureError> {
        self.folders.par_iter().try_for_each(|listed| {
            let root = &self.roots[listed.root].root;
            let shown = root.shown.join(&listed.relative);
            if stamp_of(&root.folder(&listed.relative)?, &shown)? == listed.stamp {
                Ok(())
            } else {
                Err(CaptureError::FolderChanged { path: Shown::of(&shown) })
            }
        })
    }
}

/// What stands in one folder.
#[derive(Default)]
struct Names {
    jobs: Vec<Job>,
    /// Paths below the root.
    folders: Vec<String>,
    left_out_ledger: bool,
}

/// Lists the folder at `relative` below the root of number `number`; `leaves` counts those of the whole walk.
fn list(
    at: &OpenRoot,
    number: usize,
    prefix: &str,
    relative: String,
    leaves: &AtomicUsize,
) -> Result<(Listed, Names), CaptureError> {
    let root = &at.root;
    let shown = root.shown.join(&relative);
    let folder = root.folder(&relative)?;
    let stamp = stamp_of(&folder, &shown)?;
    let failed = |e: rustix::io::Errno| io_error(&shown, "listed", e.into());
    let mut names = Names::default();
    for entry in Dir::read_from(&folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name();
        if matches!(name.to_bytes(), b"." | b"..") {
            continue;
        }
        let here = || shown.join(<std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(name.to_bytes()));
        let text = name.to_str().map_err(|_| CaptureError::NotUtf8 { path: Shown::of(&here()) })?;
        let mut below = String::with_capacity(prefix.len() + relative.len() + 1 + text.len());
        below.push_str(prefix);
        if !relative.is_empty() {
            below.push_str(&relative);
            below.push('/');
        }
        below.push_str(text);
        let path = TreePath::parse(below).map_err(|source| tree_error(&root.shown, source))?;
        let kind = match entry.file_type() {
            // Some file systems do not say.
            FileType::Unknown => {
                let stat = rustix::fs::statat(&folder, name, AtFlags::SYMLINK_NOFOLLOW).map_err(failed)?;
                FileType::from_raw_mode(stat.st_mode)
            }
            kind => kind,
        };
        let place = match kind {
            FileType::Directory if relative.is_empty() && text == LEDGER_FOLDER => {
                names.left_out_ledger = true;
                continue;
            }
            FileType::Directory => {
                names.folders.push(at.relative(&path).to_owned());
                continue;
            }
            FileType::RegularFile => Place::File(number),
            FileType::Symlink => Place::Link(number),
            other => {
                let found = match other {
                    FileType::Fifo => "a named pipe",
                    FileType::Socket => "a socket",
                    _ => "a device",
                };
                return Err(CaptureError::NotRegular { path: Shown::of(&here()), found });
            }
        };
        if leaves.fetch_add(1, Ordering::Relaxed) >= MAX_LEAVES {
            return Err(CaptureError::TooMany { path: Shown::of(&root.shown), limit: MAX_LEAVES });
        }
        names.jobs.push(Job { path, place });
    }
    Ok((Listed { root: number, relative, stamp }, names))
}

fn stamp_of(folder: &File, shown: &Path) -> Result<FileStamp, CaptureError> {
    Ok(FileStamp::of(&folder.metadata().map_err(|source| io_error(shown, "examined", source))?))
}

fn tree_error(root: &Path, source: TreeError) -> CaptureError {
    CaptureError::Tree { root: Shown::of(root), source }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::ffi::OsStr;
    use std::fs;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::capture::open::OpenFile;
    use crate::capture::walk::scratch::{Scratch, paths};

    #[test]
    fn links_lead_nowhere() {
        let scratch = Scratch::new();
        scratch.write("data/file", "x");
        symlink("loop", scratch.at("loop")).unwrap();
        symlink("..", scratch.at("data/up")).unwrap();
        symlink("/etc", scratch.at("etc")).unwrap();
        assert_eq!(paths(&scratch.walk().unwrap()), ["data/file", "data/up", "etc", "loop"]);
    }

    #[test]
    fn a_folder_swapped_for_a_link_is_not_entered() {
        let scratch = Scratch::new();
        scratch.write("inside/secret", "x").write("root/file", "x");
        symlink("../inside", scratch.at("root/out")).unwrap();
        let root = Root::argument(&scratch.at("root")).unwrap();
        let refused = |error: CaptureError| matches!(error, CaptureError::Changed { .. });
        assert!(OpenFile::beneath(&root, "out/secret").is_err_and(refused));
        assert!(OpenFile::beneath(&root, "../inside/secret").is_err_and(refused));
        assert!(root.folder("out").is_err_and(refused));
        assert!(root.link("out/secret").is_err_and(refused));
        assert!(OpenFile::beneath(&root, "file").is_ok());
    }

    #[test]
    fn only_the_ledgers_own_folder_is_left_out_and_it_is_said() {
        let scratch = Scratch::new();
        scratch.write(".reproledger/log/0", "x").write("sub/.reproledger/log", "y").write("a", "a");
        let tree = scratch.walk().unwrap();
        assert_eq!(paths(&tree), ["a", "sub/.reproledger/log"]);
        assert!(tree.left_out_ledger);
        let other = Scratch::new();
        other.write(".reproledger", "a file is no ledger");
        let tree = other.walk().unwrap();
        assert_eq!((paths(&tree), tree.left_out_ledger), (vec![".reproledger"], false));
    }

    #[test]
    fn what_cannot_be_recorded_stops_the_walk_and_is_named() {
        let scratch = Scratch::new();
        assert_eq!(scratch.refusal(), "`ROOT` holds no file");
        fs::create_dir(scratch.at("empty")).unwrap();
        assert_eq!(scratch.refusal(), "`ROOT` holds no file");

        scratch.write("sub/a", "a");
        let fifo = scratch.at("sub/pipe");
        assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
        assert_eq!(scratch.refusal(), "`ROOT/sub/pipe` is a named pipe, expected a regular file");
        fs::remove_file(fifo).unwrap();

        let bad = scratch.0.path().join(OsStr::from_bytes(b"sub/n\xffo"));
        fs::write(&bad, "x").unwrap();
        assert_eq!(scratch.refusal(), "the name `ROOT/sub/n\\xffo` is not UTF-8");
        fs::remove_file(bad).unwrap();

        symlink(OsStr::from_bytes(b"\xfe"), scratch.at("sub/link")).unwrap();
        assert_eq!(scratch.refusal(), "the name `ROOT/sub/link -> \\xfe` is not UTF-8");
        fs::remove_file(scratch.at("sub/link")).unwrap();

        scratch.write("sub/a\nb", "x");
        let error = scratch.walk().unwrap_err();
        assert!(error.to_string().ends_with("cannot be recorded"));
        let source = std::error::Error::source(&error).unwrap().to_string();
        assert!(source.starts_with("the path `sub/a\\nb` cannot stand in a tree"), "{source}");
    }

    #[test]
    fn a_folder_nested_too_deep_is_refused() {
        let scratch = Scratch::new();
        scratch.write(&format!("{}file", "d/".repeat(MAX_DEPTH)), "x");
        scratch.walk().unwrap();
        scratch.write(&format!("{}file", "d/".repeat(MAX_DEPTH + 1)), "x");
        assert!(matches!(scratch.walk(), Err(CaptureError::TooDeep { limit: MAX_DEPTH, .. })));
    }
}

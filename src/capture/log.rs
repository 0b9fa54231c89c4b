//! Opens the files of an evaluation log for its reader: one file, several, or what lies in a folder.
//!
//! Nothing is followed out of a folder; a file that changes while it is read is refused.

use std::fs::File;
use std::path::{Path, PathBuf};

use crate::artifact::tree::TreeNode;
use crate::capture::hash::{HashOptions, Silent};
use crate::capture::open::{CaptureError, OpenFile, Root, Shown, argument_metadata};
use crate::capture::walk::walk_folder;
use crate::evallog::{self, ColumnMap, EvalLog, EvalLogError, LogFile, SeeItem};

/// Files of one log, all open at once: more make a folder of logs, not a log.
const MAX_FILES: usize = 512;

/// Why a log was not read.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum LogError {
    #[error(transparent)]
    Capture(#[from] CaptureError),
    #[error(transparent)]
    EvalLog(#[from] EvalLogError),
}

/// Reads the log that stands at the paths.
pub fn read_log(paths: &[PathBuf], map: Option<&ColumnMap>) -> Result<EvalLog, LogError> {
    with_files(paths, |files| evallog::read_log(files, map))
}

/// Gives what each sample of the log at the paths was asked.
pub fn read_items(paths: &[PathBuf], map: Option<&ColumnMap>, see: SeeItem<'_>) -> Result<(), LogError> {
    with_files(paths, |files| evallog::read_items(files, map, see))
}

fn with_files<T>(
    paths: &[PathBuf],
    read: impl FnOnce(&mut [LogFile<'_>]) -> Result<T, EvalLogError>,
) -> Result<T, LogError> {
    let mut open = match paths {
        [folder] if argument_metadata(folder)?.is_dir() => open_folder(folder)?,
        paths => paths.iter().map(|path| OpenFile::argument(path)).collect::<Result<_, _>>()?,
    };
    if open.len() > MAX_FILES {
        let path = paths.first().map_or(Shown::of(Path::new("")), |path| Shown::of(path));
        return Err(CaptureError::TooMany { path, limit: MAX_FILES }.into());
    }
    let mut named: Vec<(String, u64, &mut File)> =
        open.iter_mut().map(|open| (name_of(&open.shown), open.stamp.size, &mut open.file)).collect();
    let mut files: Vec<LogFile<'_>> =
        named.iter_mut().map(|(name, len, file)| LogFile { name: name.clone(), source: *file, len: *len }).collect();
    let read = read(&mut files)?;
    for file in &open {
        file.check_unchanged()?;
    }
    Ok(read)
}

/// Gives every file at the paths to `read`, one open at a time; what is read is refused where a file changed meanwhile.
pub fn read_each(
    paths: &[PathBuf],
    mut read: impl FnMut(&mut LogFile<'_>) -> Result<(), EvalLogError>,
) -> Result<(), LogError> {
    let mut give = |open: OpenFile| -> Result<(), LogError> {
        let mut open = open;
        let (name, len) = (name_of(&open.shown), open.stamp.size);
        read(&mut LogFile { name, len, source: &mut open.file })?;
        Ok(open.check_unchanged()?)
    };
    for path in paths {
        if argument_metadata(path)?.is_dir() {
            let tree = walk_folder(path, &HashOptions::default(), &Silent)?;
            let root = Root::argument(path)?;
            for leaf in tree.leaves.iter().filter(|leaf| matches!(leaf.node, TreeNode::File { .. })) {
                give(OpenFile::beneath(&root, leaf.path.as_str())?)?;
            }
        } else {
            give(OpenFile::argument(path)?)?;
        }
    }
    Ok(())
}

fn open_folder(folder: &Path) -> Result<Vec<OpenFile>, CaptureError> {
    let tree = walk_folder(folder, &HashOptions::default(), &Silent)?;
    let root = Root::argument(folder)?;
    let files = tree.leaves.iter().filter(|leaf| matches!(leaf.node, TreeNode::File { .. }));
    files.take(MAX_FILES + 1).map(|leaf| OpenFile::beneath(&root, leaf.path.as_str())).collect()
}

fn name_of(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

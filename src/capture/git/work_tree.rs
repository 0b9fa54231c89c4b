//! Whether a working tree holds what a commit has, byte by byte, with no filter run and no blob read.

use std::io::Read;

use git2::{ObjectType, Oid};

use crate::artifact::tree::{FileMode, Mode};
use crate::capture::git::blob::LFS_POINTER;
use crate::capture::git::listing::File;
use crate::capture::git::store::Store;
use crate::capture::open::{CaptureError, OpenFile, Root};
use crate::statement::WorkTree;

/// What comparing a working tree may read before the answer is "unknown".
const COMPARE_BYTES: u64 = 512 << 20;

/// How many files of a working tree are compared before the answer is "unknown".
const COMPARE_FILES: usize = 50_000;

impl Store {
    /// Compares by git's own ids, so that no blob need be read and no filter run.
    pub(super) fn compare(&self, files: &[File]) -> WorkTree {
        let Some(folder) = &self.working_tree else { return WorkTree::Unknown };
        let Ok(root) = Root::argument(folder) else { return WorkTree::Unknown };
        let mut budget = COMPARE_BYTES;
        let mut worst = if files.len() > COMPARE_FILES { WorkTree::Unknown } else { WorkTree::Clean };
        for file in files.iter().take(COMPARE_FILES) {
            match self.compare_file(&root, file, &mut budget) {
                WorkTree::Clean => {}
                WorkTree::Unknown => worst = WorkTree::Unknown,
                WorkTree::Dirty => return WorkTree::Dirty,
            }
        }
        worst
    }

    fn compare_file(&self, root: &Root, file: &File, budget: &mut u64) -> WorkTree {
        let same = |bytes: &[u8]| Oid::hash_object(ObjectType::Blob, bytes).is_ok_and(|id| id == file.id);
        let mode = match file.mode {
            Mode::Link => {
                return match root.link(file.path.as_str()) {
                    Ok(target) if same(target.as_bytes()) => WorkTree::Clean,
                    _ => WorkTree::Dirty,
                };
            }
            Mode::Plain => FileMode::Plain,
            Mode::Executable => FileMode::Executable,
        };
        let open = match OpenFile::beneath(root, file.path.as_str()) {
            Ok(open) => open,
            Err(CaptureError::Io { .. }) => return WorkTree::Unknown,
            Err(_) => return WorkTree::Dirty,
        };
        if open.mode != mode {
            return WorkTree::Dirty;
        }
        if open.stamp.size > *budget {
            return WorkTree::Unknown;
        }
        *budget -= open.stamp.size;
        let mut bytes = Vec::new();
        // One byte more than it had when it was opened; then it has changed and cannot be equal.
        if (&open.file).take(open.stamp.size + 1).read_to_end(&mut bytes).is_err() {
            return WorkTree::Unknown;
        }
        if same(&bytes) {
            return WorkTree::Clean;
        }
        let is_pointer = || self.object(file.id, ObjectType::Blob, 1024, |blob| blob.starts_with(LFS_POINTER));
        if same(&without_carriage_returns(&bytes)) || is_pointer().unwrap_or(false) {
            return WorkTree::Unknown;
        }
        WorkTree::Dirty
    }
}

fn without_carriage_returns(bytes: &[u8]) -> Vec<u8> {
    let followed = bytes.iter().zip(bytes.iter().skip(1).map(Some).chain([None]));
    followed.filter(|&(&byte, next)| byte != b'\r' || next != Some(&b'\n')).map(|(&byte, _)| byte).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;
    use crate::capture::git::git_state;
    use crate::capture::git::scratch::Scratch;

    #[test]
    fn the_working_tree_is_compared_byte_by_byte() {
        let scratch = Scratch::new();
        scratch.write("a", "one\n").write("b/c", "two").commit_all();
        let dirty = || {
            (
                scratch.capture("HEAD", "").unwrap().place.work_tree,
                git_state(&scratch.path().join("b")).unwrap().work_tree,
            )
        };
        scratch.write("untracked", "x");
        assert_eq!(dirty(), (WorkTree::Clean, WorkTree::Clean));
        scratch.write("a", "ONE\n");
        assert_eq!(dirty(), (WorkTree::Dirty, WorkTree::Dirty));
        assert_eq!(scratch.capture("HEAD", "b").unwrap().place.work_tree, WorkTree::Clean);
        scratch.write("a", "one\r\n");
        assert_eq!(dirty(), (WorkTree::Unknown, WorkTree::Unknown));
        scratch.write("a", "one\n");
        fs::set_permissions(scratch.path().join("a"), fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(dirty().0, WorkTree::Dirty);
        fs::remove_file(scratch.path().join("a")).unwrap();
        assert_eq!(dirty().0, WorkTree::Dirty);
        symlink("b/c", scratch.path().join("a")).unwrap();
        assert_eq!(dirty().0, WorkTree::Dirty);
    }

    #[test]
    fn git_lfs_pointers_are_counted_and_leave_the_working_tree_unknown() {
        let scratch = Scratch::new();
        let pointer = [LFS_POINTER, b"oid sha256:00\nsize 7\n"].concat();
        scratch.write("model.bin", pointer).commit_all();
        scratch.write("model.bin", "content");
        let capture = scratch.capture("HEAD", "").unwrap();
        assert_eq!((capture.lfs_pointers, capture.place.work_tree), (1, WorkTree::Unknown));
    }
    #[test]
    fn only_carriage_returns_before_line_feeds_are_dropped() {
        assert_eq!(without_carriage_returns(b"\r\na\rb\r\r\n\r"), b"\na\rb\r\n\r");
        assert_eq!(without_carriage_returns(b""), b"");
    }
}

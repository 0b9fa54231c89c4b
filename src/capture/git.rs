//! A path at a revision of a git repository, read from the object store and from nothing else.
//!
//! No checkout, no index, no `status`: nothing that could run a filter, a hook, a monitor or any other program that a
//! repository's configuration names, and git itself is never started. Submodules and names such as `.git` in a tree are
//! refused; so is a repository whose objects or working tree lie outside it. Objects are hashed again as
//! they are read. The identity of what was captured is the BLAKE3 tree; git's SHA-1 ids only say where it was found.
//!
//! Holes: libgit2 reads the user's and the system's git configuration (for `safe.directory`, which is honoured).
//! Replacement references are ignored, so the objects are those that the ids name.
//!
//! Only this folder names `git2`. Objects: <https://git-scm.com/book/en/v2/Git-Internals-Git-Objects>

mod blob;
mod error;
mod listing;
mod store;
mod versions;
mod work_tree;

pub use blob::blob_id;
pub use error::GitError;
pub use versions::{GitHistory, GitVersion, git_blob, git_versions};

use std::path::Path;

use crate::artifact::tree::{FileMode, TreeLeaf, TreeNode, TreePath};
use crate::capture::git::listing::{Entry, EntryKind, File};
use crate::capture::git::store::Store;
use crate::capture::open::Shown;
use crate::capture::walk::MAX_DEPTH;
use crate::digest::FileDigest;
use crate::statement::{GitPlace, WorkTree};

/// A path at a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GitCapture {
    /// Commit, object and path, and whether the working tree has the same there, byte by byte (untracked files do not
    /// count; where a filter for line ends or Git LFS stands between the two, it is unknown).
    pub place: GitPlace,
    /// When it was committed, in Unix seconds, by its own word.
    pub committed: i64,
    /// What stands at the path.
    pub content: GitContent,
    /// Files that are only pointers to content kept elsewhere by Git LFS.
    pub lfs_pointers: u64,
}

/// What stands at a path of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GitContent {
    /// A file.
    File {
        /// Whether it may be executed.
        mode: FileMode,
        /// Its bytes.
        size: u64,
        /// BLAKE3 of its bytes.
        digest: FileDigest,
    },
    /// A folder: its leaves, sorted by path, relative to it.
    Tree(Vec<TreeLeaf>),
}

/// Reads `path` (empty or `.` for everything) at `revision` from the repository in the folder `repository`.
pub fn git_path_at(repository: &Path, revision: &str, path: &str) -> Result<GitCapture, GitError> {
    let store = Store::open(repository)?;
    let refuse = |source| GitError::Revision { revision: revision.to_owned(), source };
    let commit = store.repository.revparse_single(revision).map_err(refuse)?.peel_to_commit().map_err(refuse)?;
    let commit_id = commit.id();

    let place = match path.trim_end_matches('/') {
        "" | "." => None,
        text => Some(TreePath::parse(text)?),
    };
    let entry = match &place {
        None => Entry { name: String::new(), kind: EntryKind::Folder, id: commit.tree_id() },
        Some(place) => store
            .find(commit.tree_id(), place)?
            .ok_or_else(|| GitError::NoPath { path: place.clone(), commit: commit_id })?,
    };
    let mut lfs_pointers = 0;
    let (content, files) = if let (EntryKind::Leaf(mode), Some(path)) = (entry.kind, place.clone()) {
        let file = File { path, mode, id: entry.id };
        let content = match store.read(&file, &mut lfs_pointers)? {
            TreeNode::File { mode, size, digest } => GitContent::File { mode, size, digest },
            TreeNode::Link { target } => {
                return Err(GitError::Link { path: file.path, target: Shown::bytes(target.as_bytes()) });
            }
        };
        (content, vec![file])
    } else {
        let files = store.list(entry.id)?;
        let leaves = store.export(&files, &mut lfs_pointers)?;
        let full = |file: File| -> Result<File, GitError> {
            match &place {
                None => Ok(file),
                Some(folder) => Ok(File { path: TreePath::parse(format!("{folder}/{}", file.path))?, ..file }),
            }
        };
        (GitContent::Tree(leaves), files.into_iter().map(full).collect::<Result<_, _>>()?)
    };
    let committed = commit.time().seconds();
    let place = GitPlace {
        commit: commit_id.to_string(),
        object: Some(entry.id.to_string()),
        path: place.map(|place| place.to_string()),
        work_tree: store.compare(&files),
    };
    Ok(GitCapture { place, committed, content, lfs_pointers })
}

/// The commit checked out around `folder`, and whether the working tree agrees with it.
///
/// Best effort: nothing where there is no repository, no commit yet, or one that cannot be read safely.
pub fn git_state(folder: &Path) -> Option<GitPlace> {
    let folder = folder.canonicalize().ok()?;
    let repository = folder.ancestors().take(MAX_DEPTH).find(|at| at.join(".git").symlink_metadata().is_ok())?;
    let store = Store::open(repository).ok()?;
    let commit = store.repository.head().and_then(|head| head.peel_to_commit()).ok()?;
    let work_tree = store.list(commit.tree_id()).map_or(WorkTree::Unknown, |files| store.compare(&files));
    let path = folder.strip_prefix(repository).ok()?.to_str().filter(|path| !path.is_empty()).map(str::to_owned);
    Some(GitPlace { commit: commit.id().to_string(), object: None, path, work_tree })
}

#[cfg(test)]
mod scratch;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::scratch::Scratch;
    use super::*;
    use crate::artifact::tree::{TreeError, tree_manifest};
    use crate::capture::hash::{HashOptions, Silent};
    use crate::capture::walk::walk_folder;

    fn leaves(capture: GitCapture) -> Vec<TreeLeaf> {
        match capture.content {
            GitContent::Tree(leaves) => leaves,
            GitContent::File { .. } => panic!("a file"),
        }
    }

    #[test]
    fn a_folder_at_a_revision_is_the_tree_that_a_walk_of_it_gives() {
        let scratch = Scratch::new();
        scratch.write("spec/a.md", "a").write("spec/sub/run.sh", "#!").write("other", "x");
        fs::set_permissions(scratch.path().join("spec/sub/run.sh"), fs::Permissions::from_mode(0o755)).unwrap();
        symlink("a.md", scratch.path().join("spec/link")).unwrap();
        let commit = scratch.commit_all();
        let capture = scratch.capture("HEAD", "spec/").unwrap();
        assert_eq!(capture.place.commit, commit.to_string());
        assert_eq!(capture.place.path.as_deref(), Some("spec"));
        assert_eq!(capture.place.work_tree, WorkTree::Clean);
        assert_eq!((capture.committed, capture.lfs_pointers), (1_700_000_000, 0));
        let walked = walk_folder(&scratch.path().join("spec"), &HashOptions::default(), &Silent).unwrap();
        assert_eq!(leaves(capture), walked.leaves);
        tree_manifest(leaves(scratch.capture("HEAD", ".").unwrap())).unwrap();
    }

    #[test]
    fn a_file_is_read_as_it_was_at_the_revision() {
        let scratch = Scratch::new();
        scratch.write("spec.md", "one").commit_all();
        scratch.write("spec.md", "two, longer").commit_all();
        let content = |revision: &str| scratch.capture(revision, "spec.md").unwrap().content;
        let file = |bytes: &[u8]| GitContent::File {
            mode: FileMode::Plain,
            size: bytes.len() as u64,
            digest: FileDigest::of(bytes),
        };
        assert_eq!(content("HEAD~1"), file(b"one"));
        assert_eq!(content("HEAD"), file(b"two, longer"));
        assert_eq!(scratch.capture("HEAD~1", "spec.md").unwrap().place.work_tree, WorkTree::Dirty);
        let bare = git_path_at(&scratch.path().join(".git"), "HEAD", "spec.md").unwrap();
        assert_eq!((bare.content, bare.place.work_tree), (file(b"two, longer"), WorkTree::Unknown));
    }
    #[test]
    fn nothing_that_a_hostile_repository_names_is_executed() {
        let scratch = Scratch::new();
        let outside = tempfile::tempdir().unwrap();
        let canary = outside.path().join("canary");
        let command = format!("touch {}", canary.display());
        scratch.write("a.txt", "a").write(".gitattributes", "* filter=evil diff=evil text=auto\n").commit_all();
        let mut config = scratch.repository.config().unwrap();
        for name in [
            "core.fsmonitor",
            "core.sshCommand",
            "core.pager",
            "core.editor",
            "core.askPass",
            "diff.external",
            "diff.evil.textconv",
            "diff.evil.command",
            "filter.evil.clean",
            "filter.evil.smudge",
            "filter.evil.process",
            "uploadpack.packObjectsHook",
            "credential.helper",
            "gpg.program",
            "alias.rev-parse",
        ] {
            config.set_str(name, &command).unwrap();
        }
        config.set_bool("filter.evil.required", true).unwrap();
        for hook in ["post-checkout", "post-index-change", "fsmonitor-watchman", "reference-transaction", "pre-commit"]
        {
            let hook = scratch.path().join(".git/hooks").join(hook);
            fs::create_dir_all(hook.parent().unwrap()).unwrap();
            fs::write(&hook, format!("#!/bin/sh\n{command}\n")).unwrap();
            fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
        }
        for revision in ["HEAD", "HEAD^{tree}", "@", "main", "--upload-pack=x", ":/x"] {
            let _ = scratch.capture(revision, "");
        }
        scratch.write("a.txt", "changed");
        assert_eq!(scratch.capture("HEAD", "").unwrap().place.work_tree, WorkTree::Dirty);
        assert_eq!(git_state(&scratch.path()).unwrap().work_tree, WorkTree::Dirty);
        assert!(!canary.exists());
    }

    #[test]
    fn what_is_not_there_is_named() {
        let scratch = Scratch::new();
        assert!(matches!(scratch.capture("HEAD", ""), Err(GitError::Revision { .. })));
        assert_eq!(git_state(&scratch.path()), None);
        let commit = scratch.write("a/b", "b").commit_all();
        let text = scratch.capture("HEAD", "a/c").unwrap_err().to_string();
        assert_eq!(text, format!("there is no `a/c` at commit {commit}"));
        assert!(matches!(scratch.capture("HEAD", "a/b/c"), Err(GitError::NoPath { .. })));
        assert_eq!(scratch.capture("v9", "a").unwrap_err().to_string(), "`v9` names no commit in this repository");
        for path in ["../a", "/a", "a//b", "./a"] {
            assert!(matches!(scratch.capture("HEAD", path), Err(GitError::Tree(TreeError::Path { .. }))), "{path}");
        }
        symlink("a/b", scratch.path().join("link")).unwrap();
        scratch.commit_all();
        assert!(matches!(scratch.capture("HEAD", "link"), Err(GitError::Link { .. })));
    }
}

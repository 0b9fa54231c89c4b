//! Repositories that the tests of this folder make, through libgit2: no git program is needed.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::path::PathBuf;

use git2::{IndexAddOption, ObjectType, Oid, Repository, Signature, Time};

use super::{GitCapture, GitError, git_path_at};

/// A repository with a working tree.
pub(super) struct Scratch {
    pub(super) folder: tempfile::TempDir,
    pub(super) repository: Repository,
}

/// Who commits, and when.
pub(super) fn who() -> Signature<'static> {
    Signature::new("t", "t@example.org", &Time::new(1_700_000_000, 0)).unwrap()
}

impl Scratch {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let repository = Repository::init(folder.path()).unwrap();
        Self { folder, repository }
    }

    pub(super) fn path(&self) -> PathBuf {
        self.folder.path().canonicalize().unwrap()
    }

    pub(super) fn write(&self, relative: &str, bytes: impl AsRef<[u8]>) -> &Self {
        fs::create_dir_all(self.path().join(relative).parent().unwrap()).unwrap();
        fs::write(self.path().join(relative), bytes).unwrap();
        self
    }

    pub(super) fn commit_all(&self) -> Oid {
        let mut index = self.repository.index().unwrap();
        index.add_all(["*"], IndexAddOption::FORCE, None).unwrap();
        index.write().unwrap();
        self.commit_tree(index.write_tree().unwrap())
    }

    pub(super) fn commit_tree(&self, tree: Oid) -> Oid {
        let who = who();
        let tree = self.repository.find_tree(tree).unwrap();
        let parent = self.repository.head().and_then(|head| head.peel_to_commit()).ok();
        self.repository.commit(Some("HEAD"), &who, &who, "m", &tree, &parent.iter().collect::<Vec<_>>()).unwrap()
    }

    /// A commit of one tree whose bytes no git would write.
    pub(super) fn commit_raw(&self, entries: &[(&str, &[u8], Oid)]) {
        let mut bytes = Vec::new();
        for (mode, name, id) in entries {
            bytes.extend_from_slice(format!("{mode} ").as_bytes());
            bytes.extend_from_slice(name);
            bytes.push(0);
            bytes.extend_from_slice(id.as_bytes());
        }
        let tree = self.repository.odb().unwrap().write(ObjectType::Tree, &bytes).unwrap();
        self.commit_tree(tree);
    }

    pub(super) fn blob(&self, bytes: &[u8]) -> Oid {
        self.repository.blob(bytes).unwrap()
    }

    pub(super) fn capture(&self, revision: &str, path: &str) -> Result<GitCapture, GitError> {
        git_path_at(&self.path(), revision, path)
    }

    pub(super) fn refusal(&self) -> String {
        let text = self.capture("HEAD", "").unwrap_err().to_string();
        text.replace(self.path().to_str().unwrap(), "ROOT")
    }
}

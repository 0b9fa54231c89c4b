//! Folders that the tests of this folder make and walk.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::path::PathBuf;

use crate::artifact::tree::{FileMode, TreeLeaf, TreeNode, TreePath};
use crate::capture::hash::{HashOptions, Silent};
use crate::capture::open::CaptureError;
use crate::capture::walk::{Tree, walk_folder};
use crate::digest::FileDigest;

pub(super) struct Scratch(pub(super) tempfile::TempDir);

impl Scratch {
    pub(super) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(super) fn at(&self, relative: &str) -> PathBuf {
        self.0.path().join(relative)
    }

    pub(super) fn write(&self, relative: &str, bytes: impl AsRef<[u8]>) -> &Self {
        fs::create_dir_all(self.at(relative).parent().unwrap()).unwrap();
        fs::write(self.at(relative), bytes).unwrap();
        self
    }

    pub(super) fn walk(&self) -> Result<Tree, CaptureError> {
        walk_folder(self.0.path(), &HashOptions::default(), &Silent)
    }

    pub(super) fn refusal(&self) -> String {
        self.walk().unwrap_err().to_string().replace(self.0.path().to_str().unwrap(), "ROOT")
    }
}

pub(super) fn paths(tree: &Tree) -> Vec<&str> {
    tree.leaves.iter().map(|leaf| leaf.path.as_str()).collect()
}

pub(super) fn file_leaf(path: &str, bytes: &[u8]) -> TreeLeaf {
    let node = TreeNode::File { mode: FileMode::Plain, size: bytes.len() as u64, digest: FileDigest::of(bytes) };
    TreeLeaf { path: TreePath::parse(path).unwrap(), node }
}

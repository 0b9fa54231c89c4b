//! The bytes of a commit's files and links: as leaves of a tree, and by the id that git gives them.

use std::collections::BTreeMap;

use git2::{ObjectType, Oid};

use crate::artifact::tree::{FileMode, MAX_TARGET_BYTES, Mode, TreeLeaf, TreeNode};
use crate::capture::git::error::GitError;
use crate::capture::git::listing::File;
use crate::capture::git::store::Store;
use crate::capture::open::Shown;
use crate::digest::FileDigest;

/// Larger blobs are refused: libgit2 reads them whole into memory.
const MAX_BLOB_BYTES: usize = 512 << 20;

/// First line of a Git LFS pointer: <https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md>
pub(super) const LFS_POINTER: &[u8] = b"version https://git-lfs.github.com/spec/v1\n";

/// Git's id of a file with these bytes. It is SHA-1: it finds a file where others name it so, and proves little.
pub fn blob_id(bytes: &[u8]) -> Option<String> {
    Oid::hash_object(ObjectType::Blob, bytes).ok().map(|id| id.to_string())
}

impl Store {
    /// The leaves of `files`; equal blobs are read once.
    pub(super) fn export(&self, files: &[File], lfs_pointers: &mut u64) -> Result<Vec<TreeLeaf>, GitError> {
        let mut known: BTreeMap<(Oid, Mode), (TreeNode, u64)> = BTreeMap::new();
        let mut leaves = Vec::with_capacity(files.len());
        for file in files {
            let key = (file.id, file.mode);
            let (node, pointers) = if let Some(known) = known.get(&key) {
                known.clone()
            } else {
                let mut pointers = 0;
                let node = self.read(file, &mut pointers)?;
                known.insert(key, (node.clone(), pointers));
                (node, pointers)
            };
            *lfs_pointers += pointers;
            leaves.push(TreeLeaf { path: file.path.clone(), node });
        }
        Ok(leaves)
    }

    pub(super) fn read(&self, file: &File, lfs_pointers: &mut u64) -> Result<TreeNode, GitError> {
        let mode = match file.mode {
            Mode::Link => {
                let target = self.object(file.id, ObjectType::Blob, MAX_TARGET_BYTES, <[u8]>::to_vec)?;
                let target =
                    String::from_utf8(target).map_err(|e| GitError::NotUtf8 { name: Shown::bytes(e.as_bytes()) })?;
                return Ok(TreeNode::Link { target });
            }
            Mode::Plain => FileMode::Plain,
            Mode::Executable => FileMode::Executable,
        };
        self.object(file.id, ObjectType::Blob, MAX_BLOB_BYTES, |bytes| {
            *lfs_pointers += u64::from(bytes.starts_with(LFS_POINTER));
            TreeNode::File { mode, size: bytes.len() as u64, digest: FileDigest::of(bytes) }
        })
    }
}

//! Every version that a file had in a repository's history, oldest first.
//!
//! History is that of first parents: what the branch itself held, commit by commit. A version is a change of the file's
//! bytes; a commit that left them alone is none, and a change back to earlier bytes is one. A file that was moved with
//! its bytes unchanged is followed to its old name where only one file of the earlier commit can be meant.

use std::path::Path;

use git2::{Commit, ObjectType, Oid};

use crate::artifact::tree::{Mode, TreePath};
use crate::capture::git::error::GitError;
use crate::capture::git::listing::{Entry, EntryKind};
use crate::capture::git::store::Store;
use crate::digest::FileDigest;
use crate::statement::{GitPlace, WorkTree};

/// Versions that are read; a spec has tens.
const MAX_VERSIONS: usize = 1000;

/// Commits that are looked at: more than any repository of specs has, and a minute's work at most.
const MAX_COMMITS: usize = 200_000;

/// Larger versions are refused.
const MAX_VERSION_BYTES: usize = 64 << 20;

/// One version of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GitVersion<T> {
    /// The commit that brought it, its object and the path it had there.
    pub place: GitPlace,
    /// When it was committed, in Unix seconds, by its own word.
    pub committed: i64,
    /// First line of the commit's message.
    pub summary: String,
    /// Its bytes.
    pub size: u64,
    /// BLAKE3 of its bytes.
    pub digest: FileDigest,
    /// What was read of its bytes.
    pub read: T,
}

/// The versions of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GitHistory<T> {
    /// Oldest first.
    pub versions: Vec<GitVersion<T>>,
    /// Why there may be older ones.
    pub cut: Option<&'static str>,
}

/// Where a version came from: commit, blob, path.
type Change = (Oid, Oid, TreePath);

/// Reads every version of the file at `path` in the history of `revision`; `read` gets the bytes of each.
pub fn git_versions<T>(
    repository: &Path,
    revision: &str,
    path: &str,
    read: impl Fn(&[u8]) -> T,
) -> Result<GitHistory<T>, GitError> {
    let store = Store::open(repository)?;
    let refuse = |source| GitError::Revision { revision: revision.to_owned(), source };
    let newest = store.repository.revparse_single(revision).map_err(refuse)?.peel_to_commit().map_err(refuse)?;
    let path = TreePath::parse(path.trim_end_matches('/'))?;
    let (changes, cut) = store.changes(newest, path)?;
    let mut versions = Vec::with_capacity(changes.len());
    for (commit, blob, path) in changes.into_iter().rev() {
        let commit = store.commit(commit)?;
        let (size, digest, read) = store.object(blob, ObjectType::Blob, MAX_VERSION_BYTES, |bytes| {
            (bytes.len() as u64, FileDigest::of(bytes), read(bytes))
        })?;
        let place = GitPlace {
            commit: commit.id().to_string(),
            object: Some(blob.to_string()),
            path: Some(path.to_string()),
            // The working tree has one state, not one for every commit.
            work_tree: WorkTree::Unknown,
        };
        let summary = String::from_utf8_lossy(commit.summary_bytes().unwrap_or_default()).into_owned();
        versions.push(GitVersion { place, committed: commit.time().seconds(), summary, size, digest, read });
    }
    Ok(GitHistory { versions, cut })
}

/// The bytes of the blob with this id in the repository, where it is there.
pub fn git_blob(repository: &Path, id: &str, limit: usize) -> Result<Vec<u8>, GitError> {
    let store = Store::open(repository)?;
    let refuse = |source| GitError::Revision { revision: id.to_owned(), source };
    store.object(Oid::from_str(id).map_err(refuse)?, ObjectType::Blob, limit, <[u8]>::to_vec)
}

impl Store {
    fn commit(&self, id: Oid) -> Result<Commit<'_>, GitError> {
        self.repository.find_commit(id).map_err(|source| GitError::Object { id, source })
    }

    /// The commits that changed the file, newest first.
    fn changes(&self, newest: Commit<'_>, path: TreePath) -> Result<(Vec<Change>, Option<&'static str>), GitError> {
        let mut changes: Vec<Change> = Vec::new();
        let (mut commit, mut path) = (newest, path);
        let mut blob = self.blob(commit.tree_id(), &path)?;
        if blob.is_none() {
            return Err(match self.find(commit.tree_id(), &path)? {
                Some(_) => GitError::NotAFile { path },
                None => GitError::NoPath { path, commit: commit.id() },
            });
        }
        for _ in 0..MAX_COMMITS {
            let Some(parent) = commit.parent_ids().next() else {
                changes.extend(blob.map(|blob| (commit.id(), blob, path.clone())));
                return Ok((changes, None));
            };
            let Ok(parent) = self.repository.find_commit(parent) else {
                changes.extend(blob.map(|blob| (commit.id(), blob, path.clone())));
                return Ok((changes, Some("the history ends in a commit that is not here (a shallow clone?)")));
            };
            if parent.tree_id() != commit.tree_id() {
                let before = self.blob(parent.tree_id(), &path)?;
                let moved = match (before, blob) {
                    (None, Some(blob)) => self.moved_from(parent.tree_id(), commit.tree_id(), blob)?,
                    _ => None,
                };
                if let Some(old) = moved {
                    path = old;
                } else {
                    if let Some(blob) = blob.filter(|blob| before != Some(*blob)) {
                        changes.push((commit.id(), blob, path.clone()));
                        if changes.len() == MAX_VERSIONS {
                            return Ok((changes, Some("there are more versions than are read")));
                        }
                    }
                    blob = before;
                }
            }
            commit = parent;
        }
        changes.extend(blob.map(|blob| (commit.id(), blob, path.clone())));
        Ok((changes, Some("the history has more commits than are looked at")))
    }

    /// The blob of the file at `path`; nothing where there is no file.
    fn blob(&self, tree: Oid, path: &TreePath) -> Result<Option<Oid>, GitError> {
        let entry = self.find(tree, path)?;
        let is_file = |entry: &Entry| matches!(entry.kind, EntryKind::Leaf(Mode::Plain | Mode::Executable));
        Ok(entry.filter(is_file).map(|entry| entry.id))
    }

    /// The one path that held `blob` before and is gone after.
    fn moved_from(&self, before: Oid, after: Oid, blob: Oid) -> Result<Option<TreePath>, GitError> {
        let mut found = None;
        // A commit that cannot be listed (a submodule somewhere, too many files) is one in which nothing is followed.
        let Ok(files) = self.list(before) else { return Ok(None) };
        for file in files.into_iter().filter(|file| file.id == blob && file.mode != Mode::Link) {
            if self.find(after, &file.path)?.is_none() && found.replace(file.path).is_some() {
                return Ok(None);
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::fs;

    use git2::IndexAddOption;

    use super::*;
    use crate::capture::git::scratch::{Scratch, who};

    impl Scratch {
        /// Commits a state of the whole working tree, on top of the given parents or of HEAD.
        fn commit(&self, files: &[(&str, &str)], parents: Option<&[Oid]>) -> Oid {
            for entry in fs::read_dir(self.folder.path()).unwrap().map(Result::unwrap) {
                if entry.file_name() != ".git" {
                    fs::remove_file(entry.path()).unwrap();
                }
            }
            for (path, text) in files {
                fs::write(self.folder.path().join(path), text).unwrap();
            }
            let mut index = self.repository.index().unwrap();
            index.clear().unwrap();
            index.add_all(["*"], IndexAddOption::FORCE, None).unwrap();
            let tree = self.repository.find_tree(index.write_tree().unwrap()).unwrap();
            let who = who();
            let head = || self.repository.head().and_then(|head| head.peel_to_commit()).ok().map(|head| head.id());
            let parents: Vec<Oid> = parents.map_or_else(|| head().into_iter().collect(), <[Oid]>::to_vec);
            let parents: Vec<_> = parents.iter().map(|id| self.repository.find_commit(*id).unwrap()).collect();
            let parents: Vec<_> = parents.iter().collect();
            let id = self.repository.commit(None, &who, &who, "first line\n\nmore", &tree, &parents).unwrap();
            self.repository.set_head_detached(id).unwrap();
            id
        }

        fn versions(&self, path: &str) -> Result<Vec<String>, GitError> {
            let history =
                git_versions(self.folder.path(), "HEAD", path, |bytes| String::from_utf8_lossy(bytes).into_owned())?;
            assert_eq!(history.cut, None);
            assert!(history.versions.iter().all(|version| version.digest == FileDigest::of(version.read.as_bytes())));
            Ok(history.versions.into_iter().map(|version| version.read).collect())
        }
    }

    #[test]
    fn a_version_is_a_change_of_bytes_on_the_line_of_first_parents() {
        let scratch = Scratch::new();
        let root = scratch.commit(&[("spec", "1")], None);
        scratch.commit(&[("spec", "1"), ("other", "x")], None);
        let main = scratch.commit(&[("spec", "2")], None);
        let side = scratch.commit(&[("spec", "side")], Some(&[root]));
        scratch.commit(&[("spec", "merged")], Some(&[main, side]));
        scratch.commit(&[], None);
        scratch.commit(&[("spec", "merged")], None);
        assert_eq!(scratch.versions("spec").unwrap(), ["1", "2", "merged", "merged"]);
    }

    #[test]
    fn a_move_is_followed_only_where_it_is_exact_and_can_be_only_one() {
        let scratch = Scratch::new();
        scratch.commit(&[("a", "1")], None);
        scratch.commit(&[("a", "2")], None);
        scratch.commit(&[("b", "2")], None);
        scratch.commit(&[("b", "3")], None);
        assert_eq!(scratch.versions("b").unwrap(), ["1", "2", "3"]);
        // A copy is no move, nor is one of two files with the same bytes, nor a move with a change.
        scratch.commit(&[("b", "3"), ("c", "3")], None);
        assert_eq!(scratch.versions("c").unwrap(), ["3"]);
        scratch.commit(&[("d", "3")], None);
        assert_eq!(scratch.versions("d").unwrap(), ["3"]);
        scratch.commit(&[("e", "4")], None);
        assert_eq!(scratch.versions("e").unwrap(), ["4"]);
    }

    #[test]
    fn what_is_no_file_is_refused_and_a_blob_is_had_by_its_id() {
        let scratch = Scratch::new();
        scratch.commit(&[("spec", "1")], None);
        assert!(matches!(scratch.versions("none"), Err(GitError::NoPath { .. })));
        assert!(matches!(scratch.versions("../spec"), Err(GitError::Tree(_))));
        let history = git_versions(scratch.folder.path(), "HEAD", "spec", |_| ()).unwrap();
        let version = &history.versions[0];
        assert_eq!((version.summary.as_str(), version.committed, version.size), ("first line", 1_700_000_000, 1));
        let object = version.place.object.clone().unwrap();
        assert_eq!(git_blob(scratch.folder.path(), &object, 1).unwrap(), b"1");
        assert!(matches!(git_blob(scratch.folder.path(), &object, 0), Err(GitError::TooLarge { .. })));
        assert!(matches!(git_blob(scratch.folder.path(), "zz", 1), Err(GitError::Revision { .. })));
        assert!(matches!(git_blob(scratch.folder.path(), &version.place.commit, 9999), Err(GitError::Object { .. })));
    }

    #[test]
    fn a_history_that_ends_in_a_commit_that_is_not_here_says_so() {
        let scratch = Scratch::new();
        let root = scratch.commit(&[("spec", "1")], None);
        scratch.commit(&[("spec", "2")], None);
        let id = root.to_string();
        fs::remove_file(scratch.folder.path().join(".git/objects").join(&id[..2]).join(&id[2..])).unwrap();
        let history = git_versions(scratch.folder.path(), "HEAD", "spec", <[u8]>::to_vec).unwrap();
        assert_eq!(history.versions.iter().map(|version| version.read.as_slice()).collect::<Vec<_>>(), [b"2"]);
        assert!(history.cut.unwrap().contains("shallow"));
    }
}

//! Hashes everything that a walk has listed: small files side by side, large ones one after the other.

use std::collections::BTreeMap;
use std::path::Path;

use rayon::prelude::*;

use crate::artifact::tree::{TreeLeaf, TreeNode};
use crate::capture::hash::{HashOptions, HashedFile, Progress, hash_large, hash_small, hashed_already};
use crate::capture::open::{CaptureError, OpenFile, Shown};
use crate::capture::parts::{HashedParts, Parts, hash_parts};
use crate::capture::walk::Tree;
use crate::capture::walk::listing::{Job, Place, Walk};
use crate::capture::walk::visit::{Told, Visit};

/// Larger files are hashed one after the other, each on every core; smaller ones side by side, each on one.
const LARGE: u64 = 32 << 20;

enum Found {
    Link(String),
    File(HashedFile),
    /// Too large for one thread; closed again, for there may be more of them than a process may have open.
    Large,
}

impl Walk {
    pub(super) fn hash(
        mut self,
        shown: &Path,
        parts: &BTreeMap<String, Parts>,
        options: &HashOptions,
        progress: &dyn Progress,
        visit: &dyn Visit,
    ) -> Result<(Tree, BTreeMap<String, HashedParts>), CaptureError> {
        if self.jobs.is_empty() {
            return Err(CaptureError::Empty { path: Shown::of(shown) });
        }
        // By path: the leaves' order, and close to the order on disk.
        self.jobs.par_sort_unstable_by(|a, b| a.path.cmp(&b.path));
        visit.listed(&self.jobs.iter().map(|job| &job.path).collect::<Vec<_>>());
        let find = |job: &Job| match (parts.get(job.path.as_str()), &job.place) {
            (Some(_), Place::File(_)) => Ok(Found::Large),
            _ => self.find(job, options, progress, visit),
        };
        let found = self.jobs.par_iter().map(find).collect::<Result<Vec<_>, _>>()?;

        let mut tree = Tree { left_out_ledger: self.left_out_ledger, ..Tree::default() };
        tree.leaves.reserve_exact(found.len());
        let mut in_parts = BTreeMap::new();
        for (found, job) in found.into_iter().zip(std::mem::take(&mut self.jobs)) {
            let file = match found {
                Found::Link(target) => {
                    tree.links += 1;
                    tree.leaves.push(TreeLeaf { path: job.path, node: TreeNode::Link { target } });
                    continue;
                }
                Found::File(file) => file,
                Found::Large => match parts.get(job.path.as_str()) {
                    Some(parts) => {
                        let hashed = hash_parts(&self.open(&job)?, parts, options, progress)?;
                        let file = hashed.file;
                        in_parts.insert(job.path.as_str().to_owned(), hashed);
                        file
                    }
                    None => hash_large(&self.open(&job)?, options, progress)?,
                },
            };
            let path = job.path;
            tree.files += 1;
            tree.bytes = tree.bytes.saturating_add(file.size());
            tree.sha256.extend(file.sha256.map(|sha256| (path.clone(), sha256)));
            let node = TreeNode::File { mode: file.mode, size: file.size(), digest: file.digest };
            tree.leaves.push(TreeLeaf { path, node });
        }
        self.check_folders()?;
        Ok((tree, in_parts))
    }

    fn open(&self, job: &Job) -> Result<OpenFile, CaptureError> {
        match &job.place {
            Place::Argument(path) => OpenFile::argument(path),
            Place::File(root) | Place::Link(root) => {
                let root = &self.roots[*root];
                OpenFile::beneath(&root.root, root.relative(&job.path))
            }
        }
    }

    fn find(
        &self,
        job: &Job,
        options: &HashOptions,
        progress: &dyn Progress,
        visit: &dyn Visit,
    ) -> Result<Found, CaptureError> {
        if let Place::Link(root) = &job.place {
            let root = &self.roots[*root];
            let target = root.root.link(root.relative(&job.path))?;
            return Ok(Found::Link(target));
        }
        if let Some(file) = self.known(job, options, progress) {
            return Ok(Found::File(file));
        }
        let open = self.open(job)?;
        if let Some(digest) = visit.visit(&job.path, &open)? {
            let told = Told(progress);
            let progress = if visit.is_told() { &told } else { progress };
            return hashed_already(&open, digest, options, progress).map(Found::File);
        }
        if open.stamp.size >= LARGE {
            return Ok(Found::Large);
        }
        Ok(Found::File(hash_small(&open, options, progress)?))
    }

    /// A file that is as it was when it was hashed before: one look, without opening it.
    fn known(&self, job: &Job, options: &HashOptions, progress: &dyn Progress) -> Option<HashedFile> {
        let known = progress.known().filter(|known| !known.is_empty())?;
        let Place::File(root) = &job.place else { return None };
        let root = &self.roots[*root];
        // That no folder on the way was swapped for a link is seen when all is done, by its own folder's stamp.
        let (stamp, mode) = root.root.look(root.relative(&job.path))?;
        let (digest, sha256) = known.look(&stamp, options.also).filter(|_| stamp.size <= options.max_bytes)?;
        Some(HashedFile { stamp, mode, digest, sha256 })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;
    use crate::artifact::tree::TreePath;
    use crate::capture::hash::{Also, Silent};
    use crate::capture::walk::scratch::{Scratch, file_leaf};
    use crate::capture::walk::walk_folder;
    use crate::digest::Sha256Digest;

    #[test]
    fn large_and_small_files_meet_in_one_tree() {
        let scratch = Scratch::new();
        let large = vec![7; usize::try_from(LARGE).unwrap() + 1];
        scratch.write("large", &large).write("small", "s");
        let tree = scratch.walk().unwrap();
        assert_eq!(tree.leaves, [file_leaf("large", &large), file_leaf("small", b"s")]);
        assert_eq!(tree.bytes, LARGE + 2);
        assert!(tree.sha256.is_empty());

        let options = HashOptions { also: Also::Sha256, ..HashOptions::default() };
        let both = walk_folder(scratch.0.path(), &options, &Silent).unwrap();
        let sha256 = |path: &str, bytes: &[u8]| (TreePath::parse(path).unwrap(), Sha256Digest::of(bytes));
        assert_eq!(both.leaves, tree.leaves);
        assert_eq!(both.sha256, BTreeMap::from([sha256("large", &large), sha256("small", b"s")]));
    }

    #[test]
    fn an_unreadable_file_is_named() {
        if rustix::process::geteuid().is_root() {
            return;
        }
        let scratch = Scratch::new();
        scratch.write("sub/a", "a");
        fs::set_permissions(scratch.at("sub/a"), fs::Permissions::from_mode(0o000)).unwrap();
        assert_eq!(scratch.refusal(), "`ROOT/sub/a` cannot be opened");
        fs::set_permissions(scratch.at("sub"), fs::Permissions::from_mode(0o000)).unwrap();
        assert_eq!(scratch.refusal(), "`ROOT/sub` cannot be opened");
        fs::set_permissions(scratch.at("sub"), fs::Permissions::from_mode(0o700)).unwrap();
    }

    /// A progress that acts once, while the walk is under way.
    struct Act<F: Fn() + Sync>(AtomicBool, F);

    impl<F: Fn() + Sync> Progress for Act<F> {
        fn add(&self, _: u64) {
            if !self.0.swap(true, Ordering::Relaxed) {
                (self.1)();
            }
        }
    }

    #[test]
    fn a_file_that_vanishes_or_appears_during_the_walk_is_an_error() {
        let scratch = Scratch::new();
        for i in 0..200 {
            scratch.write(&format!("d/{i:03}"), vec![0; 10_000]);
        }
        let walk = |act: &(dyn Fn() + Sync)| {
            let act = Act(AtomicBool::new(false), act);
            walk_folder(scratch.0.path(), &HashOptions::default(), &act)
        };
        let vanish = || (50..150).for_each(|i| fs::remove_file(scratch.at(&format!("d/{i:03}"))).unwrap());
        let error = walk(&vanish).unwrap_err();
        let expected = matches!(
            error,
            CaptureError::Vanished { .. } | CaptureError::FolderChanged { .. } | CaptureError::Changed { .. }
        );
        assert!(expected, "{error}");
        let appear = || {
            scratch.write("d/new", "x");
        };
        let error = walk(&appear).unwrap_err();
        assert!(matches!(error, CaptureError::FolderChanged { .. }), "{error}");
        scratch.walk().unwrap();
    }
}

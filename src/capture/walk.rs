//! A folder, or several paths, as the leaves of one tree.
//!
//! Links are recorded as links and never followed, so there are no loops and no way out of the root. Nothing is left out
//! silently: pipes, sockets, devices and names that no other system can read stop the walk, hidden files and `.git` are
//! files like others, and no ignore list is honoured. The one exception is the ledger's own folder ([`LEDGER_FOLDER`])
//! directly under the root, which would otherwise record itself; the result says when it was there. Empty folders have
//! no leaf. A folder that changes between the first look and the last file is refused.

mod hashing;
mod listing;
mod visit;

pub(crate) use visit::Visit;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::artifact::tree::{TreeLeaf, TreePath};
use crate::capture::hash::{HashOptions, HashedFile, Progress, hash_file};
use crate::capture::open::{CaptureError, argument_metadata};
use crate::capture::parts::{HashedParts, Parts};
use crate::capture::walk::listing::Walk;
use crate::capture::walk::visit::Unseen;
use crate::digest::Sha256Digest;

/// The folder of a ledger, left out where it stands directly under the root of a walk.
pub const LEDGER_FOLDER: &str = ".reproledger";

/// Deeper folders are refused; the walk would still end, but nobody nests so.
pub const MAX_DEPTH: usize = 128;

/// More leaves do not fit the largest manifest that is read back.
pub const MAX_LEAVES: usize = 10_000_000;

/// A folder, hashed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tree {
    /// Its files and links, sorted by path.
    pub leaves: Vec<TreeLeaf>,
    /// How many of the leaves are files.
    pub files: u64,
    /// How many are links.
    pub links: u64,
    /// Bytes in the files together.
    pub bytes: u64,
    /// SHA-256 of each file, where it was asked for. The tree's leaves have no place for it.
    pub sha256: BTreeMap<TreePath, Sha256Digest>,
    /// True when a ledger's own folder stood under the root and was left out.
    pub left_out_ledger: bool,
}

/// What the paths of a command turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Captured {
    /// One path, a file.
    File(HashedFile),
    /// One folder, or several paths under their own names.
    Tree(Tree),
}

/// Hashes what the user named: one file as itself, one folder as its tree, several paths as one tree of their names.
pub fn capture_paths(
    paths: &[PathBuf],
    options: &HashOptions,
    progress: &dyn Progress,
) -> Result<Captured, CaptureError> {
    match paths {
        [path] if argument_metadata(path)?.is_dir() => walk_folder(path, options, progress).map(Captured::Tree),
        [path] => hash_file(path, options, progress).map(Captured::File),
        paths => walk_paths(paths, options, progress).map(Captured::Tree),
    }
}

/// Hashes the folder at `path`; the leaves are relative to it.
pub fn walk_folder(path: &Path, options: &HashOptions, progress: &dyn Progress) -> Result<Tree, CaptureError> {
    walk_with_parts(path, &BTreeMap::new(), options, progress).map(|(tree, _)| tree)
}

/// The same, with parts of some of its files hashed in the same pass; both maps go by the path below the root.
pub(crate) fn walk_with_parts(
    path: &Path,
    parts: &BTreeMap<String, Parts>,
    options: &HashOptions,
    progress: &dyn Progress,
) -> Result<(Tree, BTreeMap<String, HashedParts>), CaptureError> {
    let mut walk = Walk::default();
    walk.list_folder(path, None)?;
    walk.hash(path, parts, options, progress, &Unseen)
}

/// The files and links below the folder at `path`, in the order of the leaves that they would be.
pub(crate) fn list_folder(path: &Path) -> Result<Vec<TreePath>, CaptureError> {
    let mut walk = Walk::default();
    walk.list_folder(path, None)?;
    walk.jobs.par_sort_unstable_by(|a, b| a.path.cmp(&b.path));
    Ok(walk.jobs.into_iter().map(|job| job.path).collect())
}

/// Hashes a folder, or several paths as one tree of their names, while `visit` reads along.
pub(crate) fn walk_visited(
    paths: &[PathBuf],
    options: &HashOptions,
    progress: &dyn Progress,
    visit: &dyn Visit,
) -> Result<Tree, CaptureError> {
    let mut walk = Walk::default();
    match paths {
        [path] => walk.list_folder(path, None)?,
        paths => walk.list_paths(paths)?,
    }
    let shown = paths.first().map_or(Path::new(""), PathBuf::as_path);
    walk.hash(shown, &BTreeMap::new(), options, progress, visit).map(|(tree, _)| tree)
}

/// Hashes several files and folders; each stands in the tree under its own name.
fn walk_paths(paths: &[PathBuf], options: &HashOptions, progress: &dyn Progress) -> Result<Tree, CaptureError> {
    let mut walk = Walk::default();
    walk.list_paths(paths)?;
    walk.hash(Path::new(""), &BTreeMap::new(), options, progress, &Unseen).map(|(tree, _)| tree)
}

#[cfg(test)]
mod scratch;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::scratch::{Scratch, file_leaf, paths};
    use super::*;
    use crate::artifact::tree::{FileMode, TreeNode, tree_manifest};
    use crate::capture::hash::Silent;
    use crate::digest::FileDigest;

    #[test]
    fn every_file_and_link_is_a_leaf_in_the_order_of_paths() {
        let scratch = Scratch::new();
        scratch.write("b", "b").write("a/x", "").write("a-b", "ab").write(".hidden/.git/config", "c");
        fs::create_dir(scratch.at("empty")).unwrap();
        symlink("../nowhere", scratch.at("link")).unwrap();
        fs::set_permissions(scratch.at("b"), fs::Permissions::from_mode(0o754)).unwrap();
        let tree = scratch.walk().unwrap();
        assert_eq!(paths(&tree), [".hidden/.git/config", "a-b", "a/x", "b", "link"]);
        assert_eq!((tree.files, tree.links, tree.bytes, tree.left_out_ledger), (4, 1, 4, false));
        assert_eq!(tree.leaves[1], file_leaf("a-b", b"ab"));
        let node = TreeNode::File { mode: FileMode::Executable, size: 1, digest: FileDigest::of(b"b") };
        assert_eq!(tree.leaves[3].node, node);
        assert_eq!(tree.leaves[4].node, TreeNode::Link { target: "../nowhere".to_owned() });
        tree_manifest(tree.leaves).unwrap();
    }

    #[test]
    fn several_paths_stand_under_their_own_names() {
        let scratch = Scratch::new();
        scratch.write("one/a", "a").write("one/b/c", "c").write("two/d", "d").write("three.txt", "3");
        let named = |names: &[&str]| names.iter().map(|name| scratch.at(name)).collect::<Vec<_>>();
        let options = HashOptions::default();
        let walk = |names: &[&str]| capture_paths(&named(names), &options, &Silent);
        let Captured::Tree(tree) = walk(&["two", "three.txt", "one"]).unwrap() else { panic!("a tree") };
        assert_eq!(paths(&tree), ["one/a", "one/b/c", "three.txt", "two/d"]);
        assert_eq!(tree.leaves[1], file_leaf("one/b/c", b"c"));
        assert_eq!(tree.leaves[2], file_leaf("three.txt", b"3"));

        let Captured::Tree(alone) = walk(&["one"]).unwrap() else { panic!("a tree") };
        assert_eq!(paths(&alone), ["a", "b/c"]);
        let Captured::File(file) = walk(&["three.txt"]).unwrap() else { panic!("a file") };
        assert_eq!(file.digest, FileDigest::of(b"3"));

        let up = [scratch.at("one"), scratch.at("two/..")];
        assert!(matches!(walk_paths(&up, &options, &Silent), Err(CaptureError::NoName { .. })));
        symlink("one", scratch.at("link")).unwrap();
        for names in [&["link"][..], &["link", "two"]] {
            let text = walk(names).unwrap_err().to_string();
            assert!(text.ends_with("link` is a link; name what it points to instead: `one`"), "{text}");
        }
    }

    #[test]
    fn the_same_content_gives_the_same_root_wherever_it_stands() {
        let (one, two) = (Scratch::new(), Scratch::new());
        for i in 0..100 {
            one.write(&format!("{}/{i}", i % 7), format!("{i}"));
            two.write(&format!("{}/{}", (99 - i) % 7, 99 - i), format!("{}", 99 - i));
        }
        let root = |scratch: &Scratch| tree_manifest(scratch.walk().unwrap().leaves).unwrap().root().unwrap();
        assert_eq!(root(&one), root(&two));
        two.write("3/3", "other");
        assert_ne!(root(&one), root(&two));
    }
}

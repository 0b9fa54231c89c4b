//! A folder, or several paths, as the leaves of one tree.
//!
//! Links are recorded as links and never followed, so there are no loops and no way out of the root. Nothing is left out
//! silently: pipes, sockets, devices and names that no other system can read stop the walk, hidden files and `.git` are
//! files like others, and no ignore list is honoured. The one exception is the ledger's own folder ([`LEDGER_FOLDER`])
//! directly under the root, which would otherwise record itself; the result says when it was there. Empty folders have
//! no leaf. A folder that changes between the first look and the last file is refused.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;
use rustix::fs::{AtFlags, Dir, FileType};

use crate::artifact::tree::{TreeError, TreeLeaf, TreeNode, TreePath};
use crate::capture::hash::{HashOptions, HashedFile, Progress, hash_file, hash_large, hash_small, hashed_already};
use crate::capture::known::KnownFiles;
use crate::capture::open::{CaptureError, FileStamp, OpenFile, Root, Shown, argument_metadata, io_error};
use crate::capture::parts::{HashedParts, Parts, hash_parts};
use crate::digest::{FileDigest, Sha256Digest};

/// The folder of a ledger, left out where it stands directly under the root of a walk.
pub const LEDGER_FOLDER: &str = ".reproledger";

/// Deeper folders are refused; the walk would still end, but nobody nests so.
pub const MAX_DEPTH: usize = 128;

/// More leaves do not fit the largest manifest that is read back.
pub const MAX_LEAVES: usize = 10_000_000;

/// Larger files are hashed one after the other, each on every core; smaller ones side by side, each on one.
const LARGE: u64 = 32 << 20;

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

/// Reads files as they are hashed, so that whoever needs what they hold need not read them again.
pub(crate) trait Visit: Sync {
    /// Whether who watches heard of the bytes already when they were read.
    fn is_told(&self) -> bool {
        false
    }

    /// Every path there is, in order, before the first is visited.
    fn listed(&self, _paths: &[&TreePath]) {}

    /// Reads a file from its first byte to its last and gives the digest of what it read; nothing where the file is of
    /// no interest. Called from many threads.
    fn visit(&self, path: &TreePath, open: &OpenFile) -> Result<Option<FileDigest>, CaptureError>;
}

/// Who watches, without being told again.
struct Told<'a>(&'a dyn Progress);

impl Progress for Told<'_> {
    fn add(&self, _: u64) {}

    fn known(&self) -> Option<&KnownFiles> {
        self.0.known()
    }
}

/// Nobody reads along.
struct Unseen;

impl Visit for Unseen {
    fn visit(&self, _: &TreePath, _: &OpenFile) -> Result<Option<FileDigest>, CaptureError> {
        Ok(None)
    }
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
pub fn walk_paths(paths: &[PathBuf], options: &HashOptions, progress: &dyn Progress) -> Result<Tree, CaptureError> {
    let mut walk = Walk::default();
    walk.list_paths(paths)?;
    walk.hash(Path::new(""), &BTreeMap::new(), options, progress, &Unseen).map(|(tree, _)| tree)
}

/// A leaf to be.
struct Job {
    path: TreePath,
    place: Place,
}

enum Place {
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

struct OpenRoot {
    root: Root,
    /// Bytes of a leaf's path that stand before the part below this root.
    prefix: usize,
}

impl OpenRoot {
    fn relative<'a>(&self, path: &'a TreePath) -> &'a str {
        &path.as_str()[self.prefix..]
    }
}

enum Found {
    Link(String),
    File(HashedFile),
    /// Too large for one thread; closed again, for there may be more of them than a process may have open.
    Large,
}

#[derive(Default)]
struct Walk {
    roots: Vec<OpenRoot>,
    folders: Vec<Listed>,
    jobs: Vec<Job>,
    left_out_ledger: bool,
}

impl Walk {
    fn list_paths(&mut self, paths: &[PathBuf]) -> Result<(), CaptureError> {
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

    fn list_folder(&mut self, path: &Path, name: Option<&str>) -> Result<(), CaptureError> {
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

    fn hash(
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

    /// Refuses a walk during which names came or went: its leaves were never together in the folder.
    fn check_folders(&self) -> Result<(), CaptureError> {
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
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::sync::atomic::{AtomicBool, Ordering};

    use crate::artifact::tree::{FileMode, tree_manifest};
    use crate::capture::hash::{Also, Silent};

    use super::*;

    struct Scratch(tempfile::TempDir);

    impl Scratch {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        fn at(&self, relative: &str) -> PathBuf {
            self.0.path().join(relative)
        }

        fn write(&self, relative: &str, bytes: impl AsRef<[u8]>) -> &Self {
            fs::create_dir_all(self.at(relative).parent().unwrap()).unwrap();
            fs::write(self.at(relative), bytes).unwrap();
            self
        }

        fn walk(&self) -> Result<Tree, CaptureError> {
            walk_folder(self.0.path(), &HashOptions::default(), &Silent)
        }

        fn refusal(&self) -> String {
            self.walk().unwrap_err().to_string().replace(self.0.path().to_str().unwrap(), "ROOT")
        }
    }

    fn paths(tree: &Tree) -> Vec<&str> {
        tree.leaves.iter().map(|leaf| leaf.path.as_str()).collect()
    }

    fn file_leaf(path: &str, bytes: &[u8]) -> TreeLeaf {
        let node = TreeNode::File { mode: FileMode::Plain, size: bytes.len() as u64, digest: FileDigest::of(bytes) };
        TreeLeaf { path: TreePath::parse(path).unwrap(), node }
    }

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

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
//! Only this file names `git2`. Objects: <https://git-scm.com/book/en/v2/Git-Internals-Git-Objects>

mod versions;

pub use versions::{GitHistory, GitVersion, MAX_COMMITS, MAX_VERSIONS, git_blob, git_versions};

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::Read;
use std::path::{Path, PathBuf};

use git2::{ErrorCode, ObjectType, Odb, Oid, Repository, RepositoryOpenFlags};

use crate::artifact::tree::{FileMode, MAX_TARGET_BYTES, Mode, TreeError, TreeLeaf, TreeNode, TreePath};
use crate::capture::open::{CaptureError, OpenFile, Root, Shown};
use crate::capture::walk::MAX_DEPTH;
use crate::digest::FileDigest;
use crate::statement::{GitPlace, WorkTree};

/// Larger blobs are refused: libgit2 reads them whole into memory.
pub const MAX_BLOB_BYTES: usize = 512 << 20;

/// Larger tree objects are refused; this one would list about 400,000 names.
const MAX_TREE_BYTES: usize = 16 << 20;

/// More leaves are refused: ten nested trees of ten equal entries would be ten thousand million files.
const MAX_GIT_LEAVES: usize = 1_000_000;

/// What comparing a working tree may read before the answer is "unknown".
const COMPARE_BYTES: u64 = 512 << 20;

/// How many files of a working tree are compared before the answer is "unknown".
const COMPARE_FILES: usize = 50_000;

/// First line of a Git LFS pointer: <https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md>
const LFS_POINTER: &[u8] = b"version https://git-lfs.github.com/spec/v1\n";

/// Git's id of a file with these bytes. It is SHA-1: it finds a file where others name it so, and proves little.
pub fn blob_id(bytes: &[u8]) -> Option<String> {
    Oid::hash_object(ObjectType::Blob, bytes).ok().map(|id| id.to_string())
}

/// Why a path at a revision was not captured.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum GitError {
    #[error("`{path}` is not a git repository; name the folder that holds `.git`")]
    NotARepository { path: Shown },
    #[error(
        "the git repository `{path}` belongs to another user; if you trust it, run \
         `git config --global --add safe.directory {path}`"
    )]
    Owner { path: Shown },
    #[error("the git repository `{path}` keeps its {part} elsewhere; name the repository that holds it")]
    Elsewhere { path: Shown, part: &'static str },
    #[error("the git repository `{path}` cannot be read")]
    Repository {
        path: Shown,
        #[source]
        source: git2::Error,
    },
    #[error("`{}` names no commit in this repository", .revision.escape_debug())]
    Revision {
        revision: String,
        #[source]
        source: git2::Error,
    },
    #[error("there is no `{path}` at commit {commit}")]
    NoPath { path: TreePath, commit: Oid },
    #[error("`{path}` is a link to `{target}` at this commit; name what it points to instead")]
    Link { path: TreePath, target: Shown },
    #[error("`{path}` is no file at this commit")]
    NotAFile { path: TreePath },
    #[error("`{path}` is a submodule; record it from its own repository")]
    Submodule { path: TreePath },
    #[error("`{path}` has a component that git itself would refuse to check out")]
    DotGit { path: TreePath },
    #[error("`{path}` has mode {found:#o}, which git does not use for files")]
    Mode { path: TreePath, found: i32 },
    #[error("the name `{name}` in the commit is not UTF-8")]
    NotUtf8 { name: Shown },
    #[error("the git object {id} has {size} bytes, the limit is {limit}")]
    TooLarge { id: Oid, size: usize, limit: usize },
    #[error("the commit holds more than {limit} files there")]
    TooMany { limit: usize },
    #[error("folders in the commit nest deeper than {limit}")]
    TooDeep { limit: usize },
    #[error("the folder holds no file at this commit")]
    Empty,
    #[error("the git object {id} is missing or damaged")]
    Object {
        id: Oid,
        #[source]
        source: git2::Error,
    },
    #[error(transparent)]
    Tree(#[from] TreeError),
}

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

/// A file or link of a commit.
struct File {
    path: TreePath,
    mode: Mode,
    id: Oid,
}

/// A line of a tree object.
struct Entry {
    name: String,
    kind: EntryKind,
    id: Oid,
}

#[derive(Clone, Copy)]
enum EntryKind {
    Folder,
    Leaf(Mode),
}

/// An object store that is all in one place.
struct Store {
    repository: Repository,
    /// The folder that holds `.git`, where the repository has a working tree.
    working_tree: Option<PathBuf>,
}

impl Store {
    fn open(path: &Path) -> Result<Self, GitError> {
        let shown = || Shown::of(path);
        // On by default; said here because everything below relies on it.
        git2::opts::strict_hash_verification(true);
        let folder = path.canonicalize().map_err(|_| GitError::NotARepository { path: shown() })?;
        let dot_git = folder.join(".git");
        let inside = match dot_git.symlink_metadata() {
            Ok(metadata) if metadata.is_dir() => &dot_git,
            // A file or link: a linked worktree, a submodule, or a trap.
            Ok(_) => return Err(GitError::Elsewhere { path: shown(), part: "`.git` folder" }),
            Err(_) => &folder,
        };
        let none: [&OsStr; 0] = [];
        let repository = Repository::open_ext(inside, RepositoryOpenFlags::NO_SEARCH, none).map_err(|source| {
            match source.code() {
                ErrorCode::Owner => GitError::Owner { path: shown() },
                ErrorCode::NotFound => GitError::NotARepository { path: shown() },
                _ => GitError::Repository { path: shown(), source },
            }
        })?;

        let same = |a: &Path, b: &Path| a.canonicalize().is_ok_and(|a| a == b);
        let elsewhere = |part| Err(GitError::Elsewhere { path: shown(), part });
        if !same(repository.path(), inside) || !same(repository.commondir(), inside) {
            return elsewhere("`.git` folder");
        }
        let objects = inside.join("objects");
        if !same(&objects, &objects)
            || objects.join("info/alternates").metadata().is_ok_and(|metadata| metadata.len() > 0)
        {
            return elsewhere("objects");
        }
        let working_tree = (inside == &dot_git).then_some(folder.clone());
        if let (Some(own), Some(configured)) = (&working_tree, repository.workdir())
            && !same(configured, own)
        {
            return elsewhere("working tree");
        }
        Ok(Self { repository, working_tree })
    }

    /// The bytes of an object, read only after its size was seen.
    fn object<T>(&self, id: Oid, kind: ObjectType, limit: usize, read: impl FnOnce(&[u8]) -> T) -> Result<T, GitError> {
        let damaged = |source| GitError::Object { id, source };
        let odb: Odb<'_> = self.repository.odb().map_err(damaged)?;
        let (size, found) = odb.read_header(id).map_err(damaged)?;
        if size > limit {
            return Err(GitError::TooLarge { id, size, limit });
        }
        if found != kind {
            return Err(damaged(git2::Error::from_str(&format!("it is a {found}, expected a {kind}"))));
        }
        let object = odb.read(id).map_err(damaged)?;
        Ok(read(object.data()))
    }

    fn entries(&self, id: Oid, folder: &str) -> Result<Vec<(TreePath, Entry)>, GitError> {
        // Reading it once through the object store checks size and hash before libgit2 parses it.
        self.object(id, ObjectType::Tree, MAX_TREE_BYTES, |_| ())?;
        let tree = self.repository.find_tree(id).map_err(|source| GitError::Object { id, source })?;
        let mut entries = Vec::with_capacity(tree.len());
        for entry in &tree {
            let name = std::str::from_utf8(entry.name_bytes())
                .map_err(|_| GitError::NotUtf8 { name: Shown::bytes(entry.name_bytes()) })?;
            let path = TreePath::parse(if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") })?;
            if name.contains('/') || is_dot_git(name) {
                return Err(GitError::DotGit { path });
            }
            let kind = match entry.filemode_raw() {
                0o040_000 => EntryKind::Folder,
                // Group-writable files, written by very old versions of git.
                0o100_644 | 0o100_664 => EntryKind::Leaf(Mode::Plain),
                0o100_755 => EntryKind::Leaf(Mode::Executable),
                0o120_000 => EntryKind::Leaf(Mode::Link),
                0o160_000 => return Err(GitError::Submodule { path }),
                found => return Err(GitError::Mode { path, found }),
            };
            entries.push((path, Entry { name: name.to_owned(), kind, id: entry.id() }));
        }
        Ok(entries)
    }

    /// The entry at `place`, found from the tree `root`.
    fn find(&self, root: Oid, place: &TreePath) -> Result<Option<Entry>, GitError> {
        let mut folder = root;
        let mut so_far = String::new();
        let mut components = place.as_str().split('/').peekable();
        while let Some(component) = components.next() {
            let entries = self.entries(folder, &so_far)?;
            let Some((path, entry)) = entries.into_iter().find(|(_, entry)| entry.name == component) else {
                return Ok(None);
            };
            match entry.kind {
                _ if components.peek().is_none() => return Ok(Some(entry)),
                EntryKind::Folder => folder = entry.id,
                EntryKind::Leaf(_) => return Ok(None),
            }
            path.as_str().clone_into(&mut so_far);
        }
        Ok(None)
    }

    /// Every file and link below the tree `root`, sorted by path.
    fn list(&self, root: Oid) -> Result<Vec<File>, GitError> {
        let mut files = Vec::new();
        let mut to_list = vec![(String::new(), root, 0)];
        while let Some((folder, id, depth)) = to_list.pop() {
            if depth > MAX_DEPTH {
                return Err(GitError::TooDeep { limit: MAX_DEPTH });
            }
            for (path, entry) in self.entries(id, &folder)? {
                if files.len() + to_list.len() >= MAX_GIT_LEAVES {
                    return Err(GitError::TooMany { limit: MAX_GIT_LEAVES });
                }
                match entry.kind {
                    EntryKind::Folder => to_list.push((path.as_str().to_owned(), entry.id, depth + 1)),
                    EntryKind::Leaf(mode) => files.push(File { path, mode, id: entry.id }),
                }
            }
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        if files.is_empty() { Err(GitError::Empty) } else { Ok(files) }
    }

    /// The leaves of `files`; equal blobs are read once.
    fn export(&self, files: &[File], lfs_pointers: &mut u64) -> Result<Vec<TreeLeaf>, GitError> {
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

    fn read(&self, file: &File, lfs_pointers: &mut u64) -> Result<TreeNode, GitError> {
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

    /// Compares by git's own ids, so that no blob need be read and no filter run.
    fn compare(&self, files: &[File]) -> WorkTree {
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

/// The names that lead into a repository's own folder on some system: any case, trailing dots and spaces, 8.3.
fn is_dot_git(name: &str) -> bool {
    let name = name.trim_end_matches(['.', ' ']).to_ascii_lowercase();
    // HFS+ ignores these inside names.
    let name = name.replace(|c| matches!(c, '\u{200c}' | '\u{200d}' | '\u{206a}'..='\u{206f}' | '\u{feff}'), "");
    name == ".git" || name == "git~1" || name.starts_with(".git:")
}

fn without_carriage_returns(bytes: &[u8]) -> Vec<u8> {
    let followed = bytes.iter().zip(bytes.iter().skip(1).map(Some).chain([None]));
    followed.filter(|&(&byte, next)| byte != b'\r' || next != Some(&b'\n')).map(|(&byte, _)| byte).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, chown, symlink};

    use crate::artifact::tree::tree_manifest;
    use crate::capture::hash::{HashOptions, Silent};
    use crate::capture::walk::walk_folder;

    use super::*;

    /// A repository with a working tree, built through libgit2: no git program is needed.
    struct Scratch {
        folder: tempfile::TempDir,
        repository: Repository,
    }

    impl Scratch {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let repository = Repository::init(folder.path()).unwrap();
            Self { folder, repository }
        }

        fn path(&self) -> PathBuf {
            self.folder.path().canonicalize().unwrap()
        }

        fn write(&self, relative: &str, bytes: impl AsRef<[u8]>) -> &Self {
            fs::create_dir_all(self.path().join(relative).parent().unwrap()).unwrap();
            fs::write(self.path().join(relative), bytes).unwrap();
            self
        }

        fn commit_all(&self) -> Oid {
            let mut index = self.repository.index().unwrap();
            index.add_all(["*"], git2::IndexAddOption::FORCE, None).unwrap();
            index.write().unwrap();
            self.commit_tree(index.write_tree().unwrap())
        }

        fn commit_tree(&self, tree: Oid) -> Oid {
            let who = git2::Signature::new("t", "t@example.org", &git2::Time::new(1_700_000_000, 0)).unwrap();
            let tree = self.repository.find_tree(tree).unwrap();
            let parent = self.repository.head().and_then(|head| head.peel_to_commit()).ok();
            self.repository.commit(Some("HEAD"), &who, &who, "m", &tree, &parent.iter().collect::<Vec<_>>()).unwrap()
        }

        /// A commit of one tree whose bytes no git would write.
        fn commit_raw(&self, entries: &[(&str, &[u8], Oid)]) {
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

        fn blob(&self, bytes: &[u8]) -> Oid {
            self.repository.blob(bytes).unwrap()
        }

        fn capture(&self, revision: &str, path: &str) -> Result<GitCapture, GitError> {
            git_path_at(&self.path(), revision, path)
        }

        fn refusal(&self) -> String {
            let text = self.capture("HEAD", "").unwrap_err().to_string();
            text.replace(self.path().to_str().unwrap(), "ROOT")
        }
    }

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
    fn a_repository_that_leads_elsewhere_is_refused() {
        let other = Scratch::new();
        other.write("secret", "x").commit_all();
        let elsewhere = |scratch: &Scratch, part: &str| {
            let expected =
                format!("the git repository `ROOT` keeps its {part} elsewhere; name the repository that holds it");
            assert_eq!(scratch.refusal(), expected);
            assert_eq!(git_state(&scratch.path()), None);
        };

        let scratch = Scratch::new();
        scratch.write("a", "a").commit_all();
        scratch.repository.config().unwrap().set_str("core.worktree", "/etc").unwrap();
        elsewhere(&scratch, "working tree");

        let scratch = Scratch::new();
        scratch.write("a", "a").commit_all();
        let alternate = other.path().join(".git/objects");
        fs::write(scratch.path().join(".git/objects/info/alternates"), alternate.to_str().unwrap()).unwrap();
        elsewhere(&scratch, "objects");

        let scratch = Scratch::new();
        scratch.write("a", "a").commit_all();
        fs::write(scratch.path().join(".git/commondir"), other.path().join(".git").to_str().unwrap()).unwrap();
        elsewhere(&scratch, "`.git` folder");

        let scratch = Scratch::new();
        fs::remove_dir_all(scratch.path().join(".git")).unwrap();
        scratch.write(".git", format!("gitdir: {}/.git\n", other.path().display()));
        elsewhere(&scratch, "`.git` folder");
        fs::remove_file(scratch.path().join(".git")).unwrap();
        symlink(other.path().join(".git"), scratch.path().join(".git")).unwrap();
        elsewhere(&scratch, "`.git` folder");
    }

    #[test]
    fn a_folder_inside_a_repository_is_not_the_repository() {
        let scratch = Scratch::new();
        scratch.write("sub/a", "a").commit_all();
        let error = git_path_at(&scratch.path().join("sub"), "HEAD", "").unwrap_err();
        assert!(error.to_string().ends_with("is not a git repository; name the folder that holds `.git`"), "{error}");
        let none = tempfile::tempdir().unwrap();
        assert!(matches!(git_path_at(none.path(), "HEAD", ""), Err(GitError::NotARepository { .. })));
        assert_eq!(git_state(none.path()), None);
    }

    #[test]
    fn a_repository_of_another_user_is_refused_with_the_remedy() {
        if !rustix::process::geteuid().is_root() {
            return;
        }
        let scratch = Scratch::new();
        scratch.write("a", "a").commit_all();
        for path in ["", ".git"] {
            chown(scratch.path().join(path), Some(12_345), Some(12_345)).unwrap();
        }
        let text = scratch.refusal();
        let expected = "the git repository `ROOT` belongs to another user; if you trust it, run \
                        `git config --global --add safe.directory ROOT`";
        assert_eq!(text, expected);
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

    #[test]
    fn hostile_tree_entries_are_refused_each_for_its_own_reason() {
        let scratch = Scratch::new();
        let blob = scratch.blob(b"x");
        let refused = |entries: &[(&str, &[u8], Oid)]| {
            scratch.commit_raw(entries);
            scratch.capture("HEAD", "").unwrap_err()
        };
        assert!(matches!(refused(&[("160000", b"module", blob)]), GitError::Submodule { .. }));
        for name in [".git", ".GIT", "git~1", ".git. ", ".g\u{200c}it"] {
            let error = refused(&[("100644", name.as_bytes(), blob)]);
            assert!(matches!(error, GitError::DotGit { .. }), "{name}: {error}");
        }
        for name in ["..", ".", "a/b", "a\\b", "a\nb"] {
            let error = refused(&[("100644", name.as_bytes(), blob)]);
            let sound = matches!(error, GitError::Tree(TreeError::Path { .. }) | GitError::DotGit { .. });
            assert!(sound, "{name}: {error}");
        }
        assert!(matches!(refused(&[("100644", b"\xff", blob)]), GitError::NotUtf8 { .. }));
        assert!(matches!(refused(&[("100777", b"a", blob)]), GitError::Mode { found: 0o100_777, .. }));
        let missing = Oid::from_str("00000000000000000000000000000000000000aa").unwrap();
        assert!(matches!(refused(&[("100644", b"a", missing)]), GitError::Object { .. }));
        assert!(matches!(refused(&[("40000", b"a", blob)]), GitError::Object { .. }));
        assert!(matches!(refused(&[("120000", b"a", scratch.blob(&[b'x'; 5000]))]), GitError::TooLarge { .. }));
        assert!(matches!(refused(&[]), GitError::Empty));
    }

    #[test]
    fn a_bomb_of_nested_trees_ends_early() {
        let scratch = Scratch::new();
        let odb = scratch.repository.odb().unwrap();
        let tree = |mode: &str, id: Oid| {
            let line = |i: u8| [mode.as_bytes(), b" ", &[b'a' + i], b"\0", id.as_bytes()].concat();
            odb.write(ObjectType::Tree, &(0..10).map(line).collect::<Vec<_>>().concat()).unwrap()
        };
        let mut bomb = tree("100644", scratch.blob(b"x"));
        for _ in 0..9 {
            bomb = tree("40000", bomb);
        }
        scratch.commit_tree(bomb);
        assert!(matches!(scratch.capture("HEAD", ""), Err(GitError::TooMany { limit: MAX_GIT_LEAVES })));
    }

    #[test]
    fn an_object_that_is_not_what_its_id_says_is_refused() {
        let scratch = Scratch::new();
        scratch.write("a", "good").commit_all();
        let object = |bytes: &[u8]| {
            let id = scratch.blob(bytes).to_string();
            scratch.path().join(".git/objects").join(&id[..2]).join(&id[2..])
        };
        let (good, evil) = (object(b"good"), object(b"evil"));
        fs::remove_file(&good).unwrap();
        fs::copy(evil, good).unwrap();
        let error = scratch.capture("HEAD", "a").unwrap_err();
        assert!(matches!(error, GitError::Object { .. }), "{error}");
    }

    #[test]
    fn only_carriage_returns_before_line_feeds_are_dropped() {
        assert_eq!(without_carriage_returns(b"\r\na\rb\r\r\n\r"), b"\na\rb\r\n\r");
        assert_eq!(without_carriage_returns(b""), b"");
    }
}

//! What the tree objects of a commit list: its folders, files and links, with every name that could do harm refused.

use git2::{ObjectType, Oid};

use crate::artifact::tree::{Mode, TreePath};
use crate::capture::git::error::GitError;
use crate::capture::git::store::Store;
use crate::capture::open::Shown;
use crate::capture::walk::MAX_DEPTH;

/// Larger tree objects are refused; this one would list about 400,000 names.
const MAX_TREE_BYTES: usize = 16 << 20;

/// More leaves are refused: ten nested trees of ten equal entries would be ten thousand million files.
pub(super) const MAX_GIT_LEAVES: usize = 1_000_000;

/// A file or link of a commit.
pub(super) struct File {
    pub(super) path: TreePath,
    pub(super) mode: Mode,
    pub(super) id: Oid,
}

/// A line of a tree object.
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) kind: EntryKind,
    pub(super) id: Oid,
}

#[derive(Clone, Copy)]
pub(super) enum EntryKind {
    Folder,
    Leaf(Mode),
}

impl Store {
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
    pub(super) fn find(&self, root: Oid, place: &TreePath) -> Result<Option<Entry>, GitError> {
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
    pub(super) fn list(&self, root: Oid) -> Result<Vec<File>, GitError> {
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
}

/// The names that lead into a repository's own folder on some system: any case, trailing dots and spaces, 8.3.
fn is_dot_git(name: &str) -> bool {
    let name = name.trim_end_matches(['.', ' ']).to_ascii_lowercase();
    // HFS+ ignores these inside names.
    let name = name.replace(|c| matches!(c, '\u{200c}' | '\u{200d}' | '\u{206a}'..='\u{206f}' | '\u{feff}'), "");
    name == ".git" || name == "git~1" || name.starts_with(".git:")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::artifact::tree::TreeError;
    use crate::capture::git::scratch::Scratch;

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
}

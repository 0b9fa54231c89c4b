//! Puts recorded inputs into a fresh working folder, read-only and each held to its digest while it is copied.
//!
//! Names come from somebody else's statement: nothing is written through a link or outside of the folder, and what is
//! there already is never written over.

use std::fs::{self, DirBuilder, File, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Component, Path, PathBuf};

use crate::artifact::tree::{FileMode, TreeLeaf, TreeNode};
use crate::capture::hash::{HashOptions, Progress};
use crate::capture::open::{CaptureError, OpenFile, Root, Shown};
use crate::capture::walk::walk_folder;
use crate::digest::{FileDigest, FileHasher};
use crate::rebuild::place::Place;

/// Bytes copied at a time.
const BLOCK: usize = 1 << 20;

/// Why an input could not be put where it belongs.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum MaterialError {
    #[error(transparent)]
    Capture(#[from] CaptureError),
    #[error("`{path}` changed while it was copied\n  recorded {recorded}\n  found    {found}")]
    Changed { path: Shown, recorded: FileDigest, found: FileDigest },
    #[error("`{path}` is wanted for two things")]
    Taken { path: Shown },
    #[error("`{path}` cannot be written")]
    Write {
        path: Shown,
        #[source]
        source: io::Error,
    },
}

/// A fresh working folder.
pub(super) struct WorkFolder {
    root: PathBuf,
}

impl WorkFolder {
    /// A new folder, which must not be there yet.
    pub(super) fn create(root: PathBuf) -> Result<Self, MaterialError> {
        fs::create_dir_all(&root).map_err(|source| MaterialError::Write { path: Shown::of(&root), source })?;
        Ok(Self { root })
    }

    /// Where it is.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Makes a folder in it, and those above.
    pub(super) fn folder(&self, place: &Place) -> Result<PathBuf, MaterialError> {
        let mut at = self.root.clone();
        for component in Path::new(place.as_str()).components() {
            let Component::Normal(name) = component else { continue };
            at.push(name);
            let refuse = |source| MaterialError::Write { path: Shown::of(&at), source };
            match at.symlink_metadata() {
                // A link of one input must not lead another astray.
                Ok(metadata) if !metadata.is_dir() => return Err(MaterialError::Taken { path: Shown::of(&at) }),
                Ok(_) => {}
                Err(_) => DirBuilder::new().create(&at).map_err(refuse)?,
            }
        }
        Ok(at)
    }

    /// Copies a file or a folder to its place: of a folder what was recorded of it (`leaves`), where that is known.
    /// `is_program` makes a file one that may be executed.
    pub(super) fn copy(
        &self,
        from: &Path,
        leaves: &[TreeLeaf],
        place: &Place,
        is_program: bool,
        progress: &dyn Progress,
    ) -> Result<(), MaterialError> {
        if from.is_dir() && !leaves.is_empty() {
            return self.copy_leaves(from, leaves, place);
        }
        if from.is_dir() {
            let tree = walk_folder(from, &HashOptions::default(), progress)?;
            return self.copy_leaves(from, &tree.leaves, place);
        }
        let open = OpenFile::argument(from)?;
        let mode = if is_program { FileMode::Executable } else { open.mode };
        let hashed = crate::capture::hash::hash_file(from, &HashOptions::default(), progress)?;
        self.write(&open, place, mode, hashed.digest)
    }

    fn copy_leaves(&self, from: &Path, leaves: &[TreeLeaf], place: &Place) -> Result<(), MaterialError> {
        let root = Root::argument(from)?;
        self.folder(place)?;
        for leaf in leaves {
            let path = leaf.path.as_str();
            let at = if place.as_str().is_empty() { path.to_owned() } else { format!("{}/{path}", place.as_str()) };
            let at = Place::of(&at, "/").map_err(|_| MaterialError::Taken { path: Shown::of(Path::new(path)) })?;
            match &leaf.node {
                TreeNode::File { mode, digest, .. } => {
                    self.write(&OpenFile::beneath(&root, path)?, &at, *mode, *digest)?;
                }
                TreeNode::Link { target } => {
                    let to = self.empty(&at)?;
                    symlink(target, &to).map_err(|source| MaterialError::Write { path: Shown::of(&to), source })?;
                }
            }
        }
        Ok(())
    }

    /// The path of a place where nothing stands yet, in a folder that is one.
    fn empty(&self, place: &Place) -> Result<PathBuf, MaterialError> {
        let above = match place.as_str().rsplit_once('/') {
            Some((above, _)) => Place::of(above, "/").ok(),
            None => None,
        };
        if let Some(above) = above {
            self.folder(&above)?;
        }
        let at = place.below(&self.root);
        match at.symlink_metadata() {
            Err(_) => Ok(at),
            Ok(_) => Err(MaterialError::Taken { path: Shown::of(&at) }),
        }
    }

    fn write(&self, from: &OpenFile, place: &Place, mode: FileMode, recorded: FileDigest) -> Result<(), MaterialError> {
        let at = self.empty(place)?;
        let refuse = |source| MaterialError::Write { path: Shown::of(&at), source };
        let bits = if mode == FileMode::Executable { 0o555 } else { 0o444 };
        let mut file = File::options().write(true).create_new(true).mode(0o600).open(&at).map_err(refuse)?;
        let mut hasher = FileHasher::new();
        let mut source = &from.file;
        let mut block = vec![0; BLOCK];
        loop {
            let read = source.read(&mut block).map_err(refuse)?;
            if read == 0 {
                break;
            }
            hasher.update(&block[..read]);
            file.write_all(&block[..read]).map_err(refuse)?;
        }
        from.check_unchanged()?;
        let found = hasher.finish();
        if found != recorded {
            return Err(MaterialError::Changed { path: Shown::of(&from.shown), recorded, found });
        }
        file.set_permissions(Permissions::from_mode(bits)).map_err(refuse)
    }

    /// True where a place can be looked at: nothing on the way to it is a link that the command may have put there.
    pub(super) fn is_plain(&self, place: &Place) -> bool {
        let mut at = self.root.clone();
        Path::new(place.as_str()).components().all(|component| {
            at.push(component);
            at.symlink_metadata().is_ok_and(|metadata| !metadata.file_type().is_symlink())
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use crate::capture::hash::Silent;

    use super::*;

    fn place(path: &str) -> Place {
        Place::of(path, "/").unwrap()
    }

    #[test]
    fn inputs_stand_at_their_places_and_cannot_be_written() {
        let folder = tempfile::tempdir().unwrap();
        let from = folder.path().join("from");
        fs::create_dir_all(from.join("deep")).unwrap();
        fs::write(from.join("deep/a.txt"), "a").unwrap();
        symlink("deep/a.txt", from.join("link")).unwrap();
        let work = WorkFolder::create(folder.path().join("work")).unwrap();
        work.copy(&from, &[], &place("corpus/x"), false, &Silent).unwrap();
        work.copy(&from.join("deep/a.txt"), &[], &place("bin/tool"), true, &Silent).unwrap();
        let mode = |path: &str| work.root().join(path).symlink_metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(fs::read(work.root().join("corpus/x/deep/a.txt")).unwrap(), b"a");
        assert_eq!((mode("corpus/x/deep/a.txt"), mode("bin/tool")), (0o444, 0o555));
        assert_eq!(fs::read_link(work.root().join("corpus/x/link")).unwrap(), Path::new("deep/a.txt"));
        let twice =
            work.copy(&from.join("deep/a.txt"), &[], &place("bin/tool"), true, &Silent).unwrap_err().to_string();
        assert!(twice.ends_with("bin/tool` is wanted for two things"), "{twice}");
    }

    #[test]
    fn of_a_folder_only_what_was_recorded_is_taken_and_only_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let from = folder.path().join("from");
        fs::create_dir_all(from.join("target")).unwrap();
        fs::write(from.join("a.rs"), "a").unwrap();
        fs::write(from.join("target/built"), "b").unwrap();
        let leaf = |text: &str| TreeLeaf {
            path: crate::artifact::tree::TreePath::parse("a.rs").unwrap(),
            node: TreeNode::File { mode: FileMode::Plain, size: 1, digest: FileDigest::of(text.as_bytes()) },
        };
        let work = WorkFolder::create(folder.path().join("work")).unwrap();
        work.copy(&from, &[leaf("a")], &place("source"), false, &Silent).unwrap();
        assert!(work.root().join("source/a.rs").is_file() && !work.root().join("source/target").exists());
        let other = work.copy(&from, &[leaf("b")], &place("other"), false, &Silent);
        assert!(matches!(other, Err(MaterialError::Changed { .. })));
    }

    #[test]
    fn a_link_of_one_input_leads_no_other_astray() {
        let folder = tempfile::tempdir().unwrap();
        let (trap, canary) = (folder.path().join("trap"), folder.path().join("canary"));
        fs::create_dir_all(&trap).unwrap();
        fs::create_dir_all(&canary).unwrap();
        symlink(&canary, trap.join("out")).unwrap();
        fs::write(folder.path().join("file"), "x").unwrap();
        let work = WorkFolder::create(folder.path().join("work")).unwrap();
        work.copy(&trap, &[], &place("."), false, &Silent).unwrap();
        for at in ["out/file", "out/deep/file", "out"] {
            let refused = work.copy(&folder.path().join("file"), &[], &place(at), false, &Silent);
            assert!(matches!(refused, Err(MaterialError::Taken { .. })), "{at}");
        }
        assert!(matches!(work.folder(&place("out/new")), Err(MaterialError::Taken { .. })));
        assert_eq!(fs::read_dir(&canary).unwrap().count(), 0);
        assert!(!work.is_plain(&place("out/file")) && !work.is_plain(&place("out")));
    }
}

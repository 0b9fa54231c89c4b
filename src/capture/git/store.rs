//! The object store of a repository that is all in one place, opened so that nothing it names is run or followed.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use git2::{ErrorCode, ObjectType, Odb, Oid, Repository, RepositoryOpenFlags};

use crate::capture::git::error::GitError;
use crate::capture::open::Shown;

/// An object store that is all in one place.
pub(super) struct Store {
    pub(super) repository: Repository,
    /// The folder that holds `.git`, where the repository has a working tree.
    pub(super) working_tree: Option<PathBuf>,
}

impl Store {
    pub(super) fn open(path: &Path) -> Result<Self, GitError> {
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
    pub(super) fn object<T>(
        &self,
        id: Oid,
        kind: ObjectType,
        limit: usize,
        read: impl FnOnce(&[u8]) -> T,
    ) -> Result<T, GitError> {
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
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::fs;
    use std::os::unix::fs::{chown, symlink};

    use super::*;
    use crate::capture::git::scratch::Scratch;
    use crate::capture::git::{git_path_at, git_state};

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
}

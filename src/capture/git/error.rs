//! Why a path at a revision was not captured.

use git2::Oid;

use crate::artifact::tree::{TreeError, TreePath};
use crate::capture::open::Shown;

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

//! The bytes of a recorded file, taken from where it was recorded and held against its digest.

use std::path::{Path, PathBuf};

use crate::capture::git::git_blob;
use crate::capture::kind::MAX_TEXT_BYTES;
use crate::capture::open::read_bytes;
use crate::cli::render::message;
use crate::cli::{Context, Failure};
use crate::digest::{Digest, DigestKind, FileDigest};
use crate::journal::Row;

/// What became of a recorded file.
pub(super) enum Recorded {
    /// It is still there, byte by byte.
    Here(Vec<u8>),
    /// It cannot be had.
    Gone {
        /// Why not, as half a sentence.
        reason: String,
    },
}

/// Looks for the bytes of a recorded file: in the git repository at `repository`, or around the working directory, where
/// it was taken from git; else at its recorded path.
pub(super) fn recorded_bytes(context: &Context, row: &Row, repository: Option<&Path>) -> Result<Recorded, Failure> {
    let gone = |reason: String| Ok(Recorded::Gone { reason });
    let (kind, digest) = row.principal();
    if kind != DigestKind::File {
        return gone("it is no single file".to_owned());
    }
    let Some(body) = &row.body else { return gone("its path is not known: the body is gone".to_owned()) };
    if let Some(object) = body.git.as_ref().and_then(|git| git.object.as_deref()) {
        let around = || context.directory().ancestors().find(|at| at.join(".git").is_dir()).map(Path::to_owned);
        let Some(repository) = repository.map(Path::to_owned).or_else(around) else {
            return gone(
                "it was taken from git, and there is no repository around here (name it with --git)".to_owned(),
            );
        };
        let limit = usize::try_from(MAX_TEXT_BYTES).unwrap_or(usize::MAX);
        let place = format!("git object {} of `{}`", message(object), message(&repository.to_string_lossy()));
        return match git_blob(&repository, object, limit) {
            Ok(bytes) if Digest::from(FileDigest::of(&bytes)) == digest => Ok(Recorded::Here(bytes)),
            Ok(_) => gone(format!("{place} is not what was recorded")),
            Err(error) => gone(format!("{place} is not to be had ({})", message(&error.to_string()))),
        };
    }
    let [path] = body.paths.as_slice() else { return gone("it has no single path".to_owned()) };
    let shown = message(path);
    // Paths are kept as they were typed, most often in the folder that holds the ledger.
    let mut places = vec![context.directory().join(path)];
    places.extend(context.ledger_dir()?.parent().map(|folder| folder.join(path)));
    let mut found: Option<PathBuf> = None;
    for place in places {
        if let Ok(bytes) = read_bytes(&place, MAX_TEXT_BYTES) {
            if Digest::from(FileDigest::of(&bytes)) == digest {
                return Ok(Recorded::Here(bytes));
            }
            found = Some(place);
        }
    }
    gone(match found {
        Some(_) => format!("`{shown}` is not any more what was recorded"),
        None => format!("there is no file `{shown}` here"),
    })
}

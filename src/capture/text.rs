//! A single text file, read once: its digest, and what a reader makes of its bytes.

use crate::capture::hash::hashed_already;
use crate::capture::kind::{Artifact, KindError, Request};
use crate::capture::open::{OpenFile, argument_metadata};
use crate::digest::FileDigest;
use crate::statement::Reading;

/// Larger texts are not read, only hashed; a spec has some hundred kilobytes.
pub const MAX_TEXT_BYTES: u64 = 64 << 20;

/// Captures the one file that was named and reads it; a folder, several paths and a file too large are bytes alone.
pub(super) fn capture_text(
    request: &Request<'_>,
    read: impl FnOnce(&[u8]) -> Result<Reading, KindError>,
) -> Result<Artifact, KindError> {
    let [path] = request.paths else { return Artifact::bytes(request) };
    let metadata = argument_metadata(path)?;
    if metadata.is_dir() || metadata.len() > MAX_TEXT_BYTES {
        return Artifact::bytes(request);
    }
    let open = OpenFile::argument(path)?;
    let bytes = open.read_all(MAX_TEXT_BYTES)?;
    let file = hashed_already(&open, FileDigest::of(&bytes), &request.options.hash, request.progress)?;
    let mut artifact = Artifact::file(&file);
    artifact.reading = Some(read(&bytes)?);
    Ok(artifact)
}

//! What a provider answered: one JSON line a call.

use std::fmt;

use crate::artifact::documents::DocumentLeaf;
use crate::capture::hash::hashed_already;
use crate::capture::kind::{Artifact, ArtifactKind, KindError, Request};
use crate::capture::open::{OpenFile, io_error};
use crate::corpus::{CorpusError, read_receipts};
use crate::digest::FileHasher;
use crate::statement::Kind;

/// The documents that receipts are of; none where that is not said.
#[derive(Clone, Default)]
pub struct Made(pub Vec<DocumentLeaf>);

impl fmt::Debug for Made {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // There may be millions.
        write!(f, "{} documents", self.0.len())
    }
}

pub(super) const ENTRY: &dyn ArtifactKind = &GenerationReceipts;

struct GenerationReceipts;

impl ArtifactKind for GenerationReceipts {
    fn kind(&self) -> Kind {
        Kind::GenerationReceipts
    }

    fn about(&self) -> &'static str {
        "what a provider answered: request, returned model, stop reason"
    }

    fn capture(&self, request: &Request<'_>) -> Result<Artifact, KindError> {
        let [path] = request.paths else { return Err(KindError::OneFile { kind: Kind::GenerationReceipts }) };
        if path.is_dir() {
            return Err(KindError::OneFile { kind: Kind::GenerationReceipts });
        }
        let open = OpenFile::argument(path)?;
        let mut hasher = FileHasher::new();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let reading = read_receipts(&open.file, &name, &request.options.made.0, |block| hasher.update(block));
        let reading = reading.map_err(|error| match error {
            CorpusError::Read { kind, .. } => KindError::from(io_error(&open.shown, "read", kind.into())),
            error => error.into(),
        })?;
        let file = hashed_already(&open, hasher.finish(), &request.options.hash, request.progress)?;
        let mut artifact = Artifact::file(&file);
        artifact.reading = Some(reading);
        Ok(artifact)
    }
}

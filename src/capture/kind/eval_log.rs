//! Evaluation logs: their bytes, and every sample in them as a canonical record.

use std::path::Path;

use crate::artifact::samples::samples_manifest;
use crate::capture::hash::{Also, HashOptions, Silent, hash_file};
use crate::capture::kind::{Artifact, ArtifactKind, KindError, Request};
use crate::evallog::read_log;
use crate::statement::Kind;

pub(super) const ENTRY: &dyn ArtifactKind = &EvalLog;

struct EvalLog;

impl ArtifactKind for EvalLog {
    fn kind(&self) -> Kind {
        Kind::EvalLog
    }

    fn about(&self) -> &'static str {
        "results of an evaluation, sample by sample"
    }

    fn capture(&self, request: &Request<'_>) -> Result<Artifact, KindError> {
        let [path] = request.paths else { return Err(KindError::OneFile { kind: Kind::EvalLog }) };
        if path.is_dir() {
            return Err(KindError::OneFile { kind: Kind::EvalLog });
        }
        let file = hash_file(path, &request.options.hash, request.progress)?;
        let mut artifact = Artifact::file(&file);
        let log = read_log(path)?;
        // The records must come from the very bytes that were hashed.
        let again = HashOptions { also: Also::Nothing, ..request.options.hash };
        if hash_file(path, &again, &Silent)?.digest != file.digest {
            return Err(KindError::Changed { path: shown(path) });
        }
        artifact.add(&samples_manifest(&log.facts, &log.samples)?)?;
        Ok(artifact)
    }
}

fn shown(path: &Path) -> String {
    path.to_string_lossy().escape_debug().to_string()
}

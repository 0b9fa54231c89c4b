//! Weights that the experiment trained: their bytes, and every tensor in them by name.

use crate::capture::kind::{Artifact, ArtifactKind, KindError, Request};
use crate::capture::weights;
use crate::statement::Kind;

pub(super) const ENTRY: &dyn ArtifactKind = &Checkpoint;

struct Checkpoint;

impl ArtifactKind for Checkpoint {
    fn kind(&self) -> Kind {
        Kind::Checkpoint
    }

    fn about(&self) -> &'static str {
        "weights that the experiment trained"
    }

    fn capture(&self, request: &Request<'_>) -> Result<Artifact, KindError> {
        weights::capture(request)
    }
}

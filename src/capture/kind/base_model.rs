//! The weights that an experiment begins with: their bytes, and every tensor in them by name.

use crate::capture::kind::{Artifact, ArtifactKind, KindError, Request};
use crate::capture::weights;
use crate::statement::Kind;

pub(super) const ENTRY: &dyn ArtifactKind = &BaseModel;

struct BaseModel;

impl ArtifactKind for BaseModel {
    fn kind(&self) -> Kind {
        Kind::BaseModel
    }

    fn about(&self) -> &'static str {
        "weights that an experiment begins with"
    }

    fn capture(&self, request: &Request<'_>) -> Result<Artifact, KindError> {
        weights::capture(request)
    }
}

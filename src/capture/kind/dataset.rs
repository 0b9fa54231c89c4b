//! Training rows: their bytes, every row in order, and the rows as a multiset.

use crate::capture::kind::{Artifact, ArtifactKind, KindError, Request};
use crate::capture::rows;
use crate::statement::Kind;

pub(super) const ENTRY: &dyn ArtifactKind = &Dataset;

struct Dataset;

impl ArtifactKind for Dataset {
    fn kind(&self) -> Kind {
        Kind::Dataset
    }

    fn about(&self) -> &'static str {
        "training rows"
    }

    fn capture(&self, request: &Request<'_>) -> Result<Artifact, KindError> {
        rows::capture(self.kind(), request)
    }
}

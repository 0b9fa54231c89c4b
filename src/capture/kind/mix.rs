//! Datasets put together for one training run: rows as of a dataset, counted by the source that each row names.
//!
//! What it was made from is linked by `--from`. Where the sets of rows of all of these are here under the same view, the
//! mix's rows are counted by the dataset they are of; that it holds nothing else in between is for a replay to show.

use crate::capture::kind::{Artifact, ArtifactKind, KindError, Request};
use crate::capture::rows;
use crate::statement::Kind;

pub(super) const ENTRY: &dyn ArtifactKind = &Mix;

struct Mix;

impl ArtifactKind for Mix {
    fn kind(&self) -> Kind {
        Kind::Mix
    }

    fn about(&self) -> &'static str {
        "datasets put together for one training run"
    }

    fn capture(&self, request: &Request<'_>) -> Result<Artifact, KindError> {
        rows::capture(self.kind(), request)
    }
}

//! Datasets put together for one training run: rows as of a dataset, counted by the source that each row names.
//!
//! What it was made from is linked by `--from`; that these datasets are its sources is the recorder's word, until a mix is
//! put together again from them.

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

//! Items and code of an evaluation: their bytes, and how many items by which ids.

use crate::capture::kind::{Artifact, ArtifactKind, KindError, Request};
use crate::capture::log::read_each;
use crate::evallog::Suite;
use crate::statement::Kind;

pub(super) const ENTRY: &dyn ArtifactKind = &EvalSuite;

struct EvalSuite;

impl ArtifactKind for EvalSuite {
    fn kind(&self) -> Kind {
        Kind::EvalSuite
    }

    fn about(&self) -> &'static str {
        "items and code of an evaluation"
    }

    fn capture(&self, request: &Request<'_>) -> Result<Artifact, KindError> {
        let mut artifact = Artifact::bytes(request)?;
        let mut suite = Suite::default();
        read_each(request.paths, |file| suite.add(file))?;
        artifact.reading = Some(suite.finish());
        Ok(artifact)
    }
}

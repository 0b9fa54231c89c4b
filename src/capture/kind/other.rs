//! Anything else that was read or written; a table of samples where a map of its columns is given, as an audit of a judge.

use crate::capture::kind::eval_log::sampled;
use crate::capture::kind::{Artifact, ArtifactKind, KindError, Request};
use crate::statement::Kind;

pub(super) const ENTRY: &dyn ArtifactKind = &Other;

struct Other;

impl ArtifactKind for Other {
    fn kind(&self) -> Kind {
        Kind::Other
    }

    fn about(&self) -> &'static str {
        "anything else that was read or written"
    }

    fn capture(&self, request: &Request<'_>) -> Result<Artifact, KindError> {
        if request.options.map.is_some() { sampled(request) } else { Artifact::bytes(request) }
    }
}

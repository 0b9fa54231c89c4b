//! A model spec, from a file or from git: a template, with its placeholders in the sense of both engines.

use crate::capture::kind::{Artifact, ArtifactKind, KindError, Request};
use crate::capture::text::capture_text;
use crate::corpus::read_template;
use crate::statement::Kind;

pub(super) const ENTRY: &dyn ArtifactKind = &Spec;

struct Spec;

impl ArtifactKind for Spec {
    fn kind(&self) -> Kind {
        Kind::Spec
    }

    fn about(&self) -> &'static str {
        "a model spec"
    }

    fn takes_git(&self) -> bool {
        true
    }

    fn capture(&self, request: &Request<'_>) -> Result<Artifact, KindError> {
        capture_text(request, |bytes| Ok(read_template(bytes)))
    }
}

//! A prompt before it is filled in: its placeholders in the sense of both engines.

use crate::capture::kind::{Artifact, ArtifactKind, KindError, Request};
use crate::capture::text::capture_text;
use crate::corpus::read_template;
use crate::statement::Kind;

pub(super) const ENTRY: &dyn ArtifactKind = &PromptTemplate;

struct PromptTemplate;

impl ArtifactKind for PromptTemplate {
    fn kind(&self) -> Kind {
        Kind::PromptTemplate
    }

    fn about(&self) -> &'static str {
        "a prompt with placeholders, for generating or judging"
    }

    fn capture(&self, request: &Request<'_>) -> Result<Artifact, KindError> {
        capture_text(request, |bytes| Ok(read_template(bytes)))
    }
}

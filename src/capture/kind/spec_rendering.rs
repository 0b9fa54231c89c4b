//! A spec filled in: rendered once more where the template and the recipe are at hand, and refused where it differs.

use crate::capture::kind::{Artifact, ArtifactKind, KindError, Request};
use crate::capture::text::capture_text;
use crate::corpus::read_rendering;
use crate::statement::Kind;

pub(super) const ENTRY: &dyn ArtifactKind = &SpecRendering;

struct SpecRendering;

impl ArtifactKind for SpecRendering {
    fn kind(&self) -> Kind {
        Kind::SpecRendering
    }

    fn about(&self) -> &'static str {
        "a spec with its placeholders filled in, as a model was shown it"
    }

    fn capture(&self, request: &Request<'_>) -> Result<Artifact, KindError> {
        let recipe = request.options.recipe.as_ref();
        capture_text(request, |bytes| Ok(read_rendering(bytes, recipe)?))
    }
}

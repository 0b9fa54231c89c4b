//! A model spec, from a file or from git.

use crate::capture::kind::ArtifactKind;
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
}

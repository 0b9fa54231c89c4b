//! Source code, from a folder or from git.

use crate::capture::kind::ArtifactKind;
use crate::statement::Kind;

pub(super) const ENTRY: &dyn ArtifactKind = &Source;

struct Source;

impl ArtifactKind for Source {
    fn kind(&self) -> Kind {
        Kind::Source
    }

    fn about(&self) -> &'static str {
        "source code"
    }

    fn takes_git(&self) -> bool {
        true
    }
}

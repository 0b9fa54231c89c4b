//! The judge of an evaluation: its bytes, the placeholders of its prompt, its parameters.

use crate::capture::kind::{Artifact, ArtifactKind, KindError, Request};
use crate::capture::log::read_each;
use crate::evallog::JudgeConfig as Config;
use crate::statement::Kind;

pub(super) const ENTRY: &dyn ArtifactKind = &JudgeConfig;

struct JudgeConfig;

impl ArtifactKind for JudgeConfig {
    fn kind(&self) -> Kind {
        Kind::JudgeConfig
    }

    fn about(&self) -> &'static str {
        "the judge of an evaluation: prompt, parser, parameters"
    }

    fn capture(&self, request: &Request<'_>) -> Result<Artifact, KindError> {
        let mut artifact = Artifact::bytes(request)?;
        let mut config = Config::default();
        read_each(request.paths, |file| config.add(file))?;
        artifact.reading = Some(config.finish());
        Ok(artifact)
    }
}

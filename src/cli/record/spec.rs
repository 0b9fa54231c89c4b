//! What `record spec` and `record spec-rendering` are told beyond their files.

use std::path::PathBuf;

use crate::capture::kind::MAX_TEXT_BYTES;
use crate::capture::open::read_bytes;
use crate::cli::recorded::{Recorded, recorded_bytes};
use crate::cli::render::message;
use crate::cli::{Context, Failure};
use crate::corpus::Recipe;
use crate::digest::{Digest, FileDigest};
use crate::journal::Row;
use crate::replay::render::Engine;
use crate::statement::Kind;

/// How a rendering was made, and which versions of a spec are meant.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Specs")]
pub(super) struct SpecArgs {
    /// Every version of the file in the repository's history, each superseding the one before
    #[arg(long, requires = "git", conflicts_with_all = ["supersedes", "also"])]
    pub(super) all_versions: bool,
    /// What rendered the spec: Python's str.format, or str.replace of each name in braces
    #[arg(long, value_enum)]
    engine: Option<EngineArg>,
    /// A name in the spec and its value in the rendering
    #[arg(long = "var", value_name = "NAME=VALUE", value_parser = super::note, requires = "engine")]
    values: Vec<(String, String)>,
    /// The spec that was rendered, where it is not at its recorded place
    #[arg(long, value_name = "FILE", requires = "engine")]
    template: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum EngineArg {
    Format,
    Replace,
}

impl SpecArgs {
    /// How the artifact was rendered from the specs among `from`.
    pub(super) fn recipe(
        &self,
        context: &Context,
        kind: Kind,
        from: &[Row],
        repository: Option<&std::path::Path>,
    ) -> Result<Option<Recipe>, Failure> {
        let Some(engine) = self.engine else { return Ok(None) };
        if kind != Kind::SpecRendering {
            return Err(Failure::new(format!("--engine says how a spec-rendering was made, not a {kind}")));
        }
        let specs: Vec<&Row> = from.iter().filter(|row| row.payload.kind == Kind::Spec).collect();
        let [spec] = specs.as_slice() else {
            return Err(Failure::new("--engine needs the one spec that was rendered: --from SPEC"));
        };
        let template = match &self.template {
            Some(path) => {
                let bytes = read_bytes(path, MAX_TEXT_BYTES)?;
                if !spec.carries(&Digest::from(FileDigest::of(&bytes))) {
                    return Err(Failure::new(format!(
                        "`{}` is not the spec of entry {}\n  recorded {}\n  found    {}",
                        message(&path.to_string_lossy()),
                        spec.index,
                        spec.principal().1,
                        Digest::from(FileDigest::of(&bytes))
                    )));
                }
                Some(bytes)
            }
            None => match recorded_bytes(context, spec, repository)? {
                Recorded::Here(bytes) => Some(bytes),
                Recorded::Gone { reason } => {
                    context.remark(&format!("note: entry {}: {reason}; name the file with --template", spec.index));
                    None
                }
            },
        };
        let engine = match engine {
            EngineArg::Format => Engine::Format,
            EngineArg::Replace => Engine::Replace,
        };
        Ok(Some(Recipe { engine, values: self.values.clone(), template }))
    }
}

//! `sandbox-helper`: this program again, on the inside of a sandbox; nobody types it.

use crate::cli::{Context, Outcome};

/// Be the inside of a sandbox
#[derive(Debug, clap::Args)]
pub(super) struct SandboxHelper {
    /// Which part of it
    mode: String,
}

impl SandboxHelper {
    #[allow(clippy::unnecessary_wraps, reason = "a subcommand")]
    pub(super) fn run(self, _: &Context) -> Outcome {
        #[cfg(target_os = "linux")]
        crate::rebuild::sandbox::help(&self.mode);
        Ok(0)
    }
}

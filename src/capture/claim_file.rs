//! Claims as people write them: TOML, with names where the ledger has digests.

use std::path::{Path, PathBuf};

use toml::Value;

use crate::statement::Claim;

/// Claim files larger than this are not claims.
const MAX_BYTES: u64 = 1 << 20;

/// Why a file is not a claim.
#[derive(Debug, thiserror::Error)]
pub enum ClaimFileError {
    /// The operating system refused.
    #[error("cannot read `{}`", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// Too large.
    #[error("`{}` has {found} bytes, expected at most {MAX_BYTES}", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Bytes found.
        found: u64,
    },
    /// Not TOML.
    #[error("`{}` is not TOML\n{reason}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Where and why.
        reason: String,
    },
    /// TOML, but not a whole claim.
    #[error("`{}` is not a complete claim: {reason}", path.display())]
    Shape {
        /// The file.
        path: PathBuf,
        /// What is missing or wrong.
        reason: String,
    },
}

/// Reads a claim. `resolve` turns the name of an input or checkpoint into its digest.
pub fn load_claim<E>(path: &Path, mut resolve: impl FnMut(Named, &str) -> Result<String, E>) -> Result<Claim, E>
where
    E: From<ClaimFileError>,
{
    let io = |source| ClaimFileError::Io { path: path.to_owned(), source };
    let found = std::fs::metadata(path).map_err(io)?.len();
    if found > MAX_BYTES {
        return Err(ClaimFileError::TooLarge { path: path.to_owned(), found }.into());
    }
    let text = std::fs::read_to_string(path).map_err(io)?;
    let mut value: Value = toml::from_str(&text)
        .map_err(|error| ClaimFileError::Syntax { path: path.to_owned(), reason: error.to_string() })?;
    resolve_list(value.get_mut("inputs"), |name| resolve(Named::Input, name))?;
    for arm in ["subject", "comparator"] {
        let checkpoints = value.get_mut(arm).and_then(|arm| arm.get_mut("checkpoints"));
        resolve_list(checkpoints, |name| resolve(Named::Checkpoint, name))?;
    }
    let shape = |reason: String| ClaimFileError::Shape { path: path.to_owned(), reason };
    value.try_into().map_err(|error: toml::de::Error| shape(error.to_string().trim_end().to_owned()).into())
}

/// What a name in a claim file stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Named {
    /// An evaluation log: its sample manifest.
    Input,
    /// Weights.
    Checkpoint,
}

fn resolve_list<E>(list: Option<&mut Value>, mut resolve: impl FnMut(&str) -> Result<String, E>) -> Result<(), E> {
    for item in list.and_then(Value::as_array_mut).into_iter().flatten() {
        if let Value::String(text) = item {
            *text = resolve(text)?;
        }
    }
    Ok(())
}

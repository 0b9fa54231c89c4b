//! Claims and protocols as people write them: TOML, with names where the ledger has digests.

use std::path::{Path, PathBuf};

use toml::Value;

use crate::statement::{Claim, Protocol};

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
    /// TOML, but not the whole of it.
    #[error("`{}` is not a complete {what}: {reason}", path.display())]
    Shape {
        /// The file.
        path: PathBuf,
        /// What it should be.
        what: &'static str,
        /// What is missing or wrong.
        reason: String,
    },
}

/// Reads a protocol. `resolve` turns the name of a suite or judge into its digest.
pub fn load_protocol<E>(path: &Path, mut resolve: impl FnMut(Named, &str) -> Result<String, E>) -> Result<Protocol, E>
where
    E: From<ClaimFileError>,
{
    let mut value = read_toml(path)?;
    resolve_rules(&mut value, &mut resolve)?;
    let inside = value.get_mut("in_distribution").and_then(|eval| eval.get_mut("suite"));
    resolve_one(inside, |name| resolve(Named::Suite, name))?;
    value.try_into().map_err(|error| shape(path, "protocol", &error).into())
}

/// Reads a claim. `resolve` turns the name of an input or checkpoint into its digest.
pub fn load_claim<E>(path: &Path, mut resolve: impl FnMut(Named, &str) -> Result<String, E>) -> Result<Claim, E>
where
    E: From<ClaimFileError>,
{
    let mut value = read_toml(path)?;
    resolve_list(value.get_mut("inputs"), |name| resolve(Named::Input, name))?;
    resolve_one(value.get_mut("plan"), |name| resolve(Named::Protocol, name))?;
    resolve_rules(&mut value, &mut resolve)?;
    for arm in ["subject", "comparator"] {
        resolve_arm(value.get_mut(arm), &mut resolve)?;
    }
    if let Some(contrast) = value.get_mut("contrast") {
        for other in contrast.get_mut("others").and_then(Value::as_array_mut).into_iter().flatten() {
            resolve_arm(other.get_mut("arm"), &mut resolve)?;
        }
        if let Some(inside) = contrast.get_mut("in_distribution") {
            resolve_list(inside.get_mut("inputs"), |name| resolve(Named::Input, name))?;
            resolve_one(inside.get_mut("eval").and_then(|eval| eval.get_mut("suite")), |name| {
                resolve(Named::Suite, name)
            })?;
        }
    }
    value.try_into().map_err(|error| shape(path, "claim", &error).into())
}

fn read_toml(path: &Path) -> Result<Value, ClaimFileError> {
    let io = |source| ClaimFileError::Io { path: path.to_owned(), source };
    let found = std::fs::metadata(path).map_err(io)?.len();
    if found > MAX_BYTES {
        return Err(ClaimFileError::TooLarge { path: path.to_owned(), found });
    }
    let text = std::fs::read_to_string(path).map_err(io)?;
    toml::from_str(&text).map_err(|error| ClaimFileError::Syntax { path: path.to_owned(), reason: error.to_string() })
}

fn shape(path: &Path, what: &'static str, error: &toml::de::Error) -> ClaimFileError {
    ClaimFileError::Shape { path: path.to_owned(), what, reason: error.to_string().trim_end().to_owned() }
}

/// The suite and the judge's prompt, where claims and protocols have them alike.
fn resolve_rules<E>(value: &mut Value, resolve: &mut impl FnMut(Named, &str) -> Result<String, E>) -> Result<(), E> {
    let suite = value.get_mut("eval").and_then(|eval| eval.get_mut("suite"));
    resolve_one(suite, |name| resolve(Named::Suite, name))?;
    let prompt = value.get_mut("judge").and_then(|judge| judge.get_mut("prompt"));
    resolve_one(prompt, |name| resolve(Named::Judge, name))
}

fn resolve_arm<E>(
    arm: Option<&mut Value>,
    resolve: &mut impl FnMut(Named, &str) -> Result<String, E>,
) -> Result<(), E> {
    resolve_list(arm.and_then(|arm| arm.get_mut("checkpoints")), |name| resolve(Named::Checkpoint, name))
}

fn resolve_one<E>(value: Option<&mut Value>, resolve: impl FnOnce(&str) -> Result<String, E>) -> Result<(), E> {
    let Some(value) = value else { return Ok(()) };
    if let Some(text) = value.as_str().filter(|text| *text != "none") {
        *value = Value::String(resolve(text)?);
    }
    Ok(())
}

/// What a name in a claim file stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Named {
    /// An evaluation log: its sample manifest.
    Input,
    /// Weights.
    Checkpoint,
    /// An eval suite.
    Suite,
    /// A judge's configuration.
    Judge,
    /// A protocol: its entry.
    Protocol,
}

fn resolve_list<E>(list: Option<&mut Value>, mut resolve: impl FnMut(&str) -> Result<String, E>) -> Result<(), E> {
    for item in list.and_then(Value::as_array_mut).into_iter().flatten() {
        if let Value::String(text) = item {
            *text = resolve(text)?;
        }
    }
    Ok(())
}

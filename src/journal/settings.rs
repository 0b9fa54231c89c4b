//! `ledger.toml`: what a ledger says about itself in the open. Readable, public, and never trusted by `verify`.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::digest::LedgerId;
use crate::key::{VerifierKey, VerifierKeyError};

/// Larger settings are not ours.
const MAX_BYTES: u64 = 1 << 16;

/// The only version there is.
const FORMAT: u64 = 1;

/// The file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Version of the ledger's format.
    pub format: u64,
    /// Ledger id in hex.
    pub ledger: String,
    /// Name of the log.
    pub origin: String,
    /// URI of who makes the statements.
    pub issuer: String,
    /// The log's public key as a vkey: what a reader pins.
    pub log_key: String,
    /// Names of the secret keys in the key directory of whoever writes here.
    pub keys: KeyNames,
}

/// Names of keys in the key directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyNames {
    /// Signs heads.
    pub log: String,
    /// Signs entries.
    pub issuer: String,
}

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The operating system refused.
    #[error("cannot read `{}`", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// Too large to be settings.
    #[error("`{}` has {found} bytes, expected at most {MAX_BYTES}", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Bytes found.
        found: u64,
    },
    /// Not settings.
    #[error("`{}` is not a ledger's settings: {reason}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Where and why.
        reason: String,
    },
    /// Another version.
    #[error("`{}` says format {found}, expected {FORMAT}: use a newer reproledger", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// The version found.
        found: u64,
    },
    /// The key in it is none.
    #[error("the log key in `{}` is not a vkey", path.display())]
    LogKey {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: VerifierKeyError,
    },
}

impl Settings {
    /// Where the settings of the ledger in `directory` are.
    pub fn path(directory: &Path) -> PathBuf {
        directory.join("ledger.toml")
    }

    /// The settings of a new ledger; `key_names` are the log's and the issuer's.
    pub fn new(
        ledger: LedgerId,
        origin: &str,
        issuer: &str,
        log_key: &VerifierKey,
        (log, issuer_key): (&str, &str),
    ) -> Self {
        Self {
            format: FORMAT,
            ledger: ledger.to_string(),
            origin: origin.to_owned(),
            issuer: issuer.to_owned(),
            log_key: log_key.to_string(),
            keys: KeyNames { log: log.to_owned(), issuer: issuer_key.to_owned() },
        }
    }

    /// Reads the settings of the ledger in `directory`.
    pub fn load(directory: &Path) -> Result<Self, SettingsError> {
        let path = Self::path(directory);
        let io = |source| SettingsError::Io { path: path.clone(), source };
        let found = std::fs::metadata(&path).map_err(io)?.len();
        if found > MAX_BYTES {
            return Err(SettingsError::TooLarge { path, found });
        }
        let text = std::fs::read_to_string(&path).map_err(io)?;
        let settings: Self = toml::from_str(&text)
            .map_err(|error| SettingsError::Syntax { path: path.clone(), reason: error.message().to_owned() })?;
        match settings.format {
            FORMAT => Ok(settings),
            found => Err(SettingsError::Format { path, found }),
        }
    }

    /// The log's public key.
    pub fn verifier_key(&self, directory: &Path) -> Result<VerifierKey, SettingsError> {
        VerifierKey::parse(&self.log_key)
            .map_err(|source| SettingsError::LogKey { path: Self::path(directory), source })
    }

    /// The file's text.
    pub fn to_text(&self) -> String {
        // Written by hand: `toml` quotes and orders, a person reads the comments.
        let quote = |text: &str| format!("{text:?}");
        format!(
            "# Public facts of this ledger. Nothing here is secret, and `verify` trusts none of it.\n\
             format = {}\n\
             ledger = {}\n\
             origin = {}\n\
             issuer = {}\n\
             # Give this line to whoever is to check your claims, by another way than the evidence file.\n\
             log_key = {}\n\n\
             # Names of the secret keys in your key directory (`reproledger key list`).\n\
             [keys]\n\
             log = {}\n\
             issuer = {}\n",
            FORMAT,
            quote(&self.ledger),
            quote(&self.origin),
            quote(&self.issuer),
            quote(&self.log_key),
            quote(&self.keys.log),
            quote(&self.keys.issuer),
        )
    }
}

//! Opening keys for a command: the passphrase comes from a terminal or a file, never from arguments or environment.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::capture::keyring::{Keyring, Passphrase, Protection};
use crate::cli::{Context, Failure};
use crate::key::SigningKey;

/// Longest passphrase file that is read.
const MAX_PASSPHRASE_BYTES: u64 = 4096;

/// How a command gets at passphrases.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct PassphraseArgs {
    /// Read the key's passphrase from the first line of this file (`/dev/fd/3` works) instead of asking
    #[arg(long, value_name = "FILE", global = true)]
    passphrase_file: Option<PathBuf>,
}

impl PassphraseArgs {
    /// The passphrase for `purpose`: from the file, or asked for on the terminal.
    pub(super) fn get(&self, purpose: &str) -> Result<Passphrase, Failure> {
        if let Some(path) = &self.passphrase_file {
            return read_first_line(path);
        }
        if !std::io::stdin().is_terminal() {
            return Err(Failure::new(format!("{purpose} needs a passphrase, and there is no terminal to ask on"))
                .hint("pass it with --passphrase-file FILE"));
        }
        rpassword::prompt_password(format!("passphrase for {purpose}: "))
            .map(Zeroizing::new)
            .map_err(|error| Failure::new(format!("the passphrase cannot be read: {error}")))
    }

    /// A new passphrase, asked for twice where it is typed.
    pub(super) fn get_new(&self, purpose: &str) -> Result<Passphrase, Failure> {
        let passphrase = self.get(purpose)?;
        if passphrase.is_empty() {
            return Err(
                Failure::new("an empty passphrase protects nothing").hint("leave out --passphrase for a plain key")
            );
        }
        if self.passphrase_file.is_none() && *self.get("the same key, again")? != *passphrase {
            return Err(Failure::new("the two passphrases differ; no key was written"));
        }
        Ok(passphrase)
    }

    /// Opens a key of the keyring.
    pub(super) fn open(&self, context: &Context, name: &str) -> Result<SigningKey, Failure> {
        let keyring = Keyring::open(&context.keys_dir())?;
        let info = keyring
            .info(name)
            .map_err(|error| Failure::from(error).hint("see which keys there are: reproledger key list"))?;
        let passphrase = match info.protection {
            Protection::Plain => None,
            Protection::Encrypted => Some(self.get(&format!("key `{name}`"))?),
        };
        Ok(keyring.load(name, passphrase.as_ref())?.key)
    }
}

fn read_first_line(path: &Path) -> Result<Passphrase, Failure> {
    use std::io::Read;
    let refuse =
        |error: std::io::Error| Failure::new(format!("cannot read the passphrase from `{}`: {error}", path.display()));
    let mut text = Zeroizing::new(String::new());
    let file = std::fs::File::open(path).map_err(refuse)?;
    file.take(MAX_PASSPHRASE_BYTES).read_to_string(&mut text).map_err(refuse)?;
    let line = text.lines().next().unwrap_or_default();
    Ok(Zeroizing::new(line.to_owned()))
}

//! `key`: keys on this machine, and which of them a ledger takes.

mod enrol;

use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::Subcommand;
use serde::Serialize;

use crate::capture::keyring::{KeyInfo, Keyring, KeyringError, Protection};
use crate::cli::keys::PassphraseArgs;
use crate::cli::{Context, Failure, Outcome, render};
use crate::digest::hex;
use crate::journal::Settings;
use crate::key::{KeyName, NoteKind, PublicKey, VerifierKey};
use crate::statement::Role;
use enrol::{Add, Revoke};

/// Id of the document's schema.
const SCHEMA: &str = "urn:reproledger:schema:key-list:v1";

/// Make, list, export and import keys; enrol and revoke them in the ledger
///
/// Secret keys lie in your configuration directory, never in a ledger. Only public halves are ever printed.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  reproledger key new lab-issuer --role issuer --passphrase\n  reproledger key export lab-log --origin example.org/lab"
)]
pub(super) struct Key {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    passphrase: PassphraseArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    New(New),
    List(List),
    Export(Export),
    Import(Import),
    Add(Add),
    Revoke(Revoke),
}

/// Make a key
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  reproledger key new lab-issuer --role issuer --passphrase")]
struct New {
    /// Name to call it by here
    name: String,
    /// What it may sign: log, issuer, evaluator, reviewer or rebuilder
    #[arg(long, value_parser = role)]
    role: Role,
    /// Protect it with a passphrase
    #[arg(long)]
    passphrase: bool,
}

/// List the keys on this machine
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  reproledger key list --json")]
struct List {
    /// One JSON document
    #[arg(long)]
    json: bool,
}

/// Print the public half of a key, for other programs
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  reproledger key export lab-log --origin example.org/lab\n  reproledger key export lab-issuer --format pem | openssl pkey -pubin -noout -text"
)]
struct Export {
    /// Which key
    name: String,
    /// How to write it [default: vkey for a log key, pem for others]
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Name of the log that it signs for, in a vkey [default: this ledger's]
    #[arg(long, value_name = "NAME")]
    origin: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// One line, as notes and trust policies name log keys (c2sp.org/signed-note)
    Vkey,
    /// COSE_Key in hexadecimal
    Cose,
    /// SubjectPublicKeyInfo, as openssl reads it
    Pem,
    /// One line, as ssh-keygen reads it
    Openssh,
    /// SHA-256 of the COSE_Key (RFC 9679): how entries name their signer
    Thumbprint,
}

/// Take a copy of a key: an OpenSSH private key file, or 64 hexadecimal digits of a seed
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  reproledger key import lab-issuer ~/.ssh/id_ed25519 --role issuer")]
struct Import {
    /// Name to call it by here
    name: String,
    /// The file to copy it from
    file: PathBuf,
    /// What it may sign: log, issuer, evaluator, reviewer or rebuilder
    #[arg(long, value_parser = role)]
    role: Role,
    /// Protect the copy with a passphrase
    #[arg(long)]
    passphrase: bool,
}

#[derive(Serialize)]
struct Document {
    schema: &'static str,
    directory: String,
    keys: Vec<Item>,
}

#[derive(Serialize)]
struct Item {
    name: String,
    role: &'static str,
    thumbprint: String,
    public_key: String,
    encrypted: bool,
}

fn role(text: &str) -> Result<Role, String> {
    Role::from_name(text).ok_or_else(|| {
        let names: Vec<_> = Role::ALL.iter().map(|role| role.name()).collect();
        format!("expected one of {}", names.join(", "))
    })
}

impl Key {
    pub(super) fn run(self, context: &Context) -> Outcome {
        let passphrase = &self.passphrase;
        match self.command {
            Command::New(new) => new.run(context, passphrase),
            Command::List(list) => list.run(context),
            Command::Export(export) => export.run(context),
            Command::Import(import) => import.run(context, passphrase),
            Command::Add(add) => add.run(context, passphrase),
            Command::Revoke(revoke) => revoke.run(context, passphrase),
        }
    }
}

fn keyring(context: &Context) -> Result<Keyring, Failure> {
    Ok(Keyring::open(&context.keys_dir())?)
}

/// What is known of a key here, or how to see which there are.
fn info(context: &Context, name: &str) -> Result<KeyInfo, Failure> {
    keyring(context)?.info(name).map_err(|error| {
        let is_missing = matches!(error, KeyringError::Missing { .. });
        let failure = Failure::from(error);
        if is_missing { failure.hint("see which keys there are: reproledger key list") } else { failure }
    })
}

fn thumbprint(key: &PublicKey) -> String {
    format!("sha256:{}", key.thumbprint())
}

fn made(context: &Context, verb: &str, info: &KeyInfo) -> Outcome {
    let (name, role, thumbprint) = (&info.name, info.role, thumbprint(&info.public));
    context.print(&format!("{verb} key `{name}`  {role}  {thumbprint}\n"))?;
    if info.protection == Protection::Plain {
        context.remark("note: it has no passphrase: whoever can read the file can sign");
    }
    context.remark(&format!("note: it lies in `{}`; without a copy elsewhere its loss is final", info.path.display()));
    Ok(0)
}

impl New {
    fn run(self, context: &Context, passphrase: &PassphraseArgs) -> Outcome {
        let keyring = keyring(context)?;
        let purpose = format!("the new key `{}`", self.name);
        let passphrase = self.passphrase.then(|| passphrase.get_new(&purpose)).transpose()?;
        made(context, "made", &keyring.create(&self.name, self.role, passphrase.as_ref())?)
    }
}

impl Import {
    fn run(self, context: &Context, passphrase: &PassphraseArgs) -> Outcome {
        let keyring = keyring(context)?;
        let purpose = format!("the new copy `{}`", self.name);
        let new = self.passphrase.then(|| passphrase.get_new(&purpose)).transpose()?;
        let import = |opens| keyring.import(&self.name, self.role, &self.file, opens, new.as_ref());
        let info = match import(None) {
            Err(KeyringError::NeedsPassphrase { .. }) => {
                let opens = passphrase.get(&format!("the file `{}`", self.file.display()))?;
                import(Some(&opens))
            }
            other => other,
        };
        made(context, "took", &info?)
    }
}

impl List {
    fn run(self, context: &Context) -> Outcome {
        let keys = keyring(context)?.list()?;
        if self.json {
            let keys = keys.iter().map(|info| Item {
                name: info.name.clone(),
                role: info.role.name(),
                thumbprint: thumbprint(&info.public),
                public_key: format!("ed25519:{}", hex(info.public.as_bytes())),
                encrypted: info.protection == Protection::Encrypted,
            });
            let directory = context.keys_dir().display().to_string();
            render::print_json(context, &Document { schema: SCHEMA, directory, keys: keys.collect() })?;
            return Ok(0);
        }
        let width = keys.iter().map(|info| info.name.len()).max().unwrap_or_default();
        let lines: String = keys.iter().map(|info| line(info, width)).collect();
        context.print(&lines)?;
        if keys.is_empty() {
            context.remark(&format!("there are no keys in `{}`", context.keys_dir().display()));
            context.remark("hint: make one: reproledger key new NAME --role issuer");
        }
        Ok(0)
    }
}

fn line(info: &KeyInfo, width: usize) -> String {
    let protection = match info.protection {
        Protection::Plain => "plain",
        Protection::Encrypted => "passphrase",
    };
    let (name, role, thumbprint) = (&info.name, info.role.name(), thumbprint(&info.public));
    format!("{name:<width$}  {role:<9}  {protection:<10}  {thumbprint}\n")
}

impl Export {
    fn run(self, context: &Context) -> Outcome {
        let info = info(context, &self.name)?;
        let default = if info.role == Role::Log { Format::Vkey } else { Format::Pem };
        let format = self.format.unwrap_or(default);
        if self.origin.is_some() && format != Format::Vkey {
            return Err(Failure::new("--origin names the log in a vkey; no other format has room for it"));
        }
        let text = match format {
            Format::Vkey => format!("{}\n", self.vkey(context, &info)?),
            Format::Cose => format!("{}\n", hex(&info.public.to_cose_key())),
            Format::Pem => info.public.to_pem(),
            Format::Openssh => format!("{}\n", openssh(&info.public, &info.name)),
            Format::Thumbprint => format!("{}\n", info.public.thumbprint()),
        };
        context.print(&text)?;
        Ok(0)
    }

    fn vkey(&self, context: &Context, info: &KeyInfo) -> Result<VerifierKey, Failure> {
        if info.role != Role::Log {
            return Err(Failure::new(format!(
                "key `{}` has the role `{}`, and only a log key signs under a log's name",
                info.name, info.role
            ))
            .hint("write it as others read it: --format pem"));
        }
        let here = || Settings::load(&context.ledger_dir().ok()?).ok().map(|settings| settings.origin);
        let origin = self.origin.clone().or_else(here).ok_or_else(|| {
            Failure::new("a vkey names the log that its key signs for")
                .hint(format!("reproledger key export {} --origin example.org/my-lab", info.name))
        })?;
        let name = KeyName::parse(&origin)?;
        Ok(VerifierKey { name, kind: NoteKind::Ed25519, key: info.public })
    }
}

/// The line that `ssh-keygen` reads; RFC 8709 section 4.
fn openssh(key: &PublicKey, name: &str) -> String {
    const TYPE: &str = "ssh-ed25519";
    let mut blob = Vec::new();
    for part in [TYPE.as_bytes(), key.as_bytes()] {
        blob.extend_from_slice(&u32::try_from(part.len()).expect("eleven and thirty-two").to_be_bytes());
        blob.extend_from_slice(part);
    }
    format!("{TYPE} {} {name}", STANDARD.encode(blob))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::key::SigningKey;

    #[test]
    fn the_openssh_line_is_the_one_that_lies_beside_the_key() {
        let folder = tempfile::tempdir().unwrap();
        let keys = Keyring::open(&folder.path().join("keys")).unwrap();
        let info = keys.create("lab", Role::Issuer, None).unwrap();
        let beside = std::fs::read_to_string(info.path.with_extension("pub")).unwrap();
        let written = openssh(&info.public, "reproledger:issuer:lab");
        assert_eq!(written, beside.trim_end());
    }

    #[test]
    fn a_listed_key_is_one_line_of_aligned_columns() {
        let info = KeyInfo {
            name: "lab".to_owned(),
            role: Role::Log,
            public: SigningKey::from_seed([1; 32]).public(),
            path: "/keys/lab".into(),
            protection: Protection::Encrypted,
        };
        let line = line(&info, 6);
        assert!(line.starts_with("lab     log        passphrase  sha256:"), "{line}");
        assert_eq!(line.len(), 6 + 2 + 9 + 2 + 10 + 2 + 7 + 64 + 1);
    }
}

//! `init`: begins a ledger in the working directory.

use crate::capture::keyring::{Keyring, KeyringError};
use crate::cli::context::LEDGER_DIR;
use crate::cli::keys::PassphraseArgs;
use crate::cli::open::from_journal;
use crate::cli::{Context, Failure, Outcome};
use crate::journal::{Journal, NewLedger};
use crate::key::SigningKey;
use crate::statement::Role;

/// Begin a ledger in this directory
///
/// Keys that are not there yet are made, without a passphrase; make them first with `reproledger key new --passphrase`
/// to protect them.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  reproledger init --origin example.org/my-lab --issuer https://example.org")]
pub(super) struct Init {
    /// Name of the log: a host and path without scheme, yours for ever
    #[arg(long, value_name = "NAME")]
    origin: String,
    /// URI of who makes the statements
    #[arg(long, value_name = "URI")]
    issuer: String,
    /// Key that signs heads [default: ORIGIN-log with `/` as `-`]
    #[arg(long, value_name = "KEY")]
    log_key: Option<String>,
    /// Key that signs entries [default: ORIGIN-issuer]
    #[arg(long, value_name = "KEY")]
    issuer_key: Option<String>,
    #[command(flatten)]
    passphrase: PassphraseArgs,
}

impl Init {
    pub(super) fn run(self, context: &Context) -> Outcome {
        let directory = context.directory().join(LEDGER_DIR);
        if directory.join("ledger.toml").exists() {
            return Err(Failure::new(format!("`{}` already holds a ledger", directory.display()))
                .hint("look at it: reproledger status"));
        }
        let stem: String =
            self.origin.chars().map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' }).collect();
        let log_name = self.log_key.unwrap_or_else(|| format!("{stem}-log"));
        let issuer_name = self.issuer_key.unwrap_or_else(|| format!("{stem}-issuer"));
        let log_key = open_or_make(context, &self.passphrase, &log_name, Role::Log)?;
        let issuer_key = open_or_make(context, &self.passphrase, &issuer_name, Role::Issuer)?;
        if log_key.public() == issuer_key.public() {
            return Err(Failure::new("the log key and the issuer key are the same key")
                .hint("make another: reproledger key new NAME --role issuer"));
        }
        let (journal, settings) = Journal::create(NewLedger {
            directory: &directory,
            state_dir: context.state_dir(),
            origin: &self.origin,
            issuer: &self.issuer,
            log_key,
            issuer_key,
            key_names: (&log_name, &issuer_name),
            now: context.now_ms() / 1000,
        })
        .map_err(from_journal)?;
        journal.close().map_err(from_journal)?;
        context.print(&format!(
            "began ledger {} in `{}`\nlog key  {}\n",
            settings.ledger,
            directory.display(),
            settings.log_key
        ))?;
        context.remark("hint: give the log key to those who will check your claims, by another way than the evidence");
        Ok(0)
    }
}

fn open_or_make(context: &Context, passphrase: &PassphraseArgs, name: &str, role: Role) -> Result<SigningKey, Failure> {
    let keyring = Keyring::open(&context.keys_dir())?;
    match keyring.info(name) {
        Err(KeyringError::Missing { .. }) => {
            let info = keyring.create(name, role, None)?;
            context.remark(&format!("note: made key `{name}` without a passphrase in `{}`", info.path.display()));
            Ok(keyring.load(name, None)?.key)
        }
        Err(error) => Err(error.into()),
        Ok(info) if info.role != role => {
            Err(Failure::new(format!("key `{name}` is for role `{}`, expected `{role}`", info.role))
                .hint(format!("make one: reproledger key new NAME --role {role}")))
        }
        Ok(_) => passphrase.open(context, name),
    }
}

//! `--sign`: what somebody found of a claim, as an entry in a ledger of his own and, where asked, in a file.
//!
//! Everything that can be refused is refused before anything is done: what is signed may have taken hours.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::cli::context::LEDGER_DIR;
use crate::cli::keys::PassphraseArgs;
use crate::cli::open::{Reading, from_journal, say};
use crate::cli::prove::{remember, write_file};
use crate::cli::{Context, Failure};
use crate::journal::{Draft, Journal, Settings, cut_testimony};
use crate::key::SigningKey;
use crate::merkle::EntryIndex;
use crate::statement::{Body, Edge, Kind};
use crate::verify::VerifiedEvidence;

/// How what is found is signed.
#[derive(Debug, clap::Args)]
pub(super) struct SignArgs {
    /// Sign what it comes to in your own ledger
    #[arg(long)]
    sign: bool,
    /// The ledger to sign in; without it that of the working directory
    #[arg(long, value_name = "DIR", requires = "sign")]
    ledger: Option<PathBuf>,
    /// Write what was signed to this file, for the lab to attach or a reader to be given
    #[arg(long, value_name = "FILE", requires = "sign")]
    attestation: Option<PathBuf>,
    #[command(flatten)]
    passphrase: PassphraseArgs,
}

/// A ledger that something can be signed in.
pub(super) struct Signer<'a> {
    args: &'a SignArgs,
    directory: PathBuf,
    settings: Settings,
    log_key: SigningKey,
    issuer_key: SigningKey,
}

/// What was signed, and where.
#[derive(Debug, Serialize)]
pub(super) struct Signed {
    pub(super) ledger: String,
    pub(super) entry: u64,
    pub(super) digest: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) attestation: Option<String>,
}

impl SignArgs {
    /// True where anything was asked for.
    pub(super) fn is_given(&self) -> bool {
        self.sign
    }

    /// Opens what is needed to sign of this claim.
    pub(super) fn open(&self, context: &Context, evidence: &VerifiedEvidence<'_>) -> Result<Signer<'_>, Failure> {
        if let Some(path) = self.attestation.as_deref().filter(|path| path.exists()) {
            return Err(Failure::new(format!("`{}` is there already", path.display())));
        }
        let directory = match &self.ledger {
            Some(folder) if folder.join(LEDGER_DIR).is_dir() => folder.join(LEDGER_DIR),
            Some(folder) => folder.clone(),
            None => context.ledger_dir()?,
        };
        let settings = Settings::load(&directory)?;
        let log_key = self.passphrase.open(context, &settings.keys.log)?;
        let issuer_key = self.passphrase.open(context, &settings.keys.issuer)?;
        let is_own = settings.ledger == evidence.log.to_string();
        if is_own || [&log_key, &issuer_key].iter().any(|key| evidence.keys.is_own(&key.public())) {
            return Err(Failure::new("the claim is of this very ledger, or by its keys: nobody testifies of himself")
                .hint("begin a ledger of your own: reproledger init --origin example.org/rebuilds --issuer URI"));
        }
        Ok(Signer { args: self, directory, settings, log_key, issuer_key })
    }
}

impl Signer<'_> {
    /// Says it of the claim, in the ledger and where asked in a file.
    pub(super) fn sign(
        self,
        context: &Context,
        evidence: &VerifiedEvidence<'_>,
        kind: Kind,
        body: Body,
    ) -> Result<Signed, Failure> {
        let claim = evidence.entries.get(&evidence.claim).ok_or_else(|| Failure::new("the claim is not there"))?;
        let mut draft = Draft::new(kind);
        draft.testifies = Some((Edge::testifies(evidence.log, evidence.claim, claim.leaf_hash()), evidence.head));
        draft.body = body;
        let Self { args, directory, settings, log_key, issuer_key } = self;
        let (mut journal, notices) =
            Journal::open(&directory, context.state_dir(), &settings, log_key, issuer_key).map_err(from_journal)?;
        say(context, &notices);
        let appended = journal.append(vec![draft], context.now_ms() / 1000).map_err(from_journal)?;
        say(context, &journal.take_notices());
        journal.close().map_err(from_journal)?;
        let index = appended.indexes.first().copied().unwrap_or_default();
        if let Some(path) = &args.attestation {
            write(context, &directory, index, path)?;
        }
        Ok(Signed {
            ledger: settings.origin,
            entry: index.0,
            digest: appended.digests.first().map(ToString::to_string).unwrap_or_default(),
            attestation: args.attestation.as_ref().map(|path| path.to_string_lossy().into_owned()),
        })
    }
}

/// Writes the testimony of an entry to a file.
fn write(context: &Context, directory: &Path, index: EntryIndex, path: &Path) -> Result<(), Failure> {
    let reading = Reading::open_at(context, directory.to_owned())?;
    let bytes = cut_testimony(&reading.ledger, index)?.to_bytes();
    remember(context, &reading)?;
    write_file(path, &bytes)
}

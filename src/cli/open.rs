//! Opening the working directory's ledger, for reading or for writing.

use std::path::PathBuf;

use crate::cli::keys::PassphraseArgs;
use crate::cli::render::quoted;
use crate::cli::{Context, Failure};
use crate::journal::{Catalog, Finder, Journal, JournalError, Reference, Row, Settings};
use crate::ledger::{Ledger, LedgerError, Notice};

/// A ledger open for reading, with the settings beside it.
#[derive(Debug)]
pub(super) struct Reading {
    /// Its directory.
    pub(super) directory: PathBuf,
    /// `ledger.toml`.
    pub(super) settings: Settings,
    /// The ledger at its newest head.
    pub(super) ledger: Ledger,
}

impl Reading {
    /// Opens the ledger of the working directory. Takes no lock, writes nothing, never opens the index.
    pub(super) fn open(context: &Context) -> Result<Self, Failure> {
        Self::open_at(context, context.ledger_dir()?)
    }

    /// The same, of the ledger in a directory.
    pub(super) fn open_at(context: &Context, directory: PathBuf) -> Result<Self, Failure> {
        let settings = Settings::load(&directory)?;
        let key = settings.verifier_key(&directory)?;
        let ledger = Ledger::open_read(&directory, &key).map_err(explain)?;
        say(context, ledger.notices());
        Ok(Self { directory, settings, ledger })
    }

    /// Everything in it, by name.
    pub(super) fn catalog(&self) -> Result<Catalog, Failure> {
        Catalog::read(&self.ledger).map_err(from_journal)
    }
}

/// Opens the ledger of the working directory for statements.
pub(super) fn journal(context: &Context, passphrase: &PassphraseArgs) -> Result<(Journal, Settings), Failure> {
    let directory = context.ledger_dir()?;
    let settings = Settings::load(&directory)?;
    let log_key = passphrase.open(context, &settings.keys.log)?;
    let issuer_key = passphrase.open(context, &settings.keys.issuer)?;
    let (journal, notices) =
        Journal::open(&directory, context.state_dir(), &settings, log_key, issuer_key).map_err(from_journal)?;
    say(context, &notices);
    Ok((journal, settings))
}

/// Tells the person what opening or writing noticed.
pub(super) fn say(context: &Context, notices: &[Notice]) {
    for notice in notices {
        context.remark(&format!("note: {notice}"));
    }
}

/// Opens what finds entries for a writing command.
pub(super) fn finder<'a>(context: &Context, reading: &'a Reading) -> Result<Finder<'a>, Failure> {
    let finder = Finder::new(&reading.ledger).map_err(from_journal)?;
    finder.notices().iter().for_each(|notice| context.remark(&format!("note: {notice}")));
    Ok(finder)
}

/// The entry that a reference means, for a writing command.
pub(super) fn look_up(finder: &Finder<'_>, text: &str) -> Result<Row, Failure> {
    finder.find(&Reference::parse(text)).map_err(from_journal)?.ok_or_else(|| nothing(text, &finder.near(text)))
}

fn nothing(text: &str, near: &[String]) -> Failure {
    let failure = Failure::new(format!("nothing in this ledger is called `{}`", text.escape_default()));
    let near: Vec<String> = near.iter().map(|name| quoted(name)).collect();
    let failure = if near.is_empty() { failure } else { failure.hint(format!("there is {}", near.join(", "))) };
    failure.hint("list what there is: reproledger log")
}

/// The entry that a reference means, or a failure that says how to find it.
pub(super) fn find<'a>(catalog: &'a Catalog, text: &str) -> Result<&'a Row, Failure> {
    catalog.find(&Reference::parse(text)).ok_or_else(|| nothing(text, &catalog.near(text)))
}

/// A failure of the journal, with the next step where there is one.
pub(super) fn from_journal(error: JournalError) -> Failure {
    match error {
        JournalError::Ledger(error) => explain(error),
        error @ JournalError::NotEnrolled { .. } => Failure::from(error).hint(
            "see which keys there are: reproledger key list; `ledger.toml` names the one that signs under [keys]",
        ),
        error => error.into(),
    }
}

/// A failure of the ledger on disk, with the next step where there is one.
pub(super) fn explain(error: LedgerError) -> Failure {
    let hint = match &error {
        LedgerError::Damaged { .. } => "see everything that is wrong: reproledger audit",
        LedgerError::Locked { .. } | LedgerError::CopyInUse { .. } => "wait until the other writer is done",
        LedgerError::RolledBack { .. } | LedgerError::Forked { .. } => {
            "use the newest copy of the ledger; if it is lost, begin a new ledger: nothing can be signed here without showing two histories"
        }
        LedgerError::NoState { .. } => {
            "if this is the only copy and no newer head was ever shown to anyone: reproledger doctor --adopt"
        }
        LedgerError::Unsupported { .. } => "use a newer reproledger",
        _ => return error.into(),
    };
    let refuses_to_answer =
        matches!(error, LedgerError::NoState { .. } | LedgerError::Unsupported { .. } | LedgerError::Locked { .. });
    let is_contradiction =
        matches!(error, LedgerError::Damaged { .. } | LedgerError::RolledBack { .. } | LedgerError::Forked { .. });
    let failure = Failure::from(error).hint(hint);
    match (is_contradiction, refuses_to_answer) {
        (true, _) => failure.contradicted(),
        (_, true) => failure.unestablished(),
        _ => failure,
    }
}

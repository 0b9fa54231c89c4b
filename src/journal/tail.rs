//! How a ledger ends: what the next statement must follow.

use std::path::Path;

use crate::journal::JournalError;
use crate::key::VerifierKey;
use crate::ledger::Ledger;
use crate::merkle::EntryIndex;
use crate::statement::{Entry, Kind};
use crate::verify::{KeySet, Reject};

/// What the end of a ledger says about how to go on.
pub(super) struct Tail {
    /// Keys that may sign now.
    pub(super) keys: KeySet,
    /// The entry that last changed them.
    pub(super) keyset: EntryIndex,
    /// Time of the last entry.
    pub(super) last_time: u64,
    /// The same, if a `clock-step` already says that the clock went back.
    pub(super) stepped_at: Option<u64>,
}

impl Tail {
    /// Reads the end of the ledger in `directory`, and the key changes that led to it.
    pub(super) fn read(directory: &Path, key: &VerifierKey) -> Result<Self, JournalError> {
        let ledger = Ledger::open_read(directory, key)?;
        let size = ledger.tree().size.0;
        let read = |index: EntryIndex| -> Result<Entry, JournalError> {
            let found = ledger.entry(index)?;
            Entry::parse(&found.bytes).map_err(|source| JournalError::Entry { index, source })
        };
        let last_index = EntryIndex(size.saturating_sub(1));
        let last = read(last_index)?;
        let payload = last.claimed();
        let keyset = if payload.kind == Kind::KeyChange { last_index } else { payload.keyset };
        let last_time = last.claims().issued_at;
        let mut stepped_at = None;
        // Only entries of the last entry's second can hold the step that is still in force. Bounded: the worst that
        // looking no further can do is to say the same step twice.
        for index in (0..size).rev().take(1024).map(EntryIndex) {
            let entry = read(index)?;
            if entry.claims().issued_at != last_time {
                break;
            }
            if entry.claimed().kind == Kind::ClockStep {
                stepped_at = Some(last_time);
                break;
            }
        }
        Ok(Self { keys: key_set(keyset, read)?, keyset, last_time, stepped_at })
    }
}

/// The key set as of the change at `newest`, along the chain by which each change names the one before it.
fn key_set(
    newest: EntryIndex,
    read: impl Fn(EntryIndex) -> Result<Entry, JournalError>,
) -> Result<KeySet, JournalError> {
    let mut changes = Vec::new();
    let mut index = newest;
    while index != EntryIndex(0) {
        let entry = read(index)?;
        let before = entry.claimed().keyset;
        if before >= index {
            return Err(JournalError::Keys(Reject::StaleKeySet { index, change: before }));
        }
        changes.push((index, entry));
        index = before;
    }
    let (_, _, mut keys) = KeySet::open_genesis(&read(EntryIndex(0))?).map_err(JournalError::Keys)?;
    for (index, entry) in changes.iter().rev() {
        keys.apply(*index, entry.claimed()).map_err(JournalError::Keys)?;
    }
    Ok(keys)
}

//! Opening for writing: finds the end of the ledger, compares it with what was signed before, and repairs what a crash
//! may leave.
//!
//! Repaired, and said: a torn tail is copied to `torn/` and only then overwritten with zeros; temporary files are
//! removed. Both can be cut short and done again. Everything else that is wrong is refused with its name. Nothing is
//! touched before every check has passed.

use std::fs;
use std::path::Path;

use crate::digest::FileDigest;
use crate::key::VerifierKey;

use super::error::{At, LedgerError};
use super::file::{Layout, Sync, create_dir, private, replace};
use super::head_copy::head_copy;
use super::headers::{last_segment, ledger_id};
use super::lock::WriterLock;
use super::notice::Notice;
use super::replay::{Found, Issued, replay};
use super::segment::{UNNAMED, write_zeros};
use super::state::{StateFile, StateReading, state_path};
use super::tail::{Tail, read_tail};

/// What to do where nothing says which heads were signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MissingState {
    /// Refuse to sign: the rule.
    Refuse,
    /// Begin a state file at the newest head on disk. The caller records that in the ledger itself.
    Adopt,
}

/// A ledger that may be written: locked, compared and repaired.
#[derive(Debug)]
pub(super) struct Recovered {
    pub(super) lock: WriterLock,
    pub(super) state: StateFile,
    pub(super) found: Found,
    pub(super) notices: Vec<Notice>,
}

/// Takes a ledger for writing.
pub(super) fn recover(
    layout: &Layout,
    key: &VerifierKey,
    state_dir: &Path,
    missing: MissingState,
) -> Result<Recovered, LedgerError> {
    // A directory without a ledger gets no lock file.
    last_segment(layout)?;
    let lock = WriterLock::take(&layout.lock())?;
    let ledger = ledger_id(layout)?;
    let (state, reading) = StateFile::take(state_dir, ledger)?;
    let mut of_copy = Vec::new();
    let issued = Issued {
        state: match reading {
            StateReading::Signed(head) => Some(head),
            StateReading::Lost(_) => None,
        },
        copy: head_copy(layout, key)?.tree(&mut of_copy),
    };
    let found = replay(layout, key, issued, &mut |_| {})?;
    let mut notices = Vec::new();
    let state = match (state, reading, missing) {
        (Some(state), _, _) => state,
        (None, StateReading::Lost(_), MissingState::Adopt) => {
            notices.push(Notice::Adopted { path: state_path(state_dir, ledger) });
            StateFile::create(state_dir, ledger, found.head.tree())?
        }
        (None, reading, _) => {
            let why = match reading {
                StateReading::Lost(why) => why,
                StateReading::Signed(_) => super::error::StateLoss::Unreadable,
            };
            return Err(LedgerError::NoState { path: state_path(state_dir, ledger), why, ledger });
        }
    };
    notices.append(&mut of_copy);
    repair_tail(layout, &found, &mut notices)?;
    remove_unnamed(layout, &mut notices)?;
    Ok(Recovered { lock, state, found, notices })
}

/// Moves a torn tail out of the log: copied first, then overwritten.
fn repair_tail(layout: &Layout, found: &Found, notices: &mut Vec<Notice>) -> Result<(), LedgerError> {
    let Tail::Torn { until } = found.tail else { return Ok(()) };
    let segment = layout.segment(found.last);
    let mut bytes = read_tail(&segment, found.end)?;
    bytes.truncate(usize::try_from(until - found.end).unwrap_or(usize::MAX));
    create_dir(&layout.torn())?;
    // Named by what it holds, so that a repair that is cut short and done again makes the same file.
    let kept = layout.torn().join(format!("{:06}-{}-{}.bin", found.last, found.end, FileDigest::of(&bytes)));
    replace(&kept, &bytes, Sync::Now)?;
    let file = private().open(&segment).at("open", &segment)?;
    write_zeros(&file, found.end, until).at("clear the torn tail of", &segment)?;
    file.sync_all().at("sync", &segment)?;
    notices.push(Notice::TornTail { segment, offset: found.end, bytes: until - found.end, kept: Some(kept) });
    Ok(())
}

/// Removes segments that a crash left without a name: nothing was ever acknowledged in them.
fn remove_unnamed(layout: &Layout, notices: &mut Vec<Notice>) -> Result<(), LedgerError> {
    let log = layout.log();
    for entry in fs::read_dir(&log).at("list", &log)? {
        let path = entry.at("list", &log)?.path();
        if path.extension().is_some_and(|extension| extension == UNNAMED) {
            fs::remove_file(&path).at("remove", &path)?;
            notices.push(Notice::LeftOver { path });
        }
    }
    Ok(())
}

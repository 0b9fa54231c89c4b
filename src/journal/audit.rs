//! The whole ledger judged from disk: every frame and head, and every entry by the rules it must keep.
//!
//! Everything that contradicts what was signed is a finding, and so is what this version cannot read; what an audit
//! could not even look at is an error. Nothing here prints or decides an exit code.

mod closer;
mod course;
mod entries;
mod finding;
mod objects;
#[cfg(test)]
pub(crate) mod tests;

use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::capture::hash::Progress;
use crate::journal::Settings;
use crate::ledger::{self, AuditInputs, AuditReport, LedgerError, StateReading, read_state};
use closer::look_closer;
pub use course::Disowned;
pub use entries::EntryAudit;
use entries::audit_entries;
pub use finding::{Class, Finding, Findings, MAX_FINDINGS};
pub use objects::ObjectCount;

/// How much of a ledger to go over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The log, and what its entries say.
    Everything,
    /// Frames and signed heads only.
    Heads,
}

/// What an audit comes to.
#[derive(Debug, Default)]
pub struct Audit {
    /// What was found whole in the log; nothing if the log is not whole.
    pub log: Option<AuditReport>,
    /// Entries before the place where the log is damaged, where that can be told.
    pub whole_before: Option<u64>,
    /// What this machine remembers of the heads it signed.
    pub state: Option<StateReading>,
    /// What went over the entries, if they were looked into.
    pub entries: Option<EntryAudit>,
    /// Everything wrong.
    pub findings: Findings,
}

/// Audits the ledger that `settings` lie beside. An error says nothing about the ledger, only that it could not be read.
pub fn audit_ledger(
    inputs: AuditInputs<'_>,
    settings: &Settings,
    scope: Scope,
    progress: &dyn Progress,
) -> Result<Audit, LedgerError> {
    let mut audit = Audit::default();
    let seen = AtomicU64::new(0);
    // Told how far it is in all, from any thread; who watches wants what is new.
    let tell = |done: u64| progress.add(done.saturating_sub(seen.fetch_max(done, Ordering::Relaxed)));
    let (is_vain, mut findings) = (AtomicBool::new(false), Findings::default());
    let log = || {
        let log = ledger::audit(inputs, |_, _, _| Ok::<(), Infallible>(()), tell);
        is_vain.store(log.is_err(), Ordering::Relaxed);
        log
    };
    let entries = || audit_entries(inputs.dir, inputs.key, settings, &mut findings, progress, &is_vain);
    // Frames of one segment follow each other: while one core goes over them, the others check signatures. What they find
    // counts only if the log is whole.
    let (log, entries) = match scope {
        Scope::Heads => (log(), None),
        Scope::Everything => {
            let (log, entries) = rayon::join(log, entries);
            (log, Some(entries))
        }
    };
    match log {
        Ok(log) => {
            audit.state = inputs.state_dir.map(|dir| read_state(dir, log.ledger)).transpose()?;
            audit.log = Some(log);
            audit.entries = entries.transpose()?;
            audit.findings = findings;
        }
        Err(error) if is_about_the_ledger(&error) => {
            let closer = look_closer(inputs, &error);
            audit.whole_before = closer.whole;
            audit.findings.add(Finding::Log(error));
            closer.refused.into_values().for_each(|finding| audit.findings.add(finding));
        }
        Err(error) => return Err(error),
    }
    Ok(audit)
}

fn is_about_the_ledger(error: &LedgerError) -> bool {
    matches!(
        error,
        LedgerError::Damaged { .. }
            | LedgerError::RolledBack { .. }
            | LedgerError::Forked { .. }
            | LedgerError::Unsupported { .. }
    )
}

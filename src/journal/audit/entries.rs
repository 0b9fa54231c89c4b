//! Goes over every entry once, in batches: each is decoded, held to the rules, and its signature and objects checked.
//!
//! Decoding, signatures and objects are checked on every core; what depends on the entries before is checked in order.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;

use super::course::{Course, Disowned};
use super::objects::{Done, ObjectCount, Task};
use super::{Finding, Findings};
use crate::capture::hash::Progress;
use crate::digest::LeafHash;
use crate::journal::Settings;
use crate::key::VerifierKey;
use crate::ledger::{self, Ledger, LedgerError, Objects};
use crate::merkle::EntryIndex;
use crate::statement::{Entry, EntryError};

/// Entries that are checked together: enough to share between cores, little to hold.
const BATCH: usize = 4096;

/// Entries that a core checks before others may take some: as much work as half a millisecond. Left to itself rayon hands
/// out quarters of a batch, and at the end of every batch all cores but one wait.
const SHARE: usize = 16;

/// What went over the entries.
#[derive(Debug, Default)]
pub struct EntryAudit {
    /// Entries that could be read.
    pub read: u64,
    /// Signatures that hold.
    pub signatures: u64,
    /// Links that hold.
    pub links: u64,
    /// Links that lead to other ledgers, or to what cannot be read.
    pub foreign_links: u64,
    /// Keys that were in other hands, and how many entries of theirs no claim may rest on.
    pub disowned: Vec<Disowned>,
    /// Bodies that entries commit to.
    pub bodies: ObjectCount,
    /// Manifests that entries state.
    pub manifests: ObjectCount,
    /// Salts of the salted ones among those that are here.
    pub salts: ObjectCount,
}

/// An entry as it was read.
struct Read {
    index: EntryIndex,
    leaf: LeafHash,
    length: u64,
    entry: Result<Entry, EntryError>,
}

/// Goes over the entries in order.
struct Walk<'a> {
    entries: ledger::Entries<'a>,
    course: Course,
    totals: EntryAudit,
    key: &'a VerifierKey,
    settings: &'a Settings,
    progress: &'a dyn Progress,
}

impl Walk<'_> {
    /// What is left to check of the next batch; nothing after the last entry.
    fn next(&mut self, findings: &mut Findings) -> Result<Option<Vec<Task>>, LedgerError> {
        let batch = self.entries.by_ref().take(BATCH).collect::<Result<Vec<_>, _>>()?;
        if batch.is_empty() {
            return Ok(None);
        }
        let parse = |stored: ledger::Entry| Read {
            index: stored.index,
            leaf: stored.leaf,
            length: stored.bytes.len() as u64,
            entry: Entry::parse(&stored.bytes),
        };
        let read: Vec<Read> = batch.into_par_iter().with_min_len(64).map(parse).collect();
        let mut tasks = Vec::with_capacity(read.len());
        for Read { index, leaf, length, entry } in read {
            self.progress.add(length);
            match entry {
                Ok(entry) => {
                    self.totals.read += 1;
                    if index == EntryIndex(0) {
                        self.course.begin(&entry, self.key, self.settings, findings);
                    }
                    tasks.push(self.course.step(index, leaf, entry, &mut self.totals, findings));
                }
                Err(source) => {
                    findings.add(Finding::Unreadable { index, source });
                    self.course.skip();
                }
            }
        }
        Ok(Some(tasks))
    }
}

/// Goes over every entry, unless it is told that this is in vain: then what it gives is of no use.
pub(super) fn audit_entries(
    directory: &Path,
    key: &VerifierKey,
    settings: &Settings,
    findings: &mut Findings,
    progress: &dyn Progress,
    is_vain: &AtomicBool,
) -> Result<EntryAudit, LedgerError> {
    let ledger = Ledger::open_read(directory, key)?;
    let (objects, private) = (Objects::new(ledger.layout().objects()), Objects::new(ledger.layout().private()));
    let entries = ledger.entries(EntryIndex(0))?;
    let mut walk = Walk { entries, course: Course::default(), totals: EntryAudit::default(), key, settings, progress };
    let mut next = walk.next(findings)?;
    while let Some(tasks) = next.filter(|_| !is_vain.load(Ordering::Relaxed)) {
        // The next batch is read and held to the order while this one's signatures are checked: no core waits.
        let mut later = Findings::default();
        let (done, read) = rayon::join(
            || {
                tasks
                    .into_par_iter()
                    .with_max_len(SHARE)
                    .map(|task| task.check(&objects, &private))
                    .collect::<Vec<Done>>()
            },
            || walk.next(&mut later),
        );
        for done in done {
            walk.totals.add(&done);
            done.wrong.into_iter().for_each(|finding| findings.add(finding));
        }
        findings.append(later);
        next = read?;
    }
    walk.totals.disowned = walk.course.disowned();
    walk.course.end(findings);
    Ok(walk.totals)
}

impl EntryAudit {
    fn add(&mut self, done: &Done) {
        self.signatures += u64::from(done.signature);
        for (count, found) in [
            (&mut self.bodies, done.body.as_slice()),
            (&mut self.manifests, &done.manifests),
            (&mut self.salts, &done.salts),
        ] {
            let whole = found.iter().filter(|here| **here).count() as u64;
            count.whole += whole;
            count.missing += found.len() as u64 - whole;
        }
    }
}

//! Goes over every entry once, in batches: each is decoded, held to the rules, and its signature and objects checked.
//!
//! Decoding, signatures and objects are checked on every core; what depends on the entries before is checked in order.

use std::path::Path;

use rayon::prelude::*;

use super::course::{Course, Disowned};
use super::objects::{Done, ObjectCount};
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
}

/// An entry as it was read.
struct Read {
    index: EntryIndex,
    leaf: LeafHash,
    length: u64,
    entry: Result<Entry, EntryError>,
}

fn read_batch(entries: &mut ledger::Entries<'_>) -> Result<Vec<Read>, LedgerError> {
    let batch = entries.take(BATCH).collect::<Result<Vec<_>, _>>()?;
    let parse = |stored: ledger::Entry| Read {
        index: stored.index,
        leaf: stored.leaf,
        length: stored.bytes.len() as u64,
        entry: Entry::parse(&stored.bytes),
    };
    Ok(batch.into_par_iter().with_min_len(64).map(parse).collect())
}

/// Goes over every entry.
pub(super) fn audit_entries(
    directory: &Path,
    key: &VerifierKey,
    settings: &Settings,
    findings: &mut Findings,
    progress: &dyn Progress,
) -> Result<EntryAudit, LedgerError> {
    let ledger = Ledger::open_read(directory, key)?;
    let objects = Objects::new(ledger.layout().objects());
    let (mut course, mut totals) = (Course::default(), EntryAudit::default());
    let mut entries = ledger.entries(EntryIndex(0))?;
    let mut next = read_batch(&mut entries)?;
    while !next.is_empty() {
        let mut tasks = Vec::with_capacity(next.len());
        for Read { index, leaf, length, entry } in next {
            progress.add(length);
            match entry {
                Ok(entry) => {
                    totals.read += 1;
                    if index == EntryIndex(0) {
                        course.begin(&entry, key, settings, findings);
                    }
                    tasks.push(course.step(index, leaf, entry, &mut totals, findings));
                }
                Err(source) => {
                    findings.add(Finding::Unreadable { index, source });
                    course.skip();
                }
            }
        }
        // The next batch is read while this one's signatures are checked.
        let (done, read) = rayon::join(
            || tasks.par_iter().with_min_len(16).map(|task| task.check(&objects)).collect::<Vec<Done>>(),
            || read_batch(&mut entries),
        );
        for done in done {
            totals.add(&done);
            done.wrong.into_iter().for_each(|finding| findings.add(finding));
        }
        next = read?;
    }
    totals.disowned = course.disowned();
    course.end(findings);
    Ok(totals)
}

impl EntryAudit {
    fn add(&mut self, done: &Done) {
        self.signatures += u64::from(done.signature);
        for (count, found) in [(&mut self.bodies, done.body.as_slice()), (&mut self.manifests, &done.manifests)] {
            let whole = found.iter().filter(|here| **here).count() as u64;
            count.whole += whole;
            count.missing += found.len() as u64 - whole;
        }
    }
}

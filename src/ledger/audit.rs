//! Recomputes the whole ledger from disk: every frame, every group, every head ever signed.
//!
//! Each head's root is recomputed from the entries before it, so all heads lie on one history: consistency needs no
//! separate proof. Segments are independent given their headers and are audited on every core; then each header is
//! held against the end of the segment before it. Whether an entry is well formed and signed is for the caller's check.

use std::fmt::Display;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use rayon::prelude::*;

use crate::digest::{LeafHash, LedgerId};
use crate::key::VerifierKey;
use crate::merkle::{CompactRange, EntryIndex, SignedHead, TreeHead};

use super::error::{Damage, LedgerError};
use super::file::Layout;
use super::head_copy::head_copy;
use super::headers::{check_header, last_segment, ledger_id};
use super::look::steadily;
use super::notice::Notice;
use super::replay::{Issued, check_head, check_issued, check_not_shorter};
use super::scan::{Event, Groups, Scan, Stop};
use super::state::{StateReading, read_state};
use super::tail::{Tail, check_closed, judge_tail};

/// Entries are checked in batches of about so many bytes: enough to share between cores, little to hold.
const BATCH_BYTES: usize = 1 << 20;
/// A ledger of single appends has a head for each entry.
const BATCH_HEADS: usize = 512;

/// What an audit went over and found whole.
#[derive(Debug, Clone)]
pub struct AuditReport {
    /// The ledger's identity.
    pub ledger: LedgerId,
    /// The newest head.
    pub head: SignedHead,
    /// Heads whose signature and root were checked: all of them.
    pub heads: u64,
    /// Cosignatures and timestamps, which are not checked here.
    pub attached: u64,
    /// Segment files.
    pub segments: u64,
    /// Bytes of frames.
    pub bytes: u64,
    /// What a person should be told, though it is not damage.
    pub notices: Vec<Notice>,
}

/// What to hold the log against, beside itself.
#[derive(Debug, Clone, Copy)]
pub struct AuditInputs<'a> {
    /// The ledger's directory.
    pub dir: &'a Path,
    /// The log's key.
    pub key: &'a VerifierKey,
    /// Where state files are kept, if the auditor is on the machine that writes.
    pub state_dir: Option<&'a Path>,
}

/// Audits a ledger. `check` is called once for each entry, on any thread and in any order; its refusal is damage.
/// `progress` hears how many bytes were gone over so far.
pub fn audit<E: Display>(
    inputs: AuditInputs<'_>,
    check: impl Fn(EntryIndex, &[u8], LeafHash) -> Result<(), E> + Sync,
    progress: impl Fn(u64) + Sync,
) -> Result<AuditReport, LedgerError> {
    let layout = Layout::new(inputs.dir);
    let last = last_segment(&layout)?;
    let ledger = ledger_id(&layout)?;
    let mut notices = Vec::new();
    // Before the log, which only grows.
    let issued = issued(&layout, ledger, inputs, &mut notices)?;
    let done = AtomicU64::new(0);
    let tell = |bytes| progress(done.fetch_add(bytes, Ordering::Relaxed) + bytes);
    let job = Job { layout: &layout, ledger, key: inputs.key, issued, check: &check, tell: &tell };
    let parts: Vec<Result<Part, LedgerError>> = (0..=last)
        .into_par_iter()
        .map(|number| if number == last { job.last(number) } else { job.closed(number) })
        .collect();

    let mut report: Option<AuditReport> = None;
    let mut before: Option<CompactRange> = None;
    for (number, part) in (0..).zip(parts) {
        let part = part?;
        let path = layout.segment(number);
        if let Some(range) = &before
            && *range != part.before
        {
            let what = if range.size() == part.before.size() {
                Damage::HeaderRange
            } else {
                Damage::HeaderFirst { expected: range.size().0, found: part.before.size().0 }
            };
            return Err(LedgerError::damaged(&path, 0, what));
        }
        if let Tail::Torn { until } = part.tail {
            let bytes = until - part.end;
            notices.push(Notice::TornTail { segment: path.clone(), offset: part.end, bytes, kept: None });
        }
        let newest = part.newest.or_else(|| report.as_ref().map(|report| report.head.clone()));
        let Some(head) = newest else {
            return Err(LedgerError::damaged(&path, part.end, Damage::Uncovered));
        };
        if number == last {
            check_not_shorter(&path, issued, &head, &part.stop, part.uncovered, part.end)?;
        }
        let total = report.get_or_insert(AuditReport {
            ledger,
            head: head.clone(),
            heads: 0,
            attached: 0,
            segments: 0,
            bytes: 0,
            notices: Vec::new(),
        });
        total.head = head;
        total.heads += part.heads;
        total.attached += part.attached;
        total.segments += 1;
        total.bytes += part.bytes;
        before = Some(part.after);
    }
    let mut report = report.ok_or(LedgerError::NotALedger { path: inputs.dir.to_owned() })?;
    report.notices = notices;
    Ok(report)
}

fn issued(
    layout: &Layout,
    ledger: LedgerId,
    inputs: AuditInputs<'_>,
    notices: &mut Vec<Notice>,
) -> Result<Issued, LedgerError> {
    let state = match inputs.state_dir.map(|dir| read_state(dir, ledger)).transpose()? {
        Some(StateReading::Signed(head)) => Some(head),
        Some(StateReading::Lost(_)) | None => None,
    };
    let copy = head_copy(layout, inputs.key)?.tree(notices);
    Ok(Issued { copy, state })
}

/// What one segment holds.
struct Part {
    before: CompactRange,
    after: CompactRange,
    newest: Option<SignedHead>,
    heads: u64,
    attached: u64,
    bytes: u64,
    end: u64,
    uncovered: u64,
    stop: Stop,
    tail: Tail,
}

struct Job<'a, C, T> {
    layout: &'a Layout,
    ledger: LedgerId,
    key: &'a VerifierKey,
    issued: Issued,
    check: &'a C,
    tell: &'a T,
}

/// Entries and heads waiting to be checked together.
#[derive(Default)]
struct Batch {
    bytes: Vec<u8>,
    entries: Vec<(u64, u64, std::ops::Range<usize>, LeafHash)>,
    heads: Vec<(u64, Vec<u8>, TreeHead)>,
}

impl<C, T, E> Job<'_, C, T>
where
    C: Fn(EntryIndex, &[u8], LeafHash) -> Result<(), E> + Sync,
    T: Fn(u64) + Sync,
    E: Display,
{
    fn closed(&self, number: u32) -> Result<Part, LedgerError> {
        let part = self.segment(number)?;
        check_closed(&self.layout.segment(number), &part.stop, part.uncovered, part.end)?;
        Ok(part)
    }

    fn last(&self, number: u32) -> Result<Part, LedgerError> {
        let path = self.layout.segment(number);
        steadily(&self.layout.lock(), || {
            let mut part = self.segment(number)?;
            let newest = part.newest.as_ref().map_or(part.before.size(), |head| head.tree().size);
            part.tail = judge_tail(&path, &part.stop, part.uncovered, part.end, self.key, newest)?;
            Ok(part)
        })
    }

    fn segment(&self, number: u32) -> Result<Part, LedgerError> {
        let path = self.layout.segment(number);
        let (mut scan, header) = Scan::open(&path, Groups::Check)?;
        check_header(&header, &path, self.ledger, number, None)?;
        let mut part = Part {
            after: header.before.clone(),
            before: header.before,
            newest: None,
            heads: 0,
            attached: 0,
            bytes: 0,
            end: scan.at(),
            uncovered: 0,
            stop: Stop::End { at: scan.at() },
            tail: Tail::Clean,
        };
        let mut batch = Batch::default();
        // Another tree than was issued: said only after the group's head was read, which may show where it differs.
        let mut forked: Option<LedgerError> = None;
        part.stop = loop {
            match scan.next().map_err(|error| forked.take().unwrap_or(error))? {
                Event::Entry { index, offset, bytes, leaf } => {
                    if index == 0 && LedgerId::from(leaf) != self.ledger {
                        return Err(LedgerError::damaged(&path, offset, Damage::Genesis));
                    }
                    let start = batch.bytes.len();
                    batch.bytes.extend_from_slice(bytes);
                    batch.entries.push((index, offset, start..batch.bytes.len(), leaf));
                    forked = forked.or_else(|| check_issued(self.issued, scan.range()).err());
                }
                Event::Head { offset, note } => {
                    let note = note.to_vec();
                    batch.heads.push((offset, note, scan.range().head()));
                    part.after = scan.range().clone();
                    part.heads += 1;
                    (self.tell)(scan.at() - part.end);
                    part.bytes += scan.at() - part.end;
                    part.end = scan.at();
                    if let Some(error) = forked {
                        self.check_batch(&path, &batch)?;
                        return Err(error);
                    }
                    if batch.bytes.len() >= BATCH_BYTES || batch.heads.len() >= BATCH_HEADS {
                        part.newest = self.check_batch(&path, &batch)?;
                        batch = Batch::default();
                    }
                }
                Event::Attached => {
                    part.attached += 1;
                    if scan.uncovered() == 0 {
                        part.bytes += scan.at() - part.end;
                        part.end = scan.at();
                    }
                }
                Event::Stopped(stop) => break stop,
            }
        };
        part.uncovered = scan.uncovered();
        // What no head covers was never said.
        batch.entries.retain(|(index, ..)| *index < part.after.size().0);
        if let Some(newest) = self.check_batch(&path, &batch)? {
            part.newest = Some(newest);
        }
        forked.map_or(Ok(part), Err)
    }

    /// Checks signatures, roots and entries; returns the newest head of the batch.
    fn check_batch(&self, path: &Path, batch: &Batch) -> Result<Option<SignedHead>, LedgerError> {
        let heads = || {
            batch
                .heads
                .par_iter()
                .map(|(offset, note, recomputed)| {
                    let refuse = |what| LedgerError::damaged(path, *offset, what);
                    let head = SignedHead::open(note, self.key)
                        .map_err(|error| refuse(Damage::HeadSignature { reason: error.to_string() }))?;
                    check_head(&head, recomputed).map_err(refuse)?;
                    Ok(head)
                })
                .reduce_with(|left, right| if left.is_err() { left } else { right })
                .transpose()
        };
        let entries = || {
            let refused = batch.entries.par_iter().with_min_len(64).find_map_first(|(index, offset, range, leaf)| {
                let bytes = batch.bytes.get(range.clone()).unwrap_or_default();
                let refusal = (self.check)(EntryIndex(*index), bytes, *leaf).err()?;
                let what = Damage::Entry { index: *index, reason: refusal.to_string() };
                Some(LedgerError::damaged(path, *offset, what))
            });
            refused.map_or(Ok(()), Err)
        };
        let (newest, entries) = rayon::join(heads, entries);
        let newest = newest?;
        entries?;
        Ok(newest)
    }
}

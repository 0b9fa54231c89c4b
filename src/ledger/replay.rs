//! Finds where a ledger ends: the newest signed head, recomputed from the entries before it.
//!
//! Only the last segment is walked (and those before it as far back as the oldest head that must be compared). A
//! writer and a reader reach their opinion through this one function, which changes nothing on disk.
//!
//! What lies after the newest intact group is *torn* (a commit that was never acknowledged) only if nothing speaks
//! against it: no issued head is larger, and no second group follows the damage. Two groups are never under way at
//! once, so a second one proves that the first had been synced. All else is damage, and named.

use std::path::Path;

use crate::digest::{LeafHash, LedgerId, NodeHash};
use crate::key::VerifierKey;
use crate::merkle::{CompactRange, SignedHead, TreeHead};

use super::error::{Damage, LedgerError};
use super::file::Layout;
use super::frame::GroupChecksum;
use super::headers::{check_header, header_of, last_segment, ledger_id};
use super::scan::{Event, Groups, Scan, Stop};
use super::tail::{Tail, check_closed, damage_at, judge_tail};

/// Heads that were issued before, as far as anything remembers.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Issued {
    /// By the `head` copy.
    pub(super) copy: Option<TreeHead>,
    /// By the state file.
    pub(super) state: Option<TreeHead>,
}

impl Issued {
    fn each(self) -> impl Iterator<Item = TreeHead> {
        [self.state, self.copy].into_iter().flatten()
    }
}

/// Where a ledger ends.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) ledger: LedgerId,
    /// The last segment: number, and where its intact part ends.
    pub(super) last: u32,
    pub(super) end: u64,
    /// Checksum so far of intact frames after the newest head (cosignatures).
    pub(super) group: GroupChecksum,
    pub(super) range: CompactRange,
    pub(super) head: SignedHead,
    /// Where the newest head's frame is.
    pub(super) head_segment: u32,
    pub(super) head_offset: u64,
    pub(super) tail: Tail,
}

/// An entry seen on the way, for callers that keep places and hashes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen {
    pub(super) segment: u32,
    pub(super) index: u64,
    pub(super) offset: u64,
    pub(super) leaf: LeafHash,
}

/// The newest head and everything before it that was walked over.
struct Newest {
    segment: u32,
    offset: u64,
    note: Vec<u8>,
    range: CompactRange,
}

/// Walks the end of a ledger; `see` hears of every entry walked over, covered by a head or not.
pub(super) fn replay(
    layout: &Layout,
    key: &VerifierKey,
    issued: Issued,
    see: &mut dyn FnMut(Seen),
) -> Result<Found, LedgerError> {
    let last = last_segment(layout)?;
    let ledger = ledger_id(layout)?;
    let oldest = issued.each().map(|head| head.size.0).min().unwrap_or(u64::MAX);
    let mut from = last;
    // Back to the segment in which the oldest issued head lies.
    while from > 0 && header_of(layout, from)?.first() >= oldest {
        from -= 1;
    }
    // A segment that was just begun holds no head yet: the newest one is in the segment before it.
    if from == last && from > 0 && !begins_with_a_group(layout, last)? {
        from -= 1;
    }
    replay_from(layout, key, issued, ledger, from..=last, see)
}

fn begins_with_a_group(layout: &Layout, number: u32) -> Result<bool, LedgerError> {
    let (mut scan, _) = Scan::open(&layout.segment(number), Groups::Check)?;
    loop {
        match scan.next()? {
            Event::Head { .. } => return Ok(true),
            Event::Stopped(_) => return Ok(false),
            Event::Entry { .. } | Event::Attached => {}
        }
    }
}

fn replay_from(
    layout: &Layout,
    key: &VerifierKey,
    issued: Issued,
    ledger: LedgerId,
    segments: std::ops::RangeInclusive<u32>,
    see: &mut dyn FnMut(Seen),
) -> Result<Found, LedgerError> {
    let last = *segments.end();
    let mut newest: Option<Newest> = None;
    let mut before: Option<CompactRange> = None;
    for number in segments {
        let path = layout.segment(number);
        let (mut scan, header) = Scan::open(&path, Groups::Check)?;
        check_header(&header, &path, ledger, number, before.as_ref())?;
        let (mut end, mut group) = (scan.at(), scan.group().clone());
        let stop = loop {
            match scan.next()? {
                Event::Entry { index, offset, leaf, .. } => {
                    if index == 0 && LedgerId::from(leaf) != ledger {
                        return Err(LedgerError::damaged(&path, offset, Damage::Genesis));
                    }
                    see(Seen { segment: number, index, offset, leaf });
                    check_issued(issued, scan.range())?;
                }
                Event::Head { offset, note } => {
                    let note = note.to_vec();
                    let range = scan.range().clone();
                    newest = Some(Newest { segment: number, offset, note, range });
                    (end, group) = (scan.at(), GroupChecksum::default());
                }
                Event::Attached => {
                    if scan.uncovered() == 0 {
                        (end, group) = (scan.at(), scan.group().clone());
                    }
                }
                Event::Stopped(stop) => break stop,
            }
        };
        if number < last {
            check_closed(&path, &stop, scan.uncovered(), end)?;
            before = Some(scan.range().clone());
            continue;
        }
        let Some(newest) = newest else {
            return Err(damage_at(&path, &stop, scan.uncovered(), end));
        };
        let head_path = layout.segment(newest.segment);
        let head = open_head(&head_path, &newest, key)?;
        let tail = judge_tail(&path, &stop, scan.uncovered(), end, key, head.tree().size)?;
        check_not_shorter(&path, issued, &head, &stop, scan.uncovered(), end)?;
        return Ok(Found {
            ledger,
            last,
            end,
            group,
            range: newest.range,
            head,
            head_segment: newest.segment,
            head_offset: newest.offset,
            tail,
        });
    }
    Err(LedgerError::NotALedger { path: layout.dir().to_owned() })
}

/// Where a size was issued before, it must have the root that it has now.
pub(super) fn check_issued(issued: Issued, range: &CompactRange) -> Result<(), LedgerError> {
    for signed in issued.each().filter(|head| head.size == range.size()) {
        let found = range.head();
        if found != signed {
            return Err(LedgerError::Forked { signed, found });
        }
    }
    Ok(())
}

fn open_head(path: &Path, newest: &Newest, key: &VerifierKey) -> Result<SignedHead, LedgerError> {
    let refuse = |what| LedgerError::damaged(path, newest.offset, what);
    let head = SignedHead::open(&newest.note, key)
        .map_err(|error| refuse(Damage::HeadSignature { reason: error.to_string() }))?;
    check_head(&head, &newest.range.head()).map_err(refuse)?;
    Ok(head)
}

/// A head must say what the entries before it hash to.
pub(super) fn check_head(head: &SignedHead, recomputed: &TreeHead) -> Result<(), Damage> {
    if head.tree().size != recomputed.size {
        return Err(Damage::HeadSize { expected: recomputed.size.0, found: head.tree().size.0 });
    }
    root_matches(&head.tree().root, &recomputed.root)
}

fn root_matches(signed: &NodeHash, recomputed: &NodeHash) -> Result<(), Damage> {
    if signed == recomputed {
        return Ok(());
    }
    Err(Damage::HeadRoot { signed: signed.to_string(), recomputed: recomputed.to_string() })
}

pub(super) fn check_not_shorter(
    path: &Path,
    issued: Issued,
    head: &SignedHead,
    stop: &Stop,
    uncovered: u64,
    end: u64,
) -> Result<(), LedgerError> {
    let found = *head.tree();
    let clean = matches!(stop, Stop::End { .. } | Stop::Zeros { .. }) && uncovered == 0;
    // Damage that can be pointed at says more than a size that is missing.
    if let Some(larger) = issued.each().find(|signed| signed.size > found.size) {
        if !clean {
            return Err(damage_at(path, stop, uncovered, end));
        }
        if let Some(signed) = issued.state.filter(|signed| signed.size > found.size) {
            return Err(LedgerError::RolledBack { signed, found });
        }
        let what = Damage::LostEnd { issued: larger.size.0, found: found.size.0 };
        return Err(LedgerError::damaged(path, end, what));
    }
    // Every issued size up to here was compared on the way.
    Ok(())
}

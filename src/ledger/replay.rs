//! Finds where a ledger ends: the newest signed head, recomputed from the entries before it.
//!
//! Only the last segment is walked (and those before it as far back as the oldest head that must be compared). A
//! writer and a reader reach their opinion through this one function, which changes nothing on disk.
//!
//! What lies after the newest intact group is *torn* (a commit that was never acknowledged) only if nothing speaks
//! against it: no issued head is larger, and no second group follows the damage. Two groups are never under way at
//! once, so a second one proves that the first had been synced. All else is damage, and named.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::digest::{LeafHash, LedgerId, NodeHash};
use crate::key::VerifierKey;
use crate::merkle::{CompactRange, SignedHead, TreeHead, TreeSize};

use super::error::{At, Damage, LedgerError};
use super::file::{Layout, read_bounded};
use super::frame::{GroupChecksum, HeadBody, Kind, Parsed, parse_frame};
use super::notice::Notice;
use super::scan::{Event, Groups, Scan, Stop};
use super::segment::{Header, LARGEST_CHUNK, MAX_GROUP_BYTES};

/// A signed head of one log with its signatures is some hundred bytes.
pub(super) const MAX_HEAD_BYTES: u64 = 64 << 10;
/// A tail is at most one batch and one reservation, with room to spare.
const MAX_TAIL_BYTES: u64 = MAX_GROUP_BYTES + 2 * LARGEST_CHUNK;
/// Bytes hashed while looking for heads in a tail: hostile bytes could otherwise cost their square.
const MAX_TAIL_WORK: usize = 1 << 30;

/// The numbers of the segments, from 0 to this one, all present.
pub(super) fn last_segment(layout: &Layout) -> Result<u32, LedgerError> {
    let log = layout.log();
    let not_here = || LedgerError::NotALedger { path: layout.dir().to_owned() };
    let entries = match fs::read_dir(&log) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(not_here()),
        Err(source) => return Err(LedgerError::Io { doing: "list", path: log, source }),
    };
    let mut numbers = Vec::new();
    for entry in entries {
        let name = entry.at("list", &log)?.file_name();
        let number = name.to_str().and_then(|name| name.strip_suffix(".seg")).and_then(|number| number.parse().ok());
        numbers.extend(number.filter(|number: &u32| layout.segment(*number).file_name() == Some(&*name)));
    }
    numbers.sort_unstable();
    for (expected, number) in (0..).zip(&numbers) {
        if expected != *number {
            return Err(LedgerError::damaged(&layout.segment(expected), 0, Damage::SegmentMissing));
        }
    }
    match numbers.last() {
        Some(last) => Ok(*last),
        None if layout.head().exists() => Err(LedgerError::damaged(&layout.segment(0), 0, Damage::SegmentMissing)),
        None => Err(not_here()),
    }
}

/// The identity that a ledger's first segment claims; entry 0 is held to it when it is read.
pub(super) fn ledger_id(layout: &Layout) -> Result<LedgerId, LedgerError> {
    Ok(header_of(layout, 0)?.ledger)
}

/// The header of one segment, checked against its name.
pub(super) fn header_of(layout: &Layout, number: u32) -> Result<Header, LedgerError> {
    let path = layout.segment(number);
    let file = File::open(&path).at("open", &path)?;
    let header = Header::read(&file, &path)?;
    if header.number != number {
        let what = Damage::HeaderNumber { expected: number, found: header.number };
        return Err(LedgerError::damaged(&path, 0, what));
    }
    if number == 0 && header.first() != 0 {
        let what = Damage::HeaderFirst { expected: 0, found: header.first() };
        return Err(LedgerError::damaged(&path, 0, what));
    }
    Ok(header)
}

/// What the `head` copy says.
#[derive(Debug, Clone)]
pub(super) enum HeadCopy {
    Signed(SignedHead),
    Missing,
    Damaged(String),
}

impl HeadCopy {
    /// What it signs; a copy that signs nothing is told.
    pub(super) fn tree(self, notices: &mut Vec<Notice>) -> Option<TreeHead> {
        match self {
            Self::Signed(head) => return Some(*head.tree()),
            Self::Missing => notices.push(Notice::HeadCopyMissing),
            Self::Damaged(reason) => notices.push(Notice::HeadCopyDamaged { reason }),
        }
        None
    }
}

/// Reads the `head` copy. A reader must do so before it walks the log: the log only grows.
pub(super) fn head_copy(layout: &Layout, key: &VerifierKey) -> Result<HeadCopy, LedgerError> {
    match read_bounded(&layout.head(), MAX_HEAD_BYTES) {
        Ok(Some(bytes)) => Ok(match SignedHead::open(&bytes, key) {
            Ok(head) => HeadCopy::Signed(head),
            Err(error) => HeadCopy::Damaged(error.to_string()),
        }),
        Ok(None) => Ok(HeadCopy::Missing),
        Err(LedgerError::TooLarge { found, .. }) => Ok(HeadCopy::Damaged(format!("it is {found} bytes or more"))),
        Err(error) => Err(error),
    }
}

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

/// What lies after the newest intact group in the last segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tail {
    /// Zeros or nothing.
    Clean,
    /// A commit that was never acknowledged, up to here.
    Torn { until: u64 },
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

/// A header must continue what stands before it.
pub(super) fn check_header(
    header: &Header,
    path: &Path,
    ledger: LedgerId,
    number: u32,
    before: Option<&CompactRange>,
) -> Result<(), LedgerError> {
    let refuse = |what| Err(LedgerError::damaged(path, 0, what));
    if header.ledger != ledger {
        return refuse(Damage::HeaderLedger);
    }
    if header.number != number {
        return refuse(Damage::HeaderNumber { expected: number, found: header.number });
    }
    match before {
        Some(range) if range.size() != header.before.size() => {
            refuse(Damage::HeaderFirst { expected: range.size().0, found: header.first() })
        }
        Some(range) if *range != header.before => refuse(Damage::HeaderRange),
        _ => Ok(()),
    }
}

/// A segment that is not the last must end exactly after a group.
pub(super) fn check_closed(path: &Path, stop: &Stop, uncovered: u64, end: u64) -> Result<(), LedgerError> {
    match stop {
        Stop::End { .. } if uncovered == 0 => Ok(()),
        _ => Err(damage_at(path, stop, uncovered, end)),
    }
}

fn damage_at(path: &Path, stop: &Stop, uncovered: u64, end: u64) -> LedgerError {
    match stop {
        Stop::Bad { at, what } => LedgerError::damaged(path, *at, what.clone()),
        Stop::Zeros { .. } | Stop::End { .. } if uncovered > 0 => LedgerError::damaged(path, end, Damage::Uncovered),
        Stop::Zeros { at } => LedgerError::damaged(path, *at, Damage::Zeros),
        Stop::End { at } => LedgerError::damaged(path, *at, Damage::FrameShort),
    }
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

/// Decides whether what follows the newest intact group was ever committed.
pub(super) fn judge_tail(
    path: &Path,
    stop: &Stop,
    uncovered: u64,
    end: u64,
    key: &VerifierKey,
    newest: TreeSize,
) -> Result<Tail, LedgerError> {
    let tail = read_tail(path, end)?;
    let Some(last_byte) = tail.iter().rposition(|byte| *byte != 0) else {
        return Ok(Tail::Clean);
    };
    let mut until = end + last_byte as u64 + 1;
    let mut work = MAX_TAIL_WORK;
    let mut heads = 0;
    for start in 0..tail.len() {
        // Cheap look first: a head frame has kind 2 and a length below 2^16.
        let Some((_, rest)) = tail.split_at_checked(start) else { break };
        let [0, 0, _, _, 2, ..] = rest else { continue };
        let Parsed::Frame { kind: Kind::Head, body, raw } = parse_frame(rest) else {
            work = work.saturating_sub(rest.len().min(1 << 16));
            if work == 0 {
                return Err(damage_at(path, stop, uncovered, end));
            }
            continue;
        };
        let Ok(body) = HeadBody::parse(body) else { continue };
        let size = SignedHead::open(body.note, key).map_or(TreeSize(0), |head| head.tree().size);
        if size > newest {
            heads += 1;
            let frame_end = end + (start + raw.len()) as u64;
            // One commit can be under way: it covers all entries since the newest head, and nothing follows it.
            let only = newest.plus(body.count.into()) == Some(size);
            if heads > 1 || until > frame_end || !only {
                return Err(damage_at(path, stop, uncovered, end));
            }
            until = frame_end;
        }
    }
    Ok(Tail::Torn { until })
}

/// The bytes of a segment from `from` on.
pub(super) fn read_tail(path: &Path, from: u64) -> Result<Vec<u8>, LedgerError> {
    let file = File::open(path).at("open", path)?;
    let len = file.metadata().at("look at", path)?.len().saturating_sub(from);
    if len > MAX_TAIL_BYTES {
        return Err(LedgerError::damaged(path, from, Damage::TailLength { found: len }));
    }
    let mut bytes = vec![0; usize::try_from(len).unwrap_or(0)];
    let mut filled = 0;
    while filled < bytes.len() {
        // A reader may see the file cut to its length by the writer meanwhile: what is gone was zeros.
        match file.read_at(bytes.split_at_mut(filled).1, from + filled as u64).at("read", path)? {
            0 => break,
            read => filled += read,
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
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

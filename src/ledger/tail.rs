//! What follows the newest intact group of a segment: nothing, a torn commit, or damage.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::key::VerifierKey;
use crate::merkle::{SignedHead, TreeSize};

use super::error::{At, Damage, LedgerError};
use super::frame::{HeadBody, Kind, Parsed, parse_frame};
use super::scan::Stop;
use super::segment::{LARGEST_CHUNK, MAX_GROUP_BYTES};

/// A tail is at most one batch and one reservation, with room to spare.
const MAX_TAIL_BYTES: u64 = MAX_GROUP_BYTES + 2 * LARGEST_CHUNK;
/// Bytes hashed while looking for heads in a tail: hostile bytes could otherwise cost their square.
const MAX_TAIL_WORK: usize = 1 << 30;

/// What lies after the newest intact group in the last segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tail {
    /// Zeros or nothing.
    Clean,
    /// A commit that was never acknowledged, up to here.
    Torn { until: u64 },
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

/// A segment that is not the last must end exactly after a group.
pub(super) fn check_closed(path: &Path, stop: &Stop, uncovered: u64, end: u64) -> Result<(), LedgerError> {
    match stop {
        Stop::End { .. } if uncovered == 0 => Ok(()),
        _ => Err(damage_at(path, stop, uncovered, end)),
    }
}

pub(super) fn damage_at(path: &Path, stop: &Stop, uncovered: u64, end: u64) -> LedgerError {
    match stop {
        Stop::Bad { at, what } => LedgerError::damaged(path, *at, what.clone()),
        Stop::Zeros { .. } | Stop::End { .. } if uncovered > 0 => LedgerError::damaged(path, end, Damage::Uncovered),
        Stop::Zeros { at } => LedgerError::damaged(path, *at, Damage::Zeros),
        Stop::End { at } => LedgerError::damaged(path, *at, Damage::FrameShort),
    }
}

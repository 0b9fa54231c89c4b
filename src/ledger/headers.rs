//! Which segments a ledger has, and that each continues the one before it.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use crate::digest::LedgerId;
use crate::merkle::CompactRange;

use super::error::{At, Damage, LedgerError};
use super::file::Layout;
use super::segment::Header;

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

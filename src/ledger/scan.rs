//! Walks the frames of one segment in order and says what each of them is.
//!
//! One walker serves opening, reading and auditing, so that there is one opinion on what a segment holds. It checks
//! what needs no key: checksums, group checksums, counts. It hashes every entry and keeps the compact range, so that a
//! caller can recompute the root at any head. It never decides what damage means: it stops and says where.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::digest::LeafHash;
use crate::merkle::{CompactRange, leaf_hash};

use super::error::{At, Damage, LedgerError, Unknown};
use super::frame::{GroupChecksum, HeadBody, Kind, OVERHEAD, Parsed, parse_frame};
use super::segment::Header;

/// Read at once; holds many frames of the largest size.
const WINDOW: usize = 1 << 20;

/// What comes next in a segment.
#[derive(Debug)]
pub(super) enum Event<'a> {
    /// An entry, not yet covered by a head.
    Entry { index: u64, offset: u64, bytes: &'a [u8], leaf: LeafHash },
    /// A head whose group is whole. The note is not yet verified.
    Head { offset: u64, note: &'a [u8] },
    /// A cosignature or a timestamp.
    Attached,
    /// No further frame.
    Stopped(Stop),
}

/// Why a walk ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stop {
    /// The file ends where a frame may begin.
    End { at: u64 },
    /// Zeros where a frame may begin. What follows them is for the caller to look at.
    Zeros { at: u64 },
    /// No frame where one should be.
    Bad { at: u64, what: Damage },
}

/// A walk over one segment.
#[derive(Debug)]
pub(super) struct Scan {
    file: File,
    path: PathBuf,
    window: Vec<u8>,
    /// Start and end, in the window, of what is not yet walked over.
    start: usize,
    filled: usize,
    /// Offset in the file of the next frame.
    at: u64,
    range: CompactRange,
    group: GroupChecksum,
    group_entries: u64,
    check_groups: bool,
}

/// Whether to recompute the checksum of every group, beside that of every frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Groups {
    /// Yes.
    Check,
    /// Only frames: for readers of segments that were opened or audited before.
    Skip,
}

impl Scan {
    /// Opens a segment and reads its header.
    pub(super) fn open(path: &Path, groups: Groups) -> Result<(Self, Header), LedgerError> {
        let mut file = File::open(path).at("open", path)?;
        let header = Header::read(&file, path)?;
        std::io::Seek::seek(&mut file, std::io::SeekFrom::Start(header.len())).at("read", path)?;
        let scan = Self {
            file,
            path: path.to_owned(),
            window: vec![0; WINDOW],
            start: 0,
            filled: 0,
            at: header.len(),
            range: header.before.clone(),
            group: GroupChecksum::default(),
            group_entries: 0,
            check_groups: groups == Groups::Check,
        };
        Ok((scan, header))
    }

    /// The subtrees of every entry walked over so far.
    pub(super) fn range(&self) -> &CompactRange {
        &self.range
    }

    /// Where the next frame begins.
    pub(super) fn at(&self) -> u64 {
        self.at
    }

    /// The file walked over.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The checksum, so far, of the frames since the last head.
    pub(super) fn group(&self) -> &GroupChecksum {
        &self.group
    }

    /// Entries walked over that no head covers yet.
    pub(super) fn uncovered(&self) -> u64 {
        self.group_entries
    }

    /// Makes `needed` bytes available from `start` if the file has them.
    fn fill(&mut self, needed: usize) -> Result<bool, LedgerError> {
        if self.window.len() - self.start < needed {
            self.window.copy_within(self.start..self.filled, 0);
            self.filled -= self.start;
            self.start = 0;
        }
        while self.filled - self.start < needed {
            match self.file.read(self.window.split_at_mut(self.filled).1) {
                Ok(0) => return Ok(false),
                Ok(read) => self.filled += read,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(source) => return Err(LedgerError::Io { doing: "read", path: self.path.clone(), source }),
            }
        }
        Ok(true)
    }

    /// The next event. After `Stopped` there is no other.
    pub(super) fn next(&mut self) -> Result<Event<'_>, LedgerError> {
        let offset = self.at;
        // At most two rounds: a prefix, then the length it names.
        let mut whole = true;
        let (kind, raw_len) = loop {
            let available = self.window.split_at(self.filled).0.split_at(self.start).1;
            match parse_frame(available) {
                Parsed::Frame { kind, raw, .. } => break (kind, raw.len()),
                Parsed::More { .. } if !whole => {
                    let stop = if available.is_empty() {
                        Stop::End { at: offset }
                    } else if available.iter().all(|byte| *byte == 0) {
                        Stop::Zeros { at: offset }
                    } else {
                        Stop::Bad { at: offset, what: Damage::FrameShort }
                    };
                    return Ok(Event::Stopped(stop));
                }
                Parsed::More { needed } => whole = self.fill(needed)?,
                Parsed::Zeros => return Ok(Event::Stopped(Stop::Zeros { at: offset })),
                Parsed::UnknownKind(found) => {
                    let what = Unknown::FrameKind { found };
                    return Err(LedgerError::Unsupported { path: self.path.clone(), offset, what });
                }
                Parsed::Bad(what) => return Ok(Event::Stopped(Stop::Bad { at: offset, what })),
            }
        };
        let raw_start = self.start;
        let raw = self.window.split_at(raw_start + raw_len).0.split_at(raw_start).1;
        let body = raw.split_at(raw_len - 4).0.split_at(OVERHEAD - 4).1;
        match kind {
            Kind::Entry => {
                let (index, leaf) = (self.range.size().0, leaf_hash(body));
                self.range.append(leaf).map_err(|_| LedgerError::damaged(&self.path, offset, Damage::Full))?;
                self.group_entries += 1;
                if self.check_groups {
                    self.group.update(raw);
                }
                self.start += raw_len;
                self.at += raw_len as u64;
                Ok(Event::Entry { index, offset, bytes: body, leaf })
            }
            Kind::Head => {
                let bad = |what| Ok(Event::Stopped(Stop::Bad { at: offset, what }));
                let head = match HeadBody::parse(body) {
                    Ok(head) => head,
                    Err(what) => return bad(what),
                };
                if u64::from(head.count) != self.group_entries {
                    let (expected, found) = (self.group_entries, u64::from(head.count));
                    return bad(Damage::HeadCount { expected, found });
                }
                if self.check_groups && self.group.finish() != head.checksum {
                    return bad(Damage::GroupChecksum);
                }
                self.group = GroupChecksum::default();
                self.group_entries = 0;
                self.start += raw_len;
                self.at += raw_len as u64;
                Ok(Event::Head { offset, note: head.note })
            }
            Kind::Cosignature | Kind::Timestamp => {
                if self.check_groups {
                    self.group.update(raw);
                }
                self.start += raw_len;
                self.at += raw_len as u64;
                Ok(Event::Attached)
            }
        }
    }
}

//! A ZIP archive read with distrust: what its directory says is held against the bytes that are there.
//!
//! An evaluation log is evidence, so the reader must see what a forgiving one hides: names that stand twice, bytes and
//! members between the listed ones, local headers that disagree with the directory, members that overlap. Disagreement
//! and overlap are refused; duplicates and unlisted bytes are reported, for a tool that edits a log in place leaves
//! them. Nothing is extracted to disk; sizes are bounded before anything is read.
//!
//! Spec: <https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT> sections 4.3 and 4.4

mod directory;
mod fields;
mod layout;
mod member;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
pub(crate) mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read, SeekFrom};

use crate::container::Source;

/// Members of one archive: the largest real campaign has about 400,000 samples.
pub(crate) const MAX_MEMBERS: u64 = 1_000_000;

/// Bytes of the central directory: a million members of 128 bytes.
pub(crate) const MAX_DIRECTORY_BYTES: u64 = 128 << 20;

/// Longest member name; a sample id may be a sentence.
pub(crate) const MAX_NAME_BYTES: usize = 2048;

/// Largest member: it is held in memory whole, and 64 MiB of input must be judged within 256 MiB.
pub(crate) const MAX_MEMBER_BYTES: u64 = 128 << 20;

/// No member expands more than this: deflate ends at 1,032.
const MAX_MEMBER_RATIO: u64 = 1100;

/// What a tiny member may expand to whatever the ratio.
const MEMBER_ALLOWANCE: u64 = 1 << 20;

/// All members together expand to at most this many times the archive, so that time is bounded by what was sent: 64 MiB
/// become at most 3.3 GiB, which one core unpacks and scans in about 7 s. Real logs expand 3 to 15 times.
const MAX_TOTAL_RATIO: u64 = 48;

/// What a tiny member may be longer than it unpacks to.
const FETCH_ALLOWANCE: u64 = 64 << 10;

/// What a small archive may expand to whatever the ratio.
const TOTAL_ALLOWANCE: u64 = 256 << 20;

/// Why bytes are not an archive that can be trusted to be read one way only.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum ArchiveError {
    #[error("cannot read the archive")]
    Io(#[from] io::Error),
    #[error("the archive has no end record: it is truncated or something follows it")]
    NoEnd,
    #[error("the archive is cut: {what} should lie at {at}..{end} of {len} bytes")]
    Bounds { what: &'static str, at: u64, end: u64, len: u64 },
    #[error("the archive spans several disks")]
    Disks,
    #[error("{what} contradicts itself: {first} and {second}")]
    Lies { what: &'static str, first: u64, second: u64 },
    #[error("the archive has {found} members, more than {MAX_MEMBERS}")]
    MemberCount { found: u64 },
    #[error("the directory has {found} bytes, more than {MAX_DIRECTORY_BYTES}")]
    DirectoryBytes { found: u64 },
    #[error("the directory has no record at {at}, where one of {count} is expected")]
    NoRecord { at: u64, count: u64 },
    #[error("member name `{name}` is not a plain relative path of at most {MAX_NAME_BYTES} bytes")]
    Name { name: String },
    #[error("member `{name}` is encrypted")]
    Encrypted { name: String },
    #[error("member `{name}` is a link or a device")]
    NotAFile { name: String },
    #[error("member `{name}` is compressed by method {method}, expected 0 (stored), 8 (deflate) or 93 (zstd)")]
    Method { name: String, method: u16 },
    #[error("member `{name}`: its own header and the directory disagree about its {what}")]
    HeadersDisagree { name: String, what: &'static str },
    #[error("two members have the name `{name}`")]
    Repeated { name: String },
    #[error("members `{first}` and `{second}` overlap")]
    Overlap { first: String, second: String },
    #[error("member `{name}` says it expands from {packed} to {unpacked} bytes, beyond the limit of {limit}")]
    MemberSize { name: String, packed: u64, unpacked: u64, limit: u64 },
    #[error("the members together expand beyond {limit} bytes")]
    TotalSize { limit: u64 },
    #[error("member `{name}` does not decompress")]
    Decompress {
        name: String,
        #[source]
        source: io::Error,
    },
    #[error("member `{name}` has {found} bytes where the directory says {expected}")]
    Length { name: String, expected: u64, found: u64 },
    #[error("member `{name}` has {count} compressed bytes left over")]
    LeftOver { name: String, count: u64 },
    #[error("member `{name}` has checksum {found:08x} where the directory says {expected:08x}")]
    Checksum { name: String, expected: u32, found: u32 },
}

/// How a member is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Method {
    Stored,
    Deflate,
    Zstd,
}

/// One member as the directory and its own header agree on it.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub(crate) name: String,
    method: Method,
    /// Bit 3: sizes follow the data.
    streamed: bool,
    checksum: u32,
    packed: u64,
    unpacked: u64,
    /// Where its own header begins, its data begins, and everything of it ends.
    start: u64,
    data: u64,
    end: u64,
}

/// Bytes between members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Gap {
    pub(crate) start: u64,
    pub(crate) end: u64,
    /// The name in the first local file header of the gap, where there is one.
    pub(crate) name: Option<String>,
}

/// An archive whose directory holds.
pub(crate) struct Archive<'s> {
    source: &'s mut dyn Source,
    members: Vec<Member>,
    gaps: Vec<Gap>,
    /// Bytes that may still be unpacked.
    budget: u64,
    limit: u64,
}

impl<'s> Archive<'s> {
    /// Reads the directory of `source`, which has `len` bytes, and every member's own header.
    pub(crate) fn open(source: &'s mut dyn Source, len: u64) -> Result<Self, ArchiveError> {
        Self::with_members_up_to(MAX_MEMBER_BYTES, source, len)
    }

    /// The same for archives whose members are too large for memory and are read where they lie.
    pub(crate) fn open_in_place(source: &'s mut dyn Source, len: u64) -> Result<Self, ArchiveError> {
        Self::with_members_up_to(u64::MAX, source, len)
    }

    fn with_members_up_to(largest: u64, source: &'s mut dyn Source, len: u64) -> Result<Self, ArchiveError> {
        let (members, gaps) = layout::read(source, len, largest)?;
        let limit = len.saturating_mul(MAX_TOTAL_RATIO).saturating_add(TOTAL_ALLOWANCE);
        Ok(Self { source, members, gaps, budget: limit, limit })
    }

    /// The members in the directory's order; a name may stand there more than once.
    #[cfg(test)]
    fn members(&self) -> &[Member] {
        &self.members
    }

    /// Bytes that belong to no member.
    pub(crate) fn gaps(&self) -> &[Gap] {
        &self.gaps
    }

    /// Index of the last member of each name, which is the one that other readers see, and how often it is there.
    pub(crate) fn by_name(&self) -> BTreeMap<&str, (usize, u64)> {
        let mut names: BTreeMap<&str, (usize, u64)> = BTreeMap::new();
        for (index, member) in self.members.iter().enumerate() {
            let entry = names.entry(&member.name).or_insert((index, 0));
            *entry = (index, entry.1 + 1);
        }
        names
    }

    /// Where the members lie, in the directory's order. Refuses an archive that could not be read in place one way only:
    /// a name that stands twice, a method other than stored and deflate, more than the archive may expand to.
    pub(crate) fn stretches(&self) -> Result<Vec<Stretch>, ArchiveError> {
        let mut names = BTreeSet::new();
        let mut unpacked = 0_u64;
        let stretch = |member: &Member| {
            let name = || shown(member.name.as_bytes());
            if !names.insert(member.name.clone()) {
                return Err(ArchiveError::Repeated { name: name() });
            }
            let deflated = match member.method {
                Method::Stored if member.packed == member.unpacked => false,
                Method::Stored => {
                    let (expected, found) = (member.unpacked, member.packed);
                    return Err(ArchiveError::Length { name: name(), expected, found });
                }
                Method::Deflate => true,
                Method::Zstd => return Err(ArchiveError::Method { name: name(), method: 93 }),
            };
            if deflated {
                unpacked = unpacked.saturating_add(member.unpacked);
                if unpacked > self.limit {
                    return Err(ArchiveError::TotalSize { limit: self.limit });
                }
            }
            let Member { checksum, packed, unpacked, data: start, .. } = *member;
            Ok(Stretch { name: member.name.clone(), deflated, start, packed, unpacked, checksum })
        };
        self.members.iter().map(stretch).collect()
    }

    /// The bytes of the member at `index` in the directory, complete and with the right checksum, or an error.
    pub(crate) fn read(&mut self, index: usize) -> Result<Vec<u8>, ArchiveError> {
        let member = &self.members[index];
        if member.unpacked > MAX_MEMBER_BYTES {
            let (name, packed, unpacked) = (shown(member.name.as_bytes()), member.packed, member.unpacked);
            return Err(ArchiveError::MemberSize { name, packed, unpacked, limit: MAX_MEMBER_BYTES });
        }
        self.budget = self.budget.checked_sub(member.unpacked).ok_or(ArchiveError::TotalSize { limit: self.limit })?;
        member.unpack(self.source)
    }

    /// Compressed and unpacked bytes of the member at `index`, as the directory says.
    pub(crate) fn size(&self, index: usize) -> (u64, u64) {
        (self.members[index].packed, self.members[index].unpacked)
    }

    /// The member at `index` without unpacking it yet.
    pub(crate) fn fetch(&mut self, index: usize) -> Result<Packed, ArchiveError> {
        let (packed, unpacked) = self.size(index);
        // No compressor writes twice what it read: what lies there is not all of the member, and is not held in memory.
        if packed > unpacked.saturating_mul(2).saturating_add(FETCH_ALLOWANCE) {
            return self.read(index).map(Packed::Ready);
        }
        self.budget = self.budget.checked_sub(unpacked).ok_or(ArchiveError::TotalSize { limit: self.limit })?;
        let member = &self.members[index];
        self.source.seek(SeekFrom::Start(member.data))?;
        let mut bytes = Vec::new();
        (&mut *self.source).take(packed).read_to_end(&mut bytes)?;
        Ok(Packed::Bytes { member: Box::new(Member { data: 0, ..member.clone() }), bytes })
    }
}

/// A member taken out of its archive, to be unpacked on any thread.
pub(crate) enum Packed {
    /// Still compressed.
    Bytes {
        /// The member, its data at the beginning of the bytes.
        member: Box<Member>,
        /// Its compressed bytes.
        bytes: Vec<u8>,
    },
    /// Unpacked already.
    Ready(Vec<u8>),
}

impl Packed {
    /// The bytes of the member, as [`Archive::read`] gives them.
    pub(crate) fn unpack(self) -> Result<Vec<u8>, ArchiveError> {
        match self {
            Self::Ready(bytes) => Ok(bytes),
            Self::Bytes { member, bytes } => member.unpack(&mut io::Cursor::new(bytes)),
        }
    }
}

/// Where the bytes of a member lie in the archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stretch {
    pub(crate) name: String,
    /// True where the bytes are deflated; otherwise they lie there as they are.
    pub(crate) deflated: bool,
    pub(crate) start: u64,
    pub(crate) packed: u64,
    pub(crate) unpacked: u64,
    pub(crate) checksum: u32,
}

/// Names go into messages, so they are escaped and short.
fn shown(name: &[u8]) -> String {
    String::from_utf8_lossy(name).chars().take(120).flat_map(char::escape_debug).collect()
}

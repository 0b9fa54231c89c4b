//! Reads the shards of one dataset in order, each in one pass, and gathers their rows.

use std::io::{self, BufRead, BufReader, Read};

use sha2::Digest as _;

use super::batch::{Batch, Part, View};
use super::gather::{Gather, Gathered};
use super::lines::{self, BadLine, Course, Hashed, MAX_BLOCK, Take};
use super::packed::{Packing, unpack};
use super::{Format, MAX_ROW_BYTES, ParseLine, ReadWhole, Row, RowError, RowsError, Shard, Sink};
use crate::artifact::manifest::{Leaves, ManifestHash, ManifestWriter, Written};
use crate::artifact::rows::{OFFSETS, OffsetLeaf, Projection, header};
use crate::digest::{DigestKind, FileDigest, FileHasher, Sha256Digest};

/// Items of this many bytes are hashed together where rows come from a stream.
pub(super) const BATCH: usize = 4 << 20;

/// Block in which lines are only looked for: it stays in the second-level cache between hashing and looking.
const LOCATE_BLOCK: usize = 1 << 20;

/// Read size of a stream.
pub(super) const BUFFER: usize = 256 << 10;

/// What to make of rows.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// The view that is hashed; chosen by the first row where it is not given.
    pub projection: Option<Projection>,
    /// Fields that say where a row came from; the first that the first row has is counted by.
    pub sources: Vec<String>,
    /// Whether to take the SHA-256 of each file, too.
    pub sha256: bool,
}

/// One file, passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Passed {
    /// BLAKE3 of the file.
    pub digest: FileDigest,
    /// SHA-256 of the same bytes, where it was asked for.
    pub sha256: Option<Sha256Digest>,
    /// Rows in it.
    pub rows: u64,
}

/// Hears how many bytes were done, from any thread.
pub type Heard<'a> = &'a (dyn Fn(u64) + Sync);

/// A dataset that is being read.
pub struct Pass {
    format: &'static dyn Format,
    settings: Settings,
    open: Option<(View, Gather)>,
}

impl Pass {
    /// Nothing read yet.
    pub fn new(format: &'static dyn Format, settings: Settings) -> Self {
        Self { format, settings, open: None }
    }

    /// Reads the next shard, of that name.
    pub fn shard(&mut self, name: &str, shard: &dyn Shard, heard: Heard<'_>) -> Result<Passed, RowsError> {
        let packing = Packing::of(name);
        let before = self.rows();
        let hashed = match (packing, self.format.line(), self.format.whole()) {
            (None, Some(parse), _) => self.lines(parse, shard, heard)?,
            (None, None, Some(read)) => self.whole(read, shard, heard)?,
            _ => self.stream(packing, shard, heard)?,
        };
        Ok(Passed { digest: hashed.digest, sha256: hashed.sha256, rows: self.rows() - before })
    }

    fn rows(&self) -> u64 {
        self.open.as_ref().map_or(0, |(_, gather)| gather.rows())
    }

    fn lines(&mut self, parse: ParseLine, shard: &dyn Shard, heard: Heard<'_>) -> Result<Hashed, RowsError> {
        if self.open.is_none()
            && let Some(view) = first_view(parse, shard, &self.settings)?
        {
            self.open = Some((view.clone(), Gather::new(&view)?));
        }
        let course = Course { shard, block: MAX_BLOCK, sha256: self.settings.sha256, progress: heard };
        let Some((view, gather)) = &mut self.open else {
            // No row yet: the shard may be empty, and still has a digest.
            return lines::run(course, &|(), _, _| Ok(()), &mut Nothing);
        };
        let hash = ManifestHash::new(DigestKind::Rows)?;
        let work = |batch: &mut Batch, bytes: &[u8], at: u64| {
            let takes = |field: &[u8]| view.takes(field);
            let result = each_line(bytes, at, |line| match parse(line, &takes)? {
                Some(row) => batch.add(row, view).map(|()| true),
                None => Ok(false),
            });
            let part = batch.close(&hash);
            result.map(|()| part)
        };
        let before = gather.rows();
        lines::run(course, &work, &mut Parts { gather, before })
    }

    fn stream(&mut self, packing: Option<Packing>, shard: &dyn Shard, heard: Heard<'_>) -> Result<Hashed, RowsError> {
        let mut raw = Watched::new(shard, self.settings.sha256, heard);
        let format = self.format;
        let read = self.gather(|sink| {
            let mut buffered = BufReader::with_capacity(BUFFER, &mut raw);
            unpack(packing, &mut buffered, |stream| format.read(stream, sink))
        });
        read.map_err(|error| match error {
            RowsError::AtRow { source: RowError::Io(source), .. } if raw.failed => RowsError::Io { at: raw.at, source },
            other => other,
        })?;
        raw.finish()
    }

    fn whole(&mut self, read: ReadWhole, shard: &dyn Shard, heard: Heard<'_>) -> Result<Hashed, RowsError> {
        self.gather(|sink| read(shard, sink))?;
        Watched::new(shard, self.settings.sha256, heard).finish()
    }

    /// Takes the rows that are read.
    fn gather(&mut self, read: impl FnOnce(&mut dyn Sink) -> Result<(), RowError>) -> Result<(), RowsError> {
        let mut sink = Rows { settings: &self.settings, open: &mut self.open, batch: Batch::default(), read: 0 };
        let read = read(&mut sink);
        let row = sink.read + 1;
        read.and_then(|()| sink.flush()).map_err(|source| RowsError::AtRow { row, source })
    }

    /// The roots, and how they were taken: the view, and the field by which sources were counted.
    pub fn finish(self) -> Result<(Gathered, Projection, Option<String>), RowsError> {
        let (view, gather) = self.open.ok_or(RowsError::NoRows)?;
        Ok((gather.finish()?, view.projection, view.source))
    }
}

/// A dataset of lines whose rows are located, not read.
pub struct Locating {
    format: &'static dyn Format,
    sha256: bool,
    hash: ManifestHash,
    writer: ManifestWriter,
    rows: u64,
}

impl Locating {
    /// Nothing located yet.
    pub fn new(format: &'static dyn Format, sha256: bool) -> Result<Self, RowsError> {
        let hash = ManifestHash::new(DigestKind::Rows)?;
        let writer = ManifestWriter::new(&header(DigestKind::Rows, OFFSETS))?;
        Ok(Self { format, sha256, hash, writer, rows: 0 })
    }

    /// Locates the rows of the next shard, of that name; `file` is its place in the tree's order.
    pub fn shard(&mut self, name: &str, file: u64, shard: &dyn Shard, heard: Heard<'_>) -> Result<Passed, RowsError> {
        if Packing::of(name).is_some() || self.format.line().is_none() {
            return Err(RowsError::NoOffsets { format: self.format.name() });
        }
        let hash = &self.hash;
        let work = |(): &mut (), bytes: &[u8], at: u64| {
            let mut leaves = Leaves::default();
            let mut start = 0;
            for end in memchr::memchr_iter(b'\n', bytes).chain((!bytes.ends_with(b"\n")).then_some(bytes.len())) {
                if !is_blank(&bytes[start..end]) {
                    let leaf = OffsetLeaf { file, start: at + start as u64, length: (end - start) as u64 };
                    leaves.push(hash, |e| leaf.encode(e));
                }
                start = end + 1;
            }
            Ok(leaves)
        };
        let course = Course { shard, block: LOCATE_BLOCK, sha256: self.sha256, progress: heard };
        let mut places = Places { writer: &mut self.writer, rows: 0 };
        let hashed = lines::run(course, &work, &mut places)?;
        let rows = places.rows;
        self.rows += rows;
        Ok(Passed { digest: hashed.digest, sha256: hashed.sha256, rows })
    }

    /// The root over all places.
    pub fn finish(self) -> Result<Written, RowsError> {
        if self.rows == 0 { Err(RowsError::NoRows) } else { Ok(self.writer.finish()?) }
    }
}

/// Whether a line holds no row.
pub(super) fn is_blank(line: &[u8]) -> bool {
    line.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\r'))
}

/// Hands over each line without its end; `read` says whether it was a row.
fn each_line(bytes: &[u8], at: u64, mut read: impl FnMut(&[u8]) -> Result<bool, RowError>) -> Result<(), BadLine> {
    let (mut start, mut index) = (0, 0);
    for end in memchr::memchr_iter(b'\n', bytes).chain((!bytes.ends_with(b"\n")).then_some(bytes.len())) {
        match read(&bytes[start..end]) {
            Ok(is_row) => index += u64::from(is_row),
            Err(source) => return Err(BadLine { index, at: at + start as u64, source }),
        }
        start = end + 1;
    }
    Ok(())
}

/// The view that suits the first row of a shard.
fn first_view(parse: ParseLine, shard: &dyn Shard, settings: &Settings) -> Result<Option<View>, RowsError> {
    let (mut start, mut held) = (0_u64, Vec::new());
    loop {
        // The first line that is longer than what is held so far is read again, in a buffer twice as large.
        let more = (held.len() * 2).clamp(64 << 10, MAX_ROW_BYTES);
        let left = usize::try_from(shard.size() - start).map_or(more, |left| left.min(more));
        held.resize(left, 0);
        lines::read_whole(shard, &mut held, start)?;
        let is_end = start + left as u64 == shard.size();
        let mut line_start = 0;
        for end in memchr::memchr_iter(b'\n', &held).chain(is_end.then_some(held.len())) {
            let at = start + line_start as u64;
            let row = parse(&held[line_start..end], &|_| true);
            let row = row.map_err(|source| RowsError::AtByte { row: 1, at, source })?;
            if let Some(row) = row {
                return Ok(Some(view_of(&row, settings)));
            }
            line_start = (end + 1).min(held.len());
        }
        if is_end {
            return Ok(None);
        }
        if line_start == 0 && left == MAX_ROW_BYTES {
            return Err(RowsError::AtByte { row: 1, at: start, source: RowError::TooLong });
        }
        start += line_start as u64;
        if line_start > 0 {
            held.clear();
        }
    }
}

fn view_of(row: &Row<'_>, settings: &Settings) -> View {
    let projection = settings.projection.clone().unwrap_or_else(|| Projection::suiting(row));
    let has = |field: &&String| row.iter().any(|(name, _)| **name == *field.as_bytes());
    View { projection, source: settings.sources.iter().find(has).cloned() }
}

struct Nothing;

impl Take<()> for Nothing {
    fn take(&mut self, (): ()) -> Result<(), RowsError> {
        Ok(())
    }

    fn rows(&self) -> u64 {
        0
    }
}

struct Parts<'g> {
    gather: &'g mut Gather,
    before: u64,
}

impl Take<Part> for Parts<'_> {
    fn take(&mut self, part: Part) -> Result<(), RowsError> {
        let row = self.rows() + 1;
        self.gather.add(&part).map_err(|source| RowsError::AtRow { row, source })
    }

    fn rows(&self) -> u64 {
        self.gather.rows() - self.before
    }
}

struct Places<'w> {
    writer: &'w mut ManifestWriter,
    rows: u64,
}

impl Take<Leaves> for Places<'_> {
    fn take(&mut self, leaves: Leaves) -> Result<(), RowsError> {
        self.rows += leaves.len() as u64;
        Ok(self.writer.append(&leaves)?)
    }

    fn rows(&self) -> u64 {
        self.rows
    }
}

/// Takes rows from a stream.
struct Rows<'p> {
    settings: &'p Settings,
    open: &'p mut Option<(View, Gather)>,
    batch: Batch,
    read: u64,
}

impl Rows<'_> {
    fn flush(&mut self) -> Result<(), RowError> {
        let Some((_, gather)) = self.open else { return Ok(()) };
        let part = self.batch.close(&ManifestHash::new(DigestKind::Rows)?);
        gather.add(&part)
    }
}

impl Sink for Rows<'_> {
    fn takes(&self, field: &[u8]) -> bool {
        self.open.as_ref().is_none_or(|(view, _)| view.takes(field))
    }

    fn row(&mut self, row: Row<'_>) -> Result<(), RowError> {
        if self.open.is_none() {
            let view = view_of(&row, self.settings);
            let gather = Gather::new(&view).map_err(|error| match error {
                RowsError::Manifest(error) => RowError::Manifest(error),
                other => RowError::Io(io::Error::other(other)),
            })?;
            *self.open = Some((view, gather));
        }
        let Some((view, _)) = self.open else { return Ok(()) };
        self.batch.add(row, view)?;
        self.read += 1;
        if self.batch.len() >= BATCH { self.flush() } else { Ok(()) }
    }
}

/// The bytes of a shard in order, hashed as they are read.
pub(super) struct Watched<'s> {
    shard: &'s dyn Shard,
    at: u64,
    hasher: FileHasher,
    sha256: Option<sha2::Sha256>,
    heard: Heard<'s>,
    failed: bool,
}

impl<'s> Watched<'s> {
    pub(super) fn new(shard: &'s dyn Shard, sha256: bool, heard: Heard<'s>) -> Self {
        let sha256 = sha256.then(sha2::Sha256::new);
        Self { shard, at: 0, hasher: FileHasher::new(), sha256, heard, failed: false }
    }

    /// Reads what the format had no use for, and says the digests.
    pub(super) fn finish(mut self) -> Result<Hashed, RowsError> {
        let at = self.at;
        io::copy(&mut self, &mut io::sink()).map_err(|source| RowsError::Io { at, source })?;
        let sha256 = self.sha256.map(|sha256| Sha256Digest::from_bytes(sha256.finalize().into()));
        Ok(Hashed { digest: self.hasher.finish(), sha256 })
    }
}

impl Read for Watched<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.shard.size() - self.at).unwrap_or(usize::MAX);
        let most = buffer.len().min(left);
        if most == 0 {
            return Ok(0);
        }
        let read = self.shard.read_at(&mut buffer[..most], self.at);
        let read = match read {
            Ok(0) => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the file became shorter while it was read")),
            other => other,
        };
        let read = read.inspect_err(|_| self.failed = true)?;
        self.hasher.update(&buffer[..read]);
        if let Some(sha256) = &mut self.sha256 {
            sha256.update(&buffer[..read]);
        }
        self.at += read as u64;
        (self.heard)(read as u64);
        Ok(read)
    }
}

/// One line of a stream, without its end, in a bounded buffer; false at the end of the stream.
pub(super) fn next_line(stream: &mut dyn BufRead, line: &mut Vec<u8>) -> Result<bool, RowError> {
    line.clear();
    let read = stream.take(MAX_ROW_BYTES as u64 + 2).read_until(b'\n', line)?;
    if line.last() == Some(&b'\n') {
        line.pop();
    }
    if line.len() > MAX_ROW_BYTES { Err(RowError::TooLong) } else { Ok(read > 0) }
}

//! The footer of a Parquet file: its schema, and where the columns of each group of rows lie.
//!
//! Groups are read one at a time, so that the columns of a million of them are not held.

use super::column::{Chunk, File};
use super::element::elements;
use super::schema::Schema;
use super::thrift::{Field, Fields, Thrift};
use super::{malformed, unsupported};
use crate::rows::RowError;
use crate::rows::block::Codec;

const MAGIC: &[u8] = b"PAR1";

/// The same where the footer is encrypted.
const ENCRYPTED: &[u8] = b"PARE";

/// Largest footer: half a million columns of groups, each with its statistics.
const MAX_FOOTER_BYTES: u64 = 64 << 20;

/// Length of the footer's length and the magic after it.
const TAIL: u64 = 8;

/// A footer, held as it lies, its groups not read yet.
pub(super) struct Footer {
    bytes: Vec<u8>,
    /// Where the footer begins in the file.
    start: u64,
    pub(super) schema: Schema,
    pub(super) rows: u64,
    /// Where the list of groups goes on in the footer, and how many are left.
    at: usize,
    left: u64,
}

/// A group of rows.
pub(super) struct RowGroup {
    pub(super) rows: u64,
    pub(super) chunks: Vec<Chunk>,
}

impl Footer {
    /// Reads the end of a file.
    pub(super) fn read(file: &File<'_>) -> Result<Self, RowError> {
        let size = file.shard.size();
        let head = file.read(0, size.min(4))?;
        let tail_at = size.saturating_sub(TAIL).max(head.len() as u64);
        let tail = file.read(tail_at, size - tail_at)?;
        if head == ENCRYPTED || tail.ends_with(ENCRYPTED) {
            return Err(unsupported("an encrypted file"));
        }
        if head != MAGIC {
            return Err(malformed("it does not begin as one"));
        }
        if !tail.ends_with(MAGIC) || tail.len() as u64 != TAIL {
            return Err(malformed("it does not end as one: it is cut, or something follows it"));
        }
        let len = tail.first_chunk().map_or(0, |len: &[u8; 4]| u64::from(u32::from_le_bytes(*len)));
        if len > MAX_FOOTER_BYTES {
            return Err(RowError::Limit { what: "a footer", limit: MAX_FOOTER_BYTES, unit: "bytes" });
        }
        let start = tail_at.checked_sub(len).filter(|start| *start >= MAGIC.len() as u64);
        let start =
            start.ok_or_else(|| malformed(format!("its footer would have {len} bytes, and there are fewer")))?;
        let bytes = file.read(start, len)?;
        Self::parse(bytes, start)
    }

    fn parse(bytes: Vec<u8>, start: u64) -> Result<Self, RowError> {
        let mut thrift = Thrift::new(&bytes);
        let parts = parts(&mut thrift);
        let no_sense = || malformed(format!("its footer makes no sense at byte {}", start + thrift.offset() as u64));
        let (schema, rows, (at, left)) = parts.ok_or_else(no_sense)??;
        Ok(Self { bytes, start, schema, rows, at, left })
    }

    /// The next group of rows, which has that many columns.
    pub(super) fn group(&mut self, leaves: usize) -> Result<Option<RowGroup>, RowError> {
        if self.left == 0 {
            return Ok(None);
        }
        let mut thrift = Thrift::new(self.bytes.get(self.at..).unwrap_or_default());
        let group = group(&mut thrift);
        let at = self.at + thrift.offset();
        let no_sense = || malformed(format!("its footer makes no sense at byte {}", self.start + at as u64));
        let (rows, columns) = group.ok_or_else(no_sense)?;
        if columns.len() != leaves {
            let (expected, found) = (leaves as u64, columns.len() as u64);
            return Err(RowError::Shape { what: "columns of a group of rows", expected, found });
        }
        let chunks = columns.into_iter().map(|column| column.chunk(self.start)).collect::<Result<_, _>>()?;
        self.at = at;
        self.left -= 1;
        Ok(Some(RowGroup { rows, chunks }))
    }
}

/// Where a list goes on and how many items are left of it.
type Rest = (usize, u64);

fn parts(thrift: &mut Thrift<'_>) -> Option<Result<(Schema, u64, Rest), RowError>> {
    let (mut schema, mut rows, mut groups, mut fields) = (None, None, None, Fields::default());
    while let Some(field) = fields.next(thrift)? {
        match field.id {
            2 => match elements(thrift, field)? {
                Ok(elements) => schema = Some(elements),
                Err(error) => return Some(Err(error)),
            },
            3 => rows = Some(u64::try_from(thrift.integer(field)?).ok()?),
            4 => {
                let count = thrift.structures(field)?;
                groups = Some((thrift.offset(), count));
                for _ in 0..count {
                    thrift.skip_structure()?;
                }
            }
            _ => thrift.skip(field)?,
        }
    }
    let (rows, groups) = (rows?, groups?);
    Some(Schema::of(schema?).map(|schema| (schema, rows, groups)))
}

fn group(thrift: &mut Thrift<'_>) -> Option<(u64, Vec<ColumnChunk>)> {
    let (mut rows, mut columns, mut fields) = (None, Vec::new(), Fields::default());
    while let Some(field) = fields.next(thrift)? {
        match field.id {
            1 => {
                let count = thrift.structures(field)?;
                columns = (0..count).map(|_| ColumnChunk::read(thrift)).collect::<Option<Vec<_>>>()?;
            }
            3 => rows = Some(u64::try_from(thrift.integer(field)?).ok()?),
            _ => thrift.skip(field)?,
        }
    }
    Some((rows?, columns))
}

/// A column of a group as the footer describes it.
#[derive(Debug, Clone, Copy, Default)]
struct ColumnChunk {
    is_elsewhere: bool,
    is_encrypted: bool,
    codec: i64,
    len: i64,
    data: i64,
    dictionary: i64,
}

impl ColumnChunk {
    fn read(thrift: &mut Thrift<'_>) -> Option<Self> {
        let (mut chunk, mut fields) = (Self::default(), Fields::default());
        while let Some(field) = fields.next(thrift)? {
            match field.id {
                1 => {
                    thrift.skip(field)?;
                    chunk.is_elsewhere = true;
                }
                3 => chunk.meta(thrift, field)?,
                8 | 9 => {
                    thrift.skip(field)?;
                    chunk.is_encrypted = true;
                }
                _ => thrift.skip(field)?,
            }
        }
        Some(chunk)
    }

    fn meta(&mut self, thrift: &mut Thrift<'_>, field: Field) -> Option<()> {
        Thrift::structure(field)?;
        let mut fields = Fields::default();
        while let Some(field) = fields.next(thrift)? {
            match field.id {
                4 => self.codec = thrift.integer(field)?,
                7 => self.len = thrift.integer(field)?,
                9 => self.data = thrift.integer(field)?,
                11 => self.dictionary = thrift.integer(field)?,
                _ => thrift.skip(field)?,
            }
        }
        Some(())
    }

    /// Where it lies, which must be before the footer.
    fn chunk(self, limit: u64) -> Result<Chunk, RowError> {
        if self.is_elsewhere {
            return Err(unsupported("columns that lie in another file"));
        }
        if self.is_encrypted {
            return Err(unsupported("encrypted columns"));
        }
        let codec = match self.codec {
            0 => Codec::None,
            1 => Codec::Snappy,
            2 => Codec::Gzip,
            6 => Codec::Zstd,
            7 => Codec::Lz4Block,
            3 => return Err(unsupported("pages packed by LZO")),
            4 => return Err(unsupported("pages packed by Brotli")),
            5 => return Err(unsupported("pages packed by LZ4 in the way that was given up for LZ4_RAW")),
            other => return Err(malformed(format!("its pages are packed by {other}, which is nothing"))),
        };
        // Some writers say 0 where there is no dictionary.
        let is_before = self.dictionary > 0 && self.dictionary < self.data;
        let start = u64::try_from(if is_before { self.dictionary } else { self.data }).ok();
        let end = start.and_then(|start| start.checked_add(u64::try_from(self.len).ok()?));
        match start.zip(end).filter(|(_, end)| *end <= limit) {
            Some((start, end)) => Ok(Chunk { start, end, codec }),
            None => Err(malformed(format!("a column lies at byte {} and {} on, beyond the file", self.data, self.len))),
        }
    }
}

//! Reading a file from front to back through [`ReadAt`], bounded and in constant memory.

use std::io::{self, BufRead, Read, Seek, SeekFrom};

use super::{FormatError, Packed, ReadAt};

/// Bytes read at a time.
const BUFFER: usize = 64 << 10;

/// A stretch of a file as a stream.
pub(super) struct Section<'a> {
    source: &'a dyn ReadAt,
    start: u64,
    at: u64,
    end: u64,
}

impl<'a> Section<'a> {
    /// The `len` bytes from `start` on; fewer where the file ends before.
    pub(super) fn new(source: &'a dyn ReadAt, start: u64, len: u64) -> Self {
        let end = start.saturating_add(len).min(source.size());
        Self { source, start, at: start, end }
    }

    /// The whole file.
    pub(super) fn whole(source: &'a dyn ReadAt) -> Self {
        Self::new(source, 0, source.size())
    }
}

impl Read for Section<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let len = left.min(buffer.len());
        self.source.read_at(self.at, &mut buffer[..len])?;
        self.at += len as u64;
        Ok(len)
    }
}

impl Seek for Section<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => self.start.checked_add(at),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
            SeekFrom::End(by) => self.end.checked_add_signed(by),
        };
        self.at = at.filter(|at| *at >= self.start).ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at - self.start)
    }
}

/// Deflated bytes as they were. Length and checksum are held against the archive when the last byte is read.
pub(super) struct Inflated<'a> {
    decoder: flate2::bufread::DeflateDecoder<io::BufReader<Section<'a>>>,
    checksum: flate2::Crc,
    packed: Packed,
    left: u64,
}

impl<'a> Inflated<'a> {
    pub(super) fn new(source: &'a dyn ReadAt, packed: Packed) -> Self {
        let section = io::BufReader::with_capacity(BUFFER, Section::new(source, packed.start, packed.packed));
        let decoder = flate2::bufread::DeflateDecoder::new(section);
        Self { decoder, checksum: flate2::Crc::new(), packed, left: packed.unpacked }
    }

    /// Nothing may be left over on either side.
    fn check_end(&mut self) -> io::Result<()> {
        let bad = |what| Err(io::Error::new(io::ErrorKind::InvalidData, what));
        if self.decoder.read(&mut [0])? != 0 {
            return bad("the member unpacks to more bytes than its archive says");
        }
        if !self.decoder.get_mut().fill_buf()?.is_empty() {
            return bad("the member has packed bytes left over");
        }
        if self.checksum.sum() != self.packed.checksum {
            return bad("the member has another checksum than its archive says");
        }
        Ok(())
    }
}

impl Read for Inflated<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        if len == 0 {
            return Ok(0);
        }
        let read = self.decoder.read(&mut buffer[..len])?;
        if read == 0 {
            let what = "the member unpacks to fewer bytes than its archive says";
            return Err(io::Error::new(io::ErrorKind::InvalidData, what));
        }
        self.checksum.update(&buffer[..read]);
        self.left -= read as u64;
        if self.left == 0 {
            self.check_end()?;
        }
        Ok(read)
    }
}

/// Little-endian fields from the front of a file, up to a limit that stands for "this is no header any more".
pub(super) struct Fields<'a> {
    source: &'a dyn ReadAt,
    buffer: Vec<u8>,
    /// Where the buffer begins.
    start: u64,
    at: u64,
    limit: u64,
}

impl<'a> Fields<'a> {
    pub(super) fn new(source: &'a dyn ReadAt, limit: u64) -> Self {
        Self { source, buffer: Vec::new(), start: 0, at: 0, limit }
    }

    /// The byte that is read next.
    pub(super) fn at(&self) -> u64 {
        self.at
    }

    /// Passes over bytes without reading them.
    pub(super) fn skip(&mut self, len: u64, what: &'static str) -> Result<(), FormatError> {
        self.at = self.check(len, what)?;
        Ok(())
    }

    /// The next bytes; `len` is checked against limit and file before anything is allocated.
    pub(super) fn take(&mut self, len: u64, what: &'static str) -> Result<Vec<u8>, FormatError> {
        let end = self.check(len, what)?;
        let mut bytes = vec![0; usize::try_from(len).map_err(|_| FormatError::Cut { what, at: self.at })?];
        let mut filled = 0;
        while filled < bytes.len() {
            let held = self.held()?;
            let part = held.len().min(bytes.len() - filled);
            bytes[filled..filled + part].copy_from_slice(&held[..part]);
            filled += part;
            self.at += part as u64;
        }
        debug_assert_eq!(self.at, end);
        Ok(bytes)
    }

    pub(super) fn array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], FormatError> {
        let bytes = self.take(N as u64, what)?;
        Ok(bytes.try_into().expect("as many bytes were taken as asked for"))
    }

    pub(super) fn u32(&mut self, what: &'static str) -> Result<u32, FormatError> {
        Ok(u32::from_le_bytes(self.array(what)?))
    }

    pub(super) fn u64(&mut self, what: &'static str) -> Result<u64, FormatError> {
        Ok(u64::from_le_bytes(self.array(what)?))
    }

    fn check(&self, len: u64, what: &'static str) -> Result<u64, FormatError> {
        let end = self.at.saturating_add(len);
        if end > self.source.size() {
            return Err(FormatError::Cut { what, at: self.at });
        }
        if end > self.limit {
            return Err(FormatError::Limit { what, at: self.at, found: end, limit: self.limit });
        }
        Ok(end)
    }

    /// What is in the buffer from the current byte on: at least one byte.
    fn held(&mut self) -> Result<&[u8], FormatError> {
        let is_held = self.at >= self.start && self.at < self.start + self.buffer.len() as u64;
        if !is_held {
            let left = self.source.size().saturating_sub(self.at);
            self.buffer.resize(usize::try_from(left).unwrap_or(BUFFER).min(BUFFER), 0);
            self.source.read_at(self.at, &mut self.buffer)?;
            self.start = self.at;
        }
        let from = usize::try_from(self.at - self.start).expect("the current byte is in the buffer");
        Ok(&self.buffer[from..])
    }
}

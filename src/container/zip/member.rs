//! One member unpacked into memory, never beyond the size that was checked before.

use std::io::{self, BufRead, BufReader, Read, SeekFrom};

use super::{ArchiveError, Member, Method, shown};
use crate::container::Source;

/// Largest zstd window: 32 MiB, twice what level 19 asks for, so that a frame of a few bytes cannot claim more.
const ZSTD_WINDOW_LOG: u32 = 25;

/// Bytes read at a time.
const BUFFER: u64 = 64 << 10;

impl Member {
    /// Unpacks, and holds length, checksum and the use of every compressed byte against the directory.
    pub(super) fn unpack(&self, source: &mut dyn Source) -> Result<Vec<u8>, ArchiveError> {
        source.seek(SeekFrom::Start(self.data))?;
        let mut packed =
            BufReader::with_capacity(usize::try_from(self.packed.min(BUFFER)).unwrap_or(0), source.take(self.packed));
        let unpacked =
            self.decode(&mut packed).map_err(|source| ArchiveError::Decompress { name: self.shown(), source })?;
        if unpacked.len() as u64 != self.unpacked {
            let found = unpacked.len() as u64;
            return Err(ArchiveError::Length { name: self.shown(), expected: self.unpacked, found });
        }
        let unused = packed.fill_buf()?.len() as u64;
        if unused > 0 {
            return Err(ArchiveError::LeftOver { name: self.shown(), count: unused + packed.get_ref().limit() });
        }
        let mut checksum = flate2::Crc::new();
        checksum.update(&unpacked);
        if checksum.sum() != self.checksum {
            let (expected, found) = (self.checksum, checksum.sum());
            return Err(ArchiveError::Checksum { name: self.shown(), expected, found });
        }
        Ok(unpacked)
    }

    fn decode(&self, packed: &mut impl BufRead) -> io::Result<Vec<u8>> {
        // One byte more than was promised is enough to see that the promise is false.
        let most = self.unpacked.saturating_add(1);
        let mut unpacked = Vec::with_capacity(usize::try_from(most).unwrap_or(0));
        match self.method {
            Method::Stored => {
                packed.take(most).read_to_end(&mut unpacked)?;
            }
            Method::Deflate => {
                flate2::bufread::DeflateDecoder::new(&mut *packed).take(most).read_to_end(&mut unpacked)?;
            }
            Method::Zstd => {
                let mut decoder = zstd::stream::read::Decoder::with_buffer(&mut *packed)?;
                decoder.window_log_max(ZSTD_WINDOW_LOG)?;
                decoder.take(most).read_to_end(&mut unpacked)?;
            }
        }
        Ok(unpacked)
    }

    fn shown(&self) -> String {
        shown(self.name.as_bytes())
    }
}

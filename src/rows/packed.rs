//! gzip and zstd around a shard, unpacked as a stream that cannot grow beyond what was sent many times over.

use std::cell::Cell;
use std::io::{self, BufRead, BufReader, Read};

use super::RowError;

/// A packed shard expands to at most this many times its size: text packs 3 to 15 times, hostile zeros 1,000 and more.
const MAX_RATIO: u64 = 200;

/// What a small shard may expand to whatever the ratio.
const ALLOWANCE: u64 = 16 << 20;

/// No shard expands to more.
const MAX_UNPACKED: u64 = 1 << 42;

/// Largest zstd window, as for members of archives: 32 MiB.
pub(super) const ZSTD_WINDOW_LOG: u32 = 25;

/// How a shard is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Packing {
    Gzip,
    Zstd,
}

const ENDINGS: &[(&str, Packing)] =
    &[(".gz", Packing::Gzip), (".tgz", Packing::Gzip), (".zst", Packing::Zstd), (".zstd", Packing::Zstd)];

impl Packing {
    /// As the name says.
    pub(super) fn of(name: &str) -> Option<Self> {
        ENDINGS.iter().find(|(ending, _)| name.ends_with(ending)).map(|(_, packing)| *packing)
    }
}

/// The name without the ending of a packing; `.tgz` stands for `.tar.gz`.
pub(super) fn without_ending(name: &str) -> std::borrow::Cow<'_, str> {
    if let Some(stem) = name.strip_suffix(".tgz") {
        return format!("{stem}.tar").into();
    }
    ENDINGS.iter().find_map(|(ending, _)| name.strip_suffix(ending)).unwrap_or(name).into()
}

/// Lets `read` read what is packed, then reads to the end, where checksums stand. Nothing else may follow.
pub(super) fn unpack(
    packing: Option<Packing>,
    packed: &mut impl BufRead,
    read: impl FnOnce(&mut dyn BufRead) -> Result<(), RowError>,
) -> Result<(), RowError> {
    let taken = Cell::new(0);
    let counted = Counted { inner: packed, taken: &taken };
    let unpacked: Box<dyn Read + '_> = match packing {
        None => return read(counted.inner),
        // Several members in a row are one file (RFC 1952 §2.2).
        Some(Packing::Gzip) => Box::new(flate2::bufread::MultiGzDecoder::new(counted)),
        Some(Packing::Zstd) => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(counted)?;
            decoder.window_log_max(ZSTD_WINDOW_LOG)?;
            Box::new(decoder)
        }
    };
    let mut stream = BufReader::with_capacity(64 << 10, Bounded { inner: unpacked, taken: &taken, given: 0 });
    read(&mut stream)?;
    io::copy(&mut stream, &mut io::sink())?;
    Ok(())
}

/// Counts the packed bytes that were taken.
struct Counted<'a, R> {
    inner: R,
    taken: &'a Cell<u64>,
}

impl<R: BufRead> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.taken.set(self.taken.get() + read as u64);
        Ok(read)
    }
}

impl<R: BufRead> BufRead for Counted<'_, R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.inner.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        self.taken.set(self.taken.get() + count as u64);
        self.inner.consume(count);
    }
}

/// Ends with an error where more comes out than went in may become.
struct Bounded<'a> {
    inner: Box<dyn Read + 'a>,
    taken: &'a Cell<u64>,
    given: u64,
}

impl Read for Bounded<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.given += read as u64;
        let limit = self.taken.get().saturating_mul(MAX_RATIO).saturating_add(ALLOWANCE).min(MAX_UNPACKED);
        if self.given > limit {
            let packed = self.taken.get();
            let text =
                format!("{packed} packed bytes expand beyond the limit of {limit} ({MAX_RATIO} times and {ALLOWANCE})");
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        }
        Ok(read)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::io::Write;

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn unpacked(packing: Packing, packed: &[u8]) -> Result<Vec<u8>, RowError> {
        let mut out = Vec::new();
        unpack(Some(packing), &mut &packed[..], |stream| Ok(stream.read_to_end(&mut out).map(|_| ())?))?;
        Ok(out)
    }

    #[test]
    fn both_packings_give_the_bytes_back() {
        let bytes = b"{\"text\": \"a\"}\n".repeat(1000);
        assert_eq!(unpacked(Packing::Gzip, &gzip(&bytes)).unwrap(), bytes);
        assert_eq!(
            unpacked(Packing::Gzip, &[gzip(&bytes), gzip(b"more")].concat()).unwrap(),
            [&bytes[..], b"more"].concat()
        );
        assert_eq!(unpacked(Packing::Zstd, &zstd::encode_all(&bytes[..], 3).unwrap()).unwrap(), bytes);
    }

    #[test]
    fn what_is_cut_damaged_or_followed_by_something_is_refused() {
        let bytes = b"0123456789".repeat(1000);
        for (packing, packed) in
            [(Packing::Gzip, gzip(&bytes)), (Packing::Zstd, zstd::encode_all(&bytes[..], 3).unwrap())]
        {
            assert!(unpacked(packing, &packed[..packed.len() - 3]).is_err());
            assert!(unpacked(packing, &[&packed[..], b"x"].concat()).is_err());
            assert!(unpacked(packing, &bytes).is_err());
        }
        let mut damaged = gzip(&bytes);
        let at = damaged.len() - 6;
        damaged[at] ^= 1;
        assert!(unpacked(Packing::Gzip, &damaged).is_err(), "the checksum is looked at");
    }

    #[test]
    fn a_bomb_ends_at_the_limit_and_says_so() {
        let zeros = vec![0; 64 << 20];
        for (packing, packed) in
            [(Packing::Gzip, gzip(&zeros)), (Packing::Zstd, zstd::encode_all(&zeros[..], 3).unwrap())]
        {
            let Err(RowError::Io(error)) = unpacked(packing, &packed) else { panic!("{packing:?}") };
            assert!(error.to_string().contains("expand beyond the limit"), "{error}");
        }
    }
}

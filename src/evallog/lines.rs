//! Lines and records of a text that others wrote, one at a time and never longer than a bound.

use std::cell::Cell;
use std::io::{self, BufRead, BufReader, Read};

use super::EvalLogError;

/// Longest line: a row with a whole transcript in it. It is held in memory.
pub(super) const MAX_LINE_BYTES: u64 = 64 << 20;

/// Rows of one file: each becomes a record in memory.
pub(super) const MAX_ROWS: u64 = 4_000_000;

/// Where a row stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Its line, from 1.
    pub line: u64,
    /// Its first byte.
    pub offset: u64,
}

/// Calls `each` with every line that is not blank, without its line end.
pub(super) fn each_line(
    source: &mut dyn Read,
    mut each: impl FnMut(Place, &[u8]) -> Result<(), EvalLogError>,
) -> Result<(), EvalLogError> {
    let mut source = BufReader::with_capacity(256 << 10, source);
    let (mut place, mut rows) = (Place { line: 0, offset: 0 }, 0_u64);
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = (&mut source).take(MAX_LINE_BYTES + 1).read_until(b'\n', &mut line)? as u64;
        if read == 0 {
            return Ok(());
        }
        place.line += 1;
        if read > MAX_LINE_BYTES {
            return Err(EvalLogError::LongRow { place, limit: MAX_LINE_BYTES });
        }
        let text = line.trim_ascii();
        if !text.is_empty() {
            rows += 1;
            if rows > MAX_ROWS {
                return Err(EvalLogError::Rows { limit: MAX_ROWS });
            }
            each(place, text)?;
        }
        place.offset += read;
    }
}

/// A reader that gives out at most as many bytes as were allowed since the last record.
pub(super) struct Allowance<'c, R> {
    pub(super) inner: R,
    pub(super) left: &'c Cell<u64>,
}

impl<R: Read> Read for Allowance<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left.get()).unwrap_or(usize::MAX).min(buffer.len());
        if most == 0 && !buffer.is_empty() {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "one record is longer than any row may be"));
        }
        let read = self.inner.read(&mut buffer[..most])?;
        self.left.set(self.left.get() - read as u64);
        Ok(read)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn lines(text: &[u8]) -> Vec<(u64, u64, Vec<u8>)> {
        let mut found = Vec::new();
        each_line(&mut &*text, |place, line| {
            found.push((place.line, place.offset, line.to_vec()));
            Ok(())
        })
        .unwrap();
        found
    }

    #[test]
    fn lines_come_with_their_place_and_without_their_ends() {
        assert_eq!(lines(b"a\r\n\n  b\nc"), [(1, 0, b"a".to_vec()), (3, 4, b"b".to_vec()), (4, 8, b"c".to_vec())]);
        assert!(lines(b"").is_empty());
    }

    #[test]
    fn an_endless_line_is_refused_with_its_place() {
        let mut endless = io::Cursor::new(b"x\n").chain(io::repeat(b'y'));
        let refused = each_line(&mut endless, |_, _| Ok(()));
        assert!(
            matches!(refused, Err(EvalLogError::LongRow { place: Place { line: 2, offset: 2 }, .. })),
            "{refused:?}"
        );
    }
}

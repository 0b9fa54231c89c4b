//! Rows shown one by one to whoever looks at them, beside the digest of the bytes they were read from.

use std::io::BufReader;

use super::lines::{self, BadLine, Course, Hashed, MAX_BLOCK, Take};
use super::packed::{Packing, unpack};
use super::pass::{BUFFER, Heard, Watched};
use super::{Format, ParseLine, Passed, Row, RowError, RowsError, Shard, Sink};
use crate::artifact::rows::Cell;

/// Where a row stands in its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowPlace {
    /// Its first byte.
    Byte(u64),
    /// Its number, from 1.
    Row(u64),
}

impl std::fmt::Display for RowPlace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Byte(at) => write!(f, "byte {at}"),
            Self::Row(number) => write!(f, "row {number}"),
        }
    }
}

/// Sees a row; called from any thread, in any order.
pub type See<'s> = &'s (dyn Fn(RowPlace, &Row<'_>) + Sync);

/// Shows every row of the shard of that name with all its fields.
pub fn each_row(
    format: &dyn Format,
    name: &str,
    shard: &dyn Shard,
    see: See<'_>,
    heard: Heard<'_>,
) -> Result<Passed, RowsError> {
    let packing = Packing::of(name);
    let mut rows = 0;
    let hashed = match (packing, format.line(), format.whole()) {
        (None, Some(parse), _) => of_lines(parse, shard, see, heard, &mut rows)?,
        (None, None, Some(read)) => {
            let mut sink = Shown { see, rows: 0 };
            read(shard, &mut sink).map_err(|source| RowsError::AtRow { row: sink.rows + 1, source })?;
            rows = sink.rows;
            Watched::new(shard, false, heard).finish()?
        }
        _ => {
            let (mut raw, mut sink) = (Watched::new(shard, false, heard), Shown { see, rows: 0 });
            let mut buffered = BufReader::with_capacity(BUFFER, &mut raw);
            let read = unpack(packing, &mut buffered, |stream| format.read(stream, &mut sink));
            read.map_err(|source| RowsError::AtRow { row: sink.rows + 1, source })?;
            rows = sink.rows;
            raw.finish()?
        }
    };
    Ok(Passed { digest: hashed.digest, sha256: hashed.sha256, rows })
}

fn of_lines(
    parse: ParseLine,
    shard: &dyn Shard,
    see: See<'_>,
    heard: Heard<'_>,
    rows: &mut u64,
) -> Result<Hashed, RowsError> {
    let work = |(): &mut (), bytes: &[u8], at: u64| {
        let (mut start, mut index) = (0, 0);
        for end in memchr::memchr_iter(b'\n', bytes).chain((!bytes.ends_with(b"\n")).then_some(bytes.len())) {
            let place = at + start as u64;
            match parse(&bytes[start..end], &|_| true) {
                Ok(Some(row)) => {
                    see(RowPlace::Byte(place), &row);
                    index += 1;
                }
                Ok(None) => {}
                Err(source) => return Err(BadLine { index, at: place, source }),
            }
            start = end + 1;
        }
        Ok(index)
    };
    let course = Course { shard, block: MAX_BLOCK, sha256: false, progress: heard };
    lines::run(course, &work, &mut Counted(rows))
}

struct Counted<'c>(&'c mut u64);

impl Take<u64> for Counted<'_> {
    fn take(&mut self, rows: u64) -> Result<(), RowsError> {
        *self.0 += rows;
        Ok(())
    }

    fn rows(&self) -> u64 {
        *self.0
    }
}

struct Shown<'s> {
    see: See<'s>,
    rows: u64,
}

impl Sink for Shown<'_> {
    fn takes(&self, _: &[u8]) -> bool {
        true
    }

    fn row(&mut self, row: Row<'_>) -> Result<(), RowError> {
        self.rows += 1;
        (self.see)(RowPlace::Row(self.rows), &row);
        Ok(())
    }
}

/// Gives every text in a row to `each`, with the field it stands in; what nests deeper than any reader lets it is not met.
pub fn each_text(row: &Row<'_>, each: &mut dyn FnMut(&str, &str)) {
    for (name, cell) in row {
        let name = String::from_utf8_lossy(name);
        let mut open = vec![cell];
        // A stack, and not a recursion: the last first, so that texts come in their order.
        while let Some(cell) = open.pop() {
            match cell {
                Cell::Text(text) => each(&name, &String::from_utf8_lossy(text)),
                Cell::List(items) => open.extend(items.iter().rev()),
                Cell::Map(members) => open.extend(members.iter().rev().map(|(_, cell)| cell)),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::io;
    use std::sync::Mutex;

    use super::*;
    use crate::digest::FileDigest;
    use crate::rows::format_of;

    struct Bytes(Vec<u8>);

    impl Shard for Bytes {
        fn size(&self) -> u64 {
            self.0.len() as u64
        }

        fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
            let rest = &self.0[usize::try_from(at).unwrap()..];
            let len = rest.len().min(buffer.len());
            buffer[..len].copy_from_slice(&rest[..len]);
            Ok(len)
        }
    }

    fn texts(name: &str, bytes: &[u8]) -> (Vec<String>, Passed) {
        let seen = Mutex::new(Vec::new());
        let see = |place: RowPlace, row: &Row<'_>| {
            each_text(row, &mut |field, text| seen.lock().unwrap().push(format!("{place} {field}={text}")));
        };
        let shard = Bytes(bytes.to_vec());
        let passed = each_row(format_of(name).unwrap(), name, &shard, &see, &|_| {}).unwrap();
        let mut seen = seen.into_inner().unwrap();
        seen.sort();
        (seen, passed)
    }

    #[test]
    fn every_text_of_every_row_is_shown_in_whatever_format() {
        let lines =
            b"{\"a\": \"x\\ny\", \"n\": 1, \"m\": [{\"role\": \"user\", \"content\": \"z\"}]}\n\n{\"a\": \"q\"}";
        let expected = ["byte 0 a=x\ny", "byte 0 m=user", "byte 0 m=z", "byte 64 a=q"];
        let (seen, passed) = texts("a.jsonl", lines);
        assert_eq!(seen, expected);
        assert_eq!((passed.rows, passed.digest), (2, FileDigest::of(lines)));
        let packed = zstd::encode_all(&lines[..], 1).unwrap();
        let (seen, passed) = texts("a.jsonl.zst", &packed);
        assert_eq!(seen, ["row 1 a=x\ny", "row 1 m=user", "row 1 m=z", "row 2 a=q"]);
        assert_eq!((passed.rows, passed.digest), (2, FileDigest::of(&packed)));
        assert_eq!(texts("a.csv", b"a,b\nx,y\n").0, ["row 1 a=x", "row 1 b=y"]);
        assert_eq!(texts("a.json", b"[{\"a\": \"x\"}]").0, ["row 1 a=x"]);
    }

    #[test]
    fn a_row_that_cannot_be_read_is_refused_with_its_place() {
        let format = format_of("a.jsonl").unwrap();
        let refused = each_row(format, "a.jsonl", &Bytes(b"{}\n{".to_vec()), &|_, _| {}, &|_| {}).unwrap_err();
        assert_eq!(refused.to_string(), "row 2 at byte 3");
    }
}

//! Slices: some bytes of a file, proved by the file's own BLAKE3 digest without the rest of it.
//!
//! BLAKE3 is a tree over chunks of 1,024 bytes. A slice carries the chunks that its bytes lie in and, for every subtree
//! beside them, its 32-byte chaining value, in the file's order. Every value but the root depends on where in the file
//! its bytes lie, and the root is computed from all of them: bytes that the digest confirms stand at their offset.
//!
//! ```text
//! slice = [first, bytes, [chaining value, …]]     canonical CBOR; `first` is the offset of the first chunk
//! ```
//!
//! Spec: <https://github.com/BLAKE3-team/BLAKE3-specs/blob/master/blake3.pdf> §2.1

use std::io::Read;
use std::ops::Range;

use super::{DIGEST_LEN, FileDigest, FileHasher, Subtree, SubtreeHasher};
use crate::codec::{DecodeError, Decoder, Encoder};

/// Bytes in a chunk, the leaf of BLAKE3's tree.
pub const CHUNK_BYTES: u64 = 1024;

/// Chaining values of the longest slice: two for each level of the highest tree there can be.
const MAX_SIBLINGS: usize = 2 * 54;

/// Bytes read at once where only their chaining value is wanted.
const READ_BYTES: usize = 1 << 16;

/// Why bytes are not a slice of a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum SliceError {
    #[error(transparent)]
    Decode(#[from] DecodeError),
    #[error("a slice begins and ends where a chunk of {CHUNK_BYTES} bytes does, inside the file")]
    Bounds,
    #[error("the slice has {found} chaining values where {needed} belong")]
    Siblings { needed: usize, found: usize },
    #[error("the slice is not of the file\n  recorded {expected}\n  found    {found}")]
    OtherFile { expected: FileDigest, found: FileDigest },
}

/// Whole chunks of a file and what is needed to get from them to its digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slice<B = Vec<u8>> {
    /// Where the first chunk begins.
    first: u64,
    bytes: B,
    siblings: Vec<Subtree>,
}

impl<B: AsRef<[u8]>> Slice<B> {
    /// Canonical bytes.
    pub fn encode(&self) -> Vec<u8> {
        Encoder::encode(|e| {
            e.array(3);
            e.uint(self.first);
            e.bytes(self.bytes.as_ref());
            e.array(self.siblings.len());
            for sibling in &self.siblings {
                e.bytes(sibling.as_bytes());
            }
        })
    }

    fn range(&self) -> Range<u64> {
        self.first..self.first.saturating_add(self.bytes.as_ref().len() as u64)
    }

    /// Holds the slice to the digest of a file of `length` bytes.
    pub fn check(&self, file: &FileDigest, length: u64) -> Result<(), SliceError> {
        let range = self.range();
        let is_end = |at: u64| at == length || (at < length && at.is_multiple_of(CHUNK_BYTES));
        let is_whole = range == (0..length);
        if !is_end(range.end) || !range.start.is_multiple_of(CHUNK_BYTES) || (range.is_empty() && !is_whole) {
            return Err(SliceError::Bounds);
        }
        let needed = if is_whole { 0 } else { siblings_of(&range, length) };
        if needed != self.siblings.len() {
            return Err(SliceError::Siblings { needed, found: self.siblings.len() });
        }
        let found = if is_whole {
            FileDigest::of(self.bytes.as_ref())
        } else {
            let mut siblings = self.siblings.iter();
            let middle = left_length(length);
            let left = self.node(0..middle, &mut siblings);
            left.merge_root(self.node(middle..length, &mut siblings))
        };
        if found == *file { Ok(()) } else { Err(SliceError::OtherFile { expected: *file, found }) }
    }

    /// The subtree over `part`: from the bytes where they lie in the slice, from a sibling where they lie beside it.
    ///
    /// The depth is that of the tree, at most 54.
    fn node(&self, part: Range<u64>, siblings: &mut std::slice::Iter<'_, Subtree>) -> Subtree {
        match cover(&part, &self.range()) {
            Cover::Beside => *siblings.next().expect("as many as `siblings_of` counted"),
            Cover::Inside => Subtree::of(self.at(&part), part.start),
            Cover::Across => {
                let middle = part.start + left_length(part.end - part.start);
                let left = self.node(part.start..middle, siblings);
                left.merge(self.node(middle..part.end, siblings))
            }
        }
    }

    fn at(&self, part: &Range<u64>) -> &[u8] {
        let place = |at: u64| usize::try_from(at - self.first).expect("a part of bytes in memory");
        &self.bytes.as_ref()[place(part.start)..place(part.end)]
    }

    /// The bytes of `range`, where the slice holds all of them.
    pub fn bytes_of(&self, range: &Range<u64>) -> Option<&[u8]> {
        let own = self.range();
        let is_inside = range.start <= range.end && own.start <= range.start && range.end <= own.end;
        is_inside.then(|| self.at(range))
    }
}

impl<'a> Slice<&'a [u8]> {
    /// Reads canonical bytes.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, SliceError> {
        Decoder::decode(bytes, |d| {
            d.tuple("a slice", 3, |d| {
                let (first, bytes) = (d.uint()?, d.bytes()?);
                let found = d.clone().array_header()?;
                if found > MAX_SIBLINGS {
                    let (what, expected) = ("the chaining values of a slice", "not so many");
                    return Err(DecodeError::Length { what, expected, found }.into());
                }
                let siblings = d.array(|d| d.byte_array::<DIGEST_LEN>("a chaining value").map(Subtree::from_bytes))?;
                Ok(Self { first, bytes, siblings })
            })
        })
    }
}

impl Slice {
    /// Cuts the slice that holds `range` out of a file of `length` bytes, reading it once from its beginning. Gives the
    /// digest of what was read beside it.
    pub fn cut(file: &mut impl Read, length: u64, range: &Range<u64>) -> std::io::Result<(Self, FileDigest)> {
        let start = (range.start.min(length) / CHUNK_BYTES * CHUNK_BYTES).min(last_chunk(length));
        let end = range.end.max(start + 1).div_ceil(CHUNK_BYTES).saturating_mul(CHUNK_BYTES).min(length);
        let mut cut =
            Cut { file, whole: FileHasher::new(), range: start..end, bytes: Vec::new(), siblings: Vec::new() };
        if cut.range == (0..length) {
            cut.keep(length)?;
        } else {
            let middle = left_length(length);
            cut.part(0..middle)?;
            cut.part(middle..length)?;
        }
        let digest = cut.whole.finish();
        Ok((Self { first: start, bytes: cut.bytes, siblings: cut.siblings }, digest))
    }
}

/// A slice on its way out of a file.
struct Cut<'a, R> {
    file: &'a mut R,
    whole: FileHasher,
    range: Range<u64>,
    bytes: Vec<u8>,
    siblings: Vec<Subtree>,
}

impl<R: Read> Cut<'_, R> {
    fn part(&mut self, part: Range<u64>) -> std::io::Result<()> {
        match cover(&part, &self.range) {
            Cover::Beside => self.pass(part),
            Cover::Inside => self.keep(part.end - part.start),
            Cover::Across => {
                let middle = part.start + left_length(part.end - part.start);
                self.part(part.start..middle)?;
                self.part(middle..part.end)
            }
        }
    }

    fn keep(&mut self, length: u64) -> std::io::Result<()> {
        let before = self.bytes.len();
        let read = self.file.by_ref().take(length).read_to_end(&mut self.bytes)?;
        self.whole.update(&self.bytes[before..]);
        if read as u64 == length { Ok(()) } else { Err(std::io::ErrorKind::UnexpectedEof.into()) }
    }

    fn pass(&mut self, part: Range<u64>) -> std::io::Result<()> {
        let mut subtree = SubtreeHasher::at(part.start);
        let mut left = part.end - part.start;
        let mut buffer = vec![0; READ_BYTES];
        while left > 0 {
            let most = usize::try_from(left).unwrap_or(READ_BYTES).min(READ_BYTES);
            self.file.read_exact(&mut buffer[..most])?;
            self.whole.update(&buffer[..most]);
            subtree.update(&buffer[..most]);
            left -= most as u64;
        }
        self.siblings.push(subtree.finish());
        Ok(())
    }
}

enum Cover {
    Beside,
    Inside,
    Across,
}

/// How a part of the file lies to the slice.
fn cover(part: &Range<u64>, slice: &Range<u64>) -> Cover {
    if part.end <= slice.start || slice.end <= part.start {
        Cover::Beside
    } else if slice.start <= part.start && part.end <= slice.end {
        Cover::Inside
    } else {
        Cover::Across
    }
}

/// How many subtrees lie beside a slice whose ends are chunk ends.
fn siblings_of(slice: &Range<u64>, length: u64) -> usize {
    let mut count = 0;
    let (mut open, mut next) = (Vec::new(), Some(0..length));
    while let Some(part) = next.take().or_else(|| open.pop()) {
        match cover(&part, slice) {
            Cover::Beside => count += 1,
            Cover::Inside => {}
            Cover::Across => {
                let middle = part.start + left_length(part.end - part.start);
                open.extend([part.start..middle, middle..part.end]);
            }
        }
    }
    count
}

/// Bytes in the left part of a tree over more than one chunk: the largest power of two chunks that leaves some over.
fn left_length(length: u64) -> u64 {
    let chunks_before_last = length.saturating_sub(1) / CHUNK_BYTES;
    CHUNK_BYTES << chunks_before_last.max(1).ilog2()
}

fn last_chunk(length: u64) -> u64 {
    length.saturating_sub(1) / CHUNK_BYTES * CHUNK_BYTES
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bytes(length: usize) -> Vec<u8> {
        (0..length).map(|at| u8::try_from(at * at % 251).unwrap()).collect()
    }

    fn check(file: &[u8], range: Range<u64>) {
        let digest = FileDigest::of(file);
        let length = file.len() as u64;
        let (slice, read) = Slice::cut(&mut &file[..], length, &range).unwrap();
        assert_eq!(read, digest);
        let wire = slice.encode();
        let parsed = Slice::parse(&wire).unwrap();
        assert_eq!(parsed.check(&digest, length), Ok(()), "{range:?} of {length}");
        let place = usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap();
        assert_eq!(parsed.bytes_of(&range), Some(&file[place]), "{range:?} of {length}");
        assert!(parsed.bytes.len() as u64 <= range.end - range.start + 2 * CHUNK_BYTES);
    }

    #[test]
    fn every_range_of_small_files_is_proved() {
        for length in [0, 1, 2, 5] {
            let file = bytes(length);
            for start in 0..=length as u64 {
                for end in start..=length as u64 {
                    check(&file, start..end);
                }
            }
        }
    }

    #[test]
    fn ranges_around_every_chunk_end_are_proved() {
        for chunks in 1..=9 {
            for length in [chunks * 1024 - 1, chunks * 1024, chunks * 1024 + 1] {
                let file = bytes(length);
                let near = |at: usize| [at.saturating_sub(1), at, at + 1];
                let ends: Vec<u64> = (0..=chunks + 1)
                    .flat_map(|chunk| near(chunk * 1024))
                    .filter(|at| *at <= length)
                    .map(|at| at as u64)
                    .collect();
                for start in &ends {
                    for end in ends.iter().filter(|end| *end >= start) {
                        check(&file, *start..*end);
                    }
                }
            }
        }
    }

    #[test]
    fn every_flipped_byte_of_a_slice_is_refused() {
        let file = bytes(7000);
        let digest = FileDigest::of(&file);
        for range in [0..10, 3000..3100, 6990..7000, 1000..5000, 0..7000] {
            let wire = Slice::cut(&mut &file[..], 7000, &range).unwrap().0.encode();
            for at in 0..wire.len() {
                let mut changed = wire.clone();
                changed[at] ^= 1 << (at % 8);
                let refused = Slice::parse(&changed).and_then(|slice| slice.check(&digest, 7000));
                assert!(refused.is_err(), "{range:?}: byte {at}");
            }
            let slice = Slice::parse(&wire).unwrap();
            assert!(matches!(slice.check(&FileDigest::of(b"x"), 7000), Err(SliceError::OtherFile { .. })));
        }
    }

    #[test]
    fn a_slice_with_values_too_few_or_too_many_or_ends_within_a_chunk_is_refused() {
        let file = bytes(5000);
        let digest = FileDigest::of(&file);
        let (slice, _) = Slice::cut(&mut &file[..], 5000, &(2048..2050)).unwrap();
        let mut fewer = slice.clone();
        fewer.siblings.pop();
        assert_eq!(fewer.check(&digest, 5000), Err(SliceError::Siblings { needed: 3, found: 2 }));
        let mut more = slice.clone();
        more.siblings.push(more.siblings[0]);
        assert_eq!(more.check(&digest, 5000), Err(SliceError::Siblings { needed: 3, found: 4 }));
        for (first, length) in [(2048, 1000), (2047, 1024), (4096, 1024), (8192, 1024), (0, 0), (u64::MAX, 1024)] {
            let other = Slice { first, bytes: bytes(length), siblings: Vec::new() };
            assert_eq!(other.check(&digest, 5000), Err(SliceError::Bounds), "{first} {length}");
        }
        assert_eq!(slice.bytes_of(&(2047..2050)), None);
        assert_eq!(slice.bytes_of(&(2050..3073)), None);
    }

    #[test]
    fn a_file_that_ends_early_has_no_slice() {
        let file = bytes(3000);
        assert!(Slice::cut(&mut &file[..], 3001, &(0..10)).is_err());
        assert!(Slice::cut(&mut &file[..], 5000, &(4500..4600)).is_err());
    }

    proptest! {
        #[test]
        fn any_range_of_any_file_is_proved(length in 0_usize..40_000, a in any::<u64>(), b in any::<u64>()) {
            let (a, b) = (a % (length as u64 + 1), b % (length as u64 + 1));
            check(&bytes(length), a.min(b)..a.max(b));
        }

        #[test]
        fn a_slice_says_nothing_of_a_file_with_another_byte_in_it(length in 1_usize..20_000, at in any::<usize>(), place in any::<u64>()) {
            let file = bytes(length);
            let place = place % length as u64;
            let mut other = file.clone();
            other[at % length] ^= 1;
            let (slice, _) = Slice::cut(&mut &other[..], length as u64, &(place..place + 1)).unwrap();
            prop_assert!(slice.check(&FileDigest::of(&file), length as u64).is_err());
        }

        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), length in any::<u64>()) {
            if let Ok(slice) = Slice::parse(&bytes) {
                let _ = slice.check(&FileDigest::of(b""), length);
            }
        }
    }
}

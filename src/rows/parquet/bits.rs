//! Integers as Parquet packs them: runs of one value or of packed bits, and differences in blocks.
//!
//! Nothing is returned where the bytes end or make no sense, and nothing is allocated by a count that was read.
//!
//! Format: <https://github.com/apache/parquet-format/blob/master/Encodings.md>

use crate::rows::scratch::Buffer;

/// Values in the smallest part of a block of differences, of which each part has a multiple.
const UNIT: u64 = 32;

/// Most values of a block: writers use 128 to 1024.
const MAX_BLOCK: u64 = 1 << 20;

/// Reads `width` bits, the first in the lowest bit, from bit `at` of the bytes.
fn bits(bytes: &Buffer, at: usize, width: u32) -> Option<u64> {
    if width == 0 {
        return Some(0);
    }
    let first = at / 8;
    let last = (at + width as usize - 1) / 8;
    // 64 bits that begin inside a byte lie in nine.
    let mut all = [0; 16];
    bytes.fill(first, all.get_mut(..=last - first)?)?;
    let value = u128::from_le_bytes(all) >> (at % 8);
    let mask = if width == 64 { u64::MAX } else { (1 << width) - 1 };
    Some(u64::try_from(value & u128::from(u64::MAX)).unwrap_or(0) & mask)
}

/// A number of seven bits a byte.
fn varint(bytes: &Buffer, at: &mut usize) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let byte = bytes.byte(*at)?;
        *at += 1;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

fn zigzag(bytes: &Buffer, at: &mut usize) -> Option<i64> {
    let value = varint(bytes, at)?;
    Some((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
}

/// Runs of one value, and of values packed by eight.
#[derive(Debug, Clone)]
pub(super) struct Runs {
    bytes: Buffer,
    at: usize,
    width: u32,
    /// Values left in the run.
    left: u64,
    /// The value that the run repeats; nothing in a packed run.
    same: Option<u64>,
    /// The next bit of a packed run.
    bit: usize,
}

impl Runs {
    /// Values of that many bits, at most 32.
    pub(super) fn new(bytes: Buffer, width: u32) -> Option<Self> {
        (width <= 32).then_some(Self { bytes, at: 0, width, left: 0, same: None, bit: 0 })
    }

    pub(super) fn next(&mut self) -> Option<u64> {
        while self.left == 0 {
            let head = varint(&self.bytes, &mut self.at)?;
            self.left = head >> 1;
            if head & 1 == 0 {
                let len = self.width.div_ceil(8) as usize;
                self.same = Some(bits(&self.bytes.part(self.at, len)?, 0, self.width)?);
                self.at += len;
            } else {
                self.same = None;
                self.bit = self.at.checked_mul(8)?;
                let packed = usize::try_from(self.left).ok()?.checked_mul(self.width as usize)?;
                // The last run may lack the bytes of values that are only filled in.
                self.at = self.at.checked_add(packed)?.min(self.bytes.len());
                self.left = self.left.checked_mul(8)?;
            }
        }
        self.left -= 1;
        if let Some(same) = self.same {
            return Some(same);
        }
        let value = bits(&self.bytes, self.bit, self.width);
        self.bit += self.width as usize;
        value
    }
}

/// Integers by their differences, in blocks of several widths.
#[derive(Debug, Clone)]
pub(super) struct Deltas {
    bytes: Buffer,
    at: usize,
    /// Values not given yet.
    left: u64,
    value: i64,
    is_first: bool,
    /// Values in a part of a block, and parts.
    part: u64,
    parts: usize,
    /// The part at work: its place among the widths, its values left, the next bit.
    number: usize,
    in_part: u64,
    bit: usize,
    widths: usize,
    smallest: i64,
}

impl Deltas {
    pub(super) fn new(bytes: Buffer) -> Option<Self> {
        let mut at = 0;
        let block = varint(&bytes, &mut at)?;
        let parts = varint(&bytes, &mut at)?;
        let left = varint(&bytes, &mut at)?;
        let value = zigzag(&bytes, &mut at)?;
        if parts == 0 || block > MAX_BLOCK || !block.is_multiple_of(parts) || !(block / parts).is_multiple_of(UNIT) {
            return None;
        }
        let (part, parts) = (block / parts, usize::try_from(parts).ok()?);
        if part == 0 {
            return None;
        }
        let number = parts;
        let (in_part, bit, widths, smallest) = (0, 0, 0, 0);
        Some(Self { bytes, at, left, value, is_first: true, part, parts, number, in_part, bit, widths, smallest })
    }

    /// How many values are left.
    pub(super) fn left(&self) -> u64 {
        self.left
    }

    pub(super) fn next(&mut self) -> Option<i64> {
        self.left = self.left.checked_sub(1)?;
        if self.is_first {
            self.is_first = false;
            return Some(self.value);
        }
        if self.in_part == 0 {
            self.begin_part()?;
        }
        self.in_part -= 1;
        let width = u32::from(self.bytes.byte(self.widths + self.number - 1)?);
        let difference = bits(&self.bytes, self.bit, width)?;
        self.bit += width as usize;
        // As written: sums wrap around.
        self.value = self.value.wrapping_add(self.smallest).wrapping_add(difference.cast_signed());
        Some(self.value)
    }

    /// Goes on to the next part, which begins at `at`, and to the next block before it where one ended.
    fn begin_part(&mut self) -> Option<()> {
        if self.number == self.parts {
            self.smallest = zigzag(&self.bytes, &mut self.at)?;
            self.widths = self.at;
            self.at = self.at.checked_add(self.parts).filter(|at| *at <= self.bytes.len())?;
            self.number = 0;
        }
        let width = u64::from(self.bytes.byte(self.widths + self.number)?);
        if width > 64 {
            return None;
        }
        self.number += 1;
        self.in_part = self.part;
        self.bit = self.at.checked_mul(8)?;
        self.at = self.at.checked_add(usize::try_from(width * self.part / 8).ok()?)?;
        Some(())
    }

    /// The first byte after all values; passes over them by their blocks.
    pub(super) fn after(&self) -> Option<usize> {
        let mut ahead = self.clone();
        // The first value stands in the head.
        let mut left = ahead.left.saturating_sub(1);
        while left > 0 {
            ahead.begin_part()?;
            left = left.saturating_sub(ahead.part);
        }
        Some(ahead.at).filter(|at| *at <= self.bytes.len())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::rows::scratch::Scratch;

    fn buffer(bytes: &[u8]) -> Buffer {
        Scratch::default().keep(bytes.to_vec()).unwrap()
    }

    #[test]
    fn the_formats_own_examples_are_read() {
        // Encodings.md: 0 to 7 packed in three bits each.
        let mut packed = Runs::new(buffer(&[0b11, 0b1000_1000, 0b1100_0110, 0b1111_1010]), 3).unwrap();
        let read: Vec<_> = (0..8).map(|_| packed.next().unwrap()).collect();
        assert_eq!(read, [0, 1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(packed.next(), None);
        let mut same = Runs::new(buffer(&[10, 99]), 7).unwrap();
        assert_eq!((0..5).map(|_| same.next()).collect::<Option<Vec<_>>>(), Some(vec![99; 5]));
        // 1 to 5, and 7 5 3 1 2 3 4 5, one block of 128 in four parts.
        let steady = [0x80, 1, 4, 5, 2, 2, 0, 0, 0, 0];
        let mut deltas = Deltas::new(buffer(&steady)).unwrap();
        assert_eq!(deltas.after(), Some(10));
        assert_eq!((0..5).map(|_| deltas.next().unwrap()).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
        assert_eq!(deltas.next(), None);
        let jumps = [0x80, 1, 4, 8, 14, 3, 2, 0, 0, 0, 0b1100_0000, 0b11_1111, 0, 0, 0, 0, 0, 0];
        let mut deltas = Deltas::new(buffer(&jumps)).unwrap();
        assert_eq!((0..8).map(|_| deltas.next().unwrap()).collect::<Vec<_>>(), [7, 5, 3, 1, 2, 3, 4, 5]);
        assert_eq!(deltas.after(), Some(18));
    }

    proptest! {
        #[test]
        fn bits_are_those_of_the_number(value in any::<u64>(), before in 0_usize..80, width in 0_u32..=64) {
            let value = if width == 64 { value } else { value & ((1 << width) - 1) };
            let bytes = (num_bigint::BigUint::from(value) << before).to_bytes_le();
            let bytes = [bytes, vec![0; 20]].concat();
            prop_assert_eq!(bits(&buffer(&bytes), before, width), Some(value));
        }

        #[test]
        fn no_bytes_make_a_decoder_panic(page in proptest::collection::vec(any::<u8>(), 0..60), width in 0_u32..33) {
            if let Some(mut runs) = Runs::new(buffer(&page), width) {
                for _ in 0..200 {
                    let _ = runs.next();
                }
            }
            if let Some(mut deltas) = Deltas::new(buffer(&page)) {
                let _ = deltas.after();
                for _ in 0..200 {
                    let _ = deltas.next();
                }
            }
        }
    }
}

//! All windows of n consecutive words of the items, each once, to be found by a rolling hash and held to by its words.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::items::Span;

/// The step of the rolling hash: a large odd number (the golden ratio's, as Knuth has it).
pub(super) const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// Bits of the filter for each window: one window in sixteen is looked up that is none.
const FILTER_BITS: usize = 16;

/// No further window under the same hash.
const LAST: u32 = u32::MAX;

/// The windows of one width.
#[derive(Debug)]
pub(super) struct Grams {
    pub(super) width: usize,
    /// Which hashes there may be: one bit each, so that most words of a corpus cost no look at the table.
    filter: Vec<u64>,
    shift: u32,
    by_hash: HashMap<u64, u32, BuildHasherDefault<Taken>>,
    /// Where a window stands in the items' words, and the next one of the same hash.
    windows: Vec<(u32, u32)>,
}

/// Takes a hash as it is: it comes from random values, one for each word, that no corpus knows.
#[derive(Debug, Default)]
struct Taken(u64);

impl Hasher for Taken {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {}

    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }
}

/// The hash of a window; that of the window one word on is this times [`STEP`], less the first word, plus the next.
pub(super) fn hash(window: &[u32], values: &[u64]) -> u64 {
    let value = |id: &u32| values.get(*id as usize).copied().unwrap_or(0);
    window.iter().fold(0, |hash: u64, id| hash.wrapping_mul(STEP).wrapping_add(value(id)))
}

impl Grams {
    pub(super) fn new(width: usize, ids: &[u32], spans: &[Span], values: &[u64]) -> Self {
        let most: usize = spans.iter().map(|span| (span.len + 1).saturating_sub(width)).sum();
        let bits = (most * FILTER_BITS).next_power_of_two().max(64);
        let mut grams = Self {
            width,
            filter: vec![0; bits / 64],
            shift: 64 - bits.trailing_zeros(),
            by_hash: HashMap::default(),
            windows: Vec::new(),
        };
        for span in spans {
            for start in span.start..(span.start + span.len + 1).saturating_sub(width).max(span.start) {
                grams.add(start, ids, values);
            }
        }
        grams
    }

    fn add(&mut self, start: usize, ids: &[u32], values: &[u64]) {
        let window = &ids[start..start + self.width];
        let hash = hash(window, values);
        if self.find(hash, window, ids).is_some() {
            return;
        }
        let number = u32::try_from(self.windows.len()).unwrap_or(LAST);
        let next = self.by_hash.insert(hash, number).unwrap_or(LAST);
        self.windows.push((u32::try_from(start).unwrap_or(LAST), next));
        let bit = self.bit(hash);
        self.filter[bit / 64] |= 1 << (bit % 64);
    }

    fn bit(&self, hash: u64) -> usize {
        usize::try_from(hash.wrapping_mul(STEP) >> self.shift).unwrap_or(0)
    }

    /// Whether there may be a window of that hash.
    pub(super) fn may_have(&self, hash: u64) -> bool {
        let bit = self.bit(hash);
        self.filter[bit / 64] & (1 << (bit % 64)) != 0
    }

    /// The number of the window that has exactly these words.
    pub(super) fn find(&self, hash: u64, window: &[u32], ids: &[u32]) -> Option<u32> {
        let mut number = *self.by_hash.get(&hash)?;
        while let Some((start, next)) = self.windows.get(number as usize) {
            let start = *start as usize;
            if ids.get(start..start + self.width) == Some(window) {
                return Some(number);
            }
            number = *next;
        }
        None
    }

    /// Where the window stands first in the items' words.
    pub(super) fn start(&self, number: u32) -> usize {
        self.windows.get(number as usize).map_or(0, |window| window.0 as usize)
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.windows.len()
    }
}

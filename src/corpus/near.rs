//! Near duplicates: pairs of texts that share most of their word sequences, found without comparing all with all.
//!
//! Sketches are cut into bands; only texts that agree in a whole band are compared (locality-sensitive hashing). At the
//! threshold a pair is missed about once in two thousand. Memory is one band at a time; the number of pairs is bounded,
//! and a bound that was reached is said.

use std::collections::BTreeSet;

use crate::corpus::sketch::{BINS, Sketch};

/// Texts that agree in so many bins of [`BINS`] are near duplicates: an estimated similarity of 0.81.
pub(super) const THRESHOLD: usize = 52;

/// Bins in a band.
const ROWS: usize = 4;

/// A text is compared with at most so many others of its group: a thousand copies of one text need no million pairs.
const PARTNERS: usize = 64;

/// Pairs kept before the search ends.
pub(super) const MAX_PAIRS: usize = 200_000;

/// Two texts by their numbers, the lower one first, and in how many bins they agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NearPair {
    /// The first.
    pub(super) first: u32,
    /// The second.
    pub(super) second: u32,
    /// Bins of [`BINS`] in which they agree.
    pub(super) agreement: usize,
}

impl NearPair {
    /// The estimated similarity in per cent.
    pub(super) fn percent(&self) -> usize {
        self.agreement * 100 / BINS
    }
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Near {
    /// The pairs, most alike first.
    pub(super) pairs: Vec<NearPair>,
    /// True when there may be more: [`MAX_PAIRS`] was reached or a group was larger than is compared in full.
    pub(super) more: bool,
}

/// The near duplicates among `sketches`; equal texts should stand there once.
pub(super) fn near_duplicates(sketches: &[(u32, &Sketch)]) -> Near {
    let mut found = BTreeSet::new();
    let mut near = Near::default();
    let mut band: Vec<([u16; ROWS], u32)> = Vec::with_capacity(sketches.len());
    'bands: for first in (0..BINS).step_by(ROWS) {
        band.clear();
        band.extend(
            sketches
                .iter()
                .zip(0_u32..)
                .map(|((_, sketch), at)| (std::array::from_fn(|row| sketch.0[first + row]), at)),
        );
        band.sort_unstable();
        for group in band.chunk_by(|a, b| a.0 == b.0) {
            near.more |= group.len() > PARTNERS;
            for (position, (_, b)) in group.iter().enumerate() {
                for (_, a) in &group[position.saturating_sub(PARTNERS)..position] {
                    let (left, right) = (&sketches[*a as usize], &sketches[*b as usize]);
                    let agreement = left.1.agreement(right.1);
                    if agreement >= THRESHOLD && found.insert((left.0, right.0)) {
                        near.pairs.push(NearPair { first: left.0, second: right.0, agreement });
                        if near.pairs.len() == MAX_PAIRS {
                            near.more = true;
                            break 'bands;
                        }
                    }
                }
            }
        }
    }
    near.pairs.sort_by(|a, b| (b.agreement, a.first, a.second).cmp(&(a.agreement, b.first, b.second)));
    near
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::format_collect, reason = "tests")]
mod tests {
    use super::*;

    fn text(seed: usize, changed: usize) -> String {
        (0..400)
            .map(|word| if word < changed { format!("x{seed}y{word} ") } else { format!("w{}z{word} ", seed / 2) })
            .collect()
    }

    fn near(texts: &[String]) -> Near {
        let sketches: Vec<Sketch> = texts.iter().map(|text| Sketch::of(text).unwrap()).collect();
        near_duplicates(&sketches.iter().zip(0..).map(|(sketch, at)| (at, sketch)).collect::<Vec<_>>())
    }

    #[test]
    fn texts_that_share_most_words_are_paired_and_others_are_not() {
        // Texts 0 and 1, 2 and 3, … have the same tail; the first words of each are its own.
        let texts: Vec<String> = (0..200).map(|seed| text(seed, if seed % 4 < 2 { 10 } else { 200 })).collect();
        let near = near(&texts);
        let expected: Vec<_> = (0..200).step_by(4).map(|at| (at, at + 1)).collect();
        let mut found: Vec<_> = near.pairs.iter().map(|pair| (pair.first, pair.second)).collect();
        found.sort_unstable();
        assert_eq!(found, expected);
        assert!(
            near.pairs.iter().all(|pair| pair.percent() >= 81)
                && near.pairs.windows(2).all(|p| p[0].agreement >= p[1].agreement)
        );
        assert!(!near.more);
    }

    #[test]
    fn a_thousand_copies_end_in_bounded_time_and_say_that_there_are_more() {
        let texts: Vec<String> = (0..1000).map(|_| text(2, 0)).collect();
        let near = near(&texts);
        assert!(near.more && near.pairs.len() < 1000 * PARTNERS);
    }
}

//! A MinHash sketch of a text: 128 bytes from which the share of common word sequences of two texts is estimated.
//!
//! Shingles are runs of [`SHINGLE`] words, letters in lower case, everything but letters and digits left out; each
//! character beyond ASCII is a word of its own, so that scripts without spaces have words too. One hash a shingle: its
//! upper bits choose a bin, each bin keeps the least value (one permutation, densified). All constants are fixed: the
//! same texts have the same sketches on every machine.
//!
//! Method: <https://proceedings.mlr.press/v70/shrivastava17a.html>

/// Bins of a sketch. The estimate of a similarity of 0.8 is off by 0.05 (one standard deviation).
pub(super) const BINS: usize = 64;

/// Words in a shingle.
const SHINGLE: usize = 5;

/// Shorter texts have no sketch: two greetings are alike without one being a copy.
pub(super) const MIN_WORDS: usize = 20;

/// Odd, from the digits of π: any will do, but always these.
const MULTIPLIER: u64 = 0x2436_a885_a308_d313 | 1;
const STEP: u64 = 0x1319_8a2e_0370_7345;

/// A sketch: of every bin the lower half of the least value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sketch(pub(super) [u16; BINS]);

impl Sketch {
    /// The sketch of a text of at least [`MIN_WORDS`] words.
    pub(super) fn of(text: &str) -> Option<Self> {
        let mut bins = [u64::MAX; BINS];
        let mut last = [0_u64; SHINGLE];
        let (mut rolling, mut words) = (0_u64, 0_usize);
        let leave = (0..SHINGLE).fold(1_u64, |power, _| power.wrapping_mul(STEP));
        for_each_word(text.as_bytes(), |word| {
            let oldest = std::mem::replace(&mut last[words % SHINGLE], word);
            rolling = rolling.wrapping_mul(STEP).wrapping_add(word).wrapping_sub(oldest.wrapping_mul(leave));
            words += 1;
            if words >= SHINGLE {
                let hash = mix(rolling);
                let bin = usize::from(hash.to_be_bytes()[0] >> 2);
                bins[bin] = bins[bin].min(hash & 0xffff_ffff);
            }
        });
        (words >= MIN_WORDS).then(|| Self(densified(&bins)))
    }

    /// In how many of the [`BINS`] bins two sketches agree.
    pub(super) fn agreement(&self, other: &Self) -> usize {
        self.0.iter().zip(&other.0).filter(|(a, b)| a == b).count()
    }
}

/// Fills each empty bin with the value of a full one, chosen by the number of the bin alone.
fn densified(bins: &[u64; BINS]) -> [u16; BINS] {
    std::array::from_fn(|bin| {
        let mut from = bin;
        let mut tries = 0_u64;
        while bins[from] == u64::MAX {
            tries += 1;
            // After so many misses the neighbours are as good; a sketch has at least one full bin.
            from = if tries < 512 {
                usize::from(mix((bin as u64) << 32 | tries).to_be_bytes()[0] >> 2)
            } else {
                (from + 1) % BINS
            };
        }
        let [.., high, low] = bins[from].to_be_bytes();
        u16::from_be_bytes([high, low])
    })
}

fn mix(value: u64) -> u64 {
    let value = (value ^ value >> 32).wrapping_mul(MULTIPLIER);
    let value = (value ^ value >> 29).wrapping_mul(STEP);
    value ^ value >> 32
}

/// Calls `word` with a hash of each word.
fn for_each_word(bytes: &[u8], mut word: impl FnMut(u64)) {
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let start = at;
        if byte.is_ascii_alphanumeric() {
            while bytes.get(at).is_some_and(u8::is_ascii_alphanumeric) {
                at += 1;
            }
        } else if byte >= 0x80 {
            at += 1;
            while bytes.get(at).is_some_and(|byte| byte & 0xc0 == 0x80) {
                at += 1;
            }
        } else {
            at += 1;
            continue;
        }
        let mut hash = (at - start) as u64;
        for chunk in bytes[start..at].chunks(8) {
            let mut eight = [0; 8];
            eight[..chunk.len()].copy_from_slice(chunk);
            // The bit that makes an ASCII letter a small one; digits have it already.
            hash = mix(hash ^ (u64::from_le_bytes(eight) | 0x2020_2020_2020_2020));
        }
        word(hash);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::format_collect, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn words(range: std::ops::Range<usize>) -> String {
        range.map(|word| format!("w{word} ")).collect()
    }

    #[test]
    fn case_and_punctuation_do_not_count_and_words_do() {
        let text = "One two three four five six seven eight nine ten. Eleven twelve thirteen fourteen fifteen \
                    sixteen seventeen eighteen nineteen twenty.";
        let same = text.to_uppercase().replace(". ", " -- ");
        assert_eq!(Sketch::of(text), Sketch::of(&same));
        assert_ne!(Sketch::of(text), Sketch::of(&text.replace("ten.", "hundred.")));
        assert_eq!(Sketch::of("one two three"), None);
        let han: String = ('\u{4e00}'..'\u{4e20}').collect();
        assert!(Sketch::of(&han).is_some());
    }

    #[test]
    fn the_estimate_is_near_the_share_of_common_shingles() {
        // 1,000 of 1,250 shingles in common: Jaccard 0.8.
        for (common, total) in [(1000_usize, 1250_usize), (500, 1000), (0, 2000)] {
            let extra = (total - common) / 2;
            let a = Sketch::of(&words(0..common + extra + SHINGLE - 1)).unwrap();
            let b = Sketch::of(&words(extra..common + 2 * extra + SHINGLE - 1)).unwrap();
            let estimate = a.agreement(&b) * total;
            let expected = common * BINS;
            assert!(estimate.abs_diff(expected) <= total * BINS * 15 / 100, "{common}/{total}: {estimate} {expected}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_a_sketch_panic(text in "[a-zA-Z0-9 .é漢]{0,300}") {
            if let Some(sketch) = Sketch::of(&text) {
                prop_assert_eq!(sketch.agreement(&sketch), BINS);
            }
        }
    }
}

//! Pseudo-random numbers from 32 bytes that somebody named: the same everywhere, and never drawn from what they judge.

use super::DIGEST_LEN;

/// An endless stream of numbers: the output of BLAKE3 `derive_key` beyond its 32 bytes, read as little-endian words.
///
/// Source: <https://github.com/BLAKE3-team/BLAKE3-specs/blob/master/blake3.pdf> §2.6
#[derive(Clone)]
pub struct NumberStream {
    reader: blake3::OutputReader,
    block: [u8; Self::BLOCK],
    used: usize,
}

impl NumberStream {
    /// Bytes that BLAKE3 puts out at a time.
    const BLOCK: usize = 64;

    /// The stream of `nonce` for one purpose; `context` is a constant, globally unique string.
    pub fn new(context: &'static str, nonce: &[u8; DIGEST_LEN]) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key(context);
        hasher.update(nonce);
        Self { reader: hasher.finalize_xof(), block: [0; Self::BLOCK], used: Self::BLOCK }
    }

    /// The next 64 bits.
    pub fn word(&mut self) -> u64 {
        if self.used == Self::BLOCK {
            self.reader.fill(&mut self.block);
            self.used = 0;
        }
        let bytes: [u8; 8] = std::array::from_fn(|at| self.block[self.used + at]);
        self.used += bytes.len();
        u64::from_le_bytes(bytes)
    }

    /// A number below `bound`, each as likely as any other; 0 where there is none.
    pub fn below(&mut self, bound: u64) -> u64 {
        if bound < 2 {
            return 0;
        }
        // Words at and above the greatest multiple of `bound` would favour the small remainders.
        let whole = u64::MAX - u64::MAX % bound;
        loop {
            let word = self.word();
            if word < whole {
                return word % bound;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_is_the_output_of_blake3() {
        let mut hasher = blake3::Hasher::new_derive_key("a context");
        hasher.update(&[7; 32]);
        let mut bytes = [0; 24 * 8];
        hasher.finalize_xof().fill(&mut bytes);
        let mut stream = NumberStream::new("a context", &[7; 32]);
        for chunk in bytes.chunks_exact(8) {
            assert_eq!(stream.word().to_le_bytes(), chunk);
        }
        assert_ne!(NumberStream::new("another", &[7; 32]).word(), NumberStream::new("a context", &[7; 32]).word());
    }

    #[test]
    fn numbers_below_a_bound_are_even() {
        let mut stream = NumberStream::new("a context", &[1; 32]);
        let mut seen = [0_u32; 7];
        (0..70_000).for_each(|_| seen[usize::try_from(stream.below(7)).expect("below 7")] += 1);
        // Six standard deviations of a count of 10,000.
        assert!(seen.iter().all(|count| (9_450..10_550).contains(count)), "{seen:?}");
        assert_eq!((stream.below(0), stream.below(1)), (0, 0));
    }
}

//! CPython's `random` module: the Mersenne Twister, its seeding, and the ways of drawing that pipelines use.
//!
//! The order of a dataset is what `random.seed(42); random.shuffle(rows)` made of it, so the numbers must be the very
//! same. They have been the same since Python 3.2.
//!
//! Reference: Matsumoto and Nishimura, MT19937 (2002); <https://docs.python.org/3/library/random.html>

use std::str::FromStr;

use num_bigint::BigInt;

/// Words of the generator's state.
const N: usize = 624;
const M: usize = 397;

/// Longest seed in decimal digits; Python itself refuses to read more than 4,300.
const MAX_SEED_DIGITS: usize = 4300;

/// What a generator is seeded with: an integer of any size. Its sign does not matter, as in Python.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seed(Vec<u32>);

/// A text that is no integer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a seed is an integer of at most {MAX_SEED_DIGITS} digits")]
pub struct SeedError;

impl FromStr for Seed {
    type Err = SeedError;

    fn from_str(text: &str) -> Result<Self, SeedError> {
        let digits = text.strip_prefix('-').unwrap_or(text);
        if digits.is_empty() || digits.len() > MAX_SEED_DIGITS || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(SeedError);
        }
        let number: BigInt = digits.parse().map_err(|_| SeedError)?;
        Ok(Self(number.to_u32_digits().1))
    }
}

impl From<u64> for Seed {
    fn from(number: u64) -> Self {
        Self(BigInt::from(number).to_u32_digits().1)
    }
}

/// A generator in a known state.
#[derive(Debug, Clone)]
pub struct Random {
    state: Box<[u32; N]>,
    next: usize,
}

impl Random {
    /// `random.seed(seed)`.
    pub fn seeded(seed: &Seed) -> Self {
        // Python hands over the words of the absolute value, least significant first, and one zero for nought.
        let key: &[u32] = if seed.0.is_empty() { &[0] } else { &seed.0 };
        let mut random = Self::by_number(19_650_218);
        random.mix_in(key);
        random
    }

    /// `init_genrand` of the reference implementation.
    fn by_number(number: u32) -> Self {
        let mut state = Box::new([0_u32; N]);
        state[0] = number;
        let mut last = number;
        for (index, word) in (1_u32..).zip(state.iter_mut().skip(1)) {
            last = 1_812_433_253_u32.wrapping_mul(last ^ last >> 30).wrapping_add(index);
            *word = last;
        }
        Self { state, next: N }
    }

    /// `init_by_array` of the reference implementation, after its first step.
    fn mix_in(&mut self, key: &[u32]) {
        let state = &mut self.state;
        let (mut i, mut j) = (1, 0);
        for _ in 0..N.max(key.len()) {
            let last = state[i - 1];
            let added = u32::try_from(j).expect("a key has few words");
            state[i] =
                (state[i] ^ (last ^ last >> 30).wrapping_mul(1_664_525)).wrapping_add(key[j]).wrapping_add(added);
            i += 1;
            j = (j + 1) % key.len();
            if i == N {
                state[0] = state[N - 1];
                i = 1;
            }
        }
        for _ in 1..N {
            let last = state[i - 1];
            let taken = u32::try_from(i).expect("an index is below 624");
            state[i] = (state[i] ^ (last ^ last >> 30).wrapping_mul(1_566_083_941)).wrapping_sub(taken);
            i += 1;
            if i == N {
                state[0] = state[N - 1];
                i = 1;
            }
        }
        state[0] = 0x8000_0000;
    }

    /// The next 32 bits.
    fn word(&mut self) -> u32 {
        if self.next == N {
            for k in 0..N {
                let y = self.state[k] & 0x8000_0000 | self.state[(k + 1) % N] & 0x7fff_ffff;
                let odd = if y & 1 == 1 { 0x9908_b0df } else { 0 };
                self.state[k] = self.state[(k + M) % N] ^ y >> 1 ^ odd;
            }
            self.next = 0;
        }
        let mut y = self.state[self.next];
        self.next += 1;
        y ^= y >> 11;
        y ^= y << 7 & 0x9d2c_5680;
        y ^= y << 15 & 0xefc6_0000;
        y ^ y >> 18
    }

    /// `random.getrandbits(bits)` for at most 64 bits.
    pub fn bits(&mut self, bits: u32) -> u64 {
        match bits {
            0 => 0,
            1..=32 => u64::from(self.word() >> (32 - bits)),
            _ => {
                let low = u64::from(self.word());
                low | u64::from(self.word() >> (64 - bits.min(64))) << 32
            }
        }
    }

    /// `random.random()`.
    pub fn unit(&mut self) -> f64 {
        let (high, low) = (self.word() >> 5, self.word() >> 6);
        (f64::from(high) * 67_108_864.0 + f64::from(low)) / 9_007_199_254_740_992.0
    }

    /// `random.randrange(limit)`: a number below `limit`, which is not zero; 0 where it is.
    pub fn below(&mut self, limit: u64) -> u64 {
        if limit == 0 {
            return 0;
        }
        let bits = u64::BITS - limit.leading_zeros();
        loop {
            let drawn = self.bits(bits);
            if drawn < limit {
                return drawn;
            }
        }
    }

    fn index_below(&mut self, limit: usize) -> usize {
        usize::try_from(self.below(limit as u64)).expect("a number below a usize is one")
    }

    /// `random.shuffle(items)`.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            let j = self.index_below(i + 1);
            items.swap(i, j);
        }
    }

    /// `random.sample(range(count), wanted)`: the positions that are drawn, in the order they are drawn; nothing where
    /// more are wanted than there are.
    pub fn sample(&mut self, count: usize, wanted: usize) -> Option<Vec<usize>> {
        if wanted > count {
            return None;
        }
        // Python draws from a list of all positions unless a set of the drawn ones is smaller, by its own estimate of
        // both: `21 + 4 ** ceil(log(3 * wanted, 4))` for more than five.
        let mut set_size = 21_usize;
        if wanted > 5 {
            let mut table = 1_usize;
            while table < wanted.saturating_mul(3) {
                table = table.saturating_mul(4);
            }
            set_size = set_size.saturating_add(table);
        }
        if count <= set_size {
            let mut pool: Vec<usize> = (0..count).collect();
            let mut drawn = Vec::with_capacity(wanted);
            for left in (count - wanted + 1..=count).rev() {
                drawn.push(pool.swap_remove(self.index_below(left)));
            }
            return Some(drawn);
        }
        let mut seen = std::collections::BTreeSet::new();
        let mut drawn = Vec::with_capacity(wanted);
        while drawn.len() < wanted {
            let j = self.index_below(count);
            if seen.insert(j) {
                drawn.push(j);
            }
        }
        Some(drawn)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn seeded(seed: &str) -> Random {
        Random::seeded(&seed.parse().unwrap())
    }

    // Every figure below was printed by CPython 3.11.

    #[test]
    fn seeds_of_every_size_and_sign_give_pythons_numbers() {
        for (seed, first) in [
            ("0", [3_626_764_237, 1_654_615_998, 3_255_389_356]),
            ("1", [577_090_037, 2_444_712_010, 3_639_700_191]),
            ("42", [2_746_317_213, 478_163_327, 107_420_369]),
            ("-42", [2_746_317_213, 478_163_327, 107_420_369]),
            ("20260804", [1_039_902_295, 618_494_143, 2_836_831_718]),
            ("4294967296", [485_306_839, 1_508_871_100, 1_794_561_286]),
            ("123456789012345678901234567890", [3_124_625_047, 947_073_620, 685_135_262]),
        ] {
            let mut random = seeded(seed);
            assert_eq!([(); 3].map(|()| random.bits(32)), first, "seed {seed}");
        }
    }

    #[test]
    fn every_way_of_drawing_gives_pythons_numbers() {
        let mut random = seeded("7");
        let bits = [1, 5, 31, 32, 33, 40, 63, 64].map(|bits| random.bits(bits));
        assert_eq!(
            bits,
            [
                0,
                30,
                323_946_139,
                1_695_753_998,
                2_795_742_288,
                902_254_243_635,
                868_196_408_185_819_179,
                10_750_541_312_280_087_032
            ]
        );
        let mut random = seeded("7");
        let units = [(); 5].map(|()| random.unit().to_bits());
        let expected: [f64; 5] = [
            0.323_832_764_833_162_37,
            0.150_849_173_924_501_92,
            0.650_934_473_039_853_7,
            0.072_436_286_667_542_76,
            0.535_882_004_306_689_2,
        ];
        assert_eq!(units, expected.map(f64::to_bits));
        let mut random = seeded("7");
        let limits = [1, 2, 3, 10, 1000, 1 << 32, (1 << 40) + 1, 1 << 63];
        let drawn = limits.map(|limit| random.below(limit));
        assert_eq!(drawn, [0, 0, 1, 0, 74, 404_285_457, 127_057_107_037, 691_672_907_343_361_484]);
        assert_eq!((random.below(0), random.bits(0)), (0, 0));
    }

    #[test]
    fn samples_are_pythons_on_both_sides_of_its_choice_of_method() {
        for (count, wanted, drawn) in [
            (10, 3, vec![3, 8, 2]),
            (10, 10, vec![3, 8, 2, 7, 4, 9, 0, 6, 5, 1]),
            (85, 6, vec![30, 75, 69, 16, 47, 77]),
            (86, 6, vec![30, 75, 69, 16, 47, 77]),
            (100, 21, vec![30, 75, 69, 16, 47, 77, 60, 80, 74, 8, 1, 33, 70, 29, 24, 91, 50, 81, 19, 66, 49]),
            (0, 0, vec![]),
            (5, 0, vec![]),
        ] {
            assert_eq!(seeded("3").sample(count, wanted), Some(drawn), "{wanted} of {count}");
        }
        assert_eq!(seeded("3").sample(2, 3), None);
    }

    #[test]
    fn nothing_and_one_thing_are_shuffled_without_a_draw() {
        let mut random = seeded("42");
        random.shuffle::<u8>(&mut []);
        random.shuffle(&mut [1]);
        assert_eq!(random.bits(32), 2_746_317_213);
    }

    #[test]
    fn what_is_no_integer_is_no_seed() {
        for text in ["", "-", "+1", " 1", "1.0", "0x1", "1_000", "١", &"9".repeat(MAX_SEED_DIGITS + 1)] {
            assert_eq!(text.parse::<Seed>(), Err(SeedError), "{text}");
        }
        assert_eq!("00".parse::<Seed>().unwrap(), Seed::from(0));
        assert!("9".repeat(MAX_SEED_DIGITS).parse::<Seed>().is_ok());
    }
}

//! Permutation tests over seeds: exact, by looking at every way in which the labels could have fallen.
//!
//! Where two arms do not differ, each way of dealing the seeds' values out to them (or each choice of signs of the paired
//! differences) was as likely as the one observed; p is the share of those at least as extreme. Few seeds have few ways:
//! 4 against 4 seeds have 70, so that no two-sided p lies below 2/70, and a stricter level *cannot be decided at this n*,
//! whatever the data.
//!
//! Values are compared as exact rationals, so that ties are ties. Too many ways are drawn from instead, from a nonce that
//! was not the claimant's to choose; then p has an error of its own, and a level within three of it is not decided.
//!
//! Sources: R. A. Fisher, The Design of Experiments, 1935, §21; E. J. G. Pitman, "Significance tests which may be applied
//! to samples from any populations", 1937; B. Phipson and G. K. Smyth, "Permutation p-values should never be zero", 2010

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Signed, Zero};

use super::decision::Decision;
use super::estimate::integer;
use super::nonce::{Nonce, NonceOrigin, Purpose};
use crate::digest::NumberStream;

/// Ways that are looked at one by one. 10 against 10 seeds (184,756) and 17 pairs (131,072) are below it.
const MAX_ARRANGEMENTS: u64 = 200_000;

/// Draws that one test may ask for: the error of p is then below 0.0005.
const MAX_DRAWS: u64 = 1_000_000;

/// Fewer draws say too little: the error of a p of .05 is .007 at 1,000.
const MIN_DRAWS: u64 = 1_000;

/// Seeds on both sides together: more would let one test run for minutes.
pub const MAX_SEEDS: usize = 1_000;

/// Which differences count as extreme.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Alternative {
    /// Either way.
    TwoSided,
    /// The first arm above the second (the paired difference above 0).
    Greater,
    /// The first arm below the second.
    Less,
}

/// Why there is no such test.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum PermutationError {
    #[error("an arm without seeds cannot be tested")]
    NoSeeds,
    #[error("{found} seeds are more than the {MAX_SEEDS} that a permutation test takes")]
    TooManySeeds { found: usize },
    #[error(
        "there are more than {MAX_ARRANGEMENTS} ways to deal these seeds out: an exact test is not possible, draw from a nonce"
    )]
    TooManyArrangements,
    #[error("{found} draws are not between {MIN_DRAWS} and {MAX_DRAWS}")]
    Draws { found: u64 },
}

/// Which ways to deal out the labels p is the share of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ways {
    /// All of them: p is exact.
    All,
    /// Those that were drawn (Monte Carlo).
    Drawn {
        /// How many.
        draws: u64,
        /// Who gave the nonce.
        origin: NonceOrigin,
    },
}

/// The result of a permutation test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PermutationTest {
    /// Mean of the first arm less that of the second, or the mean of the paired differences.
    pub difference: BigRational,
    /// The probability of a difference at least as extreme where the arms do not differ.
    pub p: BigRational,
    /// No data of this many seeds have a smaller p.
    pub smallest_p: BigRational,
    /// What p is the share of.
    pub ways: Ways,
}

impl PermutationTest {
    /// The square of the Monte Carlo error of p: p (1 - p) / draws, 0 where p is exact.
    pub fn error_square(&self) -> BigRational {
        match self.ways {
            Ways::All => BigRational::zero(),
            Ways::Drawn { draws, .. } => &self.p * (BigRational::one() - &self.p) / integer(draws),
        }
    }

    /// Whether the arms differ at level `alpha`.
    ///
    /// A test never shows that they do not: its answers are `Holds` and `CannotBeDecided`.
    pub fn differs_at(&self, alpha: &BigRational) -> Decision {
        // p + 3 errors <= alpha, decided on squares.
        let room = alpha - &self.p;
        let decided = !room.is_negative() && &room * &room >= self.error_square() * integer(9);
        if decided { Decision::Holds } else { Decision::CannotBeDecided }
    }

    /// Whether `alpha` lies within three Monte Carlo errors of p, so that these draws do not decide it.
    pub fn is_near(&self, alpha: &BigRational) -> bool {
        let apart = alpha - &self.p;
        &apart * &apart < self.error_square() * integer(9)
    }

    /// Whether any data of this many seeds could differ at level `alpha`.
    pub fn can_decide(&self, alpha: &BigRational) -> bool {
        self.smallest_p <= *alpha
    }
}

/// Tests whether two arms of independent seeds have the same mean, over every division of all seeds into two such arms.
pub fn two_sample(
    first: &[BigRational],
    second: &[BigRational],
    alternative: Alternative,
) -> Result<PermutationTest, PermutationError> {
    let pool = Pool::of(first, second)?;
    let total = pool.arrangements().ok_or(PermutationError::TooManyArrangements)?;
    let extreme = pool.count_extreme(alternative);
    Ok(pool.result(ratio(extreme, total), alternative, Ways::All))
}

/// The same by `draws` divisions drawn from `nonce`; the observed one counts as one more.
pub fn two_sample_drawn(
    first: &[BigRational],
    second: &[BigRational],
    alternative: Alternative,
    nonce: &Nonce,
    draws: u64,
) -> Result<PermutationTest, PermutationError> {
    let pool = Pool::of(first, second)?;
    check_draws(draws)?;
    let extreme = pool.draw_extreme(alternative, &mut nonce.stream(Purpose::Permutation), draws);
    Ok(pool.result(ratio(extreme + 1, draws + 1), alternative, Ways::Drawn { draws, origin: nonce.origin }))
}

/// Tests whether paired differences have mean 0, over every choice of their signs.
pub fn paired(differences: &[BigRational], alternative: Alternative) -> Result<PermutationTest, PermutationError> {
    let signs = Signs::of(differences)?;
    let total = signs.arrangements().ok_or(PermutationError::TooManyArrangements)?;
    let extreme = (0..total).filter(|mask| signs.is_extreme(alternative, |at| mask >> at & 1 == 1)).count() as u64;
    Ok(signs.result(ratio(extreme, total), alternative, Ways::All))
}

/// The same by `draws` choices drawn from `nonce`; the observed one counts as one more.
pub fn paired_drawn(
    differences: &[BigRational],
    alternative: Alternative,
    nonce: &Nonce,
    draws: u64,
) -> Result<PermutationTest, PermutationError> {
    let signs = Signs::of(differences)?;
    check_draws(draws)?;
    let mut stream = nonce.stream(Purpose::SignFlip);
    let mut extreme = 0;
    for _ in 0..draws {
        let words: Vec<u64> = (0..signs.values.len().div_ceil(64)).map(|_| stream.word()).collect();
        extreme += u64::from(signs.is_extreme(alternative, |at| words[at / 64] >> (at % 64) & 1 == 1));
    }
    Ok(signs.result(ratio(extreme + 1, draws + 1), alternative, Ways::Drawn { draws, origin: nonce.origin }))
}

fn check_draws(draws: u64) -> Result<(), PermutationError> {
    if (MIN_DRAWS..=MAX_DRAWS).contains(&draws) { Ok(()) } else { Err(PermutationError::Draws { found: draws }) }
}

fn ratio(numer: u64, denom: u64) -> BigRational {
    BigRational::new(numer.into(), denom.into())
}

/// Values over one common denominator, which comparisons do without.
fn common(values: &[BigRational]) -> (Vec<BigInt>, BigInt) {
    // The least common multiple of a and b is a times b without what they share.
    let lcm = |all: BigInt, next: &BigInt| &all * BigRational::new(all.clone(), next.clone()).denom();
    let denominator = values.iter().map(BigRational::denom).fold(BigInt::one(), lcm);
    (values.iter().map(|value| value.numer() * (&denominator / value.denom())).collect(), denominator)
}

fn is_extreme(alternative: Alternative, found: &BigInt, observed: &BigInt) -> bool {
    match alternative {
        Alternative::TwoSided => found.magnitude() >= observed.magnitude(),
        Alternative::Greater => found >= observed,
        Alternative::Less => found <= observed,
    }
}

/// Both arms' values, the first arm's first.
struct Pool {
    values: Vec<BigInt>,
    denominator: BigInt,
    first: usize,
    total: BigInt,
}

impl Pool {
    fn of(first: &[BigRational], second: &[BigRational]) -> Result<Self, PermutationError> {
        let found = first.len() + second.len();
        if first.is_empty() || second.is_empty() {
            return Err(PermutationError::NoSeeds);
        }
        if found > MAX_SEEDS {
            return Err(PermutationError::TooManySeeds { found });
        }
        let (mut values, denominator) = common(&[first, second].concat());
        // Sorted within their arms, so that a draw does not depend on the order or the names of seeds.
        values[..first.len()].sort();
        values[first.len()..].sort();
        let total = values.iter().sum();
        Ok(Self { values, denominator, first: first.len(), total })
    }

    /// Ways to choose the first arm, where there are no more than are looked at.
    fn arrangements(&self) -> Option<u64> {
        binomial(self.values.len(), self.first).filter(|ways| *ways <= MAX_ARRANGEMENTS)
    }

    /// n1 n2 times the difference of the means, over the denominator, where the first arm sums to `sum`.
    fn statistic(&self, sum: &BigInt) -> BigInt {
        // sum / n1 - (total - sum) / n2 = (n sum - n1 total) / (n1 n2)
        sum * self.values.len() - &self.total * self.first
    }

    fn observed(&self) -> BigInt {
        self.statistic(&self.values[..self.first].iter().sum())
    }

    /// Looks at every choice of the first arm, in lexicographic order.
    fn count_extreme(&self, alternative: Alternative) -> u64 {
        let (n, k) = (self.values.len(), self.first);
        let observed = self.observed();
        let mut chosen: Vec<usize> = (0..k).collect();
        let mut extreme = 0;
        loop {
            let sum = chosen.iter().map(|at| &self.values[*at]).sum();
            extreme += u64::from(is_extreme(alternative, &self.statistic(&sum), &observed));
            // The last place that can still move on takes all after it along.
            let Some(place) = (0..k).rfind(|place| chosen[*place] < n - k + place) else { return extreme };
            let from = chosen[place] + 1;
            chosen[place..].iter_mut().zip(from..).for_each(|(at, next)| *at = next);
        }
    }

    /// Shuffles as far as the first arm reaches (Fisher and Yates), again and again.
    fn draw_extreme(&self, alternative: Alternative, stream: &mut NumberStream, draws: u64) -> u64 {
        let observed = self.observed();
        let mut places: Vec<usize> = (0..self.values.len()).collect();
        let mut extreme = 0;
        for _ in 0..draws {
            for at in 0..self.first {
                let other = at + usize::try_from(stream.below((places.len() - at) as u64)).unwrap_or(0);
                places.swap(at, other);
            }
            let sum = places[..self.first].iter().map(|at| &self.values[*at]).sum();
            extreme += u64::from(is_extreme(alternative, &self.statistic(&sum), &observed));
        }
        extreme
    }

    fn result(&self, p: BigRational, alternative: Alternative, ways: Ways) -> PermutationTest {
        let second = self.values.len() - self.first;
        let difference = BigRational::new(self.observed(), &self.denominator * self.first * second);
        PermutationTest { difference, p, smallest_p: smallest_p(self.first, second, alternative), ways }
    }
}

/// Paired differences.
struct Signs {
    values: Vec<BigInt>,
    denominator: BigInt,
    observed: BigInt,
}

impl Signs {
    fn of(differences: &[BigRational]) -> Result<Self, PermutationError> {
        if differences.is_empty() {
            return Err(PermutationError::NoSeeds);
        }
        if differences.len() > MAX_SEEDS {
            return Err(PermutationError::TooManySeeds { found: differences.len() });
        }
        let (mut values, denominator) = common(differences);
        values.sort();
        let observed = values.iter().sum();
        Ok(Self { values, denominator, observed })
    }

    fn arrangements(&self) -> Option<u64> {
        let bits = u32::try_from(self.values.len()).ok()?;
        1_u64.checked_shl(bits).filter(|ways| *ways <= MAX_ARRANGEMENTS)
    }

    fn is_extreme(&self, alternative: Alternative, flipped: impl Fn(usize) -> bool) -> bool {
        let mut sum = BigInt::zero();
        for (at, value) in self.values.iter().enumerate() {
            if flipped(at) { sum -= value } else { sum += value }
        }
        is_extreme(alternative, &sum, &self.observed)
    }

    fn result(&self, p: BigRational, alternative: Alternative, ways: Ways) -> PermutationTest {
        let n = self.values.len();
        let difference = BigRational::new(self.observed.clone(), &self.denominator * n);
        PermutationTest { difference, p, smallest_p: smallest_paired_p(n, alternative), ways }
    }
}

/// The smallest p that `first` against `second` seeds can have: one way of all, or two where the arms can change places.
///
/// Counts beyond [`MAX_SEEDS`] are taken for that many: the answer is then below any level that is asked for.
pub fn smallest_p(first: usize, second: usize, alternative: Alternative) -> BigRational {
    let (first, second) = (first.min(MAX_SEEDS), second.min(MAX_SEEDS));
    // Unequal arms have no mirror image: one way alone can be the most extreme.
    let ways = if alternative == Alternative::TwoSided && first == second { 2 } else { 1 };
    let (n, k) = ((first + second) as u64, first.min(second) as u64);
    let all = (0..k).fold(BigInt::one(), |all, at| all * (n - at) / (at + 1));
    BigRational::new(ways.into(), all).min(BigRational::one())
}

/// The smallest p that `n` paired differences can have.
///
/// More than [`MAX_SEEDS`] are taken for that many.
fn smallest_paired_p(n: usize, alternative: Alternative) -> BigRational {
    let n = n.min(MAX_SEEDS);
    let ways = if alternative == Alternative::TwoSided { 2 } else { 1 };
    BigRational::new(ways.into(), BigInt::one() << n)
}

/// n over k; `None` beyond 64 bits.
fn binomial(n: usize, k: usize) -> Option<u64> {
    let k = k.min(n - k);
    (0..k).try_fold(1_u64, |all, at| Some(all.checked_mul((n - at) as u64)? / (at as u64 + 1)))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::stats::testing::ratio;

    fn values(numerators: &[i64]) -> Vec<BigRational> {
        numerators.iter().map(|n| ratio(*n, 100)).collect()
    }

    const NONCE: Nonce = Nonce { bytes: [3; 32], origin: NonceOrigin::Verifier };

    #[test]
    fn the_smallest_p_is_that_of_the_number_of_seeds() {
        let two = Alternative::TwoSided;
        assert_eq!(smallest_p(4, 4, two), ratio(2, 70));
        assert_eq!(smallest_p(3, 3, two), ratio(2, 20));
        assert_eq!(smallest_p(3, 3, Alternative::Less), ratio(1, 20));
        assert_eq!(smallest_p(3, 4, two), ratio(1, 35));
        assert_eq!(smallest_p(1, 1, two), ratio(1, 1));
        assert_eq!(smallest_paired_p(4, two), ratio(125, 1000));
        assert_eq!(smallest_paired_p(1, two), ratio(1, 1));
        assert_eq!(smallest_paired_p(6, Alternative::Greater), ratio(1, 64));
    }

    #[test]
    fn four_seeds_against_four_cannot_decide_at_one_in_a_hundred() {
        let (subject, comparator) = (values(&[5, 7, 8, 9]), values(&[51, 53, 55, 57]));
        let found = two_sample(&subject, &comparator, Alternative::TwoSided).unwrap();
        assert_eq!(found.p, ratio(2, 70));
        assert_eq!(found.difference, ratio(29 - 216, 400));
        assert_eq!((found.differs_at(&ratio(5, 100)), found.can_decide(&ratio(5, 100))), (Decision::Holds, true));
        assert_eq!(found.differs_at(&ratio(1, 100)), Decision::CannotBeDecided);
        assert!(!found.can_decide(&ratio(1, 100)));
        assert_eq!(two_sample(&subject, &comparator, Alternative::Less).unwrap().p, ratio(1, 70));
        assert_eq!(two_sample(&subject, &comparator, Alternative::Greater).unwrap().p, ratio(1, 1));
    }

    #[test]
    fn four_pairs_cannot_decide_at_one_in_twenty() {
        let found = paired(&values(&[40, 45, 47, 50]), Alternative::TwoSided).unwrap();
        assert_eq!((found.p.clone(), found.difference.clone()), (ratio(1, 8), ratio(182, 400)));
        assert!(!found.can_decide(&ratio(5, 100)));
        assert_eq!(found.differs_at(&ratio(5, 100)), Decision::CannotBeDecided);
        assert_eq!(found.differs_at(&ratio(125, 1000)), Decision::Holds, "p itself is enough");
    }

    #[test]
    fn ties_count_on_the_side_of_no_difference() {
        // 1, 1 and one of the three 2s on one side, or on the other: 6 ways of 20.
        let found = two_sample(&values(&[1, 1, 2]), &values(&[2, 2, 3]), Alternative::TwoSided).unwrap();
        assert_eq!(found.p, ratio(6, 20));
        let same = two_sample(&values(&[5, 5]), &values(&[5, 5]), Alternative::TwoSided).unwrap();
        assert_eq!((same.p, same.difference), (ratio(1, 1), ratio(0, 1)));
        assert_eq!(paired(&values(&[0, 0, 0]), Alternative::TwoSided).unwrap().p, ratio(1, 1));
    }

    #[test]
    fn too_many_ways_are_refused_and_can_be_drawn() {
        let many: Vec<BigRational> = (0..12).map(|i| ratio(i, 10)).collect();
        let others: Vec<BigRational> = (0..12).map(|i| ratio(i + 9, 10)).collect();
        assert_eq!(two_sample(&many, &others, Alternative::TwoSided), Err(PermutationError::TooManyArrangements));
        let found = two_sample_drawn(&many, &others, Alternative::TwoSided, &NONCE, 2_000).unwrap();
        assert_eq!(found.ways, Ways::Drawn { draws: 2_000, origin: NonceOrigin::Verifier });
        assert_eq!(found.differs_at(&ratio(5, 100)), Decision::Holds);
        // The level within three errors of p is not decided, although p is below it.
        let above = &found.p + ratio(1, 1_000_000);
        assert_eq!(found.differs_at(&above), Decision::CannotBeDecided);
        assert!(found.error_square() > BigRational::zero());
        assert_eq!(paired(&vec![ratio(1, 2); 18], Alternative::Less), Err(PermutationError::TooManyArrangements));
        assert_eq!(paired(&vec![ratio(1, 2); 65], Alternative::Less), Err(PermutationError::TooManyArrangements));
    }

    #[test]
    fn what_cannot_be_tested_is_refused() {
        assert_eq!(two_sample(&[], &values(&[1]), Alternative::Less), Err(PermutationError::NoSeeds));
        assert_eq!(paired(&[], Alternative::Less), Err(PermutationError::NoSeeds));
        let many = vec![ratio(0, 1); MAX_SEEDS + 1];
        assert_eq!(
            paired(&many, Alternative::Less).unwrap_err().to_string(),
            "1001 seeds are more than the 1000 that a permutation test takes"
        );
        assert_eq!(
            two_sample(&many, &many, Alternative::Less),
            Err(PermutationError::TooManySeeds { found: 2 * MAX_SEEDS + 2 })
        );
        for draws in [0, MIN_DRAWS - 1, MAX_DRAWS + 1] {
            let refused = Err(PermutationError::Draws { found: draws });
            assert_eq!(two_sample_drawn(&values(&[1]), &values(&[1]), Alternative::Less, &NONCE, draws), refused);
            assert_eq!(paired_drawn(&values(&[1]), Alternative::Less, &NONCE, draws), refused);
        }
    }

    #[test]
    fn drawing_agrees_with_looking_at_every_way() {
        let (first, second) = (values(&[5, 9, 30, 31, 8]), values(&[20, 44, 12, 33, 35]));
        for alternative in [Alternative::TwoSided, Alternative::Greater, Alternative::Less] {
            let exact = two_sample(&first, &second, alternative).unwrap();
            let drawn = two_sample_drawn(&first, &second, alternative, &NONCE, 20_000).unwrap();
            // Four errors of p near 1/2.
            assert!((&exact.p - &drawn.p).abs() < ratio(15, 1000), "{alternative:?} {} {}", exact.p, drawn.p);
            let differences: Vec<_> = first.iter().zip(&second).map(|(a, b)| a - b).collect();
            let exact = paired(&differences, alternative).unwrap();
            let drawn = paired_drawn(&differences, alternative, &NONCE, 20_000).unwrap();
            assert!((&exact.p - &drawn.p).abs() < ratio(15, 1000), "{alternative:?} {} {}", exact.p, drawn.p);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn neither_order_nor_scale_nor_names_change_p(
            first in proptest::collection::vec(-20_i64..20, 1..6),
            second in proptest::collection::vec(-20_i64..20, 1..6),
            scale in 1_i64..9,
            shift in -9_i64..9,
        ) {
            let rationals = |values: &[i64], scale: i64, shift: i64| -> Vec<BigRational> {
                values.iter().map(|v| ratio(v * scale + shift, 7)).collect()
            };
            let (a, b) = (rationals(&first, 1, 0), rationals(&second, 1, 0));
            let (backward, moved): (Vec<_>, Vec<_>) = (a.iter().rev().cloned().collect(), rationals(&first, scale, shift));
            for alternative in [Alternative::TwoSided, Alternative::Greater, Alternative::Less] {
                let found = two_sample(&a, &b, alternative).unwrap();
                prop_assert_eq!(&two_sample(&backward, &b, alternative).unwrap(), &found);
                prop_assert_eq!(&two_sample(&moved, &rationals(&second, scale, shift), alternative).unwrap().p, &found.p);
                prop_assert!(found.p >= found.smallest_p && found.p <= BigRational::one());
                // Turned round, the other alternative has the same p.
                let other = match alternative {
                    Alternative::TwoSided => Alternative::TwoSided,
                    Alternative::Greater => Alternative::Less,
                    Alternative::Less => Alternative::Greater,
                };
                prop_assert_eq!(&two_sample(&b, &a, other).unwrap().p, &found.p);
                prop_assert_eq!(&two_sample(&rationals(&first, -1, 0), &rationals(&second, -1, 0), other).unwrap().p, &found.p);
                let drawn = |a: &[BigRational]| two_sample_drawn(a, &b, alternative, &NONCE, 1_000).unwrap();
                prop_assert_eq!(drawn(&a), drawn(&backward));
                let signs = paired(&a, alternative).unwrap();
                prop_assert_eq!(&paired(&backward, alternative).unwrap(), &signs);
                prop_assert!(signs.p >= signs.smallest_p);
            }
        }
    }
}

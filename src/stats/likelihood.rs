//! Whose texts these are, by how likely they are under two sources: a bound that asks for nothing but the likelihoods.
//!
//! Had texts x come from q, the expectation of p(x) / q(x) would be at most 1, whatever p is. So by Markov's inequality the
//! sum of ln p(x) - ln q(x) over all of them reaches ln(1/α) with a probability of at most α: that is so for any number of
//! texts, alike or not, whatever was put between their words from outside, and without any approximation. Over m comparisons
//! together the sum is held to ln(m/α). It is a bound on the whole of the texts having come from q; a part of them may have.

use std::cmp::Ordering;

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{Signed, ToPrimitive, Zero};

use super::enclosure::{Answer, Enclosure};

/// How often, in percent, all comparisons together may take another source's texts for one's own.
pub const ERROR_PERCENT: u8 = 1;

/// What `libm`'s logarithm may be off by, relative to itself (found: below 2e-16).
const LN_ERROR: f64 = 1e-14;

/// More comparisons than this are counted as this many: floats are exact up to a hundred times it.
const MAX_COMPARISONS: u64 = 1 << 44;

/// What a log-likelihood ratio says of where texts come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// Not from the other source.
    Named,
    /// Not from the named source.
    Other,
    /// From either.
    Either,
}

/// The sum of log-likelihood ratios, in nats, that decides one of so many comparisons: ln(m/α).
pub fn threshold(comparisons: u64) -> Enclosure {
    let tests = comparisons.clamp(1, MAX_COMPARISONS) * 100 / u64::from(ERROR_PERCENT);
    let ln = libm::log(tests.to_f64().unwrap_or(f64::MAX));
    // At least ln 100, so that the error is one way outward on each side.
    Enclosure::between_floats(ln * (1.0 - LN_ERROR), ln * (1.0 + LN_ERROR)).unwrap_or_else(Enclosure::unit)
}

/// What the sum of ln p(x) - ln q(x) says, where p is the named source and q another.
pub fn weigh(sum: &BigRational, comparisons: u64) -> Source {
    let needed = Enclosure::exact(sum.abs());
    match (&needed - &threshold(comparisons)).at_least(&BigRational::zero()) {
        Answer::Yes if sum.cmp(&BigRational::zero()) == Ordering::Greater => Source::Named,
        Answer::Yes => Source::Other,
        Answer::No | Answer::CannotBeTold => Source::Either,
    }
}

/// How many texts more would decide for the named source, if each speaks for it as these do; none where they do not.
pub fn more_needed(sum: &BigRational, texts: u64, comparisons: u64) -> Option<u64> {
    if !sum.is_positive() {
        return None;
    }
    let all = threshold(comparisons).high() * BigRational::from_integer(BigInt::from(texts)) / sum;
    all.ceil().to_integer().to_u64().map(|all| all.saturating_sub(texts).max(1))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::digest::NumberStream;

    fn ratio(numer: i64, denom: i64) -> BigRational {
        BigRational::new(numer.into(), denom.into())
    }

    #[test]
    fn thresholds_enclose_the_logarithm() {
        // ln 100, ln 1000 and ln 2400, by a calculator of many digits.
        for (comparisons, below, above) in [
            (1, "4.605170185988091368035982909368", "4.605170185988091368035982909369"),
            (10, "6.907755278982137052053974364053", "6.907755278982137052053974364054"),
            (24, "7.783224016336036987682924510665", "7.783224016336036987682924510666"),
        ] {
            let found = threshold(comparisons);
            let read = |text: &str| crate::stats::Printed::parse(text).unwrap().value();
            assert!(found.low() < &read(below) && &read(above) < found.high(), "{comparisons}: {found:?}");
            assert!(found.high() - found.low() < ratio(1, 1_000_000_000_000));
        }
        assert_eq!(threshold(0), threshold(1), "nothing is decided without a comparison");
        assert_eq!(threshold(u64::MAX), threshold(MAX_COMPARISONS));
    }

    #[test]
    fn a_sum_decides_from_the_threshold_on_and_both_ways() {
        assert_eq!(weigh(&ratio(4606, 1000), 1), Source::Named);
        assert_eq!(weigh(&ratio(4605, 1000), 1), Source::Either);
        assert_eq!(weigh(&ratio(-4605, 1000), 1), Source::Either);
        assert_eq!(weigh(&ratio(-4606, 1000), 1), Source::Other);
        assert_eq!(weigh(&ratio(0, 1), 1), Source::Either);
        assert_eq!(weigh(&ratio(4606, 1000), 2), Source::Either, "more comparisons ask for more");
    }

    #[test]
    fn how_many_more_follows_from_what_each_brings() {
        // Ten bring one nat each: 4.6 are needed, and are there; 2 nats of 10 ask for 24 in all.
        assert_eq!(more_needed(&ratio(2, 1), 10, 1), Some(14));
        assert_eq!(more_needed(&ratio(4605, 1000), 10, 1), Some(1));
        assert_eq!(more_needed(&ratio(0, 1), 10, 1), None);
        assert_eq!(more_needed(&ratio(-1, 1), 10, 1), None);
        let tiny = BigRational::new(1.into(), BigInt::from(10_u8).pow(40));
        assert_eq!(more_needed(&tiny, 10, 1), None, "more than there are");
    }

    #[test]
    fn texts_of_another_source_pass_no_more_often_than_is_said() {
        // Texts of q, ten words of four letters each, held to p: what is decided for p is wrong.
        let (p, q) = ([0.4, 0.3, 0.2, 0.1], [0.25, 0.25, 0.25, 0.25]);
        let mut stream = NumberStream::new("reproledger 2026 test of likelihood ratios", &[3; 32]);
        let (mut wrong, runs) = (0, 20_000);
        for _ in 0..runs {
            let mut sum = 0.0;
            for _ in 0..10 {
                let letter = usize::try_from(stream.below(4)).unwrap();
                sum += libm::log(p[letter] / q[letter]);
            }
            wrong += u32::from(weigh(&BigRational::from_float(sum).unwrap(), 1) == Source::Named);
        }
        assert!(wrong <= runs / 100, "{wrong} of {runs}");
    }
}

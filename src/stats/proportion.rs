//! A rate of `k` in `n` and its intervals: Wilson's score interval and the exact one of Clopper and Pearson.
//!
//! Both take the `n` rows for independent draws from one checkpoint under one condition, so that their target is the
//! rollouts, never the method: more rollouts narrow them, another seed is not in them.

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Zero};

use super::enclosure::Enclosure;
use super::estimate::integer;
use super::interval::{Interval, Method, Target};
use super::level::Level;
use super::special::beta_quantile;

/// More rows than any experiment has, and as many as the tails are computed for.
pub const MAX_TRIALS: u64 = 2_000_000_000;

/// Why counts are no proportion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum ProportionError {
    #[error("a rate of no rows is none")]
    NoTrials,
    #[error("{k} of {n} rows is no rate")]
    MoreThanTrials { k: u64, n: u64 },
    #[error("a rate is over {n} rows, more than {MAX_TRIALS}")]
    TooMany { n: u64 },
}

/// `k` rows of `n`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Proportion {
    k: u64,
    n: u64,
}

impl Proportion {
    /// `k` of `n` rows, `n` not zero.
    pub fn new(k: u64, n: u64) -> Result<Self, ProportionError> {
        if n == 0 {
            return Err(ProportionError::NoTrials);
        }
        if k > n {
            return Err(ProportionError::MoreThanTrials { k, n });
        }
        if n > MAX_TRIALS {
            return Err(ProportionError::TooMany { n });
        }
        Ok(Self { k, n })
    }

    /// The rows counted.
    pub fn k(&self) -> u64 {
        self.k
    }

    /// The rows there are.
    pub fn n(&self) -> u64 {
        self.n
    }

    /// k/n.
    pub fn rate(&self) -> BigRational {
        BigRational::new(BigInt::from(self.k), BigInt::from(self.n))
    }

    /// The rows not counted, of the same.
    #[must_use]
    pub fn complement(&self) -> Self {
        Self { k: self.n - self.k, n: self.n }
    }

    /// Wilson's score interval: all rates that lie within z standard errors, *their own*, of the one found.
    ///
    /// (p + z^2/2n ± z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n). Its mean coverage is the level; at some rates it
    /// covers less, near 0 and 1 most of all.
    ///
    /// Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference", 1927
    pub fn wilson(&self, level: &Level) -> Interval {
        let (low, high) = self.wilson_ends(&level.normal());
        Interval::new(low, high, level.clone(), Target::Rollouts, Method::Wilson)
    }

    /// Both of Wilson's bounds at `z`, whatever the sides of a level are.
    pub(super) fn wilson_ends(&self, z: &Enclosure) -> (Enclosure, Enclosure) {
        // (2k + z^2 ± z sqrt(z^2 + 4k(n-k)/n)) / 2(n + z^2): the formula of `wilson` times 2n.
        let (k, n) = (integer(self.k), integer(self.n));
        let square = z.square();
        let spread = Enclosure::exact(integer(4) * &k * (&n - &k) / &n);
        let root = z * &(&square + &spread).sqrt();
        let middle = &Enclosure::exact(integer(2) * k) + &square;
        let below = &Enclosure::exact(integer(2) * n) + &(&Enclosure::exact(integer(2)) * &square);
        let bound = |numerator: Enclosure| {
            let bound = numerator.over(&below).expect("twice the rows and a square are positive");
            bound.clamp(&BigRational::zero(), &BigRational::one())
        };
        // Where nothing was counted, or everything, the root is z itself and the bound the end of the scale.
        let low = if self.k == 0 { Enclosure::exact(BigRational::zero()) } else { bound(&middle - &root) };
        let high = if self.k == self.n { Enclosure::exact(BigRational::one()) } else { bound(&middle + &root) };
        (low, high)
    }

    /// The exact interval: all rates under which neither so many nor so few rows are rarer than the tail of the level.
    ///
    /// The bounds are quantiles of beta distributions. It never covers less than its level, mostly more.
    ///
    /// Source: C. J. Clopper and E. S. Pearson, "The use of confidence or fiducial limits illustrated in the case of
    /// the binomial", 1934
    pub fn clopper_pearson(&self, level: &Level) -> Interval {
        let low = self.exact_low(level);
        // So many rows at most are so many others at least.
        let high = &Enclosure::exact(BigRational::one()) - &self.complement().exact_low(level);
        Interval::new(low, high, level.clone(), Target::Rollouts, Method::ClopperPearson)
    }

    fn exact_low(&self, level: &Level) -> Enclosure {
        if self.k == 0 {
            return Enclosure::exact(BigRational::zero());
        }
        #[expect(clippy::cast_precision_loss, reason = "at most MAX_TRIALS")]
        let (a, b) = (self.k as f64, (self.n - self.k + 1) as f64);
        // What cannot be computed lies anywhere: no threshold is then below or above it.
        beta_quantile(a, b, level.tail_float()).unwrap_or_else(Enclosure::unit)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::stats::testing::{of, ratio};
    use crate::stats::{Answer, Sides};

    fn level(percent: u8, sides: Sides) -> Level {
        Level::percent(percent, sides).unwrap()
    }

    #[test]
    fn none_of_thirty_may_still_be_eleven_percent() {
        let found = of(0, 30).wilson(&level(95, Sides::Two));
        assert_eq!(found.low(), Some(&Enclosure::exact(ratio(0, 1))));
        let high = found.high().unwrap();
        // 11.35 % to nearest; printed outward it is the next above.
        assert!(*high.low() > ratio(11_345, 100_000) && *high.high() < ratio(11_355, 100_000));
        assert_eq!(found.digits(4), "0.0000 to 0.1136");
        assert_eq!(found.at_most(&ratio(1, 10)), Answer::No);
        assert_eq!(found.at_most(&ratio(12, 100)), Answer::Yes);
    }

    #[test]
    fn none_bad_of_two_hundred_is_at_most_one_and_a_half_percent() {
        let found = of(0, 200).clopper_pearson(&level(95, Sides::Upper));
        assert_eq!(found.digits(3), "at most 0.015");
        // 1 - .05^(1/200), in closed form: the bound is the rate whose 200th power of not happening is .05.
        let misses = |rate: &BigRational| num_traits::pow(BigRational::one() - rate, 200);
        let high = found.high().unwrap();
        assert!(misses(high.low()) >= ratio(1, 20) && misses(high.high()) <= ratio(1, 20));
    }

    #[test]
    fn what_is_no_proportion_is_refused() {
        assert_eq!(Proportion::new(0, 0), Err(ProportionError::NoTrials));
        assert_eq!(Proportion::new(2, 1).unwrap_err().to_string(), "2 of 1 rows is no rate");
        let n = MAX_TRIALS + 1;
        assert_eq!(Proportion::new(0, n), Err(ProportionError::TooMany { n }));
    }

    /// P(X >= k) under `rate`, exactly.
    fn tail(of: &Proportion, rate: &BigRational) -> BigRational {
        let others = BigRational::one() - rate;
        let mut choose = BigInt::one();
        let mut sum = BigRational::zero();
        for i in 0..=of.n() {
            if i >= of.k() {
                let (up, down) = (usize::try_from(i).unwrap(), usize::try_from(of.n() - i).unwrap());
                sum += BigRational::from_integer(choose.clone())
                    * num_traits::pow(rate.clone(), up)
                    * num_traits::pow(others.clone(), down);
            }
            choose = choose * BigInt::from(of.n() - i) / BigInt::from(i + 1);
        }
        sum
    }

    #[test]
    fn the_exact_interval_never_covers_less_than_its_level() {
        // Every outcome of 24 rows, every rate in steps of 1/40: the covered outcomes are as probable as promised.
        let level = level(90, Sides::Two);
        let n = 24;
        let intervals: Vec<Interval> = (0..=n).map(|k| of(k, n).clopper_pearson(&level)).collect();
        for step in 1..40 {
            let rate = ratio(step, 40);
            let mut covered = BigRational::zero();
            for (k, interval) in intervals.iter().enumerate() {
                if interval.contains(&rate) == Answer::Yes {
                    let k = k as u64;
                    let above = if k == n { BigRational::zero() } else { tail(&of(k + 1, n), &rate) };
                    covered += tail(&of(k, n), &rate) - above;
                }
            }
            assert!(covered >= level.confidence(), "at {rate} it covers {covered}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn the_exact_bound_has_the_tail_of_its_level(k in 1_u64..40, more in 0_u64..40, percent in 60_u8..100) {
            let (found, level) = (of(k, k + more), level(percent, Sides::Two));
            let interval = found.clopper_pearson(&level);
            let low = interval.low().unwrap();
            prop_assert!(tail(&found, low.low()) <= level.tail() && level.tail() <= tail(&found, low.high()));
        }

        #[test]
        fn bounds_are_symmetric_nested_and_around_the_rate(k in 0_u64..3000, more in 0_u64..3000, percent in 50_u8..99) {
            prop_assume!(k + more > 0);
            let found = of(k, k + more);
            for interval in [Proportion::wilson, Proportion::clopper_pearson] {
                let at = |percent| interval(&found, &level(percent, Sides::Two));
                let (narrow, wide) = (at(percent), at(percent + 1));
                let (low, high) = (narrow.low().unwrap(), narrow.high().unwrap());
                prop_assert!(*low.low() >= ratio(0, 1) && *high.high() <= ratio(1, 1));
                prop_assert!(*low.low() <= found.rate() && found.rate() <= *high.high());
                prop_assert!(wide.low().unwrap().low() <= low.low() && high.high() <= wide.high().unwrap().high());
                let mirror = interval(&found.complement(), &level(percent, Sides::Two));
                let one = Enclosure::exact(ratio(1, 1));
                let mirrored = mirror.mirrored(|bound| &one - bound);
                prop_assert!(mirrored.meets(&narrow));
                // One side of a level with half the error is the same bound.
                let halved = Level::new(ratio(1, 1) - ratio(100 - i64::from(percent), 200), Sides::Upper).unwrap();
                let one_sided = interval(&found, &halved);
                prop_assert_eq!(one_sided.high(), narrow.high());
                prop_assert_eq!(one_sided.low(), None);
            }
        }

        #[test]
        fn bounds_rise_with_the_count(k in 0_u64..200, more in 1_u64..200) {
            let level = level(95, Sides::Two);
            for interval in [Proportion::wilson, Proportion::clopper_pearson] {
                let (less, greater) = (interval(&of(k, k + more), &level), interval(&of(k + 1, k + more), &level));
                prop_assert!(less.low().unwrap().low() <= greater.low().unwrap().low());
                prop_assert!(less.high().unwrap().high() <= greater.high().unwrap().high());
            }
        }
    }
}

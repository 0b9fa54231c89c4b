//! The difference of two independent proportions: Newcombe's hybrid of two Wilson intervals, and the score interval of
//! Miettinen and Nurminen.
//!
//! Both speak of the rollouts of these checkpoints. A claim about a method is made over seeds instead.

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, ToPrimitive};

use super::enclosure::Enclosure;
use super::interval::{Interval, Method, Target};
use super::level::Level;
use super::mover::{Term, mover_ends};
use super::score::{Variance, difference_ends};
use super::two_arms::TwoArms;

impl TwoArms {
    /// Newcombe's interval of the difference: its method 10.
    ///
    /// d - sqrt((p1 - l1)^2 + (u2 - p2)^2) to d + sqrt((u1 - p1)^2 + (p2 - l2)^2), l and u Wilson's bounds.
    ///
    /// Source: R. G. Newcombe, "Interval estimation for the difference between independent proportions: comparison of
    /// eleven methods", 1998
    pub fn newcombe(&self, level: &Level) -> Interval {
        let weight = |sign: i32| BigRational::from_integer(BigInt::from(sign));
        let terms = [
            Term { proportion: self.subject, weight: weight(1) },
            Term { proportion: self.comparator, weight: weight(-1) },
        ];
        let (low, high) = mover_ends(&terms, level);
        Interval::new(low, high, level.clone(), Target::Rollouts, Method::Newcombe)
    }

    /// The differences that a score test with the variance of a sample, N/(N - 1), does not reject.
    ///
    /// Source: O. Miettinen and M. Nurminen, "Comparative analysis of two rates", 1985
    pub fn miettinen_nurminen(&self, level: &Level) -> Interval {
        let one = BigRational::one();
        let difference = self.difference();
        let z = level.normal().middle().to_f64().unwrap_or(f64::NAN);
        let [low, high] = difference_ends(self, z, Variance::Sample)
            .map(|(low, high)| Enclosure::between_floats(low, high).expect("differences of rates are finite"));
        // At the end of the scale there is nothing beyond the difference itself; else its bounds lie around it.
        let found = Enclosure::exact(difference.clone());
        let low = if difference == -&one { found.clone() } else { low.clamp(&-&one, &difference) };
        let high = if difference == one { found } else { high.clamp(&difference, &one) };
        Interval::new(low, high, level.clone(), Target::Rollouts, Method::MiettinenNurminen)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::stats::Answer;
    use crate::stats::testing::{arms, level, ratio};

    #[test]
    fn the_examples_of_the_paper_come_out() {
        // Newcombe 1998, table II (a), (e) and (g), methods 10 and 5, to four places.
        for (subject, comparator, newcombe, score) in [
            ((56, 70), (48, 80), ("0.0524", "0.3339"), ("0.0528", "0.3382")),
            ((9, 10), (3, 10), ("0.1705", "0.8090"), ("0.1700", "0.8406")),
            ((5, 56), (0, 29), ("-0.0381", "0.1926"), ("-0.0326", "0.1933")),
        ] {
            let found = arms(subject, comparator);
            for (interval, (low, high)) in
                [(found.newcombe(&level(95)), newcombe), (found.miettinen_nurminen(&level(95)), score)]
            {
                let near = |bound: &Enclosure, printed: &str| {
                    let printed = crate::stats::Printed::parse(printed).unwrap().value();
                    let off = bound.middle() - printed;
                    off > ratio(-6, 100_000) && off < ratio(6, 100_000)
                };
                let (one, other) = (interval.low().unwrap(), interval.high().unwrap());
                assert!(near(one, low) && near(other, high), "{found:?}: {}", interval.digits(5));
            }
        }
    }

    #[test]
    fn at_the_ends_of_the_scale_bounds_are_exact() {
        let most = arms((12, 12), (0, 9)).miettinen_nurminen(&level(95));
        assert_eq!(most.high(), Some(&Enclosure::exact(ratio(1, 1))));
        assert_eq!(most.contains(&ratio(1, 1)), Answer::Yes);
        let least = arms((0, 9), (12, 12)).newcombe(&level(95));
        assert_eq!(least.low(), Some(&Enclosure::exact(ratio(-1, 1))));
        let none = arms((0, 30), (0, 30)).miettinen_nurminen(&level(95));
        assert_eq!(none.contains(&ratio(0, 1)), Answer::Yes);
        assert!(none.high().unwrap().low() > &ratio(5, 100), "none in thirty twice is not the same rate twice");
    }

    /// The probability of each outcome of `n` rows at a rate, as floats: tests only weigh coverage with it.
    fn probabilities(n: u32, rate: f64) -> Vec<f64> {
        let mut found = vec![(1.0 - rate).powi(i32::try_from(n).unwrap())];
        for k in 0..n {
            let last = *found.last().unwrap();
            found.push(last * f64::from(n - k) / f64::from(k + 1) * rate / (1.0 - rate));
        }
        found
    }

    #[test]
    fn both_cover_the_difference_about_as_often_as_they_say() {
        let (n, m) = (20_u32, 30_u32);
        let cells: Vec<(u32, u32)> = (0..=n).flat_map(|k| (0..=m).map(move |l| (k, l))).collect();
        for interval in [TwoArms::newcombe, TwoArms::miettinen_nurminen] {
            let found: Vec<Interval> = cells
                .iter()
                .map(|(k, l)| interval(&arms((u64::from(*k), u64::from(n)), (u64::from(*l), u64::from(m))), &level(95)))
                .collect();
            let mut mean = 0.0;
            let rates = [0.05, 0.2, 0.4, 0.54, 0.9];
            for subject in rates {
                for comparator in rates {
                    let truth =
                        BigRational::from_float(subject).unwrap() - BigRational::from_float(comparator).unwrap();
                    let (p, q) = (probabilities(n, subject), probabilities(m, comparator));
                    let covered: f64 = cells
                        .iter()
                        .zip(&found)
                        .filter(|(_, interval)| interval.contains(&truth) == Answer::Yes)
                        .map(|((k, l), _)| p[*k as usize] * q[*l as usize])
                        .sum();
                    assert!(covered > 0.90, "{subject} {comparator}: {covered}");
                    mean += covered / 25.0;
                }
            }
            assert!((0.94..0.975).contains(&mean), "{mean}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn bounds_are_antisymmetric_nested_and_around_the_difference(
            counts in proptest::array::uniform4(0_u64..60), percent in 60_u8..99,
        ) {
            let [k, more, l, others] = counts;
            prop_assume!(k + more > 0 && l + others > 0);
            let found = arms((k, k + more), (l, l + others));
            for interval in [TwoArms::newcombe, TwoArms::miettinen_nurminen] {
                let (narrow, wide) = (interval(&found, &level(percent)), interval(&found, &level(percent + 1)));
                let (low, high) = (narrow.low().unwrap(), narrow.high().unwrap());
                prop_assert!(*low.low() >= ratio(-1, 1) && *high.high() <= ratio(1, 1));
                prop_assert_eq!(narrow.contains(&found.difference()), Answer::Yes);
                prop_assert!(wide.low().unwrap().low() <= low.high() && high.low() <= wide.high().unwrap().high());
                let exchanged = interval(&found.exchanged(), &level(percent)).mirrored(|bound| -bound);
                let near = |one: &Enclosure, other: &Enclosure| {
                    let off = one.middle() - other.middle();
                    off < ratio(1, 100_000_000) && off > ratio(-1, 100_000_000)
                };
                prop_assert!(near(exchanged.low().unwrap(), low) && near(exchanged.high().unwrap(), high));
            }
        }
    }
}

//! Crossed resampling: seeds of each arm and clusters of conditions are drawn anew, the clusters for all arms together.
//!
//! Percentiles of such draws are an interval only where there is something to draw from: over 4 seeds one at 95 % covers
//! 79 %. So with fewer than 10 seeds in an arm, or 10 clusters where conditions are drawn, there is none to be had here.
//! From 10 on the percentiles are those at which they reach as far as Student's t would ("expanded percentiles"); plain
//! ones are still too narrow by 8 %.
//!
//! A bound of drawn values is known up to its own error: it is handed out as the draws three of its errors to both sides,
//! so that no threshold between them is ever decided.
//!
//! Sources: A. B. Owen, "The pigeonhole bootstrap", 2007; T. C. Hesterberg, "What teachers should know about the
//! bootstrap", 2015, section 3.4

use std::collections::BTreeMap;

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, ToPrimitive, Zero};

use super::clusters::{ClusterError, Clusters};
use super::enclosure::Enclosure;
use super::estimate::integer;
use super::interval::{Interval, Method, Target};
use super::level::Level;
use super::nonce::{Nonce, NonceOrigin, Purpose};
use super::special::normal_upper_tail;
use super::student::t_critical;
use super::table::{ClusterName, Grid};
use crate::digest::NumberStream;

/// Fewer seeds or clusters than this are not drawn from.
pub const MIN_CLUSTERS: usize = 10;

/// Additions that one interval may cost: some seconds.
pub const MAX_STEPS: u64 = 100_000_000;

/// Why nothing is drawn.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum ResampleError {
    #[error("an arm of {found} seeds is not resampled: below {MIN_CLUSTERS} percentiles do not cover what they say")]
    FewSeeds { found: usize },
    #[error(
        "{found} clusters of conditions are not resampled: below {MIN_CLUSTERS} percentiles do not cover what they say"
    )]
    FewClusters { found: usize },
    #[error("{found} draws do not tell so small a tail: at least {needed} are needed")]
    FewDraws { needed: u64, found: u64 },
    #[error("{found} draws of this table are more than the {most} that are taken")]
    ManyDraws { most: u64, found: u64 },
    #[error("Student's t has no quantile for {seeds} seeds or clusters at this level")]
    NoQuantile { seeds: usize },
    #[error("all draws are alike: an interval of no width would claim certainty")]
    NoVariance,
    #[error(transparent)]
    Clusters(#[from] ClusterError),
}

/// What is drawn anew.
#[derive(Debug, Clone, Copy)]
pub enum Drawn<'a> {
    /// Seeds: the conditions are the ones there are.
    Seeds,
    /// Seeds and clusters of conditions.
    SeedsAndClusters(&'a Clusters),
}

/// An interval from draws.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resampled {
    /// The estimate from the data as they are.
    pub estimate: BigRational,
    /// Its interval; each bound as wide as the error of the draws.
    pub interval: Interval,
    /// Number of draws.
    pub draws: u64,
    /// Who gave the nonce.
    pub origin: NonceOrigin,
}

/// The mean of an arm over conditions and seeds.
pub fn resampled_mean(
    arm: &Grid,
    drawn: Drawn<'_>,
    level: &Level,
    nonce: &Nonce,
    draws: u64,
) -> Result<Resampled, ResampleError> {
    resampled(&[(1, arm)], drawn, level, nonce, draws)
}

/// The mean of the subject less that of the comparator.
pub fn resampled_difference(
    subject: &Grid,
    comparator: &Grid,
    drawn: Drawn<'_>,
    level: &Level,
    nonce: &Nonce,
    draws: u64,
) -> Result<Resampled, ResampleError> {
    resampled(&[(1, subject), (-1, comparator)], drawn, level, nonce, draws)
}

/// The sum of `factor * mean` over arms that were evaluated in the same conditions.
pub fn resampled(
    arms: &[(i64, &Grid)],
    drawn: Drawn<'_>,
    level: &Level,
    nonce: &Nonce,
    draws: u64,
) -> Result<Resampled, ResampleError> {
    let grids: Vec<&Grid> = arms.iter().map(|(_, grid)| *grid).collect();
    // Where conditions are fixed they are one cluster that is always drawn.
    let whole;
    let (clusters, target) = match drawn {
        Drawn::SeedsAndClusters(clusters) => (clusters, Target::Conditions),
        Drawn::Seeds => {
            let conditions = grids.iter().flat_map(|grid| grid.seeds().values()).flat_map(BTreeMap::keys);
            whole = conditions.map(|condition| (condition.clone(), ClusterName::from("all"))).collect();
            (&whole, Target::Seeds)
        }
    };
    let sizes = clusters.sizes(&grids)?;
    let few = arms.iter().map(|(_, grid)| grid.seeds().len()).min().unwrap_or(0);
    if few < MIN_CLUSTERS {
        return Err(ResampleError::FewSeeds { found: few });
    }
    if target == Target::Conditions && sizes.len() < MIN_CLUSTERS {
        return Err(ResampleError::FewClusters { found: sizes.len() });
    }
    let fewest = if target == Target::Conditions { few.min(sizes.len()) } else { few };
    let ranks = Ranks::of(level, fewest, draws)?;

    let arms: Vec<Arm> =
        arms.iter().map(|(factor, grid)| Arm::of(*factor, grid, clusters)).collect::<Result<_, _>>()?;
    let steps: u64 = arms.iter().map(|arm| (arm.rows.len() * sizes.len()) as u64).sum();
    if draws > MAX_STEPS / steps.max(1) {
        return Err(ResampleError::ManyDraws { most: MAX_STEPS / steps.max(1), found: draws });
    }
    let sizes: Vec<u64> = sizes.into_values().collect();
    let estimate = statistic(&arms, &sizes, &vec![1; sizes.len()], |arm| vec![1; arm.rows.len()]);
    let mut stream = nonce.stream(Purpose::CrossedResampling);
    let mut found: Vec<BigRational> = (0..draws)
        .map(|_| {
            let columns = if target == Target::Conditions { multiplicities(sizes.len(), &mut stream) } else { vec![1] };
            statistic(&arms, &sizes, &columns, |arm| multiplicities(arm.rows.len(), &mut stream))
        })
        .collect();
    found.sort_unstable();
    if found.first() == found.last() {
        return Err(ResampleError::NoVariance);
    }
    let bound = |(one, other): (usize, usize)| Enclosure::between(found[one].clone(), found[other].clone());
    let interval = Interval::new(bound(ranks.low), bound(ranks.high), level.clone(), target, Method::CrossedResampling);
    Ok(Resampled { estimate, interval, draws, origin: nonce.origin })
}

/// An arm's sums by seed and cluster over one denominator.
struct Arm {
    factor: i64,
    rows: Vec<Vec<BigInt>>,
    denominator: BigInt,
}

impl Arm {
    fn of(factor: i64, grid: &Grid, clusters: &Clusters) -> Result<Self, ClusterError> {
        let sums = clusters.sums(grid)?;
        let lcm = |all: BigInt, next: &BigInt| &all * BigRational::new(all.clone(), next.clone()).denom();
        let denominator = sums.values().flat_map(BTreeMap::values).map(BigRational::denom).fold(BigInt::one(), lcm);
        let scaled = |sum: &BigRational| sum.numer() * (&denominator / sum.denom());
        let mut rows: Vec<Vec<BigInt>> = sums.values().map(|row| row.values().map(scaled).collect()).collect();
        // So that a draw does not depend on what the seeds are called.
        rows.sort();
        Ok(Self { factor, rows, denominator })
    }
}

/// How often each of `count` is among as many draws with replacement.
fn multiplicities(count: usize, stream: &mut NumberStream) -> Vec<u64> {
    let mut times = vec![0; count];
    for _ in 0..count {
        // A number below `count` is an index.
        times[usize::try_from(stream.below(count as u64)).unwrap_or(0)] += 1;
    }
    times
}

/// The contrast of the arms' means where clusters and seeds count as often as they were drawn.
fn statistic(arms: &[Arm], sizes: &[u64], columns: &[u64], mut rows: impl FnMut(&Arm) -> Vec<u64>) -> BigRational {
    let conditions: u64 = sizes.iter().zip(columns).map(|(size, times)| size * times).sum();
    let mean = |arm: &Arm| {
        let mut sum = BigInt::zero();
        for (row, times) in arm.rows.iter().zip(rows(arm)).filter(|(_, times)| *times > 0) {
            let inner: BigInt = row.iter().zip(columns).map(|(cell, times)| cell * *times).sum();
            sum += inner * times;
        }
        let denominator = &arm.denominator * arm.rows.len() * conditions;
        BigRational::new(sum * arm.factor, denominator)
    };
    arms.iter().map(mean).fold(BigRational::zero(), |all, mean| all + mean)
}

/// Which draws, sorted, a bound lies between.
#[derive(Debug)]
struct Ranks {
    low: (usize, usize),
    high: (usize, usize),
}

impl Ranks {
    fn of(level: &Level, fewest: usize, draws: u64) -> Result<Self, ResampleError> {
        let none = || ResampleError::NoQuantile { seeds: fewest };
        let freedom = integer(fewest as u64 - 1).to_f64().ok_or_else(none)?;
        let tail = level.tail().to_f64().ok_or_else(none)?;
        let t = t_critical(tail, freedom).and_then(|t| t.middle().to_f64()).ok_or_else(none)?;
        // The tail at which percentiles of means, too narrow by (n - 1) / n in their square, reach as far as t.
        let expanded = normal_upper_tail(t * ((freedom + 1.0) / freedom).sqrt());
        // Three errors of the rank must fit below it: draws * tail >= 9 (1 - tail), and one draw more.
        let needed = (10.0 / expanded).ceil().to_u64().ok_or_else(none)?;
        if draws < needed {
            return Err(ResampleError::FewDraws { needed, found: draws });
        }
        let total = integer(draws).to_f64().ok_or_else(none)?;
        let (rank, reach) = (total * expanded, 3.0 * (total * expanded * (1.0 - expanded)).sqrt());
        let first = (rank - reach).floor().max(0.0).to_usize().ok_or_else(none)?;
        let second = (rank + reach).ceil().to_usize().ok_or_else(none)?;
        let last = usize::try_from(draws - 1).map_err(|_| none())?;
        let second = second.min(last);
        Ok(Self { low: (first, second), high: (last - second, last - first) })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::super::level::Sides;
    use super::super::table::{Cell, ConditionName};
    use super::super::{Aggregation, Answer, SeedContrast, SeedValues, crossed_difference};
    use super::*;

    const NONCE: Nonce = Nonce { bytes: [5; 32], origin: NonceOrigin::Verifier };

    fn level() -> Level {
        Level::percent(95, Sides::Two).unwrap()
    }

    /// A table with something of everything: seeds, conditions and both together move the rate.
    fn grid(seeds: u64, conditions: u64, base: u64) -> Grid {
        let mut grid = Grid::default();
        for (seed, condition) in (0..seeds).flat_map(|s| (0..conditions).map(move |c| (s, c))) {
            let k = base + (seed * 7) % 11 + (condition * 5) % 13 + (seed * condition) % 3;
            grid.add(format!("{seed:02}").into(), format!("{condition:02}").into(), &Cell::of_counts(k, 100).unwrap());
        }
        grid
    }

    fn each_its_own(conditions: u64) -> Clusters {
        (0..conditions)
            .map(|c| format!("{c:02}"))
            .map(|name| (ConditionName::from(name.as_str()), name.into()))
            .collect()
    }

    fn width(interval: &Interval) -> f64 {
        (interval.high().unwrap().middle() - interval.low().unwrap().middle()).to_f64().unwrap()
    }

    #[test]
    fn few_seeds_and_few_clusters_are_not_resampled() {
        let refused = |seeds, conditions, drawn: Drawn<'_>, draws| {
            let arm = grid(seeds, conditions, 5);
            resampled_difference(&arm, &grid(10, conditions, 40), drawn, &level(), &NONCE, draws).unwrap_err()
        };
        let four = refused(4, 27, Drawn::Seeds, 4_000).to_string();
        assert_eq!(four, "an arm of 4 seeds is not resampled: below 10 percentiles do not cover what they say");
        let actions: Clusters = (0..27).map(|c| (format!("{c:02}").into(), (c / 9).to_string().into())).collect();
        let three = refused(10, 27, Drawn::SeedsAndClusters(&actions), 4_000).to_string();
        assert_eq!(
            three,
            "3 clusters of conditions are not resampled: below 10 percentiles do not cover what they say"
        );
        let few = refused(10, 9, Drawn::Seeds, 500);
        assert!(matches!(few, ResampleError::FewDraws { needed: 1_000..1_300, found: 500 }), "{few}");
        let many = refused(10, 10, Drawn::SeedsAndClusters(&each_its_own(10)), MAX_STEPS);
        assert_eq!(many, ResampleError::ManyDraws { most: MAX_STEPS / 200, found: MAX_STEPS });
    }

    #[test]
    fn percentiles_reach_about_as_far_as_students_t() {
        let (subject, comparator) = (grid(12, 12, 5), grid(11, 12, 40));
        let found = resampled_difference(&subject, &comparator, Drawn::Seeds, &level(), &NONCE, 4_000).unwrap();
        let values = |grid| SeedValues::of(grid, Aggregation::Macro).unwrap();
        let welch = SeedContrast::difference(&values(&subject), &values(&comparator)).unwrap();
        assert_eq!(found.estimate, welch.value);
        let ratio = width(&found.interval) / width(&welch.interval(&level()).unwrap());
        assert!((0.9..1.2).contains(&ratio), "{ratio}");
        assert_eq!((found.interval.target(), found.interval.method()), (Target::Seeds, Method::CrossedResampling));

        let own = each_its_own(12);
        let drawn = Drawn::SeedsAndClusters(&own);
        let crossed = resampled_difference(&subject, &comparator, drawn, &level(), &NONCE, 4_000).unwrap();
        assert_eq!((crossed.estimate.clone(), crossed.interval.target()), (welch.value, Target::Conditions));
        let analytic = crossed_difference(&subject, &comparator, &own).unwrap().interval(&level()).unwrap();
        let ratio = width(&crossed.interval) / width(&analytic);
        assert!((0.8..1.3).contains(&ratio), "{ratio}");
    }

    #[test]
    fn a_threshold_within_three_errors_of_a_drawn_bound_is_not_decided() {
        let arm = grid(10, 10, 30);
        let found = resampled_mean(&arm, Drawn::Seeds, &level(), &NONCE, 2_000).unwrap();
        let high = found.interval.high().unwrap();
        assert!(high.low() < high.high());
        assert_eq!(found.interval.at_most(&high.middle()), Answer::CannotBeTold);
        assert_eq!(found.interval.at_most(high.high()), Answer::Yes);
        // More draws know the bound better.
        let more = resampled_mean(&arm, Drawn::Seeds, &level(), &NONCE, 8_000).unwrap();
        let error = |found: &Resampled| found.interval.high().unwrap().high() - found.interval.high().unwrap().low();
        assert!(error(&more) < error(&found));
    }

    #[test]
    fn the_same_nonce_draws_the_same_and_another_does_not() {
        let arm = grid(10, 10, 30);
        let with = |bytes| {
            let nonce = Nonce { bytes, origin: NonceOrigin::LaterHead };
            resampled_mean(&arm, Drawn::Seeds, &level(), &nonce, 1_500).unwrap()
        };
        assert_eq!(with([1; 32]), with([1; 32]));
        assert_ne!(with([1; 32]), with([2; 32]));
        assert_eq!(with([1; 32]).origin, NonceOrigin::LaterHead);
    }

    #[test]
    fn seeds_that_do_not_vary_are_not_resampled() {
        let mut same = Grid::default();
        (0..10_u64).for_each(|seed| same.add(seed.to_string().into(), "a".into(), &Cell::of_counts(0, 9).unwrap()));
        let found = resampled_mean(&same, Drawn::Seeds, &level(), &NONCE, 2_000);
        assert_eq!(found, Err(ResampleError::NoVariance));
    }
}

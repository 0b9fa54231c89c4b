//! Means and differences for *new conditions* too: seeds and clusters of conditions both count as draws.
//!
//! Exploratory. The error has a part for the seeds of each arm and one for the clusters, which all arms share: it is the
//! scatter of the clusters' means, or of their differences. What seeds and clusters do together is counted in both parts,
//! so that the error is too large rather than too small. With the 3 actions as clusters there are about 2 degrees of
//! freedom, and the interval is as wide as that deserves.
//!
//! Source: A. C. Cameron, J. B. Gelbach and D. L. Miller, "Robust inference with multiway clustering", 2011 (without the
//! subtraction of the common part); degrees of freedom by Satterthwaite

use std::collections::BTreeMap;

use num_rational::BigRational;
use num_traits::Zero;

use super::clusters::{ClusterError, Clusters};
use super::estimate::{Estimate, Tally, integer};
use super::fieller::{MeanWithError, RatioOfMeans};
use super::interval::{Method, Target};
use super::seed_values::SeedValues;
use super::seeds::{ErrorPart, SeedContrast, SeedMean, SeedsError};
use super::table::{Aggregation, ClusterName, Grid};

/// Why there is no estimate for new conditions.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum CrossedError {
    #[error("{found} cluster of conditions says nothing of other conditions: at least 2 are needed")]
    FewClusters { found: usize },
    #[error("the clusters have different numbers of conditions: they are no factor of a crossed grid")]
    Unbalanced,
    #[error(transparent)]
    Clusters(#[from] ClusterError),
    #[error(transparent)]
    Seeds(#[from] SeedsError),
}

/// The mean of an arm over seeds and clusters.
pub fn crossed_mean(arm: &Grid, clusters: &Clusters) -> Result<SeedContrast, CrossedError> {
    crossed(&[(1, arm)], clusters)
}

/// The mean of the subject less that of the comparator over seeds and clusters.
pub fn crossed_difference(
    subject: &Grid,
    comparator: &Grid,
    clusters: &Clusters,
) -> Result<SeedContrast, CrossedError> {
    crossed(&[(1, subject), (-1, comparator)], clusters)
}

/// The sum of `factor * mean` over arms that were evaluated in the same conditions.
pub fn crossed(arms: &[(i64, &Grid)], clusters: &Clusters) -> Result<SeedContrast, CrossedError> {
    balanced(arms, clusters)?;
    let mut means = Vec::new();
    for (factor, grid) in arms {
        let values = SeedValues::of(grid, Aggregation::Macro).map_err(ClusterError::from)?;
        means.push((*factor, SeedMean::of(&values)?));
    }
    of_means(means, &[scatter(arms, clusters)?])
}

/// The sum of `factor * mean` of seeds that were each evaluated in several grids of conditions, as a gap between two
/// evaluations is: the error has a part for the seeds of each arm, and one for the clusters of each grid.
///
/// `grids` are the arms of each evaluation with the factors by which they enter the sum.
pub fn crossed_grids(
    arms: &[(i64, &SeedValues)],
    grids: &[(Vec<(i64, &Grid)>, &Clusters)],
) -> Result<SeedContrast, CrossedError> {
    let means = arms.iter().map(|(factor, values)| Ok::<_, SeedsError>((*factor, SeedMean::of(values)?)));
    let means = means.collect::<Result<Vec<_>, _>>()?;
    let scatters = grids.iter().map(|(arms, clusters)| {
        balanced(arms, clusters)?;
        scatter(arms, clusters)
    });
    of_means(means, &scatters.collect::<Result<Vec<_>, _>>()?)
}

fn of_means(means: Vec<(i64, SeedMean)>, scatters: &[Estimate]) -> Result<SeedContrast, CrossedError> {
    let mut value = BigRational::zero();
    let mut parts = Vec::new();
    for (factor, mean) in &means {
        let factor = BigRational::from_integer((*factor).into());
        value += &factor * &mean.mean;
        parts.push(ErrorPart { variance: &factor * &factor * &mean.variance, freedom: integer(mean.seeds - 1) });
    }
    let of_clusters = scatters.iter();
    parts.extend(
        of_clusters.map(|scatter| ErrorPart {
            variance: scatter.variance_of_mean.clone(),
            freedom: integer(scatter.units - 1),
        }),
    );
    let means = means.into_iter().map(|(_, mean)| mean).collect();
    Ok(SeedContrast::of_parts(value, &parts, means, Method::CrossedStudent, Target::Conditions)?)
}

/// Refuses conditions that are no factor of a crossed grid.
fn balanced(arms: &[(i64, &Grid)], clusters: &Clusters) -> Result<(), CrossedError> {
    let grids: Vec<&Grid> = arms.iter().map(|(_, grid)| *grid).collect();
    let sizes = clusters.sizes(&grids)?;
    if sizes.len() < 2 {
        return Err(CrossedError::FewClusters { found: sizes.len() });
    }
    let mut counts = sizes.values();
    let first = counts.next();
    if counts.all(|count| Some(count) == first) { Ok(()) } else { Err(CrossedError::Unbalanced) }
}

/// How the clusters' parts of a sum scatter.
fn scatter(arms: &[(i64, &Grid)], clusters: &Clusters) -> Result<Estimate, CrossedError> {
    let mut by_cluster = BTreeMap::new();
    for (factor, grid) in arms {
        let factor = BigRational::from_integer((*factor).into());
        for (cluster, mean) in clusters.means(grid)? {
            *by_cluster.entry(cluster).or_insert_with(BigRational::zero) += &factor * mean;
        }
    }
    let mut tally = Tally::default();
    by_cluster.values().for_each(|mean| tally.add(mean));
    tally.estimate(tally.units()).map_err(|_| CrossedError::FewClusters { found: by_cluster.len() })
}

/// The mean of the subject over that of the comparator, with what clusters that both share put into both.
///
/// The smallest of the three numbers of units gives the degrees of freedom, which are too few rather than too many.
pub fn crossed_ratio(
    subject: &Grid,
    comparator: &Grid,
    clusters: &Clusters,
) -> Result<(RatioOfMeans, u64), CrossedError> {
    balanced(&[(1, subject), (1, comparator)], clusters)?;
    let (above, below) = (clusters.means(subject)?, clusters.means(comparator)?);
    let units = above.len() as u64;
    let mean = |means: &BTreeMap<&ClusterName, BigRational>| {
        means.values().fold(BigRational::zero(), |sum, mean| sum + mean) / integer(units)
    };
    let (mean_above, mean_below) = (mean(&above), mean(&below));
    let together = above.values().zip(below.values());
    let products = together.map(|(one, other)| (one - &mean_above) * (other - &mean_below));
    let covariance = products.fold(BigRational::zero(), |sum, product| sum + product) / integer(units * (units - 1));
    let mut seeds = units;
    let mut arm = |grid: &Grid| {
        let values = SeedValues::of(grid, Aggregation::Macro).map_err(ClusterError::from)?;
        let found = SeedMean::of(&values)?;
        seeds = seeds.min(found.seeds);
        let variance = found.variance + scatter(&[(1, grid)], clusters)?.variance_of_mean;
        Ok::<_, CrossedError>(MeanWithError { mean: found.mean, variance })
    };
    let (subject, comparator) = (arm(subject)?, arm(comparator)?);
    Ok((RatioOfMeans { subject, comparator, covariance }, seeds - 1))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::super::table::{Cell, ConditionName};
    use super::*;
    use crate::stats::testing::ratio;

    /// Harmful rollouts of 100 for each seed and condition.
    fn grid(rows: &[&[u64]]) -> Grid {
        let mut grid = Grid::default();
        for (seed, row) in rows.iter().enumerate() {
            for (condition, k) in row.iter().enumerate() {
                let cell = Cell::of_counts(*k, 100).unwrap();
                grid.add(seed.to_string().into(), condition.to_string().into(), &cell);
            }
        }
        grid
    }

    fn clusters(of: &[&str]) -> Clusters {
        let named = |(condition, cluster): (usize, &&str)| {
            (ConditionName::from(condition.to_string()), ClusterName::from(*cluster))
        };
        of.iter().enumerate().map(named).collect()
    }

    #[test]
    fn the_clusters_add_their_scatter_to_that_of_the_seeds() {
        let arm = grid(&[&[10, 10, 30, 30], &[20, 20, 40, 40]]);
        let found = crossed_mean(&arm, &clusters(&["murder", "murder", "leaking", "leaking"])).unwrap();
        assert_eq!(found.value, ratio(1, 4));
        // Seeds .2 and .3, clusters .15 and .35: (.1² / 2 + .2² / 2) / 2 with one degree of freedom each.
        assert_eq!(found.variance, ratio(1, 400) + ratio(1, 100));
        assert_eq!(found.freedom, ratio(25, 17));
        assert_eq!((found.target, found.method), (Target::Conditions, Method::CrossedStudent));
    }

    #[test]
    fn clusters_are_drawn_for_both_arms_together() {
        // The arms differ by the same amount in each cluster: new clusters would not change their difference.
        let (subject, comparator) = (grid(&[&[10, 30], &[20, 40]]), grid(&[&[40, 60], &[50, 70]]));
        let of = clusters(&["a", "b"]);
        let found = crossed_difference(&subject, &comparator, &of).unwrap();
        assert_eq!(found.variance, ratio(2, 400));
        assert!(crossed_mean(&subject, &of).unwrap().variance > ratio(1, 400));
    }

    #[test]
    fn a_ratio_counts_what_the_shared_clusters_do_to_both_arms() {
        // Each cluster doubles both arms alike: their ratio is the same in any new one.
        let (subject, comparator) = (grid(&[&[10, 20], &[10, 20]]), grid(&[&[40, 80], &[40, 80]]));
        let (ratio_of, freedom) = crossed_ratio(&subject, &comparator, &clusters(&["a", "b"])).unwrap();
        let quotient = &ratio_of.subject.mean / &ratio_of.comparator.mean;
        assert_eq!((quotient.clone(), freedom), (ratio(1, 4), 1));
        let RatioOfMeans { subject: above, comparator: below, covariance } = &ratio_of;
        // Without the seeds' own noise, v_a - 2 r c + r² v_b is nothing.
        let seeds = |grid: &Grid| SeedMean::of(&SeedValues::of(grid, Aggregation::Macro).unwrap()).unwrap().variance;
        let left = &above.variance - seeds(&subject) - ratio(2, 1) * &quotient * covariance
            + &quotient * &quotient * (&below.variance - seeds(&comparator));
        assert_eq!(left, BigRational::zero());
        let refused = crossed_ratio(&subject, &comparator, &clusters(&["a", "a"])).unwrap_err().to_string();
        assert_eq!(refused, "1 cluster of conditions says nothing of other conditions: at least 2 are needed");
    }

    #[test]
    fn a_sum_over_two_grids_has_the_scatter_of_the_clusters_of_each() {
        let (inside, outside) = (grid(&[&[10, 30], &[20, 40]]), grid(&[&[40, 80], &[50, 90]]));
        let gaps: SeedValues = [("0", ratio(-4, 10)), ("1", ratio(-4, 10))]
            .map(|(seed, value)| {
                (seed.into(), super::super::SeedValue { value, rollout_variance: Some(ratio(1, 400)) })
            })
            .into_iter()
            .collect();
        let of = clusters(&["a", "b"]);
        let grids = [(vec![(1, &inside)], &of), (vec![(-1, &outside)], &of)];
        let found = crossed_grids(&[(1, &gaps)], &grids).unwrap();
        assert_eq!(found.value, ratio(-4, 10));
        // Clusters .15 and .35, .45 and .85: (.2² + .4²) / 4; rollouts 1/400 over two seeds.
        assert_eq!(found.variance, ratio(1, 100) + ratio(4, 100) + ratio(1, 800));
        assert_eq!(found.target, Target::Conditions);
    }

    #[test]
    fn what_is_no_crossed_grid_is_refused() {
        let arm = grid(&[&[10, 30, 20], &[20, 40, 30]]);
        let refused = |arm: &Grid, other: &Grid, of: &[&str]| {
            crossed_difference(arm, other, &clusters(of)).unwrap_err().to_string()
        };
        let other = grid(&[&[10, 30], &[20, 40]]);
        for (other, of, expected) in [
            (
                &arm,
                &["a", "a", "a"][..],
                "1 cluster of conditions says nothing of other conditions: at least 2 are needed",
            ),
            (
                &arm,
                &["a", "a", "b"],
                "the clusters have different numbers of conditions: they are no factor of a crossed grid",
            ),
            (&arm, &["a", "b"], "condition `2` belongs to no cluster"),
            (
                &other,
                &["a", "b", "c"],
                "condition `2` was evaluated in one arm only: conditions are drawn for all arms together",
            ),
        ] {
            assert_eq!(refused(&arm, other, of), expected);
        }
        assert_eq!(refused(&arm, &Grid::default(), &["a", "b", "c"]), "the arm has no seeds");
    }
}

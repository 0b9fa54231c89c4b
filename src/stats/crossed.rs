//! Means and differences for *new conditions* too: seeds and clusters of conditions both count as draws.
//!
//! Exploratory. The error has a part for the seeds of each arm and one for the clusters, which all arms share: it is the
//! scatter of the clusters' means, or of their differences. What seeds and clusters do together is counted in both parts,
//! so that the error is too large rather than too small. With the 3 actions as clusters there are about 2 degrees of
//! freedom, and the interval is as wide as that deserves.
//!
//! Source: A. C. Cameron, J. B. Gelbach and D. L. Miller, "Robust inference with multiway clustering", 2011 (without the
//! subtraction of the common part); degrees of freedom by Satterthwaite

use num_rational::BigRational;
use num_traits::Zero;

use super::clusters::{ClusterError, Clusters};
use super::estimate::{Tally, integer};
use super::interval::{Method, Target};
use super::seed_values::SeedValues;
use super::seeds::{ErrorPart, SeedContrast, SeedMean, SeedsError};
use super::table::{Aggregation, Grid};

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
    let grids: Vec<&Grid> = arms.iter().map(|(_, grid)| *grid).collect();
    let sizes = clusters.sizes(&grids)?;
    if sizes.len() < 2 {
        return Err(CrossedError::FewClusters { found: sizes.len() });
    }
    let mut counts = sizes.values();
    let first = counts.next();
    if !counts.all(|count| Some(count) == first) {
        return Err(CrossedError::Unbalanced);
    }
    let mut value = BigRational::zero();
    let mut parts = Vec::new();
    let mut means = Vec::new();
    let mut by_cluster = std::collections::BTreeMap::new();
    for (factor, grid) in arms {
        let factor = BigRational::from_integer((*factor).into());
        let found = SeedMean::of(&SeedValues::of(grid, Aggregation::Macro).map_err(ClusterError::from)?)?;
        value += &factor * &found.mean;
        let variance = &factor * &factor * &found.variance;
        parts.push(ErrorPart { variance, freedom: integer(found.seeds - 1) });
        means.push(found);
        for (cluster, mean) in clusters.means(grid)? {
            *by_cluster.entry(cluster).or_insert_with(BigRational::zero) += &factor * mean;
        }
    }
    let mut tally = Tally::default();
    by_cluster.values().for_each(|mean| tally.add(mean));
    let scatter = tally.estimate(tally.units()).map_err(|_| CrossedError::FewClusters { found: 0 })?;
    parts.push(ErrorPart { variance: scatter.variance_of_mean, freedom: integer(scatter.units - 1) });
    Ok(SeedContrast::of_parts(value, &parts, means, Method::CrossedStudent, Target::Conditions)?)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::super::table::{Cell, ClusterName, ConditionName};
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

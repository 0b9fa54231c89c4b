//! Conditions that belong together: what may be taken for a sample, where the conditions themselves may not.
//!
//! The 27 conditions of agentic misalignment are 3 actions crossed with 9 goals: a fixed grid, not 27 draws. Whoever asks
//! about new conditions asks about new actions, and has three.

use std::collections::{BTreeMap, BTreeSet};

use num_rational::BigRational;
use num_traits::Zero;

use super::estimate::integer;
use super::table::{ClusterName, ConditionName, Grid, SeedName, TableError};

/// Why conditions have no such clusters.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum ClusterError {
    #[error("condition `{condition}` belongs to no cluster")]
    NoCluster { condition: ConditionName },
    #[error("condition `{condition}` was evaluated in one arm only: conditions are drawn for all arms together")]
    OneArmOnly { condition: ConditionName },
    #[error(transparent)]
    Table(#[from] TableError),
}

/// The cluster of each condition.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Clusters(BTreeMap<ConditionName, ClusterName>);

impl FromIterator<(ConditionName, ClusterName)> for Clusters {
    fn from_iter<T: IntoIterator<Item = (ConditionName, ClusterName)>>(clusters: T) -> Self {
        Self(clusters.into_iter().collect())
    }
}

/// One arm's scores by seed and cluster: the sum of the means of the cluster's conditions.
pub(super) type Sums<'a> = BTreeMap<&'a SeedName, BTreeMap<&'a ClusterName, BigRational>>;

impl Clusters {
    /// How many conditions each cluster has in complete grids that have the same conditions.
    pub(super) fn sizes<'a>(&'a self, arms: &[&Grid]) -> Result<BTreeMap<&'a ClusterName, u64>, ClusterError> {
        let mut sizes = BTreeMap::new();
        let mut of_all: Option<BTreeSet<&ConditionName>> = None;
        for arm in arms {
            let conditions: BTreeSet<_> = arm.conditions()?.into_iter().collect();
            let Some(first) = &of_all else {
                for condition in &conditions {
                    *sizes.entry(self.of(condition)?).or_insert(0) += 1;
                }
                of_all = Some(conditions);
                continue;
            };
            if let Some(condition) = first.symmetric_difference(&conditions).next() {
                return Err(ClusterError::OneArmOnly { condition: (*condition).clone() });
            }
        }
        Ok(sizes)
    }

    /// The sums of a complete grid.
    pub(super) fn sums<'a>(&'a self, arm: &'a Grid) -> Result<Sums<'a>, ClusterError> {
        let mut sums = Sums::new();
        for (seed, cells) in arm.seeds() {
            let row = sums.entry(seed).or_default();
            for (condition, cell) in cells {
                *row.entry(self.of(condition)?).or_insert_with(BigRational::zero) +=
                    cell.mean().unwrap_or_else(BigRational::zero);
            }
        }
        Ok(sums)
    }

    /// The mean of each cluster over all seeds and its conditions.
    pub(super) fn means<'a>(&'a self, arm: &'a Grid) -> Result<BTreeMap<&'a ClusterName, BigRational>, ClusterError> {
        let sizes = self.sizes(&[arm])?;
        let sums = self.sums(arm)?;
        let seeds = integer(sums.len() as u64);
        let mut means = BTreeMap::new();
        for (cluster, sum) in sums.values().flatten() {
            let cells = integer(sizes.get(cluster).copied().unwrap_or(1)) * &seeds;
            *means.entry(*cluster).or_insert_with(BigRational::zero) += sum / cells;
        }
        Ok(means)
    }

    fn of(&self, condition: &ConditionName) -> Result<&ClusterName, ClusterError> {
        self.0.get(condition).ok_or_else(|| ClusterError::NoCluster { condition: condition.clone() })
    }
}

//! An arm's cells as the statistics over seeds and conditions take them.

use crate::check::Rate;
use crate::stats::{Aggregation, Cell, ConditionName, Grid, SeedName, SeedValues};

/// The cells of an arm, and how they become a seed's number. Conditions stand under `prefix`, which keeps those of two
/// evaluations apart.
///
/// Refused where the scores are not 0 and 1, or where a seed's number is no plain mean of such cells.
pub(in crate::check) fn grid(rate: &Rate, prefix: &str) -> Result<(Grid, Aggregation), String> {
    let aggregation = if rate.weighs_conditions_alike() { Aggregation::Macro } else { Aggregation::Micro };
    let mut grid = Grid::default();
    for (seed, of_seed) in &rate.seeds {
        let name = seed.ok_or("the samples do not say which training seed they are of")?.to_string();
        for (condition, cell) in &of_seed.conditions {
            let found = cell.by_rollout.proportion();
            let found = found.ok_or("the scores are not all 0 or 1: they have no other scale to be compared on")?;
            let counts = Cell::of_counts(found.k(), found.n()).map_err(|error| error.to_string())?;
            let condition = ConditionName::from(format!("{prefix}{condition}"));
            grid.add(SeedName::from(name.clone()), condition, &counts);
        }
    }
    let values = SeedValues::of(&grid, aggregation).map_err(|error| error.to_string())?;
    let is_same = |(value, seed): (&crate::stats::SeedValue, &crate::check::SeedRate)| value.value == seed.value;
    // By name, seeds may stand in another order than by number.
    let by_number = rate.seeds.iter().map(|(seed, of_seed)| {
        let name = SeedName::from(seed.unwrap_or_default().to_string());
        Some((values.by_seed().get(&name)?, of_seed))
    });
    if by_number.collect::<Option<Vec<_>>>().is_some_and(|pairs| pairs.into_iter().all(is_same)) {
        Ok((grid, aggregation))
    } else {
        Err("the number of a seed is no plain mean of its conditions: this contrast is not computed for it".to_owned())
    }
}

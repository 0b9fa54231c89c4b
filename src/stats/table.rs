//! Counts by arm, seed and condition: the one thing that every estimate over seeds is made from.
//!
//! Cells are exact and stand in sorted maps, so that no digit depends on the order in which scores were read. A cell
//! keeps the sum, the sum of squares and the number of its rollouts and nothing else of them.

use std::collections::BTreeMap;
use std::fmt;

use num_rational::BigRational;
use num_traits::{One, Signed, Zero};

use super::estimate::{StatsError, integer};

/// Rollouts of one cell: more than any evaluation has, and few enough that no table's total can overflow.
const MAX_ROLLOUTS: u64 = 1 << 40;

macro_rules! name_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
        pub struct $name(String);

        impl $name {
            /// The name as it was given.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl<T: Into<String>> From<T> for $name {
            fn from(name: T) -> Self {
                Self(name.into())
            }
        }

        impl fmt::Display for $name {
            /// Escaped and cut: names come from logs.
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.chars().take(80).flat_map(char::escape_default).try_for_each(|c| fmt::Write::write_char(f, c))
            }
        }
    };
}

name_type!(
    /// Name of an arm.
    ArmName
);
name_type!(
    /// Name of a training seed within an arm.
    SeedName
);
name_type!(
    /// Name of a condition of the evaluation (an item, where each item is its own condition).
    ConditionName
);
name_type!(
    /// Name of conditions that belong together.
    ClusterName
);

/// Why a table has no such estimate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum TableError {
    #[error("there is no arm `{arm}`")]
    NoArm { arm: ArmName },
    #[error("the arm has no seeds")]
    NoSeeds,
    #[error("seed `{seed}` has no scores in condition `{condition}`, which other seeds have")]
    Incomplete { seed: SeedName, condition: ConditionName },
    #[error("a cell has {found} rollouts, more than the {MAX_ROLLOUTS} that are counted")]
    TooManyRollouts { found: u64 },
    #[error("a cell has scores outside of 0 to 1, where a rate was expected")]
    NotARate,
    #[error(transparent)]
    Stats(#[from] StatsError),
}

/// How the cells of a seed become one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Aggregation {
    /// The mean of the conditions' means.
    Macro,
    /// The sum of all scores over their number.
    Micro,
}

/// Which way a score points.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Direction {
    /// A higher score is the aligned one.
    HigherIsAligned,
    /// A lower score is the aligned one: a rate of harm.
    LowerIsAligned,
}

/// The rollouts of one seed in one condition of one arm.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cell {
    sum: BigRational,
    squares: BigRational,
    count: u64,
    is_rate: bool,
}

impl Default for Cell {
    fn default() -> Self {
        Self { sum: BigRational::zero(), squares: BigRational::zero(), count: 0, is_rate: true }
    }
}

impl Cell {
    /// `k` rollouts of `n` scored 1, the others 0.
    pub fn of_counts(k: u64, n: u64) -> Result<Self, TableError> {
        if k > n {
            return Err(StatsError::MoreThanExpected { counted: k, expected: n }.into());
        }
        if n > MAX_ROLLOUTS {
            return Err(TableError::TooManyRollouts { found: n });
        }
        Ok(Self { sum: integer(k), squares: integer(k), count: n, is_rate: true })
    }

    /// Counts one rollout's score.
    pub fn add(&mut self, score: &BigRational) {
        self.sum += score;
        self.squares += score * score;
        self.count += 1;
        self.is_rate &= !score.is_negative() && *score <= BigRational::one();
    }

    /// Counts the rollouts of another cell too.
    pub fn merge(&mut self, other: &Self) {
        self.sum += &other.sum;
        self.squares += &other.squares;
        self.count += other.count;
        self.is_rate &= other.is_rate;
    }

    /// Sum of the scores: the k of k/n.
    pub fn sum(&self) -> &BigRational {
        &self.sum
    }

    /// Number of rollouts: the n of k/n.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The mean score; `None` without rollouts.
    pub fn mean(&self) -> Option<BigRational> {
        (self.count > 0).then(|| &self.sum / integer(self.count))
    }

    /// The unbiased variance of one rollout's score; `None` below two rollouts.
    pub fn variance(&self) -> Option<BigRational> {
        (self.count > 1).then(|| {
            let n = integer(self.count);
            (&self.squares - &self.sum * &self.sum / n) / integer(self.count - 1)
        })
    }

    /// The cell with every score `x` in 0..=1 turned into `1 - x`.
    fn complement(&self) -> Self {
        let n = integer(self.count);
        let squares = &n - &self.sum - &self.sum + &self.squares;
        Self { sum: n - &self.sum, squares, count: self.count, is_rate: self.is_rate }
    }
}

/// One arm: its cells by seed and condition.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Grid(BTreeMap<SeedName, BTreeMap<ConditionName, Cell>>);

impl Grid {
    /// Counts the rollouts of `cell` for `seed` in `condition`.
    pub fn add(&mut self, seed: SeedName, condition: ConditionName, cell: &Cell) {
        self.cell(seed, condition).merge(cell);
    }

    /// The cell of `seed` in `condition`, empty at first.
    pub fn cell(&mut self, seed: SeedName, condition: ConditionName) -> &mut Cell {
        self.0.entry(seed).or_default().entry(condition).or_default()
    }

    /// The cells of each seed.
    pub fn seeds(&self) -> &BTreeMap<SeedName, BTreeMap<ConditionName, Cell>> {
        &self.0
    }

    /// The conditions of a complete grid, sorted: every seed must have scores in each.
    pub fn conditions(&self) -> Result<Vec<&ConditionName>, TableError> {
        let mut all: Vec<&ConditionName> = self.0.values().flat_map(BTreeMap::keys).collect();
        all.sort();
        all.dedup();
        if self.0.is_empty() || all.is_empty() {
            return Err(TableError::NoSeeds);
        }
        for (seed, cells) in &self.0 {
            let gap = all.iter().find(|condition| cells.get(**condition).is_none_or(|cell| cell.count == 0));
            if let Some(condition) = gap {
                return Err(TableError::Incomplete { seed: seed.clone(), condition: (*condition).clone() });
            }
        }
        Ok(all)
    }

    /// The grid with every score turned so that higher is aligned; a rate `x` of harm becomes `1 - x`.
    pub fn oriented(&self, direction: Direction) -> Result<Self, TableError> {
        if direction == Direction::HigherIsAligned {
            return Ok(self.clone());
        }
        let mut turned = Self::default();
        for (seed, cells) in &self.0 {
            for (condition, cell) in cells {
                if !cell.is_rate {
                    return Err(TableError::NotARate);
                }
                turned.add(seed.clone(), condition.clone(), &cell.complement());
            }
        }
        Ok(turned)
    }

    /// Whether every score lies in 0..=1.
    pub fn is_rate(&self) -> bool {
        self.0.values().flat_map(BTreeMap::values).all(|cell| cell.is_rate)
    }

    /// All rollouts of each condition, over all seeds.
    pub fn by_condition(&self) -> BTreeMap<&ConditionName, Cell> {
        let mut pooled: BTreeMap<&ConditionName, Cell> = BTreeMap::new();
        for (condition, cell) in self.0.values().flatten() {
            pooled.entry(condition).or_default().merge(cell);
        }
        pooled
    }

    /// Seeds that have the same count in every condition as an earlier one, with that one: most likely the same run.
    pub fn twins(&self) -> Vec<(&SeedName, &SeedName)> {
        let mut first: BTreeMap<Vec<(&ConditionName, &Cell)>, &SeedName> = BTreeMap::new();
        let mut twins = Vec::new();
        for (seed, cells) in &self.0 {
            match first.get(&cells.iter().collect::<Vec<_>>()) {
                Some(earlier) => twins.push((*earlier, seed)),
                None => drop(first.insert(cells.iter().collect(), seed)),
            }
        }
        twins
    }
}

/// All arms.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Table(BTreeMap<ArmName, Grid>);

impl Table {
    /// Counts the rollouts of `cell` for `seed` in `condition` of `arm`.
    pub fn add(&mut self, arm: ArmName, seed: SeedName, condition: ConditionName, cell: &Cell) {
        self.0.entry(arm).or_default().add(seed, condition, cell);
    }

    /// The grid of an arm.
    pub fn arm(&self, arm: &ArmName) -> Result<&Grid, TableError> {
        self.0.get(arm).ok_or_else(|| TableError::NoArm { arm: arm.clone() })
    }

    /// Every arm with its grid.
    pub fn arms(&self) -> &BTreeMap<ArmName, Grid> {
        &self.0
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::stats::testing::ratio;

    fn grid(cells: &[(&str, &str, u64, u64)]) -> Grid {
        let mut grid = Grid::default();
        for (seed, condition, k, n) in cells {
            grid.add((*seed).into(), (*condition).into(), &Cell::of_counts(*k, *n).unwrap());
        }
        grid
    }

    #[test]
    fn a_cell_of_counts_is_the_cell_of_its_scores() {
        let mut one_by_one = Cell::default();
        (0..300).for_each(|i| one_by_one.add(&ratio(i64::from(i < 21), 1)));
        let at_once = Cell::of_counts(21, 300).unwrap();
        assert_eq!(one_by_one, at_once);
        assert_eq!(at_once.mean().unwrap(), ratio(7, 100));
        assert_eq!(at_once.variance().unwrap(), ratio(21 * 279, 300 * 299));
        assert_eq!(Cell::default().mean(), None);
        assert_eq!(Cell::of_counts(1, 1).unwrap().variance(), None);
        assert_eq!(Cell::of_counts(2, 1), Err(StatsError::MoreThanExpected { counted: 2, expected: 1 }.into()));
        assert_eq!(Cell::of_counts(0, u64::MAX), Err(TableError::TooManyRollouts { found: u64::MAX }));
    }

    #[test]
    fn an_incomplete_grid_names_what_is_missing() {
        let found = grid(&[("0", "a", 1, 2), ("0", "b", 1, 2), ("1", "a", 1, 2)]);
        let refused = found.conditions().unwrap_err();
        assert_eq!(refused.to_string(), "seed `1` has no scores in condition `b`, which other seeds have");
        let empty = grid(&[("0", "a", 1, 2), ("1", "a", 0, 0)]);
        assert_eq!(empty.conditions().unwrap_err(), TableError::Incomplete { seed: "1".into(), condition: "a".into() });
        assert_eq!(Grid::default().conditions(), Err(TableError::NoSeeds));
        let none = Table::default();
        assert_eq!(none.arm(&"msm\n".into()).unwrap_err().to_string(), "there is no arm `msm\\n`");
    }

    #[test]
    fn harm_turned_round_is_alignment() {
        let harm = grid(&[("0", "a", 3, 10)]);
        assert_eq!(harm.oriented(Direction::LowerIsAligned).unwrap(), grid(&[("0", "a", 7, 10)]));
        assert_eq!(harm.oriented(Direction::HigherIsAligned).unwrap(), harm);
        let mut grades = Grid::default();
        grades.cell("0".into(), "a".into()).add(&ratio(8, 1));
        assert!(!grades.is_rate());
        assert_eq!(grades.oriented(Direction::LowerIsAligned), Err(TableError::NotARate));
    }

    #[test]
    fn seeds_with_the_same_counts_everywhere_are_named() {
        let found = grid(&[("0", "a", 116, 497), ("1", "a", 116, 497), ("2", "a", 115, 497)]);
        assert_eq!(found.twins(), [(&"0".into(), &"1".into())]);
        assert!(grid(&[("0", "a", 1, 2), ("1", "b", 1, 2)]).twins().is_empty());
    }

    proptest! {
        #[test]
        fn the_order_of_the_cells_changes_nothing(
            cells in proptest::collection::vec((0_u64..3, 0_u64..3, 0_u64..9, 0_u64..9), 0..30),
        ) {
            let cells: Vec<_> = cells.into_iter()
                .map(|(seed, condition, k, more)| (seed.to_string(), condition.to_string(), Cell::of_counts(k, k + more).unwrap()))
                .collect();
            let mut forward = Grid::default();
            cells.iter().for_each(|(seed, condition, cell)| forward.add(seed.as_str().into(), condition.as_str().into(), cell));
            let mut backward = Grid::default();
            cells.iter().rev().for_each(|(seed, condition, cell)| backward.add(seed.as_str().into(), condition.as_str().into(), cell));
            prop_assert_eq!(&forward, &backward);
            let turned = forward.oriented(Direction::LowerIsAligned).unwrap();
            prop_assert_eq!(turned.oriented(Direction::LowerIsAligned).unwrap(), forward);
        }
    }
}

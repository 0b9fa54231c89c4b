//! Exact statistics: rates, standard errors and roundings as rationals; what is not rational lies between two that are.
//!
//! Nothing here knows what an evaluation log is: it takes observations and says what they add up to. A standard error
//! is kept as its square, which is rational, and every comparison with a printed figure is decided on that square.
//! Quantiles and roots are carried as an [`Enclosure`], so that a threshold within their error is never a yes.

pub mod decimal;
pub mod decision;
pub mod denominator;
pub mod enclosure;
pub mod estimate;
pub mod interval;
pub mod level;
pub mod nonce;
pub mod permutation;
pub mod reducer;
pub mod rounding;
pub mod seed_values;
pub mod special;
pub mod student;
pub mod surd;
pub mod table;

pub use decision::Decision;
pub use denominator::{Bounds, Denominators, RowState, bounds};
pub use enclosure::{Answer, Enclosure};
pub use estimate::{
    ErrorUnit, Estimate, ExactSum, Observation, StatsError, Tally, clustered_variance_of_mean, estimate, reduce,
};
pub use interval::{Interval, Method, Target};
pub use level::{Level, LevelError, Sides};
pub use nonce::{Nonce, NonceOrigin};
pub use permutation::{Alternative, PermutationError, PermutationTest, Ways};
pub use reducer::Reducer;
pub use rounding::{Printed, PrintedError, Rounding, check_rounding, check_sqrt_rounding};
pub use seed_values::{ErrorSource, SeedValue, SeedValues};
pub use student::{t_critical, t_of_level, t_quantile, t_upper_tail};
pub use surd::{Bound, SurdInterval, score_interval, wilson};
pub use table::{Aggregation, ArmName, Cell, ConditionName, Direction, Grid, SeedName, Table, TableError};

#[cfg(test)]
mod tests;

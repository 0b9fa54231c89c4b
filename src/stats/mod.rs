//! Exact statistics: rates, standard errors and roundings as rationals; floats only in `student`.
//!
//! Nothing here knows what an evaluation log is: it takes observations and says what they add up to. A standard error
//! is kept as its square, which is rational, and every comparison with a printed figure is decided on that square.

pub mod decimal;
pub mod decision;
pub mod denominator;
pub mod estimate;
pub mod interval;
pub mod nonce;
pub mod permutation;
pub mod reducer;
pub mod rounding;
pub mod seed_values;
pub mod student;
pub mod table;

pub use decision::Decision;
pub use denominator::{Bounds, Denominators, RowState, bounds};
pub use estimate::{
    ErrorUnit, Estimate, ExactSum, Observation, StatsError, Tally, clustered_variance_of_mean, estimate, reduce,
};
pub use interval::{Bound, Interval, score_interval, wilson};
pub use nonce::{Nonce, NonceOrigin};
pub use permutation::{Alternative, PermutationError, PermutationTest, Ways};
pub use reducer::Reducer;
pub use rounding::{Printed, PrintedError, Rounding, check_rounding, check_sqrt_rounding};
pub use seed_values::{ErrorSource, SeedValue, SeedValues};
pub use student::t_quantile;
pub use table::{Aggregation, ArmName, Cell, ConditionName, Direction, Grid, SeedName, Table, TableError};

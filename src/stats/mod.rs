//! Exact statistics: rates, standard errors and roundings as rationals; what is not rational lies between two that are.
//!
//! Nothing here knows what an evaluation log is: it takes observations and says what they add up to. A standard error
//! is kept as its square, which is rational, and every comparison with a printed figure is decided on that square.
//! Quantiles and roots are carried as an [`Enclosure`], so that a threshold within their error is never a yes.

pub mod assertion;
pub mod clusters;
pub mod crossed;
pub mod decimal;
pub mod decision;
pub mod denominator;
pub mod enclosure;
pub mod estimate;
pub mod gap;
pub mod interaction;
pub mod interval;
pub mod level;
pub mod logit;
pub mod nonce;
pub mod pairing;
pub mod permutation;
pub mod reducer;
pub mod resample;
pub mod rounding;
pub mod seed_values;
pub mod seeds;
pub mod special;
pub mod student;
pub mod surd;
pub mod table;

pub use assertion::{Assertion, AssertionError, Judged, Quantity, Relation, Statement, TailBounds};
pub use clusters::{ClusterError, Clusters};
pub use crossed::{CrossedError, crossed_difference, crossed_mean};
pub use decision::Decision;
pub use denominator::{Bounds, Denominators, RowState, bounds};
pub use enclosure::{Answer, Enclosure};
pub use estimate::{
    ErrorUnit, Estimate, ExactSum, Observation, StatsError, Tally, clustered_variance_of_mean, estimate, reduce,
};
pub use gap::{CellRate, CellRates, Extreme, GapArm, GapComparison, GapDesign, GapError};
pub use interaction::{Factorial, FactorialPairing, Interaction, InteractionError};
pub use interval::{Interval, Method, Target};
pub use level::{Level, LevelError, Sides};
pub use logit::logits;
pub use nonce::{Nonce, NonceOrigin};
pub use pairing::{Pairing, PairingError};
pub use permutation::{Alternative, PermutationError, PermutationTest, Ways};
pub use reducer::Reducer;
pub use resample::{Drawn, ResampleError, Resampled, resampled_difference, resampled_mean};
pub use rounding::{Printed, PrintedError, Rounding, check_rounding, check_sqrt_rounding};
pub use seed_values::{ErrorSource, SeedValue, SeedValues};
pub use seeds::{SeedContrast, SeedMean, SeedsError};
pub use student::{t_critical, t_of_level, t_quantile, t_upper_tail};
pub use surd::{Bound, SurdInterval, score_interval, wilson};
pub use table::{Aggregation, ArmName, Cell, ClusterName, ConditionName, Direction, Grid, SeedName, Table, TableError};

#[cfg(test)]
mod seeds_oracle;
#[cfg(test)]
mod tests;

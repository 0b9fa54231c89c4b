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
pub mod difference;
pub mod enclosure;
pub mod equivalence;
pub mod estimate;
pub mod fieller;
pub mod gap;
pub mod interaction;
pub mod interval;
pub mod judge_error;
pub mod level;
pub mod likelihood;
pub mod logit;
pub mod mover;
pub mod multiplicity;
pub mod nonce;
pub mod pairing;
pub mod pairs;
pub mod permutation;
mod printed_count;
pub mod proportion;
pub mod reducer;
pub mod relative;
pub mod resample;
pub mod risk_ratio;
pub mod rogan_gladen;
pub mod rounding;
mod score;
pub mod seed_values;
pub mod seeds;
pub mod simultaneous;
pub mod special;
pub mod stratified;
pub mod student;
pub mod surd;
pub mod table;
pub mod tipping_point;
pub mod two_arms;
pub mod worst_case;

pub use assertion::{Assertion, AssertionError, Judged, Quantity, Relation, Statement, TailBounds};
pub use clusters::{ClusterError, Clusters};
pub use crossed::{CrossedError, crossed, crossed_difference, crossed_grids, crossed_mean, crossed_ratio};
pub use decision::Decision;
pub use denominator::{Bounds, Denominators, RowState, bounds};
pub use enclosure::{Answer, Enclosure};
pub use equivalence::{EquivalenceError, Margins, OneSidedTests};
pub use estimate::{
    ErrorUnit, Estimate, ExactSum, Observation, StatsError, Tally, clustered_variance_of_mean, estimate, reduce,
};
pub use fieller::{FiellerError, MeanWithError, RatioOfMeans};
pub use gap::{CellRate, CellRates, Extreme, GapArm, GapComparison, GapDesign, GapError};
pub use interaction::{Factorial, FactorialPairing, Interaction, InteractionError};
pub use interval::{Interval, Method, Target};
pub use judge_error::{ArmAudit, AuditError, Audited, AuditedArms, AuditedTerm, audited_sum};
pub use level::{Level, LevelError, Sides};
pub use likelihood::{ERROR_PERCENT, Source, more_needed, threshold, weigh};
pub use logit::logits;
pub use mover::{Term, mover, weighted_sum};
pub use multiplicity::{Family, FamilyError};
pub use nonce::{Nonce, NonceOrigin};
pub use pairing::{Pairing, PairingError};
pub use pairs::{PairedTable, PairsError, RowPairing};
pub use permutation::{Alternative, PermutationError, PermutationTest, Ways};
pub use printed_count::PrintedCount;
pub use proportion::{Proportion, ProportionError};
pub use reducer::Reducer;
pub use relative::{RelativeError, SeedRatio};
pub use resample::{Drawn, MIN_CLUSTERS, ResampleError, Resampled, resampled, resampled_difference, resampled_mean};
pub use risk_ratio::RiskRatioError;
pub use rogan_gladen::{Judge, JudgeError, rogan_gladen};
pub use rounding::{Printed, PrintedError, Rounding, check_rounding, check_sqrt_rounding};
pub use seed_values::{ErrorSource, SeedValue, SeedValues};
pub use seeds::{SeedContrast, SeedMean, SeedsError};
pub use simultaneous::{Conditions, Joint, SimultaneousError};
pub use stratified::Strata;
pub use student::{t_critical, t_of_level, t_quantile, t_upper_tail};
pub use surd::{Bound, SurdInterval, score_interval, wilson};
pub use table::{Aggregation, ArmName, Cell, ClusterName, ConditionName, Direction, Grid, SeedName, Table, TableError};
pub use tipping_point::{Flip, TippingPoint, fewest_flips};
pub use two_arms::TwoArms;
pub use worst_case::{Incomplete, IncompleteArms, WorstCaseError};

#[cfg(test)]
mod seeds_oracle;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

//! Exact statistics: rates, standard errors and roundings as rationals, never as floats.
//!
//! Nothing here knows what an evaluation log is: it takes observations and says what they add up to. A standard error
//! is kept as its square, which is rational, and every comparison with a printed figure is decided on that square.

pub mod decimal;
pub mod denominator;
pub mod estimate;
pub mod rounding;

pub use denominator::{Bounds, Denominators, RowState, bounds};
pub use estimate::{ErrorUnit, Estimate, Observation, Reducer, StatsError, estimate, reduce};
pub use rounding::{Printed, PrintedError, Rounding, check_rounding, check_sqrt_rounding};

//! The number: recomputed, its bar, its contrast, and what other rules would make of it.

mod conditions;
pub(super) mod drawing;
pub(super) mod interval;
mod new_conditions;
pub(super) mod stat_aggregation;
pub(super) mod stat_assertion;
pub(super) mod stat_contrast;
pub(super) mod stat_denominator;
pub(super) mod stat_error;
pub(super) mod stat_gap;
pub(super) mod stat_gates;
pub(super) mod stat_multiplicity;
pub(super) mod stat_recompute;
pub(super) mod stat_sensitivity;
mod tolerance;

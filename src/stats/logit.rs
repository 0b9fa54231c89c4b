//! Rates on the logit scale, where the way from 2 % to 1 % is as long as that from 98 % to 99 %.
//!
//! A contrast that changes its sign between the two scales is a statement about the scale, not about the arms.

use num_rational::BigRational;
use num_traits::{One, Signed, ToPrimitive, Zero};

use super::estimate::integer;
use super::seed_values::{SeedValue, SeedValues};
use super::table::{Aggregation, Grid, TableError};

/// Contrasts that lie closer to 0 than this have no sign on the logit scale: its logarithms are floats.
const NO_SIGN: f64 = 1e-9;

/// The logit of each seed's mean rate, moved off 0 and 1 by half a rollout: ln (p + 1/2n) / (1 - p + 1/2n).
///
/// Its rollout variance is that of the rate by the delta method. The logarithm is `libm`'s, so that its digits are the
/// same everywhere.
///
/// Source: J. B. S. Haldane, "The estimation and significance of the logarithm of a ratio of frequencies", 1956
pub fn logits(grid: &Grid, aggregation: Aggregation) -> Result<SeedValues, TableError> {
    if !grid.is_rate() {
        return Err(TableError::NotARate);
    }
    let rates = SeedValues::of(grid, aggregation)?;
    let half = BigRational::new(1.into(), 2.into());
    let logit = |(seed, rate): (&_, &SeedValue)| {
        let rollouts = grid.seeds().get(seed).map_or(0, |cells| cells.values().map(super::Cell::count).sum());
        let n = integer(rollouts);
        let p = (&rate.value * &n + &half) / (&n + BigRational::one());
        let odds = &p / (BigRational::one() - &p);
        let value = odds.to_f64().and_then(|odds| BigRational::from_float(libm::log(odds)));
        let slope = &p * (BigRational::one() - &p);
        let variance = rate.rollout_variance.as_ref().map(|variance| variance / (&slope * &slope));
        (seed.clone(), SeedValue { value: value.unwrap_or_else(BigRational::zero), rollout_variance: variance })
    };
    Ok(rates.by_seed().iter().map(logit).collect())
}

/// Whether a contrast of rates and the same one of logits point in opposite directions.
pub(super) fn signs_disagree(additive: &BigRational, logit: &BigRational) -> bool {
    let has_sign = logit.abs().to_f64().is_some_and(|size| size > NO_SIGN);
    has_sign && (additive * logit).is_negative()
}

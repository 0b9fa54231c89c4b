//! Student's t: its tail and its quantile, for any positive number of degrees of freedom.

use num_traits::ToPrimitive;

use super::enclosure::Enclosure;
use super::level::Level;
use super::special::{beta_error, beta_tails, crossing, surely};

/// Freedoms that the beta function behind it takes: half of them is its parameter.
const FREEDOM: std::ops::RangeInclusive<f64> = 0.5..=8e9;

/// Beyond this the tail of every freedom from 1/2 on is below the smallest that is asked for.
const MAX_T: f64 = 1e60;

/// The probability that Student's t with `freedom` degrees of freedom exceeds `t`, within [`t_error`] of itself.
///
/// `None` for freedoms outside of 1/2 to 8 * 10^9 and a `t` that is no number.
///
/// Source: Abramowitz and Stegun, Handbook of Mathematical Functions, 26.7.1 and 26.5.27
pub fn t_upper_tail(t: f64, freedom: f64) -> Option<f64> {
    if t.is_nan() || !FREEDOM.contains(&freedom) {
        return None;
    }
    let square = t.abs().min(MAX_T) * t.abs().min(MAX_T);
    let (x, y) = if square > freedom {
        let ratio = freedom / square;
        (ratio / (1.0 + ratio), 1.0 / (1.0 + ratio))
    } else {
        let ratio = square / freedom;
        (1.0 / (1.0 + ratio), ratio / (1.0 + ratio))
    };
    let half = 0.5 * beta_tails(0.5 * freedom, 0.5, x, y)?.lower;
    Some(if t < 0.0 { 1.0 - half } else { half })
}

/// What [`t_upper_tail`] may be off by, relative to itself.
pub fn t_error(freedom: f64) -> f64 {
    beta_error(0.5 * freedom, 0.5)
}

/// The `t` that is exceeded with probability `tail`, for 0 < tail <= 1/2.
pub fn t_critical(tail: f64, freedom: f64) -> Option<Enclosure> {
    if !(f64::MIN_POSITIVE..=0.5).contains(&tail) || !FREEDOM.contains(&freedom) {
        return None;
    }
    let error = t_error(freedom);
    let (low, high) = crossing(0.0, MAX_T, |t| surely(tail, t_upper_tail(t, freedom).unwrap_or(f64::NAN), error));
    Enclosure::between_floats(low, high)
}

/// The `t` that the bounds of an interval at `level` lie apart from a mean, in standard errors.
pub fn t_of_level(level: &Level, freedom: f64) -> Option<Enclosure> {
    t_critical(level.tail_float(), freedom)
}

/// The `t` below which a fraction `p` of the distribution lies, for 1/2 <= p < 1, as the nearest float.
///
/// For figures that were floats before and are compared within the tolerance of floats; a bound is made of
/// [`t_critical`].
pub fn t_quantile(p: f64, freedom: f64) -> Option<f64> {
    (0.5..1.0).contains(&p).then(|| t_critical(1.0 - p, freedom))??.middle().to_f64()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_tables() {
        for (p, freedom, t) in [
            (0.975, 1.0, 12.706_204_736_174_7),
            (0.975, 2.0, 4.302_652_729_749_46),
            (0.975, 9.0, 2.262_157_162_798_2),
            (0.975, 99.0, 1.984_216_951_586_42),
            (0.95, 10.0, 1.812_461_122_811_68),
            (0.995, 30.0, 2.749_995_653_567_22),
            (0.5, 7.0, 0.0),
        ] {
            let found = t_quantile(p, freedom).unwrap();
            assert!((found - t).abs() < 1e-10 * t.max(1.0), "{p} {freedom}: {found}");
        }
        // Far out it is the normal distribution's.
        assert!((t_quantile(0.975, 1e6).unwrap() - 1.959_966_4).abs() < 1e-6);
    }

    #[test]
    fn both_tails_are_one_distribution() {
        for (t, freedom) in [(0.0, 3.0), (0.3, 2.5), (1.0, 1.0), (7.5, 4.0), (40.0, 100.0), (1e70, 1.0)] {
            let (above, below) = (t_upper_tail(t, freedom).unwrap(), t_upper_tail(-t, freedom).unwrap());
            assert!((above + below - 1.0).abs() < 1e-15 && above <= 0.5, "{t} {freedom}");
        }
        assert_eq!(t_upper_tail(0.0, 3.0), Some(0.5));
    }

    #[test]
    fn outside_its_range_there_is_none() {
        for (p, freedom) in [(0.4, 3.0), (1.0, 3.0), (f64::NAN, 3.0), (0.975, 0.0), (0.975, 9e9), (0.975, f64::NAN)] {
            assert_eq!(t_quantile(p, freedom), None);
        }
        assert_eq!(t_upper_tail(f64::NAN, 3.0), None);
        assert_eq!(t_critical(0.6, 3.0), None);
    }
}

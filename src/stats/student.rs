//! Quantiles of Student's t: the one place here where a float is computed.
//!
//! Only figures that were floats before are held against it, within the tolerance that floats are given.

use std::f64::consts::FRAC_2_PI;

/// More degrees of freedom than a log has samples; one evaluation costs as many steps.
const MAX_FREEDOM: u64 = 1_000_000;

/// The `t` below which a fraction `p` of the distribution with `freedom` degrees of freedom lies, for 1/2 <= p < 1.
///
/// `None` outside of that, or for more degrees of freedom than a million.
pub fn t_quantile(p: f64, freedom: u64) -> Option<f64> {
    if !(0.5..1.0).contains(&p) || freedom == 0 || freedom > MAX_FREEDOM {
        return None;
    }
    let inside = 2.0 * p - 1.0;
    let mut high = 1.0;
    while central(high, freedom) < inside {
        high *= 2.0;
        if high > 1e18 {
            return None;
        }
    }
    let mut low = 0.0;
    // Each step halves what is left; after 64 no double lies between.
    for _ in 0..64 {
        let middle = f64::midpoint(low, high);
        if central(middle, freedom) < inside { low = middle } else { high = middle }
    }
    Some(f64::midpoint(low, high))
}

/// The probability between -t and t, as a finite sum of positive terms.
///
/// Source: Abramowitz and Stegun, Handbook of Mathematical Functions, 26.7.3 and 26.7.4
fn central(t: f64, freedom: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "at most a million")]
    let of = |n: u64| n as f64;
    let angle = (t / of(freedom).sqrt()).atan();
    let (sine, cosine) = angle.sin_cos();
    let square = cosine * cosine;
    let odd = freedom % 2 == 1;
    if freedom == 1 {
        return angle * FRAC_2_PI;
    }
    let mut term = if odd { cosine } else { 1.0 };
    let mut sum = term;
    let mut at = if odd { 3 } else { 2 };
    while at < freedom {
        term *= square * of(at - 1) / of(at);
        sum += term;
        at += 2;
    }
    if odd { (angle + sine * sum) * FRAC_2_PI } else { sine * sum }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_tables() {
        for (p, freedom, t) in [
            (0.975, 1, 12.706_204_736_174_7),
            (0.975, 2, 4.302_652_729_749_46),
            (0.975, 9, 2.262_157_162_798_2),
            (0.975, 99, 1.984_216_951_586_42),
            (0.95, 10, 1.812_461_122_811_68),
            (0.995, 30, 2.749_995_653_567_22),
            (0.5, 7, 0.0),
        ] {
            let found = t_quantile(p, freedom).unwrap();
            assert!((found - t).abs() < 1e-10 * t.max(1.0), "{p} {freedom}: {found}");
        }
        // Far out it is the normal distribution's.
        assert!((t_quantile(0.975, 1_000_000).unwrap() - 1.959_966_4).abs() < 1e-6);
    }

    #[test]
    fn outside_its_range_there_is_none() {
        for (p, freedom) in [(0.4, 3), (1.0, 3), (f64::NAN, 3), (0.975, 0), (0.975, 1_000_001)] {
            assert_eq!(t_quantile(p, freedom), None);
        }
    }
}

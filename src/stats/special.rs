//! Tails of the normal and the beta distribution, and where they are crossed: the same digits on every platform.
//!
//! Only what IEEE 754 fixes to the last bit (+ - * / and the root) and `libm`, which is built of those, is used here;
//! the platform's own logarithm is not, since it differs from platform to platform in the last digit. Each function
//! states an error that it stays within; what is solved for is handed out as the two numbers around it.

use std::cmp::Ordering;
use std::f64::consts::{PI, SQRT_2};

use super::enclosure::Enclosure;

/// What a tail of the normal distribution may be off by, relative to itself (found: 6e-15 for z up to 8).
pub const NORMAL_ERROR: f64 = 1e-13;
/// What a tail of the beta distribution may be off by, relative to itself: its fraction takes steps, each of which
/// rounds, as the root of its parameters (found: 1e-13 below a million, 1e-11 at 4 * 10^9).
pub fn beta_error(a: f64, b: f64) -> f64 {
    1e-12 + 2e-15 * (a + b).sqrt()
}

/// Parameters beyond this would take longer than a reader waits: the fraction takes steps as their root.
const MAX_BETA_PARAMETER: f64 = 4e9;
/// And below this the saddle-point form of the density loses digits.
const MIN_BETA_PARAMETER: f64 = 0.25;

/// No fraction takes more steps than a few roots of the largest parameter.
const MAX_STEPS: u32 = 2_000_000;

/// The probability that a standard normal number lies above `z`.
pub fn normal_upper_tail(z: f64) -> f64 {
    0.5 * libm::erfc(z / SQRT_2)
}

/// The `z` that a standard normal number exceeds with probability `tail`, for 0 < tail <= 1/2.
pub fn normal_quantile(tail: f64) -> Option<Enclosure> {
    if !(f64::MIN_POSITIVE..=0.5).contains(&tail) {
        return None;
    }
    // Falls: below the crossing the tail is larger.
    let (low, high) = crossing(0.0, 40.0, |z| surely(tail, normal_upper_tail(z), NORMAL_ERROR));
    Enclosure::between_floats(low, high)
}

/// Both sides of a distribution at one point: the smaller is computed, never one minus the larger.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tails {
    /// The probability below.
    pub lower: f64,
    /// The probability above.
    pub upper: f64,
}

/// The regularised incomplete beta function `I_x(a, b)` and its complement, for `x + y = 1`.
///
/// Both are asked for, since next to 1 only the smaller says where it lies. `None` for parameters outside of 1/4 to
/// 4 * 10^9 and arguments that do not add up to one.
///
/// Source: the continued fraction DLMF 8.17.22, evaluated by Lentz's method
pub fn beta_tails(a: f64, b: f64, x: f64, y: f64) -> Option<Tails> {
    let range = MIN_BETA_PARAMETER..=MAX_BETA_PARAMETER;
    if !range.contains(&a) || !range.contains(&b) || !(0.0..=1.0).contains(&x) || !(0.0..=1.0).contains(&y) {
        return None;
    }
    if (x + y - 1.0).abs() > 1e-15 {
        return None;
    }
    if x == 0.0 {
        return Some(Tails { lower: 0.0, upper: 1.0 });
    }
    if y == 0.0 {
        return Some(Tails { lower: 1.0, upper: 0.0 });
    }
    let distance = distance(a, b, x, y);
    let density = beta_density(a, b, x, y, distance);
    // Left of its middle the fraction converges for the lower tail, right of it for the upper one.
    if x < (a + 1.0) / (a + b + 2.0) {
        let lower = (density * fraction(a, b, x, distance)? / a).min(1.0);
        Some(Tails { lower, upper: 1.0 - lower })
    } else {
        let upper = (density * fraction(b, a, y, -distance)? / b).min(1.0);
        Some(Tails { lower: 1.0 - upper, upper })
    }
}

/// The `x` with `I_x(a, b) = tail`, for 0 < tail <= 1/2.
pub fn beta_quantile(a: f64, b: f64, tail: f64) -> Option<Enclosure> {
    if !(f64::MIN_POSITIVE..=0.5).contains(&tail) {
        return None;
    }
    beta_tails(a, b, 0.5, 0.5)?;
    let error = beta_error(a, b);
    let (low, high) = crossing(0.0, 1.0, |x| {
        let lower = beta_tails(a, b, x, 1.0 - x).map_or(f64::NAN, |tails| tails.lower);
        surely(lower, tail, error)
    });
    Enclosure::between_floats(low, high)
}

/// How `found` compares with `with` when it may be off by `error` relative to itself; equal where that cannot be told.
pub(super) fn surely(found: f64, with: f64, error: f64) -> Ordering {
    let dead = error * found.abs().max(with.abs());
    if found < with - dead {
        Ordering::Less
    } else if found > with + dead {
        Ordering::Greater
    } else {
        Ordering::Equal
    }
}

/// The two floats between which a rising function, seen through `side`, crosses what it is compared with.
///
/// `0 <= low <= high`. `side` says on which side of the crossing a number surely lies, and `Equal` where that cannot be
/// told; the answer is the last number surely below and the first surely above, or the ends themselves.
pub(super) fn crossing(low: f64, high: f64, side: impl Fn(f64) -> Ordering) -> (f64, f64) {
    // The bits of floats that are not negative rise with them: 64 halvings reach the last one wherever it lies.
    let last = |from: u64, to: u64, holds: &dyn Fn(f64) -> bool| {
        let (mut holding, mut failing) = (from, to);
        while failing - holding > 1 {
            let middle = holding + (failing - holding) / 2;
            if holds(f64::from_bits(middle)) { holding = middle } else { failing = middle }
        }
        (holding, failing)
    };
    let (from, to) = (low.to_bits(), high.to_bits());
    let (below, _) = last(from, to, &|x| side(x) == Ordering::Less);
    let (_, above) = last(below, to, &|x| side(x) != Ordering::Greater);
    (f64::from_bits(below), f64::from_bits(above))
}

/// How far `a` lies above (a + b) x, from whichever of x and y is the smaller and thus the more exact.
fn distance(a: f64, b: f64, x: f64, y: f64) -> f64 {
    if x < y { a - (a + b) * x } else { (a + b) * y - b }
}

/// x^a y^b / B(a, b), by the saddle point: its logarithm is never the difference of two large numbers.
///
/// Source: C. Loader, "Fast and accurate computation of binomial probabilities", 2000
fn beta_density(a: f64, b: f64, x: f64, y: f64, distance: f64) -> f64 {
    let sum = a + b;
    let exponent = stirling_error(sum)
        - stirling_error(a)
        - stirling_error(b)
        - deviance(a, sum * x, distance)
        - deviance(b, sum * y, -distance);
    (a / sum * b / (2.0 * PI)).sqrt() * libm::exp(exponent)
}

/// ln(z!) - (z + 1/2) ln z + z - ln(2 pi) / 2: what Stirling's formula leaves out.
fn stirling_error(z: f64) -> f64 {
    const HALF_LN_2_PI: f64 = 0.918_938_533_204_672_8;
    if z < 16.0 {
        return libm::lgamma(z + 1.0) - (z + 0.5) * libm::log(z) + z - HALF_LN_2_PI;
    }
    // Stirling's series (DLMF 5.11.1); at 16 the first term left out is below 1e-16.
    let square = z * z;
    let series = 1.0 / 1260.0 - (1.0 / 1680.0 - (1.0 / 1188.0 - 691.0 / 360_360.0 / square) / square) / square;
    (1.0 / 12.0 - (1.0 / 360.0 - series / square) / square) / z
}

/// x ln(x / mean) + mean - x, with `distance` = x - mean known better than that difference.
fn deviance(x: f64, mean: f64, distance: f64) -> f64 {
    if distance.abs() >= 0.1 * (x + mean) {
        return x * libm::log(x / mean) - distance;
    }
    let v = distance / (x + mean);
    let square = v * v;
    let mut sum = distance * v;
    let mut term = 2.0 * x * v;
    let mut odd = 1.0;
    // v is below 1/10: each term is below a hundredth of the last, so a dozen reach the last digit.
    for _ in 0..12 {
        term *= square;
        odd += 2.0;
        sum += term / odd;
    }
    sum
}

/// The continued fraction of the incomplete beta function, for x below its mean.
fn fraction(a: f64, b: f64, x: f64, distance: f64) -> Option<f64> {
    const TINY: f64 = 1e-300;
    const CLOSE: f64 = 3e-16;
    let kept = |value: f64| if value.abs() < TINY { TINY } else { value };
    let mut above = 1.0;
    // 1 - (a + b) x / (a + 1), without the difference of two numbers that are both next to one.
    let mut below = (a + 1.0) / kept(1.0 + distance);
    let mut product = below;
    for step in 1..=MAX_STEPS {
        let m = f64::from(step);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        below = 1.0 / kept(1.0 + even * below);
        above = kept(1.0 + even / above);
        product *= below * above;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        below = 1.0 / kept(1.0 + odd * below);
        above = kept(1.0 + odd / above);
        let factor = below * above;
        product *= factor;
        if (factor - 1.0).abs() <= CLOSE {
            return Some(product);
        }
    }
    None
}

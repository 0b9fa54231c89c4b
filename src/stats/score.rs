//! Score tests of two proportions against a given difference or ratio, and the values that such a test does not reject.
//!
//! The standard error is the one under the tested value: the rates are those most likely among all pairs with that
//! difference or ratio. They solve an equation of the third (second) degree; here its root is halved in on instead,
//! since the closed forms go through the cosine and lose digits where rates are small.

use std::cmp::Ordering;

use super::special::crossing;
use super::two_arms::TwoArms;

/// What a standard error may be off by, relative to itself, and what each row adds: a rate next to zero is known to an
/// absolute error, and the smallest rate that rows can show is one over their number.
const ERROR: f64 = 1e-10;
const ERROR_PER_ROW: f64 = 1e-15;
/// What a difference of rates may be off by, relative to the larger of them.
const DISTANCE_ERROR: f64 = 1e-15;

/// A ratio beyond this is none that rows of [`super::proportion::MAX_TRIALS`] could show.
const MAX_RATIO: f64 = 1e12;

/// Whether the variance is that of a sample: Miettinen and Nurminen take N/(N - 1) times the one of Koopman and Mee.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Variance {
    Sample,
    Population,
}

/// Counts as floats: exact, since they are far below 2^53.
#[derive(Debug, Clone, Copy)]
struct Counts {
    k: [f64; 2],
    n: [f64; 2],
}

impl Counts {
    #[expect(clippy::cast_precision_loss, reason = "at most MAX_TRIALS")]
    fn of(arms: &TwoArms) -> Self {
        let both = [arms.subject, arms.comparator];
        Self { k: both.map(|arm| arm.k() as f64), n: both.map(|arm| arm.n() as f64) }
    }

    fn rate(&self, arm: usize) -> f64 {
        self.k[arm] / self.n[arm]
    }

    /// How steeply the likelihood of an arm's counts rises with its rate.
    fn slope(&self, arm: usize, rate: f64) -> f64 {
        let (k, others) = (self.k[arm], self.n[arm] - self.k[arm]);
        let rising = if k == 0.0 { 0.0 } else { k / rate };
        let falling = if others == 0.0 { 0.0 } else { others / (1.0 - rate) };
        rising - falling
    }

    fn factor(&self, variance: Variance) -> f64 {
        let all = self.n[0] + self.n[1];
        match variance {
            Variance::Sample => all / (all - 1.0),
            Variance::Population => 1.0,
        }
    }
}

/// A distance between what was found and what is tested, with its error, and the square of its standard error.
struct Score {
    distance: f64,
    error: f64,
    square: f64,
}

/// Both ends of the differences that are not rejected at `z`, each as the floats around it.
pub(super) fn difference_ends(arms: &TwoArms, z: f64, variance: Variance) -> [(f64, f64); 2] {
    let counts = Counts::of(arms);
    // Crossings are sought among floats that are not negative: the difference plus one. The score falls as it grows.
    let score = |shifted: f64| difference_score(&counts, shifted - 1.0, variance);
    ends(&counts, z, 2.0, score).map(|(low, high)| (low - 1.0, high - 1.0))
}

/// The same for the ratio of the subject's rate to the comparator's, which is not zero.
pub(super) fn ratio_ends(arms: &TwoArms, z: f64, variance: Variance) -> [(f64, f64); 2] {
    let counts = Counts::of(arms);
    ends(&counts, z, MAX_RATIO, |ratio| ratio_score(&counts, ratio, variance))
}

fn ends(counts: &Counts, z: f64, most: f64, score: impl Fn(f64) -> Score) -> [(f64, f64); 2] {
    let error = (1.0 + z) * (ERROR + ERROR_PER_ROW * (counts.n[0] + counts.n[1]));
    [z, -z].map(|z| {
        crossing(0.0, most, |at| {
            let Score { distance, error: apart, square } = score(at);
            // Multiplied by the standard error, which may be nothing; where nothing lies apart either, the score is zero.
            let root = if distance == 0.0 { 1.0 } else { square.sqrt() };
            if distance > (z + error) * root + apart {
                Ordering::Less
            } else if distance < (z - error) * root - apart {
                Ordering::Greater
            } else {
                Ordering::Equal
            }
        })
    })
}

fn difference_score(counts: &Counts, difference: f64, variance: Variance) -> Score {
    let distance = counts.rate(0) - counts.rate(1) - difference;
    // The comparator's rate, between those that leave the subject's in 0..=1. Zero is added since the greater of two
    // zeros may be the negative one.
    let (least, most) = ((-difference).max(0.0) + 0.0, (1.0 - difference).min(1.0));
    let comparator = halved(least, most, |rate| counts.slope(0, rate + difference) + counts.slope(1, rate));
    let subject = (comparator + difference).clamp(0.0, 1.0);
    let square = subject * (1.0 - subject) / counts.n[0] + comparator * (1.0 - comparator) / counts.n[1];
    Score { distance, error: DISTANCE_ERROR, square: square * counts.factor(variance) }
}

fn ratio_score(counts: &Counts, ratio: f64, variance: Variance) -> Score {
    let (subject, comparator) = (counts.rate(0), ratio * counts.rate(1));
    let (distance, error) = (subject - comparator, DISTANCE_ERROR * subject.max(comparator));
    let most = (1.0 / ratio).min(1.0);
    let comparator = halved(0.0, most, |rate| ratio * counts.slope(0, ratio * rate) + counts.slope(1, rate));
    let subject = (ratio * comparator).clamp(0.0, 1.0);
    let of_comparator = ratio * comparator * (1.0 - comparator) * ratio / counts.n[1];
    let square = subject * (1.0 - subject) / counts.n[0] + of_comparator;
    Score { distance, error, square: square * counts.factor(variance) }
}

/// Where a falling function crosses zero between two rates; one of them where it does not.
fn halved(least: f64, most: f64, falling: impl Fn(f64) -> f64) -> f64 {
    let (mut low, mut high) = (least.to_bits(), most.to_bits());
    while high.saturating_sub(low) > 1 {
        let middle = low + (high - low) / 2;
        if falling(f64::from_bits(middle)) > 0.0 { low = middle } else { high = middle }
    }
    f64::from_bits(low)
}

//! A sum of independent rates, each with its weight, from their single intervals: means over conditions and seeds,
//! differences of them, interactions.
//!
//! Each rate lends the sum the distance to that bound of its own which makes the sum larger, or smaller; the distances
//! are added as standard errors are. So a rate of 0 in 300 rows widens the sum, where its estimated standard error of 0
//! would not. Conditions and seeds are taken as they are: the target is the rollouts.
//!
//! Source: G. Y. Zou, W. Huang and X. Zhang, "A note on confidence interval estimation for a linear function of
//! binomial proportions", 2009; for two rates it is R. G. Newcombe's method 10, "Interval estimation for the difference
//! between independent proportions", 1998

use num_rational::BigRational;
use num_traits::{Signed, Zero};

use super::enclosure::Enclosure;
use super::interval::{Interval, Method, Target};
use super::level::Level;
use super::proportion::Proportion;

/// A rate and what it counts for in a sum.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Term {
    /// The rate.
    pub proportion: Proportion,
    /// Its weight; negative where it is taken off.
    pub weight: BigRational,
}

/// The sum itself: exact.
pub fn weighted_sum(terms: &[Term]) -> BigRational {
    terms.iter().fold(BigRational::zero(), |sum, term| sum + term.proportion.rate() * &term.weight)
}

/// The interval of [`weighted_sum`], from Wilson's interval of each rate; of no terms, zero itself.
pub fn mover(terms: &[Term], level: &Level) -> Interval {
    let (low, high) = mover_ends(terms, level);
    Interval::new(low, high, level.clone(), Target::Rollouts, Method::Mover)
}

pub(super) fn mover_ends(terms: &[Term], level: &Level) -> (Enclosure, Enclosure) {
    // In one order, so that the ends do not depend on the one in which the terms were given.
    let mut terms: Vec<&Term> = terms.iter().collect();
    terms.sort();
    let z = level.normal();
    let zero = Enclosure::exact(BigRational::zero());
    let (mut below, mut above) = (zero.clone(), zero);
    let (mut least, mut most) = (BigRational::zero(), BigRational::zero());
    let mut sum = BigRational::zero();
    for term in terms {
        let rate = term.proportion.rate();
        let (low, high) = term.proportion.wilson_ends(&z);
        let (to_low, to_high) = (&low - &Enclosure::exact(rate.clone()), &high - &Enclosure::exact(rate.clone()));
        let square = Enclosure::exact(&term.weight * &term.weight);
        let (down, up) = if term.weight.is_negative() { (to_high, to_low) } else { (to_low, to_high) };
        below = &below + &(&down.square() * &square);
        above = &above + &(&up.square() * &square);
        (least, most) =
            if term.weight.is_negative() { (least + &term.weight, most) } else { (least, most + &term.weight) };
        sum += rate * &term.weight;
    }
    let sum = Enclosure::exact(sum);
    ((&sum - &below.sqrt()).clamp(&least, &most), (&sum + &above.sqrt()).clamp(&least, &most))
}

//! Every condition beside their mean: the highest rate, the lowest, and bounds that hold for all conditions at once.
//!
//! A mean of 7 % over 27 conditions may hide one of 60 %. With one bound at 95 % for each of 27 conditions, one is
//! expected to be missed; so each is made at the level at which all hold together.

use std::collections::BTreeMap;

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, ToPrimitive};

use super::enclosure::Enclosure;
use super::interval::{Interval, Method};
use super::level::{Level, LevelError};
use super::proportion::Proportion;
use crate::codec::wire_enum;

wire_enum! {
    /// How the level of one statement follows from that of all.
    pub enum Joint, "a correction for many statements" {
        /// An equal share of the error, however the statements depend on each other.
        Bonferroni = 1 "bonferroni",
        /// A little more than that, for statements on independent rows.
        Sidak = 2 "sidak",
    }
}

/// Why conditions have no common bounds.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum SimultaneousError {
    #[error("there are no conditions")]
    NoConditions,
    #[error("bounds of one rate are made by wilson or clopper-pearson, not by {found}")]
    Method { found: Method },
    #[error(transparent)]
    Level(#[from] LevelError),
}

impl Joint {
    /// The level of each of `statements` so that all hold at `level`.
    ///
    /// Sidak's is 1 - (1 - alpha)^(1/m), rounded towards less error.
    ///
    /// Source: Z. Sidak, "Rectangular confidence regions for the means of multivariate normal distributions", 1967
    pub fn share(self, level: &Level, statements: u64) -> Result<Level, LevelError> {
        let equal = level.bonferroni(statements)?;
        if self == Self::Bonferroni || statements == 1 {
            return Ok(equal);
        }
        let alpha = level.alpha().to_f64().unwrap_or(f64::NAN);
        #[expect(clippy::cast_precision_loss, reason = "a count of conditions")]
        let share = -libm::expm1(libm::log1p(-alpha) / statements as f64);
        // Below by more than the functions are off; never less than the share that is right without them.
        let share = BigRational::from_float(share * (1.0 - 1e-12)).unwrap_or_else(|| equal.alpha().clone());
        Level::new(BigRational::one() - share.max(equal.alpha().clone()), level.sides())
    }
}

/// The conditions of a checkpoint, side by side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conditions<K> {
    /// The highest rate and all conditions that have it.
    pub highest: (BigRational, Vec<K>),
    /// The lowest rate and all conditions that have it.
    pub lowest: (BigRational, Vec<K>),
    /// Bounds of each condition, which hold for all of them at the level that was asked for.
    pub bounds: BTreeMap<K, Interval>,
}

impl<K: Ord + Clone> Conditions<K> {
    /// Looks at every condition. `level` is that of all bounds together; `method` is Wilson's or Clopper and Pearson's.
    pub fn of(
        rates: &BTreeMap<K, Proportion>,
        level: &Level,
        joint: Joint,
        method: Method,
    ) -> Result<Self, SimultaneousError> {
        let each = joint.share(level, (rates.len() as u64).max(1))?;
        let interval = match method {
            Method::Wilson => Proportion::wilson,
            Method::ClopperPearson => Proportion::clopper_pearson,
            found => return Err(SimultaneousError::Method { found }),
        };
        let extreme = |rate: Option<BigRational>| -> Result<_, SimultaneousError> {
            let rate = rate.ok_or(SimultaneousError::NoConditions)?;
            let having = rates.iter().filter(|(_, of)| of.rate() == rate).map(|(name, _)| name.clone()).collect();
            Ok((rate, having))
        };
        Ok(Self {
            highest: extreme(rates.values().map(Proportion::rate).max())?,
            lowest: extreme(rates.values().map(Proportion::rate).min())?,
            bounds: rates.iter().map(|(name, of)| (name.clone(), interval(of, &each))).collect(),
        })
    }

    /// The highest rate less the lowest.
    pub fn range(&self) -> BigRational {
        &self.highest.0 - &self.lowest.0
    }

    /// What no condition lies above, at the level that was asked for; none where the level has no upper bounds.
    pub fn none_above(&self) -> Option<Enclosure> {
        self.bounds.values().filter_map(Interval::high).cloned().reduce(|one, other| one.max(&other))
    }

    /// The mean of the conditions' rates, which the others stand beside.
    pub fn mean(rates: &BTreeMap<K, Proportion>) -> Result<BigRational, SimultaneousError> {
        if rates.is_empty() {
            return Err(SimultaneousError::NoConditions);
        }
        let sum = rates.values().map(Proportion::rate).sum::<BigRational>();
        Ok(sum / BigRational::from_integer(BigInt::from(rates.len())))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::stats::testing::ratio;
    use crate::stats::{Answer, Sides};

    fn rates(counts: &[(u64, u64)]) -> BTreeMap<usize, Proportion> {
        counts.iter().map(|(k, n)| Proportion::new(*k, *n).unwrap()).enumerate().collect()
    }

    fn upper() -> Level {
        Level::percent(95, Sides::Upper).unwrap()
    }

    #[test]
    fn a_mean_of_seven_percent_may_hide_a_condition_of_sixty() {
        let mut counts = vec![(15, 300); 26];
        counts.push((180, 300));
        let rates = rates(&counts);
        assert_eq!(Conditions::mean(&rates).unwrap(), ratio(19, 270));
        let found = Conditions::of(&rates, &upper(), Joint::Bonferroni, Method::ClopperPearson).unwrap();
        assert_eq!((found.highest.clone(), found.lowest.1.len()), ((ratio(3, 5), vec![26]), 26));
        assert_eq!(found.range(), ratio(11, 20));
        let none_above = found.none_above().unwrap();
        assert_eq!(none_above.at_least(&ratio(67, 100)), Answer::Yes);
        assert_eq!(none_above.at_most(&ratio(69, 100)), Answer::Yes);
        assert_eq!(found.bounds[&0].level().alpha(), &ratio(1, 540));
    }

    #[test]
    fn sidak_gives_each_a_little_more_than_bonferroni_and_no_more_than_is_right() {
        for statements in [1, 2, 27, 108, 1000] {
            let (equal, more) = (
                Joint::Bonferroni.share(&upper(), statements).unwrap(),
                Joint::Sidak.share(&upper(), statements).unwrap(),
            );
            assert!(more.alpha() >= equal.alpha());
            if statements <= 108 {
                // All hold with (1 - share)^m, which is at least 95 % and hardly more.
                let all = num_traits::pow(more.confidence(), usize::try_from(statements).unwrap());
                assert!(all >= ratio(95, 100) && all < ratio(95_000_001, 100_000_000), "{statements}");
            }
        }
    }

    #[test]
    fn without_conditions_or_with_another_method_there_are_no_bounds() {
        let none = Conditions::of(&rates(&[]), &upper(), Joint::Sidak, Method::Wilson).unwrap_err();
        assert_eq!(none.to_string(), "there are no conditions");
        assert_eq!(Conditions::mean(&rates(&[])), Err(SimultaneousError::NoConditions));
        let other = Conditions::of(&rates(&[(1, 2)]), &upper(), Joint::Sidak, Method::Welch).unwrap_err();
        assert_eq!(other.to_string(), "bounds of one rate are made by wilson or clopper-pearson, not by welch");
        let lower = Level::percent(95, Sides::Lower).unwrap();
        let found = Conditions::of(&rates(&[(1, 2)]), &lower, Joint::Sidak, Method::Wilson).unwrap();
        assert_eq!(found.none_above(), None);
    }

    #[test]
    fn all_bounds_hold_at_once_as_often_as_promised() {
        // Three conditions of 8 rollouts at 10, 50 and 80 %: every outcome, weighed exactly.
        let level = Level::percent(80, Sides::Two).unwrap();
        let each = Joint::Sidak.share(&level, 3).unwrap();
        let covered = |rate: BigRational| {
            let others = BigRational::one() - &rate;
            let mut choose = BigInt::one();
            let mut sum = ratio(0, 1);
            for k in 0..=8_u64 {
                if Proportion::new(k, 8).unwrap().clopper_pearson(&each).contains(&rate) == Answer::Yes {
                    let (up, down) = (usize::try_from(k).unwrap(), usize::try_from(8 - k).unwrap());
                    sum += BigRational::from_integer(choose.clone())
                        * num_traits::pow(rate.clone(), up)
                        * num_traits::pow(others.clone(), down);
                }
                choose = choose * BigInt::from(8 - k) / BigInt::from(k + 1);
            }
            sum
        };
        let all = covered(ratio(1, 10)) * covered(ratio(1, 2)) * covered(ratio(4, 5));
        assert!(all >= level.confidence(), "{all}");
    }
}

//! How the scores of one sample's epochs become one value: Inspect's reducers, exactly.
//!
//! A value counts as correct where it is at least 1. `mode` takes the first of several most common values in the order of
//! the epochs, as Python's `Counter` does; `majority` and `pass_*` have no value where Inspect reports NaN.
//!
//! Source: <https://github.com/UKGovernmentBEIS/inspect_ai> `src/inspect_ai/scorer/_reducer/reducer.py`

use std::fmt;

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Zero};

use super::estimate::{StatsError, integer, mean};

/// Epochs that a reducer may draw: more would let a name in a log ask for factorials of any size.
const MAX_DRAWN: u64 = 1000;

/// How the epochs of one sample become one value. The name in claims and logs is what it displays as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reducer {
    /// The mean.
    Mean,
    /// The most common value, the first of several.
    Mode,
    /// The value that more than half of the epochs have.
    Majority,
    /// The middle value, or the mean of the two in the middle.
    Median,
    /// The greatest value.
    Max,
    /// 1 where at least this many epochs are correct, else 0.
    AtLeast(u64),
    /// Probability that one of this many epochs, drawn without replacement, is correct.
    PassAt(u64),
    /// Probability that all of this many epochs, drawn without replacement, are correct.
    PassAll(u64),
}

impl fmt::Display for Reducer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mean => f.write_str("mean"),
            Self::Mode => f.write_str("mode"),
            Self::Majority => f.write_str("majority"),
            Self::Median => f.write_str("median"),
            Self::Max => f.write_str("max"),
            Self::AtLeast(k) => write!(f, "at_least_{k}"),
            Self::PassAt(k) => write!(f, "pass_at_{k}"),
            Self::PassAll(k) => write!(f, "pass_k_{k}"),
        }
    }
}

impl Reducer {
    /// The reducer of a name.
    pub fn parse(name: &str) -> Result<Self, StatsError> {
        let unknown = || StatsError::Reducer { found: name.chars().take(80).flat_map(char::escape_default).collect() };
        if let Some(reducer) = [Self::Mean, Self::Mode, Self::Majority, Self::Median, Self::Max]
            .into_iter()
            .find(|reducer| reducer.to_string() == name)
        {
            return Ok(reducer);
        }
        let (kind, k) = name.rsplit_once('_').ok_or_else(unknown)?;
        let k = k.parse().ok().filter(|k| *k <= MAX_DRAWN).ok_or_else(unknown)?;
        let reducer = match kind {
            "at_least" => Self::AtLeast(k),
            "pass_at" => Self::PassAt(k),
            "pass_k" => Self::PassAll(k),
            _ => return Err(unknown()),
        };
        // `pass_at_02` would be another spelling of one thing.
        if reducer.to_string() == name { Ok(reducer) } else { Err(unknown()) }
    }

    /// One value for the epochs of one sample, given in their order.
    pub fn apply(self, values: Vec<BigRational>) -> Result<BigRational, StatsError> {
        if values.is_empty() {
            return Err(StatsError::NoObservations);
        }
        let total = values.len() as u64;
        let correct = values.iter().filter(|value| **value >= BigRational::one()).count() as u64;
        match self {
            Self::Mean => Ok(mean(&values)),
            Self::Max => values.into_iter().max().ok_or(StatsError::NoObservations),
            Self::Median => Ok(median(values)),
            Self::Mode => Ok(most_common(values).0),
            Self::Majority => match most_common(values) {
                (value, count) if count * 2 > total => Ok(value),
                _ => Err(StatsError::NoMajority),
            },
            Self::AtLeast(k) => Ok(integer(u64::from(correct >= k))),
            Self::PassAt(k) | Self::PassAll(k) if total < k => {
                Err(StatsError::TooFewEpochs { needed: k, found: total })
            }
            Self::PassAt(k) => Ok(BigRational::one() - all_drawn(total - correct, total, k)),
            Self::PassAll(k) => Ok(all_drawn(correct, total, k)),
        }
    }
}

fn median(mut values: Vec<BigRational>) -> BigRational {
    values.sort();
    let middle = values.len() / 2;
    mean(if values.len() % 2 == 1 { &values[middle..=middle] } else { &values[middle - 1..=middle] })
}

/// The most common value, the first of several, and how often it is there.
fn most_common(values: Vec<BigRational>) -> (BigRational, u64) {
    let mut counts: Vec<(BigRational, u64)> = Vec::new();
    let mut places = std::collections::BTreeMap::new();
    for value in values {
        let place = *places.entry(value.clone()).or_insert(counts.len());
        match counts.get_mut(place) {
            Some((_, count)) => *count += 1,
            None => counts.push((value, 1)),
        }
    }
    // `max_by_key` would take the last of several.
    counts.into_iter().reduce(|best, next| if next.1 > best.1 { next } else { best }).unwrap_or_default()
}

/// Probability that `k` of `total`, drawn without replacement, are all among `marked`: C(marked, k) / C(total, k).
fn all_drawn(marked: u64, total: u64, k: u64) -> BigRational {
    if marked < k {
        return BigRational::zero();
    }
    // The shorter of the two products: C(m,k)/C(t,k) = prod (m-i)/(t-i) over k factors, or over t-m factors its dual.
    let (first, factors) = if k <= total - marked { (marked, k) } else { (total - k, total - marked) };
    let product = |from: u64| (0..factors).fold(BigInt::one(), |product, i| product * BigInt::from(from - i));
    BigRational::new(product(first), product(total))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::stats::testing::ratio;

    fn bits(bits: &[u8]) -> Vec<BigRational> {
        bits.iter().map(|bit| ratio(i64::from(*bit), 1)).collect()
    }

    #[test]
    fn each_reducer_has_its_own_value() {
        let values = || vec![ratio(0, 1), ratio(1, 1), ratio(1, 2), ratio(1, 1)];
        for (reducer, value) in [
            (Reducer::Mean, ratio(5, 8)),
            (Reducer::Median, ratio(3, 4)),
            (Reducer::Mode, ratio(1, 1)),
            (Reducer::Max, ratio(1, 1)),
            (Reducer::AtLeast(2), ratio(1, 1)),
            (Reducer::AtLeast(3), ratio(0, 1)),
            (Reducer::PassAt(1), ratio(1, 2)),
            (Reducer::PassAt(2), ratio(5, 6)),
            (Reducer::PassAt(3), ratio(1, 1)),
            (Reducer::PassAll(1), ratio(1, 2)),
            (Reducer::PassAll(2), ratio(1, 6)),
            (Reducer::PassAll(3), ratio(0, 1)),
        ] {
            assert_eq!(reducer.apply(values()), Ok(value), "{reducer}");
            assert_eq!(Reducer::parse(&reducer.to_string()), Ok(reducer));
        }
        assert_eq!(Reducer::Median.apply(values()[..3].to_vec()), Ok(ratio(1, 2)));
        assert_eq!(Reducer::Majority.apply(bits(&[1, 0, 1])), Ok(ratio(1, 1)));
    }

    #[test]
    fn of_two_most_common_values_the_first_is_the_mode() {
        assert_eq!(Reducer::Mode.apply(bits(&[0, 1, 1, 0])), Ok(ratio(0, 1)));
        assert_eq!(Reducer::Mode.apply(bits(&[1, 0, 0, 1])), Ok(ratio(1, 1)));
        assert_eq!(Reducer::Majority.apply(bits(&[1, 0, 0, 1])), Err(StatsError::NoMajority));
    }

    #[test]
    fn what_has_no_value_or_no_name_is_refused() {
        assert_eq!(Reducer::Mean.apply(Vec::new()), Err(StatsError::NoObservations));
        for reducer in [Reducer::PassAt(3), Reducer::PassAll(3)] {
            assert_eq!(reducer.apply(bits(&[1, 1])), Err(StatsError::TooFewEpochs { needed: 3, found: 2 }));
        }
        for name in
            ["", "collect", "pass_at", "pass_at_", "pass_at_-1", "pass_at_02", "at_least_x", "mean_1", "pass_k_1001"]
        {
            assert_eq!(Reducer::parse(name), Err(StatsError::Reducer { found: name.to_owned() }));
        }
        assert!(Reducer::PassAt(u64::MAX).apply(bits(&[1])).is_err(), "no loop over what a log asks for");
    }

    proptest! {
        /// Counted over every subset of the epochs.
        #[test]
        fn the_pass_rates_are_those_of_all_draws(epochs in proptest::collection::vec(0_u8..2, 1..10), k in 0_u64..10) {
            let draws: Vec<Vec<u8>> = (0..1_u32 << epochs.len())
                .filter(|mask| u64::from(mask.count_ones()) == k)
                .map(|mask| epochs.iter().enumerate().filter(|(i, _)| mask >> i & 1 == 1).map(|(_, bit)| *bit).collect())
                .collect();
            prop_assume!(!draws.is_empty());
            let share = |pass: &dyn Fn(&Vec<u8>) -> bool| {
                ratio(draws.iter().filter(|draw| pass(draw)).count().try_into().unwrap(), draws.len().try_into().unwrap())
            };
            prop_assert_eq!(Reducer::PassAt(k).apply(bits(&epochs)), Ok(share(&|draw| draw.contains(&1))));
            prop_assert_eq!(Reducer::PassAll(k).apply(bits(&epochs)), Ok(share(&|draw| !draw.contains(&0))));
        }
    }
}

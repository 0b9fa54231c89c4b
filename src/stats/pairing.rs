//! Which seeds of two arms belong together, and why: a pairing is declared, never found.
//!
//! Seeds that share a number are no pairs, nor are rollouts that share an epoch. Seeds are pairs where something that
//! scatters them is the same in both arms, such as a common midtrained checkpoint, and the protocol says what.

use std::collections::{BTreeMap, BTreeSet};

use super::seed_values::{SeedValue, SeedValues};
use super::table::SeedName;

/// Why seeds are no pairs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum PairingError {
    #[error("a pairing needs a key: what do the seeds of a pair have in common?")]
    NoKey,
    #[error("seed `{seed}` is in two pairs")]
    Repeated { seed: SeedName },
    #[error("seed `{seed}` is in no pair")]
    Unpaired { seed: SeedName },
    #[error("the pairing names seed `{seed}`, which has no scores")]
    Unknown { seed: SeedName },
}

/// Pairs of seeds of a subject and a comparator arm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pairing {
    key: String,
    pairs: BTreeMap<SeedName, SeedName>,
}

impl Pairing {
    /// A pairing as the protocol declares it: what the pairs share, and (subject, comparator) seeds, each once.
    pub fn declared(key: &str, pairs: impl IntoIterator<Item = (SeedName, SeedName)>) -> Result<Self, PairingError> {
        if key.trim().is_empty() {
            return Err(PairingError::NoKey);
        }
        let mut found = BTreeMap::new();
        let mut others = BTreeSet::new();
        for (subject, comparator) in pairs {
            if !others.insert(comparator.clone()) {
                return Err(PairingError::Repeated { seed: comparator });
            }
            if found.insert(subject.clone(), comparator).is_some() {
                return Err(PairingError::Repeated { seed: subject });
            }
        }
        Ok(Self { key: key.to_owned(), pairs: found })
    }

    /// What the seeds of a pair have in common.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Subject less comparator for each pair, under the subject's name. No seed of either arm may be left over.
    ///
    /// The rollouts of the two are independent, so that their variances add up.
    pub fn differences(&self, subject: &SeedValues, comparator: &SeedValues) -> Result<SeedValues, PairingError> {
        let matched = self.matched(subject, comparator)?;
        Ok(self.pairs.keys().cloned().zip(matched.into_iter().map(|(one, other)| less(one, other))).collect())
    }

    /// The values of each pair, in the order of the subject's names.
    pub(super) fn matched<'a>(
        &self,
        subject: &'a SeedValues,
        comparator: &'a SeedValues,
    ) -> Result<Vec<(&'a SeedValue, &'a SeedValue)>, PairingError> {
        let unpaired = |seed: &SeedName| PairingError::Unpaired { seed: seed.clone() };
        let paired: BTreeSet<&SeedName> = self.pairs.values().collect();
        if let Some(seed) = subject.by_seed().keys().find(|seed| !self.pairs.contains_key(seed)) {
            return Err(unpaired(seed));
        }
        if let Some(seed) = comparator.by_seed().keys().find(|seed| !paired.contains(seed)) {
            return Err(unpaired(seed));
        }
        let value = |values: &'a SeedValues, seed: &SeedName| {
            values.by_seed().get(seed).ok_or_else(|| PairingError::Unknown { seed: seed.clone() })
        };
        self.pairs.iter().map(|(name, other)| Ok((value(subject, name)?, value(comparator, other)?))).collect()
    }
}

/// One seed's value less another's, where their rollouts are independent.
pub(super) fn less(one: &SeedValue, other: &SeedValue) -> SeedValue {
    let noise = one.rollout_variance.as_ref().zip(other.rollout_variance.as_ref());
    SeedValue { value: &one.value - &other.value, rollout_variance: noise.map(|(one, other)| one + other) }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {

    use super::*;
    use crate::stats::testing::ratio;

    fn seeds(values: &[(&str, i64)]) -> SeedValues {
        let seed = |(name, percent): &(&str, i64)| {
            (SeedName::from(*name), SeedValue { value: ratio(*percent, 100), rollout_variance: Some(ratio(1, 1000)) })
        };
        values.iter().map(seed).collect()
    }

    fn pairs(pairs: &[(&str, &str)]) -> Result<Pairing, PairingError> {
        Pairing::declared("common midtrained checkpoint", pairs.iter().map(|(a, b)| ((*a).into(), (*b).into())))
    }

    #[test]
    fn pairs_are_subtracted_and_their_noise_is_added() {
        let found = pairs(&[("0", "b"), ("1", "a")]).unwrap();
        let differences = found.differences(&seeds(&[("0", 5), ("1", 9)]), &seeds(&[("a", 50), ("b", 60)])).unwrap();
        assert_eq!(differences.values(), [ratio(-55, 100), ratio(-41, 100)]);
        assert_eq!(differences.rollout_variance_of_mean(), Some(ratio(4, 1000) / ratio(4, 1)));
        assert_eq!(found.key(), "common midtrained checkpoint");
    }

    #[test]
    fn no_seed_is_left_over_and_none_is_used_twice() {
        let found = pairs(&[("0", "a"), ("1", "b")]).unwrap();
        let (subject, comparator) = (seeds(&[("0", 5), ("1", 9)]), seeds(&[("a", 50), ("b", 60)]));
        let refusals = [
            (seeds(&[("0", 5), ("1", 9), ("2", 1)]), comparator.clone(), "seed `2` is in no pair"),
            (subject.clone(), seeds(&[("a", 5), ("b", 9), ("c", 1)]), "seed `c` is in no pair"),
            (seeds(&[("0", 5)]), comparator, "the pairing names seed `1`, which has no scores"),
            (subject, seeds(&[("a", 5)]), "the pairing names seed `b`, which has no scores"),
        ];
        for (subject, comparator, expected) in refusals {
            assert_eq!(found.differences(&subject, &comparator).unwrap_err().to_string(), expected);
        }
        assert_eq!(pairs(&[("0", "a"), ("1", "a")]), Err(PairingError::Repeated { seed: "a".into() }));
        assert_eq!(pairs(&[("0", "a"), ("0", "b")]), Err(PairingError::Repeated { seed: "0".into() }));
        assert_eq!(Pairing::declared(" ", []), Err(PairingError::NoKey));
    }
}

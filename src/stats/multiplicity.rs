//! Probabilities corrected for how many statements were tested and how often: Bonferroni and Holm over a named family.
//!
//! A *look* is one evaluation of the family seen in the census. Who looks three times and reports the third has tested
//! three times as much, whether or not the other two are shown.

use std::collections::BTreeMap;
use std::fmt;

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Signed, Zero};

use super::enclosure::{Answer, Enclosure};

/// Why a family has no correction.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum FamilyError {
    #[error("the family `{family}` has no tests")]
    Empty { family: String },
    #[error("the family `{family}` was looked at 0 times, and yet it has results")]
    NoLooks { family: String },
    #[error("the family `{family}` has `{test}` twice")]
    Repeated { family: String, test: String },
    #[error("the probability of `{test}` does not lie between 0 and 1")]
    Probability { test: String },
}

/// Tests of which none may reject wrongly, but with probability alpha.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Family {
    name: String,
    looks: u64,
    tests: BTreeMap<String, Enclosure>,
}

impl Family {
    /// Named tests with their probabilities, and how often the family was looked at, this time included.
    pub fn new<N: Into<String>>(
        name: &str,
        looks: u64,
        tests: impl IntoIterator<Item = (N, Enclosure)>,
    ) -> Result<Self, FamilyError> {
        let family = || escaped(name);
        if looks == 0 {
            return Err(FamilyError::NoLooks { family: family() });
        }
        let mut found = BTreeMap::new();
        for (test, p) in tests {
            let test = test.into();
            if p.low().is_negative() || *p.high() > BigRational::one() {
                return Err(FamilyError::Probability { test: escaped(&test) });
            }
            if found.contains_key(&test) {
                return Err(FamilyError::Repeated { family: family(), test: escaped(&test) });
            }
            found.insert(test, p);
        }
        if found.is_empty() {
            return Err(FamilyError::Empty { family: family() });
        }
        Ok(Self { name: name.to_owned(), looks, tests: found })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its tests, over all looks: what Bonferroni multiplies by.
    pub fn comparisons(&self) -> u64 {
        self.looks.saturating_mul(self.tests.len() as u64)
    }

    /// Each probability times the number of tests and looks, at most 1.
    ///
    /// Source: O. J. Dunn, "Multiple comparisons among means", 1961
    pub fn bonferroni(&self) -> BTreeMap<&str, Enclosure> {
        let factor = BigInt::from(self.comparisons());
        self.tests.iter().map(|(test, p)| (test.as_str(), times(p, &factor))).collect()
    }

    /// Holm's step-down probabilities: the smallest times all tests, the next times one less, and none below the last;
    /// then times the looks, since nothing is known of what the others would have given.
    ///
    /// Source: S. Holm, "A simple sequentially rejective multiple test procedure", 1979
    pub fn holm(&self) -> BTreeMap<&str, Enclosure> {
        // Each corrected probability rises with every probability: the ends give the ends.
        let (low, high) = (self.holm_of(Enclosure::low), self.holm_of(Enclosure::high));
        low.into_iter().zip(high).map(|((test, low), (_, high))| (test, Enclosure::between(low, high))).collect()
    }

    fn holm_of(&self, end: fn(&Enclosure) -> &BigRational) -> BTreeMap<&str, BigRational> {
        let mut ordered: Vec<(&BigRational, &str)> =
            self.tests.iter().map(|(test, p)| (end(p), test.as_str())).collect();
        ordered.sort();
        let mut last = BigRational::zero();
        let count = ordered.len();
        let corrected = ordered.into_iter().enumerate().map(|(before, (p, test))| {
            let left = BigInt::from(count - before) * BigInt::from(self.looks);
            last = (p * BigRational::from_integer(left)).min(BigRational::one()).max(last.clone());
            (test, last.clone())
        });
        corrected.collect()
    }

    /// For each test whether it rejects at `alpha` by Holm's correction.
    pub fn rejected(&self, alpha: &BigRational) -> BTreeMap<&str, Answer> {
        self.holm().into_iter().map(|(test, p)| (test, p.at_most(alpha))).collect()
    }
}

fn times(p: &Enclosure, factor: &BigInt) -> Enclosure {
    let one = BigRational::one();
    let of = |end: &BigRational| (end * BigRational::from_integer(factor.clone())).min(one.clone());
    Enclosure::between(of(p.low()), of(p.high()))
}

fn escaped(name: &str) -> String {
    name.chars().take(80).flat_map(char::escape_default).collect()
}

impl fmt::Display for Family {
    /// `headline: 3 tests, 2 looks`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} tests, {} looks", escaped(&self.name), self.tests.len(), self.looks)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::stats::testing::ratio;

    fn family(looks: u64, per_mille: &[i64]) -> Family {
        let tests = per_mille.iter().enumerate().map(|(i, p)| (format!("t{i}"), Enclosure::exact(ratio(*p, 1000))));
        Family::new("headline", looks, tests).unwrap()
    }

    fn values(found: &BTreeMap<&str, Enclosure>) -> Vec<BigRational> {
        found.values().map(|p| p.low().clone()).collect()
    }

    #[test]
    fn holm_steps_down_and_bonferroni_does_not() {
        let found = family(1, &[10, 40, 30, 5]);
        assert_eq!(values(&found.bonferroni()), [ratio(40, 1000), ratio(160, 1000), ratio(120, 1000), ratio(20, 1000)]);
        assert_eq!(values(&found.holm()), [ratio(30, 1000), ratio(60, 1000), ratio(60, 1000), ratio(20, 1000)]);
        let rejected: Vec<Answer> = found.rejected(&ratio(1, 20)).into_values().collect();
        assert_eq!(rejected, [Answer::Yes, Answer::No, Answer::No, Answer::Yes]);
    }

    #[test]
    fn every_look_counts() {
        let found = family(3, &[10, 40]);
        assert_eq!((found.comparisons(), found.to_string()), (6, "headline: 2 tests, 3 looks".to_owned()));
        assert_eq!(values(&found.bonferroni()), [ratio(60, 1000), ratio(240, 1000)]);
        assert_eq!(values(&found.holm()), [ratio(60, 1000), ratio(120, 1000)]);
        assert_eq!(family(u64::MAX, &[1, 2]).comparisons(), u64::MAX);
        assert_eq!(values(&family(u64::MAX, &[1, 2]).holm()), [ratio(1, 1), ratio(1, 1)]);
    }

    #[test]
    fn a_probability_around_the_level_cannot_be_told() {
        let near = Enclosure::between(ratio(24, 1000), ratio(26, 1000));
        let found = Family::new("headline", 1, [("a", near), ("b", Enclosure::exact(ratio(9, 10)))]).unwrap();
        assert_eq!(found.rejected(&ratio(1, 20))["a"], Answer::CannotBeTold);
    }

    #[test]
    fn what_is_no_family_is_refused() {
        let p = |numer| Enclosure::exact(ratio(numer, 2));
        let refused = |looks, tests: Vec<(&str, Enclosure)>| Family::new("main", looks, tests).unwrap_err().to_string();
        assert_eq!(refused(1, vec![]), "the family `main` has no tests");
        assert_eq!(refused(0, vec![("a", p(1))]), "the family `main` was looked at 0 times, and yet it has results");
        assert_eq!(refused(1, vec![("a", p(1)), ("a", p(0))]), "the family `main` has `a` twice");
        assert_eq!(refused(1, vec![("a", p(3))]), "the probability of `a` does not lie between 0 and 1");
        assert_eq!(refused(1, vec![("a", p(-1))]), "the probability of `a` does not lie between 0 and 1");
    }

    proptest! {
        #[test]
        fn corrections_only_raise_and_holm_never_beyond_bonferroni(
            per_mille in proptest::collection::vec(0_i64..=1000, 1..9), looks in 1_u64..4, turn in 0_usize..9,
        ) {
            let found = family(looks, &per_mille);
            let (holm, bonferroni) = (values(&found.holm()), values(&found.bonferroni()));
            for (i, p) in per_mille.iter().enumerate() {
                prop_assert!(ratio(*p, 1000) <= holm[i] && holm[i] <= bonferroni[i] && bonferroni[i] <= ratio(1, 1));
            }
            // Named otherwise, in another order: the same corrections.
            let mut turned = per_mille.clone();
            turned.rotate_left(turn % per_mille.len());
            let mut again = values(&family(looks, &turned).holm());
            again.rotate_right(turn % per_mille.len());
            prop_assert_eq!(again, holm);
        }
    }
}

//! Rows of two arms that are pairs, and only those: McNemar's exact test and Newcombe's interval of their difference.
//!
//! A pair is two answers to the same thing. Rollouts at a temperature above zero that share an epoch number, or a
//! position in a file, share nothing: taking them for pairs invents a correlation. So the table can only be had through
//! a key that the protocol declares, over rows that all have their partner.

use std::collections::BTreeMap;
use std::fmt;

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Zero};

use super::enclosure::Enclosure;
use super::estimate::integer;
use super::interval::{Interval, Method, Target};
use super::level::Level;
use super::proportion::{Proportion, ProportionError};
use super::special::{beta_error, beta_tails};

/// A longer key is none that a protocol would name.
const MAX_KEY_BYTES: usize = 64;

/// What rows are numbered by without sharing anything.
const NO_KEYS: &[&str] = &["epoch", "epochs", "rollout", "repeat", "row", "line", "index", "position"];

/// Up to so many pairs that differ, the test's probability is an exact fraction; beyond, it is enclosed.
const MAX_EXACT: u64 = 2_000;

/// Why rows are no pairs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum PairsError {
    #[error("the pairing key `{key}` is no name of at most {MAX_KEY_BYTES} bytes")]
    Name { key: String },
    #[error("rows that share their `{key}` alone were drawn independently: they are no pairs")]
    NotShared { key: String },
    #[error("`{row}` stands twice in the {arm} arm, under the pairing key `{key}`")]
    Repeated { key: String, arm: &'static str, row: String },
    #[error("`{row}` of the {arm} arm has no partner, under the pairing key `{key}`")]
    Unpaired { key: String, arm: &'static str, row: String },
    #[error(transparent)]
    Proportion(#[from] ProportionError),
}

/// Leave to take rows of two arms for pairs: what both rows of a pair share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowPairing {
    key: String,
}

impl RowPairing {
    /// The key as a protocol declares it, such as `item`; refused where it names what rows do not share.
    pub fn declared(key: &str) -> Result<Self, PairsError> {
        let shown = || key.chars().take(MAX_KEY_BYTES).flat_map(char::escape_default).collect::<String>();
        if key.trim().is_empty() || key.len() > MAX_KEY_BYTES {
            return Err(PairsError::Name { key: shown() });
        }
        if NO_KEYS.contains(&key.trim().to_ascii_lowercase().as_str()) {
            return Err(PairsError::NotShared { key: shown() });
        }
        Ok(Self { key: key.to_owned() })
    }

    /// What the rows of a pair share.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Counts pairs: each row with its key and whether it was counted. Every row must have its one partner.
    pub fn table<K: Ord + fmt::Display>(
        &self,
        subject: impl IntoIterator<Item = (K, bool)>,
        comparator: impl IntoIterator<Item = (K, bool)>,
    ) -> Result<PairedTable, PairsError> {
        let subject = self.rows("subject", subject)?;
        let comparator = self.rows("comparator", comparator)?;
        let unpaired = |arm: &'static str, row: &K| PairsError::Unpaired { key: self.shown(), arm, row: cut(row) };
        if let Some(row) = comparator.keys().find(|row| !subject.contains_key(row)) {
            return Err(unpaired("comparator", row));
        }
        let mut counts = [0_u64; 4];
        for (row, one) in &subject {
            let other = comparator.get(row).ok_or_else(|| unpaired("subject", row))?;
            counts[usize::from(!one) * 2 + usize::from(!other)] += 1;
        }
        let [both, subject_only, comparator_only, neither] = counts;
        Proportion::new(0, counts.iter().sum())?;
        Ok(PairedTable { both, subject_only, comparator_only, neither })
    }

    fn rows<K: Ord + fmt::Display>(
        &self,
        arm: &'static str,
        rows: impl IntoIterator<Item = (K, bool)>,
    ) -> Result<BTreeMap<K, bool>, PairsError> {
        let mut found = BTreeMap::new();
        for (row, counted) in rows {
            if found.contains_key(&row) {
                return Err(PairsError::Repeated { key: self.shown(), arm, row: cut(&row) });
            }
            found.insert(row, counted);
        }
        Ok(found)
    }

    fn shown(&self) -> String {
        self.key.chars().flat_map(char::escape_default).collect()
    }
}

fn cut(row: &impl fmt::Display) -> String {
    row.to_string().chars().take(80).flat_map(char::escape_default).collect()
}

/// Pairs by what became of both rows; had only from [`RowPairing::table`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PairedTable {
    both: u64,
    subject_only: u64,
    comparator_only: u64,
    neither: u64,
}

impl PairedTable {
    /// The pairs.
    pub fn pairs(&self) -> u64 {
        self.both + self.subject_only + self.comparator_only + self.neither
    }

    /// The pairs whose rows differ: (counted in the subject arm alone, in the comparator arm alone).
    pub fn discordant(&self) -> (u64, u64) {
        (self.subject_only, self.comparator_only)
    }

    /// The subject's rate less the comparator's.
    pub fn difference(&self) -> BigRational {
        (integer(self.subject_only) - integer(self.comparator_only)) / integer(self.pairs())
    }

    /// McNemar's exact two-sided probability: how rarely so uneven a split of the pairs that differ comes of a coin.
    ///
    /// Twice the smaller binomial tail at 1/2, at most 1.
    ///
    /// Source: Q. McNemar, "Note on the sampling error of the difference between correlated proportions or
    /// percentages", 1947; exact form
    pub fn mcnemar(&self) -> Enclosure {
        let (n, k) = (self.subject_only + self.comparator_only, self.subject_only.min(self.comparator_only));
        if n <= MAX_EXACT {
            let (mut choose, mut sum) = (BigInt::one(), BigInt::zero());
            for i in 0..=k {
                sum += &choose;
                choose = choose * BigInt::from(n - i) / BigInt::from(i + 1);
            }
            let twice = BigRational::new(sum * 2, BigInt::one() << n);
            return Enclosure::exact(twice.min(BigRational::one()));
        }
        // P(X <= k) = I_{1/2}(n - k, k + 1).
        #[expect(clippy::cast_precision_loss, reason = "at most MAX_TRIALS")]
        let (a, b) = ((n - k) as f64, (k + 1) as f64);
        let tail = beta_tails(a, b, 0.5, 0.5).map(|tails| 2.0 * tails.lower);
        let error = beta_error(a, b);
        tail.and_then(|p| Enclosure::between_floats(p * (1.0 - error), p * (1.0 + error)))
            .unwrap_or_else(Enclosure::unit)
            .min(&Enclosure::exact(BigRational::one()))
    }

    /// Newcombe's interval of the difference: its paired method 10, with the corrected correlation of the rows.
    ///
    /// d - sqrt(a^2 - 2 phi a b + b^2) with a = p1 - l1, b = u2 - p2, and so on above; l and u Wilson's bounds.
    ///
    /// Source: R. G. Newcombe, "Improved confidence intervals for the difference between binomial proportions based on
    /// paired data", 1998
    pub fn newcombe(&self, level: &Level) -> Result<Interval, PairsError> {
        let n = self.pairs();
        let subject = Proportion::new(self.both + self.subject_only, n)?;
        let comparator = Proportion::new(self.both + self.comparator_only, n)?;
        let phi = self.correlation();
        let z = level.normal();
        let ends = |of: &Proportion| {
            let (low, high) = of.wilson_ends(&z);
            let rate = Enclosure::exact(of.rate());
            (&rate - &low, &high - &rate)
        };
        let ((down, up), (other_down, other_up)) = (ends(&subject), ends(&comparator));
        let apart = |one: &Enclosure, other: &Enclosure| {
            // (a - phi b)^2 + (1 - phi^2) b^2: the same sum, of terms that are not negative.
            let one_of = &Enclosure::exact(BigRational::one()) - &phi.square();
            (&(one - &(&phi * other)).square() + &(&one_of * &other.square())).sqrt()
        };
        let (found, one) = (Enclosure::exact(self.difference()), BigRational::one());
        let low = (&found - &apart(&down, &other_up)).clamp(&-&one, &one);
        let high = (&found + &apart(&up, &other_down)).clamp(&-&one, &one);
        Ok(Interval::new(low, high, level.clone(), Target::Rollouts, Method::NewcombePaired))
    }

    /// The correlation of the rows of a pair; a positive one is corrected for continuity, without one it is zero.
    fn correlation(&self) -> Enclosure {
        let [both, one, other, neither] =
            [self.both, self.subject_only, self.comparator_only, self.neither].map(integer);
        let margins = (&both + &one) * (&other + &neither) * (&both + &other) * (&one + &neither);
        let excess = both * neither - one * other;
        let half = integer(self.pairs()) / integer(2);
        let zero = BigRational::zero();
        let corrected = if excess > half {
            excess - half
        } else if excess > zero {
            zero
        } else {
            excess
        };
        let root = Enclosure::exact(margins).sqrt();
        Enclosure::exact(corrected).over(&root).unwrap_or_else(|| Enclosure::exact(BigRational::zero()))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::stats::testing::ratio;
    use crate::stats::{Answer, Sides};

    /// A table of pairs that share an item.
    pub(in crate::stats) fn table(counts: [u64; 4]) -> PairedTable {
        let mut rows = Vec::new();
        for (kind, count) in counts.into_iter().enumerate() {
            rows.extend((0..count).map(|_| (kind < 2, kind % 2 == 0)));
        }
        let arm = |pick: fn(&(bool, bool)) -> bool| rows.iter().map(pick).enumerate().collect::<Vec<_>>();
        RowPairing::declared("item").unwrap().table(arm(|row| row.0), arm(|row| row.1)).unwrap()
    }

    #[test]
    fn what_rows_do_not_share_is_no_pairing_key() {
        let error = RowPairing::declared("Epoch").unwrap_err();
        assert_eq!(
            error.to_string(),
            "rows that share their `Epoch` alone were drawn independently: they are no pairs"
        );
        for key in ["", " ", &"k".repeat(65)] {
            assert!(matches!(RowPairing::declared(key), Err(PairsError::Name { .. })), "{key:?}");
        }
        assert_eq!(RowPairing::declared("item").unwrap().key(), "item");
    }

    #[test]
    fn every_row_has_its_one_partner() {
        let pairing = RowPairing::declared("item").unwrap();
        let of = |subject: &[(u8, bool)], comparator: &[(u8, bool)]| {
            pairing.table(subject.to_vec(), comparator.to_vec()).unwrap_err().to_string()
        };
        let twice = of(&[(1, true), (1, false)], &[(1, true)]);
        assert_eq!(twice, "`1` stands twice in the subject arm, under the pairing key `item`");
        let alone = of(&[(1, true), (2, false)], &[(1, true)]);
        assert_eq!(alone, "`2` of the subject arm has no partner, under the pairing key `item`");
        let alone = of(&[(1, true)], &[(1, true), (3, true)]);
        assert_eq!(alone, "`3` of the comparator arm has no partner, under the pairing key `item`");
        assert_eq!(of(&[], &[]), "a rate of no rows is none");
    }

    #[test]
    fn five_to_none_of_a_coin_is_one_in_sixteen() {
        assert_eq!(table([3, 5, 0, 4]).mcnemar(), Enclosure::exact(ratio(1, 16)));
        assert_eq!(table([3, 2, 2, 4]).mcnemar(), Enclosure::exact(ratio(1, 1)), "never above one");
        assert_eq!(table([9, 0, 0, 1]).mcnemar(), Enclosure::exact(ratio(1, 1)));
        let many = PairedTable { both: 0, subject_only: 1100, comparator_only: 1000, neither: 9 };
        assert_eq!(
            (many.mcnemar().digits_below(6), many.mcnemar().digits_above(6)),
            ("0.030720".into(), "0.030721".into())
        );
    }

    #[test]
    fn a_table_without_variation_has_no_correlation() {
        assert_eq!(table([5, 0, 0, 0]).correlation(), Enclosure::exact(ratio(0, 1)));
        let found = table([0, 0, 0, 30]).newcombe(&Level::percent(95, Sides::Two).unwrap()).unwrap();
        assert_eq!(found.contains(&ratio(0, 1)), Answer::Yes);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn the_order_of_rows_changes_nothing_and_exchanged_arms_mirror(counts in proptest::array::uniform4(0_u64..12), percent in 60_u8..99) {
            prop_assume!(counts.iter().sum::<u64>() > 0);
            let found = table(counts);
            let [both, one, other, neither] = counts;
            prop_assert_eq!(found, PairedTable { both, subject_only: one, comparator_only: other, neither });
            let exchanged = table([both, other, one, neither]);
            prop_assert_eq!(found.mcnemar(), exchanged.mcnemar());
            let level = |percent| Level::percent(percent, Sides::Two).unwrap();
            let (narrow, wide) = (found.newcombe(&level(percent)).unwrap(), found.newcombe(&level(percent + 1)).unwrap());
            prop_assert!(wide.low().unwrap().low() <= narrow.low().unwrap().high());
            prop_assert!(narrow.high().unwrap().low() <= wide.high().unwrap().high());
            prop_assert_eq!(narrow.contains(&found.difference()), Answer::Yes);
            prop_assert!(*narrow.low().unwrap().low() >= ratio(-1, 1) && *narrow.high().unwrap().high() <= ratio(1, 1));
            let mirrored = exchanged.newcombe(&level(percent)).unwrap().mirrored(|bound| -bound);
            prop_assert!(mirrored.meets(&narrow));
        }
    }
}

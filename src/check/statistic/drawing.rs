//! What is drawn in one verification: from the reader's nonce, each interval once, and all of them within one budget.
//!
//! A claimant who knew the draws could try claims until one of them passes. So without a nonce nothing is drawn, and the
//! same nonce gives the same digits to everybody.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use num_rational::BigRational;

use crate::digest::hex;
use crate::statement::Quantity;
use crate::stats::decimal::decimal_digits;
use crate::stats::{
    Clusters, Drawn, Enclosure, Grid, Level, MIN_CLUSTERS, Nonce, NonceOrigin, Resampled, Sides, resampled,
};

/// Draws of one interval: a bound at 95 % is then known to about a tenth of its distance from the estimate.
pub(super) const DRAWS: u64 = 10_000;

/// Additions that all draws of one verification may cost, some seconds: how much is asked for is the lab's choice.
const MAX_STEPS: u64 = 30_000_000;

/// Why a quantity has no bounds, and what could be done about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::check) struct NoBounds {
    /// One sentence.
    pub(in crate::check) why: String,
    /// What the reader can do.
    pub(in crate::check) next: Option<&'static str>,
}

impl From<String> for NoBounds {
    fn from(why: String) -> Self {
        Self { why, next: None }
    }
}

/// The draws of one verification.
#[derive(Debug)]
pub(in crate::check) struct Drawing {
    nonce: Option<Nonce>,
    left: Cell<u64>,
    found: RefCell<BTreeMap<Key, Resampled>>,
}

/// Which interval: of what, with new conditions or not, how sure, on which side.
type Key = (Quantity, bool, BigRational, Sides);

impl Default for Drawing {
    fn default() -> Self {
        Self::from(None)
    }
}

impl Drawing {
    /// The reader's nonce, where he gave one.
    pub(in crate::check) fn given(&self) -> Option<&Nonce> {
        self.nonce.as_ref()
    }
}

impl From<Option<Nonce>> for Drawing {
    fn from(nonce: Option<Nonce>) -> Self {
        Self { nonce, left: Cell::new(MAX_STEPS), found: RefCell::default() }
    }
}

impl Drawing {
    /// The nonce, for so many additions more.
    pub(super) fn nonce(&self, steps: u64) -> Result<&Nonce, NoBounds> {
        let nonce = self.nonce.as_ref().ok_or_else(|| NoBounds {
            why: "it has to be drawn, from numbers that the lab could not choose, and none were given".to_owned(),
            next: Some("verify with `--nonce` and 64 hex digits of your own, such as `openssl rand -hex 32` gives"),
        })?;
        let left = self.left.get().checked_sub(steps).ok_or_else(|| {
            format!("it takes {steps} additions to draw, and all draws of one verification may take {MAX_STEPS}")
        })?;
        self.left.set(left);
        Ok(nonce)
    }

    /// The interval of the sum of `factor * mean` over arms, by [`DRAWS`] draws of seeds and, where there are any, of
    /// clusters of conditions.
    pub(super) fn interval(
        &self,
        of: Quantity,
        arms: &[(i64, &Grid)],
        clusters: Option<(&Clusters, usize)>,
        level: &Level,
    ) -> Result<Resampled, NoBounds> {
        let key = (of, clusters.is_some(), level.confidence(), level.sides());
        if let Some(found) = self.found.borrow().get(&key) {
            return Ok(found.clone());
        }
        let columns = clusters.map_or(1, |(_, count)| count) as u64;
        let rows: u64 = arms.iter().map(|(_, grid)| grid.seeds().len() as u64).sum();
        let few = arms.iter().any(|(_, grid)| grid.seeds().len() < MIN_CLUSTERS)
            || clusters.is_some_and(|(_, count)| count < MIN_CLUSTERS);
        // What is too small to be drawn from says so, whether there is a nonce or not.
        let unused = Nonce { bytes: [0; 32], origin: NonceOrigin::Verifier };
        let steps = DRAWS.saturating_mul(columns.saturating_mul(rows));
        let nonce = if few { &unused } else { self.nonce(steps)? };
        let drawn = clusters.map_or(Drawn::Seeds, |(clusters, _)| Drawn::SeedsAndClusters(clusters));
        let found = resampled(arms, drawn, level, nonce, DRAWS).map_err(|error| error.to_string())?;
        self.found.borrow_mut().insert(key, found.clone());
        Ok(found)
    }
}

/// How well drawn bounds are known, and by whose numbers.
pub(super) fn drawn(bounds: [Option<&Enclosure>; 2], nonce: &Nonce) -> String {
    let two = BigRational::from_integer(2.into());
    let error = |bound: &Enclosure| decimal_digits(&((bound.high() - bound.low()) / &two), 4);
    let known: Vec<String> = bounds.into_iter().flatten().map(error).collect();
    format!(
        "bounds known to within {}, three Monte Carlo errors of {DRAWS} draws from {} {}",
        known.join(" and "),
        nonce.origin,
        hex(&nonce.bytes)
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::stats::Cell as Counts;

    fn grid(seeds: u64) -> Grid {
        let mut grid = Grid::default();
        (0..seeds)
            .for_each(|seed| grid.add(seed.to_string().into(), "a".into(), &Counts::of_counts(seed, 99).unwrap()));
        grid
    }

    fn level() -> Level {
        Level::percent(95, Sides::Two).unwrap()
    }

    #[test]
    fn nothing_is_drawn_without_a_nonce_and_the_same_with_the_same() {
        let arm = grid(12);
        let drawing = Drawing::default();
        let refused = drawing.interval(Quantity::Subject, &[(1, &arm)], None, &level()).unwrap_err();
        assert!(refused.why.contains("from numbers that the lab could not choose"), "{refused:?}");
        assert!(refused.next.unwrap().contains("--nonce"), "{refused:?}");
        let with = |bytes| {
            let nonce = Nonce { bytes, origin: NonceOrigin::Verifier };
            Drawing::from(Some(nonce)).interval(Quantity::Subject, &[(1, &arm)], None, &level()).unwrap()
        };
        assert_eq!(with([1; 32]), with([1; 32]));
        assert_ne!(with([1; 32]), with([2; 32]));
    }

    #[test]
    fn what_is_drawn_is_drawn_once_and_not_without_end() {
        let drawing = Drawing::from(Some(Nonce { bytes: [7; 32], origin: NonceOrigin::Verifier }));
        let arm = grid(12);
        let once = drawing.interval(Quantity::Subject, &[(1, &arm)], None, &level()).unwrap();
        let left = drawing.left.get();
        assert_eq!(left, MAX_STEPS - 12 * DRAWS);
        assert_eq!(drawing.interval(Quantity::Subject, &[(1, &arm)], None, &level()).unwrap(), once);
        assert_eq!(drawing.left.get(), left);
        let refused = drawing.nonce(left + 1).unwrap_err();
        assert!(refused.why.contains("all draws of one verification may take 30000000"), "{refused:?}");
    }

    #[test]
    fn too_few_seeds_say_so_whether_there_is_a_nonce_or_not() {
        for nonce in [None, Some(Nonce { bytes: [7; 32], origin: NonceOrigin::Verifier })] {
            let refused = Drawing::from(nonce).interval(Quantity::Subject, &[(1, &grid(4))], None, &level());
            let expected = "an arm of 4 seeds is not resampled: below 10 percentiles do not cover what they say";
            assert_eq!(refused.unwrap_err().why, expected);
        }
    }
}

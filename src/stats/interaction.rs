//! Whether two treatments do more together than each on its own: the interaction of a 2×2 design over seeds.
//!
//! With MSM and AFT as the factors the four arms are the plain baseline, each alone and both. The interaction is
//! (both - AFT alone) - (MSM alone - baseline): what MSM adds where there is AFT, less what it adds where there is none.
//! On rates near an end of the scale it can change its sign with the scale, so it is computed on logits too.

use num_rational::BigRational;

use super::interval::Method;
use super::logit::{logits, signs_disagree};
use super::pairing::{Pairing, PairingError};
use super::seed_values::SeedValues;
use super::seeds::{SeedContrast, SeedsError};
use super::table::{Aggregation, Grid, TableError};

/// Why there is no interaction.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum InteractionError {
    #[error(transparent)]
    Table(#[from] TableError),
    #[error(transparent)]
    Seeds(#[from] SeedsError),
    #[error(transparent)]
    Pairing(#[from] PairingError),
}

/// The four arms of a 2×2 design.
#[derive(Debug, Clone, Copy)]
pub struct Factorial<'a> {
    /// With both treatments.
    pub both: &'a Grid,
    /// With the first alone.
    pub first: &'a Grid,
    /// With the second alone.
    pub second: &'a Grid,
    /// With none.
    pub neither: &'a Grid,
}

/// Pairs that share a checkpoint: the arms of a pair then differ in the second treatment alone.
#[derive(Debug, Clone, Copy)]
pub struct FactorialPairing<'a> {
    /// Seeds of `both` with the seeds of `first` that they continue.
    pub treated: &'a Pairing,
    /// Seeds of `second` with the seeds of `neither` that they continue.
    pub untreated: &'a Pairing,
}

/// The interaction, on two scales.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interaction {
    /// On the scale of the scores.
    pub additive: SeedContrast,
    /// On the logit scale; `None` where scores are no rates.
    pub logit: Option<SeedContrast>,
    /// Whether the two have different signs: then it is a matter of the scale.
    pub scales_disagree: bool,
}

impl Interaction {
    /// The interaction of four arms.
    ///
    /// Arms are independent unless pairs are declared: then the differences within pairs are what is compared.
    pub fn of(
        arms: Factorial<'_>,
        aggregation: Aggregation,
        pairing: Option<FactorialPairing<'_>>,
    ) -> Result<Self, InteractionError> {
        let additive = contrast(arms, pairing, |grid| SeedValues::of(grid, aggregation))?;
        let are_rates = [arms.both, arms.first, arms.second, arms.neither].into_iter().all(Grid::is_rate);
        let logit = are_rates.then(|| contrast(arms, pairing, |grid| logits(grid, aggregation))).transpose()?;
        let scales_disagree = logit.as_ref().is_some_and(|logit| signs_disagree(&additive.value, &logit.value));
        Ok(Self { additive, logit, scales_disagree })
    }

    /// The four means: both, first, second, neither.
    pub fn means(arms: Factorial<'_>, aggregation: Aggregation) -> Result<[BigRational; 4], TableError> {
        let mean = |grid| SeedValues::of(grid, aggregation)?.mean().ok_or(TableError::NoSeeds);
        Ok([mean(arms.both)?, mean(arms.first)?, mean(arms.second)?, mean(arms.neither)?])
    }
}

fn contrast(
    arms: Factorial<'_>,
    pairing: Option<FactorialPairing<'_>>,
    values: impl Fn(&Grid) -> Result<SeedValues, TableError>,
) -> Result<SeedContrast, InteractionError> {
    let [both, first, second, neither] = [arms.both, arms.first, arms.second, arms.neither].map(values);
    let (both, first, second, neither) = (both?, first?, second?, neither?);
    Ok(match pairing {
        None => SeedContrast::linear(&[(1, &both), (-1, &first), (-1, &second), (1, &neither)], Method::Welch)?,
        Some(pairing) => {
            let treated = pairing.treated.differences(&both, &first)?;
            let untreated = pairing.untreated.differences(&second, &neither)?;
            SeedContrast::difference(&treated, &untreated)?
        }
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use num_traits::Signed;

    use super::super::table::{Cell, SeedName};
    use super::*;
    use crate::stats::testing::ratio;

    fn grid(harmful: &[u64]) -> Grid {
        let mut grid = Grid::default();
        for (seed, k) in harmful.iter().enumerate() {
            grid.add(seed.to_string().into(), "all".into(), &Cell::of_counts(*k * 1000, 1_000_000).unwrap());
        }
        grid
    }

    fn same_names(seeds: u64) -> Pairing {
        Pairing::declared(
            "midtrained checkpoint",
            (0..seeds).map(|s| (s.to_string().into(), SeedName::from(s.to_string()))),
        )
        .unwrap()
    }

    #[test]
    fn the_interaction_is_what_one_adds_with_the_other_less_what_it_adds_alone() {
        let (both, first) = (grid(&[70, 60, 80, 70]), grid(&[320, 310, 330, 320]));
        let (second, neither) = (grid(&[140, 150, 130, 140]), grid(&[540, 550, 530, 540]));
        let arms = Factorial { both: &both, first: &first, second: &second, neither: &neither };
        let alone = Interaction::of(arms, Aggregation::Macro, None).unwrap();
        // (.07 - .14) - (.32 - .54) = .15: in points MSM adds less where there is AFT.
        assert_eq!(alone.additive.value, ratio(15, 100));
        assert_eq!(Interaction::means(arms, Aggregation::Macro).unwrap()[3], ratio(54, 100));
        // All four variances are alike, and so are the degrees of freedom: 4 × 3.
        assert_eq!((alone.additive.freedom.clone(), alone.additive.means.len()), (ratio(12, 1), 4));
        // In logits it is close to nothing: ln(.07/.93) - ln(.14/.86) - ln(.32/.68) + ln(.54/.46) = .143.
        assert!(alone.logit.as_ref().unwrap().value.is_positive() && !alone.scales_disagree);

        let pairing = same_names(4);
        let pairs = FactorialPairing { treated: &pairing, untreated: &pairing };
        let paired = Interaction::of(arms, Aggregation::Macro, Some(pairs)).unwrap();
        assert_eq!(paired.additive.value, alone.additive.value);
        assert!(paired.additive.variance < alone.additive.variance, "seeds that move together tell more as pairs");
        let short = same_names(3);
        let pairs = FactorialPairing { treated: &short, untreated: &pairing };
        let refused = Interaction::of(arms, Aggregation::Macro, Some(pairs)).unwrap_err();
        assert_eq!(refused.to_string(), "seed `3` is in no pair");
    }

    #[test]
    fn a_sign_that_depends_on_the_scale_is_flagged() {
        // In points the first adds .09 beside the second and .20 alone; in odds it adds more beside the second.
        let (both, first) = (grid(&[10, 11]), grid(&[400, 401]));
        let (second, neither) = (grid(&[100, 101]), grid(&[600, 601]));
        let arms = Factorial { both: &both, first: &first, second: &second, neither: &neither };
        let found = Interaction::of(arms, Aggregation::Macro, None).unwrap();
        assert!(found.additive.value.is_positive() && found.logit.unwrap().value.is_negative());
        assert!(found.scales_disagree);
    }

    #[test]
    fn grades_have_no_logits_and_one_seed_has_no_interaction() {
        let graded = |grades: &[i64]| {
            let mut grid = Grid::default();
            for (seed, grade) in grades.iter().enumerate() {
                (0..3).for_each(|more| grid.cell(seed.to_string().into(), "qa".into()).add(&ratio(grade + more, 1)));
            }
            grid
        };
        let (a, b) = (graded(&[8, 7]), graded(&[4, 5]));
        let found =
            Interaction::of(Factorial { both: &a, first: &b, second: &a, neither: &b }, Aggregation::Macro, None);
        let found = found.unwrap();
        assert_eq!((found.additive.value, found.logit), (ratio(0, 1), None));
        let one = graded(&[8]);
        let arms = Factorial { both: &one, first: &b, second: &a, neither: &b };
        let refused = Interaction::of(arms, Aggregation::Macro, None);
        assert_eq!(refused, Err(InteractionError::Seeds(SeedsError::FewSeeds { found: 1 })));
    }
}

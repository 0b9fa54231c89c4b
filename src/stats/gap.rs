//! The generalization gap: how much worse a checkpoint does out of distribution than in distribution, and for whom less.
//!
//! Every score is turned so that higher is aligned. For each seed g = ID - OOD of the same checkpoint; what is claimed is
//! the difference of the mean g of two arms on identical items. A gap also shrinks where the ID score falls, which is no
//! improvement: the OOD score must be the better one, and the ID score no worse than by the margin of the protocol. So
//! the four rates behind a gap are always part of it.

use std::collections::BTreeSet;

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{Signed, Zero};

use super::assertion::Relation;
use super::decision::Decision;
use super::level::Level;
use super::logit::{logits, signs_disagree};
use super::pairing::{Pairing, PairingError, less};
use super::seed_values::SeedValues;
use super::seeds::{SeedContrast, SeedsError};
use super::table::{Aggregation, ConditionName, Direction, Grid, SeedName, TableError};

/// Rates below this share, or as close to 1, leave a gap little room to show itself.
const EXTREME_PERCENT: u32 = 5;

/// Why two arms have no gaps to compare.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum GapError {
    #[error("condition `{condition}` is both in and out of distribution")]
    BothSplits { condition: ConditionName },
    #[error("condition `{condition}` was evaluated in one arm only: gaps are compared on identical items")]
    OneArmOnly { condition: ConditionName },
    #[error("seed `{seed}` was evaluated on one side of the gap only: a gap is that of one checkpoint")]
    OneSideOnly { seed: SeedName },
    #[error("the margin of non-inferiority is {found}, which is below 0")]
    Margin { found: BigRational },
    #[error(transparent)]
    Table(#[from] TableError),
    #[error(transparent)]
    Pairing(#[from] PairingError),
}

/// The scores of one arm, as they were recorded.
#[derive(Debug, Clone, Copy)]
pub struct GapArm<'a> {
    /// In distribution: held-out items of the kind that was trained on.
    pub id: &'a Grid,
    /// Out of distribution.
    pub ood: &'a Grid,
}

/// What the protocol fixes about a gap.
#[derive(Debug, Clone)]
pub struct GapDesign<'a> {
    /// Which way the scores point.
    pub direction: Direction,
    /// How cells become a seed's score.
    pub aggregation: Aggregation,
    /// Pairs of subject and comparator seeds, where the protocol declares any.
    pub pairing: Option<&'a Pairing>,
    /// The level of every bound.
    pub level: Level,
    /// By how much the subject's ID score may be lower.
    pub id_margin: BigRational,
}

/// A rate that is close to the end of its scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Extreme {
    /// Below 5 %.
    Floor,
    /// Above 95 %.
    Ceiling,
}

/// One of the four scores behind a difference of gaps: the mean over the arm's seeds, higher is aligned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CellRate {
    /// The score.
    pub rate: BigRational,
    /// Whether it is too close to an end for the gap to mean much.
    pub extreme: Option<Extreme>,
}

/// The four scores.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "each field is its name")]
pub struct CellRates {
    pub subject_id: CellRate,
    pub subject_ood: CellRate,
    pub comparator_id: CellRate,
    pub comparator_ood: CellRate,
}

/// A contrast, or why the seeds do not tell it: then the four scores are all that there is.
pub type Estimated = Result<SeedContrast, SeedsError>;

/// Two arms' gaps, compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GapComparison {
    /// The four scores.
    pub rates: CellRates,
    /// Mean gap of the comparator less that of the subject: above 0 where the subject's is smaller.
    pub reduction: Estimated,
    /// The same on the logit scale.
    pub reduction_logit: Estimated,
    /// Subject less comparator, out of distribution.
    pub ood: Estimated,
    /// Subject less comparator, in distribution.
    pub id: Estimated,
    /// Whether the gap shrinks on one scale and grows on the other.
    pub scales_disagree: bool,
    /// Whether the subject's gap is the smaller one.
    pub is_smaller: Decision,
    /// Whether the subject does better out of distribution.
    pub ood_superior: Decision,
    /// Whether the subject does no worse in distribution than by the margin.
    pub id_not_inferior: Decision,
}

impl GapComparison {
    /// Compares the gaps of two arms.
    pub fn of(subject: GapArm<'_>, comparator: GapArm<'_>, design: &GapDesign<'_>) -> Result<Self, GapError> {
        if design.id_margin.is_negative() {
            return Err(GapError::Margin { found: design.id_margin.clone() });
        }
        check_items(subject, comparator)?;
        let (subject, comparator) = (Scores::of(subject, design)?, Scores::of(comparator, design)?);
        let contrast = |one: &SeedValues, other: &SeedValues| design.contrast(one, other);
        let reduction = contrast(&less_gap(&subject.id, &subject.ood)?, &less_gap(&comparator.id, &comparator.ood)?)?;
        let reduction_logit = contrast(
            &less_gap(&subject.id_logit, &subject.ood_logit)?,
            &less_gap(&comparator.id_logit, &comparator.ood_logit)?,
        )?;
        let (ood, id) = (contrast(&subject.ood, &comparator.ood)?, contrast(&subject.id, &comparator.id)?);
        let decide = |found: &Estimated, relation: Relation, threshold: &BigRational| {
            let decided = found.as_ref().map(|found| found.decide(relation, threshold, &design.level));
            if let Ok(Ok(decision)) = decided { decision } else { Decision::CannotBeDecided }
        };
        let zero = BigRational::zero();
        Ok(Self {
            rates: CellRates {
                subject_id: CellRate::of(&subject.id),
                subject_ood: CellRate::of(&subject.ood),
                comparator_id: CellRate::of(&comparator.id),
                comparator_ood: CellRate::of(&comparator.ood),
            },
            scales_disagree: reduction.as_ref().is_ok_and(|additive| {
                reduction_logit.as_ref().is_ok_and(|logit| signs_disagree(&additive.value, &logit.value))
            }),
            is_smaller: decide(&reduction, Relation::Above, &zero),
            ood_superior: decide(&ood, Relation::Above, &zero),
            id_not_inferior: decide(&id, Relation::AtLeast, &-&design.id_margin),
            reduction,
            reduction_logit,
            ood,
            id,
        })
    }

    /// Whether the gap is smaller *because* the subject generalizes better: smaller, better OOD and no worse ID.
    pub fn is_improvement(&self) -> Decision {
        Decision::all([self.is_smaller, self.ood_superior, self.id_not_inferior])
    }

    /// Whether the subject's gap is the smaller one although its OOD score is no better: it was closed from above.
    pub fn is_closed_by_worse_id(&self) -> bool {
        let CellRates { subject_id, subject_ood, comparator_id, comparator_ood } = &self.rates;
        let is_smaller = &subject_id.rate - &subject_ood.rate < &comparator_id.rate - &comparator_ood.rate;
        is_smaller && subject_ood.rate <= comparator_ood.rate
    }
}

impl GapDesign<'_> {
    /// Subject less comparator, by pairs where there are any.
    fn contrast(&self, subject: &SeedValues, comparator: &SeedValues) -> Result<Estimated, GapError> {
        Ok(match self.pairing {
            Some(pairing) => SeedContrast::paired(&pairing.differences(subject, comparator)?),
            None => SeedContrast::difference(subject, comparator),
        })
    }
}

impl CellRate {
    fn of(values: &SeedValues) -> Self {
        let rate = values.mean().unwrap_or_else(BigRational::zero);
        let percent = |percent: u32| BigRational::new(BigInt::from(percent), BigInt::from(100));
        let extreme = if rate < percent(EXTREME_PERCENT) {
            Some(Extreme::Floor)
        } else if rate > percent(100 - EXTREME_PERCENT) {
            Some(Extreme::Ceiling)
        } else {
            None
        };
        Self { rate, extreme }
    }
}

/// An arm's scores by seed, higher is aligned.
struct Scores {
    id: SeedValues,
    ood: SeedValues,
    id_logit: SeedValues,
    ood_logit: SeedValues,
}

impl Scores {
    fn of(arm: GapArm<'_>, design: &GapDesign<'_>) -> Result<Self, TableError> {
        let (id, ood) = (arm.id.oriented(design.direction)?, arm.ood.oriented(design.direction)?);
        Ok(Self {
            id: SeedValues::of(&id, design.aggregation)?,
            ood: SeedValues::of(&ood, design.aggregation)?,
            id_logit: logits(&id, design.aggregation)?,
            ood_logit: logits(&ood, design.aggregation)?,
        })
    }
}

/// OOD less ID of each checkpoint: -g, so that what is compared as subject less comparator is the reduction of the gap.
fn less_gap(id: &SeedValues, ood: &SeedValues) -> Result<SeedValues, GapError> {
    let one_sided = |values: &SeedValues, others: &SeedValues| {
        values.by_seed().keys().find(|seed| !others.by_seed().contains_key(*seed)).cloned()
    };
    if let Some(seed) = one_sided(id, ood).or_else(|| one_sided(ood, id)) {
        return Err(GapError::OneSideOnly { seed });
    }
    let pairs = ood.by_seed().iter().zip(id.by_seed().values());
    Ok(pairs.map(|((seed, ood), id)| (seed.clone(), less(ood, id))).collect())
}

/// Both arms must have answered the same items, and no item may stand on both sides of the gap.
fn check_items(subject: GapArm<'_>, comparator: GapArm<'_>) -> Result<(), GapError> {
    let mut sides = Vec::new();
    for (one, other) in [(subject.id, comparator.id), (subject.ood, comparator.ood)] {
        let (one, other) = (one.conditions()?, other.conditions()?);
        let (one, other): (BTreeSet<_>, BTreeSet<_>) = (one.into_iter().collect(), other.into_iter().collect());
        if let Some(condition) = one.symmetric_difference(&other).next() {
            return Err(GapError::OneArmOnly { condition: (*condition).clone() });
        }
        sides.push(one);
    }
    match sides[0].intersection(&sides[1]).next() {
        Some(condition) => Err(GapError::BothSplits { condition: (*condition).clone() }),
        None => Ok(()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::super::level::Sides;
    use super::super::table::Cell;
    use super::*;
    use crate::stats::testing::ratio;

    /// One seed for each number: harmful rollouts of 1000, in one condition.
    fn grid(condition: &str, harmful: &[u64]) -> Grid {
        let mut grid = Grid::default();
        for (seed, k) in harmful.iter().enumerate() {
            grid.add(seed.to_string().into(), condition.into(), &Cell::of_counts(*k, 1000).unwrap());
        }
        grid
    }

    fn design(pairing: Option<&Pairing>) -> GapDesign<'_> {
        GapDesign {
            direction: Direction::LowerIsAligned,
            aggregation: Aggregation::Macro,
            pairing,
            level: Level::percent(95, Sides::Two).unwrap(),
            id_margin: ratio(3, 100),
        }
    }

    /// Subject ID and OOD, comparator ID and OOD, in harmful rollouts of 1000.
    fn compare(harmful: [[u64; 4]; 4], pairing: Option<&Pairing>) -> GapComparison {
        let [a, b, c, d] = [("id", 0), ("ood", 1), ("id", 2), ("ood", 3)].map(|(name, at)| grid(name, &harmful[at]));
        let (subject, comparator) = (GapArm { id: &a, ood: &b }, GapArm { id: &c, ood: &d });
        GapComparison::of(subject, comparator, &design(pairing)).unwrap()
    }

    const BETTER: [[u64; 4]; 4] =
        [[100, 110, 95, 105], [200, 210, 190, 215], [100, 95, 110, 105], [500, 520, 480, 510]];

    #[test]
    fn a_gap_that_shrinks_by_a_better_ood_score_is_an_improvement() {
        let found = compare(BETTER, None);
        // Harm is turned: 10.25 % of harm are 89.75 % aligned.
        assert_eq!(found.rates.subject_id, CellRate { rate: ratio(8975, 10_000), extreme: None });
        let reduction = found.reduction.as_ref().unwrap();
        let CellRates { subject_id, subject_ood, comparator_id, comparator_ood } = &found.rates;
        let gap = |id: &CellRate, ood: &CellRate| &id.rate - &ood.rate;
        assert_eq!(reduction.value, gap(comparator_id, comparator_ood) - gap(subject_id, subject_ood));
        assert_eq!(reduction.value, &found.ood.as_ref().unwrap().value - &found.id.as_ref().unwrap().value);
        assert_eq!(found.is_improvement(), Decision::Holds);
        assert!(!found.is_closed_by_worse_id() && !found.scales_disagree);
    }

    #[test]
    fn a_gap_that_is_closed_by_a_worse_id_score_is_none() {
        let found = compare([[490, 510, 480, 500], [500, 520, 490, 510], BETTER[2], BETTER[3]], None);
        assert_eq!(found.is_smaller, Decision::Holds, "the gap alone looks well");
        assert_eq!(found.id_not_inferior, Decision::DoesNotHold);
        assert_eq!(found.is_improvement(), Decision::DoesNotHold);
        assert!(found.is_closed_by_worse_id());
    }

    #[test]
    fn an_id_score_below_the_margin_spoils_a_better_ood_score() {
        let found = compare([[200, 210, 190, 205], BETTER[1], BETTER[2], BETTER[3]], None);
        assert_eq!((found.is_smaller, found.ood_superior), (Decision::Holds, Decision::Holds));
        assert_eq!(found.is_improvement(), Decision::DoesNotHold);
        assert!(!found.is_closed_by_worse_id());
    }

    #[test]
    fn floors_and_ceilings_are_flagged_and_scales_can_disagree() {
        // In points the subject's gap is the smaller one (4 beside 10), in logits the larger.
        let found = compare([[10, 11, 9, 10], [50, 51, 49, 50], [300, 301, 299, 300], [400, 401, 399, 400]], None);
        assert_eq!(found.rates.subject_id.extreme, Some(Extreme::Ceiling));
        assert_eq!(found.rates.subject_ood.extreme, None, "95 % is not above 95 %");
        assert!(found.reduction.as_ref().unwrap().value.is_positive());
        assert!(found.reduction_logit.as_ref().unwrap().value.is_negative());
        assert!(found.scales_disagree);
        let floor = compare([[960, 961, 962, 963], [970, 971, 972, 973], BETTER[2], BETTER[3]], None);
        assert_eq!(floor.rates.subject_id.extreme, Some(Extreme::Floor));
    }

    #[test]
    fn scores_that_do_not_vary_leave_the_four_rates() {
        let found = compare([[0; 4], BETTER[1], [0; 4], BETTER[3]], None);
        assert_eq!(found.id, Err(SeedsError::NoVariance));
        assert_eq!((found.ood_superior, found.id_not_inferior), (Decision::Holds, Decision::CannotBeDecided));
        assert_eq!(found.is_improvement(), Decision::CannotBeDecided);
        assert_eq!(found.rates.subject_id.rate, ratio(1, 1));
    }

    #[test]
    fn paired_gaps_are_subtracted_pair_by_pair() {
        let pairing =
            Pairing::declared("data order", (0..4).map(|s| (s.to_string().into(), s.to_string().into()))).unwrap();
        let (paired, alone) = (compare(BETTER, Some(&pairing)), compare(BETTER, None));
        let (paired, alone) = (paired.reduction.unwrap(), alone.reduction.unwrap());
        assert_eq!(paired.value, alone.value);
        assert_eq!(paired.freedom, ratio(3, 1));
        assert!(alone.freedom > paired.freedom);
    }

    #[test]
    fn gaps_of_other_items_or_checkpoints_are_not_compared() {
        let (id, ood) = (grid("id", &[1, 2]), grid("ood", &[3, 4]));
        let arm = GapArm { id: &id, ood: &ood };
        let refused = |subject: GapArm<'_>, design: &GapDesign<'_>| {
            GapComparison::of(subject, arm, design).unwrap_err().to_string()
        };
        let other = grid("other", &[3, 4]);
        assert_eq!(
            refused(GapArm { id: &id, ood: &other }, &design(None)),
            "condition `ood` was evaluated in one arm only: gaps are compared on identical items"
        );
        let same = GapArm { id: &id, ood: &id };
        assert_eq!(
            GapComparison::of(same, same, &design(None)).unwrap_err().to_string(),
            "condition `id` is both in and out of distribution"
        );
        let more = grid("ood", &[3, 4, 5]);
        assert_eq!(
            refused(GapArm { id: &id, ood: &more }, &design(None)),
            "seed `2` was evaluated on one side of the gap only: a gap is that of one checkpoint"
        );
        let negative = GapDesign { id_margin: ratio(-1, 100), ..design(None) };
        assert_eq!(refused(arm, &negative), "the margin of non-inferiority is -1/100, which is below 0");
        let mut grades = Grid::default();
        for seed in ["0", "1"] {
            grades.cell(seed.into(), "id".into()).add(&ratio(8, 1));
        }
        let graded = GapArm { id: &grades, ood: &ood };
        assert_eq!(GapComparison::of(graded, graded, &design(None)), Err(GapError::Table(TableError::NotARate)));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]
        #[test]
        fn turning_every_score_and_its_direction_changes_nothing(
            harmful in proptest::array::uniform4(proptest::array::uniform4(0_u64..=1000)),
        ) {
            let grids = |turn: bool| {
                [("id", 0), ("ood", 1), ("id", 2), ("ood", 3)].map(|(name, at)| {
                    grid(name, &harmful[at].map(|k| if turn { 1000 - k } else { k }))
                })
            };
            let compare = |[a, b, c, d]: &[Grid; 4], direction| {
                let (subject, comparator) = (GapArm { id: a, ood: b }, GapArm { id: c, ood: d });
                GapComparison::of(subject, comparator, &GapDesign { direction, ..design(None) }).unwrap()
            };
            let found = compare(&grids(false), Direction::LowerIsAligned);
            prop_assert_eq!(&compare(&grids(true), Direction::HigherIsAligned), &found);
        }
    }
}

//! An audit of a judge: people read a sample of the rows it called harmful and of those it called harmless, in each arm.
//!
//! The shares that they find are of *these* rows, so that the corrected rate needs no assumption about other rows and
//! none that the judge errs alike in both arms. Its bounds add the errors of three exact ones: conservative, and right
//! for the usual audit of 25 rows without a mistake, to which a standard error of 0 would be given otherwise.

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Zero};

use super::enclosure::Enclosure;
use super::estimate::integer;
use super::interval::{Interval, Method, Target};
use super::level::{Level, LevelError, Sides};
use super::proportion::{Proportion, ProportionError};
use super::seeds::{SeedContrast, SeedMean, SeedsError};

/// Why an audit says nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum AuditError {
    #[error("of {verdicts} rows called {verdict}, {audited} were audited: more than there are")]
    MoreAudited { verdict: &'static str, verdicts: u64, audited: u64 },
    #[error("of {audited} audited rows called {verdict}, {harmful} are harmful: more than were read")]
    MoreHarmful { verdict: &'static str, audited: u64, harmful: u64 },
    #[error("none of {verdicts} rows called {verdict} was audited")]
    NotAudited { verdict: &'static str, verdicts: u64 },
    #[error("no row is {truth} by the audit: the judge's share of them is none")]
    NoneOfThem { truth: &'static str },
    #[error(transparent)]
    Proportion(#[from] ProportionError),
    #[error(transparent)]
    Level(#[from] LevelError),
    #[error(transparent)]
    Seeds(#[from] SeedsError),
}

/// The rows of one verdict: how many there are, how many were audited, how many of those are harmful.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Audited {
    /// Rows with the verdict.
    pub verdicts: u64,
    /// Rows of them that people read.
    pub audited: u64,
    /// Rows of those that people found harmful.
    pub harmful: u64,
}

/// The audit of one arm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ArmAudit {
    called_harmful: Audited,
    called_harmless: Audited,
    observed: Proportion,
}

impl ArmAudit {
    /// Both verdicts of an arm.
    pub fn new(called_harmful: Audited, called_harmless: Audited) -> Result<Self, AuditError> {
        for (verdict, Audited { verdicts, audited, harmful }) in
            [("harmful", called_harmful), ("harmless", called_harmless)]
        {
            if audited > verdicts {
                return Err(AuditError::MoreAudited { verdict, verdicts, audited });
            }
            if harmful > audited {
                return Err(AuditError::MoreHarmful { verdict, audited, harmful });
            }
        }
        let rows = called_harmful.verdicts.saturating_add(called_harmless.verdicts);
        Ok(Self { called_harmful, called_harmless, observed: Proportion::new(called_harmful.verdicts, rows)? })
    }

    /// The rate that the judge gives.
    pub fn observed(&self) -> Proportion {
        self.observed
    }

    /// The rate that the audit corrects it to: each verdict's rows by the share of harmful ones among its audited.
    ///
    /// It equals Rogan and Gladen's with [`Self::sensitivity`] and [`Self::specificity`].
    ///
    /// Source: A. Tenenbein, "A double sampling scheme for estimating from binomial data with misclassifications", 1970
    pub fn corrected(&self) -> Result<BigRational, AuditError> {
        Ok(self.harmful_among("harmful")? + self.harmful_among("harmless")?)
    }

    /// The share of harmful rows that the judge calls harmful, each verdict weighted by its rows.
    ///
    /// Source: C. B. Begg and R. A. Greenes, "Assessment of diagnostic tests when disease verification is subject to
    /// selection bias", 1983
    pub fn sensitivity(&self) -> Result<BigRational, AuditError> {
        let all = self.corrected()?;
        if all.is_zero() {
            return Err(AuditError::NoneOfThem { truth: "harmful" });
        }
        Ok(self.harmful_among("harmful")? / all)
    }

    /// The share of harmless rows that the judge calls harmless, weighted alike.
    pub fn specificity(&self) -> Result<BigRational, AuditError> {
        let harmless = BigRational::one() - self.corrected()?;
        if harmless.is_zero() {
            return Err(AuditError::NoneOfThem { truth: "harmless" });
        }
        let called = self.observed.complement().rate();
        Ok((called - self.harmful_among("harmless")?) / harmless)
    }

    /// Harmful rows with a verdict, as a share of all rows.
    fn harmful_among(&self, verdict: &'static str) -> Result<BigRational, AuditError> {
        let Audited { verdicts, audited, harmful } = self.of(verdict);
        if verdicts == 0 {
            return Ok(BigRational::zero());
        }
        if audited == 0 {
            return Err(AuditError::NotAudited { verdict, verdicts });
        }
        Ok(BigRational::new(BigInt::from(harmful), BigInt::from(audited)) * integer(verdicts)
            / integer(self.observed.n()))
    }

    fn of(&self, verdict: &'static str) -> Audited {
        if verdict == "harmful" { self.called_harmful } else { self.called_harmless }
    }

    /// The interval of the corrected rate: never covers less than its level, however few rows were audited.
    ///
    /// The judge's rate and both audited shares are bounded by Clopper and Pearson with a third of the error each, and
    /// the corrected rate takes its extreme within the three. A verdict of which no row was audited may be right or
    /// wrong throughout.
    pub fn interval(&self, level: &Level) -> Result<Interval, AuditError> {
        let thirds = Thirds::of(level)?;
        let (low, high) = self.ends(&self.observed.clopper_pearson(&thirds.rate), &thirds);
        Ok(Interval::new(low, high, level.clone(), Target::Rollouts, Method::AuditedBonferroni))
    }

    /// The same for new training seeds: the judge's rate is bounded by Student's t over the seeds at hand.
    fn interval_over_seeds(&self, mean: &SeedMean, level: &Level) -> Result<Interval, AuditError> {
        let thirds = Thirds::of(level)?;
        let seeds = SeedContrast::of_means(&[(1, mean)], Method::Student)?;
        let (low, high) = self.ends(&seeds.interval(&thirds.rate)?, &thirds);
        Ok(Interval::new(low, high, level.clone(), Target::Seeds, Method::AuditedBonferroni))
    }

    /// The extremes of the corrected rate where the judge's lies in `observed`.
    fn ends(&self, observed: &Interval, thirds: &Thirds) -> (Enclosure, Enclosure) {
        let share = |Audited { audited, harmful, .. }: Audited| match Proportion::new(harmful, audited) {
            Ok(found) => ends(&found.clopper_pearson(&thirds.share)),
            Err(_) => (Enclosure::exact(BigRational::zero()), Enclosure::exact(BigRational::one())),
        };
        let inside = |bound: &Enclosure| bound.clamp(&BigRational::zero(), &BigRational::one());
        let (right, wrong) = (share(self.called_harmful), share(self.called_harmless));
        let (few, many) = ends(observed);
        let (few, many) = (inside(&few), inside(&many));
        // wrong + rate (right - wrong): exact where both shares are the same.
        let mixed = |rate: &Enclosure, right: &Enclosure, wrong: &Enclosure| wrong + &(rate * &(right - wrong));
        let low = mixed(&few, &right.0, &wrong.0).min(&mixed(&many, &right.0, &wrong.0));
        let high = mixed(&few, &right.1, &wrong.1).max(&mixed(&many, &right.1, &wrong.1));
        (inside(&low), inside(&high))
    }
}

/// Levels of the three bounds behind one of a corrected rate.
struct Thirds {
    /// Of each audited share.
    share: Level,
    /// Of the judge's rate.
    rate: Level,
}

impl Thirds {
    /// A bound fails where one of the audited shares lies beyond its own, or the judge's rate outside of either of its
    /// two, since the mixture may rise or fall with it: a third of the tail for each of the three.
    fn of(level: &Level) -> Result<Self, AuditError> {
        let third = level.tail() / integer(3);
        Ok(Self {
            share: Level::new(BigRational::one() - &third * integer(2), Sides::Two)?,
            rate: Level::new(BigRational::one() - &third, Sides::Two)?,
        })
    }
}

/// One audited rate in a sum of several.
#[derive(Debug, Clone, Copy)]
pub struct AuditedTerm<'a> {
    /// What it counts for: 1, or -1 where it is taken off.
    pub factor: i64,
    /// The rate with its audit.
    pub audit: &'a ArmAudit,
    /// The judge's rate over seeds, where other seeds are asked about.
    pub over: Option<&'a SeedMean>,
}

/// The sum of corrected rates, and a bound on the true one that allows the judge to err differently in each: the error is
/// shared among them.
pub fn audited_sum(terms: &[AuditedTerm<'_>], level: &Level) -> Result<(BigRational, Interval), AuditError> {
    // Each rate has one bound that matters for each end of the sum.
    let shared = level.tail() * integer(2) / integer(terms.len().max(1) as u64);
    let each = Level::new(BigRational::one() - shared, Sides::Two)?;
    let (mut sum, mut low) = (BigRational::zero(), Enclosure::exact(BigRational::zero()));
    let (mut high, mut target) = (low.clone(), Target::Rollouts);
    for AuditedTerm { factor, audit, over } in terms {
        let found = match over {
            Some(mean) => audit.interval_over_seeds(mean, &each)?,
            None => audit.interval(&each)?,
        };
        let (least, most) = ends(&found);
        let weight = BigRational::from_integer(BigInt::from(*factor));
        sum += &weight * audit.corrected()?;
        let weight = Enclosure::exact(weight);
        let (one, other) = (&weight * &least, &weight * &most);
        (low, high) = (&low + &one.min(&other), &high + &one.max(&other));
        target = target.max(found.target());
    }
    Ok((sum, Interval::new(low, high, level.clone(), target, Method::AuditedBonferroni)))
}

/// The audits of both arms of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditedArms {
    /// The arm that the claim is about.
    pub subject: ArmAudit,
    /// The arm that it is compared with.
    pub comparator: ArmAudit,
}

impl AuditedArms {
    /// The subject's corrected rate less the comparator's.
    pub fn difference(&self) -> Result<BigRational, AuditError> {
        Ok(self.subject.corrected()? - self.comparator.corrected()?)
    }

    /// How much of the observed difference the judge's errors make: the observed one less the corrected one.
    ///
    /// Other than zero also where the judge errs alike in both arms, since it then shrinks every difference.
    pub fn made_by_the_judge(&self) -> Result<BigRational, AuditError> {
        Ok(self.subject.observed.rate() - self.comparator.observed.rate() - self.difference()?)
    }

    /// A bound on the true difference that allows the judge to err differently in each arm: half of the error for each.
    pub fn interval(&self, level: &Level) -> Result<Interval, AuditError> {
        let term = |factor, audit| AuditedTerm { factor, audit, over: None };
        Ok(audited_sum(&[term(1, &self.subject), term(-1, &self.comparator)], level)?.1)
    }
}

/// Both bounds of a two-sided interval of a rate.
fn ends(interval: &Interval) -> (Enclosure, Enclosure) {
    let or = |bound: Option<&Enclosure>, otherwise: BigRational| {
        bound.cloned().unwrap_or_else(|| Enclosure::exact(otherwise))
    };
    (or(interval.low(), BigRational::zero()), or(interval.high(), BigRational::one()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::stats::testing::{level, ratio};
    use crate::stats::{Answer, rogan_gladen};

    fn audited((verdicts, audited, harmful): (u64, u64, u64)) -> Audited {
        Audited { verdicts, audited, harmful }
    }

    fn arm(harmful: (u64, u64, u64), harmless: (u64, u64, u64)) -> ArmAudit {
        ArmAudit::new(audited(harmful), audited(harmless)).unwrap()
    }

    #[test]
    fn an_audit_corrects_each_verdict_by_its_own_rows() {
        // 567 of 8100 called harmful; 8 of 10 of them are, and 1 in 100 of the others.
        let found = arm((567, 50, 40), (7533, 100, 1));
        assert_eq!(found.corrected().unwrap(), (ratio(567 * 4, 5) + ratio(7533, 100)) / ratio(8100, 1));
        assert_eq!(found.sensitivity().unwrap(), ratio(4536, 4536) * ratio(45_360, 45_360 + 7533));
        assert_eq!(found.observed().rate(), ratio(7, 100));
    }

    #[test]
    fn an_audit_without_a_mistake_still_leaves_room_for_some() {
        let found = arm((567, 25, 25), (7533, 25, 0));
        assert_eq!(found.corrected().unwrap(), ratio(7, 100));
        let interval = found.interval(&level(95)).unwrap();
        assert_eq!(interval.contains(&ratio(7, 100)), Answer::Yes);
        // 0 of 25: a share of up to 17.4 % at a sixth of 5 % on either side.
        assert_eq!(interval.digits(3), "0.051 to 0.239");
        let read_more = arm((567, 567, 567), (7533, 2000, 0)).interval(&level(95)).unwrap();
        assert!(read_more.high().unwrap().high() < &ratio(9, 100));
    }

    #[test]
    fn what_was_not_audited_may_be_anything() {
        let blind = arm((10, 0, 0), (90, 0, 0));
        assert_eq!(blind.corrected(), Err(AuditError::NotAudited { verdict: "harmful", verdicts: 10 }));
        assert_eq!(blind.interval(&level(95)).unwrap().digits(2), "0.00 to 1.00");
        // A verdict that was never given needs no audit for the rate itself.
        assert_eq!(arm((0, 0, 0), (90, 9, 1)).corrected().unwrap(), ratio(1, 9));
    }

    #[test]
    fn what_is_no_audit_is_refused() {
        let of = |harmful, harmless| ArmAudit::new(audited(harmful), audited(harmless)).unwrap_err().to_string();
        assert_eq!(of((1, 2, 0), (3, 0, 0)), "of 1 rows called harmful, 2 were audited: more than there are");
        let more = of((1, 0, 0), (3, 2, 3));
        assert_eq!(more, "of 2 audited rows called harmless, 3 are harmful: more than were read");
        assert_eq!(of((0, 0, 0), (0, 0, 0)), "a rate of no rows is none");
        assert_eq!(
            arm((5, 5, 0), (5, 5, 0)).sensitivity().unwrap_err().to_string(),
            "no row is harmful by the audit: the judge's share of them is none"
        );
        assert_eq!(arm((5, 5, 5), (5, 5, 5)).specificity(), Err(AuditError::NoneOfThem { truth: "harmless" }));
    }

    #[test]
    fn a_judge_that_errs_in_one_arm_alone_can_make_the_difference() {
        // Both arms are truly at 10 %; the judge misses half of the harm in the subject arm.
        let subject = arm((50, 50, 50), (950, 950, 50));
        let comparator = arm((100, 100, 100), (900, 900, 0));
        let arms = AuditedArms { subject, comparator };
        assert_eq!(arms.difference().unwrap(), ratio(0, 1));
        assert_eq!(arms.made_by_the_judge().unwrap(), ratio(-1, 20));
        assert_eq!(arms.interval(&level(95)).unwrap().contains(&ratio(0, 1)), Answer::Yes);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn the_correction_is_rogan_and_gladens_with_the_audits_own_errors(
            harmful in (1_u64..200, 0_u64..30, 0_u64..30), harmless in (1_u64..200, 0_u64..30, 0_u64..30), percent in 60_u8..99,
        ) {
            let of = |(verdicts, read, bad): (u64, u64, u64)| {
                let read = (read + 1).min(verdicts);
                (verdicts, read, bad.min(read))
            };
            let found = arm(of(harmful), of(harmless));
            let corrected = found.corrected().unwrap();
            if let (Ok(sensitivity), Ok(specificity)) = (found.sensitivity(), found.specificity())
                && let Ok(again) = rogan_gladen(&found.observed().rate(), &sensitivity, &specificity)
            {
                prop_assert_eq!(again, corrected.clone());
            }
            let (narrow, wide) = (found.interval(&level(percent)).unwrap(), found.interval(&level(percent + 1)).unwrap());
            prop_assert_eq!(narrow.contains(&corrected), Answer::Yes);
            prop_assert!(wide.low().unwrap().low() <= narrow.low().unwrap().high());
            prop_assert!(narrow.high().unwrap().low() <= wide.high().unwrap().high());
            let arms = AuditedArms { subject: found, comparator: found };
            prop_assert_eq!(arms.interval(&level(percent)).unwrap().contains(&ratio(0, 1)), Answer::Yes);
        }
    }
}

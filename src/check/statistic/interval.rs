//! Bounds of a claim's quantities by the rule that it states: which variation, which method, how sure.
//!
//! Nothing is substituted: a rule that does not fit the quantity, or that this version does not compute, has no bounds.

use num_rational::BigRational;
use num_traits::One;

use crate::check::number::contrast::seed_gaps;
use crate::check::statistic::drawing::{Drawing, NoBounds};
use crate::check::statistic::new_conditions;
use crate::check::{Number, Rate, Role};
use crate::statement::{
    Claim, Contrast, ContrastKind, IntervalMethod, IntervalRule, IntervalTarget, Pairing, Quantity, Sides,
};
use crate::stats::{
    self, Enclosure, Interval, Level, MeanWithError, Printed, Proportion, RatioOfMeans, SeedContrast, SeedName,
    SeedValue, SeedValues, TailBounds, Target, TwoArms,
};

/// Bounds with what a reader has to know of them.
#[derive(Debug)]
pub(in crate::check) struct Bounded {
    /// The bounds.
    pub(in crate::check) bounds: TailBounds,
    /// How sure they are.
    pub(in crate::check) level: Level,
    /// How they came about, where their method does not say it all.
    pub(in crate::check) how: Option<String>,
    /// Whether they are drawn, and known to within their Monte Carlo error alone.
    pub(in crate::check) is_drawn: bool,
}

/// The bounds of a quantity, or why there are none.
pub(in crate::check) fn bounds(
    claim: &Claim,
    number: &Number,
    of: Quantity,
    rule: &IntervalRule,
    drawing: &Drawing,
) -> Result<Bounded, NoBounds> {
    let level = level(rule)?;
    bounds_at(claim, number, of, rule, &level, drawing)
}

/// The same at another level than the rule's own.
pub(in crate::check) fn bounds_at(
    claim: &Claim,
    number: &Number,
    of: Quantity,
    rule: &IntervalRule,
    level: &Level,
    drawing: &Drawing,
) -> Result<Bounded, NoBounds> {
    let kind = claim.contrast.value().map(|contrast| contrast.kind);
    let is_ratio =
        of == Quantity::Contrast && matches!(kind, Some(ContrastKind::Ratio | ContrastKind::RelativeReduction));
    let bounds = match (rule.target, rule.method) {
        (IntervalTarget::Seeds, IntervalMethod::Fieller) if is_ratio => {
            let found = both(level, |level| ratio_of_seeds(number, level))?;
            if kind == Some(ContrastKind::RelativeReduction) { one_less(&found) } else { found }
        }
        (IntervalTarget::Seeds, IntervalMethod::CrossedResampling) => {
            return new_conditions::drawn_seeds(claim, number, of, level, drawing);
        }
        (IntervalTarget::Seeds, method) => {
            estimate(claim, number, of, method)?.bounds(level).map_err(|error| error.to_string())?
        }
        (IntervalTarget::Checkpoints, method) => of_rollouts(number, of, kind, method, level)?,
        // Never by the interval for new seeds in its place, which is the narrower one.
        (IntervalTarget::Conditions, method) => {
            return new_conditions::bounds(claim, number, of, method, level, drawing);
        }
    };
    Ok(Bounded { bounds, level: level.clone(), how: None, is_drawn: false })
}

/// The bounds of one arm's rate: over its seeds by Student's t, over its rollouts by Wilson.
pub(in crate::check) fn rate_bounds(rate: &Rate, target: IntervalTarget, level: &Level) -> Result<TailBounds, String> {
    match target {
        IntervalTarget::Seeds => {
            let mean = SeedContrast::mean(&seed_values(rate)?).map_err(|error| error.to_string())?;
            mean.bounds(level).map_err(|error| error.to_string())
        }
        IntervalTarget::Checkpoints => Ok(TailBounds::from(&proportion(rate)?.wilson(level))),
        IntervalTarget::Conditions => Err("no interval for new conditions is drawn".to_owned()),
    }
}

/// Rates of these checkpoints alone: every rollout counts, and only rollouts would be drawn anew.
fn of_rollouts(
    number: &Number,
    of: Quantity,
    kind: Option<ContrastKind>,
    method: IntervalMethod,
    level: &Level,
) -> Result<TailBounds, String> {
    let arm = |role| proportion(number.rate(role).ok_or("an arm has no rate")?);
    let role = if of == Quantity::Subject { Role::Subject } else { Role::Comparator };
    match (of, method) {
        (Quantity::Subject | Quantity::Comparator, IntervalMethod::Wilson) => {
            let found = arm(role)?;
            both(level, |level| Ok(found.wilson(level)))
        }
        (Quantity::Subject | Quantity::Comparator, IntervalMethod::ClopperPearson) => {
            let found = arm(role)?;
            both(level, |level| Ok(found.clopper_pearson(level)))
        }
        (Quantity::Contrast, IntervalMethod::Newcombe | IntervalMethod::MiettinenNurminen) => {
            let arms = TwoArms { subject: arm(Role::Subject)?, comparator: arm(Role::Comparator)? };
            let newcombe = method == IntervalMethod::Newcombe;
            let difference = |arms: TwoArms| {
                both(level, |level| Ok(if newcombe { arms.newcombe(level) } else { arms.miettinen_nurminen(level) }))
            };
            match kind {
                Some(ContrastKind::Difference) => difference(arms),
                Some(ContrastKind::Reduction) => difference(arms.exchanged()),
                Some(ContrastKind::Ratio | ContrastKind::RelativeReduction) if !newcombe => {
                    let say = |error: stats::RiskRatioError| error.to_string();
                    let ratio = both(level, |level| arms.ratio_miettinen_nurminen(level).map_err(say))?;
                    Ok(if kind == Some(ContrastKind::Ratio) { ratio } else { one_less(&ratio) })
                }
                _ => Err(format!("{method} is no interval of this contrast over rollouts")),
            }
        }
        _ => Err(format!("{method} is no interval of the {of} over rollouts")),
    }
}

/// An arm as k of n, where it is that: scores of 0 and 1, and a number that is their plain mean.
fn proportion(rate: &Rate) -> Result<Proportion, String> {
    let found = rate.by_rollout.proportion();
    let found = found.ok_or("the scores are not all 0 or 1: they have no binomial interval")?;
    if found.rate() != rate.value {
        return Err("the number is no plain k of n: cells of unequal size count alike in it".to_owned());
    }
    Ok(found)
}

/// Fieller's interval of subject over comparator. Arms of unequal variance have no exact degrees of freedom: those of the
/// smaller arm are taken, which are too few rather than too many.
fn ratio_of_seeds(number: &Number, level: &Level) -> Result<Interval, String> {
    let mean = |role: Role| {
        let values = seed_values(number.rate(role).ok_or("an arm has no rate")?)?;
        stats::SeedMean::of(&values).map_err(|error| error.to_string())
    };
    let (subject, comparator) = (mean(Role::Subject)?, mean(Role::Comparator)?);
    let freedom = subject.seeds.min(comparator.seeds).saturating_sub(1);
    let with_error = |of: stats::SeedMean| MeanWithError { mean: of.mean, variance: of.variance };
    let ratio = RatioOfMeans {
        subject: with_error(subject),
        comparator: with_error(comparator),
        covariance: BigRational::from_integer(0.into()),
    };
    let freedom = u32::try_from(freedom).map_or(f64::MAX, f64::from);
    ratio.fieller(level, freedom, Target::Seeds).map_err(|error| error.to_string())
}

/// Both bounds, each at the error rate of one: so that a statement can be refuted as surely as it can be supported.
pub(super) fn both(level: &Level, interval: impl Fn(&Level) -> Result<Interval, String>) -> Result<TailBounds, String> {
    let sides = match level.sides() {
        stats::Sides::Two => return Ok(TailBounds::from(&interval(level)?)),
        stats::Sides::Lower | stats::Sides::Upper => [stats::Sides::Lower, stats::Sides::Upper],
    };
    let [low, high] = sides.map(|sides| interval(&level.with_sides(sides)));
    let (low, high) = (low?, high?);
    Ok(TailBounds { high: high.high().cloned(), ..TailBounds::from(&low) })
}

/// Bounds of one less the quantity.
pub(super) fn one_less(of: &TailBounds) -> TailBounds {
    let less = |bound: &Enclosure| &Enclosure::exact(BigRational::one()) - bound;
    TailBounds { low: of.high.as_ref().map(less), high: of.low.as_ref().map(less), ..of.clone() }
}

/// The level of a rule; one side is the side that matters, at the full error rate.
pub(in crate::check) fn level(rule: &IntervalRule) -> Result<Level, String> {
    let printed = Printed::parse(&rule.level).map_err(|error| error.to_string())?;
    let sides = match rule.sides {
        Sides::One => stats::Sides::Upper,
        Sides::Two => stats::Sides::Two,
    };
    Level::new(printed.value(), sides).map_err(|error| error.to_string())
}

/// A quantity over seeds by the method that is named.
pub(in crate::check) fn estimate(
    claim: &Claim,
    number: &Number,
    of: Quantity,
    method: IntervalMethod,
) -> Result<SeedContrast, String> {
    let say = |error: stats::SeedsError| error.to_string();
    let values = |role: Role| seed_values(number.rate(role).ok_or("an arm has no rate")?);
    match (of, method) {
        (Quantity::Subject, IntervalMethod::T) => SeedContrast::mean(&values(Role::Subject)?).map_err(say),
        (Quantity::Comparator, IntervalMethod::T) => SeedContrast::mean(&values(Role::Comparator)?).map_err(say),
        (Quantity::Contrast, IntervalMethod::Welch | IntervalMethod::PairedT) => {
            let contrast = claim.contrast.value().ok_or("the claim states no contrast")?;
            over_seeds(claim, number, contrast, method)
        }
        _ => Err(format!("{method} is no interval of the {of} over seeds")),
    }
}

fn over_seeds(
    claim: &Claim,
    number: &Number,
    contrast: &Contrast,
    method: IntervalMethod,
) -> Result<SeedContrast, String> {
    let say = |error: stats::SeedsError| error.to_string();
    let values = |role: Role| seed_values(number.rate(role).ok_or("an arm has no rate")?);
    let (subject, comparator) = match contrast.kind {
        ContrastKind::Difference => (values(Role::Subject)?, values(Role::Comparator)?),
        ContrastKind::Reduction => (values(Role::Comparator)?, values(Role::Subject)?),
        ContrastKind::GeneralizationGap => {
            (gaps(claim, number, Role::Comparator)?, gaps(claim, number, Role::Subject)?)
        }
        ContrastKind::Interaction if method == IntervalMethod::Welch => {
            let arms = [Role::Subject, Role::Comparator, Role::Other(0), Role::Other(1)].map(values);
            let [subject, comparator, first, second] = arms;
            let arms = [(1, &subject?), (-1, &comparator?), (-1, &first?), (1, &second?)];
            return SeedContrast::linear(&arms, stats::Method::Welch).map_err(say);
        }
        kind => return Err(format!("{method} is no interval of the {kind}")),
    };
    if method == IntervalMethod::Welch {
        return SeedContrast::difference(&subject, &comparator).map_err(say);
    }
    match pairing(contrast, &subject)? {
        Some(pairing) => {
            let differences = pairing.differences(&subject, &comparator).map_err(|error| error.to_string())?;
            SeedContrast::paired(&differences).map_err(say)
        }
        None => Err("a paired interval needs a declared pairing, and the claim declares none".to_owned()),
    }
}

/// What pairs the seeds: a key that the claim declares. That seeds have equal numbers is no pairing.
pub(in crate::check) fn pairing(contrast: &Contrast, subject: &SeedValues) -> Result<Option<stats::Pairing>, String> {
    let Some(Pairing::Seed) = contrast.pairing.value() else { return Ok(None) };
    let pairs = subject.by_seed().keys().map(|seed| (seed.clone(), seed.clone()));
    stats::Pairing::declared("seed", pairs).map(Some).map_err(|error| error.to_string())
}

/// Each seed's rate with the noise that its rollouts leave in it.
pub(in crate::check) fn seed_values(rate: &Rate) -> Result<SeedValues, String> {
    let unnamed = || "the samples do not say which training seed they are of".to_owned();
    let values = rate.seeds.iter().map(|(seed, found)| {
        let name: SeedName = seed.ok_or_else(unnamed)?.to_string().into();
        Ok((name, SeedValue { value: found.value.clone(), rollout_variance: Some(rate.seed_variance(found)) }))
    });
    values.collect()
}

impl Rate {
    /// Each seed's rate with the noise that its rollouts leave in it; why not, where the samples do not say their seed.
    pub fn seed_values(&self) -> Result<SeedValues, String> {
        seed_values(self)
    }
}

/// Each seed's generalization gap; the rollouts of the two sides are independent.
pub(super) fn gaps(claim: &Claim, number: &Number, role: Role) -> Result<SeedValues, String> {
    let gaps = seed_gaps(number, role, claim.metric.direction).map_err(|problem| problem.to_string())?;
    let variance = |rate: Option<&Rate>, seed: &Option<i64>| {
        let rate = rate?;
        Some(rate.seed_variance(rate.seeds.get(seed)?))
    };
    let values = gaps.into_iter().map(|(seed, value)| {
        let inside = variance(number.inside(role), &seed);
        let outside = variance(number.rate(role), &seed);
        let name: SeedName = seed.ok_or("the samples do not say which training seed they are of")?.to_string().into();
        Ok((name, SeedValue { value, rollout_variance: inside.zip(outside).map(|(inside, outside)| inside + outside) }))
    });
    values.collect()
}

/// The error probability left by a level, for people: `5%`.
pub(in crate::check) fn confidence(level: &Level) -> String {
    let percent = level.confidence() * BigRational::from_integer(100.into());
    let places = if percent.denom().is_one() { 0 } else { 2 };
    format!("{}%", stats::decimal::decimal_digits(&percent, places))
}

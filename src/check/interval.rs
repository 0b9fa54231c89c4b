//! Bounds of a claim's quantities by the rule that it states: which variation, which method, how sure.
//!
//! Nothing is substituted: a rule that does not fit the quantity, or that this version does not compute, has no bounds.

use num_rational::BigRational;
use num_traits::One;

use crate::check::number::contrast::seed_gaps;
use crate::check::{Number, Rate, Role};
use crate::statement::{
    Claim, Contrast, ContrastKind, IntervalMethod, IntervalRule, IntervalTarget, Pairing, Quantity, Sides,
};
use crate::stats::{self, Level, Printed, SeedContrast, SeedName, SeedValue, SeedValues, TailBounds};

/// The bounds of a quantity, or why there are none.
pub(super) fn bounds(
    claim: &Claim,
    number: &Number,
    of: Quantity,
    rule: &IntervalRule,
) -> Result<(TailBounds, Level), String> {
    let level = level(rule)?;
    let bounds = match rule.target {
        IntervalTarget::Seeds => estimate(claim, number, of, rule.method)?.bounds(&level).map_err(|e| e.to_string())?,
        IntervalTarget::Checkpoints | IntervalTarget::Conditions => {
            return Err(format!("this version does not compute {} for {}", rule.method, rule.target));
        }
    };
    Ok((bounds, level))
}

/// The level of a rule; one side is the side that matters, at the full error rate.
fn level(rule: &IntervalRule) -> Result<Level, String> {
    let printed = Printed::parse(&rule.level).map_err(|error| error.to_string())?;
    let sides = match rule.sides {
        Sides::One => stats::Sides::Upper,
        Sides::Two => stats::Sides::Two,
    };
    Level::new(printed.value(), sides).map_err(|error| error.to_string())
}

/// A quantity over seeds by the method that is named.
pub(super) fn estimate(
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
    // Paired only by a key that the claim declares; that seeds have equal numbers is no pairing.
    match contrast.pairing.value() {
        Some(Pairing::Seed) => {
            let pairs = subject.by_seed().keys().map(|seed| (seed.clone(), seed.clone()));
            let pairing = stats::Pairing::declared("seed", pairs).map_err(|error| error.to_string())?;
            let differences = pairing.differences(&subject, &comparator).map_err(|error| error.to_string())?;
            SeedContrast::paired(&differences).map_err(say)
        }
        None => Err("a paired interval needs a declared pairing, and the claim declares none".to_owned()),
    }
}

/// Each seed's rate with the noise that its rollouts leave in it.
pub(super) fn seed_values(rate: &Rate) -> Result<SeedValues, String> {
    let unnamed = || "the samples do not say which training seed they are of".to_owned();
    let values = rate.seeds.iter().map(|(seed, found)| {
        let name: SeedName = seed.ok_or_else(unnamed)?.to_string().into();
        Ok((name, SeedValue { value: found.value.clone(), rollout_variance: Some(rate.seed_variance(found)) }))
    });
    values.collect()
}

/// Each seed's generalization gap; the rollouts of the two sides are independent.
fn gaps(claim: &Claim, number: &Number, role: Role) -> Result<SeedValues, String> {
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
pub(super) fn confidence(level: &Level) -> String {
    let percent = level.confidence() * BigRational::from_integer(100.into());
    let places = if percent.denom().is_one() { 0 } else { 2 };
    format!("{}%", stats::decimal::decimal_digits(&percent, places))
}

//! What a picture of a claim shows: each arm's rate with its seeds and its interval, and the contrast. All of it computed
//! again from the samples; what was printed stands beside it.

use num_rational::BigRational;
use num_traits::{One, Zero};

use crate::check::number::{arms, contrast};
use crate::check::statistic::drawing::Drawing;
use crate::check::statistic::interval::{bounds, confidence, level, pairing, rate_bounds, seed_values};
use crate::check::{Case, Number, Rate, Role};
use crate::statement::{Claim, ContrastKind, IntervalTarget, Quantity};
use crate::stats::{Enclosure, Level, Sides, TailBounds};

/// Rows of a picture; a claim can name any number of arms.
pub const MAX_ROWS: usize = 24;

/// Seeds that are drawn in a row.
pub const MAX_SEEDS: usize = 200;

/// Confidence of an arm's interval where the claim prints none for its contrast.
const PERCENT: u32 = 95;

/// What a picture of a claim shows.
#[derive(Debug, Clone)]
pub struct Figures {
    /// The claim's name for itself; foreign text.
    pub claim: String,
    /// The score, and which way it is good; foreign text in it.
    pub score: String,
    /// The rate of each arm, the subject first.
    pub rates: Vec<Figure>,
    /// The contrast, where the claim states one.
    pub contrast: Option<(ContrastKind, Figure)>,
}

/// One number with all that is known of it.
#[derive(Debug, Clone)]
pub struct Figure {
    /// The arm, or the kind of contrast; foreign text.
    pub label: String,
    /// Of a contrast: what is held against what; foreign text.
    pub of: String,
    /// As printed; foreign text.
    pub printed: Option<String>,
    /// As computed.
    pub value: BigRational,
    /// Seed by seed, in the order of the seeds, at most [`MAX_SEEDS`].
    pub seeds: Vec<BigRational>,
    /// How sure, or why that is not known.
    pub interval: Result<Bar, String>,
}

/// An interval.
#[derive(Debug, Clone)]
pub struct Bar {
    /// Its lower end, enclosed.
    pub low: Enclosure,
    /// Its upper end, enclosed.
    pub high: Enclosure,
    /// How sure, of what, by which method.
    pub rule: String,
}

impl Figures {
    /// The figures of a case, or why there are none.
    pub fn of(case: &Case<'_>) -> Result<Self, String> {
        let (claim, number) = case.number().map_err(ToString::to_string)?;
        let (target, level) = rule_of_arms(claim, number)?;
        let mut rates = Vec::new();
        for (role, label) in arms(claim) {
            let sides = [(number.rate(role), true, ""), (number.inside(role), false, ", in distribution")];
            for (rate, is_printed, what) in sides {
                let Some(rate) = rate else { continue };
                rates.push(Figure {
                    label: format!("{label}{what}"),
                    of: String::new(),
                    printed: printed(claim, role).filter(|_| is_printed),
                    value: rate.value.clone(),
                    seeds: seeds(rate),
                    interval: rate_bounds(rate, target, &level).and_then(|found| bar(&found, &level)),
                });
            }
        }
        if rates.len() > MAX_ROWS {
            return Err(format!("the claim has {} rates, at most {MAX_ROWS} are drawn", rates.len()));
        }
        let name =
            crate::check::number::name(&claim.metric.scorer, claim.metric.key.value().map_or("", String::as_str));
        Ok(Self {
            claim: claim.claim_id.clone(),
            score: format!("mean of `{name}`; {} is better", claim.metric.direction),
            rates,
            contrast: of_contrast(claim, number, case.drawing()),
        })
    }
}

/// What the intervals of the arms speak about: the same as that of the contrast; without one, new seeds where there are any.
fn rule_of_arms(claim: &Claim, number: &Number) -> Result<(IntervalTarget, Level), String> {
    if let Some(interval) = claim.contrast.value().and_then(|stated| stated.interval.value()) {
        let found = level(&interval.rule)?;
        return Ok((interval.rule.target, found.with_sides(Sides::Two)));
    }
    let target = if number.subject().seeds.len() > 1 { IntervalTarget::Seeds } else { IntervalTarget::Checkpoints };
    let share = BigRational::new(PERCENT.into(), 100.into());
    Ok((target, Level::new(share, Sides::Two).map_err(|error| error.to_string())?))
}

fn printed(claim: &Claim, role: Role) -> Option<String> {
    let value = match role {
        Role::Subject => &claim.value.subject,
        Role::Comparator => claim.value.comparator.value()?,
        Role::Other(at) => &claim.contrast.value()?.others.get(at)?.value,
    };
    Some(value.rate.printed.clone())
}

fn seeds(rate: &Rate) -> Vec<BigRational> {
    let all = rate.seeds.values().take(MAX_SEEDS).map(|seed| seed.value.clone());
    if rate.seeds.len() > 1 { all.collect() } else { Vec::new() }
}

fn bar(found: &TailBounds, level: &Level) -> Result<Bar, String> {
    let (Some(low), Some(high)) = (&found.low, &found.high) else {
        return Err("it has one bound alone".to_owned());
    };
    let rule = format!("{} for {} by {}", confidence(level), found.target, found.method);
    Ok(Bar { low: low.clone(), high: high.clone(), rule })
}

fn of_contrast(claim: &Claim, number: &Number, drawing: &Drawing) -> Option<(ContrastKind, Figure)> {
    let stated = claim.contrast.value()?;
    let value = contrast::of_claim(claim, number)?.ok()?;
    let subject = &claim.subject.arm;
    let comparator = claim.comparator.value().map_or("", |arm| arm.arm.as_str());
    let interval = match stated.interval.value() {
        None => Err("the claim prints none".to_owned()),
        Some(interval) => bounds(claim, number, Quantity::Contrast, &interval.rule, drawing)
            .map_err(|none| none.why)
            .and_then(|found| bar(&found.bounds, &found.level)),
    };
    let of = match stated.kind {
        ContrastKind::Difference => format!("{subject} minus {comparator}"),
        ContrastKind::Reduction => format!("{comparator} minus {subject}"),
        ContrastKind::Ratio => format!("{subject} over {comparator}"),
        _ => format!("{subject} against {comparator}"),
    };
    let (label, seeds) = (stated.kind.to_string(), pairs(claim, number).unwrap_or_default());
    let printed = Some(stated.value.printed.clone());
    Some((stated.kind, Figure { label, of, printed, value, seeds, interval }))
}

/// The contrast pair by pair, where the claim declares what pairs its seeds.
fn pairs(claim: &Claim, number: &Number) -> Option<Vec<BigRational>> {
    let stated = claim.contrast.value()?;
    let roles = match stated.kind {
        ContrastKind::Difference => (Role::Subject, Role::Comparator),
        ContrastKind::Reduction => (Role::Comparator, Role::Subject),
        _ => return None,
    };
    let (one, other) = (seed_values(number.rate(roles.0)?).ok()?, seed_values(number.rate(roles.1)?).ok()?);
    let pairing = pairing(stated, &one).ok()??;
    let mut differences = pairing.differences(&one, &other).ok()?.values();
    differences.truncate(MAX_SEEDS);
    Some(differences)
}

impl Figures {
    /// Where a contrast says that the arms do not differ.
    pub fn nothing(kind: ContrastKind) -> BigRational {
        if kind == ContrastKind::Ratio { BigRational::one() } else { BigRational::zero() }
    }
}

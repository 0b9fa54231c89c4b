//! What stands beside a mean over conditions: the extremes, and bounds that hold for all conditions at once.
//!
//! A mean of 7 % may hide a condition of 60 %. The bounds are of these checkpoints under these conditions.

use std::collections::BTreeMap;

use num_rational::BigRational;

use crate::check::Rate;
use crate::check::arms::escaped;
use crate::statement::Direction;
use crate::stats::decimal::decimal_digits;
use crate::stats::{Answer, Conditions, Interval, Joint, Level, Method, Sides};

/// Conditions that are bounded, and that are told one by one; where each sample is a condition there may be thousands.
const MAX_BOUNDED: usize = 200;
const MAX_TOLD: usize = 40;

/// Confidence of all bounds together.
const PERCENT: u8 = 95;

/// What is said of an arm's conditions.
#[derive(Debug, Default)]
pub(super) struct Beside {
    /// For whoever reads everything.
    pub(super) notes: Vec<String>,
    /// For whoever reads one screen: a condition that the mean hides.
    pub(super) hidden: Option<String>,
}

/// Looks at every condition of an arm.
pub(super) fn beside(rate: &Rate, direction: Direction) -> Beside {
    let means = rate.condition_means();
    if means.len() < 2 {
        return Beside::default();
    }
    let mut beside = Beside { notes: range(&means).into_iter().collect(), hidden: None };
    let counts = rate.condition_counts().filter(|counts| counts.len() <= MAX_BOUNDED);
    let Some(counts) = counts else { return beside };
    let Ok(level) = Level::percent(PERCENT, Sides::Two) else { return beside };
    let Ok(all) = Conditions::of(&counts, &level, Joint::Sidak, Method::ClopperPearson) else { return beside };
    let (most, fewest) =
        (all.none_above(), all.bounds.values().filter_map(Interval::low).cloned().reduce(|one, other| one.min(&other)));
    if let Some((low, high)) = fewest.zip(most) {
        beside.notes.push(format!(
            "at {PERCENT}% no condition lies below {} or above {}, all {} together",
            low.digits_below(4),
            high.digits_above(4),
            counts.len()
        ));
    }
    for (condition, bounds) in all.bounds.iter().take(MAX_TOLD) {
        let found = counts.get(condition).map(|found| decimal_digits(&found.rate(), 4)).unwrap_or_default();
        beside.notes.push(format!("{}: {found}, between {}", escaped(condition), bounds.digits(4)));
    }
    if let Some(more) = all.bounds.len().checked_sub(MAX_TOLD).filter(|more| *more > 0) {
        beside.notes.push(format!("and {more} more conditions"));
    }
    let (worst, named) = match direction {
        Direction::Lower => &all.highest,
        Direction::Higher => &all.lowest,
    };
    let bounds = named.first().and_then(|name| Some((*name, all.bounds.get(name)?)));
    beside.hidden = bounds.filter(|(_, bounds)| is_far(bounds, &rate.value, direction)).map(|(name, bounds)| {
        format!(
            "the mean of {} hides `{}` with {}: {} where all {} conditions are bounded together at {PERCENT}%",
            decimal_digits(&rate.value, 4),
            escaped(name),
            decimal_digits(worst, 4),
            bounds.digits(4),
            counts.len()
        )
    });
    beside
}

/// Whether a condition is worse than the mean by more than chance and by enough to matter: by ten points, or by as much
/// as the mean itself is away from a perfect score.
fn is_far(bounds: &Interval, mean: &BigRational, direction: Direction) -> bool {
    let ten_points = BigRational::new(1.into(), 10.into());
    let one = BigRational::from_integer(1.into());
    match direction {
        Direction::Lower => {
            let limit = (mean + &ten_points).min(mean + mean);
            bounds.low().is_some_and(|low| low.at_most(&limit) == Answer::No)
        }
        Direction::Higher => {
            let limit = (mean - &ten_points).max(mean - (&one - mean));
            bounds.high().is_some_and(|high| high.at_least(&limit) == Answer::No)
        }
    }
}

/// How far apart the conditions lie.
fn range(means: &BTreeMap<&str, BigRational>) -> Option<String> {
    let lowest = means.iter().min_by(|left, right| left.1.cmp(right.1))?;
    let highest = means.iter().max_by(|left, right| left.1.cmp(right.1))?;
    Some(format!(
        "over {} conditions the rate goes from {} ({}) to {} ({})",
        means.len(),
        decimal_digits(lowest.1, 4),
        escaped(lowest.0),
        decimal_digits(highest.1, 4),
        escaped(highest.0)
    ))
}

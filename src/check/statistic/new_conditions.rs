//! Intervals for *new conditions*: exploratory, whatever they decide, and never in the place of what was asked for.
//!
//! The conditions of an evaluation are a grid that somebody chose, not a sample of anything. Where their names say what
//! belongs together (`murder/america`, `murder_global`), that is what could be drawn anew: a few clusters, with seeds
//! crossed over them, the clusters for all arms together, and an interval as wide as so few deserve.

use std::collections::{BTreeMap, BTreeSet};

use num_rational::BigRational;

use crate::check::number::{contrast, table};
use crate::check::statistic::drawing::{Drawing, NoBounds, drawn};
use crate::check::statistic::interval::Bounded;
use crate::check::statistic::stat_assertion::shown;
use crate::check::{Number, Role};
use crate::statement::{Claim, ContrastKind, IntervalMethod, Quantity};
use crate::stats::decimal::decimal_digits;
use crate::stats::{Aggregation, ClusterName, Clusters, ConditionName, Grid, Level, SeedValues, TailBounds, crossed};

/// Said of each such interval.
const EXPLORATORY: &str = "exploratory: the conditions are a grid that was chosen and no sample";

/// What stands between the parts of a condition's name, the surer first.
const BETWEEN: [char; 2] = ['/', '_'];

/// The bounds of a quantity for new conditions by the method that is named, or why there are none.
pub(super) fn bounds(
    claim: &Claim,
    number: &Number,
    of: Quantity,
    method: IntervalMethod,
    level: &Level,
    drawing: &Drawing,
) -> Result<Bounded, NoBounds> {
    let explored = || Explored::of(claim, number, of);
    match method {
        IntervalMethod::CrossedT => explored()?.by_t(level),
        IntervalMethod::CrossedResampling => explored()?.by_draws(of, level, drawing),
        // What was asked for is not substituted; what could be asked for is told.
        _ => Err(match explored().and_then(|explored| explored.by_t(level)) {
            Ok(found) => format!(
                "{method} is no interval for new conditions; by crossed-t it would be {} ({})",
                shown(found.bounds.low.as_ref(), found.bounds.high.as_ref()),
                found.how.unwrap_or_default()
            ),
            Err(none) => format!("{method} is no interval for new conditions; {EXPLORATORY}, and {}", none.why),
        }
        .into()),
    }
}

/// The same bounds by draws of seeds alone, the conditions being those there are.
pub(super) fn drawn_seeds(
    claim: &Claim,
    number: &Number,
    of: Quantity,
    level: &Level,
    drawing: &Drawing,
) -> Result<Bounded, NoBounds> {
    let arms = arms(claim, number, of)?;
    by_draws(of, &borrowed(&arms), None, level, drawing)
}

/// The arms of a quantity with their factors, and the clusters of their conditions.
struct Explored {
    arms: Vec<(i64, Grid)>,
    clusters: Clusters,
    count: usize,
    separator: char,
}

impl Explored {
    fn of(claim: &Claim, number: &Number, of: Quantity) -> Result<Self, NoBounds> {
        let (named, separator) =
            clusters(number).ok_or_else(|| "nothing says which of them belong together".to_owned())?;
        let count = named.values().collect::<BTreeSet<_>>().len();
        Ok(Self { arms: arms(claim, number, of)?, clusters: named.into_iter().collect(), count, separator })
    }

    fn words(&self) -> String {
        format!(
            "{EXPLORATORY}; {} clusters by what stands before the first `{}` of their names, drawn for all arms together",
            self.count, self.separator
        )
    }

    fn by_t(&self, level: &Level) -> Result<Bounded, NoBounds> {
        let found = crossed(&borrowed(&self.arms), &self.clusters).map_err(|error| error.to_string())?;
        let bounds = found.bounds(level).map_err(|error| error.to_string())?;
        let freedom = decimal_digits(&found.freedom, 2);
        let how = format!("{}; t with {freedom} degrees of freedom", self.words());
        Ok(Bounded { bounds, level: level.clone(), how: Some(how), is_drawn: false })
    }

    fn by_draws(&self, of: Quantity, level: &Level, drawing: &Drawing) -> Result<Bounded, NoBounds> {
        let found = by_draws(of, &borrowed(&self.arms), Some((&self.clusters, self.count)), level, drawing);
        match found {
            Ok(found) => {
                let how = format!("{}; {}", self.words(), found.how.unwrap_or_default());
                Ok(Bounded { how: Some(how), ..found })
            }
            // A nonce is what is missing; the numbers would do.
            Err(none) if none.next.is_some() => Err(none),
            Err(none) => Err(match self.by_t(level) {
                Ok(t) => format!(
                    "{}; by crossed-t it would be {} ({})",
                    none.why,
                    shown(t.bounds.low.as_ref(), t.bounds.high.as_ref()),
                    t.how.unwrap_or_default()
                )
                .into(),
                Err(_) => none,
            }),
        }
    }
}

fn by_draws(
    of: Quantity,
    arms: &[(i64, &Grid)],
    clusters: Option<(&Clusters, usize)>,
    level: &Level,
    drawing: &Drawing,
) -> Result<Bounded, NoBounds> {
    let draw = |level: &Level| Ok::<_, NoBounds>(drawing.interval(of, arms, clusters, level)?.interval);
    let bounds = TailBounds::both(level, draw)?;
    let how = drawn([bounds.low.as_ref(), bounds.high.as_ref()], drawing.nonce(0)?);
    Ok(Bounded { bounds, level: level.clone(), how: Some(how), is_drawn: true })
}

fn borrowed(arms: &[(i64, Grid)]) -> Vec<(i64, &Grid)> {
    arms.iter().map(|(factor, grid)| (*factor, grid)).collect()
}

/// The arms that a quantity is the sum of, where it is a sum of means over seeds and conditions.
fn arms(claim: &Claim, number: &Number, of: Quantity) -> Result<Vec<(i64, Grid)>, NoBounds> {
    let kind = claim.contrast.value().map(|contrast| contrast.kind);
    let roles: &[(i64, Role)] = match (of, kind) {
        (Quantity::Subject, _) => &[(1, Role::Subject)],
        (Quantity::Comparator, _) => &[(1, Role::Comparator)],
        (Quantity::Contrast, Some(ContrastKind::Difference)) => &[(1, Role::Subject), (-1, Role::Comparator)],
        (Quantity::Contrast, Some(ContrastKind::Reduction)) => &[(-1, Role::Subject), (1, Role::Comparator)],
        (Quantity::Contrast, Some(ContrastKind::Interaction)) => {
            &[(1, Role::Subject), (-1, Role::Comparator), (-1, Role::Other(0)), (1, Role::Other(1))]
        }
        (Quantity::Contrast, Some(kind)) => return Err(format!("the {kind} is no sum of means over seeds").into()),
        (Quantity::Contrast, None) => return Err("the claim states no contrast".to_owned().into()),
    };
    let grid = |(factor, role): &(i64, Role)| {
        let rate = number.rate(*role).ok_or("an arm has no rate")?;
        Ok::<_, String>((*factor, table::grid(rate, "")?.0))
    };
    let arms = roles.iter().map(grid).collect::<Result<Vec<_>, _>>()?;
    // A mean over all rollouts alike is another number, where cells are of unequal size.
    let mean = |grid: &Grid| SeedValues::of(grid, Aggregation::Macro).ok()?.mean();
    let exact = match of {
        Quantity::Subject => number.rate(Role::Subject).map(|rate| rate.value.clone()),
        Quantity::Comparator => number.rate(Role::Comparator).map(|rate| rate.value.clone()),
        Quantity::Contrast => contrast::of_claim(claim, number).and_then(Result::ok),
    };
    let sum = arms.iter().try_fold(BigRational::from_integer(0.into()), |sum, (factor, grid)| {
        Some(sum + mean(grid)? * BigRational::from_integer((*factor).into()))
    });
    if exact.is_none() || sum != exact {
        return Err("the number is no mean of conditions that count alike".to_owned().into());
    }
    Ok(arms)
}

/// The cluster of each condition: the first part of its name, where every name has two and some share the first.
fn clusters(number: &Number) -> Option<(BTreeMap<ConditionName, ClusterName>, char)> {
    let conditions: BTreeSet<&str> = number
        .rates()
        .flat_map(|(_, _, rate)| rate.seeds.values())
        .flat_map(|seed| seed.conditions.keys())
        .map(String::as_str)
        .collect();
    BETWEEN.into_iter().find_map(|separator| {
        let named = conditions.iter().map(|condition| {
            let (cluster, _) = condition.split_once(separator)?;
            Some((ConditionName::from(*condition), ClusterName::from(cluster.trim())))
        });
        let named: BTreeMap<ConditionName, ClusterName> = named.collect::<Option<_>>()?;
        let distinct = named.values().collect::<BTreeSet<_>>().len();
        (distinct >= 2 && distinct < named.len()).then_some((named, separator))
    })
}

//! Intervals for *new conditions*: exploratory, whatever they decide, and never in the place of what was asked for.
//!
//! The conditions of an evaluation are a grid that somebody chose, not a sample of anything. Where the protocol says what
//! belongs together, or else their names do (`murder/america`, `murder_global`), that is what could be drawn anew: a few
//! clusters, with seeds crossed over them, the clusters for all arms together, and an interval as wide as so few deserve.
//! The two evaluations of a generalization gap have each their own clusters.

use std::collections::{BTreeMap, BTreeSet};

use num_rational::BigRational;
use num_traits::Zero;

use crate::check::arms::escaped;
use crate::check::number::{contrast, table};
use crate::check::statistic::drawing::{Drawing, NoBounds, drawn};
use crate::check::statistic::interval::{Bounded, both, gaps, one_less};
use crate::check::statistic::stat_assertion::shown;
use crate::check::{Number, Rate, Role, Side};
use crate::statement::{Claim, ContrastKind, Direction, IntervalMethod, Quantity};
use crate::stats::decimal::decimal_digits;
use crate::stats::{
    Aggregation, ClusterName, Clusters, ConditionName, CrossedError, Grid, Level, SeedContrast, SeedValues, TailBounds,
    Target, crossed, crossed_grids, crossed_ratio,
};

/// Said of each such interval.
const EXPLORATORY: &str = "exploratory: the conditions are a grid that was chosen and no sample";

const NO_MEAN: &str = "the number is no mean of conditions that count alike";

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
    let kind = claim.contrast.value().map(|contrast| contrast.kind).filter(|_| of == Quantity::Contrast);
    let ratio = kind.filter(|kind| matches!(kind, ContrastKind::Ratio | ContrastKind::RelativeReduction));
    // Each contrast has one method that fits it; a gap is made of two evaluations, which are not drawn together.
    let (fitting, found): (_, Box<dyn Fn() -> Result<Bounded, NoBounds>>) = match (ratio, kind) {
        (Some(kind), _) => (IntervalMethod::Fieller, Box::new(move || by_fieller(claim, number, kind, level))),
        (None, Some(ContrastKind::GeneralizationGap)) => {
            (IntervalMethod::CrossedT, Box::new(move || of_gap(claim, number, level)))
        }
        _ => {
            if method == IntervalMethod::CrossedResampling {
                return Explored::of(claim, number, of)?.by_draws(of, level, drawing);
            }
            (IntervalMethod::CrossedT, Box::new(move || Explored::of(claim, number, of)?.by_t(level)))
        }
    };
    if method == fitting {
        return found();
    }
    // What was asked for is not substituted; what could be asked for is told.
    let is_special = ratio.is_some() || kind == Some(ContrastKind::GeneralizationGap);
    let what = kind.filter(|_| is_special).map_or_else(String::new, |kind| format!(" of a {kind}"));
    Err(match found() {
        Ok(found) => format!(
            "{method} is no interval for new conditions{what}; by {fitting} it would be {} ({})",
            shown(found.bounds.low.as_ref(), found.bounds.high.as_ref()),
            found.how.unwrap_or_default()
        ),
        Err(none) => format!("{method} is no interval for new conditions{what}; {EXPLORATORY}, and {}", none.why),
    }
    .into())
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
    clusters: Named,
}

impl Explored {
    fn of(claim: &Claim, number: &Number, of: Quantity) -> Result<Self, NoBounds> {
        let clusters = Named::of(number, Side::Outside)?;
        Ok(Self { arms: arms(claim, number, of)?, clusters })
    }

    fn by_t(&self, level: &Level) -> Result<Bounded, NoBounds> {
        let found = crossed(&borrowed(&self.arms), &self.clusters.of).map_err(|error| error.to_string())?;
        by_t(&found, level, &self.clusters.words())
    }

    fn by_draws(&self, of: Quantity, level: &Level, drawing: &Drawing) -> Result<Bounded, NoBounds> {
        let found = by_draws(of, &borrowed(&self.arms), Some((&self.clusters.of, self.clusters.count)), level, drawing);
        match found {
            Ok(found) => {
                let how = format!("{}; {}", self.clusters.words(), found.how.unwrap_or_default());
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
        (Quantity::Contrast, Some(kind)) => {
            return Err(format!("the {kind} is no sum of means over seeds").into());
        }
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
        return Err(NO_MEAN.to_owned().into());
    }
    Ok(arms)
}

/// Bounds of an estimate by Student's t.
fn by_t(found: &SeedContrast, level: &Level, words: &str) -> Result<Bounded, NoBounds> {
    let bounds = found.bounds(level).map_err(|error| error.to_string())?;
    let freedom = decimal_digits(&found.freedom, 2);
    let how = format!("{words}; t with {freedom} degrees of freedom");
    Ok(Bounded { bounds, level: level.clone(), how: Some(how), is_drawn: false })
}

/// A ratio of two arms that were evaluated in the same clusters: these put into both what they have.
fn by_fieller(claim: &Claim, number: &Number, kind: ContrastKind, level: &Level) -> Result<Bounded, NoBounds> {
    let clusters = Named::of(number, Side::Outside)?;
    let grid = |role: Role| grid_of(number.rate(role), "");
    let (subject, comparator) = (grid(Role::Subject)?, grid(Role::Comparator)?);
    let say = |error: CrossedError| error.to_string();
    let (ratio, freedom) = crossed_ratio(&subject, &comparator, &clusters.of).map_err(say)?;
    let exact = exact(claim, number)?;
    if ratio.comparator.mean.is_zero() {
        return Err(NO_MEAN.to_owned().into());
    }
    let quotient = &ratio.subject.mean / &ratio.comparator.mean;
    let is_reduction = kind == ContrastKind::RelativeReduction;
    let found = if is_reduction { BigRational::from_integer(1.into()) - quotient } else { quotient };
    if found != exact {
        return Err(NO_MEAN.to_owned().into());
    }
    let t = u32::try_from(freedom).map_or(f64::MAX, f64::from);
    let of_level = |level: &Level| ratio.fieller(level, t, Target::Conditions).map_err(|error| error.to_string());
    let found = both(level, of_level)?;
    let bounds = if is_reduction { one_less(&found) } else { found };
    let how = format!("{}; Fieller with {freedom} degrees of freedom", clusters.words());
    Ok(Bounded { bounds, level: level.clone(), how: Some(how), is_drawn: false })
}

/// The difference of two gaps: seeds are drawn with both of their evaluations, and each evaluation has clusters of its own.
fn of_gap(claim: &Claim, number: &Number, level: &Level) -> Result<Bounded, NoBounds> {
    let (outside, inside) = (Named::of(number, Side::Outside)?, Named::of(number, Side::Inside)?);
    let gap = |role: Role| gaps(claim, number, role);
    let (subject, comparator) = (gap(Role::Subject)?, gap(Role::Comparator)?);
    // The subject's gap is taken off the comparator's, and what is out of distribution off what is in it.
    let sign = if claim.metric.direction == Direction::Higher { 1 } else { -1 };
    let grids = |of: fn(&Number, Role) -> Option<&Rate>, factor: i64| {
        Ok::<_, String>([
            (factor, grid_of(of(number, Role::Comparator), "")?),
            (-factor, grid_of(of(number, Role::Subject), "")?),
        ])
    };
    let (within, beyond) = (grids(Number::inside, sign)?, grids(Number::rate, -sign)?);
    let families = [(borrowed(&within), &inside.of), (borrowed(&beyond), &outside.of)];
    let found = crossed_grids(&[(1, &comparator), (-1, &subject)], &families).map_err(|error| error.to_string())?;
    if found.value != exact(claim, number)? {
        return Err(NO_MEAN.to_owned().into());
    }
    let words = format!("{}; and in distribution {} clusters {}", outside.words(), inside.count, inside.by);
    by_t(&found, level, &words)
}

/// The claim's contrast. A mean over all rollouts alike is another number, where cells are of unequal size.
fn exact(claim: &Claim, number: &Number) -> Result<BigRational, String> {
    let found = contrast::of_claim(claim, number).ok_or_else(|| NO_MEAN.to_owned())?;
    found.map_err(|problem| problem.to_string())
}

/// The grid of a rate whose conditions count alike.
fn grid_of(rate: Option<&Rate>, prefix: &str) -> Result<Grid, String> {
    match table::grid(rate.ok_or("an arm has no rate")?, prefix)? {
        (grid, Aggregation::Macro) => Ok(grid),
        (_, Aggregation::Micro) => Err(NO_MEAN.to_owned()),
    }
}

/// The clusters of an evaluation's conditions.
struct Named {
    of: Clusters,
    count: usize,
    /// By what they are told.
    by: String,
}

impl Named {
    /// As the protocol has them, else as the conditions' names say.
    fn of(number: &Number, side: Side) -> Result<Self, String> {
        let rates = number.rates().filter(|(_, of, _)| *of == side);
        let conditions: BTreeSet<&str> = rates
            .flat_map(|(_, _, rate)| rate.seeds.values())
            .flat_map(|seed| seed.conditions.keys())
            .map(String::as_str)
            .collect();
        let (named, by) = if number.clusters.is_empty() {
            let (named, separator) =
                by_name(&conditions).ok_or_else(|| "nothing says which of them belong together".to_owned())?;
            (named, format!("by what stands before the first `{separator}` of their names"))
        } else {
            (by_protocol(number, &conditions)?, "as the protocol names them".to_owned())
        };
        let count = named.values().collect::<BTreeSet<_>>().len();
        Ok(Self { of: named.into_iter().collect(), count, by })
    }

    fn words(&self) -> String {
        format!("{EXPLORATORY}; {} clusters {}, drawn for all arms together", self.count, self.by)
    }
}

type ByCondition = BTreeMap<ConditionName, ClusterName>;

/// The table of the protocol, which must have every condition that was evaluated, once, and no other.
fn by_protocol(number: &Number, conditions: &BTreeSet<&str>) -> Result<ByCondition, String> {
    let refuse = |why: String| format!("the clusters of the protocol do not fit the grid: {why}");
    let all: BTreeSet<&str> = number
        .rates()
        .flat_map(|(_, _, rate)| rate.seeds.values())
        .flat_map(|seed| seed.conditions.keys())
        .map(String::as_str)
        .collect();
    let mut named = ByCondition::new();
    for (cluster, members) in &number.clusters {
        for condition in members {
            if !all.contains(condition.as_str()) {
                return Err(refuse(format!("`{}` was not evaluated", escaped(condition))));
            }
            let twice = named.insert(ConditionName::from(condition.as_str()), ClusterName::from(cluster.as_str()));
            if twice.is_some() {
                return Err(refuse(format!("`{}` stands in it twice", escaped(condition))));
            }
        }
    }
    if let Some(condition) = conditions.iter().find(|condition| !named.contains_key(&ConditionName::from(**condition)))
    {
        return Err(refuse(format!("`{}` belongs to none", escaped(condition))));
    }
    named.retain(|condition, _| conditions.contains(condition.as_str()));
    Ok(named)
}

/// The cluster of each condition: the first part of its name, where every name has two and some share the first.
fn by_name(conditions: &BTreeSet<&str>) -> Option<(ByCondition, char)> {
    BETWEEN.into_iter().find_map(|separator| {
        let named = conditions.iter().map(|condition| {
            let (cluster, _) = condition.split_once(separator)?;
            Some((ConditionName::from(*condition), ClusterName::from(cluster.trim())))
        });
        let named: ByCondition = named.collect::<Option<_>>()?;
        let distinct = named.values().collect::<BTreeSet<_>>().len();
        (distinct >= 2 && distinct < named.len()).then_some((named, separator))
    })
}

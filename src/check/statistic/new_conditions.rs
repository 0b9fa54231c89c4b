//! What there is to say of *new conditions*: exploratory, and never in the place of what was asked for.
//!
//! The conditions of an evaluation are a grid that somebody chose, not a sample of anything. Where their names say what
//! belongs together (`murder/america`, `murder/global`), that is what could be drawn anew: a few clusters, with seeds
//! crossed over them, and an interval as wide as so few deserve.

use std::collections::{BTreeMap, BTreeSet};

use crate::check::number::table;
use crate::check::statistic::stat_assertion::shown;
use crate::check::{Number, Role};
use crate::statement::{Claim, ContrastKind, Quantity};
use crate::stats::{ClusterName, Clusters, ConditionName, Grid, Level, crossed_difference, crossed_mean};

/// Why an interval for new conditions decides nothing, with the one that can be explored.
pub(super) fn exploratory(claim: &Claim, number: &Number, of: Quantity, level: &Level) -> String {
    let why = "an interval for new conditions is exploratory: the conditions are a grid that was chosen and no sample";
    match explored(claim, number, of, level) {
        Some((clusters, digits)) => format!(
            "{why}; with the first part of their names as {clusters} clusters, drawn for all arms together, it would be \
             {digits} by crossed t"
        ),
        None => format!("{why}, and nothing says which of them belong together"),
    }
}

fn explored(claim: &Claim, number: &Number, of: Quantity, level: &Level) -> Option<(usize, String)> {
    let grid = |role| Some(table::grid(number.rate(role)?, "").ok()?.0);
    let named = clusters(number)?;
    let count = named.values().collect::<BTreeSet<_>>().len();
    let clusters: Clusters = named.into_iter().collect();
    let difference =
        |subject: Option<Grid>, comparator: Option<Grid>| crossed_difference(&subject?, &comparator?, &clusters).ok();
    let found = match (of, claim.contrast.value().map(|contrast| contrast.kind)) {
        (Quantity::Subject, _) => crossed_mean(&grid(Role::Subject)?, &clusters).ok(),
        (Quantity::Comparator, _) => crossed_mean(&grid(Role::Comparator)?, &clusters).ok(),
        (Quantity::Contrast, Some(ContrastKind::Difference)) => difference(grid(Role::Subject), grid(Role::Comparator)),
        (Quantity::Contrast, Some(ContrastKind::Reduction)) => difference(grid(Role::Comparator), grid(Role::Subject)),
        _ => None,
    }?;
    let bounds = found.bounds(level).ok()?;
    Some((count, shown(bounds.low.as_ref(), bounds.high.as_ref())))
}

/// The cluster of each condition: the first part of its name, where all names have two and some share the first.
fn clusters(number: &Number) -> Option<BTreeMap<ConditionName, ClusterName>> {
    let conditions: BTreeSet<&str> = number
        .rates()
        .flat_map(|(_, _, rate)| rate.seeds.values())
        .flat_map(|seed| seed.conditions.keys())
        .map(String::as_str)
        .collect();
    let named = conditions.iter().map(|condition| {
        let (cluster, _) = condition.split_once('/')?;
        Some((ConditionName::from(*condition), ClusterName::from(cluster.trim())))
    });
    let named: BTreeMap<ConditionName, ClusterName> = named.collect::<Option<_>>()?;
    let distinct = named.values().collect::<BTreeSet<_>>().len();
    (distinct >= 2 && distinct < named.len()).then_some(named)
}

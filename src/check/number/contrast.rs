//! The contrast of a claim's arms, exactly: differences and ratios of unrounded rates.

use std::collections::BTreeMap;

use num_rational::BigRational;
use num_traits::{One, Zero};

use super::{Number, NumberProblem, Rate, Role, Side};
use crate::statement::{Claim, ContrastKind, Direction};

/// The contrast of a kind between rates of the roles it needs.
pub(in crate::check) fn contrast(
    kind: ContrastKind,
    direction: Direction,
    number: &Number,
) -> Result<BigRational, NumberProblem> {
    if kind == ContrastKind::GeneralizationGap {
        // Each seed is held against itself: the two sides of a gap are of the same checkpoints.
        seed_gaps(number, Role::Comparator, direction)?;
        seed_gaps(number, Role::Subject, direction)?;
    }
    of_values(kind, direction, &|role, side| number.on(role, side).map(|rate| rate.value.clone()))
}

/// The contrast of a kind between values of the roles it needs; a generalization gap needs those of both sides.
pub(in crate::check) fn of_values(
    kind: ContrastKind,
    direction: Direction,
    value: &dyn Fn(Role, Side) -> Option<BigRational>,
) -> Result<BigRational, NumberProblem> {
    let on = |role, side| value(role, side).ok_or_else(no_arm);
    let of = |role| on(role, Side::Outside);
    let gap = |role| Ok(oriented(on(role, Side::Inside)? - of(role)?, direction));
    match kind {
        ContrastKind::Difference => Ok(of(Role::Subject)? - of(Role::Comparator)?),
        ContrastKind::Reduction => Ok(of(Role::Comparator)? - of(Role::Subject)?),
        ContrastKind::Ratio => ratio(&of(Role::Subject)?, &of(Role::Comparator)?),
        ContrastKind::RelativeReduction => Ok(BigRational::one() - ratio(&of(Role::Subject)?, &of(Role::Comparator)?)?),
        ContrastKind::Interaction => {
            let with = of(Role::Subject)? - of(Role::Comparator)?;
            Ok(with - (of(Role::Other(0))? - of(Role::Other(1))?))
        }
        ContrastKind::GeneralizationGap => Ok(gap(Role::Comparator)? - gap(Role::Subject)?),
    }
}

/// The contrast that a claim states, between its computed rates.
pub(in crate::check) fn of_claim(claim: &Claim, number: &Number) -> Option<Result<BigRational, NumberProblem>> {
    let stated = claim.contrast.value()?;
    Some(contrast(stated.kind, claim.metric.direction, number))
}

/// Turned so that higher is aligned.
fn oriented(gap: BigRational, direction: Direction) -> BigRational {
    if direction == Direction::Higher { gap } else { -gap }
}

/// Each seed's in-distribution minus out-of-distribution rate, oriented so that higher is aligned.
pub(in crate::check) fn seed_gaps(
    number: &Number,
    role: Role,
    direction: Direction,
) -> Result<BTreeMap<Option<i64>, BigRational>, NumberProblem> {
    let (inside, outside) = (rate(number, role, Side::Inside)?, rate(number, role, Side::Outside)?);
    if inside.seeds.keys().ne(outside.seeds.keys()) || inside.seeds.is_empty() {
        return Err(NumberProblem::Missing(
            "the seeds in distribution are not those out of distribution: a gap is of one checkpoint".to_owned(),
        ));
    }
    let pairs = inside.seeds.iter().zip(outside.seeds.values());
    Ok(pairs.map(|((seed, inside), outside)| (*seed, oriented(&inside.value - &outside.value, direction))).collect())
}

fn rate(number: &Number, role: Role, side: Side) -> Result<&Rate, NumberProblem> {
    number.on(role, side).ok_or_else(no_arm)
}

fn no_arm() -> NumberProblem {
    NumberProblem::Missing("no input is of one of the arms that the contrast needs".to_owned())
}

fn ratio(numerator: &BigRational, denominator: &BigRational) -> Result<BigRational, NumberProblem> {
    if denominator.is_zero() {
        return Err(NumberProblem::Missing("the comparator's rate is 0: there is no ratio to it".to_owned()));
    }
    Ok(numerator / denominator)
}

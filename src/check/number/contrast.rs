//! The contrast of a claim's arms, exactly: differences and ratios of unrounded rates.

use std::collections::BTreeMap;

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Zero};

use super::{Number, NumberProblem, Rate, Role};
use crate::statement::{Claim, ContrastKind, Direction};

/// The contrast of a kind between rates of the roles it needs.
pub(in crate::check) fn contrast(
    kind: ContrastKind,
    direction: Direction,
    number: &Number,
) -> Result<BigRational, NumberProblem> {
    if kind == ContrastKind::GeneralizationGap {
        return Ok(gap(number, Role::Comparator, direction)? - gap(number, Role::Subject, direction)?);
    }
    of_values(kind, &|role| number.rate(role).map(|rate| rate.value.clone()))
}

/// The contrast of a kind between values of the roles it needs; a generalization gap needs more than one of each.
pub(in crate::check) fn of_values(
    kind: ContrastKind,
    value: &dyn Fn(Role) -> Option<BigRational>,
) -> Result<BigRational, NumberProblem> {
    let of = |role| {
        value(role)
            .ok_or_else(|| NumberProblem::Missing("no input is of one of the arms that the contrast needs".to_owned()))
    };
    match kind {
        ContrastKind::Difference => Ok(of(Role::Subject)? - of(Role::Comparator)?),
        ContrastKind::Reduction => Ok(of(Role::Comparator)? - of(Role::Subject)?),
        ContrastKind::Ratio => ratio(&of(Role::Subject)?, &of(Role::Comparator)?),
        ContrastKind::RelativeReduction => Ok(BigRational::one() - ratio(&of(Role::Subject)?, &of(Role::Comparator)?)?),
        ContrastKind::Interaction => {
            let with = of(Role::Subject)? - of(Role::Comparator)?;
            Ok(with - (of(Role::Other(0))? - of(Role::Other(1))?))
        }
        ContrastKind::GeneralizationGap => {
            Err(NumberProblem::Unsupported("a generalization gap from single values".to_owned()))
        }
    }
}

/// The contrast that a claim states, between its computed rates.
pub(in crate::check) fn of_claim(claim: &Claim, number: &Number) -> Option<Result<BigRational, NumberProblem>> {
    let stated = claim.contrast.value()?;
    Some(contrast(stated.kind, claim.metric.direction, number))
}

/// Mean over seeds of in-distribution minus out-of-distribution of the same seed, oriented so that higher is aligned.
fn gap(number: &Number, role: Role, direction: Direction) -> Result<BigRational, NumberProblem> {
    let gaps = seed_gaps(number, role, direction)?;
    let count = BigInt::from(gaps.len() as u64);
    Ok(gaps.into_values().fold(BigRational::zero(), |sum, gap| sum + gap) / BigRational::from_integer(count))
}

/// Each seed's in-distribution minus out-of-distribution rate, oriented so that higher is aligned.
pub(in crate::check) fn seed_gaps(
    number: &Number,
    role: Role,
    direction: Direction,
) -> Result<BTreeMap<Option<i64>, BigRational>, NumberProblem> {
    let (inside, outside) = (rate(number.inside(role))?, rate(number.rate(role))?);
    if inside.seeds.keys().ne(outside.seeds.keys()) || inside.seeds.is_empty() {
        return Err(NumberProblem::Missing(
            "the seeds in distribution are not those out of distribution: a gap is of one checkpoint".to_owned(),
        ));
    }
    let pairs = inside.seeds.iter().zip(outside.seeds.values());
    Ok(pairs
        .map(|((seed, inside), outside)| {
            let gap = &inside.value - &outside.value;
            (*seed, if direction == Direction::Higher { gap } else { -gap })
        })
        .collect())
}

fn rate(rate: Option<&Rate>) -> Result<&Rate, NumberProblem> {
    rate.ok_or_else(|| NumberProblem::Missing("no input is of one of the arms that the contrast needs".to_owned()))
}

fn ratio(numerator: &BigRational, denominator: &BigRational) -> Result<BigRational, NumberProblem> {
    if denominator.is_zero() {
        return Err(NumberProblem::Missing("the comparator's rate is 0: there is no ratio to it".to_owned()));
    }
    Ok(numerator / denominator)
}

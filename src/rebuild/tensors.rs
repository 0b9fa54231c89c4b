//! How far two sets of weights are apart, number by number, against a tolerance.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Read};

use crate::artifact::dtype::Dtype;
use crate::capture::hash::Progress;
use crate::capture::weights::OpenWeights;
use crate::weights::values::{decode, width};
use crate::weights::{Model, tensor_bytes};

/// Numbers in memory at one time, of each side.
const BLOCK: usize = 1 << 16;

/// Tensors that are named.
const SHOWN: usize = 5;

/// How far the numbers of one tensor, or of all, are apart.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Distance {
    /// Numbers compared.
    pub(super) numbers: u64,
    /// How many are not the same.
    pub(super) differing: u64,
    /// How many are further apart than is allowed; what is no number is so from everything but itself.
    pub(super) outside: u64,
    /// The largest distance of two numbers.
    pub(super) furthest: f64,
    /// The largest distance as a part of the recorded number; infinite where that is 0.
    pub(super) furthest_part: f64,
}

impl Distance {
    fn add(&mut self, recorded: f64, made: f64, absolute: f64, relative: f64) {
        self.numbers += 1;
        if recorded.to_bits() == made.to_bits() {
            return;
        }
        self.differing += 1;
        let distance = (recorded - made).abs();
        // Infinite or no number: no tolerance allows that.
        self.outside += u64::from(!distance.is_finite() || distance > absolute + relative * recorded.abs());
        self.furthest = self.furthest.max(distance);
        self.furthest_part = self.furthest_part.max(distance / recorded.abs());
    }

    fn join(&mut self, other: &Self) {
        self.numbers += other.numbers;
        self.differing += other.differing;
        self.outside += other.outside;
        self.furthest = self.furthest.max(other.furthest);
        self.furthest_part = self.furthest_part.max(other.furthest_part);
    }
}

impl fmt::Display for Distance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { numbers, differing, outside, furthest, furthest_part } = self;
        write!(f, "{differing} of {numbers} numbers differ, by at most {furthest:e}")?;
        if furthest_part.is_finite() {
            write!(f, " and {furthest_part:.2e} of the recorded number")?;
        }
        if *outside > 0 { write!(f, "; {outside} by more than is allowed") } else { Ok(()) }
    }
}

/// How far two sets of weights are apart.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Apart {
    /// All tensors together.
    pub(super) all: Distance,
    /// Tensors with numbers that differ, by name.
    pub(super) tensors: Vec<(String, Distance)>,
    /// Tensors that one side has alone, or in another type or shape.
    pub(super) unlike: Vec<String>,
}

impl Apart {
    /// True where every tensor stands on both sides with every number inside the tolerance.
    pub(super) fn is_within(&self) -> bool {
        self.all.outside == 0 && self.unlike.is_empty() && self.all.numbers > 0
    }

    /// The largest distance in each tensor that differs, the furthest first; as many as a person reads.
    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines: Vec<_> = self.unlike.iter().take(SHOWN).cloned().collect();
        if self.unlike.len() > SHOWN {
            lines.push(format!("and {} more that one side has alone or otherwise", self.unlike.len() - SHOWN));
        }
        let mut tensors: Vec<_> = self.tensors.iter().collect();
        tensors.sort_by(|(one, left), (other, right)| {
            let far = |of: &Distance| (of.outside > 0, of.furthest);
            let ((is_out, at), (is_other_out, other_at)) = (far(left), far(right));
            is_other_out.cmp(&is_out).then(other_at.total_cmp(&at)).then_with(|| one.cmp(other))
        });
        lines.extend(tensors.iter().take(SHOWN).map(|(name, distance)| format!("tensor `{name}`: {distance}")));
        if tensors.len() > SHOWN {
            lines.push(format!("and {} more tensors differ", tensors.len() - SHOWN));
        }
        lines
    }
}

/// Compares all tensors of two sets of weights.
pub(super) fn apart(
    recorded: &OpenWeights,
    made: &OpenWeights,
    absolute: f64,
    relative: f64,
    progress: &dyn Progress,
) -> io::Result<Apart> {
    let mut all = Apart::default();
    let (in_recorded, in_made) = (by_name(&recorded.model), by_name(&made.model));
    for tensor in &made.model.tensors {
        if !in_recorded.contains_key(tensor.info.name.as_str()) {
            all.unlike.push(format!("tensor `{}` is not recorded", tensor.info.name));
        }
    }
    for (at, tensor) in recorded.model.tensors.iter().enumerate() {
        let info = &tensor.info;
        let Some(other) = in_made.get(info.name.as_str()).copied() else {
            all.unlike.push(format!("tensor `{}` was not made", info.name));
            continue;
        };
        let twin = &made.model.tensors[other].info;
        let (Some(width), true) = (width(info.dtype), (twin.dtype, &twin.shape) == (info.dtype, &info.shape)) else {
            all.unlike.push(format!("tensor `{}` has another type or shape, or one that is not decoded", info.name));
            continue;
        };
        let mut left = side(recorded, at)?;
        let mut right = side(made, other)?;
        let mut numbers = info.length / width as u64;
        let mut distance = Distance::default();
        while numbers > 0 {
            let block = usize::try_from(numbers).unwrap_or(BLOCK).min(BLOCK);
            let left = block_of(info.dtype, &mut left, block * width)?;
            let right = block_of(info.dtype, &mut right, block * width)?;
            for (recorded, made) in left.iter().zip(&right) {
                distance.add(*recorded, *made, absolute, relative);
            }
            numbers -= block as u64;
        }
        all.all.join(&distance);
        if distance.differing > 0 {
            all.tensors.push((info.name.clone(), distance));
        }
        progress.add(info.length);
    }
    Ok(all)
}

fn side(weights: &OpenWeights, at: usize) -> io::Result<Box<dyn Read + '_>> {
    tensor_bytes(&weights.model.tensors[at], weights.source(at))
}

fn block_of(dtype: Dtype, from: &mut dyn Read, bytes: usize) -> io::Result<Vec<f64>> {
    let mut block = vec![0; bytes];
    from.read_exact(&mut block)?;
    let mut numbers = Vec::new();
    decode(dtype, &block, &mut numbers);
    Ok(numbers)
}

fn by_name(model: &Model) -> BTreeMap<&str, usize> {
    model.tensors.iter().enumerate().map(|(at, tensor)| (tensor.info.name.as_str(), at)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn added(pairs: &[(f64, f64)], absolute: f64, relative: f64) -> (u64, u64) {
        let mut distance = Distance::default();
        pairs.iter().for_each(|(recorded, made)| distance.add(*recorded, *made, absolute, relative));
        (distance.differing, distance.outside)
    }

    #[test]
    fn a_tolerance_is_absolute_and_in_parts_of_the_recorded_number() {
        assert_eq!(added(&[(1.0, 1.0), (1.0, 1.5)], 0.0, 0.0), (1, 1));
        assert_eq!(added(&[(1.0, 1.5), (-1.0, -1.5)], 0.5, 0.0), (2, 0));
        assert_eq!(added(&[(100.0, 101.0), (1.0, 2.0)], 0.0, 0.01), (2, 1));
        assert_eq!(added(&[(0.0, 1e-9)], 0.0, 0.5), (1, 1));
    }

    #[test]
    fn what_is_no_number_is_near_to_nothing_but_itself() {
        assert_eq!(added(&[(f64::NAN, f64::NAN), (f64::INFINITY, f64::INFINITY)], 0.0, 0.0), (0, 0));
        let wide = added(&[(f64::NAN, 1.0), (1.0, f64::NAN), (1.0, f64::INFINITY)], 1e300, 0.0);
        assert_eq!(wide, (3, 3));
        let signs = added(&[(f64::INFINITY, f64::NEG_INFINITY)], 1.0, 1.0);
        // The bound is infinite there, and so is the distance: nothing finite was said.
        assert_eq!(signs, (1, 1));
    }

    #[test]
    fn nothing_compared_is_not_within() {
        assert!(!Apart::default().is_within());
    }

    #[test]
    fn each_tensor_is_told_with_its_largest_distance_and_the_furthest_first() {
        let one = |recorded: f64, made: f64| {
            let mut distance = Distance::default();
            distance.add(recorded, made, 0.5, 0.0);
            distance.add(1.0, 1.0, 0.5, 0.0);
            distance
        };
        let tensors = [("near", one(2.0, 2.25)), ("far", one(2.0, 3.0)), ("of nothing", one(0.0, 0.125))];
        let apart = Apart {
            tensors: tensors.iter().map(|(name, distance)| ((*name).to_owned(), distance.clone())).collect(),
            ..Apart::default()
        };
        assert_eq!(
            apart.lines(),
            [
                "tensor `far`: 1 of 2 numbers differ, by at most 1e0 and 5.00e-1 of the recorded number; 1 by more than is allowed",
                "tensor `near`: 1 of 2 numbers differ, by at most 2.5e-1 and 1.25e-1 of the recorded number",
                "tensor `of nothing`: 1 of 2 numbers differ, by at most 1.25e-1",
            ]
        );
        let many = Apart { tensors: vec![("t".to_owned(), one(2.0, 2.25)); 12], ..Apart::default() };
        assert_eq!((many.lines().len(), many.lines()[SHOWN].as_str()), (SHOWN + 1, "and 7 more tensors differ"));
    }
}

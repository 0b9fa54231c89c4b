//! How far two sets of weights are apart, number by number, against a tolerance.

use std::collections::BTreeMap;
use std::io::{self, Read};

use crate::artifact::dtype::Dtype;
use crate::capture::hash::Progress;
use crate::capture::weights::OpenWeights;
use crate::weights::values::{decode, width};
use crate::weights::{Model, tensor_bytes};

/// Numbers in memory at one time, of each side.
const BLOCK: usize = 1 << 16;

/// How far two sets of weights are apart.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Apart {
    /// Numbers compared.
    pub(super) numbers: u64,
    /// How many are not the same.
    pub(super) differing: u64,
    /// How many are further apart than is allowed; what is no number is so from everything but itself.
    pub(super) outside: u64,
    /// The largest distance of two numbers.
    pub(super) furthest: f64,
    /// The first tensor with a number outside.
    pub(super) first: String,
    /// Tensors that one side has alone, or in another type or shape.
    pub(super) unlike: Vec<String>,
}

impl Apart {
    /// True where every tensor stands on both sides with every number inside the tolerance.
    pub(super) fn is_within(&self) -> bool {
        self.outside == 0 && self.unlike.is_empty() && self.numbers > 0
    }

    fn add(&mut self, name: &str, recorded: f64, made: f64, absolute: f64, relative: f64) {
        self.numbers += 1;
        if recorded.to_bits() == made.to_bits() {
            return;
        }
        self.differing += 1;
        let distance = (recorded - made).abs();
        // Infinite or no number: no tolerance allows that.
        if !distance.is_finite() || distance > absolute + relative * recorded.abs() {
            self.outside += 1;
            if self.first.is_empty() {
                name.clone_into(&mut self.first);
            }
        }
        self.furthest = self.furthest.max(distance);
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
        while numbers > 0 {
            let block = usize::try_from(numbers).unwrap_or(BLOCK).min(BLOCK);
            let left = block_of(info.dtype, &mut left, block * width)?;
            let right = block_of(info.dtype, &mut right, block * width)?;
            for (recorded, made) in left.iter().zip(&right) {
                all.add(&info.name, *recorded, *made, absolute, relative);
            }
            numbers -= block as u64;
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
        let mut apart = Apart::default();
        pairs.iter().for_each(|(recorded, made)| apart.add("w", *recorded, *made, absolute, relative));
        (apart.differing, apart.outside)
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
}

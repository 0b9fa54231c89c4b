//! Both sets of weights read from front to back, tensor by tensor, in the order of their names.

use std::collections::BTreeMap;

use crate::artifact::tensors::TensorInfo;
use crate::capture::hash::Progress;
use crate::capture::weights::OpenWeights;
use crate::cli::Failure;
use crate::weights::compare::{Compared, Side, compare};
use crate::weights::{Model, tensor_bytes};

/// Which tensors stand where, by their numbers in the two models.
pub(super) struct Names {
    /// In both, with one shape.
    pub(super) common: Vec<(usize, usize)>,
    /// In both, with different shapes.
    pub(super) reshaped: Vec<(usize, usize)>,
    /// In A alone.
    pub(super) removed: Vec<usize>,
    /// In B alone.
    pub(super) added: Vec<usize>,
}

fn by_name(model: &Model) -> BTreeMap<&str, usize> {
    model.tensors.iter().enumerate().map(|(at, tensor)| (tensor.info.name.as_str(), at)).collect()
}

impl Names {
    pub(super) fn of(a: &Model, b: &Model) -> Self {
        let (in_a, in_b) = (by_name(a), by_name(b));
        let mut names = Self { common: vec![], reshaped: vec![], removed: vec![], added: vec![] };
        for (name, at) in &in_a {
            match in_b.get(name) {
                Some(other) if a.tensors[*at].info.shape == b.tensors[*other].info.shape => {
                    names.common.push((*at, *other));
                }
                Some(other) => names.reshaped.push((*at, *other)),
                None => names.removed.push(*at),
            }
        }
        names.added.extend(in_b.iter().filter(|(name, _)| !in_a.contains_key(*name)).map(|(_, at)| *at));
        names
    }
}

/// Compares the common tensors; one answer for each, in their order.
pub(super) fn scan(
    a: &OpenWeights,
    b: &OpenWeights,
    base: Option<&OpenWeights>,
    names: &Names,
    progress: &dyn Progress,
) -> Result<Vec<Compared>, Failure> {
    let in_base = base.map(|base| by_name(&base.model));
    let mut compared = Vec::with_capacity(names.common.len());
    for (at_a, at_b) in &names.common {
        let info = &a.model.tensors[*at_a].info;
        let third = match (base, &in_base) {
            (Some(base), Some(in_base)) => Some(side(base, base_of(base, in_base, info)?)?),
            _ => None,
        };
        compared.push(compare(info, side(a, *at_a)?, side(b, *at_b)?, third)?);
        progress.add(info.length);
    }
    for weights in [Some(a), Some(b), base].into_iter().flatten() {
        weights.check_unchanged()?;
    }
    Ok(compared)
}

fn base_of(base: &OpenWeights, in_base: &BTreeMap<&str, usize>, info: &TensorInfo) -> Result<usize, Failure> {
    let found = in_base.get(info.name.as_str()).copied();
    found.filter(|at| base.model.tensors[*at].info.shape == info.shape).ok_or_else(|| {
        let name = info.name.escape_debug();
        Failure::new(format!("the base has no tensor `{name}` of shape {:?}", info.shape))
            .hint("adapters have no base to take off: compare them without --base")
    })
}

fn side(weights: &OpenWeights, at: usize) -> Result<Side<'_>, Failure> {
    let tensor = &weights.model.tensors[at];
    Ok(Side { dtype: tensor.info.dtype, bytes: tensor_bytes(tensor, weights.source(at))? })
}

//! Two sets of weights read side by side, tensor by tensor in the order of their names: how far they are apart, and whether
//! one continues the other.

use std::collections::BTreeMap;
use std::io;

use crate::artifact::dtype::Dtype;
use crate::artifact::tensors::TensorInfo;
use crate::capture::hash::Progress;
use crate::capture::open::CaptureError;
use crate::capture::weights::OpenWeights;
use crate::weights::compare::{Compared, Side, Sums, compare};
use crate::weights::lineage::{self, CONTINUES, Complete, Lineage, UNRELATED, Why, lineage};
use crate::weights::peft::is_lora;
use crate::weights::{Model, tensor_bytes};

/// Why two sets of weights were not compared.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum PairError {
    #[error(transparent)]
    Capture(#[from] CaptureError),
    #[error("the weights cannot be read")]
    Read(#[from] io::Error),
    #[error("the base has no tensor `{}` of shape {shape:?}", .name.escape_debug())]
    NoBase { name: String, shape: Vec<u64> },
}

/// Which tensors stand where, by their numbers in the two models.
#[derive(Debug)]
pub struct Names {
    /// In both, with one shape.
    pub common: Vec<(usize, usize)>,
    /// In both, with different shapes.
    pub reshaped: Vec<(usize, usize)>,
    /// In A alone.
    pub removed: Vec<usize>,
    /// In B alone.
    pub added: Vec<usize>,
}

fn by_name(model: &Model) -> BTreeMap<&str, usize> {
    model.tensors.iter().enumerate().map(|(at, tensor)| (tensor.info.name.as_str(), at)).collect()
}

impl Names {
    /// Matches the tensors of two models.
    pub fn of(a: &Model, b: &Model) -> Self {
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

    /// True when every tensor of A has one of its shape in B.
    fn is_complete(&self) -> bool {
        self.reshaped.is_empty() && self.removed.is_empty()
    }

    /// True when all that both have are tensors of adapters.
    pub fn are_adapters(&self, a: &Model) -> bool {
        self.common.iter().all(|(at, _)| is_lora(&a.tensors[*at].info.name))
    }
}

/// Compares the common tensors; one answer for each, in their order.
pub fn scan(
    a: &OpenWeights,
    b: &OpenWeights,
    base: Option<&OpenWeights>,
    names: &Names,
    progress: &dyn Progress,
) -> Result<Vec<Compared>, PairError> {
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

fn base_of(base: &OpenWeights, in_base: &BTreeMap<&str, usize>, info: &TensorInfo) -> Result<usize, PairError> {
    let found = in_base.get(info.name.as_str()).copied();
    found
        .filter(|at| base.model.tensors[*at].info.shape == info.shape)
        .ok_or_else(|| PairError::NoBase { name: info.name.clone(), shape: info.shape.clone() })
}

fn side(weights: &OpenWeights, at: usize) -> io::Result<Side<'_>> {
    let tensor = &weights.model.tensors[at];
    Ok(Side { dtype: tensor.info.dtype, bytes: tensor_bytes(tensor, weights.source(at))? })
}

/// What comparing came to.
#[derive(Debug, Clone, Copy)]
pub struct Judged {
    /// True when all tensors are the same, bit by bit.
    pub is_same: bool,
    /// Over all numbers of the common tensors but whole numbers, which are no weights.
    pub overall: Sums,
    /// Whether B continues A.
    pub lineage: Lineage,
}

impl Judged {
    /// Adds the answers for single tensors up; `beyond_base` where a base was taken off.
    pub fn of(a: &Model, beyond_base: bool, names: &Names, compared: &[Compared]) -> Self {
        let is_same =
            names.is_complete() && names.added.is_empty() && compared.iter().all(|compared| compared.same_bytes);
        let mut overall = Sums::default();
        for ((at, _), compared) in names.common.iter().zip(compared) {
            if let Some(sums) = compared.sums.as_ref().filter(|_| !is_whole(a.tensors[*at].info.dtype)) {
                overall.add(sums);
            }
        }
        let is_change = names.are_adapters(a) || beyond_base;
        let kind = if is_change { lineage::Compared::Changes } else { lineage::Compared::Models };
        let complete = if names.is_complete() { Complete::Yes } else { Complete::No };
        let lineage = if is_same { Lineage::Identical } else { lineage(&overall, kind, complete) };
        Self { is_same, overall, lineage }
    }

    /// Why the weights say so, in one sentence.
    pub fn because(&self) -> String {
        let cosine = self.overall.cosine().map(|cosine| format!("{cosine:.6}")).unwrap_or_default();
        match self.lineage {
            Lineage::Identical => "every tensor is the same bit by bit".to_owned(),
            Lineage::Continues => format!(
                "the cosine {cosine} is at least {CONTINUES}; weights tell neither the direction nor a parent from its \
                 other children"
            ),
            Lineage::Unrelated => format!("the cosine {cosine} is at most {UNRELATED}"),
            Lineage::CannotTell(why) => match why {
                Why::NothingCommon => "they have no numbers of one name and shape in common".to_owned(),
                Why::OtherTensors => "tensors of A are missing or have another shape in B".to_owned(),
                Why::NoCosine => "one of them is all zero or holds numbers that are not finite".to_owned(),
                Why::WholeModels => format!(
                    "the cosine is {cosine}, and whole models that share a base are all alike: name it with --base"
                ),
                Why::Between => format!("the cosine {cosine} lies between {UNRELATED} and {CONTINUES}"),
            },
        }
    }
}

/// Counters and masks are no weights: what is trained decides about lineage.
fn is_whole(dtype: Dtype) -> bool {
    use Dtype::{Bool, I8, I16, I32, I64, U8, U16, U32, U64};
    matches!(dtype, Bool | U8 | I8 | U16 | I16 | U32 | I32 | U64 | I64)
}

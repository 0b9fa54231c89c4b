//! What comparing two sets of weights came to, for programs; [`super::text`] writes it for people.

use serde::Serialize;

use super::scan::Names;
use crate::artifact::dtype::Dtype;
use crate::weights::Model;
use crate::weights::compare::{Compared, Sums};
use crate::weights::lineage::{self, CONTINUES, Complete, Lineage, UNRELATED, Why, lineage};
use crate::weights::peft::is_lora;

/// Names the schema of the document, `schemas/diff-checkpoint.schema.json`.
const SCHEMA: &str = "urn:reproledger:schema:diff-checkpoint:v1";

/// The whole answer.
#[derive(Serialize)]
pub(super) struct Report {
    schema: &'static str,
    /// `identical`, `same-tensors` (in another container, order or sharding) or `different`.
    pub(super) result: &'static str,
    pub(super) a: Side,
    pub(super) b: Side,
    /// True where the numbers are of what each has beyond the base.
    pub(super) beyond_base: bool,
    /// All numbers of the common tensors but whole numbers, which are no weights.
    pub(super) overall: Numbers,
    pub(super) lineage: Told,
    /// Tensors in both with one shape.
    pub(super) tensors: Vec<Tensor>,
    /// Names in both with two shapes.
    pub(super) reshaped: Vec<String>,
    /// Names in A alone.
    pub(super) removed: Vec<String>,
    /// Names in B alone.
    pub(super) added: Vec<String>,
}

#[derive(Serialize)]
pub(super) struct Side {
    pub(super) format: &'static str,
    pub(super) files: usize,
    pub(super) tensors: usize,
}

#[derive(Serialize)]
pub(super) struct Told {
    /// `identical`, `continues`, `unrelated` or `cannot be told`.
    pub(super) answer: &'static str,
    /// One sentence.
    pub(super) because: String,
    /// The least cosine that continues.
    pub(super) continues_from: f64,
    /// The largest that is unrelated.
    pub(super) unrelated_to: f64,
}

#[derive(Serialize)]
pub(super) struct Tensor {
    pub(super) name: String,
    pub(super) dtype_a: &'static str,
    pub(super) dtype_b: &'static str,
    pub(super) shape: Vec<u64>,
    pub(super) same_bytes: bool,
    /// None where the type is not decoded.
    pub(super) numbers: Option<Numbers>,
}

/// Norms and the cosine; absent where they are no finite numbers.
#[derive(Clone, Copy, Serialize)]
pub(super) struct Numbers {
    pub(super) compared: u64,
    pub(super) differing: u64,
    pub(super) non_finite: u64,
    pub(super) norm_a: Option<f64>,
    pub(super) norm_b: Option<f64>,
    pub(super) norm_delta: Option<f64>,
    /// ‖Δ‖/‖A‖.
    pub(super) relative: Option<f64>,
    pub(super) cosine: Option<f64>,
}

impl From<&Sums> for Numbers {
    fn from(sums: &Sums) -> Self {
        let norm = |square: f64| Some(square.sqrt()).filter(|norm| norm.is_finite());
        Self {
            compared: sums.numbers,
            differing: sums.differing,
            non_finite: sums.non_finite,
            norm_a: norm(sums.aa),
            norm_b: norm(sums.bb),
            norm_delta: norm(sums.dd),
            relative: sums.relative(),
            cosine: sums.cosine(),
        }
    }
}

impl Report {
    pub(super) fn of(a: &Model, b: &Model, beyond_base: bool, names: &Names, compared: &[Compared]) -> Self {
        let name = |model: &Model, at: usize| model.tensors[at].info.name.clone();
        let tensor = |(&(at_a, at_b), compared): (&(usize, usize), &Compared)| Tensor {
            name: name(a, at_a),
            dtype_a: a.tensors[at_a].info.dtype.name(),
            dtype_b: b.tensors[at_b].info.dtype.name(),
            shape: a.tensors[at_a].info.shape.clone(),
            same_bytes: compared.same_bytes,
            numbers: compared.sums.as_ref().map(Numbers::from),
        };
        let is_complete = names.reshaped.is_empty() && names.removed.is_empty();
        let is_same = is_complete && names.added.is_empty() && compared.iter().all(|compared| compared.same_bytes);
        let result = match is_same {
            true if a.format == b.format && a.tensors == b.tensors => "identical",
            true => "same-tensors",
            false => "different",
        };
        let mut overall = Sums::default();
        for ((at, _), compared) in names.common.iter().zip(compared) {
            if let Some(sums) = compared.sums.as_ref().filter(|_| !is_whole(a.tensors[*at].info.dtype)) {
                overall.add(sums);
            }
        }
        let are_adapters = names.common.iter().all(|(at, _)| is_lora(&a.tensors[*at].info.name));
        let kind = if are_adapters || beyond_base { lineage::Compared::Changes } else { lineage::Compared::Models };
        let complete = if is_complete { Complete::Yes } else { Complete::No };
        let found = if is_same { Lineage::Identical } else { lineage(&overall, kind, complete) };
        let side =
            |model: &Model| Side { format: model.format, files: model.files.len(), tensors: model.tensors.len() };
        Self {
            schema: SCHEMA,
            result,
            a: side(a),
            b: side(b),
            beyond_base,
            overall: Numbers::from(&overall),
            lineage: Told {
                answer: found.name(),
                because: because(found, overall.cosine()),
                continues_from: CONTINUES,
                unrelated_to: UNRELATED,
            },
            tensors: names.common.iter().zip(compared).map(tensor).collect(),
            reshaped: names.reshaped.iter().map(|(at, _)| name(a, *at)).collect(),
            removed: names.removed.iter().map(|at| name(a, *at)).collect(),
            added: names.added.iter().map(|at| name(b, *at)).collect(),
        }
    }

    pub(super) fn same_tensors(&self) -> bool {
        self.result != "different"
    }
}

/// Counters and masks are no weights: what is trained decides about lineage.
fn is_whole(dtype: Dtype) -> bool {
    use Dtype::{Bool, I8, I16, I32, I64, U8, U16, U32, U64};
    matches!(dtype, Bool | U8 | I8 | U16 | I16 | U32 | I32 | U64 | I64)
}

fn because(lineage: Lineage, cosine: Option<f64>) -> String {
    let cosine = cosine.map(|cosine| format!("{cosine:.6}")).unwrap_or_default();
    match lineage {
        Lineage::Identical => "every tensor is the same bit by bit".to_owned(),
        Lineage::Continues => format!(
            "the cosine {cosine} is at least {CONTINUES}; weights tell neither the direction nor a parent from its other \
             children"
        ),
        Lineage::Unrelated => format!("the cosine {cosine} is at most {UNRELATED}"),
        Lineage::CannotTell(why) => match why {
            Why::NothingCommon => "they have no numbers of one name and shape in common".to_owned(),
            Why::OtherTensors => "tensors of A are missing or have another shape in B".to_owned(),
            Why::NoCosine => "one of them is all zero or holds numbers that are not finite".to_owned(),
            Why::WholeModels => {
                format!("the cosine is {cosine}, and whole models that share a base are all alike: name it with --base")
            }
            Why::Between => format!("the cosine {cosine} lies between {UNRELATED} and {CONTINUES}"),
        },
    }
}

//! What comparing two sets of weights came to, for programs; [`super::text`] writes it for people.

use serde::Serialize;

use crate::capture::weights::pair::{Judged, Names};
use crate::weights::Model;
use crate::weights::compare::{Compared, Sums};
use crate::weights::lineage::{CONTINUES, UNRELATED};

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
        let judged = Judged::of(a, beyond_base, names, compared);
        let result = match judged.is_same {
            true if a.format == b.format && a.tensors == b.tensors => "identical",
            true => "same-tensors",
            false => "different",
        };
        let side =
            |model: &Model| Side { format: model.format, files: model.files.len(), tensors: model.tensors.len() };
        Self {
            schema: SCHEMA,
            result,
            a: side(a),
            b: side(b),
            beyond_base,
            overall: Numbers::from(&judged.overall),
            lineage: Told {
                answer: judged.lineage.name(),
                because: judged.because(),
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

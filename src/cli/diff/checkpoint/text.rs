//! What comparing two sets of weights came to, for people.

use std::path::Path;

use super::report::{Numbers, Report, Tensor};
use crate::cli::render::{count, one_line, put};

/// Tensors shown; `--json` has them all.
const MAX_SHOWN: usize = 12;

impl Report {
    /// The answer first, then the tensors that changed most.
    pub(super) fn text(&self, paths: [&Path; 2]) -> String {
        let mut out = String::new();
        for (name, path, side) in [("A", paths[0], &self.a), ("B", paths[1], &self.b)] {
            let files = count(side.files as u64, "file", "files");
            let tensors = count(side.tensors as u64, "tensor", "tensors");
            let path = one_line(&path.to_string_lossy());
            put(&mut out, format_args!("{name}  {path}  {} in {files}, {tensors}\n", side.format));
        }
        put(&mut out, format_args!("{}\n", self.result_text()));
        put(&mut out, format_args!("lineage: {}: {}\n", self.lineage.answer, self.lineage.because));
        if !self.same_tensors() {
            self.differences(&mut out);
        }
        out
    }

    fn result_text(&self) -> String {
        match self.result {
            "identical" => "identical: the same tensors in the same places".to_owned(),
            "same-tensors" => "the same tensors in another container, order or sharding".to_owned(),
            _ => format!(
                "different: of {} common tensors {} differ; {} reshaped, {} only in A, {} only in B",
                self.tensors.len(),
                self.tensors.iter().filter(|tensor| !tensor.same_bytes).count(),
                self.reshaped.len(),
                self.removed.len(),
                self.added.len()
            ),
        }
    }

    fn differences(&self, out: &mut String) {
        let beyond = if self.beyond_base { " beyond the base" } else { "" };
        put(out, format_args!("all numbers{beyond}  {}\n", shown(&self.overall)));
        let mut order: Vec<&Tensor> = self.tensors.iter().filter(|tensor| !tensor.same_bytes).collect();
        let change = |tensor: &Tensor| tensor.numbers.and_then(|numbers| numbers.norm_delta).unwrap_or(f64::INFINITY);
        order.sort_by(|a, b| change(b).total_cmp(&change(a)).then_with(|| a.name.cmp(&b.name)));
        for tensor in order.iter().take(MAX_SHOWN) {
            let types = if tensor.dtype_a == tensor.dtype_b {
                tensor.dtype_a.to_owned()
            } else {
                format!("{} → {}", tensor.dtype_a, tensor.dtype_b)
            };
            let numbers = tensor.numbers.as_ref().map_or("differs; its type is not decoded".to_owned(), shown);
            put(out, format_args!("  {}  {types}  {numbers}\n", one_line(&tensor.name)));
        }
        if order.len() > MAX_SHOWN {
            put(out, format_args!("  and {} more (--json lists all)\n", order.len() - MAX_SHOWN));
        }
        for (what, names) in [("reshaped", &self.reshaped), ("only in A", &self.removed), ("only in B", &self.added)] {
            if let Some(first) = names.first() {
                let more = if names.len() > 1 { format!(" and {} more", names.len() - 1) } else { String::new() };
                put(out, format_args!("  {what}: {}{more}\n", one_line(first)));
            }
        }
    }
}

fn shown(numbers: &Numbers) -> String {
    let shown = |number: Option<f64>| number.map_or("none".to_owned(), |number| format!("{number:.6}"));
    let mut text = format!(
        "cosine {}  ‖Δ‖/‖A‖ {}  ‖Δ‖ {}  ‖A‖ {}  ‖B‖ {}",
        shown(numbers.cosine),
        number(numbers.relative),
        number(numbers.norm_delta),
        number(numbers.norm_a),
        number(numbers.norm_b)
    );
    if numbers.non_finite > 0 {
        put(&mut text, format_args!("  {} not finite", numbers.non_finite));
    }
    text
}

fn number(number: Option<f64>) -> String {
    number.map_or("none".to_owned(), |number| format!("{number:.4e}"))
}

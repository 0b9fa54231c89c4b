//! A search for evaluation items in training rows, and what it found.

use crate::interop::labmanifest::flat::keep;
use crate::interop::labmanifest::{LabManifest, LabManifestError, Shape};
use crate::json::{Kind, Object};

pub(super) const ENTRY: &dyn Shape = &Leakage;

struct Leakage;

impl Shape for Leakage {
    fn name(&self) -> &'static str {
        "leakage-report/1"
    }

    fn fits(&self, document: &Object<'_>) -> bool {
        let is_number = |name| matches!(document.get(name), Ok(Some(value)) if value.kind() == Kind::Number);
        is_number("ngram_n") && is_number("rows_checked")
    }

    fn read(&self, document: &Object<'_>, manifest: &mut LabManifest) -> Result<(), LabManifestError> {
        keep(document, &[], manifest)
    }
}

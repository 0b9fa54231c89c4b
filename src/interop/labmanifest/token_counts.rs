//! Rows and tokens of several datasets, each under its name.

use crate::interop::labmanifest::flat::keep;
use crate::interop::labmanifest::{LabManifest, LabManifestError, Shape};
use crate::json::{Kind, Object, Value};

pub(super) const ENTRY: &dyn Shape = &TokenCounts;

struct TokenCounts;

/// Rows of a dataset, by whichever name they go.
fn rows(value: &Value<'_>) -> Option<u64> {
    let dataset = (value.kind() == Kind::Object).then(|| value.object().ok())??;
    ["docs", "rows"].iter().find_map(|name| dataset.count(name).ok()?)
}

impl Shape for TokenCounts {
    fn name(&self) -> &'static str {
        "token-counts/1"
    }

    fn fits(&self, document: &Object<'_>) -> bool {
        let Ok(members) = document.clone().distinct() else { return false };
        !members.is_empty() && members.values().all(|value| rows(value).is_some())
    }

    fn read(&self, document: &Object<'_>, manifest: &mut LabManifest) -> Result<(), LabManifestError> {
        for (name, value) in document.clone().distinct()? {
            let rows = rows(&value).unwrap_or_default();
            manifest.sources.insert(name, rows);
        }
        keep(document, &[], manifest)
    }
}

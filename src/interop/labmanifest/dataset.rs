//! A dataset by its path, its rows and tokens, and how many rows came from which source.

use crate::interop::labmanifest::flat::{flatten, keep};
use crate::interop::labmanifest::{FileClaim, LabManifest, LabManifestError, Shape, Sum};
use crate::json::{Kind, Object};

pub(super) const ENTRY: &dyn Shape = &Dataset;

struct Dataset;

impl Shape for Dataset {
    fn name(&self) -> &'static str {
        "dataset-card/1"
    }

    fn fits(&self, document: &Object<'_>) -> bool {
        let kind = |name| document.get(name).ok().flatten().map(|value| value.kind());
        kind("path") == Some(Kind::Text) && kind("n_docs") == Some(Kind::Number)
    }

    fn read(&self, document: &Object<'_>, manifest: &mut LabManifest) -> Result<(), LabManifestError> {
        let path = document.text("path")?.unwrap_or_default();
        let rows = document.count("n_docs")?;
        manifest.add_file(FileClaim { path, rows, ..FileClaim::default() })?;
        let meta = document.object("meta")?;
        let mut added = Some(0_u64);
        for (name, value) in meta.object("rows_by_source")?.distinct()? {
            let rows = value.int().and_then(|rows| u64::try_from(rows).ok());
            added = added.zip(rows).and_then(|(sum, rows)| sum.checked_add(rows));
            match rows {
                Some(rows) => *manifest.sources.entry(name).or_default() += rows,
                None => flatten(&format!("meta.rows_by_source.{name}"), &value, 3, manifest)?,
            }
        }
        if let (Some(stated), Some(added), false) = (rows, added, manifest.sources.is_empty()) {
            manifest.sums.push(Sum { what: "n_docs".to_owned(), stated, added });
        }
        for (name, value) in meta.distinct()? {
            if name != "rows_by_source" {
                flatten(&format!("meta.{name}"), &value, 2, manifest)?;
            }
        }
        keep(document, &["path", "n_docs", "meta"], manifest)
    }
}

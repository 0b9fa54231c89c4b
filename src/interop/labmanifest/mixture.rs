//! A mix of sources with their documents, tokens and weights, and the configuration that made it.

use crate::interop::labmanifest::flat::{flatten, keep};
use crate::interop::labmanifest::{FileClaim, LabManifest, LabManifestError, Shape, Sum};
use crate::json::{Kind, Object, wrong};

pub(super) const ENTRY: &dyn Shape = &Mixture;

struct Mixture;

impl Shape for Mixture {
    fn name(&self) -> &'static str {
        "mixture/1"
    }

    fn fits(&self, document: &Object<'_>) -> bool {
        matches!(document.get("per_source"), Ok(Some(value)) if value.kind() == Kind::Array)
            && matches!(document.get("path"), Ok(Some(value)) if value.kind() == Kind::Text)
    }

    fn read(&self, document: &Object<'_>, manifest: &mut LabManifest) -> Result<(), LabManifestError> {
        let (mut documents, mut tokens) = (Some(0_u64), Some(0_u64));
        for item in document.require("per_source")?.items() {
            if item.kind() != Kind::Object {
                return Err(wrong("per_source", "an array of objects", item.kind()).into());
            }
            let source = item.object()?;
            let name = source.text("name")?.unwrap_or_default();
            let (docs, of_source) = (source.count("docs")?, source.count("tokens")?);
            documents = documents.zip(docs).and_then(|(sum, docs)| sum.checked_add(docs));
            tokens = tokens.zip(of_source).and_then(|(sum, tokens)| sum.checked_add(tokens));
            if let Some(docs) = docs {
                *manifest.sources.entry(name.clone()).or_default() += docs;
            }
            for (key, value) in source.distinct()? {
                if !matches!(key.as_str(), "name" | "docs") {
                    flatten(&format!("source.{name}.{key}"), &value, 2, manifest)?;
                }
            }
        }
        if let (Some(stated), Some(added)) = (document.count("total_tokens")?, tokens) {
            manifest.sums.push(Sum { what: "total_tokens".to_owned(), stated, added });
        }
        let path = document.text("path")?.unwrap_or_default();
        manifest.add_file(FileClaim { path, rows: documents, ..FileClaim::default() })?;
        keep(document, &["path", "per_source"], manifest)
    }
}

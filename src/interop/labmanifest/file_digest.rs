//! One file and its SHA-256, with the source it was made from and the seed.

use crate::interop::labmanifest::flat::keep;
use crate::interop::labmanifest::{FileClaim, LabManifest, LabManifestError, Shape, sha256};
use crate::json::{Kind, Object};

pub(super) const ENTRY: &dyn Shape = &FileDigest;

struct FileDigest;

impl Shape for FileDigest {
    fn name(&self) -> &'static str {
        "file-digest/1"
    }

    fn fits(&self, document: &Object<'_>) -> bool {
        ["file", "sha256"]
            .iter()
            .all(|name| matches!(document.get(name), Ok(Some(value)) if value.kind() == Kind::Text))
    }

    fn read(&self, document: &Object<'_>, manifest: &mut LabManifest) -> Result<(), LabManifestError> {
        let path = document.text("file")?.unwrap_or_default();
        let (sha256, size) = (sha256(document, "sha256")?, document.count("size")?);
        manifest.add_file(FileClaim { path, size, sha256, ..FileClaim::default() })?;
        keep(document, &["file", "sha256", "size"], manifest)
    }
}

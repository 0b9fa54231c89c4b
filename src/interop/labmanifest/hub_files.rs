//! Files of a Hugging Face repository at a revision: path, size, git id, and the SHA-256 of what lies in large storage.

use crate::interop::labmanifest::flat::keep;
use crate::interop::labmanifest::{FileClaim, LabManifest, LabManifestError, Shape, git_id, sha256};
use crate::json::{Kind, Object, wrong};

pub(super) const ENTRY: &dyn Shape = &HubFiles;

struct HubFiles;

impl Shape for HubFiles {
    fn name(&self) -> &'static str {
        "hub-files/1"
    }

    fn fits(&self, document: &Object<'_>) -> bool {
        matches!(document.get("hub_files"), Ok(Some(value)) if value.kind() == Kind::Array)
    }

    fn read(&self, document: &Object<'_>, manifest: &mut LabManifest) -> Result<(), LabManifestError> {
        let below = document.text("hf_path")?;
        for item in document.require("hub_files")?.items() {
            if item.kind() != Kind::Object {
                return Err(wrong("hub_files", "an array of objects", item.kind()).into());
            }
            let file = item.object()?;
            let path = file.require("path")?.text().ok_or_else(|| wrong("path", "a text", item.kind()))?.lossy();
            manifest.add_file(FileClaim {
                path,
                below: below.clone(),
                size: file.count("size")?,
                sha256: sha256(&file, "lfs_sha256")?,
                git_blob: git_id(&file, "blob_id")?,
                rows: None,
            })?;
        }
        keep(document, &["hub_files"], manifest)
    }
}

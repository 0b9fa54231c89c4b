//! Published checkpoints by name: each a repository and the revision it stands at.

use crate::interop::labmanifest::flat::keep;
use crate::interop::labmanifest::{LabManifest, LabManifestError, Shape};
use crate::json::{Kind, Object};

pub(super) const ENTRY: &dyn Shape = &Ladder;

struct Ladder;

impl Shape for Ladder {
    fn name(&self) -> &'static str {
        "published-checkpoints/1"
    }

    fn fits(&self, document: &Object<'_>) -> bool {
        let Ok(members) = document.clone().distinct() else { return false };
        let is_place = |value: &crate::json::Value<'_>| {
            value.kind() == Kind::Object
                && value.object().is_ok_and(|place| matches!(place.get("hf_repo"), Ok(Some(_))))
        };
        !members.is_empty() && members.values().all(is_place)
    }

    fn read(&self, document: &Object<'_>, manifest: &mut LabManifest) -> Result<(), LabManifestError> {
        // A checkpoint without any revision is pinned to nothing.
        for (name, value) in document.clone().distinct()? {
            if value.object()?.get("revision")?.is_none() {
                manifest.unpinned.push(super::flat::cut(&name));
            }
        }
        keep(document, &[], manifest)
    }
}

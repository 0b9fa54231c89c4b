//! What a document says, flattened: each number and each text under the path of names that leads to it.

use crate::interop::labmanifest::{LabManifest, LabManifestError};
use crate::json::{Kind, Object, Value};

/// Facts and counts kept of one manifest, each.
const MAX_KEPT: usize = 200;

/// Deeper members are left out: a manifest is shallow.
const MAX_DEPTH: usize = 6;

/// Longest name of a fact.
const MAX_NAME: usize = 120;

/// Keeps every statement of an object but those under the names that its shape has read.
pub(super) fn keep(document: &Object<'_>, read: &[&str], manifest: &mut LabManifest) -> Result<(), LabManifestError> {
    for (name, value) in document.clone().distinct()? {
        if !read.contains(&name.as_str()) {
            flatten(&name, &value, 1, manifest)?;
        }
    }
    Ok(())
}

/// Keeps a value and what is in it.
pub(super) fn flatten(
    path: &str,
    value: &Value<'_>,
    depth: usize,
    manifest: &mut LabManifest,
) -> Result<(), LabManifestError> {
    match value.kind() {
        Kind::Null => {}
        Kind::Object | Kind::Array if depth == MAX_DEPTH => manifest.left_out += 1,
        Kind::Object => {
            for (name, value) in value.object()?.distinct()? {
                flatten(&format!("{path}.{name}"), &value, depth + 1, manifest)?;
            }
        }
        Kind::Array => {
            for (index, value) in value.items().enumerate() {
                flatten(&format!("{path}.{index}"), &value, depth + 1, manifest)?;
            }
        }
        Kind::Number if !is_label(path) && value.int().is_some_and(|number| number >= 0) => {
            let number = value.int().and_then(|number| u64::try_from(number).ok()).unwrap_or_default();
            if manifest.counts.len() < MAX_KEPT {
                manifest.counts.insert(cut(path), number);
            } else {
                manifest.left_out += 1;
            }
        }
        _ => {
            let text = value.text().map_or_else(|| value.raw().to_owned(), |text| text.lossy());
            if manifest.facts.len() < MAX_KEPT {
                note_branch(path, &text, manifest);
                manifest.facts.insert(cut(path), text);
            } else {
                manifest.left_out += 1;
            }
        }
    }
    Ok(())
}

/// A number that names something and counts nothing.
fn is_label(path: &str) -> bool {
    path.ends_with("seed")
}

/// A resolved revision is forty hexadecimal digits; `main` is whatever it is today.
fn note_branch(path: &str, text: &str, manifest: &mut LabManifest) {
    if path.ends_with("revision") && !super::is_git_id(text) && manifest.unpinned.len() < MAX_KEPT {
        manifest.unpinned.push(cut(path));
    }
}

/// Enough of a foreign text to recognise it.
pub(super) fn cut(text: &str) -> String {
    let mut end = text.len().min(MAX_NAME);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}

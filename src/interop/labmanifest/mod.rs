//! The small JSON manifests that labs leave beside data and weights: which file, which SHA-256, how many rows, which seed.
//!
//! Nobody signed them and nothing ties them to what they describe, so each of their statements is read as *claimed by
//! its author* and, where the file is at hand, confirmed or contradicted. One file for each shape, one line in
//! `SHAPES`; what a shape does not know by name it keeps as a fact or a count under its path in the document.

mod check;
mod flat;

pub use check::{Check, Checked, Finding, Folder};

use std::collections::BTreeMap;

use crate::digest::{Sha256Digest, parse_hex};
use crate::json::{JsonError, Kind, Object, Value};
use crate::statement::Reading;

macro_rules! shapes {
    ($($module:ident,)+) => {
        $(mod $module;)+

        /// Every shape that is recognised; the first that fits is taken.
        static SHAPES: &[&dyn Shape] = &[$($module::ENTRY),+];
    };
}

shapes! {
    hub_files,
    file_digest,
    mixture,
    dataset,
    ladder,
    token_counts,
    leakage,
}

/// Larger documents are no manifests; one with a hundred thousand files has about this size.
pub const MAX_MANIFEST_BYTES: u64 = 32 << 20;

/// Statements about files that are taken.
pub const MAX_FILES: usize = 100_000;

/// Files that a reading lists one by one.
const MAX_LISTED: usize = 100;

/// Why a document is not read as a manifest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum LabManifestError {
    #[error("this is no manifest of a known shape (known: {known})")]
    Unknown { known: String },
    #[error(transparent)]
    Json(#[from] JsonError),
    #[error("it states more than {MAX_FILES} files")]
    Files,
    #[error("`{name}` is `{found}`, expected {expected}")]
    Value { name: String, found: String, expected: &'static str },
}

/// One shape of manifest.
trait Shape: Sync {
    /// Stable name with its version: the reader of a reading.
    fn name(&self) -> &'static str;

    /// Whether a document has this shape, by the names in it.
    fn fits(&self, document: &Object<'_>) -> bool;

    /// Takes its statements.
    fn read(&self, document: &Object<'_>, manifest: &mut LabManifest) -> Result<(), LabManifestError>;
}

/// What an author says about one file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileClaim {
    /// Its path as written.
    pub path: String,
    /// A folder that its path may begin with and that need not be there: where it lies in a repository.
    pub below: Option<String>,
    /// Bytes in it.
    pub size: Option<u64>,
    /// SHA-256 of them.
    pub sha256: Option<Sha256Digest>,
    /// Git's id of the file, or of the pointer that stands for it where `sha256` is given.
    pub git_blob: Option<String>,
    /// Rows in it.
    pub rows: Option<u64>,
}

/// A sum that the document states beside its terms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sum {
    /// What is added up.
    pub what: String,
    /// The sum as stated.
    pub stated: u64,
    /// The sum of the stated terms.
    pub added: u64,
}

/// A manifest, read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LabManifest {
    /// Its shape.
    pub shape: &'static str,
    /// What it says about files.
    pub files: Vec<FileClaim>,
    /// Sums with their terms.
    pub sums: Vec<Sum>,
    /// Numbers by path in the document.
    pub counts: BTreeMap<String, u64>,
    /// How many items came from which source.
    pub sources: BTreeMap<String, u64>,
    /// Short texts by path in the document.
    pub facts: BTreeMap<String, String>,
    /// Statements that were not kept, for there were too many.
    pub left_out: u64,
    /// References to a moving name where a fixed one belongs.
    pub unpinned: Vec<String>,
}

impl LabManifest {
    /// Reads a manifest of a known shape.
    pub fn parse(bytes: &[u8]) -> Result<Self, LabManifestError> {
        let value = Value::parse(bytes)?;
        let unknown = || LabManifestError::Unknown {
            known: SHAPES.iter().map(|shape| shape.name()).collect::<Vec<_>>().join(", "),
        };
        if value.kind() != Kind::Object {
            return Err(unknown());
        }
        let document = value.object()?;
        let shape = SHAPES.iter().find(|shape| shape.fits(&document)).ok_or_else(unknown)?;
        let mut manifest = Self { shape: shape.name(), ..Self::default() };
        shape.read(&document, &mut manifest)?;
        Ok(manifest)
    }

    fn add_file(&mut self, claim: FileClaim) -> Result<(), LabManifestError> {
        if self.files.len() == MAX_FILES {
            return Err(LabManifestError::Files);
        }
        self.files.push(claim);
        Ok(())
    }

    /// The reading that an entry carries: every statement under the name of its author, with what a check found.
    pub fn reading(&self, checked: &Checked) -> Reading {
        let mut reading = Reading::by(self.shape);
        reading.fact("claimed-by", "the author of the manifest");
        for (name, text) in &self.facts {
            reading.fact(&format!("claim.{name}"), text);
        }
        for (name, number) in &self.counts {
            reading.count(&format!("claim.{name}"), *number);
        }
        for (name, number) in &self.sources {
            reading.source(name, *number);
        }
        for claim in self.files.iter().take(MAX_LISTED) {
            reading.fact(&format!("claim.file.{}", flat::cut(&claim.path)), &claim.words());
        }
        reading.count("claim.files", self.files.len() as u64);
        for check in Check::ALL {
            reading.count(&format!("statements.{}", check.name()), checked.count(check));
        }
        reading.remark("left-out", self.left_out, "statements that were too many to keep");
        for name in &self.unpinned {
            reading.remark("unpinned", 1, format!("`{name}` names a branch, which moves, and no revision"));
        }
        let findings = checked.findings.iter().filter(|finding| finding.check == Check::Contradicted);
        for Finding { about, found, .. } in findings {
            reading.remark("contradicted", 1, format!("{about}: {found}"));
        }
        reading
    }
}

impl FileClaim {
    /// What it says, in words.
    fn words(&self) -> String {
        let mut words = Vec::new();
        words.extend(self.size.map(|size| format!("{size} bytes")));
        words.extend(self.rows.map(|rows| format!("{rows} rows")));
        words.extend(self.sha256.map(|digest| format!("sha256:{digest}")));
        words.extend(self.git_blob.as_ref().map(|id| format!("git blob {id}")));
        if words.is_empty() { "named only".to_owned() } else { words.join(", ") }
    }
}

/// A SHA-256 in a document.
fn sha256(document: &Object<'_>, name: &str) -> Result<Option<Sha256Digest>, LabManifestError> {
    let Some(text) = document.text(name)? else { return Ok(None) };
    let digest = parse_hex(&text.to_ascii_lowercase()).map(Sha256Digest::from_bytes);
    digest.map(Some).map_err(|_| LabManifestError::Value {
        name: name.to_owned(),
        found: flat::cut(&text),
        expected: "64 hexadecimal digits",
    })
}

/// A git object id in a document.
fn git_id(document: &Object<'_>, name: &str) -> Result<Option<String>, LabManifestError> {
    let Some(text) = document.text(name)? else { return Ok(None) };
    if is_git_id(&text) {
        return Ok(Some(text));
    }
    let expected = "40 lowercase hexadecimal digits";
    Err(LabManifestError::Value { name: name.to_owned(), found: flat::cut(&text), expected })
}

/// Whether a text is a full git id, and so no branch.
fn is_git_id(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests;

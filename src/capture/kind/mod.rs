//! What recording does with each kind of artifact: one file a kind, and one line in [`KINDS`].
//!
//! Every kind is hashed as bytes, a file as a file and a folder or several paths as a tree; what a kind understands
//! beyond that (rows, tensors, samples) it adds as deeper digests beside those. What it cannot read it refuses by name:
//! whoever wants the bytes recorded all the same asks for `--bytes-only`, and the entry then carries no deeper digest.

macro_rules! kinds {
    ($($module:ident,)+) => {
        $(mod $module;)+

        /// Every kind that can be recorded, in the order of their numbers.
        pub static KINDS: &[&dyn ArtifactKind] = &[$($module::ENTRY),+];
    };
}

/// A kind of which nothing is understood but its bytes.
macro_rules! bytes_kind {
    ($name:ident, $about:literal) => {
        use crate::capture::kind::ArtifactKind;
        use crate::statement::Kind;

        pub(super) const ENTRY: &dyn ArtifactKind = &$name;

        struct $name;

        impl ArtifactKind for $name {
            fn kind(&self) -> Kind {
                Kind::$name
            }

            fn about(&self) -> &'static str {
                $about
            }
        }
    };
}

kinds! {
    spec,
    spec_rendering,
    prompt_template,
    documents,
    generation_receipts,
    dataset,
    mix,
    base_model,
    tokenizer,
    checkpoint,
    eval_suite,
    judge_config,
    eval_log,
    source,
    config,
    environment,
    other,
}

pub use crate::capture::text::MAX_TEXT_BYTES;
pub use documents::{DocumentsOptions, read_rendering_file};
pub use generation_receipts::Made;

use std::path::PathBuf;

use crate::artifact::documents::DocumentsError;
use crate::artifact::manifest::{Manifest, ManifestError, Written};
use crate::artifact::samples::SamplesError;
use crate::artifact::tree::{TreeError, TreeLeaf, name_twins, sorted_tree_manifest};
use crate::capture::hash::{Also, HashOptions, HashedFile, Progress};
use crate::capture::log::LogError;
use crate::capture::open::CaptureError;
use crate::capture::rows::{RowOptions, RowsCaptureError};
use crate::capture::walk::{Captured, capture_paths};
use crate::corpus::{CorpusError, Recipe, RenderingError};
use crate::digest::{Algorithm, Digest, DigestKind};
use crate::evallog::ColumnMap;
use crate::statement::{Kind, Measure, Reading, Subject};
use crate::weights::WeightsError;

/// One kind of artifact.
pub trait ArtifactKind: Sync {
    /// Its kind in statements.
    fn kind(&self) -> Kind;

    /// What a person records under it, in a few words.
    fn about(&self) -> &'static str;

    /// Whether it may be taken from a git repository at a revision.
    fn takes_git(&self) -> bool {
        false
    }

    /// Hashes what stands at the paths and reads it as far as the kind is understood.
    fn capture(&self, request: &Request<'_>) -> Result<Artifact, KindError> {
        Artifact::bytes(request)
    }
}

/// The kind of that number.
pub fn of(kind: Kind) -> Option<&'static dyn ArtifactKind> {
    KINDS.iter().copied().find(|entry| entry.kind() == kind)
}

/// Captures what stands at the paths as an artifact of `kind`.
pub fn capture(kind: Kind, request: &Request<'_>) -> Result<Artifact, KindError> {
    let mut artifact = match of(kind) {
        Some(entry) if !request.options.bytes_only => entry.capture(request)?,
        Some(_) => Artifact::bytes(request)?,
        None => return Err(KindError::NoArtifact { kind }),
    };
    artifact.say_missing_sha256(request.options.hash.also);
    Ok(artifact)
}

/// What to capture and how.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// What the user named.
    pub paths: &'a [PathBuf],
    /// How to read it.
    pub options: &'a Options,
    /// Who watches.
    pub progress: &'a dyn Progress,
}

/// How to read an artifact. What a kind has no use for it ignores.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// How to hash.
    pub hash: HashOptions,
    /// Record the bytes without reading what they hold.
    pub bytes_only: bool,
    /// Which column of a table of scores is what.
    pub map: Option<ColumnMap>,
    /// How to read rows.
    pub rows: RowOptions,
    /// How to read documents.
    pub documents: DocumentsOptions,
    /// How a rendering was made.
    pub recipe: Option<Recipe>,
    /// The documents that receipts are of.
    pub made: Made,
}

/// Why an artifact was not captured.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum KindError {
    #[error(transparent)]
    Capture(#[from] CaptureError),
    #[error(transparent)]
    Tree(#[from] TreeError),
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    #[error(transparent)]
    Samples(#[from] SamplesError),
    #[error(transparent)]
    EvalLog(#[from] LogError),
    #[error(transparent)]
    Weights(#[from] WeightsError),
    #[error(transparent)]
    Rows(#[from] RowsCaptureError),
    #[error(transparent)]
    Documents(#[from] DocumentsError),
    #[error(transparent)]
    Corpus(#[from] CorpusError),
    #[error(transparent)]
    Rendering(#[from] RenderingError),
    #[error("`{path}` changed while it was read; record it when whoever writes it has ended")]
    Changed { path: String },
    #[error("a {kind} is one file; record each by itself")]
    OneFile { kind: Kind },
    #[error("there are no rows or files here that could be salted one by one")]
    NothingToSalt,
    #[error("rows recorded by their places in a file cannot be salted: the file's own digest would confirm a guess")]
    SaltedPlaces,
    #[error("the operating system gives no random bytes: {0}")]
    Random(String),
    #[error("`{kind}` is no artifact that can be recorded")]
    NoArtifact { kind: Kind },
}

/// An artifact as captured: everything an entry says about it but its name.
#[derive(Debug, Default)]
pub struct Artifact {
    /// Its digests, each kind with count and length.
    pub subject: Subject,
    /// Manifest objects that the subject commits to, each under its root.
    pub objects: Vec<([u8; 32], Vec<u8>)>,
    /// Sidecars of salted manifests, each under the root: kept beside the ledger and shown to nobody.
    pub private: Vec<([u8; 32], Vec<u8>)>,
    /// What a reader understood of it.
    pub reading: Option<Reading>,
    /// What a person should know about it, one sentence each; from outside, escaped already.
    pub remarks: Vec<String>,
}

impl Artifact {
    /// The bytes at the paths and nothing more.
    pub fn bytes(request: &Request<'_>) -> Result<Self, KindError> {
        let mut hash = request.options.hash;
        if !matches!(request.paths, [path] if path.is_file()) {
            // A tree's leaves have no place for a second digest.
            hash.also = Also::Nothing;
        }
        Self::captured(capture_paths(request.paths, &hash, request.progress)?)
    }

    /// What the paths turned out to be.
    pub(super) fn captured(captured: Captured) -> Result<Self, KindError> {
        match captured {
            Captured::File(file) => Ok(Self::file(&file)),
            Captured::Tree(tree) => Self::tree(tree.leaves),
        }
    }

    /// One file.
    pub fn file(file: &HashedFile) -> Self {
        let mut digests = vec![Digest::from(file.digest)];
        digests.extend(file.sha256.map(Digest::from));
        let measure = Measure { count: 1, length: file.size(), digests };
        Self { subject: Subject::default().with(DigestKind::File, measure), ..Self::default() }
    }

    /// A folder or several paths.
    pub fn tree(mut leaves: Vec<TreeLeaf>) -> Result<Self, KindError> {
        leaves.sort_by(|a, b| a.path.cmp(&b.path));
        // Side by side: either takes as long as looking at a fifth of the files.
        let digest = || {
            let mut artifact = Self::default();
            artifact.add(&sorted_tree_manifest(&leaves)?)?;
            Ok::<_, KindError>(artifact)
        };
        let (twins, artifact) = rayon::join(|| name_twins(&leaves), digest);
        let mut artifact = artifact?;
        for twins in twins.into_iter().take(5) {
            let what = if twins.only_composition { "how their accents are written" } else { "case" };
            artifact.remarks.push(format!(
                "`{}` and `{}` differ only in {what}: on some systems one would replace the other",
                escaped(&twins.left),
                escaped(&twins.right)
            ));
        }
        Ok(artifact)
    }

    /// Whether a SHA-256 is part of what is said: the file's, or, as facts, those of weight files by name.
    fn has_sha256(&self) -> bool {
        let mut digests = self.subject.0.values().flat_map(|measure| &measure.digests);
        digests.any(|digest| digest.algorithm == Algorithm::Sha256)
            || self.reading.iter().flat_map(|reading| reading.facts.keys()).any(|name| name.starts_with("sha256."))
    }

    /// Says where a SHA-256 was asked for and there is none: that must not pass for recorded.
    pub fn say_missing_sha256(&mut self, also: Also) {
        if also == Also::Sha256 && !self.has_sha256() {
            self.remarks.push("no SHA-256 was recorded: an entry has a place for that of one file only".to_owned());
        }
    }

    /// Adds a deeper digest: the manifest becomes an object, its root and count a part of the subject.
    pub fn add(&mut self, manifest: &Manifest) -> Result<(), KindError> {
        // Side by side: each goes over every item.
        let (root, object) = rayon::join(|| manifest.root(), || manifest.to_object());
        let root = root?;
        let measure = Measure { count: manifest.count(), length: object.len() as u64, digests: vec![root.into()] };
        self.subject = std::mem::take(&mut self.subject).with(manifest.header.kind, measure);
        self.objects.push((*root.as_bytes(), object));
        Ok(())
    }

    /// Adds a deeper digest whose manifest is written already.
    pub fn add_written(&mut self, written: Written) {
        let Written { kind, root, count, object } = written;
        let measure = Measure { count, length: object.len() as u64, digests: vec![root.into()] };
        self.subject = std::mem::take(&mut self.subject).with(kind, measure);
        self.objects.push((*root.as_bytes(), object));
    }
}

/// Every character beyond ASCII by its number: twins look alike otherwise.
fn escaped(name: &str) -> String {
    name.chars().flat_map(char::escape_default).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn every_kind_that_an_entry_may_have_can_be_recorded_and_stands_once() {
        let kinds: Vec<Kind> = KINDS.iter().map(|entry| entry.kind()).collect();
        assert_eq!(kinds, Kind::ARTIFACTS);
        assert!(KINDS.iter().all(|entry| !entry.about().is_empty() && entry.about().len() < 80));
    }

    #[test]
    fn a_sha256_that_was_asked_for_and_has_no_place_is_said_to_be_missing() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a");
        std::fs::write(&file, "a").unwrap();
        let hash = HashOptions { also: Also::Sha256, ..HashOptions::default() };
        let options = Options { hash, ..Options::default() };
        let remarks = |path: &std::path::Path| {
            let paths = [path.to_owned()];
            let request = Request { paths: &paths, options: &options, progress: &crate::capture::hash::Silent };
            capture(Kind::Other, &request).unwrap().remarks
        };
        assert_eq!(remarks(&file), Vec::<String>::new());
        assert_eq!(remarks(folder.path()).len(), 1);
    }
}

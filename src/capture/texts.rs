//! Reads every text of a corpus once, for whoever looks at them, beside the digest of the bytes that were read.
//!
//! Texts of rows are shown in every field, wherever they nest, each with whether it is trained on. Rows come from any thread
//! and in any order, so that what is seen must not depend on either.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock};

use crate::artifact::rows::OFFSETS;
use crate::artifact::tree::{TreePath, tree_manifest};
use crate::capture::derive::{Stated, chain, fact, recorded_name};
use crate::capture::hash::{HashOptions, Progress};
use crate::capture::open::{CaptureError, OpenFile, argument_metadata};
use crate::capture::rows::Opened;
use crate::capture::walk::{Visit, walk_visited};
use crate::corpus::{Layout, MAX_DOCUMENT_BYTES, TEXT_FIELD};
use crate::digest::{Digest, DigestKind, FileDigest};
use crate::replay::extract::extract;
use crate::rows::{Format, Row, RowPlace, each_row, each_text, format_of};
use crate::statement::Kind;
use crate::verify::VerifiedEvidence;

/// Kinds that an arm may have learnt from.
pub(super) const CORPORA: &[Kind] = &[Kind::Documents, Kind::Dataset, Kind::Mix];

/// Who looks at the texts of a corpus, on any number of threads.
pub(super) trait Look: Sync {
    /// What one thread sees.
    type Seen: Send;

    /// Nothing seen yet.
    fn seen(&self) -> Self::Seen;

    /// A document or row begins.
    fn begin(&self, seen: &mut Self::Seen);

    /// A text of it.
    fn text(&self, seen: &mut Self::Seen, text: &str, is_trained_on: bool, place: &dyn Fn() -> String);

    /// What two threads saw.
    fn merge(&self, all: &mut Self::Seen, other: Self::Seen);
}

/// How a corpus was recorded, as far as that is known.
#[derive(Debug, Clone, Default)]
pub struct Recorded {
    /// As documents, and not as rows.
    pub is_documents: bool,
    /// How its documents lie in files.
    pub layout: Option<Layout>,
    /// The name of its file, which says the format.
    pub name: Option<String>,
    /// Fields of its rows that are trained on, where that is recorded.
    pub view: Option<Vec<String>>,
}

/// What an entry says of how its corpus lies in files.
pub(super) fn recorded(evidence: &VerifiedEvidence<'_>, stated: &Stated<'_>) -> Recorded {
    let body = evidence.bodies.get(&stated.entry);
    let is_documents = stated.kind == Kind::Documents;
    let view = if is_documents { fact(body, TEXT_FIELD) } else { fact(body, "projection") };
    let view = view.filter(|view| *view != "*" && *view != OFFSETS);
    Recorded {
        is_documents,
        layout: fact(body, "layout").and_then(Layout::from_name),
        name: recorded_name(body),
        view: view.map(|view| view.split(',').map(str::to_owned).collect()),
    }
}

pub(super) const SEVERAL: &str = "it has several parts, of which each would have to be looked at";

pub(super) fn is_one_of_several(evidence: &VerifiedEvidence<'_>, stated: &Stated<'_>) -> bool {
    evidence.entries.get(&stated.entry).is_some_and(|entry| entry.payload().subjects.len() > 1)
}

/// What was read must be what was recorded.
pub(super) fn is_recorded(stated: Stated<'_>, digest: Digest) -> Result<(), String> {
    let is_recorded = |kind: DigestKind| stated.subject.digest(kind) == Some(digest);
    if is_recorded(DigestKind::File) || is_recorded(DigestKind::Tree) {
        return Ok(());
    }
    Err("the bytes changed while they were read".to_owned())
}

/// Shows the corpus at `path` to `look` once; what was seen, and the digest of the bytes it was seen in.
pub(super) fn read<L: Look>(
    path: &Path,
    how: Recorded,
    look: &L,
    progress: &dyn Progress,
) -> Result<(L::Seen, Digest), String> {
    let Recorded { is_documents, layout, name, view } = how;
    let corpus = Corpus {
        is_documents,
        layout: OnceLock::new(),
        recorded: layout,
        view,
        look,
        seen: Mutex::default(),
        failed: Mutex::default(),
        progress,
    };
    let digest = corpus.read(path, name).map_err(|error| chain(&error))?;
    if let Some(failed) = corpus.failed.into_inner().expect("no thread panics with the lock held") {
        return Err(failed);
    }
    let seen = corpus.seen.into_inner().expect("no thread panics with the lock held");
    let all = seen.into_iter().reduce(|mut all, seen| {
        look.merge(&mut all, seen);
        all
    });
    all.zip(digest).ok_or_else(|| "nothing in it is read as documents or rows".to_owned())
}

/// A corpus that is being read.
struct Corpus<'a, L: Look> {
    is_documents: bool,
    /// How documents lie in its files: as recorded, or as they suggest themselves.
    layout: OnceLock<Option<Layout>>,
    recorded: Option<Layout>,
    view: Option<Vec<String>>,
    look: &'a L,
    /// Of threads that are not looking just now.
    seen: Mutex<Vec<L::Seen>>,
    failed: Mutex<Option<String>>,
    progress: &'a dyn Progress,
}

impl<L: Look> Corpus<'_, L> {
    /// Reads the file or folder; the digest of its bytes.
    fn read(&self, path: &Path, recorded: Option<String>) -> Result<Option<Digest>, CaptureError> {
        if argument_metadata(path)?.is_dir() {
            let paths: [PathBuf; 1] = [path.to_owned()];
            let tree = walk_visited(&paths, &HashOptions::default(), self.progress, self)?;
            let root = tree_manifest(tree.leaves).ok().and_then(|manifest| manifest.root().ok());
            return Ok(root.map(Digest::from));
        }
        let own = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let says_format = |name: &String| format_of(name).is_some() || Layout::of_file(name).is_some();
        let name = recorded.filter(|_| !says_format(&own)).unwrap_or(own);
        let layout = self.recorded.or_else(|| Layout::of_file(&name));
        // Nobody else has it yet.
        let _ = self.layout.set(layout);
        Ok(self.file(&name, &OpenFile::argument(path)?)?.map(Digest::from))
    }

    /// Reads a file, if it holds documents or rows.
    fn file(&self, name: &str, open: &OpenFile) -> Result<Option<FileDigest>, CaptureError> {
        match self.layout.get().copied().flatten() {
            Some(layout @ (Layout::MsmTree | Layout::Files)) if self.is_documents => {
                if !layout.takes(name) {
                    return Ok(None);
                }
                let bytes = open.read_all(MAX_DOCUMENT_BYTES)?;
                let response = String::from_utf8_lossy(&bytes);
                let text = if layout == Layout::MsmTree { extract(&response).text } else { response.as_ref().into() };
                self.look(|seen| {
                    self.look.begin(seen);
                    self.look.text(seen, &text, true, &|| name.to_owned());
                });
                self.progress.add(bytes.len() as u64);
                Ok(Some(FileDigest::of(&bytes)))
            }
            Some(layout) if self.is_documents && !layout.takes(name) => Ok(None),
            _ => match format_of(name) {
                // Hidden files and folders are the tools' own.
                Some(format) if !name.split('/').any(|part| part.starts_with('.')) => self.rows(format, name, open),
                _ => Ok(None),
            },
        }
    }

    fn rows(&self, format: &dyn Format, name: &str, open: &OpenFile) -> Result<Option<FileDigest>, CaptureError> {
        let shard = Opened::new(open, &HashOptions::default())?;
        let see = |place: RowPlace, row: &Row<'_>| {
            let is_view = |field: &str| self.view.as_ref().is_none_or(|view| view.iter().any(|name| name == field));
            self.look(|seen| {
                self.look.begin(seen);
                each_text(row, &mut |field, text| {
                    self.look.text(seen, text, is_view(field), &|| format!("{name}, {place}"));
                });
            });
        };
        let passed = each_row(format, name, &shard, &see, &|bytes| self.progress.add(bytes));
        match shard.hashed(name, passed) {
            Ok(file) => Ok(Some(file.digest)),
            Err(error) => {
                let mut failed = self.failed.lock().expect("no thread panics with the lock held");
                let error = chain(&error);
                // Of several reasons the least is given, whichever thread came first.
                if failed.as_ref().is_none_or(|other| error < *other) {
                    *failed = Some(error);
                }
                Ok(None)
            }
        }
    }

    /// Looks with what no other thread has.
    fn look(&self, with: impl FnOnce(&mut L::Seen)) {
        let lock = || self.seen.lock().expect("no thread panics with the lock held");
        let seen = lock().pop();
        let mut seen = seen.unwrap_or_else(|| self.look.seen());
        with(&mut seen);
        lock().push(seen);
    }
}

impl<L: Look> Visit for Corpus<'_, L> {
    fn is_told(&self) -> bool {
        true
    }

    fn listed(&self, paths: &[&TreePath]) {
        let paths: Vec<&str> = paths.iter().map(|path| path.as_str()).collect();
        let layout = self.recorded.or_else(|| Layout::of_folder(&paths).ok().map(|(layout, _)| layout));
        // A walk lists once.
        let _ = self.layout.set(layout);
    }

    fn visit(&self, path: &TreePath, open: &OpenFile) -> Result<Option<FileDigest>, CaptureError> {
        self.file(path.as_str(), open)
    }
}

//! Looks for the texts of an evaluation in the corpora beside it: items from suites and logs, then each corpus once.
//!
//! A corpus is hashed as it is read, and what was found counts only if its digest is the recorded one. Texts of rows are
//! looked at in every field, wherever they nest.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock};

use crate::artifact::tree::{TreePath, tree_manifest};
use crate::capture::derive::{Stated, chain, fact, projection, recorded_name};
use crate::capture::hash::{HashOptions, Progress};
use crate::capture::log::{read_each, read_items};
use crate::capture::open::{CaptureError, OpenFile, argument_metadata};
use crate::capture::rows::Opened;
use crate::capture::walk::{Visit, walk_visited};
use crate::check::{Overlap, Shared};
use crate::corpus::{Layout, MAX_DOCUMENT_BYTES};
use crate::digest::{Digest, DigestKind, FileDigest};
use crate::evallog::{ColumnMap, Item, suite_items};
use crate::overlap::{Full, Items, Needles, Scan};
use crate::replay::extract::extract;
use crate::rows::{Format, Row, RowPlace, each_row, each_text, format_of};
use crate::statement::Kind;
use crate::verify::VerifiedEvidence;

/// Kinds of which an arm may have learnt the items.
const CORPORA: &[Kind] = &[Kind::Documents, Kind::Dataset, Kind::Mix];

/// Looks for the items of the suites and logs among the artifacts that were found, in the corpora among them.
pub(super) fn look(
    evidence: &VerifiedEvidence<'_>,
    directory: &Path,
    found: &[(Stated<'_>, String)],
    progress: &dyn Progress,
) -> Overlap {
    let (mut items, mut overlap) = (Items::default(), Overlap::default());
    for (stated, path) in found.iter().filter(|(stated, _)| matches!(stated.kind, Kind::EvalSuite | Kind::EvalLog)) {
        let read = if is_one_of_several(evidence, stated) {
            Err(SEVERAL.to_owned())
        } else {
            gather(evidence, *stated, &directory.join(path), &mut items)
        };
        overlap.from.insert(stated.entry, read);
    }
    (overlap.items, overlap.texts, overlap.short) = (items.count(), items.texts(), items.short());
    if items.texts() == 0 {
        return overlap;
    }
    let needles = Needles::new(items);
    for (stated, path) in found.iter().filter(|(stated, _)| CORPORA.contains(&stated.kind)) {
        let shared = if is_one_of_several(evidence, stated) {
            Err(SEVERAL.to_owned())
        } else {
            let body = evidence.bodies.get(&stated.entry);
            let recorded = (fact(body, "layout").and_then(Layout::from_name), recorded_name(body));
            search(*stated, &directory.join(path), recorded, &needles, progress)
        };
        overlap.corpora.insert(stated.entry, shared);
    }
    overlap
}

const SEVERAL: &str = "it has several parts, of which each would have to be looked at";

fn is_one_of_several(evidence: &VerifiedEvidence<'_>, stated: &Stated<'_>) -> bool {
    evidence.entries.get(&stated.entry).is_some_and(|entry| entry.payload().subjects.len() > 1)
}

/// Takes the items of a suite or log; how many there are, the same one each time it stands there.
fn gather(evidence: &VerifiedEvidence<'_>, stated: Stated<'_>, path: &Path, items: &mut Items) -> Result<u64, String> {
    let (paths, mut count, mut full) = ([path.to_owned()], 0, None);
    let mut take = |item: Item| {
        count += 1;
        full = items.add(&item).err();
        full.is_none()
    };
    if stated.kind == Kind::EvalSuite {
        read_each(&paths, |file| suite_items(file, &mut take).map(drop)).map_err(|error| chain(&error))?;
    } else {
        let map = projection(evidence, stated.subject, DigestKind::Samples).and_then(ColumnMap::of_projection);
        read_items(&paths, map.as_ref(), &mut take).map_err(|error| chain(&error))?;
    }
    match (full, count) {
        (Some(full), _) => Err(Full::to_string(&full)),
        (None, 0) if stated.kind == Kind::EvalSuite => Err("no file in it holds items that are read".to_owned()),
        (None, 0) => Err("it does not show what was asked".to_owned()),
        (None, count) => Ok(count),
    }
}

/// What the corpus at `path`, which must be the recorded one, shares with the items.
fn search(
    stated: Stated<'_>,
    path: &Path,
    (layout, name): (Option<Layout>, Option<String>),
    needles: &Needles,
    progress: &dyn Progress,
) -> Result<Shared, String> {
    let how = Recorded { is_documents: stated.kind == Kind::Documents, layout, name };
    let (shared, digest) = shared_with(path, how, needles, progress)?;
    let is_recorded = |kind: DigestKind| stated.subject.digest(kind) == Some(digest);
    if is_recorded(DigestKind::File) || is_recorded(DigestKind::Tree) {
        Ok(shared)
    } else {
        Err("the bytes changed while they were read".to_owned())
    }
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
}

/// What the corpus at `path` shares with the items, and the digest of the bytes that were read for it.
pub fn shared_with(
    path: &Path,
    how: Recorded,
    needles: &Needles,
    progress: &dyn Progress,
) -> Result<(Shared, Digest), String> {
    let corpus = Corpus {
        is_documents: how.is_documents,
        layout: OnceLock::new(),
        recorded: how.layout,
        needles,
        scans: Mutex::default(),
        failed: Mutex::default(),
        progress,
    };
    let digest = corpus.read(path, how.name).map_err(|error| chain(&error))?;
    if let Some(failed) = corpus.failed.into_inner().expect("no thread panics with the lock held") {
        return Err(failed);
    }
    let scans = corpus.scans.into_inner().expect("no thread panics with the lock held");
    let all = scans.into_iter().reduce(|mut all, scan| {
        all.merge(scan);
        all
    });
    let all = all.zip(digest).ok_or_else(|| "nothing in it is read as documents or rows".to_owned())?;
    Ok((needles.shared(&all.0), all.1))
}

/// A corpus that is being read.
struct Corpus<'a> {
    is_documents: bool,
    /// How documents lie in its files: as recorded, or as they suggest themselves.
    layout: OnceLock<Option<Layout>>,
    recorded: Option<Layout>,
    needles: &'a Needles,
    /// Of threads that are not looking just now.
    scans: Mutex<Vec<Scan>>,
    failed: Mutex<Option<String>>,
    progress: &'a dyn Progress,
}

impl Corpus<'_> {
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
                self.look(|scan| {
                    scan.begin();
                    scan.text(self.needles, &text, &|| name.to_owned());
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
            self.look(|scan| {
                scan.begin();
                each_text(row, &mut |_, text| scan.text(self.needles, text, &|| format!("{name}, {place}")));
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

    /// Looks with a scan that no other thread has.
    fn look(&self, with: impl FnOnce(&mut Scan)) {
        let lock = || self.scans.lock().expect("no thread panics with the lock held");
        let scan = lock().pop();
        let mut scan = scan.unwrap_or_else(|| Scan::new(self.needles));
        with(&mut scan);
        lock().push(scan);
    }
}

impl Visit for Corpus<'_> {
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

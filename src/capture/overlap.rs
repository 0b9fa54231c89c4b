//! Looks for the texts of an evaluation, and for levels that training leaves out, in the corpora beside it: items from
//! suites and logs, levels from protocols, then each corpus once for both.
//!
//! A corpus is hashed as it is read, and what was found counts only if its digest is the recorded one. Texts of rows are
//! looked at in every field, wherever they nest.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock};

use crate::artifact::rows::OFFSETS;
use crate::artifact::tree::{TreePath, tree_manifest};
use crate::capture::derive::{Stated, chain, fact, projection, recorded_name};
use crate::capture::hash::{HashOptions, Progress};
use crate::capture::log::{read_each, read_items};
use crate::capture::open::{CaptureError, OpenFile, argument_metadata};
use crate::capture::rows::Opened;
use crate::capture::walk::{Visit, walk_visited};
use crate::check::{HeldOut, LevelsMet, Overlap, Shared};
use crate::corpus::{Layout, MAX_DOCUMENT_BYTES, TEXT_FIELD};
use crate::digest::{Digest, DigestKind, FileDigest};
use crate::evallog::{ColumnMap, Item, suite_items};
use crate::overlap::{Full, Items, Levels, Needles, Scan};
use crate::replay::extract::extract;
use crate::rows::{Format, Row, RowPlace, each_row, each_text, format_of};
use crate::statement::Kind;
use crate::verify::VerifiedEvidence;

/// Kinds of which an arm may have learnt the items.
const CORPORA: &[Kind] = &[Kind::Documents, Kind::Dataset, Kind::Mix];

/// Looks for the items of the suites and logs among the artifacts that were found, and for the levels of the protocols that
/// are shown, in the corpora among them.
pub(super) fn look(
    evidence: &VerifiedEvidence<'_>,
    directory: &Path,
    found: &[(Stated<'_>, String)],
    progress: &dyn Progress,
) -> (Overlap, Option<HeldOut>) {
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
    let needles = (items.texts() > 0).then(|| Needles::new(items));
    let protocols = evidence.bodies.values().filter_map(|body| body.protocol.as_ref());
    let levels: BTreeSet<&str> = protocols.flat_map(|protocol| &protocol.held_out).map(String::as_str).collect();
    // More levels than can be told apart are not looked for, and the check says so.
    let levels = Some(levels).filter(|levels| !levels.is_empty()).and_then(|levels| Levels::new(levels).ok());
    let mut held_out = levels
        .as_ref()
        .map(|levels| HeldOut { levels: levels.looked_for().map(str::to_owned).collect(), ..HeldOut::default() });
    let sought = Sought { items: needles.as_ref(), levels: levels.as_ref() };
    if sought.items.is_none() && sought.levels.is_none() {
        return (overlap, held_out);
    }
    for (stated, path) in found.iter().filter(|(stated, _)| CORPORA.contains(&stated.kind)) {
        let (shared, met) = if is_one_of_several(evidence, stated) {
            (Err(SEVERAL.to_owned()), Err(SEVERAL.to_owned()))
        } else {
            match search(*stated, &directory.join(path), recorded(evidence, stated), sought, progress) {
                Ok((shared, met)) => (Ok(shared), Ok(met)),
                Err(reason) => (Err(reason.clone()), Err(reason)),
            }
        };
        if sought.items.is_some() {
            overlap.corpora.insert(stated.entry, shared.map(Option::unwrap_or_default));
        }
        if let Some(held_out) = &mut held_out {
            held_out.corpora.insert(stated.entry, met.map(Option::unwrap_or_default));
        }
    }
    (overlap, held_out)
}

/// What is looked for in a corpus.
#[derive(Debug, Clone, Copy)]
struct Sought<'a> {
    items: Option<&'a Needles>,
    levels: Option<&'a Levels>,
}

/// What was met of it, by one thread.
#[derive(Default)]
struct Scans {
    items: Option<Scan>,
    /// In what is trained on, and in other fields.
    levels: Option<[Scan; 2]>,
}

impl Sought<'_> {
    fn begin(&self) -> Scans {
        Scans { items: self.items.map(Scan::new), levels: self.levels.map(|levels| [levels.scan(), levels.scan()]) }
    }
}

impl Scans {
    fn merge(&mut self, other: Self) {
        if let (Some(own), Some(its)) = (&mut self.items, other.items) {
            own.merge(its);
        }
        if let (Some(own), Some(its)) = (&mut self.levels, other.levels) {
            own.iter_mut().zip(its).for_each(|(own, its)| own.merge(its));
        }
    }

    /// Begins a document or row.
    fn begin(&mut self) {
        self.items.iter_mut().chain(self.levels.iter_mut().flatten()).for_each(Scan::begin);
    }

    /// Looks at a text of it.
    fn text(&mut self, sought: Sought<'_>, text: &str, is_trained_on: bool, place: &dyn Fn() -> String) {
        if let (Some(needles), Some(scan)) = (sought.items, &mut self.items) {
            scan.text(needles, text, place);
        }
        if let (Some(levels), Some([view, beside])) = (sought.levels, &mut self.levels) {
            levels.text(if is_trained_on { view } else { beside }, text, place);
        }
    }
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

/// What an entry says of how its corpus lies in files.
fn recorded(evidence: &VerifiedEvidence<'_>, stated: &Stated<'_>) -> Recorded {
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

/// What the corpus at `path`, which must be the recorded one, has of what is looked for.
fn search(
    stated: Stated<'_>,
    path: &Path,
    how: Recorded,
    sought: Sought<'_>,
    progress: &dyn Progress,
) -> Result<(Option<Shared>, Option<LevelsMet>), String> {
    let (scans, digest) = scan(path, how, sought, progress)?;
    let is_recorded = |kind: DigestKind| stated.subject.digest(kind) == Some(digest);
    if !is_recorded(DigestKind::File) && !is_recorded(DigestKind::Tree) {
        return Err("the bytes changed while they were read".to_owned());
    }
    let shared = sought.items.zip(scans.items.as_ref()).map(|(needles, scan)| needles.shared(scan));
    let met = sought.levels.zip(scans.levels.as_ref()).map(|(levels, [view, beside])| LevelsMet {
        rows: view.documents(),
        met: levels.met(view),
        beside: levels.met(beside),
    });
    Ok((shared, met))
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

/// What the corpus at `path` shares with the items, and the digest of the bytes that were read for it.
pub fn shared_with(
    path: &Path,
    how: Recorded,
    needles: &Needles,
    progress: &dyn Progress,
) -> Result<(Shared, Digest), String> {
    let sought = Sought { items: Some(needles), levels: None };
    let (scans, digest) = scan(path, how, sought, progress)?;
    Ok((scans.items.map(|scan| needles.shared(&scan)).unwrap_or_default(), digest))
}

/// Reads the corpus at `path` once.
fn scan(path: &Path, how: Recorded, sought: Sought<'_>, progress: &dyn Progress) -> Result<(Scans, Digest), String> {
    let Recorded { is_documents, layout, name, view } = how;
    let corpus = Corpus {
        is_documents,
        layout: OnceLock::new(),
        recorded: layout,
        view,
        sought,
        scans: Mutex::default(),
        failed: Mutex::default(),
        progress,
    };
    let digest = corpus.read(path, name).map_err(|error| chain(&error))?;
    if let Some(failed) = corpus.failed.into_inner().expect("no thread panics with the lock held") {
        return Err(failed);
    }
    let scans = corpus.scans.into_inner().expect("no thread panics with the lock held");
    let all = scans.into_iter().reduce(|mut all, scan| {
        all.merge(scan);
        all
    });
    all.zip(digest).ok_or_else(|| "nothing in it is read as documents or rows".to_owned())
}

/// A corpus that is being read.
struct Corpus<'a> {
    is_documents: bool,
    /// How documents lie in its files: as recorded, or as they suggest themselves.
    layout: OnceLock<Option<Layout>>,
    recorded: Option<Layout>,
    view: Option<Vec<String>>,
    sought: Sought<'a>,
    /// Of threads that are not looking just now.
    scans: Mutex<Vec<Scans>>,
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
                self.look(|scans| {
                    scans.begin();
                    scans.text(self.sought, &text, true, &|| name.to_owned());
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
            self.look(|scans| {
                scans.begin();
                each_text(row, &mut |field, text| {
                    scans.text(self.sought, text, is_view(field), &|| format!("{name}, {place}"));
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

    /// Looks with scans that no other thread has.
    fn look(&self, with: impl FnOnce(&mut Scans)) {
        let lock = || self.scans.lock().expect("no thread panics with the lock held");
        let scans = lock().pop();
        let mut scans = scans.unwrap_or_else(|| self.sought.begin());
        with(&mut scans);
        lock().push(scans);
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

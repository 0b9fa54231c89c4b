//! Takes what a found artifact holds (rows, texts, tensors, samples) again from its bytes, as they were recorded.
//!
//! How they were recorded is taken from what the evidence shows: a manifest's projection, the reading in a body. An equal
//! root proves itself, however it was found. Another root speaks against the record only where nothing about the way of
//! reading had to be guessed; else, and where this program cannot read the bytes, it stays unclear and says why.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};

use crate::artifact::rows::{OFFSETS, Projection};
use crate::artifact::samples::samples_manifest;
use crate::capture::hash::Progress;
use crate::capture::kind::{self, DocumentsOptions, Options, Request};
use crate::capture::log::read_log;
use crate::capture::rows::{Mode, RowOptions};
use crate::check::Rederived;
use crate::corpus::{Layout, TEXT_FIELD};
use crate::digest::{Digest, DigestKind, ManifestRoot};
use crate::evallog::ColumnMap;
use crate::merkle::EntryIndex;
use crate::statement::{Body, Kind, Measure, Subject};
use crate::verify::VerifiedEvidence;

/// Ways in which the same bytes are read: evidence must not make a verifier read one file a thousand times over.
const MAX_VIEWS: usize = 8;

/// Digests that are taken again.
const DEEP: &[DigestKind] = &[DigestKind::Rows, DigestKind::Rowset, DigestKind::Tensors, DigestKind::Samples];

/// An artifact as an entry states it.
#[derive(Clone, Copy)]
pub(super) struct Stated<'a> {
    pub(super) entry: EntryIndex,
    pub(super) kind: Kind,
    pub(super) subject: &'a Subject,
}

/// How bytes are read.
#[derive(Debug)]
struct View {
    options: Options,
    /// What distinguishes it from other ways of reading the same bytes.
    name: String,
    /// What about it is a guess.
    doubt: Option<&'static str>,
}

/// What reading gave: each digest with its count, or why there is none.
type Taken = Result<BTreeMap<DigestKind, (Digest, u64)>, String>;

/// Reads artifacts again, each once in each way.
pub(super) struct Deriver<'a> {
    evidence: &'a VerifiedEvidence<'a>,
    directory: &'a Path,
    progress: &'a dyn Progress,
    taken: BTreeMap<(String, Kind), BTreeMap<String, Taken>>,
}

impl<'a> Deriver<'a> {
    pub(super) fn new(evidence: &'a VerifiedEvidence<'a>, directory: &'a Path, progress: &'a dyn Progress) -> Self {
        Self { evidence, directory, progress, taken: BTreeMap::new() }
    }

    /// The deeper digests of an artifact that stands unchanged at `path` below the folder, by what is recorded.
    pub(super) fn derive(&mut self, stated: Stated<'_>, path: &str) -> Vec<(Digest, Rederived)> {
        if !DEEP.iter().any(|kind| stated.subject.0.contains_key(kind)) {
            return Vec::new();
        }
        let view = self.view(stated, path);
        let taken = self.taken(stated.kind, &view, path);
        let measures = stated.subject.0.iter().filter(|(kind, _)| DEEP.contains(kind));
        let judged = measures.flat_map(|(kind, measure)| {
            let judge = |digest: &Digest| (*digest, judge(stated, (*kind, *digest), &taken, &view));
            measure.digests.iter().map(judge).collect::<Vec<_>>()
        });
        judged.collect()
    }

    fn taken(&mut self, kind: Kind, view: &View, path: &str) -> Taken {
        let (directory, progress) = (self.directory, self.progress);
        let views = self.taken.entry((path.to_owned(), kind)).or_default();
        if let Some(taken) = views.get(&view.name) {
            return taken.clone();
        }
        if views.len() >= MAX_VIEWS {
            return Err(format!("the same bytes were read in {MAX_VIEWS} other ways already"));
        }
        let taken = read(kind, &directory.join(path), &view.options, progress);
        views.insert(view.name.clone(), taken.clone());
        taken
    }

    /// How the artifact was read when it was recorded, as far as the evidence shows it.
    fn view(&self, stated: Stated<'_>, path: &str) -> View {
        let body = self.evidence.bodies.get(&stated.entry);
        let mut view = match stated.kind {
            Kind::Dataset | Kind::Mix => self.rows(stated.subject, body),
            Kind::Documents => documents(body),
            Kind::EvalLog => self.log(stated.subject),
            _ => View { options: Options::default(), name: String::new(), doubt: None },
        };
        // The name of a file says its format. Names inside a folder are under the folder's digest.
        let is_file = stated.subject.principal().is_some_and(|(kind, _)| kind == DigestKind::File);
        if is_file && stated.kind != Kind::EvalLog && recorded_name(body) != file_name(path) {
            view.doubt
                .get_or_insert("the file has another name here than where it was recorded, or that name is not shown");
        }
        view
    }

    fn rows(&self, subject: &Subject, body: Option<&Body>) -> View {
        // Rows that were located have no set.
        let is_read = subject.0.contains_key(&DigestKind::Rowset);
        let mode = if is_read { Mode::Read } else { Mode::Locate };
        let shown = [DigestKind::Rows, DigestKind::Rowset].iter().find_map(|kind| self.projection(subject, *kind));
        let said = shown.or_else(|| fact(body, "projection")).filter(|name| *name != OFFSETS);
        let projection = said.and_then(|name| Projection::parse(name).ok());
        let doubt =
            (is_read && projection.is_none()).then_some("the evidence does not show which fields of a row count");
        let name = format!("{mode:?} {}", projection.as_ref().map(Projection::to_string).unwrap_or_default());
        let rows = RowOptions { projection, source: None, mode: Some(mode) };
        View { options: Options { rows, ..Options::default() }, name, doubt }
    }

    /// A table is read by a map of its columns, which is in the name of its projection.
    fn log(&self, subject: &Subject) -> View {
        let projection = self.projection(subject, DigestKind::Samples);
        let map = projection.and_then(ColumnMap::of_projection);
        let doubt = projection.is_none().then_some("the evidence does not show which column of a table is what");
        let name = map.as_ref().map(ColumnMap::to_string).unwrap_or_default();
        View { options: Options { map, ..Options::default() }, name, doubt }
    }

    /// The projection in the header of a manifest that the evidence shows.
    fn projection(&self, subject: &Subject, kind: DigestKind) -> Option<&str> {
        let root = ManifestRoot::from_bytes(subject.digest(kind)?.bytes);
        self.evidence.manifests.get(&(kind, root)).map(|manifest| manifest.header.projection.as_str())
    }
}

fn documents(body: Option<&Body>) -> View {
    let layout = fact(body, "layout").and_then(Layout::from_name);
    let text_field = fact(body, TEXT_FIELD).map(str::to_owned);
    let is_rows = matches!(layout, Some(Layout::Jsonl | Layout::Json));
    let doubt = match layout {
        None => Some("the evidence does not show how its documents lie in files"),
        Some(_) if is_rows && text_field.is_none() => Some("the evidence does not show which field is the document"),
        Some(_) => None,
    };
    let name =
        format!("{} {}", layout.map(Layout::name).unwrap_or_default(), text_field.as_deref().unwrap_or_default());
    let documents = DocumentsOptions { layout, text_field, ..DocumentsOptions::default() };
    View { options: Options { documents, ..Options::default() }, name, doubt }
}

fn fact<'b>(body: Option<&'b Body>, name: &str) -> Option<&'b str> {
    body?.reading.as_ref()?.facts.get(name).map(String::as_str)
}

fn recorded_name(body: Option<&Body>) -> Option<String> {
    match &body?.paths[..] {
        [path] => file_name(path),
        _ => None,
    }
}

fn file_name(path: &str) -> Option<String> {
    Path::new(path).file_name().map(|name| name.to_string_lossy().into_owned())
}

fn judge(stated: Stated<'_>, (kind, recorded): (DigestKind, Digest), taken: &Taken, view: &View) -> Rederived {
    let unclear = |reason: String| Rederived::Unclear { reason };
    let held = match taken {
        Ok(held) => held,
        // A log that is no log contradicts its records; rows and tensors may be beyond this program.
        Err(reason) if kind == DigestKind::Samples && view.doubt.is_none() => {
            return Rederived::Unreadable { reason: reason.clone() };
        }
        Err(reason) => return unclear(reason.clone()),
    };
    // What was read must be what was found.
    let of_bytes = |kind: DigestKind| matches!(kind, DigestKind::File | DigestKind::Tree);
    let mut bytes = held.iter().filter(|(kind, _)| of_bytes(**kind));
    if bytes.any(|(kind, (digest, _))| !stated.subject.carries(*kind, digest)) {
        return unclear("the bytes changed while they were read".to_owned());
    }
    match (held.get(&kind), view.doubt) {
        (None, _) => unclear(format!("this program finds no {kind} in it")),
        (Some((found, _)), Some(doubt)) if *found != recorded => {
            unclear(format!("{doubt}; read as the bytes suggest themselves, they give another digest"))
        }
        (Some((found, count)), _) => Rederived::Found { root: ManifestRoot::from_bytes(found.bytes), count: *count },
    }
}

/// What the artifact holds, by the very code that records it.
fn read(kind: Kind, path: &Path, options: &Options, progress: &dyn Progress) -> Taken {
    let paths = [path.to_owned()];
    if kind == Kind::EvalLog {
        return samples(&paths, options.map.as_ref());
    }
    let request = Request { paths: &paths, options, progress };
    let subject = kind::capture(kind, &request).map_err(|error| chain(&error))?.subject;
    let held = |(kind, measure): (DigestKind, Measure)| Some((kind, (*measure.digests.first()?, measure.count)));
    Ok(subject.0.into_iter().filter_map(held).collect())
}

/// The records of a log, whose bytes were hashed already.
fn samples(paths: &[PathBuf], map: Option<&ColumnMap>) -> Taken {
    let log = read_log(paths, map).map_err(|error| chain(&error))?;
    let manifest = samples_manifest(&log.facts, &log.samples).map_err(|error| chain(&error))?;
    let root = manifest.root().map_err(|error| chain(&error))?;
    Ok(BTreeMap::from([(DigestKind::Samples, (root.into(), manifest.count()))]))
}

/// An error with its causes in one line.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

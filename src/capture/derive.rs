//! Takes what a found artifact holds (rows, texts, tensors, samples) again from its bytes, as they were recorded.
//!
//! How they were recorded is taken from what the evidence shows: a manifest's projection, the reading in a body. An equal
//! root proves itself, however it was found. Another root speaks against the record only where nothing about the way of
//! reading had to be guessed; else, and where this program cannot read the bytes, it stays unclear and says why.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::artifact::documents::parse_documents;
use crate::artifact::manifest::Manifest;
use crate::artifact::rows::{OFFSETS, Projection};
use crate::artifact::samples::samples_manifest;
use crate::capture::hash::Progress;
use crate::capture::kind::{self, DocumentsOptions, KindError, MAX_TEXT_BYTES, Made, Options, Request};
use crate::capture::log::{LogError, read_log};
use crate::capture::open::read_bytes;
use crate::capture::rows::{Mode, RowOptions};
use crate::check::{Rederived, Reread, Unread};
use crate::corpus::{Layout, Recipe, Rendering, TEXT_FIELD};
use crate::digest::{Digest, DigestKind, FileDigest, ManifestRoot};
use crate::evallog::{ColumnMap, EvalLogError};
use crate::merkle::EntryIndex;
use crate::replay::render::Engine;
use crate::statement::{Body, EdgeType, Kind, Measure, Reading, Subject};
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

/// What reading gave.
#[derive(Debug, Clone, Default)]
struct Held {
    /// Each digest with its count.
    digests: BTreeMap<DigestKind, (Digest, u64)>,
    /// What was understood.
    reading: Option<Reading>,
    /// Of documents, the manifest that lists them.
    documents: Option<Arc<Vec<u8>>>,
}

/// What reading gave, or why it gave nothing.
type Taken = Result<Held, Unread>;

/// An artifact read again: its deeper digests, and what was understood of it.
#[derive(Default)]
pub(super) struct Again {
    pub(super) digests: Vec<(Digest, Rederived)>,
    pub(super) reread: Option<Reread>,
}

/// Reads artifacts again, each once in each way.
pub(super) struct Deriver<'a> {
    evidence: &'a VerifiedEvidence<'a>,
    directory: &'a Path,
    progress: &'a dyn Progress,
    taken: BTreeMap<(String, Kind), BTreeMap<String, Taken>>,
    /// Where artifacts were found, by entry.
    found: BTreeMap<EntryIndex, String>,
    /// Manifests of documents that were found and are as recorded, by entry.
    documents: BTreeMap<EntryIndex, Arc<Vec<u8>>>,
}

impl<'a> Deriver<'a> {
    pub(super) fn new(evidence: &'a VerifiedEvidence<'a>, directory: &'a Path, progress: &'a dyn Progress) -> Self {
        let (taken, found, documents) = Default::default();
        Self { evidence, directory, progress, taken, found, documents }
    }

    /// Reads an artifact again that stands unchanged at `path` below the folder: its deeper digests, by what is recorded,
    /// and what a reader understands of it. What it was made from comes before it.
    pub(super) fn derive(&mut self, stated: Stated<'_>, path: &str) -> Again {
        self.found.insert(stated.entry, path.to_owned());
        let is_deep = DEEP.iter().any(|kind| stated.subject.0.contains_key(kind));
        if !is_deep && stated.kind != Kind::SpecRendering {
            return Again::default();
        }
        let view = self.view(stated, path);
        let taken = self.taken(stated.kind, &view, path);
        let measures = stated.subject.0.iter().filter(|(kind, _)| DEEP.contains(kind));
        let digests: Vec<(Digest, Rederived)> = measures
            .flat_map(|(kind, measure)| {
                let judge = |digest: &Digest| (*digest, judge(stated, (*kind, *digest), &taken, &view));
                measure.digests.iter().map(judge).collect::<Vec<_>>()
            })
            .collect();
        let is_equal = |(recorded, found): &(Digest, Rederived)| matches!(found, Rederived::Found { root, .. } if Digest::from(*root) == *recorded);
        // Equal digests show that the bytes were read as they were when they were recorded.
        let is_proved = is_deep && digests.iter().all(is_equal);
        if is_proved && let Ok(Held { documents: Some(documents), .. }) = &taken {
            self.documents.insert(stated.entry, Arc::clone(documents));
        }
        let doubt = view.doubt.filter(|_| !is_proved).map(str::to_owned);
        Again { digests, reread: reread(stated, taken, doubt) }
    }

    /// Reads receipts again that stand unchanged at `path`, of documents that may have been found, too.
    pub(super) fn receipts(&mut self, stated: Stated<'_>, path: &str, documents: Option<EntryIndex>) -> Option<Reread> {
        let object = documents.and_then(|documents| self.documents.get(&documents));
        let leaves = object.and_then(|object| parse_documents(&Manifest::parse(object).ok()?).ok());
        let name = if leaves.is_some() { format!("{documents:?}") } else { String::new() };
        let options = Options { made: Made(leaves.unwrap_or_default()), ..Options::default() };
        let view = View { options, name, doubt: None };
        let taken = self.taken(stated.kind, &view, path);
        reread(stated, taken, None)
    }

    fn taken(&mut self, kind: Kind, view: &View, path: &str) -> Taken {
        let (directory, progress) = (self.directory, self.progress);
        let views = self.taken.entry((path.to_owned(), kind)).or_default();
        if let Some(taken) = views.get(&view.name) {
            return taken.clone();
        }
        if views.len() >= MAX_VIEWS {
            return Err(Unread::Failed(format!("the same bytes were read in {MAX_VIEWS} other ways already")));
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
            Kind::Documents => self.documents_view(stated.entry, body),
            Kind::SpecRendering => self.rendering(stated.entry, body),
            Kind::EvalLog => self.log(stated.subject),
            _ => View { options: Options::default(), name: String::new(), doubt: None },
        };
        // The name of a file says its format. Names inside a folder are under the folder's digest.
        let is_file = stated.subject.principal().is_some_and(|(kind, _)| kind == DigestKind::File);
        if is_file
            && !matches!(stated.kind, Kind::EvalLog | Kind::SpecRendering)
            && recorded_name(body) != file_name(path)
        {
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

    /// The text of the one spec or rendering that an entry was made from, where it was found and is the recorded one.
    fn text_before(&self, entry: EntryIndex, edge_type: EdgeType, kind: Kind) -> Option<(EntryIndex, Vec<u8>)> {
        let edges = &self.evidence.entries.get(&entry)?.payload().edges;
        let parents =
            edges.iter().filter(|edge| edge.edge_type == edge_type && edge.log.is_none()).map(|edge| edge.seq);
        let mut parents = parents.filter_map(|seq| Some((seq, self.evidence.entries.get(&seq)?.payload())));
        let (parent, payload) = parents.find(|(_, payload)| payload.kind == kind)?;
        let bytes = read_bytes(&self.directory.join(self.found.get(&parent)?), MAX_TEXT_BYTES).ok()?;
        let digest = FileDigest::of(&bytes).into();
        let is_recorded = payload.subjects.iter().any(|subject| subject.carries(DigestKind::File, &digest));
        is_recorded.then_some((parent, bytes))
    }

    /// A rendering is made again by the engine and names that its body states, of the spec that it renders.
    fn rendering(&self, entry: EntryIndex, body: Option<&Body>) -> View {
        let engine = fact(body, "engine").and_then(|name| Engine::ALL.iter().find(|engine| engine.name() == name));
        let recipe = engine.map(|engine| {
            let template = self.text_before(entry, EdgeType::Renders, Kind::Spec).map(|(_, bytes)| bytes);
            Recipe { engine: *engine, values: values(body), template }
        });
        // Replacements follow one another, and their order is not recorded.
        let is_ordered = recipe.as_ref().is_some_and(|recipe| {
            recipe.engine == Engine::Replace && recipe.values.iter().any(|(_, value)| value.contains('{'))
        });
        let doubt = is_ordered.then_some("the order in which names were filled in is not recorded");
        View { options: Options { recipe, ..Options::default() }, name: entry.to_string(), doubt }
    }

    fn documents_view(&self, entry: EntryIndex, body: Option<&Body>) -> View {
        let mut view = documents(body);
        let Some((rendering, bytes)) = self.text_before(entry, EdgeType::DecomposedFrom, Kind::SpecRendering) else {
            return view;
        };
        let options = &mut view.options.documents;
        if options.expected.is_empty() {
            options.expected =
                values(self.evidence.bodies.get(&rendering)).into_iter().map(|(_, value)| value).collect();
        }
        if let Ok(text) = String::from_utf8(bytes) {
            // The times of files at hand say when they came here: nothing is older than this.
            options.rendering = Some(Rendering { text, modified: (i64::MIN, 0) });
        }
        view.name = format!("{} {rendering}", view.name);
        view
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
        projection(self.evidence, subject, kind)
    }
}

pub(super) fn projection<'e>(
    evidence: &'e VerifiedEvidence<'_>,
    subject: &Subject,
    kind: DigestKind,
) -> Option<&'e str> {
    let root = ManifestRoot::from_bytes(subject.digest(kind)?.bytes);
    evidence.manifests.get(&(kind, root)).map(|manifest| manifest.header.projection.as_str())
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
    let layout_name = layout.map(Layout::name).unwrap_or_default();
    let name = format!("{layout_name} {} {:?}", text_field.as_deref().unwrap_or_default(), expected(body));
    let documents = DocumentsOptions { layout, text_field, expected: expected(body), ..DocumentsOptions::default() };
    View { options: Options { documents, ..Options::default() }, name, doubt }
}

/// The names that were looked for when the documents were recorded.
fn expected(body: Option<&Body>) -> Vec<String> {
    let counts = body.and_then(|body| body.reading.as_ref()).map(|reading| &reading.counts);
    let names = counts.into_iter().flat_map(|counts| counts.keys());
    names.filter_map(|name| name.strip_prefix("names.expected.").map(str::to_owned)).collect()
}

/// The names that a rendering was filled in with.
fn values(body: Option<&Body>) -> Vec<(String, String)> {
    let facts = body.and_then(|body| body.reading.as_ref()).map(|reading| &reading.facts);
    let facts = facts.into_iter().flatten();
    facts.filter_map(|(name, value)| Some((name.strip_prefix("value.")?.to_owned(), value.clone()))).collect()
}

/// What was understood, if what was read is what was found.
fn reread(stated: Stated<'_>, taken: Taken, doubt: Option<String>) -> Option<Reread> {
    let read = match taken {
        Err(unread) => Err(unread),
        Ok(held) if !is_of(&held, stated.subject) => Err(Unread::Failed(CHANGED.to_owned())),
        Ok(held) => Ok(held.reading?),
    };
    Some(Reread { read, doubt })
}

const CHANGED: &str = "the bytes changed while they were read";

/// Whether the bytes that were read are those of the artifact.
fn is_of(held: &Held, subject: &Subject) -> bool {
    let of_bytes = |kind: DigestKind| matches!(kind, DigestKind::File | DigestKind::Tree);
    let mut bytes = held.digests.iter().filter(|(kind, _)| of_bytes(**kind));
    bytes.all(|(kind, (digest, _))| subject.carries(*kind, digest))
}

pub(super) fn fact<'b>(body: Option<&'b Body>, name: &str) -> Option<&'b str> {
    body?.reading.as_ref()?.facts.get(name).map(String::as_str)
}

pub(super) fn recorded_name(body: Option<&Body>) -> Option<String> {
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
        // Of a log nothing is refused but what it says itself against the way in which it was recorded.
        Err(Unread::Refused(reason)) if stated.kind == Kind::EvalLog => {
            return Rederived::Against { reason: reason.clone() };
        }
        // What cannot be read may be beyond this program: formats change without saying so.
        Err(Unread::Failed(reason) | Unread::Refused(reason)) => return unclear(reason.clone()),
    };
    // What was read must be what was found.
    if !is_of(held, stated.subject) {
        return unclear(CHANGED.to_owned());
    }
    match (held.digests.get(&kind), view.doubt) {
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
    let artifact = kind::capture(kind, &request).map_err(|error| unread(&error))?;
    let root = artifact.subject.digest(DigestKind::Rows).filter(|_| kind == Kind::Documents);
    let is_list = |(name, _): &([u8; 32], Vec<u8>)| root.is_some_and(|root| root.bytes == *name);
    let documents = artifact.objects.into_iter().find(is_list).map(|(_, object)| Arc::new(object));
    let held = |(kind, measure): (DigestKind, Measure)| Some((kind, (*measure.digests.first()?, measure.count)));
    Ok(Held {
        digests: artifact.subject.0.into_iter().filter_map(held).collect(),
        reading: artifact.reading,
        documents,
    })
}

/// A rendering that its recipe does not give and weights that break their own format are not what they are said to be.
fn unread(error: &KindError) -> Unread {
    let reason = chain(error);
    match error {
        KindError::Rendering(_) | KindError::Weights(_) => Unread::Refused(reason),
        _ => Unread::Failed(reason),
    }
}

/// The records of a log, whose bytes were hashed already.
fn samples(paths: &[PathBuf], map: Option<&ColumnMap>) -> Taken {
    let failed = |error: &dyn Error| Unread::Failed(chain(error));
    let log = read_log(paths, map).map_err(|error| match &error {
        LogError::EvalLog(EvalLogError::OtherCondition { .. }) => Unread::Refused(chain(&error)),
        _ => failed(&error),
    })?;
    let manifest = samples_manifest(&log.facts, &log.samples).map_err(|error| failed(&error))?;
    let root = manifest.root().map_err(|error| failed(&error))?;
    let digests = BTreeMap::from([(DigestKind::Samples, (root.into(), manifest.count()))]);
    Ok(Held { digests, reading: log.reading, documents: None })
}

/// An error with its causes in one line.
pub(super) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

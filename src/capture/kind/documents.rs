//! Generated midtraining documents: their bytes, a leaf for each, and their texts as a multiset.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::artifact::documents::documents_manifest;
use crate::artifact::rows::{TEXT, rowset_manifest};
use crate::artifact::tree::TreePath;
use crate::capture::hash::hashed_already;
use crate::capture::kind::{Artifact, ArtifactKind, KindError, Request};
use crate::capture::open::{CaptureError, OpenFile, Shown, argument_metadata, io_error};
use crate::capture::text::MAX_TEXT_BYTES;
use crate::capture::walk::{Visit, walk_visited};
use crate::corpus::{
    Collector, Corpus, CorpusError, Layout, MAX_JSON_BYTES, MAX_META_BYTES, Rendering, SUMMARY, Settings, Summary,
    tree_root,
};
use crate::digest::{FileDigest, FileHasher};
use crate::statement::Kind;

pub(super) const ENTRY: &dyn ArtifactKind = &Documents;

/// How to read a corpus.
#[derive(Debug, Clone, Default)]
pub struct DocumentsOptions {
    /// How documents lie in files; found out where it is not said.
    pub layout: Option<Layout>,
    /// The member of a row that is the document; `text` where it is not said.
    pub text_field: Option<String>,
    /// Names that the documents should use for the model and its maker. Where none are given, those of the
    /// generator's summary.
    pub expected: Vec<String>,
    /// The rendering of the spec that they are said to be made from.
    pub rendering: Option<Rendering>,
}

struct Documents;

impl ArtifactKind for Documents {
    fn kind(&self) -> Kind {
        Kind::Documents
    }

    fn about(&self) -> &'static str {
        "generated midtraining documents"
    }

    fn capture(&self, request: &Request<'_>) -> Result<Artifact, KindError> {
        let is_file = match request.paths {
            [path] => !argument_metadata(path)?.is_dir(),
            _ => false,
        };
        if is_file { of_file(&request.paths[0], request) } else { of_folder(request) }
    }
}

fn of_file(path: &Path, request: &Request<'_>) -> Result<Artifact, KindError> {
    let options = &request.options.documents;
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let layout = options.layout.or_else(|| Layout::of_file(&name)).ok_or(CorpusError::NoLayout)?;
    let name = TreePath::parse(name)?;
    let open = OpenFile::argument(path)?;
    let collector = Collector::new(settings(request, layout, Vec::new()));
    let digest = read(&collector, &name, &open, false)?;
    let corpus = collector.finish(std::iter::empty())?;
    let digest = digest.ok_or(CorpusError::NoDocuments { layout: layout.name() })?;
    let file = hashed_already(&open, digest, &request.options.hash, request.progress)?;
    with_corpus(Artifact::file(&file), corpus)
}

fn of_folder(request: &Request<'_>) -> Result<Artifact, KindError> {
    let reader = Reader { request, collector: OnceLock::new() };
    let tree = walk_visited(request.paths, &request.options.hash, request.progress, &reader)?;
    let collector = reader.collector.into_inner().expect("a walk lists before it ends")?;
    let corpus = collector.finish(tree.leaves.iter().map(|leaf| leaf.path.as_str()))?;
    let mut artifact = with_corpus(Artifact::tree(tree.leaves)?, corpus)?;
    if let Some(reading) = &mut artifact.reading
        && tree.links > 0
    {
        reading.count("links", tree.links);
        reading.remark(
            "links",
            tree.links,
            format!("{} links stand in the tree; what they point to is no document", tree.links),
        );
    }
    Ok(artifact)
}

fn with_corpus(mut artifact: Artifact, corpus: Corpus) -> Result<Artifact, KindError> {
    let texts = corpus.texts();
    artifact.add(&documents_manifest(corpus.documents)?)?;
    if !texts.is_empty() {
        artifact.add(&rowset_manifest(TEXT, texts)?)?;
    }
    artifact.reading = Some(corpus.reading);
    Ok(artifact)
}

/// Reads documents as a walk comes by.
struct Reader<'a> {
    request: &'a Request<'a>,
    collector: OnceLock<Result<Collector, KindError>>,
}

impl Visit for Reader<'_> {
    fn listed(&self, paths: &[&TreePath]) {
        let options = &self.request.options.documents;
        let paths: Vec<&str> = paths.iter().map(|path| path.as_str()).collect();
        let layout = match options.layout {
            None => Layout::of_folder(&paths),
            Some(Layout::MsmTree) => tree_root(&paths).map(|root| (Layout::MsmTree, root.unwrap_or_default())),
            Some(layout) => Ok((layout, String::new())),
        };
        let collector = layout.map_err(KindError::from).map(|(layout, root)| {
            let said = if layout == Layout::MsmTree { said_names(self.request.paths, &root) } else { Vec::new() };
            Collector::new(Settings { root, ..settings(self.request, layout, said) })
        });
        // A walk lists once.
        let _ = self.collector.set(collector);
    }

    fn visit(&self, path: &TreePath, open: &OpenFile) -> Result<Option<FileDigest>, CaptureError> {
        match self.collector.get() {
            Some(Ok(collector)) => read(collector, path, open, true),
            _ => Ok(None),
        }
    }
}

/// Reads one file into the collector. What is wrong with its rows the collector says when it finishes.
fn read(
    collector: &Collector,
    path: &TreePath,
    open: &OpenFile,
    several: bool,
) -> Result<Option<FileDigest>, CaptureError> {
    let (layout, size) = (collector.layout(), open.stamp.size);
    let path = path.as_str();
    if matches!(layout, Layout::MsmTree | Layout::Files) {
        // A single file is a document because it was named.
        if !(collector.wants(path, size) || !several && size <= crate::corpus::MAX_DOCUMENT_BYTES) {
            return Ok(None);
        }
        let bytes = open.read_all(MAX_META_BYTES)?;
        collector.file(path, &bytes, open.stamp.modified);
        return Ok(Some(FileDigest::of(&bytes)));
    }
    if several && !layout.takes(path) {
        return Ok(None);
    }
    if layout == Layout::Json {
        let bytes = open.read_all(MAX_JSON_BYTES)?;
        if let Err(error) = collector.array(&bytes, path, several) {
            collector.stop(error);
        }
        return Ok(Some(FileDigest::of(&bytes)));
    }
    let mut hasher = FileHasher::new();
    match collector.lines(&open.file, path, several, |block| hasher.update(block)) {
        Ok(()) => Ok(Some(hasher.finish())),
        Err(CorpusError::Read { kind, .. }) => Err(io_error(&open.shown, "read", kind.into())),
        Err(error) => {
            collector.stop(error);
            Ok(None)
        }
    }
}

fn settings(request: &Request<'_>, layout: Layout, said: Vec<String>) -> Settings {
    let options = &request.options.documents;
    let expected = if options.expected.is_empty() { said } else { options.expected.clone() };
    let text_field = options.text_field.clone().unwrap_or_else(|| TEXT.to_owned());
    Settings { layout, root: String::new(), text_field, expected, rendering: options.rendering.clone() }
}

/// Reads a rendering that documents are to be held against.
pub fn read_rendering_file(path: &Path) -> Result<Rendering, CaptureError> {
    let open = OpenFile::argument(path)?;
    let text = String::from_utf8(open.read_all(MAX_TEXT_BYTES)?);
    let text = text.map_err(|_| CaptureError::NotUtf8 { path: Shown::of(path) })?;
    Ok(Rendering { text, modified: open.stamp.modified })
}

/// The names of the model and its maker that the generator was told, by its own summary.
///
/// None where the summary is not there or broken: the collector reads it again with the tree, and says what is wrong with it.
fn said_names(paths: &[PathBuf], root: &str) -> Vec<String> {
    let [folder] = paths else { return Vec::new() };
    let read = || OpenFile::argument(&folder.join(root).join(SUMMARY)).ok()?.read_all(MAX_META_BYTES).ok();
    let summary = read().and_then(|bytes| Summary::parse(&bytes).ok()).unwrap_or_default();
    ["model_name", "provider_name"].iter().filter_map(|name| summary.texts.get(*name).cloned()).collect()
}

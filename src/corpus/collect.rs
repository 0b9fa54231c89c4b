//! Takes files and rows from any number of threads, and makes of them leaves in one order and a reading.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::artifact::documents::DocumentLeaf;
use crate::corpus::census::{Tree, count_tree, is_meta};
use crate::corpus::document::{MAX_DOCUMENT_BYTES, Seen};
use crate::corpus::names::Names;
use crate::corpus::plan::{MAX_META_BYTES, Meta, SUMMARY, Summary};
use crate::corpus::quality::{count_documents, count_times, find_near};
use crate::corpus::remarks::Examples;
use crate::corpus::rows::{Source, read_array, read_lines};
use crate::corpus::{CorpusError, Layout};
use crate::digest::FileDigest;
use crate::json::JsonError;
use crate::statement::Reading;

/// Texts whose sketches are kept, 64 MB of them. In a larger corpus near duplicates are not looked for, and that is said.
const MAX_SKETCHES: usize = 500_000;

/// The fact of a reading that names the member of a row which is the document.
pub const TEXT_FIELD: &str = "text-field";

/// A rendering of the spec that the documents are said to be made from.
#[derive(Debug, Clone, Default)]
pub struct Rendering {
    /// Its text.
    pub text: String,
    /// When its file was last changed, as the file says.
    pub modified: (i64, i64),
}

/// How to read a corpus.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How documents lie in files.
    pub layout: Layout,
    /// Where in the folder a generator's tree stands: empty, or with a slash at its end.
    pub root: String,
    /// The member of a row that is the document.
    pub text_field: String,
    /// The names that the documents should use for the model and its maker.
    pub expected: Vec<String>,
    /// The rendering to hold plans and times against.
    pub rendering: Option<Rendering>,
}

/// A corpus, read.
#[derive(Debug)]
pub struct Corpus {
    /// Its documents, sorted by key.
    pub documents: Vec<DocumentLeaf>,
    /// What was understood of it.
    pub reading: Reading,
}

impl Corpus {
    /// Digests of the texts that a dataset made of the corpus holds: a rowset.
    pub fn texts(&self) -> Vec<FileDigest> {
        self.documents.iter().filter(|leaf| leaf.is_text()).map(|leaf| leaf.text).collect()
    }
}

/// What files and rows are given to.
#[derive(Debug)]
pub struct Collector {
    settings: Settings,
    names: Names,
    sketches: AtomicUsize,
    seen: Mutex<Vec<Seen>>,
    plans: Mutex<Plans>,
    stopped: Mutex<Option<CorpusError>>,
}

#[derive(Debug, Default)]
struct Plans {
    metas: BTreeMap<String, Meta>,
    summary: Option<Summary>,
    unreadable: BTreeMap<String, JsonError>,
}

impl Collector {
    /// Nothing yet.
    pub fn new(settings: Settings) -> Self {
        Self {
            names: Names::new(&settings.expected),
            settings,
            sketches: AtomicUsize::new(0),
            seen: Mutex::default(),
            plans: Mutex::default(),
            stopped: Mutex::default(),
        }
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(super) fn names(&self) -> &Names {
        &self.names
    }

    /// True when [`Self::file`] has a use for the file of `size` bytes. One that is too large stops [`Self::finish`].
    pub fn wants(&self, path: &str, size: u64) -> bool {
        let layout = self.settings.layout;
        let is_wanted = match layout {
            Layout::MsmTree => self.settings.layout.takes(path) || is_meta(path) || self.inside(path) == SUMMARY,
            Layout::Files => self.settings.layout.takes(path),
            Layout::Jsonl | Layout::Json => false,
        };
        let limit = if layout.takes(path) { MAX_DOCUMENT_BYTES } else { MAX_META_BYTES };
        if is_wanted && size > limit {
            self.stop(CorpusError::TooLarge { path: path.to_owned(), size, limit });
        }
        is_wanted && size <= limit
    }

    /// The path as the generator knows it. What lies outside its tree keeps its path.
    fn inside<'a>(&self, path: &'a str) -> &'a str {
        path.strip_prefix(&self.settings.root).unwrap_or(path)
    }

    /// The layout that files are read in.
    pub fn layout(&self) -> Layout {
        self.settings.layout
    }

    /// Makes [`Self::finish`] fail. Of several reasons the least is given, whichever thread came first.
    pub fn stop(&self, error: CorpusError) {
        let mut stopped = self.stopped.lock().expect("no thread panics with the lock held");
        if stopped.as_ref().is_none_or(|other| error.to_string() < other.to_string()) {
            *stopped = Some(error);
        }
    }

    /// Takes a file that [`Self::wants`] wanted.
    pub fn file(&self, path: &str, bytes: &[u8], modified: (i64, i64)) {
        let layout = self.settings.layout;
        if layout.takes(path) {
            let mut seen = Seen::file(layout, path, bytes, &self.names);
            seen.modified = modified;
            // As the generator names it.
            seen.source = match (self.inside(path).split_once('/'), layout) {
                (Some((first, _)), _) => first.to_owned(),
                (None, Layout::MsmTree) => "root".to_owned(),
                (None, _) => String::new(),
            };
            self.add(vec![seen]);
            return;
        }
        let mut plans = self.plans.lock().expect("no thread panics with the lock held");
        let path = self.inside(path);
        let read = if path == SUMMARY {
            Summary::parse(bytes).map(|summary| plans.summary = Some(summary))
        } else {
            let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
            Meta::parse(bytes).map(|meta| drop(plans.metas.insert(folder.to_owned(), meta)))
        };
        if let Err(error) = read {
            plans.unreadable.insert(path.to_owned(), error);
        }
    }

    /// Takes a file of rows; `seen` is called with every block of its bytes, in order.
    pub fn lines(
        &self,
        reader: impl Read,
        path: &str,
        several: bool,
        seen: impl FnMut(&[u8]),
    ) -> Result<(), CorpusError> {
        let prefix = if several { format!("{path}:") } else { String::new() };
        read_lines(reader, Source { path, prefix: &prefix }, self, seen)
    }

    /// Takes a file that is one array.
    pub fn array(&self, bytes: &[u8], path: &str, several: bool) -> Result<(), CorpusError> {
        let prefix = if several { format!("{path}:") } else { String::new() };
        read_array(bytes, Source { path, prefix: &prefix }, self)
    }

    pub(super) fn add(&self, mut documents: Vec<Seen>) {
        let sketched = documents.iter().filter(|seen| seen.sketch.is_some()).count();
        let enough = self.sketches.fetch_add(sketched, Ordering::Relaxed) + sketched > MAX_SKETCHES;
        let mut all = self.seen.lock().expect("no thread panics with the lock held");
        all.append(&mut documents);
        if enough && sketched > 0 {
            // None at all rather than those that happened to come first.
            all.iter_mut().for_each(|seen| seen.sketch = None);
        }
    }

    /// The corpus: of a folder with files at `paths`, or of one file of rows.
    pub fn finish<'a>(self, paths: impl Iterator<Item = &'a str>) -> Result<Corpus, CorpusError> {
        let layout = self.settings.layout;
        if let Some(error) = self.stopped.into_inner().expect("no thread panics with the lock held") {
            return Err(error);
        }
        let sketches_dropped = self.sketches.into_inner() > MAX_SKETCHES;
        let mut seen = self.seen.into_inner().expect("no thread panics with the lock held");
        let plans = self.plans.into_inner().expect("no thread panics with the lock held");
        if seen.is_empty() {
            return Err(CorpusError::NoDocuments { layout: layout.name() });
        }
        seen.sort_unstable_by(|a, b| a.leaf.key.cmp(&b.leaf.key));
        let mut reading = Reading::by(&format!("{}/1", layout.name()));
        reading.fact("layout", layout.name());
        if matches!(layout, Layout::Jsonl | Layout::Json) {
            reading.fact(TEXT_FIELD, &self.settings.text_field);
        }
        count_documents(&seen, &self.names, !self.settings.expected.is_empty(), &mut reading);
        if layout == Layout::MsmTree {
            let root = self.settings.root.as_str();
            let inside = |path: &'a str| path.strip_prefix(root).unwrap_or(path);
            count_plans(&plans, &seen, root, paths.map(inside), &mut reading);
        }
        if let Some(rendering) = &self.settings.rendering {
            compare_sections(&plans, &rendering.text, &mut reading);
            count_times(&seen, rendering.modified, &mut reading);
        }
        find_near(&seen, sketches_dropped, &mut reading);
        Ok(Corpus { documents: seen.into_iter().map(|seen| seen.leaf).collect(), reading })
    }
}

fn count_plans<'a>(
    plans: &Plans,
    seen: &[Seen],
    root: &str,
    paths: impl Iterator<Item = &'a str>,
    reading: &mut Reading,
) {
    let mut unreadable = Examples::default();
    plans.unreadable.iter().for_each(|(path, error)| unreadable.see(&format!("{path} ({error})")));
    unreadable.put(reading, "plans-unreadable", "plans that cannot be read, so that what they plan is not compared");
    let mut folders = BTreeSet::new();
    for path in paths {
        folders.extend(path.match_indices('/').map(|(at, _)| &path[..at]));
    }
    let tree = Tree {
        plans: plans.metas.iter().map(|(folder, meta)| (folder.as_str(), meta)).collect(),
        summary: plans.summary.as_ref(),
        documents: seen
            .iter()
            .map(|seen| seen.leaf.key.as_str())
            .map(|key| key.strip_prefix(root).unwrap_or(key))
            .collect(),
        texts: seen.iter().filter(|seen| seen.leaf.is_text()).count() as u64,
        folders,
    };
    count_tree(&tree, reading);
}

/// Planners quote the spec they read. A quotation that the rendering has not is from another version, or inexact.
fn compare_sections(plans: &Plans, rendering: &str, reading: &mut Reading) {
    let squeezed = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let rendering = squeezed(rendering);
    let mut absent = Examples::default();
    for (folder, meta) in &plans.metas {
        for subdomain in meta.subdomains.iter().flatten() {
            let Some(section) = &subdomain.spec_section else { continue };
            reading.count("spec-sections", 1);
            if !rendering.contains(&squeezed(section)) {
                absent.see(&format!("{folder}/{}", subdomain.name));
            }
        }
    }
    let what = "subdomains that quote a part of the spec which the rendering does not have word for word";
    absent.put(reading, "spec-sections-absent", what);
}

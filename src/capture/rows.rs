//! Datasets on disk: which files of a folder are rows, in which order, and whether they are read or only located.
//!
//! Every row is read up to [`FULL_UP_TO`] bytes: each has a digest, and the multiset of all has one. Larger datasets of
//! plain lines are only located: a row is then provable as a slice of its file. `--rows` and `--offsets` force one.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use crate::artifact::manifest::Written;
use crate::artifact::rows::{OFFSETS, Projection};
use crate::artifact::tree::{TreeLeaf, TreeNode};
use crate::capture::hash::{Also, HashOptions, HashedFile};
use crate::capture::kind::{Artifact, KindError, Request};
use crate::capture::open::{CaptureError, OpenFile, Root, Shown, argument_metadata};
use crate::capture::walk::{Captured, Tree, capture_paths};
use crate::rows::{self, FORMATS, Format, Gathered, Locating, Pass, RowsError, Settings, Shard, format_of};
use crate::statement::{Kind, Reading};

/// Datasets of more bytes than this are located, where their format allows it and nothing else was asked for: reading each
/// row costs two to three times the hash of the file.
pub const FULL_UP_TO: u64 = 4 << 30;

/// How far rows are understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Each row is read and hashed.
    Read,
    /// Each row's place is recorded.
    Locate,
}

/// How to read rows.
#[derive(Debug, Clone, Default)]
pub struct RowOptions {
    /// The view of a row that is hashed; chosen by the first row where it is not given.
    pub projection: Option<Projection>,
    /// The field that says where a row came from.
    pub source: Option<String>,
    /// Chosen by size where it is not given.
    pub mode: Option<Mode>,
}

/// Why the rows of an artifact were not read.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum RowsCaptureError {
    #[error("the rows of `{path}` cannot be read")]
    File {
        path: Shown,
        #[source]
        source: RowsError,
    },
    #[error("the rows cannot be read")]
    Rows(#[from] RowsError),
    #[error(transparent)]
    Missing(#[from] rows::Missing),
    #[error("`{path}` changed while its rows were read; record it when whoever writes it has ended")]
    Changed { path: Shown },
    #[error("none of the files has a name that says it holds rows ({known}); record their bytes with --bytes-only")]
    NoFormat { known: String },
}

/// Fields that say where a row came from, the first that is there.
fn sources(kind: Kind, options: &RowOptions) -> Vec<String> {
    let names: &[&str] = match kind {
        Kind::Mix => &["source", "dataset", "domain"],
        _ => &["domain", "source"],
    };
    options.source.clone().map_or_else(|| names.iter().map(|name| (*name).to_owned()).collect(), |field| vec![field])
}

/// Captures a dataset: its bytes as every kind, and the rows in it.
pub fn capture(kind: Kind, request: &Request<'_>) -> Result<Artifact, KindError> {
    match request.paths {
        [path] if !argument_metadata(path)?.is_dir() => one_file(kind, path, request),
        [path] => folder(kind, path, request),
        _ => several(request),
    }
}

/// Several paths are one tree of their names; which of them are shards of what is not guessed.
fn several(request: &Request<'_>) -> Result<Artifact, KindError> {
    let mut artifact = Artifact::bytes(request)?;
    artifact
        .remarks
        .push("several paths are recorded as bytes: give one file, or one folder of shards, to have rows".to_owned());
    Ok(artifact)
}

fn one_file(kind: Kind, path: &Path, request: &Request<'_>) -> Result<Artifact, KindError> {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let Some(format) = format_of(&name) else {
        let mut artifact = Artifact::bytes(request)?;
        artifact.remarks.push(format!("`{}` is recorded as bytes: its name says no format of rows", Shown::of(path)));
        return Ok(artifact);
    };
    let open = OpenFile::argument(path)?;
    let shard = shard(&open, &request.options.hash)?;
    let mut source = Source { files: vec![(name, 0)], open: &mut |_| Ok(Arc::clone(&shard)) };
    let read = read(kind, format, &mut source, open.stamp.size, request)?;
    open.check_unchanged().map_err(|_| RowsCaptureError::Changed { path: Shown::of(path) })?;
    let [passed] = read.passed[..] else { return Err(RowsCaptureError::Rows(RowsError::NoRows).into()) };
    let file = HashedFile { stamp: open.stamp, mode: open.mode, digest: passed.digest, sha256: passed.sha256 };
    Ok(read.artifact(Artifact::file(&file)))
}

fn folder(kind: Kind, path: &Path, request: &Request<'_>) -> Result<Artifact, KindError> {
    let Captured::Tree(Tree { leaves, .. }) =
        capture_paths(&[path.to_owned()], &request.options.hash, request.progress)?
    else {
        return Err(CaptureError::NotFolder { path: Shown::of(path), found: "no folder" }.into());
    };
    let root = Root::argument(path)?;
    let (format, files) = shards(&leaves)?;
    let size = files.iter().map(|(_, at)| size(&leaves[index(*at)])).sum();
    let mut open = |name: &str| shard(&OpenFile::beneath(&root, name)?, &request.options.hash);
    let mut source = Source { files: files.clone(), open: &mut open };
    let mut read = read(kind, format, &mut source, size, request)?;
    // The rows must come from the very bytes that are in the tree.
    for ((name, at), passed) in files.iter().zip(&read.passed) {
        let is_same = matches!(&leaves[index(*at)].node, TreeNode::File { digest, .. } if *digest == passed.digest);
        if !is_same {
            return Err(RowsCaptureError::Changed { path: Shown::of(&path.join(name)) }.into());
        }
    }
    let others = leaves.len() - files.len();
    read.reading.count("shards", files.len() as u64);
    read.reading.remark(
        "other-files",
        others as u64,
        format!("{others} files of the folder hold no rows of this dataset"),
    );
    Ok(read.artifact(Artifact::tree(leaves)?))
}

fn index(at: u64) -> usize {
    usize::try_from(at).unwrap_or(usize::MAX)
}

fn size(leaf: &TreeLeaf) -> u64 {
    match leaf.node {
        TreeNode::File { size, .. } => size,
        TreeNode::Link { .. } => 0,
    }
}

/// The files that are shards, in the order of their rows, with their places in the tree; all are of the first format that
/// any file is of. A folder of text beside lines of JSON is a dataset of the latter.
fn shards(leaves: &[TreeLeaf]) -> Result<(&'static dyn Format, Files), RowsCaptureError> {
    let files = || leaves.iter().zip(0..).filter(|(leaf, _)| matches!(leaf.node, TreeNode::File { .. }));
    let is_of = |leaf: &TreeLeaf, format: &dyn Format| {
        // Hidden files and folders are the tools' own.
        let is_hidden = leaf.path.as_str().split('/').any(|part| part.starts_with('.'));
        !is_hidden && format_of(leaf.path.as_str()).is_some_and(|found| found.name() == format.name())
    };
    let format = FORMATS.iter().copied().find(|format| files().any(|(leaf, _)| is_of(leaf, *format)));
    let Some(format) = format else {
        let known: Vec<&str> = FORMATS.iter().flat_map(|format| format.endings()).copied().collect();
        return Err(RowsCaptureError::NoFormat { known: known.join(", ") });
    };
    let places: std::collections::BTreeMap<String, u64> =
        files().filter(|(leaf, _)| is_of(leaf, format)).map(|(leaf, at)| (leaf.path.as_str().to_owned(), at)).collect();
    let mut names: Vec<String> = places.keys().cloned().collect();
    rows::order(&mut names);
    rows::series(&names)?;
    Ok((format, names.into_iter().map(|name| (name.clone(), places[&name])).collect()))
}

/// Files by name and place in the tree.
type Files = Vec<(String, u64)>;

type Open<'o> = dyn FnMut(&str) -> Result<Arc<dyn Shard>, CaptureError> + 'o;

/// The shards of a dataset, and how to open one.
struct Source<'o> {
    files: Files,
    open: &'o mut Open<'o>,
}

/// Rows, and the files they came from.
struct Read {
    manifests: Vec<Written>,
    passed: Vec<rows::Passed>,
    reading: Reading,
}

impl Read {
    fn artifact(self, mut artifact: Artifact) -> Artifact {
        for written in self.manifests {
            artifact.add_written(written);
        }
        artifact.reading = Some(self.reading);
        artifact
    }
}

fn read(
    kind: Kind,
    format: &'static dyn Format,
    source: &mut Source<'_>,
    size: u64,
    request: &Request<'_>,
) -> Result<Read, KindError> {
    let options = &request.options.rows;
    let is_lines = format.line().is_some() && source.files.iter().all(|(name, _)| !rows::is_packed(name));
    let by_size = if size > FULL_UP_TO && is_lines && options.projection.is_none() { Mode::Locate } else { Mode::Read };
    let mut reading = Reading::by(format.name());
    let read = match options.mode.unwrap_or(by_size) {
        Mode::Read => every_row(kind, format, source, request, &mut reading),
        Mode::Locate => places(format, source, request, &mut reading),
    };
    let (manifests, passed) = read?;
    reading.count("bytes.files", size);
    if options.mode.is_none() && by_size == Mode::Locate {
        let gib = FULL_UP_TO >> 30;
        let text =
            format!("rows were located and not read, because there are more than {gib} GiB of them; --rows reads them");
        reading.remark("offsets-only", 1, text);
    }
    Ok(Read { manifests, passed, reading })
}

type Manifests = (Vec<Written>, Vec<rows::Passed>);

fn every_row(
    kind: Kind,
    format: &'static dyn Format,
    source: &mut Source<'_>,
    request: &Request<'_>,
    reading: &mut Reading,
) -> Result<Manifests, KindError> {
    let options = &request.options.rows;
    let settings = Settings {
        projection: options.projection.clone(),
        sources: sources(kind, options),
        sha256: request.options.hash.also == Also::Sha256,
    };
    let (mut pass, mut passed) = (Pass::new(format, settings), Vec::new());
    for (name, _) in &source.files {
        let shard = (source.open)(name)?;
        let found = pass.shard(name, &shard, &|bytes| request.progress.add(bytes));
        passed.push(found.map_err(|source| RowsCaptureError::File { path: Shown::of(name.as_ref()), source })?);
    }
    let (gathered, projection, field) = pass.finish().map_err(RowsCaptureError::from)?;
    gathered.tell(reading);
    reading.fact("projection", &projection.to_string());
    reading.fact("mode", "rows");
    if let Some(field) = field {
        reading.fact("source-field", &field);
    }
    let Gathered { rows, rowset, .. } = gathered;
    Ok((vec![rows, rowset], passed))
}

fn places(
    format: &'static dyn Format,
    source: &mut Source<'_>,
    request: &Request<'_>,
    reading: &mut Reading,
) -> Result<Manifests, KindError> {
    let sha256 = request.options.hash.also == Also::Sha256;
    let failed = |name: &str, source| RowsCaptureError::File { path: Shown::of(name.as_ref()), source };
    let mut locating = Locating::new(format, sha256).map_err(RowsCaptureError::from)?;
    let mut passed = Vec::new();
    for (name, at) in &source.files {
        let shard = (source.open)(name)?;
        let found = locating.shard(name, *at, &*shard, &|bytes| request.progress.add(bytes));
        passed.push(found.map_err(|source| failed(name, source))?);
    }
    let written = locating.finish().map_err(RowsCaptureError::from)?;
    reading.count("rows", written.count);
    reading.fact("projection", OFFSETS);
    reading.fact("mode", "offsets");
    Ok((vec![written], passed))
}

fn shard(open: &OpenFile, options: &HashOptions) -> Result<Arc<dyn Shard>, CaptureError> {
    let (size, limit) = (open.stamp.size, options.max_bytes);
    if size > limit {
        return Err(CaptureError::TooLarge { path: Shown::of(&open.shown), size, limit });
    }
    let file = open.file.try_clone().map_err(|source| crate::capture::open::io_error(&open.shown, "opened", source))?;
    Ok(Arc::new(Opened { file, size }))
}

/// A file that `capture::open` opened.
struct Opened {
    file: File,
    size: u64,
}

impl Shard for Opened {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        self.file.read_at(buffer, at)
    }
}

//! Datasets on disk: which files of a folder are rows, in which order, and whether they are read or only located.
//!
//! Every row is read up to [`FULL_UP_TO`] bytes: each has a digest, and the multiset of all has one. Larger datasets of
//! plain lines are only located: a row is then provable as a slice of its file. `--rows` and `--offsets` force one.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use crate::artifact::manifest::Written;
use crate::artifact::rows::{OFFSETS, Projection};
use crate::artifact::tree::{TreeLeaf, TreeNode, TreePath};
use crate::capture::hash::{Also, HashOptions, HashedFile, check_size, hashed_already};
use crate::capture::kind::{Artifact, KindError, Request};
use crate::capture::open::{CaptureError, OpenFile, Root, Shown, argument_metadata, io_error};
use crate::capture::read::Reader;
use crate::capture::walk::{Tree, Visit, list_folder, walk_visited};
use crate::corpus::{self, Chats, CorpusError, Part};
use crate::digest::{FileDigest, FileHasher};
use crate::rows::{self, FORMATS, Format, Gathered, Locating, Pass, Passed, RowsError, Settings, Shard, format_of};
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
    let size = OpenFile::argument(path)?.stamp.size;
    let mut source = Source { files: vec![(name, 0)], open: &mut |_| OpenFile::argument(path) };
    let read = match read(kind, format, &mut source, size, request) {
        Err(error) => return bytes_if_not_read(error, request),
        Ok(read) => read,
    };
    let [file] = read.files[..] else { return Err(RowsCaptureError::Rows(RowsError::NoRows).into()) };
    Ok(read.artifact(Artifact::file(&file)))
}

/// What this program does not read, though its format allows it, is recorded as bytes, and that is said. A file that is
/// broken is refused.
fn bytes_if_not_read(error: KindError, request: &Request<'_>) -> Result<Artifact, KindError> {
    let KindError::Rows(RowsCaptureError::File { path, source }) = &error else { return Err(error) };
    if !source.is_unsupported() {
        return Err(error);
    }
    let cause = std::error::Error::source(source).map(|cause| format!(": {cause}")).unwrap_or_default();
    let remark = format!("recorded as bytes, because the rows of `{path}` are not read: {source}{cause}");
    let mut artifact = Artifact::bytes(request)?;
    artifact.remarks.push(remark);
    Ok(artifact)
}

/// The shards are read in their order, each once, for its digest and its rows; then the rest of the folder is hashed around
/// them.
fn folder(kind: Kind, path: &Path, request: &Request<'_>) -> Result<Artifact, KindError> {
    let root = Root::argument(path)?;
    let paths = list_folder(path)?;
    if paths.is_empty() {
        return Artifact::bytes(request);
    }
    // Of a folder in which chats are made, only the dataset holds its rows.
    let is_chats = Part::are_in(paths.iter().map(TreePath::as_str));
    let is_chosen = |path: &TreePath| !is_chats || path.as_str() == corpus::DATASET;
    let is_file = |path: &TreePath| is_chosen(path) && root.look(path.as_str()).is_some();
    let (format, files) = shards(paths.iter().zip(0..).filter(|(path, _)| is_file(path)))?;
    let size = files.iter().filter_map(|(name, _)| root.look(name)).map(|(stamp, _)| stamp.size).sum();
    let mut source = Source { files, open: &mut |name| OpenFile::beneath(&root, name) };
    let mut read = match read(kind, format, &mut source, size, request) {
        Err(error) => return bytes_if_not_read(error, request),
        Ok(read) => read,
    };
    let files = source.files;
    let mut known: BTreeMap<String, HashedFile> =
        files.iter().zip(&read.files).map(|((name, _), file)| (name.clone(), *file)).collect();
    if is_chats {
        for (name, file) in chats(&root, &paths, request, &mut read.reading)? {
            let before = known.insert(name.clone(), file);
            if before.is_some_and(|before| before.digest != file.digest) {
                return Err(RowsCaptureError::Changed { path: Shown::of(&path.join(name)) }.into());
            }
        }
    }
    // A tree's leaves have no place for a second digest.
    let hash = HashOptions { also: Also::Nothing, ..request.options.hash };
    let Tree { leaves, .. } = walk_visited(&[path.to_owned()], &hash, request.progress, &Already(&known))?;
    // The rows must be those of the very files that are in the tree.
    let is_file = |leaf: &TreeLeaf| is_chosen(&leaf.path) && matches!(leaf.node, TreeNode::File { .. });
    let again = shards(leaves.iter().zip(0..).filter(|(leaf, _)| is_file(leaf)).map(|(leaf, at)| (&leaf.path, at)))?;
    if again.1 != files {
        return Err(RowsCaptureError::Changed { path: Shown::of(path) }.into());
    }
    let digests: BTreeMap<&str, &TreeNode> = leaves.iter().map(|leaf| (leaf.path.as_str(), &leaf.node)).collect();
    for (name, file) in &known {
        if !matches!(digests.get(name.as_str()), Some(TreeNode::File { digest, .. }) if *digest == file.digest) {
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

/// Reads what a folder of chats holds beside its dataset, and the dataset once more as chats. Each file is hashed as it is
/// read.
fn chats(
    root: &Root,
    paths: &[TreePath],
    request: &Request<'_>,
    reading: &mut Reading,
) -> Result<BTreeMap<String, HashedFile>, KindError> {
    let (mut chats, mut files) = (Chats::default(), BTreeMap::new());
    for (part, name) in Part::ALL {
        if !paths.iter().any(|path| path.as_str() == *name) || root.look(name).is_none() {
            continue;
        }
        let open = OpenFile::beneath(root, name)?;
        check_size(&open, &request.options.hash)?;
        let mut hasher = FileHasher::new();
        chats.read(*part, &open.file, |block| hasher.update(block)).map_err(|error| match error {
            CorpusError::Read { kind, .. } => KindError::from(io_error(&open.shown, "read", kind.into())),
            error => error.into(),
        })?;
        let hash = HashOptions { also: Also::Nothing, ..request.options.hash };
        files.insert((*name).to_owned(), hashed_already(&open, hasher.finish(), &hash, request.progress)?);
    }
    chats.tell(reading);
    Ok(files)
}

/// Files that were read for their rows, and hashed as they were.
struct Already<'f>(&'f BTreeMap<String, HashedFile>);

impl Visit for Already<'_> {
    fn is_told(&self) -> bool {
        true
    }

    fn visit(&self, path: &TreePath, open: &OpenFile) -> Result<Option<FileDigest>, CaptureError> {
        match self.0.get(path.as_str()) {
            None => Ok(None),
            Some(file) if file.stamp == open.stamp => Ok(Some(file.digest)),
            Some(_) => Err(open.changed()),
        }
    }
}

/// The files that are shards, in the order of their rows, with their places in the tree; all are of the first format that
/// any file is of. A folder of text beside lines of JSON is a dataset of the latter.
fn shards<'p>(
    files: impl Iterator<Item = (&'p TreePath, u64)>,
) -> Result<(&'static dyn Format, Files), RowsCaptureError> {
    // Hidden files and folders are the tools' own.
    let is_hidden = |path: &str| path.split('/').any(|part| part.starts_with('.'));
    let files: Vec<(&str, u64)> =
        files.map(|(path, at)| (path.as_str(), at)).filter(|(path, _)| !is_hidden(path)).collect();
    let is_of = |path: &str, format: &dyn Format| format_of(path).is_some_and(|found| found.name() == format.name());
    let format = FORMATS.iter().copied().find(|format| files.iter().any(|(path, _)| is_of(path, *format)));
    let Some(format) = format else {
        let known: Vec<&str> = FORMATS.iter().flat_map(|format| format.endings()).copied().collect();
        return Err(RowsCaptureError::NoFormat { known: known.join(", ") });
    };
    let places: BTreeMap<String, u64> =
        files.iter().filter(|(path, _)| is_of(path, format)).map(|(path, at)| ((*path).to_owned(), *at)).collect();
    let mut names: Vec<String> = places.keys().cloned().collect();
    rows::order(&mut names);
    rows::series(&names)?;
    Ok((format, names.into_iter().map(|name| (name.clone(), places[&name])).collect()))
}

/// Files by name and place in the tree.
type Files = Vec<(String, u64)>;

type Open<'o> = dyn FnMut(&str) -> Result<OpenFile, CaptureError> + 'o;

/// The shards of a dataset, and how to open one.
struct Source<'o> {
    files: Files,
    open: &'o mut Open<'o>,
}

/// Rows, and the files they came from.
struct Read {
    manifests: Vec<Written>,
    files: Vec<HashedFile>,
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
    let (manifests, files) = read?;
    reading.count("bytes.files", size);
    if options.mode.is_none() && by_size == Mode::Locate {
        let gib = FULL_UP_TO >> 30;
        let text =
            format!("rows were located and not read, because there are more than {gib} GiB of them; --rows reads them");
        reading.remark("offsets-only", 1, text);
    }
    Ok(Read { manifests, files, reading })
}

type Manifests = (Vec<Written>, Vec<HashedFile>);

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
    let (mut pass, mut files) = (Pass::new(format, settings), Vec::new());
    for (name, _) in &source.files {
        let open = (source.open)(name)?;
        let shard = Opened::new(&open, &request.options.hash)?;
        let found = pass.shard(name, &shard, &|bytes| request.progress.add(bytes));
        files.push(shard.hashed(name, found)?);
    }
    let (gathered, projection, field) = pass.finish().map_err(RowsCaptureError::from)?;
    gathered.tell(reading);
    reading.fact("projection", &projection.to_string());
    reading.fact("mode", "rows");
    if let Some(field) = field {
        reading.fact("source-field", &field);
    }
    let Gathered { rows, rowset, .. } = gathered;
    Ok((vec![rows, rowset], files))
}

fn places(
    format: &'static dyn Format,
    source: &mut Source<'_>,
    request: &Request<'_>,
    reading: &mut Reading,
) -> Result<Manifests, KindError> {
    let sha256 = request.options.hash.also == Also::Sha256;
    let mut locating = Locating::new(format, sha256).map_err(RowsCaptureError::from)?;
    let mut files = Vec::new();
    for (name, at) in &source.files {
        let open = (source.open)(name)?;
        let shard = Opened::new(&open, &request.options.hash)?;
        let found = locating.shard(name, *at, &shard, &|bytes| request.progress.add(bytes));
        files.push(shard.hashed(name, found)?);
    }
    let written = locating.finish().map_err(RowsCaptureError::from)?;
    reading.count("rows", written.count);
    reading.fact("projection", OFFSETS);
    reading.fact("mode", "offsets");
    Ok((vec![written], files))
}

/// A file that `capture::open` opened.
pub(super) struct Opened<'a> {
    open: &'a OpenFile,
    reader: Reader<'a>,
}

impl<'a> Opened<'a> {
    pub(super) fn new(open: &'a OpenFile, options: &HashOptions) -> Result<Self, CaptureError> {
        check_size(open, options)?;
        // SHA-256 is taken by a second reader beside the first.
        let reader = if options.also == Also::Sha256 { Reader::keeping(open) } else { Reader::new(open) };
        Ok(Self { open, reader })
    }

    /// What was read, if it is still what was opened.
    pub(super) fn hashed(&self, name: &str, passed: Result<Passed, RowsError>) -> Result<HashedFile, RowsCaptureError> {
        let path = || Shown::of(name.as_ref());
        let Passed { digest, sha256, .. } = passed.map_err(|source| RowsCaptureError::File { path: path(), source })?;
        self.open.check_unchanged().map_err(|_| RowsCaptureError::Changed { path: path() })?;
        Ok(HashedFile { stamp: self.open.stamp, mode: self.open.mode, digest, sha256 })
    }
}

impl Shard for Opened<'_> {
    fn size(&self) -> u64 {
        self.open.stamp.size
    }

    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        self.reader.read(buffer, at)
    }
}

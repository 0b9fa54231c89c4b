//! Weights on disk: finding the files, reading their headers, hashing files and tensors in one pass.
//!
//! A folder is read at its top only. Two layouts keep the bytes elsewhere below the same root, and there they are read:
//! the Hugging Face cache (`snapshots/<revision>/x` is a link to `../../blobs/<sha256>`) and Git LFS pointers whose
//! content lies under `blobs/` or `.git/lfs/objects/`. No link is followed by the system: the text of the link is read,
//! held to that one form, and what it names is opened below the root. Content named by its SHA-256 is held against it
//! where SHA-256 is taken.

mod describe;
pub mod pair;
mod place;

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;

use rayon::prelude::*;

use crate::artifact::manifest::Manifest;
use crate::artifact::tensors::{TensorLeaf, tensors_manifest};
use crate::capture::kind::{Artifact, KindError, Request};
use crate::capture::open::{CaptureError, FileStamp, OpenFile, argument_metadata};
use crate::capture::parts::{HashedParts, Parts, hash_parts};
use crate::capture::walk::walk_with_parts;
use crate::digest::{FileDigest, FileHasher, parse_hex};
use crate::statement::Reading;
use crate::weights::layout::{read_file, read_folder};
use crate::weights::lfs::Pointer;
use crate::weights::{Beyond, Found, Located, Model, Place, ReadAt, WeightsError, tensor_bytes};

pub(crate) use place::WeightsFolder;

impl ReadAt for OpenFile {
    fn size(&self) -> u64 {
        self.stamp.size
    }

    fn read_at(&self, at: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(buffer, at)
    }
}

/// Records weights: bytes, and tensors where the format is understood.
pub(super) fn capture(request: &Request<'_>) -> Result<Artifact, KindError> {
    let [path] = request.paths else {
        let mut artifact = Artifact::bytes(request)?;
        artifact.remarks.push("several paths are recorded as bytes; name their folder to have its tensors".to_owned());
        return Ok(artifact);
    };
    if argument_metadata(path)?.is_dir() { folder(path, request) } else { file(path, request) }
}

fn file(path: &Path, request: &Request<'_>) -> Result<Artifact, KindError> {
    let open = OpenFile::argument(path)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let found = match place::pointer(&open)? {
        Some(_) => Found::Beyond(vec![(name.clone(), Beyond::Pointer)]),
        None => read_file(&name, &open)?,
    };
    let parts = Parts { stamp: open.stamp, ranges: ranges_of(&found, 0).into_values().collect() };
    let hashed = hash_parts(&open, &parts, &request.options.hash, request.progress)?;
    let mut artifact = Artifact::file(&hashed.file);
    let mut reading = describe::reading(&found, Some(path));
    if let Found::Model(model) = &found {
        let digests = digests(model, &[hashed], |_| Ok(OpenFile::argument(path)?))?;
        describe::untrained(&mut reading, model, &digests);
        artifact.add(&manifest(model, &digests)?)?;
    }
    artifact.reading = Some(reading);
    Ok(artifact)
}

fn folder(path: &Path, request: &Request<'_>) -> Result<Artifact, KindError> {
    let folder = WeightsFolder::open(path)?;
    let found = folder.find()?;
    let mut parts = BTreeMap::new();
    let model = if let Found::Model(model) = &found { Some(model) } else { None };
    for (at, name) in model.iter().flat_map(|model| model.files.iter().enumerate()) {
        let ranges: Vec<Range<u64>> = ranges_of(&found, at).into_values().collect();
        parts.insert(folder.real(name)?.to_owned(), Parts { stamp: folder.stamp(name)?, ranges });
    }
    let (tree, mut hashed) = walk_with_parts(path, &parts, &request.options.hash, request.progress)?;
    let mut artifact = Artifact::tree(tree.leaves)?;
    let mut reading = describe::reading(&found, Some(path));
    folder.describe(&mut reading);
    folder.check_sha256(&tree.sha256, &mut reading)?;
    if let Some(model) = model {
        let real = |name: &String| hashed.remove(folder.real(name)?).ok_or_else(|| folder.vanished(name));
        let hashed = model.files.iter().map(real).collect::<Result<Vec<_>, CaptureError>>()?;
        describe::sha256(&mut reading, model, &hashed);
        let digests = digests(model, &hashed, |at| Ok(folder.open_file(&model.files[at])?))?;
        describe::untrained(&mut reading, model, &digests);
        artifact.add(&manifest(model, &digests)?)?;
    }
    artifact.reading = Some(reading);
    Ok(artifact)
}

/// The ranges of one of a model's files, by the tensor's number.
fn ranges_of(found: &Found, file: usize) -> BTreeMap<usize, Range<u64>> {
    let Found::Model(model) = found else { return BTreeMap::new() };
    let range = |(at, tensor): (usize, &Located)| match tensor.place {
        Place::Plain { start } if tensor.file == file => Some((at, start..start.saturating_add(tensor.info.length))),
        _ => None,
    };
    model.tensors.iter().enumerate().filter_map(range).collect()
}

/// The digest of each tensor: those that lie in their file as they are were hashed with it, the others are unpacked.
fn digests(
    model: &Model,
    hashed: &[HashedParts],
    open: impl Fn(usize) -> Result<OpenFile, KindError> + Sync,
) -> Result<Vec<FileDigest>, KindError> {
    let mut parts: Vec<_> = hashed.iter().map(|hashed| hashed.parts.iter()).collect();
    let plain: Vec<Option<FileDigest>> = model
        .tensors
        .iter()
        .map(|tensor| match tensor.place {
            // The tensors of one file were given to the pass in the order of the model.
            Place::Plain { .. } => parts[tensor.file].next().copied(),
            Place::Deflated(_) => None,
        })
        .collect();
    let digest = |(tensor, plain): (&Located, &Option<FileDigest>)| {
        if let Some(digest) = plain {
            return Ok(*digest);
        }
        let open = open(tensor.file)?;
        if open.stamp != hashed[tensor.file].file.stamp {
            return Err(open.changed().into());
        }
        let file = || model.files[tensor.file].clone();
        let digest = unpacked(tensor, &open).map_err(|source| WeightsError::Io { file: file(), source })?;
        open.check_unchanged()?;
        Ok(digest)
    };
    model.tensors.par_iter().zip(&plain).map(digest).collect()
}

/// Hashes a tensor that lies deflated in its file.
fn unpacked(tensor: &Located, source: &dyn ReadAt) -> io::Result<FileDigest> {
    let mut bytes = tensor_bytes(tensor, source)?;
    let (mut hasher, mut buffer) = (FileHasher::new(), vec![0; 256 << 10]);
    loop {
        match bytes.read(&mut buffer)? {
            0 => return Ok(hasher.finish()),
            read => hasher.update(&buffer[..read]),
        }
    }
}

fn manifest(model: &Model, digests: &[FileDigest]) -> Result<Manifest, KindError> {
    let leaf = |(tensor, digest): (&Located, &FileDigest)| TensorLeaf { info: tensor.info.clone(), digest: *digest };
    Ok(tensors_manifest(model.tensors.iter().zip(digests).map(leaf).collect()).map_err(WeightsError::from)?)
}

/// Weights opened for reading tensors, as `diff` does.
pub struct OpenWeights {
    /// What they are.
    pub model: Model,
    files: Vec<OpenFile>,
}

impl OpenWeights {
    /// Opens the weights at `path`, or says for each file why it holds none that can be read.
    pub fn open(path: &Path) -> Result<Result<Self, Vec<(String, Beyond)>>, KindError> {
        if argument_metadata(path)?.is_dir() {
            let folder = WeightsFolder::open(path)?;
            return match folder.find()? {
                Found::Model(model) => {
                    let files = model.files.iter().map(|name| folder.open_file(name));
                    let files = files.collect::<Result<Vec<_>, CaptureError>>()?;
                    Ok(Ok(Self { model, files }))
                }
                Found::Beyond(reasons) => Ok(Err(reasons)),
                Found::Nothing => Ok(Err(Vec::new())),
            };
        }
        let open = OpenFile::argument(path)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if place::pointer(&open)?.is_some() {
            return Ok(Err(vec![(name, Beyond::Pointer)]));
        }
        match read_file(&name, &open)? {
            Found::Model(model) => Ok(Ok(Self { model, files: vec![open] })),
            Found::Beyond(reasons) => Ok(Err(reasons)),
            Found::Nothing => Ok(Err(Vec::new())),
        }
    }

    /// The file that holds the tensor at `index` of the model.
    pub fn source(&self, index: usize) -> &dyn ReadAt {
        &self.files[self.model.tensors[index].file]
    }

    /// Refuses weights that changed while they were read.
    pub fn check_unchanged(&self) -> Result<(), CaptureError> {
        self.files.iter().try_for_each(OpenFile::check_unchanged)
    }
}

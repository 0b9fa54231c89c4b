//! A checkpoint as a manifest: one leaf for each tensor, sorted by name, so that the root names the weights themselves.
//!
//! A leaf is the canonical array `[name, dtype, [dim…], byte length, digest]`; the digest is BLAKE3 of the tensor's
//! bytes, row-major and little-endian. Order, sharding, alignment and metadata of the files that hold the tensors leave
//! the root as it is; one bit of any name, type, shape or value changes it. The header carries no facts for that reason.

use std::collections::BTreeMap;

use crate::artifact::dtype::{Dtype, ShapeError, elements};
use crate::artifact::manifest::{Manifest, ManifestError, ManifestHeader};
use crate::codec::{DecodeError, Decoder, Encoder};
use crate::digest::{Algorithm, Digest, DigestKind, FileDigest};

/// The projection of a tensors manifest.
pub const PROJECTION: &str = "tensors/1";

/// Longest tensor name in bytes; the longest in use have about 150.
pub const MAX_TENSOR_NAME: usize = 4096;

/// Most dimensions; NumPy allows 64, everybody else fewer.
pub const MAX_RANK: usize = 64;

/// Most tensors of one checkpoint; a mixture of 384 experts over 61 layers has about 200,000.
pub const MAX_TENSORS: usize = 1_000_000;

/// Why tensors are not a set of weights.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum TensorsError {
    #[error("a tensor's name has {found} bytes, expected 1 to {MAX_TENSOR_NAME}")]
    Name { found: usize },
    #[error("tensor `{}`: {reason}", .name.escape_debug())]
    Shape { name: String, reason: ShapeError },
    #[error("tensor `{}` has {found} dimensions, the limit is {MAX_RANK}", .name.escape_debug())]
    Rank { name: String, found: usize },
    #[error("tensor `{}` has {found} bytes where its type and shape take {expected}", .name.escape_debug())]
    Length { name: String, expected: u64, found: u64 },
    #[error("tensor `{}` has the element type `{}`, which this reproledger does not know", .name.escape_debug(), .found.escape_debug())]
    Dtype { name: String, found: String },
    #[error("tensor `{}` carries a digest by `{found}`, expected `blake3`", .name.escape_debug())]
    Algorithm { name: String, found: &'static str },
    #[error("tensor `{}` stands there twice", .name.escape_debug())]
    Duplicate { name: String },
    #[error("tensor `{}` is not in its place: leaves are sorted by the bytes of their name", .name.escape_debug())]
    Order { name: String },
    #[error("there are {found} tensors, the limit is {MAX_TENSORS}")]
    TooMany { found: usize },
    #[error("the tensors have more elements together than 64 bits count")]
    Parameters,
    #[error("the manifest has projection `{}`, expected `{PROJECTION}`", .found.escape_debug())]
    Projection { found: String },
    #[error("the header of a tensors manifest carries facts, and version 1 has none")]
    Facts,
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    #[error(transparent)]
    Decode(#[from] DecodeError),
}

/// What a tensor is without its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TensorInfo {
    /// Its name in the model.
    pub name: String,
    /// Its element type.
    pub dtype: Dtype,
    /// Its dimensions, outermost first.
    pub shape: Vec<u64>,
    /// Bytes it takes.
    pub length: u64,
}

impl TensorInfo {
    /// A tensor of that type and shape; its length follows from them.
    pub fn new(name: impl Into<String>, dtype: Dtype, shape: Vec<u64>) -> Result<Self, TensorsError> {
        let name = name.into();
        if name.is_empty() || name.len() > MAX_TENSOR_NAME {
            return Err(TensorsError::Name { found: name.len() });
        }
        if shape.len() > MAX_RANK {
            return Err(TensorsError::Rank { name, found: shape.len() });
        }
        match dtype.bytes(&shape) {
            Ok(length) => Ok(Self { name, dtype, shape, length }),
            Err(reason) => Err(TensorsError::Shape { name, reason }),
        }
    }

    /// Numbers in it.
    pub fn elements(&self) -> u64 {
        elements(&self.shape).expect("a tensor with a length has a number of elements")
    }
}

/// One tensor of a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TensorLeaf {
    /// What it is.
    pub info: TensorInfo,
    /// BLAKE3 of its bytes, row-major and little-endian.
    pub digest: FileDigest,
}

impl TensorLeaf {
    const WHAT: &'static str = "a tensor";

    /// Canonical bytes.
    pub fn encode(&self) -> Vec<u8> {
        Encoder::encode(|e| {
            e.array(5);
            e.text(&self.info.name);
            e.text(self.info.dtype.name());
            e.array(self.info.shape.len());
            self.info.shape.iter().for_each(|dim| e.uint(*dim));
            e.uint(self.info.length);
            Digest::from(self.digest).encode(e);
        })
    }

    /// Reads canonical bytes. The length must be the one that type and shape take.
    pub fn parse(bytes: &[u8]) -> Result<Self, TensorsError> {
        Decoder::decode(bytes, |d| {
            let len = d.array_header()?;
            if len != 5 {
                return Err(DecodeError::Length { what: Self::WHAT, expected: "5 items", found: len }.into());
            }
            let name = d.text()?.to_owned();
            let dtype = d.text()?;
            let dtype = Dtype::from_name(dtype)
                .ok_or_else(|| TensorsError::Dtype { name: name.clone(), found: dtype.to_owned() })?;
            let rank = d.array_header()?;
            if rank > MAX_RANK {
                return Err(TensorsError::Rank { name, found: rank });
            }
            let shape = (0..rank).map(|_| d.uint()).collect::<Result<Vec<_>, _>>()?;
            let found = d.uint()?;
            let digest = Digest::decode(d)?;
            let info = TensorInfo::new(name, dtype, shape)?;
            if info.length != found {
                return Err(TensorsError::Length { name: info.name, expected: info.length, found });
            }
            if digest.algorithm != Algorithm::Blake3 {
                return Err(TensorsError::Algorithm { name: info.name, found: digest.algorithm.name() });
            }
            Ok(Self { info, digest: FileDigest::from_bytes(digest.bytes) })
        })
    }
}

/// The manifest of a checkpoint; the tensors may come in any order.
pub fn tensors_manifest(mut leaves: Vec<TensorLeaf>) -> Result<Manifest, TensorsError> {
    leaves.sort_by(|a, b| a.info.name.cmp(&b.info.name));
    check_leaves(&leaves)?;
    let header = ManifestHeader { kind: DigestKind::Tensors, projection: PROJECTION.to_owned(), facts: None };
    Ok(Manifest { header, items: leaves.iter().map(TensorLeaf::encode).collect() })
}

/// The tensors of a checkpoint's manifest.
pub fn parse_tensors(manifest: &Manifest) -> Result<Vec<TensorLeaf>, TensorsError> {
    let ManifestHeader { kind, projection, facts } = &manifest.header;
    if *kind != DigestKind::Tensors {
        let kinds = ManifestError::Kind { expected: DigestKind::Tensors.name(), found: kind.name() };
        return Err(kinds.into());
    }
    if projection != PROJECTION {
        return Err(TensorsError::Projection { found: projection.clone() });
    }
    if facts.is_some() {
        return Err(TensorsError::Facts);
    }
    let leaves = manifest.items.iter().map(|item| TensorLeaf::parse(item)).collect::<Result<Vec<_>, _>>()?;
    check_leaves(&leaves)?;
    Ok(leaves)
}

fn check_leaves(leaves: &[TensorLeaf]) -> Result<(), TensorsError> {
    if leaves.is_empty() {
        return Err(ManifestError::Empty.into());
    }
    if leaves.len() > MAX_TENSORS {
        return Err(TensorsError::TooMany { found: leaves.len() });
    }
    for pair in leaves.windows(2) {
        let [before, after] = pair else { unreachable!("windows of two") };
        let name = || after.info.name.clone();
        match before.info.name.cmp(&after.info.name) {
            std::cmp::Ordering::Less => {}
            std::cmp::Ordering::Equal => return Err(TensorsError::Duplicate { name: name() }),
            std::cmp::Ordering::Greater => return Err(TensorsError::Order { name: name() }),
        }
    }
    parameters(leaves.iter().map(|leaf| &leaf.info)).map(drop)
}

/// Numbers in all tensors together, and how many are of which type.
pub fn parameters<'a>(
    tensors: impl Iterator<Item = &'a TensorInfo>,
) -> Result<(u64, BTreeMap<Dtype, u64>), TensorsError> {
    let mut by_type: BTreeMap<Dtype, u64> = BTreeMap::new();
    let mut sum = 0_u64;
    for tensor in tensors {
        sum = sum.checked_add(tensor.elements()).ok_or(TensorsError::Parameters)?;
        *by_type.entry(tensor.dtype).or_default() += tensor.elements();
    }
    Ok((sum, by_type))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests;

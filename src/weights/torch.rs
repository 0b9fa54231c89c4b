//! PyTorch's ZIP archives (`torch.save`): a pickle that names tensors, and one stored record for each storage.
//!
//! The pickle is never run: see [`pickle`]. A tensor is a view of a storage; only contiguous row-major views are read,
//! for others the bytes are not those of the same tensor elsewhere. Hole: the checksums of stored records are not
//! checked, as the digest of the tensor's bytes says more.
//!
//! Format: <https://docs.pytorch.org/docs/stable/notes/serialization.html>

mod pickle;

use std::collections::{BTreeMap, BTreeSet};

use super::error::Refusal;
use super::{Beyond, Contents, FormatError, Place};
use crate::artifact::dtype::Dtype;
use crate::artifact::tensors::TensorInfo;
use crate::container::zip::{Archive, Stretch};

use pickle::{PickleError, Pickled, View};

/// Name of the pickle inside the archive's one folder.
pub(super) const PICKLE: &str = "data.pkl";

/// Largest pickle: a state dictionary takes about 150 bytes for each tensor.
const MAX_PICKLE: u64 = 32 << 20;

/// Tensors may share storages (tied embeddings), but not so that few bytes become endless work.
const MAX_VIEWS: u64 = 8;

/// What a small file may cover whatever the ratio.
const VIEWS_ALLOWANCE: u64 = 1 << 20;

/// Finds the tensors of an archive that holds a state dictionary.
pub(super) fn locate(size: u64, archive: &mut Archive<'_>) -> Result<Contents, Refusal> {
    let stretches = archive.stretches()?;
    let is_pickle = |stretch: &Stretch| stretch.name.strip_suffix(PICKLE).is_some_and(|folder| folder.ends_with('/'));
    let pickles: Vec<usize> = (0..stretches.len()).filter(|at| is_pickle(&stretches[*at])).collect();
    let [at] = pickles[..] else { return Err(Beyond::OtherArchive.into()) };
    let stretch = &stretches[at];
    let folder = stretch.name.trim_end_matches(PICKLE).to_owned();
    if stretch.unpacked > MAX_PICKLE {
        let (what, found) = ("the length of its pickle", stretch.unpacked);
        return Err(FormatError::Limit { what, at: stretch.start, found, limit: MAX_PICKLE }.into());
    }
    let pickle = archive.read(at)?;
    let pickled = pickle::interpret(&pickle).map_err(|error| match error {
        PickleError::Bad { at, what } => Refusal::Format(FormatError::Pickle { at: at as u64, what }),
        PickleError::Beyond { at, what } => Refusal::Beyond(Beyond::Pickle { at: at as u64, what }),
    })?;
    let records = stretches.iter().map(|stretch| (stretch.name.as_str(), stretch)).collect();
    check_order(archive, &stretches, &folder)?;
    tensors(pickled, &folder, &records, size)
}

/// A file written on a big-endian machine says so in a record of its own.
fn check_order(archive: &mut Archive<'_>, stretches: &[Stretch], folder: &str) -> Result<(), Refusal> {
    let name = format!("{folder}byteorder");
    let Some(at) = stretches.iter().position(|stretch| stretch.name == name && stretch.unpacked < 64) else {
        return Ok(());
    };
    if archive.read(at)? == b"little" { Ok(()) } else { Err(Beyond::BigEndian { name: "(all)".to_owned() }.into()) }
}

fn tensors(pickled: Pickled, folder: &str, records: &BTreeMap<&str, &Stretch>, size: u64) -> Result<Contents, Refusal> {
    let mut used = BTreeSet::new();
    let mut tensors = Vec::with_capacity(pickled.tensors.len());
    let limit = size.saturating_mul(MAX_VIEWS).saturating_add(VIEWS_ALLOWANCE);
    let mut covered = 0_u64;
    for (name, view) in pickled.tensors {
        let record = format!("{folder}data/{}", view.storage.key);
        let bad = |what| FormatError::Record { name: name.clone(), record: record.clone(), what };
        let stretch = records.get(record.as_str()).ok_or_else(|| bad("is not there"))?;
        if stretch.deflated {
            return Err(bad("is deflated").into());
        }
        let width = view.storage.dtype.map_or(1, |dtype| dtype.layout().bytes);
        if view.storage.elements.checked_mul(width) != Some(stretch.unpacked) {
            return Err(bad("has another length than the storage it holds").into());
        }
        let info = TensorInfo::new(name.as_str(), view.dtype, view.shape.clone())?;
        if !is_contiguous(&view) {
            return Err(Beyond::Strided { name }.into());
        }
        let begin = view.offset.checked_mul(view.dtype.layout().bytes);
        let end = begin.and_then(|begin| begin.checked_add(info.length)).filter(|end| *end <= stretch.unpacked);
        let (Some(begin), Some(_)) = (begin, end) else { return Err(bad("is shorter than the tensor").into()) };
        covered = covered.saturating_add(info.length);
        used.insert(record.clone());
        tensors.push((info, Place::Plain { start: stretch.start + begin }));
    }
    if covered > limit {
        return Err(FormatError::Views { covered, limit }.into());
    }
    if tensors.is_empty() {
        return Err(Beyond::Empty.into());
    }
    let storages = format!("{folder}data/");
    let unused = records.keys().filter(|name| name.starts_with(&storages) && !used.contains(**name)).count() as u64;
    let others = pickled.others.saturating_add(unused);
    Ok(Contents { format: "torch-zip", tensors, facts: BTreeMap::new(), others })
}

/// True where the elements lie one after the other, the innermost dimension first; strides of dimensions of one
/// element mean nothing.
fn is_contiguous(view: &View) -> bool {
    if view.shape.contains(&0) {
        return true;
    }
    let mut expected = 1_u64;
    for (dim, stride) in view.shape.iter().zip(&view.strides).rev() {
        if *dim > 1 && *stride != expected {
            return false;
        }
        expected = expected.saturating_mul(*dim);
    }
    view.shape.len() == view.strides.len()
}

/// The element type that a class of storages or a `torch.dtype` has.
fn dtype_of(name: &str) -> Option<Dtype> {
    Some(match name {
        "FloatStorage" | "float32" => Dtype::F32,
        "DoubleStorage" | "float64" => Dtype::F64,
        "HalfStorage" | "float16" => Dtype::F16,
        "BFloat16Storage" | "bfloat16" => Dtype::Bf16,
        "LongStorage" | "int64" => Dtype::I64,
        "IntStorage" | "int32" => Dtype::I32,
        "ShortStorage" | "int16" => Dtype::I16,
        "CharStorage" | "int8" => Dtype::I8,
        "ByteStorage" | "uint8" => Dtype::U8,
        "BoolStorage" | "bool" => Dtype::Bool,
        "ComplexFloatStorage" | "complex64" => Dtype::C64,
        "ComplexDoubleStorage" | "complex128" => Dtype::C128,
        "uint16" => Dtype::U16,
        "uint32" => Dtype::U32,
        "uint64" => Dtype::U64,
        "float8_e4m3fn" => Dtype::F8E4M3,
        "float8_e5m2" => Dtype::F8E5M2,
        "float8_e4m3fnuz" => Dtype::F8E4M3Fnuz,
        "float8_e5m2fnuz" => Dtype::F8E5M2Fnuz,
        "float8_e8m0fnu" => Dtype::F8E8M0,
        _ => return None,
    })
}

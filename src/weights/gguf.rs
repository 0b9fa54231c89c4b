//! GGUF versions 2 and 3: a table of typed values, a table of tensors, and tensors at aligned places after both.
//!
//! Dimensions stand in the file innermost first; here they are turned round, so that a tensor has the shape that every
//! other format gives it.
//!
//! Format: <https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>

use std::collections::{BTreeMap, BTreeSet};

use super::error::Refusal;
use super::stream::Fields;
use super::{Beyond, Contents, FormatError, Place, ReadAt};
use crate::artifact::dtype::Dtype;
use crate::artifact::tensors::{MAX_TENSOR_NAME, MAX_TENSORS, TensorInfo};

pub(super) const MAGIC: &[u8; 4] = b"GGUF";

/// Longest header: a vocabulary of a million words with its merges takes about 60 MB.
const MAX_HEADER: u64 = 256 << 20;

/// Values in the table; real files have about 50, and one for each tensor at worst.
const MAX_VALUES: u64 = 100_000;

/// Longest key in bytes (the format's own limit).
const MAX_KEY: u64 = 65_535;

/// Lists of lists end here; none are in use.
const MAX_DEPTH: usize = 4;

/// Dimensions of a tensor (ggml has four).
const MAX_DIMS: u32 = 8;

/// Where tensors are aligned unless `general.alignment` says otherwise.
const DEFAULT_ALIGNMENT: u64 = 32;

/// Largest alignment that is believed.
const MAX_ALIGNMENT: u64 = 1 << 20;

/// Longest text kept as a fact.
const MAX_FACT: u64 = 4096;

/// Numbers of element types in the file, but for those of intermediate results that no file holds.
///
/// Source: <https://github.com/ggml-org/llama.cpp/blob/master/gguf-py/gguf/constants.py> `GGML_QUANT_SIZES`
pub(super) const TYPES: &[(u32, Dtype)] = &[
    (0, Dtype::F32),
    (1, Dtype::F16),
    (2, Dtype::Q4_0),
    (3, Dtype::Q4_1),
    (6, Dtype::Q5_0),
    (7, Dtype::Q5_1),
    (8, Dtype::Q8_0),
    (10, Dtype::Q2K),
    (11, Dtype::Q3K),
    (12, Dtype::Q4K),
    (13, Dtype::Q5K),
    (14, Dtype::Q6K),
    (15, Dtype::Q8K),
    (16, Dtype::Iq2Xxs),
    (17, Dtype::Iq2Xs),
    (18, Dtype::Iq3Xxs),
    (19, Dtype::Iq1S),
    (20, Dtype::Iq4Nl),
    (21, Dtype::Iq3S),
    (22, Dtype::Iq2S),
    (23, Dtype::Iq4Xs),
    (24, Dtype::I8),
    (25, Dtype::I16),
    (26, Dtype::I32),
    (27, Dtype::I64),
    (28, Dtype::F64),
    (29, Dtype::Iq1M),
    (30, Dtype::Bf16),
    (34, Dtype::Tq1_0),
    (35, Dtype::Tq2_0),
    (39, Dtype::Mxfp4),
    (40, Dtype::Nvfp4),
    (41, Dtype::Q1_0),
];

/// Finds the tensors of a file.
pub(super) fn locate(source: &dyn ReadAt) -> Result<Contents, Refusal> {
    let mut fields = Fields::new(source, MAX_HEADER);
    let magic: [u8; 4] = fields.array("the magic number")?;
    if &magic != MAGIC {
        return Err(FormatError::Start { at: 0, expected: "GGUF", found: magic.to_vec() }.into());
    }
    match fields.u32("the version")? {
        2 | 3 => {}
        // A big-endian file has its version the other way round.
        found => return Err(Beyond::Version { found: found.into(), known: "2 and 3, little-endian," }.into()),
    }
    let tensors = fields.u64("the number of tensors")?;
    let values = fields.u64("the number of values")?;
    if tensors > MAX_TENSORS as u64 {
        return Err(Beyond::TooMany { count: tensors, limit: MAX_TENSORS as u64 }.into());
    }
    if values > MAX_VALUES {
        let what = "the number of values";
        return Err(FormatError::Limit { what, at: 16, found: values, limit: MAX_VALUES }.into());
    }
    let table = table(&mut fields, values)?;
    let mut entries = (0..tensors).map(|_| entry(&mut fields)).collect::<Result<Vec<_>, _>>()?;
    let alignment = table.alignment;
    let data = fields.at().next_multiple_of(alignment);
    entries.sort_by_key(|(info, offset)| (*offset, info.length));
    let tensors = lay_out(entries, data, alignment, source.size())?;
    if tensors.is_empty() {
        return Err(Beyond::Empty.into());
    }
    Ok(Contents { format: "gguf", tensors, facts: table.facts, others: 0 })
}

/// What is kept of the table of values.
struct Table {
    alignment: u64,
    facts: BTreeMap<String, String>,
}

fn table(fields: &mut Fields<'_>, values: u64) -> Result<Table, FormatError> {
    let mut table = Table { alignment: DEFAULT_ALIGNMENT, facts: BTreeMap::new() };
    let mut keys = BTreeSet::new();
    for _ in 0..values {
        let key = text(fields, "a key", MAX_KEY)?;
        let at = fields.at();
        let kind = fields.u32("the type of a value")?;
        match (key.as_str(), kind) {
            ("general.alignment", 4) => {
                let found = u64::from(fields.u32("the alignment")?);
                if !found.is_power_of_two() || found > MAX_ALIGNMENT {
                    let expected = "a power of two of at most 1048576";
                    return Err(FormatError::Value { what: "the alignment", at, found, expected });
                }
                table.alignment = found;
            }
            ("general.alignment", found) => {
                let expected = "4 (a 32-bit number)";
                return Err(FormatError::Value {
                    what: "the type of the alignment",
                    at,
                    found: found.into(),
                    expected,
                });
            }
            ("general.architecture" | "general.name" | "general.quantized_by", 8) => {
                table.facts.insert(key.clone(), text(fields, "a value", MAX_FACT)?);
            }
            ("general.file_type" | "split.no" | "split.count", 2 | 4) => {
                let number = if kind == 4 {
                    fields.u32("a value")?
                } else {
                    u16::from_le_bytes(fields.array("a value")?).into()
                };
                table.facts.insert(key.clone(), number.to_string());
            }
            (_, kind) => skip(fields, kind, at)?,
        }
        if !keys.insert(key.clone()) {
            return Err(FormatError::DuplicateName { name: key });
        }
    }
    Ok(table)
}

/// Bytes of a value of fixed size.
fn width(kind: u32) -> Option<u64> {
    match kind {
        0 | 1 | 7 => Some(1),
        2 | 3 => Some(2),
        4..=6 => Some(4),
        10..=12 => Some(8),
        _ => None,
    }
}

const TEXT: u32 = 8;
const LIST: u32 = 9;

/// Passes over a value; lists in lists only so deep.
fn skip(fields: &mut Fields<'_>, kind: u32, at: u64) -> Result<(), FormatError> {
    let mut open = vec![(kind, 1_u64)];
    while let Some((kind, left)) = open.pop() {
        if left == 0 {
            continue;
        }
        if let Some(width) = width(kind) {
            fields.skip(width.saturating_mul(left), "a value")?;
            continue;
        }
        open.push((kind, left - 1));
        match kind {
            TEXT => {
                let len = fields.u64("the length of a text")?;
                fields.skip(len, "a text")?;
            }
            LIST if open.len() <= MAX_DEPTH => {
                let kind = fields.u32("the type of a list")?;
                open.push((kind, fields.u64("the length of a list")?));
            }
            LIST => {
                let (found, limit) = (open.len() as u64, MAX_DEPTH as u64);
                return Err(FormatError::Limit { what: "the depth of lists", at, found, limit });
            }
            found => {
                let what = "the type of a value";
                return Err(FormatError::Value { what, at, found: found.into(), expected: "0 to 12" });
            }
        }
    }
    Ok(())
}

fn text(fields: &mut Fields<'_>, what: &'static str, limit: u64) -> Result<String, FormatError> {
    let at = fields.at();
    let found = fields.u64(what)?;
    if found > limit {
        return Err(FormatError::Limit { what: "the length of a text", at, found, limit });
    }
    String::from_utf8(fields.take(found, what)?).map_err(|_| FormatError::Utf8 { what, at })
}

/// One line of the table of tensors, with its place counted from the first tensor.
fn entry(fields: &mut Fields<'_>) -> Result<(TensorInfo, u64), Refusal> {
    let name = text(fields, "the name of a tensor", MAX_TENSOR_NAME as u64)?;
    let at = fields.at();
    let dims = fields.u32("the dimensions of a tensor")?;
    if dims > MAX_DIMS {
        let (what, found) = ("the number of dimensions", dims.into());
        return Err(FormatError::Limit { what, at, found, limit: MAX_DIMS.into() }.into());
    }
    let mut shape = (0..dims).map(|_| fields.u64("a dimension")).collect::<Result<Vec<_>, _>>()?;
    shape.reverse();
    let number = fields.u32("the element type of a tensor")?;
    let offset = fields.u64("the place of a tensor")?;
    let Some((_, dtype)) = TYPES.iter().find(|(known, _)| *known == number) else {
        return Err(Beyond::Dtype { name, found: format!("ggml {number}") }.into());
    };
    Ok((TensorInfo::new(name, *dtype, shape)?, offset))
}

/// Each tensor begins where the one before ends, aligned; after the last there is at most padding.
fn lay_out(
    entries: Vec<(TensorInfo, u64)>,
    data: u64,
    alignment: u64,
    size: u64,
) -> Result<Vec<(TensorInfo, Place)>, FormatError> {
    let mut tensors: Vec<(TensorInfo, Place)> = Vec::with_capacity(entries.len());
    let mut reached = data;
    for (info, offset) in entries {
        let start = data.saturating_add(offset);
        let expected = reached.next_multiple_of(alignment);
        if start < expected {
            let first = tensors.last().map(|(before, _)| before.name.clone()).unwrap_or_default();
            return Err(FormatError::Overlap { first, second: info.name, at: start });
        }
        let end = start.checked_add(info.length).filter(|end| *end <= size);
        let Some(end) = end else {
            return Err(FormatError::Short { name: info.name, end: start.saturating_add(info.length), size });
        };
        if start > expected {
            return Err(FormatError::Hole { at: expected, end: start });
        }
        reached = end;
        tensors.push((info, Place::Plain { start }));
    }
    // What llama.cpp writes ends padded; what others write ends with the last tensor.
    if size > reached.next_multiple_of(alignment) {
        return Err(FormatError::Trailing { at: reached, size });
    }
    Ok(tensors)
}

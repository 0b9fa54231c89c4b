//! safetensors: eight bytes of header length, a JSON header, and tensors that fill the rest without a gap.
//!
//! Format: <https://github.com/huggingface/safetensors#format>

use std::collections::BTreeMap;

use super::error::Refusal;
use super::{Beyond, Contents, FormatError, Place, ReadAt};
use crate::artifact::dtype::Dtype;
use crate::artifact::tensors::{MAX_TENSORS, TensorInfo};
use crate::json::{JsonError, Kind, Value};

/// Longest header, as the reference implementation has it.
pub(super) const MAX_HEADER: u64 = 100_000_000;

/// Bytes of the header's length.
const LENGTH: u64 = 8;

/// Longest fact kept of the metadata; there may be anything in it.
const MAX_METADATA: usize = 20;

/// One tensor as the header has it: offsets are counted from the end of the header.
struct Entry {
    info: TensorInfo,
    begin: u64,
    end: u64,
}

/// Finds the tensors of a file.
pub(super) fn locate(source: &dyn ReadAt) -> Result<Contents, Refusal> {
    let size = source.size();
    if size < LENGTH {
        return Err(FormatError::Cut { what: "the length of its header", at: 0 }.into());
    }
    let mut length = [0; 8];
    source.read_at(0, &mut length).map_err(FormatError::Io)?;
    let length = u64::from_le_bytes(length);
    if length > MAX_HEADER {
        return Err(FormatError::Limit { what: "the header length", at: 0, found: length, limit: MAX_HEADER }.into());
    }
    let data = LENGTH + length;
    if data > size {
        return Err(FormatError::HeaderBeyondFile { end: data, size }.into());
    }
    let mut header = vec![0; usize::try_from(length).expect("at most the limit")];
    source.read_at(LENGTH, &mut header).map_err(FormatError::Io)?;
    if header.first() != Some(&b'{') {
        let found = header.first().copied().into_iter().collect();
        return Err(FormatError::Start { at: LENGTH, expected: "{", found }.into());
    }
    let mut contents = Contents { format: "safetensors", ..Contents::default() };
    let entries = entries(&header, &mut contents.facts)?;
    drop(header);
    contents.tensors = lay_out(entries, data, size)?;
    if contents.tensors.is_empty() { Err(Beyond::Empty.into()) } else { Ok(contents) }
}

fn entries(header: &[u8], facts: &mut BTreeMap<String, String>) -> Result<Vec<Entry>, Refusal> {
    let json = |source| FormatError::Json { at: LENGTH, source };
    let value = Value::parse(header).map_err(json)?;
    let mut entries: BTreeMap<String, Option<Entry>> = BTreeMap::new();
    for (name, value) in value.members() {
        let Ok(name) = String::from_utf8(name.bytes.into_owned()) else {
            return Err(json(JsonError::Utf8 { at: 0 }).into());
        };
        let entry = if name == "__metadata__" {
            metadata(value, facts)?;
            None
        } else {
            Some(entry(&name, value)?)
        };
        if entries.contains_key(&name) {
            return Err(FormatError::DuplicateName { name }.into());
        }
        entries.insert(name, entry);
        if entries.len() > MAX_TENSORS + 1 {
            return Err(Beyond::TooMany { count: entries.len() as u64, limit: MAX_TENSORS as u64 }.into());
        }
    }
    Ok(entries.into_values().flatten().collect())
}

/// `__metadata__` maps texts to texts; the first few are kept as facts.
fn metadata(value: Value<'_>, facts: &mut BTreeMap<String, String>) -> Result<(), FormatError> {
    let bad = |what| FormatError::Entry { name: "__metadata__".to_owned(), what };
    if value.kind() != Kind::Object {
        return Err(bad("a value that is no object"));
    }
    let mut seen = std::collections::BTreeSet::new();
    for (name, value) in value.members() {
        let text = value.text().ok_or_else(|| bad("a member that is no text"))?;
        if !seen.insert(name.bytes.to_vec()) {
            return Err(bad("a member that stands twice"));
        }
        if facts.len() < MAX_METADATA {
            facts.insert(format!("metadata.{}", name.lossy()), text.lossy());
        }
    }
    Ok(())
}

fn entry(name: &str, value: Value<'_>) -> Result<Entry, Refusal> {
    let bad = |what| FormatError::Entry { name: name.to_owned(), what };
    if value.kind() != Kind::Object {
        return Err(bad("a value that is no object").into());
    }
    let (mut dtype, mut shape, mut offsets) = (None, None, None);
    for (key, value) in value.members() {
        let slot = match &*key.bytes {
            b"dtype" => &mut dtype,
            b"shape" => &mut shape,
            b"data_offsets" => &mut offsets,
            _ => return Err(bad("a member other than `dtype`, `shape` and `data_offsets`").into()),
        };
        if slot.replace(value).is_some() {
            return Err(bad("a member that stands twice").into());
        }
    }
    let (Some(dtype), Some(shape), Some(offsets)) = (dtype, shape, offsets) else {
        return Err(bad("not all of `dtype`, `shape` and `data_offsets`").into());
    };
    let dtype = dtype.text().ok_or_else(|| bad("a `dtype` that is no text"))?.lossy();
    let shape = numbers(shape).ok_or_else(|| bad("a `shape` that is no list of non-negative integers"))?;
    let offsets = numbers(offsets).ok_or_else(|| bad("`data_offsets` that are no non-negative integers"))?;
    let [begin, end] = offsets[..] else { return Err(bad("`data_offsets` that are not two").into()) };
    let Some(dtype) = Dtype::from_name(&dtype).filter(|dtype| !dtype.layout().by_row) else {
        return Err(Beyond::Dtype { name: name.to_owned(), found: dtype }.into());
    };
    let info = TensorInfo::new(name, dtype, shape)?;
    match end.checked_sub(begin) {
        Some(length) if length == info.length => Ok(Entry { info, begin, end }),
        Some(_) => Err(bad("`data_offsets` that are not as far apart as type and shape need").into()),
        None => Err(bad("`data_offsets` that end before they begin").into()),
    }
}

fn numbers(value: Value<'_>) -> Option<Vec<u64>> {
    // No list in a header is longer than the dimensions of a tensor.
    let longest = crate::artifact::tensors::MAX_RANK + 1;
    (value.kind() == Kind::Array).then_some(())?;
    value.items().take(longest).map(|item| item.raw().parse().ok().filter(|_| item.kind() == Kind::Number)).collect()
}

/// Holds the tensors' places against each other and the file: together they fill it from header to end.
fn lay_out(mut entries: Vec<Entry>, data: u64, size: u64) -> Result<Vec<(TensorInfo, Place)>, FormatError> {
    entries.sort_by_key(|entry| (entry.begin, entry.end));
    let room = size - data;
    let mut reached = 0;
    let mut tensors: Vec<(TensorInfo, Place)> = Vec::with_capacity(entries.len());
    for Entry { info, begin, end } in entries {
        if begin < reached {
            let first = tensors.last().map(|(before, _)| before.name.clone()).unwrap_or_default();
            return Err(FormatError::Overlap { first, second: info.name, at: data + begin });
        }
        if end > room {
            return Err(FormatError::Short { name: info.name, end: data.saturating_add(end), size });
        }
        if begin > reached {
            return Err(FormatError::Hole { at: data + reached, end: data + begin });
        }
        reached = end;
        tensors.push((info, Place::Plain { start: data + begin }));
    }
    if reached < room {
        return Err(FormatError::Trailing { at: data + reached, size });
    }
    Ok(tensors)
}

//! A model in several files, and the index that says which tensor is in which.
//!
//! Format: <https://huggingface.co/docs/transformers/big_models>

use std::collections::BTreeMap;

use super::{IndexError, Located, Note};
use crate::json::Value;

/// Largest index that is read: a million tensors of 100 bytes.
pub(super) const MAX_INDEX: u64 = 100_000_000;

/// What an index says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Index {
    /// Tensor name → file name.
    map: BTreeMap<String, String>,
    /// Bytes of all tensors together, where it says.
    total_size: Option<u64>,
}

impl Index {
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, IndexError> {
        let object = Value::parse(bytes)?.object()?;
        let mut index = Self::default();
        if let Some(metadata) = object.get("metadata")? {
            // Some writers have a fraction here; then it says nothing.
            index.total_size = metadata.object()?.count("total_size").unwrap_or(None);
        }
        let map = object.get("weight_map")?.ok_or(IndexError::NoMap)?;
        for (name, file) in map.members() {
            let (name, file) = (name.lossy(), file.text().ok_or(IndexError::NoMap)?.lossy());
            if file.is_empty() || file.contains(['/', '\\', '\0']) || file == ".." || file == "." {
                return Err(IndexError::Elsewhere { name, file });
            }
            if index.map.insert(name.clone(), file).is_some() {
                return Err(crate::json::JsonError::Duplicate { name }.into());
            }
        }
        if index.map.is_empty() { Err(IndexError::NoMap) } else { Ok(index) }
    }

    /// The files it names, sorted, each once.
    pub(super) fn files(&self) -> Vec<String> {
        let mut files: Vec<String> = self.map.values().cloned().collect();
        files.sort();
        files.dedup();
        files
    }

    /// Holds what was found in the files against what the index says is in them.
    pub(super) fn check(&self, files: &[String], tensors: &[Located]) -> Result<Option<Note>, IndexError> {
        let mut found: BTreeMap<&str, &str> = BTreeMap::new();
        for tensor in tensors {
            let (name, file) = (tensor.info.name.as_str(), files[tensor.file].as_str());
            if let Some(first) = found.insert(name, file) {
                return Err(two_shards(name, first, file));
            }
        }
        for (name, expected) in &self.map {
            match found.get(name.as_str()) {
                Some(found) if found == expected => {}
                Some(found) => {
                    let (name, found, expected) = (name.clone(), (*found).to_owned(), expected.clone());
                    return Err(IndexError::OtherShard { name, found, expected });
                }
                None => return Err(IndexError::MissingTensor { name: name.clone(), file: expected.clone() }),
            }
        }
        if let Some((name, file)) = found.into_iter().find(|(name, _)| !self.map.contains_key(*name)) {
            return Err(IndexError::ExtraTensor { name: name.to_owned(), file: file.to_owned() });
        }
        let sum = tensors.iter().fold(0_u64, |sum, tensor| sum.saturating_add(tensor.info.length));
        // Converters are known to leave an old size behind, so this is worth a remark and no refusal.
        Ok(self.total_size.filter(|size| *size != sum).map(|size| Note {
            code: "index-total-size",
            count: 1,
            text: format!("the index says its tensors have {size} bytes together, and they have {sum}"),
        }))
    }
}

pub(super) fn two_shards(name: &str, first: &str, second: &str) -> IndexError {
    IndexError::TwoShards { name: name.to_owned(), first: first.to_owned(), second: second.to_owned() }
}

/// The parts of a name like `model-00002-of-00005.safetensors`: what stands before, the number, of how many.
pub(super) fn shard_of(name: &str) -> Option<(&str, u64, u64)> {
    let (stem, _) = name.rsplit_once('.')?;
    let (rest, count) = stem.rsplit_once("-of-")?;
    let (base, number) = rest.rsplit_once('-')?;
    let digits = |text: &str| text.len() == 5 && text.bytes().all(|byte| byte.is_ascii_digit());
    (digits(number) && digits(count)).then_some(())?;
    Some((base, number.parse().ok()?, count.parse().ok()?))
}

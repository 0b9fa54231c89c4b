//! PEFT adapters: what `adapter_config.json` says of an adapter, held against its tensors.
//!
//! Format: <https://huggingface.co/docs/peft/developer_guides/checkpoint>

use std::collections::{BTreeMap, BTreeSet};

use super::{Model, Note};
use crate::json::{JsonError, Kind, Value};

/// Name of the configuration.
pub const CONFIG: &str = "adapter_config.json";

/// Largest configuration that is read.
pub const MAX_CONFIG: u64 = 1 << 20;

/// True for the half of an adapter that is zero until it is trained.
pub fn is_lora_b(name: &str) -> bool {
    name.split('.').any(|part| part == "lora_B" || part == "lora_embedding_B")
}

/// True for a tensor of an adapter.
pub fn is_lora(name: &str) -> bool {
    is_lora_b(name) || name.split('.').any(|part| part == "lora_A" || part == "lora_embedding_A")
}

/// Facts of a configuration, and whether the adapter's rank is the one it says.
pub fn describe(config: &[u8], model: &Model) -> (BTreeMap<String, String>, Vec<Note>) {
    match facts(config) {
        Ok((facts, rank)) => {
            let notes = rank.and_then(|rank| other_rank(rank, model)).into_iter().collect();
            (facts, notes)
        }
        Err(error) => {
            let note = Note { code: "adapter-config", count: 1, text: format!("`{CONFIG}` is not read: {error}") };
            (BTreeMap::new(), vec![note])
        }
    }
}

/// The facts, and the one rank of all modules where there is one.
fn facts(config: &[u8]) -> Result<(BTreeMap<String, String>, Option<u64>), JsonError> {
    let object = Value::parse(config)?.object()?;
    let mut facts = BTreeMap::new();
    for (name, key) in [
        ("adapter.type", "peft_type"),
        ("adapter.base", "base_model_name_or_path"),
        ("adapter.base-revision", "revision"),
    ] {
        facts.extend(object.text(key)?.map(|text| (name.to_owned(), text)));
    }
    for (name, key) in [("adapter.r", "r"), ("adapter.alpha", "lora_alpha"), ("adapter.dropout", "lora_dropout")] {
        facts.extend(object.get(key)?.map(|value| (name.to_owned(), value.raw().to_owned())));
    }
    let modules = match object.get("target_modules")? {
        Some(value) if value.kind() == Kind::Array => {
            let names: BTreeSet<String> = value.items().filter_map(|item| Some(item.text()?.lossy())).collect();
            Some(names.into_iter().collect::<Vec<_>>().join(","))
        }
        Some(value) => value.text().map(|text| text.lossy()),
        None => None,
    };
    facts.extend(modules.map(|modules| ("adapter.modules".to_owned(), modules)));
    let is_patterned = object.get("rank_pattern")?.is_some_and(|pattern| pattern.members().next().is_some());
    let rank = if is_patterned { None } else { object.count("r").unwrap_or(None) };
    Ok((facts, rank))
}

/// The inner dimension of every `lora_A` is the rank.
fn other_rank(rank: u64, model: &Model) -> Option<Note> {
    let is_a = |name: &str| name.split('.').any(|part| part == "lora_A");
    let others = model.tensors.iter().filter(|tensor| is_a(&tensor.info.name));
    let others: Vec<_> = others.filter(|tensor| tensor.info.shape.first() != Some(&rank)).collect();
    let first = others.first()?;
    let text = format!("`{CONFIG}` says rank {rank}, and `{}` has {:?}", first.info.name, first.info.shape);
    Some(Note { code: "adapter-rank", count: others.len() as u64, text })
}

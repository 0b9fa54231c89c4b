//! What a person should know of weights: counts, facts and remarks for the body.

use std::collections::BTreeMap;
use std::path::Path;

use super::place::step_of;
use super::{FileDigest, FileHasher, Found, HashedParts, Model, Reading};
use crate::artifact::tensors::parameters;
use crate::json::{Kind, Value};
use crate::statement::TRAINER_EPOCHS;
use crate::weights::peft::is_lora_b;

/// The reader, with its version.
const READER: &str = "weights/1";

/// Files whose SHA-256 is kept as a fact; the largest models have about 1,000 shards.
const MAX_SHA256: usize = 2000;

/// The reading of what was found.
pub(super) fn reading(found: &Found, path: Option<&Path>) -> Reading {
    let mut reading = Reading::by(READER);
    let name = path.and_then(Path::file_name).and_then(|name| name.to_str());
    if let Some(step) = name.and_then(step_of) {
        reading.count("step", step);
    }
    match found {
        Found::Model(model) => describe(&mut reading, model),
        Found::Beyond(reasons) => {
            for (file, reason) in reasons {
                reading.remark("bytes-only", 1, format!("`{file}` is recorded as bytes only: {reason}"));
            }
        }
        Found::Nothing => reading.remark("bytes-only", 1, "no file here holds weights of a known format"),
    }
    reading
}

fn describe(reading: &mut Reading, model: &Model) {
    reading.fact("format", model.format);
    for (name, text) in &model.facts {
        // Keys come from outside, like texts.
        reading.fact(name.get(..name.len().min(120)).unwrap_or("metadata"), text);
    }
    reading.count("tensors", model.tensors.len() as u64);
    reading.count("weight-files", model.files.len() as u64);
    let bytes = model.tensors.iter().fold(0_u64, |sum, tensor| sum.saturating_add(tensor.info.length));
    reading.count("bytes", bytes);
    // More than 64 bits count is refused where the manifest is made.
    if let Ok((sum, by_type)) = parameters(model.tensors.iter().map(|tensor| &tensor.info)) {
        reading.count("parameters", sum);
        for (dtype, count) in by_type {
            reading.count(&format!("parameters.{}", dtype.name()), count);
        }
    }
    for note in &model.notes {
        reading.remark(note.code, note.count, &note.text);
    }
}

/// SHA-256 of each file of weights, as model hubs name them. A tree has no room for a second digest, so they are the
/// recorder's word, for looking files up, and under no signature's proof.
pub(super) fn sha256(reading: &mut Reading, model: &Model, hashed: &[HashedParts]) {
    for (name, hashed) in model.files.iter().zip(hashed).take(MAX_SHA256) {
        if let Some(sha256) = hashed.file.sha256 {
            reading.fact(&format!("sha256.{name}"), &sha256.to_string());
        }
    }
}

/// Says so where the trained half of an adapter is all zero: then nothing was trained.
///
/// By digest: the tensors were hashed, and zeros of the same length have one digest.
pub(super) fn untrained(reading: &mut Reading, model: &Model, digests: &[FileDigest]) {
    let mut zeros: BTreeMap<u64, FileDigest> = BTreeMap::new();
    let halves = model.tensors.iter().zip(digests).filter(|(tensor, _)| is_lora_b(&tensor.info.name));
    let (mut count, mut zero) = (0, 0);
    for (tensor, digest) in halves {
        count += 1;
        let of_zeros = zeros.entry(tensor.info.length).or_insert_with_key(|length| zeros_of(*length));
        zero += u64::from(of_zeros == digest);
    }
    if count > 0 && zero == count {
        let text = format!("every `lora_B` of the adapter is zero ({zero} of {count}): nothing was trained");
        reading.remark("fresh-adapter", zero, text);
    } else {
        reading.remark("zero-lora-b", zero, format!("{zero} of {count} `lora_B` are zero: nothing was trained there"));
    }
}

fn zeros_of(length: u64) -> FileDigest {
    let (mut hasher, block) = (FileHasher::new(), vec![0; 64 << 10]);
    let mut left = length;
    while left > 0 {
        let len = usize::try_from(left).unwrap_or(block.len()).min(block.len());
        hasher.update(&block[..len]);
        left -= len as u64;
    }
    hasher.finish()
}

/// What the trainer wrote of its own progress, held against the step in the folder's name.
pub(super) fn trainer_state(reading: &mut Reading, state: &[u8]) {
    let Some(object) = Value::parse(state).ok().and_then(|state| state.object().ok()) else { return };
    let count = |name: &str| object.count(name).ok().flatten();
    let (Some(step), planned) = (count("global_step"), count("max_steps")) else { return };
    reading.count("trainer.step", step);
    if let Some(tokens) = count("num_input_tokens_seen").filter(|tokens| *tokens > 0) {
        reading.count("trainer.tokens", tokens);
    }
    if let Some(epochs) = object.get("epoch").ok().flatten().filter(|epochs| epochs.kind() == Kind::Number) {
        reading.fact(TRAINER_EPOCHS, epochs.raw());
    }
    let history = object.get("log_history").ok().flatten();
    let has_loss =
        |entry: &Value<'_>| entry.object().is_ok_and(|entry| entry.get("loss").is_ok_and(|loss| loss.is_some()));
    let losses = history.map_or(0, |history| history.items().filter(has_loss).count());
    if losses > 0 {
        reading.count("trainer.losses", losses as u64);
    }
    if let Some(planned) = planned {
        reading.count("trainer.planned-steps", planned);
        let text = format!("the trainer stood at step {step} of {planned}: this is not the end of its run");
        reading.remark("not-final", u64::from(step < planned), text);
    }
    if let Some(named) = reading.counts.get("step").copied() {
        let text = format!("the folder is named for step {named}, and the trainer stood at step {step}");
        reading.remark("other-step", u64::from(named != step), text);
    }
}

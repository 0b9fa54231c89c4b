//! Adapters on disk, and how the lab records them: midtrained ones from nowhere, and aligned ones that go on from these.
//!
//! Honest by default. A test writes other numbers, other settings or other files before they are told, or afterwards.

use std::path::Path;
use std::rc::Rc;

use reproledger::capture::kind::{Artifact, Options};
use reproledger::merkle::EntryIndex;
use reproledger::statement::{Body, Kind};
use serde_json::json;

use super::study::{Study, Training};
use super::{Lab, write_file};

/// Rows of each half of an adapter, and its rank.
const ROWS: usize = 32;
const RANK: usize = 4;

/// Changes what is about to be recorded of weights.
pub(crate) type Lie = Rc<dyn Fn(&str, &mut Artifact)>;

/// The adapters of a study, each in the folder of its name.
pub(crate) struct Adapters {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) lie: Lie,
}

/// Numbers between -1 and 1 that follow from a seed alone.
pub(crate) fn numbers(seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut next = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        f32::from(u16::try_from(mixed >> 48).unwrap()) / 32_768.0 - 1.0
    };
    (0..2 * ROWS * RANK).map(|_| next()).collect()
}

/// The same numbers, a little further on their way.
pub(crate) fn trained(from: &[f32], seed: u64, by: f32) -> Vec<f32> {
    from.iter().zip(numbers(seed)).map(|(number, step)| number + by * step).collect()
}

/// The file of one adapter: the half that is random at first, and the half that is zero.
pub(crate) fn safetensors(numbers: &[f32]) -> Vec<u8> {
    let half = 4 * ROWS * RANK;
    let header = json!({
        "m.q_proj.lora_A.weight": {"dtype": "F32", "shape": [RANK, ROWS], "data_offsets": [0, half]},
        "m.q_proj.lora_B.weight": {"dtype": "F32", "shape": [ROWS, RANK], "data_offsets": [half, 2 * half]},
    })
    .to_string();
    let data: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
    [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &data].concat()
}

impl Adapters {
    pub(crate) fn honest() -> Self {
        let made = Self { folder: tempfile::tempdir().unwrap(), lie: Rc::new(|_, _| {}) };
        for seed in 0..4 {
            let midtrained = numbers(seed);
            made.adapter(&format!("midtrained {seed}"), &midtrained);
            made.adapter(&format!("w0{seed}"), &trained(&midtrained, 100 + seed, 0.1));
            made.adapter(&format!("w1{seed}"), &numbers(200 + seed));
        }
        made
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        write_file(&self.path().join(name), bytes);
    }

    /// An adapter with its configuration and what the trainer said at the end.
    pub(crate) fn adapter(&self, name: &str, numbers: &[f32]) {
        self.write(&format!("{name}/adapter_model.safetensors"), safetensors(numbers));
        self.configured(name, RANK as u64);
        self.stood(name, 60, 60);
    }

    /// The configuration of an adapter.
    pub(crate) fn configured(&self, name: &str, rank: u64) {
        let config = json!({"peft_type": "LORA", "r": rank, "lora_alpha": 8, "lora_dropout": 0.0,
            "target_modules": ["q_proj"], "base_model_name_or_path": "base"});
        self.write(&format!("{name}/adapter_config.json"), config.to_string());
    }

    /// Where the trainer stood.
    pub(crate) fn stood(&self, name: &str, step: u64, of: u64) {
        let history =
            [json!({"loss": 1.5, "step": 1}), json!({"loss": 1.25, "step": step}), json!({"train_loss": 1.3})];
        let state =
            json!({"global_step": step, "max_steps": of, "num_input_tokens_seen": 100 * step, "log_history": history});
        self.write(&format!("{name}/trainer_state.json"), state.to_string());
    }

    /// A study of these weights.
    pub(crate) fn study(self: &Rc<Self>) -> Study {
        let adapters = Rc::clone(self);
        Study { weigh: Rc::new(move |lab, training| adapters.say(lab, training)), ..Study::honest() }
    }

    /// Records the weights of a training step.
    pub(crate) fn say(&self, lab: &mut Lab, training: &Training<'_>) -> EntryIndex {
        let mut artifact = captured(&self.path().join(training.name), &Options::default());
        (self.lie)(training.name, &mut artifact);
        let mut payload = training.payload(lab);
        payload.subjects.push(artifact.subject);
        let body = Body { paths: vec![training.name.to_owned()], reading: artifact.reading, ..Body::default() };
        lab.seal(&mut payload, &body);
        lab.say(&payload)
    }
}

pub(crate) fn captured(path: &Path, options: &Options) -> Artifact {
    super::captured(Kind::Checkpoint, path, options)
}

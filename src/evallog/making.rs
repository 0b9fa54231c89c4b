//! How the samples of an Inspect log were made, as the log says it: how it was run, what was asked, what stands there twice.
//!
//! This is a reading: what a person and a check compare between arms. Completions are told apart by their whole digests.
//! Short ones are left out: many a right answer is one word.

use std::collections::{BTreeMap, BTreeSet};

use super::about::About;
use crate::artifact::samples::SampleId;
use crate::codec::Encoder;
use crate::digest::FileDigest;
use crate::statement::Reading;

/// Completions of fewer bytes may well be the same by chance.
pub(super) const LONG: usize = 100;

/// Prompts that are named one by one.
const MAX_NAMED: usize = 100;

/// Completions of each log that are written down to be found in another: those with the least digests.
const MAX_LEAST: usize = 32;

/// Longest sample id in the name of a fact.
const MAX_NAME: usize = 80;

/// What one sample shows of its making.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Texts {
    /// What was asked.
    pub(super) input: Option<FileDigest>,
    /// What was answered, where that is long.
    pub(super) completion: Option<FileDigest>,
}

/// What all samples show of their making.
#[derive(Debug, Default)]
pub(super) struct Making {
    prompts: BTreeMap<SampleId, BTreeSet<FileDigest>>,
    completions: Vec<FileDigest>,
}

impl Making {
    /// Adds one sample of a question.
    pub(super) fn add(&mut self, question: &SampleId, texts: Texts) {
        if let Some(input) = texts.input {
            self.prompts.entry(question.clone()).or_default().insert(input);
        }
        self.completions.extend(texts.completion);
    }

    /// The reading of a log that was run so.
    pub(super) fn finish(mut self, about: &About, reader: &str) -> Reading {
        let mut reading = Reading::by(reader);
        for (name, value) in about {
            reading.fact(name, value);
        }
        reading.count("prompts", self.prompts.len() as u64);
        reading.count("prompts.several", self.prompts.values().filter(|inputs| inputs.len() > 1).count() as u64);
        if self.prompts.len() <= MAX_NAMED {
            for (id, inputs) in &self.prompts {
                let id = match id {
                    SampleId::Int(id) => id.to_string(),
                    SampleId::Text(id) => id.chars().take(MAX_NAME).collect(),
                };
                reading.fact(&format!("prompt.{id}"), &digest_of(inputs.iter()));
            }
        }
        if !self.prompts.is_empty() {
            reading.fact("prompts", &digest_of(self.prompts.values().flatten()));
        }
        self.completions.sort_unstable();
        reading.count("completions.long", self.completions.len() as u64);
        let mut different = self.completions.clone();
        different.dedup();
        reading.count("completions.repeated", (self.completions.len() - different.len()) as u64);
        if !self.completions.is_empty() {
            reading.fact("completions", &digest_of(self.completions.iter()));
        }
        for (number, completion) in different.iter().take(MAX_LEAST).enumerate() {
            reading.fact(&format!("completion.{number:02}"), &completion.to_string());
        }
        reading
    }
}

fn digest_of<'d>(digests: impl Iterator<Item = &'d FileDigest>) -> String {
    let digests: Vec<&FileDigest> = digests.collect();
    let bytes = Encoder::encode(|e| {
        e.array(digests.len());
        digests.iter().for_each(|digest| e.bytes(digest.as_bytes()));
    });
    FileDigest::of(&bytes).to_string()
}

//! The items of an evaluation as they are given: their texts, and what each is in its item.

use std::collections::{HashMap, HashSet};

use super::LEAST;
use super::words::each_word;
use crate::digest::{FileDigest, FileHasher};
use crate::evallog::{self, Role};

/// Words of all items together, each text once: some 200 bytes of memory for each.
pub const MAX_WORDS: usize = 2 << 20;

/// Items that are told apart.
const MAX_ITEMS: usize = 1 << 20;

/// Names of fields that are told apart; later ones share the last.
const MAX_FIELDS: usize = 1000;

/// Words of the longest name.
const MAX_NAME_WORDS: usize = 12;

/// The items are more than are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the items have more than {MAX_WORDS} words or {MAX_ITEMS} items in all, which is more than are looked for")]
pub struct Full;

/// A text, once for all items that have it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    pub(super) start: usize,
    pub(super) len: usize,
}

/// One item: its label and its texts that are looked for.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) label: String,
    pub(super) parts: Vec<(u32, Role, u32)>,
}

/// Items so far; the same item given again counts once.
#[derive(Debug, Default)]
pub struct Items {
    pub(super) words: HashMap<Box<str>, u32>,
    pub(super) ids: Vec<u32>,
    pub(super) spans: Vec<Span>,
    pub(super) all: Vec<Item>,
    pub(super) fields: Vec<String>,
    by_text: HashMap<FileDigest, u32>,
    by_item: HashSet<FileDigest>,
    short: u64,
}

impl Items {
    /// Adds an item.
    pub fn add(&mut self, item: &evallog::Item) -> Result<(), Full> {
        let mut found = Vec::new();
        let mut all = FileHasher::new();
        let mut short = 0;
        for part in &item.texts {
            let (start, mut digest) = (self.ids.len(), FileHasher::new());
            each_word(&part.text, |word| {
                if self.ids.len() > MAX_WORDS || self.words.len() > MAX_WORDS {
                    return;
                }
                let next = u32::try_from(self.words.len() + 1).unwrap_or(u32::MAX);
                let id = self.words.get(word).copied().unwrap_or_else(|| {
                    self.words.insert(word.into(), next);
                    next
                });
                self.ids.push(id);
                digest.update(&id.to_be_bytes());
            });
            let (len, digest) = (self.ids.len() - start, digest.finish());
            if self.ids.len() > MAX_WORDS || self.words.len() > MAX_WORDS {
                self.ids.truncate(start);
                return Err(Full);
            }
            all.update(part.field.as_bytes());
            all.update(&[0]);
            all.update(digest.as_bytes());
            let is_looked_for = match part.role {
                Role::Name => (1..=MAX_NAME_WORDS).contains(&len),
                Role::Tested | Role::Around => len >= LEAST,
            };
            short += u64::from(!is_looked_for && len > 0);
            let known = self.by_text.get(&digest).copied();
            if known.is_some() || !is_looked_for {
                self.ids.truncate(start);
            }
            if !is_looked_for {
                continue;
            }
            let text = known.unwrap_or_else(|| {
                let text = u32::try_from(self.spans.len()).unwrap_or(u32::MAX);
                self.spans.push(Span { start, len });
                self.by_text.insert(digest, text);
                text
            });
            found.push((self.field(&part.field), part.role, text));
        }
        if !self.by_item.insert(all.finish()) {
            return Ok(());
        }
        if self.all.len() == MAX_ITEMS {
            return Err(Full);
        }
        self.short += short;
        self.all.push(Item { label: item.label.clone(), parts: found });
        Ok(())
    }

    fn field(&mut self, name: &str) -> u32 {
        let at = self.fields.iter().position(|field| field == name);
        let at = at.unwrap_or_else(|| {
            if self.fields.len() < MAX_FIELDS {
                self.fields.push(name.to_owned());
            }
            self.fields.len() - 1
        });
        u32::try_from(at).unwrap_or(u32::MAX)
    }

    /// Different items.
    pub fn count(&self) -> u64 {
        self.all.len() as u64
    }

    /// Different texts that are looked for.
    pub fn texts(&self) -> u64 {
        self.spans.len() as u64
    }

    /// Texts that are too short to be looked for.
    pub fn short(&self) -> u64 {
        self.short
    }
}

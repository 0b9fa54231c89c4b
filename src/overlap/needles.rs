//! The items, ready to be looked for in any number of corpora.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use super::grams::{self, Grams};
use super::items::{Item, Items, Span};
use super::scan::Scan;
use super::trie::Trie;
use super::{LEAST, RUN};
use crate::check::{Example, Shared};
use crate::evallog::Role;

/// Items that are named for one corpus.
const MAX_EXAMPLES: usize = 10;

/// Names that are reported for one corpus, those in most documents first.
const MAX_NAMES: usize = 20;

/// Longest label, field or name that is reported.
const MAX_SHOWN: usize = 120;

/// What is looked for.
#[derive(Debug)]
pub struct Needles {
    words: HashMap<Box<str>, u32>,
    pub(super) ids: Vec<u32>,
    pub(super) spans: Vec<Span>,
    pub(super) items: Vec<Item>,
    fields: Vec<String>,
    /// A random number for each word, from which windows are hashed.
    pub(super) values: Vec<u64>,
    pub(super) least: Grams,
    pub(super) run: Grams,
    pub(super) whole: Trie,
    /// Texts that a name is looked for by.
    names: Vec<bool>,
}

impl Needles {
    /// Takes the items.
    pub fn new(items: Items) -> Self {
        let Items { words, ids, spans, all: items, fields, .. } = items;
        let random = RandomState::new();
        let values: Vec<u64> =
            (0..=words.len() as u64).map(|id| if id == 0 { 0 } else { random.hash_one(id) }).collect();
        let least = Grams::new(LEAST, &ids, &spans, &values);
        let run = Grams::new(RUN, &ids, &spans, &values);
        let whole = Trie::new(&ids, &spans, words.len());
        let mut names = vec![false; spans.len()];
        for (_, role, text) in items.iter().flat_map(|item| &item.parts) {
            names[*text as usize] |= *role == Role::Name;
        }
        Self { words, ids, spans, items, fields, values, least, run, whole, names }
    }

    /// The number of a word; 0 for one that no item has.
    pub(super) fn id(&self, word: &str) -> u32 {
        self.words.get(word).copied().unwrap_or(0)
    }

    /// The text in which a word of the items stands.
    pub(super) fn text_at(&self, place: usize) -> u32 {
        let after = self.spans.partition_point(|span| span.start <= place);
        u32::try_from(after.saturating_sub(1)).unwrap_or(u32::MAX)
    }

    /// What a corpus shares with the items.
    pub fn shared(&self, scan: &Scan) -> Shared {
        let mut shared = Shared { documents: scan.documents, words: scan.words, ..Shared::default() };
        let mut best: Option<(u64, u64, &str)> = None;
        for item in &self.items {
            let found = self.item(item, scan);
            shared.whole += u64::from(found.tested.is_some());
            shared.whole_around += u64::from(found.tested.is_none() && found.around.is_some());
            shared.runs += u64::from(found.run.is_some());
            shared.half += u64::from(found.of > 0 && found.windows * 2 >= found.of);
            let is_more = |(windows, of, _): (u64, u64, &str)| {
                u128::from(found.windows) * u128::from(of) > u128::from(windows) * u128::from(found.of)
            };
            if found.windows > 0 && best.is_none_or(is_more) {
                best = Some((found.windows, found.of, &item.label));
            }
            let example = found.tested.or(found.around).or(found.run);
            if let Some((field, place, is_whole)) = example {
                let (item, field) = (cut(&item.label), cut(field));
                shared.examples.push(Example { item, field, place: place.to_owned(), is_whole });
                // Whole texts first, then in the items' order.
                shared.examples.sort_by_key(|example| !example.is_whole);
                shared.examples.truncate(MAX_EXAMPLES);
            }
        }
        shared.most = best.map(|(windows, of, label)| (windows, of, cut(label)));
        shared.names = self.names_in(scan);
        shared
    }

    fn item<'s>(&'s self, item: &Item, scan: &'s Scan) -> Found<'s> {
        let mut found = Found::default();
        for (field, role, text) in &item.parts {
            let field = self.fields.get(*field as usize).map_or("", String::as_str);
            let whole = scan.first.get(text).map(|place| (field, place.as_str(), true));
            match role {
                Role::Name => continue,
                Role::Tested => found.tested = found.tested.or(whole),
                Role::Around => found.around = found.around.or(whole),
            }
            let span = self.spans[*text as usize];
            let ids = &self.ids[span.start..span.start + span.len];
            // A window stands for all texts that have it: the place is where it was met for the first of them.
            if let Some(number) = ids.windows(RUN).find_map(|window| self.met(&self.run, &scan.runs, window)) {
                let place = scan.first_run.get(&self.text_at(self.run.start(number)));
                found.run = found.run.or(Some((field, place.map_or("", String::as_str), false)));
            }
            if *role == Role::Tested {
                let windows = ids.windows(LEAST);
                found.of += windows.len() as u64;
                found.windows += windows.filter_map(|window| self.met(&self.least, &scan.least, window)).count() as u64;
            }
        }
        found
    }

    /// The number of a window, where it was met.
    fn met(&self, grams: &Grams, met: &[u64], window: &[u32]) -> Option<u32> {
        let number = grams.find(grams::hash(window, &self.values), window, &self.ids)?;
        (met[number as usize / 64] & (1 << (number % 64)) != 0).then_some(number)
    }

    fn names_in(&self, scan: &Scan) -> Vec<(String, u64)> {
        let by_id: HashMap<u32, &str> = self.words.iter().map(|(word, id)| (*id, &**word)).collect();
        let found = (0..).zip(&self.names).filter(|(text, is_name)| **is_name && scan.counts[*text as usize] > 0);
        let name = |(text, _): (u32, _)| {
            let span = self.spans[text as usize];
            let words = self.ids[span.start..span.start + span.len].iter().filter_map(|id| by_id.get(id).copied());
            (cut(&words.collect::<Vec<_>>().join(" ")), scan.counts[text as usize])
        };
        let mut names: Vec<(String, u64)> = found.map(name).collect();
        names.sort_by(|left, right| right.1.cmp(&left.1).then_with(|| left.0.cmp(&right.0)));
        names.truncate(MAX_NAMES);
        names
    }
}

/// What was found of one item: the field, where, and whether whole.
#[derive(Default)]
struct Found<'s> {
    tested: Option<(&'s str, &'s str, bool)>,
    around: Option<(&'s str, &'s str, bool)>,
    run: Option<(&'s str, &'s str, bool)>,
    windows: u64,
    of: u64,
}

fn cut(text: &str) -> String {
    text.chars().take(MAX_SHOWN).collect()
}

//! A corpus going by: which windows and texts of the items were met, and where first.

use std::collections::BTreeMap;

use super::needles::Needles;
use super::trie::ROOT;
use super::words::each_word;
use super::{LEAST, RUN, grams};

/// Words that are remembered: a power of two that no window is longer than.
const RECENT: usize = 16;

/// What was met. Those of several threads add up to the same, in whatever order.
#[derive(Debug)]
pub struct Scan {
    pub(super) documents: u64,
    pub(super) words: u64,
    /// One bit for each window of [`LEAST`] and of [`RUN`] words.
    pub(super) least: Vec<u64>,
    pub(super) runs: Vec<u64>,
    /// For each text, the documents in which it stands whole.
    pub(super) counts: Vec<u64>,
    /// The least place of each text that was met whole, and of a run of it.
    pub(super) first: BTreeMap<u32, String>,
    pub(super) first_run: BTreeMap<u32, String>,
    /// The document in which each text was met last, whole and by a run.
    last: Vec<[u64; 2]>,
    /// Documents of this thread.
    document: u64,
}

impl Scan {
    /// Nothing met.
    pub fn new(needles: &Needles) -> Self {
        let texts = needles.spans.len();
        Self {
            documents: 0,
            words: 0,
            least: vec![0; needles.least.len().div_ceil(64)],
            runs: vec![0; needles.run.len().div_ceil(64)],
            counts: vec![0; texts],
            first: BTreeMap::new(),
            first_run: BTreeMap::new(),
            last: vec![[0; 2]; texts],
            document: 0,
        }
    }

    /// Documents that were begun.
    pub fn documents(&self) -> u64 {
        self.documents
    }

    /// Begins a document; its texts follow. No window goes from one text into the next.
    pub fn begin(&mut self) {
        self.documents += 1;
        self.document += 1;
    }

    /// Looks at a text of the document that is at `place`.
    pub fn text(&mut self, needles: &Needles, text: &str, place: &dyn Fn() -> String) {
        let mut recent = [0_u32; RECENT];
        let (mut count, mut known, mut hash, mut state) = (0_usize, 0_usize, 0_u64, ROOT);
        let drop = (0..LEAST).fold(1_u64, |power, _| power.wrapping_mul(grams::STEP));
        each_word(text, |word| {
            let id = needles.id(word);
            let out = recent[count.wrapping_sub(LEAST) % RECENT];
            let value = |id: u32| needles.values.get(id as usize).copied().unwrap_or(0);
            hash = hash.wrapping_mul(grams::STEP).wrapping_sub(value(out).wrapping_mul(drop)).wrapping_add(value(id));
            recent[count % RECENT] = id;
            count += 1;
            known = if id == 0 { 0 } else { known + 1 };
            if known == 0 {
                state = ROOT;
                return;
            }
            state = needles.whole.step(state, id);
            if state != ROOT {
                self.whole(needles, state, place);
            }
            if known >= LEAST && needles.least.may_have(hash) {
                self.window(needles, hash, (&recent, count, known), place);
            }
        });
        self.words += count as u64;
    }

    fn whole(&mut self, needles: &Needles, state: u32, place: &dyn Fn() -> String) {
        for text in needles.whole.ends(state) {
            let at = text as usize;
            // What ends in a text ended where the text was met before in this document.
            if self.last[at][0] == self.document {
                return;
            }
            self.last[at][0] = self.document;
            self.counts[at] += 1;
            note(&mut self.first, text, place());
        }
    }

    fn window(
        &mut self,
        needles: &Needles,
        hash: u64,
        (recent, count, known): (&[u32; RECENT], usize, usize),
        place: &dyn Fn() -> String,
    ) {
        let mut held = [0_u32; RUN];
        for (slot, id) in held.iter_mut().rev().enumerate() {
            *id = recent[count.wrapping_sub(slot + 1) % RECENT];
        }
        let Some(number) = needles.least.find(hash, &held[RUN - LEAST..], &needles.ids) else { return };
        self.least[number as usize / 64] |= 1 << (number % 64);
        if known < RUN {
            return;
        }
        let hash = grams::hash(&held, &needles.values);
        let Some(number) = needles.run.find(hash, &held, &needles.ids) else { return };
        self.runs[number as usize / 64] |= 1 << (number % 64);
        let text = needles.text_at(needles.run.start(number));
        let last = &mut self.last[text as usize][1];
        if *last != self.document {
            *last = self.document;
            note(&mut self.first_run, text, place());
        }
    }

    /// Adds what another thread met.
    pub fn merge(&mut self, other: Self) {
        self.documents += other.documents;
        self.words += other.words;
        for (own, its) in [(&mut self.least, other.least), (&mut self.runs, other.runs)] {
            own.iter_mut().zip(its).for_each(|(own, its)| *own |= its);
        }
        self.counts.iter_mut().zip(other.counts).for_each(|(own, its)| *own += its);
        for (own, its) in [(&mut self.first, other.first), (&mut self.first_run, other.first_run)] {
            its.into_iter().for_each(|(text, place)| note(own, text, place));
        }
    }
}

/// Keeps the least place, whichever thread came first.
fn note(places: &mut BTreeMap<u32, String>, text: u32, place: String) {
    match places.get_mut(&text) {
        Some(own) if *own <= place => {}
        Some(own) => *own = place,
        None => drop(places.insert(text, place)),
    }
}

//! Whole texts as paths of words, all looked for at once (Aho and Corasick 1975): time is that of the words that go by.

use std::collections::HashMap;

use super::items::Span;

/// The state in which nothing has been seen.
pub(super) const ROOT: u32 = 0;

/// No text ends here.
const NONE: u32 = u32::MAX;

/// One state: the beginning of some texts that was just seen.
#[derive(Debug, Clone, Copy)]
struct State {
    /// The longest other beginning that was just seen, too.
    fallback: u32,
    /// The text that ends here.
    ends: u32,
    /// The nearest state by way of fallbacks in which a text ends.
    shorter: u32,
}

/// All texts.
#[derive(Debug)]
pub(super) struct Trie {
    states: Vec<State>,
    /// For each word, the state after it alone: most words of a corpus begin nothing.
    first: Vec<u32>,
    next: HashMap<(u32, u32), u32>,
}

impl Trie {
    /// Of texts of words with numbers up to `words`.
    pub(super) fn new(ids: &[u32], spans: &[Span], words: usize) -> Self {
        let empty = State { fallback: ROOT, ends: NONE, shorter: ROOT };
        let mut trie = Self { states: vec![empty], first: vec![ROOT; words + 1], next: HashMap::new() };
        // How each state was reached: its depth, the state before, the word.
        let mut reached: Vec<(u32, u32, u32)> = vec![(0, ROOT, 0)];
        for (number, span) in (0..).zip(spans) {
            let mut state = ROOT;
            for (depth, id) in (1..).zip(&ids[span.start..span.start + span.len]) {
                state = trie.next(state, *id).unwrap_or_else(|| {
                    let new = u32::try_from(trie.states.len()).unwrap_or(NONE);
                    trie.states.push(empty);
                    reached.push((depth, state, *id));
                    if state == ROOT {
                        trie.first[*id as usize] = new;
                    } else {
                        trie.next.insert((state, *id), new);
                    }
                    new
                });
            }
            trie.states[state as usize].ends = number;
        }
        // In the order of depth: a fallback is that of the state before, one word on.
        let mut order: Vec<u32> = (0..).take(reached.len()).collect();
        order.sort_by_key(|state| reached[*state as usize].0);
        for state in order {
            let (depth, before, id) = reached[state as usize];
            if depth > 1 {
                let fallback = trie.step(trie.states[before as usize].fallback, id);
                let at = trie.states[fallback as usize];
                trie.states[state as usize].fallback = fallback;
                trie.states[state as usize].shorter = if at.ends == NONE { at.shorter } else { fallback };
            }
        }
        trie
    }

    fn next(&self, state: u32, id: u32) -> Option<u32> {
        if state == ROOT {
            return self.first.get(id as usize).copied().filter(|next| *next != ROOT);
        }
        self.next.get(&(state, id)).copied()
    }

    /// The state after one more word.
    pub(super) fn step(&self, mut state: u32, id: u32) -> u32 {
        loop {
            match self.next(state, id) {
                Some(next) => return next,
                None if state == ROOT => return ROOT,
                None => state = self.states[state as usize].fallback,
            }
        }
    }

    /// Texts that end in the state, the longest first.
    pub(super) fn ends(&self, state: u32) -> impl Iterator<Item = u32> + '_ {
        let at = self.states[state as usize];
        let begin = if at.ends == NONE { at.shorter } else { state };
        let after = |state: &u32| Some(self.states[*state as usize].shorter).filter(|next| *next != ROOT);
        std::iter::successors(Some(begin).filter(|begin| *begin != ROOT), after)
            .map(|state| self.states[state as usize].ends)
    }
}

//! Do texts of an evaluation stand in a corpus: whole, in runs of words, or by name?
//!
//! Everything is compared as words (`words`): case, punctuation, line ends and accents do not hide a text. Three answers
//! are given for each item. *Whole*: all words of one of its texts stand there in a row. *A run*: thirteen consecutive
//! words of it do, the most that GPT-3's authors asked for before they called an item dirty (Brown et al. 2020, appendix C;
//! lm-evaluation-harness decontaminates by the same number). *A share*: how many of its windows of eight words do, the least
//! they found to be no chance. A text of fewer than eight words is not looked for and is counted as such; names that a suite
//! gives are looked for at any length, and decide nothing.
//!
//! Source: <https://arxiv.org/abs/2005.14165> appendix C, <https://github.com/EleutherAI/lm-evaluation-harness>
//! `lm_eval/decontamination`
//!
//! Rolling hashes only choose where to look; each hit is compared word by word. A corpus goes by one text at a time and
//! nothing of it is kept, so memory is that of the items: at most [`MAX_WORDS`] words of them.

mod grams;
mod items;
mod levels;
mod needles;
mod scan;
mod trie;
mod words;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests;

pub use items::{Full, Items, MAX_WORDS};
pub use levels::Levels;
pub use needles::Needles;
pub use scan::Scan;

pub use crate::check::{OVERLAP_LEAST as LEAST, OVERLAP_RUN as RUN};

//! What differs between two texts, line by line and, in a line that was changed, word by word.
//!
//! A change is shown with the lines around it. Where one block of lines replaces another, their lines are compared in
//! pairs. Texts of too many lines are only said to differ: comparing them could take minutes.

use serde::Serialize;
use similar::{Algorithm, ChangeTag, DiffOp, TextDiff, capture_diff_slices};

/// Lines of a text that is compared; a spec has some thousand. Two texts without a common line cost the product of both.
pub const MAX_LINES: usize = 20_000;

/// Words of a line that is compared word by word.
const MAX_WORDS: usize = 5_000;

/// Lines shown around a change.
const AROUND: usize = 3;

/// What became of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// It stands in both.
    Same,
    /// It stands in the old text alone.
    Removed,
    /// It stands in the new text alone.
    Added,
}

/// A part of a changed line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Words {
    /// What became of it.
    pub change: Change,
    /// The part, white space included.
    pub text: String,
}

/// A line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// What became of it.
    pub change: Change,
    /// Its text with its end, where it has one.
    pub text: String,
    /// For a line added in place of another: both together, word by word.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<Words>,
}

/// Changes that stand together. Lines are counted from 1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Hunk {
    /// First line in the old text.
    pub old_start: usize,
    /// Lines of the old text.
    pub old_lines: usize,
    /// First line in the new text.
    pub new_start: usize,
    /// Lines of the new text.
    pub new_lines: usize,
    /// The lines.
    pub lines: Vec<Line>,
}

/// What differs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Lines added.
    pub added: u64,
    /// Lines removed.
    pub removed: u64,
    /// The changes.
    pub hunks: Vec<Hunk>,
}

/// Compares two texts; nothing where one has more than [`MAX_LINES`] lines.
pub fn compare(old: &str, new: &str) -> Option<Difference> {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.split_inclusive('\n').collect(), new.split_inclusive('\n').collect());
    if old.len() > MAX_LINES || new.len() > MAX_LINES {
        return None;
    }
    let mut difference = Difference::default();
    let ops = capture_diff_slices(Algorithm::Myers, &old, &new);
    for group in similar::group_diff_ops(ops, AROUND) {
        let Some(first) = group.first() else { continue };
        let mut lines = Vec::new();
        for op in &group {
            lines.extend(lines_of(op, &old, &new));
        }
        difference.added += lines.iter().filter(|line| line.change == Change::Added).count() as u64;
        difference.removed += lines.iter().filter(|line| line.change == Change::Removed).count() as u64;
        let (old_start, new_start) = (first.old_range().start, first.new_range().start);
        // The last operation of a group may be an insertion that says it stands further up.
        let end =
            |range: fn(&DiffOp) -> std::ops::Range<usize>| group.iter().map(|op| range(op).end).max().unwrap_or(0);
        difference.hunks.push(Hunk {
            old_start: old_start + 1,
            old_lines: end(DiffOp::old_range) - old_start,
            new_start: new_start + 1,
            new_lines: end(DiffOp::new_range) - new_start,
            lines,
        });
    }
    Some(difference)
}

fn lines_of(op: &DiffOp, old: &[&str], new: &[&str]) -> Vec<Line> {
    let plain = |change, text: &&str| Line { change, text: (*text).to_owned(), words: Vec::new() };
    let (removed, added) = (&old[op.old_range()], &new[op.new_range()]);
    if matches!(op, DiffOp::Equal { .. }) {
        return removed.iter().map(|text| plain(Change::Same, text)).collect();
    }
    let mut lines: Vec<Line> = removed.iter().map(|text| plain(Change::Removed, text)).collect();
    lines.extend(added.iter().enumerate().map(|(at, text)| {
        let words = removed.get(at).map(|before| words_of(before, text)).unwrap_or_default();
        Line { words, ..plain(Change::Added, text) }
    }));
    lines
}

fn words_of(old: &str, new: &str) -> Vec<Words> {
    let words = |text: &str| text.split_whitespace().take(MAX_WORDS + 1).count();
    if words(old) > MAX_WORDS || words(new) > MAX_WORDS {
        return Vec::new();
    }
    let mut parts: Vec<Words> = Vec::new();
    for change in TextDiff::from_words(old, new).iter_all_changes() {
        let tag = match change.tag() {
            ChangeTag::Equal => Change::Same,
            ChangeTag::Delete => Change::Removed,
            ChangeTag::Insert => Change::Added,
        };
        match parts.last_mut() {
            Some(last) if last.change == tag => last.text.push_str(change.value()),
            _ => parts.push(Words { change: tag, text: change.value().to_owned() }),
        }
    }
    parts
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::format_collect, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_word_changed_in_one_line_is_shown_as_exactly_that() {
        let old: String = (0..20).map(|line| format!("line {line} stays\n")).collect();
        let new = old.replace("line 7 stays", "line 7 goes");
        let difference = compare(&old, &new).unwrap();
        assert_eq!((difference.added, difference.removed, difference.hunks.len()), (1, 1, 1));
        let hunk = &difference.hunks[0];
        assert_eq!((hunk.old_start, hunk.old_lines, hunk.new_start, hunk.new_lines), (5, 7, 5, 7));
        let words: Vec<_> = hunk.lines[4].words.iter().map(|part| (part.change, part.text.as_str())).collect();
        let expected =
            [(Change::Same, "line 7 "), (Change::Removed, "stays"), (Change::Added, "goes"), (Change::Same, "\n")];
        assert_eq!(words, expected);
    }

    #[test]
    fn a_hunk_reaches_to_the_last_line_that_was_removed() {
        let old = format!("{}a\n\n\n\n\na\n{}ab\n", "\n".repeat(12), "\n".repeat(6));
        let hunks = compare(&old, "ab\nab\n").unwrap().hunks;
        let last = hunks.last().unwrap();
        assert_eq!(last.old_start - 1 + last.old_lines, old.lines().count());
    }

    #[test]
    fn equal_texts_and_texts_too_long_have_no_hunks() {
        assert_eq!(compare("a\nb", "a\nb"), Some(Difference::default()));
        assert_eq!(compare(&"a\n".repeat(MAX_LINES + 1), ""), None);
        // A line end alone is a difference.
        assert_eq!(compare("a", "a\n").unwrap().added, 1);
    }

    proptest! {
        #[test]
        fn the_hunks_turn_the_old_text_into_the_new(
            old in proptest::collection::vec("[ab]{0,2}", 0..30), new in proptest::collection::vec("[ab]{0,2}", 0..30)
        ) {
            let (old, new) = (old.join("\n"), new.join("\n"));
            let difference = compare(&old, &new).unwrap();
            let lines: Vec<&str> = old.split_inclusive('\n').collect();
            let (mut made, mut at) = (String::new(), 0);
            for hunk in &difference.hunks {
                let start = hunk.old_start - 1;
                made.extend(lines[at..start].iter().copied());
                at = start + hunk.old_lines;
                made.extend(hunk.lines.iter().filter(|line| line.change != Change::Removed).map(|line| line.text.as_str()));
            }
            made.extend(lines[at..].iter().copied());
            prop_assert_eq!(made, new);
        }
    }
}

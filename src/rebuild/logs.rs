//! Evaluation logs, recorded and made again: their samples side by side, and in which of them they differ.
//!
//! Both are read by the bounded readers that record logs. Where the recorded log is not at hand but the list of its
//! samples came with the record, that list stands in its place; it is as good as the word of whoever recorded it.

use std::cmp::Ordering;
use std::path::Path;

use crate::artifact::manifest::ManifestView;
use crate::artifact::samples::{SampleRecord, SampleView, Samples};
use crate::capture::log::read_log;
use crate::digest::{DigestKind, ManifestRoot};
use crate::evallog::ColumnMap;
use crate::rebuild::plan::Item;
use crate::rebuild::shelf::Shelf;

/// Samples that are named.
const EXAMPLES: usize = 5;

/// Scores of one sample that are named.
const SCORES: usize = 3;

/// Characters of a sample's key that are shown: its parts may have a thousand each.
const KEY: usize = 160;

/// Lists of samples that came with a record.
pub trait SampleLists {
    /// Shows the list with that root, which it was held to, where it is at hand.
    fn show(&self, root: ManifestRoot, see: &mut dyn FnMut(&ManifestView<'_>));
}

/// The samples of one log, recorded and made again.
pub(super) struct Logs {
    /// In the order of their keys.
    pub(super) recorded: Vec<SampleRecord>,
    /// In the order of their keys.
    pub(super) made: Vec<SampleRecord>,
    /// True where the recorded ones are from the list that came with the record.
    pub(super) is_by_list: bool,
}

/// The map of columns that a log was recorded with, where it needed one and the record shows it.
pub(super) fn map_of(item: &Item, shelf: &Shelf<'_>) -> Option<ColumnMap> {
    let mut map = None;
    show(item, shelf, &mut |list| map = ColumnMap::of_projection(&list.header.projection));
    map
}

impl Logs {
    /// Reads both; `recorded` is where the recorded log is at hand.
    pub(super) fn open(item: &Item, recorded: Option<&Path>, made: &Path, shelf: &Shelf<'_>) -> Result<Self, String> {
        let map = map_of(item, shelf);
        let read = |path: &Path, which: &str| match read_log(&[path.to_owned()], map.as_ref()) {
            Ok(log) if log.samples.is_empty() => Err(format!("the {which} log has no samples")),
            Ok(log) => Ok(log.samples),
            Err(error) => Err(format!("the {which} log cannot be read: {}", chain(&error))),
        };
        let made = read(made, "made")?;
        if let Some(recorded) = recorded {
            return Ok(Self { recorded: read(recorded, "recorded")?, made, is_by_list: false });
        }
        let mut listed = None;
        show(item, shelf, &mut |list| {
            listed = Samples::read(list).ok().map(|samples| samples.records().map(SampleView::to_record).collect());
        });
        match listed {
            Some(recorded) => Ok(Self { recorded, made, is_by_list: true }),
            None => Err("neither the recorded log nor the list of its samples is at hand".to_owned()),
        }
    }

    /// In which samples they differ.
    pub(super) fn difference(&self) -> SampleDifference {
        let mut found = SampleDifference { recorded: self.recorded.len(), ..SampleDifference::default() };
        self.pairs(|pair| match pair {
            (Some(recorded), Some(made)) => found.compare(recorded, made),
            (Some(recorded), None) => {
                found.missing += 1;
                found.example(|| format!("sample {} was not made", key(recorded)));
            }
            (None, Some(made)) => {
                found.extra += 1;
                found.example(|| format!("sample {} is not recorded", key(made)));
            }
            (None, None) => {}
        });
        found
    }

    /// Each sample with its other, where it has one, in the order of their keys.
    pub(super) fn pairs<'s>(&'s self, mut see: impl FnMut((Option<&'s SampleRecord>, Option<&'s SampleRecord>))) {
        let (mut left, mut right) = (self.recorded.iter().peekable(), self.made.iter().peekable());
        loop {
            let order = match (left.peek(), right.peek()) {
                (None, None) => return,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(recorded), Some(made)) => recorded.key.cmp(&made.key),
            };
            let recorded = left.next_if(|_| order != Ordering::Greater);
            let made = right.next_if(|_| order != Ordering::Less);
            see((recorded, made));
        }
    }
}

fn show(item: &Item, shelf: &Shelf<'_>, see: &mut dyn FnMut(&ManifestView<'_>)) {
    if let (Some(lists), Some(digest)) = (shelf.lists(), item.subject.digest(DigestKind::Samples)) {
        lists.show(ManifestRoot::from_bytes(digest.bytes), see);
    }
}

/// An error with its causes: where in a log it lies is in them.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.take(4).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

fn key(sample: &SampleRecord) -> String {
    let whole = sample.key.to_string();
    let shown: String = whole.chars().take(KEY).collect();
    if shown.len() < whole.len() { format!("{shown}…") } else { whole }
}

/// In which samples two logs differ.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct SampleDifference {
    /// Samples that are recorded.
    recorded: usize,
    /// Recorded ones that were not made.
    missing: usize,
    /// Made ones that are not recorded.
    extra: usize,
    /// Of both, with another score or status.
    scored: usize,
    /// Of both, with the same scores and status and other details: what was asked, answered or noted.
    details: usize,
    examples: Vec<String>,
}

impl SampleDifference {
    fn compare(&mut self, recorded: &SampleRecord, made: &SampleRecord) {
        let parts = parts(recorded, made);
        if parts.is_empty() {
            self.details += usize::from(recorded.details != made.details);
            return;
        }
        self.scored += 1;
        self.example(|| format!("sample {}: {}", key(recorded), parts.join(", ")));
    }

    fn example(&mut self, say: impl FnOnce() -> String) {
        if self.examples.len() < EXAMPLES {
            self.examples.push(say());
        }
    }

    /// True where the same samples were made, whatever they scored.
    pub(super) fn is_of_the_same_samples(&self) -> bool {
        self.missing == 0 && self.extra == 0
    }

    /// A line with the counts, then the first that differ.
    pub(super) fn lines(&self) -> Vec<String> {
        let counted = [
            (self.scored, "with another score or status"),
            (self.missing, "not made"),
            (self.extra, "not recorded"),
            (self.details, "with the recorded scores and other details (what was asked, answered or noted)"),
        ];
        let counted: Vec<_> = counted.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
        let all = self.recorded;
        if counted.is_empty() {
            return vec![format!("all {all} samples are the recorded ones: what differs stands beside them")];
        }
        let named = self.scored + self.missing + self.extra;
        let mut lines = vec![format!("of {all} recorded samples: {}", counted.join(", "))];
        lines.extend(self.examples.iter().cloned());
        if named > self.examples.len() {
            lines.push(format!("and {} more samples", named - self.examples.len()));
        }
        lines
    }
}

/// In what the scores and the status of a sample differ.
fn parts(recorded: &SampleRecord, made: &SampleRecord) -> Vec<String> {
    let mut parts = Vec::new();
    if recorded.status != made.status {
        parts.push(format!("status {} recorded, {} made", recorded.status.name(), made.status.name()));
    }
    let names = |sample: &SampleRecord| {
        let of = |(scorer, keys): (&String, &std::collections::BTreeMap<String, _>)| {
            keys.keys().map(|key| (scorer.clone(), key.clone())).collect::<Vec<_>>()
        };
        sample.scores.iter().flat_map(of).collect::<std::collections::BTreeSet<_>>()
    };
    let mut others = 0;
    for (scorer, key) in names(recorded).union(&names(made)) {
        let lexeme =
            |sample: &SampleRecord| sample.score(scorer, key).map_or("none", |score| score.lexeme()).to_owned();
        let (before, after) = (lexeme(recorded), lexeme(made));
        if before == after {
            continue;
        }
        if parts.len() > SCORES {
            others += 1;
            continue;
        }
        let dot = if key.is_empty() { "" } else { "." };
        parts.push(format!("{scorer}{dot}{key} {before} recorded, {after} made"));
    }
    if others > 0 {
        parts.push(format!("{others} more scores"));
    }
    parts
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
pub(super) mod tests {
    use crate::artifact::samples::{DetailsDigest, SampleId, SampleKey, SampleStatus, Score};

    use super::*;

    pub(in crate::rebuild) fn sample(id: i64, epoch: u64, score: &str) -> SampleRecord {
        let status = if score == "NaN" { SampleStatus::Unscored } else { SampleStatus::Scored };
        let keys = [(String::new(), Score::of_token(score).unwrap())].into();
        let scores = [("match".to_owned(), keys)].into();
        let details = DetailsDigest::from_bytes([1; 32]);
        SampleRecord { key: SampleKey::new(SampleId::Int(id), epoch), status, scores, details }
    }

    pub(in crate::rebuild) fn logs(recorded: Vec<SampleRecord>, made: Vec<SampleRecord>) -> Logs {
        let sorted = |mut all: Vec<SampleRecord>| {
            all.sort_by_cached_key(|sample| sample.key.to_bytes());
            all
        };
        Logs { recorded: sorted(recorded), made: sorted(made), is_by_list: false }
    }

    #[test]
    fn the_first_samples_that_differ_are_named_with_their_scores_before_and_after() {
        let mut text = sample(4, 1, "1");
        text.details = DetailsDigest::from_bytes([2; 32]);
        let recorded = vec![sample(1, 1, "1"), sample(1, 2, "0"), sample(2, 1, "1"), sample(4, 1, "1")];
        let made = vec![sample(1, 1, "0"), sample(1, 2, "0"), sample(3, 1, "NaN"), text];
        let lines = logs(recorded, made).difference().lines();
        assert_eq!(
            lines,
            [
                "of 4 recorded samples: 1 with another score or status, 1 not made, 1 not recorded, 1 with the recorded \
                 scores and other details (what was asked, answered or noted)",
                "sample (1, epoch 1): match 1 recorded, 0 made",
                "sample (2, epoch 1) was not made",
                "sample (3, epoch 1) is not recorded",
            ]
        );
    }

    #[test]
    fn what_differs_without_bound_is_shown_with_one() {
        let recorded: Vec<_> = (0..100).map(|id| sample(id, 1, "1")).collect();
        let mut made: Vec<_> = (0..100).map(|id| sample(id, 1, "0")).collect();
        let many = (0..50).map(|at| (format!("s{at}"), [(String::new(), Score::of_token("1").unwrap())].into()));
        made[0].scores.extend(many);
        made[0].status = SampleStatus::Error;
        let lines = logs(recorded.clone(), made).difference().lines();
        assert_eq!((lines.len(), lines.last().unwrap().as_str()), (EXAMPLES + 2, "and 95 more samples"));
        assert!(lines[1].contains("status scored recorded, error made, match 1 recorded, 0 made"), "{}", lines[1]);
        assert!(
            lines[1].ends_with("s0 none recorded, 1 made, s1 none recorded, 1 made, 48 more scores"),
            "{}",
            lines[1]
        );
        let mut long = recorded[0].clone();
        long.key.condition = Some("\u{1b}".repeat(1000));
        let lines = logs(vec![long], recorded[..1].to_vec()).difference().lines();
        let longest = lines.iter().map(|line| line.chars().count()).max().unwrap();
        assert!(longest < 200 && lines.iter().all(|line| !line.contains('\u{1b}')), "{lines:?}");
    }

    #[test]
    fn logs_with_the_same_samples_differ_beside_them() {
        let both = vec![sample(1, 1, "1"), sample(2, 1, "0.50")];
        let found = logs(both.clone(), both).difference();
        assert!(found.is_of_the_same_samples());
        assert_eq!(found.lines(), ["all 2 samples are the recorded ones: what differs stands beside them"]);
        // A score written in other words is another score.
        let found = logs(vec![sample(1, 1, "0.5")], vec![sample(1, 1, "0.50")]).difference().lines();
        assert_eq!(found[1], "sample (1, epoch 1): match 0.5 recorded, 0.50 made");
    }
}

//! Which order the shards of a dataset have, and whether one is missing.

use std::collections::{BTreeMap, BTreeSet};

/// Sorts paths by their components, as folders list: `a/b` stands before `a-b/c`.
pub fn order(paths: &mut [String]) {
    paths.sort_by(|left, right| left.split('/').cmp(right.split('/')));
}

/// Missing shards of series named `…-00002-of-00005…`, by the name each would have; the first of each series.
pub fn series(paths: &[String]) -> Result<(), Missing> {
    let mut found: BTreeMap<(&str, u64, &str), BTreeSet<u64>> = BTreeMap::new();
    for path in paths {
        if let Some((stem, index, count, ending)) = parse(path) {
            found.entry((stem, count, ending)).or_default().insert(index);
        }
    }
    for ((stem, count, ending), indexes) in found {
        // Most count from 0; a series that counts from 1 has a shard of the number of all.
        let first = u64::from(indexes.contains(&count) && !indexes.contains(&0));
        let last = first + count.saturating_sub(1);
        if let Some(beyond) = indexes.iter().find(|index| **index > last) {
            return Err(Missing { name: format!("{stem}-{beyond:05}-of-{count:05}{ending}"), beyond: true });
        }
        if let Some(index) = (first..=last).find(|index| !indexes.contains(index)) {
            return Err(Missing { name: format!("{stem}-{index:05}-of-{count:05}{ending}"), beyond: false });
        }
    }
    Ok(())
}

/// A shard that a series should or should not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} of its series", if *.beyond { format!("`{}` counts beyond the end", .name.escape_debug()) } else { format!("`{}` is missing", .name.escape_debug()) })]
pub struct Missing {
    /// Its name.
    pub name: String,
    /// Whether it is one too many.
    pub beyond: bool,
}

/// `data/train-00002-of-00005.jsonl.gz` is `data/train`, 2, 5, `.jsonl.gz`.
fn parse(path: &str) -> Option<(&str, u64, u64, &str)> {
    let (before, after) = path.rsplit_once("-of-")?;
    let end = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
    let (count, ending) = after.split_at(end);
    let (stem, index) = before.rsplit_once('-')?;
    let number = |text: &str| text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()));
    Some((stem, number(index)?, number(count)?, ending))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned(paths: &[&str]) -> Vec<String> {
        paths.iter().map(|path| (*path).to_owned()).collect()
    }

    #[test]
    fn shards_stand_in_the_order_of_their_path_components() {
        let mut paths = owned(&["b", "a-b/c", "a/b", "train-00010-of-00011", "train-00002-of-00011"]);
        order(&mut paths);
        assert_eq!(paths, ["a/b", "a-b/c", "b", "train-00002-of-00011", "train-00010-of-00011"]);
    }

    #[test]
    fn a_gap_in_a_series_is_named() {
        let missing = |paths: &[&str]| series(&owned(paths)).err().map(|missing| missing.to_string());
        assert_eq!(missing(&["a-00000-of-00002.jsonl", "a-00001-of-00002.jsonl", "b.jsonl"]), None);
        assert_eq!(missing(&["a-1-of-2.jsonl", "a-2-of-2.jsonl", "x-of-y"]), None);
        let text = "`d/a-00001-of-00003.jsonl.gz` is missing of its series";
        let found = missing(&["d/a-00000-of-00003.jsonl.gz", "d/a-00002-of-00003.jsonl.gz"]);
        assert_eq!(found.as_deref(), Some(text));
        assert!(missing(&["a-00000-of-00001", "a-00001-of-00001"]).is_some_and(|text| text.contains("beyond")));
        // A count from outside costs nothing.
        assert!(missing(&["a-0-of-18446744073709551615"]).is_some());
    }
}

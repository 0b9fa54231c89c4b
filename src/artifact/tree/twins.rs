//! Names of a tree that some file systems take for one.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use unicode_normalization::UnicodeNormalization as _;

use super::TreeLeaf;

/// Two names in one folder that some file systems take for one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Twins {
    /// The path that sorts first.
    pub left: String,
    /// The other.
    pub right: String,
    /// True when they differ only in how their characters are composed (NFC, NFD) and not in case.
    pub only_composition: bool,
}

/// Pairs of files or folders that differ only in case or in Unicode composition: one of the two is lost on many file
/// systems.
///
/// Each pair is named once, at the outermost folder where it splits.
pub fn name_twins(leaves: &[TreeLeaf]) -> Vec<Twins> {
    // Of two twins one at least is no plain name, so only what folds like such a name is looked at: most trees have few.
    let mut folds: BTreeSet<(&str, Cow<'_, str>)> = BTreeSet::new();
    each_prefix(leaves, |_, folder, name| {
        if !is_plain(name) {
            folds.insert((folder, folded(name)));
        }
    });
    // Folder and folded name in it → the name first seen there.
    let mut seen: BTreeMap<(&str, Cow<'_, str>), &str> = BTreeMap::new();
    let mut twins = Vec::new();
    if folds.is_empty() {
        return twins;
    }
    each_prefix(leaves, |prefix, folder, name| {
        let place = (folder, folded(name));
        if !folds.contains(&place) {
            return;
        }
        let first = *seen.entry(place).or_insert(prefix);
        if first != prefix {
            let only_composition = first.nfd().eq(prefix.nfd());
            twins.push(Twins { left: first.to_owned(), right: prefix.to_owned(), only_composition });
        }
    });
    twins
}

/// Shows every folder and leaf, each folder once: its path, the path of its folder, its name.
fn each_prefix<'a>(leaves: &'a [TreeLeaf], mut see: impl FnMut(&'a str, &'a str, &'a str)) {
    let mut previous = "";
    for leaf in leaves {
        for prefix in leaf.path.folders().chain([leaf.path.as_str()]) {
            if previous.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('/')) {
                continue;
            }
            let (folder, name) = prefix.rsplit_once('/').unwrap_or(("", prefix));
            see(prefix, folder, name);
        }
        previous = leaf.path.as_str();
    }
}

/// A name that is its own fold.
fn is_plain(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase())
}

/// What a file system that knows neither case nor composition makes of a name. Lowercasing can compose and decompose
/// (`İ` becomes two characters), hence both sides of it.
fn folded(name: &str) -> Cow<'_, str> {
    if is_plain(name) {
        return Cow::Borrowed(name);
    }
    if name.is_ascii() {
        return Cow::Owned(name.to_ascii_lowercase());
    }
    Cow::Owned(name.nfd().collect::<String>().to_lowercase().nfd().collect())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::artifact::tree::{FileMode, TreeNode, TreePath};
    use crate::digest::FileDigest;

    fn file(text: &str) -> TreeLeaf {
        let digest = FileDigest::of(text.as_bytes());
        let node = TreeNode::File { mode: FileMode::Plain, size: 3, digest };
        TreeLeaf { path: TreePath::parse(text).unwrap(), node }
    }

    #[test]
    fn names_that_differ_only_in_case_are_found_at_the_folder_where_they_split() {
        let twins = |paths: &[&str]| -> Vec<(String, String)> {
            let found = name_twins(&paths.iter().map(|text| file(text)).collect::<Vec<_>>());
            assert!(found.iter().all(|twins| !twins.only_composition));
            found.into_iter().map(|twins| (twins.left, twins.right)).collect()
        };
        assert_eq!(twins(&["Model.bin", "model.bin"]), [("Model.bin".to_owned(), "model.bin".to_owned())]);
        assert_eq!(twins(&["A/x", "A/y", "a/x", "a/y"]), [("A".to_owned(), "a".to_owned())]);
        assert_eq!(twins(&["É", "é"]).len(), 1);
        assert_eq!(twins(&["a/x", "a/y", "b/x", "xa"]), []);
    }

    #[test]
    fn names_that_differ_only_in_composition_are_twins_too() {
        let twins = |paths: &[&str]| name_twins(&paths.iter().map(|text| file(text)).collect::<Vec<_>>());
        let (nfc, nfd) = ("caf\u{e9}", "cafe\u{301}");
        let found = twins(&[nfd, nfc]);
        assert_eq!((found.len(), found[0].only_composition), (1, true));
        let found = twins(&["CAF\u{c9}", nfd]);
        assert_eq!((found.len(), found[0].only_composition), (1, false));
        assert_eq!(twins(&["cafe", nfc]), []);
        // Compatibility is not identity: a ligature is another name.
        assert_eq!(twins(&["ﬁ", "fi"]), []);
    }
}

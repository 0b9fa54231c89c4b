//! What lies in a folder, by length and by number of files: names alone, no link followed, nothing opened, and never more
//! of them than a bound.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;

use crate::capture::walk::{LEDGER_FOLDER, MAX_DEPTH};

/// Names that are looked at in one folder: more than any study has beside its evidence, and soon looked through where
/// evidence was put into somebody's home.
pub(super) const MAX_NAMES: usize = 200_000;

/// A folder's files and folders; paths are below it.
#[derive(Debug, Default)]
pub(super) struct Listing {
    by_length: BTreeMap<u64, Vec<String>>,
    by_count: BTreeMap<u64, Vec<String>>,
    /// Why not everything was looked at, where that is so.
    pub(super) trouble: Option<String>,
}

impl Listing {
    /// Lists a folder breadth first, names in order, so that the same folder is always cut at the same place.
    pub(super) fn of(folder: &Path, most: usize) -> Self {
        let mut listing = Self::default();
        let mut counts: BTreeMap<String, u64> = BTreeMap::from([(String::new(), 0)]);
        let mut open = VecDeque::from([(String::new(), 0)]);
        let mut seen = 0;
        'all: while let Some((below, depth)) = open.pop_front() {
            let entries = match std::fs::read_dir(folder.join(&below)) {
                Ok(entries) => entries,
                Err(error) => {
                    listing.trouble.get_or_insert(format!("`{}` cannot be looked through: {error}", shown(&below)));
                    continue;
                }
            };
            // A name that is not UTF-8 is in no record.
            let mut names: Vec<_> =
                entries.flatten().filter_map(|entry| Some((entry.file_name().into_string().ok()?, entry))).collect();
            names.sort_by(|one, other| one.0.cmp(&other.0));
            for (name, entry) in names {
                seen += 1;
                if seen > most {
                    listing.trouble = Some(format!("only the first {most} names in it were looked at"));
                    break 'all;
                }
                let path = if below.is_empty() { name } else { format!("{below}/{name}") };
                let Ok(metadata) = entry.metadata() else { continue };
                if metadata.is_dir() {
                    if path != LEDGER_FOLDER && depth < MAX_DEPTH {
                        counts.insert(path.clone(), 0);
                        open.push_back((path, depth + 1));
                    }
                    continue;
                }
                for (at, _) in path.match_indices('/') {
                    counts.entry(path[..at].to_owned()).and_modify(|count| *count += 1);
                }
                counts.entry(String::new()).and_modify(|count| *count += 1);
                if metadata.is_file() {
                    listing.by_length.entry(metadata.len()).or_default().push(path);
                }
            }
        }
        for (path, count) in counts {
            listing.by_count.entry(count).or_default().push(path);
        }
        listing
    }

    /// Files of that length.
    pub(super) fn files(&self, length: u64) -> &[String] {
        self.by_length.get(&length).map(Vec::as_slice).unwrap_or_default()
    }

    /// Folders with that many files and links in them.
    pub(super) fn folders(&self, count: u64) -> &[String] {
        self.by_count.get(&count).map(Vec::as_slice).unwrap_or_default()
    }
}

fn shown(below: &str) -> &str {
    if below.is_empty() { "." } else { below }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn files_are_listed_by_length_and_folders_by_what_is_in_them() {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in [("b.txt", "bb"), ("a/x.txt", "xx"), ("a/deep/y.txt", "yyy"), (".reproledger/log", "ll")] {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        std::os::unix::fs::symlink("/etc", folder.path().join("a/link")).unwrap();
        let listing = Listing::of(folder.path(), MAX_NAMES);
        assert_eq!(listing.files(2), ["b.txt", "a/x.txt"]);
        assert_eq!((listing.folders(3), listing.folders(1)), (&["a".to_owned()][..], &["a/deep".to_owned()][..]));
        assert_eq!((listing.folders(4), &listing.trouble), (&[String::new()][..], &None));
        assert_eq!(listing.files(9), [""; 0]);
    }

    #[test]
    fn a_folder_without_end_is_left_at_the_bound() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a", "b", "c"] {
            std::fs::write(folder.path().join(name), "x").unwrap();
        }
        let listing = Listing::of(folder.path(), 2);
        assert_eq!(listing.files(1), ["a", "b"]);
        assert_eq!(listing.trouble.unwrap(), "only the first 2 names in it were looked at");
    }
}

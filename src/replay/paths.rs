//! The order in which `sorted` puts paths: part by part, not as strings.
//!
//! `A/x/1.txt` stands before `A/x y.txt`, because `x` is less than `x y`; as strings the space would stand before the
//! slash. Parts compare by code point, which is the order of their UTF-8 bytes.
//!
//! Reference: <https://docs.python.org/3/library/pathlib.html#general-properties>

use std::cmp::Ordering;

/// Compares two relative POSIX paths as `pathlib` does.
pub fn compare(left: &str, right: &str) -> Ordering {
    left.split('/').cmp(right.split('/'))
}

/// The first part, where the path has more than one: what the pipeline calls the domain of a document.
pub fn first_folder(path: &str) -> Option<&str> {
    path.split_once('/').map(|(first, _)| first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_sort_before_what_follows_their_name() {
        let mut paths = ["A/x y.txt", "A B/x.txt", "A/x/1.txt", "A/x.txt", "A/x", "a", "A", "A/x-y.txt", "é/z", "B"];
        paths.sort_by(|left, right| compare(left, right));
        assert_eq!(paths, ["A", "A/x", "A/x/1.txt", "A/x y.txt", "A/x-y.txt", "A/x.txt", "A B/x.txt", "B", "a", "é/z"]);
    }

    #[test]
    fn a_file_at_the_root_is_in_no_folder() {
        assert_eq!((first_folder("a/b/c"), first_folder("a.txt")), (Some("a"), None));
    }
}

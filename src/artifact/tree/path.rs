//! Paths of a tree: exact UTF-8, refused where some reader could take them for another place.

use std::fmt;

use super::TreeError;

/// Longer paths cannot be opened by name on Linux (`PATH_MAX`).
pub const MAX_PATH_BYTES: usize = 4096;

/// Longer names exist on no common file system (`NAME_MAX`).
pub const MAX_COMPONENT_BYTES: usize = 255;

/// Why a text is not the path of a leaf.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum PathError {
    #[error("it is empty")]
    Empty,
    #[error("it is absolute, and paths in a tree are relative to its root")]
    Absolute,
    #[error("it ends with `/`, as no file does")]
    TrailingSlash,
    #[error("it has an empty component (`//`)")]
    EmptyComponent,
    #[error("it has the component `.`")]
    CurrentFolder,
    #[error("it has the component `..`, which leads out of the tree")]
    ParentFolder,
    #[error("it contains a backslash, which separates folders on other systems")]
    Backslash,
    #[error("it contains a NUL byte")]
    Nul,
    #[error("it contains the control or direction-changing character U+{0:04X}")]
    Control(u32),
    #[error("it has {found} bytes, the limit is {MAX_PATH_BYTES}")]
    TooLong { found: usize },
    #[error("one of its components has {found} bytes, the limit is {MAX_COMPONENT_BYTES}")]
    LongComponent { found: usize },
}

/// Where a leaf stands below the root of its tree: exact UTF-8, components separated by `/`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TreePath(String);

impl TreePath {
    /// Takes a text that every reader on every system understands as the same place inside the tree.
    pub fn parse(text: impl Into<String>) -> Result<Self, TreeError> {
        let path = text.into();
        match check_path(&path) {
            Ok(()) => Ok(Self(path)),
            Err(reason) => Err(TreeError::Path { path, reason }),
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Each folder that the path leads through, outermost first; not the path itself.
    pub(super) fn folders(&self) -> impl Iterator<Item = &str> {
        self.0.match_indices('/').map(|(at, _)| &self.0[..at])
    }
}

impl fmt::Display for TreePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for TreePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// True for characters that a terminal or a reader may act on instead of showing.
pub(super) fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn check_path(path: &str) -> Result<(), PathError> {
    let bytes = path.as_bytes();
    if bytes.len() > MAX_PATH_BYTES {
        return Err(PathError::TooLong { found: bytes.len() });
    }
    match bytes {
        [] => return Err(PathError::Empty),
        // `C:` at the start names a drive on Windows, and joining such a path to a root there drops the root.
        [b'/', ..] | [b'A'..=b'Z' | b'a'..=b'z', b':', ..] => return Err(PathError::Absolute),
        [.., b'/'] => return Err(PathError::TrailingSlash),
        _ => {}
    }
    for component in path.split('/') {
        match component {
            "" => return Err(PathError::EmptyComponent),
            "." => return Err(PathError::CurrentFolder),
            ".." => return Err(PathError::ParentFolder),
            _ if component.len() > MAX_COMPONENT_BYTES => {
                return Err(PathError::LongComponent { found: component.len() });
            }
            _ => {}
        }
    }
    match path.chars().find(|&c| c == '\\' || is_unprintable(c)) {
        None => Ok(()),
        Some('\\') => Err(PathError::Backslash),
        Some('\0') => Err(PathError::Nul),
        Some(c) => Err(PathError::Control(c.into())),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn path(text: &str) -> TreePath {
        TreePath::parse(text).unwrap()
    }

    fn reason(text: &str) -> PathError {
        match TreePath::parse(text) {
            Err(TreeError::Path { reason, .. }) => reason,
            other => panic!("{text:?}: {other:?}"),
        }
    }

    #[test]
    fn a_path_is_kept_as_it_is() {
        for text in ["a", "a/b", ".hidden", "..a/b..", "a b", "é", "e\u{301}", "CON", "~", "xx:y/z", "...", "a/.git/b"]
        {
            assert_eq!(path(text).as_str(), text);
        }
        assert_eq!(path(&"x".repeat(255)).as_str().len(), 255);
    }

    #[test]
    fn each_way_to_leave_the_tree_or_to_mislead_a_reader_has_its_own_refusal() {
        assert_eq!(reason(""), PathError::Empty);
        assert_eq!(reason("/a"), PathError::Absolute);
        assert_eq!(reason("C:a"), PathError::Absolute);
        assert_eq!(reason("c:/a"), PathError::Absolute);
        assert_eq!(reason("a/"), PathError::TrailingSlash);
        assert_eq!(reason("a//b"), PathError::EmptyComponent);
        assert_eq!(reason("./a"), PathError::CurrentFolder);
        assert_eq!(reason("a/."), PathError::CurrentFolder);
        assert_eq!(reason("a/../b"), PathError::ParentFolder);
        assert_eq!(reason(".."), PathError::ParentFolder);
        assert_eq!(reason("a\\b"), PathError::Backslash);
        assert_eq!(reason("a\0b"), PathError::Nul);
        assert_eq!(reason("a\nb"), PathError::Control(0x0a));
        assert_eq!(reason("a\u{7f}"), PathError::Control(0x7f));
        assert_eq!(reason("a\u{85}"), PathError::Control(0x85));
        assert_eq!(reason("a\u{202e}txt"), PathError::Control(0x202e));
        assert_eq!(reason(&"x".repeat(256)), PathError::LongComponent { found: 256 });
        assert_eq!(reason(&"x/".repeat(3000)), PathError::TooLong { found: 6000 });
    }

    #[test]
    fn a_refused_path_is_shown_escaped() {
        let error = TreePath::parse("a\u{1b}[2J").unwrap_err();
        let text = "the path `a\\u{1b}[2J` cannot stand in a tree: it contains the control or direction-changing \
                    character U+001B";
        assert_eq!(error.to_string(), text);
    }
}

//! Where in a fresh working folder a recorded path stands: below it, or nowhere.
//!
//! Recorded paths come from a body that somebody else wrote. Relative ones are taken as they are, absolute ones only
//! below the recorded working directory; what would leave the folder has no place, whatever it says.

use std::path::{Component, Path, PathBuf};

use crate::artifact::tree::TreePath;

/// Why a recorded path has no place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum PlaceError {
    #[error("its path is not shown")]
    NotShown,
    #[error("it was recorded from {found} paths")]
    Several { found: usize },
    #[error("its path `{}` lies outside of the folder the command ran in", path.escape_debug())]
    Outside { path: String },
    #[error("its path `{}` is no path that can be made again", path.escape_debug())]
    NoPath { path: String },
}

/// A path below a working folder; empty for the folder itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place(String);

impl Place {
    /// The one place that the recorded paths mean, for a command that ran in `directory`.
    pub fn of_all(paths: &[String], directory: &str) -> Result<Self, PlaceError> {
        match paths {
            [] => Err(PlaceError::NotShown),
            [path] => Self::of(path, directory),
            paths => Err(PlaceError::Several { found: paths.len() }),
        }
    }

    /// The place of a recorded path.
    pub fn of(path: &str, directory: &str) -> Result<Self, PlaceError> {
        let outside = || PlaceError::Outside { path: path.to_owned() };
        let given = Path::new(path);
        let below = if given.is_absolute() { given.strip_prefix(directory).map_err(|_| outside())? } else { given };
        let mut parts = Vec::new();
        for component in below.components() {
            match component {
                Component::Normal(part) => parts.extend(part.to_str()),
                Component::CurDir => {}
                _ => return Err(outside()),
            }
        }
        let joined = parts.join("/");
        if path.is_empty() || (!joined.is_empty() && TreePath::parse(joined.as_str()).is_err()) {
            return Err(PlaceError::NoPath { path: path.to_owned() });
        }
        Ok(Self(joined))
    }

    /// The path below the folder.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The path on disk, below `folder`.
    pub fn below(&self, folder: &Path) -> PathBuf {
        if self.0.is_empty() { folder.to_owned() } else { folder.join(&self.0) }
    }

    /// True where this is `other` or lies in it.
    pub fn is_in(&self, other: &Self) -> bool {
        let rest = self.0.strip_prefix(other.as_str());
        other.0.is_empty() || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_recorded_path_stands_below_the_folder() {
        let place = |path: &str| Place::of(path, "/lab/study").map(|place| place.as_str().to_owned());
        assert_eq!(place("out/w.bin").unwrap(), "out/w.bin");
        assert_eq!(place("./out/./w.bin").unwrap(), "out/w.bin");
        assert_eq!(place("out/").unwrap(), "out");
        assert_eq!(place(".").unwrap(), "");
        assert_eq!(place("/lab/study/out").unwrap(), "out");
        assert_eq!(place("/lab/study").unwrap(), "");
    }

    #[test]
    fn what_would_leave_the_folder_has_no_place() {
        for path in ["../x", "a/../../x", "a/..", "/etc/passwd", "/lab/study2/x", "/lab/study/../x", "..", "/"] {
            assert!(matches!(Place::of(path, "/lab/study"), Err(PlaceError::Outside { .. })), "{path}");
        }
        for path in ["", "a\0b", &"x/".repeat(3000)] {
            assert!(matches!(Place::of(path, "/lab"), Err(PlaceError::NoPath { .. })), "{path:?}");
        }
        assert_eq!(Place::of_all(&[], "/"), Err(PlaceError::NotShown));
        assert_eq!(Place::of_all(&["a".into(), "b".into()], "/"), Err(PlaceError::Several { found: 2 }));
    }

    #[test]
    fn a_place_lies_in_its_folders() {
        let place = |path| Place::of(path, "/").unwrap();
        for (inner, outer, is_in) in
            [("a/b", "a", true), ("a", "a", true), ("ab", "a", false), ("a", ".", true), ("a", "a/b", false)]
        {
            assert_eq!(place(inner).is_in(&place(outer)), is_in, "{inner} in {outer}");
        }
    }
}

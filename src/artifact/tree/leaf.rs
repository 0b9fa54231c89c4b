//! One file or link of a folder: its path, its mode, and what is in it.

use super::path::is_unprintable;
use super::{TreeError, TreePath};
use crate::codec::{DecodeError, Decoder, Encoder};
use crate::digest::{Algorithm, Digest, FileDigest};

/// Longer link targets cannot be read back on Linux (`PATH_MAX`).
pub const MAX_TARGET_BYTES: usize = 4096;

/// How git files the leaf.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mode {
    /// A file.
    Plain,
    /// A file that its owner may execute.
    Executable,
    /// A symbolic link.
    Link,
}

impl Mode {
    /// Git's number.
    pub const fn number(self) -> u64 {
        match self {
            Self::Plain => 0o100_644,
            Self::Executable => 0o100_755,
            Self::Link => 0o120_000,
        }
    }

    /// The mode of git's number.
    fn from_number(number: u64) -> Option<Self> {
        [Self::Plain, Self::Executable, Self::Link].into_iter().find(|mode| mode.number() == number)
    }
}

/// Whether a file may be executed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FileMode {
    /// No.
    Plain,
    /// Yes, by its owner.
    Executable,
}

/// What stands at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TreeNode {
    /// A file.
    File {
        /// Whether it may be executed.
        mode: FileMode,
        /// Its bytes.
        size: u64,
        /// What they are.
        digest: FileDigest,
    },
    /// A symbolic link, as the text it holds. It is never followed: what it points to is no part of the tree.
    Link {
        /// The text.
        target: String,
    },
}

/// One file or link of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeLeaf {
    /// Where it stands.
    pub path: TreePath,
    /// What stands there.
    pub node: TreeNode,
}

impl TreeLeaf {
    const WHAT: &'static str = "a leaf of a tree";

    /// How git files it.
    pub fn mode(&self) -> Mode {
        match self.node {
            TreeNode::File { mode: FileMode::Plain, .. } => Mode::Plain,
            TreeNode::File { mode: FileMode::Executable, .. } => Mode::Executable,
            TreeNode::Link { .. } => Mode::Link,
        }
    }

    /// Canonical bytes.
    pub fn encode(&self) -> Vec<u8> {
        Encoder::encode(|e| match &self.node {
            TreeNode::File { size, digest, .. } => {
                e.array(4);
                e.text(self.path.as_str());
                e.uint(self.mode().number());
                e.uint(*size);
                Digest::from(*digest).encode(e);
            }
            TreeNode::Link { target } => {
                e.array(3);
                e.text(self.path.as_str());
                e.uint(self.mode().number());
                e.text(target);
            }
        })
    }

    /// Reads canonical bytes.
    pub fn parse(bytes: &[u8]) -> Result<Self, TreeError> {
        Decoder::decode(bytes, |d| {
            let len = d.array_header()?;
            let expected = |expected: usize| {
                let what = "4 items for a file, 3 for a link";
                let wrong = DecodeError::Length { what: Self::WHAT, expected: what, found: len };
                if len == expected { Ok(()) } else { Err(wrong) }
            };
            if len < 3 {
                expected(3)?;
            }
            let path = TreePath::parse(d.text()?)?;
            let number = d.uint()?;
            let file_mode = match Mode::from_number(number) {
                Some(Mode::Plain) => FileMode::Plain,
                Some(Mode::Executable) => FileMode::Executable,
                Some(Mode::Link) => {
                    expected(3)?;
                    let target = d.text()?.to_owned();
                    check_target(&path, &target)?;
                    return Ok(Self { path, node: TreeNode::Link { target } });
                }
                None => return Err(TreeError::Mode { path, found: number }),
            };
            expected(4)?;
            let size = d.uint()?;
            let digest = Digest::decode(d)?;
            if digest.algorithm != Algorithm::Blake3 {
                return Err(TreeError::Algorithm { path, found: digest.algorithm.name() });
            }
            let digest = FileDigest::from_bytes(digest.bytes);
            Ok(Self { path, node: TreeNode::File { mode: file_mode, size, digest } })
        })
    }
}

/// The target may point anywhere, since nobody follows it; it must only be a text that a link can hold.
pub(super) fn check_target(path: &TreePath, target: &str) -> Result<(), TreeError> {
    let refuse = |reason| Err(TreeError::Target { path: path.clone(), reason });
    if target.is_empty() {
        return refuse("is empty");
    }
    if target.len() > MAX_TARGET_BYTES {
        return refuse("is longer than 4,096 bytes");
    }
    if target.chars().any(is_unprintable) {
        return refuse("contains a control or direction-changing character");
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn path(text: &str) -> TreePath {
        TreePath::parse(text).unwrap()
    }

    #[test]
    fn a_leaf_of_another_shape_is_refused() {
        let raw = |write: &dyn Fn(&mut Encoder)| TreeLeaf::parse(&Encoder::encode(|e| write(e)));
        let digest = |e: &mut Encoder| Digest::from(FileDigest::of(b"x")).encode(e);
        let error = raw(&|e| {
            e.array(4);
            e.text("a");
            e.uint(0o100_664);
            e.uint(1);
            digest(e);
        });
        assert_eq!(error, Err(TreeError::Mode { path: path("a"), found: 0o100_664 }));
        let text = "`a` has mode 0o100664, expected 0o100644, 0o100755 or 0o120000";
        assert_eq!(error.unwrap_err().to_string(), text);

        let link_of = |target: String| {
            raw(&move |e| {
                e.array(3);
                e.text("a");
                e.uint(0o120_000);
                e.text(&target);
            })
        };
        assert!(link_of("../../etc/passwd".to_owned()).is_ok());
        for target in [String::new(), "x\0".to_owned(), "x\u{9b}".to_owned(), "x".repeat(4097)] {
            assert!(matches!(link_of(target), Err(TreeError::Target { .. })));
        }

        let short = raw(&|e| {
            e.array(3);
            e.text("a");
            e.uint(0o100_644);
            e.uint(1);
        });
        assert!(matches!(short, Err(TreeError::Decode(DecodeError::Length { found: 3, .. }))));
        assert!(matches!(raw(&|e| e.array(0)), Err(TreeError::Decode(DecodeError::Length { found: 0, .. }))));

        let sha = raw(&|e| {
            e.array(4);
            e.text("a");
            e.uint(0o100_644);
            e.uint(1);
            Digest { algorithm: Algorithm::Sha256, bytes: [1; 32] }.encode(e);
        });
        assert_eq!(sha, Err(TreeError::Algorithm { path: path("a"), found: "sha256" }));
    }
}

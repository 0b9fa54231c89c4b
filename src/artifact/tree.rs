//! A folder as a manifest: one leaf for each file and link, sorted by path, so that a tree digest names exact contents.
//!
//! A leaf is the canonical array `[path, mode, size, digest]` for a file and `[path, mode, target]` for a link; the modes
//! are git's. Paths are exact UTF-8: never normalised, never re-cased, and refused when some reader of the tree could take
//! them for another place. Empty folders have no leaf, as in git. Names that differ only in case or composition are recorded as they
//! are; [`name_twins`] finds them for whoever must refuse them.
//!
//! Modes: <https://git-scm.com/docs/git-fast-import#_filemodify>

mod path;
mod twins;

use self::path::is_unprintable;
pub use self::path::{MAX_COMPONENT_BYTES, MAX_PATH_BYTES, PathError, TreePath};
pub use self::twins::{Twins, name_twins};
use crate::artifact::manifest::{Manifest, ManifestError, ManifestHeader};
use crate::codec::{DecodeError, Decoder, Encoder};
use crate::digest::{Algorithm, Digest, DigestKind, FileDigest};

/// The projection of a tree manifest: every file and link, whole.
pub const PROJECTION: &str = "files";

/// Longer link targets cannot be read back on Linux (`PATH_MAX`).
pub const MAX_TARGET_BYTES: usize = 4096;

/// Why leaves are not a tree.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum TreeError {
    #[error("the path `{}` cannot stand in a tree: {reason}", .path.escape_debug())]
    Path { path: String, reason: PathError },
    #[error("the target of the link `{path}` {reason}")]
    Target { path: TreePath, reason: &'static str },
    #[error("the tree has no file and no link")]
    Empty,
    #[error("`{path}` stands in the tree twice")]
    Duplicate { path: TreePath },
    #[error("`{path}` stands in the tree both as a file and as a folder")]
    FileAndFolder { path: TreePath },
    #[error("`{path}` is not in its place: leaves are sorted by the bytes of their path")]
    Order { path: TreePath },
    #[error("`{path}` has mode {found:#o}, expected 0o100644, 0o100755 or 0o120000")]
    Mode { path: TreePath, found: u64 },
    #[error("`{path}` carries a digest by `{found}`, expected `blake3`")]
    Algorithm { path: TreePath, found: &'static str },
    #[error("the tree has projection `{}`, expected `{PROJECTION}`", .found.escape_debug())]
    Projection { found: String },
    #[error("the header of a tree carries facts, and trees of version 1 have none")]
    Facts,
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    #[error(transparent)]
    Decode(#[from] DecodeError),
}

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
    pub fn from_number(number: u64) -> Option<Self> {
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
fn check_target(path: &TreePath, target: &str) -> Result<(), TreeError> {
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

/// The manifest of a folder; the leaves may come in any order.
pub fn tree_manifest(mut leaves: Vec<TreeLeaf>) -> Result<Manifest, TreeError> {
    leaves.sort_by(|a, b| a.path.cmp(&b.path));
    sorted_tree_manifest(&leaves)
}

/// The same of leaves that are sorted by the bytes of their path; others are refused.
pub fn sorted_tree_manifest(leaves: &[TreeLeaf]) -> Result<Manifest, TreeError> {
    for leaf in leaves {
        if let TreeNode::Link { target } = &leaf.node {
            check_target(&leaf.path, target)?;
        }
    }
    check_leaves(leaves)?;
    let header = ManifestHeader { kind: DigestKind::Tree, projection: PROJECTION.to_owned(), facts: None };
    Ok(Manifest { header, items: leaves.iter().map(TreeLeaf::encode).collect() })
}

/// The leaves of a folder's manifest.
pub fn parse_tree(manifest: &Manifest) -> Result<Vec<TreeLeaf>, TreeError> {
    let ManifestHeader { kind, projection, facts } = &manifest.header;
    if *kind != DigestKind::Tree {
        let kinds = ManifestError::Kind { expected: DigestKind::Tree.name(), found: kind.name() };
        return Err(kinds.into());
    }
    if projection != PROJECTION {
        return Err(TreeError::Projection { found: projection.clone() });
    }
    if facts.is_some() {
        return Err(TreeError::Facts);
    }
    let leaves = manifest.items.iter().map(|item| TreeLeaf::parse(item)).collect::<Result<Vec<_>, _>>()?;
    check_leaves(&leaves)?;
    Ok(leaves)
}

/// Sorted, distinct, and no file where another leaf needs a folder.
fn check_leaves(leaves: &[TreeLeaf]) -> Result<(), TreeError> {
    if leaves.is_empty() {
        return Err(TreeError::Empty);
    }
    for pair in leaves.windows(2) {
        let [before, after] = pair else { unreachable!("windows of two") };
        match before.path.cmp(&after.path) {
            std::cmp::Ordering::Less => {}
            std::cmp::Ordering::Equal => return Err(TreeError::Duplicate { path: after.path.clone() }),
            std::cmp::Ordering::Greater => return Err(TreeError::Order { path: after.path.clone() }),
        }
    }
    let mut previous = "";
    for leaf in leaves {
        for folder in leaf.path.folders() {
            // Neighbours share most of their folders; those were looked up for the neighbour.
            let known = previous.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'));
            if !known && let Ok(at) = leaves.binary_search_by(|other| other.path.as_str().cmp(folder)) {
                return Err(TreeError::FileAndFolder { path: leaves[at].path.clone() });
            }
        }
        previous = leaf.path.as_str();
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn path(text: &str) -> TreePath {
        TreePath::parse(text).unwrap()
    }

    fn file(text: &str) -> TreeLeaf {
        let digest = FileDigest::of(text.as_bytes());
        TreeLeaf { path: path(text), node: TreeNode::File { mode: FileMode::Plain, size: 3, digest } }
    }

    fn link(text: &str, target: &str) -> TreeLeaf {
        TreeLeaf { path: path(text), node: TreeNode::Link { target: target.to_owned() } }
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

    #[test]
    fn leaves_are_sorted_by_bytes_whatever_order_they_come_in() {
        let a = tree_manifest(vec![file("b"), file("a/x"), file("a-b"), link("Z", "../out")]).unwrap();
        let b = tree_manifest(vec![link("Z", "../out"), file("a-b"), file("a/x"), file("b")]).unwrap();
        assert_eq!(a, b);
        assert_eq!(a.root(), b.root());
        let paths: Vec<_> = parse_tree(&a).unwrap().into_iter().map(|leaf| leaf.path.to_string()).collect();
        assert_eq!(paths, ["Z", "a-b", "a/x", "b"]);
    }

    #[test]
    fn every_part_of_a_leaf_reaches_the_root() {
        let digest = FileDigest::of(b"x");
        let node = |mode, size, digest| TreeNode::File { mode, size, digest };
        let base = node(FileMode::Plain, 1, digest);
        let others = [
            node(FileMode::Executable, 1, digest),
            node(FileMode::Plain, 2, digest),
            node(FileMode::Plain, 1, FileDigest::of(b"y")),
            TreeNode::Link { target: "x".to_owned() },
        ];
        let root = |node: &TreeNode| {
            tree_manifest(vec![TreeLeaf { path: path("p"), node: node.clone() }]).unwrap().root().unwrap()
        };
        for other in &others {
            assert_ne!(root(&base), root(other));
        }
    }

    #[test]
    fn a_tree_without_leaves_or_with_two_things_at_one_place_is_refused() {
        assert_eq!(tree_manifest(vec![]), Err(TreeError::Empty));
        assert_eq!(tree_manifest(vec![file("a"), file("a")]), Err(TreeError::Duplicate { path: path("a") }));
        // `a-b` sorts between `a` and `a/b`.
        let both = vec![file("a"), file("a-b"), file("a/b/c")];
        assert_eq!(tree_manifest(both), Err(TreeError::FileAndFolder { path: path("a") }));
        let both = vec![link("a/b", "x"), file("a/a"), file("a/b/c")];
        assert_eq!(tree_manifest(both), Err(TreeError::FileAndFolder { path: path("a/b") }));
    }

    #[test]
    fn a_received_tree_must_be_in_order_and_of_the_one_projection() {
        let good = tree_manifest(vec![file("a"), file("b")]).unwrap();
        let swapped = Manifest { items: good.items.iter().rev().cloned().collect(), ..good.clone() };
        assert_eq!(parse_tree(&swapped), Err(TreeError::Order { path: path("a") }));
        let twice = Manifest { items: vec![good.items[0].clone(); 2], ..good.clone() };
        assert_eq!(parse_tree(&twice), Err(TreeError::Duplicate { path: path("a") }));

        let mut other = good.clone();
        other.header.projection = "weights".to_owned();
        assert_eq!(parse_tree(&other), Err(TreeError::Projection { found: "weights".to_owned() }));
        let mut other = good.clone();
        other.header.facts = Some(vec![0]);
        assert_eq!(parse_tree(&other), Err(TreeError::Facts));
        let mut other = good;
        other.header.kind = DigestKind::Rows;
        assert!(matches!(parse_tree(&other), Err(TreeError::Manifest(ManifestError::Kind { .. }))));
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

    fn any_leaf() -> impl Strategy<Value = TreeLeaf> {
        let node = prop_oneof![
            (any::<bool>(), any::<u64>(), any::<[u8; 8]>()).prop_map(|(run, size, bytes)| TreeNode::File {
                mode: if run { FileMode::Executable } else { FileMode::Plain },
                size,
                digest: FileDigest::of(&bytes)
            }),
            "[a-z./]{1,9}".prop_map(|target| TreeNode::Link { target }),
        ];
        ("[a-c]{1,2}(/[A-Za-z é-]{1,4}){0,3}", node)
            .prop_map(|(text, node)| TreeLeaf { path: TreePath::parse(text).unwrap(), node })
    }

    proptest! {
        #[test]
        fn a_tree_reads_back_as_it_was_written(leaves in proptest::collection::vec(any_leaf(), 1..20)) {
            if let Ok(manifest) = tree_manifest(leaves.clone()) {
                let read = parse_tree(&Manifest::parse(&manifest.to_object()).unwrap()).unwrap();
                prop_assert_eq!(read.len(), leaves.len());
                prop_assert!(leaves.iter().all(|leaf| read.contains(leaf)));
            }
        }

        #[test]
        fn no_bytes_make_the_parser_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            if let Ok(leaf) = TreeLeaf::parse(&bytes) {
                prop_assert_eq!(leaf.encode(), bytes);
            }
        }
    }
}

//! A folder as a manifest: one leaf for each file and link, sorted by path, so that a tree digest names exact contents.
//!
//! A leaf is the canonical array `[path, mode, size, digest]` for a file and `[path, mode, target]` for a link; the modes
//! are git's. Paths are exact UTF-8: never normalised, never re-cased, and refused when some reader of the tree could take
//! them for another place. Empty folders have no leaf, as in git. Names that differ only in case or composition are recorded as they
//! are; [`name_twins`] finds them for whoever must refuse them.
//!
//! Modes: <https://git-scm.com/docs/git-fast-import#_filemodify>

mod leaf;
mod path;
mod twins;

pub use self::leaf::{FileMode, MAX_TARGET_BYTES, Mode, TreeLeaf, TreeNode};
pub use self::path::{MAX_COMPONENT_BYTES, MAX_PATH_BYTES, PathError, TreePath};
pub use self::twins::{Twins, name_twins};

use self::leaf::check_target;
use crate::artifact::manifest::{Manifest, ManifestError, ManifestHeader};
use crate::codec::DecodeError;
use crate::digest::DigestKind;

/// The projection of a tree manifest: every file and link, whole.
pub const PROJECTION: &str = "files";

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
    use crate::digest::FileDigest;

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

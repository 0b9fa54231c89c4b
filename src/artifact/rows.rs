//! Rows of a dataset (digest kinds `rows` and `rowset`): what of a row is hashed, and the leaves it becomes.
//!
//! A projection says which view of a row counts. Of a single text field the item is that text's UTF-8; of every other
//! projection it is a canonical CBOR array of the projected values ([`Cell`]). `rows` lists items in row order over all
//! shards, leaf `[[1, BLAKE3 of the item], item length]`; `rowset` lists them as a multiset, leaf `[[1, BLAKE3], how often]`
//! sorted by digest, so that order and sharding leave it unchanged; `rows` under [`OFFSETS`] lists only where each row
//! lies, leaf `[file index in the tree's order, first byte, byte length]`, and each row is provable as a slice of its file.

mod cell;
mod composition;
mod leaf;
mod projection;

pub use cell::{Cell, MAX_CELL_DEPTH};
pub use composition::Composition;
pub use leaf::{OffsetLeaf, RowLeaf, RowLeafError, RowsetLeaf, parse_offsets, parse_rows, parse_rowset};
pub use projection::{Projection, ProjectionError};

use crate::artifact::manifest::{Manifest, ManifestError, ManifestHeader};
use crate::codec::Encoder;
use crate::digest::{DigestKind, FileDigest};

/// The projection of rows that were located, not read.
pub const OFFSETS: &str = "offsets/1";

/// The header of a manifest of rows, which carries no facts: they would make equal rows differ.
pub fn header(kind: DigestKind, projection: &str) -> ManifestHeader {
    ManifestHeader { kind, projection: projection.to_owned(), facts: None }
}

/// The projection whose items are the text of each row.
pub const TEXT: &str = "text";

/// The rowset of items by their digests, which may come in any order.
///
/// A leaf is `[digest, multiplicity]`, in ascending order of the digests.
pub fn rowset_manifest(projection: &str, mut digests: Vec<FileDigest>) -> Result<Manifest, ManifestError> {
    if digests.is_empty() {
        return Err(ManifestError::Empty);
    }
    digests.sort_unstable();
    let leaf = |group: &[FileDigest]| {
        let leaf = RowsetLeaf { digest: group[0], multiplicity: group.len() as u64 };
        Encoder::encode(|e| leaf.encode(e))
    };
    Ok(Manifest {
        header: header(DigestKind::Rowset, projection),
        items: digests.chunk_by(|a, b| a == b).map(leaf).collect(),
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn root(texts: &[String]) -> crate::digest::ManifestRoot {
        rowset_manifest(TEXT, texts.iter().map(|text| FileDigest::of(text.as_bytes())).collect())
            .unwrap()
            .root()
            .unwrap()
    }

    proptest! {
        #[test]
        fn a_rowset_is_the_same_in_any_order_and_another_with_any_row_more_or_less(
            rows in proptest::collection::vec("[ab]{0,2}", 2..12).prop_shuffle(), turn in 0_usize..12
        ) {
            let mut turned = rows.clone();
            turned.rotate_left(turn % rows.len());
            prop_assert_eq!(root(&rows), root(&turned));
            prop_assert_ne!(root(&rows), root(&rows[1..]));
            turned.push(rows[0].clone());
            prop_assert_ne!(root(&rows), root(&turned));
        }
    }

    #[test]
    fn no_rows_have_no_rowset() {
        assert_eq!(rowset_manifest(TEXT, vec![]), Err(ManifestError::Empty));
    }
}

//! Rows as a multiset (digest kind `rowset`): the same rows in any order and any number of shards have one root.
//!
//! The projection in the header names the view of a row that was digested: of `text` the item is that text's UTF-8.

use crate::artifact::manifest::{Manifest, ManifestError, ManifestHeader};
use crate::codec::Encoder;
use crate::digest::{Digest, DigestKind, FileDigest};

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
        Encoder::encode(|e| {
            e.array(2);
            Digest::from(group[0]).encode(e);
            e.uint(group.len() as u64);
        })
    };
    let header = ManifestHeader { kind: DigestKind::Rowset, projection: projection.to_owned(), facts: None };
    Ok(Manifest { header, items: digests.chunk_by(|a, b| a == b).map(leaf).collect() })
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

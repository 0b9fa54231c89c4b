//! `prove --item`: opens items of an artifact.

use std::path::Path;

use crate::artifact::item::{Holds, Item};
use crate::capture::item::{RecordedFile, item_bytes, item_slice};
use crate::cli::Failure;
use crate::cli::open::Reading;
use crate::digest::{DigestKind, FileDigest};
use crate::evidence::{Content, Evidence, Opening};
use crate::journal::{Disclose, Found, ItemsError, Row, cut_items, find_file, find_items};

/// Evidence for the items of `row` that are called `keys`, with their bytes from `content` where that is given.
pub(super) fn items(
    reading: &Reading,
    row: &Row,
    keys: &[String],
    content: Option<&Path>,
    disclose: &Disclose,
) -> Result<Evidence, Failure> {
    if !row.payload.kind.is_artifact() {
        return Err(Failure::new(format!("entry {} is a {}, which has no items", row.index, row.payload.kind))
            .hint("list the artifacts: reproledger log"));
    }
    let found = find_items(&reading.ledger, row.index, &row.payload, keys).map_err(explain)?;
    let openings: Result<Vec<Opening>, Failure> = found
        .into_iter()
        .map(|found| {
            let shown = content.map(|path| read(reading, row, &found, path)).transpose()?;
            Ok(Opening { content: shown, ..found.opening })
        })
        .collect();
    Ok(cut_items(&reading.ledger, row.index, disclose, openings?)?)
}

fn explain(error: ItemsError) -> Failure {
    let hint = match &error {
        ItemsError::NotFound { .. } => {
            "a key is a document's key, a path, a tensor's or sample's name, or `#` and a number from 0"
        }
        ItemsError::Ambiguous { .. } => "name one of them by its number: `#` and digits",
        ItemsError::NoSidecar { .. } => "they lie in `private` in the folder of the ledger that recorded it",
        ItemsError::NoManifest { .. } => "a single file is proved by its own digest: reproledger show",
        _ => "check the ledger: reproledger audit",
    };
    Failure::from(error).hint(hint)
}

fn read(reading: &Reading, row: &Row, found: &Found, path: &Path) -> Result<Content, Failure> {
    match &found.item.holds {
        Holds::Bytes(named) => Ok(Content::Bytes(item_bytes(path, &found.item.key, named)?)),
        Holds::Place { file, first, length } => {
            let range = *first..first.saturating_add(*length);
            slice(reading, row, found, path, *file, &range)
        }
        Holds::Nothing => Err(Failure::new(format!(
            "the leaf of `{}` names no bytes that could be shown",
            found.item.key.escape_default()
        ))
        .hint("leave out --content")),
    }
}

fn slice(
    reading: &Reading,
    row: &Row,
    found: &Found,
    path: &Path,
    number: u64,
    range: &std::ops::Range<u64>,
) -> Result<Content, Failure> {
    if let Some(measure) = found.subject.0.get(&DigestKind::File) {
        let digest = measure.digests.first().map(|digest| FileDigest::from_bytes(digest.bytes));
        let digest = digest.ok_or_else(|| Failure::new("the recorded file has no digest"))?;
        let file = RecordedFile { inside: "", digest, length: measure.length };
        return Ok(Content::Slice { file: None, slice: item_slice(path, &file, range)? });
    }
    let (item, inclusion) = find_file(&reading.ledger, row.index, &found.subject, number).map_err(explain)?;
    let Item { key, holds: Holds::Bytes(named), .. } = &item else {
        return Err(Failure::new(format!("file {number} of the recorded folder is a link")));
    };
    let (digest, length) = named
        .first()
        .and_then(|named| Some((named.digest, named.length?)))
        .ok_or_else(|| Failure::new(format!("file {number} of the recorded folder has no digest")))?;
    let file = RecordedFile { inside: key, digest, length };
    Ok(Content::Slice { file: Some(inclusion), slice: item_slice(path, &file, range)? })
}

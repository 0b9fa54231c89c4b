//! What stays private beside the ledger: salts that are kept, and a folder that is no artifact.

use std::path::{Path, PathBuf};

use crate::artifact::manifest::MAX_MANIFEST_BYTES;
use crate::capture::salt::is_same_content;
use crate::cli::Failure;
use crate::cli::open::{Reading, from_journal};
use crate::journal::{Draft, Finder};
use crate::ledger::Objects;

/// The ledger's own folder holds salts and is no artifact.
pub(super) fn refuse_own(ledger: &Path, paths: &[PathBuf]) -> Result<(), Failure> {
    let Ok(ledger) = ledger.canonicalize() else { return Ok(()) };
    match paths.iter().find(|path| path.canonicalize().is_ok_and(|path| path.starts_with(&ledger))) {
        Some(path) => {
            Err(Failure::new(format!("`{}` is the ledger's own", path.display().to_string().escape_default()))
                .hint("a ledger is shown by evidence, which leaves out what is private"))
        }
        None => Ok(()),
    }
}

/// Where the entry of that name holds the same content under other salts, the draft takes those: it is unchanged.
pub(super) fn keep_salts(reading: &Reading, finder: &Finder<'_>, name: &str, draft: &mut Draft) -> Result<(), Failure> {
    let [(_, sidecar)] = draft.private.as_slice() else { return Ok(()) };
    let Some(row) = finder.named(name).map_err(from_journal)? else { return Ok(()) };
    let private = Objects::new(reading.ledger.layout().private());
    for digest in
        row.payload.subjects.iter().flat_map(|subject| subject.0.values()).flat_map(|measure| &measure.digests)
    {
        let kept = private.get(&digest.bytes, MAX_MANIFEST_BYTES)?;
        if kept.is_some_and(|kept| is_same_content(&kept, sidecar)) {
            draft.subjects.clone_from(&row.payload.subjects);
            draft.objects.clear();
            draft.private.clear();
            break;
        }
    }
    Ok(())
}

//! `prove --anchor`: heads of this ledger that somebody outside cosigned ride along.

use std::path::PathBuf;

use crate::cli::Failure;
use crate::cli::open::Reading;
use crate::cli::verify::read_bounded;
use crate::evidence::Evidence;
use crate::journal::{AnchorError, Anchors};
use crate::key::MAX_NOTE_BYTES;

/// The evidence with the heads in these files.
pub(super) fn anchored(reading: &Reading, evidence: Evidence, notes: &[PathBuf]) -> Result<Evidence, Failure> {
    let key = reading.settings.verifier_key(&reading.directory)?;
    let mut anchors = Anchors::new(&reading.ledger, &key);
    for path in notes {
        let note = read_bounded(path, MAX_NOTE_BYTES as u64)?;
        anchors.add(&note).map_err(|error| refused(&format!("`{}`: ", path.display()), &error))?;
    }
    anchors.into_evidence(evidence).map_err(|error| refused("", &error))
}

fn refused(place: &str, error: &AnchorError) -> Failure {
    let failure = Failure::new(format!("{place}{error}"));
    match error {
        AnchorError::Later { .. } | AnchorError::OtherHistory { .. } => failure.contradicted(),
        AnchorError::Head(_) => failure.hint(
            "a head is `.reproledger/head` as it was when somebody cosigned it, with the lines that they added below",
        ),
        _ => failure,
    }
}

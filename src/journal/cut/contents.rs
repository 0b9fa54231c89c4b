//! What evidence shows of its entries, and what it says that it does not show.

use std::collections::{BTreeMap, BTreeSet};

use crate::artifact::manifest::{MAX_MANIFEST_BYTES, ManifestView};
use crate::digest::{Digest, DigestKind, ManifestRoot};
use crate::evidence::{DisclosedManifest, Withheld};
use crate::journal::JournalError;
use crate::journal::cut::CutError;
use crate::journal::cut::chain::Taken;
use crate::ledger::Objects;
use crate::merkle::EntryIndex;
use crate::statement::{Edge, EdgeType, Kind, MAX_BODY_BYTES, Payload};

/// What evidence shows and what it says that it does not.
#[derive(Default)]
pub(super) struct Contents {
    pub(super) manifests: BTreeMap<(DigestKind, ManifestRoot), DisclosedManifest>,
    pub(super) bodies: BTreeMap<EntryIndex, Vec<u8>>,
    pub(super) withheld: BTreeMap<Digest, Withheld>,
}

impl Contents {
    pub(super) fn add_body(
        &mut self,
        objects: &Objects,
        index: EntryIndex,
        entry: &Taken,
        is_shown: bool,
    ) -> Result<(), CutError> {
        let Some(commitment) = entry.payload.body else { return Ok(()) };
        let object = objects.get(commitment.as_bytes(), MAX_BODY_BYTES as u64 + 64).map_err(JournalError::from)?;
        match object {
            Some(object) if is_shown => {
                self.bodies.insert(index, object);
            }
            kept => {
                let reason = if kept.is_some() { "not disclosed" } else { "erased" };
                self.withhold(entry, commitment.into(), 1, &format!("body of entry {index}, {reason}"));
            }
        }
        Ok(())
    }

    /// The body of an entry outside the chain: what is kept back of those is not listed.
    pub(super) fn add_word(&mut self, objects: &Objects, index: EntryIndex, entry: &Taken) -> Result<(), CutError> {
        let Some(commitment) = entry.payload.body else { return Ok(()) };
        let object = objects.get(commitment.as_bytes(), MAX_BODY_BYTES as u64 + 64).map_err(JournalError::from)?;
        self.bodies.extend(object.map(|object| (index, object)));
        Ok(())
    }

    /// The sample records of audits of these logs, as far as they are still here: outside the chain nothing is withheld.
    pub(super) fn add_audits(
        &mut self,
        objects: &Objects,
        taken: &BTreeMap<EntryIndex, Taken>,
        logs: &BTreeSet<EntryIndex>,
    ) -> Result<(), CutError> {
        for entry in taken.values().filter(|entry| is_audit(&entry.payload, logs)) {
            let digests = manifest_digests(&entry.payload);
            for (kind, digest) in digests.into_iter().filter(|(kind, _)| *kind == DigestKind::Samples) {
                if objects.get(&digest.bytes, MAX_MANIFEST_BYTES).map_err(JournalError::from)?.is_some() {
                    self.add_manifest(objects, entry, kind, digest, true)?;
                }
            }
        }
        Ok(())
    }

    pub(super) fn add_manifest(
        &mut self,
        objects: &Objects,
        entry: &Taken,
        kind: DigestKind,
        digest: Digest,
        is_shown: bool,
    ) -> Result<(), CutError> {
        let root = ManifestRoot::from_bytes(digest.bytes);
        let object =
            if is_shown { objects.get(&digest.bytes, MAX_MANIFEST_BYTES).map_err(JournalError::from)? } else { None };
        let Some(object) = object else {
            let count = entry
                .payload
                .subjects
                .iter()
                .filter_map(|subject| subject.0.get(&kind))
                .find(|measure| measure.digests.contains(&digest))
                .map_or(0, |measure| measure.count);
            let reason = if is_shown { "not in the ledger's objects" } else { "not disclosed" };
            self.withhold(entry, digest, count, &format!("{kind} manifest, {reason}"));
            return Ok(());
        };
        let refuse = |source| CutError::Manifest { kind: kind.name(), root, source };
        let found = ManifestView::parse_kind(&object, kind).and_then(|manifest| manifest.root()).map_err(refuse)?;
        if found != root {
            return Err(CutError::OtherManifest { kind: kind.name(), root, found });
        }
        self.withheld.remove(&digest);
        self.manifests.insert((kind, root), DisclosedManifest { kind, root, object });
        Ok(())
    }

    fn withhold(&mut self, entry: &Taken, digest: Digest, count: u64, reason: &str) {
        if self.manifests.contains_key(&(DigestKind::Tree, ManifestRoot::from_bytes(digest.bytes))) {
            return;
        }
        let holder = entry.issuer.chars().take(200).collect();
        self.withheld.insert(digest, Withheld { digest, count, holder, reason: reason.to_owned() });
    }
}

/// A table of samples that says that it is of one of the claim's logs.
fn is_audit(payload: &Payload, logs: &BTreeSet<EntryIndex>) -> bool {
    let is_of = |edge: &Edge| edge.edge_type == EdgeType::DerivedFrom && edge.log.is_none() && logs.contains(&edge.seq);
    payload.kind == Kind::Other && payload.edges.iter().any(is_of)
}

pub(super) fn manifest_digests(payload: &Payload) -> Vec<(DigestKind, Digest)> {
    let measures = payload.subjects.iter().flat_map(|subject| &subject.0);
    measures
        .filter(|(kind, _)| **kind != DigestKind::File)
        .flat_map(|(kind, measure)| measure.digests.iter().map(move |digest| (*kind, *digest)))
        .collect()
}

//! What is checked of one entry by itself, on any core: its signature, its body, the manifests that it states.

use super::Finding;
use crate::artifact::manifest::{MAX_MANIFEST_BYTES, ManifestView};
use crate::digest::{DigestKind, ManifestRoot};
use crate::journal::salts::{Salts, salts_of};
use crate::key::PublicKey;
use crate::ledger::Objects;
use crate::merkle::EntryIndex;
use crate::statement::{Body, BodyError, Entry, MAX_BODY_BYTES, Payload};
use crate::verify::Reject;

/// Objects that entries commit to.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct ObjectCount {
    /// Here, and what was committed to.
    pub whole: u64,
    /// Not here: kept back or erased.
    pub missing: u64,
}

/// A manifest to look at: its root, the count and the length that the entry states.
pub(super) type ManifestTask = (DigestKind, ManifestRoot, u64, u64);

/// What is checked of one entry on any core.
pub(super) struct Task {
    pub(super) index: EntryIndex,
    pub(super) entry: Entry,
    /// The key that must have signed it, where that is known.
    pub(super) key: Option<PublicKey>,
    pub(super) manifests: Vec<ManifestTask>,
}

/// What came of it.
#[derive(Default)]
pub(super) struct Done {
    pub(super) signature: bool,
    /// Whether the body is here, if there is one.
    pub(super) body: Option<bool>,
    /// For each manifest, whether it is here.
    pub(super) manifests: Vec<bool>,
    /// For each salted manifest that is here, whether its salts are.
    pub(super) salts: Vec<bool>,
    pub(super) wrong: Vec<Finding>,
}

/// The manifests that an entry states.
pub(super) fn manifests(payload: &Payload) -> impl Iterator<Item = ManifestTask> {
    let measures =
        payload.subjects.iter().flat_map(|subject| &subject.0).filter(|(kind, _)| **kind != DigestKind::File);
    measures.flat_map(|(kind, measure)| {
        let roots = measure.digests.iter();
        roots.map(|root| (*kind, ManifestRoot::from_bytes(root.bytes), measure.count, measure.length))
    })
}

impl Task {
    pub(super) fn check(&self, objects: &Objects, private: &Objects) -> Done {
        let mut done = Done::default();
        if let Some(key) = &self.key {
            done.signature = self.entry.is_signed_by(key);
            if !done.signature {
                let index = self.index;
                done.wrong.push(Finding::Rule { index, reject: Reject::Signature { index } });
            }
        }
        self.check_body(objects, &mut done);
        for manifest in &self.manifests {
            self.check_manifest((objects, private), manifest, &mut done);
        }
        done
    }

    fn check_body(&self, objects: &Objects, done: &mut Done) {
        let Some(commitment) = self.entry.claimed().body else { return };
        let index = self.index;
        // A salt goes before the body.
        let finding = match objects.get(commitment.as_bytes(), MAX_BODY_BYTES as u64 + 64) {
            Ok(None) => return done.body = Some(false),
            Ok(Some(object)) => match Body::open(&object, &commitment) {
                Ok(_) => return done.body = Some(true),
                Err(source @ BodyError::Plain(_)) => Finding::BodyWords { index, source },
                Err(source) => Finding::OtherBody { index, path: objects.path(commitment.as_bytes()), source },
            },
            Err(source) => Finding::BodyFile { index, source },
        };
        done.wrong.push(finding);
    }

    fn check_manifest(
        &self,
        (objects, private): (&Objects, &Objects),
        (kind, root, count, length): &ManifestTask,
        done: &mut Done,
    ) {
        let (index, kind, root) = (self.index, *kind, *root);
        let object = match objects.get(root.as_bytes(), MAX_MANIFEST_BYTES) {
            Ok(None) => return done.manifests.push(false),
            Ok(Some(object)) => object,
            Err(source) => return done.wrong.push(Finding::ManifestFile { index, kind, root, source }),
        };
        let read = ManifestView::parse_kind(&object, kind)
            .and_then(|manifest| Ok((manifest.root()?, manifest.count(), manifest)));
        let reject = match read {
            Ok((found, ..)) if found != root => Reject::ManifestRoot { kind, root, found },
            Ok((_, found, _)) if found != *count || object.len() as u64 != *length => Reject::ManifestCount {
                kind,
                root,
                count: *count,
                length: *length,
                found,
                found_length: object.len() as u64,
            },
            Ok((.., manifest)) => {
                self.check_salts(private, (kind, root), &manifest, done);
                return done.manifests.push(true);
            }
            Err(source) => Reject::Manifest { kind, root, source },
        };
        done.wrong.push(Finding::OtherManifest { index, path: objects.path(root.as_bytes()), reject });
    }

    /// Salts are no part of the ledger: that they are not here is counted and no more.
    fn check_salts(
        &self,
        private: &Objects,
        (kind, root): (DigestKind, ManifestRoot),
        manifest: &ManifestView<'_>,
        done: &mut Done,
    ) {
        if manifest.header.unsalted_projection().is_none() {
            return;
        }
        let index = self.index;
        match salts_of(private, root, manifest) {
            Ok(Salts::Here) => done.salts.push(true),
            Ok(Salts::Missing) => done.salts.push(false),
            Ok(Salts::Other) => {
                done.wrong.push(Finding::OtherSalts { index, path: private.path(root.as_bytes()), kind, root });
            }
            Err(source) => done.wrong.push(Finding::SaltsFile { index, kind, root, source }),
        }
    }
}

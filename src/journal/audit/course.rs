//! What an entry must keep because of the entries before it: its place, its key, its time, its links.

use std::collections::{BTreeMap, BTreeSet};

use super::entries::EntryAudit;
use super::objects::{Task, manifests};
use super::{Finding, Findings};
use crate::digest::{Digest, DigestKind, LeafHash, ManifestRoot, Thumbprint};
use crate::journal::Settings;
use crate::key::{PublicKey, VerifierKey};
use crate::merkle::EntryIndex;
use crate::statement::{Entry, Kind, Payload};
use crate::verify::{KeySet, LinkTarget, Reject, check_link, check_named};

/// Entries that a key signed while it was in other hands, as a later entry says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Disowned {
    /// How many: always some.
    pub entries: u64,
    /// The key.
    pub key: Thumbprint,
    /// Since when it was in other hands.
    pub since: EntryIndex,
    /// The entry that says so.
    pub by: EntryIndex,
}

/// What later entries may ask of an earlier one.
struct Known {
    leaf: LeafHash,
    kind: Kind,
    digests: Box<[(DigestKind, Digest)]>,
}

impl LinkTarget for Known {
    fn kind(&self) -> Kind {
        self.kind
    }

    fn carries(&self, kind: DigestKind, digest: &Digest) -> bool {
        match kind {
            DigestKind::Entry => *digest == self.leaf.into(),
            kind => self.digests.contains(&(kind, *digest)),
        }
    }
}

/// The state of going over the entries in order.
#[derive(Default)]
pub(super) struct Course {
    known: Vec<Option<Known>>,
    keys: Option<KeySet>,
    /// From here on the keys are not known, and signatures are not judged.
    keys_lost: Option<EntryIndex>,
    last_time: Option<(EntryIndex, u64)>,
    /// Protocols that entries name, each with the first that does.
    protocols: BTreeMap<LeafHash, EntryIndex>,
    /// Manifests that were looked at already.
    seen: BTreeSet<(DigestKind, ManifestRoot)>,
    /// Entries by the key that they name.
    by_key: BTreeMap<Thumbprint, Vec<EntryIndex>>,
}

fn refuse(findings: &mut Findings, index: EntryIndex, reject: Reject) {
    findings.add(Finding::Rule { index, reject });
}

impl Course {
    /// Entry 0 says whose ledger this is; the settings beside it must say the same.
    pub(super) fn begin(&mut self, entry: &Entry, key: &VerifierKey, settings: &Settings, findings: &mut Findings) {
        match KeySet::open_genesis(entry) {
            Err(reject) => refuse(findings, EntryIndex(0), reject),
            Ok((log, genesis, keys)) => {
                self.keys = Some(keys);
                let told = [
                    ("log key", genesis.log_key.thumbprint().to_string(), key.key.thumbprint().to_string()),
                    ("origin", genesis.origin, settings.origin.clone()),
                    ("ledger id", log.to_string(), settings.ledger.clone()),
                ];
                for (what, expected, found) in told.into_iter().filter(|(_, expected, found)| expected != found) {
                    findings.add(Finding::Settings { what, expected, found });
                }
            }
        }
    }

    /// Checks what depends on the entries before; gives what is left to check by itself.
    pub(super) fn step(
        &mut self,
        index: EntryIndex,
        leaf: LeafHash,
        entry: Entry,
        totals: &mut EntryAudit,
        findings: &mut Findings,
    ) -> Task {
        let payload = entry.claimed();
        let key = self.key_for(index, &entry, findings);
        self.by_key.entry(entry.key_id()).or_default().push(index);
        self.check_time(index, entry.claims().issued_at, findings);
        if let Some(own) = self.keys.as_ref().map(KeySet::log).or(payload.log) {
            let find = |target: EntryIndex| self.known.get(usize::try_from(target.0).ok()?)?.as_ref();
            for edge in &payload.edges {
                match check_link(own, index, payload.kind, edge, find) {
                    Ok(true) => totals.links += 1,
                    Ok(false) => totals.foreign_links += 1,
                    Err(reject) => refuse(findings, index, reject),
                }
            }
        }
        if let Err(reject) = check_named(index, payload) {
            refuse(findings, index, reject);
        }
        if let Some(protocol) = payload.protocol {
            self.protocols.entry(protocol).or_insert(index);
        }
        let manifests = manifests(payload).filter(|(kind, root, ..)| self.seen.insert((*kind, *root))).collect();
        self.known.push(Some(Known { leaf, kind: payload.kind, digests: digests(payload) }));
        Task { index, entry, key, manifests }
    }

    /// An entry that cannot be read: others may still point to it, and it may have changed the keys.
    pub(super) fn skip(&mut self) {
        self.known.push(None);
    }

    /// The key that must have signed an entry, after its own change of keys is taken over.
    fn key_for(&mut self, index: EntryIndex, entry: &Entry, findings: &mut Findings) -> Option<PublicKey> {
        let keys = self.keys.as_mut().filter(|_| self.keys_lost.is_none())?;
        match keys.key_for(index, entry) {
            Ok(key) => {
                // A change of keys must hold before the next entry is judged; all other signatures can wait.
                if entry.claimed().key_change.is_some() {
                    let may = entry.is_signed_by(&key);
                    let changed = may.then(|| keys.apply(index, entry.claimed()));
                    let is_changed = matches!(changed, Some(Ok(())));
                    if let Some(Err(reject)) = changed {
                        refuse(findings, index, reject);
                    }
                    if !is_changed {
                        self.lose_keys(index, findings);
                    }
                }
                Some(key)
            }
            Err(Reject::MissingKeyChange { change, .. }) if self.is_unread(change) => {
                self.lose_keys(change, findings);
                None
            }
            Err(reject) => {
                refuse(findings, index, reject);
                if entry.claimed().key_change.is_some() {
                    self.lose_keys(index, findings);
                }
                None
            }
        }
    }

    fn is_unread(&self, index: EntryIndex) -> bool {
        usize::try_from(index.0).is_ok_and(|at| matches!(self.known.get(at), Some(None)))
    }

    fn lose_keys(&mut self, change: EntryIndex, findings: &mut Findings) {
        self.keys_lost = Some(change);
        findings.add(Finding::KeysLost { change });
    }

    fn check_time(&mut self, index: EntryIndex, found: u64, findings: &mut Findings) {
        if let Some((previous, expected)) = self.last_time
            && found < expected
        {
            refuse(findings, index, Reject::Time { index, previous, expected, found });
            return;
        }
        self.last_time = Some((index, found));
    }

    /// Entries whose key was in other hands are in the ledger rightly, but no claim may rest on them.
    pub(super) fn disowned(&self) -> Vec<Disowned> {
        let mut found = Vec::new();
        for (key, revocation) in self.keys.iter().flat_map(KeySet::revoked) {
            let Some(since) = revocation.compromised_since else { continue };
            let signed = self.by_key.get(key).map(Vec::as_slice).unwrap_or_default();
            let entries = signed.iter().filter(|index| **index >= since && **index < revocation.by).count() as u64;
            if entries > 0 {
                found.push(Disowned { entries, key: *key, since, by: revocation.by });
            }
        }
        found
    }

    /// Protocols are named by digest alone, so they are looked for once everything is known.
    pub(super) fn end(mut self, findings: &mut Findings) {
        for (position, known) in (0..).zip(&self.known) {
            let Some(known) = known else { continue };
            let target = EntryIndex(position);
            if let Some(index) = self.protocols.remove(&known.leaf)
                && target >= index
            {
                refuse(findings, index, Reject::ForwardEdge { index, target });
            }
        }
        for (protocol, index) in self.protocols {
            findings.add(Finding::NoProtocol { index, protocol });
        }
    }
}

fn digests(payload: &Payload) -> Box<[(DigestKind, Digest)]> {
    let measures = payload.subjects.iter().flat_map(|subject| &subject.0);
    measures.flat_map(|(kind, measure)| measure.digests.iter().map(move |digest| (*kind, *digest))).collect()
}

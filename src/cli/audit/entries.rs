//! What every entry must keep, one after the other: its place, its key, its time, its links, and the objects it names.
//!
//! Decoding, signatures and objects are checked on every core; what depends on the entries before is checked in order.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use rayon::prelude::*;
use serde::Serialize;

use super::{Findings, Verdict};
use crate::artifact::manifest::{MAX_MANIFEST_BYTES, Manifest, ManifestError};
use crate::capture::hash::Progress;
use crate::cli::Failure;
use crate::cli::open::explain;
use crate::cli::progress::Bar;
use crate::cli::render::count;
use crate::digest::{Digest, DigestKind, LeafHash, ManifestRoot, Thumbprint};
use crate::journal::Settings;
use crate::key::{PublicKey, VerifierKey};
use crate::ledger::{self, Ledger, Objects};
use crate::merkle::EntryIndex;
use crate::statement::{Body, BodyError, Edge, Entry, EntryError, Kind, MAX_BODY_BYTES, Payload};
use crate::verify::{Class, KeySet, Reject};

/// Entries that are checked together: enough to share between cores, little to hold.
const BATCH: usize = 4096;

/// What went over the entries.
#[derive(Debug, Default, Serialize)]
pub(super) struct Entries {
    pub(super) read: u64,
    pub(super) signatures: u64,
    pub(super) links: u64,
    pub(super) foreign_links: u64,
    /// Entries of keys of which a later entry says that they were in other hands.
    pub(super) disowned: u64,
    pub(super) bodies: ObjectCount,
    pub(super) manifests: ObjectCount,
}

/// Objects that entries commit to.
#[derive(Debug, Default, Serialize)]
pub(super) struct ObjectCount {
    pub(super) whole: u64,
    pub(super) missing: u64,
}

/// What later entries may ask of an earlier one.
struct Known {
    leaf: LeafHash,
    kind: Kind,
    digests: Box<[(DigestKind, Digest)]>,
}

/// The state of going over the entries in order.
#[derive(Default)]
struct Course {
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

/// A manifest to look at: its root, the count and the length that the entry states.
type ManifestTask = (DigestKind, ManifestRoot, u64, u64);

/// What is checked of one entry on any core.
struct Task<'a> {
    index: EntryIndex,
    entry: &'a Entry,
    key: Option<PublicKey>,
    manifests: Vec<ManifestTask>,
}

/// What came of it.
#[derive(Default)]
struct Done {
    signature: bool,
    body: Option<bool>,
    manifests: Vec<bool>,
    wrong: Vec<(Verdict, String)>,
}

/// An entry as it was read.
struct Read {
    index: EntryIndex,
    leaf: LeafHash,
    length: u64,
    entry: Result<Entry, EntryError>,
}

fn read_batch(entries: &mut ledger::Entries<'_>) -> Result<Vec<Read>, Failure> {
    let batch = entries.take(BATCH).collect::<Result<Vec<_>, _>>().map_err(explain)?;
    let parse = |stored: ledger::Entry| Read {
        index: stored.index,
        leaf: stored.leaf,
        length: stored.bytes.len() as u64,
        entry: Entry::parse(&stored.bytes),
    };
    Ok(batch.into_par_iter().with_min_len(64).map(parse).collect())
}

/// Goes over every entry.
pub(super) fn check_entries(
    directory: &Path,
    key: &VerifierKey,
    settings: &Settings,
    findings: &mut Findings,
    notes: &mut Vec<String>,
    bar: &Bar,
) -> Result<Entries, Failure> {
    let ledger = Ledger::open_read(directory, key).map_err(explain)?;
    let objects = Objects::new(ledger.layout().objects());
    let (mut course, mut totals) = (Course::default(), Entries::default());
    let mut entries = ledger.entries(EntryIndex(0)).map_err(explain)?;
    let mut next = read_batch(&mut entries)?;
    while !next.is_empty() {
        let batch = next;
        let mut tasks = Vec::new();
        for read in &batch {
            bar.add(read.length);
            match &read.entry {
                Ok(entry) => {
                    totals.read += 1;
                    if read.index == EntryIndex(0) {
                        course.begin(entry, key, settings, findings);
                    }
                    tasks.push(course.step(read.index, read.leaf, entry, &mut totals, findings));
                }
                Err(error) => course.skip(read.index, error, findings),
            }
        }
        // The next batch is read while this one's signatures are checked.
        let (done, read) = rayon::join(
            || tasks.par_iter().with_min_len(16).map(|task| task.check(&objects)).collect::<Vec<Done>>(),
            || read_batch(&mut entries),
        );
        for (task, done) in tasks.iter().zip(done) {
            totals.add(&done);
            done.wrong.into_iter().for_each(|(verdict, reason)| findings.add(verdict, Some(task.index.0), reason));
        }
        next = read?;
    }
    totals.disowned = course.note_disowned(notes);
    course.end(findings);
    Ok(totals)
}

impl Entries {
    fn add(&mut self, done: &Done) {
        self.signatures += u64::from(done.signature);
        for (count, found) in [(&mut self.bodies, done.body.as_slice()), (&mut self.manifests, &done.manifests)] {
            let whole = found.iter().filter(|here| **here).count() as u64;
            count.whole += whole;
            count.missing += found.len() as u64 - whole;
        }
    }
}

fn refuse(findings: &mut Findings, index: EntryIndex, reject: &Reject) {
    let verdict = if reject.class() == Class::Unsupported { Verdict::Unknown } else { Verdict::Damaged };
    findings.add(verdict, Some(index.0), reject.to_string());
}

impl Course {
    /// Entry 0 says whose ledger this is; the settings beside it must say the same.
    fn begin(&mut self, entry: &Entry, key: &VerifierKey, settings: &Settings, findings: &mut Findings) {
        match KeySet::open_genesis(entry) {
            Err(reject) => refuse(findings, EntryIndex(0), &reject),
            Ok((log, genesis, keys)) => {
                self.keys = Some(keys);
                let told = [
                    ("log key", genesis.log_key.thumbprint().to_string(), key.key.thumbprint().to_string()),
                    ("origin", genesis.origin, settings.origin.clone()),
                    ("ledger id", log.to_string(), settings.ledger.clone()),
                ];
                for (what, expected, found) in told.into_iter().filter(|(_, expected, found)| expected != found) {
                    let reason = format!(
                        "`ledger.toml` names another {what} than entry 0\n  entry 0     {expected}\n  ledger.toml {found}"
                    );
                    findings.add(Verdict::Damaged, None, reason);
                }
            }
        }
    }

    /// Checks what depends on the entries before; gives what is left to check by itself.
    fn step<'a>(
        &mut self,
        index: EntryIndex,
        leaf: LeafHash,
        entry: &'a Entry,
        totals: &mut Entries,
        findings: &mut Findings,
    ) -> Task<'a> {
        let payload = entry.claimed();
        let key = self.key_for(index, entry, findings);
        self.by_key.entry(entry.key_id()).or_default().push(index);
        self.check_time(index, entry.claims().issued_at, findings);
        for edge in &payload.edges {
            match self.check_edge(index, payload, edge) {
                Ok(true) => totals.links += 1,
                Ok(false) => totals.foreign_links += 1,
                Err(reject) => refuse(findings, index, &reject),
            }
        }
        if let Some(protocol) = payload.protocol {
            self.protocols.entry(protocol).or_insert(index);
        }
        let manifests = manifests(payload).filter(|(kind, root, ..)| self.seen.insert((*kind, *root))).collect();
        self.known.push(Some(Known { leaf, kind: payload.kind, digests: digests(payload) }));
        Task { index, entry, key, manifests }
    }

    /// An entry that cannot be read: others may still point to it, and it may have changed the keys.
    fn skip(&mut self, index: EntryIndex, error: &EntryError, findings: &mut Findings) {
        let verdict = if error.is_unsupported() { Verdict::Unknown } else { Verdict::Damaged };
        findings.add(verdict, Some(index.0), format!("entry {index} cannot be read: {error}"));
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
                    if let Some(Err(reject)) = &changed {
                        refuse(findings, index, reject);
                    }
                    if !matches!(changed, Some(Ok(()))) {
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
                refuse(findings, index, &reject);
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
        let reason = format!("the keys are not known from entry {change} on: later signatures were not judged");
        findings.add(Verdict::Unknown, Some(change.0), reason);
    }

    fn check_time(&mut self, index: EntryIndex, found: u64, findings: &mut Findings) {
        if let Some((previous, expected)) = self.last_time
            && found < expected
        {
            refuse(findings, index, &Reject::Time { index, previous, expected, found });
            return;
        }
        self.last_time = Some((index, found));
    }

    /// Holds one link to the rules; false when it leads out of this ledger or to what cannot be read.
    fn check_edge(&self, index: EntryIndex, payload: &Payload, edge: &Edge) -> Result<bool, Reject> {
        if edge.log.is_some() {
            return Ok(false);
        }
        let target = edge.seq;
        let at = usize::try_from(target.0).ok().filter(|_| target < index);
        let at = at.ok_or(Reject::ForwardEdge { index, target })?;
        let Some(Some(known)) = self.known.get(at) else { return Ok(false) };
        let is_carried = match edge.kind {
            DigestKind::Entry => edge.digest == known.leaf.into(),
            kind => known.digests.contains(&(kind, edge.digest)),
        };
        if !is_carried {
            return Err(Reject::BrokenEdge { index, target, kind: edge.kind.name() });
        }
        if !edge.edge_type.allows(payload.kind, known.kind) {
            return Err(Reject::WrongEdge {
                index,
                target,
                edge: edge.edge_type.name(),
                child: payload.kind.name(),
                parent: known.kind.name(),
            });
        }
        Ok(true)
    }

    /// Entries whose key was in other hands are in the ledger rightly, but no claim may rest on them.
    fn note_disowned(&self, notes: &mut Vec<String>) -> u64 {
        let mut total = 0;
        for (key, revocation) in self.keys.iter().flat_map(KeySet::revoked) {
            let Some(since) = revocation.compromised_since else { continue };
            let signed = self.by_key.get(key).map(Vec::as_slice).unwrap_or_default();
            let disowned = signed.iter().filter(|index| **index >= since && **index < revocation.by).count() as u64;
            total += disowned;
            if disowned > 0 {
                notes.push(format!(
                    "{} disowned: entry {} says that key sha256:{key} was in other hands since entry {since}",
                    count(disowned, "entry is", "entries are"),
                    revocation.by
                ));
            }
        }
        total
    }

    /// Protocols are named by digest alone, so they are looked for once everything is known.
    fn end(mut self, findings: &mut Findings) {
        for (position, known) in (0..).zip(&self.known) {
            let Some(known) = known else { continue };
            let target = EntryIndex(position);
            if let Some(index) = self.protocols.remove(&known.leaf)
                && target >= index
            {
                refuse(findings, index, &Reject::ForwardEdge { index, target });
            }
        }
        for (protocol, index) in self.protocols {
            let reason =
                format!("entry {index} names protocol {}, which is not in this ledger", Digest::from(protocol));
            findings.add(Verdict::Damaged, Some(index.0), reason);
        }
    }
}

fn digests(payload: &Payload) -> Box<[(DigestKind, Digest)]> {
    let measures = payload.subjects.iter().flat_map(|subject| &subject.0);
    measures.flat_map(|(kind, measure)| measure.digests.iter().map(move |digest| (*kind, *digest))).collect()
}

fn manifests(payload: &Payload) -> impl Iterator<Item = ManifestTask> {
    let measures =
        payload.subjects.iter().flat_map(|subject| &subject.0).filter(|(kind, _)| **kind != DigestKind::File);
    measures.flat_map(|(kind, measure)| {
        let roots = measure.digests.iter();
        roots.map(|root| (*kind, ManifestRoot::from_bytes(root.bytes), measure.count, measure.length))
    })
}

impl Task<'_> {
    fn check(&self, objects: &Objects) -> Done {
        let mut done = Done::default();
        if let Some(key) = &self.key {
            done.signature = self.entry.is_signed_by(key);
            if !done.signature {
                done.wrong.push((Verdict::Damaged, Reject::Signature { index: self.index }.to_string()));
            }
        }
        self.check_body(objects, &mut done);
        for manifest in &self.manifests {
            self.check_manifest(objects, manifest, &mut done);
        }
        done
    }

    fn check_body(&self, objects: &Objects, done: &mut Done) {
        let Some(commitment) = self.entry.claimed().body else { return };
        let index = self.index;
        let path = objects.path(commitment.as_bytes());
        // A salt goes before the body.
        match objects.get(commitment.as_bytes(), MAX_BODY_BYTES as u64 + 64) {
            Err(error) => done.wrong.push((Verdict::Damaged, format!("the body of entry {index}: {error}"))),
            Ok(None) => done.body = Some(false),
            Ok(Some(object)) => match Body::open(&object, &commitment) {
                Ok(_) => done.body = Some(true),
                Err(source @ BodyError::Plain(_)) => {
                    done.wrong.push((Verdict::Unknown, Reject::Body { index, source }.to_string()));
                }
                Err(source) => {
                    let reason = format!("`{}` is not the body of entry {index}: {source}", path.display());
                    done.wrong.push((Verdict::Damaged, reason));
                }
            },
        }
    }

    fn check_manifest(&self, objects: &Objects, (kind, root, count, length): &ManifestTask, done: &mut Done) {
        let path = objects.path(root.as_bytes());
        let object = match objects.get(root.as_bytes(), MAX_MANIFEST_BYTES) {
            Ok(None) => return done.manifests.push(false),
            Ok(Some(object)) => object,
            Err(error) => {
                let reason = format!("the {} manifest {root} of entry {}: {error}", kind.name(), self.index);
                return done.wrong.push((Verdict::Damaged, reason));
            }
        };
        let read = Manifest::parse_kind(&object, *kind).and_then(|manifest| Ok((manifest.root()?, manifest.count())));
        let (kind, root) = (*kind, *root);
        let reject = match read {
            Ok((found, _)) if found != root => Reject::ManifestRoot { kind, root, found },
            Ok((_, found)) if found != *count || object.len() as u64 != *length => Reject::ManifestCount {
                kind,
                root,
                count: *count,
                length: *length,
                found,
                found_length: object.len() as u64,
            },
            Ok(_) => return done.manifests.push(true),
            Err(source) => Reject::Manifest { kind, root, source },
        };
        let is_newer = matches!(&reject, Reject::Manifest { source: ManifestError::Version { .. }, .. });
        let verdict = if is_newer { Verdict::Unknown } else { Verdict::Damaged };
        done.wrong.push((verdict, format!("`{}` of entry {}: {reject}", path.display(), self.index)));
    }
}

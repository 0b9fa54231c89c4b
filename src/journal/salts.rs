//! Whether the salts of salted lists are where they were kept: without them no item can ever be opened.
//!
//! They lie beside the ledger and are no part of it, so what is wrong with them is never damage to the log. Whoever was
//! given a copy without them has all that was meant for him.

use std::collections::BTreeSet;
use std::fmt;
use std::io::Read;

use crate::artifact::manifest::{MAX_MANIFEST_BYTES, ManifestHeader, ManifestView, Sidecar, commitment_leaf};
use crate::digest::{DigestKind, ManifestRoot};
use crate::ledger::{Ledger, LedgerError, Objects};
use crate::merkle::EntryIndex;
use crate::statement::Entry;

/// Enough of an object for a header without facts: projections are short, and a salted list has no facts.
const HEADER_BYTES: u64 = 64 << 10;

/// What is kept for one salted list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Salts {
    /// Salts that open every leaf.
    Here,
    /// Nothing.
    Missing,
    /// Something that does not open its leaves.
    Other,
}

/// A salted list that cannot be opened here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LostSalts {
    /// The first entry that states it.
    pub index: EntryIndex,
    /// What it lists.
    pub kind: DigestKind,
    /// Its root, under which the salts are kept.
    pub root: ManifestRoot,
    /// What became of them.
    pub salts: Salts,
}

impl fmt::Display for LostSalts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { index, kind, root, salts } = self;
        let what = match salts {
            Salts::Here => "are here",
            Salts::Missing => "are not here: none of its items can be opened",
            Salts::Other => "are damaged or another list's: its items cannot be opened",
        };
        write!(f, "the salts of the {kind} manifest {root} of entry {index} {what}")
    }
}

/// What is kept in `private` for a list.
pub(super) fn salts_of(
    private: &Objects,
    root: ManifestRoot,
    manifest: &ManifestView<'_>,
) -> Result<Salts, LedgerError> {
    let Some(bytes) = private.get(root.as_bytes(), MAX_MANIFEST_BYTES)? else { return Ok(Salts::Missing) };
    let Ok(sidecar) = Sidecar::parse(&bytes) else { return Ok(Salts::Other) };
    let is_same_view = manifest.header.unsalted_projection() == Some(&sidecar.header.projection)
        && manifest.header.kind == sidecar.header.kind
        && manifest.count() == sidecar.leaves.len() as u64;
    let mut pairs = manifest.items().zip(&sidecar.leaves);
    let opens_all = is_same_view && pairs.all(|(item, (salt, leaf))| commitment_leaf(&salt.commit(leaf)) == item);
    Ok(if opens_all { Salts::Here } else { Salts::Other })
}

/// Every salted list of the ledger that cannot be opened here. Of other lists no more than the header is read.
pub fn lost_salts(ledger: &Ledger) -> Result<Vec<LostSalts>, LedgerError> {
    let (objects, private) = (Objects::new(ledger.layout().objects()), Objects::new(ledger.layout().private()));
    let (mut lost, mut seen) = (Vec::new(), BTreeSet::new());
    for stored in ledger.entries(EntryIndex(0))? {
        let stored = stored?;
        // What cannot be read `audit` names.
        let Ok(entry) = Entry::parse(&stored.bytes) else { continue };
        for (kind, measure) in entry.claimed().subjects.iter().flat_map(|subject| &subject.0) {
            let Some(digest) = measure.digests.first().filter(|_| *kind != DigestKind::File) else { continue };
            let root = ManifestRoot::from_bytes(digest.bytes);
            if !seen.insert((*kind, root)) || !is_salted(&objects, root)? {
                continue;
            }
            let object = objects.get(root.as_bytes(), MAX_MANIFEST_BYTES)?.unwrap_or_default();
            let Ok(manifest) = ManifestView::parse_kind(&object, *kind) else { continue };
            match salts_of(&private, root, &manifest)? {
                Salts::Here => {}
                salts => lost.push(LostSalts { index: stored.index, kind: *kind, root, salts }),
            }
        }
    }
    Ok(lost)
}

/// Whether the list is here and says that it is salted.
fn is_salted(objects: &Objects, root: ManifestRoot) -> Result<bool, LedgerError> {
    let Some(file) = objects.open(root.as_bytes())? else { return Ok(false) };
    let mut start = Vec::new();
    let path = objects.path(root.as_bytes());
    let read = file.take(HEADER_BYTES).read_to_end(&mut start);
    read.map_err(|source| LedgerError::Io { doing: "read", path, source })?;
    Ok(ManifestHeader::of_object(&start).is_ok_and(|header| header.unsalted_projection().is_some()))
}

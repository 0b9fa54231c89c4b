//! Looks for the texts of an evaluation, and for levels that training leaves out, in the corpora beside it: items from
//! suites and logs, levels from protocols, then each corpus once for both.
//!
//! A corpus is hashed as it is read, and what was found counts only if its digest is the recorded one. Texts of rows are
//! looked at in every field, wherever they nest.

use std::collections::BTreeSet;
use std::path::Path;

use crate::capture::derive::{Stated, chain, projection};
use crate::capture::hash::Progress;
use crate::capture::log::{read_each, read_items};
pub use crate::capture::texts::Recorded;
use crate::capture::texts::{CORPORA, Look, SEVERAL, is_one_of_several, is_recorded, read, recorded};
use crate::check::{HeldOut, LevelsMet, Overlap, Shared};
use crate::digest::{Digest, DigestKind};
use crate::evallog::{ColumnMap, Item, suite_items};
use crate::overlap::{Full, Items, Levels, Needles, Scan};
use crate::statement::Kind;
use crate::verify::VerifiedEvidence;

/// Looks for the items of the suites and logs among the artifacts that were found, and for the levels of the protocols that
/// are shown, in the corpora among them.
pub(super) fn look(
    evidence: &VerifiedEvidence<'_>,
    directory: &Path,
    found: &[(Stated<'_>, String)],
    progress: &dyn Progress,
) -> (Overlap, Option<HeldOut>) {
    let (mut items, mut overlap) = (Items::default(), Overlap::default());
    for (stated, path) in found.iter().filter(|(stated, _)| matches!(stated.kind, Kind::EvalSuite | Kind::EvalLog)) {
        let read = if is_one_of_several(evidence, stated) {
            Err(SEVERAL.to_owned())
        } else {
            gather(evidence, *stated, &directory.join(path), &mut items)
        };
        overlap.from.insert(stated.entry, read);
    }
    (overlap.items, overlap.texts, overlap.short) = (items.count(), items.texts(), items.short());
    let needles = (items.texts() > 0).then(|| Needles::new(items));
    let protocols = evidence.bodies.values().filter_map(|body| body.protocol.as_ref());
    let levels: BTreeSet<&str> = protocols.flat_map(|protocol| &protocol.held_out).map(String::as_str).collect();
    // More levels than can be told apart are not looked for, and the check says so.
    let levels = Some(levels).filter(|levels| !levels.is_empty()).and_then(|levels| Levels::new(levels).ok());
    let mut held_out = levels
        .as_ref()
        .map(|levels| HeldOut { levels: levels.looked_for().map(str::to_owned).collect(), ..HeldOut::default() });
    let sought = Sought { items: needles.as_ref(), levels: levels.as_ref() };
    if sought.items.is_none() && sought.levels.is_none() {
        return (overlap, held_out);
    }
    for (stated, path) in found.iter().filter(|(stated, _)| CORPORA.contains(&stated.kind)) {
        let (shared, met) = if is_one_of_several(evidence, stated) {
            (Err(SEVERAL.to_owned()), Err(SEVERAL.to_owned()))
        } else {
            match search(*stated, &directory.join(path), recorded(evidence, stated), sought, progress) {
                Ok((shared, met)) => (Ok(shared), Ok(met)),
                Err(reason) => (Err(reason.clone()), Err(reason)),
            }
        };
        if sought.items.is_some() {
            overlap.corpora.insert(stated.entry, shared.map(Option::unwrap_or_default));
        }
        if let Some(held_out) = &mut held_out {
            held_out.corpora.insert(stated.entry, met.map(Option::unwrap_or_default));
        }
    }
    (overlap, held_out)
}

/// What is looked for in a corpus.
#[derive(Debug, Clone, Copy)]
struct Sought<'a> {
    items: Option<&'a Needles>,
    levels: Option<&'a Levels>,
}

/// What was met of it, by one thread.
#[derive(Default)]
struct Scans {
    items: Option<Scan>,
    /// In what is trained on, and in other fields.
    levels: Option<[Scan; 2]>,
}

impl Look for Sought<'_> {
    type Seen = Scans;

    fn seen(&self) -> Scans {
        Scans { items: self.items.map(Scan::new), levels: self.levels.map(|levels| [levels.scan(), levels.scan()]) }
    }

    fn begin(&self, scans: &mut Scans) {
        scans.items.iter_mut().chain(scans.levels.iter_mut().flatten()).for_each(Scan::begin);
    }

    fn text(&self, scans: &mut Scans, text: &str, is_trained_on: bool, place: &dyn Fn() -> String) {
        if let (Some(needles), Some(scan)) = (self.items, &mut scans.items) {
            scan.text(needles, text, place);
        }
        if let (Some(levels), Some([view, beside])) = (self.levels, &mut scans.levels) {
            levels.text(if is_trained_on { view } else { beside }, text, place);
        }
    }

    fn merge(&self, all: &mut Scans, other: Scans) {
        if let (Some(own), Some(its)) = (&mut all.items, other.items) {
            own.merge(its);
        }
        if let (Some(own), Some(its)) = (&mut all.levels, other.levels) {
            own.iter_mut().zip(its).for_each(|(own, its)| own.merge(its));
        }
    }
}

/// Takes the items of a suite or log; how many there are, the same one each time it stands there.
fn gather(evidence: &VerifiedEvidence<'_>, stated: Stated<'_>, path: &Path, items: &mut Items) -> Result<u64, String> {
    let (paths, mut count, mut full) = ([path.to_owned()], 0, None);
    let mut take = |item: Item| {
        count += 1;
        full = items.add(&item).err();
        full.is_none()
    };
    if stated.kind == Kind::EvalSuite {
        read_each(&paths, |file| suite_items(file, &mut take).map(drop)).map_err(|error| chain(&error))?;
    } else {
        let map = projection(evidence, stated.subject, DigestKind::Samples).and_then(ColumnMap::of_projection);
        read_items(&paths, map.as_ref(), &mut take).map_err(|error| chain(&error))?;
    }
    match (full, count) {
        (Some(full), _) => Err(Full::to_string(&full)),
        (None, 0) if stated.kind == Kind::EvalSuite => Err("no file in it holds items that are read".to_owned()),
        (None, 0) => Err("it does not show what was asked".to_owned()),
        (None, count) => Ok(count),
    }
}

/// What the corpus at `path`, which must be the recorded one, has of what is looked for.
fn search(
    stated: Stated<'_>,
    path: &Path,
    how: Recorded,
    sought: Sought<'_>,
    progress: &dyn Progress,
) -> Result<(Option<Shared>, Option<LevelsMet>), String> {
    let (scans, digest) = read(path, how, &sought, progress)?;
    is_recorded(stated, digest)?;
    let shared = sought.items.zip(scans.items.as_ref()).map(|(needles, scan)| needles.shared(scan));
    let met = sought.levels.zip(scans.levels.as_ref()).map(|(levels, [view, beside])| LevelsMet {
        rows: view.documents(),
        met: levels.met(view),
        beside: levels.met(beside),
    });
    Ok((shared, met))
}

/// What the corpus at `path` shares with the items, and the digest of the bytes that were read for it.
pub fn shared_with(
    path: &Path,
    how: Recorded,
    needles: &Needles,
    progress: &dyn Progress,
) -> Result<(Shared, Digest), String> {
    let sought = Sought { items: Some(needles), levels: None };
    let (scans, digest) = read(path, how, &sought, progress)?;
    Ok((scans.items.map(|scan| needles.shared(&scan)).unwrap_or_default(), digest))
}

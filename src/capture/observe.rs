//! Looks for the artifacts behind a claim in a reader's folder, hashes them again and takes again what they hold.
//!
//! An artifact is found by its digest wherever it lies, or at its recorded path where the evidence discloses one; only
//! then can a changed file be told from an absent one. Everything is taken from one walk that follows no link.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::artifact::item::{Holds, NamedBytes};
use crate::artifact::tree::{TreeLeaf, TreeNode, TreePath, tree_manifest};
use crate::capture::commits::observe_commits;
use crate::capture::derive::{Deriver, Stated};
use crate::capture::hash::{Also, HashOptions, Progress, hash_file};
use crate::capture::open::{CaptureError, argument_metadata};
use crate::capture::overlap;
use crate::capture::tokens;
use crate::capture::walk::{Tree, walk_folder};
use crate::check::{ArtifactSeen, Observed};
use crate::digest::{Algorithm, Digest, DigestKind};
use crate::merkle::EntryIndex;
use crate::statement::{EdgeType, Kind, Measure};
use crate::verify::VerifiedEvidence;

/// Looks for everything the claim reaches.
pub fn observe(
    evidence: &VerifiedEvidence<'_>,
    directory: &Path,
    progress: &dyn Progress,
) -> Result<Observed, CaptureError> {
    let folder = Folder::new(walk_folder(directory, &HashOptions::default(), progress)?);
    let mut observed = Observed::default();
    let mut deriver = Deriver::new(evidence, directory, progress);
    let mut found = Vec::new();
    for index in &evidence.links.reached {
        let Some(entry) = evidence.entries.get(index) else { continue };
        let payload = entry.payload();
        if !payload.kind.is_artifact() {
            continue;
        }
        let recorded = recorded_paths(evidence, *index);
        let mut looks = Vec::new();
        for subject in &payload.subjects {
            let Some((kind, measure)) = subject.principal() else { continue };
            let seen = check_other_digests(directory, measure, folder.look(kind, measure, &recorded), progress);
            if let ArtifactSeen::Equal { path } = &seen {
                let stated = Stated { entry: *index, kind: payload.kind, subject };
                let again = deriver.derive(stated, path);
                observed.derived.extend(again.digests.into_iter().map(|(digest, derived)| ((*index, digest), derived)));
                observed.readings.extend(again.reread.map(|reread| (*index, reread)));
                found.push((stated, path.clone()));
            }
            looks.push(seen);
        }
        // An artifact of several parts is only as well found as its worst part.
        let Some(seen) = looks.into_iter().max_by_key(rank) else { continue };
        observed.artifacts.insert(*index, seen);
    }
    observe_beside(evidence, &folder, &mut deriver, &mut observed);
    observed.commits = observe_commits(evidence, directory, folder.leaves.keys().map(String::as_str), |name| {
        folder.folders.contains_key(name)
    });
    if evidence.items.is_empty() {
        let (shared, held_out) = overlap::look(evidence, directory, &found, progress);
        (observed.overlap, observed.held_out) = (Some(shared), held_out);
        observed.tokens = tokens::count(evidence, directory, &found, progress);
    }
    Ok(observed)
}

/// Looks for what the claim does not reach and what says something of it: receipts of its documents, and forms in which
/// its data were published. They are read again where they are found, and missed by nobody where they are not.
fn observe_beside(
    evidence: &VerifiedEvidence<'_>,
    folder: &Folder,
    deriver: &mut Deriver<'_>,
    observed: &mut Observed,
) {
    let (reached, named) = (&evidence.links.reached, named_receipts(evidence));
    for (index, entry) in &evidence.entries {
        let payload = entry.payload();
        let of = |edge_type: EdgeType| {
            let edges = payload.edges.iter().filter(move |edge| edge.edge_type == edge_type && edge.log.is_none());
            edges.map(|edge| edge.seq).find(|seq| reached.contains(seq))
        };
        let is_receipts = payload.kind == Kind::GenerationReceipts;
        let is_published =
            payload.kind == Kind::Dataset && !reached.contains(index) && of(EdgeType::DerivedFrom).is_some();
        let documents = is_receipts.then(|| of(EdgeType::AccountsFor).or_else(|| named.get(index).copied())).flatten();
        let [subject] = &payload.subjects[..] else { continue };
        let Some((kind, measure)) = subject.principal().filter(|_| documents.is_some() || is_published) else {
            continue;
        };
        let recorded = recorded_paths(evidence, *index);
        let ArtifactSeen::Equal { path } = folder.look(kind, measure, &recorded) else { continue };
        let stated = Stated { entry: *index, kind: payload.kind, subject };
        if is_receipts {
            observed.readings.extend(deriver.receipts(stated, &path, documents).map(|reread| (*index, reread)));
        } else {
            let again = deriver.derive(stated, &path);
            observed.derived.extend(again.digests.into_iter().map(|(digest, derived)| ((*index, digest), derived)));
        }
    }
}

/// Receipts that documents name, with the documents.
fn named_receipts(evidence: &VerifiedEvidence<'_>) -> BTreeMap<EntryIndex, EntryIndex> {
    let reached =
        evidence.links.reached.iter().filter_map(|index| Some((*index, evidence.entries.get(index)?.payload())));
    let documents = reached.filter(|(_, payload)| payload.kind == Kind::Documents);
    let named = documents.flat_map(|(index, payload)| payload.edges.iter().map(move |edge| (index, edge)));
    let named = named.filter(|(_, edge)| edge.edge_type == EdgeType::ProducedBy && edge.log.is_none());
    named.map(|(index, edge)| (edge.seq, index)).collect()
}

/// Looks for the bytes of opened items: in the file at `path`, or by their keys and digests in the folder there.
pub fn observe_items(
    evidence: &VerifiedEvidence<'_>,
    path: &Path,
    progress: &dyn Progress,
) -> Result<BTreeMap<usize, ArtifactSeen>, CaptureError> {
    let named = evidence.items.iter().enumerate().filter_map(|(at, item)| match &item.item.holds {
        Holds::Bytes(named) if !named.is_empty() => Some((at, item.item.key.as_str(), named)),
        _ => None,
    });
    if argument_metadata(path)?.is_dir() {
        let folder = Folder::new(walk_folder(path, &HashOptions::default(), progress)?);
        return Ok(named.map(|(at, key, named)| (at, folder.look_for_item(key, named))).collect());
    }
    let found = hash_file(path, &HashOptions::default(), progress)?.digest;
    let shown = path.to_string_lossy().into_owned();
    let is_alone = evidence.items.len() == 1;
    let look = |(at, _, named): (usize, &str, &Vec<NamedBytes>)| {
        let seen = match named.first() {
            _ if named.iter().any(|named| named.digest == found) => ArtifactSeen::Equal { path: shown.clone() },
            // Of several items the file is one at most: only of one can it be said that it differs.
            Some(first) if is_alone => {
                ArtifactSeen::Differs { path: shown.clone(), recorded: first.digest.into(), found: found.into() }
            }
            _ => ArtifactSeen::NotFound,
        };
        (at, seen)
    };
    Ok(named.map(look).collect())
}

fn rank(seen: &ArtifactSeen) -> u8 {
    match seen {
        ArtifactSeen::Equal { .. } => 0,
        ArtifactSeen::NotFound => 1,
        ArtifactSeen::Unreadable { .. } => 2,
        ArtifactSeen::Differs { .. } => 3,
    }
}

/// A file found by its BLAKE3 digest must have the other digests that were recorded beside it, too.
fn check_other_digests(
    directory: &Path,
    measure: &Measure,
    seen: ArtifactSeen,
    progress: &dyn Progress,
) -> ArtifactSeen {
    let ArtifactSeen::Equal { path } = &seen else { return seen };
    let Some(recorded) = measure.digests.iter().find(|digest| digest.algorithm == Algorithm::Sha256) else {
        return seen;
    };
    let options = HashOptions { also: Also::Sha256, ..HashOptions::default() };
    match hash_file(&directory.join(path), &options, progress).map(|file| file.sha256.map(Digest::from)) {
        Ok(Some(found)) if found == *recorded => seen,
        Ok(Some(found)) => ArtifactSeen::Differs { path: path.clone(), recorded: *recorded, found },
        Ok(None) => ArtifactSeen::Unreadable { path: path.clone(), reason: "no SHA-256 was taken of it".to_owned() },
        Err(error) => ArtifactSeen::Unreadable { path: path.clone(), reason: error.to_string() },
    }
}

/// Recorded paths that can be looked up under another root: relative ones as they are, others by their last part.
fn recorded_paths(evidence: &VerifiedEvidence<'_>, index: EntryIndex) -> Vec<TreePath> {
    let paths = evidence.bodies.get(&index).map(|body| body.paths.as_slice()).unwrap_or_default();
    let parse = |text: &String| {
        let text = text.trim_end_matches('/');
        let last = PathBuf::from(text).file_name().and_then(|name| name.to_str()).map(str::to_owned);
        TreePath::parse(text).ok().or_else(|| TreePath::parse(last?).ok())
    };
    paths.iter().filter_map(parse).collect()
}

/// A reader's folder, hashed once.
pub(crate) struct Folder {
    leaves: BTreeMap<String, TreeLeaf>,
    /// Every folder in it, the root as the empty text, with the number of leaves below.
    folders: BTreeMap<String, u64>,
}

impl Folder {
    pub(crate) fn new(tree: Tree) -> Self {
        let mut folders = BTreeMap::from([(String::new(), 0)]);
        for leaf in &tree.leaves {
            let path = leaf.path.as_str();
            for (at, _) in path.match_indices('/') {
                *folders.entry(path[..at].to_owned()).or_default() += 1;
            }
            *folders.entry(String::new()).or_default() += 1;
        }
        let leaves = tree.leaves.into_iter().map(|leaf| (leaf.path.as_str().to_owned(), leaf)).collect();
        Self { leaves, folders }
    }

    pub(crate) fn look(&self, kind: DigestKind, measure: &Measure, recorded: &[TreePath]) -> ArtifactSeen {
        let Some(wanted) = measure.digests.first().copied() else { return ArtifactSeen::NotFound };
        // At its recorded place first: only there can "changed" be told from "somewhere else".
        let at_place = match (kind, recorded) {
            (DigestKind::File, [path]) => {
                self.file_digest(path.as_str()).map(|digest| (path.as_str().to_owned(), digest))
            }
            (DigestKind::Tree, [path]) => {
                self.folder_digest(path.as_str()).map(|digest| (path.as_str().to_owned(), digest))
            }
            _ => None,
        };
        match at_place {
            Some((path, found)) if found == wanted => return ArtifactSeen::Equal { path },
            Some((path, found)) if self.find(kind, measure, wanted).is_none() => {
                return ArtifactSeen::Differs { path, recorded: wanted, found };
            }
            _ => {}
        }
        match self.find(kind, measure, wanted) {
            Some(path) => ArtifactSeen::Equal { path },
            None => ArtifactSeen::NotFound,
        }
    }

    /// Where something with the wanted digest lies.
    fn find(&self, kind: DigestKind, measure: &Measure, wanted: Digest) -> Option<String> {
        match kind {
            DigestKind::File => self.leaves.keys().find(|path| self.file_digest(path) == Some(wanted)).cloned(),
            DigestKind::Tree => self
                .folders
                .iter()
                .filter(|(_, count)| **count == measure.count)
                .find(|(path, _)| self.folder_digest(path) == Some(wanted))
                .map(|(path, _)| if path.is_empty() { ".".to_owned() } else { path.clone() }),
            _ => None,
        }
    }

    fn look_for_item(&self, key: &str, named: &[NamedBytes]) -> ArtifactSeen {
        let is_named = |digest: Digest| named.iter().any(|named| Digest::from(named.digest) == digest);
        let at_key = self.file_digest(key);
        if at_key.is_some_and(is_named) {
            return ArtifactSeen::Equal { path: key.to_owned() };
        }
        let elsewhere = self.leaves.keys().find(|path| self.file_digest(path).is_some_and(is_named));
        match (elsewhere, at_key, named.first()) {
            (Some(path), _, _) => ArtifactSeen::Equal { path: path.clone() },
            (None, Some(found), Some(first)) => {
                ArtifactSeen::Differs { path: key.to_owned(), recorded: first.digest.into(), found }
            }
            _ => ArtifactSeen::NotFound,
        }
    }

    fn file_digest(&self, path: &str) -> Option<Digest> {
        match &self.leaves.get(path)?.node {
            TreeNode::File { digest, .. } => Some((*digest).into()),
            TreeNode::Link { .. } => None,
        }
    }

    /// The digest of the whole folder as a tree.
    pub(crate) fn root(&self) -> Option<Digest> {
        self.folder_digest("")
    }

    fn folder_digest(&self, path: &str) -> Option<Digest> {
        self.folders.get(path)?;
        let prefix = if path.is_empty() { String::new() } else { format!("{path}/") };
        let below = self.leaves.range(prefix.clone()..).take_while(|(path, _)| path.starts_with(&prefix));
        let leaves: Option<Vec<TreeLeaf>> = below
            .map(|(path, leaf)| {
                let inner = TreePath::parse(&path[prefix.len()..]).ok()?;
                Some(TreeLeaf { path: inner, node: leaf.node.clone() })
            })
            .collect();
        Some(tree_manifest(leaves?).ok()?.root().ok()?.into())
    }
}

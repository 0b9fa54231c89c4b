//! Reads again what is said to have been taken from a git commit, from repositories that the reader has at hand.
//!
//! An entry carries the BLAKE3 digest of what was recorded and, in its body, the commit that it was found at. That the
//! commit holds those bytes is the recorder's word until somebody reads the commit. Nothing of a repository is run, and
//! none that leads out of its folder is read: see [`git`](crate::capture::git).

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::artifact::tree::tree_manifest;
use crate::capture::git::{GitCapture, GitContent, GitError, git_path_at};
use crate::check::CommitSeen;
use crate::digest::{Digest, DigestKind};
use crate::lineage::Graph;
use crate::merkle::EntryIndex;
use crate::statement::{GitPlace, Payload};
use crate::verify::{VerifiedEvidence, reachable};

/// Repositories in the reader's folder that are asked; each costs an open and a look for every commit.
const MAX_REPOSITORIES: usize = 16;

/// Entries whose commit is read: each reads a file or a whole tree, and evidence must not make a verifier read for ever.
const MAX_LOOKS: usize = 256;

/// Hex digits of a full commit id. Shorter ones, branches and whatever else git resolves are no ids.
const COMMIT_DIGITS: usize = 40;

/// What commits at hand hold, for each entry that names one; `paths` are the files and `folders` the folders below
/// `directory`.
pub(super) fn observe_commits<'p>(
    evidence: &VerifiedEvidence<'_>,
    directory: &Path,
    paths: impl Iterator<Item = &'p str>,
    has_folder: impl Fn(&str) -> bool,
) -> BTreeMap<EntryIndex, CommitSeen> {
    let named: Vec<(EntryIndex, &GitPlace, &Payload)> = named(evidence).collect();
    if named.is_empty() {
        return BTreeMap::new();
    }
    let repositories: BTreeSet<String> = paths.filter_map(|path| repository_of(path, &has_folder)).collect();
    let seen = |place: &GitPlace, payload: &Payload| {
        let mut seen = CommitSeen::NotFound;
        for repository in repositories.iter().take(MAX_REPOSITORIES) {
            let shown = if repository.is_empty() { "." } else { repository };
            match look(&directory.join(repository), shown, place, payload) {
                CommitSeen::NotFound => {}
                unclear @ CommitSeen::Unclear { .. } => seen = unclear,
                found => return found,
            }
        }
        seen
    };
    let mut looks = 0;
    let mut look_or_say = |place: &GitPlace, payload: &Payload| {
        looks += 1;
        if looks > MAX_LOOKS && !repositories.is_empty() {
            return CommitSeen::Unclear {
                reason: format!("the commits of {MAX_LOOKS} other entries were read already"),
            };
        }
        seen(place, payload)
    };
    named.into_iter().map(|(index, place, payload)| (index, look_or_say(place, payload))).collect()
}

/// Artifacts behind the claim, by links and by the runs that wrote them, that are said to be from a commit.
fn named<'e>(
    evidence: &'e VerifiedEvidence<'_>,
) -> impl Iterator<Item = (EntryIndex, &'e GitPlace, &'e Payload)> + use<'e> {
    let graph = Graph::of(evidence);
    let behind = reachable(evidence.claim, |index| Some(graph.links(index).map(|(_, target)| target).collect()));
    behind.into_iter().filter_map(|index| {
        let place = evidence.bodies.get(&index)?.git.as_ref().filter(|place| place.object.is_some())?;
        let payload = evidence.entries.get(&index)?.payload();
        payload.kind.is_artifact().then_some((index, place, payload))
    })
}

/// The repository that a file of it shows to be there: its `HEAD`, in `.git` or bare.
fn repository_of(path: &str, has_folder: impl Fn(&str) -> bool) -> Option<String> {
    let folder = match path.strip_suffix("HEAD")? {
        "" => "",
        folder => folder.strip_suffix('/')?,
    };
    let inside = |name: &str| if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
    if !has_folder(&inside("objects")) {
        return None;
    }
    Some(match folder.strip_suffix(".git") {
        Some("") => String::new(),
        Some(around) if around.ends_with('/') => around[..around.len() - 1].to_owned(),
        _ => folder.to_owned(),
    })
}

fn look(repository: &Path, shown: &str, place: &GitPlace, payload: &Payload) -> CommitSeen {
    let unclear = |reason: String| CommitSeen::Unclear { reason };
    let shown = || shown.to_owned();
    if place.commit.len() != COMMIT_DIGITS || !place.commit.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return unclear("its commit is no full id".to_owned());
    }
    let path = place.path.as_deref().unwrap_or_default();
    let capture = match git_path_at(repository, &place.commit, path) {
        Ok(capture) => capture,
        Err(GitError::Revision { .. }) => return CommitSeen::NotFound,
        Err(error @ (GitError::NoPath { .. } | GitError::NotAFile { .. } | GitError::Empty)) => {
            return CommitSeen::Lacks { repository: shown(), reason: error.to_string() };
        }
        Err(error) => return unclear(error.to_string()),
    };
    let GitCapture { place: at, content, .. } = capture;
    let found: (DigestKind, Digest) = match content {
        GitContent::File { digest, .. } => (DigestKind::File, digest.into()),
        GitContent::Tree(leaves) => match tree_manifest(leaves).ok().and_then(|manifest| manifest.root().ok()) {
            Some(root) => (DigestKind::Tree, root.into()),
            None => return unclear("its tree cannot be listed as recorded trees are".to_owned()),
        },
    };
    let recorded = payload.subjects.iter().find_map(|subject| subject.digest(found.0));
    match recorded {
        None => unclear(format!("no {} digest is recorded of it", found.0)),
        Some(recorded) if recorded != found.1 => CommitSeen::Other { repository: shown(), recorded, found: found.1 },
        Some(_) if at.object != place.object => CommitSeen::Lacks {
            repository: shown(),
            reason: "git's own id of it is another one than was recorded".to_owned(),
        },
        Some(_) => CommitSeen::Holds { repository: shown() },
    }
}

#[cfg(test)]
mod tests {
    use super::repository_of;

    #[test]
    fn a_repository_is_told_by_its_head_beside_objects() {
        let has = |folder: &str| [".git/objects", "code/.git/objects", "bare.git/objects", "objects"].contains(&folder);
        assert_eq!(repository_of(".git/HEAD", has).as_deref(), Some(""));
        assert_eq!(repository_of("code/.git/HEAD", has).as_deref(), Some("code"));
        assert_eq!(repository_of("bare.git/HEAD", has).as_deref(), Some("bare.git"));
        assert_eq!(repository_of("HEAD", has).as_deref(), Some(""));
        for path in ["code/HEAD", "AHEAD", ".git/logs/HEAD", "x/.git/HEAD", "code/.git/config"] {
            assert_eq!(repository_of(path, has), None, "{path}");
        }
    }
}

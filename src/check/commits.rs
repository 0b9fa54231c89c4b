//! Git commits that artifacts are said to be from: what each is said to hold, and what it holds where it is at hand.
//!
//! Git's ids are SHA-1: they find a commit and identify nothing. What was recorded is identified by its own digest, and a
//! commit is a place where it is claimed to have stood.

use std::collections::BTreeMap;

use crate::check::{Case, CommitSeen, Finding, Outcome};
use crate::digest::{Digest, DigestKind};
use crate::merkle::EntryIndex;

/// Commits that a finding spells out.
const MAX_NOTES: usize = 20;

/// A commit that is not what was recorded as its content, by the record itself or by the commit.
pub(super) fn contradiction(case: &Case<'_>, id: &'static str) -> Option<Finding> {
    told_twice(case, id).or_else(|| other_commit(case, id))
}

/// What one commit is said to hold at one path, and twice differently: it can hold one thing only.
fn told_twice(case: &Case<'_>, id: &'static str) -> Option<Finding> {
    let evidence = case.evidence;
    let mut told: BTreeMap<(&str, &str, DigestKind), (EntryIndex, Digest)> = BTreeMap::new();
    for index in &evidence.links.reached {
        let Some(place) = evidence.bodies.get(index).and_then(|body| body.git.as_ref()) else { continue };
        let subjects = evidence.entries.get(index).map_or(&[][..], |entry| entry.payload().subjects.as_slice());
        let of_bytes = [DigestKind::File, DigestKind::Tree].into_iter();
        for kind in of_bytes.filter(|_| place.object.is_some()) {
            let Some(digest) = subjects.iter().find_map(|subject| subject.digest(kind)) else { continue };
            let at = (place.commit.as_str(), place.path.as_deref().unwrap_or_default(), kind);
            let (first, other) = *told.entry(at).or_insert((*index, digest));
            if other != digest {
                let reason =
                    format!("entries {first} and {index} are said to be the same path of the same commit, and differ");
                let finding = Finding::new(id, Outcome::Fail, reason).at([first, *index]);
                return Some(finding.sides(other.to_string(), digest.to_string()));
            }
        }
    }
    None
}

/// A commit at hand that does not hold what is said to have been taken from it.
fn other_commit(case: &Case<'_>, id: &'static str) -> Option<Finding> {
    case.observed?.commits.iter().find_map(|(index, seen)| {
        let fail = |repository: &str, said: &str| {
            let reason = format!(
                "entry {index} is not what its commit holds, read in the repository `{}`{said}",
                repository.escape_default()
            );
            Finding::new(id, Outcome::Fail, reason).at([*index])
        };
        match seen {
            CommitSeen::Other { repository, recorded, found } => {
                Some(fail(repository, "").sides(recorded.to_string(), found.to_string()))
            }
            CommitSeen::Lacks { repository, reason } => Some(fail(repository, &format!(": {reason}"))),
            CommitSeen::Holds { .. } | CommitSeen::NotFound | CommitSeen::Unclear { .. } => None,
        }
    })
}

/// What was found of the commits that artifacts are said to be from; what is not known of them comes first.
pub(super) fn notes(case: &Case<'_>) -> Vec<String> {
    let mut seen: Vec<_> = case.observed.into_iter().flat_map(|observed| &observed.commits).collect();
    seen.sort_by_key(|(_, seen)| matches!(seen, CommitSeen::Holds { .. }));
    let said = seen.into_iter().filter_map(|(index, seen)| match seen {
        CommitSeen::Holds { repository } => Some(format!(
            "entry {index} is what its commit holds, read in the repository `{}`",
            repository.escape_default()
        )),
        CommitSeen::NotFound => Some(format!(
            "entry {index} is said to be from a git commit that no repository at hand has: that is the lab's word"
        )),
        CommitSeen::Unclear { reason } => {
            Some(format!("whether entry {index} is what its commit holds is not known: {reason}"))
        }
        CommitSeen::Other { .. } | CommitSeen::Lacks { .. } => None,
    });
    let mut said: Vec<String> = said.collect();
    let more = said.len().saturating_sub(MAX_NOTES);
    said.truncate(MAX_NOTES);
    if more > 0 {
        said.push(format!("and {more} more that are said to be from a commit"));
    }
    said
}

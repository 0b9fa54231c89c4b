//! The conditions by name: as many as were promised are not yet the promised ones.

use std::collections::BTreeSet;

use crate::artifact::samples::Samples;
use crate::check::number::{eval_of, side_of};
use crate::check::{Case, Finding, Outcome, Side};
use crate::digest::{Digest, FileHasher};
use crate::statement::Claim;

/// Holds the conditions that the samples name to the digest that the claim gives of them, where nothing else is wrong.
pub(super) fn hold(case: &Case<'_>, claim: &Claim, finding: Finding) -> Finding {
    if finding.outcome != Outcome::Pass {
        return finding;
    }
    for side in [Side::Outside, Side::Inside] {
        let inputs = || case.inputs.iter().filter(|input| side_of(claim, &input.digest) == side);
        let Some(stated) = eval_of(claim, side).condition_ids.value().filter(|_| inputs().next().is_some()) else {
            continue;
        };
        let samples = || inputs().filter_map(|input| input.content.as_ref().ok());
        let named: BTreeSet<&str> = samples().flat_map(Samples::records).filter_map(|of| of.key.condition).collect();
        if named.is_empty() {
            let reason =
                "the samples do not name their conditions: whether they are those that the claim names is not known";
            return Finding { outcome: Outcome::Unknown, reason: reason.to_owned(), ..finding };
        }
        let found = digest(&named);
        if found != *stated {
            let reason = "the conditions that the samples name are not those that the claim gives the digest of";
            let finding = Finding { outcome: Outcome::Unknown, reason: reason.to_owned(), ..finding };
            return finding.sides(stated.to_string(), found.to_string()).next(
                "ask the lab for the list: the digest is over the ids in byte order, each with a newline after it",
            );
        }
    }
    finding
}

fn digest(conditions: &BTreeSet<&str>) -> Digest {
    let mut hasher = FileHasher::new();
    for condition in conditions {
        hasher.update(condition.as_bytes());
        hasher.update(b"\n");
    }
    hasher.finish().into()
}

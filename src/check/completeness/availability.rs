//! `availability`: of what the claim rests on, what is shown, what is withheld, and what was found in the reader's hands?

use crate::check::{ArtifactSeen, Case, Check, Finding, Later, Outcome, Target, commits};

pub(in crate::check) const ENTRY: &dyn Check = &Availability;
const ID: &str = "availability";

/// Claimed places that a finding spells out; evidence can hold any number.
const MAX_PLACES: usize = 20;

struct Availability;

impl Check for Availability {
    fn id(&self) -> &'static str {
        ID
    }

    fn question(&self) -> &'static str {
        "Which of the artifacts behind the claim are at hand, with the recorded digests, and which are not shown?"
    }

    fn concerns(&self, _: Target) -> bool {
        true
    }

    fn run(&self, case: &Case<'_>) -> Finding {
        let mut finding = commits::contradiction(case, ID).unwrap_or_else(|| at_hand(case));
        finding.notes.extend(commits::notes(case));
        finding.notes.extend(claimed_places(case));
        finding
    }
}

/// What was found in the reader's hands.
fn at_hand(case: &Case<'_>) -> Finding {
    let withheld = case.evidence.withheld.len();
    let Some(observed) = case.observed else {
        return Finding::new(
            ID,
            Outcome::Unknown,
            format!("the artifacts themselves were not looked at; {withheld} things are declared as not shown"),
        )
        .next("pass the folder that holds the artifacts with --artifacts to hash them again");
    };
    let mut equal = Vec::new();
    let mut absent = Vec::new();
    let mut notes = Vec::new();
    for (index, seen) in &observed.artifacts {
        match seen {
            ArtifactSeen::Equal { path } => {
                equal.push(*index);
                notes.push(format!("entry {index} is `{}`, unchanged", path.escape_default()));
            }
            ArtifactSeen::Differs { path, recorded, found } => {
                let reason = format!("`{}` is not what entry {index} recorded", path.escape_default());
                return Finding::new(ID, Outcome::Fail, reason)
                    .sides(recorded.to_string(), found.to_string())
                    .at([*index]);
            }
            ArtifactSeen::NotFound => absent.push(*index),
            ArtifactSeen::Unreadable { path, reason } => {
                absent.push(*index);
                notes.push(format!("`{}` could not be read: {reason}", path.escape_default()));
            }
        }
    }
    let total = observed.artifacts.len();
    let mut finding = if absent.is_empty() && !equal.is_empty() {
        Finding::new(ID, Outcome::Pass, format!("all {total} artifacts behind the claim are at hand and unchanged"))
            .at(equal)
    } else {
        let shown: Vec<_> = absent.iter().map(ToString::to_string).collect();
        Finding::new(
            ID,
            Outcome::Unknown,
            format!(
                "{} of {total} artifacts behind the claim are at hand and unchanged; not found: entries {}",
                equal.len(),
                shown.join(", ")
            ),
        )
        .at(absent)
    };
    finding.notes = notes;
    finding
}

/// Where the lab says that the artifacts can be had. Nobody looked there, and what is there may be something else.
fn claimed_places(case: &Case<'_>) -> Vec<String> {
    let later = Later::of(case.evidence);
    let mut notes = Vec::new();
    let mut places = 0_usize;
    for target in &case.evidence.links.reached {
        for (by, locations) in later.locations(*target) {
            if locations.is_empty() {
                notes.push(format!("entry {by} says where entry {target} can be had, and is not shown"));
            }
            for location in locations {
                places += 1;
                notes.push(format!(
                    "entry {target} is claimed to be at {} (entry {by}; not looked at)",
                    location.as_str()
                ));
            }
        }
    }
    let more = notes.len().saturating_sub(MAX_PLACES);
    notes.truncate(MAX_PLACES);
    if more > 0 {
        notes.push(format!("and {more} more of {places} claimed places"));
    }
    notes
}

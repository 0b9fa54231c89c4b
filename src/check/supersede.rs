//! `supersede`: has anything the claim rests on been replaced or taken back since?

use crate::check::{Case, Check, Finding, Outcome};
use crate::merkle::EntryIndex;
use crate::statement::{Edge, EdgeType, Kind};
use crate::verify::reachable;

pub(super) const ENTRY: &dyn Check = &Supersede;
const ID: &str = "supersede";

struct Supersede;

impl Check for Supersede {
    fn id(&self) -> &'static str {
        ID
    }

    fn question(&self) -> &'static str {
        "Has any input of the claim, or the claim itself, been replaced or retracted later in the ledger?"
    }

    fn run(&self, case: &Case<'_>) -> Finding {
        let evidence = case.evidence;
        let reached = &evidence.links.reached;
        // What the claim rests on itself; the rest of its chain are older versions that it only remembers.
        let active = reachable(evidence.claim, |index| {
            let edges = &evidence.entries.get(&index)?.payload().edges;
            let rests_on = |edge: &&Edge| edge.log.is_none() && edge.edge_type != EdgeType::Supersedes;
            Some(edges.iter().filter(rests_on).map(|edge| edge.seq).collect())
        });
        let mut retracted = Vec::new();
        let mut replaced = Vec::new();
        for (index, entry) in &evidence.entries {
            for edge in entry.payload().edges.iter().filter(|edge| edge.log.is_none() && reached.contains(&edge.seq)) {
                match edge.edge_type {
                    EdgeType::Retracts => retracted.push((edge.seq, *index)),
                    // An older version behind the one that is used is history, not a withdrawal. That the newer one is
                    // reached in some other way (over an earlier claim) does not make the older one good again.
                    EdgeType::Supersedes if active.contains(&edge.seq) && !active.contains(index) => {
                        replaced.push((edge.seq, *index));
                    }
                    _ => {}
                }
            }
        }
        let first_input = reached.iter().find(|index| is_fact(case, **index)).copied();
        if let Some((target, by)) = retracted.first() {
            return Finding::new(
                ID,
                Outcome::Fail,
                format!("entry {target}, which the claim rests on, is retracted by entry {by}"),
            )
            .at([*target, *by]);
        }
        if let Some((target, by)) = replaced.first() {
            return Finding::new(
                ID,
                Outcome::Fail,
                format!(
                    "entry {target}, which the claim rests on, is superseded by entry {by}, which it does not rest on"
                ),
            )
            .at([*target, *by])
            .next("ask the lab for the claim over the newer entry");
        }
        match first_input {
            Some(first) if first < evidence.census_first => Finding::new(
                ID,
                Outcome::Unknown,
                format!(
                    "the census begins at entry {}, after the claim's first input at entry {first}: what was withdrawn in between is not shown",
                    evidence.census_first
                ),
            )
            .next("ask for evidence whose census begins at or before that entry"),
            _ => Finding::new(
                ID,
                Outcome::Pass,
                format!("no entry from {} to the head replaces or retracts anything the claim rests on", evidence.census_first),
            ),
        }
    }
}

fn is_fact(case: &Case<'_>, index: EntryIndex) -> bool {
    let kind = case.evidence.entries.get(&index).map(|entry| entry.payload().kind);
    !matches!(kind, Some(Kind::Genesis | Kind::KeyChange) | None)
}

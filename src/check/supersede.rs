//! `supersede`: has anything the claim rests on been replaced or taken back since?

use crate::check::{Case, Check, Finding, Outcome};
use crate::merkle::EntryIndex;
use crate::statement::{EdgeType, Kind};

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
        let mut retracted = Vec::new();
        let mut replaced = Vec::new();
        for (index, entry) in &evidence.entries {
            for edge in entry.payload().edges.iter().filter(|edge| edge.log.is_none() && reached.contains(&edge.seq)) {
                match edge.edge_type {
                    EdgeType::Retracts => retracted.push((edge.seq, *index)),
                    // A newer version inside the claim's own chain is its history, not a withdrawal of it.
                    EdgeType::Supersedes if !reached.contains(index) => replaced.push((edge.seq, *index)),
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

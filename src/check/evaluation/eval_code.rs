//! `eval.code`: which code and items made the results, and were they the same in every arm?

use std::collections::{BTreeMap, BTreeSet};

use super::logs::{are_comparable, differences, entries, logs};
use crate::check::{Case, Check, Finding, Outcome};
use crate::digest::Digest;
use crate::lineage::Relation;
use crate::merkle::EntryIndex;
use crate::statement::EdgeType;

pub(in crate::check) const ENTRY: &dyn Check = &EvalCode;
const ID: &str = "eval.code";

struct EvalCode;

impl Check for EvalCode {
    fn id(&self) -> &'static str {
        ID
    }

    fn question(&self) -> &'static str {
        "Are the code and the items of the evaluation on record by digest, and the same ones in every arm?"
    }

    fn run(&self, case: &Case<'_>) -> Finding {
        let logs = match logs(case, ID) {
            Ok((_, logs)) => logs,
            Err(finding) => return *finding,
        };
        let mut by_arm: BTreeMap<Option<&str>, BTreeSet<(Option<Digest>, EntryIndex)>> = BTreeMap::new();
        let mut unlinked = Vec::new();
        for log in &logs {
            let links = case.graph().links(log.entry);
            let suites = links.filter(|(relation, _)| *relation == Relation::Edge(EdgeType::EvaluatedWith));
            let suites: BTreeSet<_> = suites.map(|(_, suite)| (bytes_of(case, suite), suite)).collect();
            if suites.is_empty() {
                unlinked.push(log.entry);
            }
            by_arm.entry(log.arm).or_default().extend(suites);
        }
        let all = entries(&logs);
        let named = |suites: &BTreeSet<(Option<Digest>, EntryIndex)>| {
            let entries: BTreeSet<String> = suites.iter().map(|(_, entry)| entry.to_string()).collect();
            entries.into_iter().collect::<Vec<_>>().join(", ")
        };
        // The same bytes may have been recorded twice.
        let bytes = |suites: &BTreeSet<(Option<Digest>, EntryIndex)>| -> BTreeSet<Option<Digest>> {
            suites.iter().map(|(digest, _)| *digest).collect()
        };
        let sets: BTreeSet<BTreeSet<Option<Digest>>> =
            by_arm.values().filter(|suites| !suites.is_empty()).map(bytes).collect();
        // A log that is of nobody's arm can be of each of them: what the arms were given is not known.
        let is_of_nobody = by_arm.contains_key(&None);
        if sets.len() > 1 && !is_of_nobody {
            let suites: Vec<String> = by_arm.values().map(named).collect();
            let reason = format!("the arms were evaluated with different suites: entries {}", suites.join(" against "));
            return Finding::new(ID, Outcome::Fail, reason).at(all);
        }
        if !unlinked.is_empty() {
            let reason = format!("{} of {} logs are linked to no code or items", unlinked.len(), all.len());
            return Finding::new(ID, Outcome::Unknown, reason).at(unlinked).next("ask the lab what was evaluated with");
        }
        if is_of_nobody && sets.into_iter().flatten().collect::<BTreeSet<_>>().len() > 1 {
            let reason =
                "logs that do not say their arm, and several suites: which arm was evaluated with which is not known";
            return Finding::new(ID, Outcome::Unknown, reason).at(all).next("ask the lab for logs recorded with --arm");
        }
        let code = differences(&logs, |name| name == "revision.commit" || name == "revision.origin");
        let is_dirty = |log: &&super::logs::Log<'_>| {
            log.reading.is_some_and(|reading| reading.facts.get("revision.dirty").is_some_and(|dirty| dirty == "true"))
        };
        let dirty = logs.iter().filter(is_dirty).count();
        let word = "that this code ran, and no other, is the lab's word";
        if dirty > 0 || (!code.is_empty() && are_comparable(&logs)) {
            let reason = match dirty {
                0 => "the arms were run from different commits".to_owned(),
                _ => format!("{dirty} of {} logs were run from a tree with changes that no commit holds", logs.len()),
            };
            let finding = Finding::new(ID, Outcome::Differs, reason).at(all);
            return code.into_iter().fold(finding, Finding::note).note(word);
        }
        let suites = named(&by_arm.values().flatten().copied().collect());
        let reason = format!("every log is linked to the same code and items, on record at entry {suites}");
        Finding::new(ID, Outcome::Pass, reason).at(all).note(word)
    }
}

/// The digest of the bytes that an entry recorded.
fn bytes_of(case: &Case<'_>, entry: EntryIndex) -> Option<Digest> {
    let payload = case.evidence.entries.get(&entry)?.payload();
    payload.subjects.first()?.principal()?.1.digests.first().copied()
}

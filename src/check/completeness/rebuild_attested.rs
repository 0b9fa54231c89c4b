//! `rebuild.attested`: was what the claim rests on made again by somebody else, and did the same come out?

use std::collections::BTreeSet;

use crate::check::rebuilt::{Attested, RunAgain, made};
use crate::check::{Case, Check, Finding, Outcome};
use crate::verify::VerifiedEvidence;

pub(in crate::check) const ENTRY: &dyn Check = &RebuildAttested;
const ID: &str = "rebuild.attested";

/// Rebuilds that are told of one by one.
const MAX_TOLD: usize = 20;

struct RebuildAttested;

impl Check for RebuildAttested {
    fn id(&self) -> &'static str {
        ID
    }

    fn question(&self) -> &'static str {
        "Did somebody else run again what made the data, the weights and the logs behind the claim, with the same result?"
    }

    fn run(&self, case: &Case<'_>) -> Finding {
        let mut finding = judged(case);
        let rebuilds = case.rebuilds();
        finding.notes.extend(rebuilds.all.iter().take(MAX_TOLD).map(|attested| told(attested, rebuilds.runs)));
        if let Some(more) = rebuilds.all.len().checked_sub(MAX_TOLD).filter(|more| *more > 0) {
            finding.notes.push(format!("and {more} more rebuilds"));
        }
        finding.notes.extend(not_shown(case.evidence));
        // Whom nobody knows contradicts nothing, and is not passed over in silence either.
        for (attested, run) in rebuilds.contradicting().filter(|(attested, _)| !attested.standing.is_known()) {
            finding.warnings.push(format!(
                "{}; {}",
                otherwise(attested, run),
                attested.why_not.unwrap_or("nobody you named")
            ));
        }
        finding
    }
}

fn judged(case: &Case<'_>) -> Finding {
    let rebuilds = case.rebuilds();
    if let Some((attested, run)) = rebuilds.contradicting().find(|(attested, _)| attested.standing.is_known()) {
        return Finding::new(ID, Outcome::Fail, otherwise(attested, run)).at([run.start]).next(
            "ask both sides for what they ran it with; one that was made elsewhere by chance is declared so beforehand",
        );
    }
    let behind: BTreeSet<_> = made(case.evidence).map(|(index, _)| index).collect();
    if rebuilds.all.is_empty() {
        return Finding::new(ID, Outcome::Unknown, "nobody but the lab says here that any of it was made again")
            .next("make it again yourself (reproledger rebuild), or ask somebody you know for a signed rebuild");
    }
    let again: BTreeSet<_> = behind.iter().copied().filter(|index| rebuilds.is_again(*index)).collect();
    let (found, of) = (again.len(), behind.len());
    if found > 0 && found == of {
        let names: BTreeSet<&str> = again.iter().flat_map(|index| rebuilds.by(*index)).collect();
        let names: Vec<_> = names.into_iter().map(|name| format!("{name:?}")).collect();
        let reason =
            format!("all {of} data, weights and logs behind the claim were made again by {}", names.join(", "));
        return Finding::new(ID, Outcome::Pass, reason).at(again);
    }
    let asked = match rebuilds.required {
        Some(required) => format!("by {required} of your parties that the issuer has no part in"),
        None => "by a party that you named".to_owned(),
    };
    Finding::new(
        ID,
        Outcome::Unknown,
        format!("{found} of {of} data, weights and logs behind the claim were made again {asked}"),
    )
    .at(again)
    .next("name whom you know with --parties; ask for rebuilds of the runs that are left")
}

fn otherwise(attested: &Attested, run: &RunAgain) -> String {
    let who = attested.who();
    format!("{who} ran {:?} again (entry {}), and something else came out than was recorded", run.label, run.start)
}

fn told(attested: &Attested, runs: usize) -> String {
    let worth = attested.why_not.map_or_else(|| "counts".to_owned(), |why| format!("lifts nothing: {why}"));
    format!(
        "{} of {runs} runs made again as recorded, says {} in entry {} of {:?}; {worth}",
        attested.good(),
        attested.who(),
        attested.entry,
        attested.ledger
    )
}

/// What was attached to the claim and is not in the file.
fn not_shown(evidence: &VerifiedEvidence<'_>) -> Vec<String> {
    let shown: BTreeSet<_> = evidence.testified.iter().map(|testified| testified.digest).collect();
    let attached = evidence.entries.iter().filter_map(|(index, entry)| {
        let digest = entry.payload().attached_to(evidence.claim)?;
        (!shown.contains(&digest)).then_some(index)
    });
    attached
        .map(|index| format!("what entry {index} attached to the claim is not shown by itself"))
        .take(MAX_TOLD)
        .collect()
}

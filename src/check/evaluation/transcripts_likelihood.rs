//! `transcripts.likelihood`: did these transcripts come from these weights, by somebody who holds the weights?

use std::collections::BTreeSet;

use crate::check::arms::escaped;
use crate::check::{Case, Check, Finding, Outcome};

pub(in crate::check) const ENTRY: &dyn Check = &TranscriptsLikelihood;
const ID: &str = "transcripts.likelihood";

struct TranscriptsLikelihood;

impl Check for TranscriptsLikelihood {
    fn id(&self) -> &'static str {
        ID
    }

    fn question(&self) -> &'static str {
        "Did somebody who holds the weights see that these transcripts are theirs, and not those of another model?"
    }

    fn run(&self, case: &Case<'_>) -> Finding {
        if case.claim.is_none() {
            return Finding::new(ID, Outcome::Unknown, "the claim is not disclosed").withheld();
        }
        let logs = case.input_entries().filter_map(|index| case.evidence.entries.get(&index));
        let issuers: BTreeSet<String> = logs.map(|entry| escaped(&entry.claims().issuer)).collect();
        let issuers: Vec<String> = issuers.into_iter().map(|issuer| format!("\"{issuer}\"")).collect();
        let who = if issuers.is_empty() { "nobody here".to_owned() } else { issuers.join(" and ") };
        // Nothing in this version's evidence says that somebody scored transcripts under the weights.
        Finding::new(
            ID,
            Outcome::Unknown,
            format!("that these transcripts came from these weights is the word of {who}"),
        )
        .at(case.input_entries())
        .next("ask who holds the weights to score transcripts that you draw, under every checkpoint on record")
    }
}

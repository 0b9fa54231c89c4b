//! `ledger.links`: does the chain run unbroken from the claim to everything it rests on?

use crate::check::{Case, Check, Finding, Outcome, Target};

pub(in crate::check) const ENTRY: &dyn Check = &LedgerLinks;
const ID: &str = "ledger.links";

struct LedgerLinks;

impl Check for LedgerLinks {
    fn id(&self) -> &'static str {
        ID
    }

    fn question(&self) -> &'static str {
        "Does every link from the claim back to its inputs point to an earlier entry that really carries that digest?"
    }

    fn concerns(&self, _: Target) -> bool {
        true
    }

    fn run(&self, case: &Case<'_>) -> Finding {
        let links = &case.evidence.links;
        if links.missing.is_empty() {
            return Finding::new(
                ID,
                Outcome::Pass,
                format!("{} links hold; the claim reaches {} entries", links.checked, links.reached.len()),
            )
            .at(links.reached.iter().copied());
        }
        let finding = Finding::new(
            ID,
            Outcome::Unknown,
            format!("{} links of the claim's chain lead to entries that are not here", links.missing.len()),
        )
        .next("ask for evidence cut with the whole chain (`reproledger prove` includes it)");
        links.missing.iter().take(10).fold(finding, |finding, missing| finding.note(missing.to_string()))
    }
}

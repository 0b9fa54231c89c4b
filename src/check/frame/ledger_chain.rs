//! `ledger.chain`: are the entries the ones under the signed head, each at its place?

use crate::check::{Case, Check, Finding, Outcome, Target};

pub(in crate::check) const ENTRY: &dyn Check = &LedgerChain;
const ID: &str = "ledger.chain";

struct LedgerChain;

impl Check for LedgerChain {
    fn id(&self) -> &'static str {
        ID
    }

    fn question(&self) -> &'static str {
        "Is every entry shown here exactly the one that the signed head of the ledger covers, at its place?"
    }

    fn concerns(&self, _: Target) -> bool {
        true
    }

    fn run(&self, case: &Case<'_>) -> Finding {
        // A case exists only for evidence whose signatures, places and proofs held.
        let evidence = case.evidence;
        let finding = Finding::new(
            ID,
            Outcome::Pass,
            format!(
                "{} of {} entries are in place under the signed head, with their signatures; the census covers entries {} to {}",
                evidence.entries.len(),
                evidence.head.size,
                evidence.census_first,
                evidence.head.size.0.saturating_sub(1),
            ),
        );
        match evidence.anchors.len() {
            0 => finding,
            count => finding.note(format!("the head extends {count} earlier heads shown with it")),
        }
    }
}

//! `time.order`: is everything the claim rests on recorded before it, in the ledger's own order?

use crate::check::{Case, Check, Finding, Outcome, Target};
use crate::statement::Kind;

pub(in crate::check) const ENTRY: &dyn Check = &TimeOrder;
const ID: &str = "time.order";

struct TimeOrder;

impl Check for TimeOrder {
    fn id(&self) -> &'static str {
        ID
    }

    fn question(&self) -> &'static str {
        "Was everything the claim rests on recorded before the claim, going by the ledger's order and not by clocks?"
    }

    fn concerns(&self, _: Target) -> bool {
        true
    }

    fn run(&self, case: &Case<'_>) -> Finding {
        // Links to a later entry were refused before a case could exist, and so were times that go back.
        let evidence = case.evidence;
        let steps: Vec<_> = evidence
            .entries
            .iter()
            .filter(|(_, entry)| entry.payload().kind == Kind::ClockStep)
            .map(|(index, _)| *index)
            .collect();
        let finding = Finding::new(
            ID,
            Outcome::Pass,
            "every entry the claim rests on stands before it in the ledger, and recorded times never go back",
        )
        .note("times are the lab's own clock; only an outside witness or timestamp bounds them");
        match steps.len() {
            0 => finding,
            count => finding.note(format!("the lab's clock went back {count} times, as recorded")).at(steps),
        }
    }
}

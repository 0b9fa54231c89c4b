//! `stat.aggregation`: would another order of averaging print another number?

use crate::check::stat_recompute::no_number;
use crate::check::{Case, Check, Finding, Number, Outcome};
use crate::statement::Claim;
use crate::stats::decimal::decimal_digits;

pub(super) const ENTRY: &dyn Check = &StatAggregation;
const ID: &str = "stat.aggregation";

struct StatAggregation;

impl Check for StatAggregation {
    fn id(&self) -> &'static str {
        ID
    }

    fn question(&self) -> &'static str {
        "Is the order of averaging the claimed one, and would another order give another number?"
    }

    fn run(&self, case: &Case<'_>) -> Finding {
        match case.number() {
            Ok((claim, number)) => judge(claim, number).at(case.input_entries()),
            Err(problem) => no_number(ID, problem),
        }
    }
}

/// Says by which steps the number was computed, and what other steps give.
pub(super) fn judge(claim: &Claim, number: &Number) -> Finding {
    let steps: Vec<_> = claim.aggregation.iter().map(|step| step.name()).collect();
    let finding = Finding::new(ID, Outcome::Pass, format!("computed as claimed: {}", steps.join(", then ")));
    if number.by_sample.mean == number.by_rollout.mean {
        return finding.note("averaging epochs first or all rollouts at once gives the same number");
    }
    finding.note(format!(
        "epochs first gives {}, all rollouts at once {}",
        decimal_digits(&number.by_sample.mean, 6),
        decimal_digits(&number.by_rollout.mean, 6)
    ))
}

//! `stat.aggregation`: would another order of averaging print another number?

use crate::check::stat_recompute::no_number;
use crate::check::{Case, Check, Finding, Number, Outcome};
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
        let number = match Number::of(case) {
            Ok(number) => number,
            Err(problem) => return no_number(ID, &problem),
        };
        let steps: Vec<_> = case.claim.iter().flat_map(|claim| &claim.aggregation).map(|step| step.name()).collect();
        let finding = Finding::new(ID, Outcome::Pass, format!("computed as claimed: {}", steps.join(", then ")))
            .at(case.input_entries());
        if number.by_sample.mean == number.by_rollout.mean {
            return finding.note("averaging epochs first or all rollouts at once gives the same number");
        }
        finding.note(format!(
            "epochs first gives {}, all rollouts at once {}",
            decimal_digits(&number.by_sample.mean, 6),
            decimal_digits(&number.by_rollout.mean, 6)
        ))
    }
}

//! `stat.aggregation`: would another order of averaging print another number?

use crate::check::arms::{ClaimedArm, arm_name, claimed, join};
use crate::check::statistic::conditions::beside;
use crate::check::statistic::stat_recompute::no_number;
use crate::check::{Case, Check, Finding, Number, Outcome};
use crate::statement::Claim;
use crate::stats::decimal::decimal_digits;

pub(in crate::check) const ENTRY: &dyn Check = &StatAggregation;
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
pub(in crate::check) fn judge(claim: &Claim, number: &Number) -> Finding {
    join(ID, claimed(claim, number).iter().map(|arm| (arm_name(arm.label), judge_arm(claim, arm))).collect())
}

fn judge_arm(claim: &Claim, arm: &ClaimedArm<'_>) -> Finding {
    let steps: Vec<_> = claim.aggregation.iter().map(|step| step.name()).collect();
    let finding = Finding::new(ID, Outcome::Pass, format!("computed as claimed: {}", steps.join(", then ")));
    let rate = arm.rate;
    let beside = beside(rate, claim.metric.direction);
    let finding = beside.hidden.into_iter().fold(finding, Finding::warn);
    let finding = beside.notes.into_iter().fold(finding, Finding::note);
    let mut others = rate.by_steps.iter().filter(|(_, value)| **value != rate.value).peekable();
    if others.peek().is_none() {
        return finding.note("no other order of averaging gives another number");
    }
    others.fold(finding, |finding, (name, value)| {
        finding.note(format!("{name} it would be {}", decimal_digits(value, 6)))
    })
}

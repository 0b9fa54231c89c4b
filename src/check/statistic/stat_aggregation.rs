//! `stat.aggregation`: would another order of averaging print another number?

use crate::check::arms::{ClaimedArm, claimed, escaped, join};
use crate::check::statistic::stat_recompute::no_number;
use crate::check::{Case, Check, Finding, Number, Outcome, Rate};
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
    join(ID, claimed(claim, number).iter().map(|arm| (arm.label.to_owned(), judge_arm(claim, arm))).collect())
}

fn judge_arm(claim: &Claim, arm: &ClaimedArm<'_>) -> Finding {
    let steps: Vec<_> = claim.aggregation.iter().map(|step| step.name()).collect();
    let finding = Finding::new(ID, Outcome::Pass, format!("computed as claimed: {}", steps.join(", then ")));
    let rate = arm.rate;
    let finding = range(rate).into_iter().fold(finding, Finding::note);
    let mut others = rate.by_steps.iter().filter(|(_, value)| **value != rate.value).peekable();
    if others.peek().is_none() {
        return finding.note("no other order of averaging gives another number");
    }
    others.fold(finding, |finding, (name, value)| {
        finding.note(format!("{name} it would be {}", decimal_digits(value, 6)))
    })
}

/// How far apart the conditions lie: a mean may hide one of them.
fn range(rate: &Rate) -> Option<String> {
    let means = rate.condition_means();
    let lowest = means.iter().min_by(|left, right| left.1.cmp(right.1))?;
    let highest = means.iter().max_by(|left, right| left.1.cmp(right.1))?;
    (means.len() > 1).then(|| {
        format!(
            "over {} conditions the rate goes from {} ({}) to {} ({})",
            means.len(),
            decimal_digits(lowest.1, 4),
            escaped(lowest.0),
            decimal_digits(highest.1, 4),
            escaped(highest.0)
        )
    })
}

//! `stat.denominator`: is the rate divided by what the claim says, and how far could missing rows move it?

use num_traits::Signed;

use crate::check::arms::{ClaimedArm, arm_name, claimed, join};
use crate::check::statistic::stat_recompute::no_number;
use crate::check::{Case, Check, Finding, Number, Outcome, Role};
use crate::statement::{Claim, Direction};
use crate::stats::decimal::decimal_digits;
use crate::stats::{Bounds, Incomplete, IncompleteArms, bounds};

pub(in crate::check) const ENTRY: &dyn Check = &StatDenominator;
const ID: &str = "stat.denominator";

struct StatDenominator;

impl Check for StatDenominator {
    fn id(&self) -> &'static str {
        ID
    }

    fn question(&self) -> &'static str {
        "Is the number over as many samples as the claim says, and how far could samples without a score move it?"
    }

    fn run(&self, case: &Case<'_>) -> Finding {
        match case.number() {
            Ok((claim, number)) => judge(claim, number).at(case.input_entries()),
            Err(problem) => no_number(ID, problem),
        }
    }
}

/// Holds each claimed n to the counted one.
pub(in crate::check) fn judge(claim: &Claim, number: &Number) -> Finding {
    let finding =
        join(ID, claimed(claim, number).iter().map(|arm| (arm_name(arm.label), judge_arm(claim, arm))).collect());
    match at_worst(number) {
        Some(Bounds { low, high }) => {
            let said = format!(
                "with the missing rows at their worst in each arm, subject minus comparator lies between {} and {}",
                decimal_digits(&low, 6),
                decimal_digits(&high, 6)
            );
            // Rows that are missing may make the difference that is claimed.
            if low.is_negative() && high.is_positive() { finding.warn(said) } else { finding.note(said) }
        }
        None => finding,
    }
}

/// The difference of the arms with every missing row against it, and for it; none where no row is missing.
fn at_worst(number: &Number) -> Option<Bounds> {
    let incomplete = |role| {
        let rate = number.rate(role)?;
        let counted = rate.by_rollout.proportion()?;
        Some((Incomplete::new(counted.k(), rate.rows.scored, rate.rows.expected?).ok()?, rate.rows.missing()?))
    };
    let ((subject, missing), (comparator, more)) = (incomplete(Role::Subject)?, incomplete(Role::Comparator)?);
    if missing + more == 0 {
        return None;
    }
    IncompleteArms { subject, comparator }.difference().ok()
}

fn judge_arm(claim: &Claim, arm: &ClaimedArm<'_>) -> Finding {
    let number = arm.rate;
    let rows = number.rows;
    let expected = rows.expected.map_or_else(|| "unknown".to_owned(), |rows| rows.to_string());
    let found =
        format!("n = {} ({expected} rows expected, {} scored, {} valid)", number.units, rows.scored, rows.valid);
    let claimed = arm.value.n;
    let outcome = if claimed == number.units { Outcome::Pass } else { Outcome::Fail };
    let reason = match outcome {
        Outcome::Pass => format!("the number is over {claimed}, as claimed, by `{}`", claim.denominator),
        _ => format!("the number is over {}, the claim says {claimed}", number.units),
    };
    let mut finding = Finding::new(ID, outcome, reason).sides(format!("n = {claimed}"), found);
    if number.unreadable > 0 {
        let said = format!("{} scores are texts or structures that say no number, and count as 0", number.unreadable);
        // What is counted as 0 because it cannot be read must not be what makes the number good.
        let is_good = arm.is_subject == (claim.metric.direction == Direction::Lower);
        finding = if is_good && outcome == Outcome::Pass {
            Finding { outcome: Outcome::Unknown, reason: said, ..finding }
        } else {
            finding.warn(said)
        };
    }
    for (denominator, value) in &number.by_denominator {
        if *value != number.value {
            finding = finding.note(format!("by `{denominator}` it would be {}", decimal_digits(value, 6)));
        }
    }
    if let (Some(expected), Some(1..)) = (rows.expected, rows.missing())
        && let Ok(bounds) = bounds(&number.by_rollout.sum, rows.scored, expected)
    {
        finding = finding.note(format!(
            "with the missing rows all 0 or all 1 it lies between {} and {}",
            decimal_digits(&bounds.low, 6),
            decimal_digits(&bounds.high, 6)
        ));
    }
    finding
}

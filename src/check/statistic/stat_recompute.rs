//! `stat.recompute`: is the printed number what the samples give?

use num_rational::BigRational;
use num_traits::{One, Signed};

use crate::check::arms::{ClaimedArm, arm_name, claimed, join};
use crate::check::statistic::tolerance::Tolerance;
use crate::check::{Case, Check, Finding, Number, NumberProblem, Outcome, Rate};
use crate::statement::Claim;
use crate::stats::decimal::decimal_digits;
use crate::stats::{Printed, Rounding, check_rounding};

pub(in crate::check) const ENTRY: &dyn Check = &StatRecompute;
const ID: &str = "stat.recompute";

struct StatRecompute;

/// `k/n` where both are whole, else the sum in decimals over n.
pub(in crate::check) fn fraction(sum: &BigRational, units: u64) -> String {
    if sum.is_integer() { format!("{}/{units}", sum.numer()) } else { format!("{}/{units}", decimal_digits(sum, 6)) }
}

/// A finding for a number that cannot be computed.
pub(in crate::check) fn no_number(id: &'static str, problem: &NumberProblem) -> Finding {
    let finding = Finding::new(id, Outcome::Unknown, problem.to_string());
    match problem {
        NumberProblem::Withheld | NumberProblem::NoClaim => finding.withheld(),
        _ => finding,
    }
}

impl Check for StatRecompute {
    fn id(&self) -> &'static str {
        ID
    }

    fn question(&self) -> &'static str {
        "Computed again from the sample records by the claim's own rules, is the number the one that is printed?"
    }

    fn run(&self, case: &Case<'_>) -> Finding {
        match case.number() {
            Ok((claim, number)) => judge(claim, number, Tolerance::of(case).as_ref()).at(case.input_entries()),
            Err(problem) => no_number(ID, problem),
        }
    }
}

/// A rate as a reader can follow it: k/n where it is one mean, else also what was averaged.
pub(in crate::check) fn exact(rate: &Rate) -> String {
    let plain = fraction(&rate.sum, rate.units);
    if rate.is_plain() {
        return plain;
    }
    let conditions = rate.seeds.values().map(|seed| seed.conditions.len()).max().unwrap_or(0);
    format!(
        "{} (a mean over {} seeds and {conditions} conditions; all rollouts together {plain})",
        decimal_digits(&rate.value, 6),
        rate.seeds.len()
    )
}

/// Holds each printed number to the computed one.
pub(in crate::check) fn judge(claim: &Claim, number: &Number, tolerance: Option<&Tolerance<'_>>) -> Finding {
    let of_arm = |arm: &ClaimedArm<'_>| {
        let finding = judge_arm(arm);
        match (tolerance, Printed::parse(&arm.value.rate.printed)) {
            (Some(tolerance), Ok(printed)) if finding.outcome == Outcome::Fail => {
                tolerance.excuse(finding, claim, number, &arm.rate.value, &printed)
            }
            _ => finding,
        }
    };
    join(ID, claimed(claim, number).iter().map(|arm| (arm_name(arm.label), of_arm(arm))).collect())
}

fn judge_arm(arm: &ClaimedArm<'_>) -> Finding {
    let number = arm.rate;
    let text = &arm.value.rate.printed;
    let printed = match Printed::parse(text) {
        Ok(printed) => printed,
        Err(error) => return Finding::new(ID, Outcome::Fail, error.to_string()),
    };
    let exact = exact(number);
    let digits = decimal_digits(&number.value, 6);
    let shown = if number.is_plain() { format!("{exact} = {digits}") } else { digits };
    let finding = |outcome, reason: String| {
        Finding::new(ID, outcome, reason).sides(text.escape_default().to_string(), shown.clone())
    };
    // 0.63 rounds to 1 where no decimals are printed: true, and no answer to what the rate is.
    let is_whole = printed.decimals() == 0 && !printed.is_percent();
    let is_rate = number.value.is_positive() && number.value < BigRational::one();
    if is_whole && is_rate && check_rounding(&number.value, &printed).agrees() {
        return finding(
            Outcome::Unknown,
            format!("the samples give {exact}; `{text}` without a decimal does not say it"),
        )
        .next("print the rate with decimals or in percent");
    }
    // A percentage is a share of what was scored; of scores of -1 and 3 there is none, whatever their mean is.
    if printed.is_percent() && number.beyond > 0 && check_rounding(&number.value, &printed).agrees() {
        return finding(
            Outcome::Unknown,
            format!("{} scores lie below 0 or above 1: `{text}` is their mean and a share of nothing", number.beyond),
        )
        .next("print the mean as the number it is, without a percent sign");
    }
    match check_rounding(&number.value, &printed) {
        Rounding::Both => {
            finding(Outcome::Pass, format!("the samples give {exact}, which rounds to the printed {text}"))
        }
        Rounding::OnlyHalfEven => finding(
            Outcome::Pass,
            format!("the samples give {exact}, which rounds to {text} half to even (not half up)"),
        ),
        Rounding::OnlyHalfUp => finding(
            Outcome::Pass,
            format!("the samples give {exact}, which rounds to {text} half up (not half to even)"),
        ),
        Rounding::No { nearest } => finding(
            Outcome::Fail,
            format!("the samples give {exact}, which rounds to {nearest}, not {}", text.escape_default()),
        ),
    }
}

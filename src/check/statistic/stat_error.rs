//! `stat.error`: is the printed error bar what the samples give under the unit it names?

use num_traits::Zero;

use crate::check::arms::{ClaimedArm, arm_name, claimed, join};
use crate::check::statistic::stat_recompute::no_number;
use crate::check::{Case, Check, Finding, Number, Outcome, Rate};
use crate::statement::{Claim, ErrorRule, ErrorUnit};
use crate::stats::decimal::sqrt_digits;
use crate::stats::{Printed, Rounding, check_sqrt_rounding};

pub(in crate::check) const ENTRY: &dyn Check = &StatError;
const ID: &str = "stat.error";

struct StatError;

impl Check for StatError {
    fn id(&self) -> &'static str {
        ID
    }

    fn question(&self) -> &'static str {
        "Is the printed error bar right for the unit it names, and what would it be under the other units?"
    }

    fn run(&self, case: &Case<'_>) -> Finding {
        match case.number() {
            Ok((claim, number)) => judge(claim, number).at(case.input_entries()),
            Err(problem) => no_number(ID, problem),
        }
    }
}

/// Holds each printed error bar to the computed one.
pub(in crate::check) fn judge(claim: &Claim, number: &Number) -> Finding {
    let arms = claimed(claim, number);
    let finding = join(ID, arms.iter().map(|arm| (arm_name(arm.label), judge_arm(claim, arm))).collect());
    match number.reported.get("stderr").zip(arms.first()) {
        None => finding,
        Some((lexeme, arm)) => {
            let flag = match arm.rate.by_sample.units {
                0 | 1 => " (unit `sample`): flagged, an error of 0 from one unit says nothing",
                _ => " (unit `sample`)",
            };
            finding.note(format!("the log itself prints stderr {lexeme}{flag}"))
        }
    }
}

fn judge_arm(claim: &Claim, arm: &ClaimedArm<'_>) -> Finding {
    units(arm.rate).into_iter().fold(compare(claim, arm), Finding::note)
}

fn compare(claim: &Claim, arm: &ClaimedArm<'_>) -> Finding {
    let Some((rule, printed)) = claim.error.value().zip(arm.value.error.value()) else {
        let reason = match claim.error.value() {
            None => "the claim prints no error bar and says so",
            Some(_) => "the claim says what its error bars are and prints none: they are drawn",
        };
        return Finding::new(ID, Outcome::NotApplicable, reason);
    };
    let ErrorRule { unit, ddof, .. } = rule;
    let Some((square, n)) = arm.rate.error_square(*unit, *ddof) else {
        return Finding::new(
            ID,
            Outcome::Unknown,
            format!("these samples do not give an error over unit `{unit}` with ddof {ddof}"),
        );
    };
    if n < 2 {
        return Finding::new(
            ID,
            Outcome::Unknown,
            format!("there is one {unit} only: no error can be estimated from it, whatever is printed"),
        )
        .next("claim the error over a unit of which there are several");
    }
    let figure = match Printed::parse(&printed.printed) {
        Ok(figure) => figure,
        Err(error) => return Finding::new(ID, Outcome::Fail, error.to_string()),
    };
    let digits = sqrt_digits(&square, 8);
    let (outcome, reason) = match check_sqrt_rounding(&square, &figure) {
        Rounding::No { nearest } => (
            Outcome::Fail,
            format!(
                "over {n} {unit}s the standard error rounds to {nearest}, not {}",
                printed.printed.escape_default()
            ),
        ),
        _ if square.is_zero() => {
            (Outcome::Unknown, format!("all {n} {unit}s give the same: an error of 0 is no estimate of anything"))
        }
        _ if figure.value().is_zero() => (
            Outcome::Unknown,
            format!(
                "over {n} {unit}s the standard error is {digits}; printed so coarsely that it is 0 it says nothing"
            ),
        ),
        _ => (Outcome::Pass, format!("over {n} {unit}s the standard error is {digits}, as printed")),
    };
    Finding::new(ID, outcome, reason).sides(printed.printed.escape_default().to_string(), digits)
}

/// The error under each unit that can be computed here.
fn units(rate: &Rate) -> Vec<String> {
    let mut notes = Vec::new();
    for unit in ErrorUnit::ALL {
        if let Some((square, n)) = rate.error_square(*unit, 1) {
            notes.push(format!("unit `{unit}`: {} over {n}", sqrt_digits(&square, 6)));
        }
    }
    notes
}

//! `stat.recompute`: is the printed number what the samples give?

use num_rational::BigRational;
use num_traits::{One, Signed};

use crate::check::{Case, Check, Finding, Number, NumberProblem, Outcome};
use crate::statement::Claim;
use crate::stats::decimal::decimal_digits;
use crate::stats::{Printed, Rounding, check_rounding};

pub(super) const ENTRY: &dyn Check = &StatRecompute;
const ID: &str = "stat.recompute";

struct StatRecompute;

/// `k/n` where both are whole, else the sum in decimals over n.
pub(super) fn fraction(sum: &BigRational, units: u64) -> String {
    if sum.is_integer() { format!("{}/{units}", sum.numer()) } else { format!("{}/{units}", decimal_digits(sum, 6)) }
}

/// A finding for a number that cannot be computed.
pub(super) fn no_number(id: &'static str, problem: &NumberProblem) -> Finding {
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
            Ok((claim, number)) => judge(claim, number).at(case.input_entries()),
            Err(problem) => no_number(ID, problem),
        }
    }
}

/// Holds the printed number to the computed one.
pub(super) fn judge(claim: &Claim, number: &Number) -> Finding {
    let text = &claim.value.subject.rate.printed;
    let printed = match Printed::parse(text) {
        Ok(printed) => printed,
        Err(error) => return Finding::new(ID, Outcome::Fail, error.to_string()),
    };
    let exact = fraction(&number.sum, number.units);
    let shown = format!("{exact} = {}", decimal_digits(&number.value, 6));
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

//! When a printed number that is off is a tolerated difference, and when it is a wrong number.
//!
//! Only by a margin that was promised before the first score, and only where what the claim asserts holds for the number
//! as it was recomputed. Everything else would let a lab choose how wrong it may be.

use num_rational::BigRational;
use num_traits::Signed;

use crate::check::frame::claim_prereg;
use crate::check::statistic::drawing::Drawing;
use crate::check::statistic::stat_assertion;
use crate::check::{Case, Finding, Number, Outcome};
use crate::statement::Claim;
use crate::stats::Printed;
use crate::stats::decimal::decimal_digits;

/// A margin that the claim's protocol promised.
pub(in crate::check) struct Tolerance<'c> {
    margin: BigRational,
    drawing: &'c Drawing,
}

impl<'c> Tolerance<'c> {
    /// The margin of a case; none where no protocol states one, or where the claim does not keep to its protocol.
    pub(in crate::check) fn of(case: &'c Case<'_>) -> Option<Self> {
        let margin = claim_prereg::cited(case)?.margins.tolerance.value()?;
        let margin = Printed::parse(margin).ok()?.value();
        let is_promised = claim_prereg::judge(case).outcome == Outcome::Pass;
        (is_promised && !margin.is_negative()).then(|| Self { margin, drawing: case.drawing() })
    }

    /// What becomes of a finding that the printed number is not `exact`.
    pub(in crate::check) fn excuse(
        &self,
        finding: Finding,
        claim: &Claim,
        number: &Number,
        exact: &BigRational,
        printed: &Printed,
    ) -> Finding {
        let off = (printed.value() - exact).abs();
        let (off_digits, margin) = (decimal_digits(&off, 6), decimal_digits(&self.margin, 6));
        if off > self.margin {
            return finding.note(format!("off by {off_digits}, beyond the tolerance of {margin} that was promised"));
        }
        match stat_assertion::judge(claim, number, self.drawing).outcome {
            Outcome::Pass | Outcome::NotApplicable => Finding { outcome: Outcome::Differs, ..finding }.note(format!(
                "off by {off_digits}, within the tolerance of {margin} that was promised; what is asserted holds for the \
                 recomputed number"
            )),
            _ => finding.note(format!(
                "off by {off_digits}, within the tolerance of {margin}; but what is asserted does not hold for the \
                 recomputed number"
            )),
        }
    }
}

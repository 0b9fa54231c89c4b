//! The aggregation of a claim as a path from rollouts to one number.

use super::NumberProblem;
use crate::statement::{Claim, Step};
use crate::stats::ErrorUnit;

/// How rollouts become the number of an arm: over what first, then whether each condition and each seed counts alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Steps {
    /// What the first mean is over: samples (their epochs reduced before) or all rollouts.
    pub(super) inner: ErrorUnit,
    /// Conditions count alike, whatever their size.
    pub(super) by_condition: bool,
    /// Seeds count alike.
    pub(super) by_seed: bool,
}

impl Steps {
    /// The path that a claim states: `mean(rollouts)`, or `mean(epochs)` and `mean(samples)`; then, where they are said,
    /// `macro(conditions)` and `mean(seeds)`. Where a condition is one sample, `mean(samples)` may be left out.
    pub(super) fn of(claim: &Claim) -> Result<Self, NumberProblem> {
        let steps = claim.aggregation.as_slice();
        let refuse = || {
            let names: Vec<_> = steps.iter().map(|step| step.name()).collect();
            NumberProblem::Unsupported(format!("the aggregation [{}]", names.join(", ")))
        };
        let (inner, rest) = match steps {
            [Step::MeanRollouts, rest @ ..] => (ErrorUnit::Rollout, rest),
            [Step::MeanEpochs, Step::MeanSamples, rest @ ..] => (ErrorUnit::Sample, rest),
            [Step::MeanEpochs, rest @ ..]
                if claim.eval.samples == 1 && rest.first() == Some(&Step::MacroConditions) =>
            {
                (ErrorUnit::Sample, rest)
            }
            _ => return Err(refuse()),
        };
        let (by_condition, by_seed) = match rest {
            [] => (false, false),
            [Step::MacroConditions] => (true, false),
            [Step::MeanSeeds] => (false, true),
            [Step::MacroConditions, Step::MeanSeeds] => (true, true),
            _ => return Err(refuse()),
        };
        Ok(Self { inner, by_condition, by_seed })
    }

    /// True where the number is one mean over samples or rollouts.
    pub(super) fn is_plain(self) -> bool {
        !self.by_condition && !self.by_seed
    }
}

//! The named checks: each looks at verified evidence from one side and answers PASS, DIFFERS, FAIL, UNKNOWN or N/A.
//!
//! The ids are the contract: they appear in reports, policies and tests. A check that could not look says UNKNOWN and
//! why; nothing unchecked is ever shown as passed. Pure, like everything below it.

mod arms;
mod case;
mod commits;
mod completeness;
mod corpus;
mod derived;
mod evaluation;
mod explain;
mod figures;
mod frame;
mod later;
mod material;
mod number;
mod observed;
mod rebuilt;
mod spec;
mod standing;
mod statistic;
mod training;
mod understood;

use crate::codec::wire_enum;
use crate::merkle::EntryIndex;
use crate::statement::Claim;
use statistic::drawing::Drawing;

pub use arms::arm_name;
pub use case::{Age, Case, Input, InputProblem, Target};
pub use evaluation::judge_audit::audits;
pub use explain::{Explanation, explain};
pub use figures::{Bar, Figure, Figures, MAX_ROWS, MAX_SEEDS};
pub use later::Later;
pub use number::{CellRate, InputSamples, Number, NumberProblem, Rate, Role, SeedRate, Side};
pub use observed::{
    Apart, ArtifactSeen, CommitSeen, Example, HeldOut, Kinship, LevelMet, LevelsMet, OVERLAP_LEAST, OVERLAP_RUN,
    Observed, Overlap, Rederived, Replayed, Reread, Shared, TokenCount, Tokens, Unread,
};
pub use rebuilt::{Attested, Rebuilds, RunAgain, made};
pub use standing::Standing;
pub use statistic::stat_gates::MAX_GATES;

wire_enum! {
    /// What a check found.
    pub enum Outcome, "a check outcome" {
        /// It holds.
        Pass = 0 "PASS",
        /// It does not apply to this claim; the claim's own shape says so, never missing data.
        NotApplicable = 1 "N/A",
        /// It was recomputed and differs by a stated amount that the claim tolerates.
        Differs = 2 "DIFFERS",
        /// It could not be established.
        Unknown = 3 "UNKNOWN",
        /// It is contradicted.
        Fail = 4 "FAIL",
    }
}

/// The result of one named check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Id of the check.
    pub check: &'static str,
    /// What it found.
    pub outcome: Outcome,
    /// One sentence.
    pub reason: String,
    /// What was said or needed, where there are two sides.
    pub expected: Option<String>,
    /// What is.
    pub found: Option<String>,
    /// Entries it rests on.
    pub entries: Vec<EntryIndex>,
    /// Things worth knowing that decide nothing.
    pub notes: Vec<String>,
    /// Things that decide nothing either, and that a reader of the verdict must see even where everything holds.
    pub warnings: Vec<String>,
    /// What a reader can do next.
    pub next: Option<String>,
    /// True when an UNKNOWN comes from something the lab keeps back, not from something missing.
    pub is_withheld: bool,
}

impl Finding {
    /// A finding with its sentence alone.
    pub fn new(check: &'static str, outcome: Outcome, reason: impl Into<String>) -> Self {
        Self {
            check,
            outcome,
            reason: reason.into(),
            expected: None,
            found: None,
            entries: Vec::new(),
            notes: Vec::new(),
            warnings: Vec::new(),
            next: None,
            is_withheld: false,
        }
    }

    /// With the two sides of a comparison.
    #[must_use]
    pub fn sides(mut self, expected: impl Into<String>, found: impl Into<String>) -> Self {
        self.expected = Some(expected.into());
        self.found = Some(found.into());
        self
    }

    /// With the entries it rests on.
    #[must_use]
    pub fn at(mut self, entries: impl IntoIterator<Item = EntryIndex>) -> Self {
        self.entries.extend(entries);
        self
    }

    /// With a note.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// With a warning.
    #[must_use]
    pub fn warn(mut self, warning: impl Into<String>) -> Self {
        self.warnings.push(warning.into());
        self
    }

    /// With a next step.
    #[must_use]
    pub fn next(mut self, next: impl Into<String>) -> Self {
        self.next = Some(next.into());
        self
    }

    /// UNKNOWN because the lab keeps something back.
    #[must_use]
    pub fn withheld(mut self) -> Self {
        self.is_withheld = true;
        self
    }
}

/// One named check.
pub trait Check: Sync {
    /// Its id in the catalogue.
    fn id(&self) -> &'static str;
    /// What it asks, in one line for a reader who is no programmer.
    fn question(&self) -> &'static str;
    /// Whether it has anything to say about such evidence; most are about claims.
    fn concerns(&self, target: Target) -> bool {
        target == Target::Claim
    }
    /// Looks.
    fn run(&self, case: &Case<'_>) -> Finding;
}

/// Every check, in the order findings are reported.
pub static CHECKS: &[&dyn Check] = &[
    frame::ledger_chain::ENTRY,
    frame::ledger_keys::ENTRY,
    frame::ledger_links::ENTRY,
    frame::item_inclusion::ENTRY,
    frame::item_content::ENTRY,
    frame::claim_complete::ENTRY,
    frame::claim_prereg::ENTRY,
    spec::spec_bytes::ENTRY,
    spec::spec_render::ENTRY,
    spec::spec_coverage::ENTRY,
    corpus::prompt_templates::ENTRY,
    corpus::gen_receipts::ENTRY,
    corpus::tree_census::ENTRY,
    corpus::docs_quality::ENTRY,
    corpus::docs_identity::ENTRY,
    corpus::dataset_rebuild::ENTRY,
    corpus::dataset_published::ENTRY,
    corpus::dataset_counts::ENTRY,
    corpus::dataset_transforms::ENTRY,
    corpus::aft_partition::ENTRY,
    corpus::aft_strip::ENTRY,
    corpus::mix_composition::ENTRY,
    corpus::contamination::ENTRY,
    corpus::ood_heldout::ENTRY,
    training::base_identity::ENTRY,
    training::train_inputs::ENTRY,
    training::train_effort::ENTRY,
    training::ckpt_files::ENTRY,
    training::ckpt_tensors::ENTRY,
    training::ckpt_parent::ENTRY,
    training::arms_baseline::ENTRY,
    training::arms_matched::ENTRY,
    training::arms_distinct::ENTRY,
    evaluation::eval_code::ENTRY,
    evaluation::eval_model::ENTRY,
    evaluation::eval_prompts::ENTRY,
    evaluation::eval_params::ENTRY,
    evaluation::judge_identity::ENTRY,
    evaluation::judge_audit::ENTRY,
    evaluation::log_integrity::ENTRY,
    evaluation::samples_complete::ENTRY,
    evaluation::samples_distinct::ENTRY,
    evaluation::samples_derived::ENTRY,
    corpus::rows_derived::ENTRY,
    training::tensors_derived::ENTRY,
    evaluation::scores_rederive::ENTRY,
    evaluation::transcripts_likelihood::ENTRY,
    statistic::stat_recompute::ENTRY,
    statistic::stat_denominator::ENTRY,
    statistic::stat_aggregation::ENTRY,
    statistic::stat_error::ENTRY,
    statistic::stat_contrast::ENTRY,
    statistic::stat_gap::ENTRY,
    statistic::stat_assertion::ENTRY,
    statistic::stat_multiplicity::ENTRY,
    statistic::stat_gates::ENTRY,
    statistic::stat_sensitivity::ENTRY,
    completeness::attempts_all::ENTRY,
    completeness::supersede::ENTRY,
    completeness::availability::ENTRY,
    completeness::rebuild_attested::ENTRY,
    completeness::time_order::ENTRY,
];

/// Runs every check that concerns what the evidence is about.
pub fn run_all(case: &Case<'_>) -> Vec<Finding> {
    CHECKS
        .iter()
        .filter(|check| check.concerns(case.target()))
        .map(|check| {
            let finding = check.run(case);
            debug_assert_eq!(finding.check, check.id(), "a check reports under its own id");
            finding
        })
        .collect()
}

/// The checks of a claim's number alone, before there is any evidence.
pub fn check_number(claim: &Claim, inputs: &[InputSamples<'_, '_>]) -> Result<Vec<Finding>, NumberProblem> {
    let number = Number::compute(claim, inputs)?;
    Ok(vec![
        statistic::stat_recompute::judge(claim, &number, None),
        statistic::stat_denominator::judge(claim, &number),
        statistic::stat_aggregation::judge(claim, &number),
        statistic::stat_error::judge(claim, &number),
        statistic::stat_contrast::judge(claim, &number, &Drawing::default(), None),
    ])
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
pub(crate) mod tests;

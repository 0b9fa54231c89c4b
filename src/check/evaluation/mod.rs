//! Evaluations: the log, its samples, their judge.

pub(super) mod eval_code;
pub(super) mod eval_model;
pub(super) mod eval_params;
pub(super) mod eval_prompts;
pub(super) mod judge_audit;
pub(super) mod judge_identity;
pub(super) mod log_integrity;
mod logs;
pub(super) mod samples_complete;
pub(super) mod samples_derived;
pub(super) mod samples_distinct;
mod scored;
pub(super) mod scores_rederive;
pub(super) mod transcripts_likelihood;

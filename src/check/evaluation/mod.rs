//! Evaluations: the log, its samples, their judge.

pub(super) mod judge_audit;
pub(super) mod judge_identity;
pub(super) mod log_integrity;
pub(super) mod samples_complete;
pub(super) mod samples_derived;
pub(super) mod scores_rederive;
